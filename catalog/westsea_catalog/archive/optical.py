"""Sentinel-2 as it images a sea with hulls: water, land, structures, hulls, foam and clouds."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.chips import (
    Chip,
    Paint,
    hull_chips,
    structure_chips,
    velocity,
)
from westsea_catalog.archive.clouds import CIRRUS, CLOUD, Clouds, draw_clouds
from westsea_catalog.archive.foam import FOAM, draw_wake
from westsea_catalog.archive.ground import ROCK, draw_ground
from westsea_catalog.archive.hulls import Hull
from westsea_catalog.archive.land import Land
from westsea_catalog.archive.layout import Layout, PlantedHull, Structure
from westsea_catalog.archive.msi import (
    DIRECT,
    FACTOR,
    NOISE,
    REFLECTANCE_BANDS,
    Band,
    Float,
    Image,
    Pixels,
    Sun,
    binned,
    digital_numbers,
    halved,
    seen,
)
from westsea_catalog.archive.water import OpticalSea, Water, draw_water
from westsea_catalog.grid import AffineGrid

__all__ = ["FACTOR", "REFLECTANCE_BANDS", "Band", "Image", "OpticalSea", "render"]

Painter = Callable[[np.random.Generator, Hull], Paint]

# Reflectance of B02, B03, B04, B08, B11.
_HOUSE = np.array([0.42, 0.42, 0.42, 0.44, 0.30])
_DECKS = np.array(
    [
        [0.06, 0.07, 0.13, 0.16, 0.20],  # red lead
        [0.14, 0.14, 0.15, 0.16, 0.17],  # grey
        [0.10, 0.13, 0.09, 0.15, 0.14],  # green
        [0.08, 0.08, 0.08, 0.10, 0.11],  # dark
        [0.24, 0.24, 0.23, 0.25, 0.24],  # light
    ]
)
_FLOATS = np.array([0.22, 0.22, 0.21, 0.17, 0.09])
_FLOAT_COVER = (0.12, 0.40)
"""Share of a cage that frames, nets and buoys hide: contrasts of 0.02 to 0.07 in the visible."""
_TOWER = np.array([0.60, 0.60, 0.60, 0.58, 0.35])
_MATERIALS = {"cage": _FLOATS, "turbine": _TOWER, "rock": ROCK}

_GLINTING_SHARE = 0.12
"""Of the hulls with a superstructure; assumed."""
_GLINT_M2 = (30.0, 1500.0)
"""Reflectance times area of the spot; some 250 m2 saturate a 10 m pixel."""

_SCL_WATER, _SCL_SHADOW, _SCL_BARE = 6, 3, 5
_SCL_CLOUD_MEDIUM, _SCL_CLOUD_HIGH, _SCL_CIRRUS = 8, 9, 10
# Ships have no class of their own: bare, unclassified, cloud medium, cloud high.
_SCL_SHIP, _SCL_SHIP_SHARES = (5, 7, 8, 9), (0.4, 0.15, 0.25, 0.2)
_SCL_SHIP_COVER = 0.35
"""Share of a 20 m pixel from which a hull changes its class."""
_SCL_CIRRUS_ABOVE = 0.015
"""Reflectance of cirrus from which it is told."""


def render(
    rng: np.random.Generator,
    sea: OpticalSea,
    layout: Layout,
    land: Land,
    grid: AffineGrid,
    *,
    painter: Painter | None = None,
) -> dict[Band, Image]:
    """Image a scene.

    Parameters
    ----------
    rng
        Draws everything that is random.
    sea
        State of water and air, and the sun.
    layout
        What lies on the water; hulls under way are where they are planted at the moment of B08.
    land
        Land on the same grid.
    grid
        Of 10 m pixels, rows and columns even.
    painter
        Gives the colours of each hull; `draw_paint` unless given.

    Returns
    -------
    Digital numbers by band: uint16, of SCL uint8.
    """
    rows, cols = grid.shape
    jacobian = grid.jacobian((rows - 1) / 2, (cols - 1) / 2)
    scl = np.full((rows // 2, cols // 2), _SCL_WATER, np.uint8)
    water = draw_water(rng, sea, land.cover, jacobian)
    _add_foam(rng, water, layout)
    if land.cover.any():
        _add_land(rng, water, land, sea.sun, scl, jacobian)
    images, direct = _by_band(water.reflectance), _by_band(water.direct)
    chips = list(_draw_structures(rng, layout.structures, sea.sun, scl))
    chips += _draw_hulls(rng, layout.hulls, sea.sun, scl, painter or draw_paint)
    for band, image in images.items():
        empty = image.copy()
        for chip in chips:
            chip[band].paint(image, empty, direct[band])
        # What is painted is lit as the rest is.
        direct[band] += np.float32(DIRECT[REFLECTANCE_BANDS.index(band)]) * (image - empty)
    clouds = draw_clouds(rng, sea, layout.hulls, grid.shape, jacobian)
    _hang_clouds(images, direct, clouds)
    _classify_clouds(scl, clouds)
    result: dict[Band, Image] = {"SCL": scl}
    for (band, image), noise in zip(images.items(), NOISE, strict=True):
        image += np.float32(noise) * rng.standard_normal(image.shape, dtype=np.float32)
        result[band] = digital_numbers(np.minimum(image, np.float32(sea.sun.saturation)))
    return result


def _add_foam(rng: np.random.Generator, water: Water, layout: Layout) -> None:
    """Lay the wakes of all hulls on the water, in place."""
    foam = FOAM.astype(np.float32)[:, None, None]
    for planted in layout.hulls:
        wake = draw_wake(rng, planted, water.reflectance.shape[1:])
        if wake is None:
            continue
        for values, added in (
            (water.reflectance, foam),
            (water.direct, foam * DIRECT.astype(np.float32)[:, None, None]),
        ):
            rows, cols = wake.share.shape
            target = values[:, wake.row : wake.row + rows, wake.col : wake.col + cols]
            target += wake.share * (added - target)


def _add_land(
    rng: np.random.Generator,
    water: Water,
    land: Land,
    sun: Sun,
    scl: NDArray[np.uint8],
    jacobian: Float,
) -> None:
    """Put the land on the water and among the classes, in place; shore pixels are mixed."""
    ground = draw_ground(rng, land, sun, jacobian)
    share = seen(land.cover.astype(np.float32))
    for i, direct in enumerate(DIRECT):
        lit = seen(ground.reflectance[i])
        hazy = lit + share * water.haze[i]
        water.reflectance[i] += hazy - share * water.reflectance[i]
        water.direct[i] += np.float32(direct) * lit - share * water.direct[i]
    is_land = binned(land.cover.astype(np.float32), 2) > 0.5
    scl[is_land] = ground.scl[::2, ::2][is_land]


def _by_band(values: Pixels) -> dict[Band, Pixels]:
    """The bands of a 10 m array (bands, rows, cols), each in its own pixels."""
    return {
        band: value.copy() if FACTOR[band] == 1 else halved(value)
        for band, value in zip(REFLECTANCE_BANDS, values, strict=True)
    }


def _draw_structures(
    rng: np.random.Generator,
    structures: Sequence[Structure],
    sun: Sun,
    scl: NDArray[np.uint8],
) -> Iterator[dict[Band, Chip]]:
    for structure in structures:
        cover = rng.uniform(*_FLOAT_COVER) if structure.kind == "cage" else 1.0
        reflectance = _MATERIALS[structure.kind] * rng.uniform(0.85, 1.15)
        chips = structure_chips(structure, reflectance, cover, sun)
        if structure.kind == "rock":
            chips["B11"].mark(scl, _SCL_BARE, cover=0.5)
        yield chips


def _draw_hulls(
    rng: np.random.Generator,
    hulls: Sequence[PlantedHull],
    sun: Sun,
    scl: NDArray[np.uint8],
    painter: Painter,
) -> Iterator[dict[Band, Chip]]:
    """See the hulls; those alongside that move as one share their shadows."""
    groups: dict[tuple[int, float, float], list[PlantedHull]] = {}
    for planted in hulls:
        groups.setdefault((planted.group, *velocity(planted)), []).append(planted)
    for members in groups.values():
        paints = [painter(rng, planted.hull) for planted in members]
        chips = hull_chips(members, paints, sun)
        code = int(rng.choice(_SCL_SHIP, p=_SCL_SHIP_SHARES))
        chips["B11"].mark(scl, code, cover=_SCL_SHIP_COVER)
        yield chips


def draw_paint(rng: np.random.Generator, hull: Hull) -> Paint:
    """Draw the colours of one hull: deck and cargo, a white house, and on some a mirror."""
    deck, cargo = _DECKS[rng.integers(len(_DECKS), size=2)]
    deck = deck * rng.uniform(0.8, 1.2)
    # Most cargo spaces have the deck's colour, a little lighter.
    cargo = np.where(rng.uniform() < 0.6, 1.2 * deck, cargo * rng.uniform(0.8, 1.2))
    house = _HOUSE * rng.uniform(0.7, 1.2) if hull.house_m else deck
    parts = np.stack([np.zeros_like(deck), deck, cargo, house])
    glints = hull.house_m > 0 and rng.uniform() < _GLINTING_SHARE
    if not glints:
        return Paint(parts, np.zeros_like(deck))
    flux = np.exp(rng.uniform(*np.log(_GLINT_M2)))
    # Bands look from angles that differ by up to two degrees: a mirror favours some.
    by_band = flux * np.exp(rng.normal(0.0, 0.5, len(deck)))
    place = rng.uniform(*hull.house), 0.35 * hull.width_m * rng.uniform(-1, 1)
    return Paint(parts, by_band, place)


def _hang_clouds(images: dict[Band, Pixels], direct: dict[Band, Pixels], clouds: Clouds) -> None:
    """Take the light that clouds take, in place, and put them before the ground."""
    for i, (band, image) in enumerate(images.items()):
        shadow, cirrus, opacity, tops = (
            layer if FACTOR[band] == 1 else binned(layer, 2).astype(np.float32)
            for layer in (clouds.shadow, clouds.cirrus, clouds.opacity, clouds.tops)
        )
        image -= shadow * np.maximum(direct[band], 0)
        image += cirrus * (np.float32(CIRRUS[i]) - image)
        image += opacity * (tops * np.float32(CLOUD[i]) - image)


def _classify_clouds(scl: NDArray[np.uint8], clouds: Clouds) -> None:
    shadow, cirrus, opacity = (
        binned(layer, 2) for layer in (clouds.shadow, clouds.cirrus, clouds.opacity)
    )
    scl[shadow > 0.3] = _SCL_SHADOW
    scl[cirrus > _SCL_CIRRUS_ABOVE] = _SCL_CIRRUS
    scl[opacity > 0.07] = _SCL_CLOUD_MEDIUM
    scl[opacity > 0.5] = _SCL_CLOUD_HIGH
