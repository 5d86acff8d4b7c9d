"""Results of workers that write where the driver looks, later, or elsewhere."""

from datetime import date
from types import SimpleNamespace

import pytest

from westsea import arrivals, batches
from westsea.api import execute, plan, search
from westsea.arrivals import LOOKED_AT_IN_BUCKETS, PATIENCE_SECONDS, arrived
from westsea.objects import FileLayer, LocalFolder, Outcome
from westsea.records import Parameters, Receipt, SceneKey, Verdict
from westsea.results import Sweep
from westsea.store import Store
from westsea.tasks import SceneResult
from westsea_catalog.errors import ConfigError

PARAMETERS = Parameters("1", {}, None, "coast", "even")


def result_of(name):
    """Of a scene that a worker says it has committed."""
    key = SceneKey("sentinel-1-rtc", name, date(2024, 5, 1), "1")
    receipt = Receipt(key.collection, name, Outcome.CREATED, {"detections": 1, "pairs": 0}, "")
    return SceneResult(key, Verdict.DONE, receipt=receipt)


def table_of(result):
    return result.key.table("detections")


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by what is slept, and does what is to happen at a time."""
    found = SimpleNamespace(now=0.0, events={})

    def sleep(seconds):
        found.now += seconds
        for time in [time for time in found.events if time <= found.now]:
            found.events.pop(time)()

    found.sleep, found.monotonic = sleep, lambda: found.now
    monkeypatch.setattr(arrivals, "time", found)
    return found


def test_what_is_there_is_told_at_once(tmp_path, clock):
    store = Store(LocalFolder(tmp_path), PARAMETERS)
    results = [result_of("a"), result_of("b")]
    for result in results:
        store.objects.put(table_of(result), b"")
    failed = SceneResult(results[0].key, Verdict.FAILED, "no end")
    assert list(arrived([*results, failed], store)) == [*results, failed]
    assert clock.now == 0


def test_what_comes_late_is_told_then(tmp_path, clock):
    store = Store(LocalFolder(tmp_path), PARAMETERS)
    late, soon = result_of("a"), result_of("b")
    store.objects.put(table_of(soon), b"")
    clock.events[30.0] = lambda: store.objects.put(table_of(late), b"")
    assert list(arrived([late, soon], store)) == [late, soon]
    assert clock.now == 30


def test_what_does_not_come_ends_the_run_at_the_next_result(tmp_path, clock):
    store, told = Store(LocalFolder(tmp_path), PARAMETERS), []

    def results():
        for name in "abcd":
            told.append(name)
            yield result_of(name)
            clock.sleep(PATIENCE_SECONDS / 2)

    with pytest.raises(ConfigError, match=r"write to another .* folder that all of them share"):
        list(arrived(results(), store))
    assert told == ["a", "b", "c"]


class Remembering(FileLayer):
    """As NFS: a name that was not there is not there until its folder is listed again."""

    def __init__(self):
        self.missing = set()

    def exists(self, path):
        for each in (*reversed(path.parents), path):
            if each in self.missing or not super().exists(each):
                self.missing.add(each)
                return False
        return True

    def entries(self, folder):
        if folder in self.missing:
            raise FileNotFoundError(folder)
        found = super().entries(folder)
        self.missing -= {folder / name for name, _ in found}
        return found


def test_folders_are_listed_where_nothing_is_seen(tmp_path, clock):
    store = Store(LocalFolder(tmp_path, Remembering()), PARAMETERS)
    result = result_of("a")
    assert not store.objects.exists(table_of(result))
    LocalFolder(tmp_path).put(table_of(result), b"")
    assert not store.objects.exists(table_of(result))
    assert list(arrived([result], store)) == [result]
    assert clock.now == 0


def test_in_a_bucket_the_first_are_looked_at(clock):
    looks = []
    objects = SimpleNamespace(exists=lambda key: looks.append(key) or True)
    results = [result_of(f"{number:02}") for number in range(2 * LOOKED_AT_IN_BUCKETS)]
    assert list(arrived(results, Store(objects, PARAMETERS))) == results
    assert looks == [table_of(result) for result in results[:LOOKED_AT_IN_BUCKETS]]


def test_workers_that_write_elsewhere_have_done_nothing(archive, tmp_path, threads, monkeypatch):
    def process_elsewhere(job, store):
        return good(job, Store.open(tmp_path / "theirs", store.parameters))

    good = batches.process_scene
    monkeypatch.setattr(batches, "process_scene", process_elsewhere)
    monkeypatch.setattr(arrivals, "PATIENCE_SECONDS", 0.0)
    when = "2017-10-01/2017-10-31"
    found = search(str(archive), aoi="west-sea", datetime=when, offline=True)
    planned = plan(found, catalog=str(archive), aoi="west-sea")
    told = []
    with pytest.raises(ConfigError, match=f"write to another {tmp_path}/mine than"):
        execute(planned, tmp_path / "mine", client=threads, progress=lambda *now: told.append(now))
    [run] = Sweep(tmp_path / "mine").runs().to_dict("records")
    assert (run["done"], run["empty"], run["unfinished"]) == (0, 0, 4)
    assert run["error"] == "ConfigError"
    assert told == []
