"""Make the table that `clutter` reads: ``python -m westsea_kernels.make_clutter_table``.

Sea clutter is a gamma texture of mean 1 and order nu, common to all polarisations, times speckle
of L looks each (the compound is the K distribution; Ward, Tough and Watts, Sea Clutter, 2013).
The mean over n polarisations of equal level is then gamma texture times speckle of n L looks.
The survival function is the average of the regularised incomplete gamma function over texture,
taken numerically in the logarithm of texture.

For each n the table follows one curve from smooth to rough: more looks than nominal without
texture, then the nominal looks with ever rougher texture. The ratio of the 90 % quantile to the
median grows along it, so the ratio picks the curve's point, and thereby every threshold.

The tails of the sea as it is, with noise and resampled looks, take three quantiles: `tails` holds
polynomials that were fitted to a family of distributions.
"""

from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from math import lgamma
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from westsea_kernels.arrays import Float64

NOMINAL_LOOKS = 4.4
"""Equivalent looks of a Sentinel-1 IW GRDH pixel (ESA, S1 product specification, table 5-1)."""
DECADES = np.arange(-9, -0.5, 0.5)
"""log10 of the false alarm rates in the table."""


RATIOS = (0.9, 0.5, 0.1, 0.01)
"""Exceeded shares of the quantiles that tell what sea it is; the last three pick the tail."""
OVERLAPPING = 1.0 + 0.58 * np.cos(np.arange(1, 6) * np.pi / 6.0)
"""Weights of the independent looks that five overlapping ones of a GRDH pixel amount to."""
TAIL_LOOKS: tuple[float | Float64, ...] = (3.0, 4.0, 4.7, 5.5, OVERLAPPING, np.ones(3), np.ones(5))
"""Gamma distributed speckle of so many looks, or exponential looks of such weights."""
TAIL_ORDERS = (3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 50.0, np.inf)
TAIL_NOISE = {
    1: ((0.0,), (0.5,)),
    2: ((0.0, 0.0), (0.0, 0.5), (0.0, 0.9), (0.5, 0.9), (0.2, 1.0)),
}
"""Shares of noise in the mean of each polarisation."""
TAIL_SLOPES_DB = (0.0, 0.8)
"""The mean changes by so much to either side of a cell's middle."""
SMOOTH_LOOKS = (8.0, 16.0, 40.0)
_GRID, _SPAN = 8192, 100.0
"""Points and end of the axis on which densities are transformed; means of the plane."""


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


def tail_density_grid() -> tuple[Float64, Float64]:
    """Bin edges of the intensity, and angular frequencies of its characteristic function."""
    step = _SPAN / _GRID
    frequency = np.asarray(2 * np.pi * np.fft.rfftfreq(_GRID, step), float)
    return np.asarray((np.arange(_GRID) - 0.5) * step, float), frequency


def sea_survival(
    looks: float | Float64, order: float, noise: tuple[float, ...], slope_db: float
) -> Float64:
    """Survival function, on the grid's edges, of a mean over polarisations with noise.

    The characteristic functions of the polarisations multiply for a given texture; their product
    is averaged over texture.
    """
    _, frequency = tail_density_grid()
    texture, weights = _texture(order)
    levels = 10 ** (np.linspace(-slope_db, slope_db, 5 if slope_db else 1) / 10)
    power = np.outer(levels, texture).ravel()
    weights = np.tile(weights / levels.size, levels.size)
    product_ = np.ones((power.size, frequency.size), complex)
    for share in noise:
        scale = ((1 - share) * power + share) / len(noise)
        product_ *= _speckle(looks, np.outer(scale, frequency))
    # A narrow bell against ringing: it widens the density by 0.03 means.
    step = _SPAN / _GRID
    transform = (weights @ product_) * np.exp(-((frequency * 2.2 * step) ** 2) / 2)
    density = np.fft.irfft(np.conj(transform), _GRID)
    density[-60:] = 0.0  # what the bell carries below zero comes round to the end
    return np.asarray(np.cumsum(density[::-1])[::-1])


def _speckle(looks: float | Float64, x: Float64) -> NDArray[np.complex128]:
    """Characteristic function of speckle of unit mean."""
    if isinstance(looks, float):
        return np.asarray(np.exp(-looks * np.log(1 - 1j * x / looks)))
    out = np.ones(x.shape, complex)
    for weight in looks / looks.sum():
        out /= 1 - 1j * x * weight
    return out


def _texture(order: float) -> tuple[Float64, Float64]:
    """Nodes and weights of a gamma distribution of unit mean."""
    if np.isinf(order):
        return np.ones(1), np.ones(1)
    span = np.linspace(-1.0, 1.0, 91)
    log_texture = 9.0 / np.sqrt(order) * np.where(span < 0, 3 * span, span)
    density = order * log_texture - order * np.exp(log_texture)
    weights = np.exp(density - density.max()) * np.gradient(log_texture)
    keep = weights > 1e-13 * weights.sum()
    return np.exp(log_texture[keep]), weights[keep] / weights[keep].sum()


