"""Sentinel-2 of blobs: hulls where they were put, as many as there are, by either model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from westsea.bench.alongside import optical
from westsea.bench.alongside.decks import own_hull
from westsea.bench.alongside.laws import SHARES, Blob, draw_blob
from westsea.bench.alongside.other_decks import other_hull
from westsea.bench.alongside.places import Placed
from westsea_catalog.archive import msi, scenes
from westsea_catalog.archive.formations import Berth
from westsea_catalog.archive.hulls import Hull, Part
from westsea_catalog.archive.water import OpticalSea

SHAPE = (120, 120)
GRID = scenes.grid(32652, 136570.0, 4051970.0, SHAPE)
CALM = OpticalSea(0.0006, 130.0, 0.0005, 0.0, sun_elevation_deg=60.0)
MODELS = ("own", "other")
STATES = ("calm", "moderate", "rough")


def rng(seed=0):
    return np.random.default_rng(seed)


def see(*blobs, model="own", sea=CALM, seed=0, row=60.0, col=60.0):
    placed = [Placed(blob, row, col) for blob in blobs]
    return optical.image(rng(seed), placed, sea, GRID, model=model)


def blob(*berths, kind="plain"):
    return Blob(kind, berths, 15.0)


def grid_north():
    """Heading of the columns, clockwise from true north."""
    east, north = GRID.jacobian(60, 60) @ (0, -1)
    return float(np.rad2deg(np.arctan2(east, north)))


def excess(image):
    return image.astype(float) - np.median(image)


def hulls_across(image, rows):
    """Crests of the mean over some rows that dips of a quarter of the lower one part."""
    profile = excess(image)[rows].mean(axis=0)
    inner = profile[1:-1]
    tops = 1 + np.flatnonzero(
        (inner > profile[:-2]) & (inner >= profile[2:]) & (inner > 0.15 * profile.max())
    )
    crests = []
    for top in tops:
        if crests and profile[crests[-1] : top].min() > 0.75 * profile[[crests[-1], top]].min():
            crests[-1] = max(crests[-1], top, key=lambda at: profile[at])
        else:
            crests.append(top)
    return len(crests)


# Blobs


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("row", "col"), [(60.0, 60.0), (55.3, 66.8)])
def test_a_blob_lies_where_it_was_put(model, row, col):
    # A barge is the same fore and aft, but for its load.
    image = excess(
        see(blob(Berth(Hull(100.0, 30.0, 40.0, "barge"))), model=model, row=row, col=col)["B08"]
    )
    image[image < 100] = 0
    rows, cols = np.indices(SHAPE)
    middle = (rows * image).sum() / image.sum(), (cols * image).sum() / image.sum()
    assert middle == pytest.approx((row, col), abs=0.6)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("length", [180.0, 200.0, 220.0, 240.0])
def test_large_hulls_alongside_are_as_many_as_the_truth_says(model, length):
    heading, beam, gap = grid_north(), 32.0, 8.0
    hull = Hull(length, beam, heading)
    east, north = hull.to_ground(0.0, beam + gap)
    pair = blob(
        Berth(hull), Berth(Hull(length - 5, beam, heading), float(east), float(north)), kind="pair"
    )
    middle = slice(56, 65)
    # The gap takes the middle of a pixel.
    shown = see(pair, model=model, col=58.0)["B08"]
    assert hulls_across(shown, middle) == pair.n_hulls == 2
    assert hulls_across(see(blob(Berth(hull)), model=model)["B08"], middle) == 1


@pytest.mark.parametrize("model", MODELS)
def test_wakes_trail(model):
    hull = Hull(120.0, 20.0, grid_north())
    moving = blob(Berth(hull, speed_ms=8.0), kind="wake")
    still = see(blob(Berth(hull)), model=model)["B03"].astype(float)
    change = see(moving, model=model)["B03"].astype(float) - still
    astern, ahead = change[70:95, 58:63].mean(), change[25:50, 58:63].mean()
    assert astern > 60
    assert abs(ahead) < 20


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_sees_the_same(model):
    several = [draw_blob(rng(3)), draw_blob(rng(4))]
    first, second = (see(*several, model=model, seed=9) for _ in range(2))
    other = see(*several, model=model, seed=10)
    assert set(first) == {"B02", "B03", "B04", "B08", "B11", "SCL"}
    for band, pixels in first.items():
        assert pixels.shape == tuple(size // msi.FACTOR[band] for size in SHAPE)
        np.testing.assert_array_equal(pixels, second[band])
    assert (first["B08"] != other["B08"]).any()


def test_a_hull_keeps_its_deck_from_pass_to_pass():
    # Barges mirror nothing: all that changes is the sea.
    barge, longer = (blob(Berth(Hull(length, 36.0, 20.0, "barge"))) for length in (120.0, 121.0))
    first, again = (see(barge, seed=seed)["B04"][57:64, 57:64].astype(float) for seed in (1, 2))
    other = see(longer, seed=1)["B04"][57:64, 57:64].astype(float)
    assert abs(first - again).mean() < 40
    assert abs(first - other).mean() > 100


def test_models_differ():
    hull = blob(Berth(Hull(200.0, 32.0, 60.0)))
    own, other = (see(hull, model=model)["B08"].astype(float) for model in MODELS)
    seen = excess(own) > 200
    assert abs(own - other)[seen].mean() > 0.1 * excess(own)[seen].mean()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["azimuth_tail", "range_tail"])
def test_look_alikes_differ_from_plain_hulls(model, kind):
    berth = Berth(Hull(200.0, 32.0, 60.0))
    plain = see(blob(berth), model=model)["B04"].astype(float)
    assert abs(see(blob(berth, kind=kind), model=model)["B04"] - plain).max() > 300


# Hulls


@given(length=st.floats(18.0, 250.0), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_plain_hulls_of_the_own_model_are_the_archives(length, seed):
    hull = Hull(length, length / 5, 30.0, "fishing")
    dressed, parts = own_hull(rng(seed), hull, "plain")
    forward, starboard = rng(seed).uniform(-0.6, 0.6, (2, 500)) * [[length], [length / 4]]
    np.testing.assert_array_equal(
        dressed.part_at(forward, starboard), hull.part_at(forward, starboard)
    )
    np.testing.assert_array_equal(dressed.heights_m, hull.heights_m)
    assert parts.shape == (len(Part), 5)


@given(
    length=st.floats(18.0, 250.0),
    kind=st.sampled_from(list(SHARES)),
    type_=st.sampled_from(["merchant", "fishing", "tug", "barge"]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("make", [own_hull, other_hull])
def test_decks_stay_within_their_hull_and_under_its_top(make, length, kind, type_, seed):
    hull = Hull(length, length / 4, 0.0, type_)
    dressed, parts = make(rng(seed), hull, kind)
    heights = dressed.heights_m
    assert len(parts) == len(heights) <= 256
    # The canvas has room for the shadow of the superstructure, or of hatches on a barge.
    assert heights.max() <= dressed.freeboard_m + max(dressed.house_m, 2.0) + 1e-9
    assert (parts >= 0).all()
    assert parts.max() < 0.6
    forward, starboard = np.meshgrid(
        np.linspace(-0.7, 0.7, 80) * length, np.linspace(-1, 1, 80) * hull.width_m
    )
    part = dressed.part_at(forward, starboard)
    assert (part < len(parts)).all()
    outside = (abs(forward) > length / 2) | (abs(starboard) > hull.width_m / 2)
    if kind != "range_tail":
        assert (part[outside] == Part.WATER).all()


# Seas


@pytest.mark.parametrize("state", STATES)
def test_seas_vary_within_their_state(state):
    draw = rng(1)
    seas = [optical.draw_sea(draw, state) for _ in range(300)]
    low, high = optical.GLINT[state]
    assert all(low <= sea.glint <= high and sea.clouds == 0 for sea in seas)
    elevations = np.array([sea.sun_elevation_deg for sea in seas])
    assert (elevations.min(), elevations.max()) == pytest.approx((25, 60), abs=2)
    azimuths = np.array([sea.sun_azimuth_deg for sea in seas])
    assert np.histogram(azimuths, [0, 90, 180])[0].min() > 100
    heavy = np.mean([sea.haze_sigma > 0.0036 for sea in seas])
    assert 0.1 < heavy < 0.3
    assert len({sea.wave_sigma for sea in seas}) == len(seas)


def test_rough_seas_are_brighter_and_more_uneven():
    draw = rng(2)
    spread = {
        state: np.mean(
            [see(sea=optical.draw_sea(draw, state))["B08"].astype(float).std() for _ in range(6)]
        )
        for state in STATES
    }
    assert spread["calm"] < spread["moderate"] < spread["rough"]
