"""A user's source is looked at before anything is sent, and each of its chunks before
anything of it is: what is meant must be certain.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from typing import Any

from syncer.core.change import FEED
from syncer.errors import SyncerError, UsageError
from syncer.printable import is_unicode

CHUNKS = (
    "write `async def chunks(self, after: str)` that yields syncer.SourceChunk(changes, cursor)"
)
ACK = "write `async def ack(self, cursor: str)`"


def check_name(source: object) -> str:
    """The source's name. Raises UsageError."""
    try:
        name = source.name  # type: ignore[attr-defined]
    except Exception as error:
        raise UsageError(
            f"the source {_of(source)} has no name: {type(error).__name__}: {error}. Give it an"
            " attribute `name`"
        ) from error
    if not isinstance(name, str) or not name or not name.isprintable():
        raise UsageError(
            f"the source {_of(source)} is called {show(name)}: a name is text of printable"
            " characters, the same each time, by which the state knows the source"
        )
    return name


def check_source(source: object) -> None:
    """Check what can be known of a source without asking it for anything.

    Raises UsageError.
    """
    label = f"{FEED}{check_name(source)}"
    chunks, ack = _method(source, "chunks"), _method(source, "ack")
    if chunks is None:
        raise UsageError(f"{label} has no method chunks: {CHUNKS}")
    if inspect.iscoroutinefunction(chunks):
        raise UsageError(
            f"{label}: chunks is an async function without a yield, so it gives no chunks one by"
            f" one: {CHUNKS}"
        )
    if inspect.isgeneratorfunction(chunks):
        raise UsageError(f"{label}: chunks is a plain generator: {CHUNKS}")
    if ack is None:
        raise UsageError(f"{label} has no method ack: {ACK}")
    if inspect.isfunction(ack) and not inspect.iscoroutinefunction(ack):
        raise UsageError(f"{label}: ack is not an async function: {ACK}")


def _method(source: object, name: str) -> Callable[..., object] | None:
    """The function that the user wrote, None where there is nothing to be called."""
    method = getattr(source, name, None)
    if not callable(method):
        return None
    written: Callable[..., object] = inspect.unwrap(getattr(method, "__func__", method))
    return written


def open_chunks(label: str, chunks: Any) -> AsyncIterator[object]:
    """Return what `chunks` gave, as an iterator. Raises SyncerError."""
    if isinstance(chunks, AsyncIterable):
        return aiter(chunks)
    if inspect.iscoroutine(chunks):
        chunks.close()
    raise SyncerError(f"{label}: chunks gave {show(chunks)}, not an async iterator: {CHUNKS}")


async def await_ack(label: str, given: Any) -> None:
    """Await what `ack` gave. Raises SyncerError, and what it raises."""
    if not inspect.isawaitable(given):
        raise SyncerError(f"{label}: ack gave {show(given)}, nothing that can be awaited: {ACK}")
    await given


def check_chunk(label: str, number: int, found: object, kind: type, before: str) -> None:
    """Check that it is a chunk with a list of changes and a cursor to go on from.

    `before`: the cursor before it. Raises SyncerError.
    """
    where = f"{label}, chunk {number}"
    if not isinstance(found, kind):
        raise SyncerError(f"{where}: it is {show(found)}, not a SourceChunk; {CHUNKS}. {_KEPT}")
    changes, cursor = found.changes, found.cursor  # type: ignore[attr-defined]
    if not isinstance(changes, Sequence) or isinstance(
        changes, str | bytes | bytearray | memoryview
    ):
        raise SyncerError(
            f"{where}: its changes are {show(changes)}, not a list of changes. {_KEPT}"
        )
    if not isinstance(cursor, str) or not cursor or not is_unicode(cursor):
        raise SyncerError(
            f"{where}: its cursor is {show(cursor)}; it must be text that is not empty, by which"
            f" `chunks` finds the changes after it: str(...) of a row's id, say. {_KEPT}"
        )
    if len(changes) and cursor == before:
        raise SyncerError(
            f"{where}: its cursor is {show(cursor)}, as before it, though there are changes in"
            f" between: a later run could not find where to go on. {_KEPT}"
        )


_KEPT = "What came before this chunk is done and remembered, and nothing of it was sent"


def _of(source: object) -> str:
    return type(source).__qualname__


def show(value: object) -> str:
    """A value in a message: short, and never an error of its own."""
    try:
        text = ascii(value)
    except Exception:
        text = "something that cannot be shown"
    return f"{text if len(text) <= 80 else text[:80] + '…'} ({_of(value)})"
