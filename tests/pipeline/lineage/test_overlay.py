"""Rules and files of the overlay, on scenes of which only tables exist."""

import itertools
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea.lineage import overlay
from westsea.lineage.commits import by_day, commits, digest
from westsea.objects import open_objects
from westsea.records import SceneKey
from westsea.results import Sweep
from westsea.schema import LINEAGE, Flag
from westsea.store import Store
from westsea.tables import decode
from westsea_catalog.errors import ConfigError, UsageError

BOX = (124.0, 37.0, 125.0, 38.0)
NEXT = (124.0, 36.0, 125.0, 37.0)
EDGE = int(Flag.EDGE)
RULE = overlay.Rule.of({})
METRE = 1 / 110_990
DAY = "2017-10-19"


def told(store, day=DAY):
    """The overlay of a day as rows by table."""
    there = by_day(commits(store.objects))
    found = overlay.compute(store.objects, there, day, RULE)
    return {name.rpartition("/")[2]: rows.to_pylist() for name, rows in found.items()}


def superseded(store):
    return {(row["item_id"], row["duplicate_of"]) for row in told(store)["scenes"]}


def twice(store):
    return {(row["detect_id"], row["duplicate_of"]) for row in told(store)["detections"]}


# One acquisition several times


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"baseline": "02.14"}, {"baseline": "05.00"}),
        ({"baseline": "05.9"}, {"baseline": "05.10"}),
        ({}, {"baseline": "00.01"}),
        ({"baseline": "05.00"}, {"baseline": "05.00", "processed": 1}),
        ({"processed": 1}, {"processed": 2}),
        ({"baseline": "later"}, {"processed": -30_000}),
        ({"collection": "a"}, {"collection": "b"}),
        ({"baseline": "02.14", "processed": 9}, {"baseline": "05.00", "processed": 1}),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_the_newest_product_is_kept(made, old, new, swapped):
    def scene(name, fields):
        days = fields.get("processed")
        when = {} if days is None else {"processed": made.when + timedelta(days=days)}
        return made.scene(name, BOX, [made.hull(124.5, 37.5)], **(fields | when))

    # Names decide only where nothing else does.
    names = "same" if "collection" in old else "z" if swapped else "b"
    kept = names if "collection" in old else "y" if swapped else "c"
    store = made.store(scene(names, old), scene(kept, new))
    assert superseded(store) == {(names, kept)}
    [row] = told(store)["scenes"]
    assert row["kept_collection"] == new.get("collection", "sentinel-1-rtc")
    assert twice(store) == set()


def test_where_nothing_else_tells_the_greater_id_is_kept(made):
    store = made.store(*(made.scene(name, BOX) for name in ("S2A_0", "S2A_1", "S2A_2")))
    assert superseded(store) == {("S2A_0", "S2A_2"), ("S2A_1", "S2A_2")}


@pytest.mark.parametrize(
    "other",
    [
        {"platform": "sentinel-1b"},
        {"when": timedelta(minutes=90)},
        {"bands": ("B08",)},
        {"box": (124.1, 37.0, 125.1, 38.0)},
        {"box": (130.0, 37.0, 131.0, 38.0)},
    ],
)
def test_other_acquisitions_are_none_of_them(made, other):
    other = {"box": BOX} | other
    when = made.when + other.pop("when", timedelta())
    store = made.store(made.scene("a", BOX), made.scene("b", other.pop("box"), when=when, **other))
    assert superseded(store) == set()


def test_of_an_unknown_platform_nothing_is_known(made):
    hulls = [made.hull(124.5, 37.5)]
    store = made.store(*(made.scene(n, BOX, hulls, platform="unknown") for n in "ab"))
    assert superseded(store) == twice(store) == set()


def test_providers_time_a_pass_by_its_start_or_by_the_tile(made):
    late = made.when + timedelta(minutes=20)
    assert superseded(made.store(made.scene("a", BOX), made.scene("b", BOX, when=late)))


