"""One hull or several: the odds of each detection, and their evidence in plain numbers.

    description -> features -> odds at equal shares -> the stated prior -> p_alongside

The odds were fitted on simulated blobs (`westsea bench pairs` fits them anew) and ship as data. A
single radar look ranks; it does not confirm.
"""

from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from math import log

import msgspec
import numpy as np
from numpy.typing import NDArray

from westsea.detection.beams import usual_beam
from westsea.detection.blobs import Blobs
from westsea.detection.features import features
from westsea.detection.hulls import Hulls
from westsea.detection.odds import Odds
from westsea.detection.resolved import resolve
from westsea.detection.sea import Sea
from westsea.detection.sections import Description, describe
from westsea.detection.statistics import Summary
from westsea.detector import Detector
from westsea.schema import Flag
from westsea_catalog.scene import Scene
from westsea_kernels import smears

Float = NDArray[np.float64]

DATA = "alongside.json"
WIDE_PRIOR = 0.05
"""Share of single hulls that are wide barges, before looking: theirs is assumed."""
SHORTEST_M = 25.0
"""Of what is told: of the blobs that the odds were fitted on one in 2,000 is shorter."""
SMEARED_M = 15.0
"""Fitted smear from which length and heading are unsure: two thirds of a resolution cell more."""
RAFT_PRIOR = 0.15
"""Share of rafts among blobs of several hulls, as in the scenes that the odds were fitted on."""


@dataclass(frozen=True)
class Calibration:
    """What was fitted for one choice of bands."""

    features: tuple[str, ...]
    """Names, in the order of the odds."""
    several: Odds
    """Of two hulls or more to one, as many of each."""
    wide: Odds
    """Of a wide barge to other single hulls."""
    raft: Odds
    """Of three hulls or more to two."""
    false_rates: tuple[float, ...]
    """Falling shares of single hulls, and the odds' logarithm that they exceed."""
    log_odds: tuple[float, ...]
    lengths_m: tuple[float, ...]
    """Where classes of the measured length begin, and those of the contrast."""
    contrasts_db: tuple[float, ...]
    tpr: tuple[tuple[float, ...], ...]
    """By class of length and contrast: share of several hulls above the point of 1 % false."""
    fpr: tuple[tuple[float, ...], ...]
    """The same of single hulls."""

    def threshold(self, false_rate: float) -> float:
        """Logarithm of the odds that a share of single hulls exceeds."""
        rates = np.log(self.false_rates)[::-1]
        return float(np.interp(np.log(false_rate), rates, np.array(self.log_odds)[::-1]))

    def rates(self, length_m: Float, contrast_db: Float) -> tuple[Float, Float]:
        """(n,) share of several and of single hulls above the point, in each one's class."""
        row = _class(length_m, self.lengths_m)
        col = _class(contrast_db, self.contrasts_db)
        return np.array(self.tpr)[row, col], np.array(self.fpr)[row, col]


def _class(value: Float, starts: tuple[float, ...]) -> NDArray[np.int64]:
    last = len(starts) - 1
    return np.asarray(np.clip(np.searchsorted(starts, value, "right") - 1, 0, last))


