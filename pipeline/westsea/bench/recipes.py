"""The classic detectors: a threshold from the moments of a sliding ring of sea.

A pixel is compared with the ring between a guard window, which keeps the ship itself out, and a
background window around it. The sides are the defaults of SNAP's operator AdaptiveThresholding,
500 and 800 m. From the ring's mean and variance follow

- two-parameter CFAR: mean + k sigma, with k from the Gaussian (Crisp, The state-of-the-art in
  ship detection in SAR imagery, 2004);
- log-normal: the same on the logarithm;
- K-moment: the order of the texture from mean and variance at the nominal looks, and from both
  the quantile of the K distribution (Ward, Tough and Watts, Sea Clutter, 2013).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.scene import Sensor
from westsea_kernels.clutter import describe, threshold_over_median
from westsea_kernels.make_clutter_table import NOMINAL_LOOKS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GUARD_PX = 51
BACKGROUND_PX = 81
"""Sides of the windows, odd; 10 m a pixel."""
LEAST_RING_PIXELS = 256
"""With fewer pixels of sea in its ring a pixel has no threshold."""
DARKEST = 1e-6
"""The logarithm's floor, -60 dB: calibrated radar pixels may be 0 or less."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Of the ring around each pixel; (rows, cols), NaN where the ring holds too little sea."""

    mean: Floats
    variance: Floats


@dataclass(frozen=True)
class Recipe:
    """A classic detector."""

    name: str
    threshold: Callable[[Moments, float], Floats]
    """(rows, cols) threshold of a nominal false alarm rate per pixel, from the ring's moments."""
    on_logarithm: bool
    sensors: tuple[Sensor, ...]
    rates: tuple[float, ...]
    """Its ladder of nominal rates: from some false detection to next to none."""

    def exceedances(self, rings: "Rings") -> Iterator[tuple[float, Bools]]:
        """(rows, cols) valid pixels above the threshold in any band, for each rate."""
        planes = rings.logarithms if self.on_logarithm else rings.intensities
        for rate in self.rates:
            above = np.zeros(rings.valid.shape, np.bool_)
            for plane, around in planes:
                above |= plane > self.threshold(around, rate)  # never above NaN
            yield rate, above & rings.valid


@dataclass(frozen=True, eq=False)
class Rings:
    """The bands of a window, and the moments around each of their pixels."""

    bands: Sequence[Floats]
    """Each (rows, cols)."""
    valid: Bools
    """(rows, cols) pixels that may lie in a ring or be found."""

    @cached_property
    def intensities(self) -> list[tuple[Floats, Moments]]:
        """The bands as they are."""
        return [(band, self._moments(band)) for band in self.bands]

    @cached_property
    def logarithms(self) -> list[tuple[Floats, Moments]]:
        """The bands' logarithms."""
        planes = [np.log(np.maximum(band, DARKEST)) for band in self.bands]
        return [(plane, self._moments(plane)) for plane in planes]

    @cached_property
    def _pixels(self) -> Floats:
        """(rows, cols) valid pixels of each ring, NaN for too few."""
        n = _ring_sum(self.valid.astype(float))
        return np.where(n < LEAST_RING_PIXELS, np.nan, n)

    def _moments(self, plane: Floats) -> Moments:
        middle = plane[self.valid].mean() if self.valid.any() else 0.0
        # Taken off, so that squares lose no digits.
        centred = np.where(self.valid, plane - middle, 0.0)
        mean = _ring_sum(centred) / self._pixels
        variance = _ring_sum(centred**2) / self._pixels - mean**2
        return Moments(mean + middle, np.maximum(variance, 0.0))


def box_sum(values: Floats, side: int) -> Floats:
    """Sum over the square of an odd side around each pixel, by running sums; 0 beyond the ends."""
    ends = (side // 2 + 1, side // 2)
    down = np.cumsum(np.pad(values, [ends, (0, 0)]), axis=0)
    columns = down[side:] - down[:-side]
    across = np.cumsum(np.pad(columns, [(0, 0), ends]), axis=1)
    return across[:, side:] - across[:, :-side]


def _ring_sum(values: Floats) -> Floats:
    return box_sum(values, BACKGROUND_PX) - box_sum(values, GUARD_PX)


def gaussian_threshold(around: Moments, rate: float) -> Floats:
    """Mean plus so many deviations as a Gaussian exceeds at the rate."""
    return around.mean - NormalDist().inv_cdf(rate) * np.sqrt(around.variance)


def k_threshold(around: Moments, rate: float) -> Floats:
    """Quantile of the K distribution of the ring's mean and variance, at the nominal looks.

    Of intensities of L looks and order nu, 1 + variance / mean^2 = (1 + 1/L) (1 + 1/nu). Rings
    smoother than speckle alone have no texture, those rougher than the table its roughest.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = around.variance / around.mean**2
        texture = (1.0 + spread) / (1.0 + 1.0 / NOMINAL_LOOKS) - 1.0
    textures, heights = _k_quantiles(rate)
    return np.asarray(around.mean * np.exp(np.interp(texture, textures, heights)))


@lru_cache(maxsize=32)
def _k_quantiles(rate: float) -> tuple[Floats, Floats]:
    """1 / order from 0 on, and the logarithm of the quantile over the mean, at nominal looks."""
    ratio = np.linspace(1.5, 6.0, 2000)
    looks, order, mean = describe(ratio, 1)
    threshold = threshold_over_median(ratio, rate, 1)
    nominal = np.abs(looks - NOMINAL_LOOKS) < 1e-6
    return 1.0 / order[nominal], np.log(threshold / mean)[nominal]


_ANY: tuple[Sensor, ...] = ("sar", "optical")
RECIPES = (
    Recipe(
        "two-parameter CFAR", gaussian_threshold, False, _ANY, (1e-7, 1e-9, 1e-13, 1e-20, 1e-30)
    ),
    Recipe("log-normal", gaussian_threshold, True, _ANY, (1e-3, 3e-4, 1e-4, 1e-5, 1e-7)),
    Recipe("K-moment", k_threshold, False, ("sar",), (1e-5, 1e-6, 1e-7, 1e-8, 1e-9)),
)
