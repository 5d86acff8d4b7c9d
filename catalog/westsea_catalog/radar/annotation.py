"""The product annotation of a Sentinel-1 GRD: its size, its geolocation grid, its radar."""

from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

import numpy as np

from westsea_catalog.errors import RefusedScene
from westsea_catalog.grid import Float
from westsea_catalog.radar.product import Swath
from westsea_catalog.radar.ranges import SlantRanges
from westsea_catalog.radar.xml import (
    ascending,
    children,
    moment,
    number,
    numbers,
    parse,
    whole,
    word,
)

MOST_NODES = 10_000
"""A product has 210 of them, one of a long data take some thousand."""
MOST_ALONG_AN_AXIS = 500
"""The spline's equations are solved in one piece."""
MOST_RATE_TERMS = 3
_POINT = ("line", "pixel", "latitude", "longitude", "height", "incidenceAngle", "slantRangeTime")
_LIMITS = {"latitude": 90.0, "longitude": 180.0, "height": 10_000.0, "incidenceAngle": 89.0}


@dataclass(frozen=True, eq=False)
class Annotation:
    """What the annotation says, checked."""

    mode: str
    """IW, EW, S1..S6 or WV."""
    polarization: str
    orbit_state: str
    """ascending or descending."""
    start: datetime
    stop: datetime
    shape: tuple[int, int]
    """(lines, samples)."""
    pixel_m: tuple[float, float]
    """Nominal, along the track and across."""
    row_time_s: float
    """Seconds from one line to the next."""
    rows: Float
    """(n,) lines of the geolocation grid, ascending; integers are pixel centres, so that line 0 is
    where the time of the first line is."""
    cols: Float
    """(m,) samples of the grid."""
    nodes: dict[str, Float]
    """(n, m) latitude, longitude, incidenceAngle (degrees), height (m), slantRangeTime (s)."""
    ranges: SlantRanges
    swaths: tuple[Swath, ...]
    fm_rows: Float
    """(p,) lines of the estimates of the azimuth FM rate."""
    fm_rates: Float
    """(p, 4): t0 and three terms."""
    is_first: bool
    """Whether it is the first slice of its data take, whose first lines may be artefacts."""
    is_last: bool


def read_annotation(text: bytes) -> Annotation:
    """The annotation of a band.

    Raises
    ------
    RefusedScene
        It is none, or contradicts itself; the message has no subject.
    """
    root = parse(text)
    if root.tag != "product":
        raise RefusedScene("is no annotation of a Sentinel-1 product")
    image = children(root, "imageAnnotation/imageInformation", most=1)[0]
    shape = whole(image, "numberOfLines"), whole(image, "numberOfSamples")
    if min(shape) < 2:
        raise RefusedScene(f"says that the product has {shape[0]} x {shape[1]} pixels")
    row_time = number(image, "azimuthTimeInterval")
    if not 0 < row_time < 1:
        raise RefusedScene("has an azimuthTimeInterval that is none")
    first = moment(image, "productFirstLineUtcTime")
    rows, cols, nodes = _nodes(root)
    fm_rows, fm_rates = _fm_rates(root, first, row_time)
    slices = root.findall("imageAnnotation/imageInformation/sliceList/slice")
    place = image.findtext("sliceNumber")
    return Annotation(
        mode=word(root, "adsHeader/mode"),
        polarization=word(root, "adsHeader/polarisation"),
        orbit_state=word(root, "generalAnnotation/productInformation/pass").lower(),
        start=first,
        stop=moment(image, "productLastLineUtcTime"),
        shape=shape,
        pixel_m=(number(image, "azimuthPixelSpacing"), number(image, "rangePixelSpacing")),
        row_time_s=row_time,
        rows=rows,
        cols=cols,
        nodes=nodes,
        ranges=_ranges(root, first, row_time, number(image, "rangePixelSpacing"), shape[1]),
        swaths=_swaths(root),
        fm_rows=fm_rows,
        fm_rates=fm_rates,
        is_first=not slices or place in ("1", "0"),
        is_last=not slices or place in (str(len(slices)), "0"),
    )


