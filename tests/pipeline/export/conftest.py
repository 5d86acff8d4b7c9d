"""Results with hostile texts, numbers that are none, and pairs across 180 degrees."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely

from made.rows import rows_of
from westsea.records import Parameters, SceneKey
from westsea.schema import DETECTIONS, PAIRS, SCENES
from westsea.store import Store

WHEN = datetime(2024, 5, 1, 2, 3, 4, 567_000, tzinfo=UTC)
HOSTILE = (
    '=HYPERLINK("http://x")', "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
    "<script>alert(1)</script>", "a & b", "]]>", 'quote"comma,', "../up", "\u202eltr", "한글",
)  # fmt: skip


def scene(name, lon, *, collection="sentinel-2-l2a", when=WHEN):
    """A scene of one pair, whose hulls lie 200 m apart about a longitude, at 36 degrees."""
    own = {"item_id": name, "datetime": when, "platform": "sentinel-2a"}
    own |= {"orbit_state": "descending"}
    places = [((x + 180) % 360 - 180, 36.0) for x in (lon - 1.1e-3, lon + 1.1e-3)]
    hulls = [
        own | {"detect_id": f"{name}{k}", "row": float(k), "lon": x, "lat": y, "flags": 4096}
        | {"geometry": shapely.to_wkb(shapely.Point(x, y)), "n_hulls": 2 if k else None}
        for k, (x, y) in enumerate(places)
    ]  # fmt: skip
    line = shapely.to_wkb(shapely.LineString(places))
    pair = own | {"pair_id": name, "kind": "close", "geometry": line, "gap_m": -0.0, "score": 0.5}
    pair |= {"lon": places[0][0], "lat": 36.0, "chip_bounds": [1, 2, 3, 4]}
    pair |= {"detect_id_1": f"{name}0", "detect_id_2": f"{name}1"}
    blob = pair | {"pair_id": f"{name}b", "detect_id_2": None, "flags": 4}
    blob |= {"geometry": hulls[0]["geometry"], "kind": "alongside", "gap_m": None}
    sides = ((lon - 0.5 + 180) % 360 - 180, (lon + 0.5 + 180) % 360 - 180)
    corners = [(sides[0], 35.5), (sides[1], 35.5), (sides[1], 36.5), (sides[0], 36.5)]
    seen = own | {"footprint": shapely.to_wkb(shapely.Polygon(corners)), "n_detections": 2}
    seen |= {"polarizations": ["B08", "B04"], "k_order": np.inf, "enl": np.nan, "n_pairs": 2}
    seen |= {"km2_valid": 9.5}
    tables = {DETECTIONS: hulls, PAIRS: [pair, blob], SCENES: [seen]}
    key = SceneKey(collection, name, date(2024, 5, 1), "1")
    return key, {table.name: rows_of(table, *given) for table, given in tables.items()}


@pytest.fixture(name="scene")
def scene_of():
    return scene


@pytest.fixture
def hostile():
    return HOSTILE


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "out", Parameters("1", {}, None, "coast", "0.03"))


@pytest.fixture
def out(store):
    """A folder of results: one scene for each hostile text, and one at 180 degrees."""
    for k, name in enumerate(HOSTILE):
        store.commit(*scene(name, 120.0 + 2 * k))
    store.commit(*scene("antimeridian", 180.0))
    return store.objects.root


@pytest.fixture
def empty(store):
    """A folder of results without a scene."""
    return store.objects.root
