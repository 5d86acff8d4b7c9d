"""What the names of a Kubernetes Job and its pods tell: when the CronJob scheduled it, which shard.

The annotation `batch.kubernetes.io/cronjob-scheduled-timestamp` says it too, but it is on the Job
and not on its pods, which would need a token for the API to read it. The CronJob's controller names
each Job `<cronjob>-<minutes since 1970>`, and pods know their Job's name by a label.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from westsea_catalog.errors import UsageError

_MINUTE = re.compile(r".*-(\d{8})")  # eight digits: 1989 to 2160
_POD = re.compile(r"(?P<job>(?P<cronjob>.+)-\d{8})-(?P<index>\d{1,6})-[a-z0-9]{5}")


def scheduled_time(job: str) -> datetime:
    """When a Job of a CronJob was due, in UTC; the same for all its pods, however often retried.

    Raises
    ------
    UsageError
        The name does not end in a minute.
    """
    match = _MINUTE.fullmatch(job)
    if match is None:
        raise UsageError(
            f"{job!r} is no Job of a CronJob, whose names end in minutes since 1970 (-29400000):"
            " name it so, or set WESTSEA_NOW."
        )
    return datetime.fromtimestamp(60 * int(match[1]), UTC)


@dataclass(frozen=True)
class Attempt:
    """What the name of a pod of such a Job tells, which is `<job>-<index>-<five letters>`."""

    cronjob: str
    due: datetime
    shard: int

    @classmethod
    def of(cls, pod: str) -> "Attempt | None":
        """Of a pod, None for any other name."""
        match = _POD.fullmatch(pod)
        if match is None:
            return None
        return cls(match["cronjob"], scheduled_time(match["job"]), int(match["index"]))
