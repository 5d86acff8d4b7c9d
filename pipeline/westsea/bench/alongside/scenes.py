"""The scenes of the bench: the splits, imaged once and kept in a folder."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from importlib.resources import files
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from westsea.bench.alongside.samples import SHAPE, Drawn, Sample, Split
from westsea_catalog.scene import Sensor

__all__ = ["N_SCENES", "Sample", "Split", "generator", "keep", "sample", "samples"]

N_SCENES: dict[tuple[Sensor, Split], int] = {
    ("sar", "train"): 256,
    ("sar", "test"): 24,
    ("sar", "other"): 24,
    ("sar", "again"): 24,
    ("optical", "train"): 40,
    ("optical", "test"): 20,
    ("optical", "other"): 16,
    ("optical", "again"): 0,
}

_MODULES: dict[Sensor, tuple[str, ...]] = {
    "sar": ("laws", "places", "samples", "hull_models", "radar"),
    "optical": ("laws", "places", "samples", "decks", "other_decks", "optical"),
}
_RADAR_ARCHIVE = ("echoes", "fields", "formations", "frame", "hulls", "layout", "sar",
                  "scatterers", "scenes", "seas")  # fmt: skip
"""Of the archive, what radar images depend on; the optical ones depend on more."""


def samples(
    sensor: Sensor,
    split: Split,
    folder: Path,
    *,
    first: int = 0,
    count: int | None = None,
    shape: tuple[int, int] = SHAPE,
    workers: int = 1,
) -> Iterator[Sample]:
    """The scenes of a split, in order.

    Parameters
    ----------
    sensor, split
        Which.
    folder
        Where images are kept; those of the same generator are read again.
    first, count
        From which, and how many; None for all that follow.
    shape
        Of each, (rows, cols).
    workers
        Processes that image what is not there yet. Never changes a result.
    """
    n = N_SCENES[sensor, split]
    indices = range(first, n if count is None else min(first + count, n))
    place = keep(sensor, split, folder, indices, shape=shape, workers=workers)
    for index in indices:
        yield _kept(sensor, split, index, place, shape)


def keep(
    sensor: Sensor,
    split: Split,
    folder: Path,
    indices: Sequence[int],
    *,
    shape: tuple[int, int] = SHAPE,
    workers: int = 1,
) -> Path:
    """Image the scenes that the folder does not hold yet, and return where they lie in it."""
    place = folder / f"{sensor}-{shape[0]}x{shape[1]}-{generator(sensor)[:12]}"
    place.mkdir(parents=True, exist_ok=True)
    missing = [index for index in indices if not _path(place, split, index).exists()]
    if workers > 1 and len(missing) > 1:
        context = get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            jobs = repeat(sensor), repeat(split), missing, repeat(place), repeat(shape)
            for _ in pool.map(_keep, *jobs):
                pass
    return place


def sample(sensor: Sensor, split: Split, index: int, *, shape: tuple[int, int] = SHAPE) -> Sample:
    """Image one scene."""
    drawn = Drawn.of(sensor, split, index, shape)
    return drawn.sample(drawn.images())


def generator(sensor: Sensor) -> str:
    """Changes with anything that a sensor's images depend on."""
    here = Path(str(files("westsea.bench.alongside")))
    archive = Path(str(files("westsea_catalog.archive")))
    sources = [here / f"{name}.py" for name in _MODULES[sensor]]
    sources.append(archive.parent / "grid.py")
    if sensor == "sar":
        sources += [archive / f"{name}.py" for name in _RADAR_ARCHIVE]
    else:
        sources += sorted(archive.glob("*.py"))
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    digest.update(f"numpy {version('numpy')} rasterio {version('rasterio')}".encode())
    return digest.hexdigest()


def _path(place: Path, split: Split, index: int) -> Path:
    return place / f"{split}-{index:03d}.npz"


def _keep(sensor: Sensor, split: Split, index: int, place: Path, shape: tuple[int, int]) -> None:
    """Image a scene into its file, which is there whole or not at all."""
    path = _path(place, split, index)
    images = Drawn.of(sensor, split, index, shape).images()
    partial = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    np.savez(partial, **dict(images))  # type: ignore[arg-type]
    partial.replace(path)


def _kept(sensor: Sensor, split: Split, index: int, place: Path, shape: tuple[int, int]) -> Sample:
    path = _path(place, split, index)
    if not path.exists():
        _keep(sensor, split, index, place, shape)
    with np.load(path) as file:
        images = {name: file[name] for name in file.files}
    return Drawn.of(sensor, split, index, shape).sample(images)
