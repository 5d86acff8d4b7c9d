"""How much ground a window covers: one sum for plans, tables and runs, so that they agree."""

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.grid import Grid, Window
from westsea_kernels.blocks import CELL

Float = NDArray[np.float64]

AREA_CELLS = 8
"""10 km of 10 m pixels."""


def window_km2(grid: Grid, window: Window) -> float:
    """Area of a window on the ground: valid, masked and without data, as `scenes` has them."""
    return float((cell_sizes(window) * (cell_pixel_areas(grid, window) / 1e6)).sum())


def cell_sizes(window: Window) -> NDArray[np.int64]:
    """(cell rows, cell cols) pixels of each cell inside the window."""
    sides = [np.minimum(CELL, n - CELL * np.arange(-(-n // CELL))) for n in window.shape]
    return np.asarray(np.outer(*sides))


def cell_pixel_areas(grid: Grid, window: Window) -> Float:
    """(cell rows, cell cols) m2 on the ground of one pixel amid each cell.

    Measured on every `AREA_CELLS`th cell and interpolated, which is right to 1e-6: geodesics are
    slow, and maps change slowly.
    """
    rows, cols = (
        np.minimum(np.arange(-(-(last - first) // CELL)) * CELL + CELL / 2 + first, last - 1)
        for first, last in ((window.row0, window.row1), (window.col0, window.col1))
    )
    at_rows, of_rows = _nodes(rows)
    at_cols, of_cols = _nodes(cols)
    row, col = np.meshgrid(at_rows, at_cols, indexing="ij")
    areas = np.abs(np.linalg.det(grid.jacobian(row, col)))
    return np.asarray(np.einsum("ki,kj->ij", of_rows, np.einsum("kl,lj->kj", areas, of_cols)))


def _nodes(at: Float) -> tuple[Float, Float]:
    """(k,) of (n,) rising places, the ends among them; (k, n) shares of them in each place."""
    nodes = at[np.unique(np.append(np.arange(0, at.size, AREA_CELLS), at.size - 1))]
    return nodes, np.stack([np.interp(at, nodes, unit) for unit in np.eye(nodes.size)])
