"""The sea of a scene: its level and its thresholds, from the summary alone."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from westsea.detection.statistics import RADAR_SCALE, Summary, spread_to_blocks
from westsea.detector import Detector
from westsea_catalog.scene import Sensor
from westsea_kernels.blocks import BLOCKS_PER_CELL
from westsea_kernels.cells import bin_edges, count_above, pooled_quantiles, quantile
from westsea_kernels.clutter import (
    at_blocks,
    describe,
    local_level,
    looks_and_order,
    tails_over_median,
)

Float = NDArray[np.float64]

LEAST_LEVEL_PIXELS = 1024
"""A cell with fewer pixels of sea takes its level from the cells around."""
LEAST_POOLED = 128
"""Fewer counted pixels, over the cells around too, give no threshold: nothing is sought."""
RADAR_POOL = 2
"""Cells on each side of a cell whose histograms are added: 6.4 km of sea."""
RADAR_TAIL_POOL = 4
"""The same for the 99 % quantile, which needs more pixels: 11.5 km."""
RADAR_QUANTILES = (0.5, 0.9)
RADAR_TAIL_QUANTILES = (0.1, 0.5, 0.9, 0.99)
RADAR_MISFIT, RADAR_MISFIT_SIGMAS = 0.12, 4.0
"""Excess of a cell's tail, the logarithm of its 99 % quantile over its median, above what is usual
around, from which a front or a rain cell is in it; and in robust standard deviations of what is
around, 0.02 to 0.06 on even seas and more on rough ones. The cell's thresholds rise by the rest,
and it is not pooled with others."""
RADAR_CHECK_RATE = 3e-4
"""At which the thresholds are tried on the scene's own histograms; of 1024 x 1024 pixels 80
of those counted lie above, and blocks left out for ships are rarely sea (`clutter.TRIM_RATE`)."""
WATER_RADII = (2, 4, 8)
"""Blocks on each side of a block over which the water's level is taken: 0.8 km where that holds
LEAST_WATER_BLOCKS of water, else more."""
LEAST_WATER_BLOCKS = 5
LEAST_BLOCK_PIXELS = 64
LONGEST_UPPER_TAIL = 2.5
"""Upper less lower quartile of a block, in units of median less lower quartile: 1.8 to 2.6 in nine
of ten blocks of open water. More is a ship, a mole or surf."""
MOST_UNEVEN = 2.0
"""Spreads between blocks by which a block's own median may differ from the level around it."""
UNEVEN_SHARE = 0.25
"""Of the spread between blocks that thresholds lie higher: glint comes in patches."""
BRIGHTEST_WATER = 0.5
"""Share of the step from water to land above which nothing is water, however uneven it is: among
quays the spread of the water holds theirs."""
BRIGHTEST_GROWTH = 0.3
"""The same for the growth threshold."""
LARGEST_RELATIVE_SPREAD = 0.5
"""Of very dark water, whose digital numbers are few and far between."""
LEAST_SEPARATION = 0.75
"""Otsu's share of variance between water and land; one bell alone gives 2/pi = 0.64."""
DARKEST_SHARE = 0.05
"""The darkest pixels, which count as if they were as bright as this quantile."""
LEAST_STEP = 1.5
"""Land is brighter than water by at least this factor, or there is none."""


@dataclass(frozen=True)
class Sea:
    """Level and thresholds, block by block, in units of the plane."""

    weights: NDArray[np.float32]
    """(cell rows, cell cols, bands) of the plane."""
    background: Float
    """(block rows, block cols) mean of the sea."""
    growth: Float
    seed: Float
    """(block rows, block cols); inf where nothing is sought."""
    noise: Float
    """(block rows, block cols) standard deviation that does not grow with brightness."""
    looks: float
    """Looks of the plane's speckle; 0 for optical scenes."""
    enl: float
    k_order: float
    n_counted: int
    """Pixels in the histograms: for radar without blocks that hold ships."""
    n_above: int
    """Those above the threshold of RADAR_CHECK_RATE of their cell; of an optical scene above the
    growth threshold."""
    clutter_db: float
    """Of the first band: 10 log10 of the median over the scene of its mean level."""


