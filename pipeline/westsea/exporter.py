"""What the last runs of a nightly job did, as Prometheus metrics read from the records in OUT/runs.

A pod that ends cannot be scraped, and whoever is told by it on the way forgets when restarted. The
records are there anyway, and say the same to every reader.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import msgspec
from prometheus_client.core import CollectorRegistry, GaugeMetricFamily
from prometheus_client.registry import Collector

from westsea.jobs import Attempt
from westsea.objects import Objects
from westsea.store import RUNS
from westsea_catalog.region import parse_time

KEPT = timedelta(days=8)
"""Runs that were due before that are not read: a scrape looks at some nights, not at years."""

VERDICTS = ("done", "empty", "refused", "failed", "skipped")
"""Those of `westsea.tasks.Verdict`, whose module takes numba with it: 200 MB for a few numbers."""

Shard = tuple[str, str]


class NightlyRuns(Collector):
    """Of each shard of each CronJob the newest run that came to its end."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._seen: set[str] = set()
        self._newest: dict[Shard, tuple[datetime, dict[str, Any]]] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the records that are new, and tell the newest."""
        for key in self._objects.list(RUNS):
            if key not in self._seen:
                self._read(key)
        labels = ["cronjob", "shard"]
        sealed = GaugeMetricFamily(
            "westsea_run_sealed_timestamp_seconds",
            "When a shard's newest complete run ended, in seconds since 1970.",
            labels=labels,
        )
        scenes = GaugeMetricFamily(
            "westsea_run_scenes",
            "Scenes of that run, by what became of them.",
            labels=[*labels, "verdict"],
        )
        for shard, (ended, record) in sorted(self._newest.items()):
            sealed.add_metric(list(shard), ended.timestamp())
            for verdict in VERDICTS:
                scenes.add_metric([*shard, verdict], float(record.get(verdict, 0)))
        yield sealed
        yield scenes

    def _read(self, key: str) -> None:
        run_id = unquote(key.removeprefix(f"{RUNS}/").removesuffix(".json"))
        attempt = Attempt.of(run_id)
        if attempt is not None and datetime.now(UTC) - attempt.due < KEPT:
            data = self._objects.get(key)
            if data is None:
                return
            record = msgspec.json.decode(data)
            if not record["unfinished"]:
                ended, shard = parse_time(record["ended"]), (attempt.cronjob, str(attempt.shard))
                if shard not in self._newest or self._newest[shard][0] < ended:
                    self._newest[shard] = ended, record
        self._seen.add(key)


def registry(objects: Objects) -> CollectorRegistry:
    """The metrics of an output folder, to serve or to print."""
    found = CollectorRegistry()
    found.register(NightlyRuns(objects))
    return found
