"""Two hulls alongside, fitted as two rectangles of usual beams a few metres apart.

Where pixels are as fine as a beam (optical scenes) the fit tells how much better two hulls explain
a blob than one, and how long they are. Beams are held near those usual for the lengths and the gap
near what fenders make it: left free, two strips side by side fit any wide hull.
"""

import numpy as np

from westsea_kernels.arrays import Float64
from westsea_kernels.cholesky import deviations, factorize, shortened, solve
from westsea_kernels.edges import edges
from westsea_kernels.jit import kernel
from westsea_kernels.smears import expected_beam

# Parameters. The first hull's middle (m), the common axis (radians), logarithms of the lengths, how
# far ahead the second hull lies (m), logarithms of the levels and of the beams over the usual ones,
# and the gap (m). One hull has the first, of each, alone.
EAST, NORTH, HEADING, LOG_LENGTH_1, LOG_LEVEL_1, LOG_BEAM_1 = range(6)
LOG_LENGTH_2, LOG_LEVEL_2, LOG_BEAM_2, AHEAD, GAP = range(6, 11)
N_ONE, N_TWO = 6, 11

# Entries of the array that tells how a sensor's pixels vary.
CONSTANT, SQUARE, PER_CELL = range(3)
N_MODEL = 3

BEAM_SD = 0.12
"""Of the logarithm of a ship's beam about the one usual for its length."""
GAP_M, GAP_SD_M = 4.5, 2.5
FIRST_STEPS, MOST_STEPS = 2, 14
"""From every start, and from the two that are best by then."""
CONVERGED = 0.05
LARGEST_STEP = np.array([10.0, 10.0, 0.2, 0.3, 0.7, 0.15, 0.3, 0.7, 0.15, 15.0, 3.0])
SMALLEST_M, LARGEST_M = 12.0, 600.0
LEAST_LEVEL = 1e-3
STARTS = np.array([[0.85, 0.0], [0.5, 0.3], [0.5, -0.3]])
"""The second hull's length and how far ahead it lies, in lengths of the blob; on either side."""

# What a fit leaves: minus twice the logarithm of likelihood and prior, then parameters and errors.
COST = 0
PARAMETERS = 1
SD = PARAMETERS + N_TWO
N_FITTED = SD + N_TWO


@kernel
def _beam_slope(length: float) -> float:
    """By how much the usual beam's logarithm grows with that of the length."""
    return float(np.log(expected_beam(length * 1.01) / expected_beam(length)) / np.log(1.01))


