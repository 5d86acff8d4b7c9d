"""Pixels and the ground: there and back, and how long a step is in metres."""

import math

import numpy as np
import pytest
import rasterio.transform
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod, Proj

from westsea_catalog.grid import AffineGrid, Window, ground_jacobian

A = 6378137.0
F = 1 / 298.257223563
E2 = F * (2 - F)

WEST_SEA = AffineGrid(32651, (10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0), (10000, 20000))
BUSAN = AffineGrid(
    3857, (10.004011283, 0.0, 14362154.5, 0.0, -10.005675919, 4181755.106), (699, 1042)
)


@st.composite
def utm_grids(draw):
    """Grids of either hemisphere, inside their zone and between 80 S and 80 N."""
    south = draw(st.booleans())
    zone = draw(st.integers(1, 60))
    size = draw(st.floats(5.0, 25.0))
    west = draw(st.floats(200_000.0, 600_000.0))
    # 100 km from the equator to 80 degrees, south with the false northing.
    distance = draw(st.floats(100_000.0, 8_800_000.0))
    north = 10_000_000.0 - distance if south else distance
    shape = (draw(st.integers(1, 5000)), draw(st.integers(1, 5000)))
    epsg = (32700 if south else 32600) + zone
    return AffineGrid(epsg, (size, 0.0, west, 0.0, -size, north), shape)


@st.composite
def mercator_grids(draw):
    size = draw(st.floats(9.9, 10.1))
    west = draw(st.floats(-19_000_000.0, 19_000_000.0))
    north = draw(st.floats(-9_000_000.0, 9_000_000.0))
    return AffineGrid(3857, (size, 0.0, west, 0.0, -size * 1.0002, north), (500, 700))


grids = st.one_of(utm_grids(), mercator_grids())
places = st.lists(
    st.tuples(st.floats(-100.0, 5100.0), st.floats(-100.0, 5100.0)), min_size=1, max_size=5
)


@given(grids, places)
def test_there_and_back(grid, places):
    row, col = np.array(places).T
    row_again, col_again = grid.pixel(*grid.lonlat(row, col))
    # 1e-4 px is 1 mm.
    np.testing.assert_allclose(row_again, row, atol=1e-4)
    np.testing.assert_allclose(col_again, col, atol=1e-4)


def test_integers_are_centres_of_pixels():
    transform = Affine(*WEST_SEA.transform)
    x, y = rasterio.transform.xy(transform, [0, 17], [0, 4])
    lon, lat = Proj(32651)(x, y, inverse=True)
    found = WEST_SEA.lonlat([0, 17], [0, 4])
    np.testing.assert_allclose(found, (lon, lat), atol=1e-11)
    assert WEST_SEA.lonlat(0, 0)[0].shape == ()


def test_arrays_of_any_shape():
    row, col = np.meshgrid(np.arange(3), np.arange(4), indexing="ij")
    lon, lat = WEST_SEA.lonlat(row, col)
    assert lon.shape == lat.shape == (3, 4)
    assert WEST_SEA.jacobian(row, col).shape == (3, 4, 2, 2)
    assert WEST_SEA.jacobian(5, np.zeros(6)).shape == (6, 2, 2)
    assert WEST_SEA.jacobian(5, 5).shape == (2, 2)


@given(utm_grids(), st.floats(0, 1), st.floats(0, 1))
def test_a_utm_step_has_the_zones_scale_and_convergence(grid, down, right):
    row, col = down * grid.shape[0], right * grid.shape[1]
    lon, lat = grid.lonlat(row, col)
    factors = Proj(CRS.from_epsg(grid.epsg)).get_factors(float(lon), float(lat))
    step = grid.transform[0] / factors.meridional_scale
    # Convergence is grid north seen from true north, clockwise: a step up goes (sin, cos).
    angle = math.radians(factors.meridian_convergence)
    right_step = step * np.array([math.cos(angle), -math.sin(angle)])
    up_step = step * np.array([math.sin(angle), math.cos(angle)])
    expected = np.column_stack([right_step, -up_step])
    np.testing.assert_allclose(grid.jacobian(row, col), expected, atol=2e-5 * step)


@given(mercator_grids(), st.floats(0, 499), st.floats(0, 699))
def test_a_web_mercator_step_shrinks_with_the_latitude(grid, row, col):
    (east_right, east_down), (north_right, north_down) = grid.jacobian(row, col)
    lat = math.radians(float(grid.lonlat(row, col)[1]))
    # The sphere's formula on the ellipsoid: radii of curvature in place of the sphere's.
    w2 = 1 - E2 * math.sin(lat) ** 2
    east = math.cos(lat) / math.sqrt(w2)
    north = math.cos(lat) * (1 - E2) / w2**1.5
    assert east_right == pytest.approx(grid.transform[0] * east, rel=1e-6)
    assert north_down == pytest.approx(grid.transform[4] * north, rel=1e-6)
    assert (east_down, north_right) == pytest.approx((0, 0), abs=1e-6)
    assert east_right == pytest.approx(grid.transform[0] * math.cos(lat), rel=0.007)


