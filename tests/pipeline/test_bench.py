"""The bench of detection: its recipes on seas of known statistics, its scores, its command."""

import dataclasses
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from westsea.bench import baselines, detection, plots, recipes, report
from westsea.bench.detection import OURS, Row, Setting
from westsea.bench.recipes import BACKGROUND_PX, GUARD_PX, RECIPES, Moments, Rings
from westsea.bench.scores import (
    Comparison,
    Counts,
    Tally,
    alongside_pairs,
    close_pairs,
    distances,
    match,
)
from westsea.bench.truth import Truth
from westsea.detector import Detector
from westsea.schema import Flag
from westsea_catalog.archive import scenes, writer
from westsea_catalog.archive.formations import Planting
from westsea_catalog.errors import ConfigError, UsageError

DEGREE_M = 111_000.0  # of latitude, near enough
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
LOOKS = 4.4


def rng(seed=0):
    return np.random.default_rng(seed)


# The classic recipes


@given(
    values=arrays.arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 12)),
                         elements=st.integers(-9, 9)),
    side=st.sampled_from([1, 3, 5, 9]),
)  # fmt: skip
def test_box_sums_are_sums_over_boxes(values, side):
    reach = side // 2
    rows, cols = values.shape
    expected = [
        [values[max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1].sum()
         for j in range(cols)]
        for i in range(rows)
    ]  # fmt: skip
    np.testing.assert_array_equal(recipes.box_sum(values, side), expected)


