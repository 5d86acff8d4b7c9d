"""Makes the coast that ships, from polygons of the world's land.

``python -m westsea_catalog.make_coast SOURCE OUT.parquet``; data/coast/README.md names the source.
"""

import sys
from pathlib import Path

import geopandas
import numpy as np
import shapely
from pyproj import Transformer

from westsea_catalog.coast import Coast
from westsea_catalog.errors import UsageError, WestseaError
from westsea_catalog.land_runs import Polygons

BOX = (116.0, 31.0, 128.0, 42.0)
"""The West Sea, 118-127E 33-41N, and on all sides more than `coast.FAR_M`."""

# Inland water becomes land: no seagoing ship lies on it, and fish ponds and reservoirs look like
# hulls. But the source closes mouths narrower than its tolerance, so a large water that comes this
# near to the sea is taken for an arm of it: the Taedong above Nampo, the mouth of the Yalu.
ARM_M2 = 1e6
ARM_GAP_M = 300.0

SAEMANGEUM = shapely.Polygon(
    [
        *((126.5330, 35.9335), (126.4978, 35.8470), (126.4760, 35.8120), (126.4810, 35.8115)),
        *((126.5205, 35.7345), (126.5325, 35.7285), (126.5565, 35.6990), (126.5720, 35.6920)),
        *((126.6200, 35.7200), (126.7600, 35.7300), (126.9200, 35.8400), (126.9200, 35.9200)),
        *((126.6400, 35.9200), (126.6000, 35.9450), (126.5600, 35.9450)),
    ]
)
"""From the crest of its dike to the old shore: cut off from the sea in April 2006, and filled in
since. The source has the dike with a gap of 600 m at the sluice of Sinsi, so all behind it as sea:
no seagoing ship gets there, while dredgers, fills and floating panels look like hulls."""


def without_inland_water(land: Polygons) -> Polygons:
    """The land of the box with its holes closed, but for arms of the sea, and diked water dry."""
    dry = shapely.union_all([*shapely.polygons(shapely.get_exterior_ring(land)), SAEMANGEUM])
    sea = shapely.difference(shapely.box(*BOX), dry)
    # The second term returns the islands that lie in the arms.
    arms = _arms(land, sea)
    wanted = shapely.union(shapely.difference(dry, arms), shapely.union_all(land))
    parts = shapely.get_parts(wanted)
    return np.asarray(parts[shapely.get_dimensions(parts) == 2], object)


def _arms(land: Polygons, sea: shapely.Geometry) -> shapely.Geometry:
    """The holes in the land that are arms of the sea."""
    rings = shapely.get_rings(land)
    shells = np.cumsum(shapely.get_num_interior_rings(land) + 1)[:-1]
    holes = shapely.polygons(np.delete(rings, [0, *shells.tolist()]))
    in_metres = _in_metres(holes)
    large = shapely.area(in_metres) >= ARM_M2
    near = shapely.distance(in_metres, _in_metres(sea)) <= ARM_GAP_M
    return shapely.union_all(holes[large & near])


def _in_metres(geometry: shapely.Geometry | Polygons) -> shapely.Geometry:
    """Equal area; distances in the box are right to 0.5 %."""
    project = Transformer.from_crs("OGC:CRS84", "+proj=laea +lat_0=36.5 +lon_0=122", always_xy=True)
    return shapely.transform(geometry, lambda xy: np.column_stack(project.transform(*xy.T)))


def write(polygons: Polygons, out: Path, what: str) -> None:
    """Write land polygons, and print what is in the file; `what` names them."""
    geopandas.GeoDataFrame(geometry=polygons, crs="OGC:CRS84").to_parquet(out, compression="zstd")
    coast = Coast.load(out)
    points = shapely.get_num_coordinates(coast.polygons).sum()
    print(f"{len(coast.polygons)} {what}, {points} points, {out.stat().st_size} bytes")
    print(f"content {coast.content_hash}")


def main(arguments: list[str]) -> None:
    """Write the file and print what is in it."""
    if len(arguments) != 2:
        raise UsageError("Usage: python -m westsea_catalog.make_coast SOURCE OUT.parquet.")
    source, out = map(Path, arguments)
    write(without_inland_water(Coast.load(source).within(*BOX)), out, "polygons")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except WestseaError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
