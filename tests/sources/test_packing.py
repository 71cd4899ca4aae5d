"""Files of another kind are refused as files; gzip is told by its first bytes, and what
is wrong with it leaves the other logs alone.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from syncer.core.change import Chunk
from syncer.errors import UsageError
from syncer.sources.changelog import ChangeLog
from syncer.sources.first_lines import BINARY_BYTES_MIN, FIRST_LINES, refuse_what_is_not_a_log
from syncer.sources.lines import LineOptions
from syncer.sources.opening import open_log
from syncer.sources.packing import HEAD_BYTES, packing

CHANGES = [
    {
        "op": "post",
        "annotation": {"id": f"a-{n}", "input_id": f"i-{n}", "data": {"metadata": {"é": n}}},
    }
    for n in range(300)
]
TEXT = "".join(json.dumps(change, ensure_ascii=False) + "\n" for change in CHANGES)
LOG = TEXT.encode()


def tarred(format_: int) -> bytes:
    """A tar archive of the log, not compressed: most of its lines are good ones."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as archive:
        inner = tarfile.TarInfo("log.jsonl")
        inner.size = len(LOG)
        archive.addfile(inner, io.BytesIO(LOG))
    return out.getvalue()


def v7_tarred() -> bytes:
    """As the oldest tars wrote it: without a magic word."""
    header = bytearray(tarred(tarfile.USTAR_FORMAT))
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header)


def zipped(compression: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("log.jsonl", LOG)
    return out.getvalue()


def database() -> bytes:
    rows = sqlite3.connect(":memory:")
    rows.execute("create table changes (line)")
    rows.executemany("insert into changes values (?)", [(line,) for line in TEXT.splitlines()])
    rows.commit()
    return rows.serialize()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"line": TEXT.splitlines()}), out, compression="none")
    return out.getvalue()


