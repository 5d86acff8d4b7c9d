"""Judge a scene: from its summary to the rows of its three tables.

    summary -> sea (level, thresholds) -> blobs -> hulls -> doubts -> company -> pairs -> tables

One ordinary function; what it needs of the pixels beyond the summary it reads through `Pixels`.
"""

from dataclasses import dataclass, fields
from math import erfc, sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from westsea.detection.alongside import Evidence, flag_several, weigh_hulls
from westsea.detection.areas import cell_pixel_areas, cell_sizes
from westsea.detection.bands import fit_bands
from westsea.detection.blobs import Blobs, find_blobs
from westsea.detection.clouds import flag_clouds, flag_white_clouds
from westsea.detection.company import flag_company
from westsea.detection.farms import flag_farms
from westsea.detection.ghosts import flag_ghosts
from westsea.detection.hulls import Hulls, measure_hulls
from westsea.detection.lattices import flag_lattices
from westsea.detection.motion import tell_motion
from westsea.detection.pairs import Pairs, chip_bounds, pair_hulls
from westsea.detection.pixels import Pixels
from westsea.detection.sea import RADAR_CHECK_RATE, Sea, sea
from westsea.detection.statistics import Summary, spread_to_blocks
from westsea.detection.wakes import flag_wakes
from westsea.detector import Detector
from westsea.schema import DETECTIONS, PAIRS, SCENES
from westsea.tables import build
from westsea_catalog.coast import Coast
from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import Window
from westsea_catalog.scene import Scene
from westsea_catalog.trust import brief
from westsea_kernels.blocks import BLOCKS_PER_CELL, CELL, SAMPLING

Float = NDArray[np.float64]

INCIDENCE_POINTS = 33
"""Along either side of the window: incidence bends little over a swath."""
NO_DETECTION = np.array(None, object)
MOST_NEAR = 1_000_000
"""Pairs of detections that share a cell, in a scene. 50 ships to each 1.6 km2 would have to cover
1,300 km2; damaged pixels make a thousand times as many, and tables without end."""


@dataclass(frozen=True)
class Judgement:
    """A scene's tables, and what it took to make them."""

    tables: dict[str, pa.Table]
    """detections, pairs and scenes."""
    n_fetched: int
    """Blocks read a second time."""


def judge(
    scene: Scene,
    summary: Summary,
    pixels: Pixels,
    coast: Coast,
    aoi: BaseGeometry | None,
    detector: Detector,
) -> Judgement:
    """Detections, pairs and the scene's own row.

    Parameters
    ----------
    summary, pixels
        Of the window of the scene that is to be judged.
    coast
        Flags what lies near land; the mask is in the summary already.
    aoi
        Polygons in longitude and latitude; detections whose centroid and pairs whose midpoint
        lies outside are left out. None for everywhere.

    Raises
    ------
    RefusedScene
        It shows no sea: there are more detections close together than ships can be.
    """
    cell_area = cell_pixel_areas(scene.grid, summary.window)
    water, blobs, hulls = find_hulls(scene, summary, pixels, coast, detector, cell_area)
    _check_crowd(scene, hulls, summary.window)
    if scene.sensor == "optical":
        hulls = flag_wakes(flag_clouds(hulls, pixels), pixels)
        fits = fit_bands(hulls, pixels)
        hulls = flag_white_clouds(tell_motion(hulls, fits), fits, pixels)
    else:
        hulls = flag_ghosts(scene, summary, blobs, hulls)
        hulls = flag_farms(hulls, blobs.land_at, summary.window, scene.grid, water, pixels.blocks)
    hulls = flag_company(flag_lattices(hulls))
    evidence = weigh_hulls(scene, summary, water, blobs, hulls, detector)
    hulls = flag_several(hulls, evidence)
    pairs = pair_hulls(hulls, detector, evidence)
    inside = _inside(aoi, hulls.lon, hulls.lat)
    tables = {
        DETECTIONS.name: _detections(scene, hulls.take(inside), evidence.take(inside)),
        PAIRS.name: _pairs(scene, hulls, evidence, pairs, _inside(aoi, pairs.lon, pairs.lat)),
    }
    counts = {
        "n_detections": tables[DETECTIONS.name].num_rows,
        "n_pairs": tables[PAIRS.name].num_rows,
        "n_land_pairs": pairs.n_of_land,
    }
    tables[SCENES.name] = _scene(scene, summary, water, blobs, cell_area, detector, counts)
    return Judgement(tables, blobs.n_fetched)


