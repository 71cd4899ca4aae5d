"""The inputs that runs make: found, and removed again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from syncer.errors import Stopped
from syncer.jobs.probe.line import RequestLine, Spent
from syncer.jobs.probe.scratch import INPUT_POLLS_SECONDS, OWN_INPUT, Scratch
from syncer.jobs.probe.shown import MISSING, Halted
from syncer.remotes.clarifai.queries import PER_PAGE_MAX

TIDY_SECONDS = 120.0
PAGES_MAX = 20


@dataclass(slots=True)
class AppContent:
    """The inputs of an app, as far as they were looked at."""

    own: list[str] = field(default_factory=list)
    """Inputs that runs made."""
    others: int = 0
    whole: bool = True
    """All were looked at."""


async def look(line: RequestLine, scratch: Scratch, *, all_pages: bool) -> AppContent:
    """Look at the inputs of the app; at the first page only, unless `all_pages`.

    Raises Stopped where it refuses to show them.
    """
    content = AppContent()
    for page in range(1, PAGES_MAX + 1):
        shown = await line.insist(scratch.list_inputs(page), tidying=True)
        if not shown.good:
            raise Stopped(f"the app does not list its inputs: {shown.words()}")
        names = [str(row.get("id")) for row in shown.rows("inputs")]
        own = [name for name in names if OWN_INPUT.fullmatch(name)]
        content.own += [name for name in own if name not in content.own]
        content.others += len(names) - len(own)
        if len(names) < PER_PAGE_MAX:
            return content
        if not all_pages:
            break
    content.whole = False
    return content


async def remove(line: RequestLine, scratch: Scratch, left: list[str]) -> None:
    """Delete these inputs, and wait until they are gone; take from the list what is."""
    with anyio.move_on_after(TIDY_SECONDS), suppress(Spent, Stopped, Halted):
        await _remove(line, scratch, left)


async def _remove(line: RequestLine, scratch: Scratch, left: list[str]) -> None:
    """Take from the list what is gone."""
    if left:
        await line.insist(scratch.delete_inputs(left), tidying=True)
    for seconds in INPUT_POLLS_SECONDS:
        await anyio.sleep(seconds)
        for name in list(left):
            shown = await line.insist(scratch.get_input(name), tidying=True)
            if shown.code == MISSING:
                left.remove(name)
            elif not seconds:
                await line.insist(scratch.delete_input(name), tidying=True)
        if not left:
            return
