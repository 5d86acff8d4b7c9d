"""What a hull under way leaves on the water, to the radar."""

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.frame import SPACING_M, Frame
from westsea_catalog.archive.hulls import Polarization
from westsea_catalog.archive.layout import PlantedHull

TURBULENT_LENGTHS = (8.0, 20.0)
"""Length of the smooth track, in lengths of the hull."""
TURBULENT_DB = (-3.5, -1.5)
"""Its depth right behind the stern."""
ARM_DEG, ARM_DB = 3.0, 1.2
"""Bright narrow-V arms on either side of it: their half angle, and height."""


def calm_the_track(
    rng: np.random.Generator,
    frame: Frame,
    planted: PlantedHull,
    displacement_m: float,
    surface: dict[Polarization, NDArray[np.float32]],
) -> None:
    """Draw a hull's wake into the mean backscatter, in place.

    The hull is imaged `displacement_m` along the track from where it is; its wake is not.
    """
    hull = planted.hull
    reach = rng.uniform(*TURBULENT_LENGTHS) * hull.length_m
    depth = rng.uniform(*TURBULENT_DB)
    line, sample = (float(at) for at in frame.locate(planted.row, planted.col))
    line -= displacement_m / SPACING_M
    sin, cos = hull.forward
    tail = frame.along_across(-sin * (reach + hull.length_m), -cos * (reach + hull.length_m))
    window = []
    for start, end, size in zip((line, sample), tail, frame.shape, strict=True):
        ends = start, start + float(end) / SPACING_M
        window.append(slice(max(0, int(min(ends)) - 20), min(size, int(max(ends)) + 21)))
    lines, samples = (np.arange(each.start, max(each.start, each.stop)) for each in window)
    along = (lines[:, None] - line) * SPACING_M
    across = (samples[None, :] - sample) * SPACING_M
    bow_along, bow_across = (float(part) for part in frame.along_across(sin, cos))
    behind = -(along * bow_along + across * bow_across) - hull.length_m / 2
    beside = np.abs(across * bow_along - along * bow_across)
    fade = np.where(behind > 0, np.exp(-np.maximum(behind, 0) / (0.5 * reach)), 0.0)
    fade[behind > reach] = 0.0
    width = hull.width_m * (1.0 + 0.5 * np.maximum(behind, 0) / reach)
    track = depth * np.exp(-((beside / width) ** 2))
    arm = beside - hull.width_m - np.tan(np.deg2rad(ARM_DEG)) * behind
    change = 10 ** (fade * (track + ARM_DB * np.exp(-((arm / 15.0) ** 2))) / 10)
    for power in surface.values():
        power[tuple(window)] *= change.astype(np.float32)
