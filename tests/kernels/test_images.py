"""Kernels on a radar's digital numbers, beside the same kernels on the power they stand for."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_kernels.blocks import BLOCK, CELL, cut_blocks
from westsea_kernels.cells import N_BINS, bin_edges, summarise_pixels
from westsea_kernels.clutter import trim_limits
from westsea_kernels.images import MOST_REMOVED, Image, are_numbers, band_of, image_of, power

EXAMPLES = 3 if numba.config.DISABLE_JIT else 60
NO_DATA = np.float32(0)


def power_slowly(image):
    """(bands, rows, cols) by numpy, each step in float32."""
    rows = np.arange(image.pixels.shape[1]) // BLOCK
    whole = np.square(image.pixels.astype(np.float32)) * image.gains[:, rows]
    return whole - np.minimum(image.noises[:, rows], MOST_REMOVED * whole)


@st.composite
def images(draw):
    """Numbers and land of a chunk, with ships, holes of every kind and noise above the sea."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 280)), draw(st.integers(1, 280)))
    level = draw(st.sampled_from([3.0, 80.0, 5000.0]))
    pixels = 1 + level * np.sqrt(rng.gamma(4.4, 1 / 4.4, shape))
    pixels[rng.random(shape) < 0.005] *= 30
    pixels = np.minimum(pixels, 65535).astype(np.uint16)
    pixels[rng.random(shape) < draw(st.sampled_from([0, 0, 0.05]))] = 0
    pixels[..., : draw(st.sampled_from([0, 0, 20, 150]))] = 0
    land = rng.random(shape[1:]) < draw(st.sampled_from([0, 0, 0.3]))
    lines = shape[0], -(-shape[1] // BLOCK), shape[2]
    gains = (rng.uniform(0.8, 1.2, lines) / (20 * level) ** 2).astype(np.float32)
    noises = draw(st.sampled_from([0.0, 0.2, 1.5])) * level**2 * gains
    return Image(pixels, gains, noises.astype(np.float32)), land


def summary_of(image, land):
    """All that `summarise_pixels` fills."""
    n_bands = len(image.pixels)
    cells, blocks = (tuple(-(-side // size) for side in land.shape) for size in (CELL, BLOCK))
    out = (
        np.zeros(land.shape, np.bool_),
        np.zeros(blocks, np.uint16),
        *(np.zeros((n_bands, *blocks), np.float32) for _ in range(2)),
        np.zeros((*cells, n_bands), np.float32),
        np.zeros((*cells, N_BINS), np.uint16),
    )
    limits = trim_limits(n_bands)
    summarise_pixels(image, NO_DATA, land, np.float32(32), bin_edges(), limits, *out)
    return out


@given(images())
@settings(max_examples=EXAMPLES)
def test_numbers_are_summarised_as_the_power_they_stand_for(chunk):
    image, land = chunk
    expected = summary_of(image_of(power_slowly(image)), land)
    for mine, theirs in zip(summary_of(image, land), expected, strict=True):
        assert mine.tobytes() == theirs.tobytes()


@given(images(), st.data())
@settings(max_examples=EXAMPLES)
def test_blocks_are_cut_as_the_power_they_stand_for(chunk, data):
    image, land = chunk
    most = [-(-side // BLOCK) - 1 for side in land.shape]
    one = st.tuples(*(st.integers(0, side) for side in most))
    places = np.array(data.draw(st.lists(one, max_size=5)), np.int64).reshape(-1, 2)
    valid = (image.pixels > 0).all(axis=0) & ~land
    found, expected = np.zeros((2, len(places), len(image.pixels), BLOCK, BLOCK), np.float32)
    for each, out in ((image, found), (image_of(power_slowly(image)), expected)):
        cut_blocks(each, valid, places[:, 0].copy(), places[:, 1].copy(), out)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("noise", [0.0, 1e-9, 3e-4, 0.02, 5.0])
@pytest.mark.parametrize("gain", [1.0, 2.9e-6, 3.3e-5])
def test_power_never_falls_as_numbers_rise(noise, gain):
    """So the largest number of a column has the most power, bit for bit."""
    lines = (np.full((1, 1, 2**16), value, np.float32) for value in (gain, noise))
    image = Image(np.arange(2**16, dtype=np.uint16)[None, None], *lines)
    levels = power_slowly(image)[0, 0]
    assert (np.diff(levels) >= 0).all()
    assert levels[0] == 0
    assert (levels[1:] > 0).all()
    for number in (0, 1, 7, 300, 65535):
        assert power(np.uint16(number), np.float32(gain), np.float32(noise)) == levels[number]


def test_images_tell_numbers_from_values():
    values = np.zeros((2, 20, 30), np.uint16)
    lines = np.ones((2, 2, 30), np.float32)
    assert not are_numbers(image_of(values))
    assert are_numbers(Image(values, lines, lines))
    one = band_of(Image(values, lines, lines), 1)
    assert [each.shape for each in one] == [(1, 20, 30), (1, 2, 30), (1, 2, 30)]
