"""The machine itself: versions, GDAL, clock, disk and coast."""

import importlib.metadata
import os
import platform
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from westsea.doctor.check import Check, State
from westsea_catalog.coast import Coast

PACKAGES = ("westsea", "dask", "distributed", "numpy", "numba", "pandas", "pyarrow", "rasterio")
DRIVERS = {"GTiff": State.FAILED, "JP2OpenJPEG": State.WARNING}
"""GDAL's drivers, and how bad it is to lack each."""
OURS = ("GDAL_DISABLE_READDIR_ON_OPEN", "GDAL_HTTP_MAX_RETRY", "GDAL_CACHEMAX")
"""Settings that a sweep makes itself, around each read: a variable of that name changes nothing."""
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
PROXY_SECONDS = 5.0
TEMPORARY_BYTES = 200 << 20
OLDEST = datetime(2025, 1, 1, tzinfo=UTC)
"""Before anything of this was written."""
SKEW_S = 300.0
"""Signatures are refused beyond 5 to 15 minutes."""


def versions() -> Iterator[Check]:
    """Python and the packages that decide numbers and protocols."""
    named = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    yield Check("versions", State.OK, f"Python {platform.python_version()}, {', '.join(named)}")


def gdal() -> Iterator[Check]:
    """GDAL's drivers, and variables that would change how it reads."""
    import rasterio
    from rasterio.drivers import raster_driver_extensions

    known = set(raster_driver_extensions().values())
    for driver, bad in DRIVERS.items():
        if driver not in known:
            remedy = "Install rasterio from its wheel, which has it."
            yield Check("gdal", bad, f"GDAL has no driver {driver}", remedy)
            return
    set_here = [name for name in OURS if name in os.environ]
    also = f"; {', '.join(set_here)} set here and not used" if set_here else ""
    version = rasterio.__gdal_version__
    yield Check("gdal", State.OK, f"GDAL {version} with {', '.join(DRIVERS)}{also}")


def clock() -> Iterator[Check]:
    """Whether the clock can be right at all; `services` compares it with a server's."""
    now = datetime.now(UTC)
    if now < OLDEST:
        remedy = "Set the clock, for example with NTP: signatures and --last go by it."
        yield Check("clock", State.FAILED, f"the clock says {now:%Y-%m-%d}", remedy)
    else:
        asked = os.environ.get("WESTSEA_NOW")
        also = f"; --last ends at WESTSEA_NOW={asked}" if asked else ""
        yield Check("clock", State.OK, f"{now:%Y-%m-%dT%H:%M:%SZ}{also}")


def disk() -> Iterator[Check]:
    """Room for temporary files."""
    folder = Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free
    if free < TEMPORARY_BYTES:
        remedy = "Free some, or name another folder as TMPDIR."
        yield Check("disk", State.FAILED, f"{folder} has {free >> 20} MB free", remedy)
    else:
        yield Check("disk", State.OK, f"{free / 1e9:.1f} GB free for temporary files")


def coast(path: str | None) -> Iterator[Check]:
    """The coast that masks land."""
    land = Coast.shipped() if path is None else Coast.load(path)
    name = "the coast that ships" if path is None else path
    yield Check("coast", State.OK, f"{name}, content {land.content_hash[:12]}")


def proxy() -> Iterator[Check]:
    """Whether somebody listens at the proxies that the environment names."""
    named = {os.environ[name]: name for name in PROXIES if os.environ.get(name)}
    if not named:
        yield Check("proxy", State.OK, "none")
    for address, name in named.items():
        yield _answers(address, name)


def _answers(address: str, name: str) -> Check:
    # Without user and password, which may be part of it.
    remedy = f"Mend {name}, or unset it where no proxy is needed."
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        return Check("proxy", State.FAILED, f"{name} is not an address", remedy)
    if not host:
        return Check("proxy", State.FAILED, f"{name} is not an address", remedy)
    try:
        socket.create_connection((host, port), PROXY_SECONDS).close()
    except OSError as error:
        said = error.strerror or str(error)
        return Check("proxy", State.FAILED, f"{host}:{port} does not answer ({said})", remedy)
    return Check("proxy", State.OK, f"{host}:{port} answers")
