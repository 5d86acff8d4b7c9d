"""Position, size and heading of a blob, from moments with the sensor's blur taken off."""

import numpy as np

from westsea_kernels.arrays import Float32, Float64, Int64
from westsea_kernels.jit import kernel

# Columns of the array that `measure_hulls` fills.
ROW, COL, PEAK_ROW, PEAK_COL, PEAK, LENGTH, WIDTH, HEADING = range(8)
POSITION_SD, LENGTH_SD, WIDTH_SD, HEADING_SD, TOTAL = range(8, 13)
FLOOR = 13
"""Level that a hull was cut out of its trail at; the sea's where there was none."""
N_MEASURES = 14

CAP_SHARE = 0.85
"""Weights stop rising at this quantile of the blob: a superstructure outshines its hull."""
LEAST_LENGTH_VARIANCE = 20.0
LEAST_WIDTH_VARIANCE = 4.0
"""m2; the smallest hull that moments can tell from a point at 10 m pixels."""
BRIGHT_M2 = 600.0
FOAM_OVER_RIM = 3.0
"""A trail merged with its hull is at most so many times as bright as the threshold, and the hull
twice as bright as that."""
FADED_OVER_RIM = 1.5
FOAM_PX = 9
"""A trail is at least as long, so that blur makes out a third of it at most."""
BAND_PX = 1.5
TRAIL_PX = 7
"""Rings about a hull's brightest place that a blob with a trail reaches at least ..."""
HEAD_PX = 2
"""... of which so many, and the last one, are blur."""
NEAR_SHARE, FAR_SHARE, FAR_OVER_RIM = 0.5, 0.8, 2.5
"""The near third of a trail that is mistaken for its hull has at least this share of the hull's
light; the far third has at most these of the near one's and of the threshold. Of 862 hulls at rest
two fade like that, of 222 that were found far astern in their foam 190."""
DROP_SHARE, DROP_PX = 0.5, 2
"""A hull ends: so many pixels on there is at most this share of the light. A trail fades."""
RISE, HIGHEST_SHARE = 1.1, 0.95
"""Steps of the level that is looked for, and where it ends: at this share of the brightness."""
MODEL_SD = 0.06
"""Share of length and width by which a uniform rectangle is a wrong model of a hull."""


@kernel
def _moments(
    east: Float64, north: Float64, weights: Float64
) -> tuple[float, float, float, float, float, float]:
    """Weighted sum, means and central second moments (east-east, north-north, east-north)."""
    total = weights.sum()
    mean_e = (weights * east).sum() / total
    mean_n = (weights * north).sum() / total
    ee = (weights * (east - mean_e) ** 2).sum() / total
    nn = (weights * (north - mean_n) ** 2).sum() / total
    en = (weights * (east - mean_e) * (north - mean_n)).sum() / total
    return total, mean_e, mean_n, ee, nn, en


@kernel
def _principal(ee: float, nn: float, en: float) -> tuple[float, float, float, float]:
    """Larger and smaller eigenvalue, and the unit vector (east, north) of the larger."""
    middle, half = 0.5 * (ee + nn), 0.5 * (ee - nn)
    spread = np.sqrt(half * half + en * en)
    angle = 0.5 * np.arctan2(2.0 * en, ee - nn)
    return middle + spread, middle - spread, np.cos(angle), np.sin(angle)


@kernel
def seen_share(level: float) -> float:
    """Share of a Gaussian blur's variance left when it is cut at `level` of its peak.

    With r^2 / (2 s^2) = u, cut where exp(-u) = level, the second moment is
    1 - level * ln(1/level) / (1 - level) of the whole.
    """
    if level <= 0.0:
        return 1.0
    if level >= 0.99:
        return 0.0
    return float(1.0 + level * np.log(level) / (1.0 - level))


@kernel
def _rim(values: Float32, background: float, threshold: float, core: float, area: float) -> float:
    """Level above which a blob's pixels belong to the hull.

    A hull's brightness is that of its brightest BRIGHT_M2, not of one pixel that the sun or a
    corner lights up.
    """
    bright = _brightness(values, area)
    return float(max(threshold, background + core * (bright - background)))


@kernel
def _brightness(values: Float32, area: float) -> float:
    """What the brightest BRIGHT_M2 of a blob reach."""
    rank = min(int(BRIGHT_M2 / area) + 1, values.size)
    return float(np.sort(values)[values.size - rank])


