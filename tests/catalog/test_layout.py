"""What the built-in archive plants where: formations, anchorages, pairs, structures and land."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats
from scipy.sparse.csgraph import connected_components

from westsea_catalog.archive import raster, scenes, structures
from westsea_catalog.archive.formations import CLEARANCE_M, Planting, draw_formations
from westsea_catalog.archive.hulls import Hull
from westsea_catalog.archive.land import Land, draw_land
from westsea_catalog.archive.layout import PlantedHull, pixel_offset
from westsea_catalog.archive.open_sea import BORDER_M, OpenSea
from westsea_catalog.archive.pairs import with_pairs
from westsea_catalog.archive.placement import (
    LAND_M,
    SPACING_QUANTILES,
    SPACINGS_M,
    draw_layout,
    draw_spacings,
)
from westsea_catalog.coast import Coast
from westsea_catalog.grid import GEOD

# Off the central meridian: true north is 2.4 degrees off the columns.
GRID = scenes.grid(32652, 136570.0, 4051970.0, (1024, 1024))
SEA = Land.none(GRID.shape)
BOXES = Path(__file__).parents[2].parent / "shared/data/layout/ls_ssdd_ship_boxes.csv"
COASTAL = Planting(
    singles=4, alongside=2, close=2, rafts=1, barges=1, tows=1, trawlers=3, anchored=5,
    berthed=7, farms=1, wind_farms=0, rocks=4,
)  # fmt: skip
seeds = st.integers(0, 2**32)


def rng(seed=0):
    return np.random.default_rng(seed)


def disc(row, col, radius_m):
    """An island as a polygon in lon/lat."""
    lon, lat = GRID.lonlat(row, col)
    turn = np.linspace(0, 360, 24, endpoint=False)
    lons, lats, _ = GEOD.fwd(np.full(24, lon), np.full(24, lat), turn, np.full(24, radius_m))
    return shapely.Polygon(np.column_stack([lons, lats]))


ISLES = Coast("isles", "a test", np.array([disc(430, 560, 1500.0), disc(120, 150, 600.0)], object))


@pytest.fixture(scope="module")
def layout():
    return draw_layout(rng(5), GRID, Planting(singles=15, alongside=4, close=4, rafts=1), SEA)


@pytest.fixture(scope="module")
def shore():
    return draw_land(rng(1), GRID, ISLES, harbours=1)


@pytest.fixture(scope="module")
def coastal(shore):
    return draw_layout(rng(2), GRID, COASTAL, shore)


@pytest.fixture(scope="module")
def crowded():
    planting = Planting(singles=4, alongside=2, close=2, rafts=2, trawlers=8, anchored=20, tows=2)
    return draw_layout(rng(8), GRID, planting, SEA)


def ground_outline(place, outline, lon, lat):
    """Outline, given in metres of a place, in metres about a point by way of lon/lat."""
    east, north = np.array(outline.exterior.coords).T
    rows, cols = place.pixel_offset(east, north)
    corners = GRID.lonlat(place.row + rows, place.col + cols)
    local = pyproj.Transformer.from_crs(
        "OGC:CRS84", f"+proj=aeqd +lon_0={lon} +lat_0={lat}", always_xy=True
    )
    return shapely.Polygon(np.column_stack(local.transform(*corners)))


def hull_outlines(layout):
    lon, lat = GRID.lonlat(512, 512)
    return [ground_outline(h, h.hull.outline(), lon, lat) for h in layout.hulls]


def geodesics(places):
    """Bearing and distance of each from each other, the distance from itself infinite."""
    lon, lat = GRID.lonlat([place.row for place in places], [place.col for place in places])
    i, j = np.indices((len(places), len(places)))
    bearing, _, apart = GEOD.inv(lon[i], lat[i], lon[j], lat[j])
    return bearing, np.where(i == j, np.inf, apart)


def nearest_m(places):
    """Distance of each from the nearest other, middle to middle."""
    return geodesics(places)[1].min(axis=1)


def nearest_bearing(places):
    """Where the nearest other lies, clockwise from true north."""
    bearing, apart = geodesics(places)
    return bearing[np.arange(len(places)), apart.argmin(axis=1)]


def axis_difference(one, two):
    return abs((one - two + 90) % 180 - 90)


# Pairs


@pytest.mark.parametrize("which", ["layout", "crowded", "coastal"])
def test_gaps_are_metres_on_the_ground(which, request):
    layout = request.getfixturevalue(which)
    for pair in layout.pairs:
        first, second = layout.hulls[pair.first], layout.hulls[pair.second]
        lon, lat = GRID.lonlat(first.row, first.col)
        one, two = (ground_outline(h, h.hull.outline(), lon, lat) for h in (first, second))
        assert one.distance(two) == pytest.approx(pair.gap_m, abs=0.05)
        _, _, apart = GEOD.inv(lon, lat, *GRID.lonlat(second.row, second.col))
        assert apart == pytest.approx(pair.center_distance_m, abs=0.1)
        assert first.hull.length_m >= second.hull.length_m
        assert (pair.kind == "alongside") == (pair.gap_m <= 20) == (first.group == second.group)


@pytest.mark.parametrize("which", ["layout", "crowded", "coastal"])
def test_every_two_hulls_so_near_are_a_pair_or_have_one_between_them(which, request):
    layout = request.getfixturevalue(which)
    outlines = hull_outlines(layout)
    found = {frozenset((p.first, p.second)): p.kind for p in layout.pairs}
    assert len(found) == len(layout.pairs)
    links = set()
    for i, one in enumerate(outlines):
        for j, two in enumerate(outlines[:i]):
            gap, same = one.distance(two), layout.hulls[i].group == layout.hulls[j].group
            kind = found.get(frozenset((i, j)))
            if kind == "alongside":
                links.add((i, j))
            if not same:
                assert gap > 19.9
                assert kind == ("close" if gap <= 500 else None) or abs(gap - 500) < 0.5
            else:
                # Alongside, or parted by another hull of the group.
                both = shapely.union(one, two).convex_hull
                group = layout.hulls[i].group
                parted = any(
                    outlines[k].intersects(both)
                    for k, hull in enumerate(layout.hulls)
                    if hull.group == group and k not in (i, j)
                )
                assert kind == ("alongside" if gap <= 20 and not parted else None)
    # The hulls of a group hang together by its pairs.
    groups = {hull.group for hull in layout.hulls}
    assert groups == set(range(len(groups)))
    graph = np.zeros((len(outlines), len(outlines)), int)
    for i, j in links:
        graph[i, j] = 1
    n_parts, labels = connected_components(graph, directed=False)
    assert n_parts == len(groups)
    assert len(set(zip(labels, (h.group for h in layout.hulls), strict=True))) == n_parts


def abreast(*offsets_m):
    """Hulls of 40 x 10 m that head north, some metres east of each other, in 10 m pixels."""
    metres = np.array([[10.0, 0.0], [0.0, -10.0]])
    return [PlantedHull(Hull(40.0, 10.0, 0.0), 50.0, east / 10, 0, metres) for east in offsets_m]


@pytest.mark.parametrize(
    ("offsets", "kinds", "groups"),
    [
        ((0, 30), {(0, 1): "alongside"}, [0, 0]),
        ((0, 30.5), {(0, 1): "close"}, [0, 1]),
        ((0, 509), {(0, 1): "close"}, [0, 1]),
        ((0, 511), {}, [0, 1]),
        # The outer two of a raft are only 16 m apart, but another lies between them.
        ((0, 26, 13), {(0, 2): "alongside", (1, 2): "alongside"}, [0, 0, 0]),
        ((0, 100, 113), {(0, 1): "close", (0, 2): "close", (1, 2): "alongside"}, [0, 1, 1]),
    ],
)
def test_pairs_are_a_matter_of_gaps(offsets, kinds, groups):
    hulls, pairs = with_pairs(abreast(*offsets))
    assert {tuple(sorted((p.first, p.second))): p.kind for p in pairs} == kinds
    assert [hull.group for hull in hulls] == groups
    for pair in pairs:
        apart = abs(offsets[pair.first] - offsets[pair.second])
        assert (pair.gap_m, pair.center_distance_m) == pytest.approx((apart - 10, apart))


def test_planted_pairs_are_all_there(layout):
    kinds = [pair.kind for pair in layout.pairs]
    assert kinds.count("alongside") in (6, 7)  # a raft has three hulls or four
    assert kinds.count("close") == 4
    for pair in layout.pairs:
        low, high = (1, 8) if pair.kind == "alongside" else (60, 350)
        assert low - 1e-6 <= pair.gap_m <= high + 1e-6


# Formations


def drawn(seed, **counts):
    planting = Planting(**({"singles": 0, "alongside": 0, "close": 0} | counts))
    return draw_formations(rng(seed), planting)


@given(seed=seeds)
@settings(max_examples=60)
def test_hulls_alongside_are_parallel_and_at_most_8_m_apart(seed):
    for formation in drawn(seed, alongside=2, rafts=2):
        hulls = [berth.hull for berth in formation.berths]
        axis = [axis_difference(hulls[0].heading_deg, hull.heading_deg) for hull in hulls]
        assert max(axis) < 1e-6
        outlines = [berth.outline for berth in formation.berths]
        for i, one in enumerate(outlines):
            gaps = [one.distance(two) for j, two in enumerate(outlines) if j != i]
            assert 1 - 1e-6 <= min(gaps) <= 8 + 1e-6
        lengths = [hull.length_m for hull in hulls]
        assert min(lengths) >= 0.3 * sorted(lengths)[-1] * (0.3 if len(hulls) == 4 else 1) - 1e-9


def test_lengths_alongside_reach_those_of_the_known_cases():
    ratios, rafts = [], []
    for seed in range(100):
        for formation in drawn(seed, alongside=4, rafts=1):
            lengths = sorted(berth.hull.length_m for berth in formation.berths)
            if len(lengths) == 2:
                ratios.append(lengths[0] / lengths[1])
            else:
                rafts.append(len(lengths))
    # 45 to 90 m, 40 to 130 m, 45 to 105 m.
    assert np.min(ratios) < 0.33
    assert np.max(ratios) > 0.97
    assert 15 <= rafts.count(4) <= 35
    assert rafts.count(3) + rafts.count(4) == 100


@given(seed=seeds)
@settings(max_examples=60)
def test_a_tow_lies_in_line_ahead(seed):
    [formation] = drawn(seed, tows=1)
    tug, barge = formation.berths
    assert (tug.hull.type, barge.hull.type, formation.setting) == ("tug", "barge", "tow")
    assert 25 <= tug.hull.length_m <= 38
    assert 70 <= barge.hull.length_m <= 120
    assert 200 <= tug.outline.distance(barge.outline) <= 450
    forward, aside = tug.hull.from_ground(barge.east_m, barge.north_m)
    assert forward < 0
    assert aside == pytest.approx(0, abs=1e-6)
    assert tug.hull.heading_deg == barge.hull.heading_deg
    assert tug.speed_ms == barge.speed_ms
    assert 2 <= tug.speed_ms <= 3.5


def test_trawlers_tow_abreast_with_the_tide():
    fleet = drawn(3, trawlers=40)
    headings = np.deg2rad([f.berths[0].hull.heading_deg for f in fleet])
    assert np.abs(np.exp(1j * headings).mean()) > 0.98
    for formation in fleet:
        one, two = formation.berths
        assert formation.setting == "fleet"
        assert one.hull.type == two.hull.type == "fishing"
        assert all(28 <= berth.hull.length_m <= 45 for berth in (one, two))
        assert one.hull.heading_deg == two.hull.heading_deg
        forward, _ = one.hull.from_ground(two.east_m, two.north_m)
        assert abs(forward) <= 15
        assert 150 - 1e-6 <= one.outline.distance(two.outline) <= 452
        assert one.speed_ms == two.speed_ms
        assert 1.5 <= one.speed_ms <= 2.2


@given(seed=seeds)
@settings(max_examples=20)
def test_barges_are_wide(seed):
    for formation in drawn(seed, barges=3):
        [berth] = formation.berths
        assert berth.hull.type == "barge"
        assert 60 <= berth.hull.length_m <= 120
        assert 2.6 <= berth.hull.length_m / berth.hull.width_m <= 3.6
        assert berth.speed_ms == 0


@given(seed=seeds, n=st.integers(1, 40))
@settings(max_examples=40)
def test_singles_cover_every_length_and_a_third_is_under_way(seed, n):
    hulls = [(f.berths[0].hull, f.berths[0].speed_ms) for f in drawn(seed, singles=n)]
    stratum = np.log(np.array([hull.length_m for hull, _ in hulls]) / 25) / np.log(10) * n
    assert np.floor(stratum + 1e-9).astype(int).tolist() == list(range(n))[::-1]
    moving = [(hull.type, speed) for hull, speed in hulls if speed]
    assert len(moving) == round(n / 3)
    for kind, speed in moving:
        low, high = {"merchant": (5, 8), "fishing": (2, 5)}[kind]
        assert low <= speed <= high
    assert all(hull.length_m < 45 for hull, _ in hulls if hull.type == "fishing")


# Places


def test_formations_keep_their_distances(layout):
    outlines = hull_outlines(layout)
    together = {frozenset((pair.first, pair.second)) for pair in layout.pairs}
    for i, one in enumerate(outlines):
        for j, two in enumerate(outlines[:i]):
            same = layout.hulls[i].group == layout.hulls[j].group
            if not same and frozenset((i, j)) not in together:
                assert one.distance(two) > 0.998 * CLEARANCE_M


@pytest.mark.parametrize("which", ["layout", "crowded", "coastal"])
def test_hulls_keep_off_the_edge(which, request):
    hulls = request.getfixturevalue(which).hulls
    reach = np.array([h.hull.length_m / 2 for h in hulls]) / 10
    rows, cols = np.array([(hull.row, hull.col) for hull in hulls]).T
    assert min((rows - reach).min(), (cols - reach).min()) > BORDER_M / 10 - 1
    assert max((rows + reach).max(), (cols + reach).max()) < 1024 - BORDER_M / 10


def test_the_border_is_kept_and_no_more():
    sea = OpenSea(GRID, SEA)
    buoy = [shapely.Point(0.0, 0.0).buffer(1.0)]
    generator = rng()
    places = [sea.find(generator, buoy, clearance_m=1.0, land_m=1.0) for _ in range(600)]
    for least, most in zip(np.min(places, axis=0), np.max(places, axis=0), strict=True):
        # From the outer edge of the first and last pixel; up to 60 m more.
        assert BORDER_M <= 10 * (least + 0.5) < BORDER_M + 75
        assert BORDER_M <= 10 * (1023.5 - most) < BORDER_M + 75


@pytest.mark.parametrize("planting", [Planting(20, 0, 0), Planting(0, 0, 0, anchored=12)])
def test_a_scene_too_small_says_so(planting):
    small = scenes.grid(32651, 300000.0, 4100000.0, (200, 200))
    with pytest.raises(ValueError, match="not fit"):
        draw_layout(rng(), small, planting, Land.none((200, 200)))


def test_hulls_at_berth_need_quays():
    with pytest.raises(ValueError, match="do not fit at 0 quays"):
        draw_layout(rng(), GRID, Planting(0, 0, 0, berthed=1), SEA)


def test_everything_lies_inside_the_swath():
    rows, cols = np.indices(GRID.shape)
    inside = cols + 0.2 * rows < 700
    planting = Planting(4, 1, 1, anchored=6, farms=1)
    layout = draw_layout(rng(4), GRID, planting, SEA, inside=inside)
    from_edge = ndimage.distance_transform_edt(inside) * 10
    for hull in layout.hulls:
        assert from_edge[round(hull.row), round(hull.col)] >= BORDER_M - 10
    assert all(inside[round(s.row), round(s.col)] for s in layout.structures)


def test_every_sort_is_there_as_often_as_planted(coastal):
    settings_ = pd.Series([hull.setting for hull in coastal.hulls]).value_counts()
    assert settings_[["tow", "fleet", "anchorage", "berth"]].tolist() == [2, 6, 5, 7]
    # 4 + 2 x 2 + 2 x 2 + 1 and a raft of three or four.
    assert settings_["sea"] in (16, 17)
    kinds = [structure.kind for structure in coastal.structures]
    assert kinds.count("rock") == 4
    assert kinds.count("turbine") == 0
    assert len({s.farm for s in coastal.structures if s.kind == "cage"}) == 1
    assert len({s.farm for s in coastal.structures}) == 5


def test_the_generator_decides_all(shore):
    again = draw_land(rng(1), GRID, ISLES, harbours=1)
    assert all(
        np.array_equal(getattr(shore, name), getattr(again, name))
        for name in ("cover", "height_m", "built")
    )
    one, two, other = (
        [(h.row, h.col, h.hull, h.speed_ms, h.group) for h in found.hulls]
        + [(s.row, s.col, s.length_m) for s in found.structures]
        for found in (draw_layout(rng(seed), GRID, COASTAL, shore) for seed in (2, 2, 3))
    )
    assert one == two != other


# Anchorages


def anchorages(n=30, size=20):
    return [
        draw_layout(rng(seed), GRID, Planting(0, 0, 0, anchored=size), SEA).hulls
        for seed in range(n)
    ]


def test_ships_anchor_as_far_from_each_other_as_real_ones():
    nearest = np.concatenate([nearest_m(hulls) for hulls in anchorages()])
    shares = np.array(SPACING_QUANTILES) / SPACING_QUANTILES[-1]
    found = stats.kstest(nearest, lambda x: np.interp(x, SPACINGS_M, shares))
    assert found.statistic < 0.06
    assert nearest.min() >= SPACINGS_M[0] - 1
    assert nearest.max() <= SPACINGS_M[-1] + 2


def test_the_tide_swings_ships_at_anchor_about_alike():
    for hulls in anchorages(4):
        swung = np.exp(1j * np.deg2rad([h.hull.heading_deg for h in hulls]))
        assert np.ptp(np.rad2deg(np.angle(swung / swung[0]))) <= 30
        assert {(h.setting, h.speed_ms) for h in hulls} == {("anchorage", 0.0)}
        assert len({h.group for h in hulls}) == len(hulls)


def test_ships_at_anchor_lie_60_m_apart(crowded):
    anchored = [
        outline
        for outline, planted in zip(hull_outlines(crowded), crowded.hulls, strict=True)
        if planted.setting == "anchorage"
    ]
    gaps = [one.distance(two) for i, one in enumerate(anchored) for two in anchored[:i]]
    assert len(gaps) == 190
    assert min(gaps) >= 60 - 0.5


def test_spacings_have_the_shipped_quantiles():
    spacings = draw_spacings(rng(), 20_000)
    shares = np.array(SPACING_QUANTILES[1:-1]) / SPACING_QUANTILES[-1]
    np.testing.assert_allclose(np.quantile(spacings, shares), SPACINGS_M[1:-1], rtol=0.05)


@pytest.mark.real_data
@pytest.mark.skipif(not BOXES.exists(), reason="no ../shared/data beside the checkout")
def test_the_shipped_quantiles_are_those_of_real_ships():
    boxes = pd.read_csv(BOXES).drop_duplicates()
    low = boxes[["x_px", "y_px"]].to_numpy() - boxes[["w_px", "h_px"]].to_numpy() / 2
    high = low + boxes[["w_px", "h_px"]].to_numpy()
    whole = boxes[(low > 1).all(axis=1) & (high < 799).all(axis=1)]
    nearest = []
    for _, tile in whole.groupby("tile"):
        if len(tile) >= 8:
            places = tile[["x_px", "y_px"]].to_numpy() * 10
            apart = np.hypot(*np.moveaxis(places[:, None] - places, -1, 0))
            np.fill_diagonal(apart, np.inf)
            nearest.append(apart.min(axis=1))
    apart = np.concatenate(nearest)
    apart = apart[apart >= SPACINGS_M[0]]
    assert len(apart) == 2088
    found = np.quantile(apart, SPACING_QUANTILES)
    np.testing.assert_allclose(found, SPACINGS_M, atol=1.0)


# Land


@given(seed=seeds, share=st.sampled_from([0.001, 0.05, 0.5]))
@settings(max_examples=30)
def test_distances_are_euclidean(seed, share):
    target = rng(seed).uniform(size=(23, 37)) < share
    found = raster.distance_cells(target)
    if target.any():
        expected = ndimage.distance_transform_edt(~target)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    else:
        assert np.isinf(found).all()


@given(seed=seeds, factor=st.integers(1, 5))
@settings(max_examples=30)
def test_a_coarse_cell_holds_its_pixels(seed, factor):
    mask = rng(seed).uniform(size=(13, 17)) < 0.03
    rows, cols = np.nonzero(mask)
    expected = set(zip(rows // factor, cols // factor, strict=True))
    assert set(zip(*np.nonzero(raster.coarsened(mask, factor)), strict=True)) == expected


def test_the_shore_differs_from_the_map_by_some_tens_of_metres():
    found = draw_land(rng(6), GRID, ISLES)
    mapped = ISLES.land_mask(GRID, GRID.full)
    to_shore = np.where(
        mapped, ndimage.distance_transform_edt(mapped), ndimage.distance_transform_edt(~mapped)
    )
    edge = found.cover & ~ndimage.binary_erosion(found.cover)
    apart = 10 * to_shore[edge]
    # About the rms of one axis.
    assert 25 < np.sqrt(np.mean(apart**2)) < 60
    assert apart.max() < 250
    assert found.cover.sum() == pytest.approx(mapped.sum(), rel=0.1)


def test_hills_rise_from_the_shore(shore):
    assert shore.height_m.dtype == np.float32
    assert np.all((shore.height_m > 0) == shore.cover)
    inland = ndimage.distance_transform_edt(shore.cover) * 10
    heights = [
        np.median(shore.height_m[(inland > low) & (inland <= low + 200) & ~shore.built])
        for low in (0, 400, 800)
    ]
    assert heights == sorted(heights)
    assert 30 < shore.height_m.max() <= 301


def test_no_coast_is_no_land():
    far = scenes.grid(32651, 300000.0, 3600000.0, (128, 128))
    found = draw_land(rng(), far, ISLES)
    assert not found.cover.any()
    assert not found.height_m.any()
    with pytest.raises(ValueError, match="harbours do not fit"):
        draw_land(rng(), far, ISLES, harbours=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_quays_jut_into_the_sea_and_are_built_over(seed):
    found = draw_land(rng(seed), GRID, ISLES, harbours=1)
    assert 1 <= len(found.quays) <= 4
    assert not np.any(found.built & ~found.cover)
    mapped = ISLES.land_mask(GRID, GRID.full)
    wide = ndimage.binary_dilation(mapped, iterations=25)
    for quay in found.quays:
        assert 200 <= quay.length_m <= 600
        assert 30 <= quay.width_m <= 60
        # Along its middle, from the end on land to the one at sea.
        along = np.linspace(-0.48, 0.48, 60) * quay.length_m
        heading = np.deg2rad(quay.heading_deg)
        rows, cols = pixel_offset(quay.jacobian, along * np.sin(heading), along * np.cos(heading))
        pixels = np.rint(quay.row + rows).astype(int), np.rint(quay.col + cols).astype(int)
        assert found.built[pixels].all()
        assert wide[pixels][0]
        assert not mapped[pixels][-1]


# On land and off it


def land_distance_m(shore):
    return ndimage.distance_transform_edt(~shore.cover) * 10


def test_hulls_at_sea_keep_400_m_off_land(shore):
    away = land_distance_m(shore)
    nearest = []
    for seed in range(4):
        layout = draw_layout(rng(seed), GRID, Planting(25, 2, 2, anchored=15), shore)
        for planted in layout.hulls:
            east, north = np.array(planted.hull.outline().exterior.coords).T
            rows, cols = planted.pixel_offset(east, north)
            pixels = np.rint([planted.row + rows, planted.col + cols]).astype(int)
            nearest.append((away[tuple(pixels)].min(), planted.setting))
    assert min(nearest)[0] >= LAND_M - 10
    assert LAND_M == 400
    for setting in ("sea", "anchorage"):
        assert min(metres for metres, of in nearest if of == setting) < 1000


@pytest.mark.parametrize("seed", [2, 3])
def test_berthed_hulls_lie_along_a_quay_or_a_hull_that_does(shore, seed):
    layout = draw_layout(rng(seed), GRID, Planting(0, 0, 0, berthed=8), shore)
    lon, lat = GRID.lonlat(512, 512)
    quays = [(q.heading_deg, ground_outline(Pier(q), q.outline, lon, lat)) for q in shore.quays]
    outlines = hull_outlines(layout)
    rows, cols = np.nonzero(shore.cover)
    for planted, outline in zip(layout.hulls, outlines, strict=True):
        assert planted.setting == "berth"
        assert all(outline.distance(other) > 1.9 for other in outlines if other is not outline)
        walls = quays + [
            (other.hull.heading_deg, shape)
            for other, shape in zip(layout.hulls, outlines, strict=True)
            if shape is not outline
        ]
        assert any(
            1.9 < shape.distance(outline) < 5.1
            and axis_difference(heading, planted.hull.heading_deg) < 1e-6
            for heading, shape in walls
        )
        # No pixel of land has its centre on deck.
        deck = planted.hull.part_at(*planted.hull.from_ground(*planted.ground_offset(rows, cols)))
        assert not deck.any()


class Pier:
    """A quay with the hulls' way to pixels."""

    def __init__(self, quay):
        self.row, self.col, self.quay = quay.row, quay.col, quay

    def pixel_offset(self, east, north):
        return pixel_offset(self.quay.jacobian, east, north)


