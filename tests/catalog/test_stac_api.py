"""Searches of services that page, limit, refuse and fail in every way that services do."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from made.stac import landing_page
from westsea_catalog import network, stac_api
from westsea_catalog.errors import ConfigError, UpstreamError
from westsea_catalog.region import Period, Region, parse_time, rfc3339
from westsea_catalog.search import search

START = datetime(2017, 10, 1, tzinfo=UTC)
OCTOBER = Period.parse("2017-10-01/2017-10-31")
BOX = Region.from_bbox("118,33,127,41")
TRIANGLE = Region("triangle", shapely.Polygon([(118, 33), (127, 33), (118, 41)]))
ACROSS = Region.from_bbox("175,-20,-175,-10")
ISLANDS = Region("islands", shapely.union(ACROSS.geometry, shapely.box(160, -12, 162, -8)))
SARS = ("sentinel-1-rtc",)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Everything is small, and waits are short."""
    for name, value in {"PAGE_SIZE": 20, "SMALL_PAGE_SIZE": 8, "DEEP": 50}.items():
        monkeypatch.setattr(stac_api, name, value)
    for name, value in {"RETRIES": 1, "BACKOFF_S": 0.0, "MAX_WAIT_S": 0.01}.items():
        monkeypatch.setattr(network, name, value)


def make_item(number, when, lon=120.0, lat=36.0, collection="sentinel-1-rtc"):
    box = shapely.box(lon, lat, lon + 0.1, lat + 0.1)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"{number:04d}",
        "collection": collection,
        "bbox": list(box.bounds),
        "geometry": json.loads(shapely.to_geojson(box)),
        "properties": {"datetime": rfc3339(when)},
        "links": [],
        "assets": {"vv": {"href": f"./{number}/vv.tif"}},
    }


# Half of them in one minute of the month, some at the very same time, one on its middle.
TIMES = [
    *(START + timedelta(hours=6.5 * k) for k in range(100)),
    *(START + timedelta(days=7, seconds=0.5 * k) for k in range(90)),
    *[START + timedelta(days=20)] * 9,
    *(START + (OCTOBER.end - OCTOBER.start) * f for f in (0, 0.5, 0.25, 0.125, 1)),
]
ITEMS = [make_item(n, when) for n, when in enumerate(TIMES)]


class Service:
    """An API with as many manners as services have; the newest items come first."""

    def __init__(self, items=ITEMS, **manners):
        self.items = sorted(items, key=lambda item: item["properties"]["datetime"], reverse=True)
        self.footprints = [shapely.geometry.shape(item["geometry"]) for item in self.items]
        self.times = [parse_time(item["properties"]["datetime"]) for item in self.items]
        if manners.get("whole_seconds"):
            self.times = [time.replace(microsecond=0) for time in self.times]
        self.manners = manners
        self.asked = []

    def __call__(self, method, path, parameters):
        if path == "/":
            return 200, self.landing()
        self.asked.append((method, parameters))
        assert path == "/search"
        answer = self.refusal(method, parameters)
        return answer or (200, self.page(method, parameters))

    def landing(self):
        methods = self.manners.get("methods", ("GET", "POST"))
        return landing_page("/", "/search", methods)

    def refusal(self, method, parameters):
        manners = self.manners
        limit, start = int(parameters["limit"]), int(parameters.get("token", 0))
        if limit > manners.get("largest_limit", limit):
            status = manners.get("limit_status", 400)
            return status, {"code": "x", "description": "limit must be less"}
        if "intersects" in parameters and "intersects_status" in manners:
            return manners["intersects_status"], {"detail": "intersects is not supported"}
        if method == "POST" and "post_status" in manners:
            return manners["post_status"], {"message": "no POST"}
        if start + limit > manners.get("window", start + limit):
            return 400, {"description": "Result window is too large"}
        if len(self.selected(parameters)) > manners.get("patience", len(self.items)):
            return manners.get("strain_status", 504), b"<html>timed out</html>"
        return None

    def selected(self, parameters):
        start, end = map(parse_time, parameters["datetime"].split("/"))
        if "intersects" in parameters:
            area = parameters["intersects"]
            area = shapely.from_geojson(area if isinstance(area, str) else json.dumps(area))
        else:
            box = parameters["bbox"]
            area = shapely.box(*(map(float, box.split(",")) if isinstance(box, str) else box))
        near = shapely.intersects(area, self.footprints)
        return [
            item
            for item, when, is_near in zip(self.items, self.times, near, strict=True)
            if is_near and start <= when <= end
        ]

    def page(self, method, parameters):
        limit, start = int(parameters["limit"]), int(parameters.get("token", 0))
        selected = self.selected(parameters)
        found = selected[: self.manners.get("most", len(selected))]
        stop = start + limit
        if self.manners.get("overlaps"):
            start = max(0, start - 2)
        page = {"type": "FeatureCollection", "features": found[start:stop], "links": []}
        if stop < len(found) and self.manners.get("pages", True):
            page["links"] = [{"rel": "prev", "href": "x"}, self.next(method, parameters, stop)]
        count = self.manners.get("count")
        if count:
            page |= count(len(selected))
        return page

    def next(self, method, parameters, token):
        manner = self.manners.get("next", "merge")
        if method == "GET" or manner == "get":
            if isinstance(parameters["bbox"], list):
                parameters = {**parameters, "bbox": ",".join(map(str, parameters["bbox"]))}
                parameters["collections"] = ",".join(parameters["collections"])
            query = "&".join(f"{k}={v}" for k, v in {**parameters, "token": token}.items())
            return {"rel": "next", "href": f"?{query}", "method": "GET"}
        link = {"rel": "next", "href": "search", "method": "POST"}
        if manner == "merge":
            return {**link, "body": {"token": token}, "merge": True}
        if manner == "whole":
            return {**link, "body": {**parameters, "token": token}, "merge": False}
        return {**link, "href": f"search?token={token}", "method": "post"}


