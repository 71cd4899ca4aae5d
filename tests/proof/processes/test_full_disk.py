"""No room: the run stops with exit 1 and names what it could not write; when there is
room, the same command comes to the exact end.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.processes.pushes import FAULTS, SETTINGS, Ended, ended, made
from tests.proof.processes.remote import APP, remote
from tests.support.mixed import write_mixed
from tests.support.processes import push_arguments, started
from tests.support.pulls import keyed, pull_arguments, wrong
from tests.support.small_disk import SmallDisk, small_disk

FULL_DISKS = int(os.environ.get("SYNCER_PROOF_FULL_DISKS", "6"))
"""How often the state's disk is full at another moment."""
DISK_BYTES = 16 << 20
MAPPED_BYTES = 4 << 20
"""Of the state's posted.bits, which is made at the first start that has room."""
NO_SPACE = "No space left on device"
TOO_LARGE = "File too large"
ANNOTATIONS = 3_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", DISK_BYTES) as mounted:
        yield mounted


def stopped(run: Ended, why: str, what: Path) -> list[str]:
    """How a run that had no room is not as it should be."""
    found = run.wrong()
    if run.code != 1:
        found.append(f"exit code {run.code}: {run.out!r} {run.err}")
    elif why not in run.summary["error"] or str(what) not in run.summary["error"]:
        found.append(f"neither {why!r} nor {what} is named: {run.summary['error']}")
    return found


def no_larger_than(size: int) -> tuple[str, ...]:
    """Starts a command whose files may have so many bytes."""
    return ("prlimit", f"--fsize={size}", "--")


def posts(count: int, padding: int = 0) -> bytes:
    """A log of plain posts, each so many bytes longer than it has to be."""
    line = (
        b'{"op":"post","annotation":{"id":"p-%d","input_id":"i-%d",'
        b'"data":{"metadata":{"n":%d,"text":"%s"}}}}\n'
    )
    return b"".join(line % (number, number, number, b"x" * padding) for number in range(count))


def test_a_state_folder_without_room_stops_the_push_and_keeps_all_again_and_again(
    disk: SmallDisk, tmp_path: Path
) -> None:
    """From a disk on which not even the lock has room to one that is full in the middle
    of a frame.
    """
    rng = random.Random(1)
    rooms = [
        0,
        12 << 10,
        MAPPED_BYTES + (20 << 10),
        *(rng.randrange(4 << 10, 60 << 10) for _ in range(FULL_DISKS)),
    ]
    with remote(FAULTS, seed=1) as server:
        pushes = made(
            server, tmp_path / "push", 1_500 * FULL_DISKS, 1, "--rps", "300", "--batch-size", "32"
        )
        pushes.state, pushes.launcher = disk.path / "state", disk.launcher
        for room in rooms:
            disk.leave(room)
            assert stopped(pushes.run(), NO_SPACE, pushes.state) == [], f"{room} bytes"
            assert server.requests or room < MAPPED_BYTES
        disk.empty()
        assert pushes.wrong_at_the_end(pushes.run()) == []


@pytest.mark.parametrize(("limit", "what"), [(1 << 20, "posted.bits"), (4_300_000, "state")])
def test_files_that_may_not_grow_stop_the_push_and_keep_all(
    limit: int, what: str, tmp_path: Path
) -> None:
    """The state's own; the second limit is met by dead letters."""
    log = tmp_path / "changes.jsonl"
    # A log of which the first 10,000 lines are bad would be refused.
    first, rest = posts(1), posts(2_000).split(b"\n", 1)[1]
    log.write_bytes(first + b"{}\n" * 20_000 + rest)
    with remote(seed=2) as server:
        arguments = push_arguments(server.url, APP, tmp_path / "state", [str(log)], "--rps", "300")
        run = ended(started([*no_larger_than(limit), *arguments]))
        assert stopped(run, TOO_LARGE, tmp_path / "state") == []
        assert what in run.summary["error"]
        done = ended(started(arguments))
        assert done.wrong() == []
        assert (done.code, done.summary["dead"], done.settled) == (3, 20_000, 2_000)
        assert len(server.writes) == 2_000


@pytest.mark.parametrize("limited", ["disk", "file"])
def test_stdin_that_finds_no_room_stops_the_push_before_anything_is_sent(
    limited: str, disk: SmallDisk, tmp_path: Path
) -> None:
    """The spool is named; the same input again is pushed whole."""
    given = tmp_path / "stdin"
    given.write_bytes(posts(5_000, padding=1_000))
    with remote(seed=3) as server:
        arguments = [
            *disk.launcher,
            *push_arguments(server.url, APP, disk.path / "state", ["-"], "--rps", "300"),
        ]
        if limited == "disk":
            disk.leave(MAPPED_BYTES + (1 << 20))
            run, why = ended(started(arguments, stdin=given)), NO_SPACE
        else:
            run, why = (
                ended(
                    started([*no_larger_than(MAPPED_BYTES + (100 << 10)), *arguments], stdin=given)
                ),
                TOO_LARGE,
            )
        assert stopped(run, why, disk.path / "state" / "spool") == []
        assert server.requests == 0
        disk.empty()
        done = ended(started(arguments, stdin=given))
        assert (done.code, done.settled, done.wrong()) == (0, 5_000, []), done.err
        assert len(server.writes) == 5_000


@pytest.mark.parametrize(
    ("name", "format_", "limited"),
    [
        ("out.jsonl", "jsonl", "disk"),
        ("out.jsonl", "jsonl", "file"),
        ("out.jsonl", "jsonl", "state"),
        ("out.parquet", "parquet", "disk"),
        ("out.delta", "delta", "disk"),
    ],
)
def test_a_pull_that_finds_no_room_for_its_output_or_its_state_names_it_and_is_carried_on(
    name: str, format_: str, limited: str, disk: SmallDisk, tmp_path: Path
) -> None:
    load, config = tmp_path / "mixed.jsonl", tmp_path / "syncer.toml"
    write_mixed(load, ANNOTATIONS, seed=4, each=1, large=1500)
    config.write_text(SETTINGS)
    out, state = (
        (tmp_path / name, disk.path / "state")
        if limited == "state"
        else (disk.path / name, tmp_path / "state")
    )
    with remote(seed=4, load=load) as server:
        options = ("--all", "--json", "-c", str(config), "--rps", "300", "--state", str(state))
        arguments = [*disk.launcher, *pull_arguments(server.url, APP, out, *options)]
        for room in (0, 100 << 10, 200 << 10):
            if limited == "file":
                run, why = (
                    ended(started([*no_larger_than(max(room, 1 << 10)), *arguments])),
                    TOO_LARGE,
                )
            else:
                disk.leave(0 if limited == "state" else room)
                run, why = ended(started(arguments)), NO_SPACE
            # A part that is built, or what it becomes.
            named = out if limited == "disk" else tmp_path if limited == "file" else state
            assert stopped(run, why, named) == [], f"{room} bytes"
        disk.empty()
        done = ended(started(arguments))
        assert (done.code, done.wrong()) == (0, []), done.err
        assert done.summary["written"] == ANNOTATIONS
        # Not all that reads tables follows a path into another process's folders.
        if limited != "state":
            out = disk.copied(name, tmp_path)
        assert wrong(out, format_, keyed(server.lines())) == []
