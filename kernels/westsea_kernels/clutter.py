"""Thresholds for sea clutter, from two quantiles of its histogram.

The K distribution is matched on the ratio of the 90 % quantile to the median. On simulated
clutter the rate of false alarms stays within a factor of two of the nominal one, where a Gaussian
is off by a factor of 600 to 3,000. Unlike moments, quantiles hardly move when some of the pixels
are ships: with 2 % of them thresholds for 1e-5 rise by 0.4 to 0.7 dB.
"""

from functools import lru_cache
from importlib.resources import files

import numpy as np

from westsea_kernels.arrays import Bool, Float32, Float64
from westsea_kernels.blocks import BLOCKS_PER_CELL
from westsea_kernels.jit import kernel
from westsea_kernels.make_clutter_table import DECADES, shape_terms, terms

TRIM_RATE = 2e-5
"""Of pixels of the sea: one cell in three loses one of its 64 blocks to its own speckle."""
N_TERMS = 10
FEW = 32
MOST_LOOKS = 40.0
LEAST_TEXTURE = 0.015
"""Variance of a texture that is told from none; the fit of 1 / order is right to 0.012."""


@lru_cache(maxsize=1)
def _table() -> Float64:
    return np.asarray(np.load(str(files("westsea_kernels") / "data" / "clutter.npy")))


def threshold_over_median(ratio: Float64, rate: float, n_polarizations: int) -> Float64:
    """Threshold of a false alarm rate per pixel, in units of the median.

    Parameters
    ----------
    ratio : any shape
        90 % quantile over median; NaN gives NaN.
    rate : float
        1e-9 to 0.1 (clipped).
    n_polarizations : 1 or 2
    """
    rows = _table()[n_polarizations - 1]
    place = np.interp(np.log10(np.clip(rate, 1e-9, 0.1)), DECADES, np.arange(DECADES.size))
    low = int(min(place, DECADES.size - 2))
    share = place - low
    log_threshold = (1 - share) * rows[:, 4 + low] + share * rows[:, 5 + low]
    return np.asarray(np.exp(np.interp(ratio, rows[:, 0], log_threshold)))


@lru_cache(maxsize=1)
def _tails() -> Float64:
    return np.asarray(np.load(str(files("westsea_kernels") / "data" / "tails.npy")))


def tail_over_median(ratio: Float64, upper: Float64, rate: float, n_polarizations: int) -> Float64:
    """Threshold of one rate, in units of the median; see `tails_over_median`."""
    return tails_over_median(ratio, upper, (rate,), n_polarizations)[0]


def tails_over_median(
    ratio: Float64, upper: Float64, rates: tuple[float, ...], n_polarizations: int
) -> list[Float64]:
    """Thresholds of false alarm rates per pixel, in units of the median.

    Fitted to K distributed seas of order 3 to infinity and 3 to 5.5 looks, with noise in either
    polarisation and a mean that changes across the cell.

    Parameters
    ----------
    ratio, upper : any shape
        90 % quantile over median, and 99 % over 90 %; NaN gives NaN. Beyond the seas of the fit
        they count as its ends.
    rates : 1e-9 to 0.1 (clipped)
    n_polarizations : 1 or 2
    """
    x, y = _logarithms(ratio, upper, n_polarizations)
    heights = terms(x, y) @ _tails()[n_polarizations - 1, 3:, :N_TERMS].T
    # In the corners of the fit the polynomials may cross: a rarer pixel is never the darker one.
    heights = np.maximum.accumulate(heights[..., ::-1], axis=-1)[..., ::-1]
    places = np.interp(np.log10(np.clip(rates, 1e-9, 0.1)), DECADES, np.arange(DECADES.size))
    out = []
    for place in places:
        low = int(min(place, DECADES.size - 2))
        share = place - low
        above = (1 - share) * heights[..., low] + share * heights[..., low + 1]
        out.append(np.asarray(np.exp(x + y + above)))
    return out


def _logarithms(ratio: Float64, upper: Float64, n_polarizations: int) -> tuple[Float64, Float64]:
    """Of the two ratios, within what the seas of the fit have."""
    least, most, constant, slope, bend, below, above = _tails()[n_polarizations - 1, 0, :7]
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = np.clip(np.log(ratio), least, most), np.log(upper)
    middle = constant + x * (slope + x * bend)
    return x, np.clip(y, middle + below, middle + above)


def looks_and_order(
    lower: float, ratio: float, upper: float, n_polarizations: int
) -> tuple[float, float]:
    """Looks of one polarisation, and order of the plane's texture (inf: none).

    lower, ratio, upper: median over 10 % quantile, 90 % quantile over median, 99 % over 90 %.
    """
    logarithms = _logarithms(np.asarray(ratio), np.asarray(upper), n_polarizations)
    powers = shape_terms(np.log(np.asarray(lower)), *logarithms)
    inverse_looks, inverse_order = _tails()[n_polarizations - 1, 1:3] @ powers
    looks = 1.0 / min(max(inverse_looks, 1 / MOST_LOOKS), 1.0)
    return float(looks), float(1.0 / inverse_order if inverse_order > LEAST_TEXTURE else np.inf)


