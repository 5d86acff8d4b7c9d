"""Numbers and what they stand for, as the catalog says it and as the kernels compute it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_catalog.grid import Window
from westsea_catalog.radar import levels
from westsea_catalog.radar.levels import AzimuthNoise, Levels, Vector
from westsea_kernels import images
from westsea_kernels.blocks import BLOCK, cut_blocks
from westsea_kernels.images import Image

SHAPE = (150, 130)
COLS = np.array([0, 40, 80, 129], np.int32)
GAMMA = (
    Vector(-20, COLS, np.array([600, 580, 560, 500], np.float32)),
    Vector(70, COLS[[0, 2, 3]], np.array([620, 550, 505], np.float32)),
)
NOISE = (
    Vector(0, COLS, np.array([240000, 190000, 150000, 170000], np.float32)),
    Vector(140, COLS, np.array([2300, 1950, 1400, 1650], np.float32)),
)
AZIMUTH = (
    AzimuthNoise((0, 150, 0, 60), np.array([0, 10, 149], np.int32), np.array([1, 1.2, 0.9], "f4")),
    AzimuthNoise((20, 99, 60, 130), np.array([20, 149], np.int32), np.array([1.1, 1], "f4")),
)
BORDER = (5, 140, 7, 120)
KINDS = {
    "all": Levels(SHAPE, GAMMA, NOISE, AZIMUTH),
    "border": Levels(SHAPE, GAMMA, NOISE, AZIMUTH, BORDER),
    "not calibrated": Levels(SHAPE, noise=NOISE, azimuth=AZIMUTH),
    "no noise": Levels(SHAPE, GAMMA, border=BORDER),
    "nothing": Levels(SHAPE),
}
NUMBERS = np.random.default_rng(1).integers(0, 900, SHAPE).astype(np.uint16)
NUMBERS[100, 100:] = 65535


def test_catalog_and_kernels_agree_on_blocks_and_noise():
    assert levels.BLOCK_LINES == BLOCK
    assert levels.MOST_REMOVED == images.MOST_REMOVED


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(st.data())
def test_kernels_compute_the_catalogs_power(kind, data):
    """Bit for bit, in any window from a corner of a block."""
    own = KINDS[kind]
    row0, col0 = (BLOCK * data.draw(st.integers(0, (side - 1) // BLOCK)) for side in SHAPE)
    window = Window(
        row0,
        data.draw(st.integers(row0 + 1, SHAPE[0])),
        col0,
        data.draw(st.integers(col0 + 1, SHAPE[1])),
    )
    numbers = NUMBERS[window.row0 : window.row1, window.col0 : window.col1].copy()
    expected = own.power(numbers, window, np.empty(window.shape, np.float32))
    own.cut(numbers, window)
    blocks = tuple(-(-side // BLOCK) for side in window.shape)
    gains, noises = np.empty((2, 1, blocks[0], window.shape[1]), np.float32)
    own.lines(window, gains[0], noises[0])
    at = np.indices(blocks).reshape(2, -1)
    out = np.empty((at.shape[1], 1, BLOCK, BLOCK), np.float32)
    valid = np.ones(window.shape, np.bool_)
    cut_blocks(Image(numbers[None], gains, noises), valid, *at.copy(), out)
    found = out.reshape(*blocks, BLOCK, BLOCK).swapaxes(1, 2)
    found = found.reshape(blocks[0] * BLOCK, blocks[1] * BLOCK)
    assert found[: window.shape[0], : window.shape[1]].tobytes() == expected.tobytes()
