"""Lists by inputs: those of the app, of a dataset, or those that were named."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncer.core.id_set import IdSet
from syncer.core.outcome import Refused
from syncer.core.ports.pull import Asking, Done, Units
from syncer.errors import Stopped
from syncer.remotes.clarifai.listing.groups import GROUP_MAX, Groups
from syncer.remotes.clarifai.listing.inputs import GONE, OTHERS
from syncer.remotes.clarifai.queries import PER_PAGE_MAX
from syncer.remotes.clarifai.rows import ListedLine
from syncer.remotes.flows import PASSES_MAX, one, settle
from syncer.remotes.paths import describe_change


def of_all_inputs(
    groups: Groups, after: str, done: Done | None, cursor: Callable[[str], str] = str
) -> Units:
    """All inputs of the app, by the one cursor that the service has: `StreamInputs`.

    `cursor`: of a unit, from its last input.
    """
    inputs = _InputWalk(groups, after, done)
    while fresh := (yield from inputs.more()):
        while fresh:
            group = groups.fitting([line.id for line in fresh])
            taken, fresh = fresh[: len(group)], fresh[len(group) :]
            known = {line.id: line for line in taken} if groups.selection.with_inputs else None
            yield groups.unit(group, cursor(taken[-1].id), known, parts=tuple(group))


class _InputWalk:
    """The app's inputs, each once, in any order of the service, even if it does not
    know a cursor whose input is gone.

    An input that was listed is known by its id. Where the list does not go on after the
    cursor, and the cursor's input is not there any more, the list is read from its
    start once more, to find what is not known.
    """

    def __init__(self, groups: Groups, after: str, done: Done | None) -> None:
        self._groups = groups
        self._done: Done = () if done is None else done
        self._blind = done is None and bool(after)
        self._last = after if self._blind or self._may_be_cursor(after) else ""
        self._listed = IdSet()
        self._cursors: set[str] = set()
        self._lost = ""
        self._in_vain = 0

    def more(self) -> Asking[list[ListedLine]]:
        """Some that were not listed before; none at the end.

        Raises Stopped where the service refuses, or begins again for ever.
        """
        if self._blind and not self._listed and not (yield from self._is_there(self._last)):
            self._begin_again("")
        while True:
            page = yield from one(self._groups.queries.stream(self._last))
            if not isinstance(page, Refused) and page:
                before = self._last
                fresh = self._take(page)
                if not fresh and self._last == before and len(page) >= PER_PAGE_MAX:
                    raise Stopped(
                        f"the list of inputs cannot go on: {len(page):,} ids, one after the other,"
                        " are too long for a URL"
                    )
                if fresh or self._last == before:
                    # What comes after the last page is what it ended with.
                    return fresh
                continue
            there = (
                not self._last
                or (yield from self._is_there(self._last))
                or self._last == self._lost
            )
            if isinstance(page, Refused) and there:
                raise Stopped(f"the remote refused to list its inputs: {page.reason}")
            if there:
                return []
            self._begin_again("")

    def _may_be_cursor(self, id: str) -> bool:
        return not isinstance(self._groups.queries.stream(id), Refused)

    def _take(self, page: list[ListedLine]) -> list[ListedLine]:
        """Those of a page that are new; the list goes on after its last one, or after
        the last of those that a URL has room for.
        """
        fresh = [line for line in page if line.id not in self._done and self._listed.add(line.id)]
        if fresh:
            self._in_vain = 0
        last = next(
            (line.id for line in reversed(page) if self._may_be_cursor(line.id)), self._last
        )
        # the service itself has gone back
        if last != self._last and last in self._cursors:
            self._begin_again(last)
        self._cursors.add(last)
        self._last = last
        return fresh

    def _is_there(self, id: str) -> Asking[bool]:
        """Whether the service shows this input.

        One that does not show it shows the whole list once more: nothing is left out by
        that.
        """
        unknown = yield from self._groups.inputs.look_up([id], {})
        if unknown and unknown[id] not in (GONE, OTHERS):
            raise Stopped(f"the remote refused to show input {id}: {unknown[id]}")
        return not unknown

    def _begin_again(self, after: str) -> None:
        """The list does not go on after the cursor, whose input is gone."""
        if self._blind:
            raise Stopped(
                f"input {self._last}, after which the pull was to go on, is gone, and this state of"
                " an older version does not say which inputs are done: start the pull again with"
                " another --state"
            )
        self._in_vain += 1
        if self._in_vain > PASSES_MAX:
            raise Stopped(
                f"the list of inputs began again {PASSES_MAX} times without anything new: run again"
                " later"
            )
        self._lost, self._last = self._last, after
        self._cursors.clear()


def of_named_inputs(
    groups: Groups, input_ids: Sequence[str], at: int, cursor: Callable[[str], str] = str
) -> Units:
    """Inputs that the user named.

    `cursor`: of a unit, from how many there are up to its end.
    """
    ids = list(dict.fromkeys(input_ids))
    while at < len(ids):
        group = groups.fitting(ids[at : at + GROUP_MAX])
        at += len(group)
        yield groups.unit(group, cursor(str(at)), named=True)


def ids_of_dataset(groups: Groups, dataset_id: str) -> Asking[list[str]]:
    """Return a dataset's inputs, which have no cursor.

    Raises Stopped where the service refuses to list them, or they keep changing.
    """
    what = f"the inputs of dataset {dataset_id}"

    def one_pass() -> Asking[tuple[list[tuple[str, None]], int]]:
        ids: list[tuple[str, None]] = []
        pages = 0
        while page := (yield from one(groups.queries.dataset(dataset_id, pages + 1))):
            if isinstance(page, Refused):
                raise Stopped(
                    f"the remote refused to list {what}: {page.reason}{describe_change(dataset_id)}"
                )
            ids += [(id, None) for id in page]
            pages += 1
        # With the page of the end: a row may have moved up to one that was read before.
        return ids, pages + 1

    ids = yield from settle(one_pass)
    if ids is None:
        raise Stopped(
            f"{what} kept changing while they were read {PASSES_MAX} times: run again later"
        )
    return list(ids)


def of_dataset(groups: Groups, dataset_id: str, after: str) -> Units:
    """A dataset's inputs: all are asked for first, and then listed in an order of our
    own.
    """
    ids = yield from ids_of_dataset(groups, dataset_id)
    left = sorted(id for id in ids if id > after)
    at = 0
    while at < len(left):
        group = groups.fitting(left[at : at + GROUP_MAX])
        at += len(group)
        yield groups.unit(group, group[-1])
