"""Catalogues of the user's own: tables of the settings, as the commands take them."""

import json

import pytest

from westsea.catalogs import RuleTable, document, needs
from westsea.config import load
from westsea_catalog.access import Bucket
from westsea_catalog.errors import ConfigError
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import PLANETARY_COMPUTER_TOKENS, PROFILES


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "westsea.toml"
        path.write_text(text)
        return path

    return write


OWN = """
[catalogs.mine]
url = "https://stac.example.org/v1"
collections = ["my-s2"]
hosts = ["data.example.org", ".cdn.example.org"]

[[catalogs.mine.buckets]]
name = "my-bucket"
endpoint = "s3.example.org:9000"
region = "eu-1"

[[catalogs.mine.rules]]
collections = ["my-s2"]
like = "sentinel-2-l2a"
keys = { B08 = ["infrared"] }
nodata = 7
offset = -1000

[catalogs.two]
like = "earth-search"
url = "https://mirror.example.org/v1"

[catalogs.three]
like = "planetary-computer"
signing = "none"

[catalogs.four]
url = "archive/catalog.json"
"""


def test_a_catalogue_of_ones_own(write):
    own = load(write(OWN)).profiles()
    mine = own["mine"]
    assert (mine.name, mine.url) == ("mine", "https://stac.example.org/v1")
    assert mine.collections == ("my-s2",)
    assert mine.private_hosts == ("stac.example.org",)
    assert mine.buckets == (
        Bucket("my-bucket", "eu-1", "s3.example.org:9000", virtual_hosting=False),
    )
    rule = mine.rule("my-s2")
    assert rule.bands[0].keys[0] == "infrared"
    assert (rule.nodata, rule.offset, rule.sensor) == (7, -1000, "optical")
    # What everybody reads it reads too.
    assert mine.rule("sentinel-1-rtc") == PROFILES["cdse"].rule("sentinel-1-rtc")


def test_a_collection_like_grd():
    table = RuleTable(("ours-grd",), "sentinel-1-grd", keys={"VV": ("amplitude",)})
    rule = table.rule()
    assert rule.in_radar_geometry
    assert rule.collections == ("ours-grd",)
    assert rule.bands[0].keys[0] == "amplitude"
    assert rule.nodata == 0


