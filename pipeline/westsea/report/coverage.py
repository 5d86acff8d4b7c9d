"""What was looked at: scenes with how they ended, other ships, and runs."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from westsea import words
from westsea.report import geography
from westsea.report.rows import Row, rows_of
from westsea.report.scenes import Scenes
from westsea.results import Sweep
from westsea_catalog.stac_item import item_footprint

MOST_SHIPS = 20_000
"""Other detections drawn on the map."""
MOST_SCENES = 5_000
"""Scenes drawn on the run page."""


def ships(detections: pd.DataFrame) -> list[list[float]]:
    """[lon, lat, length, whether doubted] of the likeliest ships."""
    best = detections.sort_values("score", ascending=False, kind="stable").head(MOST_SHIPS)
    doubted = (best["flags"].to_numpy() & 0xFF) != 0
    columns = (best["lon"].round(4), best["lat"].round(4), best["length_m"].round(), doubted)
    return [
        [float(lon), float(lat), float(length), int(doubt)]
        for lon, lat, length, doubt in zip(*columns, strict=True)
    ]


def scene_documents(sweep: Sweep, swept: pd.DataFrame, scenes: Scenes) -> list[dict[str, Any]]:
    """Every scene with how it ended, in order of time."""
    found = [_committed(row) for row in rows_of(swept)]
    for verdict, frame in (("refused", sweep.refused()), ("failed", sweep.failed())):
        for row in rows_of(frame):
            source = scenes.source(row["collection"], row["item_id"])
            what = "Nothing to do: it can never be read as it is."
            found.append(
                {
                    "id": row["item_id"],
                    "collection": row["collection"],
                    "verdict": verdict,
                    "time": f"{row['date']}T00:00:00+00:00",
                    "ships": 0,
                    "pairs": 0,
                    "km2": 0.0,
                    "reason": row["reason"],
                    "advice": what if verdict == "refused" else words.advice(row["reason"]),
                    "attempts": int(row.get("attempts") or 0),
                    "shape": item_footprint(source.item) if source else None,
                }
            )
    found.sort(key=lambda scene: (scene["time"], scene["id"]))
    for scene in found:
        scene["rings"] = geography.outlines(scene["shape"])
    return found[-MOST_SCENES:]


def _committed(row: Row) -> dict[str, Any]:
    return {
        "id": row["item_id"],
        "collection": row["collection"],
        "verdict": "done" if row["n_detections"] else "empty",
        "time": row["datetime"].isoformat(),
        "ships": int(row["n_detections"]),
        "pairs": int(row["n_pairs"]),
        "km2": round(row["km2_valid"], 1),
        "reason": "",
        "advice": "",
        "shape": row["footprint"],
    }


def run_document(sweep: Sweep, swept: pd.DataFrame) -> dict[str, Any]:
    """What was looked at, and every run's own record as far as it goes."""
    n_done = int((swept["n_detections"] > 0).sum())
    refused, failed = len(sweep.refused()), len(sweep.failed())
    runs = [
        {
            name: value
            for name, value in row.items()
            if name != "scenes" and isinstance(value, str | int | float | dict)
        }
        for row in rows_of(sweep.runs())
    ]
    reasons = Counter(words.advice(row["reason"]) for row in rows_of(sweep.failed()))
    return {
        "counts": {
            "done": n_done,
            "empty": len(swept) - n_done,
            "refused": refused,
            "failed": failed,
        },
        "km2": {
            name: round(float(np.nansum(swept[f"km2_{name}"])), 1)
            for name in ("valid", "masked", "nodata")
        },
        "runs": [_finite(run) for run in runs],
        "advice": dict(reasons),
    }


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return value
