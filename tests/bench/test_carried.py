"""What travels from the chunks to the judge, and what the judge reads again, by kind of sea.

    make bench

Scenes of 4096 x 4096 pixels in VV and VH, each cut into its usual four chunks:

- open sea: texture of order 10, one ship in 26 km2;
- storm: texture of order 3, and bands of rain that are up to 6 dB brighter;
- city coast: Incheon on the coast that ships, all its land as bright as a city, the rim of 300 m
  that is not masked included;
- no coast: the same without a coast to mask it, 2048 x 2048 pixels of it.

Land is masked before anything is carried, and a chunk carries at most MOST_CARRIED of its blocks;
that is asserted, and no time is. Shuffled bytes are pickled summaries; read again is by the judge,
over the bytes of the files' full-resolution tiles.
"""

import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from westsea.detection.carry import ALWAYS_CARRIED, MOST_CARRIED
from westsea.detector import Detector
from westsea.runner import parameters
from westsea.store import Store
from westsea.tasks import Job, judge_scene, summarise_chunk
from westsea_catalog.coast import Coast
from westsea_catalog.reader import TiffReader

pytestmark = pytest.mark.bench

SHAPE = (4096, 4096)
INCHEON = (32652, 126.3, 37.62)
"""UTM zone, and west and north of the scene in degrees."""
STORM_ORDER, CITY_ORDER = 3.0, 1.0
RAIN_PX, RAIN_DB = 800.0, 6.0
CITY_DB, HOUSE_DB, HOUSES = 12.0, 30.0, 0.02
"""Land over the sea's level, and the share of its pixels that are house fronts and as bright."""


def db(decibel):
    return np.float32(10 ** (decibel / 10))


def storm(seas):
    images, _ = seas.open_sea(np.random.default_rng(11), SHAPE, STORM_ORDER)
    row, col = np.ogrid[: SHAPE[0], : SHAPE[1]]
    wave = np.sin(2 * np.pi * (row + 0.6 * col) / RAIN_PX).astype(np.float32)
    rain = db(RAIN_DB) ** np.maximum(wave, 0)
    return {band: image * rain for band, image in images.items()}, seas.grid(SHAPE)


def city(seas, shape=SHAPE):
    rng = np.random.default_rng(12)
    epsg, west, north = INCHEON
    place = Transformer.from_crs("OGC:CRS84", epsg, always_xy=True)
    grid = seas.grid(shape, place.transform(west, north), epsg)
    images, _ = seas.open_sea(rng, shape)
    land = Coast.shipped().land_mask(grid, grid.full)
    for band, image in images.items():
        houses = np.where(rng.random(shape) < HOUSES, db(HOUSE_DB), db(CITY_DB))
        town = seas.levels[band] * houses * seas.speckle(rng, shape, CITY_ORDER)
        images[band] = np.where(land, town, image)
    return images, grid


KINDS = {
    "open sea": (
        lambda seas: (seas.open_sea(np.random.default_rng(10), SHAPE)[0], seas.grid(SHAPE)),
        Coast.shipped,
    ),
    "storm": (storm, Coast.shipped),
    "city coast": (city, Coast.shipped),
    "no coast, 2048 x 2048": (
        lambda seas: city(seas, (2048, 2048)),
        lambda: Coast("none", "none", np.array([], object)),
    ),
}


@pytest.fixture(scope="module")
def heading():
    print(
        f"\n\n{'4096 x 4096, VV, VH':22s}{'land':>7s}{'carried':>9s}{'MB':>7s}{'shuffled MB':>13s}"
        f"{'read again':>12s}{'CPU ms: chunks':>16s}{'judge':>7s}{'ships':>7s}"
    )


def rchar():
    """Bytes that this thread got from read calls; Linux."""
    return int(Path("/proc/thread-self/io").read_text().split()[1])


def counted_reads(monkeypatch):
    """Bytes that are read, one number a read."""
    plain, sizes = TiffReader.read, []

    def read(self, *arguments):
        before = rchar()
        pixels = plain(self, *arguments)
        sizes.append(rchar() - before)
        return pixels

    monkeypatch.setattr(TiffReader, "read", read)
    return sizes


@pytest.mark.parametrize("kind", KINDS)
def test_carried(seas, heading, kind, tmp_path, monkeypatch):
    draw, coast_of = KINDS[kind]
    images, grid = draw(seas)
    plan = seas.plan([seas.write(tmp_path, "scene", images, grid)])
    (planned,) = plan.scenes
    coast, detector = coast_of(), Detector()
    store = Store.open(tmp_path / "out", parameters(detector, None, coast))
    job = Job.of(planned, coast, None, detector)
    summarise_chunk(job, job.chunks[0])
    judge_scene(
        job,
        [summarise_chunk(job, each) for each in job.chunks],
        Store.open(tmp_path / "warm", parameters(detector, None, coast)),
    )
    start = time.process_time()
    parts = [summarise_chunk(job, chunk) for chunk in job.chunks]
    chunks_seconds = time.process_time() - start
    sizes = counted_reads(monkeypatch)
    start = time.process_time()
    result = judge_scene(job, parts, store)
    judge_seconds = time.process_time() - start
    summaries = [part.summary for part in parts]
    carried, blocks = sum(len(each.carried) for each in summaries), grid.full.size / 256
    print(
        f"{kind:22s}{100 * sum(part.land.sum() for part in summaries) / grid.full.size:5.1f} %"
        f"{100 * carried / blocks:7.2f} %"
        f"{sum(each.carried.nbytes for each in summaries) / 1e6:7.1f}"
        f"{sum(len(pickle.dumps(each, protocol=5)) for each in summaries) / 1e6:13.1f}"
        f"{100 * sum(sizes) / seas.tile_bytes(plan):10.2f} %"
        f"{1e3 * chunks_seconds:16.0f}{1e3 * judge_seconds:7.0f}{result.rows('detections'):7d}"
    )
    for part in summaries:
        assert len(part.carried) <= max(MOST_CARRIED * part.block_valid.size, ALWAYS_CARRIED)
        places = tuple(part.carried_at.T)
        assert (part.block_valid[places] > 0).all()
