"""Changes that name what they were planned against: looked at right before they go."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from syncer.core.limits import Limits
from syncer.core.outcome import Missing, Refused, Retriable
from tests.engine.answers import BROKEN, each
from tests.support.fakes import LOST, Service, busy
from tests.support.lines import delete, holds, patch, planned, post
from tests.support.pushing import Process, Pushing, Settings

ALL = Settings(Limits(batch_size=128, linger_seconds=0.0, max_attempts=4))


def holding(count: int = 1, data: object = "new", **of_service: int) -> Pushing:
    """A push to a service that holds annotations a0, a1…"""
    pushing = Pushing(Service(**of_service))
    pushing.service.held = {("i", f"a{number}"): holds(data) for number in range(count)}
    return pushing


def patches(count: int) -> list[bytes]:
    return [planned(patch(f"a{number}")) for number in range(count)]


def changed(pushing: Pushing) -> list[str | None]:
    """The ids of the letters, which all say that somebody else changed it."""
    assert all(
        letter.reason.startswith("changed since it was planned: ") for letter in pushing.letters
    )
    return [letter.id for letter in pushing.letters]


# --- what a look decides --------------------------------------------------------------


def test_what_is_as_it_was_planned_against_is_read_back_and_sent() -> None:
    pushing = holding(3)
    pushing.push(patches(3), ALL)
    assert pushing.service.kinds() == ["look-up", "overwrite"]
    assert pushing.counts() == (3, 0, 0, 0)
    assert set(map(str, pushing.service.held.values())) == {str(holds("patched"))}


def test_a_change_by_somebody_else_is_not_overwritten() -> None:
    pushing = holding(3)
    pushing.service.held["i", "a1"] = holds("somebody else's")
    pushing.push(patches(3), ALL)
    assert changed(pushing) == ["a1"]
    assert pushing.service.held["i", "a1"] == holds("somebody else's")
    assert [asked.keys for asked in pushing.service.of("overwrite")] == [(("i", "a0"), ("i", "a2"))]


def test_a_change_by_somebody_else_is_not_deleted() -> None:
    pushing = holding(2)
    pushing.service.held["i", "a1"] = holds("somebody else's")
    pushing.push([planned(delete("a0")), planned(delete("a1"))], ALL)
    assert changed(pushing) == ["a1"]
    assert pushing.service.held == {("i", "a1"): holds("somebody else's")}


def test_what_is_there_already_is_applied_and_nothing_is_sent() -> None:
    pushing = holding(2, "patched")
    pushing.push([*patches(2), planned(delete("gone"))], ALL)
    assert set(pushing.service.kinds()) == {"look-up"}
    assert pushing.counts() == (3, 0, 0, 0)


def test_a_patch_of_what_is_missing_is_a_letter_that_says_so() -> None:
    pushing = holding(0)
    pushing.push(patches(1), ALL)
    assert changed(pushing) == ["a0"]
    assert pushing.service.kinds() == ["look-up"]


def test_the_later_change_of_an_annotation_goes_after_the_look_of_the_earlier_one() -> None:
    pushing = holding(1)
    pushing.push([*patches(1), planned(patch("a0", data="twice"), "patched")], ALL)
    assert pushing.service.kinds() == ["look-up", "overwrite"] * 2
    assert pushing.service.held["i", "a0"] == holds("twice")


def test_other_changes_go_unseen() -> None:
    pushing = holding(2)
    pushing.push([*patches(1), patch("a1"), post("b")], ALL)
    (look,) = pushing.service.of("look-up")
    assert look.keys == (("i", "a0"),)
    assert pushing.counts() == (3, 0, 0, 0)


# --- how many looks -------------------------------------------------------------------


def test_as_many_are_read_back_at_a_time_as_one_request_can_ask_for() -> None:
    pushing = holding(5, look_up_size=2)
    pushing.push(patches(5), ALL)
    assert [len(asked.keys) for asked in pushing.service.of("look-up")] == [2, 2, 1]
    assert [len(asked.keys) for asked in pushing.service.of("overwrite")] == [5]


def test_where_looks_take_long_what_was_looked_at_goes_first() -> None:
    pushing = holding(6, look_up_size=1)
    pushing.push(patches(6), replace(ALL, requests_per_second=1.0))
    assert pushing.counts() == (6, 0, 0, 0)
    assert max(len(asked.keys) for asked in pushing.service.of("overwrite")) < 6
    assert_fresh(pushing)


@pytest.mark.parametrize("rate", [0.01, 0.3, 1.0])
def test_at_any_rate_all_changes_go_in_the_end(rate: float) -> None:
    pushing = holding(4, look_up_size=1)
    pushing.push(patches(4), replace(ALL, requests_per_second=rate, give_up_seconds=0.0))
    assert pushing.counts() == (4, 0, 0, 0)


def assert_fresh(pushing: Pushing) -> None:
    """Every change went at most 5 s after the look at it."""
    looks: dict[tuple[str, str], float] = {}
    for asked in pushing.service.asked:
        for key in asked.keys:
            if asked.kind == "look-up":
                looks[key] = asked.at
            else:
                assert asked.at - looks[key] <= 5.0


# --- again ----------------------------------------------------------------------------


def test_each_retry_looks_again() -> None:
    pushing = holding(1)
    pushing.service.plays("overwrite", each(Retriable("not now")), BROKEN)
    pushing.push(patches(1), ALL)
    asked = pushing.service.kinds()
    assert [kind for kind in asked if kind != "inputs"] == ["look-up", "overwrite"] * 3
    assert pushing.counts() == (1, 0, 0, 0)


def test_a_change_whose_answer_was_lost_is_seen_to_be_applied() -> None:
    pushing = holding(1)
    pushing.service.plays("overwrite", LOST)
    pushing.push(patches(1), ALL)
    assert len(pushing.service.of("overwrite")) == 1
    assert pushing.counts() == (1, 0, 0, 0)


def test_a_delete_whose_answer_was_lost_does_not_delete_what_came_since() -> None:
    pushing = holding(1)

    async def make_again(process: Process) -> None:
        await anyio.sleep(0.2)
        assert pushing.service.held == {}
        pushing.service.held["i", "a0"] = holds("somebody else's")

    pushing.service.plays("delete", LOST)
    slow = replace(ALL, backoff=(50.0, 60.0))
    pushing.push([planned(delete("a0"))], slow, meanwhile=make_again)
    assert changed(pushing) == ["a0"]
    assert pushing.service.held["i", "a0"] == holds("somebody else's")


def test_a_batch_that_is_refused_as_a_whole_is_looked_at_again_in_halves() -> None:
    pushing = holding(4)
    pushing.service.always(
        "overwrite", lambda changes: Refused("no", 400) if len(changes) > 2 else None
    )
    pushing.push(patches(4), ALL)
    assert [len(asked.keys) for asked in pushing.service.of("look-up")] == [4, 2, 2]
    assert pushing.counts() == (4, 0, 0, 0)


def test_what_is_gone_between_look_and_patch_is_told_by_another_look() -> None:
    pushing = holding(1)

    def gone(changes: object) -> object:
        pushing.service.held.clear()
        return each(Missing("no such annotation", 3))(changes)  # type: ignore[arg-type]

    pushing.service.plays("overwrite", gone)  # type: ignore[arg-type]
    pushing.push(patches(1), ALL)
    assert changed(pushing) == ["a0"]


def test_a_look_that_fails_is_taken_again_and_nothing_goes_before() -> None:
    pushing = holding(2)
    pushing.service.plays("look-up", BROKEN, BROKEN)
    pushing.push(patches(2), ALL)
    assert pushing.service.of("overwrite")[0].at > pushing.service.of("look-up")[-1].at
    assert pushing.counts() == (2, 0, 0, 0)


def test_a_throttled_change_is_looked_at_again_after_the_pause() -> None:
    pushing = holding(1)

    async def change_meanwhile(process: Process) -> None:
        await anyio.sleep(20.0)
        pushing.service.held["i", "a0"] = holds("somebody else's")

    pushing.service.plays("overwrite", busy(30))
    pushing.push(patches(1), ALL, meanwhile=change_meanwhile)
    assert changed(pushing) == ["a0"]


def test_a_look_from_before_a_pause_however_short_is_taken_again() -> None:
    pushing = holding(1)
    pushing.service.latency_seconds = 1.0
    pushing.service.plays("post", busy(2))

    async def change_meanwhile(process: Process) -> None:
        answer = pushing.service.hold("look-up")
        await anyio.sleep(2.5)  # in the pause
        answer()
        await anyio.sleep(1.5)  # after it, and after the first look
        pushing.service.held["i", "a0"] = holds("somebody else's")

    pushing.push([*patches(1), post("b")], ALL, meanwhile=change_meanwhile)
    assert changed(pushing) == ["a0"]
    assert len(pushing.service.of("look-up")) == 2


def test_a_look_from_before_a_pause_by_hand_is_taken_again() -> None:
    pushing = holding(1)
    pushing.service.latency_seconds = 1.0

    async def pause(process: Process) -> None:
        await anyio.sleep(0.5)
        process.engine.turns.hold("by hand")
        await anyio.sleep(1.0)
        pushing.service.held["i", "a0"] = holds("somebody else's")
        process.engine.turns.hold("")

    pushing.push(patches(1), ALL, meanwhile=pause)
    assert changed(pushing) == ["a0"]


def test_after_a_crash_a_queued_change_is_looked_at_again() -> None:
    pushing = holding(1)
    pushing.service.plays("overwrite", LOST)
    lines = patches(1)
    pushing.push(lines, replace(ALL, backoff=(50.0, 60.0)), killed_at=2.0)
    pushing.service.held["i", "a0"] = holds("somebody else's")
    pushing.push(lines, ALL)
    assert changed(pushing) == ["a0"]
