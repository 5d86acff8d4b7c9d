"""What a placemark tells when it is opened: what the scene shows there, in numbers and a chip.

The likeliest rows come first when chips are read, scene by scene, by the items that a sweep keeps
beside its tables. Pixels that cannot be had keep no row from being written: it says why instead.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import geopandas as gpd

from westsea import words
from westsea.report.chips import drawing, pictures_of
from westsea.report.inspection import side_by_side
from westsea.report.pairs import hull_numbers, pair_hulls, pair_numbers
from westsea.report.patches import Patches
from westsea.report.rows import Row, rows_of
from westsea.report.scenes import Scenes, credit_of
from westsea.schema import DETECTIONS, DOUBT, PAIRS, Table
from westsea_catalog.pictures import NO_DATA, Picture, encode

MOST_CHIPS = 500
"""Rows with a chip unless more are asked for: some 45 kB each."""
WIDEST_PX, MOST_ENLARGED = 640, 6
"""Of a balloon's picture, and how much larger than the scene's its pixels are at most."""
LEGEND = "White: 100 m. Yellow: hulls as measured. Pink: the gap."
ABSENT = " Dark blue: no data."
CANDIDATE = (
    "A candidate for a person to judge, no violation: one image is an instant, and shows neither"
    " how long ships lay together nor why."
)


@dataclass(frozen=True)
class Chip:
    """A piece of a scene, north up."""

    drawn: bytes
    """PNG with hulls, gap and scale bar, its bands side by side."""
    ground: bytes
    """PNG of the scene's pixels alone, in the first band."""
    bounds: tuple[float, float, float, float]
    """West, south, east, north of `ground`, degrees."""
    width_px: int
    """Of `drawn`."""
    caption: tuple[str, ...]
    """What it shows, line by line."""


@dataclass(frozen=True)
class Balloon:
    """What one row tells."""

    numbers: tuple[tuple[str, str], ...]
    chip: Chip | None
    reason: str
    """Why there is no chip; empty where there is one."""
    is_missing: bool
    """Whether a chip was wanted and could not be had."""


def balloons(
    table: Table,
    rows: gpd.GeoDataFrame,
    detections: gpd.GeoDataFrame,
    swept: gpd.GeoDataFrame,
    scenes: Scenes,
    most: int,
) -> list[Balloon]:
    """A balloon a row, in the rows' order; the `most` likeliest have chips.

    Parameters
    ----------
    table
        PAIRS or DETECTIONS.
    rows, detections, swept
        Rows of that table, and detections and scenes to which they belong, as a `Sweep` has them.
    scenes
        Where pixels are found.
    """
    asked = rows_of(rows)
    order = sorted(range(len(asked)), key=lambda n: (-asked[n]["score"], asked[n][table.id]))
    chosen = set(order[:most])
    hulls = _hulls(table, rows, detections)
    by_key = {_key(row): row for row in rows_of(swept)}
    no_chip = f"Only the {most:,} likeliest have a chip here."
    found: dict[int, Balloon] = {}
    for key, members in _by_scene(asked, order).items():
        source = scenes.source(*key) if chosen.intersection(members) else None
        patches = scenes.patches(source) if chosen.intersection(members) else no_chip
        credit = credit_of(source, by_key.get(key))
        for n in members:
            row, wanted = asked[n], n in chosen
            own = pair_hulls(row, hulls) if table is PAIRS else [row]
            chip, reason = _chip(row, own, patches, credit) if wanted else (None, no_chip)
            numbers = tuple(_numbers(table, row, own))
            found[n] = Balloon(numbers, chip, reason, is_missing=wanted and chip is None)
    return [found[n] for n in range(len(asked))]


