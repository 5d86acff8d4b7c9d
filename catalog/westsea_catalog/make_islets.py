"""Makes the islets that ship, from the world's shorelines of GSHHG.

``python -m westsea_catalog.make_islets FOLDER OUT.parquet``; data/coast/README.md names the source.
"""

import sys
from pathlib import Path

import numpy as np
import shapely

from westsea_catalog.errors import UsageError, WestseaError
from westsea_catalog.land_runs import Polygons
from westsea_catalog.make_coast import BOX, write

LARGEST_KM2 = 0.5
"""By the source's own figure. It draws islets 100 m too wide, so that 0.5 is 0.2 or 0.3 in truth;
from 0.13 on the other source has them, and better."""

_SEA_ISLAND = 1  # level of a polygon; 2 is a lake, 3 an island in a lake


def islets(folder: Path) -> Polygons:
    """The small islands of the sea inside the box.

    Parameters
    ----------
    folder
        Has ``gshhsmeta_f.dat``, a line of text for each polygon: level, area in km2, number of
        points, south and north end, first byte and number of bytes in the other file, id; and
        ``gshhs_f.dat``, the points: longitude, latitude, little-endian float32.
    """
    west, south, east, north = BOX
    found = []
    with (folder / "gshhs_f.dat").open("rb") as points:
        for line in (folder / "gshhsmeta_f.dat").read_text().splitlines():
            level, area, _, low, high, start, size, _ = line.split()
            small = int(level) == _SEA_ISLAND and float(area) < LARGEST_KM2
            if small and south <= float(low) and float(high) <= north:
                points.seek(int(start))
                ring = np.frombuffer(points.read(int(size)), "<f4").reshape(-1, 2)
                if west <= ring[:, 0].min() and ring[:, 0].max() <= east:
                    found.append(shapely.Polygon(ring.astype(float)))
    return np.array(found, object)


def main(arguments: list[str]) -> None:
    """Write the file and print what is in it."""
    if len(arguments) != 2:
        raise UsageError("Usage: python -m westsea_catalog.make_islets FOLDER OUT.parquet.")
    folder, out = map(Path, arguments)
    write(islets(folder), out, "islets")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except WestseaError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
