"""Where a pixel lies on the ground.

A `Grid` is all that the rest of westsea knows of a scene's geometry. Nothing outside this module
may assume that the grid is affine: Sentinel-1 GRD scenes are located through control points.

Pixel coordinates are (row, column), float64, and integers mean pixel centres: the first pixel's
centre is (0, 0), its outer corner (-0.5, -0.5).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Geod, Transformer

from westsea_catalog.errors import RefusedScene

Float = NDArray[np.float64]

GEOD = Geod(ellps="WGS84")
GRID_TOLERANCE_PX = 0.01


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels, half open: rows [row0, row1), columns [col0, col1)."""

    row0: int
    row1: int
    col0: int
    col1: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.row1 - self.row0, self.col1 - self.col0

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    def intersection(self, other: "Window") -> "Window":
        """The pixels in both; empty windows have a side of zero."""
        row0, col0 = max(self.row0, other.row0), max(self.col0, other.col0)
        return Window(
            row0,
            max(row0, min(self.row1, other.row1)),
            col0,
            max(col0, min(self.col1, other.col1)),
        )


class Grid(Protocol):
    """Maps pixels to the ground and back."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the whole file."""
        ...

    @property
    def full(self) -> Window:
        """The window of the whole file."""
        ...

    @property
    def is_map(self) -> bool:
        """Whether rows and columns run along the axes of a map, `epsg`."""
        ...

    @property
    def is_guess(self) -> bool:
        """Whether it says only about where the pixels lie, for planning; see `radar.located`."""
        ...

    @property
    def epsg(self) -> int | None:
        """Code of the map's projection; None where it is no map."""
        ...

    @property
    def says(self) -> dict[str, object]:
        """What a listing tells of it, ready for JSON."""
        ...

    def coarsened(self, factor: int) -> "Grid":
        """The grid with the same corner and pixels `factor` times as large."""
        ...

    def check_file(self, dataset: Any, name: str) -> None:
        """Compare a file's header, as rasterio has it, with the grid.

        Raises
        ------
        RefusedScene
            The file's pixels lie elsewhere.
        """
        ...

    def lonlat(self, row: ArrayLike, col: ArrayLike) -> tuple[Float, Float]:
        """Longitude and latitude (degrees, OGC:CRS84) of pixel coordinates."""
        ...

    def pixel(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Float, Float]:
        """Row and column of longitudes and latitudes; the inverse of `lonlat`."""
        ...

    def jacobian(self, row: ArrayLike, col: ArrayLike) -> Float:
        """Ground metres per pixel step.

        Returns
        -------
        (..., 2, 2) array ``[[east/col, east/row], [north/col, north/row]]``, in metres on the
        WGS84 ellipsoid and true north, so that ``jacobian @ (dcol, drow)`` is (east, north).
        """
        ...


def ground_jacobian(grid: Grid, row: ArrayLike, col: ArrayLike) -> Float:
    """Central differences of `Grid.lonlat` over one pixel, measured with geodesics.

    Any grid gets its `Grid.jacobian` from this; see there for shapes and units.
    """
    row, col = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float))
    out = np.empty((*row.shape, 2, 2))
    for axis, (drow, dcol) in enumerate([(0.0, 0.5), (0.5, 0.0)]):
        lon1, lat1 = grid.lonlat(row - drow, col - dcol)
        lon2, lat2 = grid.lonlat(row + drow, col + dcol)
        azimuth, back_azimuth, distance = GEOD.inv(lon1, lat1, lon2, lat2)
        # The mean of both ends' directions is the direction at the middle.
        forward = np.deg2rad(np.asarray(azimuth))
        backward = np.deg2rad(np.asarray(back_azimuth) + 180.0)
        out[..., 0, axis] = distance * (np.sin(forward) + np.sin(backward)) / 2
        out[..., 1, axis] = distance * (np.cos(forward) + np.cos(backward)) / 2
    return out


@lru_cache(maxsize=64)
def _to_lonlat(epsg: int) -> Transformer:
    return Transformer.from_crs(CRS.from_epsg(epsg), "OGC:CRS84", always_xy=True)


