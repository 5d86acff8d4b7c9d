"""A month of nights without a scheduler: late, new and failing scenes, a clock that errs.

Each night is one `sweep --last P3D`, on its own idea of now, over what the catalogue holds by then.
"""

import copy
import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from westsea.api import execute, items_within, plan
from westsea.records import Verdict
from westsea.results import Sweep
from westsea.runner import Limits

FIRST = datetime(2017, 10, 1, tzinfo=UTC)
NIGHTS = 31
MOST = 2


@dataclass
class Catalogue:
    """Items that come and change in time; each names a file of its own, or the good one."""

    root: Path
    template: dict
    items: dict = field(default_factory=dict)

    def publish(self, name, taken, file="good", **properties):
        item = copy.deepcopy(self.template) | {"id": name}
        when = taken.isoformat()
        item["properties"] |= {
            "datetime": when, "start_datetime": when, "end_datetime": when, **properties
        }  # fmt: skip
        item["assets"]["vv"]["href"] = str(self.root / f"{file}.tif")
        self.items[name] = item

    def night(self, out, now, monkeypatch, **limits):
        """The report of one night."""
        monkeypatch.setenv("WESTSEA_NOW", now.isoformat())
        path = self.root / "items.json"
        listed = {"type": "FeatureCollection", "features": list(self.items.values())}
        path.write_text(json.dumps(listed))
        found = items_within(str(path), last="P3D")
        return execute(plan(found, catalog=str(path)), out, workers=0, limits=Limits(**limits))


@pytest.fixture
def catalogue(archive, tmp_path):
    """An empty catalogue beside one good file of 256 x 256 pixels."""
    paths = archive.parent.glob("sentinel-1*/*/*.json")
    path = min(paths, key=lambda path: sum(file.stat().st_size for file in path.parent.iterdir()))
    template = json.loads(path.read_text())
    folder = tmp_path / "catalogue"
    folder.mkdir()
    shutil.copy(path.parent / template["assets"]["vv"]["href"], folder / "good.tif")
    template["links"] = []
    return Catalogue(folder, template)


def test_a_month_of_nights(catalogue, tmp_path, monkeypatch):
    out, ends, tried = tmp_path / "out", Counter(), Counter()
    good = catalogue.root / "good.tif"
    for night in range(NIGHTS):
        day = FIRST + timedelta(days=night)
        catalogue.publish(f"plain-{night}", day - timedelta(hours=10))
        if night % 5 == 0:  # published two days late
            catalogue.publish(f"late-{night}", day - timedelta(days=2, hours=1))
        if night % 7 == 0:  # made anew under a new name
            catalogue.publish(f"plain-{night}-v2", day - timedelta(hours=10))
        if night % 6 == 0:  # touched by the catalogue, with the same name
            catalogue.items[f"plain-{night}"]["properties"]["updated"] = day.isoformat()
        if night % 4 == 0:  # its file comes a night after its item
            catalogue.publish(f"early-{night}", day - timedelta(hours=9), f"early-{night}")
        if night and (night - 1) % 4 == 0:
            shutil.copy(good, catalogue.root / f"early-{night - 1}.tif")
        if night == 3:  # of which no file ever comes
            catalogue.publish("dead", day - timedelta(hours=8), "dead")
        if night == 12:
            (catalogue.root / "broken.tif").write_bytes(b"II*\0 no image")
            catalogue.publish("broken", day - timedelta(hours=8), "broken")
        if night == 14:  # its catalogue corrects the item
            catalogue.publish("broken", day - timedelta(days=2, hours=8), "good", corrected=True)
        skew = timedelta(hours=(-1, 0, 1)[night % 3])
        report = catalogue.night(out, day + skew, monkeypatch, attempts=MOST)
        report.check()
        for result in report.results:
            name = result.key.item_id
            ends[name, str(result.verdict)] += 1
            tried[name] += result.attempts
        failed = {each.key.item_id for each in report.results if each.verdict == Verdict.FAILED}
        assert failed - {"dead"} == ({f"early-{night}"} if night % 4 == 0 else set())

    done = {name for name, _ in ends if ends[name, "done"] + ends[name, "empty"]}
    assert done == set(catalogue.items) - {"dead"}
    # Each scene once, though three or four nights saw each.
    assert all(ends[name, "done"] + ends[name, "empty"] == 1 for name in done)
    assert len(Sweep(out).scenes("keep")) == len(done)
    assert all(ends[name, "skipped"] >= 1 for name in done if name.startswith("plain-1"))
    # What failed or was refused was not tried more often than may help.
    assert {n for name, n in tried.items() if name.startswith("early")} <= {1, 2}
    assert tried["dead"] == MOST
    assert (ends["dead", "failed"], tried["broken"]) == (3, 2)
    assert ends["broken", "refused"] == 2
    assert Sweep(out).failed()["item_id"].tolist() == ["dead"]
    assert len(Sweep(out).runs()) == NIGHTS


def test_a_dead_scene_is_left_alone_until_something_changes(catalogue, tmp_path, monkeypatch):
    out, day = tmp_path / "out", FIRST
    catalogue.publish("dead", day, "dead")

    def night(**limits):
        [result] = catalogue.night(out, day, monkeypatch, **{"attempts": MOST} | limits).results
        return result

    assert [night().given_up for _ in range(4)] == [False, False, True, True]
    left = night()
    assert left.verdict == Verdict.FAILED
    assert left.reason.startswith("given up after 2 runs, until its item changes or --retry is")
    assert left.reason.endswith("No such file or directory.")
    # Once more where one asks for it, and where more attempts are allowed.
    assert not night(retry=True).given_up
    assert night().given_up
    assert Sweep(out).failed()["attempts"].tolist() == [3]
    assert not night(attempts=4).given_up
    # The catalogue changes the item: from the start.
    catalogue.publish("dead", day, "dead", updated="2017-10-02T00:00:00Z")
    assert [night().given_up for _ in range(3)] == [False, False, True]
    shutil.copy(catalogue.root / "good.tif", catalogue.root / "dead.tif")
    assert night(retry=True).verdict in (Verdict.DONE, Verdict.EMPTY)
    assert len(Sweep(out).failed()) == 0


def test_a_month_told_in_any_order_ends_the_same(catalogue, tmp_path, monkeypatch):
    days = [FIRST + timedelta(days=n) for n in range(4)]
    for n, day in enumerate(days):
        catalogue.publish(f"plain-{n}", day - timedelta(hours=10))
    for name, order in (("one", days), ("two", days[::-1])):
        for day in order:
            catalogue.night(tmp_path / name, day, monkeypatch)
    trees = [
        {path.relative_to(tmp_path / name): path.read_bytes()
         for path in (tmp_path / name).rglob("*.parquet")}
        for name in ("one", "two")
    ]  # fmt: skip
    assert trees[0] == trees[1]
    assert len(trees[0]) >= 3 * 4
