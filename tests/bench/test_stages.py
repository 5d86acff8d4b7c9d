"""How fast each stage is, beside memory, the decoder, and what others do with the same pixels.

    make bench

One process, one scene of 4096 x 4096 pixels in two polarisations with 64 bright targets: simulated
clutter, DEFLATE, 512 px tiles. Every row is CPU time over the same pixels of both bands. Nothing
here asserts a time; that each method finds the targets is asserted. Two-parameter CFAR ends with
the mask of bright pixels, sep with a list of objects, ours with hulls, pairs and their doubts.
"""

import time
from functools import partial

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window as RasterWindow

from westsea.bench.recipes import BACKGROUND_PX, GUARD_PX
from westsea.detection.judge import judge
from westsea.detection.pixels import Pixels
from westsea.detection.summary import merge, summarise
from westsea.detector import Detector
from westsea_catalog.coast import Coast
from westsea_catalog.reader import gdal_env

pytestmark = pytest.mark.bench

SIDE = 4096
SIGMAS = 5.2
"""Of a Gaussian 1e-7, as is usual: on this sea 1e-4 of the pixels lie above."""
DECODED_ROWS = 1024
NEAR_PX = 12
REPEATS = 5


def cpu_seconds(work, repeats=REPEATS):
    """What some work returns, and the least CPU time of some repetitions, after a first one."""
    result, times = work(), []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return result, min(times)


def decode(scene):
    """All pixels by rasterio into one buffer."""
    n_rows, n_cols = scene.grid.shape
    buffer = np.empty((DECODED_ROWS, n_cols), np.float32)
    with gdal_env():
        for band in scene.bands:
            with rasterio.open(band.source) as dataset:
                for row in range(0, n_rows, DECODED_ROWS):
                    place = RasterWindow(0, row, n_cols, DECODED_ROWS)
                    dataset.read(1, window=place, out=buffer)


def cfar(bands, box_mean):
    """Pixels above mean + k sigma of the ring around them, in any band: the classic recipe."""
    n, guarded = BACKGROUND_PX**2, GUARD_PX**2
    above = np.zeros(bands.shape[1:], bool)
    for band in bands:
        mean, square = (
            (n * box_mean(each, BACKGROUND_PX) - guarded * box_mean(each, GUARD_PX)) / (n - guarded)
            for each in (band, band * band)
        )
        above |= band > mean + SIGMAS * np.sqrt(np.maximum(square - mean * mean, 0))
    return above


def scipy_cfar(bands):
    ndimage = pytest.importorskip("scipy.ndimage")
    return partial(cfar, bands, ndimage.uniform_filter)


def opencv_cfar(bands):
    cv2 = pytest.importorskip("cv2")
    cv2.setNumThreads(1)
    return partial(cfar, bands, lambda band, side: cv2.boxFilter(band, -1, (side, side)))


def sep_objects(bands):
    sep = pytest.importorskip("sep")

    def work():
        found = []
        for band in bands:
            background = sep.Background(band)
            objects = sep.extract(band - background, SIGMAS, err=background.globalrms)
            found.append(np.column_stack([objects["y"], objects["x"]]))
        return np.concatenate(found)

    return work


OTHERS = {
    "scipy CFAR (uniform_filter)": (scipy_cfar, 1),
    "OpenCV CFAR (boxFilter)": (opencv_cfar, 2),
    "sep (background, extract)": (sep_objects, 2),
}


def assert_found(name, found, targets, shape):
    """Each target has a detection, as a list of places or a mask, at its middle."""
    for row, col in targets:
        middle = (row + shape[0] / 2, col + shape[1] / 2)
        if found.dtype == bool:
            hit = found[row : row + shape[0], col : col + shape[1]].any()
        else:
            hit = (np.hypot(*(found - middle).T) < NEAR_PX).any()
        assert hit, f"{name} misses the target at {row}, {col}"


def test_stages(seas, tmp_path):
    images, drawn = seas.open_sea(np.random.default_rng(7), (SIDE, SIDE))
    scene = seas.write(tmp_path, "stages", images, seas.grid((SIDE, SIDE)))
    tiles = np.stack(np.meshgrid(*2 * [np.arange(0, SIDE, SIDE // 2)]), axis=-1).reshape(-1, 1, 2)
    targets = (drawn + tiles).reshape(-1, 2)
    coast, window = Coast.shipped(), scene.grid.full
    pixels = Pixels(scene, coast, window, Detector().land_inset_m)
    bands, land = pixels.bands(window), pixels.land(window)
    part = partial(summarise, bands, land, window, sensor="sar", nodata=seas.nodata)

    def judged(summary):
        return judge(scene, merge(window, [summary]), pixels, coast, None, Detector())

    seconds, missing = {}, []
    _, seconds["sum of the pixels in memory"] = cpu_seconds(bands.sum)
    _, seconds["decode (rasterio, one buffer)"] = cpu_seconds(lambda: decode(scene), 2)
    summary, seconds["westsea: summarise"] = cpu_seconds(part)
    ours, seconds["westsea: merge and judge"] = cpu_seconds(lambda: judged(summary))
    _, seconds["westsea: both"] = cpu_seconds(lambda: judged(part()))
    table = ours.tables["detections"]
    assert_found("westsea", np.column_stack([table["row"], table["col"]]), targets, seas.target)
    for name, (method, repeats) in OTHERS.items():
        try:
            work = method(bands)
        except pytest.skip.Exception as reason:
            missing.append(f"{name}: {reason}")
            continue
        found, seconds[name] = cpu_seconds(work, repeats)
        assert_found(name, found, targets, seas.target)

    print(
        f"\n\n{'stage':30s}{'Mpx/CPU s':>11s}{'of read-sum':>13s}{'of decode':>11s}{'ours is':>12s}"
    )
    sum_of, decoded, whole = (
        seconds[name]
        for name in (
            "sum of the pixels in memory",
            "decode (rasterio, one buffer)",
            "westsea: both",
        )
    )
    for name, value in seconds.items():
        ratio = f"{value / whole:9.1f} x" if name in OTHERS else ""
        print(
            f"{name:30s}{bands.size / value / 1e6:11.0f}{100 * sum_of / value:11.1f} %"
            f"{value / decoded:9.2f} x{ratio:>12s}"
        )
    for reason in missing:
        print(reason)
