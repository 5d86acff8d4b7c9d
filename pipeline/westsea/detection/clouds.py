"""Clouds over optical scenes, as the scene classification (SCL) and the bands show them."""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.bands import BandFits
from westsea.detection.doubts import doubted
from westsea.detection.hulls import Hulls
from westsea.detection.pixels import Pixels
from westsea.schema import DOUBT, Flag
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

OWN_SHARE = 0.5
"""Of a detection's own pixels: it is classed as cloud itself."""
STOUT_M, STOUT = 30.0, 4.5
"""A small cloud is wider than this, and less than so many times longer than wide; ships alongside
each other can be so too, and so can what is measured of a short one."""
WHITE = np.array([[0.75, 0.8, 0.9], [1.0, 1.0, 1.0]])
"""Contrast in B02, B03 and B04 over that in B08: drops scatter all light alike (Fmask's whiteness
test, Zhu and Woodcock 2012), over water that is the brighter the shorter the wave. Paint can be as
white; ..."""
EVEN = 0.985
"""... but then deck, house and shadow differ, and B08 tells less of the other bands."""


def flag_clouds(hulls: Hulls, pixels: Pixels) -> Hulls:
    """Set the cloud flag on hulls in or beside cloud or its shadow; on none without SCL."""
    cloudy = np.array([_cloudy(hulls, k, pixels) for k in range(len(hulls))], np.bool_)
    return doubted(hulls, Flag.CLOUD, cloudy)


def flag_white_clouds(hulls: Hulls, fits: BandFits, pixels: Pixels) -> Hulls:
    """Set the cloud flag on unflagged detections classed as cloud that look like one all over."""
    white = np.all((fits.share >= WHITE[0]) & (fits.share <= WHITE[1]), axis=1)
    white &= np.all(fits.likeness >= EVEN, axis=1)
    white &= (hulls.width_m > STOUT_M) & (hulls.length_m < STOUT * hulls.width_m)
    white &= (hulls.flags & int(DOUBT)) == 0
    for k in np.flatnonzero(white):
        white[k] = _is_classed(hulls, int(k), pixels)
    return doubted(hulls, Flag.CLOUD, white)


def _cloudy(hulls: Hulls, k: int, pixels: Pixels) -> bool:
    window = _around(hulls, k, pixels)
    classes = pixels.beyond("SCL", window)
    if classes is None:
        return False
    is_too_wide = hulls.width_m[k] - hulls.width_sd_m[k] > WIDEST_M
    around = classes if is_too_wide else classes[~_own(hulls, k, window)]
    return int(np.isin(around, CLOUD_CLASSES).sum()) > CLOUDY_SHARE * around.size


def _is_classed(hulls: Hulls, k: int, pixels: Pixels) -> bool:
    """Whether most of what lies within half the width of the middle is classed as cloud."""
    window = _around(hulls, k, pixels)
    classes = pixels.beyond("SCL", window)
    if classes is None:
        return False
    pixel_m = np.sqrt(abs(np.linalg.det(pixels.scene.grid.jacobian(hulls.row[k], hulls.col[k]))))
    own = classes[_distance_px(hulls, k, window) <= hulls.width_m[k] / 2 / pixel_m]
    return bool(np.isin(own, CLOUD_CLASSES).sum() > OWN_SHARE * own.size)


def _around(hulls: Hulls, k: int, pixels: Pixels) -> Window:
    row, col, reach = round(hulls.row[k]), round(hulls.col[k]), AROUND_PX
    square = Window(row - reach, row + reach + 1, col - reach, col + reach + 1)
    return square.intersection(pixels.scene.grid.full)


def _own(hulls: Hulls, k: int, window: Window) -> NDArray[np.bool_]:
    """(rows, cols) pixels that belong to the hull or its blur."""
    reach = min(OWN_PX + np.sqrt(hulls.n_pixels[k]), AROUND_PX - 4)
    return np.asarray(_distance_px(hulls, k, window) <= reach)


def _distance_px(hulls: Hulls, k: int, window: Window) -> NDArray[np.float64]:
    """(rows, cols) from the middle of a hull."""
    rows = np.arange(window.row0, window.row1)[:, None] - hulls.row[k]
    cols = np.arange(window.col0, window.col1)[None, :] - hulls.col[k]
    return np.asarray(np.hypot(rows, cols))
