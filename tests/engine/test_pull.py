"""The engine of a pull: what is asked when, in which order it is delivered, and what
ends a run. No network.
"""

from __future__ import annotations

import random
from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Flow, Found, Problem, Row, Unit
from syncer.engine.pull import AHEAD_AT_FIRST, AHEAD_BYTES_MAX
from syncer.errors import CredentialsRefused, OutputError, Stopped
from tests.engine.lists import (
    ABSENT,
    BROKEN,
    BUSY,
    FINE,
    GONE,
    NOBODY,
    Delivered,
    Parts,
    Remote,
    ask,
    engine,
)

pytestmark = pytest.mark.anyio


async def until_idle() -> None:
    """Until every task that can go on has gone on."""
    for _ in range(50):
        await anyio.lowlevel.checkpoint()


async def test_parts_come_in_order_whatever_the_order_of_their_answers() -> None:
    rng = random.Random(7)
    remote, delivered = Remote(), Delivered()
    remote.hold(*(f"/{number}" for number in range(60)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine(Parts(60), remote).run, "", delivered)
        while len(delivered.units) < 60:
            await until_idle()
            if held := [path for path in remote.asked if not remote.gates[path].is_set()]:
                remote.free(rng.choice(held))
    assert delivered.keys == list(range(60))
    assert [unit.cursor for unit in delivered.units] == [str(number + 1) for number in range(60)]
    assert remote.answered != remote.asked


async def test_it_goes_on_behind_a_cursor() -> None:
    remote, delivered = Remote(), Delivered()
    await engine(Parts(9), remote).run("6", delivered)
    assert delivered.keys == [6, 7, 8]
    assert remote.asked == ["/6", "/7", "/8"]


async def test_no_more_parts_are_fetched_ahead_than_may_be() -> None:
    at_most = 0
    remote, parts = Remote(), Parts(100)
    taken = 0

    async def slowly(unit: Unit) -> None:
        nonlocal at_most, taken
        await until_idle()
        at_most = max(at_most, parts.given - taken)
        taken += 1

    await engine(parts, remote, ahead=5).run("", Delivered(slowly))
    assert at_most == 5 + 1  # those that are held, and the one that waits for room


async def test_only_few_parts_are_asked_before_one_has_come_whichever_it_is() -> None:
    """Nobody knows yet how large they are."""
    remote = Remote()
    remote.hold(*(f"/{number}" for number in range(100)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine(Parts(100), remote, ahead=50).run, "", Delivered())
        await until_idle()
        assert len(remote.asked) == AHEAD_AT_FIRST
        remote.free("/2")  # those before it are slow
        await until_idle()
        assert len(remote.asked) == 2 * AHEAD_AT_FIRST
        tasks.cancel_scope.cancel()


async def test_large_parts_are_fetched_ahead_by_their_bytes() -> None:
    """Memory is bounded whatever a part holds: masks, say."""
    held, most = 0, 0
    remote = Remote()
    size = AHEAD_BYTES_MAX // 4

    async def slowly(unit: Unit) -> None:
        nonlocal held, most
        await until_idle()
        most = max(most, len(remote.asked) - held)
        held += 1

    await engine(Parts(40, row_bytes=size), remote, ahead=50).run("", Delivered(slowly))
    assert AHEAD_AT_FIRST <= most <= 6


async def test_questions_that_are_yielded_together_are_asked_together() -> None:
    class Pairs(Parts):
        def flow(self, number: int) -> Flow:
            answers = yield [ask(f"/{number}/{page}") for page in range(4)]
            return Found([Row((str(number),), str(answers).encode())])

    remote, delivered = Remote({"/0/2": [GONE]}), Delivered()
    remote.hold(*(f"/0/{page}" for page in range(4)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine(Pairs(1), remote).run, "", delivered)
        await until_idle()
        assert remote.under_way == 4
        remote.free("/0/3", "/0/1", "/0/0", "/0/2")
    assert (
        delivered.found[0].rows[0].line == str(["fine", "fine", Refused("gone"), "fine"]).encode()
    )


async def test_what_the_enumeration_asks_is_answered_to_it() -> None:
    remote, delivered = Remote({"/names": [BROKEN, BUSY, FINE]}), Delivered()
    await engine(Parts(3, asked_ahead=["/names", "/names"]), remote).run("", delivered)
    assert delivered.keys == [0, 1, 2]
    assert remote.asked.count("/names") == 4


async def test_what_names_further_parts_is_asked_before_all_parts_that_wait() -> None:
    """Else the rate would lie idle while it is answered, since behind it there is
    nothing to ask.
    """
    listing = Parts(40, asked_ahead=[""] * 20 + ["/names"])
    remote, delivered = Remote(), Delivered()
    await engine(listing, remote, ahead=16, rate=200).run("", delivered)
    place = remote.asked.index("/names")
    assert delivered.keys == list(range(40))
    assert len([path for path in remote.asked[place + 1 :] if int(path[1:]) < 20]) > 10


async def test_an_empty_list_ends_at_once() -> None:
    delivered = Delivered()
    await engine(Parts(0), Remote()).run("", delivered)
    assert delivered.units == []


# --- what ends a run ------------------------------------------------------------------


async def test_a_drain_asks_nothing_more_and_delivers_in_order_what_was_under_way() -> None:
    remote, delivered = Remote(), Delivered()
    remote.hold(*(f"/{number}" for number in range(2, 100)))
    pull = engine(Parts(100), remote, ahead=6)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pull.run, "", delivered)
        await until_idle()
        asked = list(remote.asked)
        assert delivered.keys == [0, 1]
        pull.drain()
        remote.free(*reversed(asked[2:]))
    assert remote.asked == asked
    assert delivered.keys == list(range(len(asked)))
    assert not pull.complete


class Two(Parts):
    """Parts of two questions each."""

    def flow(self, number: int) -> Flow:
        yield [ask(f"/{number}")]
        yield [ask(f"/{number}/more")]
        return Found([Row((str(number),), b"{}")])


@pytest.mark.parametrize(("drained_at", "complete"), [(None, True), (3, False), (9, True)])
async def test_a_run_is_complete_where_all_was_delivered_though_a_drain_came_at_the_very_end(
    drained_at: int | None, complete: bool
) -> None:
    async def drain(unit: Unit) -> None:
        if unit.cursor == str(drained_at):
            pull.drain()

    pull = engine(Parts(9), Remote(), ahead=2)
    assert not pull.complete
    await pull.run("", Delivered(drain))
    assert pull.complete == complete


async def test_a_run_that_is_drained_while_it_asks_for_more_of_the_list_is_not_complete() -> None:
    remote, delivered = Remote(), Delivered()
    remote.hold("/list")
    pull = engine(Parts(3, asked_ahead=["", "", "/list"]), remote)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pull.run, "", delivered)
        await until_idle()
        pull.drain()
        remote.free("/list")
    assert delivered.keys == [0, 1]
    assert not pull.complete


async def test_a_drain_leaves_a_part_out_that_would_need_another_question() -> None:
    remote, delivered = Remote(), Delivered()
    remote.hold("/1", "/2/more")
    pull = engine(Two(10), remote)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pull.run, "", delivered)
        await until_idle()
        pull.drain()
        remote.free("/1", "/2/more")
    assert delivered.keys == [0]
    assert "/1/more" not in remote.asked


