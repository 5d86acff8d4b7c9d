"""Sweep: every planned scene through the workers, into one output folder.

    plan -> skip what is there -> a bounded window of scenes in flight -> receipts
         -> lineage of the days that were touched -> run record

Small scenes are one task each; where there are many, some share one. A large one has a task for
each chunk, which reads and summarises, and one that judges and commits. Workers write; the driver
only gets receipts.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from distributed import Client, Future, KilledWorker, as_completed
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from westsea.detection.summary import Carry
from westsea.detector import ALGORITHM_VERSION, Detector
from westsea.lineage.overlay import refresh
from westsea.planning import Plan, PlannedScene, RefusedItem
from westsea.records import REFUSED, Parameters, SceneKey, Status
from westsea.schema import DETECTIONS, PAIRS
from westsea.store import Store
from westsea.tasks import (
    Job,
    SceneResult,
    Verdict,
    judge_scene,
    process_scene,
    process_scenes,
    settle,
    summarise_chunk,
)
from westsea_catalog.coast import Coast
from westsea_catalog.errors import FailedScene, UpstreamError, UsageError, WestseaError
from westsea_catalog.items import identifier
from westsea_catalog.stac_item import Item, item_time

SCENES_PER_THREAD = 2
"""Scenes, or batches of small ones, in flight: enough that no thread waits for the driver, few
enough to bound memory."""
BATCH_PX, MOST_BATCHED = 8 * 1024 * 1024, 16
"""Small scenes that share a task: 0.3 s of work and more. A task costs driver, scheduler and worker
8 ms together, a third of what decoding a scene of 1024 x 1024 pixels of two bands takes."""
BATCHES_PER_THREAD = 2
"""That the waiting scenes make at least: towards the end batches become small."""
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
LOST = "The scheduler is gone, or has cancelled what it was given: run the same again."

Results = SceneResult | list[SceneResult]
"""Of a task."""

Progress = Callable[[SceneResult, int, int], None]
"""Called with each result, the number of scenes that ended, and the number planned."""


@dataclass
class Report:
    """What a run did."""

    run_id: str
    planned: int
    results: list[SceneResult] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, verdict: Verdict) -> int:
        """Number of scenes that ended so."""
        return sum(result.verdict == verdict for result in self.results)

    def document(self) -> dict[str, Any]:
        """The run as it is written into OUT/runs.

        planned = done + empty + refused + failed + skipped + unfinished, and the last is 0 but
        in a run that was stopped.
        """
        return {
            "planned": self.planned,
            **{str(verdict): self.count(verdict) for verdict in Verdict},
            "unfinished": self.planned - len(self.results),
            "conflicts": sum(result.is_conflict for result in self.results),
            "detections": sum(result.rows(DETECTIONS.name) for result in self.results),
            "pairs": sum(result.rows(PAIRS.name) for result in self.results),
            "blocks_read_twice": sum(result.n_fetched for result in self.results),
            "seconds": round(self.seconds, 3),
            "scenes": [_result_document(result) for result in self.results],
        }


def _result_document(result: SceneResult) -> dict[str, Any]:
    document: dict[str, Any] = {
        "collection": result.key.collection,
        "item_id": result.key.item_id,
        "verdict": str(result.verdict),
    }
    if result.reason:
        document["reason"] = result.reason
    if result.receipt:
        document |= {"rows": dict(result.receipt.rows), "sha256": result.receipt.sha256}
    return document


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
    run_id: str | None = None,
    progress: Progress = lambda *_: None,
    carry: Carry = "bright",
) -> Report:
    """Process every scene of a plan that the store does not hold yet.

    Parameters
    ----------
    client
        Runs the tasks; None for the plain path, scene by scene in this process.
    run_id
        Name of the run's record, which replaces one of that name; None for a new one.
    carry
        Which pixels travel from the chunks to the judge: a matter of speed, never of results.

    Raises
    ------
    ConfigError, UpstreamError
        The store cannot be written to, or the scheduler is gone; the scenes committed by then
        stay.
    """
    start = time.perf_counter()
    report = Report(run_id or new_run_id(), len(plan.scenes) + len(plan.refused))

    def note(result: SceneResult) -> None:
        report.results.append(result)
        progress(result, len(report.results), report.planned)

    try:
        for refused in plan.refused:
            note(_refuse(refused, store))
        jobs = []
        for planned in plan.scenes:
            known = _known(planned, store)
            if known:
                note(known)
            else:
                jobs.append(Job.of(planned, coast, plan.aoi, detector, carry))
        ends = _plainly(jobs, store) if client is None else on_cluster(jobs, store, client)
        with closing(ends):
            for result in ends:
                note(result)
        refresh(store, {result.key.date.isoformat() for result in report.results})
    except BaseException:
        with suppress(WestseaError):  # what ended the run may keep its record from being written
            _write(report, store, start)
        raise
    _write(report, store, start)
    return report


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


def _known(planned: PlannedScene, store: Store) -> SceneResult | None:
    """What an earlier run made of a scene, if that stands."""
    key = SceneKey.of(planned.scene)
    status = store.status(key)
    if status == Status.DONE:
        return SceneResult(key, Verdict.SKIPPED)
    if status == Status.REFUSED:
        record = f"{store.objects}/{key.record(REFUSED)}"
        reason = f"an earlier run refused it, {record} says why, and it has not changed since."
        return SceneResult(key, Verdict.REFUSED, reason)
    return None


def _refuse(refused: RefusedItem, store: Store) -> SceneResult:
    key = _key_of_item(refused.item)
    store.refuse(key, refused.reason)
    return SceneResult(key, Verdict.REFUSED, refused.reason)


def _key_of_item(item: Item) -> SceneKey:
    """A key for an item that is no scene, whatever is missing in it."""
    when = item_time(item)
    day = when.astimezone(UTC).date() if when else date(1970, 1, 1)
    collection = identifier(item, "collection") or "unknown"
    key = SceneKey.of_item(item, collection, identifier(item, "id") or "", day)
    return key if key.item_id else replace(key, item_id=f"item-{key.item_hash[:16]}")


def _plainly(jobs: Iterable[Job], store: Store) -> Generator[SceneResult]:
    for job in jobs:
        try:
            yield process_scene(job, store)
        except Exception as error:
            yield settle(job.key, error, store)


def on_cluster(jobs: Iterable[Job], store: Store, client: Client) -> Generator[SceneResult]:
    """Results in the order in which the tasks end, a bounded number of them in flight.

    Raises
    ------
    UpstreamError
        The scheduler is gone.
    """
    waiting = deque(jobs)
    alone: set[SceneKey] = set()
    flying: dict[Future[Results], list[Job]] = {}
    ended = as_completed(loop=client.loop)
    try:
        while True:
            n_threads = _n_threads(client)
            while waiting and len(flying) < SCENES_PER_THREAD * n_threads:
                batch = _next_batch(waiting, BATCHES_PER_THREAD * n_threads, alone)
                future = _submit(batch, store, client)
                flying[future] = batch
                ended.add(future)
            if not flying:
                return
            future = next(ended)
            batch = flying.pop(future)
            if len(batch) > 1 and _is_killed(future):
                # Mostly one of them is at fault.
                alone.update(job.key for job in batch)
                waiting.extendleft(reversed(batch))
            else:
                yield from _outcomes(future, batch, store)
    except Exception as error:
        if isinstance(error, WestseaError) or client.status == "running":
            raise
        raise UpstreamError(LOST) from error
    finally:
        if flying and client.status == "running":
            client.cancel(list(flying), force=True)


def _n_threads(client: Client) -> int:
    """Threads to keep busy; workers come and go."""
    return max(int(sum(client.nthreads().values())), 1)


def _next_batch(waiting: deque[Job], n_batches: int, alone: set[SceneKey]) -> list[Job]:
    """Take a large scene, or small ones for one task, so that batches for others are left."""
    batch = [waiting.popleft()]
    most = min(len(waiting) // n_batches, MOST_BATCHED)
    pixels = batch[0].window.size
    while waiting and len(batch) < most:
        pixels += waiting[0].window.size
        together = (batch[0], waiting[0])
        if pixels > BATCH_PX or any(len(job.chunks) > 1 or job.key in alone for job in together):
            break
        batch.append(waiting.popleft())
    return batch


def _submit(batch: Sequence[Job], store: Store, client: Client) -> Future[Results]:
    job = batch[0]
    if len(batch) > 1:
        return client.submit(process_scenes, batch, store, pure=False)
    if len(job.chunks) == 1:
        return client.submit(process_scene, job, store, pure=False)
    parts = [client.submit(summarise_chunk, job, chunk, pure=False) for chunk in job.chunks]
    return client.submit(judge_scene, job, parts, store, pure=False)


def _is_killed(future: Future[Results]) -> bool:
    return future.status == "error" and isinstance(future.exception(), KilledWorker)


def _outcomes(future: Future[Results], batch: Sequence[Job], store: Store) -> list[SceneResult]:
    if future.cancelled():
        raise UpstreamError(LOST)
    error = future.exception()
    if isinstance(error, KilledWorker):
        error = FailedScene("the workers that had it died, as they do where memory runs out.")
    if error is not None:
        return [settle(job.key, error, store) for job in batch]
    result = future.result()
    return result if isinstance(result, list) else [result]
