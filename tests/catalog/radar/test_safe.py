"""Products as folders, as ESA packs them."""

import shutil

import numpy as np
import pytest

from westsea_catalog.errors import ConfigError, RefusedScene
from westsea_catalog.radar.located import located
from westsea_catalog.reader import open_reader
from westsea_catalog.search import items_from, root_of


@pytest.fixture
def folders(twins):
    return sorted(twins.parent.glob("sentinel-1-grd/*/*.SAFE"))


@pytest.mark.parametrize("number", [0, 1])
def test_a_folder_is_the_scene_of_its_item(folders, planned, grd_items, number):
    folder = next(path for path in folders if path.stem == grd_items[number]["id"])
    [item] = items_from(str(folder))
    scene, other = planned(item, root_of(str(folder))), planned(grd_items[number])
    assert (scene.id, scene.collection, scene.mode) == (other.id, "sentinel-1-grd", "IW")
    assert scene.polarizations == other.polarizations
    assert scene.orbit_state == other.orbit_state
    assert scene.platform == other.platform == "sentinel-1a"
    assert scene.grid.shape == other.grid.shape
    assert scene.baseline == "2.91"
    assert abs((scene.datetime - other.datetime).total_seconds()) < 13
    one, two = located(scene), located(other)
    assert one.grid == two.grid
    assert one.radar.calibrated
    pixels = [open_reader(each, each.bands[0]).read(each.grid.full) for each in (one, two)]
    np.testing.assert_array_equal(*pixels)


def test_a_folder_of_folders(folders, tmp_path, caplog, planned):
    """One that is broken is told of, and refused; the others go on."""
    for folder in folders:
        shutil.copytree(folder, tmp_path / folder.name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "readme.txt").write_text("not a product")
    broken = tmp_path / "S1A_broken.SAFE"
    broken.mkdir()
    (broken / "manifest.safe").write_text("<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")
    items = items_from(str(tmp_path))
    assert {item["id"] for item in items} == {"S1A_broken", *(path.stem for path in folders)}
    assert "document type" in caplog.text
    [bad] = [item for item in items if item["id"] == "S1A_broken"]
    with pytest.raises(RefusedScene, match="when it was acquired"):
        planned(bad, tmp_path)


def test_a_manifest_cannot_name_files_elsewhere(folders, tmp_path, planned):
    folder = tmp_path / folders[0].name
    shutil.copytree(folders[0], folder)
    path = folder / "manifest.safe"
    path.write_text(path.read_text().replace("./measurement/", "../../../../etc/"))
    [item] = items_from(str(folder))
    with pytest.raises(RefusedScene, match="outside of its catalogue's folder"):
        planned(item, root_of(str(folder)))


def test_without_annotation_the_manifest_serves(folders, tmp_path, planned):
    folder = tmp_path / folders[0].name
    shutil.copytree(folders[0], folder)
    for path in folder.glob("annotation/**/*.xml"):
        path.unlink()
    manifest = folder / "manifest.safe"
    text = manifest.read_text()
    manifest.write_text(text.replace("s1Level1ProductSchema", "s1Level1Other"))
    [item] = items_from(str(folder))
    scene = located(planned(item, root_of(str(folder))))
    assert not scene.radar.calibrated


@pytest.mark.parametrize("content", [(), ("other",)])
def test_folders_without_products(tmp_path, content):
    for name in content:
        (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match=r"is a folder without a Sentinel-1 product: .*\.$"):
        items_from(str(tmp_path))
