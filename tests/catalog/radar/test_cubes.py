"""Lazy cubes of lines and samples."""

import dask
import numpy as np
import pytest

from westsea_catalog.cube import cube
from westsea_catalog.errors import UsageError
from westsea_catalog.radar.located import located
from westsea_catalog.reader import open_reader


@pytest.mark.parametrize("chunks", [100, (128, 200)])
def test_pixels_are_the_readers(grd_items, planned, chunks):
    scene = planned(grd_items[0])
    found = cube(scene, chunks=chunks)
    assert found.dims == ("time", "band", "y", "x")
    assert found.dtype == np.float32
    assert dask.is_dask_collection(found)
    assert found.band.values.tolist() == ["VV", "VH"]
    here = located(scene)
    assert found.shape == (1, 2, *here.grid.shape)
    for place, band in enumerate(here.bands):
        power = open_reader(here, band).read(here.grid.full)
        np.testing.assert_array_equal(found.values[0, place], np.where(power == 0, np.nan, power))
    assert found.attrs["units"] == "gamma0"
    assert found.attrs["noise_removed"] == 1
    assert found.y.values[:3].tolist() == [0, 1, 2]


def test_beyond_the_swath_there_is_nothing(grd_items, planned):
    found = cube(planned(grd_items[1]), bands=["VV"])
    assert np.isnan(found[0, 0]).any()
    assert (found.values[np.isfinite(found.values)] > 0).all()


def test_places_are_the_grids(grd_items, planned):
    scene = planned(grd_items[0])
    assert "lon" not in cube(scene).coords
    found = cube(scene, chunks=(100, 150), lonlat=True)
    assert dask.is_dask_collection(found.lon)
    rows, cols = np.ogrid[: found.shape[2], : found.shape[3]]
    lon, lat = located(scene).grid.lonlat(rows, cols)
    np.testing.assert_array_equal(found.lon.values, lon)
    np.testing.assert_array_equal(found.lat.values, lat)


def test_it_can_be_warped(grd_items, planned, twin_scenes):
    """By its control points, to about where the map's twin has it."""
    made = twin_scenes[0]
    scene = planned(grd_items[0])
    found = cube(scene, bands=["VV"])[0, 0].rio.reproject("EPSG:32651", resolution=10)
    west, south, east, north = found.rio.bounds()
    assert west < made.grid.bounds[0] + 10
    assert south < made.grid.bounds[1] + 10
    assert east > made.grid.bounds[2] - 10
    assert north > made.grid.bounds[3] - 10


def test_bands_and_chunks_that_are_none(grd_items, planned):
    scene = planned(grd_items[1])
    with pytest.raises(UsageError, match="has the bands VV"):
        cube(scene, bands=["VH"])
    with pytest.raises(UsageError, match="Chunks have"):
        cube(scene, chunks=0)
