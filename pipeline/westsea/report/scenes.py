"""The scenes behind the tables: what reads their pixels, and where these came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from westsea import sources
from westsea.locating import locate
from westsea.objects import Objects
from westsea.records import SceneKey
from westsea.report.patches import Patches
from westsea.report.rows import Row
from westsea.sources import Source
from westsea_catalog.errors import WestseaError
from westsea_catalog.profiles import Profile

NO_ITEM = "No item of this scene is kept beside the tables: give --items FILE to read its pixels."
BUILT_IN_ID = "westsea-built-in"
"""Of the catalogue of the built-in archive."""
BUILT_IN = "Simulated scene of the built-in archive; no Copernicus data."


@dataclass
class Scenes:
    """The scenes behind the tables, as far as they can be opened."""

    objects: Objects
    own: Mapping[str, Profile]
    """Catalogues of the settings file."""
    given: Mapping[tuple[str, str], Source] = field(default_factory=dict)
    """From --items; they go before those that are kept beside the tables."""

    def source(self, collection: str, item_id: str) -> Source | None:
        """Where a scene came from."""
        return self.given.get((collection, item_id)) or sources.recall(
            self.objects, collection, item_id
        )

    def patches(self, source: Source | None) -> Patches | str:
        """What reads its chips, or why none can be read."""
        if source is None:
            return NO_ITEM
        try:
            scene = source.scene(self.own)
            return Patches(locate(SceneKey.of(scene), scene))
        except WestseaError as error:
            return str(error)


def provenance_of(source: Source | None, scene: Row | None) -> dict[str, Any]:
    """Where a pair's pixels came from."""
    item = source.item if source else {}
    optical = scene is not None and not set(scene["polarizations"]) & {"VV", "VH", "HH", "HV"}
    platform = scene["platform"] if scene else "unknown"
    orbit = scene["orbit_state"] if scene else "unknown"
    links = item.get("assets") or {}
    return {
        "collection": scene["collection"] if scene else item.get("collection"),
        "item": scene["item_id"] if scene else item.get("id"),
        "platform": platform,
        "pass": orbit,
        "kind": "optical" if optical else "sar",
        "sensor": "Sentinel-2" if optical else "Sentinel-1",
        "bands": list(scene["polarizations"]) if scene else [],
        "baseline": scene["processing_baseline"] if scene else None,
        "catalog": source.catalog if source else "",
        "links": {key: _link(asset) for key, asset in links.items()},
        "credit": credit_of(source, scene),
    }


def _link(asset: Any) -> str:
    href = str(asset.get("href")) if isinstance(asset, dict) else ""
    return href.partition("?")[0] if "://" in href else href


def credit_of(source: Source | None, scene: Row | None) -> str:
    """Whom pixels are owed to, as Copernicus' terms want it said."""
    if source is not None and source.root is not None and _is_built_in(Path(source.root)):
        return BUILT_IN
    year = f" {scene['datetime'].year}" if scene else ""
    return f"Contains modified Copernicus Sentinel data{year}."


@lru_cache(maxsize=8)
def _is_built_in(root: Path) -> bool:
    try:
        catalog = json.loads((root / "catalog.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(catalog, dict) and catalog.get("id") == BUILT_IN_ID
