"""How fast a sweep is, and how much longer it may take."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from westsea.tasks import SceneResult


class Pace:
    """Counts scenes that took work, from its making on."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._worked = 0

    @property
    def elapsed(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self._start

    def note(self, result: "SceneResult") -> None:
        """Count a scene, unless no worker got it: what was known of it took no time."""
        self._worked += result.attempts > 0

    def words(self, left: int) -> str:
        """Scenes a minute, and the time that `left` more may take; empty before there is any."""
        elapsed = self.elapsed
        if not self._worked or not elapsed:
            return ""
        seconds = left * elapsed / self._worked
        return f"{60 * self._worked / elapsed:.1f} scenes/min, {duration(seconds)} left"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    minutes, hours = round(seconds / 60), seconds / 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{hours:.1f} h"
