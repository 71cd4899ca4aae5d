"""Pauses of a pull outlive it: the API's, and the storage's, which has its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncer.config.models import Retry
from syncer.core.facts import Destination
from syncer.core.outcome import Throttled
from syncer.core.ports.pull import Ask, Done, Flow, Found, Row, Unit, Units
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.engine.clock import Clock
from syncer.jobs.pull import Pulled, PullLane
from syncer.jobs.pull_parts import pull_parts
from syncer.jobs.state import resume
from syncer.journal.checkpoint import Checkpoint, read
from syncer.sinks.choose import output_sink
from tests.jobs.test_pull import Made, origin
from tests.support.virtual import VirtualTime

pytestmark = pytest.mark.anyio


class Way:
    """A transport that answers with these, the last one again and again."""

    hidden_retries = 0

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked = 0

    async def __aenter__(self) -> Way:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        self.asked += 1
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def asked(reply: Reply | NoReply) -> str | LookUpFailure:
    assert isinstance(reply, Reply)
    return Throttled("busy") if reply.status == 429 else "fine"


class Watched(Way):
    """It notes what pause is kept, in seconds, whenever it is asked."""

    def __init__(self, folder: Path, *replies: Reply) -> None:
        super().__init__(*replies)
        self.folder = folder
        self.pauses: list[float] = []

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        if self.pauses or self.asked:
            self.pauses.append(kept(self.folder).destination.asked_seconds)
        return await super().send(request, turn)


class Document(Made):
    """One document: listed by the API, fetched from the storage."""

    def units(self, after: str, done: Done | None = ()) -> Units:
        yield [Ask(Request("GET", "/list"), asked)]
        if not after:
            yield Unit("the document", "1", self.document)

    def document(self) -> Flow:
        yield [Ask(Request("GET", "http://storage/1"), asked, via="storage")]
        return Found([Row(("i", "a"), b'{"id":"a","input_id":"i"}')])


async def pull(folder: Path, api: Way, storage: Way, clock: Callable[[], Clock] = Clock) -> Pulled:
    given: dict[str, Any] = {"api": api, "storage": storage, "retry": Retry(give_up_seconds=60)}
    made = replace(origin(Document([1]), "the job"), **given)
    sink = output_sink(str(folder / "out.jsonl"), made.layout, None, stdout=sys.stdout.buffer)
    try:
        with pull_parts(made, sink, job="the job", state=folder / "state") as parts:
            return await PullLane(replace(parts, clock=clock), out="out.jsonl").run()
    finally:
        sink.abandon()


def kept(folder: Path) -> Checkpoint:
    found = read(folder / "state")
    assert isinstance(found, Checkpoint)
    return found


FINE, BUSY = Reply(200, b""), Reply(429, b"", "4000")


@pytest.mark.parametrize("busy", ["api", "storage"])
async def test_a_pull_that_is_asked_to_wait_for_too_long_asks_no_more_until_its_pause_is_lifted(
    busy: str, tmp_path: Path
) -> None:
    ways = {"api": Way(FINE), "storage": Way(FINE), busy: Way(BUSY)}
    stopped = await pull(tmp_path, ways["api"], ways["storage"])
    assert f"`syncer state resume --state {tmp_path / 'state'}`" in str(stopped.error)
    pauses: dict[str, Destination] = {
        "api": kept(tmp_path).destination,
        "storage": kept(tmp_path).storage,
    }
    assert {way: pause.state for way, pause in pauses.items()} == {
        "api": "open",
        "storage": "open",
        busy: "paused",
    }
    assert (pauses[busy].asked_seconds, pauses[busy].until) == (
        4000.0,
        pytest.approx(time.time() + 4000.0, abs=60.0),
    )
    again = {"api": Way(FINE), "storage": Way(FINE)}
    assert (await pull(tmp_path, again["api"], again["storage"])).exit_code == 1
    assert again[busy].asked == 0
    assert resume(tmp_path / "state") == pauses[busy]
    assert (await pull(tmp_path, again["api"], again["storage"])).exit_code == 0


def test_every_pause_is_kept_from_when_it_is_told(tmp_path: Path) -> None:
    """It may be long until the next page, and a killed process says nothing more."""
    api = Watched(tmp_path, Reply(429, b"", "10"), Reply(429, b"", "20"), FINE)
    ended = VirtualTime().run(lambda: pull(tmp_path, api, Way(FINE)))
    assert ended is not None
    assert ended.exit_code == 0
    assert api.pauses == [10.0, 20.0]
    assert kept(tmp_path).destination.state == "open"


async def test_a_pull_counts_by_the_clock_that_it_is_handed(tmp_path: Path) -> None:
    """A pause of long ago is over by a clock that says so."""

    class Later(Clock):
        def __call__(self) -> float:
            return super().__call__() + 5000.0

    stopped = await pull(tmp_path, Way(BUSY), Way(FINE))
    assert stopped.exit_code == 1
    assert (await pull(tmp_path, Way(FINE), Way(FINE), clock=Later)).exit_code == 0
