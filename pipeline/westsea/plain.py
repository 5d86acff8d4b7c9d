"""Rows as simple formats can hold them: no lists, and nothing that runs around the world."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

HALF = 180.0


def plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A copy whose lists are texts with commas, and whose shapes are cut at 180 degrees.

    Its CRS is named EPSG:4326, which more programs know than OGC:CRS84; x stays the longitude.
    """
    out = frame.copy()
    for name in out.columns:
        values = out[name]
        if values.dtype == object and any(isinstance(v, list | np.ndarray) for v in values):
            out[name] = [",".join(map(str, value)) for value in values]
        elif values.dtype == object and name != out.geometry.name:
            # C strings end at the first null.
            out[name] = values.map(_without_nulls, na_action="ignore")
    out[out.geometry.name] = cut_at_180(out.geometry.to_numpy())
    return out.set_crs("EPSG:4326", allow_override=True)


def texts(frame: pd.DataFrame) -> list[str]:
    """Names of the columns that hold texts."""
    geometry = getattr(frame, "_geometry_column_name", None)
    return [n for n in frame.columns if frame[n].dtype == object and n != geometry]


def with_times_as_texts(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A copy whose times are RFC 3339 texts, to the microsecond where there are any."""
    out = frame.copy()
    for name in out.columns:
        if isinstance(out[name].dtype, pd.DatetimeTZDtype):
            out[name] = [None if pd.isna(when) else _rfc3339(when) for when in out[name]]
    return out


def cut_at_180(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The shapes, those whose corners lie on either side of 180 degrees in two parts (RFC 7946).

    One that spans more than half the world in longitude is taken to go the other way around.
    """
    out = np.array(shapes, object)
    if out.size:
        west, _, east, _ = shapely.bounds(out).T
        for i in np.flatnonzero(east - west > HALF):
            out[i] = _cut(out[i])
    return out


def _cut(shape: BaseGeometry) -> BaseGeometry:
    turned = shapely.transform(shape, lambda at: np.column_stack([at[:, 0] % 360, at[:, 1]]))
    if not turned.is_valid:
        return shape
    east = shapely.intersection(turned, shapely.box(0, -90, HALF, 90))
    west = shapely.intersection(turned, shapely.box(HALF, -90, 360, 90))
    west = shapely.transform(west, lambda at: at - [360, 0])
    parts = [part for half in (east, west) for part in shapely.get_parts(half)]
    kept = [part for part in parts if shapely.get_dimensions(part) == shapely.get_dimensions(shape)]
    return shapely.union_all(kept) if kept else shape


def _without_nulls(value: object) -> object:
    return value.replace("\0", "\\x00") if isinstance(value, str) else value


def _rfc3339(when: pd.Timestamp) -> str:
    return when.isoformat().replace("+00:00", "Z")
