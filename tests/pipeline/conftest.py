"""Scenes in memory: speckled seas with planted hulls, summarised and judged without files.

What imports kernels is imported late: pytest loads this file before tests/conftest.py has told
numba where its cache is.
"""

import hashlib
import io
import logging
import os
import shutil
import sys
import warnings
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import psutil
import pytest
import shapely
from pyproj import Transformer
from scipy.special import ndtr

from westsea.detector import Detector
from westsea.schema import TABLES
from westsea.tables import Provenance, encode
from westsea_catalog.archive.writer import write_cog
from westsea_catalog.coast import Coast
from westsea_catalog.grid import AffineGrid, Window
from westsea_catalog.reader import open_reader
from westsea_catalog.scene import Asset, Scene

REAL_DATA = Path(__file__).parents[3] / "shared/data"
PROVENANCE = Provenance("1", "test", "0.03")
FULL_SCALE = 65535
ROOMS = ("westsea", "westsea_catalog")


def make_coast(*polygons):
    """A coast of a few polygons in degrees; of none, land far from any test's scene."""
    shapes = np.array(polygons or (shapely.box(-30.0, -60.0, -29.9, -59.9),), object)
    digest = hashlib.sha256(b"".join(shapely.to_wkb(shapes))).hexdigest()
    return Coast("test", digest, shapes)


@dataclass(frozen=True)
class ArrayReader:
    """A band that is an array."""

    pixels: np.ndarray
    waited: float = 0.0

    @property
    def dtype(self):
        return self.pixels.dtype

    def read(self, window, out=None):
        pixels = self.pixels[window.row0 : window.row1, window.col0 : window.col1]
        if out is None:
            return pixels.copy()
        out[:] = pixels
        return out


@dataclass(frozen=True)
class Lab:
    """A scene whose pixels are arrays, and what can be done with it."""

    scene: Scene
    coast: Coast
    detector: Detector
    arrays: dict | None = field(default=None, repr=False)
    """None: the pixels lie in files."""

    @classmethod
    def of(
        cls,
        bands,
        *,
        sensor="sar",
        nodata=None,
        epsg=32651,
        origin=(400_000.0, 4_200_000.0),
        pixel=10.0,
        coast=None,
        scl=None,
        visible=None,
        detector=None,
        orbit="ascending",
        scene_id="scene",
    ):
        """Of (n_bands, rows, cols) pixels; scl: classes at twice the pixel's size; visible: arrays
        of further bands by name.
        """
        names = {("sar", 1): ["VV"], ("sar", 2): ["VV", "VH"], ("optical", 1): ["B08"]}
        names = names[sensor, len(bands)]
        arrays = dict(zip(names, bands, strict=True))
        extras = ()
        if scl is not None:
            arrays["SCL"] = scl
            extras = (Asset("SCL", "memory", factor=2, band="SCL"),)
        for name, array in (visible or {}).items():
            arrays[name] = array
            extras += (Asset(name, "memory", band=name),)
        transform = (pixel, 0.0, origin[0], 0.0, -pixel, origin[1])
        scene = Scene(
            id=scene_id,
            collection="sentinel-1-rtc" if sensor == "sar" else "sentinel-2-l2a",
            profile="test",
            sensor=sensor,
            datetime=datetime(2017, 10, 19, 21, 57, tzinfo=UTC),
            platform="sentinel-1a" if sensor == "sar" else "sentinel-2a",
            orbit_state=orbit,
            grid=AffineGrid(epsg, transform, bands[0].shape),
            bands=tuple(Asset(name.lower(), "memory", band=name) for name in names),
            extras=extras,
            nodata=(-32768.0 if sensor == "sar" else 0.0) if nodata is None else nodata,
            footprint=shapely.geometry.mapping(shapely.box(124.0, 37.0, 125.0, 38.0)),
        )
        return cls(scene, coast or make_coast(), detector or Detector(), arrays)

    def on_disk(self, folder):
        """The same scene, its bands as COGs."""
        bands = []
        for band in self.scene.bands:
            path = folder / f"{band.key}.tif"
            write_cog(path, self.arrays[band.name], self.scene.grid, nodata=self.scene.nodata)
            bands.append(replace(band, path=str(path)))
        return Lab(replace(self.scene, bands=tuple(bands)), self.coast, self.detector)

    @property
    def full(self):
        return self.scene.grid.full

    def open_reader(self, scene, asset):
        if self.arrays is None:
            return open_reader(scene, asset)
        return ArrayReader(self.arrays[asset.name])

    def pixels(self, window=None):
        from westsea.detection.pixels import Pixels

        window = window or self.full
        inset = self.detector.land_inset_m
        return Pixels(self.scene, self.coast, window, inset, self.open_reader)

    def part(self, chunk, carry="bright", pixels=None):
        """The summary of one chunk."""
        from westsea.detection.summary import summarise

        pixels = pixels or self.pixels()
        return summarise(
            pixels.bands(chunk),
            pixels.land(chunk),
            chunk,
            sensor=self.scene.sensor,
            nodata=self.scene.nodata,
            carry=carry,
        )

    def summary(self, chunks=None, carry="bright", window=None):
        from westsea.detection.summary import merge

        window = window or self.full
        return merge(window, [self.part(chunk, carry) for chunk in chunks or [window]])

    def judge(self, chunks=None, carry="bright", window=None, aoi=None):
        from westsea.detection.judge import judge

        window = window or self.full
        summary = self.summary(chunks, carry, window)
        return judge(self.scene, summary, self.pixels(window), self.coast, aoi, self.detector)

    def frames(self, **options):
        """The tables as data frames, by name."""
        tables = self.judge(**options).tables
        return {name: table.to_pandas() for name, table in tables.items()}

    def bytes(self, **options):
        """The files of the scene's tables, by name."""
        return self.encoded(self.judge(**options))

    def encoded(self, judged):
        return {
            name: encode(TABLES[name], table, PROVENANCE) for name, table in judged.tables.items()
        }


