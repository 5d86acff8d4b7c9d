"""Where blobs are planted."""

from dataclasses import dataclass

import numpy as np

from westsea.bench.alongside.laws import Blob, draw_blob

SPACING_PX, JITTER_PX = 72, 4
"""From blob to blob along rows and columns, and how far each may lie off that."""
BORDER_PX = 45
"""No blob is closer to the edge."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A blob in a scene; its number is its index among the scene's."""

    blob: Blob
    row: float
    """Pixel coordinates of the blob's (0, 0); integers are pixel centres."""
    col: float


def draw_placed(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Placed, ...]:
    """Draw a blob for each node of a jittered grid, row by row."""
    rows, cols = (_nodes(side) for side in shape)
    placed = []
    for row in rows:
        for col in cols:
            off = rng.uniform(-JITTER_PX, JITTER_PX, 2)
            placed.append(Placed(draw_blob(rng), float(row + off[0]), float(col + off[1])))
    return tuple(placed)


def _nodes(side: int) -> list[float]:
    """Along one axis, as many as have room, about its middle."""
    room = side - 1 - 2 * (BORDER_PX + JITTER_PX)
    steps = room // SPACING_PX
    if steps < 0:
        return []
    first = (side - 1 - steps * SPACING_PX) / 2
    return [first + SPACING_PX * k for k in range(steps + 1)]