def _nodes(root: Element) -> tuple[Float, Float, dict[str, Float]]:
    """Rows and columns of the geolocation grid, and what it says at each."""
    path = "geolocationGrid/geolocationGridPointList/geolocationGridPoint"
    points = children(root, path, 4, MOST_NODES)
    table = np.array([[number(point, name) for name in _POINT] for point in points])
    for name, limit in _LIMITS.items():
        if (np.abs(table[:, _POINT.index(name)]) > limit).any():
            raise RefusedScene(f"has a {name} beyond {limit:g}")
    rows, cols, order = mesh_of(table[:, 0], table[:, 1])
    table = table[order].reshape(len(rows), len(cols), -1)
    return rows, cols, {name: table[:, :, k] for k, name in enumerate(_POINT) if k > 1}


def mesh_of(
    row: Float, col: Float
) -> tuple[Float, Float, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Rows and columns of a mesh, and the order that brings its points into that of both.

    Raises
    ------
    RefusedScene
        The points are not on a mesh of two rows and two columns or more, or on one too fine.
    """
    rows, cols = np.unique(row), np.unique(col)
    if max(len(rows), len(cols)) > MOST_ALONG_AN_AXIS:
        raise RefusedScene(f"has control points on more than {MOST_ALONG_AN_AXIS} lines or samples")
    order = np.lexsort((col, row))
    full = len(rows) * len(cols) == len(row) and min(len(rows), len(cols)) > 1
    if (
        not full
        or (row[order] != np.repeat(rows, len(cols))).any()
        or (col[order] != np.tile(cols, len(rows))).any()
    ):
        raise RefusedScene("has control points that are not on a mesh of lines and samples")
    return rows, cols, order


def _ranges(
    root: Element, first: datetime, row_time: float, pixel_m: float, width: int
) -> SlantRanges:
    """The polynomials that samples were laid out by."""
    rows, terms = [], []
    path = "coordinateConversion/coordinateConversionList/coordinateConversion"
    for each in children(root, path):
        rows.append((moment(each, "azimuthTime") - first).total_seconds() / row_time)
        terms.append(numbers(each, "grsrCoefficients"))
        if number(each, "gr0") or len(terms[-1]) != len(terms[0]) or len(terms[0]) > 20:
            raise RefusedScene("has grsrCoefficients that do not begin at the first sample")
    found = SlantRanges(
        ascending(np.array(rows), "coordinateConversions"), np.array(terms), pixel_m, width
    )
    row, col = np.meshgrid(found.rows, np.linspace(0, width - 1, 100), indexing="ij")
    metres, slope = found.metres(row, col)
    if not (slope > 0).all() or metres.min() < 1e5 or metres.max() > 1e7:
        raise RefusedScene("has grsrCoefficients that no radar in orbit has")
    return found


def _swaths(root: Element) -> tuple[Swath, ...]:
    """The subswaths with their pulse repetition and the parts of the image that they fill."""
    path = "generalAnnotation/downlinkInformationList/downlinkInformation"
    prf = {word(each, "swath"): number(each, "prf") for each in children(root, path, 1, 10)}
    found = []
    for merge in children(root, "swathMerging/swathMergeList/swathMerge", 1, 10):
        name = word(merge, "swath")
        if not name[-1].isdigit() or not 100 < prf.get(name, 0.0) < 10_000:
            raise RefusedScene("has a subswath without a number or a pulse repetition")
        bounds = []
        for each in children(merge, "swathBoundsList/swathBounds", 1, 1000):
            row0, row1 = whole(each, "firstAzimuthLine"), whole(each, "lastAzimuthLine") + 1
            col0, col1 = whole(each, "firstRangeSample"), whole(each, "lastRangeSample") + 1
            bounds.append((row0, row1, col0, col1))
        found.append(Swath(int(name[-1]), prf[name], tuple(bounds)))
    return tuple(found)


def _fm_rates(root: Element, first: datetime, row_time: float) -> tuple[Float, Float]:
    """Lines of the estimates of the azimuth FM rate, and the estimates."""
    rows, rates = [], []
    for each in children(root, "generalAnnotation/azimuthFmRateList/azimuthFmRate"):
        rows.append((moment(each, "azimuthTime") - first).total_seconds() / row_time)
        if each.find("azimuthFmRatePolynomial") is not None:
            terms = numbers(each, "azimuthFmRatePolynomial", MOST_RATE_TERMS)
        else:  # until 2015
            terms = np.array([number(each, name) for name in ("c0", "c1", "c2")])
        rates.append([number(each, "t0"), *terms])
    return ascending(np.array(rows), "estimates of azimuthFmRate"), np.array(rates)
