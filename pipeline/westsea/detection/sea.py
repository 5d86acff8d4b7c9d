"""The sea of a scene: its level and its thresholds, from the summary alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea.detection.statistics import RADAR_SCALE, Summary, spread_to_blocks
from westsea.detector import Detector
from westsea_catalog.scene import Sensor
from westsea_kernels.blocks import BLOCKS_PER_CELL, bin_edges, quantile
from westsea_kernels.clutter import (
    at_blocks,
    cell_quantiles,
    count_above,
    describe,
    local_level,
    looks_and_order,
    pool,
    tail_over_median,
)

Float = NDArray[np.float64]

LEAST_LEVEL_PIXELS = 1024
"""A cell with fewer pixels of sea takes its level from the cells around."""
LEAST_POOLED_PIXELS = 256
"""Fewer pixels than these, over the cells around too, give no threshold: nothing is sought."""
RADAR_POOL = 2
"""Cells on each side of a cell whose histograms are added: 6.4 km of sea."""
RADAR_TAIL_POOL = 4
"""The same for the 99 % quantile, which needs more pixels: 11.5 km."""
RADAR_QUANTILES = (0.1, 0.5, 0.9, 0.99)
RADAR_CHECK_RATE = 3e-4
"""At which the thresholds are tried on the scene's own histograms; a scene of 1024 x 1024 pixels
has 300 such, and blocks left out for ships are rarely sea (`clutter.TRIM_RATE`)."""
WATER_RADII = (2, 4, 8)
"""Blocks on each side of a block over which the water's level is taken: 0.8 km where that holds
LEAST_WATER_BLOCKS of water, else more."""
LEAST_WATER_BLOCKS = 5
LEAST_BLOCK_PIXELS = 64
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


def plane_bounds(summary: Summary, sea: Sea) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(block rows, block cols) below and above which the plane cannot lie in each block.

    The plane is summed band by band in float32, and so are the bounds: such sums are monotonic,
    so the bounds hold to the last bit.
    """
    weights = spread_to_blocks(np.moveaxis(sea.weights, -1, 0), summary.block_valid.shape)
    return weighted_sum(weights, summary.smallest), weighted_sum(weights, summary.largest)


def weighted_sum(weights: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum over the first axis, the bands, of weight x value; infinite where float32 ends."""
    with np.errstate(invalid="ignore", over="ignore"):
        out: NDArray[np.float32] = weights[0] * values[0]
        for band in range(1, len(values)):
            out += weights[band] * values[band]
    return out


def _pooled(
    counts: NDArray[np.generic], radius: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    out = np.zeros(counts.shape, np.int64)
    pool(counts, np.ones(counts.shape[:2], np.bool_), radius, out)
    return out, out.sum(axis=-1) >= LEAST_POOLED_PIXELS


def _quantiles(counts: NDArray[np.int64], good: NDArray[np.bool_], edges: Float, q: float) -> Float:
    out = np.empty(counts.shape[:2])
    cell_quantiles(counts, good, edges, q, out)
    return out


def _to_blocks(cells: Float, good: NDArray[np.bool_], shape: tuple[int, ...]) -> Float:
    out = np.empty(shape)
    at_blocks(np.where(good, cells, 0.0), good.astype(float), out)
    return out


def _radar_sea(summary: Summary, detector: Detector) -> Sea:
    n_bands = summary.medians.shape[-1]
    levels = _levels(summary)
    weights = np.zeros(levels.shape)
    np.divide(1.0, n_bands * levels, out=weights, where=levels > 0)  # as `inverse_weight`
    edges = bin_edges() / RADAR_SCALE
    counts, good = _pooled(summary.counts, RADAR_POOL)
    median = _quantiles(counts, good, edges, 0.5)
    ratio = _quantiles(counts, good, edges, 0.9) / median
    counts, _ = _pooled(summary.counts, RADAR_TAIL_POOL)
    lower, middle, high, highest = (_quantiles(counts, good, edges, q) for q in RADAR_QUANTILES)
    upper = highest / high
    mean = describe(ratio, n_bands)[2]

    def threshold(rate: float) -> Float:
        return median * tail_over_median(ratio, upper, rate, n_bands)

    enl, k_order = float("nan"), float("nan")
    if good.any():
        ratios = (middle / lower, high / middle, upper)
        below, above, tail = (float(np.median(each[good])) for each in ratios)
        enl, k_order = looks_and_order(below, above, tail, n_bands)
    blocks = summary.block_valid.shape
    return Sea(
        weights=weights.astype(np.float32),
        background=_to_blocks(median * mean, good, blocks),
        growth=_or_inf(_to_blocks(threshold(detector.growth_rate), good, blocks)),
        seed=_or_inf(_to_blocks(threshold(detector.false_alarm_rate), good, blocks)),
        noise=np.zeros(blocks),
        looks=enl * n_bands if good.any() else 0.0,
        enl=enl,
        k_order=k_order,
        n_counted=int(summary.counts.sum(dtype=np.int64)),
        n_above=round(count_above(summary.counts, edges, threshold(RADAR_CHECK_RATE))),
        clutter_db=_decibel((levels[..., 0] * median * mean)[good & (levels[..., 0] > 0)]),
    )


def _levels(summary: Summary) -> Float:
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
    level, spread = _water(summary, edges[top])
    step = (land if land > 0 else 2.0 * level) - level
    seed = level + np.maximum(
        _above_log_normal(level, spread, detector.optical_seed_sigma),
        detector.optical_seed_contrast * step,
    )
    growth = level + np.maximum(
        _above_log_normal(level, spread, detector.optical_growth_sigma),
        detector.optical_growth_contrast * step,
    )
    water = summary.counts.copy()
    water[..., top:] = 0
    counts, good = _pooled(water, 0)
    median = _quantiles(counts, good, edges, 0.5)
    looks, order, _ = describe(_quantiles(counts, good, edges, 0.9) / median, 1)
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


def _above_log_normal(level: Float, spread: Float, sigmas: float) -> Float:
    """Height above the level of so many deviations of a log-normal distribution.

    Glint and waves multiply the light of water: its upper tail is far longer than the normal
    one (99.9 % lie below 3.0 to 4.4 robust deviations on scenes without ships, not below 3.1).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.minimum(spread / level, LARGEST_RELATIVE_SPREAD)
    return level * np.expm1(sigmas * np.log1p(relative))


def _water(summary: Summary, darkest_land: float) -> tuple[Float, Float]:
    """(block rows, block cols) level and spread of the water around each block.

    Looked at are blocks of water alone as near as they are found; beside quays and in narrow
    basins also those that hold some land, whose lower quartile is water.
    """
    lower, median, upper = summary.quartiles
    enough = summary.block_valid >= LEAST_BLOCK_PIXELS
    mixed = np.stack([lower, lower, np.minimum(upper, 2.0 * median - lower)])
    level = np.full(summary.block_valid.shape, np.nan)
    spread = level.copy()
    with np.errstate(invalid="ignore"):
        water, partly = enough & (upper < darkest_land), enough & (lower < darkest_land)
    for radius in WATER_RADII:
        local_level(summary.quartiles, water, radius, LEAST_WATER_BLOCKS, level, spread)
    local_level(mixed, partly, WATER_RADII[0], 1, level, spread)
    level[level <= 0.0] = np.nan  # no light: neither a contrast nor a decibel has a meaning
    return level, spread


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
