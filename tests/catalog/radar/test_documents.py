"""Documents over the network: from a server on loopback that answers as real ones do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from westsea_catalog import network, signing
from westsea_catalog.errors import FailedScene
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import Profile
from westsea_catalog.radar.documents import content
from westsea_catalog.radar.located import located
from westsea_catalog.reader import GDAL_OPTIONS, open_reader


class Archive:
    """Serves a folder; `faults` are answers by a part of the path, used up one by one."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.asked, self.faults, self.tokens = [], {}, None

    def answer(self, method, path, parameters, headers):
        if path.startswith("/token/"):
            self.asked.append(("TOKEN", path))
            return 200, {"msft:expiry": "2099-01-01T00:00:00Z", "token": f"sig={self.tokens}"}
        self.asked.append((method, path))
        if self.tokens is not None and parameters.get("sig") != str(self.tokens):
            return 403, b"AuthenticationFailed"
        for part, answers in self.faults.items():
            if part in path and answers:
                return answers.pop(0), b"<html>no</html>"
        file = self.folder / path.removeprefix("/grd/")
        return (200, file.read_bytes()) if file.is_file() else (404, b"")

    def gets(self, part):
        return [method for method, path in self.asked if part in path and method == "GET"]


@pytest.fixture
def archive(serve_ranges, twins, monkeypatch):
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", 0)
    monkeypatch.setattr(network, "BACKOFF_S", 0.01)
    monkeypatch.setattr(signing, "_TOKENS", {})
    found = Archive(twins.parent)
    found.address = serve_ranges(found.answer)
    return found


@pytest.fixture
def remote(archive, grd_items, twins):
    """``remote(number, signed=)`` is a scene of the archive on the network."""

    def make(number=0, signed=False):
        def href(path):
            return f"{archive.address}/grd/{Path(path).relative_to(twins.parent)}"

        item = grd_items[number]
        assets = {key: {**a, "href": href(a["href"])} for key, a in item["assets"].items()}
        profile = Profile(
            "test",
            archive.address,
            private_hosts=("127.0.0.1",),
            hosts=("127.0.0.1",),
            token_url=f"{archive.address}/token" if signed else "",
        )
        return scene_from_item({**item, "assets": assets}, profile, None)

    return make


def test_each_document_takes_one_request(archive, remote, planned, grd_items):
    found = located(remote())
    for path in ("annotation/s1a", "calibration-s1a", "noise-s1a"):
        assert archive.gets(path) == ["GET"] * 2  # of two bands
        assert not [method for method, asked in archive.asked if path in asked and method != "GET"]
    here = located(planned(grd_items[0]))
    assert found.grid == here.grid
    one, other = (open_reader(each, each.bands[1]).read(each.grid.full) for each in (found, here))
    np.testing.assert_array_equal(one, other)


def test_only_404_says_that_there_is_none(archive, remote):
    archive.faults = {"calibration-": [404, 404], "noise-": [404, 404]}
    found = located(remote())
    assert not found.radar.calibrated
    assert not found.radar.noise_removed
    assert np.isfinite(found.radar.ambiguity_m(5, 5))


@pytest.mark.parametrize("kind", ["annotation/s1a", "calibration-", "noise-"])
@pytest.mark.parametrize("status", [401, 403, 410, 418])
def test_other_refusals_fail_the_scene(archive, remote, kind, status):
    archive.faults = {kind: [status]}
    with pytest.raises(FailedScene, match=rf"could not be read: the server answered {status}\.$"):
        located(remote(1))


def test_a_server_in_trouble_is_asked_again(archive, remote):
    archive.faults = {"calibration-": [503, 500]}
    assert located(remote(1)).radar.calibrated
    assert len(archive.gets("calibration-")) == 3


def test_a_server_that_stays_in_trouble_fails_the_scene(archive, remote):
    archive.faults = {"noise-": [500] * 9}
    with pytest.raises(FailedScene, match="the server answered 500"):
        located(remote(1))


def test_documents_are_signed_where_they_are_read(archive, remote):
    archive.tokens = 1
    scene = remote(1, signed=True)
    assert "sig" not in repr(scene.documents)
    assert located(scene).radar.calibrated
    assert len([path for what, path in archive.asked if what == "TOKEN"]) == 1


def test_a_token_that_ends_is_asked_for_once_more(archive, remote):
    archive.tokens = 1
    document = remote(1, signed=True).documents[0]
    assert content(document)
    archive.tokens = 2
    assert content(document)
    assert len([path for what, path in archive.asked if what == "TOKEN"]) == 2


def test_a_signed_document_that_is_refused_for_good(archive, remote):
    archive.faults = {"annotation/s1a": [403, 403, 403]}
    archive.tokens = 1
    document = remote(1, signed=True).documents[0]
    with pytest.raises(FailedScene, match=r"the server answered 403\.$") as failed:
        content(document)
    assert "sig" not in str(failed.value)
    assert archive.gets("annotation/s1a") == ["GET", "GET"]


def test_nobody_answers(remote):
    document = remote(1).documents[0]
    gone = replace(document, path="/vsicurl/http://127.0.0.1:9/annotation.xml")
    with pytest.raises(
        FailedScene, match=r"^annotation\.xml could not be read: .*cannot be reached\.$"
    ):
        content(gone)


def test_redirects_to_where_they_may_not(serve, remote):
    address = serve(lambda *_: (302, b"", {"Location": "http://169.254.169.254/latest"}))
    document = remote(1).documents[0]
    led = replace(document, path=f"/vsicurl/{address}/annotation.xml")
    with pytest.raises(FailedScene, match="redirects to where it may not") as failed:
        content(led)
    assert "169.254" not in str(failed.value)


def test_a_local_file_that_is_not_there(remote, tmp_path):
    document = replace(remote(1).documents[0], path=str(tmp_path / "none.xml"))
    assert content(document) is None
