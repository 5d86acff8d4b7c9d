"""What the numbers of a pair say, in words: why it scores as it does, and what would settle it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from westsea.schema import DOUBT, FAR_M, FLAG_MEANINGS, Flag

Row = Mapping[str, Any]

UNRESOLVED = "not resolved"
MOST_SD_M = 1000.0
"""A standard error above that means that the number is none."""
YELLOW_SEA_LON = (114.0, 135.0)
KOREA_LON = 124.0
"""East of it clocks go by UTC+9, west of it by UTC+8: the middle of the Yellow Sea."""
BY_CHANCE = 0.5
"""Pairs as near expected by chance, from which on nearness alone says little."""
THIRD_M = 500.0


def names(flags: int) -> list[str]:
    """Flags by name, doubts first."""
    return [str(flag.name).lower() for flag in FLAG_MEANINGS if flags & flag]


def flag_document() -> dict[str, dict[str, Any]]:
    """Every flag with its meaning, as declared in the schema."""
    return {
        str(flag.name).lower(): {"meaning": meaning, "doubt": bool(flag & DOUBT)}
        for flag, meaning in FLAG_MEANINGS.items()
    }


def local_time(when: datetime, lon: float) -> str:
    """The time on a clock at a longitude."""
    hours = round(lon / 15)
    if YELLOW_SEA_LON[0] <= lon <= YELLOW_SEA_LON[1]:
        hours = 9 if lon >= KOREA_LON else 8
    local = when.astimezone(timezone(timedelta(hours=hours)))
    return f"{local:%Y-%m-%d %H:%M} UTC{hours:+d}"


def position(lon: float, lat: float) -> str:
    """A place as charts have it, in degrees and minutes; .01' is 18.5 m."""
    north, east = ("N" if lat >= 0 else "S"), ("E" if lon >= 0 else "W")
    return f"{_minutes(lat, 2)} {north} {_minutes(lon, 3)} {east}"


def _minutes(value: float, digits: int) -> str:
    degrees, hundredths = divmod(round(abs(value) * 6000), 6000)
    return f"{degrees:0{digits}d}°{hundredths / 100:05.2f}'"


def metres(value: float | None, sd: float | None = None) -> str:
    """A length with its standard error."""
    if value is None:
        return UNRESOLVED
    if value >= FAR_M:
        return "50 km or more"
    digits = 1 if sd is not None and sd < 1.0 else 0
    if sd is None:
        return f"{value:,.0f} m"
    if sd > MOST_SD_M:
        return f"{value:,.0f} m (unsure)"
    return f"{value:,.{digits}f} ± {sd:,.{digits}f} m"


def probability(value: float) -> str:
    """A probability; none is certain."""
    return "over 0.99" if value > 0.995 else "under 0.01" if value < 0.005 else f"{value:.2f}"


def overlap(value: float | None) -> str:
    """How far two hulls lie abreast."""
    if value is None:
        return UNRESOLVED
    return f"{value:,.0f} m" if value >= 0 else f"none: {-value:,.0f} m past each other"


def reasons(pair: Row, first: Row | None, second: Row | None) -> list[str]:
    """Why the pair scores so, from the columns that the score rests on."""
    if first is None:
        return ["Its detections are not in the tables, so nothing more can be told."]
    if pair["detect_id_2"] is None:
        found = list(_one_blob(pair, first))
    else:
        found = list(_two_blobs(pair, first, second))
    return [*found, *_company(pair)]


def _one_blob(pair: Row, blob: Row) -> Iterator[str]:
    length = metres(blob["length_m"], blob["length_sd_m"])
    width = metres(blob["width_m"], blob["width_sd_m"])
    yield f"One blob of {length} by {width}: the sensor cannot part the hulls in it."
    if blob["expected_width_m"] is not None:
        wide = blob["width_m"] / blob["expected_width_m"]
        yield (
            f"A single ship of that length is usually {metres(blob['expected_width_m'])} wide; this"
            f" is {wide:.1f} times that."
        )
    if blob["p_alongside"] is not None:
        yield (
            f"Shape and level in {blob['alongside_bands'] or 'its bands'} give"
            f" {probability(blob['p_alongside'])} for two or more hulls alongside,"
            f" {probability(blob['p_wide_single'] or 0.0)} for one wide hull."
        )
    if blob["alongside_tpr"] is not None and blob["alongside_fpr"] is not None:
        yield (
            f"Of simulated ships alongside of this length and contrast"
            f" {100 * blob['alongside_tpr']:.0f} % lie above the operating point, of single ships"
            f" {100 * blob['alongside_fpr']:.1f} %."
        )
    yield f"The blob itself is a ship with probability {probability(blob['score'])}."


