"""What a raw STAC item says, read without trust in its types."""

import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

import shapely
from shapely.geometry.base import BaseGeometry

from westsea_catalog.region import parse_time

Item = dict[str, Any]
"""A STAC item as JSON has it: any key may be missing, any value of any type."""

_COLLECTION = re.compile(r"/collections/([^/?#]+)/?(?:[?#]|$)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/|<")
_PROCESSED = ("processing:datetime", "s2:generation_time", "created", "updated")
_BASELINES = ("s2:processing_baseline", "processing:version", "sentinel:processing_baseline")
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}")
_NAMES = ("s2:product_uri", "sentinel:product_id", "title")
_IN_NAME = re.compile(r"_MSIL[12][AC]_.*_N([0-9]{2})([0-9]{2})_")
_MAX_NAME_CHARS = 200


def properties(item: Item) -> dict[str, Any]:
    """The item's properties, empty where it has none."""
    return _mapping(item.get("properties"))


def assets(item: Item) -> dict[str, dict[str, Any]]:
    """The item's assets that are objects, by key."""
    found = _mapping(item.get("assets"))
    return {key: asset for key, asset in found.items() if isinstance(asset, dict)}


def item_time(item: Item) -> datetime | None:
    """When the item was acquired, UTC and aware; None where it does not say.

    A null datetime takes start_datetime. STAC times are in UTC by definition, so one without an
    offset is UTC.
    """
    props = properties(item)
    text = props.get("datetime")
    return _time(props.get("start_datetime") if text is None else text)


def item_processed(item: Item) -> datetime | None:
    """When the product was made, as the first says that does, UTC and aware; else None.

    Many items tell only when they themselves were made, which is later, but in the same order.
    """
    props = properties(item)
    said = (_time(props.get(name)) for name in _PROCESSED)
    return next((when for when in said if when is not None), None)


def item_baseline(item: Item) -> str | None:
    """The version of the processor, such as 05.10; None where the item does not say.

    Names of Sentinel-2's products have it too.
    """
    props = properties(item)
    for text in (props.get(name) for name in _BASELINES):
        if isinstance(text, str) and _VERSION.fullmatch(text):
            return text
    for text in (*(props.get(name) for name in _NAMES), item.get("id")):
        match = _IN_NAME.search(text[:_MAX_NAME_CHARS]) if isinstance(text, str) else None
        if match:
            return f"{match[1]}.{match[2]}"
    return None


def item_footprint(item: Item) -> BaseGeometry | None:
    """The item's geometry, else its bounding box, in longitude and latitude; else None."""
    geometry = item.get("geometry")
    if isinstance(geometry, dict):
        found = _geometry(geometry)
        if found is not None and not found.is_empty:
            return found
    box = numbers(item.get("bbox"), 4) or numbers(item.get("bbox"), 6)
    if box is None:
        return None
    west, south, *_ = box
    east, north = box[len(box) // 2], box[len(box) // 2 + 1]
    if west > east:  # crosses 180 degrees
        halves = [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
        return shapely.MultiPolygon(halves)
    return shapely.box(west, south, east, north)


def numbers(value: object, count: int) -> tuple[float, ...] | None:
    """A list of that many finite numbers, or None."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        return None
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in value):
        return None
    try:
        found = tuple(float(v) for v in value)
    except OverflowError:
        return None
    return found if all(abs(v) < float("inf") for v in found) else None


def with_absolute_hrefs(item: Item, location: str) -> Item:
    """A copy of the item whose asset hrefs start from nowhere but themselves.

    Parameters
    ----------
    item
        The item.
    location
        Where it was read: a URL or an absolute path.
    """
    found = item.get("assets")
    if not isinstance(found, dict):
        return item
    moved = {
        key: {**asset, "href": _absolute(asset["href"], location)}
        if isinstance(asset, dict) and isinstance(asset.get("href"), str)
        else asset
        for key, asset in found.items()
    }
    return {**item, "assets": moved}


def with_collection(item: Item, default: object) -> Item:
    """The item, or where it names no collection, a copy that does.

    Its link to the collection decides, if that has the form of a STAC API; else the default, which
    is of no use unless it is a text.
    """
    if isinstance(item.get("collection"), str):
        return item
    links = item.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "collection":
            match = _COLLECTION.search(str(link.get("href")))
            if match:
                return {**item, "collection": unquote(match[1])}
    return {**item, "collection": default} if isinstance(default, str) else item


def _absolute(href: str, location: str) -> str:
    """The href from where it stands; one that cannot be joined is left for `trust` to refuse."""
    remote = location.startswith(("https://", "http://"))
    if not href or (_ABSOLUTE.match(href) and not (remote and href.startswith("/"))):
        return href
    if href.startswith("/vsi"):
        return href
    try:
        if remote:
            return urljoin(location, href)
    except ValueError:
        return href
    return os.path.normpath(Path(location).parent / href)


def _geometry(geojson: dict[str, Any]) -> BaseGeometry | None:
    try:
        return shapely.from_geojson(json.dumps(geojson))
    except (TypeError, ValueError, RecursionError, shapely.errors.ShapelyError):
        return None


def _time(text: object) -> datetime | None:
    """UTC and aware, as STAC's are; None for what is no time."""
    try:
        when = parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when and when.tzinfo is None else when


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
