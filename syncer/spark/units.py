"""A list in parts for Spark: the driver enumerates its units, each task fetches some of
them.

listing.units ──driver: asks what is there, fetches nothing──► units ──cut──► parts
    ──task──► the engine ──► rows
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import anyio
from anyio.from_thread import start_blocking_portal
from pyspark import cloudpickle

from syncer.core.ports.pull import Done, Found, Listing, Unit, Units
from syncer.jobs.pages import Page, pages_of
from syncer.jobs.wiring import Origin, wire
from syncer.spark.rate import gap_seconds


class Outline:
    """A list of which the units are kept, and not fetched.

    Implements `syncer.core.ports.pull.Listing`.
    """

    repeats = False

    def __init__(self, listing: Listing) -> None:
        self.kept: list[Unit] = []
        self._listing = listing

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Only the questions."""
        steps = self._listing.units(after, done)
        answers: Sequence[object] | None = None
        while True:
            try:
                step = steps.send(answers)
            except StopIteration:
                return
            answers = None
            if isinstance(step, Unit):
                self.kept.append(step)
            else:
                answers = yield step


class TaskPart:
    """Some units of a list, as a list. Implements `syncer.core.ports.pull.Listing`."""

    def __init__(self, units: Sequence[Unit], repeats: bool) -> None:
        self.repeats = repeats
        self._units = units

    def units(self, after: str, done: Done | None = ()) -> Units:
        """All of them: a task begins from the start."""
        yield from self._units


async def enumerate_units(origin: Origin) -> list[Unit]:
    """The units of a list. Raises SyncerError."""
    await anyio.sleep(gap_seconds(origin.pace.requests_per_second))
    outline = Outline(origin.listing)
    async with wire(origin, lambda _: None, listing=outline) as engine:
        await engine.run("", _nothing)
    return outline.kept


async def _nothing(unit: Unit, found: Found) -> None:
    """An outline has nothing to deliver."""


def parts(units: Sequence[Unit], count: int) -> list[bytes]:
    """Return the units in this number of parts of neighbours, at most one per unit; at
    least one part. Packed: inputs may stand in them.
    """
    count = max(1, min(count, len(units)))
    cuts = [len(units) * number // count for number in range(count + 1)]
    return [zlib.compress(cloudpickle.dumps(list(units[at:to])), 1) for at, to in pairwise(cuts)]


def unpack(part: bytes) -> list[Unit]:
    """The units of a part."""
    return cast("list[Unit]", cloudpickle.loads(zlib.decompress(part)))


def fetch_pages(origin: Origin, units: Sequence[Unit] | None) -> Iterator[Page]:
    """The pages of some units of this origin's list, or of all of it, each key once;
    fetched ahead while one is worked on.

    Raises SyncerError.
    """
    if units is not None:
        origin = replace(origin, listing=TaskPart(units, origin.listing.repeats))
    seen: set[tuple[str, ...]] = set()
    with start_blocking_portal() as portal:
        portal.call(anyio.sleep, gap_seconds(origin.pace.requests_per_second))
        with portal.wrap_async_context_manager(pages_of(origin)) as stream:
            while (page := portal.call(anext, stream, None)) is not None:
                if origin.listing.repeats:
                    page = Page([row for row in page.rows if row.key not in seen], page.problems)
                    seen.update(row.key for row in page.rows)
                yield page
