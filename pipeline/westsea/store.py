"""What a sweep writes: a file per scene and table, and what became of the other scenes.

A scene is committed when its detections file is there; its pairs and scenes files were there
before. On the way there the three are one object, the scene's journal, and writers do this:

1. put the own three files into the journal, unless there is one: the first stands;
2. read the journal that stands, and only then look whether the scene is committed;
3. if it is not, put the journal's pairs, scenes and detections in place, in this order;
4. delete the journal, now that the scene is committed.

Whoever comes to (3) holds the first journal, since a second one can begin only after (4), when
the commit is there to be seen in (2). So all writers put the same files in place, however late
they are: a crash at any point is completed by the next run, and of several writers with different
content one's three files stand, never a mixture.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

from westsea.objects import Objects, Outcome, open_objects
from westsea.records import (
    FAILED,
    JOURNAL,
    REFUSED,
    Failure,
    Journal,
    Parameters,
    Receipt,
    Refusal,
    SceneKey,
    Status,
    file_name,
)
from westsea.schema import DETECTIONS, PAIRS, SCENES
from westsea.tables import count_rows, encode
from westsea_catalog.errors import ConfigError, UpstreamError

PARAMETERS = "sweep.json"
RUNS = "runs"

T = TypeVar("T")


@dataclass(frozen=True)
class Store:
    """An output folder, opened for writing; workers get a copy."""

    objects: Objects
    parameters: Parameters

    @classmethod
    def open(cls, out: str | os.PathLike[str], parameters: Parameters) -> "Store":
        """Open an output folder, make it if it is not there; see `prepare`."""
        store = cls(open_objects(out), parameters)
        store.prepare()
        return store

    def prepare(self) -> None:
        """Pin the parameters and complete what crashed runs began.

        Raises
        ------
        ConfigError
            If the folder cannot be written to or holds the results of other parameters.
        """
        self._pin()
        self.objects.clean()
        for key in self.objects.list(JOURNAL):
            self._replay(key)

    def status(self, scene: SceneKey) -> Status:
        """What is known of a scene; a refusal counts until the item or the parameters change."""
        if self._committed(scene):
            return Status.DONE
        refusal = self._read(scene.record(REFUSED), Refusal)
        if refusal is not None and (refusal.item_hash, refusal.params_hash) == (
            scene.item_hash,
            self.parameters.hash,
        ):
            return Status.REFUSED
        if self._read(scene.record(FAILED), Failure) is not None:
            return Status.FAILED
        return Status.NEW

    def commit(self, scene: SceneKey, tables: Mapping[str, pa.Table]) -> Receipt:
        """Write a scene's tables, unless they are there: the first commit stands.

        Parameters
        ----------
        scene
            The scene.
        tables
            Detections, pairs and scenes by name, as `westsea.tables.build` makes them.
        """
        provenance = self.parameters.provenance
        files = {
            table.name: encode(table, tables[table.name], provenance)
            for table in (PAIRS, SCENES, DETECTIONS)
        }
        created = False
        if not self._committed(scene):
            self.objects.put_new(scene.journal, msgspec.msgpack.encode(Journal(scene, files)))
            created = self._replay(scene.journal)
        return self._receipt(scene, tables, files, created)

    def refuse(self, scene: SceneKey, reason: str) -> None:
        """Note that a scene can never be processed as it is."""
        refusal = Refusal(
            scene.collection,
            scene.item_id,
            scene.date,
            reason,
            scene.item_hash,
            self.parameters.hash,
        )
        self.objects.put(scene.record(REFUSED), _json(refusal))
        self.objects.delete(scene.record(FAILED))

    def fail(self, scene: SceneKey, reason: str) -> int:
        """Note that a scene failed; returns in how many runs its item has, as it is."""
        before = self.failure(scene)
        attempts = 1 if before is None else before.attempts + 1
        failure = Failure(
            scene.collection, scene.item_id, scene.date, reason, attempts, scene.item_hash
        )
        self.objects.put(scene.record(FAILED), _json(failure))
        self.objects.delete(scene.record(REFUSED))
        if self._committed(scene):  # by a worker that was taken for dead
            self.objects.delete(scene.record(FAILED))
        return attempts

    def failure(self, scene: SceneKey) -> Failure | None:
        """How a scene failed before, unless the catalogue has changed its item since."""
        failure = self._read(scene.record(FAILED), Failure)
        return failure if failure and failure.item_hash in ("", scene.item_hash) else None

    def write_run(self, run_id: str, document: Mapping[str, Any]) -> None:
        """Note what a run did: JSON values by name. Writing again replaces."""
        self.objects.put(f"{RUNS}/{file_name(run_id)}.json", _json(document))

    def _committed(self, scene: SceneKey) -> bool:
        return self.objects.exists(scene.table(DETECTIONS.name))

    def _replay(self, key: str) -> bool:
        """Put a journal's files in place; True if that committed the scene."""
        data = self.objects.get(key)
        if data is None:
            return False  # another writer has finished with it
        try:
            journal = msgspec.msgpack.decode(data, type=Journal)
        except msgspec.DecodeError as error:
            raise ConfigError(f"{self.objects}/{key} was not written here: remove it.") from error
        scene = journal.scene
        if not self._committed(scene):
            for table in (PAIRS.name, SCENES.name):
                self.objects.put(scene.table(table), journal.files[table])
        # Also where it is there: then this makes sure that it is durable, and changes nothing.
        commit = journal.files[DETECTIONS.name]
        outcome = self.objects.put_new(scene.table(DETECTIONS.name), commit)
        self.objects.delete(scene.record(FAILED))
        self.objects.delete(scene.record(REFUSED))
        self.objects.delete(key)
        return outcome is Outcome.CREATED

    def _receipt(
        self,
        scene: SceneKey,
        tables: Mapping[str, pa.Table],
        files: Mapping[str, bytes],
        created: bool,
    ) -> Receipt:
        standing = {}
        for name in files:
            data = self.objects.get(scene.table(name))
            if data is None:
                raise UpstreamError(f"{self.objects}/{scene.table(name)} vanished: try again.")
            standing[name] = data
        outcome = Outcome.CREATED if created else Outcome.SAME
        return Receipt(
            collection=scene.collection,
            item_id=scene.item_id,
            outcome=outcome if standing == files else Outcome.CONFLICT,
            rows={
                name: len(tables[name]) if data == files[name] else count_rows(data)
                for name, data in standing.items()
            },
            sha256=hashlib.sha256(standing[DETECTIONS.name]).hexdigest(),
        )

    def _read(self, key: str, kind: type[T]) -> T | None:
        """A record; an unreadable one is as good as none, its scene is tried again."""
        data = self.objects.get(key)
        try:
            return None if data is None else msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError:
            return None

    def _pin(self) -> None:
        mine = {"params_hash": self.parameters.hash, **asdict(self.parameters)}
        data = json.dumps(mine, indent=2, sort_keys=True, allow_nan=False).encode() + b"\n"
        if self.objects.put_new(PARAMETERS, data) is not Outcome.CONFLICT:
            return
        try:
            theirs = json.loads(self.objects.get(PARAMETERS) or b"")
        except ValueError as error:
            raise ConfigError(
                f"{self.objects}/{PARAMETERS} is not readable: choose a fresh --out."
            ) from error
        names = [name for name in _differences(theirs, json.loads(data)) if name != "params_hash"]
        if names:
            raise ConfigError(
                f"{self.objects} holds the results of other parameters ({', '.join(names[:5])}): "
                f"choose a fresh --out, for example {self.objects}-2."
            )


def _differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """Dotted names of the values that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            inner = f"{name}.{key}" if name else str(key)
            yield from _differences(old.get(key), new.get(key), inner)
    elif old != new:
        yield name or "all"


def _json(document: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2) + b"\n"
