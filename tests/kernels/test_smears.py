import numpy as np
import pytest
from scipy.stats import norm

from westsea_kernels import smears

MODEL = np.array([1 / 8.8, 2 / 8.8, 1 / 1.5, 3.5, 8.0, 0.6, 1.2])
BLUR = np.array([75.0, 91.0, 0.0])
AZIMUTH = np.array([np.sin(np.deg2rad(-11.0)), np.cos(np.deg2rad(-11.0))])


def truth(heading_deg=35.0, length=120.0, width=25.0, level=40.0, smear=12.0):
    return np.array(
        [4.0, -7.0, np.deg2rad(heading_deg), np.log(length), np.log(width), np.log(level), smear]
    )


def places():
    steps = np.arange(-12, 13) * 10.0
    return np.stack([each.ravel() for each in np.meshgrid(steps, steps)], axis=1)


def rectangle(p, east, north):
    """The model, written down anew."""
    heading = p[smears.HEADING]
    axis = np.array([np.sin(heading), np.cos(heading)])
    beam = np.array([axis[1], -axis[0]])
    ee, nn, en = BLUR
    blur = np.array([[ee, en], [en, nn]]) + p[smears.SMEAR] ** 2 * np.outer(AZIMUTH, AZIMUTH)
    t = np.exp(p[smears.LOG_LEVEL])
    offset = np.stack([east - p[smears.EAST], north - p[smears.NORTH]])
    for direction, size in ((axis, smears.LOG_LENGTH), (beam, smears.LOG_WIDTH)):
        sd, half, x = np.sqrt(direction @ blur @ direction), np.exp(p[size]) / 2, direction @ offset
        t = t * (norm.cdf((x + half) / sd) - norm.cdf((x - half) / sd))
    return t


def chip(p, noise=None):
    east, north = places().T
    t = rectangle(p, east, north)
    if noise is not None:
        t = (1 + t) * noise.gamma(8.0, 1 / 8.0, t.size) - 1
    return np.stack([east, north, t], axis=1)


def equations(pixels, p):
    information = np.empty((smears.N_PARAMETERS, smears.N_PARAMETERS))
    score = np.empty(smears.N_PARAMETERS)
    misfit = smears.normal_equations(pixels, p, BLUR, AZIMUTH, MODEL, information, score)
    return misfit, np.tril(information), score


def test_the_score_and_the_information_are_those_of_the_model():
    p = truth()
    pixels = chip(p, np.random.default_rng(3))
    step = 1e-5
    slopes = []
    for i in range(smears.N_PARAMETERS):
        change = np.zeros(smears.N_PARAMETERS)
        change[i] = step
        ends = [rectangle(p + sign * change, *pixels[:, :2].T) for sign in (1, -1)]
        slopes.append((ends[0] - ends[1]) / (2 * step))
    slopes = np.array(slopes)
    t = rectangle(p, *pixels[:, :2].T)
    variance = MODEL[0] + MODEL[1] * t + MODEL[2] * t**2
    left = pixels[:, 2] - t
    misfit, information, score = equations(pixels, p)
    weights = 1 / (variance * MODEL[smears.PER_CELL])
    np.testing.assert_allclose(score, slopes @ (weights * left), rtol=1e-5)
    np.testing.assert_allclose(information, np.tril((slopes * weights) @ slopes.T), rtol=1e-5)
    assert misfit == pytest.approx(np.mean(left**2 / variance))


def fitted(pixels, guess):
    out = np.empty(smears.N_FITTED)
    assert smears.fit_smeared(pixels, guess, BLUR, AZIMUTH, MODEL, out)
    return out


@pytest.mark.parametrize("heading", [10.0, 80.0, 140.0])
def test_a_clean_rectangle_is_found_from_a_poor_guess(heading):
    p = truth(heading, smear=6.0)
    guess = p + np.array([8.0, -6.0, 0.1, -0.2, 0.3, -0.5, 0.0])
    found = fitted(chip(p), guess)
    np.testing.assert_allclose(found[:2], p[:2], atol=1.0)
    assert found[smears.HEADING] == pytest.approx(p[smears.HEADING], abs=0.02)
    assert found[smears.LOG_LENGTH] == pytest.approx(p[smears.LOG_LENGTH], abs=0.1)
    assert found[smears.LOG_WIDTH] == pytest.approx(p[smears.LOG_WIDTH], abs=0.25)


def test_smear_is_told_from_width_only_across_azimuth():
    """Smear along azimuth lengthens a hull, or widens it, as the error of the width tells."""
    along, across = (fitted(chip(truth(heading)), truth(heading)) for heading in (-11.0, 79.0))
    width_sd = smears.SD + smears.LOG_WIDTH
    assert across[width_sd] > 1.3 * along[width_sd]


def test_speckle_leaves_the_truth_within_a_few_errors():
    p = truth()
    rng = np.random.default_rng(5)
    pulls = []
    for _ in range(40):
        found = fitted(chip(p, rng), p)
        sd = found[smears.SD : smears.SD + smears.N_PARAMETERS]
        pulls.append((found[: smears.N_PARAMETERS] - p) / sd)
    assert (np.abs(np.median(pulls, axis=0)) < 1.5).all()
    assert (np.abs(pulls) < 4).mean() > 0.97


def test_empty_sea_has_no_rectangle_to_speak_of():
    flat = chip(truth(level=0.002))
    out = np.empty(smears.N_FITTED)
    if smears.fit_smeared(flat, truth(), BLUR, AZIMUTH, MODEL, out):
        assert np.exp(out[smears.LOG_LEVEL]) < 0.1


@pytest.mark.parametrize(
    ("length", "ratio"), [(20.0, 4.0), (60.0, 5.6), (250.0, 6.6), (500.0, 6.6)]
)
def test_expected_beam(length, ratio):
    assert smears.expected_beam(length) == pytest.approx(length / ratio)
