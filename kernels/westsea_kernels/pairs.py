"""Which hulls lie near one another: gaps from hull edge to hull edge, on the ellipsoid."""

from math import erf

import numpy as np

from westsea_kernels.arrays import Bool, Float64, Int, Int64
from westsea_kernels.jit import kernel

WGS84_A = 6378137.0
WGS84_E2 = 0.0066943799901413165
LEAST_DEGREE_M = 110_000.0
"""No degree of latitude is as short as this, nor one of longitude on the equator."""
LEAST_STRIP_M = 100.0
SURE_DEG, ROUGH = 0.05, 1.01
"""So few degrees of latitude away, a distance in units of the degrees at one end is right by this
factor, up to 80 degrees of latitude."""


@kernel
def offset_m(lon1: float, lat1: float, lon2: float, lat2: float) -> tuple[float, float]:
    """(east, north) in metres from point 1 to point 2, degrees in.

    Radii of curvature at the middle latitude; right to 1e-5 of distances up to 10 km, below 80
    degrees of latitude.
    """
    middle = np.deg2rad(0.5 * (lat1 + lat2))
    under = 1.0 - WGS84_E2 * np.sin(middle) ** 2
    meridian = WGS84_A * (1.0 - WGS84_E2) / under**1.5
    normal = WGS84_A / np.sqrt(under)
    dlon = (lon2 - lon1 + 180.0) % 360.0 - 180.0
    return normal * np.cos(middle) * np.deg2rad(dlon), meridian * np.deg2rad(lat2 - lat1)


@kernel
def _corners(
    east: float, north: float, length: float, width: float, heading: float, out: Float64
) -> None:
    """Corners of a rectangle about (east, north); heading in degrees from north; out: (4, 2)."""
    sin, cos = np.sin(np.deg2rad(heading)), np.cos(np.deg2rad(heading))
    for i, (along, across) in enumerate(((0.5, 0.5), (0.5, -0.5), (-0.5, -0.5), (-0.5, 0.5))):
        out[i, 0] = east + along * length * sin + across * width * cos
        out[i, 1] = north + along * length * cos - across * width * sin


@kernel
def _point_to_segment(p: Float64, a: Float64, b: Float64) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    t = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square if square > 0.0 else 0.0
    t = min(max(t, 0.0), 1.0)
    return float(np.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy))


@kernel
def _overlap(one: Float64, two: Float64) -> bool:
    """Whether two convex quadrilaterals share a point: no edge of either separates them."""
    for side in range(2):
        a, b = (one, two) if side == 0 else (two, one)
        for i in range(4):
            nx, ny = a[(i + 1) % 4, 1] - a[i, 1], a[i, 0] - a[(i + 1) % 4, 0]
            a_low, a_high, b_low, b_high = np.inf, -np.inf, np.inf, -np.inf
            for j in range(4):
                pa, pb = nx * a[j, 0] + ny * a[j, 1], nx * b[j, 0] + ny * b[j, 1]
                a_low, a_high = min(a_low, pa), max(a_high, pa)
                b_low, b_high = min(b_low, pb), max(b_high, pb)
            if a_high < b_low or b_high < a_low:
                return False
    return True


@kernel
def rectangle_gap(one: Float64, two: Float64) -> float:
    """Least distance between two rectangles given by their (4, 2) corners; 0 if they overlap.

    Their sides must be longer than 0.
    """
    if _overlap(one, two):
        return 0.0
    least = np.inf
    for i in range(4):
        for j in range(4):
            k = (j + 1) % 4
            least = min(least, _point_to_segment(one[i], two[j], two[k]))
            least = min(least, _point_to_segment(two[i], one[j], one[k]))
    return least