def test_two_granules_of_a_tile_are_no_product_twice(made):
    """A data take ends in the tile, and both items have the tile's outline."""
    hulls = [[made.hull(124.5, 37.8)], [made.hull(124.5, 37.2)]]
    halves = [made.scene(n, BOX, h, km2=(4900.0, 4900.0)) for n, h in zip("ab", hulls, strict=True)]
    store = made.store(*halves)
    assert superseded(store) == twice(store) == set()


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("later", [{"minutes": 3}, {"hours": 2}, {"days": 3}, {"days": 400}])
def test_an_item_that_is_dated_anew_counts_once(made, tmp_path, later, swapped):
    """On the later day, whichever was swept first; and what is written says so."""
    hulls = [made.hull(124.5, 37.5), made.hull(124.503, 37.5)]
    late = made.when.replace(hour=23, minute=59)
    whens = [late, late + timedelta(**later)]
    store = Store.open(tmp_path, made.store().parameters)
    for when in reversed(whens) if swapped else whens:
        store.commit(*made.scene("a", BOX, hulls, [(0, 1)], when=when))
        overlay.refresh(store, [when.date().isoformat()])
    sweep = Sweep(tmp_path)
    for rows, n in ((sweep.scenes(), 1), (sweep.detections(), 2), (sweep.pairs(), 1)):
        assert rows["date"].tolist() == [whens[1].date().isoformat()] * n
    assert sweep.detections()["detect_id"].is_unique
    assert sweep.scenes("keep")["duplicate_of"].fillna("").tolist() == ["a", ""]
    assert sweep.detections("keep")["duplicate_of"].fillna("").tolist() == ["a", "a", "", ""]
    assert "1 scenes, 2 detections, 1 pairs" in repr(sweep)
    there = by_day(commits(store.objects))
    assert overlay.written(store.objects, DAY, there) is not None


def test_dated_anew_to_several_days(made, tmp_path):
    """Newer products go before later days."""
    store = Store.open(tmp_path, made.store().parameters)
    for days, baseline in ((0, "05.00"), (5, "05.10"), (9, "05.00")):
        when = made.when + timedelta(days=days)
        store.commit(*made.scene("a", BOX, when=when, baseline=baseline))
    assert Sweep(tmp_path).scenes()["date"].tolist() == ["2017-10-24"]


def test_what_is_dated_elsewhere_takes_no_part(made, tmp_path):
    """Neither as the newer product, nor by its hulls; nor does a namesake of other collections."""
    hulls = [made.hull(124.5, 37.05)]
    store = Store.open(tmp_path, made.store().parameters)
    store.commit(*made.scene("a", BOX, hulls))
    store.commit(*made.scene("z", BOX, hulls))
    store.commit(*made.scene("next", (124.0, 36.0, 125.0, 37.3), hulls))
    store.commit(*made.scene("z", BOX, hulls, collection="b", when=made.when - timedelta(days=9)))
    overlay.refresh(store, [DAY])
    assert Sweep(tmp_path).scenes()["item_id"].tolist() == ["z", "next", "z"]
    assert len(Sweep(tmp_path).detections()) == 2
    # Of one pass on the next day, whose newer product lies beyond the days around DAY.
    when = made.when + timedelta(days=1, hours=2, minutes=20)
    store.commit(*made.scene("z", BOX, hulls, when=when))
    store.commit(*made.scene("last", BOX, hulls, when=when - timedelta(minutes=40)))
    assert superseded(store) == {("z", "z")}
    kept = Sweep(tmp_path).scenes()[["item_id", "date"]].to_numpy().tolist()
    assert kept == [["z", "2017-10-10"], ["a", DAY], ["next", DAY], ["z", "2017-10-21"]]


# The same hulls in several scenes


def overlapping(made, one, two, **more):
    """Two scenes that share 30 km."""
    return made.store(
        made.scene("a", (124.0, 37.0, 125.0, 38.0), one, **more),
        made.scene("b", (124.0, 36.0, 125.0, 37.3), two, **more),
    )


def test_the_hull_farther_from_the_end_is_kept(made):
    lats = (37.05, 37.25)
    hulls = [made.hull(124.5, lat) for lat in lats]
    assert twice(overlapping(made, hulls, hulls)) == {
        ("sentinel-1-rtc/a/0", "sentinel-1-rtc/b/0"),
        ("sentinel-1-rtc/b/1", "sentinel-1-rtc/a/1"),
    }


