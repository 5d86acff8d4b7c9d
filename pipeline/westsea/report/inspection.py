"""One pair, for a terminal and as a picture."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from westsea.objects import open_objects
from westsea.report.documents import one_pair
from westsea.report.patches import MapChip
from westsea.report.scenes import Scenes
from westsea.results import Sweep
from westsea.sources import Source
from westsea_catalog.errors import UsageError
from westsea_catalog.pictures import Image, Picture, encode
from westsea_catalog.profiles import Profile

MOST_NAMED = 3
ENLARGED = 6
"""Pixels of the picture per pixel of a chip."""
YELLOW, PINK, WHITE = (255, 210, 63), (255, 90, 208), (255, 255, 255)
GUTTER_PX = 8


@dataclass(frozen=True)
class Found:
    """A pair as the report has it, with its chips as arrays."""

    pair: dict[str, Any]
    provenance: dict[str, Any]
    place: MapChip
    pictures: list[Picture]


def find(
    out: str,
    pair_id: str,
    *,
    own: Mapping[str, Profile],
    given: Mapping[tuple[str, str], Source],
) -> Found:
    """A pair by its id, or by what its id begins with.

    Raises
    ------
    UsageError
        There is none, or more than one.
    """
    sweep = Sweep(out)
    pairs = sweep.pairs()
    names = [name for name in pairs["pair_id"] if name.startswith(pair_id)] if pair_id else []
    if pair_id in names:
        names = [pair_id]
    if len(names) != 1:
        some = ", ".join(names[:MOST_NAMED])
        raise UsageError(
            f"{len(names)} pairs begin with {pair_id!r} ({some}, ...): write more of it."
            if names
            else f"{out} has no pair {pair_id!r}: `westsea report {out}` lists them."
        )
    row = pairs[pairs["pair_id"] == names[0]]
    scenes = Scenes(open_objects(out), own, given)
    return Found(*one_pair(row, sweep.detections(), sweep.scenes(), scenes))


def lines(found: Found) -> Iterator[str]:
    """The pair as lines of text."""
    pair = found.pair
    yield f"pair {pair['id']}: {pair['kind']}, gap {pair['gap_words']}, score {pair['score_words']}"
    yield f"{pair['utc']}, {pair['local']} local; {pair['lat']:.5f} N {pair['lon']:.5f} E"
    yield from _table("the pair", pair["numbers"])
    for number, hull in enumerate(pair["hulls"], 1):
        title = f"hull {number}" if len(pair["hulls"]) > 1 else "the blob"
        flags = ", ".join(hull["flags"]) or "none"
        yield from _table(title, [*hull["numbers"], ["flags", flags], ["detection", hull["id"]]])
    yield from _list("why it scores so", pair["why"])
    yield from _list("what would settle it", pair["settle"])
    label, said = pair["label"], []
    if label:
        said = [f"{label['verdict']}, {label['reason'] or 'no reason'}, by {label['reviewer']}"]
    yield from _list("verdict", said or ["none yet"])
    source = found.provenance
    links = [f"{key}: {href}" for key, href in source["links"].items()]
    yield from _list("provenance", [f"{source['collection']}/{source['item']}", *links])
    if not found.pictures:
        yield f"No pixels: {pair['chip']['reason']}"


def _table(title: str, rows: list[list[str]]) -> Iterator[str]:
    yield f"\n{title}"
    for name, value in rows:
        yield f"  {name:26s}{value}"


def _list(title: str, rows: list[str]) -> Iterator[str]:
    yield f"\n{title}"
    for row in rows:
        yield f"  {row}"


def draw(found: Found, file: Path) -> None:
    """Write the pair's chips side by side, with hulls, gap and a scale bar of 100 m.

    Raises
    ------
    UsageError
        There are no pixels, or the file cannot be written.
    """
    if not found.pictures:
        raise UsageError(f"{file} is not written: {found.pair['chip']['reason']}")
    image = side_by_side(found.place, found.pair["chip"], found.pictures, ENLARGED)
    try:
        file.write_bytes(encode(image, "PNG"))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from None


def side_by_side(
    place: MapChip, drawing: Mapping[str, Any], pictures: list[Picture], enlarged: int
) -> Image:
    """(rows, cols, 3): pictures of one chip, each with hulls, gap and a scale bar of 100 m."""
    panels = [_panel(place, drawing, picture, enlarged) for picture in pictures]
    gutter = np.full((panels[0].shape[0], GUTTER_PX, 3), 255, np.uint8)
    joined = [part for panel in panels for part in (panel, gutter)][:-1]
    return np.concatenate(joined, axis=1)


def _panel(place: MapChip, drawing: Mapping[str, Any], picture: Picture, enlarged: int) -> Image:
    image = picture.pixels.repeat(enlarged, axis=0).repeat(enlarged, axis=1)
    scale = image.shape[0] / (2 * place.reach_m)

    def burn(lines: list[Any], colour: tuple[int, int, int]) -> None:
        drawn = [
            shapely.LineString((np.asarray(line) + place.reach_m) * scale).buffer(0.8)
            for line in lines
            if len(line) > 1
        ]
        if drawn:
            image[_covered(drawn, image.shape[0])] = colour

    burn(drawing["outlines"], YELLOW)
    burn([drawing["gap"]], PINK)
    left, low = -0.93 * place.reach_m, 0.92 * place.reach_m
    burn([[[left, low + d], [left + 100.0, low + d]] for d in (0.0, 1.5 / scale)], WHITE)
    return image


def _covered(shapes: list[shapely.Geometry], size: int) -> NDArray[np.bool_]:
    return np.asarray(rasterize(shapes, out_shape=(size, size), dtype="uint8") > 0)
