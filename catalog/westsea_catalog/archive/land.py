"""The land of a scene: where it is, how high, and where it is built over."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Land:
    """Land on a scene's 10 m grid; each array is (rows, cols)."""

    cover: NDArray[np.bool_]
    """True on land, piers and breakwaters included."""
    height_m: NDArray[np.float32]
    """Above the sea; 0 on water."""
    built: NDArray[np.bool_]
    """Land that is town, quay or breakwater: bright to the radar."""

    @classmethod
    def none(cls, shape: tuple[int, int]) -> "Land":
        """A scene without land."""
        return cls(np.zeros(shape, bool), np.zeros(shape, np.float32), np.zeros(shape, bool))
