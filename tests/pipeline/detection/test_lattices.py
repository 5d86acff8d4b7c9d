"""Lattices among ships at random, on detections at given places and through the judge."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea.detection.hulls import DOUBT_SCORE, Hulls
from westsea.detection.lattices import flag_lattices
from westsea.schema import Flag

LON, LAT = 124.0, 37.0
EAST_M, NORTH_M = 88_900.0, 110_970.0
"""Metres of a degree there."""


def targets(places, level_db=None, length_m=None):
    """Hulls at (n, 2) metres east and north of a place."""
    places = np.reshape(places, (-1, 2))
    n = len(places)
    values = {field.name: np.ones(n) for field in fields(Hulls)} | {
        "lon": LON + places[:, 0] / EAST_M,
        "lat": LAT + places[:, 1] / NORTH_M,
        "peak_db": np.full(n, -5.0) if level_db is None else level_db,
        "length_m": np.full(n, 40.0) if length_m is None else length_m,
        "score": np.full(n, 0.8),
        "flags": np.zeros(n, np.int32),
        "is_land": np.zeros(n, np.bool_),
        "at_land": np.zeros(n, np.bool_),
    }
    return Hulls(**values)


def flagged(places, **options):
    return flag_lattices(targets(places, **options)).flags == int(Flag.LATTICE)


def turned(rng, places):
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (places - places.mean(axis=0)) @ turn


def lattice(rng, rows, cols, spacing, *, angle=90.0, jitter=0.05, missing=0.15):
    """Places of a lattice; jitter: standard deviation in shares of the shorter spacing."""
    i, j = (index.ravel() for index in np.indices((rows, cols)))
    second = spacing[1] * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    places = i[:, None] * np.array([spacing[0], 0.0]) + j[:, None] * second
    places += rng.normal(0, jitter * min(spacing), places.shape)
    return turned(rng, places[rng.random(len(places)) >= missing])


def ships(rng, n, side):
    return rng.uniform(-side / 2, side / 2, (n, 2))


# -- what is a lattice

LATTICES = {
    "cages": ((10, 10, (120, 100)), {}),
    "cages, uneven": ((12, 12, (100, 100)), {"jitter": 0.1}),
    "rows of cages": ((12, 4, (50, 160)), {"jitter": 0.07}),
    "two of three cages unseen": ((10, 9, (60, 120)), {"jitter": 0.07, "missing": 0.6}),
    "staggered": ((10, 10, (100, 100)), {"angle": 60, "jitter": 0.07}),
    "a strip": ((3, 20, (100, 100)), {}),
    "slanted": ((8, 8, (80, 140)), {"angle": 70}),
    "wind farm": ((6, 8, (600, 850)), {"angle": 80, "jitter": 0.02}),
    "small wind farm": ((3, 4, (600, 800)), {"angle": 80, "jitter": 0.02, "missing": 0.0}),
}


@pytest.mark.parametrize("name", LATTICES)
def test_members_are_flagged_and_ships_around_are_not(name):
    """With 15 % missing, and in a sea with a ship every 10 km2."""
    shape, options = LATTICES[name]
    members, found, ships_found, n_ships = 0, 0, 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        farm = lattice(rng, *shape, **options)
        others = ships(rng, 40, 20_000)
        # Who lies amid a farm is taken for a part of it.
        away = np.hypot(*(others[:, None] - farm).transpose(2, 0, 1)).min(axis=1)
        others = others[away > 2.5 * max(shape[2])]
        hit = flagged(np.concatenate([farm, others]))
        members += len(farm)
        found += hit[: len(farm)].sum()
        ships_found += hit[len(farm) :].sum()
        n_ships += len(others)
    assert found >= 0.95 * members
    assert ships_found <= 0.02 * n_ships


def test_a_lattice_of_members_of_many_levels_and_lengths():
    rng = np.random.default_rng(1)
    farm = lattice(rng, 10, 10, (100, 100))
    level, length = rng.normal(-5, 2, len(farm)), 40 * rng.uniform(0.7, 1.5, len(farm))
    assert flagged(farm, level_db=level, length_m=length).mean() >= 0.95


@pytest.mark.parametrize("other", [{"level_db": 12.0}, {"length_m": 150.0}])
def test_a_ship_in_a_farm_is_unlike_its_members(other):
    farm = lattice(np.random.default_rng(2), 8, 8, (120, 120), missing=0.0)
    farm = np.concatenate([farm, [[30.0, 20.0]]])
    values = {"level_db": np.full(65, -5.0), "length_m": np.full(65, 40.0)}
    for name, value in other.items():
        values[name][-1] += value
    hit = flagged(farm, **values)
    assert hit[:-1].all()
    assert not hit[-1]


def test_the_score_falls():
    found = flag_lattices(targets(lattice(np.random.default_rng(3), 8, 8, (120, 120), missing=0)))
    assert found.score == pytest.approx(np.full(64, 0.8 * DOUBT_SCORE))


# -- what is none


def anchorage(rng, n, side, apart):
    """Ships that keep their distance."""
    places = np.empty((0, 2))
    while len(places) < n:
        place = rng.uniform(0, side, 2)
        if (np.hypot(*(places - place).T) >= apart).all():
            places = np.concatenate([places, [place]])
    return places


def clusters(rng, n, each, side, spread):
    middles = rng.uniform(0, side, (n, 1, 2))
    return (middles + rng.normal(0, spread, (n, each, 2))).reshape(-1, 2)


def pair_trawlers(rng, n, side, gap):
    """Pairs abreast, all much the same way."""
    angle, half = rng.normal(0.3, 0.15, n), gap / 2 * rng.uniform(0.8, 1.2, n)
    half = half[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    middle = rng.uniform(0, side, (n, 2))
    return np.concatenate([middle - half, middle + half])


def rafts(rng, n, side):
    """Of one to four hulls, swung to the same current."""
    out = []
    for middle in rng.uniform(0, side, (n, 2)):
        abreast = np.arange(rng.integers(1, 5))[:, None] * 35.0
        angle = 0.4 + rng.normal(0, 0.1)
        out.append(middle + abreast * [np.cos(angle), np.sin(angle)])
    places = np.concatenate(out)
    return places + rng.normal(0, 4, places.shape)


def convoy(rng, n, columns):
    """In line ahead, in one column or two."""
    line = np.stack([800.0 * np.arange(n), np.zeros(n)], axis=1)
    starts = [np.array([rng.uniform(0, 800), 1_200.0 * k]) for k in range(columns)]
    places = np.concatenate([line + start for start in starts])
    return places + rng.normal(0, 40, places.shape)


FLEETS = {
    "at random": (lambda rng: ships(rng, 300, 20_000), 0.002),
    "anchorage": (lambda rng: anchorage(rng, 220, 10_000, 310), 0.005),
    "anchorage, full": (lambda rng: anchorage(rng, 220, 10_000, 440), 0.005),
    "clusters": (lambda rng: clusters(rng, 25, 12, 20_000, 500), 0.005),
    "pair trawlers": (lambda rng: pair_trawlers(rng, 100, 15_000, 300), 0.005),
    "pair trawlers, crowded": (lambda rng: pair_trawlers(rng, 60, 8_000, 400), 0.02),
    "rafts": (lambda rng: rafts(rng, 80, 10_000), 0.005),
    "convoy": (lambda rng: convoy(rng, 12, 1), 0.0),
    "two columns": (lambda rng: convoy(rng, 8, 2), 0.0),
    "few": (lambda rng: ships(rng, 12, 5_000), 0.0),
}


@pytest.mark.parametrize("name", FLEETS)
def test_ships_at_random_are_no_lattice(name):
    draw, most = FLEETS[name]
    hits = np.concatenate([flagged(draw(np.random.default_rng(seed))) for seed in range(30)])
    assert hits.mean() <= most


# -- laws


@given(seed=st.integers(0, 1 << 32), n=st.integers(0, 60))
@settings(max_examples=25)
def test_the_order_of_detections_does_not_matter(seed, n):
    rng = np.random.default_rng(seed)
    places = np.concatenate([lattice(rng, 4, 5, (100, 120)), ships(rng, n, 2_000)])
    order = rng.permutation(len(places))
    assert flagged(places[order]).tolist() == flagged(places)[order].tolist()


def test_places_that_repeat_and_too_few():
    assert not flagged(np.zeros((0, 2))).any()
    assert not flagged(np.zeros((40, 2))).any()
    assert not flagged(lattice(np.random.default_rng(4), 2, 2, (100, 100), missing=0)).any()


# -- through the judge


@pytest.mark.parametrize("sensor", ["sar", "optical"])
def test_cages_in_pixels(sim, sensor):
    if sensor == "sar":
        image, bright = sim.radar_sea(2, (256, 256), 2, looks=20.0), 2.0
    else:
        image, bright = sim.optical_sea(2, (256, 256)), 9_000
    for row in range(60, 150, 12):
        for col in range(60, 150, 10):
            image[:, row : row + 3, col : col + 3] = bright
    image[:, 200:203, 200:206] = bright
    found = sim.lab(image, sensor=sensor).frames()["detections"]
    assert len(found) == 8 * 9 + 1
    flags = found["flags"] & ~int(Flag.MERGED_BLOB)  # small squares are as wide as they are long
    assert flags.tolist() == [int(Flag.LATTICE)] * 72 + [0]
