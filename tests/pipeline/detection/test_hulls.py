"""Planted hulls through the whole judge."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from westsea.detection.axes import blur
from westsea.detection.hulls import DOUBT_SCORE
from westsea.detection.tracks import MID_SWATH_DEG, azimuth_deg
from westsea.detector import Detector
from westsea.schema import FAR_M, Flag
from westsea_catalog.grid import GEOD

PLACES = {
    # UTM 51N near its western border, where north is 1.8 degrees off the grid's
    "utm": {"epsg": 32651, "origin": (250_000.0, 4_230_000.0)},
    # a nominal 10 m is 7.9 m on the ground
    "mercator": {"epsg": 3857, "origin": (13_400_000.0, 4_590_000.0)},
}
PLACE = pytest.mark.parametrize("place", PLACES)
SENSOR = pytest.mark.parametrize("sensor", ["sar", "optical"])
PSF_SD = {"sar": 21.4 / 2.355, "optical": 29.0**0.5}
SIDE = 320


def scene(sim, sensor, hulls, *, place="utm", noise=True, **options):
    """A sea with hulls, given as (row, col, length, width, heading)."""
    if sensor == "sar":
        image = sim.radar_sea(1, (SIDE, SIDE), 2, looks=20.0).astype(float)
        if not noise:
            image[:] = image.mean(axis=(1, 2), keepdims=True)
        above = 60 * image.mean(axis=(1, 2))
    else:
        image = sim.optical_sea(1, (SIDE, SIDE), 1000.0, 20.0 if noise else 0.0).astype(float)
        above = np.array([6000.0])
    lab = sim.lab(image, sensor=sensor, **PLACES[place], **options)
    for row, col, length, width, heading in hulls:
        ship, where = sim.hull_image(
            lab.scene.grid, row, col, length, width, heading, PSF_SD[sensor]
        )
        image[:, *where] += above[:, None, None] * ship
    image = image.astype(np.float32) if sensor == "sar" else image.round().astype(np.uint16)
    return sim.lab(image, sensor=sensor, **PLACES[place], **options)


def turn(one, two):
    """Angle between two axes, degrees."""
    away = abs(one - two) % 180
    return min(away, 180 - away)


@PLACE
@SENSOR
@given(
    length=st.floats(120, 330),
    ratio=st.floats(5.0, 7.0),
    heading=st.floats(0, 180),
    row=st.floats(158, 162),
    col=st.floats(158, 162),
)
@settings(max_examples=12)
def test_a_planted_hull_is_measured_in_metres_on_the_ground(
    sim, place, sensor, length, ratio, heading, row, col
):
    hull = (row, col, length, length / ratio, heading)
    found = scene(sim, sensor, [hull], place=place).frames()["detections"]
    assert len(found) == 1
    found = found.iloc[0]
    lab = scene(sim, sensor, [], place=place)
    lon, lat = lab.scene.grid.lonlat(row, col)
    assert GEOD.inv(lon, lat, found.lon, found.lat)[2] < 4.0
    assert np.hypot(found.row - row, found.col - col) < 0.5
    # Real hulls taper: one is longer than the rectangle that looks like it.
    length *= {"sar": 1.0, "optical": 1.07}[sensor]
    assert found.length_m == pytest.approx(length, rel=0.08)
    # A radar's rectangles are taken to be widened by what lies over; these are not.
    slack = 4.0 if sensor == "optical" else 5.0 + 0.25 * hull[3]
    assert found.width_m == pytest.approx(hull[3], abs=slack)
    assert turn(found.heading_deg, heading) < 2.5
    assert abs(found.length_m - length) < 3 * found.length_sd_m + 5
    assert found["flags"] & ~int(Flag.SATURATED) == 0
    assert 0 <= found.heading_deg < 180


def test_true_north_is_not_the_grids(sim):
    """The convergence of 1.8 degrees shows in the mean of many headings."""
    places = [(row, col) for row in (60, 160, 260) for col in (60, 160, 260)]
    hulls = [(row, col, 220.0, 36.0, 30.0) for row, col in places]
    found = scene(sim, "optical", hulls).frames()["detections"]
    assert len(found) == 9
    assert found.heading_deg.mean() == pytest.approx(30.0, abs=0.3)


@PLACE
def test_levels_in_decibels(sim, place):
    lab = scene(sim, "sar", [(160, 160, 200.0, 40.0, 20.0)], place=place)
    found = lab.frames()["detections"].iloc[0]
    vv = lab.arrays["VV"]
    assert found.clutter_db == pytest.approx(10 * np.log10(vv[:100].mean()), abs=0.3)
    # The plane is the mean of both bands over their medians, told in units of VV.
    bands = np.stack([lab.arrays[name] / np.median(lab.arrays[name]) for name in ("VV", "VH")])
    peak = bands.mean(axis=0).max() * np.median(vv)
    assert found.peak_db == pytest.approx(10 * np.log10(peak), abs=0.3)
    assert found.snr_db == pytest.approx(found.peak_db - found.clutter_db, abs=1e-9)


def test_optical_levels_are_the_files_own_numbers(sim):
    lab = scene(sim, "optical", [(160, 160, 200.0, 40.0, 20.0)])
    found = lab.frames()["detections"].iloc[0]
    assert found.peak_db == pytest.approx(10 * np.log10(float(lab.arrays["B08"].max())), abs=1e-9)
    assert found.clutter_db == pytest.approx(30.0, abs=0.1)


def test_a_peak_in_another_cell_has_that_cells_level(sim):
    """A blob begins in a dark cell; its decibels are those of the cell of its peak."""
    image = sim.radar_sea(3, (256, 256), 1, looks=20.0)
    image[:, :, 128:] *= 8
    image[0, 60:64, 124:128] = 0.02 * 30
    image[0, 60:64, 128:132] = 0.02 * 8 * 30
    image[0, 62, 131] = 0.02 * 8 * 100
    found = sim.lab(image).frames()["detections"]
    found = found[found.row.between(55, 70)].iloc[0]
    assert found.peak_db == pytest.approx(10 * np.log10(0.02 * 8 * 100), abs=0.5)


@SENSOR
def test_ids_are_of_the_peak_alone(sim, sensor):
    hulls = [(60, 60, 150.0, 25.0, 10.0), (200, 230, 180.0, 30.0, 100.0)]
    lab = scene(sim, sensor, hulls)
    ids = set(lab.frames()["detections"].detect_id)
    assert len(ids) == 2
    assert all(len(name) == 20 for name in ids)
    stricter = Detector(growth_rate=1e-4, optical_growth_contrast=0.19)
    again = scene(sim, sensor, hulls, detector=stricter).frames()["detections"]
    assert set(again.detect_id) == ids
    other = scene(sim, sensor, hulls, scene_id="other").frames()["detections"]
    assert not set(other.detect_id) & ids


# -- flags


def flag_of(lab, near=(160, 160), reach=12):
    """Flags of the one detection near a place."""
    found = lab.frames()["detections"]
    away = np.hypot(found.row - near[0], found.col - near[1])
    assert (away < reach).sum() == 1
    return Flag(int(found["flags"][away.argmin()]))


def dot(lab_or_image, row, col, value):
    lab_or_image[:, row - 2 : row + 3, col - 2 : col + 3] = value


@SENSOR
@pytest.mark.parametrize(
    ("row", "col", "is_edge"),
    [(3, 160, True), (4, 160, False), (316, 160, True), (315, 160, False),
     (160, 3, True), (160, 4, False), (160, 316, True), (160, 315, False)],
)  # fmt: skip
def test_the_files_border_is_an_edge(sim, sensor, row, col, is_edge):
    sea = sim.radar_sea if sensor == "sar" else sim.optical_sea
    image = sea(2, (SIDE, SIDE))
    dot(image, row, col, 10 if sensor == "sar" else 9000)
    flag = flag_of(sim.lab(image, sensor=sensor), (row, col))
    assert bool(flag & Flag.EDGE) == is_edge


@SENSOR
@pytest.mark.parametrize("slope", [0.2, 0.7, 1.0, 4.0])
def test_the_swaths_diagonal_is_an_edge(sim, sensor, slope):
    nodata = -32768.0 if sensor == "sar" else 0.0
    sea = sim.radar_sea if sensor == "sar" else sim.optical_sea
    image = sea(3, (640, 640))
    rows, cols = np.indices((640, 640))
    value = 10 if sensor == "sar" else 9000
    beside, inside = (400, 320), (400, 480)
    outside = cols - beside[1] < slope * (rows - beside[0])
    rim = ~outside & (np.hypot(rows - beside[0], cols - beside[1]) < 4)
    image[:, rim] = value
    image[:, outside] = nodata
    dot(image, *inside, value)
    lab = sim.lab(image, sensor=sensor)
    if not outside[inside]:
        assert flag_of(lab, inside) & Flag.EDGE == 0
    assert flag_of(lab, beside) & Flag.EDGE


@SENSOR
def test_a_border_without_data_is_an_edge(sim, sensor):
    sea = sim.radar_sea if sensor == "sar" else sim.optical_sea
    image = sea(4, (400, 400))
    image[:, :, :150] = -32768.0 if sensor == "sar" else 0.0
    dot(image, 160, 153, 10 if sensor == "sar" else 9000)
    dot(image, 240, 250, 10 if sensor == "sar" else 9000)
    lab = sim.lab(image, sensor=sensor)
    assert flag_of(lab, (160, 153)) & Flag.EDGE
    assert not flag_of(lab, (240, 250)) & Flag.EDGE


def test_dark_water_that_holds_the_value_of_no_data_is_no_edge(sim):
    image = sim.optical_sea(5, (512, 512), 300.0, 15.0)
    image[:, 150:260, 180:280] = 0
    dot(image, 200, 284, 9000)
    assert not flag_of(sim.lab(image, sensor="optical"), (200, 284)) & Flag.EDGE


def test_near_land_seen_in_the_pixels(sim):
    image = sim.optical_sea(6, (SIDE, SIDE), 500.0, 15.0)
    image[:, :, 200:] = sim.optical_sea(7, (SIDE, 120), 3000.0, 100.0)
    dot(image, 100, 192, 9000)
    dot(image, 200, 180, 9000)
    lab = sim.lab(image, sensor="optical")
    assert flag_of(lab, (100, 192)) & Flag.LAND_NEAR
    assert not flag_of(lab, (200, 180)) & Flag.LAND_NEAR
    found = lab.frames()["detections"]
    found = found[found.col < 197].sort_values("row")
    # to the middle of the first pixel of land, 10 m wide; UTM's scale is 0.9999 here
    assert found.distance_from_shore_m.tolist() == pytest.approx([80, 200], abs=3)


@pytest.mark.parametrize("light", [2000.0, 5000.0, 15000.0])
@pytest.mark.parametrize("within", [-0.4, 0.2, 0.4])
def test_a_blurred_shore_lies_where_it_has_half_its_light(sim, light, within):
    image = sim.optical_sea(6, (SIDE, SIDE), 500.0, 15.0).astype(float)
    edge = 200 + within  # in pixels, whose middles are whole numbers
    share = ndtr((np.arange(SIDE) - edge) * 10 / PSF_SD["optical"])
    image += share * light
    image[:, :, 250:] += 10_000 - light  # inland it is brighter, or darker
    dot(image, 100, 185, 9000)
    found = sim.lab(image.round(), sensor="optical").frames()["detections"]
    shore = found[(found.row - 100).abs() < 3].distance_from_shore_m.item()
    assert shore == pytest.approx(10 * (np.ceil(edge) - 185), abs=3)


@pytest.mark.parametrize(
    ("rows", "cols", "is_land"),
    [(62, 4, True), (3, 60, True), (44, 4, False), (21, 14, True), (33, 14, False), (9, 9, False)],
)
def test_what_is_larger_than_any_ship_is_land(sim, rows, cols, is_land):
    image = sim.optical_sea(9, (SIDE, SIDE), 500.0, 15.0)
    image[:, 100 : 100 + rows, 100 : 100 + cols] = 6000
    found = sim.lab(image, sensor="optical").frames()["detections"]
    assert len(found) == 1
    assert bool(found["flags"].item() & Flag.LAND_NEAR) == is_land
    assert found.distance_from_shore_m.item() == (0.0 if is_land else FAR_M)


STOUT = {
    # sensor, rows and cols of pixels, light over the sea's, pixels from the coast, whether an islet
    "islet": ("optical", (9, 7), 6.0, 150, True),
    "far from land": ("optical", (9, 7), 6.0, 250, False),
    "raft of three": ("optical", (12, 5), 6.0, 150, False),
    "small": ("optical", (4, 4), 6.0, 150, False),
    "rock": ("sar", (9, 9), 30.0, 150, True),
    "rock far from land": ("sar", (9, 9), 30.0, 250, False),
    "brighter than rock": ("sar", (9, 9), 400.0, 150, False),
    "hull on radar": ("sar", (12, 2), 30.0, 150, False),
}


@pytest.mark.parametrize("name", STOUT)
def test_what_is_too_stout_near_a_coast_may_be_an_islet(sim, name):
    sensor, (rows, cols), light, away, is_islet = STOUT[name]
    sea = sim.radar_sea if sensor == "sar" else sim.optical_sea
    image = sea(12, (SIDE, SIDE))
    image[:, 50 : 50 + rows, 30 : 30 + cols] *= np.array(light).astype(image.dtype)
    lon, lat = sim.lab(image, sensor=sensor).scene.grid.lonlat(50, 30 + cols // 2 + away)
    coast = sim.coast(shapely.box(lon, lat - 0.2, lon + 0.2, lat + 0.2))
    found = sim.lab(image, sensor=sensor, coast=coast).frames()["detections"]
    assert len(found) == 1
    assert bool(found["flags"].item() & Flag.LAND_NEAR) == is_islet
    # It stays where it is, and what its pixels say of several hulls is told.
    assert found.distance_from_shore_m.item() == pytest.approx(10.0 * away, abs=60)
    if rows > 5:
        assert np.isfinite(found.p_alongside.item())


@SENSOR
def test_near_the_coast(sim, sensor):
    plain = scene(sim, sensor, [])
    lon, lat = plain.scene.grid.lonlat(160, 172)
    coast = sim.coast(shapely.box(lon, lat - 0.2, lon + 0.2, lat + 0.2))
    hulls = [(160, 164, 60.0, 20.0, 0.0), (160, 140, 60.0, 20.0, 0.0), (160, 185, 60.0, 20.0, 0.0)]
    lab = scene(sim, sensor, hulls, coast=coast)
    found = lab.frames()["detections"].sort_values("col")
    assert len(found) == 3
    near = (found["flags"] & int(Flag.LAND_NEAR)) != 0
    # Inside the coast's line by less than it may be wrong: looked at, and flagged.
    assert near.tolist() == [False, True, True]
    assert found.distance_from_shore_m.tolist() == pytest.approx([320, 80, 0], abs=8)
    assert (scene(sim, sensor, hulls).frames()["detections"].distance_from_shore_m == FAR_M).all()


def test_far_inland_nothing_is_sought(sim):
    lon, lat = scene(sim, "sar", []).scene.grid.lonlat(160, 100)
    coast = sim.coast(shapely.box(lon, lat - 0.2, lon + 0.2, lat + 0.2))
    hulls = [(160, 60, 60.0, 20.0, 0.0), (160, 250, 60.0, 20.0, 0.0)]
    found = scene(sim, "sar", hulls, coast=coast).frames()["detections"]
    assert found.col.tolist() == pytest.approx([60], abs=1)


def test_saturated(sim):
    image = sim.optical_sea(8, (SIDE, SIDE))
    dot(image, 100, 100, 65535)
    dot(image, 200, 200, 65534)
    lab = sim.lab(image, sensor="optical")
    assert flag_of(lab, (100, 100)) == Flag.SATURATED
    assert flag_of(lab, (200, 200)) == 0
    radar = sim.radar_sea(9, (SIDE, SIDE))
    dot(radar, 100, 100, 70_000)
    assert flag_of(sim.lab(radar), (100, 100)) == 0


def test_saturated_where_the_product_is_cut(sim):
    image = sim.optical_sea(8, (SIDE, SIDE))
    dot(image, 100, 100, 15431)
    dot(image, 200, 200, 15430)
    lab = sim.lab(image, sensor="optical")
    assert flag_of(lab, (100, 100)) == Flag.SATURATED
    assert flag_of(lab, (200, 200)) == 0
    image[:, 98:103, 98:103] = 12_000
    image[:, 100, 100] = 15_431  # one pixel is the brightest of any scene
    assert flag_of(sim.lab(image, sensor="optical"), (100, 100)) == 0
    dot(image, 200, 200, 9000)
    dot(image, 100, 100, 9999)  # and darker than white nothing is cut
    assert flag_of(sim.lab(image, sensor="optical"), (100, 100)) == 0


def test_a_cut_leaves_a_hull_its_measures(sim):
    image = sim.optical_sea(8, (SIDE, SIDE)).astype(float)
    grid = sim.lab(image, sensor="optical").scene.grid
    ship, where = sim.hull_image(grid, 160, 160, 180.0, 30.0, 40.0, PSF_SD["optical"])
    image[:, *where] += 20_000 * ship
    whole = sim.lab(image.round().astype(np.uint16), sensor="optical")
    cut = sim.lab(image.round().clip(1, 15_431).astype(np.uint16), sensor="optical")
    whole, cut = (each.frames()["detections"].iloc[0] for each in (whole, cut))
    assert not whole["flags"] & Flag.SATURATED
    assert cut["flags"] & Flag.SATURATED
    for name, most in (("length_m", 12.0), ("width_m", 8.0), ("heading_deg", 1.0)):
        assert cut[name] == pytest.approx(whole[name], abs=most)
    assert np.isfinite(cut["length_sd_m"])


@pytest.mark.parametrize("level", [1300.0, 5000.0])
def test_what_is_darker_than_the_sea_is_not_sought(sim, level):
    """A limit that is stated, not wished for: slicks and shadows look the same."""
    image = sim.optical_sea(13, (SIDE, SIDE), level, 40.0)
    image[:, 150:168, 150:153] = level / 4
    assert len(sim.lab(image, sensor="optical").frames()["detections"]) == 0


@SENSOR
def test_doubt_lowers_the_score(sim, sensor):
    sea = sim.radar_sea if sensor == "sar" else sim.optical_sea
    scores = []
    for row in (3, 20):
        image = sea(10, (SIDE, SIDE))
        image[:, : 2 * SIDE] = np.median(image, axis=(1, 2), keepdims=True)
        dot(image, row, 160, 10 if sensor == "sar" else 9000)
        scores.append(sim.lab(image, sensor=sensor).frames()["detections"].score[0])
    assert scores[0] == pytest.approx(DOUBT_SCORE * scores[1])
    assert 0 < scores[0] < scores[1] <= 1


# -- the point spread


def test_the_blur_of_radar_lies_along_the_track(sim):
    ascending, descending = (
        blur(sim.lab(np.ones((1, 9, 9)), orbit=orbit).scene)
        for orbit in ("ascending", "descending")
    )
    assert ascending[:2] == pytest.approx(descending[:2])
    assert ascending[2] == pytest.approx(-descending[2])
    # An ascending pass flies to 350 degrees: azimuth, which is blurred more, leans to the west.
    assert ascending[2] < 0
    assert ascending[1] > ascending[0]
    variances = np.linalg.eigvalsh([[ascending[0], ascending[2]], [ascending[2], ascending[1]]])
    assert np.sqrt(variances) * 2.3548 == pytest.approx([20.4, 22.5], rel=1e-4)
    direction = np.linalg.eigh([[ascending[0], ascending[2]], [ascending[2], ascending[1]]])[1][
        :, 1
    ]
    heading = np.degrees(np.arctan2(*direction)) % 180
    # The platform's heading is -13.4 degrees; azimuth in mid-swath turns back by 3.5.
    assert heading - 180 == pytest.approx(azimuth_deg(37.9, MID_SWATH_DEG, ascending=True), abs=0.1)
    assert -11 < heading - 180 < -9.5


def test_the_blur_of_optical_is_round(sim):
    image = np.ones((1, 9, 9), np.uint16)
    assert blur(sim.lab(image, sensor="optical").scene).tolist() == [29.0, 29.0, 0.0]
