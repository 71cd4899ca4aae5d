"""One pass over the pages of what is finished of a type."""

from __future__ import annotations

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask, Asking
from syncer.errors import Stopped
from syncer.remotes.annotell.answers import Cursor, Unwrapped
from syncer.remotes.annotell.asking import in_circles, refusal
from syncer.remotes.annotell.asks import Asks
from syncer.remotes.annotell.documents import DocumentKey, ItemPage
from syncer.remotes.annotell.fetching import ListedItem, PageSource
from syncer.remotes.flows import PASSES_MAX, one
from syncer.remotes.paths import describe_change

NO_SUCH_PLACE = (400, 404, 405, 410)
"""HTTP statuses of an address or a cursor that the service does not have."""


class PagePass:
    """A pass from the first page to the last one.

    Where a cursor is not taken any more, it begins again.
    """

    def __init__(self, asks: Asks, project: str, batch: str, annotation_type: str) -> None:
        self.keys: list[DocumentKey] = []
        """The keys of all that was listed, in order."""
        self.count = 0
        self._asks = asks
        self._project = project
        self._batch = batch
        self._type = annotation_type
        self._next: Cursor | None = None
        self._seen: set[Cursor | None] = set()
        self._begun_again = 0
        self._over = False

    def more(self) -> Asking[list[ListedItem] | None]:
        """The next page; None after the last one.

        Raises Stopped if the service refuses, or gives a page twice.
        """
        if self._over:
            return None
        if self._next in self._seen:
            raise Stopped(in_circles(f"type {self._type}", self._next))
        source, page = yield from self._page()
        self._seen.add(self._next)
        self._next, self._over = page.next, page.next is None
        self.count += 1
        self.keys += [item.key for item in page.data]
        return [(item, source) for item in page.data]

    def _page(self) -> Asking[tuple[PageSource, ItemPage]]:
        """Ask for a page; a service without that address is asked as before version
        1.2.
        """
        asks, what = self._asks, (self._project, self._batch, self._type)
        refused: Refused | None = None
        cursors = [None] if self._next is None else [self._next, None]
        for number, ask in enumerate(
            [*(asks.annotations(*what, cursor) for cursor in cursors), asks.all_annotations(*what)]
        ):
            answer = yield from one(ask)
            if isinstance(answer, Unwrapped) and isinstance(ask, Ask):
                if number:
                    self._begin_again()
                return PageSource(ask, answer, asks.single), answer
            if isinstance(answer, Refused):
                refused = refused or answer
                if answer.code not in NO_SUCH_PLACE:
                    break
        assert refused is not None, "there is a first try"
        reason = refused.reason + describe_change(*what)
        raise Stopped(
            refusal(f"the annotations of project {self._project}, type {self._type}", reason)
        )

    def _begin_again(self) -> None:
        self._begun_again += 1
        if self._begun_again > PASSES_MAX:
            raise Stopped(
                f"the list of type {self._type} began again {PASSES_MAX} times: run again later"
            )
        self.keys.clear()
        self._seen.clear()
        self._next, self.count = None, 0
