"""Dask's own operator, against a small API of Kubernetes on loopback.

The API keeps objects, answers lists, watches, patches and deletes, and deletes what is owned with
its owner. It knows no schemas: `test_manifests` does. It has no nodes: `test_dask` runs the pods.
"""

import copy
import itertools
import json
import os
import queue
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

NAMESPACE = "westsea"
GROUPS = {
    "/api/v1": [
        ("Service", "services"),
        ("Pod", "pods"),
        ("Event", "events"),
        ("Namespace", "namespaces"),
    ],
    "/apis/apps/v1": [("Deployment", "deployments")],
    "/apis/apiextensions.k8s.io/v1": [("CustomResourceDefinition", "customresourcedefinitions")],
    "/apis/kubernetes.dask.org/v1": [
        ("DaskCluster", "daskclusters"),
        ("DaskWorkerGroup", "daskworkergroups"),
        ("DaskJob", "daskjobs"),
        ("DaskAutoscaler", "daskautoscalers"),
    ],
}
VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
CLUSTER_WIDE = ("namespaces", "customresourcedefinitions")


class Api:
    """The objects, and who watches them."""

    def __init__(self, rules):
        self.rules = rules
        """Of the operator's Role and ClusterRole."""
        self.lock = threading.RLock()
        self.objects = {}
        self.versions = itertools.count(1)
        self.watchers = []
        self.refuse = []
        """(method, plural) of requests to be answered 429, once each."""

    def allows(self, group, plural, verb):
        name = group.removeprefix("/apis/").rpartition("/")[0] if "apis" in group else ""
        return any(
            name in rule["apiGroups"] and plural in rule["resources"] and verb in rule["verbs"]
            for rule in self.rules
        )

    def put(self, plural, body, event):
        body["metadata"]["resourceVersion"] = str(next(self.versions))
        self.objects[plural, body["metadata"]["name"]] = body
        self.tell(plural, event, body)
        return body

    def tell(self, plural, event, body):
        for wanted, events in self.watchers:
            if wanted == plural:
                events.put({"type": event, "object": copy.deepcopy(body)})

    def create(self, plural, body):
        metadata = body["metadata"]
        metadata.setdefault("name", metadata.get("generateName", "") + str(next(self.versions)))
        metadata |= {"uid": f"uid-{next(self.versions)}", "namespace": NAMESPACE}
        metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
        if plural == "services":
            body["status"] = {"loadBalancer": {}}
        return self.put(plural, body, "ADDED")

    def patch(self, plural, name, change):
        body = copy.deepcopy(self.objects[plural, name])
        if isinstance(change, list):
            for step in change:
                apply(body, step)
        else:
            merge(body, change)
        if body == self.objects[plural, name]:
            return body
        self.put(plural, body, "MODIFIED")
        if body["metadata"].get("deletionTimestamp") and not body["metadata"].get("finalizers"):
            self.remove(plural, name)
        return body

    def delete(self, plural, name):
        body = self.objects[plural, name]
        if body["metadata"].get("finalizers"):
            self.patch(plural, name, {"metadata": {"deletionTimestamp": "2026-01-02T00:00:00Z"}})
        else:
            self.remove(plural, name)
        return body

    def remove(self, plural, name):
        body = self.objects.pop((plural, name))
        self.tell(plural, "DELETED", body)
        uid = body["metadata"]["uid"]
        for (kind, owned), each in list(self.objects.items()):
            owners = each["metadata"].get("ownerReferences", [])
            if uid in [owner["uid"] for owner in owners]:
                self.delete(kind, owned)

    def names(self, plural):
        return sorted(name for kind, name in self.objects if kind == plural)


def merge(body, change):
    """RFC 7386."""
    for name, value in change.items():
        if value is None:
            body.pop(name, None)
        elif isinstance(value, dict):
            merge(body.setdefault(name, {}), value)
        else:
            body[name] = value


