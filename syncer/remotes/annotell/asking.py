"""How lists ask what there is, before they come to annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from syncer.core.outcome import Refused
from syncer.core.pull import Ask, Asking
from syncer.errors import Stopped
from syncer.remotes.annotell.answers import Cursor, Opened
from syncer.remotes.flows import one

T = TypeVar("T")


def needed(ask: Ask[Opened[T]], what: str) -> Asking[Opened[T]]:
    """An answer that a list cannot do without. Raises Stopped where the remote refuses."""
    answer = yield from one(ask)
    if isinstance(answer, Refused):
        raise Stopped(refusal(what, answer))
    return answer


def all_pages(ask: Callable[[Cursor | None], Ask[Opened[list[T]]]], what: str) -> Asking[list[T]]:
    """The data of all pages. Raises Stopped where the remote refuses, or leads in circles."""
    data: list[T] = []
    cursor: Cursor | None = None
    seen: set[Cursor | None] = set()
    while cursor not in seen:
        page = yield from needed(ask(cursor), what)
        data += page.data
        if page.next is None:
            return data
        seen.add(cursor)
        cursor = page.next
    raise Stopped(f"the list of {what} leads in circles: page {cursor} comes again; run again later")


def refusal(what: str, refused: Refused) -> str:
    """Why a list ends, for people."""
    return f"the remote refused to list {what}: {refused.reason}; check what was named"
