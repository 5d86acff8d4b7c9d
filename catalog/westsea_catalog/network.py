"""Texts from the network, within bounds: no private addresses, no endless answers."""

import ipaddress
import time
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    InvalidHeader,
    ProtocolError,
    ReadTimeoutError,
)

from westsea_catalog.answer import Answer
from westsea_catalog.errors import ConfigError, UpstreamError
from westsea_catalog.profiles import Profile
from westsea_catalog.trust import brief, is_public, private_reason

TIMEOUT_S = (10.0, 60.0)
"""To connect, and between two pieces of an answer."""
LIMIT_S = 3600.0
"""For everything that one search asks: a page a second is a million items in little more."""
RETRIES = 4
BACKOFF_S = 1.0
"""Waits of 0, 2, 4 and 8 s."""
MAX_WAIT_S = 60.0
ANSWER_S = 300.0
"""For one answer, however steadily it trickles."""
MAX_ANSWER_BYTES = 64 * 2**20
"""A page of 250 Sentinel-2 items has 5 MB."""
PIECE_BYTES = 2**16
MAX_REDIRECTS = 5

_TOO_SLOW = "does not answer: it takes too long"


class Network:
    """Reads from one catalogue's hosts; every connection and redirect is judged anew.

    No connection is made before the first read; as a context manager it closes them all.
    """

    def __init__(self, profile: Profile):
        self.profile = profile
        self.session = _Session()
        self.session.headers["User-Agent"] = "westsea"
        self.ends = time.monotonic() + LIMIT_S
        adapter = _Adapter(profile)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *reason: object) -> None:
        self.session.close()

    def text(
        self, url: str, headers: Mapping[str, str] | None = None, *, redirects: bool = True
    ) -> str:
        """The body of an answer to a GET; see `answer`.

        Raises
        ------
        UpstreamError
            No answer, an answer that a retry may mend, or one that is not text or too long.
        ConfigError
            The service refuses the request, or an address that may not be contacted.
        """
        return self.answer(url, headers=headers, redirects=redirects).text()

    def answer(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        redirects: bool = True,
    ) -> Answer:
        """What comes back, of whatever kind it is; one that breaks off is asked for again.

        Parameters
        ----------
        url
            http or https.
        method
            GET sends the parameters in the address, POST as JSON.
        headers, parameters
            Of the request.
        redirects
            Whether they are followed; if not, one is an answer like any other refusal.

        Raises
        ------
        UpstreamError
            There is nobody to ask.
        ConfigError
            An address that may not be contacted.
        """
        request: dict[str, Any] = {"headers": dict(headers or {})}
        request["json" if method == "POST" else "params"] = parameters
        attempt = 0
        while True:
            try:
                return self._sent(method, url, redirects=redirects, **request)[1]
            except _Unfinished as reason:
                attempt += 1
                if attempt >= reason.tries:
                    return Answer(_host(url), 0, fault=str(reason))
            if attempt > 1:
                time.sleep(BACKOFF_S * 2 ** (attempt - 1))

    def final_address(self, url: str) -> str:
        """Where an address leads in the end, every redirect on the way judged.

        What the server answers there does not matter; one byte of it is asked for.

        Raises
        ------
        ConfigError
            A redirect to where this catalogue may not send us.
        UpstreamError
            No answer.
        """
        try:
            address, _ = self._sent("GET", url, headers={"Range": "bytes=0-0"}, read=False)
        except _Unfinished as reason:
            raise UpstreamError(f"{_host(url)} {reason}.") from None
        return address

    def _sent(
        self, method: str, url: str, *, redirects: bool = True, read: bool = True, **request: Any
    ) -> tuple[str, Answer]:
        """The last address of a request, and its answer; raises `_Unfinished` for half of one.

        Redirects are followed here, not by requests, which would turn a POST into a GET that asks
        for everything, and would read what comes with a redirect without end.
        """
        for _ in range(MAX_REDIRECTS + 1):
            url = self._encrypted(url)
            host = _host(url)
            self._check_time(host)
            try:
                with self.session.request(
                    method, url, timeout=TIMEOUT_S, stream=True, allow_redirects=False, **request
                ) as answer:
                    target = self.session.get_redirect_target(answer) if redirects else None
                    if target is None:
                        body = self._body(answer, host) if read else b""
                        wait = answer.headers.get("Retry-After", "")
                        return url, Answer(host, answer.status_code, body, wait=wait)
                    if answer.status_code == requests.codes.see_other:
                        method = "GET"
                        request.pop("json", None)
                    request.pop("params", None)  # which the target has, if it wants them
                    url = urljoin(answer.url, target)
            except (ValueError, UnicodeError) as error:
                # InvalidURL, InvalidSchema, InvalidHeader, UnicodeError for impossible host names.
                raise ConfigError(f"{brief(url)} is not an address: {brief(error)}.") from None
            except requests.RequestException as error:
                raise _unanswered(host, error) from None
        raise UpstreamError(f"{host} sends us from one address to the next.")

    def _encrypted(self, url: str) -> str:
        """The address with https, where a catalogue that has it links to itself without.

        Services behind a proxy that decrypts for them do not know better.
        """
        catalogue = self.profile.url or ""
        if not catalogue.startswith("https:") or not url.startswith("http:"):
            return url
        return "https" + url[4:] if _place(url) == _place(catalogue) else url

    def _body(self, answer: requests.Response, host: str) -> bytes:
        """All of an answer, piece by piece as they come: one that trickles has an end too."""
        body, began = bytearray(), time.monotonic()
        try:
            while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    limit = MAX_ANSWER_BYTES >> 20
                    raise _Unfinished(f"answers with more than {limit} MB", 1)
                if time.monotonic() - began > ANSWER_S:
                    raise _Unfinished(_TOO_SLOW, 2)
                self._check_time(host)
        except ReadTimeoutError:
            raise _Unfinished(_TOO_SLOW, 2) from None
        except DecodeError:
            raise _Unfinished("answers with something that cannot be unpacked", 2) from None
        except HTTPError:
            raise _Unfinished("breaks off in the midst of its answer", RETRIES + 1) from None
        return bytes(body)

    def _check_time(self, host: str) -> None:
        if time.monotonic() > self.ends:
            raise UpstreamError(
                f"{host} takes more than {LIMIT_S / 60:.0f} minutes for all that is asked: take a"
                " smaller region or period."
            )


