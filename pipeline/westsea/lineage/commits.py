"""The scenes that are committed, and the rows of their tables."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from urllib.parse import unquote

import pyarrow as pa

from westsea.objects import Objects, side_by_side
from westsea.schema import DETECTIONS, Table
from westsea.tables import decode
from westsea_catalog.errors import ConfigError

_COMMIT = re.compile(
    rf"{DETECTIONS.name}/(collection=([^/]+)/date=(\d{{4}}-\d\d-\d\d)/[^/]+\.parquet)"
)
RULES = "2"
"""Changes whenever the same scenes give another overlay."""

ByDay = Mapping[str, "list[Commit]"]
"""Commits by day (YYYY-MM-DD, UTC)."""


@dataclass(frozen=True, order=True)
class Commit:
    """A scene whose detections file is there."""

    path: str
    """Of its files, below the folder of each table."""
    collection: str
    day: str
    others: tuple["Commit", ...] = field(default=(), compare=False, repr=False)
    """Those of the same item on other days, which its catalogue has dated anew."""

    @property
    def item(self) -> tuple[str, str]:
        """What tells the item from all others."""
        return self.collection, self.path.rpartition("/")[2]


def commits(objects: Objects) -> list[Commit]:
    """All committed scenes, in the order of their paths."""
    found = map(_COMMIT.fullmatch, objects.list(DETECTIONS.name))
    return sorted(Commit(m[1], unquote(m[2]), m[3]) for m in found if m)


def by_day(committed: Iterable[Commit]) -> dict[str, list[Commit]]:
    """Commits by day, in order, each with the others of its item."""
    items: dict[tuple[str, str], list[Commit]] = {}
    days: dict[str, list[Commit]] = {}
    in_order = sorted(committed)
    for commit in in_order:
        items.setdefault(commit.item, []).append(commit)
    for commit in in_order:
        others = tuple(each for each in items[commit.item] if each is not commit)
        found = replace(commit, others=others) if others else commit  # which hardly any has
        days.setdefault(commit.day, []).append(found)
    return days


def around(day: str) -> tuple[str, ...]:
    """A day and those before and after it, whose scenes may be of one pass with its own."""
    try:
        middle = date.fromisoformat(day)
        return tuple((middle + timedelta(days=n)).isoformat() for n in (-1, 0, 1))
    except (ValueError, OverflowError):  # a folder of somebody else's
        return (day,)


def near(day: str, days: ByDay) -> list[Commit]:
    """All commits around a day."""
    return [commit for each in around(day) for commit in days.get(each, ())]


def dated_anew(day: str, days: ByDay) -> set[str]:
    """Other days to which items of a day are dated too."""
    return {other.day for commit in days.get(day, ()) for other in commit.others}


def base(day: str, days: ByDay) -> list[Commit]:
    """What an overlay of a day rests on: all commits around it, and the others of their items."""
    close = near(day, days)
    others = (other for commit in close for other in commit.others)
    return list(dict.fromkeys([*close, *others]))


def digest(day: str, days: ByDay) -> str:
    """What an overlay of a day rests on: which scenes are there, for their files never change."""
    paths = (commit.path for commit in base(day, days))
    return hashlib.sha256("\n".join([RULES, *paths]).encode()).hexdigest()


def rows(objects: Objects, table: Table, committed: Iterable[Commit]) -> Iterator[pa.Table]:
    """The rows of committed scenes, scene by scene.

    Raises
    ------
    ConfigError
        A file is missing or damaged.
    """
    keys = [f"{table.name}/{commit.path}" for commit in committed]
    for key, data in zip(keys, side_by_side(objects.get, keys), strict=True):
        if data is None:
            raise ConfigError(f"{objects}/{key} is missing though its scene is committed.")
        try:
            yield decode(data)
        except (pa.ArrowException, OSError) as error:
            raise ConfigError(f"{objects}/{key} is damaged: it is no table.") from error
