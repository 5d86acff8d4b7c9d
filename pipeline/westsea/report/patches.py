"""Chips: what a scene shows around a place, on a small north-up map.

Pixels are found through the scene's `Grid` alone, so any geometry will do. Each pixel of a chip
takes the nearest of the scene's, and they are as large, so nothing is made up between them.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.errors import FailedScene, WestseaError
from westsea_catalog.grid import Grid, Window
from westsea_catalog.pictures import Image, Picture, encode, optical, radar
from westsea_catalog.reader import Reader, gdal_env, open_reader
from westsea_catalog.scene import Asset, Scene

Float = NDArray[np.float64]

METRES_PER_DEGREE = 111_320.0
MOST_PX = 192
"""Along a side of a chip; a reach that needs more gets larger pixels."""
COLOURS = ("B04", "B03", "B02")


@dataclass(frozen=True)
class MapChip:
    """Where a chip's pixels lie: a square north-up map around a place."""

    lon: float
    lat: float
    reach_m: float
    """From the middle to each side."""
    size: int
    """Pixels along a side."""

    @classmethod
    def around(cls, grid: Grid, lon: float, lat: float, reach_m: float) -> "MapChip":
        """A map whose pixels are about as large as the grid's own are there."""
        row, col = grid.pixel(lon, lat)
        area = abs(float(np.linalg.det(grid.jacobian(row, col))))
        pixel_m = max(np.sqrt(area), 2 * reach_m / MOST_PX)
        size = max(round(2 * reach_m / pixel_m), 8)
        return cls(lon, lat, reach_m, size)

    @property
    def pixel_m(self) -> float:
        """Side of a pixel, metres."""
        return 2 * self.reach_m / self.size

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees."""
        east, north = self.degrees(self.reach_m, self.reach_m)
        return 2 * self.lon - east, 2 * self.lat - north, east, north

    def degrees(self, east_m: Any, north_m: Any) -> Any:
        """Longitude and latitude of metres from the middle."""
        scale = METRES_PER_DEGREE * np.cos(np.deg2rad(self.lat))
        return self.lon + east_m / scale, self.lat + north_m / METRES_PER_DEGREE

    def metres(self, lon: Any, lat: Any) -> tuple[Any, Any]:
        """East and north of the middle, metres; the inverse of `degrees`."""
        scale = METRES_PER_DEGREE * np.cos(np.deg2rad(self.lat))
        return (lon - self.lon) * scale, (lat - self.lat) * METRES_PER_DEGREE

    def lonlat(self) -> tuple[Float, Float]:
        """(size, size) longitudes and latitudes of pixel centres, north at the top."""
        steps = (np.arange(self.size) + 0.5) * self.pixel_m - self.reach_m
        east, north = np.meshgrid(steps, -steps)
        lon, lat = self.degrees(east, north)
        return np.asarray(lon), np.asarray(lat)


def read_chip(grid: Grid, place: MapChip, read: Callable[[Window], NDArray[Any]]) -> Float:
    """(size, size) pixels of a band on a chip's map, NaN outside of the scene.

    read : gives (rows, cols) pixels of a window of the grid
    """
    out = np.full((place.size, place.size), np.nan)
    row, col = grid.pixel(*place.lonlat())
    rows, cols = grid.shape
    inside = (row > -0.5) & (row < rows - 0.5) & (col > -0.5) & (col < cols - 0.5)  # not NaN
    if not inside.any():
        return out
    i, j = np.rint(row[inside]).astype(int), np.rint(col[inside]).astype(int)
    window = Window(int(i.min()), int(i.max()) + 1, int(j.min()), int(j.max()) + 1)
    out[inside] = read(window)[i - window.row0, j - window.col0]
    return out


@dataclass
class Patches:
    """Reads chips of one scene; keeps its files open."""

    scene: Scene
    open_reader: Callable[[Scene, Asset], Reader] = open_reader
    _readers: dict[str, Reader] = field(default_factory=dict, init=False, repr=False)
    _trouble: FailedScene | None = field(default=None, init=False, repr=False)
    """What kept the scene from being read once; it is not asked for again, pair by pair."""

    def pictures(self, lon: float, lat: float, reach_m: float) -> tuple[MapChip, list[Picture]]:
        """The pictures around a place: polarisations, or true colour and B08.

        Raises
        ------
        FailedScene, RefusedScene, ConfigError
            The pixels cannot be had.
        """
        place = MapChip.around(self.scene.grid, lon, lat, reach_m)
        if self._trouble is not None:
            raise self._trouble
        try:
            with gdal_env():
                return place, self._pictures(place)
        except WestseaError as error:
            self._trouble = FailedScene(str(error))
            raise

    def _pictures(self, place: MapChip) -> list[Picture]:
        if self.scene.sensor == "sar":
            return [radar(asset.name, self._read(asset, place)) for asset in self.scene.bands]
        extras: Mapping[str, Asset] = {asset.name: asset for asset in self.scene.extras}
        pictures = []
        if all(name in extras and extras[name].factor == 1 for name in COLOURS):
            bands = [self._read(extras[name], place) for name in COLOURS]
            pictures.append(optical("true colour", np.stack(bands, axis=-1)))
        return pictures + [optical(b.name, self._read(b, place)) for b in self.scene.bands]

    def _read(self, asset: Asset, place: MapChip) -> Float:
        if asset.name not in self._readers:
            self._readers[asset.name] = self.open_reader(self.scene, asset)
        pixels = read_chip(self.scene.grid, place, self._readers[asset.name].read)
        pixels[pixels == self.scene.nodata] = np.nan
        return pixels


def data_uri(image: Image) -> str:
    """An image as an address that holds it."""
    return f"data:image/webp;base64,{b64encode(encode(image, 'WEBP')).decode()}"
