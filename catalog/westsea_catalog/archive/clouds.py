"""Clouds over a scene, as Sentinel-2 sees them: small cumulus, their shadows, and thin cirrus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from westsea_catalog.archive.fields import exponential_spectrum, gaussian_field, ground_frequencies
from westsea_catalog.archive.layout import PlantedHull
from westsea_catalog.archive.msi import Float, Pixels, seen
from westsea_catalog.archive.water import OpticalSea, smooth_field

CLOUD = np.array([0.52, 0.52, 0.53, 0.56, 0.34])
CIRRUS = np.array([1.0, 0.98, 0.96, 0.92, 0.55])
"""Reflectance relative to that in B02."""
_PUFF_M, _CIRRUS_M = 250.0, 2500.0
_SOFT_M = 30.0
"""Spread of the blur that light scattered within a cloud makes: Marshak et al. (1995) see the
brightness of marine clouds smooth below some 200 m."""
_RAGGED = 1.7
"""Radii within which the ragged rim lies."""
_MAX_TRIES = 3000


@dataclass(frozen=True, eq=False)
class Clouds:
    """What hangs over a scene, at 10 m; each array is (rows, cols)."""

    opacity: Pixels
    """Of cumulus: the share of the ground that they hide."""
    tops: Pixels
    """Brightness of the cumulus, about 1."""
    shadow: Pixels
    """Share of the sun's light that they keep from the ground."""
    cirrus: Pixels
    """Reflectance that thin high cloud adds in B02."""


def draw_clouds(
    rng: np.random.Generator,
    sea: OpticalSea,
    hulls: Sequence[PlantedHull],
    shape: tuple[int, int],
    jacobian: Float,
) -> Clouds:
    """Draw the clouds of a scene, clear of the hulls as `OpticalSea.cloud_clearance_m` says."""
    opacity, shadow = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    tops = np.ones(shape, np.float32)
    cirrus = np.zeros(shape, np.float32)
    pixel_m = float(np.sqrt(abs(np.linalg.det(jacobian))))
    places = np.array([(planted.row, planted.col) for planted in hulls]).reshape(-1, 2)
    if sea.clouds:
        tops += np.float32(0.1) * smooth_field(rng, shape, jacobian, _PUFF_M)
    drawn = 0
    for _ in range(_MAX_TRIES):
        if drawn == sea.clouds:
            break
        radius = rng.uniform(*sea.cloud_radius_m) / pixel_m
        cloud = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        shade = _shadow_of(sea, cloud, rng.uniform(*sea.cloud_height_m), jacobian)
        reach = _RAGGED * radius + sea.cloud_clearance_m / pixel_m
        if any(np.any(np.hypot(*(places - place).T) < reach) for place in (cloud, shade)):
            continue
        drawn += 1
        puff = _puff(rng, radius, jacobian)
        _lay(opacity, puff, cloud)
        _lay(shadow, puff, shade)
    if sea.cirrus:
        veil = np.exp(0.8 * smooth_field(rng, shape, jacobian, _CIRRUS_M) - 0.32)
        cirrus = np.minimum(np.float32(sea.cirrus) * veil, np.float32(0.3))
    return Clouds(opacity, tops, shadow, cirrus)


def _shadow_of(
    sea: OpticalSea, place: tuple[float, float], height_m: float, jacobian: Float
) -> tuple[float, float]:
    """(row, col) of the shadow of a cloud."""
    length = height_m * sea.sun.shadow_per_height
    dcol, drow = np.linalg.inv(jacobian) @ (-length * np.array(sea.sun.towards))
    return place[0] + float(drow), place[1] + float(dcol)


def _puff(rng: np.random.Generator, radius: float, jacobian: Float) -> Pixels:
    """Opacity of one cumulus with a ragged rim, on a square about its middle."""
    half = int(np.ceil(_RAGGED * radius))
    shape = (2 * half + 1, 2 * half + 1)
    frequency = np.hypot(*ground_frequencies(shape, jacobian))
    soft = np.exp(-((2 * np.pi * _SOFT_M * frequency) ** 2))
    ragged = gaussian_field(rng, exponential_spectrum(frequency, _PUFF_M) * soft)
    steps = np.arange(-half, half + 1) / radius
    distance = np.hypot(steps[:, None], steps[None, :])
    body = 0.7 * (1 - distance**2 + ragged)
    return seen(np.where(distance < _RAGGED, np.clip(body, 0, 0.95), 0).astype(np.float32))


def _lay(image: Pixels, puff: Pixels, place: tuple[float, float]) -> None:
    """Put a cloud on an image in place, where it is denser than what is there."""
    half = puff.shape[0] // 2
    starts = [round(at) - half for at in place]
    inner = [
        slice(max(0, -start), max(0, min(len(puff), size - start)))
        for start, size in zip(starts, image.shape, strict=True)
    ]
    outer = [slice(s + i.start, s + i.stop) for s, i in zip(starts, inner, strict=True)]
    if all(i.start < i.stop for i in inner):
        target = image[outer[0], outer[1]]
        np.maximum(target, puff[inner[0], inner[1]], out=target)
