"""Pairs: hulls whose edges lie close together, and how remarkable that is."""

import hashlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from westsea.detection.alongside import Evidence
from westsea.detection.axes import per_metre
from westsea.detection.company import joint_flags
from westsea.detection.hulls import ID_LENGTH, Hulls
from westsea.detection.pair_scores import close_scores
from westsea.detector import Detector
from westsea.schema import DOUBT, FAR_M
from westsea_catalog.grid import GEOD, Grid
from westsea_kernels.company import offsets
from westsea_kernels.pairs import between, components, find_pairs, neighbours

Float = NDArray[np.float64]

NEIGHBOURHOOD_M = 5_000.0
USUAL_GAP_M = 4.5
"""Between ships alongside: the fenders'."""
RAFT = 3
"""What `n_hulls` says of three hulls and more."""
CHIP_MARGIN_M = 300.0
"""Sea shown around a pair."""


@dataclass(frozen=True)
class Pairs:
    """One entry a pair, all arrays (n,); hull 1 is the longer."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    """Indices of the detections; the same where one blob holds both hulls."""
    kind: NDArray[np.object_]
    lon: Float
    lat: Float
    gap_m: Float
    gap_sd_m: Float
    center_distance_m: Float
    relative_heading_deg: Float
    overlap_m: Float
    n_neighbors_5km: NDArray[np.int32]
    nearest_third_m: Float
    expected_chance_pairs: Float
    raft_id: NDArray[np.object_]
    score: Float
    flags: NDArray[np.int32]
    pair_id: NDArray[np.object_]
    n_of_land: int
    """Pairs of two pieces of land, or alongside at a quay, which have no entry."""

    @property
    def in_one_blob(self) -> NDArray[np.bool_]:
        """(n,) whether one blob holds both hulls."""
        return np.asarray(self.first == self.second)


def pair_hulls(hulls: Hulls, detector: Detector, evidence: Evidence | None = None) -> Pairs:
    """All pairs of hulls with a gap up to `detector.close_gap_m`, and those within one blob.

    Two hulls that are both land, as their pixels tell it, make no pair, nor do two alongside of
    which one lies at land that the pixels show: they are counted.
    """
    pairs = _between_blobs(hulls, detector)
    return pairs if evidence is None else _joined(pairs, _within_blobs(hulls, evidence))


def _joined(one: Pairs, two: Pairs) -> Pairs:
    columns = {
        field.name: np.concatenate([getattr(one, field.name), getattr(two, field.name)])
        for field in fields(one)
        if field.name != "n_of_land"
    }
    return Pairs(**columns, n_of_land=one.n_of_land + two.n_of_land)


def _within_blobs(hulls: Hulls, evidence: Evidence) -> Pairs:
    """One pair a blob that holds several hulls."""
    at = np.flatnonzero(evidence.is_alongside)
    seen = evidence.take(at)
    lon, lat = hulls.lon[at], hulls.lat[at]
    counts, third = _surroundings(hulls, at, at, lon, lat)
    # As far apart as the beams of two like hulls, where it is not known.
    usual = seen.expected_width_m + USUAL_GAP_M
    center = np.where(np.isfinite(seen.center_distance_m), seen.center_distance_m, usual)
    names = hulls.detect_id[at]
    is_raft = np.array([n == RAFT for n in seen.n_hulls], np.bool_)
    return Pairs(
        first=at,
        second=at,
        kind=np.full(at.size, "alongside", object),
        lon=lon,
        lat=lat,
        gap_m=seen.gap_m,
        gap_sd_m=seen.gap_sd_m,
        center_distance_m=seen.center_distance_m,
        relative_heading_deg=np.where(np.isfinite(seen.gap_m), 0.0, np.nan),
        overlap_m=seen.overlap_m,
        n_neighbors_5km=counts.astype(np.int32),
        nearest_third_m=third,
        expected_chance_pairs=_expected_by_chance(counts, center),
        raft_id=np.where(is_raft, [_hash([name]) for name in names], "").astype(object),
        score=hulls.score[at] * seen.p_alongside,
        flags=hulls.flags[at],
        pair_id=np.array([_hash([name, name]) for name in names], object),
        n_of_land=0,
    )


def _between_blobs(hulls: Hulls, detector: Detector) -> Pairs:
    first, second, gap, center, n_of_land = _graph(hulls, detector)
    at_quay = (hulls.at_land[first] | hulls.at_land[second]) & (gap <= detector.alongside_gap_m)
    first, second = first[~at_quay], second[~at_quay]
    gap, center = gap[~at_quay], center[~at_quay]
    lon, lat = _midpoints(hulls, first, second)
    gap_sd = _gap_sd(hulls, first, second)
    alongside = gap <= detector.alongside_gap_m
    lowest = np.where(alongside, -np.inf, detector.alongside_gap_m)
    highest = np.where(alongside, detector.alongside_gap_m, detector.close_gap_m)
    certain = _between(gap, gap_sd, lowest, highest)
    both = hulls.score[first] * hulls.score[second] * certain
    counts, third = _surroundings(hulls, first, second, lon, lat)
    turn = np.abs(hulls.heading_deg[first] - hulls.heading_deg[second])
    members = zip(hulls.detect_id[first], hulls.detect_id[second], strict=True)
    return Pairs(
        first=first,
        second=second,
        kind=np.where(alongside, "alongside", "close").astype(object),
        lon=lon,
        lat=lat,
        gap_m=gap,
        gap_sd_m=gap_sd,
        center_distance_m=center,
        relative_heading_deg=np.minimum(turn, 180.0 - turn),
        overlap_m=_overlap(hulls, first, second),
        n_neighbors_5km=counts.astype(np.int32),
        nearest_third_m=third,
        expected_chance_pairs=_expected_by_chance(counts, center),
        raft_id=_rafts(hulls, first, second, alongside),
        score=np.where(alongside, both, close_scores(hulls, first, second, gap, certain)),
        flags=joint_flags(hulls.flags[first], hulls.flags[second]),
        pair_id=np.array([_hash(sorted(pair)) for pair in members], object),
        n_of_land=n_of_land + int(at_quay.sum()),
    )


def _graph(
    hulls: Hulls, detector: Detector
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float, Float, int]:
    """Indices of the longer and of the other hull, gap and distance of the centres, metres.

    And how many pairs of land were left out.
    """
    order = np.lexsort((hulls.detect_id, hulls.lat))
    by_latitude = hulls.take(order)
    index, sizes, n_of_land = find_pairs(
        np.ascontiguousarray(by_latitude.lon),
        np.ascontiguousarray(by_latitude.lat),
        np.ascontiguousarray(by_latitude.length_m),
        np.ascontiguousarray(by_latitude.width_m),
        np.ascontiguousarray(by_latitude.heading_deg),
        detector.close_gap_m,
        by_latitude.is_land,
    )
    a, b = order[index[:, 0]], order[index[:, 1]]
    swap = hulls.length_m[b] > hulls.length_m[a]
    return np.where(swap, b, a), np.where(swap, a, b), sizes[:, 0], sizes[:, 1], n_of_land


def _midpoints(
    hulls: Hulls, first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[Float, Float]:
    lon1, lat1 = hulls.lon[first], hulls.lat[first]
    azimuth, _, distance = GEOD.inv(lon1, lat1, hulls.lon[second], hulls.lat[second])
    lon, lat, _ = GEOD.fwd(lon1, lat1, azimuth, np.asarray(distance) / 2)
    return np.asarray(lon), np.asarray(lat)


def _gap_sd(hulls: Hulls, first: NDArray[np.int64], second: NDArray[np.int64]) -> Float:
    """Positions, and half of each hull's extent towards the other.

    Which way the other lies is not looked at: the mean of the errors of length and width stands
    for the error of the extent.
    """
    variance = np.zeros(first.size)
    for side in (first, second):
        extent_sd = 0.25 * (hulls.length_sd_m[side] + hulls.width_sd_m[side])
        variance += hulls.position_sd_m[side] ** 2 + extent_sd**2
    return np.sqrt(variance)


def _overlap(hulls: Hulls, first: NDArray[np.int64], second: NDArray[np.int64]) -> Float:
    """(n,) metres of the longer hull's axis that both lie along; below 0, metres between them."""
    east, north = offsets(hulls.lon, hulls.lat, first, second)
    axis = np.deg2rad(hulls.heading_deg[first])
    turn = axis - np.deg2rad(hulls.heading_deg[second])
    along = np.abs(east * np.sin(axis) + north * np.cos(axis))
    half = 0.5 * hulls.length_m[first]
    other = 0.5 * (
        hulls.length_m[second] * np.abs(np.cos(turn)) + hulls.width_m[second] * np.abs(np.sin(turn))
    )
    return np.asarray(np.minimum(half, along + other) - np.maximum(-half, along - other))


