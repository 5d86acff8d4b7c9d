"""What cross sections of a blob tell beyond a rectangle: how wide, how even, how lopsided it is.

Pixels about a fitted hull are sorted into slices across it. Averages over slices are weighted by
the root of their mass, so that a superstructure does not rule.
"""

import numpy as np

from westsea_kernels.arrays import Float32, Float64, Int, Int64
from westsea_kernels.blocks import BLOCK
from westsea_kernels.jit import kernel

SLICE_M = 10.0
MOST_SLICES = 64
REACH_M = 60.0
"""How far across the axis pixels count, and beyond the hull's ends for a fit."""
END_M = 30.0
MOST_PIXELS = 4096

# Columns of each channel's statistics: of all bands together, then band by band.
VARIANCE, SKEW, KURTOSIS, ALONG_KURTOSIS, OFFSET, PEAK_SLICE = range(6)
FORE, MIDDLE, AFT = range(6, 9)
"""Variance across (m2) in each third of the length."""
BEND, MASS = 9, 10
N_STATISTICS = 11

# Bins of the picture of a hull laid level.
N_ALONG, N_ACROSS, ACROSS_M = 8, 11, 10.0


@kernel
def collect(
    row: Int,
    col: Int,
    east: float,
    north: float,
    heading: float,
    length: float,
    own: Int,
    slots: Int64,
    contrast: Float32,
    owner: Int64,
    jac: Float64,
    chip: Float64,
) -> int:
    """Fill `chip` with the valid pixels about a hull that are no other blob's; their number.

    Parameters
    ----------
    row, col
        The pixel that east and north count from.
    east, north, heading, length
        The hull's middle (m), axis (radians) and length (m).
    own
        Number of its blob.
    slots, owner
        As of `fits.fit_hulls`.
    contrast : (k, bands, BLOCK, BLOCK)
        Level over the sea's mean, less 1; NaN where not valid. Blocks without a slot have 0.
    jac : (2, 2)
    chip : (n, 2 + bands), out
        East and north (m) of that pixel, and contrasts.
    """
    half = 0.5 * length + END_M
    sine, cosine = np.sin(heading), np.cos(heading)
    det = abs(jac[0, 0] * jac[1, 1] - jac[0, 1] * jac[1, 0])
    to_east = abs(east) + half * abs(sine) + REACH_M * abs(cosine)
    to_north = abs(north) + half * abs(cosine) + REACH_M * abs(sine)
    n_cols = int((abs(jac[1, 1]) * to_east + abs(jac[0, 1]) * to_north) / det)
    n_rows = int((abs(jac[1, 0]) * to_east + abs(jac[0, 0]) * to_north) / det)
    n, n_bands = 0, contrast.shape[1]
    for r in range(max(row - n_rows, 0), row + n_rows + 1):
        for c in range(max(col - n_cols, 0), col + n_cols + 1):
            e = jac[0, 0] * (c - col) + jac[0, 1] * (r - row)
            m = jac[1, 0] * (c - col) + jac[1, 1] * (r - row)
            de, dm = e - east, m - north
            if abs(de * sine + dm * cosine) > half or abs(de * cosine - dm * sine) > REACH_M:
                continue
            i, j = r // BLOCK, c // BLOCK
            if i >= slots.shape[0] or j >= slots.shape[1] or slots[i, j] < -1:
                continue
            slot, y, x = slots[i, j], r - i * BLOCK, c - j * BLOCK
            if slot >= 0:
                if owner[slot, y, x] != own and owner[slot, y, x] != -1:
                    continue
                if np.isnan(contrast[slot, 0, y, x]):
                    continue
            if n == chip.shape[0]:
                return n + 1
            chip[n, 0], chip[n, 1] = e, m
            for b in range(n_bands):
                chip[n, 2 + b] = contrast[slot, b, y, x] if slot >= 0 else 0.0
            n += 1
    return n


@kernel
def _level(chip: Float64, channel: int, k: int) -> float:
    """Contrast of a pixel in a channel: 0 is the mean of the bands, n the n-th band."""
    if channel > 0:
        return float(chip[k, 1 + channel])
    total = 0.0
    for b in range(2, chip.shape[1]):
        total += chip[k, b]
    return float(total / (chip.shape[1] - 2))


@kernel
def describe_sections(
    chip: Float64,
    east: float,
    north: float,
    heading: float,
    length: float,
    floor: float,
    out: Float64,
) -> None:
    """Statistics of the pixels of a chip along and across a hull.

    Parameters
    ----------
    chip : (n, 2 + bands)
        As `collect` fills it.
    east, north, heading, length
        The hull's middle (m), axis (radians) and length (m).
    floor
        Contrast that a pixel must exceed; the rest is its weight.
    out : (1 + bands, N_STATISTICS), out
        For all bands together, and for each.
    """
    n_slices = min(max(int(np.ceil(length / SLICE_M)), 3), MOST_SLICES)
    sine, cosine = np.sin(heading), np.cos(heading)
    n = chip.shape[0]
    u, v, place = np.empty(n), np.empty(n), np.empty(n, np.int64)
    for k in range(n):
        e, m = chip[k, 0] - east, chip[k, 1] - north
        u[k], v[k] = e * sine + m * cosine, e * cosine - m * sine
        place[k] = int(np.floor((u[k] / length + 0.5) * n_slices))
    weights = np.empty(n)
    for channel in range(out.shape[0]):
        for k in range(n):
            inside = 0 <= place[k] < n_slices
            weights[k] = _level(chip, channel, k) - floor if inside else 0.0
        _describe(weights, u, v, place, n_slices, out[channel])


