"""Scenes so dense that work could grow beyond bounds: many blobs, and a city without a coast."""

import time

import numpy as np
import pytest

from westsea.detection import farms
from westsea.schema import DOUBT, Flag
from westsea_catalog.coast import Coast

SHAPE = (1536, 1536)
N_SHIPS = 2000
SPACING = 32
N_FULL = 8200


def full_of_ships(sim, n=N_SHIPS, shape=SHAPE):
    """Ships of 3 x 8 pixels in a disturbed grid, nine per km2."""
    image = sim.radar_sea(3, shape, 2)
    rng = np.random.default_rng(3)
    rows, cols = (side // SPACING for side in shape)
    places = np.stack(np.divmod(rng.permutation(rows * cols)[:n], cols), axis=1) * SPACING
    for row, col in places + rng.integers(4, 20, (n, 2)):
        image[:, row : row + 3, col : col + 8] *= 200.0
    return image


def test_dense_scenes_are_the_same_bytes_however_they_are_cut(sim):
    lab = sim.lab(full_of_ships(sim))
    whole = lab.bytes()
    found = lab.frames()["detections"]
    assert len(found) > 0.9 * N_SHIPS
    assert (found["flags"] & int(Flag.LAND_NEAR) == 0).mean() > 0.99
    assert lab.bytes(chunks=sim.tiles(lab.full, 384, 640), carry="none") == whole
    assert lab.bytes(chunks=sim.tiles(lab.full, 512), carry="all") == whole


@pytest.mark.bench
def test_eight_thousand_ships_are_the_same_bytes_however_they_are_cut(sim, tmp_path):
    """What an anchorage holds that no one ever saw; the bands are files, tiled as usual."""
    lab = sim.lab(full_of_ships(sim, N_FULL, (3072, 3072))).on_disk(tmp_path)
    start = time.process_time()
    judged = lab.judge()
    seconds, whole = time.process_time() - start, lab.encoded(judged)
    found = judged.tables["detections"].num_rows
    assert found >= 8000
    cuts = {
        "1024 rows": (sim.tiles(lab.full, 1024), "bright"),
        "512 x 640": (sim.tiles(lab.full, 512, 640), "bright"),
        "384 x 1152, none carried": (sim.tiles(lab.full, 384, 1152), "none"),
        "768 rows, all carried, backwards": (sim.tiles(lab.full, 768)[::-1], "all"),
    }
    print(f"\n\n{found} detections")
    print(f"whole: {seconds:.1f} CPU s, {judged.n_fetched} blocks read again")
    for name, (chunks, carry) in cuts.items():
        start = time.process_time()
        judged = lab.judge(chunks=chunks, carry=carry)
        seconds = time.process_time() - start
        print(f"{name}: {seconds:.1f} CPU s, {judged.n_fetched} blocks read again")
        assert lab.encoded(judged) == whole, name


def city(sim):
    """Houses in the western half, some of them grown together, and four ships off it."""
    image = sim.radar_sea(4, SHAPE, 2)
    rng = np.random.default_rng(4)
    for row, col in zip(rng.integers(0, 1530, 5000), rng.integers(0, 700, 5000), strict=True):
        image[:, row : row + 3, col : col + 3] *= 100.0
    for row in range(150, 1500, 300):
        for col in (150, 450):
            image[:, row : row + 60, col : col + 80] *= 100.0
    for row in (200, 500, 800, 1100):
        image[:, row : row + 3, 1200:1220] *= 100.0
    return image


@pytest.fixture(scope="module")
def without_coast(sim):
    none = Coast("none", "none", np.array([], object))
    return sim.Lab.of(city(sim), coast=none)


def test_a_city_without_a_coast_is_seen_as_land(without_coast, monkeypatch):
    squares = []
    look = farms.two_waves
    monkeypatch.setattr(farms, "two_waves", lambda *each: squares.append(1) or look(*each))
    frames = without_coast.frames()
    found, pairs, scene = (frames[name] for name in ("detections", "pairs", "scenes"))
    ships = found[found.col.between(1195, 1225) & (found["flags"] & int(DOUBT) == 0)]
    assert len(ships) == 4
    town = found[found.col < 720]
    assert len(town) > 3000
    land = (town["flags"] & int(Flag.LAND_NEAR) != 0) & (town.distance_from_shore_m == 0)
    assert land.mean() > 0.95
    assert (town["flags"] & int(DOUBT) != 0).mean() > 0.95
    # What grows with the square of the density is counted, and neither listed nor looked at.
    assert scene.n_land_pairs[0] > 10 * len(found)
    assert len(pairs) == scene.n_pairs[0] < len(found)
    assert len(squares) < 0.02 * len(found)
