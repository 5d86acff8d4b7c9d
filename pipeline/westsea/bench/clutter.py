"""Sea clutter by direct sampling: what the rate of false alarms is measured on.

The sea is a gamma texture that the polarisations share times speckle, plus noise: both are
Gaussian, so that intensity is (texture x level + noise) x speckle. Texture, response and looks
are the archive's own (`westsea_catalog.archive`); speckle is filtered by the response cut to
seven pixels, and the image is resampled at a constant offset. One draw of speckle and texture
serves many seas, which makes 2e8 pixels a sea affordable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea.detection.sea import Sea, sea, weighted_sum
from westsea.detection.summary import summarise
from westsea.detector import Detector
from westsea_catalog.archive.echoes import look_weights, response
from westsea_catalog.archive.fields import (
    exponential_spectrum,
    gamma_texture,
    gaussian_field,
)
from westsea_catalog.grid import Window
from westsea_kernels.blocks import BLOCK, CELL
from westsea_kernels.jit import kernel

Image = NDArray[np.float32]

SPACING_M = 10.0
REACH = 3
"""Pixels that the response is cut at on each side; it keeps 98 % of its power."""
CUBIC = -0.5
"""Of the convolution kernel of resampling."""
MARGIN = 49
"""Pixels more that the periodic texture is drawn on: opposite edges are then not alike."""
TRIANGLE_M = 20_000.0
"""Of the rise and fall of the mean."""


@dataclass(frozen=True)
class ClutterSea:
    """A sea to draw."""

    order: float
    """Of the texture; inf for none."""
    looks: tuple[float, ...]
    """Weights of the independent looks."""
    noise: tuple[float, ...]
    """Share of noise in the mean of each polarisation, one or two of them."""
    gradient_db_km: float = 0.0
    ship_share: float = 0.0
    """Of the pixels."""
    correlation_m: float = 150.0


GRDH_LOOKS = tuple(float(weight) for weight in look_weights())
"""ENL 4.4 before resampling."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A sea's pixels."""

    bands: Image
    """(bands, rows, cols)"""
    is_ship: NDArray[np.bool_]
    """(rows, cols) pixels with any light of a ship."""


class Draws:
    """Speckle, texture and ships of one tile, from which any sea is put together."""

    def __init__(self, seed: int, side: int, n_looks: int = 5) -> None:
        rng = np.random.default_rng(seed)
        self._side = side
        self._looks = np.stack([[_look(rng, side) for _ in range(n_looks)] for _ in range(2)])
        self._white = rng.integers(2**32)
        self._normal: dict[float, NDArray[np.float32]] = {}
        self._ship_seed = rng.integers(2**32)
        self._ships: dict[float, Image] = {}
        self._offsets = rng.random(2)

    def tile(self, of: ClutterSea) -> Tile:
        """The tile of one of."""
        ships = self._ship_light(of.ship_share)
        texture = self._texture(of)
        bands = np.empty((len(of.noise), self._side, self._side), np.float32)
        for band, noise in enumerate(of.noise):
            speckle = self.looks_of(band, of.looks)
            power = texture * np.float32(1 - noise) + np.float32(noise)
            bands[band] = _resampled(power * speckle, *self._offsets)
            bands[band] += ships
        bands *= np.float32(0.02)
        return Tile(bands, ships > 0.02)

    def looks_of(self, band: int, weights: tuple[float, ...]) -> Image:
        """Speckle of unit mean, (side + 3, side + 3): resampling takes the margin."""
        scaled = np.asarray(weights, np.float32) / np.float32(sum(weights))
        return np.asarray(np.tensordot(scaled, self._looks[band, : scaled.size], axes=1))

    def _texture(self, of: ClutterSea) -> Image:
        side = self._side + 3
        along = SPACING_M * np.arange(side)
        phase = np.abs((along / TRIANGLE_M * 2) % 2 - 1)
        rise = 10 ** (of.gradient_db_km * TRIANGLE_M / 2000 * (phase - 0.5) / 10)
        mean = np.broadcast_to(rise.astype(np.float32)[:, None], (side, side))
        if np.isinf(of.order):
            return mean
        if of.correlation_m not in self._normal:
            east, north = (np.fft.fftfreq(side + MARGIN, SPACING_M) for _ in range(2))
            spectrum = exponential_spectrum(
                np.hypot(east[:, None], north[None, :]), of.correlation_m
            )
            rng = np.random.default_rng(self._white)
            self._normal[of.correlation_m] = gaussian_field(rng, spectrum)[:side, :side].astype(
                np.float32
            )
        knots = np.linspace(-7.5, 7.5, 6001)
        values = gamma_texture(knots, of.order).astype(np.float32)
        out = np.empty((side, side), np.float32)
        _look_up(self._normal[of.correlation_m], values, out)
        return np.asarray(out * mean)

    def _ship_light(self, share: float) -> Image:
        if share not in self._ships:
            self._ships[share] = _ships(np.random.default_rng(self._ship_seed), self._side, share)
        return self._ships[share]


