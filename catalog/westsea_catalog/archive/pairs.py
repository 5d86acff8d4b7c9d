"""Which hulls of a scene are pairs: by the gap between them alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from shapely import MultiPolygon, Polygon

from westsea_catalog.archive.layout import Kind, PlantedHull, PlantedPair

ALONGSIDE_M = 20.0
"""Hulls no farther apart are alongside: about one resolution cell of the radar."""
CLOSE_M = 500.0
"""Hulls no farther apart are at least close."""


@dataclass(frozen=True)
class _Near:
    """Two hulls within `CLOSE_M`, by index, with outlines in metres of the first one's midships."""

    first: int
    second: int
    outlines: tuple[Polygon, Polygon]
    gap_m: float
    center_distance_m: float


def with_pairs(
    hulls: Sequence[PlantedHull],
) -> tuple[tuple[PlantedHull, ...], tuple[PlantedPair, ...]]:
    """Number the groups that lie alongside, and find the pairs.

    Returns
    -------
    The hulls, their `group` set, and the pairs. Within a group only neighbours are pairs.
    """
    near = _near(hulls)
    groups = _groups(len(hulls), [(n.first, n.second) for n in near if n.gap_m <= ALONGSIDE_M])
    grouped = tuple(replace(hull, group=group) for hull, group in zip(hulls, groups, strict=True))
    pairs = []
    for found in near:
        beside = found.gap_m <= ALONGSIDE_M
        together = groups[found.first] == groups[found.second]
        if beside != together or (beside and _parted(found, grouped)):
            continue
        ends = (found.first, found.second)
        longer, shorter = sorted(ends, key=lambda i: -hulls[i].hull.length_m)
        kind: Kind = "alongside" if beside else "close"
        pairs.append(PlantedPair(kind, longer, shorter, found.gap_m, found.center_distance_m))
    return grouped, tuple(pairs)


def _near(hulls: Sequence[PlantedHull]) -> list[_Near]:
    found = []
    for i, one in enumerate(hulls):
        outline = one.hull.outline()
        for j, two in enumerate(hulls[i + 1 :], i + 1):
            east, north = (float(x) for x in one.ground_offset(two.row, two.col))
            apart = float(np.hypot(east, north))
            if apart > CLOSE_M + (one.hull.length_m + two.hull.length_m):
                continue
            other = two.hull.outline(east, north)
            gap = outline.distance(other)
            if gap <= CLOSE_M:
                found.append(_Near(i, j, (outline, other), gap, apart))
    return found


def _groups(n: int, links: list[tuple[int, int]]) -> list[int]:
    """Number the connected hulls 0, 1, ... in the order of their first members."""
    label = list(range(n))
    for one, two in links:
        low, high = sorted((label[one], label[two]))
        label = [low if number == high else number for number in label]
    order = {number: i for i, number in enumerate(dict.fromkeys(label))}
    return [order[number] for number in label]


def _parted(found: _Near, hulls: Sequence[PlantedHull]) -> bool:
    """Whether another hull of the group lies between the two."""
    between = MultiPolygon(found.outlines).convex_hull
    first = hulls[found.first]
    for k, other in enumerate(hulls):
        if k in (found.first, found.second) or other.group != first.group:
            continue
        east, north = first.ground_offset(other.row, other.col)
        if other.hull.outline(float(east), float(north)).intersects(between):
            return True
    return False
