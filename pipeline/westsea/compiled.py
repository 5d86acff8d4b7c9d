"""Compiled kernels, kept between processes: compiling them takes a minute.

The folder is named after the kernels' sources, for numba would not notice that a kernel called
from another file has changed (numba #4807). One process compiles and the workers only load: two
that compile the same function for different types at once can get each other's code.
"""

import fcntl
import hashlib
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import dtype
    from numpy.typing import NDArray

    from westsea_catalog.grid import Window
    from westsea_catalog.scene import Scene, Sensor

LOG = logging.getLogger(__name__)

SIDE = 256


def keep_compiled() -> None:
    """Ask for the cache on disk; has to come before the kernels are imported.

    WESTSEA_JIT_CACHE=0 goes without; NUMBA_CACHE_DIR puts it elsewhere.
    """
    if os.environ.setdefault("WESTSEA_JIT_CACHE", "1") == "1":
        try:
            os.environ["NUMBA_CACHE_DIR"] = os.environ.get("NUMBA_CACHE_DIR") or str(_folder())
        except RuntimeError:  # a user without a home, as numbers of containers are
            os.environ["WESTSEA_JIT_CACHE"] = "0"


def _folder() -> Path:
    digest = hashlib.sha256()
    for source in sorted(files("westsea_kernels").iterdir(), key=lambda file: file.name):
        if source.name.endswith(".py"):
            digest.update(source.read_bytes())
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return home / "westsea" / f"numba-{digest.hexdigest()[:16]}"


def compile_once() -> None:
    """Compile all kernels into the cache, unless that was done before or no cache is kept."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    if os.environ.get("WESTSEA_JIT_CACHE") == "1" and folder is not None:
        _compile_into(Path(folder))


@cache
def _compile_into(folder: Path) -> None:
    """Once a process: every task asks, and to look at the folder takes 0.3 ms."""
    # Compiled code is for one processor: a home that several machines share holds some of each.
    target = f"{platform.node()}-{platform.python_version()}-{version('numba')}"
    done = folder / f"done-{target}"
    try:
        with _alone(folder):
            if not done.exists():
                LOG.warning("compiling for this machine, once: it takes a minute or two")
                _run_kernels("sar")
                _run_kernels("optical")
                done.touch()
    except OSError:
        # Not a place to write to: numba finds another or keeps nothing.
        return


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process compiles into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class _Array:
    """Reads an array as if it were a file."""

    pixels: "NDArray[Any]"
    waited: float = 0.0

    @property
    def dtype(self) -> "dtype[Any]":
        return self.pixels.dtype

    def read(self, window: "Window", out: "NDArray[Any] | None" = None) -> "NDArray[Any]":
        found = self.pixels[window.row0 : window.row1, window.col0 : window.col1].copy()
        if out is None:
            return found
        out[:] = found
        return out


def _run_kernels(sensor: "Sensor") -> None:
    """Summarise and judge two bright spots in a flat sea, which calls every kernel of a scene.

    And what joins scenes. The numbers of radar geometry have the types of optical pixels.
    """
    import numpy as np
    import shapely

    from westsea.detection.judge import judge
    from westsea.detection.pixels import Pixels
    from westsea.detection.summary import summarise
    from westsea.detector import Detector
    from westsea_catalog.coast import Coast
    from westsea_kernels.joins import same_things

    scene = _small_scene(sensor)
    coast = Coast("none", "", np.array([shapely.box(0.0, 0.0, 0.001, 0.001)]))
    sea = np.random.default_rng(0).normal(1000.0, 50.0, (len(scene.bands), SIDE, SIDE))
    sea[:, 100:103, 100:110] = sea[:, 120:123, 100:110] = 30_000.0
    bands = sea.astype(np.float32 if sensor == "sar" else np.uint16)
    window, land = scene.grid.full, np.zeros((SIDE, SIDE), np.bool_)
    summary = summarise(bands, land, window, sensor=sensor, nodata=0.0, carry="all")
    pixels = Pixels(scene, coast, window, 0.0, lambda *_: _Array(bands[0]))
    judge(scene, summary, pixels, coast, None, Detector())
    pixels.blocks(np.zeros((1, 2), np.int64))  # as the judge reads what no chunk carried
    none = np.zeros(0, np.int64)
    same_things(none, none, np.zeros(0, np.bool_), none)


def _small_scene(sensor: "Sensor") -> "Scene":
    from westsea_catalog.grid import AffineGrid
    from westsea_catalog.scene import Asset, Scene

    names = ("VV", "VH") if sensor == "sar" else ("B08",)
    return Scene(
        id="compile",
        collection="compile",
        profile="custom",
        sensor=sensor,
        datetime=datetime(2017, 10, 19, tzinfo=UTC),
        platform="",
        orbit_state="ascending",
        grid=AffineGrid(32651, (10.0, 0.0, 5e5, 0.0, -10.0, 4e6), (SIDE, SIDE)),
        bands=tuple(Asset(name, "", band=name) for name in names),
        extras=(Asset("B02", "", band="B02"),) if sensor == "optical" else (),
        footprint={"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 1], [0, 0]]]},
    )
