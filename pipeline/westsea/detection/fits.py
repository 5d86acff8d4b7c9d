"""Hulls fitted as rectangles: the kernel's fit, put right for what a rectangle is not.

A hull tapers to its bow, carries a house that outshines it, and lies over towards the radar by its
height. What that does to the fit, and how far it leaves single hulls from the truth, was measured
on simulated hulls of any beam; `make bench ARGS=tests/bench/test_hulls.py` refits all constants
here. Width is a function of fitted widths, aspect and brightness, never of the length.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea.detection.blobs import Blobs
from westsea.detection.sea import Sea
from westsea.detection.statistics import Summary
from westsea_catalog.scene import Sensor
from westsea_kernels import fits
from westsea_kernels import hulls as moments
from westsea_kernels.blocks import BLOCK

Float = NDArray[np.float64]

NO_SEA = -2
"""Slot of a block without valid pixels."""
LARGEST_HEADING_SD_DEG = 60.0
"""Of an axis that may point anywhere, two thirds lie within 60 degrees of any other."""
SMALLEST_M = 3.0
ROUND = 2.0**20


@dataclass(frozen=True)
class Line:
    """A size of a hull by that of its rectangle."""

    offset_m: float
    slope: float

    def of(self, size_m: Float) -> Float:
        """(n,) of as many, metres."""
        return self.offset_m + self.slope * size_m


@dataclass(frozen=True)
class Surface:
    """The logarithm of a hull's width, as a polynomial of second degree in `beam_features`."""

    low: tuple[float, ...]
    """Where each feature ends; farther out it counts as here."""
    high: tuple[float, ...]
    weights: tuple[float, ...]
    """Of the terms, in their order."""

    def of(self, features: Float) -> Float:
        """(n,) metres, of (n, features)."""
        return np.asarray(np.exp(self.terms(features) @ np.array(self.weights)))

    def terms(self, features: Float) -> Float:
        """(n, terms) one, the features from -1 to 1, and their products."""
        low, high = np.array(self.low), np.array(self.high)
        x = 2.0 * (np.clip(features, low, high) - low) / (high - low) - 1.0
        i, j = np.triu_indices(len(low))
        return np.concatenate([np.ones((len(x), 1)), x, x[:, i] * x[:, j]], axis=1)


@dataclass(frozen=True)
class Calibration:
    """How a sensor's rectangles become hulls."""

    model: tuple[float, ...]
    """Of `fits.fit_hulls`."""
    length: Line
    width: Line | Surface
    length_sd: tuple[float, ...]
    """Deviations add in quadrature: a constant (m), and shares of the fit's own standard error,
    of the size, and of the size times the misfit, the sea's share and the sea's texture."""
    width_sd: tuple[float, ...]
    position_sd: tuple[float, ...]
    """Likewise; the size is the length."""
    heading_sd: tuple[float, ...]
    """A constant (degrees), a share of the fit's own, metres over the length, and those times
    the misfit, the sea's share and the sea's texture."""


RADAR_WIDTH = Surface(
    low=(2.48, -0.79, 0.0, -2.41),
    high=(4.4, 0.0, 1.0, -0.78),
    weights=(3.15, 0.639, 0.162, 0.00336, -0.133, -0.0376, 0.463, 0.0914, -0.0363, -0.227, 0.042,
             0.0476, 0.0746, 0.0749, -0.101),
)  # fmt: skip

CALIBRATIONS: dict[Sensor, Calibration] = {
    "sar": Calibration(
        model=(0.65, 0.2, 0.7, 3.5, 25.0, 0.1, 0.85, 0.5),
        length=Line(-5.07, 0.993),
        width=RADAR_WIDTH,
        length_sd=(0.0, 0.387, 0.0257, 0.0, 0.164, 0.467),
        width_sd=(0.0, 0.331, 0.0, 0.521, 0.0, 2.24),
        position_sd=(0.0, 0.712, 0.0664, 0.0, 0.0, 0.674),
        heading_sd=(0.0, 0.178, 0.0, 45.9, 19.2, 66.0),
    ),
    "optical": Calibration(
        model=(0.9, 1.0, 0.1, 1.0, 15.0, 0.05, 0.0, 0.0),
        length=Line(-1.43, 1.07),
        width=Line(-1.36, 1.08),
        length_sd=(1.82, 1.73, 0.0, 0.145, 0.0, 0.0),
        width_sd=(0.857, 0.874, 0.0, 0.0, 0.14, 0.0),
        position_sd=(4.71, 1.86, 0.0, 0.115, 0.0, 0.0),
        heading_sd=(0.0, 0.681, 0.0, 5.04, 0.0, 0.0),
    ),
}


