"""What catalogues, people and machines get wrong: an exit code and a sentence, no traceback."""

import errno
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

from westsea.results import Sweep
from westsea_catalog.archive.writer import write_cog
from westsea_catalog.grid import AffineGrid

WHEN = ["--datetime", "2017-10-01/2017-10-31"]
GRID = AffineGrid(32651, (10.0, 0.0, 549_780.0, 0.0, -10.0, 4_010_140.0), (384, 512))


@pytest.fixture
def item(own_archive):
    """A radar item in VV whose files a test may spoil, hrefs relative to the archive."""
    path = next(path for path in own_archive.parent.glob("*/*1SSV*/*.json") if "1014T" in path.name)
    found = json.loads(path.read_text())
    found["assets"]["vv"]["href"] = str((path.parent / "vv.tif").relative_to(own_archive.parent))
    return found


@pytest.fixture
def good(item):
    return json.loads(json.dumps(item)) | {"id": "good"}


def altered(item, **properties):
    return item | {"properties": item["properties"] | properties}


def with_href(item, href):
    return item | {"assets": {"vv": item["assets"]["vv"] | {"href": href}}}


def write(path, *items):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(items)}))
    return path


def sweep(cli, root, out, *items):
    """Sweep items that lie beside their files, in this process."""
    return cli("sweep", "--items", write(root / "items.json", *items), "--out", out, "--workers", 0)


def told(done):
    """The sentences on stderr of a command that ended as it should."""
    assert "Traceback" not in done.err
    assert "bug" not in done.err
    return done.err.splitlines()


def verdicts(out):
    """What a folder says of each item."""
    found = Sweep(out)
    return (
        dict.fromkeys(found.scenes("keep")["item_id"], "done")
        | dict.fromkeys(found.refused()["item_id"], "refused")
        | dict.fromkeys(found.failed()["item_id"], "failed")
    )


# One scene that cannot be read, and another that can


def spoil(name):
    return lambda item, root: (root / item["assets"]["vv"]["href"]).write_bytes(SPOILT[name])


SPOILT = {"no image": b"<html>Access denied</html>", "nothing": b"", "a header": b"II*\0\x08\0\0\0"}


def cut_short(item, root):
    path = root / item["assets"]["vv"]["href"]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def no_data(item, root):
    pixels = np.full(GRID.shape, -32768.0, np.float32)
    write_cog(root / item["assets"]["vv"]["href"], pixels, GRID, nodata=-32768.0)


def moved(item, root):
    grid = AffineGrid(GRID.epsg, (10.0, 0.0, 549_790.0, 0.0, -10.0, 4_010_140.0), GRID.shape)
    pixels = np.ones(GRID.shape, np.float32)
    write_cog(root / item["assets"]["vv"]["href"], pixels, grid, nodata=-32768.0)


def no_file(item, root):
    (root / item["assets"]["vv"]["href"]).unlink()


@pytest.mark.parametrize(
    ("spoil", "verdict", "code", "reason"),
    [
        (spoil("no image"), "refused", 4, "vv.tif is not a GeoTIFF, or a damaged one."),
        (spoil("nothing"), "refused", 4, "vv.tif is not a GeoTIFF, or a damaged one."),
        (spoil("a header"), "refused", 4, "vv.tif is not a GeoTIFF, or a damaged one."),
        (cut_short, "refused", 4, "vv.tif is damaged."),
        (no_data, "refused", 4, "holds no data in the area asked for."),
        (moved, "refused", 4, "pixels from where its item's proj:transform says."),
        (no_file, "failed", 3, "vv.tif could not be read: No such file or directory."),
    ],
)
def test_a_file_that_cannot_be_read(
    cli, own_archive, item, good, tmp_path, spoil, verdict, code, reason
):
    root, out = own_archive.parent, tmp_path / "out"
    shutil.copy(root / item["assets"]["vv"]["href"], root / "good.tif")
    good = with_href(good, "good.tif")
    spoil(item, root)
    done = sweep(cli, root, out, item, good)
    assert done.code == code
    [said] = [line for line in told(done) if f"] {verdict}: " in line]
    assert item["id"] in said
    assert said.endswith(reason)
    assert verdicts(out) == {item["id"]: verdict, "good": "done"}
    assert done.out.startswith("2 planned = 1 done + 0 empty")
    # Found by a search and not named, a refused scene is no reason to fail.
    asked = ["sweep", "--catalog", own_archive, "--aoi", "west-sea", *WHEN, "--workers", 0]
    done = cli(*asked, "--out", tmp_path / "other")
    assert done.code == (3 if verdict == "failed" else 0)
    assert verdicts(tmp_path / "other")[item["id"]] == verdict
    assert len(verdicts(tmp_path / "other")) == 4


