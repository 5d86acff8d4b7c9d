"""How long sweeps flew, and for how much of that the bench itself kept them from working.

A sweep flies from when it has planned until it ends. A worker is out from when it is killed until
it has registered again, and while it is stopped or cut off.
"""

import json
import re
from datetime import UTC, datetime

PLANNED = "each worker will need"
"""Begins what a driver says last before it gives out scenes."""
_REGISTERED = re.compile(r"^(\S+ \S+) - distributed\.worker - INFO - +Registered to:", re.MULTILINE)


def lines(log):
    """What a driver has said, line by line; what others wrote in between is left out."""
    found = []
    for line in log.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in found if isinstance(line, dict)]


def flown(log, end):
    """(begin, end) of one sweep, in seconds of the clock; nothing where it never flew."""
    begins = (line["time"] for line in lines(log) if line["message"].startswith(PLANNED))
    return [(datetime.fromisoformat(begin).timestamp(), end) for begin in begins]


def waited(log):
    """Seconds that workers told of having waited for answers before they asked again."""
    return sum(line.get("stages", {}).get("wait", 0.0) for line in lines(log))


def until_registered(deaths, log):
    """(begin, end) of a worker's outages, from the times of its deaths and its own log."""
    said = _REGISTERED.findall(log.read_text())
    times = [datetime.strptime(each, "%Y-%m-%d %H:%M:%S,%f").astimezone(UTC) for each in said]
    back = [time.timestamp() for time in times]
    return [(death, min((t for t in back if t > death), default=death)) for death in deaths]


def length(spans):
    """Of the union of some spans."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(end - max(begin, reached), 0.0)
        reached = max(reached, end)
    return total


def within(spans, others):
    """The parts of some spans that lie in others."""
    cut = [(max(a, c), min(b, d)) for a, b in spans for c, d in others]
    return [(begin, end) for begin, end in cut if begin < end]
