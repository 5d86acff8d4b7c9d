"""The plan of a sweep: which scenes, which part of each, and how much that is."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from westsea.detection.areas import window_km2
from westsea_catalog.errors import RefusedScene, UsageError
from westsea_catalog.grid import Grid, Window
from westsea_catalog.items import scene_from_item
from westsea_catalog.profiles import Profile, profile_for
from westsea_catalog.region import WORLD
from westsea_catalog.scene import Scene
from westsea_catalog.stac_item import Item
from westsea_kernels.blocks import CELL

MARGIN_M = 2_000.0
"""Pixels are read this far outside the AOI, so that clutter and pairs at its rim are right."""
GUESS_MARGIN_M = 5_000.0
"""More, where a grid is a guess by an outline: those of catalogues are a km or two off, and the
window is found anew once the grid is."""
CHUNK_ROWS = 1024
SMALL_PX = 4_194_304
"""A scene of up to 2048 x 2048 pixels is one task; a larger one has a task for each chunk."""
RIM_POINTS = 33
STEP_DEG = 0.01
"""Between the points that stand for the outline of an AOI: what a map's curvature adds to 1 km of
it is far less than the margin."""


@dataclass(frozen=True)
class PlannedScene:
    """A scene and the part of it that is to be read."""

    scene: Scene
    window: Window
    chunks: tuple[Window, ...]

    @property
    def pixels(self) -> int:
        """Pixels to read, over all bands."""
        return self.window.size * len(self.scene.bands)

    @property
    def bytes(self) -> int:
        """Decoded bytes of those: 4 a radar pixel, 2 an optical one."""
        return self.pixels * (4 if self.scene.sensor == "sar" else 2)

    @property
    def is_guess(self) -> bool:
        """Whether where it lies, and so its window and area, is known only once it is read."""
        return not self.scene.is_located

    @cached_property
    def km2(self) -> float:
        """Area of the window on the ground, summed as the scenes table sums it."""
        return window_km2(self.scene.grid, self.window)

    @property
    def n_tasks(self) -> int:
        """Tasks on the cluster, at most: small scenes may share theirs."""
        return 1 if len(self.chunks) == 1 else len(self.chunks) + 1

    def _repr_html_(self) -> str:
        return self.scene._repr_html_()


@dataclass(frozen=True)
class RefusedItem:
    """An item that cannot be a scene, and why in one sentence."""

    item: Item
    reason: str


@dataclass(frozen=True, repr=False)
class Plan:
    """What a sweep would do."""

    scenes: tuple[PlannedScene, ...]
    refused: tuple[RefusedItem, ...]
    aoi: BaseGeometry | None = None
    """Polygons in longitude and latitude that results are clipped to; None for everywhere."""
    outside: int = 0
    """Scenes whose footprint, but none of whose pixels, lies in the AOI."""
    chunk: tuple[int, int | None] | None = None
    """Rows and columns of the chunks as asked for; None where they go by size and memory."""
    catalog: str = "custom"
    """Where the items came from: the name of a profile, or an address."""
    root: Path | None = None
    """Folder of a local catalogue, whose files the items may name."""

    def __repr__(self) -> str:
        return f"Plan({self._caption})"

    def _repr_html_(self) -> str:
        # Not at the top: what makes pictures is wanted in notebooks alone.
        from westsea_catalog.notebook import MOST_ROWS, scene_thumbnails, table_with_thumbnails

        names = ("scene", "time", "bands", "shape", "km2", "MB")
        shown = self.scenes[:MOST_ROWS]
        images = scene_thumbnails([each.scene for each in shown], profile_for(self.catalog))
        rows = list(map(_cells, shown))
        left = len(self.scenes) - len(shown)
        return table_with_thumbnails(self._caption, names, rows, images, left)

    @property
    def _caption(self) -> str:
        totals = self.summary()
        return f"{totals['scenes']} scenes, {totals['refused']} refused, {totals['km2']} km2"

    def summary(self) -> dict[str, Any]:
        """Totals, for people and for JSON."""
        return {
            "scenes": len(self.scenes),
            "refused": len(self.refused),
            "outside": self.outside,
            "km2": round(sum(planned.km2 for planned in self.scenes)),
            "pixels": sum(planned.pixels for planned in self.scenes),
            "bytes": sum(planned.bytes for planned in self.scenes),
            "tasks": sum(planned.n_tasks for planned in self.scenes),
        }


def _cells(planned: PlannedScene) -> tuple[object, ...]:
    scene = planned.scene
    rows, cols = scene.grid.shape
    shape, size = f"{rows} x {cols}", round(planned.bytes / 1e6)
    when = f"{scene.datetime:%Y-%m-%d %H:%M}"
    return scene.id, when, "+".join(scene.polarizations), shape, round(planned.km2), size


def plan(
    items: Sequence[Item],
    profile: Profile,
    root: Path | None,
    aoi: BaseGeometry | None = None,
    *,
    chunk: tuple[int, int | None] | None = None,
) -> Plan:
    """Plan a sweep over items, in their order.

    Parameters
    ----------
    items, profile, root : as `search`, `profile_for` and `root_of` give them
    aoi
        Polygons in longitude and latitude; None for all of every scene.
    chunk
        Rows and columns of the chunks, multiples of 128; None for the full width. Any choice
        gives the same tables.

    Raises
    ------
    UsageError
        Chunks of another size.
    """
    if chunk is not None:
        _check_chunk(chunk)
    scenes, refused, outside = [], [], 0
    for item in items:
        try:
            scene = scene_from_item(item, profile, root)
        except RefusedScene as error:
            refused.append(RefusedItem(item, str(error)))
            continue
        window = window_of(scene.grid, aoi)
        if window is None:
            outside += 1
            continue
        scenes.append(PlannedScene(scene, window, chunks_of(window, chunk)))
    catalog = profile.url or profile.name if profile.name == "custom" else profile.name
    return Plan(tuple(scenes), tuple(refused), aoi, outside, chunk, catalog.partition("?")[0], root)


def take_shard(items: Sequence[Item], index: int, count: int) -> list[Item]:
    """The part of the items that falls to shard `index` of `count`, by a hash of their ids."""
    return [item for item in items if _place(item) % count == index]


def _place(item: Item) -> int:
    name = f"{item.get('collection')}\n{item.get('id')}"
    return int.from_bytes(hashlib.sha256(name.encode(errors="replace")).digest()[:8], "big")


def parse_shard(text: str) -> tuple[int, int]:
    """The two numbers of "i/N"."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is None or not int(match[1]) < int(match[2]):
        raise UsageError(f"{text!r} is no shard: write i/N with i from 0 to N-1, such as 0/4.")
    return int(match[1]), int(match[2])


