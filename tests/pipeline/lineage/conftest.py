"""One sea that is cut into scenes, and sweeps of these; and scenes of which only tables exist."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import shapely

from made.rows import rows_of
from westsea.detector import Detector
from westsea.objects import Outcome
from westsea.records import Parameters, SceneKey
from westsea.results import Sweep
from westsea.schema import DETECTIONS, PAIRS, SCENES
from westsea.store import Store
from westsea_catalog.grid import AffineGrid

BLUR_M = {"sar": 9.0, "optical": 5.4}
ORIGIN = (740_000.0, 3_545_000.0)
"""In the open sea in UTM zone 51, 40 km from the next."""
WHEN = datetime(2017, 10, 19, 21, 57, tzinfo=UTC)


def sea(sim, sensor, seed, hulls, shape):
    """A lab of a sea with hulls: row, col, length, width, heading."""
    image = sim.radar_sea(seed, shape) if sensor == "sar" else sim.optical_sea(seed, shape)
    image, rng = image.astype(float), np.random.default_rng(seed)
    grid = AffineGrid(32651, (10.0, 0.0, ORIGIN[0], 0.0, -10.0, ORIGIN[1]), shape)
    for hull in hulls:
        bright, at = sim.hull_image(grid, *hull, BLUR_M[sensor])
        if sensor == "sar":
            bright = bright * rng.gamma(2.0, 0.5, bright.shape)
            image[:, *at] += np.multiply.outer([1.0, 0.2], bright)
        else:
            image[:, *at] += 2500.0 * bright
    image = image.astype(np.float32) if sensor == "sar" else image.round().astype(np.uint16)
    return sim.lab(image, sensor=sensor, origin=ORIGIN, scene_id="whole")


def scattered(seed, shape):
    """Hulls 0.8 km from one another, each third with a company 50-300 m beside it."""
    rng = np.random.default_rng(seed)
    places = itertools.product(range(80, shape[0] - 95, 75), range(80, shape[1] - 95, 85))
    for k, place in enumerate(places):
        row, col = place + rng.uniform(-8, 8, 2)
        length, heading = rng.uniform(60, 230), rng.uniform(0, 180)
        width = length / rng.uniform(5, 7)
        yield row, col, length, width, heading
        if k % 3 == 0:
            yield beside(row, col, length, width, heading, rng.uniform(50, 300))


def beside(row, col, length, width, heading, gap):
    """A shorter hull abreast of another."""
    away, axis = (gap + 0.9 * width) / 10.0, np.deg2rad(heading)
    place = row + np.sin(axis) * away, col + np.cos(axis) * away
    return *place, 0.8 * length, 0.8 * width, heading


def part(lab, rows, cols, name, seconds=0):
    """A scene of some rows and columns of a lab's."""
    a, b, c, d, e, f = lab.scene.grid.transform
    shape = (rows[1] - rows[0], cols[1] - cols[0])
    grid = AffineGrid(lab.scene.grid.epsg, (a, b, c + a * cols[0], d, e, f + e * rows[0]), shape)
    arrays = {
        band: np.ascontiguousarray(image[rows[0] : rows[1], cols[0] : cols[1]])
        for band, image in lab.arrays.items()
    }
    return replace(lab, arrays=arrays, scene=renamed(lab.scene, grid, name, seconds))


def renamed(scene, grid, name, seconds):
    rows, cols = grid.shape
    lon, lat = grid.lonlat(np.array([0, 0, rows, rows]) - 0.5, np.array([0, cols, cols, 0]) - 0.5)
    outline = shapely.Polygon(np.column_stack([lon, lat]))
    return replace(
        scene,
        id=name,
        grid=grid,
        datetime=scene.datetime + timedelta(seconds=seconds),
        footprint=shapely.geometry.mapping(outline),
    )


def in_zone_52(lab, cols, name):
    """Columns of a lab's scene, the nearest pixels on a grid of the next UTM zone."""
    rows = lab.scene.grid.shape[0]
    corners = lab.scene.grid.lonlat([0, 0, rows, rows], [cols[0], cols[1], cols[0], cols[1]])
    row, col = AffineGrid(32652, (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), (1, 1)).pixel(*corners)
    top, left = np.floor(row.min()), np.floor(col.min())
    shape = int(np.ceil(row.max() - top)), int(np.ceil(col.max() - left))
    grid = AffineGrid(32652, (10.0, 0.0, 10 * left, 0.0, -10.0, -10 * top), shape)
    row, col = (
        np.rint(x).astype(int) for x in lab.scene.grid.pixel(*grid.lonlat(*np.indices(shape)))
    )
    inside = (row >= 0) & (row < rows) & (col >= cols[0]) & (col < cols[1])
    arrays = {}
    for band, image in lab.arrays.items():
        arrays[band] = np.full(shape, lab.scene.nodata, image.dtype)
        arrays[band][inside] = image[row[inside], col[inside]]
    return replace(lab, arrays=arrays, scene=renamed(lab.scene, grid, name, 0))


