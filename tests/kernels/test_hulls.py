import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from westsea_kernels import hulls

SEA, PEAK = 1.0, 20.0
RIM = 1.5
CORE = {"radar": 0.1, "optical": 0.3}
SHAPE = (72, 72)
MIDDLE = np.array([36.0, 36.0])
NORTH_UP = np.array([[10.0, 0.0], [0.0, -10.0]])

angles = st.floats(0, 180, exclude_max=True)
fractions = st.floats(-0.5, 0.5)


# -- rendering and measuring


def jacobian_of(turn_deg, col_m=10.0, row_m=10.0):
    """A grid whose columns run `turn_deg` north of east, and whose rows run to their right."""
    sin, cos = np.sin(np.deg2rad(turn_deg)), np.cos(np.deg2rad(turn_deg))
    return np.array([[cos * col_m, sin * row_m], [sin * col_m, -cos * row_m]])


def render(length, width, heading, place, jacobian=NORTH_UP, blur=(9.0, 9.0)):
    """A rectangle through a Gaussian blur with deviations along its own length and width, metres.

    The blur of a rectangle along its sides is a product of differences of error functions.
    """
    row, col = np.indices(SHAPE)
    steps = np.stack([col - place[1], row - place[0]], axis=-1)
    east, north = np.moveaxis(steps @ jacobian.T, -1, 0)
    sin, cos = np.sin(np.deg2rad(heading)), np.cos(np.deg2rad(heading))

    def profile(u, size, sd):
        return special.ndtr((u + size / 2) / sd) - special.ndtr((u - size / 2) / sd)

    along = profile(east * sin + north * cos, length, blur[0])
    across = profile(east * cos - north * sin, width, blur[1])
    return (SEA + PEAK * along * across).astype(np.float32)


def variances(heading, blur=(9.0, 9.0)):
    """East-east, north-north and east-north of a blur along and across a heading."""
    sin, cos = np.sin(np.deg2rad(heading)), np.cos(np.deg2rad(heading))
    along, across = np.square(blur)
    return np.array(
        [
            along * sin**2 + across * cos**2,
            along * cos**2 + across * sin**2,
            (along - across) * sin * cos,
        ]
    )


def measure(
    images, jacobian=NORTH_UP, blur=(81.0, 81.0, 0.0), core=0.1, looks=0.0, noise=0.0, scale=1.0
):
    """(n, N_MEASURES) of one blob an image: its pixels above the rim."""
    masks = [image > RIM * scale for image in images]
    places = [np.nonzero(mask) for mask in masks]
    n = len(images)
    out = np.full((n, hulls.N_MEASURES), np.nan)
    hulls.measure_hulls(
        np.concatenate([[0], np.cumsum([mask.sum() for mask in masks])]),
        np.concatenate([rows for rows, _ in places]),
        np.concatenate([cols for _, cols in places]),
        np.concatenate([image[mask] for image, mask in zip(images, masks, strict=True)]),
        np.full(n, SEA * scale),
        np.full(n, RIM * scale),
        core,
        np.full(n, noise * scale),
        looks,
        np.broadcast_to(jacobian, (n, 2, 2)).copy(),
        np.asarray(blur, float),
        out,
    )
    return out


def turn(heading_1, heading_2):
    """Least angle between two axes, degrees."""
    return abs((heading_1 - heading_2 + 90) % 180 - 90)


def assert_same_hull(one, two, rel=1e-6):
    same = [hulls.LENGTH, hulls.WIDTH, hulls.POSITION_SD, hulls.LENGTH_SD, hulls.WIDTH_SD]
    np.testing.assert_allclose(one[same], two[same], rtol=rel)
    np.testing.assert_allclose(one[hulls.HEADING_SD], two[hulls.HEADING_SD], rtol=1e-3)


# -- the reference


def share_slowly(level):
    """Second moment of the part of a round Gaussian of variance 1 above a share of its peak."""
    radius = np.sqrt(2 * np.log(1 / level))
    total, _ = integrate.quad(lambda r: r * np.exp(-(r**2) / 2), 0, radius)
    moment, _ = integrate.quad(lambda r: r**3 * np.exp(-(r**2) / 2), 0, radius)
    return moment / total / 2  # two dimensions of variance 1 make a mean square radius of 2


