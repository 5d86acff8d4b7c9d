"""Scenes in radar geometry on their true grids: simulated twins, and real annotation."""

import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.control import GroundControlPoint

from westsea_catalog.archive.curved import CurvedFrame
from westsea_catalog.errors import FailedScene, RefusedScene
from westsea_catalog.grid import GEOD, Window
from westsea_catalog.radar.located import located
from westsea_catalog.radar.sea_level import at_sea_level
from westsea_catalog.reader import open_reader


def frame_of(scene):
    return CurvedFrame(scene.grid, scene.radar.heading_deg)


def truth(twins, scene):
    table = pq.read_table(twins.parent / "truth" / "hulls.parquet").to_pandas()
    return table[table.item_id == scene.id]


def without(scene, *kinds):
    kept = tuple(each for each in scene.documents if each.kind not in kinds)
    return replace(scene, documents=kept)


@pytest.mark.parametrize("number", [0, 1])
def test_hulls_are_where_they_were_planted(grd_items, planned, twins, twin_scenes, number):
    """With and without annotation, to millimetres: the guess is off by metres at least."""
    scene, made = planned(grd_items[number]), twin_scenes[number]
    hulls = truth(twins, made)
    line, sample = frame_of(made).locate(hulls.row.to_numpy(), hulls.col.to_numpy())
    for each in (scene, without(scene, "annotation")):
        grid = located(each).grid
        assert grid.shape == frame_of(made).shape
        _, _, apart = GEOD.inv(*grid.lonlat(line, sample), hulls.lon, hulls.lat)
        assert apart.max() < 0.01
        row, col = grid.pixel(hulls.lon, hulls.lat)
        assert np.hypot(row - line, col - sample).max() < 1e-3
    _, _, apart = GEOD.inv(*scene.grid.lonlat(line, sample), hulls.lon, hulls.lat)
    assert 1 < apart.max() < 100


@pytest.mark.parametrize("number", [0, 1])
def test_what_the_radar_was(grd_items, planned, twin_scenes, number):
    made = twin_scenes[number]
    product = located(planned(grd_items[number])).radar
    rows, cols = frame_of(made).shape
    middle = (rows - 1) / 2, (cols - 1) / 2
    assert (product.mode, product.calibrated, product.noise_removed) == ("IW", True, True)
    assert product.incidence_deg(*middle) == pytest.approx(made.radar.incidence_deg, abs=0.01)
    assert product.ambiguity_m(*middle) == pytest.approx(made.radar.ambiguity_m, rel=2e-3)
    assert product.subswath(0, [-0.6, -0.4, cols - 0.6, cols]).tolist() == [
        0,
        made.radar.subswath,
        made.radar.subswath,
        0,
    ]
    assert np.isnan(product.ambiguity_m(0, cols + 5))
    assert product.ambiguity_m(np.zeros((3, 1)), np.zeros(4)).shape == (3, 4)


def test_power_is_the_twins(grd_items, planned, twins, twin_scenes):
    """VV's sea has the level that it was given, noise off; no data is where the swath ends."""
    for item, made in zip(grd_items, twin_scenes, strict=True):
        scene = located(planned(item))
        reader = open_reader(scene, scene.bands[0])
        power = reader.read(scene.grid.full)
        assert power.dtype == reader.dtype == np.float32
        level = 10 * np.log10(power[power > 0].mean())
        assert level == pytest.approx(made.sea.vv_db, abs=0.7)
        across = frame_of(made).first[1] + 10 * np.arange(power.shape[1])
        beyond = across > made.radar.swath_end_m
        np.testing.assert_array_equal((power == 0).all(axis=0), beyond)
        assert (power[:, ~beyond] > 0).all()
        parts = [
            reader.read(Window(row, min(row + 100, power.shape[0]), 0, power.shape[1]))
            for row in range(0, power.shape[0], 100)
        ]
        assert np.vstack(parts).tobytes() == power.tobytes()


