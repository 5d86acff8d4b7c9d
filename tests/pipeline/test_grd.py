"""Scenes in radar geometry from their files to the tables, beside their twins on a map."""

import hashlib
import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from westsea import api, locating
from westsea.detector import Detector
from westsea.locating import locate, outline, shares
from westsea.planning import GUESS_MARGIN_M, MARGIN_M, window_of
from westsea.records import (
    SceneKey,
    Verdict,
)
from westsea.report import write
from westsea.report.patches import MapChip, read_chip
from westsea.results import Sweep
from westsea.runner import parameters
from westsea.schema import DOUBT
from westsea.store import Store
from westsea.tasks import (
    Job,
    judge_scene,
    process_scene,
    summarise_chunk,
)
from westsea_catalog.archive import scenes
from westsea_catalog.archive.curved import CurvedFrame
from westsea_catalog.coast import Coast
from westsea_catalog.grid import GEOD, Window
from westsea_catalog.reader import open_reader
from westsea_kernels.blocks import CELL

SEED = 5
RTC, GRD = "sentinel-1-rtc", "sentinel-1-grd"


@pytest.fixture(scope="module")
def pass_():
    """A small pass: single hulls, some alongside and close."""
    whole = scenes.RADAR_SCENES[0]
    planting = scenes.Planting(singles=14, alongside=2, close=2)
    return replace(whole, grid=replace(whole.grid, shape=(640, 704)), planting=planting)


@pytest.fixture(scope="module")
def catalog(pass_, tmp_path_factory):
    from westsea_catalog.archive.grd import make_twins

    return make_twins(tmp_path_factory.mktemp("twins"), seed=SEED, scenes=(pass_,))


def everything(catalog):
    """Items by collection."""
    found = api.search(
        str(catalog), bbox=(-180, -80, 180, 80), datetime="2017-10-01/2017-10-31", offline=True
    )
    return {item["collection"]: item for item in found}


@pytest.fixture(scope="module")
def items(catalog):
    return everything(catalog)


def planned(items, catalog, collection, **options):
    plan = api.plan([items[collection]], catalog=str(catalog), **options)
    assert not plan.refused
    return plan


