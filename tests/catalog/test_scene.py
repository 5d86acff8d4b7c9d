"""Items become Scenes or are refused in one sentence; nothing else ever happens."""

import copy
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import stackstac
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import CRS

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import AffineGrid
from westsea_catalog.items import scene_from_item, stack_item
from westsea_catalog.profiles import PROFILES, profile_for
from westsea_catalog.scene import Asset, Scene
from westsea_catalog.search import items_from, root_of

PC = PROFILES["planetary-computer"]
HERE = Path(__file__).resolve()
SHARED = HERE.parents[3] / "shared" / "data"
REAL_ITEMS = SHARED / "stac-items"

real_data = pytest.mark.real_data
needs_items = pytest.mark.skipif(not REAL_ITEMS.exists(), reason=f"{REAL_ITEMS} is not there")


def rtc(**changes):
    """A Sentinel-1 RTC item as Planetary Computer serves it."""
    props = {
        "datetime": "2017-10-19T09:31:40.436706Z",
        "start_datetime": "2017-10-19 09:31:28.220006+00:00",
        "platform": "SENTINEL-1A",
        "sat:orbit_state": "ascending",
        "s1:shape": [20000, 10000],
        "proj:epsg": 32651,
        "proj:shape": [10000, 20000],
        "proj:transform": [10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0, 0.0, 0.0, 1.0],
        "proj:bbox": [300000.0, 4100000.0, 500000.0, 4200000.0],
    }
    base = "https://sentinel1euwestrtc.blob.core.windows.net/sentinel1-grd-rtc/a/measurement"
    asset = {
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "raster:bands": [{"nodata": -32768, "data_type": "float32"}],
    }
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S1A_IW_GRDH_1SDV_20171019T093128_rtc",
        "collection": "sentinel-1-rtc",
        "bbox": [120.7, 37.0, 123.0, 37.9],
        "geometry": shapely.geometry.mapping(shapely.box(120.7, 37.0, 123.0, 37.9)),
        "properties": props,
        "links": [],
        "assets": {
            "vh": {**asset, "href": f"{base}/iw-vh.rtc.tiff"},
            "vv": {**asset, "href": f"{base}/iw-vv.rtc.tiff"},
        },
    }
    return {**json.loads(json.dumps(item)), **changes}


def s2(**changes):
    """A Sentinel-2 L2A item as Earth Search serves it: grids on the assets, 20 m bands."""

    def asset(band, size):
        return {
            "href": f"https://sentinel-cogs.s3.us-west-2.amazonaws.com/a/{band}.tif",
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "proj:shape": [109800 // size, 109800 // size],
            "proj:transform": [size, 0, 300000, 0, -size, 4200000],
            "raster:bands": [{"nodata": 0, "scale": 0.0001, "offset": -0.1}],
        }

    bands = {"blue": 10, "green": 10, "red": 10, "nir": 10, "nir08": 20, "swir16": 20, "scl": 20}
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2A_51SUB_20171019_0_L2A",
        "collection": "sentinel-2-l2a",
        "bbox": [120.7, 37.0, 122.0, 37.9],
        "geometry": shapely.geometry.mapping(shapely.box(120.7, 37.0, 122.0, 37.9)),
        "properties": {
            "datetime": "2017-10-19T02:30:00Z",
            "platform": "sentinel-2a",
            "proj:code": "EPSG:32651",
        },
        "assets": {band: asset(band, size) for band, size in bands.items()},
    }
    return {**json.loads(json.dumps(item)), **changes}


def with_properties(item, **changes):
    """The item with properties set, or removed where the value is ...; _ stands for a colon."""
    props = dict(item["properties"])
    for key, value in changes.items():
        name = key.replace("__", ":")
        if value is ...:
            props.pop(name, None)
        else:
            props[name] = value
    return {**item, "properties": props}


