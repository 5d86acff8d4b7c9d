"""Fits what ships in `westsea/detection/alongside.json`, on the split that is for that alone."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from westsea.bench.alongside import logit
from westsea.bench.alongside.laws import SEVERAL
from westsea.bench.alongside.scores import threshold
from westsea.detection.alongside import Calibration
from westsea.detection.odds import Odds

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

FOLDS = 5
"""Thresholds and rates are those of scenes that the odds were not fitted on."""
FALSE_RATES = (0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001)
MARGIN = 1.5
"""Hulls that scatter otherwise exceed a point more often: thresholds are those of the share over
this. A study of hulls by two simulators found 2.3 to 2.5 % for a nominal 1 %."""
POINT = 0.01
"""Share of single hulls above the point of which the classes' rates are told."""
LENGTHS_M, CONTRASTS_DB = (0.0, 60.0, 100.0, 160.0), (-20.0, 12.0, 17.0, 22.0)


def fitted(table: pd.DataFrame) -> Calibration:
    """Fit one choice of bands, on the table of `measured`."""
    columns = [name for name in table.columns if name.startswith("x_")]
    x = table[columns].to_numpy(float)
    known: Bool = np.asarray(np.isfinite(x).all(axis=1))
    x, table = x[known], table.loc[known]
    kind = table["kind"].to_numpy()
    several = np.isin(kind, SEVERAL)
    unseen = _cross_fitted(x, several, table["scene"].to_numpy())
    above = np.array([threshold(unseen[~several], rate / MARGIN) for rate in FALSE_RATES])
    is_above = unseen > above[FALSE_RATES.index(POINT)]
    length, contrast = np.exp(table["x_length"]), 10 / np.log(10) * table["x_level"]
    tpr, fpr = (
        _by_class(is_above[group], length[group], contrast[group]) for group in (several, ~several)
    )
    return Calibration(
        features=tuple(name.removeprefix("x_") for name in columns),
        several=logit.fit(x, several),
        wide=logit.fit(x[~several], kind[~several] == "wide_barge"),
        raft=logit.fit(x[several], kind[several] == "raft"),
        false_rates=FALSE_RATES,
        log_odds=tuple(np.round(above, 4).tolist()),
        lengths_m=LENGTHS_M,
        contrasts_db=CONTRASTS_DB,
        tpr=tpr,
        fpr=fpr,
    )


def _cross_fitted(x: Float, several: Bool, scene: NDArray[np.int64]) -> Float:
    """(n,) logarithm of the odds, by a fit without the blob's own fold of scenes."""
    out = np.empty(several.size)
    for fold in range(FOLDS):
        own = scene % FOLDS == fold
        odds: Odds = logit.fit(x[~own], several[~own])
        out[own] = odds.of(x[own])
    return out


def _by_class(is_above: Bool, length: Float, contrast: Float) -> tuple[tuple[float, ...], ...]:
    """Share above the point, by class of length and contrast."""
    rows = []
    for i, shortest in enumerate(LENGTHS_M):
        longest = (*LENGTHS_M, np.inf)[i + 1]
        in_row = (length >= shortest) & (length < longest)
        rows.append(tuple(_share(is_above[in_row], contrast[in_row])))
    return tuple(rows)


def _share(is_above: Bool, contrast: Float) -> list[float]:
    ends = (*CONTRASTS_DB[1:], np.inf)
    place = np.searchsorted(ends, contrast, "right")
    n = np.bincount(place, minlength=len(ends))
    # As if one more blob had been seen, half above: no class claims that it never errs.
    return [
        round(float((is_above[place == i].sum() + 0.5) / (n[i] + 1)), 4) for i in range(len(ends))
    ]
