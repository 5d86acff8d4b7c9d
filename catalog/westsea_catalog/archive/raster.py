"""Masks and smooth fields on a scene's grid: distances, coarser cells, interpolation."""

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.fields import (
    exponential_spectrum,
    gaussian_field,
    ground_frequencies,
)

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]


def pixel_size(jacobian: Float) -> float:
    """Side (m) of a square as large as a pixel, by a `Grid.jacobian`."""
    return float(np.sqrt(abs(np.linalg.det(jacobian))))


def distance_cells(target: Mask) -> NDArray[np.float32]:
    """Distance of every cell from the nearest that is true, centre to centre, in cells.

    Infinite where none is true.
    """
    n_rows, n_cols = target.shape
    rows = np.arange(n_rows, dtype=np.float32)[:, None]
    above = np.maximum.accumulate(np.where(target, rows, -np.inf), axis=0)
    below = np.minimum.accumulate(np.where(target, rows, np.inf)[::-1], axis=0)[::-1]
    squared = (np.minimum(rows - above, below - rows) ** 2).astype(np.float32)
    least = squared.copy()
    for step in range(1, n_cols):
        np.minimum(least[:, step:], squared[:, :-step] + step**2, out=least[:, step:])
        np.minimum(least[:, :-step], squared[:, step:] + step**2, out=least[:, :-step])
    return np.asarray(np.sqrt(least))


def coarsened(mask: Mask, factor: int) -> Mask:
    """Cells of factor x factor pixels that hold a true one; the last may reach over the edge."""
    pads = [(0, -size % factor) for size in mask.shape]
    rows, cols = ((size + pad) // factor for size, (_, pad) in zip(mask.shape, pads, strict=True))
    cells = np.pad(mask, pads).reshape(rows, factor, cols, factor)
    return np.asarray(cells.any(axis=(1, 3)))


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    jacobian: Float,
    length_m: float,
    factor: int,
) -> Float:
    """Normal field of the correlation exp(-distance / length_m), with detail down to a few pixels.

    It is drawn in cells of factor x factor pixels and interpolated.
    """
    cells = (-(-shape[0] // factor), -(-shape[1] // factor))
    frequency = np.hypot(*ground_frequencies(cells, factor * jacobian))
    field = gaussian_field(rng, exponential_spectrum(frequency, length_m))
    return upsampled(field, factor, (shape[0], shape[1]))


def upsampled(cells: NDArray[np.floating], factor: int, shape: tuple[int, ...]) -> Float:
    """Interpolate linearly between the centres of cells of factor x factor pixels."""
    out = np.asarray(cells, float)
    for axis, size in enumerate(shape[:2]):
        place = np.clip((np.arange(size) + 0.5) / factor - 0.5, 0, out.shape[axis] - 1)
        low = np.minimum(place.astype(np.intp), max(out.shape[axis] - 2, 0))
        share = np.expand_dims(place - low, 1 - axis)
        after = np.minimum(low + 1, out.shape[axis] - 1)
        out = out.take(low, axis) * (1 - share) + out.take(after, axis) * share
    return out
