"""Pixels as pictures to look at: levels in dB, reflectance by its square root, and image files."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

Float = NDArray[np.float64]
Image = NDArray[np.uint8]

QUALITY = 80
"""Of WebP: a quarter of the bytes of PNG, and speckle looks the same."""
MARGIN_DB = 4.0
NO_DATA = (16, 32, 64)
"""A dark blue that no level has."""


@dataclass(frozen=True)
class Picture:
    """A chip to look at."""

    name: str
    """Band or bands."""
    pixels: Image
    """(rows, cols, 3), 0-255."""
    scale: str
    """What black and white mean, in words."""


def radar(name: str, power: Float) -> Picture:
    """(rows, cols) power, NaN where there is none, as levels in dB."""
    with np.errstate(invalid="ignore", divide="ignore"):
        level = 10.0 * np.log10(np.where(power > 0, power, np.nan))
    low, high = _limits(level, 5.0, 99.9)
    low, high = low - MARGIN_DB, max(high, low + 4 * MARGIN_DB)
    return Picture(name, _grey(level, low, high), f"black {low:.0f} dB, white {high:.0f} dB")


def optical(name: str, numbers: Float) -> Picture:
    """(rows, cols) or (rows, cols, 3) digital numbers, NaN where there are none."""
    low, high = _limits(numbers, 1.0, 99.7)
    high = max(high, low + 1.0)
    words = f"black {low:.0f}, white {high:.0f} (digital numbers, square root)"
    share = np.sqrt(np.clip((numbers - low) / (high - low), 0, None))
    return Picture(name, _grey(share, 0.0, 1.0), words)


def encode(image: Image, driver: str) -> bytes:
    """(rows, cols, 3 or 4) pixels as a PNG or WEBP file."""
    rows, cols, count = image.shape
    options: dict[str, Any] = {"QUALITY": QUALITY} if driver == "WEBP" else {"ZLEVEL": 9}
    profile = {"driver": driver, "width": cols, "height": rows, "count": count, "dtype": "uint8"}
    # A transform, or rasterio warns that there is none; no file beside it may hold that.
    with (
        rasterio.Env(GDAL_PAM_ENABLED="NO"),
        rasterio.MemoryFile() as memory,
    ):
        with memory.open(**profile, transform=Affine.scale(2.0), **options) as file:
            file.write(np.moveaxis(image, -1, 0))
        return bytes(memory.read())


def _limits(values: Float, low: float, high: float) -> tuple[float, float]:
    seen = values[np.isfinite(values)]
    if not seen.size:
        return 0.0, 1.0
    found = np.percentile(seen, [low, high])
    return float(found[0]), float(found[1])


def _grey(values: Float, low: float, high: float) -> Image:
    """(rows, cols, 3)."""
    share = np.clip((values - low) / (high - low), 0, 1)
    colours = share if share.ndim == 3 else np.repeat(share[..., None], 3, axis=-1)
    absent = ~np.isfinite(colours).all(axis=-1)
    image = np.rint(255 * np.nan_to_num(colours)).astype(np.uint8)
    image[absent] = NO_DATA
    return image
