"""What a journal promises, on the real disk and on the simulated one: whole commits,
bodies that are read back, one owner at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncer.core.facts import Unqueued
from syncer.core.ledger import Ledger
from syncer.core.ports.push import Journal as Port
from syncer.errors import StateError
from syncer.journal.disk import Disk
from syncer.journal.journal import Journal
from tests.journal.made import HERE, bodies, histories, opened, queued, small_history, state
from tests.support.disk import SimulatedDisk
from tests.support.fakes import MemoryJournal

on_every_disk: Any = pytest.mark.parametrize("disk_of", [Disk, SimulatedDisk])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder that is not there yet."""
    return tmp_path / "state"


@on_every_disk
def test_what_was_committed_is_there_for_the_next_process(
    disk_of: Callable[[], Disk], folder: Path
) -> None:
    disk = disk_of()
    journal = Journal.open(folder, HERE, disk=disk)
    for facts in [*small_history(), *histories(3, 30)][:6]:
        journal.commit(facts)
    before = state(journal.ledger), bodies(journal)
    journal.close()
    journal = Journal.open(folder, HERE, disk=disk)
    assert (state(journal.ledger), bodies(journal)) == before
    assert journal.notes == []
    journal.close()


def on_disk(folder: Path) -> Journal:
    """The real one."""
    return Journal.open(folder, HERE)


def in_memory(folder: Path) -> MemoryJournal:
    """The fake of the engine's tests."""
    return MemoryJournal()


on_every_journal: Any = pytest.mark.parametrize("made", [on_disk, in_memory])


@on_every_journal
def test_the_body_of_what_waits_is_read_back_byte_for_byte(
    made: Callable[[Path], Journal | MemoryJournal], folder: Path
) -> None:
    journal = made(folder)
    port: Port = journal
    fact = queued(1, 0, raw='{"ä":"\\u2028 \\\\ "}', written='{"w":1}')
    port.commit([opened(), fact])
    assert (port.read_queued(1).raw, port.read_queued(1).written) == (fact.raw.encode(), b'{"w":1}')
    with pytest.raises(StateError, match="no change 2 waits"):
        port.read_queued(2)
    port.commit([Unqueued(1, "applied")])
    with pytest.raises(StateError, match="no change 1 waits"):
        port.read_queued(1)
    journal.close()


@on_every_journal
def test_what_was_committed_is_in_the_ledger(
    made: Callable[[Path], Journal | MemoryJournal], folder: Path
) -> None:
    journal, ledger = made(folder), Ledger()
    for facts in small_history():
        journal.commit(facts)
        for fact in facts:
            ledger.apply(fact)
    ledger.dead_size = journal.ledger.dead_size  # of a file, where there is one
    assert state(journal.ledger) == state(ledger)
    journal.close()


@on_every_disk
def test_there_is_one_owner_at_a_time(disk_of: Callable[[], Disk], folder: Path) -> None:
    disk = disk_of()
    journal = Journal.open(folder, HERE, disk=disk)
    with pytest.raises(StateError, match="locked"):
        Journal.open(folder, HERE, disk=disk)
    journal.close()
    Journal.open(folder, HERE, disk=disk).close()
