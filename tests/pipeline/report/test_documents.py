"""What a report tells: every pair, its numbers and why, with or without pixels."""

import hashlib
import json
import re
import shutil
from base64 import b64encode
from importlib.resources import files

import pytest
import shapely
from click.testing import CliRunner

from westsea import cli, words
from westsea.report import documents, pages, scenes, write
from westsea.results import Sweep
from westsea.schema import FLAG_MEANINGS
from westsea_catalog.errors import ConfigError, UsageError

LEAFLET = files("westsea.report") / "assets/leaflet"


@pytest.fixture(scope="module")
def shown(swept):
    return documents.document(str(swept))


def run(*arguments):
    return CliRunner().invoke(cli.main, [str(each) for each in arguments])


def test_every_pair_is_there_with_pixels_best_first(shown, swept):
    pairs = Sweep(swept).pairs()
    assert {pair["id"] for pair in shown["pairs"]} == set(pairs["pair_id"])
    scores = [pair["score"] for pair in shown["pairs"]]
    assert scores == sorted(scores, reverse=True)
    by_id = pairs.set_index("pair_id")
    for pair in shown["pairs"]:
        row = by_id.loc[pair["id"]]
        assert pair["gap"] is None or pair["gap"] == pytest.approx(row["gap_m"], abs=0.06)
        bands = [picture["name"] for picture in pair["chip"]["pictures"]]
        source = shown["sources"][pair["source"]]
        assert bands == (["true colour", "B08"] if source["kind"] == "optical" else source["bands"])
        assert source["item"] == row["item_id"]
        assert source["credit"] == scenes.BUILT_IN
        assert pair["why"]
        assert pair["settle"]
        assert set(pair["flags"]) <= set(shown["flags"])


def test_the_gap_line_joins_outlines_and_is_as_long_as_the_gap(shown):
    seen = 0
    for pair in shown["pairs"]:
        chip = pair["chip"]
        if len(chip["outlines"]) < 2 or not chip["gap"]:
            continue
        seen += 1
        line = shapely.LineString(chip["gap"])
        assert line.length == pytest.approx(pair["gap"], abs=max(2.0, 0.05 * pair["gap"]))
        for outline in chip["outlines"]:
            assert shapely.Polygon(outline).distance(line) < 0.2
            assert max(abs(v) for point in outline for v in point) < chip["reach"]
    assert seen


def test_a_report_without_pixels_is_written_and_says_so(own, tmp_path):
    shutil.rmtree(own / "items")
    done = run("report", own, "-o", tmp_path / "r.html")
    assert done.exit_code == 0, done.output
    shown = documents.document(str(own))
    assert {pair["chip"]["reason"] for pair in shown["pairs"]} == {scenes.NO_ITEM}
    assert all(pair["chip"]["outlines"] for pair in shown["pairs"])


def test_missing_files_are_told_on_the_chip(own):
    for path in (own / "items").rglob("*.json"):
        path.write_text(path.read_text().replace(".tif", "-gone.tif"))
    shown = documents.document(str(own))
    assert all("could not be read" in pair["chip"]["reason"] for pair in shown["pairs"])


def test_items_of_a_file_bring_the_pixels_back(own, archive, tmp_path):
    from westsea.api import search

    shutil.rmtree(own / "items")
    found = search(str(archive), aoi="west-sea", datetime="2017-10-01/2017-10-31", offline=True)
    (tmp_path / "items.json").write_text(
        json.dumps({"type": "FeatureCollection", "features": found})
    )
    options = ("--items", tmp_path / "items.json", "--catalog", archive)
    done = run("report", own, "-o", tmp_path / "r.html", *options)
    assert done.exit_code == 0, done.output
    assert "without pixels" not in done.output
    assert run("report", own, "--catalog", archive).exit_code == 2


def test_the_same_tables_make_the_same_page(swept, page, tmp_path):
    again = write(str(swept), tmp_path / "again.html").path
    assert again.read_bytes() == page.read_bytes()


def test_a_sweep_without_pairs_or_scenes_has_a_report(tmp_path):
    from westsea.records import Parameters
    from westsea.store import Store

    Store.open(tmp_path, Parameters("1", {}, None, "coast", "even"))
    assert write(str(tmp_path)).n_pairs == 0


def test_what_cannot_be_is_told(tmp_path, swept):
    with pytest.raises(ConfigError, match="no results"):
        write(str(tmp_path))
    with pytest.raises(UsageError, match="cannot be written"):
        write(str(swept), tmp_path / "absent" / "r.html")
    assert run("report", tmp_path).exit_code == 4


