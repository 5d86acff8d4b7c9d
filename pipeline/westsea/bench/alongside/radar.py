"""Sentinel-1 of placed blobs: hulls by either model on a sea, and what is mistaken for hulls.

A blob lies where it is imaged: of one under way, the shift along the track is left out, and its
wake begins at its image, where it does the most harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate

from westsea.bench.alongside.hull_models import MODELS, Model
from westsea.bench.alongside.laws import Blob
from westsea.bench.alongside.places import Placed
from westsea_catalog.archive import sar
from westsea_catalog.archive.formations import Berth
from westsea_catalog.archive.frame import SPACING_M, Frame
from westsea_catalog.archive.hulls import Polarization
from westsea_catalog.archive.layout import rectangle
from westsea_catalog.archive.sar import Pass, Target
from westsea_catalog.archive.scatterers import Scatterers
from westsea_catalog.archive.scenes import SeaState
from westsea_catalog.archive.seas import RadarSea, backscatter
from westsea_catalog.grid import AffineGrid

Float = NDArray[np.float64]
Image = NDArray[np.float32]

SEA_SHARES: dict[SeaState, float] = {"calm": 0.3, "moderate": 0.4, "rough": 0.3}

ASCENDING_DEG, DESCENDING_DEG, HEADING_SPREAD_DEG = -12.0, -168.0, 2.0
INCIDENCE_DEG = (31.0, 45.0)
NOISE_DB = (-26.0, -22.0)

BLUR_M = 22.0
"""By how much a hull's image exceeds it, in length and in width."""
LEVEL_REACH_PX = 30
"""The sea of a blob is that of the square that reaches so far from it."""
SIDELOBES_M = 220.0
"""How far a hull's are drawn: there they are 34 dB below its peak, and half the time is saved."""
SHIFT_LIMIT_M = 15.0
"""No hull of a blob is imaged farther along the track from where it is."""

WAKE_LENGTHS, WAKE_LIMIT_M = (1.5, 5.0), 450.0
WAKE_DB, WAKE_OFF_DEG = (2.0, 6.0), 15.0
WAKE_SD_M = (8.0, 18.0)
"""Half its width, as imaged."""
RANGE_TAIL_DB, RANGE_TAIL_M = (-12.0, -5.0), (10.0, 60.0)
"""Power of multiple bounces to their hull's, and the length over which they fade."""
AZIMUTH_TAIL, AZIMUTH_TAIL_M = (0.05, 0.30), (20.0, 70.0)
"""Share of a hull's power that things which move on it smear to one side, and how far."""
TAIL_LIMIT_M = 200.0
_TAIL_COPIES = 4
"""Echoes that each scatterer sends into a tail: together they are smooth."""


@dataclass(frozen=True)
class _Ranges:
    """What a sea state is drawn from; the levels are at 38 degrees of incidence."""

    vv_db: tuple[float, float]
    vh_db: tuple[float, float]
    order: tuple[float, float]
    correlation_m: tuple[float, float]
    trend_db: tuple[float, float]
    streaks_db: tuple[float, float]
    swell_db: tuple[float, float]
    roll_rad_s: tuple[float, float]
    smear_m: tuple[float, float]
    shift_m: tuple[float, float]


# About the scenes of the archive. The level falls by 0.45 dB a degree, as theirs do.
_SEAS: dict[SeaState, _Ranges] = {
    "calm": _Ranges((-20.5, -18.0), (-39.0, -36.0), (12.0, 20.0), (150.0, 200.0), (0.5, 0.9),
                    (0.0, 0.1), (0.0, 0.1), (0.002, 0.005), (5.0, 6.5), (3.0, 4.0)),
    "moderate": _Ranges((-17.5, -14.5), (-35.0, -32.0), (7.0, 13.0), (110.0, 160.0), (0.3, 0.6),
                        (0.0, 0.5), (0.0, 0.4), (0.004, 0.010), (6.0, 9.0), (3.0, 6.0)),
    "rough": _Ranges((-13.5, -10.5), (-31.5, -28.0), (4.0, 7.0), (110.0, 180.0), (0.3, 0.6),
                     (0.2, 0.6), (0.3, 0.8), (0.010, 0.018), (9.0, 12.0), (5.0, 8.0)),
}  # fmt: skip
_FALL_DB_PER_DEG, _MIDDLE_DEG = 0.45, 38.0


def draw_pass(rng: np.random.Generator, *, ascending: bool) -> Pass:
    """Draw how the radar flies over."""
    heading = ASCENDING_DEG if ascending else DESCENDING_DEG
    return Pass(
        heading + float(rng.uniform(-HEADING_SPREAD_DEG, HEADING_SPREAD_DEG)),
        incidence_deg=float(rng.uniform(*INCIDENCE_DEG)),
        noise_db=float(rng.uniform(*NOISE_DB)),
    )


def draw_state(rng: np.random.Generator) -> SeaState:
    """Draw a sea state by `SEA_SHARES`."""
    states = list(SEA_SHARES)
    return states[int(rng.choice(len(states), p=list(SEA_SHARES.values())))]