def measure_slowly(image, jacobian, blur, core, looks, noise):
    """One blob, by numpy's own averages, covariances and eigenvectors."""
    out = np.empty(hulls.N_MEASURES)
    pixels = np.argwhere(image > RIM)
    values = image[image > RIM].astype(float)
    area = abs(np.linalg.det(jacobian))
    brightest = np.sort(values)[::-1][: int(hulls.BRIGHT_M2 / area) + 1]
    level = max(RIM, SEA + core * (brightest[-1] - SEA))
    out[hulls.FLOOR] = SEA
    if not looks:
        above = above_trail_slowly(pixels, values, level, brightest[-1])
        if above > level:
            level = out[hulls.FLOOR] = above
    pixels, values = pixels[values >= level], values[values >= level]
    out[[hulls.PEAK_ROW, hulls.PEAK_COL]], out[hulls.PEAK] = pixels[values.argmax()], values.max()

    cap = np.sort(values)[int(hulls.CAP_SHARE * (values.size - 1) + 0.5)]
    weights = np.minimum(values, cap) - SEA
    out[[hulls.ROW, hulls.COL]] = np.average(pixels, axis=0, weights=weights)
    out[hulls.TOTAL] = weights.sum()
    metres = (pixels - out[[hulls.ROW, hulls.COL]])[:, ::-1] @ jacobian.T
    east_north = np.array([[blur[0], blur[2]], [blur[2], blur[1]]])
    seen = share_slowly((level - SEA) / (values.max() - SEA)) * east_north
    (small, large), axes = np.linalg.eigh(np.cov(metres.T, aweights=weights, ddof=0) - seen)
    small = max(small, hulls.LEAST_WIDTH_VARIANCE)
    large = max(large, hulls.LEAST_LENGTH_VARIANCE)
    out[hulls.LENGTH], out[hulls.WIDTH] = np.sqrt([12 * large, 12 * small])
    out[hulls.HEADING] = np.rad2deg(np.arctan2(*axes[:, 1])) % 180

    variance = np.full(values.size, noise**2)
    if looks:
        cell = 4 * np.pi * np.sqrt(np.linalg.det(east_north))
        variance = max(cell / area, 1) * (variance + values**2 / looks)
    variance /= weights.sum() ** 2
    across, along = (metres @ axes).T
    out[hulls.POSITION_SD] = np.sqrt((variance * (metres**2).sum(axis=1)).sum() + area / 12)
    for column, size, moment, distance in (
        (hulls.LENGTH_SD, hulls.LENGTH, large, along),
        (hulls.WIDTH_SD, hulls.WIDTH, small, across),
    ):
        of_moment = np.sqrt((variance * (distance**2 - moment) ** 2).sum())
        out[column] = np.hypot(6 * of_moment / out[size], hulls.MODEL_SD * out[size])
    cross = np.sqrt((variance * (along * across) ** 2).sum() + area / 12 * small)
    out[hulls.HEADING_SD] = min(np.rad2deg(cross / (large - small)), 90)
    return out


