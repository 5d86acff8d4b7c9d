"""False alarms per pixel of sea over the rate asked for, beside classic recipes.

    make bench

Each sea has 2e8 pixels, some with 2 % of ship pixels, which do not count. Blobs are connected
exceedances per 1000 km2 of 10 m pixels. The recipes, whose rates are far off, get fewer pixels.
"""

import numpy as np
import pytest

from westsea.bench.baselines import blobs_of
from westsea.bench.clutter import SEAS, Draws, above
from westsea.bench.recipes import RECIPES, Rings

pytestmark = pytest.mark.bench

SIDE = 2048
TILES, TILES_OF_RECIPES = 48, 2
FIRST_SEED = 90_000
RATES = (1e-5, 1e-6, 1e-7)
PIXELS_OF_1000_KM2 = 1e7


def recipe_above(recipe, tile):
    planes = Rings([band.astype(float) for band in tile.bands], np.ones(tile.is_ship.shape, bool))
    planes = planes.logarithms if recipe.on_logarithm else planes.intensities
    for rate in RATES:
        found = [plane > recipe.threshold(around, rate) for plane, around in planes]
        yield np.any(found, axis=0) & ~tile.is_ship


def counted(found):
    return np.array([(image.sum(), blobs_of(image)[2].size) for image in found]).T


def test_false_alarms_per_pixel():
    ours = np.zeros((len(SEAS), 2, len(RATES)))
    theirs = np.zeros((len(SEAS), len(RECIPES), 2, len(RATES)))
    pixels, few_pixels = np.zeros(len(SEAS)), np.zeros(len(SEAS))
    fits = np.zeros((len(SEAS), 2))
    for k in range(TILES):
        draws = Draws(FIRST_SEED + k, SIDE)
        for i, kind in enumerate(SEAS):
            tile = draws.tile(kind)
            water, found = above(tile, RATES)
            ours[i] += counted(found)
            pixels[i] += (~tile.is_ship).sum()
            fits[i] += water.enl / TILES, 1 / water.k_order / TILES
            if k < TILES_OF_RECIPES:
                few_pixels[i] += (~tile.is_ship).sum()
                for j, recipe in enumerate(RECIPES):
                    theirs[i, j] += counted(recipe_above(recipe, tile))
    print("\nrate over nominal (blobs per 1000 km2) at", *(f"{rate:.0e}" for rate in RATES))
    for i, kind in enumerate(SEAS):
        looks = sum(kind.looks) ** 2 / sum(weight**2 for weight in kind.looks)
        print(
            f"order {kind.order:g}, {looks:.1f} looks, noise {kind.noise}, "
            f"{kind.gradient_db_km} dB/km, ships {kind.ship_share:.0%}: "
            f"enl {fits[i, 0]:.1f}, 1/order {fits[i, 1]:.3f}, {pixels[i]:.1e} px"
        )
        show("westsea", ours[i], pixels[i])
        for j, recipe in enumerate(RECIPES):
            show(recipe.name, theirs[i, j], few_pixels[i])
    pooled = ours[:, 0].sum(axis=0) / pixels.sum() / RATES
    print("pooled over all seas:", *(f"{rate:.2f}" for rate in pooled))
    each = ours[:, 0] / pixels[:, None] / RATES
    assert ((each[:, :2] > 0.5) & (each[:, :2] < 2)).all()
    assert 0.5 < pooled[2] < 2


def show(name, counts, pixels):
    rates = counts[0] / pixels / RATES
    blobs = counts[1] / pixels * PIXELS_OF_1000_KM2
    cells = (f"{rate:10.3g} ({n:7.3g})" for rate, n in zip(rates, blobs, strict=True))
    print(f"    {name:20s}", *cells)
