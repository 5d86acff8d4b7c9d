"""The same sea on other grids: turned, mirrored, sheared, bent. What is measured stays the same."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea.detection.axes import blur, line_axis_deg, per_metre
from westsea.schema import Flag
from westsea_catalog.grid import GEOD, AffineGrid, Window, ground_jacobian
from westsea_catalog.radar.product import RadarProduct, Swath

SIDE = 320
MIDDLE = (300_000.0, 4_200_000.0)
PSF_SD = 21.4 / 2.355
RADAR = RadarProduct("IW", calibrated=True, noise_removed=True)


def affine(turn_deg=0.0, *, mirror=False, shear=0.0, pixel=(10.0, 10.0), side=SIDE):
    """A grid about one place: lines along `turn_deg` clockwise from down, pixels (range, azimuth)
    metres apart.
    """
    turn = np.deg2rad(turn_deg)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [-np.sin(turn), -np.cos(turn)]])
    shape = np.array([[-1.0 if mirror else 1.0, shear], [0.0, 1.0]])
    (a, b), (d, e) = turned @ shape * np.array(pixel)
    c, f = MIDDLE - np.array([[a, b], [d, e]]) @ [side / 2, side / 2]
    return AffineGrid(32651, (a, b, c, d, e, f), (side, side))


@dataclass(frozen=True)
class Bent:
    """A grid whose lines and columns are parabolas; only what the protocol asks for."""

    straight: AffineGrid
    bend: float
    """Pixels that the middle of a side lies off."""

    is_map = False
    is_guess = False
    epsg = None

    @property
    def says(self):
        return {"geometry": "bent"}

    @property
    def shape(self):
        return self.straight.shape

    @property
    def full(self):
        return self.straight.full

    def _off(self, place, side):
        return self.bend * (1.0 - (2.0 * place / side - 1.0) ** 2)

    def lonlat(self, row, col):
        row, col = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float))
        rows, cols = self.shape
        return self.straight.lonlat(row + self._off(col, cols), col - self._off(row, rows))

    def pixel(self, lon, lat):
        row, col = there = np.stack(self.straight.pixel(lon, lat))
        rows, cols = self.shape
        for _ in range(60):
            row, col = there[0] - self._off(col, cols), there[1] + self._off(row, rows)
        return row, col

    def jacobian(self, row, col):
        return ground_jacobian(self, row, col)


def sea(sim, grid, hulls, radar=None, noise=True, psf_sd=PSF_SD):
    """A radar sea with hulls of (lon, lat, length, width, heading)."""
    image = sim.radar_sea(1, grid.shape, 2, looks=20.0).astype(float)
    if not noise:
        image[:] = image.mean(axis=(1, 2), keepdims=True)
    for lon, lat, length, width, heading in hulls:
        row, col = grid.pixel(lon, lat)
        ship, where = sim.hull_image(grid, float(row), float(col), length, width, heading, psf_sd)
        image[:, *where] += 60 * image[:, :1, :1].mean(axis=(1, 2))[:, None, None] * ship
    lab = sim.lab(image.astype(np.float32))
    return replace(lab, scene=replace(lab.scene, grid=grid, radar=radar))


def beside(lon, lat, bearing, distance):
    lon, lat, _ = GEOD.fwd(lon, lat, bearing, distance)
    return lon, lat


def from_the_centre(found):
    """Detections, the nearest to the middle first."""
    n = len(found)
    away = GEOD.inv(*np.tile(CENTRE, (n, 1)).T, found.lon.to_numpy(), found.lat.to_numpy())[2]
    return found.iloc[np.argsort(away)].reset_index(drop=True)


def turn(one, two):
    away = np.abs(np.asarray(one) - two) % 180
    return np.minimum(away, 180 - away)


CENTRE = tuple(float(v) for v in affine().lonlat(SIDE / 2 - 0.5, SIDE / 2 - 0.5))


@given(
    turn_deg=st.floats(-180, 180),
    mirror=st.booleans(),
    shear=st.floats(-0.05, 0.05),
    pixel=st.tuples(st.floats(9.5, 10.5), st.floats(9.5, 10.5)),
    bend=st.sampled_from([0.0, 3.0]),
    in_radar=st.booleans(),
    heading=st.floats(0, 180),
    length=st.floats(90, 250),
)
@settings(max_examples=12)
def test_hulls_are_the_same_on_any_grid(
    sim, turn_deg, mirror, shear, pixel, bend, in_radar, heading, length
):
    """Sizes, headings, places, gap: of two ships 150 m apart, on a calm sea without speckle."""
    grid = affine(turn_deg, mirror=mirror, shear=shear, pixel=pixel)
    grid = Bent(grid, bend) if bend else grid
    width = length / 6.0
    two = beside(*CENTRE, heading + 90.0, 150.0 + width)
    ships = [(*CENTRE, length, width, heading), (*two, length, width, heading)]
    plain, there = (
        sea(sim, *each, noise=False).frames()
        for each in ((affine(), ships), (grid, ships, RADAR if in_radar else None))
    )
    one, other = (from_the_centre(each["detections"]) for each in (plain, there))
    assert len(one) == len(other) == 2
    away = GEOD.inv(*(np.asarray(f[c]) for f in (one, other) for c in ("lon", "lat")))[2]
    assert np.max(away) < 3.0
    np.testing.assert_allclose(other.length_m, one.length_m, rtol=0.03, atol=2.0)
    # How pixels lie on so narrow a thing is seen: with the grid's turn widths change by an error.
    assert (np.abs(other.width_m - one.width_m) <= 2.0 * one.width_sd_m).all()
    assert turn(other.heading_deg, one.heading_deg.to_numpy()).max() < 2.0
    assert turn(other.heading_deg, heading).max() < 2.5
    assert (other["flags"] == one["flags"]).all()
    gaps = [each["pairs"].gap_m.to_numpy() for each in (plain, there)]
    assert len(gaps[1]) == len(gaps[0]) == 1
    assert abs(gaps[1][0] - gaps[0][0]) < 8.0
    bounds = np.array(there["pairs"].chip_bounds[0])
    corners = beside(*CENTRE, heading, length / 2), beside(*two, heading + 180, length / 2)
    for corner in corners:
        row, col = grid.pixel(*corner)
        assert bounds[0] <= row - 25
        assert row + 25 <= bounds[1]
        assert bounds[2] <= col - 25
        assert col + 25 <= bounds[3]


@given(turn_deg=st.floats(-179, 179), shear=st.floats(-0.1, 0.1))
def test_azimuth_is_the_axis_of_lines_with_range_to_its_right(turn_deg, shear):
    """Lines run down the image, so at no turn towards the south."""
    for mirror in (False, True):
        grid = affine(turn_deg, mirror=mirror, shear=shear, pixel=(10.0, 14.0))
        jacobian = grid.jacobian(SIDE / 2, SIDE / 2)
        azimuth = np.deg2rad(line_axis_deg(jacobian))
        right = np.array([np.cos(azimuth), -np.sin(azimuth)])
        assert right @ jacobian[:, 0] > 0
        assert turn(np.rad2deg(azimuth), np.rad2deg(np.arctan2(*jacobian[:, 1]))) < 1e-6
        rows, cols = per_metre(jacobian)
        angle = np.linspace(0, 2 * np.pi, 721)
        steps = np.linalg.solve(jacobian, np.stack([np.cos(angle), np.sin(angle)]))
        assert np.abs(steps[1]).max() == pytest.approx(rows, rel=1e-4)
        assert np.abs(steps[0]).max() == pytest.approx(cols, rel=1e-4)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turn_deg", [0.0, 13.0, -167.0, 90.0])
def test_a_point_spreads_along_the_grids_axes(sim, turn_deg, mirror):
    grid = affine(turn_deg, mirror=mirror)
    scene = sea(sim, grid, [], RADAR).scene
    ee, nn, en = blur(scene)
    spread = np.array([[ee, en], [en, nn]])
    across, along = (grid.jacobian(SIDE / 2, SIDE / 2) / 10.0).T
    assert 2.3548 * np.sqrt(along @ spread @ along) == pytest.approx(22.5, rel=2e-3)
    assert 2.3548 * np.sqrt(across @ spread @ across) == pytest.approx(20.4, rel=2e-3)
    assert along @ spread @ across == pytest.approx(0.0, abs=0.2)


# -- ambiguities


@dataclass(frozen=True)
class Told(RadarProduct):
    """A radar whose ambiguities lie so many metres off."""

    ambiguity: float = np.nan

    def ambiguity_m(self, row, col):
        return np.full(np.broadcast_shapes(np.shape(row), np.shape(col)), self.ambiguity)


@pytest.mark.parametrize("turn_deg", [0.0, 167.0])
@pytest.mark.parametrize(
    ("told", "off", "is_flagged"),
    [
        (3_000.0, 3_000.0, True),  # nowhere in the table for maps
        (3_000.0, 3_080.0, True),
        (3_000.0, 4_600.0, False),
        (np.nan, 4_600.0, True),
        (np.nan, 3_000.0, False),
    ],
)
def test_ambiguities_lie_where_the_annotation_says(sim, turn_deg, told, off, is_flagged):
    side = 1024
    grid = affine(turn_deg, side=side)
    image = sim.radar_sea(2, grid.shape, 2)
    row, col = 100, 500
    image[:, row - 8 : row + 8, col - 2 : col + 3] *= 3000.0
    ghost = row + round(off / 10)
    image[:, ghost - 5 : ghost + 5, col - 2 : col + 3] *= 12.0
    lab = sim.lab(image)
    lab = replace(lab, scene=replace(lab.scene, grid=grid, radar=Told("IW", ambiguity=told)))
    found = lab.frames()["detections"]
    found = found[np.hypot(found.row - ghost, found.col - col) < 8]
    assert len(found) == 1
    flagged = found["flags"].iloc[0] & int(Flag.AZIMUTH_AMBIGUITY)
    assert bool(flagged) == is_flagged


# -- edges


SWATHS = (
    Swath(1, 1700.0, ((0, 240, 20, 160), (240, 480, 22, 161))),
    Swath(2, 1450.0, ((0, 240, 160, 300), (240, 480, 161, 302))),
)


def test_swath_ends_are_edges_and_seams_are_none(sim):
    """Margins without data are narrower than a cell, and a block holds data too."""
    image = sim.radar_sea(4, (480, 320), 2)
    for place in (24, 100, 160, 230, 297):
        image[:, 150:158, place - 2 : place + 2] *= 100.0
        image[:, 300:308, place - 2 : place + 2] *= 100.0
    for swath, side in ((SWATHS[0], slice(0, 2)), (SWATHS[1], slice(3, 4))):
        for row0, row1, *cols in swath.bounds:
            image[:, row0:row1, slice(0, cols[0]) if side.start == 0 else slice(cols[1], 320)] = 0
    lab = sim.lab(image, nodata=0.0)
    grid = replace(affine(), shape=(480, 320))
    lab = replace(lab, scene=replace(lab.scene, grid=grid, radar=RadarProduct("IW", swaths=SWATHS)))
    found = lab.frames()["detections"].sort_values("col")
    at_edge = found["flags"] & int(Flag.EDGE) != 0
    assert len(found) == 10
    assert at_edge.tolist() == [True, True, *[False] * 6, True, True]


# -- relative levels, scenes, land


def test_what_the_scenes_table_says_of_the_radar(sim):
    grid = affine()
    nodes = {"rows": np.array([0.0, SIDE]), "cols": np.array([0.0, SIDE - 1.0])}
    known = RadarProduct("IW", calibrated=True, incidence=np.array([[30.0, 45.0]] * 2), **nodes)
    rows = [
        sea(sim, grid, [], radar).frames()["scenes"].iloc[0]
        for radar in (None, RadarProduct("EW"), known)
    ]
    assert [row.radar_mode for row in rows] == [None, "EW", "IW"]
    assert [row.calibrated for row in rows] == [None, False, True]
    assert [row.noise_removed for row in rows] == [None, False, False]
    assert np.isnan(rows[1].incidence_min_deg)
    assert np.isnan(rows[0].incidence_max_deg)
    assert (rows[2].incidence_min_deg, rows[2].incidence_max_deg) == (30.0, 45.0)


@given(
    turn_deg=st.floats(-180, 180),
    mirror=st.booleans(),
    bend=st.sampled_from([2.0, 12.0]),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=8)
def test_land_is_what_lies_in_the_polygons(sim, turn_deg, mirror, bend, seed):
    """On bent grids as well, against every pixel's own place."""
    grid = Bent(affine(turn_deg, mirror=mirror, side=200), bend)
    rng = np.random.default_rng(seed)
    polygons = []
    for row, col in rng.uniform(0, 200, (4, 2)):
        angle = np.sort(rng.uniform(0, 2 * np.pi, 7))
        reach = rng.uniform(10, 90, 7)
        lon, lat = grid.lonlat(row + reach * np.sin(angle), col + reach * np.cos(angle))
        shape = shapely.Polygon(np.column_stack([lon, lat]))
        polygons += [shape] if shape.is_valid else []
    coast = sim.coast(*polygons)
    mask = coast.land_mask(grid, grid.full)
    rows, cols = np.indices(grid.shape)
    lon, lat = grid.lonlat(rows, cols)
    land = shapely.union_all(polygons)
    expected = shapely.contains_xy(land, lon, lat)
    wrong = mask != expected
    # Edges are straight in degrees; as drawn they are 0.05 pixels off at most.
    shore = shapely.distance(land.boundary, shapely.points(lon[wrong], lat[wrong]))
    assert np.all(shore * 111_320 < 1.0)
    part = Window(37, 150, 11, 190)
    assert np.array_equal(coast.land_mask(grid, part), mask[37:150, 11:190])