def above_trail_slowly(pixels, values, level, bright):
    light, bright, rim = values - SEA, bright - SEA, RIM - SEA
    head = np.linalg.norm(pixels - pixels[values.argmax()], axis=1) <= hulls.HEAD_PX
    head &= light >= bright / 2
    middle = np.average(pixels[head], axis=0, weights=np.minimum(light[head], bright))
    ring = np.floor(np.linalg.norm(pixels - middle, axis=1) + 0.5).astype(int)
    rings = [light[ring == k].max(initial=0) for k in range(ring.max() + 1)]
    if len(rings) < hulls.TRAIL_PX:
        return level
    trail = rings[hulls.HEAD_PX : -1]
    third = max(len(trail) // 3, 1)
    near, far = np.median(trail[:third]), np.median(trail[-third:])
    if not (
        near >= hulls.NEAR_SHARE * bright
        and far <= hulls.FAR_SHARE * near
        and max(far, rings[-3]) <= hulls.FAR_OVER_RIM * rim
    ):
        return level
    cut = level - SEA
    while cut < hulls.HIGHEST_SHARE * bright:
        below = [k for k, value in enumerate(rings) if k > 0 and value < cut]
        last = below[0] - 1 if below else len(rings) - 1
        if ([*rings, 0.0, 0.0])[last + hulls.DROP_PX] <= hulls.DROP_SHARE * cut:
            break
        cut *= hulls.RISE
    return SEA + min(cut, hulls.HIGHEST_SHARE * bright) if cut > level - SEA else level


CORES_AND_LOOKS = [(0, 4.4), (0.1, 4.4), (0.3, 4.4), (0.1, 0), (0.3, 0)]
"""With neither, what is faint in an optical blob may be a trail, which the reference has not."""


@given(st.integers(0, 2**32 - 1), angles, st.sampled_from(CORES_AND_LOOKS))
@settings(max_examples=200)
def test_measures_are_those_of_the_reference(seed, turned, core_and_looks):
    core, looks = core_and_looks
    rng = np.random.default_rng(seed)
    jacobian = jacobian_of(turned, *rng.uniform(5, 40, 2))
    blur = variances(rng.uniform(0, 180), rng.uniform(5, 11, 2))
    length = rng.uniform(60, 300)
    image = render(length, length / 6, rng.uniform(0, 180), MIDDLE, jacobian)
    image = np.float32(image * rng.gamma(20, 1 / 20, SHAPE))
    image[render(length, length / 6, 0, MIDDLE, jacobian_of(0)) < RIM] = 0
    image[36, 36] = 5  # never without a blob
    noise = rng.uniform(0, 2)
    (out,) = measure([image], jacobian, blur, float(core), float(looks), noise)
    expected = measure_slowly(image, jacobian, blur, core, looks, noise)
    assert turn(out[hulls.HEADING], expected[hulls.HEADING]) < 1e-4
    out[hulls.HEADING] = expected[hulls.HEADING]
    np.testing.assert_allclose(out, expected, rtol=1e-6)


# -- rectangles without noise


def errors_of(length, width, heading, shift=(0.0, 0.0), jacobian=NORTH_UP, blur=(9.0, 9.0)):
    """Pixels (of 10 m), degrees, and share of the length by which a rectangle is missed."""
    place = MIDDLE + shift
    image = render(length, width, heading, place, jacobian, blur)
    (out,) = measure([image], jacobian, variances(heading, blur))
    missed = jacobian @ (out[[hulls.COL, hulls.ROW]] - place[::-1])
    return (
        np.hypot(*missed) / 10,
        turn(out[hulls.HEADING], heading),
        abs(out[hulls.LENGTH] / length - 1),
    )


@given(st.floats(80, 300), st.floats(5, 8), angles, fractions, fractions, st.floats(5.4, 9.6))
@settings(max_examples=200)
def test_rectangle_is_found_again(length, slenderness, heading, drow, dcol, blur):
    pixels, degrees, share = errors_of(
        length, length / slenderness, heading, (drow, dcol), blur=(blur, blur)
    )
    assert pixels < 0.25
    assert degrees < 2
    assert share < 0.1


@given(st.floats(80, 300), angles, fractions, angles, st.floats(5, 15), st.floats(5, 15))
@settings(max_examples=200)
def test_pixels_need_be_neither_square_nor_north_up(length, heading, drow, turned, col_m, row_m):
    jacobian = jacobian_of(turned, col_m, row_m)
    pixels, degrees, share = errors_of(length, length / 6, heading, (drow, 0), jacobian)
    assert pixels < 0.3
    assert degrees < 2.5
    assert share < 0.1


@given(st.floats(80, 300), angles, st.floats(5, 11), st.floats(5, 11))
@settings(max_examples=200)
def test_blur_need_not_be_round(length, heading, along, across):
    _, degrees, share = errors_of(length, length / 6, heading, blur=(along, across))
    assert degrees < 2
    assert share < 0.1


def test_most_rectangles_are_found_within_a_tenth_of_a_pixel_and_a_degree():
    rng = np.random.default_rng(5)
    errors = [
        errors_of(
            length,
            length / rng.uniform(5, 8),
            rng.uniform(0, 180),
            rng.uniform(-0.5, 0.5, 2),
            jacobian_of(rng.uniform(0, 180), *rng.uniform(7, 12, 2)),
            rng.uniform(5.4, 9.6, 2),
        )
        for length in rng.uniform(80, 300, 500)
    ]
    assert (np.quantile(errors, 0.98, axis=0) < [0.1, 1.0, 0.05]).all()


@pytest.mark.parametrize(("length", "width"), [(150, 40), (200, 32), (300, 50)])
def test_wide_hulls_have_their_width(length, width):
    for heading in range(0, 180, 7):
        (out,) = measure([render(length, width, heading, MIDDLE)])
        assert out[hulls.WIDTH] == pytest.approx(width, abs=4)


@given(st.floats(80, 300), angles)
def test_fainter_pixels_than_the_core_do_not_count(length, heading):
    image = render(length, length / 6, heading, MIDDLE)
    wake = render(4 * length, 30, heading, MIDDLE) - SEA
    (alone,) = measure([image], core=0.3)
    (out,) = measure([np.maximum(image, SEA + 0.05 * wake)], core=0.3)
    np.testing.assert_allclose(out, alone)


def scaled(light, length, width, heading, astern=0.0):
    """Light above the sea of a rectangle, its middle so many metres astern; sharper than radar."""
    turned = np.deg2rad(heading)
    place = MIDDLE + astern / 10.0 * np.array([np.cos(turned), -np.sin(turned)])
    image = render(length, width, heading, place, blur=(5.4, 5.4)) - SEA
    return light / PEAK * image


def fade(heading, stern, metres):
    """1 at so many metres astern of the middle, falling to 1/e over the metres that follow."""
    row, col = np.indices(SHAPE) - MIDDLE[:, None, None]
    turned = np.deg2rad(heading)
    astern = 10.0 * (row * np.cos(turned) - col * np.sin(turned))
    return np.exp(-(astern - stern) / metres)


OPTICAL_BLUR = (29.0, 29.0, 0.0)


@pytest.mark.parametrize("heading", [0.0, 30.0, 75.0, 120.0, 160.0])
@pytest.mark.parametrize("length", [40.0, 70.0])
def test_a_hull_merged_with_its_trail_is_measured_without(heading, length):
    hull = scaled(8.0, length, 12.0, heading)
    stern = length / 2
    trail = scaled(1.8, 300.0, 14.0, heading, stern + 150.0) * fade(heading, stern, 180.0)
    (out,) = measure([(SEA + hull + trail).astype(np.float32)], blur=OPTICAL_BLUR, core=0.3)
    assert out[hulls.LENGTH] == pytest.approx(length, abs=20)
    assert np.hypot(*(out[[hulls.ROW, hulls.COL]] - MIDDLE)) < 1.0


@pytest.mark.parametrize("heading", [0.0, 30.0, 75.0, 120.0, 160.0])
def test_a_dim_deck_is_no_trail(heading):
    """As bright as foam may be, but it ends."""
    deck = scaled(1.4, 150.0, 25.0, heading)
    house = scaled(7.0, 15.0, 22.0, heading, 65.0)
    (out,) = measure([(SEA + deck + house).astype(np.float32)], blur=OPTICAL_BLUR, core=0.3)
    assert out[hulls.LENGTH] == pytest.approx(150, abs=25)
    assert np.hypot(*(out[[hulls.ROW, hulls.COL]] - MIDDLE)) < 3.0


def came_along(heading, length, radius, light, fade_m):
    """A hull's light, and that of a trail that fades, along a circle that it came on."""
    row, col = np.indices(SHAPE) - MIDDLE[:, None, None]
    sin, cos = np.sin(np.deg2rad(heading)), np.cos(np.deg2rad(heading))
    ahead = 10.0 * (col * sin - row * cos) + length / 2
    inward = radius - 10.0 * (col * cos + row * sin)
    astern = radius * np.arctan2(-ahead, inward)
    aside = radius - np.hypot(ahead, inward)
    trail = light * np.exp(-astern / fade_m) * np.exp(-(aside**2) / 2 / 8.0**2)
    return scaled(5.0, length, 14.0, heading) + np.where((astern > 0) & (astern < 600), trail, 0)


@pytest.mark.parametrize("heading", [0.0, 75.0, 160.0, 250.0])
@pytest.mark.parametrize("radius", [150.0, 1e6])
@pytest.mark.parametrize("light", [2.5, 3.5])
def test_foam_nearly_as_bright_as_its_hull_is_cut_off_however_it_bends(heading, radius, light):
    image = (SEA + came_along(heading, 40.0, radius, light, 120.0)).astype(np.float32)
    (out,) = measure([image], blur=OPTICAL_BLUR, core=0.3)
    assert out[hulls.FLOOR] > RIM
    assert 10 * np.hypot(*(out[[hulls.ROW, hulls.COL]] - MIDDLE)) < 25
    assert out[hulls.LENGTH] < 90
    # The whole of it lies far astern, and is what a radar measures.
    (whole,) = measure([image], blur=OPTICAL_BLUR, core=0.3, looks=4.4)
    assert 10 * np.hypot(*(whole[[hulls.ROW, hulls.COL]] - MIDDLE)) > 30
    assert whole[hulls.FLOOR] == SEA


@given(angles, st.floats(60, 300), st.floats(1.5, 15))
def test_a_hull_that_ends_is_not_cut(heading, length, light):
    image = (SEA + scaled(light, length, 20.0, heading)).astype(np.float32)
    (out,) = measure([image], blur=OPTICAL_BLUR, core=0.3)
    assert out[hulls.FLOOR] == SEA


def test_a_bright_superstructure_does_not_pull_the_hull_to_it():
    image = render(200, 32, 30, MIDDLE)
    bridge = MIDDLE + 7 * np.array([np.cos(np.deg2rad(30)), -np.sin(np.deg2rad(30))])
    row, col = np.indices(SHAPE)
    image += 200 * np.exp(-((row - bridge[0]) ** 2 + (col - bridge[1]) ** 2) / 2 / 0.5**2)
    (out,) = measure([image.astype(np.float32)], core=0.0)
    assert np.hypot(*(out[[hulls.ROW, hulls.COL]] - MIDDLE)) < 0.5
    assert out[hulls.LENGTH] == pytest.approx(200, rel=0.1)
    assert turn(out[hulls.HEADING], 30) < 2


# -- symmetries


@given(st.floats(40, 300), angles, fractions, fractions, st.floats(0, 20))
def test_turning_and_mirroring_the_image_turns_and_mirrors_the_hull(
    length, heading, drow, dcol, noise
):
    rng = np.random.default_rng(1)
    image = render(length, length / 5, heading, np.add(MIDDLE, (drow, dcol)))
    image = (image * rng.gamma(100, 1 / 100, SHAPE)).astype(np.float32)
    quarter = np.rot90(image)  # counter-clockwise
    mirrored = image[:, ::-1]
    out, turned, flipped = measure([image, quarter, mirrored], looks=4.4, noise=noise)
    assert_same_hull(turned, out)
    assert_same_hull(flipped, out)
    assert turn(turned[hulls.HEADING], out[hulls.HEADING] - 90) < 1e-4
    assert turn(flipped[hulls.HEADING], -out[hulls.HEADING]) < 1e-4
    row, col = out[[hulls.ROW, hulls.COL]]
    last = SHAPE[0] - 1
    np.testing.assert_allclose(turned[[hulls.ROW, hulls.COL]], [last - col, row])
    np.testing.assert_allclose(flipped[[hulls.ROW, hulls.COL]], [row, last - col])


@given(st.floats(40, 300), angles, angles)
def test_turning_the_grid_turns_the_heading(length, heading, turned):
    image = render(length, length / 5, heading, MIDDLE)
    (out,) = measure([image], looks=4.4)
    (other,) = measure([image], jacobian_of(turned), looks=4.4)
    assert_same_hull(other, out)
    assert turn(other[hulls.HEADING], out[hulls.HEADING] - turned) < 1e-4


@given(st.floats(40, 300), angles, st.integers(-8, 16))
def test_units_of_the_plane_do_not_matter(length, heading, octaves):
    scale = 2.0**octaves
    image = render(length, length / 5, heading, MIDDLE)
    (out,) = measure([image], noise=0.2)
    (other,) = measure([np.float32(scale) * image], noise=0.2, scale=scale)
    other[[hulls.PEAK, hulls.TOTAL, hulls.FLOOR]] /= scale
    np.testing.assert_allclose(other, out, rtol=1e-9)


@given(st.integers(-50_000, 50_000), st.integers(-50_000, 50_000))
def test_place_in_the_scene_does_not_matter(drow, dcol):
    image = render(120, 20, 40, MIDDLE)
    rows, cols = np.nonzero(image > RIM)
    outs = np.empty((2, 1, hulls.N_MEASURES))
    for out, (row, col) in zip(outs, [(0, 0), (drow, dcol)], strict=True):
        hulls.measure_hulls(
            np.array([0, rows.size]), rows + row, cols + col, image[image > RIM],
            np.array([SEA]), np.array([RIM]), 0.1, np.zeros(1), 4.4, NORTH_UP[None].copy(),
            np.array([81.0, 81.0, 0.0]), out,
        )  # fmt: skip
    moved = outs[1, 0]
    moved[[hulls.ROW, hulls.PEAK_ROW]] -= drow
    moved[[hulls.COL, hulls.PEAK_COL]] -= dcol
    np.testing.assert_allclose(moved, outs[0, 0], rtol=1e-9)


# -- errors


@given(st.floats(20, 300), angles, st.floats(1, 50))
def test_errors_are_positive_and_shrink_with_looks_and_grow_with_noise(length, heading, looks):
    image = render(length, length / 5, heading, MIDDLE)
    errors = [hulls.POSITION_SD, hulls.LENGTH_SD, hulls.WIDTH_SD, hulls.HEADING_SD]
    few, many = (measure([image], looks=n)[0, errors] for n in (looks, 4 * looks))
    quiet, loud = (measure([image], noise=sd)[0, errors] for sd in (0.0, 2.0))
    assert (many > 0).all()
    assert (many < few)[few < 90].all()
    assert (quiet > 0).all()
    assert (quiet < loud)[loud < 90].all()


@pytest.mark.parametrize("length", [60, 120, 240])
def test_errors_are_the_scatter_of_noisy_images(length):
    rng = np.random.default_rng(2)
    n, sd = 300, 1.0
    heading, places = rng.uniform(0, 180, n), MIDDLE + rng.uniform(-0.5, 0.5, (n, 2))
    images = []
    for k in range(n):
        clean = render(length, length / 6, heading[k], places[k])
        noisy = clean + sd * rng.normal(size=SHAPE)
        images.append(np.where(clean > 2.5, noisy, 0).astype(np.float32))
    out = measure(images, noise=sd)
    along = np.hypot(*(10 * (out[:, [hulls.ROW, hulls.COL]] - places)).T)
    turned = turn(out[:, hulls.HEADING], heading)
    for error, column in ((along, hulls.POSITION_SD), (turned, hulls.HEADING_SD)):
        assert 0.2 < np.sqrt(np.mean((error / out[:, column]) ** 2)) < 1.5
    bias = out[:, hulls.LENGTH] / length
    assert np.std(bias) < np.mean(out[:, hulls.LENGTH_SD] / length)


# -- small blobs


def test_single_pixel_is_a_point():
    image = np.zeros(SHAPE, np.float32)
    image[3, 5] = 9
    (out,) = measure([image], looks=4.4)
    assert out[[hulls.ROW, hulls.COL, hulls.PEAK_ROW, hulls.PEAK_COL]].tolist() == [3, 5, 3, 5]
    assert out[[hulls.PEAK, hulls.TOTAL]].tolist() == [9, 9 - SEA]
    least = np.sqrt(12 * np.array([hulls.LEAST_LENGTH_VARIANCE, hulls.LEAST_WIDTH_VARIANCE]))
    np.testing.assert_allclose(out[[hulls.LENGTH, hulls.WIDTH]], least)
    assert np.isfinite(out).all()


@given(st.integers(1, 4), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 4.4]))
def test_blobs_of_a_few_pixels_have_finite_measures(n, seed, looks):
    rng = np.random.default_rng(seed)
    image = np.zeros(SHAPE, np.float32)
    image[rng.integers(30, 33, n), rng.integers(30, 33, n)] = rng.uniform(1.6, 3e4, n)
    (out,) = measure([image], looks=looks, noise=0.1)
    assert np.isfinite(out).all()
    assert out[hulls.LENGTH] >= out[hulls.WIDTH] > 0
    assert 0 <= out[hulls.HEADING] < 180
    assert (out[[hulls.POSITION_SD, hulls.LENGTH_SD, hulls.WIDTH_SD]] > 0).all()
    assert 29 <= out[hulls.ROW] <= 33


