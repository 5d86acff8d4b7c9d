"""Reading pixels: one band of one file, by windows, and little between GDAL and the caller.

A read is unmasked, into one array, on the file's own grid: going through a WarpedVRT costs 2.9 to
4.9 times as much, and reading masked 1.7 to 2.2 times.
"""

import random
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.env import Env, getenv, hasenv
from rasterio.errors import RasterioError
from rasterio.session import DummySession
from rasterio.windows import Window as RasterWindow

from westsea_catalog.access import DIRECT, Access, Options
from westsea_catalog.errors import ConfigError, FailedScene, RefusedScene, WestseaError
from westsea_catalog.grid import Grid, Window
from westsea_catalog.offsets import add_offset
from westsea_catalog.places import place_of
from westsea_catalog.radar.levels import Levels
from westsea_catalog.scene import Asset, Driver, Scene
from westsea_catalog.signing import drop_token
from westsea_catalog.trust import brief

GDAL_OPTIONS: dict[str, Any] = {
    # Opening a COG takes 3 requests for 11; no .aux.xml beside it can give it another grid.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    # Bytes: rasterio hands it to GDALSetCacheMax, whatever GDAL makes of a small number. The
    # default, 5 % of memory, costs up to 43 % more CPU; with no cache, a small window costs the
    # decoding of a whole tile (1.3 ms for 0.07 ms).
    "GDAL_CACHEMAX": 64 << 20,
    "GDAL_NUM_THREADS": "1",
    "GDAL_HTTP_MAX_RETRY": 6,
    "GDAL_HTTP_RETRY_DELAY": 0.1,  # seconds before the first, each time twice and more of it
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
    "GDAL_HTTP_CONNECTTIMEOUT": 10,  # seconds; the default is curl's 300
    "GDAL_HTTP_LOW_SPEED_TIME": 30,
    "GDAL_HTTP_LOW_SPEED_LIMIT": 1000,
}
UNCACHED: Options = (("CPL_VSIL_CURL_NON_CACHED", "/vsicurl/:/vsis3/:/vsiaz/"),)

WAITS = (0.1, 0.5, 2.0, 8.0)
"""Seconds before a remote file is tried once more from its opening on, past GDAL's caches, half as
much or half again by chance: workers that failed together do not come back together. What was cut
off GDAL does not ask for again; what a busy server turned away it has tried seven times by then,
for ten seconds. It tells nobody of Retry-After."""

FORMATS: dict[Driver, str] = {"GTiff": "GeoTIFF", "JP2OpenJPEG": "JPEG 2000 file"}
DTYPES = frozenset({"uint8", "int8", "uint16", "int16", "float32"})
"""What float32, which the cube has and the kernels compute with, holds without loss."""
LARGEST_TILE_PX = 4096 * 4096
GLANCE_PX = 2048 * 2048
"""Decoded for an overview at most, in some 50 ms."""

_REMOTE_REASONS = (
    (r"response code: (\d{3})", r"the server answered \1"),
    (r"resolve|connect|timed out|timeout", "the server cannot be reached"),
    (r"not recognized|TIFF header", "what the server sent is not a {format}"),
)
_NO_KEYS = re.compile(
    "AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY and AWS_NO_SIGN_REQUEST) configuration option"
    "|Cannot retrieve credentials for source profile"
)
"""What GDAL begins with. Further on its words may hold the file's name, which may be any."""
_REFUSED = re.compile(r"response code: 40[13]\b|AuthenticationFailed")


