"""How a hull returns the radar's signal, by models that have little in common.

What is fitted on "varied" hulls is tried on "own" and on "other". A model gets two generators:
`make` draws what a hull keeps from pass to pass, such as where its house stands, and `rng` what
each pass sees anew.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.hulls import Hull, Polarization
from westsea_catalog.archive.scatterers import (
    RCS_SPREAD_DB,
    Scatterers,
    draw_scatterers,
    expected_rcs,
)

Float = NDArray[np.float64]
Model = Literal["own", "varied", "other"]
Draw = Callable[[np.random.Generator, np.random.Generator, Hull, float], Scatterers]
"""(rng, make, hull, where the radar looks in degrees clockwise from north) -> scatterers."""

UNEVEN_DB = (0.0, 4.0)
"""Spread of the unevenness along a hull of "own", drawn for each."""
UNEVEN_PIECES = 8
"""It varies over an eighth of the hull's length."""

OWN_CHANCE, RAILS_CHANCE = 0.3, 0.6
"""Share of the "varied" hulls that are just "own" ones, and of the others that have rails."""
RAIL_M, RAIL_SHARE = 6.0, (0.1, 1.0)
"""Length of hull for each scatterer of its rails, and their power to that of all the others."""
SPIKES_DB = (0.0, 8.0)
"""Spread of single scatterers, drawn for each hull."""
HOUSE_SPREAD_DB = 4.0

CORNER_M = (8.0, 15.0)
"""Length of an "other" hull for each of its corners, on average."""
LEAST_CORNERS = 3
CORNER_SPREAD_DB = 6.0
"""A few corners return most of the signal."""
GLINT_DB = 3.0
"""How much the same corner differs from pass to pass."""
PLACES = ("rail", "hatch", "mast")
PLACE_SHARES = (0.55, 0.25, 0.20)
HOUSE_AT = (-0.40, 0.0, 0.36)
HOUSE_AT_SHARES = (0.55, 0.2, 0.25)
"""Aft, amidships or forward, in lengths of the hull."""
HOUSE_SHARE = (0.10, 0.45)
DECK_SHARE = (0.05, 0.25)
LIT_SHARE, LIT_CHANCE = (0.1, 0.4), 0.5
"""Share of the lit side, seen square on, and how often there is one."""
LIT_WIDTH_DEG = 25.0
VH_DB, VH_SPREAD_DB = -6.0, 1.5
_DECK_M2 = 60.0
"""Of deck for each of its scatterers."""


def draw_own(
    rng: np.random.Generator, make: np.random.Generator, hull: Hull, look_deg: float
) -> Scatterers:
    """Draw the archive's scatterers, made uneven along the hull."""
    even = draw_scatterers(rng, hull, look_deg)
    knots = np.linspace(-0.5, 0.5, UNEVEN_PIECES + 1) * hull.length_m
    levels_db = make.uniform(*UNEVEN_DB) * make.normal(size=knots.size)
    factor = _linear(np.interp(even.forward, knots, levels_db))
    return replace(even, rcs={pol: rcs * factor for pol, rcs in even.rcs.items()})


def draw_other(
    rng: np.random.Generator, make: np.random.Generator, hull: Hull, look_deg: float
) -> Scatterers:
    """Draw few strong corners on rails, hatches and masts, a house somewhere, and a weak deck."""
    outline = _Outline(make, hull)
    parts = [_corners(make, hull, outline), _deck(rng, hull, outline)]
    shares = [0.0, float(make.uniform(*DECK_SHARE))]
    if hull.house_m:
        parts.append(_house(make, hull, outline))
        shares.append(float(make.uniform(*HOUSE_SHARE)))
    if make.uniform() < LIT_CHANCE:
        side, share = _lit_side(rng, hull, outline, look_deg)
        parts.append(side)
        shares.append(share * float(make.uniform(*LIT_SHARE)))
    shares[0] = max(0.2, 1.0 - sum(shares))
    forward, starboard, height, weights = (np.concatenate(column) for column in zip(
        *((*part[:3], share * part[3] / part[3].sum()) for part, share in zip(
            parts, shares, strict=True)), strict=True))  # fmt: skip
    total = expected_rcs(hull.length_m) * _linear(rng.normal(0.0, RCS_SPREAD_DB))
    co_polar = weights * _linear(rng.normal(0.0, GLINT_DB, weights.size))
    # Dihedrals turned about the line of sight return VH, plates and trihedrals do not.
    cross_polar = weights * _linear(rng.normal(0.0, CORNER_SPREAD_DB, weights.size))
    ratio = _linear(rng.normal(VH_DB, VH_SPREAD_DB))
    rcs = {
        "VV": total * co_polar / co_polar.sum(),
        "VH": total * ratio * cross_polar / cross_polar.sum(),
    }
    return Scatterers(forward, starboard, height, {"VV": rcs["VV"], "VH": rcs["VH"]})


def draw_varied(
    rng: np.random.Generator, make: np.random.Generator, hull: Hull, look_deg: float
) -> Scatterers:
    """Draw those of "own", half of them as they are, the others with what they lack.

    A house that is brighter or fainter, few scatterers that outshine the rest, rails that return
    on both sides, and another share of VH: nobody knows these shares of real hulls, so what is
    fitted must not lean on one of them.
    """
    hull_own = draw_own(rng, make, hull, look_deg)
    if make.uniform() < OWN_CHANCE:
        return hull_own
    parts = [hull_own]
    if make.uniform() < RAILS_CHANCE:
        parts.append(_rails(make, hull, hull_own))
    forward, starboard, height = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("forward", "starboard", "height")
    )
    high = height > hull.freeboard_m
    factor = _linear(make.normal(0.0, make.uniform(*SPIKES_DB), forward.size))
    factor = factor * np.where(high, _linear(make.normal(0.0, HOUSE_SPREAD_DB)), 1.0)
    own_vh = float(_linear(make.normal(0.0, VH_SPREAD_DB)))
    rcs: dict[Polarization, Float] = {}
    shares: dict[Polarization, float] = {"VV": 1.0, "VH": own_vh}
    for polarization, share in shares.items():
        each = np.concatenate([part.rcs[polarization] for part in parts])
        rcs[polarization] = each.sum() * share * each * factor / (each * factor).sum()
    return Scatterers(forward, starboard, height, rcs)


