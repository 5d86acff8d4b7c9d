"""Rendered manifests, and a node that runs their very containers in namespaces of this machine.

No engine for containers is needed: a pod gets a network of its own on a bridge, a read-only root,
its volumes at their places, its user, its environment, and the command that the manifest names.
Needs root, and what `make install-k8s` sets up; else the tests are skipped, with the reason.
"""

import copy
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
TOOLS = Path(os.environ.get("WESTSEA_K8S_VENV", ROOT / ".venv-k8s"))
OVERLAYS = ("dev", "prod", "adhoc")
DUE = datetime(2017, 10, 20, 2, 30, tzinfo=UTC)
JOB = f"westsea-nightly-{int(DUE.timestamp()) // 60}"
SECONDS = 120
"""For a container to end, or to begin to answer."""


@pytest.fixture(scope="session")
def tools():
    """The folder of kubectl, hadolint, checkov and a Python that has Dask's operator."""
    if not (TOOLS / ".installed").exists():
        pytest.skip(f"{TOOLS.name} is not there: run make install-k8s")
    return TOOLS / "bin"


@pytest.fixture(scope="session")
def rendered(tools):
    """The documents of each overlay, as kustomize writes them."""

    def render(overlay):
        command = [tools / "kubectl", "kustomize", K8S / "overlays" / overlay]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return list(yaml.safe_load_all(done.stdout))

    return {overlay: render(overlay) for overlay in OVERLAYS}


def one(documents, kind, name=None):
    """The document of a kind, and of a name where there are several."""
    found = [
        each
        for each in documents
        if each["kind"] == kind and name in (None, each["metadata"]["name"])
    ]
    assert len(found) == 1, (kind, name, len(found))
    return found[0]


@pytest.fixture(scope="session")
def find():
    return one


# -- the image


@pytest.fixture(scope="session")
def privileged():
    """Skips where a process cannot have namespaces."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("running containers needs root, unshare and ip")
    try_it = "mount -t tmpfs t /mnt && ip link add br0 type bridge && ip link add ve0 type veth"
    command = ["unshare", "--mount", "--net", "sh", "-c", try_it]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine gives no namespaces: {done.stderr.strip()}")


@pytest.fixture(scope="session")
def place():
    """A folder that other users may enter, as those of pytest may not be."""
    folder = Path(tempfile.mkdtemp(prefix="westsea-k8s-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def image_environment():
    """ENV of the Dockerfile's last stage."""
    text = (K8S / "Dockerfile").read_text().replace("\\\n", " ")
    stage = text[text.rindex("\nFROM ") :]
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", stage, re.MULTILINE))
    found = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    for line in re.findall(r"^ENV (.+)", stage, re.MULTILINE):
        for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', line):
            known = {**arguments, **found}
            found[name] = re.sub(
                r"\$\{?(\w+)\}?", lambda use, known=known: known[use[1]], value.strip('"')
            )
    return found


@dataclass(frozen=True)
class Image:
    """What an engine would have made of the Dockerfile."""

    tree: Path
    """Its /opt/westsea."""
    environment: dict


@pytest.fixture(scope="session")
def image(place, privileged, request):
    """The steps of the Dockerfile, run into a clean folder out of what a checkout holds.

    Kept between runs of the tests while it is made of the same files: compiling takes a minute.
    """
    source = place / "source"
    source.mkdir()
    copy_context(source)
    images = request.config.cache.mkdir("images")
    kept = images / hash_of(source)
    if not (kept / "done").exists():
        for old in images.iterdir():  # each takes 900 MB
            shutil.rmtree(old)
        kept.mkdir(mode=0o755)
        build_image(source, kept / "built", place)
        as_a_layer(kept / "built", kept / "image")
        (kept / "done").touch()
    return Image(kept / "image", image_environment())