def draw_sea(rng: np.random.Generator, state: SeaState, incidence_deg: float) -> RadarSea:
    """Draw the sea of a state."""
    drawn: dict[str, Any] = {
        name: float(rng.uniform(*limits)) for name, limits in vars(_SEAS[state]).items()
    }
    drawn["vv_db"] -= _FALL_DB_PER_DEG * (incidence_deg - _MIDDLE_DEG)
    wind = float(rng.uniform(0.0, 360.0))
    return RadarSea(
        **drawn,
        wind_deg=wind,
        streak_m=float(rng.uniform(1200.0, 2000.0)),
        swell_m=float(rng.uniform(150.0, 250.0)),
        swell_deg=wind + float(rng.normal(0.0, 40.0)),
    )


def image(
    rng: np.random.Generator,
    placed: Sequence[Placed],
    radar: Pass,
    sea: RadarSea,
    grid: AffineGrid,
    *,
    model: Model = "own",
    makes: Sequence[int] = (0,),
) -> dict[Polarization, Image]:
    """Image blobs.

    Parameters
    ----------
    rng
        Draws sea, speckle and what of the hulls a pass sees anew.
    placed
        What is imaged, and where.
    radar, sea
        How the radar flies, and over what.
    grid
        Of the image.
    model
        By which hulls return the signal.
    makes
        Seed of what hulls keep from pass to pass.

    Returns
    -------
    gamma0 by polarisation, linear, (rows, cols).
    """
    frame = Frame(grid, radar.heading_deg)
    surface = backscatter(rng, frame, sea)
    noise = 10 ** (radar.noise_db / 10)
    levels = [_level(frame, each, surface["VV"]) + noise for each in placed]
    targets = []
    for number, (each, level) in enumerate(zip(placed, levels, strict=True)):
        if each.blob.kind == "wake":
            _raise_wake(rng, frame, each, surface)
        hulls = []
        for k, berth in enumerate(each.blob.berths):
            make = np.random.default_rng([*makes, number, k])
            hulls.append(MODELS[model](rng, make, berth.hull, radar.heading_deg + 90.0))
        brightness = cross_section(each.blob, level) / sum(hull.rcs["VV"].sum() for hull in hulls)
        for berth, hull in zip(each.blob.berths, hulls, strict=True):
            targets.append(_target(rng, radar, frame, sea, each, berth, _scaled(hull, brightness)))
    return sar.image_targets(rng, radar, frame, surface, targets)


def cross_section(blob: Blob, level: float) -> float:
    """Cross section (m2, VV) that gives a blob its contrast over a level of sea and noise.

    The contrast is the power of all its hulls, spread evenly over its `footprint`, to the level.
    Tails are not counted.
    """
    return float(10 ** (blob.contrast_db / 10) * level * footprint(blob).area)


def footprint(blob: Blob) -> shapely.Geometry:
    """What a blob covers as imaged, in metres (east, north) of its place.

    The union of its hulls' rectangles, `BLUR_M` longer and wider than the hulls: a sum would give
    two hulls that share a rim more light than one has.
    """
    return shapely.union_all(
        [
            translate(
                rectangle(
                    berth.hull.length_m + BLUR_M,
                    berth.hull.width_m + BLUR_M,
                    berth.hull.heading_deg,
                ),
                berth.east_m,
                berth.north_m,
            )
            for berth in blob.berths
        ]
    )


def _level(frame: Frame, placed: Placed, power: Image) -> float:
    """Mean power about a place."""
    line, sample = (round(float(at)) for at in frame.locate(placed.row, placed.col))
    rows, cols = (
        slice(max(at - LEVEL_REACH_PX, 0), at + LEVEL_REACH_PX + 1) for at in (line, sample)
    )
    return float(power[rows, cols].mean(dtype=float))


def _scaled(hull: Scatterers, factor: float) -> Scatterers:
    rcs = {pol: factor * each for pol, each in hull.rcs.items()}
    return Scatterers(hull.forward, hull.starboard, hull.height, rcs)


def _target(
    rng: np.random.Generator,
    radar: Pass,
    frame: Frame,
    sea: RadarSea,
    placed: Placed,
    berth: Berth,
    scatterers: Scatterers,
) -> Target:
    """Lay a hull on the frame, smeared, shifted and rolled by the sea, with its tail."""
    hull = berth.hull
    smear = abs(rng.normal(0.0, sea.smear_m))
    roll = rng.normal(0.0, sea.roll_rad_s) * min(1.0, (60.0 / hull.length_m) ** 0.5)
    rolled = sar.roll_shift_m(radar, hull, scatterers, roll)
    tail = _Tail.drawn(rng, placed.blob.kind, scatterers.height.size)
    with_tail = tail.added(scatterers)
    shift = _shift(rng, sea) + rolled[tail.source] + tail.along_m
    east, north = hull.to_ground(with_tail.forward, with_tail.starboard)
    looking = np.deg2rad(radar.heading_deg + 90.0)
    offset = (
        east + berth.east_m + np.sin(looking) * tail.across_m,
        north + berth.north_m + np.cos(looking) * tail.across_m,
    )
    reach = hull.length_m / 2 + float(np.hypot(berth.east_m, berth.north_m))
    reach += TAIL_LIMIT_M if tail.source.size > scatterers.height.size else 0.0
    place = frame.locate(placed.row, placed.col)
    target = sar.lay(radar, frame, with_tail, place, offset, reach, smear, shift)
    return replace(target, reach_m=min(target.reach_m, reach + SIDELOBES_M), is_exact=False)


