"""Reading change logs: every byte of a block boundary gives the same, and a log is
known again.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import threading
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import anyio
import anyio.to_thread
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from syncer.core.change import BadLine, Change, Chunk, IgnoredLine, LogIdentity, Mark, Stamp
from syncer.core.watermark import Watermark
from syncer.errors import BadLineFound, SyncerError
from syncer.sources.changelog import ChangeLog
from syncer.sources.chunks import CHUNK_LINES_MAX
from syncer.sources.cutter import BOM
from syncer.sources.identity import head_of
from syncer.sources.lines import LineOptions, LinePlace, parse
from syncer.sources.log_disk import LogDisk
from syncer.sources.stamps import stamp_of

PLACE = LinePlace(1, 0, 1, 0, b"first line")
TEXT = (
    b'\xef\xbb\xbf{"op":"post","annotation":{"id":"a","input_id":"i"}}\r\n'
    b"\n  \n"
    b'{"op":"post","annotation":{"input_id":"i","data":{"n":"\xc3\xa9"}}}\n'
    b"broken\n"
    b'{"input_id":"i","id":"b","created_at":"x","status":{"code":24150,"description":"Ok"}}\n'
    b'{"input_id":"i","id":"c","input_level":true}\n'
    b'{"op":"delete","annotation":{"input_id":"i"}}'
)


def chunks(path: Path, block_bytes: int = 1 << 18, disk: LogDisk | None = None) -> list[Chunk]:
    """All chunks of a log."""

    async def read() -> list[Chunk]:
        log = ChangeLog(str(path), "log", 1, LineOptions(), disk=disk or LogDisk(block_bytes))
        found = []
        while (chunk := await log.read()) is not None:
            found.append(chunk)
        return found

    return anyio.run(read)


@pytest.mark.parametrize(("cut", "read"), [(1, 0), (30, 0), (52, 1)])
def test_ids_that_are_made_are_the_same_though_the_first_line_was_half_written_at_opening(
    tmp_path: Path, cut: int, read: int
) -> None:
    path = tmp_path / "log.jsonl"
    text = b'{"op":"post","annotation":{"input_id":"i","data":{}}}\n' * 2
    path.write_bytes(text[:cut])
    found = changes(chunks(path, disk=_WritingDisk(path, text)))
    assert found == changes(chunks(path))[:read]


class _WritingDisk(LogDisk):
    """The file is whole as soon as it was opened."""

    def __init__(self, path: Path, text: bytes) -> None:
        super().__init__()
        self._path = path
        self._text = text
        self._asked = 0

    def stamp_of_open(self, file: BinaryIO, known: Stamp | None = None) -> Stamp:
        self._asked += 1
        if self._asked == 2:
            self._path.write_bytes(self._text)
        return super().stamp_of_open(file, known)


def changes(found: list[Chunk]) -> list[tuple[object, ...]]:
    """What matters of the changes, bad and ignored lines."""
    rows: list[tuple[object, ...]] = []
    for chunk in found:
        rows += [
            (change.index, change.line, change.verb, change.input_id, change.id, change.body)
            for change in chunk.changes
        ]
        rows += [(line.index, line.line, "bad", line.reason) for line in chunk.bad]
        rows += [(line.index, line.line, "ignored") for line in chunk.ignored]
    return sorted(rows, key=lambda row: row[0])  # type: ignore[arg-type,return-value]


def test_block_boundaries_change_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(TEXT)
    whole = chunks(log)
    assert len(changes(whole)) == 6
    for block_bytes in range(1, len(TEXT) + 1):
        cut = chunks(log, block_bytes)
        assert changes(cut) == changes(whole)
        assert cut[-1].end == whole[-1].end


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_a_chunk_holds_a_few_thousand_lines_however_short_they_are(
    tmp_path: Path, name: str
) -> None:
    """A dead letter takes hundreds of times as much as such a line."""
    text = (
        b'{"op":"delete","annotation":{"input_id":"i"}}\n'
        + b"x\n" * 100_000
        + b"\n" * 50_000
        + b" " * 200_000
        + b"\nx"
    )
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    found = chunks(tmp_path / name)
    assert max(chunk.count for chunk in found) < 2 * CHUNK_LINES_MAX
    assert sum(chunk.count for chunk in found) == 100_001
    assert [line.index for chunk in found for line in (*chunk.changes, *chunk.bad)] == list(
        range(100_001)
    )
    assert found[-1].end.offset == len(text) - 1


def test_a_compressed_log_gives_the_same_ids_as_the_plain_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(TEXT)
    with gzip.open(tmp_path / "b.jsonl.gz", "wb") as out:
        out.write(TEXT)
    assert changes(chunks(tmp_path / "a.jsonl")) == changes(chunks(tmp_path / "b.jsonl.gz"))


def test_a_line_of_more_than_16_mib_is_bad_and_the_next_one_is_not(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(
        b'{"op":"' + b"x" * (17 << 20) + b'"}\n{"op":"delete","annotation":{"input_id":"i"}}\n'
    )
    found = chunks(log)
    assert [line.reason for chunk in found for line in chunk.bad] == ["longer than 16 MiB"]
    assert [(change.line, change.index) for chunk in found for change in chunk.changes] == [(2, 1)]
    assert found[-1].end.offset == log.stat().st_size


def test_what_was_written_is_what_is_sent_byte_for_byte() -> None:
    body = b'{"input_id" : "i","id":"a", "data":{"x":1.0,"y":10000000000000000000000}}'
    for line in (
        b'{"op":"post","annotation":%s}',
        b'{"annotation":%s,"op":"post"}',
        b' { "op" : "post" , "annotation" : %s } ',
    ):
        change = parse(line % body, PLACE, LineOptions())
        assert isinstance(change, Change)
        assert change.body == body


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (
            b'{"op":"post","annotation":{"id":"a","input_id":"i"},"annotation":{"id":"b","input_id":"i"}}',
            b'{"id":"b","input_id":"i"}',
        ),
        (
            b'{"op":"post","annotation":{"id":"a","input_id":"i"},"op":"post"}',
            b'{"id":"a","input_id":"i"}',
        ),
        (
            b'{"op":"patch","action":"merge","annotation":{"id":"a","input_id":"i"},"op":"patch"}',
            b'{"id":"a","input_id":"i"}',
        ),
    ],
)
def test_a_line_that_repeats_a_member_sends_the_last_one_and_spoils_no_request(
    line: bytes, sent: bytes
) -> None:
    change = parse(line, PLACE, LineOptions())
    assert isinstance(change, Change)
    assert change.body == sent


def open_log_of(path: Path, read: int = 0, block_bytes: int = 1 << 18) -> ChangeLog:
    """A log that was chosen as it is now, so many of whose lines were applied."""
    stamp = stamp_of(str(path))
    assert stamp is not None
    text = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    part = b"".join(text.splitlines(keepends=True)[:read])
    identity = LogIdentity.of(
        str(path), "log", head_of(text.splitlines()[0].removeprefix(BOM)), stamp
    )
    return ChangeLog(
        str(path),
        "log",
        1,
        LineOptions(),
        identity=identity,
        watermark=Watermark(Mark(read, len(part), read, crc32(part))),
        disk=LogDisk(block_bytes),
    )


def read_all(log: ChangeLog) -> list[Chunk]:
    """All chunks of a log."""

    async def read() -> list[Chunk]:
        found = []
        while (chunk := await log.read()) is not None:
            found.append(chunk)
        return found

    return anyio.run(read)


def open_files() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_log_is_opened_when_it_is_read_and_closed_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(TEXT)
    before = open_files()
    logs = [open_log_of(path) for _ in range(50)]
    assert open_files() == before
    for log in logs:
        read_all(log)
    assert open_files() == before


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_at_the_end_of_a_log_it_is_known_how_long_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT) if name.endswith(".gz") else TEXT)
    for log in (open_log_of(path), open_log_of(path, 3)):
        *_, last = read_all(log)
        assert last.identity is not None
        assert (last.identity.end, last.identity.size) == (len(TEXT), path.stat().st_size)
    again = ChangeLog(
        str(path), "log", 1, LineOptions(), identity=last.identity, watermark=Watermark(last.end)
    )
    assert [chunk.identity for chunk in read_all(again)] == [None]


def test_how_far_a_log_is_read_is_told_from_before_its_beginning_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes((TEXT + b"\n") * 3000)
    size = path.stat().st_size
    log, places = open_log_of(path), []

    async def read() -> None:
        places.append(log.progress)
        while await log.read() is not None:
            places.append(log.progress)

    anyio.run(read)
    ends, reads = {place[1] for place in places if place}, [place[0] for place in places if place]
    assert (reads[0], reads[-1], ends) == (0, size, {size})
    assert reads == sorted(reads)
    assert len(set(reads)) > 3
    assert log.progress == (size, size)


def test_of_a_log_that_is_taken_up_as_much_is_read_as_its_bytes_on_disk_that_hold_what_was_applied(
    tmp_path: Path,
) -> None:
    plain, packed = tmp_path / "log.jsonl", tmp_path / "log.jsonl.gz"
    plain.write_bytes(TEXT * 100)
    packed.write_bytes(gzip.compress(TEXT * 100))
    applied, size = (
        len(b"".join((TEXT * 100).splitlines(keepends=True)[:300])),
        packed.stat().st_size,
    )
    assert open_log_of(plain, 300).progress == (applied, len(TEXT) * 100)
    log = open_log_of(packed, 300)
    # it is not known yet how long the log is, unpacked
    assert log.progress == (size, size)
    assert log.identity is not None
    log.identity = structs.replace(log.identity, end=len(TEXT) * 100)
    assert log.progress == (applied * size // (len(TEXT) * 100), size)


class _Failing(io.FileIO):
    """A file whose second read fails, and whose closing takes its time."""

    reads = 0

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.closing, self.may_close = threading.Event(), threading.Event()

    def readinto(self, buffer: Any) -> int | None:
        self.reads += 1
        if self.reads == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().readinto(buffer)

    def close(self) -> None:
        super().close()
        self.closing.set()
        assert self.may_close.wait(10)


def test_the_progress_is_told_while_a_file_that_failed_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes((TEXT + b"\n") * 3000)
    failing = _Failing(path)

    class Disk(LogDisk):
        def open(self, path: str, label: str) -> io.BufferedReader:
            return io.BufferedReader(failing)

    identity = open_log_of(path).identity
    log = ChangeLog(str(path), "log", 1, LineOptions(), identity=identity, disk=Disk())

    async def read_twice() -> None:
        await log.read()
        with pytest.raises(SyncerError, match="Input/output error"):
            await log.read()

    async def main() -> tuple[int, int] | None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read_twice)
            await anyio.to_thread.run_sync(failing.closing.wait)
            told = log.progress
            failing.may_close.set()
        return told

    assert anyio.run(main) == (8192, path.stat().st_size)


def test_of_a_log_that_nobody_has_chosen_no_progress_is_told(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(TEXT)
    log = ChangeLog(str(tmp_path / "log.jsonl"), "log", 1, LineOptions())
    assert log.progress == (0, 0)
    read_all(log)
    assert log.progress == (0, 0)


@pytest.mark.parametrize(("name", "end"), [("log.jsonl", len(TEXT)), ("log.jsonl.gz", -1)])
def test_the_end_of_a_log_that_is_still_being_written_is_not_where_reading_ended(
    tmp_path: Path, name: str, end: int
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT)[:-9] if name.endswith(".gz") else TEXT[:-9])
    log = open_log_of(path) if not name.endswith(".gz") else None
    if log is None:
        stamp = stamp_of(str(path))
        assert stamp is not None
        log = ChangeLog(
            str(path), "log", 1, LineOptions(), identity=LogIdentity.of(str(path), "log", "", stamp)
        )
    *_, last = read_all(log)
    assert log.unfinished is not None
    assert last.identity is None or last.identity.end == (end - 9 if end > 0 else -1)
    assert last.end.offset != end


def test_a_log_that_was_rotated_between_the_choice_and_the_reading_is_not_left_out_for_the_new_one(
    tmp_path: Path,
) -> None:
    """Nothing of it was applied, so that any file at its path would do; the next run
    finds both.
    """
    path = tmp_path / "log.jsonl"
    path.write_bytes(TEXT)
    log = open_log_of(path)
    path.rename(tmp_path / "log.jsonl.1")
    path.write_bytes(b'{"op":"delete","annotation":{"input_id":"new"}}\n')
    with pytest.raises(
        SyncerError,
        match="the log log was replaced during the run: run the same command again",
    ):
        read_all(log)


def test_a_log_that_grew_between_the_choice_and_the_reading_is_carried_on(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(TEXT + b"\n")
    log = open_log_of(path, 3)
    with path.open("ab") as file:
        file.write(b'{"op":"delete","annotation":{"input_id":"new"}}\n')
    assert [change.input_id for chunk in read_all(log) for change in chunk.changes][-1] == "new"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (TEXT[:70], "cut"),
        (TEXT.replace(b'"a"', b'"z"'), "replaced"),
        (TEXT.replace(b"  \n", b"\t \n"), "edited"),
        (None, "renamed or removed"),
    ],
)
def test_a_log_that_is_another_one_by_the_time_that_it_is_read_ends_the_reading(
    tmp_path: Path, text: bytes | None, how: str
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(TEXT)
    log = open_log_of(path, 4)
    path.unlink()
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(
        SyncerError, match=f"the log log was ({how}).*run the same command again"
    ) as stopped:
        read_all(log)
    assert stopped.value.exit_code == 1


def test_a_new_log_whose_first_line_came_after_the_choice_is_known_by_that_line(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n")
    log = open_log_of(path)
    path.write_bytes(TEXT)
    first, *_ = read_all(log)
    assert first.identity is not None
    assert first.identity.head == open_log_of(path).identity.head  # type: ignore[union-attr]


def test_a_bad_last_line_without_a_line_ending_stops_a_strict_run(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"op":"delete","annotation":{"input_id":"i"}}\n{"op":"what"}')
    with pytest.raises(BadLineFound, match="log:2"):
        read_all(ChangeLog(str(path), "log", 1, LineOptions(), strict=True))


def test_a_post_without_id_gets_one_and_keeps_its_other_bytes() -> None:
    change = parse(
        b'{"op":"post","annotation":{"input_id":"i","v":1.50}}',
        PLACE,
        LineOptions(embed_model_version_id="e"),
    )
    assert isinstance(change, Change)
    assert len(change.id) == 32
    assert (
        change.body
        == b'{"id":"%s","embed_model_version_id":"e","input_id":"i","v":1.50}' % change.id.encode()
    )


@pytest.mark.parametrize("embedded", ["", "e", "of the line"])
@pytest.mark.parametrize("id", ["", "a"])
@pytest.mark.parametrize("bare", [False, True])
def test_a_post_is_sent_with_its_own_members_and_gets_those_that_it_lacks(
    bare: bool, id: str, embedded: str
) -> None:
    members = {
        "input_id": "i",
        **({"id": id} if id else {}),
        **({"embed_model_version_id": embedded} if embedded == "of the line" else {}),
    }
    options = LineOptions(embed_model_version_id="e" if embedded else "")
    change = parse(
        orjson.dumps(members if bare else {"op": "post", "annotation": members}), PLACE, options
    )
    assert isinstance(change, Change)
    assert (change.id if id else len(change.id)) == (id or 32)
    made = {"id": change.id, **({"embed_model_version_id": embedded} if embedded else {})}
    assert orjson.loads(change.body) == {**members, **made}


@pytest.mark.parametrize("action", ["merge", "overwrite", "remove"])
def test_a_patch_gets_no_model_version_though_the_posts_do(action: str) -> None:
    body = b'{"id":"a","input_id":"i"}'
    line = b'{"op":"patch","action":"%s","annotation":%s}' % (action.encode(), body)
    change = parse(line, PLACE, LineOptions(embed_model_version_id="e"))
    assert isinstance(change, Change)
    assert change.body == body


def test_of_a_bare_line_only_what_its_owner_may_set_is_sent() -> None:
    raw = (
        b'{"id":"a","input_id":"i","created_at":"t","modified_at":"t","user_id":"u",'
        b'"consensus_info":{"x":1},"trusted":true,"worker":{"user":{"id":"u"}},'
        b'"input_level":false,"model_version_id":"",'
        b'"status":{"code":24151,"description":"d"},"data":{"v":1.0}}'
    )
    change = parse(raw, PLACE, LineOptions())
    assert isinstance(change, Change)
    assert change.body == b'{"id":"a","input_id":"i","status":{"code":24151},"data":{"v":1.0}}'
    for ignored in (
        b'{"input_id":"i","input_level":true}',
        b'{"input_id":"i","model_version_id":"m"}',
        b'{"input_id":"i","worker":{"model":{"id":"m"}}}',
    ):
        assert isinstance(parse(ignored, PLACE, LineOptions()), IgnoredLine)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"op": "post"}, "annotation"),
        (
            {"op": "patch", "action": "merge", "annotation": {"input_id": "i"}},
            "needs the annotation's",
        ),
        (
            {"op": "patch", "action": "mrge", "annotation": {"input_id": "i", "id": "a"}},
            "did you mean merge",
        ),
        ({"op": "x" * 61, "annotation": {"input_id": "i"}}, f"unknown op '{'x' * 60}'"),
        ({"op": "post", "action": "merge", "annotation": {"input_id": "i"}}, "belongs to a patch"),
        ({"op": "post", "annotation": {"input_id": "i", "id": ""}}, "a post without one gets one"),
        (
            {"op": "patch", "action": "merge", "annotation": {"input_id": "i", "id": ""}},
            "not empty: a patch needs one",
        ),
        (
            {"op": "delete", "annotation": {"input_id": "i", "id": None}},
            "not empty: a delete without one is of the whole input",
        ),
        ({"op": "delete", "annotation": {"input_id": "", "id": "a"}}, "input_id"),
        (
            {
                "op": "patch",
                "action": "remove",
                "annotation": {"input_id": "i", "id": "a", "data": {"metadata": {"t": ["x"]}}},
            },
            "overwrite",
        ),
    ],
)
def test_a_bad_line_says_what_is_wrong(line: object, reason: str) -> None:
    bad = parse(orjson.dumps(line), PLACE, LineOptions())
    assert isinstance(bad, BadLine)
    assert reason in bad.reason


@given(st.binary(max_size=200))
def test_whatever_the_bytes_a_line_is_a_change_or_says_why_not(raw: bytes) -> None:
    assert isinstance(parse(raw, PLACE, LineOptions()), Change | BadLine | IgnoredLine)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    )
)
def test_whatever_the_annotation_holds_nothing_is_raised(value: object) -> None:
    for op in ("post", "patch", "delete"):
        for annotation in (
            value,
            {"input_id": "i", "id": "a", "data": value},
            {"input_id": value, "id": value},
        ):
            line = orjson.dumps({"op": op, "action": "merge", "annotation": annotation})
            assert isinstance(parse(line, PLACE, LineOptions()), Change | BadLine)


def is_read_on(path: Path, log: ChangeLog, meanwhile: bytes) -> list[tuple[object, ...]]:
    """What a log gives that could not be read after its first chunk, and then held
    this.
    """
    found = [anyio.run(log.read)]
    anyio.run(log.close)
    path.rename(path.with_suffix(".away"))
    with pytest.raises(SyncerError, match="renamed or removed"):
        anyio.run(log.read)
    assert not log.ended
    path.with_suffix(".away").rename(path)
    path.write_bytes(meanwhile)
    while not log.ended:
        found.append(anyio.run(log.read))
    return changes([chunk for chunk in found if chunk is not None])


@pytest.mark.parametrize("block_bytes", [70, 90])
def test_a_log_that_could_not_be_read_is_read_on_after_the_last_chunk_that_it_gave(
    tmp_path: Path, block_bytes: int
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(TEXT)
    log = open_log_of(path, block_bytes=block_bytes)
    assert is_read_on(path, log, TEXT) == changes(chunks(path))


def test_a_log_that_was_edited_while_it_could_not_be_read_is_not_read_on(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(TEXT)
    edited = TEXT.replace(b"\n  \n", b"\n \t\n")
    with pytest.raises(SyncerError, match="was edited before byte 61"):
        is_read_on(path, open_log_of(path, block_bytes=70), edited)


def test_a_log_that_was_closed_is_read_on_after_the_last_chunk(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"short\n" * 3 * CHUNK_LINES_MAX)
    log = open_log_of(path)
    found: list[int] = []
    while (chunk := anyio.run(log.read)) is not None:
        found += [line.index for line in chunk.bad]
        anyio.run(log.close)
    assert found == list(range(3 * CHUNK_LINES_MAX))
