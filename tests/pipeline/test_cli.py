import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import westsea.api
from westsea import exits
from westsea.results import Sweep

ROOT = Path(__file__).parents[2]
WHEN = ["--datetime", "2017-10-01/2017-10-31"]


@pytest.fixture
def all_of(archive):
    return ["--catalog", archive, "--aoi", "west-sea", *WHEN]


def start(*arguments, **options):
    """The command line in a process of its own."""
    roots = os.pathsep.join(str(ROOT / room) for room in ("catalog", "kernels", "pipeline"))
    return subprocess.Popen(
        [sys.executable, "-m", "westsea", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": roots},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def tables(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.parquet")}


def totals(out):
    """The numbers of the line of conservation, by name."""
    planned, _, parts = out.splitlines()[0].partition("; ")[0].partition(" planned = ")
    return {"planned": int(planned)} | {
        name: int(number) for number, name in (part.split() for part in parts.split(" + "))
    }


# Help and usage


def test_help_of_every_command(cli):
    commands = ("search", "plan", "sweep", "runs", "catalogs", "demo")
    listed = cli("--help").out
    for command in commands:
        assert f"  {command} " in listed
        shown = cli(command, "-h")
        assert shown.code == 0
        assert shown.out.startswith(f"Usage: westsea {command} ")
        assert "--log-format [text|json]" in shown.out


@pytest.mark.parametrize("command", [[], ["search"], ["report"], ["export"], ["persist"], ["link"]])
def test_examples_in_help_keep_their_lines(cli, command):
    shown = cli(*command, "-h").out
    assert "\\b" not in shown
    examples = [line for line in shown.splitlines() if line.startswith("  westsea ")]
    assert examples
    assert all(line.count("westsea ") == 1 for line in examples)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["swim"], "No such command 'swim'"),
        (["sweep", "--depth", "3"], "No such option"),
        (["sweep"], "Missing option '--out'"),
        (["sweep", "--out", "o", "--workers", "-1"], "--workers"),
        (["sweep", "--out", "o", "--workers", "two"], "--workers"),
        (["sweep", "--out", "o", "--shard", "2/2", "--items", "-"], "'2/2' is no shard"),
        (["sweep", "--out", "o", "--chunk", "100", "--items", "-"], "'100' is no chunk"),
        (["search", *WHEN], "Say where to look: --catalog, or --items"),
        (["search", "--catalog", "earth-search", *WHEN], "A search needs an area"),
        (["search", "--catalog", "earth-search", "--aoi", "west-sea"], "and a time"),
        (["search", "--catalog", "nowhere", "--aoi", "west-sea", *WHEN], "neither a known catal"),
        (["plan", "--items", "absent.json"], "absent.json cannot be read"),
        (["plan", "--items", "-", "--log-format", "xml"], "--log-format"),
    ],
)
def test_usage_errors_end_with_2(cli, arguments, said):
    done = cli(*arguments)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


# Search and plan


def test_search_prints_items_and_says_how_many(cli, all_of):
    done = cli("search", *all_of)
    assert done.code == 0
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert [row[0] for row in rows] == ["sentinel-1-rtc"] * 3 + ["sentinel-2-l2a"]
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert rows[0][1] == "2017-10-14T09:40:39.500000Z"
    assert done.err == "4 scenes\n"


def test_search_writes_items_for_other_tools(cli, all_of):
    done = cli("search", *all_of, "--json")
    found = json.loads(done.out)
    assert found["type"] == "FeatureCollection"
    assert len(found["features"]) == 4
    assert all(Path(item["assets"]["vv"]["href"]).is_file() for item in found["features"][:3])


def test_a_search_that_finds_nothing_is_fine(cli, archive, tmp_path):
    nothing = ["--catalog", archive, "--bbox=0,0,1,1", *WHEN]
    done = cli("search", *nothing)
    assert (done.code, done.out, done.err) == (0, "", "0 scenes\n")
    assert cli("plan", *nothing).code == 0
    done = cli("sweep", *nothing, "--out", tmp_path / "out")
    assert done.code == 0
    assert done.err.startswith("0 scenes")
    assert totals(done.out)["planned"] == 0


