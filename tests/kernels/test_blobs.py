from dataclasses import dataclass

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from westsea_kernels.blobs import (
    connect,
    gather,
    marked_medians,
    nearest_marked,
    number_bright,
    reach,
)
from westsea_kernels.blocks import BLOCK

EXAMPLES = 5 if numba.config.DISABLE_JIT else 100
EIGHT = np.ones((3, 3))
SEEDS = st.integers(0, 2**32 - 1)


# -- a scene, given to the kernels block by block


@dataclass
class Scene:
    """What the kernels take, of an image whose sides are whole blocks."""

    image: np.ndarray
    threshold: np.ndarray  # (block rows, block cols)
    look: np.ndarray  # which blocks to look at
    is_solid: np.ndarray

    def __post_init__(self):
        self.at = np.argwhere(self.look)
        self.places = self.at[:, 0].copy(), self.at[:, 1].copy()
        self.slots = np.full(self.look.shape, -1)
        self.slots[self.look] = np.arange(len(self.at))
        self.plane = np.ascontiguousarray(in_blocks(self.image)[self.look])
        self.nodes = np.full(self.plane.shape, 7)
        thresholds = self.threshold[self.look].astype(np.float32)
        self.n_bright = number_bright(self.plane, thresholds, 0, self.nodes)
        self.solid = np.full(self.look.shape, -1)
        self.solid[self.is_solid] = self.n_bright + np.arange(self.is_solid.sum())
        self.parent = np.full(self.n_bright + self.is_solid.sum(), 7)
        connect(*self.places, self.slots, self.solid, self.nodes, self.parent)

    def node_of_pixels(self):
        """The node of every pixel of the image; -1 for none."""
        nodes = np.full((*self.look.shape, BLOCK, BLOCK), -1)
        nodes[self.look] = self.nodes
        nodes[self.is_solid] = self.solid[self.is_solid][:, None, None]
        return from_blocks(nodes)

    def reach(self, alive, candidate):
        wanted = np.zeros(self.look.shape, np.bool_)
        reach(*self.places, self.slots, self.solid, self.nodes, alive, candidate, wanted)
        return wanted


