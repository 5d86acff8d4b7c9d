"""Whether a worker's memory grows with the number of scenes.

    make bench ARGS=tests/bench/test_memory_of_many.py

Prints the most resident memory of any worker (VmHWM, Linux) after sweeps of 20, 100 and 500 scenes,
each on a cluster of its own, and the bound that is printed before a sweep.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from westsea.cluster import connect
from westsea.detector import Detector
from westsea.memory import need
from westsea.runner import parameters, run
from westsea.store import Store
from westsea_catalog.coast import Coast

pytestmark = pytest.mark.bench

WORKERS = 2
SHAPE = (1024, 1024)
NUMBERS = (20, 100, 500)
N_DRAWN = 4
APART = timedelta(hours=2)
"""Between scenes of one place, which would be one acquisition otherwise."""
FLAT = 1.05
MB = 1e6


def resident_at_most():
    status = Path("/proc/self/status").read_text().split()
    return 1024 * int(status[status.index("VmHWM:") + 1])


@pytest.fixture(scope="module")
def scenes(seas, tmp_path_factory):
    """As many scenes as the longest sweep has, of a few files."""
    folder = tmp_path_factory.mktemp("seas")
    drawn = [
        seas.write(folder, f"sea{k}", seas.open_sea(np.random.default_rng(k), SHAPE)[0], where)
        for k, where in enumerate([seas.grid(SHAPE)] * N_DRAWN)
    ]
    return [
        replace(scene, id=f"{scene.id}-{k}", datetime=scene.datetime + k * APART)
        for k in range(NUMBERS[-1])
        for scene in [drawn[k % N_DRAWN]]
    ]


def peak_of(plan, out):
    coast, detector = Coast.shipped(), Detector()
    with connect(None, WORKERS) as client:
        store = Store.open(out, parameters(detector, None, coast))
        report = run(plan, store, coast, detector, client)
        assert report.count("done") == len(plan.scenes)
        return max(client.run(resident_at_most).values())


def test_memory_is_that_of_one_scene_whatever_their_number(seas, scenes, tmp_path):
    bound = need(seas.plan(scenes[:1]).scenes[0], 1)
    print(f"\n\nscenes   peak MB of a worker, at most {bound / MB:.0f}")
    peaks = []
    for number in NUMBERS:
        peaks.append(peak_of(seas.plan(scenes[:number]), tmp_path / str(number)))
        print(f"{number:6d}{peaks[-1] / MB:22.0f}")
    assert peaks[-1] < FLAT * peaks[0]
    assert max(peaks) < bound
