"""The cube: a scene's pixels as one lazy xarray array, for people and for small jobs.

It is an ordinary xarray object on the file's own grid, a map's or the radar's. The reader that
stackstac is given reads windows of the files as they are; no pixel is ever resampled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import rioxarray  # noqa: F401 - registers the accessor .rio
import stackstac
import xarray as xr
from numpy.typing import NDArray
from rasterio.windows import Window as RasterWindow

from westsea_catalog.errors import UsageError
from westsea_catalog.grid import AffineGrid, Grid, Window
from westsea_catalog.items import map_grid, stack_item
from westsea_catalog.radar.cubes import radar_cube
from westsea_catalog.radar.located import located
from westsea_catalog.reader import PowerReader, Reader, RepeatedReader, TiffReader, reader_of
from westsea_catalog.scene import Asset, Scene
from westsea_catalog.trust import brief


def cube(
    scene: Scene,
    *,
    chunks: int | tuple[int, int] = 1024,
    bands: Sequence[str] | None = None,
    lonlat: bool = False,
) -> xr.DataArray:
    """The pixels of a scene; no file is opened before they are computed.

    Of one in radar geometry the header of a file and the documents are: without them nothing says
    where its pixels lie.

    Parameters
    ----------
    scene
        On a map or in radar geometry.
    chunks
        Rows and columns of a chunk; a single number is rows of the full width. Tiles are read
        once where rows are multiples of theirs, mostly 512.
    bands
        ESA's names, of the scene's bands or extras: VV, VH, B08, B11, ... None means the bands to
        detect on. Those of 20 m are brought to the grid by repeating each pixel.
    lonlat
        In radar geometry: whether to add the coordinates lon and lat, (y, x) degrees, as lazy as
        the pixels.

    Returns
    -------
    (time, band, y, x) float32, the numbers of the file, NaN where there is no data; time in UTC,
    y and x of pixel centres in the scene's own projection, which `.rio` knows. Sentinel-2's
    numbers have their zero at no reflectance, whatever its files add; see `offsets`. In radar
    geometry y and x are lines and samples, and the numbers are linear gamma0 without thermal
    noise where the product's documents are there, else squares of digital numbers; attributes say
    which.

    Raises
    ------
    UsageError
        A band that the scene does not have, or chunks that are none.
    RefusedScene, FailedScene
        When computed, for files that cannot be read; in radar geometry here for those that say
        where it lies.
    """
    if not scene.grid.is_map:
        scene = located(scene)
        shape = _chunk_shape(chunks, scene.grid)
        return radar_cube(scene, _assets(scene, bands), shape, lonlat=lonlat)
    grid, found = map_grid(scene), _assets(scene, bands)
    stack = stackstac.stack(
        [stack_item(scene)],
        assets=[asset.key for asset in found],
        epsg=grid.epsg,
        resolution=(grid.transform[0], -grid.transform[4]),
        bounds=grid.bounds,
        snap_bounds=False,
        chunksize=(1, 1, *_chunk_shape(chunks, grid)),
        dtype=np.dtype(np.float32),
        fill_value=np.float32(np.nan),
        rescale=False,
        sortby_date=False,
        xy_coords="center",
        properties=False,
        band_coords=False,
        errors_as_nodata=(),
        # A type by its hint, but all that stackstac does with it is call it.
        reader=partial(
            cube_reader,
            grid=grid,
            assets={asset.source: asset for asset in found},
            nodata=scene.nodata,
        ),
    )
    return _described(stack, scene, grid, [asset.name for asset in found])


@dataclass(frozen=True)
class CubeReader:
    """stackstac's Reader over ours: float32, NaN where there is no data.

    What means no data is told by value, after the conversion, as the kernels tell it.
    """

    file: TiffReader | PowerReader
    factor: int
    nodata: float

    def read(self, window: RasterWindow) -> NDArray[np.float32]:
        """(rows, cols) of a window of the scene's grid."""
        row0, col0 = int(window.row_off), int(window.col_off)
        place = Window(row0, row0 + int(window.height), col0, col0 + int(window.width))
        reader: Reader | RepeatedReader = self.file
        if self.factor > 1:
            reader = RepeatedReader(self.file, self.factor)
        pixels = reader.read(place).astype(np.float32)
        with np.errstate(over="ignore"):  # what float32 cannot hold is in no pixel
            pixels[pixels == np.float32(self.nodata)] = np.nan
        return pixels

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()


def cube_reader(
    *, url: str, grid: AffineGrid, assets: Mapping[str, Asset], nodata: float, **_: Any
) -> CubeReader:
    """What stackstac makes for each asset; what else it passes has no say here."""
    asset = assets[url]
    return CubeReader(reader_of(asset, grid, nodata), asset.factor, nodata)


def _assets(scene: Scene, names: Sequence[str] | None) -> list[Asset]:
    """The assets of the bands that are asked for, in that order."""
    if names is None:
        return list(scene.bands)
    known = {asset.name: asset for asset in (*scene.extras, *scene.bands)}
    missing = [name for name in names if name not in known]
    if missing or isinstance(names, str) or not names:
        wanted = brief(", ".join(missing) if missing else names)
        raise UsageError(
            f"{brief(scene.id)} has the bands {', '.join(sorted(known))}, of which a list can be"
            f" asked for, not {wanted!r}."
        )
    return [known[name] for name in names]


def _chunk_shape(chunks: int | tuple[int, int], grid: Grid) -> tuple[int, int]:
    rows, cols = (chunks, grid.shape[1]) if isinstance(chunks, int) else chunks
    if rows < 1 or cols < 1:
        raise UsageError(f"Chunks have 1 row and column or more, not {rows} x {cols}.")
    return rows, cols


def _described(
    stack: xr.DataArray, scene: Scene, grid: AffineGrid, names: list[str]
) -> xr.DataArray:
    """The stack with names, projection and attributes that any tool understands and can write."""
    cube = stack.drop_vars("epsg").assign_coords(band=names).rename(scene.id)
    cube.attrs = {
        "collection": scene.collection,
        "platform": scene.platform,
        "orbit_state": scene.orbit_state,
    }
    cube = cube.rio.write_crs(grid.epsg).rio.write_transform(grid.affine)
    # Else .rio.reproject fills what it does not reach with -3.4e38.
    described: xr.DataArray = cube.rio.write_nodata(np.nan)
    return described
