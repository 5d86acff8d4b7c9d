from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea.detection.alongside import Evidence
from westsea.detection.hulls import Hulls
from westsea.detection.pair_scores import COMPANY_DOUBT, COMPANY_ODDS, with_odds
from westsea.detection.pairs import CHIP_MARGIN_M, NEIGHBOURHOOD_M, Pairs, chip_bounds, pair_hulls
from westsea.detector import Detector
from westsea.schema import FAR_M, Flag
from westsea_catalog.grid import GEOD, AffineGrid

LON, LAT = 124.0, 37.5
GRID = AffineGrid(32651, (10.0, 0.0, 560_000.0, 0.0, -10.0, 4_180_000.0), (4000, 4000))


def fleet(ships, lon=LON, lat=LAT):
    """Hulls at (east, north, length, width, heading) from a place, metres and degrees."""
    east, north, length, width, heading = np.reshape(ships, (-1, 5)).astype(float).T
    n = len(east)
    azimuth, distance = np.degrees(np.arctan2(east, north)), np.hypot(east, north)
    lons, lats, _ = GEOD.fwd(np.full(n, lon), np.full(n, lat), azimuth, distance)
    row, col = GRID.pixel(lons, lats)
    real = {field.name: np.ones(n) for field in fields(Hulls)}
    values = real | {
        "row": row,
        "col": col,
        "peak_row": row.astype(np.int64),
        "peak_col": col.astype(np.int64),
        "lon": np.asarray(lons),
        "lat": np.asarray(lats),
        "length_m": length,
        "width_m": width,
        "heading_deg": heading,
        "n_pixels": np.full(n, 9, np.int32),
        "score": np.full(n, 0.9),
        "flags": np.zeros(n, np.int32),
        "is_land": np.zeros(n, np.bool_),
        "at_land": np.zeros(n, np.bool_),
        "detect_id": np.array([f"ship{k:04d}" for k in range(n)], object),
    }
    return Hulls(**values)


def rows(pairs, hulls):
    """The pairs by their id, hulls by name."""
    names = [
        field.name for field in fields(Pairs) if field.name not in {"first", "second", "n_of_land"}
    ]
    return {
        pairs.pair_id[k]: (
            hulls.detect_id[pairs.first[k]],
            hulls.detect_id[pairs.second[k]],
            *(getattr(pairs, name)[k] for name in names),
        )
        for k in range(len(pairs.gap_m))
    }


# two hulls side by side, heading north, 20 and 16 m wide: 18 m of the distance is hull
def side_by_side(gap, lon=LON, lat=LAT):
    return fleet([(0, 0, 90, 16, 0), (gap + 18, 0, 120, 20, 0)], lon, lat)


@pytest.mark.parametrize(
    ("gap", "kind"),
    [(0.5, "alongside"), (19.9, "alongside"), (20.1, "close"), (499.9, "close"), (500.1, None)],
)
def test_kind_is_by_the_gap_between_edges(gap, kind):
    pairs = pair_hulls(side_by_side(gap), Detector())
    assert pairs.kind.tolist() == ([kind] if kind else [])
    if kind:
        assert pairs.gap_m[0] == pytest.approx(gap, abs=0.01)
        assert pairs.center_distance_m[0] == pytest.approx(gap + 18, abs=0.01)


def test_the_limits_themselves_belong_to_the_nearer_kind():
    hulls = side_by_side(15.0)
    gap = float(pair_hulls(hulls, Detector()).gap_m[0])
    below = np.nextafter(gap, 0)
    assert pair_hulls(hulls, Detector(alongside_gap_m=gap)).kind[0] == "alongside"
    assert pair_hulls(hulls, Detector(alongside_gap_m=below)).kind[0] == "close"
    assert len(pair_hulls(hulls, Detector(alongside_gap_m=1, close_gap_m=gap)).kind) == 1
    assert len(pair_hulls(hulls, Detector(alongside_gap_m=1, close_gap_m=below)).kind) == 0


def test_the_longer_hull_comes_first():
    hulls = side_by_side(50.0)
    pairs = pair_hulls(hulls, Detector())
    assert hulls.length_m[pairs.first].tolist() == [120]
    assert hulls.length_m[pairs.second].tolist() == [90]


@pytest.mark.parametrize("lon", [124.0, 179.9995, -180.0])
def test_midpoints_on_either_side_of_the_antimeridian(lon):
    pairs = pair_hulls(side_by_side(100.0, lon=lon), Detector())
    assert len(pairs.gap_m) == 1
    wanted = GEOD.fwd(lon, LAT, 90.0, 59.0)
    assert GEOD.inv(*wanted[:2], pairs.lon[0], pairs.lat[0])[2] < 0.01
    assert -180 <= pairs.lon[0] <= 180


