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
from westsea.schema import DOUBT, Flag
from westsea_catalog.grid import Grid, Window
from westsea_kernels.blocks import BLOCK
from westsea_kernels.pairs import have_neighbour

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
STRIP = 512
"""Blocks of the strips of columns that squares are looked at in, row after row: those that overlap
then find their pixels read already, whatever the scene's width."""
_RING = 1.5
"""Steps of frequency over which the usual power is taken."""


def flag_farms(
    hulls: Hulls,
    land_at: NDArray[np.int64],
    window: Window,
    grid: Grid,
    water: Sea,
    fetch: Fetch,
) -> Hulls:
    """Set the lattice flag on small faint blobs amid rows of others.

    Blobs that bear a doubt already get no look of their own, nor do those whose square holds land:
    streets repeat as cages do.

    Parameters
    ----------
    land_at : (m, 2)
        Places of the blocks that hold land seen in the pixels.
    window
        That is judged; blocks are counted from its corner.
    fetch
        Reads blocks.
    """
    if min(water.seed.shape) < SIDE:
        return hulls
    land = hulls.is_land
    small = (hulls.length_m <= LONGEST_M) & (hulls.snr_db <= MOST_DB) & ~land
    at = np.stack([hulls.row - window.row0, hulls.col - window.col0], axis=1)
    corners = _corners(at, water.seed.shape)
    asked = np.flatnonzero(_in_company(hulls, small) & ((hulls.flags & int(DOUBT)) == 0))
    ashore = np.concatenate([at[land], (land_at + 0.5) * BLOCK])
    asked = asked[~_holding(corners[asked], ashore)]
    member = np.zeros(len(hulls), np.bool_)
    for k in asked[np.lexsort((asked, corners[asked, 1] // STRIP))]:
        if member[k]:  # a farm's other cages need no look of their own
            continue
        image = _square(corners[k], water, fetch)
        jacobian = grid.jacobian(hulls.row[k], hulls.col[k])
        if two_waves(image, jacobian).min() >= LEAST_POWER:
            member |= small & _inside(at, corners[k])
    return doubted(hulls, Flag.LATTICE, member)


def _in_company(hulls: Hulls, small: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of the small that have another near: a lone one costs no second look."""
    order = np.flatnonzero(small)[np.argsort(hulls.lat[small], kind="stable")]
    company = np.zeros(len(hulls), np.bool_)
    company[order] = have_neighbour(hulls.lon[order], hulls.lat[order], NEAR_M)
    return company


def _inside(at: Float, corner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) which of (n, 2) pixels lie in the square with a corner."""
    away = at - corner * BLOCK
    return np.asarray(((away >= 0) & (away < SIDE * BLOCK)).all(axis=1))


def _holding(corners: NDArray[np.int64], at: Float) -> NDArray[np.bool_]:
    """(n,) which of the squares with (n, 2) corners hold any of (m, 2) pixels."""
    order = np.argsort(at[:, 0], kind="stable")
    rows, cols = at[order].T
    top, left = corners.T * BLOCK
    ends = np.searchsorted(rows, [top, top + SIDE * BLOCK])
    out = np.zeros(len(corners), np.bool_)
    for k, (first, end) in enumerate(ends.T):
        own = cols[first:end] - left[k]
        out[k] = ((own >= 0) & (own < SIDE * BLOCK)).any()
    return out


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


def _corners(at: Float, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """(n, 2) first block (row, col) of the squares about (n, 2) pixels, within the window."""
    first = np.rint(at / BLOCK - SIDE / 2).astype(np.int64)
    return np.clip(first, 0, np.array(shape) - SIDE)


def _square(corner: NDArray[np.int64], water: Sea, fetch: Fetch) -> Float:
    """The plane of the square's blocks, (n, n), in units of the sea's level."""
    places = corner + np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE), axis=1)
    plane = (
        plane_of(water, places, fetch(places)) / water.background[tuple(places.T)][:, None, None]
    )
    blocks = plane.reshape(SIDE, SIDE, BLOCK, BLOCK).swapaxes(1, 2)
    return np.asarray(blocks.reshape(SIDE * BLOCK, SIDE * BLOCK), float)