def number_matched(n):
    return {"numberMatched": n}


def found(serve, service, region=BOX, period=OCTOBER, collections=SARS):
    items = search(f"{serve(service)}/", region=region, period=period, collections=collections)
    return [item["id"] for item in items]


def expected(items=ITEMS, period=OCTOBER, region=BOX):
    chosen = [
        (item["properties"]["datetime"], item["id"])
        for item in items
        if period.contains(parse_time(item["properties"]["datetime"]))
        and region.geometry.intersects(shapely.geometry.shape(item["geometry"]))
    ]
    return [name for _, name in sorted(chosen, key=lambda each: (parse_time(each[0]), each[1]))]


MANNERS = {
    "plain": {},
    "GET": {"methods": ("GET",)},
    "POST with whole bodies": {"next": "whole"},
    "POST, then GET": {"next": "get"},
    "counted": {"count": number_matched},
    "counted, as it was before": {"count": lambda n: {"context": {"matched": n}}},
    "counts of everything": {"count": lambda n: {"numberMatched": 10**6}},
    "counts that are too low": {"count": lambda n: {"numberMatched": 1}},
    "counts that are too high": {"count": lambda n: {"numberMatched": n + 3}},
    "counts that are none": {"count": lambda n: {"numberMatched": "many", "context": [n]}},
    "pages that overlap": {"overlaps": True},
    "a window of offsets": {"window": 60},
    "a window of offsets, counted": {"window": 60, "count": number_matched},
    "little patience": {"patience": 70},
    "little patience, plainly": {"patience": 40, "strain_status": 500},
    "no pages": {"pages": False},
    "no pages, counted": {"pages": False, "count": number_matched},
    "never more than some": {"most": 20},
    "never more than some, counted": {"most": 45, "count": number_matched},
    "small pages": {"largest_limit": 10},
    "small answers": {"largest_limit": 10, "limit_status": 502},
    "small answers, plainly": {"largest_limit": 10, "limit_status": 413},
    "no POST": {"post_status": 405},
    "no POST, but small pages": {"post_status": 400, "largest_limit": 10},
    "times in whole seconds": {"patience": 30, "whole_seconds": True},
}


@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS)
def test_every_manner_of_service_gives_every_item_once(serve, manners):
    assert found(serve, Service(**manners)) == expected()


