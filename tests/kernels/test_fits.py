import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from westsea_kernels import fits
from westsea_kernels.blocks import BLOCK

SEA, LEVEL, NOISE = 1.0, 20.0, 0.1
N_BLOCKS = 6
SHAPE = (N_BLOCKS * BLOCK, N_BLOCKS * BLOCK)
MIDDLE = np.array(SHAPE) // 2
NORTH_UP = np.array([[10.0, 0.0], [0.0, -10.0]])
BLUR = np.array([81.0, 90.0, 6.0])
WHOLE = (1.0, 1.0, 0.01, 1.0, 25.0, 0.1, 0.0, 0.0)
"""Nothing is cut, and the prior hardly counts."""
CUT = (0.65, 0.2, 0.7, 3.5, 25.0, 0.1, 0.0, 0.0)
TWICE = (*CUT[:6], 0.85, 0.5)

angles = st.floats(0, np.pi, exclude_max=True)
offsets = st.floats(-15, 15)


def model_of(p, east, north, blur=BLUR):
    """Level over the sea, by the text of the module."""
    he, hn = np.sin(p[fits.HEADING]), np.cos(p[fits.HEADING])
    covariance = np.array([[blur[0], blur[2]], [blur[2], blur[1]]])
    out = np.exp(p[fits.LOG_LEVEL])
    for axis, size in (((he, hn), fits.LOG_LENGTH), ((hn, -he), fits.LOG_WIDTH)):
        axis = np.array(axis)
        away = (east - p[fits.EAST]) * axis[0] + (north - p[fits.NORTH]) * axis[1]
        sd, half = np.sqrt(axis @ covariance @ axis), np.exp(p[size]) / 2
        out = out * (special.ndtr((away + half) / sd) - special.ndtr((away - half) / sd))
    return out


def metres(jacobian=NORTH_UP):
    """East and north of every pixel from the middle one."""
    row, col = np.indices(SHAPE)
    steps = np.stack([col - MIDDLE[1], row - MIDDLE[0]])
    return np.einsum("ij,jrc->irc", jacobian, steps)


def parameters(length, width, heading, east=0.0, north=0.0):
    return np.array([east, north, heading, np.log(length), np.log(width), np.log(LEVEL)])


def render(p, jacobian=NORTH_UP, blur=BLUR):
    return (SEA + model_of(p, *metres(jacobian), blur)).astype(np.float32)


def cut(image):
    """(blocks, BLOCK, BLOCK) and the slots of an image."""
    tiles = image.reshape(N_BLOCKS, BLOCK, N_BLOCKS, BLOCK).swapaxes(1, 2)
    slots = np.arange(N_BLOCKS**2).reshape(N_BLOCKS, N_BLOCKS)
    return np.ascontiguousarray(tiles.reshape(-1, BLOCK, BLOCK)), slots


def fit(image, guess, *, model=WHOLE, jacobian=NORTH_UP, blur=BLUR, noise=NOISE, owner=None,
        slots=None, floor=SEA):  # fmt: skip
    plane, all_slots = cut(image)
    owner = np.where(image > 1.5, 0, -1) if owner is None else owner
    values = image[image > 1.5]
    out = np.empty((1, fits.N_FITTED))
    fits.fit_hulls(
        np.array([0, values.size]), values, np.array([guess]), MIDDLE[:1].copy(),
        MIDDLE[1:].copy(), all_slots if slots is None else slots, plane, cut(owner)[0],
        np.array([SEA]), np.array([floor]), np.array([noise]), np.array(model),
        jacobian[None].copy(), blur, out,
    )  # fmt: skip
    return out[0]


def wrong(p, rng, by=1.0):
    """A guess some way off."""
    return p + by * rng.uniform(-1, 1, p.size) * [8, 8, 0.15, 0.15, 0.3, 0]


def turn(one, two):
    return abs((one - two + np.pi / 2) % np.pi - np.pi / 2)


# -- what is fitted


