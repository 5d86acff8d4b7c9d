"""Items of a STAC API, in as many searches as it takes."""

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from pystac_client import Client, ConformanceClasses
from pystac_client.stac_api_io import StacApiIO
from shapely.geometry import mapping

from westsea_catalog.answer import Answer
from westsea_catalog.errors import ConfigError, UpstreamError, WestseaError
from westsea_catalog.network import Network
from westsea_catalog.pages import Page, Request, not_json, read_page
from westsea_catalog.region import Period, Region
from westsea_catalog.stac_item import Item, with_absolute_hrefs, with_collection

LOG = logging.getLogger(__name__)

PAGE_SIZE = 250
SMALL_PAGE_SIZE = 100
"""For services that allow no more, or fail at more: some cannot answer with over 6 MB."""
MAX_PAGES = 4000
"""A million items: more than a century of the West Sea."""
MAX_STALE_PAGES = 20
"""In a row, without an item that was not there before."""
DEEP = 10_000
"""Items: indexes such as Elasticsearch's go no deeper with offsets, and get slow without."""
MAX_FAILURES = 6
"""In a row, at ever smaller searches."""
MAX_UNSHRUNK = 12
"""Halves of periods that are said to hold as much as the whole, before that is not believed."""
MAX_BOXES = 8
PREFERRED = "POST"
"""Polygons can be too long for an address."""

_Found = dict[str, Item]


def search_api(
    network: Network, region: Region, period: Period, collections: Sequence[str]
) -> Iterator[Item]:
    """Items that the API answers with, as raw dicts with absolute hrefs.

    A period that the API does not give in one search is asked for in halves. They share the
    instant between them, for periods of STAC are closed; each item comes once.

    Raises
    ------
    UpstreamError
        The service does not answer, or not with STAC.
    ConfigError
        It is no STAC API with item search, or refuses the request.
    """
    search = _Search(network, _client(network), region, list(collections))
    only = collections[0] if len(collections) == 1 else None
    for item in search.items(period).values():
        yield with_absolute_hrefs(with_collection(item, only), _location(item, search.url))


def _client(network: Network) -> Client:
    """What the landing page says."""
    url = network.profile.url or ""
    try:
        # pystac-client warns of links that a landing page should have and can do without.
        with warnings.catch_warnings(action="ignore"):
            client = Client.from_file(url, stac_io=_BoundedIO(network))
            if not client.conforms_to(ConformanceClasses.ITEM_SEARCH):
                raise ConfigError(
                    f"{url} has no item search: name the catalog.json of a static catalogue."
                )
        return client
    except WestseaError:
        raise
    except Exception as error:
        # pystac raises whatever a malformed landing page provokes.
        raise ConfigError(f"{url} is not a STAC API.") from error


@dataclass(frozen=True)
class _Wording:
    """How to ask."""

    areas: tuple[dict[str, Any], ...]
    limit: int
    method: str


class _Unanswered(Exception):
    """A search that the service may answer when it is asked otherwise."""

    def __init__(self, error: WestseaError, kind: Literal["words", "depth", "strain"]):
        super().__init__(str(error))
        self.error = error
        self.kind = kind
        """Refused at once; refused after some pages; failed, as at what is too much."""


class _TooMany(Exception):
    """A search that matches more than should be paged through."""

    def __init__(self, count: int):
        super().__init__(count)
        self.count = count


