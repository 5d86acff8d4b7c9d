"""Items as real services gave them: planned on the grid that they lie on, or refused and why.

Through `westsea plan --items FILE --offline --json`, unmodified, whatever is wrong with them.
"""

import json
import re
from pathlib import Path

import pytest
import shapely
from pyproj import Geod

from westsea_catalog.grid import AffineGrid

ITEMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "stac-items"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not ITEMS.exists(), reason=f"{ITEMS} is not there"),
]

VISIBLE = ["B02", "B03", "B04", "B11", "SCL"]


def tile(epsg, west, north, offset):
    """A tile of Sentinel-2: 109.8 km, of which B08 has 10 m pixels, and what is added to it."""
    return (epsg, west, north, 10, (10980, 10980), ["B08"], offset)


def radar(epsg, west, north, shape, size=10):
    return (epsg, west, north, size, shape, ["VV", "VH"], None)


PLANNED = {
    # STAC 1.1: proj:code alone, platform in capitals; s1:shape is (columns, rows).
    "earthdaily-python-client_test_data_s1.json": radar(32614, 550600, 4770820, (21611, 28614)),
    # STAC 1.0.0-beta.1 of Earth Search v0. N0214, in sentinel:product_id alone, adds nothing.
    "odc-stac_S2A_28QCH_20200714_0_L2A.json": tile(32628, 300000, 2300040, 0),
    # Planetary Computer reprocessed it in 2020, with a baseline (02.12) that adds nothing.
    "odc-stac_S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531.json": tile(
        32606, 399960, 6800040, 0
    ),
    # Earth Search v1: offset -0.1 and baseline 05.09, but boa_offset_applied: it is off already.
    # Its keys are nir and swir16; the JPEG 2000 twins beside them must not be taken.
    "openeo-processes-dask_s2_l2a_test_item.json": tile(32632, 600000, 5200020, 0),
    # proj:* on the item, nine-element transform, s1:shape (columns, rows), a space for the T.
    "pc_sentinel-1-rtc-pc.json": radar(32633, 373180, 3424680, (12949, 27526)),
    "pc_sentinel-1-rtc_test_smoke_sentinel_1_rtc_yaml.json": radar(
        32634, 180600, 3408040, (17058, 28320)
    ),
    # Planetary Computer says nothing of an offset; baselines from 04.00 on add 1000.
    "pc_sentinel-2-item.json": tile(32624, 499980, 9100020, -1000),
    "pc_sentinel-2-l2a-pc.json": tile(32647, 399960, 9100020, -1000),
    "pc_sentinel-2-l2a_test_sentinel2_l2a_yaml.json": tile(32635, 699960, 8100000, 0),
    "pc_sentinel-2-l2a_test_smoke_sentinel_2_l2a_yaml.json": tile(32653, 199980, 700020, -1000),
    "rustac_items-page-1.json": tile(32752, 499980, 1700020, -1000),
    "rustac_two-sentinel-2-items.json": tile(32613, 399960, 4500000, -1000),
    # Tiles of RTC at 20 m, keys gamma0_vv and gamma0_vh, no data is 0.
    "sentinel1_S1A_20200103_17RMJ_ASC.json": radar(32617, 399960, 2900040, (5490, 5490), 20),
}

# Radar geometry: nothing but control points in the file says where a pixel lies, so the plan is a
# guess off the outline. What reads proj:* of GRD items, where they have any, plans on a grid that
# the pixels do not lie on.
GUESSED = {
    # s1:shape is (columns, rows); 250 km of range, 25 s of track; the report on interference is
    # listed for the annotation.
    "pc_sentinel-1-grd_test_smoke_sentinel_1_grd_yaml.json": (16669, 26449),
}

REFUSED = {
    # A template: no id, no place, no time, empty hrefs. There is nothing to plan.
    "pc_base_sentinel2_l2a.json": "An item has no usable id: None.",
    # Over ice, with pixels of 40 m besides.
    "pc_sentinel-1-grd_test_s1_grd_yaml.json": "has HH only; westsea reads VV or VH",
    "planetary-computer-tasks_s1-grd.json": "has HH only; westsea reads VV or VH",
}


def plan(cli, name):
    done = cli("plan", "--items", ITEMS / name, "--offline", "--json")
    assert "Traceback" not in done.err
    assert "bug" not in done.err
    return done, json.loads(done.out), json.loads((ITEMS / name).read_text())


def test_every_file_is_in_a_table():
    assert {path.name for path in ITEMS.glob("*.json")} == {*PLANNED, *GUESSED, *REFUSED}
    assert len(PLANNED) + len(GUESSED) + len(REFUSED) == 17


