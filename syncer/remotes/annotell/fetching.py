"""Documents fetched from the signed URLs that a list gave, all of a unit at once.

listed ──► GET the signed URL ──► OpenLABEL? ──► a line with the document in it
             │ expired (400, 403)
             └► listed again, once ──► GET the fresh URL ──► …
                      └► refused as well: asked for by itself ──► not there: a problem
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncer.core.address import address_fault
from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask, Asking, Flow, Found, Problem, Row
from syncer.core.ports.wire import Request
from syncer.remotes.annotell.answers import Unwrapped
from syncer.remotes.annotell.documents import (
    OTHER,
    Document,
    DocumentKey,
    Expired,
    Item,
    ItemPage,
    read_stored,
    row,
)
from syncer.remotes.flows import each

UNIT_MAX = 16
"""Documents of one unit: they may be megabytes each."""


class PageSource:
    """A page of a list, to be asked for again, and the addresses it gave last."""

    def __init__(
        self,
        ask: Ask[ItemPage],
        page: ItemPage,
        single: Callable[[Item], Ask[Row] | Refused] | None = None,
    ) -> None:
        """`single`: asks for one annotation of it with its document in the answer."""
        self.ask = ask
        self.single = single
        self.uris: dict[DocumentKey, str] = {}
        self.renew(page)

    def renew(self, page: ItemPage) -> None:
        """Take the addresses of a later answer."""
        self.uris.update({item.key: item.uri for item in page.data})


ListedItem = tuple[Item, PageSource]


def fetch(entries: Sequence[ListedItem]) -> Flow:
    """The documents of what was listed, all at once."""
    unique = {item.key: (item, source) for item, source in reversed(entries)}
    wanted = [unique[key] for key in dict.fromkeys(item.key for item, _ in entries)]
    found = Found([], duplicates=len(entries) - len(wanted))
    tried = {item.key: source.uris[item.key] for item, source in wanted}
    askable: list[ListedItem] = []
    for item, source in wanted:
        if tried[item.key].isascii() and address_fault(tried[item.key], base=False) is None:
            askable.append((item, source))
        else:
            found.problems.append(Problem(item.what, "it is listed without an address"))
    expired = yield from _ask_storage(askable, found)
    if expired:
        yield from _list_again(expired, tried)
        fresh = [
            (item, source) for item, source in expired if source.uris[item.key] != tried[item.key]
        ]
        refused = yield from _ask_storage(fresh, found)
        yield from _by_themselves(
            [entry for entry in expired if entry in refused or entry not in fresh], found
        )
    return found


def _ask_storage(entries: Sequence[ListedItem], found: Found) -> Asking[list[ListedItem]]:
    """Ask the storage for these, and put what comes into `found`; those whose address
    has expired.
    """
    if not entries:
        return []
    expired: list[ListedItem] = []
    asks = [
        Ask(Request("GET", source.uris[item.key]), read_stored, "storage")
        for item, source in entries
    ]
    for (item, source), answer in zip(entries, (yield from each(asks)), strict=True):
        match answer:
            case Document():
                found.rows.append(row(item, answer))
            case Expired():
                expired.append((item, source))
            case Refused():
                found.problems.append(Problem(item.what, answer.reason))
            case _:
                raise AssertionError(answer)
    return expired


def _list_again(expired: Sequence[ListedItem], tried: dict[DocumentKey, str]) -> Asking[None]:
    """Ask for the lists that gave these addresses again, except those that others have
    asked for again meanwhile.
    """
    stale = list(
        dict.fromkeys(
            source for item, source in expired if source.uris[item.key] == tried[item.key]
        )
    )
    if stale:
        for source, page in zip(
            stale, (yield from each([source.ask for source in stale])), strict=True
        ):
            if isinstance(page, Unwrapped):
                source.renew(page)


def _by_themselves(entries: Sequence[ListedItem], found: Found) -> Asking[None]:
    """Ask for what the storage refuses, or no longer stands where it was listed: each
    by input and type, with the document in the answer.
    """
    asks: list[tuple[Item, Ask[Row] | Refused]] = []
    for item, source in entries:
        if source.single is not None:
            asks.append((item, source.single(item)))
        else:
            found.problems.append(
                Problem(item.what, "the storage refuses its address, and nothing else leads to it")
            )
    if asks:
        for (item, _), answer in zip(
            asks, (yield from each([ask for _, ask in asks])), strict=True
        ):
            if not isinstance(answer, Row):
                found.problems.append(
                    Problem(
                        item.what,
                        f"the storage refuses its address, and by itself: {answer.reason}",
                    )
                )
            elif item.annotation_type and answer.key != item.key:
                found.problems.append(Problem(item.what, OTHER))
            else:
                found.rows.append(answer)