# Structures


def of_kind(layout, kind):
    return [structure for structure in layout.structures if structure.kind == kind]


def test_a_farm_is_rows_of_cages():
    layout = draw_layout(rng(1), GRID, Planting(0, 0, 0, farms=3), SEA)
    for farm in {s.farm for s in layout.structures}:
        cages = [s for s in of_kind(layout, "cage") if s.farm == farm]
        assert 0.8 * 36 <= len(cages) <= 12 * 14
        assert len({(s.heading_deg, s.length_m, s.width_m) for s in cages}) == 1
        assert 30 <= cages[0].length_m <= 60
        assert 8 <= cages[0].width_m <= 12
        # Neighbours abreast of each other, 50 to 90 m apart but for the jitter.
        apart, bearing = nearest_m(cages), nearest_bearing(cages)
        assert 45 < np.median(apart) < 90
        assert np.median(axis_difference(bearing, cages[0].heading_deg + 90)) < 4
        lon, lat = GRID.lonlat(cages[0].row, cages[0].col)
        outlines = [ground_outline(s, s.outline, lon, lat) for s in cages]
        tree = shapely.STRtree(outlines)
        assert len(tree.query(outlines, predicate="intersects")[0]) == len(cages)


def test_a_structure_has_its_size_and_heading_on_the_ground():
    layout = draw_layout(rng(1), GRID, Planting(0, 0, 0, farms=1), SEA)
    for cage in layout.structures[::20]:
        lon, lat = GRID.lonlat(cage.row, cage.col)
        outline = ground_outline(cage, cage.outline, lon, lat)
        corners = np.array(outline.exterior.coords)
        sides = np.diff(corners, axis=0)[:2]
        lengths = np.hypot(*sides.T)
        assert sorted(lengths) == pytest.approx([cage.width_m, cage.length_m], abs=0.05)
        east, north = sides[lengths.argmax()]
        assert axis_difference(np.rad2deg(np.arctan2(east, north)), cage.heading_deg) < 0.1


