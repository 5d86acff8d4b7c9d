"""The bench of one hull or several as text, JSON and curves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from westsea.bench.alongside import scores, tables
from westsea.bench.alongside.running import Bench, Group
from westsea.bench.alongside.tables import Judged

Float = NDArray[np.float64]

PRIORS = (0.01, 0.03, 0.10)


def text(bench: Bench) -> str:
    """All figures."""
    return "\n".join(line for group in bench.groups for line in _group(group))


def _group(group: Group) -> Iterator[str]:
    yield f"\n{group.name}: fitted on {group.n_fitted:,} blobs; " + (
        "the coefficients that ship" if group.is_shipped else "these differ from what ships"
    )
    header = "one   several  AUC   TPR@1%  TPR@5%  calibration error  Brier skill"
    yield f"  {'':20}{header}"
    for split in group.splits:
        yield _line(split.name, tables.score_of(split)) + (
            f"  ({split.n_lost} could not be described)" if split.n_lost else ""
        )
    test = group.splits[0]
    yield "  on the same blobs:"
    for name, values in tables.baselines(test).items():
        at = [float((values[test.several] > scores.threshold(values[~test.several], rate)).mean())
              for rate in scores.FALSE_RATES]  # fmt: skip
        auc = scores.auc(values, test.several)
        yield f"  {name:20}{'':15}{auc:5.3f}{at[0]:7.3f}{at[1]:8.3f}"
    for split in group.splits[:2]:
        yield f"  {split.name}, by length of all hulls (TPR at the pooled 5 % point behind):"
        for name, score, pooled in tables.by_length(split):
            yield _line(f"  {name}", score) + f"  {pooled:.3f}"
        yield f"  {split.name}, by sea:"
        for sea in sorted(set(split.table["sea_state"])):
            part = split.only((split.table["sea_state"] == sea).to_numpy())
            yield _line(f"  {sea}", tables.score_of(part))
        for rate in scores.FALSE_RATES:
            kinds = tables.by_kind(split, rate)
            shares = ", ".join(f"{kind} {share:.3f}" for kind, share in kinds.items())
            yield f"  {split.name}, above the {rate:.0%} point: {shares}"
        real = tables.realised(split, group.calibration, 0.01)
        yield f"  {split.name}: a nominal 1 % of single hulls is {real:.2%}"
        yield f"  {split.name}, share of pairs above the 1 % point at priors: " + ", ".join(
            f"{prior:.0%} {_precision(split, prior):.2f}" for prior in PRIORS
        )


def _line(name: str, score: scores.Score) -> str:
    return (
        f"  {name:20}{score.n_one:5}{score.n_several:8}{score.auc:7.3f}{score.tpr[0]:7.3f}"
        f"{score.tpr[1]:8.3f}{score.ece:13.3f}{score.brier_skill:17.3f}"
    )


def _precision(split: Judged, prior: float) -> float:
    true = prior * tables.score_of(split).tpr[0]
    return true / (true + (1.0 - prior) * 0.01)


def write_json(bench: Bench, path: Path) -> None:
    """Figures for a machine."""
    out: dict[str, Any] = {}
    for group in bench.groups:
        out[group.name] = {
            split.name: {
                "all": tables.score_of(split),
                "by_length": {name: score for name, score, _ in tables.by_length(split)},
                "by_kind_5": tables.by_kind(split, 0.05),
                "realised_1": tables.realised(split, group.calibration, 0.01),
            }
            for split in group.splits
        }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(out), indent=1) + b"\n")


def write_plot(bench: Bench, path: Path) -> None:
    """ROC and calibration of every split; needs matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2 * len(bench.groups)), layout="constrained")
    axes = figure.subplots(len(bench.groups), 2, squeeze=False)
    for (roc, calibration), group in zip(axes, bench.groups, strict=True):
        for split in group.splits:
            _draw_rates(roc, split.name, split.p, split.several)
            mean, share, _ = scores.calibration(split.p, split.several)
            calibration.plot(mean, share, "o-", label=split.name)
        for name, values in tables.baselines(group.splits[0]).items():
            _draw_rates(roc, name, values, group.splits[0].several, linewidth=0.6)
        roc.set(title=group.name, xlabel="false", ylabel="true", xscale="log", xlim=(0.003, 1))
        calibration.plot([0, 1], [0, 1], "k", lw=0.5)
        calibration.set(xlabel="probability at equal shares", ylabel="share of several hulls")
        roc.legend(fontsize=7)
    figure.savefig(path)


def _draw_rates(
    axes: Any, name: str, values: Float, several: NDArray[np.bool_], **how: Any
) -> None:
    """Shares at or above each value, so that ties make one point."""
    one, found = np.sort(values[~several]), np.sort(values[several])
    points = np.unique(values)
    false, true = (1 - np.searchsorted(each, points) / each.size for each in (one, found))
    axes.plot(np.append(false, 0.0), np.append(true, 0.0), label=name, **how)
