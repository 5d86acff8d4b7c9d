"""Eight faults, each provoked and told with its remedy; and nothing told where nothing is wrong."""

import http.server
import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from westsea import cluster
from westsea.doctor import machine
from westsea.doctor.check import State
from westsea.doctor.examination import examine
from westsea.records import Parameters
from westsea.store import Store
from westsea_catalog.access import Bucket
from westsea_catalog.profiles import Profile

SCHEDULER = """
import sys, distributed.versions as versions
real = versions._version_cached
versions._version_cached = lambda name: {versions!r}.get(name) or real(name)
from distributed.cli.dask_scheduler import main
main(["--host", "127.0.0.1", "--port", "{port}", "--no-dashboard"])
"""
EXPIRED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"""


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """No proxy, key or setting of the machine that the tests run on."""
    for name in (*machine.PROXIES, "WESTSEA_NOW", "WESTSEA_OUT", "AWS_CREDENTIAL_EXPIRATION"):
        monkeypatch.delenv(name, raising=False)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def server(status=200, body=b"{}", date=None):
    """The address of an HTTP server on loopback that says one thing."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response_only(status)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/xml")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 (the name is the standard library's)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{made.server_address[1]}"
        made.shutdown()


@contextmanager
def mounted(folder, *options):
    """A small tmpfs at a folder."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def bad(found):
    """What is not as it should be, which each says how to mend."""
    wrong = [check for check in found if check.state in (State.FAILED, State.WARNING)]
    assert all(check.remedy for check in wrong)
    return {(check.name, check.state) for check in wrong}


def test_nothing_is_wrong(tmp_path, cli):
    with server() as host:
        profile = Profile("ours", f"http://{host}")
        found = examine(out=str(tmp_path / "new" / "out"), catalogs=[profile])
    assert bad(found) <= {("output disk", State.WARNING)}
    names = [check.name for check in found]
    assert names[:6] == ["versions", "gdal", "clock", "disk", "coast", "proxy"]
    assert "do not disturb each other" in next(c.found for c in found if c.name == "output")
    assert list(tmp_path.iterdir()) == []  # no trace
    done = cli("doctor", "--offline", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert {check["state"] for check in told} == {"ok"}


def test_no_scheduler(cli, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    done = cli("doctor", "--offline", "--scheduler", f"tcp://127.0.0.1:{free_port()}")
    assert done.code == 4
    assert "failed  scheduler: No Dask scheduler answers" in done.out


def test_another_dask_version():
    port = free_port()
    code = SCHEDULER.format(versions={"distributed": "2020.1.0"}, port=port)
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            found = examine(scheduler=f"tcp://127.0.0.1:{port}", offline=True)
        finally:
            process.kill()
    last = found[-1]
    assert (last.name, last.state) == ("scheduler", State.FAILED)
    assert "the scheduler has distributed 2020.1.0 for" in last.found
    assert "one environment everywhere" in last.remedy


def test_the_same_versions(own_cluster):
    found = examine(scheduler=own_cluster.client.scheduler.address, offline=True)
    assert (found[-1].name, found[-1].state) == ("scheduler", State.OK)
    assert "2 workers, same versions" in found[-1].found


def test_a_bad_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{free_port()}")
    found = examine()
    assert bad(found) == {("proxy", State.FAILED)}
    assert "secret" not in str(found)
    monkeypatch.setenv("HTTPS_PROXY", "http://[oops")
    assert bad(examine()) == {("proxy", State.FAILED)}
    assert bad(examine(offline=True)) == set()


def test_a_read_only_output(tmp_path, cli):
    with mounted(tmp_path / "ro", "size=4m") as folder:
        Store.open(folder / "out", Parameters("1", {}, None, "coast", "0.03"))
        remount = ["mount", "-o", "remount,ro", str(folder)]
        subprocess.run(remount, check=True)
        done = cli("doctor", folder / "out", "--offline")
    assert done.code == 4
    assert "failed  output: Cannot use the folder" in done.out
    assert "read-only" in done.out
    assert "choose another one" in done.out


def test_a_file_in_place_of_the_output(tmp_path):
    (tmp_path / "out").write_text("")
    assert ("output", State.FAILED) in bad(examine(out=str(tmp_path / "out"), offline=True))


def test_a_missing_coast(tmp_path, cli):
    done = cli("doctor", "--offline", "--coast", tmp_path / "none.gpkg")
    assert done.code == 4
    assert "failed  coast: There is no coast file" in done.out


def test_an_expired_key(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "old")
    with server(403, EXPIRED) as host:
        bucket = Bucket("ours", endpoint=host, https=False, virtual_hosting=False)
        profile = Profile("ours", None, buckets=(bucket,))
        found = examine(catalogs=[profile])
        assert bad(found) == {("keys for s3://ours", State.FAILED)}
        assert found[-1].found == "refused (expired)"
        assert "AWS_SESSION_TOKEN" in found[-1].remedy
    assert "not-a-secret" not in str(found)
    past = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", past.isoformat())
    found = examine(catalogs=[profile], offline=True)
    assert bad(found) == {("keys for s3://ours", State.FAILED)}
    assert "expired at" in found[-1].found


def test_keys_that_are_taken(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    body = b"<Error><Code>NoSuchKey</Code></Error>"
    with server(404, body) as host:
        bucket = Bucket("ours", endpoint=host, https=False, virtual_hosting=False)
        assert bad(examine(catalogs=[Profile("ours", None, buckets=(bucket,))])) == set()


def test_a_full_disk(tmp_path, cli):
    with mounted(tmp_path / "small", "size=512k") as folder:
        done = cli("doctor", folder / "out", "--offline")
        left = list(folder.iterdir())
    assert done.code == 4
    assert "failed  output: No space is left" in done.out
    assert left == []


def test_a_wrong_clock(monkeypatch):
    date = format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True)
    with server(date=date) as host:
        found = examine(catalogs=[Profile("ours", f"http://{host}")])
    assert bad(found) == {("clock", State.FAILED)}
    assert "behind the catalogue's" in found[-1].found
    monkeypatch.setattr(machine, "OLDEST", datetime.now(UTC) + timedelta(days=1))
    assert bad(examine(offline=True)) == {("clock", State.FAILED)}


def test_a_catalogue_that_does_not_answer():
    found = examine(catalogs=[Profile("ours", f"http://127.0.0.1:{free_port()}")])
    assert bad(found) == {("catalogue ours", State.FAILED)}


def test_full_temporary_files(monkeypatch):
    monkeypatch.setattr(machine, "TEMPORARY_BYTES", 1 << 60)
    assert bad(examine(offline=True)) == {("disk", State.FAILED)}
