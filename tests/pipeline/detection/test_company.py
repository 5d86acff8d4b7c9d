from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from westsea.detection.company import (
    CROWD,
    FLEET_PAIRS,
    chance_of,
    flag_company,
    joint_flags,
)
from westsea.detection.hulls import Hulls
from westsea.detection.pairs import pair_hulls
from westsea.detector import Detector
from westsea.schema import DOUBT, Flag
from westsea_catalog.grid import GEOD

LON, LAT = 124.0, 37.5
REMARKS = int(Flag.FLEET | Flag.ANCHORAGE | Flag.TOW)


def ships(rows, heading_sd=4.0):
    """Hulls at (east, north, length, heading) from a place, metres and degrees."""
    east, north, length, heading = np.reshape(rows, (-1, 4)).astype(float).T
    n = len(east)
    azimuth, distance = np.degrees(np.arctan2(east, north)), np.hypot(east, north)
    lon, lat, _ = GEOD.fwd(np.full(n, LON), np.full(n, LAT), azimuth, distance)
    values = {field.name: np.ones(n) for field in fields(Hulls)} | {
        "lon": np.asarray(lon),
        "lat": np.asarray(lat),
        "length_m": length,
        "length_sd_m": np.full(n, 5.0),
        "width_m": length / 6,
        "heading_deg": heading % 180,
        "heading_sd_deg": np.full(n, heading_sd),
        "flags": np.zeros(n, np.int32),
        "is_land": np.zeros(n, np.bool_),
        "at_land": np.zeros(n, np.bool_),
        "detect_id": np.array([f"ship{k:04d}" for k in range(n)], object),
    }
    return Hulls(**values)


def flags(hulls):
    return flag_company(hulls).flags


def trawlers(n, apart=300.0, turn=0.0, length=35.0, tide=30.0):
    """n pairs abreast, 1.5 km from pair to pair."""
    across = np.radians(tide + 90.0)
    rows = []
    for k in range(n):
        east, north = 1500.0 * (k % 3), 1500.0 * (k // 3)
        rows.append((east, north, length, tide))
        rows.append((east + apart * np.sin(across), north + apart * np.cos(across), length, tide))
        rows[-1] = (*rows[-1][:3], tide + turn)
    return rows


# -- fleets


def test_pairs_of_trawlers_are_a_fleet_and_few_are_none():
    assert (flags(ships(trawlers(FLEET_PAIRS))) == Flag.FLEET).all()
    assert not flags(ships(trawlers(FLEET_PAIRS - 1))).any()


@pytest.mark.parametrize(
    "other", [{"apart": 700.0}, {"apart": 60.0}, {"turn": 40.0}, {"length": 80.0}]
)
def test_what_is_no_fleet(other):
    assert not (flags(ships(trawlers(9, **other))) & int(Flag.FLEET)).any()


def test_axes_are_parallel_within_their_errors():
    assert (flags(ships(trawlers(6, turn=40.0), heading_sd=20.0)) == Flag.FLEET).all()


def test_pairs_far_from_one_another_are_no_fleet():
    rows = [(10 * east, 10 * north, *rest) for east, north, *rest in trawlers(9)]
    rows = [(*rows[k - k % 2][:2], *rows[k][2:]) for k in range(len(rows))]
    rows = [(east + 300 * (k % 2), *rest) for k, (east, *rest) in enumerate(rows)]
    assert not flags(ships(rows)).any()


def test_a_passing_ship_is_none_of_the_fleet_and_makes_no_pair_of_it():
    rows = [*trawlers(6), (150.0, -60.0, 120.0, 30.0)]
    hulls = flag_company(ships(rows))
    assert hulls.flags[-1] == 0
    pairs = pair_hulls(hulls, Detector())
    with_it = (pairs.first == len(rows) - 1) | (pairs.second == len(rows) - 1)
    assert with_it.sum() == 2
    assert (pairs.flags[with_it] == 0).all()
    assert (pairs.flags[~with_it] == Flag.FLEET).all()


def test_crowds_of_small_things_are_no_fleet():
    rows = [
        (2000.0 * group + 200.0 * k, 0.0, 25.0, 0.0) for group in range(4) for k in range(CROWD + 1)
    ]
    assert not flags(ships(rows)).any()


# -- tows


@pytest.mark.parametrize("axis", [0.0, 75.0, 140.0])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_small_hull_in_line_with_a_longer_one_is_a_tug_and_its_tow(axis, side):
    turn = np.radians(axis)
    away = side * 400.0
    rows = [(0, 0, 30, axis), (away * np.sin(turn), away * np.cos(turn), 95, axis + 5)]
    hulls = flag_company(ships(rows))
    assert (hulls.flags == Flag.TOW).all()
    assert pair_hulls(hulls, Detector()).flags.tolist() == [Flag.TOW]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([(0, 0, 30, 0), (400, 0, 95, 0)], "abreast"),
        ([(0, 0, 30, 0), (0, 400, 95, 40)], "the longer askew"),
        ([(0, 0, 30, 40), (0, 400, 95, 0)], "the smaller askew"),
        ([(0, 0, 70, 0), (0, 400, 110, 0)], "no tug"),
        ([(0, 0, 30, 0), (0, 400, 35, 0)], "no barge"),
        ([(0, 0, 30, 0), (0, 150, 95, 0)], "too near"),
        ([(0, 0, 30, 0), (0, 900, 95, 0)], "too far"),
    ],
)
def test_what_is_no_tow(rows, why):
    assert not flags(ships(rows)).any(), why