def with_asset(item, key, **changes):
    asset = dict(item["assets"].get(key, {}))
    for name, value in changes.items():
        if value is ...:
            asset.pop(name.replace("__", ":"), None)
        else:
            asset[name.replace("__", ":")] = value
    return {**item, "assets": {**item["assets"], key: asset}}


def only(item, *keys):
    return {**item, "assets": {key: item["assets"][key] for key in keys}}


def refusal(item, profile=PC, root=None):
    with pytest.raises(RefusedScene) as caught:
        scene_from_item(item, profile, root)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 500
    return message


RTC_GRID = AffineGrid(32651, (10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0), (10000, 20000))


def test_a_radar_scene():
    scene = scene_from_item(rtc(), PC, None)
    assert scene.id == "S1A_IW_GRDH_1SDV_20171019T093128_rtc"
    assert (scene.collection, scene.profile, scene.sensor) == (
        "sentinel-1-rtc",
        "planetary-computer",
        "sar",
    )
    assert scene.datetime == datetime(2017, 10, 19, 9, 31, 40, 436706, tzinfo=UTC)
    assert (scene.platform, scene.orbit_state) == ("sentinel-1a", "ascending")
    assert scene.grid == RTC_GRID  # not s1:shape, which is reversed
    assert scene.polarizations == ("VV", "VH")
    assert scene.extras == ()
    assert scene.nodata == -32768
    assert shapely.geometry.shape(scene.footprint).equals(shapely.box(120.7, 37.0, 123.0, 37.9))
    for band in scene.bands:
        assert band.source == f"/vsicurl/{band.href}"
        assert band.factor == 1


def test_an_optical_scene():
    scene = scene_from_item(s2(), PROFILES["earth-search"], None)
    assert scene.sensor == "optical"
    assert scene.grid == AffineGrid(32651, (10, 0, 300000, 0, -10, 4200000), (10980, 10980))
    assert [(band.key, band.name) for band in scene.bands] == [("nir", "B08")]
    assert [(extra.name, extra.key, extra.factor) for extra in scene.extras] == [
        ("B02", "blue", 1),
        ("B03", "green", 1),
        ("B04", "red", 1),
        ("B11", "swir16", 2),
        ("SCL", "scl", 2),
    ]
    assert scene.nodata == 0
    assert scene.orbit_state == "unknown"


def test_a_scene_of_one_polarisation():
    assert scene_from_item(only(rtc(), "vv"), PC, None).polarizations == ("VV",)
    assert scene_from_item(only(rtc(), "vh"), PC, None).polarizations == ("VH",)


@pytest.mark.parametrize(
    "fields",
    [
        {"proj__epsg": 32651},
        {"proj__epsg": 32651.0},
        {"proj__epsg": None, "proj__code": "EPSG:32651"},
        {"proj__epsg": ..., "proj__code": "epsg:32651"},
        {"proj__epsg": 32651, "proj__code": "EPSG:32651"},
        {"proj__epsg": ..., "proj__wkt2": CRS.from_epsg(32651).to_wkt()},
        {"proj__epsg": None, "proj__projjson": CRS.from_epsg(32651).to_json_dict()},
        {"proj__transform": [10, 0, 300000, 0, -10, 4200000]},
        {"proj__shape": [10000.0, 20000.0]},
        {"s1__shape": ...},
    ],
)
def test_every_way_of_saying_the_same_grid(fields):
    assert scene_from_item(with_properties(rtc(), **fields), PC, None).grid == RTC_GRID


def test_what_an_asset_says_comes_before_what_the_item_says():
    item = rtc()
    for key in ("vv", "vh"):
        item = with_asset(
            item,
            key,
            proj__epsg=32652,
            proj__shape=[500, 600],
            proj__transform=[20, 0, 400000, 0, -20, 4100000],
        )
    assert scene_from_item(item, PC, None).grid == AffineGrid(
        32652, (20, 0, 400000, 0, -20, 4100000), (500, 600)
    )


