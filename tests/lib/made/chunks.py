"""Chunks of pixels with whatever a scene may hold, and the squares that they are cut into."""

import numpy as np
from hypothesis import strategies as st

from westsea_kernels.blocks import mark_valid


def squares(shape, size):
    """Slices of the squares of a grid, and their places."""
    for i in range(-(-shape[0] // size)):
        for j in range(-(-shape[1] // size)):
            yield (i, j), np.s_[i * size : (i + 1) * size, j * size : (j + 1) * size]


def grid_shape(shape, size):
    return -(-shape[0] // size), -(-shape[1] // size)


@st.composite
def chunks(draw, most_bands=2):
    """(bands, nodata, land), of any shape, with ships, holes and land."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, most_bands)), draw(st.integers(1, 280)), draw(st.integers(1, 280)))
    dtype, nodata = draw(
        st.sampled_from(
            [(np.uint16, 0), (np.float32, np.nan), (np.float32, 0), (np.float32, -32768)]
        )
    )
    level = 300.0 if dtype is np.uint16 else 0.02
    bands = level * rng.gamma(4.4, 1 / 4.4, shape)
    bands[rng.random(shape) < 0.01] *= 200
    if dtype is np.float32:
        for value in (np.inf, -np.inf, np.nan, -level, 0.0):
            bands[rng.random(shape) < 0.002] = value
    bands = np.minimum(bands, 65535).astype(dtype)
    bands[rng.random(shape) < draw(st.sampled_from([0, 0.05]))] = nodata
    bands[:, : draw(st.integers(0, 280)), : draw(st.sampled_from([0, 64, 150, 280]))] = nodata
    land = rng.random(shape[1:]) < draw(st.sampled_from([0, 0.3]))
    land[:, draw(st.integers(0, 280)) :] = True
    return bands, np.float32(nodata), land


def valid_of(bands, nodata, land):
    valid = np.ones(land.shape, np.bool_)
    mark_valid(bands, nodata, land, valid)
    return valid
