"""The archive on disk: COGs, a static STAC catalogue of them, and the truth tables."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import rasterio
from numpy.typing import NDArray

from westsea_catalog.archive import optical, sar, stac, truth
from westsea_catalog.archive.land import Land, draw_land
from westsea_catalog.archive.layout import Layout
from westsea_catalog.archive.placement import draw_layout
from westsea_catalog.archive.scenes import OPTICAL_SCENES, RADAR_SCENES, OpticalScene, RadarScene
from westsea_catalog.coast import Coast
from westsea_catalog.errors import ConfigError, UsageError
from westsea_catalog.grid import AffineGrid

_BLOCK = 512


def build(folder: Path, *, seed: int = 20171019) -> Path:
    """Write the built-in archive.

    The bytes depend on the seed alone, within one environment; a scene's own do not depend on
    which other scenes there are.

    Parameters
    ----------
    folder
        Where to write; made where needed. Files of an earlier build are replaced.
    seed
        Decides all that is random; 0 or more.

    Returns
    -------
    Path of catalog.json. Beside it lie truth/{hulls,pairs,others,scenes}.parquet.

    Raises
    ------
    UsageError
        If the seed is negative.
    ConfigError
        If the folder cannot be written.
    """
    if seed < 0:
        raise UsageError(f"The archive's seed must be 0 or more, not {seed}.")
    try:
        return _build(folder, seed)
    except OSError as error:
        raise ConfigError(f"Cannot write the archive to {folder}: {error}.") from error


def _build(folder: Path, seed: int) -> Path:
    sceneries, items = [], []
    for scene in (*RADAR_SCENES, *OPTICAL_SCENES):
        place = folder / scene.collection / scene.id
        place.mkdir(parents=True, exist_ok=True)
        scenery, item = _write_scene(place, scene, seed)
        write_json(place / f"{scene.id}.json", item)
        sceneries.append(scenery)
        items.append(item)
    return write_catalog(folder, items, sceneries)


def write_catalog(
    folder: Path, items: Sequence[stac.Json], sceneries: Sequence[truth.Scenery]
) -> Path:
    """Write the collections of items, the truth, and the catalogue of all; returns its path."""
    collections: dict[str, list[stac.Json]] = {}
    for item in items:
        collections.setdefault(str(item["collection"]), []).append(item)
    for name, members in collections.items():
        write_json(folder / name / "collection.json", stac.collection(name, members))
    write_truth(folder / "truth", sceneries)
    path = folder / "catalog.json"
    write_json(path, stac.catalog(list(collections)))
    return path


def _write_scene(
    place: Path, scene: RadarScene | OpticalScene, seed: int
) -> tuple[truth.Scenery, stac.Json]:
    if isinstance(scene, RadarScene):
        return _write_radar(place, scene, plant(scene, seed, sar.swath(scene.radar, scene.grid)))
    return _write_optical(place, scene, plant(scene, seed))


@dataclass(frozen=True)
class Planted:
    """What is in a scene before there is an image of it."""

    land: Land
    layout: Layout
    rng: np.random.Generator
    """Of the image."""


def plant(
    scene: RadarScene | OpticalScene, seed: int, inside: NDArray[np.bool_] | None = None
) -> Planted:
    """Land, ships and whatever else is in a scene; ships only `inside` (rows, cols)."""
    layout_rng, image_rng = _streams(seed, scene.id)
    land = draw_land(layout_rng, scene.grid, Coast.shipped(), harbours=scene.harbours)
    layout = draw_layout(layout_rng, scene.grid, scene.planting, land, inside=inside)
    return Planted(land, layout, image_rng)


def _streams(seed: int, scene_id: str) -> tuple[np.random.Generator, np.random.Generator]:
    """Random streams of a scene: one for what is planted, one for the image of it."""
    layout, image = np.random.SeedSequence([seed, zlib.crc32(scene_id.encode())]).spawn(2)
    return np.random.default_rng(layout), np.random.default_rng(image)


def _write_radar(
    place: Path, scene: RadarScene, planted: Planted
) -> tuple[truth.Scenery, stac.Json]:
    radargram = sar.render(
        planted.rng,
        scene.radar,
        scene.sea,
        planted.layout,
        planted.land,
        scene.grid,
        scene.polarizations,
    )
    for polarization, image in radargram.images.items():
        path = place / f"{polarization.lower()}.tif"
        write_cog(path, image, scene.grid, nodata=sar.RADAR_NODATA)
    return truth.Scenery(scene, planted.layout, radargram.ghosts), stac.radar_item(scene)


def _write_optical(
    place: Path, scene: OpticalScene, planted: Planted
) -> tuple[truth.Scenery, stac.Json]:
    images = optical.render(planted.rng, scene.sea, planted.layout, planted.land, scene.grid)
    for band, image in images.items():
        grid = scene.grid.coarsened(optical.FACTOR[band])
        write_cog(place / f"{band}.tif", image, grid, nodata=stac.OPTICAL_NODATA)
    return truth.Scenery(scene, planted.layout), stac.optical_item(scene, images["SCL"])


def write_cog(path: Path, image: NDArray[Any], grid: AffineGrid, *, nodata: float) -> None:
    """Write one band (rows, cols) as a Cloud Optimized GeoTIFF: DEFLATE, 512 px blocks."""
    # Class codes must not be averaged into overviews.
    resampling = "NEAREST" if image.dtype == np.uint8 else "AVERAGE"
    with rasterio.open(
        path,
        "w",
        driver="COG",
        count=1,
        dtype=image.dtype,
        height=image.shape[0],
        width=image.shape[1],
        crs=f"EPSG:{grid.epsg}",
        transform=grid.affine,
        nodata=nodata,
        compress="DEFLATE",
        blocksize=_BLOCK,
        overview_resampling=resampling,
    ) as target:
        target.write(image, 1)


def write_truth(place: Path, sceneries: Sequence[truth.Scenery]) -> None:
    """Write the truth tables into a folder."""
    place.mkdir(parents=True, exist_ok=True)
    for name, table in truth.tables(sceneries).items():
        pq.write_table(table, place / f"{name}.parquet", compression="zstd")


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as a person would read it."""
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
