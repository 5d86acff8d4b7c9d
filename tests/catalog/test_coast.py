import pickle
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from made.grids import BentGrid
from westsea_catalog import make_coast, make_islets
from westsea_catalog.coast import FAR_M, Coast
from westsea_catalog.errors import ConfigError, UsageError
from westsea_catalog.grid import GEOD, AffineGrid, Window
from westsea_catalog.land_runs import footprint, land_runs

# An island with a lake and an islet in it, another that overlaps its east, and one far off.
ISLAND = shapely.Polygon(
    [(125.0, 37.5), (125.2, 37.52), (125.23, 37.7), (125.05, 37.66)],
    [[(125.1, 37.55), (125.15, 37.56), (125.12, 37.6)]],
)
ISLET = shapely.Polygon([(125.115, 37.565), (125.125, 37.565), (125.12, 37.575)])
NEIGHBOUR = shapely.box(125.15, 37.55, 125.27, 37.58)
FAR = shapely.box(126.5, 36.2, 126.6, 36.25)
LAND = [ISLAND, ISLET, NEIGHBOUR, FAR]

UTM = AffineGrid(32651, (40.0, 0.0, 660_000.0, 0.0, -40.0, 4_185_000.0), (900, 800))


def table(polygons, crs="OGC:CRS84"):
    return geopandas.GeoDataFrame({"n": range(len(polygons))}, geometry=list(polygons), crs=crs)


@pytest.fixture(scope="module")
def coast(tmp_path_factory) -> Coast:
    path = tmp_path_factory.mktemp("coast") / "land.geojson"
    table(LAND).to_file(path)
    return Coast.load(path)


WARPED = BentGrid(UTM, lambda col: 10 * np.sin(col / 120))

GRIDS = {
    "utm": UTM,
    "rotated": AffineGrid(32651, (28.0, 28.0, 655_000.0, 28.0, -28.0, 4_165_000.0), (800, 800)),
    "mercator": AffineGrid(3857, (50.0, 0.0, 13_910_000.0, 0.0, -50.0, 4_545_000.0), (900, 800)),
    "degrees": AffineGrid(4326, (5e-4, 0.0, 124.95, 0.0, -5e-4, 37.75), (601, 700)),
    "warped": WARPED,
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_a_pixel_is_land_where_its_centre_is_in_a_polygon(coast, grid):
    mask = coast.land_mask(grid, grid.full)
    lon, lat = grid.lonlat(*np.indices(grid.shape))
    land = shapely.union_all(LAND)
    expected = shapely.contains_xy(land, lon, lat)
    assert 0.05 < expected.mean() < 0.6
    wrong = mask != expected
    # Only a centre within 0.1 pixels of an edge may differ: pixels are 28 m and more.
    off = shapely.distance(shapely.points(lon[wrong], lat[wrong]), land.boundary)
    assert np.all(off < 0.1 * 28 / 111_000)
    assert wrong.sum() < 20


def test_a_lake_is_water_and_the_islet_in_it_land(coast):
    for (lon, lat), land in {(125.12, 37.59): False, (125.12, 37.57): True}.items():
        row, col = (int(x.round()) for x in UTM.pixel(lon, lat))
        assert coast.land_mask(UTM, Window(row, row + 1, col, col + 1)).item() is land


def test_long_edges_are_straight_in_degrees(tmp_path):
    path = tmp_path / "band.geojson"
    table([shapely.box(120.0, 37.0, 126.0, 38.0)]).to_file(path)
    grid = AffineGrid(32651, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_096_500.0), (400, 4000))
    mask = Coast.load(path).land_mask(grid, grid.full)
    lon, _ = grid.lonlat(0, np.arange(4000))
    row, _ = grid.pixel(lon, np.full(4000, 37.0))
    # In UTM, the straight line between the corners passes 400 pixels away.
    assert row.max() - grid.pixel(126.0, 37.0)[0] > 400
    bottom = np.count_nonzero(mask, axis=0) - 1
    np.testing.assert_allclose(bottom, np.floor(row), atol=1)
    assert np.mean(bottom == np.floor(row)) > 0.98


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_overlapping_triangles_match_their_union(data):
    corner = st.tuples(st.integers(-30, 90), st.integers(-30, 90))
    triangles = data.draw(st.lists(st.tuples(corner, corner, corner), min_size=1, max_size=6))
    pixels = np.array([shapely.Polygon(corners) for corners in triangles])
    pixels = pixels[shapely.area(pixels) > 0]
    grid = AffineGrid(4326, (1e-3, 0.0, 125.0, 0.0, -1e-3, 37.0), (60, 50))
    degrees = shapely.transform(pixels, lambda xy: np.column_stack(grid.lonlat(xy[:, 1], xy[:, 0])))
    mask = land_runs(degrees, grid).mask(grid.full)
    row, col = np.indices(grid.shape).astype(float)
    union = shapely.union_all(pixels)
    clear = shapely.distance(shapely.points(col, row), union.boundary) > 1e-6
    assert np.array_equal(mask[clear], shapely.contains_xy(union, col, row)[clear])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_windows_are_cut_out_of_one_mask(coast, data):
    grid = data.draw(st.sampled_from(list(GRIDS.values())))
    rows, cols = grid.shape
    row0, row1 = sorted(data.draw(st.lists(st.integers(0, rows), min_size=2, max_size=2)))
    col0, col1 = sorted(data.draw(st.lists(st.integers(0, cols), min_size=2, max_size=2)))
    whole = coast.land_mask(grid, grid.full)
    part = coast.land_mask(grid, Window(row0, row1, col0, col1))
    assert part.shape == (row1 - row0, col1 - col0)
    assert np.array_equal(part, whole[row0:row1, col0:col1])


