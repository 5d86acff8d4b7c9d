import errno
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from westsea.objects import ATTEMPTS, TEMPORARY, FileLayer, LocalFolder, Outcome, open_objects
from westsea_catalog.errors import ConfigError, UpstreamError


@dataclass
class Failing(FileLayer):
    """Raises an error of the operating system at some calls."""

    call: str
    code: int
    only: str = ""
    """Part of the path that fails."""

    def check(self, call: str, path: Path) -> None:
        if call == self.call and self.only in str(path):
            raise OSError(self.code, os.strerror(self.code), str(path))

    def write(self, path: Path, data: bytes) -> None:
        self.check("write", path)
        super().write(path, data)

    def link(self, source: Path, target: Path) -> None:
        self.check("link", target)
        super().link(source, target)

    def mkdir(self, folder: Path) -> None:
        self.check("mkdir", folder)
        super().mkdir(folder)

    def read(self, path: Path) -> bytes:
        self.check("read", path)
        return super().read(path)


def temporaries(root: Path) -> list[Path]:
    return list((root / TEMPORARY).iterdir())


@pytest.fixture(params=["folder", "bucket"])
def objects(request, tmp_path):
    """Nothing yet, in a folder or in a bucket."""
    if request.param == "bucket":
        return open_objects(request.getfixturevalue("s3_out"))
    return LocalFolder(tmp_path / "deep" / "out")


def test_calls(objects):
    assert objects.get("a/b") is None
    assert not objects.exists("a/b")
    assert list(objects.list("a")) == []
    assert objects.put_new("a/b", b"1") is Outcome.CREATED
    assert objects.put_new("a/b", b"1") is Outcome.SAME
    assert objects.put_new("a/b", b"2") is Outcome.CONFLICT
    assert objects.get("a/b") == b"1"
    objects.put("a/b", b"3")
    objects.put("a/c/d", b"4")
    objects.put("ab", b"5")
    assert objects.get("a/b") == b"3"
    assert list(objects.list("a")) == ["a/b", "a/c/d"]
    objects.delete("a/b")
    objects.delete("a/b")
    assert not objects.exists("a/b")
    assert list(objects.list(TEMPORARY)) == []
    assert pickle.loads(pickle.dumps(objects)).get("ab") == b"5"
    left = f"{TEMPORARY}/of-a-crashed-run"
    objects.put(left, b"")
    assert list(objects.list(TEMPORARY)) == [left]
    objects.clean()
    assert list(objects.list(TEMPORARY)) == []


def test_a_folder_tells_itself(tmp_path):
    assert str(LocalFolder(tmp_path / "deep" / "out")) == str(tmp_path / "deep" / "out")


def test_clean_removes_leftovers_only(tmp_path):
    folder = LocalFolder(tmp_path)
    folder.put("a", b"1")
    (tmp_path / TEMPORARY / "left").write_bytes(b"half")
    folder.clean()
    assert temporaries(tmp_path) == []
    assert folder.get("a") == b"1"


def test_writer_survives_the_cleaning_of_others(tmp_path):
    @dataclass
    class Cleaned(FileLayer):
        times: int

        def fsync(self, path: Path) -> None:
            if path.parent.name == TEMPORARY and self.times:
                self.times -= 1
                path.unlink()
            super().fsync(path)

    assert LocalFolder(tmp_path, Cleaned(3)).put_new("a", b"1") is Outcome.CREATED
    LocalFolder(tmp_path, Cleaned(3)).put("a", b"2")
    with pytest.raises(UpstreamError, match="vanish"):
        LocalFolder(tmp_path, Cleaned(ATTEMPTS)).put("a", b"3")
    assert LocalFolder(tmp_path).get("a") == b"2"


