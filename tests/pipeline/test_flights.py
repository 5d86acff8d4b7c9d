"""Workers that die and scenes that never end, in real processes."""

import copy
import os
import shutil
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import dask
import pytest
import rasterio
from distributed import Client, Future, WorkerPlugin
from distributed.comm.core import CommClosedError

from made.clients import client_of
from westsea import batches, cluster, flights
from westsea.api import plan, search
from westsea.cluster import connect
from westsea.detector import Detector
from westsea.records import Verdict
from westsea.results import Sweep
from westsea.runner import Limits, parameters, run
from westsea.store import Store
from westsea_catalog.coast import Coast
from westsea_catalog.errors import UpstreamError

WHEN = "2017-10-01/2017-10-31"


def troubles():
    """What makes opening some files kill the process, or hang as a thread in C code would.

    A class in here travels by value, and new workers get it too.
    """

    class Troubles(WorkerPlugin):
        def setup(self, worker):
            import os
            import signal
            import time

            import rasterio

            plain = rasterio.open

            def opened(path, *args, **options):
                if str(path).endswith("kill.tif"):
                    os.kill(os.getpid(), signal.SIGKILL)
                if str(path).endswith("hang.tif"):
                    time.sleep(3600)
                return plain(path, *args, **options)

            rasterio.open = opened

    return Troubles()


@pytest.fixture(scope="module")
def fragile(request):
    """Two processes, of a scheduler that allows as many deaths as we set, or none."""
    with pytest.MonkeyPatch.context() as patch:
        allowed = {"distributed.scheduler.allowed-failures": request.param}
        patch.setattr(cluster, "BLAMED_BY_US", allowed)
        with connect(None, 2) as client:
            client.register_plugin(troubles())
            yield client


def sweep_of(archive, out, client, *, bad=(), chunk=None, **limits):
    """The report of twelve good scenes, and bad ones amid them."""
    small = search(str(archive), aoi="west-sea", datetime=WHEN, offline=True)[:2]
    items = [item | {"id": f"{item['id']}-{n}"} for n in range(6) for item in small]
    for name in bad:
        item = copy.deepcopy(small[0]) | {"id": f"{small[0]['id']}-{name}"}
        vv = Path(item["assets"]["vv"]["href"])
        item["assets"]["vv"]["href"] = str(shutil.copy(vv, vv.with_name(f"{name}.tif")))
        items.insert(5, item)
    planned = plan(items, catalog=str(archive), chunk=chunk)
    store = Store.open(out, parameters(Detector(), None, Coast.shipped()))
    options = {"limits": Limits(**limits)}
    return run(planned, store, Coast.shipped(), Detector(), client, **options)


def by_name(report):
    return {result.key.item_id.rpartition("-")[2]: result for result in report.results}


def tables(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*.parquet")}


@pytest.fixture(scope="module")
def expected(archive, tmp_path_factory):
    """The tables of the good scenes."""
    out = tmp_path_factory.mktemp("expected")
    sweep_of(archive, out, None)
    return tables(out)


@pytest.mark.parametrize(
    ("fragile", "chunk"), [(10, None), (10, (128, None)), (0, None)], indirect=["fragile"]
)
def test_who_kills_workers_fails_alone(own_archive, tmp_path, fragile, expected, chunk):
    out = tmp_path / "out"
    report = sweep_of(own_archive, out, fragile, bad=["kill"], chunk=chunk)
    killer = by_name(report)["kill"]
    assert killer.verdict == Verdict.FAILED
    assert killer.reason.endswith("was alone with 2 workers when they died, as they do where"
                                  " memory runs out.")  # fmt: skip
    assert killer.attempts == 3
    assert report.count(Verdict.FAILED) == 1
    assert report.count(Verdict.DONE) + report.count(Verdict.EMPTY) == 12
    assert tables(out) == expected
    assert Sweep(out).failed()["attempts"].tolist() == [1]


def test_a_task_that_ends_in_a_timeout_of_its_own_fails(
    own_archive, tmp_path, threads, monkeypatch
):
    """A timeout of fetching its result would have it fetched again, for ever."""

    def slow(*_):
        raise TimeoutError("the network")

    monkeypatch.setattr(batches, "process_scene", slow)
    monkeypatch.setattr(batches, "process_scenes", slow)
    report = sweep_of(own_archive, tmp_path / "out", threads)
    assert report.count(Verdict.FAILED) == 12
    assert {result.reason for result in report.results} == {"TimeoutError: the network"}


def test_workers_whose_nannies_gave_up_are_replaced(own_archive, tmp_path, expected):
    out = tmp_path / "out"
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "0.5s"}),
        connect(None, 1) as client,
    ):
        [nanny] = client.cluster.workers.values()
        client.cluster.sync(nanny.close)
        assert client.nthreads() == {}
        report = sweep_of(own_archive, out, client)
    assert report.count(Verdict.FAILED) == 0
    assert tables(out) == expected


