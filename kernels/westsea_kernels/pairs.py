"""Which hulls lie near one another: gaps from hull edge to hull edge, on the ellipsoid."""

import numpy as np

from westsea_kernels.arrays import Bool, Float64, Int64
from westsea_kernels.jit import kernel

WGS84_A = 6378137.0
WGS84_E2 = 0.0066943799901413165
LEAST_DEGREE_M = 110_000.0
"""No degree of latitude is as short as this."""


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
    longest: float,
) -> tuple[Int64, Float64]:
    """All pairs of hulls whose edges are at most `widest_gap` metres apart.

    Parameters
    ----------
    lon, lat : (n,)
        Degrees, sorted by latitude.
    length, width : (n,)
        Metres, > 0.
    heading : (n,)
        Degrees clockwise from true north.
    widest_gap, longest : float
        Metres; no hull is longer or wider than `longest`.

    Returns
    -------
    (m, 2) int64 indices, first < second, and (m, 2) float64 gap and distance of the centres, m.
    """
    index = []
    measure = []
    one, two = np.empty((4, 2)), np.empty((4, 2))
    # A degree of latitude is at least 110,574 m, and a square of side 1 reaches 0.5 sqrt(2) far.
    band = (widest_gap + np.sqrt(2.0) * longest) / 110_574.0
    for i in range(lon.size):
        _corners(0.0, 0.0, length[i], width[i], heading[i], one)
        for j in range(i + 1, lon.size):
            if lat[j] - lat[i] > band:
                break
            east, north = offset_m(lon[i], lat[i], lon[j], lat[j])
            center = np.hypot(east, north)
            if (
                center - 0.5 * np.hypot(length[i], width[i]) - 0.5 * np.hypot(length[j], width[j])
                > widest_gap
            ):
                continue
            _corners(east, north, length[j], width[j], heading[j], two)
            gap = rectangle_gap(one, two)
            if gap <= widest_gap:
                index.append((i, j))
                measure.append((gap, center))
    pairs = np.empty((len(index), 2), np.int64)
    sizes = np.empty((len(index), 2), np.float64)
    for k in range(len(index)):
        pairs[k, 0], pairs[k, 1] = index[k]
        sizes[k, 0], sizes[k, 1] = measure[k]
    return pairs, sizes


@kernel
def neighbours(
    lon: Float64,
    lat: Float64,
    counted: Bool,
    first: Int64,
    second: Int64,
    mid_lon: Float64,
    mid_lat: Float64,
    radius: float,
    counts: Int64,
    nearest: Float64,
) -> None:
    """Third ships around each pair.

    lon, lat: (n,) degrees, sorted by latitude; counted: (n,), which hulls to look at; first,
    second: (m,) indices of the pair's own hulls; mid_lon, mid_lat: (m,) degrees; radius: metres;
    counts: (m,), out, hulls within the radius; nearest: (m,), out, metres, inf for none.
    """
    for k in range(first.size):
        counts[k], nearest[k] = 0, np.inf
        middle = np.searchsorted(lat, mid_lat[k])
        # Within 2 degrees of latitude a degree of longitude is at least this long.
        per_degree = LEAST_DEGREE_M * np.cos(np.deg2rad(min(abs(mid_lat[k]) + 2.0, 90.0)))
        for direction in (-1, 1):
            i = middle - 1 if direction < 0 else middle
            while 0 <= i < lon.size:
                far = max(radius, nearest[k])
                north_south = abs(lat[i] - mid_lat[k])
                if north_south * LEAST_DEGREE_M > far:
                    break
                if counted[i] and i != first[k] and i != second[k]:
                    east_west = abs(lon[i] - mid_lon[k])
                    east_west = min(east_west, 360.0 - east_west)
                    if north_south >= 2.0 or east_west * per_degree <= far:
                        east, north = offset_m(mid_lon[k], mid_lat[k], lon[i], lat[i])
                        away = np.hypot(east, north)
                        counts[k] += away <= radius
                        nearest[k] = min(nearest[k], away)
                i += direction
