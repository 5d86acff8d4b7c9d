"""Lattices: aquaculture farms and wind farms, whose members lie on the crests of plane waves."""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.doubts import doubted
from westsea.detection.hulls import Hulls
from westsea.schema import Flag
from westsea_catalog.grid import GEOD
from westsea_kernels import lattices as fit

Float = NDArray[np.float64]

MOST_DB = 10.0
"""Turbines shine by where they turn their blades, and cages differ by what floats on them."""
MOST_RATIO = 3.0
"""Of the lengths of members: what is blurred into one is longer."""
SIZES = np.array([9, 12, 16, 24])
"""Of the neighbourhoods tried: a wind farm has ten members and many ships around it."""
LEAST_NATS = np.array([4.4, 4.6, 5.5, 6.25])
"""Of either wave, by size of the neighbourhood."""
LEAST_WEAKER, LEAST_BOTH = 1.0, 13.0
"""Enough too: rows that are sure, and along them cages so near to each other that their measured
places blur the wave."""
LEAST_VOTES = 0.5
"""Of the neighbourhoods with a lattice that hold a member, those that find it in its place."""
FARTHEST = 2.0
"""Of what lies amid members out of place, from them, in units of how they lie apart."""


def flag_lattices(hulls: Hulls) -> Hulls:
    """Set the lattice flag on members of regular lattices.

    Pieces of land amid nothing but pieces of land are not looked at.
    """
    n, order = len(hulls), np.lexsort((hulls.lon, hulls.lat))
    near = np.empty((n, fit.NEIGHBOURS), np.int64)
    evidence = np.empty((n, SIZES.size, 2))
    placed = np.empty((n, SIZES.size, fit.NEIGHBOURS), np.bool_)
    lon, lat = hulls.lon[order], hulls.lat[order]
    level, length = hulls.peak_db[order], hulls.length_m[order]
    fit.fit_lattices(
        lon, lat, level, length, MOST_DB, MOST_RATIO, SIZES, ~hulls.is_land[order], near, evidence,
        placed,
    )  # fmt: skip
    weaker, both = evidence.min(axis=2), evidence.sum(axis=2)
    certain = (weaker >= LEAST_NATS) | ((weaker >= LEAST_WEAKER) & (both >= LEAST_BOTH))
    # A ship amid a farm is a member to itself at most, not to the members' own neighbourhoods.
    within = np.arange(fit.NEIGHBOURS) < SIZES[:, None]
    asked = certain[:, :, None] & within & (near >= 0)[:, None, :]
    around = np.broadcast_to(near[:, None, :], asked.shape)
    n_asked = np.bincount(around[asked], minlength=n)
    n_placed = np.bincount(around[asked & placed], minlength=n)
    inside = (n_placed > 0) & (n_placed >= LEAST_VOTES * n_asked)
    inside |= _amid(inside, near, lon, lat)
    member = np.zeros(n, np.bool_)
    member[order] = inside
    return doubted(hulls, Flag.LATTICE, member)


def _amid(
    member: NDArray[np.bool_], near: NDArray[np.int64], lon: Float, lat: Float
) -> NDArray[np.bool_]:
    """(n,) what has members for two of the three nearest alike, no farther than they lie apart."""
    others = near[:, 1:4]
    away = np.stack([np.asarray(GEOD.inv(lon, lat, lon[k], lat[k])[2]) for k in others.T], axis=1)
    beside = (others >= 0) & member[others]
    apart = np.where(beside, away, np.inf).min(axis=1, initial=np.inf)
    usual = np.median(apart[member]) if member.any() else 0.0
    near_enough = beside & (away <= FARTHEST * usual)
    return np.asarray(near_enough.sum(axis=1) >= 2)
