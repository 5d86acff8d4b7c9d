import numpy as np
import pytest

from westsea.detection.tracks import azimuth_deg, platform_heading_deg
from westsea_catalog.grid import GEOD

NEAR_EDGE_DEG, FAR_EDGE_DEG = 3.2, 5.8
"""Arc on the ground from the satellite's nadir to the edges of an IW swath."""


@pytest.mark.parametrize(
    ("lat", "ascending", "published"),
    [(37.0, True, -13.0), (37.0, False, -167.0), (0.0, True, -12.0), (0.0, False, -168.0)],
)
def test_heading_of_the_platform(lat, ascending, published):
    """Sentinel-1's annotation says about -12 at the equator and -13 at 37 degrees north."""
    heading = platform_heading_deg(np.array(lat), ascending=ascending)
    assert heading == pytest.approx(published, abs=0.5)


FOOTPRINTS = {
    # Sides of real IW products as their STAC items have them: (lon, lat) of two corners.
    "far, ascending": ((-94.984, 41.536), (-95.298, 43.025), True, FAR_EDGE_DEG),
    "near, ascending": ((-97.942, 41.147), (-98.295, 42.516), True, NEAR_EDGE_DEG),
    "far, descending": ((18.04, 30.75), (17.828, 29.672), False, FAR_EDGE_DEG),
    "near, descending": ((20.621, 30.347), (20.409, 29.389), False, NEAR_EDGE_DEG),
}


@pytest.mark.parametrize("name", FOOTPRINTS)
def test_azimuth_is_that_of_real_footprints(name):
    start, end, ascending, arc = FOOTPRINTS[name]
    bearing, _, _ = GEOD.inv(*start, *end)
    lat = np.array([start[1], end[1]]).mean()
    assert azimuth_deg(lat, arc, ascending=ascending) == pytest.approx(bearing, abs=0.5)


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("lat", [-60.0, -37.0, 0.0, 37.0, 60.0])
def test_azimuth_at_the_nadir_is_the_platforms_heading(lat, ascending):
    heading = platform_heading_deg(lat, ascending=ascending)
    assert azimuth_deg(lat, 0.0, ascending=ascending) == pytest.approx(heading, abs=1e-6)


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("nadir", [-60.0, -37.0, 20.0, 37.0, 65.0])
def test_azimuth_is_at_right_angles_to_the_way_from_the_nadir(nadir, ascending):
    """Against a walk over a sphere: start at a nadir, look right, and look back."""
    arc, radius = 4.5, 6_371_000.0
    look = float(platform_heading_deg(nadir, ascending=ascending)) + 90.0
    sphere = GEOD.__class__(a=radius, b=radius)
    _, lat, back = sphere.fwd(0.0, nadir, look, np.deg2rad(arc) * radius)
    turn = azimuth_deg(lat, arc, ascending=ascending) - (back + 180.0 - 90.0)
    assert (turn + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=0.01)


def test_anywhere_on_earth_there_is_a_direction():
    lat = np.linspace(-90.0, 90.0, 181)
    for ascending in (True, False):
        assert np.isfinite(azimuth_deg(lat, FAR_EDGE_DEG, ascending=ascending)).all()