def test_a_hull_at_no_edge_is_kept(made):
    one, two = made.hull(124.5, 37.25, flags=EDGE), made.hull(124.5, 37.25)
    assert twice(overlapping(made, [one], [two])) == {("sentinel-1-rtc/a/0", "sentinel-1-rtc/b/0")}


@pytest.mark.parametrize(
    ("north_m", "length", "is_same"),
    [
        (0, 100, True),
        (24, 110, True),
        (27, 100, False),
        (24, 50, False),
        (10, 30, True),  # it overlaps the other, of which it must be a piece
    ],
)
def test_the_same_hull_lies_there_and_is_as_long(made, north_m, length, is_same):
    one = made.hull(124.5, 37.2, heading=90.0)
    two = made.hull(124.5, 37.2 + north_m * METRE, length=float(length), heading=90.0)
    assert bool(twice(overlapping(made, [one], [two]))) == is_same


def test_two_abreast_are_two_in_both(made):
    """Each is the nearest of its own, though both lie within the error of both."""
    one = [made.hull(124.5, 37.2), made.hull(124.5 + 24 * METRE, 37.2)]
    two = [made.hull(each.lon - 7 * METRE, each.lat) for each in one]
    assert {(a[-3:], b[-3:]) for a, b in twice(overlapping(made, one, two))} in (
        {("a/0", "b/0"), ("a/1", "b/1")},
        {("b/0", "a/0"), ("b/1", "a/1")},
    )


def test_one_blob_of_one_scene_is_two_of_another(made):
    blob = [made.hull(124.5, 37.1, length=150.0)]
    both = [made.hull(124.5 + east * METRE, 37.1, length=140.0) for east in (-12.0, 12.0)]
    # The second scene is kept here, 20 km from its end.
    [(dropped, kept)] = twice(overlapping(made, blob, both))
    assert dropped == "sentinel-1-rtc/a/0"
    assert kept in ("sentinel-1-rtc/b/0", "sentinel-1-rtc/b/1")
    assert twice(overlapping(made, both, blob)) == {
        (f"sentinel-1-rtc/a/{k}", "sentinel-1-rtc/b/0") for k in range(2)
    }


def test_pairs_of_the_same_hulls_are_one(made):
    hulls = [made.hull(124.5, 37.1), made.hull(124.5, 37.102)]
    store = made.store(
        made.scene("a", BOX, hulls, [(0, 1)]),
        made.scene("b", (124.0, 36.0, 125.0, 37.3), hulls[::-1], [(1, 0), (0, 0)]),
    )
    found = told(store)
    assert len(found["pairs"]) == 1  # a blob's own has no like in the other
    assert found["across"] == []
    assert len(found["detections"]) == 2


def test_a_pair_names_the_hulls_that_are_kept(made, tmp_path):
    """Of a pair amid an overlap, one hull is kept of either scene."""
    middle = 37.15
    hulls = [made.hull(124.5, middle - 0.0009), made.hull(124.5, middle + 0.0009)]
    boxes = {"a": (124.0, 37.0, 125.0, 38.0), "b": (124.0, 36.0, 125.0, 37.3)}
    store = Store.open(tmp_path, made.store().parameters)
    for name, box in boxes.items():
        store.commit(*made.scene(name, box, hulls, [(0, 1)]))
    sweep = Sweep(tmp_path)
    kept = set(sweep.detections()["detect_id"])
    assert kept == {"sentinel-1-rtc/b/0", "sentinel-1-rtc/a/1"}
    [pair] = sweep.pairs().itertuples()
    assert {pair.detect_id_1, pair.detect_id_2} == kept
    assert len(sweep.pairs("keep")) == 2
    assert repr(sweep).endswith("2 scenes, 2 detections, 1 pairs, 0 refused, 0 failed)")


# Pairs across


