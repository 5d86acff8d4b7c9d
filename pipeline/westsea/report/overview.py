"""What is shown where scripts are off: a drawing of all pairs, and a table of the best."""

import html
from typing import Any

MOST_ROWS = 200
WIDTH, MOST_HEIGHT = 960.0, 900.0


def overview(document: dict[str, Any]) -> str:
    """An SVG map and an HTML table."""
    return _drawing(document) + _table(document["pairs"])


def _drawing(document: dict[str, Any]) -> str:
    if document["box"] is None:
        return "<p>No scene was swept.</p>"
    west, south, east, north = document["box"]
    stretch = document["stretch"]
    scale = min(WIDTH / (east - west), MOST_HEIGHT / ((north - south) * stretch))
    width, height = (east - west) * scale, (north - south) * stretch * scale

    def place(lon: float, lat: float) -> tuple[float, float]:
        return (lon - west) * scale, (north - lat) * stretch * scale

    def path(ring: list[list[float]]) -> str:
        return "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in ring))

    land = "".join(path(ring) for ring in document["coast"])
    seen = "".join(path(ring) for scene in document["scenes"] for ring in scene["rings"])
    area = "".join(path(ring) for ring in document["aoi"])
    dots = []
    for pair in document["pairs"]:
        x, y = place(pair["lon"], pair["lat"])
        colour = "#b3261e" if pair["kind"] == "alongside" else "#0b57a4"
        dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}" fill-opacity=".7"/>')
    lines = []
    for lon in range(int(west) + 1, int(east) + 1):
        x, _ = place(lon, north)
        lines.append(
            f'<path d="M{x:.1f},0V{height:.0f}"/><text x="{x + 3:.1f}" y="12">{lon}°</text>'
        )
    for lat in range(int(south) + 1, int(north) + 1):
        _, y = place(west, lat)
        text = f'<text stroke="none" x="3" y="{y - 3:.1f}">{lat}°</text>'
        lines.append(f'<path d="M0,{y:.1f}H{width:.0f}"/>{text}')
    return (
        f'<svg class="overview" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
        f' aria-label="Map of {len(document["pairs"])} pairs: alongside red, close blue">'
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#dfeaf2"/>'
        f'<path d="{land}" fill="#d9d3c4" stroke="#8d8672" stroke-width=".6"/>'
        f'<g stroke="#9db4c4" stroke-width=".5" fill="#44586a" font-size="11">'
        f"{''.join(lines)}</g>"
        f'<path d="{seen}" fill="none" stroke="#5b6f80"/>'
        f'<path d="{area}" fill="none" stroke="#7a4b00" stroke-dasharray="6 4"/>'
        f"{''.join(dots)}</svg>"
    )


def _table(pairs: list[dict[str, Any]]) -> str:
    rows = []
    for pair in pairs[:MOST_ROWS]:
        cells = (
            pair["id"],
            pair["kind"],
            pair["score_words"],
            "not resolved" if pair["gap"] is None else f"{pair['gap']:.0f} m",
            pair["utc"],
            f"{pair['lat']:.4f}, {pair['lon']:.4f}",
            ", ".join(pair["flags"]),
        )
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    head = ("pair", "kind", "score", "gap", "UTC", "lat, lon", "flags")
    titles = "".join(f"<th scope=col>{name}</th>" for name in head)
    more = f"<p>{len(pairs) - MOST_ROWS} more pairs.</p>" if len(pairs) > MOST_ROWS else ""
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table>{more}"
