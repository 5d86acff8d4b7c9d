"""What never moves: how long it takes to find among a million detections, and what berths it costs.

make bench ARGS=tests/bench/test_evidence.py
"""

import importlib.util
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from westsea.evidence.events import events
from westsea.evidence.fixed import fixed_objects

pytestmark = pytest.mark.bench

FRESH = range(730_101, 730_121)
"""Seeds of seas that nothing was chosen by."""
HARD = range(730_201, 730_206)
DAYS, PLACES = 130, 60
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


@pytest.fixture(scope="module")
def months():
    path = Path(__file__).parents[1] / "pipeline/evidence/months.py"
    spec = importlib.util.spec_from_file_location("months", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["months"] = module
    spec.loader.exec_module(module)
    return module


def flagged(found, scenes):
    """Number of places of each kind that have a detection flagged."""
    fixed = fixed_objects(found, scenes)["detect_id"]
    places = found.set_index("detect_id").loc[fixed, "thing"].str.partition("/")[0].unique()
    return Counter(name.rstrip("0123456789") for name in places)


def test_platforms_fixed_and_berths_lost(months, capsys):
    """The seas of the tests, on seeds that are theirs alone."""
    total = Counter()
    for seed in FRESH:
        rng = np.random.default_rng(seed)
        stands, berths = months.platforms(rng, PLACES), months.berths(rng, PLACES)
        looks = months.looks(DAYS, rng)
        for look in looks:
            passing = [months.ship(rng, *months.place(rng), "passing") for _ in range(40)]
            months.see(look, [*stands, *months.at_berths(rng, berths), *passing], rng)
        one = flagged(*months.frames(looks))
        total += one
        with capsys.disabled():
            print(f"\nseed {seed}: {one['platform']} of {PLACES} platforms fixed,", end=" ")
            print(f"{one['berth']} of {PLACES} berths lost", end="")
    n = PLACES * len(FRESH)
    with capsys.disabled():
        print(f"\nall: {total['platform']} of {n} platforms, {total['berth']} of {n} berths lost")
    assert total["platform"] >= 0.95 * n
    assert total["berth"] == 0


def a_hard_sea(months, seed, spread, stay_days):
    """Berths whose ships are of one length but for a share, and stay for some days on average."""
    rng = np.random.default_rng(seed)
    stands, berths = months.platforms(rng, PLACES), months.berths(rng, PLACES)
    usual = rng.uniform(60, 240, PLACES)
    looks = months.looks(DAYS, rng)
    there = {}
    for look in looks:
        for k, berth in enumerate(berths):
            if k in there and look.when < there[k][1]:
                continue
            [ship] = months.at_berths(rng, [berth]) or [None]
            if ship is not None:
                length = usual[k] * np.exp(rng.normal(0, spread)) if spread else ship.length
                name = f"{ship.name}/{look.name}"
                ship = replace(ship, length=length, width=length / 6, name=name)
            there[k] = ship, look.when + timedelta(days=rng.exponential(stay_days))
        lying = [ship for ship, _ in there.values() if ship is not None]
        months.see(look, [*stands, *lying], rng)
    return months.frames(looks)


def test_berths_that_look_like_one_thing(months, capsys):
    """What is lost where ships at a berth are alike, or stay for weeks: asserted is nothing."""
    n = PLACES * len(HARD)
    for spread in (None, 0.4, 0.2, 0.1):
        for stay_days in (0.0, 5.0, 15.0, 30.0):
            found = [flagged(*a_hard_sea(months, seed, spread, stay_days)) for seed in HARD]
            total = sum(found, Counter())
            alike = f"alike to {spread:.0%}" if spread else "of 50 to 250 m"
            with capsys.disabled():
                print(
                    f"\nships {alike}, {stay_days:.0f} days each: {total['platform']} of {n}",
                    end="",
                )
                print(f" platforms fixed, {total['berth']} of {n} berths lost", end="")
