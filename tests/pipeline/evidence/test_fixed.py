"""Platforms are fixed objects; berths where ships take turns are not."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from westsea.evidence.fixed import fixed_objects
from westsea.evidence.places import near
from westsea.over_time import persist
from westsea.results import Sweep
from westsea.schema import FIXED, Flag
from westsea_catalog.errors import ConfigError


def a_sea(months, seed, days=130, n_platforms=60, n_berths=60, n_ships=40):
    rng = np.random.default_rng(seed)
    stands, berths = months.platforms(rng, n_platforms), months.berths(rng, n_berths)
    scenes = months.looks(days, rng)
    for look in scenes:
        passing = [months.ship(rng, *months.place(rng), "passing") for _ in range(n_ships)]
        months.see(look, [*stands, *months.at_berths(rng, berths), *passing], rng)
    return months.frames(scenes)


@pytest.mark.parametrize("seed", range(4))
def test_platforms_are_fixed_and_no_berth_is_lost(months, seed):
    detections, scenes = a_sea(months, seed)
    fixed = pd.DataFrame(fixed_objects(detections, scenes))
    things = detections.set_index("detect_id")["thing"]
    found = set(things[fixed["detect_id"]])
    named = {name for name in things if name.startswith("platform")}
    assert len(named & found) >= 0.95 * 60
    # A ship that passes within 30 m, and is as long, may be taken for it.
    assert not {name for name in found if name.startswith("berth")}
    n_things = fixed.groupby("object_id")["detect_id"].agg(lambda ids: things[ids].nunique())
    assert (n_things > 1).sum() <= 2
    # Most of a platform's detections are flagged, those that lie far off are not.
    share = things[fixed["detect_id"]].value_counts() / things.value_counts()
    assert share[list(named & found)].median() > 0.9
    assert (fixed["n_found"] <= fixed["n_seen"]).all()


def test_too_few_passes_or_days_tell_nothing(months):
    detections, scenes = a_sea(months, 1, days=80)
    assert len(fixed_objects(detections, scenes)["detect_id"]) == 0
    some = scenes["item_id"].isin(scenes["item_id"].iloc[::6])
    kept = detections["item_id"].isin(scenes["item_id"][some])
    assert len(fixed_objects(detections[kept], scenes[some])["detect_id"]) == 0


@pytest.mark.parametrize(("last_length", "n_fixed"), [(60.0, 8), (180.0, 0)])
def test_what_is_something_else_does_not_count(months, last_length, n_fixed):
    """A ship for 80 days, and then a longer one, are not one thing for 90 days."""
    rng = np.random.default_rng(5)
    looks = [look for look in months.looks(160, rng) if look.platform == "sentinel-1a"]
    looks = [look for look in looks if look.orbit == "ascending"][:12]
    for k, look in enumerate(looks):
        look.rows.clear()
        length = 60.0 if k < 7 else last_length
        if k < 7 or k == 11:
            hull = {"lon": 123.5, "lat": 37.5, "length_m": length, "length_sd_m": 8.0}
            hull |= {"width_m": 30.0, "heading_deg": 0.0, "heading_sd_deg": 20.0, "thing": "hull"}
            look.rows.append(hull)
    assert len(fixed_objects(*months.frames(looks))["detect_id"]) == n_fixed


def test_the_order_of_rows_changes_nothing(months):
    detections, scenes = a_sea(months, 2, n_platforms=20, n_berths=10)
    one = pd.DataFrame(fixed_objects(detections, scenes)).sort_values("detect_id")
    two = fixed_objects(detections.sample(frac=1, random_state=1), scenes.iloc[::-1])
    two = pd.DataFrame(two).sort_values("detect_id")
    pd.testing.assert_frame_equal(one.reset_index(drop=True), two.reset_index(drop=True))


def test_near_is_what_all_distances_say():
    rng = np.random.default_rng(3)
    lon, lat = 179.999 + rng.uniform(0, 2e-3, 60), 40 + rng.uniform(0, 2e-3, 60)
    lon = (lon + 180) % 360 - 180
    first, second = near(lon, lat, 30.0)
    east = ((lon[:, None] - lon + 180) % 360 - 180) * 111_320 * np.cos(np.deg2rad(40.001))
    distance = np.hypot(east, (lat[:, None] - lat) * 111_035)
    wanted = {(i, j) for i, j in np.argwhere(np.triu(distance <= 29.9, 1)).tolist()}
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    assert wanted <= found
    assert all(distance[i, j] < 30.1 for i, j in found)


@pytest.fixture
def swept(made):
    """Results of ten passes over one platform with a ship beside it, and a lone ship elsewhere."""
    scenes = []
    for k in range(10):
        when = datetime(2024, 1, 1, 9, 40, tzinfo=UTC) + timedelta(days=12 * k)
        hulls = [
            made.hull(124.5, 38.5, length=40.0),
            made.hull(124.505, 38.5 + 0.01 * k, length=80.0 + 20 * k),
        ]
        pairs = [(0, 1)] if k == 0 else []
        scenes.append(made.scene(f"s{k}", (124, 38, 125, 39), hulls, pairs, when=when))
    return made.store(*scenes)


def test_persist_is_joined(swept, monkeypatch, cli):
    for module in ("results", "over_time"):
        monkeypatch.setattr(f"westsea.{module}.open_objects", lambda _: swept.objects)
    before = dict(swept.objects.held)
    [row] = persist("memory").to_dict("records")
    assert (row["n_found"], row["n_seen"], row["length_m"]) == (10, 10, 40.0)
    assert row["lon"] == pytest.approx(124.5)
    assert {key for key in swept.objects.held if key not in before} == {"persist/part.parquet"}
    sweep = Sweep("memory")
    flagged = sweep.detections()["flags"] & int(Flag.FIXED_OBJECT) != 0
    assert (flagged == (sweep.detections()["length_m"] == 40.0)).all()
    assert (sweep.pairs()["flags"] & int(Flag.FIXED_OBJECT) != 0).all()
    first = swept.objects.held["persist/part.parquet"]
    persist("memory")
    assert swept.objects.held["persist/part.parquet"] == first
    done = cli("persist", "memory")
    assert done.code == 0
    assert "1 fixed object" in done.err
    assert done.out.splitlines()[0].split("\t")[:3] == ["object_id", "lon", "lat"]
    swept.objects.put("persist/part.parquet", b"PAR1")
    with pytest.raises(ConfigError, match="westsea persist anew"):
        Sweep("memory").pairs()


def test_nothing_fixed_is_an_overlay_too(made, monkeypatch):
    store = made.store(made.scene("s", (124, 38, 125, 39), [made.hull(124.5, 38.5)]))
    for module in ("results", "over_time"):
        monkeypatch.setattr(f"westsea.{module}.open_objects", lambda _: store.objects)
    assert list(persist("memory").columns) == list(FIXED.names[1:])
    assert (Sweep("memory").detections()["flags"] == 0).all()
