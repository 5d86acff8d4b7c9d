"""Pairs of hulls of which no scene holds both."""

from dataclasses import fields

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from westsea.detection.hulls import Hulls
from westsea.detection.pairs import CHIP_MARGIN_M, Pairs, pair_hulls
from westsea.detector import Detector
from westsea.lineage.matches import Matches, Seen
from westsea.schema import PAIRS
from westsea_kernels.pairs import find_pairs

Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
Columns = dict[str, NDArray[np.generic]]

PIXEL_M = 10.0


def pairs_across(
    seen: Seen, matches: Matches, detector: Detector, aoi: BaseGeometry | None
) -> tuple[Columns, Integers]:
    """Pairs of kept hulls of which no scene shows both.

    They are told among all hulls that are kept, as `pair_hulls` tells those of a scene, so that
    crowds, neighbours and rafts count as there.

    Returns
    -------
    The columns of PAIRS but those of the scene, and which scene that of hull 1 is.
    """
    if not _may_be(seen, matches, detector):
        return {}, np.zeros(0, np.int64)
    index = np.flatnonzero(matches.kept)
    index = index[np.argsort(seen.hulls.detect_id[index].astype(str))]
    hulls = seen.hulls.take(index)
    pairs = pair_hulls(hulls, detector)
    first, second = index[pairs.first], index[pairs.second]
    chosen = np.flatnonzero(_no_scene_has_both(seen, matches, first, second))
    if aoi is not None:
        inside = shapely.intersects_xy(aoi, pairs.lon[chosen], pairs.lat[chosen])
        chosen = chosen[np.asarray(inside)]
    return _columns(hulls, pairs, chosen), seen.scene[first[chosen]]


def _may_be(seen: Seen, matches: Matches, detector: Detector) -> bool:
    """Whether there is such a pair, which is told from the hulls near the scenes' ends alone."""
    index = np.flatnonzero(seen.shared & matches.kept)
    index = index[np.argsort(seen.hulls.lat[index], kind="stable")]
    hulls = seen.hulls.take(index)
    gap, none = detector.close_gap_m, np.zeros(len(hulls), np.bool_)
    found, *_ = find_pairs(
        hulls.lon, hulls.lat, hulls.length_m, hulls.width_m, hulls.heading_deg, gap, none
    )
    first, second = index[found[:, 0]], index[found[:, 1]]
    return bool(_no_scene_has_both(seen, matches, first, second).any())


def _no_scene_has_both(seen: Seen, matches: Matches, first: Integers, second: Integers) -> Bools:
    """(m,) whether two kept hulls are of related scenes, and no scene shows both.

    Where both scenes look at both places and see one hull each, that is one hull, or one of the two
    is none.
    """
    n = len(seen.related)
    out = seen.related[seen.scene[first], seen.scene[second]]
    out &= seen.shared[first] & seen.shared[second]
    shows = np.unique(matches.thing * n + seen.scene)  # a number for each hull and its scene
    for scene in range(n):
        both = np.flatnonzero(out)
        keys = [matches.thing[each[both]] * n + scene for each in (first, second)]
        one, two = (shows.take(np.searchsorted(shows, key), mode="clip") == key for key in keys)
        out[both[one & two]] = False
    at = np.flatnonzero(out)
    one, two = _in_core(seen, first[at], second[at]), _in_core(seen, second[at], first[at])
    out[at[one & two]] = False
    return out


def _in_core(seen: Seen, place: Integers, other: Integers) -> Bools:
    """(m,) whether a hull lies amid the scene that another one is of."""
    out = np.zeros(place.size, np.bool_)
    for scene in np.unique(seen.scene[other]):
        own = place[seen.scene[other] == scene]
        inside = shapely.contains_xy(seen.cores[scene], seen.hulls.lon[own], seen.hulls.lat[own])
        out[seen.scene[other] == scene] = inside
    return out


def _columns(hulls: Hulls, pairs: Pairs, chosen: Integers) -> Columns:
    one, two = hulls.take(pairs.first[chosen]), hulls.take(pairs.second[chosen])
    measured = {
        field.name: getattr(pairs, field.name)[chosen]
        for field in fields(pairs)
        if field.name in PAIRS.names
    }
    ends = np.stack([[one.lon, one.lat], [two.lon, two.lat]]).transpose(2, 0, 1)
    return {
        **measured,
        "detect_id_1": one.detect_id,
        "detect_id_2": two.detect_id,
        "length_m_1": one.length_m,
        "length_m_2": two.length_m,
        "width_m_1": one.width_m,
        "width_m_2": two.width_m,
        "geometry": shapely.to_wkb(shapely.linestrings(ends)),
        "chip_bounds": _chip_bounds(one, measured["center_distance_m"]),
    }


def _chip_bounds(one: Hulls, distance_m: NDArray[np.float64]) -> NDArray[np.int32]:
    """(m, 4) windows of the scene of hull 1 with the other in them, wherever that lies."""
    reach = (one.length_m / 2 + distance_m + CHIP_MARGIN_M) / PIXEL_M
    sides = []
    for middle in (one.row, one.col):
        sides += [np.maximum(middle - reach, 0.0), middle + reach + 1.0]
    return np.stack(sides, axis=1).astype(np.int32)
