"""What an item of a GRD product says, and where the documents beside its pixels are."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from westsea_catalog.errors import RefusedScene
from westsea_catalog.profiles import Profile, access_to
from westsea_catalog.projection import GROUND_PIXEL_M, PIXEL_M
from westsea_catalog.radar.grids import GuessedGrid, check_size, guessed_grid
from westsea_catalog.scene import Asset, Document, DocumentKind
from westsea_catalog.stac_item import Item, assets, item_footprint, numbers, properties
from westsea_catalog.trust import brief, gdal_path

MODES = ("IW", "EW")
DOCUMENT_KEYS: dict[DocumentKind, tuple[str, ...]] = {
    "annotation": ("schema-product-{}", "annotation-{}"),
    "calibration": ("schema-calibration-{}", "calibration-{}"),
    "noise": ("schema-noise-{}", "noise-{}"),
}
"""Of an item's assets; {} is the polarisation in small letters."""
SPACING_M = {("IW", "H"): 10.0, ("EW", "H"): 25.0, ("IW", "M"): 40.0, ("EW", "M"): 40.0}
"""Of products, by mode and resolution class."""

_NAME = re.compile(r"S1[A-D]_(?P<mode>IW|EW|S[1-6]|WV|EN)_GRD(?P<resolution>[FHM])_")
_RFI = re.compile(r"(?:/annotation)?(?:/rfi)?/rfi-([^/]+\.xml)", re.IGNORECASE)
_MEASUREMENT = re.compile(r"/measurement/([^/]+)\.tiff?$", re.IGNORECASE)
_BESIDE: dict[DocumentKind, str] = {
    "annotation": "/annotation/{}.xml",
    "calibration": "/annotation/calibration/calibration-{}.xml",
    "noise": "/annotation/calibration/noise-{}.xml",
}


def mode_of(item: Item) -> str:
    """The mode of a product's radar, IW or EW.

    Raises
    ------
    RefusedScene
        It has another, or says none; the message has no subject.
    """
    mode = properties(item).get("sar:instrument_mode")
    if mode is None:
        match = _NAME.match(str(item.get("id")))
        mode = match["mode"] if match else None
    if mode is None:
        raise RefusedScene("does not say how the radar worked (no sar:instrument_mode)")
    if mode not in MODES:
        raise RefusedScene(f"was taken in mode {brief(mode, 20)}; westsea reads IW and EW")
    return str(mode)


def guess_of(item: Item, mode: str) -> GuessedGrid:
    """The grid to plan on, off the item's outline: its proj:transform, if any, is made up.

    Raises
    ------
    RefusedScene
        No outline, or pixels that are not of about 10 m; the message has no subject.
    """
    outline = item_footprint(item)
    if outline is None:
        raise RefusedScene("does not say where it lies")
    pixel_m = _pixel_m(item, mode)
    if not PIXEL_M[0] <= pixel_m <= PIXEL_M[1]:
        raise RefusedScene(
            f"has pixels of {pixel_m:g} m; westsea reads {PIXEL_M[0]:g} to {PIXEL_M[1]:g} m"
        )
    props = properties(item)
    grid = guessed_grid(outline, str(props.get("sat:orbit_state")), _sides(props), pixel_m)
    try:
        check_size(grid.shape, "the product")
    except RefusedScene:
        raise RefusedScene(
            f"has {grid.shape[0]} x {grid.shape[1]} pixels, more than westsea reads"
        ) from None
    middle = (grid.shape[0] - 1) / 2, (grid.shape[1] - 1) / 2
    size = float(np.sqrt(abs(np.linalg.det(grid.jacobian(*middle)))))
    if not GROUND_PIXEL_M[0] <= size <= GROUND_PIXEL_M[1]:
        raise RefusedScene(f"has an outline in which its pixels would have {size:g} m")
    return grid


def documents_of(
    item: Item, bands: tuple[Asset, ...], profile: Profile, root: Path | None
) -> tuple[Document, ...]:
    """The documents of the bands, those that the item lists or that lie beside its pixels.

    Raises
    ------
    RefusedScene
        One lies where this catalogue may not send us; the message has no subject.
    """
    found = []
    for band in bands:
        for kind in DOCUMENT_KEYS:
            href = _href(item, band, kind)
            if href is not None:
                path = gdal_path(href, profile, root)
                access = access_to(path, profile)
                if access.token_url:
                    path, href = path.partition("?")[0], href.partition("?")[0]
                found.append(Document(kind, band.name, href, path, access))
    return tuple(found)


def _href(item: Item, band: Asset, kind: DocumentKind) -> str | None:
    listed = assets(item)
    for key in DOCUMENT_KEYS[kind]:
        asset = listed.get(key.format(band.name.lower()))
        if asset is not None:
            href = asset.get("href")
            if not isinstance(href, str):
                raise RefusedScene(f"has no href for its {kind}")
            # Items made for products since 2022 name the report on interference for it.
            return _RFI.sub(r"/annotation/\1", href) if kind == "annotation" else href
    place, mark, query = band.href.partition("?")
    match = _MEASUREMENT.search(place)
    if match is None:
        return None
    return place[: match.start()] + _BESIDE[kind].format(match[1]) + mark + query


def _pixel_m(item: Item, mode: str) -> float:
    props = properties(item)
    said = [props.get(f"sar:pixel_spacing_{axis}") for axis in ("range", "azimuth")]
    pair = numbers(said, 2)
    if pair is not None:
        if abs(pair[0] - pair[1]) > 0.01 * abs(pair[0]):
            raise RefusedScene(f"has pixels that are not square: {pair[0]:g} by {pair[1]:g}")
        return pair[0]
    match = _NAME.match(str(item.get("id")))
    return SPACING_M.get((mode, match["resolution"] if match else "H"), 10.0)


def _sides(props: dict[str, Any]) -> tuple[int, int] | None:
    """Lines and samples, in whichever order; None where none are given."""
    for key in ("proj:shape", "s1:shape"):
        found = numbers(props.get(key), 2)
        if found is not None and all(side.is_integer() and side > 1 for side in found):
            return int(found[0]), int(found[1])
    return None
