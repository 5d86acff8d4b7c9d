from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from westsea import demo
from westsea.demo import FLOORS, Demo, Score, compare, distances, match
from westsea.results import Sweep
from westsea.runner import Report
from westsea.schema import Flag
from westsea_catalog.errors import ConfigError

LONG, SHORT, CLOSE, ALONGSIDE = FLOORS
DEGREE_M = 111_000.0  # of latitude, near enough


@dataclass
class Swept:
    """Made-up results."""

    rows: pd.DataFrame
    couples: pd.DataFrame
    km2: float = 500.0

    def detections(self):
        return self.rows

    def pairs(self):
        return self.couples

    def scenes(self):
        return pd.DataFrame({"km2_valid": [self.km2 / 2, self.km2 / 2]})


def hulls(*places, item="A"):
    """Planted hulls (name, metres north, length)."""
    return pd.DataFrame(
        [
            {"hull_id": name, "item_id": item, "lon": 122.0, "lat": 37 + north / DEGREE_M,
             "length_m": length}
            for name, north, length in places
        ]
    )  # fmt: skip


def detections(*places, item="A", flags=0):
    """Detections (name, metres north)."""
    return pd.DataFrame(
        [
            {"detect_id": name, "item_id": item, "lon": 122.0, "lat": 37 + north / DEGREE_M,
             "flags": flags}
            for name, north in places
        ],
        columns=["detect_id", "item_id", "lon", "lat", "flags"],
    )  # fmt: skip


def planted(*couples):
    return pd.DataFrame(couples, columns=["hull_id_1", "hull_id_2", "kind"])


def reported(*couples):
    return pd.DataFrame(couples, columns=["detect_id_1", "detect_id_2", "kind"])


def found(rows, couples, hulls_, pairs_):
    scores, rate = compare(Swept(rows, couples), hulls_, pairs_)
    return {score.kind: (score.planted, score.found) for score in scores}, rate


def test_distances_are_metres_within_a_scene_only():
    some = distances(hulls(("a", 0, 50), ("b", 100, 50)), detections(("x", 30), ("y", 100)))
    assert np.allclose(some, [[30, 100], [70, 0]], atol=0.3)
    assert np.isinf(distances(hulls(("a", 0, 50)), detections(("x", 0), item="B"))).all()


def test_a_detection_belongs_to_the_hull_it_lies_on():
    length = np.array([100.0, 100.0, 200.0, 30.0])
    distance = np.array([[45, 60], [51, 90], [99, 300], [39, 41]], float)
    assert match(distance, length).tolist() == [0, -1, 0, 0]
    assert match(np.empty((2, 0)), length[:2]).tolist() == [-1, -1]


def test_hulls_are_counted_by_length():
    truth = hulls(("a", 0, 120), ("b", 2000, 60), ("c", 4000, 49), ("d", 6000, 30))
    scores, rate = found(detections(("x", 10), ("y", 4010)), reported(), truth, planted())
    assert scores == {LONG: (2, 1), SHORT: (2, 1), CLOSE: (0, 0), ALONGSIDE: (0, 0)}
    assert rate == 0


def test_close_pairs_must_be_reported_as_such():
    truth = hulls(("a", 0, 100), ("b", 300, 100))
    rows = detections(("x", 5), ("y", 295))
    couple = planted(("a", "b", "close"))
    assert found(rows, reported(("y", "x", "close")), truth, couple)[0][CLOSE] == (1, 1)
    assert found(rows, reported(("y", "x", "alongside")), truth, couple)[0][CLOSE] == (1, 0)
    assert found(rows, reported(), truth, couple)[0][CLOSE] == (1, 0)
    assert found(rows[:1], reported(("x", None, "close")), truth, couple)[0][CLOSE] == (1, 0)


