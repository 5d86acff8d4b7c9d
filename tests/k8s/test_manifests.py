"""What kustomize renders, against the schemas of Kubernetes and of Dask's kinds."""

import json
import subprocess

import pytest
import yaml

from westsea.config import load

OLDEST = "1.31"
OTHERS = ("DaskCluster", "PodMonitor", "PrometheusRule")
"""Kinds that are not Kubernetes' own."""


@pytest.fixture(scope="module")
def every(rendered):
    return [(overlay, each) for overlay, documents in rendered.items() for each in documents]


def python(tools, code, *arguments, stdin=""):
    """Run code in the environment of the tools."""
    command = [tools / "python", "-c", code, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def workloads(documents):
    """(kind, pod template) of everything that makes pods."""
    for each in documents:
        spec = each.get("spec", {})
        if each["kind"] == "CronJob":
            yield each["kind"], spec["jobTemplate"]["spec"]["template"]
        elif each["kind"] in ("Job", "Deployment"):
            yield each["kind"], spec["template"]
        elif each["kind"] == "DaskCluster":
            for part in ("scheduler", "worker"):
                yield (
                    f"Dask {part}",
                    {"metadata": spec[part]["metadata"], "spec": spec[part]["spec"]},
                )


NEWEST = """
import kubernetes_validate
print(kubernetes_validate.latest_version())
"""
VALIDATE = """
import sys, yaml, kubernetes_validate
version, bad = sys.argv[1], 0
for each in yaml.load_all(sys.stdin, yaml.CSafeLoader):
    try:
        kubernetes_validate.validate(each, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        bad = 1
        print(each["kind"], each["metadata"]["name"], error.message)
sys.exit(bad)
"""


@pytest.mark.parametrize("version", [OLDEST, "newest"])
def test_kubernetes_knows_every_field(tools, every, version):
    if version == "newest":
        version = python(tools, NEWEST).stdout.strip()
        assert tuple(map(int, version.split("."))) > (1, 31)
    own = [each for _, each in every if each["kind"] not in OTHERS]
    assert len(own) > 20
    done = python(tools, VALIDATE, version, stdin=yaml.safe_dump_all(own))
    assert done.returncode == 0, done.stdout + done.stderr
    print(f"{len(own)} documents are valid for Kubernetes {version}")


def test_a_wrong_field_is_seen(tools, rendered, find):
    nightly = find(rendered["prod"], "CronJob")
    nightly["spec"]["jobTemplate"]["spec"]["backofLimitPerIndex"] = 3
    done = python(tools, VALIDATE, OLDEST, stdin=yaml.safe_dump(nightly))
    del nightly["spec"]["jobTemplate"]["spec"]["backofLimitPerIndex"]
    assert done.returncode == 1
    assert "backofLimitPerIndex" in done.stdout


DASK = """
import sys, yaml, jsonschema
from importlib.resources import files
chart = files("dask_kubernetes") / "operator/deployment/helm/dask-kubernetes-operator"
definition = yaml.load((chart / "crds/daskcluster.yaml").read_text(), yaml.CSafeLoader)
[version] = definition["spec"]["versions"]
schema = version["schema"]["openAPIV3Schema"]
schema["properties"] |= {"apiVersion": {"const": "kubernetes.dask.org/v1"},
                         "kind": {"const": "DaskCluster"}, "metadata": {"type": "object"}}

def close(node):
    # Fields that a schema does not name are dropped in silence by a cluster; here they are errors.
    if isinstance(node, dict):
        if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields"):
            node.setdefault("additionalProperties", False)
        if node.get("x-kubernetes-int-or-string"):
            node["type"] = ["integer", "string"]
        for each in node.values():
            close(each)
    elif isinstance(node, list):
        for each in node:
            close(each)

close(schema)
schema["properties"]["metadata"].pop("additionalProperties", None)
validator = jsonschema.Draft202012Validator(schema)
for each in yaml.load_all(sys.stdin, yaml.CSafeLoader):
    errors = validator.iter_errors(each)
    print("; ".join("/".join(map(str, e.absolute_path)) + ": " + e.message for e in errors))
"""


def test_dask_knows_every_field_and_others_are_seen(tools, rendered, find):
    cluster = find(rendered["adhoc"], "DaskCluster")

    def spoilt(*path, value=None):
        copy = json.loads(json.dumps(cluster))
        inner = copy
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value
        if value is None:
            del inner[path[-1]]
        return copy

    wrong = {
        "idleTimeOut": spoilt("spec", "idleTimeOut", value=5),
        "idleTimeout": spoilt("spec", "idleTimeout", value="5"),
        "replica": spoilt("spec", "worker", "replica", value=3),
        "comand": spoilt("spec", "worker", "spec", "containers", 0, "comand", value=["dask"]),
        "service": spoilt("spec", "scheduler", "service"),
        "targetPort": spoilt("spec", "scheduler", "service", "ports", 0, "targetPort", value=8786),
    }
    done = python(tools, DASK, stdin=yaml.safe_dump_all([cluster, *wrong.values()]))
    right, *told = done.stdout.splitlines()
    assert (right, done.stderr) == ("", "")
    assert [name in line for name, line in zip(wrong, told, strict=True)] == [True] * len(wrong)
    print("the DaskCluster is valid for the definitions of dask-kubernetes")


# -- what the manifests must say


def test_the_shards_are_as_many_as_the_completions(rendered, find):
    for overlay in ("dev", "prod"):
        spec = find(rendered[overlay], "CronJob")["spec"]["jobTemplate"]["spec"]
        [container] = spec["template"]["spec"]["containers"]
        n = spec["completions"]
        assert spec["parallelism"] == n
        arguments = container["args"]
        assert arguments[arguments.index("--shard") + 1] == f"$(JOB_COMPLETION_INDEX)/{n}"
    rules = find(rendered["prod"], "PrometheusRule")["spec"]["groups"][0]["rules"]
    completions = find(rendered["prod"], "CronJob")["spec"]["jobTemplate"]["spec"]["completions"]
    assert rules[0]["expr"].endswith(f"< {completions}")


def test_every_pod_is_locked_in(every, rendered):
    found = [each for documents in rendered.values() for each in workloads(documents)]
    assert {kind for kind, _ in found} == {
        "CronJob",
        "Job",
        "Deployment",
        "Dask scheduler",
        "Dask worker",
    }
    for kind, template in found:
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, kind
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            limits = container["resources"]
            assert limits["limits"] == limits["requests"]
        for volume in spec["volumes"]:
            if "emptyDir" in volume:
                assert volume["emptyDir"]["sizeLimit"]
        for container in spec["containers"]:
            for mount in container["volumeMounts"]:
                if mount["name"] in ("settings", "keys", "tls"):
                    assert mount["readOnly"] is True
    assert not any(each["kind"] == "Secret" for _, each in every)
    namespace = next(each for _, each in every if each["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_nightly_job_waits_for_nobody_and_doubles_nothing(rendered, find):
    spec = find(rendered["prod"], "CronJob")["spec"]
    job = spec["jobTemplate"]["spec"]
    assert (spec["concurrencyPolicy"], spec["timeZone"]) == ("Forbid", "Etc/UTC")
    assert 0 < spec["startingDeadlineSeconds"] < 24 * 3600
    assert job["completionMode"] == "Indexed"
    # A night that hangs must be over before the next one.
    assert job["activeDeadlineSeconds"] + spec["startingDeadlineSeconds"] < 24 * 3600
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    # An old Job must not outlive the alert that points at it, nor be gone by the next morning.
    assert job["ttlSecondsAfterFinished"] > 26 * 3600


def test_settings_are_settings(rendered, tmp_path):
    for overlay in ("dev", "prod"):
        [settings] = [
            each["data"]["westsea.toml"]
            for each in rendered[overlay]
            if each["kind"] == "ConfigMap" and "westsea.toml" in each["data"]
        ]
        (tmp_path / "westsea.toml").write_text(settings)
        told = load(tmp_path / "westsea.toml")
        assert told.out.startswith("/out/")
        assert told.aoi == "west-sea"


def test_dask_shares_the_memory_so_that_the_driver_has_some(rendered, find):
    environment = find(rendered["prod"], "ConfigMap", "westsea-environment")["data"]
    share = float(environment["DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE"])
    spec = find(rendered["prod"], "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = spec["containers"]
    limit = container["resources"]["limits"]["memory"]
    assert limit == "4Gi"
    assert (1 - share) * 4096 > 700  # MiB
