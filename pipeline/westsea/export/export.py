"""One table of an output folder as one file."""

import os
from pathlib import Path

from westsea.export.files import check_free, write_whole
from westsea.export.formats import writer_for
from westsea.results import Duplicates, Sweep
from westsea.schema import TABLES
from westsea_catalog.errors import UsageError


def export(
    out: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    table: str = "pairs",
    duplicates: Duplicates = "drop",
    overwrite: bool = False,
) -> int:
    """Write a table with its overlays joined, in the format that the file's suffix names.

    Parameters
    ----------
    out
        Folder of results.
    file
        .geojson, .kmz, .fgb, .gpkg, .csv or .parquet.
    table
        "pairs", "detections" or "scenes".
    duplicates
        As in `Sweep`.
    overwrite
        Whether what is there is replaced.

    Returns
    -------
    How many rows there are.

    Raises
    ------
    UsageError
        An unknown suffix or table, or a file that is there.
    ConfigError, UpstreamError
        No results, or a place that cannot be written to.
    """
    path = Path(file)
    write = writer_for(path)
    if table not in TABLES:
        raise UsageError(f"There is no table {table!r}: take one of {', '.join(TABLES)}.")
    check_free(path, overwrite=overwrite)
    sweep = Sweep(out)
    frame = getattr(sweep, table)(duplicates)
    write_whole(path, lambda made: write(frame, made, table), overwrite=overwrite)
    return len(frame)
