"""A change log that grows while it is read, in virtual time."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import Mock

import anyio
import pytest

from syncer.core.change import Chunk, LogIdentity
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError
from syncer.sources.changelog import ChangeLog
from syncer.sources.identity import head_of
from syncer.sources.lines import LineOptions
from syncer.sources.opening import open_log
from syncer.sources.stamps import stamp_of
from tests.support.lines import post
from tests.support.virtual import VirtualTime

WITHOUT_ID = b'{"op":"post","annotation":{"input_id":"i"}}\n'


def following(path: Path, *, chosen: bool = False) -> ChangeLog:
    stamp = stamp_of(str(path))
    assert stamp is not None
    head = head_of(path.read_bytes().split(b"\n")[0])
    identity = LogIdentity.of(str(path), "log", head, stamp) if chosen else None
    log = ChangeLog(str(path), "log", 7, LineOptions(), identity=identity)
    log.follow(poll_seconds=5)
    return log


def write(path: Path, content: bytes, *, whole: bool = False) -> None:
    with path.open("wb" if whole else "ab") as file:
        file.write(content)


class Followed:
    """What was read of a log, at which second."""

    def __init__(self, log: ChangeLog) -> None:
        self.log = log
        self.time = VirtualTime()
        self.chunks: list[Chunk] = []

    def look(
        self, meanwhile: Callable[[], object] = lambda: None, *, ends: bool = False
    ) -> list[str]:
        """Return the ids of what there is now, after a wait."""

        async def write_late() -> None:
            await anyio.sleep(2)
            meanwhile()

        async def main() -> list[Chunk]:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write_late)
                await self.log.wait()
            found = []
            while (chunk := await self.log.read()) is not None:
                found.append(chunk)
            return found

        found = self.time.run(main)
        assert found is not None
        assert self.log.ended == ends
        self.chunks += found
        return ids(found)

    def close(self) -> None:
        self.time.run(self.log.close)


def ids(chunks: Sequence[Chunk]) -> list[str]:
    return [change.id for chunk in chunks for change in chunk.changes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def test_what_is_written_later_is_read_at_the_next_look(path: Path) -> None:
    write(path, post("a") + b"\n")
    followed = Followed(following(path))
    assert followed.look() == ["a"]
    assert followed.look() == []
    write(path, post("b") + b"\n" + post("c") + b"\n")
    assert followed.look() == ["b", "c"]
    assert round(followed.time.now) == 15
    assert [change.line for chunk in followed.chunks for change in chunk.changes] == [1, 2, 3]
    followed.close()


def test_a_line_is_read_once_it_has_an_ending(path: Path) -> None:
    """A whole JSON object may still be the first half of a line."""
    write(path, post("a") + b"\n" + post("b"))
    followed = Followed(following(path))
    assert followed.look() == ["a"]
    write(path, b" ")
    assert followed.look() == []
    write(path, b"\n" + post("c")[:20])
    assert followed.look() == ["b"]
    write(path, post("c")[20:] + b"\n")
    assert followed.look() == ["c"]
    followed.close()


@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("first", [b"", WITHOUT_ID[:9], WITHOUT_ID])
def test_ids_are_those_of_a_push_of_the_whole_log_however_it_began(
    path: Path, first: bytes, chosen: bool
) -> None:
    write(path, first)
    followed = Followed(following(path, chosen=chosen))
    found = followed.look()
    write(path, (WITHOUT_ID * 2)[len(first) :])
    found += followed.look()
    followed.close()
    whole = ChangeLog(str(path), "log", 7, LineOptions())
    chunk = VirtualTime().run(whole.read)
    assert chunk is not None
    assert found == ids([chunk])
    VirtualTime().run(whole.close)


def test_a_log_that_was_cut_is_an_error_until_it_holds_again_what_was_read(path: Path) -> None:
    content = post("a") + b"\n" + post("b") + b"\n"
    write(path, content)
    for chosen in (False, True):
        followed = Followed(following(path, chosen=chosen))
        assert followed.look() == ["a", "b"]
        write(path, content[:30], whole=True)
        with pytest.raises(SyncerError, match=r"the log log was cut or written over after it was"):
            followed.look()
        with pytest.raises(SyncerError, match=r"the log log was (cut|replaced)"):
            followed.look()
        write(path, content + post("c") + b"\n", whole=True)
        assert followed.look() == ["c"]
        followed.close()
        write(path, content, whole=True)


def test_a_log_that_was_written_over_is_an_error_though_it_is_longer_than_before(
    path: Path,
) -> None:
    write(path, post("a") + b"\n" + post("b") + b"\n")
    followed = Followed(following(path, chosen=True))
    assert followed.look() == ["a", "b"]
    write(path, (post("c") + b"\n") * 9, whole=True)
    for message in ("cut or written over", "replaced: its first line has changed"):
        with pytest.raises(SyncerError, match=f"the log log was {message}"):
            followed.look()
    followed.close()


def test_the_file_at_its_end_is_told_so_that_a_later_run_need_not_check_it(path: Path) -> None:
    write(path, post("a") + b"\n")
    followed = Followed(following(path, chosen=True))
    followed.look()
    write(path, post("b") + b"\n" + post("c"))
    followed.look()
    *_, last = followed.chunks
    assert last.count == 0
    assert last.identity is not None
    assert (last.identity.stamp, last.identity.end) == (stamp_of(str(path)), path.stat().st_size)
    count = len(followed.chunks)
    followed.look()
    assert len(followed.chunks) == count
    followed.close()


def test_it_is_taken_up_at_the_mark_that_a_follower_left(path: Path) -> None:
    write(path, post("a") + b"\n" + post("b"))
    followed = Followed(following(path))
    followed.look()
    followed.close()
    write(path, b"\n")
    watermark = Watermark(followed.chunks[-1].end)
    log = ChangeLog(str(path), "log", 7, LineOptions(), watermark=watermark)
    chunk = VirtualTime().run(log.read)
    assert chunk is not None
    assert ids([chunk]) == ["b"]
    VirtualTime().run(log.close)


def test_a_log_that_was_rotated_ends_with_what_comes_until_a_look_after_the_new_one_is_there(
    path: Path,
) -> None:
    write(path, post("a") + b"\n")
    followed = Followed(following(path, chosen=True))
    assert followed.look() == ["a"]
    old = path.rename(path.with_suffix(".1"))
    write(old, post("b") + b"\n")
    assert followed.look() == ["b"]
    write(path, post("new") + b"\n")
    late = post("c") + b"\n" + post("d")
    assert followed.look(meanwhile=lambda: write(old, late), ends=True) == ["c", "d"]
    last = followed.chunks[-1].identity
    assert last is not None
    assert last.stamp == stamp_of(str(old))


def test_a_followed_log_whose_name_cannot_be_looked_at_goes_on(path: Path) -> None:
    write(path, post("a") + b"\n")
    followed = Followed(following(path))
    followed.look()
    old = path.rename(path.with_suffix(".1"))
    path.symlink_to(path)
    for name in ("b", "c"):
        write(old, post(name) + b"\n")
        assert followed.look() == [name]
    followed.close()


def packed_log() -> tuple[list[str], bytes]:
    """Ids, and a compressed log of them that gives some of its lines when it is cut."""
    names = [f"{number:x}" for number in random.Random(1).sample(range(1 << 60), 3000)]
    return names, gzip.compress(b"".join(post(name) + b"\n" for name in names))


def test_a_compressed_log_that_is_still_written_is_read_on_when_it_is_touched(path: Path) -> None:
    names, packed = packed_log()
    write(path, packed[:20])
    followed = Followed(following(path))
    found = followed.look()
    assert found == []
    write(path, packed[20 : len(packed) // 2])
    found += followed.look()
    assert 0 < len(found) < 3000
    assert followed.look() == []
    write(path, packed[len(packed) // 2 :])
    found += followed.look()
    write(path, gzip.compress(post("last") + b"\n"))
    found += followed.look()
    assert found == [*names, "last"]
    followed.close()


def test_a_compressed_log_that_is_damaged_is_an_error(path: Path) -> None:
    packed = gzip.compress(post("a") + b"\n" + post("b") + b"\n")
    write(path, packed + b"rubbish")
    followed = Followed(following(path))
    for _ in range(2):
        with pytest.raises(SyncerError, match=r"cannot be read after line 2 .*: what follows"):
            followed.look()
    followed.close()
    write(path, packed, whole=True)
    assert followed.look() == []
    followed.close()


def test_a_log_that_is_gone_before_it_was_whole_is_an_error(path: Path) -> None:
    _, packed = packed_log()
    write(path, packed[: len(packed) // 2])
    followed = Followed(following(path))
    followed.look()
    path.unlink()
    with pytest.raises(SyncerError, match="cannot be read: No such file or directory"):
        followed.look()
    path.symlink_to(path)
    with pytest.raises(SyncerError, match="cannot be read: Too many levels"):
        followed.look()
    followed.close()


def test_a_log_that_is_not_followed_has_nothing_to_wait_for(path: Path) -> None:
    write(path, post("a") + b"\n")
    time = VirtualTime()
    time.run(ChangeLog(str(path), "log", 7, LineOptions()).wait)
    assert time.now < 1


def test_a_compressed_log_that_nobody_writes_on_is_not_unpacked_at_each_look(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, packed = packed_log()
    write(path, packed[: len(packed) // 2])
    followed = Followed(following(path))
    followed.look()
    opened = Mock(wraps=open_log)
    monkeypatch.setattr("syncer.sources.log_disk.open_log", opened)
    assert [followed.look() for _ in range(3)] == [[], [], []]
    opened.assert_not_called()
    followed.close()