def _check_crowd(scene: Scene, hulls: Hulls, window: Window) -> None:
    at_sea = ~hulls.is_land  # of land on land no pairs are listed
    row, col = (hulls.row - window.row0)[at_sea], (hulls.col - window.col0)[at_sea]
    cells = np.stack([row // CELL, col // CELL])
    _, counts = np.unique(cells, axis=1, return_counts=True)
    if int((counts * (counts - 1) // 2).sum()) > MOST_NEAR:
        raise RefusedScene(
            f"{brief(scene.id)} has {len(hulls):,} detections, closer together than ships can be:"
            " its pixels are damaged, or show ice or a city."
        )


def find_hulls(
    scene: Scene,
    summary: Summary,
    pixels: Pixels,
    coast: Coast,
    detector: Detector,
    cell_area: Float,
) -> tuple[Sea, Blobs, Hulls]:
    """The sea, what is connected above it, and the hulls measured in it.

    cell_area : of `cell_pixel_areas`.
    """
    water = sea(summary, scene.sensor, detector)
    largest = spread_to_blocks(detector.largest_hull_m2 / cell_area, summary.block_valid.shape)
    blobs = find_blobs(summary, water, pixels.blocks, largest)
    return water, blobs, measure_hulls(scene, summary, water, blobs, coast, detector)


def _inside(aoi: BaseGeometry | None, lon: Float, lat: Float) -> NDArray[np.bool_]:
    if aoi is None:
        return np.ones(lon.size, np.bool_)
    return np.asarray(shapely.intersects_xy(aoi, lon, lat))


def _of_item(scene: Scene, n: int) -> dict[str, list[Any]]:
    return {"item_id": [scene.id] * n, "datetime": [scene.datetime] * n}


def _detections(scene: Scene, hulls: Hulls, evidence: Evidence) -> pa.Table:
    n = len(hulls)
    columns = {
        field.name: getattr(source, field.name)
        for source in (hulls, evidence)
        for field in fields(source)
        if field.name in DETECTIONS.names
    }
    return build(
        DETECTIONS,
        {
            **columns,
            **_of_item(scene, n),
            "platform": [scene.platform] * n,
            "orbit_state": [scene.orbit_state] * n,
            "geometry": shapely.to_wkb(shapely.points(hulls.lon, hulls.lat)),
        },
    )


def _pairs(
    scene: Scene, hulls: Hulls, evidence: Evidence, pairs: Pairs, inside: NDArray[np.bool_]
) -> pa.Table:
    one, two = hulls.take(pairs.first), hulls.take(pairs.second)
    within, resolved = pairs.in_one_blob, evidence.take(pairs.first)
    same_name = set(PAIRS.names) & {field.name for field in fields(pairs)}
    ends = np.stack([[one.lon, one.lat], [two.lon, two.lat]]).transpose(2, 0, 1)
    lines, points = shapely.linestrings(ends), shapely.points(one.lon, one.lat)
    table = build(
        PAIRS,
        {
            **{name: getattr(pairs, name) for name in same_name},
            **_of_item(scene, len(one)),
            "detect_id_1": one.detect_id,
            "detect_id_2": np.where(within, NO_DETECTION, two.detect_id),
            "length_m_1": np.where(within, resolved.length_m_1, one.length_m),
            "length_m_2": np.where(within, resolved.length_m_2, two.length_m),
            "width_m_1": np.where(within, resolved.width_m_1, one.width_m),
            "width_m_2": np.where(within, resolved.width_m_2, two.width_m),
            "geometry": shapely.to_wkb(np.where(within, points, lines)),
            "chip_bounds": chip_bounds(pairs, hulls, scene.grid),
        },
    )
    return table.filter(pa.array(inside))


def _scene(
    scene: Scene,
    summary: Summary,
    water: Sea,
    blobs: Blobs,
    pixel_m2: Float,
    detector: Detector,
    counts: dict[str, int],
) -> pa.Table:
    seen_land = np.zeros_like(summary.valid)
    cells = tuple((blobs.land_at // BLOCKS_PER_CELL).T)
    np.add.at(seen_land, cells, blobs.land.sum(axis=(1, 2)))
    searched = summary.valid - seen_land
    nodata = cell_sizes(summary.window) - summary.valid - summary.land
    km2 = pixel_m2 / 1e6
    nominal, empirical = _rates(scene, water, blobs, int(searched.sum()), detector)
    return build(
        SCENES,
        {
            **_of_item(scene, 1),
            "platform": [scene.platform],
            "orbit_state": [scene.orbit_state],
            "polarizations": [list(scene.polarizations)],
            "footprint": [shapely.to_wkb(shapely.geometry.shape(scene.footprint))],
            "processing_baseline": [scene.baseline],
            "processed": [scene.processed],
            **_radar(scene, summary.window),
            "km2_valid": [float((searched * km2).sum())],
            "km2_masked": [float(((summary.land + seen_land) * km2).sum())],
            "km2_nodata": [float((nodata * km2).sum())],
            "clutter_db": [water.clutter_db],
            "enl": [water.enl],
            "k_order": [water.k_order],
            "pfa_nominal": [nominal],
            "pfa_empirical": [empirical],
            **{name: [count] for name, count in counts.items()},
        },
    )


def _radar(scene: Scene, window: Window) -> dict[str, list[Any]]:
    """What the scenes table says of the radar: of a scene in radar geometry alone."""
    columns = (
        "radar_mode",
        "calibrated",
        "noise_removed",
        "incidence_min_deg",
        "incidence_max_deg",
    )
    radar = scene.radar
    if radar is None:
        return {name: [None] for name in columns}
    rows, cols = (
        np.linspace(first, last - 1, INCIDENCE_POINTS)
        for first, last in ((window.row0, window.row1), (window.col0, window.col1))
    )
    incidence = radar.incidence_deg(*np.meshgrid(rows, cols))
    ends = [float(incidence.min()), float(incidence.max())]
    values = (radar.mode, radar.calibrated, radar.noise_removed, *ends)
    return {name: [value] for name, value in zip(columns, values, strict=True)}


def _rates(
    scene: Scene, water: Sea, blobs: Blobs, n_sea: int, detector: Detector
) -> tuple[float, float]:
    """False alarms per pixel above the seed: nominal, and as the scene's own tail has them.

    The scene is too small to count at the seed: what is counted lies above a lower threshold.
    """
    if scene.sensor == "sar":
        nominal, lower = detector.false_alarm_rate, RADAR_CHECK_RATE
        above, n_sea = water.n_above, water.n_counted
    else:
        nominal = normal_tail(detector.optical_seed_sigma)
        lower = normal_tail(detector.optical_growth_sigma)
        above = water.n_above * SAMPLING**2
        above = max(above - int(blobs.start[-1]) - int(blobs.land.sum()), 0)
    return nominal, nominal * above / (lower * n_sea) if n_sea else float("nan")


def normal_tail(sigmas: float) -> float:
    """Share of a normal distribution that lies more than so many deviations above its mean."""
    return 0.5 * erfc(sigmas / sqrt(2.0))
