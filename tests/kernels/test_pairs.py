from itertools import combinations

import numba
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from westsea_kernels.pairs import (
    between,
    components,
    find_pairs,
    neighbours,
    offset_m,
    rectangle_gap,
)

EXAMPLES = 10 if numba.config.DISABLE_JIT else 100
GEOD = Geod(ellps="WGS84")
CLOSE_M = 500.0
NONE = np.zeros(25, np.bool_)


# -- references


def offset_slowly(lon1, lat1, lon2, lat2):
    """(east, north): the geodesic's length along its direction halfway."""
    forward, back, distance = GEOD.inv(lon1, lat1, lon2, lat2)
    # Directions may lie on both sides of north; vectors average without harm.
    angles = np.deg2rad([forward, back + 180])
    direction = np.array([np.sin(angles).sum(), np.cos(angles).sum()])
    norm = np.hypot(*direction)
    return distance * direction / norm if norm else np.zeros(2)


def corners(east, north, length, width, heading):
    angle = np.deg2rad(heading)
    along = 0.5 * length * np.array([np.sin(angle), np.cos(angle)])
    across = 0.5 * width * np.array([np.cos(angle), -np.sin(angle)])
    signs = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
    return np.array([[east, north] + a * along + b * across for a, b in signs])


def gap_slowly(one, two):
    return shapely.Polygon(one).distance(shapely.Polygon(two))


# -- offsets on the ellipsoid


@given(
    st.floats(-180, 180), st.floats(-75, 75), st.floats(0, 360), st.floats(0, 5000), st.booleans()
)
@settings(max_examples=300)
def test_offset_is_the_geodesic(lon1, lat1, azimuth, distance, at_180):
    lon1 = lon1 / 1e4 + 180 if at_180 else lon1
    lon2, lat2, _ = GEOD.fwd(lon1, lat1, azimuth, distance)
    found = offset_m(lon1, lat1, lon2, lat2)
    tolerance = 1e-5 * distance + 1e-6
    np.testing.assert_allclose(found, offset_slowly(lon1, lat1, lon2, lat2), atol=tolerance)
    assert np.hypot(*found) == pytest.approx(distance, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("lon1", "lon2"), [(179.99, -179.99), (-180, 179.98), (180.02, -180)])
def test_offset_takes_the_short_way_across_180_degrees(lon1, lon2):
    east, north = offset_m(lon1, 10.0, lon2, 10.0)
    assert abs(east) == pytest.approx(0.02 * 109_639, rel=1e-4)
    assert north == 0


@given(st.floats(-180, 180), st.floats(-75, 75), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_the_way_back_is_the_way_turned_round(lon, lat, dlon, dlat):
    there = offset_m(lon, lat, lon + dlon, lat + dlat)
    back = offset_m(lon + dlon, lat + dlat, lon, lat)
    np.testing.assert_allclose(there, np.negative(back), atol=1e-6)


# -- gaps

sizes = st.floats(1, 400)
rectangles = st.builds(
    corners, st.floats(-500, 500), st.floats(-500, 500), sizes, sizes, st.floats(0, 180)
)


@given(rectangles, rectangles)
@settings(max_examples=5 * EXAMPLES)
def test_gap_is_the_least_distance_of_the_rectangles(one, two):
    expected = gap_slowly(one, two)
    assert rectangle_gap(one, two) == pytest.approx(expected, abs=1e-9)
    assert rectangle_gap(two, one) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("two", "gap"),
    [
        (corners(0, 0, 10, 5, 0), 0),  # within
        (corners(60, 0, 100, 20, 0), 40),  # side by side
        (corners(20, 0, 100, 20, 0), 0),  # touching
        (corners(0, 130, 100, 20, 0), 30),  # in line
        (corners(40, 140, 100, 20, 0), np.hypot(20, 40)),  # corner to corner
        (corners(0, 0, 100, 20, 90), 0),  # crossing, no corner of either within the other
        (corners(40, 0, 100, 20, 90), 0),
        (corners(90, 0, 100, 20, 90), 30),  # end on to a side
    ],
)
def test_gap_of_known_places(two, gap):
    assert rectangle_gap(corners(0, 0, 100, 20, 0), two) == pytest.approx(gap, abs=1e-9)


# -- pairs


