"""The pods of the CronJob, as it is written, over an archive of small scenes."""

import json
import re


def records(claim):
    files = sorted((claim / "v1/runs").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def spec_of(rendered, find):
    return find(rendered["prod"], "CronJob")["spec"]["jobTemplate"]["spec"]


def test_all_shards_together_are_one_local_sweep(nightly, claim, rendered, find, local, tables_of):
    completions = spec_of(rendered, find)["completions"]
    pods = [nightly(index, claim) for index in range(completions)]
    ended = [(pod.wait(), pod.said) for pod in pods]
    assert [code for code, _ in ended] == [0] * completions, ended
    assert len(local) == 3 * 8
    assert tables_of(claim / "v1") == local
    # One record for each shard, named after the minute that the job was due, shard and attempt.
    told = records(claim)
    assert {re.fullmatch(r"westsea-nightly-25141110-(\d)-aaaaa", name)[1] for name in told} == {
        str(index) for index in range(completions)
    }
    assert sum(record["planned"] for record in told.values()) == 8
    for pod in pods:
        # Compiled kernels came with the image, through its read-only tree and its layer.
        assert not any(pod.volumes["tmp"].rglob("*.nbi"))
