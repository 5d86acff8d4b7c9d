"""Which brighter target a blob may be the azimuth ambiguity of."""

import numpy as np

from westsea_kernels.arrays import Float64, Int64
from westsea_kernels.jit import kernel
from westsea_kernels.pairs import LEAST_DEGREE_M, offset_m


@kernel
def ghost_sources(
    lon: Float64,
    lat: Float64,
    weakest: Float64,
    strongest: Float64,
    azimuth: Float64,
    spread: float,
    along: Float64,
    across: Float64,
    source_lon: Float64,
    source_lat: Float64,
    source_db: Float64,
    source: Int64,
) -> None:
    """The brightest source that each of the blobs could be a ghost of.

    Parameters
    ----------
    lon, lat : (n,)
        Degrees.
    weakest, strongest : (n,)
        Bounds of the source's level, dB.
    azimuth : (n,)
        Direction of azimuth, degrees clockwise from true north; range points 90 degrees right.
    spread : float
        Tangent of the error of the direction.
    along : (n, m, 2)
        Intervals of each one's distance in azimuth to either side, metres.
    across : (2,)
        Interval of the way in range from source to ghost, metres.
    source_lon, source_lat, source_db : (k,)
        Sorted by latitude.
    source : (n,), out
        Index of the source, -1 for none; of equals the first.
    """
    if lon.size == 0:
        return
    farthest = along.max()
    widest = np.abs(across).max() + spread * farthest
    reach = np.hypot(farthest, widest) / LEAST_DEGREE_M
    for i in range(lon.size):
        source[i] = -1
        sine, cosine = np.sin(np.deg2rad(azimuth[i])), np.cos(np.deg2rad(azimuth[i]))
        for k in range(np.searchsorted(source_lat, lat[i] - reach), source_lat.size):
            if source_lat[k] > lat[i] + reach:
                break
            level = source_db[k]
            if not weakest[i] <= level <= strongest[i]:
                continue
            if source[i] >= 0 and level <= source_db[source[i]]:
                continue
            east, north = offset_m(source_lon[k], source_lat[k], lon[i], lat[i])
            ahead = abs(east * sine + north * cosine)
            aside = east * cosine - north * sine
            slack = spread * ahead
            if not across[0] - slack <= aside <= across[1] + slack:
                continue
            for interval in range(along.shape[1]):
                if along[i, interval, 0] <= ahead <= along[i, interval, 1]:
                    source[i] = k
