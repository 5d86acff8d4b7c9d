import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from westsea_kernels import shifts

SIDE, PIXEL_M, PSF_M = 41, 10.0, 5.4
SEA, HULL = 1000.0, 2000.0
CUBIC_M = 0.4
"""Between pixels a cubic is off by this at most, where the shift is nearly a pixel."""

angles = st.floats(0, 2 * np.pi)
metres = st.floats(-8.0, 8.0)


def hull(heading, along, across, length=90.0, width=20.0, light=HULL, bow=0.6):
    """A hull with a bright bow, moved along and across its axis, on north-up pixels."""
    rows, cols = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    east, north = PIXEL_M * cols, -PIXEL_M * rows
    u = east * np.sin(heading) + north * np.cos(heading) - along
    v = east * np.cos(heading) - north * np.sin(heading) - across
    image = np.full(u.shape, SEA)
    for start, stop, share in ((-length / 2, 0.2 * length, 1.0), (0.2 * length, length / 2, bow)):
        part = ndtr((u - start) / PSF_M) - ndtr((u - stop) / PSF_M)
        sides = ndtr((v + width / 2) / PSF_M) - ndtr((v - width / 2) / PSF_M)
        image += share * light * part * sides
    return image


def axes_of(heading):
    """Pixels (row, col) a metre along and across."""
    sine, cosine = np.sin(heading), np.cos(heading)
    return np.array([[-cosine, sine], [sine, cosine]]) / PIXEL_M


def inside():
    use = np.zeros((SIDE, SIDE), np.bool_)
    use[10:-10, 10:-10] = True
    return use


def fit(template, image, heading, use=None):
    out = np.full(shifts.N_SHIFT, np.nan)
    found = shifts.fit_shift(
        template, image, inside() if use is None else use, axes_of(heading), out
    )
    return found, out


@given(angles, metres, metres, st.floats(0.2, 3.0), st.floats(-500, 500))
def test_a_shift_is_recovered_whatever_the_axis_contrast_and_level(
    heading, along, across, share, level
):
    template = hull(heading, 0.0, 0.0)
    image = SEA + level + share * (hull(heading, along, across) - SEA)
    found, out = fit(template, image, heading)
    assert found
    assert out[shifts.ALONG] == pytest.approx(along, abs=CUBIC_M)
    assert out[shifts.ACROSS] == pytest.approx(across, abs=CUBIC_M)
    assert out[shifts.SHARE] == pytest.approx(share, rel=0.05)
    assert out[shifts.LIKENESS] > 0.98


@given(st.floats(0, np.pi / 2), metres, metres)
def test_turned_and_mirrored_images_give_the_same(heading, along, across):
    template, image = hull(heading, 0.0, 0.0), hull(heading, along, across)
    _, out = fit(template, image, heading)
    _, turned = fit(np.rot90(template, -1).copy(), np.rot90(image, -1).copy(), heading + np.pi / 2)
    assert turned == pytest.approx(out, rel=1e-6, abs=1e-6)
    _, mirrored = fit(template[:, ::-1].copy(), image[:, ::-1].copy(), -heading)
    mirrored[shifts.ACROSS] *= -1.0
    assert mirrored == pytest.approx(out, rel=1e-6, abs=1e-6)
    _, back = fit(template, image, heading + np.pi)
    back[[shifts.ALONG, shifts.ACROSS]] *= -1.0
    assert back == pytest.approx(out, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("along", [0.0, 3.7])
def test_standard_errors_are_those_of_white_noise(along):
    rng = np.random.default_rng(1)
    pulls = []
    for heading in rng.uniform(0, np.pi, 300):
        noise = rng.normal(0.0, 250.0, (SIDE, SIDE))
        found, out = fit(hull(heading, 0.0, 0.0), hull(heading, along, 0.0) + noise, heading)
        assert found
        truth = np.array([along, 0.0])
        pulls.append((out[:2] - truth) / out[2:4])
    assert np.std(pulls, axis=0) == pytest.approx(1.0, abs=0.2)


def test_pixels_that_do_not_count_do_not_count():
    template, image = hull(0.5, 0.0, 0.0), hull(0.5, 4.0, 0.0)
    use = inside()
    _, clean = fit(template, image, 0.5, use)
    use[18, 18] = False
    _, masked = fit(template, image, 0.5, use)
    image[18, 18] = 65535.0
    _, same = fit(template, image, 0.5, use)
    assert same.tolist() == masked.tolist()
    assert masked[shifts.ALONG] == pytest.approx(clean[shifts.ALONG], abs=0.1)


@pytest.mark.parametrize(
    "image",
    [
        np.full((SIDE, SIDE), SEA),
        2 * SEA - hull(0.5, 0.0, 0.0),
        hull(0.5, 40.0, 0.0),
    ],
    ids=["nothing", "darker than the sea", "too far"],
)
def test_what_tells_no_shift(image):
    found, out = fit(hull(0.5, 0.0, 0.0), image, 0.5)
    assert not found
    assert np.isnan(out).all()


def test_nothing_is_read_beyond_the_rim(monkeypatch):
    """Pixels of half the height and twice the width, and a shift that leads far away."""
    heading, rim = 0.7, np.zeros((SIDE, SIDE), np.bool_)
    rim[shifts.MARGIN : -shifts.MARGIN, shifts.MARGIN : -shifts.MARGIN] = True
    axes = axes_of(heading) * np.array([2.0, 0.5])
    bare = getattr(shifts.fit_shift, "py_func", shifts.fit_shift)
    for kernel in ("_sums", "_regress", "_cubic"):
        plain = getattr(getattr(shifts, kernel), "py_func", getattr(shifts, kernel))
        monkeypatch.setattr(shifts, kernel, plain)
    rng = np.random.default_rng(2)
    for _ in range(3):
        template, image = rng.normal(SEA, 300.0, (2, SIDE, SIDE)).cumsum(axis=1)
        bare(template, image, rim, axes, np.empty(shifts.N_SHIFT))  # would raise IndexError


def test_flat_templates_and_few_pixels_tell_none():
    image = hull(0.5, 0.0, 0.0)
    assert not fit(np.full((SIDE, SIDE), SEA), image, 0.5)[0]
    use = np.zeros((SIDE, SIDE), np.bool_)
    use[20, 16:24] = True
    assert not fit(image, image, 0.5, use)[0]
    use[:] = False
    use[:3] = True  # within the margin
    assert not fit(image, image, 0.5, use)[0]


def test_integers_give_what_floats_give():
    template, image = (hull(0.5, along, 0.0).round() for along in (0.0, 2.0))
    _, floats = fit(template, image, 0.5)
    _, integers = fit(template.astype(np.uint16), image.astype(np.uint16), 0.5)
    assert integers.tolist() == floats.tolist()
