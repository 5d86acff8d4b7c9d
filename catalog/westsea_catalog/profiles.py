"""What westsea knows of each catalogue: its address, its collections, what it may send us to."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from westsea_catalog.errors import UsageError
from westsea_catalog.scene import Sensor


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


SENTINEL_1_RTC = CollectionRule(
    collections=("sentinel-1-rtc", "sentinel1-rtc-aws"),
    sensor="sar",
    bands=(BandRule("VV", ("vv", "gamma0_vv")), BandRule("VH", ("vh", "gamma0_vh"))),
    nodata=-32768.0,
)

SENTINEL_2_L2A = CollectionRule(
    collections=("sentinel-2-l2a", "sentinel-2-c1-l2a", "sentinel-s2-l2a-cogs"),
    sensor="optical",
    # Not nir08: that is B8A, narrower and at 20 m.
    bands=(BandRule("B08", ("B08", "nir", "B08_10m")),),
    nodata=0.0,
    extras=(
        BandRule("B02", ("B02", "blue", "B02_10m")),
        BandRule("B03", ("B03", "green", "B03_10m")),
        BandRule("B04", ("B04", "red", "B04_10m")),
        BandRule("B11", ("B11", "swir16", "B11_20m")),
        BandRule("SCL", ("SCL", "scl", "SCL_20m")),
    ),
)


@dataclass(frozen=True)
class Profile:
    """One catalogue."""

    name: str
    url: str | None
    """Where it is on the network; None for files."""
    collections: tuple[str, ...] = ()
    """What a search asks for when it names no collection; empty: everything."""
    buckets: tuple[str, ...] = ()
    """S3 buckets that its hrefs may name."""
    private_hosts: tuple[str, ...] = ()
    """Hosts that may have a loopback or private address: those that the user himself named."""
    rules: tuple[CollectionRule, ...] = (SENTINEL_1_RTC, SENTINEL_2_L2A)

    def rule(self, collection: str) -> CollectionRule | None:
        """The rule for a collection, None where it cannot be read."""
        return next((rule for rule in self.rules if collection in rule.collections), None)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "earth-search",
            "https://earth-search.aws.element84.com/v1",
            collections=("sentinel-2-l2a",),
            buckets=("sentinel-cogs", "e84-earth-search-sentinel-data"),
        ),
        Profile(
            "planetary-computer",
            "https://planetarycomputer.microsoft.com/api/stac/v1",
            collections=("sentinel-1-rtc", "sentinel-2-l2a"),
        ),
        Profile(
            "cdse",
            "https://stac.dataspace.copernicus.eu/v1",
            collections=("sentinel-2-l2a",),
            buckets=("eodata",),
        ),
        Profile("built-in", None),
    )
}
"""The catalogues that westsea knows by name."""


def profile_for(catalog: str) -> Profile:
    """The profile of a catalogue, given by name, address or path.

    An address or path that is not a known name gets the profile "custom".

    Raises
    ------
    UsageError
        An address that is malformed, of another scheme than http and https, or holds credentials.
    """
    if catalog in PROFILES:
        return PROFILES[catalog]
    if "://" not in catalog:
        return Profile("custom", None)
    try:
        parts = urlsplit(catalog)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError(f"{catalog!r} is not an address.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{catalog!r} is not an http or https address.")
    if "@" in parts.netloc:
        raise UsageError(f"The address of {host} holds a user name or password: leave them out.")
    return Profile("custom", catalog, private_hosts=(host,))
