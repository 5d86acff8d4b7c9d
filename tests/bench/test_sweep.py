"""What a whole sweep costs over decoding the same files: CPU, memory, bytes, tasks.

    make bench

Decode-only is rasterio into one buffer, in the chunks of the plan. It and the plain path run inside
one worker process, so that nothing else is in its memory; "2 workers" is westsea's own cluster of
two processes of one thread, and its CPU that of driver, scheduler and workers together. All are
warm: what starting the workers takes is printed by itself. Nothing asserts a time; that both ways
give the same tables is asserted.

- Peak memory: the most resident memory of any worker, imports included (VmHWM, Linux).
- Bytes read: what threads that read pixels got from read calls (rchar, Linux) over the bytes of the
  files' full-resolution tiles. A tile that is read again counts again.
- Shuffled bytes: the pickled summaries that travel from the tasks of chunks to the task that
  judges; of these, carried are the pixels.
"""

import pickle
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import numpy as np
import psutil
import pytest
import rasterio
from distributed import get_task_stream
from rasterio.windows import Window as RasterWindow

from westsea.cluster import connect
from westsea.detector import Detector
from westsea.runner import parameters, run
from westsea.store import Store
from westsea.tasks import Job, summarise_chunk
from westsea_catalog.coast import Coast
from westsea_catalog.reader import TiffReader, gdal_env

pytestmark = pytest.mark.bench

WORKERS = 2
LARGE = (12_000, 16_000)
SMALL, N_SMALL = (1024, 1024), 200
N_DRAWN = 8
"""Of the small scenes; the others are copies under other names."""
GROWTH = (2048, 4096, 8192)
MB = 1e6


@dataclass
class Cost:
    """What some work took."""

    cpu: float
    wall: float
    peak: float = float("nan")
    read: float = float("nan")

    def line(self, name, decoded, tiles, tasks="-", parts=()):
        shuffled = sum(len_ for len_, _ in parts)
        carried = sum(pixels for _, pixels in parts)
        return (
            f"{name:14s}{self.cpu:9.2f}{self.cpu / decoded:9.2f} x{self.wall:9.1f}"
            f"{self.peak / MB:10.0f}{self.read / tiles:12.4f}{tasks!s:>8s}"
            f"{shuffled / MB:13.1f}{carried / MB:12.1f}"
        )


HEAD = (
    f"{'':14s}{'CPU s':>9s}{'of decode':>11s}{'wall s':>9s}{'peak MB':>10s}{'read/files':>12s}"
    f"{'tasks':>8s}{'shuffled MB':>13s}{'carried MB':>12s}"
)


# -- on the worker


def rchar():
    """Bytes that this thread got from read calls."""
    return int(Path("/proc/thread-self/io").read_text().split()[1])


def count_reads():
    """Note in each process how many bytes its readers read."""
    plain = TiffReader.read
    TiffReader.n_bytes = 0

    def read(self, *arguments):
        before = rchar()
        pixels = plain(self, *arguments)
        TiffReader.n_bytes += rchar() - before
        return pixels

    TiffReader.read = read


def forget():
    """Start counting anew."""
    Path("/proc/self/clear_refs").write_text("5")
    TiffReader.n_bytes = 0


def peak():
    """(resident bytes at most, bytes read) since `forget`."""
    status = Path("/proc/self/status").read_text().split()
    return 1024 * int(status[status.index("VmHWM:") + 1]), TiffReader.n_bytes


def measured(work):
    forget()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cost = Cost(time.process_time() - cpu, time.perf_counter() - wall)
    cost.peak, cost.read = peak()
    return cost


def decode(plan):
    """All chunks of all bands, chunk by chunk, into one buffer."""
    buffer = np.empty(max(chunk.size for each in plan.scenes for chunk in each.chunks), np.float32)
    with gdal_env():
        for each in plan.scenes:
            for band in each.scene.bands:
                with rasterio.open(band.source) as dataset:
                    for chunk in each.chunks:
                        rows, cols = chunk.shape
                        place = RasterWindow(chunk.col0, chunk.row0, cols, rows)
                        dataset.read(1, window=place, out=buffer[: chunk.size].reshape(rows, cols))


def decoded(plan):
    before = rchar()
    cost = measured(lambda: decode(plan))
    cost.read = rchar() - before
    return cost


def swept(plan, out):
    return measured(lambda: sweep(plan, out, None))


def sweep(plan, out, client):
    coast, detector = Coast.shipped(), Detector()
    store = Store.open(out, parameters(detector, None, coast))
    report = run(plan, store, coast, detector, client)
    assert report.count("done") == len(plan.scenes)


def summary_sizes(job, chunk):
    """(pickled bytes, bytes of carried pixels) of a chunk's summary."""
    summary = summarise_chunk(job, chunk).summary
    return len(pickle.dumps(summary, protocol=5)), summary.carried.nbytes


