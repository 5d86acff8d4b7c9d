"""A sweep through every fault ends with the tables of one that met none.

    make chaos

Real scheduler and worker processes, in network namespaces where the kernel allows; a file server
that spoils a fifth of its answers; workers that are killed, stopped and cut off every few seconds;
scheduler and driver killed once each. The same command is run again until it says that all is done.
"""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from rig import clock, scenes
from rig.cluster import Cluster
from rig.havoc import Havoc
from rig.hosts import hosts
from rig.outputs import committed, last_run, left_behind, tables
from rig.server import STALL_S

pytestmark = pytest.mark.chaos

WORKERS = ("w1", "w2")
RATE = 0.2
SEEDS = range(int(os.environ.get("WESTSEA_CHAOS_SEEDS", "1")))
MOST_RUNS = 40
RUN_S = 1800
MENDABLE = {0, 3, 5}
"""Exit codes of a run that nobody killed: done, some scenes failed, the scheduler is gone."""


@pytest.fixture(scope="module")
def cluster(drawn, tmp_path_factory):
    with (
        hosts(WORKERS) as spaces,
        Cluster(spaces, WORKERS, drawn, tmp_path_factory.mktemp("cluster")) as processes,
    ):
        yield processes


@pytest.fixture(scope="module")
def asked(cluster, n_scenes, tmp_path_factory):
    """The arguments of all sweeps, but for --out."""
    folder = tmp_path_factory.mktemp("asked")
    scenes.write_items(folder / "items.json", range(n_scenes), cluster.files_address)
    host = cluster.hosts.address("hub")
    (folder / "westsea.toml").write_text(
        f"""
        [catalogs.faulty]
        url = "{cluster.files_address}/catalog.json"
        hosts = ["{host}"]
        token_url = "{cluster.files_address}/token"
        """
    )
    where = ("--items", folder / "items.json", "--catalog", "faulty")
    how = ("--config", folder / "westsea.toml", "--scheduler", cluster.scheduler_address)
    return (*where, *how)


@dataclass(frozen=True)
class Flown:
    """One sweep of the bench."""

    code: int
    log: Path
    spans: list[tuple[float, float]]
    """Of `clock.flown`."""

    @classmethod
    def end_of(cls, driver, log):
        """What a driver came to."""
        code = driver.wait(RUN_S)
        return cls(code, log, clock.flown(log, time.time()))


@pytest.fixture(scope="module")
def calm(cluster, asked, tmp_path_factory):
    """The tables of a sweep without faults, and the seconds that it flew; the second of two."""
    for _ in range(2):  # the first compiles and imports
        out = tmp_path_factory.mktemp("calm") / "out"
        run = Flown.end_of(*cluster.sweep(*asked, "--out", out))
        assert run.code == 0
    return tables(out), clock.length(run.spans)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_tables_through_all_faults(cluster, asked, calm, n_scenes, tmp_path, seed):
    expected, calm_s = calm
    out = tmp_path / "out"
    cluster.spoil(RATE, seed)
    begin = time.monotonic()
    with Havoc(cluster, seed) as havoc:
        runs = [killed_run(cluster, asked, out, n_scenes // 4, kill_driver)]
        runs += [killed_run(cluster, asked, out, n_scenes // 2, havoc.kill_scheduler)]
        while runs[-1].code != 0 and len(runs) < MOST_RUNS:
            runs.append(Flown.end_of(*cluster.sweep(*asked, "--out", out)))
            assert runs[-1].code in MENDABLE, runs[-1].log.read_text()[-2000:]
    seconds = time.monotonic() - begin
    spoiled = json.loads(cluster.http("counts"))
    cluster.spoil(0)
    assert runs[-1].code == 0
    assert tables(out) == expected
    assert left_behind(out) == []
    last = last_run(out)
    assert last["planned"] == n_scenes == last["done"] + last["empty"] + last["skipped"]
    print(
        f"\nseed {seed}: {n_scenes} scenes, {len(runs)} runs ({[run.code for run in runs]}),"
        f" {dict(havoc.counts)}, {spoiled}"
    )
    print(f"{seconds:.0f} s from first to last, {seconds / calm_s:.1f} x the calm {calm_s:.1f} s")
    print(account(runs, havoc, spoiled.get("stalled", 0), calm_s))


def account(runs, havoc, n_stalled, calm_s):
    """The time over that of a calm sweep, and what was taken off; both by worker.

    Of the time that drivers flew (the rest is the start of drivers) that is: when a worker was
    killed, stopped or cut off; answers that the server stalled; the reader's waits before it asked
    again, of scenes that ended. GDAL's own waits, what was begun in vain and what is left for one
    worker to do at the end of each run stay.
    """
    spans = [span for run in runs for span in run.spans]
    n_workers = len(WORKERS)
    outages = [clock.length(clock.within(havoc.outages(worker), spans)) for worker in WORKERS]
    flown = clock.length(spans)
    parts = {
        "out": sum(outages) / n_workers,
        "stalled": n_stalled * STALL_S / n_workers,
        "waited": sum(clock.waited(run.log) for run in runs) / n_workers,
    }
    left = flown - sum(parts.values())
    said = ", ".join(f"{seconds:.0f} s {name}" for name, seconds in parts.items())
    return f"flown {flown:.0f} s; less {said}: {left:.0f} s, {left / calm_s:.2f} x"


def killed_run(cluster, asked, out, after, kill):
    """A run that is struck once so many scenes are there."""
    driver, log = cluster.sweep(*asked, "--out", out)
    end_at = time.monotonic() + RUN_S
    while driver.poll() is None and committed(out) < after:
        assert time.monotonic() < end_at, "the sweep does not get on"
        time.sleep(0.05)
    if driver.poll() is None:
        kill(driver)
    return Flown.end_of(driver, log)


def kill_driver(driver):
    os.killpg(driver.pid, signal.SIGKILL)
