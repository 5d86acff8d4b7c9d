"""The tables are the same bytes however a scene is cut, carried and merged.

The scenes are COGs, their sides no multiples of anything, with what could go wrong: blobs on the
corners of chunks, larger than a block and longer than a chunk, land seen and masked, borders
without data and single pixels without.
"""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea.detection.judge import judge
from westsea.detection.summary import merge
from westsea.detector import Detector
from westsea.schema import Flag
from westsea.tables import count_rows
from westsea_catalog.archive.annotation import View, annotation_xml, calibration_xml, noise_xml
from westsea_catalog.archive.grd import amplitudes, write_measurement
from westsea_catalog.archive.sar import Pass
from westsea_catalog.coast import Coast
from westsea_catalog.grid import Window
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import profile_for
from westsea_catalog.radar.grids import guessed_grid
from westsea_catalog.radar.located import located
from westsea_catalog.region import Period, Region
from westsea_catalog.scene import Asset, Document
from westsea_catalog.search import root_of, search
from westsea_kernels.blocks import CELL

SHAPE = (1293, 2310)
START = datetime(2017, 10, 17, 21, 57, 4, tzinfo=UTC)
CORNERS = [(512, 640), (1024, 2048), (512, 2048), (1024, 128), (896, 384), (128, 1152)]
CARRY = ("bright", "none", "all")


def draw(image, bright, land, nodata):
    """Everything that could depend on how a scene is cut."""
    rng = np.random.default_rng(5)
    for row, col in rng.integers(4, np.array(SHAPE) - 14, (60, 2)):
        image[:, row : row + 3, col : col + 10] = bright
    for row, col in CORNERS:  # in four chunks, larger than a block
        image[:, row - 2 : row + 3, col - 20 : col + 17] = bright
        image[:, row - 9, col - 9] = image[:, row - 8, col - 8] = bright  # corner to corner
    image[:, 505:518, 1000:1012] = bright  # across an edge of rows
    image[:, 200:620, 300:302] = bright  # longer than a chunk of 384 rows
    image[:, :3, 800:812] = bright
    image[:, 1148:1151, 2180:2200] = bright  # at the diagonal where the data end
    image[:, 199:202, 1706:1716] = bright  # beside the coast
    away = np.hypot(*(np.indices(SHAPE) - np.array([1000, 1500])[:, None, None]))
    image[:, away < 140] *= land  # an island over six cells
    image[:, rng.random(SHAPE) < 1e-3] = nodata
    image[:, np.add(*np.indices(SHAPE)) > 3350] = nodata
    image[:, :, :70] = nodata


def coast_of(grid):
    """A triangle over cells and chunks, at the northern border."""
    lon, lat = grid.lonlat([-40.0, -40.0, 390.0], [1500.0, 2200.0, 1900.0])
    triangle = shapely.Polygon(list(zip(lon, lat, strict=True)))
    return Coast("test", "triangle", np.array([triangle], object))


def product(sim, image, folder):
    """The scene of VV and VH as a GRD product, found by its control points and annotation."""
    view = View(Pass(-12.0, incidence_deg=38.0), START, SHAPE, "S1A", 18858, "VV")
    row, col = np.meshgrid(view.lines, view.pixels, indexing="ij")
    scene = sim.lab(image).scene
    bent = 3e-6 * (row - SHAPE[0] / 2) * (col - SHAPE[1] / 2)
    lon, lat = scene.grid.lonlat(row + bent, col - bent)
    (folder / "annotation").mkdir()
    bands, documents = [], []
    noise = np.full(SHAPE[1], 1e-4), 1.0 + 0.1 * np.sin(np.arange(SHAPE[0]) / 200)
    for name, pixels in zip(("VV", "VH"), image, strict=True):
        own = replace(view, polarization=name)
        path = folder / f"{name}.tiff"
        write_measurement(path, amplitudes(pixels, own), own, lon, lat)
        bands.append(Asset(name.lower(), str(path), band=name))
        for kind, text in (
            ("annotation", annotation_xml(own, lon, lat)),
            ("calibration", calibration_xml(own)),
            ("noise", noise_xml(own, *noise)),
        ):
            path = folder / "annotation" / f"{kind}-{name}.xml"
            path.write_text(text)
            documents.append(Document(kind, name, str(path), str(path)))
    corners = np.column_stack(
        [lon[[0, 0, -1, -1], [0, -1, -1, 0]], lat[[0, 0, -1, -1], [0, -1, -1, 0]]]
    )
    guess = guessed_grid(shapely.Polygon(corners), "ascending", SHAPE, 10.0)
    planned = replace(
        scene, grid=guess, bands=tuple(bands), documents=tuple(documents), mode="IW", nodata=0.0
    )
    return located(planned)


