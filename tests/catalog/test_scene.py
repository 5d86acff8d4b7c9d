"""Items become Scenes or are refused in one sentence; nothing else ever happens."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import stackstac
from pyproj import CRS

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import AffineGrid
from westsea_catalog.items import scene_from_item, stack_item
from westsea_catalog.profiles import PROFILES
from westsea_catalog.scene import Asset, Scene

PC, ES = PROFILES["planetary-computer"], PROFILES["earth-search"]
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


def refusal(item, profile=None, root=None):
    served_by = ES if item.get("collection") == "sentinel-2-l2a" else PC
    with pytest.raises(RefusedScene) as caught:
        scene_from_item(item, profile or served_by, root)
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
        (with_properties(rtc(collection="sentinel-1-grd"), sar__instrument_mode="SM"), "mode SM"),
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
        (
            with_asset(
                s2(),
                "nir",
                href="https://sentinel-cogs.s3.us-west-2.amazonaws.com/B08.jp2?x=1",
            ),
            "JPEG 2000",
        ),
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
    scene = scene_from_item(with_asset(s2(), "swir16", **changes), ES, None)
    assert [extra.name for extra in scene.extras] == ["B02", "B03", "B04", "SCL"]


def test_an_extra_may_be_a_part_of_a_pixel_larger():
    # 2 x 5490 covers 10979 pixels.
    item = s2()
    for key in ("nir", "red", "green", "blue"):
        item = with_asset(item, key, proj__shape=[10979, 10980])
    scene = scene_from_item(item, ES, None)
    assert [extra.factor for extra in scene.extras] == [1, 1, 1, 2, 2]


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
    scene = scene_from_item(s2(), ES, None)
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