def parse_chunk(text: str) -> tuple[int, int | None]:
    """Rows, and columns if given, of "ROWS[,COLS]"."""
    match = re.fullmatch(r"(\d{1,6})(?:,(\d{1,6}))?", text)
    if match is None:
        raise UsageError(_no_chunk(text))
    chunk = int(match[1]), int(match[2]) if match[2] else None
    _check_chunk(chunk)
    return chunk


def _check_chunk(chunk: tuple[int, int | None]) -> None:
    if any(side is not None and (side <= 0 or side % CELL) for side in chunk):
        raise UsageError(_no_chunk(",".join(str(side) for side in chunk if side is not None)))


def _no_chunk(text: str) -> str:
    return f"{text!r} is no chunk: write rows, or rows,columns, multiples of {CELL}."


def window_of(grid: Grid, aoi: BaseGeometry | None) -> Window | None:
    """The cells of a grid that hold an AOI and its margin; None where they do not meet."""
    if aoi is None:
        return grid.full
    margin = MARGIN_M + grid.is_guess * GUESS_MARGIN_M
    around = _surroundings(grid, margin)
    near = shapely.intersection(aoi, around)
    if near.is_empty:
        return None
    if shapely.contains(aoi, around):
        return grid.full
    points = shapely.get_coordinates(shapely.segmentize(near, STEP_DEG))
    row, col = grid.pixel(points[:, 0], points[:, 1])
    if not np.isfinite(row + col).all():  # beyond what the grid's projection can place
        return grid.full
    steps = np.linalg.inv(grid.jacobian(grid.shape[0] / 2, grid.shape[1] / 2))
    col_reach, row_reach = margin * np.hypot(steps[:, 0], steps[:, 1])
    window = Window(
        int((row.min() - row_reach) // CELL * CELL),
        int(-(-(row.max() + row_reach) // CELL) * CELL),
        int((col.min() - col_reach) // CELL * CELL),
        int(-(-(col.max() + col_reach) // CELL) * CELL),
    ).intersection(grid.full)
    return window if window.size else None


def _surroundings(grid: Grid, margin_m: float) -> BaseGeometry:
    """The box around a grid and a margin in longitude and latitude; two where it crosses 180."""
    rows, cols = (np.linspace(0, side, RIM_POINTS) - 0.5 for side in grid.shape)
    lon, lat = grid.lonlat(*np.meshgrid(rows, cols))
    placed = np.isfinite(lon + lat)
    lon, lat = lon[placed], lat[placed]
    if np.ptp(lon) > 180:
        lon = lon % 360
    margin = margin_m / 110_500 / np.cos(np.deg2rad(min(np.abs(lat).max(), 85.0)))
    south, north = lat.min() - margin, lat.max() + margin
    boxes = [
        shapely.box(lon.min() - margin + turn, south, lon.max() + margin + turn, north)
        for turn in (-360, 0, 360)
    ]
    return shapely.intersection(shapely.MultiPolygon(boxes), shapely.box(*WORLD))


def chunks_of(window: Window, chunk: tuple[int, int | None] | None) -> tuple[Window, ...]:
    """The chunks of a window, row by row; None for one a small scene and 1024 rows of a large."""
    if chunk is None:
        chunk = (CHUNK_ROWS, None) if window.size > SMALL_PX else window.shape
    n_rows, n_cols = chunk[0], chunk[1] or window.shape[1]
    return tuple(
        Window(row, row + n_rows, col, col + n_cols).intersection(window)
        for row in range(window.row0, window.row1, n_rows)
        for col in range(window.col0, window.col1, n_cols)
    )
