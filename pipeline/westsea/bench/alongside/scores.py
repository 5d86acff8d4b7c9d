"""How well probabilities tell several hulls from one: ranks, calibration, and by class.

Every figure is for as many blobs of several hulls as of one: weights make it so. What it would be
at another prior follows from the two rates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

LENGTHS_M = (35.0, 60.0, 100.0, 160.0, np.inf)
"""Classes of the extent of all hulls along the axis; what is shorter counts with the first."""
FALSE_RATES = (0.01, 0.05)
N_BINS = 10


@dataclass(frozen=True)
class Score:
    """Figures of one group of blobs."""

    n_one: int
    n_several: int
    auc: float
    tpr: tuple[float, ...]
    """At each of FALSE_RATES."""
    ece: float
    """Expected calibration error: mean distance of probability and share, over N_BINS bins."""
    brier_skill: float
    """Over the constant 1/2."""


def score(p: Float, is_several: Bool) -> Score:
    """Figures of probabilities p (n,) at equal shares."""
    thresholds = [threshold(p[~is_several], rate) for rate in FALSE_RATES]
    return Score(
        n_one=int((~is_several).sum()),
        n_several=int(is_several.sum()),
        auc=auc(p, is_several),
        tpr=tuple(float((p[is_several] > t).mean()) for t in thresholds),
        ece=calibration_error(p, is_several),
        brier_skill=brier_skill(p, is_several),
    )


def threshold(p_one: Float, rate: float) -> float:
    """The probability that a share of the blobs of one hull exceeds."""
    ranked = np.sort(p_one)[::-1]
    return float(ranked[min(int(rate * ranked.size), ranked.size - 1)])


def auc(p: Float, is_several: Bool) -> float:
    """Chance that a blob of several hulls has the higher probability than one of one."""
    one, several = np.sort(p[~is_several]), p[is_several]
    below = np.searchsorted(one, several, "left") + np.searchsorted(one, several, "right")
    return float(below.mean() / 2.0 / one.size)


def balance(is_several: Bool) -> Float:
    """(n,) weights that give one and several the same share, 1 in all."""
    share = is_several.mean()
    return np.asarray(np.where(is_several, 0.5 / share, 0.5 / (1.0 - share)) / is_several.size)


def calibration(p: Float, is_several: Bool) -> tuple[Float, Float, Float]:
    """(N_BINS,) mean probability, share of several and weight of each bin; NaN where empty."""
    weights = balance(is_several)
    place = np.minimum((p * N_BINS).astype(int), N_BINS - 1)
    total = np.bincount(place, weights, N_BINS).astype(float)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, weights * p, N_BINS) / total
        share = np.bincount(place, weights * is_several, N_BINS) / total
    return mean, share, total


def calibration_error(p: Float, is_several: Bool) -> float:
    """Mean distance of probability and share over the bins, weighted by them."""
    mean, share, total = calibration(p, is_several)
    return float(np.nansum(total * np.abs(mean - share)))


def brier_skill(p: Float, is_several: Bool) -> float:
    """1 less the mean squared error over that of 1/2."""
    error = float((balance(is_several) * (p - is_several) ** 2).sum())
    return 1.0 - error / 0.25


def length_class(length_m: Float) -> NDArray[np.int64]:
    """(n,) index of the class of LENGTHS_M."""
    return np.asarray(np.clip(np.searchsorted(LENGTHS_M, length_m, "right") - 1, 0, 3))
