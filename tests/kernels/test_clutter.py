from importlib.resources import files

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from westsea_kernels.blocks import BLOCKS_PER_CELL, bin_edges, quantile
from westsea_kernels.clutter import (
    at_blocks,
    cell_quantiles,
    count_above,
    describe,
    local_level,
    looks_and_order,
    pool,
    tail_over_median,
    threshold_over_median,
    trim_limits,
)
from westsea_kernels.make_clutter_table import (
    DECADES,
    OVERLAPPING,
    TAIL_NOISE,
    curve,
    gamma_survival,
    log_quantiles,
    row,
    sea_survival,
    survival,
    tail_density_grid,
    tails,
)

EXAMPLES = 5 if numba.config.DISABLE_JIT else 50
LOOKS = 4.4
QUARTILES_APART = 2 * stats.norm.isf(0.25)
ORDERS = (4.0, 8.0, 20.0, np.inf)


# -- the table


@pytest.fixture(scope="module")
def shipped():
    return np.load(str(files("westsea_kernels") / "data/clutter.npy"))


def test_shipped_table_is_what_the_command_makes(shipped):
    for n in (1, 2):
        points = curve(n)
        assert shipped[n - 1].shape == (len(points), 4 + DECADES.size)
        for k in (0, 17, 39, 40, 63, len(points) - 1):
            np.testing.assert_allclose(shipped[n - 1, k], row(*points[k]), rtol=1e-9)


def test_table_runs_from_smooth_to_rough(shipped):
    ratio, mean, log_threshold = shipped[..., 0], shipped[..., 3], shipped[..., 4:]
    assert (np.diff(ratio, axis=1) > 0).all()
    assert (np.diff(mean, axis=1) > 0).all()
    assert (np.diff(log_threshold, axis=1) > 0).all()
    assert (np.diff(log_threshold, axis=2) < 0).all()  # a higher rate, a lower threshold


@given(st.floats(0.3, 360), st.floats(0, 1000))
@settings(max_examples=300)
def test_gamma_survival_is_the_incomplete_gamma_function(shape, x):
    assert gamma_survival(shape, np.array([x]))[0] == pytest.approx(
        special.gammaincc(shape, x), rel=1e-9, abs=1e-300
    )


@pytest.mark.parametrize("order", [0.7, 4.0, 30.0])
@pytest.mark.parametrize("x", [0.3, 1.0, 3.0, 9.0])
def test_survival_is_the_mean_over_the_texture(order, x):
    texture = stats.gamma(order, scale=1 / order)
    expected, _ = integrate.quad(
        lambda t: texture.pdf(t) * special.gammaincc(LOOKS, LOOKS * x / t),
        *(0, 60),
        points=[1, 3],
        epsabs=0,
        limit=500,
    )
    assert survival(LOOKS, order, np.array([x]))[0] == pytest.approx(expected, rel=3e-3)


# -- thresholds


def ratio_and_median(pixels):
    """From a histogram, as a scene's summary has it."""
    edges = bin_edges() / 32
    counts = np.histogram(pixels, edges)[0]
    median = quantile(counts, edges, 0.5)
    return np.array(quantile(counts, edges, 0.9) / median), median


def clutter(order, n_polarizations, n, rng):
    """The mean over the polarisations, which share their texture."""
    texture = 1.0 if np.isinf(order) else rng.gamma(order, 1 / order, n)
    looks = LOOKS * n_polarizations
    return texture * rng.gamma(looks, 1 / looks, n)


@pytest.mark.parametrize("n_polarizations", [1, 2])
@pytest.mark.parametrize("order", ORDERS)
def test_false_alarms_come_at_the_nominal_rate(order, n_polarizations):
    pixels = clutter(order, n_polarizations, 4_000_000, np.random.default_rng(8))
    ratio, median = ratio_and_median(pixels)
    for rate in (1e-4, 1e-5):
        threshold = median * threshold_over_median(ratio, rate, n_polarizations)
        assert 0.5 < (pixels > threshold).mean() / rate < 2


@pytest.mark.parametrize("n_polarizations", [1, 2])
@pytest.mark.parametrize("order", ORDERS)
def test_ships_on_two_per_cent_of_the_sea_raise_thresholds_by_less_than_1_db(
    order, n_polarizations
):
    pixels = clutter(order, n_polarizations, 1_000_000, np.random.default_rng(9))
    with_ships = pixels.copy()
    with_ships[:20_000] *= 20
    clean, crowded = (
        [
            median * threshold_over_median(ratio, rate, n_polarizations)
            for rate in (1e-3, 1e-5, 1e-7)
        ]
        for ratio, median in (ratio_and_median(pixels), ratio_and_median(with_ships))
    )
    rise = 10 * np.log10(np.divide(crowded, clean))
    assert (rise > 0).all()
    assert (rise < 1).all()