class Reader(Protocol):
    """Reads windows of one band; may be shared by threads."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the file's pixels."""
        ...

    @property
    def waited(self) -> float:
        """Seconds that it has waited so far before it tried again."""
        ...

    def read(self, window: Window, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """(rows, cols) pixels of a window that lies inside the file.

        Into `out`, which has that shape and a dtype that holds the file's; without it a new array
        at each call.
        """
        ...


@dataclass(frozen=True)
class Header:
    """What a file says of where its pixels lie."""

    shape: tuple[int, int]
    points: tuple[tuple[float, float, float, float, float], ...]
    """Its ground control points: row, column, x, y and z, as GDAL counts rows and columns."""
    tags: dict[str, str]


@dataclass(frozen=True)
class TiffReader:
    """One single-band file, a TIFF mostly, opened when it is first read.

    A GDAL dataset serves one thread at a time, so there are as many as threads have read at once.

    Raises, on reading, `RefusedScene` for a file that is not what its item says or is damaged,
    `FailedScene` for one that is not there or that the network does not deliver, and
    `ConfigError` where its bucket wants keys that are missing or wrong.
    """

    path: str
    """As GDAL wants it, unsigned; see `trust.gdal_path`."""
    grid: Grid
    """What the item says of the file."""
    access: Access = DIRECT
    driver: Driver = "GTiff"
    offset: int = 0
    """Added to all digital numbers but `nodata`; see `offsets`."""
    nodata: float = 0.0
    _idle: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)
    """Open datasets that no thread is reading; append and pop are atomic."""
    _waits: list[float] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def waited(self) -> float:
        """Seconds that it has waited so far before it tried again."""
        return sum(self._waits)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the file's pixels; opens it."""
        with gdal_env(self.access.options):
            dataset = self._dataset()
        self._idle.append(dataset)
        dtype: np.dtype[Any] = np.dtype(dataset.dtypes[0])
        return dtype

    def header(self) -> Header:
        """What the file says of where its pixels lie; opens it."""
        with gdal_env(self.access.options):
            dataset = self._dataset()
        points = tuple((p.row, p.col, p.x, p.y, p.z or 0.0) for p in dataset.gcps[0])
        found = Header(dataset.shape, points, dataset.tags())
        self._idle.append(dataset)
        return found

    def overview(self, most_px: int) -> NDArray[Any] | None:
        """All of the file in (rows, cols) pixels, at most `most_px` a side, from its overviews.

        None where it holds none as coarse as to be decoded for a glance. `offset` is not added.
        """
        with gdal_env(self.access.options):
            dataset = self._dataset()
            coarsest = max(dataset.overviews(1), default=1)
            if dataset.height * dataset.width > GLANCE_PX * coarsest**2:
                return None
            scale = min(most_px / max(dataset.shape), 1.0)
            shape = tuple(max(round(side * scale), 1) for side in dataset.shape)
            try:
                pixels = np.asarray(dataset.read(1, out_shape=shape, resampling=Resampling.average))
            except RasterioError as error:
                found = self._broken("is damaged", error)
            else:
                self._idle.append(dataset)
                return pixels
        raise found

    def read(self, window: Window, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """(rows, cols) pixels of a window inside the file, in its dtype unless into `out`."""
        if window.intersection(self.grid.full) != window:
            raise ValueError(f"{window} is not inside {self.grid.shape}")
        with gdal_env(self.access.options):
            found = self._attempt(window, out)
            if isinstance(found, RasterioError) and self.access.token_url:
                # GDAL does not say so, but mostly the token has come to its end meanwhile.
                drop_token(self.path, self.access)
                self._forget()
                found = self._attempt(window, out, UNCACHED)
            for _ in self._pauses(found):
                self._forget()
                found = self._attempt(window, out, UNCACHED)
                if not isinstance(found, RasterioError):
                    break
        if isinstance(found, RasterioError):
            raise self._broken("is damaged", found)
        if self.offset:
            add_offset(found, self.offset, self.nodata)
        return found

    def _attempt(
        self, window: Window, out: NDArray[Any] | None, options: Options = ()
    ) -> NDArray[Any] | RasterioError:
        """The pixels, or why there are none.

        Errors are handed back, for those that are raised would take GDAL's words along, which
        may hold addresses that nobody is to see.
        """
        dataset = self._dataset(options)
        rows, cols = window.shape
        place = RasterWindow(window.col0, window.row0, cols, rows)
        try:
            pixels = np.asarray(dataset.read(1, window=place, out=out))
        except RasterioError as error:
            dataset.close()  # which the error's traceback would keep open
            return error
        self._idle.append(dataset)
        return pixels

    def close(self) -> None:
        """Let go of the files; a later read opens them again."""
        self._idle.clear()

    def _forget(self) -> None:
        """Let go of the files, and of what GDAL remembers of them.

        A handle past the caches clears them when it is closed. Until then those of signed files and
        of buckets answer from them, and without asking the server give the same bad bytes again.
        """
        self.close()
        dataset = self._opened(UNCACHED)
        if not isinstance(dataset, RasterioError):
            dataset.close()

    def _dataset(self, options: Options = ()) -> Any:
        """A dataset that no other thread is reading."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        dataset = self._opened(options)
        if isinstance(dataset, RasterioError) and _is_remote(self.path):
            dataset = self._opened_anew(dataset)
        for _ in self._pauses(dataset):
            dataset = self._opened(UNCACHED)
            if not isinstance(dataset, RasterioError):
                break
        if not isinstance(dataset, RasterioError):
            try:
                check_header(dataset, self.grid, name_of(self.path))
                self._check_offset(dataset)
            except RasterioError as error:
                dataset = error
        if isinstance(dataset, RasterioError):
            raise self._broken(f"is not a {FORMATS[self.driver]}, or a damaged one", dataset)
        return dataset

    def _check_offset(self, dataset: Any) -> None:
        if self.offset and np.dtype(dataset.dtypes[0]).itemsize < 2:
            raise RefusedScene(
                f"{name_of(self.path)} has pixels of 8 bits, and its item says that"
                f" {-self.offset} are added to them."
            )

    def _opened_anew(self, error: RasterioError) -> Any:
        """As `_opened`, after an error.

        GDAL remembers, as long as the process lives, that a remote file could not be opened, and
        does not ask the server again: what failed may have failed days ago.
        """
        wants_token = bool(self.access.token_url) and _is_refused(error)
        if wants_token:
            drop_token(self.path, self.access)
        dataset = self._opened(UNCACHED)
        if isinstance(dataset, RasterioError) and (wants_token or not _is_final(dataset)):
            # Of signed files and buckets it has answered from memory, which is clear now.
            dataset = self._opened(UNCACHED)
        return dataset

    def _pauses(self, found: Any) -> Iterator[None]:
        """Waits before each further try of what a server may give later: none for most ends."""
        if isinstance(found, RasterioError) and _is_remote(self.path) and not _is_final(found):
            for usual in WAITS:
                seconds = usual * random.uniform(0.5, 1.5)  # noqa: S311
                time.sleep(seconds)
                self._waits.append(seconds)
                yield

    def _opened(self, options: Options = ()) -> Any:
        place = place_of(self.path, self.access)
        try:
            with gdal_env((*self.access.options, *place.options, *options)):
                return rasterio.open(place.path, driver=self.driver, sharing=False)
        except RasterioError as error:
            return error
        except UnicodeDecodeError:  # rasterio takes the name of a projection for UTF-8
            return RasterioError("Its projection has no name that can be read.")

    def _broken(self, what: str, error: RasterioError) -> WestseaError:
        """What an error of GDAL means: a remote file may come back, one here is damaged."""
        name = name_of(self.path)
        if _is_remote(self.path):
            if self.access.needs_keys and _lacks_keys(error):
                return ConfigError(f"GDAL finds no AWS keys that it can use: {name} wants some.")
            reason = _remote_reason(error).format(format=FORMATS[self.driver])
            return FailedScene(f"{name} could not be read: {reason}.")
        try:
            Path(self.path).open("rb").close()
        except OSError as reason:
            return FailedScene(f"{name} could not be read: {reason.strerror}.")
        return RefusedScene(f"{name} {what}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return TiffReader, (
            self.path,
            self.grid,
            self.access,
            self.driver,
            self.offset,
            self.nodata,
        )


@dataclass(frozen=True)
class PowerReader:
    """A band in radar geometry as power: linear gamma0, where its documents allow."""

    file: TiffReader
    levels: Levels

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32; opens nothing."""
        return np.dtype(np.float32)

    @property
    def waited(self) -> float:
        """Seconds that its file has waited for."""
        return self.file.waited

    def header(self) -> Header:
        """That of the file."""
        return self.file.header()

    def numbers(self, window: Window, out: NDArray[np.uint16]) -> None:
        """Fill (rows, cols) with the digital numbers of a window inside the file.

        0 where there is no data. `levels.lines` says what they stand for.
        """
        self.file.read(window, out)
        self.levels.cut(out, window)

    def read(self, window: Window, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """(rows, cols) float32 power of a window inside the file; 0 where there is no data."""
        numbers = self.file.read(window, np.empty(window.shape, np.uint16))
        power = np.empty(window.shape, np.float32) if out is None else out
        return self.levels.power(numbers, window, power)

    def close(self) -> None:
        """Let go of the file; a later read opens it again."""
        self.file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return PowerReader, (self.file, self.levels)


@dataclass(frozen=True)
class RepeatedReader:
    """A coarser band on the scene's grid: each of its pixels fills `factor` x `factor` of those."""

    reader: Reader
    factor: int

    def read(self, window: Window) -> NDArray[Any]:
        """(rows, cols) pixels of a window of the scene's grid."""
        f = self.factor
        row0, col0 = window.row0 // f, window.col0 // f
        coarse = Window(row0, -(-window.row1 // f), col0, -(-window.col1 // f))
        pixels = self.reader.read(coarse).repeat(f, axis=0).repeat(f, axis=1)
        rows, cols = window.shape
        row, col = window.row0 - row0 * f, window.col0 - col0 * f
        return pixels[row : row + rows, col : col + cols]


def open_reader(scene: Scene, asset: Asset) -> Reader:
    """A reader of one asset of a scene, on its own grid; opens nothing before its first read.

    Raises
    ------
    ValueError
        The scene's grid is a guess: it has to be `radar.located` first.
    """
    if not scene.is_located:
        raise ValueError(f"{scene.id} has a guess for a grid; it is to be located first")
    return reader_of(asset, scene.grid, scene.nodata)


def reader_of(asset: Asset, grid: Grid, nodata: float) -> TiffReader | PowerReader:
    """A reader of one asset of a scene that lies on `grid`."""
    own = grid.coarsened(asset.factor)
    file = TiffReader(asset.source, own, asset.access, asset.driver, asset.offset, nodata)
    return file if asset.levels is None else PowerReader(file, asset.levels)


def gdal_env(options: Options = ()) -> AbstractContextManager[object]:
    """GDAL's settings, in this thread, for every open and read; with some of a file's own.

    Entering and leaving them takes 0.04 ms; where they hold already, 0.001.
    """
    wanted = {**GDAL_OPTIONS, **dict(options)} if options else GDAL_OPTIONS
    if hasenv() and getenv().items() >= wanted.items():
        return nullcontext()
    # Without a session of rasterio's own, which would set keys and a region for all files, GDAL
    # itself finds the keys in the usual variables and files.
    env: AbstractContextManager[object] = Env(DummySession(), **wanted)
    return env


def check_header(dataset: Any, grid: Grid, name: str) -> None:
    """Compare a file's header with what its item says.

    Raises
    ------
    RefusedScene
        They disagree, or the file is none that westsea reads.
    """
    if dataset.count != 1:
        raise RefusedScene(f"{name} has {dataset.count} bands; westsea reads one band a file.")
    if dataset.dtypes[0] not in DTYPES:
        raise RefusedScene(
            f"{name} has {dataset.dtypes[0]} pixels; westsea reads integers of 8 and 16 bits and"
            " float32."
        )
    grid.check_file(dataset, name)
    rows, cols = dataset.block_shapes[0]
    if rows * cols > LARGEST_TILE_PX:
        raise RefusedScene(f"{name} has tiles of {rows} x {cols} pixels, too large to read.")


def name_of(path: str) -> str:
    """The file's name, without folders, hosts and signatures."""
    return brief(path.partition("?")[0].rpartition("/")[2])


def _is_remote(path: str) -> bool:
    return path.startswith("/vsi") or "://" in path


def _words(error: RasterioError) -> str:
    return f"{error} {error.__cause__ or ''}"


def _is_refused(error: RasterioError) -> bool:
    return _REFUSED.search(_words(error)) is not None


def _lacks_keys(error: RasterioError) -> bool:
    return any(_NO_KEYS.match(str(each)) for each in (error, error.__cause__))


def _is_final(error: RasterioError) -> bool:
    """Whether a server would answer the same again, or is not even asked.

    408, 425 and 429 mean later.
    """
    is_answer = re.search(r"response code: 4(?!08|25|29)\d\d", _words(error)) is not None
    return is_answer or _lacks_keys(error)


def _remote_reason(error: RasterioError) -> str:
    """GDAL's own words name hosts and signatures, so they are not repeated."""
    text = _words(error)
    for pattern, reason in _REMOTE_REASONS:
        match = re.search(pattern, text)
        if match:
            return match.expand(reason)
    return "the transfer broke off, or the file is damaged"
