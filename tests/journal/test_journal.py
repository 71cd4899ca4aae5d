"""The journal: what was committed outlives anything; damage is never guessed away."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from syncer.core.change import Change, LogIdentity, Mark
from syncer.core.entry import Entry
from syncer.core.facts import DeadLetter, Deleted, Fact, Opened, Read, Settled, Superseded, Unqueued
from syncer.errors import StateError
from syncer.jobs.dead import open_in
from syncer.journal.disk import REAL, Disk
from syncer.journal.journal import DestinationId, Journal
from syncer.journal.lock import Lock, holder

HERE = DestinationId("http://127.0.0.1:1", "me", "app")
LOG = LogIdentity("/log", "log", "head", 1, 2, 3, 4)


def queued(number: int) -> Fact:
    """A post in the retry queue."""
    raw = b'{"op":"post","annotation":{"id":"a-%d","input_id":"i"}}' % number
    return Entry(
        Change(1, number, number + 1, "post", "i", f"a-{number}", raw, 25, -1), len(raw), number
    ).to_queued()


def letter(id: str) -> DeadLetter:
    """A dead letter."""
    return DeadLetter("log", 1, "post", "i", id, "no", 24155, 1, "t", "t", "line", 1, 0)


COMMITS: list[list[Fact]] = [
    [Opened(1, LOG)],
    [Read(1, Mark(5, 500, 5, 7)), Settled(1, 0, 4, 11, "applied")],
    [Settled(1, 4, 1, 12, "queued"), queued(4)],
    [letter("x"), Settled(1, 5, 1, 13, "dead"), Deleted(3)],
    [Unqueued(4, "applied"), Superseded("i", "x", 1, 9)],
]


def written(folder: Path) -> list[bytes]:
    """Commit all; the journal's bytes after each commit."""
    journal = Journal.open(folder, HERE)
    states = [(folder / "journal").read_bytes()]
    for facts in COMMITS:
        journal.commit(facts)
        states.append((folder / "journal").read_bytes())
    journal.close()
    return states


def reopened(folder: Path) -> tuple[list[object], list[str]]:
    """(facts of the ledger, notes) as a new process finds them."""
    journal = Journal.open(folder, HERE)
    facts: list[object] = list(journal.ledger.facts())
    journal.close()
    return facts, journal.notes


@pytest.mark.proof
def test_every_torn_tail_recovers_the_commits_before_it_and_says_so(tmp_path: Path) -> None:
    states = written(tmp_path / "whole")
    whole = states[-1]
    dead = (tmp_path / "whole" / "dead.jsonl").read_bytes()
    wanted = []
    for number, state in enumerate(states):
        folder = tmp_path / f"wanted-{number}"
        folder.mkdir()
        (folder / "journal").write_bytes(state)
        (folder / "dead.jsonl").write_bytes(dead)
        wanted.append(reopened(folder)[0])
    folder = tmp_path / "torn"
    folder.mkdir()
    for size in range(len(states[0]), len(whole)):
        (folder / "journal").write_bytes(whole[:size])
        (folder / "dead.jsonl").write_bytes(dead)
        commits = max(number for number, state in enumerate(states) if len(state) <= size)
        facts, notes = reopened(folder)
        assert facts == wanted[commits]
        assert bool(notes) == (size != len(states[commits]))


@pytest.mark.proof
def test_a_flipped_byte_before_the_last_frame_is_damage_with_its_place_named(
    tmp_path: Path,
) -> None:
    states = written(tmp_path)
    whole = states[-1]
    for at in range(len(states[-2])):
        (tmp_path / "journal").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StateError, match="journal"):
            Journal.open(tmp_path, HERE)


def test_dead_letters_that_were_never_settled_are_cut_off_and_missing_ones_are_damage(
    tmp_path: Path,
) -> None:
    written(tmp_path)
    dead = tmp_path / "dead.jsonl"
    good = dead.read_bytes()
    dead.write_bytes(good + b'{"event":"dead"')
    reopened(tmp_path)
    assert dead.read_bytes() == good
    assert [(found.letter.id, found.superseded) for found in open_in(tmp_path)] == [("x", True)]
    dead.write_bytes(good[:-5])
    with pytest.raises(StateError, match="dead letters are missing"):
        Journal.open(tmp_path, HERE)


def test_compaction_keeps_the_ledger_and_the_bodies_of_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncer.journal.journal.COMPACT_BYTES_MIN", 2000)
    journal = Journal.open(tmp_path, HERE)
    journal._compact_at = 2000
    journal.commit([Opened(1, LOG)])
    for number in range(1, 200):
        journal.commit([Settled(1, number - 1, 1, number, "queued"), queued(number)])
        if number % 3:
            journal.commit([Unqueued(number, "applied")])
    before = list(journal.ledger.facts())
    bodies = {number: journal.read_queued(number).raw for number in journal.ledger.queue}
    size = (tmp_path / "journal").stat().st_size
    journal.close()
    journal = Journal.open(tmp_path, HERE)
    assert list(journal.ledger.facts()) == before
    assert {number: journal.read_queued(number).raw for number in journal.ledger.queue} == bodies
    assert len(bodies) == 66
    assert size < 200 * 300
    journal.close()


