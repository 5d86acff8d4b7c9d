"""A file server, a Dask scheduler and its workers: real processes, started again when they die."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

FILES, SCHEDULER = 8500, 8786
START_S = 60
ENVIRONMENT = {
    "NO_PROXY": "*",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "30s",  # a worker that is stopped or cut off
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "15s",
}


class Cluster:
    """Processes on `hosts`; a context manager that leaves none behind."""

    def __init__(self, hosts, workers, files, folder):
        self.hosts, self.workers, self.files, self.folder = hosts, workers, files, folder
        self.processes = {}
        self.drivers = 0

    @property
    def files_address(self):
        return f"http://{self.hosts.address('hub')}:{FILES}"

    @property
    def scheduler_address(self):
        return f"tcp://{self.hosts.address('hub')}:{SCHEDULER}"

    def __enter__(self):
        self.start("files", "hub", "-m", "rig.server", self.files, self.hosts.address("hub"), FILES)
        self.start_scheduler()
        for worker in self.workers:
            self.start_worker(worker)
        self.wait(lambda: self.http("counts") is not None)
        return self

    def __exit__(self, *error):
        for process in self.processes.values():
            end(process)

    def start_scheduler(self):
        address = self.hosts.address("hub")
        options = ("--host", address, "--port", SCHEDULER, "--no-dashboard")
        self.start("scheduler", "hub", "-m", "dask", "scheduler", *options)

    def start_worker(self, name):
        options = ("--nthreads", 1, "--host", self.hosts.address(name), "--no-dashboard")
        scratch = ("--local-directory", self.folder / name, "--memory-limit", "2GB")
        self.start(name, name, "-m", "dask", "worker", self.scheduler_address, *options, *scratch)

    def restart(self, name):
        """End the scheduler or a worker, and start it again."""
        end(self.processes[name])
        self.start_scheduler() if name == "scheduler" else self.start_worker(name)

    def start(self, name, host, *arguments):
        """Start a Python process, and keep what it says."""
        command = [sys.executable, *map(str, arguments)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.hosts.run(host, command),
                env=os.environ | ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[1])},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def sweep(self, *arguments):
        """A driver, the command line inside the hub, and the file of what it says."""
        command = [sys.executable, "-m", "westsea", "sweep", "--log-format", "json"]
        self.drivers += 1
        path = self.folder / f"driver-{self.drivers}.log"
        with path.open("wb") as log:
            driver = subprocess.Popen(
                self.hosts.run("hub", [*command, *map(str, arguments)]),
                env=os.environ | ENVIRONMENT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return driver, path

    def spoil(self, rate, seed=0):
        """Set the share of answers that are spoiled."""
        assert self.http(f"faults?rate={rate}&seed={seed}") is not None

    def http(self, path):
        """What the file server says, None where it is not there; asked from inside the hub."""
        code = (
            "import sys, urllib.request as u;"
            "print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=5).read().decode())"
        )
        command = [sys.executable, "-c", code, f"{self.files_address}/{path}"]
        done = subprocess.run(
            self.hosts.run("hub", command), capture_output=True, text=True, check=False
        )
        return done.stdout if done.returncode == 0 else None

    def wait(self, is_so):
        end_at = time.monotonic() + START_S
        while not is_so():
            assert time.monotonic() < end_at, "the processes of the bench did not start"
            time.sleep(0.1)

    def executor(self, name):
        """The process of a worker that runs tasks, below the nanny that starts it again."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.processes[name].pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if any("spawn_main" in word for word in child.cmdline()):
                        return child
        return None


def end(process):
    """End a process and all below it."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        for each in (*family, process):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                each.kill()
    process.wait()
