"""What of a hull, or of a structure, returns the radar's signal: points with a cross section."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.hulls import Hull, Polarization
from westsea_catalog.archive.layout import Structure

Float = NDArray[np.float64]

_RCS_AT_1M_M2 = 0.08
_RCS_POWER = 7 / 3
"""Radar cross section grows with length to the 7/3 (Vachon et al. 1997)."""
RCS_SPREAD_DB = 3.0
BARGE_RCS_DB = -3.0
"""A barge has no superstructure, and little on its deck."""
VH_RCS_DB, VH_RCS_SPREAD_DB = -7.5, 0.7
_HOUSE_SHARE = 0.25
"""Share of the cross section that the superstructure returns."""
_EDGE_SHARE = 0.4
"""Share that the side facing the radar and the water before it return, seen square on."""
_EDGE_WIDTH_DEG = 15.0
"""How far off square that is halved."""
_DECK_M2_PER_SCATTERER = 50.0
"""Some nine scatterers per resolution cell: enough for fully developed speckle."""

TURBINE_DBM2, TURBINE_SPREAD_DB = 47.0, 3.0
_TOWER_SHARE = 0.5
"""Share of a turbine's cross section that its tower returns; the rest comes from its foot."""
CAGE_DBM2_PER_100M2, CAGE_SPREAD_DB = 12.0, 2.0
ROCK_DB, ROCK_SPREAD_DB = -3.0, 2.0
"""Backscatter of wet rock, gamma0."""


@dataclass(frozen=True, eq=False)
class Scatterers:
    """Points that return the radar's signal."""

    forward: Float
    """(n,), m from the middle along the axis."""
    starboard: Float
    """(n,), m."""
    height: Float
    """(n,), m above the water."""
    rcs: dict[Polarization, Float]
    """Radar cross section of each point (n,), m2."""


def expected_rcs(length_m: float) -> float:
    """Median radar cross section (m2, VV) of hulls of a length (m)."""
    return float(_RCS_AT_1M_M2 * length_m**_RCS_POWER)


def draw_scatterers(rng: np.random.Generator, hull: Hull, look_deg: float) -> Scatterers:
    """Return scatterers over the deck, up the superstructure and along the side that is lit.

    Parameters
    ----------
    rng
        Draws them.
    hull
        What they lie on.
    look_deg
        Where the radar looks, clockwise from true north.
    """
    n_deck = max(10, round(hull.outline().area / _DECK_M2_PER_SCATTERER))
    n_house = max(4, n_deck // 5) if hull.house_m else 0
    n_edge = max(6, round(hull.length_m / 6))
    deck_forward, deck_starboard = _draw_on_deck(rng, hull, n_deck)
    across = 0.42 * hull.width_m
    edge_forward = rng.uniform(-0.45, 0.45, n_edge) * hull.length_m
    turn = np.deg2rad(look_deg - hull.heading_deg)
    lit = -1.0 if np.sin(turn) > 0 else 1.0
    forward = np.concatenate([deck_forward, rng.uniform(*hull.house, n_house), edge_forward])
    starboard = np.concatenate(
        [deck_starboard, rng.uniform(-across, across, n_house), lit * hull.half_width(edge_forward)]
    )
    # Side and water make a corner, whose echo comes from the waterline.
    height = np.concatenate(
        [
            np.full(n_deck, hull.freeboard_m),
            hull.freeboard_m + rng.uniform(0, 1, n_house) * hull.house_m,
            np.zeros(n_edge),
        ]
    )
    off_square = np.rad2deg(np.arccos(min(abs(np.sin(turn)), 1.0)))
    edge = _EDGE_SHARE * 2 ** -((off_square / _EDGE_WIDTH_DEG) ** 2)
    house = _HOUSE_SHARE if n_house else 0.0
    shares = (1 - house - edge, house, edge)
    counts = (n_deck, n_house, n_edge)
    total = expected_rcs(hull.length_m) * _from_db(rng.normal(0.0, RCS_SPREAD_DB))
    if hull.type == "barge":
        total *= _from_db(BARGE_RCS_DB)
    return Scatterers(forward, starboard, height, _polarized(rng, total, shares, counts))


def structure_scatterers(rng: np.random.Generator, structure: Structure) -> Scatterers:
    """Return the scatterers of a turbine, a cage or a rock; forward is along its axis."""
    area = np.pi / 4 * structure.length_m * structure.width_m
    counts: tuple[int, ...]
    shares: tuple[float, ...]
    if structure.kind == "turbine":
        total = _from_db(rng.normal(TURBINE_DBM2, TURBINE_SPREAD_DB))
        counts, shares = (12, 12), (_TOWER_SHARE, 1 - _TOWER_SHARE)
        height = np.concatenate([rng.uniform(0, structure.height_m, 12), np.zeros(12)])
    else:
        per_m2 = CAGE_DBM2_PER_100M2 - 20 if structure.kind == "cage" else ROCK_DB
        spread = CAGE_SPREAD_DB if structure.kind == "cage" else ROCK_SPREAD_DB
        total = area * _from_db(rng.normal(per_m2, spread))
        counts, shares = (max(10, round(area / _DECK_M2_PER_SCATTERER)),), (1.0,)
        height = rng.uniform(0, structure.height_m, counts[0])
    n = sum(counts)
    radius, angle = np.sqrt(rng.uniform(0, 1, n)) / 2, rng.uniform(0, 2 * np.pi, n)
    forward = radius * np.cos(angle) * structure.length_m
    starboard = radius * np.sin(angle) * structure.width_m
    return Scatterers(forward, starboard, height, _polarized(rng, total, shares, counts))


def _polarized(
    rng: np.random.Generator, total: float, shares: tuple[float, ...], counts: tuple[int, ...]
) -> dict[Polarization, Float]:
    co_polar = _share_out(rng, shares, counts)
    # Cross-polar returns come partly from the same corners, partly from others.
    cross_polar = (co_polar + _share_out(rng, shares, counts)) / 2
    vh_ratio = _from_db(rng.normal(VH_RCS_DB, VH_RCS_SPREAD_DB))
    return {"VV": total * co_polar, "VH": total * vh_ratio * cross_polar}


def _draw_on_deck(rng: np.random.Generator, hull: Hull, n: int) -> tuple[Float, Float]:
    """Draw uniformly within the outline: forward by its width, then across."""
    stations = np.linspace(-0.5, 0.5, 401) * hull.length_m
    filled = np.cumsum(hull.half_width(stations))
    forward = np.interp(rng.uniform(0.0, filled[-1], n), filled, stations)
    return forward, hull.half_width(forward) * rng.uniform(-1.0, 1.0, n)


def _share_out(
    rng: np.random.Generator, shares: tuple[float, ...], counts: tuple[int, ...]
) -> Float:
    """Shares of a cross section, exponential within each part, that add up to one."""
    parts = []
    for share, count in zip(shares, counts, strict=True):
        drawn = rng.exponential(size=count)
        parts.append(share * drawn / drawn.sum() if count else drawn)
    return np.concatenate(parts)


def _from_db(db: float) -> float:
    return float(10 ** (db / 10))
