"""How hulls lie to each other: alone, alongside, in rafts and close pairs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import Polygon

from westsea_catalog.archive.hulls import Hull, draw_hull
from westsea_catalog.archive.layout import Kind

Float = NDArray[np.float64]

SINGLE_LENGTH_M = (25.0, 250.0)
PAIR_LENGTH_M = (60.0, 220.0)
ALONGSIDE_GAP_M = (1.0, 8.0)
CLOSE_GAP_M = (60.0, 350.0)


@dataclass(frozen=True)
class Planting:
    """How many formations of each sort a scene gets."""

    singles: int
    alongside: int
    close: int
    rafts: int = 0


@dataclass(frozen=True)
class Berth:
    """A hull and the place of its midships in a formation, in metres."""

    hull: Hull
    east_m: float = 0.0
    north_m: float = 0.0

    @property
    def outline(self) -> Polygon:
        """The deck plan in the formation's metres (east, north)."""
        return self.hull.outline(self.east_m, self.north_m)


@dataclass(frozen=True)
class Formation:
    """Hulls that belong together, in metres (east, north) of a common anchor."""

    berths: tuple[Berth, ...]
    kind: Kind | None = None
    """How neighbours in `berths` lie to each other; None for a single hull."""


def draw_formations(rng: np.random.Generator, planting: Planting) -> list[Formation]:
    """Draw all formations, the largest first: they are the hardest to place."""
    draws: list[tuple[Callable[[np.random.Generator], Formation], int]] = [
        (_draw_close, planting.close),
        (_draw_raft, planting.rafts),
        (_draw_alongside, planting.alongside),
    ]
    formations = [draw(rng) for draw, count in draws for _ in range(count)]
    # Stratified, so that every scene has its share of every length.
    quantiles = (np.arange(planting.singles) + rng.uniform(size=planting.singles)) / max(
        planting.singles, 1
    )
    lengths = _log_uniform(SINGLE_LENGTH_M, quantiles[::-1])
    formations += [Formation((Berth(draw_hull(rng, float(length))),)) for length in lengths]
    return formations


def _draw_alongside(rng: np.random.Generator) -> Formation:
    length = float(_log_uniform((PAIR_LENGTH_M[0] / 0.7, PAIR_LENGTH_M[1]), rng.uniform()))
    first = Berth(draw_hull(rng, length))
    return Formation((first, _draw_beside(rng, first, rng.choice([-1, 1]))), "alongside")


def _draw_raft(rng: np.random.Generator) -> Formation:
    """Draw a long hull with a shorter one on either side."""
    middle = Berth(draw_hull(rng, rng.uniform(120.0, 180.0)))
    port, starboard = _draw_beside(rng, middle, -1), _draw_beside(rng, middle, 1)
    return Formation((port, middle, starboard), "alongside")


def _draw_beside(rng: np.random.Generator, other: Berth, side: int) -> Berth:
    """Draw a shorter hull that lies parallel to another, on its starboard (1) or port (-1)."""
    length = other.hull.length_m
    shortest = max(0.5 * length, PAIR_LENGTH_M[0])
    turn = rng.choice([0.0, 180.0])
    hull = draw_hull(rng, rng.uniform(shortest, length), other.hull.heading_deg + turn)
    gap = rng.uniform(*ALONGSIDE_GAP_M)
    across = side * ((other.hull.width_m + hull.width_m) / 2 + gap)
    east, north = other.hull.to_ground(rng.uniform(-0.15, 0.15) * length, across)
    return Berth(hull, other.east_m + float(east), other.north_m + float(north))


def _draw_close(rng: np.random.Generator) -> Formation:
    """Draw two hulls in any direction of each other, as far apart as the gap asks."""
    lengths = _log_uniform((55.0, PAIR_LENGTH_M[1]), rng.uniform(size=2))
    first, second = (Berth(draw_hull(rng, float(length))) for length in lengths)
    gap = rng.uniform(*CLOSE_GAP_M)
    bearing = rng.uniform(0.0, 2 * np.pi)

    def away(distance: float) -> Berth:
        return Berth(second.hull, distance * np.sin(bearing), distance * np.cos(bearing))

    # Two convex outlines part monotonically along a line: bisect.
    low, high = 0.0, gap + float(lengths.sum())
    for _ in range(50):
        middle = (low + high) / 2
        if away(middle).outline.distance(first.outline) < gap:
            low = middle
        else:
            high = middle
    return Formation((first, away(high)), "close")


def _log_uniform(limits: tuple[float, float], quantile: ArrayLike) -> Float:
    low, high = np.log(limits)
    return np.asarray(np.exp(low + (high - low) * np.asarray(quantile, float)))
