"""Land as Sentinel-2 sees it: vegetation, soil and what is built over."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.land import Land
from westsea_catalog.archive.msi import Float, Pixels, Sun
from westsea_catalog.archive.water import smooth_field

# Reflectance of B02, B03, B04, B08, B11.
_VEGETATION = np.array([0.030, 0.055, 0.038, 0.32, 0.17])
_SOIL = np.array([0.090, 0.120, 0.155, 0.22, 0.29])
_BUILT = np.array([0.140, 0.150, 0.160, 0.20, 0.21])
ROCK = np.array([0.100, 0.120, 0.140, 0.18, 0.22])
_VEGETATION_CODE, _SOIL_CODE = 4, 5
_FIELD_M = 400.0
_SOIL_ABOVE = 0.6
"""Standard deviations of the field of land cover from which soil begins: a quarter of the land."""


@dataclass(frozen=True, eq=False)
class Ground:
    """Land at 10 m, before the optics blur it."""

    reflectance: Pixels
    """(bands, rows, cols); 0 on water."""
    scl: NDArray[np.uint8]
    """(rows, cols) class of the land: vegetation or bare."""


def draw_ground(rng: np.random.Generator, land: Land, sun: Sun, jacobian: Float) -> Ground:
    """Draw the land of a scene, lit from where the sun stands."""
    shape = land.cover.shape
    field = smooth_field(rng, shape, jacobian, _FIELD_M)
    # From leaf to soil over a tenth of a standard deviation: fields have edges.
    bare = np.clip((field - np.float32(_SOIL_ABOVE)) * 10, 0, 1)[None]
    texture = rng.standard_normal(shape, dtype=np.float32)
    reflectance = _bands(_VEGETATION) + bare * _bands(_SOIL - _VEGETATION)
    reflectance *= np.exp(np.float32(0.15) * texture)
    reflectance *= hill_shade(land.height_m, sun, jacobian)
    # Roofs, streets and yards differ from block to block, and from pixel to pixel.
    town = _bands(_BUILT) * np.exp(0.3 * (_blocks(rng, shape) + texture) - 0.09)
    reflectance = np.where(land.built, town, reflectance)
    reflectance *= land.cover
    scl = np.where(land.built | (bare[0] > 0.5), _SOIL_CODE, _VEGETATION_CODE).astype(np.uint8)
    return Ground(np.minimum(reflectance, np.float32(0.9)), scl)


def _blocks(rng: np.random.Generator, shape: tuple[int, int]) -> Pixels:
    """Normal values (rows, cols), alike within blocks of 30 m."""
    rows, cols = (size // 3 + 1 for size in shape)
    values = rng.standard_normal((rows, cols), dtype=np.float32)
    return values.repeat(3, axis=0).repeat(3, axis=1)[: shape[0], : shape[1]]


def hill_shade(height_m: Pixels, sun: Sun, jacobian: Float) -> Pixels:
    """Light on slopes (rows, cols), relative to that on level ground."""
    per_row, per_col = np.gradient(height_m)
    to_sun = np.linalg.inv(jacobian) @ sun.towards
    rise = per_col * np.float32(to_sun[0]) + per_row * np.float32(to_sun[1])
    shade = np.clip(1 - rise * np.float32(sun.shadow_per_height), 0.25, 1.9)
    return np.asarray(shade, np.float32)


def _bands(values: Float) -> Pixels:
    return values.astype(np.float32)[:, None, None]
