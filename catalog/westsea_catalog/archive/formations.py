"""How hulls lie to each other: alone, alongside, in rafts, close pairs, tows and pairs of trawlers.

Lengths of transfers reach those of the cases in the West Sea in 2017 that Voice of America reported
with images by Planet: 90 + 45, 130 + 40 and 105 + 45 m alongside, a raft of 105 + 85 + 85 + 45 m.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import MultiPolygon, Polygon

from westsea_catalog.archive.hulls import Hull, HullType, draw_hull
from westsea_catalog.archive.layout import Setting

Float = NDArray[np.float64]

SINGLE_LENGTH_M = (25.0, 250.0)
PAIR_LENGTH_M = (85.0, 220.0)
"""Of the longer of two hulls alongside, and of the longest hull of a raft."""
LENGTH_RATIO = (0.3, 1.0)
"""Of two hulls alongside, the shorter by the longer."""
SHORTEST_BESIDE_M = 35.0
ALONGSIDE_GAP_M = (1.0, 8.0)
CLOSE_LENGTH_M = (55.0, 220.0)
CLOSE_GAP_M = (60.0, 350.0)
TRAWL_GAP_M = (150.0, 450.0)
TOW_GAP_M = (200.0, 450.0)
CLEARANCE_M = 1200.0
"""Distance between hulls of different formations, hull edge to hull edge, where there is room."""
FLEET_CLEARANCE_M = 650.0
_FISHING_BELOW_M = 45.0
_UNDER_WAY = 1 / 3
"""Share of the single hulls at sea that are under way."""
_SPEED_MS: dict[HullType, tuple[float, float]] = {"merchant": (5.0, 8.0), "fishing": (2.0, 5.0)}


@dataclass(frozen=True)
class Planting:
    """How many of each sort a scene gets."""

    singles: int
    alongside: int
    """Twos alongside at sea."""
    close: int
    """Twos close to each other at sea, under no other name."""
    rafts: int = 0
    """Threes and fours alongside at sea."""
    barges: int = 0
    """Wide barges, alone."""
    tows: int = 0
    """A tug with a barge behind it."""
    trawlers: int = 0
    """Pairs of trawlers of one fleet."""
    anchored: int = 0
    """Hulls of one anchorage."""
    berthed: int = 0
    """Hulls at the quays of the scene's land."""
    farms: int = 0
    """Aquaculture farms."""
    wind_farms: int = 0
    rocks: int = 0
    """Islets near land that no map shows."""


@dataclass(frozen=True)
class Berth:
    """A hull and the place of its midships in a formation, in metres."""

    hull: Hull
    east_m: float = 0.0
    north_m: float = 0.0
    speed_ms: float = 0.0

    @property
    def outline(self) -> Polygon:
        """The deck plan in the formation's metres (east, north)."""
        return self.hull.outline(self.east_m, self.north_m)


@dataclass(frozen=True)
class Formation:
    """Hulls that belong together, in metres (east, north) of a common anchor."""

    berths: tuple[Berth, ...]
    setting: Setting = "sea"
    clearance_m: float = CLEARANCE_M
    """Distance that it keeps from others, where there is room."""

    @property
    def outlines(self) -> MultiPolygon:
        """The deck plans in metres (east, north)."""
        return MultiPolygon([berth.outline for berth in self.berths])


def draw_formations(rng: np.random.Generator, planting: Planting) -> list[Formation]:
    """Draw all formations at sea but the anchorage, the largest first: they are hard to place."""
    draws: list[tuple[Callable[[np.random.Generator], Formation], int]] = [
        (_draw_tow, planting.tows),
        (_draw_close, planting.close),
        (_draw_raft, planting.rafts),
        (_draw_alongside, planting.alongside),
        (_draw_barge, planting.barges),
    ]
    formations = [draw(rng) for draw, count in draws for _ in range(count)]
    tide = rng.uniform(0.0, 360.0)
    formations += [_draw_trawlers(rng, tide) for _ in range(planting.trawlers)]
    return formations + _draw_singles(rng, planting.singles)


def draw_anchored(rng: np.random.Generator, n: int) -> list[Hull]:
    """Draw the hulls of an anchorage: the tide swings them all about alike."""
    tide = rng.uniform(0.0, 360.0)
    lengths = _log_uniform((50.0, 230.0), rng.uniform(size=n))
    swings = rng.uniform(-15.0, 15.0, n)
    return [draw_hull(rng, float(m), tide + float(d)) for m, d in zip(lengths, swings, strict=True)]


def draw_berthed(rng: np.random.Generator, longest_m: float, heading_deg: float) -> Hull:
    """Draw a hull for a quay: of a heading or turned about."""
    length = float(_log_uniform((28.0, max(28.0, min(180.0, longest_m))), rng.uniform()))
    turn = float(rng.choice([0.0, 180.0]))
    return _of_its_length(rng, draw_hull(rng, length, heading_deg + turn))


def _draw_singles(rng: np.random.Generator, n: int) -> list[Formation]:
    """Stratified lengths, so that every scene has its share of each; the longest first."""
    lengths = _log_uniform(
        SINGLE_LENGTH_M, ((np.arange(n) + rng.uniform(size=n)) / max(n, 1))[::-1]
    )
    moving = rng.permutation(n) < round(n * _UNDER_WAY)
    formations = []
    for length, under_way in zip(lengths, moving, strict=True):
        hull = _of_its_length(rng, draw_hull(rng, float(length)))
        speed = float(rng.uniform(*_SPEED_MS[hull.type])) if under_way else 0.0
        formations.append(Formation((Berth(hull, speed_ms=speed),)))
    return formations


