"""XML of strangers: bounded, without entities, and numbers that are numbers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, XMLParser

import numpy as np

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import Float
from westsea_catalog.region import parse_time
from westsea_catalog.trust import brief

MAX_BYTES = 32 * 2**20
"""The largest annotation of a GRD product has 2 MB, of a product of a whole data take 10."""
MAX_DEPTH = 40
MAX_VALUES = 100_000
"""In one list of numbers; a range vector of noise has 700, one along azimuth 2,000."""


class _Builder(ElementTree.TreeBuilder):
    """Builds no endless depth."""

    depth = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RefusedScene(f"nests more than {MAX_DEPTH} elements")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self.depth -= 1
        return super().end(tag)

    def doctype(self, *_: object) -> None:
        """Entities are defined in a document type, and none of ESA's files has one."""
        raise RefusedScene("has a document type, as none of ESA's files has")


def parse(text: bytes) -> Element:
    """The root of a document.

    Raises
    ------
    RefusedScene
        It is too large, too deep, has a document type, or is no XML; the message has no subject.
    """
    if len(text) > MAX_BYTES:
        raise RefusedScene(f"has more than {MAX_BYTES >> 20} MB")
    parser = XMLParser(target=_Builder())  # noqa: S314 - no entities, no depth, no size
    try:
        parser.feed(text)
        root: Element = parser.close()
    except (ElementTree.ParseError, ValueError, LookupError):
        raise RefusedScene("is no well-formed XML") from None
    return root


def children(root: Element, path: str, least: int = 1, most: int = 10_000) -> list[Element]:
    """The elements of a path, which has to be there.

    Raises
    ------
    RefusedScene
        There are fewer or more than may be.
    """
    found = root.findall(path)
    if not least <= len(found) <= most:
        raise RefusedScene(f"has {len(found)} of {path.rpartition('/')[2]}")
    return found


def word(element: Element, path: str) -> str:
    """The text of an element that has to be there, without blanks around it."""
    text = (element.findtext(path) or "").strip()
    if not text:
        raise RefusedScene(f"has no {path.rpartition('/')[2]}")
    return text


def number(element: Element, path: str) -> float:
    """The finite number in an element that has to be there."""
    [found] = numbers(element, path, 1)
    return float(found)


def whole(element: Element, path: str) -> int:
    """The whole number in an element that has to be there."""
    found = number(element, path)
    if not found.is_integer() or abs(found) > 1e9:
        raise RefusedScene(f"has a {path.rpartition('/')[2]} that is no whole number")
    return int(found)


def numbers(element: Element, path: str, count: int | None = None) -> Float:
    """(n,) finite numbers of an element that has to be there.

    Raises
    ------
    RefusedScene
        Not so many of them, none, or something that is no number.
    """
    name = path.rpartition("/")[2]
    parts = word(element, path).split(None, MAX_VALUES)
    try:
        found = np.array([float(part) for part in parts])
    except ValueError:
        raise RefusedScene(f"has a {name} that is no number") from None
    if not np.isfinite(found).all():
        raise RefusedScene(f"has a {name} that is not finite")
    if count is not None and len(found) != count:
        raise RefusedScene(f"has {len(found)} numbers in {name}, not {count}")
    return found


def moment(element: Element, path: str) -> datetime:
    """The UTC time in an element that has to be there."""
    text = word(element, path)
    try:
        found = parse_time(text)
    except ValueError:
        found = None
    if found is None:
        raise RefusedScene(f"has a time that is none: {brief(text)!r}")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def ascending(values: Float, name: str) -> Float:
    """The values, which have to rise strictly."""
    if (np.diff(values) <= 0).any():
        raise RefusedScene(f"has {name} that do not ascend")
    return values


def local_names(root: Element) -> Iterator[tuple[str, Element]]:
    """All elements by their names without name spaces, for manifests."""
    for element in root.iter():
        yield str(element.tag).rpartition("}")[2], element
