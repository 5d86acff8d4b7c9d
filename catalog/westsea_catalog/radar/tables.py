"""The look-up tables of a Sentinel-1 product: calibration and thermal noise."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

import numpy as np

from westsea_catalog.errors import RefusedScene
from westsea_catalog.radar.levels import AzimuthNoise, Vector
from westsea_catalog.radar.xml import ascending, children, numbers, parse, whole

MOST_VECTORS = 400
"""One a second; each is drawn out over all samples."""
MOST_PARTS = 100
MOST_PLACES = 250_000
"""Lines or samples."""
LARGEST = 1e12
"""More is no square of a digital number of 16 bits, nor a calibration constant."""


def read_calibration(text: bytes) -> tuple[Vector, ...]:
    """The vectors of gamma0.

    Raises
    ------
    RefusedScene
        It is no calibration, or one whose numbers cannot be; the message has no subject.
    """
    root = _root(text, "calibration")
    vectors = children(root, "calibrationVectorList/calibrationVector", 1, MOST_VECTORS)
    return _vectors(vectors, "gamma", lambda least: least > 0)


def read_noise(text: bytes) -> tuple[tuple[Vector, ...], tuple[AzimuthNoise, ...], bool]:
    """The vectors along range, those along azimuth, and whether the form is that since 2018.

    Raises
    ------
    RefusedScene
        As with `read_calibration`.
    """
    root = _root(text, "noise")
    new = root.find("noiseRangeVectorList") is not None
    path = "noiseRangeVectorList/noiseRangeVector" if new else "noiseVectorList/noiseVector"
    name = "noiseRangeLut" if new else "noiseLut"
    along = _vectors(children(root, path, 1, MOST_VECTORS), name, lambda least: least >= 0)
    parts = root.findall("noiseAzimuthVectorList/noiseAzimuthVector")
    if len(parts) > MOST_PARTS:
        raise RefusedScene(f"has {len(parts)} of noiseAzimuthVector")
    return along, tuple(_azimuth(part) for part in parts), new


def _root(text: bytes, tag: str) -> Element:
    root = parse(text)
    if root.tag != tag:
        raise RefusedScene(f"is no {tag} of a Sentinel-1 product")
    return root


def _vectors(
    elements: list[Element], name: str, is_possible: Callable[[float], bool]
) -> tuple[Vector, ...]:
    found = []
    for element in elements:
        cols = ascending(numbers(element, "pixel"), "pixels of a vector")
        values = numbers(element, name, len(cols))
        if (
            not is_possible(values.min())
            or values.max() > LARGEST
            or np.abs(cols).max() > MOST_PLACES
        ):
            raise RefusedScene(f"has a {name} that cannot be")
        found.append(Vector(whole(element, "line"), cols.astype(np.int32), values.astype("f4")))
    ascending(np.array([vector.row for vector in found]), "lines of vectors")
    return tuple(found)


def _azimuth(element: Element) -> AzimuthNoise:
    rows = ascending(numbers(element, "line"), "lines of a vector")
    values = numbers(element, "noiseAzimuthLut", len(rows))
    first, last = ("firstAzimuthLine", "firstRangeSample"), ("lastAzimuthLine", "lastRangeSample")
    (row0, col0), (row1, col1) = ([whole(element, name) for name in end] for end in (first, last))
    if (
        values.min() < 0
        or values.max() > LARGEST
        or max(row1, col1) > MOST_PLACES
        or min(row0, col0) < 0
    ):
        raise RefusedScene("has a noiseAzimuthLut that cannot be")
    if row1 < row0 or col1 < col0:
        raise RefusedScene("has a noiseAzimuthVector of nothing")
    bounds = row0, row1 + 1, col0, col1 + 1
    return AzimuthNoise(bounds, rows.astype(np.int32), values.astype(np.float32))
