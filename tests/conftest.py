"""Compiled kernels are kept between runs; property tests give the compiler its time."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from westsea_catalog.grid import GEOD

PLACE = ("lon", "lat")
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


@pytest.fixture(scope="session")
def matched():
    """Function that matches detections one to one, the nearest first, up to `reach_m` apart.

    Of two frames it gives one: their columns with the endings _1 and _2, and `apart_m`.
    """

    def match(one, two, reach_m=60.0):
        i, j = (k.ravel() for k in np.indices((len(one), len(two))))
        ends = (frame[name].to_numpy()[k] for frame, k in ((one, i), (two, j)) for name in PLACE)
        apart = np.asarray(GEOD.inv(*ends)[2])
        chosen, seen = [], (set(), set())
        for k in np.argsort(apart, kind="stable"):
            if apart[k] <= reach_m and i[k] not in seen[0] and j[k] not in seen[1]:
                chosen.append(k)
                seen[0].add(i[k])
                seen[1].add(j[k])
        left = one.iloc[i[chosen]].reset_index(drop=True).add_suffix("_1")
        right = two.iloc[j[chosen]].reset_index(drop=True).add_suffix("_2")
        return pd.concat([left, right], axis=1).assign(apart_m=apart[chosen])

    return match
