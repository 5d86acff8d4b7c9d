"""How long it takes to find what never moves, and events, among a million detections.

make bench ARGS=tests/bench/test_evidence.py
"""

import time
from datetime import UTC, datetime, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from westsea.evidence.events import events
from westsea.evidence.fixed import fixed_objects

pytestmark = pytest.mark.bench

PASSES, SHIPS, OBJECTS, BERTHS = 60, 12_000, 4_000, 1_000
SIDE_DEG = 8.0


def a_region(rng):
    """Detections and scenes of passes over 8 x 8 degrees, six days apart."""
    standing = rng.uniform(0, SIDE_DEG, (OBJECTS + BERTHS, 2))
    size, axis = rng.uniform(25, 110, OBJECTS), rng.uniform(0, 180, OBJECTS)
    parts, scenes = [], []
    outline = shapely.box(117.9, 32.9, 118.1 + SIDE_DEG, 33.1 + SIDE_DEG)
    for k in range(PASSES):
        when = pd.Timestamp(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=6 * k)).as_unit("us")
        own = {"collection": "sentinel-1-rtc", "item_id": f"s{k:03d}", "datetime": when}
        own |= {"platform": "sentinel-1a", "orbit_state": "ascending"}
        scenes.append(own | {"polarizations": ["VV"], "footprint": outline, "km2_valid": 1e5})
        length = np.concatenate([size, rng.uniform(50, 250, BERTHS + SHIPS)])
        at = np.concatenate([standing, rng.uniform(0, SIDE_DEG, (SHIPS, 2))])
        at = at + rng.normal(0, 8 / 100_000, at.shape)
        n = len(at)
        part = pd.DataFrame({name: [value] * n for name, value in own.items()})
        part["detect_id"] = [f"s{k:03d}-{i:06d}" for i in range(n)]
        part["lon"], part["lat"] = at[:, 0] + 118, at[:, 1] + 33
        part["length_m"] = length + rng.normal(0, 8, n)
        part["width_m"], part["length_sd_m"], part["heading_sd_deg"] = length / 5, 10.0, 10.0
        heading = np.concatenate([axis, rng.uniform(0, 180, BERTHS + SHIPS)])
        part["heading_deg"] = (heading + rng.normal(0, 5, n)) % 180
        part["flags"], part["p_alongside"] = np.int32(0), rng.beta(0.5, 10, n)
        parts.append(part)
    found = pd.concat(parts, ignore_index=True)
    places = gpd.points_from_xy(found["lon"], found["lat"])
    return (
        gpd.GeoDataFrame(found, geometry=places, crs="OGC:CRS84"),
        gpd.GeoDataFrame(pd.DataFrame(scenes), geometry="footprint", crs="OGC:CRS84"),
    )


def test_a_million_detections(capsys):
    detections, scenes = a_region(np.random.default_rng(0))
    pairs = pd.DataFrame(
        {
            "kind": [],
            "flags": np.zeros(0, np.int32),
            "detect_id_1": [],
            "detect_id_2": [],
            "score": [],
        }
    )
    few = detections.iloc[:2000]
    events(few, pairs, scenes, 0.03), fixed_objects(few, scenes)  # compiles
    start = time.process_time()
    fixed = fixed_objects(detections, scenes)
    middle = time.process_time()
    found = events(detections, pairs, scenes, 0.03)
    end = time.process_time()
    n_fixed = len(set(fixed["object_id"]))
    assert n_fixed >= 0.95 * OBJECTS
    with capsys.disabled():
        print(
            f"\n{len(detections):,} detections of {PASSES} passes: {n_fixed:,} fixed objects of"
            f" {OBJECTS:,} in {middle - start:.1f} CPU s; {len(found['event_id']):,} events in"
            f" {end - middle:.1f} CPU s"
        )
