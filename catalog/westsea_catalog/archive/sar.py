"""Sentinel-1 as it images a scene: sea and land as Gaussian speckle, targets as complex echoes.

Everything happens on the pass's own ground-range grid, look by look; the mean intensity of the
looks is then resampled to the scene's map grid, as terrain correction does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from westsea_catalog.archive.echoes import (
    AZIMUTH_RESOLUTION_M,
    N_LOOKS,
    RANGE_RESOLUTION_M,
    Echo,
    Points,
    echo,
    look_weights,
    speckle,
)
from westsea_catalog.archive.fields import exponential_spectrum, gamma_texture, gaussian_field
from westsea_catalog.archive.frame import SPACING_M, Frame
from westsea_catalog.archive.hulls import Hull, Polarization
from westsea_catalog.archive.land import Land
from westsea_catalog.archive.layout import Layout, PlantedHull, Structure
from westsea_catalog.archive.radar_wakes import calm_the_track
from westsea_catalog.archive.scatterers import (
    Scatterers,
    draw_scatterers,
    structure_scatterers,
)
from westsea_catalog.archive.seas import RadarSea, backscatter
from westsea_catalog.grid import AffineGrid

Float = NDArray[np.float64]
Image = NDArray[np.float32]

RADAR_NODATA = -32768.0
LEAST = np.float32(1e-5)
"""gamma0 that no pixel falls below: -50 dB."""
FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
RANGE_OVER_VELOCITY_S = 112.0
"""A hull that comes nearer by 0.1 m/s is imaged 11 m ahead along the track."""
GROUND_VELOCITY_MS = 6674.0
AMBIGUITY_DB = {1: -27.0, 2: -33.0, 3: -27.0}
"""Power of an ambiguity to its source's, by subswath: of a 12.3 m antenna's two-way pattern, one
pulse repetition off, weighted over the band."""
AMBIGUITY_SPREAD_DB = 3.0
"""The steered beam raises one side and lowers the other."""
AMBIGUITY_SMEAR_M = 17.0
"""Focused with the wrong Doppler rate, a ghost is twice as wide as a point."""
GHOST_SNR = 2.0
"""Mean peak over the sea's mean from which a ghost is imaged, and told in the truth."""
LAND_DB: dict[Polarization, float] = {"VV": -9.0, "VH": -15.5}
BUILT_DB: dict[Polarization, float] = {"VV": -1.0, "VH": -9.0}

# Incidence (degrees) and Doppler rate (Hz/s) at the near and the far edge, and the pulse repetition
# frequency (Hz), of IW1 to IW3: annotation of a Sentinel-1B product of 2021.
SUBSWATHS = {
    1: ((30.7, 36.4), (2320.0, 2184.0), 1717.13),
    2: ((36.4, 41.7), (2184.0, 2048.0), 1451.63),
    3: ((41.7, 46.0), (2048.0, 1927.0), 1685.82),
}
_LAND_ORDER, _BUILT_ORDER, _LAND_CORRELATION_M = 3.0, 0.6, 30.0

_REACH_M, _WEAK_REACH_M, _WEAK_M2 = 320.0, 100.0, 300.0
"""How far the sidelobes of a target are drawn: at 320 m they are 37 dB below its peak."""


@dataclass(frozen=True)
class Pass:
    """How the radar flies over a scene."""

    heading_deg: float
    """Of the ground track, clockwise from true north; the radar looks to the right of it."""
    incidence_deg: float = 38.0
    """In the scene's middle."""
    noise_db: float = -24.0
    """Noise equivalent of the swath, gamma0, the same in both channels."""
    noise_step_db: float = 0.0
    """Its step at the seam of two subswaths, which then runs through the scene's middle."""
    swath_end_m: float = np.inf
    """Metres across the track from the scene's middle where the swath ends."""

    @property
    def subswath(self) -> int:
        """1, 2 or 3, by the incidence angle."""
        return 1 + sum(self.incidence_deg > SUBSWATHS[n][0][1] for n in (1, 2))

    @property
    def ambiguity_m(self) -> float:
        """Along the track to the azimuth ambiguities."""
        incidences, rates, prf_hz = SUBSWATHS[self.subswath]
        return float(prf_hz / np.interp(self.incidence_deg, incidences, rates) * GROUND_VELOCITY_MS)

    def displacement_m(self, planted: PlantedHull) -> float:
        """How far along the track a hull under way is imaged from where it is."""
        angle = np.deg2rad(planted.hull.heading_deg - self.heading_deg - 90.0)
        away = planted.speed_ms * np.cos(angle) * np.sin(np.deg2rad(self.incidence_deg))
        return float(-RANGE_OVER_VELOCITY_S * away)


