"""The kernel against a slow search."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_kernels.ghosts import ghost_sources
from westsea_kernels.pairs import offset_m

ALONG = np.array([[1_000.0, 1_500.0], [2_000.0, 2_200.0]])
OTHER = np.array([[1_200.0, 1_300.0], [2_500.0, 3_000.0]])
ACROSS = np.array([-200.0, 300.0])
SPREAD = 0.05


def slow(lon, lat, weakest, strongest, azimuth, along, source_lon, source_lat, source_db):
    out = []
    for i in range(lon.size):
        sine, cosine = np.sin(np.deg2rad(azimuth[i])), np.cos(np.deg2rad(azimuth[i]))
        fits = []
        for k in range(source_lon.size):
            east, north = offset_m(source_lon[k], source_lat[k], lon[i], lat[i])
            ahead, aside = abs(east * sine + north * cosine), east * cosine - north * sine
            inside = any(low <= ahead <= high for low, high in along[i])
            across = ACROSS[0] - SPREAD * ahead <= aside <= ACROSS[1] + SPREAD * ahead
            if inside and across and weakest[i] <= source_db[k] <= strongest[i]:
                fits.append(k)
        out.append(max(fits, key=lambda k: (source_db[k], -k)) if fits else -1)
    return out


@given(seed=st.integers(0, 1 << 32), n=st.integers(0, 20), m=st.integers(0, 200))
@settings(max_examples=40)
def test_equal_to_a_slow_search(seed, n, m):
    rng = np.random.default_rng(seed)
    lon, lat = 124 + rng.uniform(0, 0.06, n), 37 + rng.uniform(0, 0.05, n)
    source_lon = 124 + rng.uniform(0, 0.06, m)
    source_lat = np.sort(37 + rng.uniform(0, 0.05, m))
    source_db = np.round(rng.uniform(0, 20, m))  # ties
    weakest = rng.uniform(0, 10, n)
    strongest, azimuth = weakest + 10.0, rng.uniform(-180, 180, n)
    along = np.where(rng.random((n, 1, 1)) < 0.5, ALONG, OTHER)
    source = np.empty(n, np.int64)
    ghost_sources(
        lon,
        lat,
        weakest,
        strongest,
        azimuth,
        SPREAD,
        along,
        ACROSS,
        source_lon,
        source_lat,
        source_db,
        source,
    )
    expected = slow(lon, lat, weakest, strongest, azimuth, along, source_lon, source_lat, source_db)
    assert source.tolist() == expected
