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


def without_inland_water(land: Polygons) -> Polygons:
    """The land of the box with its holes closed, but for arms of the sea."""
    dry = shapely.union_all(shapely.polygons(shapely.get_exterior_ring(land)))
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


def main(arguments: list[str]) -> None:
    """Write the file and print what is in it."""
    if len(arguments) != 2:
        raise UsageError("Usage: python -m westsea_catalog.make_coast SOURCE OUT.parquet.")
    source, out = map(Path, arguments)
    land = without_inland_water(Coast.load(source).within(*BOX))
    geopandas.GeoDataFrame(geometry=land, crs="OGC:CRS84").to_parquet(out, compression="zstd")
    coast = Coast.load(out)
    points = shapely.get_num_coordinates(coast.polygons).sum()
    print(f"{len(coast.polygons)} polygons, {points} points, {out.stat().st_size} bytes")
    print(f"content {coast.content_hash}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except WestseaError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
