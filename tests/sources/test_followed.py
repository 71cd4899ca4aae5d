"""Files and folders of logs that are followed: growth, rotation, what is wrong with
single files, restarts; in virtual time, on real files.
"""

from __future__ import annotations

import errno
import gc
import gzip
import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import msgspec
import pytest

from syncer.core.change import Stamp
from syncer.core.settle import forgotten
from syncer.errors import SyncerError, UsageError
from syncer.sources.changelog import ChangeLog
from syncer.sources.log_disk import LogDisk
from syncer.sources.log_turns import OPEN_MAX, FollowedLog
from tests.proof.simulation.clock import EPOCH
from tests.support.fakes import MemoryJournal
from tests.support.following import FollowedProcess, registry
from tests.support.lines import post
from tests.support.virtual import VirtualTime


class Bench:
    """A folder, a state, and the process that follows."""

    def __init__(self, folder: Path, path: str = "logs") -> None:
        self.folder = folder / "logs"
        self.folder.mkdir()
        self.time = VirtualTime()
        self.journal = MemoryJournal()
        self.path = folder / path
        self.process = self.start()

    def start(self) -> FollowedProcess:
        self.process = FollowedProcess(self.time, self.journal, self.path)
        return self.process

    def restart(self) -> FollowedProcess:
        self.process.close()
        return self.start()

    def write(self, name: str, *ids: str, end: bytes = b"\n") -> Path:
        path = self.folder / name
        with path.open("ab") as file:
            file.write(b"\n".join(map(post, ids)) + end)
        return path

    def look(self, times: int = 1) -> list[str]:
        return self.process.look(times)

    def rename(self, old: str, new: str) -> None:
        (self.folder / old).rename(self.folder / new)

    def compress(self, name: str) -> None:
        path = self.folder / name
        (self.folder / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()

    def count_open(self) -> int:
        """Files in the folder that this process has open."""
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sum(self.folder in link.readlink().parents for link in links)

    @property
    def faults(self) -> dict[str, str]:
        return self.process.faults


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.process.close()


@pytest.fixture
def one_file(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, "logs/x.jsonl")
    yield made
    made.process.close()


def test_what_is_written_to_any_file_is_read_at_the_next_look_in_a_new_one_too(
    bench: Bench,
) -> None:
    bench.write("x.jsonl", "a", "b")
    assert bench.look() == ["a", "b"]
    assert bench.look() == []
    bench.write("x.jsonl", "c")
    bench.write("y.jsonl", "d")
    assert bench.look() == ["c", "d"]
    (bench.folder / "deep").mkdir()
    bench.write("deep/z.jsonl", "e")
    assert bench.look() == ["e"]
    labels = [log.identity.label for log in bench.journal.ledger.logs.values()]
    assert labels == ["in/x.jsonl", "in/y.jsonl", "in/deep/z.jsonl"]
    assert bench.faults == {}


def test_a_last_line_without_a_newline_waits(bench: Bench) -> None:
    bench.write("x.jsonl", "a", "b", end=b"")
    assert bench.look() == ["a"]
    bench.write("x.jsonl")
    assert bench.look() == ["b"]


def test_a_huge_log_does_not_starve_others(bench: Bench) -> None:
    bench.write("a.jsonl", *(f"a{n}" for n in range(20_000)))
    bench.write("b.jsonl", "b")
    assert bench.look().index("b") < 10_000


# --- rotation -------------------------------------------------------------------------


@pytest.mark.parametrize("created_at_once", [True, False])
@pytest.mark.parametrize("of", ["bench", "one_file"])
def test_the_rest_of_a_rotated_log_comes_before_the_file_that_has_its_name(
    of: str, created_at_once: bool, request: pytest.FixtureRequest
) -> None:
    bench: Bench = request.getfixturevalue(of)
    bench.write("x.jsonl", "a")
    assert bench.look() == ["a"]
    bench.write("x.jsonl", "b")
    bench.rename("x.jsonl", "x.jsonl.1")
    found = []
    if not created_at_once:
        found += bench.look()
        bench.write("x.jsonl.1", "c")
        found += bench.look()
    bench.write("x.jsonl", "d")
    found += bench.look()
    bench.write("x.jsonl.1", "late")
    found += bench.look(3)
    assert found == ["b", *([] if created_at_once else ["c"]), "late", "d"]
    bench.write("x.jsonl", "e")
    assert bench.look() == ["e"]
    assert bench.faults == {}


def test_what_came_to_a_log_since_a_restart_comes_before_the_file_that_has_its_name(
    bench: Bench,
) -> None:
    """It had been read to its end when the process began."""
    bench.write("x.jsonl", "a")
    assert bench.look() == ["a"]
    bench.restart()
    assert bench.look() == []
    late = [f"b{n}" for n in range(20_000)]
    bench.write("x.jsonl", *late)
    bench.rename("x.jsonl", "x.jsonl.1")
    bench.write("x.jsonl", "c")
    assert bench.look(4) == [*late, "c"]


def test_a_log_that_was_rotated_while_its_file_was_closed_goes_on_where_it_was_read(
    bench: Bench,
) -> None:
    """Not where it was settled: nothing is, here."""
    bench.process.settle = lambda _: None  # type: ignore[method-assign]
    bench.write("x.jsonl", "a")
    for n in range(40):
        bench.write(f"other-{n:02}.jsonl", f"o{n}")
    assert len(bench.look()) == 41
    bench.write("x.jsonl", "b")
    bench.rename("x.jsonl", "x.jsonl.1")
    bench.write("x.jsonl", "c")
    assert bench.look(3) == ["b", "c"]


def test_rotated_logs_move_on_and_are_compressed_and_removed(bench: Bench) -> None:
    found = []
    for n in range(6):
        bench.write("x.jsonl", f"{n}-first")
        found += bench.look(2)
        bench.write("x.jsonl", f"{n}-last")
        (bench.folder / "x.jsonl.3.gz").unlink(missing_ok=True)
        if (bench.folder / "x.jsonl.2.gz").exists():
            bench.rename("x.jsonl.2.gz", "x.jsonl.3.gz")
        if (bench.folder / "x.jsonl.1").exists():
            bench.rename("x.jsonl.1", "x.jsonl.2")
            bench.compress("x.jsonl.2")
        bench.rename("x.jsonl", "x.jsonl.1")
    found += bench.look(2)
    assert found == [f"{n}-{part}" for n in range(6) for part in ("first", "last")]
    assert bench.faults == {}


def test_a_log_that_was_deleted_after_it_was_applied_leaves_nothing_behind(bench: Bench) -> None:
    """A daemon that follows rotated logs for months holds no more than their number."""

    def count_held() -> int:
        gc.collect()
        return sum(isinstance(one, ChangeLog | FollowedLog) for one in gc.get_objects())

    before = count_held()
    for n in range(20):
        bench.write("x.jsonl", f"{n}")
        bench.look(3)
        (bench.folder / "x.jsonl.1").unlink(missing_ok=True)
        bench.rename("x.jsonl", "x.jsonl.1")
    bench.write("x.jsonl", "last")
    bench.look(3)
    assert count_held() - before == 2 * len(["x.jsonl", "x.jsonl.1"])
    assert bench.count_open() <= 2
    assert bench.faults == {}


def test_a_log_that_is_compressed_before_it_was_read_to_its_end_is_read_on(bench: Bench) -> None:
    bench.write("x.jsonl", "a")
    bench.look()
    bench.write("x.jsonl", "b")
    bench.rename("x.jsonl", "x.jsonl.1")
    bench.compress("x.jsonl.1")
    bench.write("x.jsonl", "c")
    assert bench.look(3) == ["b", "c"]


def test_a_log_that_was_removed_is_read_to_its_end_where_it_is_open(bench: Bench) -> None:
    path = bench.write("x.jsonl", "a")
    bench.look()
    bench.write("x.jsonl", "b")
    path.unlink()
    assert bench.look(2) == ["b"]
    assert bench.faults == {}


# --- what is wrong with one file ------------------------------------------------------


def test_a_log_that_was_cut_is_parked_until_it_is_whole_again_and_the_others_go_on(
    bench: Bench,
) -> None:
    path = bench.write("x.jsonl", "a", "b")
    bench.write("y.jsonl", "c")
    bench.look()
    whole = path.read_bytes()
    path.write_bytes(post("new") + b"\n")
    bench.write("y.jsonl", "d")
    assert bench.look(3) == ["d"]
    assert list(bench.faults) == ["in/x.jsonl"]
    assert (
        "put back what it held; or `syncer state forget in/x.jsonl`" in bench.faults["in/x.jsonl"]
    )
    bench.restart()
    assert bench.look(3) == []
    assert list(bench.faults) == ["in/x.jsonl"]
    path.write_bytes(whole + post("e") + b"\n")
    assert bench.look(2) == ["e"]
    assert bench.faults == {}


def test_a_log_that_was_cut_and_forgotten_is_read_from_its_start(bench: Bench) -> None:
    path = bench.write("x.jsonl", "a", "b")
    bench.look()
    path.write_bytes(post("new") + b"\n")
    assert bench.look() == []
    bench.journal.commit(forgotten(1))
    assert bench.look() == ["new"]
    assert bench.faults == {}


def test_a_file_that_cannot_be_read_is_parked_and_the_others_go_on(bench: Bench) -> None:
    os.mkfifo(bench.folder / "pipe.jsonl")
    (bench.folder / "zip.jsonl").write_bytes(b"PK\x03\x04" + bytes(100))
    bench.write("y.jsonl", "a")
    assert bench.look() == ["a"]
    assert sorted(bench.faults) == ["in/pipe.jsonl", "in/zip.jsonl"]
    (bench.folder / "pipe.jsonl").unlink()
    (bench.folder / "zip.jsonl").unlink()
    bench.write("zip.jsonl", "b")
    assert bench.look() == ["b"]
    assert bench.faults == {}


def test_a_folder_that_is_not_there_is_waited_for(bench: Bench) -> None:
    aside = bench.folder.with_name("aside")
    bench.write("x.jsonl", "a")
    bench.folder.rename(aside)
    for _ in range(2):
        with pytest.raises(SyncerError, match="there is no file or folder"):
            bench.look()
    aside.rename(bench.folder)
    assert bench.look() == ["a"]
    bench.folder.rename(aside)
    with pytest.raises(SyncerError, match=r"the folder .* is not there"):
        bench.look()
    aside.rename(bench.folder)
    bench.write("x.jsonl", "b")
    assert bench.look() == ["b"]


# --- many, and again ------------------------------------------------------------------


def test_hundreds_of_logs_need_few_descriptors(bench: Bench) -> None:
    for n in range(300):
        bench.write(f"{n:03}.jsonl", f"a{n}")
    assert len(bench.look()) == 300
    assert bench.count_open() <= OPEN_MAX
    for n in range(0, 300, 3):
        bench.write(f"{n:03}.jsonl", f"b{n}")
    assert bench.look() == [f"b{n}" for n in range(0, 300, 3)]
    assert 0 < bench.count_open() <= OPEN_MAX
    bench.process.close()
    assert bench.count_open() == 0


def test_a_process_that_is_killed_is_followed_by_one_that_goes_on(bench: Bench) -> None:
    bench.write("x.jsonl", "a", "b")
    bench.write("y.jsonl", "c")
    bench.look()
    bench.write("x.jsonl", "d")
    bench.rename("x.jsonl", "x.jsonl.1")
    bench.compress("x.jsonl.1")
    bench.write("x.jsonl", "e")
    bench.restart()
    assert bench.look(3) == ["d", "e"]
    bench.restart()
    assert bench.look(3) == []
    assert bench.faults == {}


def test_a_log_that_was_rotated_while_nobody_looked_is_not_read_again_to_find_its_end(
    bench: Bench,
) -> None:
    for n in range(5):
        bench.write("x.jsonl", f"a{n}")
        assert bench.look(3) == [f"a{n}"]
        bench.restart()
        bench.rename("x.jsonl", f"x.jsonl.{n}")
    path = bench.folder / "x.jsonl.4"
    bench.look()
    path.unlink()
    bench.look()
    assert bench.faults == {}


def test_what_is_not_read_is_said_once_and_parts_of_logs_are_not_among_it(bench: Bench) -> None:
    bench.write("x.jsonl", "a")
    bench.write("y.ndjson", "b")
    bench.look(2)
    bench.rename("x.jsonl", "x.jsonl.1")
    bench.look(2)
    not_read, moved = bench.process.told
    assert "logs/y.ndjson (change logs in a folder are called" in not_read
    assert moved.startswith("in/x.jsonl.1 is the log that was in/x.jsonl, read up to line 1")


def test_a_file_that_had_the_name_between_two_looks_is_read_between_the_others(
    bench: Bench,
) -> None:
    bench.write("x.jsonl", "a")
    bench.look()
    bench.write("x.jsonl", "b")
    bench.rename("x.jsonl", "x.jsonl.2")
    bench.write("x.jsonl", "c")
    bench.rename("x.jsonl", "x.jsonl.1")
    bench.compress("x.jsonl.1")
    bench.write("x.jsonl", "d")
    bench.write("x.jsonl~", "no part of it")
    os.utime(bench.folder / "x.jsonl~", (1, 1))
    assert bench.look(4) == ["b", "c", "d"]


def test_a_log_that_is_gone_with_what_was_not_read_is_said_until_it_is_back(
    bench: Bench,
) -> None:
    settle = bench.process.settle
    bench.process.settle = lambda chunk: settle(chunk) if chunk.end.index < 3 else None  # type: ignore[method-assign]
    path = bench.write("x.jsonl", "a", "b")
    bench.write("y.jsonl", "c")
    bench.look()
    bench.write("x.jsonl", "d")
    bench.look()
    content = path.read_bytes()
    known = bench.journal.ledger.logs[1]
    known.identity = msgspec.structs.replace(known.identity, end=len(content))
    path.unlink()
    bench.restart()
    assert bench.look(2) == []
    assert list(bench.faults) == ["in/x.jsonl"]
    assert "is gone before its end (read up to line 2): put it back" in bench.faults["in/x.jsonl"]
    path.write_bytes(content)
    assert bench.look(2) == ["d"]
    assert bench.faults == {}


def test_two_sources_do_not_read_one_file_twice(bench: Bench) -> None:
    bench.write("x.jsonl", "a")
    process = bench.process
    other = FollowedProcess(
        bench.time, bench.journal, bench.folder / "x.jsonl", "other", process.registry
    )
    assert bench.look() == ["a"]
    assert other.look() == []
    assert other.faults == {"other/x.jsonl": "other/x.jsonl is read by the source in already"}
    other.close()


class _Refusing(LogDisk):
    """A disk that says nothing of files in one folder for a while, or opens none."""

    refuses: Path | None = None
    opens = True

    def open(self, path: str, label: str) -> BufferedReader:
        if not self.opens:
            raise UsageError(f"the change log {label} cannot be read: Permission denied")
        return super().open(path, label)

    def stamp(self, path: str, known: Stamp | None = None) -> Stamp | None:
        if self.refuses in Path(path).parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return super().stamp(path, known)


def test_logs_in_a_folder_that_cannot_be_entered_for_a_while_go_on_after_it(bench: Bench) -> None:
    disk = _Refusing()
    logs = registry(bench.journal, bench.folder, disk)
    process = FollowedProcess(bench.time, bench.journal, bench.folder, logs=logs)
    (bench.folder / "deep").mkdir()
    bench.write("x.jsonl", "a")
    for n in range(OPEN_MAX + 4):
        bench.write(f"deep/{n}.jsonl", f"{n}-first")
    assert len(process.look()) == OPEN_MAX + 5
    disk.refuses = bench.folder / "deep"
    bench.write("x.jsonl", "b")
    for n in range(OPEN_MAX + 4):
        bench.write(f"deep/{n}.jsonl", f"{n}-last")
    came = process.look(3)
    disk.refuses = None
    came += process.look(3)
    assert sorted(came) == sorted(["b", *(f"{n}-last" for n in range(OPEN_MAX + 4))])
    assert process.faults == {}
    process.close()


def test_a_rotated_log_that_cannot_be_opened_at_a_start_is_read_later_and_first(
    bench: Bench,
) -> None:
    """Nothing of it was settled: all that is known is its path and its first line."""
    disk = _Refusing()
    logs = registry(bench.journal, bench.folder, disk)
    process = FollowedProcess(bench.time, bench.journal, bench.folder, logs=logs)
    process.settle = lambda chunk: None  # type: ignore[method-assign]
    bench.write("x.jsonl", "a", "b")
    process.look()
    bench.rename("x.jsonl", "x.jsonl.1")
    bench.write("x.jsonl", "c")
    process.look()
    process.close()
    disk.opens = False
    logs = registry(bench.journal, bench.folder, disk)
    process = FollowedProcess(bench.time, bench.journal, bench.folder, logs=logs)
    assert process.look(2) == []
    assert sorted(process.faults) == ["in/x.jsonl", "in/x.jsonl.1"]
    disk.opens = True
    assert process.look(8) == ["a", "b", "c"]
    assert process.faults == {}
    process.close()


def test_a_log_that_was_rotated_while_nothing_could_be_opened_is_read_on_later(
    bench: Bench,
) -> None:
    disk = _Refusing()
    logs = registry(bench.journal, bench.folder, disk)
    process = FollowedProcess(bench.time, bench.journal, bench.folder, logs=logs)
    bench.write("x.jsonl", "a")
    assert process.look() == ["a"]
    process.close()
    bench.write("x.jsonl", "b")
    bench.rename("x.jsonl", "x.jsonl.1")
    disk.opens = False
    logs = registry(bench.journal, bench.folder, disk)
    process = FollowedProcess(bench.time, bench.journal, bench.folder, logs=logs)
    assert process.look(2) == []
    assert "in/x.jsonl.1" in process.faults
    disk.opens = True
    assert process.look(8) == ["b"]
    assert process.faults == {}
    process.close()


def test_a_log_that_was_copied_and_cut_is_parked_though_other_files_come_and_go(
    bench: Bench,
) -> None:
    path = bench.write("x.jsonl", "a", "b")
    bench.look()
    (bench.folder / "x.jsonl.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    bench.write("x.jsonl", "new")
    bench.write("y.jsonl", "c")
    assert bench.look(3) == ["c"]
    assert list(bench.faults) == ["in/x.jsonl"]
    bench.journal.commit(forgotten(1))
    bench.write("x.jsonl", "newer")
    assert bench.look(2) == ["new", "newer"]
    assert bench.faults == {}


def test_lines_are_dated_by_their_file_or_by_the_last_look_where_nobody_looked_for_a_while(
    bench: Bench,
) -> None:
    path = bench.write("x.jsonl", "a")
    wall = EPOCH + bench.time.now

    def write_at(seconds: float) -> None:
        bench.write("x.jsonl", "b")
        os.utime(path, (wall + seconds, wall + seconds))

    os.utime(path, (wall - 500, wall - 500))
    bench.look()
    write_at(0.7)
    bench.look()
    write_at(3600)
    bench.look()
    dates = [chunk.written_at - wall for chunk in bench.process.chunks if chunk.changes]
    assert dates == pytest.approx([-500, 0.7, 1.0], abs=0.1)
