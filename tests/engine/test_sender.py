"""What follows from each answer, read-backs included: told by what the service is asked, what it holds, and what became dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import anyio
import pytest

from syncer.core.change import Change
from syncer.core.facts import Deleted
from syncer.core.limits import Limits
from syncer.core.outcome import (
    AllApplied,
    Answered,
    Applied,
    Exists,
    Failed,
    Halt,
    InDoubt,
    Missing,
    Outcome,
    Refused,
    Rejected,
    Retriable,
)
from syncer.errors import Stopped
from tests.support.fakes import LOST, UNREACHED, Service, busy, delete, delete_all, holds, patch, post
from tests.support.pushing import Process, Pushing, Settings

BROKEN = Failed("HTTP 500", in_doubt=False)
IN_DOUBT = Failed("HTTP 502", in_doubt=True)
ONE = Settings(Limits(batch_size=1, linger_seconds=0.0, max_attempts=4))


def each(outcome: Outcome) -> Callable[[Sequence[Change]], Answered]:
    """An answer that says this of every change."""
    return lambda changes: Answered([outcome] * len(changes))


def only(id: str, outcome: Outcome) -> Callable[[Sequence[Change]], Answered]:
    """An answer that says this of one change, and that the rest was applied."""
    return lambda changes: Answered([outcome if change.id == id else Applied() for change in changes])


def while_with(id: str, part: Refused | Failed) -> Callable[[Sequence[Change]], Refused | Failed | AllApplied]:
    """A request with this annotation fares so, every other one well."""
    return lambda changes: part if id in [change.id for change in changes] else AllApplied()


def posts(count: int) -> list[bytes]:
    return [post(f"a{number}") for number in range(count)]


def reasons(pushing: Pushing) -> list[tuple[str | None, str, int]]:
    """(id, reason, attempts) of every dead letter."""
    return [(letter.id, letter.reason, letter.attempts) for letter in pushing.letters]


# --- items --------------------------------------------------------------------------------------------------------------


def test_what_an_answer_rejects_is_dead_at_once_with_its_code_and_the_rest_is_not() -> None:
    pushing = Pushing()
    pushing.service.plays("post", only("a1", Rejected("no such concept", 21204)))
    pushing.push(posts(4))
    (letter,) = pushing.letters
    assert (letter.id, letter.reason, letter.code, letter.attempts) == ("a1", "no such concept", 21204, 1)
    assert pushing.counts() == (3, 0, 1, 0)
    assert pushing.service.kinds() == ["post"]


def test_an_item_that_fails_each_time_is_dead_after_the_attempts_that_are_allowed() -> None:
    pushing = Pushing()
    pushing.service.always("post", only("a1", Retriable("not now", 21350)))
    process = pushing.push(posts(4))
    assert reasons(pushing) == [("a1", "not now", 4)]
    assert pushing.service.kinds() == ["post"] * 4
    assert process.engine.sender.retries == 3


def test_waits_between_attempts_grow_up_to_their_cap() -> None:
    pushing = Pushing()
    pushing.service.always("post", each(Retriable("not now")))
    settings = Settings(Limits(batch_size=1, linger_seconds=0.0, max_attempts=40), backoff=(0.5, 20.0))
    pushing.push(posts(1), settings)
    waits = [later.at - earlier.at for earlier, later in pairwise(pushing.service.asked)]
    assert max(waits[:2]) <= 0.5 * 4 + 0.1
    assert 10.0 < max(waits) <= 20.1
    assert len(waits) == 39


def test_an_item_in_doubt_is_read_back_before_it_is_sent_again() -> None:
    pushing = Pushing()
    pushing.service.plays("post", only("a1", InDoubt("the answer does not mention it")))
    pushing.push(posts(4))
    assert pushing.service.kinds() == ["post", "look-up", "post"]
    assert [keys for _, keys in [(asked.kind, asked.keys) for asked in pushing.service.asked[1:]]] == [(("i", "a1"),)] * 2
    assert pushing.counts() == (4, 0, 0, 0)


def test_what_is_found_when_it_is_read_back_is_not_sent_again() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    process = pushing.push(posts(3))
    assert pushing.service.kinds() == ["post", "look-up"]
    assert process.engine.sender.reconciled == 3
    assert process.engine.sender.retries == 0
    assert pushing.counts() == (3, 0, 0, 0)


def test_a_post_in_doubt_whose_id_is_there_with_other_content_is_dead_and_left_as_it_is() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a0"] = holds("somebody else's")
    pushing.service.plays("post", IN_DOUBT)
    pushing.push(posts(2))
    ((id, reason, _),) = reasons(pushing)
    assert (id, reason[:8]) == ("a0", "id taken")
    assert pushing.service.held == {("i", "a0"): holds("somebody else's"), ("i", "a1"): holds()}


@pytest.mark.parametrize("line", [patch("a"), delete("a"), delete_all()])
def test_a_patch_or_a_delete_in_doubt_is_simply_sent_again(line: bytes) -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    verb = {b"pat": "overwrite", b"del": "delete"}[line[7:10]]
    verb = "delete_input" if b'"id"' not in line else verb
    pushing.service.plays(verb, LOST)
    pushing.push([line])
    assert "look-up" not in pushing.service.kinds()
    assert pushing.service.kinds().count(verb) == 2
    assert pushing.counts() == (1, 0, 0, 0)


def test_a_patch_that_answers_leave_out_is_read_back() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("patched")
    pushing.service.always("overwrite", each(InDoubt("the answer does not mention it", omitted=True)))
    pushing.push([patch("a")])
    assert pushing.service.kinds() == ["overwrite", "look-up"]
    assert pushing.counts() == (1, 0, 0, 0)


def test_a_patch_that_answers_leave_out_and_that_is_never_seen_is_dead_in_the_end() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    pushing.service.always("overwrite", each(InDoubt("the answer does not mention it", omitted=True)))
    pushing.push([patch("a")])
    assert reasons(pushing) == [("a", "the answer does not mention it", 4)]


# --- posts whose id is taken ----------------------------------------------------------------------------------------------


def test_a_post_whose_id_is_there_with_the_same_content_is_applied() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a1"] = holds()
    process = pushing.push(posts(3))
    assert pushing.counts() == (3, 0, 0, 0)
    assert process.engine.sender.reconciled == 1
    assert pushing.service.kinds() == ["post", "look-up"]


def test_a_post_whose_id_is_there_with_other_content_is_dead_and_left_as_it_is() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a1"] = holds("before")
    pushing.push(posts(3))
    ((id, reason, attempts),) = reasons(pushing)
    assert (id, reason[:8], attempts) == ("a1", "id taken", 1)
    assert pushing.service.held["i", "a1"] == holds("before")


def test_a_post_that_is_refused_as_a_duplicate_and_never_found_is_tried_again_and_dead_in_the_end() -> None:
    pushing = Pushing()
    pushing.service.always("post", each(Exists("duplicate", 40010)))
    pushing.push([post("a")])
    assert reasons(pushing) == [("a", "refused as a duplicate, but not found when read back: duplicate", 4)]


def test_a_post_that_was_perhaps_refused_as_a_duplicate_and_is_not_there_is_dead_for_what_was_said() -> None:
    pushing = Pushing()
    pushing.service.plays("post", each(Exists("bad box", 21200, certain=False)))
    pushing.push([post("a")])
    assert reasons(pushing) == [("a", "bad box", 1)]
    assert pushing.service.kinds() == ["post", "look-up"]


def test_of_a_batch_that_is_refused_as_a_duplicate_what_is_there_is_settled_and_the_rest_goes_again_at_once() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a1"] = holds()
    pushing.service.plays("post", Refused("duplicate", 40010, duplicate=True))
    pushing.push(posts(4))
    assert pushing.service.kinds() == ["post", "look-up", "post"]
    assert [id for _, id in pushing.service.asked[2].keys] == ["a0", "a2", "a3"]
    assert pushing.service.asked[2].at - pushing.service.asked[0].at < 0.2
    assert pushing.counts() == (4, 0, 0, 0)


def test_a_batch_that_is_refused_as_a_duplicate_of_what_is_not_there_is_halved_until_one_is_left() -> None:
    pushing = Pushing()
    pushing.service.always("post", while_with("a1", Refused("duplicate", 40010, duplicate=True)))
    pushing.push(posts(4))
    ((id, reason, attempts),) = reasons(pushing)
    assert (id, reason, attempts) == ("a1", "refused as a duplicate, but not found when read back: duplicate", 4)
    assert pushing.counts() == (3, 0, 1, 0)


def test_patches_are_never_read_as_duplicates() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    pushing.service.always("overwrite", Refused("duplicate concept", 40010, duplicate=True))
    pushing.push([patch("a")])
    assert reasons(pushing) == [("a", "duplicate concept", 1)]
    assert pushing.service.kinds() == ["overwrite"]


# --- whole requests -------------------------------------------------------------------------------------------------------


def test_a_refused_batch_is_halved_at_once_until_only_the_one_that_is_refused_is_dead() -> None:
    pushing = Pushing()
    pushing.service.always("post", while_with("a5", Refused("a bad concept", 21204)))
    pushing.push(posts(8), Settings(Limits(batch_size=8, linger_seconds=0.0)))
    assert reasons(pushing) == [("a5", "a bad concept", 1)]
    assert [len(asked.keys) for asked in pushing.service.asked] == [8, 4, 4, 2, 2, 1, 1]
    assert pushing.time.now < 1.0


def test_a_throttle_is_no_attempt_and_the_same_batch_goes_again_after_the_pause() -> None:
    pushing = Pushing()
    pushing.service.plays("post", *[busy(7)] * 20)
    process = pushing.push(posts(4), ONE)
    assert pushing.letters == []
    assert pushing.counts() == (4, 0, 0, 0)
    assert process.engine.turns.throttled == 20


def test_refused_connections_are_no_attempts() -> None:
    pushing = Pushing()
    pushing.service.plays("post", *[UNREACHED] * 20)
    pushing.push(posts(4))
    assert pushing.letters == []
    assert pushing.counts() == (4, 0, 0, 0)
    assert "look-up" not in pushing.service.kinds()


def test_an_outage_of_answers_is_no_attempt_of_anything() -> None:
    pushing = Pushing()
    for kind in ("post", "look-up", "inputs"):
        pushing.service.plays(kind, *[BROKEN] * 10)
    pushing.push(posts(8), ONE)
    assert pushing.letters == []
    assert pushing.counts() == (8, 0, 0, 0)


def test_a_change_whose_request_fails_while_all_else_is_well_is_dead_in_the_end_and_no_neighbour_of_it() -> None:
    pushing = Pushing()
    pushing.service.always("post", while_with("a5", IN_DOUBT))
    pushing.push(posts(8), Settings(Limits(batch_size=8, linger_seconds=0.0, max_attempts=4)))
    assert reasons(pushing) == [("a5", "HTTP 502", 4)]
    assert pushing.counts() == (7, 0, 1, 0)


@pytest.mark.parametrize("line", [patch("a"), delete("a")])
def test_a_last_change_that_fails_alone_is_an_attempt_once_the_service_was_asked_whether_it_is_well(line: bytes) -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    kind = "delete" if b"delete" in line else "overwrite"
    pushing.service.always(kind, BROKEN)
    pushing.push([line])
    assert reasons(pushing) == [("a", "HTTP 500", 4)]
    assert pushing.service.kinds() == [kind, "inputs"] * 4


def test_where_the_service_is_not_well_when_asked_nothing_was_an_attempt() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    pushing.service.always("overwrite", BROKEN)
    pushing.service.always("inputs", BROKEN)
    process = pushing.push([patch("a")])
    assert isinstance(process.error, Stopped)
    assert pushing.letters == []
    assert pushing.counts() == (0, 0, 0, 1)


def test_a_halt_keeps_the_batch_and_no_attempt_is_counted() -> None:
    pushing = Pushing()
    pushing.service.plays("post", Halt("the hourly limit is reached", 11006, "account"))
    process = pushing.push(posts(3))
    assert "the hourly limit is reached" in str(process.error)
    assert pushing.counts() == (0, 0, 0, 0)
    assert pushing.push(posts(3)).error is None
    assert pushing.counts() == (3, 0, 0, 0)


def test_a_halt_that_answers_a_look_up_ends_the_run_and_what_was_asked_for_stays_in_doubt() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    pushing.service.plays("look-up", Halt("the hourly limit is reached", 11006, "account"))
    process = pushing.push(posts(3))
    assert isinstance(process.error, Stopped)
    assert pushing.push(posts(3)).error is None
    assert pushing.service.kinds() == ["post", "look-up", "look-up"]
    assert pushing.counts() == (3, 0, 0, 0)


# --- look-ups -------------------------------------------------------------------------------------------------------------


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
    pushing.service.always("look-up", lambda changes: Refused("URI Too Long", 414) if len(changes) > 1 else None)
    pushing.push(posts(4))
    assert [len(asked.keys) for asked in pushing.service.of("look-up")] == [4, 2, 1, 1, 1, 1]
    assert pushing.counts() == (4, 0, 0, 0)


def test_where_a_look_up_fails_in_an_outage_what_it_asked_for_stays_in_doubt_and_what_was_answered_is_settled() -> None:
    pushing = Pushing(Service(look_up_size=2))
    pushing.service.plays("post", LOST)
    pushing.service.plays("look-up", lambda _: None, BROKEN)
    pushing.service.plays("inputs", BROKEN)
    pushing.push(posts(4))
    assert [[id for _, id in asked.keys] for asked in pushing.service.of("look-up")] == [["a0", "a1"], ["a2", "a3"], ["a2", "a3"]]
    assert len(pushing.service.of("post")) == 1
    assert pushing.counts() == (4, 0, 0, 0)


@pytest.mark.parametrize("part", [Refused("no such filter", 400), BROKEN])
def test_a_post_in_doubt_that_can_never_be_read_back_is_dead_in_the_end(part: Refused | Failed) -> None:
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
    pushing.service.always("look-up", lambda changes: BROKEN if "a2" in [change.id for change in changes] else None)
    pushing.push(posts(8), Settings(Limits(batch_size=8, linger_seconds=0.0, max_attempts=4)))
    assert [id for id, _, _ in reasons(pushing)] == ["a2"]
    assert pushing.counts() == (7, 0, 1, 0)


def test_waits_between_look_ups_that_fail_grow() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    pushing.service.always("look-up", BROKEN)
    pushing.push(posts(1), replace(ONE, limits=Limits(batch_size=1, max_attempts=40), give_up_seconds=0.0), killed_at=3600.0)
    assert 30 < len(pushing.service.of("look-up")) < 200


# --- what is not there ----------------------------------------------------------------------------------------------------


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


def test_a_change_of_an_input_that_is_not_there_is_dead_at_once_and_of_one_that_is_there_it_is_not() -> None:
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


def test_a_post_of_an_input_that_is_gone_is_dead_at_once_whatever_this_state_created_there() -> None:
    pushing = Pushing()
    pushing.created.add(("i", "a"))
    pushing.service.unknown.add("i")
    pushing.push([post("a")])
    assert reasons(pushing) == [("a", "no such input", 1)]


def test_inputs_are_asked_for_once_however_many_changes_name_them() -> None:
    pushing = Pushing()
    pushing.service.unknown.add("i")
    pushing.push(posts(4))
    assert [asked.keys for asked in pushing.service.of("inputs")] == [(("i", ""),)]


# --- bounded deletions ----------------------------------------------------------------------------------------------------


def test_a_run_stops_before_the_deletion_that_is_one_too_many() -> None:
    pushing = Pushing()
    for number in range(5):
        pushing.service.held["i", f"a{number}"] = holds()
    process = pushing.push([delete(f"a{number}") for number in range(5)], replace(ONE, max_delete=3))
    assert "--max-delete 3" in str(process.error)
    assert len(pushing.service.held) == 2
    assert pushing.letters == []


def test_deletions_are_counted_over_all_runs_and_a_higher_bound_goes_on() -> None:
    pushing = Pushing()
    lines = [delete(f"a{number}") for number in range(5)]
    pushing.push(lines[:2], replace(ONE, max_delete=3))
    assert isinstance(pushing.push(lines, replace(ONE, max_delete=3)).error, Stopped)
    assert sum(fact.count for fact in pushing.journal.facts(Deleted)) == 3  # type: ignore[union-attr]
    assert pushing.push(lines, replace(ONE, max_delete=5)).error is None


def test_a_delete_that_is_sent_again_is_counted_once() -> None:
    pushing = Pushing()
    pushing.service.plays("delete", BROKEN, LOST)
    process = pushing.push([delete("a"), delete("b")], replace(ONE, max_delete=2))
    assert process.error is None
    assert pushing.counts() == (2, 0, 0, 0)


def test_a_delete_that_is_refused_for_good_gives_its_share_back() -> None:
    pushing = Pushing()
    pushing.service.plays("delete", each(Rejected("it is locked")))
    process = pushing.push([delete("a"), delete("b")], replace(ONE, max_delete=1), chunk_lines=1, before=lambda at: anyio.sleep(at * 10))
    assert process.error is None
    assert reasons(pushing) == [("a", "it is locked", 1)]
    assert pushing.counts() == (1, 0, 1, 0)


def test_what_a_delete_of_a_whole_input_deletes_is_counted_by_all_pages_first() -> None:
    pushing = Pushing()
    pushing.service.page_rows = 3
    for number in range(7):
        pushing.service.held["i", f"a{number}"] = holds()
    process = pushing.push([delete_all("i")], replace(ONE, max_delete=6))
    assert "all 7 annotations of input i" in str(process.error)
    assert len(pushing.service.held) == 7
    assert pushing.service.kinds() == ["list"] * 4
    assert pushing.push([delete_all("i")], replace(ONE, max_delete=7)).error is None
    assert pushing.service.held == {}


def test_rows_that_come_on_two_pages_are_counted_once() -> None:
    """A list that shifts while it is read."""
    pushing = Pushing()
    pushing.service.page_rows = 2
    pushing.service.held.update({("i", f"a{number}"): holds() for number in range(4)})

    def shifting(changes: Sequence[Change]) -> None:
        pushing.service.page_rows = 3 if len(pushing.service.of("list")) == 2 else 2

    pushing.service.always("list", shifting)
    assert pushing.push([delete_all("i")], replace(ONE, max_delete=4)).error is None


def test_without_a_bound_nothing_is_listed() -> None:
    pushing = Pushing()
    pushing.push([delete_all("i")])
    assert pushing.service.kinds() == ["delete_input"]


def test_where_the_list_fails_nothing_is_deleted_until_it_is_answered() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds()
    pushing.service.plays("list", BROKEN)
    process = pushing.push([delete_all("i")], replace(ONE, max_delete=5))
    assert process.error is None
    assert pushing.service.kinds() == ["list", "inputs", "list", "list", "delete_input"]
    assert pushing.service.held == {}


def test_a_delete_of_an_input_that_can_never_be_listed_is_dead_in_the_end_and_no_other_one() -> None:
    pushing = Pushing()
    pushing.service.held.update({("i", "a"): holds(), ("j", "a"): holds(), ("k", "a"): holds()})
    refused = Refused("no such input", 400)
    pushing.service.always("list", lambda changes: refused if "j" in [change.input_id for change in changes] else None)
    process = pushing.push([delete_all("i"), delete_all("j"), delete_all("k")], replace(Settings(), max_delete=5))
    assert process.error is None
    assert [(letter.input_id, letter.attempts) for letter in pushing.letters] == [("j", 4)]
    assert list(pushing.service.held) == [("j", "a")]


def test_a_service_that_refuses_the_question_whether_it_is_well_has_answered_it() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    pushing.service.always("overwrite", BROKEN)
    pushing.service.always("inputs", Refused("no such filter", 400))
    pushing.push([patch("a")])
    assert reasons(pushing) == [("a", "HTTP 500", 4)]


def test_turns_that_were_given_back_are_not_lost() -> None:
    """Whatever was asked, at the end nothing counts as under way."""
    pushing = Pushing()
    pushing.service.held.update({("i", f"a{number}"): holds() for number in range(9)})
    lines = [delete_all("i"), delete_all("j"), *[delete(f"b{number}") for number in range(9)]]
    process = pushing.push(lines, replace(ONE, max_delete=4))
    assert isinstance(process.error, Stopped)
    assert process.engine.turns.in_flight == 0
