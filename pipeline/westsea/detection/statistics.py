"""Statistics of the blocks and cells of a window: all that is kept of its pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.grid import Window
from westsea_kernels.blocks import BLOCK, BLOCKS_PER_CELL, CELL

S = TypeVar("S", bound=np.generic)

RADAR_SCALE = 32.0
"""The radar plane is histogrammed times 32: its median, 1, then lies amid the bins."""


@dataclass(frozen=True)
class Summary:
    """What is kept of a window of a scene. Places are blocks and cells of the file's own grid."""

    window: Window
    """Its corner lies on a corner of a cell."""
    land: NDArray[np.int64]
    """(cell rows, cell cols) pixels masked as land."""
    valid: NDArray[np.int64]
    """(cell rows, cell cols) pixels of sea with data."""
    medians: NDArray[np.float32]
    """(cell rows, cell cols, bands)"""
    counts: NDArray[np.uint16]
    """(cell rows, cell cols, N_BINS) histogram of the plane."""
    block_valid: NDArray[np.uint16]
    """(block rows, block cols) valid pixels."""
    largest: NDArray[np.float32]
    """(bands, block rows, block cols); -inf where nothing is valid."""
    smallest: NDArray[np.float32]
    """(bands, block rows, block cols); inf where nothing is valid."""
    quartiles: NDArray[np.float32]
    """(3, block rows, block cols) of an optical band; (3, 0, 0) for radar, which has no use for
    them: its speckle is the same everywhere."""
    carried_at: NDArray[np.int64]
    """(n, 2) row and column of the carried blocks, counted from the window's corner."""
    carried: NDArray[np.float32]
    """(n, bands, BLOCK, BLOCK) their pixels; NaN where not valid."""


def merge(window: Window, parts: Sequence[Summary]) -> Summary:
    """Put the summaries of the chunks of a window together, in any order of the chunks.

    Parameters
    ----------
    window : that of the scene, its corner on multiples of CELL
    parts : one or more, which cover the window and do not overlap
    """
    if len(parts) == 1:
        return parts[0]
    corners = [(part.window.row0 - window.row0, part.window.col0 - window.col0) for part in parts]

    def mosaic(arrays: list[NDArray[S]], size: int, axis: int = 0) -> NDArray[S]:
        sides = tuple(-(-side // size) for side in window.shape)
        places = [(row // size, col // size) for row, col in corners]
        return _mosaic(arrays, places, sides, axis)

    quartiles = parts[0].quartiles
    if quartiles.size:
        quartiles = mosaic([part.quartiles for part in parts], BLOCK, axis=1)
    carried_at = [
        part.carried_at + np.floor_divide(corner, BLOCK)
        for part, corner in zip(parts, corners, strict=True)
    ]
    return Summary(
        window=window,
        land=mosaic([part.land for part in parts], CELL),
        valid=mosaic([part.valid for part in parts], CELL),
        medians=mosaic([part.medians for part in parts], CELL),
        counts=mosaic([part.counts for part in parts], CELL),
        block_valid=mosaic([part.block_valid for part in parts], BLOCK),
        largest=mosaic([part.largest for part in parts], BLOCK, axis=1),
        smallest=mosaic([part.smallest for part in parts], BLOCK, axis=1),
        quartiles=quartiles,
        carried_at=np.concatenate(carried_at),
        carried=np.concatenate([part.carried for part in parts]),
    )


def _mosaic(
    arrays: list[NDArray[S]], places: list[tuple[int, int]], sides: tuple[int, ...], axis: int
) -> NDArray[S]:
    """One array from those of chunks; rows and columns are the axes `axis` and `axis + 1`."""
    shape = arrays[0].shape
    out = np.empty((*shape[:axis], *sides, *shape[axis + 2 :]), arrays[0].dtype)
    for array, (row, col) in zip(arrays, places, strict=True):
        n_rows, n_cols = array.shape[axis : axis + 2]
        here = (slice(row, row + n_rows), slice(col, col + n_cols))
        out[(slice(None),) * axis + here] = array
    return out


def spread_to_blocks(cells: NDArray[S], shape: tuple[int, ...]) -> NDArray[S]:
    """Repeat (..., cell rows, cell cols) for every block of a (block rows, block cols) grid."""
    wide = cells.repeat(BLOCKS_PER_CELL, axis=-2).repeat(BLOCKS_PER_CELL, axis=-1)
    return wide[..., : shape[0], : shape[1]]


def per_cell(blocks: NDArray[np.uint16]) -> NDArray[np.int64]:
    """(cell rows, cell cols) sums of (block rows, block cols)."""
    rows, cols = (np.arange(0, n, BLOCKS_PER_CELL) for n in blocks.shape)
    by_row = np.add.reduceat(blocks, rows, axis=0, dtype=np.int64)
    return np.asarray(np.add.reduceat(by_row, cols, axis=1))


def grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A (rows, cols) mask and its eight neighbours."""
    tall, out = mask.copy(), mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    out |= tall
    out[:, 1:] |= tall[:, :-1]
    out[:, :-1] |= tall[:, 1:]
    return out
