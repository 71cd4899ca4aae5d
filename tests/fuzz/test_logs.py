"""Change logs of any bytes: every line is counted, what is sent says what the line
says, and no delete is wider than written.
"""

from __future__ import annotations

import gzip
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from syncer.core.change import BadLine, Change, Chunk, IgnoredLine
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError
from syncer.sources.changelog import ChangeLog
from syncer.sources.gunzip import GZIP
from syncer.sources.lines import LineOptions, LinePlace, parse
from syncer.sources.log_disk import LogDisk
from syncer.sources.packing import HEAD_BYTES, packing
from tests.fuzz.outside import FUZZED, dumped, mangled, trees

MARKS = re.compile(b"^(\xef\xbb\xbf)+")
"""Byte-order marks, with which any line of joined files may begin."""
LINES = (
    b'{"op":"post","annotation":{"id":"a","input_id":"i","data":{"concepts":[{"id":"tree","value":1}]}}}',
    b'{"op":"post","annotation":{"input_id":"i"}}',
    b'{"op":"patch","action":"merge","annotation":{"id":"a","input_id":"i","data":{"regions":[{"id":"r"}]}}}',
    b'{ "annotation" : {"id":"a","input_id":"i"} , "action":"overwrite", "op":"patch" }',
    b'{"op":"delete","annotation":{"id":"a","input_id":"i"}}',
    b'{"op":"delete","annotation":{"input_id":"i"}}',
    b'{"id":"a","input_id":"i","created_at":"t","status":{"code":24150,"description":"Ok"},"data":{"x":1.50}}',
)
PARTS = st.sampled_from(
    [line[1:-1] for line in LINES]
    + [b'"op":"post"', b'"op":"delete"', b'"annotation":{"id":"b","input_id":"j"}']
)
DOUBLED = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: b"{" + b",".join(parts) + b"}")
"""Objects that repeat their members."""
OBJECTS = trees(
    "op", "action", "annotation", "input_id", "id", "data", "status", "worker", "code", "model"
).map(dumped)
LINE = st.sampled_from(LINES).flatmap(mangled) | DOUBLED | OBJECTS | st.binary(max_size=60)
OPTIONS = st.sampled_from([LineOptions(), LineOptions("send", "embed-1")])


def read_as_json(text: bytes) -> Any:
    """As any JSON parser reads it: of repeated members the last one counts."""
    return json.loads(text)


@FUZZED
@given(LINE, OPTIONS)
def test_what_a_line_sends_is_json_and_says_what_the_line_says(
    raw: bytes, options: LineOptions
) -> None:
    change = parse(raw, LinePlace(1, 0, 1, 0, b"first line"), options)
    assert isinstance(change, Change | BadLine | IgnoredLine)
    if not isinstance(change, Change):
        return
    line = read_as_json(raw)
    annotation = line["annotation"] if "op" in line else line
    assert change.input_id == annotation["input_id"]
    if change.verb in ("delete", "delete_input"):
        assert line["op"] == "delete"
        assert (change.verb == "delete_input") == ("id" not in annotation)
        return
    sent = read_as_json(change.body)
    assert (sent["input_id"], sent["id"]) == change.key
    if "op" in line:
        assert sent.keys() - annotation.keys() <= {"id", "embed_model_version_id"}
        assert {name: sent[name] for name in annotation} == annotation


def chunks(log: ChangeLog) -> list[Chunk]:
    """All that it holds."""

    async def read() -> list[Chunk]:
        found = []
        while (chunk := await log.read()) is not None:
            found.append(chunk)
        await log.close()
        return found

    return anyio.run(read)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("logs")


@FUZZED
@given(
    st.lists(LINE | st.sampled_from([b"", b" \t", b"\r"]), max_size=6),
    st.booleans(),
    st.integers(1, 80),
)
@example([b"", b"\xef\xbb\xbf"], True, 1)
def test_every_line_of_a_log_is_counted_once_however_it_is_read(
    folder: Path, lines: list[bytes], ended: bool, block_bytes: int
) -> None:
    text = b"\n".join(lines) + b"\n" * ended
    # Files of other kinds are refused as a whole.
    assume(not text.startswith(GZIP) and packing(text[:HEAD_BYTES]) is None)
    path = folder / "log.jsonl"
    path.write_bytes(text)
    log = ChangeLog(str(path), "log", 1, LineOptions(), disk=LogDisk(block_bytes))
    found = chunks(log)
    rows = sorted(
        (line.index, line.line)
        for chunk in found
        for line in (*chunk.changes, *chunk.bad, *chunk.ignored)
    )
    cut = [MARKS.sub(b"", line).removesuffix(b"\r") for line in text.split(b"\n")]
    at = [number for number, line in enumerate(cut, 1) if line and not line.isspace()]
    if log.unfinished:
        assert not ended
        at.pop()
    assert rows == list(enumerate(at))
    assert not found or found[-1].end.index == len(at)


WHOLE = gzip.compress(b"".join(line + b"\n" for line in LINES), mtime=0)


@FUZZED
@given(
    mangled(WHOLE) | st.integers(0, len(WHOLE)).map(lambda length: WHOLE[:length]), st.booleans()
)
def test_a_broken_compressed_log_is_read_to_where_it_breaks_or_told_by_name(
    folder: Path, data: bytes, known: bool
) -> None:
    """Read anew, or carried on by a run that knows it."""
    path = folder / "log.jsonl.gz"
    path.write_bytes(WHOLE)
    good = chunks(ChangeLog(str(path), "log", 1, LineOptions()))
    path.write_bytes(data)
    watermark = Watermark(good[-1].end) if known else Watermark()
    found: list[Chunk] = []
    with suppress(SyncerError):
        found = chunks(ChangeLog(str(path), "log", 1, LineOptions(), watermark=watermark))
    indexes = sorted(
        line.index for chunk in found for line in (*chunk.changes, *chunk.bad, *chunk.ignored)
    )
    start = len(LINES) if known else 0
    assert indexes == list(range(start, start + len(indexes)))
