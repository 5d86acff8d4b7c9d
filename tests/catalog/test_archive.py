"""The built-in archive: its physics on small patches, its geometry, and what it writes."""

import json

import numpy as np
import pyarrow.parquet as pq
import pystac
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from westsea_catalog import archive
from westsea_catalog.archive import fields, sar, scenes, writer
from westsea_catalog.archive.formations import Planting
from westsea_catalog.archive.hulls import (
    Hull,
    Part,
    Scatterers,
    draw_hull,
    draw_scatterers,
    expected_rcs,
    expected_width,
)
from westsea_catalog.archive.layout import PlantedHull
from westsea_catalog.errors import ConfigError, UsageError
from westsea_catalog.grid import GEOD, AffineGrid

# Off the central meridian: true north is 2.4 degrees off the columns.
GRID = scenes.grid(32652, 136570.0, 4051970.0, (1024, 1024))
# One metre north-up pixels, to look at responses finely.
FINE = np.array([[1.0, 0.0], [0.0, -1.0]])


def rng(seed=0):
    return np.random.default_rng(seed)


def plant(hull, row=511.3, col=498.8):
    return PlantedHull(hull, row, col, 0, GRID.jacobian(row, col))


def view(heading=-12.0):
    return sar.View(heading, GRID.jacobian(511.5, 511.5))


def point(forward=0.0, starboard=0.0, rcs=100.0):
    one = np.ones(1)
    return Scatterers(forward * one, starboard * one, {"VV": rcs * one, "VH": rcs * one})


def intensity(echo):
    return (np.abs(echo.looks.astype(complex)) ** 2).mean(axis=0)


def centroid(image, row=0, col=0):
    rows, cols = np.indices(image.shape)
    total = image.sum()
    return row + (rows * image).sum() / total, col + (cols * image).sum() / total


def covariance(image):
    rows, cols = np.indices(image.shape)
    row, col = centroid(image)
    offsets = np.stack([cols - col, rows - row]).reshape(2, -1)
    return (offsets * image.ravel()) @ offsets.T / image.sum()