def hash_of(source):
    digest = hashlib.sha256(f"{sys.version} {image_environment()}".encode())
    for file in sorted(source.rglob("*")):
        if file.is_file():
            digest.update(str(file.relative_to(source)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def build_image(source, tree, place):
    uv = shutil.which("uv") or ROOT / ".venv/bin/uv"
    if not Path(uv).exists():
        pytest.skip("the image is built with uv, which is not there: make install-dev")
    tree.mkdir()
    environment = image_environment()
    command = ["/source/k8s/image.sh", "/source", "/opt/westsea"]
    # Not the network but uv's cache, which holds these very files since `make install`.
    cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True)
    mounts = [
        (source, "/source", True),
        (tree, "/opt/westsea", False),
        (uv, "/usr-local-bin/uv", True),
        (cache.stdout.strip(), "/uv", False),
        *python(),
    ]
    builder = {
        **environment,
        "PATH": f"{sys.base_prefix}/bin:/usr-local-bin:/usr/bin:/bin",
        "UV_CACHE_DIR": "/uv",
        "UV_OFFLINE": "1",
        "HOME": "/tmp",
    }
    (place / "tmp").mkdir()
    mounts.append((place / "tmp", "/tmp", False))
    container = Container(command, builder, mounts, uid=0, read_only=False)
    code, said = container.run(place, seconds=1800)
    if "network was disabled" in said or "not available" in said:
        pytest.skip("the packages are not in uv's cache: run make install with uv")
    assert code == 0, said


def copy_context(target):
    """What Dockerfile.dockerignore lets in, of the files that are tracked or new."""
    lines = (K8S / "Dockerfile.dockerignore").read_text().splitlines()
    wanted = [line[1:] for line in lines if line.startswith("!")]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *wanted]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def as_a_layer(tree, layer):
    """Move the tree through an archive that keeps whole seconds, as an image's does."""
    layer.mkdir()
    packed = tree.with_suffix(".tar")
    subprocess.run(["tar", "--format=gnu", "-C", tree, "-cf", packed, "."], check=True)
    subprocess.run(["tar", "-C", layer, "-xf", packed], check=True)
    packed.unlink()
    shutil.rmtree(tree)


def python():
    """The interpreter of the base image; that of this machine, where it is not below /usr."""
    base = sys.base_prefix
    return [] if base.startswith("/usr") else [(base, base, True)]


# -- containers and pods


@dataclass(frozen=True)
class Container:
    """A process with a root of its own."""

    command: list
    env: dict
    mounts: list
    """(source, target, is read-only)"""
    uid: int
    read_only: bool = True
    cwd: str = "/tmp"

    def start(self, place, connect=lambda pid: within(pid, "link", "set", "lo", "up")):
        """Begin; what it says goes into a file."""
        root = Path(tempfile.mkdtemp(dir=place, prefix="root-"))
        said = root.with_suffix(".log")
        told = {
            "root": str(root),
            "command": [str(each) for each in self.command],
            "env": self.env,
            "mounts": [(str(source), target, bool(flag)) for source, target, flag in self.mounts],
            "uid": self.uid,
            "read_only": self.read_only,
            "cwd": self.cwd,
        }
        with said.open("w") as log:
            process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--net", "--propagation", "private"),
                    *(sys.executable, Path(__file__).with_name("sandbox.py")),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        wait_for(lambda: has_own_network(process.pid), process, said)
        connect(process.pid)
        process.stdin.write("go\n")
        process.stdin.close()
        return Running(process, said)

    def run(self, place, seconds=SECONDS):
        """Run to the end: exit code, and what it said."""
        running = self.start(place)
        return running.wait(seconds), running.said


def within(pid, *arguments):
    """Run ip in the network of a process."""
    subprocess.run(["nsenter", "--net", "--target", str(pid), "ip", *arguments], check=True)


def has_own_network(pid):
    own, its = (Path(f"/proc/{each}/ns/net").readlink() for each in ("self", pid))
    return own != its


def wait_for(condition, process, said=None):
    end = time.monotonic() + SECONDS
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            text = said.read_text() if said else ""
            pytest.fail(f"it ended with {process.returncode}, or takes too long: {text[-3000:]}")
        time.sleep(0.02)


LISTENS, LOOPBACK = "0A", ("0100007F", "00000000000000000000000001000000")
"""As the kernel's tables of sockets have it."""


