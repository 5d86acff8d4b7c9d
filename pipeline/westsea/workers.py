"""Workers that have to be started again, where nobody else does."""

import logging
from typing import Any

from distributed import Client, LocalCluster

LOG = logging.getLogger(__name__)

RESTART_SECONDS = 30.0


class OwnCluster(LocalCluster):
    """On this machine, for one sweep, whose workers nobody else sees to."""


def keep_workers(client: Client) -> None:
    """Start workers of a sweep's own cluster again whose nannies gave up.

    They do where a worker that they start again dies at birth. Such a one is missed for a while
    (`distributed.deploy.lost-worker-timeout`), then let go, and never replaced. Other clusters see
    to their workers themselves.
    """
    cluster = client.cluster
    if isinstance(cluster, OwnCluster) and len(cluster.workers) < len(cluster.worker_spec):
        LOG.warning("a worker did not start again: another one is started")
        cluster.scale(len(cluster.worker_spec))


def replace_workers(client: Client, workers: list[str]) -> None:
    """Have workers restarted whose threads hang, as they may in C code."""
    try:
        client.restart_workers(workers, timeout=RESTART_SECONDS, raise_for_error=False)
    except ValueError:  # no nanny watches over them
        LOG.warning("%s hangs, and has no nanny that restarts it: it is left out", workers[0])
        with_close = {"close": True, "stimulus_id": "westsea-deadline"}

        async def remove(dask_scheduler: Any) -> None:
            for worker in workers:
                await dask_scheduler.remove_worker(worker, **with_close)

        client.run_on_scheduler(remove)
    except Exception:
        LOG.debug("restarting %s", workers, exc_info=True)