def _two_blobs(pair: Row, first: Row, second: Row | None) -> Iterator[str]:
    for number, hull in (("1", first), ("2", second)):
        if hull is None:
            continue
        doubts = names(int(hull["flags"]) & int(DOUBT))
        but = f", but bears a doubt: {', '.join(doubts)}" if doubts else ""
        yield (
            f"Hull {number} is a ship with probability {probability(hull['score'])}"
            f" ({hull['snr_db']:.0f} dB above the sea){but}."
        )
    limits = "up to 20 m" if pair["kind"] == "alongside" else "20 to 500 m"
    yield f"The gap is {metres(pair['gap_m'], pair['gap_sd_m'])}; “{pair['kind']}” means {limits}."
    if pair["relative_heading_deg"] is not None:
        yield f"Their axes differ by {pair['relative_heading_deg']:.0f}°."
    if second is not None and pair["gap_m"] is not None:
        small = second["length_m"] <= 35 and second["length_m"] <= 0.6 * first["length_m"]
        if pair["gap_m"] <= 40 and small:
            yield "The second is so small and near that it is mostly a piece of the first."


def _company(pair: Row) -> Iterator[str]:
    chance, others = pair["expected_chance_pairs"], pair["n_neighbors_5km"]
    if chance >= BY_CHANCE:
        yield (
            f"With {others} other ships within 5 km, {chance:.1f} pairs as near are expected by"
            " chance: being near says little here."
        )
    elif pair["gap_m"] is not None:
        yield (
            f"With {others} other ships within 5 km, {chance:.2g} pairs as near are expected by"
            " chance."
        )
    if pair["nearest_third_m"] <= THIRD_M:
        yield f"A third ship lies {metres(pair['nearest_third_m'])} from the middle between them."
    if pair["raft_id"]:
        yield "It is part of a raft: three or more hulls alongside one another."


def settling(pair: Row, sensor: str, hulls: Sequence[Row]) -> list[str]:
    """What would settle it: which sensor, or which pass."""
    flags = int(pair["flags"])
    for hull in hulls:
        flags |= int(hull["flags"])
    return [*_by_sensor(pair, sensor), *_by_flag(flags, sensor)]


def _by_sensor(pair: Row, sensor: str) -> Iterator[str]:
    if sensor == "sar" and pair["kind"] == "alongside":
        yield (
            "A single radar look ranks, it cannot confirm: a cloudless Sentinel-2 image, or a"
            " second radar pass, within the hours that a transfer takes."
        )
    elif sensor == "sar":
        yield "A cloudless Sentinel-2 image of the same day shows decks, foam and headings."
    else:
        yield "A second pass, radar or optical, within hours to a day: such ships stay together."
    yield "Commercial imagery of a metre or better, or AIS of the time, where either ship sends it."


def _by_flag(flags: int, sensor: str) -> Iterator[str]:
    if flags & (Flag.AZIMUTH_AMBIGUITY | Flag.SIDELOBE):
        yield "Ghosts of the radar are in no optical image, and elsewhere on the other orbit."
    if flags & Flag.AZIMUTH_SMEAR and sensor == "sar":
        yield "Smear is along the flight: the other orbit's look, or an optical one, is free of it."
    if flags & (Flag.LATTICE | Flag.FIXED_OBJECT | Flag.LAND_NEAR):
        yield "Rocks, farms and platforms are at the same place in earlier scenes; ships are not."
    if flags & Flag.CLOUD:
        yield "Radar sees through the cloud."
    if flags & Flag.WAKE:
        yield "Wakes and crests have moved or gone in the next pass."
    if flags & Flag.EDGE:
        yield "The neighbouring slice or tile of the same pass may show the whole hull."


_AGAIN = "run the same sweep again"
_ADVICE = (
    (("answered 401", "answered 403", "keys"), f"Check keys or subscription, then {_AGAIN}."),
    (("answered 404", "no such file"), "The file is gone from the catalogue: search anew."),
    (("answered 429", "answered 5", "reached", "broke off"), f"The service failed: {_AGAIN}."),
    (("died", "memory"), f"Give workers more memory or a smaller --chunk, then {_AGAIN}."),
    (("deadline", "took too long"), f"It took too long: {_AGAIN}, with fewer workers at once."),
)


def advice(reason: str) -> str:
    """What to do about a failed scene, by what its reason says."""
    for words, what in _ADVICE:
        if any(word in reason.lower() for word in words):
            return what
    return f"{_AGAIN.capitalize()}; if it fails again, report it with what -v prints."
