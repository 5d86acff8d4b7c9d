"""The bench of one hull or several: its laws, what is planted, and how the radar images it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import shapely

from westsea.bench.alongside import radar, scenes
from westsea.bench.alongside.hull_models import (
    MODELS,
    OWN_CHANCE,
    RAILS_CHANCE,
    draw_other,
    draw_own,
    draw_varied,
)
from westsea.bench.alongside.laws import SEVERAL, SHARES, Blob, draw_blob
from westsea.bench.alongside.places import BORDER_PX, JITTER_PX, SPACING_PX, Placed, draw_placed
from westsea.bench.alongside.radar import footprint
from westsea_catalog.archive.formations import Berth
from westsea_catalog.archive.hulls import Hull
from westsea_catalog.archive.sar import Pass
from westsea_catalog.archive.scatterers import draw_scatterers, expected_rcs
from westsea_catalog.archive.scenes import RADAR_SCENES
from westsea_catalog.archive.seas import RadarSea

SMALL = (180, 180)
SIDE_PX = 60
STILL = RadarSea(vv_db=-18.0, vh_db=-36.0, order=50.0, correlation_m=100.0, trend_db=0.1,
                 range_slope_db=0.0, roll_rad_s=0.0, smear_m=0.0, shift_m=0.0)  # fmt: skip
PASS = Pass(-168.0)


def rng(*seed):
    return np.random.default_rng(seed or 0)


def grid(shape):
    return replace(RADAR_SCENES[0].grid, shape=shape)


def in_row(blobs):
    """Blobs beside each other, and the grid that holds them."""
    middle = SIDE_PX / 2
    placed = [Placed(blob, middle, middle + SIDE_PX * k) for k, blob in enumerate(blobs)]
    return placed, grid((SIDE_PX + 1, SIDE_PX * len(placed) + 1))


def chips(blobs, *, sea=STILL, flight=PASS, seed=1, **options):
    """The VV image about each blob, its sea taken off, in units of that."""
    placed, where = in_row(blobs)
    image = radar.image(rng(seed), placed, flight, sea, where, **options)["VV"].astype(float)
    out = []
    for k in range(len(placed)):
        chip = image[:SIDE_PX, SIDE_PX * k : SIDE_PX * (k + 1)]
        inner = np.zeros(chip.shape, bool)
        inner[5:-5, 5:-5] = True
        level = chip[~inner].mean()
        out.append(np.where(inner, chip - level, 0.0) / level)
    return np.stack(out)


def offsets(chip, heading_deg=-168.0):
    """Metres along the track and away from the radar of each pixel, from the blob's place."""
    rows, cols = (10.0 * (index - SIDE_PX / 2) for index in np.indices(chip.shape))
    heading = np.deg2rad(heading_deg)
    east, north = cols, -rows
    along = np.sin(heading) * east + np.cos(heading) * north
    return along, np.cos(heading) * east - np.sin(heading) * north


def single(
    kind="plain", *, length=110.0, width=17.0, heading=40.0, contrast=20.0, type_="merchant"
):
    return Blob(kind, (Berth(Hull(length, width, heading, type_)),), contrast)


# Laws


def test_kinds_have_their_shares():
    n = 4000
    counts = Counter(draw_blob(rng(1, k)).kind for k in range(n))
    for kind, share in SHARES.items():
        assert counts[kind] == pytest.approx(n * share, abs=4 * np.sqrt(n * share)), kind
    assert sum(counts[kind] for kind in SEVERAL) / n == pytest.approx(0.5, abs=0.04)


def test_labels_count_hulls_alongside():
    for k in range(400):
        blob = draw_blob(rng(2, k))
        expected = {"pair": {2}, "raft": {3, 4}}.get(blob.kind, {1})
        assert blob.n_hulls in expected
        assert (len(blob.berths) == blob.n_hulls) == (blob.kind != "tug_and_barge")
        if blob.kind in SEVERAL:
            first, second = blob.berths[:2]
            assert first.hull.length_m >= second.hull.length_m
            assert 0.5 < first.outline.distance(second.outline) < 12.0


