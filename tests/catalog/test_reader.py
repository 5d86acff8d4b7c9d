"""Windows of single-band TIFFs: exact pixels, or one sentence on why not."""

import copy
import math
import pickle
import re
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

from westsea_catalog import reader
from westsea_catalog.access import Bucket
from westsea_catalog.errors import ConfigError, FailedScene, RefusedScene
from westsea_catalog.grid import AffineGrid, Window
from westsea_catalog.radar.grids import GuessedGrid
from westsea_catalog.reader import GDAL_OPTIONS, RepeatedReader, TiffReader, gdal_env, open_reader
from westsea_catalog.scene import Asset, Scene

SHAPE = (200, 300)
GRID = AffineGrid(32651, (10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0), SHAPE)


def noise(shape=SHAPE, dtype="float32", seed=0):
    return (np.random.default_rng(seed).random(shape) * 200).astype(dtype)


def write(path, pixels, grid=GRID, **options):
    """A tiled TIFF on a grid; options go to rasterio, and to None those that are to be left out."""
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    profile = {
        "driver": "GTiff",
        "count": pixels.shape[0],
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "dtype": pixels.dtype.name,
        "crs": f"EPSG:{grid.epsg}",
        "transform": Affine(*grid.transform),
        "tiled": True,
        "blockxsize": 64,
        "blockysize": 64,
        "compress": "deflate",
        **options,
    }
    given = {key: value for key, value in profile.items() if value is not None}
    with rasterio.open(path, "w", **given) as dataset:
        dataset.write(pixels)
    return str(path)


@pytest.fixture(scope="module")
def tiff(tmp_path_factory):
    """A good file and its pixels."""
    pixels = noise()
    return write(tmp_path_factory.mktemp("tiff") / "good.tif", pixels), pixels


def refused(path, grid=GRID):
    return sentence(path, grid, RefusedScene)


def failed(path, grid=GRID):
    return sentence(path, grid, FailedScene)


def sentence(path, grid, kind):
    """What the reader says of a file; always one sentence that tells nothing of where it lies."""
    with pytest.raises(kind) as caught:
        TiffReader(str(path), grid).read(grid.full)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert message.endswith(".")
    assert "\n" not in message
    assert "/" not in message
    assert "127.0.0.1" not in message
    assert message.startswith(str(path).partition("?")[0].rpartition("/")[2])
    return message


# -- pixels


@given(st.data())
def test_every_window_is_that_of_the_file(tiff, data):
    path, pixels = tiff
    row0, row1 = sorted(data.draw(st.tuples(st.integers(0, 200), st.integers(0, 200))))
    col0, col1 = sorted(data.draw(st.tuples(st.integers(0, 300), st.integers(0, 300))))
    found = TiffReader(path, GRID).read(Window(row0, row1, col0, col1))
    assert found.shape == (row1 - row0, col1 - col0)
    np.testing.assert_array_equal(found, pixels[row0:row1, col0:col1])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("nodata", [None, 0, 7, -32768, math.nan])
def test_no_value_is_masked_or_changed(tmp_path, dtype, nodata):
    limits = np.iinfo(dtype) if dtype != "float32" else np.finfo(dtype)
    if nodata is not None and not limits.min <= nodata <= limits.max:
        nodata = None if dtype != "float32" else nodata
    pixels = noise(dtype=dtype)
    pixels[:20] = 0
    pixels[20:40] = 7
    pixels[40, :2] = limits.min, limits.max
    if dtype == "float32":
        pixels[60:80] = np.nan
        pixels[80, :3] = np.inf, -np.inf, -32768
    path = write(tmp_path / "a.tif", pixels, nodata=nodata)
    found = TiffReader(path, GRID).read(GRID.full)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, pixels)


def test_numpy_integers_make_windows(tiff):
    path, pixels = tiff
    places = np.array([10, 20, 30, 45])
    found = TiffReader(path, GRID).read(Window(*places))
    np.testing.assert_array_equal(found, pixels[10:20, 30:45])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_read_fills_the_callers_array(tiff, dtype):
    path, pixels = tiff
    out = np.full((2, 30, 40), -1, dtype)
    reader = TiffReader(path, GRID)
    assert reader.dtype == np.float32
    found = reader.read(Window(20, 50, 7, 47), out[1])
    assert np.shares_memory(found, out)
    np.testing.assert_array_equal(out[1], pixels[20:50, 7:47])
    assert (out[0] == -1).all()


