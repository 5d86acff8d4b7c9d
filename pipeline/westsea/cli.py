"""The command line. Nothing heavy is imported before a command runs."""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from westsea.planning import Plan
    from westsea.runner import Report

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = {signal.SIGINT: 130, signal.SIGTERM: 143}


class _Stopped(BaseException):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)


class _Commands(click.Group):
    """Turns errors into one sentence and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        from westsea_catalog.errors import WestseaError

        for number in INTERRUPTED:
            signal.signal(number, _stop)
        try:
            return super().main(*args, **kwargs)
        except WestseaError as error:
            click.echo(f"westsea: {error}", err=True)
            sys.exit(error.exit_code)
        except _Stopped as stop:
            click.echo(f"westsea: stopped by {stop.number.name}.", err=True)
            sys.exit(INTERRUPTED[stop.number])


def _stop(number: int, _frame: Any) -> None:
    raise _Stopped(number)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="westsea")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="WESTSEA_CONFIG",
    help="TOML file of settings; flags and WESTSEA_* variables come first.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    envvar="WESTSEA_LOG_FORMAT",
    default="text",
    help="How progress and warnings look on stderr.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log more, with tracebacks of failed scenes.")
def main(config: Path | None, log_format: str, verbose: bool) -> None:
    r"""Find ships that lie side by side at sea in free Sentinel imagery.

    \b
    westsea search --catalog planetary-computer --aoi west-sea --last P3D
    westsea plan   --catalog planetary-computer --aoi west-sea --last P3D
    westsea sweep  --catalog planetary-computer --aoi west-sea --last P3D --out OUT
    westsea demo
    """
    from westsea.config import load
    from westsea.logs import configure

    configure(log_format, verbose=verbose)
    context = click.get_current_context()
    context.obj = load(config)
    context.default_map = dict.fromkeys(["search", "plan", "sweep"], context.obj.defaults())


def _selection(command: F) -> F:
    """Options that say which scenes."""
    for option in reversed(
        [
            click.option("--catalog", envvar="WESTSEA_CATALOG", help="Profile, URL or file."),
            click.option(
                "--bbox", help="W,S,E,N in degrees; write --bbox=-5,... if W is negative."
            ),
            click.option("--aoi", envvar="WESTSEA_AOI", help="west-sea or a GeoJSON file."),
            click.option("--items", help="File of STAC items, or - for stdin; needs no catalogue."),
            click.option("--datetime", "period", help="A/B: days, or times with an offset."),
            click.option("--last", help="Look back from now (or WESTSEA_NOW), e.g. P3D."),
            click.option("-c", "--collection", "collections", multiple=True, help="Collection id."),
            click.option("--offline", is_flag=True, help="Never use the network."),
        ]
    ):
        command = option(command)
    return command


@main.command()
@_selection
@click.option("--json", "as_json", is_flag=True, help="Print the items as an ItemCollection.")
def search(as_json: bool, **selection: Any) -> None:
    r"""List the scenes of a catalogue, or pass them on as STAC items.

    \b
    westsea search --catalog earth-search --aoi west-sea --last P3D --json |
        westsea sweep --items - --out OUT
    """
    items = _items(**selection)
    if as_json:
        click.echo(json.dumps({"type": "FeatureCollection", "features": items}))
        return
    from westsea_catalog.trust import brief

    for item in items:
        when = (item.get("properties") or {}).get("datetime")
        click.echo(f"{brief(item.get('collection'))}\t{brief(when)}\t{brief(item.get('id'))}")
    click.echo(f"{len(items)} scenes", err=True)


@main.command()
@_selection
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(as_json: bool, **selection: Any) -> None:
    """Show what a sweep would read: scenes, grids, area, bytes and tasks."""
    planned = _plan(**selection)
    document = plan_document(planned)
    if as_json:
        click.echo(json.dumps(document, indent=1))
    else:
        _print_plan(document)
    _refuse_named(selection, [refused["reason"] for refused in document["refused"]])


def plan_document(planned: "Plan") -> dict[str, Any]:
    """The plan as JSON values."""
    from dataclasses import asdict

    from westsea_catalog.grid import AffineGrid

    scenes = []
    for each in planned.scenes:
        grid = each.scene.grid
        scenes.append(
            {
                "collection": each.scene.collection,
                "item_id": each.scene.id,
                "datetime": each.scene.datetime.isoformat(),
                "bands": list(each.scene.polarizations),
                "shape": list(grid.shape),
                **(
                    {"epsg": grid.epsg, "transform": list(grid.transform)}
                    if isinstance(grid, AffineGrid)
                    else {}
                ),
                "window": asdict(each.window),
                "km2": round(each.km2, 1),
                "pixels": each.pixels,
                "bytes": each.bytes,
                "tasks": each.n_tasks,
            }
        )
    refused = [
        {"collection": each.item.get("collection"), "item_id": each.item.get("id"),
         "reason": each.reason}
        for each in planned.refused
    ]  # fmt: skip
    return {"totals": planned.summary(), "scenes": scenes, "refused": refused}


def _print_plan(document: dict[str, Any]) -> None:
    for scene in document["scenes"]:
        rows, cols = scene["shape"]
        bands = "+".join(scene["bands"])
        click.echo(
            f"{scene['item_id']}\t{bands}\t{rows} x {cols}\t{scene['km2']:.0f} km2\t"
            f"{scene['bytes'] / 1e6:.0f} MB\t{scene['tasks']} tasks"
        )
    for refused in document["refused"]:
        click.echo(f"refused: {refused['reason']}", err=True)
    totals = document["totals"]
    click.echo(
        f"{totals['scenes']} scenes, {totals['refused']} refused, {totals['km2']} km2, "
        f"{totals['pixels'] / 1e6:.0f} Mpx, {totals['bytes'] / 1e9:.2f} GB decoded, "
        f"{totals['tasks']} tasks",
        err=True,
    )


@main.command()
@_selection
@click.option("--out", envvar="WESTSEA_OUT", required=True, help="Folder of the results.")
@click.option(
    "--coast",
    envvar="WESTSEA_COAST",
    type=click.Path(path_type=Path),
    help="Land polygons in any vector format, in place of the coast that ships.",
)
@click.option("--scheduler", envvar="WESTSEA_SCHEDULER", help="tcp:// or tls:// of a scheduler.")
@click.option(
    "--workers",
    envvar="WESTSEA_WORKERS",
    type=click.IntRange(min=0),
    help="Worker processes on this machine; 0 for none. One a core if left out.",
)
@click.option("--shard", metavar="i/N", help="Only the i-th of N parts of the scenes, i from 0.")
@click.option("--chunk", metavar="ROWS[,COLS]", help="Size of the chunks; never of the results.")
@click.option("--dry-run", is_flag=True, help="Plan only; write nothing.")
def sweep(
    out: str,
    coast: Path | None,
    scheduler: str | None,
    workers: int | None,
    shard: str | None,
    chunk: str | None,
    dry_run: bool,
    **selection: Any,
) -> None:
    """Detect hulls and pairs in every scene, into GeoParquet tables under OUT.

    What OUT already holds is skipped; what failed is tried again. Exit code 3 says that some
    scenes failed, and the same command mends them.
    """
    planned = _plan(shard=shard, chunk=chunk, **selection)
    if dry_run:
        _print_plan(plan_document(planned))
        return
    from westsea.api import execute
    from westsea.logs import show_progress
    from westsea.tasks import Verdict

    try:
        report = execute(
            planned,
            out,
            coast=coast,
            detector=click.get_current_context().obj.detector,
            scheduler=scheduler,
            workers=workers,
            progress=show_progress,
        )
    except _Stopped:
        click.echo(f"westsea: {out} is sound; run the same command to go on.", err=True)
        raise
    conclude(report, out)
    refused = [each.reason for each in report.results if each.verdict == Verdict.REFUSED]
    _refuse_named(selection, refused)
    if report.count(Verdict.FAILED):
        sys.exit(3)


def conclude(report: "Report", out: str) -> None:
    """Print what a run did and where its tables are."""
    counts = report.document()
    parts = [f"{counts[name]} {name}" for name in ("done", "empty", "refused", "failed", "skipped")]
    click.echo(f"{report.planned} planned = {' + '.join(parts)}")
    click.echo(
        f"{counts['detections']} detections, {counts['pairs']} pairs in {report.seconds:.1f} s"
    )
    for table in ("detections", "pairs", "scenes"):
        click.echo(f"{table}: {Path(out) / table}")


@main.command()
@click.argument("out")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def runs(out: str, as_json: bool) -> None:
    """List the runs into an output folder."""
    from westsea.results import Sweep

    records = Sweep(out).runs()
    if as_json:
        click.echo(records.to_json(orient="records"))
        return
    names = ["run_id", "planned", "done", "empty", "refused", "failed", "skipped", "seconds"]
    click.echo("\t".join(names))
    for record in records.to_dict(orient="records"):
        click.echo("\t".join(str(record[name]) for name in names))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the profiles as JSON.")
def catalogs(as_json: bool) -> None:
    """List the catalogues that are known by name."""
    from westsea_catalog.profiles import PROFILES

    if as_json:
        names = ("name", "url", "collections")
        known = [{name: getattr(each, name) for name in names} for each in PROFILES.values()]
        click.echo(json.dumps(known, indent=1))
        return
    for profile in PROFILES.values():
        where = profile.url or "made by `westsea demo`"
        click.echo(f"{profile.name}\t{where}\t{', '.join(profile.collections)}")


@main.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where the archive and the results go.",
)
@click.option("--workers", type=click.IntRange(min=0), help="Worker processes; 0 for none.")
def demo(folder: Path, workers: int | None) -> None:
    """Sweep the built-in archive, and compare what is found with what was planted."""
    from westsea.demo import run

    if not run(folder, workers=workers):
        sys.exit(1)


def _items(items: str | None = None, **selection: Any) -> list[dict[str, Any]]:
    """The items that the options select."""
    from westsea.api import items_within, search

    asked = {name: selection[name] for name in ("bbox", "aoi", "last", "collections")}
    asked["datetime"] = selection["period"]
    if items is not None:
        return items_within(items, **asked)
    if selection["catalog"] is None:
        raise click.UsageError("Say where to look: --catalog, or --items for a file of items.")
    return search(selection["catalog"], offline=selection["offline"], **asked)


def _plan(
    items: str | None, shard: str | None = None, chunk: str | None = None, **selection: Any
) -> "Plan":
    from westsea import api
    from westsea.planning import parse_chunk, parse_shard, take_shard

    parts = None if shard is None else parse_shard(shard)
    shape = None if chunk is None else parse_chunk(chunk)
    found = _items(items=items, **selection)
    if parts is not None:
        found = take_shard(found, *parts)
    return api.plan(
        found,
        catalog=selection["catalog"] or items,
        bbox=selection["bbox"],
        aoi=selection["aoi"],
        chunk=shape,
    )


def _refuse_named(selection: dict[str, Any], reasons: list[str]) -> None:
    """Exit 4 when a scene that was named by --items is refused: a retry would not help."""
    if selection["items"] is not None and reasons:
        click.echo(f"westsea: {reasons[0]}", err=True)
        sys.exit(4)
