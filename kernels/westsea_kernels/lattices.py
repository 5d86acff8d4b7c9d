"""Offsets that recur among neighbours: the two vectors of a lattice, and how sure they are.

Evidence is told in nats against chance, after the a-contrario method of Desolneux, Moisan and Morel
(2000): how unlikely so many equal offsets are among offsets of that length, were their directions
random.
"""

import numpy as np

from westsea_kernels.arrays import Bool, Float64, Int, Int64
from westsea_kernels.jit import kernel
from westsea_kernels.pairs import LEAST_DEGREE_M, offset_m

NEIGHBOURS = 32
"""Looked at around each point, itself among them."""
LEAST_NEIGHBOURS = 6
REACH_M = 6_000.0
NEAREST = 4
"""Of each neighbour's nearest, to which a vector of the lattice may lead."""
LONGEST = 4.0
"""Of a vector, in units of the usual distance to the nearest neighbour, and of the other vector.
Across gaps between clumps, all offsets are alike."""
LEAST_SINE = 0.45
LOOSE, TIGHT = 0.25, 0.1
"""Of an offset, in units of the shorter vector: for cages, and for turbines."""
LEAST_PLACE_TOLERANCE = 0.15
WORTH_A_CLOSER_LOOK = 6.0
"""Nats."""

N_MEASURES = 8
EVIDENCE_A, EVIDENCE_B = 0, 1
"""Nats."""
ROWS_A, ROWS_B = 2, 3
"""Neighbours that have another on either side, a vector away."""
CELLS = 4
"""Neighbours that have three others with them around a cell of the lattice."""
OWN = 5
"""Of the eight places around the point itself, those taken."""
LINKS_A, LINKS_B = 6, 7
"""Neighbours that have another a vector ahead."""


# Plain loops over one-dimensional arrays: slices and numpy's functions tripled the time it takes to
# compile these.


@kernel
def fit_lattices(
    lon: Float64,
    lat: Float64,
    level_db: Float64,
    length: Float64,
    most_db: float,
    most_ratio: float,
    near: Int64,
    placed: Bool,
    measures: Float64,
) -> None:
    """The lattice around each point, if any.

    Parameters
    ----------
    lon, lat : (n,)
        Degrees, sorted by latitude.
    level_db, length : (n,)
        Points differ from their neighbours in a lattice by at most `most_db` and `most_ratio`.
    near : (n, NEIGHBOURS), out
        Nearest alike, the point itself first; -1 where there are no more.
    placed : (n, NEIGHBOURS), out
        Which of them lie at the point's own place of the lattice or at the eight around.
    measures : (n, N_MEASURES), out
        Zeros where too few are near.
    """
    east, north = np.empty(NEIGHBOURS), np.empty(NEIGHBOURS)
    most = NEIGHBOURS * (NEIGHBOURS - 1) // 2
    offset_e, offset_n, offset_l = np.empty(most), np.empty(most), np.empty(most)
    most = NEIGHBOURS * NEAREST
    step_e, step_n, step_l = np.empty(most), np.empty(most), np.empty(most)
    for i in range(lon.size):
        for k in range(N_MEASURES):
            measures[i, k] = 0.0
        for k in range(NEIGHBOURS):
            near[i, k], placed[i, k] = -1, False
        n = _nearest_alike(
            lon, lat, level_db, length, most_db, most_ratio, i, near, east, north, step_l
        )
        if n < LEAST_NEIGHBOURS:
            continue
        n_steps = _steps(east, north, n, step_e, step_n, step_l)
        longest = 0.0
        for k in range(n_steps):
            longest = max(longest, step_l[k])
        longest *= 1.0 + LOOSE
        n_offsets = _offsets(east, north, n, longest, offset_e, offset_n, offset_l)
        known = 0.0
        for tolerance in (LOOSE, TIGHT):
            nats_a, ae, an, al = _surest(
                step_e,
                step_n,
                step_l,
                n_steps,
                offset_e,
                offset_n,
                offset_l,
                n_offsets,
                tolerance,
                0.0,
                0.0,
                0.0,
            )
            nats_b, be, bn, bl = _surest(
                step_e,
                step_n,
                step_l,
                n_steps,
                offset_e,
                offset_n,
                offset_l,
                n_offsets,
                tolerance,
                ae,
                an,
                al,
            )
            if nats_b > 0.0 and nats_a + nats_b > max(known, WORTH_A_CLOSER_LOOK):
                known = nats_a + nats_b
                measures[i, EVIDENCE_A], measures[i, EVIDENCE_B] = nats_a, nats_b
                radius = max(tolerance, LEAST_PLACE_TOLERANCE) * min(al, bl)
                _explain(east, north, n, ae, an, be, bn, radius, measures, placed, i)
            if nats_a + nats_b < WORTH_A_CLOSER_LOOK:
                break


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
    """Fill near, east and north by distance; their number. square is for scratch."""
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
def _steps(
    east: Float64, north: Float64, n: int, out_e: Float64, out_n: Float64, out_l: Float64
) -> int:
    """Offsets to the nearest of each of n places, none far longer than is usual."""
    m = 0
    for p in range(n):
        start = m
        for q in range(n):
            e, a = east[q] - east[p], north[q] - north[p]
            away = np.sqrt(e * e + a * a)
            if q == p or (m == start + NEAREST and away >= out_l[m - 1]):
                continue
            m = min(m + 1, start + NEAREST)
            k = m - 1
            while k > start and out_l[k - 1] > away:
                out_e[k], out_n[k], out_l[k] = out_e[k - 1], out_n[k - 1], out_l[k - 1]
                k -= 1
            out_e[k], out_n[k], out_l[k] = e, a, away
    longest = LONGEST * _usual_nearest(out_l, n)
    kept = 0
    for k in range(m):
        # Of an offset and its opposite, one will do.
        wanted = 0.0 < out_l[k] <= longest
        for other in range(kept):
            if out_e[other] == -out_e[k] and out_n[other] == -out_n[k]:
                wanted = False
        if wanted:
            out_e[kept], out_n[kept], out_l[kept] = out_e[k], out_n[k], out_l[k]
            kept += 1
    return kept


