"""Where tables are kept: a small store of keys and bytes, in a local folder or in a bucket.

`Store` needs nothing but the few calls of `Objects`, none of which it must see half done.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote
from uuid import uuid4

from westsea_catalog.errors import ConfigError, UpstreamError, WestseaError

TEMPORARY = ".tmp"
"""One folder for all temporary files: what crashed runs left is found without walking the output,
and nobody who reads the tables' folders ever meets one."""

ATTEMPTS = 8
"""Tries of a write whose temporary file another run's `clean` takes away, once per run start."""

BUCKETS = ("s3", "gs", "az")
READERS = 16

K = TypeVar("K")
T = TypeVar("T")

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNUSABLE = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "it is on a read-only file system",
    errno.ENOTDIR: "a part of its path is a file",
    errno.EEXIST: "a part of its path is a file",
    errno.EISDIR: "a folder stands where a file belongs",
    errno.ENAMETOOLONG: "its path is too long",
    errno.ELOOP: "its path is a loop of links",
}


class Outcome(StrEnum):
    """What became of a write that never replaces anything."""

    CREATED = "created"
    SAME = "same"
    """It was there already, with equal content."""
    CONFLICT = "conflict"
    """Other content was there, and stays."""


class Objects(Protocol):
    """Keys and bytes. Keys are relative paths with ``/``; every call is atomic and durable."""

    def get(self, key: str) -> bytes | None:
        """The content, or None where there is none."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is content."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Write; replace what is there."""
        ...

    def put_new(self, key: str, data: bytes) -> Outcome:
        """Write unless something is there: of many writers, one creates."""
        ...

    def delete(self, key: str) -> None:
        """Delete, if it is there."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a folder, sorted."""
        ...

    def clean(self) -> None:
        """Remove what crashed writers left behind."""
        ...

    def guarantee(self) -> str:
        """A sentence on what the store holds to when several write at once."""
        ...


class FileLayer:
    """The calls to the operating system; tests let them fail one by one."""

    def read(self, path: Path) -> bytes:
        """The content of a file."""
        return path.read_bytes()

    def exists(self, path: Path) -> bool:
        """Whether there is a file or folder."""
        return path.exists()

    def entries(self, folder: Path) -> list[tuple[str, bool]]:
        """(name, is a folder) of what is in a folder."""
        with os.scandir(folder) as found:
            return [(entry.name, entry.is_dir()) for entry in found]

    def mkdir(self, folder: Path) -> None:
        """Make one folder."""
        folder.mkdir()

    def write(self, path: Path, data: bytes) -> None:
        """Make a file; not durable yet."""
        with path.open("xb") as file:
            file.write(data)

    def fsync(self, path: Path) -> None:
        """Make a file's content, or a folder's entries, durable."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some network file systems sync files only; their folders need no sync.
            if error.errno != errno.EINVAL or not path.is_dir():
                raise
        finally:
            os.close(descriptor)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name; FileExistsError if the name is taken."""
        target.hardlink_to(source)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, replacing what has it."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file's name."""
        path.unlink()