@pytest.mark.parametrize(
    ("missing", "calibrated", "noise_removed"),
    [
        (("calibration",), False, True),
        (("noise",), True, False),
        (("annotation", "calibration", "noise"), False, False),
    ],
)
def test_documents_that_are_not_there(grd_items, planned, missing, calibrated, noise_removed):
    scene = without(planned(grd_items[0]), *missing)
    found = located(scene)
    assert (found.radar.calibrated, found.radar.noise_removed) == (calibrated, noise_removed)
    if "annotation" in missing:
        assert np.isnan(found.radar.ambiguity_m(5, 5))
        assert np.isnan(found.radar.incidence_deg(5, 5))
        assert found.radar.subswath(5, 5) == 0
        with rasterio.open(found.bands[0].source) as file:
            numbers = file.read(1).astype(np.float32)
        power = open_reader(found, found.bands[0]).read(found.grid.full)
        np.testing.assert_array_equal(power, numbers**2)


def test_it_travels(grd_items, planned):
    scene = located(planned(grd_items[0]))
    copy = pickle.loads(pickle.dumps(scene))
    assert copy.grid == scene.grid
    assert located(copy) is copy
    window = Window(3, 50, 7, 90)
    one, other = (open_reader(each, each.bands[0]).read(window) for each in (scene, copy))
    assert one.tobytes() == other.tobytes()


# -- files and documents that contradict each other


def rewritten(scene, folder, change=lambda text: text, points=None, tags=None, dtype="uint16"):
    """The scene with its first file written anew and its annotation changed."""
    with rasterio.open(scene.bands[0].source) as file:
        pixels, gcps = file.read(1), file.gcps[0]
    gcps = gcps if points is None else points(gcps)
    path = folder / "vv.tiff"
    extra = {"gcps": gcps, "crs": "EPSG:4326"} if gcps else {}
    with rasterio.open(
        path, "w", driver="GTiff", count=1, dtype=dtype,
        height=pixels.shape[0], width=pixels.shape[1], **extra,
    ) as file:  # fmt: skip
        file.update_tags(**tags or {})
        file.write(pixels.astype(dtype), 1)
    documents = []
    for number, document in enumerate(scene.documents):
        place = folder / f"{number}.xml"
        text = Path(document.path).read_text()
        place.write_text(change(text) if document.kind == "annotation" else text)
        documents.append(replace(document, path=str(place)))
    bands = (replace(scene.bands[0], path=str(path)), *scene.bands[1:])
    return replace(scene, bands=bands, documents=tuple(documents))


def moved(gcps):
    return [GroundControlPoint(p.row, p.col, p.x + 0.01, p.y, p.z) for p in gcps]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"points": moved}, "lie elsewhere than its annotation says"),
        ({"dtype": "float32"}, "has float32 pixels"),
        (
            {"change": lambda t: re.sub("(<numberOfLines>)[0-9]+", r"\g<1>77", t)},
            "but its annotation says 77 x",
        ),
        ({"change": lambda t: t.replace("<mode>IW", "<mode>S3")}, "in mode S3; westsea reads IW"),
        ({"change": lambda t: t[:5000]}, "no well-formed XML"),
        ({"change": lambda t: "<html/>"}, "is no annotation"),
    ],
)
def test_contradictions(grd_items, planned, tmp_path, changes, reason):
    scene = rewritten(planned(grd_items[1]), tmp_path, **changes)
    with pytest.raises(RefusedScene, match=reason) as refused:
        located(scene)
    assert str(refused.value).count(". ") == 0
    assert str(refused.value).endswith(".")


def few(gcps):
    return gcps[:3]


def scattered(gcps):
    return [GroundControlPoint(p.row + k, p.col, p.x, p.y, 0) for k, p in enumerate(gcps)]


@pytest.mark.parametrize(
    ("points", "reason"),
    [(few, "3 ground control points and no annotation"), (scattered, "not on a mesh")],
)
def test_points_that_say_nothing(grd_items, planned, tmp_path, points, reason):
    scene = rewritten(planned(grd_items[1]), tmp_path, points=points)
    with pytest.raises(RefusedScene, match=reason):
        located(without(scene, "annotation"))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_annotation_serves_where_a_tool_lost_the_points(grd_items, planned, tmp_path):
    scene = planned(grd_items[1])
    bare = rewritten(scene, tmp_path, points=lambda gcps: [])
    assert located(bare).grid == located(scene).grid


