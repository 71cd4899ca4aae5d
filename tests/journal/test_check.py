"""A state folder looked through: what is damaged, what only the next start puts right,
and what is no state at all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.core.facts import Settled
from syncer.errors import StateError
from syncer.journal.check import check
from syncer.journal.journal import Journal
from tests.journal.made import HERE, letter, opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole state with two letters."""
    folder = tmp_path / "state"
    journal = Journal.open(folder, HERE)
    journal.commit([opened(), letter(3), letter(4), Settled(1, 3, 2, 33, "dead")])
    journal.close()
    return folder


def test_of_a_whole_state_there_is_nothing_to_say(folder: Path) -> None:
    found = check(folder)
    assert (found.damages, found.notes) == ([], [])


def test_a_torn_tail_is_no_damage_and_what_becomes_of_it_is_said(folder: Path) -> None:
    with (folder / "journal").open("ab") as file:
        file.write(b"torn")
    found = check(folder)
    assert found.damages == []
    assert [note.partition(": ")[2] for note in found.notes] == [
        "the last write was torn (4 bytes, never synced); the next start cuts it off"
    ]


def test_letters_that_are_cut_off_are_damage_at_the_end_of_what_is_there(folder: Path) -> None:
    path = folder / "dead.jsonl"
    first, _ = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first)
    (damage,) = check(folder).damages
    assert (damage.file, damage.byte) == (str(path), len(first))
    assert "dead letters are missing" in damage.what


def test_letters_that_nobody_counted_are_damage_of_the_file_as_a_whole(folder: Path) -> None:
    journal = Journal.open(folder, HERE)
    journal.commit([letter(5)])
    journal.close()
    (damage,) = check(folder).damages
    assert damage.byte is None
    assert damage.what == "3 open letters of 1.jsonl, but the journal counts 2"


def test_a_folder_without_a_journal_and_what_comes_with_one_is_no_state(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"no state at .*: there is no .*/journal"):
        check(tmp_path)