@given(grids, st.floats(0, 500), st.floats(0, 500), st.floats(-3, 3), st.floats(-3, 3))
def test_a_short_way_is_the_jacobian_times_its_steps(grid, row, col, drow, dcol):
    east, north = grid.jacobian(row, col) @ (dcol, drow)
    lon1, lat1 = grid.lonlat(row - drow / 2, col - dcol / 2)
    lon2, lat2 = grid.lonlat(row + drow / 2, col + dcol / 2)
    _, _, metres = Geod(ellps="WGS84").inv(lon1, lat1, lon2, lat2)
    assert math.hypot(east, north) == pytest.approx(metres, abs=1e-4)


@given(utm_grids())
def test_directions_are_those_in_the_middle_of_a_step(grid):
    """Steps of 500 pixels turn by up to 4e-3 from end to end, the mean of both ends by 1e-5."""
    long_steps = grid.coarsened(500).jacobian(0, 0) / 500
    np.testing.assert_allclose(
        long_steps, grid.jacobian(249.5, 249.5), atol=1e-4 * grid.transform[0]
    )


def test_steps_across_the_antimeridian():
    # Zone 60 goes on beyond 180 degrees.
    grid = AffineGrid(32660, (10.0, 0.0, 700_000.0, 0.0, -10.0, 4_200_000.0), (10, 20_000))
    lon, _ = grid.lonlat(5, np.arange(20_000))
    across = int(np.flatnonzero(np.diff(lon) < -300)[0])
    beside, here = grid.jacobian(5, [across - 1.5, across + 0.5])
    np.testing.assert_allclose(here, beside, atol=1e-4)


def test_a_rotated_grid_goes_round_too():
    across, along = 10 * math.cos(math.pi / 6), 10 * math.sin(math.pi / 6)
    turned = (across, -along, 300_000.0, -along, -across, 4_200_000.0)
    grid = AffineGrid(32651, turned, (100, 100))
    row, col = grid.pixel(*grid.lonlat([3.0, 50.5], [7.0, 99.0]))
    np.testing.assert_allclose(row, [3.0, 50.5], atol=1e-4)
    np.testing.assert_allclose(col, [7.0, 99.0], atol=1e-4)
    assert np.linalg.det(grid.jacobian(0, 0)) == pytest.approx(-100, rel=2e-3)


class Sphere:
    """A grid that is not affine: rows are latitudes, columns longitudes, in tenths of a degree."""

    shape = (10, 10)
    full = Window(0, 10, 0, 10)

    def lonlat(self, row, col):
        return np.asarray(col) / 10 + 124, 37 - np.asarray(row) / 10

    def pixel(self, lon, lat):
        return (37 - np.asarray(lat)) * 10, (np.asarray(lon) - 124) * 10

    def jacobian(self, row, col):
        return ground_jacobian(self, row, col)


def test_any_grid_gets_its_jacobian_from_its_places():
    (east, _), (_, north) = Sphere().jacobian(0, 0)
    lat = math.radians(37)
    w2 = 1 - E2 * math.sin(lat) ** 2
    step = math.radians(0.1)
    assert east == pytest.approx(step * A * math.cos(lat) / math.sqrt(w2), rel=1e-5)
    assert north == pytest.approx(-step * A * (1 - E2) / w2**1.5, rel=1e-5)


@given(grids, st.integers(1, 6))
def test_a_coarser_grid_has_the_same_corner_and_covers_the_same(grid, factor):
    coarse = grid.coarsened(factor)
    assert coarse.shape == tuple(math.ceil(side / factor) for side in grid.shape)
    corner = np.array(grid.lonlat(-0.5, -0.5))
    np.testing.assert_allclose(coarse.lonlat(-0.5, -0.5), corner, atol=1e-11)
    # The centre of a coarse pixel is the middle of the fine ones that it covers.
    middle = (factor - 1) / 2
    row, col = np.array([0, 3]), np.array([2, 1])
    fine = grid.lonlat(row * factor + middle, col * factor + middle)
    np.testing.assert_allclose(coarse.lonlat(row, col), fine, atol=1e-9)
    assert grid.coarsened(1) == grid


def test_bounds_are_rasterios():
    for grid in (WEST_SEA, BUSAN):
        rows, cols = grid.shape
        expected = rasterio.transform.array_bounds(rows, cols, Affine(*grid.transform))
        assert grid.bounds == pytest.approx(expected, rel=1e-12)
        assert grid.full == Window(0, rows, 0, cols)


windows = st.builds(
    lambda row, rows, col, cols: Window(row, row + rows, col, col + cols),
    st.integers(-5, 20),
    st.integers(0, 20),
    st.integers(-5, 20),
    st.integers(0, 20),
)


@given(windows, windows)
def test_an_intersection_holds_the_pixels_of_both(one, other):
    def pixels(window):
        return {
            (row, col)
            for row in range(window.row0, window.row1)
            for col in range(window.col0, window.col1)
        }

    both = one.intersection(other)
    assert pixels(both) == pixels(one) & pixels(other)
    assert both.size == len(pixels(both))
    assert min(both.shape) >= 0