@given(st.floats(80, 300), st.floats(4, 6), angles, offsets, offsets, st.integers(0, 99))
@settings(max_examples=100)
def test_a_rectangle_is_found_again(length, ratio, heading, east, north, seed):
    """From guesses up to 5 m, 5 degrees, 9 % of length and 18 % of width off.

    Of 2,500 that were up to 13 m and 9 degrees off, 4 missed the brightest pixel, at which the
    hull is cut then, and made it up to 7 m too long.
    """
    p = parameters(length, max(length / ratio, 18), heading, east, north)
    out = fit(render(p), wrong(p, np.random.default_rng(seed), by=0.6))
    assert np.hypot(*(out[:2] - p[:2])) < 0.5
    assert turn(out[fits.HEADING], heading) < np.deg2rad(0.4)
    assert np.exp(out[fits.LOG_LENGTH]) == pytest.approx(length, abs=2.0)
    assert np.exp(out[fits.LOG_WIDTH]) == pytest.approx(np.exp(p[fits.LOG_WIDTH]), abs=2.0)
    assert out[fits.MISFIT] < (0.02 * LEVEL) ** 2


def fit_slowly(image, guess, model, noise):
    """Parameters, their errors and the mean square, by scipy and numerical derivatives."""
    share, hull_share, uneven, pixels_per_cell, reach, reach_share = model[:6]
    east, north = metres()

    def inside(p, half_length, half_width):
        sine, cosine = np.sin(p[fits.HEADING]), np.cos(p[fits.HEADING])
        e, n = east - p[fits.EAST], north - p[fits.NORTH]
        return (abs(e * sine + n * cosine) <= half_length) & (
            abs(e * cosine - n * sine) <= half_width
        )

    length, width = np.exp(guess[[fits.LOG_LENGTH, fits.LOG_WIDTH]])
    chip = inside(guess, length * (0.5 + reach_share) + reach, width / 2 + reach)
    top = min(
        np.quantile(image[image > 1.5], share, method="nearest"),
        np.quantile(image[inside(guess, length / 2, width / 2)], hull_share, method="nearest"),
    )
    values = np.minimum(image[chip], top).astype(float) - SEA
    sd = np.sqrt(pixels_per_cell * (noise**2 + (uneven * (top - SEA)) ** 2))

    def left(p):
        prior = (p[fits.LOG_WIDTH] - np.log(fits.WIDTH_PRIOR_M)) / fits.WIDTH_PRIOR_SD
        return np.append((values - model_of(p, east[chip], north[chip])) / sd, prior)

    start = guess.copy()
    start[fits.LOG_LEVEL] = np.log(top - SEA)
    found = optimize.least_squares(left, start, x_scale=[10, 10, 0.1, 0.1, 0.1, 0.1], xtol=1e-12)
    errors = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))
    return found.x, errors, np.mean((left(found.x)[:-1] * sd) ** 2)


@given(st.integers(0, 2**32 - 1), st.sampled_from([WHOLE, CUT]))
@settings(max_examples=60)
def test_the_fit_is_that_of_the_reference(seed, model):
    rng = np.random.default_rng(seed)
    length = rng.uniform(90, 250)
    p = parameters(length, length / rng.uniform(4, 7), rng.uniform(0, np.pi))
    image = (render(p) * rng.gamma(60, 1 / 60, SHAPE)).astype(np.float32)
    guess = wrong(p, rng, 0.4)
    out = fit(image, guess, model=model)
    expected, errors, mean_square = fit_slowly(image, guess, model, NOISE)
    # Steps end below CONVERGED standard errors; where width and level trade, some were to come.
    assert (np.abs(out[: fits.N_PARAMETERS] - expected) < 0.25 * errors).all()
    np.testing.assert_allclose(out[fits.SD : fits.MISFIT], errors, rtol=0.15)
    assert out[fits.MISFIT] == pytest.approx(mean_square, rel=0.1)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_the_second_fit_is_the_first_cut_higher(seed):
    rng = np.random.default_rng(seed)
    length = rng.uniform(90, 250)
    p = parameters(length, length / rng.uniform(4, 7), rng.uniform(0, np.pi))
    image = (render(p) * rng.gamma(60, 1 / 60, SHAPE)).astype(np.float32)
    guess = wrong(p, rng, 0.4)
    out = fit(image, guess, model=TWICE)
    once = fit(image, guess, model=CUT)
    np.testing.assert_array_equal(out[: fits.LOG_WIDTH_ABOVE], once[: fits.LOG_WIDTH_ABOVE])
    assert once[fits.LOG_WIDTH_ABOVE] == once[fits.LOG_WIDTH]
    expected, errors, _ = fit_slowly(image, guess, (*TWICE[6:], *TWICE[2:6]), NOISE)
    away = abs(out[fits.LOG_WIDTH_ABOVE] - expected[fits.LOG_WIDTH])
    assert away < 0.25 * errors[fits.LOG_WIDTH]


