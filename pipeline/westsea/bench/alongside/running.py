"""Runs the bench: images the splits, fits on the one for fitting, and weighs the others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pandas as pd

from westsea.bench.alongside.fitting import fitted
from westsea.bench.alongside.measured import measured
from westsea.bench.alongside.samples import Split
from westsea.bench.alongside.tables import Judged, fused, judged
from westsea.detection.alongside import DATA, Calibration, calibrations
from westsea_catalog.scene import Sensor

Progress = Callable[[str], None]

GROUPS: dict[str, tuple[Sensor, tuple[str, ...] | None]] = {
    "VV+VH": ("sar", None),
    "VV": ("sar", ("VV",)),
    "B08": ("optical", None),
}
"""By name as in what ships: the sensor and the bands searched."""
NAMES: dict[Split, str] = {"test": "test", "other": "another hull model", "again": "another pass"}


@dataclass(frozen=True, eq=False)
class Group:
    """One choice of bands: what was fitted, and how it does on blobs that it was not fitted on."""

    name: str
    calibration: Calibration
    is_shipped: bool
    n_fitted: int
    splits: tuple[Judged, ...]
    """The test, the other hull model and, of radar, another pass and both together."""


@dataclass(frozen=True, eq=False)
class Bench:
    """What came out."""

    groups: tuple[Group, ...]


def run(folder: Path, *, workers: int = 1, progress: Progress = lambda _: None) -> Bench:
    """Image what is not in the folder yet, fit anew, and weigh."""
    groups = []
    for name, (sensor, bands) in GROUPS.items():
        progress(f"{name}: blobs for the fit")
        train = measured(sensor, "train", folder, bands=bands, workers=workers)
        how = fitted(train)
        splits: dict[Split, Judged] = {}
        for split, called in NAMES.items():
            if split == "again" and sensor == "optical":
                continue
            progress(f"{name}: {called}")
            table: pd.DataFrame = measured(sensor, split, folder, bands=bands, workers=workers)
            splits[split] = judged(called, table, how)
        found = list(splits.values())
        if "again" in splits:
            found.append(fused(splits["test"], splits["again"]))
        groups.append(Group(name, how, _is_shipped(name, how), len(train), tuple(found)))
    return Bench(tuple(groups))


def _is_shipped(name: str, how: Calibration) -> bool:
    """Whether what was fitted is what ships, to the digits that are written."""
    shipped = calibrations().get(name)
    return shipped is not None and encoded({name: how}) == encoded({name: shipped})


def encoded(how: dict[str, Calibration]) -> bytes:
    """The form that ships."""
    return msgspec.json.encode(how) + b"\n"


def write_shipped(bench: Bench, package: Path) -> Path:
    """Write what was fitted into a folder; where the module lies it ships."""
    path = package / DATA
    path.write_bytes(encoded({group.name: group.calibration for group in bench.groups}))
    return path
