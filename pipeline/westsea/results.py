"""Reading what sweeps wrote."""

import html
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import unquote

import geopandas as gpd
import msgspec
import pandas as pd
import pyarrow as pa

from westsea import labels as verdicts
from westsea.evidence import overlays
from westsea.evidence.fixed import with_fixed
from westsea.lineage.commits import Commit, commits, rows
from westsea.lineage.overlay import Overlay, Rule, read
from westsea.objects import Objects, open_objects, side_by_side
from westsea.records import FAILED, REFUSED, Failure, Refusal, SceneKey
from westsea.schema import (
    DETECTIONS,
    EVENTS,
    LINEAGE_ACROSS,
    LINEAGE_DETECTIONS,
    LINEAGE_PAIRS,
    LINEAGE_SCENES,
    PAIRS,
    SCENES,
    Table,
)
from westsea.store import PARAMETERS, RUNS
from westsea.tables import BBOX, Provenance
from westsea_catalog.errors import ConfigError, UsageError

if TYPE_CHECKING:
    import folium

Duplicates = Literal["drop", "keep"]

R = TypeVar("R", Refusal, Failure)


class Sweep:
    """The results in an output folder.

    Every call reads the folder anew, so that a sweep under way can be watched. A scene counts once
    its detections file is there.

    What several scenes of one pass show is there once (`DESIGN.md` has the rules): older
    products of an acquisition, and what scenes that overlap show again, are left out, and pairs
    are added of which no scene holds both hulls. With duplicates="keep" nothing is left out, and a
    column `duplicate_of` names the detection, pair or scene that is kept in a row's place, or the
    scene where all of the row's own is left out; it is null in the rows that are kept.

    Parameters
    ----------
    out
        The folder.

    Raises
    ------
    ConfigError
        If there are no results of a sweep.
    """

    def __init__(self, out: str | os.PathLike[str]) -> None:
        self._objects = open_objects(out)
        if self._objects.get(PARAMETERS) is None:
            raise ConfigError(f"{self._objects} holds no results of a sweep.")

    def detections(self, duplicates: Duplicates = "drop") -> gpd.GeoDataFrame:
        """All detections; columns as in `westsea.schema`, and collection and date."""
        return self._frame(DETECTIONS, duplicates)

    def pairs(self, duplicates: Duplicates = "drop") -> gpd.GeoDataFrame:
        """All pairs; columns as in `westsea.schema`, collection, date and the latest verdict.

        Where duplicates are left out, they name the detections that are kept. What people said is
        in `verdict` (true, false, unsure), `verdict_reason`, `verdict_note`, `reviewer` and
        `verdict_time`, all null where nobody has.
        """
        pairs = self._frame(PAIRS, duplicates)
        said = verdicts.joined(self.labels(), pairs)
        for name in said:
            pairs[name] = said[name]
        return pairs

    def labels(self) -> pd.DataFrame:
        """All verdicts of people, oldest first; columns as in `westsea.schema`."""
        return verdicts.read(self._objects)

    def import_labels(
        self, file: str | os.PathLike[str], reviewer: str | None
    ) -> verdicts.Imported:
        """Add the verdicts of a labels.json, which a report exports.

        Parameters
        ----------
        file
            The file.
        reviewer
            Whose they are; None where the file says so.

        Raises
        ------
        ConfigError
            The file holds what cannot be right; then nothing of it is added.
        """
        found = verdicts.read_file(Path(file), reviewer)
        unknown = verdicts.count_unknown(found, self._frame(PAIRS, "keep"))
        pinned = self.parameters()
        names = ("algorithm_version", "params_hash", "prior")
        provenance = Provenance(*(str(pinned.get(name)) for name in names))
        return verdicts.Imported(
            len(found), unknown, verdicts.append(self._objects, found, provenance)
        )

    def scenes(self, duplicates: Duplicates = "drop") -> gpd.GeoDataFrame:
        """All scenes with their footprints; columns as in `westsea.schema`, collection and date.

        `n_detections` and `n_pairs` are those of the scene's files.
        """
        return self._frame(SCENES, duplicates)

    def events(self) -> gpd.GeoDataFrame:
        """What several passes saw at one spot, as `westsea link` wrote it last."""
        rows = overlays.read(self._objects, EVENTS)
        rows = EVENTS.schema.empty_table() if rows is None else rows
        return _geo_frame(EVENTS, rows.drop_columns([BBOX]))

    def refused(self) -> pd.DataFrame:
        """The scenes that can never be processed as they are, and why."""
        return _records(self._uncommitted(REFUSED, Refusal), Refusal)

    def failed(self) -> pd.DataFrame:
        """The scenes that a retry may mend, what went wrong last and how often it was tried."""
        return _records(self._uncommitted(FAILED, Failure), Failure)

    def runs(self) -> pd.DataFrame:
        """What each run did, one row per run in the order of their ids."""
        rows = []
        keys = list(self._objects.list(RUNS))
        for key, data in zip(keys, side_by_side(self._objects.get, keys), strict=True):
            if key.endswith(".json") and data is not None:
                run_id = unquote(key.removeprefix(f"{RUNS}/").removesuffix(".json"))
                rows.append({"run_id": run_id, **_document(f"{self._objects}/{key}", data)})
        return pd.DataFrame(rows) if rows else pd.DataFrame({"run_id": pd.Series(dtype=str)})

    def explore(self) -> "folium.Map":
        """A map of scenes and pairs for a notebook; needs the extra `explore`."""
        from westsea.maps import explore

        return explore(self.scenes(), self.pairs())

    def parameters(self) -> dict[str, Any]:
        """The parameters that decided the numbers."""
        data = self._objects.get(PARAMETERS)
        return _document(f"{self._objects}/{PARAMETERS}", data or b"")

    def __repr__(self) -> str:
        counts = ", ".join(f"{number} {name}" for name, number in self._counts().items())
        return f"Sweep({self._objects}: {counts})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{name}</th><td>{number}</td></tr>" for name, number in self._counts().items()
        )
        title = html.escape(str(self._objects))
        return f"<table><caption>Sweep {title}</caption><tbody>{rows}</tbody></table>"

    def _counts(self) -> dict[str, int]:
        lineage = self._lineage()
        scenes = self._joined(SCENES, lineage)
        scenes = scenes[scenes["duplicate_of"].isna()]
        return {
            "scenes": len(scenes),
            "detections": int(scenes["n_detections"].sum()) - len(lineage.detections),
            "pairs": int(scenes["n_pairs"].sum()) - len(lineage.pairs) + lineage.n_across,
            "refused": len(self.refused()),
            "failed": len(self.failed()),
        }

    def _lineage(self) -> "_Lineage":
        return _Lineage.read(self._objects, Rule.of(self.parameters()))

    def _frame(self, table: Table, duplicates: Duplicates) -> gpd.GeoDataFrame:
        if duplicates not in ("drop", "keep"):
            raise UsageError(f'Duplicates are "drop" or "keep", not {duplicates!r}.')
        lineage = self._lineage()
        frame = self._joined(table, lineage)
        if duplicates == "keep":
            return frame
        kept = frame[frame["duplicate_of"].isna()].drop(columns="duplicate_of")
        return lineage.with_kept_names(kept.reset_index(drop=True))

    def _joined(self, table: Table, lineage: "_Lineage") -> gpd.GeoDataFrame:
        """All rows of a table, and what is kept in place of each."""
        parts = [_located(table.schema.empty_table(), "", "")]
        files = rows(self._objects, table, lineage.committed)
        for commit, found in zip(lineage.committed, files, strict=True):
            parts.append(_located(found, commit.collection, commit.day))
        if table is PAIRS:
            parts += lineage.across
        everything = pa.concat_tables(parts, promote_options="default")
        order = dict.fromkeys(("collection", "date", "item_id", *table.sort_by))
        everything = everything.sort_by([(name, "ascending") for name in order])
        frame = _geo_frame(table, everything)
        frame["duplicate_of"] = lineage.duplicate_of(table, frame)
        return with_fixed(table, frame, overlays.fixed_ids(self._objects))

    def _uncommitted(self, folder: str, kind: type[R]) -> Iterator[R]:
        """Records of scenes that no run has completed since."""
        records: list[R] = []
        for data in side_by_side(self._objects.get, list(self._objects.list(folder))):
            with suppress(msgspec.DecodeError):  # the store takes such a scene for new
                records.append(msgspec.json.decode(data or b"", type=kind))
        keys = [
            SceneKey(each.collection, each.item_id, each.date, item_hash="").table(DETECTIONS.name)
            for each in records
        ]
        is_committed = side_by_side(self._objects.exists, keys)
        for record, done in zip(records, is_committed, strict=True):
            if not done:
                yield record


