import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.chunks import chunks, grid_shape, squares, valid_of
from westsea_kernels.blocks import BLOCK, CELL, SAMPLING
from westsea_kernels.cells import (
    LEAST_TRIMMED_SHARE,
    MEDIAN_SAMPLING,
    N_BINS,
    TRIMS,
    bin_edges,
    count_above,
    inverse_weight,
    pooled_quantiles,
    quantile,
    summarise_pixels,
)
from westsea_kernels.images import image_of

EXAMPLES = 3 if numba.config.DISABLE_JIT else 100
EDGES = bin_edges()
RADAR_SCALE = 32.0
NO_LIMITS = np.empty((2, 0))


# -- references


def count_slowly(plane):
    inside = np.clip(plane, EDGES[0], np.nextafter(EDGES[-1], 0))
    return np.histogram(inside, EDGES)[0]


def quantile_slowly(counts, edges, q):
    """Where the line through the corners of the cumulative counts reaches q of the sum."""
    full = np.flatnonzero(counts)
    upper = np.cumsum(counts[full])
    i = np.searchsorted(upper, q * counts.sum())
    lower = upper[i] - counts[full][i]
    bin_ = full[i]
    return np.interp(q * counts.sum(), [lower, upper[i]], [edges[bin_], edges[bin_ + 1]])


def sampled(pixels):
    """Every second row and column of the last two axes."""
    return pixels[..., ::SAMPLING, ::SAMPLING]


# -- histograms


def test_edges_make_32_bins_an_octave():
    assert EDGES.shape == (N_BINS + 1,)
    np.testing.assert_array_equal(EDGES[32:] / EDGES[:-32], 2.0)
    np.testing.assert_allclose(EDGES[[0, -1]], [2.0**-4, 2.0**16])
    np.testing.assert_allclose(np.diff(EDGES[:33]), 2.0**-9)


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any),
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    st.sampled_from([np.int64, np.uint16]),
)
@settings(max_examples=5 * EXAMPLES)
def test_quantile_is_linear_inside_its_bin(counts, q, dtype):
    counts, edges = np.array(counts, dtype), np.cumsum(np.arange(len(counts) + 1.0))
    assert quantile(counts, edges, q) == pytest.approx(quantile_slowly(counts, edges, q))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.5, 0.9]))
@settings(max_examples=EXAMPLES)
def test_quantile_is_within_a_bin_of_the_pixels_own(seed, q):
    pixels = np.random.default_rng(seed).gamma(4.4, 20, 5000)
    counts = np.histogram(pixels, EDGES)[0]
    assert quantile(counts, EDGES, q) == pytest.approx(np.quantile(pixels, q), rel=1 / 32)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_every_value_falls_into_the_bin_between_its_edges(dtype):
    if dtype is np.uint16:
        pixels = np.arange(2**16)
    else:
        edges = EDGES.astype(np.float32)
        below, above = np.nextafter(edges, np.float32(0)), np.nextafter(edges, np.float32(1e9))
        extremes = np.array([-5, -0.0, 0, 1e-40, 1e-5, 7e4, 3e38], np.float32)
        pixels = np.concatenate([edges, below, above, extremes])
    image = np.resize(pixels, (256, 256)).astype(dtype)
    bands = image.repeat(SAMPLING, axis=0).repeat(SAMPLING, axis=1)[None]
    _, counts = cells_of(bands, np.ones(bands.shape[1:], np.bool_), 0.0)
    np.testing.assert_array_equal(counts.sum(axis=(0, 1)), count_slowly(image))


def cells_of(bands, valid, scale, limits=NO_LIMITS):
    """Medians and counts; what the arrays held before must not matter."""
    shape, blocks = grid_shape(valid.shape, CELL), grid_shape(valid.shape, BLOCK)
    medians = np.full((*shape, len(bands)), 7, np.float32)
    counts = np.full((*shape, N_BINS), 7, np.uint16)
    extremes = [np.full((len(bands), *blocks), 7, np.float32) for _ in range(2)]
    others = np.full(valid.shape, True), np.full(blocks, 7, np.uint16), *extremes
    nodata, scale = np.float32(np.nan), np.float32(scale)
    image = image_of(bands)
    summarise_pixels(image, nodata, ~valid, scale, EDGES, limits, *others, medians, counts)
    return medians, counts


