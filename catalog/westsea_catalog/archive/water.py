"""The sea without hulls, as Sentinel-2 sees it: the water's colour, mud, glint and haze."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.fields import (
    exponential_spectrum,
    gaussian_field,
    ground_frequencies,
)
from westsea_catalog.archive.msi import (
    DIRECT,
    LAG_S,
    PSF_VARIANCE_M2,
    REFLECTANCE_BANDS,
    Float,
    Pixels,
    Sun,
    binned,
)

# Reflectance of B02, B03, B04, B08, B11.
_WATER = np.array([0.052, 0.045, 0.026, 0.014, 0.007])
_HAZE = np.array([1.2, 1.0, 0.8, 0.55, 0.25])
_GLINT = np.array([0.80, 0.85, 0.95, 1.0, 0.9])
_SUNLIT = 0.5
"""Share of the clear water's reflectance that follows the sun: the rest is sky that the surface
mirrors and air-light that the correction leaves (assumed)."""
_MUD = np.array([0.030, 0.065, 0.080, 0.025, 0.001])
"""Added where suspended matter is densest: some 50-100 g/m3, common off the Korean west coast."""

_HAZE_M, _MUD_M, _SLICK_M = 1000.0, 1500.0, 2000.0
_COARSE = 8
"""10 m pixels per knot of fields that have no finer detail."""
_GRAVITY = 9.81


@dataclass(frozen=True)
class OpticalSea:
    """State of the water and the air."""

    wave_sigma: float
    """Spread of the reflectance that waves and glint make in B08."""
    wave_heading_deg: float
    """Where the waves run, clockwise from true north."""
    haze_sigma: float
    """Spread of the haze over some kilometres, in B03."""
    haze_slope: float
    """Difference of the haze between west and east, in B03."""
    clouds: int = 0
    """Small cumulus; fewer where hulls leave them no room."""
    cloud_radius_m: tuple[float, float] = (150.0, 450.0)
    cloud_height_m: tuple[float, float] = (600.0, 1200.0)
    """Of the tops, which cast the shadow."""
    cloud_clearance_m: float = 500.0
    """Least distance between the middle of a hull and the rim of a cloud or its shadow."""
    cirrus: float = 0.0
    """Mean reflectance that thin high cloud adds in B02."""
    sun_elevation_deg: float = 38.0
    sun_azimuth_deg: float = 163.0
    """Towards the sun, clockwise from true north."""
    glint: float = 0.0
    """Mean reflectance of sun glint in B08: from 0.1 on the sea outshines dark hulls."""
    turbidity: float = 1.0
    """Suspended matter along shores: 1 is muddy, 0 is clear."""
    plume_m: float = 1500.0
    """Distance from the shore over which suspended matter falls to 1/e."""
    wave_peak_m: float = 110.0
    """Wavelength of the strongest waves."""
    slicks: float = 0.0
    """Share of the glint that surface films take where they lie, in filaments: dark lines."""

    @property
    def sun(self) -> Sun:
        """Where the sun stands."""
        return Sun(self.sun_elevation_deg, self.sun_azimuth_deg)


@dataclass(frozen=True, eq=False)
class Water:
    """Open water at 10 m; each array is (bands, rows, cols)."""

    reflectance: Pixels
    haze: Pixels
    """Of `reflectance`: what the air adds, which no shadow takes away."""
    direct: Pixels
    """Of `reflectance`: what comes straight from the sun, which a shadow takes away."""


def draw_water(
    rng: np.random.Generator, sea: OpticalSea, land: NDArray[np.bool_], jacobian: Float
) -> Water:
    """Draw the sea of a scene.

    Parameters
    ----------
    rng
        Draws everything that is random.
    sea
        State of water and air.
    land
        True on land (rows, cols); it makes the water along it turbid.
    jacobian
        Ground metres (east, north) per 10 m step (col, row).
    """
    haze = sea.haze_sigma * smooth_field(rng, land.shape, jacobian, _HAZE_M)
    haze += np.float32(sea.haze_slope) * np.linspace(-0.5, 0.5, land.shape[1], dtype=np.float32)
    body = np.broadcast_to(_bands(_WATER), (len(_WATER), *land.shape))
    lit = np.broadcast_to(_bands(_SUNLIT * DIRECT * _WATER), body.shape)
    if land.any() and sea.turbidity:
        # The open scene draws nothing for shores that it does not have.
        ragged = np.exp(0.6 * smooth_field(rng, land.shape, jacobian, _MUD_M) - 0.18)
        mud = np.minimum(sea.turbidity * plume(land, jacobian, sea.plume_m) * ragged, 1.5)
        body = body + _bands(_MUD) * mud
        lit = lit + _bands(DIRECT * _MUD) * mud
    waves = draw_waves(rng, sea, land.shape, jacobian)
    # Crests glint more than troughs darken: skew the waves a little.
    waves += np.float32(0.15) * (waves**2 / np.float32(sea.wave_sigma) - np.float32(sea.wave_sigma))
    glint = _bands(_GLINT) * (np.float32(sea.glint) + waves)
    if sea.slicks:
        glint *= 1 - np.float32(sea.slicks) * draw_slicks(rng, land.shape, jacobian)
    air = _bands(_HAZE) * haze
    reflectance = np.maximum(body + glint + air, np.float32(1e-3))
    direct = np.maximum(lit + glint, np.float32(0))
    return Water(reflectance, air, np.minimum(direct, reflectance))


def draw_waves(
    rng: np.random.Generator, sea: OpticalSea, shape: tuple[int, int], jacobian: Float
) -> Pixels:
    """Glint of the waves in B08's units (bands, rows, cols), as each band's moment finds them.

    Waves run on between the bands, in deep water sqrt(g k) radians a second.
    """
    east, north = (half[:, : shape[1] // 2 + 1] for half in ground_frequencies(shape, jacobian))
    spectrum, along = _wave_spectrum(sea, east, north)
    white = np.fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    white *= np.sqrt(spectrum).astype(np.float32)
    turn = np.sqrt(2 * np.pi * _GRAVITY * np.hypot(east, north)) * np.sign(along)
    waves = np.empty((len(REFLECTANCE_BANDS), *shape), np.float32)
    for out, band in zip(waves, REFLECTANCE_BANDS, strict=True):
        phase = (-LAG_S[band] * turn).astype(np.float32)
        out[:] = np.fft.irfft2(white * np.exp(1j * phase).astype(np.complex64), s=shape)
    return waves * np.float32(sea.wave_sigma / waves[3].std())


def _wave_spectrum(sea: OpticalSea, east: Float, north: Float) -> tuple[Float, Float]:
    """Wind sea and swell about one direction, as the sensor's blur leaves them.

    With it, the cosine of the angle between each frequency and that direction.
    """
    frequency = np.hypot(east, north)
    heading = np.deg2rad(sea.wave_heading_deg)
    along = (east * np.sin(heading) + north * np.cos(heading)) / np.maximum(frequency, 1e-9)
    relative = np.maximum(frequency * sea.wave_peak_m, 1e-3)
    growth = relative**-2.5 * np.exp(-1.25 * relative**-4.0)
    blur = np.exp(-4 * np.pi**2 * PSF_VARIANCE_M2 * frequency**2)
    return growth * (0.15 + along**2) * blur, along


def draw_slicks(rng: np.random.Generator, shape: tuple[int, int], jacobian: Float) -> Pixels:
    """Share of surface film (rows, cols): filaments some 100 m wide, kilometres long."""
    # Films gather along lines of the flow, as the level lines of a smooth field are.
    flow = smooth_field(rng, shape, jacobian, _SLICK_M, soft_m=_SLICK_M / 8)
    film = smooth_field(rng, shape, jacobian, _SLICK_M)
    lines = np.exp(-((flow / np.float32(0.06)) ** 2))
    return np.asarray(lines * np.clip(film, 0, 1), np.float32)


def smooth_field(
    rng: np.random.Generator,
    shape: tuple[int, int],
    jacobian: Float,
    length_m: float,
    *,
    soft_m: float = 0.0,
) -> Pixels:
    """Normal field (rows, cols) of the correlation exp(-distance / length_m), smooth below 80 m.

    It is blurred by a Gaussian of `soft_m`.
    """
    coarse = tuple(size // _COARSE + 2 for size in shape)
    frequency = np.hypot(*ground_frequencies((coarse[0], coarse[1]), _COARSE * jacobian))
    blur = np.exp(-((2 * np.pi * soft_m * frequency) ** 2))
    knots = gaussian_field(rng, exponential_spectrum(frequency, length_m) * blur)
    return _between(knots, shape)


def plume(land: NDArray[np.bool_], jacobian: Float, decay_m: float) -> Pixels:
    """Share (rows, cols) of the suspended matter at a straight shore: 1 there, falling seaward."""
    pixel_m = _COARSE * float(np.sqrt(abs(np.linalg.det(jacobian))))
    margin = int(np.ceil(5 * decay_m / pixel_m))
    fill = [(0, -size % _COARSE) for size in land.shape]
    knots = binned(np.pad(land, fill, mode="edge").astype(np.float32), _COARSE)
    # Land is taken to go on beyond the scene as it leaves it.
    wide = np.pad(knots, margin, mode="edge")
    rows, cols = (np.fft.fftfreq(size, 1 / size) for size in wide.shape)
    kernel = np.exp(-np.hypot(rows[:, None], cols[None, :]) * pixel_m / decay_m)
    spread = np.fft.irfft2(np.fft.rfft2(wide) * np.fft.rfft2(kernel), s=wide.shape) / kernel.sum()
    rows_n, cols_n = knots.shape
    inner = spread[margin : margin + rows_n, margin : margin + cols_n]
    return np.clip(2 * _between(np.pad(inner, (0, 1), mode="edge"), land.shape), 0, 1)


def _between(knots: NDArray[np.floating], shape: tuple[int, int]) -> Pixels:
    """Values at pixels (rows, cols) between knots that lie `_COARSE` pixels apart."""
    values = knots.astype(np.float32)
    for axis, size in enumerate(shape):
        # A knot stands for the pixels that it was binned from: it lies in their middle.
        at = np.maximum(np.arange(size) / _COARSE - (_COARSE - 1) / (2 * _COARSE), 0)
        first = at.astype(int)
        share = (at - first).astype(np.float32)
        values = np.moveaxis(values, axis, -1)
        values = values[..., first] * (1 - share) + values[..., first + 1] * share
        values = np.moveaxis(values, -1, axis)
    return np.ascontiguousarray(values)


def _bands(values: Float) -> Pixels:
    return values.astype(np.float32)[:, None, None]
