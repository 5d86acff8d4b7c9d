"""Files of every format hold the same rows and values when others open them."""

import csv
import json
import zipfile
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from westsea.export.export import export
from westsea.plain import cut_at_180
from westsea.results import Sweep
from westsea_catalog.errors import ConfigError, UsageError

TABLES = {"pairs": "pair_id", "detections": "detect_id", "scenes": "item_id"}
KML = "{http://www.opengis.net/kml/2.2}"
# What begins with these is run by spreadsheets.
FORMULAS = set("=+-@\t\r\n")


def as_text(values):
    return ["" if value is None or value is pd.NA else str(value) for value in values]


def check_same(read, sweep_frame, name):
    """The same rows, whatever their order, and the same values."""
    read = read.set_index(name).loc[sweep_frame[name]]
    assert len(read) == len(sweep_frame)
    for column in sweep_frame.columns.drop([name, sweep_frame.geometry.name]):
        wanted = sweep_frame[column]
        found = read[column]
        if isinstance(wanted.dtype, pd.DatetimeTZDtype):
            assert (pd.to_datetime(found).array == wanted.array)[wanted.notna()].all()
        elif pd.api.types.is_numeric_dtype(wanted.dtype):
            wanted, found = (x.to_numpy(float, na_value=np.nan) for x in (wanted, found))
            wanted = np.where(np.isinf(wanted) & np.isnan(found), np.nan, wanted)
            # GDAL writes 15 digits to JSON where those are as near as 17.
            np.testing.assert_allclose(found, wanted, rtol=1e-15, err_msg=column)
        elif len(wanted) and isinstance(wanted.iloc[0], np.ndarray):
            assert as_text(found) == [",".join(map(str, v)) for v in wanted]
        elif column == "date":  # readers of GeoJSON make times of dates
            assert [str(day)[:10] for day in found] == list(wanted)
        else:
            assert as_text(found) == as_text(wanted), column


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("suffix", ["geojson", "fgb", "gpkg"])
def test_vector_formats_hold_the_same(out, tmp_path, suffix, table):
    path = tmp_path / f"file.{suffix}"
    frame = getattr(Sweep(out), table)()
    assert export(out, path, table=table) == len(frame)
    read = gpd.read_file(path)
    assert read.crs.to_epsg() == 4326
    check_same(read, frame, TABLES[table])
    read = read.set_index(TABLES[table]).loc[frame[TABLES[table]]]
    wanted = cut_at_180(frame.geometry.to_numpy())
    distance = shapely.hausdorff_distance(read.geometry.to_numpy(), wanted)
    assert distance.max() < 1e-7
    west, _, east, _ = shapely.bounds(shapely.get_parts(read.geometry.to_numpy())).T
    assert (east - west).max() < 2


@pytest.mark.parametrize("table", TABLES)
def test_parquet_holds_all_as_it_is(out, tmp_path, table):
    path = tmp_path / "file.parquet"
    frame = getattr(Sweep(out), table)()
    export(out, path, table=table)
    read = gpd.read_parquet(path)
    pd.testing.assert_frame_equal(
        pd.DataFrame(read.drop(columns=read.geometry.name)),
        pd.DataFrame(frame.drop(columns=frame.geometry.name)),
        check_dtype=False,
    )
    assert (read.geometry.to_wkb() == frame.geometry.to_wkb()).all()
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"][read.geometry.name]["covering"]["bbox"]
    box = (119, 35, 121, 37)
    assert len(gpd.read_parquet(path, bbox=box)) < len(frame)


@pytest.mark.parametrize("table", TABLES)
def test_csv_holds_the_same_and_runs_nothing(out, tmp_path, table, hostile):
    path = tmp_path / "file.csv"
    frame = getattr(Sweep(out), table)()
    export(out, path, table=table)
    with path.open(newline="", encoding="utf-8") as file:
        header, *cells = csv.reader(file)
    columns = dict(zip(header, zip(*cells, strict=True), strict=True))
    for name, values in columns.items():
        if name in frame and pd.api.types.is_numeric_dtype(frame[name].dtype):
            read = np.array([float(v or "nan") for v in values])
            np.testing.assert_array_equal(read, frame[name].to_numpy(float, na_value=np.nan))
        else:
            assert not any(v[:1] in FORMULAS for v in values if v), name
    assert set(columns["item_id"]) == {
        f"'{name}" if name[0] in FORMULAS else name for name in {*hostile, "antimeridian"}
    }
    read = pd.read_csv(path, float_precision="round_trip")
    assert len(read) == len(frame)
    if table == "scenes":
        assert shapely.from_wkt(read["footprint"].iloc[0]).geom_type == "Polygon"
    else:
        assert (read["lon"] == frame["lon"]).all()