@dataclass(frozen=True)
class Ghost:
    """An azimuth ambiguity of a hull or a structure."""

    row: float
    """Pixel coordinates of its middle; integers are pixel centres."""
    col: float
    length_m: float
    """Of its source."""
    width_m: float
    snr_db: float
    """Mean of its peak in VV over the sea's mean."""


@dataclass(frozen=True, eq=False)
class Radargram:
    """A rendered scene."""

    images: dict[Polarization, Image]
    """gamma0, linear, (rows, cols); RADAR_NODATA beyond the swath."""
    ghosts: tuple[Ghost, ...]


@dataclass(frozen=True, eq=False)
class Target:
    """A thing to image: a hull, a structure, or an ambiguity of one."""

    points: dict[Polarization, Points]
    middle: tuple[float, float]
    """(line, sample)."""
    reach_m: float
    defocus_m: float
    is_exact: bool = True
    """Whether its echo has the same digits on every machine."""

    def echo(self, rng: np.random.Generator, polarization: Polarization) -> Echo:
        """Its complex looks, of phases drawn at random."""
        return echo(
            rng,
            self.points[polarization],
            self.middle,
            self.reach_m,
            defocus_m=self.defocus_m,
            is_exact=self.is_exact,
        )


def render(
    rng: np.random.Generator,
    radar: Pass,
    sea: RadarSea,
    layout: Layout,
    land: Land,
    grid: AffineGrid,
    polarizations: Sequence[Polarization] = ("VV", "VH"),
) -> Radargram:
    """Image a scene.

    The texture is common to the polarisations, speckle and phases are not.
    """
    frame = Frame(grid, radar.heading_deg)
    seen = observe(rng, radar, sea, layout, land, frame, polarizations)
    return Radargram(on_map(frame, seen.images), seen.ghosts)


def observe(
    rng: np.random.Generator,
    radar: Pass,
    sea: RadarSea,
    layout: Layout,
    land: Land,
    frame: Frame,
    polarizations: Sequence[Polarization] = ("VV", "VH"),
    noise_along: Float | float = 1.0,
) -> Radargram:
    """Image a scene in the radar's own geometry: gamma0, linear, (lines, samples) of the frame.

    `noise_along` is what noise is multiplied by, (lines, 1) or for all of them.
    """
    surface = backscatter(rng, frame, sea)
    for planted in layout.hulls:
        if planted.speed_ms:
            calm_the_track(rng, frame, planted, radar.displacement_m(planted), surface)
    if land.cover.any():
        _put_land(rng, radar, frame, land, surface)
    targets = [_hull_target(rng, radar, frame, sea, planted) for planted in layout.hulls]
    targets += [_structure_target(rng, radar, frame, each) for each in layout.structures]
    ghosts, their_targets = _ghosts(rng, radar, frame, sea, layout, targets)
    targets += their_targets
    noise = noise_power(radar, frame) * np.float32(noise_along)
    images = _observed(rng, radar, frame, surface, targets, polarizations, noise)
    return Radargram(images, ghosts)


def image_targets(
    rng: np.random.Generator,
    radar: Pass,
    frame: Frame,
    surface: dict[Polarization, Image],
    targets: Sequence[Target],
    polarizations: Sequence[Polarization] = ("VV", "VH"),
) -> dict[Polarization, Image]:
    """Image targets on a surface of a mean power, gamma0 of the frame's shape, noise not counted.

    Returns gamma0, linear, (rows, cols) of the scene's grid; RADAR_NODATA beyond the swath.
    """
    noise = noise_power(radar, frame)
    return on_map(frame, _observed(rng, radar, frame, surface, targets, polarizations, noise))


def on_map(frame: Frame, images: dict[Polarization, Image]) -> dict[Polarization, Image]:
    """Bring images of the frame to the scene's grid, as terrain correction does."""
    found = {}
    for polarization, image in images.items():
        resampled = frame.to_scene(image, RADAR_NODATA)
        # Cubic convolution swings below zero beside the brightest targets.
        found[polarization] = np.where(
            resampled == RADAR_NODATA, resampled, np.maximum(resampled, LEAST)
        )
    return found


def _observed(
    rng: np.random.Generator,
    radar: Pass,
    frame: Frame,
    surface: dict[Polarization, Image],
    targets: Sequence[Target],
    polarizations: Sequence[Polarization],
    noise: Image,
) -> dict[Polarization, Image]:
    """gamma0, linear, (lines, samples) of the frame; RADAR_NODATA beyond the swath."""
    images = {}
    for polarization in polarizations:
        echoes = [target.echo(rng, polarization) for target in targets]
        # Sea and noise are both Gaussian: their sum is one field of the summed power.
        image = _detected(rng, surface[polarization] + noise, echoes)
        image[:, _beyond(radar, frame)] = RADAR_NODATA
        images[polarization] = image
    return images


