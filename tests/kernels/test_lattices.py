"""The kernel against slow, obvious numpy."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from westsea_kernels import lattices
from westsea_kernels.pairs import offset_m


def fit(lon, lat, level=None, length=None, most_db=10.0, most_ratio=3.0):
    n = len(lon)
    near = np.empty((n, lattices.NEIGHBOURS), np.int64)
    placed, measures = np.empty(near.shape, np.bool_), np.empty((n, lattices.N_MEASURES))
    level = np.zeros(n) if level is None else level
    length = np.ones(n) if length is None else length
    lattices.fit_lattices(lon, lat, level, length, most_db, most_ratio, near, placed, measures)
    return near, placed, measures


def square(rows, cols, spacing=100.0):
    """A perfect lattice at the equator, by latitude; where each point lies in it."""
    j, i = np.divmod(np.arange(rows * cols), rows)
    return i * spacing / 111_319.49, j * spacing / 110_574.39, i, j


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


def test_a_perfect_lattice_is_counted_right():
    """All 30 points see one another, and each vector counts as one of the lattice's own."""
    lon, lat, i, j = square(6, 5)
    near, placed, measures = fit(lon, lat)
    possible = {
        ((6 - u) * (5 - v), max(6 - 2 * u, 0) * max(5 - 2 * v, 0))
        for u in range(3)
        for v in range(3)
        if u or v
    }
    first = [lattices.LINKS_A, lattices.ROWS_A], [lattices.LINKS_B, lattices.ROWS_B]
    for k in range(30):
        assert {tuple(measures[k, of].astype(int)) for of in first} <= possible
        assert 0 < measures[k, lattices.CELLS] <= 5 * 4
        assert measures[k, lattices.OWN] == placed[k].sum() - 1
        assert measures[k, [lattices.EVIDENCE_A, lattices.EVIDENCE_B]].min() > 30
        neighbours = near[k][placed[k]]
        assert (np.abs(i[neighbours] - i[k]) <= 2).all()
        assert (np.abs(j[neighbours] - j[k]) <= 2).all()


@given(trials=st.integers(1, 120), share=st.floats(0, 1), chance=st.floats(0.01, 0.3))
def test_evidence_bounds_the_tail_of_the_binomial(trials, share, chance):
    hits = round(share * trials)
    nats = lattices._nats(hits, trials, chance)
    exact = -binom.logsf(hits - 1, trials, chance)
    assert nats <= exact + 1e-9
    assert nats >= exact - 0.5 * np.log(8 * trials) - 3.0 or hits <= chance * trials


def test_too_few_have_no_measures():
    lon, lat, _, _ = square(5, 1)
    near, placed, measures = fit(lon, lat)
    assert not measures.any()
    assert not placed.any()
    assert (near[:, :5] >= 0).all()