async def test_a_drain_does_not_wait_for_parts_that_cannot_be_delivered_any_more() -> None:
    remote, delivered = Remote(), Delivered()
    remote.hold("/1", "/2")
    pull = engine(Two(10), remote)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pull.run, "", delivered)
            await until_idle()
            pull.drain()
            # what follows it is not asked, so what comes after it has no place
            remote.free("/1")
    assert delivered.keys == [0]
    assert "/2" not in remote.answered


async def test_a_drain_does_not_wait_for_the_pause_before_another_attempt() -> None:
    remote, delivered = Remote({"/0": [BROKEN]}), Delivered()
    pull = engine(Parts(3), remote, backoff=(1000.0, 1000.0))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pull.run, "", delivered)
            await until_idle()
            pull.drain()
    assert delivered.units == []


async def test_a_part_failing_while_others_come_stops_the_run_and_what_came_before_stays() -> None:
    remote, delivered = Remote({"/3": [BROKEN]}), Delivered()
    with pytest.raises(
        Stopped, match=r"could not be read in 3 attempts: HTTP 500.*run the same command again"
    ) as stopped:
        await engine(Parts(10), remote).run("", delivered)
    assert stopped.value.exit_code == 1
    assert delivered.keys == [0, 1, 2]
    assert remote.asked.count("/3") == 3


