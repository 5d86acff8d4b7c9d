"""Signed files, from a token service and a blob store on loopback that refuse as the real do."""

import logging
import pickle
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from made.files import tiff
from westsea_catalog import signing
from westsea_catalog.access import Access
from westsea_catalog.cube import cube
from westsea_catalog.errors import FailedScene, UpstreamError
from westsea_catalog.grid import AffineGrid
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import PROFILES, Profile, access_to, profile_for
from westsea_catalog.reader import GDAL_OPTIONS, TiffReader, open_reader

GRID = AffineGrid(32651, (10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0), (256, 192))
PIXELS = np.random.default_rng(3).integers(1, 9999, GRID.shape, np.uint16)
SECRET = "se=2026&sig=Sec%2Fret"


class Azure:
    """A blob store that opens a container to one token at a time, and what hands that out."""

    def __init__(self):
        self.content = tiff(
            PIXELS, GRID, tiled=True, blockxsize=64, blockysize=64, compress="deflate"
        )
        self.number = 1
        self.n_files = 0
        self.life_s = 3600.0
        self.asked, self.headers, self.requests = [], [], []
        self.refusal = None
        self.n_broken = 0
        """Answers beyond the header that are yet to come with the wrong bytes."""

    @property
    def token(self):
        return f"{SECRET}{self.number}"

    def expire(self):
        self.number += 1

    def answer(self, method, path, parameters, headers):
        if path.startswith("/token/"):
            self.asked.append(path)
            self.headers.append(headers)
            if self.refusal:
                return self.refusal
            end = datetime.fromtimestamp(time.time() + self.life_s, UTC)
            return 200, {"msft:expiry": f"{end:%Y-%m-%dT%H:%M:%SZ}", "token": self.token}
        self.requests.append((method, path))
        if parameters.get("sig") != f"Sec/ret{self.number}":
            return 403, b"<Error><Code>AuthenticationFailed</Code></Error>"
        if not path.startswith("/rtc/a b/") or not path.endswith("/vv.tif"):
            return 404, b""
        if self.n_broken and not headers.get("Range", "bytes=0-").startswith("bytes=0-"):
            self.n_broken -= 1
            return 200, self.content[::-1]
        return 200, self.content


@pytest.fixture
def azure(serve_ranges, monkeypatch):
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", 0)
    monkeypatch.setattr(signing, "_TOKENS", {})
    monkeypatch.delenv(signing.KEY_VARIABLE, raising=False)
    store = Azure()
    store.serve = serve_ranges
    store.address = serve_ranges(store.answer)
    return store


def profile_of(azure):
    return Profile(
        "test",
        azure.address,
        private_hosts=("127.0.0.1",),
        hosts=("127.0.0.1",),
        token_url=f"{azure.address}/token",
    )


def reader_of(azure, name="vv.tif"):
    """Of a new file each time: GDAL keeps what it has read of the last 16 MB."""
    azure.n_files += 1
    path = f"/vsicurl/{azure.address}/rtc/a%20b/{azure.n_files}/{name}"
    return TiffReader(path, GRID, access_to(path, profile_of(azure)))


def all_of(reader):
    np.testing.assert_array_equal(reader.read(GRID.full), PIXELS)


def test_a_file_is_signed_where_it_is_opened(azure):
    all_of(pickle.loads(pickle.dumps(reader_of(azure))))
    assert azure.asked == ["/token/127/rtc"]


def test_a_token_serves_all_files_of_its_container(azure):
    for _ in range(3):
        all_of(reader_of(azure))
    assert len(azure.asked) == 1


def test_few_requests(azure):
    """As many as an unsigned file takes."""
    all_of(reader_of(azure))
    assert len(azure.requests) <= 3


def test_a_token_near_its_end_is_not_used(azure):
    azure.life_s = signing.EARLY_S - 1
    all_of(reader_of(azure))
    azure.life_s = 3600.0
    all_of(reader_of(azure))
    all_of(reader_of(azure))
    assert len(azure.asked) == 2


def test_a_token_refused_at_opening_is_replaced_once(azure):
    all_of(reader_of(azure))
    azure.expire()
    all_of(reader_of(azure))
    assert len(azure.asked) == 2


def test_a_token_that_ends_while_a_file_is_open(azure):
    reader = reader_of(azure)
    assert reader.dtype == np.uint16
    azure.expire()
    all_of(reader)
    assert len(azure.asked) == 2


def test_what_comes_broken_is_asked_for_again_at_once(azure, monkeypatch):
    """From the server: GDAL would give the same bytes again out of its memory."""
    reader = reader_of(azure)
    azure.n_broken = 1
    all_of(reader)
    assert azure.n_broken == 0
    assert reader.waited == 0.0


