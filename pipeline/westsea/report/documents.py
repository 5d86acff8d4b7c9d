"""What a report tells, as JSON values: pairs with their chips, scenes and runs."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from westsea import sources, words
from westsea.locating import locate
from westsea.objects import Objects, open_objects
from westsea.records import SceneKey
from westsea.report import geography
from westsea.report.patches import MapChip, Patches, data_uri
from westsea.results import Sweep
from westsea.schema import REASONS, VERDICTS
from westsea.sources import Source
from westsea_catalog.coast import Coast
from westsea_catalog.errors import WestseaError
from westsea_catalog.pictures import Picture
from westsea_catalog.profiles import Profile
from westsea_catalog.stac_item import item_footprint

MARGIN_M = 250.0
"""Sea shown beyond the hulls of a pair."""
MOST_REACH_M = 900.0
MOST_NEIGHBOURS = 6
MOST_SHIPS = 20_000
"""Other detections drawn on the map."""
MOST_SCENES = 5_000
"""Scenes drawn on the run page."""
NEAR_M = 5_000.0
NO_ITEM = "No item of this scene is kept beside the tables: give --items FILE to read its pixels."
BUILT_IN_ID = "westsea-built-in"
"""Of the catalogue of the built-in archive."""
BUILT_IN = "Simulated scene of the built-in archive; no Copernicus data."

Row = dict[str, Any]


@dataclass
class Scenes:
    """The scenes behind the tables, as far as they can be opened."""

    objects: Objects
    own: Mapping[str, Profile]
    """Catalogues of the settings file."""
    given: Mapping[tuple[str, str], Source] = field(default_factory=dict)
    """From --items; they go before those that are kept beside the tables."""

    def source(self, collection: str, item_id: str) -> Source | None:
        """Where a scene came from."""
        return self.given.get((collection, item_id)) or sources.recall(
            self.objects, collection, item_id
        )

    def patches(self, source: Source | None) -> Patches | str:
        """What reads its chips, or why none can be read."""
        if source is None:
            return NO_ITEM
        try:
            scene = source.scene(self.own)
            return Patches(locate(SceneKey.of(scene), scene))
        except WestseaError as error:
            return str(error)


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
    seen = _scenes(sweep, swept, scenes)
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
        "ships": _ships(detections),
        "scenes": seen,
        "run": _run(sweep, swept),
    }


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Rows with None for what is null, and sums that pandas made floats as they are."""
    columns = [
        [
            None if absent else value
            for value, absent in zip(frame[name], frame[name].isna(), strict=True)
        ]
        for name in frame
    ]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


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
        provenance = _provenance(source, rows.get(key))
        near = hulls.get(key[1], [])
        for n in at:
            shown = _pair(pairs[n], by_id, near, patches, provenance)
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
    provenance = _provenance(source, scene)
    near = [hull for hull in hulls if hull["item_id"] == key[1]]
    place, pictures, reason = pictures_of(row, pair_hulls(row, by_id), patches)
    shown = _pair(row, by_id, near, reason or patches, provenance)
    return shown, provenance, place, pictures


def pair_hulls(pair: Row, by_id: Mapping[str, Row]) -> list[Row]:
    """The one or two detections of a pair that are in the tables."""
    ids = (pair["detect_id_1"], pair["detect_id_2"])
    return [by_id[name] for name in ids if name in by_id]


def _pair(
    pair: Row,
    by_id: Mapping[str, Row],
    near: list[Row],
    patches: Patches | str,
    provenance: dict[str, Any],
) -> dict[str, Any]:
    first, second = by_id.get(pair["detect_id_1"]), by_id.get(pair["detect_id_2"])
    when = pair["datetime"].to_pydatetime().astimezone(UTC)
    members = pair_hulls(pair, by_id)
    return {
        "id": pair["pair_id"],
        "detect_ids": [pair["detect_id_1"], pair["detect_id_2"]],
        "kind": pair["kind"],
        "score": round(pair["score"], 4),
        "score_words": words.probability(pair["score"]),
        "gap": _real(pair["gap_m"]),
        "gap_words": words.metres(pair["gap_m"], pair["gap_sd_m"]),
        "length": _real(max((h["length_m"] for h in members), default=None)),
        "lon": round(pair["lon"], 5),
        "lat": round(pair["lat"], 5),
        "utc": f"{when:%Y-%m-%d %H:%M:%S} UTC",
        "local": words.local_time(when, pair["lon"]),
        "date": f"{when:%Y-%m-%d}",
        "sensor": provenance["sensor"],
        "pass": provenance["pass"],
        "flags": words.names(int(pair["flags"])),
        "chance": round(pair["expected_chance_pairs"], 3),
        "n_near": int(pair["n_neighbors_5km"]),
        "raft": pair["raft_id"],
        "numbers": pair_numbers(pair),
        "hulls": [_hull(hull) for hull in members],
        "why": words.reasons(pair, first, second),
        "settle": words.settling(pair, provenance["kind"], members),
        "near": _neighbours(pair, near),
        "label": _label(pair),
        "chip": chip(pair, members, patches),
    }


