"""The scenes of the built-in archive: when, where, how the sea was and what is planted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from westsea_catalog.archive.formations import Planting
from westsea_catalog.archive.hulls import Polarization
from westsea_catalog.archive.optical import OpticalSea
from westsea_catalog.archive.sar import RadarSea
from westsea_catalog.grid import AffineGrid

PIXEL_M = 10.0


def grid(epsg: int, west: float, north: float, shape: tuple[int, int]) -> AffineGrid:
    """Return a north-up grid of 10 m pixels from its upper left corner (m)."""
    return AffineGrid(epsg, (PIXEL_M, 0.0, west, 0.0, -PIXEL_M, north), shape)


@dataclass(frozen=True)
class RadarScene:
    """One Sentinel-1 scene."""

    start: datetime
    absolute_orbit: int
    heading_deg: float
    """Of the ground track, clockwise from true north."""
    grid: AffineGrid
    sea: RadarSea
    planting: Planting
    polarizations: Sequence[Polarization] = ("VV", "VH")
    datatake: int = 0x1FE00

    @property
    def collection(self) -> str:
        """Planetary Computer's name of the collection."""
        return "sentinel-1-rtc"

    @property
    def end(self) -> datetime:
        """When the last line was taken: a slice lasts 25 s."""
        return self.start + timedelta(seconds=25)

    @property
    def id(self) -> str:
        """Item id, made as Planetary Computer makes it."""
        times = f"{self.start:%Y%m%dT%H%M%S}_{self.end:%Y%m%dT%H%M%S}"
        mode = "1SDV" if "VH" in self.polarizations else "1SSV"
        return f"S1A_IW_GRDH_{mode}_{times}_{self.absolute_orbit:06d}_{self.datatake:06X}_rtc"

    @property
    def ascending(self) -> bool:
        """Whether the pass goes north."""
        return abs(self.heading_deg) < 90


@dataclass(frozen=True)
class OpticalScene:
    """One Sentinel-2 scene."""

    start: datetime
    relative_orbit: int
    tile: str
    """MGRS."""
    grid: AffineGrid
    sea: OpticalSea
    planting: Planting
    baseline: str = "02.06"

    @property
    def collection(self) -> str:
        """Planetary Computer's name of the collection."""
        return "sentinel-2-l2a"

    @property
    def generated(self) -> datetime:
        """When the product was made: some hours after the pass."""
        return self.start + timedelta(hours=3, minutes=17)

    @property
    def id(self) -> str:
        """Item id, made as Planetary Computer makes it."""
        return (
            f"S2A_MSIL2A_{self.start:%Y%m%dT%H%M%S}_R{self.relative_orbit:03d}"
            f"_T{self.tile}_{self.generated:%Y%m%dT%H%M%S}"
        )


RADAR_SCENES = (
    RadarScene(
        start=datetime(2017, 10, 17, 21, 57, 4, tzinfo=UTC),
        absolute_orbit=18858,
        heading_deg=-168.0,
        grid=grid(32651, 539300.0, 4100130.0, (1024, 1024)),
        sea=RadarSea(vv_db=-15.0, vh_db=-26.5, order=10.0, correlation_m=120.0),
        planting=Planting(singles=15, alongside=4, close=4, rafts=1),
        datatake=0x1FD3A,
    ),
    RadarScene(
        start=datetime(2017, 10, 19, 9, 48, 31, tzinfo=UTC),
        absolute_orbit=18880,
        heading_deg=-12.0,
        grid=grid(32652, 136570.0, 4051970.0, (1024, 1024)),
        sea=RadarSea(vv_db=-17.5, vh_db=-28.5, order=20.0, correlation_m=180.0),
        planting=Planting(singles=16, alongside=4, close=5),
        datatake=0x1FDEB,
    ),
    RadarScene(
        start=datetime(2017, 10, 24, 21, 49, 12, tzinfo=UTC),
        absolute_orbit=18960,
        heading_deg=-168.0,
        grid=grid(32651, 585570.0, 3934080.0, (1024, 1024)),
        sea=RadarSea(vv_db=-14.0, vh_db=-26.0, order=6.0, correlation_m=150.0),
        planting=Planting(singles=17, alongside=3, close=4),
        datatake=0x1FE85,
    ),
    RadarScene(
        start=datetime(2017, 10, 14, 9, 40, 27, tzinfo=UTC),
        absolute_orbit=18807,
        heading_deg=-12.0,
        grid=grid(32651, 549780.0, 4010140.0, (768, 832)),
        sea=RadarSea(vv_db=-16.0, vh_db=-27.0, order=12.0, correlation_m=150.0),
        planting=Planting(singles=8, alongside=2, close=2),
        polarizations=("VV",),
        datatake=0x1FCA1,
    ),
)

OPTICAL_SCENES = (
    OpticalScene(
        start=datetime(2017, 10, 25, 2, 37, 51, tzinfo=UTC),
        relative_orbit=89,
        tile="51SWB",
        grid=grid(32651, 583160.0, 4167020.0, (1024, 1024)),
        sea=OpticalSea(
            wave_sigma=0.0012, wave_heading_deg=150.0, haze_sigma=0.0015, haze_slope=0.006
        ),
        planting=Planting(singles=17, alongside=4, close=4, rafts=1),
    ),
    OpticalScene(
        start=datetime(2017, 10, 28, 2, 47, 41, tzinfo=UTC),
        relative_orbit=132,
        tile="51SWA",
        grid=grid(32651, 539360.0, 4100120.0, (1024, 1024)),
        sea=OpticalSea(
            wave_sigma=0.0022,
            wave_heading_deg=115.0,
            haze_sigma=0.0025,
            haze_slope=-0.010,
            clouds=6,
        ),
        planting=Planting(singles=15, alongside=4, close=4),
    ),
)