def in_blocks(image):
    """(rows, cols) as (block rows, block cols, BLOCK, BLOCK)."""
    rows, cols = (side // BLOCK for side in image.shape)
    return image.reshape(rows, BLOCK, cols, BLOCK).swapaxes(1, 2)


def from_blocks(blocks):
    rows, cols = blocks.shape[:2]
    return blocks.swapaxes(1, 2).reshape(rows * BLOCK, cols * BLOCK)


def spread(mask):
    """(block rows, block cols) as blocks of equal pixels."""
    return np.broadcast_to(mask[..., None, None], (*mask.shape, BLOCK, BLOCK))


def bright_of(image, threshold):
    return image > threshold.astype(np.float32).repeat(BLOCK, 0).repeat(BLOCK, 1)


@st.composite
def images(draw):
    """(image, threshold): single pixels, slabs that fill blocks, lines across blocks, holes."""
    rng = np.random.default_rng(draw(SEEDS))
    shape = draw(st.tuples(st.integers(0, 5), st.integers(0, 5)))
    rows, cols = shape[0] * BLOCK, shape[1] * BLOCK
    image = rng.random((rows, cols)).astype(np.float32)
    image[rng.random((rows, cols)) < draw(st.sampled_from([0.0, 0.02, 0.3, 0.45]))] = 5
    for _ in range(draw(st.integers(0, 8)) if image.size else 0):
        row, col = rng.integers(0, rows), rng.integers(0, cols)
        height, width = rng.choice([1, 2, BLOCK - 1, BLOCK, 3 * BLOCK, 3 * BLOCK], 2)
        if rng.random() < 0.7:  # on a corner of blocks
            row, col = row // BLOCK * BLOCK, col // BLOCK * BLOCK
        image[row : row + height, col : col + width] = 5 + rng.random()
    for offset in rng.integers(0, 200, draw(st.integers(0, 3))) if image.size else ():
        image[np.arange(rows), (np.arange(rows) + offset) % cols] = 6
    image[rng.random((rows, cols)) < draw(st.sampled_from([0.0, 0.01]))] = np.nan
    return image, rng.uniform(1, 5.5, shape)


def scene_of(image, threshold, rng):
    """All blocks with bright pixels; some of those that are bright throughout are solid."""
    bright = in_blocks(bright_of(image, threshold))
    some, full = bright.any(axis=(2, 3)), bright.all(axis=(2, 3))
    is_solid = full & (rng.random(full.shape) < 0.7)
    return Scene(image, threshold, some & ~is_solid, is_solid)


# -- numbers and connections


@given(images(), st.integers(0, 1000))
@settings(max_examples=EXAMPLES)
def test_bright_pixels_are_numbered_in_order(scene, first):
    plane = np.ascontiguousarray(in_blocks(scene[0]).reshape(-1, BLOCK, BLOCK))
    threshold = scene[1].ravel().astype(np.float32)
    nodes = np.full(plane.shape, 7)
    last = number_bright(plane, threshold, first, nodes)
    bright = plane > threshold[:, None, None]
    np.testing.assert_array_equal(nodes[bright], np.arange(first, last))
    assert (nodes[~bright] == -1).all()


def test_nothing_is_above_an_infinite_threshold():
    nodes = np.zeros((1, BLOCK, BLOCK), np.int64)
    plane = np.full((1, BLOCK, BLOCK), np.float32(1e30))
    assert number_bright(plane, np.array([np.inf], np.float32), 3, nodes) == 3


def test_a_pixel_at_the_threshold_is_not_bright():
    nodes = np.zeros((1, BLOCK, BLOCK), np.int64)
    plane = np.full((1, BLOCK, BLOCK), 2, np.float32)
    plane[0, 3, 4] = np.nextafter(np.float32(2), np.float32(3))
    assert number_bright(plane, np.array([2], np.float32), 0, nodes) == 1
    assert nodes[0, 3, 4] == 0


def assert_same_sets(roots, labels):
    """Both name the same sets of pixels; names may differ."""
    np.testing.assert_array_equal(roots >= 0, labels > 0)
    pairs = np.unique(np.stack([roots[roots >= 0], labels[labels > 0]]), axis=1)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@given(images(), SEEDS)
@settings(max_examples=3 * EXAMPLES)
def test_blobs_are_the_sets_that_touch_by_sides_or_corners(image, seed):
    scene = scene_of(*image, np.random.default_rng(seed))
    nodes = scene.node_of_pixels()
    roots = np.where(nodes >= 0, np.append(scene.parent, -1)[nodes], -1)
    labels, _ = ndimage.label(bright_of(*image), EIGHT)
    assert_same_sets(roots, labels)


@given(images(), SEEDS)
@settings(max_examples=EXAMPLES)
def test_root_of_a_blob_is_its_smallest_node(image, seed):
    scene = scene_of(*image, np.random.default_rng(seed))
    smallest = np.full(scene.parent.size, scene.parent.size)
    np.minimum.at(smallest, scene.parent, np.arange(scene.parent.size))
    np.testing.assert_array_equal(scene.parent, smallest[scene.parent])


@pytest.mark.parametrize("pixels", [[1, 1, 1, 1], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 0]])
def test_pixels_about_a_corner_of_blocks_are_one_blob(pixels):
    image = np.zeros((2 * BLOCK, 2 * BLOCK), np.float32)
    image[BLOCK - 1 : BLOCK + 1, BLOCK - 1 : BLOCK + 1] = np.reshape(pixels, (2, 2))
    scene = scene_of(image, np.full((2, 2), 0.5), np.random.default_rng(0))
    np.testing.assert_array_equal(scene.parent, np.zeros(sum(pixels)))


