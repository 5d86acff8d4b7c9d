"""Chips: small pictures of a scene, north up, whatever grid its pixels lie on. For eyes alone.

Nothing is measured here. Detection never resamples; this is the one place that does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.grid import GEOD, Grid, Window
from westsea_catalog.reader import Reader

Float = NDArray[np.float64]

MOST_PX = 2048
"""Along a side of a chip."""


@dataclass(frozen=True)
class Frame:
    """A square of the ground with north up: equal steps east and north about a place."""

    lon: float
    """Degrees, of the middle."""
    lat: float
    side_m: float
    n_px: int
    """Pixels along a side."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees of the middles of its sides."""
        half = np.full(4, self.side_m / 2)
        bearing = np.array([270.0, 180.0, 90.0, 0.0])
        lon, lat, _ = GEOD.fwd(np.full(4, self.lon), np.full(4, self.lat), bearing, half)
        return float(lon[0]), float(lat[1]), float(lon[2]), float(lat[3])

    def lonlat(self) -> tuple[Float, Float]:
        """(n_px, n_px) longitude and latitude of the pixels' centres, the northernmost first."""
        away = ((np.arange(self.n_px) + 0.5) / self.n_px - 0.5) * self.side_m
        east, north = np.meshgrid(away, -away)
        bearing, distance = np.degrees(np.arctan2(east, north)), np.hypot(east, north)
        lon, lat = np.full(east.shape, self.lon), np.full(east.shape, self.lat)
        lon, lat, _ = GEOD.fwd(lon, lat, bearing, distance)
        return np.asarray(lon), np.asarray(lat)


def map_chip(grid: Grid, reader: Reader, nodata: float, frame: Frame) -> NDArray[np.float32]:
    """A band of a scene in a frame, each pixel the nearest one of the scene.

    Parameters
    ----------
    grid
        The scene's true grid; see `westsea.locating`.
    reader
        Of the band.
    nodata
        The value that means no data.
    frame
        Up to `MOST_PX` pixels along a side.

    Returns
    -------
    (n_px, n_px) float32, in the numbers of the reader; NaN where the scene has no data.
    """
    if frame.n_px > MOST_PX:
        raise ValueError(f"a chip has up to {MOST_PX} pixels along a side, not {frame.n_px}")
    place = np.stack(grid.pixel(*frame.lonlat()))
    out = np.full(place.shape[1:], np.nan, np.float32)
    seen: NDArray[np.bool_] = np.array(np.isfinite(place).all(axis=0), np.bool_)
    rows, cols = np.rint(place[:, seen]).astype(np.int64)
    n_rows, n_cols = grid.shape
    inside = (rows >= 0) & (rows < n_rows) & (cols >= 0) & (cols < n_cols)
    seen[seen] = inside
    if not inside.any():
        return out
    rows, cols = rows[inside], cols[inside]
    box = Window(int(rows.min()), int(rows.max()) + 1, int(cols.min()), int(cols.max()) + 1)
    values = reader.read(box)[rows - box.row0, cols - box.col0].astype(np.float32)
    values[values == np.float32(nodata)] = np.nan
    out[seen] = values
    return out
