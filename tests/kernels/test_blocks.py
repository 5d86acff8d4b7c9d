import numba
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from made.chunks import chunks, grid_shape, squares, valid_of
from westsea_kernels.blocks import (
    BLOCK,
    SAMPLING,
    block_quartiles,
    cut_blocks,
    summarise_row,
)
from westsea_kernels.images import image_of

EXAMPLES = 3 if numba.config.DISABLE_JIT else 100


# -- references


def mark_valid_slowly(bands, nodata, land):
    return (np.isfinite(bands) & (bands != nodata)).all(axis=0) & ~land


# -- valid pixels


@given(chunks())
@settings(max_examples=EXAMPLES)
def test_valid_pixels_have_data_in_every_band_and_are_not_land(chunk):
    np.testing.assert_array_equal(valid_of(*chunk), mark_valid_slowly(*chunk))


# -- blocks


def blocks_of(bands, nodata, land):
    """Numbers, largest, smallest; what the arrays held before must not matter."""
    shape = grid_shape(land.shape, BLOCK)
    n_valid = np.full(shape, 7, np.uint16)
    largest, smallest = (np.full((len(bands), *shape), 7, np.float32) for _ in range(2))
    valid, image = np.ones(land.shape, np.bool_), image_of(bands)
    for row in range(0, land.shape[0], BLOCK):
        window = (row, min(row + BLOCK, land.shape[0])), (0, land.shape[1])
        summarise_row(image, nodata, land, *window, valid, n_valid, largest, smallest)
    np.testing.assert_array_equal(valid, valid_of(bands, nodata, land))
    return n_valid, largest, smallest


@st.composite
def windows_of_a_row(draw):
    """(bands, nodata, land) of one row of blocks, (rows, cols) from corners of blocks in it, and
    whether all is valid there."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width, left = (
        draw(st.integers(low, high)) for low, high in ((17, 40), (1, 99), (0, 6))
    )
    rows, cols = (BLOCK, min(2 * BLOCK, height)), (BLOCK * left, BLOCK * left + width)
    bands = rng.normal(size=(draw(st.integers(1, 2)), height, cols[1] + 5)).astype(np.float32)
    bands[:, :BLOCK] = bands[:, 2 * BLOCK :] = bands[..., cols[1] :] = np.nan  # not looked at
    land = np.zeros(bands.shape[1:], np.bool_)
    bad = draw(st.sampled_from([None, "land", -7.0, np.nan, np.inf, -np.inf]))
    place = draw(st.integers(rows[0], rows[1] - 1)), draw(st.integers(cols[0], cols[1] - 1))
    if bad == "land":
        land[place] = True
    elif bad is not None:
        bands[draw(st.integers(0, len(bands) - 1)), *place] = bad
    return (bands, np.float32(-7.0), land), (rows, cols), bad is None


@given(windows_of_a_row())
@settings(max_examples=EXAMPLES)
def test_a_window_of_a_row_is_summarised_alone(row):
    (bands, nodata, land), window, is_whole = row
    valid = valid_of(bands, nodata, land)
    found = np.zeros_like(valid)
    shape = grid_shape(valid.shape, BLOCK)
    n_valid = np.zeros(shape, np.uint16)
    largest, smallest = (np.zeros((len(bands), *shape), np.float32) for _ in range(2))
    out = found, n_valid, largest, smallest
    assert summarise_row(image_of(bands), nodata, land, *window, *out) == is_whole
    inside = tuple(np.s_[start:end] for start, end in window)
    np.testing.assert_array_equal(found[inside], valid[inside])
    assert found.sum() == valid[inside].sum()
    first = window[1][0] // BLOCK
    for (_, j), square in squares((1, window[1][1] - window[1][0]), BLOCK):
        at = np.s_[window[0][0] : window[0][1], window[1][0] + square[1].start : window[1][1]]
        at = at[0], slice(at[1].start, min(at[1].start + BLOCK, window[1][1]))
        pixels = bands[:, *at][:, valid[at]]
        assert n_valid[1, first + j] == pixels.shape[1]
        for extreme, of in (
            (largest, pixels.max(axis=1, initial=-np.inf)),
            (smallest, pixels.min(axis=1, initial=np.inf)),
        ):
            np.testing.assert_array_equal(extreme[:, 1, first + j], of)
    assert n_valid.sum() == found.sum()


@given(chunks())
@settings(max_examples=EXAMPLES)
def test_blocks_hold_number_largest_and_smallest_of_their_valid_pixels(chunk):
    bands, valid = chunk[0], valid_of(*chunk)
    n_valid, largest, smallest = blocks_of(*chunk)
    for (i, j), square in squares(valid.shape, BLOCK):
        pixels = bands[:, *square][:, valid[square]].astype(np.float32)
        assert n_valid[i, j] == pixels.shape[1]
        np.testing.assert_array_equal(largest[:, i, j], pixels.max(axis=1, initial=-np.inf))
        np.testing.assert_array_equal(smallest[:, i, j], pixels.min(axis=1, initial=np.inf))


def quartiles_of(band, valid):
    out = np.full((3, *grid_shape(valid.shape, BLOCK)), 7, np.float32)
    block_quartiles(band, valid, out)
    return out


@given(chunks())
@settings(max_examples=EXAMPLES)
def test_quartiles_are_right_to_a_bin(chunk):
    bands, valid = chunk[0], valid_of(*chunk)
    out = quartiles_of(bands[0], valid)
    for (i, j), square in squares(valid.shape, BLOCK):
        pixels = bands[0][square][::SAMPLING][valid[square][::SAMPLING]]
        if not pixels.size:
            assert np.isnan(out[:, i, j]).all()
            continue
        pixels = np.maximum(pixels.astype(np.float32), 0)
        # Between the pixels around the quartile, and a bin, an octave's 128th, beyond them.
        least = np.quantile(pixels, [0.25, 0.5, 0.75], method="inverted_cdf")
        assert (out[:, i, j] >= least * (1 - 1 / 128) - 1e-38).all()
        assert (out[:, i, j] <= least * (1 + 1 / 128) + 1e-38).all()
        assert (np.diff(out[:, i, j]) >= 0).all()


@given(chunks(), st.data())
@settings(max_examples=EXAMPLES)
def test_cut_blocks_are_the_pixels_with_nan_for_what_is_not_valid(chunk, data):
    bands, valid = chunk[0], valid_of(*chunk)
    shape = grid_shape(valid.shape, BLOCK)
    one = st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1))
    places = np.array(data.draw(st.lists(one, max_size=5)), np.int64).reshape(-1, 2)
    out = np.full((len(places), len(bands), BLOCK, BLOCK), 7, np.float32)
    cut_blocks(image_of(bands), valid, places[:, 0].copy(), places[:, 1].copy(), out)
    padded = np.full((len(bands), BLOCK * shape[0], BLOCK * shape[1]), np.nan, np.float32)
    padded[:, : valid.shape[0], : valid.shape[1]] = np.where(valid, bands, np.nan)
    for k, (i, j) in enumerate(places):
        square = np.s_[:, i * BLOCK : (i + 1) * BLOCK, j * BLOCK : (j + 1) * BLOCK]
        np.testing.assert_array_equal(out[k], padded[square])