def balloon_html(balloon: Balloon, image: str) -> str:
    """A balloon as HTML, in which all that it was given is text; `image` is where its chip is."""
    parts = []
    if balloon.chip is not None:
        parts.append(f'<img src="{html.escape(image)}" width="{balloon.chip.width_px}"/>')
        parts += map(_paragraph, balloon.chip.caption)
    else:
        parts.append(_paragraph(f"No chip: {balloon.reason}"))
    cells = "".join(
        f"<tr><td nowrap>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in balloon.numbers
    )
    return "".join([*parts, _paragraph(CANDIDATE), f"<table>{cells}</table>"])


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _key(row: Row) -> tuple[str, str]:
    return row["collection"], row["item_id"]


def _by_scene(rows: list[Row], order: list[int]) -> dict[tuple[str, str], list[int]]:
    """Numbers of the rows of each scene; each scene is opened once."""
    found: dict[tuple[str, str], list[int]] = {}
    for n in order:
        found.setdefault(_key(rows[n]), []).append(n)
    return found


def _hulls(table: Table, rows: gpd.GeoDataFrame, detections: gpd.GeoDataFrame) -> Mapping[str, Row]:
    """The detections that pairs name, by id."""
    if table is not PAIRS:
        return {}
    named = {*rows["detect_id_1"], *rows["detect_id_2"]}
    members = detections[detections[DETECTIONS.id].isin(named)]
    return {row[DETECTIONS.id]: row for row in rows_of(members)}


def _chip(
    row: Row, hulls: list[Row], patches: Patches | str, credit: str
) -> tuple[Chip | None, str]:
    """The chip around a row, or why there is none."""
    pair = {"center_distance_m": None, **row}
    place, pictures, reason = pictures_of(pair, hulls, patches)
    if not pictures:
        return None, reason
    enlarged = WIDEST_PX // (place.size * len(pictures))
    enlarged = min(max(enlarged, 1), MOST_ENLARGED)
    drawn = side_by_side(place, drawing(place, pair, hulls), pictures, enlarged)
    caption = (
        f"{', '.join(each.name for each in pictures)}: {2 * place.reach_m:.0f} m wide, north up,"
        f" pixels of {place.pixel_m:.0f} m. {LEGEND}{ABSENT if _has_gaps(pictures[0]) else ''}",
        "; ".join(f"{each.name}: {each.scale}" for each in pictures) + ".",
        credit,
    )
    ground = encode(pictures[0].pixels, "PNG")
    return Chip(encode(drawn, "PNG"), ground, place.bounds, drawn.shape[1], caption), ""


def _has_gaps(picture: Picture) -> bool:
    return bool((picture.pixels == NO_DATA).all(axis=-1).any())


def _numbers(table: Table, row: Row, hulls: list[Row]) -> list[tuple[str, str]]:
    """Names and values as the report has them, time and doubts first; what is resolved of them."""
    when = row["datetime"].to_pydatetime().astimezone(UTC)
    flags = int(row["flags"])
    doubts, remarks = words.names(flags & int(DOUBT)), words.names(flags & ~int(DOUBT))
    numbers: list[Any] = [
        ("time", f"{when:%Y-%m-%d %H:%M} UTC, {words.local_time(when, row['lon'])} local"),
        ("place", words.position(row["lon"], row["lat"])),
        ("doubts", ", ".join(doubts) or "none"),
        ("remarks", ", ".join(remarks) or "none"),
    ]
    if table is PAIRS:
        numbers[2:2] = [("kind", row["kind"]), ("score", words.probability(row["score"]))]
        if row["detect_id_2"] is None:
            numbers += [("the blob", _size(blob)) for blob in hulls]
        numbers += [(name, said) for name, said in pair_numbers(row) if said != words.UNRESOLVED]
    else:
        numbers += map(tuple, hull_numbers(row))
    return [*numbers, ("collection", row["collection"]), ("scene", row["item_id"])]


def _size(hull: Row) -> str:
    length = words.metres(hull["length_m"], hull["length_sd_m"])
    return f"{length} by {words.metres(hull['width_m'], hull['width_sd_m'])}"