@pytest.mark.parametrize(
    ("places", "n_blobs"),
    [
        ([(0, 0), (0, 1)], 1),
        ([(0, 0), (1, 0)], 1),
        ([(0, 0), (1, 1)], 1),
        ([(0, 1), (1, 0)], 1),
        ([(0, 0), (0, 2)], 2),
        ([(0, 0), (2, 1)], 2),
    ],
)
def test_solid_blocks_touch_by_sides_or_corners(places, n_blobs):
    is_solid = np.zeros((3, 3), np.bool_)
    is_solid[tuple(np.transpose(places))] = True
    image = from_blocks(spread(is_solid)).astype(np.float32)
    scene = Scene(image, np.full((3, 3), 0.5), np.zeros_like(is_solid), is_solid)
    assert len(np.unique(scene.parent)) == n_blobs


def test_ships_two_pixels_apart_stay_two():
    image = np.zeros((BLOCK, 2 * BLOCK), np.float32)
    image[3:12, BLOCK - 2] = image[3:12, BLOCK] = 1
    scene = scene_of(image, np.full((1, 2), 0.5), np.random.default_rng(0))
    assert len(np.unique(scene.parent)) == 2


# -- growth


@given(images(), SEEDS)
@settings(max_examples=EXAMPLES)
def test_reach_wants_the_unseen_blocks_beside_living_blobs(image, seed):
    rng = np.random.default_rng(seed)
    every = scene_of(*image, rng)
    look = every.look & (rng.random(every.look.shape) < 0.5)
    is_solid = every.is_solid & (rng.random(every.look.shape) < 0.5)
    scene = Scene(*image, look, is_solid)
    alive = (rng.random(scene.parent.size) < 0.5)[scene.parent]
    candidate = rng.random(look.shape) < 0.8
    nodes = scene.node_of_pixels()
    living = (nodes >= 0) & np.append(alive, False)[nodes]
    beside = in_blocks(ndimage.binary_dilation(living, EIGHT)).any(axis=(2, 3))
    expected = beside & candidate & ~look & ~is_solid
    np.testing.assert_array_equal(scene.reach(alive, candidate), expected)


@given(images(), SEEDS)
@settings(max_examples=EXAMPLES)
def test_blobs_grown_from_their_seeds_are_whole(image, seed):
    """Looking only where a seeded blob may reach finds all of its pixels."""
    every = scene_of(*image, np.random.default_rng(seed))
    seeds = np.nan_to_num(image[0]) > 5.5
    labels, n = ndimage.label(bright_of(*image), EIGHT)
    has_seed = np.zeros(n + 1, np.bool_)
    has_seed[labels[seeds]] = True
    has_seed[labels[from_blocks(spread(every.is_solid))]] = True
    has_seed[0] = False

    look = every.look & in_blocks(seeds).any(axis=(2, 3))
    while True:
        scene = Scene(*image, look, every.is_solid)
        nodes = scene.node_of_pixels()
        seeded = np.zeros(scene.parent.size, np.bool_)
        seeded[scene.parent[nodes[seeds & (nodes >= 0)]]] = True
        seeded[scene.parent[scene.n_bright :]] = True
        wanted = scene.reach(seeded[scene.parent], every.look)
        if not wanted.any():
            break
        look = look | wanted
    found = (nodes >= 0) & np.append(seeded[scene.parent], False)[nodes]
    np.testing.assert_array_equal(found, has_seed[labels])


# -- lists of pixels


