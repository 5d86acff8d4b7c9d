import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Literal, get_args

import obstore
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.exceptions import GenericError
from obstore.store import MemoryStore

import westsea.buckets
import westsea.store
from made.rows import scene_tables
from westsea.buckets import BucketFolder
from westsea.objects import TEMPORARY, FileLayer, LocalFolder, Outcome
from westsea.records import JOURNAL, Parameters, SceneKey, Status
from westsea.schema import TABLES
from westsea.store import Store
from westsea.tables import decode
from westsea_catalog.errors import ConfigError
from westsea_catalog.grid import AffineGrid
from westsea_catalog.scene import Scene

PARAMETERS = Parameters("1", {"pfa": 1e-6, "bands": ["VV"]}, None, "coast-1", "even")
SCENE = SceneKey("sentinel-1-rtc", "S1A_1", date(2024, 5, 1), "item-1")
OTHER = SceneKey("sentinel-1-rtc", "S1A_2", date(2024, 5, 2), "item-2")


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def path(table: str, scene: SceneKey = SCENE) -> str:
    return f"{table}/collection={scene.collection}/date={scene.date}/{scene.item_id}.parquet"


# Layout and outcomes


def test_commit_writes_the_agreed_files(tmp_path):
    store = Store.open(tmp_path / "out", PARAMETERS)
    assert store.status(SCENE) is Status.NEW
    receipt = store.commit(SCENE, scene_tables(3))
    assert receipt.outcome is Outcome.CREATED
    assert receipt.rows == {"detections": 3, "pairs": 3, "scenes": 1}
    assert (receipt.collection, receipt.item_id) == ("sentinel-1-rtc", "S1A_1")
    files = tree(tmp_path / "out")
    assert set(files) == {path("detections"), path("pairs"), path("scenes"), "sweep.json"}
    assert len(receipt.sha256) == 64
    assert store.status(SCENE) is Status.DONE

    assert store.commit(SCENE, scene_tables(3)) == replace(receipt, outcome=Outcome.SAME)
    assert tree(tmp_path / "out") == files


def test_first_commit_stands(tmp_path):
    store = Store.open(tmp_path, PARAMETERS)
    first = store.commit(SCENE, scene_tables(1, real=0.1))
    files = tree(tmp_path)
    second = store.commit(SCENE, scene_tables(2, real=0.2))
    assert second == replace(first, outcome=Outcome.CONFLICT)
    assert tree(tmp_path) == files


def test_difference_in_any_table_is_a_conflict(tmp_path):
    store = Store.open(tmp_path, PARAMETERS)
    store.commit(SCENE, scene_tables(2))
    changed = scene_tables(2) | {"pairs": scene_tables(0)["pairs"]}
    assert store.commit(SCENE, changed).outcome == "conflict"


def test_scene_without_ships_is_done(tmp_path):
    store = Store.open(tmp_path, PARAMETERS)
    assert store.commit(SCENE, scene_tables(0)).rows == {"detections": 0, "pairs": 0, "scenes": 1}
    assert store.status(SCENE) is Status.DONE


def test_uncommitted_files_are_replaced(tmp_path):
    store = Store.open(tmp_path, PARAMETERS)
    stray = tmp_path / path("pairs")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"of a run that is lost")
    assert store.status(SCENE) is Status.NEW
    assert store.commit(SCENE, scene_tables(2)).outcome is Outcome.CREATED
    assert decode(stray.read_bytes()).equals(scene_tables(2)["pairs"])


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", ".hidden", "_underscore", "a/b=c", "ü ü", "x" * 300, "%2F"]
)
def test_hostile_names_stay_inside_and_readable(tmp_path, name):
    store = Store.open(tmp_path / "out", PARAMETERS)
    scene = replace(SCENE, item_id=name, collection=name)
    store.commit(scene, scene_tables(2))
    store.fail(replace(scene, item_id=name + "2"), "x")
    store.refuse(replace(scene, item_id=name + "3"), "x")
    store.write_run(name, {})
    assert store.status(scene) is Status.DONE
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    for key in tree(tmp_path / "out"):
        assert all(len(part) < 256 and not part.startswith("..") for part in key.split("/"))
    assert len(ds.dataset(tmp_path / "out" / "detections", partitioning="hive").to_table()) == 2


