"""A hull as the sensors need it: outline, heights and visible parts, in ground metres.

Hull coordinates are (forward, starboard), in metres from midships on the centre line: the stern is
at ``forward = -length / 2``, the tip of the bow at ``+length / 2``.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import Polygon

Float = NDArray[np.float64]
Polarization = Literal["VV", "VH"]
HullType = Literal["merchant", "fishing", "tug", "barge"]

# Length over beam of merchant and fishing hulls, at these lengths (m).
_LENGTHS_M = (20.0, 35.0, 60.0, 100.0, 150.0, 250.0)
_LENGTH_OVER_WIDTH = (4.0, 4.6, 5.6, 6.2, 6.3, 6.6)
WIDTH_SPREAD = 0.12
"""Log-normal spread of the beam about its expectation."""

# The deck plan: half widths, as a fraction of half the beam, at fractions of the length.
_STATIONS = np.array([-0.5, -0.42, 0.30, 0.38, 0.44, 0.48, 0.5])
_HALF_WIDTHS = np.array([0.80, 1.0, 1.0, 0.85, 0.55, 0.25, 0.0])
_CARGO_M = 2.0
"""Height of hatches above the deck."""


class Part(IntEnum):
    """What a point of the deck plan is."""

    WATER = 0
    DECK = 1
    CARGO = 2
    HOUSE = 3


@dataclass(frozen=True)
class Hull:
    """One ship's size and direction."""

    length_m: float
    width_m: float
    heading_deg: float
    """Where the bow points, clockwise from true north, 0-360."""
    type: HullType = "merchant"

    @property
    def freeboard_m(self) -> float:
        """Height of the deck above the water."""
        share = 0.015 if self.type == "barge" else 0.035
        return float(np.clip(share * self.length_m, 1.0, 10.0))

    @property
    def house_m(self) -> float:
        """Height of the superstructure above the deck; a barge has none."""
        return 0.0 if self.type == "barge" else float(np.clip(0.14 * self.length_m, 4.0, 26.0))

    @property
    def heights_m(self) -> Float:
        """Height above the water of each `Part`; that of water is not used."""
        return np.array([0.0, 0.0, _CARGO_M, self.house_m]) + self.freeboard_m

    @property
    def plan(self) -> tuple[Float, Float]:
        """Stations from stern to bow, in lengths, and the share of half the beam at each."""
        return _STATIONS, _HALF_WIDTHS

    @property
    def forward(self) -> tuple[float, float]:
        """Unit vector (east, north) from stern to bow."""
        heading = np.deg2rad(self.heading_deg)
        return float(np.sin(heading)), float(np.cos(heading))

    @property
    def house(self) -> tuple[float, float]:
        """Where the superstructure begins and ends, in metres forward."""
        aft = -0.44 * self.length_m
        return aft, aft + float(np.clip(0.12 * self.length_m, 5.0, 22.0))

    def half_width(self, forward: ArrayLike) -> Float:
        """Half the beam (m) at a distance forward of midships; -1 beyond bow and stern."""
        stations = np.asarray(forward, float) / self.length_m
        profile = np.interp(stations, *self.plan, left=np.nan, right=np.nan)
        return np.where(np.isnan(profile), -1.0, profile * self.width_m / 2)

    def part_at(self, forward: ArrayLike, starboard: ArrayLike) -> NDArray[np.uint8]:
        """`Part` at hull coordinates."""
        forward, across = np.asarray(forward, float), np.abs(starboard)
        hold = max(12.0, 0.1 * self.length_m)
        in_cargo = (
            (np.abs(forward - 0.05 * self.length_m) < 0.31 * self.length_m)
            & (across < 0.32 * self.width_m)
            & (forward % hold > 0.15 * hold)
        )
        aft, fore = self.house
        in_house = (forward >= aft) & (forward <= fore) & (across < 0.42 * self.width_m)
        part = np.where(in_cargo, Part.CARGO, np.where(in_house, Part.HOUSE, Part.DECK))
        return np.where(across <= self.half_width(forward), part, Part.WATER).astype(np.uint8)

    def to_ground(self, forward: ArrayLike, starboard: ArrayLike) -> tuple[Float, Float]:
        """Metres (east, north) of midships, from hull coordinates."""
        forward, starboard = np.asarray(forward, float), np.asarray(starboard, float)
        sin, cos = self.forward
        return forward * sin + starboard * cos, forward * cos - starboard * sin

    def from_ground(self, east: ArrayLike, north: ArrayLike) -> tuple[Float, Float]:
        """Hull coordinates, from metres (east, north) of midships."""
        east, north = np.asarray(east, float), np.asarray(north, float)
        sin, cos = self.forward
        return east * sin + north * cos, east * cos - north * sin

    def outline(self, east: float = 0.0, north: float = 0.0) -> Polygon:
        """The deck plan in metres (east, north), with midships at the given point."""
        stations, half_widths = self.plan
        forward = stations * self.length_m
        half_width = half_widths * self.width_m / 2
        x, y = self.to_ground(
            np.concatenate([forward, forward[-2::-1]]),
            np.concatenate([half_width, -half_width[-2::-1]]),
        )
        return Polygon(np.column_stack([x + east, y + north]))


def expected_width(length_m: ArrayLike) -> Float:
    """Mean beam (m) of hulls of a length (m)."""
    length = np.asarray(length_m, float)
    ratio = np.interp(np.log(length), np.log(_LENGTHS_M), _LENGTH_OVER_WIDTH)
    return np.asarray(length / ratio)


def draw_hull(rng: np.random.Generator, length_m: float, heading_deg: float | None = None) -> Hull:
    """Return a hull of a length, its beam and, unless given, its heading drawn at random."""
    # The mean of a log-normal exceeds its median by half the variance.
    spread = np.exp(rng.normal(-(WIDTH_SPREAD**2) / 2, WIDTH_SPREAD))
    if heading_deg is None:
        heading_deg = rng.uniform(0.0, 360.0)
    return Hull(length_m, float(expected_width(length_m) * spread), heading_deg % 360.0)
