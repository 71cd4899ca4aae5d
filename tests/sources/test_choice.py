"""Which logs a run takes, on real files: what was renamed, rotated, compressed, copied
and linked is known by what is in it.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from unittest import mock
from zlib import crc32

import msgspec
import pytest

from syncer.core import moves
from syncer.core.change import LogIdentity, Mark
from syncer.core.facts import Fact, Forgotten, Opened, Read, Settled
from syncer.core.ledger import Ledger
from syncer.core.moves import Moved
from syncer.errors import LogChanged, UsageError
from syncer.sources.choice import Chooser
from syncer.sources.chosen import Choice
from syncer.sources.identity import AppliedPart, head_of
from syncer.sources.log_disk import LogDisk
from syncer.sources.logs import LogPath
from syncer.sources.places import Places
from syncer.sources.stamps import stamp_of
from tests.support.names import noted_names

LINES = [b'{"n":%d}\n' % n for n in range(8)]
TEXT = b"".join(LINES)
LONG_AGO = 1_600_000_000


class _Noting(LogDisk):
    """It notes what is opened, by name."""

    def __init__(self, opened: list[str]) -> None:
        super().__init__()
        self._opened = opened

    def open(self, path: str, label: str) -> BufferedReader:
        self._opened.append(Path(path).name)
        return super().open(path, label)


@dataclass
class Bench:
    """A folder of logs and a ledger that knows some of them."""

    folder: Path
    ledger: Ledger = field(default_factory=Ledger)
    opened: list[str] = field(default_factory=list)
    """Files that were opened since they were last asked for."""

    def write(self, name: str, text: bytes = TEXT) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return path

    def apply(self, name: str, lines: int = len(LINES), *, label: str | None = None) -> int:
        """The log of this name is known, and so many lines of it were applied."""
        path = self.folder / name
        stamp = stamp_of(str(path))
        assert stamp is not None
        number = self.ledger.next_log()
        identity = LogIdentity.of(str(path), label or name, head_of(LINES[0].strip()), stamp)
        part = b"".join(LINES[:lines])
        facts: list[Fact] = [Opened(number, identity)]
        if lines:
            facts += [
                Read(number, Mark(lines, len(part), lines, crc32(part))),
                Settled(number, 0, lines, 0, "applied"),
            ]
        for fact in facts:
            self.ledger.apply(fact)
        return number

    def choose(self, *names: str, moved: Moved | None = None) -> Choice:
        """Choose, and know what was chosen from then on."""

        named = [LogPath(str(self.folder / name), name) for name in names]
        self.opened.clear()
        disk = _Noting(self.opened)
        choice = Chooser(self.ledger, self.folder / "spool", disk).choose(
            named if names else None, moved
        )
        for number in choice.replaced:
            self.ledger.apply(Forgotten(number))
        for number, aside in choice.displaced:
            self.ledger.apply(Opened(number, aside))
        for log in choice.logs:
            self.ledger.apply(Opened(log.number, log.identity))
        return choice

    def chosen(self, *names: str, moved: Moved | None = None) -> list[tuple[int, str]]:
        """(number, name of the file) of each log of the run."""
        return [(log.number, Path(log.path).name) for log in self.choose(*names, moved=moved).logs]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """One log, x.jsonl, of which four of eight lines were applied."""
    made = Bench(tmp_path)
    os.utime(made.write("x.jsonl"), (LONG_AGO, LONG_AGO))
    made.apply("x.jsonl", 4)
    return made


def compress(path: Path, *, keep: bool = False) -> Path:
    """As gzip does."""
    status = path.stat()
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
    if not keep:
        path.unlink()
    return packed


def grow(path: Path, text: bytes = b'{"more":1}\n') -> None:
    with path.open("ab") as file:
        file.write(text)


# --- at its path ----------------------------------------------------------------------


def test_an_untouched_log_is_carried_on_without_being_opened(bench: Bench) -> None:
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl")]
    assert bench.opened == []


def test_a_log_that_grew_or_was_touched_is_carried_on_once_its_applied_part_was_checked(
    bench: Bench,
) -> None:
    grow(bench.folder / "x.jsonl")
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl")]
    assert set(bench.opened) == {"x.jsonl"}
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl")]
    assert bench.opened == []


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (lambda text: text[:20], "cut: it ends before byte 32"),
    "cut to nothing": (lambda text: b"", r"emptied\."),
    "edited": (lambda text: text.replace(b"2", b"9"), r"edited before byte 32 \(line 4\)"),
    "replaced": (lambda text: b"{}\n" + text, "replaced: its first line"),
}


@pytest.mark.parametrize(("change", "how"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("named", [True, False])
def test_a_log_that_was_cut_edited_or_replaced_is_refused(
    bench: Bench, change: Callable[[bytes], bytes], how: str, *, named: bool
) -> None:
    path = bench.folder / "x.jsonl"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(
        LogChanged,
        match=(
            rf"the log x.jsonl was {how}.*Nothing was sent\..*`syncer state (forget|move) x.jsonl"
        ),
    ):
        bench.choose(*(["x.jsonl"] if named else []))


def test_a_log_with_other_content_of_the_same_size_and_time_is_told_by_its_change_time(
    bench: Bench,
) -> None:
    path = bench.folder / "x.jsonl"
    path.write_bytes(TEXT.replace(b"1", b"9"))
    os.utime(path, (LONG_AGO, LONG_AGO))
    with pytest.raises(LogChanged, match="edited"):
        bench.choose("x.jsonl")


def test_what_was_not_applied_yet_may_be_edited(bench: Bench) -> None:
    path = bench.folder / "x.jsonl"
    path.write_bytes(TEXT.replace(b"7", b"9"))
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl")]


def test_a_log_of_which_nothing_was_applied_is_known_by_its_path_alone(bench: Bench) -> None:
    bench.write("y.jsonl")
    assert bench.apply("y.jsonl", 0) == 2
    bench.write("y.jsonl", b"other\n")
    assert bench.chosen("y.jsonl") == [(2, "y.jsonl")]
    bench.write("z.jsonl", b"other\n")
    assert bench.chosen("z.jsonl") == [(3, "z.jsonl")]


@pytest.mark.parametrize("named", [True, False])
def test_a_log_that_was_rotated_before_anything_of_it_was_applied_is_read_before_its_successor(
    bench: Bench, *, named: bool
) -> None:
    bench.write("y.jsonl")
    bench.apply("y.jsonl", 0)
    (bench.folder / "y.jsonl").rename(bench.folder / "y.jsonl.1")
    bench.write("y.jsonl", b'{"new":1}\n')
    assert bench.chosen(*(["y.jsonl"] if named else []))[-2:] == [(2, "y.jsonl.1"), (3, "y.jsonl")]


def test_a_log_that_was_renamed_before_anything_of_it_was_applied_leaves_nothing_behind(
    bench: Bench,
) -> None:
    bench.write("y.jsonl")
    bench.apply("y.jsonl", 0)
    (bench.folder / "y.jsonl").rename(bench.folder / "z.jsonl")
    assert bench.chosen("z.jsonl") == [(2, "z.jsonl")]


def test_a_log_renamed_unapplied_is_known_though_another_of_that_first_line_is_at_its_path(
    bench: Bench,
) -> None:
    bench.write("y.jsonl")
    bench.apply("y.jsonl", 0)
    (bench.folder / "y.jsonl").rename(bench.folder / "z.jsonl")
    bench.write("y.jsonl")
    assert bench.chosen("z.jsonl") == [(2, "z.jsonl")]


@pytest.mark.parametrize("before", [[], ["a.jsonl"]])
def test_a_known_log_now_at_the_path_of_one_of_which_nothing_was_applied_is_carried_on_there(
    bench: Bench, before: list[str]
) -> None:
    bench.write("a.jsonl", b'{"new":1}\n')
    bench.write("y.jsonl")
    bench.apply("y.jsonl", 0)
    (bench.folder / "x.jsonl").replace(bench.folder / "y.jsonl")
    choice = bench.choose(*before, "y.jsonl")
    assert ([log.number for log in choice.logs][-1], choice.replaced) == (1, [2])


# --- moved ----------------------------------------------------------------------------


def test_a_log_that_was_renamed_is_carried_on_under_its_new_name_and_that_is_said(
    bench: Bench,
) -> None:
    grow(bench.folder / "x.jsonl")
    (bench.folder / "x.jsonl").rename(bench.folder / "a b.jsonl")
    choice = bench.choose("a b.jsonl")
    assert [(log.number, Path(log.path).name, log.identity.label) for log in choice.logs] == [
        (1, "a b.jsonl", "a b.jsonl")
    ]
    assert choice.notes == [
        "a b.jsonl is the log that was x.jsonl, read up to line 4: it is carried on under its new"
        " name"
    ]
    assert bench.choose("a b.jsonl").notes == []


def test_of_many_logs_that_moved_the_first_are_named_and_the_others_counted(bench: Bench) -> None:
    for number in range(9):
        bench.write(f"many/{number}.jsonl")
        bench.apply(f"many/{number}.jsonl", 4)
    bench.choose()
    (bench.folder / "many").rename(bench.folder / "moved")
    notes = bench.choose(*(f"moved/{number}.jsonl" for number in range(9))).notes
    assert [note.partition(" ")[0] for note in notes] == [
        *(f"moved/{number}.jsonl" for number in range(5)),
        "4",
    ]
    assert notes[-1] == "4 more logs are carried on under new names"


def test_a_log_that_was_moved_with_its_folder_is_carried_on(bench: Bench) -> None:
    bench.write("logs/y.jsonl")
    bench.apply("logs/y.jsonl", 5)
    (bench.folder / "logs").rename(bench.folder / "archive")
    assert bench.chosen("archive/y.jsonl") == [(2, "y.jsonl")]


@pytest.mark.parametrize("begun", [False, True])
def test_logs_that_were_rotated_before_their_folder_was_renamed_are_read_before_the_new_one(
    bench: Bench, begun: bool
) -> None:
    named = bench.write("logs/y.jsonl")
    bench.apply("logs/y.jsonl", 5)
    named.rename(f"{named}.2")
    part = LINES[0] + b'{"second":1}\n'
    bench.write("logs/y.jsonl", part + b'{"rest":1}\n')
    assert bench.chosen("logs/y.jsonl") == [(2, "y.jsonl.2"), (3, "y.jsonl")]
    if begun:
        bench.ledger.apply(Read(3, Mark(2, len(part), 2, crc32(part))))
        bench.ledger.apply(Settled(3, 0, 2, 0, "applied"))
    named.rename(f"{named}.1")
    bench.write("logs/y.jsonl", b'{"third":1}\n')
    (bench.folder / "logs").rename(bench.folder / "archive")
    found = [(2, "y.jsonl.2"), (3, "y.jsonl.1"), (4, "y.jsonl")]
    assert bench.chosen("archive/y.jsonl") == found
    assert bench.chosen("archive/y.jsonl") == found


def test_a_file_beside_a_new_log_that_is_no_known_log_is_not_read(bench: Bench) -> None:
    shutil.copy(bench.write("archive/y.jsonl"), bench.folder / "archive/y.jsonl.bak")
    assert bench.chosen("archive/y.jsonl") == [(2, "y.jsonl")]


@pytest.mark.parametrize("copy", [shutil.copy2, shutil.copy])
def test_a_log_that_was_moved_to_another_file_system_is_known_by_its_time(
    bench: Bench, copy: Callable[[Path, Path], object]
) -> None:
    copy(bench.folder / "x.jsonl", bench.folder / "y.jsonl")
    (bench.folder / "x.jsonl").unlink()
    if copy is shutil.copy2:
        assert bench.chosen("y.jsonl") == [(1, "y.jsonl")]
        return
    with pytest.raises(LogChanged) as refused:
        bench.choose("y.jsonl")
    for part in (
        (
            "y.jsonl begins with all that was applied of x.jsonl (up to line 4), which is not there"
            " any more"
        ),
        "Nothing was sent",
    ):
        assert part in str(refused.value)
    assert bench.chosen("y.jsonl", moved="same") == [(1, "y.jsonl")]


def test_a_log_that_may_be_moved_is_new_where_the_user_says_so_and_the_old_one_stays(
    bench: Bench,
) -> None:
    shutil.copy(bench.folder / "x.jsonl", bench.folder / "y.jsonl")
    (bench.folder / "x.jsonl").unlink()
    assert bench.chosen("y.jsonl", moved="new") == [(2, "y.jsonl")]
    assert bench.ledger.logs[1].identity.path == str(bench.folder / "x.jsonl")
    assert bench.chosen("y.jsonl") == [(2, "y.jsonl")]


def test_all_unclear_logs_are_named_at_once(bench: Bench) -> None:
    for name in ("u.jsonl", "v.jsonl"):
        shutil.copy(bench.folder / "x.jsonl", bench.folder / name)
    (bench.folder / "x.jsonl").unlink()
    with pytest.raises(
        LogChanged, match=r"u\.jsonl begins.*; v\.jsonl begins.*--moved same.*--moved new"
    ):
        bench.choose("u.jsonl", "v.jsonl")


def test_what_came_by_stdin_counts_as_gone(bench: Bench) -> None:
    bench.write("spool/0.jsonl")
    bench.apply("spool/0.jsonl", 5, label="-")
    (bench.folder / "x.jsonl").unlink()
    shutil.copy2(bench.folder / "spool" / "0.jsonl", bench.folder / "y.jsonl")
    assert bench.chosen("y.jsonl") == [(2, "y.jsonl")], "its time is that of the spool"
    bench = Bench(bench.folder)
    bench.apply("spool/0.jsonl", 5, label="-")
    shutil.copy(bench.folder / "spool" / "0.jsonl", bench.folder / "z.jsonl")
    with pytest.raises(
        LogChanged,
        match=r"z\.jsonl begins with all that was applied of the stdin of an earlier push",
    ):
        bench.choose("z.jsonl")
    assert bench.chosen("z.jsonl", moved="same") == [(1, "z.jsonl")]


def test_the_spool_of_a_state_folder_that_was_renamed_is_found(bench: Bench) -> None:
    bench.write("spool/0.jsonl")
    bench.ledger.apply(Forgotten(1))
    bench.apply("spool/0.jsonl", 5, label="-")
    moved = Bench(bench.folder / "elsewhere", bench.ledger)
    moved.folder.mkdir()
    (bench.folder / "spool").rename(moved.folder / "spool")
    assert moved.chosen() == [(2, "0.jsonl")]


@pytest.mark.parametrize(
    ("edited", "number"), [(b"6", 1), (b"7", 2)], ids=["after it all", "within it"]
)
def test_what_was_applied_further_on_tells_a_log_from_another_too(
    bench: Bench, edited: bytes, number: int
) -> None:
    """Lines 6 and 8 were applied before line 5."""
    for index in (5, 7):
        bench.ledger.apply(Settled(1, index, 1, crc32(LINES[index].strip()), "applied"))
    (bench.folder / "x.jsonl").rename(bench.folder / "y.jsonl")
    path = bench.folder / "y.jsonl"
    path.write_bytes(TEXT.replace(edited, b"9"))
    assert bench.chosen("y.jsonl") == [(number, "y.jsonl")]


def test_a_log_whose_applied_part_was_checked_is_not_read_again_where_another_one_moved(
    bench: Bench,
) -> None:
    """What was rotated from the one that moved is looked for, all is decided anew."""
    bench.write("logs/y.jsonl.1", b'{"other":1}\n')
    bench.apply("logs/y.jsonl.1", 0)
    bench.ledger.apply(
        Opened(
            2,
            msgspec.structs.replace(
                bench.ledger.logs[2].identity, was=str(bench.folder / "logs" / "y.jsonl")
            ),
        )
    )
    bench.write("logs/y.jsonl")
    bench.apply("logs/y.jsonl", 5)
    (bench.folder / "logs" / "y.jsonl").rename(bench.folder / "logs" / "z.jsonl")
    grow(bench.folder / "x.jsonl")
    assert sorted(bench.chosen("x.jsonl", "logs/z.jsonl")) == [
        (1, "x.jsonl"),
        (2, "y.jsonl.1"),
        (3, "z.jsonl"),
    ]
    assert bench.opened.count("x.jsonl") == 2, "once for its first line, once for the part"


# --- copies and other names -----------------------------------------------------------


@pytest.mark.parametrize("copy", [shutil.copy2, shutil.copy])
def test_a_copy_is_a_log_of_its_own_and_that_is_said_once(
    bench: Bench, copy: Callable[[Path, Path], object]
) -> None:
    copy(bench.folder / "x.jsonl", bench.folder / "y.jsonl")
    choice = bench.choose("y.jsonl")
    assert [log.number for log in choice.logs] == [2]
    assert (
        "y.jsonl begins with all that was read of x.jsonl, which is still there: it is a log of"
        " its own" in choice.notes[0]
    )
    assert bench.choose("y.jsonl").notes == []


def test_a_copy_of_a_log_that_has_grown_since_is_a_log_of_its_own(bench: Bench) -> None:
    shutil.copy2(bench.folder / "x.jsonl", bench.folder / "y.jsonl")
    grow(bench.folder / "x.jsonl")
    choice = bench.choose("y.jsonl")
    assert [log.number for log in choice.logs] == [2]
    assert "which is still there" in choice.notes[0]


def test_what_was_copied_from_a_log_before_another_came_into_its_place_may_be_that_log(
    bench: Bench,
) -> None:
    shutil.copy(bench.folder / "x.jsonl", bench.folder / "y.jsonl")
    bench.write("x.jsonl", b'{"new":1}\n')
    with pytest.raises(LogChanged, match=r"y\.jsonl begins with all that was applied of x\.jsonl"):
        bench.choose("y.jsonl")


def test_of_two_new_logs_that_hold_the_same_it_is_said(bench: Bench) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        bench.write(name, b"new\nlog\n")
    bench.write("c.jsonl", b"new\nlag\n")
    choice = bench.choose("a.jsonl", "b.jsonl", "c.jsonl")
    assert [log.number for log in choice.logs] == [2, 3, 4]
    assert [note.split()[0] for note in choice.notes] == ["b.jsonl"]


def test_a_hard_link_is_the_log_that_it_is_another_name_of(bench: Bench) -> None:
    (bench.folder / "a.jsonl").hardlink_to(bench.folder / "x.jsonl")
    assert bench.chosen("a.jsonl") == [(1, "x.jsonl")]
    assert bench.chosen("a.jsonl", "x.jsonl") == [(1, "x.jsonl")]
    (bench.folder / "x.jsonl").unlink()
    assert bench.chosen("a.jsonl") == [(1, "a.jsonl")]


def test_what_was_rotated_is_read_before_a_log_that_is_named_by_another_of_its_names(
    bench: Bench,
) -> None:
    (bench.folder / "x.jsonl").rename(bench.folder / "x.jsonl.1")
    bench.write("x.jsonl", b'{"new":1}\n')
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl.1"), (2, "x.jsonl")]
    (bench.folder / "a.jsonl").hardlink_to(bench.folder / "x.jsonl")
    assert bench.chosen("a.jsonl") == [(1, "x.jsonl.1"), (2, "x.jsonl")]


def test_a_path_that_an_older_version_wrote_with_links_is_resolved(bench: Bench) -> None:
    (bench.folder / "link").symlink_to(bench.folder)
    identity = bench.ledger.logs[1].identity
    old = LogIdentity(
        f"{bench.folder}/link/x.jsonl",
        "x",
        identity.head,
        identity.inode,
        identity.size,
        identity.mtime_ns,
        identity.ctime_ns,
    )
    bench.ledger.apply(Opened(1, old))
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl")]
    assert bench.opened == []
    assert bench.ledger.logs[1].identity.path == str(bench.folder / "x.jsonl")
    assert bench.ledger.logs[1].identity.device > 0


# --- rotated --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.jsonl.1", "x.jsonl-20261126.gz", "x.jsonl.gz", "x.jsonl~"])
@pytest.mark.parametrize("named", [True, False])
def test_the_rest_of_a_rotated_log_comes_before_the_new_log_of_its_name(
    bench: Bench, name: str, *, named: bool
) -> None:
    grow(bench.folder / "x.jsonl")
    text = (bench.folder / "x.jsonl").read_bytes()
    (bench.folder / "x.jsonl").unlink()
    bench.write(name, text)
    bench.write("x.jsonl", b'{"new":1}\n')
    choice = bench.choose(*(["x.jsonl"] if named else []))
    assert [(log.number, Path(log.path).name, log.at) for log in choice.logs] == [
        (1, name, 0),
        (2, "x.jsonl", 0),
    ]
    assert choice.notes == [
        f"{name} is the log that was x.jsonl, read up to line 4: it is carried on under its new"
        " name"
    ]
    assert bench.chosen("x.jsonl") == [(1, name), (2, "x.jsonl")]


def test_a_log_that_came_and_was_rotated_between_two_runs_is_named_once(bench: Bench) -> None:
    """Nobody knows that it is a log: it is not read, but whoever pushes the newest file
    alone is to know of it.
    """
    (bench.folder / "x.jsonl").rename(bench.folder / "x.jsonl.2")
    bench.write("x.jsonl.1", b'{"between":1}\n')
    shutil.copy(bench.folder / "x.jsonl.2", bench.folder / "x.jsonl.bak")
    bench.write("x.jsonl.empty", b"")
    bench.write("y.jsonl.1", b'{"of another":1}\n')
    bench.write("x.jsonl", b'{"new":1}\n')
    choice = bench.choose("x.jsonl")
    assert [Path(log.path).name for log in choice.logs] == ["x.jsonl.2", "x.jsonl"]
    assert [log.label for log in choice.unread] == ["x.jsonl.1"]
    assert bench.choose("x.jsonl").unread == []


def test_a_log_that_was_rotated_and_has_no_successor_yet_is_carried_on(bench: Bench) -> None:
    (bench.folder / "x.jsonl").rename(bench.folder / "x.jsonl.1")
    assert bench.chosen() == [(1, "x.jsonl.1")]
    assert bench.chosen() == [(1, "x.jsonl.1")]


def test_a_chain_of_rotations_is_followed(bench: Bench) -> None:
    for turn in range(2, 5):
        for old in range(turn, 1, -1):
            if (bench.folder / f"x.jsonl.{old - 1}").exists():
                (bench.folder / f"x.jsonl.{old - 1}").rename(bench.folder / f"x.jsonl.{old}")
        (bench.folder / "x.jsonl").rename(bench.folder / "x.jsonl.1")
        bench.write("x.jsonl", b"".join([b'{"turn":%d}\n' % turn, *LINES[1:]]))
        assert bench.chosen("x.jsonl") == [
            *((n, f"x.jsonl.{turn - n}") for n in range(1, turn)),
            (turn, "x.jsonl"),
        ]
        log = bench.ledger.logs[turn]
        text = (bench.folder / "x.jsonl").read_bytes()
        bench.ledger.apply(Read(turn, Mark(8, len(text), 8, crc32(text))))
        bench.ledger.apply(Settled(turn, 0, 8, 0, "applied"))
        assert log.watermark.resume.offset == len(text)


def test_a_log_compressed_and_then_rotated_away_is_read_with_what_has_its_name_in_every_run(
    bench: Bench,
) -> None:
    compress(bench.folder / "x.jsonl")
    assert bench.chosen("x.jsonl.gz") == [(1, "x.jsonl.gz")]
    (bench.folder / "x.jsonl.gz").rename(bench.folder / "x.jsonl.gz.1")
    bench.write("x.jsonl.gz", b'{"new":1}\n')
    for _ in range(2):
        assert bench.chosen("x.jsonl.gz") == [(1, "x.jsonl.gz.1"), (2, "x.jsonl.gz")]


def test_a_log_that_was_copied_and_cut_in_place_is_read_to_its_end_in_the_copy(
    bench: Bench,
) -> None:
    shutil.copy(bench.folder / "x.jsonl", bench.folder / "x.jsonl.1")
    bench.write("x.jsonl", b'{"new":1}\n')
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl.1"), (2, "x.jsonl")]


def test_a_log_that_was_renamed_otherwise_in_its_folder_is_found_as_the_same_file(
    bench: Bench,
) -> None:
    (bench.folder / "x.jsonl").rename(bench.folder / "x-1.jsonl")
    bench.write("x.jsonl", b'{"new":1}\n')
    assert bench.chosen("x.jsonl") == [(1, "x-1.jsonl"), (2, "x.jsonl")]


def test_a_log_that_moved_is_read_before_the_new_one_whatever_the_order_of_their_names(
    bench: Bench,
) -> None:
    (bench.folder / "x.jsonl").rename(bench.folder / "z.jsonl")
    bench.write("x.jsonl", b'{"new":1}\n')
    bench.write("y.jsonl", b'{"other":1}\n')
    assert bench.chosen("x.jsonl", "y.jsonl", "z.jsonl") == [
        (1, "z.jsonl"),
        (2, "x.jsonl"),
        (3, "y.jsonl"),
    ]


def test_a_rotated_file_that_cannot_be_read_or_is_another_log_is_left_alone(bench: Bench) -> None:
    bench.write("x.jsonl.1", b'{"other":1}\n')
    bench.write("x.jsonl.2").write_bytes(b"\x1f\x8b\x08cut")
    (bench.folder / "x.jsonl.3").mkdir()
    (bench.folder / "x.jsonl").unlink()
    choice = bench.choose()
    assert (choice.logs, choice.gone) == ([], [1])


def test_a_log_that_was_rotated_by_copying_is_not_taken_for_one_that_is_known_there(
    bench: Bench,
) -> None:
    bench.write("x.jsonl.1")
    assert bench.apply("x.jsonl.1", 8) == 2
    bench.write("x.jsonl", b'{"new":1}\n')
    with pytest.raises(LogChanged, match="replaced"):
        bench.choose("x.jsonl")


@pytest.mark.parametrize("how", ["file", "folder", "copied folder"])
def test_what_was_rotated_moves_along_with_the_log_that_has_its_name(
    bench: Bench, how: str
) -> None:
    logs = bench.folder / "logs"
    logs.mkdir()
    (bench.folder / "x.jsonl").rename(logs / "x.jsonl")
    assert bench.chosen("logs/x.jsonl") == [(1, "x.jsonl")]
    (logs / "x.jsonl").rename(logs / "x.jsonl.1")
    bench.write("logs/x.jsonl", b'{"new":1}\n')
    assert bench.chosen("logs/x.jsonl") == [(1, "x.jsonl.1"), (2, "x.jsonl")]
    if how == "file":
        (logs / "x.jsonl").rename(logs / "y.jsonl")
        assert bench.chosen("logs/y.jsonl") == [(1, "x.jsonl.1"), (2, "y.jsonl")]
        return
    bench.ledger.apply(Read(2, Mark(1, 10, 1, crc32(b'{"new":1}\n'))))
    bench.ledger.apply(Settled(2, 0, 1, 0, "applied"))
    (shutil.copytree if how == "copied folder" else Path.rename)(logs, bench.folder / "more")  # type: ignore[operator]
    if how == "copied folder":
        shutil.rmtree(logs)
    assert bench.chosen("more/x.jsonl") == [(1, "x.jsonl.1"), (2, "x.jsonl")]
    assert bench.chosen("more/x.jsonl") == [(1, "x.jsonl.1"), (2, "x.jsonl")]


def test_the_rest_of_a_rotated_log_that_was_overwritten_is_told_of_as_gone(bench: Bench) -> None:
    (bench.folder / "x.jsonl").rename(bench.folder / "x.jsonl.1")
    bench.write("x.jsonl", b'{"new":1}\n')
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl.1"), (2, "x.jsonl")]
    bench.ledger.apply(Read(2, Mark(1, 10, 1, crc32(b'{"new":1}\n'))))
    bench.ledger.apply(Settled(2, 0, 1, 0, "applied"))
    (bench.folder / "x.jsonl").replace(bench.folder / "x.jsonl.1")
    bench.write("x.jsonl", b'{"newer":1}\n')
    for names in (("x.jsonl",), ()):
        choice = bench.choose(*names)
        assert [(log.number, Path(log.path).name) for log in choice.logs] == [
            (2, "x.jsonl.1"),
            (3, "x.jsonl"),
        ]
        assert choice.gone == [1]
    assert bench.ledger.logs[1].identity.label == "x.jsonl.1.old"
    assert bench.ledger.logs[1].identity.path == str(bench.folder / "x.jsonl.1.old")


def test_the_way_out_of_a_replaced_log_names_a_name_that_is_free(bench: Bench) -> None:
    bench.write("x.jsonl.old", b"other\n")
    bench.write("x.jsonl.old2", b"another\n")
    bench.apply("x.jsonl.old2", 0)
    bench.write("x.jsonl", b'{"new":1}\n')
    with pytest.raises(LogChanged, match=r"`syncer state move x\.jsonl x\.jsonl\.old3`"):
        bench.choose("x.jsonl")


def test_many_logs_that_are_gone_are_looked_for_in_little_time(bench: Bench) -> None:
    for n in range(2000):
        bench.write(f"{n}.log")
        bench.apply(f"{n}.log", 4)
    for n in range(1000):
        (bench.folder / f"{n}.log").unlink()
    asked = 0

    def is_name_of(path: str, log: str) -> bool:
        nonlocal asked
        asked += 1
        return moves.is_name_of(path, log)

    with mock.patch("syncer.sources.files.is_name_of", is_name_of):
        assert len(bench.choose().gone) == 1000
    assert asked < 3000


def test_many_logs_that_are_gone_before_anything_of_them_was_applied_cost_as_little(
    tmp_path: Path,
) -> None:
    bench, asked, applied = Bench(tmp_path), 0, Places.applied
    for n in range(400):
        bench.write(f"{n}.log")
        bench.apply(f"{n}.log", 0)
    for n in range(200):
        (tmp_path / f"{n}.log").unlink()

    def counted(places: Places, number: int) -> AppliedPart:
        nonlocal asked
        asked += 1
        return applied(places, number)

    with mock.patch.object(Places, "applied", counted):
        choice = bench.choose()
    assert (len(choice.logs), len(choice.gone)) == (200, 200)
    assert asked < 8_000


# --- gone -----------------------------------------------------------------------------


def test_of_all_known_logs_the_others_go_where_one_is_gone(bench: Bench) -> None:
    bench.write("y.jsonl", b'{"other":1}\n')
    bench.apply("y.jsonl", 0)
    (bench.folder / "x.jsonl").unlink()
    choice = bench.choose()
    assert [log.number for log in choice.logs] == [2]
    assert choice.gone == [1]


def test_a_log_that_is_named_and_gone_is_an_error_known_or_not(bench: Bench) -> None:
    (bench.folder / "x.jsonl").unlink()
    for name in ("x.jsonl", "y.jsonl"):
        with pytest.raises(UsageError, match=f"there is no change log {name}"):
            bench.choose(name)


def test_a_log_in_a_folder_that_cannot_be_entered_is_not_taken_for_gone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", denied)
        with pytest.raises(UsageError, match=r"x\.jsonl cannot be read: Permission denied"):
            bench.choose()


def test_choosing_logs_leaves_the_table_of_the_interpreters_names_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress(bench.folder / "x.jsonl", keep=True)
    (bench.folder / "x.jsonl").rename(bench.folder / "x.jsonl.1")
    bench.write("x.jsonl", b"{}\n")
    folder, disk = str(bench.folder), LogDisk()
    chooser = Chooser(bench.ledger, bench.folder / "spool", disk)
    logs = [LogPath(f"{folder}/{name}", name) for name in ("x.jsonl", "x.jsonl.gz")]
    named = noted_names(monkeypatch)
    choice = chooser.choose(logs)
    assert len(choice.logs) == 3
    assert named == []


# --- twins ----------------------------------------------------------------------------


def test_a_compressed_copy_beside_a_log_is_the_same_log_and_that_is_looked_at_once(
    bench: Bench,
) -> None:
    compress(bench.folder / "x.jsonl", keep=True)
    choice = bench.choose("x.jsonl", "x.jsonl.gz")
    assert [(log.number, Path(log.path).name) for log in choice.logs] == [(1, "x.jsonl")]
    assert choice.notes == [
        "x.jsonl.gz holds nothing that is not in x.jsonl: they are one log, and x.jsonl is read"
    ]
    assert bench.chosen("x.jsonl", "x.jsonl.gz") == [(1, "x.jsonl")]
    assert bench.opened == []
    assert bench.chosen("x.jsonl.gz") == [(1, "x.jsonl")]


def test_of_a_log_and_its_compressed_copy_the_longer_is_read(bench: Bench) -> None:
    compress(bench.folder / "x.jsonl", keep=True)
    grow(bench.folder / "x.jsonl")
    assert bench.chosen("x.jsonl", "x.jsonl.gz") == [(1, "x.jsonl")]
    bench.write("x.jsonl.gz", TEXT * 3)
    bench.write("x.jsonl", TEXT)
    assert bench.chosen("x.jsonl", "x.jsonl.gz") == [(1, "x.jsonl.gz")]
    assert bench.chosen("x.jsonl", "x.jsonl.gz") == [(1, "x.jsonl.gz")]
    assert bench.opened == []


def test_two_new_files_that_are_one_log_are_read_once(bench: Bench) -> None:
    bench.write("y.jsonl", b"a\nb\n")
    bench.write("y.jsonl.gz", b"a\nb\nc\n")
    assert bench.chosen("y.jsonl", "y.jsonl.gz") == [(2, "y.jsonl.gz")]


def test_a_compressed_file_that_is_still_being_written_is_no_log_of_its_own(bench: Bench) -> None:
    packed = compress(bench.folder / "x.jsonl", keep=True)
    packed.write_bytes(packed.read_bytes()[:-12])
    assert bench.chosen("x.jsonl", "x.jsonl.gz") == [(1, "x.jsonl")]


def test_a_compressed_copy_beside_another_name_of_a_log_is_the_same_log(bench: Bench) -> None:
    (bench.folder / "logs").mkdir()
    (bench.folder / "x.jsonl").rename(bench.folder / "logs" / "x.jsonl")
    bench.choose("logs/x.jsonl")
    compress(bench.folder / "logs" / "x.jsonl", keep=True)
    (bench.folder / "logs" / "a.jsonl").hardlink_to(bench.folder / "logs" / "x.jsonl")
    assert bench.chosen("logs/a.jsonl", "logs/x.jsonl.gz") == [(1, "x.jsonl")]
    (bench.folder / "logs").rename(bench.folder / "archive")
    assert bench.chosen("archive/a.jsonl", "archive/x.jsonl.gz") == [(1, "a.jsonl")]


def test_a_compressed_log_is_merged_with_none_but_the_file_of_its_name(bench: Bench) -> None:
    """Neither with older files that hold the same nor with newer ones, though the file
    of its name is not in the run.
    """
    first, twin, last = sorted(
        (bench.write(f"{n}.jsonl") for n in range(3)), key=lambda path: path.stat().st_ino
    )
    twin.rename(bench.folder / "y.jsonl")
    compress(bench.folder / "y.jsonl", keep=True)
    chosen = bench.chosen("y.jsonl.gz", first.name, last.name)
    assert sorted(name for _, name in chosen) == sorted([first.name, last.name, "y.jsonl.gz"])


def test_files_of_these_names_that_differ_are_two_logs(bench: Bench) -> None:
    bench.write("x.jsonl.gz", TEXT.replace(b"7", b"9"))
    assert bench.chosen("x.jsonl", "x.jsonl.gz") == [(1, "x.jsonl"), (2, "x.jsonl.gz")]
    assert bench.chosen("x.jsonl", "x.jsonl.gz") == [(1, "x.jsonl"), (2, "x.jsonl.gz")]


def test_a_log_that_was_compressed_and_one_that_was_unpacked_are_carried_on(bench: Bench) -> None:
    compress(bench.folder / "x.jsonl")
    assert bench.chosen("x.jsonl.gz") == [(1, "x.jsonl.gz")]
    (bench.folder / "x.jsonl").write_bytes(TEXT)
    (bench.folder / "x.jsonl.gz").unlink()
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl")]


def test_a_log_packed_and_unpacked_again_and_again_stays_one_log_and_is_no_rotation_of_itself(
    bench: Bench,
) -> None:
    path = bench.folder / "x.jsonl"
    for _ in range(2):
        packed = compress(path)
        assert bench.chosen("x.jsonl.gz") == [(1, "x.jsonl.gz")]
        path.write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
        assert bench.chosen("x.jsonl") == [(1, "x.jsonl")]
        assert bench.chosen("x.jsonl") == [(1, "x.jsonl")]
        assert bench.ledger.logs[1].identity.was == ""


def test_logs_that_have_each_others_old_names_are_each_read_once(bench: Bench) -> None:
    bench.write("y.jsonl", b'{"other":1}\n')
    bench.apply("y.jsonl", 0)
    for number, was in ((1, "y.jsonl"), (2, "x.jsonl")):
        identity = bench.ledger.logs[number].identity
        bench.ledger.apply(
            Opened(number, msgspec.structs.replace(identity, was=str(bench.folder / was)))
        )
    assert sorted(bench.chosen("x.jsonl")) == [(1, "x.jsonl"), (2, "y.jsonl")]


def test_an_empty_log_is_no_beginning_of_the_one_that_was_rotated(bench: Bench) -> None:
    compress(bench.folder / "x.jsonl")
    bench.write("x.jsonl", b"")
    assert bench.chosen("x.jsonl", "x.jsonl.gz") == [(1, "x.jsonl.gz"), (2, "x.jsonl")]


@pytest.mark.parametrize(("line", "missed"), [(LINES[0], False), (b'{"other":1}\n', True)])
def test_a_log_of_which_nothing_was_applied_is_missed_unless_what_is_at_its_path_begins_as_it_did(
    tmp_path: Path, line: bytes, missed: bool
) -> None:
    bench = Bench(tmp_path)
    plain = bench.write("x.jsonl", line)
    waiting = bench.apply("x.jsonl", 0)
    bench.ledger.apply(
        Opened(
            waiting,
            msgspec.structs.replace(
                bench.ledger.logs[waiting].identity, head=head_of(line.strip())
            ),
        )
    )
    os.utime(bench.write("x.jsonl.gz"), (LONG_AGO, LONG_AGO))
    read = bench.apply("x.jsonl.gz")
    bench.write("unpacked").replace(plain)
    (tmp_path / "x.jsonl.gz").unlink()
    choice = bench.choose("x.jsonl")
    assert [log.number for log in choice.logs] == [read]
    assert (choice.replaced, choice.gone) == ([waiting], [waiting] if missed else [])


def test_a_file_is_read_once_by_whatever_names_and_what_left_one_of_them_is_read_before_it(
    bench: Bench,
) -> None:
    (bench.folder / "x.jsonl").rename(bench.folder / "x.jsonl.1")
    bench.write("x.jsonl", b'{"new":1}\n')
    (bench.folder / "a.jsonl").hardlink_to(bench.folder / "x.jsonl")
    assert bench.chosen("a.jsonl", "x.jsonl") == [(1, "x.jsonl.1"), (2, "a.jsonl")]
    assert bench.chosen("a.jsonl", "x.jsonl") == [(1, "x.jsonl.1"), (2, "a.jsonl")]


@pytest.mark.parametrize("how", ["compressed", "copied with its time", "said"])
def test_a_rotated_log_of_which_nothing_was_applied_is_found_by_its_first_line(
    tmp_path: Path, how: str
) -> None:
    bench = Bench(tmp_path)
    old = bench.write("x.jsonl")
    os.utime(old, (LONG_AGO, LONG_AGO))
    bench.apply("x.jsonl", 0)
    old.rename(tmp_path / "x.jsonl.1")
    bench.write("x.jsonl", b'{"new":1}\n')
    assert bench.chosen("x.jsonl") == [(1, "x.jsonl.1"), (2, "x.jsonl")]
    if how == "compressed":
        new = compress(tmp_path / "x.jsonl.1").name
        assert bench.chosen("x.jsonl") == [(1, new), (2, "x.jsonl")]
        return
    shutil.copy2(tmp_path / "x.jsonl.1", tmp_path / "y.jsonl")
    (tmp_path / "x.jsonl.1").unlink()
    if how == "said":
        os.utime(tmp_path / "y.jsonl", (LONG_AGO + 9, LONG_AGO + 9))
    moved: Moved | None = "same" if how == "said" else None
    choice = bench.choose("y.jsonl", "x.jsonl", moved=moved)
    assert [log.number for log in choice.logs] == [1, 2]
    assert choice.gone == []


def test_a_new_log_with_the_first_line_of_one_that_is_gone_and_was_not_begun_is_new(
    tmp_path: Path,
) -> None:
    """Nothing was applied, so nothing can be applied twice: no word is needed."""
    bench = Bench(tmp_path)
    old = bench.write("x.jsonl")
    bench.apply("x.jsonl", 0)
    old.unlink()
    os.utime(bench.write("y.jsonl"), (LONG_AGO, LONG_AGO))
    choice = bench.choose("y.jsonl")
    assert [log.number for log in choice.logs] == [2]