@given(chunks(most_bands=1))
@settings(max_examples=EXAMPLES)
def test_cells_of_one_band_count_its_valid_pixels(chunk):
    bands, valid = chunk[0], valid_of(*chunk)
    medians, counts = cells_of(bands, valid, 0.0)
    for place, square in squares(valid.shape, CELL):
        expected = count_slowly(sampled(bands[0][square])[sampled(valid[square])])
        np.testing.assert_array_equal(counts[place], expected)
        median = quantile_slowly(expected, EDGES, 0.5) if expected.any() else 0.0
        assert medians[place][0] == pytest.approx(median)


@given(chunks())
@settings(max_examples=EXAMPLES)
def test_cells_of_radar_count_the_mean_of_the_bands_over_their_medians(chunk):
    bands, valid = chunk[0], valid_of(*chunk)
    medians, counts = cells_of(bands, valid, RADAR_SCALE)
    for place, square in squares(valid.shape, CELL):
        plane = np.zeros(sampled(valid[square]).sum(), np.float32)
        for band, image in enumerate(bands[:, *square].astype(np.float32)):
            values = image[::MEDIAN_SAMPLING, ::SAMPLING]
            values = values[valid[square][::MEDIAN_SAMPLING, ::SAMPLING]]
            band_counts = count_slowly(4096 * values)
            median = 0.0
            if band_counts.any():
                median = quantile_slowly(band_counts, EDGES, 0.5) / 4096
            if median > 0:
                weight = np.float32(RADAR_SCALE / (len(bands) * np.float32(median)))
                plane += weight * sampled(image)[sampled(valid[square])]
            assert medians[place][band] == pytest.approx(median)
        # A pixel on the edge of a bin may fall to either side: weights round differently.
        passed_on = np.cumsum(counts[place].astype(int) - count_slowly(plane))
        assert np.abs(passed_on).max() <= 1
        assert passed_on[-1] == 0


def limit_slowly(counts, limits):
    median, high = (quantile_slowly(counts, EDGES, q) for q in (0.5, 0.9))
    k = min(np.searchsorted(limits[0], high / median), limits.shape[1] - 1)
    return np.searchsorted(EDGES, median * limits[1, k])


def trimmed_slowly(plane, valid, limits):
    """Histogram of a cell (rows, cols) without the blocks that hold a bin above the limit."""
    bins = np.clip(np.searchsorted(EDGES, plane, side="right") - 1, 0, N_BINS - 1)
    counted = np.zeros_like(valid)
    counted[::SAMPLING, ::SAMPLING] = sampled(valid)
    whole = np.bincount(bins[counted], minlength=N_BINS)
    keep, left = counted.copy(), whole
    for _ in range(TRIMS if whole.any() else 0):
        if not left.any():
            break
        limit = limit_slowly(left, limits)
        for _, square in squares(valid.shape, BLOCK):
            if (bins[square][valid[square]] > limit).any():
                keep[square] = False
        left = np.bincount(bins[keep], minlength=N_BINS)
    if keep.sum() < LEAST_TRIMMED_SHARE * counted.sum():
        left = np.where(np.arange(N_BINS) > limit_slowly(whole, limits), 0, whole)
    return left


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1e-4, 1e-3, 0.02]),
    st.tuples(st.integers(1, CELL), st.integers(1, CELL)),
)
@settings(max_examples=EXAMPLES)
def test_blocks_with_ships_are_left_out(seed, share, shape):
    rng = np.random.default_rng(seed)
    bands = (32 * rng.gamma(5, 0.2, (1, *shape))).astype(np.float32)
    bands[:, rng.random(shape) < share] *= rng.choice([3, 30])
    valid = rng.random(shape) < 0.9
    limits = np.array([[1.0, 1.5, 2.0, 2.5], [2.0, 4.0, 6.0, 9.0]])
    medians, counts = cells_of(bands, valid, RADAR_SCALE, limits)
    plane = inverse_weight(medians[0, 0, 0], RADAR_SCALE, 1) * bands[0]
    # A pixel on the edge of a bin may fall to either side: weights round differently.
    passed_on = np.cumsum(counts[0, 0].astype(int) - trimmed_slowly(plane, valid, limits))
    assert np.abs(passed_on).max() <= 1
    assert passed_on[-1] == 0


def test_band_without_signal_has_no_weight():
    assert inverse_weight(0.0, 32.0, 2) == 0
    assert inverse_weight(np.nan, 32.0, 2) == 0
    assert inverse_weight(0.5, 32.0, 2) == 32


# -- quantiles of many cells


