"""The backlog's rules, one at a time."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from syncer.core.backlog import Backlog
from syncer.core.batch import Batch
from syncer.core.change import Change, Verb
from syncer.core.limits import Limits


def change(index: int, id: str, verb: Verb = "post", input_id: str = "i") -> Change:
    """A change of an annotation of one input."""
    return Change(
        1, index, index + 1, verb, input_id, "" if verb == "delete_input" else id, b"{%d}" % index
    )


def commit(backlog: Backlog, now: float = 0) -> None:
    """Everything known becomes durable."""
    backlog.committed(backlog.collect(), now)


def ids(batch: Batch | None) -> list[str]:
    """Who is in a batch."""
    assert batch is not None
    return [entry.change.id for entry in batch.entries]


def ended(changes: list[Change], limits: Limits = Limits()) -> Backlog:
    """A backlog of a source that has ended."""
    backlog = Backlog(limits)
    backlog.offer(changes, 0)
    backlog.source_ended = True
    return backlog


def test_a_successor_waits_until_its_predecessor_is_durable() -> None:
    backlog = ended([change(0, "a"), change(1, "a", "merge")])
    first = backlog.take(0)
    assert ids(first) == ["a"]
    assert first is not None
    backlog.applied(first.entries)
    assert backlog.take(0) is None
    commit(backlog)
    second = backlog.take(0)
    assert second is not None
    assert second.verb == "merge"


def test_a_whole_input_delete_waits_for_all_before_it_and_holds_all_behind_it() -> None:
    backlog = ended(
        [
            change(0, "a"),
            change(1, "b"),
            change(2, "", "delete_input"),
            change(3, "a"),
            change(4, "x", input_id="other"),
        ]
    )
    first = backlog.take(0)
    assert ids(first) == ["a", "b", "x"]
    assert first is not None
    backlog.applied(first.entries)
    commit(backlog)
    barrier = backlog.take(0)
    assert barrier is not None
    assert barrier.verb == "delete_input"
    assert backlog.take(0) is None
    backlog.applied(barrier.entries)
    commit(backlog)
    assert ids(backlog.take(0)) == ["a"]


def test_a_whole_input_delete_is_not_queued_before_all_that_it_waits_for() -> None:
    """Else a restart would put what was still in the window behind it."""
    backlog = ended(
        [change(0, "a"), change(1, "b"), change(2, "", "delete_input")], Limits(batch_size=1)
    )
    one, two = backlog.take(0), backlog.take(0)
    assert one is not None
    assert two is not None
    backlog.failed(one.entries, "no", None, 0, 1, doubt=False)
    assert [entry.change.id for entry in backlog.collect().queued] == ["a"]
    backlog.failed(two.entries, "no", None, 0, 1, doubt=False)
    assert [entry.change.verb for entry in backlog.collect().queued] == ["post", "delete_input"]


def test_one_poison_change_in_128_is_found_with_14_requests() -> None:
    backlog = ended([change(n, f"a-{n}") for n in range(128)])
    requests = 0
    while (batch := backlog.take(0)) is not None:
        requests += 1
        if "a-77" not in ids(batch):
            backlog.applied(batch.entries)
        elif len(batch.entries) > 1:
            backlog.halve(batch)
        else:
            backlog.rejected(batch.entries[0], "poison", 1, 0)
    assert requests == 15
    settlement = backlog.collect()
    assert (len(settlement.applied), len(settlement.dead)) == (127, 1)


def test_a_failed_request_counts_only_where_the_destination_was_well_and_halves_the_next() -> None:
    backlog = ended([change(n, f"a-{n}", "merge") for n in range(128)])
    batch = backlog.take(0)
    assert batch is not None
    backlog.failed(batch.entries, "HTTP 500", None, 10, 11, doubt=True)
    commit(backlog)
    backlog.ripen(12, succeeded_at=5)
    look_up = backlog.take(12)
    assert look_up is not None
    assert look_up.look_up != "no"
    assert look_up.entries[0].attempts == 0
    for entry in look_up.entries:
        backlog.looked_up(entry, 12)
    again = backlog.take(12)
    assert again is not None
    assert (len(again.entries), again.entries[0].attempts) == (64, 1)


def test_the_last_attempt_is_made_alone_and_then_the_change_is_dead() -> None:
    backlog = ended([change(n, f"a-{n}", "delete") for n in range(2)], Limits(max_attempts=3))
    sizes = []
    for now in range(0, 100, 10):
        backlog.ripen(now + 2, succeeded_at=now + 1.5)
        while (batch := backlog.take(now + 2)) is not None:
            sizes.append(len(batch.entries))
            backlog.failed(batch.entries, "no", None, now + 2, now + 3, doubt=False)
        settlement = backlog.collect()
        backlog.committed(settlement, now)
        if settlement.dead:
            assert [entry.attempts for entry in settlement.dead] == [3, 3]
            break
    assert sizes[-2:] == [1, 1]
    assert backlog.count == 0


def test_a_change_that_the_remote_named_twice_does_not_die_of_a_neighbours_request() -> None:
    """Nor after a restart, which knows its attempts, not that it had been suspected."""
    backlog = ended([change(n, f"a-{n}", "delete") for n in range(2)], Limits(max_attempts=2))
    named = backlog.take(0)
    assert named is not None
    for entry in named.entries:
        backlog.retriable(entry, "busy", None, 1, 2)
    commit(backlog, 1)
    backlog.ripen(3, succeeded_at=2)
    together = backlog.take(3)
    assert together is not None
    assert len(together.entries) == 2
    backlog.failed(together.entries, "HTTP 500", None, 4, 5, doubt=False)
    commit(backlog, 4)
    backlog.ripen(6, succeeded_at=5.5)
    assert [len(ids(backlog.take(6))) for _ in range(2)] == [1, 1]


def test_a_change_behind_a_queued_one_is_queued_behind_it() -> None:
    backlog = ended([change(0, "a"), change(1, "a", "merge")])
    batch = backlog.take(0)
    assert batch is not None
    backlog.failed(batch.entries, "no", None, 0, 5, doubt=False)
    backlog.offer([change(2, "a", "delete")], 0)
    assert [(entry.number, entry.change.index) for entry in backlog.collect().queued] == [
        (1, 0),
        (2, 1),
        (3, 2),
    ]
    assert (backlog.window_count, backlog.queue_count) == (0, 3)


def test_what_is_queued_holds_its_line_until_the_queue_is_durable_and_no_longer() -> None:
    backlog = ended([change(0, "a"), change(1, "a", "merge")])
    batch = backlog.take(0)
    assert batch is not None
    backlog.failed(batch.entries, "no", None, 0, 1, doubt=False)
    settlement = backlog.collect()
    assert [entry.change.raw for entry in settlement.queued] == [b"{0}", b"{1}"]
    backlog.committed(settlement, 0)
    assert [entry.change.raw for entry in settlement.queued] == [b"", b""]


def test_batches_hold_one_verb_and_a_bounded_number_of_bytes() -> None:
    large = Change(1, 9, 10, "post", "i", "large", b"x" * 100)
    backlog = ended(
        [change(0, "a"), large, change(1, "b"), change(2, "c", "delete")],
        Limits(batch_bytes_max=50),
    )
    assert [ids(backlog.take(0)) for _ in range(4)] == [["a"], ["large"], ["b"], ["c"]]


def large(index: int, verb: Verb = "post") -> Change:
    """A change of 100 kB."""
    return replace(change(index, f"a{index}", verb), raw=b"x" * 100_000)


@pytest.mark.parametrize(
    ("verb", "batch_size", "waits"),
    [("post", 2, True), ("merge", 2, True), ("post", 1, False), ("delete", 2, False)],
)
def test_others_wait_for_a_large_request_only_where_it_could_be_smaller_and_carries_its_changes(
    verb: Verb, batch_size: int, waits: bool
) -> None:
    backlog = ended([large(index, verb) for index in range(4)], Limits(batch_size=batch_size))
    assert backlog.take(0) is not None
    assert (backlog.take(0) is None) == waits


def test_nothing_waits_for_a_look_up_of_large_changes() -> None:
    backlog = ended([large(index) for index in range(4)], Limits(batch_size=2))
    batch = backlog.take(0)
    assert batch is not None
    backlog.failed(batch.entries, "no", None, 0, 1, doubt=True)
    backlog.over(batch)
    commit(backlog)
    backlog.ripen(2, succeeded_at=0)
    look_up = backlog.take(2)
    assert look_up is not None
    assert (look_up.look_up, ids(look_up)) == ("read back", ["a0", "a1"])
    assert ids(backlog.take(2)) == ["a2", "a3"]


def test_a_part_full_batch_lingers_while_more_may_come() -> None:
    backlog = Backlog(Limits(linger_seconds=0.2))
    backlog.offer([change(0, "a")], 10)
    assert backlog.take(10.1) is None
    assert backlog.wake_at(10.1) == 10.2
    assert ids(backlog.take(10.2)) == ["a"]


def test_the_window_counts_all_bytes_that_a_change_holds_and_gives_them_back() -> None:
    """A line whose left-out fields are huge, and what is sent of it."""
    bare = Change(1, 0, 1, "post", "i", "a", b" " * 700, written=b"{}")
    backlog = ended([bare, change(1, "b")], Limits(window_bytes_max=700))
    assert not backlog.room()
    assert backlog.window_bytes == 700 + 2 + len(change(1, "b").raw)
    batch = backlog.take(0)
    assert batch is not None
    backlog.applied(batch.entries[:1])
    backlog.failed(batch.entries[1:], "HTTP 500", None, 1, 2, doubt=True)
    commit(backlog)
    assert backlog.window_bytes == 0


def test_a_patch_in_doubt_is_sent_again_and_read_back_only_where_answers_leave_it_out() -> None:
    """A read that lags may show a state before the patch in which it seems done;
    sending it again is safe.
    """
    backlog = ended([change(0, "a", "remove"), change(1, "b", "remove")])
    batch = backlog.take(0)
    assert batch is not None
    backlog.failed(batch.entries[:1], "the connection broke", None, 1, 2, doubt=True)
    backlog.retriable(
        batch.entries[1], "the answer does not mention it", None, 1, 2, doubt=True, omitted=True
    )
    commit(backlog, 1)
    backlog.ripen(3, succeeded_at=2)
    taken = {
        (tuple(ids(batch)), batch.look_up)
        for batch in (backlog.take(3), backlog.take(3))
        if batch is not None
    }
    assert taken == {(("a",), "no"), (("b",), "read back")}


def test_a_patch_in_doubt_at_a_destination_that_is_down_only_probes() -> None:
    backlog = ended([change(0, "a", "merge")])
    batch = backlog.take(0)
    assert batch is not None
    backlog.failed(batch.entries, "HTTP 500", None, 1, 2, doubt=True)
    commit(backlog, 1)
    backlog.ripen(3, succeeded_at=0)
    probe = backlog.take(3)
    assert probe is not None
    assert probe.look_up == "probe"


def test_where_nothing_is_ready_it_wakes_when_what_failed_is_due() -> None:
    backlog = ended([change(0, "a")])
    assert backlog.wake_at(0) == Limits().linger_seconds
    batch = backlog.take(0)
    assert batch is not None
    assert backlog.wake_at(0) is None
    backlog.failed(batch.entries, "HTTP 500", None, 1, 7, doubt=False)
    assert backlog.wake_at(1) is None
    commit(backlog, 1)
    assert backlog.wake_at(1) == 7


def test_what_a_trace_shows_of_it_is_where_its_changes_are() -> None:
    backlog = ended([change(0, "a"), change(1, "", "delete_input"), change(2, "b", "merge", "j")])
    assert (
        repr(backlog)
        == "Backlog(window=3, queue=0, ready={'post': 1, 'merge': 1}, formed=0, apart=0)"
    )


# --- where each change is -------------------------------------------------------------


def live(backlog: Backlog, input_id: str = "i") -> list[tuple[int, int | None, bool]]:
    """(index, index of what it waits for, whether it is on its way) of each change."""
    return [
        (one.entry.change.index, one.before and one.before.change.index, one.is_sent)
        for one in backlog.list_live(input_id)
    ]


def test_the_live_changes_of_an_input_are_listed_each_with_what_it_waits_for() -> None:
    backlog = ended(
        [
            change(0, "a"),
            change(1, "a", "merge"),
            change(2, "", "delete_input"),
            change(3, "a"),
            change(4, "z", input_id="other"),
        ]
    )
    assert live(backlog) == [(0, None, False), (1, 0, False), (2, 1, False), (3, 2, False)]
    batch = backlog.take(0)
    assert batch is not None
    assert live(backlog)[0] == (0, None, True)
    assert live(backlog, "other") == [(4, None, True)]
    assert live(backlog, "nothing") == []


def test_so_are_those_that_wait_for_their_time_and_those_that_go_apart() -> None:
    backlog = ended([change(0, "a"), change(1, "b"), change(2, "c", "merge")])
    batch = backlog.take(0)
    assert batch is not None
    backlog.failed(batch.entries, "HTTP 502", None, 1, 7, doubt=True)
    commit(backlog, 1)
    backlog.over(batch)
    assert live(backlog) == [(0, None, False), (1, None, False), (2, None, False)]
    assert [entry.change.id for entry in backlog.waiting.list_next(1)] == ["a"]
    assert len(backlog.waiting) == 2
    backlog.ripen(8, 0)
    assert {index for index, _, _ in live(backlog)} == {0, 1, 2}
    again = backlog.take(8)
    assert again is not None
    backlog.again(again)
    assert {index for index, _, _ in live(backlog)} == {0, 1, 2}


def test_of_an_input_whose_delete_is_next_it_waits_for_nothing() -> None:
    backlog = ended([change(0, "", "delete_input"), change(1, "a")])
    assert live(backlog) == [(0, None, False), (1, 0, False)]
    batch = backlog.take(0)
    assert batch is not None
    assert live(backlog) == [(0, None, True), (1, 0, False)]


def test_planned_changes_go_apart_from_those_that_go_unseen() -> None:
    planned = [replace(change(n, f"p{n}", "merge"), expect="0" * 32) for n in (0, 2)]
    others = [change(n, f"q{n}", "merge") for n in (1, 3)]
    backlog = ended([planned[0], others[0], planned[1], others[1]])
    first, second = backlog.take(9), backlog.take(9)
    assert first is not None
    assert second is not None
    assert (ids(first), first.look_up) == (["p0", "p2"], "expect")
    assert (ids(second), second.look_up) == (["q1", "q3"], "no")


def test_a_planned_change_that_is_tried_again_is_looked_at_again() -> None:
    backlog = ended([replace(change(0, "p", "merge"), expect="0" * 32)])
    batch = backlog.take(9)
    assert batch is not None
    backlog.retriable(batch.entries[0], "later", None, 9, 10)
    commit(backlog, 9)
    backlog.ripen(11, 9)
    again = backlog.take(11)
    assert again is not None
    assert again.look_up == "expect"
