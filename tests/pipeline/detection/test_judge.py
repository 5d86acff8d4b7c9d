"""The judge as a whole: what is conserved, what is clipped, and what cannot make it fall over."""

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from westsea.detection import judge
from westsea.detection.judge import normal_tail
from westsea.detector import Detector
from westsea.schema import DOUBT, TABLES
from westsea_catalog.errors import ConfigError, RefusedScene
from westsea_catalog.grid import Window

SENSOR = pytest.mark.parametrize("sensor", ["sar", "optical"])


def ships(image, places, value, size=(4, 9)):
    for row, col in places:
        image[:, row : row + size[0], col : col + size[1]] = value
    return image


def sea(sim, sensor, shape, seed=1):
    return sim.radar_sea(seed, shape) if sensor == "sar" else sim.optical_sea(seed, shape)


BRIGHT = {"sar": 10.0, "optical": 9000}
NODATA = {"sar": -32768.0, "optical": 0.0}


def km2(lab):
    """Valid, masked and without data."""
    row = lab.frames()["scenes"].iloc[0]
    return np.array([row.km2_valid, row.km2_masked, row.km2_nodata])


# -- the scene's own row


@SENSOR
@pytest.mark.parametrize("place", ["utm", "mercator"])
def test_every_pixel_is_searched_masked_or_without_data(sim, sensor, place):
    where = {
        "utm": {"epsg": 32651, "origin": (500_000.0, 4_200_000.0)},
        "mercator": {"epsg": 3857, "origin": (13_700_000.0, 4_580_000.0)},
    }[place]
    image = sea(sim, sensor, (500, 450))
    image[:, 40:90, 300:] = NODATA[sensor]
    if sensor == "optical":
        image[:, 400:, :100] *= 8  # land, seen in the pixels
    lab = sim.lab(image, sensor=sensor, **where)
    lon, lat = lab.scene.grid.lonlat(250.0, 400.0)
    coast = sim.coast(shapely.box(lon, lat - 1, lon + 1, lat + 1))
    lab = sim.lab(image, sensor=sensor, coast=coast, **where)
    metres = 10 if place == "utm" else 10 * np.cos(np.deg2rad(lat))
    whole = 500 * 450 * metres**2 / 1e6
    valid, masked, nodata = km2(lab)
    assert valid + masked + nodata == pytest.approx(whole, rel=2e-3)
    # The mask begins 300 m inland of the coast.
    inland = 50 - 300 / metres
    land = 500 * inland
    seen = {"sar": 0, "optical": 100 * 100}[sensor]
    column = 500 * metres**2 / 1e6
    assert masked == pytest.approx((land + seen) * metres**2 / 1e6, abs=1.2 * column)
    assert nodata == pytest.approx(50 * (150 - inland) * metres**2 / 1e6, abs=0.12 * column)


@SENSOR
def test_the_scenes_row(sim, sensor):
    image = ships(
        sea(sim, sensor, (400, 400)), [(100, 100), (100, 140), (300, 200)], BRIGHT[sensor]
    )
    frames = sim.lab(image, sensor=sensor).frames()
    row = frames["scenes"].iloc[0]
    assert row.n_detections == len(frames["detections"]) == 3
    assert row.n_pairs == len(frames["pairs"]) == 1
    assert row.item_id == "scene"
    assert shapely.from_wkb(row.footprint).bounds == (124, 37, 125, 38)
    assert row.polarizations.tolist() == (["VV", "VH"] if sensor == "sar" else ["B08"])
    assert row.pfa_nominal == pytest.approx(3e-8 if sensor == "sar" else 1.49e-10, rel=1e-2)
    pair = frames["pairs"].iloc[0]
    assert {pair.detect_id_1, pair.detect_id_2} < set(frames["detections"].detect_id)


def test_the_empirical_rate_leaves_ships_out(sim):
    detector = Detector(false_alarm_rate=1e-6)
    image = sim.radar_sea(3, (768, 768))
    places = [(row, col) for row in range(20, 740, 160) for col in range(20, 740, 160)]
    busy = ships(image.copy(), places, 10.0)  # as many pixels again, half as many more
    for pixels in (image, busy):
        row = sim.lab(pixels, detector=detector).frames()["scenes"].iloc[0]
        assert row.pfa_empirical == pytest.approx(1e-6, rel=0.35)