@dataclass(frozen=True)
class Rectangles:
    """Fitted rectangles, each array (n,); NaN where there was nothing to fit."""

    east: Float
    """Metres from the peak."""
    north: Float
    heading_deg: Float
    length_m: Float
    width_m: Float
    width_above_m: Float
    """Of the second fit."""
    aspect: Float
    """Squared sine of the angle between the axis and the radar's line of sight: 1 where it sees
    the hull's side. Of an optical image it means nothing."""
    sd: Float
    """(n, fits.N_PARAMETERS) standard errors of the fit, in metres and degrees."""
    misfit: Float
    """Root mean square of what is left, as a share of the hull's level."""
    sea: Float
    """Square root of the sea's level over the hull's: in rough seas, hulls roll and smear."""
    texture: Float
    """Inverse of the order of the sea's K distribution, up to 1: high in rough seas too."""


def refine(
    sensor: Sensor,
    summary: Summary,
    sea: Sea,
    blobs: Blobs,
    jacobian: Float,
    blur: Float,
    measures: Float,
) -> Rectangles:
    """Replace place, size, heading and their errors, in the moments' array, by those of the fit.

    measures : (n, moments.N_MEASURES) of `westsea_kernels.hulls`, in and out. Blobs that cannot
    be fitted keep their moments.

    Returns
    -------
    The rectangles as they were fitted, before they were put right for what hulls are.
    """
    found = fit_rectangles(sensor, summary, sea, blobs, jacobian, blur, measures)
    values = calibrated(found, CALIBRATIONS[sensor])
    drow, dcol = pixel_steps(jacobian, found.east, found.north)
    values[moments.ROW] = measures[:, moments.PEAK_ROW] + _rounded(drow)
    values[moments.COL] = measures[:, moments.PEAK_COL] + _rounded(dcol)
    fitted = np.isfinite(found.length_m)
    for column, value in values.items():
        measures[fitted, column] = value[fitted]
    return found


