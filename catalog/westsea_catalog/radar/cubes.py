"""Cubes in radar geometry: lazy, of lines and samples as the files have them."""

from collections.abc import Sequence
from typing import Any, cast

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint

from westsea_catalog.grid import Grid, Window
from westsea_catalog.reader import Reader, open_reader
from westsea_catalog.scene import Asset, Scene

POINTS = 15
"""Ground control points along each side, for tools that warp by them."""


class Band:
    """One band as an array that is read where it is sliced; NaN where there is no data."""

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(self, reader: Reader, shape: tuple[int, int]):
        self.reader = reader
        self.shape = shape

    def __getitem__(self, places: tuple[slice, slice]) -> NDArray[np.float32]:
        rows, cols = (slice(*place.indices(n)) for place, n in zip(places, self.shape, strict=True))
        power = self.reader.read(Window(rows.start, rows.stop, cols.start, cols.stop))
        return np.where(power == 0, np.float32(np.nan), power)


def radar_cube(
    scene: Scene, assets: Sequence[Asset], chunks: tuple[int, int], *, lonlat: bool
) -> xr.DataArray:
    """(time, band, y, x) power of a located scene; see `cube.cube`.

    y and x are lines and samples. Control points go with it, so that ``.rio.reproject`` knows about
    where it lies: to within tens of metres, for it fits a polynomial. `lonlat` adds the
    coordinates lon and lat, (y, x) degrees and as lazy as the pixels, which are exact.
    """
    grid = scene.grid
    layers = [
        da.from_array(
            Band(open_reader(scene, asset), grid.shape),
            chunks=chunks,
            name=f"{asset.name}-{tokenize(scene.collection, scene.id, asset.source, chunks)}",
            asarray=False,
        )
        for asset in assets
    ]
    rows, cols = (np.arange(n, dtype=float) for n in grid.shape)
    coords: dict[str, Any] = {
        "time": [np.datetime64(scene.datetime.replace(tzinfo=None), "ns")],
        "band": [asset.name for asset in assets],
        "y": rows,
        "x": cols,
    }
    if lonlat:
        coords |= _places(grid, chunks)
    stack = xr.DataArray(
        da.stack(layers)[None], dims=("time", "band", "y", "x"), coords=coords, name=scene.id
    )
    stack.attrs = {
        "collection": scene.collection,
        "platform": scene.platform,
        "orbit_state": scene.orbit_state,
        "geometry": "radar",
        **_said(scene),
    }
    described = stack.rio.write_gcps(_points(grid), "EPSG:4326")
    return cast("xr.DataArray", described.rio.write_nodata(np.nan))


def _said(scene: Scene) -> dict[str, Any]:
    """What the numbers are."""
    radar = scene.radar
    if radar is None:
        return {}
    return {
        "mode": radar.mode,
        "units": "gamma0" if radar.calibrated else "squared digital numbers",
        "noise_removed": int(radar.noise_removed),
    }


def _places(grid: Grid, chunks: tuple[int, int]) -> dict[str, Any]:
    """Coordinates lon and lat, computed with the chunk that is asked for."""

    def both(row: NDArray[np.float64], col: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(grid.lonlat(row, col))

    row, col = (
        da.arange(n, dtype=float, chunks=chunk) for n, chunk in zip(grid.shape, chunks, strict=True)
    )
    found = da.map_blocks(
        both,
        row[:, None],
        col[None, :],
        new_axis=0,
        chunks=((2,), row.chunks[0], col.chunks[0]),
        dtype=float,
        name=f"lonlat-{tokenize(hash(grid), chunks)}",
    )
    return {"lon": (("y", "x"), found[0]), "lat": (("y", "x"), found[1])}


def _points(grid: Grid) -> list[GroundControlPoint]:
    """Control points as GDAL counts: from the outer corner of the first pixel."""
    row, col = np.meshgrid(
        *(np.unique(np.linspace(0, n - 1, POINTS).round()) for n in grid.shape), indexing="ij"
    )
    lon, lat = grid.lonlat(row, col)
    places = zip(row.ravel(), col.ravel(), lon.ravel(), lat.ravel(), strict=True)
    return [GroundControlPoint(r + 0.5, c + 0.5, x, y, 0.0) for r, c, x, y in places]
