"""The sea as the radar sees it: its mean backscatter, and what wind, waves and rain make of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.fields import exponential_spectrum, gamma_texture, gaussian_field
from westsea_catalog.archive.frame import SPACING_M, Frame
from westsea_catalog.archive.hulls import Polarization

Float = NDArray[np.float64]

TREND_LENGTH_M = 3000.0
"""Correlation length of the slow changes of the wind."""
STREAK_ELONGATION = 6.0
"""Roll vortices are this many times longer than wide."""
SWELL_BANDWIDTH = 0.15
"""Spread of the swell's wave vector, as a share of it."""
VH_MODULATION = 1.2
"""VH follows the wind a little more steeply than VV, in dB per dB."""


@dataclass(frozen=True)
class RadarSea:
    """Statistics of the sea's backscatter, gamma0, and of how it moves hulls."""

    vv_db: float
    """Mean of VV, noise not counted."""
    vh_db: float
    order: float
    """Of the gamma texture, hence of the K distribution."""
    correlation_m: float
    """Length over which the texture's correlation falls to 1/e."""
    trend_db: float = 0.4
    """Spread of the slow changes of the mean."""
    range_slope_db: float = -0.08
    """Fall of the mean per km across the track: the incidence angle grows."""
    wind_deg: float = 0.0
    """Where the wind blows to, clockwise from true north."""
    streaks_db: float = 0.0
    """Spread that wind streaks make."""
    streak_m: float = 1500.0
    """Their spacing across the wind."""
    swell_db: float = 0.0
    swell_m: float = 220.0
    swell_deg: float = 0.0
    """Where the swell runs, clockwise from true north."""
    fronts: int = 0
    """Lines across which the wind changes."""
    front_db: float = 3.0
    rain_cells: int = 0
    roll_rad_s: float = 0.006
    """Spread of the hulls' roll rate; long ones roll less."""
    smear_m: float = 5.0
    """Spread of the azimuth smear that a rolling hull's quadratic phase error makes."""
    shift_m: float = 3.0
    """Spread of the azimuth displacement by a drifting hull's radial velocity (0.03 m/s)."""

    def mean(self, polarization: Polarization) -> float:
        """Mean backscatter, linear."""
        return float(10 ** ((self.vv_db if polarization == "VV" else self.vh_db) / 10))


def backscatter(
    rng: np.random.Generator, frame: Frame, sea: RadarSea
) -> dict[Polarization, NDArray[np.float32]]:
    """Mean power of the sea, linear gamma0 without noise, of the frame's shape.

    Texture, wind and swell are common to the polarisations; rain is not.
    """
    east, north = frame.ground_frequencies
    frequency = np.hypot(east, north)
    texture = gamma_texture(
        gaussian_field(rng, exponential_spectrum(frequency, sea.correlation_m)), sea.order
    )
    wind_db = sea.trend_db * gaussian_field(rng, np.exp(-((frequency * TREND_LENGTH_M) ** 2)))
    if sea.streaks_db:
        wind_db += sea.streaks_db * gaussian_field(rng, _streaks(sea, east, north))
    swell_db = sea.swell_db * gaussian_field(rng, _swell(sea, east, north)) if sea.swell_db else 0.0
    along, across = _metres(frame)
    wind_db += sea.range_slope_db * across / 1000
    for _ in range(sea.fronts):
        wind_db += _front_db(rng, sea, along, across)
    rain_db: dict[Polarization, Float] = {"VV": np.zeros(1), "VH": np.zeros(1)}
    for _ in range(sea.rain_cells):
        for polarization, value in _rain_db(rng, along, across).items():
            rain_db[polarization] = rain_db[polarization] + value
    steepness: dict[Polarization, float] = {"VV": 1.0, "VH": VH_MODULATION}
    surface: dict[Polarization, NDArray[np.float32]] = {}
    for polarization, steep in steepness.items():
        change_db = steep * wind_db + swell_db + rain_db[polarization]
        power = sea.mean(polarization) * texture * 10 ** (change_db / 10)
        surface[polarization] = power.astype(np.float32)
    return surface


