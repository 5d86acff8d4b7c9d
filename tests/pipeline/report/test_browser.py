"""The page as a person has it: Chromium, a file, no network."""

import json
import re

import pytest

from westsea.report import write
from westsea.results import Sweep

DRAWN = """id => {
    const canvas = [...document.querySelectorAll(`#${id} canvas`)];
    return canvas.some(each => {
        const pixels = each.getContext("2d").getImageData(0, 0, each.width, each.height).data;
        return pixels.some((value, k) => k % 4 === 3 && value > 0);
    });
}"""


def outside(requests):
    return [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]


def chosen(tab):
    return tab.locator("[role=option][aria-selected=true]")


def id_of(tab):
    return tab.locator("#detail .title .id").inner_text()


def test_the_page_draws_filters_and_takes_verdicts(visit, page, swept, tmp_path):
    seen = visit(page)
    tab, pairs = seen.tab, Sweep(swept).pairs()
    assert tab.locator("[role=option]").count() == len(pairs) > 1
    assert tab.evaluate(DRAWN, "map")
    assert tab.locator(".chip img").first.evaluate("image => image.naturalWidth") > 30
    scores = tab.locator("[role=option] .score").all_inner_texts()
    assert scores == sorted(scores, key=lambda text: float(text.lstrip(">")), reverse=True)
    # by key: down, verdict, reload
    tab.keyboard.press("j")
    assert chosen(tab).get_attribute("id") == "row-1"
    second = id_of(tab)
    tab.keyboard.press("f")
    tab.locator("#reason").select_option("wake")
    tab.locator("#note").fill("crest, =1+1")
    tab.keyboard.press("Escape")
    tab.keyboard.press("k")
    tab.keyboard.press("Shift+T")
    assert chosen(tab).get_attribute("id") == "row-1"
    assert tab.locator("#progress").inner_text().startswith("2 of ")
    tab.reload()
    tab.wait_for_selector("body[data-ready]")
    assert id_of(tab) == second
    assert tab.locator("[data-verdict=false]").get_attribute("aria-pressed") == "true"
    assert tab.locator("#note").input_value() == "crest, =1+1"
    # export, import, next report
    with tab.expect_download() as download:
        tab.keyboard.press("e")
    saved = tmp_path / "labels.json"
    download.value.save_as(saved)
    labels = {label["pair_id"]: label for label in json.loads(saved.read_text())["labels"]}
    assert len(labels) == 2
    assert (labels[second]["verdict"], labels[second]["reason"]) == ("false", "wake")
    # filters
    tab.keyboard.press("/")
    tab.keyboard.type(second)
    assert tab.locator("[role=option]:visible").count() == 1
    tab.locator("#f-reset").click()
    for kind in ("close", "alongside"):
        tab.locator("#f-kind").select_option(kind)
        n = int((pairs["kind"] == kind).sum())
        assert tab.locator("[role=option]:visible").count() == n
        said = f"{n} of {len(pairs)} pairs" if n < len(pairs) else f"{n} pairs"
        assert tab.locator("#shown").inner_text() == said
    assert outside(seen.requests) == []
    assert seen.complaints == []


def test_verdicts_come_back_in_the_next_report(visit, own, page, tmp_path):
    tab = visit(page).tab
    name = id_of(tab)
    tab.keyboard.press("t")
    with tab.expect_download() as download:
        tab.locator("#export").click()
    download.value.save_as(tmp_path / "labels.json")
    done = Sweep(own).import_labels(tmp_path / "labels.json", "N. N.")
    assert (done.n_labels, done.n_unknown, done.is_new) == (1, 0, True)
    again = visit(write(str(own)).path).tab
    assert id_of(again) == name
    assert again.locator("[data-verdict=true]").get_attribute("aria-pressed") == "true"
    assert "by N. N." in again.locator("#judge .said").inner_text()
    again.locator("#precision summary").click()
    assert "100 %" in again.locator("#bins").inner_text()


def test_whoever_judges_by_a_button_stays_at_it(visit, page):
    tab = visit(page).tab
    tab.locator("[data-verdict=unsure]").focus()
    for key in ("Enter", "Shift+Tab", "Enter"):
        tab.keyboard.press(key)
    assert tab.evaluate("document.activeElement.dataset.verdict") == "false"
    pressed = tab.locator("#judge [aria-pressed=true]")
    assert pressed.count() == 1
    assert pressed.get_attribute("data-verdict") == "false"


def test_the_run_page(visit, page):
    seen = visit(page)
    seen.tab.keyboard.press("2")
    text = seen.tab.locator("#page-run").inner_text()
    assert "4 planned = 3 done + 1 empty + 0 refused + 0 failed + 0 skipped ✓" in text
    assert seen.tab.locator(".timeline circle").count() == 4
    assert seen.tab.evaluate(DRAWN, "run-map")
    assert seen.complaints == []


def test_the_run_page_tells_what_ended_a_run(visit, own, tmp_path):
    [record] = (own / "runs").iterdir()
    ended = json.loads(record.read_text()) | {"error": "ConfigError"}
    (own / "runs/z.json").write_text(json.dumps(ended))
    seen = visit(write(str(own), tmp_path / "report.html").path)
    seen.tab.keyboard.press("2")
    told = seen.tab.locator("#page-run .conservation").all_inner_texts()
    assert [", ended by ConfigError" in line for line in told] == [False, True]
    assert seen.tab.locator("#page-run td", has_text="ConfigError").count() == 1


def test_hostile_texts_stay_texts(visit, hostile):
    seen = visit(write(str(hostile)).path)
    tab = seen.tab
    assert tab.locator("[role=option]").count() == 3
    assert "onerror=hacked=1" in tab.locator("#detail").inner_text()
    tab.keyboard.press("2")
    assert "onerror=hacked=1" in tab.locator("#page-run").inner_text()
    assert tab.evaluate("typeof hacked") == "undefined"
    assert tab.locator("img[src=x]").count() == 0
    assert outside(seen.requests) == []
    assert seen.complaints == []


def test_without_scripts_there_is_a_map_and_a_table(visit, page, hostile):
    tab = visit(page, java_script_enabled=False).tab
    assert tab.locator("svg.overview circle").count() == tab.locator("tbody tr").count() > 1
    assert not tab.locator("#page-pairs").is_visible()
    tab = visit(write(str(hostile)).path, java_script_enabled=False).tab
    assert "onerror=hacked=1" in tab.locator("table").inner_text()
    assert tab.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_serious(visit, page, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    size = {"width": width, "height": 900}
    # What this lets past the policy is axe's own script alone.
    tab = visit(page, viewport=size, color_scheme=scheme, bypass_csp=True).tab
    for key in ("1", "2"):
        tab.keyboard.press(key)
        found = axe.run(tab).response["violations"]
        bad = [
            (each["id"], [node["html"] for node in each["nodes"]][:3])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert bad == []
    tab.keyboard.press("?")
    assert tab.locator("#help").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pictures_say_what_they_show(visit, page):
    tab = visit(page, reduced_motion="reduce").tab
    assert tab.locator("h1").count() == 1
    for image in tab.locator(".chip img").all():
        assert re.search(r"chip, \d+ m wide: (close|alongside) pair", image.get_attribute("alt"))
