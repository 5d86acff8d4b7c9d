"""How sure a close pair is: two ships, and a gap between them that is that of its kind.

    score = p(first is a ship) p(second is a ship) p(gap lies within the limits)

A ship's own score is right for those alone at sea. Beside another it is less likely clutter, for
clutter hardly ever lies there; a doubt is more often right, for farms, coasts and sidelobes
come in many pieces; what is small and lies within some pixels of a hull is mostly a piece of it;
and small things that come in crowds are mostly cages of a farm.
"""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.company import crowded
from westsea.detection.hulls import Hulls
from westsea.schema import DOUBT

Float = NDArray[np.float64]
Integers = NDArray[np.int64]

COMPANY_ODDS = 1.7
"""Of being a ship, in company over alone, where neither bears a doubt."""
COMPANY_DOUBT = 0.25
"""Factor on the score of what bears a doubt, in company over alone."""
PIECE_SHARE = 0.9
"""Of what looks like a piece of its neighbour, what is one."""
PIECE_GAP_M, PIECE_M, PIECE_RATIO = 40.0, 35.0, 0.6
"""A piece lies so near, is no longer, and no longer than this share of its neighbour."""
CROWD_M = 50.0
CROWD_SHARE = 0.05
"""Of pairs of two that are no longer than this, one of them in a crowd of such, those that are two
ships. The archives hold none; they hold no fishing boats that crowd either, which do.

All fitted to twelve archives (seeds 401-412); `make bench` prints them anew."""


def close_scores(
    hulls: Hulls, first: Integers, second: Integers, gap: Float, certain: Float
) -> Float:
    """Probability that pairs are two ships whose gap lies where it should.

    Parameters
    ----------
    first, second : (n,)
        Indices of the longer and of the other hull, of all pairs that there are.
    gap : (n,)
        Metres.
    certain : (n,)
        Probability that the gap lies within the limits of its kind.
    """
    doubted = hulls.flags & int(DOUBT) != 0
    both_clear = ~doubted[first] & ~doubted[second]
    small = both_clear & (hulls.length_m[first] <= CROWD_M)
    in_crowd = crowded(len(hulls), first[small], second[small])
    piece = np.zeros(len(hulls), np.bool_)
    piece[second[_pieces(hulls, first, second, gap)]] = True
    out = certain * np.where(small & (in_crowd[first] | in_crowd[second]), CROWD_SHARE, 1.0)
    for side in (first, second):
        score = hulls.score[side]
        clear = np.where(both_clear, with_odds(score, COMPANY_ODDS), score)
        out *= np.where(doubted[side], COMPANY_DOUBT * score, clear)
        out *= np.where(piece[side], 1.0 - PIECE_SHARE, 1.0)
    return out


def with_odds(probability: Float, factor: float) -> Float:
    """Probabilities whose odds are that many times as high."""
    return np.asarray(factor * probability / (1.0 + (factor - 1.0) * probability))


def _pieces(hulls: Hulls, first: Integers, second: Integers, gap: Float) -> NDArray[np.bool_]:
    """(n,) whether the shorter hull of each pair looks like a piece of the longer."""
    longest = np.minimum(PIECE_M, PIECE_RATIO * hulls.length_m[first])
    return np.asarray((gap <= PIECE_GAP_M) & (hulls.length_m[second] <= longest))
