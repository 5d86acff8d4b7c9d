"""Where the formations of a scene lie: far apart, by rejection."""

import numpy as np
import shapely
from shapely import Polygon
from shapely.affinity import translate

from westsea_catalog.archive.formations import Formation, Planting, draw_formations
from westsea_catalog.archive.layout import Layout, PlantedHull, PlantedPair
from westsea_catalog.grid import Grid

CLEARANCE_M = 1200.0
"""Least distance between hulls of different formations, hull edge to hull edge."""
BORDER_M = 600.0
"""Least distance between a hull and the edge of the scene."""
_MAX_TRIES = 20_000


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
    for formation in draw_formations(rng, planting):
        row, col, footprint = _place(rng, grid, formation, placed)
        placed.append(footprint)
        apart = formation.kind != "alongside"
        groups = [n_groups + (i if apart else 0) for i in range(len(formation.berths))]
        n_groups = groups[-1] + 1
        pairs += _pairs(formation, first_index=len(hulls))
        hulls += _planted(grid, formation, row, col, groups)
    return Layout(tuple(hulls), tuple(pairs))


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
