import json
import os

import pytest

from westsea.config import Config, load
from westsea.detector import Detector
from westsea_catalog.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "westsea.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_no_file_is_all_defaults():
    assert load(None) == Config()
    assert load(None).defaults() == {}
    assert load(None).detector == Detector()


def test_every_key(write):
    found = load(
        write("""
        catalog = "earth-search"
        aoi = "west-sea"
        collections = ["sentinel-2-l2a"]
        offline = true
        out = "results"
        coast = "coast.gpkg"
        scheduler = "tls://scheduler:8786"
        workers = 0
        scene_deadline = 900.0
        attempts = 3
        metrics = "westsea.prom"
        log_format = "json"
        [detector]
        false_alarm_rate = 1e-6
        close_gap_m = 400
        """)
    )
    assert found.detector == Detector(false_alarm_rate=1e-6, close_gap_m=400)
    assert found.defaults() == {
        "catalog": "earth-search",
        "aoi": "west-sea",
        "collections": ("sentinel-2-l2a",),
        "offline": True,
        "out": "results",
        "coast": "coast.gpkg",
        "scheduler": "tls://scheduler:8786",
        "workers": 0,
        "scene_deadline": 900.0,
        "attempts": 3,
        "metrics": "westsea.prom",
        "log_format": "json",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("catalogue = 'x'", "unknown field `catalogue`"),
        ("workers = 'two'", r"Expected `int.*workers"),
        ("collections = 'sentinel-2-l2a'", r"Expected `array.*collections"),
        ("detector = 1", r"Expected `object.*detector"),
        ("[detector]\nsigma = 3", "detector has no 'sigma'"),
        ("[detector]\nclose_gap_m = '3'", r"Expected `float.*close_gap_m"),
        ("[detector]\nfalse_alarm_rate = nan", "false_alarm_rate is nan"),
        ("[detector]\nfalse_alarm_rate = 2", "false_alarm_rate is 2"),
        ("workers = ", "Invalid value"),
        (b"aoi = '\xff'", "utf-8"),
    ],
)
def test_what_is_not_right_is_told_in_a_sentence(write, text, reason):
    with pytest.raises(ConfigError, match=reason) as told:
        load(write(text))
    assert "\n" not in str(told.value)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"absent.toml cannot be read: No such file"):
        load(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


# On the command line


def test_flags_beat_variables_beat_the_file(cli, write, archive, tmp_path, monkeypatch):
    settings = write(f"catalog = '{archive}'\ncollections = ['sentinel-2-l2a']\naoi = 'west-sea'")
    monkeypatch.setenv("WESTSEA_CONFIG", os.fspath(settings))
    asked = ["search", "--datetime", "2017-10-01/2017-10-31"]

    def found(*flags):
        done = cli(*asked, *flags)
        assert done.code == 0, done.err
        return {line.split("\t")[0] for line in done.out.splitlines()}

    assert found() == {"sentinel-2-l2a"}
    monkeypatch.setenv("WESTSEA_COLLECTIONS", "sentinel-1-rtc")
    assert found() == {"sentinel-1-rtc"}
    assert found("-c", "sentinel-2-l2a") == {"sentinel-2-l2a"}
    assert found("-c", "sentinel-2-l2a", "-c", "sentinel-1-rtc") == {
        "sentinel-1-rtc",
        "sentinel-2-l2a",
    }
    monkeypatch.setenv("WESTSEA_CATALOG", os.fspath(tmp_path / "absent.json"))
    assert cli(*asked).code == 2
    assert found("--catalog", archive) == {"sentinel-1-rtc"}


def test_of_two_that_exclude_each_other_the_stronger_counts(cli, write, archive, monkeypatch):
    settings = write("aoi = 'west-sea'\nscheduler = 'tcp://127.0.0.1'")
    asked = ["--config", settings, "--catalog", archive, "--datetime", "2017-10-01/2017-10-31"]
    assert len(cli("search", *asked).out.splitlines()) == 4
    assert cli("search", *asked, "--bbox=0,0,1,1").out == ""
    monkeypatch.setenv("WESTSEA_AOI", "nowhere")
    assert "nowhere" in cli("search", *asked).err
    assert cli("search", *asked, "--bbox=0,0,1,1").code == 0
    both = cli("search", *asked, "--bbox=0,0,1,1", "--aoi", "west-sea")
    assert both.code == 2
    assert "Give a box or an area" in both.err


def test_workers_from_a_flag_beat_a_scheduler_from_the_file(cli, write, archive, tmp_path):
    settings = write("scheduler = 'tcp://127.0.0.1'")
    asked = ["--config", settings, "--catalog", archive, "--bbox=0,0,1,1", "--last", "P1D"]
    asked += ["-c", "sentinel-2-l2a", "--out", tmp_path / "out"]
    assert cli("sweep", *asked, "--workers", 0).code == 0
    both = cli("sweep", *asked, "--workers", 0, "--scheduler", "tcp://127.0.0.1:1")
    assert both.code == 2
    assert "not two of them" in both.err


def test_the_detector_of_the_file_is_pinned(cli, write, archive, tmp_path):
    settings = write("[detector]\nclose_gap_m = 300")
    asked = ["sweep", "--catalog", archive, "--bbox=0,0,1,1", "--last", "P1D", "--workers", 0]
    assert cli(*asked, "--config", settings, "--out", tmp_path / "out").code == 0
    pinned = json.loads((tmp_path / "out/sweep.json").read_text())
    assert pinned["detector"]["close_gap_m"] == 300
    other = cli(*asked, "--out", tmp_path / "out")
    assert other.code == 4
    assert "detector.close_gap_m" in other.err
    assert f"for example {tmp_path}/out-2" in other.err


def test_wrong_settings_end_with_4(cli, write, archive):
    done = cli("search", "--config", write("workers = 'x'"), "--catalog", archive)
    assert done.code == 4
    assert done.err.startswith("westsea: The settings ")
    assert len(done.err.splitlines()) == 1


def test_values_of_the_file_are_checked_as_flags_are(cli, write, archive, tmp_path):
    asked = ["sweep", "--catalog", archive, "--out", tmp_path / "out"]
    done = cli(*asked, "--config", write("workers = -1"))
    assert done.code == 2
    assert "--workers" in done.err
    assert cli(*asked, "--config", write("log_format = 'xml'")).code == 2
