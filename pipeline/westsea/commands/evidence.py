"""`westsea persist` and `westsea link`."""

import logging
from typing import TYPE_CHECKING

import click

from westsea.options import settings

if TYPE_CHECKING:
    import pandas as pd

TIME = "%Y-%m-%dT%H:%M:%SZ"
LOG = logging.getLogger(__name__)


@click.command()
@click.argument("out")
@click.option("--json", "as_json", is_flag=True, help="Print the objects as JSON.")
@settings
def persist(out: str, as_json: bool) -> None:
    """Find what never moves in OUT: platforms, turbines, buoys, rocks.

    Written as an overlay, OUT/persist: from then on results, reports and exports flag it as
    fixed_object. Run it again when more scenes are there.

    \b
    westsea persist OUT
    """
    from westsea.over_time import persist as find

    objects = find(out)
    _print(objects, as_json)
    LOG.info("%d fixed object%s", len(objects), "" if len(objects) == 1 else "s")


@click.command()
@click.argument("out")
@click.option("--json", "as_json", is_flag=True, help="Print the events as JSON.")
@settings
def link(out: str, as_json: bool) -> None:
    """Join what several passes saw at one spot of OUT within days, and weigh it together.

    Written as an overlay, OUT/events. Two passes or an optical look can confirm ships alongside;
    a single radar look never does. Run westsea persist before: what never moves is no event.

    \b
    westsea persist OUT
    westsea link OUT
    """
    from westsea.over_time import link as join

    events = join(out)
    columns = events.drop(columns=["geometry", "platforms", "detect_ids"])
    if as_json:
        columns = events.drop(columns="geometry")
    _print(columns, as_json)
    confirmed, several = int(events["is_confirmed"].sum()), int((events["n_passes"] > 1).sum())
    LOG.info("%d events, %d of several passes, %d confirmed", len(events), several, confirmed)


def _print(rows: "pd.DataFrame", as_json: bool) -> None:
    """Rows on stdout, times as RFC 3339."""
    if as_json:
        click.echo(rows.to_json(orient="records", date_format="iso"))
    else:
        text = rows.to_csv(sep="\t", index=False, float_format="%.8g", date_format=TIME)
        click.echo(text, nl=False)