def apply(body, step):
    """One operation of RFC 6902."""
    *path, last = [
        each.replace("~1", "/").replace("~0", "~") for each in step["path"].split("/")[1:]
    ]
    for name in path:
        body = body[int(name) if isinstance(body, list) else name]
    if isinstance(body, list):
        last = len(body) if last == "-" else int(last)
    if step["op"] == "test":
        assert body[last] == step["value"]
    elif step["op"] == "remove":
        del body[last]
    elif step["op"] == "add" and isinstance(body, list):
        body.insert(last, step["value"])
    else:
        assert step["op"] in ("add", "replace")
        body[last] = step["value"]


def selected(body, selector):
    labels = body["metadata"].get("labels", {})
    pairs = [each.split("=", 1) for each in selector.replace("==", "=").split(",") if each]
    return all(labels.get(name) == value for name, value in pairs)


class Handler(BaseHTTPRequestHandler):
    """Requests of the operator's client libraries."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def failure(self, status, reason, **headers):
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
        self.answer(
            {**body, "reason": reason, "message": reason, "code": status}, status, **headers
        )

    def handle_any(self):
        api, parts = self.server.api, urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        path = parts.path.rstrip("/")
        found = discovery(path)
        if found is not None:
            return self.answer(found)
        group = next((each for each in GROUPS if path.startswith(each + "/")), None)
        if group is None:
            return self.failure(404, "NotFound")
        rest = path.removeprefix(group).strip("/").split("/")
        if rest[0] == "namespaces" and len(rest) > 2:
            rest = rest[2:]
        plural, name = rest[0], rest[1] if len(rest) > 1 else None
        verb = VERBS.get(self.command) or ("get" if name else "list")
        if verb == "list" and "watch=" in parts.query:
            verb = "watch"
        if not api.allows(group, plural, verb):
            return self.failure(403, "Forbidden")
        with api.lock:
            if (self.command, plural) in api.refuse:
                api.refuse.remove((self.command, plural))
                return self.failure(429, "TooManyRequests", Retry_After="1")
            if self.command == "POST":
                return self.answer(api.create(plural, body), 201)
            if name is not None:
                if (plural, name) not in api.objects:
                    return self.failure(404, "NotFound")
                if self.command == "PATCH":
                    return self.answer(api.patch(plural, name, body))
                if self.command == "DELETE":
                    return self.answer(api.delete(plural, name))
                return self.answer(api.objects[plural, name])
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            names = api.names(plural)
            items = [copy.deepcopy(api.objects[plural, each]) for each in names]
            if query.get("watch") in ("true", "1"):
                events = queue.Queue()
                since = int(query.get("resourceVersion") or 0)
                for each in items:  # what came between the list and the watch
                    if int(each["metadata"]["resourceVersion"]) > since:
                        events.put({"type": "MODIFIED", "object": each})
                api.watchers.append((plural, events))
            else:
                fields = dict(
                    each.replace("==", "=").split("=", 1)
                    for each in query.get("fieldSelector", "").split(",")
                    if each
                )
                name = fields.get("metadata.name")
                items = [
                    each
                    for each in items
                    if selected(each, query.get("labelSelector", ""))
                    and name in (None, each["metadata"]["name"])
                ]
                kind = next(kind for kind, each in GROUPS[group] if each == plural)
                version = group.removeprefix("/apis/").removeprefix("/api/")
                listed = {"kind": f"{kind}List", "apiVersion": version, "items": items}
                return self.answer(
                    {**listed, "metadata": {"resourceVersion": str(next(api.versions))}}
                )
        return self.watch(events)

    def watch(self, events):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while not self.server.over.is_set():
            try:
                event = events.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self.wfile.write(json.dumps(event).encode() + b"\n")
                self.wfile.flush()
            except OSError:
                return

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names


def discovery(path):
    """What the API says of itself."""
    if path == "/version":
        return {"major": "1", "minor": "31", "gitVersion": "v1.31.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = []
        for group in GROUPS:
            if group.startswith("/apis/"):
                name, version = group.removeprefix("/apis/").split("/")
                told = {"groupVersion": f"{name}/{version}", "version": version}
                groups.append({"name": name, "versions": [told], "preferredVersion": told})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if path in GROUPS:
        resources = [
            {
                "name": plural,
                "singularName": kind.lower(),
                "kind": kind,
                "namespaced": plural not in CLUSTER_WIDE,
                "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
                "shortNames": [],
            }
            for kind, plural in GROUPS[path]
        ]
        version = path.removeprefix("/apis/").removeprefix("/api/")
        return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
    return None


@pytest.fixture
def api(rendered, find):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    rules = [
        rule for kind in ("Role", "ClusterRole") for rule in find(rendered["adhoc"], kind)["rules"]
    ]
    server.api, server.over = Api(rules), threading.Event()
    server.api.port = server.server_port
    kind = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    server.api.create("namespaces", kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.api
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def operator(tools, api, tmp_path):
    """The operator, for one namespace, as the README installs it."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{api.port}"}}],
        "users": [{"name": "nobody", "user": {"token": "none"}}],
        "contexts": [
            {
                "name": "here",
                "context": {"cluster": "here", "user": "nobody", "namespace": NAMESPACE},
            }
        ],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "config"),
        "NO_PROXY": "*",
    }
    command = [tools / "kopf", "run", "--standalone", "--namespace", NAMESPACE]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "-m", "dask_kubernetes.operator.controller"],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=tmp_path,
        )
    yield lambda: (tmp_path / "log").read_text()
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(condition, said, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, said()[-6000:]
        time.sleep(0.1)


def test_the_operator_runs_the_cluster_and_takes_it_away(api, operator, rendered, find):
    cluster = copy.deepcopy(find(rendered["adhoc"], "DaskCluster"))
    # Nobody answers here for the scheduler; `test_dask` asks a real one whether it is idle.
    del cluster["spec"]["idleTimeout"]
    name, replicas = cluster["metadata"]["name"], cluster["spec"]["worker"]["replicas"]
    api.refuse.append(("PATCH", "daskclusters"))
    with api.lock:
        api.create("daskclusters", cluster)

    def phase():
        return api.objects["daskclusters", name].get("status", {}).get("phase")

    wait_until(lambda: phase() == "Running", operator)
    wait_until(lambda: len(api.names("deployments")) == 1 + replicas, operator)
    assert api.refuse == []
    assert "429" in operator()

    # What it made holds the manifest's own commands and environment, and its tcp:// nowhere.
    scheduler = api.objects["deployments", f"{name}-scheduler"]["spec"]["template"]
    wanted = cluster["spec"]
    assert scheduler["spec"] == wanted["scheduler"]["spec"]
    workers = [each for each in api.names("deployments") if not each.endswith("-scheduler")]
    for each in workers:
        template = api.objects["deployments", each]["spec"]["template"]
        [container] = template["spec"]["containers"]
        [plain] = wanted["worker"]["spec"]["containers"]
        assert container["args"] == plain["args"]
        addresses = [v["value"] for v in container["env"] if v["name"] == "DASK_SCHEDULER_ADDRESS"]
        assert addresses == ["tls://$(CLUSTER)-scheduler:8786"]
        # Labels that the policies and the downward API go by.
        assert template["metadata"]["labels"]["dask.org/cluster-name"] == name
        assert template["metadata"]["labels"]["app.kubernetes.io/component"] == "dask-worker"
    service = api.objects["services", f"{name}-scheduler"]["spec"]
    labels = scheduler["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()

    with api.lock:
        api.delete("daskclusters", name)
    left = ("daskclusters", "daskworkergroups", "deployments", "services")
    wait_until(lambda: not any(api.names(plural) for plural in left), operator)
