"""How a command ends: every error is one sentence on stderr and an exit code."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

LOG = logging.getLogger("westsea")

BUG = 1
PARTIAL = 3
REFUSED = 4
STOPPED = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Stopped(BaseException):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)


class Commands(click.Group):
    """Commands whose errors and signals end in an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command line; never returns but by SystemExit."""
        from westsea.logs import configure
        from westsea_catalog.errors import WestseaError

        configure("text", verbose=False)  # until the command's own options are read
        with _signals_stop():
            try:
                return super().main(*args, **kwargs)
            except WestseaError as error:
                LOG.error("westsea: %s", error)
                code = error.exit_code
            except Stopped as stop:
                LOG.error("westsea: stopped by %s.", stop.number.name)
                code = STOPPED[stop.number]
            except Exception as error:
                _report_bug(error)
                code = BUG
        sys.exit(code)


def _report_bug(error: Exception) -> None:
    LOG.error(
        "westsea: this is a bug, please report it with what -v adds: %s: %s",
        type(error).__name__,
        error,
        exc_info=error if LOG.isEnabledFor(logging.DEBUG) else None,
    )


@contextmanager
def _signals_stop() -> Iterator[None]:
    before = {number: signal.signal(number, _stop) for number in STOPPED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: Any) -> None:
    # Whoever asks twice does not want to wait for the workers.
    for each in STOPPED:
        signal.signal(each, signal.SIG_DFL)
    raise Stopped(number)
