"""Simulated twins, once for all tests of radar geometry."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from westsea_catalog.archive.formations import Planting
from westsea_catalog.archive.grd import make_twins
from westsea_catalog.archive.scenes import RADAR_SCENES
from westsea_catalog.grid import AffineGrid
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import PROFILES
from westsea_catalog.stac_item import with_absolute_hrefs


def small(scene, shape=(448, 384), **changes):
    grid = AffineGrid(scene.grid.epsg, scene.grid.transform, shape)
    planting = Planting(singles=4, alongside=1, close=1)
    return replace(scene, grid=grid, planting=planting, **changes)


@pytest.fixture(scope="session")
def twin_scenes():
    """A descending pass in two polarisations, an ascending one in one whose swath ends."""
    second = RADAR_SCENES[3]
    return (
        small(RADAR_SCENES[0]),
        small(second, radar=replace(second.radar, swath_end_m=1200.0)),
    )


@pytest.fixture(scope="session")
def twins(tmp_path_factory, twin_scenes):
    """Path of their catalog.json."""
    return make_twins(tmp_path_factory.mktemp("twins"), seed=5, scenes=twin_scenes)


@pytest.fixture
def grd_items(twins, twin_scenes):
    """Their items, hrefs absolute."""
    found = []
    for scene in twin_scenes:
        name = scene.id.removesuffix("_rtc")
        path = twins.parent / "sentinel-1-grd" / name / f"{name}.json"
        found.append(with_absolute_hrefs(json.loads(path.read_text()), str(path)))
    return found


@pytest.fixture
def planned(twins):
    """``planned(item)`` is the scene of an item of theirs."""
    return lambda item, root=None: scene_from_item(
        item, PROFILES["built-in"], Path(root or twins.parent)
    )
