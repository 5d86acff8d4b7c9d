import numpy as np
import pytest
from scipy.stats import norm

from westsea_kernels import two_hulls as t2
from westsea_kernels.smears import expected_beam

MODEL = np.array([1.0, 0.02, 1.0])
BLUR = np.array([29.0, 29.0, 0.0])


def places(reach=12):
    steps = np.arange(-reach, reach + 1) * 10.0
    return np.stack([each.ravel() for each in np.meshgrid(steps, steps)])


def strip(u, v, length, width, level):
    sd = np.sqrt(BLUR[0])
    along, across = (
        norm.cdf((x + size / 2) / sd) - norm.cdf((x - size / 2) / sd)
        for x, size in ((u, length), (v, width))
    )
    return level * along * across


def model_of(p, side, east, north):
    """The model, written down anew."""
    sine, cosine = np.sin(p[t2.HEADING]), np.cos(p[t2.HEADING])
    de, dn = east - p[t2.EAST], north - p[t2.NORTH]
    u, v = de * sine + dn * cosine, de * cosine - dn * sine
    length = np.exp(p[[t2.LOG_LENGTH_1]])
    if p.size == t2.N_TWO:
        length = np.exp(p[[t2.LOG_LENGTH_1, t2.LOG_LENGTH_2]])
    offsets = [t2.LOG_LENGTH_1, t2.LOG_LENGTH_2][: length.size]
    beam = [expected_beam(x) * np.exp(p[i + 2]) for x, i in zip(length, offsets, strict=True)]
    level = np.exp([p[i + 1] for i in offsets])
    out = strip(u, v, length[0], beam[0], level[0])
    if p.size == t2.N_TWO:
        apart = side * ((beam[0] + beam[1]) / 2 + p[t2.GAP])
        out = out + strip(u - p[t2.AHEAD], v - apart, length[1], beam[1], level[1])
    return out


def one():
    return np.array([3.0, -6.0, 0.5, np.log(110.0), np.log(30.0), 0.1])


def two(shorter=70.0, gap=5.0):
    return np.concatenate([one(), [np.log(shorter), np.log(22.0), -0.1, 12.0, gap]])


def chip(p, side=1.0, seed=None):
    east, north = places()
    t = model_of(p, side, east, north)
    if seed is not None:
        sd = np.sqrt(MODEL[0] + MODEL[1] * t**2)
        t = t + np.random.default_rng(seed).normal(0, 1, t.size) * sd
    return np.stack([east, north, t], axis=1)


@pytest.mark.parametrize(("p", "side"), [(one(), 1.0), (two(), 1.0), (two(), -1.0)])
def test_the_score_is_that_of_the_model(p, side):
    pixels = chip(p, side, seed=1)
    information, score = np.empty((p.size, p.size)), np.empty(p.size)
    t2.equations(pixels, p, side, BLUR, MODEL, information, score)
    step = 1e-5
    slopes = []
    for i in range(p.size):
        change = np.zeros(p.size)
        change[i] = step
        ends = [model_of(p + s * change, side, *pixels[:, :2].T) for s in (1, -1)]
        slopes.append((ends[0] - ends[1]) / (2 * step))
    slopes = np.array(slopes)
    t = model_of(p, side, *pixels[:, :2].T)
    weights = 1 / (MODEL[0] + MODEL[1] * t**2)
    expected = slopes @ (weights * (pixels[:, 2] - t))
    prior = np.zeros((p.size, p.size))
    beams = [t2.LOG_BEAM_1] + ([t2.LOG_BEAM_2] if p.size == t2.N_TWO else [])
    for beam in beams:
        expected[beam] -= p[beam] / t2.BEAM_SD**2
        prior[beam, beam] = 1 / t2.BEAM_SD**2
    if p.size == t2.N_TWO:
        expected[t2.GAP] += (t2.GAP_M - p[t2.GAP]) / t2.GAP_SD_M**2
        prior[t2.GAP, t2.GAP] = 1 / t2.GAP_SD_M**2
    # The usual beam's slope by length is taken over 1 %.
    np.testing.assert_allclose(score, expected, rtol=2e-2, atol=0.05)
    np.testing.assert_allclose(
        np.tril(information), np.tril((slopes * weights) @ slopes.T + prior), rtol=3e-2, atol=0.05
    )


def fitted(pixels):
    guess = np.array([3.0, -6.0, 0.5, 115.0, 25.0])
    first, second = np.empty(t2.N_FITTED), np.empty(t2.N_FITTED)
    gain = t2.fit_one_and_two(pixels, guess, BLUR, MODEL, first, second)
    return gain, first, second


def test_two_hulls_are_likelier_where_there_are_two():
    for seed in range(5):
        assert fitted(chip(two(), 1.0 if seed % 2 else -1.0, seed))[0] > 50


def test_one_hull_is_likelier_where_there_is_one():
    for seed in range(5):
        gain, first, _ = fitted(chip(one(), seed=seed))
        assert gain < 10, "five more parameters make that by chance"
        assert np.exp(first[t2.PARAMETERS + t2.LOG_LENGTH_1]) == pytest.approx(110, abs=4)


def test_lengths_of_two_hulls():
    for seed in range(5):
        _, _, second = fitted(chip(two(), seed=seed))
        lengths = np.exp(second[t2.PARAMETERS + np.array([t2.LOG_LENGTH_1, t2.LOG_LENGTH_2])])
        np.testing.assert_allclose(np.sort(lengths), [70, 110], atol=6)


def test_what_cannot_be_fitted_has_no_cost():
    pixels = chip(one())
    pixels[:, 2] = np.inf
    gain, first, second = fitted(pixels)
    assert not np.isfinite(gain)
    assert first[t2.COST] == second[t2.COST] == np.inf
