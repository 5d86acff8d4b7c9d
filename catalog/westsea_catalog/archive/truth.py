"""Truth tables: every planted hull, every two that lie alongside or close, and what is no ship."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from westsea_catalog.archive.layout import Layout, Structure
from westsea_catalog.archive.sar import Ghost
from westsea_catalog.archive.scenes import OpticalScene, RadarScene

Row = dict[str, Any]


def _field(name: str, dtype: pa.DataType, meaning: str) -> pa.Field:
    return pa.field(name, dtype, nullable=False, metadata={"description": meaning})


HULLS = pa.schema(
    [
        _field("hull_id", pa.string(), "the hull"),
        _field("item_id", pa.string(), "its scene"),
        _field("lon", pa.float64(), "of midships, degrees, OGC:CRS84"),
        _field("lat", pa.float64(), "of midships, degrees, OGC:CRS84"),
        _field("row", pa.float64(), "of midships on the 10 m grid; integers are pixel centres"),
        _field("col", pa.float64(), "of midships on the 10 m grid; integers are pixel centres"),
        _field("length_m", pa.float64(), "ground metres"),
        _field("width_m", pa.float64(), "ground metres"),
        _field("heading_deg", pa.float64(), "axis, 0-180, clockwise from true north"),
        _field("group_id", pa.string(), "shared by the hulls that lie alongside each other"),
        _field("setting", pa.string(), "sea, fleet, anchorage, tow or berth"),
        _field("type", pa.string(), "merchant, fishing, tug or barge"),
        _field("speed_ms", pa.float64(), "over ground; its radar image is displaced from its wake"),
    ]
)
PAIRS = pa.schema(
    [
        _field("pair_id", pa.string(), "the pair"),
        _field("item_id", pa.string(), "its scene"),
        _field("kind", pa.string(), "alongside or close; of a raft, neighbours only"),
        _field("hull_id_1", pa.string(), "the longer hull"),
        _field("hull_id_2", pa.string(), "the shorter hull"),
        _field("gap_m", pa.float64(), "hull edge to hull edge, ground metres"),
        _field("center_distance_m", pa.float64(), "midships to midships, ground metres"),
        _field("lon", pa.float64(), "of the middle between midships, degrees, OGC:CRS84"),
        _field("lat", pa.float64(), "of the middle between midships, degrees, OGC:CRS84"),
    ]
)


OTHERS = pa.schema(
    [
        _field("other_id", pa.string(), "the thing"),
        _field("item_id", pa.string(), "its scene"),
        _field("kind", pa.string(), "turbine, cage, rock or ambiguity"),
        _field("lon", pa.float64(), "of its middle, degrees, OGC:CRS84"),
        _field("lat", pa.float64(), "of its middle, degrees, OGC:CRS84"),
        _field("row", pa.float64(), "of its middle on the 10 m grid"),
        _field("col", pa.float64(), "of its middle on the 10 m grid"),
        _field(
            "length_m",
            pa.float64(),
            "ground metres; of an ambiguity, its source's; a turbine's height",
        ),
        _field("width_m", pa.float64(), "ground metres; of an ambiguity, its source's"),
        _field("group_id", pa.string(), "shared by the members of a farm; else its own"),
        pa.field("snr_db", pa.float64(), metadata={"description": "mean peak of an ambiguity"}),
    ]
)
SCENES = pa.schema(
    [
        _field("item_id", pa.string(), "the scene"),
        _field("collection", pa.string(), "its collection"),
        _field("sensor", pa.string(), "sar or optical"),
        _field("sea_state", pa.string(), "calm, moderate or rough"),
        pa.field("k_order", pa.float64(), metadata={"description": "of the radar's texture"}),
    ]
)


@dataclass(frozen=True)
class Scenery:
    """A scene and what lies in it."""

    scene: RadarScene | OpticalScene
    layout: Layout
    ghosts: tuple[Ghost, ...] = ()


def tables(sceneries: Sequence[Scenery]) -> dict[str, pa.Table]:
    """Tables `hulls`, `pairs`, `others` and `scenes`."""
    parts = {
        "hulls": (HULLS, _hull_rows),
        "pairs": (PAIRS, _pair_rows),
        "others": (OTHERS, _other_rows),
        "scenes": (SCENES, _scene_rows),
    }
    return {
        name: pa.Table.from_pylist([row for one in sceneries for row in rows(one)], schema=schema)
        for name, (schema, rows) in parts.items()
    }


def _hull_id(item_id: str, index: int) -> str:
    return f"{item_id}_h{index:03d}"


def _hull_rows(scenery: Scenery) -> list[Row]:
    rows, item_id = [], scenery.scene.id
    for index, planted in enumerate(scenery.layout.hulls):
        lon, lat = scenery.scene.grid.lonlat(planted.row, planted.col)
        rows.append(
            {
                "hull_id": _hull_id(item_id, index),
                "item_id": item_id,
                "lon": float(lon),
                "lat": float(lat),
                "row": planted.row,
                "col": planted.col,
                "length_m": planted.hull.length_m,
                "width_m": planted.hull.width_m,
                "heading_deg": planted.hull.heading_deg % 180.0,
                "group_id": f"{item_id}_g{planted.group:03d}",
                "setting": planted.setting,
                "type": planted.hull.type,
                "speed_ms": planted.speed_ms,
            }
        )
    return rows


def _pair_rows(scenery: Scenery) -> list[Row]:
    rows, item_id, layout = [], scenery.scene.id, scenery.layout
    for index, pair in enumerate(layout.pairs):
        first, second = layout.hulls[pair.first], layout.hulls[pair.second]
        lon, lat = scenery.scene.grid.lonlat(
            (first.row + second.row) / 2, (first.col + second.col) / 2
        )
        rows.append(
            {
                "pair_id": f"{item_id}_p{index:03d}",
                "item_id": item_id,
                "kind": pair.kind,
                "hull_id_1": _hull_id(item_id, pair.first),
                "hull_id_2": _hull_id(item_id, pair.second),
                "gap_m": pair.gap_m,
                "center_distance_m": pair.center_distance_m,
                "lon": float(lon),
                "lat": float(lat),
            }
        )
    return rows


def _other_rows(scenery: Scenery) -> list[Row]:
    structures = scenery.layout.structures
    rows = []
    for i, each in enumerate(structures):
        row = _other_row(scenery, i, each.kind, each, f"f{each.farm:03d}")
        # A tower is imaged along its height.
        rows.append(row | {"length_m": max(each.length_m, each.height_m)})
    for i, ghost in enumerate(scenery.ghosts, len(structures)):
        row = _other_row(scenery, i, "ambiguity", ghost, f"a{i:03d}")
        rows.append(row | {"snr_db": ghost.snr_db})
    return rows


def _other_row(
    scenery: Scenery, index: int, kind: str, thing: Structure | Ghost, group: str
) -> Row:
    lon, lat = scenery.scene.grid.lonlat(thing.row, thing.col)
    return {
        "other_id": f"{scenery.scene.id}_o{index:03d}",
        "item_id": scenery.scene.id,
        "kind": kind,
        "lon": float(lon),
        "lat": float(lat),
        "row": thing.row,
        "col": thing.col,
        "length_m": thing.length_m,
        "width_m": thing.width_m,
        "group_id": f"{scenery.scene.id}_{group}",
        "snr_db": None,
    }


def _scene_rows(scenery: Scenery) -> list[Row]:
    scene = scenery.scene
    order = scene.sea.order if isinstance(scene, RadarScene) else None
    return [
        {
            "item_id": scene.id,
            "collection": scene.collection,
            "sensor": "optical" if order is None else "sar",
            "sea_state": scene.state,
            "k_order": order,
        }
    ]
