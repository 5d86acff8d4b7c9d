"""Results of workers whose tables have arrived where the driver looks.

Workers write to OUT by its name, and a folder of that name may be another one on each machine.
Receipts do not tell, so the driver looks for itself.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count
from math import inf

from westsea.objects import LocalFolder
from westsea.records import SceneKey, Status
from westsea.schema import DETECTIONS
from westsea.store import Store
from westsea.tasks import SceneResult
from westsea_catalog.errors import ConfigError

PATIENCE_SECONDS = 60.0
"""Until a table is taken for one that does not come. For so long NFS may keep in mind that a file
is not there (`acdirmax`)."""
LOOK_SECONDS = 1.0
"""Between looks when nothing else comes."""
LOOKED_AT_IN_BUCKETS = 8
"""Results. Those of a folder are all looked at, since its workers may be on many machines, and a
look costs 20 us; in a bucket it costs a round trip, and an address means the same to all."""


def arrived(results: Iterable[SceneResult], store: Store) -> Iterator[SceneResult]:
    """Results, each once its table is seen.

    Raises
    ------
    ConfigError
        A table has not come: the workers write to another place.
    """
    waiting: deque[tuple[SceneResult, float]] = deque()
    """With the time at which each came."""
    looks = count()
    most = inf if isinstance(store.objects, LocalFolder) else LOOKED_AT_IN_BUCKETS
    for result in results:
        if result.receipt is None or next(looks) >= most:
            yield result
        else:
            waiting.append((result, time.monotonic()))
        yield from _seen(waiting, store)
    while waiting:
        time.sleep(LOOK_SECONDS)
        yield from _seen(waiting, store)


def _seen(waiting: deque[tuple[SceneResult, float]], store: Store) -> Iterator[SceneResult]:
    """Those that need not wait any more, up to the first that does."""
    while waiting:
        result, came = waiting[0]
        if not _is_there(result.key, store):
            if time.monotonic() - came < PATIENCE_SECONDS:
                return
            raise ConfigError(
                f"The workers write to another {store.objects} than this machine sees: name a"
                " folder that all of them share, or one in a bucket, as s3://BUCKET/OUT."
            )
        waiting.popleft()
        yield result


def _is_there(key: SceneKey, store: Store) -> bool:
    if store.status(key) == Status.DONE:
        return True
    if not isinstance(store.objects, LocalFolder):
        return False
    store.objects.relist(key.table(DETECTIONS.name))
    return store.status(key) == Status.DONE
