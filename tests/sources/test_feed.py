"""Sources of users: a value that is no line is a bad line of its row; what is not meant
to be is one clear error at once.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import wraps
from typing import Any, cast

import anyio
import pytest

from syncer.core.change import Chunk, Mark
from syncer.core.watermark import Run, Watermark
from syncer.errors import BadLineFound, SyncerError, UsageError
from syncer.sources.feed import ChangeSource, Feed, SourceChunk
from syncer.sources.lines import LineOptions

Json = dict[str, Any]


def post(id: str, **members: Any) -> Json:
    return {"op": "post", "annotation": {"id": id, "input_id": "i", **members}}


class Given:
    """A source that yields just these."""

    name = "given"

    def __init__(self, *chunks: Any) -> None:
        self.given = chunks
        self.acked: list[str] = []
        self.asked: list[str] = []

    async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
        self.asked.append(after)
        for chunk in self.given:
            yield chunk

    async def ack(self, cursor: str) -> None:
        self.acked.append(cursor)


def feed(source: object, **options: Any) -> Feed:
    return Feed(cast(ChangeSource, source), 7, LineOptions(), **options)


def read(source: object, **options: Any) -> tuple[list[Chunk], SyncerError | None]:
    """All chunks, and what ended them."""
    chunks: list[Chunk] = []

    async def run() -> SyncerError | None:
        opened = feed(source, **options)
        try:
            while (chunk := await opened.read()) is not None:
                chunks.append(chunk)
                await opened.ack(7, chunk.end)
        except SyncerError as error:
            return error
        finally:
            await opened.close()
        return None

    return chunks, anyio.run(run)


def test_a_value_that_is_no_line_is_a_bad_line_of_its_row_and_the_others_go_on() -> None:
    rows = [
        post("a"),
        post("b", k=math.nan),
        "",
        post("c"),
        {"op": "post", "annotation": {"id": "\ud800", "input_id": {1}}},
        None,
        post("d"),
    ]
    (chunk,), error = read(Given(SourceChunk(rows, "1")))
    assert error is None
    assert [(change.id, change.line) for change in chunk.changes] == [("a", 1), ("c", 3), ("d", 6)]
    assert [(bad.line, bad.op, bad.input_id, bad.id) for bad in chunk.bad] == [
        (2, "post", "i", "b"),
        (4, "post", None, "\\ud800"),
        (5, None, None, None),
    ]
    assert [bad.reason for bad in chunk.bad] == [
        "annotation.k is nan, a number that JSON does not have",
        "annotation.id is not Unicode: character 1 is half of one (a lone surrogate)",
        "a change is a line as text or bytes, or a mapping; this is of type NoneType",
    ]
    assert (
        chunk.bad[0].raw == b"{'op': 'post', 'annotation': {'id': 'b', 'input_id': 'i', 'k': nan}}"
    )
    assert (chunk.end.index, chunk.end.cursor) == (6, "1")


def test_strict_stops_at_the_first_of_them() -> None:
    chunks, error = read(Given(SourceChunk([post("a"), {"k": {1}}, post("b")], "1")), strict=True)
    assert isinstance(error, BadLineFound)
    assert (
        str(error)
        == "source:given:2: k is of type set, which JSON has no form for; stopped here because of"
        " --strict"
    )
    assert [change.id for chunk in chunks for change in chunk.changes] == ["a"]


def test_what_was_yielded_is_what_is_read_whatever_becomes_of_it() -> None:
    class Reusing(Given):
        async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
            row: Json = post("")
            rows = [row]
            for number in range(3):
                row["annotation"]["id"] = f"a-{number}"
                yield SourceChunk(rows, str(number))
                row["annotation"]["id"] = "later"
                rows.append(row)
                rows.pop()

    chunks, error = read(Reusing())
    assert error is None
    assert [change.id for chunk in chunks for change in chunk.changes] == ["a-0", "a-1", "a-2"]


def test_chunks_may_be_any_async_iterable_and_changes_any_sequence() -> None:
    class Iterated(Given):
        def chunks(self, after: str) -> Any:
            class Chunks:
                def __aiter__(self) -> AsyncIterator[SourceChunk]:
                    return given.chunks("")

            given = Given(
                SourceChunk(
                    (post("a"), '{"op":"post","annotation":{"id":"b","input_id":"i"}}'), "1"
                ),
                SourceChunk([], "1"),
            )
            return Chunks()

    chunks, error = read(Iterated())
    assert error is None
    assert [[change.id for change in chunk.changes] for chunk in chunks] == [["a", "b"], []]


# --- misuse that is seen before anything is asked for ---------------------------------


def having(**members: Any) -> object:
    """A source with other members; None: without it."""
    kept = (
        {name: getattr(Given, name) for name in ("name", "chunks", "ack")}
        | {"given": (), "acked": [], "asked": []}
        | members
    )
    return type("Made", (), {name: member for name, member in kept.items() if member is not None})()


def raising(self: object) -> str:
    raise ConnectionError("no table")


async def returning(self: object, after: str) -> list[SourceChunk]:
    return []


def plain(self: object, after: str) -> Iterator[SourceChunk]:
    yield SourceChunk([], "1")


def not_async(self: object, cursor: str) -> None:
    """Done at once."""


async def yielding(self: object, cursor: str) -> AsyncIterator[None]:
    yield None


AT_ONCE: dict[str, tuple[object, str]] = {
    "no name": (having(name=None), "the source Made has no name: AttributeError"),
    "a name that fails": (
        having(name=property(raising)),
        "the source Made has no name: ConnectionError: no table",
    ),
    "an empty name": (
        having(name=""),
        "the source Made is called '' (str): a name is text of printable characters",
    ),
    "a name that is not text": (
        having(name=5),
        "the source Made is called 5 (int): a name is text",
    ),
    "a name that is a method": (having(name=lambda self: "x"), "(method): a name is text"),
    "a long name": (having(name="ab\n" * 1000), r"is called 'ab\nab\n"),
    "a name of bytes": (having(name=b"x"), "is called b'x' (bytes)"),
    "a name with a line break": (having(name="a\nb"), r"is called 'a\nb' (str)"),
    "a name with half a character": (having(name="a\ud800"), r"is called 'a\ud800' (str)"),
    "no chunks": (
        having(chunks=None),
        "source:given has no method chunks: write `async def chunks(self, after: str)`",
    ),
    "chunks that are a list": (having(chunks=[1]), "source:given has no method chunks"),
    "chunks that return": (
        having(chunks=returning),
        "source:given: chunks is an async function without a yield",
    ),
    "chunks of a plain generator": (
        having(chunks=plain),
        "source:given: chunks is a plain generator: write `async def chunks",
    ),
    "no ack": (
        having(ack=None),
        "source:given has no method ack: write `async def ack(self, cursor: str)`",
    ),
    "an ack that is not async": (
        having(ack=not_async),
        "source:given: ack is not an async function: write `async def ack",
    ),
    "an ack that yields": (having(ack=yielding), "source:given: ack is not an async function"),
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_source_that_cannot_be_meant_is_refused_before_it_is_asked(name: str) -> None:
    source, message = AT_ONCE[name]
    with pytest.raises(UsageError) as refused:
        feed(source)
    assert message in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_decorated_ack_is_taken_for_what_it_decorates() -> None:
    def noted(method: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        @wraps(method)
        def call(*arguments: Any) -> Awaitable[None]:
            return method(*arguments)

        return call

    source = cast(Any, having(ack=noted(Given.ack), given=(SourceChunk([post("a")], "1"),)))
    assert read(source)[1] is None
    assert source.acked == ["1"]


# --- misuse that shows when it is asked -----------------------------------------------


class Sized(Sequence[Json]):
    """Rows that fail when they are read."""

    def __getitem__(self, at: Any) -> Any:
        raise ConnectionError("the table is gone")

    def __len__(self) -> int:
        return 2


FIRST = SourceChunk([post("a")], "1")
WHEN_ASKED: dict[str, tuple[tuple[Any, ...], str]] = {
    "nothing": (
        (None,),
        "source:given, chunk 2: it is None (NoneType), not a SourceChunk; write `async def chunks",
    ),
    "a list": (([post("b")],), "source:given, chunk 2: it is [{'op': 'post'"),
    "a pair": ((([], "2"),), "source:given, chunk 2: it is ([], '2') (tuple), not a SourceChunk"),
    "changes that are text": (
        (SourceChunk("{}", "2"),),
        "source:given, chunk 2: its changes are '{}' (str), not a list of changes",
    ),
    "changes that are bytes": ((SourceChunk(b"{}", "2"),), "its changes are b'{}' (bytes)"),
    "changes that are one change": (
        (SourceChunk(cast(Any, post("b")), "2"),),
        "(dict), not a list of changes",
    ),
    "changes that are a set": (
        (SourceChunk(cast(Any, {"{}"}), "2"),),
        "its changes are {'{}'} (set)",
    ),
    "changes that fail": (
        (SourceChunk(Sized(), "2"),),
        "source:given cannot be read after cursor '1': ConnectionError: the table is gone",
    ),
    "a cursor that is a number": (
        (SourceChunk([], cast(Any, 2)),),
        "source:given, chunk 2: its cursor is 2 (int); it must be text",
    ),
    "a cursor that is nothing": (
        (SourceChunk([], cast(Any, None)),),
        "its cursor is None (NoneType); it must be text",
    ),
    "a cursor that is empty": (
        (SourceChunk([post("b")], ""),),
        "its cursor is '' (str); it must be text that is not empty",
    ),
    "a cursor of half a character": (
        (SourceChunk([], "\ud800"),),
        r"its cursor is '\ud800' (str); it must be text",
    ),
    "the cursor of before": (
        (SourceChunk([post("b")], "1"),),
        "its cursor is '1' (str), as before it, though there are changes",
    ),
}


@pytest.mark.parametrize("name", WHEN_ASKED)
def test_a_chunk_that_cannot_be_meant_is_one_error_and_those_before_it_are_kept(name: str) -> None:
    given, message = WHEN_ASKED[name]
    source = Given(FIRST, *given, SourceChunk([post("never")], "9"))
    chunks, error = read(source)
    assert message in str(error)
    assert [change.id for chunk in chunks for change in chunk.changes] == ["a"]
    assert source.acked == ["1"]


def test_an_empty_chunk_may_have_the_cursor_of_before_and_a_run_carried_on_counts_it_too() -> None:
    assert read(Given(FIRST, SourceChunk([], "1"), SourceChunk([post("b")], "2")))[1] is None
    source = Given(FIRST)
    _, error = read(source, watermark=Watermark(Mark(1, 1, 1, 0, "1")))
    assert "chunk 2: its cursor is '1' (str), as before it" in str(error)
    assert (source.asked, source.acked) == (["1"], ["1"])


def test_chunks_that_give_no_iterator_are_told_when_they_are_called() -> None:
    async def later(after: str) -> list[SourceChunk]:
        return []

    for given in ([FIRST], None, iter([FIRST]), later):
        _, error = read(
            having(
                chunks=lambda self, after, given=given: given(after) if callable(given) else given
            )
        )
        assert "source:given: chunks gave " in str(error)
        assert "not an async iterator: write `async def chunks" in str(error)


def test_what_chunks_raises_when_it_is_called_is_told_like_what_it_raises_later() -> None:
    def failing(self: object, after: str) -> Any:
        raise ConnectionError("no table")

    _, error = read(having(chunks=failing))
    assert str(error) == "source:given cannot be read after cursor '': ConnectionError: no table"


def test_an_ack_that_gives_nothing_to_await_is_told_with_the_first_one() -> None:
    class Called:
        def __call__(self, cursor: str) -> int:
            return 5

    _, error = read(having(ack=Called(), given=(FIRST,)))
    assert (
        str(error)
        == "source:given: ack gave 5 (int), nothing that can be awaited: write `async def ack(self,"
        " cursor: str)`"
    )


def test_what_ack_raises_is_told_with_its_cursor() -> None:
    async def failing(self: object, cursor: str) -> None:
        raise ConnectionError("no table")

    _, error = read(having(ack=failing, given=(FIRST,)))
    assert str(error) == "source:given cannot acknowledge cursor '1': ConnectionError: no table"


def test_what_a_source_raises_as_it_is_closed_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stuck(Given):
        async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
            try:
                yield FIRST
                yield FIRST
            finally:
                raise ConnectionError("it hangs")

    async def run() -> None:
        opened = feed(Stuck())
        assert await opened.read() is not None
        await opened.close()

    with caplog.at_level(logging.WARNING, "syncer"):
        anyio.run(run)
    assert [record.getMessage() for record in caplog.records] == [
        "source:given could not be closed: ConnectionError: it hangs"
    ]


def test_a_bad_row_that_is_settled_is_not_told_again_and_rows_are_counted_over_runs() -> None:
    rows = [post("a"), {"k": {1}}, post("b")]
    settled = Watermark()
    settled.settle(Run(1, 1, 0))
    (chunk,), _ = read(Given(SourceChunk(rows, "1")), watermark=settled)
    assert ([change.id for change in chunk.changes], chunk.bad) == (["a", "b"], [])
    (later,), _ = read(Given(SourceChunk([{"k": math.inf}], "2")), watermark=Watermark(chunk.end))
    assert [(bad.index, bad.line) for bad in later.bad] == [(3, 4)]


def test_a_source_that_failed_is_read_on_after_the_last_chunk_that_it_gave() -> None:
    class Flaky(Given):
        async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
            self.asked.append(after)
            if not after:
                yield FIRST
                raise ConnectionError("no table")
            yield SourceChunk([post("b")], "2")

    source = Flaky()
    opened = feed(source)

    async def run() -> list[str]:
        first = await opened.read()
        with pytest.raises(SyncerError, match="after cursor '1': ConnectionError: no table"):
            await opened.read()
        assert not opened.ended
        rest = await opened.read()
        assert await opened.read() is None
        return [change.id for chunk in (first, rest) if chunk for change in chunk.changes]

    assert anyio.run(run) == ["a", "b"]
    assert (source.asked, source.acked) == (["", "1"], [])


def test_a_read_that_was_cancelled_is_not_the_end_of_the_source() -> None:
    class Slow(Given):
        async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
            self.asked.append(after)
            if len(self.asked) == 1:
                await anyio.sleep_forever()
            yield SourceChunk([post("a")], "1")

    async def main() -> Chunk | None:
        opened = feed(Slow())
        with anyio.move_on_after(0):
            await opened.read()
        assert not opened.ended
        chunk = await opened.read()
        await opened.close()
        return chunk

    chunk = anyio.run(main)
    assert chunk is not None
    assert [change.id for change in chunk.changes] == ["a"]
