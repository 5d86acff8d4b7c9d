"""Texts from the network, within bounds: no private addresses, no endless answers."""

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Retry

from westsea_catalog.errors import ConfigError, UpstreamError
from westsea_catalog.profiles import Profile
from westsea_catalog.trust import brief, is_public, private_reason

TIMEOUT_S = (10.0, 60.0)
"""To connect, and between two pieces of an answer."""
RETRIES = 4
BACKOFF_S = 1.0
"""Waits of 0, 2, 4 and 8 s."""
MAX_WAIT_S = 60.0
MAX_ANSWER_BYTES = 64 * 2**20
"""A page of 250 Sentinel-2 items has 5 MB."""
MAX_REDIRECTS = 5


class Network:
    """Reads from one catalogue's hosts; every connection and redirect is judged anew.

    No connection is made before the first read; as a context manager it closes them all.
    """

    def __init__(self, profile: Profile):
        self.profile = profile
        self.session = requests.Session()
        self.session.max_redirects = MAX_REDIRECTS
        self.session.headers["User-Agent"] = "westsea"
        adapter = _Adapter(profile)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *reason: object) -> None:
        self.session.close()

    def text(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        redirects: bool = True,
    ) -> str:
        """The body of an answer.

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
            No answer, an answer that a retry may mend, or one that is not text or too long.
        ConfigError
            The service refuses the request, or an address that may not be contacted.
        """
        post = method == "POST"
        _, status, body = self._sent(
            method,
            url,
            params=None if post else parameters,
            json=parameters if post else None,
            headers=headers,
            allow_redirects=redirects,
        )
        host = _host(url)
        if not 200 <= status < 300:
            raise _refusal(host, status, body)
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            raise UpstreamError(f"{host} answers with something that is not text.") from None

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
        address, _, _ = self._sent("GET", url, headers={"Range": "bytes=0-0"}, read=False)
        return address

    def _sent(
        self, method: str, url: str, *, read: bool = True, **request: Any
    ) -> tuple[str, int, bytes]:
        """The last address of a request, and the status and body of its answer."""
        host = _host(url)
        try:
            with self.session.request(
                method, url, timeout=TIMEOUT_S, stream=True, **request
            ) as answer:
                return answer.url, answer.status_code, _read(answer) if read else b""
        except requests.TooManyRedirects:
            raise UpstreamError(f"{host} sends us from one address to the next.") from None
        except (ValueError, UnicodeError) as error:
            # InvalidURL, InvalidSchema, InvalidHeader and UnicodeError for impossible host names.
            raise ConfigError(f"{brief(url)} is not an address: {brief(error)}.") from None
        except requests.RequestException as error:
            raise UpstreamError(f"{host} does not answer: {_reason(error)}.") from None


class _Retry(Retry):
    """Retries that never wait longer than a minute, whatever Retry-After says."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        wait = super().get_retry_after(response)
        return None if wait is None else min(wait, MAX_WAIT_S)


class _Adapter(HTTPAdapter):
    """Checks the host of every request, and the address of every connection that it makes."""

    def __init__(self, profile: Profile):
        self.profile = profile
        retry = _Retry(
            total=RETRIES,
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


def _read(answer: requests.Response) -> bytes:
    body = bytearray()
    for piece in answer.iter_content(2**16):
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            limit = MAX_ANSWER_BYTES >> 20
            raise UpstreamError(f"{_host(answer.url)} answers with more than {limit} MB.")
    return bytes(body)


def _refusal(host: str, status: int, body: bytes) -> ConfigError | UpstreamError:
    """The error for an answer that is not a success."""
    if status == 429 or status >= 500:
        return UpstreamError(f"{host} fails with HTTP status {status}; try again later.")
    if status in (401, 403):
        return ConfigError(f"{host} refuses access (HTTP status {status}).")
    said = brief(" ".join(body.decode("utf-8", "replace").split()), 200)
    return ConfigError(f"{host} refuses the request (HTTP status {status}): {said}.")


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "it takes too long"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate cannot be verified"
    return "it cannot be reached" if isinstance(error, requests.ConnectionError) else brief(error)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