def lattice(hull):
    """Equal scatterers all over the deck plan, some 4 m apart."""
    steps = [(np.arange(n) + 0.5) / n - 0.5 for n in (hull.length_m // 4, hull.width_m // 4)]
    forward, starboard = np.meshgrid(steps[0] * hull.length_m, steps[1] * hull.width_m)
    on_deck = hull.part_at(forward, starboard) != Part.WATER
    ones = np.ones(on_deck.sum())
    return Scatterers(forward[on_deck], starboard[on_deck], {"VV": ones, "VH": ones})


def true_axis(direction):
    """Axis (0-180, clockwise from true north) of a direction (dcol, drow)."""
    east, north = GRID.jacobian(511.5, 511.5) @ direction
    return np.rad2deg(np.arctan2(east, north)) % 180


# Statistics of the sea


def test_speckle_of_five_looks_has_the_looks_of_the_real_product():
    response = view().response((512, 512))
    image = sum(
        weight * np.abs(sar.speckle(rng(look), response)) ** 2 / sar.N_LOOKS
        for look, weight in enumerate(sar.look_weights())
    )
    assert image.mean() == pytest.approx(1, abs=0.01)
    assert 4.0 <= image.mean() ** 2 / image.var() <= 4.8


def test_look_weights_have_mean_one_and_enl_4_4():
    weights = sar.look_weights()
    assert weights.mean() == pytest.approx(1)
    assert weights.sum() ** 2 / (weights**2).sum() == pytest.approx(4.4, abs=0.02)


def test_speckle_is_correlated_as_its_response_says():
    response = view().response((512, 512))
    image = np.mean([np.abs(sar.speckle(rng(i), response)) ** 2 for i in range(5)], axis=0)
    # Of a circular Gaussian field, the intensity's correlation is the field's, squared.
    expected = np.abs(np.fft.ifft2(response**2)) ** 2
    expected /= expected[0, 0]
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2
    measured = np.fft.ifft2(power).real
    measured /= measured[0, 0]
    np.testing.assert_allclose(measured[:8, :8], expected[:8, :8], atol=0.03)
    # Neighbours in the real scene of the development data: 0.55 to 0.62.
    assert 0.5 < expected[0, 1] < 0.7
    assert 0.5 < expected[1, 0] < 0.7
    assert np.all(expected[4:8, :8] < 0.02)


@given(order=st.floats(0.6, 40.0), normal=st.floats(-4.5, 4.5))
@settings(max_examples=50, deadline=None)
def test_texture_is_gamma_of_its_order(order, normal):
    ours = fields.gamma_texture(np.array([normal]), order)[0]
    tail = stats.norm.cdf(-abs(normal))
    theirs = stats.gamma.ppf(tail, order) if normal < 0 else stats.gamma.isf(tail, order)
    assert ours == pytest.approx(theirs / order, rel=2e-3)


@pytest.mark.parametrize("order", [3.0, 10.0])
def test_texture_has_the_moments_of_its_order(order):
    spectrum = fields.exponential_spectrum(np.hypot(*view().frequencies((1024, 1024))), 30.0)
    texture = fields.gamma_texture(fields.gaussian_field(rng(), spectrum), order)
    assert texture.mean() == pytest.approx(1, abs=0.02)
    assert 1 / texture.var() == pytest.approx(order, rel=0.05)
    assert stats.skew(texture, axis=None) == pytest.approx(2 / order**0.5, rel=0.1)


def test_texture_loses_its_correlation_over_the_stated_length():
    spectrum = fields.exponential_spectrum(np.hypot(*view().frequencies((1024, 1024))), 150.0)
    correlation = np.fft.ifft2(spectrum).real
    correlation /= correlation[0, 0]
    assert correlation[0, 15] == pytest.approx(np.exp(-1), abs=0.03)
    assert correlation[15, 0] == pytest.approx(np.exp(-1), abs=0.03)


def test_texture_is_common_to_the_polarisations_and_speckle_is_not():
    shape = (384, 384)
    smooth = sar.RadarSea(-15.0, -15.0, order=1e4, correlation_m=150.0, trend_db=0.0)
    rough = sar.RadarSea(-15.0, -15.0, order=1.0, correlation_m=150.0, trend_db=0.0)
    correlations = []
    for sea in (smooth, rough):
        images = sar.render(rng(), view(), sea, [], shape)
        correlations.append(np.corrcoef(images["VV"].ravel(), images["VH"].ravel())[0, 1])
    assert abs(correlations[0]) < 0.02
    assert correlations[1] > 0.5


def test_noise_adds_to_both_polarisations():
    sea = sar.RadarSea(-15.0, -40.0, order=1e4, correlation_m=150.0, trend_db=0.0)
    images = sar.render(rng(), view(), sea, [], (256, 256))
    noise = 10**-2.4
    assert images["VV"].mean() == pytest.approx(10**-1.5 + noise, rel=0.02)
    assert images["VH"].mean() == pytest.approx(1e-4 + noise, rel=0.02)


# The radar's response


def fine_point_echo(heading, **kwargs):
    """Image of a point, in pixels of one metre."""
    planted = PlantedHull(Hull(1.0, 1.0, 0.0), 0.0, 0.0, 0, FINE)
    return sar.hull_echo(rng(), sar.View(heading, FINE), planted, point(), "VV", **kwargs)


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
    image = intensity(fine_point_echo(0.0))
    row, col = np.unravel_index(image.argmax(), image.shape)
    assert width_at_half_power(image[row, :]) == pytest.approx(20.4, rel=0.02)
    assert width_at_half_power(image[:, col]) == pytest.approx(22.5, rel=0.02)


def test_range_and_azimuth_follow_the_heading():
    image = intensity(fine_point_echo(90.0))
    row, col = np.unravel_index(image.argmax(), image.shape)
    assert width_at_half_power(image[:, col]) == pytest.approx(20.4, rel=0.02)
    assert width_at_half_power(image[row, :]) == pytest.approx(22.5, rel=0.02)


def test_defocus_adds_its_variance_in_azimuth_only():
    sharp, smeared = (intensity(fine_point_echo(0.0, defocus_m=d)) for d in (0.0, 12.0))
    # Sidelobes reach the chip's edge alike in both, and cancel.
    added = covariance(smeared) - covariance(sharp)
    assert added[1, 1] == pytest.approx(144, rel=0.05)
    assert added[0, 0] == pytest.approx(0, abs=2)


def test_a_scatterer_returns_its_cross_section():
    echo = sar.hull_echo(rng(), view(), plant(Hull(50, 9, 20)), point(rcs=80.0), "VV")
    assert intensity(echo).sum() * view().pixel_area_m2 == pytest.approx(80, rel=1e-4)


def test_a_point_planted_is_found_there():
    planted = plant(Hull(50, 9, 20))
    echo = sar.hull_echo(rng(), view(), planted, point(), "VV")
    row, col = centroid(intensity(echo), echo.row, echo.col)
    assert (row, col) == pytest.approx((planted.row, planted.col), abs=0.02)


@pytest.mark.parametrize("heading", [-12.0, -168.0])
def test_a_shift_moves_the_echo_along_the_track(heading):
    planted = plant(Hull(50, 9, 20))
    echo = sar.hull_echo(rng(), view(heading), planted, point(), "VV", shift_m=30.0)
    row, col = centroid(intensity(echo), echo.row, echo.col)
    east, north = planted.ground_offset(row, col)
    expected = 30 * np.sin(np.deg2rad(heading)), 30 * np.cos(np.deg2rad(heading))
    assert (east, north) == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("heading", [30.0, 250.0])
def test_a_hull_lies_where_and_how_it_was_planted(heading):
    hull = Hull(90.0, 16.0, heading)
    planted, scatterers = plant(hull), lattice(hull)
    generator = rng()
    echoes = [sar.hull_echo(generator, view(), planted, scatterers, "VV") for _ in range(200)]
    image = np.mean([intensity(echo) for echo in echoes], axis=0)
    image[image < 0.02 * image.max()] = 0  # sidelobes
    # The centroid of the deck plan lies aft of midships.
    middle = hull.outline().centroid
    drow, dcol = planted.pixel_offset(middle.x, middle.y)
    row, col = centroid(image, echoes[0].row, echoes[0].col)
    assert row == pytest.approx(planted.row + drow, abs=0.1)
    assert col == pytest.approx(planted.col + dcol, abs=0.1)
    _, vectors = np.linalg.eigh(covariance(image))
    difference = (true_axis(vectors[:, 1]) - heading + 90) % 180 - 90
    assert abs(difference) < 1


def test_an_echo_beyond_the_edge_is_cut():
    field = np.zeros((20, 30), np.complex64)
    looks = np.ones((5, 8, 8), np.complex64)
    for row, col, n in [(-3, 4, 40), (16, -6, 8), (5, 28, 16), (-9, 5, 0), (40, 40, 0)]:
        field[:] = 0
        sar.Echo(row, col, looks).add_to(field, 0)
        assert field.sum() == n


# Hulls


@given(length=st.floats(20.0, 300.0), heading=st.floats(0.0, 360.0))
@settings(max_examples=30, deadline=None)
def test_hull_coordinates_and_outline_agree(length, heading):
    hull = draw_hull(rng(1), length, heading)
    generator = rng(2)
    forward = generator.uniform(-0.7, 0.7, 300) * hull.length_m
    starboard = generator.uniform(-0.7, 0.7, 300) * hull.width_m
    east, north = hull.to_ground(forward, starboard)
    np.testing.assert_allclose(hull.from_ground(east, north), (forward, starboard), atol=1e-9)
    inside = shapely.contains_xy(hull.outline(), east, north)
    assert np.array_equal(inside, hull.part_at(forward, starboard) != Part.WATER)
    across = hull.outline().minimum_rotated_rectangle.exterior.coords
    sides = sorted(np.hypot(*np.diff(np.array(across), axis=0)[:2].T))
    assert sides == pytest.approx([hull.width_m, hull.length_m])


def test_the_bow_points_along_the_heading():
    east, north = Hull(100.0, 16.0, 90.0).to_ground(50.0, 0.0)
    assert (east, north) == pytest.approx((50.0, 0.0), abs=1e-9)
    # Starboard of a hull that heads east is south.
    east, north = Hull(100.0, 16.0, 90.0).to_ground(0.0, 8.0)
    assert (east, north) == pytest.approx((0.0, -8.0), abs=1e-9)


def test_beams_follow_length():
    assert expected_width([20, 60, 250]) == pytest.approx([5, 60 / 5.6, 250 / 6.6])
    widths = [draw_hull(generator, 100.0).width_m for generator in [rng()] for _ in range(4000)]
    assert np.mean(widths) == pytest.approx(100 / 6.2, rel=0.01)
    assert np.std(np.log(widths)) == pytest.approx(0.12, rel=0.05)


def test_scatterers_lie_on_the_hull_and_share_its_cross_section():
    hull = Hull(120.0, 19.0, 40.0)
    draws = [draw_scatterers(generator, hull) for generator in [rng()] for _ in range(300)]
    for scatterers in draws[:20]:
        assert np.all(hull.part_at(scatterers.forward, scatterers.starboard) != Part.WATER)
    total = np.array([[s.rcs["VV"].sum(), s.rcs["VH"].sum()] for s in draws])
    assert np.median(total[:, 0]) == pytest.approx(expected_rcs(120.0), rel=0.1)
    ratio_db = 10 * np.log10(total[:, 1] / total[:, 0])
    assert np.mean(ratio_db) == pytest.approx(-7.5, abs=0.2)


# What is written


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return archive.build(tmp_path_factory.mktemp("archive")).parent


@pytest.fixture(scope="module")
def truth(built):
    names = ("hulls", "pairs")
    return {name: pq.read_table(built / f"truth/{name}.parquet").to_pandas() for name in names}


def items(built):
    return {path.stem: path for path in sorted(built.glob("*/*/*.json"))}


def test_the_catalogue_is_valid_for_pystac_and_complete(built):
    catalog = pystac.Catalog.from_file(built / "catalog.json")
    found = list(catalog.get_items(recursive=True))
    assert sorted(item.id for item in found) == sorted(items(built))
    assert len(found) == 6
    for item in found:
        assert item.datetime.tzinfo is not None
        assert item.datetime.strftime("%Y-%m") == "2017-10"
        west, south, east, north = item.bbox
        assert 118 < west < east < 127
        assert 33 < south < north < 41
        for asset in item.get_assets().values():
            assert asset.href.startswith("./")
            assert (built / item.collection_id / item.id / asset.href).is_file()
    assert sum(path.stat().st_size for path in built.rglob("*")) < 60e6


def test_items_have_the_shape_of_planetary_computers(built):
    for name, path in items(built).items():
        item = json.loads(path.read_text())
        properties = item["properties"]
        assert item["stac_version"] == "1.0.0"
        if item["collection"] == "sentinel-1-rtc":
            assert len(properties["proj:transform"]) == 9
            assert properties["s1:shape"] == properties["proj:shape"][::-1]
            assert properties["start_datetime"][10] == " "
            assert properties["platform"] == "SENTINEL-1A"
            assert properties["sar:instrument_mode"] == "IW"
            assert [key.upper() for key in item["assets"]] == properties["sar:polarizations"]
            assert not any(key.startswith("proj:") for key in item["assets"]["vv"])
            assert ("1SDV" in name) == ("vh" in item["assets"])
            up = properties["sat:orbit_state"] == "ascending"
            assert up == (properties["datetime"][11:13] == "09")
        else:
            assert properties["s2:processing_baseline"] == "02.06"
            assert "proj:transform" not in properties
            assert set(item["assets"]) == {"B02", "B03", "B04", "B08", "B11", "SCL"}
            assert len(item["assets"]["B11"]["proj:transform"]) == 6
            scl = rasterio.open(path.parent / "SCL.tif").read(1)
            clouds = 100 * np.isin(scl, [8, 9]).mean()
            assert properties["eo:cloud_cover"] == pytest.approx(clouds, abs=1e-4)


def test_files_are_cogs_on_the_grid_that_their_item_states(built):
    for path in items(built).values():
        item = json.loads(path.read_text())
        for key, asset in item["assets"].items():
            stated = item["properties"] | asset
            with rasterio.open(path.parent / asset["href"]) as file:
                assert file.crs.to_epsg() == stated["proj:epsg"]
                assert list(file.shape) == stated["proj:shape"]
                assert list(file.transform)[:6] == stated["proj:transform"][:6]
                assert list(file.bounds) == stated["proj:bbox"]
                assert file.block_shapes == [(512, 512)]
                assert file.compression.name == "deflate"
                assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
                radar = item["collection"] == "sentinel-1-rtc"
                dtype = "float32" if radar else "uint8" if key == "SCL" else "uint16"
                assert file.dtypes == (dtype,)
                assert file.nodata == (-32768 if radar else 0)


def test_truth_agrees_with_the_grid(built, truth):
    hulls = truth["hulls"]
    assert hulls.hull_id.is_unique
    for name, path in items(built).items():
        properties = json.loads(path.read_text())["properties"]
        with rasterio.open(next(path.parent.glob("[vB]*[v8].tif"))) as file:
            grid = AffineGrid(properties["proj:epsg"], tuple(file.transform)[:6], file.shape)
        of_scene = hulls[hulls.item_id == name]
        lon, lat = grid.lonlat(of_scene.row, of_scene.col)
        np.testing.assert_allclose(lon, of_scene.lon, atol=1e-9)
        np.testing.assert_allclose(lat, of_scene.lat, atol=1e-9)
    assert hulls.heading_deg.between(0, 180).all()
    counts = truth["pairs"].groupby(["item_id", "kind"]).size().unstack()
    assert counts.alongside.between(2, 7).all()
    assert counts.close.between(2, 6).all()
    assert (hulls.groupby(["item_id", "group_id"]).size() >= 3).sum() == 2


def test_pairs_name_their_hulls(truth):
    hulls = truth["hulls"].set_index("hull_id")
    pairs = truth["pairs"]
    one, two = hulls.loc[pairs.hull_id_1], hulls.loc[pairs.hull_id_2]
    assert (one.length_m.to_numpy() >= two.length_m.to_numpy()).all()
    same = one.group_id.to_numpy() == two.group_id.to_numpy()
    assert np.array_equal(same, pairs.kind == "alongside")
    _, _, apart = GEOD.inv(one.lon, one.lat, two.lon, two.lat)
    np.testing.assert_allclose(apart, pairs.center_distance_m, atol=0.1)
    np.testing.assert_allclose(pairs.lon, (one.lon.to_numpy() + two.lon.to_numpy()) / 2, atol=1e-6)


def test_every_hull_of_60_m_shows_at_its_place(built, truth):
    hulls = truth["hulls"]
    for name, path in items(built).items():
        with rasterio.open(next(path.parent.glob("[vB]*[v8].tif"))) as file:
            image = file.read(1)
        median = np.median(image)
        for hull in hulls[(hulls.item_id == name) & (hulls.length_m > 60)].itertuples():
            row, col = round(hull.row), round(hull.col)
            assert image[row - 3 : row + 4, col - 3 : col + 4].max() > 3 * median, hull


@pytest.fixture
def small(monkeypatch):
    """Reduce the archive to one small radar scene."""
    scene = scenes.RADAR_SCENES[1]
    few = scenes.RadarScene(
        start=scene.start,
        absolute_orbit=scene.absolute_orbit,
        heading_deg=scene.heading_deg,
        grid=scenes.grid(32652, 136570.0, 4051970.0, (300, 260)),
        sea=scene.sea,
        planting=Planting(singles=1, alongside=1, close=0),
    )
    monkeypatch.setattr(writer, "RADAR_SCENES", (few,))
    monkeypatch.setattr(writer, "OPTICAL_SCENES", ())


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.usefixtures("small")
def test_the_seed_decides_every_byte(tmp_path):
    one, two, other = (
        contents(archive.build(tmp_path / name, seed=seed).parent)
        for name, seed in (("one", 7), ("two", 7), ("other", 8))
    )
    assert one == two
    assert one.keys() == other.keys()
    differ = {path.suffix for path in one if one[path] != other[path]}
    assert differ == {".tif", ".parquet"}


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(UsageError, match="0 or more"):
        archive.build(tmp_path, seed=-1)


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot write the archive"):
        archive.build(tmp_path / "file" / "archive")