def test_how_often_services_are_asked(serve):
    """In full pages, and no more than what a service can do makes necessary."""
    n = len(expected())
    for manners, most in [
        ({}, -(-n // 20)),
        ({"largest_limit": 10}, 1 + -(-n // 8)),
        ({"count": number_matched}, 45),  # of 50 items at most, so of up to 3 pages each
        ({"count": lambda n: {"numberMatched": 10**6}}, 80),
        ({"patience": 70}, 80),
    ]:
        service = Service(**manners)
        assert found(serve, service) == expected()
        assert len(service.asked) <= most


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=80),
    st.sampled_from([0.5, 60.0, 86400.0]),
    st.sampled_from([{"window": 25}, {"patience": 9}, {"pages": False}, {"most": 20}]),
)
def test_nothing_is_lost_or_doubled_at_seams(serve, steps, unit, manners):
    items = [make_item(n, START + timedelta(seconds=unit * step)) for n, step in enumerate(steps)]
    times = [item["properties"]["datetime"] for item in items]
    period = Period(START, START + timedelta(seconds=unit * max(steps) + 1))
    crowd = max(times.count(time) for time in times) if unit > 0.5 else len(times)
    if crowd < 9:  # so many within two seconds cannot be told apart by time
        assert found(serve, Service(items, **manners), period=period) == expected(items, period)


def test_an_instant_with_too_many_items_is_a_failure(serve):
    items = [make_item(n, START + timedelta(days=3)) for n in range(30)]
    with pytest.raises(UpstreamError, match="504"):
        found(serve, Service(items, patience=20))


def test_open_periods_are_halved_too(serve, monkeypatch):
    monkeypatch.setenv("WESTSEA_NOW", "2018-01-01")
    for text in ("2017-10-01/..", "../2017-10-31"):

        class Open(Service):
            def selected(self, parameters):
                start, end = parameters["datetime"].split("/")
                start = "2000-01-01T00:00:00Z" if start == ".." else start
                end = "2030-01-01T00:00:00Z" if end == ".." else end
                return super().selected({**parameters, "datetime": f"{start}/{end}"})

        period = Period.parse(text)
        assert found(serve, Open(patience=70), period=period) == expected(period=period)


# Places.


AROUND = [
    make_item(n, START + timedelta(hours=n), lon, lat)
    for n, (lon, lat) in enumerate(
        [(x, -15.0) for x in (174.5, 176, 179.85, -180, -176, -174.9)] + [(161, -9), (0, -15)]
    )
]


def test_a_box_across_180_degrees_is_asked_for_as_two(serve):
    service = Service(AROUND)
    assert found(serve, service, ACROSS) == expected(AROUND, region=ACROSS)
    boxes = {tuple(parameters["bbox"]) for _, parameters in service.asked}
    assert boxes == {(175, -20, 180, -10), (-180, -20, -175, -10)}


@pytest.mark.parametrize("status", [400, 422, 500, 501])
@pytest.mark.parametrize("region", [TRIANGLE, ISLANDS], ids=["polygon", "polygons"])
def test_services_without_polygons_are_asked_for_boxes(serve, region, status, caplog):
    items = ITEMS if region is TRIANGLE else AROUND
    polite, rude = Service(items), Service(items, intersects_status=status)
    wanted = expected(items, region=region)
    assert found(serve, polite, region) == wanted
    assert all("intersects" in parameters for _, parameters in polite.asked)
    with caplog.at_level(logging.INFO):
        assert found(serve, rude, region) == wanted
    assert sum("intersects" in parameters for _, parameters in rude.asked) <= 1 + (status == 500)
    assert "other areas" in caplog.text


# Items.


def test_items_without_a_collection_get_the_one_of_their_link_or_search(serve):
    def without(item, *links):
        return {k: v for k, v in item.items() if k != "collection"} | {"links": list(links)}

    def link(rel, href):
        return {"rel": rel, "href": href}

    linked = link("collection", "https://a.example.com/v1/collections/sentinel-2-l2a?f=json")
    items = [
        without(ITEMS[0]),
        without(ITEMS[1], linked),
        without(ITEMS[2], link("parent", linked["href"]), link("collection", "../collection.json")),
        {**without(ITEMS[3], 7, linked), "collection": None},
    ]
    both = ("sentinel-1-rtc", "sentinel-2-l2a")
    url = f"{serve(Service(items))}/"
    named = {
        wanted: [
            (item["id"], item.get("collection"))
            for item in search(url, region=BOX, period=OCTOBER, collections=wanted)
        ]
        for wanted in (both, SARS, ())
    }
    assert named[SARS] == [("0000", "sentinel-1-rtc"), ("0002", "sentinel-1-rtc")]
    assert named[both] == [("0001", "sentinel-2-l2a"), ("0003", "sentinel-2-l2a")]
    assert len(named[()]) == 4


# Refusals.


def refusal(serve, answer, kind, **options):
    service = Service()

    def respond(method, path, parameters):
        if path == "/search":
            service.asked.append((method, parameters))
            return answer
        return service(method, path, parameters)

    with pytest.raises(kind) as caught:
        found(serve, respond, **options)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert message.startswith("127.0.0.1 ")
    assert message.endswith(".")
    assert message.isprintable()
    return message, len(service.asked)


@pytest.mark.parametrize(
    ("answer", "kind", "words", "most"),
    [
        ((401, {"detail": "no\x1b[31m key."}), ConfigError, "401): no\\x1b[31m key: it wants", 1),
        ((403, b"<html>Forbidden</html>"), ConfigError, "(HTTP status 403): it wants cred", 1),
        ((400, {"description": "bad dates"}), ConfigError, "400): bad dates.", 3),
        ((422, {"detail": [{"loc": 1}]}), ConfigError, '422): {"detail"', 3),
        ((429, b"", {"Retry-After": "7200"}), UpstreamError, "it says: after 7200", 2),
        ((429, b""), UpstreamError, "try later.", 2),
        ((503, b""), UpstreamError, "smaller region or period", 16),
        ((200, b"<!doctype html><p>Back soon"), UpstreamError, "a web page, not JSON", 1),
        ((200, {"code": 3, "description": "quota"}), UpstreamError, "other than items: quota.", 1),
        ((200, {"type": "FeatureCollection", "features": {}}), UpstreamError, "than items.", 1),
        ((200, b'{"features": [{"id": "a'), UpstreamError, "breaks off in the midst", 8),
        ((200, b'{"features": [{"id": "a"]]}'), UpstreamError, "not JSON", 1),
    ],
)
def test_services_that_refuse(serve, answer, kind, words, most):
    message, n_asked = refusal(serve, answer, kind)
    assert words in message
    assert n_asked <= most


def test_what_is_said_of_a_refusal_is_that_of_the_first_wording(serve):
    refusals = iter(["of the first", "of the second", "of the third"])

    class Moody(Service):
        def refusal(self, method, parameters):
            return 400, {"description": next(refusals)}

    with pytest.raises(ConfigError, match="of the first"):
        found(serve, Moody())


def test_an_item_without_the_type_of_content_of_json_is_read(serve):
    service = Service()

    def respond(method, path, parameters):
        return *service(method, path, parameters), {"Content-Type": "text/html"}

    assert found(serve, respond) == expected()


def test_pages_without_anything_new_end(serve):
    class Endless(Service):
        def page(self, method, parameters):
            token = parameters.get("token", 0) + 1
            page = super().page(method, {**parameters, "token": 0})
            link = {"rel": "next", "href": "search", "method": "POST", "body": {"token": token}}
            return {**page, "links": [{**link, "merge": True}]}

    service = Endless()
    with pytest.raises(UpstreamError, match="without a new item"):
        found(serve, service)
    assert len(service.asked) == stac_api.MAX_STALE_PAGES + 1


def test_a_link_without_a_body_keeps_the_search(serve, caplog):
    """Or it would ask for everything; and a service that pages in circles is asked by time."""

    class Terse(Service):
        def next(self, method, parameters, token):
            return {"rel": "next", "href": f"search?token={token}", "method": "post"}

    service = Terse()  # looks for its token in bodies only
    assert found(serve, service) == expected()
    assert all(parameters["bbox"] for _, parameters in service.asked)
    assert caplog.text.count("repeats its link") == 1
