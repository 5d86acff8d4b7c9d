"""Land seen in the pixels, and how far off it is."""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.blobs import Blobs
from westsea.detection.sea import Sea
from westsea.detection.statistics import Summary
from westsea.schema import FAR_M
from westsea_kernels.blobs import marked_medians, nearest_marked

Float = NDArray[np.float64]


def to_land(
    row: Float,
    col: Float,
    jacobian: Float,
    land_at: NDArray[np.int64],
    land: NDArray[np.bool_],
) -> Float:
    """(n,) metres from points, in pixels, to the middle of the nearest pixel of land, or FAR_M.

    jacobian: (n, 2, 2), of the grid at the points; land_at: (m, 2) places of blocks; land: (m,
    BLOCK, BLOCK).
    """
    away = np.full(row.size, FAR_M)
    row, col = np.ascontiguousarray(row), np.ascontiguousarray(col)
    nearest_marked(row, col, jacobian, land_at[:, 0].copy(), land_at[:, 1].copy(), land, away)
    return away


def land_without_rim(summary: Summary, sea: Sea, blobs: Blobs) -> NDArray[np.bool_]:
    """(m, BLOCK, BLOCK) the land of an optical scene's blobs, less the rim that the blur adds.

    A blurred edge lies where it has half the light of what it bounds. Blobs grow well beyond it:
    distances to them come out 5 to 10 m short.
    """
    at = tuple(blobs.land_at.T)
    # Blocks without a slot are bright throughout: land to the last pixel.
    own = summary.quartiles[1][at].astype(float)
    marked_medians(blobs.plane, blobs.slots, at[0].copy(), at[1].copy(), blobs.land, own)
    brightness = np.full(blobs.slots.shape, np.nan)
    brightness[at] = own
    edge = (sea.background[at] + _median_around(brightness)[at]) / 2.0
    edge[np.isnan(edge)] = 0.0  # no water in sight
    slot = blobs.slots[at]
    seen = slot >= 0
    land = blobs.land.copy()
    land[seen] &= blobs.plane[slot[seen]] > edge[seen][:, None, None]
    return land


def _median_around(values: Float) -> Float:
    """(rows, cols) lower median of each value and its eight neighbours, NaN left out."""
    padded = np.pad(values, 1, constant_values=np.nan)
    rows, cols = values.shape
    around = [padded[i : i + rows, j : j + cols] for i in range(3) for j in range(3)]
    ordered = np.sort(around, axis=0)  # NaN comes last
    middle = np.maximum(np.isfinite(ordered).sum(axis=0) - 1, 0) // 2
    return np.asarray(np.take_along_axis(ordered, middle[None], axis=0)[0])
