"""The bench's own settings: bounded in CI, long by `make chaos`."""

import os

import pytest
from rig import scenes


@pytest.fixture(scope="session")
def n_scenes():
    return int(os.environ.get("WESTSEA_CHAOS_SCENES", "40"))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Folder of the files behind all scenes."""
    folder = tmp_path_factory.mktemp("drawn")
    scenes.draw(folder)
    return folder


@pytest.fixture
def local_items(drawn, tmp_path):
    """Makes the path of so many items, whose files lie on this machine."""

    def make(n):
        folder = tmp_path / "archive"
        for number in range(n):
            file = folder / scenes.CONTAINER / f"{number:04d}" / "vv.tif"
            file.parent.mkdir(parents=True)
            file.hardlink_to(drawn / scenes.file_of(f"{number:04d}/vv.tif"))
        scenes.write_items(folder / "items.json", range(n), folder)
        return folder / "items.json"

    return make
