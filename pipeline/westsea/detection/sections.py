"""Blobs described for the question of one hull or several: contrasts in, fits and sections out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea.detection.axes import azimuths_deg, blur, middle_azimuth_deg, per_metre
from westsea.detection.blobs import Blobs
from westsea.detection.hulls import Hulls
from westsea.detection.sea import Sea
from westsea.detection.statistics import Summary, grown
from westsea_catalog.scene import Scene
from westsea_kernels import alongside, sections, smears, two_hulls
from westsea_kernels.blocks import BLOCK, BLOCKS_PER_CELL

Float = NDArray[np.float64]

NO_SEA = -2
"""Slot of a block without valid pixels."""
LOOKS = 4.4
"""Of Sentinel-1 IW GRDH, and little more after terrain correction."""
UNEVEN = {1: 1 / 1.2, 2: 1 / 1.5}
"""Variance of a hull's own brightness, as a share of its square: the fewer scatterers in a pixel
the more; two polarisations see partly others."""
SHARED_PIXELS = 3.5
"""Pixels of 10 m that share one speckle."""
SMEAR_SD_M = 8.0
LOG_WIDTH_SD, WIDTH_SHARE = 0.6, 1.2
"""Prior of the width, in usual beams: broad, and no narrower for two than for one."""
OPTICAL_UNEVEN, OPTICAL_SMEAR_SD_M = 0.02, 0.3
RADAR_FLOOR, OPTICAL_FLOOR = 0.3, 3.0
"""Contrast that sections begin at: of radar in means of the sea, else in its deviations."""
HIGHEST = 1e6
"""No contrast counts for more: squares of pixels at the end of float32 overflow."""
BRIGHT_SHARE = {"sar": 0.3, "optical": 0.6}
"""Of a blob's peak that its hull has on the whole, for a first guess."""


@dataclass(frozen=True)
class Description:
    """What the pixels about each of n hulls are like; NaN where there is too little to tell."""

    fit: Float
    """(n, smears.N_FITTED)"""
    statistics: Float
    """(n, 1 + bands, sections.N_STATISTICS)"""
    picture: Float
    """(n, bands, sections.N_ALONG, sections.N_ACROSS)"""
    two: Float
    """(n, 1 + 2 x two_hulls.N_FITTED) of an optical scene: the gain of two hulls over one, and
    both fits; (n, 0) of a radar one."""
    azimuth_rad: Float
    """(n,) direction of azimuth, clockwise from north; of an optical scene it means nothing."""
    blur: Float
    """(3,) variances east-east, north-north and east-north of the point spread, m2."""


