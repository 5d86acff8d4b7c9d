"""Valid rows of any table, from what the schema declares of its columns.

A value is given by the kind of its column, as such or as a function of the row's number.
"""

from datetime import UTC, datetime

import pyarrow as pa
import shapely

from westsea.schema import SCENES, TABLES
from westsea.tables import BBOX, build

WHEN = datetime(2024, 5, 1, tzinfo=UTC)
SHAPES = {
    "Point": shapely.Point(120, 35),
    "LineString": shapely.LineString([(120, 35), (120.001, 35)]),
    "Polygon": shapely.box(120, 35, 121, 36),
}
KINDS = {
    "geometry": pa.types.is_binary,
    "real": pa.types.is_floating,
    "integer": pa.types.is_integer,
    "truth": pa.types.is_boolean,
    "time": pa.types.is_timestamp,
    "window": pa.types.is_fixed_size_list,
    "texts": pa.types.is_list,
    "text": pa.types.is_string,
}
PLAIN = {
    "real": 0.5,
    "integer": 3,
    "truth": True,
    "time": WHEN,
    "window": [0, 1, 2, 3],
    "texts": ["VV", "VH"],
    "text": str,
}
NOTHING = PLAIN | {"real": 0.0, "integer": 0, "window": [0, 1, 0, 1], "text": "", "null": True}


def columns_of(table, count, **values):
    """Columns for `build`: values by kind, else plain ones.

    null : whether what may be null is null, in a row or in all.
    """
    values = {"null": False} | PLAIN | _place(table) | values
    return {
        column.name: [_cell(column, values, row) for row in range(count)]
        for column in table.columns
        if column.name != BBOX
    }


def rows_of(table, *given):
    """Rows of which some columns are given; the others say nothing."""
    columns = columns_of(table, len(given), **NOTHING)
    return build(
        table,
        {
            name: [row.get(name, value) for row, value in zip(given, nothing, strict=True)]
            for name, nothing in columns.items()
        },
    )


def scene_tables(count, item_id="item", **values):
    """Tables of a scene with so many detections and as many pairs."""
    made = {}
    for name, table in TABLES.items():
        n = 1 if table is SCENES else count
        columns = columns_of(table, n, **values) | {"item_id": [item_id] * n}
        made[name] = build(table, columns)
    return made


def _place(table):
    return {"geometry": shapely.to_wkb(SHAPES[table.geometry_types[0]])} if table.geometry else {}


def _cell(column, values, row):
    if column.nullable and _of(values["null"], row):
        return None
    kind = next(kind for kind, is_kind in KINDS.items() if is_kind(column.dtype))
    return _of(values[kind], row)


def _of(value, row):
    return value(row) if callable(value) else value