def test_leaflet_is_as_it_was_published():
    sums = dict(line.split()[::-1] for line in (LEAFLET / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == {"leaflet.js", "leaflet.css", "LICENSE"}
    for name, digest in sums.items():
        assert hashlib.sha256((LEAFLET / name).read_bytes()).hexdigest() == digest
    assert "Leaflet 1.9.4" in (LEAFLET / "leaflet.js").read_text()[:100]


def test_a_script_calls_only_those_before_it():
    own = [name for name in pages.SCRIPTS if not name.startswith("leaflet/")]
    assert sorted(own) == sorted(path.name for path in pages.ASSETS.glob("*.js"))
    for k, name in enumerate(own[:-1]):
        later = "|".join(each.removesuffix(".js") for each in own[k + 1 :])
        text = (pages.ASSETS / name).read_text("utf-8")
        assert not re.findall(rf"(?<![\w.])(?:{later})\b\.\w+", text), name


def test_the_page_may_load_nothing_and_run_only_its_own(page):
    text = page.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith(
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
    )
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        for body in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S):
            digest = b64encode(hashlib.sha256(body.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
    assert not re.search(r"<(link|iframe|object|embed|base|form action)", text)
    assert not re.search(
        r'\s(src|href)="(?!#|data:)', re.sub(r"<script.*?</script>", "", text, flags=re.S)
    )


@pytest.mark.parametrize(
    "text", ["</script>", "<!--<script>", "\u2028\u2029", "&lt;", "\ud800", "%data%"]
)
def test_data_cannot_leave_its_element(text):
    found = pages.embedded({"a": text})
    assert not set("<>&\u2028\u2029") & set(found)
    assert json.loads(found)["a"] == text.replace("\ud800", "?")


def test_every_flag_is_explained_and_none_twice():
    flags = words.flag_document()
    assert [flag["meaning"] for flag in flags.values()] == list(FLAG_MEANINGS.values())
    assert flags["edge"]["doubt"]
    assert not flags["tow"]["doubt"]


@pytest.mark.parametrize(
    ("lon", "clock"),
    [
        (120.0, "2017-10-13 05:49 UTC+8"),
        (125.0, "2017-10-13 06:49 UTC+9"),
        (-90.0, "2017-10-12 15:49 UTC-6"),
    ],
)
def test_local_time(lon, clock):
    from datetime import UTC, datetime

    assert words.local_time(datetime(2017, 10, 12, 21, 49, tzinfo=UTC), lon) == clock


def test_uncertainty_is_told_with_every_length():
    assert words.metres(311.5, 19.4) == "312 ± 19 m"
    assert words.metres(8.04, 0.42) == "8.0 ± 0.4 m"
    assert words.metres(311.5, 2e6) == "312 m (unsure)"
    assert words.metres(None) == "not resolved"
    assert words.metres(50_000.0) == "50 km or more"


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("vv.tif could not be read: the server answered 403.", "keys"),
        ("vv.tif could not be read: the server answered 503.", "The service failed"),
        ("the workers that had it died, as they do where memory runs out.", "memory"),
        ("ZeroDivisionError: division by zero", "report it"),
    ],
)
def test_failures_come_with_advice(reason, advice):
    assert advice in words.advice(reason)


def test_inspect_prints_and_draws_a_pair(swept, tmp_path, shown):
    pair = shown["pairs"][0]
    done = run("inspect", swept, pair["id"][:12], "-o", tmp_path / "pair.png")
    assert done.exit_code == 0, done.output
    assert f"pair {pair['id']}: {pair['kind']}, gap {pair['gap_words']}" in done.output
    assert pair["why"][0] in done.output
    assert (tmp_path / "pair.png").read_bytes().startswith(b"\x89PNG")
    assert run("inspect", swept, "zz").exit_code == 2
    assert run("inspect", swept, "").exit_code == 2


def test_labels_by_the_command_line(own, tmp_path, shown):
    pair = shown["pairs"][0]
    label = {
        "pair_id": pair["id"],
        "detect_id_1": pair["detect_ids"][0],
        "detect_id_2": pair["detect_ids"][1],
        "verdict": "false",
        "reason": "anchorage",
        "time": "2024-05-01T10:00:00Z",
    }
    file = tmp_path / "labels.json"
    other = {**label, "pair_id": "0" * 20, "detect_id_1": "1" * 20}
    file.write_text(json.dumps({"westsea_labels": 1, "labels": [label, other]}))
    assert run("label", "import", own, file).exit_code == 2
    done = run("label", "import", own, file, "--reviewer", "N. N.")
    assert done.stdout == f"2 labels, 1 on pairs that {own} does not hold\n"
    assert "already" in run("label", "import", own, file, "--reviewer", "N. N.").stdout
    exported = json.loads(run("label", "export", own).stdout)
    assert [each["reviewer"] for each in exported["labels"]] == ["N. N.", "N. N."]
    assert documents.document(str(own))["pairs"][0]["label"]["verdict"] == "false"
    file.write_text("{}")
    assert run("label", "import", own, file, "--reviewer", "N. N.").exit_code == 4