def _between(value: Float, sd: Float, lowest: Float, highest: Float) -> Float:
    """Probability that a normal variable lies in [lowest, highest]."""
    out = np.empty(value.size)
    between(value, sd, lowest, highest, out)
    return out


def _surroundings(
    hulls: Hulls, first: NDArray[np.int64], second: NDArray[np.int64], lon: Float, lat: Float
) -> tuple[NDArray[np.int64], Float]:
    """Third hulls without doubt within 5 km of each midpoint, and the distance to the nearest."""
    counts, nearest = np.zeros(lon.size, np.int64), np.zeros(lon.size)
    without_doubt = np.flatnonzero(hulls.flags & int(DOUBT) == 0)
    order = without_doubt[np.argsort(hulls.lat[without_doubt], kind="stable")]
    place = np.full(len(hulls), -1)
    place[order] = np.arange(order.size)
    neighbours(
        hulls.lon[order],
        hulls.lat[order],
        place[first],
        place[second],
        lon,
        lat,
        NEIGHBOURHOOD_M,
        counts,
        nearest,
    )
    return counts, np.minimum(nearest, FAR_M)


def _expected_by_chance(counts: NDArray[np.int64], center: Float) -> Float:
    """Pairs as near as this one among its neighbours, if those lay at random.

    With n ships in a circle of radius R, n (n - 1) / 2 pairs each have the chance (d / R)^2 of
    lying within d of one another. The pair's own two are left out: of ships at random, those about
    a pair are as many as those about any place, and n (n - 1) is right on average even where n is
    0 or 1 (the mean of n (n - 1) over Poisson's n is the square of its mean).
    """
    pairs = counts * np.maximum(counts - 1.0, 0.0) / 2.0
    return np.asarray(pairs * (center / NEIGHBOURHOOD_M) ** 2)


