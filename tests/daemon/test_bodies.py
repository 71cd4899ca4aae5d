"""Bodies of requests, and what is refused, on real sockets."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import anyio
import pytest
from aiohttp import web

from syncer.daemon.http.bodies import BodyReader, read_json
from syncer.daemon.http.guard import Guard
from syncer.daemon.http.server import serving

pytestmark = pytest.mark.anyio
TEXT = b"".join(b"line %d\n" % n for n in range(400))
PACKED = gzip.compress(TEXT)
TOO_MANY_DIGITS = b"1" * 5000


def routes() -> web.RouteTableDef:
    """Give back the body that was read."""
    table, reader = web.RouteTableDef(), BodyReader(10_000)

    @table.post("/lines")
    async def lines(request: web.Request) -> web.Response:
        async with reader.reading(request) as body:
            return web.Response(body=body)

    @table.post("/json")
    async def as_json(request: web.Request) -> web.Response:
        return web.json_response(await read_json(request, "send a list"))

    return table


@asynccontextmanager
async def asking() -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serving("127.0.0.1:0", routes(), Guard()) as url,
        aiohttp.ClientSession(url) as client,
    ):
        with anyio.fail_after(20):
            yield client


@pytest.mark.parametrize(
    "packed",
    [PACKED, gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]), PACKED + b"\0\0"],
    ids=["one member", "two members", "zeros after it"],
)
async def test_a_compressed_body_is_read_whole(packed: bytes) -> None:
    async with asking() as client:
        headers = {"Content-Encoding": "gzip"}
        async with client.post("/lines", data=packed, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, TEXT)


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (PACKED[: len(PACKED) // 2], "cut off"),
        (PACKED[:-3], "cut off"),
        (PACKED[:-3] + b"abc", "damaged"),
        (PACKED + b"more", "what follows the compressed data is not gzip"),
        (b"more", "the data is not gzip"),
    ],
)
async def test_a_compressed_body_that_is_not_whole_is_refused_whole(
    packed: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asking() as client:
        headers = {"Content-Encoding": "gzip"}
        async with client.post("/lines", data=packed, headers=headers) as answer:
            assert answer.status == 400
            assert reason in (await answer.json())["error"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("path", "encoding"), [("/lines", "br"), ("/lines", "what"), ("/json", "gzip")]
)
async def test_an_encoding_that_is_not_known_is_refused(path: str, encoding: str) -> None:
    async with asking() as client:
        headers = {"Content-Encoding": encoding}
        async with client.post(path, data=PACKED, headers=headers) as answer:
            assert answer.status == 415
            assert "no Content-Encoding" in (await answer.json())["error"]


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[" * 100_000, TOO_MANY_DIGITS], ids=lambda body: str(body[:5])
)
async def test_what_is_not_json_is_refused_with_what_to_send(body: bytes) -> None:
    async with asking() as client, client.post("/json", data=body) as answer:
        told = {"error": "the body is not JSON; send a list"}
        assert (answer.status, await answer.json()) == (400, told)


async def test_what_the_server_itself_refuses_is_said_in_json() -> None:
    async with asking() as client:
        for method, path, body, status in (
            ("GET", "/nothing", b"", 404),
            ("GET", "/json", b"", 405),
            ("POST", "/json", b"x" * (2 << 20), 413),
            ("POST", "/lines", b"x" * 10_001, 413),
        ):
            async with client.request(method, path, data=io.BytesIO(body)) as answer:
                assert answer.status == status
                assert set(await answer.json()) == {"error"}
                assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/json", "/lines"])
async def test_a_client_that_goes_away_in_its_body_leaves_no_word_in_the_log(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving("127.0.0.1:0", routes(), Guard()) as url:
        stream = await anyio.connect_tcp("127.0.0.1", int(url.rpartition(":")[2]))
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\n"
        await stream.send(head.encode() + json.dumps("a").encode())
        await anyio.sleep(0.05)
        await stream.aclose()
        await anyio.sleep(0.05)
    assert not caplog.records