@kernel
def find_pairs(
    lon: Float64,
    lat: Float64,
    length: Float64,
    width: Float64,
    heading: Float64,
    widest_gap: float,
    passed: Bool,
) -> tuple[Int64, Float64, int]:
    """All pairs of hulls whose edges are at most `widest_gap` metres apart.

    Of two hulls the one that reaches farther looks for the other, so that one long hull widens
    no search but its own; and it looks only in strips of latitude, sorted by longitude, so that
    the work grows with the hulls and their neighbours.

    Parameters
    ----------
    lon, lat : (n,)
        Degrees, sorted by latitude.
    length, width : (n,)
        Metres, > 0.
    heading : (n,)
        Degrees clockwise from true north.
    widest_gap : float
        Metres.
    passed : (n,)
        Pairs of two such hulls are counted and not listed.

    Returns
    -------
    (m, 2) int64 indices, first < second, in order; (m, 2) float64 gap and distance of the
    centres, m; and how many were not listed.
    """
    index = [(0, 0) for _ in range(0)]
    measure = [(0.0, 0.0) for _ in range(0)]
    n_passed = 0
    height = max(widest_gap, LEAST_STRIP_M) / LEAST_DEGREE_M
    start, by_lon, sorted_lon = _strips(lon, lat, height)
    one, two = np.empty((4, 2)), np.empty((4, 2))
    for i in range(lon.size):
        reach = 0.5 * np.hypot(length[i], width[i])
        north_south = (widest_gap + 2.0 * reach) / LEAST_DEGREE_M
        if not np.isfinite(lon[i] + lat[i] + north_south):
            continue
        east_west = _widest_lon(lat[i], north_south)
        first = max(int(np.floor((lat[i] - north_south - lat[0]) / height)), 0)
        last = min(int(np.floor((lat[i] + north_south - lat[0]) / height)), start.size - 2)
        for strip in range(first, last + 1):
            own = sorted_lon[start[strip] : start[strip + 1]]
            for turn in (0.0, -360.0, 360.0):
                if turn != 0.0 and east_west >= 180.0:
                    break
                west = np.searchsorted(own, lon[i] + turn - east_west)
                east = np.searchsorted(own, lon[i] + turn + east_west, side="right")
                for place in range(start[strip] + west, start[strip] + east):
                    j = by_lon[place]
                    other = 0.5 * np.hypot(length[j], width[j])
                    if other > reach or (other == reach and j <= i):
                        continue
                    a, b = min(i, j), max(i, j)
                    unlisted = passed[a] and passed[b]
                    gap, center = _gap(
                        lon, lat, length, width, heading, a, b, widest_gap, not unlisted, one, two
                    )
                    if gap <= widest_gap and unlisted:
                        n_passed += 1
                    elif gap <= widest_gap:
                        index.append((a, b))
                        measure.append((gap, center))
    pairs, sizes = _in_order(index, measure, lon.size)
    return pairs, sizes, n_passed


@kernel
def _gap(
    lon: Float64,
    lat: Float64,
    length: Float64,
    width: Float64,
    heading: Float64,
    a: Int,
    b: Int,
    widest: float,
    exact: bool,
    one: Float64,
    two: Float64,
) -> tuple[float, float]:
    """Gap and distance of the centres of two hulls, in metres; `one` and `two` are scratch.

    The gap is inf where circles around the hulls tell that it is wider than `widest`; 0 where it
    is not and an exact one is not asked for.
    """
    east, north = offset_m(lon[a], lat[a], lon[b], lat[b])
    center = np.hypot(east, north)
    reach = 0.5 * (np.hypot(length[a], width[a]) + np.hypot(length[b], width[b]))
    if center - reach > widest:
        return np.inf, center
    if not exact and center <= widest:  # gaps are no wider
        return 0.0, center
    _corners(0.0, 0.0, length[a], width[a], heading[a], one)
    _corners(east, north, length[b], width[b], heading[b], two)
    return rectangle_gap(one, two), center


@kernel
def _strips(lon: Float64, lat: Float64, height: float) -> tuple[Int64, Int64, Float64]:
    """Where each strip of latitude begins, hulls strip by strip by longitude, and their longitudes.

    Hulls without a latitude, the last in order, are in none.
    """
    n = 0
    while n < lat.size and np.isfinite(lat[n]):
        n += 1
    strips = int(np.floor((lat[n - 1] - lat[0]) / height)) + 1 if n else 0
    start = np.zeros(strips + 1, np.int64)
    for i in range(n):
        start[int(np.floor((lat[i] - lat[0]) / height)) + 1] += 1
    start = np.cumsum(start)
    by_lon, sorted_lon = np.empty(n, np.int64), np.empty(n)
    for strip in range(strips):
        own = slice(start[strip], start[strip + 1])
        by_lon[own] = start[strip] + np.argsort(lon[own])
        sorted_lon[own] = lon[by_lon[own]]
    return start, by_lon, sorted_lon


@kernel
def _widest_lon(lat: float, north_south: float) -> float:
    """Degrees of longitude that are at least as far as some degrees of latitude, up to there."""
    shortest = np.cos(np.deg2rad(min(abs(lat) + north_south, 90.0)))
    return float(north_south / shortest) if north_south < 180.0 * shortest else np.inf


