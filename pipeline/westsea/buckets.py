"""`Objects` in a bucket: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

Keys are the same as in a local folder, below the prefix. A PUT is atomic and durable by itself, so
there are no temporary files. Whatever ends without a clear answer is asked again: a repeated PUT
that finds its own content there has been done.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeVar
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

from westsea.clients import UnknownRequestError, explain, no_bucket, open_client, says_no_bucket
from westsea.objects import TEMPORARY, Outcome
from westsea_catalog.errors import ConfigError, UpstreamError

LOG = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES_S = (1.0, 4.0, 16.0)
"""Between our own tries, each of which is several of the client's, which tells none of them and
knows no 429."""
CONFLICT_PAUSE_S = 0.2
"""Before all those, where another writer is about to name the key, or to delete it: S3 answers 409
at once while that is under way, for which its client says that the key is there."""
LIST_CHUNK = 10_000

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


@dataclass(frozen=True)
class BucketFolder:
    """`Objects` below a prefix in a bucket. Copies sent to a process are one, with one client."""

    scheme: str
    bucket: str
    prefix: str

    @classmethod
    def of(cls, address: str) -> "BucketFolder":
        """Of an address such as s3://bucket/prefix, whose prefix is taken as it is written.

        Raises
        ------
        ConfigError
            There is no such address.
        """
        scheme, _, rest = address.partition("://")
        bucket, _, prefix = rest.partition("/")
        prefix = prefix.rstrip("/")
        odd = prefix and any(part in ("", ".", "..") for part in prefix.split("/"))
        if not _BUCKET.fullmatch(bucket) or odd or not prefix.isprintable():
            raise ConfigError(f"{address!r} is no place in a bucket, as {scheme}://BUCKET/OUT is.")
        return of_process(scheme, bucket, prefix)

    def __reduce__(self) -> tuple[Any, ...]:
        return of_process, (self.scheme, self.bucket, self.prefix)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    def get(self, key: str) -> bytes | None:
        """The content, or None where there is none."""
        try:
            return self._ask(lambda: bytes(obstore.get(self._client, key).bytes()))
        except FileNotFoundError:
            return None

    def exists(self, key: str) -> bool:
        """Whether there is content."""
        try:
            self._ask(lambda: obstore.head(self._client, key))
        except FileNotFoundError:
            return False
        return True

    def put(self, key: str, data: bytes) -> None:
        """Write; replace what is there."""
        self._put(key, data)

    def put_new(self, key: str, data: bytes) -> Outcome:
        """Write unless something is there: of many writers, one creates.

        Where the answer to a first try was lost, that try's content is found: SAME.
        """
        for pause in (CONFLICT_PAUSE_S, *PAUSES_S, None):
            if self._create(key, data):
                return Outcome.CREATED
            standing = self.get(key)
            if standing is not None:
                return Outcome.SAME if standing == data else Outcome.CONFLICT
            # Another writer is at it, was deleting it, or has failed since.
            if pause is not None:
                time.sleep(pause)
        raise UpstreamError(f"{self}/{key} comes and goes: run the same again.")

    def delete(self, key: str) -> None:
        """Delete, if it is there."""
        try:
            self._ask(lambda: obstore.delete(self._client, key))
        except FileNotFoundError:
            return

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a folder, sorted as a local folder's are."""

        def pages() -> list[str]:
            found = obstore.list(self._client, prefix, chunk_size=LIST_CHUNK)
            return [entry["path"] for page in found for entry in page]

        yield from sorted(self._ask(pages), key=lambda key: key.split("/"))

    def clean(self) -> None:
        """Remove what crashed writers left: a key that `is_conditional` tried, no more."""
        for key in self.list(TEMPORARY):
            self.delete(key)

    @cached_property
    def is_conditional(self) -> bool:
        """Whether the store holds a PUT with If-None-Match:* to it: tried on a key of its own.

        Another run's `clean` may take the key away between the two, but hardly three times.
        """
        is_held = any(self._holds_condition(f"{TEMPORARY}/{uuid4().hex}") for _ in range(3))
        if not is_held:
            LOG.warning("westsea: %s", self.guarantee(False))
        return is_held

    def guarantee(self, is_conditional: bool | None = None) -> str:
        """A sentence on what the store holds to; writes and removes a key to see."""
        if self.is_conditional if is_conditional is None else is_conditional:
            return f"{self} creates a key once: sweeps at the same time do not disturb each other."
        return (
            f"{self} has no conditional PUT: of two sweeps at the same time whose results differ,"
            " the files of a scene may be mixed; run one at a time."
        )

    def _holds_condition(self, key: str) -> bool:
        try:
            self._put_if_new(key, b"")
        except UnknownRequestError:
            return False
        is_held = not self._put_if_new(key, b"")
        self.delete(key)
        return is_held

    def _put_if_new(self, key: str, data: bytes) -> bool:
        """A PUT with If-None-Match:*; False where something is there."""
        try:
            self._put(key, data, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def _put(self, key: str, data: bytes, **how: Any) -> None:
        try:
            self._ask(lambda: obstore.put(self._client, key, data, use_multipart=False, **how))
        except FileNotFoundError as error:  # of what is being written it can be the bucket alone
            raise no_bucket(self.bucket) from error

    def _create(self, key: str, data: bytes) -> bool:
        if self.is_conditional:
            return self._put_if_new(key, data)
        if self.exists(key):
            return False
        self.put(key, data)
        return self.get(key) == data

    @cached_property
    def _client(self) -> Any:
        """Made once a process, from what its own variables and files say."""
        return open_client(self.scheme, self.bucket, self.prefix)

    def _ask(self, call: Callable[[], T]) -> T:
        """What the store answers, asked again where another answer may come.

        A store that is asked too often says so by 429 or 503.
        """
        for pause in (*PAUSES_S, None):
            try:
                return call()
            except AlreadyExistsError:
                raise
            except FileNotFoundError as error:
                if says_no_bucket(error):
                    raise no_bucket(self.bucket) from error
                raise
            except BaseError as error:
                told = explain(str(self), error)
                if pause is None or not isinstance(told, UpstreamError):
                    raise told from error
                LOG.info("westsea: %s Again in %g s.", told, pause)
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")


@lru_cache(maxsize=64)
def of_process(scheme: str, bucket: str, prefix: str) -> BucketFolder:
    """The one folder that all copies sent to this process are."""
    return BucketFolder(scheme, bucket, prefix)
