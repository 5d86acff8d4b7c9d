"""The image's steps, and what was made by them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

K8S = Path(__file__).parents[2] / "k8s"


def test_hadolint_finds_nothing(tools):
    done = subprocess.run(
        [tools / "hadolint", "--failure-threshold", "style", K8S / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_find_something(tools, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN apt-get install gcc\n")
    done = subprocess.run(
        [tools / "hadolint", tmp_path / "Dockerfile"], capture_output=True, check=False
    )
    assert done.returncode == 1


def test_the_image_has_what_runs_and_nothing_that_builds(image):
    names = {path.name for path in (image.tree / "bin").iterdir()}
    assert {"westsea", "dask", "python"} <= names
    assert names.isdisjoint({"pip", "uv", "hatchling", "gcc", "cc"})
    packages = {path.name for path in image.tree.glob("lib/python*/site-packages/*")}
    assert {"westsea", "westsea_kernels", "westsea_catalog"} <= packages
    assert packages.isdisjoint({"pip", "hatchling", "editables", "pytest", "hypothesis"})
    # The wheel and not the checkout.
    assert not [name for name in packages if name.startswith("_editable")]


def test_the_processor_is_fixed_with_its_features(image):
    # Without the second, numba takes those of the machine that builds.
    assert image.environment["NUMBA_CPU_NAME"] == "x86-64-v3"
    assert image.environment["NUMBA_CPU_FEATURES"] == ""


@pytest.fixture(scope="module")
def traced(image, place):
    """Environment and folders of a run whose use of compiled kernels is told."""

    def prepare(name, kernels):
        home = place / name
        for folder in ("cache", "tmp", "out"):
            (home / folder).mkdir(parents=True)
        if kernels:
            shutil.copytree(image.tree / "kernels", home / "cache/kernels")
        subprocess.run(["chown", "-R", "10001", home], check=True)
        mounts = [(home / each, f"/{each}", False) for each in ("cache", "tmp", "out")]
        return {**image.environment, "NUMBA_DEBUG_CACHE": "1", "HOME": "/tmp"}, mounts

    return prepare


RUN = ["westsea", "sweep", "--catalog", "/archive/catalog.json", "--aoi", "west-sea"]
RUN += ["--datetime", "2017-10-17/2017-10-20", "--out", "/out/x", "--workers", "1", "--offline"]


def test_kernels_are_loaded_by_processes_that_did_not_compile_them(
    image, place, archive, traced, contain
):
    environment, mounts = traced("warm", kernels=True)
    environment["NUMBA_CACHE_DIR"] = "/cache/kernels"
    code, said = contain(RUN, environment, [*mounts, (archive, "/archive", True)])
    assert code == 0, said
    hits, misses = len(re.findall("data loaded from", said)), len(re.findall("data saved to", said))
    print(f"{hits} kernels loaded, {misses} compiled")
    assert hits > 40
    assert misses == 0


def test_the_tree_is_read_only_and_the_user_nobody(image, contain, traced):
    environment, mounts = traced("locked", kernels=False)
    code = (
        "import os; print(os.getuid(), os.access('/opt/westsea', os.W_OK), os.access('/', os.W_OK))"
    )
    done, said = contain(["python", "-c", code], environment, mounts)
    assert (done, said) == (0, "10001 False False\n")


def test_kernels_that_cannot_be_kept_are_compiled_all_the_same(image, contain, traced):
    # As the image starts by itself: NUMBA_CACHE_DIR is in the tree, where nothing can be written.
    environment, mounts = traced("cold", kernels=False)
    code = (
        "from westsea.compiled import compile_once, keep_compiled\n"
        "keep_compiled(); compile_once()\n"
        "import numpy as np\n"
        "from westsea_kernels.joins import same_things as f\n"
        "none = np.zeros(0, np.int64)\n"
        "f(none, none, np.zeros(0, np.bool_), none)\n"
        "print(len(f.signatures))"
    )
    done, said = contain(["python", "-c", code], environment, mounts)
    assert done == 0, said
    assert said.splitlines()[-1] == "1"
