"""Summarising: from the pixels of a chunk to its statistics, and the few pixels worth keeping."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from westsea.detection.carry import blocks_to_carry
from westsea.detection.pixels import Scratch
from westsea.detection.statistics import RADAR_SCALE, Summary, merge, per_cell
from westsea_catalog.grid import Window
from westsea_catalog.scene import Sensor
from westsea_kernels.blocks import (
    BLOCK,
    CELL,
    block_quartiles,
    cut_blocks,
)
from westsea_kernels.cells import N_BINS, bin_edges, summarise_pixels
from westsea_kernels.clutter import trim_limits
from westsea_kernels.images import Image, image_of

__all__ = ["Carry", "Summary", "merge", "summarise"]

Carry = Literal["bright", "none", "all"]

VALID = Scratch()
"""Which pixels of a chunk are valid: needed only while it is summarised."""


def summarise(
    image: Image | NDArray[np.generic],
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
    image : or values alone, (n_bands, rows, cols) of any real dtype
    land : (rows, cols)
    window : where the chunk lies in its scene; its corner on multiples of CELL
    nodata : the value that means no data in any band
    carry : which blocks keep their pixels; a matter of speed, never of results
    """
    image = image if isinstance(image, Image) else image_of(image)
    land = np.ascontiguousarray(land)
    valid = VALID.array(land.shape, np.dtype(np.bool_))
    summary = _statistics(image, land, valid, window, sensor, np.float32(nodata))
    if carry == "none":
        return summary
    if carry == "all":
        at = np.argwhere(summary.block_valid > 0)
    else:
        at = blocks_to_carry(summary, sensor)
    carried = np.empty((len(at), *summary.carried.shape[1:]), np.float32)
    cut_blocks(image, valid, at[:, 0].copy(), at[:, 1].copy(), carried)
    return replace(summary, carried_at=at, carried=carried)


def _statistics(
    image: Image,
    land: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    window: Window,
    sensor: Sensor,
    nodata: np.float32,
) -> Summary:
    """The summary of a chunk without any pixels; marks which pixels are valid."""
    n_bands, rows, cols = image.pixels.shape
    cells = (-(-rows // CELL), -(-cols // CELL))
    blocks = (-(-rows // BLOCK), -(-cols // BLOCK))
    medians = np.empty((*cells, n_bands), np.float32)
    counts = np.empty((*cells, N_BINS), np.uint16)
    block_valid = np.empty(blocks, np.uint16)
    largest = np.empty((n_bands, *blocks), np.float32)
    smallest = np.empty((n_bands, *blocks), np.float32)
    is_radar = sensor == "sar"
    summarise_pixels(
        image,
        nodata,
        land,
        np.float32(RADAR_SCALE if is_radar else 0.0),
        bin_edges(),
        trim_limits(n_bands) if is_radar else np.empty((2, 0)),
        valid,
        block_valid,
        largest,
        smallest,
        medians,
        counts,
    )
    quartiles = np.empty((3, *blocks) if sensor == "optical" else (3, 0, 0), np.float32)
    if sensor == "optical":
        block_quartiles(image.pixels[0], valid, quartiles)
    return Summary(
        window=window,
        land=_land_per_cell(land),
        valid=per_cell(block_valid),
        medians=medians,
        counts=counts,
        block_valid=block_valid,
        largest=largest,
        smallest=smallest,
        quartiles=quartiles,
        carried_at=np.empty((0, 2), np.int64),
        carried=np.empty((0, n_bands, BLOCK, BLOCK), np.float32),
    )


def _land_per_cell(land: NDArray[np.bool_]) -> NDArray[np.int64]:
    rows, cols = np.arange(0, land.shape[0], CELL), np.arange(0, land.shape[1], CELL)
    if not land.any():  # the rule at sea, and the sums take 4 ns a pixel
        return np.zeros((rows.size, cols.size), np.int64)
    by_row = np.add.reduceat(land, rows, axis=0, dtype=np.int64)
    return np.asarray(np.add.reduceat(by_row, cols, axis=1))