class Running:
    """A container that was begun."""

    def __init__(self, process, said):
        self.process, self._said = process, said
        self.address = None

    @property
    def said(self):
        return self._said.read_text()

    def wait(self, seconds=SECONDS):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            text = self.said
            self.kill()
            pytest.fail(f"it does not end: {text[-3000:]}")

    def wait_for(self, condition):
        wait_for(condition, self.process, self._said)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def kill(self):
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.kill()
        self.process.wait()

    def ports(self):
        """TCP ports that can be reached from other pods: {port}."""
        ports = set()
        for table in ("tcp", "tcp6"):  # of the network that all its processes share
            with suppress(OSError):  # it has ended
                lines = Path(f"/proc/{self.process.pid}/net/{table}").read_text().splitlines()
                for line in lines[1:]:
                    _, local, _, state = line.split()[:4]
                    address, port = local.split(":")
                    if state == LISTENS and address not in LOOPBACK:
                        ports.add(int(port, 16))
        return ports


@pytest.fixture
def contain(image, place):
    """Runs a command in the image to its end: exit code, and what it said."""

    def run(command, environment, mounts):
        tree = (image.tree, "/opt/westsea", True)
        return Container(command, environment, [tree, *python(), *mounts], uid=10001).run(place)

    return run


@dataclass
class Node:
    """Runs pods of rendered manifests, on one bridge."""

    image: Image
    place: Path
    documents: list
    bridge: subprocess.Popen
    hosts: dict = field(default_factory=dict)
    """Names of services, and addresses."""
    numbers: itertools.count = field(default_factory=lambda: itertools.count(2))
    begun: list = field(default_factory=list)

    def inside(self, *command):
        """Run a command in the network that the bridge is in."""
        enter = ["nsenter", "--net", "--target", str(self.bridge.pid)]
        return subprocess.run(
            [*enter, *map(str, command)],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"NO_PROXY": "*"},
        ).stdout

    def pod(self, spec, name, *, labels, claims, env=None, index=None, secrets=None, extra=()):
        """Run the init containers of a pod, and begin its container.

        Parameters
        ----------
        claims, secrets
            Folders of persistent volumes and of secrets, by name.
        env
            In addition to the manifest's.
        extra
            Further mounts: (source, target, is read-only).
        """
        home = Path(tempfile.mkdtemp(dir=self.place, prefix=f"{name}-"))
        home.chmod(0o755)
        uid = spec["securityContext"]["runAsUser"]
        volumes = {
            volume["name"]: self._volume(volume, home, uid, claims, secrets or {})
            for volume in spec["volumes"]
        }
        network = [
            (self._hosts_file(home), "/etc/hosts", True),
            (self._empty_file(home), "/etc/resolv.conf", True),
        ]
        metadata = {"name": name, "labels": labels}

        def container_of(told):
            environment = self._environment(told, metadata, index) | (env or {})
            command = told.get("command") or ["westsea"]
            command = [expand(each, environment) for each in [*command, *told.get("args", [])]]
            mounts = [
                (volumes[each["name"]], each["mountPath"], each.get("readOnly", False))
                for each in told["volumeMounts"]
                if volumes[each["name"]] is not None
            ]
            tree = (self.image.tree, "/opt/westsea", True)
            if not any(target == "/tmp" for _, target, _ in mounts):
                mounts.append(
                    (volumes.setdefault("none", self._folder(home, "none", 0)), "/tmp", True)
                )
            assert told["securityContext"]["readOnlyRootFilesystem"]
            return Container(
                command, environment, [tree, *python(), *network, *mounts, *extra], uid
            )

        for told in spec.get("initContainers", []):
            code, said = container_of(told).run(self.place)
            assert code == 0, said
        [told] = spec["containers"]
        number = next(self.numbers)
        running = container_of(told).start(self.place, lambda pid: self._connect(pid, number))
        running.address = f"10.99.0.{number}"
        running.volumes = volumes
        self.begun.append(running)
        return running

    def run(self, command, env, mounts):
        """Run a command of the image in a pod of no manifest: exit code, and what it said."""
        home = Path(tempfile.mkdtemp(dir=self.place, prefix="client-"))
        home.chmod(0o755)
        folder = self._folder(home, "tmp", 10001)
        own = [
            (self.image.tree, "/opt/westsea", True),
            (self._hosts_file(home), "/etc/hosts", True),
            (folder, "/tmp", False),
        ]
        number = next(self.numbers)
        environment = {**self.image.environment, "HOME": "/tmp", **env}
        container = Container(command, environment, [*own, *python(), *mounts], uid=10001)
        running = container.start(self.place, lambda pid: self._connect(pid, number))
        self.begun.append(running)
        return running.wait(), running.said

    def get(self, pod, port, path):
        """What a pod answers over http to another one, None for nothing."""
        code = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"
        url = f"http://{pod.address}:{port}{path}"
        try:
            return self.inside(sys.executable, "-c", code, url)
        except subprocess.CalledProcessError:
            return None

    def _connect(self, pid, number):
        self.inside(
            "ip", "link", "add", f"pod{number}", "type", "veth", "peer", "eth0", "netns", pid
        )
        self.inside("ip", "link", "set", f"pod{number}", "master", "bridge", "up")
        within(pid, "link", "set", "lo", "up")
        within(pid, "addr", "add", f"10.99.0.{number}/24", "dev", "eth0")
        within(pid, "link", "set", "eth0", "up")

    def _folder(self, home, name, uid):
        folder = home / name
        folder.mkdir()
        os.chown(folder, uid, uid)
        return folder

    def _hosts_file(self, home):
        lines = [f"{address} {name}" for name, address in {"localhost": "127.0.0.1"}.items()]
        lines += [f"{address} {name}" for name, address in self.hosts.items()]
        file = home / "hosts"
        file.write_text("\n".join(lines) + "\n")
        return file

    def _empty_file(self, home):
        file = home / "resolv.conf"
        file.touch()
        return file

    def _volume(self, volume, home, uid, claims, secrets):
        name = volume["name"]
        if "emptyDir" in volume:
            return self._folder(home, name, uid)
        if "persistentVolumeClaim" in volume:
            return claims[volume["persistentVolumeClaim"]["claimName"]]
        if "configMap" in volume:
            folder = self._folder(home, name, 0)
            for file, text in self._settings(volume["configMap"]["name"]).items():
                (folder / file).write_text(text)
            return folder
        secret = secrets.get(volume["secret"]["secretName"])
        assert secret is not None or volume["secret"].get("optional"), name
        return secret

    def _settings(self, name):
        return one(self.documents, "ConfigMap", name)["data"]

    def _environment(self, told, metadata, index):
        environment = dict(self.image.environment)
        for source in told.get("envFrom", []):
            environment |= self._settings(source["configMapRef"]["name"])
        variables = list(told.get("env", []))
        if index is not None:  # what the Job's controller adds
            variables.append({"name": "JOB_COMPLETION_INDEX", "value": str(index)})
        for variable in variables:
            value = variable.get("value")
            if value is None:
                source = variable["valueFrom"]
                if "fieldRef" in source:
                    value = field_of(metadata, source["fieldRef"]["fieldPath"])
                else:
                    assert source["resourceFieldRef"]["resource"] == "limits.memory"
                    value = str(quantity(told["resources"]["limits"]["memory"]))
            environment[variable["name"]] = expand(value, environment)
        return environment