def log_quantiles(survival_: Float64, rates: Float64) -> Float64:
    """Logarithms of what is exceeded at the rates."""
    edges, _ = tail_density_grid()
    end = int(np.argmax(survival_ < 1e-12)) or survival_.size
    at = np.interp(-np.log(rates), -np.log(survival_[1:end]), np.log(edges[1:end]))
    return np.asarray(at)


@dataclass(frozen=True, eq=False)
class Family:
    """Seas of many kinds, one row each."""

    quantiles: Float64
    """(n, rates) logarithms of what is exceeded at RATIOS and then at DECADES."""
    inverse_looks: Float64
    inverse_order: Float64
    """Of the plane's texture: noise, which has none, dilutes it."""
    is_flat: NDArray[np.bool_]
    """Of a constant mean."""
    is_grdh: NDArray[np.bool_]


def family(n_polarizations: int) -> Family:
    """The seas that `tails` is fitted to."""
    quiet = (0.0,) * n_polarizations
    members: list[tuple[float | Float64, float, tuple[float, ...], float]] = [
        (looks, order, noise, slope)
        for looks, order, noise, slope in product(
            TAIL_LOOKS, TAIL_ORDERS, TAIL_NOISE[n_polarizations], TAIL_SLOPES_DB
        )
        if np.isfinite(order) or not any(noise)
    ]
    members += [(looks, np.inf, quiet, 0.0) for looks in SMOOTH_LOOKS]
    rates = np.concatenate([RATIOS, 10.0**DECADES])
    return Family(
        np.array([log_quantiles(sea_survival(*member), rates) for member in members]),
        np.array([_inverse_looks(looks) for looks, *_ in members]),
        np.array([np.mean(1 - np.array(noise)) ** 2 / order for _, order, noise, _ in members]),
        np.array([slope == 0 for *_, slope in members]),
        np.array([looks is OVERLAPPING for looks, *_ in members]),
    )


def _inverse_looks(looks: float | Float64) -> float:
    return 1 / looks if isinstance(looks, float) else float((looks**2).sum() / looks.sum() ** 2)


def terms(upper_ratio: Float64, tail_ratio: Float64) -> Float64:
    """(..., 10) products of two logarithms up to the third degree."""
    return np.stack(
        [upper_ratio**i * tail_ratio**j for i in range(4) for j in range(4 - i)], axis=-1
    )


def shape_terms(lower_ratio: Float64, upper_ratio: Float64, tail_ratio: Float64) -> Float64:
    """(..., 20) `terms` of the last two, and these times the first."""
    plain = terms(upper_ratio, tail_ratio)
    return np.concatenate([plain, plain * lower_ratio[..., None]], axis=-1)


def tails(n_polarizations: int) -> Float64:
    """(3 + rates, 20) polynomials; zeros behind what is shorter.

    First row: least and largest x = log(q90/q50); the parabola in x that log(q99/q90) lies about,
    constant first; and how far it lies below and above. Then the polynomials (`shape_terms`) of
    1 / looks and 1 / order, and those (`terms`) of log(threshold / q99) for each rate.
    """
    out = np.zeros((3 + DECADES.size, 20))
    seas = family(n_polarizations)
    q10, q50, q90, q99 = seas.quantiles[:, : len(RATIOS)].T
    x, y = q90 - q50, q99 - q90
    parabola = np.polynomial.polynomial.polyfit(x, y, 2)
    off = y - np.polynomial.polynomial.polyval(x, parabola)
    out[0, :7] = x.min(), x.max(), *parabola, off.min(), off.max()
    design = shape_terms(q50 - q10, x, y)[seas.is_flat]
    for k, values in ((1, seas.inverse_looks), (2, seas.inverse_order)):
        out[k] = np.linalg.lstsq(design, values[seas.is_flat], rcond=None)[0]
    heights = seas.quantiles[:, len(RATIOS) :]
    # Errors count by the rate they make, and those of the product that is searched twice.
    weights = np.where(seas.is_grdh, 2.0, 1.0)[:, None] / np.gradient(-heights, axis=1)
    design = terms(x, y)
    for k, weight in enumerate(weights.T):
        above = weight * (heights[:, k] - q99)
        out[3 + k, :10] = np.linalg.lstsq(design * weight[:, None], above, rcond=None)[0]
    return out


if __name__ == "__main__":
    data = Path(str(files("westsea_kernels") / "data"))
    np.save(data / "clutter.npy", table())
    np.save(data / "tails.npy", np.array([tails(n) for n in (1, 2)]))
