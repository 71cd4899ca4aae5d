"""Posts side by side in a backlog: they go, end and are told as one, until one of them
is special.
"""

from __future__ import annotations

import pytest

from syncer.core.backlog import Backlog
from syncer.core.batch import Batch
from syncer.core.change import Change, Verb
from syncer.core.columns import POST_HEADS
from syncer.core.limits import Limits
from syncer.core.settle import runs
from tests.support.columns import side_by_side

HEAD = POST_HEADS[0]
PLAIN = [
    Change(1, at, at + 1, "post", f"i{at % 2}", f"a{at}", HEAD + b"%d}" % at, len(HEAD), -1)
    for at in range(4)
]


def later(index: int, verb: Verb, input_id: str, id: str = "") -> Change:
    return Change(1, index, index + 1, verb, input_id, id, b"{%d}" % index)


def offered(*more: Change, batch_size: int = 128) -> Backlog:
    """A backlog with four posts side by side, and what comes after them."""
    backlog = Backlog(Limits(batch_size=batch_size))
    backlog.offer(side_by_side(PLAIN), 0)
    backlog.offer(more, 0)
    backlog.source_ended = True
    return backlog


def taken(backlog: Backlog) -> Batch:
    batch = backlog.take(0)
    assert batch is not None
    backlog.over(batch)
    return batch


def test_posts_side_by_side_are_applied_and_told_without_an_entry() -> None:
    backlog = offered()
    batch = taken(backlog)
    assert batch.posts is not None
    assert (batch.count, batch.list_entries()) == (4, [])
    backlog.all_applied(batch)
    settlement = backlog.collect()
    assert settlement.applied_count == 4
    assert [change.id for change, _ in settlement.list_applied()] == ["a0", "a1", "a2", "a3"]
    assert settlement.list_created() == [change.key for change in PLAIN]
    (told,) = runs([], "applied", settlement.posts)
    (wanted,) = runs(PLAIN, "applied")
    assert told == wanted
    backlog.committed(settlement, 0)
    assert (backlog.window_count, backlog.window_bytes) == (0, 0)


def test_a_post_side_by_side_that_is_over_leaves_its_key_to_a_later_change() -> None:
    backlog = offered(batch_size=2)
    for _ in range(2):
        backlog.all_applied(taken(backlog))
        backlog.committed(backlog.collect(), 0)
    backlog.offer([later(4, "merge", "i0", "a0")], 0)
    assert [entry.change.id for entry in taken(backlog).entries] == ["a0"]


def test_another_change_of_its_key_makes_entries_of_those_beside_it_and_waits() -> None:
    backlog = offered(later(4, "merge", "i0", "a0"))
    first = taken(backlog)
    assert first.posts is None
    assert [entry.change.index for entry in first.entries] == [0, 1, 2, 3]
    assert backlog.take(0) is None
    backlog.all_applied(first)
    settlement = backlog.collect()
    assert [entry.change.index for entry in settlement.list_ended()] == [0, 1, 2, 3]
    backlog.committed(settlement, 0)
    assert [entry.change.verb for entry in taken(backlog).entries] == ["merge"]


@pytest.mark.parametrize("sent", [False, True])
def test_a_whole_input_delete_waits_for_posts_side_by_side_of_its_input(*, sent: bool) -> None:
    backlog = offered()
    batch = taken(backlog) if sent else None
    backlog.offer([later(4, "delete_input", "i0")], 0)
    batch = batch or taken(backlog)
    assert backlog.take(0) is None
    backlog.all_applied(batch)
    settlement = backlog.collect()
    assert settlement.applied_count == 4
    backlog.committed(settlement, 0)
    assert taken(backlog).verb == "delete_input"


def test_an_answer_that_is_not_all_well_is_about_entries() -> None:
    backlog = offered()
    batch = taken(backlog)
    backlog.unfold(batch)
    assert batch.posts is None
    backlog.applied(batch.entries[1:])
    backlog.rejected(batch.entries[0], "never", 1, 0)
    settlement = backlog.collect()
    assert [entry.change.id for entry in settlement.dead] == ["a0"]
    assert settlement.list_created() == [change.key for change in PLAIN[1:]]
    backlog.committed(settlement, 0)
    assert backlog.window_count == 0


def test_a_sequence_of_posts_is_one_of_changes() -> None:
    posts, told = side_by_side(PLAIN), list(map(str, PLAIN))
    assert list(map(str, posts)) == told
    assert [str(posts[1]), str(posts[-1]), *map(str, posts[1:3])] == [told[1], told[3], *told[1:3]]
    with pytest.raises(IndexError):
        posts[4]
