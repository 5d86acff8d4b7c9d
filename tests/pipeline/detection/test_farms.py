"""Farms in the spectrum of the image: on drawn squares, and through the judge."""

import numpy as np
import pytest

from westsea.detection.farms import LEAST_POWER, two_waves
from westsea.schema import Flag

NORTH_UP = 10.0 * np.array([[1.0, 0.0], [0.0, -1.0]])
N = 128


def speckle(seed, shape=(N, N)):
    """Five looks, a little blurred, of mean 1."""
    rng = np.random.default_rng(seed)
    image = rng.gamma(5.0, 0.2, (shape[0] + 1, shape[1] + 1))
    return (image[1:, 1:] + image[:-1, 1:] + image[1:, :-1] + image[:-1, :-1]) / 4


def blurred(image):
    """As the sensor does: some two pixels wide."""
    for axis in (0, 1):
        image = (np.roll(image, 1, axis) + 2 * image + np.roll(image, -1, axis)) / 4
    return image


def cages(image, rng, *, along=14.0, across=6.3, level=1.0, seen=1.0):
    """Add cages of three by two pixels amid the image."""
    drawn = np.zeros(image.shape)
    for row in np.arange(20.0, 108.0, along):
        for col in np.arange(30.0, 98.0, across):
            if rng.random() < seen:
                i, j = round(row + rng.normal(0, 0.4)), round(col + rng.normal(0, 0.4))
                drawn[i : i + 2, j : j + 3] += level * rng.gamma(2.0, 0.5)
    return image + blurred(drawn)


@pytest.mark.parametrize("seen", [1.0, 0.85])
def test_faint_cages_make_two_waves(seen):
    """As bright as twice the sea, which no threshold would see."""
    for seed in range(5):
        image = cages(speckle(seed), np.random.default_rng(seed), level=2.0, seen=seen)
        assert two_waves(image, NORTH_UP).min() > LEAST_POWER


def test_the_direction_of_the_grid_does_not_matter():
    image = cages(speckle(1), np.random.default_rng(1))
    turn = np.deg2rad(33.0)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ NORTH_UP
    np.testing.assert_allclose(two_waves(image, turned), two_waves(image, NORTH_UP), rtol=1e-6)


def scatter(image, rng, n, level):
    drawn = np.zeros(image.shape)
    for row, col in rng.integers(5, N - 15, (n, 2)):
        drawn[row : row + 3, col : col + rng.integers(3, 9)] += level
    return image + blurred(blurred(drawn))


def front(image):
    image[:, N // 3 :] *= 2.0
    return image


def swell(image):
    return image * (1 + 0.3 * np.sin(2 * np.pi * np.arange(N) / 18.0))


SEAS = {
    "sea": lambda image, rng: image,
    "a ship": lambda image, rng: scatter(image, rng, 1, 30.0),
    "two ships": lambda image, rng: scatter(image, rng, 2, 30.0),
    "an anchorage": lambda image, rng: scatter(image, rng, 12, 30.0),
    "many boats": lambda image, rng: scatter(image, rng, 15, 4.0),
    "a front": lambda image, rng: front(image),
    "swell": lambda image, rng: swell(image),
    "no data": lambda image, rng: np.where(np.arange(N) < 70, image, np.nan),
    "nothing": lambda image, rng: np.full((N, N), np.nan),
}


@pytest.mark.parametrize("name", SEAS)
def test_seas_and_ships_make_none(name):
    for seed in range(20):
        image = SEAS[name](speckle(seed), np.random.default_rng(seed))
        assert two_waves(image, NORTH_UP).min() < LEAST_POWER


def farm(sim, seed=3):
    """A sea with a farm most of whose cages stay below the threshold, and two boats far off."""
    image = sim.radar_sea(seed, (512, 512), 2, looks=10.0)
    level, rng = np.median(image[0]), np.random.default_rng(seed)
    for row in range(60, 170, 14):
        for col in range(60, 160, 7):
            strength = 12.0 if rng.random() < 0.08 else 1.5
            image[:, row : row + 2, col : col + 3] += strength * level
    for row, col in ((400, 300), (430, 340)):
        image[:, row : row + 2, col : col + 3] += 12.0 * level
    return image


def test_cages_are_flagged_and_boats_are_not(sim):
    found = sim.lab(farm(sim)).frames()["detections"]
    in_farm = (found["row"] < 200) & (found["col"] < 200)
    assert in_farm.sum() >= 4
    assert (~in_farm).sum() == 2
    lattice = (found["flags"] & int(Flag.LATTICE)) != 0
    assert lattice.equals(in_farm)
