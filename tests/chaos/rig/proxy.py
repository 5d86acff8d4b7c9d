"""A proxy before a store that loses answers: what was asked for is done, and nobody is told."""

import asyncio
import contextlib
import random
import threading
from collections import Counter

LOST = ("PUT", "DELETE")


class LossyProxy:
    """Hands requests on, one a connection; a context manager that runs in a thread of its own.

    Of the answers to requests that change something a share is lost, after the store has given
    it: the connection is reset instead.
    """

    def __init__(self, upstream, rate, seed):
        self.upstream, self.rate, self.random = upstream, rate, random.Random(seed)
        self.counts = Counter()
        self.host = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *error):
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self):
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")[:-2]
            method = lines[0].split(" ")[0]
            headers = dict(line.lower().split(": ", 1) for line in lines[1:])
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            answer = await self._ask(lines, body)
            self.counts[method] += 1
            if method in LOST and self.random.random() < self.rate:
                self.counts[f"{method} lost"] += 1
                writer.transport.abort()
                return
            writer.write(answer)
            await writer.drain()
        writer.close()

    async def _ask(self, lines, body):
        """The store's whole answer; the connection ends with it."""
        kept = [line for line in lines if not line.lower().startswith("connection:")]
        host, port = self.upstream.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write("\r\n".join([*kept, "Connection: close", "", ""]).encode("latin-1") + body)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer
