"""Metrics of a run as Prometheus reads them: a text file, for the node exporter of a batch job."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from westsea.accounts import Report
from westsea.tasks import Verdict
from westsea_catalog.errors import ConfigError


def write_metrics(report: Report, path: str | os.PathLike[str]) -> None:
    """Write the metrics of a run that has come to its end, in place of the last run's.

    A run that does not come to its end leaves the file as it was, so that its time of success
    grows old. Ids of runs and scenes are no labels: each would be a new series.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(os.fspath(path), _registry(report))
    except OSError as error:
        raise ConfigError(f"Metrics cannot be written to {path}: {error.strerror}.") from None


def _registry(report: Report) -> CollectorRegistry:
    registry = CollectorRegistry()
    totals = report.totals()

    def gauge(name: str, meaning: str, value: float) -> None:
        Gauge(f"westsea_{name}", meaning, registry=registry).set(value)

    def gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> None:
        each = Gauge(f"westsea_{name}", meaning, [label], registry=registry)
        for key, value in values.items():
            each.labels(key).set(value)

    verdicts = {str(verdict): report.count(verdict) for verdict in Verdict}
    gauge("planned_scenes", "Scenes of the last run", report.planned)
    gauges("scenes", "Scenes of the last run, by how they ended", "verdict", verdicts)
    gauge("given_up_scenes", "Failed scenes that are not tried any more", report.given_up)
    gauge("conflicts", "Scenes that another writer had committed otherwise", totals["conflicts"])
    gauge("attempts", "Scenes given to workers, again ones counted", totals["attempts"])
    gauge("detections", "Detections of the last run", totals["detections"])
    gauge("pairs", "Pairs of the last run", totals["pairs"])
    gauges("area_km2", "Planned ground, by what became of it", "kind", report.areas)
    gauge("read_bytes", "Decoded bytes that were read", totals["bytes"])
    gauge("run_seconds", "From begin to end of the last run", report.seconds)
    gauges("stage_seconds", "Of all tasks, by stage", "stage", report.cost.seconds)
    gauge("last_success_timestamp_seconds", "When a run last came to its end", time.time())
    return registry
