"""The same selection from an API, a static catalogue, a table and a file; and hostile ones."""

import copy
import dataclasses
import io
import json
import logging
import random
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from made.stac import landing_page
from westsea_catalog import network, static
from westsea_catalog.errors import ConfigError, UpstreamError, UsageError, WestseaError
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import PROFILES, Profile, profile_for
from westsea_catalog.region import Period, Region, parse_time
from westsea_catalog.search import items_from, matches, ordered, root_of, search

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
REAL = SHARED / "real" / "catalog.json"

WEST_SEA = Region.from_aoi("west-sea")
WORLD = Region.from_bbox("-180,-90,180,90")
OCTOBER = Period.parse("2017-10-01/2017-10-31")
ALWAYS = Period.parse("1900-01-01/..")


def make_item(number, *, collection="sentinel-1-rtc", lon=124.0, when="2017-10-19T09:31:40Z"):
    """An item at a longitude and time; asset hrefs are relative for Sentinel-2."""
    sar = collection == "sentinel-1-rtc"
    keys = ("vv", "vh") if sar else ("B08", "B03")
    base = "https://a.example.com/" if sar else "./"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": f"{collection}_{number}",
        "collection": collection,
        "bbox": [lon, 36.0, lon + 1, 37.0],
        "geometry": json.loads(shapely.to_geojson(shapely.box(lon, 36, lon + 1, 37))),
        "properties": {
            "datetime": when,
            "platform": "sentinel-1a" if sar else "sentinel-2a",
            "proj:epsg": 32651,
            "proj:shape": [1000, 2000],
            "proj:transform": [10.0, 0.0, 500000.0, 0.0, -10.0, 4000000.0],
        },
        "links": [],
        "assets": {
            key: {"href": f"{base}{collection}_{number}/{key}.tif", "type": "image/tiff"}
            for key in keys
        },
    }


def null_datetime(item, start):
    item["properties"] |= {"datetime": None, "start_datetime": start}
    return item


ITEMS = [
    make_item(1),
    make_item(2, when="2017-10-31T23:59:59.500000Z"),
    make_item(3, when="2017-10-01T00:00:00Z"),
    make_item(4, when="2017-11-01T00:00:00Z"),  # too late
    make_item(5, when="2017-09-30T23:59:59.999000Z"),  # too early
    make_item(6, lon=126.9999),  # the region's edge goes through it
    make_item(7, lon=127.5),  # too far east
    make_item(8, lon=117.0),  # touches the region's edge
    make_item(9, collection="sentinel-2-l2a"),
    make_item(10, collection="sentinel-2-l2a", when="2017-10-18T02:30:00Z"),
    make_item(11, collection="landsat-c2-l2"),
    null_datetime(make_item(12), "2017-10-20T09:00:00Z"),
]
CHOSEN = ("sentinel-1-rtc", "sentinel-2-l2a")
FOUND = [3, 10, 1, 6, 8, 9, 12, 2]


def numbers(items):
    return [int(item["id"].rpartition("_")[2]) for item in items]


class Api:
    """A STAC API: a landing page, and a search that selects and pages."""

    def __init__(self, items, *, methods=("GET", "POST"), page=3):
        self.items, self.methods, self.page = items, methods, page
        self.requests = []

    def __call__(self, method, path, parameters):
        self.requests.append((method, path, parameters))
        if path == "/stac":
            return 200, self.landing()
        if path != "/stac/search" or method not in self.methods:
            return 405, {"description": "not here"}
        found = [item for item in self.items if self.selects(item, parameters)]
        start = int(parameters.get("token", 0))
        page = {"type": "FeatureCollection", "features": found[start : start + self.page]}
        page["links"] = [{"rel": "self", "href": "search"}]
        if start + self.page < len(found):
            page["links"].append(self.next(method, parameters, start + self.page))
        return 200, page

    def landing(self):
        return landing_page("/stac", "/stac/search", self.methods)

    @staticmethod
    def next(method, parameters, token):
        if method == "POST":
            link = {"href": "/stac/search", "method": "POST", "body": {"token": token}}
            return {"rel": "next", "merge": True, **link}
        query = "&".join(f"{k}={v}" for k, v in {**parameters, "token": token}.items())
        return {"rel": "next", "href": f"/stac/search?{query}"}

    @staticmethod
    def selects(item, parameters):
        collections = parameters.get("collections", [])
        collections = collections.split(",") if isinstance(collections, str) else collections
        if collections and item["collection"] not in collections:
            return False
        props = item["properties"]
        when = parse_time(props["datetime"] or props["start_datetime"])
        start, end = (
            None if v == ".." else parse_time(v) for v in parameters["datetime"].split("/")
        )
        if (start and when < start) or (end and when > end):
            return False
        if "intersects" in parameters:
            area = parameters["intersects"]
            area = shapely.from_geojson(area if isinstance(area, str) else json.dumps(area))
        else:
            box = parameters["bbox"]
            area = shapely.box(*(map(float, box.split(",")) if isinstance(box, str) else box))
        return area.intersects(shapely.geometry.shape(item["geometry"]))