@pytest.mark.parametrize(
    ("fields", "when"),
    [
        ({"datetime": None}, "2017-10-19T09:31:28.220006"),
        ({"datetime": ...}, "2017-10-19T09:31:28.220006"),
        ({"datetime": "2017-10-19T09:00:00+09:00"}, "2017-10-19T00:00:00"),
        ({"datetime": "2017-10-19 09:00:00"}, "2017-10-19T09:00:00"),
        ({"datetime": "2017-10-19t09:00:00.123456789z"}, "2017-10-19T09:00:00.123456"),
    ],
)
def test_times(fields, when):
    scene = scene_from_item(with_properties(rtc(), **fields), PC, None)
    assert scene.datetime == datetime.fromisoformat(when).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "baseline", "processed"),
    [
        ({}, None, None),
        (
            {"s2__processing_baseline": "05.10", "s2__generation_time": "2024-04-19T12:34:58.7Z"},
            "05.10",
            "2024-04-19T12:34:58.7",
        ),
        (
            {
                "processing__version": "003.71",
                "processing__datetime": "2024-04-20T00:00:00+01:00",
                "created": "2025-01-01T00:00:00Z",
            },
            "003.71",
            "2024-04-19T23:00:00",
        ),
        (
            {"processing__datetime": 3, "created": "soon", "updated": "2025-01-02T00:00:00Z"},
            None,
            "2025-01-02T00:00:00",
        ),
        ({"s2__processing_baseline": 5.1, "processing__version": "N\u0660"}, None, None),
        (
            {"s2__processing_baseline": ["05.10"], "created": "0001-01-01T00:00:00+23:59"},
            None,
            None,
        ),
    ],
)
def test_versions(fields, baseline, processed):
    scene = scene_from_item(with_properties(rtc(), **fields), PC, None)
    assert scene.baseline == baseline
    when = processed and datetime.fromisoformat(processed).replace(tzinfo=UTC)
    assert scene.processed == when


@pytest.mark.parametrize(
    ("asset", "nodata"),
    [
        ({"raster__bands": [{"nodata": 0}]}, 0),
        ({"raster__bands": [{"nodata": "nan"}]}, math.nan),
        ({"raster__bands": [{"nodata": math.nan}]}, math.nan),
        ({"raster__bands": [{"nodata": "-inf"}]}, -math.inf),
        ({"raster__bands": [{}]}, -32768),
        ({"raster__bands": ...}, -32768),
        ({"raster__bands": ..., "bands": [{"nodata": 7}]}, 7),
        ({"raster__bands": ..., "nodata": 8}, 8),
    ],
)
def test_the_value_of_no_data(asset, nodata):
    item = with_asset(with_asset(rtc(), "vv", **asset), "vh", **asset)
    assert scene_from_item(item, PC, None).nodata == pytest.approx(nodata, nan_ok=True)


@pytest.mark.parametrize(
    ("value", "platform"),
    [
        ("SENTINEL-1A", "sentinel-1a"),
        ("Sentinel 2B", "sentinel-2b"),
        ("sentinel_1c", "sentinel-1c"),
        (None, "unknown"),
        (7, "unknown"),
        ("\u202esentinel", "unknown"),
        ("x" * 1000, "unknown"),
    ],
)
def test_platforms(value, platform):
    assert scene_from_item(with_properties(rtc(), platform=value), PC, None).platform == platform