def field_of(metadata, path):
    label = re.fullmatch(r"metadata\.labels\['([^']+)'\]", path)
    if label:
        return metadata["labels"][label[1]]
    assert path == "metadata.name"
    return metadata["name"]


def expand(text, environment):
    """$(NAME), as kubelet does; an unknown one stays."""
    return re.sub(r"\$\((\w+)\)", lambda use: environment.get(use[1], use[0]), text)


def quantity(text):
    number, unit = re.fullmatch(r"(\d+)(|Mi|Gi)", text).groups()
    return int(number) << {"": 0, "Mi": 20, "Gi": 30}[unit]


@pytest.fixture
def node(image, place, rendered):
    """Of what prod and adhoc render, which live in one namespace."""
    bridge = subprocess.Popen(["unshare", "--net", "sleep", "3600"])
    wait_for(lambda: has_own_network(bridge.pid), bridge)
    node = Node(image, place, [*rendered["prod"], *rendered["adhoc"]], bridge)
    try:
        node.inside("ip", "link", "add", "bridge", "type", "bridge")
        node.inside("ip", "addr", "add", "10.99.0.1/24", "dev", "bridge")
        node.inside("ip", "link", "set", "bridge", "up")
        yield node
    finally:
        for running in node.begun:
            running.kill()
        bridge.kill()
        bridge.wait()