def write_static(folder, items):
    """A catalogue of one collection a folder, each item in a folder of its own."""
    children = []
    for name in sorted({item["collection"] for item in items}):
        links = []
        for item in (item for item in items if item["collection"] == name):
            place = folder / name / f"{item['id']}.json"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(item))
            links.append({"rel": "item", "href": f"./{item['id']}.json"})
        links.append({"rel": "root", "href": "../catalog.json"})
        collection = {"type": "Collection", "stac_version": "1.0.0", "id": name, "links": links}
        (folder / name / "collection.json").write_text(json.dumps(collection))
        children.append({"rel": "child", "href": f"{name}/collection.json"})
    catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "test", "links": children}
    (folder / "catalog.json").write_text(json.dumps(catalog))
    return str(folder / "catalog.json")


def write_table(path, items, *, bbox=True):
    """A stac-geoparquet file: fields of items as columns, nulls where an item lacks one."""
    rows = []
    for item in items:
        item = copy.deepcopy(item)
        row = {**item, **item.pop("properties")}
        del row["properties"]
        row["geometry"] = shapely.from_geojson(json.dumps(item["geometry"])).wkb
        row["bbox"] = dict(zip(("xmin", "ymin", "xmax", "ymax"), item["bbox"], strict=True))
        for key in ("datetime", "start_datetime"):
            row[key] = parse_time(row[key]) if row.get(key) else None
        if not bbox:
            del row["bbox"]
        rows.append(row)
    columns = sorted({key for row in rows for key in row})
    pq.write_table(pa.Table.from_pylist([{k: r.get(k) for k in columns} for r in rows]), path)
    return str(path)


def scenes(items, catalog):
    """The scenes of all items that can be one, without their raw items."""
    profile, root = profile_for(catalog), root_of(catalog)
    return [
        dataclasses.replace(scene_from_item(item, profile, root), item={}, profile="")
        for item in items
    ]


# No catalogue may rely on an order.
SHUFFLED = random.Random(1).sample(ITEMS, len(ITEMS))


@pytest.mark.parametrize("methods", [("GET", "POST"), ("GET",), ("POST",)])
def test_an_api_by_get_and_post(serve, methods):
    api = Api(SHUFFLED, methods=methods)
    url = f"{serve(api)}/stac"
    found = search(url, region=WEST_SEA, period=OCTOBER, collections=CHOSEN)
    assert numbers(found) == FOUND
    used = {method for method, path, _ in api.requests if path == "/stac/search"}
    assert used == {"POST" if "POST" in methods else "GET"}
    assert len(api.requests) == 1 + 3  # landing page, 8 items by threes


def test_a_static_catalogue(tmp_path):
    catalog = write_static(tmp_path, SHUFFLED)
    found = search(catalog, region=WEST_SEA, period=OCTOBER, collections=CHOSEN, offline=True)
    assert numbers(found) == FOUND
    assert found[1]["assets"]["B08"]["href"] == str(
        tmp_path / "sentinel-2-l2a" / "sentinel-2-l2a_10" / "B08.tif"
    )


def test_a_static_catalogue_on_the_network(serve, tmp_path):
    write_static(tmp_path, SHUFFLED)
    url = serve(lambda method, path, parameters: (200, (tmp_path / path[1:]).read_bytes()))
    found = search(f"{url}/catalog.json", region=WEST_SEA, period=OCTOBER, collections=CHOSEN)
    assert numbers(found) == FOUND
    href = found[1]["assets"]["B08"]["href"]
    assert href == f"{url}/sentinel-2-l2a/sentinel-2-l2a_10/B08.tif"
    scene = scene_from_item(found[1], profile_for(f"{url}/catalog.json"), None)
    assert scene.bands[0].source == f"/vsicurl/{href}"


