"""The cube is the files' own pixels, lazy, and an ordinary xarray object on its own map."""

import math
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401 - registers the accessor .rio
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea_catalog.cube import CubeReader, cube
from westsea_catalog.errors import FailedScene, RefusedScene, UsageError
from westsea_catalog.grid import AffineGrid
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import profile_for
from westsea_catalog.reader import TiffReader
from westsea_catalog.scene import Asset, Scene
from westsea_catalog.search import items_from, root_of

REAL = Path(__file__).resolve().parents[3] / "shared/data/real"
BUSAN = "sentinel-2-l2a/S2_MSIL2A_20220514_busan/S2_MSIL2A_20220514_busan.json"

SHAPE = (133, 217)
UTM = AffineGrid(32651, (10.0, 0.0, 300000.0, 0.0, -10.0, 4200000.0), SHAPE)
# As the real Sentinel-2 scenes are: pixels not of 10 m, and not quite square.
MERCATOR = AffineGrid(
    3857, (10.00401128, 0.0, 14362154.499737326, 0.0, -10.00567591, 4181755.1061042207), SHAPE
)
GRIDS = {"utm": UTM, "mercator": MERCATOR}


def pixels_of(shape, dtype, nodata, seed=0):
    """Noise with a margin and single pixels of no data, and the values that look like it."""
    pixels = (np.random.default_rng(seed).random(shape) * 200 + 1).astype(dtype)
    pixels[: shape[0] // 4], pixels[-2, 7] = nodata, nodata
    if dtype == "float32":
        # Not its neighbours: GDAL masks what differs from no data by 2 ulp or less.
        pixels[-1, :3] = 0, -32768, np.nan
    return pixels


def write(path, pixels, grid, nodata):
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        height=grid.shape[0],
        width=grid.shape[1],
        dtype=pixels.dtype.name,
        crs=f"EPSG:{grid.epsg}",
        transform=Affine(*grid.transform),
        nodata=nodata,
        tiled=True,
        blockxsize=64,
        blockysize=64,
    ) as dataset:
        dataset.write(pixels, 1)


def make_scene(folder, grid=UTM, dtype="float32", nodata=math.nan, bands=("VV", "VH"), extras=()):
    """A scene whose files are written; extras are names and factors."""
    assets = []
    for seed, (name, factor) in enumerate([*((band, 1) for band in bands), *extras]):
        own = grid.coarsened(factor)
        path = folder / f"{name}.tif"
        write(path, pixels_of(own.shape, dtype, nodata, seed), own, nodata)
        assets.append(Asset(name.lower(), f"./{name}.tif", factor, name, str(path)))
    return Scene(
        id="S1A_20171019",
        collection="sentinel-1-rtc",
        profile="custom",
        sensor="sar",
        datetime=datetime(2017, 10, 19, 9, 31, 40, 436706, tzinfo=UTC),
        platform="sentinel-1a",
        orbit_state="ascending",
        grid=grid,
        bands=tuple(assets[: len(bands)]),
        extras=tuple(assets[len(bands) :]),
        nodata=nodata,
    )


def by_rasterio(asset):
    """(rows, cols) float32 as rasterio itself masks it."""
    with rasterio.open(asset.source) as dataset:
        return dataset.read(1, masked=True).astype(np.float32).filled(np.nan)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    return make_scene(folder, extras=(("B03", 1), ("B11", 2), ("B01", 6)))


# -- pixels


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [
        ("float32", math.nan),
        ("float32", 0.0),
        ("float32", -32768.0),
        ("float32", float(np.finfo("float32").min)),
        ("uint16", 0.0),
        ("uint16", 65535.0),
        ("int16", -32768.0),
        ("uint8", 0.0),
    ],
)
def test_pixels_are_rasterios(tmp_path, grid, dtype, nodata):
    scene = make_scene(tmp_path, GRIDS[grid], dtype, nodata)
    found = cube(scene, chunks=50)
    assert found.dtype == np.float32
    assert found.dims == ("time", "band", "y", "x")
    assert found.shape == (1, 2, *SHAPE)
    for place, asset in enumerate(scene.bands):
        expected = by_rasterio(asset)
        assert np.isnan(expected).sum() > 33 * SHAPE[1]
        np.testing.assert_array_equal(found.values[0, place], expected)


def test_the_scene_says_what_no_data_is_not_the_file(tmp_path):
    scene = make_scene(tmp_path, dtype="uint16", nodata=0.0)
    seven = cube(replace(scene, nodata=7.0)).values
    assert (seven == 0).any()
    assert not (seven == 7).any()
    # A value that no pixel can have means that all of them are data.
    for nodata in (math.nan, -32768.0, 0.5, 1e39, -1e300, math.inf):
        assert not np.isnan(cube(replace(scene, nodata=nodata)).values).any()


