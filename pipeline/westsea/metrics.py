"""What Prometheus is told of runs, from their records: names, meanings and values, declared once.

A file of the run that has just ended is for the node exporter of a batch job, `westsea.exporter`
serves those of a nightly job. Ids of runs and scenes are no labels: each would be a new series.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from westsea.records import Verdict
from westsea_catalog.errors import ConfigError
from westsea_catalog.region import parse_time

Record = Mapping[str, Any]
"""Of a run, as in OUT/runs; what is not in it, as in those of older versions, is not told."""


def is_complete(record: Record) -> bool:
    """Whether a run came to its end, with all of its scenes and without an error after them."""
    return record.get("unfinished") == 0 and not record.get("error")


@dataclass(frozen=True)
class Metric:
    """A number of a run, or one for each value of a label."""

    name: str
    """After `westsea_run_`."""
    meaning: str
    values: Callable[[Record], Mapping[str, float]]
    """By the label's values; of a metric without a label by an empty text."""
    label: str = ""


def _number(key: str) -> Callable[[Record], Mapping[str, float]]:
    return lambda record: {"": record[key]} if key in record else {}


def _ended(record: Record) -> Mapping[str, float]:
    return {"": parse_time(record["ended"]).timestamp()}


def _verdicts(record: Record) -> Mapping[str, float]:
    return {verdict.value: record.get(verdict.value, 0) for verdict in Verdict}


def _parts(key: str) -> Callable[[Record], Mapping[str, float]]:
    """Of a whole that the record may say too, as `planned`."""
    return lambda record: {
        part: value for part, value in record.get(key, {}).items() if part != "planned"
    }


METRICS = (
    Metric("sealed_timestamp_seconds", "When the newest complete run ended, since 1970.", _ended),
    Metric("planned_scenes", "Scenes of that run.", _number("planned")),
    Metric("scenes", "Scenes of that run, by what became of them.", _verdicts, "verdict"),
    Metric("given_up_scenes", "Failed scenes that are not tried any more.", _number("given_up")),
    Metric("conflicts", "Scenes another writer had committed otherwise.", _number("conflicts")),
    Metric("attempts", "Scenes given to workers, again ones counted.", _number("attempts")),
    Metric("detections", "Detections of that run.", _number("detections")),
    Metric("pairs", "Pairs of that run.", _number("pairs")),
    Metric("area_km2", "Planned ground, by what became of it.", _parts("km2"), "kind"),
    Metric("read_bytes", "Decoded bytes that were read.", _number("bytes")),
    Metric("seconds", "From begin to end of that run.", _number("seconds")),
    Metric("stage_seconds", "Of all tasks, by stage.", _parts("stages"), "stage"),
)


def families(
    records: Mapping[tuple[str, ...], Record], labels: Sequence[str] = ()
) -> Iterator[GaugeMetricFamily]:
    """All metrics of runs; of each its values of the labels and its record."""
    for metric in METRICS:
        own = [metric.label] if metric.label else []
        family = GaugeMetricFamily(
            f"westsea_run_{metric.name}", metric.meaning, labels=[*labels, *own]
        )
        for place, record in sorted(records.items()):
            for kind, value in metric.values(record).items():
                family.add_metric([*place, *([kind] if own else [])], value)
        yield family


@dataclass(frozen=True, eq=False)
class EndedRun(Collector):
    """One run, without labels of its own."""

    record: Record

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Its metrics."""
        return families({(): self.record})


def write_metrics(totals: Record, path: str | os.PathLike[str]) -> None:
    """Write the metrics of a run that has just come to its end, in place of the last run's.

    A run that does not come to its end leaves the file as it was, so that its time grows old.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    registry = CollectorRegistry()
    registry.register(EndedRun({**totals, "ended": datetime.now(UTC).isoformat()}))
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(os.fspath(path), registry)
    except OSError as error:
        raise ConfigError(f"Metrics cannot be written to {path}: {error.strerror}.") from None
