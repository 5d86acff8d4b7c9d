"""A scene: what one STAC item says of one acquisition, checked and frozen."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from westsea_catalog.access import DIRECT, Access
from westsea_catalog.grid import Grid
from westsea_catalog.radar.levels import Levels
from westsea_catalog.radar.product import RadarProduct

Sensor = Literal["sar", "optical"]
Driver = Literal["GTiff", "JP2OpenJPEG"]
"""GDAL's name for a format."""
DocumentKind = Literal["annotation", "calibration", "noise"]
Time = datetime


@dataclass(frozen=True)
class Asset:
    """One single-band file of a scene."""

    key: str
    """Asset key in the item: vv, B08, ..."""
    href: str
    """Unsigned and absolute: https://..., s3://... or a local path."""
    factor: int = 1
    """Pixels of the scene's grid per pixel of this file, along each axis (20 m bands: 2)."""
    band: str = ""
    """ESA's name for the band, whatever the provider's key: VV, B08, SCL; empty: as the key."""
    path: str = ""
    """What GDAL opens, checked and built by `trust.gdal_path`; empty: as the href."""
    access: Access = field(default=DIRECT, compare=False)
    """How GDAL gets at it, which is no part of what it is."""
    driver: Driver = "GTiff"
    offset: int = 0
    """Added to the file's digital numbers wherever they are read; see `offsets`."""
    levels: Levels | None = field(default=None, compare=False, repr=False)
    """How digital numbers of radar geometry become power, once `radar.located` has found out."""

    @property
    def name(self) -> str:
        """ESA's name for the band, upper-case."""
        return self.band or self.key.upper()

    @property
    def source(self) -> str:
        """What to hand to GDAL."""
        return self.path or self.href


@dataclass(frozen=True)
class Document:
    """One XML file that comes with a band of a scene in radar geometry."""

    kind: DocumentKind
    band: str
    """The polarisation that it belongs to, VV or VH."""
    href: str
    """Unsigned and absolute."""
    path: str = ""
    """What GDAL opens, as with an asset."""
    access: Access = field(default=DIRECT, compare=False)
    """How to get at it."""


@dataclass(frozen=True)
class Scene:
    """One acquisition that westsea can read."""

    id: str
    collection: str
    profile: str
    """Name of the catalogue profile that knows how to read it."""
    sensor: Sensor
    datetime: datetime
    """UTC, aware."""
    platform: str
    orbit_state: str
    """ascending, descending or unknown."""
    grid: Grid
    bands: tuple[Asset, ...]
    """Bands to detect on, on the scene's grid: (VV, VH), (VV,), (VH,) or (B08,)."""
    extras: tuple[Asset, ...] = ()
    """Optical only, where present: B02, B03, B04, B11, SCL."""
    nodata: float = 0.0
    """The value that means no data in every asset; NaN means not-a-number."""
    footprint: dict[str, Any] = field(default_factory=dict, hash=False)
    """GeoJSON geometry of the item."""
    item: dict[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """The raw item, hrefs unsigned."""
    baseline: str | None = None
    """Version of the processor, such as 05.10; None where the item does not say."""
    processed: Time | None = None
    """When the product was made, UTC and aware; None where the item does not say."""
    documents: tuple[Document, ...] = ()
    """Of a scene in radar geometry: annotation, calibration and noise of its bands."""
    mode: str = ""
    """How the radar worked, IW or EW; empty where that does not matter."""
    radar: RadarProduct | None = field(default=None, compare=False, repr=False)
    """Filled by `radar.located.located`, for scenes in radar geometry alone."""

    @property
    def is_located(self) -> bool:
        """Whether its grid is that of its pixels, not a guess to plan on."""
        return not self.grid.is_guess

    @property
    def polarizations(self) -> tuple[str, ...]:
        """Upper-case polarisations of a SAR scene, band names of an optical one."""
        return tuple(band.name for band in self.bands)

    def _repr_html_(self) -> str:
        # Not at the top: it makes pictures, which needs what is made of scenes.
        from westsea_catalog.notebook import scene_html

        return scene_html(self)