def describe(scene: Scene, summary: Summary, sea: Sea, blobs: Blobs, hulls: Hulls) -> Description:
    """Describe hulls of a scene's window by the pixels of the blocks that were looked at."""
    jacobian = np.ascontiguousarray(scene.grid.jacobian(hulls.peak_row, hulls.peak_col))
    is_radar = scene.sensor == "sar"
    row, col = hulls.peak_row - summary.window.row0, hulls.peak_col - summary.window.col0
    near = np.flatnonzero(_near(blobs, hulls, jacobian, row // BLOCK, col // BLOCK))
    slots = np.where(summary.block_valid > 0, -1, NO_SEA)
    slots[tuple(blobs.at[near].T)] = np.arange(near.size)
    contrast, owner = _contrasts(sea, blobs, near, is_radar=is_radar), blobs.owner[near]
    n, n_bands = len(hulls), contrast.shape[1]
    at = slots[row // BLOCK, col // BLOCK], row % BLOCK, col % BLOCK
    peak = contrast[at[0], :, at[1], at[2]].mean(axis=1).astype(float)
    guess = _guess(hulls, jacobian, BRIGHT_SHARE[scene.sensor] * peak)
    psf, azimuth = blur(scene), np.deg2rad(middle_azimuth_deg(scene)) if is_radar else 0.0
    fit = np.empty((n, smears.N_FITTED))
    statistics = np.empty((n, 1 + n_bands, sections.N_STATISTICS))
    picture = np.empty((n, n_bands, sections.N_ALONG, sections.N_ACROSS))
    two = np.empty((n, 0 if is_radar else 1 + 2 * two_hulls.N_FITTED))
    alongside.describe_blobs(
        owner[at],
        row,
        col,
        guess,
        slots,
        contrast,
        owner,
        jacobian,
        psf,
        np.array([np.sin(azimuth), np.cos(azimuth)]),
        _model(n_bands, is_radar=is_radar),
        RADAR_FLOOR if is_radar else OPTICAL_FLOOR,
        fit,
        statistics,
        picture,
        two,
    )
    at_hulls = _azimuths(scene, hulls) if scene.radar is not None else np.full(n, azimuth)
    return Description(fit, statistics, picture, two, at_hulls, psf)


def _near(
    blobs: Blobs, hulls: Hulls, jacobian: Float, row: NDArray[np.int64], col: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of the blocks looked at may hold pixels about a hull; row, col : (n,) its block."""
    reach_m = hulls.length_m + sections.END_M + sections.REACH_M  # the peak may lie at an end
    reach = 1 + np.ceil(reach_m * np.maximum(*per_metre(jacobian)) / BLOCK).astype(np.int64)
    near = np.zeros(blobs.slots.shape, np.bool_)
    for steps in range(reach.max(initial=0), 0, -1):
        here = reach == steps
        near[row[here], col[here]] = True
        near = grown(near)
    return np.asarray(near[tuple(blobs.at.T)])


def _contrasts(
    sea: Sea, blobs: Blobs, near: NDArray[np.int64], *, is_radar: bool
) -> NDArray[np.float32]:
    """(k, bands, BLOCK, BLOCK) of some of the blocks looked at.

    Of radar the level over the sea's mean, less 1, in each polarisation; else how far the band that
    is searched lies above the water, in deviations of the water's.
    """
    places = blobs.at[near]
    background = sea.background[tuple(places.T)][:, None, None, None]
    if not is_radar:
        noise = sea.noise[tuple(places.T)][:, None, None, None]
        contrast = (blobs.plane[near, None] - background) / noise
    else:
        weights = sea.weights[tuple((places // BLOCKS_PER_CELL).T)][:, :, None, None]
        with np.errstate(over="ignore"):
            level = blobs.planes.bands(places) * (weights.shape[1] * weights)
        contrast = level / background - 1.0
    return np.asarray(np.clip(contrast, -HIGHEST, HIGHEST), np.float32)


def _guess(hulls: Hulls, jacobian: Float, level: Float) -> Float:
    guess = np.empty((len(hulls), alongside.N_GUESS))
    away = np.stack([hulls.col - hulls.peak_col, hulls.row - hulls.peak_row], axis=1)
    guess[:, [alongside.EAST, alongside.NORTH]] = np.einsum("nij,nj->ni", jacobian, away)
    guess[:, alongside.HEADING] = np.deg2rad(hulls.heading_deg)
    guess[:, alongside.LENGTH], guess[:, alongside.WIDTH] = hulls.length_m, hulls.width_m
    guess[:, alongside.LEVEL] = level
    return guess


def _azimuths(scene: Scene, hulls: Hulls) -> Float:
    """(n,) in radar geometry, which says it place by place."""
    (azimuth,) = azimuths_deg(scene, hulls.row, hulls.col, hulls.lat)
    return np.deg2rad(azimuth)


def _model(n_bands: int, *, is_radar: bool) -> Float:
    """Of `smears.fit_smeared`."""
    if not is_radar:
        return np.array(
            [1.0, 0.0, OPTICAL_UNEVEN, 1.0, OPTICAL_SMEAR_SD_M, LOG_WIDTH_SD, WIDTH_SHARE]
        )
    looks = n_bands * LOOKS
    return np.array(
        [
            1 / looks,
            2 / looks,
            UNEVEN[n_bands],
            SHARED_PIXELS,
            SMEAR_SD_M,
            LOG_WIDTH_SD,
            WIDTH_SHARE,
        ]
    )
