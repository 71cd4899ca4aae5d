"""What follows where an answer leaves open what is there: annotations are read back,
inputs are asked for.
"""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from syncer.core.limits import Limits
from syncer.core.outcome import (
    Failed,
    Missing,
    Refused,
)
from tests.engine.answers import BROKEN, IN_DOUBT, ONE, each, posts, reasons
from tests.support.fakes import LOST, Service, busy
from tests.support.lines import delete, delete_all, holds, patch, post
from tests.support.pushing import Process, Pushing, Settings


def test_a_throttled_look_up_is_asked_again_after_the_pause() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    pushing.service.plays("look-up", busy(30))
    pushing.push(posts(3))
    first, second = pushing.service.of("look-up")
    assert second.at - first.at >= 30.0
    assert pushing.service.of("post") == pushing.service.asked[:1]


def test_a_look_up_that_is_refused_as_a_whole_is_asked_in_halves() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    pushing.service.always(
        "look-up", lambda changes: Refused("URI Too Long", 414) if len(changes) > 1 else None
    )
    pushing.push(posts(4))
    assert [len(asked.keys) for asked in pushing.service.of("look-up")] == [4, 2, 1, 1, 1, 1]
    assert pushing.counts() == (4, 0, 0, 0)


def test_a_look_up_that_fails_in_an_outage_leaves_in_doubt_only_what_it_asked_for() -> None:
    pushing = Pushing(Service(look_up_size=2))
    pushing.service.plays("post", LOST)
    pushing.service.plays("look-up", lambda _: None, BROKEN)
    pushing.service.plays("inputs", BROKEN)
    pushing.push(posts(4))
    assert [[id for _, id in asked.keys] for asked in pushing.service.of("look-up")] == [
        ["a0", "a1"],
        ["a2", "a3"],
        ["a2", "a3"],
    ]
    assert len(pushing.service.of("post")) == 1
    assert pushing.counts() == (4, 0, 0, 0)


@pytest.mark.parametrize("part", [Refused("no such filter", 400), BROKEN])
def test_a_post_in_doubt_that_can_never_be_read_back_is_dead_in_the_end(
    part: Refused | Failed,
) -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    pushing.service.always("look-up", part)
    pushing.push([post("a"), *[post(f"b{number}", "j") for number in range(10)]], ONE)
    ((id, reason, attempts),) = reasons(pushing)
    assert (id, attempts) == ("a", 4)
    assert reason.startswith("could not be read back: ")
    assert len(pushing.service.of("look-up")) == 4


def test_nobody_dies_of_a_neighbour_that_cannot_be_read_back() -> None:
    pushing = Pushing()
    pushing.service.plays("post", IN_DOUBT)
    pushing.service.always(
        "look-up", lambda changes: BROKEN if "a2" in [change.id for change in changes] else None
    )
    pushing.push(posts(8), Settings(Limits(batch_size=8, linger_seconds=0.0, max_attempts=4)))
    assert [id for id, _, _ in reasons(pushing)] == ["a2"]
    assert pushing.counts() == (7, 0, 1, 0)


def test_waits_between_look_ups_that_fail_grow() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    pushing.service.always("look-up", BROKEN)
    pushing.push(
        posts(1),
        replace(ONE, limits=Limits(batch_size=1, max_attempts=40), give_up_seconds=0.0),
        killed_at=3600.0,
    )
    assert 30 < len(pushing.service.of("look-up")) < 200


# --- what is not there ----------------------------------------------------------------


def test_a_delete_of_what_is_missing_is_applied() -> None:
    pushing = Pushing()
    pushing.service.plays("delete", each(Missing("no such annotation", 3)))
    pushing.service.plays("delete_input", each(Missing("no such input", 1)))
    pushing.push([delete("a"), delete_all("j")])
    assert pushing.counts() == (2, 0, 0, 0)


def test_a_patch_of_what_is_missing_is_dead_at_once() -> None:
    pushing = Pushing()
    pushing.push([patch("a")])
    assert reasons(pushing) == [("a", "no such annotation", 1)]
    assert pushing.service.kinds() == ["overwrite", "inputs"]


def test_a_patch_of_what_this_state_created_waits_until_the_service_shows_it() -> None:
    pushing = Pushing()
    pushing.service.plays("overwrite", *[each(Missing("no such annotation"))] * 2)
    pushing.push([post("a"), patch("a")])
    assert pushing.counts() == (2, 0, 0, 0)
    assert pushing.service.kinds() == ["post", "overwrite", "overwrite", "overwrite"]


def test_a_patch_of_what_this_state_created_is_dead_in_the_end() -> None:
    pushing = Pushing()
    pushing.service.always("overwrite", each(Missing("no such annotation")))
    pushing.push([post("a"), patch("a")])
    assert reasons(pushing) == [("a", "no such annotation", 4)]


@pytest.mark.parametrize("line", [post("a"), patch("a")])
def test_a_change_whose_input_is_being_processed_waits_for_it(line: bytes) -> None:
    pushing = Pushing()
    pushing.service.processing.add("i")
    if b"patch" in line:
        pushing.service.held["i", "a"] = holds("before")

    async def ready(_: Process) -> None:
        await anyio.sleep(0.3)
        pushing.service.processing.clear()

    pushing.push([line], meanwhile=ready)
    assert pushing.counts() == (1, 0, 0, 0)


def test_a_post_that_was_refused_for_its_input_goes_again_where_the_input_is_ready_by_now() -> None:
    pushing = Pushing()
    pushing.service.plays("post", each(Missing("no such input", 1)))
    pushing.push([post("a")])
    assert pushing.service.kinds() == ["post", "inputs", "post"]
    assert pushing.counts() == (1, 0, 0, 0)


def test_a_change_is_dead_at_once_if_its_input_is_not_there_and_is_not_if_it_is_there() -> None:
    pushing = Pushing()
    pushing.service.unknown.add("nobody's")
    pushing.push([post("a", "nobody's"), post("b"), patch("c", "nobody's")])
    assert [(id, attempts) for id, _, attempts in reasons(pushing)] == [("a", 1), ("c", 1)]
    assert pushing.counts() == (1, 0, 2, 0)


def test_where_inputs_cannot_be_asked_for_nothing_is_dead_of_it() -> None:
    pushing = Pushing()
    pushing.service.unknown.add("i")
    pushing.service.plays("inputs", BROKEN, BROKEN)

    async def appears(_: Process) -> None:
        await anyio.sleep(0.12)
        pushing.service.unknown.clear()

    pushing.push([post("a")], meanwhile=appears)
    assert pushing.letters == []
    assert pushing.counts() == (1, 0, 0, 0)


def test_a_throttled_question_about_inputs_is_no_attempt() -> None:
    pushing = Pushing()
    pushing.service.unknown.add("i")
    pushing.service.plays("inputs", *[busy(5)] * 10)
    pushing.push([patch("a")])
    assert reasons(pushing) == [("a", "no such input", 1)]


def test_a_post_of_an_input_that_is_gone_is_dead_at_once_whatever_this_state_made_there() -> None:
    pushing = Pushing()
    pushing.created.add([("i", "a")])
    pushing.service.unknown.add("i")
    pushing.push([post("a")])
    assert reasons(pushing) == [("a", "no such input", 1)]


def test_inputs_are_asked_for_once_however_many_changes_name_them() -> None:
    pushing = Pushing()
    pushing.service.unknown.add("i")
    pushing.push(posts(4))
    assert [asked.keys for asked in pushing.service.of("inputs")] == [(("i", ""),)]
