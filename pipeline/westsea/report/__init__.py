"""The report: one file that shows every pair and what was looked at, and takes verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from westsea.report.documents import document
from westsea.report.pages import page
from westsea.sources import Source
from westsea_catalog.errors import UsageError
from westsea_catalog.profiles import Profile

FILE = "report.html"


@dataclass(frozen=True)
class Written:
    """A report that was written."""

    path: Path
    n_pairs: int
    n_without: int
    """Pairs whose pixels could not be had."""
    size: int
    """Bytes."""


def write(
    out: str,
    file: Path | None = None,
    *,
    own: Mapping[str, Profile] | None = None,
    given: Mapping[tuple[str, str], Source] | None = None,
) -> Written:
    """Write the report of an output folder.

    Parameters
    ----------
    out
        The folder.
    file
        Where to; None for report.html in the folder.
    own
        Catalogues of the settings file, by name.
    given
        Items to read pixels by, in place of those kept beside the tables.

    Raises
    ------
    ConfigError
        There are no results, or they are damaged.
    UsageError
        The file cannot be written.
    """
    if file is None and "://" in out and not out.startswith("file://"):
        raise UsageError(f"A report is a file here: say where with -o, as in -o {FILE}.")
    shown = document(out, own=own, given=given)
    path = Path(shown["out"]) / FILE if file is None else file
    data = page(shown).encode()
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    without = sum(not pair["chip"]["pictures"] for pair in shown["pairs"])
    return Written(path, len(shown["pairs"]), without, len(data))
