import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from westsea.detection.sea import RADAR_CHECK_RATE, plane_bounds, sea, water_and_land, weighted_sum
from westsea.detection.statistics import spread_to_blocks
from westsea.detector import Detector
from westsea_catalog.grid import Window
from westsea_kernels.blocks import BLOCK, CELL, SAMPLING
from westsea_kernels.cells import N_BINS, bin_edges

SIDE = 768


def plane_of(lab, water):
    """The plane of the whole scene; NaN where not valid."""
    bands = np.stack([lab.arrays[name] for name in lab.scene.polarizations]).astype(np.float32)
    rows, cols = bands.shape[1:]
    weights = np.moveaxis(water.weights, -1, 0).repeat(CELL, axis=1).repeat(CELL, axis=2)
    return weighted_sum(weights[:, :rows, :cols], bands)


def to_pixels(blocks, shape):
    return blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: shape[0], : shape[1]]


def share_above(lab, water, threshold):
    plane = plane_of(lab, water)
    above = plane > to_pixels(threshold, plane.shape)
    return float(above[::SAMPLING, ::SAMPLING].mean())


def k_clutter(seed, shape, n_bands, order):
    """Speckle of 4.4 looks over a texture that the bands share, smooth over some pixels."""
    rng = np.random.default_rng(seed)
    texture = rng.gamma(order, 1 / order, [-(-side // 4) for side in shape])
    texture = texture.repeat(4, axis=0).repeat(4, axis=1)[: shape[0], : shape[1]]
    speckle = rng.gamma(4.4, 1 / 4.4, (n_bands, *shape))
    return (0.02 * texture * speckle).astype(np.float32)


# -- radar


@pytest.mark.parametrize("n_bands", [1, 2])
@pytest.mark.parametrize("order", [5.0, 1e6])
def test_false_alarms_are_as_many_as_asked_for(sim, n_bands, order):
    lab = sim.lab(k_clutter(1, (SIDE, SIDE), n_bands, order))
    water = sea(lab.summary(), "sar", Detector(false_alarm_rate=1e-4, growth_rate=1e-2))
    assert share_above(lab, water, water.growth) == pytest.approx(1e-2, rel=0.35)
    assert 0.3e-4 < share_above(lab, water, water.seed) < 3e-4
    median = np.median(plane_of(lab, water))
    assert median == pytest.approx(1.0, rel=0.08)
    assert np.median(water.background) == pytest.approx(plane_of(lab, water).mean(), rel=0.05)


def test_ships_hardly_move_the_threshold(sim):
    bands = k_clutter(2, (SIDE, SIDE), 2, 1e6)
    clean = sea(sim.lab(bands).summary(), "sar", Detector())
    ships = np.random.default_rng(3).random((SIDE, SIDE)) < 0.02
    dirty = sea(sim.lab(np.where(ships, 100 * bands, bands)).summary(), "sar", Detector())
    assert np.abs(10 * np.log10(dirty.seed / clean.seed)).max() < 1.5


@given(vv=st.integers(-6, 8), vh=st.integers(-6, 8))
@settings(max_examples=20)
def test_the_bands_scale_does_not_matter(sim, vv, vh):
    bands = sim.radar_sea(4, (300, 300))
    before = sea(sim.lab(bands).summary(), "sar", Detector())
    scaled = np.ldexp(bands, np.reshape([vv, vh], (2, 1, 1))).astype(np.float32)
    after = sea(sim.lab(scaled).summary(), "sar", Detector())
    assert np.array_equal(before.seed, after.seed)
    assert np.array_equal(before.growth, after.growth)
    assert after.enl == before.enl
    assert after.clutter_db - before.clutter_db == pytest.approx(10 * vv * np.log10(2))


def test_what_the_clutter_is_said_to_be(sim):
    lab = sim.lab(sim.radar_sea(5, (SIDE, SIDE), 1, looks=6.0))
    water = sea(lab.summary(), "sar", Detector())
    assert water.clutter_db == pytest.approx(10 * np.log10(0.02), abs=0.1)
    assert water.enl == pytest.approx(6.0, rel=0.2)
    assert water.looks == pytest.approx(water.enl)
    two = sea(sim.lab(sim.radar_sea(5, (SIDE, SIDE), 2)).summary(), "sar", Detector())
    assert two.looks == pytest.approx(2 * two.enl)
    assert two.enl == pytest.approx(4.4, rel=0.2)


def test_pixels_above_the_threshold_of_the_check_are_counted(sim):
    lab = sim.lab(sim.radar_sea(6, (1024, 1024)))
    water = sea(lab.summary(), "sar", Detector(growth_rate=RADAR_CHECK_RATE))
    counted = water.n_above / water.n_counted
    assert counted == pytest.approx(share_above(lab, water, water.growth), rel=0.1)
    assert 0.99 < water.n_counted * SAMPLING**2 / 1024**2 < 1.0


def test_a_front_in_a_cell_raises_its_thresholds_alone(sim):
    """Its median is that of the darker side, above which the brighter one lies throughout."""
    even = sim.radar_sea(10, (9 * CELL, 9 * CELL))
    uneven = even.copy()
    uneven[:, 4 * CELL : 5 * CELL, 4 * CELL + 70 : 5 * CELL] *= 3
    before, after = (sea(sim.lab(image).summary(), "sar", Detector()) for image in (even, uneven))
    rise = after.seed / before.seed
    middle = 4 * CELL // BLOCK + 4
    assert rise[middle, middle] > 1.3
    assert np.abs(np.delete(rise, np.s_[middle - 12 : middle + 12], axis=0) - 1).max() < 0.1
    assert share_above(sim.lab(uneven), after, after.growth) < 3 * 1e-3


def test_a_block_depends_on_no_sea_beyond_nine_cells(sim):
    bands = k_clutter(7, (12 * CELL, 4 * CELL), 2, 5.0)
    other = bands.copy()
    other[:, 10 * CELL :] *= 7 * np.random.default_rng(8).random((2 * CELL, 4 * CELL))
    one, two = (sea(sim.lab(pixels).summary(), "sar", Detector()) for pixels in (bands, other))
    near = np.s_[: 1 * CELL // BLOCK]
    for name in ("seed", "growth", "background"):
        assert np.array_equal(getattr(one, name)[near], getattr(two, name)[near])
        assert not np.array_equal(getattr(one, name), getattr(two, name))


def test_a_sparse_cell_takes_its_level_from_those_around(sim):
    bands = sim.radar_sea(9, (256, 256), 1)
    bands[:, :CELL, :CELL] = -32768.0
    bands[:, 60:70, 60:70] = 40 * bands[:, 160:170, 160:170]  # 100 bright pixels are no sea
    water = sea(sim.lab(bands).summary(), "sar", Detector())
    around = np.median(water.weights[[0, 1, 1], [1, 0, 1], 0])
    assert water.weights[0, 0, 0] == pytest.approx(around, rel=0.01)
    assert np.isfinite(water.seed[4, 4])


def test_too_few_pixels_give_no_threshold(sim):
    bands = np.full((1, 300, 300), -32768.0, np.float32)
    bands[:, 2:34, 4:20] = 0.02
    bands[:, 2, 4] = -32768.0  # 127 are left of those in even rows and columns
    water = sea(sim.lab(bands).summary(), "sar", Detector())
    assert np.isinf(water.seed).all()
    assert np.isinf(water.growth).all()
    assert np.isnan([water.enl, water.k_order, water.clutter_db]).all()
    assert water.looks == 0.0
    assert water.n_above == 0
    bands[:, 2, 4] = 0.02
    assert np.isfinite(sea(sim.lab(bands).summary(), "sar", Detector()).seed).any()


@pytest.mark.parametrize("value", [0.0, 1e-6, 0.02, 1.0, 3e4])
@pytest.mark.parametrize("sensor", ["sar", "optical"])
def test_nothing_rises_above_a_flat_sea(sim, sensor, value):
    lab = sim.lab(np.full((1, 200, 200), value, np.float32), sensor=sensor, nodata=-1.0)
    summary = lab.summary()
    water = sea(summary, sensor, Detector())
    _, upper = plane_bounds(summary, water.weights)
    assert not (upper > water.growth).any()


@given(seed=st.integers(0, 1 << 32), n_bands=st.sampled_from([1, 2]))
@settings(max_examples=30)
def test_bounds_hold_to_the_last_bit(sim, seed, n_bands):
    rng = np.random.default_rng(seed)
    bands = rng.gamma(0.3, rng.uniform(1e-4, 1.0), (n_bands, 140, 150)).astype(np.float32)
    lab = sim.lab(bands)
    summary = lab.summary()
    water = sea(summary, "sar", Detector())
    plane = plane_of(lab, water)
    lower, upper = (to_pixels(bound, plane.shape) for bound in plane_bounds(summary, water.weights))
    assert (lower <= plane).all()
    assert (plane <= upper).all()
    if n_bands == 1:
        assert set(np.unique(upper)) <= set(np.unique(plane))


# -- optical


def test_water_is_followed_where_it_changes(sim):
    ramp = np.linspace(300, 2400, 900)[None, None, :]
    bands = (ramp + np.random.default_rng(1).normal(0, 8, (1, 600, 900))).astype(np.uint16)
    water = sea(sim.lab(bands, sensor="optical").summary(), "optical", Detector())
    blocks = ramp[0, 0, : 56 * BLOCK].reshape(56, BLOCK).mean(axis=1)
    inner = np.s_[:, 3:53]
    assert np.allclose(water.background[:, :56][inner], blocks[3:53], rtol=0.03)
    height = water.seed - water.background
    assert (height >= 0.2 * water.background - 1e-9).all()
    assert (water.growth > water.background).all()
    assert (water.seed > water.growth).all()


def test_a_noisy_sea_has_higher_thresholds(sim):
    heights = []
    for noise in (20.0, 80.0):
        lab = sim.lab(sim.optical_sea(2, (400, 400), 1000.0, noise), sensor="optical")
        water = sea(lab.summary(), "optical", Detector())
        assert np.median(water.noise) == pytest.approx(noise, rel=0.1)
        heights.append(np.median(water.seed - water.background))
    # The contrast of 20 % decides on the calm sea, six deviations of a log-normal on the other.
    assert heights[0] == pytest.approx(200, rel=0.02)
    assert heights[1] == pytest.approx(1000 * np.expm1(6 * np.log1p(0.08)), rel=0.1)


def test_land_does_not_raise_the_water_beside_it(sim):
    bands = sim.optical_sea(3, (512, 512), 500.0, 20.0)
    bands[:, :, 200:] = sim.optical_sea(4, (512, 312), 3000.0, 300.0)
    water = sea(sim.lab(bands, sensor="optical").summary(), "optical", Detector())
    assert np.allclose(water.background[:, :13], 500, rtol=0.05)
    # Contrasts are shares of the step from water to land.
    assert np.median(water.seed[:, :11]) == pytest.approx(500 + 0.2 * 2500, rel=0.05)
    # Far inland there is no water to rise above.
    assert np.isinf(water.seed[:, -8:]).all()


def test_haze_raises_the_level_and_not_the_threshold_above_it(sim):
    rows, cols = np.indices((640, 640))
    haze = 600 * (np.sin(rows / 60) * np.cos(cols / 80) + 1)
    bands = sim.optical_sea(5, (640, 640), 800.0, 15.0) + haze
    water = sea(sim.lab(bands.round(), sensor="optical").summary(), "optical", Detector())
    level = haze.reshape(40, BLOCK, 40, BLOCK).mean(axis=(1, 3)) + 800
    inner = np.s_[2:-2, 2:-2]
    # Blocks differ by hundreds from those half a kilometre off, their own pixels by tens.
    assert np.median(np.abs(water.background - level)[inner]) < 15
    assert np.quantile(water.noise, 0.9) < 90
    assert np.median((water.seed / water.background)[inner]) < 1.35


def test_quays_do_not_raise_the_threshold_above_what_is_no_water(sim):
    bands = sim.optical_sea(6, (512, 512), 600.0, 20.0)
    bands[:, :, 320:] = sim.optical_sea(7, (512, 192), 3000.0, 300.0)
    open_water = sea(sim.lab(bands, sensor="optical").summary(), "optical", Detector())
    quays = np.arange(512) % 16 < 6  # three of eight rows, so that water is still the median
    bands[:, quays, 240:320] = 3000
    bands[:, 1::4, 240:320] = 300
    among = sea(sim.lab(bands, sensor="optical").summary(), "optical", Detector())
    assert np.median(open_water.seed[:, 16:18]) == pytest.approx(600 + 0.2 * 2400, rel=0.05)
    assert among.seed[:, 16:18].max() <= 600 + 0.55 * 2400
    assert among.growth[:, 16:18].max() <= 600 + 0.35 * 2400


def test_a_ship_in_its_block_does_not_raise_its_own_threshold(sim):
    bands = sim.optical_sea(8, (512, 512), 1000.0, 20.0)
    bands[:, :, 400:] = sim.optical_sea(9, (512, 112), 5000.0, 300.0)
    before = sea(sim.lab(bands, sensor="optical").summary(), "optical", Detector())
    bands[:, 256:272, 258:270] = 5000  # three quarters of one block
    after = sea(sim.lab(bands, sensor="optical").summary(), "optical", Detector())
    assert after.seed[16, 16] < before.seed[16, 16] + 20


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_water_without_light_gives_no_threshold(sim, dtype):
    rng = np.random.default_rng(5)
    bands = rng.normal(-20, 5, (1, 200, 200)).round().astype(dtype)
    bands[:, 100:, :] = 0
    bands[:, 20, 20] = 500
    lab = sim.lab(bands, sensor="optical", nodata=-9999.0)
    water = sea(lab.summary(), "optical", Detector())
    assert np.isinf(water.seed).all()
    assert lab.judge().tables["detections"].num_rows == 0


def separation(values, split):
    """Share of variance between the values below and from a split on, and the step of the means."""
    dark, bright = values[values < split], values[values >= split]
    step = bright.mean() - dark.mean()
    return dark.size * bright.size / values.size**2 * step**2 / values.var(), step


@given(
    water=st.tuples(st.floats(50, 2000), st.floats(0.02, 0.3), st.integers(200, 3000)),
    land=st.tuples(st.floats(50, 6000), st.floats(0.02, 0.3), st.integers(0, 3000)),
    seed=st.integers(0, 1 << 32),
)
@settings(max_examples=40)
def test_water_and_land_by_the_definition(water, land, seed):
    rng = np.random.default_rng(seed)
    bells = [level * np.exp(rng.normal(0, width, n)) for level, width, n in (water, land)]
    edges = bin_edges()
    counts = np.histogram(np.concatenate(bells), edges)[0]
    place = np.log2((edges[1:] + edges[:-1]) / 2)
    values = np.repeat(place, counts)
    values = np.maximum(values, np.quantile(values, 0.05, method="inverted_cdf"))
    best = max((separation(values, split) for split in np.unique(values)[1:]), default=(0.0, 0.0))
    first, level = water_and_land(counts, edges)
    # The darkest pixels are cut at a quantile inside a bin: the limits are met within 0.03.
    if first == N_BINS:
        assert level == 0.0
        assert best[0] < 0.78 or best[1] < np.log2(1.5) + 0.03
    else:
        share, step = separation(values, place[first])
        assert share > best[0] - 0.01
        assert share > 0.72
        assert step > np.log2(1.5) - 0.03
        bright = np.repeat((edges[1:] + edges[:-1]) / 2, counts)
        bright = bright[bright > edges[first]]
        low, high = (np.quantile(bright, 0.5, method=side) for side in ("lower", "higher"))
        assert 0.97 * low < level < 1.03 * high


def test_open_water_is_one_bell():
    counts = np.histogram(np.random.default_rng(0).normal(900, 60, 10_000), bin_edges())[0]
    assert water_and_land(counts, bin_edges()) == (N_BINS, 0.0)
    assert water_and_land(np.zeros(N_BINS, np.int64), bin_edges()) == (N_BINS, 0.0)
    single = np.zeros(N_BINS, np.int64)
    single[300] = 1000
    assert water_and_land(single, bin_edges()) == (N_BINS, 0.0)


def test_a_pixel_in_a_cells_corner_has_that_cells_weights(sim):
    field = ndimage.zoom(np.array([[1.0, 4.0], [2.0, 8.0]]), 2, order=0).repeat(64, 0).repeat(64, 1)
    bands = (sim.radar_sea(1, (256, 256), 1) * field).astype(np.float32)
    water = sea(sim.lab(bands).summary(window=Window(0, 256, 0, 256)), "sar", Detector())
    relative = water.weights[0, 0, 0] / water.weights[..., 0]
    assert np.allclose(relative, [[1, 4], [2, 8]], rtol=0.05)
    spread = spread_to_blocks(water.weights[..., 0], (16, 16))
    assert (spread[:8, :8] == water.weights[0, 0, 0]).all()
    assert (spread[8:, :8] == water.weights[1, 0, 0]).all()
