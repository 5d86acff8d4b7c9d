"""The grid that an item's proj:* fields describe."""

import math
import re
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError, ProjError

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import AffineGrid
from westsea_catalog.stac_item import numbers
from westsea_catalog.trust import brief

MAX_SIDE = 40_000
"""Pixels; the largest Sentinel-1 RTC scenes have 30,000."""
MAX_PIXELS = 1_000_000_000
PIXEL_M = (5.0, 25.0)
"""Pixel sizes in the projection's metres that the detector is made for."""
GROUND_PIXEL_M = (4.0, 30.0)
"""The same on the ground, where EPSG:3857 at 65 degrees has 0.42 of its nominal size."""
MAX_CRS_CHARS = 20_000

_CODE = re.compile(r"EPSG:(\d{4,6})", re.ASCII | re.IGNORECASE)


def read_grid(asset: dict[str, Any], item_properties: dict[str, Any]) -> AffineGrid:
    """The grid of one asset; what the asset says comes before what the item says.

    Raises
    ------
    RefusedScene
        Missing, contradictory or malformed fields; the message has no subject.
    """
    epsg = _epsg(asset) or _epsg(item_properties)
    if epsg is None:
        raise RefusedScene("does not say which projection it is in")
    return AffineGrid(epsg, _transform(asset, item_properties), _shape(asset, item_properties))


def check_grid(grid: AffineGrid) -> None:
    """Judge whether a scene can lie on a grid.

    Raises
    ------
    RefusedScene
        Too large, off the world, or with pixels that are not squares of about 10 m; the message
        has no subject.
    """
    rows, cols = grid.shape
    if max(rows, cols) > MAX_SIDE or rows * cols > MAX_PIXELS:
        raise RefusedScene(f"has {rows} x {cols} pixels, more than westsea reads")
    a, _, _, _, e, _ = grid.transform
    metres = _metres_per_unit(grid.epsg)
    if abs(a + e) > 0.01 * a:
        raise RefusedScene(f"has pixels that are not square: {a:g} by {-e:g}")
    if not PIXEL_M[0] <= a * metres <= PIXEL_M[1]:
        raise RefusedScene(
            f"has pixels of {a * metres:g} m; westsea reads {PIXEL_M[0]:g} to {PIXEL_M[1]:g} m"
        )
    place = np.array([[0, 0], [0, cols], [rows, 0], [rows, cols]]) - 0.5
    place = np.vstack([place, place.mean(axis=0)])
    try:
        lon, lat = grid.lonlat(place[:, 0], place[:, 1])
    except ProjError:
        lon = lat = np.array([np.nan])
    if not (np.isfinite(lon).all() and np.isfinite(lat).all() and (np.abs(lat) < 90).all()):
        raise RefusedScene("lies on a grid that leaves its projection")
    size = math.sqrt(abs(np.linalg.det(grid.jacobian(place[-1, 0], place[-1, 1]))))
    if not GROUND_PIXEL_M[0] <= size <= GROUND_PIXEL_M[1]:
        raise RefusedScene(f"has pixels of {size:g} m on the ground, too far from 10 m")


def coarser_by(grid: AffineGrid, other: AffineGrid) -> int | None:
    """By which whole factor the other grid, of the same corner, is coarser; None for any other."""
    a, _, c, _, e, f = grid.transform
    other_a, _, other_c, _, other_e, other_f = other.transform
    factor = round(other_a / a)
    same_place = (
        grid.epsg == other.epsg
        and math.isclose(other_a, factor * a, rel_tol=1e-9)
        and math.isclose(other_e, factor * e, rel_tol=1e-9)
        # A hundredth of a pixel is a rounding, not a shift.
        and abs(other_c - c) < 0.01 * a
        and abs(other_f - f) < 0.01 * a
    )
    covers = factor > 0 and other.shape == tuple(-(-side // factor) for side in grid.shape)
    return factor if same_place and covers else None


def _epsg(fields: dict[str, Any]) -> int | None:
    """EPSG code of proj:code, proj:epsg, proj:wkt2 or proj:projjson, None where none is given."""
    codes = {_code(fields.get("proj:code")), _number(fields.get("proj:epsg"))} - {None}
    if len(codes) > 1:
        raise RefusedScene("gives two different projections, in proj:code and in proj:epsg")
    if codes:
        return codes.pop()
    for key in ("proj:wkt2", "proj:projjson"):
        if fields.get(key):
            return _described(fields[key], key)
    return None


def _code(value: object) -> int | None:
    if value is None:
        return None
    match = _CODE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RefusedScene(f"has projection {brief(value)!r}, which is not an EPSG code")
    return int(match[1])


def _number(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1000 <= value <= 999_999:
        raise RefusedScene(f"has projection {brief(value)}, which is not an EPSG code")
    return value


def _described(value: object, key: str) -> int:
    """EPSG code of a projection that is written out."""
    epsg = None
    try:
        if isinstance(value, str) and len(value) <= MAX_CRS_CHARS:
            epsg = CRS.from_wkt(value).to_epsg()
        elif isinstance(value, dict) and len(repr(value)) <= MAX_CRS_CHARS:
            epsg = CRS.from_json_dict(value).to_epsg()
    except (CRSError, TypeError, ValueError, RecursionError):
        pass
    if epsg is None:
        raise RefusedScene(f"has a projection in {key} that is not one of EPSG")
    return epsg


def _transform(
    asset: dict[str, Any], item_properties: dict[str, Any]
) -> tuple[float, float, float, float, float, float]:
    value = _first(asset, item_properties, "proj:transform")
    if value is None:
        raise RefusedScene("does not say where its pixels lie (no proj:transform)")
    found = numbers(value, 6) or numbers(value, 9)
    if found is None or found[6:] not in ((), (0.0, 0.0, 1.0)):
        raise RefusedScene(f"has a proj:transform that is none: {brief(value)}")
    a, b, c, d, e, f = found[:6]
    if b or d:
        raise RefusedScene("lies on a grid that is rotated or sheared")
    if a <= 0 or e >= 0:
        raise RefusedScene("lies on a grid that does not begin in the north-west")
    return a, b, c, d, e, f


def _shape(asset: dict[str, Any], item_properties: dict[str, Any]) -> tuple[int, int]:
    value = _first(asset, item_properties, "proj:shape")
    if value is None:
        raise RefusedScene("does not say how many pixels it has (no proj:shape)")
    found = numbers(value, 2)
    if found is None or any(not v.is_integer() or v < 1 for v in found):
        raise RefusedScene(f"has a proj:shape that is none: {brief(value)}")
    return int(found[0]), int(found[1])


def _first(asset: dict[str, Any], item_properties: dict[str, Any], key: str) -> object:
    value = asset.get(key)
    return item_properties.get(key) if value is None else value


@lru_cache(maxsize=256)
def _metres_per_unit(epsg: int) -> float:
    try:
        crs = CRS.from_epsg(epsg)
    except CRSError:
        raise RefusedScene(f"has projection EPSG:{epsg}, which does not exist") from None
    if not crs.is_projected:
        raise RefusedScene(f"is in EPSG:{epsg}, which has degrees for metres")
    return float(crs.axis_info[0].unit_conversion_factor)
