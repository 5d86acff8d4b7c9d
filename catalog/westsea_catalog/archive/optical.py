"""Sentinel-2 as it images a sea with hulls: reflectance of water, haze, waves, hulls and clouds.

Hulls are drawn in 2 m cells, blurred and averaged into pixels of 10 and 20 m.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.fields import (
    exponential_spectrum,
    gaussian_field,
    ground_frequencies,
)
from westsea_catalog.archive.hulls import Part
from westsea_catalog.archive.layout import PlantedHull

Float = NDArray[np.float64]
Image = NDArray[np.uint16] | NDArray[np.uint8]
Band = Literal["B03", "B04", "B08", "B11", "SCL"]

REFLECTANCE_BANDS: tuple[Band, ...] = ("B03", "B04", "B08", "B11")
FACTOR: dict[Band, int] = {"B03": 1, "B04": 1, "B08": 1, "B11": 2, "SCL": 2}
"""10 m pixels per pixel of the band, along each axis."""
PSF_VARIANCE_M2 = 29.0
"""Of the 10 m bands along each axis, the pixel's own extent included: 24 % MTF at Nyquist.
Bands of 20 m have the same in units of their pixels."""
DN_PER_REFLECTANCE = 10000.0

# Reflectance of B03, B04, B08, B11.
_WATER = np.array([0.045, 0.026, 0.014, 0.007])
_HAZE = np.array([1.0, 0.8, 0.55, 0.25])
_GLINT = np.array([0.85, 0.95, 1.0, 0.9])
_NOISE = np.array([5e-4, 5e-4, 6e-4, 4e-4])
_CLOUD = np.array([0.52, 0.53, 0.56, 0.34])
_HOUSE = np.array([0.42, 0.42, 0.44, 0.30])
_DECKS = np.array(
    [
        [0.07, 0.13, 0.16, 0.20],  # red lead
        [0.14, 0.15, 0.16, 0.17],  # grey
        [0.13, 0.09, 0.15, 0.14],  # green
        [0.08, 0.08, 0.10, 0.11],  # dark
        [0.24, 0.23, 0.25, 0.24],  # light
    ]
)

_CELLS_PER_PIXEL = 5
_CHIP_MARGIN_M = 60.0
_WAVE_PEAK_M, _HAZE_M, _PUFF_M = 110.0, 1000.0, 250.0
_SCL_WATER, _SCL_CLOUD_MEDIUM, _SCL_CLOUD_HIGH = 6, 8, 9
# Ships have no class of their own: bare, unclassified, cloud medium, cloud high.
_SCL_SHIP, _SCL_SHIP_SHARES = (5, 7, 8, 9), (0.4, 0.15, 0.25, 0.2)
_SCL_SHIP_COVER = 0.35
"""Share of a 20 m pixel from which a hull changes its class."""


@dataclass(frozen=True)
class OpticalSea:
    """State of the water and the air."""

    wave_sigma: float
    """Spread of the reflectance that waves and glint make in B08."""
    wave_heading_deg: float
    """Where the waves run, clockwise from true north."""
    haze_sigma: float
    """Spread of the haze over some kilometres, in B03."""
    haze_slope: float
    """Difference of the haze between west and east, in B03."""
    clouds: int = 0
    """Small cumulus."""
    cloud_radius_m: tuple[float, float] = (150.0, 450.0)
    cloud_clearance_m: float = 500.0
    """Least distance between the middle of a hull and the rim of a cloud."""


@dataclass(frozen=True, eq=False)
class Chip:
    """A hull's effect on a piece of the grid: how much it covers, and what it adds."""

    row: int
    """Of the chip's first pixel, in pixels of the band."""
    col: int
    layers: Float
    """(1 + bands, rows, cols): the share of water that the hull hides from each pixel, then its
    reflectance times that share."""

    def add_to(self, layers: Float) -> None:
        """Add to a scene's layers in place; the chip must lie within the scene.

        Sums, because hulls do not overlap: painting one over another would darken the pixels
        that two hulls alongside share.
        """
        rows, cols = self.layers.shape[1:]
        layers[:, self.row : self.row + rows, self.col : self.col + cols] += self.layers