@dataclass(frozen=True)
class AffineGrid:
    """A map-projected grid."""

    epsg: int
    transform: tuple[float, float, float, float, float, float]
    """(a, b, c, d, e, f): x = a col + b row + c, y = d col + e row + f, from the outer corner."""
    shape: tuple[int, int]

    is_map = True
    is_guess = False

    @property
    def says(self) -> dict[str, object]:
        """What a listing tells of it."""
        return {"epsg": self.epsg, "transform": list(self.transform)}

    @cached_property
    def affine(self) -> Affine:
        """The transform as rasterio wants it."""
        return Affine(*self.transform)

    @property
    def full(self) -> Window:
        """The window of the whole file."""
        return Window(0, self.shape[0], 0, self.shape[1])

    def coarsened(self, factor: int) -> "AffineGrid":
        """The grid with the same corner and pixels `factor` times as large."""
        a, b, c, d, e, f = self.transform
        transform = (a * factor, b * factor, c, d * factor, e * factor, f)
        rows, cols = (-(-side // factor) for side in self.shape)
        return AffineGrid(self.epsg, transform, (rows, cols))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in the grid's own CRS; north-up grids only."""
        a, _, c, _, e, f = self.transform
        return c, f + e * self.shape[0], c + a * self.shape[1], f

    def lonlat(self, row: ArrayLike, col: ArrayLike) -> tuple[Float, Float]:
        """Longitude and latitude (degrees) of pixel coordinates."""
        a, b, c, d, e, f = self.transform
        x = np.asarray(col, float) + 0.5
        y = np.asarray(row, float) + 0.5
        lon, lat = _to_lonlat(self.epsg).transform(a * x + b * y + c, d * x + e * y + f)
        return np.asarray(lon), np.asarray(lat)

    def pixel(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Float, Float]:
        """Row and column of longitudes and latitudes."""
        x, y = _to_lonlat(self.epsg).transform(
            np.asarray(lon, float), np.asarray(lat, float), direction="INVERSE"
        )
        a, b, c, d, e, f = tuple(~self.affine)[:6]
        x, y = np.asarray(x), np.asarray(y)
        return d * x + e * y + f - 0.5, a * x + b * y + c - 0.5

    def jacobian(self, row: ArrayLike, col: ArrayLike) -> Float:
        """Ground metres per pixel step; see `Grid.jacobian`."""
        return ground_jacobian(self, row, col)

    def check_file(self, dataset: Any, name: str) -> None:
        """Compare a file's header with the grid; see `Grid.check_file`."""
        if dataset.crs is None:  # as with ground control points
            raise RefusedScene(f"{name} does not lie on a map; westsea reads map-projected files.")
        epsg = dataset.crs.to_epsg()
        if epsg != self.epsg:
            found = "a projection that is none of EPSG's" if epsg is None else f"EPSG:{epsg}"
            raise RefusedScene(f"{name} is in {found}, but its item says EPSG:{self.epsg}.")
        check_shape(dataset, self.shape, name)
        shift = self._largest_shift(dataset.transform)
        if not shift <= GRID_TOLERANCE_PX:
            raise RefusedScene(
                f"{name} lies up to {shift:.4g} pixels from where its item's proj:transform says."
            )

    def _largest_shift(self, transform: Any) -> float:
        """How far, in pixels, a corner lies from where the grid has it."""
        rows, cols = self.shape
        corners = np.array([[0, cols, 0, cols], [0, 0, rows, rows], [1, 1, 1, 1]])
        difference = np.subtract(tuple(transform)[:6], self.transform).reshape(2, 3)
        return float(np.abs(difference @ corners).max() / abs(self.transform[0]))


def check_shape(dataset: Any, shape: tuple[int, int], name: str) -> None:
    """Compare a file's size with what its item says.

    Raises
    ------
    RefusedScene
        It has another.
    """
    if dataset.shape != shape:
        found, said = (f"{rows} x {cols}" for rows, cols in (dataset.shape, shape))
        raise RefusedScene(f"{name} has {found} pixels, but its item says {said}.")