def test_an_item_without_an_outline_has_that_of_its_grid():
    scene = scene_from_item(rtc(geometry=None, bbox=None), PC, None)
    outline = shapely.geometry.shape(scene.footprint)
    west, south = RTC_GRID.lonlat(9999.5, -0.5)
    assert outline.covers(shapely.Point(*RTC_GRID.lonlat(5000, 10000)))
    assert shapely.Point(west, south).distance(outline) < 1e-9


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (rtc(id=None), "no usable id"),
        (rtc(id=""), "no usable id"),
        (rtc(id=7), "no usable id"),
        (rtc(id="x" * 5000), "no usable id"),
        (rtc(id="a\ud800"), "no usable id"),
        (rtc(collection=None), "which collection"),
        (rtc(collection="landsat-c2-l2"), "landsat-c2-l2; westsea reads sentinel-1-rtc"),
        (rtc(collection="sentinel-1-grd"), "radar geometry"),
        (rtc(assets={}), "no asset for VV or VH"),
        (rtc(assets=None), "no asset for VV or VH"),
        (rtc(assets={"hh": rtc()["assets"]["vv"]}), "has HH only"),
        (rtc(assets={k: rtc()["assets"]["vv"] for k in ("hh", "hv")}), "has HH and HV only"),
        (only(s2(), "nir08", "red"), "no asset for B08"),
        (with_properties(rtc(), datetime=None, start_datetime=None), "when it was acquired"),
        (with_properties(rtc(), datetime="soon"), "when it was acquired"),
        (with_properties(rtc(), datetime="2017-02-30T00:00:00Z"), "when it was acquired"),
        (with_properties(rtc(), datetime=20171019), "when it was acquired"),
        (rtc(properties=None), "when it was acquired"),
        (with_properties(rtc(), proj__epsg=...), "which projection"),
        (with_properties(rtc(), proj__epsg="32651"), "not an EPSG code"),
        (with_properties(rtc(), proj__epsg=True), "not an EPSG code"),
        (with_properties(rtc(), proj__epsg=999999), "does not exist"),
        (with_properties(rtc(), proj__epsg=4326), "degrees"),
        (with_properties(rtc(), proj__epsg=None, proj__code="IAU_2015:30100"), "not an EPSG code"),
        (with_properties(rtc(), proj__code="EPSG:32652"), "two different projections"),
        (with_properties(rtc(), proj__epsg=None, proj__wkt2="PROJCRS[]"), "not one of EPSG"),
        (with_properties(rtc(), proj__epsg=None, proj__projjson={"a": 1}), "not one of EPSG"),
        (with_properties(rtc(), proj__transform=None), "no proj:transform"),
        (with_properties(rtc(), proj__transform=[10, 0, 0]), "proj:transform that is none"),
        (with_properties(rtc(), proj__transform="10"), "proj:transform that is none"),
        (with_properties(rtc(), proj__transform=[math.nan] * 6), "proj:transform that is none"),
        (
            with_properties(rtc(), proj__transform=[10, 0, 3e5, 0, -10, 4.2e6, 0, 0, 2]),
            "proj:transform that is none",
        ),
        (with_properties(rtc(), proj__transform=[10, 1, 3e5, 1, -10, 4.2e6]), "rotated"),
        (with_properties(rtc(), proj__transform=[10, 0, 3e5, 0, 10, 4.2e6]), "north-west"),
        (with_properties(rtc(), proj__transform=[10, 0, 3e5, 0, -20, 4.2e6]), "not square"),
        (with_properties(rtc(), proj__transform=[60, 0, 3e5, 0, -60, 4.2e6]), "pixels of 60 m"),
        (with_properties(rtc(), proj__transform=[1, 0, 3e5, 0, -1, 4.2e6]), "pixels of 1 m"),
        (with_properties(rtc(), proj__transform=[10, 0, 3e9, 0, -10, 4.2e6]), "leaves its proj"),
        (with_properties(rtc(), proj__transform=[10, 0, 1e308, 0, -10, 0]), "leaves its proj"),
        (
            with_properties(rtc(), proj__epsg=3857, proj__transform=[10, 0, 0, 0, -10, 1.6e7]),
            "on the ground",
        ),
        (with_properties(rtc(), proj__shape=None), "no proj:shape"),
        (with_properties(rtc(), proj__shape=[0, 10]), "proj:shape that is none"),
        (with_properties(rtc(), proj__shape=[10.5, 10]), "proj:shape that is none"),
        (with_properties(rtc(), proj__shape=[True, True]), "proj:shape that is none"),
        (with_properties(rtc(), proj__shape=[50000, 10]), "more than westsea reads"),
        (with_properties(rtc(), proj__shape=[39000, 39000]), "more than westsea reads"),
        (with_asset(rtc(), "vh", proj__shape=[10, 10]), "different grids"),
        (with_asset(rtc(), "vh", raster__bands=[{"nodata": 0}]), "different values for no data"),
        (with_asset(rtc(), "vv", raster__bands=[{}, {}]), "2 bands in one file"),
        (with_asset(rtc(), "vv", raster__bands=[{"nodata": [0]}]), "no data that is none"),
        (with_asset(rtc(), "vv", href=...), "without an href"),
        (with_asset(rtc(), "vv", href="/vsicurl/https://a.example.com/x.tif"), "local file"),
        (with_asset(rtc(), "vv", href="https://169.254.169.254/x.tif"), "not a public address"),
        (with_asset(s2(), "blue", href="file:///etc/passwd"), "neither https nor s3"),
        (with_asset(s2(), "nir", type="image/jp2"), "JPEG 2000"),
        (with_asset(s2(), "nir", href="https://a.example.com/B08.jp2?x=1"), "JPEG 2000"),
    ],
)
def test_refused_with_one_sentence(item, reason):
    assert reason in refusal(item)