class Broken:
    """In the place of a method, which fails at first as where a connection breaks."""

    def __init__(self, monkeypatch, owner, name, times):
        self.plain, self.left = getattr(owner, name), Counter()
        self.times = times
        monkeypatch.setattr(owner, name, lambda *args, **options: self(*args, **options))

    def __call__(self, one, *args, **options):
        self.left[one] += 1
        if self.left[one] <= self.times:
            raise CommClosedError("reset by peer")
        return self.plain(one, *args, **options)


def test_a_result_whose_fetching_fails_is_fetched_again(
    own_archive, tmp_path, threads, expected, monkeypatch
):
    monkeypatch.setattr(flights, "REFETCH_SECONDS", 0.01)
    broken = Broken(monkeypatch, Future, "result", 2)
    report = sweep_of(own_archive, tmp_path / "out", threads)
    assert min(broken.left.values()) == 3
    assert report.count(Verdict.FAILED) == 0
    assert tables(tmp_path / "out") == expected


def test_a_result_that_cannot_be_fetched_ends_the_run_and_blames_no_scene(
    own_archive, tmp_path, threads, monkeypatch
):
    monkeypatch.setattr(flights, "REFETCH_SECONDS", 0.01)
    monkeypatch.setattr(flights, "MOST_FETCHES", 3)
    Broken(monkeypatch, Future, "result", 99)
    with pytest.raises(UpstreamError, match=r"cannot be fetched.*run the same again"):
        sweep_of(own_archive, tmp_path / "out", threads)
    assert len(Sweep(tmp_path / "out").failed()) == 0


def test_a_question_to_the_scheduler_may_go_unanswered(
    own_archive, tmp_path, threads, expected, monkeypatch
):
    Broken(monkeypatch, Client, "nthreads", 2)
    sweep_of(own_archive, tmp_path / "out", threads)
    assert tables(tmp_path / "out") == expected


def test_workers_that_die_before_they_begin_are_no_scenes_fault(own_archive, tmp_path, monkeypatch):
    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    for name in ("process_scene", "process_scenes"):
        monkeypatch.setattr(batches, name, die)
    with (
        connect(None, 1) as client,
        pytest.raises(UpstreamError, match="die before they begin with any scene"),
    ):
        sweep_of(own_archive, tmp_path / "out", client)
    assert len(Sweep(tmp_path / "out").failed()) == 0


def test_a_sweep_without_workers_says_that_it_waits(
    own_archive, tmp_path, expected, monkeypatch, caplog
):
    monkeypatch.setattr(flights, "LONELY_SECONDS", 0.5)
    with client_of(0) as client:
        come = threading.Timer(3, lambda: client.cluster.scale(1))
        come.start()
        sweep_of(own_archive, tmp_path / "out", client)
        come.join()
    assert caplog.text.count("no worker is there") == 1
    assert tables(tmp_path / "out") == expected


