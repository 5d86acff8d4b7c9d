import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import dask
import geopandas
import numpy as np
import pytest
import rasterio

import westsea
from made.clients import client_of
from westsea_catalog.errors import UsageError

WHEN = "2017-10-01/2017-10-31"


@pytest.fixture
def items(archive):
    return westsea.search(str(archive), aoi="west-sea", datetime=WHEN)


@pytest.fixture
def planned(archive, items):
    return westsea.plan(items, catalog=str(archive), aoi="west-sea")


# The package


def test_importing_it_is_light():
    code = "import sys, westsea; print(*sys.modules); print(westsea.Detector)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    loaded, detector = done.stdout.splitlines()
    heavy = {"dask", "distributed", "numba", "numpy", "pandas", "rasterio"}
    assert heavy.isdisjoint(loaded.split())
    assert detector == "<class 'westsea.detector.Detector'>"


def test_its_names():
    for name in westsea.__all__:
        assert getattr(westsea, name).__module__.startswith("westsea.")
    with pytest.raises(AttributeError, match="no attribute 'scan'"):
        _ = westsea.scan


# Search and plan


def test_search_returns_raw_items_in_stable_order(archive, items):
    assert [item["type"] for item in items] == ["Feature"] * 4
    box = westsea.search(str(archive), bbox=(118, 33, 127, 41), datetime=WHEN)
    assert box == items
    assert westsea.search(str(archive), bbox="118,33,127,41", datetime=WHEN) == items
    assert westsea.search(str(archive), bbox=(0, 0, 1, 1), datetime=WHEN) == []
    some = westsea.search(
        str(archive), aoi="west-sea", datetime=WHEN, collections=["sentinel-2-l2a"]
    )
    assert [item["collection"] for item in some] == ["sentinel-2-l2a"]


def test_search_back_from_now(archive, monkeypatch):
    monkeypatch.setenv("WESTSEA_NOW", "2017-10-18")
    found = westsea.search(str(archive), aoi="west-sea", last="P2D")
    assert len(found) == 1
    assert westsea.search(str(archive), aoi="west-sea", last="PT1H") == []


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"aoi": "west-sea"},
        {"datetime": WHEN},
        {"aoi": "west-sea", "bbox": (0, 0, 1, 1), "datetime": WHEN},
        {"aoi": "west-sea", "datetime": WHEN, "last": "P3D"},
    ],
)
def test_searches_that_make_no_sense(archive, asked):
    with pytest.raises(UsageError):
        westsea.search(str(archive), **asked)


def test_plan_takes_items_or_a_file_of_them(archive, items, planned, tmp_path):
    assert [each.scene.id for each in planned.scenes] == [item["id"] for item in items]
    assert westsea.plan(items[::-1] + items, catalog=str(archive), aoi="west-sea") == planned
    path = next(archive.parent.glob("sentinel-2*/*/*.json"))
    [scene] = westsea.plan(path).scenes
    assert scene.scene.id == path.stem
    with pytest.raises(UsageError, match="need the catalogue that they came from"):
        westsea.plan(items)


def test_a_scene_of_a_plan_has_a_cube(planned):
    scene = planned.scenes[0].scene
    cube = westsea.cube(scene)
    assert cube.dims == ("time", "band", "y", "x")
    assert cube.shape == (1, len(scene.bands), *scene.grid.shape)
    assert dask.is_dask_collection(cube)
    with rasterio.open(scene.bands[0].source) as file:
        assert np.array_equal(cube.sel(band=scene.bands[0].name).values[0], file.read(1))


# Sweep


@pytest.fixture(scope="module")
def swept(archive, tmp_path_factory):
    planned = westsea.plan(
        westsea.search(str(archive), aoi="west-sea", datetime=WHEN),
        catalog=str(archive),
        aoi="west-sea",
    )
    return westsea.sweep(planned, tmp_path_factory.mktemp("swept") / "out", workers=0)


