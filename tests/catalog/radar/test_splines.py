"""Against scipy's, which are no dependency of the product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline, RectBivariateSpline

from westsea_catalog.radar.splines import Mesh, slopes

SEEDS = st.integers(0, 2**32 - 1)


def uneven(rng, n):
    return np.cumsum(rng.uniform(0.2, 2.0, n)) - 3.0


@given(SEEDS, st.integers(4, 25))
def test_slopes_are_scipys(seed, n):
    rng = np.random.default_rng(seed)
    knots, values = uneven(rng, n), rng.normal(size=n)
    expected = CubicSpline(knots, values)(knots, 1)
    np.testing.assert_allclose(slopes(knots) @ values, expected, atol=1e-8)


@given(SEEDS)
def test_three_knots_have_a_parabola_two_a_line_one_a_constant(seed):
    rng = np.random.default_rng(seed)
    knots, values = uneven(rng, 3), rng.normal(size=3)
    parabola = np.polyder(np.polyfit(knots, values, 2))
    np.testing.assert_allclose(slopes(knots) @ values, np.polyval(parabola, knots), atol=1e-8)
    rise = (values[1] - values[0]) / (knots[1] - knots[0])
    np.testing.assert_allclose(slopes(knots[:2]) @ values[:2], [rise, rise])
    assert slopes(knots[:1]) == 0


@given(SEEDS, st.integers(4, 9), st.integers(4, 9))
def test_a_mesh_is_scipys(seed, n, m):
    rng = np.random.default_rng(seed)
    rows, cols = uneven(rng, n), uneven(rng, m)
    values = rng.normal(size=(2, n, m))
    row, col = rng.uniform(rows[0], rows[-1], 20), rng.uniform(cols[0], cols[-1], 20)
    found = Mesh(rows, cols, values).at(row, col)
    for k in (0, 1):
        spline = RectBivariateSpline(rows, cols, values[k], s=0)
        for part, order in zip(found, ((0, 0), (1, 0), (0, 1)), strict=True):
            expected = spline.ev(row, col, dx=order[0], dy=order[1])
            np.testing.assert_allclose(part[k], expected, atol=1e-7)


@given(SEEDS, st.floats(0, 1000), st.floats(0, 1000))
def test_it_goes_on_straight(seed, down, right):
    rng = np.random.default_rng(seed)
    rows, cols = uneven(rng, 5), uneven(rng, 6)
    mesh = Mesh(rows, cols, rng.normal(size=(1, 5, 6)))
    corner = np.array(rows[-1]), np.array(cols[0])
    value, by_row, by_col = mesh.at(*corner)
    steps = [mesh.at(corner[0] + down * k, corner[1])[0] for k in (1, 2)]
    np.testing.assert_allclose(steps[1] - steps[0], by_row * down, rtol=1e-6, atol=1e-6)
    there = mesh.at(corner[0], corner[1] - right)[0]
    np.testing.assert_allclose(there, value - by_col * right, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_nodes_are_met(n):
    rng = np.random.default_rng(n)
    rows, cols, values = uneven(rng, n), uneven(rng, 5), rng.normal(size=(3, n, 5))
    row, col = np.meshgrid(rows, cols, indexing="ij")
    np.testing.assert_allclose(Mesh(rows, cols, values).at(row, col)[0], values, atol=1e-12)
