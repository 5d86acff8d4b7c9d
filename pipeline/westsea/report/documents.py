"""What a report tells, as JSON values: pairs with their chips, scenes and runs."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import shapely

from westsea import words
from westsea.objects import open_objects
from westsea.report import geography
from westsea.report.chips import pictures_of
from westsea.report.coverage import run_document, scene_documents, ships
from westsea.report.pairs import pair_document, pair_hulls
from westsea.report.patches import MapChip
from westsea.report.rows import Row, rows_of
from westsea.report.scenes import Scenes, provenance_of
from westsea.results import Sweep
from westsea.schema import REASONS, VERDICTS
from westsea.sources import Source
from westsea_catalog.coast import Coast
from westsea_catalog.pictures import Picture
from westsea_catalog.profiles import Profile


def document(
    out: str,
    *,
    own: Mapping[str, Profile] | None = None,
    given: Mapping[tuple[str, str], Source] | None = None,
) -> dict[str, Any]:
    """All that a report shows."""
    sweep, scenes = Sweep(out), Scenes(open_objects(out), own or {}, given or {})
    parameters = sweep.parameters()
    pairs = rows_of(sweep.pairs().sort_values(["score", "pair_id"], ascending=[False, True]))
    detections, swept = sweep.detections(), sweep.scenes()
    coast, aoi = Coast.shipped(), parameters.get("aoi")
    area = None if aoi is None else shapely.geometry.shape(aoi)
    by_id = {row["detect_id"]: row for row in rows_of(detections)}
    seen = scene_documents(sweep, swept, scenes)
    box = geography.box_of([*swept.geometry, *(scene.pop("shape") for scene in seen)], area)
    shown, provenances = _pairs(pairs, by_id, rows_of(swept), scenes)
    return {
        "title": f"westsea: {len(pairs)} candidate pairs",
        "out": str(scenes.objects),
        "params_hash": str(parameters.get("params_hash")),
        "parameters": parameters,
        "box": box,
        "stretch": 1.0 if box is None else 1 / math.cos(math.radians((box[1] + box[3]) / 2)),
        "coast": geography.coast_rings(coast, box),
        "coast_credit": geography.credit(coast),
        "aoi": geography.outlines(area),
        "flags": words.flag_document(),
        "verdicts": VERDICTS,
        "reasons": REASONS,
        "pairs": shown,
        "sources": provenances,
        "ships": ships(detections),
        "scenes": seen,
        "run": run_document(sweep, swept),
    }


def _pairs(
    pairs: list[Row], by_id: dict[str, Row], swept: list[Row], scenes: Scenes
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Pairs in the given order, and the provenances that they name; scenes are opened in turn."""
    of_scene: dict[tuple[str, str], list[int]] = {}
    for n, pair in enumerate(pairs):
        of_scene.setdefault((pair["collection"], pair["item_id"]), []).append(n)
    rows = {(row["collection"], row["item_id"]): row for row in swept}
    hulls: dict[str, list[Row]] = {}
    for hull in by_id.values():
        hulls.setdefault(hull["item_id"], []).append(hull)
    found: list[dict[str, Any]] = [{}] * len(pairs)
    provenances: list[dict[str, Any]] = []
    for key, at in of_scene.items():
        source = scenes.source(*key)
        patches = scenes.patches(source)
        provenance = provenance_of(source, rows.get(key))
        near = hulls.get(key[1], [])
        for n in at:
            shown = pair_document(pairs[n], by_id, near, patches, provenance)
            found[n] = {**shown, "source": len(provenances)}
        provenances.append(provenance)
    return found, provenances


def one_pair(
    pair: pd.DataFrame, detections: pd.DataFrame, swept: pd.DataFrame, scenes: Scenes
) -> tuple[dict[str, Any], dict[str, Any], MapChip, list[Picture]]:
    """A pair, its provenance, and its chips as arrays; `pair` is the one row of it."""
    [row] = rows_of(pair)
    key = (row["collection"], row["item_id"])
    source = scenes.source(*key)
    patches = scenes.patches(source)
    hulls = rows_of(detections)
    by_id = {hull["detect_id"]: hull for hull in hulls}
    scene = {(each["collection"], each["item_id"]): each for each in rows_of(swept)}.get(key)
    provenance = provenance_of(source, scene)
    near = [hull for hull in hulls if hull["item_id"] == key[1]]
    place, pictures, reason = pictures_of(row, pair_hulls(row, by_id), patches)
    shown = pair_document(row, by_id, near, reason or patches, provenance)
    return shown, provenance, place, pictures
