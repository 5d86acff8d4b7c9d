"""Refit what turns rectangles into hulls, and measure hulls of seeds that the fit has not seen.

make bench ARGS=tests/bench/test_hulls.py
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.optimize import minimize

from westsea.detection import fits
from westsea.detection.judge import judge
from westsea.detection.pixels import Pixels
from westsea.detection.summary import merge, summarise
from westsea.detector import Detector
from westsea_catalog.archive import optical, sar
from westsea_catalog.archive.hulls import Hull
from westsea_catalog.archive.land import Land
from westsea_catalog.archive.layout import Layout, PlantedHull
from westsea_catalog.archive.scenes import OPTICAL_SCENES, RADAR_SCENES
from westsea_catalog.coast import Coast
from westsea_catalog.scene import Asset, Scene
from westsea_kernels import hulls as moments

pytestmark = pytest.mark.bench

FITTED, HELD_OUT = range(1000, 1008), range(1008, 1012)
LENGTH_M, LENGTH_OVER_WIDTH = (25.0, 280.0), (3.5, 9.0)
"""Any beam for any length: nothing can be gained by inferring one from the other."""
N_SEAS = 4
SHAPE = (1000, 1000)
SPACING_PX, BORDER_PX, JITTER_PX = 100, 80, 12
LONG_M = 80.0
USUAL_LENGTH_OVER_WIDTH = 6.2
BOATS_M, BOATS_MS, BOATS_FOAM = (15.0, 70.0), (4.0, 14.0), (1.0, 5.0)
TURNS_M = (120.0, 600.0)
WIDTH_FROM_M = 50.0
"""The width of shorter hulls is below a pixel: they say nothing on how to correct it."""
ONE_SIGMA = 0.683
SIZES = [0, 40, 60, 80, 120, 180, 300]
FOUND = (
    "length_m",
    "width_m",
    "width_above_m",
    "aspect",
    "heading_deg",
    "misfit",
    "sea",
    "texture",
)
TAILS = 0.01
"""Share of hulls at either end of a feature that count as if they were at its end."""


@dataclass(frozen=True)
class ArrayReader:
    pixels: np.ndarray

    @property
    def dtype(self):
        return self.pixels.dtype

    def read(self, window, out):
        out[:] = self.pixels[window.row0 : window.row1, window.col0 : window.col1]
        return out


# -- scenes


def plant(rng, grid):
    """Hulls at rest and under way, of any beam, a kilometre from each other."""
    hulls = []
    rows = range(BORDER_PX, SHAPE[0] - BORDER_PX + 1, SPACING_PX)
    for row, col in ((row, col) for row in rows for col in rows):
        length = float(np.exp(rng.uniform(*np.log(LENGTH_M))))
        kind = "merchant"
        if length < 45 and rng.uniform() < 0.7:
            kind = "fishing"
        elif 55 < length < 130 and rng.uniform() < 0.12:
            kind = "barge"
        width = length / float(rng.uniform(*LENGTH_OVER_WIDTH))
        hull = Hull(length, width, float(rng.uniform(0, 360)), kind)
        place = np.add((row, col), rng.uniform(-JITTER_PX, JITTER_PX, 2))
        speeds = (5.0, 8.0) if kind == "merchant" else (2.0, 5.0)
        speed = 0.0 if rng.uniform() < 2 / 3 else float(rng.uniform(*speeds))
        jacobian = grid.jacobian(*place)
        hulls.append(PlantedHull(hull, *place.tolist(), len(hulls), jacobian, speed))
    return Layout(tuple(hulls), ())


def plant_boats(rng, grid):
    """Small craft under way in more foam than ships make, half of them turning."""
    still = plant(rng, grid).hulls
    boats = []
    for planted in still:
        length = float(np.exp(rng.uniform(*np.log(BOATS_M))))
        kind = "fishing" if length < 45 else "merchant"
        width = length / float(rng.uniform(3.5, 6.0))
        radius = float(rng.choice([-1, 1]) * rng.uniform(*TURNS_M))
        boats.append(
            replace(
                planted,
                hull=Hull(length, width, float(rng.uniform(0, 360)), kind),
                speed_ms=float(rng.uniform(*BOATS_MS)),
                foam=float(np.exp(rng.uniform(*np.log(BOATS_FOAM)))),
                turn_radius_m=radius if rng.uniform() < 0.5 else np.inf,
            )
        )
    return Layout(tuple(boats), ())


def imaged(sensor, sea, seed, plant=plant):
    """Scene, bands and layout of one sea of the archive's."""
    rng = np.random.default_rng([seed, sea, sensor == "sar"])
    source = (RADAR_SCENES if sensor == "sar" else OPTICAL_SCENES)[sea]
    grid = replace(source.grid, shape=SHAPE)
    layout, land = plant(rng, grid), Land.none(SHAPE)
    orbit, names = "unknown", ("B08",)
    if sensor == "sar":
        orbit, names = "ascending" if source.ascending else "descending", source.polarizations
        radar = source.radar, source.sea
        images = sar.render(rng, *radar, layout, land, grid, names).images
    else:
        images = optical.render(rng, replace(source.sea, clouds=0), layout, land, grid)
    scene = Scene(
        id=f"{seed}-{sea}",
        collection="bench",
        profile="bench",
        sensor=sensor,
        datetime=datetime(2017, 10, 19, tzinfo=UTC),
        platform="",
        orbit_state=orbit,
        grid=grid,
        bands=tuple(Asset(name, "memory", band=name) for name in names),
        nodata=sar.RADAR_NODATA if sensor == "sar" else 0.0,
        footprint=shapely.geometry.mapping(shapely.box(124.0, 37.0, 125.0, 38.0)),
    )
    return scene, {name: images[name] for name in names}, layout


