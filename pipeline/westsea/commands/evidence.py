"""`westsea persist` and `westsea link`."""

import logging
from typing import TYPE_CHECKING

import click

from westsea.options import settings

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)


@click.command()
@click.argument("out")
@click.option("--json", "as_json", is_flag=True, help="Print the objects as JSON.")
@settings
def persist(out: str, as_json: bool) -> None:
    r"""Find what never moves in OUT: platforms, turbines, buoys, rocks.

    Written as an overlay, OUT/persist: from then on results, reports and exports flag it as
    fixed_object. Run it again when more scenes are there.

    \b
    westsea persist OUT
    """
    from westsea.over_time import persist as find

    objects = find(out)
    _print(objects, as_json)
    LOG.info("%d fixed object%s", len(objects), "" if len(objects) == 1 else "s")


def _print(rows: "pd.DataFrame", as_json: bool) -> None:
    """Rows on stdout, times as RFC 3339."""
    if as_json:
        click.echo(rows.to_json(orient="records", date_format="iso"))
    else:
        text = rows.to_csv(sep="\t", index=False, float_format="%.6g")
        click.echo(text, nl=False)