def test_integers_are_centres_whatever_a_file_calls_its_pixels(grd_items, planned, tmp_path):
    """GDAL adds a half to points of a file that says Point, when it reads and when it writes."""

    def earlier(gcps):
        return [GroundControlPoint(p.row - 0.5, p.col - 0.5, p.x, p.y, p.z) for p in gcps]

    scene = planned(grd_items[1])
    point = rewritten(scene, tmp_path, points=earlier, tags={"AREA_OR_POINT": "Point"})
    with rasterio.open(point.bands[0].source) as file:
        assert file.tags()["AREA_OR_POINT"] == "Point"
        half = file.gcps[0][0].row
    assert half == 0.5
    one, other = (located(without(each, "annotation")).grid for each in (scene, point))
    np.testing.assert_allclose(one.rows, other.rows)
    np.testing.assert_allclose(one.lonlat(5, 5), other.lonlat(5, 5), atol=1e-12)


def test_a_document_that_cannot_be_read_fails_the_scene(grd_items, planned, tmp_path):
    scene = planned(grd_items[1])
    documents = tuple(replace(each, path=str(tmp_path)) for each in scene.documents)
    with pytest.raises(FailedScene, match=r"could not be read: Is a directory\.$"):
        located(replace(scene, documents=documents))


def test_the_border_of_products_before_2018(grd_items, planned, tmp_path):
    """500 samples at either side, and lines where the data take ends."""
    scene = planned(grd_items[1])
    rows, cols = located(scene).grid.shape
    old = []
    for document in scene.documents:
        text = Path(document.path).read_text()
        if document.kind == "noise":
            text = text.replace("noiseRange", "noise")
            text = re.sub(
                r"<noiseAzimuthVectorList.*</noiseAzimuthVectorList>", "", text, flags=re.S
            )
        else:
            text = text.replace("<sliceNumber>2</sliceNumber>", "<sliceNumber>1</sliceNumber>", 1)
        path = tmp_path / Path(document.path).name
        path.write_text(text)
        old.append(replace(document, path=str(path)))
    found = located(replace(scene, documents=tuple(old)))
    assert found.bands[0].levels.border == (
        500,
        rows,
        cols if cols < 500 else 500,
        max(cols - 500, 0),
    )
    assert found.radar.noise_removed
    power = open_reader(found, found.bands[0]).read(found.grid.full)
    assert (power[:500] == 0).all()
    assert (power[:, :500] == 0).all()


# -- heights


def test_hills_are_taken_down_along_the_line_of_sight():
    """A point 500 m up moves towards the radar by as much as the sea in its range is nearer."""
    radius, height, slant = 6_371_000.0, 693_000.0, 850_000.0

    # The sphere's triangle of radar, middle of the earth and a place of some height.

    def from_nadir(up):
        cosine = ((radius + height) ** 2 + (radius + up) ** 2 - slant**2) / (
            2 * (radius + height) * (radius + up)
        )
        return np.arccos(cosine) * radius

    def incidence(up):
        cosine = ((radius + height) ** 2 - (radius + up) ** 2 - slant**2) / (
            2 * (radius + up) * slant
        )
        return np.rad2deg(np.arccos(cosine))

    up = np.array([0.0, 500.0, 1500.0])
    # Along the equator, the radar in the west, and a second sample of each line further east.
    lon = np.rad2deg(from_nadir(up) / radius)
    lines = np.column_stack([lon, lon + 0.1])
    height, angle = (np.column_stack([each, each]) for each in (up, incidence(up)))
    found, lat = at_sea_level(lines, np.zeros((3, 2)), height, angle, np.full((3, 2), slant))
    moved_m = np.deg2rad(found[:, 0] - lon[0]) * 6_378_137.0
    assert (np.abs(moved_m) < [0.01, 1.0, 4.0]).all()
    assert (np.abs(lat) < 1e-9).all()
    assert np.deg2rad(lon[2] - lon[0]) * radius > 1500