@dataclass(frozen=True)
class _Lineage:
    """What scenes of one pass have in common, over all days."""

    committed: Sequence[Commit]
    days: Mapping[str, Overlay]

    @classmethod
    def read(cls, objects: Objects, rule: Rule) -> "_Lineage":
        """As it is written, or computed where that is not up to date."""
        committed = commits(objects)
        return cls(committed, read(objects, committed, rule))

    @cached_property
    def detections(self) -> dict[str, str]:
        """Ids of detections of kept scenes that are not kept, and of those in their place."""
        return self._names(LINEAGE_DETECTIONS, "detect_id")

    @cached_property
    def pairs(self) -> dict[str, str]:
        """The same of pairs."""
        return self._names(LINEAGE_PAIRS, "pair_id")

    @property
    def across(self) -> list[pa.Table]:
        """Pairs of which no scene holds both hulls, with what a path says of others."""
        found = ((day, overlay[LINEAGE_ACROSS.name]) for day, overlay in self.days.items())
        return [_dated(rows, day) for day, rows in found if len(rows)]

    @property
    def n_across(self) -> int:
        """How many of these there are."""
        return sum(len(overlay[LINEAGE_ACROSS.name]) for overlay in self.days.values())

    def duplicate_of(self, table: Table, frame: pd.DataFrame) -> pd.Series:
        """What is kept in place of each row of a table, null where it is kept itself."""
        superseded = {
            (day, row["collection"], row["item_id"]): row["duplicate_of"]
            for day, overlay in self.days.items()
            for row in overlay[LINEAGE_SCENES.name].to_pylist()
        }
        scenes = zip(frame["date"], frame["collection"], frame["item_id"], strict=True)
        of_scene = pd.Series([superseded.get(scene) for scene in scenes], frame.index, object)
        if table is SCENES:
            return of_scene
        names = self.detections if table is DETECTIONS else self.pairs
        return of_scene.where(of_scene.notna(), frame[table.id].map(names).astype(object))

    def with_kept_names(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """The rows with the names of kept detections for all others.

        A pair of two detections for which one is kept is a pair within that one.
        """
        for column in ("detect_id_1", "detect_id_2", "doubt_detect_id"):
            if column in frame:
                frame[column] = frame[column].map(lambda name: self.detections.get(name, name))
        if "detect_id_2" in frame:
            one = frame["detect_id_1"] == frame["detect_id_2"]
            frame["detect_id_2"] = frame["detect_id_2"].mask(one, None)
        return frame

    def _names(self, table: Table, column: str) -> dict[str, str]:
        found = [overlay[table.name] for overlay in self.days.values()]
        return {
            name: kept
            for rows in found
            for name, kept in zip(
                rows[column].to_pylist(), rows["duplicate_of"].to_pylist(), strict=True
            )
        }


def _dated(rows: pa.Table, day: str) -> pa.Table:
    """Rows that name their collection, with their day."""
    names = [name for name in rows.column_names if name not in (BBOX, "collection")]
    dates = pa.array([day] * len(rows), pa.string())
    columns = [rows["collection"], dates, *(rows[name] for name in names)]
    return pa.table(columns, names=["collection", "date", *names])


def _located(rows: pa.Table, collection: str, date: str) -> pa.Table:
    """`rows` with what their path says."""
    names = [name for name in rows.column_names if name != BBOX]
    columns = [pa.array([text] * len(rows), pa.string()) for text in (collection, date)]
    return pa.table(
        [*columns, *(rows[name] for name in names)], names=["collection", "date", *names]
    )


def _geo_frame(table: Table, rows: pa.Table) -> gpd.GeoDataFrame:
    frame = rows.to_pandas()
    for column in table.columns:
        if column.nullable and pa.types.is_integer(column.dtype):
            # Floats, as pandas would have it, are no counts.
            frame[column.name] = rows[column.name].to_pandas(
                types_mapper={column.dtype: pd.Int32Dtype()}.get
            )
    frame[table.geometry] = gpd.GeoSeries.from_wkb(frame[table.geometry])
    return gpd.GeoDataFrame(frame, geometry=table.geometry, crs="OGC:CRS84")


def _records(records: Iterator[Any], kind: type[Any]) -> pd.DataFrame:
    names: Sequence[str] = kind.__match_args__
    rows = [tuple(getattr(record, name) for name in names) for record in records]
    return pd.DataFrame(sorted(rows), columns=list(names))


def _document(name: str, data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise ConfigError(f"{name} is damaged: it is no JSON.") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{name} is damaged: it is no JSON object.")
    return document
