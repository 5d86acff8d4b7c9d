"""Annotation of real products, as the source packages of sarsen and xarray-sentinel ship it.

Wheels leave it out: unpack a source package, and name its folder in WESTSEA_REAL_S1.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from westsea_catalog.grid import GEOD
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import PROFILES
from westsea_catalog.radar.annotation import read_annotation
from westsea_catalog.radar.grids import RadarGrid
from westsea_catalog.radar.located import HALF_LIGHT_MS, grid_of_annotation, located
from westsea_catalog.search import items_from, root_of

FOLDER = os.environ.get("WESTSEA_REAL_S1", "")
PRODUCTS = sorted(Path(FOLDER).glob("**/S1?_IW_GRDH_*.SAFE")) if FOLDER else []

pytestmark = [
    pytest.mark.skipif(
        not PRODUCTS,
        reason="no real product: WESTSEA_REAL_S1 names no unpacked source package of sarsen",
    ),
    # These files have lost their control points.
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]
products = pytest.mark.parametrize("folder", PRODUCTS, ids=lambda path: path.name[:32])


def annotation_of(folder):
    [path] = folder.glob("annotation/s1*-vv-*.xml")
    return read_annotation(path.read_bytes())


@products
def test_ranges_are_the_polynomials(folder):
    annotation = annotation_of(folder)
    row, col = np.meshgrid(annotation.rows, annotation.cols, indexing="ij")
    metres = annotation.nodes["slantRangeTime"] * HALF_LIGHT_MS
    assert np.abs(annotation.ranges.metres(row, col)[0] - metres).max() < 1e-6


@products
def test_control_points_at_sea_are_met(folder):
    annotation = annotation_of(folder)
    grid = grid_of_annotation(annotation)
    row, col = np.meshgrid(annotation.rows, annotation.cols, indexing="ij")
    nodes = annotation.nodes
    _, _, apart = GEOD.inv(*grid.lonlat(row, col), nodes["longitude"], nodes["latitude"])
    at_sea = nodes["height"] < 1
    assert (apart[at_sea] < 0.15).all()
    found = grid.pixel(*grid.lonlat(row, col))
    np.testing.assert_allclose(found, (row, col), atol=1e-3)


@products
def test_points_left_out_are_found(folder):
    """Every second line and sample left out: what the spline says there, over land and sea."""
    annotation = annotation_of(folder)
    full = grid_of_annotation(annotation)
    rows = np.unique([*range(0, len(full.rows), 2), len(full.rows) - 1])
    cols = np.unique([*range(0, len(full.across), 2), len(full.across) - 1])
    half = RadarGrid(
        full.shape,
        full.rows[rows],
        full.across[cols],
        full.lon[np.ix_(rows, cols)],
        full.lat[np.ix_(rows, cols)],
        full.ranges,
    )
    row, col = np.meshgrid(annotation.rows, annotation.cols, indexing="ij")
    _, _, apart = GEOD.inv(*half.lonlat(row, col), *full.lonlat(row, col))
    left_out = np.ones(apart.shape, bool)
    left_out[np.ix_(rows, cols)] = False
    apart = apart[left_out]
    print(f"{folder.name[:32]}: median {np.median(apart):.2f} m, most {apart.max():.2f} m")
    assert np.median(apart) < 1.0
    assert apart.max() < 6.0


@products
def test_ambiguities(folder):
    """In lines of a nominal 10 m, as they are mostly told; a line is 1.0 to 1.7 % longer."""
    [item] = items_from(str(folder))
    scene = located(scene_from_item(item, PROFILES["built-in"], root_of(str(folder))))
    product = scene.radar
    cols = np.arange(0, scene.grid.shape[1], 50.0)
    row = np.full(len(cols), scene.grid.shape[0] / 2)
    number = product.subswath(row, cols)
    jacobian = scene.grid.jacobian(row, cols)
    line_m = np.hypot(jacobian[:, 0, 1], jacobian[:, 1, 1])
    nominal = product.ambiguity_m(row, cols) / line_m * 10
    assert ((line_m > 10.09) & (line_m < 10.18)).all()
    for swath, (low, high) in {1: (4900, 5250), 2: (4400, 4750), 3: (5450, 5850)}.items():
        found = nominal[number == swath]
        print(f"IW{swath}: {found.min():.0f} to {found.max():.0f} m")
        assert low < found.min() < found.max() < high
    assert (number > 0).all()
    assert 30 < product.incidence_deg(row[0], 0) < 31
    assert 45.9 < product.incidence_deg(row[0], cols[-1]) < 46.3
