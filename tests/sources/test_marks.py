"""Byte-order marks: before any line, in any number, and none of them counts."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import anyio
import msgspec
import pytest

from syncer.core.change import Change, Mark
from syncer.core.watermark import Watermark
from syncer.sources.changelog import ChangeLog
from syncer.sources.cutter import Cutter
from syncer.sources.lines import LINE_BYTES_MAX, LineOptions
from syncer.sources.log_disk import LogDisk

BOM = b"\xef\xbb\xbf"
LINES = [
    b'{"op":"post","annotation":{"input_id":"i","data":{"metadata":{"n":"%d \xef\xbc\x81"}}}}'
    % number
    for number in range(6)
]
PLAIN = b"".join(line + b"\r\n" for line in LINES)
MARKED = b"".join(
    BOM * (number % 3) + line + b"\r\n" + BOM + b"\n" for number, line in enumerate(LINES, 1)
)


def changes(
    path: Path, *, block_bytes: int = 1 << 18, mark: Mark = Mark()
) -> tuple[list[Change], list[Mark]]:
    """The changes from this place on, and the places where reading may be taken up."""

    async def read() -> tuple[list[Change], list[Mark]]:
        log = ChangeLog(
            str(path), "log", 1, LineOptions(), disk=LogDisk(block_bytes), watermark=Watermark(mark)
        )
        found, marks = [], []
        while (chunk := await log.read()) is not None:
            assert not chunk.bad
            found += chunk.changes
            marks.append(chunk.end)
        return found, marks

    return anyio.run(read)


def test_logs_that_were_joined_with_their_marks_give_no_bad_lines_and_send_no_mark(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(MARKED)
    assert [change.raw for change in changes(path)[0]] == LINES


def test_a_made_id_counts_no_mark_wherever_it_stands(tmp_path: Path) -> None:
    """The same lines with and without marks, even the first, are the same posts."""
    plain, marked = tmp_path / "plain", tmp_path / "marked"
    plain.write_bytes(b"".join(line + b"\r\n\n" for line in LINES))
    marked.write_bytes(MARKED)
    assert [change.id for change in changes(marked)[0]] == [
        change.id for change in changes(plain)[0]
    ]


def test_reading_is_taken_up_behind_marks_with_the_same_ids(tmp_path: Path) -> None:
    """From every place, in blocks of every size, and a place survives being noted."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(MARKED)
    ids = [change.id for change in changes(path)[0]]
    for block_bytes in range(1, 60):
        found, marks = changes(path, block_bytes=block_bytes)
        assert [change.id for change in found] == ids
        for mark in marks:
            kept = msgspec.json.decode(msgspec.json.encode(mark), type=Mark)
            assert [change.id for change in changes(path, mark=kept)[0]] == ids[mark.index :]


def test_any_number_of_marks_is_passed_over_in_no_time(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(BOM * 500_000 + LINES[0] + b"\n")
    assert [change.raw for change in changes(path)[0]] == LINES[:1]


def test_a_mark_of_an_older_state_holds_no_bytes_of_marks() -> None:
    assert msgspec.json.decode(b'[3,120,4,77,""]', type=Mark) == Mark(3, 120, 4, 77)


@pytest.mark.parametrize("bom", [b"", BOM, BOM * 2])
@pytest.mark.parametrize(("over", "bad"), [(0, 0), (1, 1), (1000, 1)])
@pytest.mark.parametrize("block_bytes", [1 << 18, 1 << 25])
def test_the_limit_of_a_line_counts_neither_mark_nor_carriage_return(
    bom: bytes, over: int, bad: int, block_bytes: int, tmp_path: Path
) -> None:
    path = tmp_path / "log.jsonl"
    line = b'{"op":"delete","annotation":{"input_id":"i"}}'
    path.write_bytes(
        bom + line + b" " * (LINE_BYTES_MAX + over - len(line)) + b"\r\n" + LINES[0] + b"\n"
    )

    async def read() -> tuple[list[int], int]:
        log, counts, last = (
            ChangeLog(str(path), "log", 1, LineOptions(), disk=LogDisk(block_bytes)),
            [0, 0],
            0,
        )
        while (chunk := await log.read()) is not None:
            counts[0] += len(chunk.changes)
            counts[1] += len(chunk.bad)
            last = chunk.end.offset
        return counts, last

    counts, last = anyio.run(read)
    assert counts == [2 - bad, bad]
    assert last == path.stat().st_size


def test_lines_that_are_too_long_are_cut_alike_in_blocks_of_every_size_and_memory_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With marks before them or not, with the last byte allowed, and without an end."""
    most = 40
    monkeypatch.setattr("syncer.sources.cutter.LINE_BYTES_MAX", most)
    lengths = [5, most, most + 1, most + 2, most + 3, 3 * most]
    text = (
        b"".join(
            BOM * marks + b"x" * length + end
            for length in lengths
            for marks in (0, 2)
            for end in (b"\n", b"\r\n")
        )
        + b"y" * 100
    )
    whole = Cutter(Mark())
    lines = [*whole.feed(text), *whole.finish()]
    assert len(lines) == len(lengths) * 4 + 1
    for block_bytes in range(1, 2 * most):
        cutter, found = Cutter(Mark()), []
        for at in range(0, len(text), block_bytes):
            found += cutter.feed(text[at : at + block_bytes])
            assert len(cutter.tail) <= most + 1 + 2 * len(BOM)
        assert [(raw[: most + 1], *place) for raw, *place in found] == [
            (raw[: most + 1], *place) for raw, *place in lines[:-1]
        ]
        assert cutter.mark == Mark(
            whole.mark.index - 1,
            len(text) - 100,
            whole.mark.line - 1,
            crc32(text[:-100]),
            bom_bytes=12 * 2 * 3,
        )
