"""How long the overlay of a million detections takes.

make bench ARGS=tests/bench/test_lineage.py
"""

import itertools
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
import shapely
from scipy.spatial import cKDTree

from westsea.lineage import overlay
from westsea.lineage.commits import Commit, by_day
from westsea.schema import DETECTIONS, PAIRS, SCENES
from westsea.tables import Provenance, build, encode

pytestmark = pytest.mark.bench

PASSES, ROWS, COLS, SHIPS = 10, 4, 5, 5_000
TILE_DEG, STEP_DEG = 1.1, 1.0
DEGREE_M = 110_000.0


def table(declared, columns, n):
    """Rows with the given columns, and nothing in the others."""
    for column in declared.columns:
        if column.name == "bbox" or column.name in columns:
            continue
        if column.nullable:
            columns[column.name] = [None] * n
        elif pa.types.is_string(column.dtype):
            columns[column.name] = [""] * n
        elif pa.types.is_fixed_size_list(column.dtype):
            columns[column.name] = [[0, 1, 0, 1]] * n
        else:
            columns[column.name] = np.zeros(n)
    return encode(declared, build(declared, columns), Provenance("1", "bench", "0.03"))


def a_pass(rng, when):
    """Files of overlapping tiles of one pass, by key."""
    ships = rng.uniform(0.0, [COLS * STEP_DEG + 0.1, ROWS * STEP_DEG + 0.1],
                        (int(SHIPS * ROWS * COLS / TILE_DEG**2), 2))  # fmt: skip
    lengths = rng.uniform(30.0, 300.0, len(ships))
    for i, j in itertools.product(range(ROWS), range(COLS)):
        name = f"{when:%Y%m%d}-{i}{j}"
        box = np.array([j * STEP_DEG, i * STEP_DEG])
        inside = ((ships > box) & (ships < box + TILE_DEG)).all(axis=1)
        places = ships[inside] + rng.normal(0.0, 5.0 / DEGREE_M, (inside.sum(), 2))
        lon, lat, n = places[:, 0] + 120.0, places[:, 1], len(places)
        ids = np.array([f"{name}-{k}" for k in range(n)])
        near = cKDTree(places).query_pairs(400.0 / DEGREE_M, output_type="ndarray")
        own = {"platform": ["sentinel-2a"], "datetime": [when]}
        path = f"collection=sentinel-2-l2a/date={when:%Y-%m-%d}/{name}.parquet"
        points = shapely.to_wkb(shapely.points(lon, lat))
        yield (
            f"detections/{path}",
            table(
                DETECTIONS,
                {key: value * n for key, value in own.items()}
                | {
                    "detect_id": ids,
                    "item_id": [name] * n,
                    "lon": lon,
                    "lat": lat,
                    "geometry": points,
                    "position_sd_m": np.full(n, 5.0),
                    "length_m": lengths[inside],
                    "width_m": lengths[inside] / 6,
                    "heading_deg": rng.uniform(0.0, 180.0, n),
                    "distance_from_shore_m": np.full(n, 9_000.0),
                    "score": np.full(n, 0.9),
                },
                n,
            ),
        )
        m = len(near)
        yield (
            f"pairs/{path}",
            table(
                PAIRS,
                {
                    "pair_id": np.array([f"{name}-{a}-{b}" for a, b in near], object),
                    "detect_id_1": ids[near[:, 0]],
                    "detect_id_2": ids[near[:, 1]],
                    "datetime": [when] * m,
                    "geometry": points[near[:, 0]],
                },
                m,
            ),
        )
        west, south = box + np.array([120.0, 0.0])
        corners = shapely.box(west, south, west + TILE_DEG, south + TILE_DEG)
        yield (
            f"scenes/{path}",
            table(
                SCENES,
                own
                | {
                    "item_id": [name],
                    "polarizations": [["B08"]],
                    "footprint": [shapely.to_wkb(corners)],
                    "km2_valid": [14_000.0],
                },
                1,
            ),
        )


class Memory(dict):
    """Objects that are only read."""


def test_a_million_detections(capsys):
    rng = np.random.default_rng(0)
    days = [datetime(2024, 5, 1, 2, tzinfo=UTC) + timedelta(days=5 * k) for k in range(PASSES)]
    objects = Memory(entry for when in days for entry in a_pass(rng, when))
    committed = [
        Commit(key.removeprefix("detections/"), "sentinel-2-l2a", key.split("date=")[1][:10])
        for key in objects
        if key.startswith("detections/")
    ]
    there, rule = by_day(committed), overlay.Rule.of({})
    overlay.compute(objects, there, min(there), rule)  # compiles
    start = time.process_time()
    found = [overlay.compute(objects, there, day, rule) for day in there]
    seconds = time.process_time() - start
    names = ("lineage/detections", "lineage/pairs", "lineage/across")
    twice, pairs, across = (sum(len(each[name]) for each in found) for name in names)
    n = sum(pa.parquet.read_metadata(pa.BufferReader(objects[key])).num_rows
            for key in objects if key.startswith("detections/"))  # fmt: skip
    assert twice > 0.1 * n
    with capsys.disabled():
        print(
            f"\n{n:,} detections in {len(committed)} tiles of {PASSES} passes: {seconds:.1f} CPU s;"
            f" {twice:,} duplicates, {pairs:,} pairs that others hold, {across:,} across"
        )
