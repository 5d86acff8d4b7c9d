"""Sweeps of scenes that overlap, from files: by any way the same overlay, and the right one."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely

from westsea import api
from westsea.records import Verdict
from westsea.results import Sweep
from westsea_catalog.archive.writer import write_cog

SHAPE = (420, 360)
CUTS = {"a": (0, 150), "b": (150, 300), "c": (270, 420)}


def item(folder, lab):
    """The item of a scene, whose files are written beside it."""
    scene = lab.scene
    for band in scene.bands:
        path = folder / f"{scene.id}-{band.key}.tif"
        write_cog(path, lab.arrays[band.name], scene.grid, nodata=scene.nodata)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": scene.id,
        "collection": scene.collection,
        "geometry": shapely.geometry.mapping(shapely.geometry.shape(scene.footprint)),
        "properties": {
            "datetime": scene.datetime.isoformat(),
            "platform": scene.platform.upper(),
            "sat:orbit_state": scene.orbit_state,
            "proj:epsg": scene.grid.epsg,
            "proj:shape": list(scene.grid.shape),
            "proj:transform": list(scene.grid.transform),
        },
        "assets": {
            band.key: {
                "href": f"./{scene.id}-{band.key}.tif",
                "raster:bands": [{"nodata": scene.nodata}],
            }
            for band in scene.bands
        },
    }


@pytest.fixture(scope="module")
def items(seas, tmp_path_factory):
    """Three slices, of which the last two overlap, and the last once more in a newer version."""
    folder = tmp_path_factory.mktemp("slices")
    lab = seas.sea("sar", 8, list(seas.scattered(8, SHAPE)), SHAPE)
    found = {
        name: item(folder, seas.part(lab, rows, (0, SHAPE[1]), name, 20 * k))
        for k, (name, rows) in enumerate(CUTS.items())
    }
    again = json.loads(json.dumps(found["c"])) | {"id": "C"}
    again["properties"]["processing:version"] = "4.0"
    return folder, {**found, "C": again, "whole": item(folder, lab)}


@pytest.fixture
def sweep(items):
    folder, known = items

    def run(out, names, **options):
        collection = {"type": "FeatureCollection", "features": [known[name] for name in names]}
        path = folder / f"{'-'.join(names)}.json"
        path.write_text(json.dumps(collection))
        return api.execute(api.plan(path), out, **({"workers": 0} | options))

    return run


def lineage(out):
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted((out / "lineage").rglob("*.parquet"))
    }


def scene_files(out):
    folders = ("detections", "pairs", "scenes")
    return {path: path.stat().st_mtime_ns for name in folders for path in (out / name).rglob("*.*")}


def test_by_any_way_the_same(sweep, tmp_path):
    sweep(tmp_path / "one", "abcC")
    expected = lineage(tmp_path / "one")
    assert len(expected) == 4
    sweep(tmp_path / "two", "Cb")
    before = scene_files(tmp_path / "two")
    assert lineage(tmp_path / "two") != expected
    sweep(tmp_path / "two", "ca")
    assert lineage(tmp_path / "two") == expected
    # The scenes' own files are never touched.
    after = scene_files(tmp_path / "two")
    assert {path: after[path] for path in before} == before


def test_two_sweeps_at_once_end_with_the_right_overlay(sweep, tmp_path):
    sweep(tmp_path / "one", "abcC")
    with ThreadPoolExecutor(2) as pool:
        parts = [pool.submit(sweep, tmp_path / "two", part) for part in ("aC", "bc")]
        assert all(part.result().count(Verdict.DONE) == 2 for part in parts)
    assert lineage(tmp_path / "two") == lineage(tmp_path / "one")


def test_slices_tell_what_the_whole_tells(sweep, tmp_path):
    sweep(tmp_path / "whole", ["whole"])
    sweep(tmp_path / "cut", "abcC")
    whole, cut = Sweep(tmp_path / "whole"), Sweep(tmp_path / "cut")
    assert cut.scenes()["item_id"].tolist() == ["C", "a", "b"]
    for one, two in ((whole.detections(), cut.detections()), (whole.pairs(), cut.pairs())):
        assert len(one) == len(two) >= 4
        away = np.hypot(
            94_400 * np.subtract.outer(one.lon.to_numpy(), two.lon.to_numpy()),
            111_000 * np.subtract.outer(one.lat.to_numpy(), two.lat.to_numpy()),
        )
        assert away.min(axis=1).max() < 100.0
        assert len(set(away.argmin(axis=1))) == len(one)
    assert len(cut.detections("keep")) > len(cut.detections()) + 5


def test_it_is_written_also_where_scenes_fail(sweep, tmp_path, monkeypatch):
    from westsea import runner

    def fail(job, *args):
        if job.key.item_id == "a":
            raise IndexError
        return process(job, *args)

    process = runner.process_scene
    monkeypatch.setattr(runner, "process_scene", fail)
    report = sweep(tmp_path, "abcC")
    assert report.count(Verdict.FAILED) == 1
    assert len(lineage(tmp_path)) == 4
    assert Sweep(tmp_path).scenes()["item_id"].tolist() == ["C", "b"]


def test_workers_write_the_same(sweep, tmp_path, threads):
    sweep(tmp_path / "one", "abcC")
    sweep(tmp_path / "two", "Ccba", client=threads, workers=None)
    assert lineage(tmp_path / "two") == lineage(tmp_path / "one")
