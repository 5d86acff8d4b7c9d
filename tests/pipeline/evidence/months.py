"""Months of a sea as tables, without pixels: what stands, what comes and goes, and who sees it.

Radar passes, ascending and descending, each every 12 days, and optical ones every 5, half of them
under cloud. Figures of a detection are drawn about the truth with the errors that it states.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

START = datetime(2024, 1, 3, 9, 40, tzinfo=UTC)
WEST, SOUTH, SIDE_DEG = 123.0, 37.0, 0.8
DEGREE_M = 111_000.0
FOUND = 0.9
ERROR_M = {"radar": 9.0, "optical": 5.0}


@dataclass(frozen=True)
class Thing:
    """What lies at a place for some time."""

    lon: float
    lat: float
    length: float
    width: float
    heading: float
    name: str
    tall_m: float = 0.0
    """Shift towards the radar."""


@dataclass
class Look:
    """One scene."""

    name: str
    when: datetime
    platform: str
    orbit: str
    is_radar: bool
    km2: float
    rows: list = field(default_factory=list)


def looks(days, rng):
    """Scenes of so many days, by time."""
    found = []
    for first, step, platform, orbit, hour in (
        (1, 12, "sentinel-1a", "ascending", 0.0),
        (5, 12, "sentinel-1a", "descending", 12.1),
        (2, 5, "sentinel-2a", "descending", 5.2),
    ):
        for day in range(first, days, step):
            when = START + timedelta(days=day, hours=hour)
            is_radar = platform.startswith("sentinel-1")
            clear = is_radar or rng.random() < 0.6
            km2 = 6000.0 if is_radar else (5800.0 if clear else rng.uniform(0, 2000))
            found.append(Look(f"{platform}-{day:03d}", when, platform, orbit, is_radar, km2))
    return sorted(found, key=lambda look: look.when)


def see(look, things, rng):
    """Add what a scene finds of the things that are there."""
    sd = ERROR_M["radar" if look.is_radar else "optical"]
    clear = 1.0 if look.is_radar or look.km2 > 3000 else look.km2 / 6000
    for thing in things:
        if rng.random() > FOUND * clear:
            continue
        toward = {"ascending": -1.0, "descending": 1.0}[look.orbit]
        east = rng.normal(0, sd) + look.is_radar * toward * thing.tall_m
        length_sd = 12.0 if look.is_radar else 6.0
        heading_sd = np.clip(600 / thing.length, 3, 45)
        look.rows.append(
            {
                "lon": thing.lon + east / DEGREE_M / np.cos(np.deg2rad(thing.lat)),
                "lat": thing.lat + rng.normal(0, sd) / DEGREE_M,
                "length_m": max(thing.length + rng.normal(0, length_sd), 12.0),
                "length_sd_m": length_sd,
                "width_m": max(thing.width + rng.normal(0, length_sd / 3), 5.0),
                "heading_deg": (thing.heading + rng.normal(0, heading_sd)) % 180.0,
                "heading_sd_deg": heading_sd,
                "thing": thing.name,
            }
        )


def frames(scenes):
    """Detections and scenes as a `Sweep` has them, as far as evidence over time needs."""
    detections, seen = [], []
    outline = shapely.box(WEST - 0.1, SOUTH - 0.1, WEST + SIDE_DEG + 0.1, SOUTH + SIDE_DEG + 0.1)
    for look in scenes:
        own = {
            "collection": "sentinel-1-rtc" if look.is_radar else "sentinel-2-l2a",
            "date": f"{look.when:%Y-%m-%d}",
            "item_id": look.name,
            "datetime": pd.Timestamp(look.when).as_unit("us"),
            "platform": look.platform,
            "orbit_state": look.orbit,
        }
        seen.append(
            own
            | {"polarizations": ["VV", "VH"] if look.is_radar else ["B08"], "footprint": outline}
            | {"km2_valid": look.km2}
        )
        detections += [
            own | {"detect_id": f"{look.name}/{k:04d}", "flags": 0, "duplicate_of": None} | row
            for k, row in enumerate(look.rows)
        ]
    found = pd.DataFrame(detections)
    found["flags"] = found["flags"].astype("int32")
    points = gpd.points_from_xy(found["lon"], found["lat"])
    return (
        gpd.GeoDataFrame(found, geometry=points, crs="OGC:CRS84"),
        gpd.GeoDataFrame(pd.DataFrame(seen), geometry="footprint", crs="OGC:CRS84"),
    )


def place(rng):
    return WEST + rng.uniform(0, SIDE_DEG), SOUTH + rng.uniform(0, SIDE_DEG)


def ship(rng, lon, lat, name):
    length = rng.uniform(50, 250)
    return Thing(lon, lat, length, length / 6, rng.uniform(0, 180), name)


def platforms(rng, n):
    """What stands: round things, long ones, and turbines in rows."""
    out = []
    for k in range(n):
        lon, lat = place(rng)
        length = rng.uniform(20, 110)
        width = length / rng.uniform(1, 4)
        tall = rng.choice([0.0, 0.0, 40.0])
        out.append(Thing(lon, lat, length, width, rng.uniform(0, 180), f"platform{k}", tall))
    return out


def at_berths(rng, berths):
    """Ships that lie at berths now: another one each time, where one is taken."""
    out = []
    for name, lon, lat, heading, spread in berths:
        if rng.random() < 0.8:
            taken = ship(rng, lon, lat, name)
            turned = taken.heading if heading is None else heading + rng.normal(0, 3)
            east, north = rng.normal(0, spread, 2) / DEGREE_M
            out.append(
                Thing(lon + east, lat + north, taken.length, taken.width, turned % 180, name)
            )
    return out


def berths(rng, n):
    """Name, place, axis of the ships there (None: they swing), and how far off they lie (m)."""
    out = []
    for k in range(n):
        heading = None if k % 2 else rng.uniform(0, 180)
        out.append((f"berth{k}", *place(rng), heading, rng.choice([3.0, 10.0, 40.0])))
    return out