def test_ring_moments_are_those_of_the_valid_pixels_of_the_ring():
    plane = rng().gamma(3.0, 2.0, (100, 110))
    valid = rng(1).random(plane.shape) < 0.8
    ((_, around),) = Rings([plane], valid).intensities
    rows, cols = np.indices(plane.shape)
    for row, col in ((50, 50), (45, 60), (0, 109)):
        reach = np.maximum(abs(rows - row), abs(cols - col))
        ring = plane[valid & (reach > GUARD_PX // 2) & (reach <= BACKGROUND_PX // 2)]
        assert around.mean[row, col] == pytest.approx(ring.mean())
        assert around.variance[row, col] == pytest.approx(ring.var())


def test_without_sea_around_there_is_no_threshold():
    plane, valid = rng().random((100, 100)), np.zeros((100, 100), bool)
    assert np.isnan(Rings([plane], valid).intensities[0][1].mean).all()
    valid[:10, :25] = True  # fewer than LEAST_RING_PIXELS
    for recipe in RECIPES:
        assert not any(above.any() for _, above in recipe.exceedances(Rings([plane], valid)))


def moments(mean, variance):
    return Moments(np.array([mean]), np.array([variance]))


def test_the_gaussian_threshold_keeps_its_rate_on_gaussian_seas():
    plane = rng().normal(10.0, 2.0, (1000, 1000))
    ((_, around),) = Rings([plane], np.ones(plane.shape, bool)).intensities
    for rate in (1e-2, 1e-3, 1e-4):
        share = (plane > recipes.gaussian_threshold(around, rate)).mean()
        assert share == pytest.approx(rate, rel=0.05 + 3 / np.sqrt(rate * plane.size))
    assert recipes.gaussian_threshold(moments(5.0, 4.0), 1e-9)[0] == pytest.approx(5 + 2 * 5.9978)


def k_clutter(order, n):
    texture = rng(1).gamma(order, 1 / order, n) if np.isfinite(order) else 1.0
    return texture * rng(2).gamma(LOOKS, 1 / LOOKS, n)


@pytest.mark.parametrize("order", [2.0, 8.0, np.inf])
@pytest.mark.parametrize("rate", [1e-2, 1e-4])
def test_the_k_threshold_keeps_its_rate_on_k_clutter(order, rate):
    clutter = 0.03 * k_clutter(order, 3_000_000)
    share = (clutter > recipes.k_threshold(moments(clutter.mean(), clutter.var()), rate)).mean()
    assert share == pytest.approx(rate, rel=0.25)


def test_the_gaussian_threshold_is_far_off_on_k_clutter():
    clutter = k_clutter(8.0, 3_000_000)
    around = moments(clutter.mean(), clutter.var())
    assert (clutter > recipes.gaussian_threshold(around, 1e-6)).mean() > 300e-6


@pytest.mark.parametrize("name", ["two-parameter CFAR", "K-moment"])
def test_ships_in_the_ring_raise_thresholds_from_moments(name):
    clutter = k_clutter(8.0, 200_000)
    mixed = clutter.copy()
    mixed[:4000] = 30.0  # 2 % of the ring
    clean, raised = (
        BY_NAME[name].threshold(moments(values.mean(), values.var()), 1e-6)[0]
        for values in (clutter, mixed)
    )
    assert 10 * np.log10(raised / clean) > 3.0


def test_the_log_normal_recipe_works_on_the_logarithm():
    plane = np.exp(rng().normal(-3.0, 0.4, (400, 400)))
    plane[0, 0] = -1.0  # has no logarithm
    rings = Rings([plane], np.ones(plane.shape, bool))
    shares = {rate: above.mean() for rate, above in BY_NAME["log-normal"].exceedances(rings)}
    assert shares[1e-3] == pytest.approx(1e-3, rel=0.3)


def test_bands_are_tested_each_and_either_is_enough():
    plane = rng().normal(10.0, 1.0, (200, 200))
    one, two, valid = plane.copy(), plane.copy(), np.ones(plane.shape, bool)
    one[50, 60] = two[120, 130] = two[5, 5] = 1000.0
    valid[5, 5] = False
    (rate, above), *_ = BY_NAME["two-parameter CFAR"].exceedances(Rings([one, two], valid))
    assert rate == 1e-7
    assert np.argwhere(above).tolist() == [[50, 60], [120, 130]]


@given(arrays.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_blobs_are_the_connected_sets(above):
    labels, n = ndimage.label(above, np.ones((3, 3)))
    expected = ndimage.center_of_mass(above, labels, range(1, n + 1))
    sizes = ndimage.sum_labels(above, labels, range(1, n + 1))
    rows, cols, counts = baselines.blobs_of(above)
    ours = sorted(zip(rows, cols, counts, strict=True))
    theirs = sorted((row, col, size) for (row, col), size in zip(expected, sizes, strict=True))
    np.testing.assert_allclose(np.array(ours), np.array(theirs), atol=1e-9)


def baseline(lab, name="two-parameter CFAR"):
    """The detections of a recipe at the last, and least, rate of its ladder."""
    pixels = lab.pixels()
    bands = pixels.bands(lab.full)
    masks = baselines.Masks.of(pixels, bands)
    rings = Rings([band.astype(float) for band in bands], masks.valid)
    *_, (_, found) = baselines.detect(BY_NAME[name], rings, pixels, masks, lab.detector)
    return masks, found


def test_baselines_report_blobs_of_a_ship_s_size(sim):
    image = sim.optical_sea(1, (300, 300)).astype(float)
    for row, col, height, width in ((60, 60, 1, 2), (60, 150, 3, 1), (150, 230, 4, 4)):
        image[0, row : row + height, col : col + width] = 60_000
    image[0, 200:206, 40:46] = 60_000
    lab = sim.lab(image.astype(np.uint16), sensor="optical", detector=Detector(largest_hull_m2=2e3))
    _, found = baseline(lab)
    rows, cols = np.array([61.0, 151.5]), np.array([150.0, 231.5])
    lon, lat = lab.scene.grid.lonlat(rows, cols)
    np.testing.assert_allclose(found[["lon", "lat"]], np.stack([lon, lat], axis=1), atol=1e-9)
    assert found["flags"].tolist() == [0, 0]


def test_baselines_bear_the_doubts_that_maps_give(sim):
    image = sim.optical_sea(1, (320, 320))
    image[:, 280:] = 0  # no data
    for row, col in ((60, 60), (60, 250), (160, 160), (240, 3), (276, 200)):
        image[0, row : row + 3, col : col + 3] = 60_000
    classes = np.full((160, 160), 6, np.uint8)
    classes[25:38, 20:28] = 9
    lab = sim.lab(image, sensor="optical", scl=classes)
    lon, lat = lab.scene.grid.lonlat(61.0, 251.0 + 8.0)  # 80 m to the east
    lab = dataclasses.replace(lab, coast=sim.coast(shapely.Point(lon, lat).buffer(1e-4)))
    masks, found = baseline(lab)
    flags = [Flag.CLOUD, Flag.LAND_NEAR, 0, Flag.EDGE, Flag.EDGE]
    assert found["flags"].tolist() == flags
    assert not masks.valid[280:].any()


# The scores


def place(kind, names, item="A"):
    """Rows (name, metres north) with an id called `kind`."""
    columns = [kind, "item_id", "lon", "lat"]
    rows = [(name, item, 122.0, 37 + north / DEGREE_M) for name, north, *_ in names]
    return pd.DataFrame(rows, columns=columns)


def planted(*hulls, pairs=(), others=()):
    """Hulls (name, metres north, length[, setting]), pairs (1, 2, kind), others likewise."""
    table = place("hull_id", hulls)
    table["length_m"] = [float(hull[2]) for hull in hulls]
    table["setting"] = [hull[3] if len(hull) > 3 else "sea" for hull in hulls]
    couples = pd.DataFrame(pairs, columns=["hull_id_1", "hull_id_2", "kind"])
    beside = {two: one for one, two, kind in pairs if kind == "alongside"}
    table["group_id"] = [beside.get(name, name) for name in table["hull_id"]]
    things = place("other_id", others)
    things["kind"], things["length_m"] = [other[2] for other in others], 20.0
    seas = pd.DataFrame({"item_id": ["A"], "sea_state": ["calm"]})
    return Truth(table, couples.assign(item_id="A"), things, seas)


def detections(*places, item="A", flags=0):
    """Detections (name, metres north[, flags])."""
    each = [int(row[2]) if len(row) > 2 else flags for row in places]
    return place("detect_id", places, item).assign(flags=np.array(each, int))


def reported(*couples):
    return pd.DataFrame(couples, columns=["detect_id_1", "detect_id_2", "kind"])


def test_truth_is_read_and_parted_by_scene(tmp_path):
    written = planted(("a", 0, 50, "berth"), ("b", 9, 60), others=[("o", 5, "rock")])
    for name in ("hulls", "pairs", "others", "scenes"):
        getattr(written, name).to_parquet(tmp_path / f"{name}.parquet")
    truth = Truth.read(tmp_path)
    assert truth.of("A").is_at_sea.tolist() == [False, True]
    assert truth.of("A").others["kind"].tolist() == ["rock"]
    assert truth.sea_state("A") == "calm"
    none = truth.of("B")
    assert not any(map(len, (none.hulls, none.pairs, none.others, none.scenes)))
    assert Comparison.of(none, detections(("x", 0))).n_false == {"clutter": 1}


def test_distances_are_metres_within_a_scene_and_2_km():
    hulls = planted(("a", 0, 50), ("b", 100, 50), ("far", 5000, 50)).hulls
    some = distances(hulls, detections(("x", 30), ("y", 100)))
    assert np.allclose(some[:2], [[30, 100], [70, 0]], atol=0.3)
    assert np.isinf(some[2]).all()
    assert np.isinf(distances(hulls, detections(("x", 0), item="B"))).all()
    assert distances(hulls, detections()).shape == (3, 0)


def test_a_detection_belongs_to_the_hull_it_lies_on():
    truth = planted(("a", 0, 100), ("b", 1, 100), ("c", 2, 200), ("d", 3, 30))
    distance = np.array([[45, 60], [51, 90], [99, 300], [39, 41]], float)
    assert match(distance, truth.reach_m).tolist() == [0, -1, 0, 0]
    assert match(np.empty((2, 0)), truth.reach_m[:2]).tolist() == [-1, -1]


def test_a_short_hull_alongside_a_long_one_lies_under_their_one_detection():
    hulls = [("a", 0, 200), ("b", 60, 50)]
    alongside = planted(*hulls, pairs=[("a", "b", "alongside")])
    assert alongside.reach_m.tolist() == [100, 100]
    assert planted(*hulls).reach_m.tolist() == [100, 40]
    moored = [(*hull, "berth") for hull in hulls]
    assert planted(*moored, pairs=[("a", "b", "alongside")]).reach_m.tolist() == [100, 40]


def test_hulls_are_counted_by_length():
    truth = planted(
        ("a", 0, 120), ("b", 2000, 100), ("c", 4000, 99), ("d", 6000, 49), ("e", 8000, 24)
    )
    tally = Comparison.of(truth, detections(("x", 10), ("y", 4010), ("z", 8000))).tally()
    assert tally.planted.tolist() == [1, 1, 2]
    assert tally.found.tolist() == [0, 1, 1]
    assert tally.n_false == 0  # also where a hull too short to count was found


def test_hulls_at_berths_are_neither_missed_nor_false():
    truth = planted(("a", 0, 120, "berth"), ("b", 2000, 60, "anchorage"))
    tally = Comparison.of(truth, detections(("x", 0))).tally()
    assert tally.planted.tolist() == [0, 1, 0]
    assert tally.found.tolist() == [0, 0, 0]
    assert tally.n_false == 0


def test_false_detections_lie_on_no_hull_and_are_unflagged():
    truth = planted(("a", 0, 200))
    # On the hull; its wake's end, 190 m off; open water twice.
    rows = detections(("x", 5), ("w", 190), ("f", 900), ("g", -900))
    assert Comparison.of(truth, rows).n_false == {"clutter": 2}
    doubted = detections(("x", 5), ("f", 900), flags=Flag.LAND_NEAR)
    assert not Comparison.of(truth, doubted).n_false
    remarked = detections(("x", 5), ("f", 900), flags=Flag.SATURATED)
    assert Comparison.of(truth, remarked).n_false == {"clutter": 1}
    assert Comparison.of(planted(), rows).n_false == {"clutter": 4}


def test_false_detections_are_told_by_what_was_planted_there():
    truth = planted(
        ("a", 0, 100),
        others=[("o1", 500, "cage"), ("o2", 560, "turbine"), ("o3", 60, "ambiguity"),
                ("o4", 3000, "cage"), ("o5", 4000, "cage")],
    )  # fmt: skip
    rows = detections(
        ("hull", 20), ("cage", 525), ("turbine", 535), ("far", 1500), ("net", 3000, Flag.LATTICE)
    )
    compared = Comparison.of(truth, rows)
    assert compared.what.tolist() == ["hull", "cage", "turbine", "clutter", "cage"]
    assert compared.n_false == {"cage": 1, "turbine": 1, "clutter": 1}
    others = {kind: counts.tolist() for kind, counts in compared.tally().others.items()}
    # Planted, found, flagged, unflagged; what lies on a hull was not found.
    assert others == {"cage": [3, 2, 1, 1], "turbine": [1, 1, 0, 1],
                      "rock": [0, 0, 0, 0], "ambiguity": [1, 0, 0, 0]}  # fmt: skip


def test_true_hulls_with_a_doubt_are_told():
    truth = planted(("a", 0, 100), ("b", 1000, 100), ("c", 3000, 30))
    rows = detections(("x", 0, Flag.CLOUD), ("y", 1000, Flag.MERGED_BLOB))
    tally = Comparison.of(truth, rows).tally()
    assert tally.doubted.tolist() == [0, 0, 1]
    assert tally.doubted_share == 0.5
    assert np.isnan(Comparison.of(truth, detections()).tally().doubted_share)


def close(rows, couples, truth):
    return close_pairs(Comparison.of(truth, rows), couples)


def test_close_pairs_must_be_reported_as_such():
    truth = planted(("a", 0, 100), ("b", 300, 50), pairs=[("a", "b", "close")])
    rows = detections(("x", 5), ("y", 295))
    hit, missed, none = Counts(1, 1), Counts(1, 0), Counts(0, 0)
    assert close(rows, reported(("y", "x", "close")), truth) == (hit, none)
    assert close(rows, reported(("y", "x", "alongside")), truth) == (missed, none)
    assert close(rows, reported(), truth) == (missed, none)
    assert close(rows[:1], reported(("x", None, "close")), truth) == (missed, none)


def test_close_pairs_with_a_short_hull_are_a_kind_of_their_own():
    truth = planted(("a", 0, 100), ("b", 300, 49), pairs=[("a", "b", "close")])
    rows, couple = detections(("x", 5), ("y", 295)), reported(("y", "x", "close"))
    assert close(rows, couple, truth) == (Counts(0, 0), Counts(1, 1))


def test_pairs_at_berths_do_not_count():
    truth = planted(("a", 0, 100), ("b", 300, 90, "berth"), pairs=[("a", "b", "close")])
    assert close(detections(("x", 5)), reported(), truth) == (Counts(0, 0), Counts(0, 0))


def test_alongside_pairs_are_one_blob_or_a_pair():
    truth = planted(("a", 0, 100), ("b", 30, 90), pairs=[("a", "b", "alongside")])
    merged, apart = detections(("x", 14)), detections(("x", 0), ("y", 30))

    def found(rows, couples):
        return alongside_pairs(Comparison.of(truth, rows), couples)

    assert found(merged, reported()) == Counts(1, 1)
    assert found(apart, reported(("x", "y", "alongside"))) == Counts(1, 1)
    assert found(apart, reported(("x", "y", "close"))) == Counts(1, 0)
    assert found(detections(), reported()) == Counts(1, 0)


# The ladder, the sums and the tables


def test_the_ladder_leaves_the_settings_themselves_out():
    radar = [rung.false_alarm_rate for rung in detection.ladder(Detector(), "sar")]
    assert radar == [1e-9, 1e-8, 1e-7, 1e-6]
    other = Detector(optical_seed_sigma=8.0)
    optical = [rung.optical_seed_sigma for rung in detection.ladder(other, "optical")]
    assert optical == [4.5, 5.0, 6.0, 7.0, 9.0]


def row(recipe, rate, found, n_false, *, state="calm", sensor="S1 VV", as_set=False, km2=500.0):
    tally = Tally(np.array([10, 0, 10]), np.array([found, 0, 10]), np.array([0, 0, 1]),
                  Counter({"clutter": n_false}))  # fmt: skip
    return Row(Setting(sensor, state, recipe, rate, as_set), km2, tally)


def some_bench():
    rows = [
        row(recipe, rate, found, n_false, state=state, as_set=recipe == OURS)
        for recipe, rate, found, n_false in (
            (OURS, 1e-7, 9, 1),
            ("K-moment", 1e-9, 7, 0),
            ("K-moment", 1e-7, 8, 2),
            ("K-moment", 1e-5, 10, 40),
        )
        for state in ("calm", "rough")
    ]
    rows += [row(OURS, 1e-9, 10, 0, sensor="S2 B08", as_set=True)]
    return detection.Bench((1, 2), 3, tuple(detection.added_up(iter(rows))))


def test_rows_of_one_setting_add_up():
    once = row(OURS, 1e-7, 9, 1)
    (both,) = detection.added_up(iter([once, once]))
    assert both.km2 == 1000.0
    assert both.tally.found.tolist() == [18, 0, 20]
    assert both.tally.false == {"clutter": 2}
    assert both.false_rate == once.false_rate == 2.0
    states = {row.setting.sea_state for row in some_bench().pooled()}
    assert states == {"all"}


def test_recipes_are_compared_at_their_best_rate_and_ours_as_it_is():
    rows = [row("K-moment", 1e-9, 7, 0), row("K-moment", 1e-7, 8, 2), row("K-moment", 1e-5, 9, 3)]
    assert report.chosen(rows).setting.rate == 1e-7
    assert report.chosen(rows[2:]).setting.rate == 1e-5
    own = row(OURS, 1e-7, 5, 9, as_set=True)
    assert report.chosen([row(OURS, 1e-9, 9, 0), own]) is own


def test_the_tables_say_it_all():
    lines = report.text(some_bench()).splitlines()
    assert lines[0] == "3 scenes of seeds 1, 2: 1500 km2 of sea, 60 hulls at sea"
    words = [line.split() for line in lines]
    assert ["S1", "VV", "westsea", "1e-07*", "0.900", "-", "1.000", "2.0", "0.053"] in words
    assert ["S1", "VV", "K-moment", "1e-05", "1.000", "-", "1.000", "80.0", "0.050"] in words
    assert [
        "S1",
        "VV",
        "rough",
        "K-moment",
        "1e-07",
        "0.800",
        "-",
        "1.000",
        "4.0",
        "0.056",
    ] in words
    assert ["S2", "B08", "K-moment", "radar", "only", *"-----"] in words
    assert ["S1", "VV", "westsea", "1e-07*", "2.0", *["0.0"] * 4] in words
    assert not any("rough" in line and "1e-09" in line for line in lines)


def test_the_document_holds_all_counts():
    document = report.document(some_bench())
    assert document["seeds"] == [1, 2]
    (ours,) = (
        row
        for row in document["rows"]
        if (row["sensor"], row["sea_state"], row["recipe"]) == ("S1 VV", "all", OURS)
    )
    assert ours["is_as_set"]
    assert ours["hulls"]["25-50 m"] == {"planted": 20, "found": 18, "doubted": 0}
    assert ours["false"]["clutter"] == 2
    assert ours["false_per_1000_km2"] == 2.0
    assert ours["others"]["cage"]["planted"] == 0


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_plots_are_drawn_and_do_not_hold_the_time(suffix, magic):
    drawn = plots.draw(some_bench().pooled(), suffix)
    assert drawn.startswith(magic)
    assert plots.draw(some_bench().pooled(), suffix) == drawn


def test_files_are_checked_before_the_work(tmp_path):
    report.check_files(None, None)
    report.check_files(tmp_path / "a.json", tmp_path / "a.SVG")
    with pytest.raises(UsageError, match=r"a\.pdf is no plot's name: end it in \.png or \.svg"):
        report.check_files(None, tmp_path / "a.pdf")
    with pytest.raises(ConfigError, match=r"There is no folder .*nowhere for a\.json"):
        report.check_files(tmp_path / "nowhere" / "a.json", None)


# The command


@pytest.fixture
def small(monkeypatch):
    """Reduce the archive to a small radar and a small optical scene."""

    def cut(scene):
        a, _, west, _, _, north = scene.grid.transform
        assert a == scenes.PIXEL_M
        grid = scenes.grid(scene.grid.epsg, west, north, (400, 420))
        return dataclasses.replace(scene, grid=grid, planting=Planting(3, 1, 1))

    monkeypatch.setattr(writer, "RADAR_SCENES", (cut(scenes.RADAR_SCENES[0]),))
    monkeypatch.setattr(writer, "OPTICAL_SCENES", (cut(scenes.OPTICAL_SCENES[0]),))


def test_the_command_from_end_to_end(cli, tmp_path, small, monkeypatch):
    table, plot = tmp_path / "bench.json", tmp_path / "bench.png"
    settings = tmp_path / "settings.toml"
    settings.write_text("[detector]\nfalse_alarm_rate = 2e-7\n")
    options = ["--folder", tmp_path / "archives", "--seed", 5, "--workers", 0]
    done = cli("bench", "detection", *options, "--json", table, "--plot", plot, "--config",
               settings)  # fmt: skip
    assert done.code == 0, done.err
    assert done.out.startswith("2 scenes of seeds 5: ")
    assert {"[1/1] archive", "[2/2] scene"} <= set(done.err.splitlines())
    assert plot.read_bytes().startswith(b"\x89PNG")
    rows = json.loads(table.read_text())["rows"]
    own = [row for row in rows if row["is_as_set"] and row["sea_state"] == "all"]
    assert [row["rate"] for row in own] == [2e-7, pytest.approx(1.49e-10, rel=0.02)]
    for row in own:
        assert sum(length["planted"] for length in row["hulls"].values()) >= 5
        assert 15 < row["km2"] < 17
    recipes_of = {row["sensor"]: set() for row in rows}
    for row in rows:
        recipes_of[row["sensor"]].add(row["recipe"])
    assert recipes_of["S1 VV+VH"] - recipes_of["S2 B08"] == {"K-moment"}
    # Again: the archive is there, and the same comes out.
    monkeypatch.setattr(detection.archive, "build", None)
    assert cli("bench", "detection", *options, "--config", settings).out == done.out


def test_an_archive_of_another_generator_is_built_anew(tmp_path, small, monkeypatch):
    detection.build(tmp_path / "7", 7)
    stray = tmp_path / "7" / "stray"
    stray.touch()
    monkeypatch.setattr(detection, "version", lambda name: "another")
    detection.build(tmp_path / "7", 7)
    assert not stray.exists()
    (tmp_path / "8").mkdir()
    mine = tmp_path / "8" / "thesis.tex"
    mine.touch()
    detection.build(tmp_path / "8", 7)
    assert mine.exists()


def test_workers_do_not_change_the_counts(tmp_path, small, processes):
    plain = detection.run(tmp_path, seeds=[5], workers=0)
    # The archive is there by now, so that the workers need not build it: their scenes are not cut.
    spread = detection._run(tmp_path, (5,), Detector(), processes, lambda *_: None)
    assert report.document(spread) == report.document(plain)


def test_a_missing_matplotlib_has_its_remedy(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    done = cli("bench", "detection", "--folder", tmp_path, "--plot", tmp_path / "a.png")
    assert done.code == 4
    assert done.err.splitlines() == [
        'westsea: Plots need matplotlib: pip install "westsea[bench]", or leave --plot out.'
    ]
    assert not list(tmp_path.iterdir())