def test_a_read_is_the_callers_to_change(tiff):
    path, pixels = tiff
    reader = TiffReader(path, GRID)
    reader.read(GRID.full)[:] = -1
    np.testing.assert_array_equal(reader.read(GRID.full), pixels)


@pytest.mark.parametrize(
    "window",
    [
        Window(-1, 10, 0, 10),
        Window(0, 201, 0, 10),
        Window(0, 10, 290, 301),
        Window(0, 10, -1, 1),
        Window(10, 9, 0, 10),
        Window(300, 310, 0, 10),
    ],
)
def test_a_window_outside_is_an_error_not_fewer_pixels(tiff, window):
    with pytest.raises(ValueError, match="not inside"):
        TiffReader(tiff[0], GRID).read(window)


def test_strips_and_other_compressions(tmp_path):
    pixels = noise(dtype="uint16")
    for compress in ("lzw", "zstd", "packbits", None):
        for tiled in (True, False):
            blocks = {} if tiled else {"blockxsize": None, "blockysize": 7, "tiled": None}
            path = write(tmp_path / "a.tif", pixels, compress=compress, **blocks)
            found = TiffReader(path, GRID).read(Window(3, 190, 5, 299))
            np.testing.assert_array_equal(found, pixels[3:190, 5:299])


def test_a_tile_is_decoded_once_for_small_windows(tmp_path):
    """GDAL_CACHEMAX is bytes to rasterio: with 64 of them no tile outlived its read."""
    pixels = noise()
    path = write(tmp_path / "a.tif", pixels)
    reader = TiffReader(path, GRID)
    reader.read(Window(0, 8, 0, 8))
    size = len((tmp_path / "a.tif").read_bytes())
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(size // 20)
        file.write(b"\xff" * (size - size // 20))
    np.testing.assert_array_equal(reader.read(Window(20, 64, 0, 64)), pixels[20:64, :64])
    with pytest.raises(RefusedScene):  # a tile that no read has met
        reader.read(Window(190, 200, 290, 300))


def test_settings_end_with_the_read(tiff, monkeypatch):
    monkeypatch.setenv("GDAL_NUM_THREADS", "3")
    with rasterio.Env(GDAL_HTTP_MAX_RETRY="7", CPL_DEBUG="OFF"):
        before = rasterio.env.getenv()
        TiffReader(tiff[0], GRID).read(GRID.full)
        assert rasterio.env.getenv() == before
        with gdal_env():
            assert rasterio.env.getenv() == before | GDAL_OPTIONS
    assert not rasterio.env.hasenv()


# -- threads, processes, laziness


def test_threads_share_a_reader(tiff):
    path, pixels = tiff
    reader = TiffReader(path, GRID)
    start = threading.Barrier(4)

    def read(seed):
        rng = np.random.default_rng(seed)
        start.wait()
        for _ in range(100):
            row, col = rng.integers(0, 190), rng.integers(0, 280)
            found = reader.read(Window(row, row + 10, col, col + 20))
            if not np.array_equal(found, pixels[row : row + 10, col : col + 20]):
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(read, range(4)))
    assert reader == TiffReader(path, GRID)


def test_threads_read_at_once_but_never_the_same_dataset(tiff, monkeypatch):
    path, pixels = tiff
    inside = threading.Barrier(2)
    opened = []

    class Guarded:
        """A dataset that waits for the other thread to be reading too."""

        def __init__(self, dataset):
            self.dataset = dataset
            self.busy = threading.Lock()
            opened.append(self)

        def __getattr__(self, name):
            return getattr(self.dataset, name)

        def read(self, *args, **options):
            assert self.busy.acquire(blocking=False)
            inside.wait(timeout=20)
            found = self.dataset.read(*args, **options)
            inside.wait(timeout=20)
            self.busy.release()
            return found

    plain_open = rasterio.open
    monkeypatch.setattr(rasterio, "open", lambda *args, **kw: Guarded(plain_open(*args, **kw)))
    reader = TiffReader(path, GRID)
    with ThreadPoolExecutor(2) as threads:
        for _ in range(3):
            for found in threads.map(reader.read, [GRID.full] * 2):
                np.testing.assert_array_equal(found, pixels)
    assert len(opened) == 2


def test_asking_for_the_dtype_opens_the_file_for_the_reads_after_it(tiff, monkeypatch):
    opened = []
    plain_open = rasterio.open
    monkeypatch.setattr(
        rasterio, "open", lambda *args, **kw: opened.append(args) or plain_open(*args, **kw)
    )
    reader = TiffReader(tiff[0], GRID)
    for _ in range(2):
        reader.read(GRID.full, np.empty(GRID.shape, reader.dtype))
    assert len(opened) == 1


def test_nothing_is_opened_before_the_first_read(tmp_path):
    path = tmp_path / "later.tif"
    reader = TiffReader(str(path), GRID)
    pixels = noise()
    write(path, pixels)
    np.testing.assert_array_equal(reader.read(GRID.full), pixels)


def test_a_closed_reader_opens_again(tmp_path):
    path = write(tmp_path / "a.tif", noise(seed=1))
    reader = TiffReader(path, GRID)
    reader.read(GRID.full)
    reader.close()
    write(path, noise(seed=2))
    np.testing.assert_array_equal(reader.read(GRID.full), noise(seed=2))


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_reader_that_has_read_can_be_copied_and_pickled(tiff, again):
    path, pixels = tiff
    reader = TiffReader(path, GRID)
    reader.read(GRID.full)
    other = again(reader)
    assert other == reader
    assert hash(other) == hash(reader)
    np.testing.assert_array_equal(other.read(GRID.full), pixels)


# -- coarser bands


@given(st.data())
def test_a_coarser_band_is_repeated_without_a_shift(data):
    rows, cols = data.draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    factor = data.draw(st.integers(1, 4))
    coarse = noise((-(-rows // factor), -(-cols // factor)))

    class Fake:
        def read(self, window):
            return coarse[window.row0 : window.row1, window.col0 : window.col1]

    row0, row1 = sorted(data.draw(st.tuples(st.integers(0, rows), st.integers(0, rows))))
    col0, col1 = sorted(data.draw(st.tuples(st.integers(0, cols), st.integers(0, cols))))
    found = RepeatedReader(Fake(), factor).read(Window(row0, row1, col0, col1))
    expected = [
        [coarse[row // factor, col // factor] for col in range(col0, col1)]
        for row in range(row0, row1)
    ]
    np.testing.assert_array_equal(found, np.reshape(expected, (row1 - row0, col1 - col0)))


def scene_of(grid, asset):
    when = datetime(2017, 10, 19, tzinfo=UTC)
    return Scene(
        "a", "sentinel-2-l2a", "custom", "optical", when, "", "unknown", grid, (asset,), (asset,)
    )


def test_an_assets_reader_is_on_its_own_grid(tmp_path):
    pixels = noise((100, 150))
    path = write(tmp_path / "B11.tif", pixels, GRID.coarsened(2))
    asset = Asset("B11", "https://example.com/B11.tif", factor=2, path=path)
    reader = open_reader(scene_of(GRID, asset), asset)
    np.testing.assert_array_equal(reader.read(Window(0, 100, 0, 150)), pixels)


def test_a_scene_on_a_guess_is_not_read():
    corners = np.array([[126.0, 126.1], [126.0, 126.1]]), np.array([[35.1, 35.1], [35.0, 35.0]])
    guess = GuessedGrid((1000, 900), np.array([0.0, 999.0]), np.array([0.0, 899.0]), *corners)
    with pytest.raises(ValueError, match="located first"):
        open_reader(scene_of(guess, Asset("vv", "vv.tif")), Asset("vv", "vv.tif"))


# -- files that are not what they should be


def cut(share):
    return lambda content: content[: int(len(content) * share)]


@pytest.mark.parametrize("name", ["vv.tif", "ü ü?sig=1.tif", "#1%20!.tif"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: b"", "not a GeoTIFF"),
        (lambda content: content[:4], "not a GeoTIFF"),
        (lambda content: content[:100], "not a GeoTIFF"),
        (lambda content: b"Service unavailable\n" * 100, "not a GeoTIFF"),
        (lambda content: b"\x89PNG\r\n\x1a\n" + content, "not a GeoTIFF"),
        (cut(0.5), "is damaged"),
        (cut(0.99), "is damaged"),
        # Changes inside a single tile can go unseen: neither libtiff nor zstd checks sums.
        (lambda content: content[:50_000] + b"\xff" * (len(content) - 50_000), "is damaged"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, tiff, name, damage, reason):
    path = tmp_path / name
    path.write_bytes(damage(Path(tiff[0]).read_bytes()))
    assert reason in refused(path)


def test_a_projection_that_cannot_be_spelt_is_damage(tmp_path, tiff):
    content = Path(tiff[0]).read_bytes()
    known, own = (struct.pack("<4H", 3072, 0, 1, epsg) for epsg in (32651, 32767))
    assert content.count(known) == 1
    path = tmp_path / "vv.tif"
    path.write_bytes(content.replace(known, own).replace(b"WGS 84 /", b"WGS\xfc84 /"))
    assert "is not a GeoTIFF, or a damaged one" in refused(path)


def test_a_file_that_is_not_there_fails(tmp_path):
    assert failed(tmp_path / "vv.tif") == "vv.tif could not be read: No such file or directory."
    (tmp_path / "dir.tif").mkdir()
    assert "Is a directory" in failed(tmp_path / "dir.tif")


def test_a_good_file_under_any_name(tmp_path):
    for name in ("ü ü?sig=1.tif", "#1%20!.tif", "a;b:c=d&e.tif", "GTIFF_DIR:2:a.tif", "noend"):
        path = write(tmp_path / "plain.tif", noise())
        (tmp_path / "plain.tif").rename(tmp_path / name)
        path = str(tmp_path / name)
        np.testing.assert_array_equal(TiffReader(path, GRID).read(GRID.full), noise())


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        (
            AffineGrid(32652, GRID.transform, SHAPE),
            "is in EPSG:32651, but its item says EPSG:32652",
        ),
        (
            AffineGrid(32651, GRID.transform, (300, 200)),
            "has 200 x 300 pixels, but its item says 3",
        ),
        (AffineGrid(32651, GRID.transform, (200, 299)), "has 200 x 300 pixels"),
        (AffineGrid(32651, (10, 0, 300010, 0, -10, 4200000), SHAPE), "lies up to 1 pixels from"),
        (AffineGrid(32651, (10, 0, 300000, 0, -10, 4199990), SHAPE), "lies up to 1 pixels from"),
        (AffineGrid(32651, (10.0005, 0, 300000, 0, -10, 4200000), SHAPE), "up to 0.015 pixels"),
        (AffineGrid(32651, (10, 0.001, 300000, 0, -10, 4200000), SHAPE), "up to 0.02 pixels"),
        (AffineGrid(32651, (10, 0, 300000, 0, 10, 4200000), SHAPE), "up to 400 pixels"),
        (AffineGrid(32651, (10, 0, math.nan, 0, -10, 4200000), SHAPE), "lies up to nan pixels"),
    ],
)
def test_another_grid_than_the_items_is_refused(tiff, grid, reason):
    assert reason in refused(tiff[0], grid)


def test_a_rounding_of_the_grid_is_not_a_shift(tiff):
    rounded = AffineGrid(32651, (10.0000003, 0, 300000.05, 0, -10, 4199999.95), SHAPE)
    np.testing.assert_array_equal(TiffReader(tiff[0], rounded).read(GRID.full), tiff[1])


def test_several_bands_are_refused(tmp_path):
    assert "has 2 bands" in refused(write(tmp_path / "a.tif", noise((2, *SHAPE))))


@pytest.mark.parametrize("dtype", ["int32", "uint32", "float64", "complex64"])
def test_numbers_that_float32_cannot_hold_are_refused(tmp_path, dtype):
    assert f"has {dtype} pixels" in refused(write(tmp_path / "a.tif", noise(dtype=dtype)))


def test_no_projection_is_refused(tmp_path):
    assert "not lie on a map" in refused(write(tmp_path / "a.tif", noise(), crs=None))


def test_a_projection_that_is_none_of_epsgs_is_refused(tmp_path):
    crs = "+proj=laea +lat_0=37 +lon_0=124 +datum=WGS84"
    assert "none of EPSG's" in refused(write(tmp_path / "a.tif", noise(), crs=crs))


def test_ground_control_points_are_refused(tmp_path):
    points = [
        GroundControlPoint(row, col, 300000 + 10 * col, 4200000 - 10 * row)
        for row in (0, 200)
        for col in (0, 300)
    ]
    path = write(tmp_path / "a.tif", noise(), transform=None, gcps=points)
    assert "not lie on a map" in refused(path)


@pytest.mark.filterwarnings("ignore", category=NotGeoreferencedWarning)
def test_a_tiff_that_is_no_geotiff_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    write(path, noise(), crs=None, transform=None)
    (tmp_path / "a.tfw").write_text("10\n0\n0\n-10\n300005\n4199995\n")
    assert "not lie on a map" in refused(path)


def test_a_tile_too_large_to_read_is_refused(tmp_path):
    grid = AffineGrid(32651, GRID.transform, (16, 2**20 + 16))
    options = {"blockxsize": 2**20 + 16, "blockysize": 32, "sparse_ok": True}
    path = tmp_path / "a.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        dtype="uint8",
        height=16,
        width=2**20 + 16,
        crs="EPSG:32651",
        transform=Affine(*grid.transform),
        tiled=True,
        **options,
    ):
        pass
    with pytest.raises(RefusedScene, match="too large"):
        TiffReader(str(path), grid).read(Window(0, 1, 0, 1))


# -- what lies beside a file, or hides behind its name


def test_no_other_driver_opens_a_file(tmp_path, tiff):
    path = tmp_path / "vv.tif"
    path.write_text(
        '<VRTDataset rasterXSize="300" rasterYSize="200"><SRS>EPSG:32651</SRS>'
        "<GeoTransform>300000, 10, 0, 4200000, 0, -10</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        f"<SourceFilename>{tiff[0]}</SourceFilename><SourceBand>1</SourceBand>"
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with rasterio.open(path) as bait:
        assert bait.driver == "VRT"
        np.testing.assert_array_equal(bait.read(1), tiff[1])
    assert "not a GeoTIFF" in refused(path)


def test_what_lies_beside_a_file_does_not_matter(tmp_path):
    pixels = noise()
    path = write(tmp_path / "vv.tif", pixels)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.average)
    write(tmp_path / "vv.tif.msk", np.zeros(SHAPE, np.uint8))
    (tmp_path / "vv.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32652</SRS><GeoTransform>0, 20, 0, 0, 0, -20</GeoTransform>"
        '<PAMRasterBand band="1"><NoDataValue>7</NoDataValue><Offset>5</Offset><Scale>2</Scale>'
        "</PAMRasterBand></PAMDataset>"
    )
    with rasterio.open(path) as bait:
        assert (bait.crs.to_epsg(), bait.res, bait.nodata) == (32652, (20, 20), 7)
        assert len(bait.files) == 4
    np.testing.assert_array_equal(TiffReader(path, GRID).read(GRID.full), pixels)


# -- the network


class Files(ThreadingHTTPServer):
    """A server of one file; `status` is what it answers instead, from `broken_from` bytes on."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), FileHandler)
        self.content = content
        self.status = 200
        self.broken_from = 0
        self.requests = 0

    def path(self, name):
        return f"/vsicurl/http://127.0.0.1:{self.server_address[1]}/{name}?sig=secret"


class FileHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self):
        server = self.server
        server.requests += 1
        span = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = map(int, span.groups()) if span else (0, len(server.content) - 1)
        part = server.content[first : last + 1]
        status = 206 if span else 200
        if server.status != 200 and last >= server.broken_from:
            status, part = server.status, b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(part)))
        if status == 206:
            place = f"bytes {first}-{first + len(part) - 1}/{len(server.content)}"
            self.send_header("Content-Range", place)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    def log_message(self, *args):
        pass

    do_GET = do_HEAD = respond  # noqa: N815


@pytest.fixture
def files(tiff, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", 0)
    monkeypatch.setattr(reader, "WAITS", (0.0,))
    with Files(Path(tiff[0]).read_bytes()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_remote_file(tiff, files):
    reader = TiffReader(files.path("vv.tif"), GRID)
    np.testing.assert_array_equal(reader.read(Window(3, 99, 5, 88)), tiff[1][3:99, 5:88])
    assert 0 < files.requests <= 4


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_remote_file_that_comes_back_is_read_by_the_same_process(tiff, files, status):
    """GDAL itself would go on saying that it is not there."""
    path = files.path(f"{status}/vv.tif")
    reader = TiffReader(path, GRID)
    files.status = status
    assert failed(path) == f"vv.tif could not be read: the server answered {status}."
    assert failed(path) == f"vv.tif could not be read: the server answered {status}."
    files.status = 200
    np.testing.assert_array_equal(reader.read(GRID.full), tiff[1])


def test_a_remote_file_that_breaks_off_is_read_later(tiff, files):
    reader = TiffReader(files.path("vv.tif"), GRID)
    files.status, files.broken_from = 404, 50_000
    with pytest.raises(FailedScene, match=r"^vv\.tif could not be read: the .*\.$"):
        reader.read(GRID.full)
    files.status = 200
    np.testing.assert_array_equal(reader.read(GRID.full), tiff[1])


def test_a_remote_file_that_is_none_fails(files):
    files.content = b"<html>Please sign in</html>" * 1000
    assert "is not a GeoTIFF" in failed(files.path("login/vv.tif"))


def test_a_remote_file_on_another_grid_is_refused(files):
    shifted = AffineGrid(32651, (10, 0, 300010, 0, -10, 4200000), SHAPE)
    assert "lies up to 1 pixels" in refused(files.path("vv.tif"), shifted)


def test_a_server_that_is_not_there(files):
    path = files.path("vv.tif")
    files.server_close()
    assert failed(path) == "vv.tif could not be read: the server cannot be reached."


@pytest.mark.parametrize(
    "words",
    [
        "AWS_SECRET_ACCESS_KEY and AWS_NO_SIGN_REQUEST configuration options not defined, and"
        " /home/me/.aws/credentials not filled",
        "AWS_ACCESS_KEY_ID configuration option not defined",
        "Cannot retrieve credentials for source profile me",
    ],
)
def test_a_bucket_that_wants_credentials(monkeypatch, tmp_path, words):
    """GDAL's words, without GDAL: there are files, but no keys in them.

    No scene of the bucket can be read, so the run ends.
    """
    (tmp_path / "credentials").write_text("[other]\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    def refuse(*args, **options):
        raise RasterioIOError(words)

    monkeypatch.setattr(rasterio, "open", refuse)
    with pytest.raises(ConfigError, match=r"^GDAL finds no AWS keys .*: B08\.tif wants some\.$"):
        TiffReader("/vsis3/cogs/a/B08.tif", GRID, Bucket("cogs").access).read(GRID.full)


def test_a_name_may_hold_the_words_for_missing_keys(files, monkeypatch):
    """What is no TIFF fails alone, and the other scenes of the bucket go on."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "Key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "Secret")
    files.content = b"<html>Please sign in</html>" * 1000
    host = f"127.0.0.1:{files.server_address[1]}"
    access = Bucket("cogs", "eu-1", host, https=False, virtual_hosting=False).access
    for name in ("LAWS_1.tif", "AWS_ACCESS_KEY_ID configuration option.tif"):
        with pytest.raises(FailedScene, match=r"what the server sent is not a GeoTIFF\.$"):
            TiffReader(f"/vsis3/cogs/{name}", GRID, access).read(GRID.full)
