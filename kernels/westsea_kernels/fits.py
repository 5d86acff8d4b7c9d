"""Hulls fitted as uniform rectangles seen through the sensor's blur, with their standard errors.

Least squares on the pixels about a blob, by at most MOST_STEPS Gauss-Newton steps from the moments
of `hulls`. A superstructure outshines the hull that carries it: before the fit pixels are cut at
a level that most of the hull reaches. A cut flattens the top of the profile, which tells of the
width too: so where the model asks for it a second fit follows, to pixels cut higher, and gives
another width. The two tell more than either.
"""

import numpy as np

from westsea_kernels.arrays import Float32, Float64, Int, Int64
from westsea_kernels.blocks import BLOCK
from westsea_kernels.cholesky import deviations, factorize, products, shortened, solve
from westsea_kernels.edges import edges
from westsea_kernels.jit import kernel

# Columns of a guess; of the array that `fit_hulls` fills they are the first.
EAST, NORTH, HEADING, LOG_LENGTH, LOG_WIDTH, LOG_LEVEL = range(6)
N_PARAMETERS = 6
SD = N_PARAMETERS
"""Where the parameters' standard errors begin."""
MISFIT = 2 * N_PARAMETERS
LOG_WIDTH_ABOVE = 2 * N_PARAMETERS + 1
"""Of the second fit."""
N_FITTED = 2 * N_PARAMETERS + 2

# Entries of the array that tells how a sensor's pixels are taken.
BLOB_SHARE, HULL_SHARE, UNEVEN, PIXELS_PER_CELL, REACH_M, REACH_SHARE = range(6)
BLOB_SHARE_ABOVE, HULL_SHARE_ABOVE = 6, 7
N_MODEL = 8

MOST_STEPS = 14
CONVERGED = 0.03
"""In standard errors: a step below it is the last."""
STRAY_M = 25.0
"""A fit whose middle lies farther outside the guess has found something else."""
MOST_PIXELS = 4096
"""Of a chip; what is larger or has fewer than LEAST_PIXELS keeps its moments."""
LEAST_PIXELS = 12
WIDTH_PRIOR_M, WIDTH_PRIOR_SD = 12.0, 0.8
"""Median beam and spread of its logarithm: ships of any length have 5 to 60 m."""
LARGEST_STEP = np.array([10.0, 10.0, 0.2, 0.3, 0.4, 0.7])
SMALLEST_M, LARGEST_M = 2.0, 600.0


@kernel
def _collect(
    guess: Float64,
    row: Int,
    col: Int,
    own: Int,
    slots: Int64,
    plane: Float32,
    owner: Int64,
    background: float,
    floor: float,
    jac: Float64,
    model: Float64,
    chip: Float64,
) -> int:
    """Fill (n, 3) `chip` with east, north (of the place row, col) and value over the sea.

    Taken are the valid pixels about the guessed rectangle that are not another blob's, nor of its
    own below a floor. Where no block was looked at nothing is bright: it counts as sea.
    """
    half_length = np.exp(guess[LOG_LENGTH]) * (0.5 + model[REACH_SHARE]) + model[REACH_M]
    half_width = np.exp(guess[LOG_WIDTH]) * 0.5 + model[REACH_M]
    sine, cosine = np.sin(guess[HEADING]), np.cos(guess[HEADING])
    det = abs(jac[0, 0] * jac[1, 1] - jac[0, 1] * jac[1, 0])
    # How far the turned rectangle goes from the pixel in east and north, then in cols and rows.
    to_east = abs(guess[EAST]) + half_length * abs(sine) + half_width * abs(cosine)
    to_north = abs(guess[NORTH]) + half_length * abs(cosine) + half_width * abs(sine)
    n_cols = int((abs(jac[1, 1]) * to_east + abs(jac[0, 1]) * to_north) / det)
    n_rows = int((abs(jac[1, 0]) * to_east + abs(jac[0, 0]) * to_north) / det)
    n = 0
    for r in range(row - n_rows, row + n_rows + 1):
        for c in range(col - n_cols, col + n_cols + 1):
            east = jac[0, 0] * (c - col) + jac[0, 1] * (r - row)
            north = jac[1, 0] * (c - col) + jac[1, 1] * (r - row)
            e, m = east - guess[EAST], north - guess[NORTH]
            if abs(e * sine + m * cosine) > half_length or abs(e * cosine - m * sine) > half_width:
                continue
            i, j = r // BLOCK, c // BLOCK
            if r < 0 or c < 0 or i >= slots.shape[0] or j >= slots.shape[1]:
                continue
            if slots[i, j] < -1:
                continue
            value = background
            if slots[i, j] >= 0:
                at = slots[i, j], r - i * BLOCK, c - j * BLOCK
                value = plane[at]
                if owner[at] != -1 and (owner[at] != own or value < floor):
                    continue
            if np.isnan(value):
                continue
            if n == chip.shape[0]:
                return n + 1
            chip[n, 0], chip[n, 1], chip[n, 2] = east, north, value - background
            n += 1
    return n


