"""The repository keeps its own rules: rooms, top level, requirements, wheel, quick start-up."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "westsea_catalog": ROOT / "catalog/westsea_catalog",
    "westsea_kernels": ROOT / "kernels/westsea_kernels",
    "westsea": ROOT / "pipeline/westsea",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOP_LEVEL = re.compile(
    r"pyproject\.toml|README\.md|pipeline|kernels|catalog|tests|k8s|Makefile|LICENSE"
    r"|CHANGELOG\.md|CONTRIBUTING\.md|CITATION\.cff|requirements[^/]*\.txt|\..*"
)


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    roots = os.pathsep.join(str(root / path.parent.name) for path in PACKAGES.values())
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": roots},
        capture_output=True,
        text=True,
        check=False,
    )


def imported(package: Path) -> set[str]:
    """Top-level names of the third-party modules that a package imports anywhere."""
    names: set[str] = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(str(node.module).partition(".")[0])
    return names - sys.stdlib_module_names - PACKAGES.keys()


# -- rooms


def test_import_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("westsea_catalog", "import westsea"),
        ("westsea_catalog", "import westsea_kernels"),
        ("westsea_kernels", "import westsea_catalog"),
        ("westsea_kernels", "import xarray"),
    ],
)
def test_import_contracts_bite(package: str, line: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    only_code = shutil.ignore_patterns("__pycache__", "data")
    for name, path in PACKAGES.items():
        shutil.copytree(path, tmp_path / path.parent.name / name, ignore=only_code)
    intruder = tmp_path / PACKAGES[package].parent.name / package / "intruder.py"
    intruder.write_text(line + "\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{package}.intruder" in done.stdout


def test_kernels_import_numpy_and_numba_only() -> None:
    assert imported(PACKAGES["westsea_kernels"]) <= {"numpy", "numba"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_a_declared_dependency(package: str) -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *chain.from_iterable(extras)]
    declared = {canonicalize_name(Requirement(each).name) for each in wanted}
    distributions = packages_distributions()
    undeclared = {
        name
        for name in imported(PACKAGES[package])
        if declared.isdisjoint(map(canonicalize_name, distributions.get(name, [])))
    }
    assert not undeclared


# -- the repository


def test_top_level_holds_only_what_belongs_there() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what is tracked is unknown")
    tracked = run("git", "ls-files").stdout.splitlines()
    assert tracked
    assert [n for n in {f.partition("/")[0] for f in tracked} if not TOP_LEVEL.fullmatch(n)] == []


def pins(file: str) -> Iterator[tuple[Requirement, str]]:
    """Each requirement of a requirements file, with the options that follow it."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / file).read_text(), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        requirement, _, options = line.partition(" --")
        yield Requirement(requirement), "--" + options


@pytest.mark.parametrize(
    "file",
    [f"requirements{kind}.txt" for kind in ("", "-dev", "-bench", "-integration", "-k8s", "-uv")],
)
def test_requirements_are_pinned_and_hashed_and_name_no_host(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted| @ ", text)
    for requirement, options in pins(file):
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert re.fullmatch(r"(--hash=sha256:[0-9a-f]{64}\s*)+", options), requirement


def test_development_requirements_contain_the_others_unchanged() -> None:
    """The same version and files, though perhaps on fewer Pythons: some need it on all."""

    def frozen(file: str) -> set[tuple[str, str, frozenset[str]]]:
        return {(r.name, str(r.specifier), frozenset(o.split())) for r, o in pins(file)}

    assert frozen("requirements.txt") < frozen("requirements-dev.txt")


def test_bench_requirements_agree_with_the_product() -> None:
    product = {canonicalize_name(r.name): r.specifier for r, _ in pins("requirements.txt")}
    shared = {canonicalize_name(r.name): r.specifier for r, _ in pins("requirements-bench.txt")}
    assert "numpy" in shared
    assert {n: v for n, v in shared.items() if n in product and v != product[n]} == {}


@pytest.mark.parametrize(
    ("file", "declared"),
    [
        ("requirements.txt", PROJECT["project"]["dependencies"]),
        ("requirements.txt", PROJECT["dependency-groups"]["build"]),
        ("requirements-dev.txt", PROJECT["dependency-groups"]["dev"]),
        ("requirements-bench.txt", PROJECT["dependency-groups"]["bench"]),
        ("requirements-integration.txt", PROJECT["dependency-groups"]["integration"]),
        ("requirements-k8s.txt", PROJECT["dependency-groups"]["k8s"]),
        ("requirements-uv.txt", PROJECT["dependency-groups"]["lock"]),
    ],
)
def test_requirements_meet_what_the_project_declares(file: str, declared: list[object]) -> None:
    pinned: dict[str, list[str]] = {}
    for requirement, _ in pins(file):
        version = str(requirement.specifier).removeprefix("==")
        pinned.setdefault(canonicalize_name(requirement.name), []).append(version)
    for wanted in (Requirement(d) for d in declared if isinstance(d, str)):
        versions = pinned.get(canonicalize_name(wanted.name), [])
        assert versions, f"{wanted} is missing: run make lock"
        assert list(wanted.specifier.filter(versions)) == versions, wanted


# -- what is built and run


def test_the_wheel_holds_the_three_packages_whole(tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    expected = {
        str(Path(name) / file.relative_to(path))
        for name, path in PACKAGES.items()
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {f"{name}/py.typed" for name in PACKAGES} <= expected
    assert {name for name in held if ".dist-info/" not in name} == expected


def test_help_loads_neither_dask_nor_numba() -> None:
    code = "import sys; from westsea.cli import main; sys.argv = ['westsea', '--help']; main()"
    done = run(sys.executable, "-X", "importtime", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: westsea")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "westsea.cli" in loaded
    assert loaded.isdisjoint({"dask", "distributed", "numba"})


def test_the_citation_is_of_this_package():
    """What CFF 1.2.0 requires, and what pyproject.toml says too."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(cited["cff-version"]) == "1.2.0"
    assert cited["type"] == "software"
    for required in ("message", "title", "abstract"):
        assert isinstance(cited[required], str)
        assert cited[required]
    assert all(author.keys() & {"name", "family-names"} for author in cited["authors"])
    assert cited["title"].startswith(PROJECT["project"]["name"])
    assert cited["license"] in PROJECT["project"]["license"].split(" AND ")
    assert cited["version"] == PROJECT["project"]["version"]
    assert len(set(cited["keywords"])) == len(cited["keywords"])