def test_what_is_left_out_is_as_in_the_catalogue_that_it_is_like(write):
    own, known = load(write(OWN)).profiles(), PROFILES["earth-search"]
    two = own["two"]
    assert two.url == "https://mirror.example.org/v1"
    assert (two.collections, two.buckets, two.hosts, two.rules) == (
        known.collections,
        known.buckets,
        known.hosts,
        known.rules,
    )
    assert own["three"].url == PROFILES["planetary-computer"].url
    assert own["three"].token_url == ""
    assert (own["four"].url, own["four"].file) == (None, "archive/catalog.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[catalogs.mine]\nurls = 'a'", "urls"),
        ("[catalogs.mine]\nurl = 7", "catalogs"),
        ("[catalogs.mine]\nurl = 'ftp://a.example.org'", "not an http or https address"),
        ("[catalogs.mine]\nurl = 'https://user:secret@a.example.org'", "holds a user name"),
        ("[catalogs.mine]\nlike = 'earth'", "none of earth-search"),
        ("[catalogs.earth-search]\nurl = 'https://a.example.org'", "another name"),
        ("[catalogs.'a/b']\nurl = 'https://a.example.org'", "another name"),
        ("[catalogs.mine]\nhosts = ['https://a.example.org']", "not a host name"),
        ("[catalogs.mine]\nhosts = ['.']", "not a host name"),
        ("[catalogs.mine]\nsigning = 'aws'", "signing"),
        ("[catalogs.mine]\nsigning = 'planetary-computer'", "names no hosts"),
        ("[[catalogs.mine.buckets]]\nnam = 'a'", "nam"),
        ("[[catalogs.mine.rules]]\ncollections = ['a']\nlike = 'landsat'", "like"),
        (
            "[[catalogs.mine.rules]]\ncollections = ['a']\nlike = 'sentinel-1-rtc'\n"
            "keys = { B08 = ['nir'] }",
            "no band 'B08'",
        ),
        (
            "[[catalogs.mine.rules]]\ncollections = ['a']\nlike = 'sentinel-2-l2a'\noffset = 5",
            "offset",
        ),
    ],
)
def test_tables_that_make_no_sense(write, text, reason):
    with pytest.raises(ConfigError, match=r"\.$") as caught:
        load(write(text))
    assert reason in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_taken_by_name(cli, write, tmp_path):
    """An item of a catalogue with names of its own, planned with its rule."""
    item = {
        "type": "Feature",
        "id": "a",
        "collection": "my-s2",
        "geometry": None,
        "properties": {"datetime": "2020-01-01T00:00:00Z", "proj:code": "EPSG:32651"},
        "assets": {
            "infrared": {
                "href": "https://data.example.org/a.tif",
                "proj:shape": [2000, 1000],
                "proj:transform": [10, 0, 300000, 0, -10, 4200000],
            }
        },
    }
    (tmp_path / "items.json").write_text(json.dumps(item))
    asked = ("plan", "--items", tmp_path / "items.json", "--json", "--config", write(OWN))
    done = cli(*asked, "--catalog", "mine")
    assert done.code == 0
    scene = json.loads(done.out)["scenes"][0]
    assert (scene["bands"], scene["offsets"]) == (["B08"], {"B08": -1000})
    assert "in collection my-s2" in cli(*asked).err
    refused = {**item, "assets": {"nir": {**item["assets"]["infrared"]}}}
    refused["assets"]["nir"]["href"] = "https://elsewhere.example.org/a.tif"
    (tmp_path / "items.json").write_text(json.dumps(refused))
    done = cli(*asked, "--catalog", "mine")
    assert done.code == 4
    assert "elsewhere.example.org, which is none of profile mine" in done.err


def test_files_of_ones_own(cli, write, archive):
    config = write(f"[catalogs.four]\nurl = '{archive}'")
    done = cli(
        "plan", "--catalog", "four", "--config", config, "--bbox=-180,-90,180,90",
        "--datetime", "2000-01-01/2100-01-01", "--json",
    )  # fmt: skip
    assert done.code == 0
    assert json.loads(done.out)["scenes"]


def test_what_catalogues_need():
    assert needs(PROFILES["built-in"]) == "nothing"
    signed = needs(PROFILES["planetary-computer"])
    assert signed == "signatures of planetarycomputer.microsoft.com, without an account"
    assert needs(PROFILES["cdse"]) == "AWS keys for s3://eodata"
    assert needs(PROFILES["earth-search"]) == (
        "AWS keys, and pays Amazon, for s3://sentinel-s2-l1c, s3://sentinel-s1-l1c"
    )
    assert document(PROFILES["planetary-computer"])["signing"] in PLANETARY_COMPUTER_TOKENS


def test_they_are_listed_with_what_they_need_and_no_secrets(cli, write, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("PC_SDK_SUBSCRIPTION_KEY", "hush")
    config = write(OWN)
    table = cli("catalogs", "--config", config).out
    lines = {line.split("\t")[0]: line.split("\t") for line in table.splitlines()}
    assert set(lines) == {*PROFILES, "mine", "two", "three", "four"}
    assert lines["mine"][1:] == [
        "https://stac.example.org/v1",
        "my-s2",
        "AWS keys for s3://my-bucket",
    ]
    shown = cli("catalogs", "--json", "--config", config).out
    known = {each["name"]: each for each in json.loads(shown)}
    assert known["mine"]["buckets"][0]["endpoint"] == "s3.example.org:9000"
    assert known["mine"]["reads"][0] == "my-s2"
    assert known["three"]["signing"] is None
    assert "hush" not in table + shown


def test_a_profile_is_taken_as_it_is(write):
    mine = load(write(OWN)).profiles()["mine"]
    item = {"id": "a", "collection": "my-s2"}
    with pytest.raises(Exception, match="when it was acquired"):
        scene_from_item(item, mine, None)
