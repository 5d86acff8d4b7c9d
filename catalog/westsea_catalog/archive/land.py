"""The land of a scene: where it is, how high, where it is built over, and its quays."""

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import Polygon

from westsea_catalog.archive.fields import (
    exponential_spectrum,
    gaussian_field,
    ground_frequencies,
)
from westsea_catalog.archive.layout import pixel_offset, rectangle
from westsea_catalog.coast import Coast
from westsea_catalog.grid import AffineGrid

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]

SHORE_SPREAD_M = 40.0
"""Of the simulated shore about the mapped one, along each axis: the shipped coast is itself wrong
by 47 m in the median."""
_SHORE_LENGTH_M = 350.0
_HILL_LENGTH_M = 1500.0
_HILL_M = (100.0, 300.0)
_RISE_M = 600.0
"""Distance from the shore over which hills rise to 1 - 1/e of their height."""
_PIER_M = 4.0
_TOWN_M = 900.0
_TOWN_PATCH_M = 150.0
_COARSE = 4
"""Pixels per cell where distances and hills are computed, along each axis."""
_PAD = 32
"""Pixels around the scene, from which a shore may be displaced into it."""
_HARBOUR_BORDER_M = 1500.0
_HARBOUR_REACH_M = 900.0
_HARBOUR_TRIES = 400


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


@dataclass(frozen=True, eq=False)
class Land:
    """Land on a scene's 10 m grid; each array is (rows, cols)."""

    cover: Mask
    """True on land, piers and breakwaters included."""
    height_m: NDArray[np.float32]
    """Above the sea; 0 on water."""
    built: Mask
    """Land that is town, quay or breakwater: bright to the radar."""
    quays: tuple[Quay, ...] = ()

    @classmethod
    def none(cls, shape: tuple[int, int]) -> "Land":
        """A scene without land."""
        return cls(np.zeros(shape, bool), np.zeros(shape, np.float32), np.zeros(shape, bool))


@dataclass(frozen=True)
class _Harbour:
    """Where on the shore, and which way (drow, dcol) the sea lies."""

    row: float
    col: float
    seaward: tuple[float, float]


def draw_land(
    rng: np.random.Generator, grid: AffineGrid, coast: Coast, *, harbours: int = 0
) -> Land:
    """Draw the land of a scene about its mapped coast.

    The shore is the coast displaced by a fractal field of `SHORE_SPREAD_M`; hills rise behind it;
    harbours have piers, breakwaters and a town.

    Raises
    ------
    ValueError
        If the scene has no room for its harbours.
    """
    padded = _padded(grid)
    mapped = coast.land_mask(padded, padded.full)
    if not mapped.any() and not harbours:
        return Land.none(grid.shape)
    jacobian = grid.jacobian((grid.shape[0] - 1) / 2, (grid.shape[1] - 1) / 2)
    cover = _roughened(rng, mapped, jacobian)
    height = _hills(rng, cover, jacobian)
    inner = np.s_[_PAD:-_PAD, _PAD:-_PAD]
    cover, height = cover[inner].copy(), height[inner].copy()
    built = np.zeros(grid.shape, bool)
    quays: list[Quay] = []
    for harbour in _draw_harbours(rng, cover, grid, harbours):
        town, slope = _town(rng, cover, harbour, jacobian)
        built |= town
        height *= slope
        piers, breakwaters = _draw_piers(rng, cover, grid, harbour)
        quays += piers
        walls = _burnt([*piers, *breakwaters], grid.shape)
        built |= walls
        height[walls] = _PIER_M
        cover |= walls
    return Land(cover, np.where(cover, height, 0).astype(np.float32), built, tuple(quays))


