from collections import Counter

import pandas as pd
import pytest

from westsea import demo
from westsea.accounts import Report
from westsea.bench.truth import Truth
from westsea.demo import ALONGSIDE, CLOSE, FLOORS, LONG, SHORT, SMALL_CLOSE, Demo, Score
from westsea.results import Sweep
from westsea.schema import Flag
from westsea_catalog.errors import ConfigError


def some_demo(out, scores=(), false=(), km2=1000.0, doubted=0.0):
    return Demo(Report("r", 0), out, tuple(scores), km2, Counter(false), doubted)


@pytest.mark.parametrize(("n", "hit", "enough"), [(20, 19, True), (20, 18, False), (21, 19, False)])
def test_floors_round_up(n, hit, enough):
    assert FLOORS[LONG] == 0.95
    assert Score(LONG, n, hit).is_enough == enough


def test_a_demo_prints_what_it_missed_and_what_is_false(tmp_path):
    scores = (Score(LONG, 20, 19), Score(SHORT, 10, 5), Score(SMALL_CLOSE, 4, 0))
    false = {"rock": 2, "clutter": 4}
    shown = str(some_demo(tmp_path, scores, false, 2000.0, 0.0312)).splitlines()
    assert shown[0].split() == ["kind", "planted", "found", "floor"]
    assert shown[1].split()[-3:] == ["20", "19", "19"]
    assert shown[2].endswith("10       5       8  below the floor")
    assert shown[3].split()[-3:] == ["4", "0", "-"]
    assert shown[4] == ("false detections per 1000 km2 of sea: 3.0 (at most 4): 4 clutter, 2 rock")
    assert shown[5] == "found hulls that bear a doubt: 3.1 %"


def test_a_scene_without_sea_has_no_false_rate(tmp_path):
    assert some_demo(tmp_path, false={"clutter": 3}, km2=0.0).false_rate == 0.0


def test_a_demo_is_scored_kind_by_kind(tmp_path, monkeypatch):
    """Two long hulls close to each other and found; one short hull missed; a doubt; a rock."""
    ids = ["a", "b", "c"]
    north = [37.0, 37.003, 37.05]
    hulls = pd.DataFrame(
        {
            "hull_id": ids,
            "item_id": "A",
            "lon": 122.0,
            "lat": north,
            "length_m": [120.0, 60.0, 30.0],
            "setting": "sea",
            "group_id": ids,
        }
    )
    pairs = pd.DataFrame([("a", "b", "close")], columns=["hull_id_1", "hull_id_2", "kind"])
    pairs["item_id"] = "A"
    others = pd.DataFrame(
        [("o", "A", "rock", 122.0, 37.09, 20.0)],
        columns=["other_id", "item_id", "kind", "lon", "lat", "length_m"],
    )
    scenes = pd.DataFrame({"item_id": ["A"], "sea_state": "calm"})

    class Swept:
        def __init__(self, out):
            assert out == tmp_path

        def detections(self):
            rows = pd.DataFrame({"detect_id": ["x", "y", "z"], "item_id": "A", "lon": 122.0})
            flags = [0, int(Flag.CLOUD), 0]
            return rows.assign(lat=[37.0, 37.003, 37.09], flags=flags)

        def pairs(self):
            return pd.DataFrame({"detect_id_1": ["x"], "detect_id_2": ["y"], "kind": "close"})

        def scenes(self):
            return pd.DataFrame({"km2_valid": [100.0, 150.0]})

    monkeypatch.setattr(demo, "Sweep", Swept)
    made = demo.compare(Report("r", 0), tmp_path, Truth(hulls, pairs, others, scenes))
    counts = {score.kind: (score.planted, score.found) for score in made.scores}
    assert counts == {LONG: (2, 2), SHORT: (1, 0), CLOSE: (1, 1), SMALL_CLOSE: (0, 0),
                      ALONGSIDE: (0, 0)}  # fmt: skip
    assert made.false == {"rock": 1}
    assert made.false_rate == 4.0
    assert made.doubted == 0.5
    assert not made.is_enough


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


@pytest.mark.parametrize(("hit", "n_false", "code"), [(19, 40, 0), (18, 0, 1), (19, 41, 1)])
def test_the_command_fails_below_a_floor(cli, tmp_path, monkeypatch, hit, n_false, code):
    def run(folder, *, workers, progress):
        assert (folder, workers) == (tmp_path, 3)
        false = {"clutter": n_false}
        return some_demo(folder / "out", [Score(LONG, 20, hit)], false, 10_000.0)

    monkeypatch.setattr(demo, "run", run)
    done = cli("demo", "--folder", tmp_path, "--workers", 3)
    assert done.code == code
    assert ("below the floor" in done.out) == (hit == 18)
    assert f"detections: {tmp_path}/out/detections" in done.out


def test_the_demo_from_end_to_end(cli, tmp_path):
    done = cli("demo", "--folder", tmp_path, "--workers", 0)
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    assert [line[:38].strip() for line in lines[1:6]] == list(FLOORS)
    assert all(int(line.split()[-3]) >= 20 for line in lines[1:6] if line.split()[-1] != "-")
    n_scenes = len(Sweep(tmp_path / "out").scenes())
    assert f"{n_scenes} planned = {n_scenes} done" in done.out
    assert len(done.err.splitlines()) == n_scenes