def test_a_hostile_id_is_named_harmlessly():
    message = refusal(rtc(id="\x1b[2J../../x\n", collection=None))
    assert message.isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"proj__transform": [20, 0, 300005, 0, -20, 4200000]},
        {"proj__transform": [25, 0, 300000, 0, -25, 4200000]},
        {"proj__transform": [5, 0, 300000, 0, -5, 4200000]},
        {"proj__shape": [5000, 5490]},
        {"proj__code": "EPSG:32652"},
        {"proj__shape": "big"},
        {"raster__bands": [{"nodata": 9}]},
    ],
)
def test_an_extra_that_does_not_fit_is_left_out(changes):
    scene = scene_from_item(with_asset(s2(), "swir16", **changes), PC, None)
    assert [extra.name for extra in scene.extras] == ["B02", "B03", "B04", "SCL"]


def test_an_extra_may_be_a_part_of_a_pixel_larger():
    # 2 x 5490 covers 10979 pixels.
    item = s2()
    for key in ("nir", "red", "green", "blue"):
        item = with_asset(item, key, proj__shape=[10979, 10980])
    scene = scene_from_item(item, PC, None)
    assert [extra.factor for extra in scene.extras] == [1, 1, 1, 2, 2]


# What each real item must give: (EPSG, west, north, pixel, (rows, cols), bands, extras), as its
# own proj:* fields have it, or why it must be refused. Grids are those of the 10 m bands.
S2_EXTRAS = ("B02", "B03", "B04", "B11", "SCL")


def tile(epsg, west, north):
    return (epsg, west, north, 10, (10980, 10980), ("B08",), S2_EXTRAS)


