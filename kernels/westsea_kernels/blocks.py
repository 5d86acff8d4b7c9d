"""What is kept of the pixels of a block, 16 x 16 pixels on the grid of the whole file.

Cells are 8 x 8 blocks. Every number here depends on its own block alone and not on how a scene
was cut into chunks.

Rows are passed on as slices: numba tests an index such as `col0 + i` for being negative, and the
loop around it is then not vectorised (0.9 ns a pixel instead of 0.2).
"""

import numpy as np

from westsea_kernels.arrays import AnyReal, Bool, Float, Float32, Int, Int64, UInt16
from westsea_kernels.images import Image, are_numbers, power
from westsea_kernels.jit import kernel

BLOCK = 16
CELL = 128
BLOCKS_PER_CELL = CELL // BLOCK
TILE = 64 * CELL
"""Columns worked on at a time: few enough that a row of blocks stays in the processor's cache, many
enough that memory is read in long runs (with 8 cells a sixth slower)."""
SAMPLING = 2
"""Where quantiles are taken, one row in so many is looked at; of cells, also one column."""

_INF, _NAN = np.float32(np.inf), np.float32(np.nan)
_FINE_SHIFT = 16  # the upper 7 bits of a float32's mantissa make 128 bins an octave


@kernel
def mark_valid(bands: AnyReal, nodata: np.float32, land: Bool, valid: Bool) -> None:
    """valid[row, col] = every band has data there and it is not land.

    bands: (n_bands, rows, cols); nodata: the value that means none (NaN and infinities always
    do); land: (rows, cols); valid: (rows, cols), out.
    """
    mark_window(bands, nodata, land, (0, land.shape[0]), (0, land.shape[1]), valid)


@kernel
def mark_window(
    bands: AnyReal,
    nodata: np.float32,
    land: Bool,
    rows: tuple[int, int],
    cols: tuple[int, int],
    valid: Bool,
) -> None:
    """As `mark_valid`, inside a window; rows, cols: half open."""
    for row in range(rows[0], rows[1]):
        good, masked = valid[row, cols[0] : cols[1]], land[row, cols[0] : cols[1]]
        for i in range(good.size):
            good[i] = not masked[i]
        for band in range(bands.shape[0]):
            values = bands[band, row, cols[0] : cols[1]]
            # No branches, so that the compiler takes eight pixels at a time: 0.2 ns a pixel.
            for i in range(good.size):
                value = np.float32(values[i])
                good[i] &= (value != nodata) & (np.abs(value) < np.inf)


@kernel
def summarise_row(
    image: Image,
    nodata: np.float32,
    land: Bool,
    rows: tuple[int, int],
    cols: tuple[int, int],
    valid: Bool,
    n_valid: UInt16,
    largest: Float32,
    smallest: Float32,
) -> bool:
    """Mark valid pixels in a window of one row of blocks; their number and extremes by block.

    Returns whether every pixel is valid. Where that is so, as a rule at sea, pixels are not asked
    one by one; with that, and a row that stays in the processor's cache, it takes half the time.

    image, nodata, land, valid: as of `mark_valid`; rows, cols: half open, from multiples of BLOCK,
    at most BLOCK rows and TILE columns; n_valid: (block_rows, block_cols), out; largest, smallest:
    (n_bands, block_rows, block_cols), out, -inf and inf in blocks without valid pixels.
    """
    i, inside = rows[0] // BLOCK, slice(cols[0] // BLOCK, (cols[1] + BLOCK - 1) // BLOCK)
    is_whole = _is_whole(image, nodata, land, rows, cols)
    if is_whole:
        for row in range(rows[0], rows[1]):
            valid[row, cols[0] : cols[1]] = True
        for j in range(inside.start, inside.stop):
            n_valid[i, j] = (rows[1] - rows[0]) * (min((j + 1) * BLOCK, cols[1]) - j * BLOCK)
    else:
        mark_window(image.pixels, nodata, land, rows, cols, valid)
        _number(valid, rows, cols, n_valid[i, inside])
    high = np.empty((inside.stop - inside.start, BLOCK), np.float32)
    low = np.empty(high.shape, np.float32)
    for band in range(image.pixels.shape[0]):
        _extremes_down(image, band, valid, is_whole, rows, cols, high.reshape(-1), low.reshape(-1))
        _extremes_across(high, low, largest[band, i, inside], smallest[band, i, inside])
    return bool(is_whole)


