"""Results in a bucket of a real S3 server on loopback, and of servers that answer badly."""

import http.client
import json
import os
import pickle
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import quote, unquote

import pytest
import requests

from westsea import buckets
from westsea.api import execute, plan, search
from westsea.objects import LocalFolder, Outcome, open_objects
from westsea.records import (
    Parameters,
    SceneKey,
    Status,
    Verdict,
)
from westsea.results import Sweep
from westsea.store import Store
from westsea_catalog.errors import ConfigError, UpstreamError

N_WRITERS = 32


def tree(address):
    """All that is in an output folder, but for its runs."""
    objects = open_objects(str(address))
    keys = [
        key
        for table in ("detections", "pairs", "scenes", "lineage", "refused", "failed", ".journal")
        for key in objects.list(table)
    ]
    assert list(objects.list(".tmp")) == []
    return {key: objects.get(key) for key in [*keys, "sweep.json"]}


# The calls


def test_a_bucket_tells_itself(s3_out):
    folder = open_objects(s3_out)
    assert str(folder) == s3_out
    assert pickle.loads(pickle.dumps(folder)) is folder
    assert "creates a key once" in folder.guarantee()


NAMES = ["a%20b", "%5Fx", "%2F", "%25", "%", "a=b", "c.d-e_f", "%C3%BC"]


def test_names_stay_as_they_are(s3_out, seaweedfs, tmp_path):
    """Encoded once, on their way: another client of the server finds them under the same names."""
    here, there = LocalFolder(tmp_path / "out"), open_objects(s3_out)
    for name in NAMES:
        key = f"t/c={name}/{name}.parquet"
        for objects in (here, there):
            assert objects.put_new(key, name.encode()) is Outcome.CREATED
        url = f"{seaweedfs.filer}/buckets/{quote(s3_out.removeprefix('s3://'))}/{quote(key)}"
        assert requests.get(url, timeout=9).content == name.encode()
        assert there.get(key) == name.encode()
    assert list(there.list("t")) == list(here.list("t"))


def test_more_keys_than_a_page_holds(s3_out):
    folder = open_objects(s3_out)
    keys = [f"t/{number:04}" for number in range(1_005)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: folder.put(key, b""), keys))
    assert list(folder.list("t")) == keys


def test_of_racing_threads_one_creates(s3_out):
    folder = open_objects(s3_out)
    assert folder.is_conditional
    barrier = threading.Barrier(N_WRITERS)

    def race(number):
        barrier.wait()
        return folder.put_new("x/y", bytes([number % 4])), bytes([number % 4])

    with ThreadPoolExecutor(N_WRITERS) as pool:
        outcomes = list(pool.map(race, range(N_WRITERS)))
    [winner] = [data for outcome, data in outcomes if outcome is Outcome.CREATED]
    assert folder.get("x/y") == winner
    counts = Counter(outcome for outcome, _ in outcomes)
    assert counts == {"created": 1, "same": 7, "conflict": 24}


