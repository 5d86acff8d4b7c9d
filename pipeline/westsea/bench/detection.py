"""The bench of detection: recall against false detections, on archives of fixed seeds.

Every scene is searched by ours and by each classic recipe, at each rate of a ladder; the counts
are added up by sensor, sea state and length.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from distributed import Client, KilledWorker, as_completed
from numpy.typing import NDArray

from westsea.api import plan, search
from westsea.bench.baselines import Masks, detect
from westsea.bench.recipes import RECIPES, Rings
from westsea.bench.scores import Comparison, Tally
from westsea.bench.truth import Truth
from westsea.cluster import connect
from westsea.detection.judge import judge
from westsea.detection.pixels import Pixels
from westsea.detection.summary import merge, summarise
from westsea.detector import Detector
from westsea.schema import DETECTIONS, SCENES
from westsea.tasks import Job
from westsea_catalog import archive
from westsea_catalog.coast import Coast
from westsea_catalog.errors import ConfigError
from westsea_catalog.scene import Scene, Sensor

SEEDS = (101, 102, 103)
"""Of the archives, frozen: the weights that ship were fitted on other ones."""
OURS = "westsea"
RADAR_RATES = (1e-9, 1e-8, 3e-8, 1e-7, 1e-6)
OPTICAL_SIGMAS = (4.5, 5.0, 6.0, 7.0, 9.0)
"""The ladders of ours; the rung of the settings themselves is added."""

BUILT = "built.txt"
EVERYWHERE = (-180.0, -90.0, 180.0, 90.0)
EVER = "2014-04-03/.."
"""Since the first Sentinel flew."""

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Called with what has ended, how many have, and of how many."""


@dataclass(frozen=True)
class Setting:
    """What a count depends on."""

    sensor: str
    """S1 or S2, and the polarisations or bands searched."""
    sea_state: str
    recipe: str
    rate: float
    """Nominal false alarms per pixel."""
    is_as_set: bool = False
    """Whether it is ours with the settings as they are, and not a rung of the ladder."""


@dataclass(frozen=True, eq=False)
class Row:
    """Counts of a setting."""

    setting: Setting
    km2: float
    """Sea that was searched."""
    tally: Tally

    @property
    def false_rate(self) -> float:
        """Unflagged detections that are no hull, per 1000 km2 of sea."""
        return 1000.0 * self.tally.n_false / self.km2 if self.km2 else 0.0


@dataclass(frozen=True, eq=False)
class Bench:
    """What came out."""

    seeds: tuple[int, ...]
    n_scenes: int
    rows: tuple[Row, ...]
    """By sensor, sea state, recipe and rate."""

    def pooled(self) -> list[Row]:
        """The sums over all sea states, which is then "all"."""
        return added_up(
            replace(row, setting=replace(row.setting, sea_state="all")) for row in self.rows
        )


@dataclass(frozen=True)
class Task:
    """One scene, to be searched by everything."""

    job: Job
    truth: Truth


def run(
    folder: Path,
    *,
    seeds: Sequence[int] = SEEDS,
    detector: Detector | None = None,
    workers: int | None = None,
    progress: Progress = lambda *_: None,
) -> Bench:
    """Build the archives below a folder and search them.

    Parameters
    ----------
    folder
        Where the archives go. What an earlier run left there of the same generator is used again.
    seeds
        Of the archives.
    detector
        Ours; None for the defaults.
    workers
        Processes on this machine; 0 for none, None for one a core. Never changes a result.
    progress
        Called as archives and scenes are done.

    Raises
    ------
    UsageError
        A negative seed or number of workers.
    ConfigError
        The folder cannot be written to.
    """
    settings = detector or Detector()
    if workers == 0:
        return _run(folder, tuple(seeds), settings, None, progress)
    with connect(None, workers) as client:
        return _run(folder, tuple(seeds), settings, client, progress)


def _run(
    folder: Path,
    seeds: tuple[int, ...],
    detector: Detector,
    client: Client | None,
    progress: Progress,
) -> Bench:
    places = [(folder / str(seed), seed) for seed in seeds]
    catalogs = _each(build, places, client, lambda *done: progress("archive", *done))
    tasks = [(task,) for catalog in sorted(catalogs) for task in tasks_of(catalog, detector)]
    parts = _each(search_scene, tasks, client, lambda *done: progress("scene", *done))
    rows = added_up(row for part in parts for row in part)
    return Bench(seeds, len(tasks), tuple(rows))