def test_undated_items_are_listed(cli, tmp_path):
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"type": "Feature", "id": "a\nb", "collection": "c"}))
    assert cli("search", "--items", path).out == "c\tundated\ta\\x0ab\n"


def test_plan_prints_scenes_and_totals(cli, all_of):
    done = cli("plan", *all_of)
    assert done.code == 0
    first = done.out.splitlines()[0].split("\t")
    assert first[1:] == ["VV", "384 x 512", "20 km2", "1 MB", "1 tasks"]
    assert done.err == "4 scenes, 0 refused: 98 km2, 1 Mpx, 0.01 GB decoded, 4 tasks\n"


def test_plan_as_json(cli, all_of):
    planned = json.loads(cli("plan", *all_of, "--json").out)
    assert planned["totals"]["scenes"] == len(planned["scenes"]) == 4
    assert planned["refused"] == []
    first = planned["scenes"][0]
    assert first["bands"] == ["VV"]
    assert first["shape"] == [384, 512]
    assert first["window"] == {"row0": 0, "row1": 384, "col0": 0, "col1": 512}
    assert first["epsg"] == 32651
    assert first["bytes"] == 4 * first["pixels"] == 4 * 384 * 512


def test_scenes_without_a_pixel_in_the_area_are_told(cli, own_archive):
    path = next(own_archive.parent.glob("sentinel-2*/*/*.json"))
    item = json.loads(path.read_text())
    item["geometry"] = {"type": "Point", "coordinates": [119.0, 34.0]}
    path.write_text(json.dumps(item))
    done = cli("plan", "--items", path, "--bbox=118.9,33.9,119.1,34.1")
    assert done.code == 0
    assert done.err.startswith("0 scenes, 0 refused, 1 without a pixel in the area")


# Sweep


@pytest.fixture(scope="module")
def swept(archive, tmp_path_factory):
    """A sweep by the command line on one worker process: how it ended and its folder."""
    out = tmp_path_factory.mktemp("swept") / "out"
    arguments = ["--catalog", archive, "--aoi", "west-sea", *WHEN, "--out", out, "--workers", 1]
    process = start("sweep", *arguments, "--chunk", "256")
    stdout, stderr = process.communicate(timeout=300)
    return process.returncode, stdout, stderr, out


def test_sweep_on_a_worker_process(swept):
    code, out, err, folder = swept
    assert code == 0, err
    counts = totals(out)
    assert counts == {
        "planned": 4,
        "done": 3,
        "empty": 1,
        "refused": 0,
        "failed": 0,
        "skipped": 0,
    }
    found = Sweep(folder)
    assert f"\n{len(found.detections())} detections, {len(found.pairs())} pairs in " in out
    for table in ("detections", "pairs", "scenes"):
        assert f"{table}: {folder}/{table}\n" in out
        assert len(list((folder / table).rglob("*.parquet"))) == 4
    lines = err.splitlines()
    assert lines[0].startswith("4 scenes, 0 refused")
    assert lines[1].startswith("each worker will need at most ")
    assert [line.partition(" ")[0] for line in lines[2:]] == [f"[{n}/4]" for n in (1, 2, 3, 4)]


def test_the_same_without_a_worker(cli, swept, all_of, tmp_path):
    done = cli("sweep", *all_of, "--out", tmp_path / "out", "--workers", 0)
    assert done.code == 0
    assert tables(tmp_path / "out") == tables(swept[3])
    again = cli("sweep", *all_of, "--out", tmp_path / "out", "--workers", 0)
    assert again.code == 0
    assert totals(again.out)["skipped"] == 4


def test_search_pipes_into_sweep(cli, swept, archive, all_of, tmp_path):
    items = cli("search", *all_of, "--json").out
    asked = ["sweep", "--items", "-", "--aoi", "west-sea", "--workers", 0]
    done = cli(*asked, "--catalog", archive, "--out", tmp_path / "out", stdin=items)
    assert done.code == 0, done.err
    assert tables(tmp_path / "out") == tables(swept[3])
    # What is said of nothing but items may not name files here.
    done = cli(*asked, "--out", tmp_path / "other", stdin=items)
    assert done.code == 4
    assert totals(done.out)["refused"] == 4
    assert "href to a local file, but its catalogue is not one" in done.err


