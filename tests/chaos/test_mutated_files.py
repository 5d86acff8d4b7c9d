"""Files with anything wrong in them: each scene ends in one verdict, and the sweep goes on.

    make chaos

prints how many of each kind of damage ended how, and why scenes failed: damage should be
refused, for a failed scene is read again by the next run.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from rig import scenes
from rig.mutations import MUTATIONS
from rig.outputs import last_run, left_behind

pytestmark = pytest.mark.chaos

N_FILES = int(os.environ.get("WESTSEA_CHAOS_FILES", "140"))
BATCH = 5000
SIDE = 128
"""Pixels: many small files, for damaged pixels are full of detections, which take their time."""
BATCH_S = 1800
WAYS = {"done", "empty", "refused", "failed"}


def write(folder, numbers):
    """Scenes with a spoiled file each; every kind of damage in turn."""
    scenes.draw(folder / "drawn", SIDE)
    good = [(folder / "drawn" / f"{number}.tif").read_bytes() for number in range(scenes.DRAWN)]
    for number in numbers:
        file = folder / scenes.CONTAINER / f"{number:04d}" / "vv.tif"
        file.parent.mkdir(parents=True)
        rng = np.random.default_rng(number)
        mutate = MUTATIONS[number % len(MUTATIONS)]
        file.write_bytes(mutate(rng, good[number % scenes.DRAWN]))
    scenes.write_items(folder / "items.json", numbers, folder, SIDE)


def sweep(folder):
    """The command line on two workers; its exit code and what it said."""
    options = ("--items", folder / "items.json", "--out", folder / "out", "--workers", "2")
    command = [sys.executable, "-m", "westsea", "sweep", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BATCH_S)
    return done.returncode, done.stderr


@pytest.mark.parametrize("first", range(0, N_FILES, BATCH))
def test_one_verdict_each(tmp_path, first):
    numbers = range(first, min(first + BATCH, N_FILES))
    write(tmp_path, numbers)
    code, said = sweep(tmp_path)
    assert code in (0, 3, 4), said[-2000:]
    assert "Traceback" not in said
    run = last_run(tmp_path / "out")
    verdicts = {scene["item_id"]: scene["verdict"] for scene in run["scenes"]}
    assert sorted(verdicts) == [scenes.item_id(number) for number in numbers]
    assert set(verdicts.values()) <= WAYS
    counts = Counter(
        (MUTATIONS[number % len(MUTATIONS)].__name__, verdicts[scenes.item_id(number)])
        for number in numbers
    )
    print("\n" + json.dumps({f"{kind} {way}": n for (kind, way), n in sorted(counts.items())}))
    for scene in run["scenes"]:
        if scene["verdict"] == "failed":
            print(f"{scene['item_id']}: {scene['reason']}")
    assert all(path.endswith(".json") for path in left_behind(tmp_path / "out"))
    shutil.rmtree(tmp_path)