@pytest.mark.parametrize("bbox", [True, False])
def test_a_table(tmp_path, bbox):
    path = write_table(tmp_path / "items.parquet", SHUFFLED, bbox=bbox)
    found = search(path, region=WEST_SEA, period=OCTOBER, collections=CHOSEN, offline=True)
    assert numbers(found) == FOUND
    for item in found:
        original = next(i for i in ITEMS if i["id"] == item["id"])
        assert set(item["assets"]) == set(original["assets"])  # no keys of other items
        assert {k: v for k, v in item["properties"].items() if k != "datetime"} == {
            k: v for k, v in original["properties"].items() if k != "datetime"
        }
        assert item["geometry"] == original["geometry"]
        json.dumps(item)


def test_every_form_gives_the_same_scenes(serve, tmp_path):
    def unmoved(item):
        # Relative hrefs mean other places in other catalogues, so these are absolute.
        return json.loads(json.dumps(item).replace("./sent", "https://a.example.com/sent"))

    items = [unmoved(item) for item in SHUFFLED]
    (tmp_path / "all.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    (tmp_path / "lines.json").write_text("\n".join(json.dumps(item) for item in items))
    wanted = {"region": WEST_SEA, "period": OCTOBER, "collections": CHOSEN}
    api = f"{serve(Api(items))}/stac"
    catalogs = [
        api,
        write_static(tmp_path / "static", items),
        write_table(tmp_path / "items.parquet", items),
    ]
    expected = scenes(search(api, **wanted), api)
    assert len(expected) == len(FOUND)
    for catalog in catalogs:
        assert scenes(search(catalog, **wanted), catalog) == expected
    for name in ("all.json", "lines.json"):
        path = str(tmp_path / name)
        chosen = [i for i in items_from(path) if matches(i, WEST_SEA, OCTOBER, CHOSEN)]
        assert scenes(chosen, path) == expected


def test_a_polygon_selects_what_its_box_would_not(serve, tmp_path):
    (tmp_path / "area.geojson").write_text(
        shapely.to_geojson(shapely.Polygon([(118, 33), (123.5, 33), (118, 41)]))
    )
    region = Region.from_geojson(tmp_path / "area.geojson")
    items = [make_item(1, lon=119.0), make_item(2, lon=122.4)]
    api = Api(items)
    url = f"{serve(api)}/stac"
    assert numbers(search(url, region=region, period=OCTOBER)) == [1]
    assert "intersects" in api.requests[-1][2]
    for catalog in (write_static(tmp_path, items), write_table(tmp_path / "a.parquet", items)):
        assert numbers(search(catalog, region=region, period=OCTOBER)) == [1]


def test_a_profile_asks_for_its_own_collections(serve, monkeypatch):
    api = Api(ITEMS)
    profile = Profile("test", f"{serve(api)}/stac", ("sentinel-2-l2a",), (), ("127.0.0.1",))
    monkeypatch.setitem(PROFILES, "test", profile)
    assert numbers(search("test", region=WEST_SEA, period=OCTOBER)) == [10, 9]
    assert numbers(
        search("test", region=WEST_SEA, period=OCTOBER, collections=["landsat-c2-l2"])
    ) == [11]


def test_nothing_found_is_nothing_wrong(serve, tmp_path):
    nowhere = Region.from_bbox("0,0,1,1")
    for catalog in (
        f"{serve(Api(ITEMS))}/stac",
        write_static(tmp_path, ITEMS),
        write_table(tmp_path / "a.parquet", ITEMS),
    ):
        assert search(catalog, region=nowhere, period=OCTOBER) == []


# Order and duplicates.


@given(st.permutations(ITEMS), st.lists(st.sampled_from(ITEMS), max_size=5))
def test_neither_order_nor_repetition_matters(items, again):
    assert ordered([*items, *again]) == ordered(ITEMS)
    times = [item["properties"]["datetime"] or "2017-10-20" for item in ordered(items)]
    assert times == sorted(times)


def changed(item, **props):
    return {**item, "properties": {**item["properties"], **props}}


def test_of_two_that_differ_the_one_updated_last_is_kept(caplog):
    item = make_item(1)
    versions = [
        changed(item, updated="2018-01-01T00:00:00Z", version=1),
        changed(item, updated="2018-01-02T00:00:00+09:00", version=2),
        changed(item, version=3),
        changed(item, updated=7, version=4),
    ]
    for order in (versions, versions[::-1]):
        caplog.clear()
        assert ordered(order) == [versions[1]]
        assert "4 times with different content" in caplog.text
    undated = [changed(item, version=2), changed(item, version=1)]
    assert ordered(undated) == ordered(undated[::-1]) == [undated[1]]
    caplog.clear()
    assert ordered([item, copy.deepcopy(item)]) == [item]
    assert not caplog.text


def test_the_same_id_in_two_collections_is_two_items():
    one, other = make_item(1), {**make_item(1), "collection": "sentinel1-rtc-aws"}
    assert len(ordered([one, other])) == 2
    assert len(ordered([{"id": None, "a": 1}, {"id": None, "a": 2}, {"id": 7}, {"id": "7"}])) == 4


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["id", "collection", "geometry", "bbox", "properties", "assets", "links"]),
        HOSTILE,
    ),
    st.dictionaries(st.sampled_from(["datetime", "start_datetime", "updated"]), HOSTILE),
)
def test_no_item_is_too_strange_to_be_judged(item, props):
    item.setdefault("properties", props)
    assert matches(item, WORLD, ALWAYS, ()) in (True, False)
    assert ordered([item, {**item, "other": 1}])