def sea(summary: Summary, sensor: Sensor, detector: Detector) -> Sea:
    """Level and thresholds of a scene's sea."""
    return _radar_sea(summary, detector) if sensor == "sar" else _optical_sea(summary, detector)


def plane_bounds(
    summary: Summary, weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(block rows, block cols) below and above which the plane cannot lie in each block.

    weights : (cell rows, cell cols, bands), as in `Sea`

    The plane is summed band by band in float32, and so are the bounds: such sums are monotonic,
    so the bounds hold to the last bit.
    """
    of_blocks = spread_to_blocks(np.moveaxis(weights, -1, 0), summary.block_valid.shape)
    return weighted_sum(of_blocks, summary.smallest), weighted_sum(of_blocks, summary.largest)


def weighted_sum(weights: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum over the first axis, the bands, of weight x value; infinite where float32 ends."""
    with np.errstate(invalid="ignore", over="ignore"):
        out: NDArray[np.float32] = weights[0] * values[0]
        for band in range(1, len(values)):
            out += weights[band] * values[band]
    return out


def plane_weights(levels: Float | NDArray[np.float32]) -> NDArray[np.float32]:
    """Of the bands of a radar, by their levels (..., bands): each counts alike."""
    lit = levels > 0
    weights = np.where(lit, 1.0 / (levels.shape[-1] * np.where(lit, levels, 1.0)), 0.0)
    return weights.astype(np.float32)


def quantiles(
    counts: NDArray[np.generic], radius: int, edges: Float, qs: tuple[float, ...]
) -> Float:
    """(len(qs), cell rows, cell cols) of the cells within a radius; NaN where too few count."""
    out = np.empty((len(qs), *counts.shape[:2]))
    pooled_quantiles(counts, radius, edges, np.array(qs), LEAST_POOLED, out)
    return out


def _to_blocks(cells: Float, good: NDArray[np.bool_], shape: tuple[int, ...]) -> Float:
    out = np.empty(shape)
    at_blocks(np.where(good, cells, 0.0), good.astype(float), out)
    return out


def _radar_sea(summary: Summary, detector: Detector) -> Sea:
    n_bands = summary.medians.shape[-1]
    levels = levels_of_cells(summary)
    edges = bin_edges() / RADAR_SCALE
    misfit = _misfit(summary, edges)
    even = summary.counts
    if misfit.any():
        even = np.where((misfit > 0.0)[..., None], 0, even)
    median, high = quantiles(even, RADAR_POOL, edges, RADAR_QUANTILES)
    good, ratio = np.isfinite(median), np.asarray(high / median)
    lower, middle, high, highest = quantiles(even, RADAR_TAIL_POOL, edges, RADAR_TAIL_QUANTILES)
    upper = highest / high
    mean = describe(ratio, n_bands)[2]
    level = median * np.exp(misfit)
    rates = (detector.growth_rate, detector.false_alarm_rate, RADAR_CHECK_RATE)
    growth, seed, check = (
        level * height for height in tails_over_median(ratio, upper, rates, n_bands)
    )
    enl, k_order = float("nan"), float("nan")
    if good.any():
        ratios = (middle / lower, high / middle, upper)
        below, above, tail = (float(np.median(each[good])) for each in ratios)
        enl, k_order = looks_and_order(below, above, tail, n_bands)
    blocks = summary.block_valid.shape
    return Sea(
        weights=plane_weights(levels),
        background=_to_blocks(median * mean, good, blocks),
        growth=_or_inf(_to_blocks(growth, good, blocks)),
        seed=_or_inf(_to_blocks(seed, good, blocks)),
        noise=np.zeros(blocks),
        looks=enl * n_bands if good.any() else 0.0,
        enl=enl,
        k_order=k_order,
        n_counted=int(summary.counts.sum(dtype=np.int64)),
        n_above=round(count_above(summary.counts, edges, check)),
        clutter_db=_decibel((levels[..., 0] * median * mean)[good & (levels[..., 0] > 0)]),
    )


def _misfit(summary: Summary, edges: Float) -> Float:
    """(cell rows, cell cols) by how much more than tolerable the cells' tails are longer."""
    median, highest = quantiles(summary.counts, 0, edges, (0.5, 0.99))
    tail = np.log(highest / median)
    side = 2 * RADAR_TAIL_POOL + 1
    padded = np.pad(tail, RADAR_TAIL_POOL, constant_values=np.nan)
    around = np.sort(sliding_window_view(padded, (side, side)).reshape(*tail.shape, -1), axis=-1)
    last = np.maximum(np.isfinite(around).sum(axis=-1) - 1, 0)  # NaN comes last
    quarters = np.stack([last // 4, last // 2, 3 * last // 4], axis=-1)
    low, usual, high = np.moveaxis(np.take_along_axis(around, quarters, axis=-1), -1, 0)
    most = np.maximum(RADAR_MISFIT, RADAR_MISFIT_SIGMAS * (high - low) / 1.349)
    return np.asarray(np.maximum(np.nan_to_num(tail - usual - most), 0.0))


def levels_of_cells(summary: Summary) -> Float:
    """(cell rows, cell cols, bands) median of each cell; of those around where it is sparse."""
    own = summary.medians.astype(float)
    trusted = summary.valid >= LEAST_LEVEL_PIXELS
    out = own.copy()
    for i, j in np.argwhere(~trusted & (summary.valid > 0)):
        around = (slice(max(i - 1, 0), i + 2), slice(max(j - 1, 0), j + 2))
        if trusted[around].any():
            out[i, j] = np.median(own[around][trusted[around]], axis=0)
    return out


def _or_inf(values: Float) -> Float:
    return np.where(np.isnan(values), np.inf, values)


def _decibel(levels: Float) -> float:
    return 10.0 * float(np.log10(np.median(levels))) if levels.size else float("nan")


def _optical_sea(summary: Summary, detector: Detector) -> Sea:
    edges = bin_edges()
    top, land = water_and_land(summary.counts.sum(axis=(0, 1), dtype=np.int64), edges)
    level, spread, uneven = _water(summary, edges[top])
    growth, seed = optical_thresholds(level, spread, uneven, land, detector)
    water = summary.counts.copy()
    water[..., top:] = 0
    median, high = quantiles(water, 0, edges, (0.5, 0.9))
    good = np.isfinite(median)
    looks, order, _ = describe(high / median, 1)
    any_good = bool(good.any())
    return Sea(
        weights=np.ones((*summary.valid.shape, 1), np.float32),
        background=level,
        growth=_or_inf(growth),
        seed=_or_inf(seed),
        noise=spread,
        looks=0.0,
        enl=float(np.median(looks[good])) if any_good else float("nan"),
        k_order=float(np.median(order[good])) if any_good else float("nan"),
        n_counted=int(summary.counts.sum(dtype=np.int64)),
        n_above=round(count_above(summary.counts, edges, _at_cells(growth, good.shape))),
        clutter_db=_decibel(median[good & (median > 0)]),
    )


def optical_thresholds(
    level: Float, spread: Float, uneven: Float, land: float, detector: Detector
) -> tuple[Float, Float]:
    """Growth and seed, of any shape, from the water's level and its spreads within and between.

    land : the median of land; 0 for none
    """
    step = (land if land > 0 else 2.0 * level) - level
    no_water = step if land > 0 else np.full(level.shape, np.inf)

    def threshold(sigmas: float, contrast: float, brightest: float) -> Float:
        tail = _above_log_normal(level, spread, sigmas) + UNEVEN_SHARE * uneven
        return level + np.maximum(np.minimum(tail, brightest * no_water), contrast * step)

    return (
        threshold(
            detector.optical_growth_sigma, detector.optical_growth_contrast, BRIGHTEST_GROWTH
        ),
        threshold(detector.optical_seed_sigma, detector.optical_seed_contrast, BRIGHTEST_WATER),
    )


def _above_log_normal(level: Float, spread: Float, sigmas: float) -> Float:
    """Height above the level of so many deviations of a log-normal distribution.

    Glint and waves multiply the light of water: its upper tail is far longer than the normal
    one (99.9 % lie below 3.0 to 4.4 robust deviations on scenes without ships, not below 3.1).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.minimum(spread / level, LARGEST_RELATIVE_SPREAD)
    return level * np.expm1(sigmas * np.log1p(relative))


def _water(summary: Summary, darkest_land: float) -> tuple[Float, Float, Float]:
    """(block rows, block cols) level of the water, its spread inside blocks and between them.

    Looked at are blocks of water as near as they are found; beside quays and in narrow basins also
    those that are mostly land, whose lower quartile is water. Haze and mud change from block to
    block, which is no noise of a pixel: the level is the block's own where all of it is water,
    within what the blocks around it say.
    """
    _, median, upper = summary.quartiles
    level, within, between = water_around(
        summary, darkest_land, np.ones(summary.block_valid.shape, np.bool_)
    )
    reach = MOST_UNEVEN * between
    with np.errstate(invalid="ignore"):
        wholly = (summary.block_valid >= LEAST_BLOCK_PIXELS) & (upper < darkest_land)
    level = np.where(wholly, np.clip(median, level - reach, level + reach), level)
    level[level <= 0.0] = np.nan  # no light: neither a contrast nor a decibel has a meaning
    return level, within, between


def water_around(
    summary: Summary, darkest_land: float, wanted: NDArray[np.bool_]
) -> tuple[Float, Float, Float]:
    """Level of the water around the wanted blocks, its spread inside blocks and between them.

    Each (block rows, block cols); NaN where there is no water, without meaning where not wanted.
    """
    lower, median, upper = summary.quartiles
    enough = summary.block_valid >= LEAST_BLOCK_PIXELS
    mixed = np.stack([lower, lower, np.minimum(upper, 2.0 * median - lower)])
    level, within, between = np.where(wanted, np.full((3, 1, 1), np.nan), 0.0)
    with np.errstate(invalid="ignore"):
        water, partly = enough & (median < darkest_land), enough & (lower < darkest_land)
        longest = np.where(median > lower, lower + LONGEST_UPPER_TAIL * (median - lower), upper)
    quartiles = np.stack([lower, median, np.minimum(upper, longest)])
    for radius in WATER_RADII:
        local_level(quartiles, water, radius, LEAST_WATER_BLOCKS, level, within, between)
    local_level(mixed, partly, WATER_RADII[0], 1, level, within, between)
    return level, within, between


def _at_cells(blocks: Float, shape: tuple[int, ...]) -> Float:
    """The first block's value of each cell."""
    return blocks[::BLOCKS_PER_CELL, ::BLOCKS_PER_CELL][: shape[0], : shape[1]].copy()


def water_and_land(counts: NDArray[np.int64], edges: Float) -> tuple[int, float]:
    """Split a histogram of an optical band into water and land, by Otsu's rule on log bins.

    Parameters
    ----------
    counts : (N_BINS,)
    edges : (N_BINS + 1,)

    Returns
    -------
    The first bin of land, and the median of land in units of the band; (N_BINS, 0.0) where the
    histogram is one bell: open water.
    """
    n = counts.astype(float)
    place = np.log2((edges[1:] + edges[:-1]) / 2)
    if n.sum():  # the logarithm draws the darkest water out into a long tail
        place = np.maximum(place, np.log2(quantile(counts, edges, DARKEST_SHARE)))
    below, moment = np.cumsum(n), np.cumsum(n * place)
    total, mean = below[-1], moment[-1] / max(below[-1], 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean * below - moment) ** 2 / (below * (total - below))
    between[~np.isfinite(between)] = 0.0
    split = int(np.argmax(between)) + 1
    within = (n * (place - mean) ** 2).sum()
    dark, bright = n[:split], n[split:]
    none = (counts.size, 0.0)
    if not within or not dark.sum() or not bright.sum():
        return none
    step = (bright @ place[split:]) / bright.sum() - (dark @ place[:split]) / dark.sum()
    if total * between[split - 1] / within < LEAST_SEPARATION or step < np.log2(LEAST_STEP):
        return none
    land = counts.copy()
    land[:split] = 0
    return split, float(quantile(land, edges, 0.5))
