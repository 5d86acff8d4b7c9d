"""The overlays that commands write: one file each, replaced as a whole."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from westsea.lineage.commits import commits
from westsea.objects import Objects
from westsea.schema import FIXED, Table
from westsea.tables import Provenance, build, decode, encode
from westsea_catalog.errors import ConfigError

RESTS_ON = "commits"
"""Name of a file's metadata that tells the scenes that it was computed from."""


def write(
    objects: Objects, table: Table, columns: Mapping[str, Any], parameters: Mapping[str, Any]
) -> None:
    """Write an overlay; its columns are all but `bbox`, and the parameters those of the sweep."""
    names = Provenance.__dataclass_fields__
    provenance = Provenance(**{name: str(parameters.get(name, "")) for name in names})
    notes = {RESTS_ON: _digest(objects)}
    objects.put(_key(table), encode(table, build(table, columns), provenance, notes))


def read(objects: Objects, table: Table) -> pa.Table | None:
    """The rows of an overlay, None where it was never written.

    Raises
    ------
    ConfigError
        The file is damaged.
    """
    data = objects.get(_key(table))
    if data is None:
        return None
    try:
        return decode(data)
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(
            f"{objects}/{_key(table)} is damaged: remove it and run westsea {table.name} anew."
        ) from error


def is_current(objects: Objects, rows: pa.Table) -> bool:
    """Whether an overlay was computed from the scenes that are there."""
    noted = (rows.schema.metadata or {}).get(RESTS_ON.encode(), b"")
    return bool(noted.decode() == _digest(objects))


def fixed_ids(objects: Objects) -> frozenset[str]:
    """Ids of the detections of fixed objects, as far as they were told."""
    rows = read(objects, FIXED)
    return frozenset() if rows is None else frozenset(rows["detect_id"].to_pylist())


def _digest(objects: Objects) -> str:
    paths = (commit.path for commit in commits(objects))
    return hashlib.sha256("\n".join(paths).encode()).hexdigest()


def _key(table: Table) -> str:
    return f"{table.name}/part.parquet"
