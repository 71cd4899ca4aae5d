"""The checkpoint of a pull, and the keys it has had: what a start makes of them after
crashes, damage and full disks.
"""

from __future__ import annotations

import errno
import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from syncer.core.facts import Destination
from syncer.errors import StateError
from syncer.journal.checkpoint import CHECKPOINT_FILE, Checkpoint, Checkpoints, decode, encode
from syncer.journal.disk import REAL, Disk
from syncer.journal.seen import Seen

JOB = "annotations of https://api.clarifai.com user me app a: {} as jsonl to /out.jsonl"
FAR = Checkpoint(
    JOB,
    "i-0099",
    "123:abcd",
    7,
    700,
    690,
    10,
    2,
    destination=Destination("paused", 1234.5, "throttled", 30.0),
)


def noted(folder: Path, *checkpoints: Checkpoint, disk: Disk = REAL) -> None:
    """Commit these, one after another."""
    opened = Checkpoints(folder, JOB, disk=disk)
    try:
        for checkpoint in checkpoints:
            opened.commit(checkpoint)
    finally:
        opened.close()


def found(folder: Path, job: str = JOB) -> Checkpoint:
    """What a start finds."""
    opened = Checkpoints(folder, job)
    opened.close()
    return opened.last


def test_a_start_finds_what_was_noted_last(tmp_path: Path) -> None:
    assert found(tmp_path / "new") == Checkpoint(JOB)
    noted(tmp_path / "new", Checkpoint(JOB, "i-0001"), FAR)
    assert found(tmp_path / "new") == FAR


def test_a_pause_of_before_it_was_kept_how_long_was_asked_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    noted(folder, FAR)
    rest = (
        (folder / CHECKPOINT_FILE)
        .read_bytes()[18:-1]
        .replace(b'"throttled",30.0]', b'"throttled"]')
    )
    (folder / CHECKPOINT_FILE).write_bytes(b'{"crc":"%08x",%s\n' % (crc32(rest), rest))
    assert found(folder).destination == Destination("paused", 1234.5, "throttled", None)


def test_the_file_is_as_the_docs_say_and_for_its_owner_only(tmp_path: Path) -> None:
    noted(tmp_path / "state", FAR)
    folder = tmp_path / "state"
    content = (folder / CHECKPOINT_FILE).read_bytes()
    assert content.endswith(b"}\n")
    assert msgspec.json.decode(content) == {
        "crc": f"{crc32(content[18:-1]):08x}",
        "job": JOB,
        "cursor": "i-0099",
        "position": "123:abcd",
        "pages": 7,
        "fetched": 700,
        "written": 690,
        "duplicates": 10,
        "unreadable": 2,
        "listed": False,
        "done": False,
        "destination": ["destination", "paused", 1234.5, "throttled", 30.0],
        "storage": ["destination", "open", 0.0, "", None],
        "parts": 0,
        "out": "",
        "wrote": None,
        "format": "syncer-pull",
        "version": 1,
    }
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "lock": 0o600,
        CHECKPOINT_FILE: 0o600,
    }


def test_another_job_is_refused_with_both_named_and_the_way_out(tmp_path: Path) -> None:
    noted(tmp_path, FAR)
    with pytest.raises(StateError) as refused:
        found(tmp_path, "annotations of another app")
    for part in (str(tmp_path), JOB, "annotations of another app", "Choose another --state folder"):
        assert part in str(refused.value)
    assert found(tmp_path) == FAR  # the lock was given back, and nothing is changed


def test_a_job_that_is_done_starts_anew_whatever_the_next_one_is(tmp_path: Path) -> None:
    noted(tmp_path, msgspec.structs.replace(FAR, done=True))
    assert found(tmp_path) == Checkpoint(JOB)
    assert found(tmp_path, "another job") == Checkpoint("another job")


