"""What catalogues may not do to us: they are untrusted.

Ids become file names, hrefs become what GDAL opens, and texts become log lines only through here.
"""

import hashlib
import ipaddress
import os
import re
import socket
import unicodedata
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from westsea_catalog.errors import RefusedScene
from westsea_catalog.profiles import Profile

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_NAME_BYTES = 180
"""A file name may have 255 bytes; the rest is for suffixes like .parquet and temporary names."""
MAX_HREF_CHARS = 4096

_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
# Cc control, Cf format (bidirectional overrides among them), Cs lone surrogates, Zl and Zp
# line and paragraph separators: whatever moves the cursor, hides or reorders text.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?")
_NUMERIC_HOST = re.compile(r"[0-9a-fx.]+")
_PRIVATE_SUFFIXES = (".localhost", ".local", ".localdomain", ".internal", ".lan", ".home.arpa")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Everything that RFC 3986 lets stand in a path or query; % stays: hrefs are encoded already.
_PATH_CHARS = "/%:@!$&'()*+,;=~"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def safe_name(text: str) -> str:
    """A file name for any text: percent-encoded, never hidden, of at most 180 bytes, and unique.

    All bytes of the UTF-8 text but [A-Za-z0-9_.-] are encoded, and so is a leading dot. A longer
    name ends in "%-" and the text's SHA-256, which no encoded text contains.
    """
    raw = text.encode("utf-8", "surrogatepass")
    encoded = "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in raw)
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if len(encoded) > MAX_NAME_BYTES:
        digest = "%-" + hashlib.sha256(raw).hexdigest()
        return encoded[: MAX_NAME_BYTES - len(digest)] + digest
    return encoded or "%"


def escape_controls(text: str) -> str:
    """The text with every character that is not seen as itself written as an escape."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def brief(text: object, length: int = 100) -> str:
    """Any value as one short piece of a message: controls escaped, the middle left out."""
    shown = escape_controls(text if isinstance(text, str) else repr(text)[: 4 * length])
    if len(shown) <= length:
        return shown
    half = (length - 3) // 2
    return f"{shown[:half]}...{shown[-half:]}"


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet, seen through IPv6 forms of IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo:
            return False
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def private_reason(host: str, profile: Profile) -> str | None:
    """Why a host name or literal address may not be contacted; None where it may.

    Names are judged as they are written, without asking a name server; `network` checks the
    address that a name leads to.
    """
    host = host.lower().rstrip(".")
    if host in profile.private_hosts:
        return None
    address = literal_address(host)
    if address is not None:
        return None if is_public(address) else f"{host} is not a public address"
    if "." not in host or host.endswith(_PRIVATE_SUFFIXES):
        return f"{host} is a name of a private network"
    return None if _HOST_NAME.fullmatch(host) else f"{brief(host)!r} is not a host name"


def literal_address(host: str) -> Address | None:
    """The address that a host name spells out, in any way that the C library reads."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        pass
    if not _NUMERIC_HOST.fullmatch(host):
        return None
    try:
        # 127.1, 2130706433 and 0x7f.0.0.1 are all the loopback address to curl.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def gdal_path(href: object, profile: Profile, root: Path | None) -> str:
    """What GDAL opens for an href.

    Parameters
    ----------
    href
        As the catalogue has it, made absolute.
    profile
        The catalogue that it came from.
    root
        Folder of a local catalogue; None for one on the network.

    Returns
    -------
    ``/vsicurl/https://...``, ``/vsis3/bucket/key`` or an absolute local path, links resolved.

    Raises
    ------
    RefusedScene
        The href is not one that this catalogue may give; the message has no subject.
    """
    if not isinstance(href, str) or not href:
        raise RefusedScene("has an asset without an href")
    shown = brief(href)
    if len(href) > MAX_HREF_CHARS:
        raise RefusedScene(f"has an href of {len(href)} characters: {shown}")
    if any(is_unseen(char) for char in href):
        raise RefusedScene(f"has an href with control characters: {shown}")
    if not _SCHEME.match(href):
        return _local_path(href, root)
    try:
        parts = urlsplit(href)
        if parts.scheme in ("http", "https"):
            return _curl_path(parts, profile)
        if parts.scheme == "s3":
            return _s3_path(parts, profile)
    except ValueError:
        raise RefusedScene(f"has a malformed href: {shown}") from None
    raise RefusedScene(f"has an href that is neither https nor s3 nor a file: {shown}")


def _curl_path(parts: SplitResult, profile: Profile) -> str:
    shown = brief(parts.geturl())
    if "@" in parts.netloc or "\\" in parts.netloc:
        raise RefusedScene(f"has an href with credentials in it, to {brief(parts.hostname)}")
    host = parts.hostname or ""
    reason = private_reason(host, profile)
    if reason:
        raise RefusedScene(f"has an href that westsea does not follow, because {reason}: {shown}")
    plain = parts.scheme == "http"
    if plain and not (host in profile.private_hosts and profile.plain_http):
        raise RefusedScene(f"has an href without encryption, http for https: {shown}")
    if profile.hosts and not (profile.has_host(host) or host in profile.private_hosts):
        raise RefusedScene(
            f"has an href to {brief(host)}, which is none of profile {profile.name}: {shown}"
        )
    if parts.fragment:
        raise RefusedScene(f"has an href with a fragment: {shown}")
    place = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    query = f"?{quote(parts.query, safe=_PATH_CHARS + '?')}" if parts.query else ""
    path = quote(parts.path, safe=_PATH_CHARS)
    return f"/vsicurl/{parts.scheme}://{place}{port}{path}{query}"


def _s3_path(parts: SplitResult, profile: Profile) -> str:
    shown = brief(parts.geturl())
    if profile.bucket(parts.netloc) is None or not _BUCKET.fullmatch(parts.netloc):
        raise RefusedScene(
            f"has an href to bucket {brief(parts.netloc)}, which is none of profile {profile.name}:"
            " name its catalogue, or list the bucket in a profile of your own"
        )
    key = parts.path.removeprefix("/")
    if parts.query or parts.fragment or any(part in ("", ".", "..") for part in key.split("/")):
        raise RefusedScene(f"has an s3 href that is not bucket and key: {shown}")
    return f"/vsis3/{parts.netloc}/{key}"


def _local_path(href: str, root: Path | None) -> str:
    shown = brief(href)
    if root is None:
        raise RefusedScene(f"has an href to a local file, but its catalogue is not one: {shown}")
    if not href.startswith("/"):
        raise RefusedScene(f"has a relative href that nothing gives a place to: {shown}")
    real_root, path = os.path.realpath(root), os.path.realpath(href)
    if os.path.commonpath([real_root, path]) != real_root or path == real_root:
        raise RefusedScene(f"has an href outside of its catalogue's folder: {shown}")
    if path.startswith("/vsi"):
        raise RefusedScene(f"has an href that GDAL would not read as a file: {shown}")
    return path


def is_unseen(char: str) -> bool:
    """Whether a character shows as nothing, or as something else."""
    return unicodedata.category(char) in _UNSEEN


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