def test_a_wind_farm_is_a_lattice_of_tall_turbines():
    layout = draw_layout(rng(1), GRID, Planting(3, 1, 1, wind_farms=1), SEA)
    turbines = of_kind(layout, "turbine")
    assert 9 <= len(turbines) <= 16
    assert len({s.height_m for s in turbines}) == 1
    assert 100 <= turbines[0].height_m <= 150
    assert nearest_m(turbines).min() > 450
    assert nearest_m(turbines).max() < 905


def test_rocks_are_islets_near_land(coastal, shore):
    away = land_distance_m(shore)
    for rock in of_kind(coastal, "rock"):
        assert 30 <= rock.length_m <= 150
        assert rock.width_m <= rock.length_m
        assert 5 <= rock.height_m <= 20
        assert 300 <= away[round(rock.row), round(rock.col)] <= 1700


def test_structures_keep_off_hulls_and_land(coastal, shore):
    away = land_distance_m(shore)
    lon, lat = GRID.lonlat(512, 512)
    hulls = shapely.union_all(hull_outlines(coastal))
    for structure in coastal.structures:
        assert away[round(structure.row), round(structure.col)] >= structures.LAND_M
        outline = ground_outline(structure, structure.outline, lon, lat)
        assert outline.distance(hulls) >= 0.998 * structures.CLEARANCE_M
