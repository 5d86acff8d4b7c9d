import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_kernels.company import count_alike, offsets, reached
from westsea_kernels.pairs import offset_m

PLACE = st.tuples(st.floats(-0.06, 0.06), st.floats(-0.06, 0.06), st.floats(0, 179.9))


@st.composite
def ships(draw):
    """lon, lat and heading of some, by latitude, here or about the antimeridian."""
    lon0, lat0 = draw(st.sampled_from([(124.0, 37.0), (179.99, -60.0), (0.0, 0.0)]))
    drawn = draw(st.lists(PLACE, max_size=12))
    lon, lat, heading = np.reshape(drawn, (-1, 3)).astype(float).T
    order = np.argsort(lat, kind="stable")
    lon = (lon0 + lon[order] + 180.0) % 360.0 - 180.0
    return lon, lat0 + lat[order], heading[order]


def apart(lon, lat):
    n = len(lon)
    return np.array(
        [[np.hypot(*offset_m(lon[i], lat[i], lon[j], lat[j])) for j in range(n)] for i in range(n)]
    ).reshape(n, n)


@given(ships(), st.floats(0, 1000), st.floats(1000, 9000), st.floats(5, 90))
@settings(max_examples=60)
def test_neighbours_and_like_ones_are_counted(some, least, most, like_deg):
    lon, lat, heading = some
    away = apart(lon, lat)
    near = (away >= least) & (away <= most) & ~np.eye(len(lon), dtype=bool)
    turn = np.abs(heading[:, None] - heading)
    like = np.minimum(turn, 180 - turn) <= like_deg
    counts = count_alike(lon, lat, heading, least, most, like_deg)
    assert counts[:, 0].tolist() == near.sum(axis=1).tolist()
    assert counts[:, 1].tolist() == (near & like).sum(axis=1).tolist()


@given(ships(), st.floats(100, 9000), st.data())
@settings(max_examples=60)
def test_what_lies_by_a_core_is_reached_and_nothing_beyond(some, most, data):
    lon, lat, _ = some
    n = len(lon)
    core = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    wanted = core | ((apart(lon, lat) <= most) & core).any(axis=1)
    assert reached(lon, lat, core, most).tolist() == wanted.tolist()


def test_places_without_a_latitude_are_nobodys_neighbours():
    lon, lat = np.array([124.0, 124.001, 124.0]), np.array([37.0, 37.0, np.nan])
    counts = count_alike(lon, lat, np.zeros(3), 0.0, 1000.0, 90.0)
    assert counts.tolist() == [[1, 1], [1, 1], [0, 0]]
    assert reached(lon, lat, np.array([True, False, False]), 1000.0).tolist() == [True, True, False]


def test_offsets_point_from_the_first_to_the_second():
    lon, lat = np.array([124.0, 124.01]), np.array([37.0, 37.01])
    out = offsets(lon, lat, np.array([0, 1]), np.array([1, 0]))
    assert (out[:, 0] > 0).all()
    assert np.allclose(out[:, 0], -out[:, 1])