def test_places_that_are_hard_to_judge():
    bow_tie = {"type": "Polygon", "coordinates": [[[124, 36], [125, 37], [125, 36], [124, 37]]]}
    bow_tie["coordinates"][0].append([124, 36])
    item = make_item(1)
    assert matches({**item, "geometry": bow_tie}, WEST_SEA, OCTOBER, ())
    both = {"type": "GeometryCollection", "geometries": [bow_tie, item["geometry"]]}
    assert matches({**item, "geometry": both}, WEST_SEA, OCTOBER, ())
    assert matches({**item, "geometry": None}, WEST_SEA, OCTOBER, ())
    assert not matches({**item, "geometry": None, "bbox": None}, WEST_SEA, OCTOBER, ())
    high = {**item, "geometry": None, "bbox": [124, 36, 0, 125, 37, 100]}
    assert matches(high, WEST_SEA, OCTOBER, ())
    across = {**item, "geometry": None, "bbox": [179, 36, -179, 37]}
    assert not matches(across, WEST_SEA, OCTOBER, ())
    assert matches(across, Region.from_bbox("-180,30,-170,40"), OCTOBER, ())
    assert matches(across, Region.from_bbox("170,30,180,40"), OCTOBER, ())


# Files of items.


def test_items_from_a_file_have_absolute_hrefs(tmp_path):
    path = tmp_path / "item.json"
    path.write_text(json.dumps(make_item(9, collection="sentinel-2-l2a")))
    (item,) = items_from(str(path))
    assert item["assets"]["B08"]["href"] == str(tmp_path / "sentinel-2-l2a_9" / "B08.tif")
    assert scene_from_item(item, profile_for(str(path)), root_of(str(path))).sensor == "optical"


def test_items_from_standard_input(monkeypatch):
    def feed(text):
        stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
        monkeypatch.setattr("sys.stdin", stdin)
        return items_from("-")

    collection = {"type": "FeatureCollection", "features": SHUFFLED}
    assert feed(json.dumps(collection)) == feed("\n".join(map(json.dumps, SHUFFLED)))
    assert feed('{"type": "FeatureCollection", "features": []}') == []
    assert root_of("-") is None
    with pytest.raises(ConfigError, match="empty"):
        feed("")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"not json", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "other than STAC Items"),
        (b"7", "other than STAC Items"),
        (b'{"type": "Catalog"}', "other than STAC Items"),
        (b'{"type": "FeatureCollection"}', "other than STAC Items"),
        (b'{"type": "FeatureCollection", "features": [7]}', "other than STAC Items"),
    ],
)
def test_files_that_hold_no_items(tmp_path, content, reason):
    path = tmp_path / "items.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        items_from(str(path))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        items_from(str(tmp_path / "none.json"))
    (tmp_path / "items.tif").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not a text"):
        items_from(str(tmp_path / "items.tif"))


# Catalogues that are not, or do not answer.


