"""Wakes as Sentinel-2 sees them: the trail of foam behind a hull and the arms of its bow waves."""

from dataclasses import dataclass

import numpy as np

from westsea_catalog.archive.layout import PlantedHull
from westsea_catalog.archive.msi import PSF_VARIANCE_M2, Float, Pixels, seen

FOAM = np.array([0.24, 0.24, 0.23, 0.18, 0.06])
"""Effective reflectance of foam: 0.22 in the visible (Koepke 1984), 40 % less in the near infrared
and 95 % less at 1.6 um for dense foam (Frouin et al. 1996); bubbles below brighten a trail."""
KELVIN_DEG = 19.47
"""Half angle of a wake in deep water (Kelvin 1887)."""
_STERN_SHARE = 0.15
"""Share of foam right behind a hull that makes `_FULL_MS`."""
_FULL_MS = 8.0
_LASTS_LENGTHS, _ENDS_LENGTHS = 4.0, 12.0
"""A trail falls to 1/e, and is cut, so many hull lengths behind the stern ..."""
_LASTS_S = 60.0
"""... or falls in this time, where that is sooner: bubbles rise whatever the hull's length."""
_ARM_LENGTHS, _ARM_SPREAD_M = 8.0, 9.0
_ARM_SHARE = 0.012


@dataclass(frozen=True, eq=False)
class Wake:
    """The foam of one hull."""

    row: int
    col: int
    share: Pixels
    """(rows, cols) of the water that looks like foam."""


def draw_wake(
    rng: np.random.Generator, planted: PlantedHull, shape: tuple[int, int]
) -> Wake | None:
    """Draw the wake of a hull under way, as the optics blur it; None without or off the scene."""
    if planted.speed_ms <= 0:
        return None
    box = _box(planted, shape)
    rows, cols = np.ogrid[box[0] : box[1], box[2] : box[3]]
    if rows.size == 0 or cols.size == 0:
        return None
    forward, starboard = planted.hull.from_ground(*planted.ground_offset(rows, cols))
    strength = min(planted.speed_ms / _FULL_MS, 1.5) ** 2
    trail = planted.foam * _STERN_SHARE * trail_share(planted, forward, starboard)
    arms = _ARM_SHARE * _arm_share(planted, forward, starboard)
    # Foam gathers in patches, which the optics blur too.
    patches = np.exp(0.35 * seen(seen(rng.standard_normal(trail.shape, dtype=np.float32))))
    share = np.clip(strength * (trail * patches + arms), 0.0, 0.9)
    return Wake(box[0], box[2], share.astype(np.float32))


def trail_share(planted: PlantedHull, forward: Float, starboard: Float) -> Float:
    """Share of foam at hull coordinates, relative to that of a wide trail right at the stern."""
    hull = planted.hull
    astern, starboard = _along_track(planted, forward, starboard)
    lengths = np.maximum(astern, 0.0) / hull.length_m
    # One beam wide at the stern, two after ten lengths.
    width = hull.width_m * (1 + np.sqrt(np.minimum(lengths / 10, 1.0)))
    own = (width / 2.4) ** 2
    seen = own + PSF_VARIANCE_M2
    across = np.sqrt(own / seen) * np.exp(-(starboard**2) / (2 * seen))
    begins = 1 / (1 + np.exp(np.clip(-astern / 4.0, -60, 60)))
    fade_m = min(_LASTS_LENGTHS * hull.length_m, _LASTS_S * planted.speed_ms)
    along = np.exp(-np.maximum(astern, 0.0) / fade_m) * (lengths < _ENDS_LENGTHS)
    return np.asarray(across * begins * along)


def _along_track(planted: PlantedHull, forward: Float, starboard: Float) -> tuple[Float, Float]:
    """Metres astern of the stern along the way that the hull came, and to starboard of it."""
    ahead, radius = forward + planted.hull.length_m / 2, planted.turn_radius_m
    if np.isinf(radius):
        return -ahead, starboard
    side = np.sign(radius)
    inward = side * starboard
    angle = np.arctan2(-ahead, abs(radius) - inward)
    return abs(radius) * angle, side * (abs(radius) - np.hypot(ahead, abs(radius) - inward))


def _arm_share(planted: PlantedHull, forward: Float, starboard: Float) -> Float:
    hull = planted.hull
    behind = np.maximum(hull.length_m / 2 - forward, 0.0)
    aside = abs(starboard) - np.tan(np.deg2rad(KELVIN_DEG)) * behind
    # Distance to the arm, not along the beam.
    off = aside * np.cos(np.deg2rad(KELVIN_DEG))
    fade = (1 + behind / hull.length_m) ** (-1 / 3) * np.clip(
        _ARM_LENGTHS - behind / hull.length_m, 0.0, 1.0
    )
    return np.asarray(np.exp(-(off**2) / (2 * _ARM_SPREAD_M**2)) * fade * (behind > 0))


def _box(planted: PlantedHull, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Rows and columns (first, beyond the last) of the scene that a wake may touch."""
    hull = planted.hull
    far = -(_ENDS_LENGTHS + 0.5) * hull.length_m
    front, arm = 0.5 * hull.length_m, 0.4 * _ARM_LENGTHS * hull.length_m
    if np.isfinite(planted.turn_radius_m):
        front = arm = -far
    corners = hull.to_ground(
        np.array([front, front, far, far]),
        np.array([-arm, arm, -arm, arm]),
    )
    drow, dcol = planted.pixel_offset(*corners)
    ends = []
    for place, steps, size in ((planted.row, drow, shape[0]), (planted.col, dcol, shape[1])):
        first, last = place + steps.min() - 3, place + steps.max() + 4
        ends += [int(np.clip(first, 0, size)), int(np.clip(last, 0, size))]
    return ends[0], ends[1], ends[2], ends[3]
