"""How lists ask what there is, before they come to annotations."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar, cast

from syncer.core.outcome import Refused
from syncer.core.pull import Ask, Unit
from syncer.errors import Stopped
from syncer.remotes.annotell.answers import Cursor, Opened

T = TypeVar("T")
Units = Generator[Sequence[Ask] | Unit, Sequence[object] | None, None]
"""What `syncer.core.pull.Listing.units` gives."""
Asking = Generator[Sequence[Ask] | Unit, Sequence[object] | None, T]
"""A part of it that asks, and comes to something."""


def needed(ask: Ask, what: str) -> Asking[Opened[object]]:
    """An answer that a list cannot do without. Raises Stopped where the remote refuses."""
    (answer,) = cast("Sequence[object]", (yield [ask]))
    if isinstance(answer, Refused):
        raise Stopped(refusal(what, answer))
    return cast("Opened[object]", answer)


def all_pages(ask: Callable[[Cursor | None], Ask], what: str) -> Asking[list[object]]:
    """The data of all pages. Raises Stopped where the remote refuses, or leads in circles."""
    data: list[object] = []
    cursor: Cursor | None = None
    seen: set[Cursor | None] = set()
    while cursor not in seen:
        page = yield from needed(ask(cursor), what)
        data += cast("list[object]", page.data)
        if page.next is None:
            return data
        seen.add(cursor)
        cursor = page.next
    raise Stopped(f"the list of {what} leads in circles: page {cursor} comes again; run again later")


def refusal(what: str, refused: Refused) -> str:
    """Why a list ends, for people."""
    return f"the remote refused to list {what}: {refused.reason}; check what was named"