@kernel
def equations(
    chip: Float64,
    p: Float64,
    side: float,
    blur: Float64,
    model: Float64,
    information: Float64,
    score: Float64,
) -> float:
    """Fill the lower half of the information and the score at p, priors included; the cost.

    p has N_ONE or N_TWO parameters; the second hull lies to the right of the axis for a side of 1,
    to the left for -1.
    """
    n = p.size
    two = n == N_TWO
    information[:], score[:] = 0.0, 0.0
    sine, cosine = np.sin(p[HEADING]), np.cos(p[HEADING])
    ee, nn, en = blur[0], blur[1], blur[2]
    spread = np.empty(2)
    spread[0] = np.sqrt(ee * sine * sine + nn * cosine * cosine + 2.0 * en * sine * cosine)
    spread[1] = np.sqrt(ee * cosine * cosine + nn * sine * sine - 2.0 * en * sine * cosine)
    turn = 2.0 * ((ee - nn) * sine * cosine + en * (cosine * cosine - sine * sine))
    place, size, slope = np.zeros((2, 2)), np.ones((2, 3)), np.zeros(2)
    for h in range(2 if two else 1):
        first = LOG_LENGTH_1 if h == 0 else LOG_LENGTH_2
        size[h, 0] = np.exp(p[first])
        size[h, 1] = expected_beam(size[h, 0]) * np.exp(p[first + 2])
        size[h, 2] = np.exp(p[first + 1])
        slope[h] = _beam_slope(size[h, 0])
    if two:
        place[1, 0] = p[AHEAD]
        place[1, 1] = side * (0.5 * (size[0, 1] + size[1, 1]) + p[GAP])
    per_along, per_across = 0.5 / spread[0], 0.5 / spread[1]
    n_pixels, n_hulls = chip.shape[0], 2 if two else 1
    u, v = np.empty((n_hulls, n_pixels)), np.empty((n_hulls, n_pixels))
    f, g = np.empty((n_hulls, 4, n_pixels)), np.empty((n_hulls, 4, n_pixels))
    for h in range(n_hulls):
        for k in range(n_pixels):
            east, north = chip[k, 0] - p[EAST], chip[k, 1] - p[NORTH]
            u[h, k] = east * sine + north * cosine - place[h, 0]
            v[h, k] = east * cosine - north * sine - place[h, 1]
        edges(u[h], size[h, 0], spread[0], f[h])
        edges(v[h], size[h, 1], spread[1], g[h])
    d, by_u, by_v = np.empty(n), 0.0, 0.0
    cost = 0.0
    for k in range(n_pixels):
        d[:] = 0.0
        t = 0.0
        for h in range(n_hulls):
            level, length, width = size[h, 2], size[h, 0], size[h, 1]
            along, across = level * g[h, 0, k], level * f[h, 0, k]
            by_u, by_v = along * f[h, 1, k], across * g[h, 1, k]
            by_width = across * g[h, 2, k] * width
            spreading = along * f[h, 3, k] * per_along - across * g[h, 3, k] * per_across
            d[EAST] -= by_u * sine + by_v * cosine
            d[NORTH] -= by_u * cosine - by_v * sine
            d[HEADING] += (
                by_u * (v[h, k] + place[h, 1]) - by_v * (u[h, k] + place[h, 0]) + spreading * turn
            )
            first = LOG_LENGTH_1 if h == 0 else LOG_LENGTH_2
            d[first] = along * f[h, 2, k] * length + by_width * slope[h]
            d[first + 1] = along * f[h, 0, k]
            d[first + 2] = by_width
            t += d[first + 1]
        if two:
            # The second hull, the last, moves out by half of either beam, and by the gap.
            out = -side * by_v
            for h in range(2):
                first = LOG_LENGTH_1 if h == 0 else LOG_LENGTH_2
                d[first] += out * 0.5 * size[h, 1] * slope[h]
                d[first + 2] += out * 0.5 * size[h, 1]
            d[AHEAD] = -by_u
            d[GAP] = out
        variance = model[CONSTANT] + model[SQUARE] * t * t
        weight = 1.0 / (variance * model[PER_CELL])
        left = chip[k, 2] - t
        cost += weight * left * left + np.log(variance) / model[PER_CELL]
        for i in range(n):
            score[i] += weight * left * d[i]
            for j in range(i + 1):
                information[i, j] += weight * d[i] * d[j]
    for h in range(2 if two else 1):
        beam = LOG_BEAM_1 if h == 0 else LOG_BEAM_2
        information[beam, beam] += 1.0 / BEAM_SD**2
        score[beam] -= p[beam] / BEAM_SD**2
        cost += (p[beam] / BEAM_SD) ** 2
    if two:
        information[GAP, GAP] += 1.0 / GAP_SD_M**2
        score[GAP] += (GAP_M - p[GAP]) / GAP_SD_M**2
        cost += ((p[GAP] - GAP_M) / GAP_SD_M) ** 2
    return float(cost)


