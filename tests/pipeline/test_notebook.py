"""What notebooks show: texts as texts, thumbnails, a map, and how a sweep gets on."""

import inspect
import re
import sys
import typing
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import westsea
from westsea import notebook
from westsea.maps import explore
from westsea.notebook import Items
from westsea.plain import plain
from westsea.records import SceneKey
from westsea.tasks import SceneResult, Verdict
from westsea_catalog.errors import ConfigError
from westsea_catalog.notebook import MOST_QUICKLOOKS, MOST_ROWS, table, thumbnail_address
from westsea_catalog.profiles import PROFILES
from westsea_catalog.quicklooks import quicklook

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
    assert repr(planned).startswith("Plan(4 scenes, 0 refused, ")
    assert "undated" in Items([{"id": HOSTILE}])._repr_html_()
    assert "<script" not in Items([{"id": HOSTILE}])._repr_html_()


# Thumbnails


def item(**hrefs):
    return {"id": "i", "assets": {key: {"href": href} for key, href in hrefs.items()}}


def shown_addresses(items, **options):
    return re.findall(r'<img src="([^"]*)"', Items(items, **options)._repr_html_())


def test_an_item_shows_its_own_thumbnail_and_nobody_fetches_it(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket.connect", fail)
    preview = item(rendered_preview="https://a.example.org/p.png?a=1&b=2", thumbnail="s3://b/t.jpg")
    shown = Items([preview, item(B08="https://a.example.org/B08.tif")])._repr_html_()
    assert shown.count("<img") == 1
    assert 'src="https://a.example.org/p.png?a=1&amp;b=2" loading="lazy"' in shown
    assert 'referrerpolicy="no-referrer"' in shown
    assert "<img" not in Items([item(thumbnail="s3://bucket/t.jpg")])._repr_html_()


@pytest.mark.parametrize(
    "href",
    [
        'https://a.example.org/x.png" onerror="alert(1)',
        "https://a.example.org/'><script>alert(1)</script>.png",
    ],
)
def test_addresses_stay_addresses(href):
    shown = Items([item(thumbnail=href)])._repr_html_()
    assert "<script" not in shown
    assert len(re.findall(r'<img src="[^"<>]*" loading="lazy"', shown)) == 1


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "file:///etc/passwd",
        "/etc/passwd", "", None, 3, ["https://a.example.org/x.png"], "https://user:pw@a.example.org/x",
        "http://127.0.0.1/x.png", "http://2130706433/x", "https://192.168.0.1/reboot", "http://router/x",
        "http://[::1]/x", "http://[", "https://a.example.org/\u202ex.png", "https://a.example.org/\nx",
        "https:///x.png", "https://a.example.org/" + "x" * 3000, "vbscript:x", "//a.example.org/x",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_internet_shows_nothing(href):
    assert shown_addresses([item(thumbnail=href)]) == []


def test_a_catalogue_on_a_host_of_ones_own_shows_its_thumbnails():
    href = "http://127.0.0.1:8080/x.png"
    assert shown_addresses([item(thumbnail=href)], catalog="http://127.0.0.1:8080/stac") == [href]
    assert thumbnail_address(item(thumbnail=href), PROFILES["earth-search"]) == ""


def test_items_that_are_none_are_shown_as_texts():
    odd = [{}, {"assets": []}, {"assets": {"thumbnail": HOSTILE}}, {"id": HOSTILE, "assets": None}]
    assert "<script" not in Items(odd)._repr_html_()


def test_files_on_this_machine_have_quicklooks(archive):
    found = westsea.search(str(archive), bbox=[-180, -90, 180, 90], datetime="2017-01-01/..")
    planned = westsea.plan(found, catalog=str(archive))
    scene = planned.scenes[0].scene
    for shown in (found, planned):
        addresses = re.findall(r'<img src="([^"]*)"', shown._repr_html_())
        assert len(addresses) == len(found)
        assert all(each.startswith("data:image/webp;base64,") for each in addresses)
        assert sum(map(len, addresses)) < 200_000
    for shown in (planned.scenes[0], scene):
        assert shown._repr_html_().count("<img") == 1
        assert scene.id in shown._repr_html_()
    assert "<img" not in Items(found)._repr_html_()  # nobody said where their files may be
    many = Items([*found] * 3, str(archive))._repr_html_()
    assert many.count("<img") == MOST_QUICKLOOKS < 3 * len(found)


def test_a_quicklook_is_the_scene_and_small(archive):
    found = westsea.search(str(archive), bbox=[-180, -90, 180, 90], datetime="2017-01-01/..")
    for each in westsea.plan(found, catalog=str(archive)).scenes:
        rows, cols = each.scene.grid.shape
        pixels = quicklook(each.scene).pixels
        assert max(pixels.shape[:2]) == 256
        assert pixels.shape[0] / pixels.shape[1] == pytest.approx(rows / cols, rel=0.02)
        scale = rows / pixels.shape[0]
        image = westsea.cube(each.scene).isel(time=0, band=0).to_numpy()
        bright = np.unravel_index(np.argmax(image), image.shape)
        row, col = (min(int(at / scale), 255) for at in bright)
        near = pixels[max(row - 2, 0) : row + 3, max(col - 2, 0) : col + 3].max(axis=(0, 1))
        assert near.max() > np.median(pixels)


def test_a_scene_that_lies_the_other_way_is_turned_north_up(archive):
    found = westsea.search(str(archive), bbox=[-180, -90, 180, 90], datetime="2017-01-01/..")
    scene = westsea.plan(found, catalog=str(archive)).scenes[0].scene
    upright = quicklook(scene).pixels
    base = scene.grid

    class Turned(type(base)):
        def jacobian(self, row, col):
            return -base.jacobian(row, col)

    turned = Turned(base.epsg, base.transform, base.shape)
    assert np.array_equal(quicklook(replace(scene, grid=turned)).pixels, upright[::-1, ::-1])


def test_files_without_overviews_are_not_decoded_for_a_glance(archive, monkeypatch):
    found = westsea.search(str(archive), bbox=[-180, -90, 180, 90], datetime="2017-01-01/..")
    scene = westsea.plan(found, catalog=str(archive)).scenes[0].scene
    monkeypatch.setattr("westsea_catalog.reader.GLANCE_PX", 1000)
    assert quicklook(scene) is None


def test_quicklooks_that_fail_leave_the_table(own_archive):
    found = westsea.search(str(own_archive), bbox=[-180, -90, 180, 90], datetime="2017-01-01/..")
    for path in own_archive.parent.rglob("*.tif"):
        path.write_bytes(b"II*\0")
    assert "<img" not in found._repr_html_()
    planned = westsea.plan(found, catalog=str(own_archive))
    assert "<img" not in planned._repr_html_()
    assert planned.scenes[0].scene.id in planned._repr_html_()


# How a sweep gets on


class Handle:
    """As IPython's: keeps what it was told to show."""

    def __init__(self, first):
        self.shown = [first]

    def update(self, shown):
        self.shown.append(shown)


@pytest.fixture
def kernel(monkeypatch):
    """A notebook's kernel, as far as a display sees it; the handles of what it displays."""
    handles = []

    def display(shown, *, display_id):
        assert display_id is True
        handles.append(Handle(shown))
        return handles[-1]

    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(HTML=str, display=display))
    return SimpleNamespace(shell=shell, handles=handles)


