"""Grids of radar geometry: through control points, and guessed from an outline.

Places are directions from the earth's middle, normals of the ellipsoid, seen along the normal in
the scene's middle: nothing happens at 180 degrees or at a pole, and two functions of row and
column say all.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import GEOD, Float, Window, check_shape
from westsea_catalog.radar.ranges import SlantRanges
from westsea_catalog.radar.splines import Mesh

INCLINATION_DEG = 98.18
"""Of Sentinel-1's orbit."""
MAX_LINES, MAX_SAMPLES = 200_000, 40_000
"""Slices have 17,000 by 26,000."""
MAX_PIXELS = 2_000_000_000
NEWTON_STEPS = 20
NEWTON_PX = 1e-5
"""Three steps are usual; the error of the last is its square."""
RADIUS_M = 6_371_000.0


@dataclass(frozen=True, eq=False)
class RadarGrid:
    """A grid through control points on a mesh, at the height of the sea."""

    shape: tuple[int, int]
    rows: Float
    """(n,) rows of the mesh, ascending, in pixel coordinates: integers are centres."""
    across: Float
    """(m,) columns of the mesh, likewise; with `ranges`, metres of slant range."""
    lon: Float
    """(n, m) degrees."""
    lat: Float
    """(n, m) degrees."""
    ranges: SlantRanges | None = None
    """How far from the radar each column is. The processor takes the mean height of the land below
    the swath for that of all ground and takes another every second, so columns step by up to 100 m
    where hills are; over lines and slant ranges the ground has no steps."""

    is_map = False
    is_guess = False
    """Whether it only says about where the pixels lie, for planning."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[object, ...]:
        arrays = (self.rows, self.across, self.lon, self.lat)
        return self.shape, self.ranges, *(array.tobytes() for array in arrays)

    @property
    def full(self) -> Window:
        """The window of the whole file."""
        return Window(0, self.shape[0], 0, self.shape[1])

    @property
    def epsg(self) -> None:
        """None: it is no map's."""

    def coarsened(self, factor: int) -> "RadarGrid":
        """Itself: there are no coarser bands in radar geometry."""
        if factor != 1:
            raise ValueError(f"radar geometry has no bands coarser by {factor}")
        return self

    def lonlat(self, row: ArrayLike, col: ArrayLike) -> tuple[Float, Float]:
        """Longitude and latitude (degrees) of pixel coordinates."""
        row, col = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float))
        across = col if self.ranges is None else self.ranges.metres(row, col)[0]
        (u, v), _, _ = self._mesh.at(row, across)
        x, y, z = self._direction(u, v)
        return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))

    def pixel(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Float, Float]:
        """Row and column of longitudes and latitudes; NaN for those on the earth's other side."""
        lon, lat = np.broadcast_arrays(np.asarray(lon, float), np.asarray(lat, float))
        u, v, w = np.tensordot(self._axes, _normals(lon, lat), axes=(1, 0))
        u, v = np.where(w > 0, u, np.nan), np.where(w > 0, v, np.nan)
        row, across = np.tensordot(self._inverse, np.stack([np.ones_like(u), u, v]), axes=(1, 0))
        scale = 1.0 if self.ranges is None else self.ranges.pixel_m
        for _ in range(NEWTON_STEPS):
            (u1, v1), (u_row, v_row), (u_across, v_across) = self._mesh.at(row, across)
            du, dv = u - u1, v - v1
            determinant = u_row * v_across - u_across * v_row
            row_step = (v_across * du - u_across * dv) / determinant
            across_step = (u_row * dv - v_row * du) / determinant
            row, across = row + row_step, across + across_step
            if not np.any(np.hypot(row_step, across_step / scale) > NEWTON_PX):
                break
        return row, across if self.ranges is None else self.ranges.column(row, across)

    def jacobian(self, row: ArrayLike, col: ArrayLike) -> Float:
        """Ground metres per pixel step; see `Grid.jacobian`.

        From the spline's own slopes: differences would take the steps between lines for slopes.
        """
        row, col = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float))
        across, stretch = col, np.ones_like(col)
        if self.ranges is not None:
            across, stretch = self.ranges.metres(row, col)
        (u, v), by_row, by_col = self._mesh.at(row, across)
        x, y, z = self._direction(u, v)
        w, level = np.sqrt(1.0 - u * u - v * v), np.hypot(x, y)
        east = np.stack([-y / level, x / level, np.zeros_like(x)])
        north = np.stack([-z * x / level, -z * y / level, level])
        flat = np.sqrt(1.0 - GEOD.es * z * z)
        radii = GEOD.a / flat, GEOD.a * (1.0 - GEOD.es) / flat**3
        out = np.empty((*row.shape, 2, 2))
        for axis, (du, dv) in enumerate([by_col * stretch, by_row]):
            turned = self._turned(du, dv, -(u * du + v * dv) / w)
            out[..., 0, axis] = radii[0] * (east * turned).sum(axis=0)
            out[..., 1, axis] = radii[1] * (north * turned).sum(axis=0)
        return out

    def _direction(self, u: Float, v: Float) -> Float:
        """(3, ...) normals of the ellipsoid at places of the scene's plane."""
        with np.errstate(invalid="ignore"):  # NaN further out than the earth is wide
            return self._turned(u, v, np.sqrt(1.0 - u * u - v * v))

    def _turned(self, u: Float, v: Float, w: Float) -> Float:
        return np.tensordot(self._axes, np.stack([u, v, w]), axes=(0, 0))

    def check_file(self, dataset: Any, name: str) -> None:
        """Compare a file's header with the grid; see `Grid.check_file`."""
        check_shape(dataset, self.shape, name)
        _check_pixels(dataset, name)

    @property
    def says(self) -> dict[str, object]:
        """What a listing tells of it."""
        return {"geometry": "radar", "guess": self.is_guess}

    @cached_property
    def _axes(self) -> Float:
        """(3, 3): rows are east, north and up in the scene's middle."""
        up = _normals(self.lon, self.lat).reshape(3, -1).mean(axis=1)
        up /= np.linalg.norm(up)
        east = np.array([-up[1], up[0], 0.0])
        length = np.hypot(*east[:2])
        east = east / length if length > 1e-9 else np.array([1.0, 0.0, 0.0])
        return np.stack([east, np.cross(up, east), up])

    @cached_property
    def _mesh(self) -> Mesh:
        u, v, _ = np.tensordot(self._axes, _normals(self.lon, self.lat), axes=(1, 0))
        return Mesh(self.rows, self.across, np.stack([u, v]))

    @cached_property
    def _inverse(self) -> Float:
        """(2, 3): row and place across of (1, u, v), about."""
        u, v = self._mesh.values.reshape(2, -1)
        row, across = np.meshgrid(self.rows, self.across, indexing="ij")
        given = np.column_stack([np.ones_like(u), u, v])
        wanted = np.column_stack([row.ravel(), across.ravel()])
        return np.asarray(np.linalg.lstsq(given, wanted, rcond=None)[0].T, float)


