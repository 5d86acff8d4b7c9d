"""What came back from the network, and what to say of it where it is not what was asked for."""

import json
from dataclasses import dataclass

from westsea_catalog.errors import ConfigError, UpstreamError
from westsea_catalog.trust import brief

MAX_SAID_BYTES = 2**16

_SAYING = ("description", "detail", "message", "errorMessage", "error")


@dataclass(frozen=True)
class Answer:
    """What came back, whatever it is."""

    host: str
    """That was asked."""
    status: int
    """HTTP's; 0 where no answer came whole, however often it was asked for."""
    body: bytes = b""
    fault: str = ""
    """What kept it from coming whole."""
    wait: str = ""
    """Its Retry-After."""

    @property
    def is_good(self) -> bool:
        """Whether it is what was asked for."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """The body; raises `error` for anything but a good answer, `UpstreamError` for no text."""
        if not self.is_good:
            raise self.error()
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise UpstreamError(f"{self.host} answers with something that is not text.") from None

    def error(self) -> ConfigError | UpstreamError:
        """What to say of an answer that is not good."""
        host, status = self.host, self.status
        if not status:
            return UpstreamError(f"{host} {self.fault}.")
        words = said(self.body)
        if status == 429:
            after = f" (it says: after {brief(self.wait, 40)})" if self.wait else ""
            return UpstreamError(f"{host} gets too many requests, status 429; try later{after}.")
        if status >= 500:
            return UpstreamError(
                f"{host} fails with HTTP status {status}{words}; try again later, or with a smaller"
                " region or period."
            )
        if status in (401, 403):
            return ConfigError(
                f"{host} refuses access (HTTP status {status}){words}: it wants credentials, or"
                " others than it got."
            )
        return ConfigError(f"{host} refuses the request (HTTP status {status}){words}.")


def said(body: bytes) -> str:
    """What a service says of its refusal: the text in its JSON, or its text, but no web page."""
    text = body[:MAX_SAID_BYTES].decode("utf-8", "replace").strip()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        found = (content.get(key) for key in _SAYING)
        text = next((value for value in found if isinstance(value, str) and value), text)
    if not text or text.startswith("<"):
        return ""
    return ": " + brief(" ".join(text.split()), 200).rstrip(".")
