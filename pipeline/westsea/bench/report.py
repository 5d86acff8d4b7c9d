"""What the bench of detection prints and writes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from westsea.bench.detection import OURS, Bench, Row
from westsea.bench.plots import SUFFIXES, draw, needs_matplotlib
from westsea.bench.recipes import RECIPES
from westsea.bench.scores import FALSE, LENGTHS
from westsea.bench.truth import OTHERS
from westsea_catalog.errors import ConfigError, UsageError

FEW_FALSE = 5.0
"""Per 1000 km2: what a recipe may cost to be compared by sea state."""

Cells = Sequence[str]


def check_files(json_file: Path | None, plot_file: Path | None) -> None:
    """Refuse what could not be written later.

    Raises
    ------
    UsageError
        A plot of another format.
    ConfigError
        A folder that is not there, or a plot without matplotlib.
    """
    for file in (json_file, plot_file):
        if file is not None and not file.parent.is_dir():
            raise ConfigError(f"There is no folder {file.parent} for {file.name}: make it first.")
    if plot_file is not None:
        if plot_file.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{plot_file} is no plot's name: end it in {' or '.join(SUFFIXES)}.")
        needs_matplotlib()


def text(bench: Bench) -> str:
    """The tables."""
    pooled = bench.pooled()
    as_set = [row for row in pooled if row.setting.is_as_set]
    km2 = sum(row.km2 for row in as_set)
    hulls = sum(int(row.tally.planted.sum()) for row in as_set)
    seeds = ", ".join(str(seed) for seed in bench.seeds)
    blocks = [
        [f"{bench.n_scenes} scenes of seeds {seeds}: {km2:.0f} km2 of sea, {hulls} hulls at sea"],
        [
            "Recall by length; false: unflagged detections that are no hull, per 1000 km2 of sea;",
            "doubted: share of the hulls found that bear a doubt; *: the settings as they are.",
        ],
        _table(["sensor", "recipe", "rate", *_MEASURES], _curves(pooled)),
        [
            "By sea state: ours with the settings as they are, each recipe at the rate that finds",
            f"most at no more than {FEW_FALSE:.0f} false per 1000 km2, or has the fewest false.",
        ],
        _table(["sensor", "sea state", "recipe", "rate", *_MEASURES], _by_sea_state(bench)),
        ["What is false, at the same rates, per 1000 km2 of sea."],
        _table(["sensor", "recipe", "rate", *FALSE], _kinds(pooled)),
    ]
    structures = list(_others(as_set))
    if structures:
        header = ["sensor", "planted beside hulls", "planted", "found", "flagged", "unflagged"]
        blocks += [["What ours made of them."], _table(header, structures)]
    return "\n\n".join("\n".join(block) for block in blocks)


_MEASURES = [*LENGTHS, "false", "doubted"]


def _measures(row: Row) -> list[str]:
    recalls = [
        f"{found / planted:.3f}" if planted else "-"
        for found, planted in zip(row.tally.found, row.tally.planted, strict=True)
    ]
    return [*recalls, f"{row.false_rate:.1f}", _share(row.tally.doubted_share)]


def _share(value: float) -> str:
    return f"{value:.3f}" if value == value else "-"


def _rate(row: Row) -> str:
    return f"{row.setting.rate:.0e}{'*' if row.setting.is_as_set else ' '}"


def _curves(pooled: Sequence[Row]) -> Iterator[Cells]:
    for sensor, recipe, rows in _by_recipe(pooled):
        if not rows:
            yield [sensor, recipe, "radar only", *("-" for _ in _MEASURES)]
        for row in rows:
            yield [sensor, recipe, _rate(row), *_measures(row)]


def _by_recipe(pooled: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Sensor, recipe and its rows; none where the recipe does not suit the sensor."""
    for sensor in dict.fromkeys(row.setting.sensor for row in pooled):
        for recipe in (OURS, *(recipe.name for recipe in RECIPES)):
            here = [row for row in pooled if row.setting.sensor == sensor]
            yield sensor, recipe, [row for row in here if row.setting.recipe == recipe]


def chosen(rows: Sequence[Row]) -> Row:
    """Of a recipe's rows the one to compare by: its own setting, else the best of its ladder."""
    as_set = [row for row in rows if row.setting.is_as_set]
    few = [row for row in rows if row.false_rate <= FEW_FALSE]
    if as_set:
        return as_set[0]
    if few:
        return max(few, key=lambda row: (int(row.tally.found.sum()), -row.false_rate))
    return min(rows, key=lambda row: row.false_rate)


def _by_sea_state(bench: Bench) -> Iterator[Cells]:
    at = {
        (sensor, recipe): chosen(rows).setting
        for sensor, recipe, rows in _by_recipe(bench.pooled())
        if rows
    }
    for row in bench.rows:
        setting = row.setting
        best = at[setting.sensor, setting.recipe]
        if (setting.rate, setting.is_as_set) == (best.rate, best.is_as_set):
            yield [setting.sensor, setting.sea_state, setting.recipe, _rate(row), *_measures(row)]


def _kinds(pooled: Sequence[Row]) -> Iterator[Cells]:
    for sensor, recipe, rows in _by_recipe(pooled):
        if rows:
            row = chosen(rows)
            rates = [1000.0 * row.tally.false[kind] / row.km2 if row.km2 else 0.0 for kind in FALSE]
            yield [sensor, recipe, _rate(row), *(f"{rate:.1f}" for rate in rates)]


def _others(as_set: Sequence[Row]) -> Iterator[Cells]:
    for row in as_set:
        for kind in OTHERS:
            counts = row.tally.others[kind]
            if counts[0]:
                yield [row.setting.sensor, kind, *(str(count) for count in counts)]


def _table(header: Cells, rows: Iterator[Cells] | Sequence[Cells]) -> list[str]:
    """Aligned lines: words to the left, numbers to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    n_words = header.index("rate") if "rate" in header else 2
    return [
        "  ".join(
            cell.ljust(width) if i < n_words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def document(bench: Bench) -> dict[str, Any]:
    """All counts as JSON values; sea state "all" is the sum of the others."""
    return {
        "seeds": list(bench.seeds),
        "scenes": bench.n_scenes,
        "rows": [_row_document(row) for row in (*bench.rows, *bench.pooled())],
    }


def _row_document(row: Row) -> dict[str, Any]:
    tally = row.tally
    return {
        **asdict(row.setting),
        "km2": round(row.km2, 3),
        "hulls": {
            name: {
                "planted": int(tally.planted[i]),
                "found": int(tally.found[i]),
                "doubted": int(tally.doubted[i]),
            }
            for i, name in enumerate(LENGTHS)
        },
        "false": {kind: tally.false[kind] for kind in FALSE},
        "false_per_1000_km2": round(row.false_rate, 3),
        "others": {
            kind: dict(
                zip(("planted", "found", "flagged", "unflagged"), counts.tolist(), strict=True)
            )
            for kind, counts in tally.others.items()
        },
    }


def write_json(bench: Bench, file: Path) -> None:
    """Write the document."""
    _write(file, (json.dumps(document(bench), indent=1) + "\n").encode())


def write_plot(bench: Bench, file: Path) -> None:
    """Draw the curves, as PNG or SVG by the file's suffix."""
    _write(file, draw(bench.pooled(), file.suffix.lower()))


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.") from error
