"""An output folder as a static STAC collection: an item a scene, whose assets are its tables."""

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from westsea.export.files import check_free, write_whole
from westsea.plain import cut_at_180
from westsea.records import SceneKey, file_name
from westsea.results import Sweep
from westsea.schema import TABLES, stac_columns
from westsea_catalog.errors import ConfigError
from westsea_catalog.region import WORLD, rfc3339
from westsea_catalog.trust import safe_name

VERSION = "1.1.0"
TABLE_EXTENSION = "https://stac-extensions.github.io/table/v1.2.0/schema.json"
PARQUET = "application/vnd.apache.parquet"
JSON, GEOJSON = "application/json", "application/geo+json"
COLLECTION = "collection.json"
ITEMS = "stac"
"""Folder of the items, beside the collection; OUT/items has those that were swept."""
COUNTS = {"detections": "n_detections", "pairs": "n_pairs", "scenes": None}
"""Column of a scene's row that says how many rows each of its tables has; None for one."""


def export_stac(
    out: str | os.PathLike[str], file: str | os.PathLike[str], *, overwrite: bool = False
) -> int:
    """Write a collection of an output folder's scenes, with the table extension.

    Items lie in a folder beside it; all links between them, and to tables on the same machine,
    are relative. The collection is written last, so that what it links to is there.

    Parameters
    ----------
    out
        Folder of results.
    file
        Path of the collection.json, in the output folder itself or elsewhere.
    overwrite
        Whether a collection that is there is replaced.

    Returns
    -------
    How many items there are.

    Raises
    ------
    UsageError, ConfigError, UpstreamError
        As of `westsea.export.export.export`.
    """
    path = Path(file).absolute()
    check_free(path, overwrite=overwrite)
    sweep = Sweep(out)
    parameters, scenes = sweep.parameters(), sweep.scenes("keep")
    scenes["footprint"] = cut_at_180(scenes["footprint"].to_numpy())
    collection = _collection(parameters, scenes)
    for row, name in zip(scenes.to_dict("records"), _item_ids(scenes), strict=True):
        place = f"{ITEMS}/{safe_name(row['collection'])}/{row['date']}/{file_name(name)}.json"
        item = _item(row, name, collection["id"], path.parent / place, path, out)
        _write(path.parent / place, item)
        collection["links"].append({"rel": "item", "href": f"./{place}", "type": GEOJSON})
    text = json.dumps(collection, indent=1, allow_nan=False) + "\n"
    write_whole(path, lambda made: made.write_text(text), overwrite=overwrite)
    return len(scenes)


def _item_ids(scenes: pd.DataFrame) -> pd.Series:
    """The scenes' own ids, with their collection, and then their date, where some share one."""
    names = scenes["item_id"]
    for column in ("collection", "date"):
        names = names.mask(names.duplicated(keep=False), scenes[column] + "/" + names)
    return names


def _item(
    row: Mapping[str, Any],
    name: str,
    collection: str,
    place: Path,
    root: Path,
    out: str | os.PathLike[str],
) -> dict[str, Any]:
    up = _relative(root, place)
    footprint = row["footprint"]
    key = SceneKey(row["collection"], row["item_id"], date.fromisoformat(row["date"]), "")
    properties = {
        "datetime": rfc3339(row["datetime"]),
        "platform": row["platform"],
        "westsea:collection": row["collection"],
        "westsea:item_id": row["item_id"],
        "westsea:bands": list(row["polarizations"]),
        "westsea:km2_valid": row["km2_valid"],
        "westsea:n_detections": row["n_detections"],
        "westsea:n_pairs": row["n_pairs"],
        "westsea:duplicate_of": row["duplicate_of"],
    }
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [TABLE_EXTENSION],
        "id": name,
        "collection": collection,
        "geometry": shapely.geometry.mapping(footprint),
        "bbox": _box(footprint),
        "properties": properties,
        "links": [{"rel": rel, "href": up, "type": JSON} for rel in ("root", "parent")]
        + [{"rel": "collection", "href": up, "type": JSON}],
        "assets": {
            table: {
                "href": _href(out, key.table(table), place),
                "type": PARQUET,
                "title": f"{table} of the scene",
                "roles": ["data"],
                "table:row_count": 1 if column is None else row[column],
                "table:primary_geometry": TABLES[table].geometry,
            }
            for table, column in COUNTS.items()
        },
    }


def _href(out: str | os.PathLike[str], key: str, place: Path) -> str:
    """Where a table is, seen from an item: relative unless it is in an object store."""
    address = os.fspath(out)
    if "://" in address and not address.startswith("file://"):
        return f"{address.rstrip('/')}/{key}"
    return _relative(Path(address.removeprefix("file://")).absolute() / key, place)


def _relative(target: Path, place: Path) -> str:
    """A link, in which the % of a file's name is a character as any other."""
    path = os.path.relpath(target, place.parent).replace(os.sep, "/").replace("%", "%25")
    return path if path.startswith(".") else f"./{path}"


def _box(shape: shapely.Geometry) -> list[float]:
    """West, south, east, north; the west is above the east where a shape crosses 180 degrees."""
    west, south, east, north = (float(side) for side in shape.bounds)
    parts = shapely.bounds(shapely.get_parts(shape))
    if east - west > 180 and len(parts) > 1:
        eastern = parts[:, 0] >= 0
        if eastern.any() and not eastern.all():
            west, east = float(parts[eastern, 0].min()), float(parts[~eastern, 2].max())
    return [west, south, east, north]


def _collection(parameters: Mapping[str, Any], scenes: gpd.GeoDataFrame) -> dict[str, Any]:
    years = sorted({f"{when:%Y}" for when in scenes["datetime"]})
    credit = f"contains modified Copernicus Sentinel data {', '.join(years)}".rstrip()
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": [TABLE_EXTENSION],
        "id": f"westsea-{str(parameters.get('params_hash', ''))[:12]}",
        "title": "Ships, and pairs of ships, found by westsea",
        "description": "Candidates for ship-to-ship transfers, never violations: one image is an"
        f" instant. One item a scene, whose assets are its tables; {credit}.",
        "license": "other",
        "keywords": ["ship detection", "ship-to-ship transfer", "Sentinel-1", "Sentinel-2"],
        "extent": _extent(scenes),
        "links": [{"rel": "root", "href": f"./{COLLECTION}", "type": JSON}],
        "item_assets": {
            name: {
                "type": PARQUET,
                "title": name,
                "description": table.meaning,
                "roles": ["data"],
                "table:columns": stac_columns(table),
                "table:primary_geometry": table.geometry,
            }
            for name, table in TABLES.items()
        },
    }


def _extent(scenes: gpd.GeoDataFrame) -> dict[str, Any]:
    if not len(scenes):
        return {"spatial": {"bbox": [list(WORLD)]}, "temporal": {"interval": [[None, None]]}}
    bounds = shapely.bounds(scenes["footprint"].to_numpy())
    low, high = np.nanmin(bounds, axis=0), np.nanmax(bounds, axis=0)
    times = [rfc3339(when) for when in (scenes["datetime"].min(), scenes["datetime"].max())]
    box = [float(side) for side in (*low[:2], *high[2:])]
    return {"spatial": {"bbox": [box]}, "temporal": {"interval": [times]}}


def _write(path: Path, item: Mapping[str, Any]) -> None:
    """Write an item's file, whole or not at all."""
    made = path.with_name(f".{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(json.dumps(item, allow_nan=False))
        made.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}).") from error
