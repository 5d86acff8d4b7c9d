"""Become one container: told as JSON on the first line of stdin, begun at the second.

Run as root below `unshare --mount --net --propagation private`. The root is a tmpfs with the
system's folders bound read-only, as an image has its own; it is read-only itself in the end.
"""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS = 38
SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc")


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def bind(source, target, read_only):
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount("--bind", str(source), str(target))
    if read_only:
        mount("-o", "remount,bind,ro", str(target))


def build_root(told):
    root = Path(told["root"])
    mount("-t", "tmpfs", "-o", "mode=0755,size=16m", "tmpfs", str(root))
    for name in SYSTEM:
        host = Path("/") / name
        if host.is_symlink():
            (root / name).symlink_to(host.readlink())
        elif host.is_dir():
            bind(host, root / name, read_only=True)
    for name in ("proc", "dev", "sys"):
        (root / name).mkdir()
        mount("--rbind", f"/{name}", str(root / name))
    for source, target, read_only in told["mounts"]:
        bind(source, root / target.lstrip("/"), read_only)
    if told["read_only"]:
        mount("-o", "remount,ro", str(root))
    return root


def main():
    told = json.loads(sys.stdin.readline())
    root = build_root(told)
    if sys.stdin.readline() != "go\n":
        sys.exit("nobody wants this container")
    os.chroot(root)
    os.chdir(told["cwd"])
    if told["uid"]:
        os.setgroups([])
        os.setgid(told["uid"])
        os.setuid(told["uid"])
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.execvpe(told["command"][0], told["command"], told["env"])


main()
