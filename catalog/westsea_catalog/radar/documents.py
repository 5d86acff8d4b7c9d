"""The XML files of a scene, wherever they are: one request each.

They are fetched as pixels are, with the same hosts allowed, signatures and keys; only, GDAL does
not read texts, so http goes through `network` and S3 through obstore.
"""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from westsea_catalog.access import Access
from westsea_catalog.answer import Answer
from westsea_catalog.errors import ConfigError, FailedScene, UpstreamError
from westsea_catalog.keys import store_options
from westsea_catalog.network import Network
from westsea_catalog.profiles import Profile
from westsea_catalog.radar.xml import MAX_BYTES
from westsea_catalog.scene import Document
from westsea_catalog.signing import drop_token, signed_url
from westsea_catalog.trust import brief

MISSING = 404
REFUSED = 403
TIMEOUT = "60s"


def content(document: Document) -> bytes | None:
    """The bytes of a document; None where its server says that there is none.

    Raises
    ------
    FailedScene
        It could not be read, which says nothing on whether it exists.
    ConfigError
        There are no keys for its bucket, or wrong ones.
    """
    path = document.path
    if path.startswith("/vsis3/"):
        return _from_s3(path, document.access)
    if path.startswith("/vsicurl/"):
        return _from_http(path, document.access)
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed(path, error.strerror or "the system does not say why") from None


def _from_http(path: str, access: Access) -> bytes | None:
    answer = _asked(path, access)
    if answer.status == REFUSED and access.token_url:
        drop_token(path, access)  # its end may have come early
        answer = _asked(path, access)
    if answer.status == MISSING:
        return None
    if not answer.is_good:
        reason = f"the server answered {answer.status}" if answer.status else answer.fault
        raise _failed(path, reason)
    return answer.body


def _asked(path: str, access: Access) -> Answer:
    url = signed_url(path, access) if access.token_url else path.removeprefix("/vsicurl/")
    owner = Profile(
        "files", "http://" if access.plain_http else None, private_hosts=access.private_hosts
    )
    try:
        with Network(owner) as network:
            return network.answer(url)
    except UpstreamError as error:
        raise _failed(path, str(error).rstrip(".")) from None
    except ConfigError:  # whose words hold the address, which may hold a signature
        raise _failed(path, "its server redirects to where it may not") from None


def _from_s3(path: str, access: Access) -> bytes | None:
    # Loaded here alone: what reads files that are no products of a radar does without it.
    import obstore
    from obstore.exceptions import (
        BaseError,
        NotFoundError,
        PermissionDeniedError,
        UnauthenticatedError,
    )
    from obstore.store import S3Store

    _, _, bucket, key = path.split("/", 3)
    said = dict(access.options)
    own: dict[str, Any] = {"skip_signature": True}
    if access.needs_keys:
        own = store_options(bucket, signs=True)
    if "AWS_REGION" in said:
        own["region"] = said["AWS_REGION"]
    scheme = "https" if said.get("AWS_HTTPS") != "NO" else "http"
    virtual = said.get("AWS_VIRTUAL_HOSTING") == "TRUE"
    endpoint = said["AWS_S3_ENDPOINT"]
    store = S3Store(
        bucket,
        endpoint=f"{scheme}://{f'{bucket}.' if virtual else ''}{endpoint}",
        virtual_hosted_style_request=virtual,
        request_payer=said.get("AWS_REQUEST_PAYER") == "requester",
        client_options={"allow_http": scheme == "http", "timeout": TIMEOUT},
        **own,
    )
    try:
        return bytes(obstore.get(store, unquote(key)).bytes())
    except (NotFoundError, FileNotFoundError):
        return None
    except (PermissionDeniedError, UnauthenticatedError, PermissionError):
        raise _failed(path, "the bucket refuses access") from None
    except (BaseError, OSError, ValueError):  # whose words hold addresses
        raise _failed(path, "the bucket does not answer as it should") from None


def _failed(path: str, reason: str) -> FailedScene:
    name = brief(path.partition("?")[0].rpartition("/")[2])
    return FailedScene(f"{name} could not be read: {reason}.")
