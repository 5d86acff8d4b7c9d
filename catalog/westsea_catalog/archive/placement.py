"""Where everything in a scene lies: formations far apart, an anchorage as ships really anchor."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Geometry

from westsea_catalog.archive.formations import (
    CLEARANCE_M,
    Formation,
    Planting,
    draw_anchored,
    draw_berthed,
    draw_formations,
)
from westsea_catalog.archive.harbours import Quay
from westsea_catalog.archive.hulls import Hull
from westsea_catalog.archive.land import Land
from westsea_catalog.archive.layout import Layout, PlantedHull, Setting, rectangle
from westsea_catalog.archive.open_sea import BORDER_M, OpenSea
from westsea_catalog.archive.pairs import with_pairs
from westsea_catalog.archive.structures import draw_structures
from westsea_catalog.grid import Grid

Float = NDArray[np.float64]

LEAST_CLEARANCE_M = 550.0
"""Where formations need room they come no nearer to each other: they would make pairs."""
LAND_M = 400.0
"""Least distance of hulls at sea from land: the coast that ships is wrong by some 100 m."""
ANCHOR_GAP_M = 60.0
"""Least distance between hulls at anchor, hull edge to hull edge."""
_SHRINK = 0.8
_ANCHOR_TRIES, _ANCHOR_STARTS = 400, 40
_BERTH_TRIES = 400
_FENDER_M = (2.0, 5.0)
_BESIDE_SHARE = 0.2
"""Of hulls in port, those that moor outside another."""
_BOW_ROOM_M = 8.0

SPACING_QUANTILES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
SPACINGS_M = (150.0, 176.0, 203.0, 312.0, 630.0, 1161.0, 1778.0)
"""Distance between the middles of a ship and the nearest other, where ships are many.

