"""Signatures of Azure blobs, as Planetary Computer hands them out.

A token opens one container for about an hour. It is asked for where the file is opened, kept in
this process alone, and told to GDAL as a setting, so that no path, graph, log or error holds it.
"""

import json
import logging
import os
import re
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from westsea_catalog.access import QUIET, Access, Place
from westsea_catalog.errors import ConfigError, FailedScene, UpstreamError
from westsea_catalog.network import Network
from westsea_catalog.profiles import Profile
from westsea_catalog.region import parse_time
from westsea_catalog.trust import brief

KEY_VARIABLE = "PC_SDK_SUBSCRIPTION_KEY"
"""As Planetary Computer's own package calls it; not needed, but raises the limits."""
KEY_HEADER = "Ocp-Apim-Subscription-Key"
EARLY_S = 300.0
"""A token is not used in the last minutes of its life: a chunk of a scene takes seconds."""
MAX_TOKEN_CHARS = 4096

_QUERY = re.compile(r"(https?://[^\s?'\"]*)\?[^\s'\")]*")


@dataclass(frozen=True)
class Token:
    """A signature and its end, in seconds of `time.time`."""

    text: str
    expires: float


@dataclass(frozen=True)
class Blob:
    """The address of an Azure blob, taken apart."""

    endpoint: str
    account: str
    container: str
    key: str

    @classmethod
    def of(cls, path: str) -> "Blob":
        """The blob behind a path of GDAL's, which says /vsicurl/ and an address."""
        parts = urlsplit(path.removeprefix("/vsicurl/"))
        container, _, key = parts.path.removeprefix("/").partition("/")
        if not container or not key:
            raise FailedScene("An address that is to be signed has no container or no name.")
        account = (parts.hostname or "").partition(".")[0]
        return cls(f"{parts.scheme}://{parts.netloc}", account, unquote(container), unquote(key))


class _Masked(logging.Filter):
    """Takes the query off every address, for GDAL warns of what it got for which one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _QUERY.sub(r"\1?...", record.getMessage()), ()
        return True


for _name_of_logger in ("rasterio._env", "rasterio._err", "rasterio._base", "rasterio._io"):
    logging.getLogger(_name_of_logger).addFilter(_Masked())

_TOKENS: dict[tuple[str, str, str], Token] = {}
_LOCK = threading.Lock()


def signed_place(path: str, access: Access) -> Place:
    """Where GDAL finds a blob with a token that is valid now.

    Raises
    ------
    UpstreamError
        The token service does not answer; this concerns all of its files.
    FailedScene
        It refuses to sign for this file.
    """
    blob = Blob.of(path)
    token = _token(blob, access)
    options = {
        "AZURE_STORAGE_ACCOUNT": blob.account,
        "AZURE_STORAGE_SAS_TOKEN": token.text,
        "CPL_AZURE_ENDPOINT": blob.endpoint,
        "CPL_AZURE_USE_HTTPS": "YES" if blob.endpoint.startswith("https:") else "NO",
        # Keys of the user's own are for accounts of his own.
        "AZURE_STORAGE_CONNECTION_STRING": "",
        "AZURE_STORAGE_ACCESS_KEY": "",
        "AZURE_STORAGE_ACCESS_TOKEN": "",
        "AZURE_NO_SIGN_REQUEST": "NO",
        **dict(QUIET),
    }
    return Place(f"/vsiaz/{blob.container}/{blob.key}", tuple(options.items()))


def signed_url(path: str, access: Access) -> str:
    """The address of a blob with a token, for a request of ours; it goes nowhere else.

    Raises
    ------
    UpstreamError, FailedScene
        As with `signed_place`.
    """
    return f"{path.removeprefix('/vsicurl/')}?{_token(Blob.of(path), access).text}"


def drop_token(path: str, access: Access) -> None:
    """Ask for a new token at the next opening: this one was refused."""
    with _LOCK:
        _TOKENS.pop(_name(Blob.of(path), access), None)


def _name(blob: Blob, access: Access) -> tuple[str, str, str]:
    return access.token_url, blob.account, blob.container


def _token(blob: Blob, access: Access) -> Token:
    """The token of a container; one thread asks and the others wait for it."""
    name = _name(blob, access)
    with _LOCK:
        known = _TOKENS.get(name)
        if known is None or known.expires - EARLY_S < time.time():
            known = _TOKENS[name] = _ask(blob, access)
        return known


def _ask(blob: Blob, access: Access) -> Token:
    place = "/".join(quote(part, safe="") for part in (blob.account, blob.container))
    key = os.environ.get(KEY_VARIABLE)
    host = urlsplit(access.token_url).hostname
    service = Profile("tokens", access.token_url, private_hosts=access.private_hosts)
    try:
        with Network(service) as network:
            answer = network.text(
                f"{access.token_url}/{place}",
                headers={KEY_HEADER: key} if key else None,
                redirects=False,  # they would take the key along
            )
    except ConfigError as error:
        raise FailedScene(f"{host} does not sign for {brief(place)}: {error}") from None
    token = _parsed(answer)
    if token is None:
        raise UpstreamError(f"{host} answers with something other than a token.")
    return token


def _parsed(answer: str) -> Token | None:
    try:
        document: Any = json.loads(answer)
        text, expiry = document["token"], parse_time(document["msft:expiry"])
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TOKEN_CHARS or expiry is None:
        return None
    return Token(text.removeprefix("?"), expiry.timestamp()) if expiry.tzinfo else None
