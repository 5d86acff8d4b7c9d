"""The output folder: whether it can be written to, and what it guarantees."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from westsea.doctor.check import Check, State
from westsea.evidence import overlays
from westsea.objects import TEMPORARY, Objects, Outcome, open_objects
from westsea.schema import EVENTS, FIXED
from westsea.store import PARAMETERS

PROBE_BYTES = 1 << 20
"""As large as a scene's tables are at most, nearly."""
LEAST_FREE = 1 << 30


def output(out: str) -> Iterator[Check]:
    """Whether a scene could be written, by writing one like it and removing it again."""
    objects = open_objects(out)
    root = getattr(objects, "root", None)
    made = _missing(root) if isinstance(root, Path) else []
    try:
        yield _probed(objects)
        if isinstance(root, Path):
            yield from _local(root)
        yield from _content(objects)
    finally:
        with suppress(OSError):
            for folder in made:  # the innermost first
                shutil.rmtree(folder / TEMPORARY, ignore_errors=True)
                folder.rmdir()


def _missing(root: Path) -> list[Path]:
    """The folder and those above it that are not there yet."""
    return [folder for folder in (root, *root.parents) if not folder.exists()]


def _probed(objects: Objects) -> Check:
    key = f"{TEMPORARY}/doctor-{uuid4().hex}"
    try:
        first = objects.put_new(key, bytes(PROBE_BYTES))
        second = objects.put_new(key, b"other")
        stands = objects.get(key) == bytes(PROBE_BYTES)
    finally:
        with suppress(Exception):
            objects.delete(key)
    keeps = first is Outcome.CREATED and second is Outcome.CONFLICT and stands
    promise = objects.guarantee()
    if keeps and "one at a time" not in promise:
        return Check("output", State.OK, promise)
    return Check("output", State.WARNING, promise, "Let one sweep at a time write there.")


def _local(root: Path) -> Iterator[Check]:
    free = shutil.disk_usage(root).free
    remedy = "Free some before the next sweep."
    if free < LEAST_FREE:
        yield Check("output disk", State.WARNING, f"{free >> 20} MB free", remedy)
    else:
        yield Check("output disk", State.OK, f"{free / 1e9:.1f} GB free")


def _content(objects: Objects) -> Iterator[Check]:
    if not objects.exists(PARAMETERS):
        yield Check("output content", State.OK, "no results yet")
        return
    for table, command in ((FIXED, "persist"), (EVENTS, "link")):
        rows = overlays.read(objects, table)
        if rows is not None and not overlays.is_current(objects, rows):
            remedy = f"Run westsea {command} again."
            found = f"{table.name} was told before the last scenes came"
            yield Check("output content", State.WARNING, found, remedy)
            return
    yield Check("output content", State.OK, "results of a sweep")