@kernel
def _ceiling(
    chip: Float64,
    guess: Float64,
    values: Float32,
    background: float,
    blob_share: float,
    hull_share: float,
) -> float:
    """Level at which pixels are cut: of a quantile of the blob or of the guess, the lower."""
    ranked = np.sort(values)
    of_blob = ranked[int(np.rint(blob_share * (values.size - 1)))] - background
    sine, cosine = np.sin(guess[HEADING]), np.cos(guess[HEADING])
    half_length, half_width = 0.5 * np.exp(guess[LOG_LENGTH]), 0.5 * np.exp(guess[LOG_WIDTH])
    inside, n = np.empty(chip.shape[0]), 0
    for k in range(chip.shape[0]):
        east, north = chip[k, 0] - guess[EAST], chip[k, 1] - guess[NORTH]
        along, across = east * sine + north * cosine, east * cosine - north * sine
        if abs(along) <= half_length and abs(across) <= half_width:
            inside[n] = chip[k, 2]
            n += 1
    if n == 0:
        return float(of_blob)
    of_hull = np.sort(inside[:n])[int(np.rint(hull_share * (n - 1)))]
    return float(min(of_blob, of_hull))


@kernel
def _normal_equations(
    chip: Float64, p: Float64, blur: Float64, information: Float64, score: Float64
) -> float:
    """Fill the lower half of J'J and J'r at p; the mean square of the residuals r."""
    he, hn = np.sin(p[HEADING]), np.cos(p[HEADING])
    ee, nn, en = blur[0], blur[1], blur[2]
    sd_u = np.sqrt(ee * he * he + nn * hn * hn + 2.0 * en * he * hn)
    sd_v = np.sqrt(ee * hn * hn + nn * he * he - 2.0 * en * he * hn)
    mixed = (ee - nn) * he * hn + en * (hn * hn - he * he)
    length, width, level = np.exp(p[LOG_LENGTH]), np.exp(p[LOG_WIDTH]), np.exp(p[LOG_LEVEL])
    n = chip.shape[0]
    f, g, d = np.empty((4, n)), np.empty((4, n)), np.empty((N_PARAMETERS + 1, n))
    u, v, left = np.empty(n), np.empty(n), d[N_PARAMETERS]
    for k in range(n):
        east, north = chip[k, 0] - p[EAST], chip[k, 1] - p[NORTH]
        u[k], v[k] = east * he + north * hn, east * hn - north * he
    edges(u, length, sd_u, f)
    edges(v, width, sd_v, g)
    turn_u, turn_v = level * mixed / sd_u, level * mixed / sd_v
    # In one loop: expressions of whole arrays take twice as long.
    for k in range(n):
        by_u, by_v = level * f[1, k] * g[0, k], level * f[0, k] * g[1, k]
        turned = turn_u * f[3, k] * g[0, k] - turn_v * f[0, k] * g[3, k]
        d[EAST, k] = -by_u * he - by_v * hn
        d[NORTH, k] = -by_u * hn + by_v * he
        d[HEADING, k] = by_u * v[k] - by_v * u[k] + turned
        d[LOG_LENGTH, k] = level * length * f[2, k] * g[0, k]
        d[LOG_WIDTH, k] = level * width * f[0, k] * g[2, k]
        d[LOG_LEVEL, k] = level * f[0, k] * g[0, k]
        left[k] = chip[k, 2] - d[LOG_LEVEL, k]
    sums = np.empty((N_PARAMETERS + 1, N_PARAMETERS + 1))
    products(d, sums)
    information[:], score[:] = sums[:N_PARAMETERS, :N_PARAMETERS], sums[N_PARAMETERS, :N_PARAMETERS]
    return float(sums[N_PARAMETERS, N_PARAMETERS] / n)


@kernel
def _fit(chip: Float64, guess: Float64, blur: Float64, variance: float, out: Float64) -> bool:
    """Fit one hull to pixels of a variance; False if they determine none near the guess."""
    information, score = np.empty((N_PARAMETERS, N_PARAMETERS)), np.empty(N_PARAMETERS)
    p, sd = guess.copy(), np.empty(N_PARAMETERS)
    mean_square = 0.0
    for _ in range(MOST_STEPS):
        mean_square = _normal_equations(chip, p, blur, information, score)
        information /= variance
        score /= variance
        information[LOG_WIDTH, LOG_WIDTH] += 1.0 / WIDTH_PRIOR_SD**2
        score[LOG_WIDTH] += (np.log(WIDTH_PRIOR_M) - p[LOG_WIDTH]) / WIDTH_PRIOR_SD**2
        if not factorize(information):
            return False
        deviations(information, sd)
        solve(information, score)
        p += shortened(score, LARGEST_STEP) * score
        for i in (LOG_LENGTH, LOG_WIDTH):
            p[i] = min(max(p[i], np.log(SMALLEST_M)), np.log(LARGEST_M))
        if np.max(np.abs(score) / sd) < CONVERGED:
            break
    out[:N_PARAMETERS] = p
    out[SD : SD + N_PARAMETERS] = sd
    out[MISFIT] = mean_square
    if p[LOG_WIDTH] > p[LOG_LENGTH]:
        out[HEADING] += 0.5 * np.pi
        for first in (0, SD):
            length = out[first + LOG_LENGTH]
            out[first + LOG_LENGTH], out[first + LOG_WIDTH] = out[first + LOG_WIDTH], length
    strayed = (
        np.hypot(p[EAST] - guess[EAST], p[NORTH] - guess[NORTH])
        > 0.5 * np.exp(guess[LOG_LENGTH]) + STRAY_M
    )
    return bool(np.isfinite(out[:LOG_WIDTH_ABOVE]).all()) and not strayed