def test_put_new_survives_a_deletion_in_between(tmp_path):
    @dataclass
    class Deleted(FileLayer):
        done: list[Path] = field(default_factory=list)

        def link(self, source: Path, target: Path) -> None:
            try:
                super().link(source, target)
            except FileExistsError:
                if not self.done:
                    self.done.append(target)
                    target.unlink()
                raise

    LocalFolder(tmp_path).put("a", b"1")
    assert LocalFolder(tmp_path, Deleted()).put_new("a", b"2") is Outcome.CREATED
    assert LocalFolder(tmp_path).get("a") == b"2"


def test_of_racing_writers_one_creates(tmp_path):
    barrier = threading.Barrier(16)
    outcomes: list[tuple[Outcome, bytes]] = []

    def race(number: int) -> None:
        data = bytes([number % 4])
        barrier.wait()
        outcomes.append((LocalFolder(tmp_path).put_new("x/y/a", data), data))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [data for outcome, data in outcomes if outcome is Outcome.CREATED]
    assert LocalFolder(tmp_path).get("x/y/a") == winner
    assert sum(outcome is Outcome.SAME for outcome, _ in outcomes) == 3
    assert sum(outcome is Outcome.CONFLICT for outcome, _ in outcomes) == 12


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_without_hard_links_the_first_stands_too(tmp_path, code):
    folder = LocalFolder(tmp_path, Failing("link", code))
    assert folder.put_new("a", b"1") is Outcome.CREATED
    assert folder.put_new("a", b"2") is Outcome.CONFLICT
    assert folder.get("a") == b"1"
    assert "has no hard links" in folder.guarantee()
    assert "names a file once" in LocalFolder(tmp_path).guarantee()
    assert temporaries(tmp_path) == []


@pytest.mark.parametrize(
    ("call", "code", "kind", "words"),
    [
        ("write", errno.ENOSPC, UpstreamError, "No space is left"),
        ("write", errno.EDQUOT, UpstreamError, "No space is left"),
        ("write", errno.EROFS, ConfigError, "read-only"),
        ("write", errno.EIO, UpstreamError, "Input/output error"),
        ("mkdir", errno.EACCES, ConfigError, "permission denied"),
        ("link", errno.EACCES, ConfigError, "permission denied"),
        ("read", errno.EACCES, ConfigError, "permission denied"),
    ],
)
def test_errors_of_the_system_are_sentences(tmp_path, call, code, kind, words):
    folder = LocalFolder(tmp_path / "out", Failing(call, code, only=str(tmp_path)))
    action = folder.get if call == "read" else partial(folder.put_new, data=b"1")
    with pytest.raises(kind, match=words) as caught:
        action("b/a")
    assert str(tmp_path / "out") in str(caught.value)
    assert "\n" not in str(caught.value)
    if (tmp_path / "out" / TEMPORARY).exists():
        assert temporaries(tmp_path / "out") == []


def test_below_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    for root in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(ConfigError, match="a part of its path is a file"):
            LocalFolder(root).put_new("a", b"1")
        assert LocalFolder(root).get("a") is None
        assert list(LocalFolder(root).list("a")) == []


READ_ONLY = """
import sys
from pathlib import Path
from westsea.objects import LocalFolder
from westsea_catalog.errors import ConfigError
try:
    LocalFolder(Path(sys.argv[1])).put_new("a", b"1")
except ConfigError as error:
    print(error)
"""


def test_read_only_mount(tmp_path):
    mount = f"mount -t tmpfs -o ro tmpfs '{tmp_path}' && exec \"$@\""
    command = ["unshare", "-rm", "sh", "-c", mount, "sh"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("the kernel lets no user mount here")
    run = subprocess.run(
        [*command, sys.executable, "-c", READ_ONLY, str(tmp_path)], capture_output=True, text=True
    )
    assert "read-only file system" in run.stdout, run.stderr


def test_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_objects("out") == LocalFolder(tmp_path / "out")
    assert open_objects(tmp_path) == LocalFolder(tmp_path)
    assert open_objects(f"file://{tmp_path}/a%20b") == LocalFolder(tmp_path / "a b")
    for address in ("ftp://bucket/out", "https://x/out", "", "a\0b"):
        with pytest.raises(ConfigError):
            open_objects(address)
