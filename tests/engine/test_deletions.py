"""How many annotations a push may delete, counted over whatever comes in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import anyio

from syncer.core.change import Change
from syncer.core.facts import Deleted
from syncer.core.outcome import (
    Refused,
    Rejected,
)
from syncer.errors import Stopped
from tests.engine.answers import BROKEN, ONE, each, reasons
from tests.support.fakes import LOST, Service
from tests.support.lines import delete, delete_all, holds, patch
from tests.support.pushing import Process, Pushing, Settings


def test_a_run_stops_before_the_deletion_that_is_one_too_many() -> None:
    pushing = Pushing()
    for number in range(5):
        pushing.service.held["i", f"a{number}"] = holds()
    process = pushing.push(
        [delete(f"a{number}") for number in range(5)], replace(ONE, max_delete=3)
    )
    assert "--max-delete 3: 3 annotations are deleted" in str(process.error)
    assert "the next change deletes one more: " in str(process.error)
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
    process = pushing.push(
        [delete("a"), delete("b")],
        replace(ONE, max_delete=1),
        chunk_lines=1,
        before=lambda at: anyio.sleep(at * 10),
    )
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


def test_a_delete_of_an_input_that_can_never_be_listed_is_dead_in_the_end_and_no_other() -> None:
    pushing = Pushing()
    pushing.service.held.update({("i", "a"): holds(), ("j", "a"): holds(), ("k", "a"): holds()})
    refused = Refused("no such input", 400)
    pushing.service.always(
        "list", lambda changes: refused if "j" in [change.input_id for change in changes] else None
    )
    process = pushing.push(
        [delete_all("i"), delete_all("j"), delete_all("k")], replace(Settings(), max_delete=5)
    )
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


def test_a_run_that_is_interrupted_while_it_lists_deletes_nothing_and_goes_on_later() -> None:
    pushing = Pushing(Service(latency_seconds=5.0))
    pushing.service.held["i", "a"] = holds()

    async def interrupt(process: Process) -> None:
        await anyio.sleep(1.0)
        process.engine.drain()

    process = pushing.push([delete_all("i")], replace(ONE, max_delete=5), meanwhile=interrupt)
    assert process.came_to_its_end
    assert pushing.service.held == {("i", "a"): holds()}
    assert process.engine.turns.in_flight == 0
    assert pushing.push([delete_all("i")], replace(ONE, max_delete=5)).error is None
    assert pushing.service.held == {}


def test_of_a_batch_of_whole_inputs_as_many_are_deleted_as_the_bound_allows() -> None:
    pushing = Pushing()
    for number in range(4):
        pushing.service.held[f"i{number}", "a"] = holds()
    process = pushing.push(
        [delete_all(f"i{number}") for number in range(4)], replace(Settings(), max_delete=3)
    )
    assert "input i3" in str(process.error)
    assert list(pushing.service.held) == [("i3", "a")]
