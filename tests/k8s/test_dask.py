"""The scheduler and the workers of the DaskCluster, as they are written, over TLS."""

import json
import re
import subprocess
from pathlib import Path

import pytest

NAME = "westsea-adhoc"
ADDRESS = f"{NAME}-scheduler:8786"
TLS = {
    "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": "/tls/ca.crt",
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": "/tls/tls.crt",
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY": "/tls/tls.key",
}
DASHBOARD = Path(__file__).parents[2] / "k8s/components/monitoring/dashboard.json"


@pytest.fixture
def certificates(place):
    """A CA, and one certificate for scheduler, workers and clients, as the README makes them."""
    folder = place / "tls"
    folder.mkdir()
    for command in (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt",
        "openssl req -newkey rsa:2048 -nodes -subj /CN=dask -keyout tls.key -out tls.csr",
        "openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2"
        " -out tls.crt",
    ):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    (folder / "tls.key").chmod(0o644)  # kubelet gives it to the pod's group
    return folder


@pytest.fixture
def cluster(node, rendered, find, certificates, claim, archive):
    """A running scheduler, and two workers."""
    spec = find(rendered["adhoc"], "DaskCluster")["spec"]

    def start(part, name, **env):
        return node.pod(
            spec[part]["spec"],
            name,
            # The operator's label, beside the manifest's.
            labels={**spec[part]["metadata"]["labels"], "dask.org/cluster-name": NAME},
            claims={"westsea-out": claim},
            secrets={"westsea-dask-tls": certificates},
            env=env,
            extra=[(archive, "/archive", True)],
        )

    scheduler = start("scheduler", f"{NAME}-scheduler")
    node.hosts[f"{NAME}-scheduler"] = scheduler.address
    scheduler.wait_for(lambda: node.get(scheduler, 8787, "/health"))
    workers = [start("worker", f"{NAME}-{n}", DASK_WORKER_NAME=f"{NAME}-{n}") for n in range(2)]
    both = json.dumps({"num_workers": 2})[1:-1]
    scheduler.wait_for(lambda: both in node.get(scheduler, 8787, "/api/v1/get_workers"))
    return scheduler, workers


def let_in(rendered, component):
    """Ports at which the policies let others into the pods of a component."""
    policies = [
        each["spec"]
        for overlay in ("prod", "adhoc")
        for each in rendered[overlay]
        if each["kind"] == "NetworkPolicy"
    ]
    return {
        port["port"]
        for spec in policies
        if spec["podSelector"].get("matchLabels") == {"app.kubernetes.io/component": component}
        for rule in spec.get("ingress", [])
        for port in rule["ports"]
    }


def test_a_sweep_on_the_cluster_is_the_local_one(
    cluster, node, certificates, rendered, claim, archive, local, tables_of
):
    scheduler, workers = cluster
    sweep = [
        *("westsea", "sweep", "--catalog", "/archive/catalog.json", "--aoi", "west-sea"),
        *("--datetime", "2017-10-17T02:30:00Z/2017-10-20T02:30:00Z", "--out", "/out/adhoc"),
        *("--offline", "--scheduler", f"tls://{ADDRESS}"),
    ]
    volumes = [(archive, "/archive", True), (claim, "/out", False)]
    code, said = node.run(sweep, TLS, [*volumes, (certificates, "/tls", True)])
    assert code == 0, said
    assert tables_of(claim / "adhoc") == local

    # Open are the ports that the policies name, and no other.
    assert scheduler.ports() == let_in(rendered, "dask-scheduler") == {8786, 8787}
    for worker in workers:
        assert worker.ports() == let_in(rendered, "dask-worker") == {8788, 8790}

    # The operator learns over http whether there is work; without a certificate nobody gets in.
    assert json.loads(node.get(scheduler, 8787, "/api/v1/check_idle"))["idle_since"]
    assert node.get(scheduler, 8787, "/info/main/workers.html") is None
    code, said = node.run(sweep, {}, volumes)
    assert (code, "needs certificates" in said) == (4, True), said

    # What the dashboard shows of Dask is what these pods tell.
    told = node.get(scheduler, 8787, "/metrics") + node.get(workers[0], 8790, "/metrics")
    shown = set(re.findall(r"dask_\w+", DASHBOARD.read_text()))
    assert shown
    assert shown <= set(re.findall(r"^dask_\w+", told, re.MULTILINE))
