"""Items of a STAC API, through pystac-client."""

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from pystac_client import Client, ConformanceClasses, ItemSearch
from pystac_client.stac_api_io import StacApiIO
from shapely.geometry import mapping

from westsea_catalog.errors import ConfigError, UpstreamError, WestseaError
from westsea_catalog.network import Network
from westsea_catalog.region import Period, Region
from westsea_catalog.stac_item import Item, with_absolute_hrefs

LOG = logging.getLogger(__name__)

PAGE_SIZE = 250
MAX_PAGES = 4000
"""A million items: more than a century of the West Sea."""


def search_api(
    network: Network, region: Region, period: Period, collections: Sequence[str]
) -> Iterator[Item]:
    """Items that the API answers with, as raw dicts with absolute hrefs.

    Raises
    ------
    UpstreamError
        The service does not answer, or not with STAC.
    ConfigError
        It is no STAC API with item search, or refuses the request.
    """
    search = _open(network, region, period, collections)
    for item in search.items_as_dicts():
        yield with_absolute_hrefs(item, _location(item, search.url))


def _open(
    network: Network, region: Region, period: Period, collections: Sequence[str]
) -> ItemSearch:
    """The search, ready to run; only the landing page has been read."""
    url = network.profile.url or ""
    area = {"bbox": region.bbox} if region.is_box else {"intersects": mapping(region.geometry)}
    try:
        # pystac-client warns of links that a landing page should have and can do without.
        with warnings.catch_warnings(action="ignore"):
            client = Client.from_file(url, stac_io=_PagedIO(network))
            if not client.conforms_to(ConformanceClasses.ITEM_SEARCH):
                raise ConfigError(
                    f"{url} has no item search: name the catalog.json of a static catalogue."
                )
            methods = {link.extra_fields.get("method") for link in client.get_links("search")}
            return client.search(
                method="POST" if "POST" in methods else "GET",
                limit=PAGE_SIZE,
                collections=list(collections) or None,
                datetime=period.interval,
                **area,
            )
    except WestseaError:
        raise
    except Exception as error:
        # pystac raises whatever a malformed landing page provokes.
        raise ConfigError(f"{url} is not a STAC API.") from error


@dataclass(frozen=True)
class _Request:
    """One page to ask for."""

    url: str
    method: str = "GET"
    parameters: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return json.dumps([self.url, self.method, self.parameters], sort_keys=True)


class _PagedIO(StacApiIO):
    """Reads of pystac-client, within the bounds of `Network` and of a number of pages."""

    def __init__(self, network: Network):
        super().__init__(max_retries=None)
        self.network = network

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        return self.network.text(href, (method or "GET").upper(), headers, parameters)

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        # pystac-client would open what is not a URL as a file.
        return self.request(str(source), *args, **kwargs)

    def read_json(self, source: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        text = self.read_text(source, *args, **kwargs)
        host = urlsplit(str(source)).hostname
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise UpstreamError(f"{host} answers with something that is not JSON.") from None
        if not isinstance(content, dict):
            raise UpstreamError(f"{host} answers with JSON that is not STAC.")
        return content

    def get_pages(
        self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Pages that have items; an empty one does not end the search, a repeated request does."""
        request: _Request | None = _Request(url, method or "GET", parameters or {})
        asked: set[str] = set()
        host = urlsplit(url).hostname
        while request is not None:
            if request.key in asked:
                LOG.warning("%s repeats its link to the next page: the search ends there", host)
                return
            if len(asked) == MAX_PAGES:
                raise UpstreamError(
                    f"{host} has more than {MAX_PAGES} pages: take a smaller region or period."
                )
            asked.add(request.key)
            page = self.read_json(
                request.url,
                method=request.method,
                headers=request.headers,
                parameters=request.parameters,
            )
            features = page.get("features")
            if not isinstance(features, list) or not all(isinstance(f, dict) for f in features):
                raise UpstreamError(f"{host} answers the search with something other than items.")
            if features:
                yield page
            request = _next_request(page, request)


def _next_request(page: dict[str, Any], request: _Request) -> _Request | None:
    """The request for the page after this one, None after the last."""
    links = page.get("links")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("rel") != "next":
            continue
        url = _joined(request.url, link.get("href"))
        if url is None:
            return None
        if link.get("method") != "POST":
            return _Request(url)
        body, headers = link.get("body"), link.get("headers")
        merged = request.parameters if link.get("merge") is True else {}
        return _Request(
            url,
            "POST",
            {**merged, **(body if isinstance(body, dict) else {})},
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


def _location(item: Item, default: str) -> str:
    """Where an item says it is, which its relative hrefs start from."""
    links = item.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "self":
            href = link.get("href")
            if isinstance(href, str) and href.startswith(("https://", "http://")):
                return href
    return default
