"""The simulated radar: its geometry, response, sea, targets and what it makes up."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from westsea_catalog.archive import echoes, fields, sar
from westsea_catalog.archive.frame import Frame
from westsea_catalog.archive.hulls import Hull, Part, draw_hull
from westsea_catalog.archive.land import Land
from westsea_catalog.archive.layout import Layout, PlantedHull, Structure
from westsea_catalog.archive.scatterers import Scatterers, draw_scatterers, expected_rcs
from westsea_catalog.archive.seas import RadarSea, backscatter
from westsea_catalog.grid import AffineGrid

# Off the central meridian: true north is 2.4 degrees off the columns.
GRID = AffineGrid(32652, (10.0, 0.0, 136570.0, 0.0, -10.0, 4051970.0), (512, 480))
FLAT = RadarSea(-15.0, -22.0, order=1e5, correlation_m=150.0, trend_db=0.0, range_slope_db=0.0)
SILENT = replace(FLAT, vv_db=-90.0, vh_db=-90.0, smear_m=0.0, shift_m=0.0, roll_rad_s=0.0)
QUIET = sar.Pass(-12.0, noise_db=-90.0)


def rng(seed=0):
    return np.random.default_rng(seed)


def plant(hull, row=231.3, col=248.8, **kwargs):
    return PlantedHull(hull, row, col, 0, GRID.jacobian(row, col), **kwargs)


def render(radar, sea, *hulls, structures=(), land=None, grid=GRID, seed=0):
    land = land or Land.none(grid.shape)
    return sar.render(rng(seed), radar, sea, Layout(hulls, (), structures), land, grid)


def above_least(radargram):
    """VV, without the floor that keeps it positive."""
    return np.maximum(radargram.images["VV"].astype(float) - sar.LEAST, 0)


def points(forward=0.0, starboard=0.0, height=0.0, rcs=1e4):
    parts = np.broadcast_arrays(*map(np.atleast_1d, (forward, starboard, height, rcs)))
    forward, starboard, height, rcs = (part.astype(float) for part in parts)
    return Scatterers(forward, starboard, height, {"VV": rcs, "VH": rcs})


@pytest.fixture
def made_of(monkeypatch):
    """Let every hull be made of given scatterers."""
    return lambda these: monkeypatch.setattr(sar, "draw_scatterers", lambda *_: these)


def centroid(image):
    rows, cols = np.indices(image.shape)
    return (rows * image).sum() / image.sum(), (cols * image).sum() / image.sum()


def covariance(image):
    rows, cols = np.indices(image.shape)
    row, col = centroid(image)
    offsets = np.stack([cols - col, rows - row]).reshape(2, -1)
    return (offsets * image.ravel()) @ offsets.T / image.sum()


def power_spectrum(image):
    return np.abs(np.fft.fft2(image - image.mean())) ** 2


# The frame


@given(
    heading=st.sampled_from([-12.5, -168.0, 31.0]),
    row=st.floats(-40.0, 550.0),
    col=st.floats(-40.0, 520.0),
)
@settings(max_examples=40)
def test_the_way_to_the_frame_and_back(heading, row, col):
    frame = Frame(GRID, heading)
    assert frame.scene_pixel(*frame.locate(row, col)) == pytest.approx((row, col), abs=1e-6)


@pytest.mark.parametrize("heading", [-12.0, -168.0])
def test_lines_run_along_the_track_and_samples_to_its_right(heading):
    frame = Frame(GRID, heading)
    here, there = ([240.0, 250.0], [240.0, 250.0]), ([240.0, 240.0], [240.0, 250.0])
    jacobian = frame.jacobian
    for (rows, cols), sign in ((here, 1), (there, 1)):
        line, sample = frame.locate(np.array(rows), np.array(cols))
        east, north = sign * jacobian @ (np.ptp(cols), np.ptp(rows))
        track = np.deg2rad(heading)
        along = east * np.sin(track) + north * np.cos(track)
        right = east * np.cos(track) - north * np.sin(track)
        assert np.diff(line)[0] * 10 == pytest.approx(along, abs=1e-6)
        assert np.diff(sample)[0] * 10 == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("heading", [-12.0, -168.0])
def test_an_image_of_the_frame_lands_where_it_should(heading):
    frame = Frame(GRID, heading)
    rows, cols = np.indices(GRID.shape)
    for axis, ramp in enumerate(np.indices(frame.shape, np.float32)):
        seen = frame.to_scene(np.ascontiguousarray(ramp), -32768.0)
        np.testing.assert_allclose(seen, frame.locate(rows, cols)[axis], atol=1e-3)
    back = frame.from_scene(cols, fill=-1.0)
    line, sample = frame.locate(200, 300)
    assert back[round(float(line)), round(float(sample))] == pytest.approx(300, abs=1)
    assert (back == -1).any()


# Speckle and texture


def test_look_weights_have_mean_one_and_enl_4_4():
    weights = echoes.look_weights()
    assert weights.mean() == pytest.approx(1)
    assert weights.sum() ** 2 / (weights**2).sum() == pytest.approx(4.4, abs=0.02)


def looks_of(image):
    return image.mean() ** 2 / image.var()


def test_the_number_of_looks_is_that_of_the_real_product():
    """ENL 4.4 (Sentinel-1 Product Specification, IW GRDH); resampling to a map adds a little."""
    frame = Frame(GRID, -12.0)
    image = sar._detected(rng(), np.ones(frame.shape, np.float32), [])
    assert image.mean() == pytest.approx(1, abs=0.01)
    assert looks_of(image) == pytest.approx(4.4, abs=0.15)
    resampled = frame.to_scene(image, -32768.0).astype(float)
    assert resampled.mean() == pytest.approx(1, abs=0.01)
    assert 4.3 < looks_of(resampled) < 5.0


def test_speckle_is_correlated_as_its_response_says():
    image = np.mean([np.abs(echoes.speckle(rng(i), (500, 480))) ** 2 for i in range(5)], axis=0)
    along, across = echoes.response((500, 480))
    # Of a circular Gaussian field, the intensity's correlation is the field's, squared.
    expected = np.abs(np.fft.ifft2((along * across) ** 2)) ** 2
    expected /= expected[0, 0]
    measured = np.fft.ifft2(power_spectrum(image)).real
    measured /= measured[0, 0]
    np.testing.assert_allclose(measured[:8, :8], expected[:8, :8], atol=0.03)
    # Neighbours in the real scene of the development data: 0.55 to 0.62.
    assert 0.5 < expected[0, 1] < 0.7
    assert 0.5 < expected[1, 0] < 0.7
    assert np.all(expected[4:8, :8] < 0.02)


@given(order=st.floats(0.6, 40.0), normal=st.floats(-4.5, 4.5))
@settings(max_examples=50)
def test_texture_is_gamma_of_its_order(order, normal):
    ours = fields.gamma_texture(np.array([normal]), order)[0]
    tail = stats.norm.cdf(-abs(normal))
    theirs = stats.gamma.ppf(tail, order) if normal < 0 else stats.gamma.isf(tail, order)
    assert ours == pytest.approx(theirs / order, rel=2e-3)


@pytest.mark.parametrize("order", [4.0, 10.0])
def test_the_image_is_k_distributed_of_its_order(order):
    """Moments of the product of texture and speckle: var / mean2 + 1 = (1 + 1/L)(1 + 1/order)."""
    smooth = render(QUIET, FLAT).images["VV"].astype(float)
    short = replace(FLAT, order=order, correlation_m=60.0)
    rough = render(QUIET, short).images["VV"].astype(float)
    assert rough.mean() == pytest.approx(10**-1.5, rel=0.05)
    excess = (1 + 1 / looks_of(rough)) / (1 + 1 / looks_of(smooth)) - 1
    # The interpolation smooths a texture this short by a few per cent.
    assert 1 / excess == pytest.approx(order, rel=0.15)


def test_texture_loses_its_correlation_over_the_stated_length():
    frame = Frame(GRID, -168.0)
    frequency = np.hypot(*frame.ground_frequencies)
    correlation = np.fft.ifft2(fields.exponential_spectrum(frequency, 150.0)).real
    correlation /= correlation[0, 0]
    assert correlation[0, 15] == pytest.approx(np.exp(-1), abs=0.03)
    assert correlation[15, 0] == pytest.approx(np.exp(-1), abs=0.03)


def test_a_field_has_the_spectrum_asked_for():
    spectrum = fields.exponential_spectrum(np.hypot(*Frame(GRID, 0.0).ground_frequencies), 200.0)
    drawn = [fields.gaussian_field(rng(i), spectrum) for i in range(30)]
    measured = np.mean([np.abs(np.fft.fft2(each)) ** 2 for each in drawn], axis=0)
    assert np.mean(np.square(drawn)) == pytest.approx(1, abs=0.05)
    ratio = (measured / spectrum)[1:40, 1:40]
    assert ratio.std() / ratio.mean() == pytest.approx(1 / 30**0.5, rel=0.2)


def test_texture_is_common_to_the_polarisations_and_speckle_is_not():
    correlations = []
    for order in (1e4, 1.0):
        images = render(QUIET, replace(FLAT, order=order)).images
        correlations.append(np.corrcoef(images["VV"].ravel(), images["VH"].ravel())[0, 1])
    assert abs(correlations[0]) < 0.02
    assert correlations[1] > 0.5


def test_noise_adds_to_both_polarisations_and_steps_at_the_seam():
    sea = replace(FLAT, vh_db=-60.0)
    images = render(sar.Pass(-168.0, noise_db=-24.0, noise_step_db=3.0), sea).images
    _, across = Frame(GRID, -168.0).locate(*np.indices(GRID.shape))
    right = across > (Frame(GRID, -168.0).shape[1] - 1) / 2
    assert images["VV"][~right].mean() == pytest.approx(10**-1.5 + 10**-2.4, rel=0.02)
    assert images["VH"][~right].mean() == pytest.approx(10**-2.4, rel=0.02)
    assert images["VH"][right].mean() == pytest.approx(10**-2.1, rel=0.02)


# What wind, waves and rain make


def in_db(sea, seed=0, heading=-12.0):
    surface = backscatter(rng(seed), Frame(GRID, heading), sea)
    return {pol: 10 * np.log10(power.astype(float)) for pol, power in surface.items()}


@pytest.mark.parametrize("toward", [30.0, 110.0])
def test_swell_has_its_length_and_direction(toward):
    sea = replace(FLAT, swell_db=1.0, swell_m=200.0, swell_deg=toward)
    image = in_db(sea)["VV"]
    power = power_spectrum(image)
    east, north = Frame(GRID, -12.0).ground_frequencies
    peak = np.unravel_index(power.argmax(), power.shape)
    vector = np.array([east[peak], north[peak]])
    assert 1 / np.hypot(*vector) == pytest.approx(200, rel=0.4)
    axis = np.rad2deg(np.arctan2(vector[0], vector[1]))
    assert abs((axis - toward + 90) % 180 - 90) < 25
    assert image.std() == pytest.approx(1, rel=0.1)


def test_streaks_run_with_the_wind():
    sea = replace(FLAT, streaks_db=0.8, streak_m=1000.0, wind_deg=50.0)
    power = power_spectrum(in_db(sea)["VV"])
    east, north = Frame(GRID, -12.0).ground_frequencies
    wind = np.deg2rad(50.0)
    along = east * np.sin(wind) + north * np.cos(wind)
    across = east * np.cos(wind) - north * np.sin(wind)
    assert (power * along**2).sum() < 0.2 * (power * across**2).sum()


def test_a_front_parts_two_winds():
    step = replace(FLAT, fronts=1, front_db=3.0)
    values = in_db(step)["VV"]
    low, high = np.quantile(values, [0.05, 0.95])
    assert high - low == pytest.approx(3.0, abs=0.3)


def test_rain_is_brighter_in_vh_at_its_core():
    dry, wet = (in_db(replace(FLAT, rain_cells=n), seed=3) for n in (0, 1))
    difference = {pol: wet[pol] - dry[pol] for pol in dry}
    core = (difference["VH"] - difference["VV"]).argmax()
    assert difference["VH"].ravel()[core] > 2
    assert difference["VV"].ravel()[core] < 0
    assert difference["VV"].max() > 1.5


def test_the_mean_falls_with_range():
    values = in_db(replace(FLAT, range_slope_db=-0.2))["VV"]
    assert (values[:, -1] - values[:, 0]).mean() == pytest.approx(
        -0.2 * values.shape[1] / 100, rel=0.02
    )


# The response


def fine_point_echo(**kwargs):
    """Image of a point, in pixels of one metre."""
    one = echoes.Points(np.zeros(1), np.zeros(1), np.array([100.0]))
    echo = echoes.echo(rng(), one, (0.0, 0.0), 320.0, spacing_m=1.0, **kwargs)
    return (np.abs(echo.looks.astype(complex)) ** 2).mean(axis=0)


def width_at_half_power(profile):
    peak = profile.argmax()
    below = profile < profile[peak] / 2
    after = peak + np.argmax(below[peak:])
    before = peak - np.argmax(below[peak::-1])
    ends = [
        np.interp(0.5, [profile[b], profile[a]] / profile[peak], [b, a])
        for b, a in ((before, before + 1), (after, after - 1))
    ]
    return abs(ends[1] - ends[0])


def test_response_is_20_4_m_in_range_and_22_5_m_in_azimuth():
    """Sentinel-1 Product Specification, IW GRDH."""
    image = fine_point_echo()
    line, sample = np.unravel_index(image.argmax(), image.shape)
    assert width_at_half_power(image[line, :]) == pytest.approx(20.4, rel=0.02)
    assert width_at_half_power(image[:, sample]) == pytest.approx(22.5, rel=0.02)


def test_sidelobes_are_21_db_down():
    """Peak sidelobe ratio of IW: -21.2 dB (Sentinel-1 Product Definition)."""
    image = fine_point_echo()
    line, sample = np.unravel_index(image.argmax(), image.shape)
    for profile in (image[line, sample:], image[line:, sample]):
        null = np.argmax(np.diff(profile) > 0)
        ratio = 10 * np.log10(profile[null:].max() / profile[0])
        assert ratio == pytest.approx(-21.2, abs=1.5)


def test_defocus_adds_its_variance_in_azimuth_only():
    sharp, smeared = (fine_point_echo(defocus_m=metres) for metres in (0.0, 12.0))
    # Sidelobes reach the chip's edge alike in both, and cancel.
    added = covariance(smeared) - covariance(sharp)
    assert added[1, 1] == pytest.approx(144, rel=0.05)
    assert added[0, 0] == pytest.approx(0, abs=2)


def test_an_echo_beyond_the_edge_is_cut():
    field = np.zeros((20, 30), np.complex64)
    looks = np.ones((5, 8, 8), np.complex64)
    for line, sample, n in [(-3, 4, 40), (16, -6, 8), (5, 28, 16), (-9, 5, 0), (40, 40, 0)]:
        field[:] = 0
        echoes.Echo(line, sample, looks).add_to(field, 0)
        assert field.sum() == n


# Truth


@pytest.mark.parametrize("heading", [-12.0, -168.0])
def test_a_point_planted_is_found_there(made_of, heading):
    made_of(points())
    planted = plant(Hull(50, 9, 20))
    image = above_least(render(replace(QUIET, heading_deg=heading), SILENT, planted))
    assert centroid(image) == pytest.approx((planted.row, planted.col), abs=0.1)
    area = abs(np.linalg.det(planted.jacobian))
    assert image.sum() * area == pytest.approx(1e4, rel=0.02)


def test_height_lies_over_towards_the_radar(made_of):
    made_of(points(height=30.0))
    planted = plant(Hull(50, 9, 20))
    image = above_least(render(replace(QUIET, incidence_deg=40.0), SILENT, planted))
    row, col = centroid(image)
    east, north = planted.ground_offset(row, col)
    look = np.deg2rad(-12.0 + 90.0)
    expected = -30.0 / np.tan(np.deg2rad(40.0))
    assert (east, north) == pytest.approx(
        (expected * np.sin(look), expected * np.cos(look)), abs=1.0
    )


@pytest.mark.parametrize("heading", [30.0, 250.0])
def test_a_hull_lies_where_and_how_it_was_planted(made_of, heading):
    hull = Hull(90.0, 16.0, heading)
    steps = [(np.arange(n) + 0.5) / n - 0.5 for n in (22, 4)]
    forward, starboard = np.meshgrid(steps[0] * hull.length_m, steps[1] * hull.width_m)
    on_deck = hull.part_at(forward, starboard) != Part.WATER
    made_of(points(forward[on_deck], starboard[on_deck], rcs=1.0))
    planted = plant(hull, 62.3, 58.8)
    small = replace(GRID, shape=(128, 120))
    image = np.mean(
        [render(QUIET, SILENT, planted, grid=small, seed=i).images["VV"] for i in range(60)],
        axis=0,
    ).astype(float)
    image[image < 0.02 * image.max()] = 0  # sidelobes
    # The centroid of the deck plan lies aft of midships.
    middle = hull.outline().centroid
    drow, dcol = planted.pixel_offset(middle.x, middle.y)
    assert centroid(image) == pytest.approx((planted.row + drow, planted.col + dcol), abs=0.1)
    _, vectors = np.linalg.eigh(covariance(image))
    east, north = planted.jacobian @ vectors[:, 1]
    axis = np.rad2deg(np.arctan2(east, north))
    assert abs((axis - heading + 90) % 180 - 90) < 1.5


def test_what_goes_away_from_the_radar_is_imaged_behind():
    look = -12.0 + 90.0
    away = plant(Hull(100, 16, look), speed_ms=5.0)
    shift = sar.Pass(-12.0, incidence_deg=30.0).displacement_m(away)
    assert shift == pytest.approx(-112 * 5 * 0.5)
    along = plant(Hull(100, 16, -12.0), speed_ms=5.0)
    assert sar.Pass(-12.0).displacement_m(along) == pytest.approx(0, abs=1e-9)


def test_the_wake_lies_where_the_hull_really_was():
    planted = plant(Hull(150, 24, 78.0), speed_ms=4.0)
    still = replace(planted, speed_ms=0.0)
    dark, plain = (
        render(QUIET, replace(SILENT, vv_db=-15.0), hull, seed=4).images["VV"].astype(float)
        for hull in (planted, still)
    )
    # The wake is drawn before the speckle, so the draws differ: compare means.
    shift = QUIET.displacement_m(planted)
    track = np.deg2rad(-12.0)
    aft = 75.0 + np.linspace(30.0, 500.0, 60)
    sin, cos = planted.hull.forward
    rows, cols = planted.pixel_offset(
        -aft * sin - shift * np.sin(track), -aft * cos - shift * np.cos(track)
    )
    at = np.rint(planted.row + rows).astype(int), np.rint(planted.col + cols).astype(int)
    assert dark[at].mean() < 0.85 * plain[at].mean()


def test_ghosts_lie_where_the_truth_says():
    grid = replace(GRID, shape=(1100, 300))
    stern = PlantedHull(Hull(250.0, 40.0, 80.0), 550.0, 150.0, 0, grid.jacobian(550, 150))
    radar = sar.Pass(-12.0, incidence_deg=35.0, noise_db=-40.0)
    radargram = render(radar, replace(SILENT, vv_db=-40.0), stern, grid=grid)
    assert len(radargram.ghosts) == 2
    image = radargram.images["VV"]
    for ghost in radargram.ghosts:
        east, north = stern.ground_offset(ghost.row, ghost.col)
        assert np.hypot(east, north) == pytest.approx(radar.ambiguity_m, rel=1e-3)
        row, col = round(ghost.row), round(ghost.col)
        near = image[row - 8 : row + 9, col - 15 : col + 16]
        assert near.max() > 10 * np.median(image)
        ratio = near.sum() / image[535:566, 120:181].sum()
        assert -38 < 10 * np.log10(ratio) < -17


@pytest.mark.parametrize(
    ("subswath", "near", "far", "nearest", "farthest"),
    [(1, 30.8, 36.3, 4900, 5250), (2, 36.5, 41.6, 4400, 4750), (3, 41.8, 45.9, 5450, 5860)],
)
def test_ambiguities_lie_as_far_as_in_each_subswath(subswath, near, far, nearest, farthest):
    """4.9-5.2, 4.4-4.7 and 5.5-5.8 km, from pulse repetition and Doppler rate."""
    ends = [sar.Pass(-12.0, incidence_deg=incidence) for incidence in (near, far)]
    assert {radar.subswath for radar in ends} == {subswath}
    assert nearest < ends[0].ambiguity_m < ends[1].ambiguity_m < farthest


def test_a_rolling_hull_leans_in_azimuth():
    """0.02 rad/s moves what is 20 m up by 0.4 m/s, seen square on at 30 degrees: 22 m."""
    radar = sar.Pass(0.0, incidence_deg=30.0)
    top, deck = points(height=20.0), points(height=0.0)
    square_on = Hull(100, 16, 0.0)  # its starboard side is away from the radar
    assert sar.roll_shift_m(radar, square_on, top, 0.02) == pytest.approx(-112 * 0.02 * 20 * 0.5)
    assert sar.roll_shift_m(radar, square_on, deck, 0.02) == pytest.approx(0)
    end_on = Hull(100, 16, 90.0)
    assert sar.roll_shift_m(radar, end_on, top, 0.02) == pytest.approx(0, abs=1e-9)


def test_the_swath_ends_where_it_should():
    radar = sar.Pass(-168.0, swath_end_m=500.0)
    image = render(radar, FLAT).images["VV"]
    frame = Frame(GRID, -168.0)
    _, sample = frame.locate(*np.indices(GRID.shape))
    across = frame.first[1] + 10 * sample
    assert np.all(image[across > 515] == sar.RADAR_NODATA)
    assert np.all(image[across < 485] > 0)


def test_land_is_bright_and_built_land_brighter():
    land = Land.none(GRID.shape)
    land.cover[100:300, 100:300] = True
    land.built[200:300, 100:300] = True
    image = render(QUIET, FLAT, land=land).images["VV"]
    assert image[110:190, 110:290].mean() == pytest.approx(10**-0.9, rel=0.15)
    assert image[210:290, 110:290].mean() == pytest.approx(10**-0.1, rel=0.35)
    assert image[350:450, 100:300].mean() == pytest.approx(10**-1.5, rel=0.05)


@pytest.mark.parametrize("kind", ["turbine", "cage", "rock"])
def test_structures_show_at_their_place(kind):
    size = {"turbine": (8, 8, 120), "cage": (40, 10, 1), "rock": (90, 60, 10)}[kind]
    length, width, height = map(float, size)
    structure = Structure(
        kind, 240.0, 200.0, length, width, 30.0, height, 0, GRID.jacobian(240, 200)
    )
    image = render(QUIET, SILENT, structures=(structure,)).images["VV"]
    row, col = np.unravel_index(image.argmax(), image.shape)
    assert np.hypot(row - 240, col - 200) < 5 + height / 10


# Scatterers


def test_scatterers_lie_on_the_hull_and_share_its_cross_section():
    hull = Hull(120.0, 19.0, 40.0)
    draws = [draw_scatterers(generator, hull, 78.0) for generator in [rng()] for _ in range(300)]
    for drawn in draws[:20]:
        shrunk = 0.999 * drawn.starboard
        assert np.all(hull.part_at(drawn.forward, shrunk) != Part.WATER)
        assert drawn.height.min() == 0
        assert drawn.height.max() <= hull.freeboard_m + hull.house_m
    total = np.array([[s.rcs["VV"].sum(), s.rcs["VH"].sum()] for s in draws])
    assert np.median(total[:, 0]) == pytest.approx(expected_rcs(120.0), rel=0.1)
    ratio_db = 10 * np.log10(total[:, 1] / total[:, 0])
    assert np.mean(ratio_db) == pytest.approx(-7.5, abs=0.2)


def test_the_side_that_faces_the_radar_is_lit():
    # Looking east at a hull that heads north: its port side, to the west, is lit.
    drawn = draw_scatterers(rng(), Hull(120.0, 20.0, 0.0), 90.0)
    at_waterline = drawn.height == 0
    assert np.all(drawn.starboard[at_waterline] < 0)
    square = drawn.rcs["VV"][at_waterline].sum() / drawn.rcs["VV"].sum()
    assert square == pytest.approx(0.4, abs=0.01)
    end_on = draw_scatterers(rng(), Hull(120.0, 20.0, 90.0), 90.0)
    lit = end_on.rcs["VV"][end_on.height == 0].sum() / end_on.rcs["VV"].sum()
    assert lit < 0.01


def test_a_barge_has_no_superstructure():
    hull = replace(draw_hull(rng(), 80.0), type="barge")
    drawn = draw_scatterers(rng(), hull, 0.0)
    assert drawn.height.max() == hull.freeboard_m < 3


# Against published figures and the real pixels


def sized(length, n=16, sea=None, pol="VV"):
    """Chips of n hulls of a length in a moderate sea, and the sea's mean."""
    grid = replace(GRID, shape=(800, 800))
    hulls = []
    for k in range(n):
        row, col = 100.3 + 200 * (k // 4), 100.7 + 200 * (k % 4)
        hull = draw_hull(rng(k), float(length))
        hulls.append(PlantedHull(hull, row, col, k, grid.jacobian(row, col)))
    sea = sea or RadarSea(-16.0, -34.0, 20.0, 150.0)
    image = render(sar.Pass(-12.0, noise_db=-25.0), sea, *hulls, grid=grid).images[pol]
    at = [(int(hull.row), int(hull.col)) for hull in hulls]
    chips = [image[row - 25 : row + 26, col - 25 : col + 26].astype(float) for row, col in at]
    return chips, float(np.median(image))


@pytest.mark.parametrize(("length", "dbm2"), [(100, 35.7), (200, 42.7)])
def test_cross_sections_are_those_of_vachon(length, dbm2):
    """0.08 L^(7/3) m2 (Vachon et al. 1997): 35.7 dBm2 for 100 m, 42.7 for 200 m."""
    chips, _ = sized(length)
    sea = [np.concatenate([chip[:4].ravel(), chip[-4:].ravel()]).mean() for chip in chips]
    total = [100 * (chip - level).sum() for chip, level in zip(chips, sea, strict=True)]
    assert 10 * np.log10(np.median(total)) == pytest.approx(dbm2, abs=2)


@pytest.mark.parametrize(("length", "low", "high"), [(30, 7, 14), (50, 11, 18), (200, 20, 27)])
def test_hulls_stand_out_by_their_length(length, low, high):
    """13, 15 and 21 dB over a sea of -16 dB follow from Vachon's law for a whole hull; its
    brightest pixel is some dB more, or less where speckle has it so."""
    chips, level = sized(length)
    contrast = 10 * np.log10(np.median([chip.max() for chip in chips]) / level)
    assert low < contrast < high


def test_vv_over_vh_of_the_sea_is_what_noise_leaves():
    """VV -14 dB over a floor of -24 dB at 7 m/s: some 10 dB, where models without noise have 20."""
    sea = RadarSea(-15.5, -34.0, 10.0, 150.0)
    images = render(sar.Pass(-12.0, noise_db=-25.0), sea).images
    ratio = 10 * np.log10(images["VV"].mean() / images["VH"].mean())
    assert 7 < ratio < 12


REAL = Path(__file__).parents[3] / "shared/data/real/sentinel-1-rtc"


@pytest.fixture(scope="module")
def real():
    """Linear gamma0 of the real pass; 0 where it is clipped."""
    found = sorted(REAL.glob("*/vv.tif"))
    if not found:
        pytest.skip("needs the real Sentinel pixels beside the checkout (../shared/data)")
    with rasterio.open(found[0]) as file:
        image = file.read(1).astype(float)
    return np.where(image > 10**-2.49, image, 0.0)


def best_patches(image, side=48, share=0.2):
    """The most even patches without clipped pixels or targets."""
    rows, cols = (size // side for size in image.shape)
    cut = image[: rows * side, : cols * side].reshape(rows, side, cols, side).swapaxes(1, 2)
    patches = cut.reshape(-1, side, side)
    mean, most = patches.mean(axis=(1, 2)), patches.max(axis=(1, 2))
    clear = ((patches == 0).mean(axis=(1, 2)) < 0.01) & (most < 8 * mean)
    clear &= (mean > 0.01) & (mean < 0.08)
    patches = patches[clear]
    looks = patches.mean(axis=(1, 2)) ** 2 / patches.var(axis=(1, 2))
    order = np.argsort(looks)[::-1]
    return patches[order[: max(10, int(share * len(order)))]]


def neighbour_correlation(patches):
    flat = patches - patches.mean(axis=(1, 2), keepdims=True)
    power = (np.abs(np.fft.fft2(flat, s=(96, 96))) ** 2).mean(axis=0)
    correlation = np.fft.ifft2(power).real
    return correlation[[1, 2, 0, 0], [0, 0, 1, 2]] / correlation[0, 0]


@pytest.mark.real_data
def test_speckle_is_that_of_the_real_pass(real):
    """Looks within one of the real ones, and neighbours correlated within 0.15."""
    ours = render(QUIET, replace(FLAT, order=30.0)).images["VV"].astype(float)
    looks = [
        np.median([looks_of(patch) for patch in best_patches(image)]) for image in (real, ours)
    ]
    assert looks[1] == pytest.approx(looks[0], abs=1.2)
    np.testing.assert_allclose(
        neighbour_correlation(best_patches(ours)),
        neighbour_correlation(best_patches(real)),
        atol=0.15,
    )


@pytest.mark.real_data
def test_large_hulls_look_as_large_as_real_ones(real):
    """Four ships of the real pass: 180-285 m long and 86-135 m wide at -9 dB, 53-95 pixels at 0."""

    def extent(chip):
        rows, cols = np.nonzero(chip > 10**-0.9)
        places = 10.0 * np.stack([cols - cols.mean(), rows - rows.mean()])
        axes = np.linalg.svd(places, full_matrices=False)[0]
        return np.ptp(axes.T @ places, axis=1) + 10, int((chip > 0.95).sum())

    peaks = [(2089, 651), (2031, 491), (3291, 942), (2060, 576)]
    real_chips = [real[row - 20 : row + 21, col - 20 : col + 21] for row, col in peaks]
    # The cut at 0 dB hides how bright they are: compare what is above it by number.
    (real_length, real_width), real_full = (
        map(np.median, zip(*[e[0] for e in map(extent, real_chips)], strict=True)),
        np.median([extent(chip)[1] for chip in real_chips]),
    )
    chips, _ = sized(210)
    ours = [extent(chip) for chip in chips]
    length, width = np.median([each[0] for each in ours], axis=0)
    assert length == pytest.approx(real_length, rel=0.3)
    assert width == pytest.approx(real_width, rel=0.3)
    assert np.median([each[1] for each in ours]) == pytest.approx(real_full, rel=0.5)
