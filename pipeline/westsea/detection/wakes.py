"""Wakes in optical scenes: pieces of a hull's trail of foam that were found as if they were hulls.

A trail leaves the stern along the hull's axis, is narrow, and has no ends: where it falls below the
threshold it goes on, on the way to the hull or beyond. A hull ends, with water before and behind
it. So pixels are looked at, along the line through the hull and what may be a piece of its trail,
and on either side of it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from westsea.detection.doubts import doubted_by, excess_db
from westsea.detection.hulls import Hulls
from westsea.detection.pixels import Pixels
from westsea.schema import Flag
from westsea_catalog.grid import Window
from westsea_kernels.wakes import trail_pieces

Float = NDArray[np.float64]

REACH_LENGTHS = 20.0
LEAST_REACH_M = 500.0
"""Small craft leave trails that are long for them, and their lengths come out too short."""
FARTHEST_M = 2_500.0
"""Foam lasts a few minutes: at 8 m/s five of them."""
ASIDE_M = 20.0
DRIFT_DEG = 4.0
"""Trails bend with the helm, and wind and current set a hull at an angle to its way."""
CERTAINTY = 2.0
"""Standard errors of an axis."""

LEAST_STEPS = 3
SKIP_PX = 2.0
"""At the ends of what was measured, for the sensor's blur."""
BEYOND_PX = 8.0
FLANK_PX = 4.0
"""From the edge of a trail, as wide as its hull, to the water beside it."""
TRAIL_SHARE = 1 / 3
"""Of a piece's light, which the rest of the trail reaches: foam fades and gathers in patches, but a
hull ends."""
PATCH_SHARE = 0.4
"""Of its brightest pixel that a piece is at least as bright as: noise and patches add to that."""
LOW_QUANTILE = 0.25
"""Of the steps along the trail: hulls on the line make none, for there is water between them."""


def flag_wakes(hulls: Hulls, pixels: Pixels) -> Hulls:
    """Flag pieces of wakes, with source and ratio, and remark that the source is under way."""
    level = excess_db(hulls)
    hull, piece, away = _candidates(hulls, level)
    shown = [
        _is_trail(hulls, one, other, metres, level[other], pixels)
        for one, other, metres in zip(hull, piece, away, strict=True)
    ]
    source = _sources(hull[shown], piece[shown], away[shown], level)
    ratio = np.where(source >= 0, level[source] - level, np.nan)
    under_way = np.zeros(len(hulls), np.int32)
    under_way[source[source >= 0]] = int(Flag.UNDER_WAY)
    hulls = doubted_by(hulls, Flag.WAKE, source, ratio)
    return replace(hulls, flags=hulls.flags | under_way)


def _sources(
    hull: NDArray[np.int64], piece: NDArray[np.int64], away: Float, level: Float
) -> NDArray[np.int64]:
    """(n,) the hull whose wake each is a piece of, -1 for none.

    It is the nearest; where that is a piece itself, the hull of that one, which is brighter still.
    """
    source = np.full(level.size, -1)
    for k in np.lexsort((hull, -away, piece, -level[piece])):
        source[piece[k]] = source[hull[k]] if source[hull[k]] >= 0 else hull[k]
    return source


def _candidates(hulls: Hulls, level: Float) -> tuple[NDArray[np.int64], NDArray[np.int64], Float]:
    """Hulls, blobs that lie as pieces of their trails would, and metres between the two."""
    order = np.lexsort((hulls.lon, hulls.lat))
    unsure = CERTAINTY * hulls.heading_sd_deg
    reach = np.clip(REACH_LENGTHS * hulls.length_m, LEAST_REACH_M, FARTHEST_M)
    aside = ASIDE_M + hulls.width_m / 2
    columns = (
        hulls.lon, hulls.lat, level, hulls.heading_deg, DRIFT_DEG + unsure, hulls.length_m, reach,
        aside,
    )  # fmt: skip
    near, away = trail_pieces(*(column[order] for column in columns))
    return order[near[:, 0]], order[near[:, 1]], away


def _is_trail(
    hulls: Hulls, hull: int, piece: int, away: float, level: float, pixels: Pixels
) -> bool:
    """Whether foam goes on between a hull and a piece of its trail, or beyond the piece."""
    start = np.array([hulls.row[hull], hulls.col[hull]])
    line = np.array([hulls.row[piece], hulls.col[piece]]) - start
    length = float(np.hypot(*line))
    pixel_m = away / length
    flank = hulls.width_m[hull] / pixel_m / 2 + FLANK_PX
    half = max(hulls.length_m[piece] / pixel_m / 2, 1.0)
    stern = hulls.length_m[hull] / pixel_m / 2
    inside = (length - half, length + half)
    before = (stern + SKIP_PX, length - half - SKIP_PX)
    beyond = (length + half + SKIP_PX, length + half + SKIP_PX + BEYOND_PX)
    own, *others = (
        _foam(start, line / length, np.arange(first, last + 0.5), flank, pixels)
        for first, last in (inside, before, beyond)
    )
    own = max(own, PATCH_SHARE * 10.0 ** (level / 10.0))
    return bool(max(others) >= TRAIL_SHARE * own)


def _foam(start: Float, ahead: Float, steps: Float, flank: float, pixels: Pixels) -> float:
    """Light along a line above that of the brighter of its flanks; -inf where not all is seen."""
    if steps.size < LEAST_STEPS:
        return -np.inf
    across = np.array([-ahead[1], ahead[0]])
    aside = np.add.outer([-flank, 0.0, flank], [-1.0, 0.0, 1.0])
    at = start + steps[:, None, None, None] * ahead + aside[..., None] * across
    values = _values(np.rint(at).astype(np.int64), pixels)
    if values is None:
        return -np.inf
    left, trail, right = np.moveaxis(values, 1, 0)
    light = np.quantile(trail.mean(axis=1), LOW_QUANTILE)
    return float(light - max(np.median(left), np.median(right)))


def _values(at: NDArray[np.int64], pixels: Pixels) -> Float | None:
    """(...) of the first band at (..., 2) rows and columns; None where any has no data."""
    rows, cols = at[..., 0], at[..., 1]
    box = Window(int(rows.min()), int(rows.max()) + 1, int(cols.min()), int(cols.max()) + 1)
    if box.intersection(pixels.scene.grid.full) != box:
        return None
    values = pixels.bands(box)[0][rows - box.row0, cols - box.col0].astype(float)
    return None if (values == pixels.scene.nodata).any() else values
