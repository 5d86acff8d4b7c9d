"""Pixels as kernels are given them: values, or a radar's digital numbers and what they stand for.

A number n stands for the power p - min(noise, MOST_REMOVED p) with p = n n gain. Gain and noise
hold for one column of a row of blocks, so power is computed where it is asked for and never
written to memory: numbers are half as large, and most are only compared. In float32 too it never
falls as n rises, so the largest number of such a column has the most power.
"""

from typing import NamedTuple

import numpy as np

from westsea_kernels.arrays import AnyReal, Float, Float32
from westsea_kernels.jit import kernel

MOST_REMOVED = np.float32(0.5)
"""Of a pixel's power, by which noise is removed at most."""


class Image(NamedTuple):
    """Pixels of a window whose corner lies on a corner of a block."""

    pixels: AnyReal
    """(n_bands, rows, cols) values of any real dtype, or numbers, uint16 and 0 where no data is."""
    gains: Float32
    """(n_bands, block_rows, cols) power of n = 1, above 0; (n_bands, 0, 0) beside values."""
    noises: Float32
    """Shaped like the gains: power of the noise, 0 or more."""


def image_of(values: AnyReal) -> Image:
    """The image of (n_bands, rows, cols) pixels that are values; copied unless C-contiguous."""
    none = np.empty((len(values), 0, 0), np.float32)
    return Image(np.ascontiguousarray(values), none, none)


@kernel
def are_numbers(image: Image) -> bool:
    """Whether the pixels are numbers, not values."""
    return bool(image.gains.shape[1] > 0)


@kernel
def band_of(image: Image, band: int) -> Image:
    """The image of one of the bands."""
    one = slice(band, band + 1)
    return Image(image.pixels[one], image.gains[one], image.noises[one])


@kernel
def power(number: Float, gain: np.float32, noise: np.float32) -> np.float32:
    """What a number stands for; each step is rounded to float32."""
    root = np.float32(number)
    whole = root * root * gain
    most = whole * MOST_REMOVED
    return np.float32(whole - (noise if noise < most else most))