def render(
    rng: np.random.Generator,
    sea: OpticalSea,
    hulls: Sequence[PlantedHull],
    shape: tuple[int, int],
    jacobian: Float,
) -> dict[Band, Image]:
    """Image a sea with hulls.

    Parameters
    ----------
    rng
        Draws everything that is random.
    sea
        State of water and air.
    hulls
        What lies on it.
    shape
        (rows, cols) of the 10 m grid, even.
    jacobian
        Ground metres (east, north) per 10 m step (col, row).

    Returns
    -------
    Digital numbers by band: uint16, of SCL uint8.
    """
    fine = _water(rng, sea, shape, jacobian)
    coarse = _binned(fine[3:], 2)
    scl = np.full(coarse.shape[1:], _SCL_WATER, np.uint8)
    fine_layers, coarse_layers = np.zeros((4, *shape)), np.zeros((2, *scl.shape))
    for planted in hulls:
        parts = _part_reflectance(rng)
        hull_chip(planted, parts[:, :3], factor=1).add_to(fine_layers)
        coarse_chip = hull_chip(planted, parts[:, 3:], factor=2)
        coarse_chip.add_to(coarse_layers)
        _classify_ship(rng, scl, coarse_chip)
    fine = with_hulls(fine[:3], fine_layers)
    coarse = with_hulls(coarse, coarse_layers)
    if sea.clouds:
        opacity = _clouds(rng, sea, hulls, shape, jacobian)
        tops = 1 + 0.1 * gaussian_field(rng, _fractal(shape, jacobian, _PUFF_M))
        fine = _behind_clouds(fine, opacity, tops * _CLOUD[:3, None, None])
        opacity, tops = _binned(opacity, 2), _binned(tops, 2)
        coarse = _behind_clouds(coarse, opacity, tops * _CLOUD[3:, None, None])
        scl[opacity > 0.12] = _SCL_CLOUD_MEDIUM
        scl[opacity > 0.5] = _SCL_CLOUD_HIGH
    images: dict[Band, Image] = {"SCL": scl}
    for band, values, noise in zip(REFLECTANCE_BANDS, (*fine, *coarse), _NOISE, strict=True):
        images[band] = digital_numbers(values + noise * rng.standard_normal(values.shape))
    return images


def with_hulls(water: Float, layers: Float) -> Float:
    """Put hulls, as `Chip.layers` describes them, on (bands, rows, cols) of water."""
    return np.asarray(water * (1 - layers[0]) + layers[1:])


def digital_numbers(reflectance: Float) -> NDArray[np.uint16]:
    """Reflectance as stored; dark water stays above 0, which means no data."""
    return np.clip(np.rint(reflectance * DN_PER_REFLECTANCE), 1, 65535).astype(np.uint16)


