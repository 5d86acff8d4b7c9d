"""The items behind scenes: kept without what may sign them, read back with the same distrust."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from westsea import sources
from westsea.api import plan, search
from westsea.objects import open_objects
from westsea.records import SceneKey
from westsea_catalog.errors import RefusedScene

SIGNED = "https://sentinel1euwestrtc.blob.core.windows.net/s1/vv.tif?sv=1&sig=secret"


@pytest.fixture
def planned(archive):
    found = search(str(archive), aoi="west-sea", datetime="2017-10-01/2017-10-31", offline=True)
    return plan(found, catalog=str(archive))


def test_a_scene_comes_back_as_it_was_planned(planned, tmp_path):
    objects = open_objects(tmp_path)
    for each in planned.scenes:
        sources.remember(objects, [each.scene], planned)
        found = sources.recall(objects, each.scene.collection, each.scene.id)
        scene = found.scene({})
        assert replace(scene, item={}) == replace(each.scene, item={})
        assert "links" not in found.item
        assert set(found.item["assets"]) == {a.key for a in (*scene.bands, *scene.extras)}


def test_nothing_that_signs_is_kept(planned, tmp_path):
    scene = planned.scenes[0].scene
    bands = tuple(replace(band, href=SIGNED) for band in scene.bands)
    objects = open_objects(tmp_path)
    sources.remember(objects, [replace(scene, bands=bands)], planned)
    [file] = (path for path in (tmp_path / "items").rglob("*") if path.is_file())
    text = file.read_text()
    assert "vv.tif" in text
    assert "secret" not in text
    assert "?" not in text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"title": "\ud800"}, {"title": "?"}),
        ({"a\udfff": ["\ud800b"]}, {"a?": ["?b"]}),
        ({"platform": "\ud800"}, {"platform": "?"}),
        ({"x": [np.float32(1.5), np.int64(3)]}, {"x": [1.5, 3]}),
        ({"x": np.arange(3)}, {"x": [0, 1, 2]}),
        ({"x": pd.Timestamp("2020-01-01")}, {"x": "2020-01-01 00:00:00"}),
        ({"x": [math.nan, math.inf, -math.inf]}, {"x": ["nan", "inf", "-inf"]}),
        ({"x": 2**70}, {"x": 2**70}),
        ({"x": {1: (2, 3)}}, {"x": {"1": [2, 3]}}),
    ],
)
def test_values_that_json_has_not(planned, tmp_path, archive, given, kept):
    """The scene is the same, and its item has one hash."""
    before = planned.scenes[0].scene
    item = {**before.item, "properties": {**before.item["properties"], **given}}
    again = plan([item], catalog=str(archive))
    [scene] = (each.scene for each in again.scenes)
    assert SceneKey.of(scene) == SceneKey.of(replace(scene, item=copy.deepcopy(item)))
    objects = open_objects(tmp_path)
    sources.remember(objects, [scene], again)
    found = sources.recall(objects, scene.collection, scene.id)
    assert found.item["properties"].items() >= kept.items()
    assert replace(found.scene({}), item={}) == replace(scene, item={})


def test_a_value_of_no_data_comes_back(planned, tmp_path, archive):
    item = copy.deepcopy(planned.scenes[0].scene.item)
    for asset in item["assets"].values():
        asset["raster:bands"] = [{"nodata": math.nan}]
    again = plan([item], catalog=str(archive))
    [scene] = (each.scene for each in again.scenes)
    assert math.isnan(scene.nodata)
    sources.remember(open_objects(tmp_path), [scene], again)
    found = sources.recall(open_objects(tmp_path), scene.collection, scene.id)
    assert math.isnan(found.scene({}).nodata)


def test_files_outside_the_catalogues_folder_are_refused(planned, tmp_path):
    scene = planned.scenes[0].scene
    objects = open_objects(tmp_path)
    sources.remember(objects, [scene], replace(planned, root=tmp_path / "elsewhere"))
    found = sources.recall(objects, scene.collection, scene.id)
    with pytest.raises(RefusedScene):
        found.scene({})


def test_what_is_no_record_is_none(planned, tmp_path):
    scene = planned.scenes[0].scene
    objects = open_objects(tmp_path)
    assert sources.recall(objects, scene.collection, scene.id) is None
    sources.remember(objects, [scene], planned)
    [file] = (path for path in (tmp_path / "items").rglob("*") if path.is_file())
    file.write_text("{")
    assert sources.recall(objects, scene.collection, scene.id) is None


def test_items_of_a_file_go_before(planned, tmp_path, archive):
    items = [each.scene.item for each in planned.scenes]
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    found = sources.from_file(str(path), str(archive))
    scene = planned.scenes[0].scene
    assert found[scene.collection, scene.id].scene({}).bands == scene.bands