@kernel
def _usual_nearest(length: Float64, n: int) -> float:
    """Lower quartile over n places of the first of the lengths of each."""
    each = min(NEAREST, n - 1)
    quartile = np.inf
    for p in range(n):
        not_longer = 0
        for q in range(n):
            not_longer += length[q * each] <= length[p * each]
        if 4 * not_longer > n:
            quartile = min(quartile, length[p * each])
    return quartile


@kernel
def _offsets(
    east: Float64,
    north: Float64,
    n: int,
    longest: float,
    out_e: Float64,
    out_n: Float64,
    out_l: Float64,
) -> int:
    """All offsets between two of n places up to a length, sorted by length."""
    m = 0
    for p in range(n):
        for q in range(p + 1, n):
            e, a = east[q] - east[p], north[q] - north[p]
            away = np.sqrt(e * e + a * a)
            if away <= longest:
                out_e[m], out_n[m], out_l[m] = e, a, away
                m += 1
    for gap in (132, 57, 23, 10, 4, 1):  # Shell's sort, with the gaps of Ciura
        for k in range(gap, m):
            e, a, away = out_e[k], out_n[k], out_l[k]
            at = k
            while at >= gap and out_l[at - gap] > away:
                before = at - gap
                out_e[at], out_n[at], out_l[at] = out_e[before], out_n[before], out_l[before]
                at = before
            out_e[at], out_n[at], out_l[at] = e, a, away
    return m


