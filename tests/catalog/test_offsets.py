"""Sentinel-2's zero: what each item says of it, and digital numbers with it taken off."""

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from westsea_catalog.cube import cube
from westsea_catalog.errors import RefusedScene
from westsea_catalog.items import scene_from_item
from westsea_catalog.offsets import add_offset, offset_of
from westsea_catalog.profiles import PROFILES, profile_for
from westsea_catalog.reader import open_reader

ANY = profile_for("items.json")


def item(asset=None, name="S2A_51SUB", **properties):
    found = {key.replace("__", ":"): value for key, value in properties.items()}
    return {"id": name, "properties": found, "assets": {"B08": asset or {}}}


def stated(offset, scale=0.0001):
    return {"raster:bands": [{"nodata": 0, "scale": scale, "offset": offset}]}


NAME = "S2B_MSIL2A_20250302T095029_N0511_R079_T33UXP_20250302T104753"


@pytest.mark.parametrize(
    ("found", "offset"),
    [
        # Planetary Computer: nothing but the baseline.
        (item(s2__processing_baseline="04.00"), -1000),
        (item(s2__processing_baseline="05.11"), -1000),
        (item(s2__processing_baseline="03.01"), 0),
        (item(s2__processing_baseline="02.12"), 0),
        # CDSE, and names.
        (item(processing__version="05.11"), -1000),
        (item(name=NAME), -1000),
        (item(name=NAME.replace("N0511", "N0301")), 0),
        (item(name=NAME.replace("L2A", "L1C")), -1000),
        (item(s2__product_uri=f"{NAME}.SAFE"), -1000),
        (item(sentinel__product_id=NAME.replace("N0511", "N0214")), 0),
        # Sensing dates say nothing: Collection 1 is of all years.
        (item(name=NAME.replace("2025", "2018").replace("N0511", "N0500")), -1000),
        # Earth Search: the flag before the offset beside it, the offset before the baseline.
        (item(stated(-0.1), s2__processing_baseline="05.09"), -1000),
        (item(stated(-0.1), earthsearch__boa_offset_applied=False), -1000),
        (item(stated(-0.1), earthsearch__boa_offset_applied=True), 0),
        (item(stated(-0.1), sentinel__boa_offset_applied=True), 0),
        (item(s2__processing_baseline="04.00", earthsearch__boa_offset_applied=True), 0),
        (item(s2__processing_baseline="04.00", earthsearch__boa_offset_applied="true"), -1000),
        (item(stated(0), s2__processing_baseline="05.09"), 0),
        (item(stated(-1000, 1)), -1000),
        (item({"bands": [{"raster:scale": 0.0001, "raster:offset": -0.1}]}), -1000),
        (item({"raster:scale": 0.0001, "raster:offset": -0.1}), -1000),
        (item({"raster:bands": [{"scale": 0.0001}]}, s2__processing_baseline="05.09"), -1000),
        # Nothing that says anything.
        (item(), 0),
        (item(s2__processing_baseline="99.99"), 0),
        (item(s2__processing_baseline=5.09), 0),
        (item(s2__processing_baseline="new"), 0),
        (item({"raster:bands": []}), 0),
    ],
)
def test_what_items_say(found, offset):
    assert offset_of(found["assets"]["B08"], found) == offset


@pytest.mark.parametrize(
    "asset",
    [stated(-0.05), stated(0.1), stated(-0.1, 0), stated("x"), stated(-0.1, None), stated(True)],
)
def test_offsets_that_sentinel_2_does_not_have(asset):
    with pytest.raises(RefusedScene, match="has an offset"):
        offset_of(asset, item(asset))


@given(arrays(np.uint16, (7, 5)), st.sampled_from([0.0, 65535.0, -32768.0, 12.0]))
def test_pixels(pixels, nodata):
    truth = np.maximum(pixels.astype(int) - 1000, 1)
    truth[(pixels == nodata) | (pixels == 65535)] = pixels[(pixels == nodata) | (pixels == 65535)]
    add_offset(pixels, -1000, nodata)
    np.testing.assert_array_equal(pixels, truth)


def test_pixels_of_floats_and_of_part_of_an_array():
    whole = np.array([[np.nan, 0.0, 1.0, 1000.0], [1001.0, 1500.5, 65535.0, -5.0]], np.float32)
    part = whole[:, 1:]
    add_offset(part, -1000, np.nan)
    np.testing.assert_array_equal(whole[:, 0], np.array([np.nan, 1001.0], np.float32))
    np.testing.assert_array_equal(part, np.array([[1, 1, 1], [500.5, 65535, 1]], np.float32))


SHAPE = (60, 40)
RAW = np.random.default_rng(5).integers(0, 6000, SHAPE, np.uint16)
RAW[:3], RAW[5, :9] = 0, 65535


def write(path, pixels, size=10.0, **options):
    with rasterio.open(
        path,
        "w",
        driver="GTiff" if path.suffix == ".tif" else "JP2OpenJPEG",
        dtype=pixels.dtype,
        count=1,
        height=pixels.shape[0],
        width=pixels.shape[1],
        crs="EPSG:32651",
        transform=rasterio.Affine(size, 0, 300000.0, 0, -size, 4200000.0),
        **options,
    ) as file:
        file.write(pixels, 1)


