"""The chip of a pair: pictures of it, and what is drawn on them."""

from typing import Any

import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from westsea.report.patches import MapChip, Patches, data_uri
from westsea.report.rows import Row
from westsea_catalog.errors import WestseaError
from westsea_catalog.pictures import Picture

MARGIN_M = 250.0
"""Sea shown beyond the hulls of a pair."""
MOST_REACH_M = 900.0


def pictures_of(
    pair: Row, members: list[Row], patches: Patches | str
) -> tuple[MapChip, list[Picture], str]:
    """The map around a pair, its pictures, and where there are none, why."""
    longest = max((hull["length_m"] for hull in members), default=0.0)
    reach = min((longest + (pair["center_distance_m"] or 0.0)) / 2 + MARGIN_M, MOST_REACH_M)
    nothing = MapChip(pair["lon"], pair["lat"], reach, 1)
    if isinstance(patches, str):
        return nothing, [], patches
    try:
        return *patches.pictures(pair["lon"], pair["lat"], reach), ""
    except WestseaError as error:
        return nothing, [], str(error)


def chip(pair: Row, members: list[Row], patches: Patches | str) -> dict[str, Any]:
    """Pictures around a pair, and what is drawn on them in metres east and south of the middle."""
    place, pictures, reason = pictures_of(pair, members, patches)
    return {
        "reason": reason,
        "reach": round(place.reach_m),
        "pixel": round(place.pixel_m, 1) if pictures else None,
        "size": place.size,
        "bounds": [round(side, 6) for side in place.bounds],
        "pictures": [
            {"name": p.name, "scale": p.scale, "uri": data_uri(p.pixels)} for p in pictures
        ],
        **drawing(place, pair, members),
    }


def drawing(place: MapChip, pair: Row, members: list[Row]) -> dict[str, Any]:
    """What is drawn on a chip: lines of [east, south], metres from its middle."""
    shapes = [hull_shape(place, hull) for hull in members]
    return {
        "outlines": [_drawn(shape.exterior) for shape in shapes],
        "axes": [_drawn(axis_line(place, hull)) for hull in members],
        "gap": gap_line(place, pair, shapes),
    }


def hull_shape(place: MapChip, hull: Row) -> shapely.Polygon:
    """A detection's outline: a rectangle as long and wide as it, metres east and north."""
    x, y = place.metres(hull["lon"], hull["lat"])
    half_width, half_length = hull["width_m"] / 2, hull["length_m"] / 2
    box = shapely.box(-half_width, -half_length, half_width, half_length)
    turned = affinity.rotate(box, -hull["heading_deg"], origin=(0, 0))
    return affinity.translate(turned, x, y)


def axis_line(place: MapChip, hull: Row) -> BaseGeometry:
    """A detection's long axis."""
    x, y = place.metres(hull["lon"], hull["lat"])
    line = shapely.LineString([(0, -hull["length_m"] / 2), (0, hull["length_m"] / 2)])
    return affinity.translate(affinity.rotate(line, -hull["heading_deg"], origin=(0, 0)), x, y)


def gap_line(place: MapChip, pair: Row, shapes: list[shapely.Polygon]) -> list[list[float]]:
    """The shortest line between two outlines, or between the hulls that were resolved in one."""
    if len(shapes) == 2:
        line = shapely.shortest_line(*shapes)
        return _drawn(line) if line.length > 0 else []
    if pair["geometry"].geom_type != "LineString":
        return []
    points = [place.metres(*point) for point in shapely.get_coordinates(pair["geometry"])]
    return _drawn(shapely.LineString(points))


def _drawn(line: BaseGeometry) -> list[list[float]]:
    """As SVG has it: south is positive."""
    return (shapely.get_coordinates(line) * [1, -1]).round(1).tolist()  # type: ignore[no-any-return]