@kernel
def _surest(
    step_e: Float64,
    step_n: Float64,
    step_l: Float64,
    n_steps: int,
    offset_e: Float64,
    offset_n: Float64,
    offset_l: Float64,
    n_offsets: int,
    tolerance: float,
    other_e: float,
    other_n: float,
    other_l: float,
) -> tuple[float, float, float, float]:
    """Nats, east, north and length of the step that recurs most surely.

    None along the other vector, whose length is 0 where there is none yet.
    """
    most, e, m, away, slack = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(n_steps):
        width = tolerance * step_l[k]
        if other_l > 0.0:
            both = step_l[k] * other_l
            cross = abs(step_e[k] * other_n - step_n[k] * other_e)
            if cross < LEAST_SINE * both or step_l[k] > LONGEST * other_l:
                continue
            if other_l > LONGEST * step_l[k]:
                continue
            width = min(width, tolerance * other_l)
        nats, mean_e, mean_n = _recurrence(
            step_e[k], step_n[k], step_l[k], offset_e, offset_n, offset_l, n_offsets, width
        )
        if nats > most:
            most, e, m, slack = nats, mean_e, mean_n, width
    if most > 0.0:
        away = np.sqrt(e * e + m * m)
        again, mean_e, mean_n = _recurrence(
            e, m, away, offset_e, offset_n, offset_l, n_offsets, slack
        )
        if again > most:
            most, e, m = again, mean_e, mean_n
            away = np.sqrt(e * e + m * m)
    return most, e, m, away


@kernel
def _recurrence(
    step_e: float,
    step_n: float,
    step_l: float,
    offset_e: Float64,
    offset_n: Float64,
    offset_l: Float64,
    n_offsets: int,
    width: float,
) -> tuple[float, float, float]:
    """Evidence that the step recurs, and the mean of the offsets equal to it.

    Of offsets as long as the step within the width, width / (2 length) would lie so near to it or
    to its opposite if they pointed anywhere. The offset that the step was taken from is left out.
    """
    low, high = 0, n_offsets
    while low < high:
        middle = (low + high) // 2
        if offset_l[middle] < step_l - width:
            low = middle + 1
        else:
            high = middle
    trials, hits, e, m = 0, 0, 0.0, 0.0
    for k in range(low, n_offsets):
        if offset_l[k] > step_l + width:
            break
        trials += 1
        sign = 1.0 if offset_e[k] * step_e + offset_n[k] * step_n > 0.0 else -1.0
        de, dn = sign * offset_e[k] - step_e, sign * offset_n[k] - step_n
        if de * de + dn * dn <= width * width:
            hits += 1
            e += sign * offset_e[k]
            m += sign * offset_n[k]
    if hits < 2:
        return 0.0, step_e, step_n
    return _nats(hits - 1, trials - 1, 0.5 * width / step_l), e / hits, m / hits


@kernel
def _nats(hits: Int, trials: Int, chance: float) -> float:
    """Chernoff's bound on the tail of a binomial distribution, as a negative logarithm."""
    if hits <= chance * trials:
        return 0.0
    share = hits / trials
    nats = hits * np.log(share / chance)
    if hits < trials:
        nats += (trials - hits) * np.log((1.0 - share) / (1.0 - chance))
    return float(nats)


@kernel
def _explain(
    east: Float64,
    north: Float64,
    n: int,
    ae: float,
    an: float,
    be: float,
    bn: float,
    radius: float,
    measures: Float64,
    placed: Bool,
    i: int,
) -> None:
    """Count rows, cells and the point's own places; the point is the first of the places."""
    rows_a, rows_b, links_a, links_b, cells, own = 0, 0, 0, 0, 0, 0
    for p in range(n):
        taken = 0
        for q in range(n):
            e, m = east[q] - east[p], north[q] - north[p]
            for place in range(9):
                u, v = place // 3 - 1, place % 3 - 1
                de, dn = e - u * ae - v * be, m - u * an - v * bn
                if de * de + dn * dn <= radius * radius:
                    taken |= 1 << place
        rows_a += taken & 0b010000010 == 0b010000010
        rows_b += taken & 0b000101000 == 0b000101000
        links_a += taken >> 7 & 1
        links_b += taken >> 5 & 1
        cells += taken & 0b110100000 == 0b110100000
        if p == 0:
            for place in range(9):
                own += place != 4 and taken >> place & 1
    measures[i, ROWS_A], measures[i, ROWS_B] = rows_a, rows_b
    measures[i, LINKS_A], measures[i, LINKS_B] = links_a, links_b
    measures[i, CELLS], measures[i, OWN] = cells, own
    for q in range(n):
        placed[i, q] = False
        for place in range(9):
            u, v = place // 3 - 1, place % 3 - 1
            de, dn = east[q] - u * ae - v * be, north[q] - u * an - v * bn
            if de * de + dn * dn <= radius * radius:
                placed[i, q] = True
