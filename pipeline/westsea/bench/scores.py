"""The one rule by which demo and bench compare what was found with what was planted.

A hull is found if a detection lies within 40 m of its middle, or within half its length where
that is more; one alongside others, within half the longest's. A detection is false if it bears no
doubt and lies neither within 40 m nor within a length of any planted hull; what else was planted
there says what it is, else it is clutter.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from westsea.bench.truth import NEAR_M, OTHERS, Truth
from westsea.schema import DOUBT
from westsea_catalog.grid import GEOD

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHORTEST_M, LONG_M = 25.0, 50.0
"""Shorter hulls than the first are neither missed nor false."""
LENGTHS = {
    "25-50 m": (SHORTEST_M, LONG_M),
    "50-100 m": (LONG_M, 100.0),
    "100+ m": (100.0, np.inf),
}
FALSE = ("clutter", *OTHERS)
"""What a false detection may be."""
HULL = "hull"
_FAR_DEG = 0.02
"""Some 2 km of latitude: farther apart, nothing belongs together."""


def distances(planted: pd.DataFrame, detections: pd.DataFrame) -> Floats:
    """(planted, detections) metres between them; inf where 2 km apart or in different scenes."""
    lon1, lat1 = (planted[name].to_numpy(float)[:, None] for name in ("lon", "lat"))
    lon2, lat2 = (detections[name].to_numpy(float) for name in ("lon", "lat"))
    items = pd.factorize(np.concatenate([planted["item_id"], detections["item_id"]]))[0]
    near = items[: len(planted), None] == items[len(planted) :]
    near &= np.abs(lat1 - lat2) <= _FAR_DEG
    near &= np.abs(lon1 - lon2) * np.cos(np.deg2rad(lat1)) <= _FAR_DEG
    i, j = np.nonzero(near)
    out = np.full(near.shape, np.inf)
    out[i, j] = GEOD.inv(lon1[i, 0], lat1[i, 0], lon2[j], lat2[j])[2]
    return out


def match(distance: Floats, reach: Floats) -> NDArray[np.int64]:
    """Index of the detection nearest to each planted hull, -1 where none is near enough.

    distance: (hulls, detections), metres; reach: (hulls,), metres (`Truth.reach_m`).
    """
    if not distance.shape[1]:
        return np.full(len(distance), -1, np.int64)
    nearest = distance.argmin(axis=1)
    near = distance.min(axis=1) <= reach
    return np.where(near, nearest, -1)


def covers(distance: Floats, length: Floats) -> Bools:
    """(planted, detections) whether a detection is on what was planted, or a part of it."""
    return np.asarray(distance <= np.maximum(NEAR_M, length)[:, None])


@dataclass(frozen=True)
class Counts:
    """How many of a kind were planted, and how many of these were found."""

    planted: int
    found: int

    @classmethod
    def of(cls, planted: Bools, found: Bools) -> "Counts":
        """Of flags in the same order."""
        return cls(int(planted.sum()), int((planted & found).sum()))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Detections beside the truth of the same scenes."""

    truth: Truth
    detections: pd.DataFrame
    hit: NDArray[np.int64]
    """(hulls,) index of each planted hull's detection, -1 for none."""
    what: NDArray[np.object_]
    """(detections,) "hull", or what it is if it is false: one of FALSE."""
    over: Bools
    """(others, detections) whether a detection that is no hull's lies on another planted thing."""

    @classmethod
    def of(cls, truth: Truth, detections: pd.DataFrame) -> "Comparison":
        """Compare; the detections' columns are item_id, lon, lat and flags at least."""
        length = truth.hulls["length_m"].to_numpy(float)
        distance = distances(truth.hulls, detections)
        on_hull = covers(distance, length).any(axis=0)
        away = distances(truth.others, detections)
        over = covers(away, truth.others["length_m"].to_numpy(float)) & ~on_hull
        what = np.full(len(detections), "clutter", object)
        if len(away):
            nearest = np.where(over, away, np.inf).argmin(axis=0)
            kinds = truth.others["kind"].to_numpy(object)
            what = np.where(over.any(axis=0), kinds[nearest], what)
        what[on_hull] = HULL
        return cls(truth, detections, match(distance, truth.reach_m), what, over)

    @property
    def doubted(self) -> Bools:
        """(detections,) whether one bears a doubt."""
        return np.asarray((self.detections["flags"].to_numpy(np.int64) & int(DOUBT)) != 0)

    @property
    def n_false(self) -> Counter[str]:
        """How many detections are false, by what they are."""
        return Counter(str(kind) for kind in self.what[~self.doubted] if kind != HULL)

    def lying(self, shortest: float, longest: float) -> Bools:
        """(hulls,) those that count and whose length, metres, lies from one to below the other."""
        length = self.truth.hulls["length_m"].to_numpy(float)
        return np.asarray(self.truth.is_at_sea & (length >= shortest) & (length < longest))

    def hulls(self, shortest: float, longest: float) -> Counts:
        """Hulls of such lengths that count."""
        return Counts.of(self.lying(shortest, longest), self.hit >= 0)

    def tally(self) -> "Tally":
        """The counts."""
        doubted = np.append(self.doubted, False)[self.hit]  # -1, for none, is the last
        classes = [self.lying(*limits) for limits in LENGTHS.values()]
        return Tally(
            planted=np.array([hulls.sum() for hulls in classes]),
            found=np.array([(hulls & (self.hit >= 0)).sum() for hulls in classes]),
            doubted=np.array([(hulls & doubted).sum() for hulls in classes]),
            false=self.n_false,
            others={kind: self._others(kind) for kind in OTHERS},
        )

    def _others(self, kind: str) -> NDArray[np.int64]:
        over = self.over[(self.truth.others["kind"] == kind).to_numpy(bool)]
        found, clear = over.any(axis=1), (over & ~self.doubted).any(axis=1)
        return np.array([len(over), found.sum(), (found & ~clear).sum(), clear.sum()])


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of one scene or several: they add."""

    planted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(LENGTHS), np.int64))
    """(classes of LENGTHS,) hulls that count."""
    found: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(LENGTHS), np.int64))
    doubted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(LENGTHS), np.int64))
    """Found, and with a doubt."""
    false: Counter[str] = field(default_factory=Counter)
    """Unflagged detections that are no hull, by what they are."""
    others: dict[str, NDArray[np.int64]] = field(
        default_factory=lambda: {kind: np.zeros(4, np.int64) for kind in OTHERS}
    )
    """Planted, found, found flagged, found unflagged: by kind."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.planted + other.planted,
            self.found + other.found,
            self.doubted + other.doubted,
            self.false + other.false,
            {kind: self.others[kind] + other.others[kind] for kind in OTHERS},
        )

    @property
    def n_false(self) -> int:
        """All that is false."""
        return self.false.total()

    @property
    def doubted_share(self) -> float:
        """Of the hulls found, those with a doubt; NaN where none was found."""
        found = self.found.sum()
        return float(self.doubted.sum() / found) if found else float("nan")


