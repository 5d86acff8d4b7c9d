"""Clouds over optical scenes, as the scene classification (SCL) has them."""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.doubts import doubted
from westsea.detection.hulls import Hulls
from westsea.detection.pixels import Pixels
from westsea.schema import Flag
from westsea_catalog.grid import Window

CLOUD_CLASSES = (3, 8, 9, 10)
"""SCL: cloud shadow, cloud of medium and high probability, thin cirrus."""
AROUND_PX = 24
OWN_PX = 8
"""Looked at is a square of 24 pixels around a hull, less what lies within 8 pixels of its extent:
the classification takes ships themselves for cloud or bare soil."""
CLOUDY_SHARE = 0.05
WIDEST_M = 65.0
"""Of a ship, and of two side by side; what is wider by more than its error is looked at itself."""


def flag_clouds(hulls: Hulls, pixels: Pixels) -> Hulls:
    """Set the cloud flag on hulls in or beside cloud or its shadow; on none without SCL."""
    cloudy = np.array([_cloudy(hulls, k, pixels) for k in range(len(hulls))], np.bool_)
    return doubted(hulls, Flag.CLOUD, cloudy)


def _cloudy(hulls: Hulls, k: int, pixels: Pixels) -> bool:
    row, col, reach = round(hulls.row[k]), round(hulls.col[k]), AROUND_PX
    square = Window(row - reach, row + reach + 1, col - reach, col + reach + 1)
    window = square.intersection(pixels.scene.grid.full)
    classes = pixels.beyond("SCL", window)
    if classes is None:
        return False
    is_too_wide = hulls.width_m[k] - hulls.width_sd_m[k] > WIDEST_M
    around = classes if is_too_wide else classes[~_own(hulls, k, window)]
    return int(np.isin(around, CLOUD_CLASSES).sum()) > CLOUDY_SHARE * around.size


def _own(hulls: Hulls, k: int, window: Window) -> NDArray[np.bool_]:
    """(rows, cols) pixels that belong to the hull or its blur."""
    reach = min(OWN_PX + np.sqrt(hulls.n_pixels[k]), AROUND_PX - 4)
    rows = np.arange(window.row0, window.row1)[:, None] - hulls.row[k]
    cols = np.arange(window.col0, window.col1)[None, :] - hulls.col[k]
    return np.asarray(np.hypot(rows, cols) <= reach)