def test_a_pair_that_no_scene_holds_is_found(made):
    north, south = made.hull(124.5, 37.001, length=90.0), made.hull(124.5, 36.9985, length=120.0)
    store = made.store(made.scene("a", BOX, [north]), made.scene("b", NEXT, [south]))
    [pair] = told(store)["across"]
    assert (pair["detect_id_1"], pair["detect_id_2"]) == (
        "sentinel-1-rtc/b/0",
        "sentinel-1-rtc/a/0",
    )
    assert (pair["collection"], pair["item_id"]) == ("sentinel-1-rtc", "b")
    assert pair["kind"] == "close"
    assert pair["gap_m"] == pytest.approx(0.0025 / METRE - 105.0, rel=0.01)
    assert told(store)["detections"] == []


@pytest.mark.parametrize("change", [{"platform": "sentinel-1c"}, {"when": timedelta(days=1)}])
def test_hulls_of_two_passes_are_no_pair(made, change):
    when = made.when + change.pop("when", timedelta())
    store = made.store(
        made.scene("a", BOX, [made.hull(124.5, 37.001)]),
        made.scene("b", NEXT, [made.hull(124.5, 36.9985)], when=when, **change),
    )
    assert told(store)["across"] == []


def test_a_scene_that_shows_both_decides_that_they_are_no_pair(made):
    hulls = [made.hull(124.5, 37.001), made.hull(124.5, 36.9985)]
    wide = made.scene("c", (124.0, 36.9, 125.0, 37.1), hulls)
    store = made.store(made.scene("a", BOX, hulls[:1]), made.scene("b", NEXT, hulls[1:]), wide)
    assert told(store)["across"] == []


def test_pairs_across_stay_within_the_area_of_interest(made):
    north, south = made.hull(124.5, 37.001), made.hull(124.5, 36.9985)
    store = made.store(made.scene("a", BOX, [north]), made.scene("b", NEXT, [south]))
    there = by_day(commits(store.objects))
    for west, n in ((124.4, 1), (124.6, 0)):
        ring = [[west, 36.5], [125.0, 36.5], [125.0, 37.5], [west, 37.5], [west, 36.5]]
        rule = overlay.Rule.of({"aoi": {"type": "Polygon", "coordinates": [ring]}, "detector": {}})
        found = overlay.compute(store.objects, there, DAY, rule)
        assert len(found["lineage/across"]) == n


def test_scenes_without_hulls_tell_nothing(made):
    store = made.store(
        made.scene("a", BOX),
        made.scene("b", NEXT, [made.hull(124.5, 36.999)]),
        made.scene("c", NEXT),
    )
    found = told(store)
    assert superseded(store) == {("b", "c")}
    assert found["detections"] == found["pairs"] == found["across"] == []


# Laws


