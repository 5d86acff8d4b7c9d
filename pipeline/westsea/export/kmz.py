"""Results for Google Earth and its like: one doc.kml in a zip."""

import html
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry.base import BaseGeometry

from westsea.plain import plain, with_times_as_texts
from westsea.schema import DOUBT
from westsea_catalog.trust import escape_controls

KML = "http://www.opengis.net/kml/2.2"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of the entry in the zip: equal rows give equal bytes."""
STYLES = {"clear": "ff2ad4ff", "doubted": "ff9a9a9a"}
"""Colours as aabbggrr, of rows without and with a doubt."""
ICON = "http://maps.google.com/mapfiles/kml/shapes/placemark_circle.png"


def write_kmz(frame: gpd.GeoDataFrame, path: Path, table: str) -> None:
    """A placemark per row, with its time, and its values as ExtendedData.

    Viewers show values as HTML, so that <, > and & in texts are written as entities.
    """
    rows = with_times_as_texts(plain(frame))
    root = ET.Element("kml", xmlns=KML)
    document = ET.SubElement(root, "Document")
    _text(document, "name", f"westsea {table}")
    for name, colour in STYLES.items():
        document.append(_style(name, colour))
    document.extend(_placemarks(rows))
    data = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    entry = zipfile.ZipInfo("doc.kml", EPOCH)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, data, zipfile.ZIP_DEFLATED)


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
        mark.append(_shape(shape))
        yield mark


def _title(values: dict[str, Any]) -> str:
    kind = values.get("kind")
    if kind is None:
        return str(values.get("detect_id", values["item_id"]))
    return f"{kind}, score {values['score']:.2f}"


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _style(name: str, colour: str) -> ET.Element:
    style = ET.Element("Style", id=name)
    icon = ET.SubElement(style, "IconStyle")
    _text(icon, "color", colour)
    _text(ET.SubElement(icon, "Icon"), "href", ICON)
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