@kernel
def _trails_foam(
    rows: Int64, cols: Int64, values: Float32, level: float, background: float, threshold: float
) -> bool:
    """Whether a blob ends in a streak of foam of FOAM_PX pixels or more on its core's axis.

    Foam fades into the water: the outer third of a streak is hardly above the threshold. A deck
    ends, whatever its brightness.
    """
    foam = background + FOAM_OVER_RIM * (threshold - background)
    faded = background + FADED_OVER_RIM * (threshold - background)
    if level >= foam or values.max() - background < 2.0 * (foam - background):
        return False
    own = np.flatnonzero(values >= level)
    weights = values[own].astype(np.float64) - background
    east, north = cols[own].astype(np.float64), -rows[own].astype(np.float64)
    _, mean_e, mean_n, ee, nn, en = _moments(east, north, weights)
    _, _, ue, un = _principal(ee, nn, en)
    along = (cols - mean_e) * ue + (-rows - mean_n) * un
    across = (-rows - mean_n) * ue - (cols - mean_e) * un
    on_axis = np.abs(across) <= BAND_PX
    first = int(np.floor(along.min()))
    profile = np.full(int(along.max()) - first + 2, -np.inf)
    for k in np.flatnonzero(on_axis):
        place = int(np.floor(along[k])) - first
        profile[place] = max(profile[place], values[k])
    hull = np.flatnonzero(profile >= foam)
    if hull.size == 0:
        return False
    some = np.flatnonzero(profile > -np.inf)
    before, behind = hull[0] - some[0], some[-1] - hull[-1]
    start, end = some[0], some[-1] + 1
    for n, outer in (
        (before, profile[start : start + before // 3]),
        (behind, profile[end - behind // 3 : end]),
    ):
        if n >= FOAM_PX and np.median(outer) <= faded:
            return True
    return False


@kernel
def _rings(rows: Int64, cols: Int64, values: Float32, bright: float, background: float) -> Float64:
    """(n,) most light in each ring, a pixel wide, about the brightest place of a blob.

    Rings follow a trail however it bends.
    """
    peak = np.argmax(values)
    away = np.hypot((rows - rows[peak]).astype(np.float64), (cols - cols[peak]).astype(np.float64))
    light = values.astype(np.float64) - background
    half = 0.5 * (bright - background)
    weights = np.where((away <= HEAD_PX) & (light >= half), np.minimum(light, 2.0 * half), 0.0)
    row, col = (weights * rows).sum() / weights.sum(), (weights * cols).sum() / weights.sum()
    ring = np.hypot(rows - row, cols - col)
    out = np.zeros(int(ring.max() + 0.5) + 1)
    for k in range(ring.size):
        place = int(ring[k] + 0.5)
        out[place] = max(out[place], light[k])
    return out


@kernel
def _above_trail(
    rows: Int64,
    cols: Int64,
    values: Float32,
    level: float,
    background: float,
    threshold: float,
    area: float,
) -> float:
    """Level above which a hull stands out of the foam behind it; `level` without a trail.

    A trail that is nearly as bright as its hull fades all the way to the water, straight or bent;
    a deck does not. So the level rises until what lies above it ends as a hull does.
    """
    bright = _brightness(values, area)
    rings = _rings(rows, cols, values, bright, background)
    n, faded = rings.size, FAR_OVER_RIM * (threshold - background)
    if n < TRAIL_PX:
        return level
    third = max((n - 1 - HEAD_PX) // 3, 1)
    far = np.median(rings[n - 1 - third : n - 1])
    near = np.median(rings[HEAD_PX : HEAD_PX + third])
    if near < NEAR_SHARE * (bright - background) or far > min(faded, FAR_SHARE * near):
        return level
    if rings[n - 3] > faded:
        return level
    start, highest = level - background, HIGHEST_SHARE * (bright - background)
    cut = start
    while cut < highest:
        end = 1
        while end < n and rings[end] >= cut:
            end += 1
        beyond = end - 1 + DROP_PX
        if beyond >= n or rings[beyond] <= DROP_SHARE * cut:
            break
        cut *= RISE
    return float(background + min(cut, highest)) if cut > start else level


@kernel
def _variances(value: Float64, noise: float, looks: float, area: float, blur: Float64) -> Float64:
    """Variance of each pixel, times the pixels of a resolution cell, whose speckle is one."""
    if looks > 0.0:
        cell = 4.0 * np.pi * np.sqrt(max(blur[0] * blur[1] - blur[2] * blur[2], 0.0))
        return np.asarray(max(cell / area, 1.0) * (noise**2 + value**2 / looks))
    return np.full(value.size, noise**2)


@kernel
def measure_hulls(
    start: Int64,
    rows: Int64,
    cols: Int64,
    values: Float32,
    background: Float64,
    threshold: Float64,
    core: float,
    noise: Float64,
    looks: float,
    jacobian: Float64,
    blur: Float64,
    out: Float64,
) -> None:
    """Measure every blob as a uniform rectangle seen through a Gaussian blur.

    Parameters
    ----------
    start : (n + 1,)
        Where each blob's pixels begin in the three arrays that follow; each has one at least.
    rows, cols, values
        Pixels, from `blobs.gather`.
    background, threshold : (n,)
        Level of the sea and of the blob's rim, in units of `values`; threshold > background, and
        some pixel of the blob reaches the threshold.
    core : float
        A hull's pixels reach at least this share of its brightness above the sea; what is fainter
        is wake or the sensor's sidelobes.
    noise : (n,)
        Standard deviation of one pixel that does not grow with its value.
    looks : float
        Independent looks of the speckle in one resolution cell, which makes a deviation of
        value / sqrt(looks); 0 for none.
    jacobian : (n, 2, 2)
        Metres (east, north) per step of (column, row).
    blur : (3,)
        Variances east-east, north-north and east-north of the point spread, m2.
    out : (n, N_MEASURES), out
        Row and column are pixels, lengths and deviations metres, headings degrees clockwise
        from true north, 0 to 180.
    """
    for k in range(start.size - 1):
        own = slice(start[k], start[k + 1])
        _measure_hull(
            rows[own], cols[own], values[own], background[k], threshold[k], core, noise[k],
            looks, jacobian[k], blur, out[k],
        )  # fmt: skip


@kernel
def _measure_hull(
    rows: Int64,
    cols: Int64,
    values: Float32,
    background: float,
    threshold: float,
    core: float,
    noise: float,
    looks: float,
    jac: Float64,
    blur: Float64,
    out: Float64,
) -> None:
    peak = np.argmax(values)
    scale = jac[0, 0] * jac[1, 1] - jac[0, 1] * jac[1, 0]
    area = abs(scale)
    level = _rim(values, background, threshold, core, area)
    if looks == 0.0 and _trails_foam(rows, cols, values, level, background, threshold):
        level = background + FOAM_OVER_RIM * (threshold - background)
    out[FLOOR] = background
    if looks == 0.0:
        above = _above_trail(rows, cols, values, level, background, threshold, area)
        if above > level:
            level = out[FLOOR] = above
    own = np.flatnonzero(values >= level)
    # Moments are taken about the peak: differences of large numbers lose digits.
    dcol = (cols[own] - cols[peak]).astype(np.float64)
    drow = (rows[own] - rows[peak]).astype(np.float64)
    east = jac[0, 0] * dcol + jac[0, 1] * drow
    north = jac[1, 0] * dcol + jac[1, 1] * drow
    value = values[own].astype(np.float64)
    cap = np.sort(value)[int(CAP_SHARE * (own.size - 1) + 0.5)]
    weights = np.minimum(value, cap) - background
    total, mean_e, mean_n, ee, nn, en = _moments(east, north, weights)

    rim = (level - background) / max(value.max() - background, 1e-9)
    share = seen_share(rim)
    large, small, ue, un = _principal(
        ee - share * blur[0], nn - share * blur[1], en - share * blur[2]
    )
    large = max(large, LEAST_LENGTH_VARIANCE)
    small = max(small, LEAST_WIDTH_VARIANCE)
    length, width = np.sqrt(12.0 * large), np.sqrt(12.0 * small)
    out[PEAK_ROW], out[PEAK_COL], out[PEAK] = rows[peak], cols[peak], value.max()
    out[COL] = cols[peak] + (jac[1, 1] * mean_e - jac[0, 1] * mean_n) / scale
    out[ROW] = rows[peak] + (jac[0, 0] * mean_n - jac[1, 0] * mean_e) / scale
    out[LENGTH], out[WIDTH] = length, width
    out[HEADING] = np.rad2deg(np.arctan2(ue, un)) % 180.0
    out[TOTAL] = total

    variance = _variances(value, noise, looks, area, blur) / total**2
    along = (east - mean_e) * ue + (north - mean_n) * un
    across = (north - mean_n) * ue - (east - mean_e) * un
    sd_large = np.sqrt((variance * (along**2 - large) ** 2).sum())
    sd_small = np.sqrt((variance * (across**2 - small) ** 2).sum())
    sd_cross = np.sqrt((variance * (along * across) ** 2).sum())
    pixel_variance = area / 12.0
    out[POSITION_SD] = np.sqrt((variance * (along**2 + across**2)).sum() + pixel_variance)
    # d sqrt(12 v) = sqrt(3 / v) dv
    out[LENGTH_SD] = np.hypot(np.sqrt(3.0 / large) * sd_large, MODEL_SD * length)
    out[WIDTH_SD] = np.hypot(np.sqrt(3.0 / small) * sd_small, MODEL_SD * width)
    gap = max(large - small, 1e-9)
    out[HEADING_SD] = min(np.rad2deg(np.sqrt(sd_cross**2 + pixel_variance * small) / gap), 90.0)
