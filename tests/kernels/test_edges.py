from math import erf, exp, pi, sqrt

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_kernels.edges import END, edge, edges, normal

EXAMPLES = 3 if numba.config.DISABLE_JIT else 100
SIZES, SDS = st.floats(2.0, 600.0), st.floats(1.0, 60.0)


def strip(x, size, sd):
    """The profile by its textbook formula."""
    a, b = (x + 0.5 * size) / sd, (x - 0.5 * size) / sd
    return 0.5 * (erf(a / sqrt(2.0)) - erf(b / sqrt(2.0)))


def edge_at(x, size, sd):
    out = np.empty(4)
    edge(x, size, sd, out)
    return out


@given(st.floats(-END - 3.0, END + 3.0))
@settings(max_examples=EXAMPLES)
def test_the_table_holds_the_normal_distribution(x):
    below, density = normal(x)
    assert below == pytest.approx(0.5 * (1.0 + erf(x / sqrt(2.0))), abs=1e-10)
    assert density == pytest.approx(exp(-0.5 * x * x) / sqrt(2.0 * pi), abs=1e-10)


@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan, 1e300, -1e300])
def test_what_is_no_place_stays_inside_the_table(x):
    below, density = normal(x)
    assert min(abs(below), abs(below - 1.0)) < 1e-14
    assert density < 1e-14


@given(st.floats(-900.0, 900.0), SIZES, SDS)
@settings(max_examples=EXAMPLES)
def test_a_profile_is_that_of_a_blurred_strip_and_so_are_its_slopes(x, size, sd):
    profile, by_x, by_size, by_sd = edge_at(x, size, sd)
    assert profile == pytest.approx(strip(x, size, sd), abs=1e-9)
    step = 1e-3
    for slope, up, down in (
        (by_x, strip(x + step, size, sd), strip(x - step, size, sd)),
        (by_size, strip(x, size + step, sd), strip(x, size - step, sd)),
        (by_sd, strip(x, size, sd + step), strip(x, size, sd - step)),
    ):
        assert slope == pytest.approx((up - down) / (2.0 * step), abs=1e-6)


@given(st.lists(st.floats(-900.0, 900.0), max_size=20), SIZES, SDS)
@settings(max_examples=EXAMPLES)
def test_many_places_at_once_are_like_each_on_its_own(places, size, sd):
    out = np.full((4, len(places)), 7.0)
    edges(np.array(places), size, sd, out)
    for k, x in enumerate(places):
        np.testing.assert_allclose(out[:, k], edge_at(x, size, sd), rtol=0.0, atol=1e-14)
