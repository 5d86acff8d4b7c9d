"""Compiled kernels are kept between runs; property tests give the compiler its time."""

import hashlib
import os
from pathlib import Path

from hypothesis import settings

KERNELS = Path(__file__).parents[1] / "kernels/westsea_kernels"

# The first example may have to wait for the compiler.
settings.register_profile("westsea", deadline=None)
settings.load_profile("westsea")


def pytest_configure(config):
    """Let numba cache into a folder of these very kernels, before anything imports them.

    numba does not see that a kernel called from another file has changed (#4807); a folder named
    after all sources together never holds a stale one. Processes that tests start inherit it.
    WESTSEA_JIT_CACHE=0 compiles afresh.
    """
    if not hasattr(config, "cache"):  # pytest -p no:cacheprovider
        return
    try:
        folder = config.cache.mkdir(f"numba-{_hash_of_kernels()}")
    except OSError:  # a read-only checkout
        return
    if os.environ.setdefault("WESTSEA_JIT_CACHE", "1") == "1":
        os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _hash_of_kernels():
    digest = hashlib.sha256()
    for file in sorted(KERNELS.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