def sealed(body: bytes) -> bytes:
    """With a checksum that is right."""
    return b'{"crc":"%08x",%s\n' % (crc32(body[1:]), body[1:])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{",
        b"\xff\xfe",
        b"[]\n",
        b'{"job":"x"}\n',
        encode(FAR)[:-1],
        encode(FAR)[:-9],
        encode(FAR) + b"{}",
        encode(FAR) * 2,
        sealed(b'{"job":"x","cursor":7}'),
        sealed(b'{"job":"x","unheard":1}'),
        sealed(b'{"job":"\xff"}'),
    ],
)
def test_a_damaged_file_is_refused_and_named_with_the_way_out(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(content)
    for _ in range(2):
        with pytest.raises(
            StateError,
            match=(
                r"pull\.json: damaged at byte 0 \(.*\); nothing was guessed\. .*`syncer state"
                r" repair --state "
            ),
        ):
            found(tmp_path)
    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == content
    (tmp_path / CHECKPOINT_FILE).unlink()
    assert found(tmp_path) == Checkpoint(JOB)


def test_every_flipped_bit_and_every_cut_is_damage(tmp_path: Path) -> None:
    """A cursor that is a little wrong would lose rows, or double them."""
    whole = encode(FAR)
    wrong = [
        whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
        for at in range(len(whole))
        for bit in range(8)
    ]
    for content in wrong + [whole[:cut] for cut in range(len(whole))]:
        with pytest.raises(ValueError, match=r"checksum|JSON|expected|Expected"):
            decode(content)
    assert decode(whole) == FAR


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(encode(msgspec.structs.replace(FAR, version=2)))
    with pytest.raises(
        StateError, match=r"syncer-pull version 2, and this syncer reads syncer-pull version 1"
    ):
        found(tmp_path)


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    first = Checkpoints(tmp_path, JOB)
    with pytest.raises(StateError, match=rf"is locked: process {os.getpid()}"):
        Checkpoints(tmp_path, JOB)
    first.close()
    assert found(tmp_path) == Checkpoint(JOB)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        StateError, match=r"state folder .*file/state cannot be used: Not a directory"
    ):
        Checkpoints(tmp_path / "file" / "state", JOB)


# --- crashes and disks ----------------------------------------------------------------


class PowerLost(BaseException):
    """Nothing runs any more."""


