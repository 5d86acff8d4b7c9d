"""Where land is: the pixels of a scene that are land, and how far a point lies from it.

A `Coast` is a set of land polygons in longitude and latitude, their edges straight in those. The
one that ships covers the West Sea; outside a coast's bounds no land is known.
"""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, cast

import geopandas
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer

from westsea_catalog.errors import ConfigError
from westsea_catalog.grid import Float, Grid, Window
from westsea_catalog.land_runs import EDGE_DEG, LandRuns, Polygons, edges, footprint, land_runs

FAR_M = 50_000.0
"""Distances stop here: 50 km or more, or no land known."""

_PARQUET = {".parquet", ".geoparquet"}

# One local projection serves a square of this side: 90 km from its centre, where the far end of a
# distance of FAR_M may lie, its scale is wrong by 3e-5.
_SQUARE_DEG = 0.5
_METRES_PER_DEGREE = 110_500.0  # of latitude, where it is shortest


_NONE: Polygons = np.empty(0, object)


@dataclass(frozen=True)
class Coast:
    """Land polygons in lon/lat; equal and hashable by name and content.

    It pickles as the place it was read from: another process reads that file itself, once, and
    refuses one with other content.
    """

    name: str
    content_hash: str
    """sha256 of the polygons, whatever the file's format and their order in it."""
    polygons: Polygons = field(compare=False, repr=False)
    """Shapely polygons, degrees, OGC:CRS84; no ring crosses itself."""
    path: Path | None = field(default=None, compare=False)
    """The file it was loaded from; None for the one that ships."""

    @classmethod
    def shipped(cls) -> "Coast":
        """The coast of the West Sea, 116-128E 31-42N; data/coast/README.md says how good it is."""
        return _reopened(None, None)

    @classmethod
    def load(cls, path: str | Path) -> "Coast":
        """The land polygons of any vector file, brought to lon/lat.

        Parameters
        ----------
        path
            GeoJSON, GeoPackage, FlatGeobuf, Shapefile (zipped or not) or GeoParquet.

        Raises
        ------
        ConfigError
            The file is unreadable, has no polygons, no CRS, or coordinates off the world.
        """
        path = Path(path).absolute()
        polygons, digest = _canonical(_read(path))
        return cls(path.name, digest, polygons, path)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.content_hash)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees; outside of it no land is known."""
        west, south, east, north = shapely.total_bounds(self.polygons).tolist()
        return west, south, east, north

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.polygons)

    def within(self, west: float, south: float, east: float, north: float) -> Polygons:
        """The land inside a box in degrees, as valid polygons cut at its sides.

        The box may reach beyond 180 degrees east or west; the polygons stay within.
        """
        pieces = []
        for turn in (-360, 0, 360):
            # Short of the poles, which many projections cannot place.
            left, right = max(west + turn, -180), min(east + turn, 180)
            box = (left, max(south, -89.9), right, min(north, 89.9))
            if left < right:
                touched = self.polygons[self._tree.query(shapely.box(*box))]
                if touched.size:
                    pieces.append(shapely.clip_by_rect(touched, *box))
        return _mended(_parts(np.concatenate(pieces))) if pieces else _NONE

    def land_mask(self, grid: Grid, window: Window, inset_m: float = 0.0) -> NDArray[np.bool_]:
        """Pixels whose centre lies in a land polygon, and at least `inset_m` from its edge.

        A pixel's answer is the same in every window. The first call for a grid lays the coast on
        all of it, which takes some hundredths of a second for the one that ships.

        Returns
        -------
        (rows, columns) of the window.
        """
        # Grids are frozen values, which the protocol does not say.
        return _runs_on(self, cast("Hashable", grid), inset_m).mask(window)

    def distance_m(self, lon: ArrayLike, lat: ArrayLike) -> Float:
        """Metres on the ellipsoid to the nearest land edge; 0 inside land.

        Parameters
        ----------
        lon, lat
            Degrees, broadcast against each other; longitudes from -180 to 180.

        Returns
        -------
        Shaped like the points, right to 1e-4 of the distance, and at most `FAR_M`, which means
        50 km or more, or that no land is known there.
        """
        lon, lat = np.broadcast_arrays(np.asarray(lon, float), np.asarray(lat, float))
        out = np.full(lon.shape, FAR_M)
        square = np.floor(np.stack([lon, lat], axis=-1).reshape(-1, 2) / _SQUARE_DEG).astype(int)
        squares, number = np.unique(square, axis=0, return_inverse=True)
        for k, (i, j) in enumerate(squares.tolist()):
            here = (number == k).reshape(lon.shape)
            out[here] = _shore(self, i, j).distance_m(lon[here], lat[here])
        return out


@lru_cache(maxsize=8)
def _reopened(path: Path | None, content_hash: str | None) -> Coast:
    """The coast that was pickled; None for path is the one that ships."""
    if path is not None:
        coast = Coast.load(path)
    else:
        with as_file(files("westsea_catalog") / "data" / "coast") as folder:
            pieces = [_read(folder / name) for name in ("west_sea.parquet", "islets.parquet")]
        polygons, digest = _canonical(np.concatenate(pieces))
        coast = Coast("west-sea", digest, polygons)
    if content_hash not in (None, coast.content_hash):
        raise ConfigError(
            f"The coast {path or coast.name} has other content than when the work was handed out:"
            " every machine must see the same file."
        )
    return coast


def _read(path: Path) -> Polygons:
    """The polygons of a vector file in lon/lat, none of them a multi-polygon; see `Coast.load`."""
    if not path.exists():
        raise ConfigError(f"There is no coast file {path}.")
    read = geopandas.read_parquet if path.suffix in _PARQUET else geopandas.read_file
    try:
        table = read(path)
    except (OSError, ValueError, RuntimeError) as error:  # pyogrio's own are RuntimeErrors
        raise ConfigError(
            f"The coast file {path} cannot be read as GeoJSON, GeoPackage, FlatGeobuf, Shapefile"
            " or GeoParquet."
        ) from error
    if not isinstance(table, geopandas.GeoDataFrame) or not len(table):
        raise ConfigError(f"The coast file {path} has no polygons.")
    if table.crs is None:
        raise ConfigError(f"The coast file {path} does not say which CRS its coordinates are in.")
    try:
        geometry = table.geometry.to_crs("OGC:CRS84")
    except RuntimeError as error:  # pyproj's own
        raise ConfigError(f"The coast file {path} has a CRS that is not on the Earth.") from error
    polygons = _parts(shapely.force_2d(geometry.to_numpy()))
    if not len(polygons):
        raise ConfigError(f"The coast file {path} has no polygons.")
    west, south, east, north = shapely.total_bounds(polygons)
    # A hair of rounding is allowed, infinities and NaN are not.
    if not (west >= -180.001 and south >= -90.001 and east <= 180.001 and north <= 90.001):
        raise ConfigError(f"The coast file {path} has coordinates off the world: check its CRS.")
    wrong = ~shapely.is_valid(polygons)
    return np.concatenate(
        [polygons[~wrong], *(_untangled(polygon) for polygon in polygons[wrong])], dtype=object
    )


def _parts(geometries: NDArray[np.object_]) -> Polygons:
    """Every polygon in nested collections; lines and points are left out."""
    flat = shapely.get_parts(shapely.get_parts(geometries))
    return np.asarray(flat[(shapely.get_dimensions(flat) == 2) & ~shapely.is_empty(flat)], object)


def _mended(polygons: Polygons) -> Polygons:
    """The same, those with wrong rings made valid."""
    wrong = ~shapely.is_valid(polygons)
    return np.concatenate([polygons[~wrong], _made_valid(polygons[wrong])])


def _made_valid(polygons: Polygons) -> Polygons:
    # "structure" drops a hole outside its shell; the default would make land of it.
    return _parts(shapely.make_valid(polygons, method="structure", keep_collapsed=False))


def _untangled(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """A polygon whose rings may cross themselves, with rings that do not.

    Ring by ring: `_made_valid` takes minutes for a continent with its lakes. What is still wrong,
    such as a hole across its shell, does no harm until a piece of it is cut out and mended.
    """
    shell, *holes = shapely.get_rings(polygon)
    shells = _made_valid(shapely.polygons(np.array([shell])))
    inner = shapely.get_exterior_ring(_made_valid(shapely.polygons(np.array(holes, object))))
    tree = shapely.STRtree(inner)
    return [
        shapely.Polygon(part.exterior, [*part.interiors, *inner[tree.query(part, "intersects")]])
        for part in shells
    ]


def _canonical(polygons: Polygons) -> tuple[Polygons, str]:
    """The polygons in a form and order of their own, and the sha256 of that."""
    polygons = shapely.normalize(polygons)
    wkb = shapely.to_wkb(polygons, byte_order=1)
    order = sorted(range(len(wkb)), key=wkb.__getitem__)
    return polygons[order], hashlib.sha256(b"".join(wkb[order])).hexdigest()


@lru_cache(maxsize=32)
def _runs_on(coast: Coast, grid: Grid, inset_m: float) -> LandRuns:
    box = footprint(grid)
    # The sides of the box are farther from the grid than any sensible inset.
    polygons = coast.within(*box)
    return land_runs(_inset(polygons, inset_m, (box[1] + box[3]) / 2), grid)


def _inset(polygons: Polygons, inset_m: float, lat: float) -> Polygons:
    """The polygons without their rim, in metres right at one latitude, to 5 % two degrees off."""
    if not inset_m or not len(polygons):
        return polygons
    per_degree = np.array([111_320.0 * np.cos(np.deg2rad(lat)), 111_320.0])
    shrunk = shapely.buffer(shapely.transform(polygons, lambda xy: xy * per_degree), -inset_m)
    return _mended(_parts(shapely.transform(shrunk, lambda xy: xy / per_degree)))


@dataclass(frozen=True)
class _Shore:
    """The land around a square of `_SQUARE_DEG`."""

    project: Transformer
    """To metres around the square's centre, true to distance there."""
    land: shapely.Geometry
    """In the square itself, degrees."""
    edges: shapely.STRtree
    """Within FAR_M of the square, metres."""

    def distance_m(self, lon: Float, lat: Float) -> Float:
        """As `Coast.distance_m`, for points in the square."""
        out = np.full(lon.shape, FAR_M)
        points = shapely.points(*self.project.transform(lon, lat))
        (found, _), metres = self.edges.query_nearest(
            points, max_distance=FAR_M, return_distance=True, all_matches=False
        )
        out[found] = np.minimum(metres, FAR_M)
        out[shapely.intersects_xy(self.land, lon, lat)] = 0.0
        return out


@lru_cache(maxsize=256)
def _shore(coast: Coast, i: int, j: int) -> _Shore:
    """Of the square from (i, j) to (i + 1, j + 1) times `_SQUARE_DEG`."""
    west, south = i * _SQUARE_DEG, j * _SQUARE_DEG
    east, north = west + _SQUARE_DEG, south + _SQUARE_DEG
    reach = FAR_M / _METRES_PER_DEGREE
    poleward = min(max(abs(south), abs(north)) + reach, 89.0)
    aside = reach / np.cos(np.deg2rad(poleward))
    near = coast.within(west - aside, south - reach, east + aside, north + reach)
    project = Transformer.from_crs(
        "OGC:CRS84",
        f"+proj=aeqd +lat_0={(south + north) / 2} +lon_0={(west + east) / 2} +datum=WGS84",
        always_xy=True,
    )
    x0, y0, x1, y1 = edges(shapely.segmentize(near, EDGE_DEG)).T
    ends = [np.column_stack(project.transform(x, y)) for x, y in ((x0, y0), (x1, y1))]
    land = shapely.union_all(coast.within(west, south, east, north))
    return _Shore(project, land, shapely.STRtree(shapely.linestrings(np.stack(ends, axis=1))))
