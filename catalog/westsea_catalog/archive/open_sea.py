"""Where in a scene there is room: off land, edges and all that lies there already."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import Geometry, Polygon
from shapely.affinity import translate

from westsea_catalog.archive.land import Land
from westsea_catalog.archive.layout import pixel_offset
from westsea_catalog.archive.raster import Float, coarsened, distance_cells, pixel_size
from westsea_catalog.grid import Grid

BORDER_M = 600.0
"""Least distance between a hull and the edge of the scene, or of the swath."""
_COARSE = 4
_BATCH = 256
_MAX_BATCHES = 24


class OpenSea:
    """Keeps the account of what is taken while a scene fills.

    Places are pixel coordinates (row, col). Shapes are kept in metres of the scene's own pixels
    (col, row), which differ from ground metres by the map projection's scale: less than one part
    in a thousand.
    """

    def __init__(self, grid: Grid, land: Land, inside: NDArray[np.bool_] | None = None) -> None:
        self.grid = grid
        rows, cols = grid.shape
        self.jacobian = grid.jacobian((rows - 1) / 2, (cols - 1) / 2)
        self.pixel_m = pixel_size(self.jacobian)
        self._to_pixels = np.linalg.inv(self.jacobian) * self.pixel_m
        self._to_land = distance_cells(coarsened(land.cover, _COARSE))
        beyond = np.pad(~inside if inside is not None else np.zeros(grid.shape, bool), _COARSE)
        beyond[:_COARSE], beyond[-_COARSE:] = True, True
        beyond[:, :_COARSE], beyond[:, -_COARSE:] = True, True
        self._to_edge = distance_cells(coarsened(beyond, _COARSE))[1:, 1:]
        self._taken: list[Geometry] = []
        self._clearance_m: list[float] = []

    @property
    def has_land(self) -> bool:
        """Whether there is land in the scene."""
        return bool(np.isfinite(self._to_land).any())

    def moved(
        self, place: tuple[float, float], east_m: float, north_m: float
    ) -> tuple[float, float]:
        """The place (row, col) that lies some metres from another."""
        rows, cols = pixel_offset(self.grid.jacobian(*place), east_m, north_m)
        return place[0] + float(rows), place[1] + float(cols)

    def land_m(self, rows: ArrayLike, cols: ArrayLike) -> Float:
        """Distance from land, at most 60 m too short."""
        return self._distance_m(self._to_land, rows, cols)

    def edge_m(self, rows: ArrayLike, cols: ArrayLike) -> Float:
        """Distance from the edge of the scene or of what may be used of it, up to 60 m short."""
        return self._distance_m(self._to_edge, rows, cols)

    def footprint(self, shape: Geometry, row: float, col: float) -> Geometry:
        """A shape in metres (east, north) of a place, as it is kept here."""
        turned = shapely.transform(shape, lambda en: en @ self._to_pixels.T)
        return translate(turned, col * self.pixel_m, row * self.pixel_m)

    def is_free(self, footprint: Geometry, clearance_m: float) -> bool:
        """Whether a footprint keeps off all others by its clearance, or theirs if that is less."""
        if not self._taken:
            return True
        apart = shapely.distance(footprint, np.array(self._taken, object))
        return bool(np.all(apart >= np.minimum(self._clearance_m, clearance_m)))

    def take(self, footprint: Geometry, clearance_m: float) -> None:
        """Keep what is placed later off this footprint."""
        self._taken.append(footprint)
        self._clearance_m.append(clearance_m)

    def find(
        self,
        rng: np.random.Generator,
        outlines: Sequence[Polygon],
        *,
        clearance_m: float,
        land_m: float,
        within_m: float = np.inf,
    ) -> tuple[float, float] | None:
        """Draw a place for outlines, given in metres (east, north) of it, by rejection.

        Parameters
        ----------
        rng
            Draws the places to try.
        outlines
            What is to lie there.
        clearance_m
            As of `is_free`, from their convex hull.
        land_m
            Least distance from land of each outline.
        within_m
            Largest distance from land of the nearest outline.

        Returns
        -------
        (row, col), or None where no room was found.
        """
        centers = np.array([outline.centroid.coords[0] for outline in outlines])
        radii = np.array(
            [
                np.hypot(*(shapely.get_coordinates(outline) - center).T).max()
                for outline, center in zip(outlines, centers, strict=True)
            ]
        )
        offsets = centers @ self._to_pixels.T / self.pixel_m
        hull = shapely.MultiPolygon(list(outlines)).convex_hull
        for _ in range(_MAX_BATCHES):
            anchors = rng.uniform(0, np.array(self.grid.shape) - 1, (_BATCH, 2))
            rows = anchors[:, :1] + offsets[:, 1]
            cols = anchors[:, 1:] + offsets[:, 0]
            from_land = self.land_m(rows, cols) - radii
            fits = (from_land >= land_m) & (self.edge_m(rows, cols) - radii >= BORDER_M)
            fits = fits.all(axis=1) & (from_land.min(axis=1) <= within_m)
            for row, col in anchors[fits].tolist():
                if self.is_free(self.footprint(hull, row, col), clearance_m):
                    return row, col
        return None

    def _distance_m(self, cells: NDArray[np.float32], rows: ArrayLike, cols: ArrayLike) -> Float:
        """Distance from the cells' nearest; -1 beyond the scene."""
        rows, cols = np.asarray(rows, float) + 0.5, np.asarray(cols, float) + 0.5
        n_rows, n_cols = self.grid.shape
        within = (rows >= 0) & (rows < n_rows) & (cols >= 0) & (cols < n_cols)
        i = np.where(within, rows // _COARSE, 0).astype(np.intp)
        j = np.where(within, cols // _COARSE, 0).astype(np.intp)
        # From any point of a cell to any of another: at most a diagonal less.
        metres = (cells[i, j] - np.sqrt(2)) * _COARSE * self.pixel_m
        return np.where(within, np.maximum(metres, 0.0), -1.0)
