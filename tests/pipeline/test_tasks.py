import json
import pickle
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio

from westsea import tasks
from westsea.api import plan
from westsea.detector import Detector
from westsea.records import (
    Failure,
    Parameters,
    Refusal,
    SceneKey,
    Status,
    Verdict,
)
from westsea.runner import parameters
from westsea.store import Store
from westsea.tasks import (
    Cost,
    Job,
    Meter,
    SceneResult,
    judge_scene,
    process_scene,
    settle,
    summarise_chunk,
)
from westsea_catalog.archive.writer import write_cog
from westsea_catalog.coast import Coast
from westsea_catalog.errors import ConfigError, FailedScene, RefusedScene, UpstreamError
from westsea_catalog.search import items_from

KEY = SceneKey("c", "S1A", date(2017, 10, 19), "hash")


@pytest.fixture
def jobs(archive):
    """Jobs of all scenes, cut into several chunks each."""
    items = [
        item for path in sorted(archive.parent.glob("*/*/*.json")) for item in items_from(path)
    ]
    planned = plan(items, catalog=str(archive), chunk=(256, 256))
    coast = Coast.shipped()
    return [Job.of(each, coast, planned.aoi, Detector()) for each in planned.scenes]


def open_store(folder):
    return Store.open(folder, parameters(Detector(), None, Coast.shipped()))


def tables(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.parquet")}


def test_a_job_leaves_the_item_behind_and_travels_light(jobs):
    for job in jobs:
        assert job.scene.item == {}
        assert job.key.item_hash != SceneKey.of(job.scene).item_hash
        assert len(pickle.dumps(job)) < 8000
        assert pickle.loads(pickle.dumps(job)) == job


def test_chunk_by_chunk_and_in_one_go_are_the_same(jobs, tmp_path):
    whole, apart = open_store(tmp_path / "whole"), open_store(tmp_path / "apart")
    verdicts = []
    for job in jobs:
        first = process_scene(job, whole)
        # Chunks arrive in any order, from other processes.
        parts = [pickle.loads(pickle.dumps(summarise_chunk(job, each))) for each in job.chunks]
        second = judge_scene(job, parts[::-1], apart)
        assert second.verdict == first.verdict
        assert second.receipt == first.receipt
        verdicts.append(first.verdict)
    assert tables(tmp_path / "whole") == tables(tmp_path / "apart")
    assert sorted(verdicts) == [Verdict.DONE] * 3 + [Verdict.EMPTY]


def test_a_result_tells_what_was_committed(jobs, tmp_path):
    store = open_store(tmp_path)
    result = process_scene(jobs[0], store)
    assert result.rows("detections") == result.receipt.rows["detections"] > 0
    assert result.rows("scenes") == 1
    assert not result.is_conflict
    assert 0 < result.seconds < 60
    assert store.status(jobs[0].key) is Status.DONE
    other = replace(jobs[0], detector=Detector(false_alarm_rate=1e-9, growth_rate=1e-4))
    assert process_scene(other, store).is_conflict
    assert not process_scene(jobs[0], store).is_conflict


def test_a_cost_is_of_what_was_read_and_waited_for_meanwhile():
    pixels = SimpleNamespace(n_bytes=7, waited=1.5)
    meter = Meter(pixels)
    assert meter.cost(judge=2.0) == Cost(0, {"judge": 2.0})
    pixels.n_bytes, pixels.waited = 12, 2.0
    assert meter.cost(judge=2.0) == Cost(5, {"judge": 2.0, "wait": 0.5})


def test_a_worker_has_its_kernels_before_it_says_that_it_begins(jobs, tmp_path, monkeypatch):
    done = []
    worker = SimpleNamespace(
        address="tcp://127.0.0.1:1",
        get_current_task=lambda: "task",
        log_event=lambda topic, start: done.append((topic, start["scene"])),
    )
    monkeypatch.setattr(tasks, "get_worker", lambda: worker)
    monkeypatch.setattr(tasks, "compile_once", lambda: done.append("compiled"))
    process_scene(jobs[0], open_store(tmp_path))
    assert done == ["compiled", (tasks.STARTS, jobs[0].key.journal)]


def test_a_scene_without_data_is_refused(own_archive, tmp_path):
    [path] = own_archive.parent.glob("sentinel-2*/*/*.json")
    [planned] = plan(path).scenes
    grid = planned.scene.grid
    write_cog(path.parent / "B08.tif", np.zeros(grid.shape, np.uint16), grid, nodata=0)
    job = Job.of(planned, Coast.shipped(), None, Detector())
    with pytest.raises(RefusedScene, match=f"{planned.scene.id} holds no data in the area asked"):
        process_scene(job, open_store(tmp_path / "out"))


# What is said of a result


@pytest.mark.parametrize(
    ("verdict", "reason", "said"),
    [
        (Verdict.SKIPPED, "", "skipped: S1A"),
        (Verdict.REFUSED, "S1A has HH only.", "refused: S1A has HH only."),
        (Verdict.FAILED, "VV.tif: 503.", "failed: S1A: VV.tif: 503."),
    ],
)
def test_a_result_in_a_line(verdict, reason, said):
    assert str(SceneResult(KEY, verdict, reason)) == said


# What becomes of errors


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path, Parameters("1", {}, None, "coast", "even"))


