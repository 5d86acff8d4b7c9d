"""Scenes to measure speed and cost on: cheap to make, and alike at every size.

What imports kernels is imported late: pytest loads this file before tests/conftest.py has told
numba where its cache is.
"""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from shapely.geometry import Polygon, mapping

from westsea_catalog.archive.writer import write_cog
from westsea_catalog.grid import AffineGrid
from westsea_catalog.scene import Asset, Scene

NODATA = -32768.0
LEVELS = {"VV": 0.03, "VH": 0.003}
LOOKS = 4.4
ORDER = 10.0
TEXTURE_PX = 16
TILE = 2048
"""Sides up to this are drawn, larger scenes repeat what was drawn."""
SPACING = 512
"""Between targets, which lie anywhere in their square but at its rim: one in 26 km2."""
RIM = 40
TARGET = (12, 3)
BRIGHT = 30.0
"""Of a target, over the level of the sea."""
EPSG = 32651
CORNER = (500_000.0, 4_100_000.0)
"""In the middle of the Yellow Sea, with no land within 80 km of it."""


def grid(shape, corner=CORNER, epsg=EPSG):
    return AffineGrid(epsg, (10.0, 0.0, corner[0], 0.0, -10.0, corner[1]), shape)


def speckle(rng, shape, order=ORDER):
    """K distributed intensity of mean 1, its texture in squares."""
    squares = [-(-side // TEXTURE_PX) for side in shape]
    texture = (rng.standard_gamma(order, squares) / order).astype(np.float32)
    texture = texture.repeat(TEXTURE_PX, axis=0).repeat(TEXTURE_PX, axis=1)
    image = rng.standard_gamma(LOOKS, shape, dtype=np.float32)
    image *= texture[: shape[0], : shape[1]] / np.float32(LOOKS)
    return image


def targets(rng, shape):
    """(n, 2) first row and column of the targets."""
    rows, cols = (np.arange(0, side - SPACING + 1, SPACING) for side in shape)
    squares = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    return squares + rng.integers(RIM, SPACING - RIM, squares.shape)


def open_sea(rng, shape, order=ORDER):
    """Pixels by polarisation, and (n, 2) where their targets begin."""
    drawn = [min(side, TILE) for side in shape]
    at = targets(rng, drawn)
    images = {}
    for name, level in LEVELS.items():
        image = speckle(rng, drawn, order)
        for row, col in at:
            image[row : row + TARGET[0], col : col + TARGET[1]] += BRIGHT
        times = [-(-side // part) for side, part in zip(shape, drawn, strict=True)]
        images[name] = np.tile(level * image, times)[: shape[0], : shape[1]]
    return images, at


def outline(where):
    """The corners of a grid, in longitude and latitude."""
    rows, cols = where.shape
    lon, lat = where.lonlat(np.array([0, 0, rows, rows]) - 0.5, np.array([0, cols, cols, 0]) - 0.5)
    return Polygon(np.column_stack([lon, lat]))


def write(folder, name, images, where):
    """The scene of some images, as COGs in a folder."""
    place = folder / name
    place.mkdir()
    bands = []
    for band, image in images.items():
        path = place / f"{band.lower()}.tif"
        write_cog(path, image, where, nodata=NODATA)
        bands.append(Asset(band.lower(), str(path), band=band))
    return Scene(
        id=name,
        collection="sentinel-1-rtc",
        profile="custom",
        sensor="sar",
        datetime=datetime(2017, 10, 19, 21, 57, tzinfo=UTC),
        platform="sentinel-1a",
        orbit_state="ascending",
        grid=where,
        bands=tuple(bands),
        nodata=NODATA,
        footprint=mapping(outline(where)),
    )


def plan(scenes):
    from westsea.planning import Plan, PlannedScene, chunks_of

    return Plan(
        tuple(
            PlannedScene(each, each.grid.full, chunks_of(each.grid.full, None)) for each in scenes
        ),
        (),
    )


def tile_bytes(plan):
    """Of the full-resolution tiles of all files."""
    total = 0
    for band in (band for each in plan.scenes for band in each.scene.bands):
        with rasterio.open(band.source) as dataset:
            (tile,) = set(dataset.block_shapes)
            rows, cols = (-(-side // part) for side, part in zip(dataset.shape, tile, strict=True))
            total += sum(
                int(dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1))
                for row in range(rows)
                for col in range(cols)
            )
    return total


@pytest.fixture(scope="session")
def seas():
    """What this module can make."""
    return SimpleNamespace(
        grid=grid,
        speckle=speckle,
        open_sea=open_sea,
        write=write,
        plan=plan,
        tile_bytes=tile_bytes,
        levels=LEVELS,
        nodata=NODATA,
        target=TARGET,
    )
