"""Every column of the tables, declared once.

The Arrow schema, the documentation and the STAC `table:columns` derive from the declarations here.
``python -m westsea.schema`` prints the documentation as Markdown.

The columns `collection` and `date` are part of a file's path (``collection=<id>/date=<day>``) and
not of the file: readers of such trees would find them twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntFlag
from functools import cached_property
from typing import Any

import pyarrow as pa

FAR_M = 50_000.0
"""Cap of the distances to the shore and to the third ship, metres: "50 km or more"."""


class Flag(IntFlag):
    """Bits of the column `flags`: doubt (it may be no ship) or remark (it is one)."""

    EDGE = 1 << 0
    LAND_NEAR = 1 << 1
    AZIMUTH_AMBIGUITY = 1 << 2
    SIDELOBE = 1 << 3
    FIXED_OBJECT = 1 << 4
    LATTICE = 1 << 5
    CLOUD = 1 << 6
    WAKE = 1 << 7
    SATURATED = 1 << 8
    MERGED_BLOB = 1 << 9
    AZIMUTH_SMEAR = 1 << 10
    FLEET = 1 << 11
    ANCHORAGE = 1 << 12
    UNDER_WAY = 1 << 13
    TOW = 1 << 14


DOUBT = Flag((1 << 8) - 1)
"""Bits 0-7. A row without any of them is called unflagged."""

FLAG_MEANINGS: dict[Flag, str] = {
    Flag.EDGE: "touches the edge of the scene or of its valid pixels",
    Flag.LAND_NEAR: "100 m or less from land, or within 2 km of it and too stout for ships",
    Flag.AZIMUTH_AMBIGUITY: "lies where a target 18-40 dB brighter throws its azimuth ambiguities",
    Flag.SIDELOBE: "lies within 300 m in range or azimuth of a target whose sidelobe it may be",
    Flag.FIXED_OBJECT: "found at the same place in most scenes; set by an overlay, 0 in the files",
    Flag.LATTICE: "part of a regular lattice, such as aquaculture or a wind farm",
    Flag.CLOUD: "in or beside cloud or its shadow, or a small cloud itself",
    Flag.WAKE: "white water or glint: lies on the axis of a brighter hull, where foam shows that"
    " goes on; or, with doubt_detect_id null, a faint crest that runs across itself, as waves do",
    Flag.SATURATED: "holds pixels at the top of the sensor's range",
    Flag.MERGED_BLOB: "one blob that holds more than one hull",
    Flag.AZIMUTH_SMEAR: "smeared along azimuth by motion: length and heading are unsure",
    Flag.FLEET: "one of two small hulls abreast, of which there are four or more nearby, as pair"
    " trawlers fish; on pairs, both are",
    Flag.ANCHORAGE: "lies where ships anchor: many nearby lie along one axis; on pairs, both do",
    Flag.UNDER_WAY: "moves: a wake is seen, or a shift between bands of three standard errors",
    Flag.TOW: "in line with another along both axes, a small hull and a longer one, as a tug and"
    " its tow; on pairs, both are",
}


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    dtype: pa.DataType
    unit: str
    """Empty where there is none."""
    nullable: bool
    meaning: str

    @property
    def field(self) -> pa.Field:
        """The Arrow field, unit and meaning in its metadata."""
        metadata = {"unit": self.unit, "meaning": self.meaning}
        return pa.field(self.name, self.dtype, nullable=self.nullable, metadata=metadata)


@dataclass(frozen=True)
class Table:
    """One table: a file per scene, or an overlay's per day."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    id: str
    """The column that is unique within a file; empty where only several together are."""
    sort_by: tuple[str, ...]
    """The order of the rows in a file."""
    geometry: str
    """The geometry column; empty for none."""
    geometry_types: tuple[str, ...]
    may_be_nan: frozenset[str] = frozenset()
    """Statistics of the sea, undefined in a scene without any; no other column may hold NaN."""

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema, without file metadata."""
        return pa.schema([column.field for column in self.columns])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)


_TEXT = pa.string()
_REAL = pa.float64()
_INTEGER = pa.int32()
_BOOL = pa.bool_()
_TEXTS = pa.list_(pa.field("element", pa.string(), nullable=False))
_BOX = pa.struct(
    [pa.field(side, _REAL, nullable=False) for side in ("xmin", "ymin", "xmax", "ymax")]
)

_TIME = pa.timestamp("us", tz="UTC")

_ITEM_ID = Column("item_id", _TEXT, "", False, "id of the STAC item")
_DATETIME = Column("datetime", _TIME, "", False, "time of acquisition, UTC")
_PLATFORM = Column("platform", _TEXT, "", False, "satellite")
_ORBIT_STATE = Column("orbit_state", _TEXT, "", False, "ascending, descending or unknown")
_BBOX = Column("bbox", _BOX, "deg", False, "box around the geometry, for fast filters")
_FLAGS = Column("flags", _INTEGER, "", False, "bits of doubt and remark, see flags")


def _real(name: str, unit: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, _REAL, unit, nullable, meaning)


DETECTIONS = Table(
    name="detections",
    meaning="one row per blob: one or more hulls that the sensor cannot separate",
    id="detect_id",
    sort_by=("row", "col", "detect_id"),
    geometry="geometry",
    geometry_types=("Point",),
    columns=(
        Column("detect_id", _TEXT, "", False, "hash of collection, item_id and the peak's pixel"),
        _ITEM_ID,
        _DATETIME,
        _PLATFORM,
        _ORBIT_STATE,
        _real("row", "px", "row of the centroid; integers are pixel centres"),
        _real("col", "px", "column of the centroid; integers are pixel centres"),
        _real("lon", "deg", "longitude of the centroid, OGC:CRS84"),
        _real("lat", "deg", "latitude of the centroid, OGC:CRS84"),
        Column("geometry", pa.binary(), "", False, "the centroid, WKB point, OGC:CRS84"),
        _BBOX,
        _real("position_sd_m", "m", "standard error of the position"),
        _real("length_m", "m", "length of the blob on the ground"),
        _real("length_sd_m", "m", "standard error of length_m"),
        _real("width_m", "m", "width of the blob, measured and not inferred from its length"),
        _real("width_sd_m", "m", "standard error of width_m"),
        _real("heading_deg", "deg", "axis, 0-180 clockwise from true north"),
        _real("heading_sd_deg", "deg", "standard error of heading_deg"),
        _real(
            "speed_mps",
            "m/s",
            "speed over ground along the axis, either way, from the shift between optical bands;"
            " null where they do not tell it, and in radar scenes",
            nullable=True,
        ),
        _real("speed_sd_mps", "m/s", "standard error of speed_mps", nullable=True),
        Column("n_pixels", _INTEGER, "px", False, "pixels above the threshold"),
        _real("peak_db", "dB", "level of the brightest pixel"),
        _real("clutter_db", "dB", "level of the sea around"),
        _real("snr_db", "dB", "peak_db above clutter_db"),
        _real("score", "", "calibrated probability that it is a ship"),
        _real(
            "p_alongside",
            "",
            "probability of two or more hulls alongside, at the prior in the file's metadata; null,"
            " as what follows, where the pixels do not tell",
            nullable=True,
        ),
        _real("p_wide_single", "", "probability of a single wide hull, a barge", nullable=True),
        Column(
            "n_hulls",
            _INTEGER,
            "",
            True,
            "hulls in the blob: 1, or above the operating point 2, or 3 for three and more",
        ),
        _real(
            "expected_width_m",
            "m",
            "usual beam of a single ship as long as the blob, to hold width_m against",
            nullable=True,
        ),
        _real(
            "contrast_db",
            "dB",
            "level of the fitted hull over the sea's mean (radar) or its deviation (optical)",
            nullable=True,
        ),
        _real(
            "smear_m",
            "m",
            "fitted smear along azimuth, one standard deviation; null in optical scenes",
            nullable=True,
        ),
        _real(
            "axis_to_range_deg",
            "deg",
            "angle between the axis and the line of sight, 0-90; null in optical scenes",
            nullable=True,
        ),
        Column("alongside_bands", _TEXT, "", True, "bands that p_alongside was told from"),
        _real(
            "alongside_tpr",
            "",
            "share of ships alongside, as simulated, of this length and contrast that lie above the"
            " point of 1 % false",
            nullable=True,
        ),
        _real("alongside_fpr", "", "the same share of single ships", nullable=True),
        _FLAGS,
        Column(
            "doubt_detect_id",
            _TEXT,
            "",
            True,
            "detection whose azimuth ambiguity, sidelobe or wake it may be; null where it is land",
        ),
        _real(
            "doubt_ratio_db",
            "dB",
            "level of what it may be the azimuth ambiguity, sidelobe or wake of, above its own",
            nullable=True,
        ),
        _real(
            "distance_from_shore_m", "m", "distance to the nearest land; 50,000 means 50 km or more"
        ),
    ),
)

PAIRS = Table(
    name="pairs",
    meaning="one row per two hulls up to 500 m apart, from two blobs or from one; but pairs of two"
    " detections that are both land_near with a distance of 0 are counted in scenes alone",
    id="pair_id",
    sort_by=("pair_id",),
    geometry="geometry",
    geometry_types=("LineString", "Point"),
    columns=(
        Column("pair_id", _TEXT, "", False, "hash of the detections and the hulls in them"),
        Column("kind", _TEXT, "", False, "alongside (gap up to 20 m) or close (20-500 m)"),
        Column("detect_id_1", _TEXT, "", False, "detection of the longer hull"),
        Column("detect_id_2", _TEXT, "", True, "detection of the other hull; null for one blob"),
        _ITEM_ID,
        _DATETIME,
        _real("lon", "deg", "longitude of the midpoint, OGC:CRS84"),
        _real("lat", "deg", "latitude of the midpoint, OGC:CRS84"),
        Column(
            "geometry",
            pa.binary(),
            "",
            False,
            "WKB, OGC:CRS84: line from hull 1 to hull 2, or a point for one blob",
        ),
        _BBOX,
        _real(
            "gap_m",
            "m",
            "water between the hulls' edges, on the ellipsoid; null where those of one blob cannot"
            " be resolved, as are the three that follow",
            nullable=True,
        ),
        _real("gap_sd_m", "m", "standard error of gap_m", nullable=True),
        _real("center_distance_m", "m", "distance of the hulls' centres", nullable=True),
        _real("relative_heading_deg", "deg", "angle between the hulls' axes, 0-90", nullable=True),
        _real(
            "overlap_m",
            "m",
            "how much of hull 1's axis both lie along; below 0, how far they miss each other along"
            " it; null where not resolvable",
            nullable=True,
        ),
        _real("length_m_1", "m", "length of hull 1; null where not resolvable", nullable=True),
        _real("length_m_2", "m", "length of hull 2; null where not resolvable", nullable=True),
        _real("width_m_1", "m", "width of hull 1; null where not resolvable", nullable=True),
        _real("width_m_2", "m", "width of hull 2; null where not resolvable", nullable=True),
        Column(
            "n_neighbors_5km",
            _INTEGER,
            "",
            False,
            "other unflagged detections within 5 km of the midpoint",
        ),
        _real(
            "nearest_third_m",
            "m",
            "distance from the midpoint to the nearest third unflagged detection; 50,000 means"
            " 50 km or more",
        ),
        _real(
            "expected_chance_pairs",
            "",
            "pairs with a center_distance_m as short, expected within 5 km if the n_neighbors_5km"
            " lay at random, on sea all around",
        ),
        Column("raft_id", _TEXT, "", False, "shared by the pairs of one raft; empty when in none"),
        _real("score", "", "calibrated probability that the pair is what kind says"),
        _FLAGS,
        Column(
            "chip_bounds",
            pa.list_(_INTEGER, 4),
            "px",
            False,
            "window to look at, half open: row0, row1, col0, col1",
        ),
    ),
)

SCENES = Table(
    name="scenes",
    meaning="one row per scene",
    id="item_id",
    sort_by=("item_id",),
    geometry="footprint",
    geometry_types=("Polygon", "MultiPolygon"),
    may_be_nan=frozenset({"clutter_db", "enl", "k_order", "pfa_empirical"}),
    columns=(
        _ITEM_ID,
        _DATETIME,
        _PLATFORM,
        _ORBIT_STATE,
        Column(
            "polarizations", _TEXTS, "", False, "polarizations searched; bands of optical scenes"
        ),
        Column(
            "footprint",
            pa.binary(),
            "",
            False,
            "the item's footprint, that of the pixels in radar geometry; WKB, OGC:CRS84",
        ),
        _BBOX,
        Column(
            "processing_baseline", _TEXT, "", True, "version of the processor, as the item says it"
        ),
        Column(
            "processed",
            _TIME,
            "",
            True,
            "when the product was made, UTC, or where the item does not say that, the item",
        ),
        Column(
            "radar_mode", _TEXT, "", True, "IW or EW; of scenes in radar geometry, as what follows"
        ),
        Column(
            "calibrated", _BOOL, "", True, "levels are gamma0, not relative to those of the scene"
        ),
        Column("noise_removed", _BOOL, "", True, "thermal noise is off the levels"),
        _real(
            "incidence_min_deg", "deg", "least angle of incidence; null if unknown", nullable=True
        ),
        _real("incidence_max_deg", "deg", "greatest one; null if unknown", nullable=True),
        _real("km2_valid", "km2", "sea that was searched"),
        _real("km2_masked", "km2", "land, cloud and what lies outside the AOI"),
        _real("km2_nodata", "km2", "pixels without data"),
        _real("clutter_db", "dB", "median level of the sea; NaN without sea"),
        _real("enl", "", "equivalent number of looks of the sea; NaN without sea"),
        _real(
            "k_order",
            "",
            "order of the sea's K distribution: inf for pure speckle, NaN without sea",
        ),
        _real("pfa_nominal", "", "false alarms per pixel that the threshold is set for"),
        _real(
            "pfa_empirical",
            "",
            "share of sea pixels above the threshold, ships left out; NaN without sea",
        ),
        Column("n_detections", _INTEGER, "", False, "rows in detections"),
        Column("n_pairs", _INTEGER, "", False, "rows in pairs"),
        Column(
            "n_land_pairs",
            _INTEGER,
            "",
            False,
            "pairs that are not listed: their pixels show both detections to be pieces of land, or"
            " them to lie alongside each other and one of them within 100 m of land",
        ),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in (DETECTIONS, PAIRS, SCENES)}

_COLLECTION = Column("collection", _TEXT, "", False, "id of the STAC collection")


def _duplicates(rows: str, *columns: Column) -> Table:
    """A table of the rows of another one that are there twice."""
    return Table(
        name=f"lineage/{rows}",
        meaning=f"one row per row of {rows} that says again what another one says",
        id="",
        sort_by=tuple(column.name for column in columns[:-1]),
        geometry="",
        geometry_types=(),
        columns=columns,
    )


LINEAGE_SCENES = _duplicates(
    "scenes",
    _COLLECTION,
    _ITEM_ID,
    Column("kept_collection", _TEXT, "", False, "collection of what is kept"),
    Column(
        "duplicate_of",
        _TEXT,
        "",
        False,
        "item_id of the newer product, which is kept; its own where it is dated to another day too",
    ),
)
LINEAGE_DETECTIONS = _duplicates(
    "detections",
    Column("detect_id", _TEXT, "", False, "of the detection, in a scene that is kept"),
    Column("duplicate_of", _TEXT, "", False, "detect_id of the same hulls that is kept"),
)
LINEAGE_PAIRS = _duplicates(
    "pairs",
    Column("pair_id", _TEXT, "", False, "of the pair, in a scene that is kept"),
    Column(
        "duplicate_of",
        _TEXT,
        "",
        False,
        "pair_id of the same pair that is kept; detect_id of the hull of which both are pieces",
    ),
)
LINEAGE_ACROSS = replace(
    PAIRS,
    name="lineage/across",
    meaning="one row per pair of which no scene holds both hulls; columns as in pairs, with what"
    " the scene of hull 1 has for a collection, item_id and datetime. chip_bounds are pixels of"
    " that scene, taken as 10 m, and may reach beyond its end",
    columns=(_COLLECTION, *PAIRS.columns),
)
LINEAGE = (LINEAGE_SCENES, LINEAGE_DETECTIONS, LINEAGE_PAIRS, LINEAGE_ACROSS)
"""Overlays that tell what scenes of one pass have in common; files are those of a day (UTC)."""

VERDICTS = {"true": "what its kind says", "false": "something else", "unsure": "cannot be told"}
"""What a person says of a pair."""
REASONS: dict[str, str] = {
    "sts_plausible": "a transfer between ships is plausible",
    "pair_trawlers": "two trawlers that fish together",
    "tug_and_tow": "a tug and its tow",
    "single_long_ship": "one ship, long or wide",
    "azimuth_ambiguity": "a ghost of the radar",
    "wake": "a wake or white water",
    "fixed_structure": "a platform, turbine, farm or mark",
    "rock_or_land": "rock or land",
    "anchorage": "ships at anchor",
    "port": "ships in a port",
    "cloud_or_glint": "cloud or glint",
    "other": "something else, see the note",
}
"""Why."""
LABELS = Table(
    name="labels",
    meaning="one row per verdict of a person; of several on one pair the latest counts",
    id="",
    sort_by=("pair_id", "time", "reviewer"),
    geometry="",
    geometry_types=(),
    columns=(
        Column("pair_id", _TEXT, "", False, "of the pair that was looked at"),
        Column("detect_id_1", _TEXT, "", False, "detection of its longer hull"),
        Column("detect_id_2", _TEXT, "", True, "of its other hull; null for one blob"),
        Column("verdict", _TEXT, "", False, "true, false or unsure"),
        Column("reason", _TEXT, "", True, f"why: {', '.join(REASONS)}"),
        Column("note", _TEXT, "", True, "in the reviewer's words"),
        Column("reviewer", _TEXT, "", False, "who said it"),
        Column("time", _TIME, "", False, "when, UTC"),
    ),
)
"""The overlay of what people say; a file per import, which later ones add to."""


FIXED = Table(
    name="persist",
    meaning="one row per detection of an object that never moves; `westsea persist` writes it",
    id="detect_id",
    sort_by=("object_id", "detect_id"),
    geometry="",
    geometry_types=(),
    columns=(
        Column("detect_id", _TEXT, "", False, "of the detection, which is flagged fixed_object"),
        Column("object_id", _TEXT, "", False, "shared by the detections of one object"),
        _real("lon", "deg", "longitude of the object, the median of its detections"),
        _real("lat", "deg", "latitude of the object, the median of its detections"),
        _real("length_m", "m", "median length of its detections"),
        Column("n_found", _INTEGER, "", False, "passes that found it"),
        Column("n_seen", _INTEGER, "", False, "passes that saw its place"),
        Column("first_found", _TIME, "", False, "the first time, UTC"),
        Column("last_found", _TIME, "", False, "the last time, UTC"),
    ),
)

EVENTS = Table(
    name="events",
    meaning="one row per blob that one or more passes saw at one spot within days, and that may be"
    " ships alongside; `westsea link` writes it",
    id="event_id",
    sort_by=("first_seen", "event_id"),
    geometry="geometry",
    geometry_types=("Point",),
    columns=(
        Column("event_id", _TEXT, "", False, "hash of the least of detect_ids"),
        _real("lon", "deg", "mean longitude of the detections, OGC:CRS84"),
        _real("lat", "deg", "mean latitude of the detections, OGC:CRS84"),
        Column("geometry", pa.binary(), "", False, "the place, WKB point, OGC:CRS84"),
        _BBOX,
        Column("first_seen", _TIME, "", False, "the first look, UTC"),
        Column("last_seen", _TIME, "", False, "the last look, UTC"),
        Column("n_passes", _INTEGER, "", False, "passes of satellites that saw it"),
        Column("n_radar", _INTEGER, "", False, "looks by radar"),
        Column("n_optical", _INTEGER, "", False, "optical looks"),
        Column("platforms", _TEXTS, "", False, "satellites that saw it"),
        _real("length_m", "m", "median length of the blob"),
        _real(
            "p_alongside",
            "",
            "probability of two or more hulls alongside by all looks together, at the prior in the"
            " file's metadata",
        ),
        Column(
            "is_confirmed",
            pa.bool_(),
            "",
            False,
            "whether p_alongside is .5 or more by two passes or an optical look; a single radar"
            " look never confirms",
        ),
        Column("detect_ids", _TEXTS, "", False, "the detections, by time"),
    ),
)


def stac_columns(table: Table) -> list[dict[str, Any]]:
    """The `table:columns` of the STAC table extension, with the unit where there is one."""
    return [
        {
            "name": column.name,
            "description": column.meaning,
            "type": str(column.dtype),
            **({"unit": column.unit} if column.unit else {}),
        }
        for column in table.columns
    ]


def markdown() -> str:
    """Documentation of the tables and the flags."""
    return "\n".join([*_table_lines(), *_flag_lines()])


def _table_lines() -> Iterator[str]:
    for table in (*TABLES.values(), *LINEAGE, FIXED, EVENTS, LABELS):
        yield f"## {table.name}\n\n{table.meaning[0].upper()}{table.meaning[1:]}.\n"
        yield "| column | type | unit | null | meaning |\n|---|---|---|---|---|"
        for column in table.columns:
            null = "yes" if column.nullable else ""
            kind = _short(column.dtype)
            yield f"| {column.name} | {kind} | {column.unit} | {null} | {column.meaning} |"
        yield ""


def _flag_lines() -> Iterator[str]:
    yield "## flags\n\n| bit | flag | kind | meaning |\n|---|---|---|---|"
    for flag, meaning in FLAG_MEANINGS.items():
        kind = "doubt" if flag & DOUBT else "remark"
        yield f"| {flag.bit_length() - 1} | {str(flag.name).lower()} | {kind} | {meaning} |"


def _short(dtype: pa.DataType) -> str:
    """The type in the width of a table's cell."""
    if pa.types.is_struct(dtype):
        return f"struct({', '.join(field.name for field in dtype)})"
    if pa.types.is_fixed_size_list(dtype):
        return f"{dtype.value_type}[{dtype.list_size}]"
    if pa.types.is_list(dtype):
        return f"list of {dtype.value_type}"
    return str(dtype)


if __name__ == "__main__":
    print(markdown())
