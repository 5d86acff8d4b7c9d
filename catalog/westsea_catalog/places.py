"""Where a file is at the moment it is opened: signed anew, redirects followed."""

import os

from westsea_catalog.access import Access, Place
from westsea_catalog.errors import ConfigError, FailedScene, RefusedScene, UpstreamError
from westsea_catalog.keys import key_options
from westsea_catalog.network import Network
from westsea_catalog.profiles import Profile
from westsea_catalog.signing import signed_place
from westsea_catalog.trust import brief, gdal_path

SECRETS = ("GDAL_HTTP_HEADERS", "GDAL_HTTP_USERPWD", "GDAL_HTTP_COOKIE", "GDAL_HTTP_BEARER")
"""What GDAL would send to any host; those that nobody vouches for get it empty."""


def place_of(path: str, access: Access) -> Place:
    """What to hand to GDAL for a path.

    GDAL follows redirects to anywhere, and has no setting against it: files at hosts that nobody
    vouches for are therefore looked for first, with one request, by what judges every hop, and
    GDAL gets the last address. A server that answers GDAL otherwise than us can still make it
    send a GET to an address of its choice, whose answer is taken for a damaged file.

    Raises
    ------
    ConfigError
        There are no keys for its bucket.
    RefusedScene
        The file's server redirects to where it may not.
    FailedScene, UpstreamError
        It does not answer, or what signs it does not.
    """
    if access.token_url:
        return signed_place(path, access)
    if access.needs_keys:
        return Place(path, key_options(path.split("/")[2]))
    if access.is_known:
        return Place(path)
    hidden = tuple((name, "") for name in SECRETS if os.environ.get(name))
    return Place(_final(path, access), hidden)


def _final(path: str, access: Access) -> str:
    name = brief(path.partition("?")[0].rpartition("/")[2])
    catalogue = Profile(
        "files", "http://" if access.plain_http else None, private_hosts=access.private_hosts
    )
    try:
        with Network(catalogue) as network:
            address = network.final_address(path.removeprefix("/vsicurl/"))
        return gdal_path(address.partition("#")[0], catalogue, None)
    except UpstreamError as error:
        raise FailedScene(f"{name} could not be read: {error}") from None
    except ConfigError:  # whose words hold the address, which may hold a signature
        reason = "cannot be read: its server redirects to where it may not"
        raise RefusedScene(f"{name} {reason}.") from None
    except RefusedScene as reason:
        raise RefusedScene(f"{name} {reason}.") from None
