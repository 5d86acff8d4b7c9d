"""Names, hrefs and texts of a hostile catalogue."""

import ipaddress
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from westsea_catalog.errors import RefusedScene
from westsea_catalog.profiles import PROFILES, Profile, profile_for
from westsea_catalog.trust import (
    MAX_NAME_BYTES,
    brief,
    escape_controls,
    gdal_path,
    is_public,
    literal_address,
    private_reason,
    safe_name,
)

REMOTE = profile_for("https://stac.example.com/v1")
LOOPBACK = profile_for("http://127.0.0.1:8080/stac")

# Any text, lone surrogates included, and short texts of the characters that matter most.
texts = st.text(st.characters(), max_size=300) | st.text("%./-~2EFa\0\n\ud800\u00e9", max_size=8)


@given(texts)
@example("")
@example(".")
@example("..")
@example("../../etc/passwd")
@example("x" * 500)
def test_any_text_becomes_a_safe_name(text):
    name = safe_name(text)
    assert re.fullmatch(r"[A-Za-z0-9_.%-]{1,180}", name)
    assert not name.startswith(".")


@given(texts, texts)
@example("%2E", ".")
@example("%", "")
@example("A" * 180, "A" * 181)
@example("/" * 60, "/" * 61)
def test_different_texts_have_different_names(one, other):
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(texts)
def test_a_name_is_not_the_name_of_another_text(text):
    # The encoded form of one text, taken as a text itself, is encoded again.
    name = safe_name(text)
    assert name == text or safe_name(name) != name


def test_ordinary_ids_stay_as_they_are():
    scene = "S1A_IW_GRDH_1SDV_20220106T002208_20220106T002232_041333_04E9EE_rtc"
    assert safe_name(scene) == scene
    assert safe_name("a/b") == "a%2Fb"
    assert safe_name("100%") == "100%25"
    assert safe_name("x" * MAX_NAME_BYTES) == "x" * MAX_NAME_BYTES


@given(texts)
def test_escaped_text_is_one_printable_line(text):
    shown = escape_controls(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_escapes():
    assert escape_controls("a\x1b[31m\n\u202eb\u00e9") == "a\\x1b[31m\\x0a\\u202eb\u00e9"
    assert escape_controls("\U000e0001") == "\\U000e0001"


@given(st.none() | st.integers() | texts | st.lists(texts))
def test_brief_is_short(value):
    assert len(brief(value, 40)) <= 40


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7f.0.0.1", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_every_spelling_of_an_address_is_read(host, address):
    assert literal_address(host) == ipaddress.ip_address(address)


@pytest.mark.parametrize("host", ["example.com", "1.2.3.4.5", "face.com", "256.1.1.1"])
def test_names_are_not_addresses(host):
    assert literal_address(host) is None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_private_addresses(address):
    assert not is_public(ipaddress.ip_address(address))
    assert private_reason(address, REMOTE)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses(address):
    assert is_public(ipaddress.ip_address(address))
    assert private_reason(address, REMOTE) is None


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "metadata.google.internal",
        "printer.local",
        "router",
        "",
        "127.0.0.1.",
        "1.2.3.4.5",
        "a..b.com",
        "xn--a.123",
        "b\u3002com",
        "ex ample.com",
    ],
)
def test_private_and_malformed_names(host):
    assert private_reason(host, REMOTE)


def refused(href, profile=REMOTE, root=None):
    with pytest.raises(RefusedScene) as caught:
        gdal_path(href, profile, root)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("https://a.example.com/b/c.tif", "/vsicurl/https://a.example.com/b/c.tif"),
        ("HTTPS://A.Example.com:443/B.tif", "/vsicurl/https://a.example.com:443/B.tif"),
        ("https://a.example.com/b c.tif", "/vsicurl/https://a.example.com/b%20c.tif"),
        ("https://a.example.com/b%20c%2Fd.tif", "/vsicurl/https://a.example.com/b%20c%2Fd.tif"),
        ("https://a.example.com/\u00e9|<.tif", "/vsicurl/https://a.example.com/%C3%A9%7C%3C.tif"),
        ("https://a.example.com/b.tif?x=1&y=%2F", "/vsicurl/https://a.example.com/b.tif?x=1&y=%2F"),
        ("https://[2606:4700::1111]/b.tif", "/vsicurl/https://[2606:4700::1111]/b.tif"),
    ],
)
def test_https_hrefs(href, path):
    assert gdal_path(href, REMOTE, None) == path


def test_plain_http_only_to_the_host_that_the_user_named_so():
    assert (
        gdal_path("http://127.0.0.1:9/a.tif", LOOPBACK, None) == "/vsicurl/http://127.0.0.1:9/a.tif"
    )
    assert "encryption" in refused("http://a.example.com/a.tif", LOOPBACK)
    assert "encryption" in refused("http://stac.example.com/a.tif", REMOTE)
    assert "public" in refused("http://127.0.0.2/a.tif", LOOPBACK)


def test_s3_only_in_the_buckets_of_the_profile():
    profile = PROFILES["earth-search"]
    assert gdal_path("s3://sentinel-cogs/a/b.tif", profile, None) == "/vsis3/sentinel-cogs/a/b.tif"
    assert "bucket" in refused("s3://other/a/b.tif", profile)
    assert "bucket" in refused("s3://sentinel-cogs/a/b.tif", REMOTE)
    assert "bucket" in refused("s3://user@sentinel-cogs/a/b.tif", profile)
    for key in ("", "/", "/a/../../other/b.tif", "/a//b.tif", "/a/./b.tif", "/a.tif?x=1"):
        assert "bucket and key" in refused(f"s3://sentinel-cogs{key}", profile)


