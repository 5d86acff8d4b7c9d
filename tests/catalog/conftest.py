"""A real HTTP server on loopback, for catalogues honest and hostile."""

import json
import re
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest


@pytest.fixture
def serve(monkeypatch):
    """Start a server: ``serve(answer)`` returns its address.

    ``answer(method, path, parameters)`` returns (status, body) or (status, body, headers); a body
    that is not bytes is sent as JSON. ``parameters`` are the query's, or the body's of a POST.
    """
    monkeypatch.setenv("NO_PROXY", "*")
    with ExitStack() as stack:
        yield lambda answer: _start(answer, stack)


@pytest.fixture
def serve_ranges(monkeypatch):
    """The same for files: ``answer(method, path, parameters, headers)``, with an unquoted path.

    Of a body that is answered with 200, the server sends the range that is asked for.
    """
    monkeypatch.setenv("NO_PROXY", "*")
    with ExitStack() as stack:
        yield lambda answer: _start(answer, stack, ranges=True)


def _start(answer, stack, ranges=False):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each body waits 40 ms for its headers to arrive

        def respond(self):
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            parameters = json.loads(sent) if sent else dict(parse_qsl(parts.query))
            if ranges:
                found = answer(self.command, unquote(parts.path), parameters, self.headers)
            else:
                found = answer(self.command, parts.path, parameters)
            status, body, *headers = found
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if ranges and span and status == 200:
                first, last = int(span[1]), min(int(span[2]), len(body) - 1)
                place = f"bytes {first}-{last}/{len(body)}"
                status, body = 206, body[first : last + 1]
                headers = [{**(headers[0] if headers else {}), "Content-Range": place}]
            self.send_response(status)
            for name, value in (headers[0] if headers else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    Handler.do_GET = Handler.do_POST = Handler.respond
    if ranges:
        Handler.do_HEAD = Handler.respond
    server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}"
