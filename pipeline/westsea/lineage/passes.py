"""Scenes of one pass of a satellite, and products of which only the newest counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from westsea.lineage.commits import Commit
from westsea_kernels.pairs import components

PASS = timedelta(minutes=45)
"""A satellite is back over a place after one orbit, 98 minutes, at the earliest: what it saw there
within less than half of that, it saw in one pass. Times of items are no better than this: a
Sentinel-2 tile bears its own, or that of the start of the data take up to half an hour before."""
REACH_M = 5_000.0
"""Footprints of one pass are neighbours up to here. Their corners are joined by straight lines,
which lie up to 1 km off the true ends of slices; and pairs are told what lies within 5 km."""
LEAST_DEGREE_M = 110_000.0
SAME_FOOTPRINT = 0.9
"""Intersection over union of what is one product twice."""
HALVES = 1.2
"""Two scenes that together hold no more data than this times what one should are parts of it, as
the two granules of a tile in which a data take ends, if their footprints are the tile's."""
UNKNOWN = "unknown"
RADAR = frozenset({"VV", "VH", "HH", "HV"})
_NEVER = datetime.min


@dataclass(frozen=True)
class Acquired:
    """What the scenes table says of a scene."""

    commit: Commit
    item_id: str
    when: datetime
    platform: str
    is_radar: bool
    footprint: BaseGeometry
    baseline: tuple[int, ...]
    """Empty where it is not known."""
    processed: datetime
    km2_data: float
    km2_window: float

    @classmethod
    def of(cls, commit: Commit, rows: pa.Table) -> "Acquired":
        """Of the one row of a scene."""
        row = rows.to_pylist()[0]
        data = row["km2_valid"] + row["km2_masked"]
        processed = row.get("processed")
        return cls(
            commit,
            row["item_id"],
            row["datetime"].replace(tzinfo=None),
            row["platform"],
            not RADAR.isdisjoint(row["polarizations"]),
            _valid(row["footprint"]),
            _version(row.get("processing_baseline")),
            processed.replace(tzinfo=None) if processed else _NEVER,
            data,
            data + row["km2_nodata"],
        )

    @property
    def name(self) -> tuple[str, Commit]:
        """What tells it from all others, and decides where nothing else does."""
        return self.item_id, self.commit

    @property
    def item(self) -> tuple[str, str]:
        """Its collection and id; one that is dated anew is there on two days."""
        return self.commit.collection, self.item_id

    @property
    def age(self) -> tuple[tuple[int, ...], datetime, tuple[str, Commit]]:
        """Of one acquisition the product with the greatest is kept.

        By the version of the processor, then by when the product was made, each less than all
        others where it is not known; then by its id, which in most collections ends with a time or
        a number that grows. Of one item that is dated anew it is that of the later day.
        """
        return self.baseline, self.processed, self.name


def _valid(wkb: bytes) -> BaseGeometry:
    shape = shapely.from_wkb(wkb, on_invalid="ignore")
    if shape is None or not np.isfinite(shapely.bounds(shape)).all():
        return shapely.Polygon()
    return shape if shape.is_valid else shapely.make_valid(shape)


def _version(text: str | None) -> tuple[int, ...]:
    parts = (text or "").split(".")
    return tuple(int(part) for part in parts) if all(p.isdecimal() for p in parts) else ()


def newest(scenes: Sequence[Acquired]) -> dict[tuple[str, str], Acquired]:
    """Of each item the scene that is kept, whatever days it is dated to."""
    return {scene.item: scene for scene in sorted(scenes, key=lambda scene: scene.age)}


def neighbours(scenes: Sequence[Acquired]) -> list[tuple[int, int]]:
    """Scenes of one pass that lie within reach of each other: indices, the lesser first."""
    order = sorted(range(len(scenes)), key=lambda i: (scenes[i].platform, scenes[i].when, i))
    pairs = []
    for place, i in enumerate(order):
        one = scenes[i]
        if one.platform == UNKNOWN or one.footprint.is_empty:
            continue
        for later in range(place + 1, len(order)):
            j = order[later]
            two = scenes[j]
            if two.platform != one.platform or two.when - one.when > PASS:
                break
            if two.is_radar == one.is_radar and _within_reach(one, two):
                pairs.append((min(i, j), max(i, j)))
    return sorted(pairs)


def _within_reach(one: Acquired, two: Acquired) -> bool:
    return bool(shapely.dwithin(one.footprint, two.footprint, reach_deg(one.footprint)))


def reach_deg(footprint: BaseGeometry) -> float:
    """REACH_M in degrees, of longitude where those are longer."""
    _, south, _, north = footprint.bounds
    return REACH_M / LEAST_DEGREE_M / float(np.cos(np.deg2rad(min(max(-south, north), 85.0))))


def superseded(scenes: Sequence[Acquired], pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Scenes of which a newer product is kept, and which: indices.

    From the newest on, each is kept unless it shows what a kept one does. So one that is not kept
    changes nothing for the others.
    """
    same: dict[int, list[int]] = {}
    for i, j in pairs:
        if _is_twice(scenes[i], scenes[j]):
            same.setdefault(i, []).append(j)
            same.setdefault(j, []).append(i)
    out: dict[int, int] = {}
    order = sorted(same, key=lambda i: scenes[i].age, reverse=True)
    done: set[int] = set()
    for i in order:
        kept = [j for j in same[i] if j in done and j not in out]
        if kept:
            out[i] = max(kept, key=lambda j: scenes[j].age)
        done.add(i)
    return out


def _is_twice(one: Acquired, two: Acquired) -> bool:
    either = one.footprint.union(two.footprint).area
    both = one.footprint.intersection(two.footprint).area
    if not both >= SAME_FOOTPRINT * either > 0.0:
        return False
    whole = min(_km2(one.footprint), one.km2_window, two.km2_window)
    return one.km2_data + two.km2_data > HALVES * whole


def _km2(footprint: BaseGeometry) -> float:
    """Area of a footprint, roughly."""
    _, south, _, north = footprint.bounds
    degree_km = LEAST_DEGREE_M / 1000.0
    return float(footprint.area * degree_km**2 * np.cos(np.deg2rad((south + north) / 2)))


def groups(members: Sequence[int], pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Members that pairs connect with another one, in groups of two and more, in order."""
    place = {member: n for n, member in enumerate(members)}
    edges = np.array(
        [(place[i], place[j]) for i, j in pairs if i in place and j in place], np.int64
    ).reshape(-1, 2)
    first, second = np.ascontiguousarray(edges[:, 0]), np.ascontiguousarray(edges[:, 1])
    root: NDArray[np.int64] = components(len(members), first, second)
    found: dict[int, list[int]] = {}
    for n, member in enumerate(members):
        found.setdefault(int(root[n]), []).append(member)
    return [group for group in found.values() if len(group) > 1]