class _Search:
    """One selection, asked for as the service can answer it; what is learnt holds to the end."""

    def __init__(self, network: Network, client: Client, region: Region, collections: list[str]):
        self.network, self.client, self.collections = network, client, collections
        self.host = urlsplit(network.profile.url or "").hostname
        self.url = ""
        """Of the search."""
        links = client.get_links("search")
        methods = {str(link.extra_fields.get("method") or "GET").upper() for link in links}
        boxes = tuple({"bbox": box} for box in region.boxes(MAX_BOXES))
        areas = boxes if region.is_box else ({"intersects": mapping(region.geometry)},)
        self.wording = _Wording(areas, PAGE_SIZE, PREFERRED if PREFERRED in methods else "GET")
        self.plainer: list[dict[str, Any]] = [{"limit": SMALL_PAGE_SIZE}]
        """What to change about the wording, one thing after the other, where it does not do."""
        if not region.is_box:
            self.plainer.insert(0, {"areas": boxes})
        if {"POST", "GET"} <= methods:
            self.plainer.append({"method": "GET"})
        self.refusal: WestseaError | None = None
        """Of the first wording."""
        self.is_counted = True
        """Whether to believe how many items there are said to be."""
        self.has_repeated = False
        self.pages = self.failures = self.unshrunk = 0

    def items(self, period: Period, most: int | None = None, *, verify: bool = True) -> _Found:
        """All items of a period, of which a longer one is said to have `most`."""
        halves = period.halves()
        try:
            found, is_short = self._whole(period, DEEP if halves else None, most)
        except _TooMany as reason:
            return self._each(halves or (), reason.count)
        except _Unanswered as reason:
            if self._reword(reason):
                return self.items(period, most, verify=verify)
            if reason.kind == "words":
                raise self.refusal or reason.error from None
            if not halves or self.failures > MAX_FAILURES:
                raise reason.error from None
            LOG.info("%s Asking again for two halves of %s.", reason, period.interval)
            return self._each(halves)
        if is_short and halves and verify:
            return self._completed(found, halves)
        return found

    def _each(self, periods: Sequence[Period], most: int | None = None) -> _Found:
        found: _Found = {}
        for period in periods:
            found |= self.items(period, most)
        return found

    def _completed(self, found: _Found, halves: tuple[Period, ...]) -> _Found:
        """All items of a period that seems to have more than were given.

        A service that gives no more than so many of them, by time, gives others of a half, unless
        the other half has none.
        """
        parts = [self.items(half, verify=False) for half in halves]
        if any(part.keys() - found.keys() for part in parts):
            return found | self._each(halves)
        if all(parts):
            LOG.info("%s says that there are more items than it has", self.host)
            self.is_counted = False
            return found
        return found | self._each([half for half, part in zip(halves, parts, strict=True) if part])

    def _reword(self, reason: _Unanswered) -> bool:
        """Whether there is a plainer wording to try; if so, it is used from then on."""
        if reason.kind == "words":
            self.refusal = self.refusal or reason.error
        else:
            self.failures += 1
        if reason.kind == "depth" or not self.plainer:
            return False
        if reason.kind == "strain" and "method" in self.plainer[0]:
            return False
        change = self.plainer.pop(0)
        LOG.info("%s Asking again with other %s.", reason, ", ".join(change))
        self.wording = replace(self.wording, **change)
        return True

    def _whole(self, period: Period, deep: int | None, most: int | None) -> tuple[_Found, bool]:
        """The items of a period, and whether there seem to be more of them."""
        found: _Found = {}
        is_short = False
        for area in self.wording.areas:
            items, matched = self._paged(self._first(area, period), deep, most)
            if matched is None or not self.is_counted:
                # A service that never has a next page gives as many as are asked for.
                is_short = is_short or len(items) == self.wording.limit
            else:
                is_short = is_short or len(items) < matched
            found |= items
        return found, is_short

    def _first(self, area: dict[str, Any], period: Period) -> Request:
        try:
            search = self.client.search(
                method=self.wording.method,
                limit=self.wording.limit,
                collections=self.collections or None,
                datetime=period.interval,
                **area,
            )
            parameters = search.get_parameters()
        except WestseaError:
            raise
        except Exception as error:
            # pystac-client raises whatever a malformed link to the search provokes.
            raise ConfigError(f"{self.network.profile.url} is not a STAC API.") from error
        self.url = search.url
        return Request(search.url, self.wording.method, parameters)

    def _paged(
        self, first: Request, deep: int | None, most: int | None
    ) -> tuple[_Found, int | None]:
        """The items of all pages; an empty page does not end them, a repeated request does."""
        found: _Found = {}
        asked: set[str] = set()
        matched, n_stale = None, 0
        request: Request | None = first
        while request is not None:
            if request.key in asked:
                self._warn_of_repetition()
                break
            page = self._page(request, is_first=not asked)
            if not asked:
                matched = page.matched
                self._check_depth(matched, deep, most)
            asked.add(request.key)
            before = len(found)
            found |= {_key(item): item for item in page.items}
            n_stale = n_stale + 1 if len(found) == before else 0
            if n_stale == MAX_STALE_PAGES:
                raise UpstreamError(f"{self.host} gives page after page without a new item.")
            request = page.next
        return found, matched

    def _warn_of_repetition(self) -> None:
        if not self.has_repeated:
            self.has_repeated = True
            LOG.warning("%s repeats its link to the next page: the search ends there", self.host)

    def _check_depth(self, matched: int | None, deep: int | None, most: int | None) -> None:
        """Raise `_TooMany` where a period has too many items for one search."""
        if matched is None or deep is None or matched <= deep or not self.is_counted:
            return
        self.unshrunk += most is not None and matched >= most
        self.is_counted = self.unshrunk < MAX_UNSHRUNK
        if self.is_counted:
            raise _TooMany(matched)

    def _page(self, request: Request, *, is_first: bool) -> Page:
        if self.pages == MAX_PAGES:
            raise UpstreamError(
                f"{self.host} has more than {MAX_PAGES} pages: take a smaller region or period."
            )
        self.pages += 1
        answer = self.network.answer(
            request.url, request.method, request.headers, request.parameters
        )
        if not answer.is_good:
            raise _unanswered(answer, is_first=is_first)
        page = read_page(answer, request)
        if page is None:
            broken = UpstreamError(f"{answer.host} breaks off in the midst of its JSON.")
            raise _Unanswered(broken, "strain")
        self.failures = 0
        return page


def _unanswered(answer: Answer, *, is_first: bool) -> Exception:
    """What to do about an answer that is none."""
    error, status = answer.error(), answer.status
    if status in (401, 403, 429):
        return error
    if not status or status >= 500 or status == 413:
        return _Unanswered(error, "strain")
    return _Unanswered(error, "words" if is_first else "depth")


class _BoundedIO(StacApiIO):
    """Reads of pystac-client, within the bounds of `Network`."""

    def __init__(self, network: Network):
        super().__init__(max_retries=None)
        self.network = network

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        # pystac-client would open what is not a URL as a file.
        return self.network.text(str(source))

    def read_json(self, source: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        text = self.read_text(source)
        host = urlsplit(str(source)).hostname
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise UpstreamError(not_json(host, text)) from None
        if not isinstance(content, dict):
            raise UpstreamError(f"{host} answers with JSON that is not STAC.")
        return content


def _key(item: Item) -> str:
    """The same text for the same item; one without an id is all that it holds."""
    name = item.get("id")
    if not isinstance(name, str):
        return json.dumps(item, sort_keys=True)
    return json.dumps([item.get("collection"), name], sort_keys=True)


def _location(item: Item, default: str) -> str:
    """Where an item says it is, which its relative hrefs start from."""
    links = item.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "self":
            href = link.get("href")
            if isinstance(href, str) and href.startswith(("https://", "http://")):
                return href
    return default