@kernel
def _look_up(normal: Image, values: Image, out: Image) -> None:
    """Values at equal steps of a normal field from -7.5 to 7.5, linear between them."""
    step = (values.size - 1) / 15.0
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            at = min(max((normal[row, col] + 7.5) * step, 0.0), values.size - 1.001)
            k = int(at)
            share = np.float32(at - k)
            out[row, col] = values[k] + share * (values[k + 1] - values[k])


@kernel
def _filtered(noise: Image, along: Image, across: Image, out: Image) -> None:
    """Squared modulus of filtered noise; noise: (2, rows + n - 1, cols + n - 1)."""
    n = along.size
    width = out.shape[1] + n - 1
    line, total = np.empty(width, np.float32), np.empty(out.shape[1], np.float32)
    for row in range(out.shape[0]):
        out[row] = 0
        for part in range(2):
            line[:] = 0
            total[:] = 0
            for k in range(n):
                for col in range(width):
                    line[col] += along[k] * noise[part, row + k, col]
            for k in range(n):
                for col in range(out.shape[1]):
                    total[col] += across[k] * line[col + k]
            for col in range(out.shape[1]):
                out[row, col] += total[col] ** 2


def _taps() -> tuple[Image, Image]:
    """The response along and across the track, so that unit noise gives unit power."""
    out = []
    for factor in response((240, 240)):
        taps = np.fft.ifft(factor.ravel()).real
        taps = np.roll(taps, REACH)[: 2 * REACH + 1]
        out.append((taps / np.sqrt(np.sum(taps**2))).astype(np.float32))
    return out[0] / np.float32(np.sqrt(2)), out[1]


def _look(rng: np.random.Generator, side: int) -> Image:
    """Intensity of one look, unit mean, with the margin that resampling takes."""
    margin = 3 + 2 * REACH
    noise = rng.standard_normal((2, side + margin, side + margin), dtype=np.float32)
    out = np.empty((side + 3, side + 3), np.float32)
    _filtered(noise, *_taps(), out)
    return out


@kernel
def _convolved(image: Image, along: Image, across: Image, out: Image) -> None:
    line = np.empty(image.shape[1], np.float32)
    for row in range(out.shape[0]):
        line[:] = 0
        for k in range(4):
            for col in range(line.size):
                line[col] += along[k] * image[row + k, col]
        out[row] = 0
        for k in range(4):
            for col in range(out.shape[1]):
                out[row, col] += across[k] * line[col + k]


def _resampled(image: Image, along: float, across: float) -> Image:
    """Cubic convolution at a constant offset, 0 to 1 pixel."""
    out = np.empty((image.shape[0] - 3, image.shape[1] - 3), np.float32)
    _convolved(image, _cubic(along), _cubic(across), out)
    return out


def _cubic(offset: float) -> Image:
    x = np.abs(np.arange(-1, 3) - offset)
    near = (CUBIC + 2) * x**3 - (CUBIC + 3) * x**2 + 1
    far = CUBIC * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.asarray(np.where(x < 1, near, far), np.float32)


