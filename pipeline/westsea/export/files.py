"""Writing a file whole or not at all, and never over another one unasked."""

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from westsea.objects import FileLayer
from westsea_catalog.errors import ConfigError, UpstreamError, UsageError, WestseaError


def write_whole(path: Path, write: Callable[[Path], object], *, overwrite: bool) -> None:
    """Have `write` make a file beside `path`, and name it `path` once it is whole.

    Raises
    ------
    UsageError
        Something is there, and `overwrite` was not asked for.
    ConfigError, UpstreamError
        It cannot be written.
    """
    check_free(path, overwrite=overwrite)
    try:
        with tempfile.TemporaryDirectory(prefix=".westsea-", dir=path.parent) as folder:
            made = Path(folder) / path.name
            write(made)
            FileLayer().fsync(made)
            if overwrite:
                made.replace(path)
            else:
                _name(made, path)
        FileLayer().fsync(path.parent)
    except OSError as error:
        raise _explained(path, error) from error


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse what is there already, or a folder that is not: before minutes of work."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file.")
    if not overwrite and os.path.lexists(path):
        raise UsageError(f"{path} is there already: take --overwrite, or another name.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}: make it first.")


def _name(made: Path, path: Path) -> None:
    """Name a file by a hard link, which fails where the name is taken by now."""
    try:
        path.hardlink_to(made)
    except FileExistsError:
        raise UsageError(f"{path} is there already: take --overwrite, or another name.") from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS):
            raise
        made.replace(path)


def _explained(path: Path, error: OSError) -> WestseaError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UpstreamError(f"No space is left for {path}: free some, then run the same again.")
    reason = error.strerror or str(error)
    return ConfigError(f"{path} cannot be written ({reason}): choose another place.")
