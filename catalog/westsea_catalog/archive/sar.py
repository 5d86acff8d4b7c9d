"""Sentinel-1 as it images a sea with hulls: complex looks through one point spread function.

Each look is a complex field: the sea's and the noise's circular Gaussian speckle plus the hulls'
scatterers, all seen through the same response; the image is the mean intensity of the looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.fields import (
    exponential_spectrum,
    gamma_texture,
    gaussian_field,
    ground_frequencies,
)
from westsea_catalog.archive.hulls import Polarization, Scatterers, draw_scatterers
from westsea_catalog.archive.layout import PlantedHull

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
NESZ_DB = -24.0
"""Noise equivalent of the swath, the same in both channels."""
TREND_LENGTH_M = 3000.0
"""Correlation length of the slow changes of the wind."""
DEFOCUS_SIGMA_M = 4.0
"""Spread of the azimuth smear that a rolling hull's quadratic phase error makes."""
SHIFT_SIGMA_M = 3.0
"""Spread of the azimuth displacement by a drifting hull's radial velocity (0.03 m/s)."""
_CHIP_MARGIN_M = 320.0
"""How far the sidelobes of a hull are drawn: there they are 37 dB below its peak."""


@dataclass(frozen=True)
class RadarSea:
    """Statistics of the sea's backscatter, gamma0."""

    vv_db: float
    """Mean of VV, noise not counted."""
    vh_db: float
    order: float
    """Of the gamma texture, hence of the K distribution."""
    correlation_m: float
    """Length over which the texture's correlation falls to 1/e."""
    trend_db: float = 0.4
    """Spread of the slow changes of the mean."""

    def mean(self, polarization: Polarization) -> float:
        """Mean backscatter, linear."""
        return float(10 ** ((self.vv_db if polarization == "VV" else self.vh_db) / 10))


@dataclass(frozen=True, eq=False)
class View:
    """How one pass looks at one piece of sea."""

    heading_deg: float
    """Of the ground track, clockwise from true north; the radar looks to the right of it."""
    jacobian: Float
    """Ground metres (east, north) per step (col, row)."""

    @property
    def azimuth(self) -> tuple[float, float]:
        """Unit vector (east, north) along the ground track."""
        heading = np.deg2rad(self.heading_deg)
        return float(np.sin(heading)), float(np.cos(heading))

    @property
    def pixel_area_m2(self) -> float:
        """Ground area of one pixel."""
        return float(abs(np.linalg.det(self.jacobian)))

    def frequencies(self, shape: tuple[int, int]) -> tuple[Float, Float]:
        """Frequencies along (range, azimuth) of a grid's transform, in cycles per metre."""
        east, north = ground_frequencies(shape, self.jacobian)
        sin, cos = self.azimuth
        return cos * east - sin * north, sin * east + cos * north

    def response(self, shape: tuple[int, int]) -> Float:
        """Spectrum of the point spread function: Hamming weights within each band."""
        in_range, in_azimuth = self.frequencies(shape)
        return _hamming(in_range * RANGE_RESOLUTION_M) * _hamming(in_azimuth * AZIMUTH_RESOLUTION_M)


@dataclass(frozen=True, eq=False)
class Echo:
    """The complex looks of one hull, on its own piece of the grid."""

    row: int
    """Of the chip's first pixel in the scene."""
    col: int
    looks: Complex
    """(looks, rows, cols); the squared modulus is gamma0."""

    def add_to(self, field: Complex, look: int) -> None:
        """Add one look to a scene's field, in place, where the chip lies within it."""
        n_rows, n_cols = self.looks.shape[1:]
        top, left = max(self.row, 0), max(self.col, 0)
        target = field[top : max(self.row + n_rows, 0), left : max(self.col + n_cols, 0)]
        rows, cols = target.shape
        row, col = top - self.row, left - self.col
        target += self.looks[look, row : row + rows, col : col + cols]


def look_weights() -> Float:
    """Weights of independent looks that add up like `N_LOOKS` overlapping ones; their mean is 1.

    They are the eigenvalues of the tridiagonal correlation matrix of the overlapping looks.
    """
    k = np.arange(1, N_LOOKS + 1)
    return np.asarray(1 + 2 * LOOK_CORRELATION * np.cos(k * np.pi / (N_LOOKS + 1)))


def speckle(rng: np.random.Generator, response: Float) -> Complex:
    """One look at a homogeneous surface: circular Gaussian of unit mean intensity."""
    spectrum = np.zeros(response.shape, np.complex64)
    inside = response > 0
    weights = response[inside] / np.sqrt(2 * np.sum(response**2)) * response.size
    noise = rng.standard_normal((2, weights.size), dtype=np.float32)
    spectrum[inside] = weights.astype(np.float32) * (noise[0] + 1j * noise[1])
    return np.asarray(np.fft.ifft2(spectrum), np.complex64)


