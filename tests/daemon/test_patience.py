"""Clients that are slow, or say nothing, on real sockets."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from aiohttp import web

from syncer.daemon.http.guard import Guard
from syncer.daemon.http.patience import Patience
from syncer.daemon.http.server import serving

pytestmark = pytest.mark.anyio
SHORT, LONG = 0.1, 30.0
HEAD = b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n"
DEADLINE_SECONDS = 10.0


def echoing(*, work_seconds: float = 0.0) -> web.RouteTableDef:
    routes = web.RouteTableDef()

    @routes.post("/echo")
    async def echo(request: web.Request) -> web.Response:
        body = await request.read()
        await anyio.sleep(work_seconds)
        return web.Response(body=body)

    return routes


async def answer_to(
    sent: bytes, patience: Patience, *, trickled: bytes = b"", work_seconds: float = 0.0
) -> bytes:
    """All that comes until the server closes the connection."""
    got = b""
    async with serving("127.0.0.1:0", echoing(work_seconds=work_seconds), Guard(), patience) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        try:
            writer.write(sent)
            with anyio.fail_after(DEADLINE_SECONDS):
                while not reader.at_eof():
                    with anyio.move_on_after(SHORT / 5):
                        got += await reader.read(1 << 16)
                        continue
                    writer.write(trickled)
        except ConnectionError:
            pass
        finally:
            writer.close()
    return got


@pytest.mark.parametrize(
    ("sent", "trickled"),
    [(b"", b""), (HEAD, b""), (HEAD, b"X: y\r\n")],
    ids=["nothing", "a part of a head", "trickling"],
)
async def test_a_connection_without_a_whole_head_is_closed(sent: bytes, trickled: bytes) -> None:
    hasty = Patience(head_seconds=SHORT, body_seconds=LONG)
    assert await answer_to(sent, hasty, trickled=trickled) == b""


@pytest.mark.parametrize(
    ("framing", "trickled"),
    [
        (b"Content-Length: 99999", b""),
        (b"Content-Length: 99999", b"a"),
        (b"Transfer-Encoding: chunked", b"1\r\na\r\n"),
        (b"Content-Encoding: gzip\r\nContent-Length: 99999", b""),
    ],
    ids=["silent", "trickling", "in chunks", "compressed"],
)
async def test_a_body_that_does_not_come_to_its_end_is_answered_and_closed(
    framing: bytes, trickled: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    hasty = Patience(head_seconds=LONG, body_seconds=SHORT)
    got = await answer_to(HEAD + framing + b"\r\n\r\n", hasty, trickled=trickled)
    assert got.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in got
    assert [record.getMessage() for record in caplog.records] == []


async def test_what_is_done_with_a_whole_body_may_take_longer() -> None:
    hasty = Patience(head_seconds=LONG, body_seconds=SHORT)
    sent = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi"
    got = await answer_to(sent, hasty, work_seconds=3 * SHORT)
    assert got.startswith(b"HTTP/1.1 200 ")
    assert got.endswith(b"hi")
