"""Odds as a polynomial of second degree in a few features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Odds:
    """Natural logarithm of odds, by features that are clipped and standardised."""

    low: tuple[float, ...]
    """Where each feature ends; farther out it counts as here."""
    high: tuple[float, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    weights: tuple[float, ...]
    """Of the terms, in their order."""

    def of(self, features: Float) -> Float:
        """(n,) of (n, k) features."""
        # Not by BLAS, whose sums depend on the number of rows and threads.
        return np.asarray((self.terms(features) * np.array(self.weights)).sum(axis=1))

    def terms(self, features: Float) -> Float:
        """(n, terms): one, the features, their squares and their products."""
        x = (np.clip(features, self.low, self.high) - self.mean) / np.array(self.sd)
        i, j = np.triu_indices(x.shape[1])
        return np.concatenate([np.ones((len(x), 1)), x, x[:, i] * x[:, j]], axis=1)
