"""The kernel against slow, obvious numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_kernels import lattices
from westsea_kernels.pairs import offset_m

SIZES = np.array([9, 24])


def fit(lon, lat, level=None, length=None, most_db=10.0, most_ratio=3.0, wanted=None):
    n = len(lon)
    near, evidence = np.empty((n, lattices.NEIGHBOURS), np.int64), np.empty((n, len(SIZES), 2))
    placed = np.empty((n, len(SIZES), lattices.NEIGHBOURS), np.bool_)
    level = np.zeros(n) if level is None else level
    length = np.ones(n) if length is None else length
    wanted = np.ones(n, np.bool_) if wanted is None else wanted
    lattices.fit_lattices(
        lon, lat, level, length, most_db, most_ratio, SIZES, wanted, near, evidence, placed
    )
    return near, evidence, placed


def square(rows, cols, spacing=100.0):
    """A perfect lattice at the equator, by latitude."""
    j, i = np.divmod(np.arange(rows * cols), rows)
    return i * spacing / 111_319.49, j * spacing / 110_574.39


def power_of(x, y, kx, ky):
    return np.abs(np.exp(1j * (kx * x + ky * y)).sum()) ** 2 / x.size


@given(seed=st.integers(0, 1 << 32), n=st.integers(1, 80), side=st.floats(0.01, 0.2))
@settings(max_examples=30)
def test_the_nearest_alike(seed, n, side):
    rng = np.random.default_rng(seed)
    lon, lat = 124 + rng.uniform(0, side, n), np.sort(37 + rng.uniform(0, side, n))
    level, length = rng.uniform(0, 20, n), rng.uniform(10, 100, n)
    near, _, _ = fit(lon, lat, level, length)
    for i in range(n):
        away = np.array([np.hypot(*offset_m(lon[i], lat[i], lon[j], lat[j])) for j in range(n)])
        ratio = np.maximum(length / length[i], length[i] / length)
        alike = (np.abs(level - level[i]) <= 10) & (ratio <= 3) & (away <= lattices.REACH_M)
        expected = [j for j in np.argsort(away, kind="stable") if alike[j]]
        expected = expected[: lattices.NEIGHBOURS]
        assert [j for j in near[i] if j >= 0] == expected


@given(seed=st.integers(0, 1 << 32), n=st.integers(3, 24))
@settings(max_examples=20)
def test_the_periodogram_is_that_of_the_points(seed, n):
    x, y = np.random.default_rng(seed).uniform(-500, 500, (2, n))
    step, steps, lowest = 0.003, 12, 0.012
    power = np.empty((lattices.MOST_STEPS + 1, 2 * lattices.MOST_STEPS + 1))
    tried = lattices._periodogram(x, y, n, step, steps, lowest, power)
    expected = 0
    for iy in range(steps + 1):
        for ix in range(-steps, steps + 1):
            away = np.hypot(ix, iy)
            if lowest <= step * away and away <= steps and (iy > 0 or ix > 0):
                expected += 1
                direct = power_of(x, y, ix * step, iy * step)
                assert power[iy, steps + ix] == pytest.approx(direct, abs=1e-6)
            else:
                assert power[iy, steps + ix] == -1
    assert tried == expected


def test_power_of_points_at_random_is_exponential_with_mean_1():
    """Scargle (1982); what the evidence rests on."""
    rng = np.random.default_rng(0)
    power = np.empty((lattices.MOST_STEPS + 1, 2 * lattices.MOST_STEPS + 1))
    seen = []
    for _ in range(300):
        x, y = rng.uniform(-500, 500, (2, 24))
        lattices._periodogram(x, y, 24, 0.01, 20, 0.03, power)
        seen.append(power[:21, :41][power[:21, :41] >= 0][::7])
    seen = np.concatenate(seen)
    assert seen.mean() == pytest.approx(1, abs=0.03)
    assert (seen > 5).mean() == pytest.approx(np.exp(-5), rel=0.35)
    assert lattices._median(power, 20, int((power[:21, :41] >= 0).sum())) == pytest.approx(
        np.log(2), abs=0.1
    )


@given(angle=st.floats(0, np.pi), spacing=st.floats(0.9, 1.1), seed=st.integers(0, 999))
@settings(max_examples=20)
def test_a_wave_is_refined(angle, spacing, seed):
    rng = np.random.default_rng(seed)
    kx, ky = (2 * np.pi / 100) * np.array([np.cos(angle), np.sin(angle)])
    crest, along = rng.integers(-5, 6, 24) * 100.0, rng.uniform(-500, 500, 24)
    x = crest * np.cos(angle) - along * np.sin(angle)
    y = crest * np.sin(angle) + along * np.cos(angle)
    wave, step = np.empty(4), 0.45 * np.pi / 700
    lattices._refine(x, y, 24, kx + 0.4 * step * spacing, ky - 0.3 * step, step, wave)
    assert wave[3] == pytest.approx(24, rel=0.03)
    assert wave[:2] == pytest.approx((kx, ky), abs=0.15 * step)
    assert wave[3] == pytest.approx(power_of(x, y, wave[0], wave[1]))


def test_in_a_perfect_lattice_all_are_in_phase():
    near, evidence, placed = fit(*square(6, 5))
    some = evidence[:, 1].min(axis=1) > -np.inf
    assert some.sum() >= 20
    # The power is the number of points, 24; of it goes what chance could do.
    assert (evidence[some, 1].min(axis=1) > 10).all()
    assert (placed[some, 1].sum(axis=1) >= 23).all()
    assert (near[some] >= 0).all()


def test_neighbourhoods_without_a_wanted_point_are_not_fitted():
    lon, lat = square(8, 8)
    wanted = np.arange(64) == 20
    near, every, _ = fit(lon, lat)
    _, some, _ = fit(lon, lat, wanted=wanted)
    with_wanted = (near == 20).any(axis=1)
    assert 8 < with_wanted.sum() < 60
    np.testing.assert_array_equal(some[with_wanted], every[with_wanted])
    assert np.isneginf(some[~with_wanted]).all()


def test_half_of_the_members_are_enough():
    rng = np.random.default_rng(1)
    lon, lat = square(10, 10)
    kept = np.sort(rng.permutation(100)[:50])
    _, evidence, _ = fit(lon[kept], lat[kept])
    assert np.median(evidence[:, 1].min(axis=1)) > 6


def test_a_point_out_of_place_is_not_a_member():
    lon, lat = square(6, 5)
    order = np.argsort(np.append(lat, lat[14] + 40 / 110_574.39), kind="stable")
    stray = int(np.flatnonzero(order == 30)[0])
    near, evidence, placed = fit(
        np.append(lon, lon[14] + 50 / 111_319.49)[order],
        np.append(lat, lat[14] + 40 / 110_574.39)[order],
    )
    fits = (evidence[:, 1].min(axis=1) > 6) & (near == stray).any(axis=1)
    assert fits.sum() > 10
    assert not placed[:, 1][fits][near[fits] == stray].any()


def test_too_few_have_no_evidence():
    near, evidence, placed = fit(*square(5, 1))
    assert np.isneginf(evidence).all()
    assert not placed.any()
    assert (near[:, :5] >= 0).all()
