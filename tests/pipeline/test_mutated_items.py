"""Items with anything wrong in them are planned and remembered, or refused; nothing else happens.

`make mutate` tries 10,000; WESTSEA_MUTATED_ITEMS says how many.
"""

import copy
import json
import os
import socket
from dataclasses import replace
from datetime import UTC

import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from westsea import api
from westsea.detector import Detector
from westsea.planning import Plan, RefusedItem
from westsea.printing import log_refused, plan_document, print_plan
from westsea.records import SceneKey
from westsea.runner import _refuse, parameters
from westsea.schema import TABLES
from westsea.sources import recall, remember
from westsea.store import Store
from westsea_catalog.coast import Coast
from westsea_catalog.errors import ConfigError
from westsea_catalog.items import stack_item
from westsea_catalog.profiles import PROFILES

N_ITEMS = int(os.environ.get("WESTSEA_MUTATED_ITEMS", "300"))
OUTLINE = shapely.geometry.mapping(shapely.box(120.7, 37.0, 122.0, 37.9))
COGS = "https://sentinel-cogs.s3.us-west-2.amazonaws.com/a"
BLOBS = "https://sentinel1euwestrtc.blob.core.windows.net/sentinel1-grd-rtc/a"


def item(collection, assets, **properties):
    found = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2A_MSIL2A_20171019T023000_N0206_R046_T51SUB_20171019T080000",
        "collection": collection,
        "bbox": [120.7, 37.0, 122.0, 37.9],
        "geometry": OUTLINE,
        "properties": {"datetime": "2017-10-19T02:30:00Z", "platform": "sentinel-2a"},
        "links": [{"rel": "self", "href": "https://a.example.com/items/a.json"}],
        "assets": assets,
    }
    found["properties"] |= {key.replace("__", ":"): value for key, value in properties.items()}
    return json.loads(json.dumps(found))


def grid(size, **more):
    side = 109800 // size
    return {
        "proj:shape": [side, side],
        "proj:transform": [size, 0, 300000, 0, -size, 4200000],
        **more,
    }


def radar(**more):
    return {key: {"href": f"{BLOBS}/{key}.tif", **more} for key in ("vv", "vh")}


def optical(keys, folder, suffix, **more):
    return {key: grid(size, href=f"{folder}/{key}{suffix}", **more) for key, size in keys.items()}


EARTH_SEARCH = {"blue": 10, "green": 10, "red": 10, "nir": 10, "swir16": 20, "scl": 20}
EARTH_SEARCH_BAND = {"nodata": 0, "scale": 0.0001, "offset": -0.1}
GRD = {
    **{band: f"measurement/iw-{band}.tiff" for band in ("vv", "vh")},
    **{f"schema-product-{band}": f"annotation/rfi/rfi-iw-{band}.xml" for band in ("vv", "vh")},
    "schema-noise-vv": "annotation/calibration/noise-iw-vv.xml",
}
GRD_BLOBS = "https://sentinel1euwest.blob.core.windows.net/s1-grd/a"
CDSE = {"B02_10m": 10, "B08_10m": 10, "SCL_20m": 20}
CDSE_BAND = {"proj:code": "EPSG:32651", "raster:scale": 0.0001, "raster:offset": -0.1, "nodata": 0}
SEEDS = {
    "RTC of Planetary Computer, STAC 1.0": item(
        "sentinel-1-rtc",
        radar(**{"raster:bands": [{"nodata": -32768}]}),
        **grid(10, **{"proj:epsg": 32651}),
        start_datetime="2017-10-19 02:30:00+00:00",
    ),
    "the same in STAC 1.1": item(
        "sentinel-1-rtc",
        radar(nodata=-32768, bands=[{"name": "v"}]),
        **grid(10, **{"proj:code": "EPSG:32651"}),
    ),
    "GRD of Planetary Computer": item(
        "sentinel-1-grd",
        {key: {"href": f"{GRD_BLOBS}/{path}"} for key, path in GRD.items()},
        s1__shape=[11700, 10000],
        sar__instrument_mode="IW",
        sar__pixel_spacing_range=10,
        sar__pixel_spacing_azimuth=10,
        sat__orbit_state="descending",
    ),
    "Earth Search v1": item(
        "sentinel-2-l2a",
        optical(EARTH_SEARCH, COGS, ".tif", **{"raster:bands": [EARTH_SEARCH_BAND]}),
        proj__code="EPSG:32651",
        earthsearch__boa_offset_applied=True,
        s2__processing_baseline="05.09",
    ),
    "CDSE": item(
        "sentinel-2-l2a",
        optical(CDSE, "s3://eodata/a", ".jp2", type="image/jp2", **CDSE_BAND),
        processing__version="05.11",
    ),
    "level 1C": item(
        "sentinel-2-l1c", optical({"B08": 10}, "s3://sentinel-s2-l1c/a", ".jp2"), proj__epsg=32651
    ),
    "files on this machine": item(
        "sentinel-2-l2a", optical({"B08": 10}, ".", ".tif"), proj__epsg=32651
    ),
}
CATALOGS = [*PROFILES, None]

