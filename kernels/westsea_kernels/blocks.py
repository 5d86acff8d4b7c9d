"""What is kept of the pixels: statistics on a fixed grid of blocks and cells.

A block is 16 x 16 pixels, a cell 8 x 8 blocks. Both lie on the grid of the whole file, so every
number here depends on its own block or cell alone and not on how a scene was cut into chunks.

Detection looks at one *plane*, a weighted sum of the bands. For radar the weights are the inverse
of each polarisation's own median in the cell, so that VV and VH count alike and the sea lies near
1; an optical scene has one band and the weight 1. The plane's histogram has logarithmic bins,
32 an octave, read off the high bits of a positive float32: no logarithm is computed.
"""

import numpy as np

from westsea_kernels.arrays import AnyReal, Bool, Float, Float32, Float64, Int64, UInt16
from westsea_kernels.jit import kernel

BLOCK = 16
CELL = 128
BLOCKS_PER_CELL = CELL // BLOCK

BINS_PER_OCTAVE = 32
OCTAVES = 20
N_BINS = OCTAVES * BINS_PER_OCTAVE
LOWEST_OCTAVE = -4
"""Bin 0 also holds all below 2**-4, the last bin all above 2**16, which no uint16 reaches."""

LEAST_TRIMMED_SHARE = 0.25
"""Of a cell's pixels; where ships leave less, only bright pixels are left out, not blocks."""
TRIMS = 2
"""Times that the limit is drawn."""

_SHIFT = 18  # a float32 has 23 bits of mantissa; the upper 5 make 32 bins an octave
_BASE = (127 + LOWEST_OCTAVE) * BINS_PER_OCTAVE


def bin_edges() -> Float64:
    """The (N_BINS + 1,) edges of the logarithmic bins."""
    octave, step = np.divmod(np.arange(N_BINS + 1), BINS_PER_OCTAVE)
    return np.asarray(np.ldexp(1.0 + step / BINS_PER_OCTAVE, octave + LOWEST_OCTAVE))


@kernel
def quantile(counts: AnyReal, edges: Float64, q: float) -> float:
    """Value below which a share q of a histogram lies, linear inside the bin.

    counts: (n,) integers >= 0 with a sum > 0; edges: (n + 1,); q: 0 to 1.
    """
    target = q * counts.sum()
    below = 0.0
    for i in range(counts.size):
        n = float(counts[i])
        if n > 0.0 and below + n >= target:
            return float(edges[i] + (edges[i + 1] - edges[i]) * (target - below) / n)
        below += n
    return float(edges[counts.size])


@kernel
def mark_valid(bands: AnyReal, nodata: np.float32, land: Bool, valid: Bool) -> None:
    """valid[row, col] = every band has data there and it is not land.

    bands: (n_bands, rows, cols); nodata: the value that means none (NaN and infinities always
    do); land: (rows, cols); valid: (rows, cols), out.
    """
    n_bands, rows, cols = bands.shape
    for row in range(rows):
        for col in range(cols):
            valid[row, col] = not land[row, col]
        for band in range(n_bands):
            # No branches, so that the compiler takes eight pixels at a time: 0.2 ns a pixel.
            for col in range(cols):
                value = np.float32(bands[band, row, col])
                valid[row, col] &= (value != nodata) & (np.abs(value) < np.inf)


@kernel
def weigh(bands: AnyReal, weights: Float32, row: int, col0: int, col1: int, out: Float32) -> None:
    """out[i] = sum over the bands of weight x value, along one row from col0 to before col1."""
    for i in range(col1 - col0):
        out[i] = weights[0] * np.float32(bands[0, row, col0 + i])
    for band in range(1, bands.shape[0]):
        for i in range(col1 - col0):
            out[i] += weights[band] * np.float32(bands[band, row, col0 + i])


@kernel
def _count(
    bands: AnyReal,
    valid: Bool,
    weights: Float32,
    rows: tuple[int, int],
    cols: tuple[int, int],
    counts: UInt16 | Int64,
) -> None:
    """Add the valid pixels of one cell's plane to a histogram; rows, cols: half open."""
    line = np.empty(CELL, np.float32)
    bits = line.view(np.int32)
    for row in range(rows[0], rows[1]):
        weigh(bands, weights, row, cols[0], cols[1], line)
        for i in range(cols[1] - cols[0]):
            if valid[row, cols[0] + i]:
                place = (bits[i] >> _SHIFT) - _BASE  # of a negative number it is negative
                counts[min(max(place, 0), N_BINS - 1)] += 1


