from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea.detection.carry import ALWAYS_CARRIED, MOST_CARRIED
from westsea.detection.summary import merge, summarise
from westsea_catalog.grid import Window
from westsea_kernels.blocks import BLOCK, CELL, SAMPLING

NODATA = {"sar": -32768.0, "optical": 0.0}
SENSOR = pytest.mark.parametrize("sensor", ["sar", "optical"])


def pixels(seed, sensor, shape):
    """Bands and land of a chunk, with holes of every kind."""
    rng = np.random.default_rng(seed)
    if sensor == "sar":
        bands = rng.gamma(4.4, 0.01, (2, *shape)).astype(np.float32)
        bands[rng.random(bands.shape) < 0.01] = np.nan
        bands[rng.random(bands.shape) < 0.01] = NODATA["sar"]
    else:
        bands = rng.normal(900, 50, (1, *shape)).astype(np.uint16)
        bands[rng.random(bands.shape) < 0.01] = 0
    bands[:, : shape[0] // 3, : shape[1] // 4] = NODATA[sensor]
    return bands, rng.random(shape) < 0.1


def kept(bands, land, window, sensor, carry="bright"):
    return summarise(bands, land, window, sensor=sensor, nodata=NODATA[sensor], carry=carry)


def by_place(summary):
    """The carried blocks by their place, so that their order does not matter."""
    places = map(tuple, summary.carried_at.tolist())
    return {place: block.tobytes() for place, block in zip(places, summary.carried, strict=True)}


def same(one, two):
    """Whether two summaries are equal, whatever the order in which blocks are carried."""
    apart = {"carried_at", "carried"}
    names = [field.name for field in fields(one) if field.name not in apart | {"window"}]
    equal = [
        np.array_equal(getattr(one, name), getattr(two, name), equal_nan=name == "quartiles")
        for name in names
    ]
    return one.window == two.window and all(equal) and by_place(one) == by_place(two)


@SENSOR
@settings(max_examples=20)
@given(st.integers(0, 1 << 32), st.integers(1, 270), st.integers(1, 270))
def test_counts_and_extremes(sensor, seed, rows, cols):
    bands, land = pixels(seed, sensor, (rows, cols))
    summary = kept(bands, land, Window(0, rows, 0, cols), sensor)
    valid = np.isfinite(bands).all(axis=0) & (bands != NODATA[sensor]).all(axis=0) & ~land
    for name, mask in (("land", land), ("valid", valid)):
        found = getattr(summary, name)
        assert found.shape == (-(-rows // CELL), -(-cols // CELL))
        for (i, j), number in np.ndenumerate(found):
            cell = np.s_[i * CELL : (i + 1) * CELL, j * CELL : (j + 1) * CELL]
            assert number == mask[cell].sum()
    assert summary.block_valid.shape == (-(-rows // BLOCK), -(-cols // BLOCK))
    for (i, j), number in np.ndenumerate(summary.block_valid):
        block = np.s_[i * BLOCK : (i + 1) * BLOCK, j * BLOCK : (j + 1) * BLOCK]
        assert number == valid[block].sum()
        for band, image in enumerate(bands.astype(np.float32)):
            inside = image[block][valid[block]]
            assert summary.largest[band, i, j] == inside.max(initial=-np.inf)
            assert summary.smallest[band, i, j] == inside.min(initial=np.inf)
    for (i, j), counts in np.ndenumerate(summary.counts.sum(axis=-1)):
        cell = np.s_[i * CELL : (i + 1) * CELL : SAMPLING, j * CELL : (j + 1) * CELL : SAMPLING]
        looked_at = valid[cell].sum()
        assert 0.2 * looked_at <= counts <= looked_at  # of radar, ships' blocks are left out
        assert sensor == "sar" or counts == looked_at


@SENSOR
@pytest.mark.parametrize("carry", ["none", "bright", "all"])
def test_carried_pixels_are_those_of_the_chunk(sensor, carry):
    bands, land = pixels(1, sensor, (150, 170))
    bands[:, 140:, 160:] *= 30
    summary = kept(bands, land, Window(CELL, CELL + 150, 0, 170), sensor, carry)
    has_data = set(map(tuple, np.argwhere(summary.block_valid > 0).tolist()))
    carried = by_place(summary)
    assert len(carried) == len(summary.carried_at) == len(summary.carried)
    assert carried.keys() <= has_data
    if carry != "bright":
        assert carried.keys() == (has_data if carry == "all" else set())
    else:
        assert (9, 10) in carried
    valid = np.isfinite(bands).all(axis=0) & (bands != NODATA[sensor]).all(axis=0) & ~land
    padded = np.full((len(bands), 160, 176), np.nan, np.float32)
    padded[:, :150, :170] = np.where(valid, bands, np.float32(np.nan))
    for (i, j), block in zip(summary.carried_at, summary.carried, strict=True):
        there = padded[:, i * BLOCK : (i + 1) * BLOCK, j * BLOCK : (j + 1) * BLOCK]
        assert np.array_equal(block, there, equal_nan=True)


@SENSOR
@settings(max_examples=30)
@given(data=st.data())
def test_merging_any_chunks_in_any_order_gives_the_whole(sim, sensor, data):
    window = Window(2 * CELL, 2 * CELL + 600, CELL, CELL + 450)
    bands, land = pixels(2, sensor, window.shape)
    whole = kept(bands, land, window, sensor, "all")
    inner_rows = st.sets(st.sampled_from(range(window.row0 + CELL, window.row1, CELL)))
    inner_cols = st.sets(st.sampled_from(range(window.col0 + CELL, window.col1, CELL)))
    chunks = sim.cut(window, sorted(data.draw(inner_rows)), sorted(data.draw(inner_cols)))
    parts = []
    for chunk in data.draw(st.permutations(chunks)):
        row, col = chunk.row0 - window.row0, chunk.col0 - window.col0
        here = np.s_[row : row + chunk.shape[0], col : col + chunk.shape[1]]
        parts.append(kept(bands[:, *here], land[here], chunk, sensor, "all"))
    assert same(merge(window, parts), whole)


def test_a_city_is_carried_in_part_and_ships_before_it(sim):
    bands = sim.radar_sea(3, (1024, 1024))
    rng = np.random.default_rng(4)
    town = np.s_[:, :512, :900]
    bands[town] *= 20 * rng.gamma(0.5, 2.0, bands[town].shape[1:]).astype(np.float32)
    for row, col in (at := rng.integers(540, 1000, (30, 2))):
        bands[:, row : row + 3, col : col + 8] = 5.0
    lab = sim.lab(bands)
    summary = lab.summary()
    most = max(int(MOST_CARRIED * summary.block_valid.size), ALWAYS_CARRIED)
    assert len(summary.carried_at) == most < 0.5 * summary.block_valid.size
    assert {tuple(place) for place in (at // BLOCK).tolist()} <= by_place(summary).keys()
    assert lab.judge().n_fetched > 100
    assert lab.bytes() == lab.bytes(carry="all") == lab.bytes(carry="none")


def test_margins_carry_what_a_chunk_alone_would_not_ask_for(sim, monkeypatch):
    """Thresholds that are guessed from a chunk differ from those of the scene."""
    bands = sim.radar_sea(12, (1536, 1024))
    rng = np.random.default_rng(4)
    for brightness in np.linspace(2.0, 8.0, 300):  # of the plane, about its thresholds
        row, col = rng.integers(4, [1500, 1000])
        bands[:, row : row + 2, col : col + 2] = brightness * np.array([[[0.02]], [[0.004]]])
    lab = sim.lab(bands)
    chunks = sim.tiles(lab.full, 256)
    with_margins = lab.judge(chunks=chunks).n_fetched
    for name in ("SEED_MARGIN", "GROWTH_MARGIN"):
        monkeypatch.setattr(f"westsea.detection.carry.{name}", 1.0)
    assert with_margins < 0.75 * lab.judge(chunks=chunks).n_fetched


def test_a_view_is_as_good_as_an_array():
    bands, land = pixels(3, "sar", (260, 280))
    wide = np.zeros((2, 260, 560), np.float32)
    wide[:, :, ::2] = bands
    window = Window(0, 260, 0, 280)
    mask = np.zeros((260, 560), np.bool_)
    mask[:, ::2] = land
    strided = kept(wide[:, :, ::2], mask[:, ::2], window, "sar")
    assert same(strided, kept(bands, land, window, "sar"))


@pytest.mark.parametrize("n_bands", [1, 2])
def test_of_an_open_sea_few_blocks_are_carried_and_none_is_read_again(sim, n_bands):
    sea = sim.radar_sea(4, (1024, 1024), n_bands, looks=8.0)
    rng = np.random.default_rng(5)
    for row, col in rng.integers(8, 1000, (40, 2)):
        sea[:, row : row + 4, col : col + 12] *= 40
    lab = sim.lab(sea)
    summary = lab.summary(sim.tiles(lab.full, 512))
    assert len(summary.carried_at) < 0.22 * summary.block_valid.size
    judged = lab.judge(sim.tiles(lab.full, 512))
    assert judged.tables["detections"].num_rows > 30
    assert judged.n_fetched < 5
    nothing = lab.judge(carry="none")
    assert nothing.n_fetched > 40
    assert lab.judge(carry="all").n_fetched == 0
