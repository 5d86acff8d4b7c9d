"""A whole sweep of signed files on worker processes: the same tables, and no signature anywhere."""

import json
import os
import pickle
import re
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

import westsea
from westsea.config import load

EVERYWHERE = ("--bbox=-180,-90,180,90", "--datetime", "2000-01-01/2100-01-01")


class Store(ThreadingHTTPServer):
    """The archive's JSON for everybody; its files for who has the token of its container."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.n_tokens = self.n_refused = 0
        self.is_up = True
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path, query):
        if path.startswith("/token/"):
            if not self.is_up:
                return 404, b""
            self.n_tokens += 1
            end = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
            container = path.rpartition("/")[2]
            return 200, json.dumps({"token": f"sv=1&sig=Hush-{container}", "msft:expiry": end})
        file = self.folder / path.removeprefix("/")
        container = path.split("/")[1]
        if file.suffix == ".tif" and parse_qs(query).get("sig") != [f"Hush-{container}"]:
            self.n_refused += 1
            return 403, b""
        return (200, file.read_bytes()) if file.is_file() else (404, b"")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self):
        parts = urlsplit(self.path)
        status, body = self.server.answer(parts.path, parts.query)
        body = body if isinstance(body, bytes) else body.encode()
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        self.send_response(206 if span and status == 200 else status)
        if span and status == 200:
            first, last = int(span[1]), min(int(span[2]), len(body) - 1)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            body = body[first : last + 1]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args):
        pass

    do_GET = do_HEAD = respond  # noqa: N815


@pytest.fixture
def store(archive, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with Store(archive.parent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings(tmp_path, address):
    path = tmp_path / "westsea.toml"
    path.write_text(
        f"""
        [catalogs.signed]
        url = "{address}/catalog.json"
        hosts = ["127.0.0.1"]
        token_url = "{address}/token"
        """
    )
    return path


def contents(out):
    return {
        path.relative_to(out): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.suffix == ".parquet"
    }


def test_the_same_tables_and_no_signature(archive, store, processes, tmp_path):
    plain, signed = tmp_path / "plain", tmp_path / "signed"
    asked = {"bbox": (-180, -90, 180, 90), "datetime": "2000-01-01/2100-01-01"}
    found = westsea.search(str(archive), **asked)
    westsea.sweep(westsea.plan(found, catalog=str(archive)), plain, workers=0)
    profile = load(settings(tmp_path, store.address)).profiles()["signed"]
    planned = westsea.plan(westsea.search(profile, **asked), catalog=profile)
    processes.run(lambda: os.environ.update(NO_PROXY="*"))
    westsea.sweep(planned, signed, client=processes)
    assert store.n_tokens >= 2
    assert store.n_refused == 0
    assert contents(signed) == contents(plain)
    everything = [file.read_bytes() for file in signed.rglob("*") if file.is_file()]
    everything.append(pickle.dumps(planned))
    everything.append(repr((planned, processes.get_worker_logs())).encode())
    assert not any(b"Hush" in each or b"sig=" in each for each in everything)


def test_where_nothing_is_signed_the_scenes_fail_and_say_so(cli, store, tmp_path):
    store.is_up = False
    config = settings(tmp_path, store.address)
    asked = ("--catalog", "signed", "--config", config, *EVERYWHERE)
    done = cli("sweep", *asked, "--out", tmp_path / "out", "--workers", 0)
    assert done.code == 3
    assert "127.0.0.1 does not sign for 127/sentinel-" in done.err


def test_without_keys_a_sweep_ends_at_the_first_scene(cli, tmp_path, monkeypatch):
    """Not after 10,000 that failed."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    band = {
        "href": "s3://eodata/a/B08.jp2",
        "proj:shape": [2000, 1000],
        "proj:transform": [10, 0, 300000, 0, -10, 4200000],
        "proj:code": "EPSG:32651",
    }
    items = [
        {
            "type": "Feature",
            "id": f"S2{letter}",
            "collection": "sentinel-2-l2a",
            "geometry": None,
            "properties": {"datetime": "2024-01-01T00:00:00Z"},
            "assets": {"B08_10m": band},
        }
        for letter in "ab"
    ]
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    out = tmp_path / "out"
    done = cli("sweep", "--items", path, "--catalog", "cdse", "--out", out, "--workers", 0)
    assert done.code == 4
    [line] = [line for line in done.err.splitlines() if "keys" in line]
    assert line.startswith("westsea: The bucket eodata wants AWS keys, and there are none: set")
    assert not (out / "failed").exists()
