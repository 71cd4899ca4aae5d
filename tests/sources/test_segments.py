"""The files of a spool: what an append returned for is there once, whatever is cut."""

from __future__ import annotations

import errno
import os
import random
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import pytest

from syncer.core.change import Mark
from syncer.errors import StateError
from syncer.journal.disk import REAL
from syncer.sources.appends import Appended, encode, read_append
from syncer.sources.segment_reader import SegmentReader
from syncer.sources.segments import Segments, SpoolFull
from tests.support.disk import (
    EVERYTHING,
    NOTHING,
    STATE,
    Fault,
    Operation,
    SimulatedDisk,
    Survives,
    torn,
)

FOLDER = STATE / "inbox"
SMALL = 300
"""Bytes of a segment: two or three appends."""


def opened(disk: SimulatedDisk, settled: Mark = Mark(), segment_bytes: int = SMALL) -> Segments:
    return Segments(FOLDER, disk, settled, segment_bytes=segment_bytes)


def lines_of(segments: Segments, mark: Mark = Mark(), most: int = 7) -> list[bytes]:
    """All lines after a mark."""
    reader, found = SegmentReader(segments, mark), b""
    while block := reader.read(most):
        found += block
    reader.close()
    return found.splitlines()


def notes_of(segments: Segments, mark: Mark = Mark()) -> list[object]:
    return [append.note for append in SegmentReader(segments, mark).appends()]


def test_what_was_appended_is_read_from_the_mark_of_any_append() -> None:
    segments = opened(SimulatedDisk())
    added = [segments.append([b"%d" % n, b"%d." % n * 20]) for n in range(9)]
    assert len(segments.segments) == 3
    for n, append in enumerate(added):
        expected = [line for m in range(n, 9) for line in (b"%d" % m, b"%d." % m * 20)]
        assert lines_of(segments, append.before) == expected
        assert (append.before.index, append.end.index) == (2 * n, 2 * n + 2)
    assert lines_of(segments, segments.end) == []


def test_a_mark_within_an_append_is_one_too() -> None:
    segments = opened(SimulatedDisk())
    segments.append([b"a", b"bc", b"d"])
    assert lines_of(segments, Mark(1, 2, 1, crc32(b"a\n"))) == [b"bc", b"d"]


def test_a_reader_sees_what_is_appended_later() -> None:
    segments = opened(SimulatedDisk())
    reader = SegmentReader(segments, Mark())
    found = [reader.read(100)]
    for n in range(5):
        segments.append([b"%d" % n * 50])
        found += [reader.read(100), reader.read(100)]
    assert found == [b"", *(part for n in range(5) for part in (b"%d" % n * 50 + b"\n", b""))]


def test_lines_are_taken_without_endings_and_byte_order_marks_and_blank_ones_not_at_all() -> None:
    segments = opened(SimulatedDisk())
    added = segments.append([b"\xef\xbb\xbfa\r\n", b"", b" \n", b"b"])
    assert lines_of(segments) == [b"a", b"b"]
    assert added.end == Mark(2, 4, 2, crc32(b"a\nb\n"))
    assert segments.append([b" "]) == Appended(added.end, added.end, "", added.at + 4)
    with pytest.raises(ValueError, match="several lines"):
        segments.append([b"a\nb"])


def test_a_note_is_kept_with_the_lines_until_they_are_cut() -> None:
    disk = SimulatedDisk()
    segments = opened(disk)
    keys: list[object] = ["", {"key": "ä\n"}, ["#", 1], None]
    added = [segments.append([b"%d" % n * 60], note) for n, note in enumerate(keys)]
    assert notes_of(segments) == keys
    again = opened(disk, added[1].end)
    assert notes_of(again, added[1].end) == keys[2:]


def test_files_before_the_mark_are_removed_and_the_last_one_never_is() -> None:
    disk = SimulatedDisk()
    segments = opened(disk)
    added = [segments.append([b"%d" % n * 60]) for n in range(6)]
    before = len(disk.files())
    segments.cut(added[2].end)
    segments.cut(added[2].end)
    segments.cut(added[0].end)
    assert len(disk.files()) == before - 1
    assert lines_of(segments, added[2].end) == [b"%d" % n * 60 for n in (3, 4, 5)]
    segments.cut(segments.end)
    assert len(disk.files()) == 1
    salt, end = segments.salt, segments.end
    again = opened(disk, end)
    assert (again.salt, again.end, lines_of(again, end)) == (salt, end, [])
    assert again.append([b"x"]).before == end


