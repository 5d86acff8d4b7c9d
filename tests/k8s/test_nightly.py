"""The pods of the CronJob, as it is written, over an archive of small scenes."""

import json
import re
import time

from westsea import exits
from westsea_catalog.errors import ConfigError, UpstreamError, UsageError


def records(claim):
    files = sorted((claim / "v1/runs").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def spec_of(rendered, find):
    return find(rendered["prod"], "CronJob")["spec"]["jobTemplate"]["spec"]


def test_all_shards_together_are_one_local_sweep(nightly, claim, rendered, find, local, tables_of):
    completions = spec_of(rendered, find)["completions"]
    pods = [nightly(index, claim) for index in range(completions)]
    opened = set()  # beyond loopback: no policy lets anybody in
    pods[0].wait_for(lambda: opened.update(pods[0].ports()) or any((claim / "v1").glob("runs/*")))
    assert opened == set()
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


def test_a_shard_that_was_stopped_is_gone_on_with(nightly, claim, local, tables_of):
    # Of one part, so that scenes are left when the first is done.
    pod = nightly(0, claim, parts=1)
    pod.wait_for(lambda: any((claim / "v1").glob("detections/*/*/*.parquet")))
    pod.terminate()
    start = time.monotonic()
    assert pod.wait() == 143, pod.said
    print(f"ended {time.monotonic() - start:.1f} s after SIGTERM")
    [stopped] = records(claim).values()
    assert stopped["unfinished"] > 0
    again = nightly(0, claim, attempt="bbbbb", parts=1)
    assert again.wait() == 0, again.said
    told = records(claim)["westsea-nightly-25141110-0-bbbbb"]
    assert told["unfinished"] == told["failed"] == 0
    assert told["skipped"] > 0
    assert tables_of(claim / "v1") == local


# -- what a Job makes of how its pods end


def action(policy, code, *, disrupted=False):
    """What the Job's controller does: the first rule that fits, else the failure counts."""
    for rule in policy["rules"]:
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions", [])
        if codes and codes["operator"] == "In" and code in codes["values"]:
            return rule["action"]
        if disrupted and {"type": "DisruptionTarget", "status": "True"} in conditions:
            return rule["action"]
    return "Count"


def test_exit_codes_end_in_what_the_policy_says(rendered, find):
    job = spec_of(rendered, find)
    policy = job["podFailurePolicy"]
    final = [exits.BUG, UsageError.exit_code, ConfigError.exit_code, exits.REFUSED]
    again = [exits.PARTIAL, UpstreamError.exit_code, *exits.STOPPED.values(), 137]
    assert {action(policy, code) for code in final} == {"FailIndex"}
    assert {action(policy, code) for code in again} == {"Count"}
    assert {action(policy, code, disrupted=True) for code in (143, 137)} == {"Ignore"}
    [container] = job["template"]["spec"]["containers"]
    named = [rule["onExitCodes"] for rule in policy["rules"] if "onExitCodes" in rule]
    assert [each["containerName"] for each in named] == [container["name"]]
    assert job["backoffLimitPerIndex"] > 0


def test_a_pod_that_cannot_succeed_says_so_at_once(nightly, claim, rendered, find):
    policy = spec_of(rendered, find)["podFailurePolicy"]
    (claim / "v1").mkdir()
    (claim / "v1/sweep.json").write_text("{}")
    wrong = nightly(0, claim)
    unknown = nightly(1, claim, WESTSEA_JOB="by-hand")
    lost = nightly(2, claim, WESTSEA_CATALOG="/archive/none/catalog.json")
    ended = [(pod.wait(), pod.said) for pod in (wrong, unknown, lost)]
    assert [code for code, _ in ended] == [4, 2, 2], ended
    assert [action(policy, code) for code, _ in ended] == ["FailIndex"] * 3