@dataclass(frozen=True)
class Evidence:
    """One entry a detection, all arrays (n,); NaN, or None, where the pixels do not tell."""

    p_alongside: Float
    p_wide_single: Float
    n_hulls: NDArray[np.object_]
    is_alongside: NDArray[np.bool_]
    """Above the operating point."""
    expected_width_m: Float
    contrast_db: Float
    smear_m: Float
    axis_to_range_deg: Float
    alongside_bands: NDArray[np.object_]
    alongside_tpr: Float
    alongside_fpr: Float
    length_m_1: Float
    """This and what follows of two hulls where they can be resolved; hull 1 is the longer."""
    length_m_2: Float
    width_m_1: Float
    width_m_2: Float
    gap_m: Float
    gap_sd_m: Float
    center_distance_m: Float
    overlap_m: Float

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "Evidence":
        """A subset, or another order."""
        return Evidence(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def at(self, index: NDArray[np.int64], n: int) -> "Evidence":
        """These as entries of n, about the others of which nothing is known."""
        columns = {}
        for field in fields(self):
            values = getattr(self, field.name)
            empty = {"O": None, "b": False, "f": np.nan}[values.dtype.kind]
            columns[field.name] = np.full(n, empty, values.dtype)
            columns[field.name][index] = values
        return Evidence(**columns)


@cache
def calibrations() -> dict[str, Calibration]:
    """What ships, by the bands searched: "VV+VH", "VV" and "B08"."""
    data = files("westsea.detection").joinpath(DATA).read_bytes()
    return msgspec.json.decode(data, type=dict[str, Calibration])


def bands_of(scene: Scene) -> str:
    """The name of a scene's calibration: one polarisation counts as VV, one optical band as B08."""
    if scene.sensor == "optical":
        return "B08"
    return "VV+VH" if len(scene.bands) > 1 else "VV"


def weigh_hulls(
    scene: Scene, summary: Summary, sea: Sea, blobs: Blobs, hulls: Hulls, detector: Detector
) -> Evidence:
    """Odds and evidence of every detection of a window but of those at land.

    What lies at a quay is one blob with what is bright there.
    """
    ships = np.flatnonzero(~hulls.at_land)
    seen = hulls.take(ships)
    found = describe(scene, summary, sea, blobs, seen)
    return weigh(scene, found, seen, detector).at(ships, len(hulls))


def flag_several(hulls: Hulls, evidence: Evidence) -> Hulls:
    """The hulls with the remark on blobs that hold more than one, and on smeared ones."""
    smeared = np.nan_to_num(evidence.smear_m) > SMEARED_M
    flags = np.where(evidence.is_alongside, int(Flag.MERGED_BLOB), 0)
    flags |= np.where(smeared, int(Flag.AZIMUTH_SMEAR), 0)
    return replace(hulls, flags=(hulls.flags | flags).astype(np.int32))


def weigh(scene: Scene, found: Description, hulls: Hulls, detector: Detector) -> Evidence:
    """Odds and evidence of described hulls."""
    name = bands_of(scene)
    how = calibrations()[name]
    columns = features(found, hulls.length_m, hulls.width_m, hulls.heading_deg)
    table = np.stack([columns[feature] for feature in how.features], axis=1)
    known: NDArray[np.bool_] = np.isfinite(table).all(axis=1) & (hulls.length_m >= SHORTEST_M)
    table[~known] = 0.0
    several = how.several.of(table)
    p = sigmoid(several + log_odds(detector.prior))
    wide = sigmoid(how.wide.of(table) + log_odds(WIDE_PRIOR)) * (1.0 - p)
    is_raft = how.raft.of(table) + log_odds(RAFT_PRIOR) > 0.0
    is_alongside = known & (several > how.threshold(detector.alongside_false_rate))
    n_hulls = np.where(is_alongside, np.where(is_raft, 3, 2), 1).astype(object)
    n_hulls[~known] = None
    length = np.exp(found.fit[:, [smears.LOG_LENGTH, smears.LOG_WIDTH]].max(axis=1))
    with np.errstate(invalid="ignore"):
        contrast = 10.0 * np.log10(np.exp(found.fit[:, smears.LOG_LEVEL]))
        tpr, fpr = how.rates(length, contrast)
    radar = known if scene.sensor == "sar" else np.zeros_like(known)
    bands = np.full(len(hulls), name, object)
    bands[~known] = None

    def told(values: Float, where: NDArray[np.bool_] = known) -> Float:
        return np.where(where, values, np.nan)

    return Evidence(
        p_alongside=told(p),
        p_wide_single=told(wide),
        n_hulls=n_hulls,
        is_alongside=is_alongside,
        expected_width_m=told(usual_beam(length)),
        contrast_db=told(contrast),
        smear_m=told(found.fit[:, smears.SMEAR], radar),
        axis_to_range_deg=told(axis_to_range_deg(hulls.heading_deg, found.azimuth_rad), radar),
        alongside_bands=bands,
        alongside_tpr=told(tpr),
        alongside_fpr=told(fpr),
        **vars(resolve(found.two)),
    )


def axis_to_range_deg(heading_deg: Float, azimuth_rad: Float) -> Float:
    """(n,) angle between axes and the line of sight, which is square on to azimuth; 0-90."""
    return np.asarray(np.abs((heading_deg - np.rad2deg(azimuth_rad)) % 180.0 - 90.0))


def sigmoid(logits: Float) -> Float:
    """(n,) probabilities."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def log_odds(p: float) -> float:
    """Logarithm of the odds of a probability."""
    return log(p / (1.0 - p))
