"""The bench of one hull or several: its figures, its fit, and the command as a whole."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from westsea.bench.alongside import running, scenes, scores
from westsea.bench.alongside.tables import FUSED, Judged, fused
from westsea.cli import main
from westsea.detection.alongside import DATA, sigmoid

pd = pytest.importorskip("pandas")


def drawn(seed, n=400):
    rng = np.random.default_rng(seed)
    several = rng.uniform(size=n) < 0.3
    return np.round(sigmoid(rng.normal(np.where(several, 1.0, -1.0))), 2), several


@given(st.integers(0, 1000))
def test_auc_is_the_share_of_pairs_in_the_right_order(seed):
    p, several = drawn(seed)
    one, two = p[~several][:, None], p[several][None, :]
    expected = (two > one).mean() + 0.5 * (two == one).mean()
    assert scores.auc(p, several) == pytest.approx(expected)


@given(st.integers(0, 1000), st.floats(0.01, 0.5))
def test_no_more_than_a_share_lies_above_the_threshold(seed, rate):
    p, several = drawn(seed)
    one = p[~several]
    assert (one > scores.threshold(one, rate)).mean() <= rate
    assert (one >= scores.threshold(one, rate)).mean() >= rate


def test_what_says_what_is_true_is_calibrated():
    rng = np.random.default_rng(2)
    p = rng.uniform(size=200_000)
    several = rng.uniform(size=p.size) < p
    assert scores.calibration_error(p, several) < 0.01
    assert scores.calibration_error(p**3, several) > 0.1
    assert scores.brier_skill(p, several) == pytest.approx(1 - (1 / 6) / 0.25, abs=0.01)
    assert scores.brier_skill(np.full(p.size, 0.5), several) == pytest.approx(0)


@given(st.integers(0, 100))
def test_figures_do_not_depend_on_how_many_there_are_of_each(seed):
    p, several = drawn(seed, 100)
    one = np.flatnonzero(~several)
    more = np.concatenate([np.arange(p.size), one, one])
    for figure in (scores.auc, scores.calibration_error, scores.brier_skill):
        assert figure(p[more], several[more]) == pytest.approx(figure(p, several))


def test_classes_of_length():
    lengths = np.array([20.0, 35.0, 59.9, 60.0, 100.0, 160.0, 900.0])
    assert scores.length_class(lengths).tolist() == [0, 0, 0, 1, 2, 3, 3]


def test_two_passes_are_fused_where_both_have_seen_the_blob():
    one, two = (
        Judged(
            name,
            pd.DataFrame({"scene": [0, 0, 1], "placed": placed, "kind": ["pair"] * 3}),
            np.array(logits),
            0,
        )
        for name, placed, logits in (("a", [3, 5, 3], [1.0, 2.0, 3.0]), ("b", [5, 4, 3], [1, 1, 1]))
    )
    both = fused(one, two)
    assert both.table["placed"].tolist() == [5, 3]
    np.testing.assert_allclose(both.logits, FUSED * np.array([3.0, 4.0]))


@pytest.fixture
def small(monkeypatch):
    """Two scenes to fit on and one of each other split, radar alone."""
    counts = {("sar", split): 1 for split in ("test", "other", "again")} | {("sar", "train"): 2}
    monkeypatch.setattr(scenes, "N_SCENES", counts)
    monkeypatch.setattr(running, "GROUPS", {"VV+VH": ("sar", None)})


def test_the_command_fits_and_tells(small, tmp_path):
    arguments = ["bench", "pairs", "--folder", str(tmp_path / "b"), "--refit", str(tmp_path)]
    run = CliRunner().invoke(main, [*arguments, "--json", str(tmp_path / "f.json")])
    assert run.exit_code == 0, run.output
    for words in ("test", "another hull model", "two passes", "these differ from what ships"):
        assert words in run.output
    figures = json.loads((tmp_path / "f.json").read_text())["VV+VH"]
    assert figures["test"]["all"]["auc"] > 0.6
    shipped = json.loads((tmp_path / DATA).read_text())["VV+VH"]
    assert len(shipped["several"]["weights"]) > 300


def test_a_folder_to_refit_into_must_be_there(tmp_path):
    run = CliRunner().invoke(main, ["bench", "pairs", "--refit", str(tmp_path / "missing")])
    assert run.exit_code == 2
    assert "does not exist" in run.output
