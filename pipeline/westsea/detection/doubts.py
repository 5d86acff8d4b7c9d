"""Doubt that other detections of a scene throw on one, and the evidence for it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from westsea.detection.hulls import DOUBT_SCORE, Hulls
from westsea.schema import DOUBT, Flag

Float = NDArray[np.float64]


def doubted(hulls: Hulls, flag: Flag, which: NDArray[np.bool_]) -> Hulls:
    """The hulls with a doubt flag set on some; the score falls once, whatever the number."""
    before = (hulls.flags & int(DOUBT)) != 0
    score = np.where(which & ~before, DOUBT_SCORE * hulls.score, hulls.score)
    flags = hulls.flags | np.where(which, np.int32(flag), np.int32(0))
    return replace(hulls, flags=flags, score=score)


def doubted_by(hulls: Hulls, flag: Flag, source: NDArray[np.int64], ratio: Float) -> Hulls:
    """The hulls with a doubt flag set on those with a source; evidence of an earlier flag stays.

    Parameters
    ----------
    source : (n,)
        Index of a hull, -1 for none; beyond the last for what is no hull.
    ratio : (n,)
        Level of the source above the hull's own, dB.
    """
    found = source >= 0
    names = np.concatenate([hulls.detect_id, np.array([None])])
    of_hull = np.where(found & (source < len(hulls)), source, len(hulls))
    new = found & np.isnan(hulls.doubt_ratio_db)
    hulls = replace(
        hulls,
        doubt_detect_id=np.where(new, names[of_hull], hulls.doubt_detect_id),
        doubt_ratio_db=np.where(new, ratio, hulls.doubt_ratio_db),
    )
    return doubted(hulls, flag, found)


def excess_db(hulls: Hulls) -> Float:
    """(n,) level of the brightest pixel, less the sea around it."""
    above = 10.0 ** (hulls.peak_db / 10.0) - 10.0 ** (hulls.clutter_db / 10.0)
    least = np.finfo(float).tiny  # a peak is above the sea, but for rounding
    return np.asarray(10.0 * np.log10(np.maximum(above, least)))
