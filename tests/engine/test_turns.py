"""Turns of requests: one more of them, in the place of one that was taken."""

from __future__ import annotations

import random

import anyio
import pytest

from syncer.core.destination import DestinationState
from syncer.core.outcome import Failed, Refused, Throttled
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.core.settle import rfc3339
from syncer.engine.clock import Clock
from syncer.engine.turns import Advice, Turns
from syncer.errors import Stopped
from tests.engine.lists import Remote

pytestmark = pytest.mark.anyio

SPACING_SECONDS = 0.2


def unseen(_: object) -> None:
    """An observer that looks at nothing."""


def turns() -> Turns:
    state, pace = DestinationState(0.001, 0.002, 0.05, 0.0), Pace(1 / SPACING_SECONDS)
    pace.take(anyio.current_time())  # at its start two may go
    return Turns(
        Remote(), pace, Concurrency(4, pace), state, Clock(), random.Random(1), lambda _: None
    )


async def seconds_of_another(*, gone: bool) -> float:
    of = turns()
    await of.take()
    begun = anyio.current_time()
    await of.another(gone=gone)
    assert of.in_flight == 1
    return anyio.current_time() - begun


async def test_a_request_that_awaited_a_token_goes_at_once_for_nothing_went_in_its_turn() -> None:
    assert await seconds_of_another(gone=False) < SPACING_SECONDS / 2


async def test_a_request_that_is_repeated_waits_for_a_turn_of_its_own() -> None:
    assert await seconds_of_another(gone=True) >= SPACING_SECONDS * 0.9


# --- what the pace is told ------------------------------------------------------------


class Noting(Pace):
    """It notes when what was one too many was sent."""

    def __init__(self) -> None:
        super().__init__(1000)
        self.told: list[float] = []

    def refused(self, sent_at: float) -> None:
        self.told.append(sent_at)


class Timed(Remote):
    """It notes when the request was there."""

    there_at = 0.0

    async def send(self, request: Request) -> Reply | NoReply:
        self.there_at = anyio.current_time()
        return await super().send(request)


@pytest.mark.parametrize(
    ("answer", "too_many"),
    [
        (Throttled("busy"), True),
        (Failed("HTTP 503", in_doubt=False), False),
        (Refused("no"), False),
        ("fine", False),
    ],
)
async def test_the_pace_is_told_of_a_throttle_alone_and_when_its_request_was_sent(
    answer: object, too_many: bool
) -> None:
    remote, pace, state = Timed(), Noting(), DestinationState(0.001, 0.002, 0.05, 0.0)
    of = Turns(remote, pace, Concurrency(4, pace), state, Clock(), random.Random(1), unseen)
    await of.take()
    before = anyio.current_time()
    await of.ask(Request("GET", "/"), lambda _: answer)
    assert [before <= at <= remote.there_at for at in pace.told] == ([True] if too_many else [])


# --- what answers ask to wait ---------------------------------------------------------


class Told:
    """Turns to a remote with one answer to everything; and what came of a request."""

    def __init__(
        self, reply: Reply | NoReply, *, give_up_seconds: float = 0.0, resume: str = ""
    ) -> None:
        self.state = DestinationState(0.001, 60.0, 15.0, give_up_seconds)
        self.clock = Clock()
        pace = Pace(1000)
        advice = Advice(resume=resume)
        self.turns = Turns(
            Remote({"/": [reply]}),
            pace,
            Concurrency(4, pace),
            self.state,
            self.clock,
            random.Random(1),
            unseen,
            advice,
        )
        self.paused = 0
        self.turns.paused = self.note

    def note(self) -> None:
        self.paused += 1

    async def asked(self, answer: object) -> float:
        """Ask once, the answer read as this; the seconds of the pause that follows."""
        await self.turns.take()
        assert await self.turns.ask(Request("GET", "/"), lambda _: answer) is answer
        return self.state.pause_seconds(self.clock())


FAILED = Failed("HTTP 503", in_doubt=False)


@pytest.mark.parametrize("status", [429, 200, 503])
async def test_a_throttle_of_any_status_pauses_for_what_its_retry_after_asks(status: int) -> None:
    told = Told(Reply(status, b"", "40"))
    assert await told.asked(Throttled("busy")) == pytest.approx(40.0, abs=1.0)
    assert told.turns.fact().asked_seconds == 40.0
    assert (told.turns.throttled, told.paused) == (1, 1)


@pytest.mark.parametrize(
    "retry_after", [None, "", "0", "-7", "soon", "inf", "Tue, 24 Nov 2020 02:00:00 GMT"]
)
async def test_a_throttle_without_a_usable_time_pauses_all_the_same(
    retry_after: str | None,
) -> None:
    told = Told(Reply(429, b"", retry_after))
    assert await told.asked(Throttled("busy")) == pytest.approx(15.0, abs=1.0)


@pytest.mark.parametrize("answer", [FAILED, "fine", Refused("no")])
async def test_a_5xx_that_names_a_time_pauses_whatever_else_it_says(answer: object) -> None:
    told = Told(Reply(503, b"", "40"))
    assert await told.asked(answer) == pytest.approx(40.0, abs=1.0)
    assert told.turns.fact().state == "paused"
    assert (told.turns.throttled, told.paused) == (0, 1)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503, b""),
        Reply(503, b"", "0"),
        Reply(503, b"", "soon"),
        Reply(404, b"", "40"),
        Reply(200, b"", "40"),
    ],
)
async def test_other_answers_pause_nothing(reply: Reply) -> None:
    told = Told(reply)
    assert await told.asked(FAILED) == 0.0
    assert told.paused == 0


async def test_a_retry_after_that_is_a_date_beside_no_date_is_told_by_the_wall_clock_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(Reply(429, b"", "Tue, 24 Nov 2026 02:00:40 GMT"))
    monkeypatch.setattr("time.time", lambda: 1795485600.0)
    assert await told.asked(Throttled("busy")) == pytest.approx(40.0, abs=1.0)


async def test_a_pause_is_kept_by_the_wall_clock_though_that_was_set_while_the_run_went_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(Reply(429, b"", "40"))
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert await told.asked(Throttled("busy")) == pytest.approx(40.0, abs=1.0)
    assert told.turns.fact().until == pytest.approx(4e9 + 40.0, abs=2.0)


async def test_a_run_asked_to_wait_too_long_says_until_when_and_how_the_pause_is_lifted() -> None:
    told = Told(
        Reply(429, b"", "4000"), give_up_seconds=600.0, resume="syncer state resume --state here"
    )
    await told.asked(Throttled("busy"))
    until = rfc3339(told.clock() + 4000.0)[:16]
    with pytest.raises(
        Stopped,
        match=(
            rf"run the same command again after {until}.* or lift the pause with `syncer state"
            r" resume --state here` first"
        ),
    ):
        await told.turns.take()
