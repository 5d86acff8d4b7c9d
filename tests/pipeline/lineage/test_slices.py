"""Consecutive slices in radar geometry: what their seam cuts is there once."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from shapely.geometry import mapping

from westsea.locating import outline
from westsea_catalog.grid import AffineGrid, Window, ground_jacobian
from westsea_catalog.radar.product import RadarProduct
from westsea_kernels.blocks import CELL

SHAPE = (640, 384)
TURN = np.deg2rad(-168.0)


@dataclass(frozen=True)
class Slice:
    """Lines of a pass that is turned and bent on the ground, from `row0` on."""

    row0: int
    shape: tuple[int, int]

    is_map = False
    is_guess = False

    @property
    def full(self):
        return Window(0, self.shape[0], 0, self.shape[1])

    @property
    def whole(self):
        step = 10.0 * np.array([[np.cos(TURN), np.sin(TURN)], [-np.sin(TURN), np.cos(TURN)]])
        (a, b), (d, e) = step
        c, f = np.array([745_000.0, 3_545_000.0]) - step @ [SHAPE[1] / 2, SHAPE[0] / 2]
        return AffineGrid(32651, (a, b, c, d, e, f), SHAPE)

    def lonlat(self, row, col):
        col = np.asarray(col, float)
        return self.whole.lonlat(row + self.row0 + 3.0 * (col / SHAPE[1]) ** 2, col)

    def pixel(self, lon, lat):
        row, col = self.whole.pixel(lon, lat)
        return row - self.row0 - 3.0 * (col / SHAPE[1]) ** 2, col

    def jacobian(self, row, col):
        return ground_jacobian(self, row, col)


def slice_of(lab, row0, row1, name):
    grid = Slice(row0, (row1 - row0, SHAPE[1]))
    arrays = {band: np.ascontiguousarray(image[row0:row1]) for band, image in lab.arrays.items()}
    scene = replace(lab.scene, id=name, grid=grid, footprint=mapping(outline(grid)))
    return replace(lab, arrays=arrays, scene=scene)


@pytest.mark.parametrize(("seam", "overlap"), [(320, 0), (325, 0), (331, 9), (325, 60)])
def test_what_a_seam_cuts_is_there_once(sim, swept, overlap, seam):
    grid = Slice(0, SHAPE)
    image = sim.radar_sea(8, SHAPE).astype(float)
    ships = [(318, 80), (324, 200), (330, 300), (150, 120), (500, 220), (345, 200)]
    for k, (row, col) in enumerate(ships):
        hull, at = sim.hull_image(grid, row, col, 160.0, 27.0, 35.0 * k if k < 5 else 35.0, 9.0)
        image[:, *at] += np.multiply.outer([1.0, 0.2], hull)
    lab = sim.lab(image.astype(np.float32))
    radar = RadarProduct("IW", calibrated=True)
    lab = replace(lab, scene=replace(lab.scene, grid=grid, radar=radar))
    whole = swept([slice_of(lab, 0, SHAPE[0], "whole")])
    two = swept([slice_of(lab, 0, seam + overlap, "one"), slice_of(lab, seam, SHAPE[0], "two")])
    assert seam % CELL != 0
    one, other = (each.detections() for each in (whole, two))
    assert len(one) == len(ships)
    assert len(other) == len(one)
    assert len(two.pairs()) == len(whole.pairs()) >= 1
