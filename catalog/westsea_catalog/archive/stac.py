"""STAC items of the archive, in the shape that Planetary Computer serves, quirks included."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.optical import FACTOR, Band
from westsea_catalog.archive.sar import RADAR_NODATA
from westsea_catalog.archive.scenes import PIXEL_M, OpticalScene, RadarScene
from westsea_catalog.grid import AffineGrid

Json = dict[str, Any]

OPTICAL_NODATA = 0

_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_GEOJSON = "application/geo+json"
_EXTENSION = "https://stac-extensions.github.io/{}/schema.json"
_S1A_ORBITS_PER_CYCLE, _S1A_ORBIT_OFFSET = 175, 73
_DIRECTIONS = {"V": "vertical", "H": "horizontal"}
# Title, common name, centre wavelength and width (micrometres).
_BANDS: dict[Band, tuple[str, str, float, float]] = {
    "B02": ("Band 2 - Blue - 10m", "blue", 0.49, 0.098),
    "B03": ("Band 3 - Green - 10m", "green", 0.56, 0.045),
    "B04": ("Band 4 - Red - 10m", "red", 0.665, 0.038),
    "B08": ("Band 8 - NIR - 10m", "nir", 0.842, 0.145),
    "B11": ("Band 11 - SWIR (1.6) - 20m", "swir16", 1.61, 0.143),
}


def radar_item(scene: RadarScene) -> Json:
    """Item of a Sentinel-1 scene: projection on the properties, nine-element transform."""
    rows, cols = scene.grid.shape
    properties = {
        "datetime": _zulu(scene.start + (scene.end - scene.start) / 2),
        # Planetary Computer writes a space where RFC 3339 has a T.
        "start_datetime": scene.start.isoformat(sep=" ", timespec="microseconds"),
        "end_datetime": scene.end.isoformat(sep=" ", timespec="microseconds"),
        "platform": "SENTINEL-1A",
        "constellation": "Sentinel-1",
        # Columns before rows, as served.
        "s1:shape": [cols, rows],
        "s1:resolution": "high",
        "s1:datatake_id": str(scene.datatake),
        "s1:orbit_source": "RESORB",
        "s1:processing_level": "1",
        "s1:product_timeliness": "Fast-24h",
        "s1:instrument_configuration_ID": "5",
        "proj:epsg": scene.grid.epsg,
        "proj:bbox": list(scene.grid.bounds),
        "proj:shape": [rows, cols],
        "proj:transform": [*scene.grid.transform, 0.0, 0.0, 1.0],
        "sar:product_type": "GRD",
        "sar:instrument_mode": "IW",
        "sar:polarizations": list(scene.polarizations),
        "sar:frequency_band": "C",
        "sar:center_frequency": 5.405,
        "sar:observation_direction": "right",
        "sar:looks_range": 5,
        "sar:looks_azimuth": 1,
        "sar:looks_equivalent_number": 4.4,
        "sar:resolution_range": 20,
        "sar:resolution_azimuth": 22,
        "sar:pixel_spacing_range": 10,
        "sar:pixel_spacing_azimuth": 10,
        "sat:orbit_state": "ascending" if scene.ascending else "descending",
        "sat:absolute_orbit": scene.absolute_orbit,
        "sat:relative_orbit": (scene.absolute_orbit - _S1A_ORBIT_OFFSET) % _S1A_ORBITS_PER_CYCLE
        + 1,
        "sat:platform_international_designator": "2014-016A",
    }
    assets = {name.lower(): _radar_asset(name) for name in scene.polarizations}
    extensions = ["sar/v1.0.0", "sat/v1.0.0", "projection/v1.1.0", "raster/v1.1.0"]
    return _item(scene.id, scene.collection, scene.grid, properties, assets, extensions)


def optical_item(scene: OpticalScene, scl: NDArray[Any]) -> Json:
    """Item of a Sentinel-2 scene: epsg on the properties, the rest of the grid on each asset."""
    medium, high = (round(100 * float(np.mean(scl == code)), 6) for code in (8, 9))
    taken = f"{scene.start:%Y%m%dT%H%M%S}"
    properties = {
        "datetime": _zulu(scene.start),
        "platform": "Sentinel-2A",
        "constellation": "Sentinel 2",
        "instruments": ["msi"],
        "proj:epsg": scene.grid.epsg,
        "eo:cloud_cover": round(medium + high, 6),
        "sat:orbit_state": "descending",
        "sat:relative_orbit": scene.relative_orbit,
        "s2:mgrs_tile": scene.tile,
        "s2:product_uri": f"{scene.id[:26]}_N{scene.baseline.replace('.', '')}{scene.id[26:]}.SAFE",
        "s2:product_type": "S2MSI2A",
        "s2:datatake_id": f"GS2A_{taken}_012345_N{scene.baseline}",
        "s2:datatake_type": "INS-NOBS",
        "s2:processing_baseline": scene.baseline,
        "s2:generation_time": _zulu(scene.generated),
        "s2:water_percentage": round(100 * float(np.mean(scl == 6)), 6),
        "s2:medium_proba_clouds_percentage": medium,
        "s2:high_proba_clouds_percentage": high,
        "s2:nodata_pixel_percentage": 0.0,
    }
    assets: Json = {band: _optical_asset(band, scene.grid) for band in FACTOR}
    extensions = ["eo/v1.0.0", "sat/v1.0.0", "projection/v1.0.0"]
    return _item(scene.id, scene.collection, scene.grid, properties, assets, extensions)


def collection(name: str, items: list[Json]) -> Json:
    """Collection of some items that lie in folders beside it."""
    boxes = np.array([item["bbox"] for item in items])
    times = sorted(item["properties"]["datetime"] for item in items)
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": name,
        "description": f"Simulated scenes in the shape of Planetary Computer's {name}.",
        "license": "Apache-2.0",
        "extent": {
            "spatial": {"bbox": [[*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]]},
            "temporal": {"interval": [[times[0], times[-1]]]},
        },
        "links": [
            _link("root", "../catalog.json"),
            _link("parent", "../catalog.json"),
            *(_link("item", f"./{item['id']}/{item['id']}.json", _GEOJSON) for item in items),
        ],
    }


def catalog(collections: list[str]) -> Json:
    """Root of a static catalogue."""
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "westsea-built-in",
        "description": "Simulated Sentinel scenes of the West Sea, with the truth beside them.",
        "links": [
            _link("root", "./catalog.json"),
            *(_link("child", f"./{name}/collection.json") for name in collections),
        ],
    }


def _item(
    item_id: str,
    collection_id: str,
    grid: AffineGrid,
    properties: Mapping[str, Any],
    assets: Json,
    extensions: list[str],
) -> Json:
    ring = _footprint(grid)
    lons, lats = zip(*ring, strict=True)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [_EXTENSION.format(name) for name in extensions],
        "id": item_id,
        "collection": collection_id,
        "bbox": [min(lons), min(lats), max(lons), max(lats)],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
        "links": [
            _link("collection", "../collection.json"),
            _link("parent", "../collection.json"),
            _link("root", "../../catalog.json"),
        ],
        "assets": assets,
    }


def _radar_asset(polarization: str) -> Json:
    sent, received = (_DIRECTIONS[letter] for letter in polarization)
    return {
        "href": f"./{polarization.lower()}.tif",
        "type": _COG,
        "roles": ["data"],
        "title": f"{polarization}: {sent} transmit, {received} receive",
        "description": f"Simulated gamma naught, {sent} transmit and {received} receive.",
        "raster:bands": [
            {"nodata": RADAR_NODATA, "data_type": "float32", "spatial_resolution": PIXEL_M}
        ],
    }


def _optical_asset(band: Band, grid: AffineGrid) -> Json:
    own = grid.coarsened(FACTOR[band])
    asset: Json = {
        "href": f"./{band}.tif",
        "proj:bbox": list(own.bounds),
        "proj:shape": list(own.shape),
        "proj:transform": list(own.transform),
        "gsd": PIXEL_M * FACTOR[band],
        "type": _COG,
        "roles": ["data"],
    }
    if band not in _BANDS:
        return asset | {"title": "Scene classfication map (SCL)"}  # spelt as served
    title, common_name, wavelength, width = _BANDS[band]
    description = {
        "name": band,
        "common_name": common_name,
        "description": title.rsplit(" - ", 1)[0],
        "center_wavelength": wavelength,
        "full_width_half_max": width,
    }
    return asset | {"title": title, "eo:bands": [description]}


def _footprint(grid: AffineGrid) -> list[list[float]]:
    """Closed ring of the outer corners, degrees, counter-clockwise."""
    rows, cols = grid.shape
    lon, lat = grid.lonlat(
        np.array([rows, rows, 0, 0, rows]) - 0.5, np.array([0, cols, cols, 0, 0]) - 0.5
    )
    return [[round(float(x), 7), round(float(y), 7)] for x, y in zip(lon, lat, strict=True)]


def _link(rel: str, href: str, media_type: str = "application/json") -> Json:
    return {"rel": rel, "href": href, "type": media_type}


def _zulu(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}Z"
