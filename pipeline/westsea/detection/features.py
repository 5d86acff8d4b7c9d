"""What of a described blob goes into the odds of one hull or several: named numbers."""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.beams import usual_beam
from westsea.detection.sections import Description
from westsea_kernels import sections as sec
from westsea_kernels import smears, two_hulls

Float = NDArray[np.float64]

WIDTH_SPREAD = 0.15
"""Of the logarithm of beams about the usual one, for the distance in errors."""
LEAST_VARIANCE_M2 = 4.0
LEAST_LEVEL = 0.01


def features(
    found: Description, length_m: Float, width_m: Float, heading_deg: Float
) -> dict[str, Float]:
    """Features (n,) by name; NaN where the blob could not be described.

    length_m, width_m, heading_deg : (n,) as the detections report them.
    """
    fit, whole = found.fit, found.statistics[:, 0]
    heading = fit[:, smears.HEADING]
    length, width = (np.exp(fit[:, k]) for k in (smears.LOG_LENGTH, smears.LOG_WIDTH))
    swapped = width > length
    length, width = np.where(swapped, width, length), np.where(swapped, length, width)
    heading = heading + np.where(swapped, np.pi / 2, 0.0)
    beam = usual_beam(length)
    sd = fit[:, smears.SD :]
    width_sd = np.where(swapped, sd[:, smears.LOG_LENGTH], sd[:, smears.LOG_WIDTH])
    wide = np.log(width / beam)
    blur2 = _blur_across(found, heading)
    inner = np.sqrt(np.maximum(whole[:, sec.VARIANCE] - blur2, LEAST_VARIANCE_M2))
    thirds = whole[:, [sec.FORE, sec.MIDDLE, sec.AFT]]
    out = {
        "wide_reported": np.log(width_m / usual_beam(length_m)),
        "wide": wide,
        "wide_in_errors": wide / np.hypot(width_sd, WIDTH_SPREAD),
        "width_sd": width_sd,
        "wide_sections": np.log(inner * np.sqrt(12.0) / beam),
        "peak_slice": whole[:, sec.PEAK_SLICE],
        "along_kurtosis": found.statistics[:, 1, sec.ALONG_KURTOSIS],
        "middle_third": np.sqrt(thirds[:, 1]),
        "least_third": np.sqrt(thirds.min(axis=1)),
        "uneven_thirds": np.sqrt(thirds.max(axis=1)) - np.sqrt(thirds.min(axis=1)),
        "turn": np.abs(np.sin(2.0 * (heading - np.deg2rad(heading_deg)))),
        "length": np.log(length),
        "bend": whole[:, sec.BEND],
        "level": np.log(np.maximum(np.exp(fit[:, smears.LOG_LEVEL]), LEAST_LEVEL)),
        "misfit": np.log(np.maximum(fit[:, smears.MISFIT], LEAST_LEVEL)),
    }
    for band in range(1, found.statistics.shape[1]):
        out[f"kurtosis_{band}"] = found.statistics[:, band, sec.KURTOSIS]
        out[f"skew_{band}"] = np.abs(found.statistics[:, band, sec.SKEW])
    out.update(_lopsided(found.picture))
    if found.two.shape[1]:
        out.update(_of_two(found.two))
    else:
        out["aspect"] = np.cos(heading - found.azimuth_rad) ** 2
        out["smear"] = fit[:, smears.SMEAR]
    if found.statistics.shape[1] == 3:
        offset = found.statistics[:, 1, sec.OFFSET] - found.statistics[:, 2, sec.OFFSET]
        out["offset"] = np.abs(offset)
    return out


def _lopsided(picture: Float) -> dict[str, Float]:
    """By how much hulls laid level differ from their mirror images, as shares of their light.

    A single hull is alike on both sides, and but for its house at both ends; a second one that is
    shorter or lies ahead of the first is not.
    """
    whole = np.sqrt((picture**2).mean(axis=(1, 2, 3), keepdims=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.where(whole > 0.0, picture / whole, 0.0 * whole)
    ends, sides = level[:, :, ::-1], level[:, :, :, ::-1]
    both = ends[:, :, :, ::-1]
    return {
        "ends_differ": _root_mean_square(level - ends + sides - both),
        "sides_differ": _root_mean_square(level + ends - sides - both),
        "corners_differ": _root_mean_square(level - ends - sides + both),
    }


def _root_mean_square(picture: Float) -> Float:
    return np.asarray(np.sqrt((picture**2).mean(axis=(1, 2, 3))) / 4.0)


def _of_two(two: Float) -> dict[str, Float]:
    """Of an optical scene: how much likelier two hulls are, and how they lie; 0 without a fit."""
    two = np.where(np.isfinite(two), two, 0.0)
    gain = np.sign(two[:, 0]) * np.log1p(np.abs(two[:, 0]))
    first = 1 + two_hulls.N_FITTED + two_hulls.PARAMETERS
    lengths = two[:, [first + two_hulls.LOG_LENGTH_1, first + two_hulls.LOG_LENGTH_2]]
    levels = two[:, [first + two_hulls.LOG_LEVEL_1, first + two_hulls.LOG_LEVEL_2]]
    return {
        "gain": gain,
        "shorter": np.abs(lengths[:, 0] - lengths[:, 1]),
        "fainter": np.abs(levels[:, 0] - levels[:, 1]),
        "one_beam": two[:, 1 + two_hulls.PARAMETERS + two_hulls.LOG_BEAM_1],
    }


def _blur_across(found: Description, heading: Float) -> Float:
    """(n,) variance of the point spread at right angles to each axis, m2."""
    ee, nn, en = found.blur
    sine, cosine = np.sin(heading), np.cos(heading)
    return np.asarray(ee * cosine**2 + nn * sine**2 - 2.0 * en * sine * cosine)