@kernel
def _is_whole(
    image: Image, nodata: np.float32, land: Bool, rows: tuple[int, int], cols: tuple[int, int]
) -> bool:
    """Whether every pixel of a window is valid, as of `mark_window`; rows, cols: half open."""
    for row in range(rows[0], rows[1]):
        is_bad = False
        masked = land[row, cols[0] : cols[1]]
        for i in range(masked.size):
            is_bad |= masked[i]
        for band in range(image.pixels.shape[0]):
            pixels = image.pixels[band, row, cols[0] : cols[1]]
            if are_numbers(image):  # compared as they are: 32 at a time
                for i in range(pixels.size):
                    is_bad |= pixels[i] == 0
            else:
                for i in range(pixels.size):
                    value = np.float32(pixels[i])
                    is_bad |= (value == nodata) | ~(np.abs(value) < np.inf)
        if is_bad:
            return False
    return True


@kernel
def _number(valid: Bool, rows: tuple[int, int], cols: tuple[int, int], out: UInt16) -> None:
    """Number of valid pixels in each block of a window of one row; rows, cols: half open."""
    number = np.zeros((out.size, BLOCK), np.uint16)
    down = number.reshape(-1)
    for row in range(rows[0], rows[1]):
        good = valid[row, cols[0] : cols[1]]
        for i in range(good.size):
            down[i] += good[i]
    for j in range(out.size):
        out[j] = number[j].sum()


