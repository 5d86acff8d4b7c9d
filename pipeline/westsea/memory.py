"""What a worker needs at most, and chunks that fit the memory it has."""

from dataclasses import dataclass, replace
from typing import Any

from distributed import Client

from westsea.planning import CHUNK_ROWS, Plan, PlannedScene, chunks_of
from westsea_catalog.errors import ConfigError
from westsea_catalog.trust import brief
from westsea_kernels.blocks import CELL

BASE_BYTES = 550e6
PER_CHUNK_BYTE = 1.3
PER_SCENE_PIXEL = 0.9
"""Bytes of a worker process with all that it imports and GDAL's cache, for each decoded byte of the
chunk that a thread reads, and for each pixel and band of the scene that one judges. As measured,
with 8 to 38 % to spare: see DESIGN.md."""
USABLE = 0.7
"""Of a worker's memory: beyond it distributed begins to write what it holds to the disk."""
ROWS = (CHUNK_ROWS, 512, 256, CELL)
"""Of chunks, the best first."""


@dataclass(frozen=True)
class Room:
    """What the smallest worker of a cluster has."""

    bytes: float
    threads: int

    @classmethod
    def of(cls, client: Client) -> "Room | None":
        """That of a cluster; None where no worker is there yet, or one has no limit."""

        def workers(dask_scheduler: Any) -> list[tuple[int, int]]:
            return [(each.memory_limit, each.nthreads) for each in dask_scheduler.workers.values()]

        found = client.run_on_scheduler(workers)
        if not found or any(not limit for limit, _ in found):
            return None
        limit, threads = min(found, key=lambda worker: worker[0] / worker[1])
        return cls(limit, threads)


def need(planned: PlannedScene, threads: int) -> float:
    """Bytes that a worker needs at most for one scene a thread."""
    per_pixel = planned.bytes / planned.window.size
    chunk = max(chunk.size for chunk in planned.chunks) * per_pixel
    return BASE_BYTES + threads * (PER_CHUNK_BYTE * chunk + PER_SCENE_PIXEL * planned.pixels)


def most_needed(plan: Plan, threads: int) -> float:
    """Bytes that a worker needs at most for any scene of a plan."""
    return max((need(planned, threads) for planned in plan.scenes), default=BASE_BYTES)


def fitted(plan: Plan, room: Room) -> Plan:
    """The plan, with chunks of large scenes as low as the workers' memory wants them.

    Chunks that were asked for stay as they are.

    Raises
    ------
    ConfigError
        A scene fits in no way.
    """
    return replace(plan, scenes=tuple(_fitted(each, plan, room) for each in plan.scenes))


def _fitted(planned: PlannedScene, plan: Plan, room: Room) -> PlannedScene:
    choices = [planned]
    if plan.chunk is None and len(planned.chunks) > 1:
        choices = [replace(planned, chunks=chunks_of(planned.window, (n, None))) for n in ROWS]
    for choice in choices:
        if need(choice, room.threads) <= USABLE * room.bytes:
            return choice
    megabytes = need(choices[-1], room.threads) / USABLE / 1e6
    chunks = "the chunks asked for" if plan.chunk else f"chunks of {CELL} rows"
    raise ConfigError(
        f"{brief(planned.scene.id)} wants workers of {megabytes:.0f} MB with {chunks}, and there is"
        f" one of {room.bytes / 1e6:.0f} MB with {room.threads} threads: have fewer workers or"
        " threads, or more memory."
    )