@dataclass(frozen=True, eq=False)
class GuessedGrid(RadarGrid):
    """About where a scene's pixels lie, by its outline's corners: off by a kilometre or so."""

    is_guess = True

    def check_file(self, dataset: Any, name: str) -> None:
        """Compare a file's header with the grid, whose shape may be guessed too."""
        check_size(dataset.shape, name)
        _check_pixels(dataset, name)


def guessed_grid(
    outline: shapely.Geometry, orbit_state: str, sides: tuple[int, int] | None, pixel_m: float
) -> GuessedGrid:
    """The grid of a scene that nothing but its outline is known of.

    Parameters
    ----------
    outline
        In longitude and latitude, in any order, of any number of corners.
    orbit_state
        ascending, descending; for all else, ascending is taken.
    sides
        Lines and samples, in any order, for providers have both; None where nobody says.
    pixel_m
        The nominal spacing of pixels.

    Raises
    ------
    RefusedScene
        The outline encloses nothing; the message has no subject.
    """
    places = shapely.get_coordinates(outline)
    if len(places) < 3 or not np.isfinite(places).all() or (np.abs(places[:, 1]) >= 90).any():
        raise RefusedScene("has no outline to plan on")
    points = _normals(places[:, 0], places[:, 1])
    middle = points.mean(axis=1)
    if np.linalg.norm(middle) < 0.5:
        raise RefusedScene("has an outline that goes around the world")
    up = middle / np.linalg.norm(middle)
    lat = np.arcsin(up[2])
    east = np.array([-up[1], up[0], 0.0]) / max(np.cos(lat), 1e-9)
    north = np.cross(up, east)
    # Of a circular orbit; the earth turns meanwhile, which is 4 degrees more at the most.
    turn = np.arcsin(np.clip(np.cos(np.radians(INCLINATION_DEG)) / np.cos(lat), -1, 1))
    heading = np.pi - turn if orbit_state == "descending" else turn
    ahead = (np.sin(heading) * east + np.cos(heading) * north) @ points
    right = (np.cos(heading) * east - np.sin(heading) * north) @ points
    corners = [
        [int(np.argmax(a * ahead + b * right)) for b in (-1, 1)] for a in (-1, 1)
    ]  # the radar looks to the right: the first sample is the nearest
    lon, lats = places[:, 0][corners], places[:, 1][corners]
    x, y = ahead[corners] * RADIUS_M, right[corners] * RADIUS_M
    along = float(np.hypot(*(np.stack([x[1] - x[0], y[1] - y[0]]))).mean())
    across = float(np.hypot(x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]).mean())
    if min(along, across) < 10 * pixel_m:
        raise RefusedScene("has an outline that encloses nothing")
    lines, samples = along / pixel_m, across / pixel_m
    if sides is None:
        shape = round(lines), round(samples)
    else:
        shape = min((sides, sides[::-1]), key=lambda s: abs(np.log(s[0] * samples / s[1] / lines)))
    rows, cols = (np.array([-0.5, side - 0.5]) for side in shape)
    return GuessedGrid(shape, rows, cols, lon, lats)


def check_size(shape: tuple[int, int], name: str) -> None:
    """Judge the size of a scene.

    Raises
    ------
    RefusedScene
        It is too large.
    """
    rows, cols = shape
    if min(shape) < 2 or rows > MAX_LINES or cols > MAX_SAMPLES or rows * cols > MAX_PIXELS:
        raise RefusedScene(f"{name} has {rows} x {cols} pixels, not what westsea reads.")


def _check_pixels(dataset: Any, name: str) -> None:
    if dataset.dtypes[0] != "uint16":
        raise RefusedScene(f"{name} has {dataset.dtypes[0]} pixels; GRD products have uint16.")


def _normals(lon: ArrayLike, lat: ArrayLike) -> Float:
    """(3, ...) unit normals of the ellipsoid."""
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
