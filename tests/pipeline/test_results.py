from dataclasses import replace
from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

from made.rows import scene_tables
from westsea.labels import JOINED
from westsea.objects import Outcome
from westsea.records import Parameters, SceneKey
from westsea.results import Sweep
from westsea.schema import DETECTIONS, PAIRS, SCENES
from westsea.store import Store
from westsea_catalog.errors import ConfigError

PARAMETERS = Parameters("1", {}, None, "coast", "even")
KEYS = [
    SceneKey("sentinel-2-l2a", "b", date(2024, 5, 1), "1"),
    SceneKey("sentinel-1/rtc", "z", date(2024, 5, 3), "2"),
    SceneKey("sentinel-1/rtc", "a", date(2024, 5, 3), "3"),
    SceneKey("sentinel-1/rtc", "_", date(2024, 5, 2), "4"),
]


def tables(key: SceneKey, rows: int) -> dict[str, pa.Table]:
    """Rows against their order in a file; integers are their number, texts begin with the scene."""
    return scene_tables(
        rows,
        key.item_id,
        real=lambda row: float(rows - row),
        integer=rows,
        text=lambda row: f"{key.item_id}{row}",
    )


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store.open(tmp_path, PARAMETERS)
    for rows, key in enumerate(KEYS):
        assert store.commit(key, tables(key, rows)).outcome is Outcome.CREATED
    return store


def test_frames_hold_all_rows_in_stable_order(store, tmp_path):
    sweep = Sweep(tmp_path)
    detections, pairs, scenes = sweep.detections(), sweep.pairs(), sweep.scenes()
    places = list(zip(scenes["collection"], scenes["date"], scenes["item_id"], strict=True))
    assert places == sorted((key.collection, key.date.isoformat(), key.item_id) for key in KEYS)
    assert detections["item_id"].tolist() == ["_"] * 3 + ["a"] * 2 + ["z"]
    assert detections["row"].tolist() == [1, 2, 3, 1, 2, 1]
    assert pairs["pair_id"].tolist() == ["_0", "_1", "_2", "a0", "a1", "z0"]
    for frame, table in ((detections, DETECTIONS), (pairs, PAIRS), (scenes, SCENES)):
        names = [name for name in table.names if name != "bbox"]
        said = JOINED.values() if table is PAIRS else ()
        assert list(frame.columns) == ["collection", "date", *names, *said]
        assert frame.crs == "OGC:CRS84"
        assert frame.geometry.name == table.geometry
        assert isinstance(frame.index, pd.RangeIndex)
    assert scenes.geometry.bounds.to_numpy().tolist() == [[120, 35, 121, 36]] * 4
    assert str(detections["datetime"].dt.tz) == "UTC"
    assert detections["n_hulls"].dtype == pd.Int32Dtype()
    assert detections["flags"].dtype == "int32"
    assert pairs["chip_bounds"].iloc[0].tolist() == [0, 1, 2, 3]


def test_only_committed_scenes_count(store, tmp_path):
    (tmp_path / KEYS[1].table("detections")).unlink()
    sweep = Sweep(tmp_path)
    assert "z" not in set(sweep.pairs()["item_id"])
    assert len(sweep.pairs()) == 5
    assert len(sweep.scenes()) == 3
    (tmp_path / "detections" / "notes.parquet").write_bytes(b"not ours")
    assert len(sweep.detections()) == 5


def test_empty_folder_of_results(tmp_path):
    Store.open(tmp_path, PARAMETERS)
    sweep = Sweep(tmp_path)
    assert len(sweep.detections()) == len(sweep.pairs()) == len(sweep.scenes()) == 0
    assert sweep.detections().crs == "OGC:CRS84"
    assert "length_m" in sweep.detections()
    assert len(sweep.runs()) == len(sweep.failed()) == len(sweep.refused()) == 0
    assert "0 scenes" in repr(sweep)


def test_counts(store, tmp_path):
    store.refuse(SceneKey("c", "r", date(2024, 5, 1), "5"), "HH only")
    store.fail(SceneKey("c", "f", date(2024, 5, 1), "6"), "timeout")
    sweep = Sweep(tmp_path)
    counts = "4 scenes, 6 detections, 6 pairs, 1 refused, 1 failed"
    assert repr(sweep) == f"Sweep({tmp_path}: {counts})"
    html = sweep._repr_html_()
    assert f"<caption>Sweep {tmp_path}</caption>" in html
    assert "<tr><th>pairs</th><td>6</td></tr>" in html


def test_records_of_scenes(store, tmp_path):
    store.refuse(SceneKey("c", "r", date(2024, 5, 1), "5"), "HH only")
    store.fail(SceneKey("c", "f", date(2024, 5, 1), "6"), "timeout")
    store.fail(SceneKey("c", "f", date(2024, 5, 1), "6"), "HTTP 503")
    late = KEYS[0]
    store.fail(late, "a run that was late")  # after the commit
    sweep = Sweep(tmp_path)
    [refused] = sweep.refused().to_dict("records")
    assert (refused["item_id"], refused["reason"]) == ("r", "HH only")
    [failed] = sweep.failed().to_dict("records")
    assert failed == {
        "collection": "c",
        "item_id": "f",
        "date": date(2024, 5, 1),
        "reason": "HTTP 503",
        "attempts": 2,
        "item_hash": "6",
    }


def test_runs_and_parameters(store, tmp_path):
    store.write_run("2024-05-02T00:00", {"done": 3, "conflict": 0})
    store.write_run("2024-05-01T00:00", {"done": 1})
    runs = Sweep(tmp_path).runs()
    assert runs["run_id"].tolist() == ["2024-05-01T00:00", "2024-05-02T00:00"]
    assert runs["done"].tolist() == [1, 3]
    assert Sweep(tmp_path).parameters()["coast"] == "coast"
    assert Sweep(tmp_path).parameters()["params_hash"] == PARAMETERS.hash


def test_what_is_no_sweep_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "absent", tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match="no results of a sweep"):
            Sweep(out)
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("damage", ["missing", "short", "pages"])
def test_damaged_tables_are_told(store, tmp_path, damage):
    path = tmp_path / KEYS[3].table("pairs")
    data = path.read_bytes()
    path.unlink()
    if damage == "short":
        path.write_bytes(data[:-100])
    elif damage == "pages":
        path.write_bytes(data[:4] + bytes(400) + data[404:])
    with pytest.raises(ConfigError, match=r"pairs/.*(missing|damaged)"):
        Sweep(tmp_path).pairs()


def test_damaged_documents_are_told(store, tmp_path):
    store.write_run("r", {})
    for name, read in (("runs/r.json", Sweep.runs), ("sweep.json", Sweep.parameters)):
        for content in ("{", "[]"):
            (tmp_path / name).write_text(content)
            with pytest.raises(ConfigError, match=f"{name} is damaged"):
                read(Sweep(tmp_path))
    record = replace(KEYS[0], item_id="new")
    store.refuse(record, "x")
    (tmp_path / record.record("refused")).write_text("{")
    assert len(Sweep(tmp_path).refused()) == 0
