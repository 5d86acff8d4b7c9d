"""A sweep into a disk that is full ends with exit code 5; with space again it goes on."""

import os
import subprocess
import sys

import pytest
from rig.outputs import tables

pytestmark = pytest.mark.chaos

N_SCENES = 12
SIZE = 1 << 20
LEFT = 96 << 10
"""Bytes for the first scenes of the run that meets the full disk."""


@pytest.fixture
def disk(tmp_path):
    """A file system of 1 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def sweep(items, out):
    """The command line, in a process of its own."""
    options = ("--items", items, "--out", out, "--workers", "0")
    command = [sys.executable, "-m", "westsea", "sweep", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_full_disk(local_items, disk, tmp_path):
    items = local_items(N_SCENES)
    out, plain = disk / "out", tmp_path / "plain"
    assert sweep(items, plain).returncode == 0
    filler = disk / "filler"
    filler.write_bytes(bytes(SIZE - LEFT))
    full = sweep(items, out)
    assert full.returncode == 5
    assert "No space is left" in full.stderr
    assert "Traceback" not in full.stderr
    assert len(tables(out)) < len(tables(plain))
    filler.unlink()
    assert sweep(items, out).returncode == 0
    assert tables(out) == tables(plain)
