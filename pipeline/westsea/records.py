"""What is written of a scene beside its tables, and where everything of it lies."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date
from enum import StrEnum
from functools import cached_property
from typing import Any

from westsea.objects import Outcome
from westsea.schema import DETECTIONS
from westsea.tables import Provenance
from westsea_catalog.scene import Scene
from westsea_catalog.trust import safe_name

JOURNAL = ".journal"
REFUSED = "refused"
FAILED = "failed"


Day = date


class Status(StrEnum):
    """What an output folder knows of a scene."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    NEW = "new"


class Verdict(StrEnum):
    """How a scene of a sweep ended; each planned scene ends in one of them."""

    DONE = "done"
    """Committed, with detections."""
    EMPTY = "empty"
    """Committed, without."""
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Committed by an earlier run."""


@dataclass(frozen=True)
class Parameters:
    """What decides the numbers; one output folder holds the results of one set."""

    algorithm_version: str
    detector: Mapping[str, Any]
    """Settings of detection and judgement, as JSON values."""
    aoi: Mapping[str, Any] | None
    """GeoJSON geometry, None for everywhere."""
    coast: str
    """Hash of the coast's content."""
    prior: str
    """The prior behind the calibrated scores."""

    @cached_property
    def hash(self) -> str:
        """Sha256 of the parameters, hexadecimal."""
        return hashlib.sha256(_canonical(asdict(self))).hexdigest()

    @cached_property
    def provenance(self) -> Provenance:
        """What is written into the tables' files."""
        return Provenance(self.algorithm_version, self.hash, self.prior)


@dataclass(frozen=True)
class SceneKey:
    """What the store needs to know of a scene."""

    collection: str
    item_id: str
    date: date
    """UTC."""
    item_hash: str
    """Changes when the catalogue changes the item."""

    @classmethod
    def of(cls, scene: Scene) -> "SceneKey":
        """The key of a scene."""
        day = scene.datetime.astimezone(UTC).date()
        return cls.of_item(scene.item, scene.collection, scene.id, day)

    @classmethod
    def of_item(
        cls, item: Mapping[str, Any], collection: str, item_id: str, day: Day
    ) -> "SceneKey":
        """The key of an item; links are left out of the hash, they say how it was found."""
        content = {name: value for name, value in item.items() if name != "links"}
        return cls(collection, item_id, day, hashlib.sha256(_canonical(content)).hexdigest())

    def table(self, name: str) -> str:
        """Where the scene's file of a table is."""
        folder = f"{name}/collection={safe_name(self.collection)}/date={self.date.isoformat()}"
        return f"{folder}/{file_name(self.item_id)}.parquet"

    def record(self, folder: str) -> str:
        """Where it is noted that the scene was refused or has failed."""
        return f"{folder}/{safe_name(self.collection)}/{file_name(self.item_id)}.json"

    @property
    def journal(self) -> str:
        """Where the scene's files wait to be put in place."""
        name = hashlib.sha256(self.table(DETECTIONS.name).encode()).hexdigest()
        return f"{JOURNAL}/{name}"


@dataclass(frozen=True)
class Receipt:
    """What a worker reports of a committed scene; describes the files that stand."""

    collection: str
    item_id: str
    outcome: Outcome
    rows: Mapping[str, int]
    """By table."""
    sha256: str
    """Of the detections file, hexadecimal."""


@dataclass(frozen=True)
class Refusal:
    """A scene that can never be processed as it is."""

    collection: str
    item_id: str
    date: date
    reason: str
    item_hash: str
    params_hash: str


@dataclass(frozen=True)
class Failure:
    """A scene that a retry may mend."""

    collection: str
    item_id: str
    date: date
    reason: str
    attempts: int
    """Runs that it failed in since its item last changed."""
    item_hash: str = ""


@dataclass(frozen=True)
class Journal:
    """A scene's three files on their way."""

    scene: SceneKey
    files: dict[str, bytes]
    """By table."""


def file_name(identifier: str) -> str:
    """The identifier as a file name; pyarrow skips files with a leading underscore."""
    name = safe_name(identifier)
    return f"%5F{name[1:]}" if name.startswith("_") else name


def _canonical(document: Mapping[str, Any]) -> bytes:
    # Tables and Python callers may have values that JSON has not, such as durations.
    return json.dumps(document, sort_keys=True, separators=(",", ":"), default=str).encode()
