"""Curves of the bench of detection. matplotlib is no dependency of the product."""

import io
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from westsea.bench.detection import Row
from westsea.bench.scores import LENGTHS
from westsea_catalog.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg")
PANEL_INCHES = (3.4, 2.7)


def needs_matplotlib() -> None:
    """Say how to get matplotlib, where it is missing.

    Raises
    ------
    ConfigError
    """
    if find_spec("matplotlib") is None:
        raise ConfigError(
            'Plots need matplotlib: pip install "westsea[bench]", or leave --plot out.'
        )


def draw(pooled: Sequence[Row], suffix: str) -> bytes:
    """A panel for each sensor and length: recall over false detections, a curve for each recipe.

    Parameters
    ----------
    pooled : rows over all seas
    suffix : one of SUFFIXES

    Returns
    -------
    The image's bytes, which depend on the rows and the version of matplotlib alone.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    sensors = list(dict.fromkeys(row.setting.sensor for row in pooled))
    size = PANEL_INCHES[0] * len(LENGTHS), PANEL_INCHES[1] * len(sensors) + 0.6
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(sensors), len(LENGTHS), sharex=True, sharey=True, squeeze=False)
    for sensor, line in zip(sensors, panels, strict=True):
        rows = [row for row in pooled if row.setting.sensor == sensor]
        for i, (length, panel) in enumerate(zip(LENGTHS, line, strict=True)):
            _curves(panel, rows, i)
            panel.set_title(f"{sensor}, {length}", fontsize=9)
    figure.supxlabel("unflagged false detections per 1000 km2 of sea", fontsize=9)
    figure.supylabel("recall", fontsize=9)
    handles, names = panels[0, 0].get_legend_handles_labels()
    star = Line2D([], [], linestyle="", marker="*", markersize=11, color="gray")
    figure.legend(
        [*handles, star],
        [*names, "settings as they are"],
        loc="outside upper center",
        ncols=len(names) + 1,
        fontsize=9,
    )
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "westsea"}):
        # The time of day would get into an SVG.
        date = {"Date": None} if suffix == ".svg" else None
        figure.savefig(out, format=suffix[1:], dpi=150, metadata=date)
    return out.getvalue()


def _curves(panel: "Axes", rows: Sequence[Row], length: int) -> None:
    for recipe in dict.fromkeys(row.setting.recipe for row in rows):
        curve = sorted(
            (row for row in rows if row.setting.recipe == recipe and row.tally.planted[length]),
            key=lambda row: row.setting.rate,
        )
        x = [row.false_rate for row in curve]
        y = [row.tally.found[length] / row.tally.planted[length] for row in curve]
        (line,) = panel.plot(x, y, marker=".", linewidth=1, label=recipe)
        for at, recall, row in zip(x, y, curve, strict=True):
            if row.setting.is_as_set:
                panel.plot(at, recall, marker="*", markersize=11, color=line.get_color())
    # Zero has its place on the axis.
    panel.set_xscale("symlog", linthresh=1.0)
    panel.set_xlim(left=-0.2)
    panel.set_ylim(0.0, 1.03)
    panel.grid(alpha=0.3)
    panel.tick_params(labelsize=8)
