"""What is pushed: change logs by path, and sources of users, as one sequence for the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from syncer.core.change import Chunk, LogIdentity, Mark
from syncer.core.facts import Opened
from syncer.core.ledger import Ledger, LogState
from syncer.errors import SyncerError, UsageError
from syncer.journal.disk import REAL
from syncer.lanes.ours import SPOOL, named_logs
from syncer.sources.changelog import ChangeLog
from syncer.sources.feed import FEED, ChangeSource, Feed, identity
from syncer.sources.first_lines import FIRST_LINES, refuse_what_is_not_a_log
from syncer.sources.lines import LineOptions
from syncer.sources.logs import LogPath, NamedLogs, resolved
from syncer.sources.spool import Spool


class Inputs:
    """Change logs and feeds, one after the other. Implements `syncer.core.ports.Source`."""

    def __init__(self, members: Sequence[ChangeLog | Feed], notes: Sequence[str] = ()) -> None:
        self.members = {member.number: member for member in members}
        self.notes = notes
        """What users are to know of the logs."""
        self._waiting = list(self.members.values())

    async def read(self) -> Chunk | None:
        """The next chunk of the sequence."""
        while self._waiting:
            chunk = await self._waiting[0].read()
            if chunk is not None:
                return chunk
            del self._waiting[0]
        return None

    async def ack(self, log: int, mark: Mark) -> None:
        """To the member that it concerns."""
        await self.members[log].ack(mark)

    async def close(self) -> None:
        """Let go of all of them."""
        for member in self.members.values():
            await member.close()

    def unfinished(self) -> str | None:
        """Which logs are still being written."""
        return "; ".join(member.unfinished for member in self.members.values() if member.unfinished) or None

    def progress(self) -> tuple[int, int] | None:
        """(bytes read, bytes in all); None where a member does not know."""
        parts = [member.progress for member in self.members.values()]
        known = [part for part in parts if part is not None]
        return (sum(read for read, _ in known), sum(size for _, size in known)) if len(known) == len(parts) else None


def open_inputs(
    sources: Sequence[str | ChangeSource], ledger: Ledger, state: Path, options: LineOptions, *, strict: bool, stdin: BinaryIO
) -> tuple[Inputs, list[Opened]]:
    """The inputs, where they were left, and what the journal is to be told of them. Without any: every log that the state knows.

    Raises UsageError for what is not there or not a log, LogChanged for a log that is not the one that was applied.
    """
    spool, known = Spool(state / SPOOL, REAL), {Path(log.identity.path).name for log in ledger.logs.values()}
    spool.sweep(known)
    try:
        return _opened(sources, ledger, state, options, strict=strict, stdin=stdin)
    except SyncerError:
        spool.sweep(known)  # what came by stdin is refused with the rest, and may be another input next time
        raise


def _opened(
    sources: Sequence[str | ChangeSource], ledger: Ledger, state: Path, options: LineOptions, *, strict: bool, stdin: BinaryIO
) -> tuple[Inputs, list[Opened]]:
    members: dict[str, ChangeLog | Feed] = {}
    facts: list[Opened] = []
    numbers, next_number = numbers_by_path(ledger), ledger.next_log()
    named = named_logs(state, stdin)
    for source in _named(sources, ledger, named):
        key = str(source.path) if isinstance(source, LogPath) else identity(source.name).path
        if key in members:
            continue
        number = numbers.get(key)
        known = ledger.logs[number] if number is not None else None
        if number is None:
            number, next_number = next_number, next_number + 1
        watermark = known.watermark if known else None
        member: ChangeLog | Feed
        if isinstance(source, LogPath):
            before: LogIdentity | None = known.identity if known else None
            if source.path.exists() and not is_known_as_log(known, source.path):
                refuse_what_is_not_a_log(source.path, source.label, options)
            member = ChangeLog(source.path, source.label, number, options, known=before, watermark=watermark, strict=strict)
        else:
            member = Feed(source, number, options, watermark=watermark, strict=strict)
        members[key] = member
        if known is None or known.identity != member.identity:
            facts.append(Opened(number, member.identity))
    if not members:
        raise UsageError(f"no change log: name one (a file, a folder, or - for stdin); the state {state} knows none yet")
    return Inputs(list(members.values()), named.notes()), facts


def is_known_as_log(known: LogState | None, path: Path) -> bool:
    """Return whether the first lines of this file need no look: enough of them were read, or they were looked at as they are."""
    if known is None or known.watermark.index >= FIRST_LINES:
        return known is not None
    status, before = path.stat(), known.identity
    found = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return found == (before.inode, before.size, before.mtime_ns, before.ctime_ns)


def numbers_by_path(ledger: Ledger) -> dict[str, int]:
    """Return the numbers of the known logs and feeds by their paths, resolved: older states hold paths as they were given."""
    paths = {number: log.identity.path for number, log in ledger.logs.items()}
    return {path if path.startswith(FEED) else resolved(path): number for number, path in paths.items()}


def _named(sources: Sequence[str | ChangeSource], ledger: Ledger, named: NamedLogs) -> Iterator[LogPath | ChangeSource]:
    for source in sources:
        if isinstance(source, str):
            yield from named.of(source)
        else:
            yield source
    if not sources:
        for log in ledger.logs.values():
            if not log.identity.path.startswith(FEED):
                yield LogPath(Path(resolved(log.identity.path)), log.identity.label)
