"""Items of a static catalogue: JSON files that link to each other."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from westsea_catalog.errors import ConfigError, UpstreamError, UsageError
from westsea_catalog.network import Network
from westsea_catalog.stac_item import Item, with_absolute_hrefs, with_collection
from westsea_catalog.trust import brief

LOG = logging.getLogger(__name__)

MAX_FILE_BYTES = 64 * 2**20
MAX_FILES = 1_000_000


class Files(Protocol):
    """Where the files of a static catalogue are."""

    def join(self, location: str, href: str) -> str | None:
        """Where a link leads from a file; None where it may not be followed."""
        ...

    def read(self, location: str) -> str:
        """The text of a file; `ConfigError` or `UpstreamError` where it has none."""
        ...


class LocalFiles:
    """The files in one folder and below; links that leave it are not followed."""

    def __init__(self, root: Path):
        self.root = os.path.realpath(root)

    def join(self, location: str, href: str) -> str | None:
        """The path that a link leads to, symbolic links resolved."""
        if "\0" in href or "://" in href:
            return None
        path = os.path.realpath(Path(location).parent / href)
        return path if os.path.commonpath([self.root, path]) == self.root else None

    def read(self, location: str) -> str:
        """The text of a file."""
        return read_file(Path(location), ConfigError)


class RemoteFiles:
    """Files on the network, at any host that `Network` allows."""

    def __init__(self, network: Network):
        self.network = network

    def join(self, location: str, href: str) -> str | None:
        """The address that a link leads to."""
        try:
            url = urljoin(location, href)
            return url if urlsplit(url).scheme in ("http", "https") else None
        except ValueError:
            return None

    def read(self, location: str) -> str:
        """The text behind an address."""
        return self.network.text(location)


def walk(start: str, files: Files) -> Iterator[Item]:
    """All items of a static catalogue, in the order of its links.

    Parameters
    ----------
    start
        Absolute path or URL of a Catalog or Collection.
    files
        What to read it and its children with.

    Yields
    ------
    Raw items with absolute hrefs. A link that leaves the catalogue is logged and not followed.

    Raises
    ------
    ConfigError, UpstreamError
        A file that cannot be read, or is not STAC.
    """
    waiting: list[tuple[str, object]] = [(start, None)]
    met = {start}
    while waiting:
        location, owner = waiting.pop()
        content = _parse(files.read(location), location)
        if content.get("type") == "Feature":
            yield with_absolute_hrefs(with_collection(content, owner), location)
            continue
        if "links" not in content or content.get("type") == "FeatureCollection":
            raise _fault(location, f"{location} is not a STAC Catalog, Collection or Item.")
        children = [place for place in _children(content, location, files) if place not in met]
        met.update(children)
        if len(met) > MAX_FILES:
            raise UpstreamError(f"The catalogue {start} has more than {MAX_FILES} files.")
        owner = content.get("id") if content.get("type") == "Collection" else owner
        waiting.extend((place, owner) for place in reversed(list(dict.fromkeys(children))))


def read_file(path: Path, error: type[ConfigError | UsageError]) -> str:
    """The text of a file of at most `MAX_FILE_BYTES`; else the error, in one sentence."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) <= MAX_FILE_BYTES:
            return raw.decode("utf-8-sig")
    except OSError as fault:
        raise error(f"{brief(str(path))} cannot be read: {fault.strerror}.") from None
    except UnicodeDecodeError:
        raise error(f"{brief(str(path))} is not a text.") from None
    raise error(f"{brief(str(path))} is over {MAX_FILE_BYTES >> 20} MB.")


def _children(content: dict[str, Any], location: str, files: Files) -> list[str]:
    found = []
    links = content.get("links")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("rel") not in ("child", "item"):
            continue
        href = link.get("href")
        place = files.join(location, href) if isinstance(href, str) else None
        if place is None:
            LOG.warning("%s links to %s, which is not followed", location, brief(href))
        else:
            found.append(place)
    return found


def _parse(text: str, location: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise _fault(location, f"{location} is not JSON.") from None
    if not isinstance(content, dict):
        raise _fault(location, f"{location} is not STAC.")
    return content


def _fault(location: str, message: str) -> ConfigError | UpstreamError:
    """What is wrong on the network may be right tomorrow; a local file has to be mended."""
    return UpstreamError(message) if "://" in location else ConfigError(message)