def test_key_of_a_scene():
    item = {"id": "a", "properties": {"datetime": None}, "links": [{"href": "page=1"}]}
    scene = Scene(
        id="a",
        collection="c",
        profile="p",
        sensor="sar",
        datetime=datetime.fromisoformat("2024-05-01T02:00+09:00"),
        platform="S1A",
        orbit_state="unknown",
        grid=AffineGrid(32651, (10, 0, 0, 0, -10, 0), (10, 10)),
        bands=(),
        item=item,
    )
    key = SceneKey.of(scene)
    assert (key.collection, key.item_id, key.date) == ("c", "a", date(2024, 4, 30))
    assert SceneKey.of(replace(scene, item={**item, "links": []})) == key
    changed = SceneKey.of(replace(scene, item={**item, "assets": {}}))
    assert changed == replace(key, item_hash=changed.item_hash) != key


# Records


def test_refusal_counts_until_the_item_changes(tmp_path):
    store = Store.open(tmp_path, PARAMETERS)
    store.refuse(SCENE, "HH only")
    assert store.status(SCENE) is Status.REFUSED
    record = json.loads((tmp_path / "refused/sentinel-1-rtc/S1A_1.json").read_bytes())
    assert record["reason"] == "HH only"
    assert record["params_hash"] == PARAMETERS.hash
    changed = replace(SCENE, item_hash="item-1b")
    assert store.status(changed) is Status.NEW
    assert Store(store.objects, replace(PARAMETERS, coast="x")).status(SCENE) is Status.NEW
    store.commit(changed, scene_tables(2))
    assert store.status(SCENE) is Status.DONE
    assert not list((tmp_path / "refused").rglob("*.json"))


def test_failures_are_counted_and_forgotten_on_success(tmp_path):
    store = Store.open(tmp_path, PARAMETERS)
    assert store.fail(SCENE, "timeout") == 1
    assert store.fail(SCENE, "HTTP 503") == 2
    assert store.status(SCENE) is Status.FAILED
    record = json.loads((tmp_path / "failed/sentinel-1-rtc/S1A_1.json").read_bytes())
    assert (record["reason"], record["attempts"]) == ("HTTP 503", 2)
    store.commit(SCENE, scene_tables(2))
    assert store.status(SCENE) is Status.DONE
    assert not list((tmp_path / "failed").rglob("*.json"))


def test_a_worker_taken_for_dead_may_have_committed(tmp_path):
    """The driver then notes a failure of a scene that is there."""
    store = Store.open(tmp_path, PARAMETERS)
    store.commit(SCENE, scene_tables(2))
    store.fail(SCENE, "its workers died")
    assert store.status(SCENE) == Status.DONE
    assert not (tmp_path / SCENE.record("failed")).exists()


def test_a_scene_is_refused_or_failed_not_both(tmp_path):
    store = Store.open(tmp_path, PARAMETERS)
    store.fail(SCENE, "x")
    store.refuse(SCENE, "y")
    assert store.status(SCENE) is Status.REFUSED
    store.fail(SCENE, "x")
    assert store.status(SCENE) is Status.FAILED


def test_unreadable_record_is_as_good_as_none(tmp_path):
    store = Store.open(tmp_path, PARAMETERS)
    store.refuse(SCENE, "x")
    (tmp_path / "refused/sentinel-1-rtc/S1A_1.json").write_text("{")
    assert store.status(SCENE) is Status.NEW


# Parameters


def test_other_parameters_need_another_folder(tmp_path):
    Store.open(tmp_path, PARAMETERS)
    before = tree(tmp_path)
    Store.open(tmp_path, replace(PARAMETERS, detector={"bands": ["VV"], "pfa": 1e-6}))
    other = replace(PARAMETERS, detector={"pfa": 1e-5, "bands": ["VV"]}, coast="coast-2")
    with pytest.raises(ConfigError, match=r"\(coast, detector.pfa\).* fresh --out") as caught:
        Store.open(tmp_path, other)
    assert caught.value.exit_code == 4
    assert f"{tmp_path}-2" in str(caught.value)
    assert tree(tmp_path) == before


