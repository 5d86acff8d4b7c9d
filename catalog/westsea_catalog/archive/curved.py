"""A pass whose lines and samples are bent on the ground, as those of a real one are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from westsea_catalog.archive.frame import Float, Frame, Image

BEND_PX = 2.0
"""How far the frame's edges are bent. Ten times as much as in a real product of this size, whose
lines bend by 2 km over 250: an affine fit misses by 20 m, while hulls keep their size to .4 %."""
_STEPS = 8
_CUBIC_A = -0.5


@dataclass(frozen=True)
class CurvedFrame(Frame):
    """A frame that no affine transform describes."""

    bend_px: float = BEND_PX

    def locate(self, row: ArrayLike, col: ArrayLike) -> tuple[Float, Float]:
        """(line, sample) of the scene's (row, col)."""
        line, sample = super().locate(row, col)
        lines, samples = self._bend(line, sample)
        return line + lines, sample + samples

    def scene_pixel(self, line: ArrayLike, sample: ArrayLike) -> tuple[Float, Float]:
        """(row, col) of the scene, from (line, sample)."""
        line, sample = np.asarray(line, float), np.asarray(sample, float)
        straight_line, straight_sample = line, sample
        for _ in range(_STEPS):  # the bend's slope is .004: each step gains two digits
            lines, samples = self._bend(straight_line, straight_sample)
            straight_line, straight_sample = line - lines, sample - samples
        return super().scene_pixel(straight_line, straight_sample)

    def to_scene(self, image: Image, nodata: float) -> Image:
        """Resample an image of the frame to the scene's grid, by cubic convolution.

        A scene's pixel is `nodata` where its nearest pixel of the frame is; of the others those
        that are `nodata` have no weight.
        """
        line, sample = self.locate(*np.ogrid[tuple(slice(n) for n in self.grid.shape)])
        i, row_terms = _taps(line, self.shape[0])
        j, col_terms = _taps(sample, self.shape[1])
        is_there = image != nodata
        found, weight = np.zeros(self.grid.shape), np.zeros(self.grid.shape)
        for down, row_term in enumerate(row_terms):
            for right, col_term in enumerate(col_terms):
                term = row_term * col_term * is_there[i + down, j + right]
                found += image[i + down, j + right] * term
                weight += term
        nearest = image[np.rint(line).astype(np.intp), np.rint(sample).astype(np.intp)]
        # The nearest alone has more than a fifth of all weight.
        return np.where(nearest == nodata, nodata, found / np.maximum(weight, 0.2)).astype(
            np.float32
        )

    def from_scene(self, image: NDArray[np.generic], fill: float = 0.0) -> Image:
        """Bring an image of the scene's grid to the frame, bilinearly; `fill` beyond its edge."""
        row, col = self.scene_pixel(*np.ogrid[tuple(slice(n) for n in self.shape)])
        values = np.pad(np.asarray(image, np.float32), 1, constant_values=fill)
        row = np.clip(row + 1, 0, values.shape[0] - 1.001)
        col = np.clip(col + 1, 0, values.shape[1] - 1.001)
        i, j = row.astype(np.intp), col.astype(np.intp)
        down, right = row - i, col - j
        upper = values[i, j] * (1 - right) + values[i, j + 1] * right
        lower = values[i + 1, j] * (1 - right) + values[i + 1, j + 1] * right
        return (upper * (1 - down) + lower * down).astype(np.float32)

    def _bend(self, line: ArrayLike, sample: ArrayLike) -> tuple[Float, Float]:
        """How many (lines, samples) a place of the straight frame is moved."""
        v = 2 * np.asarray(line, float) / (self.shape[0] - 1) - 1
        u = 2 * np.asarray(sample, float) / (self.shape[1] - 1) - 1
        bend = self.bend_px
        return bend * (u * u - 0.5) + 0.0 * v, bend * (0.6 * v * v - 0.4 * u * v - 0.3)


def _taps(place: Float, n: int) -> tuple[NDArray[np.intp], list[Any]]:
    """The first of the four pixels around each place, and their weights in cubic convolution."""
    first = np.clip(np.floor(place).astype(np.intp) - 1, 0, n - 4)
    terms = []
    for k in range(4):
        x = np.abs(place - (first + k))
        near = ((_CUBIC_A + 2) * x - (_CUBIC_A + 3)) * x * x + 1
        far = _CUBIC_A * (((x - 5) * x + 8) * x - 4)
        terms.append(np.where(x <= 1, near, np.where(x < 2, far, 0.0)))
    return first, terms
