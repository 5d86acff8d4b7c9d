"""A sweep into a bucket whose answers get lost: the same bytes as in a local folder."""

import os
import subprocess
import sys

import pytest
from rig.outputs import keys_of, tables
from rig.proxy import LossyProxy

pytestmark = pytest.mark.chaos

N_SCENES = int(os.environ.get("WESTSEA_CHAOS_SCENES", "30"))
RATE = 0.2


def sweep(items, out, **environment):
    """The command line on two workers."""
    options = ("--items", items, "--out", out, "--workers", "2")
    command = [sys.executable, "-m", "westsea", "sweep", *options]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )


def test_a_bucket_that_loses_answers(seaweedfs, local_items, tmp_path):
    items = local_items(N_SCENES)
    assert sweep(items, tmp_path / "plain").returncode == 0
    seaweedfs.put("results/", b"")
    with LossyProxy(seaweedfs.host, RATE, seed=1) as proxy:
        keys = {"AWS_ACCESS_KEY_ID": "Key", "AWS_SECRET_ACCESS_KEY": "Secret"}
        where = {"AWS_ENDPOINT_URL": f"http://{proxy.host}", "AWS_REGION": "us-east-1"}
        for _ in range(10):
            done = sweep(items, "s3://results/out", **keys, **where, NO_PROXY="*")
            assert done.returncode in (0, 3, 5), done.stderr
            assert "Traceback" not in done.stderr
            if done.returncode == 0:
                break
    print(f"\n{N_SCENES} scenes: {dict(proxy.counts)}")
    assert proxy.counts["PUT lost"]
    assert done.returncode == 0
    found = keys_of(seaweedfs, "out")
    kept = {key: data for key, data in found.items() if key.endswith(".parquet")}
    assert kept == tables(tmp_path / "plain")
    others = {key.partition("/")[0] for key in found.keys() - kept.keys()}
    assert others <= {"items", "runs", "sweep.json"}
