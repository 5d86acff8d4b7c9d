"""The company that ships keep: fleets of pair trawlers, anchorages, and tugs with their tows.

All are remarks. They tell why ships lie near one another, and leave scores alone.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from westsea.detection.hulls import Hulls
from westsea.schema import DOUBT, Flag
from westsea_kernels.company import count_alike, offsets, reached
from westsea_kernels.pairs import find_pairs

Float = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

COMPANY = Flag.FLEET | Flag.ANCHORAGE | Flag.TOW
"""A pair bears these where both of its hulls do."""

LONGEST_TRAWLER_M = 45.0
TRAWLERS_APART_M = (100.0, 600.0)
"""From middle to middle."""
PARALLEL_DEG, TOW_DEG = 15.0, 12.0
SURE_SD = 2.0
"""Axes agree within these degrees, or so many standard errors of theirs."""
FLEET_M = 6_000.0
FLEET_PAIRS = 4
"""A pair of such hulls is one of a fleet with so many, itself among them, up to FLEET_M from it;
and so is one beside those."""

CROWD = 3
"""Small things with so many others near are no couple: cages of farms, as a rule."""

ANCHORED_M = 40.0
"""Shorter ships are hardly told apart from boats, whose axes are unsure."""
ANCHORED_APART_M = (150.0, 3_000.0)
"""Nearer ones lie alongside, and lie alike for that."""
SWING_DEG = 25.0
CHANCE = 1e-3
"""Of so many of a ship's neighbours lying as it does, if they lay at random."""
ANCHORAGE_M = 1_000.0
"""From the ships that tell it."""

TUG_M = (15.0, 40.0)
TOW_RATIO = 1.5
LEAST_TOW_M = 50.0
TOW_GAP_M = (100.0, 600.0)


@dataclass(frozen=True)
class _Near:
    """Two hulls near each other, without doubt; all arrays (m,)."""

    first: Integers
    """The longer."""
    second: Integers
    east_m: Float
    """Of the second, from the first."""
    north_m: Float
    gap_m: Float
    center_m: Float


def flag_company(hulls: Hulls) -> Hulls:
    """Set the remarks on hulls without doubt: fleet, tow and anchorage."""
    near = _near(hulls)
    fleet, tow = np.zeros((2, len(hulls)), np.bool_)
    for flag, pairs in ((fleet, _of_a_fleet(hulls, near)), (tow, _tows(hulls, near))):
        flag[near.first[pairs]] = flag[near.second[pairs]] = True
    out = np.zeros(len(hulls), np.int32)
    for remark, which in (
        (Flag.FLEET, fleet),
        (Flag.ANCHORAGE, _at_anchor(hulls, ~fleet & ~tow)),
        (Flag.TOW, tow),
    ):
        out |= np.where(which, np.int32(remark), np.int32(0))
    return replace(hulls, flags=hulls.flags | out)


def joint_flags(one: NDArray[np.int32], two: NDArray[np.int32]) -> NDArray[np.int32]:
    """(n,) flags of pairs from those of their hulls."""
    either, both = one | two, one & two
    return np.asarray((either & ~np.int32(COMPANY)) | (both & np.int32(COMPANY)), np.int32)


def crowded(n: int, first: Integers, second: Integers) -> Bools:
    """(n,) hulls with CROWD neighbours or more, from the indices (m,) of neighbours."""
    return np.asarray(np.bincount(np.concatenate([first, second]), minlength=n) >= CROWD)


def _clear(hulls: Hulls) -> Bools:
    return np.asarray(hulls.flags & int(DOUBT) == 0)


def _near(hulls: Hulls) -> _Near:
    clear = np.flatnonzero(_clear(hulls))
    order = clear[np.lexsort((hulls.detect_id[clear], hulls.lat[clear]))]
    some = hulls.take(order)
    index, sizes, _ = find_pairs(
        some.lon, some.lat, some.length_m, some.width_m, some.heading_deg,
        max(TRAWLERS_APART_M[1], TOW_GAP_M[1]), np.zeros(order.size, np.bool_),
    )  # fmt: skip
    a, b = order[index[:, 0]], order[index[:, 1]]
    swap = hulls.length_m[b] > hulls.length_m[a]
    first, second = np.where(swap, b, a), np.where(swap, a, b)
    east, north = offsets(hulls.lon, hulls.lat, first, second)
    return _Near(first, second, east, north, sizes[:, 0], sizes[:, 1])