def _hull_target(
    rng: np.random.Generator, radar: Pass, frame: Frame, sea: RadarSea, planted: PlantedHull
) -> Target:
    scatterers = draw_scatterers(rng, planted.hull, radar.heading_deg + 90.0)
    still = 0.2 if planted.setting == "berth" else 1.0
    defocus = still * abs(rng.normal(0.0, sea.smear_m))
    drift = still * rng.normal(0.0, sea.shift_m)
    roll = still * rng.normal(0.0, sea.roll_rad_s) * min(1.0, (60.0 / planted.hull.length_m) ** 0.5)
    shift = drift + roll_shift_m(radar, planted.hull, scatterers, roll)
    east, north = planted.hull.to_ground(scatterers.forward, scatterers.starboard)
    reach = planted.hull.length_m / 2
    place = frame.locate(planted.row, planted.col)
    return lay(radar, frame, scatterers, place, (east, north), reach, defocus, shift)


def roll_shift_m(radar: Pass, hull: Hull, scatterers: Scatterers, roll_rad_s: float) -> Float:
    """How far along the track each scatterer of a rolling hull is displaced: what is high the most.

    A hull that rolls to starboard moves its upper works to starboard and its starboard side down.
    """
    look = np.deg2rad(radar.heading_deg + 90.0 - hull.heading_deg)
    incidence = np.deg2rad(radar.incidence_deg)
    # Starboard points 90 degrees right of the bow; the radar sees the horizontal part by sin.
    sideways = roll_rad_s * scatterers.height * np.sin(look) * np.sin(incidence)
    downwards = roll_rad_s * scatterers.starboard * np.cos(incidence)
    return np.asarray(-RANGE_OVER_VELOCITY_S * (sideways + downwards))


def _structure_target(
    rng: np.random.Generator, radar: Pass, frame: Frame, structure: Structure
) -> Target:
    scatterers = structure_scatterers(rng, structure)
    axis = np.deg2rad(structure.heading_deg)
    east = scatterers.forward * np.sin(axis) + scatterers.starboard * np.cos(axis)
    north = scatterers.forward * np.cos(axis) - scatterers.starboard * np.sin(axis)
    reach = structure.length_m / 2 + structure.height_m
    place = frame.locate(structure.row, structure.col)
    return lay(radar, frame, scatterers, place, (east, north), reach)


def lay(
    radar: Pass,
    frame: Frame,
    scatterers: Scatterers,
    place: tuple[Float, Float],
    offset: tuple[Float, Float],
    reach_m: float,
    defocus_m: float = 0.0,
    shift_m: float | Float = 0.0,
) -> Target:
    """Lay scatterers, (east, north) metres of a place, on the frame; what is high lies over."""
    along, across = frame.along_across(*offset)
    across = across - scatterers.height / np.tan(np.deg2rad(radar.incidence_deg))
    middle = float(place[0]), float(place[1])
    line = middle[0] + (along + shift_m) / SPACING_M
    sample = middle[1] + across / SPACING_M
    points = {pol: Points(line, sample, rcs) for pol, rcs in scatterers.rcs.items()}
    weak = scatterers.rcs["VV"].sum() < _WEAK_M2
    return Target(points, middle, reach_m + (_WEAK_REACH_M if weak else _REACH_M), defocus_m)


def _ghosts(
    rng: np.random.Generator,
    radar: Pass,
    frame: Frame,
    sea: RadarSea,
    layout: Layout,
    targets: Sequence[Target],
) -> tuple[tuple[Ghost, ...], list[Target]]:
    """Ambiguities of all targets that are strong enough to show above the sea, within the frame."""
    level = sea.mean("VV") + 10 ** (radar.noise_db / 10)
    ghosts, images = [], []
    sides = [
        (side, rng.normal(AMBIGUITY_DB[radar.subswath], AMBIGUITY_SPREAD_DB)) for side in (-1, 1)
    ]
    sources: tuple[PlantedHull | Structure, ...] = (*layout.hulls, *layout.structures)
    for source, target in zip(sources, targets, strict=True):
        for side, ratio_db in sides:
            lines = side * radar.ambiguity_m / SPACING_M
            ratio = 10 ** (ratio_db / 10)
            snr = ratio * target.points["VV"].rcs.sum() / (_ghost_m2(target) * level)
            middle = target.middle[0] + lines, target.middle[1]
            row, col = (float(at) for at in frame.scene_pixel(*middle))
            if snr < GHOST_SNR or not _is_imaged(radar, frame, row, col):
                continue
            points = {
                pol: Points(each.line + lines, each.sample, ratio * each.rcs)
                for pol, each in target.points.items()
            }
            images.append(Target(points, middle, target.reach_m, AMBIGUITY_SMEAR_M))
            ghosts.append(Ghost(row, col, *_size(source), float(10 * np.log10(snr))))
    return tuple(ghosts), images


