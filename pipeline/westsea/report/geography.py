"""What a report draws beneath pairs: coast, footprints and area, small enough for one file."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from westsea_catalog.coast import Coast

MARGIN_DEG = 2.0
MOST_DEG = 30.0
"""A larger area is not drawn in full."""
TOLERANCES_DEG = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
"""From 100 m, finer than the coast itself, to 3 km."""
MOST_POINTS = 9_000
"""About 130 KB as JSON."""
CREDIT = "Coast © OpenStreetMap contributors (ODbL 1.0); islets GSHHG (LGPL 3.0)"

Box = tuple[float, float, float, float]
Rings = list[list[list[float]]]


def credit(coast: Coast) -> str:
    """Whose the coast is, and where it ends."""
    west, south, east, north = coast.bounds
    return f"{CREDIT}; none is known outside {west:.0f}-{east:.0f} E {south:.0f}-{north:.0f} N"


def box_of(shapes: Iterable[BaseGeometry | None], area: BaseGeometry | None) -> Box | None:
    """The box around shapes and, unless it is far larger, an area; None where there are none."""
    there = [shape for shape in shapes if shape is not None and not shape.is_empty]
    if not there:
        return None
    box = shapely.box(*shapely.total_bounds(np.array(there, object)))
    if area is not None:
        both = shapely.union(box, shapely.box(*area.bounds)).envelope
        if max(both.bounds[2] - both.bounds[0], both.bounds[3] - both.bounds[1]) <= MOST_DEG:
            box = both
    west, south, east, north = box.buffer(MARGIN_DEG, join_style="mitre").bounds
    return west, max(south, -85.0), east, min(north, 85.0)


def coast_rings(coast: Coast, box: Box | None) -> Rings:
    """Outer rings of the land in a box, [lon, lat], as fine as the points that may be spent."""
    if box is None:
        return []
    land = coast.within(*box)
    rings: list[Any] = []
    for tolerance in TOLERANCES_DEG:
        simple = shapely.simplify(shapely.get_exterior_ring(land), tolerance)
        rings = [shapely.get_coordinates(ring) for ring in simple]
        rings = [ring for ring in rings if len(ring) >= 4]
        if sum(map(len, rings)) <= MOST_POINTS:
            break
    return [_rounded(ring) for ring in rings]


def outlines(shape: BaseGeometry | None) -> Rings:
    """Outer rings of polygons, [lon, lat]."""
    if shape is None:
        return []
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return [_rounded(shapely.get_coordinates(part.exterior)) for part in parts]


def _rounded(points: Any) -> list[list[float]]:
    found: list[list[float]] = np.round(points, 4).tolist()
    return found
