"""What runs on a worker: ordinary functions, the same with and without Dask."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar, cast

from shapely.geometry.base import BaseGeometry

from westsea.detection.judge import judge
from westsea.detection.pixels import Pixels, Scratch
from westsea.detection.sea import LEAST_BLOCK_PIXELS
from westsea.detection.summary import Carry, Summary, merge, summarise
from westsea.detector import Detector
from westsea.locating import locate, shares
from westsea.objects import Outcome
from westsea.planning import PlannedScene, window_of
from westsea.records import Receipt, SceneKey
from westsea.schema import DETECTIONS, PAIRS
from westsea.store import Store
from westsea_catalog.coast import Coast
from westsea_catalog.errors import FailedScene, RefusedScene, WestseaError
from westsea_catalog.grid import Window
from westsea_catalog.offsets import LEAST_VALID
from westsea_catalog.reader import gdal_env
from westsea_catalog.scene import Scene
from westsea_catalog.trust import brief

LOG = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])

MAX_REASON_CHARS = 300
NOTHING = "{} holds no data in the area asked for."
MOST_BELOW_ZERO = 0.05
"""Share of an optical scene's blocks. Shadows may lie there; of a scene whose item is wrong it is
the sea. To take the numbers as they are costs some contrast where the item was right."""
SCRATCH = Scratch()
"""Of this process: 131 MB where chunks are 1024 x 16,000 pixels of two bands of float32."""


class Verdict(StrEnum):
    """How a scene of a sweep ended; each planned scene ends in one of them."""

    DONE = "done"
    """Committed, with detections."""
    EMPTY = "empty"
    """Committed, without."""
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Committed by an earlier run."""


@dataclass(frozen=True)
class Job:
    """A scene and all that is needed to process it; small, for it travels with every task."""

    key: SceneKey
    scene: Scene
    """Without the raw item."""
    window: Window
    chunks: tuple[Window, ...]
    coast: Coast
    aoi: BaseGeometry | None
    detector: Detector
    carry: Carry

    @classmethod
    def of(
        cls,
        planned: PlannedScene,
        coast: Coast,
        aoi: BaseGeometry | None,
        detector: Detector,
        carry: Carry = "bright",
    ) -> "Job":
        """The job of a planned scene."""
        return cls(
            SceneKey.of(planned.scene),
            replace(planned.scene, item={}),
            planned.window,
            planned.chunks,
            coast,
            aoi,
            detector,
            carry,
        )

    def as_it_is(self) -> "Job":
        """The job with the numbers of the files, without offsets."""
        scene = replace(
            self.scene,
            bands=tuple(replace(asset, offset=0) for asset in self.scene.bands),
            extras=tuple(replace(asset, offset=0) for asset in self.scene.extras),
        )
        return replace(self, scene=scene)

    def located(self) -> "Job":
        """The job on the scene's true grid, where it was planned on a guess; reads its files."""
        if self.scene.is_located:
            return self
        scene = locate(self.key, self.scene)
        window = window_of(scene.grid, self.aoi)
        if window is None:
            raise RefusedScene(NOTHING.format(brief(scene.id)))
        return replace(self, scene=scene, window=window, chunks=shares(window, len(self.chunks)))

    def pixels(self) -> Pixels:
        """The scene's pixels, nothing read yet."""
        return Pixels(self.scene, self.coast, self.window, self.detector.land_inset_m)


@dataclass(frozen=True)
class SceneResult:
    """What became of a scene."""

    key: SceneKey
    verdict: Verdict
    reason: str = ""
    receipt: Receipt | None = None
    seconds: float = 0.0
    """From the start of the task that judged it."""
    n_fetched: int = 0
    """Blocks that were read a second time."""

    @property
    def is_conflict(self) -> bool:
        """Whether another writer had committed other content before."""
        return self.receipt is not None and self.receipt.outcome == Outcome.CONFLICT

    def rows(self, table: str) -> int:
        """Rows of a table of the scene."""
        return self.receipt.rows[table] if self.receipt else 0

    def __str__(self) -> str:
        name = brief(self.key.item_id)
        if self.receipt is not None:
            counts = f"{self.rows(DETECTIONS.name)} detections, {self.rows(PAIRS.name)} pairs"
            return f"{self.verdict}: {name}, {counts}, {self.seconds:.1f} s"
        said = [name] if not self.reason.startswith(name) else []
        return ": ".join([self.verdict, *said, *([self.reason] if self.reason else [])])


