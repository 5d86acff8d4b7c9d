"""From STAC items to Scenes, and to what stackstac reads."""

import json
import math
import re
from pathlib import Path
from typing import Any, cast

import numpy as np
import shapely

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import AffineGrid, Grid
from westsea_catalog.offsets import offset_of
from westsea_catalog.profiles import Profile, access_to
from westsea_catalog.projection import check_grid, coarser_by, read_grid
from westsea_catalog.radar.grids import GuessedGrid
from westsea_catalog.radar.items import documents_of, guess_of, mode_of
from westsea_catalog.region import rfc3339
from westsea_catalog.rules import BandRule, CollectionRule
from westsea_catalog.scene import Asset, Document, Driver, Scene
from westsea_catalog.stac_item import (
    Item,
    assets,
    item_baseline,
    item_footprint,
    item_processed,
    item_time,
    properties,
)
from westsea_catalog.trust import brief, gdal_path

MAX_ID_CHARS = 1024

_ORBITS = ("ascending", "descending")
_NODATA_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def scene_from_item(item: Item, profile: Profile, root: Path | None) -> Scene:
    """The scene that an item describes.

    Parameters
    ----------
    item
        Raw, with absolute hrefs, as `search` and `items_from` return it.
    profile
        The catalogue that it came from.
    root
        Folder of a local catalogue, whose files the item may name; None for one on the network.

    Raises
    ------
    RefusedScene
        The item cannot be a scene: one sentence that names it and says why. Nothing else is
        raised, whatever the item holds.
    """
    name = identifier(item, "id")
    if name is None:
        raise RefusedScene(f"An item has no usable id: {brief(item.get('id'))}.")
    try:
        return _scene(name, item, profile, root)
    except RefusedScene as reason:
        raise RefusedScene(f"{brief(name)} {reason}.") from None


def stack_item(scene: Scene) -> Item:
    """The scene as the raw item that stackstac 0.5.1 stacks onto the scene's own grid.

    stackstac looks for proj:epsg alone, so whatever the item had is said anew in that field, and
    hrefs are those that GDAL opens. Nothing else of the item is passed on: its raster:bands could
    rescale, its other assets could have other grids.

    Raises
    ------
    RefusedScene
        The scene's grid is not a map's.
    """
    grid = map_grid(scene)
    outline = _outline(grid)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": scene.id,
        "collection": scene.collection,
        "geometry": _geojson(outline),
        "bbox": list(outline.bounds),
        "properties": {
            "datetime": rfc3339(scene.datetime),
            "proj:epsg": grid.epsg,
            "proj:shape": list(grid.shape),
            "proj:transform": list(grid.transform),
            "proj:bbox": list(grid.bounds),
        },
        "assets": {asset.key: _stack_asset(asset, grid) for asset in (*scene.bands, *scene.extras)},
    }


def map_grid(scene: Scene) -> AffineGrid:
    """The scene's grid as one of a map.

    Raises
    ------
    RefusedScene
        It is none.
    """
    if not scene.grid.is_map:
        raise RefusedScene(f"{brief(scene.id)} is in radar geometry, which cannot be stacked.")
    return cast("AffineGrid", scene.grid)


def _scene(name: str, item: Item, profile: Profile, root: Path | None) -> Scene:
    collection = identifier(item, "collection")
    if collection is None:
        raise RefusedScene("does not say which collection it is in")
    rule = profile.rule(collection)
    if rule is None:
        known = ", ".join(known for rule in profile.rules for known in rule.collections)
        raise RefusedScene(f"is in collection {brief(collection)}; westsea reads {known}")
    when = item_time(item)
    if when is None:
        raise RefusedScene("does not say when it was acquired")
    grid: Grid
    mode, documents = "", tuple[Document, ...]()
    if rule.in_radar_geometry:
        grid, nodata, bands, documents, mode = _radar_bands(item, rule, profile, root)
        extras: tuple[Asset, ...] = ()
    else:
        grid, nodata, bands = _bands(item, rule, profile, root)
        extras = _extras(item, rule, profile, root, grid, nodata)
    props = properties(item)
    orbit = props.get("sat:orbit_state")
    return Scene(
        id=name,
        collection=collection,
        profile=profile.name,
        sensor=rule.sensor,
        datetime=when,
        platform=_platform(props.get("platform")),
        orbit_state=orbit if orbit in _ORBITS else "unknown",
        grid=grid,
        bands=bands,
        extras=extras,
        nodata=nodata,
        footprint=_footprint(item, grid),
        item=item,
        baseline=item_baseline(item),
        processed=item_processed(item),
        documents=documents,
        mode=mode,
    )


