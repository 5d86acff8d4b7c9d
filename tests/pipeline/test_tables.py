import json
from datetime import UTC, datetime, timedelta

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from made.rows import WHEN, columns_of
from westsea.schema import DETECTIONS, PAIRS, SCENES, TABLES, Table
from westsea.tables import Provenance, build, count_rows, decode, encode

PROVENANCE = Provenance("1", "abc", "even")
TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def sample(table: Table, rows: int, seed: int = 0) -> dict[str, list[object]]:
    """Columns with anything in them that their types hold."""
    draw = np.random.default_rng(seed)
    return columns_of(
        table,
        rows,
        geometry=lambda _: shapely.to_wkb(shape(table, draw)),
        null=lambda _: draw.random() < 0.3,
        real=lambda _: draw.normal(),
        integer=lambda _: int(draw.integers(0, 1 << 14)),
        truth=lambda _: bool(draw.random() < 0.5),
        time=lambda _: WHEN + timedelta(seconds=draw.random() * 1e6),
        window=lambda _: draw.integers(0, 1000, 4).tolist(),
        text=lambda _: str(draw.integers(0, 1 << 60)),
    )


def shape(table: Table, draw: np.random.Generator) -> shapely.Geometry:
    x, y = draw.uniform(-179, 179), draw.uniform(-80, 80)
    if table is SCENES:
        return shapely.box(x, y, x + 1, y + 1)
    if table is PAIRS and draw.random() < 0.5:
        return shapely.LineString([(x, y), (x + 0.1, y - 0.1)])
    return shapely.Point(x, y)


@TABLE
@given(rows=st.integers(0, 20), seed=st.integers(0, 1 << 32))
def test_round_trip_and_row_order(table, rows, seed):
    columns = sample(table, rows, seed)
    data = encode(table, build(table, columns), PROVENANCE)
    back = decode(data)
    assert back.schema.equals(table.schema, check_metadata=False)
    assert back.schema.field(table.id).metadata[b"meaning"]
    assert count_rows(data) == rows

    order = sorted(range(rows), key=lambda i: tuple(columns[name][i] for name in table.sort_by))
    for name, values in columns.items():
        assert back[name].to_pylist() == [values[i] for i in order]

    shuffled = np.random.default_rng(seed + 1).permutation(rows)
    again = {name: [values[i] for i in shuffled] for name, values in columns.items()}
    assert encode(table, build(table, again), PROVENANCE) == data


@TABLE
def test_bytes_do_not_depend_on_how_the_rows_came(table):
    columns = sample(table, 30)
    rows = build(table, columns)
    pieces = pa.concat_tables([rows.slice(20), rows.slice(7, 13), rows.slice(0, 7)])
    assert encode(table, pieces, PROVENANCE) == encode(table, rows, PROVENANCE)
    other = Provenance("2", "abc", "even")
    assert encode(table, rows, other) != encode(table, rows, PROVENANCE)


