"""One scene step by step, with plots: python steps.py CATALOG FOLDER"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

import westsea
from westsea.detection.areas import cell_pixel_areas
from westsea.detection.judge import find_hulls, judge
from westsea.detection.pixels import Pixels
from westsea.detection.summary import merge, summarise
from westsea.detector import Detector
from westsea_catalog.coast import Coast
from westsea_catalog.reader import open_reader

mpl.use("Agg")
from matplotlib import pyplot as plt

catalog, folder = sys.argv[1], Path(sys.argv[2])
items = westsea.search(catalog, bbox=[-180, -90, 180, 90], datetime="2017-01-01/..")
scene = westsea.plan(items, catalog=catalog).scenes[0].scene

# 1. The cube: lazy, (time, band, y, x), on the file's own grid.
cube = westsea.cube(scene)
image = cube.isel(time=0, band=0).compute().to_numpy()

# 2. The clutter: statistics of cells and blocks, all that a chunk hands on.
coast, detector, window = Coast.shipped(), Detector(), scene.grid.full
pixels = Pixels(scene, coast, window, detector.land_inset_m, open_reader)
part = summarise(
    pixels.bands(window),
    pixels.land(window),
    window,
    sensor=scene.sensor,
    nodata=scene.nodata,
    carry="bright",
)
summary = merge(window, [part])

# 3. Blobs above the sea's threshold, and the hulls fitted to them.
areas = cell_pixel_areas(scene.grid, summary.window)
sea, blobs, hulls = find_hulls(scene, summary, pixels, coast, detector, areas)
print(f"{len(hulls)} hulls, the longest {hulls.length_m.max():.0f} m")

# 4. The scene's tables, pairs among them.
tables = judge(scene, summary, pixels, coast, None, detector).tables
pairs = tables["pairs"].to_pandas()
print(pairs[["kind", "score", "gap_m", "length_m_1", "length_m_2"]].head())

figure, axes = plt.subplots(figsize=(7, 6), layout="constrained")
axes.imshow(np.log(np.maximum(image, 1e-4)), cmap="gray")
axes.plot(hulls.col, hulls.row, "o", mfc="none", color="tab:orange", label="hulls")
axes.set_title(f"{scene.id}: {len(hulls)} hulls, {len(pairs)} pairs", fontsize=7)
axes.legend()
figure.savefig(folder / "steps.png", dpi=120)
