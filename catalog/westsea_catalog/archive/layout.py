"""What is planted where: single hulls, hulls alongside, rafts and close pairs, far apart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import Polygon
from shapely.affinity import translate

from westsea_catalog.archive.hulls import Hull, draw_hull
from westsea_catalog.grid import Grid

Float = NDArray[np.float64]
Kind = Literal["alongside", "close"]

SINGLE_LENGTH_M = (25.0, 250.0)
PAIR_LENGTH_M = (60.0, 220.0)
ALONGSIDE_GAP_M = (1.0, 8.0)
CLOSE_GAP_M = (60.0, 350.0)
CLEARANCE_M = 1200.0
"""Least distance between hulls of different formations, hull edge to hull edge."""
BORDER_M = 600.0
"""Least distance between a hull and the edge of the scene."""
_MAX_TRIES = 20_000


@dataclass(frozen=True)
class Planting:
    """How many formations of each sort a scene gets."""

    singles: int
    alongside: int
    close: int
    rafts: int = 0


@dataclass(frozen=True)
class Berth:
    """A hull and the place of its midships in a formation, in metres."""

    hull: Hull
    east_m: float = 0.0
    north_m: float = 0.0

    @property
    def outline(self) -> Polygon:
        """The deck plan in the formation's metres (east, north)."""
        return self.hull.outline(self.east_m, self.north_m)


@dataclass(frozen=True)
class Formation:
    """Hulls that belong together, in metres (east, north) of a common anchor."""

    berths: tuple[Berth, ...]
    kind: Kind | None = None
    """How neighbours in `berths` lie to each other; None for a single hull."""


@dataclass(frozen=True, eq=False)
class PlantedHull:
    """A hull in a scene."""

    hull: Hull
    row: float
    """Pixel coordinates of midships; integers are pixel centres."""
    col: float
    group: int
    """Number within the scene that hulls alongside each other share."""
    jacobian: Float
    """Ground metres (east, north) per step (col, row), where the hull lies."""

    def pixel_offset(self, east: ArrayLike, north: ArrayLike) -> tuple[Float, Float]:
        """(rows, cols) from midships, from metres (east, north)."""
        east, north = np.asarray(east, float), np.asarray(north, float)
        inverse = np.linalg.inv(self.jacobian)
        cols = inverse[0, 0] * east + inverse[0, 1] * north
        rows = inverse[1, 0] * east + inverse[1, 1] * north
        return rows, cols

    def ground_offset(self, rows: ArrayLike, cols: ArrayLike) -> tuple[Float, Float]:
        """Metres (east, north) of midships, from pixel coordinates in the scene."""
        drow, dcol = np.asarray(rows, float) - self.row, np.asarray(cols, float) - self.col
        east = self.jacobian[0, 0] * dcol + self.jacobian[0, 1] * drow
        north = self.jacobian[1, 0] * dcol + self.jacobian[1, 1] * drow
        return east, north


@dataclass(frozen=True)
class PlantedPair:
    """Two hulls of a scene that lie alongside or close to each other."""

    kind: Kind
    first: int
    """Index of the longer hull in `Layout.hulls`."""
    second: int
    gap_m: float
    """Hull edge to hull edge."""
    center_distance_m: float
    """Midships to midships."""


@dataclass(frozen=True)
class Layout:
    """All that is planted in one scene.

    Of a raft only neighbours are pairs: the outer hulls have another between them.
    """

    hulls: tuple[PlantedHull, ...]
    pairs: tuple[PlantedPair, ...]


def draw_layout(rng: np.random.Generator, grid: Grid, planting: Planting) -> Layout:
    """Draw the formations of a scene and their places, by rejection.

    Raises
    ------
    ValueError
        If the scene is too small for what it should hold.
    """
    hulls: list[PlantedHull] = []
    pairs: list[PlantedPair] = []
    placed: list[Polygon] = []
    n_groups = 0
    for formation in _draw_formations(rng, planting):
        row, col, footprint = _place(rng, grid, formation, placed)
        placed.append(footprint)
        apart = formation.kind != "alongside"
        groups = [n_groups + (i if apart else 0) for i in range(len(formation.berths))]
        n_groups = groups[-1] + 1
        pairs += _pairs(formation, first_index=len(hulls))
        hulls += _planted(grid, formation, row, col, groups)
    return Layout(tuple(hulls), tuple(pairs))


def _draw_formations(rng: np.random.Generator, planting: Planting) -> list[Formation]:
    """Draw all formations, the largest first: they are the hardest to place."""
    draws: list[tuple[Callable[[np.random.Generator], Formation], int]] = [
        (_draw_close, planting.close),
        (_draw_raft, planting.rafts),
        (_draw_alongside, planting.alongside),
    ]
    formations = [draw(rng) for draw, count in draws for _ in range(count)]
    # Stratified, so that every scene has its share of every length.
    quantiles = (np.arange(planting.singles) + rng.uniform(size=planting.singles)) / max(
        planting.singles, 1
    )
    lengths = _log_uniform(SINGLE_LENGTH_M, quantiles[::-1])
    formations += [Formation((Berth(draw_hull(rng, float(length))),)) for length in lengths]
    return formations