def identifier(item: Item, key: str) -> str | None:
    """A text that can name a file and stand in a table; no lone surrogates, not endless."""
    value = item.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_CHARS:
        return None
    return None if re.search("[\ud800-\udfff\0]", value) else value


def _bands(
    item: Item, rule: CollectionRule, profile: Profile, root: Path | None
) -> tuple[AffineGrid, float, tuple[Asset, ...]]:
    """The bands to detect on, with the grid and the value of no data that they share."""
    found = [(band, key) for band in rule.bands if (key := _key(item, band))]
    if not found:
        raise RefusedScene(_no_band(item, rule))
    props, table = properties(item), assets(item)
    grids = [read_grid(table[key], props) for _, key in found]
    if any(grid != grids[0] for grid in grids):
        raise RefusedScene("has bands on different grids")
    check_grid(grids[0])
    values = [_nodata(table[key], rule) for _, key in found]
    if not all(_same(value, values[0]) for value in values):
        raise RefusedScene("has bands with different values for no data")
    bands = tuple(_asset(item, key, band, 1, rule, profile, root) for band, key in found)
    return grids[0], values[0], bands


def _radar_bands(
    item: Item, rule: CollectionRule, profile: Profile, root: Path | None
) -> tuple[GuessedGrid, float, tuple[Asset, ...], tuple[Document, ...], str]:
    """The bands of a scene in radar geometry, with a guess of their grid and their documents."""
    found = [(band, key) for band in rule.bands if (key := _key(item, band))]
    if not found:
        raise RefusedScene(_no_band(item, rule))
    mode = mode_of(item)
    grid = guess_of(item, mode)
    bands = tuple(_asset(item, key, band, 1, rule, profile, root) for band, key in found)
    return grid, rule.nodata, bands, documents_of(item, bands, profile, root), mode


def _extras(
    item: Item,
    rule: CollectionRule,
    profile: Profile,
    root: Path | None,
    grid: AffineGrid,
    nodata: float,
) -> tuple[Asset, ...]:
    """The bands that help and fit the grid, whole pixels of theirs on whole pixels of it."""
    props, table = properties(item), assets(item)
    extras = []
    for band in rule.extras:
        key = _key(item, band)
        if key is None:
            continue
        try:
            factor = coarser_by(grid, read_grid(table[key], props))
            fits = factor is not None and _same(_nodata(table[key], rule), nodata)
        except RefusedScene:
            continue  # the scene can do without a band that is not described well enough
        if factor is not None and fits:
            extras.append(_asset(item, key, band, factor, rule, profile, root))
    return tuple(extras)


def _key(item: Item, band: BandRule) -> str | None:
    found = assets(item)
    return next((key for key in band.keys if key in found), None)


def _no_band(item: Item, rule: CollectionRule) -> str:
    wanted = " or ".join(band.name for band in rule.bands)
    other = sorted({"HH", "HV"} & {key.upper() for key in assets(item)})
    if rule.sensor == "sar" and other:
        return f"has {' and '.join(other)} only; westsea reads {wanted}"
    return f"has no asset for {wanted}"


