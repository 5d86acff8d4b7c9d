"""The scenes of the built-in archive: when, where, how the sea was and what is planted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from westsea_catalog.archive.formations import Planting
from westsea_catalog.archive.hulls import Polarization
from westsea_catalog.archive.optical import OpticalSea
from westsea_catalog.archive.sar import Pass
from westsea_catalog.archive.seas import RadarSea
from westsea_catalog.grid import AffineGrid

SeaState = Literal["calm", "moderate", "rough"]

PIXEL_M = 10.0


def grid(epsg: int, west: float, north: float, shape: tuple[int, int]) -> AffineGrid:
    """Return a north-up grid of 10 m pixels from its upper left corner (m)."""
    return AffineGrid(epsg, (PIXEL_M, 0.0, west, 0.0, -PIXEL_M, north), shape)


@dataclass(frozen=True)
class RadarScene:
    """One Sentinel-1 scene."""

    start: datetime
    absolute_orbit: int
    radar: Pass
    grid: AffineGrid
    state: SeaState
    sea: RadarSea
    planting: Planting
    harbours: int = 0
    """On the land of the scene."""
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
        return abs(self.radar.heading_deg) < 90


@dataclass(frozen=True)
class OpticalScene:
    """One Sentinel-2 scene."""

    start: datetime
    relative_orbit: int
    tile: str
    """MGRS."""
    grid: AffineGrid
    state: SeaState
    sea: OpticalSea
    planting: Planting
    harbours: int = 0
    """On the land of the scene."""
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


# Levels are gamma0 of winds of 4 m/s (calm), 7 (moderate) and 12 (rough) at the scene's incidence:
# VV by CMOD5.N (Hersbach 2010), VH by fits to Sentinel-1, below the noise in all but the roughest.
# Places are real: where transfers were reported, shipping lanes, fishing grounds and islands.
RADAR_SCENES = (
    # Transfers in a moderate breeze.
    RadarScene(
        start=datetime(2017, 10, 17, 21, 57, 4, tzinfo=UTC),
        absolute_orbit=18858,
        radar=Pass(-168.0, incidence_deg=38.0),
        grid=grid(32651, 539300.0, 4100130.0, (1024, 1024)),
        state="moderate",
        sea=RadarSea(
            vv_db=-15.5,
            vh_db=-33.0,
            order=10.0,
            correlation_m=120.0,
            wind_deg=200.0,
            streaks_db=0.4,
            swell_db=0.3,
            swell_deg=150.0,
            smear_m=6.0,
            shift_m=4.0,
        ),
        planting=Planting(singles=15, alongside=4, close=4, rafts=1),
        datatake=0x1FD3A,
    ),
    # The same in a calm; VH is noise.
    RadarScene(
        start=datetime(2017, 10, 19, 9, 48, 31, tzinfo=UTC),
        absolute_orbit=18880,
        radar=Pass(-12.0, incidence_deg=42.0, noise_db=-25.0),
        grid=grid(32652, 136570.0, 4051970.0, (1024, 1024)),
        state="calm",
        sea=RadarSea(
            vv_db=-21.0,
            vh_db=-38.0,
            order=20.0,
            correlation_m=180.0,
            trend_db=0.8,
            smear_m=4.0,
            roll_rad_s=0.003,
        ),
        planting=Planting(singles=16, alongside=4, close=5),
        datatake=0x1FDEB,
    ),
    # The same in a near gale: swell, wind streaks, rolling hulls.
    RadarScene(
        start=datetime(2017, 10, 24, 21, 49, 12, tzinfo=UTC),
        absolute_orbit=18960,
        radar=Pass(-168.0, incidence_deg=34.0),
        grid=grid(32651, 585570.0, 3934080.0, (1024, 1024)),
        state="rough",
        sea=RadarSea(
            vv_db=-10.5,
            vh_db=-29.0,
            order=6.0,
            correlation_m=150.0,
            wind_deg=170.0,
            streaks_db=0.5,
            streak_m=1800.0,
            swell_db=0.6,
            swell_m=180.0,
            swell_deg=165.0,
            smear_m=10.0,
            shift_m=6.0,
            roll_rad_s=0.015,
        ),
        planting=Planting(singles=17, alongside=3, close=4),
        datatake=0x1FE85,
    ),
    # One polarisation.
    RadarScene(
        start=datetime(2017, 10, 14, 9, 40, 27, tzinfo=UTC),
        absolute_orbit=18807,
        radar=Pass(-12.0, incidence_deg=36.0),
        grid=grid(32651, 549780.0, 4010140.0, (768, 832)),
        state="moderate",
        sea=RadarSea(vv_db=-15.0, vh_db=-33.0, order=12.0, correlation_m=150.0),
        planting=Planting(singles=8, alongside=2, close=2),
        polarizations=("VV",),
        datatake=0x1FCA1,
    ),
    # An anchorage, with bunkering, tows and wide barges, crossed by a front.
    RadarScene(
        start=datetime(2017, 10, 12, 21, 49, 3, tzinfo=UTC),
        absolute_orbit=18785,
        radar=Pass(-168.0, incidence_deg=38.0),
        grid=grid(32651, 441200.0, 4290400.0, (1024, 1024)),
        state="moderate",
        sea=RadarSea(
            vv_db=-16.5,
            vh_db=-34.0,
            order=9.0,
            correlation_m=140.0,
            wind_deg=40.0,
            streaks_db=0.3,
            fronts=1,
            smear_m=6.0,
            shift_m=3.0,
        ),
        planting=Planting(singles=4, alongside=3, close=1, barges=3, tows=2, anchored=26),
        datatake=0x1FC22,
    ),
    # Pair trawlers among showers.
    RadarScene(
        start=datetime(2017, 10, 21, 9, 32, 15, tzinfo=UTC),
        absolute_orbit=18909,
        radar=Pass(-12.0, incidence_deg=40.0),
        grid=grid(32651, 620900.0, 3975000.0, (1024, 1024)),
        state="moderate",
        sea=RadarSea(
            vv_db=-17.0,
            vh_db=-34.0,
            order=10.0,
            correlation_m=130.0,
            wind_deg=120.0,
            rain_cells=2,
            smear_m=6.0,
            shift_m=4.0,
        ),
        planting=Planting(singles=6, alongside=2, close=2, trawlers=12),
        datatake=0x1FED2,
    ),
    # Islands off Chodo, a harbour and aquaculture, and the end of the swath.
    RadarScene(
        start=datetime(2017, 10, 29, 21, 57, 5, tzinfo=UTC),
        absolute_orbit=19033,
        radar=Pass(-168.0, incidence_deg=44.0, swath_end_m=4300.0),
        grid=grid(32651, 664090.0, 4267980.0, (1024, 1024)),
        state="moderate",
        sea=RadarSea(
            vv_db=-18.5, vh_db=-34.0, order=10.0, correlation_m=130.0, wind_deg=90.0, smear_m=5.0
        ),
        planting=Planting(singles=4, alongside=2, close=1, berthed=8, farms=2, rocks=2),
        harbours=1,
        datatake=0x1FF1B,
    ),
    # A wind farm and large ships in a calm, on the seam of two subswaths: ghosts.
    RadarScene(
        start=datetime(2017, 10, 26, 9, 40, 28, tzinfo=UTC),
        absolute_orbit=18982,
        radar=Pass(-12.0, incidence_deg=43.5, noise_db=-25.5, noise_step_db=1.5),
        grid=grid(32651, 470300.0, 3867400.0, (1536, 704)),
        state="calm",
        sea=RadarSea(
            vv_db=-22.0,
            vh_db=-38.0,
            order=15.0,
            correlation_m=160.0,
            trend_db=0.6,
            smear_m=4.0,
            roll_rad_s=0.003,
        ),
        planting=Planting(singles=14, alongside=2, close=2, wind_farms=1),
        datatake=0x1FF84,
    ),
)

OPTICAL_SCENES = (
    # Transfers under a clear sky.
    OpticalScene(
        start=datetime(2017, 10, 25, 2, 37, 51, tzinfo=UTC),
        relative_orbit=89,
        tile="51SWB",
        grid=grid(32651, 583160.0, 4167020.0, (1024, 1024)),
        state="calm",
        sea=OpticalSea(
            wave_sigma=0.001,
            wave_heading_deg=150.0,
            wave_peak_m=80.0,
            haze_sigma=0.0015,
            haze_slope=0.004,
            glint=0.004,
            slicks=0.5,
        ),
        planting=Planting(singles=17, alongside=4, close=4, rafts=1),
    ),
    # The same among cumulus.
    OpticalScene(
        start=datetime(2017, 10, 28, 2, 47, 41, tzinfo=UTC),
        relative_orbit=132,
        tile="51SWA",
        grid=grid(32651, 539360.0, 4100120.0, (1024, 1024)),
        state="moderate",
        sea=OpticalSea(
            wave_sigma=0.0022,
            wave_heading_deg=115.0,
            haze_sigma=0.0025,
            haze_slope=-0.010,
            glint=0.008,
            clouds=6,
        ),
        planting=Planting(singles=15, alongside=4, close=4),
    ),
    # Off Weihai: islands, a harbour, aquaculture and muddy water.
    OpticalScene(
        start=datetime(2017, 10, 18, 2, 37, 49, tzinfo=UTC),
        relative_orbit=89,
        tile="51SVB",
        grid=grid(32651, 423020.0, 4158780.0, (1024, 1024)),
        state="moderate",
        sea=OpticalSea(
            wave_sigma=0.0018,
            wave_heading_deg=140.0,
            haze_sigma=0.002,
            haze_slope=0.006,
            glint=0.008,
        ),
        planting=Planting(singles=6, alongside=2, close=2, berthed=6, farms=2, rocks=1, anchored=8),
        harbours=1,
    ),
    # Pair trawlers and a tow in sun glint.
    OpticalScene(
        start=datetime(2017, 10, 15, 2, 27, 39, tzinfo=UTC),
        relative_orbit=46,
        tile="51SXV",
        grid=grid(32651, 620900.0, 3975000.0, (1024, 1024)),
        state="rough",
        sea=OpticalSea(
            wave_sigma=0.005,
            wave_heading_deg=100.0,
            wave_peak_m=140.0,
            haze_sigma=0.003,
            haze_slope=-0.008,
            glint=0.03,
            cirrus=0.005,
        ),
        planting=Planting(singles=9, alongside=2, close=2, trawlers=8, tows=1, barges=1),
    ),
)
