import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from westsea.detection.hulls import DOUBT_SCORE
from westsea.schema import Flag

SIDE = 256
WATER, CLOUDS = 6, (3, 8, 9, 10)
NO_CLOUDS = (0, 1, 2, 4, 5, 6, 7, 11)


def scene(sim, classes=None, ship=(120, 130), side=SIDE):
    image = sim.optical_sea(1, (side, side))
    image[:, ship[0] - 2 : ship[0] + 3, ship[1] - 4 : ship[1] + 5] = 9000
    return sim.lab(image, sensor="optical", scl=classes)


def classified(value, rows, cols, side=SIDE):
    """SCL at 20 m, one class over some pixels of 10 m."""
    classes = np.full((side // 2, side // 2), WATER, np.uint8)
    classes[rows.start // 2 : rows.stop // 2, cols.start // 2 : cols.stop // 2] = value
    return classes


def only(lab):
    found = lab.frames()["detections"]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize("value", CLOUDS + NO_CLOUDS)
def test_beside_cloud_or_its_shadow(sim, value):
    found = only(scene(sim, classified(value, slice(96, 150), slice(140, 160))))
    assert bool(found["flags"] & int(Flag.CLOUD)) == (value in CLOUDS)


def test_a_ship_that_is_taken_for_cloud_is_none(sim):
    plain = only(scene(sim))
    found = only(scene(sim, classified(9, slice(114, 128), slice(124, 138))))
    assert found["flags"] == 0
    assert found.score == plain.score


@pytest.mark.parametrize("value", [WATER, 9])
def test_what_is_wider_than_ships_is_looked_at_itself(sim, value):
    image = sim.optical_sea(1, (SIDE, SIDE))
    image[:, 110:122, 120:134] = 9000
    lab = sim.lab(image, sensor="optical", scl=classified(value, slice(110, 122), slice(120, 134)))
    found = only(lab)
    assert found["width_m"] > 90
    assert bool(found["flags"] & int(Flag.CLOUD)) == (value == 9)


def test_cloud_farther_off_does_not_count(sim):
    found = only(scene(sim, classified(9, slice(0, 90), slice(0, 256))))
    assert found["flags"] == 0


def test_the_score_falls_once(sim):
    cloud = classified(9, slice(96, 150), slice(140, 160))
    plain, cloudy = only(scene(sim)), only(scene(sim, cloud))
    assert cloudy.score == pytest.approx(DOUBT_SCORE * plain.score)
    at_edge = (3, 130)
    cloud = classified(9, slice(0, 40), slice(140, 180))
    plain, cloudy = only(scene(sim, ship=at_edge)), only(scene(sim, cloud, ship=at_edge))
    assert cloudy["flags"] == plain["flags"] | int(Flag.CLOUD)
    assert cloudy.score == plain.score


def test_without_a_classification_there_is_no_cloud(sim):
    assert only(scene(sim))["flags"] == 0


def test_a_scene_so_small_that_all_of_it_is_the_ship(sim):
    image = np.full((1, 14, 14), 1000, np.uint16)
    image[:, 5:8, 5:9] = 9000
    lab = sim.lab(image, sensor="optical", scl=np.full((7, 7), 9, np.uint8))
    assert only(lab)["flags"] & int(Flag.CLOUD) == 0


def test_only_the_window_around_is_read(sim):
    classes = classified(9, slice(96, 150), slice(140, 160))
    lab = scene(sim, classes)
    assert lab.frames(window=lab.full)["detections"].equals(lab.frames()["detections"])
    assert only(scene(sim, classes[: SIDE // 2 - 1, :], side=SIDE - 1))["flags"] == Flag.CLOUD


STOUT = (slice(116, 121), slice(124, 132))
WHITE = {"B02": 0.86, "B03": 0.88, "B04": 0.95}


def stout(sim, classes, contrast=WHITE, place=STOUT, spot=0, soft=1.5):
    """A blob of 50 x 80 m, softened, of one colour; `spot` lies on it in the visible alone."""
    light = np.zeros((SIDE, SIDE))
    light[place] = 8000.0
    light = gaussian_filter(light, soft)
    image = (sim.optical_sea(1, (SIDE, SIDE)) + light).astype(np.uint16)
    visible = {}
    for k, (name, share) in enumerate(contrast.items()):
        seen = share * light
        seen[place[0], place[1].start : place[1].start + 3] += spot
        visible[name] = (sim.optical_sea(2 + k, (SIDE, SIDE)) + seen).astype(np.uint16)[0]
    return only(sim.lab(image, sensor="optical", scl=classes, visible=visible))


def on_it(value):
    return classified(value, slice(112, 124), slice(120, 136))


@pytest.mark.parametrize("value", CLOUDS + NO_CLOUDS)
def test_small_white_clouds(sim, value):
    found = stout(sim, on_it(value))
    assert 30 < found.width_m < 65
    assert found["flags"] == (Flag.CLOUD if value in CLOUDS else 0)


@pytest.mark.parametrize(
    "options",
    [
        {"contrast": {"B02": 0.6, "B03": 0.7, "B04": 0.95}},
        {"contrast": {"B02": 0.86, "B03": 0.88, "B04": 0.8}},
        {"contrast": {"B02": 1.4, "B03": 1.4, "B04": 1.2}},
        {"contrast": {"B02": 0.86, "B03": 0.88}},
        {"spot": 3000.0},
        {"place": (slice(117, 119), slice(120, 136)), "soft": 0.5},
    ],
    ids=["red", "green", "blue", "a band is missing", "a white house", "a ship's shape"],
)
def test_ships_that_are_taken_for_cloud(sim, options):
    assert stout(sim, on_it(9), **options)["flags"] == 0


def test_white_rafts_in_clear_air(sim):
    assert stout(sim, None)["flags"] == 0
