"""The bench's own settings: bounded in CI, long by `make chaos`."""

import os

import pytest
from rig import scenes


@pytest.fixture(scope="session")
def n_scenes():
    return int(os.environ.get("WESTSEA_CHAOS_SCENES", "60"))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Folder of the files behind all scenes."""
    folder = tmp_path_factory.mktemp("drawn")
    scenes.draw(folder)
    return folder