@pytest.mark.parametrize(
    "href",
    [
        None,
        "",
        7,
        ["https://a.example.com/b.tif"],
        "/vsicurl/https://a.example.com/b.tif",
        "/vsis3/sentinel-cogs/b.tif",
        "/vsimem/x.tif",
        "/vsizip//vsicurl/https://a.example.com/b.zip/c.tif",
        "vrt:///etc/passwd",
        "<VRTDataset rasterXSize='1'/>",
        "GTIFF_DIR:1:/etc/passwd",
        "NETCDF:/etc/passwd:x",
        "WMS:http://127.0.0.1/",
        "file:///etc/passwd",
        "zip+https://a.example.com/b.zip!c.tif",
        "ftp://a.example.com/b.tif",
        "gs://bucket/b.tif",
        "data:image/tiff;base64,AA",
        "/etc/passwd",
        "../b.tif",
        "b.tif",
        "//a.example.com/b.tif",
        "C:\\b.tif",
        "https://user:secret@a.example.com/b.tif",
        "https://a.example.com\\@b.example.com/b.tif",
        "https://a.example.com/b.tif#c",
        "https://a.example.com:99999/b.tif",
        "https://[::1/b.tif",
        "https:///b.tif",
        "https:b.tif",
        "https://localhost/b.tif",
        "https://127.0.0.1/b.tif",
        "https://127.1/b.tif",
        "https://0x7f000001/b.tif",
        "https://2130706433/b.tif",
        "https://[::ffff:127.0.0.1]/b.tif",
        "https://[fe80::1%25eth0]/b.tif",
        "https://169.254.169.254/latest/meta-data",
        "https://metadata.google.internal/b.tif",
        "https://127\u30020\u30020\u30021/b.tif",
        "https://%31%32%37.0.0.1/b.tif",
        "https://a.example.com/b\n.tif",
        "https://a.example.com/b\x00.tif",
        "https://a.example.com/\u202efit.b",
        "https://a.example.com/\ud800.tif",
        " https://a.example.com/b.tif",
        "https://a.example.com/" + "b" * 5000,
    ],
)
def test_hostile_hrefs(href):
    message = refused(href)
    assert "secret" not in message


@given(st.text(max_size=60) | st.text("htps:/.@\\[]%0127vsi#?a \t", max_size=40))
def test_any_href_is_a_path_or_refused(tmp_path_factory, href):
    root = tmp_path_factory.getbasetemp()
    for profile, folder in ((REMOTE, None), (LOOPBACK, root)):
        try:
            path = gdal_path(href, profile, folder)
        except RefusedScene:
            continue
        assert path.startswith(("/vsicurl/http", f"{root.resolve()}/"))


@pytest.fixture
def catalogue(tmp_path):
    root = tmp_path / "cat"
    (root / "items").mkdir(parents=True)
    (root / "items" / "a.tif").touch()
    (tmp_path / "secret.tif").touch()
    return root


LOCAL = Profile("custom", None)


def test_local_files_inside_the_root(catalogue):
    inside = catalogue / "items" / "a.tif"
    assert gdal_path(str(inside), LOCAL, catalogue) == str(inside.resolve())
    assert gdal_path(f"{catalogue}/items/../items/a.tif", LOCAL, catalogue) == str(inside.resolve())
    missing = catalogue / "items" / "b%2e%2e!c d.tif"
    assert gdal_path(str(missing), LOCAL, catalogue) == str(missing.resolve())


def test_links_are_resolved_before_they_are_judged(catalogue):
    (catalogue / "in.tif").symlink_to(catalogue / "items" / "a.tif")
    (catalogue / "out.tif").symlink_to(catalogue.parent / "secret.tif")
    (catalogue / "loop.tif").symlink_to(catalogue / "loop.tif")
    (catalogue / "up").symlink_to(catalogue.parent)
    resolved = gdal_path(str(catalogue / "in.tif"), LOCAL, catalogue)
    assert resolved == str((catalogue / "items" / "a.tif").resolve())
    for name in ("out.tif", "up/secret.tif"):
        assert "outside" in refused(str(catalogue / name), LOCAL, catalogue)
    assert gdal_path(str(catalogue / "loop.tif"), LOCAL, catalogue).endswith("loop.tif")


def test_a_root_behind_a_link_is_the_same_root(catalogue, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(catalogue)
    resolved = str((catalogue / "items" / "a.tif").resolve())
    assert gdal_path(str(link / "items" / "a.tif"), LOCAL, link) == resolved
    assert gdal_path(str(catalogue / "items" / "a.tif"), LOCAL, link) == resolved


def test_local_files_outside_the_root(catalogue):
    for href in (
        f"{catalogue}/../secret.tif",
        str(catalogue.parent / "secret.tif"),
        f"{catalogue}-sibling/a.tif",
        str(catalogue),
        "/etc/passwd",
        f"/{catalogue.parent}/secret.tif",
    ):
        assert "outside" in refused(href, LOCAL, catalogue)
    assert "local file" in refused(str(catalogue / "items" / "a.tif"), LOCAL, None)
