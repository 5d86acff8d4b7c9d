"""The ground-range grid of a radar pass over a scene, and the way from it to the scene's own.

Frame coordinates are (line, sample), float64, integers at pixel centres: lines run along the ground
track, samples to the right of it, away from the radar. Both are `SPACING_M` apart on the ground.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from rasterio.warp import Resampling, reproject

from westsea_catalog.grid import AffineGrid

Float = NDArray[np.float64]
Image = NDArray[np.float32]

SPACING_M = 10.0
_MARGIN = 8
"""Pixels beyond the scene, for the interpolation."""


@dataclass(frozen=True)
class Frame:
    """A pass over one scene; the scene's projection counts as plane."""

    grid: AffineGrid
    """Of the scene."""
    heading_deg: float
    """Of the ground track, clockwise from true north; the radar looks to the right of it."""

    @property
    def azimuth(self) -> tuple[float, float]:
        """Unit vector (east, north) along the ground track."""
        heading = np.deg2rad(self.heading_deg)
        return float(np.sin(heading)), float(np.cos(heading))

    @property
    def shape(self) -> tuple[int, int]:
        """(lines, samples)."""
        return self._extent[0]

    @property
    def first(self) -> tuple[float, float]:
        """Metres (along, across) of the first pixel's centre from the scene's middle."""
        return self._extent[1]

    @cached_property
    def jacobian(self) -> Float:
        """Ground metres (east, north) per step (col, row) in the scene's middle."""
        return self.grid.jacobian(*self._middle)

    @property
    def _middle(self) -> tuple[float, float]:
        rows, cols = self.grid.shape
        return (rows - 1) / 2, (cols - 1) / 2

    @cached_property
    def _extent(self) -> tuple[tuple[int, int], tuple[float, float]]:
        rows, cols = self.grid.shape
        corners = self._along_across(np.array([0, 0, rows, rows]), np.array([0, cols, 0, cols]))
        shape, first = [], []
        for offsets in corners:
            n = _fast_size(int(np.ceil(np.ptp(offsets) / SPACING_M)) + 2 * _MARGIN)
            shape.append(n)
            first.append(float(offsets.min() + offsets.max() - (n - 1) * SPACING_M) / 2)
        return (shape[0], shape[1]), (first[0], first[1])

    def _along_across(self, row: ArrayLike, col: ArrayLike) -> tuple[Float, Float]:
        """Metres (along, across) of the scene's middle."""
        drow, dcol = (
            np.asarray(at, float) - m for at, m in zip((row, col), self._middle, strict=True)
        )
        east = self.jacobian[0, 0] * dcol + self.jacobian[0, 1] * drow
        north = self.jacobian[1, 0] * dcol + self.jacobian[1, 1] * drow
        return self.along_across(east, north)

    def along_across(self, east: ArrayLike, north: ArrayLike) -> tuple[Float, Float]:
        """Components along the track and across it of (east, north) vectors."""
        east, north = np.asarray(east, float), np.asarray(north, float)
        sin, cos = self.azimuth
        return sin * east + cos * north, cos * east - sin * north

    def locate(self, row: ArrayLike, col: ArrayLike) -> tuple[Float, Float]:
        """(line, sample) of the scene's (row, col)."""
        along, across = self._along_across(row, col)
        return (along - self.first[0]) / SPACING_M, (across - self.first[1]) / SPACING_M

    def scene_pixel(self, line: ArrayLike, sample: ArrayLike) -> tuple[Float, Float]:
        """(row, col) of the scene, from (line, sample)."""
        col, row = (
            ~self.grid.affine
            @ self._affine
            @ (
                np.asarray(sample, float) + 0.5,
                np.asarray(line, float) + 0.5,
            )
        )
        return np.asarray(row) - 0.5, np.asarray(col) - 0.5

    @property
    def frequencies(self) -> tuple[Float, Float]:
        """Cycles per metre (along, across) of the frame's Fourier transform: (n, 1) and (1, n)."""
        lines, samples = (np.asarray(np.fft.fftfreq(n, SPACING_M), float) for n in self.shape)
        return lines[:, None], samples[None, :]

    @property
    def ground_frequencies(self) -> tuple[Float, Float]:
        """Cycles per metre (east, north) of the frame's Fourier transform, each of its shape."""
        along, across = self.frequencies
        sin, cos = self.azimuth
        return cos * across + sin * along, cos * along - sin * across

    @cached_property
    def _affine(self) -> Affine:
        """From (sample, line) of pixel corners to the scene's projection."""
        sin, cos = self.azimuth
        (a, b), (d, e) = np.linalg.inv(self.jacobian).tolist()
        to_pixels = Affine(a, b, 0, d, e, 0)
        to_ground = Affine(cos, sin, 0, -sin, cos, 0)
        along, across = self.first
        centres = Affine.translation(across, along) @ Affine.scale(SPACING_M)
        row, col = self._middle
        pixels = Affine.translation(col + 0.5, row + 0.5) @ to_pixels @ to_ground @ centres
        return self.grid.affine @ pixels @ Affine.translation(-0.5, -0.5)

    def to_scene(self, image: Image, nodata: float) -> Image:
        """Resample an image of the frame to the scene's grid, by cubic convolution.

        A scene's pixel is `nodata` where its nearest pixel of the frame is.
        """
        return self._resampled(image, Resampling.cubic, nodata)

    def from_scene(self, image: NDArray[np.generic], fill: float = 0.0) -> Image:
        """Bring an image of the scene's grid to the frame, bilinearly; `fill` beyond its edge."""
        target = np.full(self.shape, fill, np.float32)
        reproject(
            np.ascontiguousarray(image, np.float32),
            target,
            src_transform=self.grid.affine,
            dst_transform=self._affine,
            resampling=Resampling.bilinear,
            init_dest_nodata=False,
            **self._options,
        )
        return target

    def _resampled(self, image: Image, how: Resampling, nodata: float) -> Image:
        target = np.empty(self.grid.shape, np.float32)
        reproject(
            image,
            target,
            src_transform=self._affine,
            dst_transform=self.grid.affine,
            src_nodata=nodata,
            dst_nodata=nodata,
            resampling=how,
            **self._options,
        )
        return target

    @property
    def _options(self) -> dict[str, object]:
        # GDAL takes the rotated frame, larger than the scene, for a finer one, and would smooth it.
        crs = f"EPSG:{self.grid.epsg}"
        return {"src_crs": crs, "dst_crs": crs, "XSCALE": 1, "YSCALE": 1}


def _fast_size(n: int) -> int:
    """The next number that has no prime factor above 5."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1
