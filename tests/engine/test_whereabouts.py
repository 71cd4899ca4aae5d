"""What speaks of the address or of the app ends a run, after a handful of requests;
what does not is what it says.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest

from syncer.core.destination import DestinationState
from syncer.core.outcome import AllApplied, Answered, Failed, Halt, Refused, Throttled
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.pull import Ask
from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.engine.advice import Advice
from syncer.engine.clock import Clock
from syncer.engine.turns import Draining, Recalled, Turns
from syncer.engine.whereabouts import STRANGE_MAX, Whereabouts
from tests.engine.test_turns import unseen

pytestmark = pytest.mark.anyio

PAGE = Failed("HTTP 200 without a status", strange="perhaps")
NO_PATH = Failed("HTTP 404 without a status", strange="surely")
GONE = Refused("CONN_DOES_NOT_EXIST", 11101, missing=True, of_app="likely")
INVALID = Refused("CONN_INVALID_REQUEST", 11102, of_app="perhaps")
THERE = "there"


# --- is it the service that answers? --------------------------------------------------


def place() -> Whereabouts:
    return Whereabouts("http://h, user u, app a", "[clarifai] base_url")


@pytest.mark.parametrize("answer", [PAGE, NO_PATH])
def test_answers_that_are_not_the_services_end_the_run_after_a_handful(answer: Failed) -> None:
    where = place()
    for _ in range(STRANGE_MAX - 1):
        noted = where.judge("POST", answer, 0.0)
        assert isinstance(noted, Failed)
        assert noted.strange == "surely"  # no attempt of any change
    assert where.judge("POST", answer, 0.0) == Halt(
        f"what answers at http://h, user u, app a is not the service: POST: {answer.reason}; check"
        " [clarifai] base_url",
        None,
        "address",
    )


def test_where_the_service_has_answered_such_a_request_once_they_are_failures_like_others() -> None:
    where = place()
    for _ in range(STRANGE_MAX - 1):
        where.judge("POST", PAGE, 0.0)
    where.judge("POST", AllApplied(), 0.0)
    assert [where.judge("POST", answer, 0.0) for answer in (PAGE, NO_PATH) * STRANGE_MAX] == [
        PAGE,
        NO_PATH,
    ] * STRANGE_MAX


def test_a_refusal_with_a_code_of_the_services_is_an_answer_of_the_service() -> None:
    where = place()
    where.judge("POST", Refused("invalid", 21200), 0.0)
    assert [where.judge("POST", NO_PATH, 0.0) for _ in range(STRANGE_MAX)] == [
        NO_PATH
    ] * STRANGE_MAX


def test_a_method_that_something_on_the_way_stops_is_told_though_others_are_answered() -> None:
    where = place()
    where.judge("POST", AllApplied(), 0.0)
    noted = [where.judge("DELETE", NO_PATH, 0.0) for _ in range(STRANGE_MAX)]
    assert isinstance(noted[-1], Halt)
    assert "DELETE" in noted[-1].reason


@pytest.mark.parametrize(
    "answer", [Throttled("429"), Failed("HTTP 503"), Failed("no connection", unreachable=True)]
)
def test_throttles_and_outages_say_nothing_of_who_answers(answer: Throttled | Failed) -> None:
    where = place()
    for _ in range(STRANGE_MAX * 3):
        assert where.judge("POST", answer, 0.0) == answer
    assert [type(where.judge("POST", NO_PATH, 0.0)) for _ in range(STRANGE_MAX)] == [Failed] * (
        STRANGE_MAX - 1
    ) + [Halt]


def test_a_size_that_something_on_the_way_refuses_says_nothing_of_who_answers() -> None:
    where = place()
    where.judge("GET", Refused("HTTP 414 without a status"), 0.0)
    assert [type(where.judge("GET", NO_PATH, 0.0)) for _ in range(STRANGE_MAX)] == [Failed] * (
        STRANGE_MAX - 1
    ) + [Halt]


# --- is the app there? ----------------------------------------------------------------


class App:
    """Turns to an app; `probed` are the answers to the question whether it is there,
    the last one for all further ones.
    """

    def __init__(self, *probed: object) -> None:
        self.probed = list(probed)
        self.probes = 0
        self.under_way: anyio.Event | None = None
        state, pace = DestinationState(0.001, 0.002, 0.001, 0.0), Pace(1e6)
        self.turns = Turns(
            self,
            pace,
            Concurrency(64, pace),
            state,
            Clock(),
            random.Random(1),
            unseen,
            Advice(address="h", settings="s"),
        )
        self.turns.whereabouts.probe = Ask(Request("GET", "/probe"), self.read)

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        if request.path == "/probe" and self.under_way is not None:
            await self.under_way.wait()
        await anyio.lowlevel.checkpoint()
        return Reply(200, b"")

    def read(self, _: Reply | NoReply) -> object:
        self.probes += 1
        return self.probed.pop(0) if len(self.probed) > 1 else self.probed[0]

    async def ask(self, answer: object) -> object:
        """What an answer comes to."""
        with await self.turns.next() as turn:
            return await turn.send(Request("POST", "/"), lambda _: answer)


async def test_a_refusal_is_believed_once_the_app_is_seen_to_be_there() -> None:
    app = App(THERE)
    assert await app.ask(GONE) is GONE
    assert app.probes == 1


@pytest.mark.parametrize("missing", [GONE, replace(GONE, missing=False)])
async def test_where_the_app_is_not_there_the_run_cannot_go_on(missing: Refused) -> None:
    verdict = await App(missing).ask(GONE)
    assert verdict == Halt(
        "the remote does not know h (code 11101): CONN_DOES_NOT_EXIST; check s", 11101, "address"
    )


async def test_an_app_that_is_deleted_in_the_middle_of_a_run_is_noticed_too() -> None:
    app = App(THERE, GONE)
    await app.ask(Answered([]))
    assert await app.ask(GONE) is GONE
    assert isinstance(await app.ask(GONE), Halt)


async def test_what_is_perhaps_of_the_app_is_believed_where_the_app_was_seen_just_before() -> None:
    app = App(THERE)
    assert await app.ask(INVALID) is INVALID
    assert await app.ask(INVALID) is INVALID
    assert app.probes == 1


async def test_what_is_of_the_app_only_perhaps_is_asked_about_where_the_app_was_seen_long_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = App(THERE, GONE)
    await app.ask(AllApplied())
    monkeypatch.setattr("syncer.engine.whereabouts.SEEN_SECONDS", 0.0)
    assert await app.ask(INVALID) is INVALID
    assert isinstance(await app.ask(INVALID), Halt)


@pytest.mark.parametrize(
    "answer", [Refused("too large", 413), Failed("HTTP 500"), Answered([]), Throttled("429")]
)
async def test_other_answers_raise_no_question(answer: object) -> None:
    app = App(GONE)
    assert await app.ask(answer) is answer
    assert app.probes == 0


async def test_the_question_is_put_until_it_is_answered() -> None:
    app = App(
        Throttled("429"), Failed("HTTP 503"), Failed("no connection", unreachable=True), THERE
    )
    assert await app.ask(GONE) is GONE
    assert app.probes == 4


async def test_refusals_that_come_together_share_a_question_but_not_one_put_before_them() -> None:
    app = App(THERE, GONE)
    app.under_way = anyio.Event()
    came: list[object] = []

    async def one() -> None:
        came.append(await app.ask(GONE))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await until(lambda: app.turns.requests == 2)  # its question is on its way
        for _ in range(20):
            tasks.start_soon(one)
        await until(lambda: app.turns.requests == 22)
        app.under_way.set()
    assert app.probes == 2
    assert [type(answer) for answer in came] == [Refused] + [Halt] * 20


async def test_a_run_that_ends_in_the_meantime_leaves_the_answer_open() -> None:
    app = App(THERE)
    turn = await app.turns.next()
    app.turns.drain()
    with pytest.raises(Draining):
        await turn.send(Request("POST", "/"), lambda _: GONE)
    assert app.probes == 0


async def until(so: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not so():
            await anyio.lowlevel.checkpoint()


async def test_a_question_that_came_back_unsent_says_nothing_to_those_who_wait_with_it() -> None:
    app, released = App(GONE), anyio.Event()
    came: list[object] = []

    async def asked(_: Ask[object]) -> object:
        await released.wait()
        raise Recalled

    async def one() -> None:
        with pytest.raises(Recalled):
            came.append(await app.turns.whereabouts.missing(asked, anyio.current_time))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(one)
        await anyio.lowlevel.checkpoint()
        released.set()
    assert came == []
