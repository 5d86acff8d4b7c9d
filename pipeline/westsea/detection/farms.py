"""Aquaculture seen in the pixels: rows of cages whose image repeats in two directions.

Most cages of a farm stay below the threshold of detection, and those above it are too few to show
that they lie in rows. All of them together make the spectrum of the image stand out: at the waves
that the rows repeat with, their echoes add up, while speckle and ships at random do not.
"""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.blobs import Fetch, plane_of
from westsea.detection.doubts import doubted
from westsea.detection.hulls import Hulls
from westsea.detection.sea import Sea
from westsea.schema import Flag
from westsea_catalog.grid import Grid, Window
from westsea_kernels.blocks import BLOCK
from westsea_kernels.pairs import find_pairs

Float = NDArray[np.float64]

SIDE = 8
"""Blocks of the square that is looked at: 1.3 km of 10 m pixels, somewhat more than a farm."""
LONGEST_M = 80.0
"""Of a blob that may be a cage, or several."""
MOST_DB = 13.0
"""Over the sea, of a cage."""
NEAR_M = 1000.0
"""Of one cage from another."""
WAVES_M = (40.0, 260.0)
"""Spacings of cages and rows."""
MOST = 6.0
"""Brighter pixels count as this many times the sea: one ship must not rule the spectrum."""
LEAST_POWER = 18.0
"""Of both waves over what is usual at their length. Cages of two drawn farms had 20 and more; 570
squares of simulated sea and ships had less than 14, but for a wind farm's sidelobes."""
LEAST_SINE = 0.45
"""Between the two waves."""
_POINT_M = 0.1
_RING = 1.5
"""Steps of frequency over which the usual power is taken."""


def flag_farms(hulls: Hulls, window: Window, grid: Grid, water: Sea, fetch: Fetch) -> Hulls:
    """Set the lattice flag on small faint blobs amid rows of others.

    Parameters
    ----------
    window
        That is judged; blocks are counted from its corner.
    fetch
        Reads blocks.
    """
    small = (hulls.length_m <= LONGEST_M) & (hulls.snr_db <= MOST_DB)
    shape = water.seed.shape
    if min(shape) < SIDE:
        return hulls
    member = np.zeros(len(hulls), np.bool_)
    for k in np.flatnonzero(_in_company(hulls, small)):
        if member[k]:  # a farm's other cages need no look of their own
            continue
        corner = _corner(hulls.row[k] - window.row0, hulls.col[k] - window.col0, shape)
        image = _square(corner, water, fetch)
        jacobian = grid.jacobian(hulls.row[k], hulls.col[k])
        if two_waves(image, jacobian).min() >= LEAST_POWER:
            row, col = hulls.row - window.row0, hulls.col - window.col0
            top, left = corner * BLOCK
            inside = (row >= top) & (row < top + SIDE * BLOCK)
            inside &= (col >= left) & (col < left + SIDE * BLOCK)
            member |= inside & small
    return doubted(hulls, Flag.LATTICE, member)


def _in_company(hulls: Hulls, small: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of the small that have another near: a lone one costs no second look."""
    order = np.flatnonzero(small)[np.argsort(hulls.lat[small], kind="stable")]
    points = np.full(order.size, _POINT_M)
    near, _ = find_pairs(
        hulls.lon[order], hulls.lat[order], points, points, np.zeros(order.size), NEAR_M, _POINT_M
    )
    company = np.zeros(len(hulls), np.bool_)
    company[order[near]] = True
    return company


def two_waves(image: Float, jacobian: Float) -> Float:
    """(2,) power of the two strongest waves across each other, over what is usual.

    Parameters
    ----------
    image : (n, n)
        In units of the sea's level; NaN counts as 1.
    jacobian : (2, 2)
        Ground metres (east, north) per step (col, row).
    """
    n = len(image)
    levels = np.minimum(np.where(np.isfinite(image), image, 1.0), MOST)
    taper = np.hanning(n)
    power = np.abs(np.fft.fft2((levels - levels.mean()) * taper[:, None] * taper)) ** 2
    steps = np.fft.fftfreq(n)
    per_col, per_row = np.meshgrid(steps, steps)
    east, north = np.tensordot(np.linalg.inv(jacobian).T, np.stack([per_col, per_row]), axes=1)
    frequency = np.hypot(east, north)
    power = power / _usual(power, frequency * np.sqrt(abs(np.linalg.det(jacobian))) * n / _RING)
    half = (per_row > 0) | ((per_row == 0) & (per_col > 0))
    wanted = half & (frequency >= 1 / WAVES_M[1]) & (frequency <= 1 / WAVES_M[0])
    power = np.where(wanted, power, 0.0)
    first = np.unravel_index(power.argmax(), power.shape)
    both = np.maximum(frequency * frequency[first], 1e-30)
    sine = np.abs(east * north[first] - north * east[first]) / both
    return np.array([power[first], power[sine >= LEAST_SINE].max(initial=0.0)])


def _usual(power: Float, radius: Float) -> Float:
    """Mean power at each frequency's distance from 0, were it exponential: from the median."""
    ring = np.rint(radius).astype(np.int64).ravel()
    order = np.lexsort((power.ravel(), ring))
    counts = np.bincount(ring)
    middle = np.cumsum(counts) - counts + counts // 2
    median = power.ravel()[order][np.minimum(middle, order.size - 1)]
    return np.asarray(np.maximum(median, 1e-30)[ring].reshape(power.shape) / np.log(2.0))


def _corner(row: float, col: float, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """First block (row, col) of the square about a pixel, within the window."""
    first = np.rint(np.array([row, col]) / BLOCK - SIDE / 2).astype(np.int64)
    return np.clip(first, 0, np.array(shape) - SIDE)


def _square(corner: NDArray[np.int64], water: Sea, fetch: Fetch) -> Float:
    """The plane of the square's blocks, (n, n), in units of the sea's level."""
    places = corner + np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE), axis=1)
    plane = (
        plane_of(water, places, fetch(places)) / water.background[tuple(places.T)][:, None, None]
    )
    blocks = plane.reshape(SIDE, SIDE, BLOCK, BLOCK).swapaxes(1, 2)
    return np.asarray(blocks.reshape(SIDE * BLOCK, SIDE * BLOCK), float)