# Items that are no scenes, all at once


def without(item, key):
    return item | {"properties": {k: v for k, v in item["properties"].items() if k != key}}


NO_SCENES = {
    "missing asset": (lambda item: item | {"assets": {}}, "has no asset for VV or VH"),
    "no assets": (lambda item: item | {"assets": None}, "has no asset for VV or VH"),
    "no projection": (lambda item: without(item, "proj:epsg"), "which projection it is in"),
    "no place": (lambda item: without(item, "proj:transform"), "where its pixels lie"),
    "no shape": (lambda item: without(item, "proj:shape"), "how many pixels it has"),
    "no such projection": (lambda item: altered(item, **{"proj:epsg": 999_998}), "does not exist"),
    "degrees": (lambda item: altered(item, **{"proj:epsg": 4326}), "degrees for metres"),
    "too large": (
        lambda item: altered(item, **{"proj:shape": [10**6, 10**6]}),
        "more than westsea",
    ),
    "HH only": (
        lambda item: item | {"assets": {"hh": item["assets"]["vv"]}},
        "has HH only; westsea reads VV or VH",
    ),
    "undated": (
        lambda item: without(without(item, "datetime"), "start_datetime"),
        "does not say when it was acquired",
    ),
    "stripmap": (
        lambda item: (
            altered(item, **{"sar:instrument_mode": "SM"}) | {"collection": "sentinel-1-grd"}
        ),
        "was taken in mode SM; westsea reads IW and EW",
    ),
    "landsat": (lambda item: item | {"collection": "landsat"}, "westsea reads"),
    "no collection": (lambda item: item | {"collection": None}, "which collection it is in"),
    "outside": (lambda item: with_href(item, "../../../etc/hostname"), "outside of its catalogue"),
    "absolute": (lambda item: with_href(item, "/etc/hostname"), "outside of its catalogue"),
    "vsicurl": (lambda item: with_href(item, "/vsicurl/http://127.0.0.1/a.tif"), "outside of its"),
    "vsizip": (lambda item: with_href(item, "/vsizip/a.zip/a.tif"), "outside of its"),
    "vrt": (lambda item: with_href(item, "vrt://a.tif?bands=1"), "neither https"),
    "inline": (lambda item: with_href(item, "<VRTDataset></VRTDataset>"), "relative href"),
    "file": (lambda item: with_href(item, "file:///etc/hostname"), "neither https"),
    "loopback": (lambda item: with_href(item, "https://127.0.0.1/a.tif"), "not a public address"),
    "metadata": (lambda item: with_href(item, "http://169.254.169.254/a.tif"), "public address"),
    "private": (lambda item: with_href(item, "https://storage.internal/a.tif"), "private network"),
    "bucket": (lambda item: with_href(item, "s3://somebody-elses/a.tif"), "bucket"),
    "controls": (lambda item: with_href(item, "a\x1b[2J.tif"), "control characters"),
    "endless": (lambda item: with_href(item, "a" * 10_000), "href of"),
    "number": (lambda item: with_href(item, 7), "without an href"),
}


def test_items_that_are_no_scenes(cli, own_archive, item, good, tmp_path):
    root, out = own_archive.parent, tmp_path / "out"
    bad = [change(item) | {"id": name} for name, (change, _) in NO_SCENES.items()]
    done = sweep(cli, root, out, *bad, good)
    assert done.code == 4
    lines = told(done)
    for each in bad:
        reason = NO_SCENES[each["id"]][1]
        [line] = [line for line in lines if f" refused: {each['id']} " in line]
        assert reason in line
        assert line.endswith(".")
        assert len(line) < 400
    assert verdicts(out) == {each["id"]: "refused" for each in bad} | {"good": "done"}
    assert done.out.startswith(f"{len(bad) + 1} planned = 1 done + 0 empty + {len(bad)} refused")
    # Each of them by itself, and only planned.
    for each in bad[:3]:
        planned = cli("plan", "--items", write(root / "one.json", each), "--json")
        assert planned.code == 4
        assert [line for line in told(planned) if "refused: " + each["id"] in line]
        assert json.loads(planned.out)["refused"][0]["item_id"] == each["id"]


IDS = [
    "../../evil",
    "/etc/passwd",
    "..",
    ".hidden",
    "_hidden",
    "a/b",
    "a\nb",
    "\x1b[2J",
    "\u202eabc",
    "x" * 1000,
    "%2e%2e%2f",
    "C:\\evil",
    "date=2000-01-01",
    " ",
    "日本",
]


