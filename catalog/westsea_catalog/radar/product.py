"""What the annotation of a product says of its radar, place by place."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from westsea_catalog.grid import Float


def _none() -> Float:
    return np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class Swath:
    """One subswath of a product: IW1, IW2, ..."""

    number: int
    """1 for the nearest."""
    prf_hz: float
    bounds: tuple[tuple[int, int, int, int], ...]
    """(row0, row1, col0, col1), half open, of the parts of the image that it fills."""


@dataclass(frozen=True, eq=False)
class RadarProduct:
    """The radar behind a scene in radar geometry.

    Rows and columns are pixel coordinates of the scene; all results have their broadcast shape
    and are float64. Without annotation there are no nodes and no swaths: everything is NaN or 0.
    """

    mode: str
    """IW or EW."""
    calibrated: bool = False
    """Whether the pixels are gamma0; else squares of digital numbers, comparable in one scene."""
    noise_removed: bool = False
    """Whether thermal noise is off."""
    rows: Float = field(default_factory=_none)
    """(n,) rows of the nodes, ascending."""
    cols: Float = field(default_factory=_none)
    """(m,) columns of the nodes, ascending."""
    incidence: Float = field(default_factory=_none)
    """(n, m) degrees."""
    slant_time: Float = field(default_factory=_none)
    """(n, m) two-way seconds of the echo."""
    swaths: tuple[Swath, ...] = ()
    fm_rows: Float = field(default_factory=_none)
    """(p,) rows at which the azimuth FM rate is known, ascending."""
    fm_rates: Float = field(default_factory=_none)
    """(p, 4): t0 (s), and the polynomial c0 + c1 (t - t0) + c2 (t - t0)^2 in Hz/s."""
    row_time_s: float = np.nan
    """Seconds from one line to the next."""
    row_m: Float = field(default_factory=_none)
    """(n, m) ground metres from one line to the next."""

    def incidence_deg(self, row: ArrayLike, col: ArrayLike) -> Float:
        """Angle between the beam and the vertical; NaN where unknown."""
        return self._between(self.incidence, row, col)

    def subswath(self, row: ArrayLike, col: ArrayLike) -> NDArray[np.float64]:
        """Number of the subswath, 1 for the nearest; 0 for none."""
        row, col = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float))
        found = np.zeros(row.shape)
        at_row, at_col = np.floor(row + 0.5), np.floor(col + 0.5)
        for swath in self.swaths:
            for row0, row1, col0, col1 in swath.bounds:
                inside = (row0 <= at_row) & (at_row < row1) & (col0 <= at_col) & (at_col < col1)
                found[inside] = swath.number
        return found

    def ambiguity_m(self, row: ArrayLike, col: ArrayLike) -> Float:
        """Ground metres along the track to the first azimuth ambiguity; NaN where unknown.

        A target is focused anew where its Doppler is one pulse repetition off: after PRF over
        azimuth FM rate seconds, in which the beam moves on by as many lines.
        """
        row, col = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float))
        prf = np.full(row.shape, np.nan)
        number = self.subswath(row, col)
        for swath in self.swaths:
            prf[number == swath.number] = swath.prf_hz
        lines = prf / np.abs(self._fm_rate(row, col)) / self.row_time_s
        return lines * self._between(self.row_m, row, col)

    def _fm_rate(self, row: Float, col: Float) -> Float:
        """Hz/s, of the nearest estimate in time."""
        if not len(self.fm_rows):
            return np.full(row.shape, np.nan)
        middles = (self.fm_rows[1:] + self.fm_rows[:-1]) / 2
        t0, c0, c1, c2 = np.moveaxis(self.fm_rates[np.searchsorted(middles, row)], -1, 0)
        t = self._between(self.slant_time, row, col) - t0
        return np.asarray(c0 + t * (c1 + t * c2))

    def _between(self, nodes: Float, row: ArrayLike, col: ArrayLike) -> Float:
        """Linear between nodes, as at the edge beyond; NaN where there are no nodes."""
        row, col = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float))
        if not nodes.size:
            return np.full(row.shape, np.nan)
        i, up = _interval(self.rows, row)
        j, right = _interval(self.cols, col)
        upper = nodes[i, j] * (1 - right) + nodes[i, j + 1] * right
        lower = nodes[i + 1, j] * (1 - right) + nodes[i + 1, j + 1] * right
        return np.asarray(upper * (1 - up) + lower * up)


def _interval(knots: Float, place: Float) -> tuple[NDArray[np.intp], Float]:
    """The interval that a place lies in, and how far in, 0 to 1."""
    i = np.clip(np.searchsorted(knots, place, side="right") - 1, 0, len(knots) - 2)
    return i, np.clip((place - knots[i]) / (knots[i + 1] - knots[i]), 0.0, 1.0)