def _ghost_m2(target: Target) -> float:
    """Area that a ghost's power spreads over."""
    points = target.points["VV"]
    along, across = (SPACING_M * float(np.ptp(at)) for at in (points.line, points.sample))
    smeared = np.hypot(AZIMUTH_RESOLUTION_M, FWHM * AMBIGUITY_SMEAR_M)
    return float((RANGE_RESOLUTION_M + across / 2) * (smeared + along / 2))


def _size(source: PlantedHull | Structure) -> tuple[float, float]:
    if isinstance(source, PlantedHull):
        return source.hull.length_m, source.hull.width_m
    return source.length_m, source.width_m


def swath(radar: Pass, grid: AffineGrid) -> NDArray[np.bool_]:
    """Pixels (rows, cols) of a scene that the pass has seen."""
    frame = Frame(grid, radar.heading_deg)
    rows, cols = np.ogrid[: grid.shape[0], : grid.shape[1]]
    return across_m(frame, frame.locate(rows, cols)[1]) <= radar.swath_end_m


def across_m(frame: Frame, sample: Float | NDArray[np.int64]) -> Float:
    """Metres across the track from the scene's middle."""
    return np.asarray(frame.first[1] + SPACING_M * sample)


def _is_imaged(radar: Pass, frame: Frame, row: float, col: float) -> bool:
    """Whether a pixel lies in the scene and the swath."""
    rows, cols = frame.grid.shape
    seen = across_m(frame, frame.locate(row, col)[1]) <= radar.swath_end_m
    return 0 <= row <= rows - 1 and 0 <= col <= cols - 1 and bool(seen)


def _put_land(
    rng: np.random.Generator,
    radar: Pass,
    frame: Frame,
    land: Land,
    surface: dict[Polarization, Image],
) -> None:
    """Replace the sea by land in place, and add the land's own ambiguities to the sea."""
    cover, built = frame.from_scene(land.cover), frame.from_scene(land.built)
    height = frame.from_scene(land.height_m)
    frequency = np.hypot(*frame.ground_frequencies)
    normal = gaussian_field(rng, exponential_spectrum(frequency, _LAND_CORRELATION_M))
    fields, towns = gamma_texture(normal, _LAND_ORDER), gamma_texture(normal, _BUILT_ORDER)
    # Slopes that face the radar stay brighter after terrain flattening.
    slope = np.clip(np.gradient(height, SPACING_M, axis=1), -0.5, 0.5)
    relief = 10 ** (0.4 * slope)
    lines = round(radar.ambiguity_m / SPACING_M)
    for polarization, power in surface.items():
        own = 10 ** (LAND_DB[polarization] / 10) * fields * relief * (1 - built)
        own += 10 ** (BUILT_DB[polarization] / 10) * towns * built
        own *= cover
        power *= 1 - cover
        power += own
        for side in (-1, 1):
            ghost = 10 ** (AMBIGUITY_DB[radar.subswath] / 10) * _shifted(own, side * lines)
            power += ghost.astype(np.float32)


def _shifted(image: Image, lines: int) -> Image:
    """The image moved down by some lines; zeros come in."""
    moved = np.zeros_like(image)
    if abs(lines) < len(image):
        source = image[max(-lines, 0) : len(image) - max(lines, 0)]
        moved[max(lines, 0) : len(image) + min(lines, 0)] = source
    return moved


def noise_power(radar: Pass, frame: Frame) -> Image:
    """Noise by sample, gamma0: (1, samples)."""
    across = across_m(frame, np.arange(frame.shape[1]))
    db = radar.noise_db + np.where(across > 0, radar.noise_step_db, 0.0)
    return np.asarray(10 ** (db / 10), np.float32)[None, :]


def _beyond(radar: Pass, frame: Frame) -> NDArray[np.bool_]:
    """(samples,) where the swath has ended."""
    return across_m(frame, np.arange(frame.shape[1])) > radar.swath_end_m


def _detected(rng: np.random.Generator, power: Image, echoes: Sequence[Echo]) -> Image:
    """Mean intensity over the looks of a Gaussian surface of a power, with echoes on it."""
    amplitude = np.sqrt(power)
    image = np.zeros(power.shape, np.float32)
    for look, weight in enumerate(look_weights()):
        field = amplitude * speckle(rng, power.shape)
        for each in echoes:
            each.add_to(field, look)
        image += np.float32(weight / N_LOOKS) * (field.real**2 + field.imag**2)
    return image