def test_hostile_ids_stay_in_the_folder(cli, own_archive, item, tmp_path):
    root, out = own_archive.parent, tmp_path / "in" / "out"
    before = set(tmp_path.rglob("*"))
    items = [item | {"id": name, "collection": item["collection"]} for name in IDS]
    done = sweep(cli, root, out, *items)
    assert done.code == 0
    assert not set("\x1b\u202e") & set(done.err + done.out)
    new = set(tmp_path.rglob("*")) - before - {root / "items.json"}
    assert all(path.is_relative_to(out.parent) for path in new)
    files = list(out.rglob("*.parquet"))
    overlay = [path for path in files if path.is_relative_to(out / "lineage")]
    assert len(files) - len(overlay) == 3 * len(IDS)
    assert len(overlay) == 4  # for these are one acquisition under many names
    assert all(len(path.relative_to(out).parts) == 4 for path in files)
    assert set(Sweep(out).scenes("keep")["item_id"]) == set(IDS)


def test_hostile_collections_and_unusable_ids_stay_in_the_folder(cli, own_archive, item, tmp_path):
    root, out = own_archive.parent, tmp_path / "in" / "out"
    before = set(tmp_path.rglob("*"))
    items = [item | {"collection": name} for name in ("../../evil", "/etc", "..", "a\nb")]
    items += [item | {"id": name} for name in ("\ud800", "\0", "x" * 5000, None, 3, {}, "")]
    done = sweep(cli, root, out, *items)
    assert done.code == 4
    told(done)
    new = set(tmp_path.rglob("*")) - before - {root / "items.json"}
    assert all(path.is_relative_to(out.parent) for path in new)
    assert len(list((out / "refused").rglob("*.json"))) == len(items)


# Files of items


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("", 4, "is empty"),
        ("{", 4, "is not JSON"),
        ("[]", 4, "something other than STAC Items"),
        ('{"type": "Catalog"}', 4, "something other than STAC Items"),
        ('{"type": "FeatureCollection", "features": [3]}', 4, "something other than STAC Items"),
        ("[" * 100_000, 4, "is not JSON"),
        (b"\xff\xfe", 2, "is not a text"),
        ('{"type": "FeatureCollection", "features": []}', 0, "0 scenes"),
    ],
)
def test_files_that_hold_no_items(cli, tmp_path, content, code, said):
    path = tmp_path / "items.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = cli("sweep", "--items", path, "--out", tmp_path / "out")
    assert done.code == code
    assert said in told(done)[-1]


# Requests


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (["--bbox=118,33,200,41"], "leaves the world"),
        (["--bbox=118,-91,120,41"], "leaves the world"),
        (["--bbox=127,33,118,41"], "goes around most of the world: write west,south"),
        (["--bbox=118,41,127,33"], "south above its north"),
        (["--bbox=118,33,127"], "is not a box"),
        (["--bbox=nan,33,127,41"], "is not a box"),
        (["--aoi", "east-sea"], "neither a known area"),
        (["--datetime", "2017-10-01T00:00:00/2017-10-02T00:00:00"], "which time zone"),
        (["--datetime", "2017-10-31/2017-10-01"], "ends before it begins"),
        (["--datetime", "October"], "not a date or time"),
        (["--datetime", "../.."], "open at both ends"),
        (["--last", "three days"], "not a length of time"),
        (["--last", "P3D", "--datetime", "2017-10-01"], "not both"),
    ],
)
@pytest.mark.parametrize("command", [["search"], ["plan"], ["sweep", "--out"]])
def test_requests_that_make_no_sense(cli, archive, tmp_path, command, request_, said):
    out = [tmp_path / "out"] if command[0] == "sweep" else []
    area = [] if request_[0].startswith(("--bbox", "--aoi")) else ["--aoi", "west-sea"]
    time = [] if request_[0] in ("--datetime", "--last") else WHEN
    done = cli(*command, *out, "--catalog", archive, *area, *time, *request_)
    assert done.code == 2
    [line] = told(done)
    assert line.startswith("westsea: ")
    assert said in line
    assert done.out == ""
    assert not (tmp_path / "out").exists()


def test_an_area_that_is_no_geojson(cli, archive, tmp_path):
    path = tmp_path / "area.geojson"
    for content, said in (
        ("{", "is not GeoJSON"),
        ('{"type": "Point", "coordinates": [1, 2]}', "no polygon"),
    ):
        path.write_text(content)
        done = cli("search", "--catalog", archive, "--aoi", path, *WHEN)
        assert done.code == 2
        assert said in told(done)[-1]


