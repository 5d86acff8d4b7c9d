"""What scientists call: search, plan, cube and sweep."""

import logging
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client

from westsea.accounts import Report
from westsea.cluster import connect, performance
from westsea.detector import Detector
from westsea.memory import Room, fitted, most_needed
from westsea.notebook import Items, progress_display
from westsea.planning import Plan
from westsea.planning import plan as make_plan
from westsea.results import Sweep
from westsea.runner import Limits, Progress, check_run_id, parameters, run
from westsea.store import Store
from westsea_catalog.coast import Coast
from westsea_catalog.errors import UsageError
from westsea_catalog.profiles import Profile, profile_for
from westsea_catalog.region import Period, Region
from westsea_catalog.scene import Scene
from westsea_catalog.search import items_from, matches, ordered, root_of
from westsea_catalog.search import search as search_items
from westsea_catalog.stac_item import Item
from westsea_catalog.trust import brief

if TYPE_CHECKING:
    import xarray as xr

LOG = logging.getLogger(__name__)

Box = Sequence[float] | str


def search(
    catalog: str | Profile,
    *,
    bbox: Box | None = None,
    aoi: str | None = None,
    datetime: str | None = None,
    last: str | None = None,
    collections: Sequence[str] = (),
    offline: bool = False,
) -> Items:
    """Items of a catalogue.

    Parameters
    ----------
    catalog
        A profile (earth-search, planetary-computer, cdse), a STAC API's address, the path or
        address of a catalog.json or collection.json, or the path of a stac-geoparquet file; or a
        `westsea_catalog.profiles.Profile` of one's own.
    bbox
        West, south, east, north in degrees.
    aoi
        Instead of a box: "west-sea" or the path of a GeoJSON file.
    datetime
        "A/B", each a day or an RFC 3339 time with an offset, or "..".
    last
        Instead: an ISO 8601 duration up to now (or WESTSEA_NOW), such as "P3D".
    collections
        Collection ids; none for those of the profile.
    offline
        Whether the network is forbidden.

    Returns
    -------
    Raw STAC items, by time, collection and id.
    """
    region, period = region_of(bbox, aoi), period_of(datetime, last)
    if region is None or period is None:
        raise UsageError("A search needs an area (bbox or aoi) and a time (datetime or last).")
    return Items(
        search_items(
            catalog, region=region, period=period, collections=collections, offline=offline
        ),
        catalog,
    )


def items_within(
    source: str,
    *,
    bbox: Box | None = None,
    aoi: str | None = None,
    datetime: str | None = None,
    last: str | None = None,
    collections: Sequence[str] = (),
) -> list[Item]:
    """Items of a file, or of standard input for "-", that meet what is asked for besides.

    Parameters are those of `search`; each that is left out selects everything.
    """
    region, period = region_of(bbox, aoi), period_of(datetime, last)
    everywhere = Region.from_bbox((-180.0, -90.0, 180.0, 90.0))
    found = items_from(source)
    if region is None and period is None and not collections:
        return found
    return [
        item
        for item in found
        if matches(item, region or everywhere, period or Period(None, None), collections)
    ]


def region_of(bbox: Box | None, aoi: str | None) -> Region | None:
    """The area of a request, None where it names none."""
    if bbox is not None and aoi is not None:
        raise UsageError("Give a box or an area of interest, not both.")
    if aoi is not None:
        return Region.from_aoi(aoi)
    return None if bbox is None else Region.from_bbox(bbox)


def period_of(datetime: str | None, last: str | None) -> Period | None:
    """The time of a request, None where it names none."""
    if datetime is not None and last is not None:
        raise UsageError("Give a period or how far to look back, not both.")
    if last is not None:
        return Period.last(last)
    return None if datetime is None else Period.parse(datetime)


def plan(
    items: Sequence[Item] | str | os.PathLike[str],
    *,
    catalog: str | Profile | None = None,
    bbox: Box | None = None,
    aoi: str | None = None,
    chunk: tuple[int, int | None] | None = None,
) -> Plan:
    """Plan a sweep over items.

    Parameters
    ----------
    items
        Raw STAC items from `search`, or a file of them.
    catalog
        Where they came from; None for the file itself. It decides which hosts, buckets and local
        files the items may name.
    bbox, aoi
        Area to clip to; None for all of every scene.
    chunk
        Rows and columns of the chunks, multiples of 128 (None: the full width). Never changes a
        result.

    Returns
    -------
    The plan, scenes by time, collection and id; items that cannot be scenes are in it as refused.

    Raises
    ------
    UsageError
        A request that makes no sense.
    """
    region = region_of(bbox, aoi)
    source = catalog
    if isinstance(items, str | os.PathLike):
        source = source or str(items)
        items = items_from(str(items))
    if source is None:
        raise UsageError("Items from a list need the catalogue that they came from.")
    area = None if region is None else region.geometry
    return make_plan(ordered(items), profile_for(source), root_of(source), area, chunk=chunk)


