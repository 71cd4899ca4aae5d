"""A proxy as companies have them, in a process of its own: CONNECT and plain requests,
with a user and a password where it wants them.

It prints its port as one JSON line, and writes the head of every request to a file, a
JSON text a line.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
HEAD_BYTES_MAX = 1 << 16


class ForwardProxy:
    """`user`: `name:password`, empty where everybody may.

    `refuse`: the status that every CONNECT is answered with, 0 for none.
    """

    def __init__(self, heads: Path, user: str, refuse: int) -> None:
        self._heads = heads
        self._user = base64.b64encode(user.encode()).decode() if user else ""
        self._refuse = refuse

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, OSError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                with self._heads.open("a") as file:
                    file.write(json.dumps(head) + "\n")
                if (
                    self._user
                    and f"proxy-authorization: basic {self._user}".lower() not in head.lower()
                ):
                    await _answered(writer, reader, head, "407 Proxy Authentication Required")
                    continue
                method, target, _ = head.split(" ", 2)
                if method == "CONNECT":
                    if self._refuse:
                        await _answered(writer, reader, head, f"{self._refuse} No")
                        continue
                    host, _, port = target.rpartition(":")
                    from_server, to_server = await asyncio.open_connection(
                        host.strip("[]"), int(port)
                    )
                    writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                    await asyncio.gather(_piped(reader, to_server), _piped(from_server, writer))
                    break
                await _forwarded(head, target, reader, writer)
        writer.close()


async def _answered(
    writer: asyncio.StreamWriter, reader: asyncio.StreamReader, head: str, status: str
) -> None:
    await reader.readexactly(_length(head))
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    await writer.drain()


async def _forwarded(
    head: str, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One plain request, on a connection of its own."""
    url = urlsplit(target)
    from_server, to_server = await asyncio.open_connection(url.hostname, url.port or 80)
    lines = [
        line
        for line in head.split("\r\n")[1:]
        if not line.lower().startswith(("proxy-", "connection:"))
    ]
    path = url.path + (f"?{url.query}" if url.query else "")
    request = "\r\n".join([f"{head.split(' ')[0]} {path} HTTP/1.1", "Connection: close", *lines])
    to_server.write(request.encode() + await reader.readexactly(_length(head)))
    await to_server.drain()
    answer = await from_server.read(-1)
    to_server.close()
    writer.write(answer)
    await writer.drain()
    writer.close()


def _length(head: str) -> int:
    return next(
        (
            int(line[15:])
            for line in head.split("\r\n")
            if line.lower().startswith("content-length:")
        ),
        0,
    )


async def _piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(proxy: ForwardProxy) -> None:
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0, limit=HEAD_BYTES_MAX)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


@dataclass(frozen=True, slots=True)
class Running:
    """Such a process."""

    port: int
    file: Path

    def heads(self) -> list[str]:
        """Of the requests that it was asked for so far."""
        return (
            [json.loads(line) for line in self.file.read_text().splitlines()]
            if self.file.exists()
            else []
        )


@contextmanager
def forward_proxy(folder: Path, *, user: str = "", refuse: int = 0) -> Iterator[Running]:
    """Run one; ended by its process id."""
    heads = folder / "heads.jsonl"
    arguments = [
        sys.executable,
        "-m",
        "tests.support.forward_proxy",
        str(heads),
        "--user",
        user,
        "--refuse",
        str(refuse),
    ]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Running(json.loads(process.stdout.readline())["port"], heads)
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("heads", type=Path)
    parser.add_argument("--user", default="")
    parser.add_argument("--refuse", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(_serve(ForwardProxy(given.heads, given.user, given.refuse)))