def pair_numbers(pair: Row) -> list[list[str]]:
    """Names and values of what was measured of the pair, with unit and uncertainty."""
    angle = pair["relative_heading_deg"]
    return [
        ["gap", words.metres(pair["gap_m"], pair["gap_sd_m"])],
        ["distance of centres", words.metres(pair["center_distance_m"])],
        ["angle between axes", words.UNRESOLVED if angle is None else f"{angle:.0f}°"],
        ["abreast of each other", words.overlap(pair["overlap_m"])],
        ["hull 1", _size(pair, "1")],
        ["hull 2", _size(pair, "2")],
        ["nearest third ship", words.metres(pair["nearest_third_m"])],
        ["other ships within 5 km", str(int(pair["n_neighbors_5km"]))],
        ["pairs as near, by chance", f"{pair['expected_chance_pairs']:.2g}"],
    ]


def _size(pair: Row, number: str) -> str:
    length, width = pair[f"length_m_{number}"], pair[f"width_m_{number}"]
    return words.UNRESOLVED if length is None else f"{length:,.0f} x {width:,.0f} m"


def _hull(hull: Row) -> dict[str, Any]:
    return {
        "id": hull["detect_id"],
        "numbers": hull_numbers(hull),
        "flags": words.names(int(hull["flags"])),
        "doubt_of": hull["doubt_detect_id"],
    }


def hull_numbers(hull: Row) -> list[list[str]]:
    """Names and values of what was measured of a detection, with unit and uncertainty."""
    speed = hull["speed_mps"]
    numbers = [
        ["length", words.metres(hull["length_m"], hull["length_sd_m"])],
        ["width", words.metres(hull["width_m"], hull["width_sd_m"])],
        ["axis from north", f"{hull['heading_deg']:.0f} ± {hull['heading_sd_deg']:.0f}°"],
        ["position", f"{hull['lat']:.5f}, {hull['lon']:.5f} ± {hull['position_sd_m']:.0f} m"],
        ["ship, probability", words.probability(hull["score"])],
        ["peak over sea", f"{hull['snr_db']:.1f} dB"],
        ["pixels", str(int(hull["n_pixels"]))],
        ["from shore", words.metres(hull["distance_from_shore_m"])],
    ]
    if speed is not None:
        numbers.insert(4, ["speed", f"{speed:.1f} ± {hull['speed_sd_mps'] or 0:.1f} m/s"])
    if hull["n_hulls"] is not None:
        numbers.append(["hulls in it", str(int(hull["n_hulls"]))])
    return numbers


def _label(pair: Row) -> dict[str, Any] | None:
    if pair["verdict"] is None:
        return None
    return {
        "verdict": pair["verdict"],
        "reason": pair["verdict_reason"],
        "note": pair["verdict_note"],
        "reviewer": pair["reviewer"],
        "time": pair["verdict_time"].isoformat(),
    }


def _neighbours(pair: Row, near: list[Row]) -> list[dict[str, Any]]:
    """The nearest other detections of the scene, within 5 km."""
    place = MapChip(pair["lon"], pair["lat"], 1.0, 1)
    found = []
    for hull in near:
        if hull["detect_id"] in (pair["detect_id_1"], pair["detect_id_2"]):
            continue
        east, north = place.metres(hull["lon"], hull["lat"])
        distance = math.hypot(east, north)
        if distance <= NEAR_M:
            bearing = math.degrees(math.atan2(east, north)) % 360
            found.append((distance, bearing, hull))
    found.sort(key=lambda each: each[:2])
    return [
        {
            "id": hull["detect_id"],
            "text": f"{words.metres(distance)} at {bearing:03.0f}°,"
            f" {words.metres(hull['length_m'], hull['length_sd_m'])} long",
            "flags": words.names(int(hull["flags"])),
        }
        for distance, bearing, hull in found[:MOST_NEIGHBOURS]
    ]


def pictures_of(
    pair: Row, members: list[Row], patches: Patches | str
) -> tuple[MapChip, list[Picture], str]:
    """The map around a pair, its pictures, and where there are none, why."""
    longest = max((hull["length_m"] for hull in members), default=0.0)
    reach = min((longest + (pair["center_distance_m"] or 0.0)) / 2 + MARGIN_M, MOST_REACH_M)
    nothing = MapChip(pair["lon"], pair["lat"], reach, 1)
    if isinstance(patches, str):
        return nothing, [], patches
    try:
        return *patches.pictures(pair["lon"], pair["lat"], reach), ""
    except WestseaError as error:
        return nothing, [], str(error)


