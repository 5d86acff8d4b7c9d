"""Azimuth ambiguities and sidelobes, on detections at given places and through the judge."""

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea.detection.doubts import excess_db
from westsea.detection.ghosts import flag_ghosts
from westsea.detection.hulls import DOUBT_SCORE, Hulls
from westsea.detection.tracks import azimuth_deg
from westsea.schema import Flag
from westsea_catalog.grid import GEOD, AffineGrid
from westsea_kernels.blocks import BLOCK

LON, LAT = 123.0, 37.2
GRID = AffineGrid(32651, (10.0, 0.0, 460_000.0, 0.0, -10.0, 4_160_000.0), (8000, 8000))
SEA_DB = -20.0
GHOST, SIDELOBE = int(Flag.AZIMUTH_AMBIGUITY), int(Flag.SIDELOBE)
IW = {"IW1": (4_900, 5_200), "IW2": (4_400, 4_700), "IW3": (5_500, 5_800)}
BOTH = pytest.mark.parametrize("orbit", ["ascending", "descending"])


def targets(east, north, snr_db):
    """Hulls at metres from a place, so many dB above the sea."""
    east, north, snr_db = (np.atleast_1d(np.asarray(v, float)) for v in (east, north, snr_db))
    n = east.size
    lon, lat, _ = GEOD.fwd(
        np.full(n, LON), np.full(n, LAT), np.degrees(np.arctan2(east, north)), np.hypot(east, north)
    )
    row, col = GRID.pixel(lon, lat)
    values = {field.name: np.ones(n) for field in fields(Hulls)} | {
        "lon": np.asarray(lon),
        "lat": np.asarray(lat),
        "peak_row": np.round(row).astype(np.int64),
        "peak_col": np.round(col).astype(np.int64),
        "peak_db": SEA_DB + snr_db,
        "clutter_db": np.full(n, SEA_DB),
        "snr_db": snr_db,
        "score": np.full(n, 0.8),
        "flags": np.zeros(n, np.int32),
        "is_land": np.zeros(n, np.bool_),
        "at_land": np.zeros(n, np.bool_),
        "detect_id": np.array([f"t{k:04d}" for k in range(n)], object),
        "doubt_detect_id": np.full(n, None, object),
        "doubt_ratio_db": np.full(n, np.nan),
        "speed_mps": np.full(n, np.nan),
        "speed_sd_mps": np.full(n, np.nan),
    }
    return Hulls(**values)


