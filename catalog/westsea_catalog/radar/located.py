"""A scene with the grid that its pixels lie on, and the radar that made them.

A scene in radar geometry is planned on a guess (`Grid.is_guess`), for its item says neither where
its pixels lie nor what they mean. `located` asks its files, once, on the worker that opens it;
what reads pixels takes the scene that it returns.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import GEOD, Float
from westsea_catalog.radar.annotation import Annotation, mesh_of, read_annotation
from westsea_catalog.radar.documents import content
from westsea_catalog.radar.grids import RadarGrid
from westsea_catalog.radar.levels import Levels
from westsea_catalog.radar.product import RadarProduct
from westsea_catalog.radar.sea_level import at_sea_level, usual_view
from westsea_catalog.radar.splines import Mesh
from westsea_catalog.radar.tables import read_calibration, read_noise
from westsea_catalog.reader import name_of, reader_of
from westsea_catalog.scene import Asset, DocumentKind, Scene
from westsea_catalog.trust import brief

HALF_LIGHT_MS = 299_792_458.0 / 2
MODES = ("IW", "EW")
MOST_APART_M = 100.0
"""That a file's control points may lie from those of its annotation: they are the same."""
BORDER = 500
"""Samples at either side, and lines at either end of a data take, that may hold artefacts in what
the processor made before version 2.90. SNAP looks for them as far in."""

T = TypeVar("T")


def located(scene: Scene) -> Scene:
    """The scene on its true grid, with `radar` filled; one on a map as it is.

    Reads the header of one file and each document once.

    Raises
    ------
    RefusedScene
        A file or a document is not what it should be, or they contradict each other.
    FailedScene
        One could not be read.
    ConfigError
        Keys are missing or wrong.
    """
    if scene.is_located:
        return scene
    first = scene.bands[0]
    points, shape = _control_points(scene, first)
    annotations = [_read(scene, band, "annotation", read_annotation) for band in scene.bands]
    annotation = next((each for each in annotations if each is not None), None)
    if annotation is None and len(points) < 4:
        raise RefusedScene(
            f"{name_of(first.source)} has {len(points)} ground control points and no annotation, so"
            " nothing says where its pixels lie."
        )
    if annotation is None:
        grid = _grid_of_points(points, shape, scene.mode, brief(scene.id))
        product = RadarProduct(scene.mode)
    else:
        _check(scene, annotation, shape, points)
        grid = grid_of_annotation(annotation)
        product = _product(annotation, grid)
    bands = tuple(_with_levels(scene, band, shape, annotation) for band in scene.bands)
    levels = [band.levels for band in bands if band.levels is not None]
    product = replace(
        product,
        calibrated=all(level.gamma for level in levels),
        noise_removed=all(level.noise for level in levels),
    )
    return replace(scene, grid=grid, bands=bands, radar=product)


def _control_points(scene: Scene, asset: Asset) -> tuple[Float, tuple[int, int]]:
    """(n, 5) row, column, longitude, latitude, height of a file's control points; its shape.

    Sentinel-1's lie at integers, from 0 to one less than there are lines and samples, and the
    annotation gives for line 0 the time of the first line: integers are centres of pixels, though
    GDAL takes them for corners, as it would all of a file with AREA_OR_POINT=Area. Where a file
    says Point, GDAL has added a half.
    """
    reader = reader_of(asset, scene.grid, scene.nodata)
    header = reader.header()
    half = 0.5 if header.tags.get("AREA_OR_POINT") == "Point" else 0.0
    points = np.array(header.points, float).reshape(-1, 5)
    points[:, :2] -= half
    name = name_of(asset.source)
    if not np.isfinite(points).all() or (np.abs(points[:, 3]) > 90).any():
        raise RefusedScene(f"{name} has ground control points that lie nowhere.")
    return points, header.shape


def _read(scene: Scene, band: Asset, kind: DocumentKind, read: Callable[[bytes], T]) -> T | None:
    """A document of a band, read; None where there is none."""
    document = next(
        (each for each in scene.documents if (each.kind, each.band) == (kind, band.name)), None
    )
    text = content(document) if document is not None else None
    if document is None or text is None:
        return None
    try:
        return read(text)
    except RefusedScene as reason:
        raise RefusedScene(f"{brief(scene.id)}: {name_of(document.path)} {reason}.") from None


