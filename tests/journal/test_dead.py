"""dead.jsonl: closed letters leave the lists, and nothing is ever half done."""

from __future__ import annotations

import errno
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.change import Change
from syncer.core.facts import (
    Closed,
    DeadFact,
    DeadLetter,
    Fact,
    LettersForgotten,
    Settled,
    Unburied,
)
from syncer.core.letters import OpenLetter
from syncer.core.retry import RetryQueue, drop_letter
from syncer.core.settle import forgotten
from syncer.errors import StateError
from syncer.jobs.dead import open_in
from syncer.journal import dead
from syncer.journal.dead import letter_at
from syncer.journal.disk import REAL, Disk
from syncer.journal.journal import Journal
from tests.journal.made import HERE, bodies, letter, opened, queued, state


def with_letters(folder: Path, count: int = 3, disk: Disk = REAL) -> Journal:
    """A state with some letters of one log, and a change that waits."""
    journal = Journal.open(folder, HERE, disk=disk)
    journal.commit(
        [
            opened(),
            *(letter(index, id=f"k{index}") for index in range(count)),
            Settled(1, 0, count, 1, "dead"),
        ]
    )
    journal.commit([Settled(1, count, 1, 2, "queued"), queued(1, count, id="k0")])
    return journal


def retry(journal: Journal, found: OpenLetter) -> list[Fact]:
    """The facts of a retry of this letter, as a delete of the same id."""
    change = Change(
        1, found.letter.index, 1, "delete", "i", found.letter.id or "", b'{"again":true}'
    )
    ledger = journal.ledger
    queue = RetryQueue(ledger.queue.values(), count(ledger.next_number))
    return queue.put_back([(found, change)])


def test_letters_that_are_dropped_or_queued_again_are_closed_and_every_change_stays_counted(
    tmp_path: Path,
) -> None:
    journal = with_letters(tmp_path)
    first, second, third = open_in(tmp_path)
    journal.commit(retry(journal, first))
    journal.commit(drop_letter(third.number, third.letter))
    assert list(open_in(tmp_path)) == [second]
    counts = journal.ledger.logs[1].counts
    assert (counts.read, counts.dead, counts.ignored, counts.queued) == (4, 1, 1, 2)
    journal.close()


def test_a_letter_that_dies_again_is_a_new_letter_with_the_rank_of_the_first(
    tmp_path: Path,
) -> None:
    journal = with_letters(tmp_path)
    journal.commit(retry(journal, next(open_in(tmp_path))))
    again = letter(0, id="k0")
    journal.commit(
        [
            DeadLetter(
                **{**{name: getattr(again, name) for name in again.__struct_fields__}, "rank": 0}
            )
        ]
    )
    assert [(found.number, found.rank) for found in open_in(tmp_path)] == [(1, 1), (2, 2), (3, 0)]
    journal.close()


def test_what_was_renumbered_keeps_its_body_over_restarts_and_compactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = with_letters(tmp_path)
    before = bodies(journal)[1]
    journal.commit(retry(journal, next(open_in(tmp_path))))
    assert [(queued.number, queued.index) for queued in journal.ledger.queue.values()] == [
        (2, 0),
        (3, 3),
    ]
    wanted = bodies(journal)
    assert wanted == {2: (b'{"again":true}', None), 3: before}
    found = state(journal.ledger)
    journal.close()
    journal = Journal.open(tmp_path, HERE)
    assert (state(journal.ledger), bodies(journal)) == (found, wanted)
    monkeypatch.setattr(journal, "_compact_at", 0)
    journal.commit([Unburied(1, "ignored"), Closed(1, "dropped")])
    assert bodies(journal) == wanted
    journal.close()
    journal = Journal.open(tmp_path, HERE)
    assert bodies(journal) == wanted
    journal.close()


def test_a_forgotten_log_takes_its_letters_along_and_a_new_log_of_its_number_does_not_inherit_them(
    tmp_path: Path,
) -> None:
    journal = with_letters(tmp_path)
    journal.commit(forgotten(1))
    journal.commit([opened(), letter(7), Settled(1, 7, 1, 1, "dead")])
    assert [found.letter.index for found in open_in(tmp_path)] == [7]
    assert journal.ledger.dead == 1
    journal.close()


class PowerCut(Exception):
    """The process is gone."""