def arrow(opened: Callable[[io.BytesIO, pa.Schema], pa.RecordBatchWriter]) -> bytes:
    table, out = pa.table({"line": TEXT.splitlines()}), io.BytesIO()
    with opened(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def of_arrow(codec: str) -> bytes:
    packed: bytes = pa.compress(LOG, codec=codec, asbytes=True)
    return packed


BINARY = random.Random(11).randbytes(200_000)

OTHERS: dict[str, tuple[bytes, str]] = {
    "UTF-16 with a mark": (TEXT.encode("utf-16"), "in UTF-16, not in UTF-8"),
    "UTF-16, big end first, with a mark": (
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        "in UTF-16, not in UTF-8",
    ),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "in UTF-16LE, not in UTF-8"),
    "UTF-16, big end first, without a mark": (
        TEXT.encode("utf-16-be"),
        "in UTF-16BE, not in UTF-8",
    ),
    "UTF-16 with blank lines first": (
        ("\r\n" + TEXT).encode("utf-16-le"),
        "in UTF-16LE, not in UTF-8",
    ),
    "UTF-32": (TEXT.encode("utf-32"), "in UTF-32, not in UTF-8"),
    "UTF-32 without a mark": (TEXT.encode("utf-32-le"), "in UTF-32LE, not in UTF-8"),
    "UTF-32, big end first, without a mark": (
        TEXT.encode("utf-32-be"),
        "in UTF-32BE, not in UTF-8",
    ),
    "a stored zip": (zipped(zipfile.ZIP_STORED), "a zip archive"),
    "a zip": (zipped(zipfile.ZIP_DEFLATED), "a zip archive"),
    "tar": (tarred(tarfile.GNU_FORMAT), "a tar archive"),
    "tar of POSIX": (tarred(tarfile.PAX_FORMAT), "a tar archive"),
    "the oldest tar": (v7_tarred(), "a tar archive"),
    "zstd": (of_arrow("zstd"), "compressed with zstd"),
    "zstd that begins with a frame to be skipped": (
        b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + of_arrow("zstd"),
        "compressed with zstd",
    ),
    "lz4": (of_arrow("lz4"), "compressed with lz4"),
    "xz": (lzma.compress(LOG), "compressed with xz"),
    "lzma": (lzma.compress(LOG, format=lzma.FORMAT_ALONE), "compressed with lzma"),
    "bzip2": (bz2.compress(LOG), "compressed with bzip2"),
    "Parquet": (parquet(), "a Parquet file"),
    "Arrow": (arrow(pa.ipc.new_file), "an Arrow file"),
    "an Arrow stream": (arrow(pa.ipc.new_stream), "an Arrow stream"),
    "SQLite": (database(), "a SQLite database"),
    "pickle 2": (pickle.dumps(CHANGES, 2), "a Python pickle"),
    "pickle 4": (pickle.dumps(CHANGES, 4), "a Python pickle"),
    "pickle 5": (pickle.dumps(CHANGES, 5), "a Python pickle"),
    "gzip in gzip": (gzip.compress(gzip.compress(LOG)), "compressed with gzip twice"),
    "a tar in gzip": (gzip.compress(tarred(tarfile.GNU_FORMAT)), "a tar archive"),
    "UTF-16 in gzip": (gzip.compress(TEXT.encode("utf-16")), "in UTF-16, not in UTF-8"),
    "any binary data": (BINARY, "it is not text, but binary data"),
    "binary data in one line": (BINARY.replace(b"\n", b" "), "it is not text, but binary data"),
    "an array over many lines": (
        json.dumps(CHANGES, indent=2).encode(),
        "it looks like JSON over several lines",
    ),
    "an array with a change a line": (
        b"[\n" + b",\n".join(LOG.splitlines()) + b"\n]\n",
        "it looks like JSON over several lines",
    ),
    "objects over many lines": (
        json.dumps(CHANGES[0], indent=2).encode() * 2,
        "it looks like JSON over several lines",
    ),
    "lines that are all bad": (
        b"bad\n" * FIRST_LINES,
        f"its first {FIRST_LINES:,} lines are all bad (line 1: not JSON: ",
    ),
    "the same, with blank lines": (
        b"\n\xef\xbb\xbf\nbad\n" * FIRST_LINES + LOG,
        f"its first {FIRST_LINES:,} lines are all bad (line 3: ",
    ),
}


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "no ending"])
@pytest.mark.parametrize(("content", "said"), OTHERS.values(), ids=OTHERS)
def test_a_file_of_another_kind_is_refused_as_a_file(
    content: bytes, said: str, name: str, tmp_path: Path
) -> None:
    """Whatever it is called, with what it is and what to do."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as refused:
        refuse_what_is_not_a_log(str(tmp_path / name), name, LineOptions())
    assert f"{name} is not a change log: " in str(refused.value)
    assert said in str(refused.value)
    assert "None of it was sent" in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        LOG,
        gzip.compress(LOG, mtime=0),
        b"",
        gzip.compress(b"", mtime=0),
        b"bad\n" * (FIRST_LINES - 1),
        b"bad\n" * (FIRST_LINES - 1) + LOG,
        gzip.compress(b"bad\n" * (FIRST_LINES - 1) + LOG + b"bad\n", mtime=0),
        b"\0" * BINARY_BYTES_MIN + b"\n" + LOG,
        b"[\n" + LOG,
        b'{"op":',
        b"PAR1\nORC\n" + LOG,
        "é".encode("latin-1") * 10_000 + b"\n",
        LOG[: len(LOG) - 10],
        gzip.compress(LOG, mtime=0)[:-10],
        gzip.compress(LOG, mtime=0)[:5],
        gzip.compress(LOG, mtime=0) + b"garbage",
    ],
)
def test_what_has_only_bad_lines_in_it_is_a_log(content: bytes, tmp_path: Path) -> None:
    """Each of them is a dead letter, and says why."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(content)
    refuse_what_is_not_a_log(str(path), "log", LineOptions())