def _check(scene: Scene, annotation: Annotation, shape: tuple[int, int], points: Float) -> None:
    """Compare a file with its annotation."""
    name = brief(scene.id)
    if annotation.mode not in MODES:
        raise RefusedScene(
            f"{name} was taken in mode {brief(annotation.mode, 20)}; westsea reads IW and EW."
        )
    if annotation.shape != shape:
        found, said = (f"{rows} x {cols}" for rows, cols in (shape, annotation.shape))
        raise RefusedScene(f"{name} has {found} pixels, but its annotation says {said}.")
    if not len(points):
        return  # as some tools leave files; the annotation says all that they would
    row, col, lon, lat, _ = points.T
    nodes = annotation.nodes
    known = Mesh(annotation.rows, annotation.cols, _unwrapped(nodes))
    near = np.isin(row, annotation.rows) & np.isin(col, annotation.cols)
    (said_lon, said_lat), _, _ = known.at(row[near], col[near])
    _, _, apart = GEOD.inv(lon[near], lat[near], said_lon, said_lat)
    if not near.any() or not np.nanmax(apart) <= MOST_APART_M:
        raise RefusedScene(
            f"{name} has ground control points that lie elsewhere than its annotation says."
        )


def _unwrapped(nodes: dict[str, Float]) -> Float:
    """(2, n, m) longitudes without a step at 180 degrees, and latitudes."""
    lon = nodes["longitude"]
    return np.stack([lon[0, 0] + (lon - lon[0, 0] + 180.0) % 360.0 - 180.0, nodes["latitude"]])


def _grid_of_points(points: Float, shape: tuple[int, int], mode: str, name: str) -> RadarGrid:
    """The grid through a file's control points alone."""
    row, col, *_ = points.T
    try:
        rows, cols, order = mesh_of(row, col)
    except RefusedScene as reason:
        raise RefusedScene(f"{name} {reason}.") from None
    lon, lat, height = (points[order, k].reshape(len(rows), len(cols)) for k in (2, 3, 4))
    incidence, slant = usual_view(mode, cols, shape[1])
    lon, lat = at_sea_level(lon, lat, height, *np.broadcast_arrays(incidence, slant))
    return RadarGrid(shape, rows, cols, lon, lat)


def grid_of_annotation(annotation: Annotation) -> RadarGrid:
    """The grid over lines and slant ranges, through the annotation's points at sea level."""
    nodes = annotation.nodes
    slant = nodes["slantRangeTime"] * HALF_LIGHT_MS
    lon, lat = at_sea_level(
        nodes["longitude"], nodes["latitude"], nodes["height"], nodes["incidenceAngle"], slant
    )
    if not (np.diff(slant, axis=1) > 0).all():
        raise RefusedScene("has an annotation whose slant ranges do not ascend.")
    knots = np.linspace(slant.min(), slant.max(), slant.shape[1])
    own = _unwrapped({"longitude": lon, "latitude": lat})
    lines = [
        Mesh(np.zeros(1), slant[i], own[:, i : i + 1]).at(np.zeros(len(knots)), knots)[0]
        for i in range(len(slant))
    ]
    lon, lat = np.stack(lines, axis=1)
    return RadarGrid(annotation.shape, annotation.rows, knots, lon, lat, annotation.ranges)


def _product(annotation: Annotation, grid: RadarGrid) -> RadarProduct:
    row, col = np.meshgrid(annotation.rows, annotation.cols, indexing="ij")
    jacobian = grid.jacobian(row, col)
    return RadarProduct(
        mode=annotation.mode,
        rows=annotation.rows,
        cols=annotation.cols,
        incidence=annotation.nodes["incidenceAngle"],
        slant_time=annotation.nodes["slantRangeTime"],
        swaths=annotation.swaths,
        fm_rows=annotation.fm_rows,
        fm_rates=annotation.fm_rates,
        row_time_s=annotation.row_time_s,
        row_m=np.hypot(jacobian[..., 0, 1], jacobian[..., 1, 1]),
    )


def _with_levels(
    scene: Scene, band: Asset, shape: tuple[int, int], annotation: Annotation | None
) -> Asset:
    """The band with what its numbers mean, as far as its documents say."""
    gamma = _read(scene, band, "calibration", read_calibration) or ()
    along, azimuth, is_new = _read(scene, band, "noise", read_noise) or ((), (), True)
    border = None if is_new else _border(shape, annotation)
    return replace(band, levels=Levels(shape, gamma, along, azimuth, border))


def _border(shape: tuple[int, int], annotation: Annotation | None) -> tuple[int, int, int, int]:
    """What lies within the border of a product of the time before version 2.90."""
    rows, cols = shape
    is_first = annotation is None or annotation.is_first
    is_last = annotation is None or annotation.is_last
    row0, row1 = BORDER if is_first else 0, rows - BORDER if is_last else rows
    return row0, max(row1, row0), min(BORDER, cols), max(cols - BORDER, 0)
