"""What lies in a scene: hulls, the pairs they make, and what may be mistaken for them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from westsea_catalog.archive.hulls import Hull

Float = NDArray[np.float64]
Kind = Literal["alongside", "close"]
Setting = Literal["sea", "fleet", "anchorage", "tow", "berth"]
"""What a hull belongs to: none of the others; a fleet of pair trawlers; an anchorage; a tug and
what it tows; a quay."""


@dataclass(frozen=True, eq=False)
class PlantedHull:
    """A hull in a scene."""

    hull: Hull
    row: float
    """Pixel coordinates of midships; integers are pixel centres."""
    col: float
    group: int
    """Number within the scene that hulls alongside each other share."""
    jacobian: Float
    """Ground metres (east, north) per step (col, row), where the hull lies."""
    speed_ms: float = 0.0
    """Over ground, towards the bow."""
    setting: Setting = "sea"

    def pixel_offset(self, east: ArrayLike, north: ArrayLike) -> tuple[Float, Float]:
        """(rows, cols) from midships, from metres (east, north)."""
        east, north = np.asarray(east, float), np.asarray(north, float)
        inverse = np.linalg.inv(self.jacobian)
        cols = inverse[0, 0] * east + inverse[0, 1] * north
        rows = inverse[1, 0] * east + inverse[1, 1] * north
        return rows, cols

    def ground_offset(self, rows: ArrayLike, cols: ArrayLike) -> tuple[Float, Float]:
        """Metres (east, north) of midships, from pixel coordinates in the scene."""
        drow, dcol = np.asarray(rows, float) - self.row, np.asarray(cols, float) - self.col
        east = self.jacobian[0, 0] * dcol + self.jacobian[0, 1] * drow
        north = self.jacobian[1, 0] * dcol + self.jacobian[1, 1] * drow
        return east, north


@dataclass(frozen=True)
class PlantedPair:
    """Two hulls of a scene that lie alongside or close to each other."""

    kind: Kind
    first: int
    """Index of the longer hull in `Layout.hulls`."""
    second: int
    gap_m: float
    """Hull edge to hull edge."""
    center_distance_m: float
    """Midships to midships."""


@dataclass(frozen=True, eq=False)
class Structure:
    """A fixed thing at sea that is no ship."""

    kind: Literal["turbine", "cage", "rock"]
    """A wind turbine, one raft or cage of an aquaculture farm, an islet that no map shows."""
    row: float
    """Pixel coordinates of its middle; integers are pixel centres."""
    col: float
    length_m: float
    width_m: float
    heading_deg: float
    """Of its long axis, clockwise from true north, 0-180."""
    height_m: float
    farm: int
    """Number within the scene that the members of one farm share."""
    jacobian: Float
    """Ground metres (east, north) per step (col, row), where it stands."""


@dataclass(frozen=True)
class Layout:
    """All that is planted in one scene.

    Of a raft only neighbours are pairs: the outer hulls have another between them.
    """

    hulls: tuple[PlantedHull, ...]
    pairs: tuple[PlantedPair, ...]
    structures: tuple[Structure, ...] = ()