def distance_cells(target: Mask) -> NDArray[np.float32]:
    """Distance of every cell from the nearest that is true, centre to centre, in cells.

    Infinite where none is true.
    """
    n_rows, n_cols = target.shape
    rows = np.arange(n_rows, dtype=np.float32)[:, None]
    above = np.maximum.accumulate(np.where(target, rows, -np.inf), axis=0)
    below = np.minimum.accumulate(np.where(target, rows, np.inf)[::-1], axis=0)[::-1]
    squared = (np.minimum(rows - above, below - rows) ** 2).astype(np.float32)
    least = squared.copy()
    for step in range(1, n_cols):
        np.minimum(least[:, step:], squared[:, :-step] + step**2, out=least[:, step:])
        np.minimum(least[:, :-step], squared[:, step:] + step**2, out=least[:, :-step])
    return np.asarray(np.sqrt(least))


def coarsened(mask: Mask, factor: int) -> Mask:
    """Cells of factor x factor pixels that hold a true one; the last may reach over the edge."""
    pads = [(0, -size % factor) for size in mask.shape]
    rows, cols = ((size + pad) // factor for size, (_, pad) in zip(mask.shape, pads, strict=True))
    cells = np.pad(mask, pads).reshape(rows, factor, cols, factor)
    return np.asarray(cells.any(axis=(1, 3)))


def _padded(grid: AffineGrid) -> AffineGrid:
    a, b, c, d, e, f = grid.transform
    corner = (a, b, c - _PAD * (a + b), d, e, f - _PAD * (d + e))
    return AffineGrid(grid.epsg, corner, (grid.shape[0] + 2 * _PAD, grid.shape[1] + 2 * _PAD))


def _roughened(rng: np.random.Generator, mapped: Mask, jacobian: Float) -> Mask:
    """Take each pixel from where a fractal displacement points."""
    spread = SHORE_SPREAD_M / _pixel_m(jacobian)
    displaced: list[NDArray[np.intp]] = []
    place: NDArray[np.intp]
    for place, size in zip(np.indices(mapped.shape, sparse=True), mapped.shape, strict=True):
        step = _fractal(rng, mapped.shape, jacobian, _SHORE_LENGTH_M, 2) * spread
        displaced.append(np.clip(np.rint(place + step), 0, size - 1).astype(np.intp))
    return np.asarray(mapped[displaced[0], displaced[1]])


def _hills(rng: np.random.Generator, cover: Mask, jacobian: Float) -> NDArray[np.float32]:
    """Heights (m) that rise from the shore; 0 on water."""
    inland = distance_cells(coarsened(~cover, _COARSE)) * _COARSE * _pixel_m(jacobian)
    rise = 1 - np.exp(-_upsampled(np.minimum(inland, 1e5), _COARSE, cover.shape) / _RISE_M)
    ridges = np.clip(
        0.45 + 0.3 * _fractal(rng, cover.shape, jacobian, _HILL_LENGTH_M, _COARSE), 0.05, 1
    )
    return np.where(cover, 1 + rng.uniform(*_HILL_M) * rise * ridges, 0).astype(np.float32)


def _fractal(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    jacobian: Float,
    length_m: float,
    factor: int,
) -> Float:
    """Unit normal field, drawn in cells of factor x factor pixels and interpolated."""
    cells = (-(-shape[0] // factor), -(-shape[1] // factor))
    frequency = np.hypot(*ground_frequencies(cells, factor * jacobian))
    field = gaussian_field(rng, exponential_spectrum(frequency, length_m))
    return _upsampled(field, factor, (shape[0], shape[1]))


def _upsampled(cells: NDArray[np.floating], factor: int, shape: tuple[int, ...]) -> Float:
    """Interpolate linearly between the centres of cells of factor x factor pixels."""
    out = np.asarray(cells, float)
    for axis, size in enumerate(shape[:2]):
        place = np.clip((np.arange(size) + 0.5) / factor - 0.5, 0, out.shape[axis] - 1)
        low = np.minimum(place.astype(np.intp), max(out.shape[axis] - 2, 0))
        share = np.expand_dims(place - low, 1 - axis)
        after = np.minimum(low + 1, out.shape[axis] - 1)
        out = out.take(low, axis) * (1 - share) + out.take(after, axis) * share
    return out


def _draw_harbours(
    rng: np.random.Generator, cover: Mask, grid: AffineGrid, n: int
) -> list[_Harbour]:
    """Find shores with open water before them, apart from each other."""
    found: list[_Harbour] = []
    if not n:
        return found
    pixel_m = _pixel_m(grid.jacobian(0, 0))
    shore = np.argwhere(cover & ~_eroded(cover))
    border = _HARBOUR_BORDER_M / pixel_m
    inside = (shore >= border) & (shore < np.array(cover.shape) - border)
    shore = shore[inside.all(axis=1)]
    for row, col in rng.permutation(shore)[:_HARBOUR_TRIES].tolist():
        apart = [np.hypot(row - other.row, col - other.col) * pixel_m for other in found]
        seaward = _seaward(cover, row, col, pixel_m)
        if seaward is not None and min(apart, default=np.inf) > 2 * _HARBOUR_BORDER_M:
            found.append(_Harbour(row, col, seaward))
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
    out, aside = np.meshgrid(np.arange(100.0, _HARBOUR_REACH_M, 50), np.arange(-400.0, 401, 100))
    rows = np.rint(row + (out * drow + aside * dcol) / pixel_m).astype(int)
    cols = np.rint(col + (out * dcol - aside * drow) / pixel_m).astype(int)
    return (drow, dcol) if cover[rows, cols].mean() < 0.1 else None


def _town(
    rng: np.random.Generator, cover: Mask, harbour: _Harbour, jacobian: Float
) -> tuple[Mask, NDArray[np.float32]]:
    """Where a harbour's town stands, thinning out, and a factor that flattens its hills."""
    rows, cols = np.ogrid[: cover.shape[0], : cover.shape[1]]
    away = np.hypot(rows - harbour.row, cols - harbour.col) * _pixel_m(jacobian) / _TOWN_M
    near = away < 1.2
    blocks = _fractal(rng, cover.shape, jacobian, _TOWN_PATCH_M, 2)
    town = cover & near & (blocks > 2.5 * away - 1.3)
    return np.asarray(town), np.clip(away, 0.15, 1).astype(np.float32)


def _draw_piers(
    rng: np.random.Generator, cover: Mask, grid: AffineGrid, harbour: _Harbour
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
    harbour: _Harbour,
    aside_m: float,
    length_m: float,
    width_m: float,
    turn_deg: float,
) -> Quay | None:
    """Build one wall that begins on the shore at a distance beside the harbour's middle."""
    jacobian = grid.jacobian(harbour.row, harbour.col)
    pixel_m = _pixel_m(jacobian)
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


def _burnt(walls: list[Quay], shape: tuple[int, int]) -> Mask:
    """Pixels whose centre lies in a wall."""
    shapes = []
    for wall in walls:
        rows, cols = pixel_offset(wall.jacobian, *np.array(wall.outline.exterior.coords).T)
        shapes.append(Polygon(np.column_stack([wall.col + cols, wall.row + rows])))
    if not shapes:
        return np.zeros(shape, bool)
    # Integers are pixel centres here, and corners there.
    burnt = rasterize(shapes, out_shape=shape, transform=Affine.translation(-0.5, -0.5))
    return np.asarray(burnt > 0)


def _eroded(cover: Mask) -> Mask:
    """Land with land on all four sides; the scene's edge counts as land."""
    padded = np.pad(cover, 1, constant_values=True)
    middle = np.s_[1:-1]
    return np.asarray(
        padded[:-2, middle] & padded[2:, middle] & padded[middle, :-2] & padded[middle, 2:]
    )


def _pixel_m(jacobian: Float) -> float:
    return float(np.sqrt(abs(np.linalg.det(jacobian))))