def _shift(rng: np.random.Generator, sea: RadarSea) -> float:
    """Along the track: normal, cut off at the limit."""
    shift = float(rng.normal(0.0, sea.shift_m))
    while abs(shift) > SHIFT_LIMIT_M:
        shift = float(rng.normal(0.0, sea.shift_m))
    return shift


@dataclass(frozen=True, eq=False)
class _Tail:
    """Scatterers of a hull followed by their displaced copies, if it has a tail."""

    source: NDArray[np.int64]
    """(n,), which scatterer each is or copies."""
    power: Float
    """(n,), relative to the source's."""
    along_m: Float
    """(n,), displaced along the track."""
    across_m: Float
    """(n,), away from the radar."""

    @classmethod
    def drawn(cls, rng: np.random.Generator, kind: str, n: int) -> "_Tail":
        if kind not in ("range_tail", "azimuth_tail"):
            return cls(np.arange(n), np.ones(n), np.zeros(n), np.zeros(n))
        source = np.concatenate([np.arange(n), np.tile(np.arange(n), _TAIL_COPIES)])
        is_range = kind == "range_tail"
        fade = np.exp(rng.uniform(*np.log(RANGE_TAIL_M if is_range else AZIMUTH_TAIL_M)))
        away = np.zeros(source.size)
        copies = rng.exponential(fade, source.size - n)
        away[n:] = copies % TAIL_LIMIT_M  # the few beyond fold back, evenly
        if is_range:
            power, kept = 10 ** (rng.uniform(*RANGE_TAIL_DB) / 10), 1.0
            return cls(source, _powers(n, kept, power), np.zeros(source.size), away)
        power = rng.uniform(*AZIMUTH_TAIL)
        side = rng.choice([-1.0, 1.0])
        return cls(source, _powers(n, 1 - power, power), side * away, np.zeros(source.size))

    def added(self, hull: Scatterers) -> Scatterers:
        """The hull's scatterers with the copies."""
        rcs = {pol: each[self.source] * self.power for pol, each in hull.rcs.items()}
        forward, starboard, height = (
            each[self.source] for each in (hull.forward, hull.starboard, hull.height)
        )
        return Scatterers(forward, starboard, height, rcs)


def _powers(n: int, kept: float, lost: float) -> Float:
    return np.concatenate([np.full(n, kept), np.full(n * _TAIL_COPIES, lost / _TAIL_COPIES)])


def _raise_wake(
    rng: np.random.Generator,
    frame: Frame,
    placed: Placed,
    surface: dict[Polarization, Image],
) -> None:
    """Brighten one arm of a wake, or the edge of its turbulent part, in place; it fades."""
    hull = placed.blob.berths[0].hull
    reach = min(float(rng.uniform(*WAKE_LENGTHS)) * hull.length_m, WAKE_LIMIT_M)
    peak_db, sd_m = rng.uniform(*WAKE_DB), rng.uniform(*WAKE_SD_M)
    off = np.deg2rad(rng.uniform(-WAKE_OFF_DEG, WAKE_OFF_DEG))
    # It leaves the stern at its own side, and away from the axis.
    stern = hull.to_ground(-hull.length_m / 2, np.sign(off) * rng.uniform(0, 0.5) * hull.width_m)
    astern = hull.to_ground(-np.cos(off), np.sin(off))
    line, sample = (float(at) for at in frame.locate(placed.row, placed.col))
    size = int(np.ceil((reach + hull.length_m) / SPACING_M)) + 5
    top, left = (max(round(at) - size, 0) for at in (line, sample))
    window = slice(top, round(line) + size + 1), slice(left, round(sample) + size + 1)
    lines, samples = (np.arange(side, dtype=float) for side in frame.shape)
    along = (lines[window[0], None] - line) * SPACING_M
    across = (samples[None, window[1]] - sample) * SPACING_M
    start, way = frame.along_across(*stern), frame.along_across(*astern)
    along, across = along - start[0], across - start[1]
    behind, beside = along * way[0] + across * way[1], across * way[0] - along * way[1]
    fade = np.where(behind > 0, np.maximum(1 - behind / reach, 0.0), 0.0)
    profile = np.exp(-((beside / sd_m) ** 2) / 2)
    rise = 1 + (10 ** (peak_db * fade / 10) - 1) * profile
    for power in surface.values():
        power[window] *= rise.astype(np.float32)
