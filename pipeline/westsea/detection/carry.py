"""Which blocks of a chunk keep their pixels for the judge: a guess at where it will look.

The guess is cheap and may be wrong: what the judge then misses it reads again, and what it does not
need costs memory. No result depends on it.
"""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.sea import (
    RADAR_QUANTILES,
    levels_of_cells,
    optical_thresholds,
    plane_bounds,
    plane_weights,
    quantiles,
    water_and_land,
    water_around,
)
from westsea.detection.statistics import RADAR_SCALE, Summary, grown, spread_to_blocks
from westsea.detector import Detector
from westsea_catalog.scene import Sensor
from westsea_kernels.blocks import BLOCK, BLOCKS_PER_CELL
from westsea_kernels.cells import bin_edges
from westsea_kernels.clutter import tails_over_median

Float = NDArray[np.float64]

MOST_CARRIED = 1 / 8
"""Of a chunk's blocks: 16 MB for 1024 x 16,000 pixels of two bands. Open sea and storms carry 1 %,
the coast of a city 10 %; a city without a coast to mask it would carry all of itself."""
ALWAYS_CARRIED = 1024
"""Blocks of a chunk however small: 2 MB. A scene of 1024 x 1024 pixels may be full of ships."""
TILE = 512 // BLOCK
"""Blocks along the side of a file's tile, as most have them; others cost more reads."""
SEED_MARGIN, GROWTH_MARGIN = 0.97, 0.99
"""Guessed thresholds are mostly within 3 and 1 % of the scene's. Without margins twice as many
blocks are read again; with them an eighth more are carried."""
SQUARE = 8
"""Cells a side of the squares whose middle one tells how long the tail is. Histograms that are
added take in fronts, which the judge leaves out: it then reads 9 % of a storm's files again."""


def blocks_to_carry(summary: Summary, sensor: Sensor) -> NDArray[np.int64]:
    """(n, 2) places of blocks of a chunk."""
    return _fewest(np.argwhere(_likely(summary, sensor)), summary)


def _likely(summary: Summary, sensor: Sensor) -> NDArray[np.bool_]:
    """Blocks at which the judge will look, as far as the chunk's own cells tell."""
    guess = _radar_guess if sensor == "sar" else _optical_guess
    weights, *of_cells = guess(summary, Detector())
    shape = summary.block_valid.shape
    growth, seed = (spread_to_blocks(each.astype(np.float32), shape) for each in of_cells)
    lower, upper = plane_bounds(summary, weights)
    hot = upper > SEED_MARGIN * seed
    # Blobs spread into the blocks beside; a block that is bright throughout needs no pixels. For
    # that it must exceed the seed here: a growth threshold that is guessed too low takes away more.
    likely = hot | (grown(hot) & (upper > GROWTH_MARGIN * growth))
    solid = (lower > seed) & (summary.block_valid == BLOCK * BLOCK)
    return np.asarray(likely & ~solid & (summary.block_valid > 0))


def _radar_guess(summary: Summary, detector: Detector) -> tuple[NDArray[np.float32], Float, Float]:
    """(cell rows, cell cols, bands) weights, and (cell rows, cell cols) growth and seed."""
    edges = bin_edges() / RADAR_SCALE
    median, high, highest = quantiles(summary.counts, 0, edges, (*RADAR_QUANTILES, 0.99))
    level, ratio, upper = _medians_of_squares(np.stack([median, high / median, highest / high]))
    rates = (detector.growth_rate, detector.false_alarm_rate)
    heights = tails_over_median(ratio, upper, rates, summary.medians.shape[-1])
    growth, seed = (_to_cells(level * height, median.shape) for height in heights)
    return plane_weights(levels_of_cells(summary)), growth, seed


def _medians_of_squares(cells: Float) -> Float:
    """(..., rows, cols), NaN left out, from (..., cell rows, cell cols)."""
    *front, n_rows, n_cols = cells.shape
    rows, cols = (-(-n // SQUARE) for n in (n_rows, n_cols))
    whole = np.full((*front, rows * SQUARE, cols * SQUARE), np.nan)
    whole[..., :n_rows, :n_cols] = cells
    squares = whole.reshape(*front, rows, SQUARE, cols, SQUARE).swapaxes(-2, -3)
    ranked = np.sort(squares.reshape(*front, rows, cols, -1), axis=-1)  # NaN comes last
    middle = np.maximum(np.isfinite(ranked).sum(axis=-1, keepdims=True) - 1, 0) // 2
    return np.asarray(np.take_along_axis(ranked, middle, axis=-1)[..., 0])


def _to_cells(squares: Float, shape: tuple[int, ...]) -> Float:
    wide = squares.repeat(SQUARE, axis=0).repeat(SQUARE, axis=1)
    return wide[: shape[0], : shape[1]]


def _optical_guess(
    summary: Summary, detector: Detector
) -> tuple[NDArray[np.float32], Float, Float]:
    """The same, of the water about one block amid each cell."""
    shape, blocks = summary.valid.shape, summary.block_valid.shape
    edges = bin_edges()
    top, land = water_and_land(summary.counts.sum(axis=(0, 1), dtype=np.int64), edges)
    amid = np.ix_(
        *(
            np.minimum(np.arange(n) * BLOCKS_PER_CELL + BLOCKS_PER_CELL // 2, last - 1)
            for n, last in zip(shape, blocks, strict=True)
        )
    )
    wanted = np.zeros(blocks, np.bool_)
    wanted[amid] = True
    water = water_around(summary, edges[top], wanted)
    level, within, between = (each[amid] for each in water)
    growth, seed = optical_thresholds(level, within, between, land, detector)
    return np.ones((*shape, 1), np.float32), growth, seed


def _fewest(likely: NDArray[np.int64], summary: Summary) -> NDArray[np.int64]:
    """Of (n, 2) places no more than a chunk carries, those first that have few others in a tile.

    The judge reads what is left out again, tile by tile: so that lies in as few as can be.
    """
    most = max(int(MOST_CARRIED * summary.block_valid.size), ALWAYS_CARRIED)
    if len(likely) <= most:
        return likely
    corner = np.array([summary.window.row0, summary.window.col0]) // BLOCK
    _, tile, counts = np.unique(
        (likely + corner) // TILE, axis=0, return_inverse=True, return_counts=True
    )
    tile = tile.ravel()
    kept = np.lexsort((tile, counts[tile]))[:most]
    return likely[np.sort(kept)]
