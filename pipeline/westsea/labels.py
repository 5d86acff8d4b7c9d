"""What people say of pairs: verdicts, kept beside the tables as an overlay.

    OUT/labels/part-<hash of the rows>.parquet

Each import adds a file and changes none, so that nobody's verdict is ever lost, and importing a
file twice adds nothing. A verdict names the pair and its detections: ids of detections survive new
parameters, so verdicts may be carried from one output folder into another.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pandas as pd
import pyarrow as pa

from westsea.objects import Objects
from westsea.schema import LABELS, REASONS
from westsea.tables import Provenance, build, decode, encode
from westsea_catalog.errors import ConfigError, UsageError
from westsea_catalog.trust import brief

MAX_BYTES = 32 << 20
MAX_NOTE_CHARS, MAX_REVIEWER_CHARS = 2000, 100
CLOCK_SKEW = timedelta(days=1)
"""A verdict from the future would be the latest for ever."""
JOINED = {
    "verdict": "verdict",
    "reason": "verdict_reason",
    "note": "verdict_note",
    "reviewer": "reviewer",
    "time": "verdict_time",
}
"""Columns of the labels, and what they are called beside a pair."""

_ID = re.compile(r"[0-9a-f]{8,64}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A verdict as labels.json has it."""

    pair_id: str
    detect_id_1: str
    verdict: Literal["true", "false", "unsure"]
    time: datetime
    detect_id_2: str | None = None
    reason: str | None = None
    note: str | None = None
    reviewer: str | None = None


class Labels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A labels.json."""

    westsea_labels: Literal[1]
    labels: list[Label]
    params_hash: str = ""
    exported: datetime | None = None


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    n_labels: int
    n_unknown: int
    """Of pairs that this output folder does not hold."""
    is_new: bool
    """Whether they were not there already."""


def read_file(path: Path, reviewer: str | None) -> list[Label]:
    """The verdicts in a labels.json, each with a reviewer.

    Raises
    ------
    UsageError
        The file cannot be read, or names no reviewer where none is given.
    ConfigError
        It does not hold verdicts, or one that cannot be right.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} is over {MAX_BYTES >> 20} MB: no labels.json of a report is.")
    try:
        found = msgspec.json.decode(data, type=Labels).labels
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = brief(str(error))
        raise ConfigError(f"{path} is no labels.json as a report exports it: {what}.") from None
    return [_checked(label, reviewer, f"{path}, label {n}") for n, label in enumerate(found, 1)]


def _checked(label: Label, reviewer: str | None, where: str) -> Label:
    ids = (label.pair_id, label.detect_id_1, label.detect_id_2)
    if not all(name is None or _ID.fullmatch(name) for name in ids):
        raise ConfigError(f"{where} names a pair or detection by what is no id of westsea's.")
    if label.reason is not None and label.reason not in REASONS:
        raise ConfigError(f"{where} has an unknown reason: choose one of {', '.join(REASONS)}.")
    who = reviewer or label.reviewer
    if who is None:
        raise UsageError(f"{where} does not say whose it is: give --reviewer NAME.")
    texts = ((label.note or "", MAX_NOTE_CHARS, "note"), (who, MAX_REVIEWER_CHARS, "reviewer"))
    for text, most, what in texts:
        if len(text) > most or _CONTROL.search(text) or not _is_text(text):
            raise ConfigError(
                f"{where} has a {what} with control characters or over {most} characters."
            )
    if not who.strip():
        raise UsageError("A reviewer needs a name.")
    if label.time.tzinfo is None:
        raise ConfigError(f"{where} has a time without an offset from UTC.")
    if label.time > datetime.now(UTC) + CLOCK_SKEW:
        raise ConfigError(f"{where} is dated in the future: set the clock right where it was made.")
    return msgspec.structs.replace(label, reviewer=who)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def append(objects: Objects, labels: Sequence[Label], provenance: Provenance) -> bool:
    """Add verdicts to the overlay; False where they were there already."""
    if not labels:
        return False
    columns = {name: [getattr(label, name) for label in labels] for name in LABELS.names}
    data = encode(LABELS, build(LABELS, columns), provenance)
    key = f"{LABELS.name}/part-{hashlib.sha256(data).hexdigest()[:24]}.parquet"
    there = objects.exists(key)
    objects.put_new(key, data)
    return not there


def read(objects: Objects) -> pd.DataFrame:
    """All verdicts, oldest first; columns as in `westsea.schema`.

    Raises
    ------
    ConfigError
        A file of them is damaged: leaving it out would lose verdicts without a word.
    """
    parts = [LABELS.schema.empty_table()]
    for key in objects.list(LABELS.name):
        data = objects.get(key) if key.endswith(".parquet") else None
        if data is None:
            continue
        try:
            parts.append(decode(data).select(LABELS.names).cast(LABELS.schema))
        except (pa.ArrowException, KeyError, ValueError, OSError) as error:
            raise ConfigError(f"{objects}/{key} is damaged: restore it, or remove it.") from error
    everything = pa.concat_tables(parts)
    order = [(name, "ascending") for name in ("time", "reviewer", "pair_id", "verdict", "note")]
    frame: pd.DataFrame = everything.sort_by(order).to_pandas()
    return frame.drop_duplicates(ignore_index=True)


def document(labels: pd.DataFrame, params_hash: str) -> bytes:
    """Verdicts as a labels.json."""
    columns = {name: _with_none(labels[name]) for name in LABELS.names}
    columns["time"] = [when.to_pydatetime() for when in columns["time"]]
    rows = zip(*columns.values(), strict=True)
    found = [Label(**dict(zip(columns, row, strict=True))) for row in rows]
    data = msgspec.json.encode(Labels(1, found, params_hash))
    return msgspec.json.format(data, indent=1) + b"\n"


def joined(labels: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The columns of `JOINED` for pairs: the latest verdict on each, null where there is none.

    A verdict belongs to the pair of its id, or where that is not there, to a pair of the same
    detections.
    """
    by_pair: dict[str, int] = {}
    by_hulls: dict[frozenset[str], int] = {}
    known = set(pairs["pair_id"])
    for n, row in enumerate(zip(*(labels[name] for name in LABELS.names[:3]), strict=True)):
        if row[0] in known:
            by_pair[row[0]] = n
        else:
            by_hulls[_hulls(row[1:])] = n
    ids = zip(*(pairs[name] for name in LABELS.names[:3]), strict=True)
    at = [_latest(by_pair.get(row[0]), by_hulls.get(_hulls(row[1:]))) for row in ids]
    out = pd.DataFrame(index=pairs.index)
    for name, joined_name in JOINED.items():
        values = _with_none(labels[name])
        said = [None if n is None else values[n] for n in at]
        dtype = labels[name].dtype if name == "time" else object
        out[joined_name] = pd.Series(said, pairs.index, dtype)
    return out


def _with_none(column: "pd.Series[Any]") -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def _latest(*places: int | None) -> int | None:
    return max((place for place in places if place is not None), default=None)


def _hulls(ids: Iterable[Any]) -> frozenset[str]:
    return frozenset(name for name in ids if isinstance(name, str))


def count_unknown(labels: Sequence[Label], pairs: Mapping[str, Any] | pd.DataFrame) -> int:
    """How many are about pairs that are not among these, by id or detections."""
    known = set(pairs["pair_id"])
    hulls = {_hulls(row) for row in zip(pairs["detect_id_1"], pairs["detect_id_2"], strict=True)}
    return sum(
        label.pair_id not in known and _hulls((label.detect_id_1, label.detect_id_2)) not in hulls
        for label in labels
    )