def test_rewritten_but_equal_parameters_are_the_same(tmp_path):
    Store.open(tmp_path, PARAMETERS)
    pinned = tmp_path / "sweep.json"
    pinned.write_text(json.dumps(json.loads(pinned.read_text())))
    Store.open(tmp_path, PARAMETERS)
    for damaged in ("{", "[]"):
        pinned.write_text(damaged)
        with pytest.raises(ConfigError, match="fresh --out"):
            Store.open(tmp_path, PARAMETERS)


def test_every_parameter_decides_the_hash():
    others = [
        replace(PARAMETERS, algorithm_version="2"),
        replace(PARAMETERS, detector={}),
        replace(PARAMETERS, aoi={"type": "Point", "coordinates": [1, 2]}),
        replace(PARAMETERS, coast="x"),
        replace(PARAMETERS, prior="x"),
    ]
    assert len({PARAMETERS.hash, *(other.hash for other in others)}) == 6


def test_foreign_journal_is_told(tmp_path):
    Store.open(tmp_path, PARAMETERS)
    (tmp_path / JOURNAL).mkdir()
    (tmp_path / JOURNAL / "x").write_bytes(b"?")
    with pytest.raises(ConfigError, match="remove it"):
        Store.open(tmp_path, PARAMETERS)


# Crashes: a disk in memory that dies at the n-th call, and power cuts that take what was not synced

ROOT = Path("/out")
Lost = Literal["all", "older", "newer"]


class CrashError(Exception):
    pass


@dataclass
class File:
    data: bytes
    synced: bool = False


Names = dict[Path, File | None]
"""None is a folder."""