# Places


def test_blobs_keep_off_each_other_and_the_edge():
    placed = draw_placed(rng(3), (330, 260))
    assert len(placed) == 4 * 3
    places = np.array([(each.row, each.col) for each in placed])
    assert (places >= BORDER_PX).all()
    assert (places <= np.array((329, 259)) - BORDER_PX).all()
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    assert apart[apart > 0].min() >= SPACING_PX - 2 * JITTER_PX
    assert draw_placed(rng(3), (80, 260)) == ()


# Models


def test_own_is_the_archives_made_uneven_the_same_way_in_each_pass():
    hull = Hull(160.0, 25.0, 10.0)
    spreads = []
    for k in range(40):
        even = draw_scatterers(rng(4, k), hull, 80.0)
        uneven = draw_own(rng(4, k), rng(5, k), hull, 80.0)
        gain_db = 10 * np.log10(uneven.rcs["VV"] / even.rcs["VV"])
        np.testing.assert_allclose(uneven.rcs["VH"] / even.rcs["VH"], 10 ** (gain_db / 10))
        order = np.argsort(even.forward)
        steps = np.abs(np.diff(gain_db[order])) / np.maximum(np.diff(even.forward[order]), 1e-6)
        assert steps.max() < 6 * 4.0 / 20.0  # dB per metre: smooth over an eighth of 160 m
        spreads.append(gain_db.std())
    assert min(spreads) < 0.6
    assert 2.0 < max(spreads) < 6.0
    again = draw_own(rng(6), rng(5, 0), hull, -80.0)
    other = draw_scatterers(rng(6), hull, -80.0)
    first = draw_own(rng(4, 0), rng(5, 0), hull, 80.0)
    first_db = 10 * np.log10(first.rcs["VV"] / draw_scatterers(rng(4, 0), hull, 80.0).rcs["VV"])
    again_db = 10 * np.log10(again.rcs["VV"] / other.rcs["VV"])
    line = np.argsort(first.forward)
    expected = np.interp(again.forward, first.forward[line], first_db[line])
    assert np.median(np.abs(again_db - expected)) < 0.3


def test_other_has_few_strong_corners_and_more_cross_polarisation():
    hull = Hull(160.0, 25.0, 10.0)
    strongest, ratios, totals = {}, {}, {}
    for name in ("own", "other"):
        drawn = [MODELS[name](rng(7, k), rng(8, k), hull, 80.0) for k in range(150)]
        powers = [np.sort(each.rcs["VV"])[::-1] for each in drawn]
        strongest[name] = np.median([power[:4].sum() / power.sum() for power in powers])
        totals[name] = np.median([power.sum() for power in powers]) / expected_rcs(160.0)
        ratios[name] = [10 * np.log10(e.rcs["VH"].sum() / e.rcs["VV"].sum()) for e in drawn]
    assert strongest["own"] < 0.2
    assert strongest["other"] > 2 * strongest["own"]
    assert 10 * np.log10(list(totals.values())) == pytest.approx([0.0, 0.0], abs=1.0)
    assert np.mean(ratios["other"]) == pytest.approx(-6.0, abs=0.5)
    assert np.std(ratios["other"]) == pytest.approx(1.5, abs=0.4)


def test_varied_hulls_are_own_ones_or_have_what_those_lack():
    hull = Hull(160.0, 25.0, 10.0)
    same, rails, strongest = 0, 0, []
    for k in range(200):
        own, varied = (draw(rng(7, k), rng(8, k), hull, 80.0) for draw in (draw_own, draw_varied))
        same += varied.rcs["VV"].size == own.rcs["VV"].size and np.allclose(
            varied.rcs["VV"], own.rcs["VV"]
        )
        added = slice(own.forward.size, None)
        rails += varied.forward.size > own.forward.size
        edge = hull.half_width(varied.forward[added])
        np.testing.assert_allclose(np.abs(varied.starboard[added]), edge)
        power = np.sort(varied.rcs["VV"])[::-1]
        strongest.append(power[:4].sum() / power.sum())
    assert same / 200 == pytest.approx(OWN_CHANCE, abs=0.1)
    assert rails / 200 == pytest.approx((1 - OWN_CHANCE) * RAILS_CHANCE, abs=0.1)
    assert np.quantile(strongest, 0.9) > 2 * np.quantile(strongest, 0.1)


