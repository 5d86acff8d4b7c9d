"""A real S3 server on loopback: keys in variables and files, wrong ones and none."""

import os
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import rasterio

from made.files import tiff
from westsea_catalog.access import Bucket
from westsea_catalog.errors import ConfigError, FailedScene
from westsea_catalog.grid import AffineGrid
from westsea_catalog.keys import key_options
from westsea_catalog.profiles import PROFILES, access_to
from westsea_catalog.radar.documents import content
from westsea_catalog.reader import GDAL_OPTIONS, TiffReader, gdal_env
from westsea_catalog.scene import Document

GRID = AffineGrid(32651, (10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0), (64, 64))
PIXELS = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
KEYS = {"AWS_ACCESS_KEY_ID": "Key", "AWS_SECRET_ACCESS_KEY": "Secret"}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch, tmp_path):
    for name in os.environ:
        if name.startswith(("AWS_", "CPL_AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", 0)


def put(seaweedfs, name):
    seaweedfs.put(f"mine/{name}", tiff(PIXELS, GRID))


NUMBERS = count()


@pytest.fixture
def reader(seaweedfs):
    """A reader of a new file at each call, for GDAL remembers what it has read."""
    own = Bucket("mine", "eu-1", seaweedfs.host, https=False, virtual_hosting=False)

    def make(**changes):
        name = f"{next(NUMBERS)}.tif"
        put(seaweedfs, name)
        return TiffReader(f"/vsis3/mine/{name}", GRID, replace(own, **changes).access)

    return make


def use(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("changes", [{}, {"requester_pays": True}, {"region": ""}])
def test_keys_in_variables(reader, monkeypatch, changes):
    use(monkeypatch, **KEYS)
    np.testing.assert_array_equal(reader(**changes).read(GRID.full), PIXELS)


@pytest.mark.parametrize("variable", ["AWS_SHARED_CREDENTIALS_FILE", "CPL_AWS_CREDENTIALS_FILE"])
def test_keys_in_a_file_that_is_named(reader, monkeypatch, tmp_path, variable):
    (tmp_path / "mine").write_text(
        "[default]\naws_access_key_id=No\naws_secret_access_key=No\n"
        "[me]\naws_access_key_id=Key\naws_secret_access_key=Secret\n"
    )
    use(monkeypatch, AWS_PROFILE="me", **{variable: str(tmp_path / "mine")})
    np.testing.assert_array_equal(reader().read(GRID.full), PIXELS)


def test_keys_in_the_usual_file(reader, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id=Key\naws_secret_access_key=Secret\n"
    )
    np.testing.assert_array_equal(reader().read(GRID.full), PIXELS)


def test_settings_for_another_store_have_no_say(reader, monkeypatch):
    """Nor do keys go there."""
    use(monkeypatch, AWS_S3_ENDPOINT="127.0.0.1:9", AWS_NO_SIGN_REQUEST="YES", AWS_HTTPS="YES")
    use(monkeypatch, **KEYS)
    np.testing.assert_array_equal(reader().read(GRID.full), PIXELS)


@pytest.mark.parametrize("wrong", [{"AWS_SECRET_ACCESS_KEY": "No"}, {"AWS_ACCESS_KEY_ID": "No"}])
def test_wrong_keys(reader, monkeypatch, wrong):
    use(monkeypatch, **KEYS | wrong)
    with pytest.raises(FailedScene, match=r"the server answered 403\.$"):
        reader().read(GRID.full)


def test_a_bucket_that_is_not_open_to_everybody(reader):
    with pytest.raises(FailedScene, match=r"the server answered 403\.$"):
        reader(unsigned=True).read(GRID.full)


@pytest.fixture
def document(seaweedfs):
    """A document in the bucket, by its name."""
    own = Bucket("mine", "eu-1", seaweedfs.host, https=False, virtual_hosting=False)
    put(seaweedfs, "annotation.xml")

    def make(name="annotation.xml", **changes):
        access = replace(own, **changes).access
        return Document("annotation", "VV", f"s3://mine/{name}", f"/vsis3/mine/{name}", access)

    return make


@pytest.mark.parametrize("changes", [{}, {"requester_pays": True}, {"region": ""}])
def test_documents_with_keys_in_variables(document, monkeypatch, changes):
    use(monkeypatch, **KEYS)
    assert content(document(**changes)).startswith(b"II")
    assert content(document("none.xml", **changes)) is None


def test_documents_with_keys_in_a_file(document, monkeypatch, tmp_path):
    (tmp_path / "mine").write_text(
        "[default]\naws_access_key_id=No\naws_secret_access_key=No\n"
        "[me]\naws_access_key_id=Key\naws_secret_access_key=Secret\n"
    )
    use(monkeypatch, AWS_PROFILE="me", AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "mine"))
    assert content(document()).startswith(b"II")


def test_documents_with_other_stores_in_variables(document, monkeypatch):
    use(monkeypatch, AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_S3_ENDPOINT="127.0.0.1:9", **KEYS)
    assert content(document()).startswith(b"II")


def test_documents_with_wrong_keys(document, monkeypatch):
    use(monkeypatch, **KEYS | {"AWS_SECRET_ACCESS_KEY": "No"})
    with pytest.raises(FailedScene, match=r"could not be read: the bucket refuses access\.$"):
        content(document())


def test_documents_without_keys(document):
    with pytest.raises(ConfigError, match=r"^The bucket mine wants AWS keys"):
        content(document())


def test_no_keys_at_all():
    """Said at once, without a look at the network."""
    reader = TiffReader("/vsis3/mine/a.tif", GRID, Bucket("mine").access)
    with pytest.raises(ConfigError, match=r"^The bucket mine wants AWS keys, .*\.$"):
        reader.read(GRID.full)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        (KEYS, ()),
        ({"AWS_ACCESS_KEY_ID": "Key"}, None),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, ()),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/"}, ()),
        ({"AWS_CONFIG_FILE": "/nowhere"}, None),
        ({"AWS_CONFIG_FILE": __file__}, ()),
        ({"AWS_SHARED_CREDENTIALS_FILE": __file__}, (("CPL_AWS_CREDENTIALS_FILE", __file__),)),
    ],
)
def test_where_keys_may_be(monkeypatch, variables, found):
    use(monkeypatch, **variables)
    if found is None:
        with pytest.raises(ConfigError):
            key_options("mine")
    else:
        assert key_options("mine") == (("CPL_AWS_AUTODETECT_EC2", "NO"), *found)


