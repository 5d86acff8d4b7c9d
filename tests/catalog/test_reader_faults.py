"""Servers that lie: what is read over them is right, or it is not read."""

import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import rasterio
from affine import Affine

from westsea_catalog import reader
from westsea_catalog.access import Bucket
from westsea_catalog.errors import FailedScene
from westsea_catalog.grid import AffineGrid
from westsea_catalog.reader import GDAL_OPTIONS, WAITS, TiffReader

GRID = AffineGrid(32651, (10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0), (512, 512))
FAULTS = ("truncate", "reset", "short", "shift", "garbage", "empty", "429", "503", "html")


class Liar(ThreadingHTTPServer):
    """A server of one file; `faults` says what becomes of coming answers beyond the header."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Answer)
        self.content = content
        self.faults = []
        self.always = None
        self.waits = []

    @property
    def host(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def path(self, name):
        return f"/vsicurl/http://{self.host}/{name}.tif"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()

    def do_GET(self):
        server = self.server
        span = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = map(int, span.groups()) if span else (0, len(server.content) - 1)
        last = min(last, len(server.content) - 1)
        fault = server.always
        if first > 0 and server.faults:
            fault = server.faults.pop(0)
        elif first == 0:
            fault = None
        part = server.content[first : last + 1]
        status, length, place = 206, len(part), (first, last)
        if fault in ("429", "503"):
            status, part, length = int(fault), b"", 0
        elif fault == "truncate":
            part = part[: len(part) // 2]
        elif fault == "short":
            part = part[: len(part) // 2]
            length, place = len(part), (first, first + len(part) - 1)
        elif fault == "shift":
            part = server.content[first - 999 : last + 1 - 999]
            place = (first - 999, last - 999)
        elif fault == "garbage":
            part = bytes(reversed(part))
        elif fault == "empty":
            part, length = b"", 0
        elif fault == "html":
            status, part = 200, b"<html>Please wait</html>"
            length = len(part)
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if status == 206:
            self.send_header("Content-Range", f"bytes {place[0]}-{place[1]}/{len(server.content)}")
        if status in (429, 503):
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(part[: len(part) // 3] if fault == "reset" else part)
        if fault in ("truncate", "reset"):
            self.close_connection = True
            self.connection.close()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def pixels():
    """Nothing in them is nodata."""
    return np.random.default_rng(3).gamma(4, 1, GRID.shape).astype(np.float32) + 1


@pytest.fixture
def server(tmp_path, pixels, monkeypatch):
    path = tmp_path / "vv.tif"
    profile = {
        "driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:32651", "tiled": True,
        "height": 512, "width": 512, "transform": Affine(*GRID.transform), "nodata": 0,
        "blockxsize": 128, "blockysize": 128, "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels, 1)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", 0)
    monkeypatch.setattr(reader, "WAITS", (0.0,) * len(WAITS))
    with Liar(path.read_bytes()) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_once_is_read_the_next_time(server, pixels, fault):
    server.faults = [fault]
    found = TiffReader(server.path(f"once-{fault}"), GRID).read(GRID.full)
    np.testing.assert_array_equal(found, pixels)
    assert server.faults == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bucket_is_asked_again_after_the_first_wait(server, pixels, monkeypatch, fault):
    """GDAL's caches of it are cleared: else the same bad bytes come again from memory."""
    waited = []
    monkeypatch.setattr(reader.time, "sleep", waited.append)
    bucket = Bucket("mine", "eu-1", server.host, https=False, virtual_hosting=False, unsigned=True)
    server.faults = [fault]
    found = TiffReader(f"/vsis3/mine/once-{fault}.tif", GRID, bucket.access).read(GRID.full)
    np.testing.assert_array_equal(found, pixels)
    assert server.faults == []
    assert len(waited) <= 1


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_always_wrong_is_never_nodata(server, pixels, fault):
    server.always = fault
    band = TiffReader(server.path(f"always-{fault}"), GRID)
    with pytest.raises(FailedScene, match=r"^always-\w+\.tif could not be read: "):
        band.read(GRID.full)
    # The same process reads it once the server has come to itself.
    server.always = None
    np.testing.assert_array_equal(band.read(GRID.full), pixels)


def test_tries_are_bounded_and_apart(server, monkeypatch):
    waited = []
    monkeypatch.setattr(reader, "WAITS", WAITS)
    monkeypatch.setattr(reader.time, "sleep", waited.append)
    server.always = "503"
    band = TiffReader(server.path("waits"), GRID)
    with pytest.raises(FailedScene, match="could not be read"):
        band.read(GRID.full)
    assert len(waited) == len(WAITS)
    assert band.waited == sum(waited)
    for seconds, usual in zip(waited, WAITS, strict=True):
        assert 0.5 * usual <= seconds <= 1.5 * usual


def test_what_a_server_refuses_is_not_asked_for_again(server, monkeypatch):
    waited = []
    monkeypatch.setattr(reader.time, "sleep", waited.append)
    missing = server.path("missing")
    Answer404 = type("Answer404", (Answer,), {"do_GET": refuse, "do_HEAD": refuse})
    server.RequestHandlerClass = Answer404
    with pytest.raises(FailedScene, match="the server answered 404"):
        TiffReader(missing, GRID).read(GRID.full)
    assert waited == []


def refuse(handler):
    handler.send_response(404)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