# -- in the driver


def cpu_of_all():
    """CPU seconds of this process and its children so far."""
    me = psutil.Process()
    times = [each.cpu_times() for each in (me, *me.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def on_cluster(client, plan, out):
    """Cost of a sweep on the cluster, and the number of its tasks."""
    client.run(forget)
    with get_task_stream(client) as stream:
        cpu, wall = cpu_of_all(), time.perf_counter()
        sweep(plan, out, client)
        cost = Cost(cpu_of_all() - cpu, time.perf_counter() - wall)
    peaks, reads = zip(*client.run(peak).values(), strict=True)
    cost.peak, cost.read = max(peaks), sum(reads)
    return cost, len(stream.data)


def sizes_of_parts(client, plan):
    coast, detector = Coast.shipped(), Detector()
    jobs = [Job.of(each, coast, None, detector) for each in plan.scenes]
    parts = [(job, chunk) for job in jobs for chunk in job.chunks if len(job.chunks) > 1]
    return client.gather([client.submit(summary_sizes, *each, pure=False) for each in parts])


def tables(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*.parquet")}


@pytest.fixture(scope="module")
def cluster(seas, tmp_path_factory):
    """Warm workers, and what it took to have them."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    # What the workers compile or load from the cache, they do here.
    folder = tmp_path_factory.mktemp("warm")
    images, _ = seas.open_sea(np.random.default_rng(1), (1024, 1024))
    scenes = [seas.write(folder, f"warm{k}", images, seas.grid((1024, 1024))) for k in range(8)]
    sweep(seas.plan(scenes), folder / "here", None)
    before = cpu_of_all()
    with connect(None, WORKERS) as client:
        client.run(count_reads)
        sweep(seas.plan(scenes), folder / "there", client)
        print(f"\n\nstarting {WORKERS} workers: {cpu_of_all() - before:.1f} CPU s")
        yield client


def print_costs(client, plan, tiles, folder):
    """The table of one workload, line by line as it is measured."""
    outs = folder / "plain", folder / "cluster"
    one = client.submit(decoded, plan, pure=False).result()
    print(HEAD)
    print(one.line("decode only", one.cpu, tiles))
    plainly = client.submit(swept, plan, outs[0], pure=False).result()
    parts = sizes_of_parts(client, plan)
    print(plainly.line("plain path", one.cpu, tiles))
    cost, n_tasks = on_cluster(client, plan, outs[1])
    print(cost.line(f"{WORKERS} workers", one.cpu, tiles, n_tasks, parts))
    assert tables(outs[0]) == tables(outs[1])
    assert n_tasks <= sum(each.n_tasks for each in plan.scenes)


def test_one_large_scene(seas, cluster, tmp_path):
    images, _ = seas.open_sea(np.random.default_rng(2), LARGE)
    plan = seas.plan([seas.write(tmp_path, "large", images, seas.grid(LARGE))])
    del images
    print(f"\n1 scene of {LARGE[0]:,} x {LARGE[1]:,} pixels, VV and VH")
    print_costs(cluster, plan, seas.tile_bytes(plan), tmp_path)
    shutil.rmtree(tmp_path / "large")


def test_many_small_scenes(seas, cluster, tmp_path):
    drawn = [
        seas.open_sea(np.random.default_rng(seed), SMALL)[0] for seed in range(100, 100 + N_DRAWN)
    ]
    scenes = [
        seas.write(
            tmp_path,
            f"small{k}",
            drawn[k % N_DRAWN],
            seas.grid(SMALL, (500_000.0, 4_100_000.0 - 2_000.0 * k)),
        )
        for k in range(N_SMALL)
    ]
    print(f"\n{N_SMALL} scenes of {SMALL[0]:,} x {SMALL[1]:,} pixels, VV and VH")
    plan = seas.plan(scenes)
    print_costs(cluster, plan, seas.tile_bytes(plan), tmp_path)


def test_growth(seas, cluster, tmp_path):
    print("\n\nplain path, pixels    CPU s  of decode    CPU ns a pixel and band")
    for side in GROWTH:
        images, _ = seas.open_sea(np.random.default_rng(3), (side, side))
        plan = seas.plan([seas.write(tmp_path, f"side{side}", images, seas.grid((side, side)))])
        one = cluster.submit(decoded, plan, pure=False).result()
        whole = cluster.submit(swept, plan, tmp_path / f"out{side}", pure=False).result()
        per_pixel = 1e9 * whole.cpu / (2 * side * side)
        print(
            f"{side:6d} x {side:<6d}{whole.cpu:14.2f}{whole.cpu / one.cpu:9.2f} x{per_pixel:15.1f}"
        )
