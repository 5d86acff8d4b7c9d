"""Scenes that were planned on a guess, found where they lie: on the worker, once in each process.

A scene in radar geometry is planned on its outline. Its files say where its pixels lie and what
they mean, and no driver opens them. What is cached is the located scene itself, so that all chunks
of a process share its grid, and with it the coast that is laid on that.
"""

from collections import OrderedDict
from dataclasses import replace
from threading import Lock

import numpy as np
from shapely.geometry import Polygon, mapping

from westsea.planning import chunks_of
from westsea.records import SceneKey
from westsea_catalog.grid import Grid, Window
from westsea_catalog.radar.located import located
from westsea_catalog.scene import Asset, Scene
from westsea_kernels.blocks import CELL

MOST_KEPT = 4
"""Scenes that a process remembers: those whose chunks it has in turn. One takes some MB."""
SIDE_POINTS = 33
"""Of an outline, along each side: over 8 km the ends of slices bend by less than a metre."""

_KEPT: OrderedDict[tuple[SceneKey, tuple[Asset, ...]], Scene] = OrderedDict()
_LOCK = Lock()


def locate(key: SceneKey, scene: Scene) -> Scene:
    """A scene on its true grid, its footprint that of its pixels; one on a map as it is.

    Raises
    ------
    RefusedScene, FailedScene, ConfigError
        As `westsea_catalog.radar.located.located`.
    """
    if scene.is_located:
        return scene
    with _LOCK:  # threads that ask for one scene wait for the first of them
        name = (key, scene.bands)
        if name not in _KEPT:
            found = located(scene)
            _KEPT[name] = replace(found, footprint=mapping(outline(found.grid)))
            if len(_KEPT) > MOST_KEPT:
                _KEPT.popitem(last=False)
        _KEPT.move_to_end(name)
        return _KEPT[name]


def outline(grid: Grid) -> Polygon:
    """The outer edge of a grid's pixels in longitude and latitude."""
    rows, cols = (np.linspace(-0.5, side - 0.5, SIDE_POINTS) for side in grid.shape)
    top, bottom = np.full(SIDE_POINTS, rows[0]), np.full(SIDE_POINTS, rows[-1])
    left, right = np.full(SIDE_POINTS, cols[0]), np.full(SIDE_POINTS, cols[-1])
    row = np.concatenate([top, rows, bottom, rows[::-1]])
    col = np.concatenate([cols, right, cols[::-1], left])
    return Polygon(np.column_stack(grid.lonlat(row, col)))


def shares(window: Window, count: int) -> tuple[Window, ...]:
    """The rows of a window in at most so many chunks of whole cells, none larger than it must be.

    Any chunks give the same tables; so a number of chunks that was planned on a guess holds for the
    window that is found.
    """
    n_cells = -(-window.shape[0] // CELL)
    return chunks_of(window, (CELL * -(-n_cells // count), None))