@pytest.mark.parametrize(("one", "two", "between"), [(175, 5, 10), (0, 90, 90), (30, 170, 40)])
def test_headings_are_axes(one, two, between):
    hulls = fleet([(0, 0, 90, 16, one), (150, 0, 90, 16, two)])
    assert pair_hulls(hulls, Detector()).relative_heading_deg[0] == pytest.approx(between)


def test_doubt_of_either_hull_is_the_pairs():
    hulls = side_by_side(50.0)
    hulls.flags[:] = Flag.EDGE, Flag.SATURATED
    assert pair_hulls(hulls, Detector()).flags.tolist() == [Flag.EDGE | Flag.SATURATED]


def test_scores_are_sure_amid_a_kind_and_even_at_its_limit():
    two_ships = {"alongside": 0.9**2, "close": with_odds(np.array(0.9), COMPANY_ODDS) ** 2}
    for gap, share in ((19.999, 0.5), (20.001, 0.5), (200.0, 1.0), (500.0 - 1e-6, 0.5)):
        pairs = pair_hulls(side_by_side(gap), Detector())
        assert pairs.score[0] == pytest.approx(two_ships[pairs.kind[0]] * share, abs=0.01)
    sure = side_by_side(15.0)
    unsure = replace(sure, position_sd_m=sure.position_sd_m * 8)
    one, two = (pair_hulls(hulls, Detector()) for hulls in (sure, unsure))
    assert one.gap_sd_m[0] == pytest.approx(np.sqrt(2 * (1 + 0.5**2)))
    assert two.gap_sd_m[0] > one.gap_sd_m[0]
    assert two.score[0] < one.score[0]


def scores(ships, flags=()):
    hulls = fleet(ships)
    hulls.flags[: len(flags)] = flags
    pairs = pair_hulls(hulls, Detector())
    names = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return dict(zip(names, pairs.score.tolist(), strict=True))


def test_two_ships_are_surer_than_each_alone_and_a_doubt_counts_more_in_company():
    ships = [(0, 0, 100, 16, 0), (200, 0, 90, 16, 0)]
    (clear,) = scores(ships).values()
    assert 0.9**2 < clear < 1
    (doubted,) = scores(ships, [0, Flag.WAKE]).values()
    assert doubted == pytest.approx(0.9 * COMPANY_DOUBT * 0.9)
    (both,) = scores(ships, [Flag.LATTICE, Flag.LATTICE]).values()
    assert both == pytest.approx((COMPANY_DOUBT * 0.9) ** 2)


@pytest.mark.parametrize(
    ("gap", "length", "is_piece"), [(25, 25, True), (60, 25, False), (25, 55, False)]
)
def test_what_is_small_and_near_a_hull_may_be_a_piece_of_it(gap, length, is_piece):
    third = (400, 0, 80, 14, 0)
    found = scores([(0, 0, 100, 16, 0), (gap + 12, 0, length, 8, 0), third])
    assert (found[0, 1] < 0.2) == is_piece
    assert (found[2, 1] < 0.2) == is_piece  # that piece makes no pair with others
    assert found[0, 2] > 0.85


def test_two_like_boats_near_each_other_are_no_pieces():
    assert scores([(0, 0, 30, 8, 0), (38, 0, 28, 8, 0)])[0, 1] > 0.8


# -- how they lie


@pytest.mark.parametrize(
    ("along", "heading", "overlap"),
    [(0, 0, 60), (40, 0, 40), (-40, 0, 40), (150, 0, -70), (0, 90, 12), (60, 90, -4), (0, 180, 60)],
)
@pytest.mark.parametrize("axis", [0, 30, 140])
def test_overlap_along_the_longer_hull(along, heading, overlap, axis):
    turn = np.radians(axis)
    across = 100
    east = along * np.sin(turn) + across * np.cos(turn)
    north = along * np.cos(turn) - across * np.sin(turn)
    hulls = fleet([(0, 0, 100, 16, axis), (east, north, 60, 12, (heading + axis) % 180)])
    assert pair_hulls(hulls, Detector()).overlap_m[0] == pytest.approx(overlap, abs=0.05)


# -- chance


SIDE_M = 40_000.0


def traffic(rng, per_km2):
    """Ships at random in a square: points, but for 8 m."""
    n = rng.poisson(per_km2 * SIDE_M**2 / 1e6)
    east, north = rng.uniform(-SIDE_M / 2, SIDE_M / 2, (2, n))
    return fleet(np.column_stack([east, north, np.full((n, 3), (8.0, 8.0, 0.0))]))


