"""The demo: sweep the built-in archive, and compare what is found with what was planted."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from westsea.api import execute, plan, search
from westsea.results import Sweep
from westsea.runner import Progress, Report
from westsea.schema import DOUBT
from westsea.store import PARAMETERS
from westsea_catalog import archive
from westsea_catalog.errors import ConfigError
from westsea_catalog.grid import GEOD

Floats = NDArray[np.float64]

FLOORS = {
    "hulls of 50 m and more": 0.90,
    "hulls of 25 to 50 m": 0.60,
    "close pairs": 0.80,
    "alongside pairs, as one blob or two": 0.90,
}
"""Share of what was planted that must be found."""
MOST_FALSE_PER_1000_KM2 = 10.0
NEAR_M = 40.0
"""A detection is a planted hull's if it lies this near its middle, or within half its length."""


@dataclass(frozen=True)
class Score:
    """How many of the planted things of a kind were found."""

    kind: str
    planted: int
    found: int

    @property
    def floor(self) -> int:
        """How many must be found."""
        return int(np.ceil(FLOORS[self.kind] * self.planted))

    @property
    def is_enough(self) -> bool:
        """Whether the floor is met."""
        return self.found >= self.floor


@dataclass(frozen=True)
class Demo:
    """A sweep of the archive, and how well it went."""

    report: Report
    out: Path
    scores: tuple[Score, ...]
    false_rate: float
    """Unflagged detections that are no planted hull, per 1000 km2 of sea."""

    @property
    def is_enough(self) -> bool:
        """Whether every floor was met."""
        enough = all(score.is_enough for score in self.scores)
        return enough and self.false_rate <= MOST_FALSE_PER_1000_KM2

    def __str__(self) -> str:
        lines = [f"{'kind':38s}{'planted':>8s}{'found':>8s}{'floor':>8s}"]
        for score in self.scores:
            missed = "" if score.is_enough else "  below the floor"
            lines.append(
                f"{score.kind:38s}{score.planted:8d}{score.found:8d}{score.floor:8d}{missed}"
            )
        lines.append(
            f"false detections per 1000 km2 of sea: {self.false_rate:.1f} "
            f"(at most {MOST_FALSE_PER_1000_KM2:.0f})"
        )
        return "\n".join(lines)


def run(folder: Path, *, workers: int | None = None, progress: Progress = lambda *_: None) -> Demo:
    """Build the archive below a folder and sweep it anew.

    Raises
    ------
    ConfigError
        The folder cannot be written to, or holds something else where the results go.
    """
    out = folder / "out"
    _clear(out)
    catalog = archive.build(folder / "archive")
    items = search(str(catalog), aoi="west-sea", datetime="2017-10-01/2017-10-31", offline=True)
    planned = plan(items, catalog=str(catalog), aoi="west-sea")
    report = execute(planned, out, workers=workers, progress=progress)
    hulls = pd.read_parquet(catalog.parent / "truth" / "hulls.parquet")
    pairs = pd.read_parquet(catalog.parent / "truth" / "pairs.parquet")
    scores, false_rate = compare(Sweep(out), hulls, pairs)
    return Demo(report, out, tuple(scores), false_rate)


def _clear(out: Path) -> None:
    """Remove an earlier demo's results, and nothing else."""
    if (out / PARAMETERS).exists():
        shutil.rmtree(out, ignore_errors=True)
    elif out.exists():
        raise ConfigError(f"{out} is no earlier demo's: choose another --folder.")


def compare(swept: Sweep, hulls: pd.DataFrame, pairs: pd.DataFrame) -> tuple[list[Score], float]:
    """Score a sweep of the archive.

    Parameters
    ----------
    swept : the sweep
    hulls, pairs : the archive's truth tables

    Returns
    -------
    A score per kind, and unflagged detections that are no planted hull per 1000 km2 of sea.
    """
    detections = swept.detections()
    distance, length = distances(hulls, detections), hulls["length_m"].to_numpy(float)
    found = match(distance, length)
    is_long, is_close = length >= 50, (pairs["kind"] == "close").to_numpy()
    by_hull = dict(zip(hulls["hull_id"], found, strict=True))
    ends = [
        (by_hull[one], by_hull[two])
        for one, two in zip(pairs["hull_id_1"], pairs["hull_id_2"], strict=True)
    ]
    as_close = _joined(ends, detections, swept.pairs(), "close")
    as_alongside = _joined(ends, detections, swept.pairs(), "alongside")
    in_one = np.array([one >= 0 and one == two for one, two in ends], bool)
    kinds = {
        "hulls of 50 m and more": (is_long, found >= 0),
        "hulls of 25 to 50 m": (~is_long, found >= 0),
        "close pairs": (is_close, as_close),
        "alongside pairs, as one blob or two": (~is_close, in_one | as_alongside),
    }
    scores = [
        Score(kind, int(planted.sum()), int((planted & hit).sum()))
        for kind, (planted, hit) in kinds.items()
    ]
    # What lies on a planted hull is a part of it, and not false.
    on_hull = (distance <= np.maximum(NEAR_M, length)[:, None]).any(axis=0)
    clear = (detections["flags"].to_numpy() & int(DOUBT)) == 0
    n_false, km2 = int((clear & ~on_hull).sum()), float(swept.scenes()["km2_valid"].sum())
    return scores, 1000.0 * n_false / km2 if km2 else 0.0


def _joined(
    ends: Sequence[tuple[int, int]], detections: pd.DataFrame, pairs: pd.DataFrame, kind: str
) -> NDArray[np.bool_]:
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


def match(distance: Floats, length: Floats) -> NDArray[np.int64]:
    """Index of the detection nearest to each planted hull, -1 where none is near enough.

    distance: (hulls, detections), metres; length: (hulls,) of the planted hulls, metres.
    """
    if not distance.shape[1]:
        return np.full(len(distance), -1, np.int64)
    nearest = distance.argmin(axis=1)
    near = distance.min(axis=1) <= np.maximum(NEAR_M, length / 2)
    return np.where(near, nearest, -1)


def distances(hulls: pd.DataFrame, detections: pd.DataFrame) -> Floats:
    """(hulls, detections) metres between them; inf between different scenes."""
    shape = (len(hulls), len(detections))
    lon1, lat1, lon2, lat2 = (
        np.broadcast_to(values, shape).ravel()
        for values in (
            hulls["lon"].to_numpy()[:, None],
            hulls["lat"].to_numpy()[:, None],
            detections["lon"].to_numpy(),
            detections["lat"].to_numpy(),
        )
    )
    distance = np.asarray(GEOD.inv(lon1, lat1, lon2, lat2)[2]).reshape(shape)
    same = hulls["item_id"].to_numpy()[:, None] == detections["item_id"].to_numpy()
    return np.where(same, distance, np.inf)
