"""Catalogues of the user's own, as tables of the settings file, and what each catalogue needs."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from westsea_catalog.access import AMAZON, Bucket
from westsea_catalog.errors import ConfigError, UsageError
from westsea_catalog.profiles import PLANETARY_COMPUTER_TOKENS, PROFILES, Profile, host_of
from westsea_catalog.rules import RULES, SENTINEL_2_L1C, BandRule, CollectionRule

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")
_HOST = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_LIKE = {rule.collections[0]: rule for rule in RULES}


class BucketTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One of [[catalogs.NAME.buckets]]; see `Bucket`."""

    name: str
    endpoint: str = AMAZON
    region: str = ""
    requester_pays: bool = False
    unsigned: bool = False
    https: bool = True
    virtual_hosting: bool | None = None
    """Left out: as Amazon has it, and no other store."""

    def bucket(self) -> Bucket:
        """The bucket."""
        own = self.endpoint != AMAZON
        values = msgspec.structs.asdict(self)
        values["virtual_hosting"] = (
            not own if self.virtual_hosting is None else self.virtual_hosting
        )
        return Bucket(**values)


class RuleTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One of [[catalogs.NAME.rules]]: how the items of some collections are read."""

    collections: tuple[str, ...]
    like: Literal["sentinel-1-rtc", "sentinel-1-grd", "sentinel-2-l2a", "sentinel-2-l1c"]
    keys: dict[str, tuple[str, ...]] = {}
    """Asset keys by ESA's name of the band; they come before those that are known."""
    nodata: float | None = None
    offset: Literal[0, -1000] | None = None
    """For all optical bands, whatever their items say."""
    jpeg2000: bool = False

    def rule(self) -> CollectionRule:
        """The rule."""
        known = _LIKE[self.like]
        unknown = sorted(set(self.keys) - {band.name for band in (*known.bands, *known.extras)})
        if unknown:
            raise ConfigError(f"{self.like} has no band {unknown[0]!r}")
        return replace(
            known,
            collections=self.collections,
            bands=tuple(map(self._band, known.bands)),
            extras=tuple(map(self._band, known.extras)),
            nodata=known.nodata if self.nodata is None else self.nodata,
            offset=self.offset,
            drivers=SENTINEL_2_L1C.drivers if self.jpeg2000 else known.drivers,
        )

    def _band(self, band: BandRule) -> BandRule:
        return BandRule(band.name, (*self.keys.get(band.name, ()), *band.keys))


class CatalogTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One of [catalogs.NAME]; what is left out is as in the catalogue that it is `like`."""

    like: str | None = None
    url: str | None = None
    """Address of an API or a catalog.json, or the path of such a file or a stac-geoparquet."""
    collections: tuple[str, ...] | None = None
    hosts: tuple[str, ...] | None = None
    private_hosts: tuple[str, ...] = ()
    signing: Literal["none", "planetary-computer"] | None = None
    token_url: str | None = None
    buckets: tuple[BucketTable, ...] = ()
    """Beside those of the catalogue that it is like."""
    rules: tuple[RuleTable, ...] = ()
    """Before those of the catalogue that it is like."""

    def profile(self, name: str) -> Profile:
        """The catalogue."""
        base = PROFILES.get(self.like or "", Profile(name, None))
        if self.like is not None and self.like not in PROFILES:
            raise ConfigError(f"it is like {self.like!r}, which is none of {', '.join(PROFILES)}")
        hosts = base.hosts if self.hosts is None else self.hosts
        tokens = self._token_url(base)
        for host in (*hosts, *self.private_hosts):
            if not _HOST.fullmatch(host):
                raise ConfigError(f"{host!r} is not a host name in lower case")
        if tokens and not hosts:
            raise ConfigError("it signs, but names no hosts whose files are to be signed")
        is_address = self.url is not None and "://" in self.url
        url = self.url if is_address else (base.url if self.url is None else None)
        named = (host_of(self.url),) if self.url is not None and is_address else ()
        return Profile(
            name,
            url,
            collections=base.collections if self.collections is None else self.collections,
            buckets=(*(table.bucket() for table in self.buckets), *base.buckets),
            private_hosts=(*named, *self.private_hosts),
            hosts=hosts,
            token_url=tokens,
            rules=(*(table.rule() for table in self.rules), *base.rules),
            file=str(Path(self.url).expanduser()) if self.url and not is_address else "",
        )

    def _token_url(self, base: Profile) -> str:
        if self.signing == "none":
            return ""
        if self.token_url is not None:
            host_of(self.token_url)
            return self.token_url.rstrip("/")
        return PLANETARY_COMPUTER_TOKENS if self.signing else base.token_url


def profiles_of(tables: Mapping[str, CatalogTable]) -> dict[str, Profile]:
    """The catalogues of a settings file, by name.

    Raises
    ------
    ConfigError
        A name that is taken or is none, or a table that makes no sense.
    """
    found = {}
    for name, table in tables.items():
        if name in PROFILES or not _NAME.fullmatch(name):
            raise ConfigError(f"The catalogue {name!r} needs another name, of a-z, 0-9, - and _.")
        try:
            found[name] = table.profile(name)
        except (ConfigError, UsageError) as error:
            reason = str(error).rstrip(".")
            raise ConfigError(f"The catalogue {name!r} is not right: {reason}.") from None
    return found


def needs(profile: Profile) -> str:
    """What somebody must have to read a catalogue's files, in a few words."""
    wanted = []
    if profile.token_url:
        wanted.append(f"signatures of {urlsplit(profile.token_url).hostname}, without an account")
    closed = [bucket for bucket in profile.buckets if not bucket.unsigned]
    for pays, words in ((False, "AWS keys"), (True, "AWS keys, and pays Amazon,")):
        names = [bucket.name for bucket in closed if bucket.requester_pays == pays]
        if names:
            wanted.append(f"{words} for s3://{', s3://'.join(names)}")
    return "; ".join(wanted) or "nothing"


def document(profile: Profile) -> dict[str, Any]:
    """A catalogue as JSON values."""
    return {
        "name": profile.name,
        "url": profile.url or profile.file or None,
        "collections": list(profile.collections),
        "reads": sorted({name for rule in profile.rules for name in rule.collections}),
        "hosts": list(profile.hosts),
        "signing": urlsplit(profile.token_url).hostname,
        "buckets": [
            {
                "name": bucket.name,
                "endpoint": bucket.endpoint,
                "keys": not bucket.unsigned,
                "requester_pays": bucket.requester_pays,
            }
            for bucket in profile.buckets
        ],
        "needs": needs(profile),
    }
