"""The item behind each scene, kept beside the tables so that its pixels can be looked at again.

    OUT/items/<collection>/<item>.json

Tables hold no links: those depend on the catalogue, and a scene's files on the scene and the
parameters alone. So the item is a record of its own, which a later run may replace. Of its assets
it keeps those that were read, unsigned: what stands behind the question mark of an address may be
a signature, and is left out.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from westsea.objects import Objects, side_by_side
from westsea.planning import Plan
from westsea.records import file_name
from westsea_catalog.errors import RefusedScene, UsageError
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import Profile, profile_for
from westsea_catalog.scene import Scene
from westsea_catalog.search import items_from, root_of
from westsea_catalog.stac_item import Item, assets
from westsea_catalog.trust import safe_name

ITEMS = "items"
CUSTOM = "custom"
_NOT_FINITE = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
"""Numbers that JSON has not, as STAC writes them."""


@dataclass(frozen=True)
class Source:
    """A scene's item and where it came from."""

    catalog: str
    """Name of a profile, or address of the catalogue."""
    root: str | None
    """Folder of a local catalogue, whose files the item may name."""
    item: Item

    def scene(self, own: Mapping[str, Profile]) -> Scene:
        """The scene, judged as the sweep did; `own` are profiles of the settings file.

        Raises
        ------
        RefusedScene
            It cannot be read from here.
        """
        try:
            profile = own.get(self.catalog) or profile_for(self.catalog)
        except UsageError as error:
            raise RefusedScene(str(error)) from None
        return scene_from_item(self.item, profile, Path(self.root) if self.root else None)


def remember(objects: Objects, scenes: Iterable[Scene], plan: Plan) -> None:
    """Write down the items of scenes that are to be processed."""
    root = None if plan.root is None else str(plan.root)

    def write(scene: Scene) -> None:
        source = Source(plan.catalog, root, _written(_unsigned(scene)))
        data = msgspec.json.encode(msgspec.to_builtins(source), order="sorted")
        objects.put(_key(scene.collection, scene.id), msgspec.json.format(data, indent=1) + b"\n")

    for _ in side_by_side(write, scenes):
        pass


def recall(objects: Objects, collection: str, item_id: str) -> Source | None:
    """What was written down of a scene; None where nothing was, or nothing that can be read."""
    data = objects.get(_key(collection, item_id))
    try:
        return None if data is None else msgspec.json.decode(data, type=Source)
    except msgspec.DecodeError:
        return None


def from_file(file: str, catalog: str | Profile | None) -> dict[tuple[str, str], Source]:
    """Sources by collection and item id, of items in a file, for what has moved since."""
    profile = profile_for(catalog or file)
    root = root_of(catalog or file)
    name = profile.url or CUSTOM if profile.name == CUSTOM else profile.name
    return {
        (str(item.get("collection")), str(item.get("id"))): Source(
            name, None if root is None else str(root), item
        )
        for item in items_from(file)
    }


def _key(collection: str, item_id: str) -> str:
    return f"{ITEMS}/{safe_name(collection)}/{file_name(item_id)}.json"


def _unsigned(scene: Scene) -> Item:
    """The item with the assets that are read, and without links."""
    read = {asset.key: asset.href for asset in (*scene.bands, *scene.extras)}
    documents = {unsigned(document.href) for document in scene.documents}
    kept = {
        key: {**asset, "href": unsigned(read.get(key, asset["href"]))}
        for key, asset in assets(scene.item).items()
        if key in read or unsigned(str(asset.get("href"))) in documents
    }
    item: dict[str, Any] = {name: v for name, v in scene.item.items() if name != "links"}
    return {**item, "assets": kept}


def _written(item: Item) -> Item:
    """The item as JSON in UTF-8 can have it.

    Lone surrogates become question marks. Nothing that a scene rests on has any, and no property
    that nobody reads is worth a scene, let alone a sweep.
    """
    text = json.dumps(item, default=_builtin, ensure_ascii=False).encode("utf-8", "replace")
    written: Item = json.loads(text, parse_constant=_NOT_FINITE.__getitem__)
    return written


def _builtin(value: object) -> object:
    """A value of a table or a Python caller as one that JSON may have."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def unsigned(href: str) -> str:
    """An address without what may sign it."""
    return href.partition("?")[0] if "://" in href else href
