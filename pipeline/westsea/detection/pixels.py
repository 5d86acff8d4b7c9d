"""The pixels of a scene as detection sees them: bands, and which of them are land."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.coast import Coast
from westsea_catalog.grid import Window
from westsea_catalog.reader import PowerReader, Reader, RepeatedReader, open_reader
from westsea_catalog.scene import Asset, Scene
from westsea_kernels.blocks import BLOCK, BLOCKS_PER_CELL, CELL, cut_blocks, mark_valid
from westsea_kernels.images import Image, image_of

ALIGNED = 64
"""Bytes at multiples of which arrays begin."""
MOST_CELLS = 256
"""Cells whose pixels are kept: two rows of a scene of 16,000 columns, 38 MB. The squares in which
farms are looked for overlap."""


class Scratch(local):
    """Memory that each thread reads one chunk after the other into.

    Fresh memory for every chunk costs 5 % of the decoding, bands stacked afterwards 9 to 20 %.
    """

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array of unknown content; the next one lies in the same place."""
        return self.arrays((shape, dtype))[0]

    def arrays(self, *kinds: tuple[tuple[int, ...], np.dtype[Any]]) -> list[NDArray[Any]]:
        """Arrays of some shapes and dtypes, side by side."""
        sizes = [-(-prod(shape) * dtype.itemsize // ALIGNED) * ALIGNED for shape, dtype in kinds]
        if self._memory.size < sum(sizes):
            self._memory = np.empty(sum(sizes), np.uint8)
        out, start = [], 0
        for (shape, dtype), size in zip(kinds, sizes, strict=True):
            end = start + prod(shape) * dtype.itemsize
            out.append(self._memory[start:end].view(dtype).reshape(shape))
            start += size
        return out


@dataclass
class Pixels:
    """Reads windows of a scene; keeps its files open."""

    scene: Scene
    coast: Coast
    window: Window
    """What is to be judged; blocks are counted from its corner."""
    land_inset_m: float
    """How far inland a pixel must lie to be land for certain; see `Detector`."""
    open_reader: Callable[[Scene, Asset], Reader] = open_reader
    """Gives a band's reader."""
    n_bytes: int = field(default=0, init=False)
    """Decoded bytes that were read so far."""
    _readers: dict[str, Reader] = field(default_factory=dict, init=False, repr=False)
    _dtype: np.dtype[Any] | None = field(default=None, init=False, repr=False)
    """Of the bands."""
    _cells: OrderedDict[Window, tuple[Image, NDArray[np.bool_]]] = field(
        default_factory=OrderedDict, init=False, repr=False
    )
    """Images and valid pixels of the cells that were read last, for their blocks."""

    @property
    def waited(self) -> float:
        """Seconds that were waited so far for servers to give what they had refused."""
        return sum(reader.waited for reader in self._readers.values())

    def bands(self, window: Window, scratch: Scratch | None = None) -> NDArray[Any]:
        """(bands, rows, cols) of a window, in the files' dtype.

        With a scratch it lies in that, until something else is read there.
        """
        readers = [self._reader(band) for band in self.scene.bands]
        if self._dtype is None:
            self._dtype = np.result_type(*(reader.dtype for reader in readers))
        shape = (len(readers), *window.shape)
        out = np.empty(shape, self._dtype) if scratch is None else scratch.array(shape, self._dtype)
        for reader, band in zip(readers, out, strict=True):
            reader.read(window, band)
        self.n_bytes += out.nbytes
        return out

    def image(self, window: Window, scratch: Scratch | None = None) -> Image:
        """A window for the kernels that summarise: of radar geometry numbers, otherwise values.

        Its corner lies on a corner of a block of the file. With a scratch it lies in that, until
        something else is read there.
        """
        readers = [self._reader(band) for band in self.scene.bands]
        powers = [reader for reader in readers if isinstance(reader, PowerReader)]
        if len(powers) < len(readers):
            return image_of(self.bands(window, scratch))
        rows, cols = window.shape
        memory = scratch or Scratch()
        numbers, lines = memory.arrays(
            ((len(powers), rows, cols), np.dtype(np.uint16)),
            ((2, len(powers), -(-rows // BLOCK), cols), np.dtype(np.float32)),
        )
        for k, reader in enumerate(powers):
            reader.numbers(window, numbers[k])
            reader.levels.lines(window, *lines[:, k])
        self.n_bytes += numbers.nbytes
        return Image(numbers, *lines)

    def land(self, window: Window) -> NDArray[np.bool_]:
        """(rows, cols) pixels so far inland that they are not looked at."""
        return self.coast.land_mask(self.scene.grid, window, self.land_inset_m)

    def blocks(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Pixels of single blocks; NaN where there is no sea or no data.

        Parameters
        ----------
        places : (n, 2) row and column of blocks, counted from the window's corner

        Returns
        -------
        (n, bands, BLOCK, BLOCK), read cell by cell
        """
        out = np.empty((len(places), len(self.scene.bands), BLOCK, BLOCK), np.float32)
        cells, number, counts = np.unique(
            places // BLOCKS_PER_CELL, axis=0, return_inverse=True, return_counts=True
        )
        order = np.argsort(number.ravel(), kind="stable")
        for cell, end, count in zip(cells, np.cumsum(counts), counts, strict=True):
            here = order[end - count : end]
            row0, col0 = (cell * CELL + [self.window.row0, self.window.col0]).tolist()
            window = Window(row0, row0 + CELL, col0, col0 + CELL).intersection(self.window)
            out[here] = self._cut(window, places[here] - cell * BLOCKS_PER_CELL)
        return out

    def _cut(self, window: Window, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """As `blocks`, of blocks counted from the corner of a window that is read for them."""
        image, valid = self._cell(window)
        cut = np.empty((len(places), len(image.pixels), BLOCK, BLOCK), np.float32)
        cut_blocks(image, valid, places[:, 0].copy(), places[:, 1].copy(), cut)
        return cut

    def _cell(self, window: Window) -> tuple[Image, NDArray[np.bool_]]:
        """The image of a cell, and (rows, cols) which of its pixels are valid."""
        if window not in self._cells:
            image = self.image(window)
            valid = np.empty(window.shape, np.bool_)
            mark_valid(image.pixels, np.float32(self.scene.nodata), self.land(window), valid)
            self._cells[window] = image, valid
            if len(self._cells) > MOST_CELLS:
                self._cells.popitem(last=False)
        self._cells.move_to_end(window)
        return self._cells[window]

    def beyond(self, name: str, window: Window) -> NDArray[Any] | None:
        """(rows, cols) of a band beyond those detected on, repeated onto the scene's grid.

        None where the scene has no such band.
        """
        asset = next((extra for extra in self.scene.extras if extra.name == name), None)
        if asset is None:
            return None
        pixels = RepeatedReader(self._reader(asset), asset.factor).read(window)
        self.n_bytes += pixels.nbytes // asset.factor**2
        return pixels

    def _reader(self, asset: Asset) -> Reader:
        if asset.name not in self._readers:
            self._readers[asset.name] = self.open_reader(self.scene, asset)
        return self._readers[asset.name]
