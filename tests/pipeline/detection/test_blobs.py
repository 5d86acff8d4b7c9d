"""Blobs against scipy's labels on the dense plane."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from westsea.detection.blobs import SEA, SOLID_SHARE, find_blobs
from westsea.detection.sea import Sea
from westsea.detection.summary import summarise
from westsea_catalog.grid import Window
from westsea_kernels.blocks import BLOCK, BLOCKS_PER_CELL, CELL

NODATA = -32768.0
SEA_LEVEL = 1.0
EIGHT = np.ones((3, 3))


def sea_of(weights, growth, seed):
    """A sea of which only what blobs need is known."""
    nothing = np.full(growth.shape, np.nan)
    return Sea(
        weights=weights,
        background=np.full(growth.shape, SEA_LEVEL),
        growth=growth,
        seed=seed,
        noise=nothing,
        looks=1.0,
        enl=1.0,
        k_order=1.0,
        n_counted=0,
        n_above=0,
        clutter_db=0.0,
    )


@dataclass
class Case:
    """A window with its thresholds; counts which blocks are fetched."""

    bands: np.ndarray
    growth: np.ndarray
    seed: np.ndarray
    limit: np.ndarray
    weights: np.ndarray | None = None

    def __post_init__(self):
        n_bands, rows, cols = self.bands.shape
        if self.weights is None:
            self.weights = np.ones((-(-rows // CELL), -(-cols // CELL), n_bands), np.float32)
        self.fetched = Counter()

    def padded(self):
        """(bands, rows, cols) of whole blocks; NaN where not valid."""
        n_bands, rows, cols = self.bands.shape
        block_rows, block_cols = self.growth.shape
        out = np.full((n_bands, block_rows * BLOCK, block_cols * BLOCK), np.nan, np.float32)
        out[:, :rows, :cols] = self.bands
        out[:, (out == NODATA).any(axis=0)] = np.nan
        return out

    def fetch(self, places):
        self.fetched.update(map(tuple, places.tolist()))
        image = self.padded()
        return np.stack([image[:, i * BLOCK :, j * BLOCK :][:, :BLOCK, :BLOCK] for i, j in places])

    def find(self, carry="none"):
        _, rows, cols = self.bands.shape
        summary = summarise(
            self.bands,
            np.zeros((rows, cols), np.bool_),
            Window(0, rows, 0, cols),
            sensor="sar",
            nodata=NODATA,
            carry=carry,
        )
        sea = sea_of(self.weights, self.growth, self.seed)
        return find_blobs(summary, sea, self.fetch, self.limit)


def to_pixels(blocks):
    return blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)


def reference(case):
    """Ships, as lists of (row, col, value); masks of all land, and of what must be found of it."""
    image = case.padded()
    weights = case.weights.repeat(CELL, axis=0).repeat(CELL, axis=1)
    weights = np.moveaxis(weights, -1, 0)[:, : image.shape[1], : image.shape[2]]
    plane = weights[0] * image[0]
    for weight, band in zip(weights[1:], image[1:], strict=True):
        plane = plane + weight * band
    growth, seed = (to_pixels(a.astype(np.float32)) for a in (case.growth, case.seed))
    solid = to_pixels(solid_blocks(case, image, weights))
    bright = (plane > growth) | solid
    labels, n = ndimage.label(bright, EIGHT)
    order = block_order(plane.shape)
    ships, land = [], np.zeros(plane.shape, np.bool_)
    for label in range(1, n + 1):
        own = labels == label
        if not (own & solid).any() and not (own & (plane > seed)).any():
            continue
        places = sorted(map(tuple, np.argwhere(own).tolist()), key=lambda at: order[at])
        row, col = places[0]
        if (own & solid).any() or len(places) > case.limit[row // BLOCK, col // BLOCK]:
            land |= own
        else:
            ships.append([(row, col, plane[row, col]) for row, col in places])
    return sorted(ships, key=lambda ship: order[ship[0][:2]]), land, land & ((plane > seed) | solid)


def solid_blocks(case, image, weights):
    """Blocks whose darkest pixel, band by band, lies well above the sea."""
    out = np.zeros(case.growth.shape, np.bool_)
    for i, j in np.ndindex(out.shape):
        block = np.s_[:, i * BLOCK : (i + 1) * BLOCK, j * BLOCK : (j + 1) * BLOCK]
        least = (weights[block][:, 0, 0] * image[block].min(axis=(1, 2))).sum(dtype=np.float32)
        solid = SEA_LEVEL + SOLID_SHARE * (case.growth[i, j] - SEA_LEVEL)
        out[i, j] = least > np.float32(solid)
    return out


def block_order(shape):
    """Rank of every pixel when blocks are read row by row, and pixels in them likewise."""
    rows, cols = np.indices(shape)
    keys = (cols % BLOCK, rows % BLOCK, cols // BLOCK, rows // BLOCK)
    rank = np.empty(rows.size, np.int64)
    rank[np.lexsort([key.ravel() for key in keys])] = np.arange(rows.size)
    return rank.reshape(shape)


def as_lists(blobs):
    pixels = list(zip(blobs.rows.tolist(), blobs.cols.tolist(), blobs.values, strict=True))
    ends = blobs.start.tolist()
    return [pixels[a:b] for a, b in pairwise(ends)]


def land_mask(blobs, shape):
    mask = np.zeros(shape, np.bool_)
    for (i, j), pixels in zip(blobs.land_at, blobs.land, strict=True):
        mask[i * BLOCK : (i + 1) * BLOCK, j * BLOCK : (j + 1) * BLOCK] = pixels
    return mask


def random_case(seed, shape, n_bands):
    """Clumps of all sizes over thresholds that differ from block to block."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0.6, 3.0))
    noise = rng.normal(0, 0.2, (n_bands, *shape))
    bands = (3 + 4 * smooth / max(smooth.std(), 0.1) * rng.random() + noise).astype(np.float32)
    if rng.random() < 0.5:  # land
        middle = rng.integers(0, np.array(shape))
        away = np.hypot(*(np.indices(shape) - middle[:, None, None]))
        bands[:, away < rng.uniform(10, 40)] += 12
    bands[:, rng.random(shape) < rng.choice([0, 0.02])] = NODATA
    bands[0, rng.random(shape) < rng.choice([0, 0.02])] = np.nan
    blocks = tuple(-(-side // BLOCK) for side in shape)
    cells = tuple(-(-side // CELL) for side in shape)
    growth = rng.uniform(5, 8, blocks)
    growth[rng.random(blocks) < 0.05] = np.inf
    weights = rng.uniform(0.8, 1.2, (*cells, n_bands)).astype(np.float32) / n_bands
    limit = np.where(rng.random(blocks) < 0.5, 40.0, 90.5)
    return Case(bands, growth, growth + rng.uniform(0, 3, blocks), limit, weights)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 1 << 32),
    rows=st.integers(1, 150),
    cols=st.integers(1, 150),
    n_bands=st.sampled_from([1, 2]),
    carry=st.sampled_from(["none", "bright", "all"]),
)
def test_equal_to_labels_of_the_dense_plane(seed, rows, cols, n_bands, carry):
    case = random_case(seed, (rows, cols), n_bands)
    blobs = case.find(carry)
    ships, land, certain = reference(case)
    assert as_lists(blobs) == ships
    found = land_mask(blobs, land.shape)
    assert not (found & ~land).any()
    assert not (certain & ~found).any()
    assert max(case.fetched.values(), default=0) <= 1
    assert blobs.n_fetched == sum(case.fetched.values())
    if carry == "all":
        assert blobs.n_fetched == 0


def flat(shape, growth=2.0, seed=5.0, limit=1000.0):
    """A dark window."""
    blocks = tuple(-(-side // BLOCK) for side in shape)
    fields = [np.full(blocks, value) for value in (growth, seed, limit)]
    return Case(np.ones((1, *shape), np.float32), *fields)


def test_blobs_join_across_corners_of_blocks_but_not_across_a_gap():
    case = flat((64, 64))
    case.bands[0, 15, 15] = case.bands[0, 16, 16] = 9.0  # corner to corner
    case.bands[0, 40, 31] = case.bands[0, 40, 33] = 9.0  # one dark pixel between
    lists = as_lists(case.find())
    assert [[pixel[:2] for pixel in blob] for blob in lists] == [
        [(15, 15), (16, 16)],
        [(40, 31)],
        [(40, 33)],
    ]


def test_a_long_blob_is_followed_through_blocks_without_a_seed():
    case = flat((32, 400))
    case.bands[0, 15:17, 3:390] = 3.0
    case.bands[0, 16, 389] = 9.0
    blobs = case.find()
    assert np.diff(blobs.start).tolist() == [2 * 387]
    # Only what the blob reaches is read: two rows of blocks, up to its end.
    assert set(case.fetched) == {(i, j) for i in (0, 1) for j in range(25)}


def test_without_a_seed_there_is_nothing():
    case = flat((48, 48))
    case.bands[0, 10:14, 10:20] = 4.9
    case.bands[0, 30, 30] = 5.0  # a threshold is to be exceeded
    blobs = case.find()
    assert len(blobs.start) == 1
    assert not len(blobs.land_at)


def test_a_block_may_promise_what_no_pixel_holds():
    """The bands' maxima add up to more than the seed, but lie in different pixels."""
    fields = [np.full((3, 3), value) for value in (3.0, 5.0, 1000.0)]
    case = Case(np.full((2, 48, 48), 0.1, np.float32), *fields)
    case.bands[0, 20, 20] = case.bands[1, 20, 24] = 2.8
    blobs = case.find()
    assert set(case.fetched) == {(1, 1)}
    assert len(blobs.start) == 1
    assert not len(blobs.land_at)
    assert (blobs.owner == SEA).all()


@pytest.mark.parametrize(("n_pixels", "ships"), [(12, 1), (13, 0)])
def test_a_blob_larger_than_the_largest_hull_is_land(n_pixels, ships):
    case = flat((32, 32), limit=12.0)
    case.bands[0, 10, 4 : 4 + n_pixels] = 9.0
    blobs = case.find()
    assert len(blobs.start) - 1 == ships
    assert land_mask(blobs, (32, 32)).sum() == (0 if ships else n_pixels)


def test_land_is_followed_no_farther_than_ships_may_go():
    case = flat((32, 400), limit=100.0)
    case.bands[0, 15:17, 3:390] = 3.0
    case.bands[0, 16, 389] = 9.0
    blobs = case.find()
    assert len(blobs.start) == 1
    assert len(case.fetched) == 2 * 4  # 6 columns, and 16 in each block from there
    assert land_mask(blobs, (32, 400)).sum() == 2 * (6 + 3 * 16)


def test_what_holds_a_block_bright_throughout_is_land_and_so_is_what_touches_it():
    case = flat((64, 64))
    case.bands[0, 16:32, 16:32] = 1.6  # between the sea and growth, but no hull fills a block
    assert land_mask(case.find(), (64, 64)).sum() == 256
    case.bands[0, 32, 32] = 9.0
    case.bands[0, 34, 34] = 9.0  # apart
    blobs = case.find()
    assert as_lists(blobs) == [[(34, 34, 9.0)]]
    assert land_mask(blobs, (64, 64)).sum() == 257


def test_pixels_at_the_end_of_float32_stay_finite():
    case = flat((32, 32), growth=4.0)
    case.bands = np.ones((2, 32, 32), np.float32)
    case.bands[:, 8, 8] = np.finfo(np.float32).max
    case.weights = np.ones((1, 1, 2), np.float32)
    blobs = case.find()
    assert np.diff(blobs.start).tolist() == [1]
    assert np.isfinite(blobs.values).all()


def test_cells_carry_their_own_weights():
    case = flat((32, 2 * CELL))
    case.weights = np.array([[[1.0], [10.0]]], np.float32)
    case.bands[0, 8, CELL - 1] = case.bands[0, 8, CELL] = 4.0
    case.growth[:, BLOCKS_PER_CELL:] = 20.0
    case.seed[:, BLOCKS_PER_CELL:] = 50.0
    # 4 is no seed on the left, 40 none on the right; above growth they are on both sides.
    assert as_lists(case.find()) == []
    case.seed[:, BLOCKS_PER_CELL:] = 39.0
    assert as_lists(case.find()) == [[(8, CELL - 1, 4.0), (8, CELL, 40.0)]]


def test_eight_thousand_blobs():
    case = flat((1440, 1440))
    case.bands[0, 6::16, 6::16] = case.bands[0, 7::16, 9::16] = 9.0
    case.bands[0, 6::16, 7::16] = case.bands[0, 6::16, 8::16] = 3.0
    blobs = case.find()
    assert np.diff(blobs.start).tolist() == [4] * 8100