def cut(window, rows, cols):
    """The chunks between sorted inner edges, given as (row, col) numbers of the file."""
    rows = [window.row0, *rows, window.row1]
    cols = [window.col0, *cols, window.col1]
    return [
        Window(row0, row1, col0, col1)
        for row0, row1 in pairwise(rows)
        for col0, col1 in pairwise(cols)
    ]


def tiles(window, rows, cols=None):
    """Chunks of so many rows and columns; None for the full width."""
    cols = cols or window.shape[1]
    return cut(
        window,
        range(window.row0 + rows, window.row1, rows),
        range(window.col0 + cols, window.col1, cols),
    )


def radar_sea(seed, shape, n_bands=2, looks=4.4, means=(0.02, 0.004)):
    """(n_bands, rows, cols) float32 speckle of a calm sea."""
    rng = np.random.default_rng(seed)
    levels = np.reshape(means[:n_bands], (-1, 1, 1))
    return (levels * rng.gamma(looks, 1 / looks, (n_bands, *shape))).astype(np.float32)


def optical_sea(seed, shape, level=1300.0, noise=40.0):
    """(1, rows, cols) uint16 of open water."""
    rng = np.random.default_rng(seed)
    return rng.normal(level, noise, (1, *shape)).round().clip(1, FULL_SCALE).astype(np.uint16)


def hull_image(grid, row, col, length, width, heading, psf_sd, reach=40):
    """A hull of brightness 1 through a round Gaussian blur, and where it lies.

    Metres and degrees are those of an equidistant projection about the hull's middle, and not of
    the grid under test.

    Returns
    -------
    (2 reach + 1, 2 reach + 1) image, and its slices in the scene.
    """
    row0, col0 = round(row) - reach, round(col) - reach
    rows, cols = np.mgrid[row0 : row0 + 2 * reach + 1, col0 : col0 + 2 * reach + 1]
    lon, lat = grid.lonlat(row, col)
    local = f"+proj=aeqd +lat_0={lat} +lon_0={lon} +datum=WGS84"
    to_metres = Transformer.from_crs("OGC:CRS84", local, always_xy=True)
    east, north = to_metres.transform(*grid.lonlat(rows, cols))
    sine, cosine = np.sin(np.deg2rad(heading)), np.cos(np.deg2rad(heading))
    image = np.ones(rows.shape)
    for away, extent in (
        (east * sine + north * cosine, length),
        (east * cosine - north * sine, width),
    ):
        image *= ndtr((away + extent / 2) / psf_sd) - ndtr((away - extent / 2) / psf_sd)
    return image, (slice(row0, row0 + len(rows)), slice(col0, col0 + len(rows)))


@pytest.fixture(scope="session")
def real_data():
    """The folder of real Sentinel pixels beside the checkout."""
    if not REAL_DATA.is_dir():
        pytest.skip("no real pixels: ../shared/data is not beside this checkout")
    return REAL_DATA


@pytest.fixture(scope="session")
def sim():
    """What this module can make: `sim.lab(...)` is a scene in memory."""
    return SimpleNamespace(
        Lab=Lab,
        lab=Lab.of,
        coast=make_coast,
        cut=cut,
        tiles=tiles,
        radar_sea=radar_sea,
        optical_sea=optical_sea,
        hull_image=hull_image,
    )


# A bucket of a real server.


