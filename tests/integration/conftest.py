"""Real servers on loopback: nginx for files, stac-fastapi-pgstac on PostgreSQL for searches.

Each is skipped, with the reason, where a program is missing; `.ci/run` installs them. The API's
packages are in an environment of their own, which `make install-integration` sets up.
"""

import copy
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from shapely.affinity import translate

from westsea_catalog.archive import scenes, writer
from westsea_catalog.region import parse_time, rfc3339

ROOT = Path(__file__).parents[2]
SERVERS = Path(os.environ.get("WESTSEA_INTEGRATION_VENV", ROOT / ".venv-integration")) / "bin"
N_ITEMS = 2000
SECONDS = 30
"""For a server to answer."""


@pytest.fixture(autouse=True, scope="session")
def without_proxy():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "*")
        yield


@pytest.fixture(scope="session")
def place():
    """A folder that servers which do not run as root may enter, as those of pytest may not be."""
    with tempfile.TemporaryDirectory(prefix="westsea-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def archive(place):
    """The catalog.json of two small scenes: VV with VH, and Sentinel-2."""

    def smaller(scene, shape, **planting):
        grid = replace(scene.grid, shape=shape)
        return replace(scene, grid=grid, planting=scenes.Planting(**planting))

    radar = smaller(scenes.RADAR_SCENES[0], (1024, 1152), singles=6, alongside=1, close=2)
    optical = smaller(scenes.OPTICAL_SCENES[0], (512, 512), singles=3, alongside=1, close=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "RADAR_SCENES", (radar,))
        patch.setattr(writer, "OPTICAL_SCENES", (optical,))
        return writer.build(place / "files" / "archive")


@dataclass(frozen=True)
class Nginx:
    """A server of the files below a folder."""

    url: str
    log: Path

    def requests(self):
        """What was asked for since the last call: (method, status, bytes, range, path)."""
        time.sleep(0.05)  # it writes a line after it has answered
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return [line.split(" ", 4) for line in lines]


NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
  log_format asked '$request_method $status $body_bytes_sent $http_range $uri';
  access_log {folder}/asked asked;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  types {{ application/json json; image/tiff tif; }}
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@pytest.fixture(scope="session")
def nginx(place, archive):
    """The archive's folder, and what lies beside it, over http."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    folder, port = place / "nginx", free_port()
    folder.mkdir()
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, port=port, root=archive.parents[1]))
    command = [program, "-e", folder / "errors", "-p", folder, "-c", settings]
    with running(command, f"http://127.0.0.1:{port}/archive/catalog.json"):
        yield Nginx(f"http://127.0.0.1:{port}", folder / "asked")


@pytest.fixture(scope="session")
def servers():
    """Where the programs of the API are."""
    if not (SERVERS / "pypgstac").exists():
        pytest.skip(f"{SERVERS.parent.name} is not there: run make install-integration")
    return SERVERS


@pytest.fixture(scope="session")
def postgres(place):
    """The environment of a client of a new database."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not folders:
        pytest.skip("PostgreSQL is not installed")
    programs, folder, port = folders[0], place / "postgres", free_port()
    if not any(
        (shared / "extension/postgis.control").exists()
        for shared in (
            programs.parent / "share",
            programs.parent / "share/postgresql",
            Path("/usr/share/postgresql") / programs.parent.name,
        )
    ):
        pytest.skip("PostGIS is not installed")
    folder.mkdir()
    user = []
    if os.getuid() == 0:  # whom PostgreSQL refuses to serve
        shutil.chown(folder, "nobody")
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    create = ["-D", folder / "data", "-A", "trust", "-U", "westsea", "-E", "UTF8", "--no-sync"]
    subprocess.run(
        [*user, programs / "initdb", "--no-locale", *create],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k", folder]
    command = [*user, programs / "postgres", "-D", folder / "data", "-p", str(port), *options]
    with running(command, port):
        yield os.environ | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": "westsea",
            "PGPASSWORD": "none is asked for",
            "PGDATABASE": "postgres",
        }


@pytest.fixture(scope="session")
def pgstac(servers, postgres, items, place):
    """The address of a STAC API of the items."""
    folder, port = place / "pgstac", free_port()
    folder.mkdir()
    collections = sorted({item["collection"] for item in items})
    rows = {"collections": map(collection, collections), "items": items}
    for name, contents in rows.items():
        (folder / name).write_text("\n".join(map(json.dumps, contents)))
    for arguments in (["migrate"], *(["load", name, folder / name] for name in rows)):
        subprocess.run(
            [servers / "pypgstac", *arguments], env=postgres, check=True, capture_output=True
        )
    command = [servers / "uvicorn", "--factory", "stac_fastapi.pgstac.app:create_app"]
    url = f"http://127.0.0.1:{port}"
    with running([*command, "--port", str(port)], url, env=postgres):
        yield url


def collection(name):
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": name,
        "description": name,
        "license": "other",
        "extent": extent,
        "links": [],
    }


@pytest.fixture(scope="session")
def items(nginx, archive):
    """2,000 items: those of the archive, whose files nginx has, and others moved and delayed."""
    own = [
        (json.loads(path.read_text()), path.parent.relative_to(archive.parents[1]))
        for path in sorted(archive.parent.glob("*/*/*.json"))
    ]
    for item, folder in own:
        item["links"] = []
        for asset in item["assets"].values():
            name = asset["href"].rpartition("/")[2]
            assert (archive.parents[1] / folder / name).exists()
            asset["href"] = f"{nginx.url}/{folder}/{name}"
    whole = [item for item, _ in own]
    return whole + [moved(whole[n % len(whole)], n) for n in range(len(whole), N_ITEMS)]


def moved(item, n):
    """A copy of an item, hours later and degrees away, of files that do not exist."""
    item = copy.deepcopy(item)
    item["id"] = f"{item['id']}_{n:04d}"
    outline = shapely.geometry.shape(item["geometry"])
    outline = translate(outline, (n * 7 % 40) / 2 - 10, (n * 11 % 30) / 2 - 7)
    item["geometry"] = json.loads(shapely.to_geojson(outline))
    item["bbox"] = list(outline.bounds)
    times = item["properties"]
    for key in [key for key in times if key.endswith("datetime") and times[key]]:
        times[key] = rfc3339(parse_time(times[key]) + timedelta(hours=n % 500))
    for asset in item["assets"].values():
        asset["href"] = asset["href"].replace("/archive/", f"/none/{n}/")
    return item


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running(command, address, env=None):
    """A server while it is needed, from when it answers at its URL or port."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=env, cwd="/")
        try:
            end = time.monotonic() + SECONDS
            while not answers(address):
                if process.poll() is not None or time.monotonic() > end:
                    said.seek(0)
                    pytest.fail(f"{command[0]} does not serve: {said.read()[-2000:].decode()}")
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(signal.SIGINT)  # on which PostgreSQL waits for nobody
            process.wait(SECONDS)


def answers(address):
    try:
        if isinstance(address, int):
            socket.create_connection(("127.0.0.1", address), 1).close()
        else:
            urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True
