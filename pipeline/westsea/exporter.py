"""What the last runs of a nightly job did, as Prometheus metrics read from the records in OUT/runs.

A pod that ends cannot be scraped, and whoever is told by it on the way forgets when restarted. The
records are there anyway, and say the same to every reader.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import msgspec
from prometheus_client.core import CollectorRegistry, GaugeMetricFamily
from prometheus_client.registry import Collector

from westsea.jobs import Attempt
from westsea.metrics import Record, families, is_complete
from westsea.objects import Objects
from westsea.store import RUNS
from westsea_catalog.region import parse_time

KEPT = timedelta(days=8)
"""Runs that were due before that are not read: a scrape looks at some nights, not at years."""


class NightlyRuns(Collector):
    """Of each shard of each CronJob the newest run that came to its end."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._seen: set[str] = set()
        self._newest: dict[tuple[str, ...], Record] = {}
        """By cronjob and shard."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the records that are new, and tell the newest."""
        for key in self._objects.list(RUNS):
            if key not in self._seen:
                self._read(key)
        return families(self._newest, ("cronjob", "shard"))

    def _read(self, key: str) -> None:
        run_id = unquote(key.removeprefix(f"{RUNS}/").removesuffix(".json"))
        attempt = Attempt.of(run_id)
        if attempt is not None and datetime.now(UTC) - attempt.due < KEPT:
            data = self._objects.get(key)
            if data is None:
                return
            record = msgspec.json.decode(data)
            if is_complete(record):
                shard = attempt.cronjob, str(attempt.shard)
                newest = self._newest.get(shard)
                if newest is None or parse_time(newest["ended"]) < parse_time(record["ended"]):
                    self._newest[shard] = record
        self._seen.add(key)


def registry(objects: Objects) -> CollectorRegistry:
    """The metrics of an output folder, to serve or to print."""
    found = CollectorRegistry()
    found.register(NightlyRuns(objects))
    return found
