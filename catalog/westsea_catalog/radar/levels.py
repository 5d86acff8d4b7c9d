"""From the digital numbers of a GRD product to power.

gamma0, not sigma0: over the sea it is what the terrain-corrected products of the same passes
hold, so one detector and one set of coefficients serve both.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.grid import Float, Window

Image = NDArray[np.float32]

BLOCK_LINES = 16
"""Lines that share a line of the tables, that at their middle; kernels work on rows of blocks as
high. Noise drifts by a part in 3,000 meanwhile, with range, and over the bursts along azimuth by as
much (a part in 1,100 at most, of simulated products). Blocks begin at multiples, so that any window
gives the same bytes."""
MOST_REMOVED = 0.5
"""Of a pixel's power, by which noise is removed at most.

Where there is hardly anything but noise, as in VH over a calm sea, subtraction would leave half
the pixels at or below zero, and a law of clutter that no sea has. With a half, the least that
keeps them apart, speckle of pure noise keeps its law, 3 dB lower; what is 3 dB above the noise
loses all of it.
"""


@dataclass(frozen=True, eq=False)
class Table:
    """Values along lines and samples, as vectors of an XML file have them."""

    rows: Float
    """(n,) lines of the vectors, ascending."""
    values: Image
    """(n, columns of the scene)."""
    steps: Image
    """(n, columns) from each vector to the next, 0 from the last."""

    @classmethod
    def of(cls, rows: Float, values: Image) -> "Table":
        """The table of some vectors."""
        return cls(rows, values, np.diff(values, axis=0, append=values[-1:]))

    def lines(self, rows: Float, cols: slice, out: Image) -> None:
        """Fill (m, columns) at m lines, linear between vectors, as at the first or last beyond.

        Line by line: several at a time do not stay in the processor's cache.
        """
        last = len(self.rows) - 1
        before = np.clip(np.searchsorted(self.rows, rows, side="right") - 1, 0, last)
        apart = np.append(np.diff(self.rows), 1.0)[before]
        weights = np.clip((rows - self.rows[before]) / apart, 0.0, 1.0).astype(np.float32)
        for i, weight, line in zip(before.tolist(), weights, out, strict=True):
            np.multiply(self.steps[i, cols], weight, out=line)
            line += self.values[i, cols]


@dataclass(frozen=True, eq=False)
class Vector:
    """One line of a look-up table as an XML file has it."""

    row: float
    cols: NDArray[np.int32]
    """(n,) ascending."""
    values: Image
    """(n,)."""


@dataclass(frozen=True, eq=False)
class AzimuthNoise:
    """How noise changes along the lines of one part of the image, relative to its range vectors.

    Parts do not overlap; a block of lines is of the part that its middle lies in.
    """

    bounds: tuple[int, int, int, int]
    """(row0, row1, col0, col1), half open."""
    rows: NDArray[np.int32]
    """(n,) ascending."""
    values: Image
    """(n,)."""

    def scale(self, noises: Image, rows: Float, window: Window) -> None:
        """Multiply (n, columns of the window) noise at n lines, in place, where the part holds."""
        row0, row1, col0, col1 = self.bounds
        cols = slice(max(col0 - window.col0, 0), max(col1 - window.col0, 0))
        factors = np.interp(rows, self.rows, self.values).astype(np.float32)
        for i in np.flatnonzero((rows >= row0) & (rows < row1)):
            noises[i, cols] *= factors[i]


@dataclass(frozen=True, eq=False)
class Levels:
    """What the numbers of one band mean. Empty: their squares are as good as can be said."""

    shape: tuple[int, int]
    """(rows, columns) of the file."""
    gamma: tuple[Vector, ...] = ()
    """Calibration: gamma0 is the square of number over this."""
    noise: tuple[Vector, ...] = ()
    """Thermal noise, in squares of digital numbers."""
    azimuth: tuple[AzimuthNoise, ...] = ()
    """Since 2018; before, the range vectors say all."""
    border: tuple[int, int, int, int] | None = None
    """(row0, row1, col0, col1) beyond which numbers are artefacts of the processor."""

    def lines(self, window: Window, gains: Image, noises: Image) -> None:
        """What numbers of a window stand for: power is n n gain, less noise.

        Parameters
        ----------
        window
            Where in the file they lie.
        gains, noises
            (n, columns) float32, filled: a line for each block of BLOCK_LINES lines that the window
            touches, read at the middle of its lines in the file. Noise is in power.
        """
        cols = slice(window.col0, window.col1)
        middles = _middles(window, self.shape[0])
        if self.gamma:
            self._gain.lines(middles, cols, gains)
        else:
            gains[:] = 1
        if not self.noise:
            noises[:] = 0
            return
        self._noise.lines(middles, cols, noises)
        for part in self.azimuth:
            part.scale(noises, middles, window)
        if self.gamma:
            noises *= gains

    def power(self, numbers: NDArray[np.uint16], window: Window, out: Image) -> Image:
        """Power of a window's digital numbers, into `out`; 0, which means no data, stays 0.

        Kernels that take numbers compute the same, bit for bit, without writing it down.

        Parameters
        ----------
        numbers
            (rows, cols) digital numbers.
        window
            Where in the file they lie.
        out
            (rows, cols) float32.
        """
        first, end = _blocks(window)
        gains, noises = np.empty((2, end - first, window.shape[1]), np.float32)
        self.lines(window, gains, noises)
        for gain, noise, block in zip(gains, noises, range(first, end), strict=True):
            row0 = max(block * BLOCK_LINES, window.row0) - window.row0
            row1 = min((block + 1) * BLOCK_LINES, window.row1) - window.row0
            power = out[row0:row1]
            np.copyto(power, numbers[row0:row1])  # a product of two types takes four times as long
            power *= power
            power *= gain
            power -= np.minimum(noise, power * np.float32(MOST_REMOVED))
        self.cut(out, window)
        return out

    def cut(self, pixels: NDArray[Any], window: Window) -> None:
        """Set those of a window to 0, in place, that lie beyond the border."""
        if self.border is None:
            return
        row0, row1, col0, col1 = self.border
        pixels[: max(row0 - window.row0, 0)] = 0
        pixels[max(row1 - window.row0, 0) :] = 0
        pixels[:, : max(col0 - window.col0, 0)] = 0
        pixels[:, max(col1 - window.col0, 0) :] = 0

    @cached_property
    def _gain(self) -> Table:
        """1 / gamma^2."""
        rows, values = _drawn_out(self.gamma, self.shape[1])
        return Table.of(rows, (1 / np.square(values)).astype(np.float32))

    @cached_property
    def _noise(self) -> Table:
        return Table.of(*_drawn_out(self.noise, self.shape[1]))

    def __reduce__(self) -> tuple[type["Levels"], tuple[object, ...]]:
        # Without the tables, which are a hundred times as large.
        return Levels, (self.shape, self.gamma, self.noise, self.azimuth, self.border)


def _blocks(window: Window) -> tuple[int, int]:
    """The first of the blocks of lines that a window touches, and the one after the last."""
    return window.row0 // BLOCK_LINES, -(-window.row1 // BLOCK_LINES)


def _middles(window: Window, height: int) -> Float:
    """Middle lines of the blocks that a window touches, of a file so high."""
    first = np.arange(*_blocks(window)) * BLOCK_LINES
    return np.asarray((first + np.minimum(first + BLOCK_LINES, height) - 1) / 2)


def _drawn_out(vectors: tuple[Vector, ...], width: int) -> tuple[Float, Image]:
    """(n,) lines of the vectors and their values, (n, width)."""
    places = np.arange(width)
    rows = np.array([vector.row for vector in vectors], float)
    lines = [np.interp(places, vector.cols, vector.values) for vector in vectors]
    return rows, np.array(lines, np.float32)