def _each(
    work: Callable[..., T],
    arguments: Sequence[tuple[Any, ...]],
    client: Client | None,
    progress: Callable[[int, int], None],
) -> list[T]:
    """What the work returns for each tuple of arguments, in any order."""
    if client is None:
        ended = (work(*each) for each in arguments)
    else:
        futures = [client.submit(work, *each, pure=False) for each in arguments]
        ended = (future.result() for future in as_completed(futures, loop=client.loop))
    out: list[T] = []
    try:
        for result in ended:
            out.append(result)
            progress(len(out), len(arguments))
    except KilledWorker as error:
        raise ConfigError(
            "The workers died, as they do where memory runs out: try fewer --workers."
        ) from error
    return out


def build(folder: Path, seed: int) -> Path:
    """The catalogue of an archive, built unless it is there from the same generator."""
    stamp, mark = folder / BUILT, _generator()
    if stamp.exists() and stamp.read_text() == mark:
        return folder / "catalog.json"
    if stamp.exists():
        shutil.rmtree(folder)
    catalog = archive.build(folder, seed=seed)
    stamp.write_text(mark)
    return catalog


def _generator() -> str:
    """Changes with anything that an archive's bytes depend on, beside its seed."""
    digest = hashlib.sha256()
    for source in sorted(Path(str(files("westsea_catalog"))).rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            digest.update(source.read_bytes())
    return f"{digest.hexdigest()} numpy {version('numpy')} rasterio {version('rasterio')}\n"


def tasks_of(catalog: Path, detector: Detector) -> Iterator[Task]:
    """The scenes of an archive."""
    truth = Truth.read(catalog.parent / "truth")
    items = search(str(catalog), bbox=EVERYWHERE, datetime=EVER, offline=True)
    coast = Coast.shipped()
    for planned in plan(items, catalog=str(catalog)).scenes:
        yield Task(Job.of(planned, coast, None, detector), truth.of(planned.scene.id))


def search_scene(task: Task) -> list[Row]:
    """Counts of one scene, for each recipe and rate."""
    job, truth = task.job, task.truth
    pixels = job.pixels()
    bands = pixels.bands(job.window)
    sensor, sea_state = sensor_name(job.scene), truth.sea_state(job.scene.id)
    rows, km2 = [], 0.0
    for rate, is_as_set, found, km2 in ours(job, pixels, bands):
        setting = Setting(sensor, sea_state, OURS, rate, is_as_set)
        rows.append(Row(setting, km2, Comparison.of(truth, found).tally()))
    masks = Masks.of(pixels, bands)
    rings = Rings([band.astype(float) for band in bands], masks.valid)
    for recipe in RECIPES:
        if job.scene.sensor in recipe.sensors:
            for rate, found in detect(recipe, rings, pixels, masks, job.detector):
                setting = Setting(sensor, sea_state, recipe.name, rate)
                rows.append(Row(setting, km2, Comparison.of(truth, found).tally()))
    return rows


def sensor_name(scene: Scene) -> str:
    """Such as S1 VV+VH."""
    return f"{'S1' if scene.sensor == 'sar' else 'S2'} {'+'.join(scene.polarizations)}"


def ours(
    job: Job, pixels: Pixels, bands: NDArray[np.generic]
) -> Iterator[tuple[float, bool, pd.DataFrame, float]]:
    """Nominal rate, whether it is the settings' own, detections and km2 of sea: rung by rung.

    Yielded last are the settings themselves.
    """
    scene, window = job.scene, job.window
    part = summarise(bands, pixels.land(window), window, sensor=scene.sensor, nodata=scene.nodata)
    summary = merge(window, [part])
    for rung in [*ladder(job.detector, scene.sensor), job.detector]:
        tables = judge(scene, summary, pixels, job.coast, None, rung).tables
        row = tables[SCENES.name].to_pylist()[0]
        found = tables[DETECTIONS.name].to_pandas()
        yield row["pfa_nominal"], rung == job.detector, found, row["km2_valid"]


def ladder(detector: Detector, sensor: Sensor) -> list[Detector]:
    """The settings at other rates than their own."""
    if sensor == "sar":
        rungs = [replace(detector, false_alarm_rate=rate) for rate in RADAR_RATES]
    else:
        rungs = [replace(detector, optical_seed_sigma=sigma) for sigma in OPTICAL_SIGMAS]
    return [rung for rung in rungs if rung != detector]


def added_up(rows: Iterator[Row]) -> list[Row]:
    """One row for each setting, sorted by it."""
    sums: dict[Setting, Row] = {}
    for row in rows:
        before = sums.get(row.setting, Row(row.setting, 0.0, Tally()))
        sums[row.setting] = Row(row.setting, before.km2 + row.km2, before.tally + row.tally)
    order = [OURS, *(recipe.name for recipe in RECIPES)]
    return sorted(
        sums.values(),
        key=lambda row: (
            row.setting.sensor,
            row.setting.sea_state,
            order.index(row.setting.recipe),
            row.setting.rate,
        ),
    )
