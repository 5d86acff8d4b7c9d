"""Motion of optical detections between the bands, which look one after the other.

A hull makes way along its axis; crests run across theirs, at the speed of waves. Which of the
bands looks first is known up to the order in which a detector module has them, and products do not
tell the module: so the speed is a number without a sign.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from westsea.detection.bands import VISIBLE, BandFits
from westsea.detection.doubts import doubted
from westsea.detection.hulls import Hulls
from westsea.schema import Flag

Float = NDArray[np.float64]

LAG_S = {"B02": -0.264, "B03": 0.263, "B04": 0.741}
"""When a band looks at a place after B08 does, or before where modules have them the other way
round: ESA's handbook gives B08, B03 and B04 as 0.264, 0.527 and 1.005 s after B02, right to 2 %
(Binet et al. 2022)."""
REGISTRATION_SD_M = 0.7
"""Of a band against B08: a tenth of a pixel is required (0.3 at three sigma), and blocks of land in
five real ports lie 0.6 m off in the root mean square of their medians."""
PAINT_SD_M = 1.5
"""Shift that all visible bands share, for a ship's colours are not spread as evenly as its
brightness in B08: 0.5 to 2 m in the built-in archive and in the real ports."""
CERTAINTY = 3.0
"""Standard errors from which something moves."""
LEAST_SPEED_MPS = 1.5
"""Of a ship under way: 3 knots; at anchor they swing at a few tenths."""
WORST_SD_MPS = 4.0
"""A speed less sure is none: B03 alone, 0.26 s after B08, tells to 6.5 m/s."""
SIDEWAYS_MPS = 3.0
"""Ships do not make way sideways: what does has another axis than was measured."""
SLOWEST_CREST_MPS = 5.0
"""Waves of 16 m; shorter ones make no crest of a pixel."""
FAINT_DB = 5.0
"""Peak of a crest over the sea: three times its light. Brighter things that move across what was
measured are fast hulls on which a mirror outshines the deck: all nine of 930 simulated ones."""
LEAST_LIKENESS = 0.7
"""Of what is the same thing in both bands; crests have 0.82 and more."""


def tell_motion(hulls: Hulls, fits: BandFits) -> Hulls:
    """Set speed and the remark that a hull is under way, and doubt faint crests."""
    along, along_sd = speed(fits.along_m, fits.along_sd_m, PAINT_SD_M)
    across, across_sd = speed(fits.across_m, fits.across_sd_m, 0.0)
    sideways = np.abs(across) >= CERTAINTY * across_sd
    is_told = along_sd <= WORST_SD_MPS
    is_known = is_told & ~(sideways & (np.abs(across) >= SIDEWAYS_MPS))
    magnitude = np.abs(along)
    moves = is_known & (magnitude >= np.maximum(LEAST_SPEED_MPS, CERTAINTY * along_sd))
    is_alike = ~np.any(fits.likeness < LEAST_LIKENESS, axis=1)
    is_crest = is_told & sideways & (np.abs(across) >= SLOWEST_CREST_MPS)
    is_crest &= is_alike & (hulls.snr_db <= FAINT_DB)
    remark = np.where(moves, np.int32(Flag.UNDER_WAY), np.int32(0))
    hulls = replace(
        hulls,
        speed_mps=np.where(is_known, magnitude, np.nan),
        speed_sd_mps=np.where(is_known, along_sd, np.nan),
        flags=hulls.flags | remark,
    )
    return doubted(hulls, Flag.WAKE, is_crest)


def speed(shift_m: Float, sd_m: Float, common_sd_m: float) -> tuple[Float, Float]:
    """Speed that fits the shifts in the visible bands best, and its standard error; m/s.

    Parameters
    ----------
    shift_m, sd_m : (n, 3)
        Since B08; NaN where a band says nothing.
    common_sd_m
        Of an error that is the same in all bands.

    Returns
    -------
    (n,) speeds, and errors that grow where the bands contradict each other. NaN where none says
    anything.
    """
    lag = np.array([LAG_S[name] for name in VISIBLE])
    is_seen = np.isfinite(shift_m)
    shift = np.where(is_seen, shift_m, 0.0)
    variance = np.where(is_seen, sd_m**2 + REGISTRATION_SD_M**2, np.inf)
    weight = 1.0 / variance
    # Sherman and Morrison: the inverse of a diagonal plus a constant.
    pull = common_sd_m**2 / (1.0 + common_sd_m**2 * weight.sum(axis=1))

    def product(one: Float, other: Float) -> Float:
        single = (weight * one).sum(axis=1) * (weight * other).sum(axis=1)
        return np.asarray((weight * one * other).sum(axis=1) - pull * single)

    information = product(lag, lag)
    n_bands = is_seen.sum(axis=1)
    information = np.where(n_bands > 0, information, np.nan)
    value = product(lag, shift) / information
    rest = shift - value[:, None] * lag
    unlike = product(rest, rest) / np.maximum(n_bands - 1, 1)
    stretch = np.where(n_bands > 1, np.sqrt(np.maximum(unlike, 1.0)), 1.0)
    return value, stretch / np.sqrt(information)
