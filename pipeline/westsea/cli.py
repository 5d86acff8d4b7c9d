"""The command line. Nothing heavy is imported before a command runs."""

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from westsea.commands.doctor import doctor
from westsea.commands.evidence import link, persist
from westsea.commands.export import export
from westsea.exits import BUG, PARTIAL, REFUSED, Commands, Stopped
from westsea.options import (
    drop_weaker,
    given_items,
    measurement,
    named_catalog,
    own_catalogs,
    pixels,
    selection,
    settings,
)

if TYPE_CHECKING:
    from westsea.planning import Plan

LOG = logging.getLogger(__name__)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="westsea")
def main() -> None:
    """Find ships that lie side by side at sea in free Sentinel imagery.

    \b
    westsea search --catalog earth-search --aoi west-sea --last P3D
    westsea plan   --catalog earth-search --aoi west-sea --last P3D
    westsea sweep  --catalog earth-search --aoi west-sea --last P3D --out OUT
    westsea report OUT
    westsea export OUT pairs.geojson
    westsea doctor OUT
    westsea demo

    Completion: eval "$(_WESTSEA_COMPLETE=bash_source westsea)" (or zsh_source, fish_source).
    """


for command in (doctor, export, link, persist):
    main.add_command(command)


@main.command()
@selection
@click.option("--json", "as_json", is_flag=True, help="Print the items as an ItemCollection.")
@settings
def search(as_json: bool, **selected: Any) -> None:
    """List the scenes of a catalogue, or pass them on as STAC items.

    \b
    westsea search --catalog earth-search --aoi west-sea --last P3D --json |
        westsea sweep --items - --catalog earth-search --aoi west-sea --out OUT
    """
    items = _items(**selected)
    if as_json:
        click.echo(json.dumps({"type": "FeatureCollection", "features": items}))
    else:
        from westsea_catalog.region import rfc3339
        from westsea_catalog.stac_item import item_time
        from westsea_catalog.trust import brief

        for item in items:
            when = item_time(item)
            time = rfc3339(when) if when else "undated"
            click.echo(f"{brief(item.get('collection'))}\t{time}\t{brief(item.get('id'))}")
    LOG.info("%d scenes", len(items))


@main.command()
@selection
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@settings
def plan(as_json: bool, **selected: Any) -> None:
    """Show what a sweep would read: scenes, grids, area, bytes and tasks."""
    from westsea.printing import plan_document

    planned = _plan(**selected)
    if as_json:
        click.echo(json.dumps(plan_document(planned), indent=1))
    _show(planned, named=selected["items"], with_scenes=not as_json)


