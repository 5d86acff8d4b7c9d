"""What searches and plans look like in a notebook, and how a sweep gets on there."""

import html
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from westsea.pace import Pace, duration
from westsea_catalog.notebook import MOST_ROWS, item_thumbnails, table, table_with_thumbnails
from westsea_catalog.profiles import Profile, profile_for
from westsea_catalog.search import root_of
from westsea_catalog.stac_item import Item, item_time, properties

if TYPE_CHECKING:
    from westsea.tasks import SceneResult

SECONDS = 0.5
"""Between two updates of a display."""
MOST_TROUBLES = 10
"""Refused and failed scenes that a display names."""


class Items(list[Item]):
    """Raw STAC items, as a list; a notebook shows them as a table with thumbnails.

    Parameters
    ----------
    items
        The items.
    catalog
        Where they came from; without it no file on this machine is looked at.
    """

    def __init__(self, items: Iterable[Item] = (), catalog: str | Profile | None = None) -> None:
        super().__init__(items)
        self._catalog = catalog

    def _repr_html_(self) -> str:
        names = ("collection", "time", "item", "platform")
        shown = self[:MOST_ROWS]
        profile, root = Profile("custom", None), None
        if self._catalog is not None:
            profile, root = profile_for(self._catalog), root_of(self._catalog)
        images = item_thumbnails(shown, profile, root)
        rows = list(map(_cells, shown))
        return table_with_thumbnails(
            f"{len(self)} items", names, rows, images, len(self) - len(shown)
        )


def _cells(item: Item) -> tuple[object, ...]:
    platform = properties(item).get("platform", "")
    return item.get("collection"), _minute(item_time(item)), item.get("id"), platform


def _minute(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else "undated"


class Handle(Protocol):
    """What IPython gives for something displayed, to show something else in its place."""

    def update(self, shown: Any) -> None:
        """Replace what is shown."""
        ...


class Display:
    """How a sweep gets on, in one place of a notebook that is written anew.

    A bar, how far and how fast the sweep is, what became of the scenes, and those that were
    refused or have failed, with the reason.

    Parameters
    ----------
    ipython
        The module IPython.display.
    """

    def __init__(self, ipython: Any) -> None:
        self._ipython = ipython
        self._handle: Handle | None = None
        self._pace = Pace()
        self._counts: dict[str, int] = {}
        self._troubles: list[tuple[str, str, str]] = []
        self._updated = float("-inf")

    def __call__(self, result: "SceneResult", ended: int, planned: int) -> None:
        """Note a result, the `ended`-th of the `planned` scenes; show it unless just updated."""
        verdict = str(result.verdict)
        self._pace.note(result)
        self._counts[verdict] = self._counts.get(verdict, 0) + 1
        if verdict in ("refused", "failed"):
            self._troubles.append((verdict, result.key.item_id, result.reason))
        now = time.monotonic()
        if ended < planned and now - self._updated < SECONDS:
            return
        self._updated = now
        shown = self._ipython.HTML(self._html(ended, planned))
        if self._handle is None:
            self._handle = self._ipython.display(shown, display_id=True)
        if self._handle is not None:
            self._handle.update(shown)

    def _html(self, ended: int, planned: int) -> str:
        pace = self._pace.words(planned - ended)
        took = f"in {duration(self._pace.elapsed)}" if ended == planned else pace
        counts = ", ".join(f"{number} {verdict}" for verdict, number in self._counts.items())
        line = html.escape(f"{ended} of {planned} scenes {took}".strip() + f": {counts}")
        bar = f'<progress value="{ended}" max="{planned}" style="width:20em"></progress>'
        if not self._troubles:
            return f"<div>{bar} {line}</div>"
        told, more = self._troubles[-MOST_TROUBLES:], len(self._troubles) - MOST_TROUBLES
        names = ("", "scene", "why")
        return f"<div>{bar} {line}{table('Not swept', names, told, max(more, 0))}</div>"


def progress_display() -> Display | None:
    """A display where this runs in a notebook's kernel, else None; imports nothing."""
    ipython, display = sys.modules.get("IPython"), sys.modules.get("IPython.display")
    if ipython is None or display is None:
        return None
    shell = ipython.get_ipython()
    return Display(display) if getattr(shell, "kernel", None) is not None else None
