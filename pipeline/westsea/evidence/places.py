"""Detections near one another, and the passes that saw a place."""

from dataclasses import dataclass
from datetime import timedelta

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from westsea.lineage.passes import PASS, RADAR, UNKNOWN, reach_deg
from westsea_kernels.pairs import find_pairs

Float = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

CORE_SHARE = 0.4
"""Of the 5 km that footprints of a pass may miss each other by: they are right to 2 km, and a place
nearer to the end of one may not have been seen."""
CLEAR_SHARE = 0.5
"""An optical scene that cloud leaves less than this share of its clear sea, as the clearest scene
of the same outline shows it, is not counted as having seen a place, unless it found it."""
POINT_M = 1.0
PASS_US = PASS // timedelta(microseconds=1)


def near(lon: Float, lat: Float, reach_m: float) -> tuple[Integers, Integers]:
    """All pairs of points up to `reach_m` metres apart on the ellipsoid: indices, first < second.

    lon, lat : (n,) degrees
    """
    order = np.lexsort((lon, lat))
    side = np.full(lon.size, POINT_M)
    index, sizes, _ = find_pairs(
        lon[order],
        lat[order],
        side,
        side,
        np.zeros(lon.size),
        reach_m,
        np.zeros(lon.size, np.bool_),
    )
    pairs = np.sort(order[index[sizes[:, 1] <= reach_m]], axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs[:, 0], pairs[:, 1]


@dataclass(frozen=True, eq=False)
class Scenes:
    """Scenes as far as a place is concerned; all arrays (n,)."""

    names: NDArray[np.object_]
    """(collection, item_id)."""
    when: Integers
    """Microseconds since 1970."""
    platform: Integers
    """Number of the satellite and sensor; an unknown one is like no other."""
    look: Integers
    """Number of the sensor and the direction of flight: the same from everywhere in a look."""
    is_radar: Bools
    is_clear: Bools
    core: NDArray[np.object_]
    """What of the footprint was seen for certain."""

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame) -> "Scenes":
        """Of the scenes of a `Sweep`."""
        radar = np.array([not RADAR.isdisjoint(bands) for bands in frame["polarizations"]], bool)
        outlines = shapely.make_valid(frame["footprint"].to_numpy())
        known = frame["platform"].where(frame["platform"] != UNKNOWN, frame["item_id"])
        cores = [shapely.buffer(each, -CORE_SHARE * _reach(each)) for each in outlines]
        return cls(
            names=_names(frame),
            when=frame["datetime"].dt.as_unit("us").astype("int64").to_numpy(),
            platform=_numbers(known.astype(str), radar),
            look=_numbers(frame["orbit_state"].astype(str), radar),
            is_radar=radar,
            is_clear=radar | _are_clear(outlines, frame["km2_valid"].to_numpy(), radar),
            core=np.array(cores, object),
        )

    def number_of(self, frame: gpd.GeoDataFrame) -> Integers:
        """(rows,) index of the scene of each row of another table."""
        place = {name: k for k, name in enumerate(self.names)}
        return np.array([place[name] for name in _names(frame)], np.int64)

    def over(self, lon: Float, lat: Float) -> tuple[Integers, Integers]:
        """Indices of places, and of the scenes that surely saw them."""
        tree = shapely.STRtree(self.core)
        place, scene = tree.query(shapely.points(lon, lat), predicate="intersects")
        clear = self.is_clear[scene]
        return place[clear], scene[clear]

    def passes(self, place: Integers, scene: Integers) -> Integers:
        """(m,) number of the pass over a place that each of its scenes is of.

        One platform, and no more than PASS from one scene to the next.
        """
        order = np.lexsort((self.when[scene], self.platform[scene], place))
        p, s = place[order], scene[order]
        begins = np.ones(p.size, np.bool_)
        begins[1:] = (np.diff(p) != 0) | (np.diff(self.platform[s]) != 0)
        begins[1:] |= np.diff(self.when[s]) > PASS_US
        out = np.empty(p.size, np.int64)
        out[order] = np.cumsum(begins) - 1
        return out


def _reach(outline: shapely.Geometry) -> float:
    return 0.0 if outline.is_empty else reach_deg(outline)


def _names(frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    out = np.empty(len(frame), object)
    out[:] = list(zip(frame["collection"], frame["item_id"], strict=True))
    return out


def _numbers(texts: object, radar: Bools) -> Integers:
    keys = np.char.add(np.asarray(texts, str), np.where(radar, "\nradar", "\noptical"))
    return np.asarray(np.unique(keys, return_inverse=True)[1], np.int64)


def _are_clear(outlines: NDArray[np.object_], km2: Float, radar: Bools) -> Bools:
    """(n,) whether a scene shows most of the sea that the clearest of its outline shows."""
    bounds = np.round(shapely.bounds(outlines), 1)
    bounds = np.column_stack([np.nan_to_num(bounds), radar])
    _, group = np.unique(bounds, axis=0, return_inverse=True)
    group = group.ravel()
    most = np.zeros(group.max(initial=-1) + 1)
    np.maximum.at(most, group, km2)
    return np.asarray(km2 >= CLEAR_SHARE * most[group])
