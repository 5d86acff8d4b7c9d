"""A blob store that signs, and lies at a rate that can be set: run as a process of its own.

    python -m rig.server FOLDER HOST PORT

GET  /token/<account>/<container>   the token that is valid; `expired` puts another in its place
GET  /sea/<nnnn>/vv.tif?sig=...     a file, ranges too; 403 without a token that is valid
POST /faults?rate=R&seed=S          the share of answers from now on that are spoiled
GET  /counts                        how many answers were spoiled since, by kind
"""

import asyncio
import contextlib
import json
import random
import re
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from rig.scenes import CONTAINER, file_of

STALL_S = 2.0
KINDS = ("503", "429", "reset", "truncated", "stalled", "shifted", "mislabelled", "expired")
"""What can befall an answer. `shifted` sends other bytes than were asked for and says so in
Content-Range; `mislabelled` sends the right ones under a wrong Content-Range."""
OF_BODIES = ("truncated", "stalled", "shifted", "mislabelled")
"""Which befall the ranges of files, and leave other answers as they are."""
SHIFT = 512


class Blobs:
    """The files, the token that is valid, and the faults."""

    def __init__(self, folder):
        self.files = {path.name: path.read_bytes() for path in folder.glob("*.tif")}
        self.token = 0
        self.rate, self.random = 0.0, random.Random(0)
        self.counts = Counter()

    def fault(self):
        """The kind of fault that befalls the next answer, None for none."""
        return self.random.choice(KINDS) if self.random.random() < self.rate else None

    async def answer(self, method, target, headers, writer):
        """Answer one request; returns whether the connection goes on."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        first = parts.path.split("/")[1]
        if first == "faults":
            self.rate, self.random = float(query["rate"]), random.Random(int(query["seed"]))
            self.counts.clear()
            return send(writer, 200, b"{}")
        if first == "counts":
            return send(writer, 200, json.dumps(self.counts).encode())
        fault = self.fault()
        ranged = method != "HEAD" and headers.get("range", "").startswith("bytes=")
        if fault in OF_BODIES and not ranged:
            fault = None
        self.counts.update([fault] if fault else [])
        if fault in ("503", "429"):
            return send(writer, int(fault), b"busy", {"Retry-After": "0"})
        if fault == "reset":
            writer.transport.abort()
            return False
        if first == "token":
            end = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
            token = {"token": f"sv=1&sig=hush{self.token}", "msft:expiry": end}
            return send(writer, 200, json.dumps(token).encode())
        if fault == "expired":
            self.token += 1
        if first != CONTAINER or query.get("sig") != f"hush{self.token}":
            return send(writer, 403, b"")
        key = parts.path.removeprefix(f"/{CONTAINER}/")
        return await self.blob(method, self.files[file_of(key)], headers, writer, fault)

    async def blob(self, method, data, headers, writer, fault):
        """Send a file, or the range of it that is asked for."""
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
        if method == "HEAD" or not span:
            return send(writer, 200, data, head_only=method == "HEAD")
        first, last = int(span[1]), min(int(span[2]), len(data) - 1)
        said = first
        if fault == "shifted":
            first, last = (max(first - SHIFT, 0), max(last - SHIFT, 0))
            said = first
        if fault == "mislabelled":
            said = first + SHIFT
        body = data[first : last + 1]
        labels = {"Content-Range": f"bytes {said}-{said + len(body) - 1}/{len(data)}"}
        if fault in ("truncated", "stalled"):
            send(writer, 206, body, labels, sent=len(body) // 2)
            await writer.drain()
            if fault == "stalled":
                await asyncio.sleep(STALL_S)
            return False
        return send(writer, 206, body, labels)

    async def serve(self, reader, writer):
        """All requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head[1:] if line)
                }
                if not await self.answer(method, target, headers, writer):
                    break
                await writer.drain()
        writer.close()


def send(writer, status, body, headers=None, *, sent=None, head_only=False):
    """Write an answer; of the body as many bytes as are `sent`. The connection goes on."""
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", "Accept-Ranges: bytes"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    if not head_only:
        writer.write(body[:sent])
    return True


async def main(folder, host, port):
    """Serve until the process is ended."""
    server = await asyncio.start_server(Blobs(Path(folder)).serve, host, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