def test_what_has_no_room_is_refused_until_something_is_settled() -> None:
    segments = Segments(FOLDER, SimulatedDisk(), waiting_bytes_max=10)
    first = segments.append([b"a", b"b"])
    with pytest.raises(SpoolFull, match=r"/state/inbox is full: 4 bytes of changes wait there"):
        segments.append([b"cdefgh"])
    assert (lines_of(segments), segments.room_bytes) == ([b"a", b"b"], 6)
    segments.cut(first.end)
    segments.cut(first.before)
    assert segments.append([b"cdefgh"]).end.offset == 11
    assert segments.waiting_bytes == 7


class Racing(Segments):
    """Segments to which another thread appends after one of their values is read."""

    race: Sequence[bytes] = ()

    def __getattribute__(self, name: str) -> object:
        value = super().__getattribute__(name)
        if name in ("end", "segments") and (lines := super().__getattribute__("race")):
            self.race = ()
            self.append(lines)
        return value


def test_where_a_segment_is_begun_while_another_is_looked_for_the_old_one_keeps_its_end() -> None:
    segments = Racing(FOLDER, SimulatedDisk(), segment_bytes=0)
    first = segments.append([b"a"])
    segments.race = [b"b"]
    assert segments.segment_of(0)[1] == first.end.offset
    assert lines_of(segments) == [b"a", b"b"]


# --- failures -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["write", "sync", "create", "rename", "sync_folder", "unlink"])
@pytest.mark.parametrize("written", [0, 11, 60])
def test_an_append_that_failed_leaves_nothing_and_the_next_one_is_whole(
    kind: str, written: int
) -> None:
    for end in (None, NOTHING, EVERYTHING):
        disk = SimulatedDisk()
        segments = opened(disk)
        taken: list[bytes] = []
        for n in range(6):
            failing = n in (1, 3, 4)
            if failing:
                disk.fault = lambda operation: (
                    Fault(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), written)
                    if operation.kind == kind
                    else None
                )
            with suppress(StateError):
                segments.append([b"%d" % n * 50])
                taken.append(b"%d" % n * 50)
            assert failing or taken[-1] == b"%d" % n * 50
            disk.fault = lambda _: None
            assert lines_of(segments) == taken
        if end is None:
            disk.kill()
        else:
            disk.crash(end)
        assert lines_of(opened(disk)) == taken


def test_a_file_that_cannot_be_removed_is_an_error_and_goes_with_the_next_mark() -> None:
    disk = SimulatedDisk()
    segments = opened(disk)
    for n in range(6):
        segments.append([b"%d" % n * 60])
    disk.fault = lambda operation: (
        Fault(OSError(errno.EIO, os.strerror(errno.EIO))) if operation.kind == "unlink" else None
    )
    with pytest.raises(StateError, match="/state/inbox cannot be cut: Input/output error"):
        segments.cut(segments.end)
    disk.fault = lambda _: None
    segments.cut(segments.end)
    assert len(disk.files()) == 1


@pytest.mark.parametrize("kind", ["folder", "create", "write", "sync", "sync_folder"])
def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(kind: str) -> None:
    disk = SimulatedDisk(
        lambda operation: (
            Fault(OSError(errno.EROFS, os.strerror(errno.EROFS)))
            if operation.kind == kind
            else None
        )
    )
    with pytest.raises(StateError, match="/state/inbox cannot be opened: Read-only file system"):
        opened(disk)


def test_a_file_that_cannot_be_read_is_an_error_that_names_it_and_may_pass() -> None:
    disk = SimulatedDisk()
    segments = opened(disk)
    segments.append([b"a"])
    disk.fault = lambda operation: (
        Fault(OSError(errno.EIO, os.strerror(errno.EIO))) if operation.kind == "read" else None
    )
    for read in (lines_of, notes_of):
        with pytest.raises(StateError, match=r"0\.log cannot be read: Input/output error"):
            read(segments)
    disk.fault = lambda _: None
    assert lines_of(segments) == [b"a"]


def test_what_a_killed_process_had_written_is_durable_once_it_was_read() -> None:
    """The journal may build on it."""
    disk = SimulatedDisk()
    opened(disk).close()
    for n, kinds in enumerate([("write", "sync"), ("rename", "sync_folder")]):
        disk.fault = lambda operation, kinds=kinds: (  # type: ignore[misc]
            Fault(Crash()) if (disk.operations[-1].kind, operation.kind) == kinds else None
        )
        with pytest.raises(Crash):
            opened(disk, segment_bytes=0 if n else SMALL).append([b"%d" % n * 20])
        disk.fault = lambda _: None
        disk.kill()
        segments = opened(disk)
        found = lines_of(segments), segments.segments
        disk.crash(NOTHING)
        segments = opened(disk)
        assert (lines_of(segments), segments.segments) == found


