"""Scenes on the cluster: a bounded number in flight, each with a deadline, each to blame alone.

Workers tell what they begin, and the scheduler tells which of them it lost. So the driver knows
what a worker that died was at. That scene comes under suspicion; all others fly on. Suspects fly
when everything else has landed, one at a time: whoever then loses a worker is to blame.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty
from threading import Thread
from typing import Any

from distributed import Client, Future, KilledWorker
from distributed.comm.core import CommClosedError

from westsea.batches import next_batch, submit
from westsea.records import SceneKey
from westsea.store import Store
from westsea.tasks import Job, SceneResult, settle
from westsea.watch import News, listening
from westsea.workers import keep_workers, replace_workers
from westsea_catalog.errors import FailedScene, UpstreamError, WestseaError
from westsea_catalog.trust import brief

LOG = logging.getLogger(__name__)

SCENES_PER_THREAD = 2
"""Scenes, or batches of small ones, in flight: enough that no thread waits for the driver, few
enough to bound memory."""
BATCHES_PER_THREAD = 2
"""That the waiting scenes make at least: towards the end batches become small."""
UNFIT = (
    "Workers die before they begin with any scene: their own log says why. They may have another"
    " westsea than this one, or too little memory to load it."
)
UNFETCHED = "What workers have found cannot be fetched from them ({}): run the same again."
LOST = "The scheduler is gone, or has cancelled what it was given: run the same again."
MOST_DEATHS = 2
"""Workers that a scene may lose while nothing else is in flight, before it fails."""
DEADLINE_SECONDS, BYTES_PER_SECOND = 600.0, 1e6
"""What a scene may take: ten minutes, and a second for each decoded megabyte, which a line of
4 Mbit/s delivers. A scene of 12,000 x 16,000 pixels in two bands has 36 minutes."""
WATCH_SECONDS = 1.0
"""Between looks at the clock and the scheduler."""
GATHER_SECONDS = 10.0
"""To wait for a result that is there. Where it is not, its worker is lost, and it is made anew."""
GATHERERS = 8
"""Threads that fetch results."""
MOST_FETCHES, REFETCH_SECONDS = 60, 1.0
"""Tries for a result that is there, and what lies between them: ten minutes where nothing answers,
by when the scheduler has long given up a worker that is gone."""
LONELY_SECONDS, REMIND_SECONDS = 60.0, 600.0
"""Without a worker, before that is said, and before it is said again."""


@dataclass(eq=False)
class Flight:
    """One task of the cluster, or all tasks of a large scene."""

    jobs: list[Job]
    future: Future[Any]
    tasks: frozenset[str]
    """Keys of the tasks."""
    at: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By task that has begun: the worker it is on, and the scene it is at."""
    since: dict[str, float] = field(default_factory=dict)
    """When each scene that is worked on began, on the driver's clock."""

    def begin(self, task: str, worker: str, scene: str) -> None:
        """Note that a worker begins with a scene."""
        self.at[task] = worker, scene
        if len(self.tasks) == 1:  # whose scenes come one after the other, and may come again
            self.since = {}
        self.since.setdefault(scene, time.monotonic())

    def leave(self, tasks: frozenset[str], worker: str) -> None:
        """Note that a worker is gone, to whose tasks nothing has happened."""
        for task in tasks:
            if self.at.get(task, ("",))[0] == worker:
                del self.at[task]

    def begun(self, tasks: frozenset[str], worker: str) -> set[str]:
        """The scenes that a worker is at in some of the tasks."""
        return {
            scene for task, (place, scene) in self.at.items() if task in tasks and place == worker
        }

    def job_of(self, scene: str) -> Job:
        """The job of a scene in it."""
        return next(job for job in self.jobs if job.key.journal == scene)


@dataclass(frozen=True)
class Landing:
    """What a task came to: its results, or an error."""

    future: Future[Any]
    end: Any


