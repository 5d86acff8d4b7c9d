"""Logistic regression on all products of a few features, with a ridge; refitted by the bench."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from westsea.detection.odds import Odds

Float = NDArray[np.float64]

RIDGE = 10.0
"""Weight of the squared coefficients against the sum of the blobs' log likelihoods."""
TAILS = 0.005
"""Share of blobs at either end of a feature that count as if they were at its end."""
_STEPS, _CONVERGED = 60, 1e-8


def fit(features: Float, is_true: NDArray[np.bool_]) -> Odds:
    """Odds of something being true at equal shares, by Newton's method.

    features : (n, k); no NaN
    """
    low, high = np.quantile(features, [TAILS, 1.0 - TAILS], axis=0)
    clipped = np.clip(features, low, high)
    mean, sd = clipped.mean(axis=0), clipped.std(axis=0)
    low, high, mean, sd = (tuple(np.round(x, 6).tolist()) for x in (low, high, mean, sd))
    empty = Odds(low, high, mean, sd, weights=())
    terms = empty.terms(features)
    share = is_true.mean()
    weights = np.where(is_true, 0.5 / share, 0.5 / (1.0 - share))
    penalty = np.full(terms.shape[1], RIDGE)
    penalty[0] = 0.0
    found = np.zeros(terms.shape[1])
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-terms @ found))
        slope = terms.T @ (weights * (is_true - p)) - penalty * found
        curvature = (terms * (weights * p * (1.0 - p))[:, None]).T @ terms
        step = np.linalg.solve(curvature + np.diag(penalty), slope)
        found += step
        if np.abs(step).max() < _CONVERGED:
            break
    return replace(empty, weights=tuple(np.round(found, 5).tolist()))
