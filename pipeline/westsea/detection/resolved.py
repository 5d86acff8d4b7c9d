"""Two hulls of one blob, where the pixels are fine enough to tell their sizes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea.detection.beams import usual_beam
from westsea_kernels import two_hulls

Float = NDArray[np.float64]

LEAST_GAIN = 10.0
"""Twice the logarithm of how much likelier two hulls must be than one: five more parameters."""
LARGEST_LENGTH_SD = 0.15
"""Standard error of the logarithm of either length beyond which neither is told."""


@dataclass(frozen=True)
class TwoHulls:
    """One entry a blob, all arrays (n,) in metres; NaN where not resolvable. Hull 1 is longer."""

    length_m_1: Float
    length_m_2: Float
    width_m_1: Float
    width_m_2: Float
    gap_m: Float
    gap_sd_m: Float
    center_distance_m: Float
    overlap_m: Float
    """Of the longer hull's length that both lie along."""


def resolve(two: Float) -> TwoHulls:
    """Take sizes from fits of two hulls.

    two : (n, k) of `sections.Description`; without columns nothing is resolvable.
    """
    if two.shape[1] == 0:
        return TwoHulls(*(np.full(len(two), np.nan) for _ in range(8)))
    end = 1 + two_hulls.N_FITTED
    p, sd = (two[:, end + first :] for first in (two_hulls.PARAMETERS, two_hulls.SD))
    sides = [(two_hulls.LOG_LENGTH_1, two_hulls.LOG_BEAM_1),
             (two_hulls.LOG_LENGTH_2, two_hulls.LOG_BEAM_2)]  # fmt: skip
    with np.errstate(invalid="ignore"):
        good = two[:, 0] > LEAST_GAIN
        for length, _ in sides:
            good &= sd[:, length] < LARGEST_LENGTH_SD
    p, sd = np.where(good[:, None], p, np.nan), np.where(good[:, None], sd, np.nan)
    lengths = np.stack([np.exp(p[:, length]) for length, _ in sides])
    widths = np.stack([np.exp(p[:, beam]) for _, beam in sides]) * usual_beam(lengths)
    longer = np.where(lengths[0] >= lengths[1], 0, 1)
    k = np.arange(len(two))
    ahead = np.abs(p[:, two_hulls.AHEAD])
    across = p[:, two_hulls.GAP] + widths.mean(axis=0)
    half, other = lengths[longer, k] / 2, lengths[1 - longer, k] / 2
    return TwoHulls(
        length_m_1=lengths[longer, k],
        length_m_2=lengths[1 - longer, k],
        width_m_1=widths[longer, k],
        width_m_2=widths[1 - longer, k],
        gap_m=np.maximum(p[:, two_hulls.GAP], 0.0),
        gap_sd_m=sd[:, two_hulls.GAP],
        center_distance_m=np.hypot(ahead, across),
        overlap_m=np.minimum(half, ahead + other) - np.maximum(-half, ahead - other),
    )
