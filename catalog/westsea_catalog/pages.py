"""Pages of a search: what is on one, and which request leads to the next."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from westsea_catalog.answer import Answer, said
from westsea_catalog.errors import UpstreamError
from westsea_catalog.stac_item import Item


@dataclass(frozen=True)
class Request:
    """One page to ask for."""

    url: str
    method: str = "GET"
    parameters: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The same text for the same request."""
        return json.dumps([self.url, self.method, self.parameters], sort_keys=True)


@dataclass(frozen=True)
class Page:
    """One page of items."""

    items: list[Item]
    matched: int | None
    """How many items the whole search has, if the service says so."""
    next: Request | None


def read_page(answer: Answer, request: Request) -> Page | None:
    """The page that an answer holds, None where its JSON breaks off.

    Raises
    ------
    UpstreamError
        It holds something else; so says one sentence, with what the service says in it.
    """
    text = answer.text()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        # What began as a page and was cut by a proxy that found it too long or too slow.
        if text.lstrip().startswith("{") and not text.rstrip().endswith("}"):
            return None
        raise UpstreamError(not_json(answer.host, text)) from None
    items = content.get("features") if isinstance(content, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UpstreamError(
            f"{answer.host} answers the search with something other than items"
            f"{said(answer.body) if _is_error(content) else ''}."
        )
    return Page(items, _matched(content), _next_request(content, request))


def not_json(host: str | None, text: str) -> str:
    """What to say of an answer that is not JSON."""
    if text.lstrip().startswith("<"):
        return f"{host} answers with a web page, not JSON: name the address of its STAC API."
    return f"{host} answers with something that is not JSON."


def _is_error(content: object) -> bool:
    return isinstance(content, dict) and "features" not in content


def _matched(content: dict[str, Any]) -> int | None:
    """STAC 1.0 has numberMatched; before, there was context.matched."""
    context = content.get("context")
    for value in (
        content.get("numberMatched"),
        context.get("matched") if isinstance(context, dict) else None,
    ):
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _next_request(page: dict[str, Any], request: Request) -> Request | None:
    """The request for the page after this one, None after the last."""
    links = page.get("links")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("rel") != "next":
            continue
        url = _joined(request.url, link.get("href"))
        if url is None:
            return None
        if str(link.get("method")).upper() != "POST":
            return Request(url)
        body, headers = link.get("body"), link.get("headers")
        # A link without a body cannot mean a search for everything.
        merged = link.get("merge") is True or not isinstance(body, dict)
        return Request(
            url,
            "POST",
            {
                **(request.parameters if merged else {}),
                **(body if isinstance(body, dict) else {}),
            },
            {k: v for k, v in headers.items() if isinstance(v, str)}
            if isinstance(headers, dict)
            else {},
        )
    return None


def _joined(base: str, href: object) -> str | None:
    try:
        return urljoin(base, href) if isinstance(href, str) else None
    except ValueError:
        return None
