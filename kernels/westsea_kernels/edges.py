"""The profile across a uniform strip seen through a Gaussian blur.

The normal distribution is read off a table, by Taylor's series from the nearest of its nodes: it is
right to 1e-10, and without calls the compiler takes eight pixels at a time. Profiles take 6 ns a
pixel; with erf and exp they took 35.
"""

from math import erfc, exp, pi, sqrt

import numpy as np

from westsea_kernels.arrays import Float64
from westsea_kernels.jit import kernel

PER_SD = 32
"""Nodes a standard deviation."""
END = 30.0
"""Standard deviations beyond which all counts as there. Tails as thin as 1e-190 still tell a fit of
a hull that ends outside the pixels its way back: with 8, one of the archive's 420 blobs lost it."""

_NODES = np.arange(-END * PER_SD, END * PER_SD + 1) / PER_SD
_BELOW = np.array([0.5 * erfc(-x / sqrt(2.0)) for x in _NODES])
_DENSITY = np.array([exp(-0.5 * x * x) / sqrt(2.0 * pi) for x in _NODES])


@kernel
def normal(x: float) -> tuple[float, float]:
    """Share of the normal distribution below x, and its density there."""
    # In this order NaN becomes -END, and the index stays inside.
    x = x if x > -END else -END
    x = x if x < END else END
    i = np.uint32(x * PER_SD + (END * PER_SD + 0.5))
    x0 = np.float64(i) * (1.0 / PER_SD) - END
    d, density = x - x0, _DENSITY[i]
    # Hermite's polynomials: the density's derivatives over the density.
    h2, h3 = x0 * x0 - 1.0, x0 * (x0 * x0 - 3.0)
    h4 = x0 * x0 * (x0 * x0 - 6.0) + 3.0
    area = d * (1.0 - d * (x0 / 2.0 - d * (h2 / 6.0 - d * h3 / 24.0)))
    slope = 1.0 - d * (x0 - d * (h2 / 2.0 - d * (h3 / 6.0 - d * h4 / 24.0)))
    return _BELOW[i] + density * area, density * slope


@kernel
def edge(x: float, size: float, sd: float, out: Float64) -> None:
    """A blurred edge-to-edge profile and its derivatives by x, by size and by sd."""
    per_sd = 1.0 / sd
    a, b = (x + 0.5 * size) * per_sd, (x - 0.5 * size) * per_sd
    (below_a, at_a), (below_b, at_b) = normal(a), normal(b)
    out[0] = below_a - below_b
    out[1] = (at_a - at_b) * per_sd
    out[2] = 0.5 * (at_a + at_b) * per_sd
    out[3] = (b * at_b - a * at_a) * per_sd


@kernel
def edges(x: Float64, size: float, sd: float, out: Float64) -> None:
    """`edge` of n places; x: (n,), out: (4, n), out."""
    per_sd = 1.0 / sd
    profile, by_x, by_size, by_sd = out[0], out[1], out[2], out[3]
    for k in range(x.size):
        a, b = (x[k] + 0.5 * size) * per_sd, (x[k] - 0.5 * size) * per_sd
        (below_a, at_a), (below_b, at_b) = normal(a), normal(b)
        profile[k] = below_a - below_b
        by_x[k] = (at_a - at_b) * per_sd
        by_size[k] = 0.5 * (at_a + at_b) * per_sd
        by_sd[k] = (b * at_b - a * at_a) * per_sd
