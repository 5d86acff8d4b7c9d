"""Harbours: where on a shore they lie, their piers, breakwaters and towns."""

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import Polygon

from westsea_catalog.archive.layout import pixel_offset, rectangle
from westsea_catalog.archive.raster import Float, Mask, fractal, pixel_size
from westsea_catalog.grid import AffineGrid

_TOWN_M = 900.0
_TOWN_PATCH_M = 150.0
_BORDER_M = 1500.0
_OPEN_M = 900.0
"""How far before a harbour the sea must be open."""
_TRIES = 400


@dataclass(frozen=True, eq=False)
class Quay:
    """A pier at which hulls moor: a rectangle that juts into the sea."""

    row: float
    """Pixel coordinates of its middle; integers are pixel centres."""
    col: float
    length_m: float
    width_m: float
    heading_deg: float
    """Where it points from the land, clockwise from true north, 0-360."""
    jacobian: Float
    """Ground metres (east, north) per step (col, row), where it stands."""

    @property
    def outline(self) -> Polygon:
        """In metres (east, north) of its middle."""
        return rectangle(self.length_m, self.width_m, self.heading_deg)


@dataclass(frozen=True)
class Harbour:
    """A place on the shore that faces open sea."""

    row: float
    col: float
    seaward: tuple[float, float]
    """Unit vector (drow, dcol) away from the land."""


def draw_harbours(rng: np.random.Generator, cover: Mask, grid: AffineGrid, n: int) -> list[Harbour]:
    """Find shores with open water before them, apart from each other.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    found: list[Harbour] = []
    if not n:
        return found
    pixel_m = pixel_size(grid.jacobian(0, 0))
    shore = np.argwhere(cover & ~_eroded(cover))
    border = _BORDER_M / pixel_m
    inside = (shore >= border) & (shore < np.array(cover.shape) - border)
    shore = shore[inside.all(axis=1)]
    for row, col in rng.permutation(shore)[:_TRIES].tolist():
        apart = [np.hypot(row - other.row, col - other.col) * pixel_m for other in found]
        seaward = _seaward(cover, row, col, pixel_m)
        if seaward is not None and min(apart, default=np.inf) > 2 * _BORDER_M:
            found.append(Harbour(row, col, seaward))
        if len(found) == n:
            return found
    raise ValueError(f"{n} harbours do not fit on the shores of {cover.shape} pixels")


def _seaward(cover: Mask, row: int, col: int, pixel_m: float) -> tuple[float, float] | None:
    """Direction (drow, dcol) away from the land around a shore, None where it is not open."""
    reach = round(400 / pixel_m)
    top, left = row - reach, col - reach
    land = np.argwhere(cover[top : row + reach + 1, left : col + reach + 1])
    away = float(reach) - land.mean(axis=0)
    length = float(np.hypot(*away))
    if length < 0.3 * reach or len(land) < 0.1 * (2 * reach) ** 2:
        return None
    drow, dcol = (away / length).tolist()
    out, aside = np.meshgrid(np.arange(100.0, _OPEN_M, 50), np.arange(-400.0, 401, 100))
    rows = np.rint(row + (out * drow + aside * dcol) / pixel_m).astype(int)
    cols = np.rint(col + (out * dcol - aside * drow) / pixel_m).astype(int)
    return (drow, dcol) if cover[rows, cols].mean() < 0.1 else None


def draw_town(
    rng: np.random.Generator, cover: Mask, harbour: Harbour, jacobian: Float
) -> tuple[Mask, NDArray[np.float32]]:
    """Where a harbour's town stands, thinning out, and a factor that flattens its hills."""
    rows, cols = np.ogrid[: cover.shape[0], : cover.shape[1]]
    away = np.hypot(rows - harbour.row, cols - harbour.col) * pixel_size(jacobian) / _TOWN_M
    near = away < 1.2
    blocks = fractal(rng, cover.shape, jacobian, _TOWN_PATCH_M, 2)
    town = cover & near & (blocks > 2.5 * away - 1.3)
    return np.asarray(town), np.clip(away, 0.15, 1).astype(np.float32)


def draw_piers(
    rng: np.random.Generator, cover: Mask, grid: AffineGrid, harbour: Harbour
) -> tuple[list[Quay], list[Quay]]:
    """Two to four parallel piers, and a breakwater on one or either side."""
    spacing = rng.uniform(170.0, 240.0)
    n = int(rng.integers(2, 5))
    sides = (np.arange(n) - (n - 1) / 2) * spacing
    piers = [
        _wall(cover, grid, harbour, side, rng.uniform(200, 600), rng.uniform(30, 60), 0.0)
        for side in sides.tolist()
    ]
    outer = (n - 1) / 2 * spacing + rng.uniform(130.0, 200.0)
    breakwaters = [
        _wall(cover, grid, harbour, side * outer, rng.uniform(350, 600), 30.0, -15.0 * side)
        for side in ((-1, 1) if rng.uniform() < 0.5 else (1,))
    ]
    return [q for q in piers if q is not None], [q for q in breakwaters if q is not None]


def _wall(
    cover: Mask,
    grid: AffineGrid,
    harbour: Harbour,
    aside_m: float,
    length_m: float,
    width_m: float,
    turn_deg: float,
) -> Quay | None:
    """Build one wall that begins on the shore at a distance beside the harbour's middle."""
    jacobian = grid.jacobian(harbour.row, harbour.col)
    pixel_m = pixel_size(jacobian)
    drow, dcol = harbour.seaward
    out = np.arange(-300.0, 300.0, pixel_m / 2)
    rows = harbour.row + (out * drow + aside_m * dcol) / pixel_m
    cols = harbour.col + (out * dcol - aside_m * drow) / pixel_m
    land = cover[np.rint(rows).astype(int), np.rint(cols).astype(int)]
    if not land.any():
        return None
    last = int(np.flatnonzero(land)[-1])
    east, north = jacobian @ (dcol, drow)
    heading = np.arctan2(east, north) + np.deg2rad(turn_deg)
    # The first 30 m stand on land.
    middle = length_m / 2 - 30.0
    off_rows, off_cols = pixel_offset(jacobian, middle * np.sin(heading), middle * np.cos(heading))
    row, col = float(rows[last] + off_rows), float(cols[last] + off_cols)
    return Quay(row, col, length_m, width_m, float(np.rad2deg(heading) % 360), jacobian)


def burnt(walls: list[Quay], shape: tuple[int, int]) -> Mask:
    """Pixels whose centre lies in a wall."""
    shapes = []
    for wall in walls:
        rows, cols = pixel_offset(wall.jacobian, *np.array(wall.outline.exterior.coords).T)
        shapes.append(Polygon(np.column_stack([wall.col + cols, wall.row + rows])))
    if not shapes:
        return np.zeros(shape, bool)
    # Integers are pixel centres here, and corners there.
    drawn = rasterize(shapes, out_shape=shape, transform=Affine.translation(-0.5, -0.5))
    return np.asarray(drawn > 0)


def _eroded(cover: Mask) -> Mask:
    """Land with land on all four sides; the scene's edge counts as land."""
    padded = np.pad(cover, 1, constant_values=True)
    middle = np.s_[1:-1]
    return np.asarray(
        padded[:-2, middle] & padded[2:, middle] & padded[middle, :-2] & padded[middle, 2:]
    )