def test_a_scene_across_the_antimeridian_sees_both_sides(tmp_path):
    path = tmp_path / "land.geojson"
    table([shapely.box(179.7, 51.9, 180, 52.0), shapely.box(-180, 51.9, -179.8, 52.0)]).to_file(
        path
    )
    coast = Coast.load(path)
    grid = AffineGrid(32660, (100.0, 0.0, 670_000.0, 0.0, -100.0, 5_800_000.0), (600, 600))
    mask = coast.land_mask(grid, grid.full)
    lon, _ = grid.lonlat(*np.nonzero(mask))
    assert np.count_nonzero(lon > 0) > 1.3 * np.count_nonzero(lon < 0) > 5000
    assert coast.distance_m([180.0, -180.0, -179.9], [51.95, 51.95, 51.95]).tolist() == [0, 0, 0]
    # From 179.6 E the land east of it begins after a tenth of a degree; from 179.7 W, likewise.
    east, west = coast.distance_m([179.6, -179.7], [51.95, 51.95])
    assert east == pytest.approx(6876, rel=1e-3)
    assert west == pytest.approx(6876, rel=1e-3)


def geodesic_to(edges_of, lon, lat):
    """The least distance to points every 2 m along the edges."""
    samples = shapely.get_coordinates(shapely.segmentize(edges_of, 2e-5))
    n, m = len(lon), len(samples)
    lon, lat = np.repeat(lon, m), np.repeat(lat, m)
    metres = GEOD.inv(lon, lat, np.tile(samples[:, 0], n), np.tile(samples[:, 1], n))[2]
    return np.asarray(metres).reshape(n, m).min(axis=1)


@pytest.mark.parametrize("south", [-0.2, 37.5, 69.8])
def test_distance_is_the_geodesic_one(tmp_path, south):
    islands = [
        shapely.Polygon([(124.98, south), (125.06, south + 0.01), (125.03, south + 0.02)]),
        shapely.box(125.3, south + 0.2, 125.32, south + 0.21),
    ]
    path = tmp_path / "islands.gpkg"
    table(islands).to_file(path)
    rng = np.random.default_rng(3)
    azimuth, metres = rng.uniform(0, 360, 60), np.geomspace(5, 45_000, 60)
    lon, lat, _ = GEOD.fwd(np.full(60, 125.06), np.full(60, south + 0.01), azimuth, metres)
    lon, lat = np.asarray(lon), np.asarray(lat)
    expected = geodesic_to(np.array(islands), lon, lat)
    expected[shapely.intersects_xy(shapely.union_all(islands), lon, lat)] = 0
    # Samples 2 m apart overstate a distance d by up to 1 / 2 d metres.
    assert Coast.load(path).distance_m(lon, lat) == pytest.approx(expected, rel=1e-4, abs=0.2)


