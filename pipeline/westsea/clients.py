"""Clients of stores of objects: whom they speak to, with whose keys, and what their errors mean."""

import ipaddress
import os
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from obstore import exceptions
from obstore.store import AzureStore, GCSStore, S3Store

from westsea_catalog.errors import ConfigError, UpstreamError, WestseaError
from westsea_catalog.keys import shared_settings, store_options

RETRIES = 6
"""Of a request that was answered by 5xx or not at all, with pauses from 0.1 s on that double."""
RETRY_TIMEOUT = timedelta(seconds=60)
TIMEOUT = timedelta(seconds=60)
"""Of one request; a scene's files have at most a few MB."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_METADATA = ("169.254.169.254", "metadata.google.internal")
"""Asked for keys where there are none anywhere else."""
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound"}
_WRONG_KEYS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "AuthenticationFailed",
    "TokenRefreshRequired",
}
_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"}
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
_KEYS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


class UnknownRequestError(ConfigError):
    """The store does not know such a request."""


def open_client(scheme: str, bucket: str, prefix: str) -> Any:
    """A client for what is below a prefix, from what this process' variables and files say.

    Raises
    ------
    ConfigError
        These lack something, or a file cannot be read.
    """
    shared = shared_settings() if scheme == "s3" else {}
    named = (os.environ.get(name) for name in _ENDPOINTS[scheme])
    endpoint = next(filter(None, named), shared.get("endpoint_url", ""))
    options: dict[str, Any] = {"timeout": TIMEOUT}
    if endpoint:
        options["allow_http"] = _may_be_plain(endpoint, scheme)
    retry = {"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT}
    how: dict[str, Any] = {"prefix": prefix or None, "retry_config": retry}
    kind: Any = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[scheme]
    if scheme == "s3":
        how |= _of_aws(bucket, endpoint)
    try:
        return kind(bucket, client_options=options, **how)
    except (exceptions.BaseError, ValueError) as error:
        raise ConfigError(
            f"{scheme}://{bucket} cannot be reached as it is set up: {_brief(error)}"
        ) from error


def no_bucket(bucket: str) -> ConfigError:
    """What to say where there is no such bucket."""
    return ConfigError(f"There is no bucket {bucket}: make it, or name another one.")


def says_no_bucket(error: Exception) -> bool:
    """Whether a store says that its bucket, not what is in it, is missing."""
    text = str(error)
    match = _CODE.search(text)
    return "bucket does not exist" in text or (match is not None and match[1] in _NO_BUCKET)


def explain(folder: str, error: Exception) -> WestseaError:
    """A store's error as a sentence; UpstreamError where asking again may help."""
    scheme, _, rest = folder.partition("://")
    text = str(error)
    status = int(match[1]) if (match := _STATUS.search(text)) else 0
    code = match[1] if (match := _CODE.search(text)) else ""
    what = code or (f"HTTP {status}" if status else "no answer")
    if status == 501 or isinstance(error, exceptions.NotSupportedError):
        return UnknownRequestError(f"{folder} cannot do what is asked of it ({what}).")
    if says_no_bucket(error):
        return no_bucket(rest.partition("/")[0])
    if any(host in text for host in _METADATA):
        return ConfigError(f"There are no keys for {folder}: set {_KEYS[scheme]}.")
    if code == "RequestTimeTooSkewed":
        return ConfigError(f"{folder} refuses requests of this machine: its clock is wrong.")
    if code in _ELSEWHERE or status in (301, 307):
        return ConfigError(f"{folder} is in another region: set AWS_REGION to it ({what}).")
    if code in _WRONG_KEYS or status == 401:
        return ConfigError(f"The keys for {folder} do not hold ({what}): see to them.")
    if status == 403:
        return ConfigError(f"The keys for {folder} do not allow this ({what}): see to them.")
    if 400 <= status < 500 and status not in (408, 409, 425, 429):
        return ConfigError(f"{folder} refused a request ({what}).")
    if "builder error" in text:
        return ConfigError(f"{folder} would be reached without encryption, which is refused.")
    return UpstreamError(f"{folder} does not answer as it should ({what}): run the same again.")


def _of_aws(bucket: str, endpoint: str) -> dict[str, Any]:
    """What S3 needs beside the variables that its client knows: what the AWS files say."""
    config: dict[str, Any] = {"disable_bulk_delete": True}  # not every store knows it
    if endpoint:
        config["endpoint"] = endpoint
    return {"config": config, **store_options(bucket, signs=not _is_on("AWS_SKIP_SIGNATURE"))}


def _may_be_plain(endpoint: str, scheme: str) -> bool:
    """Whether an endpoint may be spoken to without encryption.

    Raises
    ------
    ConfigError
        It would be, and must not.
    """
    parts = urlsplit(endpoint)
    if parts.scheme == "https":
        return False
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigError(f"{_ENDPOINTS[scheme][0]} is {endpoint!r}: write https://HOST.")
    allow = f"{_ENDPOINTS[scheme][0].partition('_')[0]}_ALLOW_HTTP"
    if not (_is_loopback(parts.hostname) or _is_on(allow)):
        raise ConfigError(
            f"{endpoint} would be reached without encryption: use https://, or set"
            f" {allow}=true if that is meant."
        )
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("true", "yes", "on", "1")


def _brief(error: Exception) -> str:
    return str(error).split("\n", 1)[0].removesuffix(".") + "."
