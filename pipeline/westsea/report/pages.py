"""The page: data, script and style in one file that may load nothing."""

import hashlib
import html
import json
from base64 import b64encode
from importlib.resources import files
from typing import Any

from westsea.report.overview import overview

ASSETS = files("westsea.report") / "assets"
STYLES = ("leaflet/leaflet.css", "report.css")
# Each calls only those before it. Not modules: a file opened from disk may import none.
SCRIPTS = (
    "leaflet/leaflet.js",
    "page.js",
    "verdicts.js",
    "selection.js",
    "filters.js",
    "list.js",
    "tally.js",
    "detail.js",
    "basemap.js",
    "map.js",
    "run.js",
    "report.js",
)
_IN_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def page(document: dict[str, Any]) -> str:
    """The report of a document that `westsea.report.documents` made."""
    # A browser reads CRLF as LF before it hashes.
    styles = [_asset(name) for name in STYLES]
    scripts = [_asset(name) for name in SCRIPTS]
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" script-src {' '.join(map(_source, scripts))}; style-src {' '.join(map(_source, styles))}"
    )
    parts = {
        "policy": policy,
        "title": html.escape(str(document["title"])),
        "styles": "\n".join(f"<style>{text}</style>" for text in styles),
        "scripts": "\n".join(f"<script>{text}</script>" for text in scripts),
        "data": embedded(document),
        "overview": overview(document),
    }
    text = _asset("report.html")
    for name, part in parts.items():
        before, _, after = text.partition(f"%{name}%")
        text = before + part + after
    return text


def embedded(document: Any) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment there."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # What UTF-8 cannot hold would make the file unreadable.
    return text.translate(_IN_SCRIPT).encode(errors="replace").decode()


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8").replace("\r\n", "\n")


def _source(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