def test_other_scatters_from_its_hull_only():
    for k in range(60):
        hull = draw_blob(rng(9, k)).berths[0].hull
        found = draw_other(rng(10, k), rng(11, k), hull, 80.0)
        assert (np.abs(found.forward) <= 0.5 * hull.length_m).all()
        assert (np.abs(found.starboard) <= 0.5 * hull.width_m + 1e-9).all()
        assert found.height.min() >= 0
        assert found.height.max() <= hull.freeboard_m + max(hull.house_m, 30.0)


# Radar


@pytest.mark.parametrize("model", ["own", "other"])
def test_contrast_is_the_blobs(model):
    blobs = [draw_blob(rng(12, k)) for k in range(60)]
    steady = ("plain", "wide_barge", "tug_and_barge", "pair", "raft")
    blobs = [b for b in blobs if b.kind in steady and 80 < b.length_m < 220][:10]
    blobs = [replace(blob, contrast_db=14.0 + k) for k, blob in enumerate(blobs)]
    found = np.mean([chips(blobs, model=model, seed=seed) for seed in range(3)], axis=0)
    area = [footprint(blob).area for blob in blobs]
    contrast_db = 10 * np.log10(100.0 * found.sum(axis=(1, 2)) / area)
    errors = contrast_db - [blob.contrast_db for blob in blobs]
    assert np.abs(errors).max() < 1.5
    assert abs(np.median(errors)) < 0.6


def test_footprint_counts_what_hulls_share_once():
    hull = Hull(100.0, 16.0, 30.0)
    east, north = hull.to_ground(0.0, 20.0)
    one = Blob("plain", (Berth(hull),), 20.0)
    two = Blob("pair", (Berth(hull), Berth(hull, float(east), float(north))), 20.0)
    assert footprint(one).area == pytest.approx(122 * 38)
    assert footprint(two).area == pytest.approx(122 * (38 + 20))
    assert shapely.covers(footprint(two), shapely.union_all([b.outline for b in two.berths]))


def test_blobs_are_where_they_were_placed():
    blobs = [single(heading=40.0 * k, type_="barge") for k in range(8)]
    found = chips(blobs)
    found *= found > 1.0
    along, across = offsets(found[0])
    middles = [[(chip * axis).sum() / chip.sum() for axis in (along, across)] for chip in found]
    mean_along, mean_across = np.mean(middles, axis=0)
    assert abs(mean_along) < 5.0
    assert -12.0 < mean_across < 3.0  # the side that faces the radar is the brighter
    assert np.abs(middles).max() < 20.0


def test_smear_widens_along_the_track_only():
    blobs = [single(length=40.0, width=9.0, heading=45.0 * k) for k in range(6)]
    widths = {}
    for smear in (0.0, 25.0):
        found = chips(blobs, sea=replace(STILL, smear_m=smear)).mean(axis=0)
        near = np.hypot(*offsets(found)) < 120.0
        widths[smear] = [
            (found * near * axis**2).sum() / (found * near).sum() for axis in offsets(found)
        ]
    (sharp, across), (smeared, still_across) = widths.values()
    assert smeared > sharp + 150.0
    assert still_across == pytest.approx(across, rel=0.25)