class Failing(Disk):
    """Fails before the n-th thing that is done to the disk.

    Writes may do half of their work first.
    """

    def __init__(self, good: int, failure: BaseException) -> None:
        self.good, self.failure, self.done = good, failure, list[str]()

    def _step(self, name: str) -> None:
        if len(self.done) >= self.good:
            raise self.failure
        self.done.append(name)

    def open(self, path: Path) -> int:
        self._step("open")
        return super().open(path)

    def write(self, descriptor: int, data: bytes) -> None:
        try:
            self._step("write")
        except BaseException:
            super().write(descriptor, data[: len(data) // 2])
            raise
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._step("sync")
        super().sync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        self._step("replace")
        super().replace(source, target)


STEPS = ["open", "write", "sync", "replace"]
NEXT = msgspec.structs.replace(FAR, cursor="i-0100", pages=8)


def test_the_new_file_is_on_the_disk_before_it_takes_the_old_ones_place(tmp_path: Path) -> None:
    disk = Failing(100, PowerLost())
    noted(tmp_path, FAR, disk=disk)
    assert disk.done == STEPS


@pytest.mark.parametrize("step", range(len(STEPS)), ids=STEPS)
@pytest.mark.parametrize(
    "failure",
    [PowerLost(), OSError(errno.ENOSPC, "x"), OSError(errno.EIO, "x")],
    ids=["crash", "full", "broken"],
)
def test_a_checkpoint_is_the_old_one_or_the_new_one_wherever_writing_it_ends(
    tmp_path: Path, step: int, failure: BaseException
) -> None:
    noted(tmp_path, FAR)
    with pytest.raises((PowerLost, StateError)) as ended:
        noted(tmp_path, NEXT, disk=Failing(step, failure))
    if isinstance(failure, OSError):
        assert os.strerror(failure.errno or 0) in str(ended.value)
        assert "run the same command again" in str(ended.value)
    assert found(tmp_path) == FAR
    noted(tmp_path, NEXT)
    assert found(tmp_path) == NEXT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", CHECKPOINT_FILE]


def test_a_failed_checkpoint_leaves_the_last_one_as_the_one_to_build_on(tmp_path: Path) -> None:
    opened = Checkpoints(tmp_path, JOB, disk=Failing(5, OSError(errno.ENOSPC, "x")))
    opened.commit(FAR)
    with pytest.raises(StateError):
        opened.commit(NEXT)
    assert opened.last == FAR
    opened.close()


# --- keys -----------------------------------------------------------------------------


@pytest.fixture
def seen(tmp_path: Path) -> Callable[[int], Seen]:
    """Opens the keys of this folder, as they were behind so many pages."""
    opened: list[Seen] = []

    def open_(pages: int) -> Seen:
        for one in opened:
            one.close()
        opened.append(Seen(tmp_path, pages))
        return opened[-1]

    return open_


def test_a_key_is_fresh_once_within_a_page_and_over_pages(seen: Callable[[int], Seen]) -> None:
    keys = seen(0)
    assert keys.fresh([("i", "a"), ("i", "b"), ("i", "a")], 0) == [True, True, False]
    assert keys.fresh([("i", "b"), ("j", "b"), ("ij", ""), ("", "ij")], 1) == [
        False,
        True,
        True,
        True,
    ]
    keys.close()


def test_what_a_page_brought_that_was_not_noted_is_forgotten(seen: Callable[[int], Seen]) -> None:
    """The page is fetched and written again, perhaps with other rows."""
    keys = seen(0)
    keys.fresh([("i", "a")], 0)
    keys.fresh([("i", "b")], 1)
    assert seen(1).fresh([("i", "a"), ("i", "b"), ("i", "c")], 1) == [False, True, True]
    anew = seen(0)
    assert anew.fresh([("i", "a")], 0) == [True]
    anew.close()


def test_keys_are_exactly_those_of_a_set_over_any_run_of_restarts(
    seen: Callable[[int], Seen],
) -> None:
    rng = random.Random(4)
    pages: list[list[tuple[str, str]]] = []
    keys = seen(0)
    for _ in range(120):
        if rng.random() < 0.3:
            pages = pages[: rng.randrange(len(pages) + 1)]
            keys = seen(len(pages))
        page = [(str(rng.randrange(9)), str(rng.randrange(40))) for _ in range(rng.randrange(8))]
        had = {key for earlier in pages for key in earlier}
        expected = [key not in had and key not in page[:at] for at, key in enumerate(page)]
        assert keys.fresh(page, len(pages)) == expected
        pages.append(page)
    keys.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "seen.sqlite").write_bytes(b"not a database, " * 100)
    with pytest.raises(
        StateError,
        match=r"seen\.sqlite: damaged at byte 0 \(file is not a database\).*syncer state repair",
    ):
        Seen(tmp_path, 3)
    Seen(tmp_path, 0).close()  # a pull from the start needs nothing of it


def test_a_key_that_cannot_be_written_ends_the_run_and_says_how_to_go_on(tmp_path: Path) -> None:
    keys = Seen(tmp_path, 0)
    with sqlite3.connect(tmp_path / "seen.sqlite") as other:
        other.execute("drop table seen")
    other.close()
    with pytest.raises(
        StateError,
        match=r"seen\.sqlite cannot be written: .*Fix that, then run the same command again",
    ):
        keys.fresh([("i", "a")], 0)
    keys.close()


def with_keys(folder: Path, pages: int = 6) -> list[list[tuple[str, str]]]:
    """A folder with the keys of so many pages; the keys."""
    keys = Seen(folder, 0)
    made = [[(f"i{page}", f"a{n}") for n in range(9)] for page in range(pages)]
    for page, rows in enumerate(made):
        keys.fresh(rows, page)
    keys.close()
    return made


def test_missing_keys_end_the_start_since_every_row_would_pass_again(tmp_path: Path) -> None:
    with_keys(tmp_path)
    (tmp_path / "seen.sqlite").unlink()
    with pytest.raises(
        StateError, match=r"seen\.sqlite: damaged at byte 0 \(it is missing\).*syncer state repair"
    ):
        Seen(tmp_path, 6)
    assert not (tmp_path / "seen.sqlite").exists()


def test_pages_that_were_noted_but_whose_keys_are_not_there_end_the_start(tmp_path: Path) -> None:
    with_keys(tmp_path)
    with pytest.raises(
        StateError, match="the stored keys of the first 9 pages fail their checksum"
    ):
        Seen(tmp_path, 9)


@pytest.mark.proof
def test_no_flipped_byte_lets_a_row_pass_twice(tmp_path: Path) -> None:
    """Refused, or every key is known still."""
    made = with_keys(tmp_path)
    path = tmp_path / "seen.sqlite"
    content = path.read_bytes()
    rng = random.Random(7)
    refused = 0
    filled = [at for at, byte in enumerate(content) if byte]
    for at in [*filled, *rng.sample(range(len(content)), 200)]:
        path.write_bytes(
            content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]
        )
        try:
            keys = Seen(tmp_path, len(made))
        except StateError:
            refused += 1
            continue
        with suppress(StateError):  # a place that only a write looks at
            assert not any(any(keys.fresh(rows, len(made))) for rows in made), at
        keys.close()
    assert refused > len(filled) // 2
