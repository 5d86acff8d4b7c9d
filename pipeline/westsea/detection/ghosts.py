"""Ghosts of brighter targets in radar scenes: azimuth ambiguities and sidelobes.

An ambiguity lies along the track, where echoes one pulse too early or too late are focused; a
sidelobe on the cross of range and azimuth through its source. Either is weaker by what the sensor
lets through. The evidence, source and ratio, is kept with the flag.
"""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.axes import azimuths_deg
from westsea.detection.blobs import Blobs
from westsea.detection.doubts import doubted_by, excess_db
from westsea.detection.hulls import Hulls
from westsea.detection.statistics import Summary
from westsea.schema import Flag
from westsea_catalog.grid import GEOD, Grid
from westsea_catalog.scene import Scene
from westsea_kernels.blocks import BLOCK
from westsea_kernels.ghosts import ghost_sources
from westsea_kernels.pairs import find_pairs

Float = NDArray[np.float64]

ALONG_M = np.array([[4_300.0, 5_300.0], [5_400.0, 5_900.0]])
"""Of IW2 and IW1, and of IW3: PRF x wavelength x slant range / (2 x speed) is 4.4-4.7, 4.9-5.2 and
5.5-5.8 km, and 100 m more or less with the height of the orbit. Which subswath a place lies in
is not told by RTC products. In radar geometry the annotation tells the distance place by place."""
ALONG_SLACK_M = 150.0
"""About a distance that is told: a long hull's middle and its ghost's lie up to 100 m off."""
ACROSS_M = np.array([-120.0, 185.0])
"""From source to ghost, away from the radar. Migration over a wrong Doppler, by one PRF while
TOPS steers by up to 2.8 kHz, leaves -80 to 145 m on the ground; 40 m for both positions."""
DIRECTION_SLACK = float(np.tan(np.deg2rad(2.5)))
"""Azimuth turns by 2 degrees over the swath; products and simulations that take the platform's
heading for it are off by 3."""
LINE_SLACK = float(np.tan(np.deg2rad(0.5)))
"""In radar geometry azimuth is the lines' axis."""
GHOST_RATIO_DB = (18.0, 40.0)
"""Sentinel-1's ambiguities lie 20 to 35 dB below their target; 2 dB less for speckle, and 5 more
for peaks that smear."""

ARM_M = 450.0
"""Where the sidelobes of a target 40 dB above the sea have sunk into it."""
ARM_WIDTH_M = 30.0
"""Half of it: the resolution and half a pixel."""
RESOLUTION_M = 20.0
FIRST_SIDELOBE_DB = 21.2
HAMMING_STEP = 0.667
"""Hamming weights of 0.75 end at 0.5 of a mean of 0.75: the amplitude at x resolutions is that of
a rectangle's, 1 / (pi x), times this."""
SIDELOBE_MARGIN_DB = 5.0
"""A hull is many scatterers, whose sidelobes add up, and speckle."""
SLIM = 5.0
"""Length over width of a piece of an arm. Such ones may be brighter by SLIM_MARGIN_DB: the parts of
a tower or a long hull that lie behind one another add up on the arm that they share."""
SLIM_MARGIN_DB = 5.0
SLIM_TURN_DEG = 10.0
"""Of the axis of such a piece from its arm."""

_POINT_M = 0.1


def flag_ghosts(scene: Scene, summary: Summary, blobs: Blobs, hulls: Hulls) -> Hulls:
    """Flag sidelobes and azimuth ambiguities of a radar scene, with source and ratio."""
    source, ratio = _sidelobes(scene, hulls)
    hulls = doubted_by(hulls, Flag.SIDELOBE, source, ratio)
    land_lon, land_lat, land_db = _bright_land(scene.grid, summary, blobs)
    lon, lat = np.append(hulls.lon, land_lon), np.append(hulls.lat, land_lat)
    level = np.append(excess_db(hulls), land_db)
    source = _ambiguities(scene, hulls, lon, lat, level)
    ratio = np.where(source >= 0, level[source] - level[: len(hulls)], np.nan)
    return doubted_by(hulls, Flag.AZIMUTH_AMBIGUITY, source, ratio)


def _bright_land(grid: Grid, summary: Summary, blobs: Blobs) -> tuple[Float, Float, Float]:
    """Longitude, latitude and level in dB of the blocks that hold land seen in the pixels."""
    rows, cols = blobs.land_at.T * BLOCK + (BLOCK - 1) / 2
    lon, lat = grid.lonlat(rows + summary.window.row0, cols + summary.window.col0)
    brightest = summary.largest[0][tuple(blobs.land_at.T)].astype(float)
    return lon, lat, 10.0 * np.log10(np.maximum(brightest, np.finfo(float).tiny))


