"""Ships that lie together at one spot while several satellites pass."""

import hashlib
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from westsea.evidence.places import PASS_US, Scenes, near
from westsea.schema import DOUBT
from westsea_kernels.joins import same_things

Float = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

SPOT_M = 200.0
"""Ships that lie together are no farther from where another pass saw them: they swing at anchor."""
LIKE_LENGTH, LIKE_LENGTH_M, LIKE_SD = 0.3, 20.0, 3.0
"""Lengths of one blob differ up to this share of the longer, these metres, or these errors."""
APART_US = 3 * 86_400_000_000
"""Longest time from one look to the next, microseconds."""
CORRELATION = 3 / 7
"""Of the logits of one blob in two passes, on the cautious side: .30 for single hulls and .41 for
ships alongside were measured. Gives two passes the weight of .7 that the bench measured."""
LEAST_P = 0.1
"""Events less likely are not written, unless one of their looks shows a pair alongside."""
CONFIRMED_P = 0.5
LARGEST_LOGIT = 12.0


@dataclass(frozen=True, eq=False)
class Looks:
    """Detections that may be ships alongside, in the order of time; all arrays (n,)."""

    rows: Integers
    """Row of the table of detections."""
    lon: Float
    lat: Float
    length: Float
    length_sd: Float
    when: Integers
    """Microseconds since 1970."""
    platform: Integers
    is_radar: Bools
    logit: Float
    """Logarithm of the odds at equal shares."""
    is_pair: Bools
    """Whether the look alone lists a pair alongside."""


def fused(logits: Float, event: Integers) -> Float:
    """(events,) logit at equal shares of looks at one blob, whose errors are correlated.

    Of n looks the sum of the logits over 1 + (n - 1) CORRELATION: the logarithm of the likelihood
    ratio of n equally good looks with normal errors that are correlated like this.

    logits : (n,) at equal shares
    event : (n,) 0, 1, ...
    """
    size = np.bincount(event)
    return np.asarray(np.bincount(event, logits) / (1.0 + (size - 1.0) * CORRELATION))


def linked(
    detections: gpd.GeoDataFrame, pairs: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame, prior: float
) -> tuple[Looks, Integers]:
    """Looks that may show ships alongside, and the number of the event that each is of.

    Parameters
    ----------
    detections, pairs, scenes
        Of a `Sweep`, duplicates left out. What bears a doubt, fixed objects among it, is no look.
    prior
        Share of ships alongside that `p_alongside` was told at.
    """
    looks = _looks(detections, pairs, Scenes.of(scenes), scenes, prior)
    first, second = _candidates(looks)
    if not looks.rows.size:
        return looks, np.zeros(0, np.int64)
    # A pass has a blob once: those of one pass never become one.
    passes = _passes(looks)
    thing = same_things(first, second, np.ones(first.size, np.bool_), passes)
    return looks, np.unique(thing, return_inverse=True)[1].astype(np.int64)


def events(
    detections: gpd.GeoDataFrame, pairs: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame, prior: float
) -> dict[str, Any]:
    """Columns of the table EVENTS; parameters are those of `linked`."""
    looks, event = linked(detections, pairs, scenes, prior)
    shift = np.log(prior / (1.0 - prior))
    p = 1.0 / (1.0 + np.exp(-(fused(looks.logit, event) + shift)))
    shows = np.bincount(event, looks.is_pair, minlength=p.size) > 0
    written = np.flatnonzero((p >= LEAST_P) | shows)
    order = np.argsort(event, kind="stable")  # by time within an event
    start = np.searchsorted(event[order], np.arange(p.size + 1))
    members = [order[start[k] : start[k + 1]] for k in written]
    ids = detections["detect_id"].to_numpy()[looks.rows]
    names = detections["platform"].to_numpy()[looks.rows]
    lon = [_middle_lon(looks.lon[at]) for at in members]
    lat = [float(looks.lat[at].mean()) for at in members]
    times = pd.to_datetime(looks.when, unit="us", utc=True)
    n_passes = [_count_passes(looks, at) for at in members]
    radar = [int(looks.is_radar[at].sum()) for at in members]
    confirmed = [
        bool(p[k] >= CONFIRMED_P and (n > 1 or r < at.size))
        for k, n, r, at in zip(written, n_passes, radar, members, strict=True)
    ]
    return {
        "event_id": [hashlib.sha256(min(ids[at]).encode()).hexdigest()[:20] for at in members],
        "lon": lon,
        "lat": lat,
        "geometry": shapely.to_wkb(shapely.points(np.column_stack([lon, lat]))),
        "first_seen": [times[at[0]] for at in members],
        "last_seen": [times[at[-1]] for at in members],
        "n_passes": n_passes,
        "n_radar": radar,
        "n_optical": [at.size - r for at, r in zip(members, radar, strict=True)],
        "platforms": [sorted(set(names[at])) for at in members],
        "length_m": [float(np.median(looks.length[at])) for at in members],
        "p_alongside": p[written],
        "is_confirmed": confirmed,
        "detect_ids": [list(ids[at]) for at in members],
    }


