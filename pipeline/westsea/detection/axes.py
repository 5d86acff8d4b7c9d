"""Which way a scene's azimuth and range lie on the ground, and what its sensor makes of a point.

In radar geometry lines run along azimuth and samples along range, and the grid says where to. Of a
product on a map, orbit and latitude say it.
"""

import numpy as np
from numpy.typing import NDArray

from westsea.detection.tracks import MID_SWATH_DEG, azimuth_deg
from westsea_catalog.scene import Scene

Float = NDArray[np.float64]

FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
RESOLUTION_M = {"IW": (20.4, 22.5), "EW": (50.0, 50.0)}
"""Ground range and azimuth resolution of Sentinel-1's IW and EW GRDH (ESA product
specification). Sizes of hulls were fitted to IW alone."""
OPTICAL_VARIANCE_M2 = 29.0
"""Sentinel-2 10 m bands: a point spreads with about 5.4 m standard deviation."""


def azimuths_deg(scene: Scene, row: Float, col: Float, lat: Float) -> list[Float]:
    """Directions of azimuth, (n,) each, clockwise from true north; range lies to the right of it.

    One for each orbit state that is possible.

    row, col, lat : (n,)
        Where.
    """
    if scene.radar is not None:
        return [line_axis_deg(scene.grid.jacobian(row, col))]
    return [
        azimuth_deg(lat, MID_SWATH_DEG, ascending=state == "ascending")
        for state in ("ascending", "descending")
        if scene.orbit_state in (state, "unknown")
    ]


def line_axis_deg(jacobian: Float) -> Float:
    """(...) direction of azimuth in radar geometry, of (..., 2, 2).

    The radar looks to the right: of the two ways along the lines' axis it is the one from which
    samples count to the right.
    """
    side = np.sign(np.linalg.det(jacobian))
    east, north = side * jacobian[..., 0, 1], side * jacobian[..., 1, 1]
    return np.asarray(np.rad2deg(np.arctan2(east, north)))


def middle_azimuth_deg(scene: Scene) -> float:
    """Direction of azimuth in the middle of a radar scene."""
    if scene.radar is not None:
        return float(line_axis_deg(_middle_jacobian(scene)))
    rows, cols = scene.grid.shape
    _, lat = scene.grid.lonlat(rows / 2, cols / 2)
    return float(azimuth_deg(lat, MID_SWATH_DEG, ascending=scene.orbit_state != "descending"))


def blur(scene: Scene) -> Float:
    """Variances east-east, north-north and east-north of the sensor's point spread, m2.

    A radar's axes lie along azimuth and across it, here as in the middle of the scene. They turn by
    2 degrees over a swath, which changes less than 1 % of the variances.
    """
    if scene.sensor == "optical":
        return np.array([OPTICAL_VARIANCE_M2, OPTICAL_VARIANCE_M2, 0.0])
    if scene.radar is None:
        axes, mode = _axes(np.deg2rad(middle_azimuth_deg(scene))), "IW"
    else:
        axes, mode = _middle_jacobian(scene), scene.radar.mode
        axes = axes / np.hypot(axes[0], axes[1])
    ground_range, azimuth = ((width / FWHM) ** 2 for width in RESOLUTION_M[mode])
    (range_e, azimuth_e), (range_n, azimuth_n) = axes
    return np.array(
        [
            azimuth * azimuth_e**2 + ground_range * range_e**2,
            azimuth * azimuth_n**2 + ground_range * range_n**2,
            azimuth * azimuth_e * azimuth_n + ground_range * range_e * range_n,
        ]
    )


def _axes(azimuth: float) -> Float:
    """(2, 2) unit vectors (east, north) of range, to the right, and of azimuth; in radians."""
    sine, cosine = np.sin(azimuth), np.cos(azimuth)
    return np.array([[cosine, sine], [-sine, cosine]])


def _middle_jacobian(scene: Scene) -> Float:
    rows, cols = scene.grid.shape
    return scene.grid.jacobian(rows / 2, cols / 2)


def per_metre(jacobian: Float) -> tuple[Float, Float]:
    """(...) rows and columns that a circle of a metre reaches from its middle, of (..., 2, 2)."""
    steps = np.linalg.inv(jacobian)
    return np.hypot(steps[..., 1, 0], steps[..., 1, 1]), np.hypot(
        steps[..., 0, 0], steps[..., 0, 1]
    )
