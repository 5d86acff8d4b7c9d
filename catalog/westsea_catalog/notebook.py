"""How things look in a notebook: tables as HTML, in which everything is text, and thumbnails.

A thumbnail is the one that an item names, which the reader's browser asks for when it comes into
view, never westsea; or a quicklook of files on this machine, as part of the page.
"""

import html
from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from westsea_catalog.errors import WestseaError
from westsea_catalog.items import scene_from_item
from westsea_catalog.pictures import encode
from westsea_catalog.profiles import Profile
from westsea_catalog.quicklooks import quicklook
from westsea_catalog.scene import Scene
from westsea_catalog.stac_item import Item, assets
from westsea_catalog.trust import is_unseen, private_reason

MOST_ROWS = 20
MOST_QUICKLOOKS = 8
"""Of files on this machine, which take some hundredths of a second each."""
TALL_PX = 128
"""Of a thumbnail in a row of a table, on the screen."""
MOST_CHARS = 2048
THUMBNAILS = ("rendered_preview", "thumbnail")
"""Keys of assets; of Planetary Computer's the second wants a signature, and the first none."""


class Html(str):
    """HTML of our own making: what else is put into a table is text."""

    __slots__ = ()


def table(
    caption: str, names: Sequence[str], rows: Iterable[Sequence[object]], more: int = 0
) -> str:
    """A table of at most MOST_ROWS rows; everything in it but `Html` is text.

    `more` rows are not among those that were given.
    """
    given = list(rows)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>"
        for row in given[:MOST_ROWS]
    )
    more += max(len(given) - MOST_ROWS, 0)
    foot = f"<tr><td colspan={len(names)}>and {more} more</td></tr>" if more > 0 else ""
    title = html.escape(caption)
    return (
        f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}{foot}</tbody></table>"
    )


def table_with_thumbnails(
    caption: str,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    thumbnails: Iterable[Html],
    more: int,
) -> str:
    """As `table`, with a column of thumbnails, one a row, unless all of them are empty."""
    shown = list(thumbnails)
    if not any(shown):
        return table(caption, names, rows, more)
    wider = [(image, *row) for image, row in zip(shown, rows, strict=True)]
    return table(caption, ("", *names), wider, more)


def item_thumbnails(items: Iterable[Item], profile: Profile, root: Path | None) -> Iterable[Html]:
    """A thumbnail for each item, empty where there is none; at most MOST_QUICKLOOKS are made."""
    left = MOST_QUICKLOOKS
    for item in items:
        address = thumbnail_address(item, profile)
        if address or root is None or not left:
            yield _linked(address, TALL_PX)
            continue
        left -= 1
        try:
            yield _drawn(scene_from_item(item, profile, root), TALL_PX)
        except WestseaError:
            yield Html()


def scene_thumbnails(
    scenes: Iterable[Scene], profile: Profile, tall_px: int = TALL_PX
) -> Iterable[Html]:
    """The same for scenes, at most so tall on the screen."""
    left = MOST_QUICKLOOKS
    for scene in scenes:
        address = thumbnail_address(scene.item, profile)
        image = _linked(address, tall_px) if address or not left else _drawn(scene, tall_px)
        left -= image.startswith('<img src="data:')
        yield image


def scene_html(scene: Scene) -> str:
    """A scene as a table of what it is, with its thumbnail."""
    rows, cols = scene.grid.shape
    cells = [
        ("scene", scene.id),
        ("collection", scene.collection),
        ("time", f"{scene.datetime:%Y-%m-%d %H:%M:%S} UTC"),
        ("platform", f"{scene.platform}, {scene.orbit_state}"),
        ("bands", ", ".join(band.name for band in (*scene.bands, *scene.extras))),
        ("shape", f"{rows} x {cols}"),
    ]
    [image] = scene_thumbnails([scene], Profile("custom", None), tall_px=256)
    if image:
        cells.append(("at a glance", image))
    return table("Scene", ("", ""), cells)


def thumbnail_address(item: Item, profile: Profile) -> str:
    """Where the item's own thumbnail is, on a host of the internet; empty where it names none."""
    found = assets(item)
    for key in THUMBNAILS:
        href = found.get(key, {}).get("href")
        if isinstance(href, str) and _is_shown(href, profile):
            return href
    return ""


def _is_shown(href: str, profile: Profile) -> bool:
    if len(href) > MOST_CHARS or any(map(is_unseen, href)):
        return False
    try:
        parts = urlsplit(href)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_plain = "@" not in parts.netloc and "\\" not in href
    # A catalogue is not to have a reader's browser call on his own network.
    return parts.scheme in ("http", "https") and is_plain and not private_reason(host, profile)


def _linked(address: str, tall_px: int) -> Html:
    if not address:
        return Html()
    return Html(
        f'<img src="{html.escape(address)}" loading="lazy" referrerpolicy="no-referrer" alt=""'
        f' style="max-width:256px;max-height:{tall_px}px">'
    )


def _drawn(scene: Scene, tall_px: int) -> Html:
    picture = quicklook(scene)
    if picture is None:
        return Html()
    data = b64encode(encode(picture.pixels, "WEBP")).decode()
    name = html.escape(picture.name)
    return Html(
        f'<img src="data:image/webp;base64,{data}" alt="{name}" title="{name}"'
        f' style="max-width:256px;max-height:{tall_px}px">'
    )


def _cell(value: object) -> str:
    return value if isinstance(value, Html) else html.escape(str(value))