def test_distance_is_zero_inside_and_stops_at_50_km(coast):
    lon = np.array([[125.17, 125.1201, 124.2], [126.55, 124.46, 124.2]])
    lat = np.array([[37.56, 37.5701, 37.5], [36.22, 37.5, -37.5]])
    metres = coast.distance_m(lon, lat)
    assert metres.shape == (2, 3)
    assert metres[[0, 0, 1], [0, 1, 0]].tolist() == [0, 0, 0]
    assert metres[[0, 1], [2, 2]].tolist() == [FAR_M, FAR_M]
    assert metres[1, 1] == pytest.approx(GEOD.inv(124.46, 37.5, 125.0, 37.5)[2], rel=1e-3)
    assert coast.distance_m(125.17, 37.56).shape == ()
    assert coast.distance_m([], []).shape == (0,)


def test_distance_in_a_lake_is_to_its_shore(coast):
    expected = geodesic_to(np.array([ISLAND.interiors[0], ISLET.exterior]), [125.115], [37.58])
    assert coast.distance_m([125.115], [37.58]) == pytest.approx(expected, rel=1e-4)


# Positions as gazetteers and lists of lights give them, most to an arc minute or half of one.
MAINLAND = {
    "Incheon airport": (126.4392, 37.4625),
    "Songdo, filled in": (126.64, 37.385),
    "Songdo, its south": (126.66, 37.36),
    "Seoul": (126.98, 37.57),
    "Shandong": (121.0, 37.2),
    "the Yongdam reservoir, inland water": (127.493, 35.902),
}
SAEMANGEUM = {
    "its dike": (126.5155, 35.89),
    "the sluice of Sinsi": (126.478, 35.8120),
    "the water by the dike": (126.55, 35.76),
    "the middle": (126.55, 35.86),
    "the fills of the north": (126.60, 35.91),
    "the mouth of the Mangyeong": (126.74, 35.87),
}
ISLANDS = {
    "Chodo": (124.85, 38.53),
    "Sokdo": (125.00, 38.65),
    "Baengnyeong": (124.67, 37.95),
    "Daecheong": (124.70, 37.825),
    "Socheong": (124.745, 37.77),
    "Yeonpyeong": (125.70, 37.667),
    "Deokjeok": (126.13, 37.23),
    "Oeyeon": (126.08, 36.225),
    "Eocheong": (125.98, 36.12),
    "Wido": (126.28, 35.60),
    "Anma": (126.02, 35.345),
    "Hongdo": (125.20, 34.69),
    "Heuksan": (125.43, 34.68),
    "Manjae": (125.47, 34.21),
    "Gageo": (125.12, 34.06),
    "Geomun": (127.31, 34.03),
    "Yeoseo": (126.92, 33.99),
    "Chuja": (126.32, 33.955),
    "Jeju": (126.55, 33.37),
    "Marado": (126.268, 33.117),
    "Liugong": (122.19, 37.503),
    "Changdao, Nanchangshan": (120.74, 37.92),
    "Changdao, Daheishan": (120.61, 37.965),
    "Changdao, Tuoji": (120.75, 38.17),
    "Changdao, Beihuangcheng": (120.91, 38.39),
    "Haiyang": (123.16, 39.06),
    "Zhangzi": (122.73, 39.03),
    "Chaolian": (120.876, 35.893),
}
ISLETS = {
    "Palmi, the light off Incheon": (126.5106, 37.3583),
    "Gyeongnyeolbi, the north one": (125.553, 36.623),
    "Gyeongnyeolbi, the east one": (125.573, 36.617),
    "Gyeongnyeolbi, the west one": (125.540, 36.610),
    "Ongdo": (126.010, 36.647),
    "Sibidongpa": (126.22, 35.99),
    "Chilbal": (125.788, 34.786),
    "Taehwa": (124.63, 39.43),
    "Qianliyan": (121.385, 36.266),
    "Dagong": (120.49, 35.96),
    "Pingshan": (119.905, 35.139),
    "Sheshan, off the Yangtze": (122.24, 31.42),
}
# As data/coast/README.md says.
MISSING = {
    "Dashan": (119.893, 35.003),
    "Cheniushan": (119.82, 34.995),
    "Yuan Dao": (122.165, 38.672),
}
SEA_PLACES = {
    "middle of the West Sea": ((123.5, 36.0), 50_000),
    "Ieodo (Socotra), a reef under water with a platform": ((125.182, 32.123), 50_000),
    "Gageocheo, a reef under water": ((124.593, 33.942), 40_000),
    "8 km west of Chodo": ((124.65, 38.5), 7_000),
    "8 km west of Sokdo": ((124.90, 38.68), 6_000),
    "between Baengnyeong and Daecheong": ((124.70, 37.87), 2_000),
    "the Taedong above Nampo": ((125.594, 38.744), 0.1),
    "the roads off Nampo": ((124.90, 38.62), 5_000),
    "the roads off Incheon": ((126.40, 37.33), 3_000),
    "the roads off Gunsan": ((126.40, 35.97), 8_000),
    "the roads off Dalian": ((121.80, 38.92), 2_000),
    "the roads off Qingdao": ((120.40, 36.00), 5_000),
    "the roads off Yantai": ((121.47, 37.62), 3_000),
    "the roads off Tianjin": ((118.05, 38.93), 10_000),
    "the roads off Lianyungang": ((119.65, 34.80), 10_000),
    "the roads off Rizhao": ((119.70, 35.35), 10_000),
    "seaward of the dike of Saemangeum": ((126.47, 35.77), 1_500),
    "seaward of the dike's north": ((126.49, 35.90), 2_000),
}


