"""How far a small image has moved between two bands, to a fraction of a pixel, by least squares.

The image in one band, moved and scaled, is fitted to the image in another: value = level + share x
template(place - shift). Between its pixels the template is read by cubic convolution (Keys 1981).
"""

import numpy as np

from westsea_kernels.arrays import AnyReal, Bool, Float64
from westsea_kernels.jit import kernel

# Columns of the array that `fit_shift` fills.
ALONG, ACROSS, ALONG_SD, ACROSS_SD, SHARE, LIKENESS = range(6)
N_SHIFT = 6

MARGIN = 4
"""Pixels of the template about those that are fitted."""
FARTHEST_PX = 2.0
LARGEST_STEP_PX = 0.4
MOST_STEPS = 12
CONVERGED_PX = 0.002
LEAST_PIXELS = 9
_N_SUMS = 4


@kernel
def _cubic(away: float, value: Float64, slope: Float64) -> None:
    """Weights of the four points about a place `away` (0 to 1) beyond the second, and slopes."""
    for k in range(4):
        x = away + 1.0 - k
        side, d = (1.0 if x >= 0.0 else -1.0), abs(x)
        if d < 1.0:
            value[k] = (1.5 * d - 2.5) * d * d + 1.0
            slope[k] = side * (4.5 * d - 5.0) * d
        else:
            value[k] = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
            slope[k] = side * ((-1.5 * d + 5.0) * d - 4.0)


@kernel
def _sums(
    template: AnyReal, image: AnyReal, use: Bool, shift: Float64, axes: Float64, out: Float64
) -> int:
    """Number of pixels, and sums (4,) and sums of products (4, 4), one below the other in `out`.

    They are of the moved template, its slopes along and across, and the image.
    """
    base, weight, slope = np.empty(2, np.int64), np.empty((2, 4)), np.empty((2, 4))
    for i in range(2):
        place = -(shift[0] * axes[0, i] + shift[1] * axes[1, i])
        base[i] = int(np.floor(place))
        _cubic(place - base[i], weight[i], slope[i])
    out[:] = 0.0
    value = np.empty(_N_SUMS)
    n = 0
    for row in range(MARGIN, use.shape[0] - MARGIN):
        for col in range(MARGIN, use.shape[1] - MARGIN):
            if not use[row, col]:
                continue
            there, by_row, by_col = 0.0, 0.0, 0.0
            for i in range(4):
                line, bent = 0.0, 0.0
                for j in range(4):
                    t = float(template[row + base[0] + i - 1, col + base[1] + j - 1])
                    line += weight[1, j] * t
                    bent += slope[1, j] * t
                there += weight[0, i] * line
                by_row += slope[0, i] * line
                by_col += weight[0, i] * bent
            value[0] = there
            value[1] = -(by_row * axes[0, 0] + by_col * axes[0, 1])
            value[2] = -(by_row * axes[1, 0] + by_col * axes[1, 1])
            value[3] = float(image[row, col])
            n += 1
            for i in range(_N_SUMS):
                out[0, i] += value[i]
                for j in range(i, _N_SUMS):
                    out[1 + i, j] += value[i] * value[j]
    return n


@kernel
def _regress(n: int, sums: Float64, slope: Float64, variance: Float64) -> bool:
    """Image over template and its slopes: coefficients and the share told (4,), variances (3,)."""
    m, y = np.empty((3, 3)), np.empty(3)
    for i in range(3):
        for j in range(i, 3):
            m[i, j] = m[j, i] = sums[1 + i, j] - sums[0, i] * sums[0, j] / n
        y[i] = sums[1 + i, 3] - sums[0, i] * sums[0, 3] / n
    inverse = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            a, b, c, d = (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3
            inverse[j, i] = m[a, c] * m[b, d] - m[a, d] * m[b, c]
    determinant = m[0, 0] * inverse[0, 0] + m[0, 1] * inverse[1, 0] + m[0, 2] * inverse[2, 0]
    if not determinant > 1e-9 * m[0, 0] * m[1, 1] * m[2, 2]:
        return False
    whole = sums[4, 3] - sums[0, 3] ** 2 / n
    rest = whole
    for i in range(3):
        slope[i] = 0.0
        for j in range(3):
            slope[i] += inverse[i, j] * y[j] / determinant
        rest -= slope[i] * y[i]
    for i in range(3):
        variance[i] = inverse[i, i] / determinant * max(rest, 0.0) / (n - 4)
    slope[3] = 1.0 - max(rest, 0.0) / whole if whole > 0.0 else 0.0
    return True


@kernel
def fit_shift(template: AnyReal, image: AnyReal, use: Bool, axes: Float64, out: Float64) -> bool:
    """Fit the shift of `image` from `template`; False where the pixels do not tell it.

    Parameters
    ----------
    template, image : (rows, cols)
    use : (rows, cols)
        Pixels of the image that count; none within MARGIN of the rim does.
    axes : (2, 2)
        Pixels (row, col) a metre along the axis, and a metre across.
    out : (N_SHIFT,)
        Filled: metres along and across, their standard errors from the fit's residuals, contrast
        as a share of the template's, and the share of the image's variance that is told (0 to 1).
    """
    shift, sums = np.zeros(2), np.empty((1 + _N_SUMS, _N_SUMS))
    slope, variance = np.empty(4), np.empty(3)
    for _ in range(MOST_STEPS):
        n = _sums(template, image, use, shift, axes, sums)
        if n < LEAST_PIXELS or not _regress(n, sums, slope, variance) or not slope[0] > 0.0:
            return False
        largest = 0.0
        for i in range(2):
            a_metre = np.hypot(axes[i, 0], axes[i, 1])
            step = a_metre * slope[1 + i] / slope[0]
            step = min(max(step, -LARGEST_STEP_PX), LARGEST_STEP_PX)
            shift[i] += step / a_metre
            largest = max(largest, abs(step))
        for i in range(2):
            # Beyond it the margin would be read beyond its end.
            if abs(shift[0] * axes[0, i] + shift[1] * axes[1, i]) > FARTHEST_PX:
                return False
        if largest < CONVERGED_PX:
            break
    for i in range(2):
        out[ALONG + i] = shift[i]
        out[ALONG_SD + i] = np.sqrt(variance[1 + i]) / slope[0]
    out[SHARE] = slope[0]
    out[LIKENESS] = slope[3]
    return True