@TABLE
@pytest.mark.parametrize("rows", [0, 3])
def test_metadata(table, rows):
    data = encode(table, build(table, sample(table, rows)), PROVENANCE)
    metadata = pq.read_metadata(pa.BufferReader(data)).metadata
    assert metadata[b"algorithm_version"] == b"1"
    assert metadata[b"params_hash"] == b"abc"
    assert metadata[b"prior"] == b"even"
    assert b"pandas" not in metadata
    geo = json.loads(metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert column["encoding"] == "WKB"
    assert "crs" not in column  # the default, OGC:CRS84
    assert column["covering"]["bbox"]["ymax"] == ["bbox", "ymax"]
    groups = pq.read_metadata(pa.BufferReader(data))
    if rows:
        assert groups.row_group(0).column(0).compression == "ZSTD"


@TABLE
@pytest.mark.parametrize("rows", [0, 5])
def test_others_read_the_files(table, rows, tmp_path):
    folder = tmp_path / table.name / "collection=sentinel-1-rtc" / "date=2024-05-01"
    folder.mkdir(parents=True)
    data = encode(table, build(table, sample(table, rows)), PROVENANCE)
    (folder / "a.parquet").write_bytes(data)

    frame = gpd.read_parquet(folder / "a.parquet")
    assert len(frame) == rows
    assert frame.crs == "OGC:CRS84"
    assert frame.geometry.name == table.geometry
    assert len(gpd.read_parquet(folder / "a.parquet", bbox=(-180, -90, 180, 90))) == rows

    dataset = ds.dataset(tmp_path / table.name, partitioning="hive").to_table()
    assert len(dataset) == rows
    assert {"collection", "date", *table.names} == set(dataset.column_names)

    # No extension: loading one would need the network.
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    found = connection.execute(
        f"select collection, date, {table.id}, {table.geometry}, bbox.xmin"
        f" from read_parquet('{tmp_path}/{table.name}/**/*.parquet', hive_partitioning=true)"
    ).fetchall()
    assert len(found) == rows
    assert {row[0] for row in found} <= {"sentinel-1-rtc"}


def test_numpy_columns_and_nan_as_null():
    columns = sample(PAIRS, 2)
    columns |= {
        "length_m_1": np.array([np.nan, 90.0]),
        "n_neighbors_5km": np.array([1, 2]),  # int64
        "datetime": np.array(["2024-05-01T10:00", "2024-05-01T11:00"], "M8[us]"),
        "chip_bounds": np.arange(8).reshape(2, 4),
        "kind": np.array(["close", "alongside"]),
    }
    rows = build(PAIRS, columns)
    assert rows["length_m_1"].to_pylist() == [None, 90.0]
    assert rows["chip_bounds"].to_pylist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert rows["datetime"][0].as_py() == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert rows["kind"].to_pylist() == ["close", "alongside"]


def test_bbox_covers_the_geometry():
    columns = sample(PAIRS, 1)
    columns["geometry"] = [shapely.to_wkb(shapely.LineString([(3, 1), (2, 5)]))]
    box = build(PAIRS, columns)["bbox"][0].as_py()
    assert box == {"xmin": 2.0, "ymin": 1.0, "xmax": 3.0, "ymax": 5.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flags": [None]}, "flags must not be null"),
        ({"nearest_third_m": [float("nan")]}, "nearest_third_m must not be NaN"),
        ({"kind": [3.5]}, "pairs.kind"),
        ({"flags": [1 << 40]}, "pairs.flags"),
        ({"surprise": [1]}, "unknown \\['surprise'\\]"),
        ({"chip_bounds": [[1, 2, 3]]}, "chip_bounds"),
    ],
)
def test_wrong_rows_are_told(change, message):
    with pytest.raises(ValueError, match=message):
        build(PAIRS, sample(PAIRS, 1) | change)


def test_missing_column_is_told():
    columns = sample(PAIRS, 1)
    del columns["score"]
    with pytest.raises(ValueError, match="missing \\['score'\\]"):
        build(PAIRS, columns)


def test_repeated_ids_and_foreign_schemas_are_told():
    columns = sample(DETECTIONS, 2)
    columns["detect_id"] = ["a", "a"]
    with pytest.raises(ValueError, match="detect_id repeats"):
        encode(DETECTIONS, build(DETECTIONS, columns), PROVENANCE)
    with pytest.raises(ValueError, match="schema"):
        encode(PAIRS, build(DETECTIONS, columns), PROVENANCE)


def test_statistics_of_a_scene_without_sea_may_be_nan():
    columns = sample(SCENES, 1) | {"enl": [float("nan")], "k_order": [float("inf")]}
    back = decode(encode(SCENES, build(SCENES, columns), PROVENANCE))
    assert np.isnan(back["enl"][0].as_py())
    assert back["k_order"].to_pylist() == [float("inf")]