@pytest.mark.parametrize("n_polarizations", [1, 2])
@pytest.mark.parametrize("order", ORDERS)
def test_ratio_tells_looks_order_and_mean(order, n_polarizations):
    pixels = clutter(order, n_polarizations, 4_000_000, np.random.default_rng(10))
    ratio, median = ratio_and_median(pixels)
    looks, found, mean = describe(ratio, n_polarizations)
    assert looks == pytest.approx(LOOKS, rel=0.01)
    assert 1 / found == pytest.approx(1 / order, abs=0.005)
    assert mean == pytest.approx(pixels.mean() / median, rel=0.005)


@pytest.mark.parametrize("n_polarizations", [1, 2])
def test_calmer_than_speckle_means_more_looks(n_polarizations):
    rng = np.random.default_rng(11)
    looks = 20.0 * n_polarizations
    ratio, median = ratio_and_median(rng.gamma(looks, 1 / looks, 1_000_000))
    found, order, _ = describe(ratio, n_polarizations)
    assert found == pytest.approx(20, rel=0.03)
    assert np.isinf(order)
    expected = stats.gamma(looks, scale=1 / looks).isf(1e-6) / median
    assert threshold_over_median(ratio, 1e-6, n_polarizations) == pytest.approx(expected, rel=0.01)


@given(st.floats(1.01, 20), st.floats(1.01, 20), st.sampled_from([1, 2]))
def test_thresholds_rise_with_the_ratio_and_fall_with_the_rate(ratio_1, ratio_2, n_polarizations):
    ratios = np.sort([ratio_1, ratio_2])
    rates = np.geomspace(1e-9, 0.1, 40)
    table = np.array([threshold_over_median(ratios, rate, n_polarizations) for rate in rates])
    assert (np.diff(table, axis=0) < 0).all()
    assert (np.diff(table, axis=1) >= 0).all()


def test_rates_beyond_the_table_are_clipped():
    ratio = np.array(1.8)
    ends = [threshold_over_median(ratio, rate, 1) for rate in (1e-9, 0.1)]
    assert [threshold_over_median(ratio, rate, 1) for rate in (0.0, 1.0)] == ends


def test_unknown_ratios_stay_unknown():
    ratio = np.array([[np.nan, 1.8, 1.9]])
    values = [threshold_over_median(ratio, 1e-6, 1), *describe(ratio, 1)]
    for value in values:
        np.testing.assert_array_equal(np.isnan(value), np.isnan(ratio))


# -- tails