@lru_cache(maxsize=2)
def trim_limits(n_polarizations: int) -> Float64:
    """What `cells.summarise_cells` takes as its limits: the thresholds of TRIM_RATE.

    (2, n) ratio of the 90 % quantile to the median, and threshold over median.
    """
    ratio = _table()[n_polarizations - 1, :, 0]
    return np.stack([ratio, threshold_over_median(ratio, TRIM_RATE, n_polarizations)])


def describe(ratio: Float64, n_polarizations: int) -> tuple[Float64, Float64, Float64]:
    """What clutter the ratio of the 90 % quantile to the median speaks of.

    Returns
    -------
    Looks of one polarisation, order of the texture (inf: none) and mean over median; each of the
    shape of `ratio`, NaN where it is NaN. Ratios beyond the table take its first or last row.
    """
    rows = _table()[n_polarizations - 1]
    looks = np.interp(ratio, rows[:, 0], rows[:, 1]) / n_polarizations
    with np.errstate(divide="ignore"):
        order = 1.0 / np.interp(ratio, rows[:, 0], 1.0 / rows[:, 2])
    return looks, order, np.interp(ratio, rows[:, 0], rows[:, 3])


@kernel
def at_blocks(cells: Float64, weights: Float64, out: Float64) -> None:
    """Interpolate a field of the cells to the middle of every block, bilinearly.

    cells: (rows, cols); weights: (rows, cols), >= 0, cells of weight 0 do not count, whatever
    they hold; out: (block rows, block cols), out, NaN where none of the four cells around counts.
    """
    n_rows, n_cols = cells.shape
    # With a rim of cells that do not count every block lies amid four: no branches, half of the
    # time.
    share, part = np.zeros((n_rows + 2, n_cols + 2)), np.zeros((n_rows + 2, n_cols + 2))
    for k in range(n_rows):
        for m in range(n_cols):
            if weights[k, m] > 0.0:
                share[k + 1, m + 1], part[k + 1, m + 1] = weights[k, m], cells[k, m]
    for i in range(out.shape[0]):
        y = (i + 0.5) / BLOCKS_PER_CELL + 0.5
        top = np.uint32(y)
        down = y - top
        above, below, of_above, of_below = share[top], share[top + 1], part[top], part[top + 1]
        for j in range(out.shape[1]):
            x = (j + 0.5) / BLOCKS_PER_CELL + 0.5
            left = np.uint32(x)
            right = x - left
            a, b = (1.0 - down) * (1.0 - right), (1.0 - down) * right
            c, d = down * (1.0 - right), down * right
            a, b, c, d = a * above[left], b * above[left + 1], c * below[left], d * below[left + 1]
            total = a * of_above[left] + b * of_above[left + 1]
            total += c * of_below[left]
            total += d * of_below[left + 1]
            weight = a + b + c + d
            out[i, j] = total / weight if weight > 0.0 else np.nan


@kernel
def _order(values: Float64) -> None:
    """Sort in place; a few dozen values, as of the nearest blocks, in half the time of a sort."""
    if values.size > FEW:
        values.sort()
        return
    for i in range(1, values.size):
        value, j = values[i], i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@kernel
def local_level(
    quartiles: Float32,
    usable: Bool,
    radius: int,
    least: int,
    level: Float64,
    within: Float64,
    between: Float64,
) -> None:
    """Level and spreads of the water around every block, from the blocks' own quartiles.

    Parameters
    ----------
    quartiles : (3, block rows, block cols)
    usable : (block rows, block cols)
        Blocks of water.
    radius, least : int
        Blocks to look at on each side; fewer usable ones than `least`, or none, give nothing.
    level, within, between : (block rows, block cols), in and out
        Only NaN is replaced. The level is the median of the medians; the spreads are what the
        quartiles of a normal distribution say, inside the blocks (the median of them) and between
        their medians.
    """
    n_rows, n_cols = usable.shape
    size = (2 * radius + 1) ** 2
    middle, inside = np.empty(size), np.empty(size)
    for i in range(n_rows):
        for j in range(n_cols):
            if level[i, j] == level[i, j]:
                continue
            n = 0
            for k in range(max(i - radius, 0), min(i + radius + 1, n_rows)):
                for m in range(max(j - radius, 0), min(j + radius + 1, n_cols)):
                    if usable[k, m]:
                        middle[n] = quartiles[1, k, m]
                        inside[n] = quartiles[2, k, m] - quartiles[0, k, m]
                        n += 1
            if n >= max(least, 1):
                _order(middle[:n])
                _order(inside[:n])
                level[i, j] = middle[n // 2]
                between[i, j] = (middle[3 * (n - 1) // 4] - middle[(n - 1) // 4]) / 1.349
                within[i, j] = inside[n // 2] / 1.349
