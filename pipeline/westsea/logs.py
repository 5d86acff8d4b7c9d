"""What goes to stderr: warnings and, scene by scene, how a sweep gets on."""

import json
import logging
import os
import shutil
import sys
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TextIO

from westsea.pace import Pace
from westsea_catalog.trust import escape_controls

if TYPE_CHECKING:
    from westsea.accounts import Report
    from westsea.tasks import SceneResult

LOG = logging.getLogger("westsea")

LogFormat = Literal["text", "json"]

_CLEAR = "\r\x1b[K"


class _Text(logging.Formatter):
    """The message alone, on one line; a traceback below it where there is one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return escape_controls(record.message)


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return json.dumps(document)


class _Terminal(logging.StreamHandler[TextIO]):
    """Keeps how a sweep gets on as one line at the bottom, below whatever else is said."""

    _status = ""

    def show(self, status: str) -> None:
        """Write the line anew; an empty one takes it away."""
        self.acquire()
        try:
            self._status = escape_controls(status)
            self._draw()
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        if self._status:
            self.stream.write(_CLEAR)
        super().emit(record)
        if self._status:
            self._draw()

    def _draw(self) -> None:
        width = shutil.get_terminal_size().columns - 1
        self.stream.write(_CLEAR + self._status[:width])
        self.flush()


def configure(log_format: LogFormat, *, verbose: bool) -> None:
    """Send the log to stderr, as text or as JSON lines; `verbose` adds tracebacks."""
    handler = _Terminal() if log_format == "text" and _on_terminal() else logging.StreamHandler()
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # What other packages log, such as each retry of urllib3, are no sentences for a person.
    # distributed sets its own level when it is imported, here and in the workers.
    others = "warning" if verbose else "critical"
    root.setLevel(others.upper())
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", others)
    for name in ("westsea", "westsea_catalog"):
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)
    warnings.showwarning = _show_warning


def _on_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    LOG.warning("%s", message)


class Progress:
    """Logs each scene of a sweep as it ends.

    On a terminal one line is kept that says how far the sweep is, how fast and how much longer it
    may take, and only scenes that were refused or have failed get a line of their own. Elsewhere
    each scene gets one. As a context manager it takes the line away at the end.
    """

    def __init__(self) -> None:
        handlers = logging.getLogger().handlers
        self._terminal = next((each for each in handlers if isinstance(each, _Terminal)), None)
        self._pace = Pace()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *reason: object) -> None:
        if self._terminal:
            self._terminal.show("")

    def __call__(self, result: "SceneResult", ended: int, planned: int) -> None:
        """Log a result, the `ended`-th of the `planned` scenes."""
        trouble = result.verdict in ("refused", "failed")
        self._pace.note(result)
        if trouble or not self._terminal:
            fields = {
                "stage": "scene",
                "collection": result.key.collection,
                "item_id": result.key.item_id,
                "verdict": str(result.verdict),
                **({"reason": result.reason} if result.reason else {}),
                **_cost(result),
                "ended": ended,
                "planned": planned,
            }
            level = logging.WARNING if trouble else logging.INFO
            LOG.log(level, "[%d/%d] %s", ended, planned, result, extra={"fields": fields})
        if self._terminal:
            pace = self._pace.words(planned - ended)
            self._terminal.show(f"[{ended}/{planned}] {pace}{'; ' if pace else ''}{result}")

    def end(self, report: "Report") -> None:
        """Log what the run did, as JSON where that is the log's format; see also `print_report`."""
        handlers = logging.getLogger().handlers
        if any(isinstance(each.formatter, _Json) for each in handlers):
            fields = {"stage": "run", "run_id": report.run_id, **report.totals()}
            LOG.info("%s", report, extra={"fields": fields})


def _cost(result: "SceneResult") -> dict[str, Any]:
    from westsea.accounts import cost_document  # with all of dask, which other commands do without

    cost = cost_document(result)
    return {"attempt": cost.pop("attempts"), **cost}