@kernel
def _describe(
    weights: Float64, u: Float64, v: Float64, place: Int64, n_slices: int, out: Float64
) -> None:
    """Statistics of one channel; pixels without a positive weight do not count."""
    m0, m1, m2 = np.zeros(n_slices), np.zeros(n_slices), np.zeros(n_slices)
    m3, m4 = np.zeros(n_slices), np.zeros(n_slices)
    along0, along1, along2, along4 = 0.0, 0.0, 0.0, 0.0
    for k in range(weights.size):
        if weights[k] > 0.0:
            w, i = weights[k], place[k]
            m0[i] += w
            m1[i] += w * v[k]
            m2[i] += w * v[k] * v[k]
            along0 += w
            along1 += w * u[k]
    out[:] = 0.0
    if along0 <= 0.0:
        return
    middle = along1 / along0
    for k in range(weights.size):
        if weights[k] > 0.0:
            w, i = weights[k], place[k]
            d = v[k] - m1[i] / m0[i]
            m3[i] += w * d**3
            m4[i] += w * d**4
            along2 += w * (u[k] - middle) ** 2
            along4 += w * (u[k] - middle) ** 4
    variance, skew, kurt, offset, total = 0.0, 0.0, 0.0, 0.0, 0.0
    thirds, shares = np.zeros(3), np.zeros(3)
    for i in range(n_slices):
        if m0[i] <= 0.0:
            continue
        root = np.sqrt(m0[i])
        own = max(m2[i] / m0[i] - (m1[i] / m0[i]) ** 2, 0.0)
        variance += root * own
        skew += root * m3[i] / m0[i]
        kurt += root * m4[i] / m0[i]
        total += root
        offset += m1[i]
        third = min(3 * i // n_slices, 2)
        thirds[third] += root * own
        shares[third] += root
    variance, skew, kurt = variance / total, skew / total, kurt / total
    out[VARIANCE] = variance
    if variance > 0.0:
        out[SKEW] = skew / variance**1.5
        out[KURTOSIS] = kurt / variance**2
    if along2 > 0.0:
        out[ALONG_KURTOSIS] = along4 * along0 / along2**2
    out[OFFSET] = offset / along0
    out[PEAK_SLICE] = m0.max() * n_slices / along0
    for third in range(3):
        if shares[third] > 0.0:
            out[FORE + third] = thirds[third] / shares[third]
    out[BEND] = _bend(m0, m1)
    out[MASS] = along0


@kernel
def _bend(m0: Float64, m1: Float64) -> float:
    """Root mean square of the slices' middles about their line, weighted by the root of mass."""
    s0, s1, s2, t0, t1, tt = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(m0.size):
        if m0[i] <= 0.0:
            continue
        w, y = np.sqrt(m0[i]), m1[i] / m0[i]
        s0 += w
        s1 += w * i
        s2 += w * i * i
        t0 += w * y
        t1 += w * i * y
        tt += w * y * y
    if s0 <= 0.0:
        return 0.0
    det = s0 * s2 - s1 * s1
    slope = (s0 * t1 - s1 * t0) / det if det > 0.0 else 0.0
    start = (t0 - slope * s1) / s0
    left = tt - start * t0 - slope * t1
    return float(np.sqrt(max(left / s0, 0.0)))


@kernel
def draw_level(
    chip: Float64, east: float, north: float, heading: float, length: float, out: Float64
) -> None:
    """The hull laid level: mean root of the contrast in bins along its length and across.

    out : (bands, N_ALONG, N_ACROSS); bins of a share of the length, and of ACROSS_M.
    """
    sine, cosine = np.sin(heading), np.cos(heading)
    counts = np.zeros(out.shape[1:])
    out[:] = 0.0
    for k in range(chip.shape[0]):
        e, m = chip[k, 0] - east, chip[k, 1] - north
        u, v = e * sine + m * cosine, e * cosine - m * sine
        y = (u / length + 0.5) * (N_ALONG - 2) + 0.5
        x = v / ACROSS_M + 0.5 * (N_ACROSS - 1)
        i, j = int(np.floor(y)), int(np.floor(x))
        if i < -1 or i >= N_ALONG or j < -1 or j >= N_ACROSS:
            continue
        fy, fx = y - i, x - j
        for a in range(2):
            for b in range(2):
                p, q = i + a, j + b
                if p < 0 or q < 0 or p >= N_ALONG or q >= N_ACROSS:
                    continue
                share = (fy if a else 1.0 - fy) * (fx if b else 1.0 - fx)
                counts[p, q] += share
                for band in range(out.shape[0]):
                    out[band, p, q] += share * np.sqrt(max(chip[k, 2 + band], 0.0))
    for p in range(out.shape[1]):
        for q in range(out.shape[2]):
            if counts[p, q] > 0.0:
                out[:, p, q] /= counts[p, q]
