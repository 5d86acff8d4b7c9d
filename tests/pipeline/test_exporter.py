"""What the names of Kubernetes Jobs tell, and metrics of the runs that their pods recorded."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from westsea.accounts import Report
from westsea.exporter import registry
from westsea.jobs import Attempt, scheduled_time
from westsea.metrics import write_metrics
from westsea.objects import open_objects
from westsea.records import Verdict
from westsea_catalog.errors import UsageError


@given(st.integers(10_000_000, 99_999_999), st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True))
def test_a_job_is_named_after_its_minute(minute, cronjob):
    due = scheduled_time(f"{cronjob}-{minute}")
    assert due == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    assert Attempt.of(f"{cronjob}-{minute}-3-x7k2p") == Attempt(cronjob, due, 3)


@pytest.mark.parametrize("name", ["", "westsea", "westsea-1", "westsea-294000001", "29400000"])
def test_other_names_are_refused(name):
    with pytest.raises(UsageError, match="no Job of a CronJob"):
        scheduled_time(name)


@pytest.mark.parametrize("name", ["20261130T064057Z-abcdef", "westsea-29400000-x7k2p", "a-1-2-3"])
def test_other_runs_are_no_attempts(name):
    assert Attempt.of(name) is None


def test_now_comes_from_the_job_unless_it_is_set(cli, archive, monkeypatch):
    monkeypatch.setenv("WESTSEA_NOW", "2017-10-31")  # so that the test ends as it began
    monkeypatch.delenv("WESTSEA_NOW")
    minutes = int(datetime(2017, 10, 31, tzinfo=UTC).timestamp()) // 60
    monkeypatch.setenv("WESTSEA_JOB", f"nightly-{minutes}")
    ask = ("search", "--catalog", archive, "--aoi", "west-sea", "--last", "P31D")
    assert len(cli(*ask).out.splitlines()) == 4
    monkeypatch.setenv("WESTSEA_NOW", "2016-10-31")
    assert cli(*ask).out == ""
    monkeypatch.delenv("WESTSEA_NOW")
    monkeypatch.setenv("WESTSEA_JOB", "nightly")
    refused = cli(*ask)
    assert refused.code == 2
    assert "set WESTSEA_NOW" in refused.err


def test_a_run_can_be_named(cli, archive, tmp_path):
    ask = (
        "sweep",
        "--catalog",
        archive,
        "--aoi",
        "west-sea",
        "--datetime",
        "2016-01-01/2016-01-02",
    )
    out = ("--out", tmp_path / "out")
    assert cli(*ask, *out, "--run-id", "nightly-29400000-0-abcde").code == 0
    assert [file.name for file in (tmp_path / "out/runs").iterdir()] == [
        "nightly-29400000-0-abcde.json"
    ]
    for name in ("", "../up", ".hidden", "a/b", "a" * 121):
        refused = cli(*ask, *out, "--run-id", name)
        assert refused.code == 2
        assert "no name for a run" in refused.err


# -- metrics


def record(ended, unfinished=0, **counts):
    return {"ended": ended.isoformat(), "unfinished": unfinished, **counts}


@pytest.fixture
def out(tmp_path):
    """Writes records of runs: `out(run_id, record)`."""
    folder = tmp_path / "out" / "runs"
    folder.mkdir(parents=True)

    def write(run_id, document):
        (folder / f"{run_id}.json").write_text(json.dumps(document))
        return folder.parent

    return write


def values(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_each_shard_shows_its_newest_complete_run(out):
    now = datetime.now(UTC).replace(microsecond=0)
    minute = int(now.timestamp()) // 60 - 120
    tonight, before = f"nightly-{minute}", f"nightly-{minute - 1440}"
    folder = out(f"{before}-0-aaaaa", record(now - timedelta(days=1), failed=9))
    found = registry(open_objects(folder))
    shard = (("cronjob", "nightly"), ("shard", "0"))
    first = values(generate_latest(found).decode())
    assert first["westsea_run_scenes", *shard, ("verdict", "failed")] == 9
    # A retry, a run that was cut short, one whose lineage failed after the last scene, one of long
    # ago, and one that no CronJob began.
    out(f"{tonight}-0-bbbbb", record(now - timedelta(hours=1), done=5, failed=1, skipped=7))
    out(f"{tonight}-0-ccccc", record(now, unfinished=3))
    out(f"{tonight}-0-eeeee", record(now, error="ConfigError", done=5))
    out(f"nightly-{minute - 14400}-1-ddddd", record(now - timedelta(days=10)))
    out("20261130T064057Z-abcdef", record(now, failed=100))
    told = values(generate_latest(found).decode())
    sealed = (now - timedelta(hours=1)).timestamp()
    assert told == {
        ("westsea_run_sealed_timestamp_seconds", *shard): sealed,
        **{
            ("westsea_run_scenes", *shard, ("verdict", verdict)): number
            for verdict, number in zip(Verdict, (5, 0, 0, 1, 7), strict=True)
        },
    }


def test_what_a_record_says_is_told_as_the_file_of_the_run_tells_it(out, tmp_path):
    """But for the labels of the shard, and when each was told that the run has ended."""
    now = datetime.now(UTC)
    run = Report("run", 3, seconds=2.5)
    folder = out(f"nightly-{int(now.timestamp()) // 60}-0-aaaaa", run.document() | record(now))
    write_metrics(run.totals(), tmp_path / "run.prom")
    shard = {("cronjob", "nightly"), ("shard", "0")}
    nightly = {
        (name, *[label for label in labels if label not in shard]): value
        for (name, *labels), value in values(
            generate_latest(registry(open_objects(folder))).decode()
        ).items()
    }
    own = values((tmp_path / "run.prom").read_text())
    sealed = ("westsea_run_sealed_timestamp_seconds",)
    assert 0 <= own.pop(sealed) - nightly.pop(sealed) < 9
    assert own == nightly
    assert own["westsea_run_planned_scenes",] == 3
    assert own["westsea_run_seconds",] == 2.5


def test_metrics_are_served_until_a_signal(out):
    folder = out("none", {})
    command = [sys.executable, "-X", "importtime", "-m", "westsea", "exporter", folder, "--port"]
    with subprocess.Popen(
        [*command, "0"], stderr=subprocess.PIPE, text=True, env=os.environ | {"NO_PROXY": "*"}
    ) as process:
        loaded = []
        for line in process.stderr:
            if line.startswith("metrics of"):
                break
            loaded.append(line.rpartition("|")[2].strip())
        process.terminate()
        process.stderr.read()
        assert process.wait(10) == 143
    assert "prometheus_client" in loaded
    assert "numba" not in loaded
    assert "dask" not in loaded


def test_a_port_that_is_taken_is_named(cli, out):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = cli("exporter", out("none", {}), "--port", port)
    assert refused.code == 4
    assert f"127.0.0.1:{port} is not to be had" in refused.err
