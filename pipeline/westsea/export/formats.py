"""The formats that results are exported to, by suffix."""

import csv
import difflib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np

from westsea.export.kmz import write_kmz
from westsea.plain import plain, texts, with_times_as_texts
from westsea_catalog.errors import UsageError

Writer = Callable[[gpd.GeoDataFrame, Path, str], None]
"""Writes a frame into a file that is not there yet; the name is that of the table."""

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Cells that spreadsheets run begin with one of these."""


def writer_for(path: Path) -> Writer:
    """The writer for a file's suffix.

    Raises
    ------
    UsageError
        There is none.
    """
    suffix = path.suffix.lower()
    if suffix in WRITERS:
        return WRITERS[suffix]
    near = difflib.get_close_matches(suffix, WRITERS, 1) if suffix else []
    meant = f" (did you mean {near[0]}?)" if near else ""
    raise UsageError(
        f"{path.name!r} has no suffix that is known{meant}: take one of {', '.join(WRITERS)}, or"
        " collection.json for a STAC collection."
    )


def write_csv(frame: gpd.GeoDataFrame, path: Path, _table: str) -> None:
    """Comma-separated UTF-8; lon and lat tell the place, or a footprint as WKT.

    A text that a spreadsheet would run as a formula begins with an apostrophe; numbers stay
    numbers.
    """
    rows = with_times_as_texts(plain(frame))
    outlines = rows.geometry.to_wkt(rounding_precision=7)
    table = rows.drop(columns=rows.geometry.name)
    if "lon" not in table:
        table[rows.geometry.name] = outlines
    for name in texts(table):
        table[name] = table[name].map(_defused, na_action="ignore")
    # All texts in quotes: alone, a carriage return would end a line without any.
    table.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")


def write_parquet(frame: gpd.GeoDataFrame, path: Path, _table: str) -> None:
    """One GeoParquet 1.1 file with all values as they are."""
    frame.to_parquet(
        path,
        index=False,
        compression="zstd",
        schema_version="1.1.0",
        write_covering_bbox=True,
    )


def write_geojson(frame: gpd.GeoDataFrame, path: Path, table: str) -> None:
    """RFC 7946: degrees to 7 decimals, cut at 180; what JSON has no number for is null."""
    rows = with_times_as_texts(plain(frame))
    reals = rows.select_dtypes("floating").columns
    rows[reals] = rows[reals].replace([np.inf, -np.inf], np.nan)
    _write(rows, path, table, "GeoJSON", RFC7946="YES")


def write_flatgeobuf(frame: gpd.GeoDataFrame, path: Path, table: str) -> None:
    """FlatGeobuf with its index; times to the millisecond."""
    _write(plain(frame), path, table, "FlatGeobuf")


def write_geopackage(frame: gpd.GeoDataFrame, path: Path, table: str) -> None:
    """A GeoPackage of one layer, named as the table; times to the millisecond."""
    _write(plain(frame), path, table, "GPKG")


def _write(rows: gpd.GeoDataFrame, path: Path, layer: str, driver: str, **options: str) -> None:
    # Pairs are lines or points, which a layer may hold side by side.
    kinds = set(rows.geometry.geom_type)
    kind = {"geometry_type": "Unknown"} if len(kinds) != 1 else {}
    with warnings.catch_warnings():
        # Of a layer without rows, of which no type is known.
        warnings.filterwarnings("ignore", "A geometry of type", RuntimeWarning)
        rows.to_file(
            path, driver=driver, layer=layer, engine="pyogrio", index=False, **kind, **options
        )


def _defused(value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(FORMULAS)
    return f"'{value}" if is_formula else value


WRITERS: Mapping[str, Writer] = {
    ".geojson": write_geojson,
    ".kmz": write_kmz,
    ".fgb": write_flatgeobuf,
    ".gpkg": write_geopackage,
    ".csv": write_csv,
    ".parquet": write_parquet,
}
