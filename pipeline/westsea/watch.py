"""What a client's scheduler and workers tell, for every sweep that the client runs at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from distributed import Client

from westsea.tasks import STARTS

TOPICS = (STARTS, "all")
"""The second is the scheduler's own."""

News = SimpleQueue[Any]
_LISTENERS: WeakKeyDictionary[Client, list[News]] = WeakKeyDictionary()
"""A client has one handler for a topic: another would take the place of the first."""
_LOCK = Lock()


@contextmanager
def listening(client: Client, news: News) -> Iterator[None]:
    """Have what is told put into a queue."""
    with _LOCK:
        listeners = _LISTENERS.setdefault(client, [])
        listeners.append(news)
        if len(listeners) == 1:
            for topic in TOPICS:
                client.subscribe_topic(topic, lambda event: _tell(listeners, event[1]))
    try:
        yield
    finally:
        with _LOCK:
            listeners.remove(news)
            if not listeners:
                del _LISTENERS[client]
                if client.status == "running":
                    for topic in TOPICS:
                        client.unsubscribe_topic(topic)


def _tell(listeners: list[News], event: Any) -> None:
    for news in tuple(listeners):
        news.put(event)
