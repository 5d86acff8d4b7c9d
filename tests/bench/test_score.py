"""Refit the score of a detection on built-in archives: the weights of `detection/hulls.py`.

make bench
"""

import numpy as np
import pandas as pd
import pytest

from westsea.api import execute, plan, search
from westsea.bench.scores import covers, distances
from westsea.detection import hulls
from westsea.results import Sweep
from westsea.schema import DOUBT
from westsea_catalog import archive

pytestmark = pytest.mark.bench

SEEDS = range(1, 9)


def logistic(octaves, is_hull):
    """Intercept and slope of a logistic regression, by Newton's method."""
    design = np.stack([np.ones_like(octaves), octaves], axis=1)
    weights = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        # A hundredth of a prior keeps separable cases finite.
        gradient = design.T @ (is_hull - p) - 0.01 * weights
        curvature = (design.T * (p * (1 - p))) @ design + 0.01 * np.eye(2)
        weights += np.linalg.solve(curvature, gradient)
    return weights


def test_weights_of_the_score(monkeypatch, tmp_path):
    seen = []
    score = hulls._score

    def spy(scene, over_seed, flags):
        seen.append((scene.sensor, np.log2(over_seed)))
        return score(scene, over_seed, flags)

    # Any order will do that tells which of a scene's detections is which: take the score's own.
    monkeypatch.setattr(hulls, "_score", spy)
    cases = {"sar": [], "optical": []}
    for seed in SEEDS:
        catalog = archive.build(tmp_path / str(seed), seed=seed)
        items = search(str(catalog), aoi="west-sea", datetime="2017-10-01/2017-10-31")
        seen.clear()
        execute(plan(items, catalog=str(catalog)), tmp_path / f"{seed}-out", workers=0)
        found = Sweep(tmp_path / f"{seed}-out").detections()
        planted = pd.read_parquet(catalog.parent / "truth" / "hulls.parquet")
        length = planted["length_m"].to_numpy()
        found["is_hull"] = covers(distances(planted, found), length).any(axis=0)
        doubt = (found["flags"] & int(DOUBT)) != 0
        found["plain"] = np.where(doubt, found["score"] / hulls.DOUBT_SCORE, found["score"])
        for (sensor, octaves), item in zip(seen, items, strict=True):
            rows = found[found["item_id"] == item["id"]].sort_values("plain")
            clear = ((rows["flags"] & int(DOUBT)) == 0).to_numpy()
            cases[sensor].append((np.sort(octaves)[clear], rows["is_hull"].to_numpy()[clear]))
    for sensor, parts in cases.items():
        octaves, is_hull = (np.concatenate(part) for part in zip(*parts, strict=True))
        weights = logistic(octaves, is_hull)
        print(
            f"\n{sensor}: {is_hull.sum()} hulls, {(~is_hull).sum()} others, "
            f"intercept {weights[0]:.1f}, {weights[1]:.1f} an octave; "
            f"shipped {hulls.SCORE_WEIGHTS[sensor]}"
        )
        assert np.isfinite(weights).all()
