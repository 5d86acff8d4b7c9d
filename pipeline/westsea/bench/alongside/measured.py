"""Blobs of the bench as the detector sees them: features, and what truly lies there."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from westsea.bench.alongside import scenes
from westsea.bench.alongside.samples import Sample, Split
from westsea.detection.areas import cell_pixel_areas
from westsea.detection.features import features
from westsea.detection.judge import find_hulls
from westsea.detection.pixels import Pixels
from westsea.detection.sections import describe
from westsea.detection.summary import merge, summarise
from westsea.detector import Detector
from westsea_catalog.coast import Coast
from westsea_catalog.grid import Window
from westsea_catalog.scene import Sensor

NEAR_M, NEAR_LENGTHS = 60.0, 0.5
"""A detection is of the blob whose place lies so near, or so many of its lengths; the brightest."""


@dataclass(frozen=True)
class _Memory:
    """Reads an image that is there already."""

    image: NDArray[Any]
    waited: float = 0.0

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.image.dtype

    def read(self, window: Window, out: NDArray[Any] | None = None) -> NDArray[Any]:
        seen = self.image[window.row0 : window.row1, window.col0 : window.col1]
        if out is None:
            return seen.copy()
        out[:] = seen
        return out


def measured(
    sensor: Sensor,
    split: Split,
    folder: Path,
    *,
    bands: tuple[str, ...] | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """One row a blob that was found: truth, features and what the detection reports.

    bands : those searched; None for all that the sensor has.
    """
    n = scenes.N_SCENES[sensor, split]
    scenes.keep(sensor, split, folder, range(n), workers=workers)
    jobs = repeat(sensor), repeat(split), repeat(folder), range(n), repeat(bands)
    if workers < 2:
        return pd.concat(map(_scene, *jobs), ignore_index=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return pd.concat(pool.map(_scene, *jobs), ignore_index=True)


def _scene(
    sensor: Sensor, split: Split, folder: Path, index: int, bands: tuple[str, ...] | None
) -> pd.DataFrame:
    kept: Iterator[Sample] = scenes.samples(sensor, split, folder, first=index, count=1)
    return of_sample(next(kept), bands).assign(scene=index)


def of_sample(sample: Sample, bands: tuple[str, ...] | None = None) -> pd.DataFrame:
    """The rows of one scene."""
    scene, images = sample.scene, sample.images
    if bands is not None:
        scene = replace(scene, bands=tuple(b for b in scene.bands if b.name in bands))
    window, coast = scene.grid.full, _no_coast()
    pixels = Pixels(scene, coast, window, 0.0, lambda _, asset: _Memory(images[asset.name]))
    land = np.zeros(window.shape, np.bool_)
    part = summarise(
        pixels.bands(window), land, window, sensor=scene.sensor, nodata=scene.nodata, carry="all"
    )
    summary = merge(window, [part])
    areas = cell_pixel_areas(scene.grid, summary.window)
    sea, blobs, hulls = find_hulls(scene, summary, pixels, coast, Detector(), areas)
    found = describe(scene, summary, sea, blobs, hulls)
    table = pd.DataFrame(features(found, hulls.length_m, hulls.width_m, hulls.heading_deg))
    table = table.add_prefix("x_").assign(
        placed=_nearest(sample, hulls.row, hulls.col),
        length_m=hulls.length_m,
        width_m=hulls.width_m,
        n_pixels=hulls.n_pixels,
        snr_db=hulls.snr_db,
        sea_state=sample.sea_state,
    )
    return _with_truth(table, sample)


def _no_coast() -> Coast:
    """Land far away."""
    return Coast("none", "", np.array([shapely.box(-30.0, -60.0, -29.9, -59.9)], object))


def _nearest(
    sample: Sample, row: NDArray[np.float64], col: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(n,) number of the blob that each detection is of; -1 for none."""
    places = np.array([(each.row, each.col) for each in sample.placed])
    reach = np.array([max(NEAR_M, NEAR_LENGTHS * each.blob.length_m) for each in sample.placed])
    pixel_m = np.sqrt(abs(np.linalg.det(sample.scene.grid.jacobian(500, 500))))
    away = pixel_m * np.hypot(row[:, None] - places[:, 0], col[:, None] - places[:, 1])
    nearest = away.argmin(axis=1)
    return np.where(away[np.arange(row.size), nearest] <= reach[nearest], nearest, -1)


def _with_truth(table: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    table = table[table["placed"] >= 0].sort_values("snr_db", ascending=False, kind="stable")
    table["n_detections"] = table.groupby("placed")["placed"].transform("size")
    table = table.drop_duplicates("placed").sort_values("placed").reset_index(drop=True)
    blobs = [sample.placed[number].blob for number in table["placed"]]
    return table.assign(
        kind=[blob.kind for blob in blobs],
        n_hulls=[blob.n_hulls for blob in blobs],
        true_length_m=[blob.length_m for blob in blobs],
        contrast_db=[blob.contrast_db for blob in blobs],
    )
