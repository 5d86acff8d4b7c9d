"""Lattices among points: how sure are the plane waves that a neighbourhood is in phase with.

The members of a lattice, however many are missing, lie on the crests of its waves, as atoms do in
a crystal. Of n points at random, the power |sum exp(i k x)|^2 / n is exponential with mean 1 at
any wave vector k away from 0 (Scargle 1982), which tells how unlikely a peak is.
"""

import numpy as np

from westsea_kernels.arrays import Bool, Float64, Int64
from westsea_kernels.jit import kernel
from westsea_kernels.pairs import LEAST_DEGREE_M, offset_m

NEIGHBOURS = 24
"""Looked at around each point at most, itself among them."""
REACH_M = 3_500.0
FEW = 16
"""Up to so many, a lattice shows only if it is nearly complete."""
LEAST = 7
SPRAWL = 1.6
"""Points farther than this from the middle, in units of the FEWth's distance, are left out."""
SAME = 0.06
"""Points nearer than this to another, in units of the neighbourhood's radius, count once."""
SHORTEST, LONGEST = 0.38, 3.2
"""Of the waves, in units of the usual distance to the nearest neighbour: with gaps, that is longer
than a vector of the lattice, and rows may lie farther apart."""
SHORTEST_OF_FEW, LONGEST_OF_FEW = 0.7, 2.2
OVERSAMPLED = 0.45
"""Step of the wave vector, in units of pi / radius."""
INDEPENDENT = 4.0
"""Steps, squared, of one independent wave vector."""
MOST_STEPS = 64
"""Up to waves of a fourteenth of the radius."""
LEAST_SINE = 0.45
"""Between the two waves."""
NEAR_STEPS, FAR_STEPS = 4.0, 7.0
"""Of a wave's surroundings, which tell the noise there: pairs of ships raise it."""
LEAST_NEXT = 0.6
"""Of the usual distances to the nearest neighbour and the next; ships in pairs have less."""
SPREAD, LEAST_SPREAD, MOST_SPREAD = 2.5, 0.4, 1.3
"""Of the phases of members: in standard deviations, and bounds in radians."""
LEAST_SHARE = 0.7
"""Of the points that are members."""
LEAST_PLANES = 3
FARTHEST = 2.0
"""Of a member from the next, in units of the usual distance."""


@kernel
def fit_lattices(
    lon: Float64,
    lat: Float64,
    level_db: Float64,
    length: Float64,
    most_db: float,
    most_ratio: float,
    sizes: Int64,
    wanted: Bool,
    near: Int64,
    evidence: Float64,
    placed: Bool,
) -> None:
    """Fit a lattice to the neighbourhoods of each point.

    Parameters
    ----------
    lon, lat : (n,)
        Degrees, sorted by latitude.
    level_db, length : (n,)
        Points differ from their neighbours in a lattice by at most `most_db` and `most_ratio`.
    sizes : (m,)
        Of the neighbourhoods to try, at most NEIGHBOURS.
    wanted : (n,)
        A neighbourhood without any such point is not fitted: only `near` is filled.
    near : (n, NEIGHBOURS), out
        Nearest alike, the point itself first; -1 where there are no more.
    evidence : (n, m, 2), out
        Nats against chance of either wave, the first chosen first; -inf where there is no lattice.
    placed : (n, m, NEIGHBOURS), out
        Members of the lattice among `near`.
    """
    x, y, square = np.empty(NEIGHBOURS), np.empty(NEIGHBOURS), np.empty(NEIGHBOURS)
    own_x, own_y = np.empty(NEIGHBOURS), np.empty(NEIGHBOURS)
    power = np.empty((MOST_STEPS + 1, 2 * MOST_STEPS + 1))
    wave, nats = np.empty((2, 4)), np.empty(2)
    evidence[:] = -np.inf
    placed[:] = False
    near[:] = -1
    for i in range(lon.size):
        n = _nearest_alike(lon, lat, level_db, length, most_db, most_ratio, i, near, x, y, square)
        any_wanted = False
        for k in range(n):
            any_wanted |= wanted[near[i, k]]
        for s in range(sizes.size if any_wanted else 0):
            some = min(n, sizes[s])
            while some > FEW and square[some - 1] > SPRAWL**2 * square[FEW - 1]:
                some -= 1
            if some < (FEW if sizes[s] > FEW else LEAST):
                continue
            kept, usual, following = _distinct(x, y, some, np.sqrt(square[some - 1]), own_x, own_y)
            if kept < LEAST or (some <= FEW and usual < LEAST_NEXT * following):
                continue
            _surest(own_x, own_y, kept, usual, np.sqrt(square[some - 1]), power, wave, nats)
            if nats.min() > 0.0 and _members(x, y, some, kept, usual, wave, placed[i, s]):
                evidence[i, s] = nats


