"""The logs of a lane whose sources find new ones while it runs.

A number is allotted once, and a log is durable before anything of it is read. So the
sources take turns: one looks at what the state knows while nobody writes, finds out in
a thread which log each of its files is, and has that written down.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from syncer.core.change import LogIdentity
from syncer.core.facts import Fact, Opened
from syncer.core.ledger import Ledger, LogState
from syncer.core.ports.push import Committer
from syncer.core.settle import forgotten
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError, UsageError
from syncer.sources.choice import Chooser
from syncer.sources.chosen import Choice, ChosenLog
from syncer.sources.log_disk import REAL_LOGS, LogDisk
from syncer.sources.logs import LogPath

T = TypeVar("T")

FACTS_MAX = 1000
"""That one commit writes."""


@dataclass(frozen=True, slots=True)
class Search:
    """A question of a source: which logs its files are."""

    source: str
    files: Sequence[LogPath]
    """Those of which it does not know."""
    is_sought: Callable[[int, LogIdentity], bool]
    """Which known logs belong to it, wherever they are now."""
    read: Mapping[int, LogState]
    """How far it has read its logs, and where: that is ahead of what is settled."""
    leave_out: Callable[[LogPath, SyncerError], None]
    """Gets the files that are left out."""
    check: Callable[[ChosenLog, Watermark], None]
    """Raises SyncerError for a log that is left out, too. It is called in a thread."""


class LogRegistry:
    """The logs of a lane, for all its sources."""

    def __init__(
        self, committer: Callable[[], Committer], spool: Path, disk: LogDisk = REAL_LOGS
    ) -> None:
        """`spool`: where the state keeps what came by stdin."""
        self._committer = committer
        self.disk = disk
        self._spool = spool
        self._one_at_a_time = anyio.Lock()
        self._source_of: dict[int, str] = {}

    async def list_forgotten(self, numbers: Collection[int]) -> list[int]:
        """Return those of these logs that the state does not know any more."""
        return await self._committer().look(
            lambda ledger: [number for number in numbers if number not in ledger.logs]
        )

    async def list_settled(self, read: Mapping[int, LogState]) -> list[int]:
        """Return the logs that are settled as far as they were read."""
        return await self._committer().look(
            lambda ledger: [
                number
                for number, log in read.items()
                if number in ledger.logs
                and ledger.logs[number].watermark.resume.offset >= log.watermark.resume.offset
            ]
        )

    async def choose(self, search: Search) -> tuple[Choice, Ledger]:
        """Return the logs of these files, and what was known of all logs before. The
        state knows them when this returns; no other source gets them.

        Raises SyncerError.
        """
        async with self._one_at_a_time:
            known = await self._committer().look(Ledger.copy_logs)
            known.logs.update((n, log) for n, log in search.read.items() if n in known.logs)
            choice = await anyio.to_thread.run_sync(self._choose, search, known)
            facts = list(_note(choice, known))
            for start in range(0, len(facts), FACTS_MAX):
                await self._committer().note(facts[start : start + FACTS_MAX])
            for log in choice.logs:
                self._source_of[log.number] = search.source
        return choice, known

    async def adopt(
        self, path: str, open_: Callable[[int, Watermark], T], identify: Callable[[T], LogIdentity]
    ) -> T:
        """Open what keeps a log of its own, which the state knows by this path; the
        state knows it when this returns.

        `open_` gets the number of the log and how far it is settled, in a thread.
        `identify`: of a log that is new. Raises SyncerError, as `open_` does.
        """
        async with self._one_at_a_time:
            known = await self._committer().look(Ledger.copy_logs)
            logs = ((number, log) for number, log in known.logs.items())
            number, log = next(
                ((number, log) for number, log in logs if log.identity.path == path),
                (known.next_log(), None),
            )
            watermark = Watermark() if log is None else log.watermark
            opened = await anyio.to_thread.run_sync(open_, number, watermark)
            if log is None:
                await self._committer().note([Opened(number, identify(opened))])
        return opened

    def release(self, source: str) -> None:
        """Let other sources have the logs of this one."""
        self._source_of = {n: name for n, name in self._source_of.items() if name != source}

    def _choose(self, search: Search, known: Ledger) -> Choice:
        sought = [
            number
            for number, log in known.logs.items()
            if log.identity.is_file and search.is_sought(number, log.identity)
        ]
        chooser = Chooser(known, self._spool, self.disk, search.leave_out)
        choice = chooser.choose(search.files, "new", sought)
        choice.logs = [log for log in choice.logs if self._is_taken(log, search, known)]
        others = {n for n, source in self._source_of.items() if source != search.source}
        choice.replaced = [number for number in choice.replaced if number not in others]
        return choice

    def _is_taken(self, log: ChosenLog, search: Search, known: Ledger) -> bool:
        source = self._source_of.get(log.number, search.source)
        try:
            if source != search.source:
                raise UsageError(f"{log.identity.label} is read by the source {source} already")
            state = known.logs.get(log.number)
            search.check(log, Watermark() if state is None else state.watermark)
        except SyncerError as error:
            search.leave_out(LogPath(log.path, log.identity.label), error)
            return False
        return True


def _note(choice: Choice, known: Ledger) -> Iterator[Fact]:
    """Yield what the state is to know of the logs from now on."""
    for number in choice.replaced:
        yield from forgotten(number)
    for number, aside in choice.displaced:
        yield Opened(number, aside)
    for log in choice.logs:
        before = known.logs.get(log.number)
        if before is None or before.identity != log.identity:
            yield Opened(log.number, log.identity)
