"""Accounts of runs: what adds up, and what is taken for a bug."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from westsea.accounts import Report, rounded
from westsea.api import execute, plan, search
from westsea.metrics import write_metrics
from westsea.records import Verdict
from westsea.results import Sweep
from westsea.tasks import (
    Area,
)
from westsea_catalog.errors import ConfigError

WHEN = "2017-10-01/2017-10-31"


@pytest.fixture(scope="module")
def swept(archive, tmp_path_factory):
    """A plan, the report of its sweep, and the folder."""
    items = search(str(archive), aoi="west-sea", datetime=WHEN, offline=True)
    out = tmp_path_factory.mktemp("accounts")
    planned = plan(items, catalog=str(archive), aoi="west-sea")
    return planned, execute(planned, out, workers=0), out


@pytest.fixture
def report(swept):
    """A copy that a test may spoil."""
    found = swept[1]
    return replace(found, km2=dict(found.km2), guessed=set(), results=list(found.results))


def test_ground_is_conserved_to_rounding(swept):
    planned, report, out = swept
    areas = report.areas
    assert sum(areas.values()) == pytest.approx(sum(each.km2 for each in planned.scenes), rel=1e-9)
    assert areas["unread"] == 0
    scenes = Sweep(out).scenes("keep")
    for kind in ("valid", "masked", "nodata"):
        assert areas[kind] == pytest.approx(scenes[f"km2_{kind}"].sum(), rel=1e-9)
    assert str(report) == (
        "4 planned = 3 done + 1 empty + 0 refused + 0 failed + 0 skipped; "
        f"{sum(each.km2 for each in planned.scenes):.0f} km2 = {areas['valid']:.0f} valid + "
        f"{areas['masked']:.0f} masked + {areas['nodata']:.0f} nodata + 0 unread"
    )


def test_what_is_skipped_is_unread(swept):
    planned, _, out = swept
    again = execute(planned, out, workers=0)
    assert again.areas["unread"] == pytest.approx(sum(again.km2.values()))
    assert str(again).endswith("= 0 valid + 0 masked + 0 nodata + 98 unread")


def test_bytes_are_those_of_the_pixels_at_least_and_the_same_each_time(swept, tmp_path):
    planned, report, _ = swept
    again = execute(planned, tmp_path, workers=0)
    assert [each.cost.n_bytes for each in again.results] == [
        each.cost.n_bytes for each in report.results
    ]
    for each, result in zip(planned.scenes, report.results, strict=True):
        assert result.cost.n_bytes >= each.bytes
        assert set(result.cost.seconds) == {"summarise", "judge", "commit"}


@pytest.mark.parametrize(
    ("area", "said"),
    [(None, "of 4 scenes have an end"), (Area(1.0, 0.0, 0.0), "km2, and 1.0 were read")],
)
def test_what_does_not_add_up_is_a_bug(report, area, said):
    last = report.results.pop()
    if area:
        report.results.append(replace(last, area=area))
    with pytest.raises(ArithmeticError, match=said):
        report.check()


def test_a_scene_that_counts_twice_is_a_bug(report):
    report.results[-1] = report.results[0]
    with pytest.raises(ArithmeticError, match="searched twice"):
        report.check()


def test_an_area_that_was_a_guess_is_what_was_read(swept, report):
    first, *others = swept[1].results
    report.guessed = {first.key}
    report.km2[first.key] *= 1.2
    report.results = others
    report.add(first)
    assert report.km2[first.key] == first.area.total
    report.check()


@given(st.lists(st.floats(0, 1e6), min_size=4, max_size=4))
def test_rounded_parts_add_up(parts):
    total = round(sum(parts))
    found = rounded(dict(zip("abcd", parts, strict=True)), total)
    assert sum(found.values()) == total
    assert all(abs(found[name] - part) <= 1 for name, part in zip("abcd", parts, strict=True))


def test_metrics_are_read_by_prometheus(swept, tmp_path):
    path = tmp_path / "deep" / "westsea.prom"
    write_metrics(swept[1].totals(), path)
    families = {each.name: each for each in text_string_to_metric_families(path.read_text())}
    scenes = {each.labels["verdict"]: each.value for each in families["westsea_run_scenes"].samples}
    assert scenes == {str(verdict): swept[1].count(verdict) for verdict in Verdict}
    assert families["westsea_run_sealed_timestamp_seconds"].samples[0].value > 1e9
    assert families["westsea_run_read_bytes"].samples[0].value == swept[1].cost.n_bytes
    labels = {
        name for each in families.values() for sample in each.samples for name in sample.labels
    }
    assert labels == {"verdict", "kind", "stage"}
    assert [each.name for each in path.parent.iterdir()] == ["westsea.prom"]


def test_metrics_that_cannot_be_written(swept, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Metrics cannot be written"):
        write_metrics(swept[1].totals(), tmp_path / "file" / "westsea.prom")


def test_a_stopped_run_says_what_is_unfinished(report):
    report.results.pop()
    document = json.loads(json.dumps(report.document()))
    assert document["unfinished"] == 1
    assert isinstance(report, Report)
