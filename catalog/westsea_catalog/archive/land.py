"""The land of a scene: where it is, how high, where it is built over, and its quays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.harbours import Quay, burnt, draw_harbours, draw_piers, draw_town
from westsea_catalog.archive.raster import (
    Float,
    Mask,
    coarsened,
    distance_cells,
    fractal,
    pixel_size,
    upsampled,
)
from westsea_catalog.coast import Coast
from westsea_catalog.grid import AffineGrid

SHORE_SPREAD_M = 40.0
"""Of the simulated shore about the mapped one, along each axis: the shipped coast is itself wrong
by 47 m in the median."""
_SHORE_LENGTH_M = 350.0
_HILL_LENGTH_M = 1500.0
_HILL_M = (100.0, 300.0)
_RISE_M = 600.0
"""Distance from the shore over which hills rise to 1 - 1/e of their height."""
_PIER_M = 4.0
_COARSE = 4
"""Pixels per cell where distances and hills are computed, along each axis."""
_PAD = 32
"""Pixels around the scene, from which a shore may be displaced into it."""


@dataclass(frozen=True, eq=False)
class Land:
    """Land on a scene's 10 m grid; each array is (rows, cols)."""

    cover: Mask
    """True on land, piers and breakwaters included."""
    height_m: NDArray[np.float32]
    """Above the sea; 0 on water."""
    built: Mask
    """Land that is town, quay or breakwater: bright to the radar."""
    quays: tuple[Quay, ...] = ()

    @classmethod
    def none(cls, shape: tuple[int, int]) -> "Land":
        """A scene without land."""
        return cls(np.zeros(shape, bool), np.zeros(shape, np.float32), np.zeros(shape, bool))


def draw_land(
    rng: np.random.Generator, grid: AffineGrid, coast: Coast, *, harbours: int = 0
) -> Land:
    """Draw the land of a scene about its mapped coast.

    The shore is the coast displaced by a fractal field of `SHORE_SPREAD_M`; hills rise behind it;
    harbours have piers, breakwaters and a town.

    Raises
    ------
    ValueError
        If the scene has no room for its harbours.
    """
    padded = _padded(grid)
    mapped = coast.land_mask(padded, padded.full)
    if not mapped.any() and not harbours:
        return Land.none(grid.shape)
    jacobian = grid.jacobian((grid.shape[0] - 1) / 2, (grid.shape[1] - 1) / 2)
    cover = _roughened(rng, mapped, jacobian)
    height = _hills(rng, cover, jacobian)
    inner = np.s_[_PAD:-_PAD, _PAD:-_PAD]
    cover, height = cover[inner].copy(), height[inner].copy()
    built = np.zeros(grid.shape, bool)
    quays: list[Quay] = []
    for harbour in draw_harbours(rng, cover, grid, harbours):
        town, slope = draw_town(rng, cover, harbour, jacobian)
        built |= town
        height *= slope
        piers, breakwaters = draw_piers(rng, cover, grid, harbour)
        quays += piers
        walls = burnt([*piers, *breakwaters], grid.shape)
        built |= walls
        height[walls] = _PIER_M
        cover |= walls
    return Land(cover, np.where(cover, height, 0).astype(np.float32), built, tuple(quays))


def _padded(grid: AffineGrid) -> AffineGrid:
    a, b, c, d, e, f = grid.transform
    corner = (a, b, c - _PAD * (a + b), d, e, f - _PAD * (d + e))
    return AffineGrid(grid.epsg, corner, (grid.shape[0] + 2 * _PAD, grid.shape[1] + 2 * _PAD))


def _roughened(rng: np.random.Generator, mapped: Mask, jacobian: Float) -> Mask:
    """Take each pixel from where a fractal displacement points."""
    spread = SHORE_SPREAD_M / pixel_size(jacobian)
    displaced: list[NDArray[np.intp]] = []
    place: NDArray[np.intp]
    for place, size in zip(np.indices(mapped.shape, sparse=True), mapped.shape, strict=True):
        step = fractal(rng, mapped.shape, jacobian, _SHORE_LENGTH_M, 2) * spread
        displaced.append(np.clip(np.rint(place + step), 0, size - 1).astype(np.intp))
    return np.asarray(mapped[displaced[0], displaced[1]])


def _hills(rng: np.random.Generator, cover: Mask, jacobian: Float) -> NDArray[np.float32]:
    """Heights (m) that rise from the shore; 0 on water."""
    inland = distance_cells(coarsened(~cover, _COARSE)) * _COARSE * pixel_size(jacobian)
    rise = 1 - np.exp(-upsampled(np.minimum(inland, 1e5), _COARSE, cover.shape) / _RISE_M)
    ridges = np.clip(
        0.45 + 0.3 * fractal(rng, cover.shape, jacobian, _HILL_LENGTH_M, _COARSE), 0.05, 1
    )
    return np.where(cover, 1 + rng.uniform(*_HILL_M) * rise * ridges, 0).astype(np.float32)
