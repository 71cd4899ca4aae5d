"""A push whose instructions are counted: the real lane, engine and journal, a transport
that answers from a function, virtual time.

    python counted.py LOG STATE

It is a process of its own, and uses little of `syncer`, so that it runs an earlier
commit as well. What is not the push costs next to nothing: the log is written by
whoever counts, and answers are cut out of requests rather than made.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from unittest import mock

import anyio

import syncer
from syncer.transport.http import HttpTransport
from tests.proof.simulation.clock import Clock

try:
    from syncer.core.ports.wire import Reply, Request
except ModuleNotFoundError:  # earlier commits
    from syncer.core.ports import Reply, Request  # type: ignore[attr-defined, no-redef]

LATENCY_SECONDS = 0.05
OK = b'{"status":{"code":10000,"description":"Ok"}'
BEFORE_ID = b'"id":"ann-'
"""With which each annotation of the log begins, and nothing else in it."""
STORED = b'"status":{"code":24150,"description":"Annotation success"},' + BEFORE_ID


asked = 0


async def echo(_: HttpTransport, *sent: object) -> Reply:
    """The answer of a service where all is well, as late as one over a network: each
    annotation comes back with its status.
    """
    global asked
    await anyio.sleep(LATENCY_SECONDS)
    asked += 1
    # what goes with it differs between commits
    (request,) = [one for one in sent if isinstance(one, Request)]
    body = request.body or b""
    return Reply(
        200,
        OK + b"," + body[1:].replace(BEFORE_ID, STORED)
        if request.method in ("POST", "PATCH")
        else OK + b"}",
    )


def main(log: str, state: str) -> None:
    """Push, and see that all of it came about."""
    to = syncer.Clarifai(base_url="http://127.0.0.1:1", user_id="u", app_id="a", token="t")
    clock = Clock()
    gc.freeze()  # as the command line does
    gc.set_threshold(100_000, 50, 50)

    async def pushed() -> syncer.PushReport:
        return await syncer.push(log, to, state=state, requests_per_second=1000)

    def now() -> float:
        return clock.now

    async def in_thread(work: Callable[..., object], *arguments: object, **_: object) -> object:
        return work(*arguments)

    with (
        mock.patch("time.time", clock.wall),
        mock.patch("time.monotonic", now),
        mock.patch("anyio.to_thread.run_sync", in_thread),
    ):
        report = clock.run(pushed)
    assert (report.applied, report.requests) == (report.read, asked), report
    print(f"{report.applied} changes, {asked} requests, {clock.now:.3f} s of virtual time")


if __name__ == "__main__":
    # Commits before the turns have `send` alone.
    setattr(HttpTransport, "send_with" if hasattr(HttpTransport, "send_with") else "send", echo)
    main(*sys.argv[1:])
