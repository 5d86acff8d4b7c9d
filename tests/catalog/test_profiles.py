"""The known catalogues, and what an unknown one gets."""

import pytest

from westsea_catalog.errors import UsageError
from westsea_catalog.profiles import PROFILES, profile_for


def test_known_names():
    assert set(PROFILES) == {"earth-search", "planetary-computer", "cdse", "built-in"}
    for name, profile in PROFILES.items():
        assert profile_for(name) is profile
        assert profile.url is None or profile.url.startswith("https://")
        assert profile.private_hosts == ()
        for collection in profile.collections:
            assert profile.rule(collection) is not None


@pytest.mark.parametrize(
    ("collection", "sensor", "nodata"),
    [
        ("sentinel-1-rtc", "sar", -32768),
        ("sentinel-2-l2a", "optical", 0),
        ("sentinel-2-c1-l2a", "optical", 0),
    ],
)
def test_default_rules(collection, sensor, nodata):
    rule = profile_for("somewhere/catalog.json").rule(collection)
    assert (rule.sensor, rule.nodata) == (sensor, nodata)
    names = [band.name for band in (*rule.bands, *rule.extras)]
    keys = [key for band in (*rule.bands, *rule.extras) for key in band.keys]
    assert len(set(names)) == len(names)
    assert len(set(keys)) == len(keys)


def test_an_unknown_collection_has_no_rule():
    assert profile_for("planetary-computer").rule("landsat-c2-l2") is None


def test_an_address_allows_its_own_host_only():
    profile = profile_for("http://127.0.0.1:8080/stac")
    assert (profile.name, profile.url) == ("custom", "http://127.0.0.1:8080/stac")
    assert profile.private_hosts == ("127.0.0.1",)
    assert profile_for("https://STAC.example.com").private_hosts == ("stac.example.com",)


@pytest.mark.parametrize("path", ["catalog.json", "/data/items.parquet", "a:b/catalog.json"])
def test_a_path_is_not_on_the_network(path):
    profile = profile_for(path)
    assert (profile.name, profile.url, profile.private_hosts) == ("custom", None, ())


@pytest.mark.parametrize(
    "address",
    ["ftp://host/stac", "https://", "http://[::1", "https://host:port/", "file:///etc/passwd"],
)
def test_bad_addresses_are_refused(address):
    with pytest.raises(UsageError, match="is not an"):
        profile_for(address)


def test_credentials_in_an_address_are_refused_and_not_repeated():
    with pytest.raises(UsageError) as caught:
        profile_for("https://user:secret@example.com/stac")
    assert "secret" not in str(caught.value)
