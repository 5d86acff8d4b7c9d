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

from westsea_catalog import archive
from westsea_catalog.archive import scenes, writer
from westsea_catalog.archive.formations import Planting
from westsea_catalog.archive.hulls import (
    Hull,
    Part,
    draw_hull,
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


def centroid(image, row=0, col=0):
    rows, cols = np.indices(image.shape)
    total = image.sum()
    return row + (rows * image).sum() / total, col + (cols * image).sum() / total


def covariance(image):
    rows, cols = np.indices(image.shape)
    row, col = centroid(image)
    offsets = np.stack([cols - col, rows - row]).reshape(2, -1)
    return (offsets * image.ravel()) @ offsets.T / image.sum()


def true_axis(direction):
    """Axis (0-180, clockwise from true north) of a direction (dcol, drow)."""
    east, north = GRID.jacobian(511.5, 511.5) @ direction
    return np.rad2deg(np.arctan2(east, north)) % 180


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


# What is written


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return archive.build(tmp_path_factory.mktemp("archive")).parent


@pytest.fixture(scope="module")
def truth(built):
    names = ("hulls", "pairs", "others", "scenes")
    return {name: pq.read_table(built / f"truth/{name}.parquet").to_pandas() for name in names}


def items(built):
    return {path.stem: path for path in sorted(built.glob("*/*/*.json"))}


def test_the_catalogue_is_valid_for_pystac_and_complete(built):
    catalog = pystac.Catalog.from_file(built / "catalog.json")
    found = list(catalog.get_items(recursive=True))
    assert sorted(item.id for item in found) == sorted(items(built))
    assert len(found) == 12
    for item in found:
        assert item.datetime.tzinfo is not None
        assert item.datetime.strftime("%Y-%m") == "2017-10"
        west, south, east, north = item.bbox
        assert 118 < west < east < 127
        assert 33 < south < north < 41
        for asset in item.get_assets().values():
            assert asset.href.startswith("./")
            assert (built / item.collection_id / item.id / asset.href).is_file()
    assert sum(path.stat().st_size for path in built.rglob("*")) < 120e6


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
    assert counts.alongside.between(2, 12).all()
    assert counts.close.min() >= 2
    assert set(hulls.setting) == {"sea", "fleet", "anchorage", "tow", "berth"}
    assert set(hulls.type) == {"merchant", "fishing", "tug", "barge"}


def test_what_is_no_ship_is_told(built, truth):
    others = truth["others"]
    assert others.other_id.is_unique
    assert set(others.kind) == {"turbine", "cage", "rock", "ambiguity"}
    assert others.snr_db.notna().equals(others.kind == "ambiguity")
    assert set(others.item_id) <= set(items(built))
    radar = truth["scenes"].set_index("item_id").sensor == "sar"
    assert radar[others[others.kind == "ambiguity"].item_id].all()


def test_scenes_name_sensor_and_sea(built, truth):
    table = truth["scenes"]
    assert sorted(table.item_id) == sorted(items(built))
    assert (table.k_order.notna() == (table.sensor == "sar")).all()
    assert set(map(tuple, table[["sensor", "sea_state"]].to_numpy())) == {
        (sensor, state) for sensor in ("sar", "optical") for state in ("calm", "moderate", "rough")
    }


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
            assert image[row - 3 : row + 4, col - 3 : col + 4].max() > 1.7 * median, hull


@pytest.fixture
def small(monkeypatch):
    """Reduce the archive to one small radar scene."""
    scene = scenes.RADAR_SCENES[1]
    few = scenes.RadarScene(
        start=scene.start,
        absolute_orbit=scene.absolute_orbit,
        radar=scene.radar,
        grid=scenes.grid(32652, 136570.0, 4051970.0, (300, 260)),
        state=scene.state,
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