@pytest.mark.bench
def test_shipped_tails_are_what_the_command_makes():
    shipped = np.load(str(files("westsea_kernels") / "data/tails.npy"))
    made = tails(1)
    np.testing.assert_allclose(shipped[0], made, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("order", [4.0, np.inf])
def test_sea_survival_is_that_of_the_k_distribution(order):
    edges, _ = tail_density_grid()
    places = np.searchsorted(edges, [0.5, 1.0, 2.0, 5.0])
    found = sea_survival(4.4, order, (0.0,), 0.0)[places]
    np.testing.assert_allclose(found, survival(4.4, order, edges[places]), rtol=0.015)


def test_sea_survival_of_two_noisy_polarizations():
    rng = np.random.default_rng(11)
    texture = rng.gamma(6.0, 1 / 6.0, 400_000)
    looks = OVERLAPPING / OVERLAPPING.sum()
    plane = 0.0
    for noise in (0.2, 0.9):
        speckle = rng.exponential(size=(texture.size, 5)) @ looks
        plane = plane + ((1 - noise) * texture + noise) * speckle / 2
    edges, _ = tail_density_grid()
    places = np.searchsorted(edges, [0.5, 1.0, 2.0, 3.0])
    expected = (plane[:, None] > edges[places]).mean(axis=0)
    found = sea_survival(OVERLAPPING, 6.0, (0.2, 0.9), 0.0)[places]
    np.testing.assert_allclose(found, expected, rtol=0.05)


SEAS = [(4.0, (0.0,)), (8.0, (0.5,)), (np.inf, (0.0,)), (4.0, (0.0, 0.9)), (8.0, (0.5, 0.9))]


@pytest.mark.parametrize(("order", "noise"), [*SEAS, (20.0, (0.0, 0.5)), (np.inf, (0.0, 0.0))])
@pytest.mark.parametrize("rate", [1e-3, 1e-5, 1e-6])
def test_three_quantiles_tell_the_tail_of_seas_with_noise(order, noise, rate):
    assert noise in TAIL_NOISE[len(noise)] or order == 20.0
    found = sea_survival(OVERLAPPING, order, noise, 0.0)
    q50, q90, q99 = np.exp(log_quantiles(found, np.array([0.5, 0.1, 0.01])))
    threshold = q50 * tail_over_median(q90 / q50, q99 / q90, rate, len(noise))
    edges, _ = tail_density_grid()
    reached = np.exp(np.interp(threshold, edges, np.log(np.maximum(found, 1e-15))))
    assert 0.6 * rate < reached < 1.7 * rate


@given(st.floats(0.5, 20), st.floats(0.5, 20), st.sampled_from([1, 2]))
def test_tails_fall_with_the_rate_whatever_the_ratios(ratio, upper, n_polarizations):
    rates = np.geomspace(1e-9, 1e-2, 30)
    tail = [tail_over_median(ratio, upper, rate, n_polarizations) for rate in rates]
    assert (np.diff(tail) <= 0).all()
    assert 1 < tail[-1] < tail[0] < 200


@pytest.mark.parametrize("n_polarizations", [1, 2])
def test_unknown_ratios_have_no_tail(n_polarizations):
    ratio = np.array([np.nan, 1.8])
    tail = tail_over_median(ratio, ratio, 1e-6, n_polarizations)
    np.testing.assert_array_equal(np.isnan(tail), np.isnan(ratio))


@pytest.mark.parametrize("order", [6.0, np.inf])
def test_looks_and_order_of_a_k_sea(order):
    found = sea_survival(OVERLAPPING, order, (0.0,), 0.0)
    q10, q50, q90, q99 = np.exp(log_quantiles(found, np.array([0.9, 0.5, 0.1, 0.01])))
    looks, back = looks_and_order(q50 / q10, q90 / q50, q99 / q90, 1)
    assert looks == pytest.approx(OVERLAPPING.sum() ** 2 / (OVERLAPPING**2).sum(), rel=0.15)
    assert 1 / back == pytest.approx(1 / order, abs=0.03)


def test_limits_of_trimming_rise_with_the_ratio():
    for n in (1, 2):
        assert (np.diff(trim_limits(n), axis=1) > 0).all()


# -- pooling


@given(st.integers(0, 2**32 - 1), st.integers(0, 7), st.integers(0, 7), st.integers(0, 4))
@settings(max_examples=EXAMPLES)
def test_pool_sums_the_good_cells_around(seed, n_rows, n_cols, radius):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 65536, (n_rows, n_cols, 5)).astype(np.uint16)
    good = rng.random((n_rows, n_cols)) < 0.7
    out = np.full(counts.shape, 7, np.int64)
    pool(counts, good, radius, out)
    for i in range(n_rows):
        for j in range(n_cols):
            around = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
            expected = counts[around][good[around]].astype(np.int64).sum(axis=0)
            np.testing.assert_array_equal(out[i, j], expected)


# -- over all cells


@pytest.fixture(scope="module")
def cells():
    """Histograms of cells, some of them empty."""
    rng = np.random.default_rng(4)
    counts = rng.integers(0, 50, (5, 7, 12)).astype(np.uint16) * (rng.random((5, 7, 1)) < 0.8)
    return counts.astype(np.uint16), np.cumsum(rng.random(13))


@pytest.mark.parametrize("q", [0.1, 0.5, 0.99])
def test_quantiles_of_good_cells(cells, q):
    counts, edges = cells
    good = counts.sum(axis=-1) > 0
    out = np.zeros(good.shape)
    cell_quantiles(counts, good, edges, q, out)
    assert not good.all()
    for place, value in np.ndenumerate(out):
        if good[place]:
            assert value == quantile(counts[place], edges, q)
        else:
            assert np.isnan(value)


def test_pixels_above_the_threshold_of_their_cell(cells):
    counts, edges = cells
    threshold = np.random.default_rng(5).uniform(0, 1.1 * edges[-1], counts.shape[:2])
    threshold[0, :5] = np.nan, np.inf, edges[0], edges[4], edges[-1]
    with np.errstate(invalid="ignore"):
        share = np.clip((edges[1:] - threshold[..., None]) / np.diff(edges), 0, 1)
    expected = (counts * np.nan_to_num(share)).sum()
    assert count_above(counts, edges, threshold) == pytest.approx(expected, rel=1e-12)
    assert expected > 0


