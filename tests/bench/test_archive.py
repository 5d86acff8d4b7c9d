"""What the built-in archive costs: a 2048 x 2048 radar scene in two polarisations.

make bench
"""

import time
from dataclasses import replace

import numpy as np
import pytest

from westsea_catalog.archive import sar, scenes
from westsea_catalog.archive.formations import Planting
from westsea_catalog.archive.land import draw_land
from westsea_catalog.archive.placement import draw_layout
from westsea_catalog.coast import Coast

pytestmark = pytest.mark.bench


def test_a_large_scene():
    rough = scenes.RADAR_SCENES[2]
    planting = Planting(singles=40, alongside=10, close=10, rafts=3, trawlers=10, anchored=20)
    scene = replace(rough, grid=replace(rough.grid, shape=(2048, 2048)), planting=planting)
    rng, start = np.random.default_rng(0), time.process_time()
    land = draw_land(rng, scene.grid, Coast.shipped())
    layout = draw_layout(rng, scene.grid, planting, land)
    radargram = sar.render(rng, scene.radar, scene.sea, layout, land, scene.grid)
    seconds = time.process_time() - start
    assert set(radargram.images) == {"VV", "VH"}
    print(f"\n2048 x 2048, VV and VH, {len(layout.hulls)} hulls: {seconds:.1f} CPU s")