@kernel
def _climb(
    chip: Float64, p: Float64, side: float, blur: Float64, model: Float64, steps: int, out: Float64
) -> float:
    """Fisher scoring from p, in place; fills `out` with the best point seen, if better.

    Returns the cost at the last point but one.
    """
    n = p.size
    information, score, sd = np.empty((n, n)), np.empty(n), np.empty(n)
    cost = np.inf
    for _ in range(steps):
        cost = equations(chip, p, side, blur, model, information, score)
        if not np.isfinite(cost):
            return np.inf
        for i in range(n):
            information[i, i] *= 1.0 + 1e-6
        if not factorize(information):
            return np.inf
        deviations(information, sd)
        if cost < out[COST]:
            out[COST] = cost
            out[PARAMETERS : PARAMETERS + n] = p
            out[SD : SD + n] = sd
        solve(information, score)
        p += shortened(score, LARGEST_STEP) * score
        for first in (LOG_LENGTH_1, LOG_LENGTH_2):
            if first < n:
                p[first] = min(max(p[first], np.log(SMALLEST_M)), np.log(LARGEST_M))
                p[first + 1] = max(p[first + 1], np.log(LEAST_LEVEL))
        if np.max(np.abs(score) / sd) < CONVERGED:
            break
    return float(cost)


@kernel
def fit_one_and_two(
    chip: Float64,
    guess: Float64,
    blur: Float64,
    model: Float64,
    one: Float64,
    two: Float64,
) -> float:
    """Fit a blob as one hull and as two, of usual beams.

    Parameters
    ----------
    chip : (n, 3)
        East and north (m), and contrast with the sea.
    guess : (5,)
        East, north (m), heading (radians), length (m) and contrast of the blob.
    blur : (3,)
        Variances east-east, north-north and east-north of the point spread, m2.
    model : (N_MODEL,)
        A pixel's variance is constant + square t^2, t its contrast; and pixels that share a value.
    one, two : (N_FITTED,), out
        Cost, parameters and errors; the cost is infinite where nothing could be fitted.

    Returns
    -------
    The cost of one less that of two: twice the logarithm of how much likelier two are.
    """
    one[:], two[:] = np.inf, np.inf
    p = np.empty(N_ONE)
    p[EAST], p[NORTH], p[HEADING] = guess[0], guess[1], guess[2]
    p[LOG_LENGTH_1] = np.log(max(guess[3], SMALLEST_M))
    p[LOG_LEVEL_1], p[LOG_BEAM_1] = np.log(max(guess[4], LEAST_LEVEL)), 0.0
    first = p.copy()
    _climb(chip, p, 1.0, blur, model, MOST_STEPS, one)
    n_starts = 2 * STARTS.shape[0]
    points, costs = np.empty((n_starts, N_TWO)), np.empty(n_starts)
    for start in range(n_starts):
        side = 1.0 if start % 2 else -1.0
        _begin(guess, STARTS[start // 2], side, first, points[start])
        costs[start] = _climb(chip, points[start], side, blur, model, FIRST_STEPS, two)
    for start in np.argsort(costs)[:2]:
        side = 1.0 if start % 2 else -1.0
        _climb(chip, points[start], side, blur, model, MOST_STEPS - FIRST_STEPS, two)
    two[PARAMETERS + GAP] = max(two[PARAMETERS + GAP], 0.0)
    return float(one[COST] - two[COST])


@kernel
def _begin(guess: Float64, start: Float64, side: float, one: Float64, out: Float64) -> None:
    """Parameters of two hulls that share the blob's middle; `one` are those of the first."""
    length = max(start[0] * guess[3], SMALLEST_M)
    out[:N_ONE] = one
    out[LOG_LENGTH_2], out[LOG_LEVEL_2], out[LOG_BEAM_2] = np.log(length), one[LOG_LEVEL_1], 0.0
    out[AHEAD], out[GAP] = start[1] * guess[3], GAP_M
    apart = 0.5 * (expected_beam(np.exp(one[LOG_LENGTH_1])) + expected_beam(length)) + GAP_M
    out[EAST] = guess[0] - 0.5 * side * apart * np.cos(guess[2])
    out[NORTH] = guess[1] + 0.5 * side * apart * np.sin(guess[2])
