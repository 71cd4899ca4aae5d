"""Lists by inputs: those of the app, of a dataset, or those that were named."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TypeVar

from syncer.core.outcome import Refused
from syncer.core.pull import Units
from syncer.errors import Stopped
from syncer.remotes.clarifai.listing.groups import GROUP_MAX, Groups
from syncer.remotes.flows import PASSES_MAX, one

T = TypeVar("T")


def of_all_inputs(groups: Groups, after: str) -> Units:
    """All inputs of the app, by the one cursor that the service has: `StreamInputs`."""
    last, passed = after, ""
    while True:
        page = yield from one(groups.queries.stream(last))
        if isinstance(page, Refused) and last:  # the input that the cursor names is gone: from the start, past what was done
            last, passed = "", last
            continue
        lines = needed(page, "its inputs")
        if not lines:
            return
        last = lines[-1].id
        lines = [line for line in lines if line.id > passed]
        while lines:
            group = groups.fitting([line.id for line in lines])
            taken, lines = lines[: len(group)], lines[len(group) :]
            yield groups.unit(group, taken[-1].id, {line.id: line for line in taken} if groups.selection.with_inputs else None)


def of_named_inputs(groups: Groups, input_ids: Sequence[str], at: int) -> Units:
    """Inputs that the user named."""
    ids = list(dict.fromkeys(input_ids))
    while at < len(ids):
        group = groups.fitting(ids[at : at + GROUP_MAX])
        at += len(group)
        yield groups.unit(group, str(at), named=True)


def of_dataset(groups: Groups, dataset_id: str, after: str) -> Units:
    """A dataset's inputs, which have no cursor: read until nothing new shows, then in the order of their ids."""
    ids: set[str] = set()
    for _ in range(PASSES_MAX):
        before, pages = len(ids), 0
        for number in count(1):
            found = needed((yield from one(groups.queries.dataset(dataset_id, number))), f"the inputs of dataset {dataset_id}")
            if not found:
                break
            ids.update(found)
            pages += 1
        if pages <= 1 or len(ids) == before:
            break
    left = sorted(id for id in ids if id > after)
    at = 0
    while at < len(left):
        group = groups.fitting(left[at : at + GROUP_MAX])
        at += len(group)
        yield groups.unit(group, group[-1])


def needed(page: T | Refused, what: str) -> T:
    """A page that a listing cannot do without. Raises Stopped."""
    if isinstance(page, Refused):
        raise Stopped(f"the remote refused to list {what}: {page.reason}")
    return page
