"""What commands print of plans and runs."""

import logging
from dataclasses import asdict
from typing import Any

import click
import pandas as pd

from westsea.accounts import Report
from westsea.objects import open_objects
from westsea.planning import Plan, PlannedScene
from westsea.schema import TABLES
from westsea_catalog.trust import brief

LOG = logging.getLogger(__name__)


def plan_document(plan: Plan) -> dict[str, Any]:
    """A plan as JSON values."""
    return {
        "totals": plan.summary(),
        "scenes": [_scene_document(planned) for planned in plan.scenes],
        "refused": [
            {
                "collection": refused.item.get("collection"),
                "item_id": refused.item.get("id"),
                "reason": refused.reason,
            }
            for refused in plan.refused
        ],
    }


def _scene_document(planned: PlannedScene) -> dict[str, Any]:
    scene, grid = planned.scene, planned.scene.grid
    document = {
        "collection": scene.collection,
        "item_id": scene.id,
        "datetime": scene.datetime.isoformat(),
        "bands": list(scene.polarizations),
        "shape": list(grid.shape),
        "window": asdict(planned.window),
        "km2": round(planned.km2, 1),
        "pixels": planned.pixels,
        "bytes": planned.bytes,
        "tasks": planned.n_tasks,
    }
    if scene.sensor == "optical":
        files = (*scene.bands, *scene.extras)
        document["extras"] = [asset.name for asset in scene.extras]
        document["offsets"] = {asset.name: asset.offset for asset in files}
    return document | grid.says


def print_plan(plan: Plan) -> None:
    """A line per scene."""
    for planned in plan.scenes:
        rows, cols = planned.scene.grid.shape
        columns = (
            brief(planned.scene.id),
            "+".join(planned.scene.polarizations),
            f"{rows} x {cols}",
            f"{planned.km2:.0f} km2",
            f"{planned.bytes / 1e6:.0f} MB",
            f"{planned.n_tasks} tasks",
        )
        click.echo("\t".join(columns))


def log_refused(plan: Plan) -> None:
    """Why items are no scenes."""
    for refused in plan.refused:
        LOG.warning("refused: %s", refused.reason)


def log_totals(plan: Plan) -> None:
    """What a plan holds."""
    totals = plan.summary()
    outside = f", {plan.outside} without a pixel in the area" if plan.outside else ""
    LOG.info(
        f"{totals['scenes']} scenes, {totals['refused']} refused{outside}: {totals['km2']} km2, "
        f"{totals['pixels'] / 1e6:.0f} Mpx, {totals['bytes'] / 1e9:.2f} GB decoded, "
        f"{totals['tasks']} tasks"
    )


RUN_COLUMNS = (
    "run_id", "planned", "done", "empty", "refused", "failed", "skipped", "unfinished", "error",
    "given_up", "attempts", "km2_valid", "km2_unread", "bytes", "detections", "pairs", "seconds",
)  # fmt: skip


def print_runs(records: pd.DataFrame) -> None:
    """A line per run."""
    if "km2" in records:
        areas = [km2 if isinstance(km2, dict) else {} for km2 in records["km2"]]
        for kind in ("valid", "unread"):
            column = pd.Series([km2.get(kind) for km2 in areas], records.index, dtype=float)
            records = records.assign(**{f"km2_{kind}": column})
    # Records of other versions may lack some, which makes floats of the others' counts.
    table = records.reindex(columns=list(RUN_COLUMNS)).convert_dtypes()
    click.echo(table.to_csv(sep="\t", index=False), nl=False)


def print_report(report: Report, out: str) -> None:
    """What a run did with each scene, what it found, and where the tables are."""
    totals = report.totals()
    click.echo(str(report))
    click.echo(
        f"{totals['detections']} detections, {totals['pairs']} pairs in {report.seconds:.1f} s"
    )
    if report.given_up:
        click.echo(f"{report.given_up} of the failed were not tried again: see --retry")
    for table in TABLES:
        click.echo(f"{table}: {open_objects(out)}/{table}")