def amid_the_sea(pairs):
    """Which pairs have sea all around, as far as it matters."""
    n = len(pairs.lon)
    azimuth, _, away = GEOD.inv(np.full(n, LON), np.full(n, LAT), pairs.lon, pairs.lat)
    sides = np.abs(np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))]) * away)
    return np.flatnonzero(sides.max(axis=0, initial=0.0) < SIDE_M / 2 - NEIGHBOURHOOD_M)


@pytest.mark.parametrize(("per_km2", "n_scenes"), [(0.05, 150), (0.3, 6)])
def test_chance_pairs_are_right_on_average_in_traffic_of_a_known_density(per_km2, n_scenes):
    rng = np.random.default_rng(7)
    ratios, counts = [], []
    for _ in range(n_scenes):
        pairs = pair_hulls(traffic(rng, per_km2), Detector())
        some = amid_the_sea(pairs)
        density = per_km2 / 1e6
        disc = np.pi * NEIGHBOURHOOD_M**2
        near = np.pi * pairs.center_distance_m[some] ** 2
        ratios.extend(pairs.expected_chance_pairs[some] / (0.5 * density**2 * disc * near))
        counts.extend(pairs.n_neighbors_5km[some] / (density * disc))
    for values in (ratios, counts):
        error = np.std(values) / np.sqrt(len(values))
        assert error < 0.15  # pairs of the 5 km share ships: errors are larger than this says
        assert abs(np.mean(values) - 1) < 4 * error


def test_chance_pairs_are_as_many_as_other_traffic_of_that_density_has():
    """Each pair foretells how many as near lie within 5 km: count them in scenes drawn anew."""
    rng = np.random.default_rng(5)
    foretold, counted = np.zeros((2, 16))
    for scene in range(foretold.size):
        pairs, others = (pair_hulls(traffic(rng, 0.3), Detector()) for _ in range(2))
        n = len(others.lon)
        for k in amid_the_sea(pairs):
            at = np.full(n, pairs.lon[k]), np.full(n, pairs.lat[k])
            near = np.asarray(GEOD.inv(*at, others.lon, others.lat)[2]) <= NEIGHBOURHOOD_M
            as_close = others.center_distance_m <= pairs.center_distance_m[k]
            foretold[scene] += pairs.expected_chance_pairs[k]
            counted[scene] += (near & as_close).sum()
    error = np.sqrt((foretold.var() + counted.var()) * foretold.size)
    assert error < 0.25 * counted.sum()
    assert abs(foretold.sum() - counted.sum()) < 3 * error


# -- rafts


def test_three_alongside_are_a_raft_and_two_are_none():
    raft = [(25 * k, 0, 90, 18, 0) for k in range(3)]  # 7 m apart
    two = [(3000 + 25 * k, 0, 90, 18, 0) for k in range(2)]
    near = [(200, 0, 90, 18, 0)]  # close to the raft, and no part of it
    hulls = fleet(raft + two + near)
    pairs = pair_hulls(hulls, Detector())
    names = {}
    for k, name in enumerate(pairs.raft_id):
        names.setdefault(name, set()).add((pairs.first[k], pairs.second[k]))
    (other,) = set(names) - {""}
    # the outer two are 32 m apart, close and not alongside, though of one raft
    assert {frozenset(pair) for pair in names[other]} == {frozenset({0, 1}), frozenset({1, 2})}
    assert {frozenset(pair) for pair in names[""]} >= {frozenset({3, 4}), frozenset({0, 2})}


