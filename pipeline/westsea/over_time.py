"""What many passes tell of an output folder, written beside the tables of its scenes."""

import os

import geopandas as gpd
import pandas as pd

from westsea.evidence import overlays
from westsea.evidence.events import events
from westsea.evidence.fixed import fixed_objects
from westsea.objects import open_objects
from westsea.results import Sweep
from westsea.schema import EVENTS, FIXED


def persist(out: str | os.PathLike[str]) -> pd.DataFrame:
    """Find what never moves, and write it as the overlay OUT/persist.

    From then on `Sweep` flags its detections, and their pairs, as `fixed_object`.

    Parameters
    ----------
    out
        Folder of results.

    Returns
    -------
    One row per object: its place, median length (m), passes that found it and that saw its place,
    and the first and last time (UTC).
    """
    sweep, objects = Sweep(out), open_objects(out)
    columns = fixed_objects(sweep.detections("keep"), sweep.scenes("keep"))
    overlays.write(objects, FIXED, columns, sweep.parameters())
    rows = pd.DataFrame(columns).drop(columns="detect_id")
    return rows.drop_duplicates("object_id").sort_values("object_id", ignore_index=True)


def link(out: str | os.PathLike[str]) -> gpd.GeoDataFrame:
    """Join what several passes saw at one spot, and write it as the overlay OUT/events.

    Run `persist` first: fixed objects are no events.

    Parameters
    ----------
    out
        Folder of results.

    Returns
    -------
    One row per event; columns as in `westsea.schema`.
    """
    sweep, objects = Sweep(out), open_objects(out)
    parameters = sweep.parameters()
    prior = float(parameters["prior"])
    columns = events(sweep.detections(), sweep.pairs(), sweep.scenes(), prior)
    overlays.write(objects, EVENTS, columns, parameters)
    return sweep.events()
