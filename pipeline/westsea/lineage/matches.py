"""Detections of one pass that are the same hulls, and which of them is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from westsea.detection.hulls import Hulls
from westsea.lineage.passes import LEAST_DEGREE_M, REACH_M, reach_deg
from westsea.schema import DETECTIONS, Flag
from westsea_kernels.company import offsets
from westsea_kernels.joins import same_things
from westsea_kernels.pairs import find_pairs

Float = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

SAME_M, SAME_SD = 20.0, 3.0
"""Middles of the same hulls lie so near, or within so many standard errors of their distance."""
MOST_SAME_M = 100.0
CORE_M = 2_000.0
"""Footprints are right to this."""
LIKE_LENGTH = 0.3
"""Share of the longer by which lengths of the same hulls differ, or SAME_SD standard errors."""
PART_M = 10.0
"""The middle of a hull's part lies within the whole, or so near it."""
CUT_M, CUT_BESIDE_M = 30.0, 10.0
"""Two parts of a hull that an edge cuts are no farther apart: where one lies ahead of the other,
and where they lie abreast, as two hulls side by side do too; those are one blob as a rule."""
SLIVER_M = 12.0
"""What is no wider, and at the edge, is what an edge leaves of a hull along it."""
CUT_DEG = 35.0
"""Between the axis of the longer part and the way to the other that lies ahead of it."""
STUBBY = 1.5
"""A part that is not this much longer than wide has no axis."""

_HULL_COLUMNS = set(DETECTIONS.names) & {field.name for field in fields(Hulls)}


@dataclass(frozen=True)
class Seen:
    """Detections of scenes that lie within reach of each other, in the order of the scenes."""

    hulls: Hulls
    scene: Integers
    """(n,) number of the scene."""
    shared: Bools
    """(n,) whether another scene may show them, or what lies beside them."""
    inland_m: Float
    """(n,) metres from the end of the own scene's footprint; 0 where they are not shared."""
    related: Bools
    """(scenes, scenes) which may show the same."""
    cores: Sequence[BaseGeometry]
    """Footprints of the scenes less CORE_M, which they show for certain."""

    @classmethod
    def of(
        cls,
        tables: Sequence[pa.Table],
        footprints: Sequence[BaseGeometry],
        neighbours: Sequence[tuple[int, int]],
    ) -> "Seen":
        """Of the detections, the footprints and the indices of neighbours of some scenes."""
        scene = np.repeat(np.arange(len(tables)), [len(rows) for rows in tables])
        hulls = hulls_of(pa.concat_tables(tables))
        shared, depth = np.zeros(scene.size, np.bool_), np.zeros(scene.size)
        start = np.cumsum([0, *(len(rows) for rows in tables)])
        related = np.zeros((len(tables), len(tables)), np.bool_)
        related[tuple(np.array(neighbours).T)] = True
        related |= related.T
        grown = [shapely.buffer(each, reach_deg(each)) for each in footprints]
        shapely.prepare(grown)
        for i, outline in enumerate(footprints):
            own = slice(start[i], start[i + 1])
            lon, lat = hulls.lon[own], hulls.lat[own]
            for j in np.flatnonzero(related[i]):
                shared[own] |= shapely.contains_xy(grown[j], lon, lat)
            at = np.flatnonzero(shared[own])
            depth[start[i] + at] = _from_the_end(outline, lon[at], lat[at])
        cores = [shapely.buffer(each, -CORE_M / REACH_M * reach_deg(each)) for each in footprints]
        return cls(hulls, scene, shared, depth, related, cores)


@dataclass(frozen=True)
class Matches:
    """Which detections are the same hulls; all arrays (n,)."""

    thing: Integers
    """Number of what they are."""
    kept: Bools
    best: Integers
    """Index of the one that is kept of the same hulls; the own one's where that is kept."""


def hulls_of(rows: pa.Table) -> Hulls:
    """Hulls from rows of detections, as far as a table knows them.

    Which are pieces of land themselves it does not know: those count that lie in land.
    """
    at_land = (np.asarray(rows["flags"]) & int(Flag.LAND_NEAR)) != 0
    unknown = np.full(len(rows), -1)
    same = {name: rows[name].to_numpy() for name in _HULL_COLUMNS}
    return Hulls(
        **same,
        peak_row=unknown,
        peak_col=unknown,
        is_land=at_land & (same["distance_from_shore_m"] == 0.0),
        at_land=at_land,
    )


def _from_the_end(outline: BaseGeometry, lon: Float, lat: Float) -> Float:
    """(n,) metres to the rim of a footprint, roughly; to the nearer side of it."""
    if not lon.size:
        return np.zeros(0)
    narrow = np.cos(np.deg2rad(lat.mean()))
    rim = shapely.transform(outline, lambda at: at * [narrow, 1.0]).boundary
    shapely.prepare(rim)
    return np.asarray(LEAST_DEGREE_M * shapely.distance(rim, shapely.points(lon * narrow, lat)))


