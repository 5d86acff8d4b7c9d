"""The sea of a scene: its level and its thresholds, from the summary alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea.detector import Detector
from westsea.summary import RADAR_SCALE, Summary
from westsea_catalog.scene import Sensor
from westsea_kernels.blocks import bin_edges, inverse_weight, quantile
from westsea_kernels.clutter import at_blocks, describe, pool, threshold_over_median

Float = NDArray[np.float64]

LEAST_LEVEL_PIXELS = 1024
"""A cell with fewer pixels of sea takes its level from the cells around."""
LEAST_POOLED_PIXELS = 256
"""Fewer pixels than these, over the cells around too, give no threshold: nothing is sought."""
RADAR_POOL = 2
OPTICAL_POOL = 1
"""Cells around a cell whose histograms are added: 6.4 km of radar sea, 3.8 km of water."""
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
    clutter_db: float
    """Of the first band: 10 log10 of the median over the scene of its mean level."""


def sea(summary: Summary, sensor: Sensor, detector: Detector) -> Sea:
    """Level and thresholds of a scene's sea."""
    return _radar_sea(summary, detector) if sensor == "sar" else _optical_sea(summary, detector)


def _pooled(
    counts: NDArray[np.generic], radius: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    out = np.zeros(counts.shape, np.int64)
    pool(counts, np.ones(counts.shape[:2], np.bool_), radius, out)
    return out, out.sum(axis=-1) >= LEAST_POOLED_PIXELS


def _quantiles(counts: NDArray[np.int64], good: NDArray[np.bool_], edges: Float, q: float) -> Float:
    out = np.full(counts.shape[:2], np.nan)
    for place in np.argwhere(good):
        out[tuple(place)] = quantile(counts[tuple(place)], edges, q)
    return out


def _to_blocks(cells: Float, good: NDArray[np.bool_], shape: tuple[int, ...]) -> Float:
    out = np.empty(shape)
    at_blocks(np.where(good, cells, 0.0), good.astype(float), out)
    return out


def _radar_sea(summary: Summary, detector: Detector) -> Sea:
    n_bands = summary.medians.shape[-1]
    levels = _levels(summary)
    weights = np.zeros(levels.shape, np.float32)
    for place, level in np.ndenumerate(levels):
        weights[place] = inverse_weight(level, 1.0, n_bands)
    counts, good = _pooled(summary.counts, RADAR_POOL)
    edges = bin_edges() / RADAR_SCALE
    median = _quantiles(counts, good, edges, 0.5)
    ratio = _quantiles(counts, good, edges, 0.9) / median
    looks, order, mean = describe(ratio, n_bands)
    shape = summary.block_valid.shape
    seed = median * threshold_over_median(ratio, detector.false_alarm_rate, n_bands)
    growth = median * threshold_over_median(ratio, detector.growth_rate, n_bands)
    any_good = bool(good.any())
    enl = float(np.median(looks[good])) if any_good else 0.0
    return Sea(
        weights=weights,
        background=_to_blocks(median * mean, good, shape),
        growth=_or_inf(_to_blocks(growth, good, shape)),
        seed=_or_inf(_to_blocks(seed, good, shape)),
        noise=np.zeros(shape),
        looks=enl * n_bands,
        enl=enl,
        k_order=float(np.median(order[good])) if any_good else 0.0,
        clutter_db=_decibel((levels[..., 0] * median * mean)[good & (levels[..., 0] > 0)]),
    )


def _levels(summary: Summary) -> Float:
    """(cell rows, cell cols, bands) median of each cell, from around where a cell has few pixels."""
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
    everything = summary.counts.sum(axis=(0, 1), dtype=np.int64)
    top, step_to = water_and_land(everything, edges)
    water = summary.counts.copy()
    water[..., top:] = 0
    counts, good = _pooled(water, OPTICAL_POOL)
    level = _quantiles(counts, good, edges, 0.5)
    spread = _quantiles(counts, good, edges, 0.84) - level
    step = (step_to if step_to > 0 else 2.0 * level) - level
    seed = level + np.maximum(
        detector.optical_seed_sigma * spread, detector.optical_seed_contrast * step
    )
    growth = level + np.maximum(
        detector.optical_growth_sigma * spread, detector.optical_growth_contrast * step
    )
    shape = summary.block_valid.shape
    ratio = _quantiles(counts, good, edges, 0.9) / level
    looks, order, _ = describe(ratio, 1)
    any_good = bool(good.any())
    return Sea(
        weights=np.ones((*summary.valid.shape, 1), np.float32),
        background=_to_blocks(level, good, shape),
        growth=_or_inf(_to_blocks(growth, good, shape)),
        seed=_or_inf(_to_blocks(seed, good, shape)),
        noise=_to_blocks(spread, good, shape),
        looks=0.0,
        enl=float(np.median(looks[good])) if any_good else 0.0,
        k_order=float(np.median(order[good])) if any_good else 0.0,
        clutter_db=_decibel(level[good & (level > 0)]),
    )


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
