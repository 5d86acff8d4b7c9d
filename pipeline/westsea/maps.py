"""A map of results for a notebook."""

import html
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from westsea import words
from westsea.plain import plain
from westsea.schema import DOUBT
from westsea_catalog.errors import ConfigError

if TYPE_CHECKING:
    import folium

COLOURS = {"alongside": "#d7301f", "close": "#fc8d59", "doubted": "#888888"}
TOOLTIP = "white-space: normal; min-width: 300px; max-width: 420px"

Row = Mapping[Any, Any]


def explore(scenes: gpd.GeoDataFrame, pairs: gpd.GeoDataFrame) -> "folium.Map":
    """A map of the scenes' footprints and of pairs, both as a `Sweep` has them.

    Raises
    ------
    ConfigError
        folium is not installed.
    """
    try:
        import folium
    except ImportError:
        raise ConfigError(
            'A map needs folium: install it, or westsea as "westsea[explore]".'
        ) from None
    found = folium.Map(location=(37.0, 122.5), zoom_start=6, control_scale=True)
    # The likeliest last, so that they lie on top, and above those with a doubt.
    doubted = (pairs["flags"] & int(DOUBT)) != 0
    order = pd.DataFrame({"clear": ~doubted, "score": pairs["score"]}).sort_values(
        ["clear", "score"], kind="stable"
    )
    lines = _features(pairs.loc[order.index], _pair_words)
    layers = {
        "scenes": (_features(scenes, _scene_words), _scene_style),
        "gaps": (lines, _pair_style),
        "pairs": (_middles(lines), _pair_style),
    }
    for name, (rows, style) in layers.items():
        if not len(rows):
            continue
        told = [n for n in rows.columns if n not in ("kind_", "geometry")]
        tooltip = folium.GeoJsonTooltip(told, sticky=False, style=TOOLTIP)
        folium.GeoJson(
            rows.to_json(),
            name=name,
            style_function=style,
            marker=folium.CircleMarker(radius=6, fill=True),
            tooltip=tooltip if name != "gaps" else None,
        ).add_to(found)
    everything = layers["scenes" if len(scenes) else "pairs"][0]
    if len(everything):
        west, south, east, north = everything.total_bounds
        found.fit_bounds([[south, west], [north, east]])
    folium.LayerControl().add_to(found)
    return found


def _features(frame: gpd.GeoDataFrame, told: Callable[[Row], dict[str, str]]) -> gpd.GeoDataFrame:
    """Shapes with what is told of each, and texts that cannot become part of a page."""
    shapes = plain(frame).geometry
    rows = [
        {name: _breakable(value) for name, value in told(row).items()}
        for row in frame.to_dict("records")
    ]
    columns = pd.DataFrame(rows, index=shapes.index)
    return gpd.GeoDataFrame(columns, geometry=shapes.to_numpy(), crs=shapes.crs)


def _middles(lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A point for each pair: from afar its line is not seen."""
    middles = [
        shape.interpolate(0.5, normalized=True) if shape.length else shape
        for shape in lines.geometry
    ]
    return lines.set_geometry(gpd.GeoSeries(middles, lines.index, crs=lines.crs))


def _pair_words(pair: Row) -> dict[str, str]:
    """What is told of a pair, and in `kind_` how it is drawn."""
    flags = int(pair["flags"])
    doubts = words.names(flags & int(DOUBT))
    return {
        "kind_": "doubted" if doubts else str(pair["kind"]),
        "pair": str(pair["kind"]),
        "score": words.probability(pair["score"]),
        "gap": words.metres(_real(pair["gap_m"]), _real(pair["gap_sd_m"])),
        "doubts": ", ".join(doubts) or "none",
        "place": words.position(pair["lon"], pair["lat"]),
        "time": f"{pair['datetime']:%Y-%m-%d %H:%M} UTC",
        "scene": str(pair["item_id"]),
    }


def _real(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _breakable(text: str) -> str:
    """As HTML, which may go on in the next line after an underscore."""
    return html.escape(text).replace("_", "_<wbr>")


def _scene_words(scene: Row) -> dict[str, str]:
    return {
        "scene": str(scene["item_id"]),
        "time": f"{scene['datetime']:%Y-%m-%d %H:%M} UTC",
        "ships": f"{scene['n_detections']:,}",
        "pairs": f"{scene['n_pairs']:,}",
    }


def _scene_style(_feature: Mapping[str, Any]) -> dict[str, Any]:
    return {"color": "#3182bd", "weight": 1, "fillOpacity": 0.03}


def _pair_style(feature: Mapping[str, Any]) -> dict[str, Any]:
    colour = COLOURS.get(feature["properties"]["kind_"], COLOURS["close"])
    return {"color": colour, "weight": 3, "fillOpacity": 0.4}