@main.command()
@selection
@click.option("--out", envvar="WESTSEA_OUT", required=True, help="Folder of the results, or s3://.")
@click.option(
    "--coast",
    envvar="WESTSEA_COAST",
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
@click.option(
    "--scene-deadline",
    envvar="WESTSEA_SCENE_DEADLINE",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds that a scene may take on a worker; by its size if left out.",
)
@click.option(
    "--attempts",
    envvar="WESTSEA_ATTEMPTS",
    type=click.IntRange(min=1),
    help="Runs in which a scene may fail before it is left alone (5).",
)
@click.option("--retry", is_flag=True, help="Try those again that are left alone.")
@click.option(
    "--metrics",
    envvar="WESTSEA_METRICS",
    help="File for Prometheus' node exporter, written anew at the end.",
)
@click.option("--performance-report", help="HTML file for distributed's own account; needs bokeh.")
@click.option("--run-id", envvar="WESTSEA_RUN_ID", help="Name of this run's record in OUT/runs.")
@click.option("--dry-run", is_flag=True, help="Plan only; write nothing.")
@settings
def sweep(
    out: str,
    coast: str | None,
    scheduler: str | None,
    workers: int | None,
    shard: str | None,
    chunk: str | None,
    scene_deadline: float | None,
    attempts: int | None,
    retry: bool,
    metrics: str | None,
    performance_report: str | None,
    run_id: str | None,
    dry_run: bool,
    **selected: Any,
) -> None:
    """Detect hulls and pairs in every scene, into GeoParquet tables under OUT.

    What OUT already holds is skipped; what failed is tried again, up to --attempts times. Exit
    code 3 says that some scenes failed in this run, and the same command may mend them.
    """
    from westsea.api import execute
    from westsea.logs import Progress
    from westsea.metrics import write_metrics
    from westsea.printing import log_totals, print_report
    from westsea.records import Verdict
    from westsea.runner import Limits

    planned = _plan(shard=shard, chunk=chunk, **selected)
    if dry_run:
        _show(planned, named=selected["items"])
        return
    how: dict[str, Any] = {"scheduler": scheduler, "workers": workers}
    drop_weaker(how, "scheduler", "workers")
    how |= {"offline": selected["offline"], "run_id": run_id}
    how["limits"] = Limits(scene_deadline, attempts or Limits.attempts, retry)
    how["performance_report"] = performance_report
    detector = click.get_current_context().obj.detector
    log_totals(planned)
    try:
        with Progress() as progress:
            report = execute(planned, out, coast=coast, detector=detector, progress=progress, **how)
    except Stopped:
        LOG.warning("westsea: %s is sound: run the same command to go on.", out)
        raise
    if metrics is not None:
        write_metrics(report.totals(), metrics)
    print_report(report, out)
    progress.end(report)
    _end(
        named=selected["items"],
        refused=report.count(Verdict.REFUSED),
        failed=report.count(Verdict.FAILED) - report.given_up,
    )


@main.command()
@click.argument("out")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
@settings
def runs(out: str, as_json: bool) -> None:
    """List the runs into an output folder."""
    from westsea.printing import print_runs
    from westsea.results import Sweep

    records = Sweep(out).runs()
    if as_json:
        click.echo(records.to_json(orient="records"))
        return
    print_runs(records)


@main.command()
@click.argument("out")
@click.option(
    "-o", "file", type=click.Path(dir_okay=False, path_type=Path), help="Else OUT/report.html."
)
@pixels
@settings
def report(out: str, file: Path | None, items: str | None, catalog: str | None) -> None:
    """Write a page of all pairs, to look at and to judge: one file, no network needed.

    \b
    westsea report OUT
    westsea label import OUT labels.json --reviewer NAME
    """
    from westsea.report import write

    written = write(out, file, own=own_catalogs(), given=given_items(items, catalog))
    if written.n_without:
        LOG.warning("westsea: %d pairs are without pixels; the page says why.", written.n_without)
    click.echo(f"{written.n_pairs} pairs, {written.size / 1e6:.1f} MB: {written.path}")


@main.command()
@click.argument("out")
@click.argument("pair_id")
@click.option(
    "-o", "file", type=click.Path(dir_okay=False, path_type=Path), help="Its chips as a PNG."
)
@pixels
@settings
def inspect(
    out: str, pair_id: str, file: Path | None, items: str | None, catalog: str | None
) -> None:
    """Show one pair: its numbers, why it scores so, and its chips with -o."""
    from westsea.report.inspection import draw, find, lines

    found = find(out, pair_id, own=own_catalogs(), given=given_items(items, catalog))
    for line in lines(found):
        click.echo(line)
    if file is not None:
        draw(found, file)
        LOG.info("%s", file)


@main.group()
def label() -> None:
    """Verdicts of people on pairs."""


@label.command("import")
@click.argument("out")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--reviewer", help="Whose they are, unless the file says so.")
@settings
def import_labels(out: str, file: Path, reviewer: str | None) -> None:
    """Add the verdicts of a labels.json, which a report exports; of several the latest counts."""
    from westsea.results import Sweep

    done = Sweep(out).import_labels(file, reviewer)
    known = f", {done.n_unknown} on pairs that {out} does not hold" if done.n_unknown else ""
    already = "" if done.is_new or not done.n_labels else "; they were there already"
    click.echo(f"{done.n_labels} labels{known}{already}")


@label.command("export")
@click.argument("out")
@settings
def export_labels(out: str) -> None:
    """Print all verdicts as a labels.json, to keep or to import elsewhere."""
    from westsea.labels import document
    from westsea.results import Sweep

    swept = Sweep(out)
    click.echo(document(swept.labels(), str(swept.parameters().get("params_hash"))), nl=False)


@main.command()
@click.argument("out", envvar="WESTSEA_OUT")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=9464, show_default=True)
@settings
def exporter(out: str, host: str, port: int) -> None:
    """Serve what the last nightly runs into an output folder did, as Prometheus metrics."""
    from threading import Event

    from prometheus_client import start_http_server

    from westsea.exporter import registry
    from westsea.objects import open_objects
    from westsea_catalog.errors import ConfigError

    known = registry(open_objects(out))
    try:
        start_http_server(port, host, registry=known)
    except OSError as error:
        raise ConfigError(f"{host}:{port} is not to be had: {error.strerror}.") from error
    LOG.info("metrics of %s at http://%s:%d/metrics", out, host, port)
    Event().wait()  # until a signal


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the profiles as JSON.")
@settings
def catalogs(as_json: bool) -> None:
    """List the catalogues that are known by name, those of --config too, and what they need."""
    from westsea.catalogs import document, needs
    from westsea_catalog.profiles import PROFILES

    known = [*PROFILES.values(), *click.get_current_context().obj.profiles().values()]
    if as_json:
        click.echo(json.dumps([document(profile) for profile in known], indent=1))
        return
    for profile in known:
        nowhere = "made by `westsea demo`" if profile.name in PROFILES else "for --items"
        where = profile.url or profile.file or nowhere
        columns = (profile.name, where, ", ".join(profile.collections), needs(profile))
        click.echo("\t".join(columns))