def test_items_name_files_beside_them(cli, own_archive, tmp_path):
    path = next(own_archive.parent.glob("sentinel-2*/*/*.json"))
    done = cli("sweep", "--items", path, "--out", tmp_path / "out", "--workers", 0)
    assert done.code == 0, done.err
    assert totals(done.out)["done"] == 1


def test_items_may_be_selected_from(cli, archive, all_of, tmp_path):
    path = tmp_path / "items.json"
    path.write_text(cli("search", *all_of, "--json").out)
    asked = ["plan", "--items", path, "--catalog", archive]
    assert len(cli(*asked).out.splitlines()) == 4
    assert len(cli(*asked, "-c", "sentinel-1-rtc").out.splitlines()) == 3
    assert len(cli(*asked, "--datetime", "2017-10-14").out.splitlines()) == 1
    assert len(cli(*asked, "--bbox=0,0,1,1").out.splitlines()) == 0


def test_a_dry_run_writes_nothing(cli, all_of, tmp_path):
    done = cli("sweep", *all_of, "--out", tmp_path / "out", "--dry-run")
    assert done.code == 0
    assert len(done.out.splitlines()) == 4
    assert not (tmp_path / "out").exists()


def test_shards_of_a_sweep(cli, swept, all_of, tmp_path):
    asked = ["sweep", *all_of, "--out", tmp_path / "out", "--workers", 0, "--shard"]
    counts = [totals(cli(*asked, f"{index}/2").out)["planned"] for index in range(2)]
    assert sum(counts) == 4
    assert tables(tmp_path / "out") == tables(swept[3])


def test_json_lines_on_stderr(cli, all_of, tmp_path):
    asked = ["sweep", *all_of, "--workers", 0, "--log-format", "json", "--out"]
    done = cli(*asked, tmp_path / "out")
    documents = [json.loads(line) for line in done.err.splitlines()]
    assert [each["verdict"] for each in documents if each.get("stage") == "scene"] == [
        "done",
        "empty",
        "done",
        "done",
    ]
    assert totals(done.out)["planned"] == 4
    scene, end = documents[1], documents[-1]
    assert (scene["attempt"], end["stage"], end["attempts"]) == (1, "run", 4)
    assert scene["bytes"] >= 4 * 384 * 512
    assert set(scene["stages"]) == {"summarise", "judge", "commit"}
    assert end["bytes"] == sum(each["bytes"] for each in documents if each.get("stage") == "scene")
    assert end["message"] == done.out.splitlines()[0]
    (tmp_path / "file").touch()
    failed = cli(*asked, tmp_path / "file" / "out")
    assert failed.code == 4
    assert json.loads(failed.err.splitlines()[-1])["level"] == "error"


def test_metrics_of_a_sweep_that_ends(cli, all_of, tmp_path):
    file = tmp_path / "westsea.prom"
    asked = ["sweep", *all_of, "--workers", 0, "--metrics", file, "--out"]
    assert cli(*asked, tmp_path / "out").code == 0
    assert 'westsea_run_scenes{verdict="done"} 3.0' in file.read_text()
    before = file.read_text()
    (tmp_path / "file").touch()
    assert cli(*asked, tmp_path / "file" / "out").code == 4
    assert file.read_text() == before


def test_a_dead_scene_does_not_end_every_night_with_3(cli, own_archive, tmp_path):
    next(own_archive.parent.glob("sentinel-2*/*/B08.tif")).unlink()
    asked = ["sweep", "--catalog", own_archive, "--aoi", "west-sea", *WHEN, "--workers", 0]
    asked += ["--out", tmp_path / "out", "--attempts", 2]
    assert [cli(*asked).code for _ in range(3)] == [3, 3, 0]
    done = cli(*asked)
    assert totals(done.out)["failed"] == 1
    assert "1 of the failed were not tried again: see --retry" in done.out
    assert "given up after 2 runs" in done.err
    assert cli(*asked, "--retry").code == 3


