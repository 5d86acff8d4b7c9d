"""Control points brought to the height of the sea.

Sentinel-1's control points lie on the terrain, 0 m at sea. One on a hill of 700 m is where the
echo of its top comes from, 900 m further from the radar than what the sea would have in the same
pixel; a spline through both swings by 100 m and more out at sea. Moved along the line of sight to
height 0 all of them lie on one smooth surface, on which ships are.
"""

import numpy as np

from westsea_catalog.grid import GEOD, Float

SLANT_M = {"IW": (800_000.0, 965_000.0), "EW": (750_000.0, 1_010_000.0)}
INCIDENCE_DEG = {"IW": (30.5, 46.1), "EW": (19.0, 47.1)}
"""At the first and the last sample, where no annotation says."""


def at_sea_level(
    lon: Float, lat: Float, height: Float, incidence: Float, slant_m: Float
) -> tuple[Float, Float]:
    """Where the pixels of control points are, were there the sea.

    Parameters
    ----------
    lon, lat
        (n, m) degrees of the points, lines by samples.
    height
        (n, m) metres above the ellipsoid.
    incidence
        (n, m) degrees.
    slant_m
        (n, m) metres from the radar.

    Returns
    -------
    Longitude and latitude (degrees), (n, m).
    """
    angle = np.radians(incidence)
    level, down = slant_m * np.sin(angle), slant_m * np.cos(angle)
    nearer = level - np.sqrt(np.maximum(slant_m**2 - (down + height) ** 2, 0.0))
    # The line of sight on the ground is that of the samples, which hills do not turn.
    away, _, _ = GEOD.inv(lon[:, :-1], lat[:, :-1], lon[:, 1:], lat[:, 1:])
    away = np.column_stack([away, away[:, -1]])
    back = np.where(np.isfinite(away), away, 0.0) + 180.0
    moved_lon, moved_lat, _ = GEOD.fwd(lon, lat, back, nearer)
    return np.asarray(moved_lon), np.asarray(moved_lat)


def usual_view(mode: str, cols: Float, width: int) -> tuple[Float, Float]:
    """Incidence (degrees) and slant range (m) of columns, as in any pass of the mode."""
    part = np.clip(cols / max(width - 1, 1), 0.0, 1.0)
    near, far = INCIDENCE_DEG.get(mode, INCIDENCE_DEG["IW"])
    first, last = SLANT_M.get(mode, SLANT_M["IW"])
    return near + (far - near) * part, first + (last - first) * part
