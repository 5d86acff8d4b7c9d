"""Many small scenes: a few drawn radar seas, and an item for each of the times that one is seen."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.ndimage import gaussian_filter

from westsea_catalog.archive.writer import write_cog
from westsea_catalog.grid import AffineGrid

SIDE = 256
DRAWN = 16
EPSG = 32651
NODATA = -32768.0
BEGIN = datetime(2017, 10, 1, tzinfo=UTC)
APART = timedelta(hours=2)
"""Between scenes: two of one pass would count as one acquisition."""
CONTAINER = "sea"


def draw(folder, side=SIDE, seed=0):
    """Write the drawn seas below `folder`, as <k>.tif; each lies at a place of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(DRAWN):
        sea = _sea(seed, number, side)
        write_cog(folder / f"{number}.tif", sea, _grid(number, side), nodata=NODATA)


def write_items(path, numbers, address, side=SIDE):
    """Write an ItemCollection of scenes whose files are at `address`."""
    items = [_item(number, address, side) for number in numbers]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))


def item_id(number):
    """The id of a scene."""
    return f"S1A_{number:06d}"


def file_of(key):
    """The drawn file behind a blob's key, such as 0123/vv.tif."""
    return f"{int(key.partition('/')[0]) % DRAWN}.tif"


def _grid(number, side):
    west = 400_000.0 + 10.0 * SIDE * 3 * number
    return AffineGrid(EPSG, (10.0, 0.0, west, 0.0, -10.0, 4_200_000.0), (side, side))


def _sea(seed, number, side):
    """Speckle of 4.4 looks with three hulls, two of them close."""
    rng = np.random.default_rng((seed, number))
    hulls = np.zeros((side, side))
    row, col = rng.integers(8, side - 12), rng.integers(8, side - 70)
    for offset in (0, 14, 50):
        hulls[row : row + 3, col + offset : col + offset + 12] = rng.uniform(2.0, 6.0)
    sea = 0.02 * rng.gamma(4.4, 1 / 4.4, (side, side)) + gaussian_filter(hulls, 0.9)
    return sea.astype(np.float32)


def _item(number, address, side):
    grid = _grid(number % DRAWN, side)
    rows, cols = np.array([0, 0, side, side]) - 0.5, np.array([0, side, side, 0]) - 0.5
    ring = np.column_stack(grid.lonlat(rows, cols)).tolist()
    when = BEGIN + number * APART
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id(number),
        "collection": "sentinel-1-rtc",
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        "properties": {
            "datetime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "platform": "sentinel-1a",
            "sat:orbit_state": "ascending",
            "proj:epsg": EPSG,
            "proj:shape": [side, side],
            "proj:transform": [*grid.transform, 0.0, 0.0, 1.0],
        },
        "assets": {
            "vv": {
                "href": f"{address}/{CONTAINER}/{number:04d}/vv.tif",
                "type": "image/tiff; application=geotiff",
                "raster:bands": [{"nodata": NODATA, "data_type": "float32"}],
            }
        },
        "links": [],
    }
