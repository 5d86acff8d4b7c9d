"""The tasks of scenes: several of a large scene, and one for several small ones."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from distributed import Client, Future

from westsea.store import Store
from westsea.tasks import Job, judge_scene, process_scene, process_scenes, summarise_chunk

BATCH_PX, MOST_BATCHED = 8 * 1024 * 1024, 16
"""Small scenes that share a task: 0.3 s of work and more. A task costs driver, scheduler and worker
8 ms together, a third of what decoding a scene of 1024 x 1024 pixels of two bands takes."""


def next_batch(waiting: deque[Job], n_batches: int) -> list[Job]:
    """Take a large scene, or small ones for one task, so that batches for others are left."""
    batch = [waiting.popleft()]
    most = min(len(waiting) // n_batches, MOST_BATCHED)
    pixels = batch[0].window.size
    while waiting and len(batch) < most:
        pixels += waiting[0].window.size
        if pixels > BATCH_PX or any(len(job.chunks) > 1 for job in (batch[0], waiting[0])):
            break
        batch.append(waiting.popleft())
    return batch


def submit(batch: Sequence[Job], store: Store, client: Client) -> list[Future[Any]]:
    """The tasks of a batch; the last one has its results."""
    job = batch[0]
    if len(batch) > 1:
        return [client.submit(process_scenes, list(batch), store, pure=False)]
    if len(job.chunks) == 1:
        return [client.submit(process_scene, job, store, pure=False)]
    parts = [client.submit(summarise_chunk, job, chunk, pure=False) for chunk in job.chunks]
    return [*parts, client.submit(judge_scene, job, parts, store, pure=False)]