# Catalogues


def closed_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_an_api_that_does_not_answer(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("westsea_catalog.network.RETRIES", 1)
    monkeypatch.setattr("westsea_catalog.network.BACKOFF_S", 0.0)
    monkeypatch.setenv("NO_PROXY", "*")
    url = f"http://127.0.0.1:{closed_port()}"
    asked = ["--catalog", url, "--aoi", "west-sea", *WHEN]
    for command in (["search"], ["sweep", "--out", tmp_path / "out"]):
        done = cli(*command, *asked)
        assert done.code == 5
        assert told(done) == ["westsea: 127.0.0.1 does not answer: it cannot be reached."]
    offline = cli("search", *asked, "--offline")
    assert offline.code == 2
    assert told(offline) == [f"westsea: {url} is on the network, which --offline forbids."]


def test_offline_reads_no_pixels_from_the_network_either(cli, own_archive, item, tmp_path):
    item = with_href(item, "https://example.com/vv.tif")
    path = write(own_archive.parent / "items.json", item)
    swept = cli("sweep", "--out", tmp_path / "out", "--workers", 0, "--items", path, "--offline")
    assert swept.code == 2
    said = f"westsea: {item['id']} is on the network, which --offline forbids."
    assert told(swept)[-1] == said
    assert not (tmp_path / "out").exists()
    # A plan looks at no pixels.
    assert cli("plan", "--items", path, "--offline").code == 0


# Where the results go


def sweep_into(cli, archive, out, *options):
    asked = ["--catalog", archive, "--aoi", "west-sea", *WHEN, "--workers", 0, *options]
    return cli("sweep", *asked, "--out", out)


@pytest.mark.parametrize("below", ["file", "file/out", "file/a/b"])
def test_a_folder_below_a_file(cli, archive, tmp_path, below):
    (tmp_path / "file").touch()
    done = sweep_into(cli, archive, tmp_path / below)
    assert done.code == 4
    assert told(done)[-1] == (
        f"westsea: Cannot use the folder {tmp_path / below}, a part of its path is a file: "
        "choose another one."
    )
    assert done.out == ""


@pytest.fixture
def read_only(tmp_path):
    """A folder that cannot be written to: root needs a mount for that."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "ro,size=4k", "none", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("root may write everywhere, and may not mount anything here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_is_read_only(cli, archive, read_only):
    done = sweep_into(cli, archive, read_only / "out")
    assert done.code == 4
    assert f"Cannot use the folder {read_only / 'out'}, " in told(done)[-1]


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.EROFS, 4, "it is on a read-only file system"),
        (errno.EACCES, 4, "permission denied"),
        (errno.ENOSPC, 5, "No space is left"),
        (errno.EIO, 5, "run the same again"),
    ],
)
def test_a_file_system_that_fails_in_the_middle(
    cli, archive, tmp_path, monkeypatch, number, code, said
):
    def fail(layer, path, data):
        if b"PAR1" in data:
            raise OSError(number, os.strerror(number), str(path))
        return good(layer, path, data)

    from westsea.objects import FileLayer

    good = FileLayer.write
    monkeypatch.setattr(FileLayer, "write", fail)
    done = sweep_into(cli, archive, tmp_path / "out")
    assert done.code == code
    assert said in told(done)[-1]


def test_a_folder_with_the_results_of_other_parameters(cli, archive, tmp_path):
    out = tmp_path / "out"
    assert sweep_into(cli, archive, out).code == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = cli("sweep", "--catalog", archive, "--bbox=118,33,127,40", *WHEN, "--out", out)
    assert done.code == 4
    assert told(done)[-1] == (
        f"westsea: {out} holds the results of other parameters (aoi.coordinates): "
        f"choose a fresh --out, for example {out}-2."
    )
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("address", ["ftp://bucket/out", "https://example.com/out", "", "a\0b"])
def test_what_is_no_folder(cli, archive, address):
    done = sweep_into(cli, archive, address)
    assert done.code == 4
    assert "local folder" in told(done)[-1] or "not the name of a folder" in told(done)[-1]


@pytest.mark.parametrize(
    "content", [None, "{", '{"type": "FeatureCollection", "features": []}', "a text"]
)
def test_a_coast_that_is_none(cli, archive, tmp_path, content):
    path = Path(tmp_path / "coast.geojson")
    if content is not None:
        path.write_text(content)
    done = sweep_into(cli, archive, tmp_path / "out", "--coast", path)
    assert done.code == 4
    assert "coast.geojson" in told(done)[-1]
