"""Speeds from the lag between bands, and crests, on hulls drawn where each band finds them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from westsea.detection.motion import LAG_S, PAINT_SD_M, REGISTRATION_SD_M, speed
from westsea.schema import DOUBT, Flag

SIDE = 512
WATER, NOISE = 1000.0, 15.0
PSF_M = 5.4
LIGHT = {"B02": 1500.0, "B03": 1700.0, "B04": 2200.0, "B08": 3000.0}
WAKE, UNDER_WAY = int(Flag.WAKE), int(Flag.UNDER_WAY)
LAGS = {**LAG_S, "B08": 0.0}


def imaged(sim, hulls, *, seed=0, light=LIGHT, lags=LAGS, noise=NOISE):
    """Bands by name; hulls are (row, col, length, width, heading, speed, drift to the right)."""
    rng = np.random.default_rng(seed)
    empty = sim.lab(np.zeros((1, SIDE, SIDE)), sensor="optical")
    bands = {}
    for name, level in light.items():
        image = rng.normal(WATER, noise, (SIDE, SIDE))
        for row, col, length, width, heading, ahead, aside in hulls:
            turn = np.deg2rad(heading)
            east = ahead * np.sin(turn) + aside * np.cos(turn)
            north = ahead * np.cos(turn) - aside * np.sin(turn)
            step = np.linalg.inv(empty.scene.grid.jacobian(row, col)) @ (east, north)
            there = row + lags[name] * step[1], col + lags[name] * step[0]
            hull, where = sim.hull_image(empty.scene.grid, *there, length, width, heading, PSF_M)
            image[where] += level * hull
        bands[name] = image.round().clip(1, 65535).astype(np.uint16)
    return bands


def searched(sim, bands, only=tuple(LAG_S), **options):
    visible = {name: bands[name] for name in only}
    return sim.lab(bands["B08"][None], sensor="optical", visible=visible, **options)


def fleet(speeds, lengths=(120.0,), seed=3):
    """Hulls at random headings, kept apart, but in no rows: those are farms."""
    rng = np.random.default_rng(seed)
    places = [(r, c) for r in range(60, SIDE - 50, 65) for c in range(60, SIDE - 50, 65)]
    return [
        (row + rng.uniform(-19, 19), col + rng.uniform(-19, 19), length, 22.0, heading, ahead, 0.0)
        for (row, col), heading, ahead, length in zip(
            places,
            rng.uniform(0, 360, len(places)),
            np.resize(speeds, len(places)),
            np.resize(lengths, len(places)),
            strict=True,
        )
    ]


def matched(found, hulls):
    """Detections in the hulls' order."""
    places = np.array([hull[:2] for hull in hulls])
    away = np.hypot(found.row.to_numpy() - places[:, :1], found.col.to_numpy() - places[:, 1:])
    assert (away.min(axis=1) < 3).all()
    return found.iloc[away.argmin(axis=1)].reset_index(drop=True)


@pytest.mark.parametrize("order", [1.0, -1.0], ids=["one module", "the other"])
def test_speeds_are_recovered_to_their_errors(sim, order):
    """Whatever the heading and the order in which a module has the bands."""
    hulls = fleet([0.0, 3.0, 6.0, 10.0], lengths=(60.0, 120.0, 200.0))
    lags = {name: order * lag for name, lag in LAGS.items()}
    found = matched(searched(sim, imaged(sim, hulls, lags=lags)).frames()["detections"], hulls)
    truth = np.array([hull[5] for hull in hulls])
    error = found.speed_mps - truth
    assert np.abs(error).max() < 1.0
    assert np.quantile(np.abs(error), 0.68) < 0.4
    assert found.speed_sd_mps.between(0.7, 1.6).all()
    assert ((found["flags"] & int(DOUBT)) == 0).all()
    under_way = (found["flags"] & UNDER_WAY) != 0
    assert under_way[truth >= 6].all()
    assert not under_way[truth == 0].any()


@pytest.mark.parametrize(
    ("only", "sd"),
    [
        (("B02", "B03", "B04"), (0.7, 1.5)),
        (("B03", "B04"), (1.5, 2.2)),
        (("B04",), (2.0, 2.6)),
        (("B03",), None),
        ((), None),
    ],
)
def test_fewer_bands_tell_less(sim, only, sd):
    hulls = fleet([0.0, 9.0])
    found = matched(searched(sim, imaged(sim, hulls), only).frames()["detections"], hulls)
    if sd is None:
        assert found.speed_mps.isna().all()
        assert found.speed_sd_mps.isna().all()
        assert (found["flags"] == 0).all()
    else:
        assert found.speed_sd_mps.between(*sd).all()
        truth = np.array([hull[5] for hull in hulls])
        assert (np.abs(found.speed_mps - truth) < found.speed_sd_mps).all()


def test_coarser_bands_and_radar_tell_nothing(sim):
    hulls = fleet([9.0])
    lab = searched(sim, imaged(sim, hulls), ())
    coarse = sim.lab(lab.arrays["B08"][None], sensor="optical", visible={"B04": None})
    asset = coarse.scene.extras[0]
    object.__setattr__(asset, "factor", 2)
    assert coarse.frames()["detections"].speed_mps.isna().all()
    radar = sim.radar_sea(7, (256, 256))
    radar[:, 100:104, 100:110] = 5.0
    assert sim.lab(radar).frames()["detections"].speed_mps.isna().all()


