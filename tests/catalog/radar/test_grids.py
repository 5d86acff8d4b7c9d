"""Grids of radar geometry anywhere on earth, 180 degrees and the far north included."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import GEOD, Window, ground_jacobian
from westsea_catalog.radar.grids import RadarGrid, guessed_grid
from westsea_catalog.radar.ranges import SlantRanges

SHAPE = (4000, 5000)
PIXEL_M = 10.0


@dataclass(frozen=True)
class Swath:
    """A swath of SHAPE whose lines bend, about a place, on geodesics."""

    lon: float
    lat: float
    heading: float

    def lonlat(self, row, col):
        """Where a pixel lies: along the track, then to the right of it."""
        row, col = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float))
        along = PIXEL_M * 1.014 * (row - SHAPE[0] / 2)
        across = PIXEL_M * (col - SHAPE[1] / 2)
        along = along + 40.0 * (across / 25_000) ** 2
        one = np.ones_like(along)
        heading = self.heading * one
        lon, lat, back = GEOD.fwd(self.lon * one, self.lat * one, heading, along)
        lon, lat, _ = GEOD.fwd(lon, lat, np.asarray(back) - 180 + 90, across)
        return np.asarray(lon), np.asarray(lat)


def lines():
    """Evenly spaced, but for the last, as in products."""
    return np.array([*range(0, SHAPE[0] - 1, 600), SHAPE[0] - 1], float)


def ranges():
    """Polynomials whose columns step by some pixels from one to the next."""
    rows = np.arange(-300.0, SHAPE[0] + 600, 668)
    shift = np.array([0, 30, -20, 5, 60, -40, 10, 0])[: len(rows)]
    terms = np.stack([850e3 + shift, np.full(len(rows), 0.55), np.full(len(rows), 3e-7)], axis=1)
    return SlantRanges(rows, terms, PIXEL_M, SHAPE[1])


def grid_of(swath, of_ranges=None):
    cols = np.array([*range(0, SHAPE[1] - 1, 700), SHAPE[1] - 1], float)
    row, col = np.meshgrid(lines(), cols, indexing="ij")
    lon, lat = swath.lonlat(row, col)
    across = cols
    if of_ranges is not None:
        across = of_ranges.metres(np.array(-300.0), cols)[0]
    return RadarGrid(SHAPE, lines(), across, lon, lat, of_ranges)


swaths = st.builds(
    Swath,
    st.one_of(st.floats(-180, 180), st.floats(179.9, 180), st.just(-180.0)),
    st.one_of(st.floats(-80, 80), st.just(0.0)),
    st.floats(-180, 180),
)
SEEDS = st.integers(0, 2**32 - 1)


def places(seed, beyond=200, n=40):
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(-beyond, side + beyond, n) for side in SHAPE)


@settings(max_examples=60)
@given(swaths, SEEDS, st.booleans())
def test_there_and_back(swath, seed, steps):
    grid = grid_of(swath, ranges() if steps else None)
    row, col = places(seed)
    found = grid.pixel(*grid.lonlat(row, col))
    np.testing.assert_allclose(found, (row, col), atol=1e-3)


@settings(max_examples=40)
@given(swaths, SEEDS)
def test_where_pixels_lie(swath, seed):
    """Within centimetres of the truth between control points, metres apart from a plane."""
    grid = grid_of(swath)
    row, col = places(seed, beyond=0)
    lon, lat = grid.lonlat(row, col)
    _, _, apart = GEOD.inv(lon, lat, *swath.lonlat(row, col))
    assert np.max(apart) < 0.05


@settings(max_examples=40)
@given(swaths, SEEDS)
def test_the_slopes_are_differences(swath, seed):
    grid = grid_of(swath)
    row, col = places(seed)
    np.testing.assert_allclose(grid.jacobian(row, col), ground_jacobian(grid, row, col), atol=2e-5)


def test_slopes_know_nothing_of_steps():
    """Halfway between two polynomials columns step, and pixels stay 10 m wide and high."""
    grid = grid_of(Swath(125.0, 37.0, -168.0), ranges())
    halfway = ranges().rows[2:4].mean()
    rows = halfway + np.array([-0.3, 0.0, 0.3])
    jacobian = grid.jacobian(rows, 2500.0)
    size = np.hypot(jacobian[:, 0], jacobian[:, 1])
    assert ((size > 9) & (size < 11.5)).all()
    differences = ground_jacobian(grid, rows, 2500.0)
    assert (np.hypot(differences[:, 0], differences[:, 1]) > 30).any()


def test_the_earths_other_side_has_no_pixel():
    grid = grid_of(Swath(125.0, 37.0, -168.0))
    row, col = grid.pixel([125.0, -55.0], [37.0, -37.0])
    assert np.isfinite([row[0], col[0]]).all()
    assert np.isnan([row[1], col[1]]).all()


def test_scalars_and_shapes():
    grid = grid_of(Swath(125.0, 37.0, -168.0), ranges())
    lon, lat = grid.lonlat(5, np.arange(3)[None, :] * np.ones((2, 1)))
    assert lon.shape == lat.shape == (2, 3)
    assert grid.pixel(125.0, 37.0)[0].shape == ()
    assert grid.jacobian(5, np.arange(3)).shape == (3, 2, 2)
    assert grid.full == Window(0, SHAPE[0], 0, SHAPE[1])


def test_it_travels_and_is_equal():
    grid = grid_of(Swath(125.0, 37.0, -168.0), ranges())
    copy = pickle.loads(pickle.dumps(grid))
    assert copy == grid
    assert hash(copy) == hash(grid)
    assert grid != grid_of(Swath(125.0, 37.0, -168.0))
    assert not grid.is_map
    assert not grid.is_guess
    assert grid.says == {"geometry": "radar", "guess": False}
    assert grid.coarsened(1) is grid
    with pytest.raises(ValueError, match="no bands coarser"):
        grid.coarsened(2)


# -- guesses


@settings(max_examples=60)
@given(
    st.floats(-180, 180),
    st.floats(-60, 60),
    st.booleans(),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_a_guess_is_near(lon, lat, ascending, first, reverse, swapped):
    """Whatever corner its outline begins with, whichever way it goes round."""
    turn = np.degrees(
        np.arcsin(np.clip(np.cos(np.radians(98.18)) / np.cos(np.radians(lat)), -1, 1))
    )
    swath = Swath(lon, lat, turn - 3 if ascending else 183 - turn)
    row = np.array([-0.5, -0.5, SHAPE[0] - 0.5, SHAPE[0] - 0.5])
    col = np.array([-0.5, SHAPE[1] - 0.5, SHAPE[1] - 0.5, -0.5])
    corners = np.roll(np.column_stack(swath.lonlat(row, col)), first, axis=0)
    ring = corners[::-1] if reverse else corners
    orbit = "ascending" if ascending else "descending"
    outline = shapely.MultiPoint(ring)
    grid = guessed_grid(outline, orbit, SHAPE[::-1] if swapped else SHAPE, PIXEL_M)
    assert grid.is_guess
    assert grid.shape == SHAPE
    row, col = places(first, beyond=0)
    _, _, apart = GEOD.inv(*grid.lonlat(row, col), *swath.lonlat(row, col))
    assert np.max(apart) < 300
    unsaid = guessed_grid(outline, orbit, None, PIXEL_M)
    np.testing.assert_allclose(unsaid.shape, SHAPE, rtol=0.02)


@pytest.mark.parametrize(
    ("outline", "reason"),
    [
        (shapely.Polygon(), "no outline"),
        (shapely.Point(125, 37), "no outline"),
        (shapely.LineString([(0, 0), (1, 1), (2, 2)]), "encloses nothing"),
        (shapely.MultiPoint([(0, 0), (120, 0), (240, 0)]), "around the world"),
        (shapely.Polygon([(0, 0), (1, 0), (1, 90)]), "no outline"),
        (shapely.box(125, 37, 125.0001, 37.0001), "encloses nothing"),
    ],
)
def test_outlines_that_are_none(outline, reason):
    with pytest.raises(RefusedScene, match=reason):
        guessed_grid(outline, "ascending", SHAPE, PIXEL_M)