@main.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where the archive and the results go.",
)
@click.option("--workers", type=click.IntRange(min=0), help="Worker processes; 0 for none.")
@settings
def demo(folder: Path, workers: int | None) -> None:
    """Sweep the built-in archive, and compare what is found with what was planted."""
    from westsea.demo import run
    from westsea.logs import Progress
    from westsea.printing import print_report

    with Progress() as progress:
        shown = run(folder, workers=workers, progress=progress)
    click.echo(str(shown))
    print_report(shown.report, str(shown.out))
    click.echo(f"report: {shown.page}")
    if not shown.is_enough:
        sys.exit(BUG)


@main.group()
def bench() -> None:
    """Measure how well ships are found on archives whose truth is known."""


@bench.command()
@measurement(folder="Where the archives go", figures="Counts")
@click.option(
    "--seed",
    "seeds",
    type=click.IntRange(min=0),
    multiple=True,
    help="Of an archive, in place of the fixed ones; may be repeated.",
)
@click.option("--workers", type=click.IntRange(min=0), help="Worker processes; 0 for none.")
@settings
def detection(
    folder: Path,
    seeds: tuple[int, ...],
    json_file: Path | None,
    plot_file: Path | None,
    workers: int | None,
) -> None:
    """Recall against false detections, beside three classic recipes on the same scenes.

    By length, sea state and sensor, at a ladder of false alarm rates. The detector's settings are
    those of --config.
    """
    from westsea.bench import report
    from westsea.bench.detection import SEEDS, run

    report.check_files(json_file, plot_file)  # not after minutes of work
    measured = run(
        folder,
        seeds=seeds or SEEDS,
        detector=click.get_current_context().obj.detector,
        workers=workers,
        progress=lambda what, ended, of: LOG.info("[%d/%d] %s", ended, of, what),
    )
    click.echo(report.text(measured))
    if json_file is not None:
        report.write_json(measured, json_file)
    if plot_file is not None:
        report.write_plot(measured, plot_file)


@bench.command()
@measurement(folder="Where the scenes go (4 GB)", figures="Figures")
@click.option(
    "--refit",
    "package",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Write what was fitted into this folder.",
)
@click.option("--workers", type=click.IntRange(min=1), default=1, help="Processes.")
def pairs(
    folder: Path,
    json_file: Path | None,
    plot_file: Path | None,
    package: Path | None,
    workers: int,
) -> None:
    """One hull or several: fit the odds anew, and try them on blobs they have not seen.

    Beside another hull model, another pass, and the widths that others go by.
    """
    from westsea.bench import report as files
    from westsea.bench.alongside import report, running

    files.check_files(json_file, plot_file)  # not after minutes of work
    measured = running.run(folder, workers=workers, progress=LOG.info)
    click.echo(report.text(measured))
    if json_file is not None:
        report.write_json(measured, json_file)
    if plot_file is not None:
        report.write_plot(measured, plot_file)
    if package is not None:
        click.echo(running.write_shipped(measured, package))


def _items(items: str | None, **selected: Any) -> list[dict[str, Any]]:
    """The items that the options select."""
    from westsea.api import items_within, search

    asked = {name: selected[name] for name in ("bbox", "aoi", "last", "collections")}
    asked["datetime"] = selected["period"]
    if items is not None:
        return items_within(items, **asked)
    if selected["catalog"] is None:
        raise click.UsageError("Say where to look: --catalog, or --items for a file of items.")
    return search(named_catalog(selected["catalog"]), offline=selected["offline"], **asked)


def _plan(
    items: str | None, shard: str | None = None, chunk: str | None = None, **selected: Any
) -> "Plan":
    from westsea import api
    from westsea.planning import parse_chunk, parse_shard, take_shard

    parts = None if shard is None else parse_shard(shard)
    shape = None if chunk is None else parse_chunk(chunk)
    found = _items(items=items, **selected)
    if parts is not None:
        found = take_shard(found, *parts)
    return api.plan(
        found,
        catalog=named_catalog(selected["catalog"]) if selected["catalog"] else items,
        bbox=selected["bbox"],
        aoi=selected["aoi"],
        chunk=shape,
    )


def _show(planned: "Plan", *, named: str | None, with_scenes: bool = True) -> None:
    from westsea.printing import log_refused, log_totals, print_plan

    if with_scenes:
        print_plan(planned)
    log_refused(planned)
    log_totals(planned)
    _end(named=named, refused=len(planned.refused))


def _end(*, named: str | None, refused: int, failed: int = 0) -> None:
    """Exit with what became of the scenes; a refused one counts where it was named by --items."""
    if failed:
        sys.exit(PARTIAL)
    if named is not None and refused:
        sys.exit(REFUSED)