@pytest.mark.parametrize(("specks", "land"), [(1160, False), (1450, True)])
def test_the_empirical_rate_of_an_optical_scene(sim, specks, land):
    """Specks above growth and below the seed count; ships and land do not."""
    image = sim.optical_sea(4, (512, 512), 1000.0, 20.0)
    if land:
        ships(image, [(101, 101), (301, 201)], 9000)
        image[:, 400:, 420:] = sim.optical_sea(5, (112, 92), 4000.0, 100.0)
    image[:, ::33, ::33] = specks  # one in four of them is counted
    detector = Detector(optical_growth_contrast=0.1)
    row = sim.lab(image, sensor="optical", detector=detector).frames()["scenes"].iloc[0]
    nominal = normal_tail(detector.optical_seed_sigma) / normal_tail(4.0)
    assert row.pfa_empirical == pytest.approx(nominal / 32**2, rel=0.1)


def test_normal_tail():
    assert normal_tail(0.0) == 0.5
    assert normal_tail(6.0) == pytest.approx(9.866e-10, rel=1e-3)


# -- clipping


@SENSOR
def test_more_detections_than_ships_can_be_are_no_sea(sim, sensor, monkeypatch):
    every = [(row, col) for row in range(8, 248, 12) for col in range(8, 240, 16)]
    lab = sim.lab(ships(sea(sim, sensor, (256, 256)), every, BRIGHT[sensor], (2, 5)), sensor=sensor)
    n = len(lab.frames()["detections"])
    most = sum(k * (k - 1) // 2 for k in np.bincount(np.arange(n) % 4))  # in four cells
    monkeypatch.setattr(judge, "MOST_NEAR", most - 1)
    with pytest.raises(RefusedScene, match=rf"has {n} detections, closer together than ships"):
        lab.frames()


@SENSOR
def test_the_aoi_clips_centroids_and_midpoints(sim, sensor):
    places = [(100, 100), (100, 130), (100, 300), (100, 330), (300, 230)]
    image = ships(sea(sim, sensor, (400, 400)), places, BRIGHT[sensor])
    lab = sim.lab(image, sensor=sensor)
    everything = lab.frames()
    assert [len(everything[name]) for name in ("detections", "pairs")] == [5, 2]
    # The western border runs between the first pair's midpoint (col 119) and its second hull.
    west, _ = lab.scene.grid.lonlat(101.0, 125.0)
    aoi = shapely.box(float(west), -90, 180, 90)
    clipped = lab.frames(aoi=aoi)
    assert [len(clipped[name]) for name in ("detections", "pairs")] == [4, 1]
    assert clipped["scenes"].n_detections[0] == 4
    assert clipped["scenes"].n_pairs[0] == 1
    kept = everything["detections"].query("lon >= @west").reset_index(drop=True)
    assert clipped["detections"].equals(kept)
    nowhere = lab.frames(aoi=shapely.box(0, 0, 1, 1))
    assert [len(nowhere[name]) for name in ("detections", "pairs")] == [0, 0]


@SENSOR
def test_a_larger_window_changes_nothing_well_inside(sim, sensor):
    """Five cells from the rim, where all the sea that matters lies in both windows."""
    image = sea(sim, sensor, (1812, 1802))
    rng = np.random.default_rng(7)
    ships(image, rng.integers(20, 1780, (240, 2)), BRIGHT[sensor])
    lab = sim.lab(image, sensor=sensor)
    columns = ["detect_id", "row", "col", "length_m", "width_m", "heading_deg", "peak_db",
               "clutter_db", "snr_db", "score", "flags", "lon", "lat", "n_pixels"]  # fmt: skip
    tables = []
    for window in (lab.full, Window(128, 1664, 0, 1802), Window(128, 1812, 128, 1664)):
        found = lab.frames(window=window)["detections"]
        inside = found.row.between(768, 1024) & found.col.between(768, 1024)
        tables.append(found[inside][columns].reset_index(drop=True))
    assert len(tables[0]) > 3
    assert tables[1].equals(tables[0])
    assert tables[2].equals(tables[0])


# -- scenes of every kind


def no_data(lab):
    assert len(lab.frames()["detections"]) == 0
    row = lab.frames()["scenes"].iloc[0]
    assert row.km2_valid == 0
    assert np.isnan([row.clutter_db, row.enl, row.k_order, row.pfa_empirical]).all()
    return row


@SENSOR
@pytest.mark.parametrize("shape", [(1, 1), (17, 5), (16, 16), (300, 290)])
def test_no_data_at_all(sim, sensor, shape):
    image = sea(sim, sensor, shape)
    image[:] = NODATA[sensor]
    assert no_data(sim.lab(image, sensor=sensor)).km2_nodata > 0


@SENSOR
@pytest.mark.parametrize("shape", [(17, 5), (300, 290)])
def test_nothing_but_land(sim, sensor, shape):
    image = sea(sim, sensor, shape)
    lab = sim.lab(image, sensor=sensor)
    lon, lat = lab.scene.grid.lonlat(0, 0)
    coast = sim.coast(shapely.box(lon - 1, lat - 1, lon + 1, lat + 1))
    assert no_data(sim.lab(image, sensor=sensor, coast=coast)).km2_masked > 0


@SENSOR
@pytest.mark.parametrize("shape", [(1, 1), (17, 5), (5, 400), (129, 130)])
def test_tiny_scenes(sim, sensor, shape):
    image = sea(sim, sensor, shape)
    lab = sim.lab(image, sensor=sensor)
    assert len(lab.frames()["detections"]) <= 2  # thresholds are as rough as the scene is small
    if min(shape) > 100:
        ships(image, [(60, 60)], BRIGHT[sensor])
        found = sim.lab(image, sensor=sensor).frames()["detections"]
        assert (np.hypot(found.row - 61.5, found.col - 64) < 1).sum() == 1


@SENSOR
@pytest.mark.parametrize("value", [1e-30, 0.02, 1.0, 900.0, 65535.0, 1e30])
def test_constant_scenes(sim, sensor, value):
    image = np.full((2 if sensor == "sar" else 1, 200, 150), value, np.float32)
    assert len(sim.lab(image, sensor=sensor).frames()["detections"]) == 0


def test_holes_in_the_pixels(sim):
    image = ships(sim.radar_sea(8, (500, 500)), [(100, 100), (300, 300)], 10.0)
    image[np.random.default_rng(9).random(image.shape) < 0.05] = np.nan
    found = sim.lab(image).frames()["detections"]
    assert len(found) == 2
    assert (found.n_pixels < 36).all()
    assert ((found["flags"] & int(DOUBT)) == 0).all()


@pytest.mark.parametrize("nodata", [float("nan"), 0.0, -9999.0])
def test_any_value_may_mean_no_data(sim, nodata):
    image = ships(sim.radar_sea(10, (300, 300)), [(100, 100)], 10.0)
    image[:, 200:] = nodata
    lab = sim.lab(image, nodata=nodata)
    assert len(lab.frames()["detections"]) == 1
    assert lab.frames()["scenes"].km2_nodata[0] == pytest.approx(3.0, rel=1e-2)


def test_thousands_of_blobs(sim):
    """8,100 hulls of 2 x 3 pixels of 40 m, 640 m apart: all are found, none is paired."""
    image = sim.radar_sea(11, (1440, 1440), looks=20.0)
    image[:, 6::16, 6::16] = image[:, 7::16, 7::16] = image[:, 6::16, 7::16] = 10.0
    frames = sim.lab(image, pixel=40.0).frames()
    assert len(frames["detections"]) == 8100
    assert len(frames["pairs"]) == 0
    assert frames["detections"].detect_id.is_unique


VALUES = {
    "sar": st.sampled_from(
        [0.0, 0.01, 0.02, 0.5, 3.0, 1e-20, 3e38, -1.0, -32768.0, np.nan, np.inf]
    ),
    "optical": st.sampled_from([0, 1, 2, 300, 310, 900, 5000, 65534, 65535]),
    "signed": st.sampled_from([-32768, -500, -1, 0, 1, 700, 32767]),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
@settings(max_examples=40)
def test_any_pixels_give_tables(sim, kind, data):
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    dtype = {"sar": np.float32, "optical": np.uint16, "signed": np.int16}[kind]
    sensor = "sar" if kind == "sar" else "optical"
    n_bands = data.draw(st.sampled_from([1, 2])) if sensor == "sar" else 1
    background = data.draw(VALUES[kind])
    image = data.draw(
        hnp.arrays(dtype, (n_bands, *shape), elements=VALUES[kind], fill=st.just(background))
    )
    classes = None
    if sensor == "optical" and data.draw(st.booleans()):
        classes = np.full([-(-side // 2) for side in shape], 9, np.uint8)
    lab = sim.lab(image, sensor=sensor, scl=classes)
    built_and_sound(lab.judge())


@SENSOR
@given(seed=st.integers(0, 1 << 32), rows=st.integers(1, 260), cols=st.integers(1, 260))
@settings(max_examples=40)
def test_any_clumps_give_tables(sim, sensor, seed, rows, cols):
    rng = np.random.default_rng(seed)
    image = sea(sim, sensor, (rows, cols), seed).astype(float)
    for _ in range(rng.integers(0, 30)):
        row, col = rng.integers(0, (rows, cols))
        height, width = rng.integers(1, 60, 2)
        factor = rng.choice([0.1, 2.0, 8.0, 40.0, 1e5])
        image[:, row : row + height, col : col + width] *= factor
    image[:, rng.random((rows, cols)) < rng.choice([0, 0.3])] = NODATA[sensor]
    dtype = np.float32 if sensor == "sar" else np.uint16
    lab = sim.lab(image.clip(-32768, 65535).astype(dtype), sensor=sensor)
    built_and_sound(lab.judge())
    assert lab.bytes(carry="none") == lab.bytes(carry="bright") == lab.bytes(carry="all")


def built_and_sound(judged):
    """Tables were built, which refuses NaN and null; what is left is infinities and ranges."""
    for name, table in judged.tables.items():
        assert table.schema.equals(TABLES[name].schema)
        for column in table.schema:
            if pa.types.is_floating(column.type) and name != "scenes":
                assert np.isfinite(table[column.name].drop_null().to_numpy()).all()
    found = judged.tables["detections"].to_pandas()
    for name in ("length_m", "width_m", "length_sd_m", "width_sd_m", "position_sd_m", "n_pixels"):
        assert (found[name] > 0).all()
    assert (found.length_m >= found.width_m).all()
    assert found.heading_deg.between(0, 180, inclusive="left").all()
    assert found.score.between(0, 1).all()
    assert found.detect_id.is_unique
    told = found[found.p_alongside.notna()]
    assert told.p_alongside.between(0, 1).all()
    assert told.p_wide_single.between(0, 1 - told.p_alongside).all()
    assert (found.n_hulls.isna() == found.p_alongside.isna()).all()


# -- settings


@pytest.mark.parametrize(
    "setting",
    [
        {"false_alarm_rate": 0.01},
        {"false_alarm_rate": 0.0},
        {"growth_rate": 0.5},
        {"optical_seed_sigma": 3.0},
        {"optical_growth_contrast": 0.3},
        {"optical_growth_contrast": 0.0},
        {"largest_hull_m2": -1.0},
        {"land_inset_m": float("nan")},
        {"alongside_gap_m": 600.0},
        {"close_gap_m": float("inf")},
        {"prior": 1.0},
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting):
    with pytest.raises(ConfigError, match="must lie between") as caught:
        Detector(**setting)
    related = {"optical_seed_sigma": "optical_growth_sigma", "optical_growth_contrast": ""}
    name = next(iter(setting))
    assert name in str(caught.value) or related.get(name, name) in str(caught.value)
