"""A light load generator: prepared request bytes over keep-alive connections, one request a connection at a time.

It parses no more of an answer than its status and its length, so that it takes a few per cent of a core and the
figures are the server's. Every request is different and is sent once; a status other than 2xx is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast


@dataclass
class Result:
    """What a run of requests gave; latencies in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Successful answers a second."""
        good = sum(count for status, count in self.statuses.items() if status.startswith("2"))
        return good / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """A latency quantile in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


def request(method: str, path: str, token: str, key: str, body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as bytes."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """Sends the next request when the last is answered; `done` when there are none left."""

    def __init__(self, requests: Iterator[bytes], result: Result, done: asyncio.Future[None]) -> None:
        self._requests, self._result, self._done = requests, result, done
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not asyncio's by class.
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        place = head.find(b"content-length:")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._result.latencies.append(time.perf_counter() - self._sent)
        self._result.statuses[self._buffer[9:12].decode()] += 1
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))


async def run(host: str, port: int, requests: Sequence[bytes], connections: int) -> Result:
    """Send every request over so many connections at once; returns when all are answered."""
    result = Result()
    shared = iter(requests)
    loop = asyncio.get_running_loop()
    waits = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    for done in waits:
        await loop.create_connection(lambda done=done: _Connection(shared, result, done), host, port)  # type: ignore[misc]
    await asyncio.gather(*waits)
    result.seconds = time.perf_counter() - started
    return result
