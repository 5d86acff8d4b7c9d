"""One table of an output folder as one file."""

import logging
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from westsea.export.balloons import MOST_CHIPS, Balloon, balloons
from westsea.export.files import check_free, write_whole
from westsea.export.formats import writer_for
from westsea.export.kmz import write_kmz
from westsea.objects import open_objects
from westsea.report.scenes import Scenes
from westsea.results import Duplicates, Sweep
from westsea.schema import DETECTIONS, SCENES, TABLES
from westsea.sources import Source
from westsea_catalog.errors import UsageError
from westsea_catalog.profiles import Profile

LOG = logging.getLogger(__name__)


def export(
    out: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    table: str = "pairs",
    duplicates: Duplicates = "drop",
    overwrite: bool = False,
    chips: int = MOST_CHIPS,
    own: Mapping[str, Profile] | None = None,
    given: Mapping[tuple[str, str], Source] | None = None,
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
    chips
        How many pairs or detections of a .kmz show the scene's pixels, the likeliest first. Those
        whose pixels cannot be had say why, and are counted in the log.
    own, given
        Catalogues of the settings file by name, and items to read pixels by in place of those kept
        beside the tables.

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
    if chips < 0:
        raise UsageError(f"{chips} chips are none: 0 leaves them out.")
    sweep = Sweep(out)
    frame = getattr(sweep, table)(duplicates)
    if write is write_kmz and chips and table != SCENES.name:
        scenes = Scenes(open_objects(out), own or {}, given or {})
        hulls = frame if table == DETECTIONS.name else sweep.detections(duplicates)
        swept = sweep.scenes("keep")
        told = balloons(TABLES[table], frame, hulls, swept, scenes, chips)
        _log(told, TABLES[table].name)
        write = partial(write_kmz, balloons=told)
    write_whole(path, lambda made: write(frame, made, table), overwrite=overwrite)
    return len(frame)


def _log(told: list[Balloon], table: str) -> None:
    """How many chips there are, and why others are not."""
    missing = [balloon.reason for balloon in told if balloon.is_missing]
    n_chips = sum(balloon.chip is not None for balloon in told)
    LOG.info("chips of %d of %d %s, the likeliest first", n_chips, len(told), table)
    if missing:
        reason = max(sorted(set(missing)), key=missing.count)
        LOG.warning("%d chips are missing, most because: %s", len(missing), reason)
