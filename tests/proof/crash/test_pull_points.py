"""The checkpoint of a pull, ended behind every file operation, every byte altered: a
start finds the last page, the next, or refuses.
"""

from __future__ import annotations

import random

import msgspec
import pytest

from syncer.core.facts import Destination
from syncer.errors import StateError
from syncer.journal.checkpoint import CHECKPOINT_FILE, Checkpoint, Checkpoints
from tests.proof.crash.test_crash_points import ENDS
from tests.support.disk import STATE, SimulatedDisk, torn

JOB = "annotations of here to there"


def pages() -> list[Checkpoint]:
    """What a pull commits: pages, a pause, the end of the list, the end."""
    first = Checkpoint(JOB, "1", "10:a", pages=1, fetched=10, written=10)
    second = msgspec.structs.replace(
        first, cursor="2", position="20:b", pages=2, fetched=20, written=19, duplicates=1
    )
    paused = msgspec.structs.replace(second, destination=Destination("paused", 99.0, "throttled"))
    listed = msgspec.structs.replace(second, listed=True)
    return [
        first,
        second,
        paused,
        listed,
        msgspec.structs.replace(listed, done=True),
        Checkpoint(JOB, "1", "9:c", pages=1),
    ]


def found(disk: SimulatedDisk) -> Checkpoint:
    """What a start finds."""
    opened = Checkpoints(STATE, JOB, disk=disk.then(()))
    opened.close()
    return opened.last


def as_found(checkpoint: Checkpoint) -> Checkpoint:
    """Of a job that is done, nothing counts."""
    return Checkpoint(JOB) if checkpoint.done else checkpoint


@pytest.fixture(scope="module")
def recorded() -> tuple[SimulatedDisk, list[tuple[int, Checkpoint]]]:
    """The disk with all that was done, and behind how many operations each checkpoint
    was said to be durable.
    """
    disk = SimulatedDisk()
    durable = [(0, Checkpoint(JOB))]
    opened = Checkpoints(STATE, JOB, disk=disk)
    for checkpoint in pages():
        opened.commit(checkpoint)
        durable.append((len(disk.operations), as_found(checkpoint)))
    opened.close()
    return disk, durable


@pytest.mark.parametrize("end", [*ENDS, "torn"])
def test_every_crash_point_leaves_the_last_checkpoint_or_the_next_one(
    recorded: tuple[SimulatedDisk, list[tuple[int, Checkpoint]]], end: str
) -> None:
    disk, durable = recorded
    for count in range(len(disk.operations) + 1):
        ended = SimulatedDisk().then(disk.operations[:count])
        survives = torn(random.Random(count)) if end == "torn" else ENDS[end]
        if survives is None:
            ended.kill()
        else:
            ended.crash(survives)
        last = max(at for at, (done, _) in enumerate(durable) if done <= count)
        seen = found(ended)
        assert seen in [checkpoint for _, checkpoint in durable[last : last + 2]], (
            f"behind {count} operations"
        )
        ended = ended.then(())
        # A start, and then the power goes: what it found it finds again.
        Checkpoints(STATE, JOB, disk=ended)
        ended.crash()
        assert found(ended) == seen, f"behind {count} operations, and a start"


def test_every_flipped_bit_and_every_cut_is_refused_with_the_way_out(
    recorded: tuple[SimulatedDisk, list[tuple[int, Checkpoint]]],
) -> None:
    disk, _ = recorded
    content = disk.files()[STATE / CHECKPOINT_FILE]
    flipped = [
        content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
        for at in range(len(content))
        for bit in range(8)
    ]
    for wrong in flipped + [content[:cut] for cut in range(len(content))]:
        rotten = disk.then(())
        rotten.put(STATE / CHECKPOINT_FILE, wrong)
        with pytest.raises(
            StateError,
            match=r"pull\.json: damaged at byte 0 \(.*`syncer state repair --state /state`",
        ):
            found(rotten)


def test_a_missing_checkpoint_starts_the_pull_anew(
    recorded: tuple[SimulatedDisk, list[tuple[int, Checkpoint]]],
) -> None:
    """Nothing is lost or doubled by that: the output is written anew, too."""
    disk, _ = recorded
    gone = disk.then(())
    gone.put(STATE / CHECKPOINT_FILE, None)
    assert found(gone) == Checkpoint(JOB)