def histograms(rng, n_rows, n_cols):
    """Of uneven cells, some of them empty."""
    counts = rng.poisson(0.4, (n_rows, n_cols, N_BINS)) * rng.integers(0, 3, (n_rows, n_cols, 1))
    return counts.astype(np.uint16)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(0, 4),
    st.sampled_from([0, 400, 10_000]),
)
@settings(max_examples=EXAMPLES)
def test_pooled_quantiles_are_those_of_the_cells_around_together(
    seed, n_rows, n_cols, radius, least
):
    counts = histograms(np.random.default_rng(seed), n_rows, n_cols)
    qs = np.array([0.1, 0.5, 0.9, 0.99])
    out = np.full((4, n_rows, n_cols), 7.0)
    pooled_quantiles(counts, radius, EDGES, qs, least, out)
    for i, j in np.ndindex(n_rows, n_cols):
        around = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
        pool = counts[around].astype(np.int64).sum(axis=(0, 1))
        expected = [np.nan] * 4
        if pool.sum() >= max(least, 1):
            expected = [quantile_slowly(pool, EDGES, q) for q in qs]
        np.testing.assert_allclose(out[:, i, j], expected)


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=EXAMPLES)
def test_what_lies_above_a_threshold_takes_its_share_of_a_bin(seed, n_rows, n_cols):
    rng = np.random.default_rng(seed)
    counts = histograms(rng, n_rows, n_cols)
    thresholds = np.exp2(rng.uniform(-6, 18, (n_rows, n_cols)))
    thresholds[rng.random(thresholds.shape) < 0.2] = np.nan
    thresholds[rng.random(thresholds.shape) < 0.2] = EDGES[5]
    expected = 0.0
    for place in np.argwhere(np.isfinite(thresholds)):
        cumulative = np.append(0, np.cumsum(counts[tuple(place)].astype(float)))
        below = np.interp(thresholds[tuple(place)], EDGES, cumulative)
        expected += cumulative[-1] - below
    assert count_above(counts, EDGES, thresholds) == pytest.approx(expected)


def test_nothing_lies_above_an_endless_threshold():
    assert count_above(np.ones((1, 1, N_BINS), np.uint16), EDGES, np.full((1, 1), np.inf)) == 0


# -- the whole


def summary_of(bands, nodata, land):
    """All that `summarise_pixels` fills, the two axes of the grid last."""
    land = np.ascontiguousarray(land)
    cells, blocks = (grid_shape(land.shape, size) for size in (CELL, BLOCK))
    limits = np.array([[1.0, 1.5, 2.0, 2.5], [2.0, 4.0, 6.0, 9.0]])
    valid, n_valid = np.empty(land.shape, np.bool_), np.empty(blocks, np.uint16)
    largest, smallest = (np.empty((len(bands), *blocks), np.float32) for _ in range(2))
    medians = np.empty((*cells, len(bands)), np.float32)
    counts = np.empty((*cells, N_BINS), np.uint16)
    filled = valid, n_valid, largest, smallest, medians, counts
    summarise_pixels(image_of(bands), nodata, land, np.float32(RADAR_SCALE), EDGES, limits, *filled)
    of_cells = np.moveaxis(medians, -1, 0), np.moveaxis(counts, -1, 0)
    return valid[None], n_valid[None], largest, smallest, *of_cells


@given(chunks(), st.integers(0, 3), st.integers(0, 3), st.booleans())
@settings(max_examples=EXAMPLES)
def test_parts_cut_between_cells_say_what_the_whole_says(chunk, row, col, wide):
    bands, nodata, land = chunk
    if wide:  # more than a tile
        bands, land = np.tile(bands[..., :30, :], 50), np.tile(land[:30], 50)
    cut = min(row * CELL, land.shape[0]), min((40 * wide + col) * CELL, land.shape[1])
    top, bottom = np.s_[: cut[0]], np.s_[cut[0] :]
    left, right = np.s_[: cut[1]], np.s_[cut[1] :]
    parts = [
        [summary_of(bands[:, rows, cols], nodata, land[rows, cols]) for cols in (left, right)]
        for rows in (top, bottom)
    ]
    for k, expected in enumerate(summary_of(bands, nodata, land)):
        halves = [np.concatenate([part[k] for part in half], axis=2) for half in parts]
        np.testing.assert_array_equal(np.concatenate(halves, axis=1), expected)


@pytest.mark.parametrize("shape", [(0, 0), (0, 40), (40, 0)])
def test_chunks_without_pixels_have_nothing_to_say(shape):
    bands = np.zeros((2, *shape), np.float32)
    for out in summary_of(bands, np.float32(0), np.zeros(shape, np.bool_)):
        assert out.size == 0