def close_pairs(comparison: Comparison, reported: pd.DataFrame) -> tuple[Counts, Counts]:
    """Close pairs whose hulls are both 50 m or longer, and those with a shorter hull.

    A pair is found if the detections of its two hulls are a close pair in the table `reported`.
    """
    pairs, ends, counts = _planted_pairs(comparison)
    wanted = counts & (pairs["kind"] == "close").to_numpy(bool)
    hit = _joined(ends, comparison.detections, reported, "close")
    length = comparison.truth.hulls.set_index("hull_id")["length_m"]
    shorter = length.reindex(pairs["hull_id_2"]).to_numpy(float)
    return (
        Counts.of(wanted & (shorter >= LONG_M), hit),
        Counts.of(wanted & (shorter < LONG_M), hit),
    )


def alongside_pairs(comparison: Comparison, reported: pd.DataFrame) -> Counts:
    """Alongside pairs; found if both hulls are one detection, or two reported as alongside."""
    pairs, ends, counts = _planted_pairs(comparison)
    wanted = counts & (pairs["kind"] == "alongside").to_numpy(bool)
    in_one = np.array([one >= 0 and one == two for one, two in ends], np.bool_)
    apart = _joined(ends, comparison.detections, reported, "alongside")
    return Counts.of(wanted, in_one | apart)


def _planted_pairs(
    comparison: Comparison,
) -> tuple[pd.DataFrame, list[tuple[int, int]], Bools]:
    """The planted pairs, the detections of their hulls, and whether neither is at a berth."""
    truth = comparison.truth
    ids = truth.hulls["hull_id"]
    hit = dict(zip(ids, comparison.hit.tolist(), strict=True))
    at_sea = dict(zip(ids, truth.is_at_sea.tolist(), strict=True))
    couples = list(zip(truth.pairs["hull_id_1"], truth.pairs["hull_id_2"], strict=True))
    ends = [(hit[one], hit[two]) for one, two in couples]
    return truth.pairs, ends, np.array([at_sea[one] and at_sea[two] for one, two in couples], bool)


def _joined(
    ends: Sequence[tuple[int, int]], detections: pd.DataFrame, pairs: pd.DataFrame, kind: str
) -> Bools:
    """(pairs,) whether the detections of each planted pair's hulls are a pair of a kind."""
    rows, ids = pairs[pairs["kind"] == kind], detections["detect_id"].to_numpy()
    reported = {
        frozenset(two) for two in zip(rows["detect_id_1"], rows["detect_id_2"], strict=True)
    }
    return np.array(
        [
            one >= 0 and two >= 0 and frozenset((ids[one], ids[two])) in reported
            for one, two in ends
        ],
        bool,
    )