@pytest.mark.parametrize("fragile", [10], indirect=True)
def test_two_sweeps_of_one_client_both_see_what_happens(
    own_archive, tmp_path, fragile, expected, monkeypatch
):
    monkeypatch.setattr(
        flights, "deadline", lambda job: 4.0 if job.key.item_id.endswith("hang") else 600.0
    )
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(sweep_of, own_archive, tmp_path / "first", fragile, bad=["hang"])
        second = pool.submit(sweep_of, own_archive, tmp_path / "second", fragile)
        assert second.result(60).count(Verdict.FAILED) == 0
        assert first.result(60).count(Verdict.FAILED) == 1
    assert tables(tmp_path / "first") == tables(tmp_path / "second") == expected


def test_a_scene_that_no_worker_has_does_not_come_to_its_deadline(archive):
    items = search(str(archive), aoi="west-sea", datetime=WHEN, offline=True)
    [job, *_] = [
        flights.Job.of(each, Coast.shipped(), None, Detector())
        for each in plan(items, catalog=str(archive)).scenes
    ]
    busy = {}
    client = SimpleNamespace(processing=lambda: busy)
    air = flights.Flights([], None, client, 20.0)
    flight = flights.Flight([job], None, frozenset({"task"}))
    air._flying[None] = flight
    flight.begin("task", "tcp://1", job.key.journal)
    flight.since[job.key.journal] -= 21.0
    assert list(air._overdue()) == []
    assert flight.since == {}


@pytest.mark.parametrize("fragile", [10], indirect=True)
def test_what_hangs_fails_at_its_deadline(own_archive, tmp_path, fragile, expected, monkeypatch):
    def deadline(job):
        return 1.0 if job.key.item_id.endswith("hang") else 600.0

    monkeypatch.setattr(flights, "deadline", deadline)
    before = set(fragile.nthreads())
    out = tmp_path / "out"
    report = sweep_of(own_archive, out, fragile, bad=["hang"])
    hung = by_name(report)["hang"]
    assert hung.verdict == Verdict.FAILED
    assert hung.reason.endswith("took longer than its deadline of 1 s; --scene-deadline gives it"
                                " more.")  # fmt: skip
    assert report.count(Verdict.FAILED) == 1
    assert tables(out) == expected
    # The hung one was replaced.
    fragile.wait_for_workers(2, timeout=60)
    assert set(fragile.nthreads()) != before


def test_where_no_nanny_watches_the_others_go_on(own_archive, tmp_path, expected, monkeypatch):
    """A thread that hangs cannot be ended: its worker is left out."""
    let_go, plain_open = threading.Event(), rasterio.open

    def opened(path, *args, **options):
        if str(path).endswith("hang.tif"):
            let_go.wait(300)
            raise rasterio.errors.RasterioIOError("too late")
        return plain_open(path, *args, **options)

    monkeypatch.setattr(rasterio, "open", opened)
    monkeypatch.setattr(
        flights, "deadline", lambda job: 0.5 if job.key.item_id.endswith("hang") else 600.0
    )
    with client_of(2) as client:
        report = sweep_of(own_archive, tmp_path / "out", client, bad=["hang"])
        let_go.set()
    assert by_name(report)["hang"].verdict == Verdict.FAILED
    assert report.count(Verdict.FAILED) == 1
    assert tables(tmp_path / "out") == expected


def test_a_deadline_grows_with_the_scene(archive):
    items = search(str(archive), aoi="west-sea", datetime=WHEN, offline=True)
    jobs = [
        flights.Job.of(each, Coast.shipped(), None, Detector())
        for each in plan(items, catalog=str(archive)).scenes
    ]
    assert {flights.Flights([], None, None, 20.0).patience(job) for job in jobs} == {20.0}
    sizes = {job.window.size * (len(job.scene.bands) + len(job.scene.extras)) for job in jobs}
    assert sorted(sizes) == sorted(round((flights.deadline(job) - 600) * 1e6 / 4) for job in jobs)