def test_tails_go_their_way():
    plain, late, smeared = (
        [single(kind, length=50.0, width=10.0, heading=60.0 * k) for k in range(8)]
        for kind in ("plain", "range_tail", "azimuth_tail")
    )
    along, across = offsets(chips(plain[:1])[0])
    core = np.hypot(along, across) < 50.0
    sums = [
        [(chip * (np.abs(along) < 40) * side).sum() / (chip * core).sum() for side in (
            (across > 60) & (across < 180), (across < -60) & (across > -180))]
        for chip in chips(late)
    ]  # fmt: skip
    behind, before = np.median(sums, axis=0)
    assert behind > before + 0.005
    sums = [
        sorted((chip * (np.abs(across) < 40) * side).sum() / (chip * core).sum() for side in (
            (along > 60) & (along < 180), (along < -60) & (along > -180)))
        for chip in chips(smeared)
    ]  # fmt: skip
    other, tail = np.median(sums, axis=0)
    assert tail > other + 0.02


def test_wakes_lie_astern():
    found = chips([single("wake", heading=0.0, contrast=10.0) for _ in range(10)])
    along, across = offsets(found[0], heading_deg=0.0)
    beside = np.abs(across) < 30
    astern = found[:, beside & (along < -80) & (along > -150)].mean()
    ahead = found[:, beside & (along > 80) & (along < 150)].mean()
    assert astern > ahead + 0.15


def test_seas_go_by_their_state():
    seas = {state: radar.draw_sea(rng(13), state, 38.0) for state in radar.SEA_SHARES}
    calm, moderate, rough = seas.values()
    assert calm.vv_db < moderate.vv_db < rough.vv_db
    assert calm.order > moderate.order > rough.order
    assert calm.smear_m < moderate.smear_m < rough.smear_m
    assert radar.draw_sea(rng(13), "calm", 45.0).vv_db < calm.vv_db
    n = 600
    states = Counter(radar.draw_state(rng(14, k)) for k in range(n))
    for state, share in radar.SEA_SHARES.items():
        assert states[state] / n == pytest.approx(share, abs=0.08)


# Scenes


def test_scenes_are_the_same_each_time_and_differ():
    one, two = (scenes.sample("sar", "train", 1, shape=SMALL) for _ in range(2))
    other = scenes.sample("sar", "train", 2, shape=SMALL)
    for name in ("VV", "VH"):
        np.testing.assert_array_equal(one.images[name], two.images[name])
        assert one.images[name].shape == SMALL
        assert (one.images[name] > 0).all()
    assert one.scene.polarizations == ("VV", "VH")
    assert len(one.placed) == 4
    assert one.placed[0].row != other.placed[0].row


def test_again_has_the_hulls_of_test_by_another_pass():
    first, again = (scenes.sample("sar", split, 0, shape=SMALL) for split in ("test", "again"))
    assert [each.blob for each in first.placed] == [each.blob for each in again.placed]
    assert first.scene.grid == again.scene.grid
    assert {first.scene.orbit_state, again.scene.orbit_state} == {"ascending", "descending"}
    assert np.corrcoef(first.images["VV"].ravel(), again.images["VV"].ravel())[0, 1] < 0.95


def test_other_splits_have_other_hulls():
    contrasts = {
        split: tuple(each.blob.contrast_db for each in scenes.Drawn.of("sar", split, 0).placed)
        for split in ("train", "test", "other")
    }
    assert len(set(contrasts.values())) == 3
    optical = scenes.Drawn.of("optical", "test", 0)
    assert tuple(each.blob.contrast_db for each in optical.placed) == contrasts["test"]


def test_kept_scenes_are_read_again(tmp_path, monkeypatch):
    fresh = scenes.sample("sar", "train", 0, shape=SMALL)
    options = {"count": 2, "shape": SMALL}
    kept = list(scenes.samples("sar", "train", tmp_path, **options))
    assert [each.scene.id for each in kept] == ["sar-train-000", "sar-train-001"]
    monkeypatch.setattr(scenes.Drawn, "images", None)
    for each in (kept[0], next(scenes.samples("sar", "train", tmp_path, **options))):
        np.testing.assert_array_equal(each.images["VV"], fresh.images["VV"])
        assert each.scene == fresh.scene
        assert each.sea_state == fresh.sea_state
        assert [p.row for p in each.placed] == [p.row for p in fresh.placed]
