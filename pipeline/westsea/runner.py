"""Sweep: every planned scene through the workers, into one output folder.

    plan -> skip what is there -> a bounded window of scenes in flight -> receipts
         -> lineage of the days that were touched -> run record

Small scenes are one task each; where there are many, some share one. A large one has a task for
each chunk, which reads and summarises, and one that judges and commits. Workers write; the driver
only gets receipts.
"""

import re
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from math import inf
from uuid import uuid4

from distributed import Client
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from westsea.accounts import Report
from westsea.arrivals import arrived
from westsea.compiled import compile_once
from westsea.detection.summary import Carry
from westsea.detector import ALGORITHM_VERSION, Detector
from westsea.flights import Flights
from westsea.lineage.overlay import refresh
from westsea.objects import side_by_side
from westsea.planning import Plan, PlannedScene, RefusedItem
from westsea.records import (
    REFUSED,
    Parameters,
    SceneKey,
    Status,
    Verdict,
)
from westsea.sources import remember
from westsea.store import Store
from westsea.tasks import (
    Job,
    SceneResult,
    process_scene,
    settle,
)
from westsea_catalog.coast import Coast
from westsea_catalog.errors import UsageError, WestseaError
from westsea_catalog.items import identifier
from westsea_catalog.stac_item import Item, item_time

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")

Progress = Callable[[SceneResult, int, int], None]
"""Called with each result, the number of scenes that ended, and the number planned."""


@dataclass(frozen=True)
class Limits:
    """How much is done for a scene that does not end, or ends badly."""

    scene_seconds: float | None = None
    """What a scene may take on a worker; None for what its size allows, see `flights`."""
    attempts: int = 5
    """Runs in which a scene may fail before it is left alone until its item changes."""
    retry: bool = False
    """Whether those are tried once more."""

    def __post_init__(self) -> None:
        """Refuse limits that let nothing pass.

        Raises
        ------
        UsageError
            The sentence names the limit.
        """
        if self.scene_seconds is not None and not 0 < self.scene_seconds < inf:
            raise UsageError(f"A deadline of {self.scene_seconds} s lets no scene end.")
        if self.attempts < 1:
            raise UsageError(f"With {self.attempts} attempts no scene is ever tried.")


def parameters(detector: Detector, aoi: BaseGeometry | None, coast: Coast) -> Parameters:
    """What decides the numbers of a sweep, to open a `Store` with."""
    settings = {name: getattr(detector, name) for name in detector.__dataclass_fields__}
    return Parameters(
        ALGORITHM_VERSION,
        settings,
        None if aoi is None else mapping(aoi),
        coast.content_hash,
        f"{detector.prior:g}",
    )


def run(
    plan: Plan,
    store: Store,
    coast: Coast,
    detector: Detector,
    client: Client | None,
    *,
    limits: Limits | None = None,
    run_id: str | None = None,
    progress: Progress = lambda *_: None,
    carry: Carry = "bright",
) -> Report:
    """Process every scene of a plan that the store does not hold yet.

    Parameters
    ----------
    client
        Runs the tasks; None for the plain path, scene by scene in this process, where no scene
        has a deadline.
    limits
        Of what is done for one scene; None for the usual.
    run_id
        Name of the run's record, which replaces one of that name; None for a new one.
    carry
        Which pixels travel from the chunks to the judge: a matter of speed, never of results.

    Raises
    ------
    ConfigError, UpstreamError
        The store cannot be written to, the workers write to another place, or the scheduler is
        gone; the scenes committed by then stay.
    ArithmeticError
        The accounts do not add up: a bug.
    """
    start = time.perf_counter()
    limits = limits or Limits()
    report = Report.of(run_id or new_run_id(), plan)

    def note(result: SceneResult) -> None:
        report.add(result)
        progress(result, len(report.results), report.planned)

    try:
        to_do = _to_do(plan, store, limits, note)
        remember(store.objects, [planned.scene for planned in to_do], plan)
        jobs = [Job.of(planned, coast, plan.aoi, detector, carry) for planned in to_do]
        with closing(_results(jobs, store, client, limits)) as results:
            for result in results:
                note(result)
        refresh(store, {result.key.date.isoformat() for result in report.results})
        report.check()
    except BaseException as error:
        report.error = type(error).__name__
        with suppress(WestseaError):  # what ended the run may keep its record from being written
            _write(report, store, start)
        raise
    _write(report, store, start)
    return report


