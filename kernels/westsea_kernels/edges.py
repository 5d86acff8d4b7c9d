"""The profile across a uniform strip seen through a Gaussian blur."""

from math import erf

import numpy as np

from westsea_kernels.arrays import Float64
from westsea_kernels.jit import kernel

END = 6.0
"""Deviations from an end of the strip beyond which the profile counts as level; to 1e-9 it is."""
PER_SD = 64
"""Entries of the table in a deviation."""

_AT = np.arange(-END, END + 2 / PER_SD, 1 / PER_SD)
_DENSITY = np.exp(-0.5 * _AT**2) / np.sqrt(2.0 * np.pi)
_INTEGRAL = np.array([0.5 * erf(x / np.sqrt(2.0)) for x in _AT])
_TABLE = np.stack([_INTEGRAL, _DENSITY / PER_SD, _DENSITY, -_AT * _DENSITY / PER_SD], axis=1)
"""(entries, 4) integral of the normal density from 0, the density, and each one's slope."""


@kernel
def normal(x: float) -> tuple[float, float]:
    """Integral of the standard normal density from 0 to x, and the density at x, both to 1e-8.

    By cubics between the entries of a table: erf and exp took half of a fit's time.
    """
    if not abs(x) < END:
        return (x, x) if np.isnan(x) else (np.copysign(0.5, x), 0.0)
    place = (x + END) * PER_SD
    k = int(place)
    t = place - k
    s = 1.0 - t
    from_one, from_two = s * s * (1.0 + 2.0 * t), t * t * (3.0 - 2.0 * t)
    up_one, up_two = t * s * s, -t * t * s
    integral = from_one * _TABLE[k, 0] + from_two * _TABLE[k + 1, 0]
    density = from_one * _TABLE[k, 2] + from_two * _TABLE[k + 1, 2]
    integral += up_one * _TABLE[k, 1] + up_two * _TABLE[k + 1, 1]
    density += up_one * _TABLE[k, 3] + up_two * _TABLE[k + 1, 3]
    return integral, density


@kernel
def edge(x: float, size: float, sd: float, out: Float64) -> None:
    """A blurred edge-to-edge profile and its derivatives by x, by size and by sd."""
    per_sd = 1.0 / sd
    a, b = (x + 0.5 * size) * per_sd, (x - 0.5 * size) * per_sd
    below_a, at_a = normal(a)
    below_b, at_b = normal(b)
    out[0] = below_a - below_b
    out[1] = (at_a - at_b) * per_sd
    out[2] = 0.5 * (at_a + at_b) * per_sd
    out[3] = (b * at_b - a * at_a) * per_sd