@given(images(), SEEDS)
@settings(max_examples=EXAMPLES)
def test_gather_lists_the_pixels_of_each_blob(image, seed):
    rng = np.random.default_rng(seed)
    threshold = image[1]
    look = in_blocks(bright_of(*image)).any(axis=(2, 3))
    scene = Scene(image[0], threshold, look, np.zeros_like(look))
    kept = np.unique(scene.parent)[rng.random(len(np.unique(scene.parent))) < 0.7]
    number = np.full(scene.parent.size, -1)
    number[kept] = np.arange(len(kept))
    blob = number[scene.parent]
    start = np.concatenate([[0], np.cumsum(np.bincount(blob[blob >= 0], minlength=len(kept)))])
    rows, cols = np.full((2, start[-1]), 7)
    values = np.empty(start[-1], np.float32)
    gather(*scene.places, scene.plane, scene.nodes, blob, start, rows, cols, values)

    nodes = scene.node_of_pixels()
    np.testing.assert_array_equal(values, image[0][rows, cols])
    listed = nodes[rows, cols]
    np.testing.assert_array_equal(np.sort(listed), np.flatnonzero(blob >= 0))
    for k in range(len(kept)):
        own = listed[start[k] : start[k + 1]]
        np.testing.assert_array_equal(own, np.flatnonzero(blob == k))


# -- distances


@given(SEEDS, st.integers(0, 6), st.integers(0, 5), st.sampled_from([0.0, 0.005, 0.5]))
@settings(max_examples=EXAMPLES)
def test_nearest_marked_is_the_least_of_all_distances(seed, n_blocks, n_points, share):
    rng = np.random.default_rng(seed)
    block_rows, block_cols = rng.integers(0, 12, (2, n_blocks))
    marked = rng.random((n_blocks, BLOCK, BLOCK)) < share
    rows, cols = rng.uniform(-5, 200, (2, n_points))
    turn = np.linalg.qr(rng.normal(size=(n_points, 2, 2)))[0]
    jacobian = turn * rng.uniform(3, 40, (n_points, 1, 2))
    before = rng.choice([40.0, 1e9], n_points)
    distance = before.copy()
    nearest_marked(rows, cols, jacobian, block_rows, block_cols, marked, distance)

    k, row, col = np.nonzero(marked)
    row, col = row + block_rows[k] * BLOCK, col + block_cols[k] * BLOCK
    steps = np.stack([col - cols[:, None], row - rows[:, None]], axis=-1)
    away = np.linalg.norm(np.einsum("pij,pmj->pmi", jacobian, steps), axis=-1)
    np.testing.assert_allclose(distance, np.minimum(before, away.min(axis=1, initial=np.inf)))


@pytest.mark.parametrize("where", [(0, 0), (5, 9), (15, 15)])
def test_a_point_on_a_marked_pixel_is_no_way_off(where):
    marked = np.zeros((1, BLOCK, BLOCK), np.bool_)
    marked[0][where] = True
    distance = np.array([1e9])
    at = np.array([3])
    rows, cols = (np.array([3.0 * BLOCK + step]) for step in where)
    nearest_marked(rows, cols, 10 * np.eye(2)[None], at, at, marked, distance)
    assert distance[0] == 0


@given(SEEDS, st.integers(0, 6), st.sampled_from([0.0, 0.02, 0.5, 1.0]))
@settings(max_examples=EXAMPLES)
def test_medians_are_those_of_the_marked_pixels(seed, n_blocks, share):
    rng = np.random.default_rng(seed)
    at = rng.permutation(12)[:n_blocks]
    block_rows, block_cols = at // 4, at % 4
    marked = rng.random((n_blocks, BLOCK, BLOCK)) < share
    plane = rng.gamma(3, 10, (12, BLOCK, BLOCK)).astype(np.float32)
    slots = rng.permutation(12).reshape(3, 4)
    slots[rng.random((3, 4)) < 0.3] = -1
    out = np.full(n_blocks, 7.0)
    marked_medians(plane, slots, block_rows, block_cols, marked, out)
    for row, col, own, median in zip(block_rows, block_cols, marked, out, strict=True):
        values = plane[slots[row, col]][own]
        known = slots[row, col] >= 0 and own.any()
        assert median == (np.quantile(values, 0.5, method="lower") if known else 7.0)