class Cut(Disk):
    """A disk on which the power fails at one write or sync: what was not synced is
    lost, in part or wholly.
    """

    def __init__(self, at: int, kept: float) -> None:
        self.left, self.kept = at, kept

    def _tick(self) -> None:
        self.left -= 1
        if not self.left:
            raise PowerCut

    def write(self, descriptor: int, data: bytes) -> None:
        """Write; on the power cut only a part."""
        if self.left == 1:
            super().write(descriptor, data[: int(len(data) * self.kept)])
        self._tick()
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Sync."""
        self._tick()
        super().sync(descriptor)


@pytest.mark.parametrize("kept", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("what", ["retry", "drop"])
def test_power_that_fails_anywhere_in_a_retry_or_drop_leaves_it_done_or_undone(
    tmp_path: Path, what: str, kept: float
) -> None:
    """Four steps: letters written, synced, frame written, synced."""
    outcomes = []
    for at in range(1, 5):
        folder = tmp_path / f"{at}"
        journal = with_letters(folder)
        found = next(open_in(folder))
        facts = (
            retry(journal, found) if what == "retry" else drop_letter(found.number, found.letter)
        )
        undone = state(journal.ledger)
        journal._disk = Cut(at, kept)
        with pytest.raises(PowerCut):
            journal.commit(facts)
        journal._disk = Disk()
        journal.close()
        journal = Journal.open(folder, HERE)
        letters = [found.letter.id for found in open_in(folder)]
        done = state(journal.ledger) != undone
        assert letters == (["k1", "k2"] if done else ["k0", "k1", "k2"])
        counts = journal.ledger.logs[1].counts
        assert (counts.read, counts.dead) == (4, len(letters))
        assert len(bodies(journal)) == counts.queued
        journal.close()
        outcomes.append(done)
    assert outcomes == [False, False, kept == 1.0, True]


def test_a_full_disk_at_a_drop_leaves_the_letter_open(tmp_path: Path) -> None:
    class Full(Disk):
        def write(self, descriptor: int, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    journal = with_letters(tmp_path)
    found = next(open_in(tmp_path))
    journal._disk = Full()
    with pytest.raises(StateError, match="No space left"):
        journal.commit(drop_letter(found.number, found.letter))
    journal.close()
    assert len(list(open_in(tmp_path))) == 3


@pytest.mark.proof
def test_every_flipped_byte_of_a_dead_letter_is_damage_at_the_place_of_its_line(
    tmp_path: Path,
) -> None:
    with_letters(tmp_path).close()
    path = tmp_path / "dead.jsonl"
    whole = path.read_bytes()
    starts = [at + 1 for at, byte in enumerate(whole) if byte == 0x0A]
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        line = max((start for start in (0, *starts) if start <= at), default=0)
        with pytest.raises(StateError, match=rf"dead.jsonl: damaged at byte {line} "):
            Journal.open(tmp_path, HERE)
        with pytest.raises(StateError, match=rf"dead.jsonl: damaged at byte {line} "):
            list(open_in(tmp_path))


def test_a_line_that_closes_a_letter_which_is_not_there_is_damage(tmp_path: Path) -> None:
    journal = with_letters(tmp_path)
    journal.commit([Closed(3, "dropped")])
    journal.close()
    with pytest.raises(
        StateError, match=r"damaged at byte \d+ \(.*closes the letter 3, but only 3 precede it\)"
    ):
        list(open_in(tmp_path))


def test_a_line_is_the_one_that_the_docs_show() -> None:
    assert dead.encode(Closed(3, "dropped"), 1290).decode() in (
        Path(__file__).parents[2] / "docs" / "journal.md"
    ).read_text("utf-8")
    assert (
        dead.encode(Closed(3, "dropped"), 1290)
        == b'{"crc":"90a70275","at":1290,"event":"closed","letter":3,"how":"dropped"}\n'
    )


def test_a_letter_is_read_again_at_the_place_that_was_told(tmp_path: Path) -> None:
    with_letters(tmp_path).close()
    for found in open_in(tmp_path):
        assert letter_at(tmp_path / "dead.jsonl", found.offset).index == found.letter.index


def test_where_no_letter_is_none_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    path.write_bytes(dead.encode_letters([letter(0), Closed(0, "dropped")], 0))
    with pytest.raises(StateError, match="no dead letter at byte"):
        letter_at(path, path.read_bytes().index(b"\n") + 1)


def test_what_the_remote_did_not_take_is_known_by_log_and_index(tmp_path: Path) -> None:
    """Letters that are open or dropped; not those that are sent again, until they die
    again, and not those of a log that was forgotten.
    """
    facts: list[DeadFact] = [letter(index, log=log) for log in (1, 2) for index in (0, 3, 70_000)]
    facts += [Closed(0, "retried"), Closed(1, "retried"), Closed(2, "dropped"), LettersForgotten(2)]
    facts += [letter(3, log=1), letter(5, log=2)]
    path = tmp_path / "dead.jsonl"
    path.write_bytes(dead.encode_letters(facts, 0))
    found = dead.list_unapplied(path, path.stat().st_size)
    assert {
        log: [index for index in (0, 1, 3, 5, 69_999, 70_000, 70_001, 900_000) if index in of]
        for log, of in found.items()
    } == {
        1: [3, 70_000],
        2: [5],
    }


def test_what_sends_a_letter_again_that_is_not_there_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    path.write_bytes(dead.encode_letters([letter(0), Closed(1, "retried")], 0))
    with pytest.raises(StateError, match="closes letter 1, but only 1 precede it"):
        dead.list_unapplied(path, path.stat().st_size)


def test_more_letters_than_there_are_cannot_leave(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, HERE)
    journal.commit([opened()])
    with pytest.raises(ValueError, match="no dead letter"):
        journal.ledger.apply(Unburied(1, "ignored"))
    journal.close()


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_in_the_file_make_a_start_fail_in_another_way(found: bytes) -> None:
    rest = found.removesuffix(b"\n")
    event = b'"at":0,"event":' + rest
    for data in (found, *(b'{"crc":"%08x",%s\n' % (crc32(part), part) for part in (rest, event))):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "dead.jsonl"
            path.write_bytes(data)
            with suppress(StateError):
                list(dead.open_letters(path, len(data)))
