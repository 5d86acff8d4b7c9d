"""Radar thresholds have the rate of false alarms that they are set for; `make bench` has more."""

import numpy as np
import pytest

from westsea.bench.clutter import GRDH_LOOKS, SEAS, ClutterSea, Draws, above
from westsea_catalog.archive.echoes import N_LOOKS, look_weights, speckle

SIDE, TILES = 2048, 3
CHOSEN = (0, 3, 5, 9, 10, 15)


def test_rates_are_as_asked_for():
    """On 1.2e7 pixels of each sea: rough and smooth, noisy, with a gradient, with ships."""
    found, pixels = np.zeros(len(CHOSEN)), np.zeros(len(CHOSEN))
    for seed in range(500, 500 + TILES):
        draws = Draws(seed, SIDE)
        for i, k in enumerate(CHOSEN):
            tile = draws.tile(SEAS[k])
            found[i] += above(tile, [1e-5])[1][0].sum()
            pixels[i] += (~tile.is_ship).sum()
    rates = found / pixels / 1e-5
    assert ((rates > 0.5) & (rates < 2)).all(), rates


def test_draws_are_like_the_archives_own():
    """Quantiles and correlation of speckle filtered by the cut response, before resampling."""
    ours = Draws(1, 509).looks_of(0, GRDH_LOOKS)
    rng = np.random.default_rng(2)
    theirs = sum(
        weight / N_LOOKS * np.abs(speckle(rng, (512, 512))) ** 2 for weight in look_weights()
    )
    for q in (0.1, 0.5, 0.9, 0.99):
        assert np.quantile(ours, q) == pytest.approx(np.quantile(theirs, q), rel=0.02)
    for step in (1, 2):
        for image in (ours, theirs):
            image -= image.mean()
        one, two = (np.mean(each[step:] * each[:-step]) / each.var() for each in (ours, theirs))
        assert one == pytest.approx(two, abs=0.04)


def test_looks_and_order_are_those_of_the_sea():
    sea = ClutterSea(8.0, GRDH_LOOKS, (0.0,))
    water, _ = above(Draws(7, 1024).tile(sea), [1e-6])
    assert 4.0 < water.enl < 6.5
    assert 5.0 < water.k_order < 14.0
    smooth, _ = above(Draws(7, 1024).tile(ClutterSea(np.inf, GRDH_LOOKS, (0.0,))), [1e-6])
    assert smooth.k_order > 30
