"""What to look at: a region of the world and a period of time."""

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from westsea_catalog.errors import UsageError

Bbox = tuple[float, float, float, float]

WORLD: Bbox = (-180.0, -90.0, 180.0, 90.0)
FIRST_SENTINEL = datetime(2014, 4, 3, tzinfo=UTC)
MAX_GEOJSON_BYTES = 16 * 2**20

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DURATION = re.compile(r"P(?:(\d{1,4})W|(?:(\d{1,5})D)?(?:T(\d{1,6})H)?)", re.ASCII)


@dataclass(frozen=True)
class Region:
    """An area in longitude and latitude (degrees, OGC:CRS84), cut where it crosses 180 degrees."""

    name: str
    geometry: BaseGeometry
    """A valid polygon or multipolygon."""

    @property
    def bbox(self) -> Bbox:
        """(west, south, east, north), degrees."""
        west, south, east, north = (float(v) for v in self.geometry.bounds)
        return west, south, east, north

    @property
    def is_box(self) -> bool:
        """Whether the region is nothing but a box, or one on either side of 180 degrees."""
        return bool(
            shapely.union_all([shapely.box(*b) for b in self.boxes(2)]).equals(self.geometry)
        )

    def boxes(self, most: int) -> tuple[Bbox, ...]:
        """The bounding boxes of its parts; if those are too many, of its eastern and western ones.

        Parameters
        ----------
        most
            How many, 2 or more. Two or fewer parts on either side of 180 degrees stay apart.
        """
        parts = shapely.get_parts(self.geometry)
        if len(parts) > most:
            west = shapely.bounds(parts)[:, 0]
            parts = np.array(
                [
                    shapely.union_all(side)
                    for side in (parts[west >= 0], parts[west < 0])
                    if len(side)
                ]
            )
        west, south, east, north = shapely.bounds(parts).T.tolist()
        return tuple(zip(west, south, east, north, strict=True))

    @classmethod
    def from_bbox(cls, bbox: str | Sequence[float]) -> "Region":
        """Region of four numbers, west, south, east, north, or of the text "W,S,E,N".

        A west above the east crosses 180 degrees, where that is the shorter way.

        Raises
        ------
        UsageError
            Not four finite numbers, off the world, reversed or empty.
        """
        west, south, east, north = _four_numbers(bbox)
        name = ",".join(f"{v:.10g}" for v in (west, south, east, north))
        if not (_in_world(west, south) and _in_world(east, north)):
            raise UsageError(
                f"The box {name} leaves the world: longitudes are -180 to 180, latitudes -90 to 90."
            )
        if south > north:
            raise UsageError(
                f"The box {name} has its south above its north: write west,south,east,north."
            )
        if (west % 360 == east % 360 and west >= east) or south == north:
            raise UsageError(f"The box {name} has no area.")
        if west > east:
            return cls(name, _across(west, south, east, north, name))
        return cls(name, shapely.box(west, south, east, north))

    @classmethod
    def from_geojson(cls, path: str | Path) -> "Region":
        """Region of a GeoJSON file: a Feature, a FeatureCollection or a geometry of polygons.

        Raises
        ------
        UsageError
            Unreadable, not GeoJSON, not polygons, invalid, empty or off the world.
        """
        path = Path(path)
        polygons = _read_polygons(path)
        for polygon in polygons:
            if not polygon.is_valid:
                reason = shapely.is_valid_reason(polygon)
                raise UsageError(f"The area in {path} is not a valid polygon: {reason}.")
        geometry = shapely.union_all(polygons)
        if geometry.area == 0:
            raise UsageError(f"The area in {path} is empty.")
        west, south, east, north = geometry.bounds
        if not (_in_world(west, south) and _in_world(east, north)):
            raise UsageError(
                f"The area in {path} leaves the world: longitudes are -180 to 180, latitudes "
                "-90 to 90; cut an area that crosses 180 degrees in two."
            )
        return cls(path.stem, geometry)

    @classmethod
    def from_aoi(cls, aoi: str) -> "Region":
        """Region by the name of a preset, or of a GeoJSON file.

        Raises
        ------
        UsageError
            As `from_geojson`, or the name is neither a preset nor a file.
        """
        if aoi in PRESETS:
            return cls(aoi, shapely.box(*PRESETS[aoi]))
        if not Path(aoi).exists():
            known = ", ".join(PRESETS)
            raise UsageError(f"{aoi!r} is neither a known area ({known}) nor a GeoJSON file.")
        return cls.from_geojson(aoi)


PRESETS: dict[str, Bbox] = {"west-sea": (118.0, 33.0, 127.0, 41.0)}
"""Named areas, (west, south, east, north); the West Sea is the Yellow Sea with its gulfs."""


