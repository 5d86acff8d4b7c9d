"""What a run did: accounts that must add up, scene by scene and km2 by km2."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, isclose
from typing import Any

from westsea.planning import Plan
from westsea.records import SceneKey, Verdict
from westsea.schema import DETECTIONS, PAIRS
from westsea.tasks import Cost, SceneResult

KINDS = ("valid", "masked", "nodata", "unread")
"""What becomes of the planned km2; unread are those of scenes that this run did not search."""
EXACT = 1e-6
"""Share of a scene's area that sums may differ by: rounding is a millionth of it."""


@dataclass
class Report:
    """What a run did."""

    run_id: str
    planned: int
    """Scenes and refused items."""
    km2: dict[SceneKey, float] = field(default_factory=dict)
    """Planned area by scene."""
    guessed: set[SceneKey] = field(default_factory=set)
    """Scenes whose area is known once they are read: what was read then is what was planned."""
    results: list[SceneResult] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""
    """Kind of what ended the run before its time. Its words, which may name hosts and folders, are
    in the log alone."""

    @classmethod
    def of(cls, run_id: str, plan: Plan) -> "Report":
        """The report of a run that begins."""
        km2 = {SceneKey.of(planned.scene): planned.km2 for planned in plan.scenes}
        guessed = {SceneKey.of(each.scene) for each in plan.scenes if each.is_guess}
        return cls(run_id, len(plan.scenes) + len(plan.refused), km2, guessed)

    def add(self, result: SceneResult) -> None:
        """Take in how a scene ended."""
        self.results.append(result)
        if result.area is not None and result.key in self.guessed:
            self.km2[result.key] = result.area.total

    def count(self, verdict: Verdict) -> int:
        """Number of scenes that ended so."""
        return sum(result.verdict == verdict for result in self.results)

    @property
    def given_up(self) -> int:
        """Of the failed, those that failed too often before and were not tried."""
        return sum(result.given_up for result in self.results)

    @property
    def areas(self) -> dict[str, float]:
        """What became of the planned km2, by kind."""
        searched = self._searched
        areas = {
            kind: sum(getattr(result.area, kind) for result in searched) for kind in KINDS[:-1]
        }
        seen = {result.key for result in searched}
        return areas | {"unread": sum(km2 for key, km2 in self.km2.items() if key not in seen)}

    @property
    def cost(self) -> Cost:
        """What all scenes took together."""
        return sum((result.cost for result in self.results), start=Cost())

    def check(self) -> None:
        """Hold the accounts of a run that has come to its end against what was planned.

        Raises
        ------
        ArithmeticError
            A scene was lost or counted twice, or ground was: a bug.
        """
        if len(self.results) != self.planned:
            raise ArithmeticError(f"{len(self.results)} of {self.planned} scenes have an end")
        twice = [
            key for key, n in Counter(result.key for result in self._searched).items() if n > 1
        ]
        if twice:
            raise ArithmeticError(f"{twice[0].item_id} was searched twice")
        for result in self._searched:
            planned = self.km2[result.key]
            if result.area and not isclose(result.area.total, planned, rel_tol=EXACT):
                raise ArithmeticError(
                    f"{result.key.item_id} covers {planned} km2, and {result.area.total} were read"
                )

    @property
    def _searched(self) -> list[SceneResult]:
        return [result for result in self.results if result.area is not None]

    def __str__(self) -> str:
        verdicts = {str(verdict): self.count(verdict) for verdict in Verdict}
        areas = self.areas
        total = round(sum(self.km2.values()))
        return (
            f"{_sum(self.planned, 'planned', verdicts)}; "
            f"{_sum(total, 'km2', rounded(areas, total))}"
        )

    def totals(self) -> dict[str, Any]:
        """The run in numbers.

        planned = done + empty + refused + failed + skipped + unfinished, and the last is 0 but
        in a run that was ended by an `error`, which may come after the last scene too.
        """
        cost = self.cost
        areas = self.areas
        return {
            "planned": self.planned,
            **{str(verdict): self.count(verdict) for verdict in Verdict},
            "unfinished": self.planned - len(self.results),
            **({"error": self.error} if self.error else {}),
            "given_up": self.given_up,
            "conflicts": sum(result.is_conflict for result in self.results),
            "attempts": sum(result.attempts for result in self.results),
            "detections": sum(result.rows(DETECTIONS.name) for result in self.results),
            "pairs": sum(result.rows(PAIRS.name) for result in self.results),
            "km2": {
                kind: round(km2, 3)
                for kind, km2 in {"planned": sum(self.km2.values()), **areas}.items()
            },
            "bytes": cost.n_bytes,
            "blocks_read_twice": sum(result.n_fetched for result in self.results),
            "seconds": round(self.seconds, 3),
            "stages": rounded_seconds(cost.seconds),
        }

    def document(self) -> dict[str, Any]:
        """The run as it is written into OUT/runs."""
        return self.totals() | {"scenes": [_result_document(result) for result in self.results]}


def _result_document(result: SceneResult) -> dict[str, Any]:
    document: dict[str, Any] = {
        "collection": result.key.collection,
        "item_id": result.key.item_id,
        "verdict": str(result.verdict),
    }
    if result.reason:
        document["reason"] = result.reason
    if result.attempts:
        document |= cost_document(result)
    if result.receipt:
        document |= {"rows": dict(result.receipt.rows), "sha256": result.receipt.sha256}
    return document


def cost_document(result: SceneResult) -> dict[str, Any]:
    """What a scene took, as JSON values."""
    return {
        "attempts": result.attempts,
        "seconds": round(result.seconds, 3),
        "stages": rounded_seconds(result.cost.seconds),
        "bytes": result.cost.n_bytes,
    }


def rounded_seconds(seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, to the millisecond."""
    return {stage: round(each, 3) for stage, each in seconds.items()}


def rounded(parts: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers that add up to the total: those farthest from the next one are rounded up."""
    whole = {name: floor(part) for name, part in parts.items()}
    by_rest = sorted(parts, key=lambda name: whole[name] - parts[name])
    for name in by_rest[: total - sum(whole.values())]:
        whole[name] += 1
    return whole


def _sum(total: int, name: str, parts: Mapping[str, int]) -> str:
    terms = " + ".join(f"{number} {part}" for part, number in parts.items())
    return f"{total} {name} = {terms}"
