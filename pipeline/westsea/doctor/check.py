"""What one look at the machine or a service found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from westsea_catalog.errors import WestseaError


class State(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    remedy: str = ""
    """What to do; empty where nothing is to be done."""


def guarded(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    """What `look` finds; an error of ours is a failure with its own remedy in its sentence."""
    found: list[Check] = []
    try:
        found.extend(look())
    except WestseaError as error:
        text, _, remedy = str(error).partition(": ")
        found.append(Check(name, State.FAILED, text, remedy or "See the message."))
    return found
