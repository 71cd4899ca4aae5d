"""A remote that holds nothing, whatever its size: it takes every post, and what it
lists of an input follows from the input's id.

    python -m tests.support.endless [busy-first]
        serves until it is ended; prints its address; busy-first: cannot take any
        annotation when it is posted for the first time

So the memory of a client can be measured at millions of annotations. Of a thousand
annotations it lists one not at all, one with another value, and one twice; in an app
named `exact` or `exact-N` it lists just what was posted. Of `exact-N` it lists all that
there is: inputs with N annotations.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

from tests.support.processes import ENVIRONMENT

LABELS_AN_INPUT = 10
MISSING, EDITED, DOUBLED = 7, 8, 9
"""The numbers of the odd annotations, modulo a thousand."""
INPUTS_A_PAGE = 1000
_ID = re.compile(rb'"id":"ann-(\d{12})"')
_APP = re.compile(r"/apps/([^/]+)/(.+)")


def annotation(number: int, value: str = "1") -> str:
    """As it is posted: some 300 bytes, each unlike any other."""
    edges = f'"top_row":0.{number:09},"left_col":0.25,"bottom_row":0.75,"right_col":0.5'
    return (
        f'"id":"ann-{number:012}","input_id":"img-{number // LABELS_AN_INPUT:012}",'
        f'"data":{{"metadata":{{"number":{number}}},"regions":['
        f'{{"id":"r","region_info":{{"bounding_box":{{{edges}}}}},'
        f'"data":{{"concepts":[{{"id":"tree","value":{value}}}]}}}}]}}'
    )


def write_log(path: Path, count: int) -> None:
    """A change log of so many posts."""
    with path.open("w", buffering=1 << 20) as out:
        out.writelines(
            f'{{"op":"post","annotation":{{{annotation(number)}}}}}\n' for number in range(count)
        )


def _posted(body: bytes) -> Iterator[str]:
    for number in map(int, _ID.findall(body)):
        yield f'{{{annotation(number)},"status":{{"code":24150}}}}'


_seen: set[int] = set()


def _refused_first(body: bytes) -> tuple[int, list[str]]:
    """The code of the whole, and the items: 24152 is "failed for now"."""
    numbers = list(map(int, _ID.findall(body)))
    codes = [24150 if number in _seen else 24152 for number in numbers]
    _seen.update(numbers)
    whole = 10000 if 24152 not in codes else 10020 if 24150 not in codes else 10010
    return whole, [
        f'{{{annotation(number)},"status":{{"code":{code}}}}}'
        for number, code in zip(numbers, codes, strict=True)
    ]


def _listed(input_ids: Sequence[str], *, exact: bool) -> Iterator[str]:
    dressed = '"status":{"code":24150},"created_at":"2025-01-01T00:00:00Z","user_id":"me"'
    for input_id in input_ids:
        first = int(input_id[4:]) * LABELS_AN_INPUT
        for number in range(first, first + LABELS_AN_INPUT):
            odd = 0 if exact else number % 1000
            if odd != MISSING:
                yield f"{{{annotation(number, '0.5' if odd == EDITED else '1')},{dressed}}}"
            if odd == DOUBLED:
                yield f"{{{annotation(number).replace('ann-', 'double-', 1)},{dressed}}}"


def _streamed(app: str, after: str) -> Iterator[str]:
    """A page of the inputs of an app, by their ids."""
    count = int(app.partition("-")[2]) // LABELS_AN_INPUT
    first = int(after[4:]) + 1 if after else 0
    for number in range(first, min(first + INPUTS_A_PAGE, count)):
        yield f'{{"id":"img-{number:012}"}}'


class _Connection(asyncio.Protocol):
    """HTTP/1.1, one request after another, as much of it as syncer speaks."""

    def __init__(self, *, busy_first: bool) -> None:
        self._busy_first = busy_first
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end]).decode()
            length = re.search(r"(?im)^content-length: *(\d+)", head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < size:
                return
            body = bytes(self._received[end + 4 : size])
            del self._received[:size]
            self._answer(head.split(" ", 2)[1], body)

    def _answer(self, target: str, body: bytes) -> None:
        url = urlsplit(target)
        query = parse_qs(url.query)
        named = _APP.search(url.path)
        assert named is not None
        app, what = named.groups()
        code = 10000
        name, rows = "annotations", cast(Iterable[str], ())
        if what == "inputs/stream":
            name, rows = "inputs", _streamed(app, query.get("last_id", [""])[0])
        elif what == "inputs":
            name, rows = "inputs", (f'{{"id":"{id}"}}' for id in query["ids"])
        elif what == "concepts":
            # The first page is all of them, and the one that labels need.
            name, rows = "concepts", ['{"id":"tree"}'] if query["page"] == ["1"] else []
        elif body and self._busy_first:
            code, rows = _refused_first(body)
        elif body:
            rows = _posted(body)
        elif query["page"] == ["1"]:
            rows = _listed(query["input_ids"], exact=app.startswith("exact"))
        answer = f'{{"status":{{"code":{code}}},"{name}":[{",".join(rows)}]}}'.encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(answer)
            + answer
        )


async def _serve(*, busy_first: bool) -> None:
    connection = partial(_Connection, busy_first=busy_first)
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1")
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


@contextmanager
def endless(*before: str, busy_first: bool = False) -> Iterator[str]:
    """Its address, while the block lasts.

    `before`: what its command line begins with, such as `taskset`.
    """
    command = [*before, sys.executable, "-m", "tests.support.endless"]
    command += ["busy-first"] if busy_first else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=20)


if __name__ == "__main__":
    asyncio.run(_serve(busy_first="busy-first" in sys.argv))