@dataclass(frozen=True)
class LocalFolder:
    """`Objects` on a local or mounted folder.

    A file is written under a temporary name, made durable, and only then named. `put_new` names it
    by a hard link, which fails where the name is taken. On a file system without hard links it
    looks first and renames then: a second run at the same instant could replace the first's file.

    Folders that were made durable are remembered, by the copies of a process too: syncing those of
    every file anew took 14 of the 23 syncs of a scene.
    """

    root: Path
    files: FileLayer = field(default_factory=FileLayer, compare=False)
    _durable: set[Path] = field(default_factory=set, init=False, repr=False, compare=False)
    """Folders that exist for good, and those above them; adding and looking up are atomic."""

    def __reduce__(self) -> tuple[Any, ...]:
        if type(self.files) is FileLayer:
            return _of_process, (self.root,)
        return LocalFolder, (self.root, self.files)

    def __str__(self) -> str:
        return str(self.root)

    def get(self, key: str) -> bytes | None:
        """The content, or None where there is none."""
        with self._explained():
            try:
                return self.files.read(self.root / key)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def exists(self, key: str) -> bool:
        """Whether there is content."""
        with self._explained():
            return self.files.exists(self.root / key)

    def put(self, key: str, data: bytes) -> None:
        """Write; replace what is there."""
        with self._explained():
            self._place(key, data, self.files.rename)

    def put_new(self, key: str, data: bytes) -> Outcome:
        """Write unless something is there: of many writers, one creates."""
        with self._explained():
            try:
                self._place(key, data, self._link)
                return Outcome.CREATED
            except FileExistsError:
                # Whoever named it may have died before the name was durable.
                self.files.fsync((self.root / key).parent)
        standing = self.get(key)
        if standing is None:  # deleted in between
            return self.put_new(key, data)
        return Outcome.SAME if standing == data else Outcome.CONFLICT

    def delete(self, key: str) -> None:
        """Delete, if it is there."""
        path = self.root / key
        with self._explained():
            with suppress(FileNotFoundError):
                self.files.unlink(path)
            # Also where it was gone: whoever removed it may have died before its sync.
            with suppress(FileNotFoundError):
                self.files.fsync(path.parent)

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a folder, sorted."""
        with self._explained():
            try:
                entries = sorted(self.files.entries(self.root / prefix))
            except (FileNotFoundError, NotADirectoryError):
                return
        for name, is_folder in entries:
            key = f"{prefix}/{name}"
            if is_folder:
                yield from self.list(key)
            else:
                yield key

    def relist(self, key: str) -> None:
        """List the folders above a key, the upper ones first.

        Otherwise NFS may answer from memory, for a minute, that what another machine has written
        is not there.
        """
        with self._explained():
            for folder in reversed(Path(key).parents):
                try:
                    self.files.entries(self.root / folder)
                except (FileNotFoundError, NotADirectoryError):
                    return

    def clean(self) -> None:
        """Remove all temporary files; a writer that still needs its own writes it again."""
        for key in self.list(TEMPORARY):
            self.delete(key)

    def guarantee(self) -> str:
        """A sentence on what the folder holds to; writes and removes two files to see."""
        name = f"{TEMPORARY}/{uuid4().hex}"
        source, target = (self.root / f"{name}{end}" for end in ("", ".link"))
        with self._explained():
            self._make(source.parent)
            self.files.write(source, b"")
            try:
                self.files.link(source, target)
                self.files.unlink(target)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return (
                    f"{self} has no hard links: of two sweeps at the same time whose results"
                    " differ, the files of a scene may be mixed; run one at a time."
                )
            finally:
                self.files.unlink(source)
        return f"{self} names a file once: sweeps at the same time do not disturb each other."

    def _place(self, key: str, data: bytes, name: Callable[[Path, Path], None]) -> None:
        """Write under a temporary name, then `name` it."""
        path = self.root / key
        for _ in range(ATTEMPTS):
            temporary = self.root / TEMPORARY / uuid4().hex
            self._make(temporary.parent)
            self._make(path.parent)
            try:
                self.files.write(temporary, data)
                self.files.fsync(temporary)
                name(temporary, path)
            except FileNotFoundError:
                # Another run cleaned up between two of these calls, or someone removed a folder.
                self._durable.clear()
                continue
            finally:
                with suppress(OSError):  # renamed, or harmless until the next clean()
                    self.files.unlink(temporary)
            self.files.fsync(path.parent)
            return
        raise UpstreamError(f"{path} could not be written: its temporary files vanish; try again.")

    def _link(self, source: Path, target: Path) -> None:
        try:
            self.files.link(source, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if self.files.exists(target):
                raise FileExistsError(errno.EEXIST, "exists", str(target)) from error
            self.files.rename(source, target)

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it, durably.

        Below the root also those that are there: their maker may have died before its sync.
        """
        if folder in self._durable:
            return
        below = folder != self.root and folder.is_relative_to(self.root)
        if not below and self.files.exists(folder):
            return
        self._make(folder.parent)
        with suppress(FileExistsError):
            self.files.mkdir(folder)
        self.files.fsync(folder.parent)
        self._durable.add(folder)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the operating system as sentences with an exit code."""
        try:
            yield
        except OSError as error:
            raise _explain(self.root, error) from error


@lru_cache(maxsize=8)
def _of_process(root: Path) -> LocalFolder:
    """The one folder that all copies sent to this process are."""
    return LocalFolder(root)


def _explain(root: Path, error: OSError) -> WestseaError:
    if error.errno in _FULL:
        return UpstreamError(f"No space is left for {root}: free some, then run the same again.")
    if error.errno in _UNUSABLE:
        reason = _UNUSABLE[error.errno]
        return ConfigError(f"Cannot use the folder {root}, {reason}: choose another one.")
    return UpstreamError(f"{root} failed ({error.strerror}): run the same again.")


def side_by_side(call: Callable[[K], T], keys: Iterable[K]) -> Iterator[T]:
    """What `call` returns of each key, or of what stands for some keys, in their order.

    An answer of a store far away takes 10 to 100 ms, so several are waited for at a time.
    """
    with ThreadPoolExecutor(READERS) as readers:
        yield from readers.map(call, keys)


def open_objects(out: str | os.PathLike[str]) -> Objects:
    """The store of objects behind an output address: a folder, or s3://, gs:// or az://.

    Raises
    ------
    ConfigError
        If it is no such address.
    """
    address = os.fspath(out)
    scheme, separator, rest = address.partition("://")
    if separator and scheme in BUCKETS:
        from westsea.buckets import BucketFolder  # its client is loaded where it is wanted

        return BucketFolder.of(address)
    if separator and scheme != "file":
        raise ConfigError(
            f"{scheme}:// cannot be written to: choose a local folder, or one in a bucket,"
            " as s3://BUCKET/OUT."
        )
    path = unquote(rest) if separator else address
    if not path or "\0" in path:
        raise ConfigError(f"{address!r} is not the name of a folder.")
    return LocalFolder(Path(path).absolute())
