"""Blobs of a scene: which blocks to look at, and what is connected in them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea.detection.sea import Sea, plane_bounds, weighted_sum
from westsea.detection.statistics import Summary
from westsea_kernels.blobs import connect, gather, number_bright, reach
from westsea_kernels.blocks import BLOCK, BLOCKS_PER_CELL

SOLID_SHARE = 0.5
"""Of the step from the sea to the growth threshold. A block whose darkest pixel lies above it is
solid: it holds no sea, and no hull fills it."""
SEA, LAND = -1, -2
"""Owners of pixels that are no blob's."""

Fetch = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""(n, 2) places of blocks in the window -> (n, bands, BLOCK, BLOCK) pixels, NaN where not valid."""


@dataclass(frozen=True)
class Blobs:
    """Pixels of the ship-sized blobs, blob by blob, and the land that larger ones make."""

    start: NDArray[np.int64]
    """(n + 1,) where each blob's pixels begin."""
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    """Pixels, counted from the window's corner."""
    values: NDArray[np.float32]
    """Of the plane."""
    land_at: NDArray[np.int64]
    """(m, 2) places of the blocks that hold land seen in the pixels."""
    land: NDArray[np.bool_]
    """(m, BLOCK, BLOCK)"""
    n_fetched: int
    """Blocks that were read a second time."""
    slots: NDArray[np.int64]
    """(block rows, block cols) index of each block in `plane`, -1 where none was looked at."""
    plane: NDArray[np.float32]
    """(k, BLOCK, BLOCK) blocks that were looked at; beyond them no pixel is a ship's."""
    owner: NDArray[np.int64]
    """Like `plane`: number of the blob of each pixel, SEA or LAND."""
    at: NDArray[np.int64]
    """(k, 2) places of those blocks."""
    planes: "Planes"
    """Gives their pixels."""


