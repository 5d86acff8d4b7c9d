"""What notebooks show: everything as text, and a map where folium is."""

import sys

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import westsea
from westsea.maps import explore
from westsea.notebook import MOST_ROWS, Items, table
from westsea.plain import plain
from westsea_catalog.errors import ConfigError

HOSTILE = "<script>alert(1)</script>"


def test_tables_hold_texts_alone():
    shown = table("<b>", ["<i>"], [[HOSTILE]] * (MOST_ROWS + 3))
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "<script" not in shown
    assert shown.count("<tr><td>") == MOST_ROWS
    assert "and 3 more" in shown


def test_searches_and_plans_show_what_they_hold(archive):
    found = westsea.search(str(archive), bbox=[-180, -90, 180, 90], datetime="2017-01-01/..")
    assert isinstance(found, Items)
    assert isinstance(found, list)
    shown = found._repr_html_()
    assert f"<caption>{len(found)} items</caption>" in shown
    assert found[0]["id"] in shown
    planned = westsea.plan(found, catalog=str(archive))
    assert planned.scenes[0].scene.id in planned._repr_html_()
    assert "4 scenes, 0 refused" in planned._repr_html_()
    assert "undated" in Items([{"id": HOSTILE}])._repr_html_()
    assert "<script" not in Items([{"id": HOSTILE}])._repr_html_()


def frames():
    when = pd.Timestamp("2024-05-01", tz="UTC")
    own = {"item_id": [HOSTILE], "datetime": [when]}
    scenes = gpd.GeoDataFrame(
        own | {"n_pairs": [1]}, geometry=[shapely.box(123, 37, 124, 38)], crs="OGC:CRS84"
    ).rename_geometry("footprint")
    pairs = gpd.GeoDataFrame(
        own | {"kind": ["close"], "score": [0.5], "flags": [4], "gap_m": [50.0]},
        geometry=[shapely.LineString([(123.5, 37.5), (123.502, 37.5)])],
        crs="OGC:CRS84",
    )
    return scenes, pairs


def test_the_map():
    scenes, pairs = frames()
    page = explore(scenes, pairs).get_root().render()
    assert "123.502" in page
    assert HOSTILE not in page
    assert "[[37.0, 123.0], [38.0, 124.0]]" in page
    assert explore(scenes.iloc[:0], pairs.iloc[:0]).get_root().render()
    assert plain(scenes).crs.to_epsg() == 4326


def test_without_folium(monkeypatch):
    monkeypatch.setitem(sys.modules, "folium", None)
    with pytest.raises(ConfigError, match=r"westsea\[explore\]"):
        explore(*frames())


def test_words_that_are_almost_right(cli, archive):
    done = cli("swep")
    assert done.code == 2
    where = ("--bbox=120,30,130,40", "--datetime=2017-01-01/..")
    done = cli("search", "--catalog", "earth-serch", *where)
    assert done.code == 2
    assert "did you mean earth-search?" in done.err
    done = cli("search", "--catalog", archive, "-c", "sentinel-1-rct", *where)
    assert done.code == 0
    assert "did you mean sentinel-1-rtc?" in done.err


def test_completion(cli, monkeypatch):
    monkeypatch.setenv("_WESTSEA_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "westsea search --catalog plan")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert cli().out.split() == ["plain,planetary-computer"]
    monkeypatch.setenv("COMP_WORDS", "westsea pers")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert cli().out.split() == ["plain,persist"]
