"""Polygons laid on a grid: along each row of pixel centres, from which column to which is land.

All is computed on the whole grid, in float64, before any window is cut out of it: the mask of a
pixel cannot depend on how a scene is cut into chunks.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from westsea_catalog.grid import Grid, Window

Float = NDArray[np.float64]
Polygons = NDArray[np.object_]

EDGE_DEG = 0.02
"""Longest edge that is taken for straight in projections: over it, a straight line in lon/lat
bends away from the geodesic by up to 0.1 m."""

_BEND_PX = 0.05
_PROBES = 17


@dataclass(frozen=True)
class LandRuns:
    """Columns [first, stop) of `row` are land; sorted by row, then column."""

    row: NDArray[np.int32]
    first: NDArray[np.int32]
    stop: NDArray[np.int32]
    offsets: NDArray[np.int64]
    """Where each row's runs begin: one more than there are rows."""

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """(rows, columns) of a window of the grid: True on land."""
        rows = slice(*self.offsets[[window.row0, window.row1]].tolist())
        first = np.clip(self.first[rows], window.col0, window.col1) - window.col0
        stop = np.clip(self.stop[rows], window.col0, window.col1) - window.col0
        row = self.row[rows] - window.row0
        seen = first < stop
        mask = np.zeros(window.shape, np.bool_)
        runs = np.stack([row[seen], first[seen], stop[seen]], axis=1)
        for i, j0, j1 in runs.tolist():
            mask[i, j0:j1] = True
        return mask


def land_runs(polygons: Polygons, grid: Grid) -> LandRuns:
    """The runs of pixel centres that lie in polygons.

    Land is where the edges crossed so far along a row do not cancel (the nonzero winding rule),
    so polygons may touch or overlap.

    Parameters
    ----------
    polygons
        Valid, lon/lat in degrees, edges straight in those; `footprint` says from how far around.
    grid
        Where they are laid, affine or not; its `pixel` must be finite on the polygons.
    """
    n_rows, n_cols = grid.shape
    if not polygons.size:
        none = np.empty(0, np.int32)
        return LandRuns(none, none, none, np.zeros(n_rows + 1, np.int64))
    x0, y0, x1, y1 = _pixel_edges(polygons, grid).T
    # Half open, so that a vertex on a row of centres counts once: rows in [low, high).
    low = np.clip(np.ceil(np.minimum(y0, y1)), 0, n_rows).astype(np.int64)
    high = np.clip(np.ceil(np.maximum(y0, y1)), 0, n_rows).astype(np.int64)
    count = high - low
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count - low, count)
    slope = (x1 - x0) / np.where(y1 == y0, 1.0, y1 - y0)
    x = x0[edge] + (row - y0[edge]) * slope[edge]
    col = np.clip(np.ceil(x), 0, n_cols).astype(np.int64)
    order = np.lexsort((col, row))
    turns = np.where(y1 > y0, 1, -1)[edge[order]]
    return _runs(row[order], col[order], turns, n_rows)


def _runs(
    row: NDArray[np.int64], col: NDArray[np.int64], turns: NDArray[np.int64], n_rows: int
) -> LandRuns:
    """Runs between crossings in scan order; `turns` is +1 or -1, by the edge's direction."""
    # Rings close, so the sum is zero at the end of every row.
    after = np.cumsum(turns)
    before = after - turns
    enters, leaves = (before == 0) & (after != 0), (before != 0) & (after == 0)
    first, stop = col[enters], col[leaves]
    kept = first < stop
    row = row[enters][kept]
    offsets = np.searchsorted(row, np.arange(n_rows + 1))
    return LandRuns(
        row.astype(np.int32), first[kept].astype(np.int32), stop[kept].astype(np.int32), offsets
    )


def footprint(grid: Grid) -> tuple[float, float, float, float]:
    """(west, south, east, north) in degrees of a box around a grid, with room to spare.

    East is beyond 180 where the grid lies across the antimeridian.
    """
    n_rows, n_cols = grid.shape
    row, col = np.meshgrid(np.linspace(-1, n_rows, _PROBES), np.linspace(-1, n_cols, _PROBES))
    lon, lat = grid.lonlat(row, col)
    if np.ptp(lon) > 180:
        lon = lon % 360
    # By how much the box of the probes can be too small: less than one step between them.
    pad_x, pad_y = (np.ptp(side) / (_PROBES - 1) + EDGE_DEG for side in (lon, lat))
    west, east = float(lon.min() - pad_x), float(lon.max() + pad_x)
    return west, float(lat.min() - pad_y), east, float(lat.max() + pad_y)


def edges(polygons: Polygons) -> Float:
    """(n, 4): x, y of the start and x, y of the end of every edge.

    Outer rings run one way, holes the other.
    """
    rings = shapely.get_rings(shapely.normalize(polygons))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    return np.hstack([points[:-1][joined], points[1:][joined]])


def _pixel_edges(polygons: Polygons, grid: Grid) -> Float:
    """`edges` as (column, row), cut so short that each is straight to 0.05 pixels there."""

    def place(lonlat: Float) -> Float:
        row, col = grid.pixel(lonlat[:, 0], lonlat[:, 1])
        return np.column_stack([col, row])

    longest = EDGE_DEG
    while True:
        lonlat = edges(shapely.segmentize(polygons, longest))
        start, end = place(lonlat[:, :2]), place(lonlat[:, 2:])
        middle = place((lonlat[:, :2] + lonlat[:, 2:]) / 2)
        bend = np.abs(middle - (start + end) / 2)
        if longest < 1e-4 or not np.any(bend > _BEND_PX):
            return np.hstack([start, end])
        longest /= 2
