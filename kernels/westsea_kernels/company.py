"""How many ships lie about each, and how many of them lie as it does."""

import numpy as np

from westsea_kernels.arrays import Bool, Float64, Int64
from westsea_kernels.jit import kernel
from westsea_kernels.pairs import LEAST_DEGREE_M, offset_m


@kernel
def _apart(lon1: float, lat1: float, lon2: float, lat2: float, most: float) -> float:
    """Distance of two places in metres; inf where longitudes alone tell that it is more than most.

    Within 80 degrees of latitude; the places are less than 2 degrees of latitude apart.
    """
    east_west = abs(lon1 - lon2)
    east_west = min(east_west, 360.0 - east_west)
    shortest = LEAST_DEGREE_M * np.cos(np.deg2rad(min(abs(lat1) + 2.0, 90.0)))
    if east_west * shortest > most:
        return np.inf
    east, north = offset_m(lon1, lat1, lon2, lat2)
    return float(np.hypot(east, north))


@kernel
def offsets(lon: Float64, lat: Float64, first: Int64, second: Int64) -> Float64:
    """(2, m) metres east and north from the first to the second of each pair of places.

    lon, lat: (n,) degrees; first, second: (m,) indices.
    """
    out = np.empty((2, first.size))
    for k in range(first.size):
        i, j = first[k], second[k]
        out[0, k], out[1, k] = offset_m(lon[i], lat[i], lon[j], lat[j])
    return out


@kernel
def count_alike(
    lon: Float64, lat: Float64, heading: Float64, least: float, most: float, like_deg: float
) -> Int64:
    """Neighbours of each ship, and those of them that lie along its axis.

    Parameters
    ----------
    lon, lat : (n,)
        Degrees, sorted by latitude.
    heading : (n,)
        Degrees of the axis.
    least, most : float
        Metres from the ship to its neighbours.
    like_deg : float
        Most degrees between like axes.

    Returns
    -------
    (n, 2) int64, all and the like ones.
    """
    out = np.zeros((lon.size, 2), np.int64)
    for i in range(lon.size):
        for j in range(i + 1, lon.size):
            if not (lat[j] - lat[i]) * LEAST_DEGREE_M <= most:
                break
            away = _apart(lon[i], lat[i], lon[j], lat[j], most)
            if least <= away <= most:
                turn = abs(heading[i] - heading[j]) % 180.0
                like = min(turn, 180.0 - turn) <= like_deg
                for k in (i, j):
                    out[k, 0] += 1
                    out[k, 1] += like
    return out


@kernel
def reached(lon: Float64, lat: Float64, core: Bool, most: float) -> Bool:
    """(n,) whether each place is a core, or has one within `most` metres.

    lon, lat: (n,) degrees, sorted by latitude.
    """
    out = core.copy()
    for i in range(lon.size):
        for j in range(i + 1, lon.size):
            if not (lat[j] - lat[i]) * LEAST_DEGREE_M <= most:
                break
            wanted = (core[i] and not out[j]) or (core[j] and not out[i])
            if wanted and _apart(lon[i], lat[i], lon[j], lat[j], most) <= most:
                out[i] = out[j] = True
    return out