def _check_local(plan: Plan) -> None:
    for scene in (planned.scene for planned in plan.scenes):
        if any(asset.source.startswith("/vsi") for asset in (*scene.bands, *scene.extras)):
            raise UsageError(f"{brief(scene.id)} is on the network, which --offline forbids.")


def cube(scene: Scene, **options: Any) -> "xr.DataArray":
    """The scene's pixels as a lazy cube (time, band, y, x); see `westsea_catalog.cube.cube`."""
    # Not at the top: a sweep needs neither xarray nor stackstac, and they take a second.
    from westsea_catalog.cube import cube as scene_cube

    return scene_cube(scene, **options)


def sweep(
    plan: Plan,
    out: str | os.PathLike[str],
    *,
    coast: str | os.PathLike[str] | None = None,
    detector: Detector | None = None,
    client: Client | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    offline: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Sweep a plan into an output folder.

    Parameters
    ----------
    plan
        From `plan`; its area clips the results.
    out
        Folder of the results; what it already holds is skipped.
    coast
        File of land polygons; None for the coast that ships.
    detector
        Settings that decide the numbers; None for the defaults.
    client
        Dask client to use; None for the active one, else for a cluster on this machine.
    scheduler
        Address of a scheduler to connect to instead.
    workers
        Processes of a cluster on this machine; 0 for none: everything in this process.
    offline
        Whether the network is forbidden.
    limits
        What is done for a scene that does not end or ends badly; None for the usual.
    progress
        Called with each scene's result, the number done and the number planned; None for a display
        in a notebook, and nothing elsewhere.

    Raises
    ------
    UsageError
        Two ways to run it at once, an address that is none, or pixels on the network when that is
        forbidden.
    ConfigError
        The folder cannot be written to or holds results of other parameters, or the workers have
        too little memory for a scene.
    UpstreamError
        The scheduler does not answer.
    """
    execute(
        plan,
        out,
        coast=coast,
        detector=detector,
        client=client,
        scheduler=scheduler,
        workers=workers,
        offline=offline,
        limits=limits,
        progress=progress or progress_display() or (lambda *_: None),
    )
    return Sweep(out)


def execute(
    plan: Plan,
    out: str | os.PathLike[str],
    *,
    coast: str | os.PathLike[str] | None = None,
    detector: Detector | None = None,
    client: Client | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    offline: bool = False,
    limits: Limits | None = None,
    run_id: str | None = None,
    progress: Progress = lambda *_: None,
    performance_report: str | os.PathLike[str] | None = None,
) -> Report:
    """As `sweep`, but returns what this run did.

    `run_id` names its record in OUT/runs; with a file for distributed's performance report where a
    cluster is used.
    """
    if sum(each is not None for each in (client, scheduler, workers)) > 1:
        raise UsageError("Give a client, a scheduler or a number of workers, not two of them.")
    if workers is not None and workers < 0:
        raise UsageError(f"{workers} workers are none; 0 runs everything in this process.")
    if run_id is not None:
        check_run_id(run_id)
    if offline:
        _check_local(plan)
    settings = detector or Detector()
    land = Coast.shipped() if coast is None else Coast.load(Path(coast))
    store = Store.open(out, parameters(settings, plan.aoi, land))
    how: dict[str, Any] = {"limits": limits, "run_id": run_id, "progress": progress}
    if workers == 0 or not plan.scenes:
        return run(plan, store, land, settings, None, **how)
    with (
        nullcontext(client) if client is not None else connect(scheduler, workers) as connected,
        performance(connected, performance_report),
    ):
        if connected.asynchronous:
            raise UsageError("A sweep needs a client that waits: one without asynchronous=True.")
        return run(_fitted(plan, connected), store, land, settings, connected, **how)


def _fitted(plan: Plan, client: Client) -> Plan:
    """The plan in chunks that the workers have room for, after saying what they need."""
    room = Room.of(client)
    if room is None:
        LOG.info("each worker will need at most %.0f MB a thread", most_needed(plan, 1) / 1e6)
        return plan
    plan = fitted(plan, room)
    needed = most_needed(plan, room.threads) / 1e6
    LOG.info("each worker will need at most %.0f MB; it has %.0f", needed, room.bytes / 1e6)
    return plan
