"""Looks of several passes at one blob are joined, and weighed together.

`logits.json` holds 101 quantiles of the logits at equal shares of what ships, for single hulls and
for ships alongside, in radar (VV+VH) and optical scenes: those of the blobs of `westsea bench
pairs` that nothing was fitted on. Looks at one blob are drawn with the correlations measured there.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from westsea.evidence.events import CORRELATION, events, fused, linked
from westsea.evidence.fixed import fixed_objects, with_fixed
from westsea.over_time import link, persist
from westsea.results import Sweep
from westsea.schema import DETECTIONS, EVENTS, Flag

LOGITS = json.loads(Path(__file__).with_name("logits.json").read_text())
MEASURED = {False: 0.30, True: 0.41}
PRIOR = 0.03
NO_PAIRS = pd.DataFrame(
    {"kind": [], "flags": np.zeros(0, np.int32), "detect_id_1": [], "detect_id_2": [], "score": []}
)


def drawn(rng, several, sensor, shared):
    """A logit of one look at each of some blobs, by what looks at them have in common."""
    rho = MEASURED[several]
    z = np.sqrt(rho) * shared + np.sqrt(1 - rho) * rng.normal(size=shared.size)
    quantiles = LOGITS[sensor]["several" if several else "one"]
    return np.interp(ndtr(z), np.linspace(0, 1, 101), quantiles)


def spots(months, seed, n, sensors):
    """Months of blobs that `sensors` pass within two days each; every other one is two ships."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(n)))
    scenes = []
    several = np.arange(n) % 2 == 1
    logits = np.zeros((len(sensors), n))
    shared = rng.normal(size=n)
    for k, sensor in enumerate(sensors):
        for group in (False, True):
            at = several == group
            logits[k, at] = drawn(rng, group, sensor, shared[at])
        when = datetime(2024, 3, 1, 9, 40, tzinfo=UTC) + timedelta(hours=12.1 * k)
        platform = "sentinel-1a" if sensor == "radar" else "sentinel-2a"
        look = months.Look(f"{sensor}{k}", when, platform, "ascending", sensor == "radar", 6000)
        for i in range(n):
            lon = months.WEST + 0.8 * (i % side + 0.5) / side
            lat = months.SOUTH + 0.8 * (i // side + 0.5) / side
            p = 1 / (1 + np.exp(-(logits[k, i] + np.log(PRIOR / (1 - PRIOR)))))
            look.rows.append(
                {
                    "lon": lon + rng.normal(0, 40) / 88_000,
                    "lat": lat + rng.normal(0, 40) / months.DEGREE_M,
                    "length_m": 120.0 + rng.normal(0, 12),
                    "length_sd_m": 12.0,
                    "p_alongside": p,
                    "thing": i,
                }
            )
        scenes.append(look)
    return (*months.frames(scenes), logits, several)


def rates(logit, several):
    """TPR at 1 and 5 % of single hulls."""
    one = np.sort(logit[~several])[::-1]
    return [float((logit[several] > one[int(rate * one.size)]).mean()) for rate in (0.01, 0.05)]


@pytest.mark.parametrize(
    ("sensors", "wanted"),
    [
        (("radar",) * 2, (0.27, 0.46)),
        (("radar",) * 3, (0.27, 0.50)),
        (("radar", "optical"), (0.5, 0.8)),
    ],
)
def test_events_reach_what_fused_looks_can(months, sensors, wanted):
    detections, scenes, logits, several = spots(months, 7, 4900, sensors)
    looks, event = linked(detections, NO_PAIRS, scenes, PRIOR)
    whole = np.bincount(event) == len(sensors)
    assert whole.sum() > 0.99 * 4900
    thing = detections["thing"].to_numpy()[looks.rows]
    first = pd.Series(thing).groupby(event).first().to_numpy()
    assert (pd.Series(thing).groupby(event).nunique() == 1).all()
    together = rates(fused(looks.logit, event)[whole], several[first[whole]])
    print(f"{' and '.join(sensors)}: TPR {together[0]:.3f} at 1 %, {together[1]:.3f} at 5 %")
    assert together[0] >= wanted[0]
    assert together[1] >= wanted[1]
    alone = rates(logits[0], several)
    assert together[1] > alone[1] + 0.05
    assert alone[1] == pytest.approx(0.43, abs=0.03)


def test_single_looks_keep_their_probability(months):
    detections, scenes, _, _ = spots(months, 1, 100, ("radar",))
    found = pd.DataFrame(events(detections, NO_PAIRS, scenes, PRIOR))
    assert len(found) > 5
    own = detections.set_index("detect_id")["p_alongside"]
    names = [ids[0] for ids in found["detect_ids"]]
    np.testing.assert_allclose(found["p_alongside"], own[names], rtol=1e-9)
    assert set(found["n_passes"]) == {1}


def test_a_single_radar_look_is_never_confirmed(months):
    for sensors, confirmed in ((("radar",), False), (("optical",), True), (("radar",) * 2, True)):
        detections, scenes, _, _ = spots(months, 2, 16, sensors)
        detections["p_alongside"] = 0.9999
        found = pd.DataFrame(events(detections, NO_PAIRS, scenes, PRIOR))
        assert len(found) == 16
        assert (found["is_confirmed"] == confirmed).all()
        assert (found["n_radar"] + found["n_optical"] == len(sensors)).all()


@given(st.lists(st.floats(-8, 8), min_size=1, max_size=6), st.randoms())
def test_fusing(logits, random):
    event = np.zeros(len(logits), np.int64)
    value = fused(np.array(logits), event)[0]
    random.shuffle(logits)
    assert fused(np.array(logits), event)[0] == pytest.approx(value, abs=1e-9)
    assert abs(value) <= abs(sum(logits)) + 1e-9
    if len(logits) == 1:
        assert value == logits[0]
    same = np.full(len(logits), 2.0)
    assert 2.0 <= fused(same, event)[0] <= 2.0 / CORRELATION


def test_two_passes_weigh_as_the_bench_does():
    assert fused(np.array([1.0, 2.0]), np.zeros(2, np.int64))[0] == pytest.approx(0.7 * 3.0)


def two(months, **other):
    """Two looks at one spot, the second with something else about it."""
    detections, scenes, _, _ = spots(months, 3, 1, ("radar", "radar"))
    detections = detections.sort_values("datetime", ignore_index=True)
    detections[["lon", "lat", "length_m"]] = [124.0, 37.5, 100.0]
    for name, value in other.items():
        detections.loc[1, name] = value
    return detections, scenes


@pytest.mark.parametrize(
    ("other", "n"),
    [
        ({}, 1),
        ({"lat": 37.5015}, 1),
        ({"lat": 37.503}, 2),
        ({"length_m": 240.0}, 2),
        ({"flags": int(Flag.FIXED_OBJECT)}, 1),
        ({"p_alongside": np.nan}, 1),
    ],
)
def test_what_is_one_spot(months, other, n):
    looks, event = linked(*two(months, **other)[:1], NO_PAIRS, two(months)[1], PRIOR)
    assert len(np.unique(event)) == n
    assert looks.rows.size == (1 if {"flags", "p_alongside"} & other.keys() else 2)


def test_days_apart_are_two_events(months):
    detections, scenes = two(months)
    for days, n in ((2.9, 1), (3.1, 2)):
        late = detections["datetime"].iloc[0] + timedelta(days=days)
        detections.loc[1, "datetime"] = late
        scenes.loc[scenes["item_id"] == detections["item_id"].iloc[1], "datetime"] = late
        assert len(np.unique(linked(detections, NO_PAIRS, scenes, PRIOR)[1])) == n


def test_a_pair_of_two_blobs_is_one_look_at_its_score(months):
    detections, scenes, _, _ = spots(months, 3, 2, ("radar",))
    first, second = detections["detect_id"]
    pairs = pd.DataFrame(
        {"kind": ["alongside"], "flags": np.zeros(1, np.int32), "detect_id_1": [first]}
        | {"detect_id_2": [second], "score": [0.8]}
    )
    detections["p_alongside"] = np.nan
    found = pd.DataFrame(events(detections, pairs, scenes, PRIOR))
    assert found["detect_ids"].tolist() == [[first]]
    assert found["p_alongside"].tolist() == pytest.approx([0.8])


def test_platforms_make_no_events(months):
    rng = np.random.default_rng(5)
    stands, scenes = months.platforms(rng, 20), months.looks(130, rng)
    for look in scenes:
        months.see(look, stands, rng)
    detections, seen = months.frames(scenes)
    detections["p_alongside"] = 0.5
    before = len(events(detections, NO_PAIRS, seen, PRIOR)["event_id"])
    fixed = frozenset(fixed_objects(detections, seen)["detect_id"])
    detections = with_fixed(DETECTIONS, detections, fixed)
    after = len(events(detections, NO_PAIRS, seen, PRIOR)["event_id"])
    assert before > 100
    assert after < 0.1 * before


def test_nothing_is_an_overlay_too(made, monkeypatch, cli):
    store = made.store(made.scene("s", (124, 38, 125, 39), [made.hull(124.5, 38.5)]))
    for module in ("results", "over_time"):
        monkeypatch.setattr(f"westsea.{module}.open_objects", lambda _: store.objects)
    assert len(Sweep("memory").events()) == 0
    persist("memory")
    found = link("memory")
    assert isinstance(found, gpd.GeoDataFrame)
    assert [name for name in EVENTS.names if name != "bbox"] == list(found.columns)
    done = cli("link", "memory")
    assert (done.code, done.out.splitlines()[0].split("\t")[0]) == (0, "event_id")
    assert "0 events" in done.err