def test_a_refused_scene_is_noted_as_such(store):
    result = settle(KEY, RefusedScene("S1A has HH only."), store)
    assert (result.verdict, result.reason) == (Verdict.REFUSED, "S1A has HH only.")
    assert store.status(KEY) is Status.REFUSED
    assert store._read(KEY.record("refused"), Refusal).reason == "S1A has HH only."


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FailedScene("VV.tif could not be read."), "VV.tif could not be read."),
        (IndexError("at 3"), "IndexError: at 3"),
        (MemoryError(), "MemoryError: "),
        (OSError("one\ntwo \x1b[2J"), r"OSError: one\x0atwo \x1b[2J"),
    ],
)
def test_what_a_retry_may_mend_is_noted_as_failed(store, error, reason):
    result = settle(KEY, error, store)
    assert (result.verdict, result.reason) == (Verdict.FAILED, reason)
    assert store.status(KEY) is Status.FAILED
    assert store._read(KEY.record("failed"), Failure).reason == reason


def test_a_reason_is_never_endless(store):
    assert len(settle(KEY, ValueError("x" * 10**6), store).reason) < 400


@pytest.mark.parametrize("error", [ConfigError("read-only"), UpstreamError("disk full")])
def test_what_concerns_every_scene_ends_the_run(store, error):
    with pytest.raises(type(error)):
        settle(KEY, error, store)
    assert store.status(KEY) is Status.NEW


def optical_jobs(catalog, baseline, added):
    """The job of the optical scene, of another baseline, with so much added to its files."""
    [path] = catalog.parent.glob("sentinel-2*/*/*.json")
    [planned] = plan(path, chunk=(256, 256)).scenes
    for asset in (*planned.scene.bands, *planned.scene.extras):
        if asset.name == "SCL" or not added:
            continue
        with rasterio.open(asset.source) as file:
            pixels = file.read(1)
        pixels[pixels > 0] += added
        grid = planned.scene.grid.coarsened(asset.factor)
        write_cog(path.parent / f"{asset.key}.tif", pixels, grid, nodata=0)
    item = json.loads(path.read_text())
    item["properties"]["s2:processing_baseline"] = baseline
    path.write_text(json.dumps(item))
    [planned] = plan(path, chunk=(256, 256)).scenes
    assert planned.scene.baseline == baseline
    job = Job.of(planned, Coast.shipped(), None, Detector())
    # The scenes table names it, and nothing else may differ.
    return replace(job, scene=replace(job.scene, baseline=None))


def test_what_baselines_add_changes_no_table(own_archive, tmp_path):
    before = optical_jobs(own_archive, "02.06", 0)
    process_scene(before, open_store(tmp_path / "before"))
    after = optical_jobs(own_archive, "05.10", 1000)
    assert [band.offset for band in (*before.scene.bands, *after.scene.bands)] == [0, -1000]
    process_scene(after, open_store(tmp_path / "after"))
    assert tables(tmp_path / "after") == tables(tmp_path / "before")
    # Read as they are, they would give others.
    process_scene(after.as_it_is(), open_store(tmp_path / "raw"))
    assert tables(tmp_path / "raw") != tables(tmp_path / "before")


def test_what_an_item_wrongly_says_is_added_is_not_taken_off(own_archive, tmp_path, caplog):
    before = optical_jobs(own_archive, "02.06", 0)
    process_scene(before, open_store(tmp_path / "before"))
    wrong = optical_jobs(own_archive, "05.10", 0)
    caplog.clear()
    process_scene(wrong, open_store(tmp_path / "wrong"))
    assert "below the zero that its item states" in caplog.text
    parts = [summarise_chunk(wrong, each) for each in wrong.chunks]
    judge_scene(wrong, parts, open_store(tmp_path / "apart"))
    expected = tables(tmp_path / "before")
    assert tables(tmp_path / "wrong") == expected
    assert tables(tmp_path / "apart") == expected