def _reported(task: F) -> F:
    """The task, with errors that reach the driver as they are.

    Where the cause of an error cannot be pickled, as with those of rasterio, distributed sends a
    bare Exception in its place.
    """

    @wraps(task)
    def run(*arguments: Any) -> Any:
        try:
            return task(*arguments)
        except WestseaError as error:
            error.__cause__ = error.__context__ = None
            raise

    return cast("F", run)


@_reported
def summarise_chunk(job: Job, chunk: Window) -> Summary | None:
    """Read one chunk and summarise it; None where a scene turns out to have fewer than planned."""
    place, job = job.chunks.index(chunk), job.located()
    if place >= len(job.chunks):
        return None
    return _summarise(job, job.pixels(), job.chunks[place])


@_reported
def judge_scene(job: Job, parts: Sequence[Summary | None], store: Store) -> SceneResult:
    """Judge a scene from the summaries of its chunks and commit its tables."""
    start, job = time.perf_counter(), job.located()
    return _judge(job, job.pixels(), [part for part in parts if part is not None], store, start)


@_reported
def process_scene(job: Job, store: Store) -> SceneResult:
    """All of a scene in one go."""
    start = time.perf_counter()
    with gdal_env():
        job = job.located()
        pixels = job.pixels()
        parts = [_summarise(job, pixels, chunk) for chunk in job.chunks]
        return _judge(job, pixels, parts, store, start)


@_reported
def process_scenes(jobs: Sequence[Job], store: Store) -> list[SceneResult]:
    """Scenes one after the other, each with an end of its own; see `settle` for what is raised."""
    results = []
    for job in jobs:
        try:
            results.append(process_scene(job, store))
        except Exception as error:
            results.append(settle(job.key, error, store))
    return results


def _summarise(job: Job, pixels: Pixels, chunk: Window) -> Summary:
    return summarise(
        pixels.bands(chunk, SCRATCH),
        pixels.land(chunk),
        chunk,
        sensor=job.scene.sensor,
        nodata=job.scene.nodata,
        carry=job.carry,
    )


def _judge(
    job: Job, pixels: Pixels, parts: Sequence[Summary], store: Store, start: float
) -> SceneResult:
    summary = merge(job.window, parts)
    if _is_below_zero(job.scene, summary):
        LOG.warning(
            "%s: its water would lie below the zero that its item states, so its numbers are"
            " taken as they are",
            brief(job.scene.id),
        )
        job = job.as_it_is()
        pixels = job.pixels()
        summary = merge(job.window, [_summarise(job, pixels, chunk) for chunk in job.chunks])
    if not summary.valid.any() and not summary.land.any():
        raise RefusedScene(NOTHING.format(brief(job.scene.id)))
    judged = judge(job.scene, summary, pixels, job.coast, job.aoi, job.detector)
    receipt = store.commit(job.key, judged.tables)
    verdict = Verdict.DONE if receipt.rows[DETECTIONS.name] else Verdict.EMPTY
    seconds = time.perf_counter() - start
    return SceneResult(job.key, verdict, "", receipt, seconds, judged.n_fetched)


def _is_below_zero(scene: Scene, summary: Summary) -> bool:
    """Whether the offset that an item states cannot be right, or leaves no level to measure from.

    It is the blocks of dark water that fall to zero: their median then is the least valid number.
    """
    if not scene.bands[0].offset:
        return False
    _, median, _ = summary.quartiles
    seen = summary.block_valid >= LEAST_BLOCK_PIXELS
    lowest = median[seen] < LEAST_VALID + 1  # which are read off a histogram
    return bool(lowest.sum() > MOST_BELOW_ZERO * seen.sum())


def settle(key: SceneKey, error: BaseException, store: Store) -> SceneResult:
    """Note in the store that a scene could not be processed.

    Errors of the store or of the settings concern every scene, and are raised again.
    """
    if isinstance(error, RefusedScene):
        store.refuse(key, str(error))
        return SceneResult(key, Verdict.REFUSED, str(error))
    if isinstance(error, WestseaError) and not isinstance(error, FailedScene):
        raise error
    reason = str(error)
    if not isinstance(error, FailedScene):
        LOG.debug("%s", brief(key.item_id), exc_info=error)
        reason = f"{type(error).__name__}: {brief(str(error), MAX_REASON_CHARS)}"
    store.fail(key, reason)
    return SceneResult(key, Verdict.FAILED, reason)