def _rafts(
    hulls: Hulls,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    alongside: NDArray[np.bool_],
) -> NDArray[np.object_]:
    """Name of the raft of each pair: three or more hulls that lie alongside one another."""
    root = components(len(hulls), first[alongside], second[alongside])
    sizes = np.bincount(root, minlength=len(hulls))
    by_root = np.argsort(root, kind="stable")
    end = np.cumsum(sizes)
    names = np.full(len(hulls), "", object)
    for raft in np.flatnonzero(sizes >= 3):
        members = by_root[end[raft] - sizes[raft] : end[raft]]
        names[raft] = _hash(sorted(hulls.detect_id[members]))
    return np.where(alongside, names[root[first]], "").astype(object)


def _hash(names: list[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:ID_LENGTH]


def chip_bounds(pairs: Pairs, hulls: Hulls, grid: Grid) -> NDArray[np.int32]:
    """(n, 4) row0, row1, col0, col1 of windows that show the pairs with some sea around."""
    members = np.stack([pairs.first, pairs.second])
    reach_m = hulls.length_m[members].max(axis=0) / 2 + CHIP_MARGIN_M
    sides = []
    for at, steps, end in zip(
        (hulls.row, hulls.col),
        per_metre(grid.jacobian(hulls.row, hulls.col)),
        grid.shape,
        strict=True,
    ):
        middle, reach = at[members], reach_m * steps[members].max(axis=0)
        sides.append(np.maximum(middle.min(axis=0) - reach, 0))
        sides.append(np.minimum(middle.max(axis=0) + reach + 1, end))
    return np.stack(sides, axis=1).astype(np.int32)