RACE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from westsea.objects import open_objects
folder = open_objects(sys.argv[1])
folder.is_conditional
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    print(*pool.map(lambda n: folder.put_new("x", f"{sys.argv[2]} {n}".encode()), range(8)))
"""


def test_of_racing_processes_one_creates(s3_out):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, s3_out, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(N_WRITERS // 8)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = Counter(" ".join(process.communicate()[0] for process in started).split())
    assert outcomes == {"created": 1, "conflict": N_WRITERS - 1}


# Whole scenes


PINNED = Parameters("1", {}, None, "coast", "even")


def test_of_racing_commits_of_a_scene_one_stands(s3_out, monkeypatch):
    monkeypatch.setattr("westsea.store.encode", lambda table, rows, provenance: rows)
    monkeypatch.setattr("westsea.store.count_rows", len)
    store = Store.open(s3_out, PINNED)
    scene = SceneKey("sentinel-1-rtc", "a", date(2024, 5, 1), "1")
    barrier = threading.Barrier(N_WRITERS)

    def race(number):
        barrier.wait()
        names = ("detections", "pairs", "scenes")
        return store.commit(scene, {name: f"{name} {number}".encode() for name in names})

    with ThreadPoolExecutor(N_WRITERS) as pool:
        receipts = list(pool.map(race, range(N_WRITERS)))
    held = {key.split("/")[0]: data.decode() for key, data in tree(s3_out).items()}
    [winner] = {held[name].split()[1] for name in ("detections", "pairs", "scenes")}
    assert ".journal" not in held
    assert store.status(scene) is Status.DONE
    outcomes = Counter(receipt.outcome for receipt in receipts)
    assert outcomes["created"] <= 1
    assert outcomes["conflict"] == N_WRITERS - 1
    assert receipts[int(winner)].outcome != "conflict"
    assert len({receipt.sha256 for receipt in receipts}) == 1


def plan_of(archive):
    when = "2017-10-01/2017-10-31"
    found = search(str(archive), aoi="west-sea", datetime=when, offline=True)
    return plan(found, catalog=str(archive), aoi="west-sea")


@pytest.fixture(scope="module")
def local(archive, tmp_path_factory):
    """A sweep into a folder."""
    folder = tmp_path_factory.mktemp("local")
    execute(plan_of(archive), folder, workers=0)
    return folder


def test_a_sweep_is_what_it_is_in_a_folder(archive, local, s3_out, cli):
    options = ["--catalog", archive, "--aoi", "west-sea", "--datetime", "2017-10-01/2017-10-31"]
    ran = cli("sweep", *options, "--offline", "--out", s3_out, "--workers", "2")
    assert ran.code == 0, ran.err
    assert tree(s3_out) == tree(local)
    assert len(tree(s3_out)) == 1 + 3 * 4

    again = cli("sweep", *options, "--offline", "--out", s3_out, "--workers", "0")
    assert again.code == 0, again.err
    assert tree(s3_out) == tree(local)
    listed = json.loads(cli("runs", s3_out, "--json").out)
    assert [run["skipped"] for run in listed] == [0, 4]

    here, there = Sweep(local), Sweep(s3_out)
    for table in ("detections", "pairs", "scenes"):
        found = getattr(there, table)(duplicates="keep")
        assert found.equals(getattr(here, table)(duplicates="keep"))
    assert len(there.detections()) == len(here.detections()) > 0
    assert repr(there) == repr(here).replace(str(local), s3_out)


def test_refused_and_failed_scenes(own_archive, local, s3_out, tmp_path):
    [away] = own_archive.parent.glob("sentinel-2*/*/B08.tif")
    damaged = next(own_archive.parent.glob("sentinel-1*/*/*.tif"))
    good = damaged.read_bytes()
    away.rename(away.with_suffix(".away"))
    damaged.write_bytes(b"II*\0 no image")
    for address in (s3_out, tmp_path / "out"):
        execute(plan_of(own_archive), address, workers=0)
        assert len(Sweep(address).refused()) == len(Sweep(address).failed()) == 1
    assert tree(s3_out) == tree(tmp_path / "out")
    assert {"refused", "failed"} < {key.split("/")[0] for key in tree(s3_out)}

    away.with_suffix(".away").rename(away)
    damaged.write_bytes(good)
    assert execute(plan_of(own_archive), s3_out, workers=0).count(Verdict.DONE) == 1
    assert len(Sweep(s3_out).failed()) == 0
    [refused] = [key for key in tree(s3_out) if key.startswith("refused")]
    open_objects(s3_out).delete(refused)
    execute(plan_of(own_archive), s3_out, workers=0)
    assert tree(s3_out) == tree(local)


def test_other_parameters_need_another_place(s3_out):
    Store.open(s3_out, PINNED)
    with pytest.raises(ConfigError, match="fresh --out"):
        Store.open(s3_out, Parameters("2", {}, None, "coast", "even"))


# Where keys and endpoints come from


def files(folder, credentials="", config=""):
    (folder / ".aws").mkdir()
    (folder / ".aws/credentials").write_text(credentials)
    (folder / ".aws/config").write_text(config)


def without(monkeypatch, *names):
    for name in names:
        monkeypatch.delenv(name)


OWN_KEYS = "[me]\naws_access_key_id = Key\naws_secret_access_key = Secret\n"


def test_keys_and_endpoint_of_a_profile(s3_out, tmp_path, monkeypatch):
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    without(monkeypatch, "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    files(tmp_path, OWN_KEYS, f"[profile me]\nregion = eu-1\nendpoint_url = {endpoint}\n")
    monkeypatch.setenv("AWS_PROFILE", "me")
    assert open_objects(s3_out).put_new("a", b"1") is Outcome.CREATED


def test_variables_come_before_files(s3_out, tmp_path, monkeypatch):
    files(tmp_path, OWN_KEYS.replace("Key", "No"))
    monkeypatch.setenv("AWS_PROFILE", "me")
    assert open_objects(s3_out).put_new("a", b"1") is Outcome.CREATED


@pytest.mark.parametrize(
    ("credentials", "config", "words"),
    [
        ("", "", "there are none"),
        (OWN_KEYS, "", "AWS_PROFILE is you, which is neither in"),
        (
            "",
            "[profile you]\nrole_arn = arn:aws:iam::1:role/x\n",
            "no keys of its own but role_arn",
        ),
        ("[you", "", "cannot be read as a file of AWS settings"),
    ],
)
def test_no_keys(s3_out, tmp_path, monkeypatch, credentials, config, words):
    without(monkeypatch, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    files(tmp_path, credentials, config)
    if credentials or config:
        monkeypatch.setenv("AWS_PROFILE", "you")
    with pytest.raises(ConfigError, match=words) as caught:
        open_objects(s3_out).get("a")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "No"}, r"keys .* do not hold \(SignatureDoesNotMatch\)"),
        ({"AWS_ACCESS_KEY_ID": "No"}, r"keys .* do not hold \(InvalidAccessKeyId\)"),
        ({"AWS_ACCESS_KEY_ID": "Guest"}, r"keys .* do not allow this \(AccessDenied\)"),
        ({"AWS_ENDPOINT_URL": "http://example.org"}, "without encryption"),
        ({"AWS_ENDPOINT_URL": "example.org"}, "write https://"),
    ],
)
def test_wrong_settings(s3_out, monkeypatch, variables, words):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=words) as caught:
        Store.open(s3_out, PINNED)
    assert "\n" not in str(caught.value)
    assert "Secret" not in str(caught.value)


def test_no_such_bucket(s3_out):
    with pytest.raises(ConfigError, match="no bucket nowhere"):
        list(open_objects("s3://nowhere/out").list("a"))


def test_nothing_there(s3_out):
    with pytest.raises(ConfigError, match="holds no results"):
        Sweep(s3_out)


@pytest.mark.parametrize("rest", ["", "/out", "b", "bad bucket/out", "mine//out", "mine/../out"])
def test_no_places(rest):
    with pytest.raises(ConfigError, match="s3://BUCKET/OUT"):
        open_objects(f"s3://{rest}")


def test_places():
    assert str(open_objects("s3://mine/a/b/")) == "s3://mine/a/b"
    assert str(open_objects("gs://mine")) == "gs://mine"


def test_nobody_there(s3_out, monkeypatch, cli, archive):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    options = ["--catalog", archive, "--aoi", "west-sea", "--datetime", "2017-10-01/2017-10-31"]
    ran = cli("sweep", *options, "--offline", "--out", s3_out, "--workers", "0")
    assert ran.code == 5
    assert f"{s3_out} does not answer as it should (no answer): run the same again." in ran.err


LAZY = "import sys, westsea.cli, westsea.api; from westsea.objects import open_objects; "
LAZY += "open_objects('out'); assert 'obstore' not in sys.modules"


def test_the_client_is_loaded_where_it_is_wanted():
    subprocess.run([sys.executable, "-c", LAZY], check=True)


# Servers that answer badly: between us and the real one


@dataclass
class Between:
    """Passes requests on, but for those with a fault."""

    host: str
    """Where they go."""
    faults: list = field(default_factory=list)
    """Of the next requests, in order; None for none."""
    fault: str | None = None
    """Of all others."""
    seen: list = field(default_factory=list)

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.seen.append((handler.command, handler.path))
        fault = self.faults.pop(0) if self.faults else self.fault
        if fault == "drop":
            return None
        headers = dict(handler.headers)
        if fault == "501" and "if-none-match" in handler.headers:
            return 501, {}, b"<Error><Code>NotImplemented</Code></Error>"
        if fault == "forget":
            headers.pop("if-none-match", None)
        if fault == "404":
            return 404, {}, b"<Error><Code>NoSuchBucket</Code></Error>"
        if fault == "409" and "if-none-match" in handler.headers:
            return 409, {}, b"<Error><Code>ConditionalRequestConflict</Code></Error>"
        if fault in ("429", "503", "500"):
            return int(fault), {}, b"<Error><Code>SlowDown</Code></Error>"
        with closing(http.client.HTTPConnection(self.host, timeout=9)) as onward:
            onward.request(handler.command, handler.path, body, headers)
            answer = onward.getresponse()
            found = answer.status, dict(answer.headers), answer.read()
        return None if fault == "lose" else found


@contextmanager
def speak_for(state):
    """A server on loopback that says what `state.answer` does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self):
            found = state.answer(self)
            if found is None:
                self.close_connection = True
                return
            status, headers, body = found
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else len(body)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_DELETE = respond  # noqa: N815

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def between(seaweedfs, s3_out, monkeypatch):
    """A server between us and the real one; its faults can be set."""
    state = Between(seaweedfs.host)
    with speak_for(state) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield state