@settings(max_examples=25, deadline=None)
@given(
    st.one_of(st.integers(1, 300), st.tuples(st.integers(1, 300), st.integers(1, 300))).filter(
        lambda chunks: isinstance(chunks, tuple) or chunks > 4
    ),
)
def test_chunks_never_change_a_pixel(scene, chunks):
    if isinstance(chunks, tuple) and chunks[0] * chunks[1] < 200:
        chunks = (chunks[0] + 15, chunks[1] + 15)  # or there are thousands of them
    found = cube(scene, chunks=chunks, bands=["VH", "B11"])
    rows, cols = chunks if isinstance(chunks, tuple) else (chunks, SHAPE[1])
    assert found.chunks[2][0] == min(rows, SHAPE[0])
    assert found.chunks[3][0] == min(cols, SHAPE[1])
    whole = cube(scene, bands=["VH", "B11"]).values
    np.testing.assert_array_equal(found.compute(scheduler="synchronous").values, whole)


def test_a_slice_is_a_window_of_the_file(scene):
    found = cube(scene, chunks=32)[0, 1, 37:101, 5:6]
    np.testing.assert_array_equal(found.values, by_rasterio(scene.bands[1])[37:101, 5:6])


def test_extras_by_name_in_the_order_asked_for(scene):
    found = cube(scene, chunks=(40, 70), bands=["B11", "VV", "B03", "B01"])
    assert list(found.band.values) == ["B11", "VV", "B03", "B01"]
    factors = {"B11": 2, "VV": 1, "B03": 1, "B01": 6}
    for asset in (*scene.bands, *scene.extras):
        if asset.name not in factors:
            continue
        factor = factors[asset.name]
        expected = by_rasterio(asset).repeat(factor, axis=0).repeat(factor, axis=1)
        values = found.sel(band=asset.name).values[0]
        np.testing.assert_array_equal(values, expected[: SHAPE[0], : SHAPE[1]])


def test_a_coarser_band_lies_where_its_file_does(scene):
    """Without a shift: what the cube has at a place is what the file has there."""
    asset = scene.extras[1]
    found = cube(scene, bands=["B11"])[0, 0]
    with rasterio.open(asset.source) as file:
        places = [(float(x), float(y)) for x in found.x[60:70] for y in found.y[60:70]]
        expected = [value[0] for value in file.sample(places)]
    np.testing.assert_array_equal(found[60:70, 60:70].values.T.ravel(), expected)


# -- names and places


def test_what_the_cube_says_of_itself(scene):
    found = cube(scene)
    assert found.name == "S1A_20171019"
    assert found.time.values == np.array(["2017-10-19T09:31:40.436706"], "datetime64[ns]")
    assert list(found.id.values) == ["S1A_20171019"]
    assert list(found.band.values) == ["VV", "VH"]
    assert set(found.coords) == {"time", "id", "band", "y", "x", "spatial_ref"}
    described = {key: value for key, value in found.attrs.items() if key != "_FillValue"}
    assert described == {
        "collection": "sentinel-1-rtc",
        "platform": "sentinel-1a",
        "orbit_state": "ascending",
    }
    assert found.chunks == ((1,), (1, 1), (133,), (217,))


@pytest.mark.parametrize("grid", GRIDS)
def test_the_cube_lies_where_its_file_does(tmp_path, grid):
    scene = make_scene(tmp_path, GRIDS[grid])
    found = cube(scene)
    with rasterio.open(scene.bands[0].source) as file:
        assert found.rio.crs == file.crs
        assert found.rio.transform() == file.transform
        assert found.rio.bounds() == pytest.approx(tuple(file.bounds), rel=1e-12)
        x, _ = file.xy(np.zeros(SHAPE[1]), np.arange(SHAPE[1]))
        _, y = file.xy(np.arange(SHAPE[0]), np.zeros(SHAPE[0]))
    # A thousandth of a millimetre.
    np.testing.assert_allclose(found.x, x, atol=1e-6, rtol=0)
    np.testing.assert_allclose(found.y, y, atol=1e-6, rtol=0)


def test_a_slice_lies_where_it_did(scene):
    part = cube(scene)[..., 30:90, 20:50]
    expected = Affine(10, 0, 300200, 0, -10, 4199700)
    assert tuple(part.rio.transform()) == pytest.approx(tuple(expected))
    assert tuple(part.rio.transform(recalc=True)) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(("grid", "other"), [("utm", 4326), ("mercator", 32652)])
def test_the_cube_can_be_reprojected(tmp_path, grid, other):
    scene = make_scene(tmp_path, GRIDS[grid])
    found = cube(scene)[0]
    there = found.rio.reproject(other)
    assert there.rio.crs.to_epsg() == other
    values = there.values
    # What no pixel reaches is NaN, not -3.4e38.
    assert np.nanmin(values) >= -32768
    assert 0.5 < np.isfinite(values).mean() < 1
    back = there.rio.reproject_match(found[:, 60:90, 60:90])
    assert np.isfinite(back.values).all()
    assert back.values.mean() == pytest.approx(found.values[:, 60:90, 60:90].mean(), rel=0.02)