def _looks(
    detections: gpd.GeoDataFrame,
    pairs: gpd.GeoDataFrame,
    taken: Scenes,
    scenes: gpd.GeoDataFrame,
    prior: float,
) -> Looks:
    scene = taken.number_of(detections)
    alongside = pairs[(pairs["kind"] == "alongside") & (pairs["flags"] & int(DOUBT) == 0)]
    # Two blobs are one look, at the longer hull.
    score = alongside.groupby("detect_id_1")["score"].max()
    of_pair = detections["detect_id"].map(score).to_numpy(float)
    p = np.fmax(detections["p_alongside"].to_numpy(float), of_pair)
    is_second = detections["detect_id"].isin(alongside["detect_id_2"].dropna())
    known = np.isfinite(p) & (detections["flags"].to_numpy() & int(DOUBT) == 0)
    rows = np.flatnonzero(known & ~(is_second.to_numpy() & np.isnan(of_pair)))
    when = detections["datetime"].dt.as_unit("us").astype("int64").to_numpy()
    ids = detections["detect_id"].to_numpy()[rows].astype(str)
    rows = rows[np.lexsort((ids, when[rows]))]
    limit = 1.0 / (1.0 + np.exp(LARGEST_LOGIT))
    sure = np.clip(p[rows], limit, 1.0 - limit)
    return Looks(
        rows=rows,
        lon=detections["lon"].to_numpy()[rows],
        lat=detections["lat"].to_numpy()[rows],
        length=detections["length_m"].to_numpy()[rows],
        length_sd=detections["length_sd_m"].to_numpy()[rows],
        when=when[rows],
        platform=taken.platform[scene[rows]],
        is_radar=taken.is_radar[scene[rows]],
        logit=np.log(sure / (1.0 - sure)) - np.log(prior / (1.0 - prior)),
        is_pair=np.isfinite(of_pair[rows]),
    )


def _candidates(looks: Looks) -> tuple[Integers, Integers]:
    """Looks of different passes that may be at one blob, nearest in time first."""
    found = [np.zeros((0, 2), np.int64)]
    day = looks.when // APART_US
    for start in np.unique(day):
        # A slice of time and the next: months of an anchorage have too many neighbours.
        low, high = np.searchsorted(day, [start, start + 2])
        own = np.searchsorted(day, start + 1)
        one, two = near(looks.lon[low:high], looks.lat[low:high], SPOT_M)
        begins_here = one + low < own
        found.append(np.column_stack([one + low, two + low])[begins_here])
    first, second = np.concatenate(found).T
    gap = looks.when[second] - looks.when[first]
    same_pass = (looks.platform[first] == looks.platform[second]) & (gap <= PASS_US)
    one, two = looks.length[first], looks.length[second]
    most = np.maximum(LIKE_LENGTH * np.maximum(one, two), LIKE_LENGTH_M)
    sd = np.hypot(looks.length_sd[first], looks.length_sd[second])
    like = np.abs(one - two) <= np.maximum(most, LIKE_SD * sd)
    at = np.flatnonzero(like & ~same_pass & (gap <= APART_US))
    away = np.hypot(looks.lat[first] - looks.lat[second], looks.lon[first] - looks.lon[second])
    order = at[np.lexsort((second[at], first[at], away[at], gap[at]))]
    return first[order], second[order]


def _passes(looks: Looks) -> Integers:
    """(n,) number of the pass, taking all that one platform saw without a break for one."""
    order = np.lexsort((looks.when, looks.platform))
    begins = np.ones(order.size, np.bool_)
    begins[1:] = np.diff(looks.platform[order]) != 0
    begins[1:] |= np.diff(looks.when[order]) > PASS_US
    out = np.empty(order.size, np.int64)
    out[order] = np.cumsum(begins) - 1
    return out


def _count_passes(looks: Looks, at: Integers) -> int:
    order = np.lexsort((looks.when[at], looks.platform[at]))
    platform, when = looks.platform[at][order], looks.when[at][order]
    return int(1 + ((np.diff(platform) != 0) | (np.diff(when) > PASS_US)).sum())


def _middle_lon(lon: Float) -> float:
    """Mean longitude, also across 180 degrees."""
    away = (lon - lon[0] + 180.0) % 360.0 - 180.0
    return float((lon[0] + away.mean() + 180.0) % 360.0 - 180.0)