def hull_echo(
    rng: np.random.Generator,
    view: View,
    planted: PlantedHull,
    scatterers: Scatterers,
    polarization: Polarization,
    *,
    defocus_m: float = 0.0,
    shift_m: float = 0.0,
) -> Echo:
    """Image a hull's scatterers, with independent random phases in each look.

    Parameters
    ----------
    rng
        Draws the phases.
    view
        The pass, valid for the scene.
    planted
        The hull and its place.
    scatterers
        Its scatterers, in hull coordinates.
    polarization
        Which of their cross sections to use.
    defocus_m
        Standard deviation of the azimuth smear; it adds in quadrature to the response's own.
    shift_m
        Displacement along the track.
    """
    n = 2 * int(np.ceil((planted.hull.length_m / 2 + _CHIP_MARGIN_M) / view.pixel_area_m2**0.5))
    row, col = round(planted.row) - n // 2, round(planted.col) - n // 2
    sin, cos = view.azimuth
    east, north = planted.hull.to_ground(scatterers.forward, scatterers.starboard)
    drow, dcol = planted.pixel_offset(east + shift_m * sin, north + shift_m * cos)

    steps = -2j * np.pi * np.fft.fftfreq(n)
    to_rows = np.exp(np.outer(steps, planted.row - row + drow))
    to_cols = np.exp(np.outer(steps, planted.col - col + dcol))
    response = _defocused(view, (n, n), defocus_m)
    # A scatterer of cross section s returns, summed over its pixels' area, s.
    response *= n / np.sqrt(view.pixel_area_m2 * np.sum(np.abs(response) ** 2))

    amplitude = np.sqrt(scatterers.rcs[polarization])
    phases = rng.uniform(0.0, 2 * np.pi, (N_LOOKS, amplitude.size))
    looks = np.empty((N_LOOKS, n, n), np.complex64)
    for look, returned in zip(looks, amplitude * np.exp(1j * phases), strict=True):
        # einsum, not BLAS, whose sums depend on the number of threads.
        spectrum = np.einsum("rk,ck->rc", returned * to_rows, to_cols)
        look[:] = np.fft.ifft2(response * spectrum)
    return Echo(row, col, looks)


def mean_backscatter(
    rng: np.random.Generator, view: View, sea: RadarSea, shape: tuple[int, int]
) -> Float:
    """Texture and slow trend of the sea, as a factor on the mean backscatter; mean about 1."""
    frequency = np.hypot(*ground_frequencies(shape, view.jacobian))
    texture = gamma_texture(
        gaussian_field(rng, exponential_spectrum(frequency, sea.correlation_m)), sea.order
    )
    trend_db = sea.trend_db * gaussian_field(rng, np.exp(-((frequency * TREND_LENGTH_M) ** 2)))
    return np.asarray(texture * 10 ** (trend_db / 10))


def render(
    rng: np.random.Generator,
    view: View,
    sea: RadarSea,
    hulls: Sequence[PlantedHull],
    shape: tuple[int, int],
    polarizations: Sequence[Polarization] = ("VV", "VH"),
) -> dict[Polarization, NDArray[np.float32]]:
    """Image a sea with hulls.

    The texture is common to the polarisations, speckle and phases are not.

    Returns
    -------
    gamma0, linear, of shape (rows, cols), by polarisation.
    """
    surface = mean_backscatter(rng, view, sea, shape)
    targets = [
        (
            planted,
            draw_scatterers(rng, planted.hull),
            abs(rng.normal(0.0, DEFOCUS_SIGMA_M)),
            rng.normal(0.0, SHIFT_SIGMA_M),
        )
        for planted in hulls
    ]
    images: dict[Polarization, NDArray[np.float32]] = {}
    for polarization in polarizations:
        echoes = [
            hull_echo(
                rng, view, planted, scatterers, polarization, defocus_m=defocus, shift_m=shift
            )
            for planted, scatterers, defocus, shift in targets
        ]
        # Sea and noise are both Gaussian: their sum is one field of the summed power.
        power = sea.mean(polarization) * surface + 10 ** (NESZ_DB / 10)
        images[polarization] = _detected(rng, view, power, echoes)
    return images


def _detected(
    rng: np.random.Generator, view: View, power: Float, echoes: Sequence[Echo]
) -> NDArray[np.float32]:
    """Mean intensity over the looks of a Gaussian surface of a power, with echoes on it."""
    amplitude = np.sqrt(power).astype(np.float32)
    response = view.response(power.shape)
    image = np.zeros(power.shape, np.float32)
    for look, weight in enumerate(look_weights()):
        field = amplitude * speckle(rng, response)
        for echo in echoes:
            echo.add_to(field, look)
        image += np.float32(weight / N_LOOKS) * (field.real**2 + field.imag**2)
    return image


def _defocused(view: View, shape: tuple[int, int], defocus_m: float) -> NDArray[np.complex128]:
    """Response with a quadratic phase along azimuth.

    A phase pi k f^2 delays the frequency f by k f metres; over the weighted band the delays'
    standard deviation, which is the smear's, is k times that of f.
    """
    response = view.response(shape)
    _, in_azimuth = view.frequencies(shape)
    spread = np.sqrt(np.sum((response * in_azimuth) ** 2) / np.sum(response**2))
    return np.asarray(response * np.exp(1j * np.pi * (defocus_m / spread) * in_azimuth**2))


def _hamming(frequency_times_resolution: Float) -> Float:
    """Hamming weight of a frequency within the band of a resolution; 0 outside it."""
    in_band = frequency_times_resolution / _HAMMING_WIDTH
    weight = HAMMING + (1 - HAMMING) * np.cos(2 * np.pi * in_band)
    return np.where(np.abs(in_band) <= 0.5, weight, 0.0)
