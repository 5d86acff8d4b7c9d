"""Speeds of simulated hulls from bands that are out of register, as real ones are.

make bench ARGS=tests/bench/test_motion.py
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import shapely

from westsea.detection.judge import judge
from westsea.detection.motion import LAG_S, REGISTRATION_SD_M
from westsea.detection.pixels import Pixels
from westsea.detection.summary import merge, summarise
from westsea.detector import Detector
from westsea.schema import Flag
from westsea_catalog.archive import optical
from westsea_catalog.archive.hulls import Hull
from westsea_catalog.archive.land import Land
from westsea_catalog.archive.layout import Layout, PlantedHull
from westsea_catalog.archive.scenes import OPTICAL_SCENES
from westsea_catalog.coast import Coast
from westsea_catalog.scene import Asset, Scene

pytestmark = pytest.mark.bench

HELD_OUT = range(2000, 2004)
"""The settings were chosen on three other seeds."""
LENGTH_M, LENGTH_OVER_WIDTH = (25.0, 280.0), (3.5, 9.0)
FASTEST_MPS = 11.0
SHAPE = (1000, 1000)
SPACING_PX, BORDER_PX, JITTER_PX = 100, 80, 25
PIXEL_M = 10.0
LONG_M = 50.0


@dataclass(frozen=True)
class ArrayReader:
    pixels: np.ndarray

    def read(self, window):
        return self.pixels[window.row0 : window.row1, window.col0 : window.col1].copy()


def plant(rng, grid):
    """Half of the hulls at rest, the others at any speed; a kilometre from each other."""
    hulls = []
    rows = range(BORDER_PX, SHAPE[0] - BORDER_PX + 1, SPACING_PX)
    for row, col in ((row, col) for row in rows for col in rows):
        length = float(np.exp(rng.uniform(*np.log(LENGTH_M))))
        kind = "fishing" if length < 45 and rng.uniform() < 0.7 else "merchant"
        width = max(length / float(rng.uniform(*LENGTH_OVER_WIDTH)), 4.0)
        hull = Hull(length, width, float(rng.uniform(0, 360)), kind)
        place = np.add((row, col), rng.uniform(-JITTER_PX, JITTER_PX, 2))
        speed = float(rng.uniform(1.0, FASTEST_MPS)) if rng.uniform() < 0.5 else 0.0
        jacobian = grid.jacobian(*place)
        hulls.append(PlantedHull(hull, *place.tolist(), len(hulls), jacobian, speed))
    return Layout(tuple(hulls), ())


def out_of_register(rng, image):
    """The image moved by a fraction of a pixel in both directions."""
    moved = np.fft.fft2(image.astype(float))
    for axis, size in enumerate(image.shape):
        shift = rng.normal(0.0, REGISTRATION_SD_M / PIXEL_M)
        turn = np.exp(-2j * np.pi * shift * np.fft.fftfreq(size))
        moved *= np.expand_dims(turn, 1 - axis)
    return np.fft.ifft2(moved).real.round().clip(1, 65535).astype(np.uint16)


def searched(seed, sea):
    """Planted hulls and detections of one sea of the archive's."""
    rng = np.random.default_rng([seed, sea])
    source = OPTICAL_SCENES[sea]
    grid = replace(source.grid, shape=SHAPE)
    layout = plant(rng, grid)
    images = optical.render(rng, replace(source.sea, clouds=0), layout, Land.none(SHAPE), grid)
    arrays = {name: out_of_register(rng, images[name]) for name in LAG_S}
    arrays["B08"] = images["B08"]
    scene = Scene(
        id=f"{seed}-{sea}",
        collection="bench",
        profile="bench",
        sensor="optical",
        datetime=datetime(2017, 10, 19, tzinfo=UTC),
        platform="",
        orbit_state="unknown",
        grid=grid,
        bands=(Asset("B08", "memory", band="B08"),),
        extras=tuple(Asset(name, "memory", band=name) for name in LAG_S),
        footprint=shapely.geometry.mapping(shapely.box(124.0, 37.0, 125.0, 38.0)),
    )
    coast = Coast("none", "", np.array([shapely.box(-30.0, -60.0, -29.9, -59.9)], object))
    window = grid.full
    pixels = Pixels(scene, coast, window, 0.0, lambda _, asset: ArrayReader(arrays[asset.name]))
    part = summarise(
        pixels.bands(window), np.zeros(SHAPE, np.bool_), window, sensor="optical", nodata=0.0
    )
    judged = judge(scene, merge(window, [part]), pixels, coast, None, Detector())
    return layout, judged.tables["detections"].to_pandas()


def compared():
    """One row a hull with one detection: truth, speed and flags."""
    rows = []
    for seed in HELD_OUT:
        for sea in range(len(OPTICAL_SCENES)):
            layout, table = searched(seed, sea)
            for planted in layout.hulls:
                away = np.hypot(table["row"] - planted.row, table["col"] - planted.col) * PIXEL_M
                near = np.flatnonzero(away < max(60.0, 0.75 * planted.hull.length_m))
                if near.size == 1:
                    truth = {"length": planted.hull.length_m, "truth": planted.speed_ms}
                    rows.append(truth | table.iloc[near[0]].to_dict())
    return pd.DataFrame(rows)


def figures(rows):
    known = rows["speed_mps"].notna()
    error = (rows["speed_mps"] - rows["truth"])[known]
    inside = np.abs(error) / rows["speed_sd_mps"][known]
    return pd.Series(
        {
            "n": len(rows),
            "known": known.mean(),
            "bias": error.median(),
            "error 68 %": np.abs(error).quantile(0.68),
            "stated": rows["speed_sd_mps"].median(),
            "in 1 sd": (inside <= 1).mean(),
            "in 2 sd": (inside <= 2).mean(),
            "under way": ((rows["flags"] & int(Flag.UNDER_WAY)) != 0).mean(),
            "crest": ((rows["flags"] & int(Flag.WAKE)) != 0).mean(),
        }
    )


def test_speeds():
    table = compared()
    table["by length"] = pd.cut(table["length"], [0, LONG_M, 80, 130, 300], right=False)
    table["by speed"] = pd.cut(table["truth"], [-1, 0, 3, 6, FASTEST_MPS])
    parts = table.groupby(["by length", "by speed"], observed=True)
    print("\n" + pd.DataFrame({key: figures(rows) for key, rows in parts}).T.round(2).to_string())
    long = table[table["length"] >= LONG_M]
    print(figures(long).round(3).to_string())
    assert figures(long)["in 1 sd"] > 0.63
    assert figures(long[long["truth"] == 0])["under way"] <= 0.01
    assert figures(long)["crest"] <= 0.005
