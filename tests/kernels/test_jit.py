"""Each test starts its own process: numba decides about its cache when a module is imported."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import westsea_kernels

CALL = """
from westsea_kernels.pairs import offset_m
east, north = offset_m(125.0, 38.0, 125.0, 38.001)
assert east == 0 and 110 < north < 112
print(sum(offset_m.stats.cache_hits.values()))
"""


@pytest.fixture
def run(tmp_path):
    """Call a kernel in a new process; returns how often numba found it in its cache."""

    def call(code=CALL, root=Path(westsea_kernels.__file__).parents[1], **environ):
        ours = ("NUMBA_", "WESTSEA_", "PYTHON")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=kept | {"PYTHONPATH": str(root)} | environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    return call


def test_nothing_is_cached_unless_asked(run, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    assert run(NUMBA_CACHE_DIR=str(cache)) == 0
    assert run(NUMBA_CACHE_DIR=str(cache), WESTSEA_JIT_CACHE="0") == 0
    assert not list(cache.rglob("*"))


def test_a_second_process_finds_the_cache(run, tmp_path):
    environ = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "WESTSEA_JIT_CACHE": "1"}
    assert run(**environ) == 0
    assert list(tmp_path.rglob("pairs.offset_m-*.nbc"))
    assert run(**environ) == 1


def test_kernels_work_where_nothing_can_be_written(run, tmp_path):
    """Files where numba wants folders stand for a read-only disk: they stop root too."""
    shutil.copytree(
        Path(westsea_kernels.__file__).parent,
        tmp_path / "root/westsea_kernels",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "root/westsea_kernels/__pycache__").touch()
    (tmp_path / "file").touch()
    nowhere = {
        name: str(tmp_path / "file/below") for name in ("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME")
    }
    refused = """
import numba
from westsea_kernels.pairs import offset_m
try:
    numba.njit(cache=True)(offset_m.py_func)
except RuntimeError as error:
    assert "no locator available" in str(error)
else:
    raise AssertionError("numba found a place for its cache")
"""
    environ = nowhere | {"WESTSEA_JIT_CACHE": "1"}
    assert run(refused + CALL, tmp_path / "root", **environ) == 0