def hull_chip(planted: PlantedHull, parts: Float, *, factor: int) -> Chip:
    """Draw one hull as the sensor blurs it.

    Parameters
    ----------
    planted
        The hull and its place on the 10 m grid.
    parts
        (len(Part), bands) reflectance of each `Part`; that of water is not used.
    factor
        10 m pixels per pixel of the chip: 1 or 2.
    """
    half = int(np.ceil((planted.hull.length_m / 2 + _CHIP_MARGIN_M) / 20))
    row, col = (2 * (round(place / 2) - half) for place in (planted.row, planted.col))
    n = 4 * half * _CELLS_PER_PIXEL
    cells = (np.arange(n) + 0.5) / _CELLS_PER_PIXEL - 0.5
    ground = planted.ground_offset(row + cells[:, None], col + cells[None, :])
    part = planted.hull.part_at(*planted.hull.from_ground(*ground))

    cell_m = float(np.sqrt(abs(np.linalg.det(planted.jacobian)))) / _CELLS_PER_PIXEL
    bins = factor * _CELLS_PER_PIXEL
    # Averaging into pixels blurs too: the optics get the rest of the variance.
    blur = _gaussian_response(n, factor**2 * PSF_VARIANCE_M2 / cell_m**2 - (bins**2 - 1) / 12)
    drawn = np.concatenate([(part != Part.WATER)[None], np.moveaxis(parts[part], -1, 0)])
    drawn[1:] *= drawn[0]
    seen = _binned(np.fft.ifft2(np.fft.fft2(drawn) * blur).real, bins)
    return Chip(row // factor, col // factor, seen)


def _water(
    rng: np.random.Generator, sea: OpticalSea, shape: tuple[int, int], jacobian: Float
) -> Float:
    """Reflectance (bands, rows, cols) of the sea without hulls, at 10 m, noise not added."""
    haze = sea.haze_sigma * gaussian_field(rng, _fractal(shape, jacobian, _HAZE_M))
    haze += sea.haze_slope * np.linspace(-0.5, 0.5, shape[1])
    waves = sea.wave_sigma * gaussian_field(rng, _wave_spectrum(sea, shape, jacobian))
    # Crests glint more than troughs darken: skew the waves a little.
    glint = waves + 0.15 * (waves**2 / sea.wave_sigma - sea.wave_sigma)
    bands = _WATER[:, None, None] + _HAZE[:, None, None] * haze + _GLINT[:, None, None] * glint
    return np.maximum(bands, 1e-3)


def _wave_spectrum(sea: OpticalSea, shape: tuple[int, int], jacobian: Float) -> Float:
    """Wind sea and swell about one direction, as the sensor's blur leaves them."""
    east, north = ground_frequencies(shape, jacobian)
    frequency = np.hypot(east, north)
    heading = np.deg2rad(sea.wave_heading_deg)
    along = (east * np.sin(heading) + north * np.cos(heading)) / np.maximum(frequency, 1e-9)
    relative = np.maximum(frequency * _WAVE_PEAK_M, 1e-3)
    growth = relative**-2.5 * np.exp(-1.25 * relative**-4.0)
    blur = np.exp(-4 * np.pi**2 * PSF_VARIANCE_M2 * frequency**2)
    return np.asarray(growth * (0.15 + along**2) * blur)


def _fractal(shape: tuple[int, int], jacobian: Float, length_m: float) -> Float:
    """Spectrum of haze and clouds: detail at every scale below a length."""
    return exponential_spectrum(np.hypot(*ground_frequencies(shape, jacobian)), length_m)


def _clouds(
    rng: np.random.Generator,
    sea: OpticalSea,
    hulls: Sequence[PlantedHull],
    shape: tuple[int, int],
    jacobian: Float,
) -> Float:
    """Opacity (rows, cols) of cumulus with ragged rims, clear of the hulls."""
    opacity = np.zeros(shape)
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    ragged = gaussian_field(rng, _fractal(shape, jacobian, _PUFF_M))
    pixel_m = float(np.sqrt(abs(np.linalg.det(jacobian))))
    hull_rows = np.array([planted.row for planted in hulls])
    hull_cols = np.array([planted.col for planted in hulls])
    drawn = 0
    while drawn < sea.clouds:
        radius = rng.uniform(*sea.cloud_radius_m) / pixel_m
        row, col = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        # The rim, ragged, lies within 1.7 radii.
        reach = 1.7 * radius + sea.cloud_clearance_m / pixel_m
        if np.any(np.hypot(hull_rows - row, hull_cols - col) < reach):
            continue
        drawn += 1
        distance = np.hypot(rows - row, cols - col) / radius
        body = 0.7 * (1 - distance**2 + ragged)
        opacity = np.maximum(opacity, np.where(distance < 1.7, np.clip(body, 0, 0.95), 0))
    return opacity


def _behind_clouds(below: Float, opacity: Float, cloud: Float) -> Float:
    return np.asarray(below + opacity * (cloud - below))


def _part_reflectance(rng: np.random.Generator) -> Float:
    """(len(Part), bands) of one hull: deck and cargo of drawn colours, a white house."""
    deck, cargo = _DECKS[rng.integers(len(_DECKS), size=2)]
    deck = deck * rng.uniform(0.8, 1.2)
    # Most cargo spaces have the deck's colour, a little lighter.
    cargo = np.where(rng.uniform() < 0.6, 1.2 * deck, cargo * rng.uniform(0.8, 1.2))
    return np.stack([np.zeros(4), deck, cargo, _HOUSE * rng.uniform(0.7, 1.2)])


def _classify_ship(rng: np.random.Generator, scl: NDArray[np.uint8], chip: Chip) -> None:
    """Give the pixels that a hull covers one of the classes that ships are taken for."""
    cover = chip.layers[0]
    rows, cols = cover.shape
    target = scl[chip.row : chip.row + rows, chip.col : chip.col + cols]
    target[cover > _SCL_SHIP_COVER] = rng.choice(_SCL_SHIP, p=_SCL_SHIP_SHARES)


def _gaussian_response(n: int, variance: float) -> Float:
    """Spectrum of a Gaussian blur of a variance in cells squared, on n x n cells."""
    frequency = np.fft.fftfreq(n)
    response = np.exp(-2 * np.pi**2 * variance * frequency**2)
    return np.asarray(response[:, None] * response[None, :])


def _binned(values: Float, factor: int) -> Float:
    """Means over factor x factor cells of the last two axes."""
    rows, cols = (size // factor for size in values.shape[-2:])
    cells = values.reshape(*values.shape[:-2], rows, factor, cols, factor)
    return np.asarray(cells.mean(axis=(-3, -1)))