def test_no_blobs_no_measures():
    none = np.zeros(0, np.int64)
    out = np.empty((0, hulls.N_MEASURES))
    hulls.measure_hulls(
        np.zeros(1, np.int64), none, none, np.zeros(0, np.float32), np.zeros(0), np.zeros(0), 0.1,
        np.zeros(0), 4.4, np.zeros((0, 2, 2)), np.ones(3), out,
    )  # fmt: skip
    assert out.size == 0


def test_peak_is_the_brightest_pixel():
    image = render(100, 20, 70, MIDDLE)
    image[30, 40] = 50
    (out,) = measure([image])
    assert out[[hulls.PEAK_ROW, hulls.PEAK_COL, hulls.PEAK]].tolist() == [30, 40, 50]


# -- the cut of a Gaussian


@pytest.mark.parametrize("level", [1e-6, 0.01, 0.1, 0.3, 0.6, 0.9, 0.98])
def test_seen_share_is_the_second_moment_of_the_part_above_the_cut(level):
    assert hulls.seen_share(level) == pytest.approx(share_slowly(level))


def test_seen_share_ends_at_all_and_nothing():
    assert hulls.seen_share(-0.1) == hulls.seen_share(0.0) == 1
    assert hulls.seen_share(1.0) == hulls.seen_share(2.0) == 0
    shares = [hulls.seen_share(level) for level in np.linspace(0, 1, 300)]
    assert (np.diff(shares) <= 0).all()
