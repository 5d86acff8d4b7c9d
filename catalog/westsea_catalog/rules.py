"""What providers call the bands of a collection, and how their files are read."""

from dataclasses import dataclass, replace

from westsea_catalog.scene import Driver, Sensor


@dataclass(frozen=True)
class BandRule:
    """Where to find one band among an item's assets."""

    name: str
    """ESA's name for it: VV, B08, SCL."""
    keys: tuple[str, ...]
    """Asset keys that providers use for it; the first present one is taken."""


@dataclass(frozen=True)
class CollectionRule:
    """How to read the items of one collection."""

    collections: tuple[str, ...]
    """Ids under which providers publish it."""
    sensor: Sensor
    bands: tuple[BandRule, ...]
    """Bands to detect on; at least one must be present."""
    nodata: float
    """The value of no data where neither item nor asset states one."""
    extras: tuple[BandRule, ...] = ()
    """Bands that help where they are present."""
    drivers: tuple[Driver, ...] = ("GTiff",)
    """GDAL's, that files may be opened with."""
    offset: int | None = None
    """Digital numbers to add to those of every optical band; None: as `offsets` finds it."""
    in_radar_geometry: bool = False
    """Whether nothing but control points in the files says where their pixels lie."""


SENTINEL_1_RTC = CollectionRule(
    collections=("sentinel-1-rtc", "sentinel1-rtc-aws"),
    sensor="sar",
    bands=(BandRule("VV", ("vv", "gamma0_vv")), BandRule("VH", ("vh", "gamma0_vh"))),
    nodata=-32768.0,
)

SENTINEL_1_GRD = CollectionRule(
    collections=("sentinel-1-grd", "sentinel1-grd", "sentinel-s1-l1c"),
    sensor="sar",
    bands=(
        BandRule("VV", ("vv", "VV", "measurement-vv")),
        BandRule("VH", ("vh", "VH", "measurement-vh")),
    ),
    nodata=0.0,
    in_radar_geometry=True,
)

SENTINEL_2_L2A = CollectionRule(
    collections=("sentinel-2-l2a", "sentinel-2-c1-l2a", "sentinel-s2-l2a-cogs"),
    sensor="optical",
    # Not nir08: that is B8A, narrower and at 20 m.
    bands=(BandRule("B08", ("B08", "nir", "B08_10m", "B8")),),
    nodata=0.0,
    extras=(
        BandRule("B02", ("B02", "blue", "B02_10m", "B2")),
        BandRule("B03", ("B03", "green", "B03_10m", "B3")),
        BandRule("B04", ("B04", "red", "B04_10m", "B4")),
        BandRule("B11", ("B11", "swir16", "B11_20m")),
        BandRule("SCL", ("SCL", "scl", "SCL_20m")),
    ),
)

SENTINEL_2_L1C = replace(
    SENTINEL_2_L2A,
    collections=("sentinel-2-l1c", "sentinel-s2-l1c"),
    # Everybody has it as ESA's own JPEG 2000; the sun's glint is in it, a classification is not.
    drivers=("JP2OpenJPEG", "GTiff"),
    extras=SENTINEL_2_L2A.extras[:-1],
)

RULES = (SENTINEL_1_RTC, SENTINEL_1_GRD, SENTINEL_2_L2A, SENTINEL_2_L1C)
JP2_RULES = (
    SENTINEL_1_RTC,
    SENTINEL_1_GRD,
    replace(SENTINEL_2_L2A, drivers=SENTINEL_2_L1C.drivers),
    SENTINEL_2_L1C,
)
"""Those of a provider that has all of Sentinel-2 as JPEG 2000."""