class _Unfinished(Exception):
    """Half an answer, or none in time."""

    def __init__(self, fault: str, tries: int):
        super().__init__(fault)
        self.tries = tries
        """How often to ask, in all."""


class _Session(requests.Session):
    """One that leaves redirects alone; requests reads to the end even those it does not follow."""

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        yield from ()


class _Retry(Retry):
    """Retries that never wait longer than a minute, whatever Retry-After says or fails to say."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        try:
            wait = super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):
            return None
        return None if wait is None else min(wait, MAX_WAIT_S)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        # What took a gateway's whole patience once is asked for once more, and then differently.
        if status_code == requests.codes.gateway_timeout:
            return not any(each.status == status_code for each in self.history)
        return super().is_retry(method, status_code, has_retry_after)


class _Adapter(HTTPAdapter):
    """Checks the host of every request, and the address of every connection that it makes."""

    def __init__(self, profile: Profile):
        self.profile = profile
        retry = _Retry(
            total=RETRIES,
            read=0,  # of answers that do not come whole, `Network` itself takes care
            backoff_factor=BACKOFF_S,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=None,  # a search changes nothing, so a POST may be repeated
            raise_on_status=False,
        )
        super().__init__(max_retries=retry)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        # Connections through a proxy come from another manager: there the proxy decides.
        self.poolmanager.pool_classes_by_scheme = {
            "http": _guarded(HTTPConnectionPool, self.profile),
            "https": _guarded(HTTPSConnectionPool, self.profile),
        }

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        url = request.url or ""
        reason = private_reason(_host(url), self.profile)
        if url.startswith("http:") and not self.profile.plain_http:
            reason = reason or "it is not encrypted"
        if reason:
            raise ConfigError(f"The catalogue sends us to {brief(url)}, refused: {reason}.")
        return super().send(request, *args, **kwargs)


def _guarded(pool: type[HTTPConnectionPool], profile: Profile) -> type[HTTPConnectionPool]:
    """The pool class with connections that look at whom they reached before they send.

    A look at the name server's answer instead would leave time for another answer.
    """
    base: Any = pool.ConnectionCls

    class Connection(base):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            address = ipaddress.ip_address(self.sock.getpeername()[0].partition("%")[0])
            if self.host not in profile.private_hosts and not is_public(address):
                self.close()
                raise ConfigError(f"{self.host} leads to the private address {address}, refused.")

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _unanswered(host: str, error: requests.RequestException) -> Exception:
    """What a request without an answer raises."""
    inner = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ReadTimeout) or isinstance(inner, ReadTimeoutError):
        return _Unfinished(_TOO_SLOW, 2)
    if isinstance(inner, ProtocolError):
        return _Unfinished("breaks off without an answer", RETRIES + 1)
    if isinstance(error, requests.Timeout):
        reason = "it takes too long"
    elif isinstance(error, requests.exceptions.SSLError):
        reason = "its certificate cannot be verified"
    else:
        reason = "it cannot be reached"
    return UpstreamError(f"{host} does not answer: {reason}.")


def _place(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
