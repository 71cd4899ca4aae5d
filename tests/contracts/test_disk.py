"""The simulated disk does what the real one does, whatever is asked, also errors."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.journal.disk import Disk
from tests.fuzz.outside import FUZZED
from tests.support.disk import SimulatedDisk

NAMES = ("journal", "journal.new", "dead.jsonl")
Step = tuple[str, int, int]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "open",
                "write",
                "write",
                "sync",
                "truncate",
                "read",
                "rename",
                "unlink",
                "sync_folder",
                "close",
                "reader",
                "size",
            ]
        ),
        st.integers(0, 2),
        st.integers(0, 9),
    ),
    max_size=25,
)


def done(disk: Disk, folder: Path, steps: Sequence[Step]) -> list[object]:
    """What each step gave; of an error its number."""
    disk.make_folder(folder)
    descriptors: dict[int, int] = {}
    told: list[object] = []
    for kind, which, number in steps:
        path, descriptor = folder / NAMES[which], descriptors.get(which)
        try:
            if kind == "open":
                if descriptor is None:
                    descriptors[which] = disk.open(path)
            elif kind in ("rename", "unlink", "sync_folder", "reader", "size"):
                told.append(
                    _by_name(disk, kind, path, folder / NAMES[(which + 1 + number % 2) % 3])
                )
            elif descriptor is not None:
                told.append(_by_descriptor(disk, kind, descriptor, number))
                if kind == "close":
                    del descriptors[which]
        except OSError as error:
            told.append(error.errno)
    for descriptor in descriptors.values():
        disk.close(descriptor)
    for name in sorted(disk.names(folder)):
        with disk.reader(folder / name) as file:
            told.append((name, file.read()))
    return told


def _by_name(disk: Disk, kind: str, path: Path, other: Path) -> object:
    match kind:
        case "rename":
            return disk.rename(path, other)
        case "unlink":
            return disk.unlink(path)
        case "size":
            return disk.size(path)
        case "reader":
            with disk.reader(path) as file:
                return file.read()
    return disk.sync_folder(path.parent)


def _by_descriptor(disk: Disk, kind: str, descriptor: int, number: int) -> object:
    match kind:
        case "write":
            return disk.write(descriptor, b"%d" % number * number)
        case "sync":
            return disk.sync(descriptor)
        case "truncate":
            return disk.truncate(descriptor, number)
        case "read":
            return disk.read(descriptor, 4, number)
    return disk.close(descriptor)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("disk") / "state"


@FUZZED
@given(STEPS)
def test_any_run_of_operations_gives_the_same_on_both_disks(
    folder: Path, steps: list[Step]
) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    assert done(Disk(), folder, steps) == done(SimulatedDisk(), folder, steps)
