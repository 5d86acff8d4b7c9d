"""Chunks that fit the workers' memory, and what is said where none do."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from westsea import api
from westsea.memory import USABLE, Room, fitted, need
from westsea.planning import Plan, PlannedScene, chunks_of
from westsea_catalog.errors import ConfigError
from westsea_catalog.grid import AffineGrid
from westsea_catalog.scene import Asset, Scene

MB = 1e6


def planned(rows, cols, chunk=None):
    grid = AffineGrid(32651, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_100_000.0), (rows, cols))
    when = datetime(2017, 10, 19, tzinfo=UTC)
    bands = (Asset("vv", "vv.tif"), Asset("vh", "vh.tif"))
    scene = Scene("S1A", "sentinel-1-rtc", "custom", "sar", when, "", "unknown", grid, bands)
    return PlannedScene(scene, grid.full, chunks_of(grid.full, chunk))


@given(
    st.integers(1, 20_000),
    st.integers(1, 30_000),
    st.integers(500, 20_000),
    st.integers(1, 8),
)
def test_what_fits_is_within_the_bound_and_covers_the_scene(rows, cols, megabytes, threads):
    scene, room = planned(rows, cols), Room(megabytes * MB, threads)
    try:
        [found] = fitted(Plan((scene,), ()), room).scenes
    except ConfigError:
        low = replace(scene, chunks=chunks_of(scene.window, (128, None)))
        least = low if len(scene.chunks) > 1 else scene
        assert need(least, threads) > USABLE * room.bytes
        return
    assert need(found, threads) <= USABLE * room.bytes
    assert sum(chunk.size for chunk in found.chunks) == scene.window.size
    assert all(chunk.row0 % 128 == 0 for chunk in found.chunks)
    # No lower than it must be.
    higher = replace(found, chunks=chunks_of(scene.window, (2 * found.chunks[0].shape[0], None)))
    assert (
        found.chunks == scene.chunks
        or found.chunks[0].shape[0] >= scene.chunks[0].shape[0]
        or need(higher, threads) > USABLE * room.bytes
    )


def test_chunks_that_were_asked_for_stay(caplog):
    scene = planned(4096, 16_000, (2048, None))
    plan = Plan((scene,), (), chunk=(2048, None))
    assert fitted(plan, Room(8000 * MB, 1)) == plan
    with pytest.raises(ConfigError, match=r"^S1A wants workers of \d+ MB with the chunks asked"):
        fitted(plan, Room(500 * MB, 1))


def test_what_fits_nowhere_is_told():
    plan = Plan((planned(12_000, 16_000),), ())
    with pytest.raises(ConfigError, match=r"with chunks of 128 rows, and there is one of 400 MB"):
        fitted(plan, Room(400 * MB, 1))


def test_the_bound_is_told_before_anything_runs(threads, caplog):
    caplog.set_level(logging.INFO, logger="westsea")
    plan = Plan((planned(256, 256),), ())
    api._fitted(plan, threads)
    [said] = [
        each.getMessage() for each in caplog.records if "worker will need" in each.getMessage()
    ]
    needed = need(plan.scenes[0], 2 if Room.of(threads) else 1)
    assert said.startswith(f"each worker will need at most {needed / MB:.0f} MB")


def test_room_is_that_of_the_worker_with_least_a_thread(threads):
    room = Room.of(threads)
    assert room is None or (room.threads == 2 and room.bytes > 0)
