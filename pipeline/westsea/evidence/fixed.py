"""Objects that never move: platforms, turbines, buoys and rocks that no coast shows."""

import hashlib
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from westsea.evidence.places import Scenes, near
from westsea.schema import DETECTIONS, PAIRS, Flag, Table

Float = NDArray[np.float64]
Integers = NDArray[np.int64]

PLACE_M = 30.0
"""An object is found within this of where it is found most often."""
LEAST_SEEN = 8
LEAST_SHARE = 0.5
LEAST_DAYS = 90.0
LEAST_ODDS = 1000.0
"""Of one thing that was found again and again, to different ships that take turns at a berth."""
SHIPS_M, SHIPS_DEG = 200.0, 180.0
"""Lengths of ships that take turns spread over so much, and their axes."""
OTHERS = 0.05
"""Share of what is found at an object's place that is something else, or measured wrong."""
LENGTH_SHARE, LENGTH_M, AXIS_DEG = 0.05, 3.0, 10.0
"""Errors beside those that are stated, within which 79 % of lengths are right: of the length, and
of the axis."""
OTHER_SD = 4.0
"""Errors of length from the usual one beyond which a detection is not of the object: it may be a
ship that lies at it."""
LONG_M, LONG_RATIO = 50.0, 2.0
"""What is shorter, or stouter, has no axis to speak of."""
DAY_US = 86_400_000_000


@dataclass(frozen=True, eq=False)
class _Sites:
    """Groups of detections at one place."""

    member: Integers
    """(m,) index of a detection."""
    site: Integers
    """(m,) which site it is of."""
    seed: Integers
    """(sites,) index of the detection with the most others about it."""


def fixed_objects(detections: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame) -> dict[str, Any]:
    """Columns of the table FIXED: the detections of objects that never move.

    Parameters
    ----------
    detections, scenes
        All of a `Sweep`, duplicates kept: passes are counted, not scenes.

    Returns
    -------
    One entry per detection of an object that was found, within 30 m and one thing by its measures,
    in half or more of eight passes or more that saw the place, over 90 days or more; in all looks
    together or in one, for what is tall lies elsewhere in radar images from the other side.
    """
    lon, lat = detections["lon"].to_numpy(), detections["lat"].to_numpy()
    taken = Scenes.of(scenes)
    scene = taken.number_of(detections)
    sites = _sites(lon, lat, detections["detect_id"].to_numpy())
    one, is_it = _are_one(detections, sites, taken.look[scene])
    counted = _counted(sites, is_it, lon, lat, taken, scene)
    chosen = counted[counted["is_enough"].to_numpy(bool) & one[counted.index.to_numpy()]]
    kept = np.flatnonzero(np.isin(sites.site, chosen.index) & is_it)
    return _columns(detections.iloc[sites.member[kept]], chosen, sites.site[kept])


def with_fixed(table: Table, frame: gpd.GeoDataFrame, fixed: Set[str]) -> gpd.GeoDataFrame:
    """The rows, flagged where they are of a fixed object; pairs where one of both is."""
    names = {DETECTIONS.name: ("detect_id",), PAIRS.name: ("detect_id_1", "detect_id_2")}
    if fixed and table.name in names:
        either = np.logical_or.reduce([frame[name].isin(fixed) for name in names[table.name]])
        frame["flags"] |= np.where(either, np.int32(Flag.FIXED_OBJECT), np.int32(0))
    return frame


def _sites(lon: Float, lat: Float, ids: NDArray[np.object_]) -> _Sites:
    """From the detection with the most neighbours on, each with those that no other site has."""
    n = lon.size
    first, second = near(lon, lat, PLACE_M)
    one, other = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.argsort(one, kind="stable")
    other = other[order]
    count = np.bincount(one, minlength=n)
    start = np.concatenate([[0], np.cumsum(count)])
    least = int(LEAST_SEEN * LEAST_SHARE)
    dense = np.flatnonzero(count + 1 >= least)
    dense = dense[np.lexsort((ids[dense].astype(str), -count[dense]))]
    free = np.ones(n, np.bool_)
    members, seeds = [], []
    for seed in dense:
        if not free[seed]:
            continue
        around = other[start[seed] : start[seed + 1]]
        around = around[free[around]]
        if around.size + 1 < least:
            continue
        free[around] = free[seed] = False
        members.append(np.concatenate([[seed], np.sort(around)]))
        seeds.append(seed)
    sizes = [each.size for each in members]
    return _Sites(
        np.concatenate([np.zeros(0, np.int64), *members]).astype(np.int64),
        np.repeat(np.arange(len(members)), sizes),
        np.array(seeds, np.int64),
    )


