"""The overlay: what is there twice, and the pairs that no scene holds, day by day.

A day's files are computed from the committed tables of that day and its neighbours alone, and of
the same items on other days, and name in their metadata which scenes those were. So the same scenes
give the same bytes, whoever wrote them when; and a reader who finds that a file rests on other
scenes than are there computes anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from shapely.geometry.base import BaseGeometry

from westsea.detector import Detector
from westsea.lineage.across import pairs_across
from westsea.lineage.commits import (
    ByDay,
    Commit,
    around,
    base,
    by_day,
    commits,
    dated_anew,
    digest,
    rows,
)
from westsea.lineage.held import Held, same_pairs
from westsea.lineage.matches import Seen, match
from westsea.lineage.passes import Acquired, groups, neighbours, newest, superseded
from westsea.objects import Objects, side_by_side
from westsea.schema import (
    DETECTIONS,
    LINEAGE,
    LINEAGE_ACROSS,
    LINEAGE_DETECTIONS,
    LINEAGE_PAIRS,
    LINEAGE_SCENES,
    PAIRS,
    SCENES,
    Table,
)
from westsea.store import Store
from westsea.tables import BBOX, Values, build, decode, encode

COMMITS = "commits"
"""Name of a file's metadata that says which scenes it rests on."""
ROUNDS = 8
"""Of writing while others commit; who commits last writes last."""

Overlay = Mapping[str, pa.Table]
"""The tables of LINEAGE of a day, by name."""
Rows = dict[str, list[dict[str, Values]]]
"""Columns of rows of some tables, by the table's name."""


@dataclass(frozen=True)
class Rule:
    """What the parameters of a sweep say of pairs."""

    detector: Detector
    aoi: BaseGeometry | None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Rule":
        """Of the parameters as OUT/sweep.json has them."""
        known, aoi = Detector.__dataclass_fields__, parameters.get("aoi")
        settings = {k: v for k, v in parameters.get("detector", {}).items() if k in known}
        return cls(Detector(**settings), None if aoi is None else shapely.geometry.shape(aoi))


def refresh(store: Store, days: Iterable[str]) -> None:
    """Write the overlay of some days and their neighbours, unless what is written is right.

    And of the days to which items of these are dated too.

    Others may commit meanwhile, or write what they computed earlier. So everybody looks again
    after writing: whoever writes last has seen what was committed by then, and who commits after
    that writes again.
    """
    objects, rule = store.objects, Rule.of(asdict(store.parameters))
    own = set(days)
    nothing: set[str] = set()  # is told by the scenes of these digests, nor need it be written
    for _ in range(ROUNDS):
        there = by_day(commits(objects))
        told = own.union(*(dated_anew(day, there) for day in own))
        touched = sorted({each for day in told for each in around(day)})
        now = {day: digest(day, there) for day in touched if day in there}
        stale = [d for d in now if now[d] not in nothing and written(objects, d, there) is None]
        if not stale:
            return
        for day in stale:
            overlay, notes = compute(objects, there, day, rule), {COMMITS: now[day]}
            if not any(map(len, overlay.values())) and not _is_there(objects, day):
                nothing.add(now[day])
                continue
            for table in LINEAGE:
                data = encode(table, overlay[table.name], store.parameters.provenance, notes)
                objects.put(_key(table, day), data)


def read(objects: Objects, committed: Iterable[Commit], rule: Rule) -> dict[str, Overlay]:
    """The overlay by day, computed where what is written rests on other scenes than are there."""
    there = by_day(committed)
    keys = [key for table in LINEAGE for key in objects.list(table.name)]
    files = dict(zip(keys, side_by_side(objects.get, keys), strict=True))
    found = {}
    for day in there:
        stored = _stored(files, day, there)
        found[day] = compute(objects, there, day, rule) if stored is None else stored
    return found


def written(objects: Objects, day: str, there: ByDay) -> Overlay | None:
    """The overlay of a day as it is written, None where it rests on other scenes than are there.

    Or where there is none, since nothing is told; of a scene alone nothing can be.
    """
    keys = [_key(table, day) for table in LINEAGE] if len(base(day, there)) > 1 else []
    return _stored(dict(zip(keys, side_by_side(objects.get, keys), strict=True)), day, there)


