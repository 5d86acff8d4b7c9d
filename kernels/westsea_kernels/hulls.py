"""Position, size and heading of a blob, from moments with the sensor's blur taken off."""

import numpy as np

from westsea_kernels.jit import kernel

# Columns of the array that `measure_hulls` fills.
ROW, COL, PEAK_ROW, PEAK_COL, PEAK, LENGTH, WIDTH, HEADING = range(8)
POSITION_SD, LENGTH_SD, WIDTH_SD, HEADING_SD, TOTAL = range(8, 13)
N_MEASURES = 13

CAP_SHARE = 0.85
"""Weights stop rising at this quantile of the blob: a superstructure outshines its hull."""
LEAST_LENGTH_VARIANCE = 20.0
LEAST_WIDTH_VARIANCE = 4.0
"""m2; the smallest hull that moments can tell from a point at 10 m pixels."""
BRIGHT_M2 = 600.0
MODEL_SD = 0.06
"""Share of length and width by which a uniform rectangle is a wrong model of a hull."""


@kernel
def _moments(east, north, weights):  # type: ignore[no-untyped-def]
    """Weighted sum, means and central second moments (east-east, north-north, east-north)."""
    total = weights.sum()
    mean_e = (weights * east).sum() / total
    mean_n = (weights * north).sum() / total
    ee = (weights * (east - mean_e) ** 2).sum() / total
    nn = (weights * (north - mean_n) ** 2).sum() / total
    en = (weights * (east - mean_e) * (north - mean_n)).sum() / total
    return total, mean_e, mean_n, ee, nn, en


@kernel
def _principal(ee, nn, en):  # type: ignore[no-untyped-def]
    """Larger and smaller eigenvalue, and the unit vector (east, north) of the larger."""
    middle, half = 0.5 * (ee + nn), 0.5 * (ee - nn)
    spread = np.sqrt(half * half + en * en)
    angle = 0.5 * np.arctan2(2.0 * en, ee - nn)
    return middle + spread, middle - spread, np.cos(angle), np.sin(angle)


@kernel
def seen_share(level):  # type: ignore[no-untyped-def]
    """Share of a Gaussian blur's variance left when it is cut at `level` of its peak.

    With r^2 / (2 s^2) = u, cut where exp(-u) = level, the second moment is
    1 - level * ln(1/level) / (1 - level) of the whole.
    """
    if level <= 0.0:
        return 1.0
    if level >= 0.99:
        return 0.0
    return 1.0 + level * np.log(level) / (1.0 - level)


@kernel
def _rim(values, background, threshold, core, area):  # type: ignore[no-untyped-def]
    """Level above which a blob's pixels belong to the hull.

    A hull's brightness is that of its brightest BRIGHT_M2, not of one pixel that the sun or a
    corner lights up.
    """
    rank = min(int(BRIGHT_M2 / area) + 1, values.size)
    bright = np.sort(values)[values.size - rank]
    return max(threshold, background + core * (bright - background))


