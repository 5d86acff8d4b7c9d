"""One sweep on clusters of any size, into a folder and into a bucket: the same bytes."""

import pytest
from distributed import Client
from rig.outputs import keys_of, tables

from westsea.api import execute, plan

pytestmark = pytest.mark.chaos

N_SCENES = 24
CLUSTERS = {
    **{f"{n} processes": {"n_workers": n, "threads_per_worker": 1} for n in (1, 2, 4)},
    **{
        f"{n} threads": {"n_workers": 1, "threads_per_worker": n, "processes": False}
        for n in (1, 2, 4)
    },
}
PLACES = ("folder", "bucket")


@pytest.fixture
def keys(seaweedfs, monkeypatch):
    """The bucket's address and keys, in variables that processes inherit."""
    known = {"AWS_ACCESS_KEY_ID": "Key", "AWS_SECRET_ACCESS_KEY": "Secret"}
    known |= {"AWS_ENDPOINT_URL": seaweedfs.endpoint, "AWS_REGION": "us-east-1", "NO_PROXY": "*"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    seaweedfs.put("results/made", b"so")


def test_the_same_bytes(seaweedfs, keys, local_items, tmp_path):
    planned = plan(local_items(N_SCENES))
    execute(planned, tmp_path / "plain", workers=0)
    expected = tables(tmp_path / "plain")
    assert len(expected) == 3 * N_SCENES
    for name, options in CLUSTERS.items():
        with Client(dashboard_address="127.0.0.1:0", set_as_default=False, **options) as client:
            for place in PLACES:
                run = f"{place}-{name.replace(' ', '-')}"
                out = tmp_path / run if place == "folder" else f"s3://results/{run}"
                report = execute(planned, out, client=client)
                assert report.count("done") == N_SCENES
                found = tables(out) if place == "folder" else keys_of(seaweedfs, run)
                assert {k: v for k, v in found.items() if k.endswith(".parquet")} == expected, run
        print(f"\n{name}: folder and bucket as without a cluster")