def test_a_machine_with_a_role_says_so(monkeypatch):
    use(monkeypatch, CPL_AWS_AUTODETECT_EC2="yes")
    assert key_options("mine") == (("CPL_AWS_AUTODETECT_EC2", "YES"),)


def test_each_bucket_of_the_known_catalogues():
    found = {
        (name, bucket.name): dict(access_to(f"/vsis3/{bucket.name}/a.tif", profile).options)
        for name, profile in PROFILES.items()
        for bucket in profile.buckets
    }
    public = found["earth-search", "sentinel-cogs"]
    assert public["AWS_NO_SIGN_REQUEST"] == "YES"
    paid = found["earth-search", "sentinel-s2-l1c"]
    assert (paid["AWS_REQUEST_PAYER"], paid["AWS_REGION"]) == ("requester", "eu-central-1")
    own = found["cdse", "eodata"]
    assert own["AWS_S3_ENDPOINT"] == "eodata.dataspace.copernicus.eu"
    assert own["AWS_VIRTUAL_HOSTING"] == "FALSE"
    assert all(options["AWS_HTTPS"] == "YES" for options in found.values())
    with gdal_env(tuple(own.items())):
        assert rasterio.env.getenv()["AWS_S3_ENDPOINT"] == "eodata.dataspace.copernicus.eu"