@pytest.fixture(scope="module", params=["VV+VH", "VV", "B08", "GRD"])
def lab(request, sim, tmp_path_factory):
    if request.param == "GRD":
        image = sim.radar_sea(1, SHAPE, 2)
        draw(image, 10.0, 30.0, -32768.0)
        scene = product(sim, image, tmp_path_factory.mktemp("grd"))
        return sim.Lab(scene, coast_of(scene.grid), Detector())
    if request.param == "B08":
        image = sim.optical_sea(1, SHAPE)
        draw(image, 9000, 5, 0)
        lab = sim.lab(image, sensor="optical")
    else:
        image = sim.radar_sea(1, SHAPE, len(request.param.split("+")))
        draw(image, 10.0, 30.0, -32768.0)
        image[0, 700:704, 900:980] = np.nan
        lab = sim.lab(image)
    lab = lab.on_disk(tmp_path_factory.mktemp("cogs"))
    return replace(lab, coast=coast_of(lab.scene.grid))


@pytest.fixture(scope="module")
def whole(lab):
    """The tables of the scene read as one chunk."""
    return lab.bytes()


def test_the_scene_holds_what_it_should(lab):
    frames = lab.frames()
    found = frames["detections"]
    assert 40 < len(found) < 150
    assert len(frames["pairs"]) > 5
    for row, col in CORNERS:
        assert (np.hypot(found.row - row, found.col - col) < 6).sum() == 1
    assert found.n_pixels.max() > 800
    assert (found["flags"] & int(Flag.EDGE) != 0).sum() >= 2
    assert (found["flags"] & int(Flag.LAND_NEAR)).any()
    assert (found["flags"] == 0).sum() > 20
    assert frames["scenes"].km2_masked[0] > np.pi * 1.4**2 + 1


@pytest.mark.parametrize("carry", CARRY)
@pytest.mark.parametrize("shape", [(512,), (1024,), (1024, 2048), SHAPE])
def test_chunks_of_any_size(sim, lab, whole, shape, carry):
    assert lab.bytes(chunks=sim.tiles(lab.full, *shape), carry=carry) == whole


def inner(start, stop):
    """Sorted edges of chunks between two rows or columns."""
    return st.sets(st.sampled_from(range(start + CELL, stop, CELL)), max_size=4).map(sorted)


@given(data=st.data())
@settings(max_examples=8)
def test_uneven_chunks_in_any_order(sim, lab, whole, data):
    rows, cols = data.draw(inner(0, SHAPE[0])), data.draw(inner(0, SHAPE[1]))
    chunks = data.draw(st.permutations(sim.cut(lab.full, rows, cols)))
    assert lab.bytes(chunks=chunks, carry=data.draw(st.sampled_from(CARRY))) == whole


def test_chunks_that_carry_differently(sim, lab, whole):
    """What a chunk did not carry is read again, whatever the others did."""
    chunks = sim.tiles(lab.full, 512, 1024)
    parts = [lab.part(chunk, CARRY[k % 3]) for k, chunk in enumerate(chunks)]
    merged = merge(lab.full, parts[::-1])
    judged = judge(lab.scene, merged, lab.pixels(), lab.coast, None, lab.detector)
    assert judged.n_fetched > 0
    assert lab.encoded(judged) == whole


@given(data=st.data())
@settings(max_examples=5)
def test_windows_of_a_scene_too(sim, lab, data):
    """As an AOI cuts them: from cell to cell, or to the scene's end."""
    window = Window(
        data.draw(st.sampled_from([0, 384])),
        data.draw(st.sampled_from([1152, SHAPE[0]])),
        data.draw(st.sampled_from([0, 640])),
        data.draw(st.sampled_from([1408, SHAPE[1]])),
    )
    rows = data.draw(inner(window.row0, window.row1))
    cols = data.draw(inner(window.col0, window.col1))
    chunks, carry = sim.cut(window, rows, cols), data.draw(st.sampled_from(CARRY))
    assert lab.bytes(window=window, chunks=chunks, carry=carry) == lab.bytes(window=window)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["busan", "d8405aac_rtc"])
def test_real_scenes(sim, real_data, name):
    catalog = str(real_data / "real/catalog.json")
    items = search(
        catalog,
        region=Region.from_bbox("-180,-80,180,80"),
        period=Period.parse("2022-01-01/2023-12-31"),
        offline=True,
    )
    (item,) = (item for item in items if item["id"].endswith(name))
    scene = scene_from_item(item, profile_for(catalog), root_of(catalog))
    lab = sim.Lab(scene, Coast.shipped(), Detector())
    whole = lab.bytes()
    assert count_rows(whole["detections"]) > 20
    assert lab.bytes(chunks=sim.tiles(lab.full, 384, 640), carry="none") == whole
    assert lab.bytes(chunks=sim.tiles(lab.full, 1024)) == whole
