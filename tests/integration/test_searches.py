"""The same query over a real API, a table and static catalogues: the same items and scenes."""

import dataclasses
import json
import subprocess

import pytest
import shapely

from westsea_catalog import stac_api
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import profile_for
from westsea_catalog.region import Period, Region
from westsea_catalog.search import matches, ordered, search

REGION = Region.from_bbox("118,33,127,41")
PERIOD = Period.parse("2017-10-18/2017-10-27")
SARS = ("sentinel-1-rtc",)
TRIANGLE = Region("triangle", shapely.Polygon([(118, 30), (130, 33), (121, 44)]))
QUERIES = {
    "box": (REGION, PERIOD, SARS),
    "two collections": (REGION, PERIOD, ("sentinel-2-l2a", *SARS)),
    "all collections": (REGION, PERIOD, ()),
    "polygon": (TRIANGLE, PERIOD, SARS),
    "open period": (REGION, Period.parse("2017-10-25/.."), SARS),
    "world": (Region.from_bbox("-180,-90,180,90"), Period.parse("../2030-01-01"), ()),
    "across 180 degrees": (Region.from_bbox("130,0,-100,60"), PERIOD, ()),
    "nothing": (REGION, Period.parse("1999-01-01"), ()),
}
WRITE_TABLE = """
import sys
from stac_geoparquet.arrow import parse_stac_ndjson_to_parquet
parse_stac_ndjson_to_parquet(sys.argv[1], sys.argv[2])
"""


def write_static(folder, items):
    children = {}
    for item in items:
        place = folder / item["collection"] / item["id"] / "item.json"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(item))
        children.setdefault(item["collection"], []).append(f"./{item['id']}/item.json")
    for name, hrefs in children.items():
        links = [{"rel": "item", "href": href} for href in hrefs]
        collection = {"type": "Collection", "stac_version": "1.0.0", "id": name, "links": links}
        (folder / name / "collection.json").write_text(json.dumps(collection))
    links = [{"rel": "child", "href": f"./{name}/collection.json"} for name in children]
    catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "all", "links": links}
    (folder / "catalog.json").write_text(json.dumps(catalog))
    return folder / "catalog.json"


@pytest.fixture(scope="module")
def static(place, items):
    return write_static(place / "files" / "static", items)


@pytest.fixture(scope="module")
def catalog(request):
    """The catalogue of a form."""
    if request.param == "pgstac":
        return request.getfixturevalue("pgstac")
    static = request.getfixturevalue("static")
    if request.param == "static":
        return str(static)
    if request.param == "http":
        return f"{request.getfixturevalue('nginx').url}/static/catalog.json"
    folder = request.getfixturevalue("place")
    lines, table = folder / "items.ndjson", folder / "items.parquet"
    lines.write_text("\n".join(map(json.dumps, request.getfixturevalue("items"))))
    python = request.getfixturevalue("servers") / "python"
    subprocess.run([python, "-c", WRITE_TABLE, lines, table], check=True, capture_output=True)
    return str(table)


FORMS = pytest.mark.parametrize(
    "catalog", ["pgstac", "static", "http", "geoparquet"], indirect=True, scope="module"
)


@FORMS
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_form_gives_the_same_items_in_the_same_order(
    catalog, query, items, nginx, monkeypatch
):
    monkeypatch.setattr(stac_api, "PAGE_SIZE", 100)
    region, period, collections = query
    expected = ordered(item for item in items if matches(item, region, period, collections))
    found = search(catalog, region=region, period=period, collections=collections)
    assert [item["id"] for item in found] == [item["id"] for item in expected]
    assert scenes(found, nginx.url) == scenes(expected, nginx.url)


def scenes(items, url):
    """What a sweep needs of the items; their files are nginx's in every form."""
    return [
        dataclasses.replace(scene_from_item(item, profile_for(url), None), item={})
        for item in items
    ]


def test_the_queries_are_worth_asking(items):
    counts = [sum(matches(item, *query) for item in items) for query in QUERIES.values()]
    assert counts[-1] == 0
    assert max(counts) == len(items) == 2000
    assert min(counts[:-1]) > 20
    assert sum(count > 100 for count in counts) >= 4  # of which there are several pages


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_by_either_method(pgstac, items, method, monkeypatch):
    monkeypatch.setattr(stac_api, "PAGE_SIZE", 100)
    monkeypatch.setattr(stac_api, "PREFERRED", method)
    region, period, collections = QUERIES["open period"]
    found = search(pgstac, region=region, period=period, collections=collections)
    expected = ordered(item for item in items if matches(item, region, period, collections))
    assert [item["id"] for item in found] == [item["id"] for item in expected]
    assert len(found) > 100
