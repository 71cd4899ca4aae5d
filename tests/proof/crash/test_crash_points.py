"""Every file operation of the script is a place to crash: whatever was not synced is
lost, or not, and the same commands end right.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.proof.crash.recording import End, Recording, found, recorded
from tests.support.disk import EVERYTHING, NOTHING, Operation, torn

SEEDS = int(os.environ.get("SYNCER_PROOF_CRASH_SEEDS", "1"))
"""Scripts: the same commands, with other moments at which requests and commits fall
together.
"""
AGAIN = int(os.environ.get("SYNCER_PROOF_CRASH_AGAIN", "1"))
"""Crash points of each recovery that are tried, too."""
POINTS = Counter[str]()


def names_only(operation: Operation) -> int:
    """Names and sizes reached the disk, data did not."""
    return operation.kind not in ("write", "truncate")


def data_only(operation: Operation) -> int:
    """Data reached the disk, names did not."""
    return len(operation.data) or operation.kind == "truncate"


def half(operation: Operation) -> int:
    """Writes tear in the middle."""
    return (len(operation.data) + 1) // 2 or 1


ENDS: dict[str, End] = {
    "killed": None,
    "nothing": NOTHING,
    "everything": EVERYTHING,
    "names only": names_only,
    "data only": data_only,
    "half": half,
}


@pytest.fixture(params=range(SEEDS), scope="module")
def script(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int, Recording]:
    """The script, played without a crash: (folder of its log, seed, what it did)."""
    folder, seed = tmp_path_factory.mktemp("logs"), int(request.param)
    return folder, seed, recorded(folder, seed)


def facts_of(recording: Recording) -> Iterator[str]:
    """The names of all that was written."""
    for operation in recording.operations:
        if operation.kind == "write":
            for line in operation.data.splitlines():
                if line.startswith(b"{"):
                    yield orjson.loads(line)["event"]
                else:
                    yield from (
                        fact[0]
                        for fact in orjson.loads(line.split(b" ", 3)[3])
                        if isinstance(fact, list)
                    )


def test_the_script_writes_every_kind_of_fact_but_forgetting(tmp_path: Path) -> None:
    recording = recorded(tmp_path, 0)
    journal = (
        "log totals read settled queued retried requeued unqueued unburied dead_file destination"
        " deleted"
    )
    assert set(facts_of(recording)) == {*journal.split(), "dead", "superseded", "closed"}
    assert Counter(operation.kind for operation in recording.operations)["rename"] > 2


@pytest.mark.parametrize("end", ENDS)
def test_every_crash_point_is_recovered_from(script: tuple[Path, int, Recording], end: str) -> None:
    folder, seed, recording = script
    rng = random.Random(seed)
    done: set[tuple[object, ...]] = set()
    for count in range(len(recording.operations) + 1):
        disk = recording.ended(count, ENDS[end])
        assert found(disk) in recording.allowed(count), (
            f"behind {count} operations: a state that never was"
        )
        for moment in recording.images(count):
            POINTS[end] += 1
            same = (*sorted(disk.files().items()), len(disk._unsynced), moment.image, moment.step)
            if same in done:
                continue
            done.add(same)
            try:
                recovery = recorded(folder, seed, disk=disk, moment=moment, faults=False)
                for again in rng.sample(
                    range(len(recovery.operations)), min(AGAIN, len(recovery.operations))
                ):
                    crash_again(folder, seed, recovery, again, rng)
            except Exception as error:
                raise AssertionError(
                    f"crash behind {count} operations ({recording.operations[count - 1]}), {end}"
                ) from error


def crash_again(
    folder: Path, seed: int, recovery: Recording, count: int, rng: random.Random
) -> None:
    """A recovery is cut short, too."""
    name = rng.choice([*ENDS, "torn"])
    POINTS[f"{name}, in a recovery"] += 1
    try:
        disk = recovery.ended(count, torn(rng) if name == "torn" else ENDS[name])
        assert found(disk) in recovery.allowed(count), "a state that never was"
        for moment in recovery.images(count):
            recorded(folder, seed, disk=disk, moment=moment, faults=False)
    except Exception as error:
        raise AssertionError(f"then behind {count} operations of the recovery, {name}") from error


def test_the_points_are_counted(record_property: pytest.RecordProperty) -> None:
    print(f"\n{sum(POINTS.values()):,} crash points: {dict(POINTS)}")
