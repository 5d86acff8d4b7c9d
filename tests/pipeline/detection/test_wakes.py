"""Pieces of wakes, and the ships in line that are none, through the judge on simulated water."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from westsea.schema import DOUBT, Flag

SIDE = 512
WATER, NOISE = 1000.0, 20.0
SHIP, FOAM = 2000.0, 110.0
PSF_PX = 0.54
WAKE, UNDER_WAY = int(Flag.WAKE), int(Flag.UNDER_WAY)


class Line:
    """Water and what lies on one line through it; metres along the line and pixels aside."""

    def __init__(self, heading, start=(400.0, 90.0), seed=1, noise=NOISE):
        rng = np.random.default_rng(seed)
        rows, cols = np.mgrid[:SIDE, :SIDE]
        sine, cosine = np.sin(np.deg2rad(heading)), np.cos(np.deg2rad(heading))
        self.heading, self.start = heading, np.array(start)
        east, north = 10.0 * (cols - start[1]), -10.0 * (rows - start[0])
        self.along, self.aside = east * sine + north * cosine, east * cosine - north * sine
        self.light = np.zeros((SIDE, SIDE))
        self.noise = rng.normal(0.0, noise, (SIDE, SIDE))
        self.patches = np.exp(0.25 * rng.standard_normal((SIDE, SIDE)))

    def hull(self, at, length, width=20.0, light=SHIP):
        inside = (abs(self.along - at) <= length / 2) & (abs(self.aside) <= width / 2)
        self.light[inside] = light
        return self

    def trail(self, stern, length, fade, width=20.0, light=FOAM):
        """Foam behind a stern, towards lesser metres."""
        astern = stern - self.along
        inside = (astern > 0) & (astern < length) & (abs(self.aside) <= width / 2)
        foam = light * np.exp(-astern / fade) * self.patches
        self.light = np.where(inside & (self.light == 0), foam, self.light)
        return self

    def image(self):
        blurred = gaussian_filter(self.light, PSF_PX) + WATER + self.noise
        return blurred.round().astype(np.uint16)[None]

    def found(self, sim, **options):
        """Detections, with the metres along the line at which they lie."""
        found = sim.lab(self.image(), sensor="optical", **options).frames()["detections"]
        drow, dcol = found.row - self.start[0], found.col - self.start[1]
        turn = np.deg2rad(self.heading)
        found["along"] = 10.0 * (dcol * np.sin(turn) - drow * np.cos(turn))
        return found.sort_values("along", ignore_index=True)


HEADINGS = pytest.mark.parametrize("heading", [0.0, 33.0, 57.0, 90.0])


@HEADINGS
@pytest.mark.parametrize("length", [60.0, 200.0])
def test_pieces_of_a_wake(sim, heading, length):
    stern = 2400.0 - length / 2
    line = Line(heading).hull(2400.0, length).trail(stern - 40, 900.0, 900.0, light=240.0)
    found = line.found(sim)
    ship, pieces = found.iloc[-1], found.iloc[:-1]
    assert ship.along == pytest.approx(2400.0, abs=20)
    assert ship["flags"] == UNDER_WAY
    assert len(pieces) >= 1
    assert (pieces["flags"] == WAKE).all()
    assert (pieces.doubt_detect_id == ship.detect_id).all()
    assert (pieces.doubt_ratio_db > 3.0).all()


@HEADINGS
@pytest.mark.parametrize("foam", [0.0, FOAM])
def test_ships_in_line_ahead_are_no_wakes(sim, heading, foam):
    """A convoy, each ship fainter and shorter than the next, in the wakes of those ahead or not."""
    line = Line(heading, seed=2)
    ships = [
        (2800.0, 200.0, 3000.0),
        (1900.0, 120.0, 2200.0),
        (1300.0, 60.0, 1500.0),
        (500.0, 30.0, 900.0),
    ]
    for at, length, light in ships:
        line.hull(at, length, light=light)
    for (at, length, _), (behind, *_) in pairwise(ships):
        line.trail(at - length / 2, at - behind, 4 * length, light=foam)
    found = line.found(sim)
    assert found.along.to_numpy() == pytest.approx([500, 1300, 1900, 2800], abs=20)
    assert ((found["flags"] & int(DOUBT)) == 0).all()


@HEADINGS
@pytest.mark.parametrize(("gap", "light"), [(60.0, 1200.0), (150.0, 800.0), (400.0, 800.0)])
def test_a_tug_and_its_tow(sim, heading, gap, light):
    """The tow lies in the tug's wash, is fainter than the tug and has a wash of its own."""
    line = Line(heading, seed=3).hull(1500.0, 35.0, 15.0, light=3000.0)
    line.hull(1480.0 - gap - 45.0, 90.0, 25.0, light=light)
    line.trail(1480.0, 900.0, 400.0, 20.0)
    found = line.found(sim)
    assert len(found) == 2
    assert (found["flags"] & ~int(Flag.TOW) == 0).all()


@HEADINGS
def test_ships_moored_end_to_end(sim, heading):
    line = Line(heading, seed=4)
    for at, light in ((600.0, 900.0), (760.0, 1500.0), (920.0, 2500.0)):
        line.hull(at, 110.0, 25.0, light=light)
    found = line.found(sim)
    assert len(found) == 3
    assert (found["flags"] == 0).all()


def streak(sim, light, aside=0.0, seed=5, **options):
    """A faint streak, 1 km behind a ship or beside its axis, as a trail and as a bar that ends."""
    line = Line(90.0, start=(256.0, 90.0), seed=seed, **options).hull(2400.0, 100.0)
    line.aside += aside
    line.light[(abs(line.aside) <= 15) & (line.along > 1200) & (line.along < 1350)] += light[0]
    line.light[(abs(line.aside) <= 15) & (line.along > 800) & (line.along < 1750)] += light[1]
    return line.found(sim)


def test_only_what_goes_on_is_a_wake(sim):
    trail, bar = streak(sim, (170.0, 120.0)), streak(sim, (290.0, 0.0))
    assert trail["flags"].tolist() == [WAKE, UNDER_WAY]
    assert bar["flags"].tolist() == [0, 0]


def test_a_streak_off_the_axis_is_no_wake(sim):
    assert streak(sim, (170.0, 120.0), aside=250.0)["flags"].tolist() == [0, 0]


def test_a_piece_of_a_piece_is_the_hulls(sim):
    line = Line(70.0, seed=6).hull(2600.0, 60.0).trail(2560.0, 700.0, 500.0, light=190.0)
    line.light[(line.light < SHIP) & (line.along > 2380) & (line.along < 2470)] *= 2.0
    line.light[(line.light < SHIP) & (line.along > 2080) & (line.along < 2170)] *= 2.5
    found = line.found(sim)
    pieces = found[:-1]
    assert len(pieces) >= 2
    assert set(pieces.doubt_detect_id) == {found.detect_id.iloc[-1]}
    assert (pieces["flags"] == WAKE).all()


def test_radar_scenes_have_no_such_wakes(sim):
    """Trails are dark there, and ships are displaced from theirs."""
    light = gaussian_filter(Line(33.0).hull(2400.0, 100.0).trail(2300.0, 900.0, 900.0).light, 1.0)
    image = sim.radar_sea(7, light.shape) * (1.0 + light / 30.0).astype(np.float32)
    flags = sim.lab(image).frames()["detections"]["flags"]
    assert len(flags) > 0
    assert ((flags & (WAKE | UNDER_WAY)) == 0).all()
