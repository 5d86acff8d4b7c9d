"""`westsea doctor`."""

import json
import sys
from dataclasses import asdict

import click

from westsea.exits import REFUSED
from westsea.options import known_catalogs, settings


@click.command()
@click.argument("out", required=False, envvar="WESTSEA_OUT")
@click.option(
    "--catalog",
    envvar="WESTSEA_CATALOG",
    help="Profile whose service is asked.",
    shell_complete=known_catalogs,
)
@click.option("--coast", envvar="WESTSEA_COAST", help="Land polygons that a sweep would use.")
@click.option("--scheduler", envvar="WESTSEA_SCHEDULER", help="tcp:// or tls:// of a scheduler.")
@click.option("--offline", is_flag=True, envvar="WESTSEA_OFFLINE", help="Ask no catalogue.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@settings
def doctor(
    out: str | None,
    catalog: str | None,
    coast: str | None,
    scheduler: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Look whether everything is there that a sweep needs, and say what to do where it is not.

    Exit code 4 says that something has to be mended. OUT is tried by writing a file and removing
    it again.

    \b
    westsea doctor
    westsea doctor OUT --catalog cdse --scheduler tls://scheduler:8786
    westsea doctor OUT --offline --json
    """
    from westsea.doctor.check import State
    from westsea.doctor.examination import examine
    from westsea_catalog.profiles import profile_for

    own = click.get_current_context().obj.profiles()
    asked = [own[catalog] if catalog in own else profile_for(catalog)] if catalog else []
    found = examine(out=out, catalogs=asked, coast=coast, scheduler=scheduler, offline=offline)
    if as_json:
        click.echo(json.dumps([asdict(check) for check in found], indent=1))
    else:
        for check in found:
            click.echo(f"{check.state:8}{check.name}: {check.found}")
            if check.remedy:
                click.echo(f"        {check.remedy}")
    if any(check.state is State.FAILED for check in found):
        sys.exit(REFUSED)