@pytest.fixture(scope="session")
def seas(sim):
    """What this module does with pixels."""
    return SimpleNamespace(
        sea=lambda *how: sea(sim, *how),
        scattered=scattered,
        beside=beside,
        part=part,
        in_zone_52=in_zone_52,
    )


@pytest.fixture
def swept(tmp_path):
    """`swept(labs)`: the results of judging them, in a folder of their own."""
    from westsea.lineage.overlay import refresh
    from westsea.runner import parameters

    count = itertools.count()

    def sweep(labs):
        out = tmp_path / f"swept{next(count)}"
        store = Store.open(out, parameters(Detector(), None, labs[0].coast))
        for lab in labs:
            store.commit(SceneKey.of(lab.scene), lab.judge().tables)
        refresh(store, {f"{lab.scene.datetime:%Y-%m-%d}" for lab in labs})
        return Sweep(out)

    return sweep


# Scenes of which only tables exist.


class Memory:
    """Objects in memory, which counts what is put."""

    def __init__(self):
        self.held = {}
        self.n_put = 0

    def __str__(self):
        return "memory"

    def get(self, key):
        return self.held.get(key)

    def exists(self, key):
        return key in self.held

    def put(self, key, data):
        self.n_put += 1
        self.held[key] = data

    def put_new(self, key, data):
        if key in self.held:
            return Outcome.SAME if self.held[key] == data else Outcome.CONFLICT
        self.held[key] = data
        return Outcome.CREATED

    def delete(self, key):
        self.held.pop(key, None)

    def list(self, prefix):
        return iter(sorted(key for key in self.held if key.startswith(f"{prefix}/")))

    def clean(self):
        pass


def hull(lon, lat, *, length=100.0, heading=0.0, flags=0, name=None):
    return SimpleNamespace(lon=lon, lat=lat, length=length, heading=heading, flags=flags, name=name)


def tables_of(
    name,
    box,
    hulls=(),
    pairs=(),
    *,
    collection="sentinel-1-rtc",
    when=WHEN,
    platform="sentinel-1a",
    bands=("VV", "VH"),
    baseline=None,
    processed=None,
    km2=None,
):
    """A scene's key and tables: its footprint in degrees, hulls, and pairs of indices of these.

    km2 : with data, and without; None for all of the footprint.
    """
    from westsea.detection.pairs import _hash

    ids = [each.name or f"{collection}/{name}/{k}" for k, each in enumerate(hulls)]
    outline = shapely.box(*box)
    area = outline.area * 110.6 * 111.3 * np.cos(np.deg2rad((box[1] + box[3]) / 2))
    data, empty = (area, 0.0) if km2 is None else km2
    own = {"item_id": name, "datetime": when, "platform": platform, "orbit_state": "ascending"}
    rows = {
        DETECTIONS: [
            own
            | {
                "detect_id": ids[k],
                "row": float(k),
                "lon": each.lon,
                "lat": each.lat,
                "geometry": shapely.to_wkb(shapely.Point(each.lon, each.lat)),
                "position_sd_m": 6.0,
                "length_m": each.length,
                "width_m": each.length / 6,
                "heading_deg": each.heading,
                "flags": each.flags,
                "score": 0.9,
                "distance_from_shore_m": 9_000.0,
            }
            for k, each in enumerate(hulls)
        ],
        PAIRS: [
            own
            | {
                "pair_id": _hash(sorted([ids[i], ids[j]])),
                "kind": "close",
                "detect_id_1": ids[i],
                "detect_id_2": None if i == j else ids[j],
                "lon": hulls[i].lon,
                "lat": hulls[i].lat,
                "geometry": shapely.to_wkb(shapely.Point(hulls[i].lon, hulls[i].lat)),
            }
            for i, j in pairs
        ],
        SCENES: [
            own
            | {
                "polarizations": list(bands),
                "footprint": shapely.to_wkb(outline),
                "processing_baseline": baseline,
                "processed": processed,
                "km2_valid": data,
                "km2_nodata": empty,
                "n_detections": len(hulls),
                "n_pairs": len(pairs),
            }
        ],
    }
    key = SceneKey(collection, name, when.date(), "")
    return key, {table.name: rows_of(table, *found) for table, found in rows.items()}


@pytest.fixture(scope="session")
def made():
    """What this module does with tables."""

    def store(*scenes):
        parameters = Parameters("1", {}, None, "coast", "0.03")
        opened = Store(Memory(), parameters)
        opened.prepare()
        for key, tables in scenes:
            opened.commit(key, tables)
        return opened

    return SimpleNamespace(hull=hull, scene=tables_of, store=store, when=WHEN)
