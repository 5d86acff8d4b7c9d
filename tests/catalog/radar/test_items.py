"""GRD items as three services make them, and what they may not be."""

import json
from pathlib import Path

import numpy as np
import pytest

from westsea_catalog.errors import RefusedScene
from westsea_catalog.items import scene_from_item, stack_item
from westsea_catalog.profiles import PROFILES

NAME = "S1A_IW_GRDH_1SDV_20171019T094831_20171019T094856_018880_01FDEB_1234"
RING = [[124.9, 36.0], [127.7, 36.4], [127.4, 37.9], [124.5, 37.5], [124.9, 36.0]]
BLOBS = f"https://sentinel1euwest.blob.core.windows.net/s1-grd/GRD/2017/10/19/IW/DV/{NAME}"


def planetary_computer(**changes):
    """With the report on interference where the annotation should be, as it has been since 2022."""
    assets = {}
    for band in ("vv", "vh"):
        assets[band] = f"{BLOBS}/measurement/iw-{band}.tiff"
        assets[f"schema-product-{band}"] = f"{BLOBS}/annotation/rfi/rfi-iw-{band}.xml"
        for kind in ("noise", "calibration"):
            path = f"{BLOBS}/annotation/calibration/{kind}-iw-{band}.xml"
            assets[f"schema-{kind}-{band}"] = path
    item = {
        "type": "Feature",
        "id": NAME,
        "collection": "sentinel-1-grd",
        "geometry": {"type": "Polygon", "coordinates": [RING]},
        "properties": {
            "datetime": "2017-10-19T09:48:43Z",
            "platform": "SENTINEL-1A",
            "s1:shape": [25800, 16700],
            "sat:orbit_state": "ascending",
            "sar:instrument_mode": "IW",
            "sar:pixel_spacing_range": 10,
            "sar:pixel_spacing_azimuth": 10,
        },
        "assets": {key: {"href": href} for key, href in assets.items()},
    }
    item["properties"] |= changes.pop("properties", {})
    return item | changes


def scene_of(item, profile="planetary-computer"):
    return scene_from_item(item, PROFILES[profile], None)


def test_planetary_computer():
    scene = scene_of(planetary_computer())
    assert scene.sensor == "sar"
    assert (scene.mode, scene.polarizations, scene.nodata) == ("IW", ("VV", "VH"), 0)
    assert scene.grid.is_guess
    assert scene.grid.shape == (16700, 25800)
    assert not scene.is_located
    assert scene.radar is None
    paths = {(each.kind, each.band): each.path for each in scene.documents}
    blobs = f"/vsicurl/{BLOBS}"
    assert paths["annotation", "VV"] == f"{blobs}/annotation/iw-vv.xml"
    assert paths["noise", "VH"] == f"{blobs}/annotation/calibration/noise-iw-vh.xml"
    assert len(paths) == 6
    assert all(each.access.token_url for each in (*scene.documents, *scene.bands))
    lon, lat = scene.grid.lonlat([0, 0, 16699], [0, 25799, 0])
    np.testing.assert_allclose(lon, [124.9, 127.7, 124.5], atol=0.02)
    np.testing.assert_allclose(lat, [36.0, 36.4, 37.5], atol=0.02)
    with pytest.raises(RefusedScene, match="cannot be stacked"):
        stack_item(scene)


def test_earth_search():
    """Requester pays, and a projection that is made up."""
    item = planetary_computer(
        properties={
            "proj:code": None,
            "proj:epsg": 4326,
            "proj:shape": [16700, 25800],
            "proj:transform": [1e-4, 0, 124.5, 0, -1e-4, 37.9],
        }
    )
    for asset in item["assets"].values():
        asset["href"] = asset["href"].replace(
            "https://sentinel1euwest.blob.core.windows.net/s1-grd", "s3://sentinel-s1-l1c"
        )
    scene = scene_of(item, "earth-search")
    assert scene.grid.is_guess
    assert scene.bands[0].path.startswith("/vsis3/sentinel-s1-l1c/GRD/")
    for each in (*scene.bands, *scene.documents):
        options = dict(each.access.options)
        assert options["AWS_REQUEST_PAYER"] == "requester"
        assert each.access.needs_keys
    assert scene == scene_of(item, "earth-search")


