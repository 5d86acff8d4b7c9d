"""The Dask cluster that a sweep runs on: the caller's, one at an address, or one of its own."""

import ipaddress
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from distributed import Client, LocalCluster, get_client

from westsea_catalog.errors import UpstreamError, UsageError

LOG = logging.getLogger(__name__)

CONNECT_SECONDS = 20


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
    UpstreamError
        Nobody answers there.
    """
    if scheduler is not None:
        _check_address(scheduler)
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise UpstreamError(f"No scheduler answers at {scheduler}: {error}.") from error
        with client:
            yield client
        return
    active = _active()
    if active is not None and workers is None:
        yield active
        return
    # Loopback in full: distributed's dashboard would listen on every interface by itself.
    with (
        LocalCluster(
            n_workers=workers or os.cpu_count(),
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _active() -> Client | None:
    try:
        return get_client()
    except ValueError:
        return None


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname:
        raise UsageError(f"{address!r} is no scheduler: write tcp://host:port or tls://host:port.")
    if parts.scheme == "tcp" and not _is_loopback(parts.hostname):
        LOG.warning("%s is not encrypted: whoever reaches it runs code there; use tls://", address)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
