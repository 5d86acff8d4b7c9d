"""Options that commands share, and which of them wins."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
import click.shell_completion
from click.core import ParameterSource

if TYPE_CHECKING:
    from westsea.sources import Source
    from westsea_catalog.profiles import Profile

F = TypeVar("F", bound=Callable[..., Any])

_STRENGTH = (
    ParameterSource.DEFAULT,
    ParameterSource.DEFAULT_MAP,
    ParameterSource.ENVIRONMENT,
    ParameterSource.COMMANDLINE,
)


def selection(command: F) -> F:
    """Options that say which scenes."""

    @wraps(command)
    def select(now_from_job: str | None, **values: Any) -> Any:
        drop_weaker(values, "bbox", "aoi")
        if now_from_job is not None and "WESTSEA_NOW" not in os.environ:
            from westsea.jobs import scheduled_time
            from westsea_catalog.region import rfc3339

            os.environ["WESTSEA_NOW"] = rfc3339(scheduled_time(now_from_job))
        return command(**values)

    return _with_options(
        cast("F", select),
        click.option(
            "--catalog",
            envvar="WESTSEA_CATALOG",
            help="Profile, URL or file.",
            shell_complete=known_catalogs,
        ),
        click.option("--bbox", help="W,S,E,N in degrees; write --bbox=-5,... if W is negative."),
        click.option("--aoi", envvar="WESTSEA_AOI", help="west-sea or a GeoJSON file."),
        click.option("--items", help="File of STAC items, or - for stdin; needs no catalogue."),
        click.option("--datetime", "period", help="A/B: days, or times with an offset."),
        click.option("--last", help="Look back from now (or WESTSEA_NOW), e.g. P3D."),
        click.option(
            "--now-from-job",
            metavar="NAME",
            envvar="WESTSEA_JOB",
            help="Of a Kubernetes CronJob's Job, whose name says when it was due: now for --last.",
        ),
        click.option(
            "-c",
            "--collection",
            "collections",
            multiple=True,
            envvar="WESTSEA_COLLECTIONS",
            help="Collection id; may be repeated.",
        ),
        click.option(
            "--offline", is_flag=True, envvar="WESTSEA_OFFLINE", help="Never use the network."
        ),
    )


def settings(command: F) -> F:
    """Options of every command: a file of settings, and how to log."""

    @wraps(command)
    def configured(log_format: Any, verbose: bool, **values: Any) -> Any:
        from westsea.logs import configure

        configure(log_format, verbose=verbose)
        return command(**values)

    return _with_options(
        cast("F", configured),
        click.option(
            "--config",
            type=click.Path(dir_okay=False, path_type=Path),
            envvar="WESTSEA_CONFIG",
            is_eager=True,
            expose_value=False,
            callback=_load,
            help="TOML file of settings; flags and WESTSEA_* variables come first.",
        ),
        click.option(
            "--log-format",
            type=click.Choice(["text", "json"]),
            envvar="WESTSEA_LOG_FORMAT",
            default="text",
            help="How progress and warnings look on stderr.",
        ),
        click.option("-v", "--verbose", is_flag=True, help="Log more, with tracebacks."),
    )


def measurement(*, folder: str, figures: str) -> Callable[[F], F]:
    """Options of a bench: its folder and its files, with what is said of the first two."""
    file = click.Path(dir_okay=False, path_type=Path)

    def measure(command: F) -> F:
        return _with_options(
            command,
            click.option(
                "--folder",
                type=click.Path(file_okay=False, path_type=Path),
                default=Path("bench"),
                show_default=True,
                help=f"{folder}; they are used again while their generator is the same.",
            ),
            click.option("--json", "json_file", type=file, help=f"{figures} as JSON."),
            click.option(
                "--plot",
                "plot_file",
                type=file,
                help="Curves as PNG or SVG; needs matplotlib.",
            ),
        )

    return measure


def pixels(command: F) -> F:
    """Options that say where pixels are to be read from once more."""
    return _with_options(
        command,
        click.option("--items", help="File of the scenes' items, where their pixels have moved."),
        click.option("--catalog", help="Where those came from: profile, URL or file."),
    )


def own_catalogs() -> "dict[str, Profile]":
    """Catalogues of the settings file, by name."""
    own: dict[str, Profile] = click.get_current_context().obj.profiles()
    return own


def given_items(items: str | None, catalog: str | None) -> "dict[tuple[str, str], Source]":
    """Items to read pixels by, where --items names some."""
    if items is None:
        if catalog is not None:
            raise click.UsageError("--catalog says where --items came from: give both.")
        return {}
    from westsea.sources import from_file

    return from_file(items, named_catalog(catalog) if catalog else None)


def named_catalog(name: str) -> "str | Profile":
    """A catalogue of the settings file where the name is one of them, else as it was given."""
    return own_catalogs().get(name, name)


def drop_weaker(values: dict[str, Any], one: str, other: str) -> None:
    """Of two options that exclude each other, forget the one from the weaker source.

    A flag beats a variable, which beats the file of settings; of equals both are kept.
    """
    source = click.get_current_context().get_parameter_source
    strength = {name: _STRENGTH.index(source(name) or _STRENGTH[0]) for name in (one, other)}
    if None not in (values[one], values[other]) and strength[one] != strength[other]:
        values[min(one, other, key=strength.__getitem__)] = None


def known_catalogs(
    _context: click.Context, _option: click.Parameter, begun: str
) -> list[click.shell_completion.CompletionItem]:
    """Profiles, and files, that what somebody typed may become."""
    from westsea_catalog.profiles import PROFILES

    found = [
        click.shell_completion.CompletionItem(name) for name in PROFILES if name.startswith(begun)
    ]
    return found or [click.shell_completion.CompletionItem(begun, type="file")]


def _load(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    from westsea.config import load

    context.obj = load(path)
    context.default_map = context.obj.defaults()


def _with_options(command: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        command = option(command)
    return command