def _counted(
    sites: _Sites,
    is_it: NDArray[np.bool_],
    lon: Float,
    lat: Float,
    taken: Scenes,
    scene: Integers,
) -> pd.DataFrame:
    """By site: passes that saw and that found it, first and last found, and whether enough.

    What is found there and is something else, as ships that lie at it, does not count as it.
    """
    place, over = taken.over(lon[sites.seed], lat[sites.seed])
    site = np.concatenate([sites.site, place])
    by = np.concatenate([scene[sites.member], over])
    table = pd.DataFrame(
        {
            "site": site,
            "look": taken.look[by],
            "pass": taken.passes(site, by),
            "found": np.concatenate([is_it, np.zeros(place.size, np.bool_)]),
            "when": taken.when[by],
        }
    )
    whole = _enough(table, ["site"])
    apart = _enough(table, ["site", "look"])
    one_look = apart["is_enough"].groupby(level="site").any()
    whole["is_enough"] |= one_look.reindex(whole.index, fill_value=False)
    return whole


def _enough(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    each = table.groupby([*keys, "pass"])["found"].any()
    out = each.groupby(level=keys).agg(n_seen="size", n_found="sum")
    found = table[table["found"]].groupby(keys)["when"].agg(first="min", last="max")
    out = out.join(found)
    days = (out["last"] - out["first"]) / DAY_US
    enough = (out["n_seen"] >= LEAST_SEEN) & (out["n_found"] >= LEAST_SHARE * out["n_seen"])
    return pd.DataFrame(out.assign(is_enough=enough & (days >= LEAST_DAYS)))


def _are_one(
    detections: gpd.GeoDataFrame, sites: _Sites, look: Integers
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(sites,) whether what was found is one thing, and not ships that take turns; (m,) what of it.

    By the likelihood of lengths and axes about their middle in each look, against that of any
    length and axis; each middle costs what it could have been fitted to.
    """
    hulls = detections.iloc[sites.member]
    names = ("length_m", "length_sd_m", "width_m", "heading_deg", "heading_sd_deg")
    table = pd.DataFrame({name: hulls[name].to_numpy() for name in names})
    keys = [sites.site, look[sites.member]]
    groups = table.groupby(keys)
    length, width = groups["length_m"].transform("median"), groups["width_m"].transform("median")
    sd = np.sqrt(table["length_sd_m"] ** 2 + (LENGTH_SHARE * length) ** 2 + LENGTH_M**2)
    evidence = _evidence(table["length_m"] - length, sd, SHIPS_M, keys)
    has_axis = (length >= LONG_M) & (length >= LONG_RATIO * width)
    axis_sd = pd.Series(np.hypot(table["heading_sd_deg"], AXIS_DEG))
    axes = _evidence(_from_the_usual_axis(table, keys), axis_sd, SHIPS_DEG, keys)
    of_site = pd.DataFrame({"length": evidence, "axis": axes.where(has_axis, 0.0)})
    of_site = of_site.groupby(sites.site).sum()
    # Ships at a quay have one axis too: it speaks against one thing, never for it.
    total = of_site["length"] + of_site["axis"].clip(upper=0.0)
    total = total.reindex(np.arange(sites.seed.size), fill_value=0.0)
    is_it = (table["length_m"] - length).abs() <= OTHER_SD * sd
    return total.to_numpy() >= np.log(LEAST_ODDS), is_it.to_numpy()


def _evidence(away: pd.Series, sd: pd.Series, spread: float, keys: list[Integers]) -> pd.Series:
    """(m,) logarithm of the odds of one thing to any, less each one's share of its group's cost."""
    narrow = spread / (sd * np.sqrt(2.0 * np.pi))
    gain = pd.Series(np.log((1.0 - OTHERS) * narrow * np.exp(-0.5 * (away / sd) ** 2) + OTHERS))
    size = gain.groupby(keys).transform("size")
    cost = np.log(np.maximum(narrow, 1.0)) + 0.5 * np.log(size)
    return pd.Series(gain - cost.groupby(keys).transform("mean") / size)


def _from_the_usual_axis(table: pd.DataFrame, keys: list[Integers]) -> pd.Series:
    """Degrees, 0 to 90, between each axis and the mean axis of its group."""
    doubled = np.deg2rad(2.0 * table["heading_deg"])
    east, north = (
        part.groupby(keys).transform("mean") for part in (np.sin(doubled), np.cos(doubled))
    )
    usual = np.rad2deg(np.arctan2(east, north)) / 2.0
    away = (table["heading_deg"] - usual) % 180.0
    return pd.Series(np.minimum(away, 180.0 - away))


def _columns(hulls: gpd.GeoDataFrame, chosen: pd.DataFrame, site: Integers) -> dict[str, Any]:
    own = chosen.loc[site]
    by_site = hulls.groupby(site)
    ids = by_site["detect_id"].transform("min")
    times = {
        name: pd.to_datetime(own[name].to_numpy(np.int64), unit="us", utc=True).as_unit("us")
        for name in ("first", "last")
    }
    return {
        "detect_id": hulls["detect_id"].to_list(),
        "object_id": [hashlib.sha256(name.encode()).hexdigest()[:20] for name in ids],
        "lon": by_site["lon"].transform("median").to_numpy(),
        "lat": by_site["lat"].transform("median").to_numpy(),
        "length_m": by_site["length_m"].transform("median").to_numpy(),
        "n_found": own["n_found"].to_numpy(np.int32),
        "n_seen": own["n_seen"].to_numpy(np.int32),
        "first_found": list(times["first"]),
        "last_found": list(times["last"]),
    }