def _to_do(
    plan: Plan, store: Store, limits: Limits, note: Callable[[SceneResult], None]
) -> list[PlannedScene]:
    """The scenes that are to be processed; how all else of the plan ends is noted."""
    for refused in plan.refused:
        note(_refuse(refused, store))
    once: dict[SceneKey, PlannedScene] = {}
    for planned in plan.scenes:
        key = SceneKey.of(planned.scene)
        if once.setdefault(key, planned) is not planned:
            note(SceneResult(key, Verdict.SKIPPED, attempts=0))
    to_do = []
    ends = side_by_side(lambda key: _known(key, store, limits), once)
    for planned, end in zip(once.values(), ends, strict=True):
        if end:
            note(end)
        else:
            to_do.append(planned)
    return to_do


def new_run_id() -> str:
    """The time, and what tells apart runs that start in one second, as shards do."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"


def check_run_id(run_id: str) -> None:
    """Refuse a name that is no plain word, with a UsageError."""
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(
            f"{run_id!r} is no name for a run: up to 120 letters, digits, dots, dashes and"
            " underscores, beginning with a letter or digit."
        )


def _write(report: Report, store: Store, start: float) -> None:
    report.seconds = time.perf_counter() - start
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    store.write_run(report.run_id, {"ended": ended, **report.document()})


def _known(key: SceneKey, store: Store, limits: Limits) -> SceneResult | None:
    """What earlier runs made of a scene, if that stands."""
    status = store.status(key)
    if status == Status.DONE:
        return SceneResult(key, Verdict.SKIPPED, attempts=0)
    if status == Status.REFUSED:
        record = f"{store.objects}/{key.record(REFUSED)}"
        reason = f"an earlier run refused it, {record} says why, and it has not changed since."
        return SceneResult(key, Verdict.REFUSED, reason, attempts=0)
    failure = store.failure(key) if status == Status.FAILED and not limits.retry else None
    if failure is None or failure.attempts < limits.attempts:
        return None
    reason = (
        f"given up after {failure.attempts} runs, until its item changes or --retry is given;"
        f" the last time: {failure.reason}"
    )
    return SceneResult(key, Verdict.FAILED, reason, attempts=0, given_up=True)


def _refuse(refused: RefusedItem, store: Store) -> SceneResult:
    key = _key_of_item(refused.item)
    store.refuse(key, refused.reason)
    return SceneResult(key, Verdict.REFUSED, refused.reason, attempts=0)


def _key_of_item(item: Item) -> SceneKey:
    """A key for an item that is no scene, whatever is missing in it."""
    when = item_time(item)
    day = when.astimezone(UTC).date() if when else date(1970, 1, 1)
    collection = identifier(item, "collection") or "unknown"
    key = SceneKey.of_item(item, collection, identifier(item, "id") or "", day)
    return key if key.item_id else replace(key, item_id=f"item-{key.item_hash[:16]}")


def _results(
    jobs: Sequence[Job], store: Store, client: Client | None, limits: Limits
) -> Generator[SceneResult]:
    if client is None:
        yield from _plainly(jobs, store)
        return
    with closing(Flights(jobs, store, client, limits.scene_seconds).results()) as landed:
        yield from arrived(landed, store)


def _plainly(jobs: Sequence[Job], store: Store) -> Generator[SceneResult]:
    if jobs:
        compile_once()
    for job in jobs:
        try:
            yield process_scene(job, store)
        except Exception as error:
            yield settle(job.key, error, store)
