import json
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import translate

from westsea.planning import (
    MARGIN_M,
    PlannedScene,
    parse_chunk,
    parse_shard,
    plan,
    take_shard,
    window_of,
)
from westsea_catalog.errors import UsageError
from westsea_catalog.grid import GEOD, AffineGrid, Window
from westsea_catalog.profiles import profile_for

CELL = 128
UTM51 = AffineGrid(32651, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_150_000.0), (3000, 2500))
ACROSS_180 = AffineGrid(32660, (10.0, 0.0, 760_000.0, 0.0, -10.0, 300_000.0), (2000, 3000))
MERCATOR = AffineGrid(3857, (10.0, 0.0, 13_900_000.0, 0.0, -10.0, 9_400_000.0), (700, 900))
GRIDS = [UTM51, ACROSS_180, MERCATOR]
WORLD = shapely.box(-180, -90, 180, 90)


def items_of(archive):
    found = []
    for path in sorted(archive.parent.glob("*/*/*.json")):
        item = json.loads(path.read_text())
        for asset in item["assets"].values():
            asset["href"] = str((path.parent / asset["href"]).resolve())
        found.append(item)
    return found


def planned(archive, items=None, **options):
    found = items_of(archive) if items is None else items
    return plan(found, profile_for(str(archive)), archive.parent, **options)


# Windows


@pytest.mark.parametrize("grid", GRIDS)
def test_all_of_a_scene_without_an_area_or_within_it(grid):
    assert window_of(grid, None) == grid.full
    assert window_of(grid, WORLD) == grid.full


@pytest.mark.parametrize("grid", GRIDS)
@given(
    row=st.floats(0, 1),
    col=st.floats(0, 1),
    height=st.floats(0.01, 0.5),
    width=st.floats(0.01, 0.5),
)
def test_a_window_holds_the_area_and_its_margin_and_little_more(grid, row, col, height, width):
    rows, cols = np.array([row, row, row + height, row + height]), np.array([col, col + width] * 2)
    lon, lat = grid.lonlat(rows * grid.shape[0], cols * grid.shape[1])
    lon = np.where(lon < 0, lon + 360, lon)
    box = shapely.box(lon.min(), lat.min(), lon.max(), lat.max())
    turned = [translate(box, turn) for turn in (0, -360)]
    area = shapely.intersection(shapely.MultiPolygon(turned), WORLD)
    window = window_of(grid, area)
    assert window.intersection(grid.full) == window
    assert window.row0 % CELL == window.col0 % CELL == 0
    metres = np.sqrt(abs(np.linalg.det(grid.jacobian(grid.shape[0] / 2, grid.shape[1] / 2))))
    points = shapely.get_coordinates(shapely.segmentize(area, 0.002))
    at = np.stack(grid.pixel(points[:, 0], points[:, 1]))
    edges = np.array([[window.row0, window.row1], [window.col0, window.col1]])
    reach = 0.95 * MARGIN_M / metres
    inner = np.stack([at.min(axis=1) - reach, at.max(axis=1) + reach], axis=1)
    outer = inner + np.array([-1.0, 1.0]) * (CELL + 0.1 * MARGIN_M / metres + 1)
    sides = np.array([[0, side] for side in grid.shape])
    assert (edges[:, 0] <= np.maximum(inner[:, 0], 0)).all()
    assert (edges[:, 1] >= np.minimum(inner[:, 1], sides[:, 1])).all()
    assert (edges[:, 0] >= np.minimum(outer[:, 0], sides[:, 1])).all()
    assert (edges[:, 1] <= np.maximum(outer[:, 1], 0)).all()


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("away", "met"), [(0.8, True), (1.4, False)])
def test_the_margin_is_two_kilometres(grid, away, met):
    lon, lat = grid.lonlat(grid.shape[0] / 2, -0.5)
    lon, lat, _ = GEOD.fwd(lon, lat, -90.0, away * MARGIN_M)
    window = window_of(grid, shapely.box(lon - 0.001, lat - 0.001, lon, lat + 0.001))
    assert (window is not None) == met