@kernel
def _count_blocks(
    bands: AnyReal,
    valid: Bool,
    weights: Float32,
    rows: tuple[int, int],
    cols: tuple[int, int],
    counts: UInt16,
    peaks: Int64,
) -> None:
    """As `_count`, and the largest bin of each block, -1 where none is above the first.

    peaks: (BLOCKS_PER_CELL, BLOCKS_PER_CELL), out.
    """
    line = np.empty(CELL, np.float32)
    bits = line.view(np.int32)
    high = np.full((BLOCKS_PER_CELL, CELL), -1, np.int32)
    for row in range(rows[0], rows[1]):
        weigh(bands, weights, row, cols[0], cols[1], line)
        top = high[(row - rows[0]) // BLOCK]
        # The bits of positive numbers rise with them; without branches, eight pixels at a time.
        for k in range(cols[1] - cols[0]):
            bit = bits[k] if valid[row, cols[0] + k] else np.int32(-1)
            top[k] = max(top[k], bit)
        for k in range(cols[1] - cols[0]):
            if valid[row, cols[0] + k]:
                place = (bits[k] >> _SHIFT) - _BASE
                counts[min(max(place, 0), N_BINS - 1)] += 1
    for i in range(BLOCKS_PER_CELL):
        for j in range(BLOCKS_PER_CELL):
            peak = high[i, j * BLOCK : (j + 1) * BLOCK].max()
            peaks[i, j] = min(max((peak >> _SHIFT) - _BASE, -1), N_BINS - 1)


@kernel
def _trim(
    bands: AnyReal,
    valid: Bool,
    weights: Float32,
    rows: tuple[int, int],
    cols: tuple[int, int],
    edges: Float64,
    limits: Float64,
    peaks: Int64,
    counts: UInt16,
) -> None:
    """Take the blocks whose largest bin lies above the limit out of a cell's histogram.

    What they hold raises the limit, so it is drawn a second time. A cell of which too little is
    left loses single pixels instead. peaks: of `_count_blocks`, spoilt.
    """
    total = counts.sum()
    bright = np.zeros(N_BINS, np.int64)
    taken = np.zeros(N_BINS, np.int64)
    for _ in range(TRIMS):
        limit = _limit_bin(counts, edges, limits)
        bright[:] = 0
        for i in range(BLOCKS_PER_CELL):
            for j in range(BLOCKS_PER_CELL):
                if peaks[i, j] > limit:
                    inside = (rows[0] + i * BLOCK, min(rows[0] + (i + 1) * BLOCK, rows[1]))
                    across = (cols[0] + j * BLOCK, min(cols[0] + (j + 1) * BLOCK, cols[1]))
                    _count(bands, valid, weights, inside, across, bright)
                    peaks[i, j] = -1
        for b in range(N_BINS):
            counts[b] -= np.uint16(bright[b])
            taken[b] += bright[b]
        if bright.sum() == 0:
            break
    if total - taken.sum() < LEAST_TRIMMED_SHARE * total:
        for b in range(N_BINS):
            counts[b] += np.uint16(taken[b])
        counts[_limit_bin(counts, edges, limits) + 1 :] = 0


@kernel
def summarise_cells(
    bands: AnyReal,
    valid: Bool,
    scale: np.float32,
    edges: Float64,
    limits: Float64,
    medians: Float32,
    counts: UInt16,
) -> None:
    """Medians of the bands and histogram of the plane, for every cell of a chunk.

    Parameters
    ----------
    bands : (n_bands, rows, cols), any real dtype
        The chunk; its corner lies on a corner of a cell.
    valid : (rows, cols)
    scale : float32
        0: one band, which is the plane. Otherwise the plane is the mean over the bands of
        value / median, times `scale`; the bands are multiplied by 4096 (gamma0 lies between
        1e-5 and 10) before their medians are taken from the same bins.
    edges : (N_BINS + 1,)
        `bin_edges()`.
    limits : (2, n)
        Ratio of the 90 % quantile to the median, rising, and how many medians of the plane a
        pixel of such sea hardly ever exceeds: blocks with a brighter one are taken for ships
        and left out of the histogram, or only the pixel where else little would be left.
        (2, 0): none is left out.
    medians : (cell_rows, cell_cols, n_bands), out
        Over the valid pixels; 0 where there are none.
    counts : (cell_rows, cell_cols, N_BINS), out
        Histogram of the plane over the valid pixels.
    """
    n_bands, n_rows, n_cols = bands.shape
    weights = np.ones(n_bands, np.float32)
    one = np.ones(1, np.float32)
    band_counts = np.empty(N_BINS, np.int64)
    peaks = np.empty((BLOCKS_PER_CELL, BLOCKS_PER_CELL), np.int64)
    counts[:] = 0
    if scale > 0:
        one[0] = 4096.0
    for i in range(counts.shape[0]):
        rows = (i * CELL, min((i + 1) * CELL, n_rows))
        for j in range(counts.shape[1]):
            cols = (j * CELL, min((j + 1) * CELL, n_cols))
            for band in range(n_bands):
                band_counts[:] = 0
                _count(bands[band : band + 1], valid, one, rows, cols, band_counts)
                median = 0.0
                if band_counts.sum() > 0:
                    median = quantile(band_counts, edges, 0.5) / one[0]
                medians[i, j, band] = median
                if scale > 0:
                    weights[band] = inverse_weight(median, scale, n_bands)
            if limits.shape[1] == 0:
                _count(bands, valid, weights, rows, cols, counts[i, j])
            else:
                _count_blocks(bands, valid, weights, rows, cols, counts[i, j], peaks)
                _trim(bands, valid, weights, rows, cols, edges, limits, peaks, counts[i, j])


@kernel
def _limit_bin(counts: UInt16, edges: Float64, limits: Float64) -> int:
    """The bin that holds the limit of a cell's own sea; the last one where the cell is empty."""
    if counts.sum() == 0:
        return N_BINS - 1
    median = quantile(counts, edges, 0.5)
    ratio = quantile(counts, edges, 0.9) / median
    k = min(np.searchsorted(limits[0], ratio), limits.shape[1] - 1)
    return int(np.searchsorted(edges, median * limits[1, k]))


@kernel
def inverse_weight(median: Float, scale: Float, n_bands: int) -> np.float32:
    """Weight that brings a band's median to scale / n_bands; 0 where there is no signal."""
    return np.float32(scale / (n_bands * median)) if median > 0 else np.float32(0)


@kernel
def summarise_blocks(
    bands: AnyReal, valid: Bool, n_valid: UInt16, largest: Float32, smallest: Float32
) -> None:
    """Number, maximum and minimum of the valid pixels of every block.

    bands: (n_bands, rows, cols); valid: (rows, cols); n_valid: (block_rows, block_cols), out;
    largest, smallest: (n_bands, block_rows, block_cols), out, -inf and inf in blocks without
    valid pixels.
    """
    n_bands, rows, cols = bands.shape
    n_valid[:] = 0
    largest[:] = -np.inf
    smallest[:] = np.inf
    number = np.empty(cols, np.int32)
    high, low = np.empty(cols, np.float32), np.empty(cols, np.float32)
    for i in range(n_valid.shape[0]):
        inside = (i * BLOCK, min((i + 1) * BLOCK, rows))
        number[:] = 0
        for row in range(inside[0], inside[1]):
            for col in range(cols):
                number[col] += valid[row, col]
        for col in range(cols):
            n_valid[i, col // BLOCK] += number[col]
        for band in range(n_bands):
            # First down the columns, without branches: the compiler takes eight at a time.
            high[:] = -np.inf
            low[:] = np.inf
            for row in range(inside[0], inside[1]):
                for col in range(cols):
                    value = np.float32(bands[band, row, col])
                    good = valid[row, col]
                    high[col] = value if good & (value > high[col]) else high[col]
                    low[col] = value if good & (value < low[col]) else low[col]
            for col in range(cols):
                j = col // BLOCK
                largest[band, i, j] = max(largest[band, i, j], high[col])
                smallest[band, i, j] = min(smallest[band, i, j], low[col])


@kernel
def block_quartiles(band: AnyReal, valid: Bool, out: Float32) -> None:
    """Lower quartile, median and upper quartile of the valid pixels of every block.

    band, valid: (rows, cols); out: (3, block_rows, block_cols), out, NaN in blocks without valid
    pixels. Of an even number the median is the lower of the two in the middle.
    """
    rows, cols = band.shape
    values = np.empty(BLOCK * BLOCK, np.float32)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            n = 0
            for row in range(i * BLOCK, min((i + 1) * BLOCK, rows)):
                for col in range(j * BLOCK, min((j + 1) * BLOCK, cols)):
                    if valid[row, col]:
                        values[n] = band[row, col]
                        n += 1
            if n == 0:
                out[:, i, j] = np.nan
                continue
            ordered = np.sort(values[:n])
            for k in range(3):
                out[k, i, j] = ordered[(k + 1) * (n - 1) // 4]


@kernel
def cut_blocks(bands: AnyReal, valid: Bool, rows: Int64, cols: Int64, out: Float32) -> None:
    """Copy blocks out of a chunk as float32; pixels that are not valid become NaN.

    bands: (n_bands, rows, cols); valid: (rows, cols); rows, cols: (n,) block indices inside the
    chunk; out: (n, n_bands, BLOCK, BLOCK), out, NaN also beyond the chunk's end.
    """
    n_bands, height, width = bands.shape
    out[:] = np.nan
    for k in range(rows.size):
        row0, col0 = rows[k] * BLOCK, cols[k] * BLOCK
        for row in range(row0, min(row0 + BLOCK, height)):
            for col in range(col0, min(col0 + BLOCK, width)):
                if valid[row, col]:
                    for band in range(n_bands):
                        out[k, band, row - row0, col - col0] = bands[band, row, col]
