"""Which items to look at: the same selection over every form of catalogue."""

import difflib
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import shapely

from westsea_catalog.errors import ConfigError, UsageError
from westsea_catalog.geoparquet import read_items
from westsea_catalog.network import Network
from westsea_catalog.profiles import PROFILES, Profile, profile_for
from westsea_catalog.radar.safe import items_of_folder
from westsea_catalog.region import Period, Region
from westsea_catalog.stac_api import search_api
from westsea_catalog.stac_item import (
    Item,
    item_footprint,
    item_time,
    properties,
    with_absolute_hrefs,
)
from westsea_catalog.static import MAX_FILE_BYTES, LocalFiles, RemoteFiles, read_file, walk
from westsea_catalog.trust import brief

LOG = logging.getLogger(__name__)

STDIN = "-"
TABLES = (".parquet", ".geoparquet")


def search(
    catalog: str | Profile,
    *,
    region: Region,
    period: Period,
    collections: Sequence[str] = (),
    offline: bool = False,
) -> list[Item]:
    """Items of a catalogue that meet a region, a period and a choice of collections.

    Parameters
    ----------
    catalog
        Name of a profile, address of a STAC API, address or path of a catalog.json or
        collection.json, or path of a stac-geoparquet file; or a profile of one's own.
    region
        The item's geometry, or its bounding box where it has none, must meet it.
    period
        The item's datetime, or start_datetime where that is null, must lie in it.
    collections
        Collection ids; none means those that the profile names, or else all.
    offline
        Whether the network is forbidden.

    Returns
    -------
    Raw items, asset hrefs absolute, each (collection, id) once, by time, collection and id.

    Raises
    ------
    UsageError
        No such catalogue, or one on the network when that is forbidden.
    ConfigError, UpstreamError
        The catalogue does not answer, or not as a catalogue does.
    """
    profile = profile_for(catalog)
    wanted = tuple(collections) or profile.collections
    _check_collections(profile, collections)
    with Network(profile) as network:
        found = (
            _local_items(profile.file or str(catalog), profile, region)
            if profile.url is None
            else _remote_items(profile.url, network, region, period, wanted, offline)
        )
        return ordered(item for item in found if matches(item, region, period, wanted))


def items_from(source: str) -> list[Item]:
    """Items of a file or of standard input: an Item, an ItemCollection, or one Item a line.

    Parameters
    ----------
    source
        Path, or "-" for standard input; also of a Sentinel-1 product's folder, NAME.SAFE, or of a
        folder of such folders.

    Returns
    -------
    Raw items as `search` returns them; hrefs relative to the file are made absolute.

    Raises
    ------
    UsageError
        The file cannot be read.
    ConfigError
        It does not hold items.
    """
    if source == STDIN:
        text = sys.stdin.buffer.read(MAX_FILE_BYTES + 1).decode("utf-8", "replace")
        if len(text) > MAX_FILE_BYTES:
            raise UsageError(f"Standard input is over {MAX_FILE_BYTES >> 20} MB.")
        return ordered(_parse_items(text, "Standard input"))
    path = Path(source)
    if path.is_dir():
        return ordered(items_of_folder(path))
    items = _parse_items(read_file(path, UsageError), str(path))
    return ordered(with_absolute_hrefs(item, str(path.resolve())) for item in items)


def root_of(source: str | Profile) -> Path | None:
    """The folder whose files the items of a catalogue or file may name; None for none.

    `source` is what `search` or `items_from` was given.
    """
    if isinstance(source, Profile):
        return Path(source.file).resolve().parent if source.file else None
    if source == STDIN or source in PROFILES or "://" in source:
        return None
    path = Path(source).resolve()
    return path if path.is_dir() else path.parent


def matches(item: Item, region: Region, period: Period, collections: Sequence[str]) -> bool:
    """Whether an item meets a region and a period and is in one of the collections, if any."""
    if collections and item.get("collection") not in collections:
        return False
    when = item_time(item)
    if when is None or not period.contains(when):
        return False
    footprint = item_footprint(item)
    if footprint is None:
        return False
    try:
        return bool(shapely.intersects(region.geometry, footprint))
    except shapely.errors.GEOSException:
        # GEOS before 3.13 does not intersect collections of geometries; their boxes it does.
        return bool(shapely.intersects(region.geometry, shapely.box(*footprint.bounds)))


