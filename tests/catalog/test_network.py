"""Answers that are late, cut, packed or redirected, from a server of bare sockets."""

import gzip
import json
import socketserver
import threading
import time
from contextlib import ExitStack
from email.utils import formatdate

import pytest
import requests

from westsea_catalog import network
from westsea_catalog.errors import ConfigError, UpstreamError
from westsea_catalog.network import Network
from westsea_catalog.profiles import Profile

PROFILE = Profile("test", "http://127.0.0.1/", private_hosts=("127.0.0.1",))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    for name, value in {"RETRIES": 2, "BACKOFF_S": 0.0, "MAX_WAIT_S": 0.01}.items():
        monkeypatch.setattr(network, name, value)


@pytest.fixture
def serve_bytes():
    """Start a server: ``serve_bytes(answer)`` returns its address.

    ``answer(n)`` gives the bytes, or pieces of them, of the n-th connection's only answer; each
    connection is closed after it.
    """
    with ExitStack() as stack:
        yield lambda answer: _start(answer, stack)


def _start(answer, stack):
    counter = iter(range(10**6))

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            pieces = answer(next(counter))
            try:
                for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                    self.wfile.write(piece)
            except OSError:  # who asked has gone
                pass

    server = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}/"


def head(status=200, **headers):
    lines = [f"HTTP/1.1 {status} x", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode()


def good(body=b"good", **headers):
    return head(Content_Length=len(body), **headers) + body


def fault(url, kind=UpstreamError, **request):
    with Network(PROFILE) as net, pytest.raises(kind) as caught:
        net.answer(url, **request).text()
    assert type(caught.value) is kind
    return str(caught.value)


CUT = {
    "in its body": head(Content_Length=9) + b"half",
    "in a chunk": head(Transfer_Encoding="chunked") + b"9\r\nhalf",
    "between chunks": head(Transfer_Encoding="chunked") + b"4\r\nhalf\r\n",
    "in its first line": b"HTTP/1.1 2",
    "at once": b"",
}


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
def test_an_answer_that_breaks_off_is_asked_for_again(serve_bytes, cut):
    asked = []

    def answer(n, failures):
        asked.append(n)
        return cut if n < failures else good()

    with Network(PROFILE) as net:
        assert net.text(serve_bytes(lambda n: answer(n, 2))) == "good"
    assert asked == [0, 1, 2]
    asked.clear()
    assert "breaks off" in fault(serve_bytes(lambda n: answer(n, 99)))
    assert asked == [0, 1, 2]


@pytest.mark.parametrize(
    "after", ["1", "99999", "9" * 5000, formatdate(4e9), "soon", "-3", "Wed, 99 Foo 99999"]
)
def test_no_wait_that_is_asked_for_is_too_long(serve_bytes, after, monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setattr(network, "MAX_WAIT_S", 60.0)
    url = serve_bytes(lambda n: good() if n else head(429, Retry_After=after, Content_Length=0))
    with Network(PROFILE) as net:
        assert net.text(url) == "good"
    asked = {"1": [1], "99999": [60], formatdate(4e9): [60]}.get(after, [])
    assert [wait for wait in waits if wait > 0.02] == asked


def test_a_gateway_that_ran_out_of_time_is_asked_once_more(serve_bytes):
    asked = []

    def answer(n):
        asked.append(n)
        return head(504, Content_Length=0)

    assert "status 504" in fault(serve_bytes(answer))
    assert asked == [0, 1]


def test_an_answer_that_trickles_has_an_end(serve_bytes, monkeypatch):
    def trickle(n):
        yield head(Content_Length=10**6)
        for _ in range(1000):
            yield b"."
            time.sleep(0.02)

    monkeypatch.setattr(network, "ANSWER_S", 0.2)
    began = time.monotonic()
    assert "takes too long" in fault(serve_bytes(trickle))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("start", [b"", head(Content_Length=9) + b"half"])
def test_a_server_that_falls_silent(serve_bytes, start, monkeypatch):
    asked = []

    def silent(n):
        asked.append(n)
        yield start
        time.sleep(1)

    monkeypatch.setattr(network, "TIMEOUT_S", (5.0, 0.1))
    assert "takes too long" in fault(serve_bytes(silent))
    assert asked == [0, 1]


def test_everything_together_has_an_end(serve_bytes, monkeypatch):
    monkeypatch.setattr(network, "LIMIT_S", 0.2)

    def slow(n):
        time.sleep(0.05)
        return good()

    url = serve_bytes(slow)
    with Network(PROFILE) as net:
        texts = (net.text(url) for _ in range(100))
        with pytest.raises(UpstreamError, match="minutes for all that is"):
            list(texts)


def test_packed_answers(serve_bytes, monkeypatch):
    packed = gzip.compress(b"good" * 1000)
    with Network(PROFILE) as net:
        url = serve_bytes(lambda n: good(packed, Content_Encoding="gzip"))
        assert net.text(url) == "good" * 1000
    monkeypatch.setattr(network, "MAX_ANSWER_BYTES", 2**20)
    bomb = gzip.compress(bytes(10**8))
    assert len(bomb) < 2**20
    assert "more than 1 MB" in fault(serve_bytes(lambda n: good(bomb, Content_Encoding="gzip")))
    broken = good(b"not packed", Content_Encoding="gzip")
    assert "cannot be unpacked" in fault(serve_bytes(lambda n: broken))


@pytest.mark.parametrize(
    ("status", "method"), [(301, "POST"), (302, "POST"), (303, "GET"), (307, "POST"), (308, "POST")]
)
def test_a_search_that_is_redirected_stays_one(serve, status, method):
    there = serve(lambda *request: (200, [request]))
    here = serve(lambda method, path, parameters: (status, {}, {"Location": f"{there}/b?c=1"}))
    with Network(PROFILE) as net:
        ((used, path, parameters),) = json.loads(
            net.answer(f"{here}/a", "POST", None, {"limit": 7}).text()
        )
    assert (used, path) == (method, "/b")
    assert parameters == ({"limit": 7} if method == "POST" else {"c": "1"})


def test_what_comes_with_a_redirect_is_not_read(serve_bytes):
    there = serve_bytes(lambda n: good())

    def endless(n):
        yield head(302, Location=there)
        for _ in range(10**6):
            yield bytes(2**16)

    with Network(PROFILE) as net:
        assert net.text(serve_bytes(endless)) == "good"


def test_a_catalogue_with_encryption_that_links_to_itself_without(monkeypatch):
    asked = []

    def send(self, request, *args, **kwargs):
        asked.append(request.url)
        raise requests.ConnectionError

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    with Network(Profile("test", "https://stac.example.com/v1")) as net:
        with pytest.raises(UpstreamError):
            net.text("http://stac.example.com/v1/search?token=2")
        for url in ("http://stac.example.com:8080/v1", "http://a.example.com/v1"):
            with pytest.raises(ConfigError, match="not encrypted"):
                net.text(url)
    assert asked == ["https://stac.example.com/v1/search?token=2"]