@pytest.fixture(scope="session")
def archive(place):
    """The folder of an archive of small scenes from the three days before DUE."""
    from westsea_catalog.archive import scenes, writer

    dual = scenes.RADAR_SCENES[0]
    single = next(each for each in scenes.RADAR_SCENES if len(each.polarizations) == 1)
    optical = scenes.OPTICAL_SCENES[0]

    def smaller(scene, hours, shape, **planting):
        grid = replace(scene.grid, shape=shape)
        start = DUE - timedelta(hours=hours)
        return replace(scene, start=start, grid=grid, planting=scenes.Planting(**planting))

    radar = [
        smaller(dual, hours, (512, 640), singles=3, alongside=1, close=1) for hours in (5, 29, 53)
    ]
    radar += [
        smaller(single, hours, (384, 512), singles=2, alongside=0, close=1) for hours in (9, 33, 57)
    ]
    seen = [
        smaller(optical, hours, (384, 384), singles=2, alongside=1, close=0) for hours in (24, 48)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "RADAR_SCENES", tuple(radar))
        patch.setattr(writer, "OPTICAL_SCENES", tuple(seen))
        return writer.build(place / "archive").parent


OFFLINE = {"WESTSEA_CATALOG": "/archive/catalog.json", "WESTSEA_OFFLINE": "1"}
"""In place of the services that the settings name."""


@pytest.fixture
def claim(place):
    """A new volume for the results."""
    folder = Path(tempfile.mkdtemp(dir=place, prefix="out-"))
    folder.chmod(0o755)
    os.chown(folder, 10001, 10001)
    return folder


@pytest.fixture
def nightly(node, archive, rendered):
    """Begins the pod of a shard: `nightly(index, claim)`; of one part, where `parts` says so."""
    template = one(rendered["prod"], "CronJob")["spec"]["jobTemplate"]["spec"]["template"]

    def start(index, claim, attempt="aaaaa", parts=None, **env):
        spec = copy.deepcopy(template["spec"])
        if parts is not None:
            spec["containers"][0]["args"][-1] = f"$(JOB_COMPLETION_INDEX)/{parts}"
        return node.pod(
            spec,
            f"{JOB}-{index}-{attempt}",
            labels={**template["metadata"]["labels"], "batch.kubernetes.io/job-name": JOB},
            claims={"westsea-out": claim},
            env={**OFFLINE, **env},
            index=index,
            extra=[(archive, "/archive", True)],
        )

    return start


@pytest.fixture(scope="session")
def local(image, archive, place):
    """Tables of one plain sweep of everything, without Dask, by the same build."""
    out = place / "local"
    out.mkdir()
    os.chown(out, 10001, 10001)
    (place / "cache").mkdir()
    shutil.copytree(image.tree / "kernels", place / "cache/kernels")
    subprocess.run(["chown", "-R", "10001", place / "cache"], check=True)
    (place / "quiet").mkdir(mode=0o777)
    period = f"{(DUE - timedelta(days=3)).isoformat()}/{DUE.isoformat()}"
    container = Container(
        [
            *("westsea", "sweep", "--catalog", "/archive/catalog.json", "--aoi", "west-sea"),
            *("--datetime", period, "--out", "/out/local", "--workers", "0", "--offline"),
        ],
        {**image.environment, "NUMBA_CACHE_DIR": "/cache/kernels", "HOME": "/tmp"},
        [
            *((image.tree, "/opt/westsea", True), (archive, "/archive", True)),
            *((out, "/out", False), (place / "cache", "/cache", False)),
            *((place / "quiet", "/tmp", False), *python()),
        ],
        uid=10001,
    )
    code, said = container.run(place)
    assert code == 0, said
    return tables(out / "local")


def tables(out):
    """Bytes of all files of the tables, by place."""
    return {
        str(file.relative_to(out)): file.read_bytes()
        for name in ("detections", "pairs", "scenes")
        for file in sorted((out / name).rglob("*.parquet"))
    }


@pytest.fixture(scope="session")
def tables_of():
    return tables


@pytest.fixture
def night_now():
    """Writes records as a night that has just ended leaves them: `night_now(folder, shards)`."""

    def write(folder, shards):
        now = datetime.now(UTC)
        folder.mkdir(parents=True)
        for shard in range(shards):
            name = f"westsea-nightly-{int(now.timestamp()) // 60 - 90}-{shard}-aaaaa"
            record = {"ended": now.isoformat(), "unfinished": 0, "done": 3, "failed": shard}
            (folder / f"{name}.json").write_text(json.dumps(record))

    return write