def test_rafts_are_told_apart_and_named_by_their_members():
    rafts = [(4000 * raft + 25 * k, 0, 90, 18, 0) for raft in range(3) for k in range(4)]
    hulls = fleet(rafts)
    pairs = pair_hulls(hulls, Detector())
    of_raft = {name: set() for name in pairs.raft_id}
    for k, name in enumerate(pairs.raft_id):
        of_raft[name] |= {pairs.first[k] // 4, pairs.second[k] // 4}
    of_raft.pop("")  # hulls of a raft that are not next to one another
    assert sorted(map(tuple, of_raft.values())) == [(0,), (1,), (2,)]
    alone = hulls.take(np.arange(4))
    assert set(pair_hulls(alone, Detector()).raft_id) - {""} < set(of_raft)


def test_long_rafts():
    """Rows of hulls 5 m apart, 72 m between the rows: rows are rafts, however long."""
    ships = [(90 * i, 30 * j, 25, 18, 0) for i in range(20) for j in range(100)]
    pairs = pair_hulls(fleet(ships), Detector(close_gap_m=60.0))
    assert len(set(pairs.raft_id) - {""}) == 20
    assert (pairs.kind == "alongside").sum() == 20 * 99


# -- laws


SHIP = st.tuples(
    st.floats(-3000, 3000),
    st.floats(-3000, 3000),
    st.floats(15, 400),
    st.floats(8, 60),
    st.floats(0, 179.9),
)


@given(ships=st.lists(SHIP, max_size=14), data=st.data())
@settings(max_examples=40)
def test_the_order_of_the_hulls_does_not_matter(ships, data):
    hulls = fleet(ships)
    pairs = rows(pair_hulls(hulls, Detector()), hulls)
    order = np.array(data.draw(st.permutations(range(len(ships)))), np.int64)
    other = hulls.take(order)
    assert rows(pair_hulls(other, Detector()), other) == pairs


@given(ships=st.lists(SHIP, min_size=2, max_size=14), data=st.data())
@settings(max_examples=40)
def test_surroundings_by_geodesics(ships, data):
    hulls = fleet(ships)
    doubt = data.draw(st.lists(st.booleans(), min_size=len(ships), max_size=len(ships)))
    hulls.flags[:] = np.where(doubt, int(Flag.LAND_NEAR), 0)
    pairs = pair_hulls(hulls, Detector(close_gap_m=3000.0))
    for k in range(len(pairs.gap_m)):
        own = {pairs.first[k], pairs.second[k]}
        third = [i for i in range(len(ships)) if i not in own and not doubt[i]]
        away = [GEOD.inv(pairs.lon[k], pairs.lat[k], hulls.lon[i], hulls.lat[i])[2] for i in third]
        assert pairs.n_neighbors_5km[k] == sum(metres <= NEIGHBOURHOOD_M for metres in away)
        assert pairs.nearest_third_m[k] == pytest.approx(min([*away, FAR_M]), rel=1e-4, abs=0.01)
        n = pairs.n_neighbors_5km[k]
        nearness = (pairs.center_distance_m[k] / NEIGHBOURHOOD_M) ** 2
        assert pairs.expected_chance_pairs[k] == pytest.approx(n * (n - 1) / 2 * nearness)


@given(ships=st.lists(SHIP, max_size=14))
@settings(max_examples=40)
def test_every_pair_is_found_once_and_means_something(ships):
    hulls = fleet(ships)
    pairs = pair_hulls(hulls, Detector())
    found = [frozenset(pair) for pair in zip(pairs.first, pairs.second, strict=True)]
    assert len(set(found)) == len(found) == len(set(pairs.pair_id))
    for i, j in combinations(range(len(ships)), 2):
        apart = GEOD.inv(hulls.lon[i], hulls.lat[i], hulls.lon[j], hulls.lat[j])[2]
        halves = np.hypot(hulls.length_m, hulls.width_m) / 2
        if apart < 500:
            assert frozenset({i, j}) in found
        if apart - halves[i] - halves[j] > 500.1:
            assert frozenset({i, j}) not in found
    for name in ("gap_m", "gap_sd_m", "nearest_third_m", "expected_chance_pairs", "score"):
        assert np.isfinite(getattr(pairs, name)).all()
    assert ((pairs.score >= 0) & (pairs.score <= 1)).all()
    assert ((pairs.relative_heading_deg >= 0) & (pairs.relative_heading_deg <= 90)).all()
    assert (hulls.length_m[pairs.first] >= hulls.length_m[pairs.second]).all()


@given(ships=st.lists(SHIP, min_size=2, max_size=14))
@settings(max_examples=40)
def test_chips_show_both_hulls_and_stay_inside_the_scene(ships):
    hulls = fleet(ships)
    pairs = pair_hulls(hulls, Detector())
    bounds = chip_bounds(pairs, hulls, GRID)
    assert bounds.shape == (len(pairs.gap_m), 4)
    for (row0, row1, col0, col1), one, two in zip(bounds, pairs.first, pairs.second, strict=True):
        assert 0 <= row0 < row1 <= GRID.shape[0]
        assert 0 <= col0 < col1 <= GRID.shape[1]
        longest = max(hulls.length_m[[one, two]])
        for k in (one, two):
            for start, end, size, place in (
                (row0, row1, GRID.shape[0], hulls.row[k]),
                (col0, col1, GRID.shape[1], hulls.col[k]),
            ):
                reach = (longest / 2 + CHIP_MARGIN_M) / 10 - 2
                assert start == 0 or start <= place - reach
                assert end == size or end >= place + reach


def test_no_hulls_no_pairs():
    pairs = pair_hulls(fleet([]), Detector())
    assert pairs.n_of_land == 0
    columns = [field.name for field in fields(Pairs) if field.name != "n_of_land"]
    assert all(len(getattr(pairs, name)) == 0 for name in columns)
    assert chip_bounds(pairs, fleet([]), GRID).shape == (0, 4)


def test_ships_inside_the_coast_stay_a_pair(sim):
    """The coast may be 300 m off: it doubts them, and hides nothing."""
    image = sim.radar_sea(3, (300, 300))
    for row in (140, 152):
        image[:, row : row + 4, 140:149] = 10.0
    lab = sim.lab(image)
    lon, lat = lab.scene.grid.lonlat(148.0, 144.0)
    shore = sim.coast(shapely.box(lon - 0.002, lat - 0.002, lon + 0.002, lat + 0.002))
    frames = sim.lab(image, coast=shore).frames()
    assert (frames["detections"].distance_from_shore_m == 0).all()
    assert len(frames["pairs"]) == 1
    assert frames["scenes"].n_land_pairs.item() == 0


# -- at quays, and within one blob


def evidence(n, **known):
    """Nothing known of n detections but what is given."""
    columns = {field.name: np.full(n, np.nan) for field in fields(Evidence)}
    columns["n_hulls"] = np.full(n, None, object)
    columns["alongside_bands"] = np.full(n, None, object)
    columns["is_alongside"] = np.zeros(n, np.bool_)
    return Evidence(**columns | {name: np.array(values) for name, values in known.items()})


def test_two_alongside_at_a_quay_are_counted_and_not_listed():
    hulls = side_by_side(5.0)
    assert pair_hulls(hulls, Detector()).n_of_land == 0
    for at_land in ([True, True], [True, False], [False, True]):
        hulls.at_land[:] = at_land
        pairs = pair_hulls(hulls, Detector())
        assert len(pairs.kind) == 0
        assert pairs.n_of_land == 1


def test_a_close_pair_at_a_quay_stays():
    hulls = side_by_side(60.0)
    hulls.at_land[:] = True
    assert pair_hulls(hulls, Detector()).kind.tolist() == ["close"]


def test_a_blob_of_several_hulls_is_a_pair_with_itself():
    hulls = fleet([(0, 0, 120, 30, 40), (4000, 0, 60, 10, 0)])
    seen = evidence(
        2,
        is_alongside=[True, False],
        n_hulls=np.array([2, 1], object),
        p_alongside=[0.8, 0.01],
        expected_width_m=[20.0, 10.0],
    )
    pairs = pair_hulls(hulls, Detector(), seen)
    assert pairs.in_one_blob.tolist() == [True]
    assert (pairs.first[0], pairs.kind[0], pairs.raft_id[0]) == (0, "alongside", "")
    assert pairs.score[0] == pytest.approx(0.9 * 0.8)
    assert np.isnan([pairs.gap_m[0], pairs.gap_sd_m[0], pairs.center_distance_m[0]]).all()
    assert (pairs.lon[0], pairs.lat[0]) == (hulls.lon[0], hulls.lat[0])
    assert pairs.n_neighbors_5km[0] == 1
    assert pairs.nearest_third_m[0] == pytest.approx(4000, rel=1e-3)


def test_a_raft_in_one_blob_has_a_name_and_sizes_that_could_be_resolved():
    hulls = fleet([(0, 0, 120, 60, 40)])
    seen = evidence(
        1,
        is_alongside=[True],
        n_hulls=np.array([3], object),
        p_alongside=[0.8],
        expected_width_m=[20.0],
        gap_m=[4.0],
        gap_sd_m=[1.0],
        center_distance_m=[31.0],
    )
    pairs = pair_hulls(hulls, Detector(), seen)
    assert pairs.raft_id[0]
    assert (pairs.gap_m[0], pairs.gap_sd_m[0], pairs.center_distance_m[0]) == (4.0, 1.0, 31.0)
    assert pairs.relative_heading_deg[0] == 0.0


def test_names_of_pairs_within_and_between_blobs_differ():
    hulls = side_by_side(5.0)
    n = len(hulls)
    seen = evidence(
        n,
        is_alongside=[True] * n,
        n_hulls=np.array([2] * n, object),
        p_alongside=[0.5] * n,
        expected_width_m=[10.0] * n,
    )
    assert len(set(pair_hulls(hulls, Detector(), seen).pair_id)) == 3