@kernel
def _extremes_down(
    image: Image,
    band: int,
    valid: Bool,
    is_whole: bool,
    rows: tuple[int, int],
    cols: tuple[int, int],
    high: Float32,
    low: Float32,
) -> None:
    """Maximum and minimum of the valid pixels in each column of a window within a row of blocks.

    is_whole: all are valid; rows, cols: half open; high, low: (n,), out, n at least that of the
    columns, -inf and inf where there are none.
    """
    pixels = image.pixels[band]
    high[:] = -np.inf
    low[:] = np.inf
    if is_whole:
        _extremes_of_whole(pixels, rows, cols, high, low)
    else:
        _extremes_of_valid(pixels, valid, rows, cols, high, low)
    if are_numbers(image):
        place = slice(cols[0], cols[1])
        gains = image.gains[band, rows[0] // BLOCK, place]
        noises = image.noises[band, rows[0] // BLOCK, place]
        for i in range(gains.size):
            high[i] = power(high[i], gains[i], noises[i]) if high[i] >= 0 else -_INF
            low[i] = power(low[i], gains[i], noises[i])


@kernel
def _extremes_of_valid(
    band: AnyReal,
    valid: Bool,
    rows: tuple[int, int],
    cols: tuple[int, int],
    high: Float32,
    low: Float32,
) -> None:
    """Raise `high` and lower `low` to the valid pixels in each column; rows, cols: half open.

    Without branches, so that the compiler takes eight columns at a time, and four rows at once,
    which halves the time; the last row stands in for those beyond it.
    """
    across = slice(cols[0], cols[1])
    for row in range(rows[0], rows[1], 4):
        # numba unrolls no list of arrays, so the four have names.
        b, c, d = min(row + 1, rows[1] - 1), min(row + 2, rows[1] - 1), min(row + 3, rows[1] - 1)
        values_a, good_a = band[row, across], valid[row, across]
        values_b, good_b = band[b, across], valid[b, across]
        values_c, good_c = band[c, across], valid[c, across]
        values_d, good_d = band[d, across], valid[d, across]
        for i in range(values_a.size):
            top = _larger(
                _larger(_or(values_a[i], good_a[i], -_INF), _or(values_b[i], good_b[i], -_INF)),
                _larger(_or(values_c[i], good_c[i], -_INF), _or(values_d[i], good_d[i], -_INF)),
            )
            high[i] = _larger(top, high[i])
            bottom = _smaller(
                _smaller(_or(values_a[i], good_a[i], _INF), _or(values_b[i], good_b[i], _INF)),
                _smaller(_or(values_c[i], good_c[i], _INF), _or(values_d[i], good_d[i], _INF)),
            )
            low[i] = _smaller(bottom, low[i])


@kernel
def _extremes_of_whole(
    band: AnyReal, rows: tuple[int, int], cols: tuple[int, int], high: Float32, low: Float32
) -> None:
    """As `_extremes_of_valid`, of a window of valid pixels alone.

    Pixels are compared in their own dtype: of 16 bits twice as many at a time.
    """
    across = slice(cols[0], cols[1])
    top, bottom = band[rows[0], across].copy(), band[rows[0], across].copy()
    for row in range(rows[0], rows[1], 4):
        b, c, d = min(row + 1, rows[1] - 1), min(row + 2, rows[1] - 1), min(row + 3, rows[1] - 1)
        values_a, values_b = band[row, across], band[b, across]
        values_c, values_d = band[c, across], band[d, across]
        for i in range(top.size):
            one, two, three, four = values_a[i], values_b[i], values_c[i], values_d[i]
            top[i] = _larger(_larger(_larger(one, two), _larger(three, four)), top[i])
            bottom[i] = _smaller(_smaller(_smaller(one, two), _smaller(three, four)), bottom[i])
    for i in range(top.size):
        high[i], low[i] = top[i], bottom[i]


@kernel
def _or(value: Float, is_good: bool, other: np.float32) -> np.float32:
    return np.float32(value) if is_good else other


@kernel
def _larger(a: Float, b: Float) -> Float:
    return a if a > b else b


@kernel
def _smaller(a: Float, b: Float) -> Float:
    return a if a < b else b


@kernel
def _extremes_across(high: Float32, low: Float32, largest: Float32, smallest: Float32) -> None:
    """Of (n, BLOCK) columns those of each block; largest, smallest: (at most n,), out."""
    for j in range(largest.size):
        top, bottom = high[j, 0], low[j, 0]
        for k in range(1, BLOCK):
            top, bottom = _larger(high[j, k], top), _smaller(low[j, k], bottom)
        largest[j], smallest[j] = top, bottom


@kernel
def block_quartiles(band: AnyReal, valid: Bool, out: Float32) -> None:
    """Lower quartile, median and upper quartile of the valid pixels of every block.

    Of every second row, from a histogram of 128 bins an octave, linear inside the bin: right to
    0.8 %, while sorting the block would take 20 times as long. What lies below zero counts as
    zero.

    band, valid: (rows, cols); out: (3, block_rows, block_cols), out, NaN in blocks without valid
    pixels.
    """
    counts = np.zeros(1 << (32 - _FINE_SHIFT), np.uint16)
    line = np.empty(BLOCK, np.float32)
    bits = line.view(np.int32)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            cols = slice(j * BLOCK, min((j + 1) * BLOCK, band.shape[1]))
            lowest, highest, n = counts.size, -1, 0
            for row in range(i * BLOCK, min((i + 1) * BLOCK, band.shape[0]), SAMPLING):
                values, good = band[row, cols], valid[row, cols]
                for k in range(good.size):
                    line[k] = values[k]
                    if good[k]:
                        place = max(bits[k], 0) >> _FINE_SHIFT
                        lowest, highest = min(lowest, place), max(highest, place)
                        counts[place] += 1
                        n += 1
            _read_quartiles(counts, lowest, highest, n, out[:, i, j])


@kernel
def _read_quartiles(counts: UInt16, lowest: int, highest: int, n: int, out: Float32) -> None:
    """Quartiles of a histogram, which is emptied; NaN where it is empty.

    counts: its bins, numbered by the upper bits of a float32; lowest, highest: the first and last
    with a count; n: their sum; out: (3,), out.
    """
    out[:] = np.nan
    edges = np.empty(2, np.float32)
    bits = edges.view(np.int32)
    below, k = 0, 0
    for place in range(lowest, highest + 1):
        while k < 3 and below + counts[place] >= 0.25 * (k + 1) * n:
            bits[0], bits[1] = place << _FINE_SHIFT, (place + 1) << _FINE_SHIFT
            share = np.float32((0.25 * (k + 1) * n - below) / counts[place])
            out[k] = edges[0] + (edges[1] - edges[0]) * share if place > 0 else 0.0
            k += 1
        below += counts[place]
        counts[place] = 0


@kernel
def cut_blocks(image: Image, valid: Bool, rows: Int64, cols: Int64, out: Float32) -> None:
    """Copy blocks out of a chunk as float32 values; pixels that are not valid become NaN.

    valid: (rows, cols); rows, cols: (n,) block indices inside the chunk; out:
    (n, n_bands, BLOCK, BLOCK), out, NaN also beyond the chunk's end.
    """
    for k in range(rows.size):
        cut_block(image, valid, rows[k], cols[k], out[k])


@kernel
def cut_block(image: Image, valid: Bool, i: Int, j: Int, out: Float32) -> None:
    """As `cut_blocks`, of one block; out: (n_bands, BLOCK, BLOCK)."""
    n_bands, height, width = image.pixels.shape
    across = slice(j * BLOCK, min((j + 1) * BLOCK, width))
    out[:] = np.nan
    for row in range(i * BLOCK, min((i + 1) * BLOCK, height)):
        good = valid[row, across]
        for band in range(n_bands):
            pixels, line = image.pixels[band, row, across], out[band, row - i * BLOCK]
            if are_numbers(image):
                gains, noises = image.gains[band, i, across], image.noises[band, i, across]
                for k in range(good.size):
                    line[k] = _or(power(pixels[k], gains[k], noises[k]), good[k], _NAN)
            else:
                for k in range(good.size):
                    line[k] = _or(pixels[k], good[k], _NAN)