def _ambiguities(
    scene: Scene, hulls: Hulls, lon: Float, lat: Float, level: Float
) -> NDArray[np.int64]:
    """(n,) for each hull the target that it may be a ghost of, -1 for none.

    lon, lat, level : (n + m,) of hulls and land.
    """
    n = len(hulls)
    order = np.argsort(lat, kind="stable")
    along = _along(scene, hulls)
    brightest = np.full(n, -1)
    for azimuth in azimuths_deg(scene, hulls.row, hulls.col, hulls.lat):
        found = np.empty(n, np.int64)
        ghost_sources(
            lon[:n].copy(),
            lat[:n].copy(),
            level[:n] + GHOST_RATIO_DB[0],
            level[:n] + GHOST_RATIO_DB[1],
            azimuth,
            _slack(scene),
            along,
            ACROSS_M,
            lon[order],
            lat[order],
            level[order],
            found,
        )
        found[found >= 0] = order[found[found >= 0]]
        better = (found >= 0) & ((brightest < 0) | (level[found] > level[brightest]))
        brightest = np.where(better, found, brightest)
    return brightest


def _along(scene: Scene, hulls: Hulls) -> Float:
    """(n, 2, 2) intervals in which the sources of ghosts lie ahead or astern, metres."""
    along = np.tile(ALONG_M, (len(hulls), 1, 1))
    if scene.radar is not None:
        told = scene.radar.ambiguity_m(hulls.row, hulls.col)
        is_told = np.isfinite(told)
        about = told[is_told, None, None] + np.array([-ALONG_SLACK_M, ALONG_SLACK_M])
        along[is_told] = np.broadcast_to(about, along[is_told].shape)
    return along


def _slack(scene: Scene) -> float:
    """Tangent of how far the direction of azimuth may be off."""
    return DIRECTION_SLACK if scene.radar is None else LINE_SLACK


def _sidelobes(scene: Scene, hulls: Hulls) -> tuple[NDArray[np.int64], Float]:
    """(n,) for each hull the one whose sidelobe it may be, -1 for none; and the ratio in dB."""
    source, ratio = np.full(len(hulls), -1), np.full(len(hulls), np.nan)
    strong, weak, away, aside, turn = _on_cross(scene, hulls)
    level = excess_db(hulls)
    below = level[strong] - level[weak]
    envelope = 20.0 * np.log10(np.pi * np.maximum(away, RESOLUTION_M) / RESOLUTION_M / HAMMING_STEP)
    slim = hulls.length_m[weak] >= SLIM * hulls.width_m[weak]
    margin = SIDELOBE_MARGIN_DB + SLIM_MARGIN_DB * (slim & (turn <= SLIM_TURN_DEG))
    least = np.maximum(envelope, FIRST_SIDELOBE_DB) - margin
    on_arm = aside <= ARM_WIDTH_M + _slack(scene) * away
    hit = on_arm & (below >= least)
    # The strongest last, so that it is the one that stays.
    for k in np.flatnonzero(hit)[np.lexsort((-strong[hit], below[hit]))]:
        source[weak[k]], ratio[weak[k]] = strong[k], below[k]
    return source, ratio


def _on_cross(
    scene: Scene, hulls: Hulls
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float, Float, Float]:
    """Indices of the stronger and the weaker of near hulls; where on the cross the weaker lies.

    That is metres along and off the nearer arm, and degrees from it to the weaker one's axis.

    Every part of a long hull or a tall tower has its own sidelobes, so the arms are as wide as the
    stronger one reaches across them, and begin where it ends.
    """
    order = np.argsort(hulls.lat, kind="stable")
    lon, lat = hulls.lon, hulls.lat
    points = np.full(len(hulls), _POINT_M)
    near, _, _ = find_pairs(
        lon[order], lat[order], points, points, 0.0 * points, ARM_M, np.zeros(len(hulls), np.bool_)
    )
    one, two = order[near[:, 0]], order[near[:, 1]]
    level = excess_db(hulls)
    swap = level[two] > level[one]
    strong, weak = np.where(swap, two, one), np.where(swap, one, two)
    bearing, _, away = GEOD.inv(lon[strong], lat[strong], lon[weak], lat[weak])
    along, aside, lean = np.full((3, strong.size), np.inf)
    half = hulls.length_m[strong] / 2
    for azimuth in azimuths_deg(scene, hulls.row[strong], hulls.col[strong], lat[strong]):
        turn, axis = (np.deg2rad(each - azimuth) for each in (bearing, hulls.heading_deg[strong]))
        beyond = [
            np.maximum(np.abs(away * part(turn)) - half * np.abs(part(axis)), 0.0)
            for part in (np.cos, np.sin)
        ]
        for arm, off, direction in (
            (beyond[0], beyond[1], azimuth),
            (beyond[1], beyond[0], azimuth + 90.0),
        ):
            nearer = off < aside
            turned = np.abs((hulls.heading_deg[weak] - direction + 90.0) % 180.0 - 90.0)
            along, aside = np.where(nearer, arm, along), np.where(nearer, off, aside)
            lean = np.where(nearer, turned, lean)
    return strong, weak, along, aside, lean