def test_a_performance_report_wants_bokeh(cli, all_of, tmp_path, threads, monkeypatch):
    page = tmp_path / "page.html"
    asked = ["sweep", *all_of, "--out", tmp_path / "out", "--performance-report", page]
    monkeypatch.setattr("westsea.cluster.find_spec", lambda name: None)
    with threads.as_current():
        done = cli(*asked)
    assert done.code == 4
    assert "needs bokeh: pip install" in done.err


def test_wrong_schedulers(cli, all_of, tmp_path, monkeypatch):
    monkeypatch.setattr("westsea.cluster.CONNECT_SECONDS", 0.5)
    asked = ["sweep", *all_of, "--out", tmp_path / "out", "--scheduler"]
    done = cli(*asked, "127.0.0.1:8786")
    assert done.code == 2
    assert "westsea: '127.0.0.1:8786' is no scheduler" in done.err
    done = cli(*asked, "tcp://127.0.0.1:1")
    assert done.code == 5
    assert done.err.splitlines()[-1] == "westsea: No Dask scheduler answers at tcp://127.0.0.1:1."


# Other commands


def test_runs(cli, all_of, tmp_path):
    out = tmp_path / "out"
    for _ in range(2):
        cli("sweep", *all_of, "--out", out, "--workers", 0)
    (out / "runs" / "of-another-version.json").write_text('{"error": "ConfigError"}')
    head, first, second, other = cli("runs", out).out.splitlines()
    assert {"unfinished", "given_up", "attempts", "km2_valid", "km2_unread", "bytes"} <= {
        *head.split("\t")
    }
    assert head.split("\t")[:3] == ["run_id", "planned", "done"]
    listed = [first.split("\t"), second.split("\t")]
    assert sorted(row[1:7] for row in listed) == [
        ["4", "0", "0", "0", "0", "4"],
        ["4", "3", "1", "0", "0", "0"],
    ]
    assert dict(zip(head.split("\t"), other.split("\t"), strict=True))["error"] == "ConfigError"
    assert other.startswith("of-another-version\t")
    documents = json.loads(cli("runs", out, "--json").out)
    assert {"run_id", "planned", "scenes"} <= documents[0].keys()
    nothing = cli("runs", tmp_path)
    assert nothing.code == 4
    assert "holds no results of a sweep" in nothing.err


def test_catalogs(cli):
    shown = cli("catalogs").out
    known = json.loads(cli("catalogs", "--json").out)
    assert {"earth-search", "planetary-computer", "built-in"} <= {each["name"] for each in known}
    assert all(each["name"] in shown for each in known)


# Bugs


def test_a_bug_is_told_in_a_line_and_its_traceback_only_if_asked_for(cli, all_of, monkeypatch):
    def break_down(*_, **__):
        raise IndexError("list index\nout of range")

    monkeypatch.setattr(westsea.api, "search", break_down)
    done = cli("search", *all_of)
    assert done.code == 1
    [line] = done.err.splitlines()
    assert line.startswith("westsea: this is a bug, please report it")
    assert line.endswith(r"IndexError: list index\x0aout of range")
    done = cli("search", *all_of, "-v")
    assert done.code == 1
    assert "Traceback (most recent call last)" in done.err
    assert "in break_down" in done.err


def test_a_failed_scene_shows_its_traceback_only_if_asked_for(cli, all_of, tmp_path, monkeypatch):
    def break_down(job, store):
        raise IndexError("at 3")

    monkeypatch.setattr("westsea.runner.process_scene", break_down)
    asked = ["sweep", *all_of, "--out", tmp_path / "out", "--workers", 0]
    done = cli(*asked)
    assert done.code == 3
    assert "Traceback" not in done.err
    assert "in break_down" in cli(*asked, "-v").err


# Signals