EXPECTED = {
    "earthdaily-python-client_test_data_s1.json": (
        # STAC 1.1: proj:code alone, platform in capitals.
        (32614, 550600, 4770820, 10, (21611, 28614), ("VV", "VH"), ())
    ),
    # STAC 1.0.0-beta.1, Earth Search v0.
    "odc-stac_S2A_28QCH_20200714_0_L2A.json": tile(32628, 300000, 2300040),
    "odc-stac_S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531.json": tile(
        32606, 399960, 6800040
    ),
    # Earth Search v1: keys nir, blue, swir16, and JPEG 2000 twins that must not be taken.
    "openeo-processes-dask_s2_l2a_test_item.json": tile(32632, 600000, 5200020),
    # A template without id, place and time.
    "pc_base_sentinel2_l2a.json": "no usable id",
    # Radar geometry: no proj:* but control points in the file; the EW ones have HH only.
    "pc_sentinel-1-grd_test_s1_grd_yaml.json": "radar geometry",
    "pc_sentinel-1-grd_test_smoke_sentinel_1_grd_yaml.json": "radar geometry",
    "planetary-computer-tasks_s1-grd.json": "radar geometry",
    # proj:* on the item, nine-element transform, s1:shape reversed.
    "pc_sentinel-1-rtc-pc.json": ((32633, 373180, 3424680, 10, (12949, 27526), ("VV", "VH"), ())),
    "pc_sentinel-1-rtc_test_smoke_sentinel_1_rtc_yaml.json": (
        (32634, 180600, 3408040, 10, (17058, 28320), ("VV", "VH"), ())
    ),
    "pc_sentinel-2-item.json": tile(32624, 499980, 9100020),
    "pc_sentinel-2-l2a-pc.json": tile(32647, 399960, 9100020),
    "pc_sentinel-2-l2a_test_sentinel2_l2a_yaml.json": tile(32635, 699960, 8100000),
    "pc_sentinel-2-l2a_test_smoke_sentinel_2_l2a_yaml.json": tile(32653, 199980, 700020),
    "rustac_items-page-1.json": tile(32752, 499980, 1700020),
    "rustac_two-sentinel-2-items.json": tile(32613, 399960, 4500000),
    # 20 m pixels, keys gamma0_vv and gamma0_vh, no data is 0.
    "sentinel1_S1A_20200103_17RMJ_ASC.json": (
        (32617, 399960, 2900040, 20, (5490, 5490), ("VV", "VH"), ())
    ),
}


@real_data
@needs_items
def test_every_real_item_is_in_the_table():
    assert {path.name for path in REAL_ITEMS.glob("*.json")} == set(EXPECTED)


@real_data
@needs_items
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_real_items(name):
    path = str(REAL_ITEMS / name)
    expected = EXPECTED[name]
    for item in items_from(path):
        if isinstance(expected, str):
            assert expected in refusal(item, profile_for(path), root_of(path))
            continue
        scene = scene_from_item(item, profile_for(path), root_of(path))
        epsg, west, north, size, shape, bands, extras = expected
        assert scene.grid == AffineGrid(epsg, (size, 0, west, 0, -size, north), shape)
        assert scene.polarizations == bands
        assert tuple(extra.name for extra in scene.extras) == extras
        assert not any(asset.source.endswith(".jp2") for asset in scene.bands + scene.extras)
        assert scene.datetime.isoformat()[:10] == item["properties"]["datetime"][:10]
        # The grid lies where the item's outline is.
        outline = shapely.geometry.shape(scene.footprint)
        corners = [(0, 0), (0, shape[1]), (shape[0], shape[1]), (shape[0], 0)]
        grid = shapely.Polygon(
            [tuple(map(float, scene.grid.lonlat(*corner))) for corner in corners]
        )
        assert grid.buffer(0.05).covers(outline)


def write_tif(path, pixels, size, west=300000.0, north=4200000.0):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=pixels.dtype,
        count=1,
        height=pixels.shape[0],
        width=pixels.shape[1],
        crs="EPSG:32651",
        transform=rasterio.Affine(size, 0, west, 0, -size, north),
    ) as file:
        file.write(pixels, 1)