def test_the_shipped_coast_covers_the_west_sea_and_is_read_once():
    coast = Coast.shipped()
    assert coast.bounds == (116.0, 31.0, 128.0, 42.0)
    assert coast is Coast.shipped()


@pytest.mark.parametrize("place", [*MAINLAND, *SAEMANGEUM])
def test_the_shipped_mainland_has_its_places(place):
    assert Coast.shipped().distance_m(*{**MAINLAND, **SAEMANGEUM}[place]) == 0


@pytest.mark.parametrize("place", [*ISLANDS, *ISLETS])
def test_the_shipped_islands_are_where_gazetteers_put_them(place):
    # Half an arc minute of longitude is 700 m here: the positions are better than they promise.
    assert Coast.shipped().distance_m(*{**ISLANDS, **ISLETS}[place]) <= 300


@pytest.mark.parametrize("place", SEA_PLACES)
def test_open_water_and_roads_are_sea(place):
    position, metres = SEA_PLACES[place]
    assert Coast.shipped().distance_m(*position) >= metres


def test_the_readme_of_the_coast_says_what_ships():
    folder = Path(make_coast.__file__).parent / "data" / "coast"
    readme = (folder / "README.md").read_text()
    assert Coast.shipped().content_hash in readme
    for name in ("west_sea.parquet", "islets.parquet"):
        assert f"{len(Coast.load(folder / name).polygons):,} polygons" in readme
    for place, position in MISSING.items():
        assert place in readme
        assert Coast.shipped().distance_m(*position) > 2_000


def test_the_shipped_coast_on_a_scene_matches_points_in_polygons():
    coast = Coast.shipped()
    grid = AffineGrid(32652, (10.0, 0.0, 260_000.0, 0.0, -10.0, 4_160_000.0), (4000, 3500))
    rng = np.random.default_rng(5)
    row, col = rng.integers(0, 4000, 3000), rng.integers(0, 3500, 3000)
    near = coast.within(125.9, 36.9, 127.1, 37.9)
    expected = shapely.contains_xy(shapely.union_all(near), *grid.lonlat(row, col))
    assert 0.2 < expected.mean() < 0.8
    assert np.count_nonzero(coast.land_mask(grid, grid.full)[row, col] != expected) <= 1


def test_far_from_the_coast_all_is_sea():
    coast = Coast.shipped()
    grid = AffineGrid(32630, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_500_000.0), (300, 200))
    assert not coast.land_mask(grid, grid.full).any()
    assert coast.land_mask(grid, Window(7, 7, 0, 200)).shape == (0, 200)


@pytest.mark.parametrize(
    "name", ["a.geojson", "a.gpkg", "a.fgb", "a.shp", "a.shp.zip", "a.parquet", "a.geoparquet"]
)
def test_every_format_gives_the_same_content(tmp_path, coast, name):
    mixed = [shapely.MultiPolygon([NEIGHBOUR, FAR]), ISLAND.reverse(), ISLET]
    path = tmp_path / name
    if path.suffix in (".parquet", ".geoparquet"):
        table(mixed).to_parquet(path)
    elif name.endswith(".zip"):
        table(mixed).to_file(path, driver="ESRI Shapefile")
    else:
        table(mixed).to_file(path)
    loaded = Coast.load(path)
    assert loaded.content_hash == coast.content_hash
    assert loaded.name == name
    assert np.array_equal(loaded.land_mask(UTM, UTM.full), coast.land_mask(UTM, UTM.full))