def test_the_cube_can_be_written_and_read_by_gdal(tmp_path, scene):
    cube(scene)[0].rio.to_raster(tmp_path / "out.tif")
    with rasterio.open(tmp_path / "out.tif") as file:
        assert file.transform == Affine(*UTM.transform)
        assert file.crs.to_epsg() == 32651
        assert math.isnan(file.nodata)
        np.testing.assert_array_equal(file.read(), cube(scene).values[0])


# -- laziness, processes


def test_no_file_is_opened_before_it_is_computed(tmp_path):
    scene = make_scene(tmp_path)
    for asset in scene.bands:
        Path(asset.source).unlink()
    lazy = cube(scene) * 2
    assert isinstance(lazy, xr.DataArray)
    with pytest.raises(FailedScene, match=r"^V[VH]\.tif could not be read: No such file"):
        lazy.compute()
    again = make_scene(tmp_path)
    np.testing.assert_array_equal(lazy.values[0, 0], 2 * by_rasterio(again.bands[0]))


def test_a_remote_scene_makes_a_cube_without_the_network(scene):
    vv = Asset("vv", "https://a.example/vv.tif", 1, "VV", "/vsicurl/https://a.example/vv.tif")
    assert cube(replace(scene, bands=(vv,))).shape == (1, 1, *SHAPE)


def test_a_damaged_file_is_an_error_never_nodata(tmp_path):
    scene = make_scene(tmp_path)
    content = Path(scene.bands[1].source).read_bytes()
    Path(scene.bands[1].source).write_bytes(content[: len(content) // 2])
    found = cube(scene)
    with pytest.raises(RefusedScene, match=r"^VH\.tif is damaged"):
        found.compute()
    np.testing.assert_array_equal(found[0, 0].values, by_rasterio(scene.bands[0]))


def test_a_file_on_another_grid_is_refused_not_warped(scene):
    shifted = replace(UTM, transform=(10.0, 0.0, 300010.0, 0.0, -10.0, 4200000.0))
    with pytest.raises(RefusedScene, match="lies up to 1 pixels"):
        cube(replace(scene, grid=shifted)).compute()


def test_other_processes_compute_it(scene):
    found = cube(scene, chunks=64, bands=["VV", "B11"])
    there = found.compute(scheduler="processes", num_workers=1)
    np.testing.assert_array_equal(there.values, found.values)


def test_the_cube_and_its_reader_can_be_pickled(scene):
    found = cube(scene, chunks=64)
    found[..., :10, :10].compute()
    again = pickle.loads(pickle.dumps(found))
    xr.testing.assert_identical(again.compute(), found.compute())
    reader = CubeReader(TiffReader(scene.bands[0].source, UTM), 1, 0.0)
    reader.read(rasterio.windows.Window(0, 0, 5, 5))
    assert pickle.loads(pickle.dumps(reader)) == reader


def test_the_graph_is_the_same_for_the_same_scene_alone(scene):
    assert cube(scene).data.name == cube(scene).data.name
    other = [replace(scene, nodata=0.0), replace(scene, bands=scene.bands[::-1])]
    assert len({cube(one).data.name for one in (scene, *other)}) == 3


def test_the_raw_item_is_not_needed_nor_carried(scene):
    marked = replace(scene, item={"links": ["a text that no graph needs"]})
    assert b"no graph needs" not in pickle.dumps(cube(marked))


# -- requests that make no sense


@pytest.mark.parametrize("bands", [["B99"], [], "VV", ["VV", "vh"], ["\x1b[2J" * 1000]])
def test_bands_that_are_not_there(scene, bands):
    with pytest.raises(UsageError) as caught:
        cube(scene, bands=bands)
    message = str(caught.value)
    assert "B01, B03, B11, VH, VV" in message
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("chunks", [0, -1, (0, 10), (10, -1)])
def test_chunks_that_are_none(scene, chunks):
    with pytest.raises(UsageError, match="Chunks have"):
        cube(scene, chunks=chunks)


# -- real pixels


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there")
@pytest.mark.parametrize("chunks", [1024, 500, (512, 512)])
def test_busan_is_rasterios(chunks):
    item = items_from(str(REAL / BUSAN))[0]
    catalog = str(REAL / "catalog.json")
    scene = scene_from_item(item, profile_for(catalog), root_of(catalog))
    found = cube(scene, chunks=chunks, bands=["B08", "B11"])
    assert found.shape == (1, 2, 699, 1042)
    for place, asset in enumerate((scene.bands[0], scene.extras[-1])):
        assert asset.name == found.band.values[place]
        np.testing.assert_array_equal(found.values[0, place], by_rasterio(asset))
    with rasterio.open(scene.bands[0].source) as file:
        assert found.rio.transform() == file.transform
        assert found.rio.crs == file.crs
