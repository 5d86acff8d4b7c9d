"""Peak memory of a worker by the rows of a chunk and the size of a scene: what `memory` goes by.

    make bench ARGS=tests/bench/test_memory.py

Each line is a fresh cluster of one worker that sweeps one scene, float32 in two bands. Peak is the
most resident memory (VmHWM, Linux), imports included. That it lies below the bound that is printed
before a sweep is asserted.
"""

import sys
from dataclasses import replace
from pathlib import Path

import cloudpickle
import numpy as np
import pytest

from westsea.cluster import connect
from westsea.detector import Detector
from westsea.memory import need
from westsea.planning import Plan, chunks_of
from westsea.runner import parameters, run
from westsea.store import Store
from westsea_catalog.coast import Coast

pytestmark = pytest.mark.bench

MB = 1e6
WIDTH = 16_000
CASES = [
    (4096, 128), (4096, 256), (4096, 512), (4096, 1024), (4096, 2048), (12_288, 256), (12_288, 1024)
]  # fmt: skip


def peak():
    status = Path("/proc/self/status").read_text().split()
    return 1024 * int(status[status.index("VmHWM:") + 1])


def swept(plan, out):
    """Peak of the one worker that sweeps a plan."""
    coast, detector = Coast.shipped(), Detector()
    store = Store.open(out, parameters(detector, None, coast))
    with connect(None, 1) as client:
        report = run(plan, store, coast, detector, client)
        assert report.count("done") + report.count("empty") == len(plan.scenes)
        [found] = client.run(peak).values()
    return found


def test_peak_by_rows_and_size(seas, tmp_path):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    scenes = {}
    for rows in sorted({rows for rows, _ in CASES}):
        images, _ = seas.open_sea(np.random.default_rng(1), (rows, WIDTH))
        scenes[rows] = seas.plan(
            [seas.write(tmp_path, f"scene{rows}", images, seas.grid((rows, WIDTH)))]
        )
        del images
    small, _ = seas.open_sea(np.random.default_rng(1), (256, 256))
    nothing = seas.plan([seas.write(tmp_path, "small", small, seas.grid((256, 256)))])
    print(f"\nbase, a scene of 256 x 256: {swept(nothing, tmp_path / 'base') / MB:.0f} MB")
    print("rows of scene  of chunk  chunk MB  peak MB  bound MB")
    for rows, chunk in CASES:
        [planned] = scenes[rows].scenes
        planned = replace(planned, chunks=chunks_of(planned.window, (chunk, None)))
        found = swept(Plan((planned,), ()), tmp_path / f"out{rows}-{chunk}")
        bound = need(planned, 1)
        print(
            f"{rows:13d}{chunk:10d}{chunk * WIDTH * 8 / MB:10.0f}{found / MB:9.0f}"
            f"{bound / MB:10.0f}",
            flush=True,
        )
        assert found < bound
