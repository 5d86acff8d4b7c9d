from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import Window
from westsea_catalog.reader import TiffReader
from westsea_kernels.blocks import BLOCK

SHAPE = (300, 411)


@pytest.fixture(scope="module")
def scene(sim):
    rng = np.random.default_rng(0)
    bands = rng.gamma(4.0, 1.0, (2, *SHAPE)).astype(np.float32)
    bands[0, :40, :90] = -32768.0
    bands[1, 200, 7] = np.nan
    return sim.lab(bands)


def dense(scene, land=None):
    """Valid pixels of the whole scene, NaN elsewhere, padded to whole blocks."""
    bands = np.stack([scene.arrays[name] for name in scene.scene.polarizations])
    good = np.isfinite(bands).all(axis=0) & (bands != scene.scene.nodata).all(axis=0)
    if land is not None:
        good &= ~land
    rows, cols = (-(-side // BLOCK) * BLOCK for side in SHAPE)
    out = np.full((len(bands), rows + BLOCK, cols + BLOCK), np.nan, np.float32)
    out[:, : SHAPE[0], : SHAPE[1]] = np.where(good, bands, np.float32(np.nan))
    return out


@given(st.data())
def test_blocks_are_those_of_the_window(scene, data):
    window = data.draw(st.sampled_from([scene.full, Window(128, 300, 256, 411)]))
    rows, cols = (-(-side // BLOCK) for side in window.shape)
    place = st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1))
    places = np.array(data.draw(st.lists(place, max_size=30)), np.int64).reshape(-1, 2)
    blocks = scene.pixels(window).blocks(places)
    assert blocks.shape == (len(places), 2, BLOCK, BLOCK)
    image = dense(scene)
    for (i, j), block in zip(places, blocks, strict=True):
        row, col = window.row0 + i * BLOCK, window.col0 + j * BLOCK
        there = image[:, row : row + BLOCK, col : col + BLOCK]
        assert np.array_equal(block, there, equal_nan=True)


def test_land_is_left_out_of_blocks(sim, scene):
    west, north = scene.scene.grid.lonlat(150.0, 200.0)
    shore = sim.lab(
        [scene.arrays[name] for name in ("VV", "VH")],
        coast=sim.coast(shapely.box(west, north - 1, west + 1, north)),
    )
    pixels = shore.pixels()
    land = pixels.land(shore.full)
    # 300 m inland of the corner at (150, 200)
    assert not land[:175].any()
    assert not land[:, :225].any()
    assert land[185:, 235:].all()
    rows, cols = (-(-side // BLOCK) for side in SHAPE)
    places = np.argwhere(np.ones((rows, cols)))
    image = dense(shore, land)
    for (i, j), block in zip(places, pixels.blocks(places), strict=True):
        there = image[:, i * BLOCK : (i + 1) * BLOCK, j * BLOCK : (j + 1) * BLOCK]
        assert np.array_equal(block, there, equal_nan=True)


@pytest.mark.parametrize("n_bands", [1, 2])
def test_bands_keep_the_dtype_of_the_files(sim, n_bands):
    arrays = np.arange(n_bands * 20 * 30, dtype=np.int16).reshape(n_bands, 20, 30)
    bands = sim.lab(arrays).pixels().bands(Window(3, 9, 5, 25))
    assert bands.dtype == np.int16
    assert np.array_equal(bands, arrays[:, 3:9, 5:25])


def test_bands_of_different_dtypes_come_in_one_that_holds_both(scene):
    wide = Window(0, 9, 100, 120)
    dtypes = {"VV": np.dtype(np.uint16), "VH": np.dtype(np.float32)}

    class Fake:
        def __init__(self, name):
            self.dtype = dtypes[name]

        def read(self, window, out):
            out[:] = np.ones(window.shape, self.dtype)
            return out

    pixels = scene.pixels()
    pixels.open_reader = lambda scene_, asset: Fake(asset.name)
    bands = pixels.bands(wide)
    assert bands.dtype == np.float32
    assert (bands == 1).all()


def test_a_scratch_holds_one_chunk_after_the_other(scene):
    from westsea.detection.pixels import Scratch

    scratch, pixels = Scratch(), scene.pixels()
    windows = [Window(0, 256, 0, 411), Window(256, 300, 0, 411), Window(10, 60, 3, 300)]
    places = set()
    for window in windows:
        bands = pixels.bands(window, scratch)
        assert bands.flags.c_contiguous
        assert np.array_equal(bands, pixels.bands(window), equal_nan=True)
        places.add(bands.ctypes.data)
    assert len(places) == 1
    assert not np.shares_memory(bands, pixels.bands(windows[0]))


def test_threads_do_not_share_a_scratch():
    from westsea.detection.pixels import Scratch

    scratch, both = Scratch(), Barrier(2)

    def fill(number):
        array = scratch.array((100, 100), np.dtype(np.int16))
        array[:] = number
        both.wait(timeout=20)
        return int(array.sum())

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(fill, [1, 2])) == [10_000, 20_000]


@given(st.integers(0, 40), st.integers(0, 52), st.integers(1, 12), st.integers(1, 12))
def test_coarser_bands_lie_on_the_grid(sim, row, col, rows, cols):
    classes = np.arange(21 * 27, dtype=np.uint16).reshape(21, 27)
    pixels = sim.lab(sim.optical_sea(0, (41, 53)), sensor="optical", scl=classes).pixels()
    window = Window(row, row + rows, col, col + cols).intersection(Window(0, 41, 0, 53))
    fine = classes.repeat(2, axis=0).repeat(2, axis=1)
    there = fine[window.row0 : window.row1, window.col0 : window.col1]
    assert np.array_equal(pixels.beyond("SCL", window), there)
    assert pixels.beyond("B11", window) is None


def test_each_file_is_opened_once_and_only_when_read(sim):
    opened = []
    scene = sim.lab(sim.radar_sea(0, (64, 64)))
    pixels = scene.pixels()

    def open_reader(scene_, asset):
        opened.append(asset.name)
        return scene.open_reader(scene_, asset)

    pixels.open_reader = open_reader
    pixels.land(scene.full)
    assert opened == []
    for _ in range(3):
        pixels.bands(Window(0, 8, 0, 8))
    assert opened == ["VV", "VH"]


def test_a_cell_is_read_once_while_it_is_kept(scene, monkeypatch):
    from westsea.detection import pixels as module

    monkeypatch.setattr(module, "MOST_CELLS", 2)
    pixels, read = scene.pixels(), []
    plain = pixels.image
    monkeypatch.setattr(pixels, "image", lambda window: read.append(window.col0) or plain(window))
    image = dense(scene)

    def look(*cols):
        read.clear()
        for col in cols:
            (block,) = pixels.blocks(np.array([[3, col]]))
            there = image[:, 48:64, col * BLOCK : (col + 1) * BLOCK]
            assert np.array_equal(block, there, equal_nan=True)
        return read

    assert look(1, 2, 9, 1, 10) == [0, 128]
    assert look(17, 1, 9) == [256, 0, 128]  # the one that was used least lately goes first
    assert look(9, 1) == []


def test_files_are_read_unless_told_otherwise(scene, tmp_path):
    from dataclasses import replace

    from westsea.detection.pixels import Pixels

    pixels = Pixels(scene.scene, scene.coast, scene.full, 300.0)
    assert isinstance(pixels._reader(scene.scene.bands[0]), TiffReader)
    assert replace(pixels, window=Window(0, 1, 0, 1)).open_reader is pixels.open_reader
    text = tmp_path / "no.tif"
    text.write_text("no image")
    bands = tuple(replace(band, path=str(text)) for band in scene.scene.bands)
    wrong = Pixels(replace(scene.scene, bands=bands), scene.coast, scene.full, 300.0)
    with pytest.raises(RefusedScene, match=r"no\.tif"):
        wrong.bands(Window(0, 1, 0, 1))
