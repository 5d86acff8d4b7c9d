"""The simulated twins: one sea, two geometries."""

import numpy as np
import pytest
import rasterio

from westsea_catalog.archive.curved import BEND_PX, CurvedFrame
from westsea_catalog.archive.frame import Frame
from westsea_catalog.archive.grd import make_twins
from westsea_catalog.grid import GEOD
from westsea_catalog.radar.located import located
from westsea_catalog.reader import open_reader


@pytest.fixture(params=[0, 1], ids=["descending", "ascending"])
def pair(request, twins, twin_scenes, grd_items, planned):
    """The scene as it was made, GRD's power and grid, the map's gamma0."""
    made = twin_scenes[request.param]
    scene = located(planned(grd_items[request.param]))
    power = open_reader(scene, scene.bands[0]).read(scene.grid.full)
    with rasterio.open(twins.parent / "sentinel-1-rtc" / made.id / "vv.tif") as file:
        return made, scene, power, file.read(1)


def test_they_show_the_same(pair):
    """Each pixel of the map is the radar's there, but for speckle's last pixel of smoothing."""
    made, scene, power, image = pair
    rows, cols = np.mgrid[: image.shape[0], : image.shape[1]]
    row, col = scene.grid.pixel(*made.grid.lonlat(rows, cols))
    near = power[np.rint(row).astype(int), np.rint(col).astype(int)]
    both = (near > 0) & (image > 0)
    assert both.mean() > 0.5
    decibels = [10 * np.log10(each[both]) for each in (near, image)]
    assert np.corrcoef(*decibels)[0, 1] > 0.85
    ships = both & (image > 1.0)
    assert ships.sum() > 20
    assert abs(np.median(10 * np.log10(near[ships] / image[ships]))) < 1.0


def test_lines_are_bent(pair):
    """No plane goes through the places; GEOD's metres say by how much."""
    made, scene, _, _ = pair
    rows, cols = (np.linspace(0, side - 1, 12) for side in scene.grid.shape)
    row, col = (each.ravel() for each in np.meshgrid(rows, cols, indexing="ij"))
    lon, lat = scene.grid.lonlat(row, col)
    given = np.column_stack([np.ones_like(row), row, col])
    flat = [given @ np.linalg.lstsq(given, each, rcond=None)[0] for each in (lon, lat)]
    _, _, apart = GEOD.inv(lon, lat, *flat)
    assert apart.max() > 10
    frame, straight = (kind(made.grid, made.radar.heading_deg) for kind in (CurvedFrame, Frame))
    moved = np.subtract(frame.locate(100, 100), straight.locate(100, 100))
    assert 0.1 < np.hypot(*moved) < 2 * BEND_PX


def test_the_frame_goes_there_and_back(twin_scenes):
    frame = CurvedFrame(twin_scenes[0].grid, twin_scenes[0].radar.heading_deg)
    rng = np.random.default_rng(0)
    line, sample = (rng.uniform(0, side, 100) for side in frame.shape)
    np.testing.assert_allclose(
        frame.locate(*frame.scene_pixel(line, sample)), (line, sample), atol=1e-9
    )


def test_resampling_keeps_what_is_smooth(twin_scenes):
    """A wave of 200 m over the frame comes out on the map within a part in 300."""
    frame = CurvedFrame(twin_scenes[0].grid, twin_scenes[0].radar.heading_deg)
    lines, samples = np.ogrid[tuple(slice(n) for n in frame.shape)]

    def wave(line, sample):
        return 2 + np.sin(line / 3.2) * np.cos(sample / 3.2)

    image = wave(lines, samples).astype(np.float32)
    rows, cols = np.ogrid[tuple(slice(n) for n in frame.grid.shape)]
    expected = wave(*frame.locate(rows, cols))
    assert np.abs(frame.to_scene(image, -1.0) - expected).max() < 0.01
    inner = slice(40, -40)
    back = frame.from_scene(expected.astype(np.float32))
    row, col = frame.scene_pixel(lines, samples)
    inside = (row > 2) & (row < rows.max() - 2) & (col > 2) & (col < cols.max() - 2)
    assert np.abs(back - image)[inside].max() < 0.06
    assert inside[inner, inner].mean() > 0.5


def test_amplitudes_are_those_of_real_products(pair):
    """16 bits, a sea of some hundred, 0 for no data alone."""
    _, scene, power, _ = pair
    with rasterio.open(scene.bands[0].source) as file:
        numbers = file.read(1)
        assert len(file.gcps[0]) > 50
        assert file.crs is None
        assert file.transform == rasterio.Affine.identity()
    assert numbers.dtype == np.uint16
    assert 50 < np.median(numbers[numbers > 0]) < 500
    np.testing.assert_array_equal(numbers == 0, power == 0)


def test_the_same_seed_gives_the_same_bytes(twins, twin_scenes, tmp_path):
    again = make_twins(tmp_path, seed=5, scenes=twin_scenes[1:])
    files = [path for path in again.parent.rglob("*") if path.suffix in (".tiff", ".xml", ".tif")]
    assert len(files) == 5
    for path in files:
        assert path.read_bytes() == (twins.parent / path.relative_to(tmp_path)).read_bytes()


def test_speckle_is_not_resampled(pair):
    """ENL 4.4 in the radar's pixels, somewhat more once they were resampled."""
    _, _, power, image = pair
    looks = []
    for each in (power, image):
        blocks = each[: each.shape[0] // 8 * 8, : each.shape[1] // 8 * 8]
        blocks = blocks.reshape(blocks.shape[0] // 8, 8, -1, 8).swapaxes(1, 2)
        blocks = blocks.reshape(-1, 64).astype(float)
        blocks = blocks[(blocks > 0).all(axis=1)]
        looks.append(np.median(blocks.mean(axis=1) ** 2 / blocks.var(axis=1)))
    assert 3 < looks[0] < looks[1] < 6
