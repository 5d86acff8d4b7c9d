"""`westsea export`."""

import logging
from pathlib import Path

import click

from westsea.options import given_items, own_catalogs, pixels, settings

LOG = logging.getLogger(__name__)


@click.command()
@click.argument("out")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--table",
    type=click.Choice(["pairs", "detections", "scenes"]),
    default="pairs",
    show_default=True,
    help="Which table.",
)
@click.option("--duplicates", is_flag=True, help="Also what other scenes of a pass show again.")
@click.option("--overwrite", is_flag=True, help="Replace the file where it is there.")
@click.option(
    "--chips",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    help="How many rows of a .kmz show the scene's pixels, the likeliest first.",
)
@click.option("--no-chips", "chips", flag_value=0, help="None.")
@pixels
@settings
def export(
    out: str,
    file: Path,
    table: str,
    duplicates: bool,
    overwrite: bool,
    chips: int,
    items: str | None,
    catalog: str | None,
) -> None:
    """Write a table of OUT as one FILE, in the format of its suffix.

    .geojson, .kmz, .fgb, .gpkg, .csv or .parquet, with the overlays joined; or a FILE called
    collection.json: a static STAC collection of OUT's scenes, whose assets are their tables.

    \b
    westsea export OUT pairs.geojson
    westsea export OUT ships.gpkg --table detections
    westsea export OUT pairs.kmz --overwrite
    westsea export OUT OUT/collection.json
    """
    from westsea.export.export import export as write
    from westsea.export.stac import COLLECTION, export_stac

    if file.name == COLLECTION:
        LOG.info("%d items", export_stac(out, file, overwrite=overwrite))
        click.echo(file)
        return
    count = write(
        out,
        file,
        table=table,
        duplicates="keep" if duplicates else "drop",
        overwrite=overwrite,
        chips=chips,
        own=own_catalogs(),
        given=given_items(items, catalog),
    )
    LOG.info("%d %s", count, table)
    click.echo(file)
