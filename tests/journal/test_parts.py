"""The parts of a list that a pull has done: what a start makes of them after crashes,
damage and full disks.
"""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import msgspec
import pytest

from syncer.core.id_set import IdSet
from syncer.errors import StateError
from syncer.journal.checkpoint import Checkpoints
from syncer.journal.damage import Damage
from syncer.journal.parts import PARTS_FILE, DoneParts, read
from tests.support.disk import EVERYTHING, NOTHING, STATE, Fault, Operation, SimulatedDisk, torn

PAGES = [("i-1", "i-2"), ("a/b",), ("..", "i\n3", "é"), ("i-4",)]


def noted(folder: Path, *pages: tuple[str, ...], after: int = 0) -> int:
    """Note these after so many; how many there are."""
    parts = DoneParts(folder, after)
    for page in pages:
        parts.add(page)
    parts.close()
    return parts.count


def holds_just(done: IdSet, ids: set[str]) -> bool:
    return len(done) == len(ids) and all(id in done for id in ids)


def test_a_start_finds_the_parts_that_the_checkpoint_counts_whatever_their_names(
    tmp_path: Path,
) -> None:
    assert noted(tmp_path, *PAGES) == 7
    for count, known in (
        (0, set()),
        (2, set(PAGES[0])),
        (3, {*PAGES[0], *PAGES[1]}),
        (7, {part for page in PAGES for part in page}),
    ):
        assert holds_just(DoneParts(tmp_path, count).done, known)


def test_what_the_checkpoint_does_not_count_is_cut_off_by_the_next_page(tmp_path: Path) -> None:
    noted(tmp_path, *PAGES)
    assert noted(tmp_path, ("new",), after=3) == 4
    assert holds_just(DoneParts(tmp_path, 4).done, {*PAGES[0], *PAGES[1], "new"})
    assert (tmp_path / PARTS_FILE).read_bytes().count(b"\n") == 3


def test_a_new_pull_makes_no_file_until_a_page_has_parts_and_forgets_those_of_an_older_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "state").mkdir()
    noted(tmp_path / "state", *PAGES)
    assert noted(tmp_path) == 0
    assert not (tmp_path / PARTS_FILE).exists()
    noted(tmp_path / "state", ("new",))
    assert holds_just(DoneParts(tmp_path / "state", 1).done, {"new"})


def test_every_crash_point_leaves_the_parts_of_the_page_that_was_noted_last() -> None:
    """Each page: the parts, durable, then the checkpoint that counts them."""
    disk = SimulatedDisk()
    checkpoints, parts = Checkpoints(STATE, "job", disk=disk), DoneParts(STATE, 0, disk=disk)
    for page in PAGES:
        parts.add(page)
        last = checkpoints.last
        checkpoints.commit(
            msgspec.structs.replace(last, cursor=page[-1], pages=last.pages + 1, parts=parts.count)
        )
    for count in range(len(disk.operations) + 1):
        for survives in (NOTHING, EVERYTHING, torn(random.Random(count)), None):
            ended = SimulatedDisk().then(disk.operations[:count])
            ended.kill() if survives is None else ended.crash(survives)
            last = Checkpoints(STATE, "job", disk=ended).last
            again = DoneParts(STATE, last.parts, disk=ended)
            known = {part for page in PAGES[: last.pages] for part in page}
            assert holds_just(again.done, known)
            again.add(("x",))
            with_it = DoneParts(STATE, last.parts + 1, disk=ended).done
            assert holds_just(with_it, known | {"x"})


def test_a_write_that_fails_is_told_and_what_was_torn_is_cut_off() -> None:
    disk = SimulatedDisk()
    disk.make_folder(STATE)
    parts = DoneParts(STATE, 0, disk=disk)
    parts.add(PAGES[0])

    def full(operation: Operation) -> Fault | None:
        return (
            Fault(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), written=9)
            if operation.kind == "write"
            else None
        )

    disk.fault = full
    with pytest.raises(
        StateError,
        match=(
            r"/state/parts cannot be used: No space left on device\. Nothing is lost: fix that"
            r" and run"
        ),
    ):
        parts.add(PAGES[1])
    disk.fault = lambda _: None
    again = DoneParts(STATE, 2, disk=disk)
    again.add(PAGES[1])
    assert holds_just(DoneParts(STATE, 3, disk=disk).done, {*PAGES[0], *PAGES[1]})


def test_parts_that_were_noted_are_there_after_the_power_went() -> None:
    disk = SimulatedDisk()
    disk.make_folder(STATE)
    DoneParts(STATE, 0, disk=disk).add(PAGES[0])
    disk.crash(NOTHING)
    assert holds_just(DoneParts(STATE, 2, disk=disk).done, set(PAGES[0]))


def test_parts_that_cannot_be_read_are_told_and_nothing_is_said_to_be_lost() -> None:
    disk = SimulatedDisk()
    disk.make_folder(STATE)
    DoneParts(STATE, 0, disk=disk).add(PAGES[0])
    disk.fault = lambda operation: (
        Fault(OSError(errno.EIO, os.strerror(errno.EIO))) if operation.kind == "read" else None
    )
    with pytest.raises(
        StateError, match=r"/state/parts cannot be used: Input/output error\. Nothing is lost"
    ):
        DoneParts(STATE, 2, disk=disk)


def test_parts_that_are_closed_keep_no_file_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    noted(tmp_path, *PAGES)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_every_flipped_bit_of_what_counts_is_found(tmp_path: Path) -> None:
    noted(tmp_path, *PAGES)
    content = (tmp_path / PARTS_FILE).read_bytes()
    for at in range(len(content)):
        for bit in range(8):
            (tmp_path / PARTS_FILE).write_bytes(
                content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
            )
            assert isinstance(read(tmp_path, 7), Damage)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (0, r"0 \(it is missing\)"),
        (1, r"\d\d \(it notes 2 parts of 7\)"),
        (2, r"\d\d \(it notes 3 parts of 7"),
    ],
)
def test_parts_that_are_missing_end_a_start_with_the_way_out(
    left: int, said: str, tmp_path: Path
) -> None:
    noted(tmp_path, *PAGES[:left])
    with pytest.raises(
        StateError,
        match=(
            rf"damaged at byte {said}.*nothing was guessed\. Put the folder back from a backup, or"
            r" .*state repair"
        ),
    ):
        DoneParts(tmp_path, 7)


def test_a_count_that_ends_inside_a_page_is_damage(tmp_path: Path) -> None:
    noted(tmp_path, *PAGES)
    assert isinstance(read(tmp_path, 1), Damage)


@pytest.mark.parametrize("kind", ["truncate", "sync_folder"])
def test_parts_that_cannot_be_opened_keep_no_file_open(kind: str) -> None:
    disk = SimulatedDisk()
    disk.make_folder(STATE)
    parts = DoneParts(STATE, 0, disk=disk)
    disk.fault = lambda operation: (
        Fault(OSError(errno.EIO, os.strerror(errno.EIO))) if operation.kind == kind else None
    )
    with pytest.raises(StateError, match="cannot be used: Input/output error"):
        parts.add(PAGES[0])
    parts.close()
    assert disk.open_files == 0
