"""Scenes cut out of one sea: joined they tell what the whole tells, wherever they are cut."""

import numpy as np
import pytest

from westsea.schema import Flag
from westsea.tables import decode

SHAPE = (560, 520)
SEEN_M = 480.0
"""At 500 m a pair is one or not by how its hulls are measured."""


def near(one, two, most):
    """Indices of rows of two frames that lie near each other, nearest first, each once."""
    scale = 111_320.0 * np.cos(np.deg2rad(32.0))
    east = np.subtract.outer(one.lon.to_numpy(), two.lon.to_numpy()) * scale
    north = np.subtract.outer(one.lat.to_numpy(), two.lat.to_numpy()) * 110_990.0
    away = np.hypot(east, north)
    found = []
    while away.size and away.min() <= most:
        i, j = np.unravel_index(away.argmin(), away.shape)
        found.append((int(i), int(j)))
        away[i], away[:, j] = np.inf, np.inf
    return found


def check(whole, cut, most_m=100.0):
    """The detections and pairs are those of the whole sea, each once."""
    assert_same(whole.detections(), cut.detections(), most_m)
    pairs, found = whole.pairs(), cut.pairs()
    both = near(pairs, found, most_m)
    missed = pairs.drop(pairs.index[[i for i, _ in both]])
    extra = found.drop(found.index[[j for _, j in both]])
    assert (missed["gap_m"] > SEEN_M).all()
    # An edge makes hulls look like several, and says so.
    assert ((extra["gap_m"] > SEEN_M) | (extra["flags"] & int(Flag.EDGE) != 0)).all()
    assert (extra["gap_m"] > SEEN_M).sum() + extra["detect_id_2"].isna().sum() == len(extra)
    members = set(found["detect_id_1"]) | set(found["detect_id_2"].dropna())
    assert members <= set(cut.detections()["detect_id"])
    assert found["pair_id"].is_unique


def assert_same(one, two, most_m):
    assert len(one) == len(two)
    assert len(near(one, two, most_m)) == len(one)


@pytest.fixture(scope="module", params=["sar", "optical"])
def lab(request, seas):
    return seas.sea(request.param, 1, list(seas.scattered(1, SHAPE)), SHAPE)


def slices(seas, lab, at, overlap, axis):
    """Two scenes that meet at a row or column, and share some of these."""
    ends = [(0, at + overlap // 2), (at - overlap // 2, SHAPE[axis])]
    across = (0, SHAPE[1 - axis])
    cuts = [(end, across) if axis == 0 else (across, end) for end in ends]
    return [
        seas.part(lab, *cut, name, 25 * k)
        for k, (name, cut) in enumerate(zip("ab", cuts, strict=True))
    ]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("overlap", [0, 10, 60, 240])
def test_slices_tell_what_the_whole_tells(seas, lab, swept, overlap, axis):
    whole = swept([lab])
    for at in range(130 + overlap // 2, 400 - overlap // 2, 83):
        cut = swept(slices(seas, lab, at, overlap, axis))
        check(whole, cut)
        if overlap == 240:
            assert len(cut.detections("keep")) > len(cut.detections()) + 5
            assert len(cut.pairs("keep")) > len(cut.pairs())


@pytest.mark.parametrize("sensor", ["sar", "optical"])
@pytest.mark.parametrize("heading", [5.0, 50.0, 95.0])
def test_a_pair_is_found_once_wherever_it_is_cut(seas, swept, sensor, heading):
    hull = (128.0, 128.0, 150.0, 26.0, heading)
    lab = seas.sea(sensor, 3, [hull, seas.beside(*hull, 120.0)], (256, 256))
    [pair] = swept([lab]).pairs().itertuples()
    n_across = 0
    for at in range(114, 150, 6):
        ends = [(0, at), (at, 256)]
        cut = swept(
            [seas.part(lab, rows, (0, 256), name) for name, rows in zip("ab", ends, strict=True)]
        )
        assert len(cut.detections()) == 2
        [found] = cut.pairs().itertuples()
        assert found.kind == pair.kind == "close"
        assert found.gap_m == pytest.approx(pair.gap_m, abs=60.0)
        n_across += found.pair_id not in files_of(cut)
    assert (n_across >= 2) == (heading == 95.0)  # no row lies between the others


def files_of(sweep):
    """Ids of the pairs in the scenes' own files."""
    objects = sweep._objects
    files = [objects.get(key) for key in objects.list("pairs")]
    return {name for data in files for name in decode(data)["pair_id"].to_pylist()}


@pytest.mark.parametrize("sensor", ["sar", "optical"])
@pytest.mark.parametrize("heading", [3.0, 40.0, 92.0])
def test_a_hull_is_one_wherever_it_is_cut(seas, swept, sensor, heading):
    lab = seas.sea(sensor, 4, [(128.0, 128.0, 220.0, 34.0, heading)], (256, 256))
    [whole] = swept([lab]).detections().itertuples()
    n_twice = 0
    for at in (115, 120, 124, 126, 127, 128, 129, 131, 136, 141):
        labs = [seas.part(lab, rows, (0, 256), f"{at}{rows}") for rows in ((0, at), (at, 256))]
        cut = swept(labs)
        [found] = cut.detections().itertuples()
        # Of what is cut the greater part is kept.
        assert found.length_m >= 0.4 * whole.length_m
        assert np.hypot(whole.lon - found.lon, whole.lat - found.lat) * 111_000 < 70.0
        assert (cut.pairs()["detect_id_2"].isna()).all()
        n_twice += len(cut.detections("keep")) > 1
    assert n_twice >= 2


def test_tiles_of_two_zones_tell_what_the_whole_tells(seas, lab, swept):
    tiles = [seas.part(lab, (0, SHAPE[0]), (0, 330), "51"), seas.in_zone_52(lab, (190, 520), "52")]
    assert tiles[1].scene.grid.epsg == 32652
    found = swept(tiles)
    check(swept([lab]), found)
    assert set(found.detections()["item_id"]) == {"51", "52"}
    assert len(found.detections("keep")) > len(found.detections()) + 5


def test_four_corners_tell_what_the_whole_tells(seas, lab, swept):
    corners = [
        seas.part(lab, rows, cols, f"{rows}{cols}")
        for rows in ((0, 300), (250, SHAPE[0]))
        for cols in ((0, 280), (240, SHAPE[1]))
    ]
    check(swept([lab]), swept(corners))


def test_a_pass_over_midnight_is_one(seas, lab, swept):
    """The overlay of each day has its own scene's rows."""
    late = 2 * 3600 + 3 * 60 - 10  # the sea is seen at 21:57
    labs = [seas.part(lab, rows, (0, 520), name, late + 20 * k)
            for k, (name, rows) in enumerate([("a", (0, 340)), ("b", (200, 560))])]  # fmt: skip
    found = swept(labs)
    check(swept([lab]), found)
    assert set(found.detections()["date"]) == {"2017-10-19", "2017-10-20"}
    assert found.detections("keep").query("duplicate_of.notna()")["date"].nunique() == 2