def test_documents_beside_the_pixels():
    """An item that lists none, as some do: ESA's folders have them in known places."""
    place = "s3://eodata/Sentinel-1/SAR/IW_GRDH_1S/2017/10/19/X.SAFE"
    item = planetary_computer(
        assets={"vv": {"href": f"{place}/measurement/s1a-iw-grd-vv-001-cog.tiff"}}
    )
    scene = scene_of(item, "cdse")
    folder = place.replace("s3://", "/vsis3/")
    assert {each.kind: each.path for each in scene.documents} == {
        "annotation": f"{folder}/annotation/s1a-iw-grd-vv-001-cog.xml",
        "calibration": f"{folder}/annotation/calibration/calibration-s1a-iw-grd-vv-001-cog.xml",
        "noise": f"{folder}/annotation/calibration/noise-s1a-iw-grd-vv-001-cog.xml",
    }
    item["assets"]["vv"]["href"] = "s3://eodata/vv.tiff"
    assert scene_of(item, "cdse").documents == ()


def test_an_item_that_says_little():
    """Mode and spacing are in the name, the size follows from the outline."""
    item = planetary_computer()
    item["properties"] = {"datetime": "2017-10-19T09:48:43Z"}
    scene = scene_of(item)
    assert scene.mode == "IW"
    assert scene.orbit_state == "unknown"
    rows, cols = scene.grid.shape
    assert rows == pytest.approx(16700, rel=0.05)
    assert cols == pytest.approx(25300, rel=0.05)


def only(*keys):
    item = planetary_computer()
    kept = dict.fromkeys(keys, item["assets"]["vv"])
    return planetary_computer(assets=kept)


def pixels(metres, azimuth=None):
    spacing = {"range": metres, "azimuth": metres if azimuth is None else azimuth}
    return planetary_computer(
        properties={f"sar:pixel_spacing_{axis}": value for axis, value in spacing.items()}
    )


def elsewhere(key, href):
    item = planetary_computer()
    item["assets"][key]["href"] = href
    return item


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (only("hh"), "has HH only; westsea reads VV or VH"),
        (only("hh", "hv"), "has HH and HV only"),
        (only("thumbnail"), "no asset for VV or VH"),
        (planetary_computer(properties={"sar:instrument_mode": "SM"}), "mode SM; westsea reads IW"),
        (planetary_computer(properties={"sar:instrument_mode": "WV"}), "mode WV"),
        (planetary_computer(properties={"sar:instrument_mode": ["IW"]}), "mode "),
        (planetary_computer(id="x", properties={"sar:instrument_mode": None}), "how the radar"),
        (pixels(40), "pixels of 40 m; westsea reads 5 to 25 m"),
        (pixels(3.5), "pixels of 3.5 m"),
        (pixels(10, 25), "not square"),
        (planetary_computer(geometry=None), "where it lies"),
        (
            planetary_computer(geometry={"type": "Point", "coordinates": [125, 37]}),
            "no outline to plan on",
        ),
        (planetary_computer(properties={"s1:shape": [2580, 1670]}), "pixels would have 10"),
        (planetary_computer(properties={"s1:shape": [250000, 160000]}), "more than westsea reads"),
        (elsewhere("schema-noise-vv", "http://127.0.0.1/x.xml"), "does not follow"),
        (elsewhere("schema-product-vv", "/etc/passwd"), "local file"),
        (elsewhere("schema-calibration-vh", 7), "no href"),
    ],
)
def test_refused_with_one_sentence(item, reason):
    with pytest.raises(RefusedScene, match=reason) as refused:
        scene_of(item)
    assert str(refused.value).endswith(".")
    assert str(refused.value).count(". ") == 0


def test_ew_with_pixels_of_25_m_is_read():
    item = pixels(25)
    item["properties"] |= {"sar:instrument_mode": "EW", "s1:shape": None}
    scene = scene_of(item)
    assert scene.mode == "EW"
    assert scene.grid.shape[1] == pytest.approx(10100, rel=0.05)


@pytest.mark.real_data
def test_the_real_items_outline():
    """The guess covers the item's outline to within a few pixels."""
    path = Path(__file__).resolve().parents[4] / "shared/data/stac-items"
    path /= "pc_sentinel-1-grd_test_smoke_sentinel_1_grd_yaml.json"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    scene = scene_of(json.loads(path.read_text()))
    assert scene.grid.shape == (16669, 26449)
    lon, lat = scene.grid.lonlat(
        np.array([0, 0, 16669, 16669]) - 0.5, np.array([0, 26449, 26449, 0]) - 0.5
    )
    # Descending: the first line is the northern one, and its first sample in the east.
    np.testing.assert_allclose(lon, [11.216046, 8.384272, 8.079524, 10.861961], atol=1e-6)
    np.testing.assert_allclose(lat, [34.176048, 34.592247, 33.090034, 32.671696], atol=1e-6)