def failure(kind, catalog, **options):
    with pytest.raises(kind) as caught:
        search(catalog, region=WEST_SEA, period=OCTOBER, **options)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.endswith(".")
    assert message.isprintable()
    assert len(message) < 500
    return message


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(network, "RETRIES", 2)
    monkeypatch.setattr(network, "BACKOFF_S", 0.0)
    monkeypatch.setattr(network, "MAX_WAIT_S", 0.01)


@pytest.mark.parametrize(
    "catalog",
    ["https://stac.example.com", "http://127.0.0.1:1/", "earth-search", "https://a.b/c.json"],
)
def test_offline_forbids_the_network(catalog):
    assert "offline" in failure(UsageError, catalog, offline=True)


def test_local_catalogues_that_are_not_there(tmp_path):
    assert "neither a known catalogue" in failure(UsageError, str(tmp_path / "none.json"))
    assert "is a folder" in failure(UsageError, str(tmp_path))
    assert "has no address" in failure(UsageError, "built-in")
    assert "table on the network" in failure(UsageError, "https://a.example.com/x.parquet?y=1")


@pytest.mark.parametrize(
    ("content", "reason"),
    [("<html>", "not JSON"), ("[]", "not STAC"), ("{}", "not a STAC Catalog")],
)
def test_local_files_that_are_no_catalogue(tmp_path, content, reason):
    (tmp_path / "catalog.json").write_text(content)
    assert reason in failure(ConfigError, str(tmp_path / "catalog.json"))


def test_tables_that_are_none(tmp_path):
    path = tmp_path / "items.parquet"
    path.write_bytes(b"PAR1 and nothing else PAR1")
    assert "not a readable stac-geoparquet" in failure(ConfigError, str(path))
    pq.write_table(pa.table({"id": ["a"], "geometry": [b"x"]}), path)
    assert "no column assets" in failure(ConfigError, str(path))
    pq.write_table(pa.table({"id": ["a"], "geometry": ["x"], "assets": [{"vv": 1}]}), path)
    assert "as WKB" in failure(ConfigError, str(path))
    pq.write_table(pa.table({"id": ["a"], "geometry": [b"x"], "assets": [{"vv": 1}]}), path)
    assert "not a readable stac-geoparquet" in failure(ConfigError, str(path))


def test_links_that_leave_the_catalogue_are_not_followed(tmp_path, caplog):
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(make_item(99)))
    inside = tmp_path / "cat"
    inside.mkdir()
    write_static(inside, ITEMS[:1])
    (inside / "link.json").symlink_to(secret)
    catalog = json.loads((inside / "catalog.json").read_text())
    hrefs = ["../secret.json", str(secret), "link.json", "https://a.example.com/x.json", 7, "a\0b"]
    catalog["links"] += [{"rel": "item", "href": href} for href in hrefs]
    catalog["links"] += ["item", {"rel": "item"}, {"rel": ["item"], "href": "x"}]
    (inside / "catalog.json").write_text(json.dumps(catalog))
    with caplog.at_level(logging.WARNING):
        found = search(str(inside / "catalog.json"), region=WEST_SEA, period=OCTOBER)
    assert numbers(found) == [1]
    assert caplog.text.count("not followed") == len(hrefs) + 1


def test_a_catalogue_that_links_in_circles_is_walked_once(tmp_path):
    catalog = write_static(tmp_path, ITEMS[:1])
    content = json.loads(Path(catalog).read_text())
    content["links"] += [{"rel": "child", "href": "catalog.json"}, *content["links"]]
    Path(catalog).write_text(json.dumps(content))
    assert numbers(search(catalog, region=WEST_SEA, period=OCTOBER)) == [1]


def test_a_missing_file_of_a_catalogue_is_named(tmp_path):
    catalog = write_static(tmp_path, ITEMS[:1])
    (tmp_path / "sentinel-1-rtc" / "sentinel-1-rtc_1.json").unlink()
    assert "sentinel-1-rtc_1.json cannot be read" in failure(ConfigError, catalog)


def test_endless_catalogues_end(tmp_path, monkeypatch):
    catalog = write_static(tmp_path, ITEMS)
    monkeypatch.setattr(static, "MAX_FILES", 5)
    assert "more than 5 files" in failure(UpstreamError, catalog)
    monkeypatch.setattr(static, "MAX_FILE_BYTES", 5)
    assert "over 0 MB" in failure(ConfigError, catalog)


