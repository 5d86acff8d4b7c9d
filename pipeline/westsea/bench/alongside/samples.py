"""One scene of the bench: what the seeds of its split say, and its images."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from westsea.bench.alongside import radar
from westsea.bench.alongside.hull_models import Model
from westsea.bench.alongside.places import Placed, draw_placed
from westsea_catalog.archive.sar import RADAR_NODATA
from westsea_catalog.archive.scenes import RADAR_SCENES, SeaState
from westsea_catalog.grid import AffineGrid
from westsea_catalog.scene import Asset, Scene, Sensor

Split = Literal["train", "test", "other", "again"]
"""`other`: hulls by another model. `again`: the layouts of `test`, by another pass and sea."""

SHAPE = (1000, 1000)
SEED = 20171
"""Frozen, as the splits are."""

_SPLITS: dict[Split, int] = {"train": 0, "test": 1, "other": 2, "again": 3}
_LAYOUTS: dict[Split, int] = {"train": 0, "test": 1, "other": 2, "again": 1}
"""Both sensors and both passes see the same hulls, so that what they say can be joined."""
_DETECTED = {"sar": ("VV", "VH"), "optical": ("B08",)}


@dataclass(frozen=True, eq=False)
class Sample:
    """A scene, and what is in it."""

    scene: Scene
    images: dict[str, NDArray[np.generic]]
    """(rows, cols) by the band's name."""
    placed: tuple[Placed, ...]
    sea_state: SeaState


@dataclass(frozen=True, eq=False)
class Drawn:
    """What the seeds say of a scene before it is imaged."""

    sensor: Sensor
    split: Split
    index: int
    rng: np.random.Generator
    grid: AffineGrid
    placed: tuple[Placed, ...]
    state: SeaState
    ascending: bool

    @classmethod
    def of(
        cls, sensor: Sensor, split: Split, index: int, shape: tuple[int, int] = SHAPE
    ) -> "Drawn":
        """By a scene's number within its split."""
        grid = replace(RADAR_SCENES[index % len(RADAR_SCENES)].grid, shape=shape)
        layout = np.random.default_rng([SEED, 0, _LAYOUTS[split], index])
        placed = draw_placed(layout, shape)
        rng = np.random.default_rng([SEED, 1, _SPLITS[split], index, sensor == "sar"])
        # The other pass goes the other way.
        ascending = bool(layout.integers(2)) != (split == "again")
        return cls(sensor, split, index, rng, grid, placed, radar.draw_state(rng), ascending)

    def images(self) -> dict[str, NDArray[np.generic]]:
        """(rows, cols) by the band's name, imaged anew; once, as the seeds move on."""
        is_other = self.split == "other"
        if self.sensor == "optical":
            optical = import_module("westsea.bench.alongside.optical")
            sea, decks = optical.draw_sea(self.rng, self.state), "other" if is_other else "own"
            return dict(optical.image(self.rng, self.placed, sea, self.grid, model=decks))
        model: Model = "other" if is_other else "varied" if self.split == "train" else "own"
        flight = radar.draw_pass(self.rng, ascending=self.ascending)
        water = radar.draw_sea(self.rng, self.state, flight.incidence_deg)
        makes = SEED, 2, _LAYOUTS[self.split], self.index
        images = radar.image(
            self.rng, self.placed, flight, water, self.grid, model=model, makes=makes
        )
        return {"VV": images["VV"], "VH": images["VH"]}

    def sample(self, images: dict[str, NDArray[np.generic]]) -> Sample:
        """The scene with its images."""
        detected = _DETECTED[self.sensor]
        orbit = "ascending" if self.ascending else "descending"
        scene = Scene(
            id=f"{self.sensor}-{self.split}-{self.index:03d}",
            collection="bench",
            profile="bench",
            sensor=self.sensor,
            datetime=datetime(2017, 10, 19, tzinfo=UTC),
            platform="",
            orbit_state=orbit if self.sensor == "sar" else "unknown",
            grid=self.grid,
            bands=tuple(_asset(name, images, self.grid) for name in detected),
            extras=tuple(
                _asset(name, images, self.grid) for name in images if name not in detected
            ),
            nodata=RADAR_NODATA if self.sensor == "sar" else 0.0,
            footprint=shapely.geometry.mapping(shapely.box(124.0, 37.0, 125.0, 38.0)),
        )
        return Sample(scene, images, self.placed, self.state)


def _asset(name: str, images: dict[str, NDArray[np.generic]], grid: AffineGrid) -> Asset:
    return Asset(name, "memory", factor=grid.shape[0] // images[name].shape[0], band=name)
