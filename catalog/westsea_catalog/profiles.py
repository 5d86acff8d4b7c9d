"""What westsea knows of each catalogue: its address, its collections, what it may send us to."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from westsea_catalog.access import DIRECT, QUIET, Access, Bucket
from westsea_catalog.errors import UsageError
from westsea_catalog.rules import JP2_RULES, RULES, CollectionRule

PLANETARY_COMPUTER_TOKENS = "https://planetarycomputer.microsoft.com/api/sas/v1/token"


@dataclass(frozen=True)
class Profile:
    """One catalogue."""

    name: str
    url: str | None
    """Where it is on the network; None for files."""
    collections: tuple[str, ...] = ()
    """What a search asks for when it names no collection; empty: everything."""
    buckets: tuple[Bucket, ...] = ()
    """S3 buckets that its hrefs may name."""
    private_hosts: tuple[str, ...] = ()
    """Hosts that may have a loopback or private address: those that the user himself named."""
    hosts: tuple[str, ...] = ()
    """Hosts that its hrefs may name; a leading dot stands for all names that end so. Empty: any
    public host, and those are asked first where they redirect to."""
    token_url: str = ""
    """What signs the files at `hosts`, as Planetary Computer does; empty: nothing."""
    rules: tuple[CollectionRule, ...] = RULES
    file: str = ""
    """Path of its catalog.json, collection.json or table, where it is on this machine."""

    def rule(self, collection: str) -> CollectionRule | None:
        """The rule for a collection, None where it cannot be read."""
        return next((rule for rule in self.rules if collection in rule.collections), None)

    def bucket(self, name: str) -> Bucket | None:
        """The bucket of a name, None where it is none of the profile's."""
        return next((bucket for bucket in self.buckets if bucket.name == name), None)

    def has_host(self, host: str) -> bool:
        """Whether a host is one of those that the profile lists."""
        return any(host == own or (own[0] == "." and host.endswith(own)) for own in self.hosts)

    @property
    def plain_http(self) -> bool:
        """Whether the catalogue itself is read without encryption."""
        return (self.url or "").startswith("http:")


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "earth-search",
            "https://earth-search.aws.element84.com/v1",
            collections=("sentinel-2-l2a",),
            buckets=(
                Bucket("sentinel-cogs", "us-west-2", unsigned=True),
                Bucket("e84-earth-search-sentinel-data", "us-west-2", unsigned=True),
                Bucket("sentinel-s2-l1c", "eu-central-1", requester_pays=True),
                Bucket("sentinel-s1-l1c", "eu-central-1", requester_pays=True),
            ),
            hosts=(
                "sentinel-cogs.s3.us-west-2.amazonaws.com",
                "sentinel-cogs.s3.amazonaws.com",
                "e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com",
                "e84-earth-search-sentinel-data.s3.amazonaws.com",
            ),
        ),
        Profile(
            "planetary-computer",
            "https://planetarycomputer.microsoft.com/api/stac/v1",
            collections=("sentinel-1-rtc", "sentinel-2-l2a"),
            hosts=(
                "sentinel1euwestrtc.blob.core.windows.net",
                "sentinel1euwest.blob.core.windows.net",
                "sentinel2l2a01.blob.core.windows.net",
            ),
            token_url=PLANETARY_COMPUTER_TOKENS,
        ),
        Profile(
            "cdse",
            "https://stac.dataspace.copernicus.eu/v1",
            collections=("sentinel-2-l2a",),
            buckets=(
                Bucket(
                    "eodata",
                    region="default",
                    endpoint="eodata.dataspace.copernicus.eu",
                    virtual_hosting=False,
                ),
            ),
            hosts=("eodata.dataspace.copernicus.eu",),
            rules=JP2_RULES,
        ),
        Profile("built-in", None),
    )
}
"""The catalogues that westsea knows by name."""


def profile_for(catalog: str | Profile) -> Profile:
    """The profile of a catalogue, given by name, address or path, or as it is.

    An address or path that is not a known name gets the profile "custom".

    Raises
    ------
    UsageError
        An address that is malformed, of another scheme than http and https, or holds credentials.
    """
    if isinstance(catalog, Profile):
        return catalog
    if catalog in PROFILES:
        return PROFILES[catalog]
    if "://" not in catalog:
        return Profile("custom", None)
    return Profile("custom", catalog, private_hosts=(host_of(catalog),))


def host_of(url: str) -> str:
    """The host of the address of a catalogue.

    Raises
    ------
    UsageError
        As with `profile_for`.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError(f"{url!r} is not an address.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{url!r} is not an http or https address.")
    if "@" in parts.netloc:
        raise UsageError(f"The address of {host} holds a user name or password: leave them out.")
    return host


def access_to(path: str, profile: Profile) -> Access:
    """How a file is read, by the path that GDAL would open unsigned.

    What is known of a host holds whichever catalogue or file named it: what Planetary Computer
    signs, it signs for everybody, and a signature opens nothing but what it was asked for.
    """
    if path.startswith("/vsis3/"):
        bucket = profile.bucket(path.split("/")[2])
        return bucket.access if bucket else DIRECT
    if not path.startswith("/vsicurl/"):
        return DIRECT
    host = urlsplit(path.removeprefix("/vsicurl/")).hostname or ""
    known = (each for each in (profile, *PROFILES.values()) if each.has_host(host))
    owner = next(known, None)
    token_url = owner.token_url if owner else ""
    return Access(
        QUIET if token_url else (),
        token_url=token_url,
        private_hosts=profile.private_hosts,
        plain_http=profile.plain_http,
        is_known=owner is not None or host in profile.private_hosts,
    )
