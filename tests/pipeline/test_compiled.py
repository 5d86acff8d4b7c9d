import os
import subprocess
import sys

import pytest
from numba.core.dispatcher import Dispatcher

from westsea import compiled


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """What compile_once would run, with a cache below tmp_path."""
    seen = []
    monkeypatch.setattr(compiled, "_run_kernels", seen.append)
    monkeypatch.setenv("WESTSEA_JIT_CACHE", "1")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return seen


def test_kernels_are_compiled_once(runs):
    compiled.compile_once()
    compiled.compile_once()
    compiled._compile_into.cache_clear()  # as another process has it
    compiled.compile_once()
    assert runs == ["sar", "optical"]


def test_nothing_is_compiled_ahead_without_a_cache(runs, monkeypatch):
    monkeypatch.setenv("WESTSEA_JIT_CACHE", "0")
    compiled.compile_once()
    assert runs == []


def test_a_compilation_that_was_cut_short_is_done_again(runs, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(compiled, "_run_kernels", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compiled.compile_once()
    monkeypatch.setattr(compiled, "_run_kernels", runs.append)
    compiled.compile_once()
    assert runs == ["sar", "optical"]


def test_no_place_for_a_cache_is_no_error(runs, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    compiled.compile_once()
    assert runs == []


def test_the_command_line_keeps_compiled_kernels_by_their_sources(monkeypatch, tmp_path):
    monkeypatch.delenv("WESTSEA_JIT_CACHE", raising=False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled.keep_compiled()
    folder = compiled.os.environ["NUMBA_CACHE_DIR"]
    assert folder.startswith(str(tmp_path / "westsea" / "numba-"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    compiled.keep_compiled()
    assert compiled.os.environ["NUMBA_CACHE_DIR"] == "elsewhere"


def test_a_user_without_a_home_goes_without_a_cache(monkeypatch):
    def nobody(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("WESTSEA_JIT_CACHE", "1")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(compiled.Path, "expanduser", nobody)
    compiled.keep_compiled()
    assert compiled.os.environ["WESTSEA_JIT_CACHE"] == "0"
    assert "NUMBA_CACHE_DIR" not in compiled.os.environ


def test_running_the_kernels_leaves_none_of_the_pipelines_to_compile():
    compiled._run_kernels("sar")
    compiled._run_kernels("optical")
    kernels = {
        kernel
        for name, module in sys.modules.items()
        if name.startswith("westsea.")
        for kernel in vars(module).values()
        if isinstance(kernel, Dispatcher)
    }
    assert len(kernels) > 10
    assert [kernel.py_func.__name__ for kernel in kernels if not kernel.signatures] == []


def test_python_keeps_compiled_kernels_as_the_command_line_does(tmp_path):
    """Importing westsea is enough, and nothing is compiled by that."""
    gone = ("WESTSEA_JIT_CACHE", "NUMBA_CACHE_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in gone}
    code = "import os, sys, westsea; print(os.environ['NUMBA_CACHE_DIR'], 'numba' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    folder, loaded = done.stdout.split()
    assert folder.startswith(str(tmp_path / "westsea" / "numba-"))
    assert loaded == "False"
