"""Histograms of the cells, 128 x 128 pixels on the grid of the whole file.

Detection looks at one *plane*, a weighted sum of the bands. For radar the weights are the inverse
of each polarisation's own median in the cell, so that VV and VH count alike and the sea lies near
1; an optical scene has one band and the weight 1. The plane's histogram has logarithmic bins,
32 an octave, read off the high bits of a positive float32: no logarithm is computed.

Of radar's digital numbers power is computed along the rows that are counted, and of the few blocks
that may hold ships.

Every second row and column is counted. Pixels of 10 m share most of their speckle with those
beside, so the quantiles hardly lose by it, and a count takes longer than all else a pixel needs.
"""

from functools import lru_cache

import numpy as np

from westsea_kernels.arrays import AnyReal, Bool, Float, Float32, Float64, Int32, UInt16
from westsea_kernels.blocks import (
    BLOCK,
    BLOCKS_PER_CELL,
    CELL,
    SAMPLING,
    TILE,
    cut_block,
    summarise_row,
)
from westsea_kernels.images import Image, are_numbers, band_of, power
from westsea_kernels.jit import kernel

MEDIAN_SAMPLING = 4
"""For the medians of the bands one row in so many is enough: 2,000 pixels make them 2 % right."""
BINS_PER_OCTAVE = 32
OCTAVES = 20
N_BINS = OCTAVES * BINS_PER_OCTAVE
LOWEST_OCTAVE = -4
"""Bin 0 also holds all below 2**-4, the last bin all above 2**16, which no uint16 reaches."""
BAND_SCALE = 4096.0
"""Radar bands are counted times this: gamma0 lies between 1e-5 and 10."""

LEAST_TRIMMED_SHARE = 0.25
"""Of a cell's pixels; where ships leave less, only bright pixels are left out, not blocks."""
TRIMS = 2
"""Times that the limit is drawn."""

_OF_LIMITS = np.array([0.5, 0.9])
_SHIFT = 18  # a float32 has 23 bits of mantissa; the upper 5 make 32 bins an octave
_BASE = (127 + LOWEST_OCTAVE) * BINS_PER_OCTAVE


@lru_cache(maxsize=1)
def bin_edges() -> Float64:
    """The (N_BINS + 1,) edges of the logarithmic bins, the same array every time."""
    octave, step = np.divmod(np.arange(N_BINS + 1), BINS_PER_OCTAVE)
    return np.asarray(np.ldexp(1.0 + step / BINS_PER_OCTAVE, octave + LOWEST_OCTAVE))


@kernel
def quantile(counts: AnyReal, edges: Float64, q: float) -> float:
    """Value below which a share q of a histogram lies, linear inside the bin.

    counts: (n,) integers >= 0 with a sum > 0; edges: (n + 1,); q: 0 to 1.
    """
    out = np.empty(1)
    _quantiles(counts, edges, np.full(1, q), out)
    return float(out[0])


@kernel
def pooled_quantiles(
    counts: AnyReal, radius: int, edges: Float64, qs: Float64, least: int, out: Float64
) -> None:
    """Quantiles of the histograms of the cells within `radius` cells of each cell, added.

    counts: (cell_rows, cell_cols, n) integers; edges: (n + 1,); qs: (n_q,), rising, above 0; out:
    (n_q, cell_rows, cell_cols), out, NaN where fewer than `least` pixels are counted.
    """
    n_rows, n_cols, n_bins = counts.shape
    # 32 bits hold the pixels of 200,000 cells; sums move on by one cell, along rows and columns.
    beside = np.zeros((n_rows, n_bins), np.int32)
    around = np.empty(n_bins, np.int32)
    for j in range(-radius, n_cols):
        for k in range(n_rows):
            if j + radius < n_cols:
                _add(counts[k, j + radius], 1, beside[k])
            if j - radius - 1 >= 0:
                _add(counts[k, j - radius - 1], -1, beside[k])
        if j < 0:
            continue
        around[:] = 0
        for i in range(-radius, n_rows):
            if i + radius < n_rows:
                _add(beside[i + radius], 1, around)
            if i - radius - 1 >= 0:
                _add(beside[i - radius - 1], -1, around)
            if i < 0:
                continue
            if around.sum() >= max(least, 1):
                _quantiles(around, edges, qs, out[:, i, j])
            else:
                out[:, i, j] = np.nan


