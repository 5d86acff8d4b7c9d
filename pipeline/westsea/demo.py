"""The demo: sweep the built-in archive, and compare what is found with what was planted."""

import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from westsea.accounts import Report
from westsea.api import execute, plan, search
from westsea.bench.scores import (
    LONG_M,
    SHORTEST_M,
    Comparison,
    alongside_pairs,
    close_pairs,
)
from westsea.bench.truth import Truth
from westsea.report import write
from westsea.results import Sweep
from westsea.runner import Progress
from westsea.store import PARAMETERS
from westsea_catalog import archive
from westsea_catalog.errors import ConfigError

LONG, SHORT = "hulls of 50 m and more", "hulls of 25 to 50 m"
CLOSE, SMALL_CLOSE = "close pairs, hulls of 50 m and more", "close pairs with a smaller hull"
ALONGSIDE = "alongside pairs, as one blob or two"
FLOORS = {LONG: 0.95, SHORT: 0.80, CLOSE: 0.90, SMALL_CLOSE: 0.0, ALONGSIDE: 0.90}
"""Share of what was planted that must be found; 0: only told."""
MOST_FALSE_PER_1000_KM2 = 4.0


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
    km2: float
    """Sea that was searched."""
    false: Counter[str] = field(default_factory=Counter)
    """Unflagged detections that are no planted hull, by what they are."""
    doubted: float = 0.0
    """Share of the hulls found that bear a doubt."""
    page: Path | None = None
    """The report to look at."""

    @property
    def false_rate(self) -> float:
        """False detections per 1000 km2 of sea."""
        return 1000.0 * self.false.total() / self.km2 if self.km2 else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether every floor was met."""
        enough = all(score.is_enough for score in self.scores)
        return enough and self.false_rate <= MOST_FALSE_PER_1000_KM2

    def __str__(self) -> str:
        lines = [f"{'kind':38s}{'planted':>8s}{'found':>8s}{'floor':>8s}"]
        for score in self.scores:
            missed = "" if score.is_enough else "  below the floor"
            floor = str(score.floor) if FLOORS[score.kind] else "-"
            lines.append(f"{score.kind:38s}{score.planted:8d}{score.found:8d}{floor:>8s}{missed}")
        kinds = ", ".join(f"{number} {kind}" for kind, number in self.false.most_common())
        lines.append(
            f"false detections per 1000 km2 of sea: {self.false_rate:.1f} "
            f"(at most {MOST_FALSE_PER_1000_KM2:.0f}){': ' if kinds else ''}{kinds}"
        )
        lines.append(f"found hulls that bear a doubt: {100 * self.doubted:.1f} %")
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
    compared = compare(report, out, Truth.read(catalog.parent / "truth"))
    return replace(compared, page=write(str(out)).path)


def _clear(out: Path) -> None:
    """Remove an earlier demo's results, and nothing else."""
    if (out / PARAMETERS).exists():
        shutil.rmtree(out, ignore_errors=True)
    elif out.exists():
        raise ConfigError(f"{out} is no earlier demo's: choose another --folder.")


def compare(report: Report, out: Path, truth: Truth) -> Demo:
    """Score a sweep of the archive into a folder."""
    swept = Sweep(out)
    compared, pairs = Comparison.of(truth, swept.detections()), swept.pairs()
    close, small_close = close_pairs(compared, pairs)
    counts = {
        LONG: compared.hulls(LONG_M, np.inf),
        SHORT: compared.hulls(SHORTEST_M, LONG_M),
        CLOSE: close,
        SMALL_CLOSE: small_close,
        ALONGSIDE: alongside_pairs(compared, pairs),
    }
    scores = tuple(Score(kind, count.planted, count.found) for kind, count in counts.items())
    km2, doubted = float(swept.scenes()["km2_valid"].sum()), compared.tally().doubted_share
    return Demo(report, out, scores, km2, compared.n_false, 0.0 if np.isnan(doubted) else doubted)