@dataclass
class Disk(FileLayer):
    """Lets `budget` calls happen; a write that does not happen leaves half a file."""

    names: Names = field(default_factory=lambda: {Path("/"): None})
    unsynced: list[tuple[Path, Names]] = field(default_factory=list)
    """(path, what was there) of names that changed since their folder was synced."""
    budget: int = 1 << 30
    calls: int = 0

    def step(self) -> None:
        self.calls += 1
        if self.calls > self.budget:
            raise CrashError

    def name(self, path: Path, file: File | None) -> None:
        if path.parent not in self.names:
            raise FileNotFoundError(path)
        self.unsynced.append((path, {path: self.names[path]} if path in self.names else {}))
        self.names[path] = file

    def read(self, path: Path) -> bytes:
        self.step()
        file = self.names.get(path)
        if file is None:
            raise FileNotFoundError(path)
        return file.data

    def exists(self, path: Path) -> bool:
        self.step()
        return path in self.names

    def entries(self, folder: Path) -> list[tuple[str, bool]]:
        self.step()
        if folder not in self.names:
            raise FileNotFoundError(folder)
        found = [path for path in self.names if path.parent == folder != path]
        return [(path.name, self.names[path] is None) for path in found]

    def mkdir(self, folder: Path) -> None:
        self.step()
        if folder in self.names:
            raise FileExistsError(folder)
        self.name(folder, None)

    def write(self, path: Path, data: bytes) -> None:
        file = File(data[: len(data) // 2])
        self.name(path, file)
        self.step()
        file.data = data

    def fsync(self, path: Path) -> None:
        self.step()
        if path not in self.names:
            raise FileNotFoundError(path)
        file = self.names[path]
        if file is not None:
            file.synced = True
        self.unsynced = [change for change in self.unsynced if change[0].parent != path]

    def link(self, source: Path, target: Path) -> None:
        self.step()
        if target in self.names:
            raise FileExistsError(target)
        self.name(target, self.names[source])

    def rename(self, source: Path, target: Path) -> None:
        self.step()
        self.name(target, self.names[source])
        self.remove(source)

    def unlink(self, path: Path) -> None:
        self.step()
        if path not in self.names:
            raise FileNotFoundError(path)
        self.remove(path)

    def remove(self, path: Path) -> None:
        self.unsynced.append((path, {path: self.names.pop(path)}))

    def cut_power(self, lost: Lost) -> None:
        """Forget what was not synced; of the names any may have reached the disk before."""
        half = len(self.unsynced) // 2
        changes = {
            "all": self.unsynced,
            "older": self.unsynced[:half],
            "newer": self.unsynced[half:],
        }[lost]
        for path, before in reversed(changes):
            self.names.pop(path, None)
            self.names |= before
        for path in sorted(self.names)[1:]:
            if path.parent not in self.names:
                del self.names[path]
        for file in self.names.values():
            if file is not None and not file.synced:
                file.data = file.data[: len(file.data) // 2]
        self.unsynced.clear()

    def tree(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(ROOT)): file.data
            for path, file in self.names.items()
            if file is not None
        }


NIGHT = {SCENE: scene_tables(2, real=0.1), OTHER: scene_tables(2, real=0.2)}
THIRD = replace(OTHER, item_id="S1A_3")


@pytest.fixture(scope="module")
def quick_encode():
    """Encodes each table of `NIGHT` once: the bytes are the same every time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("westsea.store.encode", memoized(westsea.store.encode))
        yield


def memoized(encode):
    known: dict[int, tuple[pa.Table, bytes]] = {}

    def encode_once(table, rows, provenance):
        if id(rows) not in known:
            known[id(rows)] = (rows, encode(table, rows, provenance))
        return known[id(rows)][1]

    return encode_once


def night(store: Store) -> Iterator[SceneKey]:
    """A run of three scenes over what an earlier run has left; yields what is done."""
    store.prepare()
    for scene, made in NIGHT.items():
        if store.status(scene) is not Status.DONE:
            store.commit(scene, made)
        yield scene
    store.refuse(THIRD, "HH only")
    store.write_run("night", {"planned": 3})


def prepared() -> Disk:
    """A disk with the failures of an earlier run."""
    disk = Disk()
    store = Store(LocalFolder(ROOT, disk), PARAMETERS)
    store.prepare()
    store.fail(SCENE, "timeout")
    store.fail(THIRD, "timeout")
    disk.calls = 0
    return disk


@pytest.fixture(scope="module")
def undisturbed(quick_encode) -> Disk:
    """After a night without faults."""
    disk = prepared()
    assert list(night(Store(LocalFolder(ROOT, disk), PARAMETERS))) == [SCENE, OTHER]
    assert not any(name.startswith((TEMPORARY, JOURNAL)) for name in disk.tree())
    assert not disk.unsynced or {path.parent for path, _ in disk.unsynced} == {ROOT / TEMPORARY}
    return disk


def crash(disk: Disk, budget: int, lost: Lost | None) -> None:
    """A night in which the process dies after some calls, and then perhaps the power goes."""
    disk.budget, disk.calls = budget, 0
    done = []
    with suppress(CrashError):
        done.extend(night(Store(LocalFolder(ROOT, disk), PARAMETERS)))
    if lost:
        disk.cut_power(lost)
    disk.budget = 1 << 30
    assert {path("detections", scene) for scene in done} <= set(disk.tree())


def check_consistent(disk: "Disk | Bucket", undisturbed: Disk) -> None:
    """Whatever is committed is whole."""
    tree, whole = disk.tree(), undisturbed.tree()
    for scene in NIGHT:
        if path("detections", scene) in tree:
            assert all(tree[path(name, scene)] == whole[path(name, scene)] for name in TABLES)


@pytest.mark.parametrize("lost", [None, "all", "older", "newer"])
def test_every_crash_point(undisturbed, lost):
    assert undisturbed.calls > 100
    for budget in range(undisturbed.calls + 1):
        disk = prepared()
        crash(disk, budget, lost)
        check_consistent(disk, undisturbed)
        assert list(night(Store(LocalFolder(ROOT, disk), PARAMETERS))) == [SCENE, OTHER]
        assert disk.tree() == undisturbed.tree(), budget
        disk.cut_power("all")  # what is done stays done; only leftovers may come back
        tree = disk.tree()
        kept = {name: tree[name] for name in tree if not name.startswith((TEMPORARY, JOURNAL))}
        assert kept == undisturbed.tree(), budget


@settings(max_examples=100, deadline=None)
@given(
    crashes=st.lists(
        st.tuples(st.integers(0, 250), st.sampled_from([None, "all", "older", "newer"])),
        max_size=5,
    )
)
def test_crashes_during_recovery(undisturbed, crashes):
    disk = prepared()
    for budget, lost in crashes:
        crash(disk, budget, lost)
        check_consistent(disk, undisturbed)
    assert list(night(Store(LocalFolder(ROOT, disk), PARAMETERS))) == [SCENE, OTHER]
    assert disk.tree() == undisturbed.tree()


def test_a_scene_that_reached_its_journal_is_not_computed_again(undisturbed):
    completed = 0
    for budget in range(undisturbed.calls):
        disk = prepared()
        crash(disk, budget, None)
        store = Store(LocalFolder(ROOT, disk), PARAMETERS)
        journals = {name for name in disk.tree() if name.startswith(JOURNAL)}
        waiting = [
            scene
            for scene in NIGHT
            if scene.journal in journals and store.status(scene) is not Status.DONE
        ]
        store.prepare()
        assert all(store.status(scene) is Status.DONE for scene in waiting)
        completed += len(waiting)
    assert completed


# The same in a bucket: a store in memory behind the client's own calls, which fail before they
# take effect or after it, for good or once


Fault = Literal["dies before", "dies after", "fails before", "fails after"]


@dataclass
class Bucket:
    """The client library's functions; the `budget`-th call from now on meets a fault."""

    names: MemoryStore = field(default_factory=MemoryStore)
    budget: int = 1 << 30
    calls: int = 0
    fault: Fault = "dies before"

    def __getattr__(self, name: str):
        return lambda client, *arguments, **options: self.call(name, arguments, options)

    def call(self, name: str, arguments, options):
        self.calls += 1
        is_at_fault = self.calls == self.budget
        if self.calls > self.budget and self.fault.startswith("dies"):
            raise CrashError
        if is_at_fault and self.fault.endswith("before"):
            raise CrashError if self.fault == "dies before" else GenericError("no answer")
        answer = self.perform(name, arguments, options)
        if is_at_fault:
            raise CrashError if self.fault == "dies after" else GenericError("no answer")
        return answer

    def perform(self, name: str, arguments, options):
        return getattr(obstore, name)(self.names, *arguments, **options)

    def tree(self) -> dict[str, bytes]:
        found = [entry["path"] for page in obstore.list(self.names) for entry in page]
        return {key: bytes(obstore.get(self.names, key).bytes()) for key in found}


@dataclass
class Unconditional(Bucket):
    """A store that writes whatever the condition."""

    def perform(self, name: str, arguments, options):
        if "mode" in options:
            options["mode"] = "overwrite"
        return super().perform(name, arguments, options)


@pytest.fixture(params=[Bucket, Unconditional])
def in_bucket(request, quick_encode, monkeypatch):
    """A bucket with the failures of an earlier run, and nights in it that return what is done."""
    monkeypatch.setattr(westsea.buckets, "PAUSES_S", (0.0,) * 3)

    def open_store(bucket):
        """As a new process does, which has yet to try whether the store holds conditions."""
        monkeypatch.setattr(westsea.buckets, "obstore", bucket)
        objects = BucketFolder("s3", "bucket", "out")
        monkeypatch.setattr(westsea.buckets, "open_client", lambda *place: None)
        return Store(objects, PARAMETERS)

    def run(bucket, budget=1 << 30, fault="dies before"):
        store = open_store(bucket)
        bucket.budget, bucket.calls, bucket.fault = budget, 0, fault
        done = []
        with suppress(CrashError):
            done.extend(night(store))
        assert {path("detections", scene) for scene in done} <= set(bucket.tree())
        return done

    def begin():
        bucket = request.param()
        store = open_store(bucket)
        store.prepare()
        store.fail(SCENE, "timeout")
        store.fail(THIRD, "timeout")
        return bucket

    return SimpleNamespace(begin=begin, run=run)


@pytest.mark.parametrize("fault", get_args(Fault))
def test_every_crash_point_in_a_bucket(in_bucket, undisturbed, fault):
    whole = in_bucket.begin()
    assert in_bucket.run(whole) == [SCENE, OTHER]
    n_calls, tree = whole.calls, whole.tree()
    assert tree == undisturbed.tree()  # the keys and bytes are those of a folder
    assert n_calls > 40
    for budget in range(1, n_calls + 1):
        bucket = in_bucket.begin()
        done = in_bucket.run(bucket, budget, fault)
        if fault.startswith("fails"):  # and is asked again
            assert done == [SCENE, OTHER]
            assert bucket.tree() == tree, budget
            continue
        check_consistent(bucket, undisturbed)
        assert in_bucket.run(bucket) == [SCENE, OTHER]
        assert bucket.tree() == tree, budget
