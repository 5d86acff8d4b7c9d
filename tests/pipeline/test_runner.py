import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import inf
from types import SimpleNamespace

import duckdb
import geopandas
import numpy as np
import pandas as pd
import pytest
from distributed import KilledWorker

from made.clients import client_of
from westsea import batches, flights, runner, tasks
from westsea.api import execute, plan, search
from westsea.detector import Detector
from westsea.flights import SCENES_PER_THREAD, Flights
from westsea.metrics import is_complete
from westsea.planning import take_shard
from westsea.records import (
    SceneKey,
    Verdict,
)
from westsea.results import Sweep
from westsea.runner import Limits, new_run_id, parameters, run
from westsea.store import Store
from westsea_catalog.coast import Coast
from westsea_catalog.errors import (
    ConfigError,
    FailedScene,
    RefusedScene,
    UpstreamError,
    UsageError,
)

WHEN = "2017-10-01/2017-10-31"


def items_of(archive):
    return search(str(archive), aoi="west-sea", datetime=WHEN, offline=True)


def plan_of(archive, items=None, **options):
    found = items_of(archive) if items is None else items
    return plan(found, catalog=str(archive), aoi="west-sea", **options)


def tree(out):
    """All files of a sweep but those of its runs and items, which tell when and where they were."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.relative_to(out).parts[0] not in ("runs", "items")
    }


def open_store(out, planned):
    return Store.open(out, parameters(Detector(), planned.aoi, Coast.shipped()))


def run_on(client, planned, out, **options):
    store = open_store(out, planned)
    return run(planned, store, Coast.shipped(), Detector(), client, **options)


def records(out):
    return [json.loads(path.read_text()) for path in sorted((out / "runs").iterdir())]


def conserves(document):
    verdicts = sum(document[str(verdict)] for verdict in Verdict)
    return document["planned"] == verdicts + document["unfinished"]


@pytest.fixture(scope="module")
def plain(archive, tmp_path_factory):
    """The report, folder and files of a sweep without Dask."""
    out = tmp_path_factory.mktemp("plain")
    report = execute(plan_of(archive), out, workers=0)
    return report, out, tree(out)


# One answer, however it is come by


def test_the_plain_sweep_finds_something(plain):
    report, out, files = plain
    assert Counter(result.verdict for result in report.results) == {"done": 3, "empty": 1}
    assert len(files) == 1 + 3 * 4
    found = Sweep(out)
    assert len(found.detections()) >= 15
    assert {"alongside", "close"} >= set(found.pairs()["kind"]) != set()


CHUNKS = [(128, None), (512, None), (1024, None), (1024, 2048), (256, 128), None]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_any_chunks_without_dask(archive, plain, tmp_path, chunk):
    execute(plan_of(archive, chunk=chunk), tmp_path / "out", workers=0)
    assert tree(tmp_path / "out") == plain[2]


@pytest.mark.parametrize("chunk", [(512, None), (256, 384), None])
def test_two_threads(archive, plain, tmp_path, threads, chunk):
    run_on(threads, plan_of(archive, chunk=chunk), tmp_path / "out")
    assert tree(tmp_path / "out") == plain[2]


@pytest.mark.parametrize("chunk", [(512, None), (128, 512), None])
def test_two_processes(archive, plain, tmp_path, processes, chunk):
    run_on(processes, plan_of(archive, chunk=chunk), tmp_path / "out")
    assert tree(tmp_path / "out") == plain[2]


def test_one_process(archive, plain, tmp_path, processes):
    worker = next(iter(processes.nthreads()))
    submit = processes.submit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            processes, "submit", lambda *args, **options: submit(*args, workers=[worker], **options)
        )
        run_on(processes, plan_of(archive, chunk=(256, None)), tmp_path / "out")
    assert tree(tmp_path / "out") == plain[2]


@pytest.mark.parametrize("carry", ["none", "all"])
def test_whatever_is_carried(archive, plain, tmp_path, threads, carry):
    run_on(threads, plan_of(archive, chunk=(256, None)), tmp_path / "out", carry=carry)
    assert tree(tmp_path / "out") == plain[2]


@pytest.mark.parametrize("count", [2, 5])
def test_shards_into_one_folder(archive, plain, tmp_path, count):
    parts = [take_shard(items_of(archive), index, count) for index in range(count)]
    assert count > 2 or all(parts)
    planned = [
        execute(plan_of(archive, part), tmp_path / "out", workers=0).planned for part in parts
    ]
    assert sum(planned) == 4
    assert tree(tmp_path / "out") == plain[2]
    assert len(records(tmp_path / "out")) == count


def test_the_order_of_items_does_not_matter(archive, plain, tmp_path):
    items = items_of(archive)
    execute(plan_of(archive, [*items[::-1], items[0]]), tmp_path / "out", workers=0)
    assert tree(tmp_path / "out") == plain[2]


# Again


def test_what_is_there_is_skipped(archive, plain, tmp_path):
    out = tmp_path / "out"
    execute(plan_of(archive), out, workers=0)
    before = {path: (out / path).stat().st_mtime_ns for path in tree(out)}
    report = execute(plan_of(archive), out, workers=0)
    assert [result.verdict for result in report.results] == [Verdict.SKIPPED] * 4
    assert {path: (out / path).stat().st_mtime_ns for path in tree(out)} == before


def test_a_failed_scene_is_tried_again(own_archive, plain, tmp_path, processes):
    out = tmp_path / "out"
    [band] = own_archive.parent.glob("sentinel-2*/*/B08.tif")
    band.rename(band.with_suffix(".away"))
    first = run_on(processes, plan_of(own_archive), out)
    assert first.count(Verdict.FAILED) == 1
    [failed] = Sweep(out).failed().to_dict("records")
    assert failed["reason"] == "B08.tif could not be read: No such file or directory."
    run_on(None, plan_of(own_archive), out)
    assert Sweep(out).failed()["attempts"].tolist() == [2]
    band.with_suffix(".away").rename(band)
    third = run_on(processes, plan_of(own_archive), out)
    assert (third.count(Verdict.DONE), third.count(Verdict.SKIPPED)) == (1, 3)
    assert len(Sweep(out).failed()) == 0
    assert tree(out) == plain[2]
    assert all(conserves(document) for document in records(out))


def test_a_refused_scene_waits_for_another_item(own_archive, plain, tmp_path):
    out = tmp_path / "out"
    [band] = own_archive.parent.glob("sentinel-2*/*/B08.tif")
    good = band.read_bytes()
    band.write_bytes(b"II*\0 no image")
    first = execute(plan_of(own_archive), out, workers=0)
    [refused] = [result for result in first.results if result.verdict == Verdict.REFUSED]
    assert refused.reason == "B08.tif is not a GeoTIFF, or a damaged one."
    band.write_bytes(good)
    again = execute(plan_of(own_archive), out, workers=0)
    [still] = [result for result in again.results if result.verdict == Verdict.REFUSED]
    assert str(out / "refused") in still.reason
    items = [item | {"new": 1} if item["id"] == refused.key.item_id else item
             for item in items_of(own_archive)]  # fmt: skip
    assert execute(plan_of(own_archive, items), out, workers=0).count(Verdict.DONE) == 1
    assert len(Sweep(out).refused()) == 0
    assert tree(out) == plain[2]


def test_a_part_of_the_scenes_may_be_large(archive, plain, tmp_path, threads, monkeypatch):
    monkeypatch.setattr("westsea.planning.SMALL_PX", 400_000)
    monkeypatch.setattr("westsea.planning.CHUNK_ROWS", 256)
    planned = plan_of(archive)
    assert sorted(each.n_tasks for each in planned.scenes) == [1, 1, 1, 4]
    run_on(threads, planned, tmp_path / "out")
    assert tree(tmp_path / "out") == plain[2]


# The records of a run


def test_a_run_is_written_down(plain):
    report, out, _ = plain
    [document] = records(out)
    ended = datetime.fromisoformat(document.pop("ended"))
    assert timedelta(0) <= datetime.now(UTC) - ended < timedelta(days=1)
    assert document == report.document()
    assert conserves(document)
    assert document["unfinished"] == document["conflicts"] == 0
    assert document["detections"] == len(Sweep(out).detections())
    assert document["pairs"] == len(Sweep(out).pairs())
    assert {scene["verdict"] for scene in document["scenes"]} == {"done", "empty"}
    assert all(len(scene["sha256"]) == 64 for scene in document["scenes"])


def test_runs_of_one_second_have_names_of_their_own():
    assert len({new_run_id() for _ in range(50)}) == 50
    assert new_run_id() >= f"{datetime.now(UTC):%Y%m%d}"


def test_items_that_are_no_scenes_have_records_of_their_own(archive, tmp_path):
    good = items_of(archive)[1]
    bad = [
        {"type": "Feature"},
        {"type": "Feature", "id": 3},
        good | {"id": "\ud800"},
        good | {"id": "x" * 2000},
        good | {"id": "elsewhere", "collection": "landsat"},
        good | {"id": "\x1b[2J", "collection": None},
    ]
    report = execute(plan_of(archive, [good, *bad]), tmp_path, workers=0)
    assert report.count(Verdict.REFUSED) == len(bad)
    assert conserves(report.document())
    refused = Sweep(tmp_path).refused()
    assert len(refused) == len(bad)
    assert set(refused["collection"]) == {good["collection"], "landsat", "unknown"}
    assert {"elsewhere", "\x1b[2J"} <= set(refused["item_id"])
    assert all(len(name) <= 40 for name in refused["item_id"])
    # A second run knows them by the same names.
    execute(plan_of(archive, bad), tmp_path, workers=0)
    assert len(Sweep(tmp_path).refused()) == len(bad)


def test_an_item_may_hold_what_json_has_not(archive):
    item = items_of(archive)[0] | {"when": datetime(2017, 10, 19, tzinfo=UTC)}
    [planned] = plan_of(archive, [item]).scenes
    assert SceneKey.of(planned.scene) == SceneKey.of(planned.scene)


# What goes wrong


def test_an_unexpected_error_fails_its_scene_alone(archive, plain, tmp_path, threads, monkeypatch):
    def break_down(job, *args):
        if job.scene.sensor == "optical":
            raise IndexError("at 3")
        return good(job, *args)

    good = runner.process_scene
    for module in (runner, batches):
        monkeypatch.setattr(module, "process_scene", break_down)
    for client in (None, threads):
        report = run_on(client, plan_of(archive), tmp_path / f"{client is None}")
        assert report.count(Verdict.FAILED) == 1
        [failed] = Sweep(tmp_path / f"{client is None}").failed()["reason"]
        assert failed == "IndexError: at 3"


def test_an_error_in_one_chunk_is_that_of_the_scene(archive, tmp_path, threads, monkeypatch):
    def break_down(job, chunk):
        raise FailedScene(f"row {chunk.row0} could not be read.")

    monkeypatch.setattr(batches, "summarise_chunk", break_down)
    planned = plan_of(archive, items_of(archive)[:1], chunk=(128, None))
    [result] = run_on(threads, planned, tmp_path).results
    assert result.verdict == Verdict.FAILED
    assert "could not be read" in result.reason


@pytest.mark.parametrize("on_threads", [False, True])
def test_trouble_of_the_store_ends_the_run(archive, tmp_path, threads, monkeypatch, on_threads):
    def full(*args):
        raise UpstreamError("No space is left.")

    for module in (runner, batches):
        monkeypatch.setattr(module, "process_scene", full)
    with pytest.raises(UpstreamError, match="No space"):
        run_on(threads if on_threads else None, plan_of(archive), tmp_path)
    [document] = records(tmp_path)
    assert conserves(document)
    assert document["unfinished"] == 4
    assert document["error"] == "UpstreamError"


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("westsea.runner.refresh", ConfigError("/data/out is not readable.")),
        ("westsea.accounts.Report.check", ArithmeticError("98 km2, and 97 were read")),
    ],
)
def test_a_run_that_ends_badly_after_its_scenes_says_so(
    archive, tmp_path, monkeypatch, place, error
):
    def end(*_):
        raise error

    monkeypatch.setattr(place, end)
    with pytest.raises(type(error)):
        run_on(None, plan_of(archive), tmp_path)
    [document] = records(tmp_path)
    assert (document["unfinished"], document["error"]) == (0, type(error).__name__)
    assert not is_complete(document)
    monkeypatch.undo()
    run_on(None, plan_of(archive), tmp_path, run_id="z")
    assert is_complete(records(tmp_path)[-1])


def test_a_store_that_cannot_be_written_to_keeps_its_own_error(archive, tmp_path, monkeypatch):
    planned = plan_of(archive)
    store = open_store(tmp_path, planned)

    class Broken(Store):
        def write_run(self, *_):
            raise ConfigError("of the record")

        def status(self, scene):
            raise ConfigError("of the first scene")

    with pytest.raises(ConfigError, match="of the first scene"):
        run(planned, Broken(store.objects, store.parameters), Coast.shipped(), Detector(), None)


class Stopped(BaseException):
    pass


@pytest.mark.parametrize("on_threads", [False, True])
def test_a_run_that_is_stopped_can_be_gone_on_with(archive, plain, tmp_path, threads, on_threads):
    client = threads if on_threads else None

    def stop(result, ended, planned):
        assert planned == 4
        if ended == 2:
            raise Stopped

    with pytest.raises(Stopped):
        run_on(client, plan_of(archive), tmp_path, progress=stop)
    [document] = records(tmp_path)
    assert conserves(document)
    assert (document["unfinished"], document["error"]) == (2, "Stopped")
    rest = run_on(client, plan_of(archive), tmp_path)
    assert rest.count(Verdict.SKIPPED) >= 2
    assert tree(tmp_path) == plain[2]


@pytest.mark.parametrize(
    "limits", [{"attempts": 0}, {"scene_seconds": 0.0}, {"scene_seconds": inf}]
)
def test_limits_that_let_nothing_pass(limits):
    with pytest.raises(UsageError):
        Limits(**limits)


def test_what_is_in_flight_is_given_up_when_a_run_is_stopped(
    archive, tmp_path, threads, monkeypatch
):
    def stop(*args):
        raise Stopped

    before = set(threads.futures)
    monkeypatch.setattr(Flights, "_landed", stop)
    # As in a notebook, the traceback keeps the frames with the futures alive.
    with pytest.raises(Stopped) as kept:
        run_on(threads, plan_of(archive), tmp_path)
    assert kept.tb is not None
    assert len(set(threads.futures) - before) <= 1  # the one that had ended


def test_progress_tells_each_scene_once(archive, tmp_path, threads):
    told = []
    run_on(threads, plan_of(archive), tmp_path, progress=lambda *told_now: told.append(told_now))
    assert [ended for _, ended, _ in told] == [1, 2, 3, 4]
    assert len({result.key for result, _, _ in told}) == 4


# On a cluster


def test_scenes_in_flight_are_bounded(archive, tmp_path, threads, monkeypatch):
    items = many(archive, 6)
    flying, most, before = Counter(), [], set(threads.futures)

    def submit(batch, *args):
        flying[len(most)] = len(batch)
        most.append(len(flying))
        batches.update((job.key, len(most) - 1) for job in batch)
        return good(batch, *args)

    def land(result, *_):
        number = batches[result.key]
        flying[number] -= 1
        if not flying[number]:
            del flying[number]

    batches = {}
    good = flights.submit
    monkeypatch.setattr(flights, "submit", submit)
    run_on(threads, plan_of(archive, items), tmp_path, progress=land)
    assert max(most) == SCENES_PER_THREAD * 2
    assert set(threads.futures) <= before
    # Batches, and alone towards the end.
    sizes = list(Counter(batches.values()).values())
    assert max(sizes) > 1
    assert sizes[-1] == 1
    assert sum(sizes) == len(items)


def many(archive, times):
    """Items of two small scenes under many names."""
    return [
        item | {"id": f"{item['id']}-{n}"} for n in range(times) for item in items_of(archive)[:2]
    ]


def test_batches_give_the_same(archive, tmp_path, processes):
    planned = plan_of(archive, many(archive, 12))
    run_on(None, planned, tmp_path / "plain")
    told = []
    run_on(processes, planned, tmp_path / "out", progress=lambda *now: told.append(now))
    assert tree(tmp_path / "out") == tree(tmp_path / "plain")
    assert [ended for _, ended, _ in told] == list(range(1, 25))
    assert len({result.key for result, _, _ in told}) == 24


def test_scenes_of_a_batch_end_by_themselves(archive, tmp_path, threads, monkeypatch):
    def break_down(job, *args):
        if job.scene.id.endswith("-1"):
            raise IndexError("at 3")
        if job.scene.id.endswith("-2"):
            raise RefusedScene("is of no use.")
        return good(job, *args)

    good = tasks.process_scene
    for module in (batches, tasks):
        monkeypatch.setattr(module, "process_scene", break_down)
    planned = plan_of(archive, many(archive, 8))
    report = run_on(threads, planned, tmp_path)
    assert report.count(Verdict.FAILED) == report.count(Verdict.REFUSED) == 2
    assert {*Sweep(tmp_path).failed()["reason"]} == {"IndexError: at 3"}
    assert conserves(report.document())
    for module in (batches, tasks):
        monkeypatch.setattr(module, "process_scene", good)
    again = run_on(threads, planned, tmp_path)
    assert (again.count(Verdict.SKIPPED), again.count(Verdict.REFUSED)) == (12, 2)
    assert again.count(Verdict.DONE) + again.count(Verdict.EMPTY) == 2


def test_trouble_of_the_store_in_a_batch_ends_the_run(archive, tmp_path, threads, monkeypatch):
    def full(job, *args):
        raise UpstreamError("No space is left.")

    for module in (batches, tasks):
        monkeypatch.setattr(module, "process_scene", full)
    with pytest.raises(UpstreamError, match="No space"):
        run_on(threads, plan_of(archive, many(archive, 8)), tmp_path)
    assert records(tmp_path)[0]["unfinished"] == 16


def test_of_a_batch_that_kills_its_workers_one_scene_fails(archive, tmp_path, threads, monkeypatch):
    def kill(jobs, *args):
        if any(job.scene.id.endswith("-1") for job in jobs):
            raise KilledWorker("process_scene-1", SimpleNamespace(address="tcp://1"), 3)
        return good_batch(jobs, *args)

    def kill_alone(job, *args):
        if job.scene.id.endswith("-1"):
            raise KilledWorker("process_scene-1", SimpleNamespace(address="tcp://1"), 3)
        return good(job, *args)

    good, good_batch = batches.process_scene, batches.process_scenes
    monkeypatch.setattr(batches, "process_scene", kill_alone)
    monkeypatch.setattr(batches, "process_scenes", kill)
    report = run_on(threads, plan_of(archive, many(archive, 8)), tmp_path)
    assert report.count(Verdict.FAILED) == 2
    assert {result.key.item_id[-2:] for result in report.results if result.reason} == {"-1"}
    assert report.count(Verdict.DONE) + report.count(Verdict.EMPTY) == 14


def test_what_the_scheduler_cancels_is_not_waited_for(archive, tmp_path, threads, monkeypatch):
    def submit(job, store, client):
        futures = good(job, store, client)
        client.cancel(futures, force=True)
        return futures

    good = flights.submit
    monkeypatch.setattr(flights, "submit", submit)
    with pytest.raises(UpstreamError, match=r"scheduler is gone.*run the same again"):
        run_on(threads, plan_of(archive), tmp_path)
    assert records(tmp_path)[0]["unfinished"] == 4


def test_a_scene_that_kills_its_workers_fails_alone(archive, tmp_path, threads, monkeypatch):
    def kill(job, *args):
        if job.scene.sensor == "optical":
            raise KilledWorker("process_scene-1", SimpleNamespace(address="tcp://1"), 3)
        return good(job, *args)

    good = batches.process_scene
    monkeypatch.setattr(batches, "process_scene", kill)
    report = run_on(threads, plan_of(archive), tmp_path)
    [failed] = [result for result in report.results if result.verdict == Verdict.FAILED]
    assert failed.attempts == 3
    item = failed.key.item_id
    assert Sweep(tmp_path).failed()["reason"].tolist() == [
        f"{item} was alone with 2 workers when they died, as they do where memory runs out."
    ]


def test_a_client_that_is_closed_is_a_scheduler_that_is_gone(archive, tmp_path, monkeypatch):
    client = client_of(1)
    with client, pytest.raises(UpstreamError, match="scheduler is gone"):
        run_on(client, plan_of(archive), tmp_path, progress=lambda *_: client.close())


# Who reads it


def test_geopandas_and_duckdb_read_the_tables(plain):
    _, out, _ = plain
    swept = Sweep(out)
    for name, frame in (("detections", swept.detections()), ("pairs", swept.pairs())):
        files = sorted((out / name).rglob("*.parquet"))
        read = pd.concat([geopandas.read_parquet(path) for path in files])
        assert read.crs == "OGC:CRS84"
        assert len(read) == len(frame)
        assert set(read.geometry.to_wkb()) == set(frame.geometry.to_wkb())
    with duckdb.connect() as database:
        database.execute("SET autoinstall_known_extensions = false")
        found = database.execute(
            f"SELECT collection, count(*), avg(length_m), max(bbox.xmax - lon) "
            f"FROM read_parquet('{out}/detections/**/*.parquet', hive_partitioning = true) "
            f"GROUP BY collection ORDER BY collection"
        ).fetchall()
        bytes_read = database.execute(
            f"SELECT count(footprint) FROM '{out}/scenes/**/*.parquet'"
        ).fetchone()
    by_collection = swept.detections().groupby("collection")["length_m"]
    assert [row[0] for row in found] == list(by_collection.groups)
    assert [row[1] for row in found] == by_collection.count().tolist()
    assert np.allclose([row[2] for row in found], by_collection.mean())
    assert all(0 <= row[3] < 1e-4 for row in found)
    assert bytes_read == (4,)
