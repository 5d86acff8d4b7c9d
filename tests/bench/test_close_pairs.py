"""Close pairs on built-in archives: refit what scores them, and see how good they are.

make bench ARGS="-k close_pairs"

A close row is right if its detections are those of two planted hulls whose gap is 20-500 m. The
constants are of some archives, the figures of others.
"""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from westsea.api import execute, plan, search
from westsea.bench.scores import distances, match
from westsea.bench.truth import Truth
from westsea.detection import pair_scores
from westsea.detection.company import COMPANY, crowded
from westsea.results import Sweep
from westsea.schema import DOUBT, Flag
from westsea_catalog import archive
from westsea_kernels.pairs import find_pairs

pytestmark = pytest.mark.bench

FITTED, HELD_OUT = range(401, 413), range(413, 419)
LOW_M, HIGH_M = 20.0, 500.0
CALIBRATION = (0.0, 0.1, 0.5, 0.9, 0.98, 1.0)


def true_gaps(hulls):
    """Gap of every two planted hulls, up to 700 m."""
    order = np.argsort(hulls["lat"].to_numpy(), kind="stable")
    names = ("lon", "lat", "length_m", "width_m", "heading_deg")
    columns = [np.ascontiguousarray(hulls[name].to_numpy(float)[order]) for name in names]
    index, sizes, _ = find_pairs(*columns, 700.0, np.zeros(len(hulls), np.bool_))
    return {
        frozenset(order[pair].tolist()): gap for pair, gap in zip(index, sizes[:, 0], strict=True)
    }


def scene_tables(truth, detections, pairs):
    """Close rows, wanted pairs and detections of one scene, with what they really are."""
    hulls = truth.hulls.reset_index(drop=True)
    detections = detections.reset_index(drop=True)
    hit = match(distances(hulls, detections), truth.reach_m)
    gaps, owners = true_gaps(hulls), {}
    for hull, found in enumerate(hit):
        owners.setdefault(int(found), []).append(hull)
    owners.pop(-1, None)
    detections["is_ship"] = [k in owners for k in range(len(detections))]
    detections["settings"] = [
        frozenset(hulls["setting"][owners.get(k, [])]) for k in range(len(detections))
    ]
    number = {name: k for k, name in enumerate(detections["detect_id"])}
    pairs = pairs.reset_index(drop=True)
    pairs["first"] = pairs["detect_id_1"].map(number)
    pairs["second"] = pairs["detect_id_2"].map(number)
    pairs = pairs[pairs["second"].notna()].astype({"second": int})
    pairs["is_right"] = [
        any(
            LOW_M <= gaps.get(frozenset((a, b)), np.inf) <= HIGH_M
            for a in owners.get(one, [])
            for b in owners.get(two, [])
        )
        for one, two in zip(pairs["first"], pairs["second"], strict=True)
    ]
    close = pairs[pairs["kind"] == "close"]
    listed = {
        frozenset(pair): (score, flags)
        for *pair, score, flags in close[["first", "second", "score", "flags"]].itertuples(
            index=False
        )
    }
    wanted = []
    for pair, gap in gaps.items():
        a, b = pair
        setting, length = set(hulls["setting"][[a, b]]), hulls["length_m"][[a, b]]
        if "berth" in setting:
            continue
        kind = None
        if setting == {"fleet"} and 150 <= gap <= 450:
            kind = "trawlers"
        elif 90 <= gap <= 350 and length.min() >= 55:
            kind = "close"
        if kind:
            score, flags = listed.get(frozenset((int(hit[a]), int(hit[b]))), (0.0, 0))
            wanted.append((kind, score, flags))
    return close, pd.DataFrame(wanted, columns=["kind", "score", "flags"]), detections, pairs


def swept(folder, seeds):
    """Of each scene: its sensor, and its tables."""
    for seed in seeds:
        catalog = archive.build(folder / str(seed), seed=seed)
        items = search(str(catalog), aoi="west-sea", datetime="2017-10-01/2017-10-31")
        out = folder / f"{seed}-out"
        execute(plan(items, catalog=str(catalog)), out, workers=0)
        truth, sweep = Truth.read(catalog.parent / "truth"), Sweep(out)
        detections, pairs = (pd.DataFrame(each) for each in (sweep.detections(), sweep.pairs()))
        for row in sweep.scenes().itertuples():
            bands = "+".join(row.polarizations)
            sensor = f"S1 {bands}" if "VV" in bands else "S2"
            parts = (each[each["item_id"] == row.item_id] for each in (detections, pairs))
            yield sensor, scene_tables(truth.of(row.item_id), *parts)


