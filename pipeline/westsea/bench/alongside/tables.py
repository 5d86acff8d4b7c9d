"""Figures of the bench as tables: ours beside what is usual, by class, kind and sea."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from westsea.bench.alongside import scores
from westsea.bench.alongside.laws import SEVERAL
from westsea.detection.alongside import Calibration, sigmoid
from westsea.detection.beams import usual_beam

Float = NDArray[np.float64]

PIXEL_M2 = 100.0
"""Of the bench's scenes."""
FUSED = 0.7
"""Weight of the sum of two passes' logits: they are not independent."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A split, measured and weighed."""

    name: str
    table: pd.DataFrame
    """Of `measured`, without blobs that could not be described."""
    logits: Float
    """(n,) at equal shares."""
    n_lost: int
    """Blobs that were found and could not be described."""

    @property
    def several(self) -> NDArray[np.bool_]:
        """(n,) whether there are several hulls."""
        return np.asarray(np.isin(self.table["kind"], SEVERAL))

    @property
    def p(self) -> Float:
        """(n,) probability at equal shares."""
        return sigmoid(self.logits)

    def only(self, rows: NDArray[np.bool_]) -> "Judged":
        """Some of the blobs."""
        return Judged(self.name, self.table.loc[rows], self.logits[rows], 0)


def judged(name: str, table: pd.DataFrame, how: Calibration) -> Judged:
    """Weigh a split."""
    x = table[[f"x_{feature}" for feature in how.features]].to_numpy(float)
    known = np.isfinite(x).all(axis=1)
    kept = table.loc[known].reset_index(drop=True)
    return Judged(name, kept, how.several.of(x[known]), int((~known).sum()))


def baselines(split: Judged) -> dict[str, Float]:
    """Statistics that others use, by name: the higher the more likely several hulls."""
    table = split.table
    length = table["length_m"].to_numpy(float)
    mask = table["n_pixels"].to_numpy(float) * PIXEL_M2 / length
    columns = {
        "width of sections": "x_wide_sections",
        "reported width": "x_wide_reported",
        "most likely width": "x_wide",
        "that in errors": "x_wide_in_errors",
    }
    return {
        "two blobs": table["n_detections"].to_numpy(float),
        "mask width": mask / usual_beam(length),
        **{name: table[column].to_numpy(float) for name, column in columns.items()},
    }


def fused(one: Judged, two: Judged) -> Judged:
    """Blobs seen in both passes, by both."""
    keys = ["scene", "placed"]
    left = one.table[keys].assign(i=np.arange(len(one.table)))
    right = two.table[keys].assign(j=np.arange(len(two.table)))
    both = left.merge(right, on=keys)
    i, j = both["i"].to_numpy(), both["j"].to_numpy()
    logits = FUSED * (one.logits[i] + two.logits[j])
    return Judged("two passes", one.table.iloc[i].reset_index(drop=True), logits, 0)


def score_of(split: Judged) -> scores.Score:
    """Of all blobs of a split."""
    return scores.score(split.p, split.several)


def by_length(split: Judged) -> Iterator[tuple[str, scores.Score, float]]:
    """Name of the class, its figures, and its true positives at the split's own 5 % point."""
    place = scores.length_class(split.table["true_length_m"].to_numpy())
    point = scores.threshold(split.p[~split.several], 0.05)
    for k, (low, high) in enumerate(zip(scores.LENGTHS_M, scores.LENGTHS_M[1:], strict=False)):
        part = split.only(place == k)
        name = f"{low:g}-{high:g} m" if np.isfinite(high) else f"{low:g} m and more"
        pooled = float((part.p[part.several] > point).mean()) if part.several.any() else np.nan
        yield name, score_of(part), pooled


def by_kind(split: Judged, rate: float) -> dict[str, float]:
    """Share of each kind above the point that a share of all single hulls exceeds."""
    point = scores.threshold(split.p[~split.several], rate)
    above = pd.Series(split.p > point)
    shares = above.groupby(split.table["kind"].to_numpy()).mean()
    return {str(kind): float(share) for kind, share in shares.items()}


def realised(split: Judged, how: Calibration, rate: float) -> float:
    """Share of the single hulls of a split above the point that ships for a rate."""
    return float((split.logits[~split.several] > how.threshold(rate)).mean())