def test_the_margin_reaches_across_180_degrees():
    lon, lat = 180.0, 2.0
    grid = AffineGrid(32660, (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), (500, 500))
    row, col = grid.pixel(lon - 0.005, lat)  # 556 m west of 180
    shift = (10.0, 0.0, 10.0 * (round(float(col)) - 500), 0.0, -10.0, -10.0 * round(float(row)))
    grid = AffineGrid(32660, shift, (500, 500))
    assert grid.lonlat(0, 499)[0] > 179.9
    beyond = shapely.box(-180.0, 1.9, -179.999, 2.1)
    assert window_of(grid, beyond) is not None
    assert window_of(grid, shapely.box(-179.9, 1.9, -179.8, 2.1)) is None


def test_a_grid_that_its_projection_cannot_place_whole_is_read_whole():
    class Grid(AffineGrid):
        def pixel(self, lon, lat):
            row, col = super().pixel(lon, lat)
            return np.where(col < 0, np.inf, row), np.where(col < 0, np.inf, col)

    grid = Grid(UTM51.epsg, UTM51.transform, UTM51.shape)
    lon, lat = grid.lonlat(1500, 0)
    area = shapely.box(lon - 0.1, lat - 0.01, lon + 0.01, lat + 0.01)
    assert window_of(grid, area) == grid.full
    assert window_of(UTM51, area) != grid.full


# Chunks


@pytest.mark.parametrize(
    ("text", "shape"), [("512", (512, None)), ("128,2048", (128, 2048)), ("999936", (999936, None))]
)
def test_chunks_are_read_from_text(text, shape):
    assert parse_chunk(text) == shape


@pytest.mark.parametrize(
    "text", ["", "0", "100", "128,", "128,0", "-128", "128x128", "128,100", "1e3"]
)
def test_odd_chunks_are_refused(text, archive):
    with pytest.raises(UsageError, match="no chunk: write rows, or rows,columns, multiples of 128"):
        parse_chunk(text)


@pytest.mark.parametrize("chunk", [(100, None), (0, None), (128, -128)])
def test_odd_chunks_are_refused_from_python_too(chunk, archive):
    with pytest.raises(UsageError, match="no chunk"):
        planned(archive, chunk=chunk)


@pytest.mark.parametrize("chunk", [None, (128, None), (128, 256), (512, None), (1024, 2048)])
@pytest.mark.parametrize("clipped", [False, True])
def test_chunks_cover_every_window_once(archive, chunk, clipped):
    west = shapely.box(0, 0, planned(archive).scenes[0].scene.grid.lonlat(0, 300)[0], 90)
    for each in planned(archive, aoi=west if clipped else None, chunk=chunk).scenes:
        covered = np.zeros(each.scene.grid.shape, int)
        for part in each.chunks:
            assert part.size
            assert (part.row0 % CELL, part.col0 % CELL) == (0, 0)
            assert chunk is None or part.shape[0] <= chunk[0]
            covered[part.row0 : part.row1, part.col0 : part.col1] += 1
        expected = np.zeros_like(covered)
        expected[each.window.row0 : each.window.row1, each.window.col0 : each.window.col1] = 1
        assert (covered == expected).all()
        assert each.n_tasks == (1 if len(each.chunks) == 1 else len(each.chunks) + 1)


def test_large_scenes_are_cut_and_small_ones_are_not(archive, monkeypatch):
    assert all(len(each.chunks) == 1 for each in planned(archive).scenes)
    monkeypatch.setattr("westsea.planning.SMALL_PX", 512 * 512)
    monkeypatch.setattr("westsea.planning.CHUNK_ROWS", 256)
    shapes = {each.scene.grid.shape: len(each.chunks) for each in planned(archive).scenes}
    assert shapes == {(640, 704): 3, (384, 512): 1, (256, 256): 1, (512, 512): 1}


# Shards


