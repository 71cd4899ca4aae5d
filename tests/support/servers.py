"""Servers on this machine that answer, break, hang and lie as they are told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import urlsplit

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Reads whole requests and answers the n-th with the n-th of its answers, the last
    one for all further ones.
    """

    def __init__(
        self, *answers: Answer, at_once: Answer | None = None, at_head: Answer | None = None
    ) -> None:
        """`at_once`: what is done as soon as a connection is there; `at_head`: as soon
        as a head is, with the body unread.
        """
        self.answers = answers
        self.at_once = at_once
        self.at_head = at_head
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.at_once is not None:
                await self.at_once(writer)
                await writer.drain()
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if self.at_head is not None:
                    await self.at_head(writer)
                    return
                length = next(
                    (
                        int(line[15:])
                        for line in head.split("\r\n")
                        if line.lower().startswith("content-length:")
                    ),
                    0,
                )
                self.bodies.append(await reader.readexactly(length))
                self.heads.append(head)
                await self.answers[min(len(self.heads), len(self.answers)) - 1](writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    *answers: Answer,
    tls: ssl.SSLContext | None = None,
    at_once: Answer | None = None,
    at_head: Answer | None = None,
) -> AsyncIterator[Server]:
    server = Server(*answers, at_once=at_once, at_head=at_head)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def says(text: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text.replace("\n", "\r\n").encode())

    return answer


def says_and_hangs_up(text: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text.replace("\n", "\r\n").encode())
        writer.close()

    return answer


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


OK = says("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def tls_or_400(tls: ssl.SSLContext) -> Iterator[int]:
    """A port as the common web servers have it: TLS, and whoever speaks without it is
    told so in HTTP. Gives its number.
    """

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if connection.recv(1, socket.MSG_PEEK) == b"\x16":  # how TLS begins
                tls.wrap_socket(connection, server_side=True).close()
                return
            connection.recv(1 << 16)
            page = b"<html>The plain HTTP request was sent to HTTPS port</html>"
            connection.sendall(
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                % (len(page), page)
            )

    def accept() -> None:
        with suppress(OSError):
            while True:
                serve(listening.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@asynccontextmanager
async def behind_tls(url: str, tls: ssl.SSLContext) -> AsyncIterator[str]:
    """The server at this address, with TLS before it. Gives its address."""
    target = urlsplit(url)

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(pipe(reader, to_server), pipe(from_server, writer))

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