@st.composite
def fleets(draw):
    """Longitude, latitude, length, width, heading of hulls, sorted by latitude."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(0, 25))
    middle = draw(st.sampled_from([(125.0, 38.0), (180.0, 70.0), (-180.0, -65.0), (0.0, 0.0)]))
    side_m = draw(st.sampled_from([300, 1500, 6000]))
    east, north = rng.uniform(-side_m, side_m, (2, n))
    lon, lat, _ = GEOD.fwd(
        np.full(n, middle[0]),
        np.full(n, middle[1]),
        np.rad2deg(np.arctan2(east, north)),
        np.hypot(east, north),
    )
    length = rng.uniform(15, 350, n)
    width = length * rng.uniform(0.1, 1, n)
    order = np.argsort(lat)
    return tuple(values[order] for values in (lon, lat, length, width, rng.uniform(0, 180, n)))


def gaps_slowly(lon, lat, length, width, heading):
    """{(i, j): (gap, distance)} of all pairs."""
    gaps = {}
    for i, j in combinations(range(lon.size), 2):
        away = offset_slowly(lon[i], lat[i], lon[j], lat[j])
        one = corners(0, 0, length[i], width[i], heading[i])
        two = corners(*away, length[j], width[j], heading[j])
        gaps[i, j] = gap_slowly(one, two), np.hypot(*away)
    return gaps


@given(fleets(), st.sampled_from([20.0, CLOSE_M]))
@settings(max_examples=EXAMPLES)
def test_all_pairs_within_the_gap_are_found(fleet, widest):
    index, measures, n_passed = find_pairs(*fleet, widest, NONE[: fleet[0].size])
    assert n_passed == 0
    assert index.tolist() == sorted(index.tolist())
    found = dict(zip(map(tuple, index.tolist()), measures, strict=True))
    assert len(found) == len(index)
    gaps = gaps_slowly(*fleet)
    for pair, expected in gaps.items():
        if abs(expected[0] - widest) > 0.1:
            assert (pair in found) == (expected[0] < widest)
    for pair, measure in found.items():
        np.testing.assert_allclose(measure, gaps[pair], rtol=1e-4, atol=1e-3)


def test_wide_hulls_corner_to_corner_are_found():
    """Their centres lie further apart than the gap and a length."""
    lat = np.array([0.0, (CLOSE_M + 1.4 * 300) / 110_574])
    index, measures, _ = find_pairs(
        np.zeros(2), lat, np.full(2, 300.0), np.full(2, 300.0), np.full(2, 45.0), CLOSE_M, NONE[:2]
    )
    assert index.tolist() == [[0, 1]]
    assert measures[0, 0] == pytest.approx(CLOSE_M + (1.4 - np.sqrt(2)) * 300, abs=0.1)


def test_hulls_on_one_place_are_a_pair_without_gap():
    same = np.array([5.0, 5.0])
    index, measures, _ = find_pairs(same, same, 10 * same, same, same, 20.0, NONE[:2])
    assert index.tolist() == [[0, 1]]
    assert measures.tolist() == [[0, 0]]


@pytest.mark.parametrize("unknown", range(5))
def test_hulls_without_a_place_or_size_pair_with_none(unknown):
    fleet = [np.array([5.0, 5.0]) for _ in range(5)]
    fleet[unknown][1] = np.nan
    index, measures, _ = find_pairs(*fleet, 20.0, NONE[:2])
    assert index.shape == measures.shape == (0, 2)


@given(fleets(), st.sampled_from([20.0, CLOSE_M]), st.integers(0, 2**32 - 1))
@settings(max_examples=EXAMPLES)
def test_pairs_that_are_passed_over_are_counted(fleet, widest, seed):
    passed = np.random.default_rng(seed).random(fleet[0].size) < 0.6
    every, _, _ = find_pairs(*fleet, widest, NONE[: passed.size])
    index, _, n_passed = find_pairs(*fleet, widest, passed)
    left_out = passed[every].all(axis=1)
    assert index.tolist() == every[~left_out].tolist()
    assert n_passed == left_out.sum()


# -- components, between


@given(st.integers(1, 30), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_components_are_what_edges_connect(n, m, seed):
    first, second = np.random.default_rng(seed).integers(0, n, (2, m))
    graph = coo_matrix((np.ones(m), (first, second)), (n, n))
    _, label = connected_components(graph, directed=False)
    smallest = [np.flatnonzero(label == each)[0] for each in label]
    assert components(n, first, second).tolist() == smallest


def test_probabilities_are_those_of_the_normal_distribution():
    value, sd = np.array([0.0, 5.0, -3.0]), np.array([1.0, 2.0, 0.5])
    lowest, highest = np.array([-np.inf, 3.0, -3.0]), np.array([0.0, 7.0, np.inf])
    out = np.empty(3)
    between(value, sd, lowest, highest, out)
    np.testing.assert_allclose(out, [0.5, 0.6826894921, 0.5], rtol=1e-9)


# -- neighbours


@given(fleets(), st.integers(0, 6), st.sampled_from([800.0, 5000.0]), st.integers(0, 2**32 - 1))
@settings(max_examples=EXAMPLES)
def test_neighbours_are_the_counted_third_hulls_within_the_radius(fleet, m, radius, seed):
    lon, lat = fleet[:2]
    n = lon.size
    m = m if n else 0
    rng = np.random.default_rng(seed)
    first, second = rng.integers(-1 if n else 0, max(n, 1), (2, m))
    mid_lon, mid_lat = lon[first] + rng.uniform(-0.01, 0.01, m), lat[first]
    counts, nearest = np.full(m, 7), np.full(m, 7.0)
    neighbours(lon, lat, first, second, mid_lon, mid_lat, radius, counts, nearest)
    for k in range(m):
        third = ~np.isin(np.arange(n), [first[k], second[k]])
        away = [GEOD.inv(mid_lon[k], mid_lat[k], lon[i], lat[i])[2] for i in np.flatnonzero(third)]
        near = np.array(away)
        assert np.sum(near < radius - 0.1) <= counts[k] <= np.sum(near < radius + 0.1)
        assert nearest[k] == pytest.approx(near.min(initial=np.inf), rel=1e-5, abs=1e-6)
