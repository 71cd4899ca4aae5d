"""What a remote's codec promises the engine, asked of a service that keeps its word:
every change has its own outcome, found by its id.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, cast

import anyio
import orjson
import pytest

from syncer.core.change import Change, Verb
from syncer.core.outcome import AllApplied, Answered, Applied, Failed, Missing
from syncer.core.ports.push import InputStates, Listed, LookedUp, Remote
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.emulator.answer import Answer
from syncer.emulator.clarifai.part import Clarifai as Emulated
from syncer.emulator.settings import behaviour
from syncer.remotes.clarifai import Clarifai
from tests.proof.simulation.network import received, reply_of
from tests.support.fakes import Service
from tests.support.turns import UNPACED

Send = Callable[[Request], Reply]
VERBS: list[Verb] = ["post", "merge", "overwrite", "remove", "delete", "delete_input"]


def clarifai(switches: str = "") -> tuple[Remote, Send]:
    """The codec, and the emulator's service behind it, without HTTP."""
    service = Emulated(behaviour(switches).switches)

    def send(request: Request) -> Reply:
        answer: Answer = service.answer(received(request, {"Authorization": "Key t"}), lambda _: 0)
        return reply_of(answer)

    return Clarifai("me", "app"), send


def fake(_: str = "") -> tuple[Remote, Send]:
    """The fake of the engine's tests."""
    service = Service()
    service.unknown.add("nobody's")
    return service, lambda request: cast(Reply, anyio.run(service.send, request, UNPACED))


on_every_remote: Any = pytest.mark.parametrize("made", [clarifai, fake])


def change(id: str, verb: Verb = "post", input_id: str = "i ä/&", **more: object) -> Change:
    """A change that sends this."""
    raw = orjson.dumps(
        {"id": id, "input_id": input_id, "data": {"concepts": [{"id": "tree", "value": 1}]}, **more}
    )
    return Change(1, 0, 1, verb, input_id, "" if verb == "delete_input" else id, raw)


def posted(remote: Remote, send: Send, ids: Sequence[str]) -> list[Change]:
    """These, posted."""
    batch = [change(id) for id in ids]
    verdict = remote.decode("post", batch, send(remote.encode("post", batch)))
    assert verdict == AllApplied() or verdict == Answered([Applied()] * len(ids))
    return batch


@on_every_remote
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_carried_out_and_seen(
    made: Callable[[], tuple[Remote, Send]], verb: Verb
) -> None:
    remote, send = made()
    if verb != "post":
        posted(remote, send, "ab")
    batch = [change(id, verb) for id in ("a" if verb == "delete_input" else "ab")]
    assert remote.decode(verb, batch, send(remote.encode(verb, batch))) == AllApplied()
    asked = [change(id) for id in "ab"]
    found = remote.found(asked, send(remote.look_up(asked)))
    assert isinstance(found, LookedUp)
    gone = verb in ("delete", "delete_input")
    assert [annotation is None for annotation in found.annotations] == [gone, gone]
    if verb in ("post", "merge", "overwrite"):
        assert [
            remote.same(change, annotation or {})
            for change, annotation in zip(batch, found.annotations, strict=True)
        ] == [True] * 2


@on_every_remote
def test_outcomes_are_joined_by_id_whatever_the_order_of_the_answer(
    made: Callable[..., tuple[Remote, Send]],
) -> None:
    remote, send = made("answer-order=shuffled,patch-missing=item")
    posted(remote, send, [f"a-{number}" for number in range(0, 20, 2)])
    batch = [change(f"a-{number}", "merge") for number in range(20)]
    random.Random(3).shuffle(batch)
    verdict = remote.decode("merge", batch, send(remote.encode("merge", batch)))
    assert isinstance(verdict, Answered)
    expected = [Applied if int(change.id[2:]) % 2 == 0 else Missing for change in batch]
    assert [type(outcome) for outcome in verdict.outcomes] == expected


@on_every_remote
@pytest.mark.parametrize("verb", VERBS)
def test_without_an_answer_it_matters_whether_the_request_may_have_left(
    made: Callable[[], tuple[Remote, Send]], verb: Verb
) -> None:
    remote, _ = made()
    for sent in (True, False):
        verdict = remote.decode(verb, [change("a", verb)], NoReply("broken", sent=sent))
        assert isinstance(verdict, Failed)
        assert (verdict.in_doubt, verdict.unreachable) == (sent, not sent)


@on_every_remote
def test_a_look_up_takes_at_least_one_and_stays_short(
    made: Callable[[], tuple[Remote, Send]],
) -> None:
    remote, _ = made()
    for length in (1, 40, 5000):
        batch = [change(f"{number:05}" + "x" * length) for number in range(300)]
        size = remote.look_up_size(batch)
        assert 1 <= size <= 128
        assert size == 1 or len(remote.look_up(batch[:size]).path) < 4000


@on_every_remote
def test_inputs_are_told_by_how_they_are_and_listed_to_their_last_annotation(
    made: Callable[[], tuple[Remote, Send]],
) -> None:
    remote, send = made()
    batch = posted(remote, send, "abc")
    ids = [batch[0].input_id, "nobody's"]
    inputs = remote.inputs_found(ids, send(remote.inputs_look_up(ids)))
    assert isinstance(inputs, InputStates)
    assert inputs.ready == {ids[0]}
    listed = remote.inputs_listed(ids, send(remote.inputs_list(ids, 1)))
    assert isinstance(listed, Listed)
    assert sorted(listed.keys) == [(ids[0], id) for id in "abc"]
    behind = remote.inputs_listed(ids, send(remote.inputs_list(ids, 2)))
    assert isinstance(behind, Listed)
    assert behind.rows == 0
