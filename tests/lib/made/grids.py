"""Grids that are not affine, as radar geometry is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from westsea_catalog.grid import AffineGrid, ground_jacobian


@dataclass(frozen=True)
class BentGrid:
    """An affine grid whose rows are moved, column by column."""

    base: AffineGrid
    bend: Callable[[np.ndarray], np.ndarray]
    """Pixels down, of the columns."""

    @property
    def shape(self):
        return self.base.shape

    @property
    def full(self):
        return self.base.full

    def lonlat(self, row, col):
        row, col = np.asarray(row, float), np.asarray(col, float)
        return self.base.lonlat(row + self.bend(col), col)

    def pixel(self, lon, lat):
        row, col = self.base.pixel(lon, lat)
        return row - self.bend(col), col

    def jacobian(self, row, col):
        return ground_jacobian(self, row, col)