def scene_of(folder, suffix=".tif", collection="sentinel-2-l2a", profile=ANY, keys=None, **props):
    """A scene of B08, B03, B11 at 20 m and SCL at 20 m, drawn into files."""
    options = {} if suffix == ".tif" else {"QUALITY": 100, "REVERSIBLE": "YES"}
    coarse = RAW[:30, :20].copy()
    coarse[0] = np.arange(20) * 100 + 1000
    classes = np.random.default_rng(6).integers(0, 12, coarse.shape, np.uint8)
    keys = keys or {"B08": "B08", "B03": "B03", "B11": "B11", "SCL": "SCL"}
    bands = {"B08": (RAW, 10), "B03": (RAW[::-1], 10), "B11": (coarse, 20), "SCL": (classes, 20)}
    assets = {}
    for band, key in keys.items():
        pixels, size = bands[band]
        write(folder / f"{band}{suffix}", pixels, float(size), **options)
        assets[key] = {
            "href": str(folder / f"{band}{suffix}"),
            "proj:shape": list(pixels.shape),
            "proj:transform": [size, 0, 300000, 0, -size, 4200000],
        }
    properties = {"datetime": "2024-01-01T00:00:00Z", "proj:epsg": 32651, **props}
    found = {"id": "a", "collection": collection, "properties": properties, "assets": assets}
    return scene_from_item(found, profile, folder), {"B08": RAW, "B11": coarse, "SCL": classes}


def corrected(pixels):
    out = np.maximum(pixels.astype(np.float32) - 1000, 1)
    out[pixels == 65535] = 65535
    out[pixels == 0] = np.nan
    return out


def test_the_cube_has_its_zero_at_no_reflectance(tmp_path):
    scene, raw = scene_of(tmp_path, **{"s2:processing_baseline": "05.10"})
    assert {a.name: a.offset for a in (*scene.bands, *scene.extras)} == {
        "B08": -1000,
        "B03": -1000,
        "B11": -1000,
        "SCL": 0,
    }
    found = cube(scene, bands=["B08", "B11", "SCL"], chunks=(32, 16)).compute()
    np.testing.assert_array_equal(found.sel(band="B08")[0], corrected(raw["B08"]))
    # Each pixel of 20 m fills the four of 10 m that it covers, from the first on.
    spread = corrected(raw["B11"]).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(found.sel(band="B11")[0], spread)
    classes = raw["SCL"].astype(np.float32).repeat(2, axis=0).repeat(2, axis=1)
    classes[classes == 0] = np.nan
    np.testing.assert_array_equal(found.sel(band="SCL")[0], classes)


def test_pixels_without_an_offset_are_those_of_the_file(tmp_path):
    scene, raw = scene_of(tmp_path, **{"s2:processing_baseline": "03.01"})
    found = open_reader(scene, scene.bands[0]).read(scene.grid.full)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, raw["B08"])


def test_an_offset_that_the_file_cannot_hold(tmp_path):
    scene, _ = scene_of(tmp_path, **{"s2:processing_baseline": "05.10"})
    write(tmp_path / "B08.tif", (RAW // 256).astype(np.uint8))
    with pytest.raises(RefusedScene, match=r"^B08\.tif has pixels of 8 bits, .* 1000 are added"):
        open_reader(scene, scene.bands[0]).read(scene.grid.full)


def test_reading_into_an_array(tmp_path):
    scene, raw = scene_of(tmp_path, **{"s2:processing_baseline": "05.10"})
    reader = open_reader(scene, scene.bands[0])
    out = np.empty(SHAPE, np.float32)
    assert reader.read(scene.grid.full, out) is out
    np.testing.assert_array_equal(out, np.nan_to_num(corrected(raw["B08"])))


CDSE_KEYS = {"B08": "B08_10m", "B03": "B03_10m", "B11": "B11_20m", "SCL": "SCL_20m"}


def test_jpeg_2000_where_the_profile_says_so(tmp_path):
    cdse = PROFILES["cdse"]
    scene, raw = scene_of(
        tmp_path, ".jp2", profile=cdse, keys=CDSE_KEYS, **{"processing:version": "05.11"}
    )
    assert {asset.driver for asset in (*scene.bands, *scene.extras)} == {"JP2OpenJPEG"}
    found = cube(scene, bands=["B08", "B11"]).compute()
    np.testing.assert_array_equal(found.sel(band="B08")[0], corrected(raw["B08"]))
    spread = corrected(raw["B11"]).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(found.sel(band="B11")[0], spread)
    with pytest.raises(RefusedScene, match="JPEG 2000; westsea reads GeoTIFF"):
        scene_of(tmp_path, ".jp2")


def test_a_tiff_that_is_called_jpeg_2000(tmp_path):
    scene, _ = scene_of(tmp_path, ".jp2", profile=PROFILES["cdse"], keys=CDSE_KEYS)
    (tmp_path / "B08.jp2").write_bytes(b"II*\0 not at all")
    with pytest.raises(RefusedScene, match="is not a JPEG 2000 file, or a damaged one"):
        open_reader(scene, scene.bands[0]).read(scene.grid.full)


@pytest.mark.parametrize(
    "keys",
    [
        {"B08": "B08", "B03": "B03", "B11": "B11"},
        {"B08": "nir", "B03": "green", "B11": "swir16"},
        {"B08": "B8", "B03": "B3"},
    ],
)
def test_level_1c(tmp_path, keys):
    """Everybody has it as JPEG 2000, and nobody a classification."""
    scene, raw = scene_of(
        tmp_path, ".jp2", "sentinel-2-l1c", keys=keys, **{"s2:processing_baseline": "05.09"}
    )
    assert [band.name for band in scene.bands] == ["B08"]
    assert scene.bands[0].offset == -1000
    found = cube(scene).compute()[0, 0]
    np.testing.assert_array_equal(found, corrected(raw["B08"]))
