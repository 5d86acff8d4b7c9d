"""The examples run, on the small archive of the tests."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The catalog.json of the archive that the tests of sweeps share."""
    path = HERE.parent / "pipeline/conftest.py"
    spec = importlib.util.spec_from_file_location("pipeline_conftest", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.archive.__wrapped__(tmp_path_factory)


def run(name, *arguments):
    command = [sys.executable, "-W", "error::FutureWarning", HERE / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_examples(archive, tmp_path):
    assert "item_id" in run("region.py", archive, tmp_path / "out")
    told = run("tables.py", tmp_path / "out")
    assert "best" in told
    assert "sentinel-1-rtc" in told
    assert "hulls, the longest" in run("steps.py", archive, tmp_path)
    assert (tmp_path / "steps.png").stat().st_size > 10_000
