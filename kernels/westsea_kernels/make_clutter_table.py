"""Make the table that `clutter` reads: ``python -m westsea_kernels.make_clutter_table``.

Sea clutter is a gamma texture of mean 1 and order nu, common to all polarisations, times speckle
of L looks each (the compound is the K distribution; Ward, Tough and Watts, Sea Clutter, 2013).
The mean over n polarisations of equal level is then gamma texture times speckle of n L looks.
The survival function is the average of the regularised incomplete gamma function over texture,
taken numerically in the logarithm of texture.

For each n the table follows one curve from smooth to rough: more looks than nominal without
texture, then the nominal looks with ever rougher texture. The ratio of the 90 % quantile to the
median grows along it, so the ratio picks the curve's point, and thereby every threshold.
"""

from importlib.resources import files
from math import lgamma
from pathlib import Path

import numpy as np

from westsea_kernels.arrays import Float64

NOMINAL_LOOKS = 4.4
"""Equivalent looks of a Sentinel-1 IW GRDH pixel (ESA, S1 product specification, table 5-1)."""
DECADES = np.arange(-9, -0.5, 0.5)
"""log10 of the false alarm rates in the table."""


def gamma_survival(shape: float, x: Float64) -> Float64:
    """Regularised upper incomplete gamma function Q(shape, x); series below, fraction above."""
    out = np.ones_like(x)
    with np.errstate(divide="ignore"):
        front = np.exp(shape * np.log(x) - x - lgamma(shape))
    low = (x < shape + 1) & (x > 0)
    if low.any():
        term = np.full(low.sum(), 1.0 / shape)
        total = term.copy()
        for n in range(1, 250):
            term *= x[low] / (shape + n)
            total += term
        out[low] = 1.0 - front[low] * total
    high = x >= shape + 1
    if high.any():
        b = x[high] + 1.0 - shape
        c = np.full(b.size, 1e300)
        d = 1.0 / b
        fraction = d.copy()
        for n in range(1, 250):
            step = -n * (n - shape)
            b += 2.0
            d = 1.0 / (step * d + b)
            c = b + step / c
            fraction *= c * d
        out[high] = front[high] * fraction
    return out


def survival(looks: float, order: float, x: Float64) -> Float64:
    """P(clutter > x) for clutter of mean 1; order may be infinite."""
    if np.isinf(order):
        return gamma_survival(looks, looks * x)
    span = np.linspace(-1.0, 1.0, 501)
    width = 9.0 / np.sqrt(order)
    log_texture = width * np.where(span < 0, 4 * span, span)  # the tail to zero is the longer one
    step = np.gradient(log_texture)
    density = order * log_texture - order * np.exp(log_texture)
    weights = np.exp(density - density.max()) * step
    weights /= weights.sum()
    keep = weights > 1e-14
    tail = gamma_survival(looks, (looks * x[:, None] / np.exp(log_texture[keep])).ravel())
    return np.asarray(tail.reshape(x.size, -1) @ weights[keep])


def curve(n_polarizations: int) -> list[tuple[float, float]]:
    """(looks, order) from smooth to rough."""
    nominal = NOMINAL_LOOKS * n_polarizations
    smooth = [(float(looks), np.inf) for looks in np.geomspace(40 * nominal, nominal, 40)[:-1]]
    rough = [(nominal, 1 / u if u else np.inf) for u in np.linspace(0, 1.5, 61)]
    return smooth + rough


def row(looks: float, order: float) -> Float64:
    """One row of the table: ratio q90/q50, looks, order, mean/q50, log(threshold/q50)..."""
    x = np.geomspace(0.02, 400.0, 700)
    tail = survival(looks, order, x)
    at = np.interp(
        -np.concatenate([[np.log(0.5), np.log(0.1)], DECADES * np.log(10)]),
        -np.log(np.clip(tail, 1e-300, 1.0)),
        np.log(x),
    )
    median = at[0]
    return np.concatenate(
        [[np.exp(at[1] - median), looks, order, np.exp(-median)], at[2:] - median]
    )


def table() -> Float64:
    """(2, rows, 4 + rates): for one and for two polarisations."""
    return np.array([[row(*point) for point in curve(n)] for n in (1, 2)])


if __name__ == "__main__":
    np.save(Path(str(files("westsea_kernels") / "data" / "clutter.npy")), table())