def test_any_crs_is_brought_to_lonlat(tmp_path, coast):
    path = tmp_path / "utm.gpkg"
    table(LAND).to_crs(32651).to_file(path)
    loaded = Coast.load(str(path))
    assert loaded.content_hash != coast.content_hash
    assert np.mean(loaded.land_mask(UTM, UTM.full) != coast.land_mask(UTM, UTM.full)) < 1e-3


def test_other_geometry_heights_and_crossed_rings_are_taken_as_they_come(tmp_path):
    path = tmp_path / "wild.gpkg"
    bow_tie = shapely.Polygon([(125.0, 37.5), (125.1, 37.6), (125.1, 37.5), (125.0, 37.6)])
    wild = [
        shapely.force_3d(shapely.GeometryCollection([bow_tie, shapely.Point(0, 0)])),
        shapely.LineString([(100, 30), (130, 40)]),
        None,
    ]
    table(wild).to_file(path)
    coast = Coast.load(path)
    assert coast.bounds == (125.0, 37.5, 125.1, 37.6)
    metres = coast.distance_m([125.01, 125.09, 125.05], [37.53, 37.57, 37.52])
    assert metres[:2].tolist() == [0, 0]
    assert metres[2] > 1000
    assert coast.land_mask(UTM, UTM.full).any()


def unreadable(path: Path) -> None:
    path.write_text("not a map")


def empty(path: Path) -> None:
    table([]).to_file(path, driver="GeoJSON")


def points(path: Path) -> None:
    table([shapely.Point(125, 37)]).to_file(path, driver="GeoJSON")


def metres_called_degrees(path: Path) -> None:
    table([shapely.box(300_000, 4_100_000, 310_000, 4_110_000)]).to_parquet(path)


def no_crs(path: Path) -> None:
    table([ISLAND], crs=None).to_parquet(path)


