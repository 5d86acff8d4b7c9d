"""Items of a stac-geoparquet file, whose rows are items and whose columns are their fields."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from shapely.geometry import mapping

from westsea_catalog.errors import ConfigError
from westsea_catalog.region import Region, rfc3339
from westsea_catalog.stac_item import Item, with_absolute_hrefs, with_collection

BATCH_ROWS = 1024

_REQUIRED = ("id", "geometry", "assets")
_TOP_LEVEL = frozenset(
    {"type", "stac_version", "stac_extensions", "id", "bbox", "geometry", "links", "assets"}
    | {"collection"}
)
_BBOX = ("xmin", "ymin", "xmax", "ymax")


def read_items(path: Path, region: Region) -> Iterator[Item]:
    """Items of the file whose bounding boxes, where it has them, meet the region's.

    Yields
    ------
    Raw items as JSON would have them, hrefs absolute: nulls, which a table needs for what one of
    its rows lacks, are left out, but for a null datetime.

    Raises
    ------
    ConfigError
        Unreadable, not Parquet, or not stac-geoparquet.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check(file.schema_arrow, path)
            for batch in file.iter_batches(BATCH_ROWS):
                for row in _near(batch, region).to_pylist():
                    yield with_absolute_hrefs(with_collection(_item(row), None), str(path))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or 'damaged'}.") from None
    except (pa.ArrowException, shapely.errors.ShapelyError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{path} is not a readable stac-geoparquet file: {reason}.") from None


def _check(schema: pa.Schema, path: Path) -> None:
    missing = [name for name in _REQUIRED if name not in schema.names]
    if missing:
        raise ConfigError(f"{path} is not stac-geoparquet: it has no column {missing[0]}.")
    kind = schema.field("geometry").type
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise ConfigError(f"{path} does not have its geometry as WKB.")


def _near(batch: pa.RecordBatch, region: Region) -> pa.RecordBatch:
    """The rows whose bounding box may meet the region; all of them where there is no such column.

    Only to spare the making of items: what is left is judged by its geometry.
    """
    if "bbox" not in batch.schema.names:
        return batch
    kind = batch.schema.field("bbox").type
    if not pa.types.is_struct(kind) or not set(_BBOX) <= {field.name for field in kind}:
        return batch
    boxes = batch.column(batch.schema.get_field_index("bbox"))
    xmin, ymin, xmax, ymax = (pc.struct_field(boxes, name) for name in _BBOX)
    west, south, east, north = region.bbox
    across = pc.greater(xmin, xmax)
    in_lon = pc.or_(across, pc.and_(pc.less_equal(xmin, east), pc.greater_equal(xmax, west)))
    in_lat = pc.and_(pc.less_equal(ymin, north), pc.greater_equal(ymax, south))
    return batch.filter(pc.fill_null(pc.and_(in_lon, in_lat), True))


def _item(row: dict[str, Any]) -> Item:
    props = {key: value for key, value in row.items() if key not in _TOP_LEVEL}
    item = {key: row[key] for key in _TOP_LEVEL if row.get(key) is not None}
    item = {key: _plain(value) for key, value in item.items() if key not in ("geometry", "bbox")}
    item["type"] = "Feature"
    item["geometry"] = None if row["geometry"] is None else _geojson(row["geometry"])
    box = row.get("bbox")
    if isinstance(box, dict):
        box = [box.get(name) for name in _BBOX]
    if box is not None:
        item["bbox"] = box
    item["properties"] = {"datetime": None, **_plain(props)}
    return item


def _geojson(wkb: bytes) -> dict[str, Any]:
    # Through text: mapping() has tuples where JSON has lists.
    return dict(_plain(mapping(shapely.from_wkb(wkb))))


def _plain(value: Any) -> Any:
    """The value as JSON has it: no nulls in objects, times as text, no bytes."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None and not _is_bytes(v)}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, datetime):
        return rfc3339(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    return value


def _is_bytes(value: Any) -> bool:
    return isinstance(value, bytes)
