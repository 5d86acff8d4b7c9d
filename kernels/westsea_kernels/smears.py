"""Radar hulls fitted as rectangles that motion smears along azimuth, by the most likely one.

Speckle makes bright pixels vary as their level, so that each counts by its own variance (Gamma
likelihood, by its score alone); the smear of a rolling hull's phase adds to the blur along azimuth.
A hull that is wider than the sea around lets it roll is wide, or is two.
"""

import numpy as np

from westsea_kernels.arrays import Float64
from westsea_kernels.cholesky import deviations, factorize, products, shortened, solve
from westsea_kernels.edges import edges
from westsea_kernels.jit import kernel

EAST, NORTH, HEADING, LOG_LENGTH, LOG_WIDTH, LOG_LEVEL, SMEAR = range(7)
N_PARAMETERS = 7
SD = N_PARAMETERS
"""Where the parameters' standard errors begin."""
MISFIT = 2 * N_PARAMETERS
"""Mean over the pixels of residual squared over variance."""
N_FITTED = 2 * N_PARAMETERS + 1

# Entries of the array that tells how a sensor's pixels vary.
CONSTANT, LINEAR, SQUARE, PER_CELL, SMEAR_SD, LOG_WIDTH_SD, WIDTH_SHARE = range(7)
N_MODEL = 7

MOST_STEPS = 14
CONVERGED = 0.1
"""In standard errors: a step below it is the last."""
LEAST_LEVEL = 1e-3
FIRST_SMEAR_M = 4.0
LARGEST_STEP = np.array([10.0, 10.0, 0.2, 0.3, 0.4, 0.7, 4.0])
SMALLEST_M, LARGEST_M = 2.0, 600.0
SMALLEST_SMEAR_M, LARGEST_SMEAR_M = 0.1, 40.0

# Length over beam of ships, at these lengths (m).
LOG_LENGTHS = np.log(np.array([20.0, 35.0, 60.0, 100.0, 150.0, 250.0]))
LENGTH_OVER_WIDTH = np.array([4.0, 4.6, 5.6, 6.2, 6.3, 6.6])


@kernel
def expected_beam(length: float) -> float:
    """Mean beam (m) of single ships of a length (m)."""
    return float(length / np.interp(np.log(length), LOG_LENGTHS, LENGTH_OVER_WIDTH))


@kernel
def _spreads(p: Float64, blur: Float64, azimuth: Float64, out: Float64) -> None:
    """Deviations along and across the axis, then by what their squares grow with heading and smear.

    out : (6,) along, across, d along^2 / d heading, the same across, and both by the smear.
    """
    sine, cosine = np.sin(p[HEADING]), np.cos(p[HEADING])
    s2 = p[SMEAR] * p[SMEAR]
    ee = blur[0] + s2 * azimuth[0] * azimuth[0]
    nn = blur[1] + s2 * azimuth[1] * azimuth[1]
    en = blur[2] + s2 * azimuth[0] * azimuth[1]
    out[0] = np.sqrt(ee * sine * sine + nn * cosine * cosine + 2.0 * en * sine * cosine)
    out[1] = np.sqrt(ee * cosine * cosine + nn * sine * sine - 2.0 * en * sine * cosine)
    out[2] = 2.0 * ((ee - nn) * sine * cosine + en * (cosine * cosine - sine * sine))
    out[3] = -out[2]
    along = azimuth[0] * sine + azimuth[1] * cosine
    across = azimuth[0] * cosine - azimuth[1] * sine
    out[4] = 2.0 * p[SMEAR] * along * along
    out[5] = 2.0 * p[SMEAR] * across * across


