"""A KMZ with chips: what Google Earth shows, as others read it."""

import re
import shutil
import zipfile
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import pytest
import rasterio

from westsea import words
from westsea.commands.export import export as command
from westsea.export.balloons import MOST_CHIPS
from westsea.export.export import export
from westsea.results import Sweep
from westsea_catalog.errors import UsageError

KML = "{http://www.opengis.net/kml/2.2}"


def opened(path):
    """The document, and the other files by name."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return ET.fromstring(files.pop("doc.kml")), files


def named(document):
    """Every picture that the document names."""
    text = "".join(document.itertext())
    hrefs = {each.text for each in document.iter(f"{KML}href")}
    return hrefs | set(re.findall(r'<img src="([^"]+)"', text))


def pixels(data):
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.MemoryFile(data) as memory,
        memory.open() as file,
    ):
        return np.moveaxis(file.read(), 0, -1)


@pytest.fixture
def lost(swept, archive, tmp_path):
    """The sweep, of which one scene's item is gone and another's file is no longer there."""
    out = shutil.copytree(swept, tmp_path / "lost")
    items = sorted((out / "items").rglob("*.json"))
    first, second = (item for item in items if "l2a" in str(item) or "_1SDV_" in str(item))
    first.unlink()
    second.write_text(second.read_text().replace(str(archive.parent), str(tmp_path / "gone")))
    return out


@pytest.mark.parametrize(("table", "name"), [("pairs", "pair_id"), ("detections", "detect_id")])
@pytest.mark.filterwarnings("ignore:More than one layer found")
def test_each_row_shows_its_pixels(swept, tmp_path, table, name):
    path = tmp_path / "a.kmz"
    frame = getattr(Sweep(swept), table)()
    assert export(swept, path, table=table) == len(frame) > 2
    read = pyogrio.read_dataframe(path)
    assert list(read[name]) == list(frame[name])
    assert pyogrio.list_layers(path)[0, 0] == table
    document, files = opened(path)
    assert named(document) == set(files)
    assert len(files) == 1 + 2 * len(frame)
    marks = list(document.iter(f"{KML}Placemark"))
    overlays = list(document.iter(f"{KML}GroundOverlay"))
    for mark, overlay, row in zip(marks, overlays, frame.to_dict("records"), strict=True):
        told = mark.find(f"{KML}description").text
        assert "no Copernicus data" in told
        assert "A candidate for a person to judge, no violation" in told
        assert words.UNRESOLVED not in told
        if table == "pairs":
            assert ("the blob" in told) == (row["detect_id_2"] is None)
        assert words.position(row["lon"], row["lat"]).replace("'", "&#x27;") in told
        image = pixels(files[overlay.find(f"{KML}Icon/{KML}href").text])
        sides = [float(overlay.find(f"{KML}LatLonBox/{KML}{s}").text) for s in ("west", "north")]
        scale = np.array([np.cos(np.deg2rad(row["lat"])), -1.0]) * 111_320
        middle = (np.array([row["lon"], row["lat"]]) - sides) * scale
        assert middle == pytest.approx([10.0 * image.shape[0] / 2] * 2, rel=0.02)
        if table == "detections" and row["snr_db"] > 10:  # a ship in the middle
            middle = image.shape[0] // 2
            hull = image[middle - 2 : middle + 3, middle - 2 : middle + 3, 0]  # red: seas are blue
            assert hull.mean() > 1.5 * np.median(image[..., 0])


def test_the_same_output_gives_the_same_bytes(swept, tmp_path):
    for k in (1, 2):
        export(swept, tmp_path / f"{k}.kmz")
    assert (tmp_path / "1.kmz").read_bytes() == (tmp_path / "2.kmz").read_bytes()


def test_the_likeliest_rows_have_chips(swept, tmp_path):
    frame = Sweep(swept).detections()
    export(swept, tmp_path / "a.kmz", table="detections", chips=3)
    document, files = opened(tmp_path / "a.kmz")
    told = [mark.find(f"{KML}description").text for mark in document.iter(f"{KML}Placemark")]
    best = frame.sort_values(["score", "detect_id"], ascending=[False, True]).index[:3]
    assert {n for n, text in enumerate(told) if "<img" in text} == set(best)
    assert sum("Only the 3 likeliest have a chip here." in text for text in told) == len(frame) - 3
    assert len(files) == 7
    with pytest.raises(UsageError, match="-1 chips"):
        export(swept, tmp_path / "b.kmz", chips=-1)


def test_pixels_that_are_gone_are_told(lost, tmp_path, cli):
    done = cli("export", lost, tmp_path / "a.kmz")
    assert (done.code, done.out) == (0, f"{tmp_path / 'a.kmz'}\n")
    document, files = opened(tmp_path / "a.kmz")
    assert named(document) == set(files)
    told = [mark.find(f"{KML}description").text for mark in document.iter(f"{KML}Placemark")]
    without = [text for text in told if "<img" not in text]
    assert 1 < len(without) < len(told) == len(Sweep(lost).pairs())
    assert len({text.partition("</p>")[0] for text in without}) == 2
    assert f"{len(without)} chips are missing, most because: " in done.err
    assert f"chips of {len(told) - len(without)} of {len(told)} pairs" in done.err


def test_without_chips(swept, tmp_path, cli):
    done = cli("export", swept, tmp_path / "a.kmz", "--no-chips")
    assert done.code == 0
    assert "chips" not in done.err
    document, files = opened(tmp_path / "a.kmz")
    assert list(files) == ["files/dot.png"]
    assert document.find(f".//{KML}description") is None
    default = next(each for each in command.params if each.name == "chips" and not each.is_flag)
    assert default.default == MOST_CHIPS


def test_moved_pixels_are_found_by_items(lost, archive, tmp_path, cli):
    where = ("--bbox=-180,-90,180,90", "--datetime=2017-01-01/..", "--json")
    (tmp_path / "items.json").write_text(cli("search", "--catalog", archive, *where).out)
    given = ("--items", tmp_path / "items.json", "--catalog", archive)
    done = cli("export", lost, tmp_path / "a.kmz", *given)
    assert done.code == 0
    assert "missing" not in done.err
    assert cli("export", lost, tmp_path / "b.kmz", "--catalog", archive).code == 2


def test_the_icon_is_a_white_disc(swept, tmp_path):
    export(swept, tmp_path / "a.kmz", chips=0)
    image = pixels(opened(tmp_path / "a.kmz")[1]["files/dot.png"])
    assert image.shape == (32, 32, 4)
    assert image[16, 16].tolist() == [255] * 4
    assert image[0, 0, 3] == 0


@pytest.mark.parametrize(
    ("lon", "lat", "text"),
    [
        (123.56333, 36.21059, "36°12.64' N 123°33.80' E"),
        (-0.999999, -5.0, "05°00.00' S 001°00.00' W"),
    ],
)
def test_places_as_charts_have_them(lon, lat, text):
    assert words.position(lon, lat) == text


def test_pairs_have_an_icon_on_their_line(swept, tmp_path):
    """A line of 100 m is not seen from afar."""
    export(swept, tmp_path / "a.kmz", chips=0)
    document, _ = opened(tmp_path / "a.kmz")
    lines = [
        mark
        for mark in document.iter(f"{KML}Placemark")
        if mark.find(f".//{KML}LineString") is not None
    ]
    assert lines
    for mark in lines:
        assert mark.find(f"{KML}MultiGeometry/{KML}Point/{KML}coordinates") is not None
