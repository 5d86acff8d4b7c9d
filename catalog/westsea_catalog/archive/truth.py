"""Truth tables: every planted hull, and every two that lie alongside or close."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from westsea_catalog.archive.layout import Layout
from westsea_catalog.grid import Grid


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


def tables(scenes: Sequence[tuple[str, Grid, Layout]]) -> dict[str, pa.Table]:
    """Tables `hulls` and `pairs` of some scenes, each an item id, its grid and its layout."""
    hulls = [row for scene in scenes for row in _hull_rows(*scene)]
    pairs = [row for scene in scenes for row in _pair_rows(*scene)]
    return {
        "hulls": pa.Table.from_pylist(hulls, schema=HULLS),
        "pairs": pa.Table.from_pylist(pairs, schema=PAIRS),
    }


def _hull_id(item_id: str, index: int) -> str:
    return f"{item_id}_h{index:03d}"


def _hull_rows(item_id: str, grid: Grid, layout: Layout) -> list[dict[str, Any]]:
    rows = []
    for index, planted in enumerate(layout.hulls):
        lon, lat = grid.lonlat(planted.row, planted.col)
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
            }
        )
    return rows


def _pair_rows(item_id: str, grid: Grid, layout: Layout) -> list[dict[str, Any]]:
    rows = []
    for index, pair in enumerate(layout.pairs):
        first, second = layout.hulls[pair.first], layout.hulls[pair.second]
        lon, lat = grid.lonlat((first.row + second.row) / 2, (first.col + second.col) / 2)
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