@kernel
def _add(counts: AnyReal, sign: int, out: Int32) -> None:
    for b in range(out.size):
        out[b] += np.int32(sign) * np.int32(counts[b])


@kernel
def _quantiles(counts: AnyReal, edges: Float64, qs: Float64, out: Float64) -> None:
    """`quantile` for several q, rising, in one pass.

    Octaves are added whole until one holds the quantile: bin by bin takes four times as long.
    """
    total = counts.sum()
    below, k = 0.0, 0
    for first in range(0, counts.size, BINS_PER_OCTAVE):
        octave = counts[first : first + BINS_PER_OCTAVE]
        n_octave = float(octave.sum())
        if below + n_octave < qs[k] * total:
            below += n_octave
            continue
        for i in range(first, first + octave.size):
            n = float(counts[i])
            while n > 0.0 and k < qs.size and below + n >= qs[k] * total:
                out[k] = edges[i] + (edges[i + 1] - edges[i]) * (qs[k] * total - below) / n
                k += 1
            below += n
        if k == qs.size:
            return
    out[k:] = edges[counts.size]


@kernel
def count_above(counts: AnyReal, edges: Float64, thresholds: Float64) -> float:
    """Pixels above the threshold of their cell, spread evenly over the bin that it lies in.

    counts: (cell_rows, cell_cols, n); edges: (n + 1,); thresholds: (cell_rows, cell_cols), a cell
    with NaN has none.
    """
    total = 0.0
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            b = np.searchsorted(edges, thresholds[i, j])
            if np.isnan(thresholds[i, j]) or b > counts.shape[2]:
                continue
            if b > 0:
                share = (edges[b] - thresholds[i, j]) / (edges[b] - edges[b - 1])
                total += share * counts[i, j, b - 1]
            total += counts[i, j, b:].sum()
    return total


@kernel
def _bin(bits: np.int32) -> int:
    """Of a float32, from its bits; those of a negative number are negative."""
    return min(max(int(bits >> _SHIFT) - _BASE, 0), N_BINS - 1)


