"""Alerts and dashboard, and the exporter's pod that they rest on."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

MONITORING = Path(__file__).parents[2] / "k8s/components/monitoring"
FUNCTIONS = {"time", "count", "sum", "by", "or", "vector"}


def expressions(rendered, find):
    rules = find(rendered["prod"], "PrometheusRule")["spec"]["groups"][0]["rules"]
    board = json.loads((MONITORING / "dashboard.json").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in rules], shown


def metrics(expression):
    """Names of metrics in an expression."""
    bare = re.sub(r"\{[^}]*\}|by \([^)]*\)", "", expression)
    return set(re.findall(r"[a-z]\w+", bare)) - FUNCTIONS


@pytest.fixture
def exporter(node, rendered, find, claim):
    """The exporter's pod, once it answers; it is given what a night left in OUT."""
    template = find(rendered["prod"], "Deployment")["spec"]["template"]
    (claim / "v1").mkdir()
    pod = node.pod(
        template["spec"],
        "westsea-exporter-0",
        labels=template["metadata"]["labels"],
        claims={"westsea-out": claim},
    )
    pod.wait_for(lambda: 9464 in pod.ports())
    return pod


def test_what_alerts_and_dashboard_ask_for_is_told(
    exporter, node, rendered, find, claim, night_now
):
    assert "cronjob=" not in node.get(exporter, 9464, "/metrics")
    night_now(claim / "v1/runs", shards=3)
    told = {
        family.name
        for family in text_string_to_metric_families(node.get(exporter, 9464, "/metrics"))
    }
    alerts, shown = expressions(rendered, find)
    asked = set.union(*map(metrics, [*alerts, *shown]))
    assert {name for name in asked if not name.startswith("dask_")} <= told
    assert exporter.ports() == {9464}
    policy = find(rendered["prod"], "NetworkPolicy", "westsea-metrics-exporter")
    [rule] = policy["spec"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == [9464]


def test_monitors_name_ports_that_pods_have(rendered, find):
    exporter = find(rendered["prod"], "Deployment")["spec"]["template"]["spec"]["containers"]
    dask = find(rendered["adhoc"], "DaskCluster")["spec"]
    parts = {
        "westsea-exporter": exporter,
        "westsea-dask": dask["scheduler"]["spec"]["containers"]
        + dask["worker"]["spec"]["containers"],
    }
    for name, containers in parts.items():
        [endpoint] = find(rendered["prod"], "PodMonitor", name)["spec"]["podMetricsEndpoints"]
        for container in containers:
            assert endpoint["port"] in [port["name"] for port in container["ports"]]


def test_the_exporter_reads_where_the_nights_write(rendered, find):
    from westsea.config import load

    container = find(rendered["prod"], "Deployment")["spec"]["template"]["spec"]["containers"][0]
    settings = MONITORING.parents[1] / "base/westsea.toml"
    assert container["args"][:2] == ["exporter", load(settings).out]
