"""Turns of requests: held, used, given back, and one more in the place of one."""

from __future__ import annotations

import random

import anyio
import pytest

from syncer.core.destination import DestinationState
from syncer.core.events import Event, RequestAnswered
from syncer.core.limiter import LanePace, Limiter
from syncer.core.outcome import Failed, Refused, Throttled
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.core.settle import rfc3339
from syncer.engine.advice import Advice
from syncer.engine.clock import Clock
from syncer.engine.turns import Draining, Turns
from syncer.errors import Stopped
from tests.engine.lists import Remote
from tests.support.virtual import VirtualTime

pytestmark = pytest.mark.anyio

SPACING_SECONDS = 0.2


def unseen(_: object) -> None:
    """An observer that looks at nothing."""


def turns(remote: Remote | None = None) -> Turns:
    state, pace = DestinationState(0.001, 0.002, 0.05, 0.0), Pace(1 / SPACING_SECONDS)
    pace.take(anyio.current_time())  # at its start two may go
    remote = remote or Remote()
    return Turns(remote, pace, Concurrency(4, pace), state, Clock(), random.Random(1), unseen)


async def seconds_of_another(*, gone: bool) -> float:
    of = turns()
    turn = await of.next()
    begun = anyio.current_time()
    await turn.another(gone=gone)
    assert of.in_flight == 1
    return anyio.current_time() - begun


async def test_a_request_that_awaited_a_token_goes_at_once_for_nothing_went_in_its_turn() -> None:
    assert await seconds_of_another(gone=False) < SPACING_SECONDS / 2


async def test_a_request_that_is_repeated_waits_for_a_turn_of_its_own() -> None:
    assert await seconds_of_another(gone=True) >= SPACING_SECONDS * 0.9


async def test_each_request_of_a_turn_after_the_first_waits_for_one_more() -> None:
    of = turns()
    begun = anyio.current_time()
    with await of.next() as turn:
        for _ in range(3):
            await turn.send(Request("GET", "/"), lambda _: "fine")
            assert of.in_flight == 0
    assert anyio.current_time() - begun >= 2 * SPACING_SECONDS * 0.9


async def test_a_turn_that_nothing_was_sent_for_goes_back() -> None:
    of = turns()
    with await of.next():
        assert of.in_flight == 1
    assert of.in_flight == 0


class Renewing(Remote):
    """A transport that needs one more turn for each request, after the run was told to
    end.
    """

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        self.turns.drain()
        await turn.another(gone=False)
        return await super().send(request, turn)

    turns: Turns


async def test_a_run_that_ends_while_a_request_waits_for_a_token_does_not_count_as_an_outage() -> (
    None
):
    remote = Renewing()
    of = remote.turns = turns(remote)
    before = of.fact()
    with await of.next() as turn, pytest.raises(Draining):
        await turn.send(Request("GET", "/"), lambda _: Failed("no answer", unreachable=True))
    assert (of.fact(), of.in_flight) == (before, 0)


# --- what the pace is told ------------------------------------------------------------


class Noting(Pace):
    """It notes when what was one too many was sent."""

    def __init__(self) -> None:
        super().__init__(1000)
        self.told: list[float] = []

    def refused(self, sent_at: float, pause_seconds: float) -> None:
        self.told.append(sent_at)


class Timed(Remote):
    """It notes when the request was there."""

    there_at = 0.0

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        self.there_at = anyio.current_time()
        return await super().send(request, turn)


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
    turn = await of.next()
    before = anyio.current_time()
    await turn.send(Request("GET", "/"), lambda _: answer)
    assert [before <= at <= remote.there_at for at in pace.told] == ([True] if too_many else [])


class Repeating(Timed):
    """It sends a request again, for which it waits for another turn: minutes."""

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        await turn.another(gone=True)
        return await super().send(request, turn)


async def _repeat_a_request_that_is_one_too_many() -> None:
    remote, pace, state = Repeating(), Noting(), DestinationState(0.001, 0.002, 0.05, 0.0)
    pace.set_rate(0.01, anyio.current_time())
    took_seconds: list[float] = []

    def observe(event: Event) -> None:
        if isinstance(event, RequestAnswered):
            took_seconds.append(event.seconds)

    concurrency = Concurrency("auto", pace)
    of = Turns(remote, pace, concurrency, state, Clock(), random.Random(1), observe)
    with await of.next() as turn:
        await turn.send(Request("GET", "/"), lambda _: Throttled("busy"))
    assert remote.there_at >= 60.0
    assert (pace.told, took_seconds) == ([remote.there_at], [pytest.approx(0.0, abs=0.1)])
    pace.set_rate(20.0, anyio.current_time())
    assert concurrency.limit == Concurrency("auto", pace).limit


def test_a_request_that_is_repeated_is_measured_from_when_it_went_again() -> None:
    VirtualTime().run(_repeat_a_request_that_is_one_too_many)


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

    @property
    def paused(self) -> bool:
        """Whether a pause is to be kept."""
        return self.turns.to_keep.is_set

    async def asked(self, answer: object) -> float:
        """Ask once, the answer read as this; the seconds of the pause that follows."""
        with await self.turns.next() as turn:
            assert await turn.send(Request("GET", "/"), lambda _: answer) is answer
        return self.state.pause_seconds(self.clock())


FAILED = Failed("HTTP 503", in_doubt=False)


@pytest.mark.parametrize("status", [429, 200, 503])
async def test_a_throttle_of_any_status_pauses_for_what_its_retry_after_asks(status: int) -> None:
    told = Told(Reply(status, b"", "40"))
    assert await told.asked(Throttled("busy")) == pytest.approx(40.0, abs=1.0)
    assert told.turns.fact().asked_seconds == 40.0
    assert (told.turns.throttled, told.paused) == (1, True)


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
    assert (told.turns.throttled, told.paused) == (0, True)


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
    assert not told.paused


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
        await told.turns.next()


# --- other lanes of the limit ---------------------------------------------------------


async def _seconds_after_a_slower_lane_has_left() -> float:
    limiter, now = Limiter(), anyio.current_time
    fast, slow = LanePace(lambda: limiter, 10.0), LanePace(lambda: limiter, 0.01)
    fast.join(now())
    slow.join(now())
    state = DestinationState(0.001, 0.002, 0.05, 0.0)
    of = Turns(Remote(), fast, Concurrency(4, fast), state, Clock(), random.Random(1), unseen)
    (await of.next()).give_back()
    gone_at: list[float] = []

    async def leave() -> None:
        await anyio.sleep(1.0)
        slow.leave(now())
        gone_at.append(now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leave)
        await of.next()
    return now() - gone_at[0]


def test_a_request_that_waits_goes_soon_once_a_slower_lane_of_the_limit_has_left() -> None:
    seconds = VirtualTime().run(_seconds_after_a_slower_lane_has_left)
    assert seconds is not None
    assert seconds <= 1.0
