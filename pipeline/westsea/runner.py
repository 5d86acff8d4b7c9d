"""Sweep: every planned scene through the workers, into one output folder.

    plan -> skip what is there -> a bounded window of scenes in flight -> receipts -> run record

Small scenes are one task each. A large one has a task for each chunk, which reads and summarises,
and one that judges and commits. Workers write; the driver only gets receipts.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Any

from distributed import Client, Future, as_completed
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from westsea.detector import ALGORITHM_VERSION, Detector
from westsea.planning import Plan, PlannedScene, RefusedItem
from westsea.records import Parameters, SceneKey, Status
from westsea.schema import DETECTIONS, PAIRS
from westsea.store import Store
from westsea.summary import Carry
from westsea.tasks import (
    Job,
    SceneResult,
    Verdict,
    judge_scene,
    process_scene,
    settle,
    summarise_chunk,
)
from westsea_catalog.coast import Coast
from westsea_catalog.region import current_time
from westsea_catalog.stac_item import Item, item_time

SCENES_PER_WORKER = 2
"""Scenes in flight: enough that no worker waits for the driver, few enough to bound memory."""

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

    @property
    def is_complete(self) -> bool:
        """Whether every planned scene ended in one verdict."""
        return self.planned == len(self.results)

    def document(self) -> dict[str, Any]:
        """The run as it is written into OUT/runs."""
        verdicts = Counter(str(result.verdict) for result in self.results)
        return {
            "planned": self.planned,
            **{str(verdict): verdicts[str(verdict)] for verdict in Verdict},
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
    progress: Progress = lambda *_: None,
    carry: Carry = "bright",
    run_id: str | None = None,
) -> Report:
    """Process every scene of a plan that the store does not hold yet.

    Parameters
    ----------
    client
        Runs the tasks; None for the plain path, scene by scene in this process.
    carry
        Which pixels travel from the chunks to the judge: a matter of speed, never of results.
    run_id
        Name of the record in OUT/runs; None for the time of the start.

    Raises
    ------
    ConfigError, UpstreamError
        The store cannot be written to; the scenes committed by then stay.
    """
    start = time.perf_counter()
    report = Report(run_id or f"{current_time():%Y%m%dT%H%M%SZ}", _n_planned(plan))

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
        results = _plainly(jobs, store) if client is None else _on_cluster(jobs, store, client)
        for result in results:
            note(result)
    finally:
        report.seconds = time.perf_counter() - start
        store.write_run(report.run_id, report.document())
    return report


def _n_planned(plan: Plan) -> int:
    return len(plan.scenes) + len(plan.refused)


def _known(planned: PlannedScene, store: Store) -> SceneResult | None:
    """What an earlier run made of a scene, if that stands."""
    key = SceneKey.of(planned.scene)
    status = store.status(key)
    if status == Status.DONE:
        return SceneResult(key, Verdict.SKIPPED)
    if status == Status.REFUSED:
        return SceneResult(key, Verdict.REFUSED, "refused by an earlier run, and not changed since")
    return None


def _refuse(refused: RefusedItem, store: Store) -> SceneResult:
    key = _key_of_item(refused.item)
    store.refuse(key, refused.reason)
    return SceneResult(key, Verdict.REFUSED, refused.reason)


def _key_of_item(item: Item) -> SceneKey:
    """A key for an item that is no scene, whatever is missing in it."""
    when = item_time(item)
    day = when.astimezone(UTC).date() if when else date(1970, 1, 1)
    return SceneKey.of_item(item, str(item.get("collection")), str(item.get("id")), day)


def _plainly(jobs: Iterable[Job], store: Store) -> Iterator[SceneResult]:
    for job in jobs:
        yield process_scene(job, store)


def _on_cluster(jobs: list[Job], store: Store, client: Client) -> Iterator[SceneResult]:
    waiting = deque(jobs)
    flying: dict[Future[SceneResult], Job] = {}
    ended = as_completed(loop=client.loop)

    def launch() -> None:
        job = waiting.popleft()
        future = _submit(job, store, client)
        flying[future] = job
        ended.add(future)

    for _ in range(min(len(waiting), SCENES_PER_WORKER * _n_workers(client))):
        launch()
    try:
        for future in ended:
            job = flying.pop(future)
            error = future.exception()
            yield future.result() if error is None else settle(job.key, error, store)
            future.release()
            if waiting:
                launch()
    finally:
        client.cancel(list(flying), force=True)


def _n_workers(client: Client) -> int:
    return max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)


def _submit(job: Job, store: Store, client: Client) -> Future[SceneResult]:
    if len(job.chunks) == 1:
        return client.submit(process_scene, job, store, pure=False)
    parts = [client.submit(summarise_chunk, job, chunk, pure=False) for chunk in job.chunks]
    return client.submit(judge_scene, job, parts, store, pure=False)