def ordered(items: Iterable[Item]) -> list[Item]:
    """The items by time, collection and id, each pair of collection and id once.

    Of several that differ, the one updated last is kept; if that does not decide, the first by
    its JSON text, so that the order of a catalogue's answers never matters.
    """
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault(_name(item), []).append(item)
    kept = [_newest(group) for group in groups.values()]
    return sorted(kept, key=_sort_key)


def _check_collections(profile: Profile, collections: Iterable[str]) -> None:
    """Warn of a collection that is almost one of those that can be read."""
    known = {name for rule in profile.rules for name in rule.collections}
    for name in sorted(set(collections) - known):
        if meant := _meant(name, sorted(known)):
            LOG.warning(
                "no collection of %s is read that is called %s%s", profile.name, name, meant
            )


def _meant(word: str, known: Iterable[str]) -> str:
    """What somebody may have meant, as the end of a sentence; empty for nothing like it."""
    near = difflib.get_close_matches(word, known, 1)
    return f": did you mean {near[0]}?" if near else ""


def _local_items(catalog: str, profile: Profile, region: Region) -> Iterator[Item]:
    """All items of a file, but for those that its table of boxes shows to be elsewhere."""
    if profile.name in PROFILES or (profile.name != "custom" and not profile.file):
        raise UsageError(
            f"The {profile.name} archive has no address: name the catalog.json that it was written"
            " to."
        )
    path = Path(catalog).resolve()
    if path.is_dir():
        raise UsageError(f"{catalog} is a folder: name the catalog.json in it.")
    if not path.exists():
        known = ", ".join(PROFILES)
        raise UsageError(
            f"{catalog} is neither a known catalogue ({known}) nor a file"
            f"{_meant(catalog, PROFILES) or '.'}"
        )
    if path.suffix in TABLES:
        return read_items(path, region)
    return walk(str(path), LocalFiles(path.parent))


def _remote_items(
    url: str,
    network: Network,
    region: Region,
    period: Period,
    collections: Sequence[str],
    offline: bool,
) -> Iterator[Item]:
    """All items of a catalogue of files, or those that an API has selected."""
    if offline:
        raise UsageError(f"{url} is on the network, which --offline forbids.")
    address = Path(url.partition("?")[0])
    if address.suffix in TABLES:
        raise UsageError(f"{url} is a table on the network: copy it here first.")
    if address.suffix == ".json":
        return walk(url, RemoteFiles(network))
    return search_api(network, region, period, collections)


def _parse_items(text: str, name: str) -> list[Item]:
    """The items of a JSON text, or of a text with one JSON object a line."""
    try:
        found = [json.loads(text)]
    except (ValueError, RecursionError):
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise ConfigError(f"{name} is not JSON.") from None
    if not found:
        raise ConfigError(f"{name} is empty.")
    items: list[Item] = []
    for content in found:
        kind = content.get("type") if isinstance(content, dict) else None
        features = content.get("features") if kind == "FeatureCollection" else [content]
        if kind not in ("Feature", "FeatureCollection") or not isinstance(features, list):
            raise ConfigError(f"{name} holds something other than STAC Items.")
        items.extend(features)
    if not all(isinstance(item, dict) for item in items):
        raise ConfigError(f"{name} holds something other than STAC Items.")
    return items


def _newest(group: list[Item]) -> Item:
    distinct = {canonical(item): item for item in group}
    if len(distinct) > 1:
        LOG.warning(
            "%s is there %d times with different content: the one updated last is taken",
            brief(group[0].get("id")),
            len(distinct),
        )
    texts = sorted(distinct)
    # max() keeps the first of equals.
    return distinct[max(texts, key=lambda text: _updated(distinct[text]))]


def _name(item: Item) -> tuple[str, str]:
    """What makes an item the same as another: nothing less than all of it where it has no id."""
    collection, name = item.get("collection"), item.get("id")
    if isinstance(collection, str) and isinstance(name, str):
        return collection, name
    return "", canonical(item)


def _updated(item: Item) -> str:
    """When the item was last changed, as text that sorts by time."""
    when = item_time({"properties": {"datetime": properties(item).get("updated")}})
    return when.isoformat(timespec="microseconds") if when else ""


def canonical(item: Item) -> str:
    """One text for an item, whatever the order of its keys."""
    return json.dumps(item, sort_keys=True, default=str)


def _sort_key(item: Item) -> tuple[str, str, str]:
    when = item_time(item)
    # Undated items, which only `items_from` lets through, come last.
    date = when.isoformat(timespec="microseconds") if when else "~"
    return date, *_name(item)
