"""Pairs that several scenes hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from westsea.detection.hulls import Hulls
from westsea.lineage.matches import Matches, Seen
from westsea.schema import Flag

Integers = NDArray[np.int64]

ELSEWHERE = -1
"""Stands for a hull outside the area of interest, of which there is no row."""


@dataclass(frozen=True)
class Held:
    """Pairs that scenes hold; all arrays (m,)."""

    pair_id: NDArray[np.object_]
    first: Integers
    """Index of the detection, or ELSEWHERE."""
    second: Integers
    """The same as the first where one blob holds both hulls."""
    scene: Integers

    @classmethod
    def of(cls, tables: Sequence[pa.Table], hulls: Hulls) -> "Held":
        """Of the pairs of some scenes, and all detections of these."""
        scene = np.repeat(np.arange(len(tables)), [len(rows) for rows in tables])
        rows = pa.concat_tables(tables)
        ids = pa.array(hulls.detect_id, pa.string())
        first, second = (
            np.asarray(pc.fill_null(pc.index_in(rows[name], ids), ELSEWHERE), np.int64)
            for name in ("detect_id_1", "detect_id_2")
        )
        in_one_blob = np.asarray(pc.is_null(rows["detect_id_2"]), np.bool_)
        return cls(rows["pair_id"].to_numpy(), first, np.where(in_one_blob, first, second), scene)


def same_pairs(held: Held, seen: Seen, matches: Matches) -> NDArray[np.object_]:
    """(m,) what is kept in place of each pair; None where that is kept itself.

    Pairs of the same hulls are the same. One of them is kept: one whose own detections are kept, or
    else that of the longest. Within what one scene has as one blob and another as two, the pairs
    of one scene are kept. What an edge leaves of a hull is no pair, in pieces or with itself: the
    hull is kept, which another scene shows better.
    """
    ends = np.stack([held.first, held.second])
    elsewhere = ends == ELSEWHERE
    thing, best = (
        np.sort(np.where(elsewhere, ELSEWHERE, each[ends]), axis=0)
        for each in (matches.thing, matches.best)
    )
    n_kept = np.where(elsewhere, 0, matches.kept[ends]).sum(axis=0)
    length = np.where(elsewhere, 0.0, seen.hulls.length_m[ends]).sum(axis=0)
    within = (thing[0] == thing[1]) & ~elsewhere.any(axis=0)
    # Two hulls that nothing is known of may be any.
    n = held.first.size
    alone = np.where(elsewhere.all(axis=0), np.arange(1, n + 1), 0)
    key = np.stack([*np.where(within, thing, best), within, alone])
    order = np.lexsort((held.pair_id.astype(str), held.scene, -length, -n_kept, *key))
    is_first = np.ones(n, np.bool_)
    is_first[1:] = (key[:, order[1:]] != key[:, order[:-1]]).any(axis=0)
    lead = np.empty(n, np.int64)
    lead[order] = order[is_first][np.cumsum(is_first) - 1]
    is_kept = (lead == np.arange(n)) | (within & (held.scene == held.scene[lead]))
    out = held.pair_id[lead]
    out[is_kept] = None
    edge = seen.hulls.flags & int(Flag.EDGE) != 0
    pieces = within & (n_kept == 0) & edge[ends].any(axis=0)
    out[pieces] = seen.hulls.detect_id[matches.best[held.first[pieces]]]
    return np.asarray(out, object)
