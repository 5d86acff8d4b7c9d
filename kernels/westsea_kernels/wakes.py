"""Which blobs lie where the trail of foam behind a brighter hull would."""

import numpy as np

from westsea_kernels.arrays import Float64, Int64
from westsea_kernels.jit import kernel
from westsea_kernels.pairs import LEAST_DEGREE_M, offset_m

RIGHT_ANGLE = 89.0
"""Degrees; an axis that is off by more may lie anywhere."""


@kernel
def off_axis(bearing: float, axis: float) -> float:
    """Angle between two axes, 0 to 90 degrees."""
    turn = abs(bearing - axis) % 180.0
    return float(min(turn, 180.0 - turn))


@kernel
def trail_pieces(
    lon: Float64,
    lat: Float64,
    level: Float64,
    axis: Float64,
    drift: Float64,
    length: Float64,
    reach: Float64,
    aside: Float64,
) -> tuple[Int64, Float64]:
    """All pairs of a hull and a fainter blob that lies on its axis, from end to end.

    Parameters
    ----------
    lon, lat : (n,)
        Degrees, sorted by latitude.
    level : (n,)
        The fainter is the piece.
    axis : (n,)
        Degrees clockwise from true north.
    drift : (n,)
        By how many degrees the way to a piece may be off the axis of the hull.
    length : (n,)
        Metres.
    reach, aside : (n,)
        Metres from a hull to a piece, and off the axis to its middle, besides what the drift
        allows, and off the way to its ends.

    Returns
    -------
    (m, 2) int64 indices, the hull's first, and (m,) float64 metres between them.
    """
    index = []
    measure = []
    widest = reach.max() / LEAST_DEGREE_M if reach.size else 0.0
    for i in range(lon.size):
        for j in range(i + 1, lon.size):
            if lat[j] - lat[i] > widest:
                break
            if level[i] == level[j]:
                continue
            hull, piece = (i, j) if level[i] > level[j] else (j, i)
            east, north = offset_m(lon[i], lat[i], lon[j], lat[j])
            away = np.hypot(east, north)
            if away > reach[hull] or away == 0.0:
                continue
            bearing = np.rad2deg(np.arctan2(east, north))
            off = off_axis(bearing, axis[piece])
            if np.sin(np.deg2rad(off)) * 0.5 * length[piece] > aside[hull]:
                continue
            off = off_axis(bearing, axis[hull])
            slack = np.tan(np.deg2rad(min(drift[hull], RIGHT_ANGLE)))
            if np.sin(np.deg2rad(off)) * away <= aside[hull] + slack * away:
                index.append((hull, piece))
                measure.append(away)
    pairs = np.empty((len(index), 2), np.int64)
    distance = np.empty(len(index))
    for k in range(len(index)):
        pairs[k, 0], pairs[k, 1] = index[k]
        distance[k] = measure[k]
    return pairs, distance
