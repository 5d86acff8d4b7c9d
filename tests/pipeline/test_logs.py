import io
import json
import logging
import os
import warnings
from datetime import date

import pytest

from westsea import logs, pace
from westsea.logs import Progress, configure
from westsea.objects import Outcome
from westsea.records import (
    Receipt,
    SceneKey,
    Verdict,
)
from westsea.tasks import (
    SceneResult,
)
from westsea_catalog.errors import RefusedScene

LOG = logging.getLogger("westsea.test")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def log(cli, monkeypatch):
    """`log(...)` configures a fresh stderr and returns it; `cli` restores what was before."""

    def start(log_format="text", *, verbose=False, stream=None):
        stream = stream or io.StringIO()
        monkeypatch.setattr("sys.stderr", stream)
        configure(log_format, verbose=verbose)
        return stream

    return start


def result(verdict, name="S1A", **options):
    return SceneResult(SceneKey("c", name, date(2017, 10, 19), "hash"), verdict, **options)


def done(name="S1A"):
    rows = {"detections": 12, "pairs": 3, "scenes": 1}
    return result(Verdict.DONE, name, receipt=Receipt("c", name, Outcome.CREATED, rows, "0"))


def screen(text):
    """What a terminal shows in the end, line by line."""
    lines = [""]
    for part in text.replace("\x1b[K", "\0").replace("\r", "\0\r").split("\n"):
        line = part.rpartition("\r")[2].replace("\0", "")
        lines[-1] = line
        lines.append("")
    return lines[:-1]


def test_a_line_per_scene_where_there_is_no_terminal(log):
    stream = log()
    with Progress() as progress:
        progress(done(), 1, 3)
        progress(result(Verdict.SKIPPED, "S1B"), 2, 3)
        progress(result(Verdict.FAILED, "S1C", reason="VV.tif could not be read: 503."), 3, 3)
    assert stream.getvalue().splitlines() == [
        "[1/3] done: S1A, 12 detections, 3 pairs, 0.0 s",
        "[2/3] skipped: S1B",
        "[3/3] failed: S1C: VV.tif could not be read: 503.",
    ]


def test_json_lines(log):
    stream = log("json", stream=Terminal())
    with Progress() as progress:
        progress(done("S1\nA"), 1, 2)
        progress(result(Verdict.REFUSED, "S1B", reason="S1B has HH only."), 2, 2)
    LOG.warning("%s", "two\nlines")
    first, second, third = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["level"] == "info"
    assert (first["stage"], first["item_id"], first["verdict"]) == ("scene", "S1\nA", "done")
    assert (first["ended"], first["planned"]) == (1, 2)
    assert second["level"] == "warning"
    assert second["reason"] == "S1B has HH only."
    assert second["message"] == "[2/2] refused: S1B has HH only."
    assert third["message"] == "two\nlines"
    assert third["time"].endswith("+00:00")


def test_one_line_is_kept_on_a_terminal(log, monkeypatch):
    clock = iter([0.0, 10.0, 20.0, 30.0, 40.0])
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(clock))
    stream = log(stream=Terminal())
    with Progress() as progress:
        progress(result(Verdict.SKIPPED, "S1Z", attempts=0), 1, 5)
        progress(done(), 2, 5)
        assert screen(stream.getvalue()) == [
            "[2/5] 3.0 scenes/min, 60 s left; done: S1A, 12 detections, 3 pairs, 0.0 s"
        ]
        progress(result(Verdict.FAILED, "S1B", reason="no answer"), 3, 5)
        LOG.warning("something else")
        kept = "[3/5] 4.0 scenes/min, 30 s left; failed: S1B: no answer"
        assert screen(stream.getvalue()) == ["[3/5] failed: S1B: no answer", "something else", kept]
        progress(done("S1C"), 4, 5)
    assert screen(stream.getvalue()) == ["[3/5] failed: S1B: no answer", "something else", ""]
    LOG.warning("the end")
    assert stream.getvalue().endswith("\r\x1b[Kthe end\n")


def test_only_scenes_that_took_work_tell_how_fast_it_goes(monkeypatch):
    clock = iter([0.0, 10.0, 30.0])
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(clock))
    counted = pace.Pace()
    for verdict in (Verdict.SKIPPED, Verdict.REFUSED, Verdict.FAILED):
        counted.note(result(verdict, attempts=0))
    assert counted.words(2) == ""
    for verdict in (Verdict.EMPTY, Verdict.REFUSED, Verdict.FAILED):
        counted.note(result(verdict))
    assert counted.words(2) == "6.0 scenes/min, 20 s left"


def test_the_kept_line_is_no_wider_than_the_terminal(log, monkeypatch):
    monkeypatch.setattr(logs.shutil, "get_terminal_size", lambda: os.terminal_size((40, 24)))
    stream = log(stream=Terminal())
    with Progress() as progress:
        progress(done("S1A" * 30), 1, 1)
        assert len(screen(stream.getvalue())[0]) == 39


def test_a_dumb_terminal_gets_plain_lines(log, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = log(stream=Terminal())
    with Progress() as progress:
        progress(done(), 1, 1)
    assert "\r" not in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (89, "89 s"), (90, "2 min"), (5000, "83 min"), (5700, "1.6 h"), (1e5, "27.8 h")],
)
def test_durations(seconds, text):
    assert pace.duration(seconds) == text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_control_characters_are_escaped(log, stream):
    stream = log(stream=stream())
    LOG.warning("an id of \x1b[2J\u202e and\nmore")
    with Progress() as progress:
        progress(result(Verdict.FAILED, "\x1b[2J", reason="r"), 1, 1)
    text = stream.getvalue()
    assert r"an id of \x1b[2J\u202e and\x0amore" in text
    assert r"\x1b[2J: r" in text
    assert "\x1b[2J" not in text


def test_other_packages_and_tracebacks_are_for_verbose(log):
    def say():
        logging.getLogger("urllib3").warning("retrying")
        try:
            raise RefusedScene("reason")
        except RefusedScene:
            LOG.debug("details", exc_info=True)

    stream = log()
    say()
    assert stream.getvalue() == ""
    stream = log(verbose=True)
    say()
    assert "retrying\ndetails\nTraceback" in stream.getvalue()
    stream = log("json", verbose=True)
    say()
    assert "RefusedScene: reason" in json.loads(stream.getvalue().splitlines()[1])["traceback"]


def test_python_warnings_are_log_lines(log):
    stream = log()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        show, warnings.showwarning = warnings.showwarning, logs._show_warning
        warnings.warn("this will change", FutureWarning, stacklevel=1)
        warnings.showwarning = show
    assert stream.getvalue() == "this will change\n"


def test_distributed_is_kept_quiet_here_and_in_workers(log, monkeypatch):
    monkeypatch.delenv("DASK_LOGGING__DISTRIBUTED")
    log()
    assert os.environ["DASK_LOGGING__DISTRIBUTED"] == "critical"
    monkeypatch.setenv("DASK_LOGGING__DISTRIBUTED", "info")
    log()
    assert os.environ["DASK_LOGGING__DISTRIBUTED"] == "info"
