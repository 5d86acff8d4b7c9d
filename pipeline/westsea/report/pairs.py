"""One pair in words and numbers, with its hulls, its neighbours and its chip."""

import math
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from westsea import words
from westsea.report.chips import chip
from westsea.report.patches import MapChip, Patches
from westsea.report.rows import Row

MOST_NEIGHBOURS = 6
NEAR_M = 5_000.0


def pair_document(
    pair: Row,
    by_id: Mapping[str, Row],
    near: list[Row],
    patches: Patches | str,
    provenance: dict[str, Any],
) -> dict[str, Any]:
    """All that is shown of a pair.

    Parameters
    ----------
    pair
        Its row.
    by_id
        Detections by their id.
    near
        Detections of its scene.
    patches
        What reads the scene's chips, or why none can be read.
    provenance
        Where the scene came from.
    """
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


def pair_hulls(pair: Row, by_id: Mapping[str, Row]) -> list[Row]:
    """The one or two detections of a pair that are in the tables."""
    ids = (pair["detect_id_1"], pair["detect_id_2"])
    return [by_id[name] for name in ids if name in by_id]


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


def _real(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