class Flights:
    """What is in flight, and what waits.

    Parameters
    ----------
    scene_seconds
        What a scene may take from its begin on a worker; None for what its size allows.
    """

    def __init__(
        self, jobs: Iterable[Job], store: Store, client: Client, scene_seconds: float | None
    ) -> None:
        self._store, self._client, self._scene_seconds = store, client, scene_seconds
        self._waiting = deque(jobs)
        self._suspects: deque[Job] = deque()
        self._flying: dict[Future[Any], Flight] = {}
        self._lone: Flight | None = None
        """A suspect's."""
        self._deaths: Counter[SceneKey] = Counter()
        self._attempts: Counter[SceneKey] = Counter()
        self._replaced: set[str] = set()
        """Workers that were restarted here: nobody is to blame for their end."""
        self._has_begun = False
        """Whether any scene has, on any worker."""
        self._n_threads = 0
        """That the workers had when the scheduler last said."""
        self._look_at = time.monotonic()
        self._remind_at = self._look_at + LONELY_SECONDS
        self._fetches: Counter[Future[Any]] = Counter()
        self._news = News()
        self._gatherers = ThreadPoolExecutor(GATHERERS, "westsea-gather")

    def results(self) -> Generator[SceneResult]:
        """Results in the order in which the scenes end.

        Raises
        ------
        UpstreamError
            The scheduler is gone.
        """
        try:
            with listening(self._client, self._news):
                while self._launch():
                    for news in self._next_news():
                        yield from self._handle(news)
                    yield from self._overdue()
        except Exception as error:
            is_lost = isinstance(error, CommClosedError) or self._client.status != "running"
            if isinstance(error, WestseaError) or not is_lost:
                raise
            raise UpstreamError(LOST) from error
        finally:
            self._gatherers.shutdown(wait=False, cancel_futures=True)
            if self._flying and self._client.status == "running":
                with suppress(CommClosedError):
                    self._client.cancel(list(self._flying), force=True)

    def _next_news(self) -> Iterator[Any]:
        """What has happened: all there is, or what comes next, or nothing for a while."""
        try:
            yield self._news.get(timeout=WATCH_SECONDS)
            while True:
                yield self._news.get_nowait()
        except Empty:
            if self._client.status in ("closing", "closed"):
                raise UpstreamError(LOST) from None
            keep_workers(self._client)

    def _handle(self, news: Any) -> Iterable[SceneResult]:
        if isinstance(news, Future):
            self._gatherers.submit(self._gather, news)
        if isinstance(news, Landing):
            return self._landed(news) if news.future in self._flying else []
        if not isinstance(news, dict):
            return []
        if {"task", "worker", "scene"} <= news.keys():
            self._has_begun = True
            for flight in self._flying.values():
                if news["task"] in flight.tasks:
                    flight.begin(news["task"], news["worker"], news["scene"])
        elif news.get("action") == "remove-worker":
            return self._worker_lost(news)
        return []

    # Launching

    def _launch(self) -> bool:
        """Fill what is free; whether anything flies."""
        self._look()
        if self._waiting and self._lone is None:
            n_threads = max(self._n_threads, 1)
            while self._waiting and len(self._flying) < SCENES_PER_THREAD * n_threads:
                batch = next_batch(self._waiting, BATCHES_PER_THREAD * n_threads)
                self._fly(batch)
        if not self._flying and self._suspects:
            self._lone = self._fly([self._suspects.popleft()])
        return bool(self._flying)

    def _look(self) -> None:
        """Ask now and then for the workers, who come and go, and say if there are none for long."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + WATCH_SECONDS
        with suppress(CommClosedError):  # of one answer; the scheduler has other connections
            self._n_threads = int(sum(self._client.nthreads().values()))
        if self._n_threads:
            self._remind_at = now + LONELY_SECONDS
        elif now > self._remind_at:
            LOG.warning("no worker is there: the sweep waits for one")
            self._remind_at = now + REMIND_SECONDS

    def _fly(self, batch: list[Job]) -> Flight:
        futures = submit(batch, self._store, self._client)
        flight = Flight(batch, futures[-1], frozenset(str(future.key) for future in futures))
        self._attempts.update(job.key for job in batch)
        self._flying[flight.future] = flight
        flight.future.add_done_callback(self._news.put)
        return flight

    # Landing

    def _gather(self, future: Future[Any]) -> None:
        """Fetch what a task came to, in a thread of its own.

        The worker that has it may die before it is fetched, which takes time to find out: meanwhile
        the driver has to hear of that death, and to call back what caused it.
        """
        try:
            end = future.result(GATHER_SECONDS)
        except BaseException as error:
            if future.status not in ("error", "cancelled"):
                self._gather_later(future, error)
                return
            end = error  # which is what the task itself came to
        self._news.put(Landing(future, end))

    def _gather_later(self, future: Future[Any], error: BaseException) -> None:
        self._fetches[future] += 1
        if self._fetches[future] == MOST_FETCHES:
            reason = UpstreamError(UNFETCHED.format(type(error).__name__))
            self._news.put(Landing(future, reason))
            return
        time.sleep(REFETCH_SECONDS)
        future.add_done_callback(self._news.put)  # at once, unless it is made anew

    def _landed(self, landing: Landing) -> Iterable[SceneResult]:
        flight, end = self._flying[landing.future], landing.end
        if landing.future.cancelled():
            raise UpstreamError(LOST)
        if isinstance(end, KilledWorker):
            return self._killed(flight)
        self._remove(flight)
        if isinstance(end, BaseException):
            return self._ended(flight.jobs, [end] * len(flight.jobs))
        return self._ended(flight.jobs, end if isinstance(end, list) else [end])

    def _ended(self, jobs: Sequence[Job], ends: Sequence[Any]) -> Iterator[SceneResult]:
        for job, end in zip(jobs, ends, strict=True):
            result = end if isinstance(end, SceneResult) else settle(job.key, end, self._store)
            yield replace(result, attempts=self._attempts[job.key])

    def _remove(self, flight: Flight) -> None:
        del self._flying[flight.future]
        if flight is self._lone:
            self._lone = None

    def _call_back(self, flight: Flight) -> None:
        """Stop what has not begun of a flight; what has, nobody waits for."""
        self._remove(flight)
        self._client.cancel([flight.future], force=True)

    # Workers that are lost

    def _worker_lost(self, news: dict[str, Any]) -> Iterator[SceneResult]:
        worker, lost = news["worker"], frozenset(news["processing-tasks"])
        if news.get("expected") or worker in self._replaced:
            self._replaced.discard(worker)
            for flight in self._flying.values():  # the scheduler gives its tasks to others
                flight.leave(lost, worker)
            return
        there = [flight for flight in self._flying.values() if lost & flight.tasks]
        begun = {flight: flight.begun(lost, worker) for flight in there}
        if not any(begun.values()):  # it died before it could tell
            begun = {flight: {job.key.journal for job in flight.jobs} for flight in there}
        for flight, scenes in begun.items():
            if scenes or flight is self._lone:
                yield from self._suspect(flight, scenes)

    def _killed(self, flight: Flight) -> Iterable[SceneResult]:
        """A scheduler that allows few deaths gives up by itself, and blames whatever was there."""
        begun = {scene for _, scene in flight.at.values()}
        return self._suspect(flight, begun or {job.key.journal for job in flight.jobs})

    def _suspect(self, flight: Flight, scenes: set[str]) -> Iterator[SceneResult]:
        """Of a flight that lost a worker, fly the rest again, and these scenes later and alone."""
        was_alone = flight is self._lone
        self._call_back(flight)
        if not was_alone:
            self._suspects.extend(job for job in flight.jobs if job.key.journal in scenes)
            self._wait_again(job for job in flight.jobs if job.key.journal not in scenes)
            return
        [job] = flight.jobs
        self._deaths[job.key] += 1
        if self._deaths[job.key] < MOST_DEATHS:
            self._suspects.appendleft(job)
            return
        if not self._has_begun:
            raise UpstreamError(UNFIT)
        error = FailedScene(
            f"{brief(job.key.item_id)} was alone with {MOST_DEATHS} workers when they died, as they"
            " do where memory runs out."
        )
        yield from self._ended([job], [error])

    def _wait_again(self, jobs: Iterable[Job]) -> None:
        self._waiting.extendleft(reversed(list(jobs)))

    # Scenes that take too long

    def _overdue(self) -> Iterator[SceneResult]:
        now = time.monotonic()
        for flight in list(self._flying.values()):
            for scene, since in flight.since.items():
                job = flight.job_of(scene)
                if now - since > self.patience(job):
                    yield from self._fail_overdue(flight, job)
                    break

    def patience(self, job: Job) -> float:
        """Seconds that a scene may take."""
        return self._scene_seconds or deadline(job)

    def _fail_overdue(self, flight: Flight, job: Job) -> Iterator[SceneResult]:
        seconds = self.patience(job)
        try:
            busy = self._client.processing()
        except CommClosedError:  # of one answer
            return
        stuck = {worker for task, (worker, _) in flight.at.items() if task in busy.get(worker, ())}
        if not stuck:  # its worker has left, or its result is on its way
            del flight.since[job.key.journal]
            return
        self._call_back(flight)
        self._wait_again(other for other in flight.jobs if other is not job)
        self._replaced |= stuck
        Thread(target=replace_workers, args=(self._client, sorted(stuck)), daemon=True).start()
        error = FailedScene(
            f"{brief(job.key.item_id)} took longer than its deadline of {seconds:.0f} s;"
            " --scene-deadline gives it more."
        )
        [result] = self._ended([job], [error])
        yield replace(result, seconds=seconds)


def deadline(job: Job) -> float:
    """Seconds that a scene may take, by its size."""
    n_bytes = 4 * job.window.size * (len(job.scene.bands) + len(job.scene.extras))
    return DEADLINE_SECONDS + n_bytes / BYTES_PER_SECOND
