"""What lies in a scene: hulls, the pairs they make, and what may be mistaken for them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import Polygon

from westsea_catalog.archive.hulls import Hull

Float = NDArray[np.float64]
Kind = Literal["alongside", "close"]
Setting = Literal["sea", "fleet", "anchorage", "tow", "berth"]
"""What a hull belongs to: none of the others; a fleet of pair trawlers; an anchorage; a tug and
what it tows; a quay."""


def pixel_offset(jacobian: Float, east: ArrayLike, north: ArrayLike) -> tuple[Float, Float]:
    """(rows, cols) of an offset in metres (east, north), by a `Grid.jacobian`."""
    east, north = np.asarray(east, float), np.asarray(north, float)
    inverse = np.linalg.inv(jacobian)
    cols = inverse[0, 0] * east + inverse[0, 1] * north
    rows = inverse[1, 0] * east + inverse[1, 1] * north
    return rows, cols


def rectangle(length_m: float, width_m: float, heading_deg: float) -> Polygon:
    """A rectangle about (0, 0), in metres (east, north), its length along a heading."""
    heading = np.deg2rad(heading_deg)
    along = np.array([np.sin(heading), np.cos(heading)]) * length_m / 2
    across = np.array([np.cos(heading), -np.sin(heading)]) * width_m / 2
    return Polygon([along + across, along - across, -along - across, -along + across])


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
    foam: float = 1.0
    """Foam astern, over that of a displacement hull as fast; planing craft leave far more."""
    turn_radius_m: float = np.inf
    """Of the circle that it came along, about a point to starboard; negative to port."""

    def pixel_offset(self, east: ArrayLike, north: ArrayLike) -> tuple[Float, Float]:
        """(rows, cols) from midships, from metres (east, north)."""
        return pixel_offset(self.jacobian, east, north)

    def ground_offset(self, rows: ArrayLike, cols: ArrayLike) -> tuple[Float, Float]:
        """Metres (east, north) of midships, from pixel coordinates in the scene."""
        drow, dcol = np.asarray(rows, float) - self.row, np.asarray(cols, float) - self.col
        east = self.jacobian[0, 0] * dcol + self.jacobian[0, 1] * drow
        north = self.jacobian[1, 0] * dcol + self.jacobian[1, 1] * drow
        return east, north


@dataclass(frozen=True)
class PlantedPair:
    """Two hulls of a scene that lie alongside (up to 20 m) or close to each other (to 500 m)."""

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

    @property
    def outline(self) -> Polygon:
        """Its rectangle in metres (east, north) of its middle."""
        return rectangle(self.length_m, self.width_m, self.heading_deg)

    def pixel_offset(self, east: ArrayLike, north: ArrayLike) -> tuple[Float, Float]:
        """(rows, cols) from its middle, from metres (east, north)."""
        return pixel_offset(self.jacobian, east, north)


@dataclass(frozen=True)
class Layout:
    """All that is planted in one scene.

    Every two hulls at most 20 m apart are a pair `alongside` and every two within 500 m a pair
    `close`, whatever formations they came from; but hulls of one group that have another between
    them are none.
    """

    hulls: tuple[PlantedHull, ...]
    pairs: tuple[PlantedPair, ...]
    structures: tuple[Structure, ...] = ()