def flagged(hulls, orbit="ascending", land=None, land_level=1.0):
    """The hulls flagged; land: (row, col) of a pixel of a block of land of so much intensity."""
    at = np.array([] if land is None else [np.array(land) // BLOCK], np.int64).reshape(-1, 2)
    largest = np.full((1, GRID.shape[0] // BLOCK, GRID.shape[1] // BLOCK), -np.inf, np.float32)
    largest[0][tuple(at.T)] = land_level
    scene = SimpleNamespace(grid=GRID, orbit_state=orbit, radar=None)
    summary = SimpleNamespace(window=GRID.full, largest=largest)
    return flag_ghosts(scene, summary, SimpleNamespace(land_at=at), hulls)


def polar(distance, bearing):
    return distance * np.sin(np.deg2rad(bearing)), distance * np.cos(np.deg2rad(bearing))


def heading(orbit, arc=4.5):
    return float(azimuth_deg(LAT, arc, ascending=orbit == "ascending"))


def with_ghost(distance, bearing, ratio_db, source_db=40.0):
    east, north = polar(distance, bearing)
    below = 10 * np.log10(10 ** ((source_db - ratio_db) / 10) + 1)  # on top of the sea
    return targets([0, east], [0, north], [source_db, below])


# -- azimuth ambiguities


@BOTH
@pytest.mark.parametrize("swath", IW)
@given(
    share=st.floats(0, 1), ratio=st.floats(20, 35), aside=st.floats(-75, 140), side=st.booleans()
)
@settings(max_examples=30)
def test_a_ghost_is_flagged_with_its_source(orbit, swath, share, ratio, aside, side):
    arc = {"IW1": 3.6, "IW2": 4.5, "IW3": 5.4}[swath]
    low, high = IW[swath]
    ahead = (low + share * (high - low)) * (1 if side else -1)
    track = heading(orbit, arc)
    east, north = np.add(polar(ahead, track), polar(aside, track + 90))
    hulls = with_ghost(np.hypot(east, north), np.degrees(np.arctan2(east, north)), ratio)
    found = flagged(hulls, orbit)
    assert found.flags.tolist() == [0, GHOST]
    assert found.doubt_detect_id.tolist() == [None, "t0000"]
    assert found.doubt_ratio_db[1] == pytest.approx(ratio, abs=0.5)
    assert np.isnan(found.doubt_ratio_db[0])
    assert found.score.tolist() == [0.8, pytest.approx(0.8 * DOUBT_SCORE)]


@pytest.mark.parametrize("track", [-12.0, -13.3])
@pytest.mark.parametrize("swath", IW)
def test_products_that_take_the_platforms_heading_for_azimuth(swath, track):
    assert flagged(with_ghost(np.mean(IW[swath]), track, 28)).flags[1] == GHOST


@pytest.mark.parametrize(
    ("distance", "turn", "ratio"),
    [
        (4_150, 0, 28),  # too near
        (5_350, 0, 28),  # between the subswaths
        (6_050, 0, 28),
        (5_050, 90, 28),  # in range
        (5_050, 20, 28),
        (5_050, 0, 14),  # too bright for a ghost
        (5_050, 0, 42),  # too weak
    ],
)
def test_what_is_no_ghost(distance, turn, ratio):
    hulls = with_ghost(distance, heading("ascending") + turn, ratio, source_db=45.0)
    assert flagged(hulls).flags.tolist() == [0, 0]


def test_the_wrong_orbit_has_its_ghosts_elsewhere_and_an_unknown_one_in_both():
    hulls = with_ghost(5_050, heading("ascending"), 28)
    assert flagged(hulls, "descending").flags[1] == 0
    assert flagged(hulls, "unknown").flags[1] == GHOST
    cross = with_ghost(150, heading("descending"), 32)
    assert [flagged(cross, orbit).flags[1] for orbit in ("ascending", "unknown")] == [0, SIDELOBE]


def test_the_brightest_source_is_named():
    track = heading("ascending")
    ahead, behind = polar(5_050, track), polar(-5_050, track)
    hulls = targets([0, ahead[0], behind[0]], [0, ahead[1], behind[1]], [12, 36, 39])
    assert flagged(hulls).doubt_detect_id[0] == "t0002"


def test_land_throws_ghosts_too():
    hulls = targets(*polar(5_050, heading("ascending")), 12.0)
    row, col = GRID.pixel(LON, LAT)
    land = (int(row), int(col))
    found = flagged(hulls, land=land, land_level=100.0)
    assert found.flags.tolist() == [GHOST]
    assert found.doubt_detect_id.tolist() == [None]
    assert found.doubt_ratio_db[0] == pytest.approx(28.3, abs=0.1)
    assert flagged(hulls, land=land, land_level=0.1).flags.tolist() == [0]


@pytest.mark.parametrize("per_km2", [0.5, 1.0])
def test_few_ships_of_an_anchorage_are_taken_for_ghosts(per_km2):
    """Levels as published contrasts are: normal about 20 dB, 6 dB wide, above the threshold."""
    n_flagged = n_ships = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        n = rng.poisson(per_km2 * 20 * 20)
        east, north = rng.uniform(-10_000, 10_000, (2, n))
        snr = rng.normal(20, 6, 3 * n)
        found = flagged(targets(east, north, snr[snr > 9][:n]))
        n_flagged += np.count_nonzero(found.flags)
        n_ships += n
    assert n_flagged <= 0.04 * n_ships


# -- sidelobes


@BOTH
@pytest.mark.parametrize("quarter", [0, 90, 180, 270])
@pytest.mark.parametrize(("distance", "ratio"), [(60, 24), (150, 32), (280, 37)])
def test_a_sidelobe_on_any_arm(orbit, quarter, distance, ratio):
    hulls = with_ghost(distance, heading(orbit) + quarter, ratio, source_db=48.0)
    found = flagged(hulls, orbit)
    assert found.flags.tolist() == [0, SIDELOBE]
    assert found.doubt_detect_id.tolist() == [None, "t0000"]
    assert found.doubt_ratio_db[1] == pytest.approx(ratio, abs=0.5)


@pytest.mark.parametrize(
    ("distance", "turn", "ratio"),
    [(150, 45, 32), (150, 0, 20), (60, 0, 12), (500, 0, 45), (250, 15, 37)],
)
def test_what_is_no_sidelobe(distance, turn, ratio):
    hulls = with_ghost(distance, heading("ascending") + turn, ratio, source_db=48.0)
    assert flagged(hulls).flags.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("turn", "width", "is_arm"), [(0, 15, True), (8, 15, True), (13, 15, False), (0, 25, False)]
)
def test_a_slim_piece_of_an_arm_may_be_brighter(turn, width, is_arm):
    """At 250 m the envelope is 35 dB; this one is 27 dB weaker."""
    along_range = heading("ascending") + 90
    hulls = with_ghost(250 + 50, along_range, 27, source_db=48.0)
    hulls = replace(
        hulls,
        length_m=np.array([100.0, 100.0]),
        width_m=np.array([30.0, width]),
        heading_deg=np.array([along_range, along_range + turn]) % 180,
    )
    assert flagged(hulls).flags.tolist() == [0, SIDELOBE * is_arm]


def test_two_like_hulls_alongside_are_none():
    hulls = targets([0, 70, 0], [0, 0, 90], [25, 18, 14])
    assert not flagged(hulls).flags.any()


# -- laws


@given(seed=st.integers(0, 1 << 32), n=st.integers(0, 60))
@settings(max_examples=25)
def test_the_order_of_detections_does_not_matter(seed, n):
    rng = np.random.default_rng(seed)
    hulls = targets(*rng.uniform(-4_000, 4_000, (2, n)), rng.uniform(9, 48, n))
    order = rng.permutation(n)
    straight, shuffled = flagged(hulls).take(order), flagged(hulls.take(order))
    assert straight.flags.tolist() == shuffled.flags.tolist()
    assert straight.doubt_detect_id.tolist() == shuffled.doubt_detect_id.tolist()
    assert straight.doubt_ratio_db.tolist() == pytest.approx(
        shuffled.doubt_ratio_db.tolist(), nan_ok=True
    )


def test_a_doubt_that_was_there_lowers_the_score_once():
    hulls = with_ghost(5_050, heading("ascending"), 28)
    hulls = replace(hulls, flags=np.array([0, int(Flag.LAND_NEAR)], np.int32))
    found = flagged(hulls)
    assert found.flags[1] == GHOST | int(Flag.LAND_NEAR)
    assert found.score[1] == 0.8


def test_a_peak_at_the_level_of_the_sea_has_an_excess_all_the_same():
    assert np.isfinite(excess_db(targets(0, 0, 0.0))).all()


# -- through the judge


def test_a_ghost_and_a_sidelobe_in_pixels(sim):
    image = sim.radar_sea(2, (900, 320), 2, looks=20.0)
    lab = sim.lab(image)
    row, col = 150, 220
    lon, lat = lab.scene.grid.lonlat(row, col)
    spots = {"ship": (row, col, 30_000.0)}
    track = float(azimuth_deg(float(lat), 4.5, ascending=True))
    for name, (distance, bearing, level) in {
        "ghost": (-5_050, track, 60.0),
        "sidelobe": (150, track + 90, 40.0),
    }.items():
        place = GEOD.fwd(lon, lat, bearing, distance)
        spots[name] = (*np.round(lab.scene.grid.pixel(*place[:2])).astype(int), level)
    for r, c, level in spots.values():
        image[:, r : r + 2, c : c + 2] += np.array([0.02, 0.004])[:, None, None] * level
    found = sim.lab(image).frames()["detections"]
    found.index = [
        next(name for name, (r, c, _) in spots.items() if np.hypot(a - r, b - c) < 5)
        for a, b in zip(found.row, found.col, strict=True)
    ]
    assert found["flags"].to_dict() == {"ship": 0, "ghost": GHOST, "sidelobe": SIDELOBE}
    assert set(found.doubt_detect_id[["ghost", "sidelobe"]]) == {found.detect_id["ship"]}
    assert found.doubt_detect_id["ship"] is None
    assert found.doubt_ratio_db["ghost"] == pytest.approx(27.0, abs=2.0)
