"""The facts of what was read."""

from __future__ import annotations

from syncer.core.change import BadLine, Change, Chunk, IgnoredLine, LogIdentity, Mark
from syncer.core.facts import DeadLetter, Opened, Read, Settled
from syncer.core.settle import facts_of_chunk

LOG = LogIdentity("/log.jsonl", "log.jsonl", "head", 1, 40, 0, 0)
END = Mark(4, 40, 4)


def change(index: int) -> Change:
    return Change(7, index, index + 1, "post", "i", "a", b"change", 0, 0)


def bad(index: int) -> BadLine:
    return BadLine(7, index, index + 1, b"bad", "it is bad")


def ignored(index: int) -> IgnoredLine:
    return IgnoredLine(7, index, index + 1, b"ignored")


def test_a_chunk_of_changes_alone_says_how_far_was_read() -> None:
    assert facts_of_chunk(Chunk(7, [change(0)], [], [], END), "log", 0.0) == [Read(7, END)]


def test_bad_lines_are_letters_and_they_and_ignored_ones_are_settled_in_runs() -> None:
    chunk = Chunk(7, [change(1)], [bad(0), bad(2), bad(3)], [ignored(4)], END, LOG)
    facts = facts_of_chunk(chunk, "log", 0.0)
    assert facts[0] == Opened(7, LOG)
    assert [fact.line for fact in facts if isinstance(fact, DeadLetter)] == [1, 3, 4]
    settled = [fact for fact in facts if isinstance(fact, Settled)]
    assert [(fact.start, fact.count, fact.place) for fact in settled] == [
        (0, 1, "dead"),
        (2, 2, "dead"),
        (4, 1, "ignored"),
    ]
    assert facts[-1] == Read(7, END)
