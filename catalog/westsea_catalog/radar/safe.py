"""Sentinel-1 products as folders, as ESA packs them: NAME.SAFE with a manifest."""

import logging
import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from westsea_catalog.errors import ConfigError, RefusedScene
from westsea_catalog.radar.annotation import Annotation, read_annotation
from westsea_catalog.radar.xml import MAX_BYTES, local_names, parse
from westsea_catalog.region import rfc3339
from westsea_catalog.rules import SENTINEL_1_GRD
from westsea_catalog.stac_item import Item
from westsea_catalog.trust import brief

LOG = logging.getLogger(__name__)

MANIFEST = "manifest.safe"
SUFFIX = ".SAFE"
COLLECTION = SENTINEL_1_GRD.collections[0]

_BAND = re.compile(r"-(vv|vh|hh|hv)-", re.IGNORECASE)
_KEYS = {
    "s1Level1MeasurementSchema": "{}",
    "s1Level1ProductSchema": "schema-product-{}",
    "s1Level1CalibrationSchema": "schema-calibration-{}",
    "s1Level1NoiseSchema": "schema-noise-{}",
}


def items_of_folder(folder: Path) -> list[Item]:
    """The items of a product's folder, or of all products' folders in a folder.

    Returns
    -------
    Raw items with absolute hrefs, of the collection sentinel-1-grd. What is wrong with a product
    is logged; it yields an item that no scene can be made of.

    Raises
    ------
    ConfigError
        It is neither, or holds none.
    """
    if (folder / MANIFEST).is_file():
        return [_item(folder)]
    try:
        found = sorted(path for path in folder.iterdir() if (path / MANIFEST).is_file())
    except OSError as error:
        raise ConfigError(f"{brief(str(folder))} cannot be read: {error.strerror}.") from None
    if not found:
        raise ConfigError(
            f"{brief(str(folder))} is a folder without a Sentinel-1 product: it needs a"
            f" {MANIFEST}, or folders NAME{SUFFIX} that have one."
        )
    return [_item(path) for path in found]


def _item(folder: Path) -> Item:
    name = folder.resolve().name
    name = name.removesuffix(SUFFIX)
    item: Item = {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": COLLECTION}
    try:
        return item | _described(folder)
    except RefusedScene as reason:
        LOG.warning("%s %s", brief(str(folder)), reason)
    return item


def _described(folder: Path) -> Item:
    """What manifest and annotation say."""
    root = parse(_read(folder / MANIFEST))
    texts = {name: (element.text or "").strip() for name, element in local_names(root)}
    assets = _assets(folder, root)
    properties: dict[str, Any] = {
        "datetime": texts.get("startTime"),
        "platform": f"sentinel-1{texts.get('number', '').lower()}",
        "sar:instrument_mode": texts.get("mode"),
        "sar:product_type": texts.get("productType"),
        "sat:orbit_state": texts.get("pass", "").lower(),
        "processing:version": _version(root),
    }
    annotation = _annotation(assets)
    if annotation is not None:
        along, across = annotation.pixel_m
        properties |= {
            "datetime": rfc3339(annotation.start + (annotation.stop - annotation.start) / 2),
            "start_datetime": rfc3339(annotation.start),
            "end_datetime": rfc3339(annotation.stop),
            "s1:shape": list(annotation.shape),
            "sar:pixel_spacing_range": across,
            "sar:pixel_spacing_azimuth": along,
        }
    return {
        "geometry": _footprint(texts.get("coordinates", "")),
        "properties": {key: value for key, value in properties.items() if value},
        "assets": assets,
        "links": [],
    }


def _assets(folder: Path, root: Element) -> dict[str, Any]:
    """Assets by the keys that catalogues use, of the files that the manifest lists."""
    assets: dict[str, Any] = {}
    for name, element in local_names(root):
        key = _KEYS.get(element.get("repID", "")) if name == "dataObject" else None
        place = next((e.get("href") for n, e in local_names(element) if n == "fileLocation"), None)
        band = _BAND.search(place or "")
        if key and place and band:
            assets[key.format(band[1].lower())] = {"href": str(folder.resolve() / place)}
    return assets


def _annotation(assets: dict[str, Any]) -> Annotation | None:
    """That of the first band; its grid is read later, its size and spacing are wanted now."""
    key = next((key for key in sorted(assets, reverse=True) if "product" in key), None)
    if key is None:
        return None
    return read_annotation(_read(Path(assets[key]["href"])))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RefusedScene(
            f"has no {brief(path.name)} that can be read: {error.strerror}"
        ) from None


def _version(root: Element) -> str | None:
    """Of ESA's processor, as 2.91."""
    for name, element in local_names(root):
        if name == "software" and "IPF" in element.get("name", ""):
            match = re.fullmatch(r"0*(\d+)\.(\d+)", element.get("version", ""))
            return f"{match[1]}.{match[2]}" if match else None
    return None


def _footprint(text: str) -> dict[str, Any] | None:
    """The outline, of which the manifest has latitude,longitude pairs."""
    try:
        pairs = [[float(value) for value in pair.split(",")] for pair in text.split()[:1000]]
    except ValueError:
        return None
    if len(pairs) < 3 or any(len(pair) != 2 for pair in pairs) or not np.isfinite(pairs).all():
        return None
    ring = [[lon, lat] for lat, lon in pairs]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