@pytest.fixture(scope="module")
def sweep(items, catalog, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    plan = api.plan(list(items.values()), catalog=str(catalog))
    report = api.execute(plan, out, workers=0)
    assert report.count(Verdict.DONE) == 2
    return Sweep(out)


def of(frame, collection):
    return frame[frame.collection == collection].reset_index(drop=True)


# -- twins


def test_twins_show_the_same_hulls(sweep, matched):
    found = sweep.detections(duplicates="keep")
    one, two = of(found, GRD), of(found, RTC)
    both = matched(one, two)
    assert len(both) >= 20
    assert (one.length_m >= 50).sum() == (both.length_m_1 >= 50).sum()
    assert (two.length_m >= 50).sum() == (both.length_m_2 >= 50).sum()
    assert both.apart_m.max() < 5.0
    assert np.corrcoef(both.p_alongside_1, both.p_alongside_2)[0, 1] > 0.8
    assert np.abs(both.length_m_1 - both.length_m_2).max() < 20.0
    assert (both.flags_1 & int(DOUBT) == both.flags_2 & int(DOUBT)).all()


def test_hulls_lie_where_they_were_planted(sweep, catalog, matched):
    truth = pd.read_parquet(catalog.parent / "truth" / "hulls.parquet")
    single = truth[truth.groupby("group_id").hull_id.transform("size") == 1]
    both = matched(of(sweep.detections(duplicates="keep"), GRD), single)
    assert len(both) >= 12
    assert both.apart_m.median() < 15.0


def test_pairs_are_the_same(sweep):
    found = sweep.pairs(duplicates="keep")
    assert len(of(found, GRD)) == len(of(found, RTC)) >= 2


def test_the_scenes_table_says_what_the_product_is(sweep):
    found = sweep.scenes(duplicates="keep")
    grd, rtc = (of(found, name).iloc[0] for name in (GRD, RTC))
    assert (grd.radar_mode, grd.calibrated, grd.noise_removed) == ("IW", True, True)
    assert 25.0 < grd.incidence_min_deg < 38.0 < grd.incidence_max_deg < 50.0
    assert rtc.radar_mode is None
    assert rtc.calibrated is None
    assert rtc.clutter_db - 1.5 < grd.clutter_db < rtc.clutter_db  # the noise is off


def test_the_area_is_that_of_the_pixels(sweep, items, catalog):
    """What was planned on a guess is of no account any more."""
    grd = of(sweep.scenes(duplicates="keep"), GRD).iloc[0]
    area = grd.km2_valid + grd.km2_masked + grd.km2_nodata
    ring, _ = GEOD.polygon_area_perimeter(*shapely.get_coordinates(grd.footprint).T)
    assert area == pytest.approx(abs(ring) / 1e6, rel=1e-4)
    (guess,) = planned(items, catalog, GRD).scenes
    assert guess.is_guess
    assert guess.km2 == pytest.approx(area, rel=0.03)


def test_what_one_pass_shows_twice_is_there_once(sweep):
    """Product and twin are one acquisition of one pass: the lineage keeps one of each hull."""
    kept = sweep.detections()
    assert len(kept) < 0.6 * len(sweep.detections(duplicates="keep"))


# -- where it lies


def test_the_grid_is_right_to_a_metre(items, catalog, pass_):
    (guess,) = planned(items, catalog, GRD).scenes
    scene = locate(SceneKey.of(guess.scene), guess.scene)
    frame = CurvedFrame(pass_.grid, pass_.radar.heading_deg)
    assert scene.grid.shape == frame.shape
    row, col = np.meshgrid(*(np.linspace(0, side - 1, 25) for side in frame.shape), indexing="ij")
    truth = pass_.grid.lonlat(*frame.scene_pixel(row, col))
    away = GEOD.inv(*truth, *scene.grid.lonlat(row, col))[2]
    assert np.median(away) < 1.0
    assert np.max(away) < 3.0
    back = scene.grid.pixel(*scene.grid.lonlat(row, col))
    np.testing.assert_allclose(back, (row, col), atol=1e-4)


def test_files_are_asked_once_in_a_process(items, catalog, monkeypatch):
    asked = []

    def counted(scene):
        asked.append(scene.id)
        return plain(scene)

    plain = locating.located
    monkeypatch.setattr(locating, "located", counted)
    monkeypatch.setattr(locating, "_KEPT", type(locating._KEPT)())
    (job,) = jobs(planned(items, catalog, GRD, chunk=(128, None)))
    assert not asked  # neither by the plan nor by the job
    parts = [
        summarise_chunk(pickle.loads(pickle.dumps(job)), chunk)  # as they come to a worker
        for chunk in job.chunks
    ]
    assert len(parts) > 4
    assert asked == [job.scene.id]


def jobs(plan):
    return [Job.of(each, Coast.shipped(), plan.aoi, Detector()) for each in plan.scenes]


@pytest.mark.parametrize("shape", [(1, 1), (640, 704), (129, 50), (1300, 900)])
@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_shares_cover_a_window_once(shape, count):
    window = Window(CELL, CELL + shape[0], 0, shape[1])
    found = shares(window, count)
    assert 1 <= len(found) <= count
    assert [part.row0 for part in found] == [window.row0, *(part.row1 for part in found[:-1])]
    assert found[-1].row1 == window.row1
    assert all((part.row0 - window.row0) % CELL == 0 and part.size for part in found)


def test_an_outline_is_that_of_the_outer_pixels(items, catalog):
    (guess,) = planned(items, catalog, GRD).scenes
    grid = locate(SceneKey.of(guess.scene), guess.scene).grid
    ring = outline(grid)
    assert ring.is_valid
    rows, cols = grid.shape
    for row, col, is_inside in ((0, 0, True), (-1, 5, False), (rows - 1, cols - 1, True)):
        lon, lat = grid.lonlat(row, col)
        assert ring.contains(shapely.Point(lon, lat)) == is_inside
    assert not ring.contains(shapely.Point(*grid.lonlat(rows / 2, cols)))


# -- the same bytes, however it is run


def tables(out):
    digests = {}
    for path in sorted(out.rglob("*.parquet")):
        if "lineage" not in path.parts:
            digests[str(path.relative_to(out))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


@pytest.fixture(scope="module")
def whole(items, catalog, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    api.execute(planned(items, catalog, GRD), out, workers=0)
    found = tables(out)
    assert len(found) == 3
    return found


@pytest.mark.parametrize("chunk", [(128, None), (384, 256), (2048, None)])
def test_any_chunks_give_the_same_bytes(items, catalog, whole, chunk, tmp_path):
    api.execute(planned(items, catalog, GRD, chunk=chunk), tmp_path, workers=0)
    assert tables(tmp_path) == whole


@pytest.mark.parametrize("cluster", ["processes", "threads"])
def test_any_workers_give_the_same_bytes(items, catalog, whole, cluster, request, tmp_path):
    client = request.getfixturevalue(cluster)
    api.execute(planned(items, catalog, GRD, chunk=(256, None)), tmp_path, client=client)
    assert tables(tmp_path) == whole


def test_chunks_beyond_those_that_are_needed_are_none(items, catalog, whole, tmp_path):
    """A guess may be larger than what is found."""
    (job,) = jobs(planned(items, catalog, GRD, chunk=(128, None)))
    far = job.chunks[-1].row1
    more = (Window(far, far + 128, 0, 128), Window(far + 128, far + 256, 0, 128))
    job = replace(job, chunks=(*job.chunks, *more, *(replace(more[0], col1=k) for k in (1, 2, 3))))
    parts = [summarise_chunk(job, chunk) for chunk in job.chunks]
    assert parts[-1] is None
    store = Store.open(tmp_path, parameters(job.detector, None, job.coast))
    assert judge_scene(job, parts, store).verdict is Verdict.DONE
    assert tables(tmp_path) == whole


# -- areas of interest


def test_an_area_is_cut_on_the_true_grid(sweep, items, catalog, tmp_path):
    """Detections inside are those of the whole scene; the window holds them, whatever the guess."""
    found = of(sweep.detections(duplicates="keep"), GRD)
    lon, lat = found.lon.median(), found.lat.median()
    box = (lon - 0.02, lat - 0.012, lon + 0.02, lat + 0.012)
    plan = planned(items, catalog, GRD, bbox=box)
    api.execute(plan, tmp_path, workers=0)
    part = Sweep(tmp_path).detections()
    inside = found[found.lon.between(box[0], box[2]) & found.lat.between(box[1], box[3])]
    assert 3 < len(inside) < len(found)
    assert set(part.detect_id) == set(inside.detect_id)


def test_a_guess_is_given_room(items, catalog):
    (guess,) = planned(items, catalog, GRD).scenes
    lon, lat = guess.scene.grid.lonlat(-1.0, guess.scene.grid.shape[1] / 2)
    for metres, is_near in ((MARGIN_M + GUESS_MARGIN_M - 600, True), (30_000.0, False)):
        ring = shapely.Point(*beyond(guess.scene.grid, lon, lat, metres)).buffer(1e-4)
        assert (window_of(guess.scene.grid, ring) is not None) == is_near


def beyond(grid, lon, lat, metres):
    """A place so many metres above the first line."""
    azimuth = GEOD.inv(*grid.lonlat(100, grid.shape[1] / 2), lon, lat)[0]
    return GEOD.fwd(lon, lat, azimuth, metres)[:2]


def test_an_area_beside_the_scene_is_refused_once_the_grid_is_known(items, catalog, tmp_path):
    (guess,) = planned(items, catalog, GRD).scenes
    grid = guess.scene.grid
    place = beyond(grid, *grid.lonlat(-1.0, grid.shape[1] / 2), 4_500.0)
    aoi = shapely.Point(*place).buffer(1e-3)
    (job,) = jobs(planned(items, catalog, GRD))
    store = Store.open(tmp_path, parameters(job.detector, aoi, job.coast))
    with pytest.raises(Exception, match="holds no data in the area asked for"):
        process_scene(replace(job, aoi=aoi), store)


# -- plans, bad input, pictures


def test_plans_say_that_the_grid_is_a_guess(items, catalog, cli, tmp_path):
    path = tmp_path / "item.json"
    item = json.loads(json.dumps(items[GRD]))
    path.write_text(json.dumps(item))
    shown = cli("plan", "--items", path, "--catalog", catalog, "--offline", "--json")
    assert shown.code == 0, shown.err
    (scene,) = json.loads(shown.out)["scenes"]
    assert scene["geometry"] == "radar"
    assert scene["guess"] is True
    assert "transform" not in scene


def test_a_product_that_says_nowhere_where_it_lies_is_refused_alone(items, catalog, tmp_path):
    import rasterio

    root = tmp_path / "spoiled"
    shutil.copytree(catalog.parent, root)
    for path in (root / GRD).rglob("*-vv-*.tiff"):
        with rasterio.open(path, "r+") as file:
            shape, pixels = file.shape, file.read(1)
        with rasterio.open(
            path, "w", driver="GTiff", count=1, dtype="uint16", height=shape[0], width=shape[1],
            crs="EPSG:32651", transform=rasterio.transform.from_origin(5e5, 4e6, 10, 10),
        ) as file:  # fmt: skip
            file.write(pixels, 1)
    for path in (root / GRD).rglob("annotation/*.xml"):
        path.unlink()
    spoiled = everything(root / catalog.name)
    plan = api.plan(list(spoiled.values()), catalog=str(root / catalog.name))
    report = api.execute(plan, tmp_path / "out", workers=0)
    assert (report.count(Verdict.DONE), report.count(Verdict.REFUSED)) == (1, 1)
    (reason,) = [each.reason for each in report.results if each.verdict is Verdict.REFUSED]
    assert "0 ground control points and no annotation" in reason


def chip_of(scene, place):
    pixels = read_chip(scene.grid, place, open_reader(scene, scene.bands[0]).read)
    return np.where(pixels == scene.nodata, np.nan, pixels)


def test_a_chip_lies_north_up_on_the_map(sweep, items, catalog):
    """A hull's light is where the map says, and of the twin's level, in both geometries."""
    found = of(sweep.detections(duplicates="keep"), GRD).sort_values("length_m").iloc[-1]
    place = MapChip(found.lon, found.lat, 600.0, 121)
    chips = []
    for collection in (GRD, RTC):
        (each,) = planned(items, catalog, collection).scenes
        scene = locate(SceneKey.of(each.scene), each.scene)
        chips.append(chip_of(scene, place))
    for chip in chips:
        light = np.where(chip > 0.3 * np.nanmax(chip), chip, 0.0)
        rows, cols = np.indices(chip.shape)
        off = [(light * at).sum() / light.sum() - 60 for at in (rows, cols)]
        assert np.hypot(*off) < 8.0  # a hull's end may outshine it
    assert np.corrcoef(*(np.nan_to_num(np.sqrt(chip)).ravel() for chip in chips))[0, 1] > 0.8
    lon, lat = place.lonlat()
    assert lat[0, 60] > lat[-1, 60]
    assert lon[60, 0] < lon[60, -1]


def test_a_chip_beyond_the_scene_holds_nothing(items, catalog):
    (each,) = planned(items, catalog, RTC).scenes
    assert np.isnan(chip_of(each.scene, MapChip(130.0, 30.0, 250.0, 20))).all()


def test_a_report_shows_pairs_in_radar_geometry(items, catalog, tmp_path):
    api.execute(planned(items, catalog, GRD), tmp_path / "out", workers=0)
    written = write(str(tmp_path / "out"), tmp_path / "report.html")
    assert written.n_pairs >= 2
    assert written.n_without == 0
