"""Fixed things at sea that may be taken for ships: aquaculture, wind farms and rocks."""

from typing import Literal

import numpy as np
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate

from westsea_catalog.archive.formations import Planting
from westsea_catalog.archive.layout import Structure, rectangle
from westsea_catalog.archive.open_sea import OpenSea

CLEARANCE_M = 300.0
"""Least distance of hulls and other structures from a farm or a rock."""
LAND_M = 250.0
"""Least distance of farms from land."""
_NEAR_LAND_M = 2500.0
"""Aquaculture lies no farther from land, where there is any."""
_ROCK_LAND_M = (300.0, 1500.0)
_JITTER_M = 4.0
_MISSING = 0.08
"""Share of a farm's places that are empty."""
_TURBINE_M = 15.0
"""Side of a turbine's foundation."""
Member = tuple[float, float, float, float]
"""East and north of a farm's middle, length and width; metres."""


def draw_structures(
    rng: np.random.Generator, sea: OpenSea, planting: Planting
) -> tuple[Structure, ...]:
    """Draw farms and rocks, and take their places.

    Raises
    ------
    ValueError
        If there is no room for them.
    """
    structures: list[Structure] = []
    for _ in range(planting.wind_farms):
        structures += _draw_wind_farm(rng, sea, _next_farm(structures))
    for _ in range(planting.farms):
        structures += _draw_farm(rng, sea, _next_farm(structures))
    for _ in range(planting.rocks):
        structures.append(_draw_rock(rng, sea, _next_farm(structures)))
    return tuple(structures)


def _next_farm(structures: list[Structure]) -> int:
    return structures[-1].farm + 1 if structures else 0


def _draw_farm(rng: np.random.Generator, sea: OpenSea, farm: int) -> list[Structure]:
    """Draw rows of rafts or cages, end to end along one axis; some are missing.

    As laver, oyster and longline farms lie off the West Sea's islands: rafts of some 10 x 50 m.
    """
    heading = float(rng.uniform(0.0, 180.0))
    length, width = float(rng.uniform(30.0, 60.0)), float(rng.uniform(8.0, 12.0))
    across, along = rng.uniform(50.0, 90.0), rng.uniform(max(80.0, length + 20.0), 160.0)
    places = _lattice((int(rng.integers(6, 13)), int(rng.integers(6, 15))), across, along, heading)
    places = places[rng.uniform(size=len(places)) >= _MISSING]
    places += rng.normal(0.0, _JITTER_M, places.shape)
    members = [(east, north, length, width) for east, north in places.tolist()]
    outlines = [_outline(member, heading) for member in members]
    row, col = _settled(rng, sea, outlines, (LAND_M, _NEAR_LAND_M))
    return [_raised("cage", sea, (row, col), m, heading, 1.0, farm) for m in members]


def _draw_wind_farm(rng: np.random.Generator, sea: OpenSea, farm: int) -> list[Structure]:
    """Draw turbines of one height in a skewed lattice."""
    heading = float(rng.uniform(0.0, 180.0))
    shape = int(rng.integers(3, 5)), int(rng.integers(3, 5))
    spacing = rng.uniform(500.0, 700.0), rng.uniform(600.0, 900.0)
    places = _lattice(shape, *spacing, heading, skew=rng.uniform(-0.4, 0.4))
    height = float(rng.uniform(100.0, 150.0))
    members = [(east, north, _TURBINE_M, _TURBINE_M) for east, north in places.tolist()]
    outlines = [_outline(member, heading) for member in members]
    row, col = _settled(rng, sea, outlines, (LAND_M, np.inf))
    return [_raised("turbine", sea, (row, col), m, heading, height, farm) for m in members]


def _draw_rock(rng: np.random.Generator, sea: OpenSea, farm: int) -> Structure:
    heading = float(rng.uniform(0.0, 180.0))
    length = float(np.exp(rng.uniform(np.log(30.0), np.log(150.0))))
    member = (0.0, 0.0, length, length * float(rng.uniform(0.5, 1.0)))
    row, col = _settled(rng, sea, [_outline(member, heading)], _ROCK_LAND_M)
    return _raised("rock", sea, (row, col), member, heading, float(rng.uniform(5.0, 20.0)), farm)


def _lattice(
    shape: tuple[int, int], across_m: float, along_m: float, heading_deg: float, skew: float = 0.0
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Places (n, 2) in metres (east, north) of the middle of rows, each shifted by the skew."""
    i, j = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    starboard, forward = i.ravel() * across_m, (j + skew * i).ravel() * along_m
    sin, cos = np.sin(np.deg2rad(heading_deg)), np.cos(np.deg2rad(heading_deg))
    return np.column_stack([forward * sin + starboard * cos, forward * cos - starboard * sin])


def _outline(member: Member, heading_deg: float) -> Polygon:
    east, north, length, width = member
    return translate(rectangle(length, width, heading_deg), east, north)


def _settled(
    rng: np.random.Generator, sea: OpenSea, outlines: list[Polygon], land_m: tuple[float, float]
) -> tuple[float, float]:
    """Find a place within a range of distances from land, if there is any, and take it."""
    least, most = land_m
    place = sea.find(
        rng,
        outlines,
        clearance_m=CLEARANCE_M,
        land_m=least,
        within_m=most if sea.has_land else np.inf,
    )
    if place is None:
        raise ValueError(f"{len(outlines)} structures do not fit into the scene")
    sea.take(sea.footprint(MultiPolygon(outlines).convex_hull, *place), CLEARANCE_M)
    return place


def _raised(
    kind: Literal["turbine", "cage", "rock"],
    sea: OpenSea,
    place: tuple[float, float],
    member: Member,
    heading_deg: float,
    height_m: float,
    farm: int,
) -> Structure:
    east, north, length, width = member
    row, col = sea.moved(place, east, north)
    return Structure(
        kind, row, col, length, width, heading_deg, height_m, farm, sea.grid.jacobian(row, col)
    )
