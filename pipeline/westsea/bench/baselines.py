"""The usual recipe around a classic threshold: from pixels above it to detections."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from westsea.bench.recipes import Recipe, Rings, box_sum
from westsea.detection.clouds import AROUND_PX, CLOUD_CLASSES, CLOUDY_SHARE
from westsea.detection.pixels import Pixels
from westsea.detector import Detector
from westsea.schema import Flag
from westsea_catalog.grid import Window
from westsea_kernels.blobs import connect, number_bright
from westsea_kernels.blocks import BLOCK, mark_valid

Bools = NDArray[np.bool_]

LEAST_PIXELS = 3
"""Smaller blobs are taken for speckle. With 2 the same threshold has 2 to 3 times the false
detections, and finds 0 to 5 % more of the hulls of 25 to 50 m."""
EDGE_SIDE_PX = 11
"""A blob with a pixel that has no data, or the end of the file, in this square is at the edge."""


@dataclass(frozen=True, eq=False)
class Masks:
    """(rows, cols) what is known of a scene's window beforehand."""

    valid: Bools
    """The pixels that ours looks at."""
    edge: Bools
    cloudy: Bools
    window: Window

    @classmethod
    def of(cls, pixels: Pixels, bands: NDArray[np.generic]) -> "Masks":
        """Of the window of some pixels, whose bands (bands, rows, cols) are read already."""
        window = pixels.window
        land, valid = pixels.land(window), np.empty(window.shape, np.bool_)
        mark_valid(np.ascontiguousarray(bands), np.float32(pixels.scene.nodata), land, valid)
        inside = box_sum((valid | land).astype(float), EDGE_SIDE_PX)
        return cls(valid, inside < EDGE_SIDE_PX**2 - 0.5, _cloudy(pixels), window)


def _cloudy(pixels: Pixels) -> Bools:
    """As `westsea.detection.clouds` has it, but for the ship's own pixels."""
    classes = pixels.beyond("SCL", pixels.window)
    if classes is None:
        return np.zeros(pixels.window.shape, np.bool_)
    side = 2 * AROUND_PX + 1
    cloud = box_sum(np.isin(classes, CLOUD_CLASSES).astype(float), side)
    return np.asarray(cloud > CLOUDY_SHARE * side**2)


def detect(
    recipe: Recipe, rings: Rings, pixels: Pixels, masks: Masks, detector: Detector
) -> Iterator[tuple[float, pd.DataFrame]]:
    """Detections of a recipe, for each rate of its ladder.

    Blobs touch by edge or corner over all bands together, and have LEAST_PIXELS up to the size of
    the largest hull. They bear the doubts that maps give: near the coast, at the edge, in cloud.
    """
    row, col = ((size - 1) / 2 for size in masks.window.shape)
    pixel_m2 = abs(float(np.linalg.det(pixels.scene.grid.jacobian(row, col))))
    largest = detector.largest_hull_m2 / pixel_m2
    for rate, above in recipe.exceedances(rings):
        rows, cols, sizes = blobs_of(above)
        ships = (sizes >= LEAST_PIXELS) & (sizes <= largest)
        yield rate, _detections(pixels, masks, rows[ships], cols[ships], detector.land_near_m)


def blobs_of(above: Bools) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Centroids (row, col) and sizes of the connected sets of pixels, by their first pixel.

    above: (rows, cols).
    """
    ends = [(0, -size % BLOCK) for size in above.shape]
    padded = np.pad(above, ends)
    n_rows, n_cols = (size // BLOCK for size in padded.shape)
    blocks = padded.reshape(n_rows, BLOCK, n_cols, BLOCK).swapaxes(1, 2)
    at = np.argwhere(blocks.any(axis=(2, 3)))
    plane = blocks[tuple(at.T)].astype(np.float32)
    nodes = np.empty(plane.shape, np.int64)
    root = np.empty(number_bright(plane, np.full(len(at), 0.5, np.float32), 0, nodes), np.int64)
    slots = np.full((n_rows, n_cols), -1, np.int64)
    slots[tuple(at.T)] = np.arange(len(at))
    none_solid = np.full_like(slots, -1)
    connect(at[:, 0].copy(), at[:, 1].copy(), slots, none_solid, nodes, root)
    block, row, col = np.nonzero(nodes >= 0)  # in the order of the nodes' numbers
    _, label, sizes = np.unique(root, return_inverse=True, return_counts=True)
    rows = np.bincount(label, at[block, 0] * BLOCK + row) / sizes
    cols = np.bincount(label, at[block, 1] * BLOCK + col) / sizes
    return rows, cols, sizes


def _detections(
    pixels: Pixels,
    masks: Masks,
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
    land_near_m: float,
) -> pd.DataFrame:
    here = np.rint(rows).astype(int), np.rint(cols).astype(int)
    lon, lat = pixels.scene.grid.lonlat(rows + masks.window.row0, cols + masks.window.col0)
    is_near = pixels.coast.distance_m(lon, lat) <= land_near_m
    flags = np.where(is_near, int(Flag.LAND_NEAR), 0)
    flags |= np.where(masks.edge[here], int(Flag.EDGE), 0)
    flags |= np.where(masks.cloudy[here], int(Flag.CLOUD), 0)
    return pd.DataFrame({"item_id": pixels.scene.id, "lon": lon, "lat": lat, "flags": flags})