def chip(pair: Row, members: list[Row], patches: Patches | str) -> dict[str, Any]:
    """Pictures around a pair, and what is drawn on them in metres east and south of the middle."""
    place, pictures, reason = pictures_of(pair, members, patches)
    return {
        "reason": reason,
        "reach": round(place.reach_m),
        "pixel": round(place.pixel_m, 1) if pictures else None,
        "size": place.size,
        "bounds": [round(side, 6) for side in place.bounds],
        "pictures": [
            {"name": p.name, "scale": p.scale, "uri": data_uri(p.pixels)} for p in pictures
        ],
        **drawing(place, pair, members),
    }


def drawing(place: MapChip, pair: Row, members: list[Row]) -> dict[str, Any]:
    """What is drawn on a chip: lines of [east, south], metres from its middle."""
    shapes = [hull_shape(place, hull) for hull in members]
    return {
        "outlines": [_drawn(shape.exterior) for shape in shapes],
        "axes": [_drawn(axis_line(place, hull)) for hull in members],
        "gap": gap_line(place, pair, shapes),
    }


def hull_shape(place: MapChip, hull: Row) -> shapely.Polygon:
    """A detection's outline: a rectangle as long and wide as it, metres east and north."""
    x, y = place.metres(hull["lon"], hull["lat"])
    half_width, half_length = hull["width_m"] / 2, hull["length_m"] / 2
    box = shapely.box(-half_width, -half_length, half_width, half_length)
    turned = affinity.rotate(box, -hull["heading_deg"], origin=(0, 0))
    return affinity.translate(turned, x, y)


def axis_line(place: MapChip, hull: Row) -> BaseGeometry:
    """A detection's long axis."""
    x, y = place.metres(hull["lon"], hull["lat"])
    line = shapely.LineString([(0, -hull["length_m"] / 2), (0, hull["length_m"] / 2)])
    return affinity.translate(affinity.rotate(line, -hull["heading_deg"], origin=(0, 0)), x, y)


def gap_line(place: MapChip, pair: Row, shapes: list[shapely.Polygon]) -> list[list[float]]:
    """The shortest line between two outlines, or between the hulls that were resolved in one."""
    if len(shapes) == 2:
        line = shapely.shortest_line(*shapes)
        return _drawn(line) if line.length > 0 else []
    if pair["geometry"].geom_type != "LineString":
        return []
    points = [place.metres(*point) for point in shapely.get_coordinates(pair["geometry"])]
    return _drawn(shapely.LineString(points))


def _drawn(line: BaseGeometry) -> list[list[float]]:
    """As SVG has it: south is positive."""
    return (shapely.get_coordinates(line) * [1, -1]).round(1).tolist()  # type: ignore[no-any-return]


def _real(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _provenance(source: Source | None, scene: Row | None) -> dict[str, Any]:
    """Where a pair's pixels came from."""
    item = source.item if source else {}
    optical = scene is not None and not set(scene["polarizations"]) & {"VV", "VH", "HH", "HV"}
    platform = scene["platform"] if scene else "unknown"
    orbit = scene["orbit_state"] if scene else "unknown"
    links = item.get("assets") or {}
    return {
        "collection": scene["collection"] if scene else item.get("collection"),
        "item": scene["item_id"] if scene else item.get("id"),
        "platform": platform,
        "pass": orbit,
        "kind": "optical" if optical else "sar",
        "sensor": "Sentinel-2" if optical else "Sentinel-1",
        "bands": list(scene["polarizations"]) if scene else [],
        "baseline": scene["processing_baseline"] if scene else None,
        "catalog": source.catalog if source else "",
        "links": {key: _link(asset) for key, asset in links.items()},
        "credit": credit_of(source, scene),
    }


def _link(asset: Any) -> str:
    href = str(asset.get("href")) if isinstance(asset, dict) else ""
    return href.partition("?")[0] if "://" in href else href


def credit_of(source: Source | None, scene: Row | None) -> str:
    """Whom pixels are owed to, as Copernicus' terms want it said."""
    if source is not None and source.root is not None and _is_built_in(Path(source.root)):
        return BUILT_IN
    year = f" {scene['datetime'].year}" if scene else ""
    return f"Contains modified Copernicus Sentinel data{year}."


@lru_cache(maxsize=8)
def _is_built_in(root: Path) -> bool:
    try:
        catalog = json.loads((root / "catalog.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(catalog, dict) and catalog.get("id") == BUILT_IN_ID


def _ships(detections: pd.DataFrame) -> list[list[float]]:
    """[lon, lat, length, whether doubted] of the likeliest ships."""
    best = detections.sort_values("score", ascending=False, kind="stable").head(MOST_SHIPS)
    doubted = (best["flags"].to_numpy() & 0xFF) != 0
    columns = (best["lon"].round(4), best["lat"].round(4), best["length_m"].round(), doubted)
    return [
        [float(lon), float(lat), float(length), int(doubt)]
        for lon, lat, length, doubt in zip(*columns, strict=True)
    ]


def _scenes(sweep: Sweep, swept: pd.DataFrame, scenes: Scenes) -> list[dict[str, Any]]:
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


def _run(sweep: Sweep, swept: pd.DataFrame) -> dict[str, Any]:
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