def searched(scene, images):
    """Detections of a scene."""
    coast = Coast("none", "", np.array([shapely.box(-30.0, -60.0, -29.9, -59.9)], object))
    window = scene.grid.full
    pixels = Pixels(scene, coast, window, 0.0, lambda scene, asset: ArrayReader(images[asset.name]))
    land = np.zeros(SHAPE, np.bool_)
    bands = pixels.bands(window)
    part = summarise(bands, land, window, sensor=scene.sensor, nodata=scene.nodata)
    return judge(scene, merge(window, [part]), pixels, coast, None, Detector())


def measured(monkeypatch, sensor, seeds):
    """One row a hull that was found: truth, fit, moments and what was reported."""
    seen = {}
    fit = fits.fit_rectangles

    def spy(*arguments):
        found = fit(*arguments)
        seen.update(found=found, moments=arguments[-1].copy())
        return found

    monkeypatch.setattr(fits, "fit_rectangles", spy)
    tables = []
    for seed in seeds:
        for sea in range(N_SEAS):
            scene, images, layout = imaged(sensor, sea, seed)
            table = searched(scene, images).tables["detections"].to_pandas()
            order = np.lexsort(seen["moments"][:, [moments.PEAK_COL, moments.PEAK_ROW]].T)
            found, before = seen["found"], seen["moments"][order]
            table = table.add_prefix("out_")
            for name in FOUND:
                table[f"fit_{name}"] = getattr(found, name)[order]
            for k, name in enumerate(("east", "north", "heading", "length", "width")):
                table[f"fit_sd_{name}"] = found.sd[order, k]
            names = {"length": moments.LENGTH, "width": moments.WIDTH, "heading": moments.HEADING,
                     "row": moments.ROW, "col": moments.COL}  # fmt: skip
            for name, column in names.items():
                table[f"moments_{name}"] = before[:, column]
            tables.append(matched(layout, table).assign(sea=sea))
    monkeypatch.setattr(fits, "fit_rectangles", fit)
    return pd.concat(tables, ignore_index=True)


def matched(layout, table):
    """The hulls with one detection each, beside it; positions in metres from the truth."""
    rows = []
    for planted in layout.hulls:
        away = np.hypot(table["out_row"] - planted.row, table["out_col"] - planted.col) * 10
        near = np.flatnonzero(away < max(60.0, 0.75 * planted.hull.length_m))
        if near.size == 1:
            hull = planted.hull
            place = np.subtract(
                table.loc[near[0], ["moments_row", "moments_col"]].astype(float),
                (planted.row, planted.col),
            )
            rows.append(
                {
                    "length": hull.length_m,
                    "width": hull.width_m,
                    "heading": hull.heading_deg,
                    "out_away": away[near[0]],
                    "moments_away": 10 * np.hypot(*place),
                    **table.loc[near[0]],
                }
            )
    return pd.DataFrame(rows)