@pytest.mark.parametrize("fault", ["429", "503", "500", "drop", "lose"])
def test_what_goes_wrong_once_is_done_again(between, s3_out, fault):
    folder = open_objects(s3_out)
    assert folder.is_conditional

    def meet():
        between.faults = [fault, fault]

    meet()
    assert folder.put_new("a", b"1") is (Outcome.SAME if fault == "lose" else Outcome.CREATED)
    meet()
    assert folder.put_new("a", b"2") is Outcome.CONFLICT
    meet()
    assert folder.get("a") == b"1"
    meet()
    folder.put("b", b"3")
    meet()
    assert list(folder.list("")) == ["a", "b"]
    meet()
    folder.delete("a")
    meet()
    assert not folder.exists("a")


@pytest.mark.parametrize(
    ("fault", "words"), [("429", "SlowDown"), ("503", "SlowDown"), ("drop", "no answer")]
)
def test_what_goes_wrong_always_can_be_run_again(between, s3_out, fault, words):
    between.fault = fault
    with pytest.raises(UpstreamError, match=rf"\({words}\): run the same again") as caught:
        open_objects(s3_out).put_new("a", b"1")
    assert "\n" not in str(caught.value)


def test_a_key_that_another_writer_is_at_is_waited_for(between, s3_out, monkeypatch):
    folder = open_objects(s3_out)
    assert folder.is_conditional
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            between.fault = None

    monkeypatch.setattr(buckets, "PAUSES_S", (1.0, 4.0, 16.0))
    monkeypatch.setattr(buckets, "time", SimpleNamespace(sleep=sleep))
    between.fault = "409"
    assert folder.put_new("a", b"1") is Outcome.CREATED
    assert waited == [0.2, 1.0, 4.0]


