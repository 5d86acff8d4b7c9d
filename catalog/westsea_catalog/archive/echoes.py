"""What the radar makes of points: complex looks through one point spread function.

The response has Hamming weights in both directions; range looks overlap.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.frame import SPACING_M

Float = NDArray[np.float64]
Complex = NDArray[np.complex64]

N_LOOKS = 5
RANGE_RESOLUTION_M, AZIMUTH_RESOLUTION_M = 20.4, 22.5
"""-3 dB widths of the IW GRDH point spread function."""
HAMMING = 0.75
_HAMMING_WIDTH = 1.0005
"""-3 dB width times bandwidth of a spectrum weighted with `HAMMING`."""
LOOK_CORRELATION = 0.29
"""Of neighbouring range looks, whose bands overlap; it makes ENL 4.4 of 5 looks."""


@dataclass(frozen=True, eq=False)
class Points:
    """Scatterers in a frame, as one polarisation sees them."""

    line: Float
    """(n,), frame coordinates."""
    sample: Float
    """(n,)."""
    rcs: Float
    """(n,), m2."""


@dataclass(frozen=True, eq=False)
class Echo:
    """The complex looks of one target, on its own piece of the frame."""

    line: int
    """Of the chip's first pixel in the frame."""
    sample: int
    looks: Complex
    """(looks, lines, samples); the squared modulus is gamma0."""

    def add_to(self, field: Complex, look: int) -> None:
        """Add one look to a frame's field, in place, where the chip lies within it."""
        n_lines, n_samples = self.looks.shape[1:]
        top, left = max(self.line, 0), max(self.sample, 0)
        target = field[top : max(self.line + n_lines, 0), left : max(self.sample + n_samples, 0)]
        lines, samples = target.shape
        line, sample = top - self.line, left - self.sample
        target += self.looks[look, line : line + lines, sample : sample + samples]


def look_weights() -> Float:
    """Weights of independent looks that add up like `N_LOOKS` overlapping ones; their mean is 1.

    They are the eigenvalues of the tridiagonal correlation matrix of the overlapping looks.
    """
    k = np.arange(1, N_LOOKS + 1)
    return np.asarray(1 + 2 * LOOK_CORRELATION * np.cos(k * np.pi / (N_LOOKS + 1)))


def response(shape: tuple[int, int], spacing_m: float = SPACING_M) -> tuple[Float, Float]:
    """Spectrum of the response, as its factors (lines, 1) and (1, samples)."""
    along, across = (np.asarray(np.fft.fftfreq(n, spacing_m), float) for n in shape)
    return (
        _hamming(along * AZIMUTH_RESOLUTION_M)[:, None],
        _hamming(across * RANGE_RESOLUTION_M)[None, :],
    )


def speckle(rng: np.random.Generator, shape: tuple[int, int]) -> Complex:
    """One look at a homogeneous surface: circular Gaussian of unit mean intensity."""
    along, across = (factor.ravel() for factor in response(shape))
    lines, samples = np.flatnonzero(along), np.flatnonzero(across)
    scale = along.size * across.size / np.sqrt(2 * np.sum(along**2) * np.sum(across**2))
    weights = (scale * along[lines, None] * across[samples]).astype(np.float32)
    noise = rng.standard_normal((2, *weights.shape), dtype=np.float32)
    # Only a fifth of the spectrum is not zero: the first transform skips the empty columns.
    spectrum = np.zeros((along.size, samples.size), np.complex64)
    spectrum[lines] = weights * (noise[0] + 1j * noise[1])
    half = np.zeros(shape, np.complex64)
    half[:, samples] = np.fft.ifft(spectrum, axis=0)
    return np.asarray(np.fft.ifft(half, axis=1), np.complex64)


def echo(
    rng: np.random.Generator,
    points: Points,
    middle: tuple[float, float],
    reach_m: float,
    *,
    defocus_m: float = 0.0,
    spacing_m: float = SPACING_M,
    is_exact: bool = True,
) -> Echo:
    """Image points, with independent random phases in each look.

    Parameters
    ----------
    rng
        Draws the phases.
    points
        What returns the signal.
    middle
        (line, sample) that the chip is laid about.
    reach_m
        How far the chip goes from there.
    defocus_m
        Standard deviation of the azimuth smear; it adds in quadrature to the response's own.
    spacing_m
        Of the pixels, both ways.
    is_exact
        Whether the last digits must not depend on the machine, which takes far longer.
    """
    n = 2 * int(np.ceil(reach_m / spacing_m))
    line, sample = (round(at) - n // 2 for at in middle)
    sharp, across = (factor.ravel() for factor in response((n, n), spacing_m))
    along = _defocused(sharp, defocus_m, spacing_m)
    # A scatterer of cross section s returns, summed over its pixels' area, s.
    gain = n / (spacing_m * np.sqrt(np.sum(np.abs(along) ** 2) * np.sum(across**2)))
    steps = -2j * np.pi * np.fft.fftfreq(n)
    to_lines = gain * along * np.exp(np.outer(points.line - line, steps))
    to_samples = across * np.exp(np.outer(points.sample - sample, steps))
    lines = np.fft.ifft(to_lines, axis=1)
    samples = np.fft.ifft(to_samples, axis=1)
    phases = rng.uniform(0.0, 2 * np.pi, (N_LOOKS, points.rcs.size))
    amplitude = np.sqrt(points.rcs) * np.exp(1j * phases)
    if is_exact:
        # einsum, not BLAS, whose sums depend on the number of threads.
        looks = np.einsum("lk,kr,kc->lrc", amplitude, lines, samples, optimize=False)
    else:
        looks = (amplitude[:, None, :] * lines.T) @ samples
    return Echo(line, sample, looks.astype(np.complex64))


def _defocused(along: Float, defocus_m: float, spacing_m: float) -> NDArray[np.complex128]:
    """The azimuth response with a quadratic phase.

    A phase pi k f^2 delays the frequency f by k f metres; over the weighted band the delays'
    standard deviation, which is the smear's, is k times that of f.
    """
    frequency = np.fft.fftfreq(along.size, spacing_m)
    spread = np.sqrt(np.sum((along * frequency) ** 2) / np.sum(along**2))
    return np.asarray(along * np.exp(1j * np.pi * (defocus_m / spread) * frequency**2))


def _hamming(frequency_times_resolution: Float) -> Float:
    """Hamming weight of a frequency within the band of a resolution; 0 outside it."""
    in_band = frequency_times_resolution / _HAMMING_WIDTH
    weight = HAMMING + (1 - HAMMING) * np.cos(2 * np.pi * in_band)
    return np.where(np.abs(in_band) <= 0.5, weight, 0.0)