def _of_its_length(rng: np.random.Generator, hull: Hull) -> Hull:
    """Most small hulls fish."""
    fishes = hull.length_m < _FISHING_BELOW_M and rng.uniform() < 0.7
    return replace(hull, type="fishing") if fishes else hull


def _draw_alongside(rng: np.random.Generator) -> Formation:
    first = Berth(draw_hull(rng, float(_log_uniform(PAIR_LENGTH_M, rng.uniform()))))
    return Formation((first, _draw_beside(rng, first, rng.choice([-1, 1]))))


def _draw_raft(rng: np.random.Generator) -> Formation:
    """Draw a long hull with a shorter one on either side, and in one of four a fourth outside."""
    middle = Berth(draw_hull(rng, rng.uniform(100.0, 180.0)))
    berths = [middle, _draw_beside(rng, middle, -1), _draw_beside(rng, middle, 1)]
    if rng.uniform() < 0.25:
        berths.append(_draw_beside(rng, berths[2], 1, axis_deg=middle.hull.heading_deg))
    return Formation(tuple(berths))


def _draw_beside(
    rng: np.random.Generator, other: Berth, side: int, *, axis_deg: float | None = None
) -> Berth:
    """Draw a shorter hull parallel to another, on the starboard (1) or port (-1) of an axis.

    The axis is the other's own heading unless given.
    """
    length = other.hull.length_m
    axis = other.hull.heading_deg if axis_deg is None else axis_deg
    low, high = (ratio * length for ratio in LENGTH_RATIO)
    shorter = rng.uniform(max(low, min(SHORTEST_BESIDE_M, 0.8 * high)), high)
    hull = draw_hull(rng, shorter, axis + rng.choice([0.0, 180.0]))
    across = side * ((other.hull.width_m + hull.width_m) / 2 + rng.uniform(*ALONGSIDE_GAP_M))
    # So far along that the parallel parts of both still overlap: there the gap is the drawn one.
    reach = 0.4 * (length - shorter) + 0.15 * shorter
    east, north = Hull(length, 1.0, axis).to_ground(rng.uniform(-reach, reach), across)
    return Berth(hull, other.east_m + float(east), other.north_m + float(north))


def _draw_close(rng: np.random.Generator) -> Formation:
    """Draw two hulls in any direction of each other, as far apart as the gap asks."""
    lengths = _log_uniform(CLOSE_LENGTH_M, rng.uniform(size=2))
    first, second = (Berth(draw_hull(rng, float(length))) for length in lengths)
    gap = rng.uniform(*CLOSE_GAP_M)
    bearing = rng.uniform(0.0, 2 * np.pi)

    def away(distance: float) -> Berth:
        return Berth(second.hull, distance * np.sin(bearing), distance * np.cos(bearing))

    # Two convex outlines part monotonically along a line: bisect.
    low, high = 0.0, gap + float(lengths.sum())
    for _ in range(50):
        middle = (low + high) / 2
        if away(middle).outline.distance(first.outline) < gap:
            low = middle
        else:
            high = middle
    return Formation((first, away(high)))


def _draw_barge(rng: np.random.Generator) -> Formation:
    return Formation((Berth(_wide(rng, "barge", (60.0, 120.0), (2.6, 3.6))),))


def _draw_tow(rng: np.random.Generator) -> Formation:
    """Draw a tug and a barge in line ahead."""
    tug = _wide(rng, "tug", (25.0, 38.0), (3.0, 3.6))
    barge = replace(_wide(rng, "barge", (70.0, 120.0), (3.0, 4.5)), heading_deg=tug.heading_deg)
    astern = rng.uniform(*TOW_GAP_M) + (tug.length_m + barge.length_m) / 2
    east, north = tug.to_ground(-astern, 0.0)
    speed = rng.uniform(2.0, 3.5)
    berths = Berth(tug, speed_ms=speed), Berth(barge, float(east), float(north), speed)
    return Formation(berths, "tow")


def _draw_trawlers(rng: np.random.Generator, tide_deg: float) -> Formation:
    """Draw two trawlers abreast with the net between them, towing with the tide."""
    heading = float(rng.normal(tide_deg, 6.0))
    one, two = (
        replace(draw_hull(rng, rng.uniform(28.0, 45.0), heading), type="fishing") for _ in range(2)
    )
    abreast = rng.uniform(*TRAWL_GAP_M) + (one.width_m + two.width_m) / 2
    east, north = one.to_ground(rng.uniform(-15.0, 15.0), abreast)
    speed = rng.uniform(1.5, 2.2)
    berths = Berth(one, speed_ms=speed), Berth(two, float(east), float(north), speed)
    return Formation(berths, "fleet", FLEET_CLEARANCE_M)


def _wide(
    rng: np.random.Generator,
    type_: HullType,
    length_m: tuple[float, float],
    length_over_width: tuple[float, float],
) -> Hull:
    """Draw a hull that is wider than ships of its length."""
    length = float(rng.uniform(*length_m))
    width = length / float(rng.uniform(*length_over_width))
    return Hull(length, width, float(rng.uniform(0.0, 360.0)), type_)


def _log_uniform(limits: tuple[float, float], quantile: ArrayLike) -> Float:
    low, high = np.log(limits)
    return np.asarray(np.exp(low + (high - low) * np.asarray(quantile, float)))