NASTY = [
    "/vsicurl/https://a.example.com/x.tif",
    "/vsizip//vsicurl/https://a.example.com/x.zip/x.tif",
    "/etc/passwd",
    "../../etc/passwd",
    "..",
    ".",
    "a/../../../b",
    "C:\\x",
    "%2e%2e%2f",
    "_hidden",
    ".hidden",
    "x" * 300,
    "x" * 5000,
    "\u202egnp.exe",
    "a\nb\x1b[2J",
    "CON",
    "https://127.0.0.1/x.tif",
    "http://169.254.169.254/latest/meta-data/",
    "https://user:secret@a.example.com/x.tif",
    "s3://other/x.tif",
    "s3://sentinel-cogs/../../x.tif",
    "file:///etc/passwd",
    "vrt:///etc/passwd",
    "<VRTDataset/>",
    "\x00",
    "\ud800",
    "EPSG:32651",
    "EPSG:4326",
    "EPSG:99999999999999999999",
    "PROJCRS[",
    "2017-10-19T00:00:00",
    "2017-10-19",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "nan",
    10**400,
    -1e308,
    1e-308,
    4326,
    3857,
    32661,
]
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(NASTY),
    st.lists(st.integers() | st.floats() | st.none() | st.sampled_from(NASTY), max_size=10),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)
FIELDS = ["id", "collection", "geometry", "bbox", "properties", "assets", "type", "links"]
PROPERTIES = [
    "datetime", "start_datetime", "proj:epsg", "proj:code", "proj:wkt2", "proj:projjson",
    "proj:shape", "proj:transform", "platform", "sat:orbit_state", "s2:processing_baseline",
    "processing:version", "earthsearch:boa_offset_applied", "updated",
]  # fmt: skip
OF_ASSETS = [
    "href", "type", "nodata", "bands", "raster:bands", "raster:offset", "raster:scale",
    "proj:shape", "proj:transform", "proj:epsg", "proj:code",
]  # fmt: skip


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
    """An item with one to four values that are gone, or anything, or where they do not belong."""
    item = copy.deepcopy(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["any", "field", "property", "asset"]))
        value = copy.deepcopy(draw(HOSTILE))
        if kind == "field":
            item[draw(st.sampled_from(FIELDS))] = value
        elif kind == "property" and isinstance(item.get("properties"), dict):
            item["properties"][draw(st.sampled_from(PROPERTIES))] = value
        elif kind == "asset" and isinstance(item.get("assets"), dict) and item["assets"]:
            asset = item["assets"][draw(st.sampled_from(sorted(item["assets"])))]
            if isinstance(asset, dict):
                asset[draw(st.sampled_from(OF_ASSETS))] = value
        else:
            _change_anywhere(draw, item, value)
    return item


def _change_anywhere(draw, item, value):
    found = sorted(places(item), key=str)
    if not found:
        return
    *path, last = draw(st.sampled_from(found))
    parent = item
    for key in path:
        parent = parent[key]
    if draw(st.booleans()) and isinstance(parent, dict):
        del parent[last]
    else:
        parent[last] = value


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """An output folder, alone in another with what must stay alone."""
    folder = tmp_path_factory.mktemp("mutated")
    (folder / "canary").write_text("sings")
    return Store.open(folder / "OUT", parameters(Detector(), None, Coast.shipped())), folder