# -- refit


def closest(design, y, weights, least):
    """Coefficients of the least absolute deviations; below `least` squares count."""
    now = weights
    for _ in range(40):
        root = np.sqrt(now)
        found = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
        now = weights / np.maximum(np.abs(y - design @ found), least)
    return tuple(found.tolist())


def line(x, y):
    return fits.Line(*closest(np.stack([np.ones_like(x), x], axis=1), y, np.ones_like(x), 1.0))


def surface(features, width):
    """Errors count in shares of the width's root: between metres and shares of the width."""
    ends = np.quantile(features, [TAILS, 1 - TAILS], axis=0)
    low, high = (tuple(np.round(end, 2).tolist()) for end in ends)
    empty = fits.Surface(low, high, ())
    return replace(
        empty, weights=closest(empty.terms(features), np.log(width), np.sqrt(width), 0.05)
    )


def shares(error, terms):
    """Shares of (terms, n) in quadrature that have 68 % of the errors below their sum.

    Their proportions are those of the most likely t distribution, of 4 degrees of freedom. A term
    that most hulls have none of gets no share.
    """
    usual = np.median(terms, axis=1)
    out, there = np.zeros(len(terms)), usual > 0
    squares = terms[there] ** 2

    def surprise(logs):
        variance = np.exp(2 * logs) @ squares
        return np.mean(0.5 * np.log(variance) + 2.5 * np.log1p(error**2 / variance / 4))

    best = np.log(np.median(np.abs(error)) / usual[there] / 2)
    for _ in range(4):
        best = minimize(
            surprise, best, method="Nelder-Mead", options={"maxfev": 6000, "maxiter": 6000}
        ).x
    ratio = np.abs(error) / np.sqrt(np.exp(2 * best) @ squares)
    out[there] = np.exp(best) * np.quantile(ratio, ONE_SIGMA)
    return out


def rectangles(table):
    names = ("east", "north", "heading", "length", "width", "east")  # of the level none is used
    return fits.Rectangles(
        east=np.zeros(len(table)),
        north=np.zeros(len(table)),
        sd=table[[f"fit_sd_{name}" for name in names]].to_numpy(),
        **{name: table[f"fit_{name}"].to_numpy() for name in FOUND},
    )


def turn(one, two):
    return np.abs((one - two + 90) % 180 - 90)


def refitted(sensor, table):
    table = table[np.isfinite(table["fit_length_m"])]
    found = rectangles(table)
    length = line(found.length_m, table["length"].to_numpy())
    truth = table["width"].to_numpy()
    if sensor == "sar":
        width = surface(fits.beam_features(found), truth)
    else:
        long = (table["length"] >= WIDTH_FROM_M).to_numpy()
        width = line(found.width_m[long], truth[long])
    beam = fits.beam(found, width)
    terms = fits.error_terms(found, beam)
    errors = {
        "length_sd": (length.of(found.length_m) - table["length"], moments.LENGTH_SD),
        "width_sd": (beam - table["width"], moments.WIDTH_SD),
        "position_sd": (table["out_away"], moments.POSITION_SD),
        "heading_sd": (turn(found.heading_deg, table["heading"]), moments.HEADING_SD),
    }
    return fits.Calibration(
        model=fits.CALIBRATIONS[sensor].model,
        length=length,
        width=width,
        **{name: tuple(shares(e.to_numpy(), terms[k])) for name, (e, k) in errors.items()},
    )


# -- figures


