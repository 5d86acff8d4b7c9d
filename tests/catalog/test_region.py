"""Regions and periods: what is accepted, and what is refused in one sentence."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from westsea_catalog.errors import UsageError
from westsea_catalog.region import PRESETS, Period, Region, current_time, parse_time, rfc3339


def refusal(call, *args, **kwargs):
    with pytest.raises(UsageError) as caught:
        call(*args, **kwargs)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def write(tmp_path, content):
    path = tmp_path / "area.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def square(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.mark.parametrize("text", ["118,33,127,41", " 118, 33 ,127 , 41", [118, 33, 127, 41]])
def test_a_box_of_text_or_numbers(text):
    region = Region.from_bbox(text)
    assert region.bbox == (118, 33, 127, 41)
    assert region.name == "118,33,127,41"
    assert region.is_box


@pytest.mark.parametrize("text", ["-180,-80,180,80", "-180,-90,180,90", "0,0,1e-9,1e-9"])
def test_the_largest_and_smallest_boxes_are_valid(text):
    assert Region.from_bbox(text).geometry.area > 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1,2,3", "four numbers"),
        ("1,2,3,4,5", "four numbers"),
        ("", "four numbers"),
        ("a,b,c,d", "four numbers"),
        ("nan,0,1,1", "four numbers"),
        ("0,0,inf,1", "four numbers"),
        ((1, 2, None, 4), "four numbers"),
        ("-181,0,1,1", "leaves the world"),
        ("0,0,1,90.001", "leaves the world"),
        ("0,10,1,5", "south above its north"),
        ("5,5,5,6", "no area"),
        ("5,5,6,5", "no area"),
    ],
)
def test_bad_boxes_are_refused(text, reason):
    assert reason in refusal(Region.from_bbox, text)


def test_a_box_across_180_degrees_is_two():
    region = Region.from_bbox("170,-10,-170,10")
    first, second = Region.from_bbox("170,-10,180,10"), Region.from_bbox("-180,-10,-170,10")
    assert first.geometry.area == second.geometry.area == 200
    assert region.geometry.equals(shapely.union(first.geometry, second.geometry))
    assert set(region.boxes(2)) == {first.bbox, second.bbox}
    assert region.is_box
    assert region.name == "170,-10,-170,10"
    for text, box in (("180,0,-170,1", (-180, 0, -170, 1)), ("170,0,-180,1", (170, 0, 180, 1))):
        assert Region.from_bbox(text).boxes(2) == (box,)
    assert "no area" in refusal(Region.from_bbox, "180,0,-180,1")


def test_a_box_around_most_of_the_world_says_how_to_cut_it():
    """West and east are more likely to have been confused."""
    message = refusal(Region.from_bbox, "127,33,118,41")
    first, second = "127,33,180,41", "-180,33,118,41"
    assert first in message
    assert second in message


def test_the_boxes_of_an_area(tmp_path):
    squares = [square(x, 0, x + 1, 1) for x in (10, 20, 30, -20, -10)]
    collection = {"type": "GeometryCollection", "geometries": squares}
    region = Region.from_geojson(write(tmp_path, collection))
    assert len(region.boxes(5)) == 5
    assert set(region.boxes(4)) == {(10, 0, 31, 1), (-20, 0, -9, 1)}
    assert not region.is_box


def test_the_preset_and_the_unknown_area():
    assert Region.from_aoi("west-sea").bbox == PRESETS["west-sea"] == (118, 33, 127, 41)
    assert "west-sea" in refusal(Region.from_aoi, "east-sea")


def test_geojson_of_every_kind_gives_the_same_area(tmp_path):
    polygon = square(124, 37, 125, 38)
    feature = {"type": "Feature", "properties": {}, "geometry": polygon}
    kinds = [polygon, feature, {"type": "FeatureCollection", "features": [feature, feature]}]
    for kind in kinds:
        region = Region.from_geojson(write(tmp_path, kind))
        assert region.bbox == (124, 37, 125, 38)
        assert region.geometry.area == pytest.approx(1)
        assert region.name == "area"


def test_separate_polygons_join_and_heights_are_dropped(tmp_path):
    high = {"type": "Polygon", "coordinates": [[[0, 0, 5], [1, 0, 5], [0, 1, 5], [0, 0, 5]]]}
    other = {"type": "MultiPolygon", "coordinates": [square(10, 0, 11, 1)["coordinates"]]}
    features = [{"type": "Feature", "geometry": g, "properties": {}} for g in (high, other)]
    path = write(tmp_path, {"type": "FeatureCollection", "features": features})
    region = Region.from_geojson(path)
    assert region.geometry.area == pytest.approx(1.5)
    assert not region.geometry.has_z
    assert not region.is_box


BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not json", "not GeoJSON"),
        ("[" * 100_000, "not GeoJSON"),
        ("{}", "not GeoJSON"),
        ("[]", "not GeoJSON"),
        ({"type": "Polygon", "coordinates": [[["x", 0]]]}, "not GeoJSON"),
        ({"type": "Feature", "properties": {}, "geometry": None}, "not GeoJSON"),
        ({"type": "FeatureCollection", "features": []}, "no polygon"),
        ({"type": "Point", "coordinates": [1, 2]}, "no polygon"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        (BOW_TIE, "not a valid polygon"),
        (square(170, 0, 190, 1), "leaves the world"),
    ],
)
def test_bad_geojson_is_refused(tmp_path, content, reason):
    assert reason in refusal(Region.from_geojson, write(tmp_path, content))


def test_a_folder_is_not_an_area(tmp_path):
    assert "cannot be read" in refusal(Region.from_geojson, tmp_path)


def utc(*args):
    return datetime(*args, tzinfo=UTC)


END_OF_DAY = timedelta(days=1) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2017-10-18/2017-10-19", utc(2017, 10, 18), utc(2017, 10, 19) + END_OF_DAY),
        ("2017-10-19", utc(2017, 10, 19), utc(2017, 10, 19) + END_OF_DAY),
        ("2017-10-19/..", utc(2017, 10, 19), None),
        ("../2017-10-19", None, utc(2017, 10, 19) + END_OF_DAY),
        ("/2017-10-19", None, utc(2017, 10, 19) + END_OF_DAY),
        (
            "2017-10-19T09:00:00+09:00/2017-10-19T00:30:00.25z",
            utc(2017, 10, 19),
            utc(2017, 10, 19, 0, 30, 0, 250000),
        ),
    ],
)
def test_periods(text, start, end):
    assert Period.parse(text) == Period(start, end)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2017-10-19/2017-10-18", "ends before it begins"),
        ("2017-10-19T00:00:00/2017-10-20", "write 2017-10-19T00:00:00Z"),
        ("../..", "open at both ends"),
        ("", "open at both ends"),
        ("2017-13-01/2017-10-18", "not a date"),
        ("2017-02-30", "not a date"),
        ("yesterday", "not a date"),
        ("2017", "not a date"),
        ("a/b/c", "not a period"),
        ("0001-01-01T00:00:00+09:00/..", "not a date"),
    ],
)
def test_bad_periods_are_refused(text, reason):
    assert reason in refusal(Period.parse, text)


def test_a_period_contains_both_ends():
    period = Period.parse("2017-10-18/2017-10-19")
    assert period.contains(utc(2017, 10, 18))
    assert period.contains(utc(2017, 10, 19, 23, 59, 59, 999999))
    assert not period.contains(utc(2017, 10, 20))
    assert not period.contains(utc(2017, 10, 17, 23, 59, 59))
    assert Period.parse("../2017-10-19").contains(utc(1, 1, 1))


def test_the_interval_reads_back():
    for text in ("2017-10-18/2017-10-19", "2017-10-18/..", "../2017-10-19"):
        period = Period.parse(text)
        assert Period.parse(period.interval) == period
    assert Period.parse("2017-10-18/..").interval == "2017-10-18T00:00:00Z/.."


@pytest.mark.parametrize("text", ["2017-10-01/2017-10-31", "../2017-10-31", "2017-10-01/.."])
def test_halves_share_an_instant_and_leave_nothing_out(text, monkeypatch):
    monkeypatch.setenv("WESTSEA_NOW", "2017-11-01")
    period = Period.parse(text)
    first, second = period.halves()
    assert (first.start, second.end) == (period.start, period.end)
    assert first.end == second.start
    assert first.end.microsecond == 0
    assert first.contains(first.end)
    assert second.contains(first.end)


def test_halving_ends():
    period, count = Period.parse("2017-10-01/2017-10-31"), 0
    while (halves := period.halves()) is not None:
        period, count = halves[count % 2], count + 1
    assert 15 < count < 25  # 30 days are 2.6 million seconds
    assert Period.parse("../2000-01-01").halves() is None


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P3D", timedelta(days=3)),
        ("P2W", timedelta(weeks=2)),
        ("PT36H", timedelta(hours=36)),
        ("P1DT12H", timedelta(hours=36)),
    ],
)
def test_last_counts_back_from_now(text, length):
    now = utc(2017, 10, 19, 6)
    assert Period.last(text, now) == Period(now - length, now)


@pytest.mark.parametrize("text", ["P", "PT", "P0D", "3D", "P1M", "P-1D", "P1Y", "", "P99999999D"])
def test_bad_lengths_are_refused(text):
    assert "P3D" in refusal(Period.last, text, utc(2017, 10, 19))


def test_a_length_that_leaves_the_calendar_is_refused():
    assert "year 1" in refusal(Period.last, "P99999D", utc(100, 1, 1))


def test_now_is_westsea_now_where_set(monkeypatch):
    monkeypatch.setenv("WESTSEA_NOW", "2017-10-20T00:00:00Z")
    assert current_time() == utc(2017, 10, 20)
    assert Period.last("P1D") == Period(utc(2017, 10, 19), utc(2017, 10, 20))
    monkeypatch.setenv("WESTSEA_NOW", "2017-10-20T00:00:00")
    assert "time zone" in refusal(current_time)
    monkeypatch.setenv("WESTSEA_NOW", "..")
    assert "WESTSEA_NOW" in refusal(current_time)
    monkeypatch.delenv("WESTSEA_NOW")
    assert abs(current_time() - datetime.now(UTC)) < timedelta(minutes=1)


OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS))
def test_times_survive_being_written_and_read(when):
    assert parse_time(rfc3339(when)) == when
    assert parse_time(when.isoformat(" ")) == when
    assert parse_time(when.isoformat(" ")).tzinfo is UTC


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_value_error(text):
    try:
        parse_time(text)
    except ValueError:
        return