@pytest.mark.parametrize("fields", [{"proj__epsg": 32651}, {"proj__code": "EPSG:32651"}])
def test_stackstac_reads_the_files_own_pixels(tmp_path, fields):
    rng = np.random.default_rng(1)
    item = with_properties(
        rtc(),
        proj__epsg=...,
        proj__shape=[64, 48],
        proj__bbox=[0, 0, 1, 1],  # wrong, as stale metadata are
    )
    item = with_properties(item, **fields)
    truth = {}
    for key in ("vv", "vh"):
        truth[key] = rng.random((64, 48), dtype=np.float32)
        write_tif(tmp_path / f"{key}.tif", truth[key], 10)
        item = with_asset(item, key, href=str(tmp_path / f"{key}.tif"))
    scene = scene_from_item(item, PC, tmp_path)
    cube = stackstac.stack(
        [stack_item(scene)],
        assets=[band.key for band in scene.bands],
        epsg=scene.grid.epsg,
        resolution=10,
        bounds=scene.grid.bounds,
        snap_bounds=False,
        rescale=False,
        dtype=np.dtype("float32"),
        fill_value=np.float32(np.nan),
        xy_coords="center",
        properties=False,
    )
    assert cube.shape == (1, 2, 64, 48)
    np.testing.assert_array_equal(cube.sel(band="vv")[0], truth["vv"])
    np.testing.assert_array_equal(cube.sel(band="vh")[0], truth["vh"])
    assert (float(cube.x[0]), float(cube.y[0])) == (300005.0, 4199995.0)


def test_the_stack_item_describes_coarser_bands():
    scene = scene_from_item(s2(), PC, None)
    item = stack_item(scene)
    assert set(item["assets"]) == {"nir", "blue", "green", "red", "swir16", "scl"}
    assert item["assets"]["swir16"]["proj:shape"] == [5490, 5490]
    assert item["assets"]["swir16"]["proj:transform"] == [20, 0, 300000, 0, -20, 4200000]
    assert "proj:shape" not in item["assets"]["blue"]
    assert item["assets"]["blue"]["href"].startswith("/vsicurl/https://")
    assert item["properties"]["proj:bbox"] == [300000, 4090200, 409800, 4200000]
    json.dumps(item)


def test_a_scene_made_by_hand_names_its_bands_by_their_keys():
    asset = Asset("vv", "/data/vv.tif")
    assert (asset.name, asset.source) == ("VV", "/data/vv.tif")
    scene = Scene("a", "c", "p", "sar", datetime.now(UTC), "x", "unknown", RTC_GRID, (asset,))
    assert scene.polarizations == ("VV",)


SEEDS = [rtc(), s2(), only(rtc(), "vv")]

HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "/vsicurl/https://a.example.com/x.tif",
            "/etc/passwd",
            "../../etc/passwd",
            "https://127.0.0.1/x.tif",
            "<VRTDataset/>",
            "\x00",
            "\ud800",
            "EPSG:32651",
            "2017-10-19T00:00:00",
            10**400,
            -1e308,
            1e-308,
        ]
    ),
    st.lists(st.integers() | st.floats() | st.none(), max_size=10),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)


def places(value, path=()):
    """Paths to every value inside nested dicts and lists."""
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in inside:
        yield (*path, key)
        yield from places(child, (*path, key))


@st.composite
def mutated_items(draw):
    item = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        found = sorted(places(item), key=str)
        if not found:
            break
        *path, last = draw(st.sampled_from(found))
        parent = item
        for key in path:
            parent = parent[key]
        if draw(st.booleans()) and isinstance(parent, dict):
            del parent[last]
        else:
            parent[last] = copy.deepcopy(draw(HOSTILE))
    return item


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_items(), st.booleans())
def test_any_item_is_a_scene_or_refused(tmp_path_factory, item, local):
    root = tmp_path_factory.getbasetemp() if local else None
    before = copy.deepcopy(item)
    try:
        scene = scene_from_item(item, PC, root)
    except RefusedScene as reason:
        message = str(reason)
        assert message.isprintable()
        assert message.endswith(".")
        assert len(message) < 500
    else:
        assert scene.datetime.tzinfo is UTC
        assert scene.bands
        assert 1 <= min(scene.grid.shape) <= max(scene.grid.shape) <= 40_000
        for asset in scene.bands + scene.extras:
            assert asset.source.startswith("/vsicurl/https://")
        json.dumps(stack_item(scene))
        assert shapely.geometry.shape(scene.footprint).is_empty is False
    assert repr(item) == repr(before)
