"""Twins: one simulated pass as a GRD product in radar geometry and terrain-corrected.

Both come from the same looks, so they differ by what reading radar geometry changes: the GRD has
the pass's own pixels, as 16-bit amplitudes, and nothing but control points says where they lie;
its twin has been resampled to the map.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint

from westsea_catalog.archive import sar, stac, truth
from westsea_catalog.archive.annotation import (
    View,
    annotation_xml,
    calibration_xml,
    noise_xml,
)
from westsea_catalog.archive.curved import CurvedFrame
from westsea_catalog.archive.frame import Float
from westsea_catalog.archive.hulls import Polarization
from westsea_catalog.archive.manifest import manifest_xml
from westsea_catalog.archive.sar import Image
from westsea_catalog.archive.scenes import RADAR_SCENES, RadarScene
from westsea_catalog.archive.writer import plant, write_catalog, write_cog, write_json

COLLECTION = "sentinel-1-grd"
_SCALLOP = 0.06
_BURST_LINES = 1_830
_BLOCK = 512


def make_twins(
    folder: Path, *, seed: int = 20171019, scenes: Sequence[RadarScene] = RADAR_SCENES
) -> Path:
    """Write twins of scenes as a static catalogue of sentinel-1-grd and sentinel-1-rtc.

    Parameters
    ----------
    folder
        Where to write.
    seed
        Decides all that is random.
    scenes
        What to image; of the same seed the archive's own have the same hulls at the same places.

    Returns
    -------
    Path of catalog.json. Beside it lie truth/*.parquet, of the terrain-corrected twins: the item
    of the GRD has the same id without "_rtc", hulls the same places, and `row`, `col` are those
    of the map. Each GRD lies in a folder ID.SAFE of ESA's form.
    """
    sceneries, items = [], []
    for scene in scenes:
        scenery, rtc, grd = _write_twins(folder, scene, seed)
        sceneries.append(scenery)
        items += [rtc, grd]
    return write_catalog(folder, items, sceneries)


def _write_twins(
    folder: Path, scene: RadarScene, seed: int
) -> tuple[truth.Scenery, stac.Json, stac.Json]:
    frame = CurvedFrame(scene.grid, scene.radar.heading_deg)
    planted = plant(scene, seed, _across(scene, frame) <= scene.radar.swath_end_m)
    along = _scallops(frame.shape[0])
    seen = sar.observe(
        planted.rng,
        scene.radar,
        scene.sea,
        planted.layout,
        planted.land,
        frame,
        scene.polarizations,
        noise_along=along[:, None],
    )
    rtc = stac.radar_item(scene)
    place = folder / scene.collection / scene.id
    place.mkdir(parents=True, exist_ok=True)
    for polarization, image in sar.on_map(frame, seen.images).items():
        write_cog(place / f"{polarization.lower()}.tif", image, scene.grid, nodata=sar.RADAR_NODATA)
    write_json(place / f"{scene.id}.json", rtc)
    grd = write_grd(folder / COLLECTION, scene, frame, seen.images, along)
    return truth.Scenery(scene, planted.layout, seen.ghosts), rtc, grd


def write_grd(
    folder: Path,
    scene: RadarScene,
    frame: CurvedFrame,
    images: dict[Polarization, Image],
    along: Float,
) -> stac.Json:
    """Write gamma0 (lines, samples) as a product of ESA's form and its item; returns the item."""
    name = scene.id.removesuffix("_rtc")
    place = folder / name / f"{name}.SAFE"
    for part in ("measurement", "annotation/calibration"):
        (place / part).mkdir(parents=True, exist_ok=True)
    across = sar.noise_power(scene.radar, frame)[0].astype(float)
    stems = {}
    for number, (polarization, image) in enumerate(images.items(), 1):
        view = View(
            scene.radar, scene.start, frame.shape, "S1A", scene.absolute_orbit, polarization
        )
        stems[polarization] = stem = _stem(scene, polarization, number)
        row, col = np.meshgrid(view.lines, view.pixels, indexing="ij")
        lon, lat = scene.grid.lonlat(*frame.scene_pixel(row, col))
        write_measurement(
            place / "measurement" / f"{stem}.tiff", amplitudes(image, view), view, lon, lat
        )
        documents = {
            f"annotation/{stem}.xml": annotation_xml(view, lon, lat),
            f"annotation/calibration/calibration-{stem}.xml": calibration_xml(view),
            f"annotation/calibration/noise-{stem}.xml": noise_xml(view, across, along),
        }
        for path, text in documents.items():
            (place / path).write_text(text, encoding="utf-8")
    corners = scene.grid.lonlat(
        *frame.scene_pixel(
            *(np.array(at) - 0.5 for at in _corners(frame.shape)),
        )
    )
    (place / "manifest.safe").write_text(manifest_xml(scene, stems, corners), encoding="utf-8")
    item = _item(scene, name, stems, frame.shape, corners)
    write_json(folder / name / f"{name}.json", item)
    return item


def amplitudes(image: Image, view: View) -> NDArray[np.uint16]:
    """Digital numbers of gamma0 (lines, samples); 0 where there is no data, and nowhere else."""
    constant = view.gamma(np.arange(image.shape[1]))
    numbers = np.rint(np.sqrt(np.maximum(image, 0)) * constant)
    numbers = np.clip(numbers, 1, np.iinfo(np.uint16).max)
    return np.where(image == sar.RADAR_NODATA, 0, numbers).astype(np.uint16)


def write_measurement(
    path: Path, numbers: NDArray[np.uint16], view: View, lon: Float, lat: Float
) -> None:
    """Write digital numbers as a GeoTIFF whose control points are the annotation's."""
    points = [
        GroundControlPoint(row, col, lon[i, j], lat[i, j], 0.0)
        for i, row in enumerate(view.lines)
        for j, col in enumerate(view.pixels)
    ]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        dtype="uint16",
        height=numbers.shape[0],
        width=numbers.shape[1],
        gcps=points,
        crs="EPSG:4326",
        tiled=True,
        blockxsize=_BLOCK,
        blockysize=_BLOCK,
        compress="DEFLATE",
    ) as target:
        target.write(numbers, 1)


def _across(scene: RadarScene, frame: CurvedFrame) -> Float:
    """Metres (rows, cols) across the track from the scene's middle."""
    rows, cols = np.ogrid[: scene.grid.shape[0], : scene.grid.shape[1]]
    _, sample = frame.locate(rows, cols)
    return sar.across_m(frame, sample)


def _scallops(lines: int) -> Float:
    """Noise of bursts along the lines, weakest in the middle of each."""
    place = np.arange(lines) % _BURST_LINES / _BURST_LINES
    return 1.0 + _SCALLOP * (2 * place - 1) ** 2


def _stem(scene: RadarScene, polarization: str, number: int) -> str:
    start, end = (f"{when:%Y%m%dt%H%M%S}" for when in (scene.start, scene.end))
    orbit, take = f"{scene.absolute_orbit:06d}", f"{scene.datatake:06x}"
    return f"s1a-iw-grd-{polarization.lower()}-{start}-{end}-{orbit}-{take}-{number:03d}"


def _corners(shape: tuple[int, int]) -> tuple[list[int], list[int]]:
    lines, samples = shape
    return [0, 0, lines, lines], [0, samples, samples, 0]


def _item(
    scene: RadarScene,
    name: str,
    stems: dict[Polarization, str],
    shape: tuple[int, int],
    corners: tuple[Float, Float],
) -> stac.Json:
    """The item as Planetary Computer has it: its twin's, without a projection."""
    item = stac.radar_item(scene)
    lon, lat = corners
    ring = [[float(x), float(y)] for x, y in zip(lon, lat, strict=True)]
    properties = {
        key: value for key, value in item["properties"].items() if not key.startswith("proj:")
    }
    properties["s1:shape"] = [shape[1], shape[0]]
    assets: stac.Json = {}
    for polarization, stem in stems.items():
        small, place = polarization.lower(), f"./{name}.SAFE"
        assets[small] = {
            "href": f"{place}/measurement/{stem}.tiff",
            "type": "image/tiff; application=geotiff",
            "roles": ["data"],
        }
        for kind, path in (
            ("product", f"annotation/{stem}.xml"),
            ("calibration", f"annotation/calibration/calibration-{stem}.xml"),
            ("noise", f"annotation/calibration/noise-{stem}.xml"),
        ):
            assets[f"schema-{kind}-{small}"] = {
                "href": f"{place}/{path}",
                "type": "application/xml",
                "roles": ["metadata"],
            }
    return {
        **item,
        "id": name,
        "collection": COLLECTION,
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        "bbox": [float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())],
        "properties": properties,
        "assets": assets,
        "stac_extensions": [
            each
            for each in item["stac_extensions"]
            if "projection" not in each and "raster" not in each
        ],
    }