@given(count=st.integers(1, 9))
def test_shards_share_the_items_out(count):
    items = [{"id": f"scene {n}", "collection": "c"} for n in range(60)] + [{"id": "\ud800"}, {}]
    parts = [take_shard(items, index, count) for index in range(count)]
    assert sum(map(len, parts)) == len(items)
    assert all(any(item in part for part in parts) for item in items)
    # Whatever else is found, an item stays in its shard.
    assert take_shard(items[::2], 0, count) == [item for item in parts[0] if item in items[::2]]
    assert max(map(len, parts)) <= len(items) / count + 20


def test_shards_are_the_same_for_every_version():
    """Pods of two versions may share a night's scenes out."""
    items = [{"collection": "sentinel-1-rtc", "id": f"S1A_{n}"} for n in range(8)]
    shards = [take_shard(items, index, 7) for index in range(7)]
    assert [next(i for i in range(7) if item in shards[i]) for item in items] == [
        5, 2, 3, 3, 2, 5, 3, 0
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "1", "2/2", "-1/2", "0/0", "a/b", "0/2/3", "1/1", "0.5/2"])
def test_odd_shards_are_refused(text):
    with pytest.raises(UsageError, match="no shard: write i/N"):
        parse_shard(text)


def test_shards_are_read_from_text():
    assert parse_shard("0/1") == (0, 1)
    assert parse_shard("3/12") == (3, 12)


# Plans


def test_what_a_plan_counts(archive):
    found = planned(archive)
    assert [each.scene.id for each in found.scenes] == [item["id"] for item in items_of(archive)]
    dual, optical = (
        next(each for each in found.scenes if each.scene.polarizations == bands)
        for bands in (("VV", "VH"), ("B08",))
    )
    assert dual.pixels == 2 * 640 * 704
    assert dual.bytes == 4 * dual.pixels
    assert optical.bytes == 2 * 512 * 512
    # UTM's scale is 0.9996 and 1.0003 at these places.
    assert dual.km2 == pytest.approx(640 * 704 * 1e-4, rel=1e-3)
    summary = found.summary()
    assert summary["scenes"] == summary["tasks"] == 4
    assert summary["bytes"] == sum(each.bytes for each in found.scenes)
    assert summary["refused"] == summary["outside"] == 0


def test_areas_are_those_on_the_ground(archive):
    """In EPSG:3857 at 64 degrees a pixel that is 10 m by its grid has 4.4 m."""
    [first, *_] = planned(archive).scenes
    scene = replace(first.scene, grid=MERCATOR)
    found = PlannedScene(scene, MERCATOR.full, (MERCATOR.full,))
    rows, cols = MERCATOR.shape
    lon, lat = MERCATOR.lonlat(
        np.array([0, 0, rows, rows]) - 0.5, np.array([0, cols, cols, 0]) - 0.5
    )
    area, _ = GEOD.polygon_area_perimeter(lon, lat)
    assert found.km2 == pytest.approx(abs(area) / 1e6, rel=2e-3)
    assert found.km2 < 0.25 * rows * cols * 1e-4


def test_items_that_are_no_scenes_and_scenes_elsewhere_are_counted(archive):
    items = items_of(archive)
    items[0] = items[0] | {"collection": "landsat"}
    area = shapely.box(*shapely.geometry.shape(items[1]["geometry"]).bounds)
    found = planned(archive, items, aoi=area)
    assert [refused.item["id"] for refused in found.refused] == [items[0]["id"]]
    assert "landsat" in found.refused[0].reason
    assert items[1]["id"] in [each.scene.id for each in found.scenes]
    assert len(found.scenes) + len(found.refused) + found.outside == len(items)
    assert found.outside


def test_a_window_inside_a_scene_is_planned_in_part(archive):
    whole = planned(archive).scenes[0]
    lon, lat = whole.scene.grid.lonlat(np.array([10, 20]), np.array([10, 20]))
    area = shapely.box(lon.min(), lat.min(), lon.max(), lat.max())
    [part] = planned(archive, items_of(archive)[:1], aoi=area).scenes
    assert part.window == Window(0, 256, 0, 256).intersection(whole.window)
    assert part.km2 < whole.km2