@kernel
def _fit_cut(
    whole: Float64,
    guess: Float64,
    top: float,
    blur: Float64,
    noise: float,
    model: Float64,
    out: Float64,
) -> bool:
    """Fit one hull to pixels cut at a level, which the guess has too; False as of `_fit`."""
    chip, first = whole.copy(), guess.copy()
    for k in range(chip.shape[0]):
        chip[k, 2] = min(chip[k, 2], top)
    first[LOG_LEVEL] = np.log(top)
    variance = model[PIXELS_PER_CELL] * (noise**2 + (model[UNEVEN] * top) ** 2)
    return _fit(chip, first, blur, variance, out)


@kernel
def fit_hulls(
    start: Int64,
    values: Float32,
    guess: Float64,
    rows: Int64,
    cols: Int64,
    slots: Int64,
    plane: Float32,
    owner: Int64,
    background: Float64,
    floor: Float64,
    noise: Float64,
    model: Float64,
    jacobian: Float64,
    blur: Float64,
    out: Float64,
) -> None:
    """Fit every blob.

    Parameters
    ----------
    start : (n + 1,)
    values
        Pixels of the blobs, as `hulls.measure_hulls` takes them.
    guess : (n, N_PARAMETERS)
        East and north are metres from `rows`, `cols`, the heading radians; of lengths, metres, the
        natural logarithm. The level is not looked at.
    rows, cols : (n,)
        A pixel of the hull, such as its peak.
    slots : (block rows, block cols)
        Index of each block in `plane`: -1 where it was not looked at, for nothing is bright there,
        -2 where it holds no sea.
    plane : (m, BLOCK, BLOCK)
        NaN where not valid.
    owner : like plane
        Number of the blob of each pixel, -1 for none.
    background : (n,)
    floor : (n,)
        The blob's own pixels below are no hull's, and left out; `background` leaves out none.
    noise : (n,)
        Standard deviation of a pixel that does not grow with the hull's level.
    model : (N_MODEL,)
        Quantiles of the blob and of the guessed rectangle at whose lower one pixels are cut; the
        hull's unevenness, as a share of that level; pixels that share one value of it; how far
        about the guess pixels count: in metres, and at the ends in shares of the length besides;
        and the quantiles of the second fit's cut, both 0 for no second fit.
    jacobian : (n, 2, 2)
    blur : (3,)
        As of `hulls.measure_hulls`.
    out : (n, N_FITTED), out
        Parameters and their standard errors in the units of `guess`, the level in those of the
        plane; the mean square of what the fit leaves; the width's logarithm by the second fit, by
        the first where the second fails or is not asked for. NaN where there was nothing to fit.
    """
    chip, again = np.empty((MOST_PIXELS, 3)), np.empty(N_FITTED)
    for k in range(rows.size):
        n = _collect(
            guess[k],
            rows[k],
            cols[k],
            k,
            slots,
            plane,
            owner,
            background[k],
            floor[k],
            jacobian[k],
            model,
            chip,
        )
        if not LEAST_PIXELS <= n <= MOST_PIXELS:
            out[k] = np.nan
            continue
        own = values[start[k] : start[k + 1]]
        own = own[own >= floor[k]]
        top = _ceiling(chip[:n], guess[k], own, background[k], model[BLOB_SHARE], model[HULL_SHARE])
        if not top > 0.0 or not _fit_cut(chip[:n], guess[k], top, blur, noise[k], model, out[k]):
            out[k] = np.nan
            continue
        out[k, LOG_WIDTH_ABOVE] = out[k, LOG_WIDTH]
        if model[BLOB_SHARE_ABOVE] == 0.0:
            continue
        top = _ceiling(
            chip[:n],
            guess[k],
            own,
            background[k],
            model[BLOB_SHARE_ABOVE],
            model[HULL_SHARE_ABOVE],
        )
        if _fit_cut(chip[:n], out[k, :N_PARAMETERS], top, blur, noise[k], model, again):
            out[k, LOG_WIDTH_ABOVE] = again[LOG_WIDTH]
