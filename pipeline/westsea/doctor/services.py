"""What lies elsewhere: catalogues with their clocks and credentials, and the scheduler."""

import os
import re
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from westsea.catalogs import needs
from westsea.cluster import connect
from westsea.doctor.check import Check, State
from westsea.doctor.machine import SKEW_S
from westsea_catalog.access import Bucket
from westsea_catalog.profiles import Profile
from westsea_catalog.reader import gdal_env

SECONDS = 10.0
SAME = ("python", "dask", "distributed", "msgpack", "numpy", "numba", "westsea", "rasterio")
"""What must be the same on driver, scheduler and workers, or tables may differ, or not arrive."""
PROBE = "westsea-doctor"
"""Key of an object that is hardly ever there: who may read is told so, others are refused."""
_WRONG = re.compile(
    r"expired|ExpiredToken|InvalidAccessKeyId|Access Key Id you provided does not exist"
    r"|SignatureDoesNotMatch|signature we calculated does not match|InvalidToken"
    r"|provided token is (?:malformed|invalid)|RequestTimeTooSkewed|request time and the current",
    re.IGNORECASE,
)
"""Codes and words of S3; GDAL passes on the words alone."""
_REFUSED = re.compile(
    r"AccessDenied|Access Denied|No valid AWS|AWS_SECRET_ACCESS_KEY|InvalidCredentials",
    re.IGNORECASE,
)


def catalogue(profile: Profile, *, offline: bool) -> Iterator[Check]:
    """Whether a catalogue answers, whether its clock is ours, and whether its buckets let us in."""
    name = f"catalogue {profile.name}"
    if offline:
        yield Check(name, State.SKIPPED, f"--offline; it needs {needs(profile)}")
    elif profile.url is not None:
        yield from _answer(name, profile.url)
    # Without keys a catalogue can be read whose other files are open to everybody.
    is_closed = not profile.hosts and not any(bucket.unsigned for bucket in profile.buckets)
    for bucket in profile.buckets:
        if not bucket.unsigned:
            yield _expiry(bucket) or _keys(bucket, is_closed, offline=offline)


def _answer(name: str, url: str) -> Iterator[Check]:
    try:
        response = requests.get(url, timeout=SECONDS, stream=True, allow_redirects=False)
    except requests.RequestException as error:
        remedy = "Look at network, proxy and firewall; or work with --offline and files."
        yield Check(name, State.FAILED, f"{url} does not answer ({type(error).__name__})", remedy)
        return
    with response:
        if response.status_code >= 500:
            remedy = "Try again later."
            yield Check(name, State.WARNING, f"answers {response.status_code}", remedy)
        else:
            yield Check(name, State.OK, f"{url} answers")
        yield from _skew(response.headers.get("Date", ""))


def _skew(date: str) -> Iterator[Check]:
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return
    ahead = (datetime.now(UTC) - theirs).total_seconds()
    if abs(ahead) > SKEW_S:
        way = "ahead of" if ahead > 0 else "behind"
        remedy = "Set the clock, for example with NTP: signatures are refused, --last is wrong."
        found = f"this clock is {abs(ahead):.0f} s {way} the catalogue's"
        yield Check("clock", State.FAILED, found, remedy)


def _expiry(bucket: Bucket) -> Check | None:
    """Temporary keys say when they end."""
    text = os.environ.get("AWS_CREDENTIAL_EXPIRATION")
    if not text:
        return None
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        return None
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    if end > datetime.now(UTC):
        return None
    return Check(
        f"keys for s3://{bucket.name}",
        State.FAILED,
        f"the AWS keys expired at {end:%Y-%m-%dT%H:%M:%SZ}",
        "Fetch new ones, and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
    )


def _keys(bucket: Bucket, is_closed: bool, *, offline: bool) -> Check:
    """Whether a bucket lets in the keys that GDAL finds, by the way that a sweep reads."""
    import rasterio
    from rasterio.errors import RasterioError

    name = f"keys for s3://{bucket.name}"
    if offline:
        return Check(name, State.SKIPPED, "--offline")
    quick = (("GDAL_HTTP_MAX_RETRY", "0"), ("GDAL_HTTP_TIMEOUT", str(int(SECONDS))))
    with gdal_env((*bucket.access.options, *quick)):
        try:
            rasterio.open(f"/vsis3/{bucket.name}/{PROBE}").close()
        except RasterioError as error:
            said = " ".join(str(each) for each in (error, error.__cause__, error.__context__))
            remedy = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN)."
            if found := _WRONG.search(said):
                return Check(name, State.FAILED, f"refused ({found[0]})", remedy)
            if found := _REFUSED.search(said):
                state = State.FAILED if is_closed else State.WARNING
                return Check(name, state, f"refused ({found[0]})", remedy)
    return Check(name, State.OK, f"{bucket.endpoint} takes them")


def scheduler(address: str) -> Iterator[Check]:
    """Whether a scheduler answers, has workers, and all have the versions of this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # distributed warns of what is told here
        with connect(address, None) as client:
            found: Any = client.get_versions(packages=["numba", "westsea", "rasterio"])
    own = found["client"]["packages"]
    others = {"the scheduler": found["scheduler"], **found["workers"]}
    if not found["workers"]:
        remedy = f"Start some: dask worker {address} --nthreads 1."
        yield Check("scheduler", State.WARNING, f"{address} has no workers", remedy)
    for who, there in others.items():
        packages = there["packages"]
        differs = [n for n in SAME if n in packages and packages[n] != own.get(n)]
        if differs:
            told = ", ".join(f"{n} {packages[n]} for {own.get(n)}" for n in differs)
            remedy = "Run one environment everywhere: the image, or requirements.txt."
            yield Check("scheduler", State.FAILED, f"{who} has {told}", remedy)
            return
    yield Check("scheduler", State.OK, f"{address}, {len(found['workers'])} workers, same versions")
