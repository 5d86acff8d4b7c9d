"""What it costs to tell one hull from several, beside all else that a scene takes.

    make bench ARGS="-k alongside_cost"

A scene of usual size goes through the plain path: decode, summarise, judge, commit. It is water
but for one square of the bench of pairs, with its blobs. The CPU time that goes into their odds is
taken apart, scaled to 200 blobs, and printed as a share of the rest. Nothing asserts a time; that
the odds of the blobs are told is asserted.
"""

import time
from dataclasses import replace

import numpy as np
import pytest

from westsea.bench.alongside.samples import SHAPE, Drawn
from westsea.detection import judge as judging
from westsea.detector import Detector
from westsea.planning import PlannedScene, chunks_of
from westsea.results import Sweep
from westsea.runner import parameters
from westsea.store import Store
from westsea.tasks import Job, process_scene
from westsea_catalog.archive.writer import write_cog
from westsea_catalog.coast import Coast

pytestmark = pytest.mark.bench

SIZES = {"sar": (12_000, 16_000), "optical": (10_980, 10_980)}
N_BLOBS = 200
AT = 4_000
"""First row and column of the square, in the scenes' pixels."""
REPEATS = 3
STEPS = "weigh_hulls", "flag_several", "flag_company"


def scene(sensor, folder):
    """The scene on disk."""
    with_blobs = Drawn.of(sensor, "test", 0).images()
    water = replace(Drawn.of(sensor, "test", 0), placed=()).images()
    drawn = Drawn.of(sensor, "test", 0, SIZES[sensor])
    for name, image in with_blobs.items():
        factor = SHAPE[0] // image.shape[0]
        rows, cols = (-(-side // factor) for side in SIZES[sensor])
        times = -(-rows // image.shape[0]), -(-cols // image.shape[1])
        whole = np.tile(water[name], times)[:rows, :cols]
        at = AT // factor
        whole[at : at + image.shape[0], at : at + image.shape[1]] = image
        write_cog(
            folder / f"{name}.tif",
            whole,
            drawn.grid.coarsened(factor),
            nodata=drawn.sample(with_blobs).scene.nodata,
        )
    found = drawn.sample(with_blobs).scene
    named = {
        part: tuple(
            replace(
                each,
                href=str(folder / f"{each.key}.tif"),
                factor=SHAPE[0] // with_blobs[each.key].shape[0],
            )
            for each in getattr(found, part)
        )
        for part in ("bands", "extras")
    }
    return replace(found, **named)


def timed(step, spent):
    def run(*arguments):
        start = time.process_time()
        result = step(*arguments)
        spent.append(time.process_time() - start)
        return result

    return run


@pytest.mark.parametrize("sensor", SIZES)
def test_cost_of_the_odds(sensor, tmp_path, monkeypatch):
    where = scene(sensor, tmp_path)
    plan = PlannedScene(where, where.grid.full, chunks_of(where.grid.full, None))
    coast, detector, spent, costs = Coast.shipped(), Detector(), [], []
    job = Job.of(plan, coast, None, detector)
    for name in STEPS:
        monkeypatch.setattr(judging, name, timed(getattr(judging, name), spent))
    for repeat in range(1 + REPEATS):
        out = tmp_path / f"out{repeat}"
        store = Store.open(out, parameters(detector, None, coast))
        spent.clear()
        start = time.process_time()
        process_scene(job, store)
        costs.append((sum(spent), time.process_time() - start))
    odds, whole = min(costs[1:], key=lambda cost: cost[1])
    rows = Sweep(out).detections()
    n = len(rows)
    share = N_BLOBS / n * odds / (whole - odds)
    print(
        f"\n{sensor}: {n} blobs; odds {1e3 * odds / n:.2f} ms a blob; scene without them"
        f" {whole - odds:.2f} CPU s; at {N_BLOBS} blobs {100 * share:.1f} % more"
    )
    assert n > N_BLOBS / 2
    assert rows["p_alongside"].notna().mean() > 0.9
