"""Doubt that other detections of a scene throw on one: ghosts, sidelobes and lattices."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from westsea.hulls import DOUBT_SCORE, Hulls
from westsea.schema import DOUBT, Flag


def doubted(hulls: Hulls, flag: Flag, which: NDArray[np.bool_]) -> Hulls:
    """The hulls with a doubt flag set on some; the score falls once, whatever the number."""
    before = (hulls.flags & int(DOUBT)) != 0
    score = np.where(which & ~before, DOUBT_SCORE * hulls.score, hulls.score)
    flags = hulls.flags | np.where(which, np.int32(flag), np.int32(0))
    return replace(hulls, flags=flags, score=score)