# -- anchorages


def swinging(rng, n, spread, side=4000.0):
    east, north = rng.uniform(0.0, side, (2, n))
    return np.column_stack([east, north, np.full(n, 120.0), 70 + rng.uniform(-spread, spread, n)])


def test_many_ships_that_swing_alike_are_an_anchorage():
    found = [flags(ships(swinging(np.random.default_rng(k), 20, 15.0))) for k in range(5)]
    assert np.mean([each & Flag.ANCHORAGE != 0 for each in found]) > 0.95


def test_ships_that_lie_as_they_like_are_hardly_ever_an_anchorage():
    found = [flags(ships(swinging(np.random.default_rng(k), 20, 90.0))) for k in range(50)]
    assert np.mean([each & Flag.ANCHORAGE != 0 for each in found]) < 0.02


def test_ships_under_way_and_a_few_alike_are_no_anchorage():
    rows = swinging(np.random.default_rng(1), 20, 15.0)
    hulls = ships(rows)
    hulls.flags[:] = Flag.UNDER_WAY
    assert (flags(hulls) == Flag.UNDER_WAY).all()
    assert not flags(ships(rows[:5])).any()


def test_what_lies_alongside_amid_an_anchorage_is_in_it_and_what_lies_off_is_not():
    rows = swinging(np.random.default_rng(2), 25, 15.0)
    rows = np.vstack([rows, [(2000, 2000, 90, 10), (2030, 2000, 80, 10), (9000, 2000, 90, 70)]])
    hulls = flag_company(ships(rows))
    assert (hulls.flags[-3:] & int(Flag.ANCHORAGE) != 0).tolist() == [True, True, False]


# -- laws


ROW = st.tuples(
    st.floats(-2500, 2500), st.floats(-2500, 2500), st.floats(15, 120), st.floats(0, 179.9)
)


@given(rows=st.lists(ROW, max_size=30), data=st.data())
@settings(max_examples=30)
def test_remarks_need_no_order_leave_scores_and_pass_over_doubt(rows, data):
    hulls = ships(rows)
    doubt = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    hulls.flags[:] = np.where(doubt, int(Flag.CLOUD), 0)
    out = flag_company(hulls)
    assert not (out.flags[np.array(doubt, bool)] & REMARKS).any()
    assert (out.flags & ~REMARKS == hulls.flags).all()
    assert (out.score == hulls.score).all()
    clear = flag_company(hulls.take(~np.array(doubt, bool)))
    assert (clear.flags == out.flags[~np.array(doubt, bool)]).all()
    order = np.array(data.draw(st.permutations(range(len(rows)))), np.int64)
    assert (flag_company(hulls.take(order)).flags == out.flags[order]).all()


def test_remarks_on_company_need_both_and_all_else_either():
    kinds = [Flag.FLEET, Flag.ANCHORAGE, Flag.TOW]
    others = [flag for flag in Flag if flag not in kinds]
    for flag in Flag:
        one, two = np.array([flag, flag, 0], np.int32), np.array([flag, 0, 0], np.int32)
        alone = 0 if flag in kinds else flag
        assert joint_flags(one, two).tolist() == [flag, alone, 0]
    assert sum(others) & REMARKS == 0
    assert int(DOUBT) & REMARKS == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=9))
def test_chances_are_binomial(cases):
    least, n = np.array([(min(pair), max(pair)) for pair in cases]).T
    wanted = binom.sf(least - 1, n, 0.3)
    assert np.allclose(chance_of(least, n, 0.3), wanted, rtol=1e-9, atol=1e-12)