def test_an_api_that_is_not_there():
    assert "127.0.0.1 does not answer" in failure(UpstreamError, "http://127.0.0.1:1/stac")


class Counting:
    """Answers with the same for ever, and counts."""

    def __init__(self, *answer):
        self.answer, self.count = answer, 0

    def __call__(self, method, path, parameters):
        self.count += 1
        return self.answer


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_fails_is_asked_again_and_then_given_up(serve, status):
    answer = Counting(status, {}, {"Retry-After": "99999"})
    assert f"status {status}" in failure(UpstreamError, f"{serve(answer)}/stac")
    assert answer.count == 3


def test_a_service_that_recovers(serve):
    api, failures = Api(ITEMS), iter([503, 429, 500, 502])

    def shaky(method, path, parameters):
        status = next(failures, None) if path == "/stac/search" else None
        return (status, {}) if status else api(method, path, parameters)

    network.RETRIES = 4  # the fixture restores it
    found = search(f"{serve(shaky)}/stac", region=WEST_SEA, period=OCTOBER, collections=CHOSEN)
    assert numbers(found) == FOUND


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_service_that_refuses_is_not_asked_again(serve, status):
    answer = Counting(status, b"no\x1b[31m <b>access</b>\n")
    assert f"status {status}" in failure(ConfigError, f"{serve(answer)}/stac")
    assert answer.count == 1


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"<html>hello</html>", UpstreamError, "not JSON"),
        (b"\xff\xfe", UpstreamError, "not text"),
        (b"[" * 100_000, UpstreamError, "not JSON"),
        ([], UpstreamError, "not STAC"),
        ({}, ConfigError, "not a STAC API"),
        ({"type": "Feature"}, ConfigError, "not a STAC API"),
        ({**Api([]).landing(), "conformsTo": 7}, ConfigError, "not a STAC API"),
        ({**Api([]).landing(), "conformsTo": []}, ConfigError, "no item search"),
        ({**Api([]).landing(), "links": 7}, ConfigError, "not a STAC API"),
    ],
)
def test_landing_pages_that_are_none(serve, body, kind, reason):
    assert reason in failure(kind, f"{serve(Counting(200, body))}/stac")


def searching(api, page):
    """The API, whose search answers with what ``page`` makes of its parameters."""

    def answer(method, path, parameters):
        return page(parameters) if path == "/stac/search" else api(method, path, parameters)

    return answer


@pytest.mark.parametrize(
    "body", [{}, {"features": 7}, {"features": [7]}, {"features": None, "links": []}]
)
def test_searches_that_answer_with_no_items(serve, body):
    url = serve(searching(Api([]), lambda parameters: (200, body)))
    assert "other than items" in failure(UpstreamError, f"{url}/stac")


def test_a_next_link_that_repeats_ends_the_search(serve, caplog):
    link = {"rel": "next", "href": "/stac/search", "method": "POST", "body": {"token": 1}}
    page = Counting(200, {"features": ITEMS[:1], "links": [link]})
    url = serve(searching(Api([]), lambda parameters: page(*[None] * 3)))
    found = search(f"{url}/stac", region=WEST_SEA, period=OCTOBER)
    assert numbers(found) == [1]
    assert page.count == 2
    assert "repeats its link" in caplog.text


def test_endless_pages_end(serve, monkeypatch):
    monkeypatch.setattr("westsea_catalog.stac_api.MAX_PAGES", 5)

    def page(parameters):
        body = {"token": parameters.get("token", 0) + 1}
        link = {"rel": "next", "href": "search", "method": "POST", "body": body}
        return 200, {"features": ITEMS[:1], "links": [link]}

    assert "more than 5 pages" in failure(UpstreamError, f"{serve(searching(Api([]), page))}/stac")


def test_an_empty_page_does_not_end_the_search(serve):
    def page(parameters):
        token = parameters.get("token", 0)
        links = [{"rel": "next", "href": "search", "method": "POST", "body": {"token": token + 1}}]
        return 200, {"features": ITEMS[:1] if token == 2 else [], "links": links[: token < 2]}

    found = search(f"{serve(searching(Api([]), page))}/stac", region=WEST_SEA, period=OCTOBER)
    assert numbers(found) == [1]