def test_sweep_returns_the_results(swept, planned):
    detections, pairs, scenes = swept.detections(), swept.pairs(), swept.scenes()
    assert all(isinstance(each, geopandas.GeoDataFrame) for each in (detections, pairs, scenes))
    assert len(scenes) == len(planned.scenes)
    assert len(detections) == scenes["n_detections"].sum() > 0
    assert len(pairs) == scenes["n_pairs"].sum() > 0
    assert f"4 scenes, {len(detections)} detections, {len(pairs)} pairs" in repr(swept)
    assert f"<td>{len(pairs)}</td>" in swept._repr_html_()


def test_detections_lie_in_the_area(archive, items, swept, tmp_path):
    whole = swept.detections()
    lon = np.sort(whole["lon"])
    widest = np.diff(lon).argmax()
    middle = float(lon[widest : widest + 2].mean())
    box = (118.0, 33.0, middle, 41.0)
    plan = westsea.plan(items, catalog=str(archive), bbox=box)
    west = westsea.sweep(plan, tmp_path, workers=0).detections()
    assert 0 < len(west) < len(whole)
    assert set(west["detect_id"]) == set(whole["detect_id"][whole["lon"] <= middle])


def test_the_active_client_is_used(planned, swept, tmp_path, threads, monkeypatch):
    monkeypatch.setattr("westsea.cluster.OwnCluster", None)  # none of its own is started
    with threads.as_current():
        result = westsea.sweep(planned, tmp_path / "out")
    assert result.detections().equals(swept.detections())
    by_hand = westsea.sweep(planned, tmp_path / "other", client=threads)
    assert by_hand.detections().equals(swept.detections())


def test_a_detector_of_ones_own_and_progress(planned, swept, tmp_path):
    told = []
    blunt = westsea.Detector(false_alarm_rate=1e-9, optical_seed_sigma=12.0)
    result = westsea.sweep(
        planned, tmp_path, detector=blunt, workers=0, progress=lambda *each: told.append(each)
    )
    assert [ended for _, ended, _ in told] == [1, 2, 3, 4]
    assert len(result.detections()) <= len(swept.detections())
    assert result.parameters()["detector"]["false_alarm_rate"] == 1e-9


def test_a_coast_of_ones_own(planned, swept, tmp_path):
    ship = swept.detections().iloc[0]
    land = geopandas.GeoDataFrame(
        geometry=[ship.geometry.buffer(0.02)], crs="OGC:CRS84"
    )  # 2 km of land around it
    land.to_file(tmp_path / "coast.geojson")
    result = westsea.sweep(planned, tmp_path / "out", coast=tmp_path / "coast.geojson", workers=0)
    assert ship["detect_id"] not in set(result.detections()["detect_id"])
    assert result.scenes()["km2_masked"].sum() > swept.scenes()["km2_masked"].sum()


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0, "scheduler": "tcp://127.0.0.1:1"},
        {"workers": -1},
        {"scheduler": "127.0.0.1:1"},
    ],
)
def test_ways_to_run_that_make_no_sense(planned, tmp_path, options):
    with pytest.raises(UsageError):
        westsea.sweep(planned, tmp_path / "out", **options)


def test_a_client_that_does_not_wait_is_refused(planned, tmp_path):
    async def sweep():
        async with client_of(0, asynchronous=True) as client:
            westsea.sweep(planned, tmp_path / "out", client=client)

    # In a thread that has no event loop yet, as this one may since tests with a browser.
    with ThreadPoolExecutor(1) as pool, pytest.raises(UsageError, match="client that waits"):
        pool.submit(lambda: asyncio.run(sweep())).result()


def test_a_client_and_workers_exclude_each_other(planned, tmp_path, threads):
    with pytest.raises(UsageError, match="not two of them"):
        westsea.sweep(planned, tmp_path / "out", client=threads, workers=1)
    assert not (tmp_path / "out").exists()
