"""Hulls: ship-sized blobs, measured in metres and placed on the Earth."""

import hashlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from westsea.detection.areas import cell_sizes
from westsea.detection.axes import blur
from westsea.detection.blobs import Blobs
from westsea.detection.fits import refine
from westsea.detection.sea import Sea
from westsea.detection.shore import (
    BRIGHTEST_GROUND_DB,
    ISLET_REACH_M,
    crowded,
    land_without_rim,
    to_land,
    too_stout,
)
from westsea.detection.statistics import Summary, grown, spread_to_blocks
from westsea.detector import Detector
from westsea.schema import DOUBT, Flag
from westsea_catalog.coast import Coast
from westsea_catalog.radar.product import RadarProduct
from westsea_catalog.scene import Scene
from westsea_kernels import hulls as moments
from westsea_kernels.blocks import BLOCK, BLOCKS_PER_CELL

Float = NDArray[np.float64]

CORE = {"sar": 0.1, "optical": 0.3}
"""Share of a hull's brightness that its own pixels reach; wakes stay below."""
EDGE_PX = 2
SWATH_EDGE_PX = 4
"""In radar geometry annotation says where the swath ends, to a burst and a few samples; margins
are too narrow for whole cells without data."""
EMPTY_SHARE = 0.95
"""A cell with this share of pixels without data lies outside the swath. Dark water can hold the
value that means no data too, but hardly over a whole cell."""
SATURATED = 65535.0
"""Top of the files' numbers."""
LEAST_FULL_SCALE = 10_000.0
"""A reflectance of one. Products that are cut lower than at the top of their numbers are cut above
it, and then several pixels share the scene's largest value."""
LONGEST_HULL_M = 500.0
"""No ship is longer; moles are."""
WIDEST_PAIR_M = 100.0
"""Two ships side by side are no wider; what is, and too stout for ships, is land anywhere."""
ID_LENGTH = 20
"""Hexadecimal digits of an id: 80 bits, no clash in a lifetime of detections."""

SCORE_WEIGHTS = {"sar": (2.3, 0.8), "optical": (1.7, 1.5)}
"""Logistic fit of "is a planted hull" on eight built-in archives: intercept, and weight of each
octave of the peak above the seed's threshold. `make bench` prints it anew."""
DOUBT_SCORE = 0.25
"""Factor on the score of a blob with a doubt flag."""


