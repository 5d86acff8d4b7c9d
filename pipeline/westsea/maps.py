"""A map of results for a notebook."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from westsea.plain import plain, with_times_as_texts
from westsea.schema import DOUBT
from westsea_catalog.errors import ConfigError

if TYPE_CHECKING:
    import folium

COLOURS = {"alongside": "#d7301f", "close": "#fc8d59", "doubted": "#888888"}


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
    scenes, pairs = _features(scenes), _features(pairs)
    for name, rows, style in (
        ("scenes", scenes, _scene_style),
        ("pairs", pairs, _pair_style),
    ):
        if not len(rows):
            continue
        shown = [n for n in rows.columns if n in _SHOWN]
        folium.GeoJson(
            rows.to_json(),
            name=name,
            style_function=style,
            marker=folium.CircleMarker(radius=6),
            tooltip=folium.GeoJsonTooltip(shown, sticky=False),
        ).add_to(found)
    everything = scenes if len(scenes) else pairs
    if len(everything):
        west, south, east, north = everything.total_bounds
        found.fit_bounds([[south, west], [north, east]])
    folium.LayerControl().add_to(found)
    return found


_SHOWN = ("item_id", "datetime", "kind", "score", "gap_m", "length_m_1", "length_m_2", "n_pairs")


def _features(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows that a page may hold: texts cannot become part of it."""
    rows = with_times_as_texts(plain(frame))
    if rows.geometry.name != "geometry":
        rows = rows.rename_geometry("geometry")
    for name in ("item_id", "kind"):
        if name in rows:
            rows[name] = rows[name].map(html.escape)
    return rows[[name for name in (*_SHOWN, "flags", "geometry") if name in rows]]


def _scene_style(_feature: Mapping[str, Any]) -> dict[str, Any]:
    return {"color": "#3182bd", "weight": 1, "fillOpacity": 0.03}


def _pair_style(feature: Mapping[str, Any]) -> dict[str, Any]:
    values = feature["properties"]
    kind = "doubted" if values["flags"] & int(DOUBT) else values["kind"]
    return {"color": COLOURS.get(kind, COLOURS["close"]), "weight": 3}
