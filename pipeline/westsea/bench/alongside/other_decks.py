"""Hulls from above that are not the archive's: other outlines, trades, deck plans and paints."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from westsea.bench.alongside.decks import (
    WHITE,
    Colour,
    Patch,
    PatchedHull,
    look_alike,
    size,
    with_patches,
)
from westsea.bench.alongside.laws import Kind
from westsea_catalog.archive.hulls import Float, Hull, Part

Trade = Literal["bulk", "tank", "box", "general", "coaster", "fishing", "tug", "barge"]

_STATIONS = (-0.5, -0.44, -0.2, 0.15, 0.3, 0.4, 0.46, 0.49, 0.5)
_FINE = (0.55, 0.85, 1.0, 1.0, 0.80, 0.52, 0.28, 0.10, 0.0)
_FULL = (0.95, 1.0, 1.0, 1.0, 1.0, 0.95, 0.80, 0.50, 0.25)
"""Share of half the beam at the stations of the finest and the bluntest hull."""
_FULLNESS: dict[Trade, tuple[float, float]] = {
    "bulk": (0.7, 1.0),
    "tank": (0.7, 1.0),
    "box": (0.0, 0.35),
    "general": (0.3, 0.7),
    "coaster": (0.4, 0.9),
    "fishing": (0.0, 0.5),
    "tug": (0.6, 1.0),
    "barge": (1.0, 1.3),
}
_LARGE: dict[Trade, float] = {"bulk": 0.35, "tank": 0.30, "box": 0.20, "general": 0.15}
"""Shares of the merchant hulls from a length on, assumed."""
_LARGE_FROM_M = 80.0
_SMALL_TANKERS = 0.3

# Reflectance of B02, B03, B04, B08, B11.
_DECKS: tuple[Colour, ...] = (
    (0.07, 0.08, 0.17, 0.19, 0.22),  # rust
    (0.15, 0.12, 0.09, 0.11, 0.12),  # blue
    (0.16, 0.18, 0.20, 0.22, 0.24),  # buff
    (0.08, 0.12, 0.09, 0.13, 0.12),  # green
    (0.19, 0.19, 0.19, 0.19, 0.18),  # light grey
    (0.10, 0.10, 0.11, 0.12, 0.13),  # wet steel
)
_HATCHES: tuple[Colour, ...] = (
    (0.28, 0.28, 0.28, 0.29, 0.27),
    (0.20, 0.22, 0.24, 0.26, 0.27),
    (0.08, 0.08, 0.15, 0.18, 0.21),
    (0.12, 0.17, 0.13, 0.18, 0.17),
)
_BOXES: tuple[Colour, ...] = (
    (0.17, 0.12, 0.08, 0.11, 0.13),
    (0.06, 0.07, 0.16, 0.18, 0.20),
    (0.30, 0.30, 0.30, 0.31, 0.28),
    (0.08, 0.15, 0.09, 0.15, 0.14),
    (0.09, 0.14, 0.26, 0.28, 0.27),
)
_LOADS: tuple[Colour, ...] = (
    (0.14, 0.18, 0.22, 0.27, 0.33),  # sand
    (0.04, 0.04, 0.04, 0.05, 0.06),  # coal
    (0.15, 0.15, 0.16, 0.17, 0.18),  # stone
    (0.06, 0.08, 0.14, 0.17, 0.20),  # scrap
)
_BOX_PITCH_M = 14.5

GLINTING_SHARE, GLINT_M2 = 0.2, (20.0, 900.0)
"""Of all hulls: hatches, pipes and windows anywhere on deck mirror the sun."""


@dataclass(frozen=True)
class OtherHull(PatchedHull):
    """A hull whose deck is bare but for patches, with an outline and a freeboard of its own."""

    half_widths: tuple[float, ...] = _FULL
    """Shares of half the beam at `_STATIONS`."""
    freeboard_share: float = 0.03
    """Of the length."""

    @property
    def freeboard_m(self) -> float:
        """Height of the deck above the water."""
        return float(np.clip(self.freeboard_share * self.length_m, 0.8, 12.0))

    @property
    def plan(self) -> tuple[Float, Float]:
        """Stations from stern to bow, in lengths, and the share of half the beam at each."""
        return np.array(_STATIONS), np.array(self.half_widths)

    def bare_at(self, forward: ArrayLike, starboard: ArrayLike) -> NDArray[np.uint8]:
        """Deck within the outline, water beyond it."""
        on_deck = np.abs(starboard) <= self.half_width(forward)
        return np.where(on_deck, Part.DECK, Part.WATER).astype(np.uint8)


def other_hull(looks: np.random.Generator, hull: Hull, kind: Kind) -> tuple[OtherHull, Float]:
    """Draw a hull of its size by another shipyard, and the reflectance (parts, bands) of it."""
    trade = _trade(looks, hull)
    fullness = float(looks.uniform(*_FULLNESS[trade]))
    half_widths = np.array(_FINE) + fullness * np.subtract(_FULL, _FINE)
    extra, taller = look_alike(looks, hull, kind)
    taller *= float(looks.uniform(0.7, 1.2))
    tall = PatchedHull(**size(hull), taller=taller)
    cargo, house = _LAYOUTS[trade](looks, tall)
    patches = (*cargo, *extra, *house)
    deck = _of(looks, _DECKS)
    base = np.stack([np.zeros_like(deck), *[np.array(deck)] * (len(Part) - 1)])
    dressed = OtherHull(
        **size(hull),
        patches=patches,
        taller=taller,
        half_widths=tuple(np.minimum(half_widths, 1.0).tolist()),
        freeboard_share=float(
            looks.uniform(0.01, 0.018) if trade == "barge" else looks.uniform(0.02, 0.05)
        ),
    )
    return dressed, with_patches(base, patches)


def _trade(looks: np.random.Generator, hull: Hull) -> Trade:
    if hull.type != "merchant":
        return hull.type
    if hull.length_m < _LARGE_FROM_M:
        return "tank" if looks.uniform() < _SMALL_TANKERS else "coaster"
    trades = list(_LARGE)
    return trades[int(looks.choice(len(trades), p=list(_LARGE.values())))]


def _of(looks: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    """One of the colours, more or less weathered."""
    return tuple(looks.uniform(0.75, 1.25) * np.array(colours[int(looks.integers(len(colours)))]))


# -- deck plans: what lies on deck, and what stands on top of it

_Plan = tuple[list[Patch], list[Patch]]


def _house(looks: np.random.Generator, hull: Hull, begins: float) -> Patch:
    """A white superstructure that begins so many lengths forward of midships."""
    aft = begins * hull.length_m
    deep = float(np.clip(looks.uniform(0.07, 0.14) * hull.length_m, 4.0, 26.0))
    half = looks.uniform(0.3, 0.48) * hull.width_m
    colour = tuple(looks.uniform(0.75, 1.25) * np.array(WHITE))
    return Patch((aft, aft + deep), (-half, half), hull.house_m, colour)


def _hatches(
    looks: np.random.Generator, hull: Hull, between: tuple[float, float], pitch_m: float
) -> list[Patch]:
    """A row of hatch covers along the middle, alike."""
    aft, fore = (end * hull.length_m for end in between)
    count = max(1, round((fore - aft) / pitch_m))
    pitch = (fore - aft) / count
    deep, half = looks.uniform(0.5, 0.8) * pitch, looks.uniform(0.22, 0.36) * hull.width_m
    colour = _of(looks, _HATCHES)
    starts = [aft + k * pitch for k in range(count)]
    return [Patch((at, at + deep), (-half, half), 2.0, colour) for at in starts]


def _cranes(hull: Hull, places: list[float]) -> list[Patch]:
    """Posts on the centre line."""
    return [Patch((at - 1.5, at + 1.5), (-1.5, 1.5), 0.6 * hull.house_m, WHITE) for at in places]


def _bulk(looks: np.random.Generator, hull: Hull) -> _Plan:
    hatches = _hatches(looks, hull, (-0.33, 0.41), float(looks.uniform(18.0, 28.0)))
    geared = looks.uniform() < 0.4
    gaps = [hatch.forward[0] - 2.0 for hatch in hatches[1::2]] if geared else []
    return hatches, [_house(looks, hull, -0.47), *_cranes(hull, gaps)]


def _tank(looks: np.random.Generator, hull: Hull) -> _Plan:
    length, beam = hull.length_m, hull.width_m
    pipes = tuple(looks.uniform(0.7, 1.1) * np.array(_HATCHES[0]))
    half, wide = looks.uniform(0.04, 0.10) * beam, max(2.5, 0.025 * length)
    at = looks.uniform(-0.08, 0.08) * length
    lines = Patch((-0.33 * length, 0.40 * length), (-half, half), 1.5, pipes)
    manifold = Patch((at - wide / 2, at + wide / 2), (-0.45 * beam, 0.45 * beam), 1.5, pipes)
    return [lines, manifold], [_house(looks, hull, -0.47)]


def _box(looks: np.random.Generator, hull: Hull) -> _Plan:
    amidships = looks.uniform() < 0.4
    house = _house(
        looks, hull, float(looks.uniform(0.0, 0.2) if amidships else looks.uniform(-0.42, -0.25))
    )
    rows = 2 if hull.width_m < 25 else 3
    edges = np.linspace(-0.46, 0.46, rows + 1) * hull.width_m
    bays = []
    for at in np.arange(-0.46 * hull.length_m, 0.40 * hull.length_m, _BOX_PITCH_M):
        for port, starboard in pairwise(edges):
            if looks.uniform() < 0.85:
                high = looks.uniform(0.1, 0.75) * hull.house_m
                span = float(at), float(at) + 12.5
                bays.append(Patch(span, (float(port), float(starboard)), high, _of(looks, _BOXES)))
    return bays, [house]


def _general(looks: np.random.Generator, hull: Hull) -> _Plan:
    pitch = float(looks.uniform(15.0, 25.0))
    house = _house(looks, hull, float(looks.uniform(-0.12, 0.02)))
    behind = house.forward[0] / hull.length_m - 0.02
    before = house.forward[1] / hull.length_m + 0.02
    hatches = _hatches(looks, hull, (-0.42, behind), pitch)
    hatches += _hatches(looks, hull, (before, 0.38), pitch)
    posts = [0.5 * (behind - 0.42) * hull.length_m, 0.5 * (before + 0.38) * hull.length_m]
    return hatches, [house, *_cranes(hull, posts)]


def _coaster(looks: np.random.Generator, hull: Hull) -> _Plan:
    forward = looks.uniform() < 0.25
    hold = (-0.42, 0.15) if forward else (-0.28, 0.38)
    hatches = _hatches(looks, hull, hold, 0.6 * hull.length_m)
    return hatches, [_house(looks, hull, 0.22 if forward else -0.46)]


def _fishing(looks: np.random.Generator, hull: Hull) -> _Plan:
    forward = looks.uniform() < 0.6
    gear = (-0.45, 0.0) if forward else (-0.1, 0.35)
    length, half = hull.length_m, 0.35 * hull.width_m
    nets = Patch((gear[0] * length, gear[1] * length), (-half, half), 0.5, _of(looks, _BOXES))
    return [nets], [_house(looks, hull, float(looks.uniform(0.08, 0.22)) if forward else -0.42)]


def _tug(looks: np.random.Generator, hull: Hull) -> _Plan:
    return [], [_house(looks, hull, float(looks.uniform(0.0, 0.2)))]


def _barge(looks: np.random.Generator, hull: Hull) -> _Plan:
    """Heaps of one load, or none."""
    heaps = int(looks.integers(0, 4))
    half = looks.uniform(0.30, 0.44) * hull.width_m
    colour = _of(looks, _LOADS)
    edges = np.linspace(-0.44, 0.44, heaps + 1) * hull.length_m
    return [
        Patch((float(aft) + 2.0, float(fore) - 2.0), (-half, half), 2.0, colour)
        for aft, fore in pairwise(edges)
    ], []


_LAYOUTS: dict[Trade, Callable[[np.random.Generator, Hull], _Plan]] = {
    "bulk": _bulk,
    "tank": _tank,
    "box": _box,
    "general": _general,
    "coaster": _coaster,
    "fishing": _fishing,
    "tug": _tug,
    "barge": _barge,
}
