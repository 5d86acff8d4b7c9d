"""The demo: sweep the built-in archive, and compare what is found with what was planted."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from westsea.api import execute, plan, search
from westsea.cli import conclude
from westsea.logs import show_progress
from westsea.results import Sweep
from westsea.schema import DOUBT
from westsea_catalog import archive
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
    def is_enough(self) -> bool:
        """Whether the floor of the kind is met."""
        return self.found >= FLOORS[self.kind] * self.planted


def run(folder: Path, *, workers: int | None = None) -> bool:
    """Build the archive below a folder, sweep it anew, and print how well that went.

    Returns
    -------
    Whether every floor was met.
    """
    catalog = archive.build(folder / "archive")
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    items = search(str(catalog), aoi="west-sea", datetime="2017-10-01/2017-10-31", offline=True)
    planned = plan(items, catalog=str(catalog), aoi="west-sea")
    report = execute(planned, out, workers=workers, progress=show_progress)
    swept = Sweep(out)
    hulls = pd.read_parquet(catalog.parent / "truth" / "hulls.parquet")
    pairs = pd.read_parquet(catalog.parent / "truth" / "pairs.parquet")
    scores, false_rate = compare(swept, hulls, pairs)
    _print(scores, false_rate)
    conclude(report, str(out))
    return all(score.is_enough for score in scores) and false_rate <= MOST_FALSE_PER_1000_KM2


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
    is_long = length >= 50
    by_hull = dict(zip(hulls["hull_id"], found, strict=True))
    ends = pairs[["hull_id_1", "hull_id_2"]].map(by_hull.__getitem__)
    both = ((ends["hull_id_1"] >= 0) & (ends["hull_id_2"] >= 0)).to_numpy()
    rows = swept.pairs()
    reported = {
        frozenset(ends) for ends in zip(rows["detect_id_1"], rows["detect_id_2"], strict=True)
    }
    ids = detections["detect_id"].to_numpy()
    as_close = np.array(
        [
            here and frozenset((ids[one], ids[two])) in reported
            for one, two, here in zip(ends["hull_id_1"], ends["hull_id_2"], both, strict=True)
        ],
        bool,
    )
    is_close = (pairs["kind"] == "close").to_numpy()
    kinds = {
        "hulls of 50 m and more": (is_long, found >= 0),
        "hulls of 25 to 50 m": (~is_long, found >= 0),
        "close pairs": (is_close, as_close),
        "alongside pairs, as one blob or two": (~is_close, both),
    }
    scores = [
        Score(kind, int(planted.sum()), int((planted & hit).sum()))
        for kind, (planted, hit) in kinds.items()
    ]
    # What lies on a planted hull is a part of it, and not false.
    on_hull = (distance <= np.maximum(NEAR_M, length)[:, None]).any(axis=0)
    clear = (detections["flags"].to_numpy() & int(DOUBT)) == 0
    n_false = int((clear & ~on_hull).sum())
    return scores, 1000.0 * n_false / float(swept.scenes()["km2_valid"].sum())


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


def _print(scores: list[Score], false_rate: float) -> None:
    click.echo(f"{'kind':38s}{'planted':>8s}{'found':>8s}{'floor':>8s}")
    for score in scores:
        floor = int(np.ceil(FLOORS[score.kind] * score.planted))
        missed = "" if score.is_enough else "  below the floor"
        click.echo(f"{score.kind:38s}{score.planted:8d}{score.found:8d}{floor:8d}{missed}")
    click.echo(
        f"false detections per 1000 km2 of sea: {false_rate:.1f} "
        f"(at most {MOST_FALSE_PER_1000_KM2:.0f})"
    )
