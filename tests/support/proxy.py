"""A TCP proxy on loopback that stands before an HTTP server and does to its connections
what networks do. Everything from one seed.

It reads just enough HTTP/1.1 to know where a request and an answer end: a head, and a
body of `Content-Length` bytes.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

FAULTS = (
    "delay",
    "reset before",
    "reset after",
    "reset in head",
    "half-close",
    "stale",
    "drip",
    "cut",
    "silence",
)
"""What may happen to a request:

- `delay`: it reaches the server late, where the client still waits for it then
- `reset before`, `reset after`: the connection is reset, without the server having seen
  the request, or with its answer in hand
- `reset in head`: the same with half of the answer's head sent
- `half-close`: the server has it, but the connection's other half is closed instead of
  an answer, and nothing that comes is answered
- `stale`: it is answered, and then the connection is closed without a word, as by a
  server that tires of it
- `drip`: the answer comes in small pieces, sometimes for longer than anybody waits
- `cut`: the connection is closed in the middle of the answer's body
- `silence`: the connection is accepted, the request read, and that is all
"""
LIMITS = ("413", "413 unread", "hang up", "reset", "silence")
"""What may be done to a request with a body that is larger than the way lets through.
The server never sees it.

- `413`: the whole body is read, then that is the answer
- `413 unread`: that is the answer as soon as the head is read; the rest is left unread
  and the connection closed
- `hang up`, `reset`: the connection is closed, or reset, in the middle of the body
- `silence`: nothing more is read from there on
"""
PIECES = 20
"""Of an answer that drips."""
TOO_LARGE = (
    b"HTTP/1.1 413 Too Large\r\nContent-Type: text/html\r\nContent-Length: 7\r\nConnection:"
    b" close\r\n\r\n<html/>"
)
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer, as it came."""

    head: bytes
    body: bytes


class Proxy:
    """Make one with `proxied`."""

    def __init__(self, target: str, share: float, seed: int, late_seconds: float) -> None:
        """`share`: of requests that something happens to; `late_seconds`: how late what
        is late comes, at most.
        """
        self.body_limit: tuple[int, str] | None = None
        """Bytes of a body that are let through, and what is done to a request with
        more: one of `LIMITS`.
        """
        self.requests = 0
        url = urlsplit(target)
        assert url.hostname is not None
        self.url = ""
        self.counts: Counter[str] = Counter()
        """How often each fault was done."""
        self._target = (url.hostname, url.port)
        self._share = share
        self._rng = random.Random(seed)
        self._next: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._late_seconds = late_seconds
        self._done: dict[str, Callable[[Connection, Message, float], Awaitable[bool]]] = {
            "": _forwarded,
            "delay": _delayed,
            "reset before": _reset_before,
            "reset after": _reset_after,
            "reset in head": _reset_in_head,
            "half-close": _half_closed,
            "stale": _stale,
            "drip": _dripped,
            "cut": _cut,
            "silence": _silent,
        }

    def _drawn(self) -> str:
        """Each fault once, in some order, before any comes again."""
        if not self._next:
            self._next = self._rng.sample(FAULTS, len(FAULTS))
        return self._next.pop()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client's, with one of its own to the server."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                from_server, to_server = await asyncio.open_connection(*self._target)
                try:
                    await self._serve(Connection(reader, writer, from_server, to_server))
                finally:
                    to_server.close()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _serve(self, connection: Connection) -> None:
        goes_on = True
        while goes_on and (request := await self._request(connection)) is not None:
            self.requests += 1
            fault = self._drawn() if self._rng.random() < self._share else ""
            late_seconds = self._rng.random() * self._late_seconds
            self.counts[fault] += bool(fault)
            goes_on = await self._done[fault](connection, request, late_seconds)

    async def _request(self, connection: Connection) -> Message | None:
        """The next one, None where there is none, or none that is let through."""
        head = await _head(connection.client)
        size = _length(head)
        if self.body_limit is not None and size > self.body_limit[0]:
            self.requests += 1
            self.counts[self.body_limit[1]] += 1
            await _too_large(connection, size, *self.body_limit)
            return None
        return Message(head, await connection.client.readexactly(size)) if head else None

    async def close(self) -> None:
        """Drop all connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(slots=True)
class Connection:
    """A client's connection, and the one to the server that goes with it."""

    client: asyncio.StreamReader
    to_client: asyncio.StreamWriter
    server: asyncio.StreamReader
    to_server: asyncio.StreamWriter

    async def asked(self, request: Message) -> Message:
        """The server's answer."""
        self.to_server.write(request.head + request.body)
        await self.to_server.drain()
        answer = await _message(self.server)
        if answer is None:
            raise ConnectionResetError
        return answer

    async def answer(self, data: bytes) -> None:
        self.to_client.write(data)
        await self.to_client.drain()

    def reset(self) -> None:
        """RST instead of FIN."""
        linger = struct.pack("ii", 1, 0)
        self.to_client.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        self.to_client.transport.abort()

    async def until_left(self) -> None:
        """Read on, and answer nothing, until the client closes."""
        while await self.client.read(1 << 16):
            pass

    async def left_within(self, seconds: float) -> bool:
        """Has the client, which asks one thing after another, closed by then?"""
        try:
            await asyncio.wait_for(self.client.read(1), seconds)
        except TimeoutError:
            return False
        return True


