"""Summaries: what is kept of the pixels of a chunk, and of all chunks of a scene together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.grid import Window
from westsea_catalog.scene import Sensor
from westsea_kernels.blocks import (
    BLOCK,
    BLOCKS_PER_CELL,
    CELL,
    N_BINS,
    bin_edges,
    block_quartiles,
    cut_blocks,
    mark_valid,
    summarise_blocks,
    summarise_cells,
)

S = TypeVar("S", bound=np.generic)

Carry = Literal["bright", "none", "all"]

RADAR_SCALE = 32.0
"""The radar plane is histogrammed times 32: its median, 1, then lies amid the bins."""
RADAR_CARRY = 3.0
"""A radar block is carried when its brightest pixel may exceed 3 times the median."""
RADAR_STRONG = 6.0
"""From here on a blob may well spread into the blocks around, which are carried too."""
OPTICAL_CARRY = 1.15
"""An optical block is carried when its brightest pixel exceeds its darkest by this factor."""


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
    """(bands, block rows, block cols)"""
    smallest: NDArray[np.float32]
    """(bands, block rows, block cols)"""
    quartiles: NDArray[np.float32]
    """(3, block rows, block cols) of an optical band; (3, 0, 0) for radar, which has no use for
    them: its speckle is the same everywhere."""
    carried_at: NDArray[np.int64]
    """(n, 2) row and column of the carried blocks, counted from the window's corner."""
    carried: NDArray[np.float32]
    """(n, bands, BLOCK, BLOCK) their pixels; NaN where not valid."""


def summarise(
    bands: NDArray[np.generic],
    land: NDArray[np.bool_],
    window: Window,
    *,
    sensor: Sensor,
    nodata: float,
    carry: Carry = "bright",
) -> Summary:
    """Summarise one chunk.

    Parameters
    ----------
    bands : (n_bands, rows, cols), any real dtype
    land : (rows, cols)
    window : where the chunk lies in its scene; its corner on multiples of CELL
    nodata : the value that means no data in any band
    carry : which blocks keep their pixels; a matter of speed, never of results
    """
    bands = np.ascontiguousarray(bands)
    n_bands, rows, cols = bands.shape
    cells = (-(-rows // CELL), -(-cols // CELL))
    blocks = (-(-rows // BLOCK), -(-cols // BLOCK))
    valid = np.empty((rows, cols), np.bool_)
    mark_valid(bands, np.float32(nodata), np.ascontiguousarray(land), valid)
    medians = np.zeros((*cells, n_bands), np.float32)
    counts = np.zeros((*cells, N_BINS), np.uint16)
    scale = np.float32(RADAR_SCALE if sensor == "sar" else 0.0)
    summarise_cells(bands, valid, scale, bin_edges(), medians, counts)
    block_valid = np.zeros(blocks, np.uint16)
    largest = np.empty((n_bands, *blocks), np.float32)
    smallest = np.empty((n_bands, *blocks), np.float32)
    summarise_blocks(bands, valid, block_valid, largest, smallest)
    quartiles = np.empty((3, *blocks) if sensor == "optical" else (3, 0, 0), np.float32)
    if sensor == "optical":
        block_quartiles(bands[0], valid, quartiles)
    at = _carried_places(sensor, carry, medians, block_valid, largest, smallest)
    carried = np.empty((len(at), n_bands, BLOCK, BLOCK), np.float32)
    cut_blocks(bands, valid, at[:, 0].copy(), at[:, 1].copy(), carried)
    return Summary(
        window=window,
        land=_per_cell(land),
        valid=_per_cell(valid),
        medians=medians,
        counts=counts,
        block_valid=block_valid,
        largest=largest,
        smallest=smallest,
        quartiles=quartiles,
        carried_at=at,
        carried=carried,
    )


def _per_cell(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    rows = np.arange(0, mask.shape[0], CELL)
    cols = np.arange(0, mask.shape[1], CELL)
    by_row = np.add.reduceat(mask, rows, axis=0, dtype=np.int64)
    return np.asarray(np.add.reduceat(by_row, cols, axis=1))


def _carried_places(
    sensor: Sensor,
    carry: Carry,
    medians: NDArray[np.float32],
    block_valid: NDArray[np.uint16],
    largest: NDArray[np.float32],
    smallest: NDArray[np.float32],
) -> NDArray[np.int64]:
    """(n, 2) places of the blocks whose pixels are kept."""
    if carry == "none":
        keep = np.zeros(block_valid.shape, np.bool_)
    elif carry == "all":
        keep = block_valid > 0
    elif sensor == "optical":
        keep = (block_valid > 0) & (largest[0] > OPTICAL_CARRY * smallest[0])
    else:
        level = spread_to_blocks(np.moveaxis(medians, -1, 0), block_valid.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = (largest / level).mean(axis=0)
        keep = bound > RADAR_CARRY
        strong = np.pad(bound > RADAR_STRONG, 1)
        for drow in range(3):
            for dcol in range(3):
                keep |= strong[drow : drow + keep.shape[0], dcol : dcol + keep.shape[1]]
        keep &= block_valid > 0
    return np.argwhere(keep)


def spread_to_blocks(cells: NDArray[S], shape: tuple[int, ...]) -> NDArray[S]:
    """Repeat (..., cell rows, cell cols) for every block of a (block rows, block cols) grid."""
    wide = cells.repeat(BLOCKS_PER_CELL, axis=-2).repeat(BLOCKS_PER_CELL, axis=-1)
    return wide[..., : shape[0], : shape[1]]


def merge(window: Window, parts: Sequence[Summary]) -> Summary:
    """Put the summaries of the chunks of a window together, in any order of the chunks."""
    first = parts[0]
    n_bands = first.medians.shape[-1]
    cells = (-(-window.shape[0] // CELL), -(-window.shape[1] // CELL))
    blocks = (-(-window.shape[0] // BLOCK), -(-window.shape[1] // BLOCK))
    land, valid = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    medians = np.zeros((*cells, n_bands), np.float32)
    counts = np.zeros((*cells, N_BINS), np.uint16)
    block_valid = np.zeros(blocks, np.uint16)
    largest = np.empty((n_bands, *blocks), np.float32)
    smallest = np.empty((n_bands, *blocks), np.float32)
    has_quartiles = first.quartiles.size > 0
    quartiles = np.empty((3, *blocks) if has_quartiles else (3, 0, 0), np.float32)
    at: list[NDArray[np.int64]] = []
    for part in parts:
        row0, col0 = part.window.row0 - window.row0, part.window.col0 - window.col0
        in_cells = _place(row0, col0, CELL, part.valid.shape)
        in_blocks = _place(row0, col0, BLOCK, part.block_valid.shape)
        land[in_cells], valid[in_cells] = part.land, part.valid
        medians[in_cells], counts[in_cells] = part.medians, part.counts
        block_valid[in_blocks] = part.block_valid
        largest[:, *in_blocks], smallest[:, *in_blocks] = part.largest, part.smallest
        if has_quartiles:
            quartiles[:, *in_blocks] = part.quartiles
        at.append(part.carried_at + np.array([row0 // BLOCK, col0 // BLOCK]))
    return Summary(
        window=window,
        land=land,
        valid=valid,
        medians=medians,
        counts=counts,
        block_valid=block_valid,
        largest=largest,
        smallest=smallest,
        quartiles=quartiles,
        carried_at=np.concatenate(at),
        carried=np.concatenate([part.carried for part in parts]),
    )


def _place(row0: int, col0: int, size: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    return (
        slice(row0 // size, row0 // size + shape[0]),
        slice(col0 // size, col0 // size + shape[1]),
    )