def _draw_alongside(rng: np.random.Generator) -> Formation:
    length = float(_log_uniform((PAIR_LENGTH_M[0] / 0.7, PAIR_LENGTH_M[1]), rng.uniform()))
    first = Berth(draw_hull(rng, length))
    return Formation((first, _draw_beside(rng, first, rng.choice([-1, 1]))), "alongside")


def _draw_raft(rng: np.random.Generator) -> Formation:
    """Draw a long hull with a shorter one on either side."""
    middle = Berth(draw_hull(rng, rng.uniform(120.0, 180.0)))
    port, starboard = _draw_beside(rng, middle, -1), _draw_beside(rng, middle, 1)
    return Formation((port, middle, starboard), "alongside")


def _draw_beside(rng: np.random.Generator, other: Berth, side: int) -> Berth:
    """Draw a shorter hull that lies parallel to another, on its starboard (1) or port (-1)."""
    length = other.hull.length_m
    shortest = max(0.5 * length, PAIR_LENGTH_M[0])
    turn = rng.choice([0.0, 180.0])
    hull = draw_hull(rng, rng.uniform(shortest, length), other.hull.heading_deg + turn)
    gap = rng.uniform(*ALONGSIDE_GAP_M)
    across = side * ((other.hull.width_m + hull.width_m) / 2 + gap)
    east, north = other.hull.to_ground(rng.uniform(-0.15, 0.15) * length, across)
    return Berth(hull, other.east_m + float(east), other.north_m + float(north))


def _draw_close(rng: np.random.Generator) -> Formation:
    """Draw two hulls in any direction of each other, as far apart as the gap asks."""
    lengths = _log_uniform((55.0, PAIR_LENGTH_M[1]), rng.uniform(size=2))
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
    return Formation((first, away(high)), "close")


def _log_uniform(limits: tuple[float, float], quantile: ArrayLike) -> Float:
    low, high = np.log(limits)
    return np.asarray(np.exp(low + (high - low) * np.asarray(quantile, float)))


def _place(
    rng: np.random.Generator, grid: Grid, formation: Formation, placed: list[Polygon]
) -> tuple[float, float, Polygon]:
    """Find an anchor (row, col) that keeps the distances, and the footprint there.

    Footprints are in metres of the scene's own pixels (col, row), which differ from ground
    metres by the map projection's scale: less than one part in a thousand.
    """
    rows, cols = grid.shape
    jacobian = grid.jacobian((rows - 1) / 2, (cols - 1) / 2)
    pixel_m = np.sqrt(abs(np.linalg.det(jacobian)))
    outlines = shapely.MultiPolygon([berth.outline for berth in formation.berths])
    to_pixels = np.linalg.inv(jacobian) * pixel_m
    shape = shapely.transform(outlines.convex_hull, lambda en: en @ to_pixels.T)
    water = shapely.box(
        BORDER_M, BORDER_M, (cols - 1) * pixel_m - BORDER_M, (rows - 1) * pixel_m - BORDER_M
    )
    for _ in range(_MAX_TRIES):
        row, col = rng.uniform(0, rows - 1), rng.uniform(0, cols - 1)
        footprint = translate(shape, col * pixel_m, row * pixel_m)
        if water.contains(footprint) and all(
            footprint.distance(other) >= CLEARANCE_M for other in placed
        ):
            return row, col, footprint
    raise ValueError(f"{len(placed) + 1} formations do not fit into {rows} x {cols} pixels")


def _planted(
    grid: Grid, formation: Formation, row: float, col: float, groups: list[int]
) -> list[PlantedHull]:
    jacobian = grid.jacobian(row, col)
    inverse = np.linalg.inv(jacobian)
    planted = []
    for berth, group in zip(formation.berths, groups, strict=True):
        dcol, drow = inverse @ (berth.east_m, berth.north_m)
        planted.append(
            PlantedHull(berth.hull, row + float(drow), col + float(dcol), group, jacobian)
        )
    return planted


def _pairs(formation: Formation, first_index: int) -> list[PlantedPair]:
    """Each hull of the formation with the next."""
    if formation.kind is None:
        return []
    pairs = []
    for i, (one, two) in enumerate(
        zip(formation.berths[:-1], formation.berths[1:], strict=True), first_index
    ):
        longer, shorter = (i, i + 1) if one.hull.length_m >= two.hull.length_m else (i + 1, i)
        gap = one.outline.distance(two.outline)
        center_distance = float(np.hypot(one.east_m - two.east_m, one.north_m - two.north_m))
        pairs.append(PlantedPair(formation.kind, longer, shorter, gap, center_distance))
    return pairs