def _rails(make: np.random.Generator, hull: Hull, own: Scatterers) -> Scatterers:
    """Scatterers along both sides, one side brighter."""
    n = max(6, round(hull.length_m / RAIL_M))
    forward = make.uniform(-0.45, 0.45, n) * hull.length_m
    side = np.where(make.uniform(size=n) < make.uniform(0.2, 0.8), 1.0, -1.0)
    weights = make.exponential(size=n)
    share = make.uniform(*RAIL_SHARE)
    return Scatterers(
        forward,
        side * hull.half_width(forward),
        np.full(n, hull.freeboard_m),
        {pol: share * rcs.sum() * weights / weights.sum() for pol, rcs in own.rcs.items()},
    )


MODELS: dict[Model, Draw] = {"own": draw_own, "varied": draw_varied, "other": draw_other}

_Part = tuple[Float, Float, Float, Float]
"""Forward, starboard, height (m) and relative cross section."""


class _Outline:
    """A parallel body with a rounded bow and a transom, of a taper drawn for each hull."""

    def __init__(self, make: np.random.Generator, hull: Hull) -> None:
        self._hull = hull
        blunt = hull.type == "barge"
        self._bow = make.uniform(0.02, 0.06) if blunt else make.uniform(0.10, 0.30)
        self._power = make.uniform(0.4, 0.8)
        self._transom = 1.0 if blunt else make.uniform(0.55, 0.95)
        self._run = make.uniform(0.05, 0.25)

    def half_width(self, forward: Float) -> Float:
        """Half the beam (m) at metres forward of midships, on the hull."""
        station = np.clip(forward / self._hull.length_m, -0.5, 0.5)
        bow = np.clip((0.5 - station) / self._bow, 0.0, 1.0) ** self._power
        stern = self._transom + (1 - self._transom) * np.clip((station + 0.5) / self._run, 0, 1)
        return np.asarray(np.minimum(bow, stern) * self._hull.width_m / 2)


def _corners(make: np.random.Generator, hull: Hull, outline: _Outline) -> _Part:
    n = max(LEAST_CORNERS, int(make.poisson(hull.length_m / make.uniform(*CORNER_M))))
    place = make.choice(PLACES, n, p=PLACE_SHARES)
    forward = make.uniform(-0.48, 0.47, n) * hull.length_m
    half = outline.half_width(forward)
    rail = make.choice([-1.0, 1.0], n) * np.maximum(half - make.uniform(0.0, 1.0, n), 0.0)
    hatch = make.uniform(-0.6, 0.6, n) * half
    starboard = np.select([place == "rail", place == "hatch"], [rail, hatch], 0.0)
    mast_m = np.clip(0.16 * hull.length_m, 6.0, 30.0) * make.uniform(0.3, 1.0, n)
    above = np.select([place == "rail", place == "hatch"], [0.0, 2.0], mast_m)
    weight = _linear(make.normal(0.0, CORNER_SPREAD_DB, n))
    return forward, starboard, hull.freeboard_m + above, weight


def _house(make: np.random.Generator, hull: Hull, outline: _Outline) -> _Part:
    n = 4 + int(make.poisson(3.0))
    middle = make.choice(HOUSE_AT, p=HOUSE_AT_SHARES) * hull.length_m
    length = make.uniform(0.06, 0.16) * hull.length_m
    forward = middle + make.uniform(-0.5, 0.5, n) * length
    starboard = make.uniform(-0.9, 0.9, n) * outline.half_width(forward)
    height = hull.freeboard_m + make.uniform(0.0, 1.0, n) * hull.house_m
    return forward, starboard, height, _linear(make.normal(0.0, CORNER_SPREAD_DB, n))


def _deck(rng: np.random.Generator, hull: Hull, outline: _Outline) -> _Part:
    n = max(8, round(hull.length_m * hull.width_m / _DECK_M2))
    stations = np.linspace(-0.5, 0.5, 401) * hull.length_m
    filled = np.cumsum(outline.half_width(stations))
    forward = np.interp(rng.uniform(0.0, filled[-1], n), filled, stations)
    starboard = rng.uniform(-1.0, 1.0, n) * outline.half_width(forward)
    return forward, starboard, np.full(n, hull.freeboard_m), rng.exponential(size=n)


def _lit_side(
    rng: np.random.Generator, hull: Hull, outline: _Outline, look_deg: float
) -> tuple[_Part, float]:
    """The side that faces the radar and the water before it, and how square on it is seen."""
    n = max(4, round(hull.length_m / 10))
    turn = np.deg2rad(look_deg - hull.heading_deg)
    side = -1.0 if np.sin(turn) > 0 else 1.0
    forward = rng.uniform(-0.47, 0.45, n) * hull.length_m
    off_square = np.rad2deg(np.arccos(min(abs(np.sin(turn)), 1.0)))
    part = forward, side * outline.half_width(forward), np.zeros(n), rng.exponential(size=n)
    return part, float(2 ** -((off_square / LIT_WIDTH_DEG) ** 2))


def _linear(db: float | Float) -> Float:
    return np.asarray(10 ** (np.asarray(db) / 10))