@pytest.fixture(scope="module")
def many(archive, tmp_path_factory):
    """The archive with 200 items: a sweep that lasts."""
    found = []
    for path in sorted(archive.parent.glob("*/*/*.json")):
        item = json.loads(path.read_text())
        for asset in item["assets"].values():
            asset["href"] = str((path.parent / asset["href"]).resolve())
        found += [item | {"id": f"{item['id']}-{n}"} for n in range(50)]
    path = tmp_path_factory.mktemp("many") / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": found}))
    return path


def started(archive, many, out, *how):
    """A sweep that has done some scenes, and its worker processes."""
    process = start("sweep", "--items", many, "--catalog", archive, "--out", out, *how)
    deadline = time.monotonic() + 120
    for line in process.stderr:
        assert time.monotonic() < deadline
        if line.startswith("[3/200]"):
            break
    return process, psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize(
    ("number", "code", "workers"),
    [(signal.SIGINT, 130, 2), (signal.SIGTERM, 143, 0)],
)
def test_a_signal_ends_a_sweep_in_order(archive, many, tmp_path, number, code, workers):
    out = tmp_path / "out"
    process, children = started(archive, many, out, "--workers", workers)
    assert (len(children) > 0) == (workers > 0)
    os.killpg(process.pid, number)  # to all of them, as a terminal sends it
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    told = [line for line in err.splitlines() if not line.startswith("[")]
    assert told == [
        f"westsea: {out} is sound: run the same command to go on.",
        f"westsea: stopped by {number.name}.",
    ]
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    found = Sweep(out)
    # The items are copies of some scenes, which count as one otherwise.
    scenes, [run] = found.scenes("keep"), found.runs().to_dict("records")
    ended = run["planned"] - run["unfinished"]
    # Workers may commit the batches that they were at, which the run did not wait for.
    assert 3 <= ended < run["planned"]
    assert ended <= len(scenes) <= (run["planned"] if workers else ended)
    assert len(found.detections("keep")) == scenes["n_detections"].sum()


def test_a_signal_leaves_a_scheduler_of_others_as_it_was(archive, many, tmp_path, processes):
    out, address = tmp_path / "out", processes.scheduler.address
    process, children = started(archive, many, out, "--scheduler", address)
    assert children == []
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert f"westsea: {out} is sound: run the same command to go on." in err
    assert len(processes.nthreads()) == 2
    assert processes.submit(sum, [1, 2]).result(timeout=60) == 3  # nothing is left before it
    assert len(Sweep(out).runs()) == 1


def test_two_sweeps_at_once_into_one_folder(archive, many, tmp_path, cli):
    some = json.loads(many.read_text())
    some["features"] = some["features"][::10]
    path = tmp_path / "some.json"
    path.write_text(json.dumps(some))
    asked = ["sweep", "--items", path, "--catalog", archive, "--workers", 0, "--out"]
    both = [start(*asked, tmp_path / "out") for _ in range(2)]
    ends = [(process.communicate(timeout=300), process.returncode) for process in both]
    assert [code for _, code in ends] == [0, 0], ends
    assert cli(*asked, tmp_path / "one").code == 0
    assert tables(tmp_path / "out") == tables(tmp_path / "one")
    left = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "out").parts[0] for path in left} >= {"runs", "sweep.json"}
    assert not [path for path in left if ".tmp" in path.parts or ".journal" in path.parts]
    records = Sweep(tmp_path / "out").runs()
    assert (records["planned"] == records["done"] + records["empty"] + records["skipped"]).all()
    assert records["conflicts"].sum() == 0


def test_asking_twice_ends_a_sweep_at_once():
    numbers = (signal.SIGINT, signal.SIGTERM)
    with exits._signals_stop():
        with pytest.raises(exits.Stopped) as stop:
            signal.raise_signal(signal.SIGTERM)
        assert stop.value.number == signal.SIGTERM
        assert [signal.getsignal(number) for number in numbers] == [signal.SIG_DFL] * 2


def test_signals_are_as_before_afterwards(cli, all_of):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    cli("search", *all_of)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert logging.getLogger("westsea").level == logging.INFO