Measured from the ship boxes of LS-SSDD-v1.0 (Zhang et al. 2020; Sentinel-1, 10 m pixels): repeats
and boxes cut by a tile's edge left out, tiles of 8 x 8 km with 8 or more ships, and neighbours
from 150 m on, which certainly lie apart: 2,088 ships."""


def draw_layout(
    rng: np.random.Generator,
    grid: Grid,
    planting: Planting,
    land: Land,
    *,
    inside: NDArray[np.bool_] | None = None,
) -> Layout:
    """Draw what lies in a scene and where.

    Parameters
    ----------
    rng
        Draws everything.
    grid
        Of the scene.
    planting
        How many of each sort.
    land
        On the same grid: hulls at sea keep `LAND_M` off it.
    inside
        (rows, cols), True where hulls and structures may lie; they keep `BORDER_M` from its edge.

    Raises
    ------
    ValueError
        If the scene is too small for what it should hold.
    """
    sea = OpenSea(grid, land, inside)
    hulls = _berthed(rng, sea, land, planting.berthed)
    structures = draw_structures(rng, sea, planting)
    hulls += _anchored(rng, sea, planting.anchored)
    for formation in draw_formations(rng, planting):
        hulls += _placed(rng, sea, formation)
    grouped, pairs = with_pairs(hulls)
    return Layout(grouped, pairs, structures)


def draw_spacings(rng: np.random.Generator, n: int) -> Float:
    """Draw distances (m) to the nearest neighbour in an anchorage, as ships really lie."""
    shares = rng.uniform(0.0, SPACING_QUANTILES[-1], n)
    return np.asarray(np.interp(shares, SPACING_QUANTILES, SPACINGS_M))


def _placed(rng: np.random.Generator, sea: OpenSea, formation: Formation) -> list[PlantedHull]:
    """Find a place for a formation, nearer to the others where it must be."""
    outlines = [berth.outline for berth in formation.berths]
    clearance = formation.clearance_m
    while clearance >= LEAST_CLEARANCE_M:
        place = sea.find(rng, outlines, clearance_m=clearance, land_m=LAND_M)
        if place is not None:
            break
        clearance *= _SHRINK
    else:
        raise ValueError(f"The formations do not fit into {sea.grid.shape} pixels")
    sea.take(sea.footprint(formation.outlines.convex_hull, *place), clearance)
    return [
        _planted(
            sea.grid,
            berth.hull,
            sea.moved(place, berth.east_m, berth.north_m),
            formation.setting,
            berth.speed_ms,
        )
        for berth in formation.berths
    ]


def _planted(
    grid: Grid,
    hull: Hull,
    place: tuple[float, float],
    setting: Setting,
    speed_ms: float = 0.0,
) -> PlantedHull:
    return PlantedHull(hull, *place, 0, grid.jacobian(*place), speed_ms, setting)


def _anchored(rng: np.random.Generator, sea: OpenSea, n: int) -> list[PlantedHull]:
    """Place hulls at anchor so that the nearest of each is as far as ships really are.

    The distances are drawn and sorted, and each hull put at its own from one that lies there: the
    later ones come no nearer than that to any, so all of them stay what they were drawn.
    """
    if not n:
        return []
    hulls = draw_anchored(rng, n)
    for _ in range(_ANCHOR_STARTS):
        places, footprints = _grown(rng, sea, hulls, np.sort(draw_spacings(rng, n - 1)))
        if len(places) == n:
            break
    else:
        raise ValueError(f"An anchorage of {n} hulls does not fit into the scene")
    for footprint in footprints:
        sea.take(footprint, CLEARANCE_M)
    return [
        _planted(sea.grid, hull, place, "anchorage")
        for hull, place in zip(hulls, places, strict=True)
    ]


def _grown(
    rng: np.random.Generator, sea: OpenSea, hulls: Sequence[Hull], spacings_m: Float
) -> tuple[list[tuple[float, float]], list[Geometry]]:
    """Places and footprints of the hulls in turn, as far as there is room."""
    first = hulls[0].outline()
    start = sea.find(rng, [first], clearance_m=CLEARANCE_M, land_m=LAND_M)
    if start is None:
        return [], []
    places, footprints = [start], [sea.footprint(first, *start)]
    for hull, spacing in zip(hulls[1:], spacings_m.tolist(), strict=True):
        found = _beside(rng, sea, hull, spacing, places, footprints)
        if found is None:
            break
        places.append(found)
        footprints.append(sea.footprint(hull.outline(), *found))
    return places, footprints


def _beside(
    rng: np.random.Generator,
    sea: OpenSea,
    hull: Hull,
    spacing_m: float,
    places: Sequence[tuple[float, float]],
    footprints: Sequence[Geometry],
) -> tuple[float, float] | None:
    """A place at a distance from one of some places, and no nearer to any other."""
    there = np.array(places)
    angle = rng.uniform(0.0, 2 * np.pi, _ANCHOR_TRIES)
    step = np.stack([np.sin(angle), np.cos(angle)], axis=1) * spacing_m / sea.pixel_m
    tried = there[rng.integers(len(there), size=_ANCHOR_TRIES)] + step
    nearest = np.hypot(*np.moveaxis(tried[:, None] - there, -1, 0)).min(axis=1) * sea.pixel_m
    rows, cols = tried.T
    half = hull.length_m / 2
    fits = (
        (nearest >= spacing_m - 0.01)
        & (sea.land_m(rows, cols) - half >= LAND_M)
        & (sea.edge_m(rows, cols) - half >= BORDER_M)
    )
    for row, col in tried[fits].tolist():
        footprint = sea.footprint(hull.outline(), row, col)
        clear = shapely.distance(footprint, np.array(footprints, object)).min() >= ANCHOR_GAP_M
        if clear and sea.is_free(footprint, LEAST_CLEARANCE_M):
            return row, col
    return None


def _berthed(rng: np.random.Generator, sea: OpenSea, land: Land, n: int) -> list[PlantedHull]:
    """Moor hulls along the quays, some outside others."""
    hulls: list[PlantedHull] = []
    for _ in range(n):
        hull = _moored(rng, sea, land, hulls)
        if hull is None:
            raise ValueError(f"{n} hulls do not fit at {len(land.quays)} quays")
        hulls.append(hull)
        # Others that come to sea keep off it.
        sea.take(sea.footprint(hull.hull.outline(), hull.row, hull.col), LEAST_CLEARANCE_M)
    return hulls


def _moored(
    rng: np.random.Generator, sea: OpenSea, land: Land, moored: Sequence[PlantedHull]
) -> PlantedHull | None:
    """Moor one hull, by rejection."""
    walls = [_side_of(hull) for hull in moored]
    for _ in range(_BERTH_TRIES if land.quays else 0):
        at = walls if walls and rng.uniform() < _BESIDE_SHARE else land.quays
        wall = at[int(rng.integers(len(at)))]
        hull = draw_berthed(rng, 0.8 * wall.length_m, wall.heading_deg)
        reach = (wall.length_m - hull.length_m) / 2
        if reach < 0:
            continue
        off = (wall.width_m + hull.width_m) / 2 + rng.uniform(*_FENDER_M)
        axis = Hull(1.0, 1.0, wall.heading_deg)
        east, north = axis.to_ground(rng.uniform(-reach, reach), rng.choice([-1, 1]) * off)
        place = sea.moved((wall.row, wall.col), float(east), float(north))
        room = rectangle(hull.length_m + 2 * _BOW_ROOM_M, hull.width_m, hull.heading_deg)
        if (
            sea.edge_m(*place) - hull.length_m / 2 >= BORDER_M
            and sea.is_free(sea.footprint(room, *place), 1.0)
            and not _touches_land(sea, land, hull, place)
        ):
            return _planted(sea.grid, hull, place, "berth")
    return None


def _side_of(moored: PlantedHull) -> Quay:
    """A hull that others moor outside of, as a quay."""
    hull = moored.hull
    return Quay(
        moored.row, moored.col, hull.length_m, hull.width_m, hull.heading_deg, moored.jacobian
    )


def _touches_land(sea: OpenSea, land: Land, hull: Hull, place: tuple[float, float]) -> bool:
    """Whether a hull lies on land, or on a quay."""
    footprint = sea.footprint(hull.outline(), *place)
    west, south, east, north = np.array(footprint.bounds) / sea.pixel_m
    top, left = int(np.floor(south)) - 1, int(np.floor(west)) - 1
    window = land.cover[top : int(north) + 3, left : int(east) + 3]
    rows, cols = np.nonzero(window)
    pixels = (cols + left) * sea.pixel_m, (rows + top) * sea.pixel_m
    quays = shapely.union_all([sea.footprint(q.outline, q.row, q.col) for q in land.quays])
    on_land = ~shapely.contains_xy(shapely.buffer(quays, 1.0), *pixels)
    # A pixel reaches half its side about its centre.
    near = shapely.contains_xy(footprint.buffer(sea.pixel_m / 2), *pixels)
    return bool(np.any(near & on_land) or footprint.intersects(quays))
