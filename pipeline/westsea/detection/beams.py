"""How wide ships are."""

import numpy as np
from numpy.typing import NDArray

from westsea_kernels import smears

Float = NDArray[np.float64]


def usual_beam(length_m: Float) -> Float:
    """(n,) mean beam (m) of single ships of a length (m)."""
    ratio = np.interp(np.log(length_m), smears.LOG_LENGTHS, smears.LENGTH_OVER_WIDTH)
    return np.asarray(length_m / ratio)


def abreast(length_m: Float, width_m: Float, gap_m: float) -> Float:
    """(n,) how many ships of a length and its usual beam, so far apart, make up a width."""
    return np.asarray((width_m + gap_m) / (usual_beam(length_m) + gap_m))
