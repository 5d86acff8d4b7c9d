"""Hulls and structures as Sentinel-2 sees them: drawn in 2 m cells, lit, shifted and blurred.

The cells hold heights: what stands towards the sun casts its shadow on deck, neighbour and water.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.hulls import Part
from westsea_catalog.archive.layout import PlantedHull, Structure
from westsea_catalog.archive.msi import (
    DIRECT,
    FACTOR,
    LAG_S,
    PSF_VARIANCE_M2,
    REFLECTANCE_BANDS,
    Band,
    Float,
    Pixels,
    Sun,
    binned,
)

_CELLS_PER_PIXEL = 5
_MARGIN_M = 35.0
"""Beyond hull and shadow: three spreads of the blur of a 20 m band."""
_SLOPE = 0.15
"""Mean outward slope of either half of a deck: camber, sheer and what stands along the sides."""
_TOWER_M = 5.0
"""Mean width of a turbine's tower, as its shadow shows it."""


@dataclass(frozen=True, eq=False)
class Paint:
    """How one hull reflects; bands as in `REFLECTANCE_BANDS`."""

    parts: Float
    """(parts, bands) reflectance of each `Part` of the hull; that of water is not used."""
    glint_m2: Float
    """(bands,) of the one spot that mirrors the sun: reflectance times area; 0 for none."""
    glint_at: tuple[float, float] = (0.0, 0.0)
    """Where it is: metres (forward, starboard)."""