async def _message(reader: asyncio.StreamReader) -> Message | None:
    """The next one, None where there is none."""
    head = await _head(reader)
    return Message(head, await reader.readexactly(_length(head))) if head else None


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Empty where there is none."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


# --- what may happen: each tells whether the connection goes on -----------------------


async def _forwarded(at: Connection, request: Message, late_seconds: float) -> bool:
    answer = await at.asked(request)
    await at.answer(answer.head + answer.body)
    return True


async def _delayed(at: Connection, request: Message, late_seconds: float) -> bool:
    """What reached the server when nobody waits for it any more could undo what came
    after it: no client can help that.
    """
    return not await at.left_within(late_seconds) and await _forwarded(at, request, 0)


async def _reset_before(at: Connection, request: Message, late_seconds: float) -> bool:
    at.reset()
    return False


async def _reset_after(at: Connection, request: Message, late_seconds: float) -> bool:
    await at.asked(request)
    at.reset()
    return False


async def _reset_in_head(at: Connection, request: Message, late_seconds: float) -> bool:
    answer = await at.asked(request)
    await at.answer(answer.head[: len(answer.head) // 2])
    at.reset()
    return False


async def _half_closed(at: Connection, request: Message, late_seconds: float) -> bool:
    await at.asked(request)
    at.to_client.write_eof()
    await at.until_left()
    return False


async def _stale(at: Connection, request: Message, late_seconds: float) -> bool:
    await _forwarded(at, request, 0)
    await asyncio.sleep(late_seconds / PIECES)
    return False


async def _dripped(at: Connection, request: Message, late_seconds: float) -> bool:
    answer = await at.asked(request)
    data = answer.head + answer.body
    size = max(1, len(data) // PIECES)
    for start in range(0, len(data), size):
        await at.answer(data[start : start + size])
        await asyncio.sleep(late_seconds / PIECES)
    return True


async def _cut(at: Connection, request: Message, late_seconds: float) -> bool:
    answer = await at.asked(request)
    await at.answer(answer.head + answer.body[: len(answer.body) // 2])
    return False


async def _silent(at: Connection, request: Message, late_seconds: float) -> bool:
    await at.until_left()
    return False


async def _too_large(at: Connection, size: int, limit: int, how: str) -> None:
    if how == "413 unread":
        await at.answer(TOO_LARGE)
        return
    await at.client.readexactly(size if how == "413" else limit)
    if how == "413":
        await at.answer(TOO_LARGE)
    elif how == "reset":
        at.reset()
    elif how == "silence":
        await at.until_left()


@asynccontextmanager
async def proxied(
    target: str, share: float, *, seed: int, late_seconds: float
) -> AsyncIterator[Proxy]:
    """A proxy before this base URL, while the block lasts."""
    proxy = Proxy(target, share, seed, late_seconds)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0, limit=1 << 24)
    try:
        host, port = server.sockets[0].getsockname()
        proxy.url = f"http://{host}:{port}"
        yield proxy
    finally:
        server.close()
        await proxy.close()