@kernel
def _weigh(
    image: Image, weights: Float32, row: int, cols: tuple[int, int], out: Float32
) -> Float32:
    """Plane along a row, the sum over the bands of weight x value.

    weights: (n_bands, n) of the columns; cols: half open; out: the first n of it are returned.
    """
    plane = out[: cols[1] - cols[0]]
    for band in range(image.pixels.shape[0]):
        pixels, weight = image.pixels[band, row, cols[0] : cols[1]], weights[band]
        if are_numbers(image):
            gains = image.gains[band, row // BLOCK, cols[0] : cols[1]]
            noises = image.noises[band, row // BLOCK, cols[0] : cols[1]]
            if band == 0:
                for i in range(plane.size):
                    plane[i] = weight[i] * power(pixels[i], gains[i], noises[i])
            else:
                for i in range(plane.size):
                    plane[i] += weight[i] * power(pixels[i], gains[i], noises[i])
        elif band == 0:
            for i in range(plane.size):
                plane[i] = weight[i] * np.float32(pixels[i])
        else:
            for i in range(plane.size):
                plane[i] += weight[i] * np.float32(pixels[i])
    return plane


@kernel
def _count(
    image: Image,
    valid: Bool,
    is_whole: bool,
    weights: Float32,
    row: int,
    cols: tuple[int, int],
    line: Float32,
    counts: UInt16,
) -> None:
    """Add every second valid pixel of the plane along a row to the histograms of its cells.

    A row of cells at a time: a call for each, of 128 pixels, takes as long as what it does.

    is_whole: all are valid; weights, cols: as of `_weigh`; line: (TILE,), scratch; counts:
    (cells, N_BINS).
    """
    # Weighed and binned are all, eight at a time: to pick out every second one first takes longer.
    bits = _weigh(image, weights, row, cols, line).view(np.int32)
    for i in range(bits.size):
        bits[i] = _bin(bits[i])
    good = valid[row, cols[0] : cols[1]]
    for j in range(counts.shape[0]):
        count = counts[j]
        inside = range(j * CELL, min((j + 1) * CELL, bits.size), SAMPLING)
        # As an index that numba need not test for being negative.
        if is_whole:  # 0.6 ns a count saved
            for i in inside:
                count[np.uint32(bits[i])] += np.uint16(1)
        else:
            for i in inside:
                count[np.uint32(bits[i])] += np.uint16(good[i])


@kernel
def _plane_bins(values: Float32, weights: Float32, plane: Float32, bins: Int32) -> None:
    """Bins of the plane of some pixels, -1 where it is NaN.

    values: (n_bands, n); weights: (n_bands,); plane: (n,), scratch; bins: (n,), out.
    """
    for i in range(plane.size):
        plane[i] = weights[0] * values[0, i]
    for band in range(1, values.shape[0]):
        for i in range(plane.size):
            plane[i] += weights[band] * values[band, i]
    bits = plane.view(np.int32)
    for i in range(bins.size):
        bins[i] = -1 if np.isnan(plane[i]) else _bin(bits[i])


@kernel
def _trim(
    image: Image,
    valid: Bool,
    weights: Float32,
    rows: tuple[int, int],
    cols: tuple[int, int],
    largest: Float32,
    edges: Float64,
    limits: Float64,
    counts: UInt16,
) -> None:
    """Take the blocks whose largest bin lies above the limit out of a cell's histogram.

    What they hold raises the limit, so it is drawn a second time. A cell of which too little is
    left loses single pixels instead. largest: (n_bands, block rows, block cols) of the cell, from
    which follows how high the plane can lie; only where that is above the limit is it looked at.
    """
    bright, taken = np.zeros(N_BINS, np.uint16), np.zeros(N_BINS, np.uint16)
    n_bands, n_blocks = largest.shape[0], largest.shape[1] * largest.shape[2]
    bounds, is_out = np.empty(n_blocks, np.int32), np.zeros(n_blocks, np.bool_)
    plane, bins = np.empty(BLOCK * BLOCK, np.float32), np.empty(BLOCK * BLOCK, np.int32)
    block = np.empty((n_bands, BLOCK, BLOCK), np.float32)
    _plane_bins(largest.copy().reshape(n_bands, n_blocks), weights, plane[:n_blocks], bounds)
    for _ in range(TRIMS):
        limit = _limit_bin(counts, edges, limits)
        found = False
        for k in range(n_blocks):
            if is_out[k] or bounds[k] <= limit:
                continue
            i, j = rows[0] // BLOCK + k // largest.shape[2], cols[0] // BLOCK + k % largest.shape[2]
            cut_block(image, valid, i, j, block)
            _plane_bins(block.reshape(n_bands, BLOCK * BLOCK), weights, plane, bins)
            bounds[k] = bins.max()
            if bounds[k] > limit:
                is_out[k] = found = True
                _count_sampled(bins.reshape(BLOCK, BLOCK), bright)
        if not found:  # two cells in three: what follows takes longer than the look
            break
        for b in range(N_BINS):
            counts[b] -= bright[b]
            taken[b] += bright[b]
            bright[b] = 0
    if not is_out.any():
        return
    left = counts.sum()
    if left < LEAST_TRIMMED_SHARE * (left + taken.sum()):
        for b in range(N_BINS):
            counts[b] += taken[b]
        counts[_limit_bin(counts, edges, limits) + 1 :] = 0


@kernel
def _count_sampled(bins: Int32, counts: UInt16) -> None:
    """Add the bins of every second row and column of a block to a histogram, but -1."""
    for row in range(0, BLOCK, SAMPLING):
        for col in range(0, BLOCK, SAMPLING):
            if bins[row, col] >= 0:
                counts[bins[row, col]] += np.uint16(1)


@kernel
def _limit_bin(counts: UInt16, edges: Float64, limits: Float64) -> int:
    """Bin that holds the limit of a cell's own sea; the last one where the cell is empty."""
    if counts.sum() == 0:
        return N_BINS - 1
    values = np.empty(2)
    _quantiles(counts, edges, _OF_LIMITS, values)
    k = min(np.searchsorted(limits[0], values[1] / values[0]), limits.shape[1] - 1)
    return int(np.searchsorted(edges, values[0] * limits[1, k]))


@kernel
def inverse_weight(median: Float, scale: Float, n_bands: int) -> np.float32:
    """Weight that brings a band's median to scale / n_bands; 0 where there is no signal."""
    return np.float32(scale / (n_bands * median)) if median > 0 else np.float32(0)


@kernel
def _count_bands(
    image: Image,
    valid: Bool,
    is_whole: bool,
    rows: tuple[int, int],
    cols: tuple[int, int],
    counts: UInt16,
) -> None:
    """Add a row of blocks to the histograms of the bands, times BAND_SCALE, for a row of cells.

    is_whole: all pixels are valid; rows, cols: half open; counts: (n_bands, cells, N_BINS).
    """
    factors = np.full((1, cols[1] - cols[0]), BAND_SCALE, np.float32)
    line = np.empty(TILE, np.float32)
    for row in range(rows[0], rows[1], MEDIAN_SAMPLING):
        for band in range(image.pixels.shape[0]):
            one = band_of(image, band)
            _count(one, valid, is_whole, factors, row, cols, line, counts[band])


@kernel
def _count_plane(
    image: Image,
    valid: Bool,
    is_whole: Bool,
    weights: Float32,
    rows: tuple[int, int],
    cols: tuple[int, int],
    counts: UInt16,
) -> None:
    """Histograms of the plane for a row of cells.

    is_whole: (block_rows,), where all pixels are valid; weights: as of `_weigh`; rows, cols:
    half open; counts: (cells, N_BINS), out.
    """
    line = np.empty(TILE, np.float32)
    counts[:] = 0
    for row in range(rows[0], rows[1], SAMPLING):
        whole = is_whole[(row - rows[0]) // BLOCK]
        _count(image, valid, whole, weights, row, cols, line, counts)


@kernel
def _median(counts: UInt16, edges: Float64) -> float:
    """Of a histogram; 0 where it is empty."""
    return quantile(counts, edges, 0.5) if counts.sum() > 0 else 0.0


@kernel
def summarise_cells(
    image: Image,
    valid: Bool,
    is_whole: Bool,
    largest: Float32,
    of_bands: UInt16,
    scale: np.float32,
    edges: Float64,
    limits: Float64,
    rows: tuple[int, int],
    cols: tuple[int, int],
    medians: Float32,
    counts: UInt16,
) -> None:
    """Medians of the bands and histogram of the plane, for the cells of a row inside a window.

    Parameters
    ----------
    image
        The chunk; its corner lies on a corner of a cell.
    valid : (rows, cols)
    is_whole : (BLOCKS_PER_CELL,)
        Which rows of blocks in the window have valid pixels alone.
    largest : (n_bands, block_rows, block_cols)
        Of `summarise_row`.
    of_bands : (n_bands, cells of the row, N_BINS)
        Histograms of the bands; where scale is 0 they are not looked at.
    scale : float32
        0: one band, which is the plane. Otherwise the plane is the mean over the bands of
        value / median, times `scale`.
    edges : (N_BINS + 1,)
        `bin_edges()`.
    limits : (2, n)
        Ratio of the 90 % quantile to the median, rising, and how many medians of the plane a
        pixel of such sea hardly ever exceeds: blocks with a brighter one are taken for ships
        and left out of the histogram, or only the pixel where else little would be left.
        (2, 0): none is left out.
    rows, cols : half open
        Of the window: one row of cells, from multiples of CELL.
    medians : (cell_rows, cell_cols, n_bands), out
        Over valid pixels of every second column, of radar of every fourth row only; 0 where there
        are none.
    counts : (cell_rows, cell_cols, N_BINS), out
        Histogram of the plane over the valid pixels of every second row and column.
    """
    n_bands = image.pixels.shape[0]
    i, first = rows[0] // CELL, cols[0] // CELL
    n_cells = (cols[1] - cols[0] + CELL - 1) // CELL
    plane = counts[i, first : first + n_cells]
    weights = np.ones((n_bands, cols[1] - cols[0]), np.float32)
    if scale == 0:
        _count_plane(image, valid, is_whole, weights, rows, cols, plane)
        for j in range(n_cells):
            medians[i, first + j, 0] = _median(plane[j], edges)
        return
    for j in range(n_cells):
        for band in range(n_bands):
            median = np.float32(_median(of_bands[band, j], edges) / BAND_SCALE)
            medians[i, first + j, band] = median
            weights[band, j * CELL : (j + 1) * CELL] = inverse_weight(median, scale, n_bands)
    _count_plane(image, valid, is_whole, weights, rows, cols, plane)
    if limits.shape[1] == 0:
        return
    down = slice(i * BLOCKS_PER_CELL, (i + 1) * BLOCKS_PER_CELL)
    for j in range(n_cells):
        left = cols[0] + j * CELL
        inside = (left, min(left + CELL, cols[1]))
        across = slice((first + j) * BLOCKS_PER_CELL, (first + j + 1) * BLOCKS_PER_CELL)
        highest = largest[:, down, across]
        of_cell = weights[:, j * CELL].copy()
        _trim(image, valid, of_cell, rows, inside, highest, edges, limits, plane[j])


@kernel
def summarise_pixels(
    image: Image,
    nodata: np.float32,
    land: Bool,
    scale: np.float32,
    edges: Float64,
    limits: Float64,
    valid: Bool,
    n_valid: UInt16,
    largest: Float32,
    smallest: Float32,
    medians: Float32,
    counts: UInt16,
) -> None:
    """`summarise_row` and `summarise_cells` of a chunk, tile by tile.

    A tile that was read from memory once stays in the processor's cache for both. The
    arguments are theirs; from `valid` on they are filled.
    """
    n_rows, n_cols = land.shape
    n_bands = image.pixels.shape[0]
    is_whole = np.empty(BLOCKS_PER_CELL, np.bool_)
    for top in range(0, n_rows, CELL):
        rows = (top, min(top + CELL, n_rows))
        for left in range(0, n_cols, TILE):
            cols = (left, min(left + TILE, n_cols))
            n_cells = (cols[1] - cols[0] + CELL - 1) // CELL
            of_bands = np.zeros((n_bands, n_cells, N_BINS), np.uint16)
            for line in range(top, rows[1], BLOCK):
                lines = (line, min(line + BLOCK, rows[1]))
                whole = summarise_row(
                    image, nodata, land, lines, cols, valid, n_valid, largest, smallest
                )
                is_whole[(line - top) // BLOCK] = whole
                if scale > 0:
                    _count_bands(image, valid, whole, lines, cols, of_bands)
            summarise_cells(
                image,
                valid,
                is_whole,
                largest,
                of_bands,
                scale,
                edges,
                limits,
                rows,
                cols,
                medians,
                counts,
            )
