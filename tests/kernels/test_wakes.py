"""Pieces of wakes beside a plain search over all couples."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_kernels.pairs import offset_m
from westsea_kernels.wakes import off_axis, trail_pieces


def reference(lon, lat, level, axis, drift, length, reach, aside):
    out = {}
    for hull in range(lon.size):
        for piece in range(lon.size):
            east, north = offset_m(lon[hull], lat[hull], lon[piece], lat[piece])
            way, away = np.array([east, north]), np.hypot(east, north)
            if level[piece] >= level[hull] or not 0 < away <= reach[hull]:
                continue
            of_hull, of_piece = (
                np.array([np.sin(np.deg2rad(a)), np.cos(np.deg2rad(a))])
                for a in (axis[hull], axis[piece])
            )
            off = abs(np.linalg.det([of_hull, way]))
            end = abs(np.linalg.det([of_piece, way / away])) * length[piece] / 2
            slack = np.tan(np.deg2rad(min(drift[hull], 89.0))) * away
            if off <= aside[hull] + slack and end <= aside[hull]:
                out[hull, piece] = away
    return out


@given(seed=st.integers(0, 1 << 32), n=st.integers(0, 30), lat0=st.floats(-70, 70))
@settings(max_examples=60, deadline=None)
def test_all_pieces_are_found(seed, n, lat0):
    rng = np.random.default_rng(seed)
    lon = rng.uniform(-0.02, 0.02, n) + rng.choice([0.0, 125.0, 180.0])
    lat = np.sort(lat0 + rng.uniform(-0.02, 0.02, n))
    columns = (
        lon,
        lat,
        rng.integers(10, 40, n).astype(float),
        rng.uniform(0, 180, n),
        rng.choice([4.0, 12.0, 95.0], n),
        rng.uniform(15, 200, n),
        rng.uniform(500, 2500, n),
        rng.uniform(20, 60, n),
    )
    pairs, away = trail_pieces(*columns)
    found = {(int(i), int(j)): metres for (i, j), metres in zip(pairs, away, strict=True)}
    wanted = reference(*columns)
    assert found.keys() == wanted.keys()
    assert all(abs(found[key] - wanted[key]) < 1e-6 for key in wanted)


def test_axes_have_no_direction():
    assert off_axis(10.0, 170.0) == 20.0
    assert off_axis(-170.0, 10.0) == 0.0
    assert off_axis(90.0, 0.0) == 90.0
