"""Where blobs lie in a scene."""

from dataclasses import dataclass

from westsea.bench.alongside.laws import Blob


@dataclass(frozen=True, eq=False)
class Placed:
    """A blob in a scene."""

    blob: Blob
    row: float
    """Pixel coordinates of the blob's (0, 0); integers are pixel centres."""
    col: float
