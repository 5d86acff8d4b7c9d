"""Results for Google Earth and its like: doc.kml and its pictures in a zip."""

import html
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry.base import BaseGeometry

from westsea import words
from westsea.export.balloons import Balloon, balloon_html
from westsea.plain import plain, with_times_as_texts
from westsea.schema import DOUBT
from westsea_catalog.pictures import encode
from westsea_catalog.trust import escape_controls

KML = "http://www.opengis.net/kml/2.2"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of all entries in the zip: equal rows give equal bytes."""
STYLES = {"clear": "ff2ad4ff", "doubted": "ff9a9a9a"}
"""Colours as aabbggrr, of rows without and with a doubt."""
DOT, DOT_PX = "files/dot.png", 32
"""The icon, which is in the zip: nothing is loaded from elsewhere."""
LEAST_PX = 48
"""On the screen, below which a chip on the ground is not loaded."""


@dataclass(frozen=True)
class Entry:
    """A picture in the zip."""

    name: str
    data: bytes


def write_kmz(
    frame: gpd.GeoDataFrame, path: Path, table: str, balloons: Sequence[Balloon] = ()
) -> None:
    """A placemark per row, with its time, and its values as ExtendedData.

    With `balloons`, one a row, each tells what they say, and chips also lie on the ground, where
    they come up as one gets near. Viewers show values as HTML, so that <, > and & in texts are
    written as entities.
    """
    rows = with_times_as_texts(plain(frame))
    marks = list(_placemarks(rows))
    overlays, pictures = _told(marks, balloons)
    root = ET.Element("kml", xmlns=KML)
    document = ET.SubElement(root, "Document")
    _text(document, "name", f"westsea {table}")
    for name, colour in STYLES.items():
        document.append(_style(name, colour))
    _folder(document, table, marks)
    if overlays:
        _folder(document, "chips", overlays)
    data = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_info("doc.kml", zipfile.ZIP_DEFLATED), data)
        for picture in (Entry(DOT, _disc()), *pictures):
            archive.writestr(_info(picture.name, zipfile.ZIP_STORED), picture.data)


def _info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = method
    return info


def _told(
    marks: Sequence[ET.Element], balloons: Sequence[Balloon]
) -> tuple[list[ET.Element], list[Entry]]:
    """Put balloons into their placemarks; the overlays of their chips, and all pictures."""
    overlays, pictures = [], []
    for number, (mark, balloon) in enumerate(zip(marks, balloons, strict=False), 1):
        drawn, ground = f"files/{number:05d}.png", f"files/{number:05d}-ground.png"
        told = ET.Element("description")
        told.text = escape_controls(balloon_html(balloon, drawn))
        mark.insert(1, told)
        if balloon.chip is not None:
            pictures += [Entry(drawn, balloon.chip.drawn), Entry(ground, balloon.chip.ground)]
            overlays.append(_overlay(str(mark[0].text), ground, balloon.chip.bounds))
    return overlays, pictures


def _folder(document: ET.Element, name: str, children: Iterable[ET.Element]) -> None:
    folder = ET.SubElement(document, "Folder")
    _text(folder, "name", name)
    folder.extend(children)


def _overlay(name: str, image: str, bounds: tuple[float, float, float, float]) -> ET.Element:
    """A chip on the ground, loaded when it is LEAST_PX wide on the screen."""
    overlay = ET.Element("GroundOverlay")
    ET.SubElement(overlay, "name").text = name
    region = ET.SubElement(overlay, "Region")
    _box(ET.SubElement(region, "LatLonAltBox"), bounds)
    _text(ET.SubElement(region, "Lod"), "minLodPixels", LEAST_PX)
    _text(ET.SubElement(overlay, "Icon"), "href", image)
    _box(ET.SubElement(overlay, "LatLonBox"), bounds)
    return overlay


def _box(box: ET.Element, bounds: tuple[float, float, float, float]) -> None:
    west, south, east, north = bounds
    for name, side in (("north", north), ("south", south), ("east", east), ("west", west)):
        _text(box, name, f"{side:.7f}")


def _disc() -> bytes:
    """The icon, white: styles colour it."""
    steps = np.arange(DOT_PX) - (DOT_PX - 1) / 2
    away = np.hypot(*np.meshgrid(steps, steps))
    image = np.full((DOT_PX, DOT_PX, 4), 255, np.uint8)
    image[..., 3] = np.clip(255 * (DOT_PX / 2 - away), 0, 255).astype(np.uint8)
    return encode(image, "PNG")


def _placemarks(rows: gpd.GeoDataFrame) -> Iterator[ET.Element]:
    geometry = rows.geometry.name
    columns = rows.drop(columns=geometry)
    for values, shape in zip(columns.to_dict("records"), rows.geometry, strict=True):
        mark = ET.Element("Placemark")
        _text(mark, "name", _title(values))
        moment = ET.SubElement(mark, "TimeStamp")
        _text(moment, "when", str(values["datetime"]))
        doubted = int(values.get("flags", 0)) & int(DOUBT)
        _text(mark, "styleUrl", "#doubted" if doubted else "#clear")
        data = ET.SubElement(mark, "ExtendedData")
        for name, value in values.items():
            if not _is_missing(value):
                _text(ET.SubElement(data, "Data", name=name), "value", value)
        mark.append(_with_icon(shape) if "LineString" in shape.geom_type else _shape(shape))
        yield mark


def _with_icon(line: BaseGeometry) -> ET.Element:
    """A line of some metres, and a point on it: a line alone has no icon, and is not seen."""
    both = ET.Element("MultiGeometry")
    both.append(_shape(line.interpolate(0.5, normalized=True)))
    both.append(_shape(line))
    return both


def _title(values: dict[str, Any]) -> str:
    kind = values.get("kind")
    if kind is None:
        return str(values.get("detect_id", values["item_id"]))
    return f"{kind}, score {words.probability(values['score'])}"


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _style(name: str, colour: str) -> ET.Element:
    style = ET.Element("Style", id=name)
    icon = ET.SubElement(style, "IconStyle")
    _text(icon, "color", colour)
    _text(ET.SubElement(icon, "Icon"), "href", DOT)
    line = ET.SubElement(style, "LineStyle")
    _text(line, "color", colour)
    _text(line, "width", "3")
    _text(ET.SubElement(style, "PolyStyle"), "fill", "0")
    return style


def _shape(shape: BaseGeometry) -> ET.Element:
    if shape.geom_type.startswith("Multi"):
        several = ET.Element("MultiGeometry")
        several.extend(map(_shape, shape.geoms))
        return several
    element = ET.Element(shape.geom_type)
    if shape.geom_type != "Polygon":
        _text(element, "coordinates", _coordinates(shape))
        return element
    for tag, rings in (("outerBoundaryIs", [shape.exterior]), ("innerBoundaryIs", shape.interiors)):
        for ring in rings:
            line = ET.SubElement(ET.SubElement(element, tag), "LinearRing")
            _text(line, "coordinates", _coordinates(ring))
    return element


def _coordinates(shape: BaseGeometry) -> str:
    return " ".join(f"{x:.7f},{y:.7f}" for x, y in shape.coords)


def _text(parent: ET.Element, tag: str, value: object) -> None:
    """A child with a text that shows as itself, in XML that has no control characters."""
    text = escape_controls(value) if isinstance(value, str) else str(value)
    ET.SubElement(parent, tag).text = html.escape(text, quote=False)