@kernel
def _nearest_alike(
    lon: Float64,
    lat: Float64,
    level_db: Float64,
    length: Float64,
    most_db: float,
    most_ratio: float,
    i: int,
    near: Int64,
    east: Float64,
    north: Float64,
    square: Float64,
) -> int:
    """Fill near, east, north and the squared distance, the nearest first; their number."""
    n = 0
    farthest = REACH_M * REACH_M
    for direction in (-1, 1):
        j = i if direction < 0 else i + 1
        while 0 <= j < lon.size:
            if ((lat[j] - lat[i]) * LEAST_DEGREE_M) ** 2 > farthest:
                break
            ratio = length[j] / length[i]
            alike = 1.0 <= ratio * most_ratio <= most_ratio * most_ratio
            if alike and abs(level_db[j] - level_db[i]) <= most_db:
                e, m = offset_m(lon[i], lat[i], lon[j], lat[j])
                away = e * e + m * m
                if away < farthest:
                    n = min(n + 1, NEIGHBOURS)
                    k = n - 1
                    while k > 0 and square[k - 1] > away:
                        square[k], near[i, k] = square[k - 1], near[i, k - 1]
                        east[k], north[k] = east[k - 1], north[k - 1]
                        k -= 1
                    square[k], near[i, k], east[k], north[k] = away, j, e, m
                    if n == NEIGHBOURS:
                        farthest = min(farthest, square[n - 1])
            j += direction
    return n