def figures(table, way):
    """Errors and calibration of what was reported ("out") or of the moments."""
    names = {"out": ("out_length_m", "out_width_m", "out_heading_deg"),
             "moments": ("moments_length", "moments_width", "moments_heading")}[way]  # fmt: skip
    length, width, heading = (table[name] for name in names)
    long = table["length"] >= LONG_M
    by = {
        "length": np.abs(length - table["length"]),
        "width": np.abs(width - table["width"]),
        "heading": turn(heading, table["heading"]),
        "position": table[f"{way}_away"],
    }
    inferred = np.abs(length / USUAL_LENGTH_OVER_WIDTH - table["width"])[long].mean()
    out = {
        "n": len(table),
        "length MAE": by["length"].mean(),
        "bias": (length - table["length"]).mean(),
        "width MAE 80+": by["width"][long].mean(),
        "skill": 1 - by["width"][long].mean() / inferred,
        "heading": by["heading"].median(),
        "position": by["position"].median(),
    }
    if way == "out":
        sds = {"length": "length_sd_m", "width": "width_sd_m", "heading": "heading_sd_deg",
               "position": "position_sd_m"}  # fmt: skip
        for name, column in sds.items():
            out[f"{name} in"] = (by[name] <= table[f"out_{column}"]).mean()
    return pd.Series(out)


def tabulated(table, way, by):
    parts = {key: figures(rows, way) for key, rows in table.groupby(by, observed=True)}
    return pd.DataFrame(parts).T.round(2).to_string()


def rounded(value):
    """The same with three digits."""
    if isinstance(value, float):
        return float(f"{value:.3g}")
    if isinstance(value, tuple):
        return tuple(rounded(part) for part in value)
    return type(value)(**{name: rounded(part) for name, part in vars(value).items()})


@pytest.mark.parametrize("sensor", ["sar", "optical"])
def test_hulls_of_any_beam(monkeypatch, sensor):
    fresh = refitted(sensor, measured(monkeypatch, sensor, FITTED))
    print(f"\n{sensor}, refitted:")
    for name, value in vars(fresh).items():
        print(f"  {name}: {rounded(value)}; shipped {getattr(fits.CALIBRATIONS[sensor], name)}")
    monkeypatch.setitem(fits.CALIBRATIONS, sensor, fresh)
    held_out = measured(monkeypatch, sensor, HELD_OUT)
    sizes = pd.cut(held_out["length"], SIZES)
    ratios = pd.cut(held_out["length"] / held_out["width"], [3.5, 4.5, 5.5, 6.5, 7.5, 9.0])
    whole = np.full(len(held_out), sensor)
    for by, keys in {"all": whole, "sea": held_out["sea"], "length": sizes, "L/B": ratios}.items():
        print(f"\nheld-out seeds by {by}, moments and fit:")
        print(tabulated(held_out, "moments", keys))
        print(tabulated(held_out, "out", keys))
    after, before = (figures(held_out, way) for way in ("out", "moments"))
    assert (after[["length MAE", "heading"]] < before[["length MAE", "heading"]]).all()
    assert after["skill"] > 0
    inside = after[[name for name in after.index if name.endswith(" in")]]
    assert inside.between(ONE_SIGMA - 0.05, ONE_SIGMA + 0.05).all()


def test_boats_in_their_foam():
    """How far from their boats detections lie; a cut keeps them out of the foam astern."""
    rows = []
    for seed in HELD_OUT:
        for sea in range(N_SEAS):
            scene, images, layout = imaged("optical", sea, seed, plant_boats)
            table = searched(scene, images).tables["detections"].to_pandas()
            for boat in layout.hulls:
                away = 10 * np.hypot(table["row"] - boat.row, table["col"] - boat.col)
                nearest = away.idxmin()
                size = pd.cut([boat.hull.length_m], [15, 30, 50, 70])[0]
                longer = table["length_m"][nearest] - boat.hull.length_m
                way = "straight" if np.isinf(boat.turn_radius_m) else "turning"
                rows.append((size, way, away[nearest], longer, away[nearest] < SPACING_PX))
    boats = pd.DataFrame(rows, columns=["length", "way", "off", "longer", "found"])
    found = boats[boats["found"]]
    print(f"\n{len(boats)} boats, {len(found)} found; metres off and too long, medians:")
    print(found.groupby(["length", "way"], observed=True)[["off", "longer"]].median().round(1))
    assert found["off"].median() < 25