@kernel
def _in_order(
    index: list[tuple[int, int]], measure: list[tuple[float, float]], n: int
) -> tuple[Int64, Float64]:
    """(m, 2) pairs by the first and then the second index, of n, and what belongs to them."""
    key = np.empty(len(index), np.int64)
    for k in range(key.size):
        key[k] = index[k][0] * n + index[k][1]
    order = np.argsort(key)
    pairs, sizes = np.empty((key.size, 2), np.int64), np.empty((key.size, 2))
    for k in range(key.size):
        pairs[k, 0], pairs[k, 1] = index[order[k]]
        sizes[k, 0], sizes[k, 1] = measure[order[k]]
    return pairs, sizes


@kernel
def have_neighbour(lon: Float64, lat: Float64, radius: float) -> Bool:
    """(n,) whether each place has another within a radius, in metres.

    lon, lat: (n,) degrees, sorted by latitude.
    """
    out = np.zeros(lon.size, np.bool_)
    for i in range(lon.size):
        for direction in (-1, 1):
            j = i + direction
            while 0 <= j < lon.size and not out[i]:
                if not abs(lat[j] - lat[i]) * LEAST_DEGREE_M <= radius:
                    break
                east, north = offset_m(lon[i], lat[i], lon[j], lat[j])
                if np.hypot(east, north) <= radius:
                    out[i] = out[j] = True
                j += direction
    return out


@kernel
def neighbours(
    lon: Float64,
    lat: Float64,
    first: Int64,
    second: Int64,
    mid_lon: Float64,
    mid_lat: Float64,
    radius: float,
    counts: Int64,
    nearest: Float64,
) -> None:
    """Third ships around each pair.

    lon, lat: (n,) degrees, sorted by latitude; first, second: (m,) indices of the pair's own
    hulls, -1 where they are not among these; mid_lon, mid_lat: (m,) degrees; radius: metres;
    counts: (m,), out, hulls within the radius; nearest: (m,), out, metres, inf for none.
    """
    for k in range(first.size):
        counts[k], nearest[k] = 0, np.inf
        middle = np.searchsorted(lat, mid_lat[k])
        # Within 2 degrees of latitude a degree of longitude is at least this long.
        per_degree = LEAST_DEGREE_M * np.cos(np.deg2rad(min(abs(mid_lat[k]) + 2.0, 90.0)))
        east_m, north_m = offset_m(0.0, mid_lat[k] - 0.005, 0.01, mid_lat[k] + 0.005)
        for direction in (-1, 1):
            i = middle - 1 if direction < 0 else middle
            while 0 <= i < lon.size:
                far = max(radius, nearest[k])
                north_south = abs(lat[i] - mid_lat[k])
                if north_south * LEAST_DEGREE_M > far:
                    break
                if i != first[k] and i != second[k]:
                    east_west = abs(lon[i] - mid_lon[k])
                    east_west = min(east_west, 360.0 - east_west)
                    if north_south >= 2.0 or east_west * per_degree <= far:
                        # Most are plainly within the radius, or plainly too far.
                        rough = np.hypot(100.0 * east_m * east_west, 100.0 * north_m * north_south)
                        sure = north_south <= SURE_DEG
                        if sure and ROUGH * nearest[k] < rough < radius / ROUGH:
                            counts[k] += 1
                        elif not (sure and rough > ROUGH * far):
                            east, north = offset_m(mid_lon[k], mid_lat[k], lon[i], lat[i])
                            away = np.hypot(east, north)
                            counts[k] += away <= radius
                            nearest[k] = min(nearest[k], away)
                i += direction


@kernel
def components(n: int, first: Int64, second: Int64) -> Int64:
    """(n,) the smallest node that edges connect each of n nodes with; first, second: (m,)."""
    root = np.arange(n)
    for k in range(first.size):
        a, b = first[k], second[k]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        root[max(a, b)] = min(a, b)
    for node in range(n):  # roots come before what they lead
        root[node] = root[root[node]]
    return root


@kernel
def between(value: Float64, sd: Float64, lowest: Float64, highest: Float64, out: Float64) -> None:
    """Probability that normal variables lie in [lowest, highest]; all (n,), `out` is filled."""
    for k in range(value.size):
        scale = sd[k] * np.sqrt(2.0)
        upper, lower = (highest[k] - value[k]) / scale, (lowest[k] - value[k]) / scale
        out[k] = 0.5 * (erf(upper) - erf(lower))