@kernel
def normal_equations(
    chip: Float64,
    p: Float64,
    blur: Float64,
    azimuth: Float64,
    model: Float64,
    information: Float64,
    score: Float64,
) -> float:
    """Fill the lower half of Fisher's information and the score at p, without the priors'.

    chip : (n, 3) east, north and contrast; what is left squared over its variance is returned, as
    the mean over the pixels.
    """
    n = chip.shape[0]
    spread, f, g = np.empty(6), np.empty((4, n)), np.empty((4, n))
    d = np.empty((N_PARAMETERS + 1, n))
    u, v, left = np.empty(n), np.empty(n), d[N_PARAMETERS]
    _spreads(p, blur, azimuth, spread)
    sine, cosine = np.sin(p[HEADING]), np.cos(p[HEADING])
    length, width, level = np.exp(p[LOG_LENGTH]), np.exp(p[LOG_WIDTH]), np.exp(p[LOG_LEVEL])
    for k in range(n):
        east, north = chip[k, 0] - p[EAST], chip[k, 1] - p[NORTH]
        u[k], v[k] = east * sine + north * cosine, east * cosine - north * sine
    edges(u, length, spread[0], f)
    edges(v, width, spread[1], g)
    by_along, by_across = 0.5 * level / spread[0], 0.5 * level / spread[1]
    # In one loop: expressions of whole arrays take twice as long.
    for k in range(n):
        t = level * f[0, k] * g[0, k]
        variance = model[CONSTANT] + model[LINEAR] * t + model[SQUARE] * t * t
        # Each row counts by the root of the pixels' weights, and so does what is left, the last.
        root = 1.0 / np.sqrt(model[PER_CELL] * variance)
        by_u, by_v = root * level * f[1, k] * g[0, k], root * level * f[0, k] * g[1, k]
        along, across = root * by_along * f[3, k] * g[0, k], root * by_across * f[0, k] * g[3, k]
        d[EAST, k] = -by_u * sine - by_v * cosine
        d[NORTH, k] = -by_u * cosine + by_v * sine
        d[HEADING, k] = by_u * v[k] - by_v * u[k] + along * spread[2] + across * spread[3]
        d[LOG_LENGTH, k] = root * (level * length) * f[2, k] * g[0, k]
        d[LOG_WIDTH, k] = root * (level * width) * f[0, k] * g[2, k]
        d[LOG_LEVEL, k] = root * t
        d[SMEAR, k] = along * spread[4] + across * spread[5]
        left[k] = root * (chip[k, 2] - t)
    sums = np.empty((N_PARAMETERS + 1, N_PARAMETERS + 1))
    products(d, sums)
    information[:], score[:] = sums[:N_PARAMETERS, :N_PARAMETERS], sums[N_PARAMETERS, :N_PARAMETERS]
    return float(model[PER_CELL] * sums[N_PARAMETERS, N_PARAMETERS] / n)


@kernel
def fit_smeared(
    chip: Float64,
    guess: Float64,
    blur: Float64,
    azimuth: Float64,
    model: Float64,
    out: Float64,
) -> bool:
    """Fit one rectangle by Fisher scoring; False if the pixels determine none.

    Parameters
    ----------
    chip : (n, 3)
        East and north (m), and contrast: the pixel's level over the sea's mean, less 1.
    guess : (N_PARAMETERS,)
        The smear's is not looked at. East and north in metres, the heading in radians clockwise
        from north, the logarithms of length and width (m) and of the level, and the smear's
        standard deviation along azimuth (m).
    blur : (3,)
        Variances east-east, north-north and east-north of the point spread, m2.
    azimuth : (2,)
        Unit vector (east, north) along azimuth.
    model : (N_MODEL,)
        A pixel's variance is constant + linear t + square t^2, t its contrast; pixels that share
        one value; and priors: deviation of the smear (m), of the width's logarithm, and the width
        in usual beams that it is centred on.
    out : (N_FITTED,), out
        Parameters, their standard errors in the same units, and the misfit.
    """
    information, score = np.empty((N_PARAMETERS, N_PARAMETERS)), np.empty(N_PARAMETERS)
    p, sd = guess.copy(), np.empty(N_PARAMETERS)
    p[SMEAR] = min(FIRST_SMEAR_M, model[SMEAR_SD])
    misfit = 0.0
    for _ in range(MOST_STEPS):
        misfit = normal_equations(chip, p, blur, azimuth, model, information, score)
        precision = 1.0 / model[LOG_WIDTH_SD] ** 2
        usual = np.log(model[WIDTH_SHARE] * expected_beam(np.exp(p[LOG_LENGTH])))
        information[LOG_WIDTH, LOG_WIDTH] += precision
        score[LOG_WIDTH] += (usual - p[LOG_WIDTH]) * precision
        information[SMEAR, SMEAR] += 1.0 / model[SMEAR_SD] ** 2
        score[SMEAR] -= p[SMEAR] / model[SMEAR_SD] ** 2
        if not factorize(information):
            return False
        deviations(information, sd)
        solve(information, score)
        p += shortened(score, LARGEST_STEP) * score
        for i in (LOG_LENGTH, LOG_WIDTH):
            p[i] = min(max(p[i], np.log(SMALLEST_M)), np.log(LARGEST_M))
        p[LOG_LEVEL] = max(p[LOG_LEVEL], np.log(LEAST_LEVEL))
        p[SMEAR] = min(max(p[SMEAR], SMALLEST_SMEAR_M), LARGEST_SMEAR_M)
        if np.max(np.abs(score) / sd) < CONVERGED:
            break
    out[:N_PARAMETERS], out[SD : SD + N_PARAMETERS] = p, sd
    out[MISFIT] = misfit
    return bool(np.isfinite(out).all())