def test_what_outshines_the_hull_does_not_pull_the_fit():
    p = parameters(200, 32, 0.5)
    image = render(p)
    bridge = MIDDLE + 7 * np.array([np.cos(0.5), -np.sin(0.5)])
    row, col = np.indices(SHAPE)
    image += 200 * np.exp(-((row - bridge[0]) ** 2 + (col - bridge[1]) ** 2) / 2 / 0.7**2)
    out = fit(image.astype(np.float32), p, model=CUT)
    assert np.hypot(*(out[:2])) < 5
    assert np.exp(out[fits.LOG_LENGTH]) == pytest.approx(200, rel=0.06)


def test_a_hull_that_is_wider_than_long_is_turned():
    p = parameters(60, 90, 0.3)
    out = fit(render(p), p)
    assert np.exp(out[fits.LOG_LENGTH]) == pytest.approx(90, abs=1)
    assert np.exp(out[fits.LOG_WIDTH]) == pytest.approx(60, abs=1)
    assert turn(out[fits.HEADING], 0.3 + np.pi / 2) < 0.01


# -- symmetries


@given(st.floats(60, 300), angles, offsets, offsets, st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_turning_and_mirroring_the_image_turns_and_mirrors_the_fit(
    length, heading, east, north, seed
):
    rng = np.random.default_rng(seed)
    p = parameters(length, length / 5, heading, east, north)
    image = (render(p) * rng.gamma(60, 1 / 60, SHAPE)).astype(np.float32)
    # One row and column less, so that the middle stays the middle; speckle in them would count
    # among the blob's pixels on one side alone.
    image[0] = image[:, 0] = SEA
    # From afar, rounding may decide whether the last step still counts.
    guess = wrong(p, rng, 0.1)
    out = fit(image, guess, model=TWICE)
    mirrored, turned = np.full_like(image, SEA), np.full_like(image, SEA)
    mirrored[:, 1:] = image[:, :0:-1]
    turned[1:, 1:] = np.rot90(image[1:, 1:])  # counter-clockwise
    ee, nn, en = BLUR
    flipped = fit(mirrored, guess * [-1, 1, -1, 1, 1, 1], model=TWICE, blur=np.array([ee, nn, -en]))
    quarter = guess[[1, 0, 2, 3, 4, 5]] * [-1, 1, 1, 1, 1, 1] - [0, 0, np.pi / 2, 0, 0, 0]
    around = fit(turned, quarter, model=TWICE, blur=np.array([nn, ee, -en]))
    same = [3, 4, 5, 8, 9, 10, 11, 12, 13]
    for other in (flipped, around):
        np.testing.assert_allclose(other[same], out[same], rtol=1e-3)
    np.testing.assert_allclose(flipped[:2], out[:2] * [-1, 1], atol=1e-3)
    np.testing.assert_allclose(around[:2], [-out[1], out[0]], atol=1e-3)
    assert turn(flipped[2], -out[2]) < 1e-3
    assert turn(around[2], out[2] - np.pi / 2) < 1e-3


@given(st.floats(80, 300), angles, st.floats(0, 2 * np.pi), st.floats(6, 14))
@settings(max_examples=50)
def test_pixels_need_be_neither_of_ten_metres_nor_north_up(length, heading, turned, pixel):
    sine, cosine = np.sin(turned), np.cos(turned)
    jacobian = pixel * np.array([[cosine, sine], [sine, -cosine]])
    p = parameters(length, max(length / 5, 20), heading)
    out = fit(render(p, jacobian), p, jacobian=jacobian)
    np.testing.assert_allclose(out[:2], 0, atol=0.3)
    np.testing.assert_allclose(np.exp(out[3:5]), np.exp(p[3:5]), atol=1.0)


@given(st.permutations(range(4)))
def test_the_order_of_blobs_does_not_matter(order):
    image = render(parameters(120, 24, 1.0))
    plane, slots = cut(image)
    none = np.full(plane.shape, -1)
    guesses = [parameters(100 + 10 * k, 20, 0.9 + 0.05 * k) for k in range(4)]
    values = image[image > 1.5]
    outs = []
    for each in (range(4), order):
        out = np.empty((4, fits.N_FITTED))
        fits.fit_hulls(
            values.size * np.arange(5), np.tile(values, 4), np.array([guesses[k] for k in each]),
            np.full(4, MIDDLE[0]), np.full(4, MIDDLE[1]), slots, plane, none, np.full(4, SEA),
            np.full(4, SEA), np.full(4, NOISE), np.array(CUT), np.tile(NORTH_UP, (4, 1, 1)), BLUR,
            out,
        )  # fmt: skip
        outs.append(out)
    np.testing.assert_array_equal(outs[1], outs[0][list(order)])


# -- which pixels count


def test_blocks_that_were_not_looked_at_are_sea():
    p = parameters(100, 20, 0.2)
    image = render(p)
    _, slots = cut(image)
    dark = cut(image)[0].max(axis=(1, 2)).reshape(slots.shape) < SEA + 1e-3
    image[np.kron(dark, np.ones((BLOCK, BLOCK), bool))] = SEA
    assert dark.any()
    np.testing.assert_array_equal(fit(image, p, slots=np.where(dark, -1, slots)), fit(image, p))


@pytest.mark.parametrize("how", ["nan", "owner", "slot"])
def test_pixels_of_others_and_without_data_do_not_count(how):
    p = parameters(100, 20, np.pi / 2)
    image, owner = render(p), np.full(SHAPE, -1)
    alone = fit(image, p, owner=owner)
    _, slots = cut(image)
    spoilt = image.copy()
    spoilt[MIDDLE[0] - BLOCK : MIDDLE[0]] = 50.0  # the blocks north of the middle
    spoilt[MIDDLE[0] - 2 : MIDDLE[0]] = image[MIDDLE[0] - 2 : MIDDLE[0]]
    if how == "nan":
        spoilt[MIDDLE[0] - BLOCK : MIDDLE[0] - 2] = np.nan
    elif how == "owner":
        owner[MIDDLE[0] - BLOCK : MIDDLE[0] - 2] = 7
    else:
        slots[N_BLOCKS // 2 - 1] = -2
    out = fit(spoilt, p, owner=owner, slots=slots, model=WHOLE)
    np.testing.assert_allclose(out[:5], alone[:5], atol=0.5)
    assert out[fits.SD + fits.NORTH] > alone[fits.SD + fits.NORTH]


def test_what_lies_below_the_floor_is_no_hull():
    """A trail of 0.4 of the hull's light, which draws the fit astern where it counts."""
    p, trail = parameters(60, 20, np.pi / 2), parameters(120, 20, np.pi / 2, east=-90.0)
    image = render(p) + np.float32(0.4) * (render(trail) - SEA)
    guess = wrong(p, np.random.default_rng(0), 0.3)
    drawn, free = (fit(image, guess, floor=floor) for floor in (SEA, SEA + 0.5 * LEVEL))
    assert np.hypot(*(free[:2] - p[:2])) < 5 < np.hypot(*(drawn[:2] - p[:2]))
    assert np.exp(free[fits.LOG_LENGTH]) == pytest.approx(60, abs=10)


@pytest.mark.parametrize("length", [3, 2000])
def test_too_few_and_too_many_pixels_are_not_fitted(length):
    p = parameters(150, 30, 0.1)
    guess = parameters(length, length, 0.1)
    reach = (*WHOLE[:4], -1.0 if length == 3 else 25.0, 0.0, 0.0, 0.0)
    # Twice as many rows as columns make room for MOST_PIXELS.
    jacobian = NORTH_UP if length == 3 else 2 * NORTH_UP
    assert np.isnan(fit(render(p), guess, model=reach, jacobian=jacobian)).all()


def test_a_flat_sea_gives_no_hull():
    image = np.full(SHAPE, SEA, np.float32)
    image[0, 0] = 2.0
    assert np.isnan(fit(image, parameters(100, 20, 0.5))).all()


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_few_pixels_never_break_it(n, seed):
    rng = np.random.default_rng(seed)
    image = np.full(SHAPE, SEA, np.float32)
    image[tuple(rng.integers(MIDDLE[0] - 2, MIDDLE[0] + 2, (2, n)))] = rng.uniform(2, 3e4, n)
    out = fit(image, parameters(*np.sort(rng.uniform(5, 60, 2))[::-1], 0.4), model=CUT)
    assert np.isfinite(out).all() or np.isnan(out).all()
