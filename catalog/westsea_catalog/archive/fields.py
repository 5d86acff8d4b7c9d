"""Random fields of a stated spectrum and distribution, on a scene's grid.

Frequencies are in cycles per ground metre along (east, north). Fields are periodic over the grid.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def ground_frequencies(shape: tuple[int, int], jacobian: Float) -> tuple[Float, Float]:
    """Frequencies along (east, north) of the discrete Fourier transform of a grid.

    Parameters
    ----------
    shape
        (rows, cols) of the grid.
    jacobian
        Ground metres (east, north) per step (col, row), as `Grid.jacobian` returns it.

    Returns
    -------
    Two (rows, cols) arrays in cycles per metre, in the order of `numpy.fft.fftfreq`.
    """
    per_row, per_col = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :]
    # f . (jacobian @ step) = (jacobian.T @ f) . step, so f is the inverse of the transpose.
    to_ground = np.linalg.inv(jacobian.T)
    east = to_ground[0, 0] * per_col + to_ground[0, 1] * per_row
    north = to_ground[1, 0] * per_col + to_ground[1, 1] * per_row
    return east, north


def exponential_spectrum(frequency: Float, length_m: float) -> Float:
    """Spectrum of a plane field with the correlation exp(-distance / length_m), to a factor."""
    return np.asarray((1 + (2 * np.pi * length_m * frequency) ** 2) ** -1.5)


def gaussian_field(rng: np.random.Generator, spectrum: Float) -> Float:
    """Real Gaussian field of mean 0 and variance 1, with the shape and power of `spectrum`.

    The spectrum must be even, as that of any real field is.
    """
    half = spectrum[:, : spectrum.shape[1] // 2 + 1]
    amplitude = np.sqrt(half / spectrum.mean()).astype(np.float32)
    white = np.fft.rfft2(rng.standard_normal(spectrum.shape, dtype=np.float32))
    white *= amplitude
    return np.asarray(np.fft.irfft2(white, s=spectrum.shape), float)


def gamma_texture(normal: Float, order: float) -> Float:
    """Map a standard normal field to a gamma field of mean 1 and variance 1 / order.

    The map is monotone (a copula), so the marginal distribution is exactly gamma, whatever the
    correlation: with unit-mean exponential speckle the product is K distributed of that order.
    """
    return np.asarray(np.interp(normal, *_normal_to_gamma(order)))


def _normal_to_gamma(order: float) -> tuple[Float, Float]:
    """Knots of the map: standard normal quantiles and the gamma quantiles they go to."""
    log_x = np.linspace(-2 - 40 / order, np.log(1 + 60 / order), 8001)
    log_density = order * (log_x - np.exp(log_x) + 1)
    density = np.exp(log_density)
    steps = np.diff(log_x) * (density[1:] + density[:-1]) / 2
    below = np.concatenate([[0.0], np.cumsum(steps)])
    above = np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])
    total = below[-1]
    # Beyond seven sigma a 10^12-pixel scene would hold one value.
    keep = (below > 1e-12 * total) & (above > 1e-12 * total)
    inverse = NormalDist().inv_cdf
    # Each tail is inverted from its own end, where the sum has lost no digits.
    normal = [
        inverse(low / total) if low < high else -inverse(high / total)
        for low, high in zip(below[keep], above[keep], strict=True)
    ]
    return np.array(normal), np.exp(log_x[keep])
