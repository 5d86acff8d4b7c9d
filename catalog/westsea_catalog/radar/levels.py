"""From the digital numbers of a GRD product to power.

gamma0, not sigma0: over the sea it is what the terrain-corrected products of the same passes
hold, so one detector and one set of coefficients serve both.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.grid import Float, Window

Image = NDArray[np.float32]

BLOCK_LINES = 16
"""Lines that share a row of the tables: noise drifts by a part in 3,000 meanwhile. Blocks begin at
multiples, so that any window gives the same bytes."""
STRIP_PIXELS = 200_000
"""Worked on at a time: what does not fit the processor's cache costs a third more, and less costs
calls."""
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

    def lines(self, rows: Float, cols: slice) -> Image:
        """(n, columns) at some lines, linear between vectors, as at the first or last beyond."""
        last = len(self.rows) - 1
        i = np.clip(np.searchsorted(self.rows, rows, side="right") - 1, 0, last)
        j = np.minimum(i + 1, last)
        step = (rows - self.rows[i]) / np.where(i == j, 1.0, self.rows[j] - self.rows[i])
        weight = np.clip(step, 0.0, 1.0).astype(np.float32)[:, np.newaxis]
        return self.values[i, cols] * (1 - weight) + self.values[j, cols] * weight


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
    """How noise changes along the lines of one part of the image, relative to its range vectors."""

    bounds: tuple[int, int, int, int]
    """(row0, row1, col0, col1), half open."""
    rows: NDArray[np.int32]
    """(n,) ascending."""
    values: Image
    """(n,)."""


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

    def power(self, numbers: NDArray[np.uint16], window: Window, out: Image) -> Image:
        """Power of a window's digital numbers, into `out`; 0, which means no data, stays 0.

        Parameters
        ----------
        numbers
            (rows, cols) digital numbers.
        window
            Where in the file they lie.
        out
            (rows, cols) float32.
        """
        cols = slice(window.col0, window.col1)
        lines = min(BLOCK_LINES, max(1, STRIP_PIXELS // window.shape[1]))
        room = np.empty((2, lines, window.shape[1]), np.float32)
        blocks = np.arange(window.row0 // BLOCK_LINES, -(-window.row1 // BLOCK_LINES))
        middles = np.asarray(blocks * BLOCK_LINES + (BLOCK_LINES - 1) / 2, float)
        gains, levels = self._lines(middles, cols)
        for number, block in enumerate((blocks * BLOCK_LINES).tolist()):
            row1 = min(block + BLOCK_LINES, window.row1)
            for row in range(max(block, window.row0), row1, lines):
                strip = Window(row, min(row + lines, row1), window.col0, window.col1)
                rows = slice(strip.row0 - window.row0, strip.row1 - window.row0)
                power = out[rows]
                np.copyto(power, numbers[rows])  # a product of two types takes four times as long
                power *= power
                if gains is not None:
                    power *= gains[number]
                if levels is not None:
                    self._remove(power, levels[number], strip, room)
        self._cut(out, window)
        return out

    def _lines(self, rows: Float, cols: slice) -> tuple[Image | None, Image | None]:
        """Gain and noise, in power, along some lines: (n, columns)."""
        gains = self._gain.lines(rows, cols) if self.gamma else None
        if not self.noise:
            return gains, None
        noise = self._noise.lines(rows, cols)
        return gains, noise if gains is None else noise * gains

    def _remove(self, power: Image, level: Image, window: Window, room: Image) -> None:
        """Take a line of noise off some lines of power, in place; `room` is to work in."""
        noise, most = room[:, : window.shape[0]]
        noise[:] = level
        for part, factors in self._along:
            inside = window.intersection(Window(*part.bounds))
            if inside.size:
                cols = slice(inside.col0 - window.col0, inside.col1 - window.col0)
                rows = slice(inside.row0 - window.row0, inside.row1 - window.row0)
                own = slice(inside.row0 - part.bounds[0], inside.row1 - part.bounds[0])
                np.multiply(level[cols], factors[own, np.newaxis], out=noise[rows, cols])
        np.multiply(power, np.float32(MOST_REMOVED), out=most)
        np.minimum(noise, most, out=noise)
        power -= noise

    def _cut(self, out: Image, window: Window) -> None:
        if self.border is None:
            return
        row0, row1, col0, col1 = self.border
        out[: max(row0 - window.row0, 0)] = 0
        out[max(row1 - window.row0, 0) :] = 0
        out[:, : max(col0 - window.col0, 0)] = 0
        out[:, max(col1 - window.col0, 0) :] = 0

    @cached_property
    def _gain(self) -> Table:
        """1 / gamma^2."""
        table = _table(self.gamma, self.shape[1])
        return Table(table.rows, (1 / np.square(table.values)).astype(np.float32))

    @cached_property
    def _noise(self) -> Table:
        return _table(self.noise, self.shape[1])

    @cached_property
    def _along(self) -> list[tuple[AzimuthNoise, Image]]:
        """The parts with a factor for each of their lines."""
        return [
            (
                part,
                np.interp(np.arange(*part.bounds[:2]), part.rows, part.values).astype(np.float32),
            )
            for part in self.azimuth
        ]

    def __reduce__(self) -> tuple[type["Levels"], tuple[object, ...]]:
        # Without the tables, which are a hundred times as large.
        return Levels, (self.shape, self.gamma, self.noise, self.azimuth, self.border)


def _table(vectors: tuple[Vector, ...], width: int) -> Table:
    places = np.arange(width)
    rows = np.array([vector.row for vector in vectors])
    lines = [np.interp(places, vector.cols, vector.values) for vector in vectors]
    return Table(rows, np.array(lines, np.float32))