def fit(scenes):
    """Print the constants of `pair_scores` anew."""
    company, doubts, pieces, crowds = [], [], [], []
    for _, (close, _, detections, pairs) in scenes:
        doubt = (detections["flags"].to_numpy(np.int64) & int(DOUBT)) != 0
        score, is_ship = (detections[name].to_numpy() for name in ("score", "is_ship"))
        length = detections["length_m"].to_numpy()
        one, two = (pairs[name].to_numpy(np.int64) for name in ("first", "second"))
        longest = np.minimum(pair_scores.PIECE_M, pair_scores.PIECE_RATIO * length[one])
        is_piece = (pairs["gap_m"].to_numpy() <= pair_scores.PIECE_GAP_M) & (length[two] <= longest)
        piece = np.zeros(len(detections), bool)
        piece[two[is_piece & ~doubt[one] & ~doubt[two]]] = True
        pieces.append(is_ship[piece])
        one, two = (close[name].to_numpy(np.int64) for name in ("first", "second"))
        clear = ~doubt[one] & ~doubt[two]
        small = clear & (length[one] <= pair_scores.CROWD_M)
        crowd = crowded(len(detections), one[small], two[small])
        in_crowd = small & (crowd[one] | crowd[two])
        crowds.append(close["is_right"].to_numpy()[in_crowd])
        members = np.unique(np.concatenate([one[clear & ~in_crowd], two[clear & ~in_crowd]]))
        members = members[~piece[members]]
        company.append((score[members], is_ship[members]))
        members = np.unique(
            np.concatenate([one[doubt[one] & ~doubt[two]], two[doubt[two] & ~doubt[one]]])
        )
        doubts.append((score[members], is_ship[members]))
    p, is_ship = (np.concatenate(each) for each in zip(*company, strict=True))
    odds = np.exp(np.arange(-1.0, 4.0, 0.05))
    likelihood = [
        np.log(np.where(is_ship, q, 1 - q)).sum()
        for q in (pair_scores.with_odds(p, k) for k in odds)
    ]
    print(
        f"\nodds in company {odds[np.argmax(likelihood)]:.1f} "
        f"(shipped {pair_scores.COMPANY_ODDS}): {(~is_ship).sum()} of {len(p)} no ships, "
        f"{(1 - p).sum():.1f} by their own scores"
    )
    p, is_ship = (np.concatenate(each) for each in zip(*doubts, strict=True))
    print(
        f"factor on the doubted of two {is_ship.mean() / p.mean():.2f} "
        f"(shipped {pair_scores.COMPANY_DOUBT}) of {len(p)}"
    )
    for name, parts in (("pieces", pieces), ("pairs in crowds", crowds)):
        ships = np.concatenate(parts)
        print(f"{name}: {len(ships)}, of them ships {ships.sum()}")
    print(f"(shipped: pieces {pair_scores.PIECE_SHARE}, ships in crowds {pair_scores.CROWD_SHARE})")


def joined(tables):
    return pd.concat([table for table in tables if len(table)] or tables)


def tell(scenes):
    """Print recall, false rows, calibration and remarks."""
    sums = {}
    for sensor, (close, wanted, detections, _) in scenes:
        for name in (sensor, "all"):
            parts = sums.setdefault(name, ([], [], []))
            for part, table in zip(parts, (close, wanted, detections), strict=True):
                part.append(table)
    for name, parts in sorted(sums.items()):
        close, wanted, detections = (joined(part) for part in parts)
        shown = [
            f"{kind} {(rows['score'] >= 0.5).mean():.3f} of {len(rows)}"
            for kind, rows in wanted.groupby("kind")
        ]
        likely = close[close["score"] >= 0.5]
        false = (~likely["is_right"]).sum()
        print(f"{name}: recall {', '.join(shown)}; false {false} of {len(likely)} rows at .5")
        bins = np.digitize(close["score"], CALIBRATION[1:-1])
        for k, rows in close.groupby(bins):
            print(
                f"    score {CALIBRATION[k]}-{CALIBRATION[k + 1]}: {len(rows)} rows, "
                f"mean {rows['score'].mean():.3f}, right {rows['is_right'].mean():.3f}"
            )
        trawlers = wanted[(wanted["kind"] == "trawlers") & (wanted["score"] > 0)]
        fleet = (trawlers["flags"].to_numpy(np.int64) & int(Flag.FLEET)) != 0
        print(f"    trawlers found with fleet {fleet.sum()} of {len(fleet)}")
        remarks(detections)
    return sums


def remarks(detections):
    """Print how many of each setting bear which remark."""
    clear = detections[(detections["flags"].to_numpy(np.int64) & int(DOUBT)) == 0]
    for setting, rows in clear.groupby(clear["settings"].map(lambda s: "/".join(sorted(s)))):
        flags = rows["flags"].to_numpy(np.int64)
        counts = Counter({bit.name: int((flags & int(bit) != 0).sum()) for bit in COMPANY})
        print(f"    {setting or 'no ship'}: {len(rows)} {dict(counts)}")


def fleets(scenes):
    """Share of each fleet's found pairs that bear the flag."""
    out = []
    for _, (_, wanted, _, _) in scenes:
        found = wanted[(wanted["kind"] == "trawlers") & (wanted["score"] > 0)]
        if len(found):
            out.append(((found["flags"].to_numpy(np.int64) & int(Flag.FLEET)) != 0).mean())
    return np.array(out)


def test_close_pairs(tmp_path):
    fit(list(swept(tmp_path, FITTED)))
    scenes = list(swept(tmp_path, HELD_OUT))
    sums = tell(scenes)
    shares = fleets(scenes)
    print(f"of each fleet's pairs, flagged: {np.sort(shares).round(2).tolist()}")
    close, wanted, _ = (joined(part) for part in sums["all"])
    recall = (wanted["score"] >= 0.5).groupby(wanted["kind"]).mean()
    likely = close[close["score"] >= 0.5]
    assert recall["close"] >= 0.95
    assert recall["trawlers"] >= 0.80
    assert likely["is_right"].mean() >= 0.95
    assert (shares > 0.5).all()
