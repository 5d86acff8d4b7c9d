"""What lies in a blob: one hull, what is mistaken for more, two hulls alongside, or a raft.

One hull and several have the same law of length, contrast and sea, so that none of these tells them
apart. The laws are those of a study of hulls alongside in simulated Sentinel-1 images; they were
frozen before anything was fitted.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from westsea_catalog.archive.formations import Berth
from westsea_catalog.archive.hulls import Hull, draw_hull
from westsea_catalog.archive.layout import rectangle

Kind = Literal[
    "plain", "wide_barge", "tug_and_barge", "wake", "range_tail", "azimuth_tail", "pair", "raft"
]
SEVERAL: tuple[Kind, ...] = ("pair", "raft")
"""The kinds that are hulls alongside; the others are one hull, or two in line."""
SHARES: dict[Kind, float] = {
    "plain": 0.30,
    "wide_barge": 0.06,
    "tug_and_barge": 0.04,
    "wake": 0.04,
    "range_tail": 0.03,
    "azimuth_tail": 0.03,
    "pair": 0.425,
    "raft": 0.075,
}
"""Half are one hull, two fifths of those hard ones; 15 % of the others are rafts."""

LENGTH_M = (35.0, 250.0)
"""Of the longest hull, log-uniform, whatever the kind."""
LENGTH_RATIO = (0.3, 1.0)
SHORTEST_M = 18.0
GAP_M = (1.0, 8.0)
TURN_SD_DEG = 2.0
"""Between the axes of hulls moored to each other."""
BARGE_LENGTH_M, BARGE_LENGTH_OVER_WIDTH = (50.0, 130.0), (2.6, 3.8)
TOWED_LENGTH_M, TOWED_LENGTH_OVER_WIDTH = (50.0, 130.0), (3.0, 4.5)
TUG_LENGTH_M, TUG_LENGTH_OVER_WIDTH = (20.0, 38.0), (3.0, 3.6)
TUG_GAP_M = (0.0, 12.0)
"""A tug that pushes, or tows on a short wire: two hulls in line, not alongside."""
FISHES_BELOW_M, FISHING_SHARE = 45.0, 0.7
CONTRAST_DB = (8.0, 25.0)
"""Of a blob in VV over its sea, mean over the blurred footprint; log-uniform."""
SPEED_MS = (2.0, 8.0)
"""Of hulls that trail a wake; all others lie still."""
FOUR_HULLS = 0.25
"""Share of the rafts that have a fourth hull."""


@dataclass(frozen=True)
class Blob:
    """What is planted at one place."""

    kind: Kind
    berths: tuple[Berth, ...]
    """The hulls, the longest first, in metres (east, north) of the place."""
    contrast_db: float

    @property
    def n_hulls(self) -> int:
        """Hulls alongside one another: 1 for a tug and its barge."""
        return len(self.berths) if self.kind in SEVERAL else 1

    @property
    def length_m(self) -> float:
        """Extent of all hulls along the axis of the longest."""
        axis = self.berths[0].hull
        ends = []
        for berth in self.berths:
            outline = rectangle(berth.hull.length_m, berth.hull.width_m, berth.hull.heading_deg)
            east, north = np.asarray(outline.exterior.coords).T
            ends.append(axis.from_ground(east + berth.east_m, north + berth.north_m)[0])
        return float(np.ptp(np.concatenate(ends)))


def draw_blob(rng: np.random.Generator) -> Blob:
    """Draw one blob by the laws above."""
    kinds = list(SHARES)
    kind = kinds[int(rng.choice(len(kinds), p=list(SHARES.values())))]
    contrast_db = float(rng.uniform(*CONTRAST_DB))
    return Blob(kind, _berths(rng, kind), contrast_db)


def _berths(rng: np.random.Generator, kind: Kind) -> tuple[Berth, ...]:
    if kind == "wide_barge":
        return (Berth(_wide(rng, "barge", BARGE_LENGTH_M, BARGE_LENGTH_OVER_WIDTH)),)
    if kind == "tug_and_barge":
        return _tug_and_barge(rng)
    length = float(np.exp(rng.uniform(*np.log(LENGTH_M))))
    hull = _of_its_length(rng, draw_hull(rng, length))
    if kind == "pair":
        first = Berth(hull)
        return first, _beside(rng, first, first, int(rng.choice([-1, 1])))
    if kind == "raft":
        return _raft(rng, Berth(hull))
    speed = float(rng.uniform(*SPEED_MS)) if kind == "wake" else 0.0
    return (Berth(hull, speed_ms=speed),)


def _beside(rng: np.random.Generator, axis: Berth, other: Berth, side: int) -> Berth:
    """Draw a hull parallel to an axis on its starboard (1) or port (-1), outside another.

    No longer than the axis' own; so far along that the parallel parts of both overlap.
    """
    longest = axis.hull.length_m
    shorter = max(SHORTEST_M, longest * float(rng.uniform(*LENGTH_RATIO)))
    turn = float(rng.choice([0.0, 180.0])) + float(rng.normal(0.0, TURN_SD_DEG))
    hull = _of_its_length(rng, draw_hull(rng, shorter, axis.hull.heading_deg + turn))
    # Turned hulls need more room, or their corners would meet.
    swing = abs(np.sin(np.deg2rad(turn))) * shorter / 2
    across = (other.hull.width_m + hull.width_m) / 2 + float(rng.uniform(*GAP_M)) + swing
    reach = 0.4 * (longest - shorter) + 0.15 * shorter
    east, north = axis.hull.to_ground(rng.uniform(-reach, reach), side * across)
    # Outside the other hull, whose own place across the axis counts too.
    own = axis.hull.from_ground(other.east_m, other.north_m)[1]
    out_east, out_north = axis.hull.to_ground(0.0, own)
    return Berth(hull, float(east + out_east), float(north + out_north))


def _raft(rng: np.random.Generator, middle: Berth) -> tuple[Berth, ...]:
    """Draw a hull with another on either side, and now and then a fourth outside one of them."""
    berths = [middle, _beside(rng, middle, middle, -1), _beside(rng, middle, middle, 1)]
    if rng.uniform() < FOUR_HULLS:
        berths.append(_beside(rng, middle, berths[2], 1))
    return tuple(berths)


def _tug_and_barge(rng: np.random.Generator) -> tuple[Berth, ...]:
    barge = _wide(rng, "barge", TOWED_LENGTH_M, TOWED_LENGTH_OVER_WIDTH)
    tug = _wide(rng, "tug", TUG_LENGTH_M, TUG_LENGTH_OVER_WIDTH)
    tug = replace(tug, heading_deg=barge.heading_deg)
    ahead = (barge.length_m + tug.length_m) / 2 + float(rng.uniform(*TUG_GAP_M))
    east, north = barge.to_ground(float(rng.choice([-1.0, 1.0])) * ahead, 0.0)
    return Berth(barge), Berth(tug, float(east), float(north))


def _wide(
    rng: np.random.Generator,
    type_: Literal["barge", "tug"],
    length_m: tuple[float, float],
    length_over_width: tuple[float, float],
) -> Hull:
    length = float(np.exp(rng.uniform(*np.log(length_m))))
    width = length / float(rng.uniform(*length_over_width))
    return Hull(length, width, float(rng.uniform(0.0, 360.0)), type_)


def _of_its_length(rng: np.random.Generator, hull: Hull) -> Hull:
    """Most small hulls fish."""
    fishes = hull.length_m < FISHES_BELOW_M and rng.uniform() < FISHING_SHARE
    return replace(hull, type="fishing") if fishes else hull