def _asset(
    item: Item,
    key: str,
    band: BandRule,
    factor: int,
    rule: CollectionRule,
    profile: Profile,
    root: Path | None,
) -> Asset:
    asset = assets(item)[key]
    path, href = gdal_path(asset.get("href"), profile, root), str(asset["href"])
    access = access_to(path, profile)
    if access.token_url:  # what signed it before may be over, and is nobody's business
        path, href = path.partition("?")[0], href.partition("?")[0]
    driver = _driver(asset, path, band, rule)
    offset = _offset(asset, item, band, rule)
    return Asset(key, href, factor, band.name, path, access, driver, offset)


def _driver(asset: dict[str, Any], path: str, band: BandRule, rule: CollectionRule) -> Driver:
    said = str(asset.get("type")).lower()
    is_jp2 = "jp2" in said or path.partition("?")[0].lower().endswith(".jp2")
    driver: Driver = "JP2OpenJPEG" if is_jp2 else "GTiff"
    if driver not in rule.drivers:
        found, wanted = ("JPEG 2000", "GeoTIFF") if is_jp2 else ("something other", "JPEG 2000")
        raise RefusedScene(f"has {band.name} as {found}; westsea reads {wanted}")
    return driver


def _offset(asset: dict[str, Any], item: Item, band: BandRule, rule: CollectionRule) -> int:
    if rule.sensor == "sar" or band.name == "SCL":
        return 0
    return offset_of(asset, item) if rule.offset is None else rule.offset


def _nodata(asset: dict[str, Any], rule: CollectionRule) -> float:
    """The asset's value of no data, said by STAC 1.0 or 1.1, else that of the collection."""
    for key in ("raster:bands", "bands"):
        described = asset.get(key)
        if isinstance(described, list) and len(described) > 1:
            raise RefusedScene(f"has {len(described)} bands in one file")
        if isinstance(described, list) and described and isinstance(described[0], dict):
            value = described[0].get("nodata")
            if value is not None:
                return _value(value)
    value = asset.get("nodata")
    return rule.nodata if value is None else _value(value)


def _value(value: object) -> float:
    if isinstance(value, str) and value.lower() in _NODATA_WORDS:
        return _NODATA_WORDS[value.lower()]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedScene(f"has a value for no data that is none: {brief(value)}")
    try:
        return float(value)
    except OverflowError:
        raise RefusedScene(f"has a value for no data that is none: {brief(value)}") from None


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _platform(value: object) -> str:
    """sentinel-1a, however the provider spells it."""
    text = re.sub(r"[\s_]+", "-", value.strip().lower()) if isinstance(value, str) else ""
    return text if re.fullmatch(r"[a-z0-9-]{1,40}", text) else "unknown"


def _footprint(item: Item, grid: Grid) -> dict[str, Any]:
    """The item's outline where it is one, else the grid's."""
    outline = item_footprint(item)
    if outline is None or outline.geom_type not in ("Polygon", "MultiPolygon"):
        outline = _outline(grid)
    return _geojson(shapely.force_2d(outline))


def _outline(grid: Grid) -> shapely.Polygon:
    """The four corners of the grid, in longitude and latitude."""
    rows, cols = grid.shape
    lon, lat = grid.lonlat(np.array([0, 0, rows, rows]) - 0.5, np.array([0, cols, cols, 0]) - 0.5)
    return shapely.Polygon(np.column_stack([lon, lat]))


def _geojson(geometry: shapely.Geometry) -> dict[str, Any]:
    return dict(json.loads(shapely.to_geojson(geometry)))


def _stack_asset(asset: Asset, grid: AffineGrid) -> dict[str, Any]:
    found: dict[str, Any] = {"href": asset.source, "type": "image/tiff; application=geotiff"}
    if asset.factor > 1:
        a, _, c, _, e, f = grid.transform
        factor = asset.factor
        found["proj:shape"] = [math.ceil(side / factor) for side in grid.shape]
        found["proj:transform"] = [a * factor, 0.0, c, 0.0, e * factor, f]
    return found
