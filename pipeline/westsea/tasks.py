"""What runs on a worker: ordinary functions, the same with and without Dask."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, TypeVar, cast

from distributed import get_worker
from shapely.geometry.base import BaseGeometry

from westsea.compiled import compile_once
from westsea.detection.judge import judge
from westsea.detection.pixels import Pixels, Scratch
from westsea.detection.sea import LEAST_BLOCK_PIXELS
from westsea.detection.summary import Carry, Summary, merge, summarise
from westsea.detector import Detector
from westsea.locating import locate, shares
from westsea.objects import Outcome
from westsea.planning import PlannedScene, window_of
from westsea.records import Receipt, SceneKey, Verdict
from westsea.schema import DETECTIONS, PAIRS, SCENES
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


STARTS = "westsea-starts"
"""Topic of distributed under which workers tell what they begin."""


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
class Cost:
    """What it took to get at a scene's tables."""

    n_bytes: int = 0
    """Decoded, every read counted."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Of the tasks, by stage: summarise (with the reading), judge (with what is read again) and
    commit. Of the first two, where there was such: wait, before a server was asked again."""

    def __add__(self, other: "Cost") -> "Cost":
        stages = (*self.seconds, *other.seconds)
        both = {
            stage: self.seconds.get(stage, 0.0) + other.seconds.get(stage, 0.0) for stage in stages
        }
        return Cost(self.n_bytes + other.n_bytes, both)


class Meter:
    """What is read through a scene's pixels from now on."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels, self._n_bytes, self._waited = pixels, pixels.n_bytes, pixels.waited

    def cost(self, **seconds: float) -> Cost:
        """The cost of the stages since."""
        waited = self._pixels.waited - self._waited
        waits = {"wait": waited} if waited else {}
        return Cost(self._pixels.n_bytes - self._n_bytes, seconds | waits)


@dataclass(frozen=True)
class Area:
    """What became of the ground that a scene's window covers, in km2."""

    valid: float
    masked: float
    nodata: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.valid + self.masked + self.nodata


@dataclass(frozen=True)
class Part:
    """What the task of one chunk hands to the one that judges."""

    summary: Summary
    cost: Cost


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
    area: Area | None = None
    """None where the scene was not searched in this run."""
    cost: Cost = Cost()
    attempts: int = 1
    """Of this run: more than one where workers died or were lost."""
    given_up: bool = False
    """Whether it failed so often before that it was not tried."""

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
def summarise_chunk(job: Job, chunk: Window) -> Part | None:
    """Read one chunk and summarise it; None where a scene turns out to have fewer than planned."""
    begin(job.key)
    place, job = job.chunks.index(chunk), job.located()
    if place >= len(job.chunks):
        return None
    return _summarise(job, job.pixels(), job.chunks[place])


@_reported
def judge_scene(job: Job, parts: Sequence[Part | None], store: Store) -> SceneResult:
    """Judge a scene from the summaries of its chunks and commit its tables."""
    begin(job.key)
    start, job = time.perf_counter(), job.located()
    return _judge(job, job.pixels(), [part for part in parts if part is not None], store, start)


@_reported
def process_scene(job: Job, store: Store) -> SceneResult:
    """All of a scene in one go."""
    begin(job.key)
    start = time.perf_counter()
    with gdal_env():
        job = job.located()
        pixels = job.pixels()
        parts = [_summarise(job, pixels, chunk) for chunk in job.chunks]
        return _judge(job, pixels, parts, store, start)


@_reported
def process_scenes(jobs: Sequence[Job], store: Store) -> list[SceneResult | Exception]:
    """Scenes one after the other: what each came to, or why it did not; see `settle`.

    Errors travel as values. Whoever settles them notes each once, however often this is run.
    """
    results: list[SceneResult | Exception] = []
    for job in jobs:
        try:
            results.append(process_scene(job, store))
        except (RefusedScene, FailedScene) as error:
            results.append(error)
        except WestseaError:  # of the store or the settings
            raise
        except Exception as error:
            results.append(told(job.key, error))
    return results


def told(key: SceneKey, error: BaseException) -> FailedScene:
    """What nobody foresaw, in words that can travel."""
    LOG.debug("%s", brief(key.item_id), exc_info=error)
    return FailedScene(f"{type(error).__name__}: {brief(str(error), MAX_REASON_CHARS)}")


def begin(key: SceneKey) -> None:
    """Tell the driver, where there is one, that this worker begins with a scene.

    Before that, outside of what a scene may take, kernels are compiled that no image and no
    earlier sweep has: of the workers that share a cache one does so, and the others wait for it.
    """
    try:
        worker = get_worker()
    except ValueError:
        return
    compile_once()
    start = {"task": worker.get_current_task(), "scene": key.journal, "worker": worker.address}
    worker.log_event(STARTS, start)


def _summarise(job: Job, pixels: Pixels, chunk: Window) -> Part:
    start, meter = time.perf_counter(), Meter(pixels)
    summary = summarise(
        pixels.image(chunk, SCRATCH),
        pixels.land(chunk),
        chunk,
        sensor=job.scene.sensor,
        nodata=job.scene.nodata,
        carry=job.carry,
    )
    return Part(summary, meter.cost(summarise=time.perf_counter() - start))


def _judge(
    job: Job, pixels: Pixels, parts: Sequence[Part], store: Store, start: float
) -> SceneResult:
    summary, cost = _merged(job, parts)
    if _is_below_zero(job.scene, summary):
        LOG.warning(
            "%s: its water would lie below the zero that its item states, so its numbers are"
            " taken as they are",
            brief(job.scene.id),
        )
        job = job.as_it_is()
        pixels = job.pixels()
        summary, again = _merged(job, [_summarise(job, pixels, chunk) for chunk in job.chunks])
        cost += again
    if not summary.valid.any() and not summary.land.any():
        raise RefusedScene(NOTHING.format(brief(job.scene.id)))
    judging, meter = time.perf_counter(), Meter(pixels)
    judged = judge(job.scene, summary, pixels, job.coast, job.aoi, job.detector)
    committing = time.perf_counter()
    receipt = store.commit(job.key, judged.tables)
    end = time.perf_counter()
    [row] = judged.tables[SCENES.name].select(["km2_valid", "km2_masked", "km2_nodata"]).to_pylist()
    return SceneResult(
        job.key,
        Verdict.DONE if receipt.rows[DETECTIONS.name] else Verdict.EMPTY,
        "",
        receipt,
        end - start,
        judged.n_fetched,
        Area(*row.values()),
        cost + meter.cost(judge=committing - judging, commit=end - committing),
    )


def _merged(job: Job, parts: Sequence[Part]) -> tuple[Summary, Cost]:
    costs = (part.cost for part in parts)
    return merge(job.window, [part.summary for part in parts]), sum(costs, start=Cost())


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
    reason = str(error if isinstance(error, FailedScene) else told(key, error))
    store.fail(key, reason)
    return SceneResult(key, Verdict.FAILED, reason)
