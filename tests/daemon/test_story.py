"""Where the changes of one annotation are, in a lane that runs and from its files."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from syncer.core.batch import Settlement
from syncer.core.change import Change
from syncer.core.entry import Entry
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.daemon.lane import Lane
from syncer.daemon.story import AppliedChanges
from syncer.jobs.story import AskedAnnotation, Step, tell_story
from tests.daemon.following import REFUSING, Following
from tests.support.lanes import App

ID = AskedAnnotation("i", "a")


def line(op: str, id: str | None = "a", **more: object) -> bytes:
    annotation = {"input_id": "i", **({"id": id} if id else {}), **more}
    return json.dumps({"op": op, "annotation": annotation}).encode()


def patch() -> bytes:
    annotation = {"input_id": "i", "id": "a", "data": {"concepts": [{"id": "x", "value": 1}]}}
    return json.dumps({"op": "patch", "action": "merge", "annotation": annotation}).encode()


@pytest.fixture
def following(tmp_path: Path) -> Following:
    made = Following(App(tmp_path / "state"))
    made.lines = []
    return made


def tell(
    following: Following, lines: list[bytes], seconds: float, asked: AskedAnnotation = ID
) -> list[Step]:
    """What is known so long after these lines came."""
    found: list[Step] = []

    async def then(lane: Lane) -> None:
        await anyio.sleep(5)
        following.add(*lines)
        await anyio.sleep(seconds)
        found.extend(await lane.tell_story(asked))

    following.run(then, push__batch_size=1)
    return found


def states(steps: list[Step]) -> list[tuple[int, str]]:
    return [(step.line, step.state) for step in steps]


def test_a_change_waits_for_its_request_is_on_its_way_and_is_applied(following: Following) -> None:
    following.app.latency_seconds = lambda _: 2.0
    found: list[list[tuple[int, str]]] = []

    async def then(lane: Lane) -> None:
        await anyio.sleep(5)
        following.add(line("post"))
        for seconds in (0.05, 1.0, 3.0):
            await anyio.sleep(seconds)
            found.append(states(await lane.tell_story(ID)))

    following.run(then)
    assert found == [[(1, "waiting")], [(1, "in_flight")], [(1, "applied")]]


def test_a_change_waits_behind_the_one_before_it_and_behind_the_delete_of_its_input(
    following: Following,
) -> None:
    following.app.latency_seconds = lambda _: 5.0
    steps = tell(following, [line("post"), patch(), line("delete", None), line("post")], 2.0)
    assert states(steps) == [(1, "in_flight"), (2, "waiting"), (3, "waiting"), (4, "waiting")]
    assert [step.behind and step.behind.line for step in steps] == [None, 1, 2, 3]
    assert [step.id for step in steps] == ["a", "a", None, "a"]


def test_a_change_that_fails_says_how_often_why_and_when_it_is_tried_again(
    following: Following,
) -> None:
    following.app.interfering = lambda _: NoReply("the connection broke", sent=True)
    found: list[Step] = []

    async def then(lane: Lane) -> None:
        await anyio.sleep(5)
        following.add(line("post"))
        # Until an answer is written down, nobody knows when it is tried again.
        while not (found and found[-1].next_at is not None):
            await anyio.sleep(0.5)
            found.extend(await lane.tell_story(ID))

    following.run(then)
    assert found[-1].state == "retrying"
    assert "the connection broke" in found[-1].reason


def test_a_dead_change_says_why(following: Following) -> None:
    following.app.interfering = lambda asked: REFUSING if asked.method == "POST" else None
    (step,) = tell(following, [line("post")], 30.0)
    assert (step.state, step.attempts > 0) == ("dead", True)
    assert "invalid" in step.reason


def test_without_an_id_all_of_the_input_is_told(following: Following) -> None:
    steps = tell(following, [line("post"), line("post", "b")], 30.0, AskedAnnotation("i"))
    assert states(steps) == []  # what is applied is known by its id
    steps = tell(following, [line("post", "c")], 30.0, AskedAnnotation("i", "c"))
    assert [step.state for step in steps] == ["applied"]
    assert tell(following, [], 1.0, AskedAnnotation("i", "nothing")) == []


def test_from_the_files_alone_it_is_known_what_waits_and_what_is_dead(
    following: Following,
) -> None:
    following.app.interfering = refuse_posts_of_b
    tell(following, [line("post"), line("post", "b")], 8.0)
    (waits,) = tell_story(following.app.state, ID)
    assert (waits.line, waits.state, waits.next_at) == (1, "retrying", None)
    (dead,) = tell_story(following.app.state, AskedAnnotation("i", "b"))
    assert (dead.line, dead.state) == (2, "dead")


def refuse_posts_of_b(asked: Request) -> Reply | NoReply | None:
    """The service takes no `b`, and fails with `a`."""
    if asked.method != "POST":
        return None
    if b'"b"' in (asked.body or b""):
        return REFUSING
    return Reply(500, b'{"status":{"code":98004,"description":"broken"}}')


def test_of_what_was_applied_the_last_are_known() -> None:
    applied = AppliedChanges(3)
    for index in range(5):
        change = Change(7, index, index + 1, "post", "i", f"a{index}", b"{}")
        applied.note_settled(Settlement(applied=[Entry(change, 2)]), 0.0)
    known = [index for index in range(5) if list(applied.find(("i", f"a{index}")))]
    assert known == [2, 3, 4]
    ((log, at, _),) = applied.find(("i", "a4"))
    assert (log, at) == (7, 5)
