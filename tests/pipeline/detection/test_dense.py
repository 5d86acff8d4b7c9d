"""Scenes so dense that work could grow beyond bounds: many blobs, and a city without a coast."""

import numpy as np
import pytest

from westsea.detection import farms
from westsea.schema import DOUBT, Flag
from westsea_catalog.coast import Coast

SHAPE = (1536, 1536)
N_SHIPS = 2000


def full_of_ships(sim):
    """Ships of 3 x 8 pixels in a disturbed grid, nine per km2."""
    image = sim.radar_sea(3, SHAPE, 2)
    rng = np.random.default_rng(3)
    places = np.stack(np.divmod(rng.permutation(48 * 48)[:N_SHIPS], 48), axis=1) * 32
    for row, col in places + rng.integers(4, 20, (N_SHIPS, 2)):
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
