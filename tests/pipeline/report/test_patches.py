"""Chips: the scene's own pixels, at the place they are said to be, by the grid alone."""

import io

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from made.grids import BentGrid
from westsea.report.patches import MapChip, data_uri, read_chip
from westsea_catalog.grid import GEOD, AffineGrid, Window
from westsea_catalog.pictures import encode

GRID = AffineGrid(32651, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_100_000.0), (400, 500))


BENT = BentGrid(GRID, lambda col: 0.2 * col + 1e-4 * col**2)


@pytest.mark.parametrize("grid", [GRID, BENT])
@given(row=st.integers(60, 300), col=st.integers(60, 400), reach=st.integers(80, 500))
def test_a_chip_shows_what_the_grid_has_there(grid, row, col, reach):
    rng = np.random.default_rng(1)
    pixels = rng.random(grid.shape)
    lon, lat = (float(each) for each in grid.lonlat(row, col))
    place = MapChip.around(grid, lon, lat, float(reach))
    asked = []

    def read(window):
        asked.append(window)
        return pixels[window.row0 : window.row1, window.col0 : window.col1]

    chip = read_chip(grid, place, read)
    assert chip.shape == (place.size, place.size)
    assert abs(place.pixel_m - 10.0) < 1.0
    [window] = asked
    assert window.intersection(grid.full) == window
    at_row, at_col = np.rint(grid.pixel(*place.lonlat())).astype(int)
    seen = (at_row >= 0) & (at_row < grid.shape[0]) & (at_col >= 0) & (at_col < grid.shape[1])
    assert np.array_equal(chip[seen], pixels[at_row[seen], at_col[seen]])
    assert np.isnan(chip[~seen]).all()


def test_a_chip_is_north_up_and_its_bounds_are_its_sides():
    lon, lat = (float(each) for each in GRID.lonlat(200, 250))
    place = MapChip.around(GRID, lon, lat, 300.0)
    west, south, east, north = place.bounds
    lons, lats = place.lonlat()
    assert lats[0, 0] > lats[-1, 0]
    assert lons[0, 0] < lons[0, -1]
    half = (east - west) / place.size / 2
    assert lons[0, 0] == pytest.approx(west + half, abs=1e-9)
    assert lats[0, 0] == pytest.approx(north - (north - south) / place.size / 2, abs=1e-9)
    _, _, width = GEOD.inv(west, lat, east, lat)
    _, _, height = GEOD.inv(lon, south, lon, north)
    assert (width, height) == pytest.approx((600.0, 600.0), rel=5e-3)
    assert place.metres(*place.degrees(120.0, -50.0)) == pytest.approx((120.0, -50.0))


def test_beyond_the_scene_there_is_nothing_and_nothing_is_read():
    place = MapChip(0.0, 0.0, 300.0, 60)

    def read(window: Window):
        raise AssertionError(window)

    assert np.isnan(read_chip(GRID, place, read)).all()


def test_images_are_files_of_their_kind():
    image = np.random.default_rng(2).integers(0, 255, (40, 50, 3), np.uint8)
    data = encode(image, "PNG")
    assert data.startswith(b"\x89PNG")
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(io.BytesIO(data)) as file,
    ):
        assert np.array_equal(np.moveaxis(file.read(), 0, -1), image)
    assert encode(image, "WEBP")[8:12] == b"WEBP"
    assert data_uri(image).startswith("data:image/webp;base64,UklGR")