def test_a_journal_that_is_closed_writes_to_no_file_that_came_to_have_its_descriptors(
    tmp_path: Path,
) -> None:
    journal = Journal.open(tmp_path, HERE)
    journal.close()
    others = [(tmp_path / f"other-{number}").open("w+b", buffering=0) for number in range(8)]
    with pytest.raises(StateError, match="cannot be written"):
        journal.commit([Opened(1, LOG), letter("x")])
    assert [other.read() for other in others] == [b""] * 8
    for other in others:
        other.close()


def test_a_folder_that_cannot_be_made_or_locked_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        StateError, match=r"the state folder .*/file/state cannot be used: Not a directory"
    ):
        Journal.open(tmp_path / "file" / "state", HERE)
    (tmp_path / "state" / "lock").mkdir(parents=True)
    with pytest.raises(
        StateError, match=r"the state folder .*/state cannot be used: Is a directory"
    ):
        Journal.open(tmp_path / "state", HERE)


def test_a_path_through_a_file_holds_no_state_of_a_push(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not Journal.is_in(tmp_path / "file" / "state")
    assert not Journal.is_in(tmp_path)
    Journal.open(tmp_path, HERE).close()
    assert Journal.is_in(tmp_path)


def test_an_empty_file_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()
    with pytest.raises(StateError, match="not a journal"):
        Journal.read_only(tmp_path)


class FullDisk(Disk):
    """A disk that has no space left after some bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: bytes) -> None:
        """Write what fits."""
        super().write(descriptor, data[: self.room])
        self.room -= len(data)
        if self.room < 0:
            self.room = 0
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("room", range(120, 900, 13))
def test_a_full_disk_stops_with_what_was_committed_intact(tmp_path: Path, room: int) -> None:
    committed: list[list[object]] = []
    try:
        journal = Journal.open(tmp_path, HERE, disk=FullDisk(room))
    except StateError:
        return
    committed.append(list(journal.ledger.facts()))
    stopped = ""
    for facts in [*COMMITS, *[[Deleted(1)]] * 100]:
        try:
            journal.commit(facts)
        except StateError as error:
            stopped = str(error)
            break
        committed.append(list(journal.ledger.facts()))
    assert "No space left" in stopped
    journal.close()
    assert reopened(tmp_path)[0] == committed[-1]


def test_only_one_process_at_a_time_and_only_its_own_destination(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, HERE)
    with pytest.raises(StateError, match="is locked: process"):
        Journal.open(tmp_path, HERE)
    journal.close()
    with pytest.raises(StateError, match="another destination"):
        Journal.open(tmp_path, DestinationId("http://127.0.0.1:1", "me", "other"))
    assert oct(tmp_path.joinpath("journal").stat().st_mode)[-3:] == "600"


def test_a_look_at_who_holds_the_lock_never_keeps_anybody_from_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    Lock(path).release()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            holder(path)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(300):
            Lock(path).release()
    finally:
        stop.set()
        looking.join()


def test_the_pid_in_the_lock_is_whole_even_over_a_longer_older_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(b"99999999999999999999")
    lock = Lock(path)
    assert holder(path) == os.getpid()
    lock.release()
    assert holder(path) is None


class FailingAt(Disk):
    """A disk on which one call of one kind fails."""

    def __init__(self, kind: str, at: int) -> None:
        self.kind, self.left = kind, at

    def _count(self, kind: str) -> None:
        if kind == self.kind:
            self.left -= 1
            if self.left == 0:
                raise OSError(errno.EIO, "Input/output error")

    def open(self, path: Path) -> int:
        """Open, or fail."""
        self._count("open")
        return super().open(path)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write, or fail half-way."""
        if self.kind == "write" and self.left == 1:
            super().write(descriptor, data[: len(data) // 2])
        self._count("write")
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Sync, or fail."""
        self._count("sync")
        super().sync(descriptor)

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        """Read, or fail."""
        self._count("read")
        return super().read(descriptor, size, offset)

    def replace(self, source: Path, target: Path) -> None:
        """Rename, or fail."""
        self._count("replace")
        super().replace(source, target)


def committed(folder: Path, commits: list[list[Fact]], disk: Disk = REAL) -> tuple[int, str]:
    """Open and commit until an error: (how many commits, the error)."""
    done = 0
    try:
        journal = Journal.open(folder, HERE, disk=disk)
    except StateError as error:
        return done, str(error)
    try:
        for facts in commits:
            journal.commit(facts)
            done += 1
    except StateError as error:
        with pytest.raises(StateError, match=r"cannot be written"):
            journal.commit([Deleted(1)])
        return done, str(error)
    finally:
        journal.close()
    return done, ""


@pytest.mark.parametrize("kind", ["open", "write", "sync", "read", "replace"])
def test_every_call_of_the_disk_that_fails_ends_in_a_state_error_and_loses_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Compactions included; after a failure nothing more is written."""
    monkeypatch.setattr("syncer.journal.journal.COMPACT_BYTES_MIN", 700)
    commits = [
        *COMMITS,
        [Settled(1, 6, 1, 9, "queued"), queued(6)],
        *[[Deleted(1)] for _ in range(20)],
    ]
    failures = 0
    for at in range(1, 200):
        done, error = committed(tmp_path / f"{at}", commits, FailingAt(kind, at))
        if not error:
            break
        failures += 1
        assert "Input/output error" in error
        either = []
        for count in (done, done + 1):  # a compaction fails after its commit is durable
            folder = tmp_path / f"{at}-{count}"
            committed(folder, commits[:count])
            either.append(reopened(folder)[0])
        assert reopened(tmp_path / f"{at}")[0] in either
    assert failures > 0
    assert not error