def _stored(files: Mapping[str, bytes | None], day: str, there: ByDay) -> Overlay | None:
    """The overlay of a day among the contents of files, see `written`."""
    if len(base(day, there)) < 2:
        return {table.name: table.schema.empty_table() for table in LINEAGE}
    wanted = digest(day, there).encode()
    found = {}
    for table in LINEAGE:
        data = files.get(_key(table, day))
        try:
            stored = decode(data or b"")
        except (pa.ArrowException, OSError):
            return None
        if (stored.schema.metadata or {}).get(COMMITS.encode()) != wanted:
            return None
        found[table.name] = stored
    return found


def _is_there(objects: Objects, day: str) -> bool:
    return any(objects.exists(_key(table, day)) for table in LINEAGE)


def _key(table: Table, day: str) -> str:
    return f"{table.name}/date={day}/part.parquet"


def compute(objects: Objects, there: ByDay, day: str, rule: Rule) -> Overlay:
    """The overlay of a day from the tables of the scenes around it."""
    committed = base(day, there)
    dated = sorted(
        map(Acquired.of, committed, rows(objects, SCENES, committed)),
        key=lambda scene: scene.name,
    )
    kept_of = newest(dated)
    old = [(scene, kept_of[scene.item]) for scene in dated if kept_of[scene.item] is not scene]
    close = around(day)
    scenes = [
        scene for scene in dated if kept_of[scene.item] is scene and scene.commit.day in close
    ]
    pairs = neighbours(scenes)
    twice = superseded(scenes, pairs)
    old += [(scenes[i], scenes[j]) for i, j in twice.items()]
    found: Rows = {table.name: [] for table in LINEAGE}
    found[LINEAGE_SCENES.name].append(_superseded(old, day))
    kept = [i for i in range(len(scenes)) if i not in twice]
    for group in groups(kept, pairs):
        if any(scenes[i].commit.day == day for i in group):
            place = {i: n for n, i in enumerate(group)}
            inner = [(place[i], place[j]) for i, j in pairs if i in place and j in place]
            _resolve(objects, [scenes[i] for i in group], inner, day, rule, found)
    return {table.name: _build(table, found[table.name]) for table in LINEAGE}


def _superseded(old: Sequence[tuple[Acquired, Acquired]], day: str) -> dict[str, Values]:
    """Rows of a day's scenes that are not kept, each given with the one that is."""
    of_day = [(one, two) for one, two in old if one.commit.day == day]
    return {
        "collection": [one.commit.collection for one, _ in of_day],
        "item_id": [one.item_id for one, _ in of_day],
        "kept_collection": [two.commit.collection for _, two in of_day],
        "duplicate_of": [two.item_id for _, two in of_day],
    }


def _resolve(
    objects: Objects,
    scenes: Sequence[Acquired],
    pairs: Sequence[tuple[int, int]],
    day: str,
    rule: Rule,
    found: Rows,
) -> None:
    """Add what scenes of one pass have in common, as far as it is of a day."""
    committed = [scene.commit for scene in scenes]
    detections = list(rows(objects, DETECTIONS, committed))
    seen = Seen.of(detections, [scene.footprint for scene in scenes], pairs)
    if not seen.shared.any():
        return
    matches = match(seen)
    held = Held.of(list(rows(objects, PAIRS, committed)), seen.hulls)
    of_day = np.array([scene.commit.day == day for scene in scenes])
    ids, in_place = seen.hulls.detect_id, seen.hulls.detect_id[matches.best]
    in_place[matches.kept] = None
    for table, names, scene, kept in (
        (LINEAGE_DETECTIONS, ids, seen.scene, in_place),
        (LINEAGE_PAIRS, held.pair_id, held.scene, same_pairs(held, seen, matches)),
    ):
        at = np.flatnonzero(pd.notna(kept) & of_day[scene])
        found[table.name].append({table.names[0]: names[at], "duplicate_of": kept[at]})
    across, scene = pairs_across(seen, matches, rule.detector, rule.aoi)
    if across:
        at = np.flatnonzero(of_day[scene])
        own = [scenes[i] for i in scene[at]]
        found[LINEAGE_ACROSS.name].append(
            {name: values[at] for name, values in across.items()}
            | {
                "collection": [each.commit.collection for each in own],
                "item_id": [each.item_id for each in own],
                "datetime": [each.when for each in own],
            }
        )


def _build(table: Table, parts: Sequence[dict[str, Values]]) -> pa.Table:
    if not any(len(part[table.names[0]]) for part in parts):
        return table.schema.empty_table()
    columns = [name for name in table.names if name != BBOX]
    return build(table, {name: [v for part in parts for v in part[name]] for name in columns})
