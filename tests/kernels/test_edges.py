import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from westsea_kernels.edges import END, edge, normal


@given(st.floats(-8.0, 8.0) | st.sampled_from([-END, END, *np.nextafter([-END, END], 0.0)]))
def test_the_table_is_the_normal_distribution(x):
    integral, density = normal(x)
    assert integral == pytest.approx(norm.cdf(x) - 0.5, abs=1e-8)
    assert density == pytest.approx(norm.pdf(x), abs=1e-8)


@pytest.mark.parametrize(("x", "integral"), [(np.inf, 0.5), (-np.inf, -0.5), (np.nan, np.nan)])
def test_what_is_no_number_or_endless_reads_nothing_beside_the_table(x, integral):
    assert normal(x)[0] == pytest.approx(integral, nan_ok=True)


@given(st.floats(-100.0, 100.0), st.floats(5.0, 150.0), st.floats(4.0, 20.0))
def test_derivatives_are_those_of_the_profile(x, size, sd):
    out = np.empty(4)
    edge(x, size, sd, out)

    def profile(x, size, sd):
        return norm.cdf((x + size / 2) / sd) - norm.cdf((x - size / 2) / sd)

    h = 1e-4
    assert out[0] == pytest.approx(profile(x, size, sd), abs=2e-8)
    for k, step in enumerate(h * np.eye(3), 1):
        ends = [profile(*(np.array([x, size, sd]) + way * step)) for way in (1, -1)]
        assert out[k] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-7)