def match(seen: Seen) -> Matches:
    """Tell which detections are the same hulls.

    Of the same hulls those of one scene are kept: of the one that has one without the flag edge,
    farther from its end than others have; or else of the one that has the longest.
    """
    thing, n = np.arange(seen.scene.size), seen.scene.size
    shared = np.flatnonzero(seen.shared)
    if shared.size:
        first, second, is_sure = _candidates(seen, shared)
        thing[shared] = shared[same_things(first, second, is_sure, seen.scene[shared])]
    edge = seen.hulls.flags & int(Flag.EDGE)
    best_first = np.where(edge, -seen.hulls.length_m, -seen.inland_m)
    order = np.lexsort((np.arange(n), seen.scene, best_first, edge, thing))
    is_first = np.ones(n, np.bool_)
    is_first[1:] = thing[order[1:]] != thing[order[:-1]]
    best = np.empty(n, np.int64)
    best[order] = order[is_first][np.cumsum(is_first) - 1]
    kept = seen.scene == seen.scene[best]
    return Matches(thing, kept, np.where(kept, np.arange(n), best))


def _candidates(seen: Seen, shared: Integers) -> tuple[Integers, Integers, Bools]:
    """What may be the same hulls, likeliest first: indices among the shared, and whether surely."""
    hulls, scene = seen.hulls.take(shared), seen.scene[shared]
    order = np.lexsort((hulls.detect_id, hulls.lat))
    hulls, scene = hulls.take(order), scene[order]
    reach = np.clip(SAME_SD * np.sqrt(2.0) * hulls.position_sd_m.max(), CUT_M, MOST_SAME_M)
    index, sizes, _ = find_pairs(
        hulls.lon,
        hulls.lat,
        np.maximum(hulls.length_m, 1.0),
        np.maximum(hulls.width_m, 1.0),
        hulls.heading_deg,
        float(reach),
        np.zeros(len(hulls), np.bool_),
    )
    across = seen.related[scene[index[:, 0]], scene[index[:, 1]]]
    first, second = np.ascontiguousarray(index[across].T)
    gap, center = sizes[across].T
    edge = hulls.flags & int(Flag.EDGE) != 0
    cut = _are_cut(hulls, edge, first, second, gap)
    alike = cut | _alike(hulls, first, second, edge[first] | edge[second], center)
    piece = cut | (gap == 0.0)
    by_likeness = np.lexsort((second, first, center))
    surely, perhaps = by_likeness[alike[by_likeness]], by_likeness[piece[by_likeness]]
    chosen = np.concatenate([surely, perhaps])
    is_sure = np.arange(chosen.size) < surely.size
    return order[first[chosen]], order[second[chosen]], is_sure


def _alike(hulls: Hulls, first: Integers, second: Integers, one_cut: Bools, center: Float) -> Bools:
    """(m,) whether two detections look like the same hulls, or one like a part of the other."""
    sd = np.hypot(hulls.position_sd_m[first], hulls.position_sd_m[second])
    same = center <= np.clip(SAME_SD * sd, SAME_M, MOST_SAME_M)
    same &= one_cut | _alike_long(hulls, first, second)
    part = _holds(hulls, first, second) | _holds(hulls, second, first)
    return np.asarray(same | (one_cut & part))


def _alike_long(hulls: Hulls, first: Integers, second: Integers) -> Bools:
    one, two = hulls.length_m[first], hulls.length_m[second]
    sd = np.hypot(hulls.length_sd_m[first], hulls.length_sd_m[second])
    most = np.maximum(LIKE_LENGTH * np.maximum(one, two), SAME_SD * sd)
    return np.asarray(np.abs(one - two) <= np.maximum(most, SAME_M))


def _along(hulls: Hulls, one: Integers, two: Integers) -> tuple[Float, Float]:
    """Metres from one to the other along the axis of one, and across it."""
    east, north = offsets(hulls.lon, hulls.lat, one, two)
    axis = np.deg2rad(hulls.heading_deg[one])
    along = np.abs(east * np.sin(axis) + north * np.cos(axis))
    return along, np.abs(east * np.cos(axis) - north * np.sin(axis))


def _holds(hulls: Hulls, whole: Integers, part: Integers) -> Bools:
    """(m,) whether the middle of one lies within the other."""
    along, across = _along(hulls, whole, part)
    inside = along <= 0.5 * hulls.length_m[whole] + PART_M
    return np.asarray(inside & (across <= 0.5 * hulls.width_m[whole] + PART_M))


def _are_cut(hulls: Hulls, edge: Bools, first: Integers, second: Integers, gap: Float) -> Bools:
    """(m,) whether two detections look like parts of a hull that the edges of their scenes cut.

    Or one like what the edge of its scene leaves of the other.
    """
    sliver = edge & (hulls.width_m <= SLIVER_M)
    either = sliver[first] | sliver[second]
    most = np.where(either | _is_ahead(hulls, first, second), CUT_M, CUT_BESIDE_M)
    return np.asarray((either | (edge[first] & edge[second])) & (gap <= most))


def _is_ahead(hulls: Hulls, first: Integers, second: Integers) -> Bools:
    """(m,) whether the shorter lies ahead or astern of the longer, or that has no axis."""
    swap = hulls.length_m[second] > hulls.length_m[first]
    longer, other = np.where(swap, second, first), np.where(swap, first, second)
    along, across = _along(hulls, longer, other)
    stubby = hulls.length_m[longer] < STUBBY * hulls.width_m[longer]
    return np.asarray(stubby | (across <= along * np.tan(np.deg2rad(CUT_DEG))))
