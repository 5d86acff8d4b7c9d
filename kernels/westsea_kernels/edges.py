"""The profile across a uniform strip seen through a Gaussian blur."""

from math import erf

import numpy as np

from westsea_kernels.arrays import Float64
from westsea_kernels.jit import kernel

_ROOT_2 = np.sqrt(2.0)
_ROOT_2PI = np.sqrt(2.0 * np.pi)


@kernel
def edge(x: float, size: float, sd: float, out: Float64) -> None:
    """A blurred edge-to-edge profile and its derivatives by x, by size and by sd."""
    a, b = (x + 0.5 * size) / sd, (x - 0.5 * size) / sd
    at_a, at_b = np.exp(-0.5 * a * a) / _ROOT_2PI, np.exp(-0.5 * b * b) / _ROOT_2PI
    out[0] = 0.5 * (erf(a / _ROOT_2) - erf(b / _ROOT_2))
    out[1] = (at_a - at_b) / sd
    out[2] = 0.5 * (at_a + at_b) / sd
    out[3] = (b * at_b - a * at_a) / sd