def test_no_log_that_begins_with_a_change_is_taken_for_another_kind() -> None:
    for first in (b"{", b' {"op"', b"\n{", b"\r\n{", b"\xef\xbb\xbf{", b"[", b'"', b"\t{"):
        for second in (b"", b"\0", b"\0\0", b"\x80\4"):
            assert packing((first + second + LOG)[:HEAD_BYTES]) is None


def read(path: Path) -> tuple[list[Chunk], ChangeLog]:
    """All chunks, and the log behind its end."""

    async def all_chunks() -> tuple[list[Chunk], ChangeLog]:
        log = ChangeLog(str(path), "log", 1, LineOptions())
        chunks = []
        while (chunk := await log.read()) is not None:
            chunks.append(chunk)
        return chunks, log

    return anyio.run(all_chunks)


def lines(chunks: list[Chunk]) -> tuple[int, int]:
    """(changes, bad lines)."""
    return sum(len(chunk.changes) for chunk in chunks), sum(len(chunk.bad) for chunk in chunks)


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "no ending"])
@pytest.mark.parametrize(
    "content",
    [
        LOG,
        gzip.compress(LOG),
        gzip.compress(LOG[:999]) + gzip.compress(LOG[999:]),
        gzip.compress(LOG) + b"\0" * 1000,
    ],
    ids=["plain", "gzip", "gzip of two members", "gzip filled up with zeros"],
)
def test_gzip_is_told_by_its_first_bytes(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    chunks, log = read(tmp_path / name)
    assert (lines(chunks), log.unfinished, log.damaged) == ((300, 0), None, False)


MEMBER = gzip.compress(LOG)


@pytest.mark.parametrize(
    ("content", "changes", "said"),
    [
        (
            MEMBER + b"garbage",
            300,
            "log:301: what follows the compressed data is not gzip, so the rest is left unread",
        ),
        (MEMBER + LOG, 300, "log:301: what follows the compressed data is not gzip"),
        (MEMBER + b"\0\0\0garbage", 300, "log:301: what follows the compressed data is not gzip"),
        (
            MEMBER + b"\x1f\x8b\x07 of no known method",
            300,
            "log:301: the compressed data is damaged (unknown compression method)",
        ),
        (
            MEMBER[:-8] + b"\xff" * 8,
            None,
            "the compressed data is damaged (incorrect data check), so the rest is left unread",
        ),
        (
            MEMBER[:-4] + b"\xff" * 4,
            None,
            "the compressed data is damaged (incorrect length check)",
        ),
        (MEMBER[:100] + b"\xff" * 100 + MEMBER[200:], None, "the compressed data is damaged ("),
    ],
)
def test_gzip_that_is_damaged_is_read_up_to_there_and_named(
    content: bytes, changes: int | None, said: str, tmp_path: Path
) -> None:
    """No letters come of it, and the run goes on with the next log."""
    (tmp_path / "log.jsonl").write_bytes(content)
    chunks, log = read(tmp_path / "log.jsonl")
    found, bad = lines(chunks)
    assert changes is None or found == changes
    assert bad == 0
    assert said in str(log.unfinished)
    assert log.damaged


@pytest.mark.parametrize("cut", [3, 9, 12, len(MEMBER) // 2, len(MEMBER) - 1, len(MEMBER) + 4])
def test_gzip_that_is_cut_off_is_still_being_written(cut: int, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes((MEMBER * 2)[:cut])
    chunks, log = read(tmp_path / "log.jsonl")
    assert lines(chunks)[1] == 0
    assert "the compressed data is cut off: the log is still being written" in str(log.unfinished)
    assert not log.damaged


def test_a_log_that_is_refused_is_closed(tmp_path: Path) -> None:
    """The number of logs is not bounded by open files; pytest makes an error of a file
    that is left open.
    """
    (tmp_path / "log").write_bytes(zipped(zipfile.ZIP_STORED))
    with pytest.raises(UsageError):
        open_log(str(tmp_path / "log"), "log")