@kernel
def measure_hulls(  # type: ignore[no-untyped-def]
    start, rows, cols, values, background, threshold, core, noise, looks, jacobian, blur, out
):
    """Measure every blob as a uniform rectangle seen through a Gaussian blur.

    Parameters
    ----------
    start : (n + 1,) int64
        Where each blob's pixels begin in the three arrays that follow.
    rows, cols : int64, values : float32
        Pixels, from `blobs.gather`.
    background, threshold : (n,) float64
        Level of the sea and of the blob's rim, in units of `values`.
    core : float
        A hull's pixels reach at least this share of its brightness above the sea; what is fainter
        is wake or the sensor's sidelobes.
    noise : (n,) float64
        Standard deviation of one pixel that does not grow with its value.
    looks : float
        Independent looks of the speckle in one resolution cell, which makes a deviation of
        value / sqrt(looks); 0 for none.
    jacobian : (n, 2, 2) float64
        Metres (east, north) per step of (column, row).
    blur : (3,) float64
        Variances east-east, north-north and east-north of the point spread, m2.
    out : (n, N_MEASURES) float64, out
        Row and column are pixels, lengths and deviations metres, headings degrees clockwise
        from true north, 0 to 180.
    """
    for k in range(start.size - 1):
        lo, hi = start[k], start[k + 1]
        jac = jacobian[k]
        peak = lo
        for i in range(lo, hi):
            if values[i] > values[peak]:
                peak = i
        area = abs(jac[0, 0] * jac[1, 1] - jac[0, 1] * jac[1, 0])
        level = _rim(values[lo:hi], background[k], threshold[k], core, area)
        own = lo + np.flatnonzero(values[lo:hi] >= level)
        # Moments are taken about the peak: differences of large numbers lose digits.
        dcol = (cols[own] - cols[peak]).astype(np.float64)
        drow = (rows[own] - rows[peak]).astype(np.float64)
        east = jac[0, 0] * dcol + jac[0, 1] * drow
        north = jac[1, 0] * dcol + jac[1, 1] * drow
        value = values[own].astype(np.float64)
        cap = np.sort(value)[int(CAP_SHARE * (own.size - 1) + 0.5)]
        weights = np.minimum(value, cap) - background[k]
        total, mean_e, mean_n, ee, nn, en = _moments(east, north, weights)

        rim = (level - background[k]) / max(value.max() - background[k], 1e-9)
        share = seen_share(rim)
        large, small, ue, un = _principal(
            ee - share * blur[0], nn - share * blur[1], en - share * blur[2]
        )
        large = max(large, LEAST_LENGTH_VARIANCE)
        small = min(max(small, LEAST_WIDTH_VARIANCE), large)
        cell = 4.0 * np.pi * np.sqrt(max(blur[0] * blur[1] - blur[2] * blur[2], 0.0))
        correlated = max(cell / area, 1.0) if looks > 0 else 1.0
        var_value = noise[k] ** 2 + (value**2 / looks if looks > 0 else 0.0 * value)
        var_weight = correlated * var_value / total**2
        along = (east - mean_e) * ue + (north - mean_n) * un
        across = (north - mean_n) * ue - (east - mean_e) * un
        length, width = np.sqrt(12.0 * large), np.sqrt(12.0 * small)
        sd_large = np.sqrt((var_weight * (along**2 - large) ** 2).sum())
        sd_small = np.sqrt((var_weight * (across**2 - small) ** 2).sum())
        sd_cross = np.sqrt((var_weight * (along * across) ** 2).sum())

        out[k, PEAK_ROW], out[k, PEAK_COL], out[k, PEAK] = rows[peak], cols[peak], value.max()
        scale = jac[0, 0] * jac[1, 1] - jac[0, 1] * jac[1, 0]
        out[k, COL] = cols[peak] + (jac[1, 1] * mean_e - jac[0, 1] * mean_n) / scale
        out[k, ROW] = rows[peak] + (jac[0, 0] * mean_n - jac[1, 0] * mean_e) / scale
        out[k, LENGTH], out[k, WIDTH] = length, width
        out[k, HEADING] = np.rad2deg(np.arctan2(ue, un)) % 180.0
        out[k, TOTAL] = total
        pixel_variance = area / 12.0
        out[k, POSITION_SD] = np.sqrt((var_weight * (along**2 + across**2)).sum() + pixel_variance)
        # d sqrt(12 v) = sqrt(3 / v) dv
        out[k, LENGTH_SD] = np.hypot(np.sqrt(3.0 / large) * sd_large, MODEL_SD * length)
        out[k, WIDTH_SD] = np.hypot(np.sqrt(3.0 / small) * sd_small, MODEL_SD * width)
        gap = max(large - small, 1e-9)
        out[k, HEADING_SD] = min(np.rad2deg(np.sqrt(sd_cross**2 + area / 12.0 * small) / gap), 90.0)
