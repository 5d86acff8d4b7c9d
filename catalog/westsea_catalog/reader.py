"""Reading pixels: one band of one file, by windows, and nothing between GDAL and the caller.

A read is unmasked, into one array, on the file's own grid: going through a WarpedVRT costs 2.9 to
4.9 times as much, and reading masked decodes a block twice where it is larger than GDAL's cache.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.env import Env
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterWindow

from westsea_catalog.errors import FailedScene, RefusedScene, SceneError
from westsea_catalog.grid import AffineGrid, Window
from westsea_catalog.scene import Asset, Scene
from westsea_catalog.trust import brief, escape_controls

GDAL_OPTIONS: dict[str, Any] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # opening a COG: 11 requests -> 3
    "GDAL_CACHEMAX": 64,  # MB; the default, 5 % of memory, costs 26 to 43 % more CPU
    "GDAL_NUM_THREADS": "1",
    "GDAL_HTTP_MAX_RETRY": 4,
    "GDAL_HTTP_RETRY_DELAY": 1,
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
    "GDAL_HTTP_LOW_SPEED_TIME": 30,
    "GDAL_HTTP_LOW_SPEED_LIMIT": 1000,
}
DRIVER = "GTiff"
LARGEST_TILE_PX = 4096 * 4096
GRID_TOLERANCE_PX = 0.01


class Reader(Protocol):
    """Reads windows of one band."""

    def read(self, window: Window) -> NDArray[Any]:
        """(rows, cols) pixels of a window that lies inside the file, in the file's dtype."""
        ...


@dataclass
class TiffReader:
    """One single-band TIFF, opened at the first read; one dataset for each reader and process.

    Raises, on reading, `RefusedScene` for a file that is not what its item says, `FailedScene`
    for one that cannot be opened or read this time.
    """

    path: str
    """As GDAL wants it; see `trust.gdal_path`."""
    grid: AffineGrid
    """What the item says of the file."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def read(self, window: Window) -> NDArray[Any]:
        """(rows, cols) pixels of a window inside the file."""
        # GDAL datasets are not to be read by two threads at once.
        with self._lock, gdal_env():
            try:
                place = RasterWindow(window.col0, window.row0, *reversed(window.shape))
                return np.asarray(self._dataset.read(1, window=place))
            except RasterioError as error:
                raise broken(self.path, "cannot be read", error) from error

    @cached_property
    def _dataset(self) -> Any:
        try:
            dataset = rasterio.open(self.path, driver=DRIVER, sharing=False)
        except RasterioError as error:
            raise broken(self.path, "cannot be opened", error) from error
        try:
            check_header(dataset, self.grid, self.path)
        except RefusedScene:
            dataset.close()
            raise
        return dataset

    def __reduce__(self) -> tuple[Any, ...]:
        return TiffReader, (self.path, self.grid)


def open_reader(scene: Scene, asset: Asset) -> Reader:
    """A reader of one asset of a scene; nothing is opened before its first read."""
    grid = scene.grid
    if not isinstance(grid, AffineGrid):
        raise RefusedScene(f"{scene.id} is not map-projected; westsea reads map-projected scenes")
    return TiffReader(asset.source, grid.coarsened(asset.factor))


def gdal_env() -> AbstractContextManager[Any]:
    """GDAL's settings for every open and read."""
    return Env(**GDAL_OPTIONS)


def check_header(dataset: Any, grid: AffineGrid, path: str) -> None:
    """Compare a file's header with what its item says; RefusedScene where they disagree."""
    name = name_of(path)
    if dataset.count != 1:
        raise RefusedScene(f"{name} has {dataset.count} bands; westsea reads one band a file")
    if dataset.crs is None or dataset.gcps[0]:
        raise RefusedScene(f"{name} has no map projection; westsea reads map-projected scenes")
    if dataset.crs.to_epsg() != grid.epsg:
        raise RefusedScene(
            f"{name} is in EPSG:{dataset.crs.to_epsg()}, but its item says EPSG:{grid.epsg}"
        )
    if dataset.shape != grid.shape:
        raise RefusedScene(f"{name} has {dataset.shape} pixels, but its item says {grid.shape}")
    corners = np.array([[0, 0], [grid.shape[1], grid.shape[0]]])
    for corner in corners:
        there, said = dataset.transform * corner, grid.affine * corner
        if (
            max(abs(there[0] - said[0]), abs(there[1] - said[1]))
            > GRID_TOLERANCE_PX * grid.affine.a
        ):
            raise RefusedScene(f"{name} lies elsewhere than its item's proj:transform says")
    rows, cols = dataset.block_shapes[0]
    if rows * cols > LARGEST_TILE_PX:
        raise RefusedScene(
            f"{name} has tiles of {rows} x {cols} pixels, too large to read in parts"
        )


def name_of(path: str) -> str:
    """The file's name, without folders, hosts and signatures."""
    return brief(path.partition("?")[0].rpartition("/")[2])


def broken(path: str, what: str, error: Exception) -> SceneError:
    """What a GDAL error means: a local file stays broken, a remote one may come back."""
    reason = escape_controls(str(error.__cause__ or error)).replace(path, name_of(path))
    message = f"{name_of(path)} {what}: {reason}"
    if path.startswith("/vsi") or not Path(path).exists():
        return FailedScene(message)
    return RefusedScene(message)
