"""Cubic splines over a rectangular mesh of uneven spacing.

scipy, which has them, is no dependency of westsea's, and nothing else would need it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A bicubic spline through values at the nodes of a mesh.

    Twice continuously differentiable, not-a-knot at the ends. With three nodes along an axis it is
    a parabola along it, with two a straight line, with one a constant. Beyond the outermost nodes
    it goes on straight, so that nothing far out can swing.
    """

    rows: Float
    """(n,), ascending."""
    cols: Float
    """(m,), ascending."""
    values: Float
    """(k, n, m): k functions."""

    @cached_property
    def _nodes(self) -> Float:
        """(k, 4, n, m): value, slope along rows, along columns, and along both, at each node."""
        along_rows = np.einsum("ij,kjm->kim", slopes(self.rows), self.values)
        along_cols = np.einsum("ij,knj->kni", slopes(self.cols), self.values)
        both = np.einsum("ij,kjm->kim", slopes(self.rows), along_cols)
        return np.stack([self.values, along_rows, along_cols, both], axis=1)

    def at(self, row: Float, col: Float) -> tuple[Float, Float, Float]:
        """Values and slopes at places.

        Parameters
        ----------
        row, col
            Of one shape.

        Returns
        -------
        Three arrays (k, ...): values, their slopes along rows, and along columns.
        """
        i, row_terms, row_slopes = _hermite(self.rows, row)
        j, col_terms, col_slopes = _hermite(self.cols, col)
        shape = (len(self.values), *np.shape(row))
        value, by_row, by_col = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for a in (0, 1):
            ia = np.minimum(i + a, len(self.rows) - 1)
            for b in (0, 1):
                jb = np.minimum(j + b, len(self.cols) - 1)
                corner = self._nodes[:, :, ia, jb]
                for p in (0, 1):
                    for q in (0, 1):
                        term = corner[:, p + 2 * q]
                        r, c = row_terms[p][a], col_terms[q][b]
                        value += term * (r * c)
                        by_row += term * (row_slopes[p][a] * c)
                        by_col += term * (r * col_slopes[q][b])
        return value, by_row, by_col


def slopes(knots: Float) -> Float:
    """(n, n) matrix that turns values at knots into the slopes of the spline through them."""
    n = len(knots)
    if n == 1:
        return np.zeros((1, 1))
    step = np.diff(knots)
    rise = np.zeros((n - 1, n))  # divided differences
    rise[np.arange(n - 1), np.arange(n - 1)] = -1 / step
    rise[np.arange(n - 1), np.arange(1, n)] = 1 / step
    if n == 2:
        return np.vstack([rise, rise])
    left, right = np.zeros((n, n)), np.zeros((n, n))
    for k in range(1, n - 1):  # the second derivative has no step
        before, after = step[k - 1], step[k]
        left[k, k - 1 : k + 2] = after, 2 * (before + after), before
        right[k] = 3 * (after * rise[k - 1] + before * rise[k])
    for end, (k, near, far) in ((0, (0, 0, 1)), (n - 1, (n - 1, n - 2, n - 3))):
        # Nor has the third at the second knot; with three knots, the second at none.
        inner = 1 if end == 0 else n - 2
        a, b = (step[near], step[far]) if n > 3 else (step[0], step[1])
        if end and n == 3:
            a, b = b, a
        if n == 3:
            left[k, k], left[k, inner] = 1.0, 1.0
            right[k] = 2 * rise[0 if end == 0 else 1]
            continue
        left[k, k], left[k, inner] = b, a + b
        first, second = (rise[0], rise[1]) if end == 0 else (rise[n - 2], rise[n - 3])
        right[k] = ((a + 2 * (a + b)) * b * first + a * a * second) / (a + b)
    return np.asarray(np.linalg.solve(left, right), float)


Terms = tuple[tuple[Float, Float], tuple[Float, Float]]


def _hermite(knots: Float, place: Float) -> tuple[NDArray[np.intp], Terms, Terms]:
    """The interval of each place, and what values and slopes at its two ends weigh there.

    Returns the interval's number, the weights ``((value, value), (slope, slope))`` and the
    derivatives of the weights.
    """
    place = np.asarray(place, float)
    if len(knots) == 1:
        one, none = np.ones_like(place), np.zeros_like(place)
        return np.zeros(place.shape, np.intp), ((one, none), (none, none)), ((none,) * 2,) * 2
    inside = np.clip(place, knots[0], knots[-1])
    beyond = place - inside
    i = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
    step = knots[i + 1] - knots[i]
    t = (inside - knots[i]) / step
    value = (1 + 2 * t) * (1 - t) ** 2, t * t * (3 - 2 * t)
    slope = t * (1 - t) ** 2 * step, t * t * (t - 1) * step
    value_by = 6 * t * (t - 1) / step, 6 * t * (1 - t) / step
    slope_by = (1 - t) * (1 - 3 * t), t * (3 * t - 2)
    terms = (
        (value[0] + beyond * value_by[0], value[1] + beyond * value_by[1]),
        (slope[0] + beyond * slope_by[0], slope[1] + beyond * slope_by[1]),
    )
    return i, terms, (value_by, slope_by)
