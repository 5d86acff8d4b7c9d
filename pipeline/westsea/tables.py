"""Rows to GeoParquet bytes and back.

The bytes depend on the rows and the `Provenance` alone: rows are sorted, and no clock, host or
order of arrival gets in. Two runs of one environment write the same bytes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from westsea.schema import Table

ROW_GROUP_ROWS = 65_536
"""Fixed, so that a change of pyarrow's default does not change the bytes."""

FEW_ROWS = 64
"""Tables of so many rows have no dictionaries: of so few values they make a file larger, and it
takes half as long again to write."""

BBOX = "bbox"
_SIDES = ("xmin", "ymin", "xmax", "ymax")

_REAL = pa.float64()
"""The only type of the tables that has NaN."""

Values = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True)
class Provenance:
    """What made the numbers; written into the metadata of every file."""

    algorithm_version: str
    params_hash: str
    prior: str


def build(table: Table, columns: Mapping[str, Values]) -> pa.Table:
    """Rows of `table` from one sequence per column.

    Parameters
    ----------
    table
        The table.
    columns
        All columns of the table but `bbox`, which follows from the geometry (WKB). NaN in a
        nullable column means null.

    Returns
    -------
    Arrow table with the declared schema, rows as given.

    Raises
    ------
    ValueError
        If the columns are not those of the table, or a column holds a null, a NaN or a value of
        another type where the declaration does not allow it.
    """
    given, wanted = set(columns), set(table.names) - {BBOX}
    if given != wanted:
        raise ValueError(
            f"{table.name}: missing {sorted(wanted - given)}, unknown {sorted(given - wanted)}"
        )
    arrays = []
    for column in table.columns:
        if column.name == BBOX:
            arrays.append(_boxes(columns[table.geometry], column.dtype))
            continue
        values = columns[column.name]
        if isinstance(values, np.ndarray) and values.ndim == 2:
            values = values.tolist()
        try:
            arrays.append(pa.array(values, column.dtype, from_pandas=column.nullable))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise ValueError(f"{table.name}.{column.name}: {error}") from error
    rows = pa.Table.from_arrays(arrays, schema=table.schema)
    _check(table, rows)
    return rows


def encode(
    table: Table, rows: pa.Table, provenance: Provenance, notes: Mapping[str, str] | None = None
) -> bytes:
    """A GeoParquet 1.1 file of rows that `build` made, sorted; plain Parquet without a geometry.

    notes : more for the file's metadata.

    Raises
    ------
    ValueError
        If `rows` does not have the declared schema, or its id column repeats a value.
    """
    if not rows.schema.equals(table.schema):
        raise ValueError(f"{table.name}: the rows do not have the declared schema")
    if not len(rows) and not notes:
        return _empty(table, provenance)
    return _written(table, _sorted(table, rows), provenance, notes)


def _sorted(table: Table, rows: pa.Table) -> pa.Table:
    if table.id and len(pc.unique(rows[table.id])) != len(rows):
        raise ValueError(f"{table.name}: {table.id} repeats a value")
    if len(rows) > 1:
        rows = rows.sort_by([(name, "ascending") for name in table.sort_by])
    return rows.combine_chunks()


@lru_cache(maxsize=16)
def _empty(table: Table, provenance: Provenance) -> bytes:
    """The file without rows, which most scenes have of pairs."""
    return _written(table, table.schema.empty_table(), provenance)


def _written(
    table: Table,
    rows: pa.Table,
    provenance: Provenance,
    notes: Mapping[str, str] | None = None,
) -> bytes:
    sink = pa.BufferOutputStream()
    schema = _file_schema(table, provenance)
    if notes:
        schema = schema.with_metadata({**schema.metadata, **notes})
    with pq.ParquetWriter(
        sink,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=len(rows) > FEW_ROWS,
    ) as writer:
        writer.write_table(
            rows.replace_schema_metadata(writer.schema.metadata), row_group_size=ROW_GROUP_ROWS
        )
    data: bytes = sink.getvalue().to_pybytes()
    return data


@lru_cache(maxsize=16)
def _file_schema(table: Table, provenance: Provenance) -> pa.Schema:
    """The declared schema with the metadata of a file."""
    geo = {"geo": json.dumps(_geo(table), sort_keys=True)} if table.geometry else {}
    metadata = {**geo, **asdict(provenance)}
    return table.schema.with_metadata(metadata)


def decode(data: bytes) -> pa.Table:
    """The rows of a file that `encode` made; raises `pyarrow.ArrowInvalid` on anything else."""
    return pq.ParquetFile(pa.BufferReader(data)).read()


def count_rows(data: bytes) -> int:
    """Rows of a file that `encode` made, from its footer alone."""
    return int(pq.read_metadata(pa.BufferReader(data)).num_rows)


def _boxes(geometry: Values, dtype: pa.DataType) -> pa.Array:
    shapes = shapely.from_wkb(np.asarray(geometry, dtype=object))
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    return pa.StructArray.from_arrays(
        [pa.array(side) for side in bounds.T.copy()], fields=list(dtype)
    )


def _check(table: Table, rows: pa.Table) -> None:
    """Nulls and NaN only where declared: readers such as pandas turn NaN into null."""
    for column, values in zip(table.columns, rows.itercolumns(), strict=True):
        if not column.nullable and values.null_count:
            raise ValueError(f"{table.name}.{column.name} must not be null")
        if (
            column.dtype == _REAL
            and column.name not in table.may_be_nan
            and any(chunk.true_count for chunk in pc.is_nan(values).chunks)
        ):
            raise ValueError(f"{table.name}.{column.name} must not be NaN")


def _geo(table: Table) -> dict[str, Any]:
    """The `geo` metadata; without a `crs` it means OGC:CRS84."""
    return {
        "version": "1.1.0",
        "primary_column": table.geometry,
        "columns": {
            table.geometry: {
                "encoding": "WKB",
                "geometry_types": list(table.geometry_types),
                "covering": {"bbox": {side: [BBOX, side] for side in _SIDES}},
            }
        },
    }
