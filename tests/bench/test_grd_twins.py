"""GRD beside its twin on a map: the same hulls, the right places, and what radar geometry costs.

    make bench ARGS=tests/bench/test_grd_twins.py

Twins are imaged once: the pass's own pixels as a product in radar geometry, and resampled to the
map (`westsea_catalog.archive.grd`). Hulls are those planted, 50 m and longer; a detection is of
one that it covers. Cost is CPU time of this process, warm, over that of decoding the same chunks
with rasterio into one buffer, both in one run.
"""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.windows import Window as RasterWindow

from westsea.api import execute, plan, search
from westsea.bench.scores import covers
from westsea.locating import locate
from westsea.records import SceneKey
from westsea.results import Sweep
from westsea.schema import DOUBT, Flag
from westsea_catalog.archive import scenes
from westsea_catalog.archive.curved import CurvedFrame
from westsea_catalog.archive.grd import make_twins, write_grd
from westsea_catalog.grid import GEOD
from westsea_catalog.reader import gdal_env

pytestmark = pytest.mark.bench

SEEDS = (701, 702, 703)
LONG_M = 50.0
PLACE = ("lon", "lat")
EVERYWHERE = {"bbox": (-180.0, -80.0, 180.0, 80.0), "datetime": "2017-10-01/2017-12-31"}
LARGE = (8192, 8192)
"""Of the map that holds the scene whose cost is measured."""
ROUNDS = 3


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """By seed: detections of GRD and RTC by the pass, and the truth."""
    out = {}
    for seed in SEEDS:
        folder = tmp_path_factory.mktemp(str(seed))
        catalog = make_twins(folder, seed=seed)
        items = search(str(catalog), offline=True, **EVERYWHERE)
        report = execute(plan(items, catalog=str(catalog)), folder / "out", workers=0)
        assert report.count("failed") + report.count("refused") == 0
        found = Sweep(folder / "out").detections(duplicates="keep")
        truth = {
            name: pd.read_parquet(folder / "truth" / f"{name}.parquet")
            for name in ("hulls", "others")
        }
        out[seed] = catalog, found, truth
    return out


def by_hull(found, planted):
    """Index of the detection that covers each planted hull best, -1 for none."""
    if not len(found):
        return np.full(len(planted), -1)
    i, j = np.indices((len(planted), len(found)))
    ends = (frame[c].to_numpy()[k] for frame, k in ((planted, i), (found, j)) for c in PLACE)
    apart = np.asarray(GEOD.inv(*ends)[2])
    inside = covers(apart, planted["length_m"].to_numpy())
    return np.where(inside.any(axis=1), np.where(inside, apart, np.inf).argmin(axis=1), -1)


@pytest.fixture(scope="module")
def hulls(twins):
    """A row for each planted hull of LONG_M: what either twin has of it."""
    rows = []
    for _, found, truth in twins.values():
        planted = truth["hulls"]
        planted = planted[planted.length_m >= LONG_M]
        for item, some in planted.groupby("item_id"):
            of = [found[found.item_id == each] for each in (item.removesuffix("_rtc"), item)]
            index = [by_hull(each, some) for each in of]
            for k, (_, hull) in enumerate(some.iterrows()):
                row = {"item": item, "setting": hull.setting, "length": hull.length_m}
                for side, frame, at in zip(("grd", "rtc"), of, index, strict=True):
                    row[side] = frame.iloc[at[k]] if at[k] >= 0 else None
                rows.append(row)
    return pd.DataFrame(rows)


def test_twins_give_the_same_hulls(hulls):
    either = hulls[hulls.grd.notna() | hulls.rtc.notna()]
    both = either[either.grd.notna() & either.rtc.notna()]
    one, two = (pd.DataFrame(list(both[side])).reset_index(drop=True) for side in ("grd", "rtc"))
    ends = (each[c].to_numpy() for each in (one, two) for c in PLACE)
    apart = np.asarray(GEOD.inv(*ends)[2])
    length, width = (np.abs(one[c] - two[c]) for c in ("length_m", "width_m"))
    heading = np.abs((one.heading_deg - two.heading_deg + 90) % 180 - 90)
    doubt = [each["flags"].map(lambda f: int(f) & int(DOUBT) != 0) for each in (one, two)]
    told = one.p_alongside.notna() & two.p_alongside.notna()
    likeness = np.corrcoef(one.p_alongside[told], two.p_alongside[told])[0, 1]
    print(
        f"\n{len(hulls)} planted hulls of {LONG_M:.0f} m and more, {len(either)} found by either"
        f" twin, {len(both)} by both ({len(both) / len(either):.4f})"
        f"\napart: {_quantiles(apart)} m; length differs by {_quantiles(length)} m,"
        f" width by {_quantiles(width)} m, heading by {_quantiles(heading)} degrees"
        f"\np_alongside of {told.sum()}: correlated by {likeness:.3f}"
        f"\ndoubted: {doubt[0].sum()} GRD, {doubt[1].sum()} RTC, one alone"
        f" {(doubt[0] != doubt[1]).sum()}"
    )
    for _, row in either[either.grd.isna() | either.rtc.isna()].iterrows():
        print(f"one alone: {row['item']} {row.setting} {row.length:.0f} m")
    far = apart > 10.0
    for k in np.flatnonzero(far):
        print(f"{apart[k]:.0f} m apart: {one.item_id[k]} row {one.row[k]:.0f} col {one.col[k]:.0f}")
    assert len(both) >= 0.99 * len(either)
    assert np.mean(far) <= 0.01
    assert likeness >= 0.8


