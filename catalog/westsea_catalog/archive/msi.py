"""Sentinel-2's instrument: its bands, how it blurs, when each band looks, where it saturates.

Arrays of all bands are (bands, rows, cols), in the order of `REFLECTANCE_BANDS`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Pixels = NDArray[np.float32]
Image = NDArray[np.uint16] | NDArray[np.uint8]
Band = Literal["B02", "B03", "B04", "B08", "B11", "SCL"]

REFLECTANCE_BANDS: tuple[Band, ...] = ("B02", "B03", "B04", "B08", "B11")
FACTOR: dict[Band, int] = {"B02": 1, "B03": 1, "B04": 1, "B08": 1, "B11": 2, "SCL": 2}
"""10 m pixels per pixel of the band, along each axis."""
LAG_S: dict[Band, float] = {"B02": -0.264, "B03": 0.263, "B04": 0.741, "B08": 0.0, "B11": 1.204}
"""When each band looks at a place, after B08 does: ESA's handbook gives B08, B03, B04 and B11 as
0.264, 0.527, 1.005 and 1.468 s after B02; Binet et al. (2022) find these right to 2 %."""
PSF_VARIANCE_M2 = 29.0
"""Of the 10 m bands along each axis, the pixel's own extent included: 24 % MTF at Nyquist.
Bands of 20 m have the same in units of their pixels."""
DN_PER_REFLECTANCE = 10000.0

DIRECT = np.array([0.76, 0.81, 0.85, 0.90, 0.96])
"""Share of the light on the ground that comes straight from the sun, under a clear sky with the
sun some 40 degrees high: assumed; the sky's own light falls with the wavelength."""
NOISE = np.array([5e-4, 5e-4, 5e-4, 6e-4, 4e-4])
"""Reflectance, over dark water."""
_FULL_SCALE = 0.95
"""Reflectance that fills the 12 bits under an overhead sun: assumed, alike in all bands."""


@dataclass(frozen=True)
class Sun:
    """Where the sun stands."""

    elevation_deg: float
    azimuth_deg: float
    """Towards the sun, clockwise from true north."""

    @property
    def towards(self) -> tuple[float, float]:
        """Unit vector (east, north) on the ground towards the sun."""
        azimuth = np.deg2rad(self.azimuth_deg)
        return float(np.sin(azimuth)), float(np.cos(azimuth))

    @property
    def shadow_per_height(self) -> float:
        """Length of a shadow over the height that casts it."""
        return float(1 / np.tan(np.deg2rad(self.elevation_deg)))

    @property
    def saturation(self) -> float:
        """Greatest reflectance that is not cut: the lower the sun, the more fits."""
        return float(_FULL_SCALE / np.sin(np.deg2rad(self.elevation_deg)))


def digital_numbers(reflectance: Pixels) -> NDArray[np.uint16]:
    """Reflectance as stored; dark water stays above 0, which means no data."""
    numbers = np.clip(np.rint(reflectance * DN_PER_REFLECTANCE), 1, 65535)
    return np.asarray(numbers, np.uint16)


def binned(values: NDArray[np.floating], factor: int) -> NDArray[np.floating]:
    """Means over factor x factor cells of the last two axes."""
    rows, cols = (size // factor for size in values.shape[-2:])
    cells = values.reshape(*values.shape[:-2], rows, factor, cols, factor)
    return np.asarray(cells.mean(axis=(-3, -1)))


def seen(pixels: Pixels) -> Pixels:
    """10 m means (..., rows, cols) as the optics blur them."""
    # A pixel's own extent has a variance of 1/12.
    return _blurred(pixels, PSF_VARIANCE_M2 / 100 - 1 / 12)


def halved(pixels: Pixels) -> Pixels:
    """What a 20 m band sees, from what a 10 m band sees."""
    wanted = PSF_VARIANCE_M2 / 100
    # The average of two pixels adds the variance of two points 10 m apart.
    return _blurred(binned(pixels, 2).astype(np.float32), wanted - (wanted + 1 / 4) / 4)


def _blurred(pixels: Pixels, variance: float) -> Pixels:
    """Blur the last two axes by three taps of a variance in pixels squared."""
    side = np.float32(variance / 2)
    for axis in (-2, -1):
        turned = np.moveaxis(pixels, axis, -1)
        padded = np.concatenate([turned[..., :1], turned, turned[..., -1:]], axis=-1)
        turned = side * (padded[..., :-2] + padded[..., 2:]) + (1 - 2 * side) * turned
        pixels = np.moveaxis(turned, -1, axis)
    return np.ascontiguousarray(pixels, np.float32)