@st.composite
def passes(draw):
    """Scenes of one pass that show the same sea of ships, each with errors of its own."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ships = np.column_stack([rng.uniform(124.4, 124.43, 25), rng.uniform(36.97, 37.03, 25)])
    scenes = []
    for k in range(draw(st.integers(2, 4))):
        south = draw(st.sampled_from([36.0, 36.9, 36.99, 37.0]))
        north = draw(st.sampled_from([36.995, 37.0, 37.01, 37.2]))
        box = (124.0, min(south, north - 0.01), 125.0, north)
        inside = (ships[:, 1] > box[1]) & (ships[:, 1] < box[3]) & (rng.random(25) < 0.9)
        scenes.append((box, ships[inside] + rng.normal(0, 5 * METRE, (inside.sum(), 2)), k))
    return scenes


def stored(made, scenes, names=None):
    names = names or [f"s{k}" for k in range(len(scenes))]

    def hulls(places, seed):
        """No two of one length, for then names decide."""
        for n, (lon, lat) in enumerate(places):
            yield made.hull(lon, lat, length=100.0 + lon * 1e4 % 1.0, name=f"{seed}-{n}")

    return made.store(
        *(
            made.scene(
                names[k],
                box,
                list(hulls(places, seed)),
                pairs_of(places),
                processed=made.when + timedelta(days=seed),
            )
            for k, (box, places, seed) in enumerate(scenes)
        )
    )


def pairs_of(places):
    near = itertools.combinations(range(len(places)), 2)
    return [(i, j) for i, j in near if np.hypot(*(places[i] - places[j])) < 300 * METRE]


def files(store, *days):
    overlay.refresh(store, days or [DAY])
    return {key: data for key, data in store.objects.held.items() if key.startswith("lineage/")}


@given(passes(), st.data())
@settings(max_examples=15, deadline=None)
def test_the_order_of_scenes_and_their_names_decide_nothing(made, scenes, data):
    first = stored(made, scenes)
    shuffled = data.draw(st.permutations(range(len(scenes))))
    again = stored(made, [scenes[k] for k in shuffled], [f"s{k}" for k in shuffled])
    assert files(first) == files(again)
    names = data.draw(st.permutations([f"n{k}" for k in range(len(scenes))]))
    other = told(stored(made, scenes, names))
    for table, rows in told(first).items():
        changed = ("item_id", "duplicate_of") if table == "scenes" else ("item_id",)
        strip = [{k: v for k, v in row.items() if k not in changed} for row in rows]
        others = [{k: v for k, v in row.items() if k not in changed} for row in other[table]]
        assert sorted(map(str, strip)) == sorted(map(str, others))


@given(passes())
@settings(max_examples=15, deadline=None)
def test_what_is_kept_is_kept_and_every_pair_is_there_once(made, scenes):
    found = told(stored(made, scenes))
    for table in ("detections", "pairs"):
        in_place = {row[next(iter(row))]: row["duplicate_of"] for row in found[table]}
        assert not in_place.keys() & set(in_place.values())
    dropped = {row["detect_id"] for row in found["detections"]}
    ends = [frozenset((row["detect_id_1"], row["detect_id_2"])) for row in found["across"]]
    assert len(set(ends)) == len(ends)
    assert not dropped & frozenset().union(*ends)


@given(passes(), st.data())
@settings(max_examples=15, deadline=None)
def test_an_older_product_changes_nothing_else(made, scenes, data):
    before = told(stored(made, scenes))
    box, places, _ = data.draw(st.sampled_from(scenes))
    moved = places + data.draw(st.sampled_from([0.0, 30 * METRE, 0.01]))
    after = told(stored(made, [*scenes, (box, moved, -1)]))
    assert {name: rows for name, rows in after.items() if name != "scenes"} == {
        name: rows for name, rows in before.items() if name != "scenes"
    }
    assert len(after["scenes"]) == len(before["scenes"]) + 1


# Files


def test_it_is_written_once(made):
    store = made.store(made.scene("a", BOX), made.scene("b", BOX))
    assert len(files(store)) == len(LINEAGE)
    store.objects.n_put = 0
    assert len(files(store)) == len(LINEAGE)
    assert store.objects.n_put == 0


def test_where_nothing_is_told_nothing_is_written(made):
    store = made.store(made.scene("a", BOX), made.scene("b", NEXT))
    assert files(store) == {}
    # Unless something stands there, of scenes that somebody has removed.
    store.objects.held[f"lineage/scenes/date={DAY}/part.parquet"] = b"of old"
    found = files(store)
    assert [len(decode(data)) for data in found.values()] == [0] * len(LINEAGE)


def test_only_touched_days_are_computed(made, monkeypatch):
    scenes = [made.scene(f"{n}{k}", BOX, when=made.when + timedelta(days=n))
              for n in range(6) for k in range(2)]  # fmt: skip
    store, computed = made.store(*scenes), []
    compute = overlay.compute
    monkeypatch.setattr(
        overlay, "compute", lambda *args: computed.append(args[2]) or compute(*args)
    )
    files(store, "2017-10-19")
    assert computed == ["2017-10-19", "2017-10-20"]
    files(store, "2017-10-22")
    assert computed[2:] == ["2017-10-21", "2017-10-22", "2017-10-23"]


def test_midnight_is_no_edge(made):
    """Each day tells what it has of its own."""
    late = made.when.replace(hour=23, minute=59)
    store = made.store(made.scene("a", BOX, when=late, baseline="1"))
    assert files(store) == {}
    store.commit(*made.scene("b", BOX, when=late + timedelta(minutes=2), baseline="2"))
    assert {key.split("date=")[1][:10] for key in files(store)} == {DAY}
    assert superseded(store) == {("a", "b")}
    assert told(store, "2017-10-20")["scenes"] == []


def test_who_writes_last_has_seen_all_commits(made, monkeypatch):
    """While one computes, another commits a scene; and then a slow one writes what is old."""
    store = made.store(made.scene("a", BOX), made.scene("b", BOX))
    late = [made.scene("c", BOX), made.scene("d", BOX)]
    compute = overlay.compute

    def slow(*args):
        found = compute(*args)
        if late:
            store.commit(*late.pop())
        return found

    monkeypatch.setattr(overlay, "compute", slow)
    assert files(store) == files(made.store(*(made.scene(name, BOX) for name in "abcd")))
    there = by_day(commits(store.objects))
    assert overlay.written(store.objects, DAY, there) is not None


def test_in_a_bucket_as_in_a_folder(made, tmp_path, s3_out):
    for out in (tmp_path / "out", s3_out):
        store = Store.open(out, made.store().parameters)
        for name in "ab":
            store.commit(*made.scene(name, BOX))
        overlay.refresh(store, [DAY])
    here, there = open_objects(tmp_path / "out"), open_objects(s3_out)
    keys = list(here.list("lineage"))
    assert len(keys) == 4
    assert list(there.list("lineage")) == keys
    assert [there.get(key) for key in keys] == [here.get(key) for key in keys]
    assert Sweep(s3_out).scenes()["item_id"].tolist() == ["b"]


@pytest.mark.parametrize("damage", ["stale", "cut", "gone", "foreign"])
def test_what_is_written_is_not_believed_unless_it_rests_on_what_is_there(made, tmp_path, damage):
    store = Store.open(tmp_path, made.store().parameters)
    for name in "ab":
        store.commit(*made.scene(name, BOX))
    overlay.refresh(store, [DAY])
    path = tmp_path / f"lineage/scenes/date={DAY}/part.parquet"
    assert Sweep(tmp_path).scenes()["item_id"].tolist() == ["b"]
    if damage == "stale":
        store.commit(*made.scene("c", BOX))
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"PAR1" if damage == "foreign" else path.read_bytes()[:-9])
    kept = "c" if damage == "stale" else "b"
    assert Sweep(tmp_path).scenes()["item_id"].tolist() == [kept]
    overlay.refresh(store, [DAY])
    there = by_day(commits(store.objects))
    found = decode(path.read_bytes())
    assert found.schema.metadata[b"commits"].decode() == digest(DAY, there)
    assert set(found["duplicate_of"].to_pylist()) == {kept}


def test_duplicates_can_be_kept(made, tmp_path):
    hulls = [made.hull(124.5, 37.1), made.hull(124.6, 37.9)]
    store = Store.open(tmp_path, made.store().parameters)
    store.commit(*made.scene("old", BOX, hulls, baseline="1"))
    store.commit(*made.scene("new", BOX, hulls, baseline="2"))
    store.commit(*made.scene("next", (124.0, 36.0, 125.0, 37.12), hulls[:1]))
    sweep = Sweep(tmp_path)
    assert sweep.scenes()["item_id"].tolist() == ["new", "next"]
    assert "duplicate_of" not in sweep.scenes()
    assert sweep.scenes("keep")["duplicate_of"].fillna("").tolist() == ["", "", "new"]
    found = sweep.detections("keep").set_index("detect_id")["duplicate_of"].fillna("").to_dict()
    assert found == {
        "sentinel-1-rtc/new/0": "",
        "sentinel-1-rtc/new/1": "",
        "sentinel-1-rtc/next/0": "sentinel-1-rtc/new/0",
        "sentinel-1-rtc/old/0": "new",
        "sentinel-1-rtc/old/1": "new",
    }
    assert len(sweep.detections()) == 2
    with pytest.raises(UsageError, match=r'"drop" or "keep"'):
        sweep.pairs("both")


def test_a_damaged_scene_is_told(made):
    store = made.store(made.scene("a", BOX), made.scene("b", NEXT))
    key = SceneKey("sentinel-1-rtc", "b", made.when.date(), "")
    store.objects.held[key.table("scenes")] = b"PAR1"
    with pytest.raises(ConfigError, match=r"scenes/.*damaged"):
        overlay.refresh(store, [DAY])