def fit_rectangles(
    sensor: Sensor,
    summary: Summary,
    sea: Sea,
    blobs: Blobs,
    jacobian: Float,
    blur: Float,
    measures: Float,
) -> Rectangles:
    """Fit every blob, from its moments."""
    guess = np.zeros((len(measures), fits.N_PARAMETERS))
    peak = measures[:, [moments.PEAK_ROW, moments.PEAK_COL]]
    away = _rounded(measures[:, [moments.ROW, moments.COL]] - peak)
    guess[:, [fits.NORTH, fits.EAST]] = np.einsum("nij,nj->ni", jacobian, away[:, ::-1])[:, ::-1]
    guess[:, fits.HEADING] = np.deg2rad(measures[:, moments.HEADING])
    guess[:, fits.LOG_LENGTH] = np.log(measures[:, moments.LENGTH])
    guess[:, fits.LOG_WIDTH] = np.log(measures[:, moments.WIDTH])
    first = blobs.start[:-1]
    block = (blobs.rows[first] // BLOCK, blobs.cols[first] // BLOCK)
    background = sea.background[block]
    out = np.empty((len(measures), fits.N_FITTED))
    fits.fit_hulls(
        blobs.start,
        blobs.values,
        guess,
        peak[:, 0].astype(np.int64),
        peak[:, 1].astype(np.int64),
        np.where(summary.block_valid > 0, blobs.slots, NO_SEA),
        blobs.plane,
        blobs.owner,
        background,
        np.ascontiguousarray(measures[:, moments.FLOOR]),
        sea.noise[block],
        np.array(CALIBRATIONS[sensor].model),
        jacobian,
        blur,
        out,
    )
    return _rectangles(out, background, blur, sea.k_order)


def _rectangles(out: Float, background: Float, blur: Float, order: float) -> Rectangles:
    # A radar blurs most along azimuth, square to which it looks.
    azimuth = 0.5 * np.arctan2(2.0 * blur[2], blur[1] - blur[0])
    level = np.exp(out[:, fits.LOG_LEVEL])
    length, width = np.exp(out[:, fits.LOG_LENGTH]), np.exp(out[:, fits.LOG_WIDTH])
    sd = out[:, fits.SD : fits.SD + fits.N_PARAMETERS].copy()
    sd[:, fits.HEADING] = np.rad2deg(sd[:, fits.HEADING])
    sd[:, fits.LOG_LENGTH] *= length
    sd[:, fits.LOG_WIDTH] *= width
    return Rectangles(
        east=out[:, fits.EAST],
        north=out[:, fits.NORTH],
        heading_deg=np.rad2deg(out[:, fits.HEADING]) % 180.0,
        length_m=length,
        width_m=width,
        width_above_m=np.exp(out[:, fits.LOG_WIDTH_ABOVE]),
        aspect=np.cos(out[:, fits.HEADING] - azimuth) ** 2,
        sd=sd,
        misfit=np.sqrt(out[:, fits.MISFIT]) / level,
        sea=np.sqrt(background / level),
        texture=np.full(len(out), 1.0 / max(order, 1.0) if order > 0.0 else 0.0),
    )


def calibrated(found: Rectangles, how: Calibration) -> dict[int, Float]:
    """Columns of the moments' array but row and column, by their number."""
    width = np.maximum(beam(found, how.width), SMALLEST_M)
    terms = error_terms(found, width)
    heading_sd = _in_quadrature(how.heading_sd, terms[moments.HEADING_SD])
    return {
        moments.LENGTH: np.maximum(how.length.of(found.length_m), width),
        moments.WIDTH: width,
        moments.HEADING: found.heading_deg,
        moments.POSITION_SD: _in_quadrature(how.position_sd, terms[moments.POSITION_SD]),
        moments.LENGTH_SD: _in_quadrature(how.length_sd, terms[moments.LENGTH_SD]),
        moments.WIDTH_SD: _in_quadrature(how.width_sd, terms[moments.WIDTH_SD]),
        moments.HEADING_SD: np.minimum(heading_sd, LARGEST_HEADING_SD_DEG),
    }


def beam(found: Rectangles, how: Line | Surface) -> Float:
    """(n,) width of the hulls, metres."""
    return how.of(found.width_m if isinstance(how, Line) else beam_features(found))


def beam_features(found: Rectangles) -> Float:
    """(n, 4) what a radar's pixels tell of the width.

    The logarithms of the fitted width and of what the second fit changes in it; the aspect, for the
    lit side is a line and decks lie over it, while along the track motion smears; and the logarithm
    of the sea's share, for rough seas roll and blur.
    """
    return np.stack(
        [
            np.log(found.width_m),
            np.log(found.width_above_m / found.width_m),
            found.aspect,
            np.log(found.sea),
        ],
        axis=1,
    )


def error_terms(found: Rectangles, width: Float) -> dict[int, Float]:
    """What each error's parts are shares of: (6, n), by the error's column.

    width : (n,) of the hulls.
    """
    one, length = np.ones(found.length_m.size), found.length_m
    place = np.hypot(found.sd[:, fits.EAST], found.sd[:, fits.NORTH])
    angle = np.rad2deg(1.0 / length)
    parts = {
        moments.POSITION_SD: (place, length),
        moments.LENGTH_SD: (found.sd[:, fits.LOG_LENGTH], length),
        moments.WIDTH_SD: (found.sd[:, fits.LOG_WIDTH], width),
        moments.HEADING_SD: (found.sd[:, fits.HEADING], angle),
    }
    return {
        column: np.stack(
            [one, own, size, found.misfit * size, found.sea * size, found.texture * size]
        )
        for column, (own, size) in parts.items()
    }


def _in_quadrature(shares: tuple[float, ...], terms: Float) -> Float:
    return np.asarray(np.sqrt(((np.array(shares)[:, None] * terms) ** 2).sum(axis=0)))


def _rounded(steps: Float) -> Float:
    """Steps in pixels, to a millionth: added to any row they give the same digits."""
    return np.asarray(np.round(steps * ROUND) / ROUND)


def pixel_steps(jacobian: Float, east: Float, north: Float) -> tuple[Float, Float]:
    """(rows, cols) of offsets in metres, by each one's Jacobian (n, 2, 2)."""
    det = jacobian[:, 0, 0] * jacobian[:, 1, 1] - jacobian[:, 0, 1] * jacobian[:, 1, 0]
    cols = (jacobian[:, 1, 1] * east - jacobian[:, 0, 1] * north) / det
    rows = (jacobian[:, 0, 0] * north - jacobian[:, 1, 0] * east) / det
    return rows, cols