@pytest.mark.parametrize(
    ("name", "write", "says"),
    [
        ("gone.geojson", None, "There is no coast file"),
        ("text.geojson", unreadable, "cannot be read"),
        ("text.parquet", unreadable, "cannot be read"),
        ("empty.geojson", empty, "no polygons"),
        ("points.geojson", points, "no polygons"),
        ("ships.csv", lambda path: path.write_text("name,flag\na,b\n"), "no polygons"),
        ("metres.parquet", metres_called_degrees, "off the world"),
        ("nowhere.parquet", no_crs, "which CRS"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, name, write, says):
    path = tmp_path / name
    if write:
        write(path)
    with pytest.raises(ConfigError, match=says) as raised:
        Coast.load(path)
    message = str(raised.value)
    assert str(path) in message
    assert "\n" not in message
    assert message.replace(str(path), "").count(".") == 1


def test_a_parquet_table_without_geometry_is_refused(tmp_path):
    path = tmp_path / "plain.parquet"
    table(LAND).drop(columns="geometry").to_parquet(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        Coast.load(path)


def test_a_coast_pickles_as_where_it_came_from(tmp_path):
    assert pickle.loads(pickle.dumps(Coast.shipped())) == Coast.shipped()
    path = tmp_path / "land.parquet"
    table(LAND).to_parquet(path)
    coast = Coast.load(path)
    sent = pickle.dumps(coast)
    assert len(sent) < 1000
    received = pickle.loads(sent)
    assert received == coast
    assert hash(received) == hash(coast)
    assert received is pickle.loads(sent)
    assert np.array_equal(received.land_mask(UTM, UTM.full), coast.land_mask(UTM, UTM.full))


def test_a_worker_with_another_file_refuses_to_go_on(tmp_path):
    path = tmp_path / "land.parquet"
    table(LAND).to_parquet(path)
    sent = pickle.dumps(Coast.load(path))
    table(LAND[:2]).to_parquet(path)
    with pytest.raises(ConfigError, match="other content"):
        pickle.loads(sent)


def test_the_maker_closes_inland_water_and_keeps_arms_of_the_sea(tmp_path, capsys):
    pond, inland, arm = (
        shapely.box(120.100, 36.999, 120.102, 37.001),  # 0.04 km2
        shapely.box(120.3, 37.0, 120.4, 37.1),  # 100 km2, 10 km from the sea
        shapely.box(120.002, 37.05, 120.05, 37.1),  # 24 km2, 180 m from the sea
    )
    island = shapely.box(120.02, 37.06, 120.03, 37.07)
    mainland = shapely.box(120.0, 36.9, 120.5, 37.2)
    for water in (pond, inland, arm):
        mainland = mainland.difference(water)
    across = shapely.box(127.0, 40.0, 140.0, 41.0)
    elsewhere = shapely.box(0.0, 0.0, 10.0, 10.0)
    source, out = tmp_path / "world.geojson", tmp_path / "coast.parquet"
    world = shapely.GeometryCollection(
        [shapely.MultiPolygon([mainland, island, across, elsewhere])]
    )
    source.write_text(shapely.to_geojson(world))
    make_coast.main([str(source), str(out)])
    coast = Coast.load(out)
    assert coast.content_hash in capsys.readouterr().out
    south = shapely.bounds(make_coast.SAEMANGEUM)[1]
    assert coast.bounds == (120.0, south, 128.0, 41.0)
    land = {(120.101, 37.0): 0, (120.35, 37.05): 0, (120.025, 37.065): 0, (120.0375, 37.08): 1}
    for position, sea in land.items():
        assert (coast.distance_m(*position) > 0) == sea
    assert coast.distance_m(126.55, 35.86) == 0


def test_the_maker_wants_a_source_and_a_place_to_write():
    with pytest.raises(UsageError, match="make_coast SOURCE OUT"):
        make_coast.main(["world.geojson"])


def write_shorelines(folder: Path, polygons) -> None:
    """As the source has them: polygons are (level, area in km2, corners)."""
    lines, points = [], b""
    for number, (level, area, corners) in enumerate(polygons):
        ring = np.array([*corners, corners[0]], "<f4")
        low, high = ring[:, 1].min(), ring[:, 1].max()
        lines.append(f"{level} {area} {len(ring)} {low:.5f} {high:.5f} {len(points)} {ring.nbytes}")
        lines[-1] += f" {number}"
        points += ring.tobytes()
    (folder / "gshhsmeta_f.dat").write_text("\n".join(lines) + "\n")
    (folder / "gshhs_f.dat").write_bytes(points)


def test_islets_are_the_small_islands_of_the_sea_in_the_box(tmp_path, capsys):
    def triangle(lon, lat):
        return [(lon, lat), (lon + 0.005, lat), (lon, lat + 0.005)]

    write_shorelines(
        tmp_path,
        [
            (1, 300.0, triangle(123.0, 36.0)),  # an island
            (1, 0.1, triangle(124.0, 36.0)),
            (2, 0.1, triangle(125.0, 36.0)),  # a lake
            (1, 0.1, triangle(140.0, 36.0)),
            (1, 0.1, triangle(124.0, 20.0)),
            (1, 0.4, triangle(126.0, 37.0)),
        ],
    )
    out = tmp_path / "islets.parquet"
    make_islets.main([str(tmp_path), str(out)])
    coast = Coast.load(out)
    assert coast.content_hash in capsys.readouterr().out
    found = sorted(polygon.bounds[:2] for polygon in coast.polygons)
    assert found == [(124.0, 36.0), (126.0, 37.0)]


def test_the_maker_of_islets_wants_a_folder_and_a_place_to_write():
    with pytest.raises(UsageError, match="make_islets FOLDER OUT"):
        make_islets.main([])


def test_inset_keeps_a_rim_of_land_out_of_the_mask():
    incheon = AffineGrid(32652, (100.0, 0.0, 270_000.0, 0.0, -100.0, 4_170_000.0), (500, 400))
    coast = Coast.shipped()
    whole = coast.land_mask(incheon, incheon.full)
    inland = coast.land_mask(incheon, incheon.full, inset_m=300.0)
    assert 0 < inland.sum() < whole.sum()
    assert not (inland & ~whole).any()
    row, col = (axis[::37] for axis in np.nonzero(whole))
    lon, lat = incheon.lonlat(row, col)
    shore = shapely.boundary(shapely.union_all(coast.within(*footprint(incheon))))
    nearest = shapely.get_coordinates(
        shapely.shortest_line(shapely.points(lon, lat), shore)
    ).reshape(-1, 2, 2)
    depth = np.array(GEOD.inv(*nearest[:, 0].T, *nearest[:, 1].T)[2])
    # Nearest in degrees is not nearest in metres: the true depth is up to a fifth smaller.
    is_inland = inland[row, col]
    assert depth[is_inland].min() > 290.0
    assert depth[~is_inland].max() < 310.0 / np.cos(np.deg2rad(lat.max()))