@kernel
def _distinct(
    x: Float64, y: Float64, n: int, radius: float, own_x: Float64, own_y: Float64
) -> tuple[int, float, float]:
    """Number of points that lie apart, copied; medians of the nearest and the next distance."""
    kept = 0
    for p in range(n):
        apart = True
        for q in range(kept):
            e, m = x[p] - own_x[q], y[p] - own_y[q]
            if e * e + m * m < (SAME * radius) ** 2:
                apart = False
        if apart:
            own_x[kept], own_y[kept] = x[p], y[p]
            kept += 1
    first, second = np.full(kept, np.inf), np.full(kept, np.inf)
    for p in range(kept):
        for q in range(kept):
            if q != p:
                away = np.hypot(own_x[p] - own_x[q], own_y[p] - own_y[q])
                if away < first[p]:
                    first[p], second[p] = away, first[p]
                elif away < second[p]:
                    second[p] = away
    first.sort()
    second.sort()
    return kept, first[kept // 2], second[kept // 2]


@kernel
def _surest(
    x: Float64,
    y: Float64,
    n: int,
    usual: float,
    radius: float,
    power: Float64,
    wave: Float64,
    nats: Float64,
) -> None:
    """Fill the two surest waves (kx, ky, phase, power), one across the other, and their nats."""
    few = n <= FEW
    highest = 2.0 * np.pi / ((SHORTEST_OF_FEW if few else SHORTEST) * usual)
    lowest = 2.0 * np.pi / ((LONGEST_OF_FEW if few else LONGEST) * usual)
    step = OVERSAMPLED * np.pi / radius
    steps = min(int(highest / step), MOST_STEPS)
    tried = _periodogram(x, y, n, step, steps, lowest, power)
    nats[:] = 0.0
    if tried < 2:
        return
    floor = 1.0 if few else max(1.0, _median(power, steps, tried) / np.log(2.0))
    chance = np.log(max(tried / INDEPENDENT, 1.0))
    for k in range(2):
        iy, ix = _highest(power, steps, step, wave, k)
        if iy < 0:
            return
        around = 1.0 if few else _around(power, steps, iy, ix)
        _refine(x, y, n, ix * step, iy * step, step, wave[k])
        nats[k] = wave[k, 3] / max(floor, around) - chance


@kernel
def _periodogram(
    x: Float64, y: Float64, n: int, step: float, steps: int, lowest: float, power: Float64
) -> int:
    """Power over half the plane of wave vectors, -1 out of range; number of those in range.

    power[iy, steps + ix] is that at (ix, iy) steps. The sums go on over all columns at once, point
    by point: that fills vector registers, as sums over the points would not.
    """
    tried, columns = 0, 2 * steps + 1
    c, s = np.empty((n, columns)), np.empty((n, columns))
    for j in range(n):
        for column in range(columns):
            angle = step * (column - steps) * x[j]
            c[j, column], s[j, column] = np.cos(angle), np.sin(angle)
    all_c, all_s = np.empty(columns), np.empty(columns)
    for iy in range(steps + 1):
        all_c[:], all_s[:] = 0.0, 0.0
        for j in range(n):
            turn_c, turn_s = np.cos(step * iy * y[j]), np.sin(step * iy * y[j])
            for column in range(columns):
                all_c[column] += c[j, column] * turn_c - s[j, column] * turn_s
                all_s[column] += s[j, column] * turn_c + c[j, column] * turn_s
        for column in range(columns):
            square = iy * iy + (column - steps) ** 2
            power[iy, column] = -1.0
            inside = square * step * step >= lowest * lowest and square <= steps * steps
            if inside and (iy > 0 or column > steps):
                power[iy, column] = (all_c[column] ** 2 + all_s[column] ** 2) / n
                tried += 1
    return tried


@kernel
def _median(power: Float64, steps: int, tried: int) -> float:
    """The power that half of the waves exceed, to a 32nd."""
    counts = np.zeros(32 * NEIGHBOURS + 1, np.int64)
    for iy in range(steps + 1):
        for column in range(2 * steps + 1):
            if power[iy, column] >= 0.0:
                counts[int(32.0 * power[iy, column])] += 1
    below, k = 0, -1
    while below < 0.5 * tried:
        k += 1
        below += counts[k]
    return (k + 1) / 32.0


@kernel
def _highest(power: Float64, steps: int, step: float, wave: Float64, k: int) -> tuple[int, int]:
    """(iy, ix) in steps of the highest power; for the second wave, across the first."""
    most, at_y, at_x = 0.0, -1, 0
    for iy in range(steps + 1):
        for column in range(2 * steps + 1):
            ix = column - steps
            if power[iy, column] > most:
                if k == 1:
                    both = np.hypot(float(ix), float(iy)) * np.hypot(wave[0, 0], wave[0, 1])
                    if abs(ix * wave[0, 1] - iy * wave[0, 0]) < LEAST_SINE * both:
                        continue
                most, at_y, at_x = power[iy, column], iy, ix
    return at_y, at_x


@kernel
def _around(power: Float64, steps: int, at_y: int, at_x: int) -> float:
    """Mean power in a ring around a wave vector; the other half of the plane mirrors this one."""
    total, m, reach = 0.0, 0, int(FAR_STEPS)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            iy, ix = at_y + dy, at_x + dx
            away = np.sqrt(float(dx * dx + dy * dy))
            if iy < 0:
                iy, ix = -iy, -ix
            inside = NEAR_STEPS < away <= FAR_STEPS and iy <= steps and abs(ix) <= steps
            if inside and power[iy, steps + ix] >= 0.0:
                total += power[iy, steps + ix]
                m += 1
    return total / m if m > 5 else 1.0


@kernel
def _refine(
    x: Float64, y: Float64, n: int, kx: float, ky: float, step: float, wave: Float64
) -> None:
    """Fill (kx, ky, phase, power) of the highest power near a wave vector."""
    wave[3] = -1.0
    for _ in range(3):
        middle_x, middle_y = kx, ky
        step /= 3.0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                ax, ay = middle_x + dx * step, middle_y + dy * step
                c, s = 0.0, 0.0
                for j in range(n):
                    angle = ax * x[j] + ay * y[j]
                    c += np.cos(angle)
                    s += np.sin(angle)
                if (c * c + s * s) / n > wave[3]:
                    kx, ky = ax, ay
                    wave[0], wave[1], wave[2] = ax, ay, np.arctan2(s, c)
                    wave[3] = (c * c + s * s) / n


@kernel
def _members(
    x: Float64, y: Float64, n: int, kept: int, usual: float, wave: Float64, placed: Bool
) -> bool:
    """Mark the points on crests of both waves and near another; whether they are a lattice."""
    for j in range(n):
        placed[j] = True
        for k in range(2):
            share = min(wave[k, 3] / kept, 0.999)
            spread = min(max(SPREAD * np.sqrt(-np.log(share)), LEAST_SPREAD), MOST_SPREAD)
            angle = wave[k, 0] * x[j] + wave[k, 1] * y[j] - wave[k, 2]
            angle -= 2.0 * np.pi * np.rint(angle / (2.0 * np.pi))
            placed[j] &= abs(angle) <= spread
    total = 0
    for j in range(n):
        total += placed[j]
    lone = np.zeros(n, np.bool_)
    for p in range(n):
        nearest = np.inf
        for q in range(n):
            if q != p and placed[q]:
                nearest = min(nearest, np.hypot(x[p] - x[q], y[p] - y[q]))
        lone[p] = nearest > FARTHEST * usual
    for p in range(n):
        placed[p] &= not lone[p]
    return total >= LEAST_SHARE * n and _planes(x, y, n, wave, placed) >= LEAST_PLANES


@kernel
def _planes(x: Float64, y: Float64, n: int, wave: Float64, placed: Bool) -> int:
    """Crests with two members or more, of the wave that has fewer of them."""
    fewest = n
    for k in range(2):
        crest = np.empty(n)
        for j in range(n):
            angle = wave[k, 0] * x[j] + wave[k, 1] * y[j] - wave[k, 2]
            crest[j] = np.rint(angle / (2.0 * np.pi)) if placed[j] else np.inf
        crest.sort()
        planes = 0
        for j in range(n - 1):
            begins = j == 0 or crest[j] != crest[j - 1]
            planes += begins and crest[j] == crest[j + 1] and crest[j] < np.inf
        fewest = min(fewest, planes)
    return fewest
