"""Pairs that several scenes hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from westsea.detection.hulls import Hulls
from westsea.lineage.matches import Matches

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


def kept_pairs(held: Held, matches: Matches) -> Integers:
    """(m,) index of the pair that is kept in place of each; the own one where it is kept.

    Pairs of the same hulls are the same, and those of one scene are kept: of the one that most of
    the detections are kept of.
    """
    n = held.first.size
    ends = np.stack([held.first, held.second])
    elsewhere = ends == ELSEWHERE
    thing = np.sort(np.where(elsewhere, ELSEWHERE, matches.thing[ends]), axis=0)
    n_kept = np.where(elsewhere, 0, matches.kept[ends]).sum(axis=0)
    # Two hulls that nothing is known of may be any.
    alone = np.where(elsewhere.all(axis=0), np.arange(1, n + 1), 0)
    order = np.lexsort((held.pair_id.astype(str), held.scene, -n_kept, alone, *thing))
    same = np.stack([*thing, alone])[:, order]
    is_first = np.ones(n, np.bool_)
    is_first[1:] = (same[:, 1:] != same[:, :-1]).any(axis=0)
    best = np.empty(n, np.int64)
    best[order] = order[is_first][np.cumsum(is_first) - 1]
    return np.where(held.scene == held.scene[best], np.arange(n), best)
