"""Where the processes live: network namespaces joined by a bridge, or this machine's loopback."""

import os
import shutil
import subprocess
from contextlib import contextmanager

SUBNET = "10.213.71"
"""Of the namespaces, which reach nothing else."""


class Loopback:
    """All on 127.0.0.1, where nothing can be parted."""

    can_part = False

    def address(self, host):
        return "127.0.0.1"

    def run(self, host, command):
        """The command as it is."""
        return list(command)


class Namespaces:
    """A hub, with driver, scheduler and files, and a namespace for each worker."""

    can_part = True

    def __init__(self, workers):
        self.prefix = f"ws{os.getpid()}"
        self.hosts = ["hub", *workers]

    def address(self, host):
        return f"{SUBNET}.{self.hosts.index(host) + 1}"

    def run(self, host, command):
        """The command, inside the host."""
        return ["ip", "netns", "exec", f"{self.prefix}{host}", *command]

    def part(self, host, *, up):
        """Cut a worker's cable, or mend it."""
        ip("-n", f"{self.prefix}hub", "link", "set", f"to{host}", "up" if up else "down")

    def make(self):
        hub = f"{self.prefix}hub"
        for host in self.hosts:
            ip("netns", "add", f"{self.prefix}{host}")
            ip("-n", f"{self.prefix}{host}", "link", "set", "lo", "up")
        ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        ip("-n", hub, "addr", "add", f"{self.address('hub')}/24", "dev", "bridge")
        ip("-n", hub, "link", "set", "bridge", "up")
        for host in self.hosts[1:]:
            space = f"{self.prefix}{host}"
            # Made inside the hub, so that this machine's own network never sees either end.
            peer = ("peer", "name", "eth0", "netns", space)
            ip("-n", hub, "link", "add", f"to{host}", "type", "veth", *peer)
            ip("-n", hub, "link", "set", f"to{host}", "master", "bridge", "up")
            ip("-n", space, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")

    def remove(self):
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", f"{self.prefix}{host}"], check=False)


@contextmanager
def hosts(workers):
    """Namespaces where the kernel and the user allow them, else loopback."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        yield Loopback()
        return
    spaces = Namespaces(workers)
    try:
        try:
            spaces.make()
        except subprocess.CalledProcessError:
            yield Loopback()
            return
        yield spaces
    finally:
        spaces.remove()


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