def test_what_comes_back_of_removed_files_after_a_crash_goes_when_it_is_opened() -> None:
    disk = SimulatedDisk()
    segments = opened(disk)
    for n in range(9):
        segments.append([b"%d" % n * 60])
    count = len(disk.files())
    segments.cut(segments.end)
    disk.crash(NOTHING)
    assert len(disk.files()) == count
    opened(disk, segments.end)
    assert len(disk.files()) == 1


# --- damage ---------------------------------------------------------------------------


def test_every_byte_that_rots_is_noticed_or_harms_nothing_that_was_taken() -> None:
    """But for the last append: a write that was cut off looks like that."""
    disk = SimulatedDisk()
    segments = opened(disk)
    taken = [b"line %d " % n * 5 for n in range(6)]
    for line in taken:
        segments.append([line])
    files = disk.files()
    for path, content in files.items():
        for at in range(len(content)):
            rotten = SimulatedDisk()
            for other, kept in files.items():
                rotten.put(other, kept)
            rotten.put(path, content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            rotten._now.names |= {FOLDER: 0, STATE: 0}
            try:
                found: object = lines_of(opened(rotten))
            except StateError as error:
                found = str(error)
            if path == max(files) and found == taken[:-1]:
                continue
            assert re.search(rf"{path}.*(damaged at byte|another version)", str(found)), (at, found)


@pytest.mark.parametrize("kept", [(0, 2, 3), (0, 1, 1, 2, 3), (0, 2, 1, 3)])
def test_appends_that_were_lost_doubled_or_swapped_are_damage(kept: tuple[int, ...]) -> None:
    disk = SimulatedDisk()
    segments = opened(disk, segment_bytes=10_000)
    added = [segments.append([b"%d" % n * 9]) for n in range(4)]
    (content,) = disk.files().values()
    starts = [segments.segments[0].at, *(one.at + one.length for one in added)]
    pieces = [content[start:end] for start, end in pairwise(starts)]
    rest = b"".join(pieces[n] for n in kept)
    disk.put(segments.segments[0].path, content[: starts[0]] + rest)
    with pytest.raises(StateError, match="damaged at byte"):
        opened(disk)


def test_an_append_that_was_torn_within_lines_of_another_spool_is_not_damage() -> None:
    """A user may push the files of an old spool, heads and all."""
    disk = SimulatedDisk()
    segments = opened(disk, segment_bytes=10_000)
    segments.append([b"taken"])
    other = encode(b"another\n", 0, "").splitlines()
    segments.append([*other, b"the last"])
    (path,) = disk.files()
    disk.put(path, disk.files()[path][:-5])
    assert lines_of(opened(disk)) == [b"taken"]


def test_a_folder_that_is_not_the_one_of_the_state_is_refused() -> None:
    disk = SimulatedDisk()
    segments = opened(disk)
    added = [segments.append([b"%d" % n * 60]) for n in range(6)]
    segments.cut(added[3].end)
    for settled in (Mark(), Mark(99, 9999, 99)):
        with pytest.raises(StateError, match=r"holds lines 4 to 6 .* Put that one back"):
            opened(disk, settled)
    with pytest.raises(StateError, match="damaged at byte"):
        lines_of(segments, Mark(4, added[3].end.offset, 4, 1))


def test_a_file_of_a_later_version_is_refused_and_other_files_are_left_alone(
    tmp_path: Path,
) -> None:
    stray = tmp_path / "a user's file"
    stray.write_bytes(b"x")
    Segments(tmp_path, REAL).close()
    Segments(tmp_path, REAL).close()
    assert stray.exists()
    (path,) = tmp_path.glob("*.log")
    path.write_bytes(encode(b"", 0, {"format": "syncer-spool", "version": 2}))
    with pytest.raises(StateError, match="was written by another version of syncer"):
        Segments(tmp_path, REAL)


def test_a_file_that_is_cut_while_it_is_read_is_damaged(tmp_path: Path) -> None:
    """The checksum of the append held when it was begun."""
    segments = Segments(tmp_path, REAL)
    segments.append([b"x" * 100_000])
    (path,) = tmp_path.glob("*.log")
    reader = SegmentReader(segments, Mark())
    assert reader.read(10) == b"x" * 10
    os.truncate(path, 5000)
    with pytest.raises(StateError, match=r"damaged at byte \d+"):
        list(iter(partial(reader.read, 1 << 20), b""))
    with path.open("rb") as file:
        assert read_append(file, segments.segments[0].at, 1 << 20, Mark()) is None
    reader.close()
    segments.close()


# --- crashes --------------------------------------------------------------------------


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Story:
    """Appends, reads and cuts, and what is known of them outside of the spool."""

    disk: SimulatedDisk
    settled: Mark = Mark()
    """As the journal has it, durably."""
    taken: list[bytes] = field(default_factory=list)
    """Lines of appends that returned."""
    under_way: list[bytes] = field(default_factory=list)
    """Those of the append that did not."""
    salt: str = ""

    def check(self, segments: Segments) -> None:
        """What was taken is there; what was under way is, or is not."""
        left = self.taken[self.settled.index :]
        found = lines_of(segments, self.settled)
        assert found in (left, left + self.under_way)
        self.taken += found[len(left) :]
        self.under_way = []
        assert self.salt in ("", segments.salt)
        self.salt = segments.salt

    def play(self, seed: int) -> None:
        """Raises Crash."""
        rng = random.Random(seed)
        segments = opened(self.disk, self.settled)
        self.check(segments)
        ends = [self.settled]
        for step in range(12):
            if rng.random() < 0.3:
                self.settled = max(rng.choice(ends), self.settled, key=lambda mark: mark.offset)
                segments.cut(self.settled)
            lines = [b"%d-%d-%d" % (seed, step, n) * 9 for n in range(rng.randrange(1, 4))]
            self.under_way = lines
            ends.append(segments.append(lines, note=step).end)
            self.taken += lines
            self.under_way = []
        segments.close()


def half(operation: Operation) -> int:
    return (len(operation.data) + 1) // 2 or 1


ENDS: dict[str, Callable[[], Survives | None]] = {
    "killed": lambda: None,
    "nothing": lambda: NOTHING,
    "everything": lambda: EVERYTHING,
    "names only": lambda: lambda operation: operation.kind != "write",
    "data only": lambda: lambda operation: len(operation.data),
    "half": lambda: half,
    "torn": lambda: torn(random.Random(1)),
}


def crashed_at(story: Story, seed: int, count: int, end: Survives | None, written: int) -> bool:
    """Play until this many operations were done; False where there are fewer."""
    disk = story.disk
    start = len(disk.operations)

    def fault(operation: Operation) -> Fault | None:
        done = len(disk.operations) - start
        return Fault(Crash(), written) if operation.kind != "read" and done >= count else None

    disk.fault = fault
    try:
        story.play(seed)
    except Crash:
        return True
    finally:
        disk.fault = lambda _: None
        if end is None:
            disk.kill()
        else:
            disk.crash(end)
    return False


@pytest.mark.parametrize("written", [0, 30])
@pytest.mark.parametrize("end", ENDS)
def test_after_a_crash_at_any_operation_what_was_taken_is_there_and_nothing_twice(
    end: str, written: int
) -> None:
    count, crashed = 0, True
    while crashed:
        story = Story(SimulatedDisk())
        crashed = crashed_at(story, 1, count, ENDS[end](), written)
        # once more, in its recovery or soon after it
        crashed_at(story, 2, count % 7, ENDS[end](), written)
        story.play(3)
        story.check(opened(story.disk, story.settled))
        count += 1
    assert count > 30


# --- ends -----------------------------------------------------------------------------

A_LINE = b'{"op":"delete","annotation":{"id":"a","input_id":"i"}}'


def test_a_note_that_no_reader_would_take_is_refused(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "s", REAL)
    with pytest.raises(ValueError, match="a note of more than 1,048,576 bytes"):
        segments.append([A_LINE], "n" * (1 << 20))
    assert segments.end == Mark()


def test_nothing_is_appended_after_the_close(tmp_path: Path) -> None:
    first = Segments(tmp_path / "s", REAL)
    first.close()
    second = Segments(tmp_path / "s", REAL)
    second.append([A_LINE])
    second.close()
    with pytest.raises(StateError, match="is closed"):
        first.append([A_LINE, A_LINE])
    assert Segments(tmp_path / "s", REAL).end.line == 1


def test_a_spool_that_is_refused_keeps_no_descriptor(tmp_path: Path) -> None:
    first = Segments(tmp_path / "s", REAL)
    first.append([A_LINE])
    first.close()
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(3):
        with pytest.raises(StateError):
            Segments(tmp_path / "s", REAL, Mark(9, 999, 9))
    assert len([*Path("/proc/self/fd").iterdir()]) == before