@pytest.mark.parametrize(
    "links",
    [
        None,
        7,
        [7],
        [{"rel": "next"}],
        [{"rel": "next", "href": 7}],
        [{"rel": "next", "href": "http://[::1"}],
        [{"rel": "prev", "href": "/stac/search"}],
    ],
)
def test_malformed_links_end_the_search(serve, links):
    url = serve(
        searching(Api([]), lambda parameters: (200, {"features": ITEMS[:1], "links": links}))
    )
    assert numbers(search(f"{url}/stac", region=WEST_SEA, period=OCTOBER)) == [1]


def test_answers_that_are_too_long_end(serve, monkeypatch):
    monkeypatch.setattr(network, "MAX_ANSWER_BYTES", 1000)
    url = serve(Counting(200, b" " * 10_000))
    assert "more than 0 MB" in failure(UpstreamError, f"{url}/stac")


ELSEWHERE = [
    "http://169.254.169.254/latest/meta-data",
    "http://127.0.0.2/",
    "http://localhost/",
    "http://2130706433/",
    "http://[::1]/",
    "http://10.0.0.1/",
    "http://metadata.google.internal/",
    "file:///etc/passwd",
    "ftp://a.example.com/",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_redirects_to_private_places_are_not_followed(serve, target):
    url = serve(Counting(302, {}, {"Location": target}))
    assert urlsplit(target).scheme in failure(ConfigError, f"{url}/stac")


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_links_and_search_links_to_private_places_are_not_followed(serve, target):
    page = {"features": ITEMS[:1], "links": [{"rel": "next", "href": target}]}
    url = serve(searching(Api([]), lambda parameters: (200, page)))
    failure(ConfigError, f"{url}/stac")
    landing = Api([]).landing()
    landing["links"] = [{"rel": "search", "type": "application/geo+json", "href": target}]
    failure(ConfigError, f"{serve(Counting(200, landing))}/stac")


def test_endless_redirects_end(serve):
    url = serve(Counting(302, {}, {"Location": "/stac"}))
    assert "one address to the next" in failure(UpstreamError, f"{url}/stac")


def test_a_name_that_leads_to_loopback_is_found_out_on_connecting(serve, monkeypatch):
    """As a name server of an attacker would have it: a public name, a private address."""
    answer = Counting(200, {})
    port = urlsplit(serve(answer)).port
    resolve = socket.getaddrinfo

    def misled(host, *args, **kwargs):
        return resolve("127.0.0.1" if host == "rebound.example.com" else host, *args, **kwargs)

    monkeypatch.setattr("socket.getaddrinfo", misled)
    profile = Profile("test", f"http://127.0.0.1:{port}/stac", private_hosts=("127.0.0.1",))
    with network.Network(profile) as net, pytest.raises(ConfigError, match=r"private address 127"):
        net.text(f"http://rebound.example.com:{port}/stac")
    assert answer.count == 0
    with network.Network(profile) as net:
        assert net.text(f"http://127.0.0.1:{port}/stac") == "{}"


def test_an_encrypted_catalogue_does_not_send_us_to_plain_http():
    profile = profile_for("https://stac.example.com/v1")
    with network.Network(profile) as net, pytest.raises(ConfigError, match="not encrypted"):
        net.text("http://other.example.com/v1")


@pytest.mark.parametrize("url", ["x", "http://", "http://a b/", "http://[::1", "https://a.b\n/"])
def test_malformed_addresses(url):
    with network.Network(profile_for("https://a.example.com")) as net, pytest.raises(WestseaError):
        net.text(url)


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there")
def test_the_real_catalogue():
    wide = {"region": Region.from_bbox("-180,-80,180,80"), "offline": True}
    years = Period.parse("2022-01-01/2023-12-31")
    everything = search(str(REAL), period=years, **wide)
    found = search(str(REAL), period=years, collections=["sentinel-2-l2a"], **wide)
    assert (len(everything), len(found)) == (11, 10)
    for item in everything:
        scene = scene_from_item(item, profile_for(str(REAL)), root_of(str(REAL)))
        assert all(Path(asset.source).is_file() for asset in scene.bands + scene.extras)
    busan = Region.from_bbox("128,34,130,36")
    assert [i["id"] for i in search(str(REAL), region=busan, period=years)] == [
        "S2_MSIL2A_20220514_busan"
    ]
    day = datetime(2022, 5, 14, tzinfo=UTC)
    exact = Period(day + timedelta(hours=2.5), day + timedelta(hours=2.5))
    assert len(search(str(REAL), period=exact, **wide)) == 1