class Planes:
    """The plane of any block: of what was carried, else of what is fetched; each block once."""

    def __init__(self, summary: Summary, sea: Sea, fetch: Fetch) -> None:
        self.n_fetched = 0
        self._sea = sea
        self._fetch = fetch
        self._slot = np.full(summary.block_valid.shape, -1, np.int64)
        self._slot[tuple(summary.carried_at.T)] = np.arange(len(summary.carried_at))
        self._plane = self._of(summary.carried_at, summary.carried)
        self._pixels = [summary.carried]
        self._first = [0]

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, BLOCK, BLOCK) plane of the blocks at (n, 2) places, NaN where not valid."""
        missing = places[self._slot[tuple(places.T)] < 0]
        if len(missing):
            self._slot[tuple(missing.T)] = len(self._plane) + np.arange(len(missing))
            pixels = self._fetch(missing)
            self._pixels.append(pixels)
            self._first.append(len(self._plane))
            self._plane = np.concatenate([self._plane, self._of(missing, pixels)])
            self.n_fetched += len(missing)
        plane: NDArray[np.float32] = self._plane[self._slot[tuple(places.T)]]
        return plane

    def bands(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, bands, BLOCK, BLOCK) pixels of blocks whose plane was asked for."""
        out = np.empty((len(places), *self._pixels[0].shape[1:]), np.float32)
        slots = self._slot[tuple(places.T)]
        ends = [*self._first[1:], len(self._plane)]
        for first, end, pixels in zip(self._first, ends, self._pixels, strict=True):
            here = (slots >= first) & (slots < end)
            out[here] = pixels[slots[here] - first]
        return out

    def _of(self, places: NDArray[np.int64], pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        return plane_of(self._sea, places, pixels)


def plane_of(
    sea: Sea, places: NDArray[np.int64], pixels: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(n, BLOCK, BLOCK) plane of (n, bands, BLOCK, BLOCK) pixels of blocks at (n, 2) places."""
    weights = sea.weights[tuple((places // BLOCKS_PER_CELL).T)]
    plane = weighted_sum(weights.T[:, :, None, None], np.moveaxis(pixels, 1, 0))
    # Sums of pixels at the end of float32 overflow; moments need finite numbers.
    return np.asarray(np.minimum(plane, np.finfo(np.float32).max))


def find_blobs(
    summary: Summary, sea: Sea, fetch: Fetch, largest_pixels: NDArray[np.float64]
) -> Blobs:
    """All blobs with a seed, split into ships and land by their size.

    Parameters
    ----------
    summary, sea : of the same window
    fetch : reads blocks that were not carried
    largest_pixels : (block rows, block cols)
        Pixels of the largest hull; blobs with more are land.

    Blobs grow block by block from those that hold a seed, so that only what a blob may reach is
    ever read, and only until they are too large for a ship: land needs no rim. The result does not
    depend on what was carried.
    """
    planes = Planes(summary, sea, fetch)
    lower, upper = plane_bounds(summary, sea.weights)
    growth, seed = sea.growth.astype(np.float32), sea.seed.astype(np.float32)
    is_solid = (summary.block_valid == BLOCK * BLOCK) & (lower > _solid(sea))
    candidate = (summary.block_valid > 0) & (upper > growth) & ~is_solid
    look = candidate & (upper > seed)
    while True:
        graph = _connect(look, is_solid, planes, growth, seed)
        wanted = np.zeros(look.shape, np.bool_)
        growing = graph.seeded & (graph.size <= largest_pixels.max())
        reach(*graph.places, graph.slots, graph.solid, graph.nodes, growing, candidate, wanted)
        if not wanted.any():
            return _split(graph, planes, largest_pixels)
        look |= wanted


def _solid(sea: Sea) -> NDArray[np.float32]:
    """(block rows, block cols) what every pixel of a solid block lies above."""
    solid = sea.background + SOLID_SHARE * (sea.growth - sea.background)
    return np.asarray(solid.astype(np.float32))


@dataclass(frozen=True)
class _Graph:
    at: NDArray[np.int64]
    plane: NDArray[np.float32]
    slots: NDArray[np.int64]
    solid: NDArray[np.int64]
    nodes: NDArray[np.int64]
    root: NDArray[np.int64]
    seeded: NDArray[np.bool_]
    """(n_nodes,) whether the blob of the node has a seed."""
    size: NDArray[np.float64]
    """(n_nodes,) pixels of the blob of the node; inf where it holds a solid block."""

    @property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self.at[:, 0].copy(), self.at[:, 1].copy()


def _connect(
    look: NDArray[np.bool_],
    is_solid: NDArray[np.bool_],
    planes: Planes,
    growth: NDArray[np.float32],
    seed: NDArray[np.float32],
) -> _Graph:
    at = np.argwhere(look)
    plane = planes.at(at)
    slots = np.full(look.shape, -1, np.int64)
    slots[tuple(at.T)] = np.arange(len(at))
    nodes = np.empty(plane.shape, np.int64)
    n_bright = number_bright(plane, growth[tuple(at.T)], 0, nodes)
    solid = np.full(look.shape, -1, np.int64)
    solid[is_solid] = n_bright + np.arange(is_solid.sum())
    root = np.empty(n_bright + int(is_solid.sum()), np.int64)
    connect(at[:, 0].copy(), at[:, 1].copy(), slots, solid, nodes, root)
    seeded = np.zeros(root.size, np.bool_)
    seeds = plane > seed[tuple(at.T)][:, None, None]
    seeded[root[nodes[seeds]]] = True
    seeded[root[n_bright:]] = True
    weight = np.ones(root.size)
    weight[n_bright:] = np.inf
    size = np.bincount(root, weight, minlength=root.size).astype(np.float64)
    return _Graph(at, plane, slots, solid, nodes, root, seeded[root], size[root])


def _split(graph: _Graph, planes: Planes, largest_pixels: NDArray[np.float64]) -> Blobs:
    """Sort the seeded blobs into ships and land."""
    bright = graph.nodes >= 0
    n_bright = int(bright.sum())
    block_of = np.repeat(np.arange(len(graph.at)), bright.sum(axis=(1, 2)))
    limit = np.zeros(graph.root.size)
    limit[:n_bright] = largest_pixels[tuple(graph.at[block_of].T)]
    is_ship = graph.seeded & (graph.size <= limit[graph.root])
    roots = np.unique(graph.root[is_ship])
    blob = np.full(graph.root.size, -1, np.int64)
    blob[is_ship] = np.searchsorted(roots, graph.root[is_ship])
    start = np.concatenate([[0], np.cumsum(np.bincount(blob[is_ship], minlength=roots.size))])
    rows, cols = np.empty(start[-1], np.int64), np.empty(start[-1], np.int64)
    values = np.empty(start[-1], np.float32)
    gather(*graph.places, graph.plane, graph.nodes, blob, start, rows, cols, values)
    is_land = graph.seeded & ~is_ship
    land_at, land = _land(graph, is_land)
    owner = np.full(graph.nodes.shape, SEA)
    owner[bright] = np.where(is_land, LAND, blob)[graph.nodes[bright]]
    return Blobs(
        start=start,
        rows=rows,
        cols=cols,
        values=values,
        land_at=land_at,
        land=land,
        n_fetched=planes.n_fetched,
        slots=graph.slots,
        plane=graph.plane,
        owner=owner,
        at=graph.at,
        planes=planes,
    )


def _land(graph: _Graph, is_land: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places and pixels of the blocks that hold land."""
    land = np.zeros(graph.nodes.shape, np.bool_)
    bright = graph.nodes >= 0
    land[bright] = is_land[graph.nodes[bright]]
    some = land.any(axis=(1, 2))
    solid = np.argwhere(graph.solid >= 0)
    at = np.concatenate([graph.at[some], solid])
    full = np.ones((len(solid), BLOCK, BLOCK), np.bool_)
    return at, np.concatenate([land[some], full])