def _metres(frame: Frame) -> tuple[Float, Float]:
    """Metres (along, across) from the scene's middle: (lines, 1) and (1, samples)."""
    lines, samples = frame.shape
    along = frame.first[0] + SPACING_M * np.arange(lines, dtype=float)
    across = frame.first[1] + SPACING_M * np.arange(samples, dtype=float)
    return along[:, None], across[None, :]


def _streaks(sea: RadarSea, east: Float, north: Float) -> Float:
    """Spectrum of roll vortices: a spacing across the wind, long along it."""
    wind = np.deg2rad(sea.wind_deg)
    along = east * np.sin(wind) + north * np.cos(wind)
    across = np.abs(east * np.cos(wind) - north * np.sin(wind))
    spread = 0.35 / sea.streak_m
    return np.asarray(
        np.exp(-(((across - 1 / sea.streak_m) / spread) ** 2) / 2)
        * np.exp(-((along * sea.streak_m * STREAK_ELONGATION) ** 2) / 2)
    )


def _swell(sea: RadarSea, east: Float, north: Float) -> Float:
    """Spectrum of long-crested waves about one wave vector, and its opposite."""
    toward = np.deg2rad(sea.swell_deg)
    peak = np.array([np.sin(toward), np.cos(toward)]) / sea.swell_m
    spread = SWELL_BANDWIDTH / sea.swell_m

    def lobe(sign: int) -> Float:
        distance = np.hypot(east - sign * peak[0], north - sign * peak[1])
        return np.asarray(np.exp(-((distance / spread) ** 2) / 2))

    return lobe(1) + lobe(-1)


def _front_db(rng: np.random.Generator, sea: RadarSea, along: Float, across: Float) -> Float:
    """A step of the wind along a meandering line, with foam and short waves piled up on it."""
    bearing = rng.uniform(0, 2 * np.pi)
    ahead = np.sin(bearing) * across + np.cos(bearing) * along
    beside = np.cos(bearing) * across - np.sin(bearing) * along
    half = np.ptp(along) / 2
    line = rng.uniform(-0.4, 0.4) * half
    for wavelength, height in ((9000.0, 500.0), (2600.0, 130.0)):
        line = line + height * np.sin(2 * np.pi * (beside / wavelength + rng.uniform()))
    distance = ahead - line
    step = sea.front_db * rng.choice([-1, 1]) / 2 * np.tanh(distance / rng.uniform(60.0, 200.0))
    return np.asarray(step + 1.5 * np.exp(-((distance / 50.0) ** 2) / 2))


def _rain_db(rng: np.random.Generator, along: Float, across: Float) -> dict[Polarization, Float]:
    """A convective cell: the downdraught's gust front about a core where drops scatter and damp.

    Seen at C band as a bright ring, sharp on the outside, about a core that is brighter in VH
    (Alpers et al. 2016, Remote Sensing of Environment 173).
    """
    radius = rng.uniform(1200.0, 2500.0)
    centre = rng.uniform(along.min(), along.max()), rng.uniform(across.min(), across.max())
    dy, dx = along - centre[0], across - centre[1]
    distance, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    wobble = 1 + 0.12 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.06 * np.sin(5 * angle)
    reach = distance / (radius * wobble)
    # The gusts add up with the wind on one side, and cancel it on the other.
    side = 0.6 + 0.4 * np.cos(angle - rng.uniform(0, 2 * np.pi))
    gust = rng.uniform(4.0, 7.0) * side * reach**2 / (1 + np.exp((reach - 1) * radius / 80.0))
    core = np.exp(-((reach / 0.45) ** 2))
    return {"VV": gust - 1.0 * core, "VH": gust + rng.uniform(2.5, 4.5) * core}
