"""What calibrating costs, and taking noise off, beside decoding the same numbers.

    make bench ARGS="-k grd_reader"

One simulated product of 1250 x 1250 pixels, read whole. Nothing here asserts a time.
"""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from westsea_catalog.archive.grd import make_twins
from westsea_catalog.archive.scenes import RADAR_SCENES
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import PROFILES
from westsea_catalog.radar.located import located
from westsea_catalog.reader import open_reader
from westsea_catalog.stac_item import with_absolute_hrefs

pytestmark = pytest.mark.bench

REPEATS = 15


def nanoseconds(work, pixels):
    """Least CPU time of some repetitions, a pixel."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e9 * min(times) / pixels


def test_power_beside_decoding(tmp_path):
    catalog = make_twins(tmp_path, scenes=RADAR_SCENES[:1])
    [path] = Path(tmp_path).glob("sentinel-1-grd/*/*.json")
    item = with_absolute_hrefs(json.loads(path.read_text()), str(path))
    scene = located(scene_from_item(item, PROFILES["built-in"], catalog.parent))
    full = scene.grid.full
    reader = open_reader(scene, scene.bands[0])
    numbers, power = np.empty(full.shape, np.uint16), np.empty(full.shape, np.float32)

    def decode():
        reader.file.close()  # and with it GDAL's cache of the file
        reader.file.read(full, numbers)

    def both():
        reader.file.close()
        reader.read(full, power)

    def alone():
        reader.levels.power(numbers, full, power)

    both()
    decode_ns, both_ns, alone_ns = (nanoseconds(work, full.size) for work in (decode, both, alone))
    print(f"\ndecoding {decode_ns:.2f} ns a pixel, with power {both_ns:.2f}, alone {alone_ns:.2f}")
    assert (power[numbers > 0] > 0).all()