def _turn(one: Float, two: Float) -> Float:
    """Degrees between axes, 0-90."""
    turn = np.abs(one - two) % 180.0
    return np.asarray(np.minimum(turn, 180.0 - turn))


def _within(value: Float, limits: tuple[float, float]) -> Bools:
    return np.asarray((value >= limits[0]) & (value <= limits[1]))


def _of_a_fleet(hulls: Hulls, near: _Near) -> Bools:
    """(m,) pairs of like small hulls that have others about them."""
    least = (hulls.length_m - hulls.length_sd_m)[near.first]  # and so the other's
    turn = _turn(hulls.heading_deg[near.first], hulls.heading_deg[near.second])
    error = np.hypot(hulls.heading_sd_deg[near.first], hulls.heading_sd_deg[near.second])
    like = (least <= LONGEST_TRAWLER_M) & _within(near.center_m, TRAWLERS_APART_M)
    like &= turn <= np.maximum(PARALLEL_DEG, SURE_SD * error)
    small = (least <= LONGEST_TRAWLER_M) & (near.center_m <= TRAWLERS_APART_M[1])
    in_crowd = crowded(len(hulls), near.first[small], near.second[small])
    like &= ~in_crowd[near.first] & ~in_crowd[near.second]
    pairs = np.flatnonzero(like)
    lon, lat = hulls.lon[near.first[pairs]], hulls.lat[near.first[pairs]]
    order = np.argsort(lat, kind="stable")
    lon, lat = lon[order], lat[order]
    around = count_alike(lon, lat, np.zeros(lat.size), 0.0, FLEET_M, 90.0)[:, 0]
    out = np.zeros(like.size, np.bool_)
    out[pairs[order]] = reached(lon, lat, around >= FLEET_PAIRS - 1, FLEET_M)
    return out


def _tows(hulls: Hulls, near: _Near) -> Bools:
    """(m,) pairs of a small hull and a longer one in line, both along that line."""
    tug, barge = near.second, near.first
    least = hulls.length_m[tug] - hulls.length_sd_m[tug]
    most = hulls.length_m[tug] + hulls.length_sd_m[tug]
    line = np.degrees(np.arctan2(near.east_m, near.north_m))
    in_line = np.ones(tug.size, np.bool_)
    for side in (tug, barge):
        error = SURE_SD * hulls.heading_sd_deg[side]
        in_line &= _turn(hulls.heading_deg[side], line) <= np.maximum(TOW_DEG, error)
    small = (least <= TUG_M[1]) & (most >= TUG_M[0])
    longer = hulls.length_m[barge] >= np.maximum(LEAST_TOW_M, TOW_RATIO * hulls.length_m[tug])
    return in_line & small & longer & _within(near.gap_m, TOW_GAP_M)


def _at_anchor(hulls: Hulls, may: Bools) -> Bools:
    """(n,) hulls where ships anchor: where many lie along one axis, as wind and tide swing them."""
    clear = _clear(hulls)
    still = clear & may & (hulls.flags & int(Flag.UNDER_WAY) == 0)
    ships = np.flatnonzero(still & (hulls.length_m >= ANCHORED_M))
    ships = ships[np.argsort(hulls.lat[ships], kind="stable")]
    counts = count_alike(
        hulls.lon[ships], hulls.lat[ships], hulls.heading_deg[ships], *ANCHORED_APART_M, SWING_DEG
    )
    core = np.zeros(len(hulls), np.bool_)
    core[ships] = chance_of(counts[:, 1], counts[:, 0], SWING_DEG / 90.0) <= CHANCE
    order = np.argsort(hulls.lat, kind="stable")
    out = np.zeros(len(hulls), np.bool_)
    out[order] = reached(hulls.lon[order], hulls.lat[order], core[order], ANCHORAGE_M)
    return out & clear & may


def chance_of(least: Integers, n: Integers, share: float) -> Float:
    """(m,) chance of that many successes, or more, in n trials of which each has a share."""
    cases, place = np.unique(np.stack([least, n], axis=1), axis=0, return_inverse=True)
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, n.max(initial=0) + 1.0)))])
    out = np.empty(len(cases))
    for i, (fewest, trials) in enumerate(cases):
        k = np.arange(fewest, trials + 1)
        log = factorial[trials] - factorial[k] - factorial[trials - k]
        out[i] = np.exp(log + k * np.log(share) + (trials - k) * np.log1p(-share)).sum()
    return out[place.ravel()]
