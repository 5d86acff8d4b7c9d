"""checkov's findings: none, but for those that have a reason here."""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

DOCKERFILE = Path(__file__).parents[2] / "k8s/Dockerfile"
REASONS = {
    ("dev", "CKV_K8S_43"): "the image was built on this machine, and has no digest yet",
    ("dev", "CKV_K8S_15"): "it was loaded into the node, and can be pulled from nowhere",
    ("image", "CKV_DOCKER_7"): "the base is an argument, by digest, which checkov does not see",
    ("image", "CKV_DOCKER_2"): "a sweep ends by itself; what serves has probes in its manifest",
}


def checked(tools, folder, framework):
    """(file, check) of all that failed, and how many passed."""
    command = [tools / "checkov", "--directory", folder, "--framework", framework]
    options = ["--skip-download", "--compact", "--quiet", "--output", "json"]
    done = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CHECKOV_RUN_SCA_PACKAGE_SCAN": "false", "LOG_LEVEL": "ERROR"},
    )
    results = json.loads(done.stdout)
    assert results["summary"]["parsing_errors"] == 0
    found = {
        (Path(each["file_path"]).stem, each["check_id"]): each["resource"]
        for each in results["results"]["failed_checks"]
    }
    return found, results["summary"]["passed"]


def as_deployments(cluster):
    """The pods of a DaskCluster in a kind that checkov knows; the operator makes these of it."""
    for part in ("scheduler", "worker"):
        spec = copy.deepcopy(cluster["spec"][part])
        labels = spec["metadata"]["labels"]
        yield {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": part, "namespace": "westsea"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec["spec"]},
            },
        }


@pytest.fixture(scope="module")
def findings(tools, rendered, find, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkov")
    for overlay, documents in rendered.items():
        extra = as_deployments(find(documents, "DaskCluster")) if overlay == "adhoc" else ()
        (folder / f"{overlay}.yaml").write_text(yaml.safe_dump_all([*documents, *extra]))
    manifests, passed = checked(tools, folder, "kubernetes")
    (folder / "image").mkdir()
    shutil.copy(DOCKERFILE, folder / "image" / "Dockerfile")
    image, others = checked(tools, folder / "image", "dockerfile")
    image = {("image", check): resource for (_, check), resource in image.items()}
    print(f"checkov: {passed + others} checks passed, {len(manifests | image)} failed")
    return manifests | image


def test_every_finding_has_a_reason(findings):
    assert {key: name for key, name in findings.items() if key not in REASONS} == {}


def test_every_reason_has_a_finding(findings):
    assert REASONS.keys() - findings.keys() == set()