# -- interpolation


def at_blocks_slowly(cells, weights, shape):
    """Weighted by the tent function of every cell, over all cells."""
    out = np.full(shape, np.nan)
    for i, j in np.ndindex(shape):
        y, x = (i + 0.5) / BLOCKS_PER_CELL, (j + 0.5) / BLOCKS_PER_CELL
        rows, cols = np.indices(cells.shape) + 0.5
        tent = np.maximum(1 - abs(rows - y), 0) * np.maximum(1 - abs(cols - x), 0) * weights
        if tent.sum() > 0:
            out[i, j] = np.average(np.where(weights > 0, cells, 0), weights=tent)
    return out


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, 4), st.integers(0, 7))
@settings(max_examples=EXAMPLES)
def test_at_blocks_interpolates_between_the_cells_that_count(seed, n_rows, n_cols, less):
    rng = np.random.default_rng(seed)
    cells = rng.normal(size=(n_rows, n_cols))
    weights = rng.random((n_rows, n_cols)) * (rng.random((n_rows, n_cols)) < 0.6)
    cells[weights == 0] = np.nan
    shape = (max(n_rows * BLOCKS_PER_CELL - less, 0), n_cols * BLOCKS_PER_CELL)
    out = np.full(shape, 7.0)
    at_blocks(cells, weights, out)
    np.testing.assert_allclose(out, at_blocks_slowly(cells, weights, shape), atol=1e-12)


def test_at_blocks_keeps_a_plane():
    rows, cols = np.indices((5, 6)) * 1.0
    out = np.empty((40, 48))
    at_blocks(3 * rows - 2 * cols, np.ones((5, 6)), out)
    inside = out[4:-4, 4:-4]
    np.testing.assert_allclose(np.diff(inside, axis=0), 3 / BLOCKS_PER_CELL)
    np.testing.assert_allclose(np.diff(inside, axis=1), -2 / BLOCKS_PER_CELL)


# -- water


def local_level_slowly(quartiles, usable, radius, least, level, spread):
    level, spread = level.copy(), spread.copy()
    for i, j in np.argwhere(np.isnan(level)):
        around = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
        lower, median, upper = (quartile[around][usable[around]] for quartile in quartiles)
        if median.size >= max(least, 1):
            level[i, j] = np.quantile(median, 0.5, method="higher")
            between = np.subtract(*np.quantile(median, [0.75, 0.25], method="lower"))
            within = np.quantile(upper - lower, 0.5, method="higher")
            spread[i, j] = max(between, within) / QUARTILES_APART
    return level, spread


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 3),
    st.integers(0, 9),
)
@settings(max_examples=EXAMPLES)
def test_local_level_is_the_median_of_the_medians_around(seed, n_rows, n_cols, radius, least):
    rng = np.random.default_rng(seed)
    shape = (n_rows, n_cols)
    steps = rng.gamma(9, rng.choice([0.1, 10]), (3, *shape))  # alike inside blocks, or between
    quartiles = (rng.gamma(9, 10, shape) + np.cumsum(steps, axis=0)).astype(np.float32)
    usable = rng.random(shape) < 0.5
    quartiles[:, ~usable] = np.nan
    known = rng.random(shape) < 0.3
    level, spread = np.where(known, 3.0, np.nan), np.where(known, 4.0, np.nan)
    expected = local_level_slowly(quartiles, usable, radius, least, level, spread)
    local_level(quartiles, usable, radius, least, level, spread)
    np.testing.assert_array_equal(level, expected[0])
    np.testing.assert_allclose(spread, expected[1], rtol=1e-4)


def test_no_water_no_level_though_none_is_asked_for():
    level, spread = np.full((2, 4, 4), np.nan)
    local_level(np.ones((3, 4, 4), np.float32), np.zeros((4, 4), np.bool_), 1, 0, level, spread)
    assert np.isnan([level, spread]).all()


def test_spread_of_noise_is_its_standard_deviation():
    pixels = np.random.default_rng(3).normal(100, 7, (30, 30, 256))
    quartiles = np.quantile(pixels, [0.25, 0.5, 0.75], axis=2).astype(np.float32)
    level, spread = np.full((30, 30), np.nan), np.full((30, 30), np.nan)
    local_level(quartiles, np.ones((30, 30), np.bool_), 4, 5, level, spread)
    np.testing.assert_allclose(level, 100, atol=0.5)
    np.testing.assert_allclose(spread, 7, atol=0.7)