@pytest.mark.parametrize("name", sorted(PLANNED))
def test_planned(cli, name):
    done, planned, item = plan(cli, name)
    epsg, west, north, size, shape, bands, offset = PLANNED[name]
    assert done.code == 0
    assert planned["refused"] == []
    [scene] = planned["scenes"]
    assert scene["item_id"] == item["id"]
    assert scene["epsg"] == epsg
    assert scene["transform"] == [size, 0, west, 0, -size, north]
    assert tuple(scene["shape"]) == shape
    assert scene["bands"] == bands
    assert scene["datetime"][:10] == item["properties"]["datetime"][:10]
    assert scene["pixels"] == shape[0] * shape[1] * len(bands)
    assert scene["km2"] == pytest.approx(shape[0] * shape[1] * (size / 1000) ** 2, rel=2e-3)
    if offset is not None:
        assert scene["extras"] == VISIBLE
        expected = dict.fromkeys(["B08", *VISIBLE], offset) | {"SCL": 0}
        assert scene["offsets"] == expected


@pytest.mark.parametrize("name", sorted(PLANNED))
def test_the_tables_grid_is_the_items_own(name):
    """As its asset or its properties state it, its box, its outline and its name."""
    item = json.loads((ITEMS / name).read_text())
    epsg, west, north, size, shape, bands, _ = PLANNED[name]
    keys = {"B08": ("B08", "nir"), "VV": ("vv", "gamma0_vv"), "VH": ("vh", "gamma0_vh")}
    props = item["properties"]
    for band in bands:
        [key] = [key for key in keys[band] if key in item["assets"]]
        fields = props | item["assets"][key]
        assert fields["proj:shape"] == list(shape)
        assert fields["proj:transform"][:6] == [size, 0, west, 0, -size, north]
        assert fields.get("proj:code", f"EPSG:{fields.get('proj:epsg')}") == f"EPSG:{epsg}"
        if "proj:bbox" in fields:
            east, south = west + size * shape[1], north - size * shape[0]
            assert fields["proj:bbox"] == [west, south, east, north]
    grid = AffineGrid(epsg, (size, 0, west, 0, -size, north), shape)
    rows, cols = shape
    corners = [(0, 0), (0, cols), (rows, cols), (rows, 0)]
    outline = shapely.Polygon([tuple(map(float, grid.lonlat(*corner))) for corner in corners])
    assert outline.buffer(0.05).covers(shapely.geometry.shape(item["geometry"]))
    zone = re.search(r"_T?(\d{2})([C-X])[A-Z]{2}_", item["id"])
    if zone:  # ESA's tiles lie on a grid of 100 km, 40 m to the north-west at most
        assert epsg == (32600 if zone[2] >= "N" else 32700) + int(zone[1])
        assert 0 <= -west % 100_000 <= 40
        assert 0 <= north % 100_000 <= 40


@pytest.mark.parametrize("name", sorted(GUESSED))
def test_planned_on_a_guess(cli, name):
    done, planned, item = plan(cli, name)
    assert done.code == 0
    assert planned["refused"] == []
    [scene] = planned["scenes"]
    shape = GUESSED[name]
    assert tuple(scene["shape"]) == shape
    assert "transform" not in scene
    assert scene["bands"] == ["VV", "VH"]
    outline = shapely.geometry.shape(item["geometry"])
    km2 = abs(Geod(ellps="WGS84").geometry_area_perimeter(outline)[0]) / 1e6
    assert scene["km2"] == pytest.approx(km2, rel=0.01)
    assert scene["pixels"] == 2 * shape[0] * shape[1]


def test_the_documents_of_the_guessed(cli):
    """The annotation, not the report on interference that the item lists in its place."""
    from westsea.api import plan as api_plan

    [name] = GUESSED
    [planned] = api_plan(ITEMS / name).scenes
    assert planned.scene.grid.is_guess
    names = sorted(each.path.rpartition("/")[2] for each in planned.scene.documents)
    kinds = ("calibration-", "", "noise-")
    assert names == [f"{kind}iw-{band}.xml" for kind in kinds for band in ("vh", "vv")]
    assert not any("/rfi/" in each.path for each in planned.scene.documents)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused(cli, name):
    done, planned, _ = plan(cli, name)
    assert done.code == 4
    assert planned["scenes"] == []
    [refused] = planned["refused"]
    assert REFUSED[name] in refused["reason"]
    assert refused["reason"].endswith(".")
    assert refused["reason"].count(". ") == 0
    assert refused["reason"] in done.err


def test_what_it_takes_to_read_them(cli):
    """Each band of each is a file at a host that is known, so nothing is asked for beforehand."""
    from westsea.api import plan as api_plan

    for name in PLANNED:
        [planned] = api_plan(ITEMS / name).scenes
        for asset in (*planned.scene.bands, *planned.scene.extras):
            assert asset.driver == "GTiff"
            assert not asset.source.endswith(".jp2")
            signed = "blob.core.windows.net" in asset.source
            assert bool(asset.access.token_url) == signed
            assert asset.access.is_known == ("sentinel-s1-rtc-indigo" not in asset.source)