def test_a_sweep_in_a_notebook_shows_how_it_gets_on(kernel, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(notebook, "SECONDS", 0.0)
    found = westsea.search(str(archive), bbox=[-180, -90, 180, 90], datetime="2017-01-01/..")
    planned = westsea.plan(found[:2], catalog=str(archive))
    westsea.sweep(planned, tmp_path / "out", workers=0)
    [handle] = kernel.handles
    assert "1 of 2 scenes" in handle.shown[0]
    assert "2 of 2 scenes in" in handle.shown[-1]
    assert '<progress value="2" max="2"' in handle.shown[-1]
    westsea.sweep(planned, tmp_path / "out", workers=0)
    assert "2 skipped" in kernel.handles[1].shown[-1]
    own = []
    westsea.sweep(planned, tmp_path / "out", workers=0, progress=lambda *given: own.append(given))
    assert len(own) == 2
    assert len(kernel.handles) == 2


def test_troubles_are_told_as_texts_and_updates_are_few(kernel):
    shown = notebook.progress_display()
    for k in range(40):
        key = SceneKey("c", f"{HOSTILE}{k}", date(2024, 5, 1), "1")
        verdict = Verdict.FAILED if k % 2 else Verdict.EMPTY
        shown(SceneResult(key, verdict, f"{HOSTILE} said"), k + 1, 40)
    [handle] = kernel.handles
    assert len(handle.shown) <= 4  # at the first, and at the last
    last = handle.shown[-1]
    assert "<script" not in last
    assert "40 of 40 scenes" in last
    assert "20 failed" in last
    assert last.count("<tr><td>") == notebook.MOST_TROUBLES
    assert "and 10 more" in last


def test_elsewhere_nothing_is_displayed(kernel, monkeypatch):
    del kernel.shell.kernel  # IPython in a terminal
    assert notebook.progress_display() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert notebook.progress_display() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert notebook.progress_display() is None


# Completion


def test_public_names_are_listed_before_they_are_used():
    assert set(westsea.__all__) <= set(dir(westsea))


def test_public_names_are_annotated():
    for name in westsea.__all__:
        public = getattr(westsea, name)
        calls = {name: public}
        if inspect.isclass(public):
            members = vars(public).items()
            calls |= {f"{name}.{n}": m for n, m in members if n[0] != "_" and callable(m)}
            getters = [(n, m) for n, m in members if isinstance(m, property) and n[0] != "_"]
            calls |= {f"{name}.{n}": m.fget for n, m in getters}
        for called, what in calls.items():
            signature = inspect.signature(what)
            for parameter in signature.parameters.values():
                assert parameter.name == "self" or parameter.annotation is not parameter.empty, (
                    f"{called}({parameter.name})"
                )
            if not inspect.isclass(what):
                assert signature.return_annotation is not signature.empty, called
        if inspect.isfunction(public) and name != "cube":  # xarray is not loaded for its sake
            assert "return" in typing.get_type_hints(public)


# The map


def frames():
    when = pd.Timestamp("2024-05-01", tz="UTC")
    own = {"item_id": [HOSTILE], "datetime": [when]}
    scenes = gpd.GeoDataFrame(
        own | {"n_pairs": [1], "n_detections": [1234]},
        geometry=[shapely.box(123, 37, 124, 38)],
        crs="OGC:CRS84",
    ).rename_geometry("footprint")
    pairs = gpd.GeoDataFrame(
        own
        | {"kind": ["close"], "score": [0.999], "flags": [4], "gap_m": [50.4], "gap_sd_m": [9.6]}
        | {"lon": [123.501], "lat": [37.5]},
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
    # A point, for the line is not seen from afar; and numbers that a person reads.
    assert "[123.501, 37.5]" in page
    assert '"fill": true' in page  # all of it can be pointed at
    for told in ("over 0.99", "50 \\u00b1 10 m", "ambiguity", "1,234"):
        assert told in page, told
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
