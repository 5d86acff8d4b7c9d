"""Lattices: aquaculture farms and wind farms, whose offsets from member to member recur."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea.doubts import doubted
from westsea.hulls import Hulls
from westsea.schema import Flag
from westsea_kernels import lattices as fit

MOST_DB = 10.0
"""Turbines shine by where they turn their blades, and cages differ by what floats on them."""
MOST_RATIO = 3.0
"""Of the lengths of members: what is blurred into one is longer."""
LEAST_OWN = 2
"""Of eight places around a member, so many are taken at least: three around a corner, less one."""
LEAST_ROW_SHARE = 0.25
"""Of members with one ahead of them, those with one behind too: pair trawlers lie in twos."""


@dataclass(frozen=True)
class _Rule:
    """What the lattice around a member must show at least."""

    evidence: float
    """Nats, of both vectors together; some 70 vectors are tried around each member."""
    evidence_each: float
    rows: int
    """Members amid a row."""
    rows_each: int
    cells: int


_RULES = (
    _Rule(evidence=14.0, evidence_each=3.0, rows=4, rows_each=1, cells=3),
    # Small farms with gaps have few whole cells; theirs must be the surer.
    _Rule(evidence=12.0, evidence_each=6.0, rows=4, rows_each=2, cells=1),
)


def flag_lattices(hulls: Hulls) -> Hulls:
    """Set the lattice flag on members of regular lattices."""
    order = np.lexsort((hulls.lon, hulls.lat))
    lon, lat = hulls.lon[order], hulls.lat[order]
    near = np.empty((len(hulls), fit.NEIGHBOURS), np.int64)
    placed = np.empty(near.shape, np.bool_)
    measures = np.empty((len(hulls), fit.N_MEASURES))
    level, length = hulls.peak_db[order], hulls.length_m[order]
    fit.fit_lattices(lon, lat, level, length, MOST_DB, MOST_RATIO, near, placed, measures)
    certain = _certain(measures)
    member = np.zeros(len(hulls), np.bool_)
    member[order[near[certain][placed[certain]]]] = True
    return doubted(hulls, Flag.LATTICE, member)


def _certain(measures: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether the lattice around each hull is one for certain."""
    evidence = measures[:, [fit.EVIDENCE_A, fit.EVIDENCE_B]]
    rows = measures[:, [fit.ROWS_A, fit.ROWS_B]]
    links = measures[:, [fit.LINKS_A, fit.LINKS_B]]
    in_rows = (rows >= LEAST_ROW_SHARE * links).all(axis=1)
    certain = np.zeros(len(measures), np.bool_)
    for rule in _RULES:
        certain |= (
            (evidence.sum(axis=1) >= rule.evidence)
            & (evidence.min(axis=1) >= rule.evidence_each)
            & (rows.sum(axis=1) >= rule.rows)
            & (rows.min(axis=1) >= rule.rows_each)
            & (measures[:, fit.CELLS] >= rule.cells)
        )
    return certain & in_rows & (measures[:, fit.OWN] >= LEAST_OWN)
