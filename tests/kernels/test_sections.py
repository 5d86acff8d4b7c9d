import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from westsea_kernels import sections

EAST, NORTH, HEADING, LENGTH, FLOOR = 3.0, -5.0, 0.6, 90.0, 0.3


def chip(seed, n_bands=2):
    rng = np.random.default_rng(seed)
    places = rng.uniform(-80, 80, (400, 2))
    return np.concatenate([places, rng.gamma(1.5, 1.0, (400, n_bands))], axis=1)


def described(pixels, heading=HEADING):
    out = np.empty((pixels.shape[1] - 1, sections.N_STATISTICS))
    sections.describe_sections(pixels, EAST, NORTH, heading, LENGTH, FLOOR, out)
    return out


def reference(pixels, values):
    """Slice by slice, with arrays."""
    east, north = pixels[:, 0] - EAST, pixels[:, 1] - NORTH
    u = east * np.sin(HEADING) + north * np.cos(HEADING)
    v = east * np.cos(HEADING) - north * np.sin(HEADING)
    n = int(np.ceil(LENGTH / sections.SLICE_M))
    place = np.floor((u / LENGTH + 0.5) * n).astype(int)
    w = np.where((place >= 0) & (place < n), np.maximum(values - FLOOR, 0), 0)
    rows = []
    for i in range(n):
        own = place == i
        m0 = w[own].sum()
        m1 = (w * v)[own].sum() / m0
        central = [(w[own] * (v[own] - m1) ** p).sum() / m0 for p in (2, 3, 4)]
        rows.append((m0, m1, *central))
    m0, m1, m2, m3, m4 = np.array(rows).T
    root = np.sqrt(m0)
    variance, third, fourth = (np.average(m, weights=root) for m in (m2, m3, m4))
    middle = np.average(u, weights=w)
    along2, along4 = (np.average((u - middle) ** p, weights=w) for p in (2, 4))
    k = np.arange(n)
    line = np.polyfit(k, m1, 1, w=np.sqrt(root))
    thirds = [np.average(m2[3 * k // n == t], weights=root[3 * k // n == t]) for t in range(3)]
    bend = np.sqrt(np.average((m1 - np.polyval(line, k)) ** 2, weights=root))
    return [
        variance, third / variance**1.5, fourth / variance**2, along4 / along2**2,
        np.average(m1, weights=m0), m0.max() / m0.mean(), *thirds, bend, m0.sum(),
    ]  # fmt: skip


@given(st.integers(0, 10_000))
def test_statistics_are_those_of_the_slices(seed):
    pixels = chip(seed)
    out = described(pixels)
    np.testing.assert_allclose(out[0], reference(pixels, pixels[:, 2:].mean(axis=1)), rtol=1e-6)
    for band in (1, 2):
        np.testing.assert_allclose(out[band], reference(pixels, pixels[:, 1 + band]), rtol=1e-6)


@given(st.integers(0, 10_000))
def test_the_other_way_round_only_signs_and_ends_change(seed):
    pixels = chip(seed)
    one, two = described(pixels), described(pixels, HEADING + np.pi)
    two[:, [sections.SKEW, sections.OFFSET]] *= -1
    two[:, [sections.FORE, sections.AFT]] = two[:, [sections.AFT, sections.FORE]]
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-9)


def test_dark_water_has_no_statistics():
    pixels = chip(1)
    pixels[:, 2:] = 0.0
    assert (described(pixels) == 0).all()


def test_a_level_hull_lies_level_in_its_picture():
    """Bright pixels along the axis fill the middle column, whatever the heading."""
    u, v = (each.ravel() for each in np.meshgrid(np.arange(-45, 46, 3.0), np.arange(-50, 51, 3.0)))
    east = EAST + u * np.sin(HEADING) + v * np.cos(HEADING)
    north = NORTH + u * np.cos(HEADING) - v * np.sin(HEADING)
    pixels = np.stack([east, north, np.where(np.abs(v) < 10, 9.0, 0.0)], axis=1)
    out = np.empty((1, sections.N_ALONG, sections.N_ACROSS))
    sections.draw_level(pixels, EAST, NORTH, HEADING, LENGTH, out)
    inner = out[0, 1:-1]
    assert inner[:, 5] == pytest.approx(3.0, abs=0.4)
    assert (inner[:, [0, 1, 9, 10]] == 0).all()


def collected(slots, contrast, owner, own=0):
    out = np.empty((sections.MOST_PIXELS, 2 + contrast.shape[1]))
    jacobian = np.array([[10.0, 0.0], [0.0, -10.0]])
    n = sections.collect(20, 20, 0.0, 0.0, 0.0, 60.0, own, slots, contrast, owner, jacobian, out)
    return out[:n]


def test_others_and_what_is_not_valid_stay_out_and_what_was_not_looked_at_is_sea():
    slots = np.full((3, 3), -1)
    slots[1, 1], slots[0, 1] = 0, -2
    contrast = np.full((1, 2, 16, 16), 5.0, np.float32)
    owner = np.full((1, 16, 16), -1)
    contrast[0, :, 5, 5] = np.nan
    owner[0, 4, 5], owner[0, 4, 4] = 1, 0
    pixels = collected(slots, contrast, owner)
    places = {(int(20 - north / 10), int(20 + east / 10)): t for east, north, t, _ in pixels}
    assert (21, 21) not in places, "not valid"
    assert (20, 21) not in places, "another's"
    assert places[20, 20] == 5.0
    assert places[20, 15] == 0.0, "not looked at"
    assert not any(row < 16 and col >= 16 for row, col in places), "no sea"
