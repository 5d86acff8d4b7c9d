"""Hulls as they look from above: a deck plan with painted patches, and look-alikes of two hulls."""

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from westsea.bench.alongside.laws import Kind
from westsea_catalog.archive.hulls import Float, Hull, Part
from westsea_catalog.archive.optical import draw_paint

Model = Literal["own", "other"]
"""Hulls of the built-in archive, or such as it has none of."""
Colour = tuple[float, ...]
"""Reflectance of B02, B03, B04, B08, B11."""

BRIGHT: Colour = (0.27, 0.28, 0.28, 0.29, 0.26)
DARK: Colour = (0.045, 0.045, 0.045, 0.05, 0.07)
WHITE: Colour = (0.40, 0.40, 0.40, 0.40, 0.28)
_TALL = (1.5, 2.2)
"""Times the usual height of a superstructure: its shadow lies beside the hull like another."""

_COAMING_M = 4.0
"""Between two holds."""
_BOOM_M, _MAX_SPAN_M, _THICK_M = (5.0, 14.0), 18.0, 2.2
"""How far an outrigger reaches beyond the side, half its length, and the width of its members."""


@dataclass(frozen=True)
class Patch:
    """A painted rectangle, in metres from midships."""

    forward: tuple[float, float]
    starboard: tuple[float, float]
    above_m: float
    """Height over the deck."""
    colour: Colour
    outboard: bool = False
    """Sticks out over the water; others end where the deck does."""


@dataclass(frozen=True)
class PatchedHull(Hull):
    """The archive's hull with patches on its deck; each is a part of its own, after `Part`."""

    patches: tuple[Patch, ...] = ()
    """Later ones lie on earlier ones."""
    taller: float = 1.0
    """Of the superstructure, times its usual height."""

    @property
    def house_m(self) -> float:
        """Height of the superstructure above the deck: no patch may be higher."""
        return self.taller * super().house_m

    @property
    def heights_m(self) -> Float:
        """Height above the water of each part."""
        above = [patch.above_m + self.freeboard_m for patch in self.patches]
        return np.concatenate([super().heights_m, above])

    def bare_at(self, forward: ArrayLike, starboard: ArrayLike) -> NDArray[np.uint8]:
        """`Part` at hull coordinates, without patches."""
        return super().part_at(forward, starboard)

    def part_at(self, forward: ArrayLike, starboard: ArrayLike) -> NDArray[np.uint8]:
        """Part at hull coordinates: `Part`, or ``len(Part)`` and the number of a patch."""
        forward, starboard = np.broadcast_arrays(forward, starboard)
        bare = self.bare_at(forward, starboard)
        part = bare.copy()
        for number, patch in enumerate(self.patches, len(Part)):
            inside = (forward >= patch.forward[0]) & (forward < patch.forward[1])
            inside &= (starboard >= patch.starboard[0]) & (starboard < patch.starboard[1])
            part[inside & (bare != Part.HOUSE) & (patch.outboard | (bare != Part.WATER))] = number
        return part


def own_hull(looks: np.random.Generator, hull: Hull, kind: Kind) -> tuple[PatchedHull, Float]:
    """Draw the archive's hull and the reflectance (parts, bands) of its parts."""
    base = draw_paint(looks, hull).parts
    patches, taller = look_alike(looks, hull, kind)
    return PatchedHull(**size(hull), patches=patches, taller=taller), with_patches(base, patches)


def size(hull: Hull) -> dict[str, Any]:
    """The fields that all hulls have."""
    return {field.name: getattr(hull, field.name) for field in fields(Hull)}


def with_patches(base: Float, patches: tuple[Patch, ...]) -> Float:
    """Reflectance (parts, bands) of a hull's own parts and of its patches."""
    return np.concatenate([base, np.array([p.colour for p in patches]).reshape(-1, base.shape[1])])


def look_alike(
    looks: np.random.Generator, hull: Hull, kind: Kind
) -> tuple[tuple[Patch, ...], float]:
    """Draw what makes one hull look like two, and how much taller it stands; nothing for most.

    The tails that radar sees of a hull do not exist here. In the place of those in azimuth stand
    decks of two tones, in the place of those in range tall hulls and such with an outrigger.
    """
    if kind == "azimuth_tail":
        return _two_toned(looks, hull), 1.0
    if kind == "range_tail":
        if looks.uniform() < 0.5:
            return (), float(looks.uniform(*_TALL))
        return _outrigger(looks, hull), 1.0
    return (), 1.0


def _two_toned(looks: np.random.Generator, hull: Hull) -> tuple[Patch, ...]:
    """One side bright and the other dark, or bright sides with dark holds between them."""
    half, beam = hull.length_m / 2, hull.width_m
    light, dark = (tuple(looks.uniform(0.8, 1.2) * np.array(tone)) for tone in (BRIGHT, DARK))
    if looks.uniform() < 0.5:
        side = float(looks.choice([-1.0, 1.0]))
        return tuple(
            Patch((-half, half), (min(0.0, way * beam), max(0.0, way * beam)), 2.0, tone)
            for way, tone in ((side, light), (-side, dark))
        )
    trench = float(looks.uniform(0.12, 0.22)) * beam
    edges = np.linspace(-0.34, 0.40, max(2, round(hull.length_m / 30)) + 1) * hull.length_m
    holds = [
        Patch((float(aft), float(fore) - _COAMING_M), (-trench, trench), 0.0, dark)
        for aft, fore in pairwise(edges)
    ]
    return Patch((-half, half), (-beam, beam), 2.0, light), *holds


def _outrigger(looks: np.random.Generator, hull: Hull) -> tuple[Patch, ...]:
    """Two booms swung out to one side, and the narrow float that they carry."""
    half_beam = hull.width_m / 2
    side = float(looks.choice([-1.0, 1.0]))
    reach = half_beam + float(looks.uniform(*_BOOM_M))
    middle = float(looks.uniform(-0.2, 0.2)) * hull.length_m
    span = min(float(looks.uniform(0.10, 0.18)) * hull.length_m, _MAX_SPAN_M)

    def across(start: float, stop: float) -> tuple[float, float]:
        return min(side * start, side * stop), max(side * start, side * stop)

    booms = [
        Patch((end, end + _THICK_M), across(0.6 * half_beam, reach), 1.0, WHITE, outboard=True)
        for end in (middle - span, middle + span)
    ]
    ends = middle - span, middle + span + _THICK_M
    afloat = 1.0 - hull.freeboard_m
    return *booms, Patch(ends, across(reach, reach + _THICK_M), afloat, BRIGHT, outboard=True)