@dataclass(frozen=True, eq=False)
class Chip:
    """What hulls or structures do to a piece of one band; each array is (rows, cols)."""

    row: int
    """Of the chip's first pixel, in pixels of the band."""
    col: int
    cover: Float
    """Share of the water that is hidden."""
    shade: Float
    """Share of the pixel that is water in their shadow."""
    reflectance: Float
    """Of what hides the water, times its share."""

    def paint(self, image: Pixels, water: Pixels, direct: Pixels) -> None:
        """Put the chip on a band in place; what lies beyond its edge is cut.

        Parameters
        ----------
        image
            (rows, cols) to change.
        water, direct
            What is there without hulls, and the part of it that a shadow takes away. Chips add up
            because hulls do not overlap: painting one over another would darken the pixels that
            two hulls alongside share.
        """
        inner, outer = self._within(image.shape)
        change = (
            self.reflectance[inner]
            - self.cover[inner] * water[outer]
            - self.shade[inner] * direct[outer]
        )
        image[outer] += change.astype(np.float32)

    def mark(self, image: NDArray[np.uint8], code: int, *, cover: float) -> None:
        """Set the pixels of an image that are covered by more than a share."""
        inner, outer = self._within(image.shape)
        image[outer][self.cover[inner] > cover] = code

    def _within(self, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The part of the chip that lies on an image, and where it lies there."""
        first = (self.row, self.col)
        starts = [max(0, -at) for at in first]
        stops = [
            max(start, min(n, size - at))
            for start, n, size, at in zip(starts, self.cover.shape, shape, first, strict=True)
        ]
        inner = slice(starts[0], stops[0]), slice(starts[1], stops[1])
        outer = (
            slice(starts[0] + first[0], stops[0] + first[0]),
            slice(starts[1] + first[1], stops[1] + first[1]),
        )
        return inner, outer


class Canvas:
    """A square of 2 m cells of the 10 m grid, on which things are drawn, before the blur."""

    def __init__(self, row: float, col: float, reach_m: float, jacobian: Float) -> None:
        """Make an empty canvas about pixel coordinates, `reach_m` and a margin to each side."""
        self.jacobian = jacobian
        self.pixel_m = float(np.sqrt(abs(np.linalg.det(jacobian))))
        half = int(np.ceil((reach_m + _MARGIN_M) / (2 * self.pixel_m)))
        # Whole 20 m pixels, so that both resolutions see the same cells.
        self.row, self.col = (2 * (round(place / 2) - half) for place in (row, col))
        n = 4 * half * _CELLS_PER_PIXEL
        cells = (np.arange(n) + 0.5) / _CELLS_PER_PIXEL - 0.5
        self.rows, self.cols = self.row + cells[:, None], self.col + cells[None, :]
        self.height = np.zeros((n, n), np.float32)
        self.cover = np.zeros((n, n), np.float32)
        self.shade = np.zeros((n, n), np.float32)
        self.reflectance = np.zeros((len(REFLECTANCE_BANDS), n, n), np.float32)

    @property
    def cell_m(self) -> float:
        """Side of a cell on the ground."""
        return self.pixel_m / _CELLS_PER_PIXEL

    def cells(self, east: float, north: float) -> tuple[float, float]:
        """Steps (rows, cols) of cells that make metres (east, north)."""
        dcol, drow = np.linalg.inv(self.jacobian) @ (east, north) * _CELLS_PER_PIXEL
        return float(drow), float(dcol)

    def light(self, sun: Sun) -> None:
        """Cast the shadows of all heights, on what is drawn and on the water."""
        shaded = self._shaded(sun)
        self.shade[:] = shaded * (1 - self.cover)
        self.reflectance *= 1 - DIRECT.astype(np.float32)[:, None, None] * shaded

    def _shaded(self, sun: Sun) -> NDArray[np.bool_]:
        """Cells that a higher one keeps the sun from."""
        step = self.cell_m / sun.shadow_per_height
        drow, dcol = self.cells(*(self.cell_m * along for along in sun.towards))
        horizon = np.zeros_like(self.height)
        for k in range(1, int(np.ceil(self.height.max() / step)) + 1):
            # The margin is wider than any shadow, so nothing comes in from the far edge.
            towards = np.roll(self.height, (-round(k * drow), -round(k * dcol)), (0, 1))
            np.maximum(horizon, towards - np.float32(k * step), out=horizon)
        return horizon > self.height + np.float32(0.1)

    def chips(self, velocity: tuple[float, float] = (0.0, 0.0)) -> dict[Band, Chip]:
        """See the canvas in each band, moved by its lag times a velocity (east, north; m/s)."""
        spectra = {
            name: np.fft.rfft2(drawn)
            for name, drawn in (("cover", self.cover), ("shade", self.shade))
        }
        reflectance = np.fft.rfft2(self.reflectance)
        drow, dcol = self.cells(*velocity)
        seen: dict[Band, Chip] = {}
        for i, band in enumerate(REFLECTANCE_BANDS):
            factor, lag = FACTOR[band], LAG_S[band]
            optics = self._optics(factor, lag * drow, lag * dcol)
            layers = np.stack([spectra["cover"], spectra["shade"], reflectance[i]]) * optics
            pixels = binned(
                np.fft.irfft2(layers, s=self.height.shape), factor * _CELLS_PER_PIXEL
            ).astype(float)
            seen[band] = Chip(self.row // factor, self.col // factor, *pixels)
        return seen

    def _optics(self, factor: int, drow: float, dcol: float) -> NDArray[np.complex64]:
        """Response (rows, half the cols) that blurs as a band does and moves by cells."""
        bins = factor * _CELLS_PER_PIXEL
        # Averaging into pixels blurs too: the optics get the rest of the variance.
        variance = factor**2 * PSF_VARIANCE_M2 / self.cell_m**2 - (bins**2 - 1) / 12
        n = len(self.height)

        def response(frequency: NDArray[np.floating], shift: float) -> NDArray[np.complex64]:
            exponent = -2 * np.pi**2 * variance * frequency**2 - 2j * np.pi * frequency * shift
            return np.asarray(np.exp(exponent), np.complex64)

        along_rows, along_cols = (
            response(np.fft.fftfreq(n), drow),
            response(np.fft.rfftfreq(n), dcol),
        )
        return np.asarray(along_rows[:, None] * along_cols[None, :])


def hull_chips(hulls: Sequence[PlantedHull], paints: Sequence[Paint], sun: Sun) -> dict[Band, Chip]:
    """See hulls that lie alongside each other and move as one, by band.

    Each is where it was planted at the moment of B08.
    """
    rows = np.array([planted.row for planted in hulls])
    cols = np.array([planted.col for planted in hulls])
    row, col = (rows.min() + rows.max()) / 2, (cols.min() + cols.max()) / 2
    jacobian = hulls[0].jacobian
    apart = np.hypot(*(jacobian @ (cols - col, rows - row)))
    tallest = max(planted.hull.freeboard_m + planted.hull.house_m for planted in hulls)
    lengths = np.array([planted.hull.length_m for planted in hulls])
    reach = float((apart + lengths / 2).max()) + tallest * sun.shadow_per_height
    canvas = Canvas(row, col, reach, jacobian)
    for planted, paint in zip(hulls, paints, strict=True):
        _draw_hull(canvas, planted, paint, sun)
    canvas.light(sun)
    for planted, paint in zip(hulls, paints, strict=True):
        _draw_glint(canvas, planted, paint)
    return canvas.chips(velocity(hulls[0]))


def velocity(planted: PlantedHull) -> tuple[float, float]:
    """Metres per second (east, north)."""
    east, north = planted.hull.forward
    return planted.speed_ms * east, planted.speed_ms * north


def _draw_hull(canvas: Canvas, planted: PlantedHull, paint: Paint, sun: Sun) -> None:
    hull = planted.hull
    ground = planted.ground_offset(canvas.rows, canvas.cols)
    forward, starboard = hull.from_ground(*ground)
    part = hull.part_at(forward, starboard)
    on_hull = part != Part.WATER
    canvas.height[on_hull] = hull.heights_m[part[on_hull]]
    canvas.cover[on_hull] = 1.0
    # A face that slopes outward meets the sun by the slope towards it.
    sin, cos = hull.forward
    east, north = sun.towards
    sunward = (east * cos - north * sin) * np.clip(2 * starboard / hull.width_m, -1, 1)
    lit = 1 + _SLOPE * sun.shadow_per_height * DIRECT[:, None] * sunward[on_hull]
    canvas.reflectance[:, on_hull] = paint.parts[part[on_hull]].T * lit


def _draw_glint(canvas: Canvas, planted: PlantedHull, paint: Paint) -> None:
    """Add the spot that mirrors the sun, in the cell where it lies."""
    drow, dcol = planted.pixel_offset(*planted.hull.to_ground(*paint.glint_at))
    cells = [
        int((place - first + 0.5) * _CELLS_PER_PIXEL)
        for place, first in (
            (planted.row + float(drow), canvas.row),
            (planted.col + float(dcol), canvas.col),
        )
    ]
    canvas.reflectance[:, cells[0], cells[1]] += paint.glint_m2 / canvas.cell_m**2


def structure_chips(
    structure: Structure, reflectance: Float, cover: float, sun: Sun
) -> dict[Band, Chip]:
    """See a fixed thing at sea, by band.

    Parameters
    ----------
    structure
        What and where.
    reflectance
        (bands,) of its material.
    cover
        Share of the water within its outline that it hides: nets and frames leave most open.
    sun
        Where the sun stands.
    """
    shadow_m = structure.height_m * sun.shadow_per_height
    reach = np.hypot(structure.length_m, structure.width_m) / 2 + shadow_m
    canvas = Canvas(structure.row, structure.col, float(reach), structure.jacobian)
    dcol, drow = canvas.cols - structure.col, canvas.rows - structure.row
    jacobian = structure.jacobian
    east = jacobian[0, 0] * dcol + jacobian[0, 1] * drow
    north = jacobian[1, 0] * dcol + jacobian[1, 1] * drow
    heading = np.deg2rad(structure.heading_deg)
    along = 2 * (east * np.sin(heading) + north * np.cos(heading)) / structure.length_m
    across = 2 * (east * np.cos(heading) - north * np.sin(heading)) / structure.width_m
    if structure.kind == "cage":
        inside = np.maximum(abs(along), abs(across)) <= 1
    else:
        inside = np.hypot(along, across) <= 1
    canvas.cover[inside] = cover
    canvas.reflectance[:, inside] = (cover * reflectance)[:, None]
    if structure.kind == "turbine":
        canvas.shade[:] = (1 - canvas.cover) * _tower_shadow(east, north, shadow_m, sun)
    elif structure.kind == "rock":
        # Highest in its middle.
        peak = structure.height_m * (1 - np.hypot(along, across))
        canvas.height[inside] = np.maximum(peak[inside], 0)
        canvas.light(sun)
    return canvas.chips()


def _tower_shadow(east: Float, north: Float, shadow_m: float, sun: Sun) -> NDArray[np.bool_]:
    """Cells in the shadow of a tower, which is thinner than a cell's shadow would be."""
    away = -(east * sun.towards[0] + north * sun.towards[1])
    aside = east * sun.towards[1] - north * sun.towards[0]
    return (away > 0) & (away < shadow_m) & (abs(aside) < _TOWER_M / 2)
