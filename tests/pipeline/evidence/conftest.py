"""Months of tables, and scenes of which only tables exist."""

import importlib.util
import sys
from pathlib import Path

import pytest


def _module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def months():
    return _module("months", Path(__file__).with_name("months.py"))


@pytest.fixture(scope="session")
def made():
    """What the tests of lineage do with tables."""
    path = Path(__file__).parents[1] / "lineage/conftest.py"
    return _module("lineage_tables", path).made.__wrapped__()
