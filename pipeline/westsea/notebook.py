"""How things look in a notebook: tables as HTML, in which everything is text."""

import html
from collections.abc import Iterable, Sequence
from datetime import datetime

from westsea_catalog.stac_item import Item, item_time, properties

MOST_ROWS = 20


class Items(list[Item]):
    """Raw STAC items, as a list; a notebook shows them as a table."""

    def _repr_html_(self) -> str:
        rows = (
            (
                item.get("collection"),
                _minute(item_time(item)),
                item.get("id"),
                properties(item).get("platform", ""),
            )
            for item in self
        )
        return table(f"{len(self)} items", ("collection", "time", "item", "platform"), rows)


def table(caption: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of at most MOST_ROWS rows; everything in it is text."""
    given = list(rows)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in given[:MOST_ROWS]
    )
    more = len(given) - MOST_ROWS
    foot = f"<tr><td colspan={len(names)}>and {more} more</td></tr>" if more > 0 else ""
    title = html.escape(caption)
    return (
        f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}{foot}</tbody></table>"
    )


def _minute(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else "undated"
