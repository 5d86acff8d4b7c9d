"""Land seen in the pixels, and how far off it is."""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.beams import abreast
from westsea.detection.blobs import Blobs
from westsea.detection.fits import Rectangles
from westsea.detection.sea import Sea
from westsea.detection.statistics import Summary
from westsea.schema import FAR_M
from westsea_kernels.blobs import marked_medians, nearest_marked
from westsea_kernels.blocks import BLOCK
from westsea_kernels.fits import LOG_WIDTH

Float = NDArray[np.float64]

CROWD_M = 1_000.0
"""Half the side of the square in which blobs are counted."""
CROWD_PER_KM2 = 22.5
"""Blobs that lie as close together are pieces of land. The densest of 9,847 real tiles of radar
have 11.3 ships per km2 in such a square, a drawn city 38 blobs."""
LAND_REACH = 3
"""Times the square's side: there land shows by a blob that is too large for a ship."""
ABREAST, GAP_M = 3.0, 4.0
"""What is wider than three ships of its length side by side, so far apart, is no raft but an islet
or a pier's head, ..."""
STOUT_M = 50.0
"""... if it is as long as this: shorter things are too few pixels, ..."""
ISLET_REACH_M = 2_000.0
"""... and as near as this to land, where islets that no map shows are commoner than rafts, ..."""
BRIGHTEST_GROUND_DB = 5.0
"""... and on radar no brighter than this (gamma0): wet rock returns 0 dB at most, and its brightest
speckle 5 dB more. Hulls that are measured as wide for their sidelobes are brighter."""
WIDTH_ERRORS = 1.65
"""Standard errors by which it must be wider: one in twenty is by chance."""
LEAST_SHARE = 0.5
"""Of the square that counts where the window cuts it: in a quarter of it, real ships lie up to
three times as dense."""


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


def crowded(
    row: Float, col: Float, jacobian: Float, land_at: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """(n,) blobs about land that lie closer together than ships do anywhere: pieces of it.

    Without land in sight they may be a farm, seen cage by cage.

    Parameters
    ----------
    row, col : (n,)
        Pixels, counted from the window's corner.
    jacobian : (n, 2, 2)
        Of the grid at them.
    land_at : (m, 2)
        Places of the blocks that hold land seen in the pixels.
    shape
        Of the window.
    """
    sides = np.array([-(-side // BLOCK) for side in shape])
    block_m2 = np.abs(np.linalg.det(jacobian)) * BLOCK**2
    half = np.maximum(np.rint(CROWD_M / np.sqrt(block_m2)), 1.0).astype(np.int64)
    at = np.rint(np.stack([row, col], axis=1)).astype(np.int64) // BLOCK
    at = np.clip(at, 0, sides - 1)
    first, end = np.maximum(at - half[:, None], 0), np.minimum(at + half[:, None] + 1, sides)
    blocks = np.maximum((end - first).prod(axis=1), LEAST_SHARE * (2 * half + 1) ** 2)
    dense = _counted(at, sides, first, end) >= CROWD_PER_KM2 / 1e6 * block_m2 * blocks
    reach = LAND_REACH * half[:, None]
    first, end = np.maximum(at - reach, 0), np.minimum(at + reach + 1, sides)
    return np.asarray(dense & (_counted(land_at, sides, first, end) > 0))


def _counted(
    at: NDArray[np.int64],
    sides: NDArray[np.int64],
    first: NDArray[np.int64],
    end: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(n,) how many of (m, 2) places lie in rectangles from (n, 2) first up to end."""
    below = np.zeros(sides + 1, np.int64)
    np.add.at(below, tuple(at.T + 1), 1)
    below = below.cumsum(axis=0).cumsum(axis=1)
    (top, left), (bottom, right) = first.T, end.T
    counts: NDArray[np.int64] = (
        below[bottom, right] - below[top, right] - below[bottom, left] + below[top, left]
    )
    return counts


def too_stout(found: Rectangles) -> NDArray[np.bool_]:
    """(n,) which blobs are too wide for their length to be ships.

    The rectangle's own width counts, not the hull's: putting it right for what spreads the echo of
    a hull halves that of a rock.
    """
    width = found.width_m - WIDTH_ERRORS * found.sd[:, LOG_WIDTH]
    many = abreast(found.length_m, width, GAP_M) > ABREAST
    return np.asarray(many & (found.length_m >= STOUT_M))


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
