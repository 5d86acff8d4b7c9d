"""From digital numbers to power, against a slow reference."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_catalog.grid import Window
from westsea_catalog.radar.levels import BLOCK_LINES, AzimuthNoise, Levels, Vector

SHAPE = (150, 130)
COLS = np.array([0, 40, 80, 129], np.int32)
GAMMA = (
    Vector(-20, COLS, np.array([600, 580, 560, 500], np.float32)),
    Vector(70, COLS[[0, 2, 3]], np.array([620, 550, 505], np.float32)),
    Vector(149, COLS, np.array([610, 580, 560, 510], np.float32)),
)
NOISE = (
    Vector(0, COLS, np.array([2400, 1900, 1500, 1700], np.float32)),
    Vector(140, COLS, np.array([2300, 1950, 1400, 1650], np.float32)),
)
AZIMUTH = (
    AzimuthNoise((0, 150, 0, 60), np.array([0, 10, 149], np.int32), np.array([1, 1.2, 0.9], "f4")),
    AzimuthNoise((20, 150, 60, 130), np.array([20, 149], np.int32), np.array([1.1, 1], "f4")),
)
LEVELS = Levels(SHAPE, GAMMA, NOISE, AZIMUTH)
NUMBERS = np.random.default_rng(1).integers(0, 900, SHAPE).astype(np.uint16)
NUMBERS[:20, :20] = 0
NUMBERS[100, 100] = 65535


def whole(levels, numbers=NUMBERS):
    return levels.power(numbers, Window(0, SHAPE[0], 0, SHAPE[1]), np.empty(SHAPE, np.float32))


def table(vectors, row, col):
    """Linear along columns, then along lines."""
    lines = [np.interp(col, vector.cols, vector.values) for vector in vectors]
    return np.interp(row, [vector.row for vector in vectors], lines)


def slow(levels, row, col):
    """Power of one pixel, tables read at the middle line of its block."""
    first = row - row % BLOCK_LINES
    middle = (first + min(first + BLOCK_LINES, SHAPE[0]) - 1) / 2
    power = float(NUMBERS[row, col]) ** 2
    noise = table(levels.noise, middle, col) if levels.noise else 0.0
    for part in levels.azimuth:
        row0, row1, col0, col1 = part.bounds
        if row0 <= middle < row1 and col0 <= col < col1:
            noise *= np.interp(middle, part.rows, part.values)
    power -= min(noise, power / 2)
    if levels.gamma:
        lines = [np.interp(col, v.cols, v.values) ** -2.0 for v in levels.gamma]
        power *= np.interp(middle, [v.row for v in levels.gamma], lines)
    return power


@pytest.mark.parametrize(
    "levels",
    [
        LEVELS,
        Levels(SHAPE, GAMMA, NOISE),
        Levels(SHAPE, GAMMA),
        Levels(SHAPE, noise=NOISE, azimuth=AZIMUTH),
        Levels(SHAPE),
        Levels(SHAPE, GAMMA[:1], NOISE[:1]),
    ],
)
def test_every_pixel_is_the_references(levels):
    rng = np.random.default_rng(2)
    found = whole(levels)
    for row, col in [*rng.integers(0, SHAPE, (300, 2)).tolist(), [100, 100], [149, 129]]:
        assert found[row, col] == pytest.approx(slow(levels, row, col), rel=2e-5)


def test_no_data_is_told_from_power():
    found = whole(LEVELS)
    np.testing.assert_array_equal(found == 0, NUMBERS == 0)
    assert (found >= 0).all()
    assert np.isfinite(found).all()


def test_relative_levels_are_squares():
    np.testing.assert_array_equal(whole(Levels(SHAPE)), np.square(NUMBERS.astype(np.float32)))


@settings(max_examples=150)
@given(
    st.lists(st.integers(1, SHAPE[0] - 1), max_size=6, unique=True),
    st.lists(st.integers(1, SHAPE[1] - 1), max_size=6, unique=True),
    st.booleans(),
)
def test_any_split_into_windows_gives_the_same_bytes(rows, cols, border):
    levels = Levels(SHAPE, GAMMA, NOISE, AZIMUTH, (5, 140, 7, 120) if border else None)
    found = np.empty(SHAPE, np.float32)
    row_edges, col_edges = [0, *sorted(rows), SHAPE[0]], [0, *sorted(cols), SHAPE[1]]
    for row0, row1 in pairwise(row_edges):
        for col0, col1 in pairwise(col_edges):
            part = found[row0:row1, col0:col1]
            out = np.full(part.shape, np.nan, np.float32)
            levels.power(NUMBERS[row0:row1, col0:col1], Window(row0, row1, col0, col1), out)
            part[:] = out
    assert found.tobytes() == whole(levels).tobytes()


def test_the_border_of_old_products_is_no_data():
    found = whole(Levels(SHAPE, GAMMA, NOISE, border=(5, 140, 7, 120)))
    inside = np.zeros(SHAPE, bool)
    inside[5:140, 7:120] = True
    assert (found[~inside] == 0).all()
    np.testing.assert_array_equal(found[inside], whole(Levels(SHAPE, GAMMA, NOISE))[inside])


def test_pure_noise_keeps_its_law_and_ships_lose_all_of_it():
    """Speckle below twice the noise is halved, whatever its value; what is bright is exact."""
    noise = Vector(0, COLS, np.full(4, 2500.0, np.float32))
    numbers = np.tile(np.arange(1, SHAPE[1] + 1, dtype=np.uint16), (SHAPE[0], 1)) * 2
    found = whole(Levels(SHAPE, noise=(noise,)), numbers)
    square = np.square(numbers.astype(np.float32))
    weak = square < 5000
    np.testing.assert_allclose(found[weak], square[weak] / 2)
    np.testing.assert_allclose(found[~weak], square[~weak] - 2500, rtol=1e-6)


def test_they_travel_without_their_tables():
    whole(LEVELS)
    sent = pickle.dumps(LEVELS)
    assert len(sent) < 4000
    assert whole(pickle.loads(sent)).tobytes() == whole(LEVELS).tobytes()