@pytest.mark.parametrize("table", TABLES)
def test_kmz_opens_and_shows_texts_as_texts(out, tmp_path, table, hostile):
    path = tmp_path / "file.kmz"
    frame = getattr(Sweep(out), table)()
    export(out, path, table=table)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["doc.kml", "files/dot.png"]
        text = archive.read("doc.kml")
    (tmp_path / "doc.kml").write_bytes(text)
    read = pyogrio.read_dataframe(tmp_path / "doc.kml")
    assert len(read) == len(frame)
    wanted = cut_at_180(frame.geometry.to_numpy())
    distance = shapely.hausdorff_distance(shapely.force_2d(read.geometry.to_numpy()), wanted)
    assert distance.max() < 1e-6
    marks = ET.fromstring(text).iter(f"{KML}Placemark")
    for mark, row in zip(marks, frame.to_dict("records"), strict=True):
        data = {each.get("name"): each[0].text for each in mark.iter(f"{KML}Data")}
        assert data["date"] == row["date"]
        assert "<" not in data["item_id"]
        if table == "pairs":
            assert float(data["score"]) == row["score"]
            doubted = row["flags"] & 255
            assert mark.find(f"{KML}styleUrl").text == ("#doubted" if doubted else "#clear")
        if table != "scenes":
            told = mark.find(f"{KML}description").text
            assert told.startswith("<p>No chip: No item of this scene is kept")
            assert "<script" not in told
            assert "<b>" not in told
    # Bidirectional overrides would reorder what a reader sees.
    assert "\u202e" not in text.decode()
    assert "&amp;lt;script" in text.decode()


@pytest.mark.parametrize("suffix", ["geojson", "kmz", "fgb", "gpkg", "csv", "parquet"])
def test_tables_without_rows_are_files_too(empty, tmp_path, suffix):
    for table in TABLES:
        path = tmp_path / f"{table}.{suffix}"
        assert export(empty, path, table=table) == 0
        if suffix == "csv":
            assert len(pd.read_csv(path)) == 0
        elif suffix == "parquet":
            assert len(gpd.read_parquet(path)) == 0
        elif suffix != "kmz":
            assert len(gpd.read_file(path)) == 0


def test_geojson_is_rfc_7946(out, tmp_path):
    export(out, tmp_path / "a.geojson", table="scenes")
    found = json.loads((tmp_path / "a.geojson").read_text())
    assert "crs" not in found
    at_180 = next(
        f for f in found["features"] if f["properties"]["item_id"] == "antimeridian"
    )  # fmt: skip
    assert at_180["geometry"]["type"] == "MultiPolygon"
    assert at_180["properties"]["k_order"] is None
    assert at_180["properties"]["datetime"] == "2024-05-01T02:03:04.567000Z"
    for feature in found["features"]:
        for part in shapely.get_parts(shapely.geometry.shape(feature["geometry"])):
            assert part.exterior.is_ccw
            assert -180 <= part.bounds[0] <= part.bounds[2] <= 180


def test_shapes_across_180_are_cut():
    line = shapely.LineString([(179.5, 10), (-179.5, 11)])
    plain = shapely.LineString([(10, 10), (11, 11)])
    polygon = shapely.Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)])
    cut = cut_at_180(np.array([line, plain, polygon], object))
    assert cut[0].geom_type == "MultiLineString"
    assert cut[0].length == pytest.approx(np.hypot(1, 1))
    assert cut[1] == plain
    assert cut[2].geom_type == "MultiPolygon"
    assert cut[2].area == pytest.approx(2)
    again = cut_at_180(cut)
    assert [a.equals(b) for a, b in zip(again, cut, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.shp", r"no suffix that is known: take one of \.geojson, \.kmz"),
        ("a.geosjon", r"did you mean \.geojson\?"),
        ("a", "no suffix"),
        ("none/a.csv", "no folder"),
    ],
)
def test_what_cannot_be_written_is_told(out, tmp_path, name, said):
    with pytest.raises(UsageError, match=said):
        export(out, tmp_path / name)


def test_nothing_is_overwritten_unasked(out, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    with pytest.raises(UsageError, match="--overwrite"):
        export(out, path)
    assert path.read_text() == "mine"
    export(out, path, overwrite=True)
    assert path.read_text().startswith('"collection","date"')
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        export(out, tmp_path / "folder.csv", overwrite=True)


def test_a_writer_that_fails_leaves_nothing(out, tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("mine")

    def fail(self, target, **_):
        target.write_text("half")
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(ConfigError, match=r"a\.csv cannot be written \(Permission denied\)"):
        export(out, path, overwrite=True)
    assert path.read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.csv", "out"]


def test_the_same_rows_give_the_same_bytes(out, tmp_path):
    for suffix in ("geojson", "kmz", "fgb", "csv", "parquet"):
        for k in (1, 2):
            export(out, tmp_path / f"{k}.{suffix}")
        assert (tmp_path / f"1.{suffix}").read_bytes() == (tmp_path / f"2.{suffix}").read_bytes()


def test_the_command(cli, out, tmp_path):
    done = cli("export", out, tmp_path / "a.fgb", "--table", "detections")
    assert (done.code, done.out) == (0, f"{tmp_path / 'a.fgb'}\n")
    assert "30 detections" in done.err
    done = cli("export", out, tmp_path / "a.fgb")
    assert done.code == 2
    assert "--overwrite" in done.err
    assert cli("export", tmp_path, tmp_path / "b.csv").code == 4
    assert cli("export", out, tmp_path / "b.csv", "--table", "ships").code == 2
