"""How fast: stage by stage beside reading and decoding, as ratios inside one run.

    make bench

Nothing here asserts a time. The scene is 4096 x 4096 pixels of simulated clutter in two
polarisations with 200 bright targets, DEFLATE, 512 px tiles.
"""

import time
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio

from westsea.detection.judge import judge
from westsea.detection.pixels import Pixels
from westsea.detection.summary import merge, summarise
from westsea.detector import Detector
from westsea.planning import Plan, PlannedScene, chunks_of
from westsea.runner import parameters, run
from westsea.store import Store
from westsea_catalog.archive.writer import write_cog
from westsea_catalog.coast import Coast
from westsea_catalog.grid import AffineGrid
from westsea_catalog.scene import Asset, Scene

pytestmark = pytest.mark.bench

SIDE = 4096
GRID = AffineGrid(32651, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_100_000.0), (SIDE, SIDE))
REPEATS = 5


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    rng = np.random.default_rng(7)
    texture = rng.gamma(10.0, 0.1, (SIDE // 16, SIDE // 16)).repeat(16, axis=0).repeat(16, axis=1)
    targets = rng.integers(20, SIDE - 20, (200, 2))
    bands = []
    for name, level in (("vv", 0.03), ("vh", 0.003)):
        image = (level * texture * rng.gamma(4.4, 1 / 4.4, (SIDE, SIDE))).astype(np.float32)
        for row, col in targets:
            image[row : row + 12, col : col + 3] += 30 * level
        write_cog(folder / f"{name}.tif", image, GRID, nodata=-32768.0)
        bands.append(Asset(name, str(folder / f"{name}.tif"), band=name.upper()))
    footprint = {"type": "Polygon", "coordinates": [[[123, 36], [124, 36], [124, 37], [123, 36]]]}
    return Scene(
        id="bench",
        collection="sentinel-1-rtc",
        profile="custom",
        sensor="sar",
        datetime=datetime(2017, 10, 19, tzinfo=UTC),
        platform="sentinel-1a",
        orbit_state="ascending",
        grid=GRID,
        bands=tuple(bands),
        nodata=-32768.0,
        footprint=footprint,
    )


def cpu_seconds(work):
    """Least CPU time of some repetitions, after one that compiles and warms up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_stages(scene):
    coast = Coast.shipped()
    pixels = Pixels(scene, coast, GRID.full, 300.0)
    bands, land = pixels.bands(GRID.full), pixels.land(GRID.full)
    kept = summarise(bands, land, GRID.full, sensor="sar", nodata=-32768.0)

    def decode():
        for asset in scene.bands:
            with rasterio.open(asset.source) as dataset:
                dataset.read(1)

    seconds = {
        "sum of the pixels in memory": cpu_seconds(bands.sum),
        "decode": cpu_seconds(decode),
        "summarise": cpu_seconds(
            lambda: summarise(bands, land, GRID.full, sensor="sar", nodata=-32768.0)
        ),
        "merge and judge": cpu_seconds(
            lambda: judge(scene, merge(GRID.full, [kept]), pixels, coast, None, Detector())
        ),
    }
    print(f"\n{'stage':30s}{'Mpx per CPU s':>15s}{'over decode':>14s}")
    for name, value in seconds.items():
        rate = bands.size / value / 1e6
        print(f"{name:30s}{rate:15.0f}{value / seconds['decode']:14.2f}")
    print(f"carried: {len(kept.carried)} of {kept.block_valid.size} blocks")


def test_sweep_over_decode(scene, tmp_path):
    """The plain path, from files to tables, beside decoding the same files in the same chunks."""
    coast, detector = Coast.shipped(), Detector()
    chunks = chunks_of(GRID.full, None)
    plan = Plan((PlannedScene(scene, GRID.full, chunks),), ())
    pixels = Pixels(scene, coast, GRID.full, detector.land_inset_m)
    outs = iter(range(1000))

    def sweep():
        store = Store.open(tmp_path / str(next(outs)), parameters(detector, None, coast))
        run(plan, store, coast, detector, None)

    decode = cpu_seconds(lambda: [pixels.bands(chunk) for chunk in chunks])
    whole = cpu_seconds(sweep)
    print(f"\nwhole sweep over decode-only, CPU: {whole / decode:.2f}")
