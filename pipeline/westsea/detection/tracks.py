"""Where Sentinel-1 flies, and which way azimuth lies on the ground."""

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

INCLINATION_DEG = 98.18
ORBIT_RADIUS_M = 7.071e6
MU = 3.986004e14
EARTH_SPIN = 7.292116e-5
"""Radians a second."""
HIGHEST_LATITUDE_DEG = 80.0
"""The orbit turns at 81.8 degrees; farther north or south count as this latitude."""
MID_SWATH_DEG = 4.5
"""Arc on the ground from the nadir to the middle of an IW swath."""
_STEPS = 8


def platform_heading_deg(lat: Float, *, ascending: bool) -> Float:
    """Heading of the satellite's track over the turning Earth, clockwise from true north.

    Parameters
    ----------
    lat : (...)
        Degrees, of the satellite's nadir.
    """
    lat = np.deg2rad(np.clip(lat, -HIGHEST_LATITUDE_DEG, HIGHEST_LATITUDE_DEG))
    speed = np.sqrt(MU / ORBIT_RADIUS_M) / ORBIT_RADIUS_M
    sine = np.cos(np.deg2rad(INCLINATION_DEG)) / np.cos(lat)
    east = speed * sine - EARTH_SPIN * np.cos(lat)
    north = speed * np.sqrt(1.0 - sine**2)
    return np.asarray(np.rad2deg(np.arctan2(east, north if ascending else -north)))


def azimuth_deg(lat: Float, arc_deg: float, *, ascending: bool) -> Float:
    """Direction of azimuth on the ground, clockwise from true north.

    It is at right angles to the great circle towards the nadir, and so turns away from the
    platform's heading as meridians converge: at 37 degrees north by 2 degrees at the near edge of
    the swath and 4 at the far one.

    Parameters
    ----------
    lat : (...)
        Degrees, of the place that is looked at.
    arc_deg
        Degrees of a great circle from the nadir to there.
    """
    lat = np.clip(lat, -HIGHEST_LATITUDE_DEG, HIGHEST_LATITUDE_DEG)
    place, arc = np.deg2rad(lat), np.deg2rad(arc_deg)
    nadir = place
    for _ in range(_STEPS):
        look = np.deg2rad(platform_heading_deg(np.rad2deg(nadir), ascending=ascending) + 90.0)
        seen = np.sin(nadir) * np.cos(arc) + np.cos(nadir) * np.sin(arc) * np.cos(look)
        nadir = nadir + (np.sin(place) - seen) / np.cos(nadir)
    # Clairaut: along a great circle, sin(bearing) cos(latitude) stays the same.
    sine = np.clip(np.sin(look) * np.cos(nadir) / np.cos(place), -1.0, 1.0)
    away = np.cos(look) * np.cos(arc) * np.cos(nadir) - np.sin(nadir) * np.sin(arc)
    return np.asarray(np.rad2deg(np.arctan2(sine * np.cos(place), away)) - 90.0)