@pytest.fixture
def s3_out(seaweedfs, monkeypatch, tmp_path):
    """The address of a fresh output folder in a bucket, whose keys are in variables.

    Nothing of this machine's user is known, and nothing is waited for.
    """
    from westsea import buckets, clients

    for name in os.environ:
        if name.startswith(("AWS_", "CPL_AWS_", "GOOGLE_", "AZURE_")):
            monkeypatch.delenv(name)
    known = {"AWS_ACCESS_KEY_ID": "Key", "AWS_SECRET_ACCESS_KEY": "Secret"}
    known |= {"AWS_ENDPOINT_URL": seaweedfs.endpoint, "HOME": str(tmp_path), "NO_PROXY": "*"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(buckets, "PAUSES_S", (0.0,) * 3)
    monkeypatch.setattr(clients, "RETRIES", 0)
    buckets.of_process.cache_clear()
    seaweedfs.put("out/made", b"so")
    return f"s3://out/{uuid4().hex}/in%20it"


# What the tests of sweeps share: a small archive on disk, and the command line in this process.


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """The catalog.json of four small scenes: VV with VH, an empty sea in VV, VV, and B08."""
    from westsea_catalog.archive import scenes, writer

    dual = scenes.RADAR_SCENES[0]
    single = next(each for each in scenes.RADAR_SCENES if len(each.polarizations) == 1)
    optical = scenes.OPTICAL_SCENES[0]

    def smaller(scene, shape, **planting):
        grid = replace(scene.grid, shape=shape)
        return replace(scene, grid=grid, planting=scenes.Planting(**planting))

    empty = replace(single, start=datetime(2017, 10, 15, 9, 32, tzinfo=UTC))
    with pytest.MonkeyPatch.context() as patch:
        radar = (
            smaller(dual, (640, 704), singles=5, alongside=1, close=1),
            smaller(single, (384, 512), singles=2, alongside=0, close=1),
            smaller(empty, (256, 256), singles=0, alongside=0, close=0),
        )
        patch.setattr(writer, "RADAR_SCENES", radar)
        patch.setattr(
            writer,
            "OPTICAL_SCENES",
            (smaller(optical, (512, 512), singles=3, alongside=1, close=1),),
        )
        return writer.build(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def swept(archive, tmp_path_factory):
    """The output folder of a sweep of the small archive; tests only read it."""
    from westsea.api import execute, plan, search

    out = tmp_path_factory.mktemp("swept") / "out"
    found = search(str(archive), aoi="west-sea", datetime="2017-10-01/2017-10-31", offline=True)
    execute(plan(found, catalog=str(archive), aoi="west-sea"), out, workers=0)
    return out


@pytest.fixture
def own_archive(archive, tmp_path):
    """A copy of the archive that a test may spoil."""
    return Path(shutil.copytree(archive.parent, tmp_path / "archive")) / archive.name


@pytest.fixture
def cli(capsys, monkeypatch):
    """The command line in this process: `cli("plan", ...)` has a code, out and err."""
    for name in [name for name in os.environ if name.startswith("WESTSEA_")]:
        if name != "WESTSEA_JIT_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("DASK_LOGGING__DISTRIBUTED", "critical")
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    root, own = logging.getLogger(), [logging.getLogger(name) for name in ROOMS]
    before = root.handlers[:], root.level, [logger.level for logger in own]

    def run(*arguments, stdin=""):
        from westsea.cli import main

        text = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        monkeypatch.setattr(sys, "stdin", text)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments], prog_name="westsea")
        out, err = capsys.readouterr()
        return SimpleNamespace(code=end.value.code or 0, out=out, err=err)

    yield run
    root.handlers[:] = before[0]
    for logger, level in zip([root, *own], [before[1], *before[2]], strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="session")
def own_cluster():
    """A client of westsea's own cluster of two worker processes, and where that listens."""
    from westsea.cluster import connect

    before = listening(os.getpid())
    with connect(None, 2) as client:
        here, workers = listening(os.getpid()) - before, client.run(os.getpid).values()
        yield SimpleNamespace(client=client, listening=here.union(*map(listening, workers)))


@pytest.fixture(scope="session")
def processes(own_cluster):
    """A client of westsea's own cluster: two processes of one thread each."""
    return own_cluster.client


def listening(pid):
    """Addresses that a process listens at."""
    connections = psutil.Process(pid).net_connections(kind="inet")
    return {each.laddr for each in connections if each.status == psutil.CONN_LISTEN}


@pytest.fixture
def threads():
    """A client whose one worker has two threads of this process.

    One for each test: a client of this process that another test closes, or that fails to connect,
    can take the event loop of a shared one with it.
    """
    from made.clients import client_of

    with client_of(1, threads_per_worker=2) as client:
        yield client