def test_what_was_refused_is_read_by_the_same_process_later(azure, monkeypatch):
    reader = reader_of(azure)
    with monkeypatch.context() as patch:
        patch.setattr(Azure, "token", f"{SECRET}stale")
        for _ in range(2):
            with pytest.raises(FailedScene, match="the server answered 403"):
                reader.read(GRID.full)
    all_of(reader)
    # The token is replaced once for each opening, and the last of them was valid.
    assert len(azure.asked) == 4


def test_a_file_that_is_not_there_costs_no_new_token(azure):
    with pytest.raises(FailedScene, match=r"nope\.tif could not be read: the server answered 404"):
        reader_of(azure, "nope.tif").read(GRID.full)
    assert len(azure.asked) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_service_that_does_not_sign_fails_the_scene(azure, status):
    azure.refusal = status, b"no"
    with pytest.raises(FailedScene, match="does not sign for 127/rtc"):
        reader_of(azure).read(GRID.full)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"null",
        b'{"token": "a"}',
        b'{"token": 7, "msft:expiry": "2099-01-01T00:00:00Z"}',
        b'{"token": "", "msft:expiry": "2099-01-01T00:00:00Z"}',
        b'{"token": "a", "msft:expiry": "2099-01-01T00:00:00"}',
        b'{"token": "a", "msft:expiry": 7}',
    ],
)
def test_answers_that_are_no_tokens(azure, body):
    azure.refusal = 200, body
    with pytest.raises(UpstreamError, match="other than a token"):
        reader_of(azure).read(GRID.full)


def test_a_redirect_of_the_service_is_not_followed(azure):
    azure.refusal = 302, b"", {"Location": f"{azure.address}/token/elsewhere"}
    with pytest.raises(FailedScene, match="does not sign"):
        reader_of(azure).read(GRID.full)
    assert azure.asked == ["/token/127/rtc"]


def test_the_subscription_key_goes_to_the_service_alone(azure, monkeypatch):
    monkeypatch.setenv(signing.KEY_VARIABLE, "mine")
    seen = []
    plain = azure.answer

    def answer(method, path, parameters, headers):
        seen.append((path, headers.get(signing.KEY_HEADER)))
        return plain(method, path, parameters, headers)

    azure.address = azure.serve(answer)
    all_of(reader_of(azure))
    assert {key for path, key in seen if path.startswith("/token/")} == {"mine"}
    assert {key for path, key in seen if not path.startswith("/token/")} == {None}


def test_no_signature_is_seen_anywhere(azure, caplog, capfd, monkeypatch):
    """Not with all of GDAL's and rasterio's logs on, in errors or in what travels."""
    monkeypatch.setenv("CPL_DEBUG", "ON")
    monkeypatch.setenv("CPL_CURL_VERBOSE", "YES")
    caplog.set_level(logging.DEBUG)
    item = signed_item(azure)
    scene = scene_from_item(item, profile_of(azure), None)
    reader = open_reader(scene, scene.bands[0])
    all_of(reader)
    lazy = cube(scene, chunks=64)
    shown = [repr(scene), repr(reader), repr(reader._idle), repr(dict(lazy.__dask_graph__()))]
    assert float(lazy.max()) == PIXELS.max()
    travels = [pickle.dumps(scene.bands), pickle.dumps(reader), pickle.dumps(lazy)]
    azure.expire()
    monkeypatch.setattr(Azure, "token", f"{SECRET}stale")
    for attempt in (reader_of(azure), reader_of(azure, "nope.tif")):
        with pytest.raises(FailedScene) as caught:
            attempt.read(GRID.full)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        shown.append(str(caught.value))
    out = capfd.readouterr()
    everything = "\n".join([caplog.text, out.out, out.err, *shown])
    assert "rtc" in everything
    for secret in ("sig=", "Sec%2F", "Sec/ret"):
        assert secret not in everything
        assert not any(secret.encode() in each for each in travels)


def signed_item(azure):
    """An item whose hrefs somebody has signed and stored."""
    return {
        "type": "Feature",
        "id": "a",
        "collection": "sentinel-2-l2a",
        "geometry": None,
        "properties": {
            "datetime": "2020-01-01T00:00:00Z",
            "proj:epsg": 32651,
            "proj:shape": list(GRID.shape),
            "proj:transform": list(GRID.transform),
        },
        "assets": {
            "B08": {
                "href": f"{azure.address}/rtc/a%20b/vv.tif?sig=Sec%2Fretold",
                "type": "image/tiff",
            }
        },
    }


def test_what_is_signed():
    blob = "/vsicurl/https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/B08.tif"
    other = "/vsicurl/https://somebody.blob.core.windows.net/sentinel2-l2/B08.tif"
    tokens = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
    pc = PROFILES["planetary-computer"]
    assert access_to(blob, pc).token_url == tokens
    # Whoever has the items in a file need not say where they came from.
    assert access_to(blob, profile_for("items.json")).token_url == tokens
    assert access_to(other, profile_for("items.json")) == Access(is_known=False)
    assert access_to("/data/B08.tif", pc) == Access()