def test_alongside_pairs_are_one_blob_or_a_pair():
    truth = hulls(("a", 0, 100), ("b", 30, 90))
    couple = planted(("a", "b", "alongside"))
    merged, apart = detections(("x", 14)), detections(("x", 0), ("y", 30))
    assert found(merged, reported(), truth, couple)[0][ALONGSIDE] == (1, 1)
    as_pair = reported(("x", "y", "alongside"))
    assert found(apart, as_pair, truth, couple)[0][ALONGSIDE] == (1, 1)
    assert found(apart, reported(("x", "y", "close")), truth, couple)[0][ALONGSIDE] == (1, 0)
    assert found(detections(), reported(), truth, couple)[0][ALONGSIDE] == (1, 0)


def test_false_detections_lie_on_no_hull_and_are_unflagged():
    truth = hulls(("a", 0, 200))
    # On the hull; its wake's end, 190 m off; open water twice.
    rows = detections(("x", 5), ("w", 190), ("f", 900), ("g", -900))
    assert found(rows, reported(), truth, planted())[1] == 1000 * 2 / 500
    doubted = detections(("x", 5), ("f", 900), flags=int(Flag.LAND_NEAR))
    assert found(doubted, reported(), truth, planted())[1] == 0
    remarked = detections(("x", 5), ("f", 900), flags=int(Flag.SATURATED))
    assert found(remarked, reported(), truth, planted())[1] == 2
    assert compare(Swept(rows, reported(), km2=0.0), truth, planted())[1] == 0


@pytest.mark.parametrize(("n", "hit", "enough"), [(10, 9, True), (10, 8, False), (11, 9, False)])
def test_floors_round_up(n, hit, enough):
    assert FLOORS[LONG] == 0.9
    assert Score(LONG, n, hit).is_enough == enough


def test_a_demo_prints_what_it_missed(tmp_path):
    scores = (Score(LONG, 10, 9), Score(SHORT, 10, 5))
    shown = str(Demo(Report("r", 0), tmp_path, scores, 3.21)).splitlines()
    assert shown[0].split() == ["kind", "planted", "found", "floor"]
    assert shown[1].split()[-3:] == ["10", "9", "9"]
    assert shown[2].endswith("10       5       6  below the floor")
    assert shown[3] == "false detections per 1000 km2 of sea: 3.2 (at most 10)"


def test_a_demo_clears_nothing_but_a_demo(tmp_path):
    mine = tmp_path / "out" / "thesis.tex"
    mine.parent.mkdir()
    mine.touch()
    with pytest.raises(ConfigError, match="is no earlier demo's: choose another --folder"):
        demo.run(tmp_path)
    assert mine.exists()
    assert not (tmp_path / "archive").exists()


def test_an_earlier_demo_gives_way(tmp_path, monkeypatch):
    def stop(folder):
        raise InterruptedError

    earlier = tmp_path / "out" / "sweep.json"
    earlier.parent.mkdir()
    earlier.touch()
    monkeypatch.setattr(demo.archive, "build", stop)
    with pytest.raises(InterruptedError):
        demo.run(tmp_path)
    assert not earlier.parent.exists()


@pytest.mark.parametrize(("hit", "rate", "code"), [(9, 10.0, 0), (8, 0.0, 1), (9, 10.1, 1)])
def test_the_command_fails_below_a_floor(cli, tmp_path, monkeypatch, hit, rate, code):
    def run(folder, *, workers, progress):
        assert (folder, workers) == (tmp_path, 3)
        return Demo(Report("r", 0), folder / "out", (Score(LONG, 10, hit),), rate)

    monkeypatch.setattr(demo, "run", run)
    done = cli("demo", "--folder", tmp_path, "--workers", 3)
    assert done.code == code
    assert ("below the floor" in done.out) == (hit == 8)
    assert f"detections: {tmp_path}/out/detections" in done.out


def test_the_demo_from_end_to_end(cli, tmp_path):
    done = cli("demo", "--folder", tmp_path, "--workers", 0)
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    assert [line[:38].strip() for line in lines[1:5]] == [LONG, SHORT, CLOSE, ALONGSIDE]
    assert all(int(line.split()[-3]) >= 20 for line in lines[1:5])
    assert "6 planned = 6 done" in done.out
    assert len(Sweep(tmp_path / "out").scenes()) == 6
    assert len(done.err.splitlines()) == 6
