"""Clients of clusters in this process."""

from distributed import Client


def client_of(n_workers, threads_per_worker=1, **options):
    """A client of workers that are threads of this process; a context manager."""
    return Client(
        n_workers=n_workers,
        threads_per_worker=threads_per_worker,
        processes=False,
        dashboard_address="127.0.0.1:0",
        set_as_default=False,
        **options,
    )
