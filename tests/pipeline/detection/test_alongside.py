"""One hull or several: odds, evidence, and what becomes of them in the tables."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from westsea.bench.alongside import logit, optical
from westsea.bench.alongside.laws import Blob
from westsea.bench.alongside.places import Placed
from westsea.detection.alongside import axis_to_range_deg, calibrations, log_odds, sigmoid
from westsea.detection.beams import usual_beam
from westsea.detection.features import features
from westsea.detection.judge import judge
from westsea.detection.odds import Odds
from westsea.detection.pixels import Pixels
from westsea.detection.resolved import resolve
from westsea.detection.sections import Description
from westsea.detection.summary import merge, summarise
from westsea.detector import Detector
from westsea.schema import Flag
from westsea_catalog.archive import scenes
from westsea_catalog.archive.formations import Berth
from westsea_catalog.archive.hulls import Hull
from westsea_catalog.archive.water import OpticalSea
from westsea_catalog.coast import Coast
from westsea_catalog.errors import ConfigError
from westsea_catalog.scene import Asset, Scene
from westsea_kernels import sections, smears, two_hulls

SHAPE = (400, 400)
GRID = scenes.grid(32652, 136570.0, 4051970.0, SHAPE)
SEA = OpticalSea(0.0006, 130.0, 0.0005, 0.0, sun_elevation_deg=60.0)


# -- odds


def test_odds_learn_a_bend_and_a_product():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20_000, 3))
    truth = 0.5 + x[:, 0] - 0.8 * x[:, 1] ** 2 + 0.7 * x[:, 0] * x[:, 2]
    is_true = rng.uniform(size=len(x)) < sigmoid(truth)
    found = logit.fit(x, is_true).of(x)
    balance = np.log(is_true.mean() / (1 - is_true.mean()))
    inner = (np.abs(x) < 2).all(axis=1)
    assert np.abs(found + balance - truth)[inner].mean() < 0.1


def test_features_beyond_their_ends_count_as_at_them():
    odds = Odds((-1.0,), (1.0,), (0.0,), (1.0,), (0.0, 2.0, 0.0))
    np.testing.assert_array_equal(odds.of(np.array([[-9.0], [0.5], [9.0]])), [-2.0, 1.0, 2.0])


@given(st.integers(1, 40), st.integers(0, 100))
def test_odds_of_one_do_not_depend_on_the_others(n, seed):
    how = calibrations()["VV+VH"].several
    x = np.random.default_rng(seed).normal(how.mean, how.sd, (n, len(how.mean)))
    together = how.of(x)
    np.testing.assert_array_equal(together, [how.of(row[None])[0] for row in x])


@pytest.mark.parametrize("bands", ["VV+VH", "VV", "B08"])
def test_what_ships_is_whole(bands):
    how = calibrations()[bands]
    n = len(how.features)
    for odds in (how.several, how.wide, how.raft):
        assert len(odds.weights) == 1 + n + n * (n + 1) // 2
        assert np.isfinite(odds.weights).all()
    assert list(how.log_odds) == sorted(how.log_odds)
    assert how.threshold(0.01) == pytest.approx(how.log_odds[how.false_rates.index(0.01)])
    assert how.threshold(0.02) < how.threshold(0.015) < how.threshold(0.01)
    assert np.shape(how.tpr) == np.shape(how.fpr) == (len(how.lengths_m), len(how.contrasts_db))
    assert np.mean(how.tpr) > np.mean(how.fpr)


@pytest.mark.parametrize("rate", [0.0, 0.9])
def test_a_false_rate_that_makes_no_sense_is_refused(rate):
    with pytest.raises(ConfigError, match="alongside_false_rate"):
        Detector(alongside_false_rate=rate)


# -- features


def description(seed, n=5, n_bands=2):
    rng = np.random.default_rng(seed)
    fit = rng.uniform(0.2, 1.0, (n, smears.N_FITTED))
    fit[:, smears.LOG_LENGTH], fit[:, smears.LOG_WIDTH] = np.log(100.0), np.log(20.0)
    return Description(
        fit=fit,
        statistics=rng.uniform(1.0, 400.0, (n, 1 + n_bands, sections.N_STATISTICS)),
        picture=rng.uniform(0, 1, (n, n_bands, sections.N_ALONG, sections.N_ACROSS)),
        two=np.empty((n, 0)),
        azimuth_rad=np.array([-0.2]),
        blur=np.array([75.0, 91.0, 0.0]),
    )


def turned(found):
    """The same hulls with bow and stern exchanged."""
    fit, statistics = found.fit.copy(), found.statistics.copy()
    fit[:, smears.HEADING] += np.pi
    statistics[..., [sections.SKEW, sections.OFFSET]] *= -1
    statistics[..., [sections.FORE, sections.AFT]] = statistics[..., [sections.AFT, sections.FORE]]
    return replace(found, fit=fit, statistics=statistics, picture=found.picture[:, :, ::-1, ::-1])


@given(st.integers(0, 1000))
def test_features_do_not_know_bow_from_stern(seed):
    found = description(seed)
    sizes = np.full(5, 100.0), np.full(5, 20.0), np.full(5, 40.0)
    one, two = features(found, *sizes), features(turned(found), *sizes)
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


def test_features_of_what_could_not_be_described_are_not_told():
    found = description(1)
    for values in (found.fit, found.statistics, found.picture):
        values[2] = np.nan
    told = features(found, *(np.full(5, each) for each in (100.0, 20.0, 40.0)))
    assert all(np.isnan(values[2]) for name, values in told.items() if name != "wide_reported")
    assert all(np.isfinite(values[[0, 1, 3, 4]]).all() for values in told.values())


def test_what_was_not_fitted_as_two_hulls_gains_nothing():
    found = description(1, n_bands=1)
    two = np.full((5, 1 + 2 * two_hulls.N_FITTED), np.inf)
    two[1] = 0.0
    told = features(replace(found, two=two), *(np.full(5, each) for each in (100.0, 20.0, 40.0)))
    for name in ("gain", "shorter", "fainter", "one_beam"):
        assert (told[name] == 0).all()


def test_a_hull_along_the_track_lies_square_on_to_the_line_of_sight():
    headings = np.array([169.0, 79.0, 124.0, 34.0, 0.0])
    np.testing.assert_allclose(
        axis_to_range_deg(headings, np.deg2rad(-11.0)), [90.0, 0.0, 45.0, 45.0, 79.0], atol=1e-9
    )


def test_usual_beams():
    np.testing.assert_allclose(usual_beam(np.array([60.0, 250.0])), [60 / 5.6, 250 / 6.6])


# -- two hulls


def fits(gain, sd=0.02):
    two = np.zeros((1, 1 + 2 * two_hulls.N_FITTED))
    two[0, 0] = gain
    end = 1 + two_hulls.N_FITTED
    p, errors = (two[0, end + first :] for first in (two_hulls.PARAMETERS, two_hulls.SD))
    p[two_hulls.LOG_LENGTH_1], p[two_hulls.LOG_LENGTH_2] = np.log(60.0), np.log(100.0)
    p[two_hulls.AHEAD], p[two_hulls.GAP] = -10.0, 5.0
    errors[:11] = sd
    return two


def test_hull_1_is_the_longer():
    found = resolve(fits(40.0))
    assert (found.length_m_1[0], found.length_m_2[0]) == (pytest.approx(100), pytest.approx(60))
    assert found.width_m_1[0] == pytest.approx(100 / 6.2)
    apart = 5 + (100 / 6.2 + 60 / 5.6) / 2
    assert found.center_distance_m[0] == pytest.approx(np.hypot(10, apart))
    assert found.overlap_m[0] == pytest.approx(60)


@pytest.mark.parametrize("two", [fits(2.0), fits(40.0, sd=0.5), np.empty((1, 0))])
def test_what_cannot_be_resolved_has_no_sizes(two):
    assert all(np.isnan(values).all() for values in vars(resolve(two)).values())


# -- tables


class Memory:
    def __init__(self, image):
        self.image, self.dtype = image, image.dtype

    def read(self, window, out=None):
        seen = self.image[window.row0 : window.row1, window.col0 : window.col1]
        if out is None:
            return seen.copy()
        out[:] = seen
        return out


def tables(detector=None):
    """A ship of 150 m, two alongside, and the two again: detections and pairs."""
    long, short = Hull(150.0, 24.0, 30.0), Hull(120.0, 20.0, 30.0)
    apart = long.to_ground(5.0, 27.0)
    pair = Berth(long), Berth(short, float(apart[0]), float(apart[1]))
    blobs = [Blob("plain", (Berth(long),), 15.0), Blob("pair", pair, 15.0)]
    placed = [Placed(blobs[k > 0], 100.0 + 90 * k, 100.0 + 90 * k) for k in range(3)]
    images = optical.image(np.random.default_rng(4), placed, SEA, GRID, model="own")
    scene = Scene(
        id="s", collection="c", profile="p", sensor="optical", platform="",
        datetime=datetime(2017, 10, 19, tzinfo=UTC), orbit_state="unknown", grid=GRID,
        bands=(Asset("B08", "memory", band="B08"),), nodata=0.0,
        footprint=shapely.geometry.mapping(shapely.box(124.0, 37.0, 125.0, 38.0)),
    )  # fmt: skip
    coast = Coast("none", "", np.array([shapely.box(-30.0, -60.0, -29.9, -59.9)], object))
    window = GRID.full
    pixels = Pixels(scene, coast, window, 0.0, lambda _, asset: Memory(images[asset.name]))
    part = summarise(
        pixels.bands(window), np.zeros(SHAPE, np.bool_), window, sensor="optical", nodata=0.0
    )
    found = judge(scene, merge(window, [part]), pixels, coast, None, detector or Detector()).tables
    return found["detections"].to_pandas(), found["pairs"].to_pandas()


@pytest.fixture(scope="module")
def told():
    return tables()


def test_two_ships_alongside_are_told_from_one(told):
    detections, _ = told
    assert len(detections) == 3
    one, *both = detections["p_alongside"]
    assert one < 0.1
    assert min(both) > 0.5
    assert detections["n_hulls"].tolist()[0] == 1
    assert (detections["n_hulls"][1:] >= 2).all()
    merged = (detections["flags"] & int(Flag.MERGED_BLOB)) != 0
    assert merged.tolist() == [False, True, True]


def test_evidence_in_plain_numbers(told):
    first = told[0].iloc[0]
    assert first["expected_width_m"] == pytest.approx(150 / 6.3, rel=0.1)
    assert first["alongside_bands"] == "B08"
    assert np.isnan([first["smear_m"], first["axis_to_range_deg"]]).all()
    assert first["alongside_tpr"] > first["alongside_fpr"]
    assert 0 <= first["p_wide_single"] <= 1 - first["p_alongside"]


def test_pairs_within_a_blob_have_its_place_and_resolved_sizes(told):
    detections, pairs = told
    pairs = pairs[pairs["kind"] == "alongside"]
    assert sorted(pairs["detect_id_1"]) == sorted(detections["detect_id"][1:])
    assert pairs["detect_id_2"].isna().all()
    np.testing.assert_allclose(pairs["length_m_1"], 150, atol=15)
    np.testing.assert_allclose(pairs["length_m_2"], 120, atol=20)
    assert (pairs["gap_m"] < 12).all()
    assert shapely.get_type_id(shapely.from_wkb(pairs["geometry"])).tolist() == [0, 0]


def test_the_prior_shifts_the_odds_by_its_own(told):
    detections, _ = tables(Detector(prior=0.3))
    for before, after in zip(told[0]["p_alongside"], detections["p_alongside"], strict=True):
        assert log_odds(after) - log_odds(before) == pytest.approx(log_odds(0.3) - log_odds(0.03))
