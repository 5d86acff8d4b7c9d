"""From samples to slant range and back, as the processor went from slant range to samples."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.grid import Float

NEWTON_STEPS = 4
"""From a guess off 64 nodes they end at 1e-9 of a pixel."""
NODES = 64


@dataclass(frozen=True, eq=False)
class SlantRanges:
    """Polynomials of ground range, one for each second; the nearest in time holds.

    Of two real products, the annotated slant ranges of all control points follow them to 1e-9 m.
    """

    rows: Float
    """(p,) rows at which they are given, ascending."""
    terms: Float
    """(p, k) of ascending power, in metres of metres."""
    pixel_m: float
    """Ground range from one column to the next."""
    width: int
    """Columns; beyond them ranges go on straight."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SlantRanges) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[object, ...]:
        return self.rows.tobytes(), self.terms.tobytes(), self.pixel_m, self.width

    def metres(self, row: Float, col: Float) -> tuple[Float, Float]:
        """Slant range (m), and its slope along columns (m a pixel)."""
        terms = self.terms[self._nearest(row)]
        x = self.pixel_m * np.clip(col, 0.0, self.width - 1.0)
        value, slope = np.zeros(np.shape(x)), np.zeros(np.shape(x))
        for power in reversed(range(self.terms.shape[1])):
            slope = slope * x + value
            value = value * x + terms[..., power]
        slope = slope * self.pixel_m
        return value + slope * (col - x / self.pixel_m), slope

    def column(self, row: Float, metres: Float) -> Float:
        """The column of a slant range."""
        number = self._nearest(row)
        col = np.empty(np.shape(metres))
        for each in np.unique(number):
            here = number == each
            col[here] = np.interp(metres[here], self._table[each], self._columns)
        for _ in range(NEWTON_STEPS):
            found, slope = self.metres(row, col)
            col = col + (metres - found) / slope
        return col

    @property
    def _columns(self) -> Float:
        return np.linspace(0.0, self.width - 1.0, NODES)

    @cached_property
    def _table(self) -> Float:
        """(p, NODES) slant ranges."""
        row, col = np.meshgrid(self.rows, self._columns, indexing="ij")
        return self.metres(row, col)[0]

    def _nearest(self, row: Float) -> NDArray[np.intp]:
        return np.searchsorted((self.rows[1:] + self.rows[:-1]) / 2, np.nan_to_num(row))