@dataclass(frozen=True)
class Period:
    """A closed interval of time; an open end is None."""

    start: datetime | None
    """UTC, aware."""
    end: datetime | None
    """UTC, aware."""

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Period of "A/B", each a date, an RFC 3339 time or "..", or of one date.

        A date as the end means the end of that UTC day.

        Raises
        ------
        UsageError
            Unreadable, reversed, open at both ends, or a time without an offset from UTC.
        """
        parts = [part.strip() for part in text.split("/")]
        if len(parts) == 1:
            parts = parts * 2
        if len(parts) != 2:
            raise UsageError(f"{text!r} is not a period: write 2017-10-01/2017-10-31.")
        start, end = _bound(parts[0], last=False), _bound(parts[1], last=True)
        if start is None and end is None:
            raise UsageError(f"The period {text!r} is open at both ends: give at least one date.")
        if start is not None and end is not None and start > end:
            raise UsageError(f"The period {text!r} ends before it begins.")
        return cls(start, end)

    @classmethod
    def last(cls, text: str, now: datetime | None = None) -> "Period":
        """The last weeks, days or hours: an ISO 8601 duration like P3D, P2W or PT12H.

        Parameters
        ----------
        text
            The duration.
        now
            The end, aware; WESTSEA_NOW where that is set, else the clock.

        Raises
        ------
        UsageError
            Not a duration, or no length at all.
        """
        match = _DURATION.fullmatch(text)
        weeks, days, hours = (int(v or 0) for v in match.groups()) if match else (0, 0, 0)
        length = timedelta(weeks=weeks, days=days, hours=hours)
        if not length:
            raise UsageError(f"{text!r} is not a length of time: write P3D, P2W or PT12H.")
        end = now or current_time()
        try:
            return cls(end - length, end)
        except OverflowError:
            raise UsageError(f"{text} before {rfc3339(end)} is before the year 1.") from None

    def contains(self, when: datetime) -> bool:
        """Whether an aware time lies in the period, ends included."""
        return (self.start is None or self.start <= when) and (self.end is None or when <= self.end)

    def halves(self) -> "tuple[Period, Period] | None":
        """Two periods that share the whole second in the middle; None for less than 2 seconds.

        An open end stays open; the middle is then that of the time that there is, since the first
        Sentinel and until now.
        """
        start, end = self.start or FIRST_SENTINEL, self.end or current_time()
        if end - start < timedelta(seconds=2):
            return None
        middle = (start + (end - start) / 2).replace(microsecond=0)
        return Period(self.start, middle), Period(middle, self.end)

    @property
    def interval(self) -> str:
        """The period as RFC 3339 writes it and STAC APIs read it."""
        return "/".join(
            ".." if bound is None else rfc3339(bound) for bound in (self.start, self.end)
        )


def parse_time(text: str) -> datetime:
    """Time of an RFC 3339 text, also with a space for the T and without seconds or offset.

    Returns
    -------
    Aware, in UTC, where the text has an offset; else naive.

    Raises
    ------
    ValueError
        Anything else.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    date, clock, offset = match.groups()
    when = datetime.fromisoformat(f"{date}T{clock.replace(',', '.')}{(offset or '').upper()}")
    try:
        return when.astimezone(UTC) if offset else when
    except OverflowError:
        raise ValueError(f"out of range: {text!r}") from None


def rfc3339(when: datetime) -> str:
    """An aware time as 2017-10-19T00:00:00Z, with microseconds where there are any."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def current_time() -> datetime:
    """WESTSEA_NOW (ISO 8601, for repeatable runs) where it is set, else the clock; UTC, aware.

    Raises
    ------
    UsageError
        WESTSEA_NOW is not a date or a time with an offset from UTC.
    """
    text = os.environ.get("WESTSEA_NOW")
    if not text:
        return datetime.now(UTC)
    bound = _bound(text, last=False)
    if bound is None:
        raise UsageError(f"WESTSEA_NOW is {text!r}, not a date or time.")
    return bound


def _bound(text: str, *, last: bool) -> datetime | None:
    """One end of a period; `last` asks for the end of a day, not its beginning."""
    if text in ("", ".."):
        return None
    try:
        if _DATE.fullmatch(text):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day.replace(hour=23, minute=59, second=59, microsecond=999999) if last else day
        when = parse_time(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date or time: write 2017-10-19.") from None
    if when.tzinfo is None:
        raise UsageError(
            f"{text!r} does not say which time zone it is in: write {when.isoformat()}Z for UTC."
        )
    return when


def _four_numbers(bbox: str | Sequence[float]) -> Bbox:
    parts = bbox.split(",") if isinstance(bbox, str) else list(bbox)
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 4 or not all(math.isfinite(v) for v in numbers):
        raise UsageError(f"{bbox!r} is not a box: write four numbers, west,south,east,north.")
    west, south, east, north = numbers
    return west, south, east, north


def _across(west: float, south: float, east: float, north: float, name: str) -> BaseGeometry:
    """The two boxes on either side of 180 degrees."""
    if west - east < 180:
        raise UsageError(
            f"The box {name} goes around most of the world: write west,south,east,north, or cut it"
            f" into two boxes, {west:.10g},{south:.10g},180,{north:.10g} and"
            f" -180,{south:.10g},{east:.10g},{north:.10g}."
        )
    sides = ((west, 180.0), (-180.0, east))
    return shapely.MultiPolygon([shapely.box(w, south, e, north) for w, e in sides if w < e])


def _in_world(lon: float, lat: float) -> bool:
    return WORLD[0] <= lon <= WORLD[2] and WORLD[1] <= lat <= WORLD[3]


def _read_polygons(path: Path) -> list[BaseGeometry]:
    """All polygons of a GeoJSON file, in two dimensions."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_GEOJSON_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The area {path} cannot be read: {error.strerror}.") from None
    if len(raw) > MAX_GEOJSON_BYTES:
        raise UsageError(f"The area {path} is over {MAX_GEOJSON_BYTES >> 20} MB: simplify it.")
    try:
        # Through json first: it bounds the nesting, which GEOS follows by recursion.
        parts = [shapely.from_geojson(json.dumps(json.loads(raw)))]
    except (ValueError, RecursionError, shapely.errors.ShapelyError):
        raise UsageError(f"The area {path} is not GeoJSON.") from None
    while any(part.geom_type in ("GeometryCollection", "MultiPolygon") for part in parts):
        parts = list(shapely.get_parts(parts))
    if not parts or any(part.geom_type != "Polygon" for part in parts):
        raise UsageError(f"The area {path} holds no polygon, or something else beside polygons.")
    return list(shapely.force_2d(parts))