@dataclass(frozen=True)
class Hulls:
    """One entry a detection, all arrays (n,); units in the names, pixels of the scene's grid."""

    row: Float
    col: Float
    peak_row: NDArray[np.int64]
    peak_col: NDArray[np.int64]
    lon: Float
    lat: Float
    position_sd_m: Float
    length_m: Float
    length_sd_m: Float
    width_m: Float
    width_sd_m: Float
    heading_deg: Float
    heading_sd_deg: Float
    n_pixels: NDArray[np.int32]
    peak_db: Float
    clutter_db: Float
    snr_db: Float
    score: Float
    flags: NDArray[np.int32]
    distance_from_shore_m: Float
    is_land: NDArray[np.bool_]
    """Pieces of land themselves, as the pixels have it. A coast is not right enough to say so."""
    at_land: NDArray[np.bool_]
    """So near land that the pixels show that they may lie at a quay, or are a piece of it."""
    detect_id: NDArray[np.object_]
    doubt_detect_id: NDArray[np.object_]
    """What it may be the ghost, the sidelobe or the wake of; None for none, or for land."""
    doubt_ratio_db: Float
    """How much weaker it is than that; NaN for none."""
    speed_mps: Float
    """Along the axis; NaN where it is not known."""
    speed_sd_mps: Float

    def __len__(self) -> int:
        return len(self.row)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "Hulls":
        """A subset, or another order."""
        return Hulls(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def measure_hulls(
    scene: Scene, summary: Summary, sea: Sea, blobs: Blobs, coast: Coast, detector: Detector
) -> Hulls:
    """Measure the blobs of a scene's window; rows in order of the peak's row and column."""
    window, grid = summary.window, scene.grid
    first = blobs.start[:-1]
    block = (blobs.rows[first] // BLOCK, blobs.cols[first] // BLOCK)
    jacobian = np.ascontiguousarray(
        grid.jacobian(blobs.rows[first] + window.row0, blobs.cols[first] + window.col0)
    )
    out = _moments(scene, sea, blobs, block, jacobian)
    seen, mapped = _from_shore(scene, summary, sea, blobs, jacobian, out, coast)
    found = refine(scene.sensor, summary, sea, blobs, jacobian, blur(scene), out)
    row, col, peak = (out[:, i] for i in (moments.ROW, moments.COL, moments.PEAK))
    peak_row, peak_col = out[:, [moments.PEAK_ROW, moments.PEAK_COL]].T.astype(np.int64)
    at_peak = (peak_row // BLOCK, peak_col // BLOCK)
    background, level = sea.background[at_peak], _level(sea, at_peak)
    lon, lat = grid.lonlat(row + window.row0, col + window.col0)
    peak_db = _decibel(peak * level)
    stout = too_stout(found)
    land = _too_large(out, stout)
    if scene.sensor == "sar":
        land |= crowded(row, col, jacobian, blobs.land_at, window.shape)
        stout &= _may_be_ground(scene, peak_db)
    shore = np.where(land, 0.0, np.minimum(seen, mapped))
    near = (shore <= detector.land_near_m) | (stout & (shore <= ISLET_REACH_M))
    flags = np.where(near, int(Flag.LAND_NEAR), 0)
    flags |= np.where(_at_edge(scene, summary, blobs), int(Flag.EDGE), 0)
    if scene.sensor == "optical":
        flags |= np.where(peak >= _full_scale(summary, blobs), int(Flag.SATURATED), 0)
    peak_row, peak_col = peak_row + window.row0, peak_col + window.col0
    hulls = Hulls(
        row=row + window.row0,
        col=col + window.col0,
        peak_row=peak_row,
        peak_col=peak_col,
        lon=lon,
        lat=lat,
        position_sd_m=out[:, moments.POSITION_SD],
        length_m=out[:, moments.LENGTH],
        length_sd_m=out[:, moments.LENGTH_SD],
        width_m=out[:, moments.WIDTH],
        width_sd_m=out[:, moments.WIDTH_SD],
        heading_deg=out[:, moments.HEADING],
        heading_sd_deg=out[:, moments.HEADING_SD],
        n_pixels=np.diff(blobs.start).astype(np.int32),
        peak_db=peak_db,
        clutter_db=_decibel(background * level),
        snr_db=_decibel(peak / background),
        score=_score(scene, peak / sea.seed[at_peak], flags),
        flags=flags.astype(np.int32),
        distance_from_shore_m=shore,
        is_land=land,
        at_land=land | (seen <= detector.land_near_m),
        detect_id=_detect_ids(scene, peak_row, peak_col),
        doubt_detect_id=np.full(peak.size, None, object),
        doubt_ratio_db=np.full(peak.size, np.nan),
        speed_mps=np.full(peak.size, np.nan),
        speed_sd_mps=np.full(peak.size, np.nan),
    )
    return hulls.take(np.lexsort((peak_col, peak_row)))


def _may_be_ground(scene: Scene, peak_db: Float) -> NDArray[np.bool_]:
    """(n,) which radar blobs are no brighter than rocks; none where levels are relative."""
    is_known = scene.radar is None or scene.radar.calibrated
    return np.asarray((peak_db <= BRIGHTEST_GROUND_DB) & is_known)


def _level(sea: Sea, block: tuple[NDArray[np.int64], NDArray[np.int64]]) -> Float:
    """(n,) what 1 in the plane means in the first band, in the cells of the blocks."""
    cell = (block[0] // BLOCKS_PER_CELL, block[1] // BLOCKS_PER_CELL)
    weights = sea.weights[cell].astype(float)
    return np.asarray(1.0 / (weights.shape[1] * weights[:, 0]))


def _full_scale(summary: Summary, blobs: Blobs) -> float:
    """Value from which an optical pixel is saturated: where numbers end, or the product is cut."""
    largest = summary.largest[0][summary.block_valid > 0]
    top = float(largest.max(initial=0.0))
    n = max(int((largest == top).sum()), int((blobs.values == top).sum()))
    return min(top, SATURATED) if top >= LEAST_FULL_SCALE and n > 1 else SATURATED


def _moments(
    scene: Scene,
    sea: Sea,
    blobs: Blobs,
    block: tuple[NDArray[np.int64], NDArray[np.int64]],
    jacobian: Float,
) -> Float:
    out = np.zeros((blobs.start.size - 1, moments.N_MEASURES))
    moments.measure_hulls(
        blobs.start,
        blobs.rows,
        blobs.cols,
        blobs.values,
        sea.background[block],
        sea.growth[block],
        CORE[scene.sensor],
        sea.noise[block],
        sea.looks,
        jacobian,
        blur(scene),
        out,
    )
    return out


def _from_shore(
    scene: Scene,
    summary: Summary,
    sea: Sea,
    blobs: Blobs,
    jacobian: Float,
    out: Float,
    coast: Coast,
) -> tuple[Float, Float]:
    """Metres to land seen in the pixels, and to the coast, from the blob's own middle.

    A fit beside a quay may be drawn to it, and out of sea.
    """
    row, col = out[:, moments.ROW], out[:, moments.COL]
    lon, lat = scene.grid.lonlat(row + summary.window.row0, col + summary.window.col0)
    land = land_without_rim(summary, sea, blobs) if scene.sensor == "optical" else blobs.land
    return to_land(row, col, jacobian, blobs.land_at, land), coast.distance_m(lon, lat)


def _too_large(out: Float, stout: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Blobs that are land themselves, for their measured size."""
    is_long = out[:, moments.LENGTH] - out[:, moments.LENGTH_SD] > LONGEST_HULL_M
    is_wide = out[:, moments.WIDTH] - out[:, moments.WIDTH_SD] > WIDEST_PAIR_M
    return np.asarray(is_long | (is_wide & stout))


def _at_edge(scene: Scene, summary: Summary, blobs: Blobs) -> NDArray[np.bool_]:
    """Blobs that touch the end of the file or of the swath, or a part without data."""
    rows, cols = blobs.rows + summary.window.row0, blobs.cols + summary.window.col0
    n_rows, n_cols = scene.grid.shape
    touches = (
        (rows < EDGE_PX)
        | (cols < EDGE_PX)
        | (rows >= n_rows - EDGE_PX)
        | (cols >= n_cols - EDGE_PX)
    )
    if scene.radar is not None and scene.radar.swaths:
        touches |= _beside_swath(scene.radar, rows, cols)
    pixels = cell_sizes(summary.window)
    empty_cell = summary.valid + summary.land <= (1.0 - EMPTY_SHARE) * pixels
    beside = spread_to_blocks(grown(empty_cell), summary.block_valid.shape)
    empty = grown((summary.block_valid == 0) & beside) & beside
    touches |= empty[blobs.rows // BLOCK, blobs.cols // BLOCK]
    return np.asarray(np.logical_or.reduceat(touches, blobs.start[:-1])) if rows.size else touches


def _beside_swath(
    radar: RadarProduct, rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(n,) pixels beside which the swath ends. From one subswath to the next it goes on."""
    out = np.zeros(rows.shape, np.bool_)
    for drow, dcol in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        out |= radar.subswath(rows + drow * SWATH_EDGE_PX, cols + dcol * SWATH_EDGE_PX) == 0
    return out


def _score(scene: Scene, over_seed: Float, flags: NDArray[np.int64]) -> Float:
    intercept, per_octave = SCORE_WEIGHTS[scene.sensor]
    logit = intercept + per_octave * np.log2(over_seed)
    doubt = np.where(flags & int(DOUBT), DOUBT_SCORE, 1.0)
    return np.asarray(doubt / (1.0 + np.exp(-logit)))


def _decibel(ratio: Float) -> Float:
    return np.asarray(10.0 * np.log10(ratio))


def _detect_ids(
    scene: Scene, peak_row: NDArray[np.int64], peak_col: NDArray[np.int64]
) -> NDArray[np.object_]:
    """Names of detections, which outlive a change of parameters as long as the peak stays."""
    out = np.empty(peak_row.size, object)
    for i, (row, col) in enumerate(zip(peak_row, peak_col, strict=True)):
        key = "\n".join([scene.collection, scene.id, str(row), str(col)])
        out[i] = hashlib.sha256(key.encode()).hexdigest()[:ID_LENGTH]
    return out