@pytest.fixture(scope="module", autouse=True)
def no_network():
    """Any connection, and any question to a name server, is an error that is not caught."""

    def refuse(*_, **__):
        raise BaseException("the network was asked")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket.socket, "connect_ex", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@settings(max_examples=N_ITEMS, suppress_health_check=list(HealthCheck))
@given(mutated_items(), st.sampled_from(CATALOGS))
@example(
    item("sentinel-1-rtc", radar(), **grid(10), proj__epsg=32651, a="\ud800"),
    "planetary-computer",
)
def test_planned_or_refused(out, capsys, item, catalog):
    store, folder = out
    path = folder / "items.json"
    path.write_text(json.dumps(item), encoding="utf-8", errors="surrogatepass")
    before = repr(item)
    planned = _planned(path, item, catalog)
    assert repr(item) == before
    assert len(planned.scenes) + len(planned.refused) == 1
    json.loads(json.dumps(plan_document(planned)))
    print_plan(planned)
    log_refused(planned)
    assert all(line.replace("\t", "").isprintable() for line in capsys.readouterr().out.split("\n"))
    for refused in planned.refused:
        assert refused.reason.isprintable()
        assert refused.reason.endswith(".")
        assert len(refused.reason) < 500
        _refuse(refused, store)
    for each in planned.scenes:
        _check_scene(each.scene, folder)
        key = SceneKey.of(each.scene)
        names = [key.journal, key.record("failed"), *(key.table(table) for table in TABLES)]
        root = os.path.realpath(folder / "OUT")
        for name in names:
            place = os.path.realpath(f"{root}/{name}")
            assert place.startswith(f"{root}/")
            assert all(len(part.encode()) <= 255 for part in place.split("/"))
        remember(store.objects, [each.scene], planned)
        found = recall(store.objects, each.scene.collection, each.scene.id).scene({})
        assert replace(found, item={}, footprint={}) == replace(each.scene, item={}, footprint={})
    assert {child.name for child in folder.iterdir()} == {"canary", "OUT", "items.json"}


def _planned(path, item, catalog):
    """What the command plans of a file, or of what a catalogue answered."""
    if catalog is not None:
        return api.plan([item], catalog=catalog)
    if item.get("type") == "Feature":
        return api.plan(path)
    # It is none, and the command says so.
    with pytest.raises(ConfigError, match=r"holds something other than STAC Items\.$") as caught:
        api.plan(path)
    return Plan((), (RefusedItem(item, str(caught.value)),))


def _check_scene(scene, folder):
    assert scene.datetime.tzinfo is UTC
    assert scene.bands
    assert 1 <= min(scene.grid.shape) <= max(scene.grid.shape) <= 200_000
    assert shapely.geometry.shape(scene.footprint).is_empty is False
    if scene.grid.is_map:
        json.dumps(stack_item(scene))
    paths = [asset.source for asset in (*scene.bands, *scene.extras)]
    for path in (*paths, *(document.path for document in scene.documents)):
        allowed = ("/vsicurl/https://", "/vsis3/", f"{os.path.realpath(folder)}/")
        assert path.startswith(allowed)
        assert "127.0.0.1" not in path
        assert "169.254" not in path
        assert "secret" not in path
    for asset in (*scene.bands, *scene.extras):
        assert asset.offset in (0, -1000)
        assert asset.driver in ("GTiff", "JP2OpenJPEG")


@pytest.mark.parametrize(
    ("seed", "catalog"),
    [
        *zip(
            SEEDS,
            ["planetary-computer"] * 3 + ["earth-search", "cdse", "earth-search", None],
            strict=True,
        )
    ],
)
def test_what_is_mutated_can_be_planned(tmp_path, seed, catalog):
    """Else the test above would prove little."""
    path = tmp_path / "items.json"
    path.write_text(json.dumps(SEEDS[seed]))
    assert len(_planned(path, SEEDS[seed], catalog).scenes) == 1