def test_colours_do_not_move_a_hull(sim):
    """A house at one end, as bright in the visible as the deck is in B08."""
    bands = imaged(sim, [(256.0, 256.0, 150.0, 25.0, 40.0, 0.0, 0.0)])
    house = imaged(sim, [(259.8, 252.8, 40.0, 22.0, 40.0, 0.0, 0.0)], noise=0.0,
                   light={"B02": 4000.0, "B03": 4000.0, "B04": 4000.0, "B08": 1500.0})  # fmt: skip
    for name in bands:
        bands[name] = (bands[name] + (house[name] - WATER)).astype(np.uint16)
    (found,) = searched(sim, bands).frames()["detections"].itertuples()
    assert found.speed_mps < 2 * found.speed_sd_mps
    assert found.flags == 0


def test_pixels_without_data_and_saturated_ones_are_left_out(sim):
    hulls = [(256.0, 256.0, 150.0, 30.0, 90.0, 7.0, 0.0)]
    bands = imaged(sim, hulls)
    bands["B04"][254, 250:253] = 65535
    bands["B02"][258, 259:262] = 0
    (found,) = searched(sim, bands).frames()["detections"].itertuples()
    assert found.speed_mps == pytest.approx(7.0, abs=1.0)


def test_what_is_doubted_gets_no_speed(sim):
    bands = imaged(sim, [(45.0, 256.0, 120.0, 22.0, 90.0, 8.0, 0.0)])
    bands = {name: band[43:] for name, band in bands.items()}
    (found,) = searched(sim, bands).frames()["detections"].itertuples()
    assert found.flags == int(Flag.EDGE)
    assert np.isnan(found.speed_mps)


def crest(sim, ahead, aside, light, only=tuple(LAG_S)):
    """A short faint streak that runs along or across itself."""
    level = {"B02": 0.8 * light, "B03": 0.85 * light, "B04": 0.95 * light, "B08": light}
    bands = imaged(sim, [(256.0, 256.0, 45.0, 15.0, 30.0, ahead, aside)], light=level)
    (found,) = searched(sim, bands, only).frames()["detections"].itertuples()
    return found


@pytest.mark.parametrize("aside", [9.0, -9.0, 12.0])
def test_faint_crests_run_across_their_axis(sim, aside):
    found = crest(sim, 0.0, aside, 900.0)
    assert found.flags == WAKE
    assert found.doubt_detect_id is None
    assert np.isnan(found.speed_mps)
    assert found.score < 0.25
    assert crest(sim, 0.0, aside, 900.0, ("B04",)).flags == WAKE
    assert crest(sim, 0.0, aside, 900.0, ("B03",)).flags == 0


def test_no_boat_is_a_crest(sim):
    assert crest(sim, 0.0, 0.0, 900.0).flags == 0
    assert crest(sim, 2.0, 1.0, 900.0).flags == 0
    assert crest(sim, 10.0, 1.0, 900.0).flags == UNDER_WAY
    bright = crest(sim, 0.0, 10.0, 9000.0)
    assert bright.flags == 0
    assert np.isnan(bright.speed_mps)


def test_carrying_and_chunks_change_nothing(sim):
    hulls = fleet([0.0, 5.0, 10.0])
    lab = searched(sim, imaged(sim, hulls))
    whole = lab.bytes(carry="none")
    assert lab.bytes(chunks=sim.tiles(lab.full, 128, 256), carry="all") == whole


bands_seen = st.lists(st.booleans(), min_size=3, max_size=3)
errors = st.lists(st.floats(0.05, 5.0), min_size=3, max_size=3)
shift_lists = st.lists(st.floats(-10.0, 10.0), min_size=3, max_size=3)


@given(shift_lists, errors, bands_seen, st.sampled_from([0.0, PAINT_SD_M]))
def test_speed_is_that_of_generalised_least_squares(shift, sd, seen, common):
    shift, sd, seen = np.array(shift), np.array(sd), np.array(seen)
    masked = np.where(seen, shift, np.nan), np.where(seen, sd, np.nan)
    value, error = speed(masked[0][None], masked[1][None], common)
    if not seen.any():
        assert np.isnan(value[0])
        assert np.isnan(error[0])
        return
    lag = np.array(list(LAG_S.values()))[seen]
    covariance = np.diag(sd[seen] ** 2 + REGISTRATION_SD_M**2) + common**2
    inverse = np.linalg.inv(covariance)
    best = lag @ inverse @ shift[seen] / (lag @ inverse @ lag)
    rest = shift[seen] - best * lag
    unlike = max(1.0, rest @ inverse @ rest / max(seen.sum() - 1, 1)) if seen.sum() > 1 else 1.0
    assert value[0] == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert error[0] == pytest.approx(np.sqrt(unlike / (lag @ inverse @ lag)), rel=1e-6)


@pytest.mark.parametrize("truth", [0.0, 6.0])
def test_standard_errors_hold_for_bands_out_of_register(truth):
    """Errors as they are assumed: 68 % of the truths within one."""
    rng = np.random.default_rng(4)
    lag, n = np.array(list(LAG_S.values())), 4000
    shift = truth * lag + rng.normal(0.0, PAINT_SD_M, (n, 1))
    shift += rng.normal(0.0, np.hypot(REGISTRATION_SD_M, 0.5), (n, 3))
    value, error = speed(shift, np.full((n, 3), 0.5), PAINT_SD_M)
    inside = np.mean(np.abs(np.abs(value) - truth) < error)
    assert 0.66 < inside < 0.82  # contradictions add to the errors, never take away
    assert truth or np.mean(np.abs(value) > 3 * error) < 0.005