@pytest.mark.parametrize("call", ["get", "put", "put_new", "delete"])
def test_a_bucket_that_is_gone(between, s3_out, call):
    """As Amazon says it; the server here makes a bucket where there is none."""
    between.fault = "404"
    arguments = ["a", b"1"] if call.startswith("put") else ["a"]
    with pytest.raises(ConfigError, match="There is no bucket out: make it"):
        getattr(open_objects(s3_out), call)(*arguments)


@dataclass
class Other:
    """Enough of Google's and Microsoft's stores for one object."""

    condition: str
    held: dict = field(default_factory=dict)

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        key, condition = handler.path.partition("?")[0], handler.headers.get(self.condition)
        if handler.command == "PUT":
            if condition in ("*", "0") and key in self.held:
                return 409 if condition == "*" else 412, {}, b""
            self.held[key] = body
            return 201, {"ETag": '"1"', "x-goog-generation": "1"}, b""
        if key not in self.held:
            return 404, {}, b""
        when = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "ETag": '"1"'}
        return 200, when, self.held[key]


@pytest.mark.parametrize(
    ("address", "condition", "variables"),
    [
        ("gs://mine/out", "x-goog-if-generation-match", {"GOOGLE_BASE_URL": "{}"}),
        (
            "az://mine/out",
            "if-none-match",
            {"AZURE_STORAGE_ENDPOINT": "{}", "AZURE_STORAGE_ACCOUNT_NAME": "me"},
        ),
    ],
)
def test_google_and_microsoft(s3_out, tmp_path, monkeypatch, address, condition, variables):
    """The same calls, with the condition as each of them writes it."""
    state = Other(condition)
    with speak_for(state) as endpoint:
        for name, value in variables.items():
            monkeypatch.setenv(name, value.format(endpoint))
        key = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
        (tmp_path / "key.json").write_text(json.dumps(key | {"gcs_base_url": endpoint}))
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(tmp_path / "key.json"))
        monkeypatch.setenv("AZURE_SKIP_SIGNATURE", "true")
        folder = open_objects(address)
        assert folder._put_if_new("a%20b/c=d", b"1")
        assert not folder._put_if_new("a%20b/c=d", b"2")
        assert folder.get("a%20b/c=d") == b"1"
        assert folder.get("b") is None
        assert [unquote(key).endswith("/mine/out/a%20b/c=d") for key in state.held] == [True]


@pytest.mark.parametrize("fault", ["501", "forget"])
def test_a_store_without_conditions_says_so(seaweedfs, between, s3_out, caplog, monkeypatch, fault):
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")  # which would not fit other headers
    seaweedfs.put("open/made", b"so")
    between.fault = fault
    folder = open_objects(s3_out.replace("s3://out/", "s3://open/"))
    assert folder.put_new("a", b"1") is Outcome.CREATED
    assert folder.put_new("a", b"1") is Outcome.SAME
    assert folder.put_new("a", b"2") is Outcome.CONFLICT
    assert folder.get("a") == b"1"
    assert "has no conditional PUT" in folder.guarantee()
    assert [record.message for record in caplog.records] == [f"westsea: {folder.guarantee()}"]
    assert list(folder.list(".tmp")) == []


def test_reading_asks_for_several_files_at_a_time(between, s3_out, local, monkeypatch):
    here, there = LocalFolder(local), open_objects(s3_out)
    for key, data in tree(local).items():
        there.put(key, data)
    between.seen.clear()
    assert len(Sweep(s3_out).detections()) == len(Sweep(str(here)).detections())
    # The parameters twice, a list of the scenes, one of each overlay, and a file of each scene,
    # and what the scenes of a day have in common.
    assert len([path for _, path in between.seen if "list-type" in path]) == 5
    assert len(between.seen) <= 7 + 4 + 4 * 3
