"""Reading what sweeps wrote."""

import html
import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

import geopandas as gpd
import msgspec
import pandas as pd
import pyarrow as pa

from westsea.objects import open_objects
from westsea.records import FAILED, REFUSED, Failure, Refusal, SceneKey
from westsea.schema import DETECTIONS, PAIRS, SCENES, Table
from westsea.store import PARAMETERS, RUNS
from westsea.tables import BBOX, decode
from westsea_catalog.errors import ConfigError

_COMMIT = re.compile(r"detections/(collection=([^/]+)/date=(\d{4}-\d\d-\d\d)/[^/]+\.parquet)")

R = TypeVar("R", Refusal, Failure)


class Sweep:
    """The results in an output folder.

    Every call reads the folder anew, so that a sweep under way can be watched. A scene counts once
    its detections file is there.

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
        if not self._objects.exists(PARAMETERS):
            raise ConfigError(f"{self._objects} holds no results of a sweep.")

    def detections(self) -> gpd.GeoDataFrame:
        """All detections; columns as in `westsea.schema`, and collection and date."""
        return self._frame(DETECTIONS)

    def pairs(self) -> gpd.GeoDataFrame:
        """All pairs; columns as in `westsea.schema`, and collection and date."""
        return self._frame(PAIRS)

    def scenes(self) -> gpd.GeoDataFrame:
        """All scenes with their footprints; columns as in `westsea.schema`, collection and date."""
        return self._frame(SCENES)

    def refused(self) -> pd.DataFrame:
        """The scenes that can never be processed as they are, and why."""
        return _records(self._uncommitted(REFUSED, Refusal), Refusal)

    def failed(self) -> pd.DataFrame:
        """The scenes that a retry may mend, what went wrong last and how often it was tried."""
        return _records(self._uncommitted(FAILED, Failure), Failure)

    def runs(self) -> pd.DataFrame:
        """What each run did, one row per run in the order of their ids."""
        rows = []
        for key in self._objects.list(RUNS):
            data = self._objects.get(key)
            if key.endswith(".json") and data is not None:
                run_id = unquote(key.removeprefix(f"{RUNS}/").removesuffix(".json"))
                rows.append({"run_id": run_id, **_document(f"{self._objects}/{key}", data)})
        return pd.DataFrame(rows) if rows else pd.DataFrame({"run_id": pd.Series(dtype=str)})

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
        scenes = self.scenes()
        return {
            "scenes": len(scenes),
            "detections": int(scenes["n_detections"].sum()),
            "pairs": int(scenes["n_pairs"].sum()),
            "refused": len(self.refused()),
            "failed": len(self.failed()),
        }

    def _commits(self) -> Iterator[re.Match[str]]:
        for key in self._objects.list(DETECTIONS.name):
            if match := _COMMIT.fullmatch(key):
                yield match

    def _frame(self, table: Table) -> gpd.GeoDataFrame:
        parts = [_located(table.schema.empty_table(), "", "")]
        for commit in self._commits():
            path, collection, date = commit.groups()
            rows = self._rows(f"{table.name}/{path}")
            parts.append(_located(rows, unquote(collection), date))
        rows = pa.concat_tables(parts, promote_options="default")
        order = dict.fromkeys(("collection", "date", "item_id", *table.sort_by))
        return _geo_frame(table, rows.sort_by([(name, "ascending") for name in order]))

    def _rows(self, key: str) -> pa.Table:
        data = self._objects.get(key)
        if data is None:
            raise ConfigError(f"{self._objects}/{key} is missing though its scene is committed.")
        try:
            return decode(data)
        except (pa.ArrowException, OSError) as error:
            raise ConfigError(f"{self._objects}/{key} is damaged: it is no table.") from error

    def _uncommitted(self, folder: str, kind: type[R]) -> Iterator[R]:
        """Records of scenes that no run has completed since."""
        for key in self._objects.list(folder):
            data = self._objects.get(key)
            if data is None:
                continue
            try:
                record = msgspec.json.decode(data, type=kind)
            except msgspec.DecodeError:
                continue  # the store takes such a scene for new
            scene = SceneKey(record.collection, record.item_id, record.date, item_hash="")
            if not self._objects.exists(scene.table(DETECTIONS.name)):
                yield record


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
