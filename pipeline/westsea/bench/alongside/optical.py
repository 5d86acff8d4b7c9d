"""Sentinel-2 of blobs, by hulls as the archive sees them or by others, under a sky of any sort.

A blob's contrast is radar's and counts for nothing here: paint, sun and sea make it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from westsea.bench.alongside.decks import Model, own_hull
from westsea.bench.alongside.laws import Kind
from westsea.bench.alongside.other_decks import GLINT_M2, GLINTING_SHARE, other_hull
from westsea.bench.alongside.places import Placed
from westsea_catalog.archive import optical
from westsea_catalog.archive.chips import Paint
from westsea_catalog.archive.hulls import Float, Hull
from westsea_catalog.archive.land import Land
from westsea_catalog.archive.layout import Layout, PlantedHull, pixel_offset
from westsea_catalog.archive.optical import draw_paint
from westsea_catalog.archive.scenes import SeaState
from westsea_catalog.archive.water import OpticalSea
from westsea_catalog.grid import AffineGrid

WAVE_SIGMA: dict[SeaState, tuple[float, float]] = {
    "calm": (0.0006, 0.0015),
    "moderate": (0.0014, 0.0030),
    "rough": (0.0030, 0.0065),
}
WAVE_PEAK_M: dict[SeaState, tuple[float, float]] = {
    "calm": (50.0, 100.0),
    "moderate": (80.0, 130.0),
    "rough": (100.0, 180.0),
}
GLINT: dict[SeaState, tuple[float, float]] = {
    "calm": (0.0, 0.008),
    "moderate": (0.003, 0.016),
    "rough": (0.010, 0.045),
}
"""About what the archive's scenes have of each state, and beyond."""

_HAZE_SIGMA, _HEAVY_HAZE_SIGMA = (0.001, 0.0035), (0.004, 0.008)
_HAZE_SLOPE, _HEAVY_HAZE_SLOPE = 0.010, 0.025
"""Either way; heavier haze would leave less than no light where it is thinnest."""
_HEAVY_SHARE = 0.2
_CIRRUS_SHARE, _CIRRUS, _HEAVY_VEIL = 0.3, (0.002, 0.012), (0.01, 0.04)
_SLICK_SHARE, _SLICKS = 0.4, (0.2, 0.7)
_SUN_ELEVATION_DEG = (25.0, 60.0)


def draw_sea(rng: np.random.Generator, state: SeaState) -> OpticalSea:
    """Draw a cloudless sea of a state, from clear to heavily hazed, and the sun over it."""
    heavy = rng.uniform() < _HEAVY_SHARE
    slope = _HEAVY_HAZE_SLOPE if heavy else _HAZE_SLOPE
    veil = _HEAVY_VEIL if heavy else _CIRRUS
    veiled = heavy or rng.uniform() < _CIRRUS_SHARE
    slicks = state != "rough" and rng.uniform() < _SLICK_SHARE
    elevation = float(rng.uniform(*_SUN_ELEVATION_DEG))
    return OpticalSea(
        wave_sigma=float(np.exp(rng.uniform(*np.log(WAVE_SIGMA[state])))),
        wave_heading_deg=float(rng.uniform(0.0, 360.0)),
        wave_peak_m=float(rng.uniform(*WAVE_PEAK_M[state])),
        haze_sigma=float(rng.uniform(*(_HEAVY_HAZE_SIGMA if heavy else _HAZE_SIGMA))),
        haze_slope=float(rng.uniform(-slope, slope)),
        glint=float(rng.uniform(*GLINT[state])),
        cirrus=float(rng.uniform(*veil)) if veiled else 0.0,
        slicks=float(rng.uniform(*_SLICKS)) if slicks else 0.0,
        sun_elevation_deg=elevation,
        sun_azimuth_deg=_azimuth_deg(rng, elevation),
    )


def _azimuth_deg(rng: np.random.Generator, elevation_deg: float) -> float:
    """Towards the sun at half past ten, when Sentinel-2 passes: the higher, the more easterly."""
    northern = 165.0 - 1.2 * (elevation_deg - _SUN_ELEVATION_DEG[0]) + float(rng.normal(0.0, 8.0))
    # South of the equator it stands as far east of north.
    return (northern if rng.uniform() < 0.5 else 180.0 - northern) % 360.0


def image(
    rng: np.random.Generator,
    placed: Sequence[Placed],
    sea: OpticalSea,
    grid: AffineGrid,
    *,
    model: Model,
) -> dict[str, NDArray[np.uint16] | NDArray[np.uint8]]:
    """See blobs on open water.

    Parameters
    ----------
    rng
        Draws everything that differs from pass to pass: water, air, noise and what mirrors the
        sun. Decks and their colours stay a hull's own.
    placed
        The blobs; the hulls of one are a group, seen together.
    sea
        State of water and air, and the sun.
    grid
        Of 10 m pixels, rows and columns even.
    model
        Whose hulls: the archive's own, or others that it knows nothing of.

    Returns
    -------
    Digital numbers by band (rows, cols): uint16, of SCL uint8; B11 and SCL in 20 m pixels.
    """
    planted: list[PlantedHull] = []
    paints: dict[Hull, Paint] = {}
    for number, place in enumerate(placed):
        jacobian = grid.jacobian(place.row, place.col)
        for berth in place.blob.berths:
            hull, parts = _dressed(berth.hull, place.blob.kind, model)
            paints[hull] = Paint(parts, *_draw_glint(rng, hull, model))
            drow, dcol = pixel_offset(jacobian, berth.east_m, berth.north_m)
            row, col = place.row + float(drow), place.col + float(dcol)
            planted.append(PlantedHull(hull, row, col, number, jacobian, berth.speed_ms))
    layout, land = Layout(tuple(planted), ()), Land.none(grid.shape)
    seen = optical.render(rng, sea, layout, land, grid, painter=lambda _, hull: paints[hull])
    return {str(band): pixels for band, pixels in seen.items()}


def _dressed(hull: Hull, kind: Kind, model: Model) -> tuple[Hull, Float]:
    """A hull's deck and the reflectance of its parts: the same in every pass."""
    of_its_size = np.array([hull.length_m, hull.width_m]).view(np.uint32)
    looks = np.random.default_rng(of_its_size)
    return (own_hull if model == "own" else other_hull)(looks, hull, kind)


def _draw_glint(
    rng: np.random.Generator, hull: Hull, model: Model
) -> tuple[Float, tuple[float, float]]:
    """What mirrors the sun in this pass: reflectance times area (bands,), and where."""
    if model == "own":
        paint = draw_paint(rng, hull)
        return paint.glint_m2, paint.glint_at
    bands = len(optical.REFLECTANCE_BANDS)
    if rng.uniform() >= GLINTING_SHARE:
        return np.zeros(bands), (0.0, 0.0)
    flux = np.exp(rng.uniform(*np.log(GLINT_M2)) + rng.normal(0.0, 0.5, bands))
    along, across = rng.uniform(-0.4, 0.4), rng.uniform(-0.3, 0.3)
    return flux, (float(along * hull.length_m), float(across * hull.width_m))
