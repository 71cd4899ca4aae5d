"""The questions of lists that come before those about annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask, Asking
from syncer.errors import Stopped
from syncer.remotes.annotell.answers import Cursor, Unwrapped
from syncer.remotes.flows import PASSES_MAX, one, settle

T = TypeVar("T")


def need(ask: Ask[Unwrapped[T]] | Refused, what: str, hint: str = "") -> Asking[Unwrapped[T]]:
    """An answer that a list cannot do without.

    Raises Stopped where the remote refuses. `hint`: what may be the reason.
    """
    answer = yield from one(ask)
    if not isinstance(answer, Unwrapped):
        raise Stopped(refusal(what, answer.reason + hint))
    return answer


def all_pages(
    ask: Callable[[Cursor | None], Ask[Unwrapped[list[T]]] | Refused],
    key: Callable[[T], str],
    what: str,
) -> Asking[list[T]]:
    """The data of all pages.

    Raises Stopped if the remote refuses, gives a page twice, or never stops changing.
    """

    def one_pass() -> Asking[tuple[list[tuple[str, T]], int]]:
        rows: list[tuple[str, T]] = []
        cursor: Cursor | None = None
        seen: set[Cursor | None] = set()
        while cursor not in seen:
            page = yield from need(ask(cursor), what)
            rows += [(key(row), row) for row in page.data]
            seen.add(cursor)
            if page.next is None:
                return rows, len(seen)
            cursor = page.next
        raise Stopped(in_circles(what, cursor))

    found = yield from settle(one_pass)
    if found is None:
        raise Stopped(
            f"{what} kept changing while they were read {PASSES_MAX} times: run again later"
        )
    return list(found.values())


def in_circles(what: str, cursor: Cursor | None) -> str:
    """Return why a list would never end, for people."""
    return (
        f"the service returned page {cursor} of {what} twice, so the list would never end; try"
        " again later"
    )


def refusal(what: str, reason: str) -> str:
    """Return why a list ends, for people."""
    return f"the remote refused to list {what}: {reason}; check what was named"