def _ships(rng: np.random.Generator, side: int, share: float) -> Image:
    """Light of hulls of 60 to 250 m over the sea's mean, until so many pixels outshine it."""
    light = np.zeros((side, side), np.float32)
    bright, wanted = 0, share * side**2
    while bright < wanted:
        chip = _hull(rng)
        row, col = (int(rng.integers(0, side - n)) for n in chip.shape)
        light[row : row + chip.shape[0], col : col + chip.shape[1]] += chip
        bright += int((chip > 1).sum())
    return light


def _hull(rng: np.random.Generator) -> Image:
    """A hull under the response: 10 to 23 dB above the sea."""
    half = np.array([rng.uniform(60, 250), rng.uniform(12, 40)]) / SPACING_M / 2
    angle = rng.uniform(0, np.pi)
    reach = int(half[0]) + 6
    rows, cols = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    forward = rows * np.cos(angle) + cols * np.sin(angle)
    beside = cols * np.cos(angle) - rows * np.sin(angle)
    body = np.clip(half[0] + 0.5 - np.abs(forward), 0, 1) * np.clip(
        half[1] + 0.5 - np.abs(beside), 0, 1
    )
    body *= rng.gamma(1.5, 1 / 1.5, body.shape)
    taps = [np.asarray(factor, float) ** 2 for factor in _taps()]
    for axis, tap in enumerate(taps):
        body = np.apply_along_axis(np.convolve, axis, body, tap / tap.sum(), "same")
    return np.asarray(10 ** rng.uniform(1.0, 2.3) * body / body.max(), np.float32)


_INF, _FIVE, _THREE = float("inf"), (1.0,) * 5, (1.0,) * 3
SEAS = (
    ClutterSea(4.0, GRDH_LOOKS, (0.02,)),
    ClutterSea(8.0, GRDH_LOOKS, (0.02,), gradient_db_km=1.2),
    ClutterSea(20.0, _THREE, (0.5,)),
    ClutterSea(_INF, GRDH_LOOKS, (0.0,)),
    ClutterSea(_INF, _FIVE, (0.0,), gradient_db_km=1.2),
    ClutterSea(8.0, GRDH_LOOKS, (0.02,), ship_share=0.02),
    ClutterSea(_INF, GRDH_LOOKS, (0.0,), gradient_db_km=1.2, ship_share=0.02),
    ClutterSea(4.0, GRDH_LOOKS, (0.02, 0.9)),
    ClutterSea(4.0, _THREE, (0.1, 0.5), gradient_db_km=1.2),
    ClutterSea(8.0, GRDH_LOOKS, (0.1, 0.9)),
    ClutterSea(20.0, GRDH_LOOKS, (0.3, 0.95), gradient_db_km=1.2),
    ClutterSea(_INF, _FIVE, (0.0, 0.0)),
    ClutterSea(_INF, GRDH_LOOKS, (0.0, 0.0)),
    ClutterSea(4.0, GRDH_LOOKS, (0.02, 0.9), ship_share=0.02),
    ClutterSea(8.0, _FIVE, (0.1, 0.5), gradient_db_km=1.2, ship_share=0.02),
    ClutterSea(_INF, GRDH_LOOKS, (0.0, 0.0), ship_share=0.02),
)
"""VV alone, then VV and VH down to the noise floor."""


def above(tile: Tile, rates: Sequence[float]) -> tuple[Sea, list[NDArray[np.bool_]]]:
    """The sea of a tile as the sweep sees it, and (rows, cols) its pixels above each rate."""
    shape = tile.is_ship.shape
    window = Window(0, shape[0], 0, shape[1])
    summary = summarise(
        tile.bands,
        np.zeros(shape, np.bool_),
        window,
        sensor="sar",
        nodata=-32768.0,
        carry="none",
    )
    waters = [sea(summary, "sar", Detector(false_alarm_rate=rate)) for rate in rates]
    weights = np.moveaxis(waters[0].weights, -1, 0).repeat(CELL, axis=1).repeat(CELL, axis=2)
    plane = weighted_sum(weights[:, : shape[0], : shape[1]], tile.bands)
    found = []
    for water in waters:
        seed = water.seed.astype(np.float32).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
        found.append((plane > seed[: shape[0], : shape[1]]) & ~tile.is_ship)
    return waters[0], found