async def test_failures_while_nothing_succeeds_are_an_outage_and_no_attempts() -> None:
    """As of a push: only the time without any success ends such a run."""
    remote, delivered = Remote({"/3": [*[BROKEN] * 20, FINE]}), Delivered()

    def outage(path: str) -> None:
        remote.answers["/2"] = [BROKEN] if 1 <= remote.asked.count("/3") < 20 else [FINE]

    remote.told = outage
    await engine(Parts(4), remote, ahead=1).run("", delivered)
    assert delivered.keys == [0, 1, 2, 3]


async def test_a_remote_that_never_answers_is_given_up_after_a_time() -> None:
    remote = Remote({"/0": [BROKEN], "/1": [ABSENT]})
    with anyio.fail_after(10), pytest.raises(Stopped, match=r"nothing succeeded for 0.1 s"):
        await engine(Parts(2), remote, give_up_seconds=0.1).run("", Delivered())


async def test_refused_connections_never_count() -> None:
    remote, delivered = Remote({"/1": [*[ABSENT] * 20, FINE]}), Delivered()
    await engine(Parts(3), remote).run("", delivered)
    assert delivered.keys == [0, 1, 2]


async def test_throttles_never_count_and_nothing_is_asked_while_they_last() -> None:
    """Eight throttles of 50 ms each: at least 400 ms, and no question in between."""
    remote, delivered = Remote({"/1": [*[BUSY] * 8, FINE]}), Delivered()
    times: list[float] = []
    remote.told = lambda path: times.append(anyio.current_time()) if path == "/1" else None
    pull = engine(Parts(3), remote)
    await pull.run("", delivered)
    assert delivered.keys == [0, 1, 2]
    assert pull.ways["api"].turns.throttled == 8
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.05


async def test_refused_credentials_stop_the_run_at_once() -> None:
    remote, delivered = Remote({"/2": [NOBODY]}), Delivered()
    with pytest.raises(CredentialsRefused, match="11009"):
        await engine(Parts(100), remote, ahead=50).run("", delivered)
    assert remote.asked.count("/2") == 1
    assert len(remote.asked) < 100


async def test_what_cannot_be_delivered_stops_the_run() -> None:
    async def full(unit: Unit) -> None:
        if unit.cursor == "3":
            raise OutputError("no space")

    delivered = Delivered(full)
    with pytest.raises(OutputError, match="no space"):
        await engine(Parts(100), Remote()).run("", delivered)
    assert delivered.keys == [0, 1]


# --- documents from a storage ---------------------------------------------------------


class Documents(Parts):
    """Each part is a document behind a signed URL."""

    def flow(self, number: int) -> Flow:
        yield [ask(f"/{number}")]
        (answer,) = yield [ask(f"https://storage/{number}?signature=secret", "storage")]
        if isinstance(answer, Refused):
            return Found([], problems=[Problem(f"document {number}", answer.reason)])
        return Found([Row((str(number),), b"{}")])


async def test_a_document_that_cannot_be_had_is_a_problem_and_the_others_come() -> None:
    storage = Remote(
        {
            "https://storage/1?signature=secret": [BROKEN],
            "https://storage/4?signature=secret": [GONE],
        }
    )
    delivered = Delivered()
    await engine(Documents(6), Remote(), storage=storage).run("", delivered)
    assert delivered.keys == [0, 2, 3, 5]
    assert delivered.problems == ["document 1", "document 4"]
    reasons = [problem.reason for found in delivered.found for problem in found.problems]
    assert reasons == ["HTTP 500, in 3 attempts", "gone"]
    assert storage.asked.count("https://storage/1?signature=secret") == 3


async def test_a_throttled_storage_does_not_hold_up_the_api() -> None:
    storage = Remote({"https://storage/0?signature=secret": [BUSY, FINE]})
    remote, delivered = Remote(), Delivered()
    pull = engine(Documents(3), remote, storage=storage)
    await pull.run("", delivered)
    assert delivered.keys == [0, 1, 2]
    assert (pull.ways["api"].turns.throttled, pull.ways["storage"].turns.throttled) == (0, 1)
    assert storage.most_under_way <= 2
