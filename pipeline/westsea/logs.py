"""What goes to stderr: warnings and, scene by scene, how a sweep gets on."""

import json
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from westsea.tasks import SceneResult

LOG = logging.getLogger("westsea")


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        return json.dumps(document)


def configure(log_format: str, *, verbose: bool) -> None:
    """Send the log to stderr, as text or as JSON lines."""
    # distributed sets its own level when it is imported, here and in the workers.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if log_format == "json" else logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("westsea", "westsea_catalog"):
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)


def show_progress(result: "SceneResult", ended: int, planned: int) -> None:
    """Log a scene's result."""
    fields = {
        "stage": "scene",
        "collection": result.key.collection,
        "item_id": result.key.item_id,
        "verdict": str(result.verdict),
        "seconds": round(result.seconds, 3),
        "ended": ended,
        "planned": planned,
    }
    LOG.info("[%d/%d] %s", ended, planned, result, extra={"fields": fields})
