"""How far the odds that ship are from what boosted trees make of the same features.

make bench ARGS="-k ceiling"; images the scenes of the bench first (some 15 minutes), or takes those
in the folder that WESTSEA_BENCH names.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from westsea.bench.alongside import scores
from westsea.bench.alongside.laws import SEVERAL
from westsea.bench.alongside.measured import measured
from westsea.bench.alongside.running import GROUPS
from westsea.bench.alongside.tables import judged, score_of
from westsea.detection.alongside import calibrations

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    named = os.environ.get("WESTSEA_BENCH")
    return Path(named) if named else tmp_path_factory.mktemp("bench")


def known(table, how):
    x = table[[f"x_{name}" for name in how.features]].to_numpy(float)
    there = np.isfinite(x).all(axis=1)
    return x[there], np.isin(table.loc[there, "kind"], SEVERAL)


@pytest.mark.parametrize("name", GROUPS)
def test_trees_on_the_same_features(folder, name):
    ensemble = pytest.importorskip("sklearn.ensemble")
    sensor, bands = GROUPS[name]
    how = calibrations()[name]
    x, several = known(measured(sensor, "train", folder, bands=bands, workers=2), how)
    trees = ensemble.HistGradientBoostingClassifier(
        max_iter=500, learning_rate=0.04, max_leaf_nodes=16, l2_regularization=5.0,
        min_samples_leaf=40, random_state=0,
    ).fit(x, several)  # fmt: skip
    print(f"\n{name:20} AUC   TPR@1%  TPR@5%  calibration error")
    for split in ("test", "other"):
        table = measured(sensor, split, folder, bands=bands, workers=2)
        ours = score_of(judged(split, table, how))
        x, several = known(table, how)
        theirs = scores.score(trees.predict_proba(x)[:, 1], several)
        for who, score in (("shipped", ours), ("trees", theirs)):
            rates = f"{score.tpr[0]:.3f}   {score.tpr[1]:.3f}   {score.ece:.3f}"
            print(f"  {split:6} {who:10} {score.auc:.3f}  {rates}")
        assert ours.auc > theirs.auc - 0.03