def _quantiles(values):
    median, most = np.quantile(values, [0.5, 0.95])
    return f"{median:.2f} (95 %: {most:.2f}, most {np.max(values):.2f})"


def test_places_against_the_truth(twins):
    apart = []
    by_id = {scene.id.removesuffix("_rtc"): scene for scene in scenes.RADAR_SCENES}
    for catalog, *_ in twins.values():
        items = search(str(catalog), offline=True, **EVERYWHERE)
        for each in plan(items, catalog=str(catalog)).scenes:
            if each.is_guess:
                scene = locate(SceneKey.of(each.scene), each.scene)
                simulated = by_id[scene.id]
                frame = CurvedFrame(simulated.grid, simulated.radar.heading_deg)
                sides = (np.linspace(0, side - 1, 60) for side in frame.shape)
                row, col = np.meshgrid(*sides, indexing="ij")
                truth = simulated.grid.lonlat(*frame.scene_pixel(row, col))
                apart.append(GEOD.inv(*truth, *scene.grid.lonlat(row, col))[2].ravel())
    apart = np.concatenate(apart)
    print(f"\ngrid off by {np.median(apart):.3f} m, {apart.max():.3f} m at most")
    assert np.median(apart) <= 1.0
    assert apart.max() <= 3.0


def test_ambiguities_are_flagged(twins):
    """Of the ghosts that are detected at all; and how many planted hulls are taken for one."""
    counts = dict.fromkeys(("grd", "rtc"), (0, 0))
    doubted = dict.fromkeys(("grd", "rtc"), 0)
    for _, found, truth in twins.values():
        ghosts = truth["others"][truth["others"].kind == "ambiguity"]
        for side, ending in (("grd", ""), ("rtc", "_rtc")):
            for item in truth["hulls"].item_id.unique():
                own = found[found.item_id == item.removesuffix("_rtc") + ending]
                flagged = (own["flags"] & int(Flag.AZIMUTH_AMBIGUITY) != 0).to_numpy()
                own_ghosts = ghosts[ghosts.item_id == item]
                own_hulls = truth["hulls"][truth["hulls"].item_id == item]
                on_hull = by_hull(own, own_hulls)
                on_hull = np.unique(on_hull[on_hull >= 0])
                doubted[side] += int(flagged[on_hull].sum())
                at = by_hull(own, own_ghosts)
                at = np.setdiff1d(at[at >= 0], on_hull)
                n, n_flagged = counts[side]
                counts[side] = n + at.size, n_flagged + int(flagged[at].sum())
    for side, (n, n_flagged) in counts.items():
        print(f"\n{side}: {n_flagged} of {n} ghosts flagged, {doubted[side]} hulls taken for one")
    n, n_flagged = counts["grd"]
    assert n_flagged >= 0.9 * n > 0


# -- cost


@pytest.fixture(scope="module")
def large(seas, tmp_path_factory):
    """The plan of one large GRD scene of speckle and targets, both polarisations."""
    folder = tmp_path_factory.mktemp("large")
    whole = scenes.RADAR_SCENES[0]
    grid = replace(whole.grid, shape=LARGE, transform=seas.grid(LARGE).transform)
    scene = replace(whole, grid=grid)
    frame = CurvedFrame(scene.grid, scene.radar.heading_deg)
    images, _ = seas.open_sea(np.random.default_rng(7), frame.shape)
    item = write_grd(folder, scene, frame, images, np.ones(frame.shape[0]))
    found = [*folder.rglob(f"{item['id']}.json")]
    return plan(str(found[0])), frame.shape


def test_cost_over_decoding(large, tmp_path):
    """A warm sweep of the plain path; the ratio is the least of some rounds, each of its own."""
    planned, shape = large
    (scene,) = planned.scenes
    execute(planned, tmp_path / "warm", workers=0)
    ratios = []
    for k in range(ROUNDS):
        decoded = cpu(lambda: decode(scene))
        swept = cpu(lambda k=k: execute(planned, tmp_path / f"out{k}", workers=0))
        ratios.append(swept / decoded)
        n = 2 * shape[0] * shape[1]
        print(
            f"\nGRD of {shape[0]:,} x {shape[1]:,} pixels: decode {decoded:.2f} CPU s"
            f" ({1e9 * decoded / n:.1f} ns a pixel), sweep {swept:.2f}"
            f" ({1e9 * swept / n:.1f}), {ratios[-1]:.2f} x"
        )
    print(f"\nthe least of {ROUNDS} rounds: {min(ratios):.2f} x")


def cpu(work):
    before = time.process_time()
    work()
    return time.process_time() - before


def decode(planned):
    """All chunks of all bands into one buffer, as they lie in the files."""
    buffer = np.empty(max(chunk.size for chunk in planned.chunks), np.uint16)
    with gdal_env():
        for band in planned.scene.bands:
            with rasterio.open(band.source) as dataset:
                rows, cols = dataset.shape
                for row in range(0, rows, planned.chunks[0].shape[0]):
                    n = min(planned.chunks[0].shape[0], rows - row)
                    out = buffer[: n * cols].reshape(n, cols)
                    dataset.read(1, window=RasterWindow(0, row, cols, n), out=out)
