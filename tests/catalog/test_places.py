"""Redirects are judged before GDAL, which follows them to anywhere, is let loose on a file."""

from base64 import b64encode

import numpy as np
import pytest

from made.files import tiff
from westsea_catalog import network
from westsea_catalog.access import Access
from westsea_catalog.errors import FailedScene, RefusedScene
from westsea_catalog.grid import AffineGrid
from westsea_catalog.places import place_of
from westsea_catalog.profiles import PROFILES, Profile, access_to, profile_for
from westsea_catalog.reader import GDAL_OPTIONS, TiffReader

GRID = AffineGrid(32651, (10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0), (64, 64))
PIXELS = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
UNKNOWN = Access(private_hosts=("127.0.0.1",), plain_http=True, is_known=False)


@pytest.fixture
def server(serve_ranges, monkeypatch):
    """What it was asked for is in `asked`; `leads` says where paths redirect to."""
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", 0)
    monkeypatch.setattr(network, "BACKOFF_S", 0.0)

    class Server:
        leads, asked, headers, content = {}, [], [], tiff(PIXELS, GRID)

    def answer(method, path, parameters, headers):
        Server.asked.append((method, path))
        Server.headers.append(str(headers))
        if path in Server.leads:
            return 302, b"", {"Location": Server.leads[path]}
        return (404, b"") if "nope" in path else (200, Server.content)

    Server.asked, Server.leads = [], {}
    Server.address = serve_ranges(answer)
    return Server


def read(server, path, access=UNKNOWN):
    return TiffReader(f"/vsicurl/{server.address}{path}", GRID, access).read(GRID.full)


def test_a_redirect_is_followed_once_and_its_end_is_opened(server):
    server.leads = {"/a.tif": f"{server.address}/b.tif?x=1", "/b.tif": "/c.tif"}
    np.testing.assert_array_equal(read(server, "/a.tif"), PIXELS)
    assert [path for _, path in server.asked[:3]] == ["/a.tif", "/b.tif", "/c.tif"]
    assert {path for _, path in server.asked[3:]} == {"/c.tif"}


def test_it_costs_one_request(server):
    read(server, "/a.tif")
    known, server.asked = len(server.asked), []
    read(server, "/b.tif", Access(private_hosts=("127.0.0.1",), plain_http=True))
    assert known == len(server.asked) + 1


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/x.tif",
        "https://10.0.0.1/x.tif",
        "https://localhost/x.tif",
        "http://[::1]/x.tif",
        "https://2130706433/x.tif",
        "http://a.example.com/x.tif",
        "file:///etc/passwd",
        "ftp://a.example.com/x.tif",
        "https://user:secret@10.0.0.1/x.tif",
    ],
)
def test_redirects_that_are_refused(server, target):
    server.leads = {"/a.tif": target}
    with pytest.raises((RefusedScene, FailedScene), match=r"^a\.tif .*\.$") as caught:
        read(server, "/a.tif")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert server.asked == [("GET", "/a.tif")]


def test_redirects_without_end(server):
    server.leads = {"/a.tif": "/b.tif", "/b.tif": "/a.tif"}
    with pytest.raises(FailedScene, match="from one address to the next"):
        read(server, "/a.tif")


def test_a_file_that_is_not_there_fails_as_elsewhere(server):
    with pytest.raises(FailedScene, match="the server answered 404"):
        read(server, "/nope.tif")


def test_a_server_that_is_gone(server):
    with pytest.raises(FailedScene, match=r"x\.tif could not be read: .*does not answer"):
        TiffReader("/vsicurl/http://127.0.0.1:9/x.tif", GRID, UNKNOWN).read(GRID.full)


def test_credentials_do_not_go_to_strangers(server, monkeypatch):
    monkeypatch.setenv("GDAL_HTTP_HEADERS", "X-Mine: hush")
    monkeypatch.setenv("GDAL_HTTP_USERPWD", "me:hush")
    monkeypatch.setenv("GDAL_HTTP_COOKIE", "hush=hush")
    read(server, "/a.tif")
    assert len(server.headers) >= 3
    assert not any("hush" in each for each in server.headers)
    assert not any(b64encode(b"me:hush").decode() in each for each in server.headers)
    server.headers.clear()
    read(server, "/b.tif", Access(private_hosts=("127.0.0.1",), plain_http=True))
    assert any("hush" in each for each in server.headers)


def test_whose_redirects_are_looked_at():
    api = profile_for("https://stac.example.com/v1")
    assert not access_to("/vsicurl/https://a.example.com/x.tif", api).is_known
    assert access_to("/vsicurl/https://stac.example.com/x.tif", api).is_known
    own = "/vsicurl/https://sentinel-cogs.s3.us-west-2.amazonaws.com/x.tif"
    assert access_to(own, PROFILES["earth-search"]).is_known
    assert access_to(own, api).is_known
    wide = Profile("wide", None, hosts=(".example.com",))
    assert access_to("/vsicurl/https://a.example.com/x.tif", wide).is_known
    assert place_of("/data/x.tif", Access()).path == "/data/x.tif"
