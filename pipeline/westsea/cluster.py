"""The Dask cluster that a sweep runs on: the caller's, one at an address, or one of its own."""

import asyncio
import ipaddress
import logging
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Thread
from urllib.parse import urlsplit

import dask
from distributed import (
    Client,
    Security,
    Worker,
    WorkerPlugin,
    get_client,
    performance_report,
)
from distributed.comm.core import connect as comm_connect

from westsea.compiled import compile_once
from westsea.workers import OwnCluster
from westsea_catalog.errors import ConfigError, UpstreamError, UsageError

LOG = logging.getLogger(__name__)

CONNECT_SECONDS = 20.0
UNWATCHED = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "10s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "500ms",
}
"""What distributed does all the time, done less often, for a cluster that has tasks of 0.3 s and
more: the stacks of every thread each 10 ms, for a page of its dashboard (2 to 3 % of a core in the
driver and in each worker), and how late its loops run, each 20 ms, and other watching (together
8 % of a core with two workers)."""
MEMORY_KEPT = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 128 << 20,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 32 << 20,
}
"""Memory that a worker's glibc keeps for its next array. distributed has it give back all beyond
64 kB at once, and then every tile that GDAL decodes lies in fresh pages."""

BLAMED_BY_US = {"distributed.scheduler.allowed-failures": 10}
"""Deaths of workers after which the scheduler gives up on all tasks that were there, the innocent
too. `flights` finds who is to blame, and needs one or two."""


@contextmanager
def connect(scheduler: str | None, workers: int | None) -> Iterator[Client]:
    """A client to work with, closed on leaving unless it was there before.

    Parameters
    ----------
    scheduler
        tcp:// or tls:// address. None takes the active client, else a cluster on this machine.
    workers
        Processes of one thread each on this machine; None for one a core.

    Raises
    ------
    UsageError
        Not such an address.
    ConfigError
        tls:// without certificates in Dask's configuration.
    UpstreamError
        Nobody answers there.
    """
    if scheduler is not None:
        with _client_of(scheduler) as client:
            if not client.nthreads():
                LOG.warning("%s has no workers yet: waiting for them", scheduler)
            yield client
        return
    active = _active()
    if active is not None and workers is None:
        yield active
        return
    compile_once()  # here, so that no worker has the compiler in its memory
    # Loopback in full: distributed's dashboard would listen on every interface by itself.
    with (
        dask.config.set({**UNWATCHED, **MEMORY_KEPT, **BLAMED_BY_US}),
        OwnCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(_IgnoresInterrupts())
        yield client


@contextmanager
def performance(client: Client, file: str | os.PathLike[str] | None) -> Iterator[None]:
    """Have distributed write a page on what its workers did meanwhile; None for none.

    Raises
    ------
    ConfigError
        bokeh, which draws it, is missing.
    """
    if file is None:
        yield
        return
    if find_spec("bokeh") is None:
        raise ConfigError("A performance report needs bokeh: pip install 'westsea[performance]'.")
    with client.as_current(), performance_report(filename=os.fspath(file)):
        yield


class _IgnoresInterrupts(WorkerPlugin):
    """Ctrl-C reaches every process of a terminal; the one that has the cluster ends the others."""

    def setup(self, worker: Worker) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _client_of(address: str) -> Client:
    """A client of the scheduler at an address.

    distributed waits for ever for a server of another kind, such as its own dashboard, to answer.
    A client that finds nobody, or has no certificates, leaves its event loop running, and closes
    itself wherever it is collected: that fails in a thread of another loop. So a bare connection
    comes first.
    """
    _check_address(address)
    answer: Future[Client] = Future()

    def ask() -> None:
        try:
            asyncio.run(asyncio.wait_for(_greet(address), CONNECT_SECONDS))
            answer.set_result(Client(address, timeout=CONNECT_SECONDS, set_as_default=False))
        except Exception as error:
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    try:
        return answer.result(2 * CONNECT_SECONDS + 1)
    except OSError as error:  # TimeoutError is one
        raise UpstreamError(f"No Dask scheduler answers at {address}.") from error
    except TypeError as error:
        raise ConfigError(
            f"{address} needs certificates: name them as distributed.comm.tls in Dask's settings."
        ) from error


async def _greet(address: str) -> None:
    """Shake hands with what answers at an address, as a client does."""
    arguments = Security().get_connection_args("client")
    comm = await comm_connect(address, timeout=CONNECT_SECONDS, **arguments)
    await comm.close()


def _active() -> Client | None:
    try:
        return get_client()
    except ValueError:
        return None


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        complete = parts.scheme in ("tcp", "tls") and parts.hostname and parts.port
    except ValueError:
        complete = False
    if not complete:
        raise UsageError(f"{address!r} is no scheduler: write tcp://host:port or tls://host:port.")
    if parts.scheme == "tcp" and not _is_loopback(parts.hostname or ""):
        LOG.warning("%s is not encrypted: whoever reaches it runs code there; use tls://", address)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
