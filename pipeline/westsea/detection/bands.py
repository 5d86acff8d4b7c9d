"""Hulls as the visible bands of an optical scene show them: moved, brighter or darker than in B08.

Bands are never laid on one another as they are: what moves lies elsewhere in each. The chip of B08
about a hull, moved and scaled, is fitted to the chip of each other band.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from westsea.detection.hulls import SATURATED, Hulls
from westsea.detection.pixels import Pixels
from westsea.schema import DOUBT
from westsea_catalog.grid import Window
from westsea_catalog.scene import Scene
from westsea_kernels import shifts

Float = NDArray[np.float64]

VISIBLE = ("B02", "B03", "B04")
AROUND_M = 20.0
"""Fitted are the pixels of the measured rectangle and so far about it: what the blur spreads. Less
loses the ends, more takes in waves; 15 and 25 m do as well."""
LONGEST_M = 500.0
"""No ship is longer; a chip is 60 pixels wide at most."""


@dataclass(frozen=True)
class BandFits:
    """Fits of hulls in the bands VISIBLE, each array (n, 3); NaN where there is none."""

    along_m: Float
    """Shift since B08, along the axis in the direction of `heading_deg`."""
    along_sd_m: Float
    across_m: Float
    """To the right of that."""
    across_sd_m: Float
    share: Float
    """Contrast over that in B08, in the files' numbers."""
    likeness: Float
    """Share of the variance of a band that B08, moved and scaled, tells."""


def fit_bands(hulls: Hulls, pixels: Pixels) -> BandFits:
    """Fit the unflagged hulls of an optical scene in its visible bands, as far as it has them."""
    fits = np.full((len(hulls), len(VISIBLE), shifts.N_SHIFT), np.nan)
    bands = _at_full_resolution(pixels.scene)
    wanted = (hulls.flags & int(DOUBT)) == 0
    wanted &= hulls.length_m <= LONGEST_M
    jacobian = pixels.scene.grid.jacobian(hulls.row, hulls.col)
    for k in np.flatnonzero(wanted) if bands else ():
        _fit(hulls, int(k), jacobian[k], bands, pixels, fits[k])
    columns = (
        shifts.ALONG,
        shifts.ALONG_SD,
        shifts.ACROSS,
        shifts.ACROSS_SD,
        shifts.SHARE,
        shifts.LIKENESS,
    )
    return BandFits(*(fits[:, :, column] for column in columns))


def _at_full_resolution(scene: Scene) -> list[str]:
    return [extra.name for extra in scene.extras if extra.name in VISIBLE and extra.factor == 1]


def _fit(
    hulls: Hulls, k: int, jacobian: Float, bands: list[str], pixels: Pixels, out: Float
) -> None:
    """Fill (3, N_SHIFT) `out` for one hull; what cannot be fitted is left as it is."""
    heading = np.deg2rad(hulls.heading_deg[k])
    axis = np.array([np.sin(heading), np.cos(heading)])
    across = np.array([axis[1], -axis[0]])
    steps = np.linalg.inv(jacobian)
    axes = np.ascontiguousarray(np.stack([steps @ axis, steps @ across])[:, ::-1])
    half = hulls.length_m[k] / 2 + AROUND_M, hulls.width_m[k] / 2 + AROUND_M
    window = _window(hulls, k, np.abs(axes).T @ half, pixels)
    template = pixels.bands(window)[0]
    rows = np.arange(window.row0, window.row1)[:, None] - hulls.row[k]
    cols = np.arange(window.col0, window.col1)[None, :] - hulls.col[k]
    inside = _is_seen(template, pixels)
    for direction, reach in zip((axis, across), half, strict=True):
        by_col, by_row = direction @ jacobian
        inside &= np.abs(by_row * rows + by_col * cols) <= reach
    fitted = np.empty(shifts.N_SHIFT)
    for name in bands:
        image = pixels.beyond(name, window)
        if image is not None and shifts.fit_shift(
            template, image, inside & _is_seen(image, pixels), axes, fitted
        ):
            out[VISIBLE.index(name)] = fitted


def _window(hulls: Hulls, k: int, reach: Float, pixels: Pixels) -> Window:
    """What the fit touches: `reach` is in rows and columns."""
    rows, cols = (int(np.ceil(pixel)) + shifts.MARGIN for pixel in reach)
    row, col = round(hulls.row[k]), round(hulls.col[k])
    window = Window(row - rows, row + rows + 1, col - cols, col + cols + 1)
    return window.intersection(pixels.scene.grid.full)


def _is_seen(image: NDArray[Any], pixels: Pixels) -> NDArray[np.bool_]:
    return np.asarray((image != pixels.scene.nodata) & (image < SATURATED), np.bool_)
