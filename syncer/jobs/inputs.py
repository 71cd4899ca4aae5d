"""The input of a push: change logs by path, and sources of users, as one sequence for
the engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from syncer.core.change import Chunk, LogIdentity, Mark
from syncer.core.facts import Fact, Opened
from syncer.core.ledger import Ledger, LogState
from syncer.core.moves import Moved
from syncer.core.settle import forgotten
from syncer.errors import SyncerError, UsageError
from syncer.jobs.ours import SPOOL, name_logs
from syncer.journal.disk import REAL
from syncer.sources.changelog import ChangeLog
from syncer.sources.choice import Chooser
from syncer.sources.chosen import Choice, ChosenLog, note_gone, tell_lost
from syncer.sources.feed import ChangeSource, Feed, identity
from syncer.sources.first_lines import FIRST_LINES, refuse_what_is_not_a_log
from syncer.sources.lines import LineOptions
from syncer.sources.log_disk import REAL_LOGS, LogDisk
from syncer.sources.logs import LogPath
from syncer.sources.stdin import StdinStore


class PushInputs:
    """Change logs and feeds as one source, one after the other."""

    label = "the change logs"

    def __init__(
        self,
        members: Sequence[ChangeLog | Feed],
        done: Sequence[ChosenLog] = (),
        gone: Sequence[int] = (),
        notes: Sequence[str] = (),
        lost: str = "",
    ) -> None:
        """`done`: logs that were read to their end before, and are untouched since;
        nothing of them is opened.

        `gone`: logs whose file does not exist any more; what is known of them counts.
        `notes`: what users are to know of the logs; `lost`: of those that are gone
        before their end.
        """
        self.numbers = [*(log.number for log in (*done, *members)), *gone]
        self.notes = notes
        self._by_number = {member.number: member for member in members}
        self._waiting = deque(members)
        self._done_bytes = sum(log.identity.size for log in done)
        self._lost = lost

    async def read(self) -> Chunk | None:
        """The next chunk of the sequence."""
        while self._waiting:
            chunk = await self._waiting[0].read()
            if chunk is not None or not self._waiting[0].ended:
                return chunk
            self._waiting.popleft()
        return None

    @property
    def ended(self) -> bool:
        """Whether all of them were read to their ends."""
        return not self._waiting

    async def wait(self) -> None:
        """Wait for more of the member that is being read."""
        if self._waiting:
            await self._waiting[0].wait()

    async def ack(self, log: int, mark: Mark) -> None:
        """Pass it on to the member that it concerns."""
        await self._by_number[log].ack(log, mark)

    async def close(self) -> None:
        """Let go of all of them."""
        for member in self._by_number.values():
            await member.close()

    def describe_unfinished(self) -> str | None:
        """Say which logs are still being written, or gone."""
        writing = [member.unfinished for member in self._by_number.values() if member.unfinished]
        it, are = ("it", "is") if len(writing) == 1 else ("them", "are")
        they = "it" if are == "is" else "they"
        parts = (
            [
                f"{'; '.join(writing)}; everything before {it} is done. Push again when {they}"
                f" {are} whole"
            ]
            if writing
            else []
        )
        return ". ".join([*parts, *([self._lost] if self._lost else [])]) or None

    def progress(self) -> tuple[int, int] | None:
        """(bytes read, bytes in all); None where a member does not know."""
        parts = [member.progress for member in self._by_number.values()]
        known, done = [part for part in parts if part is not None], self._done_bytes
        return (
            (done + sum(read for read, _ in known), done + sum(size for _, size in known))
            if len(known) == len(parts)
            else None
        )


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """The way the logs are read."""

    options: LineOptions
    strict: bool = False
    moved: Moved | None = None
    disk: LogDisk = REAL_LOGS
    shared: Path | None = None
    """The [state] dir, with the states of pulls in it; None: the state itself."""
    inspect: Callable[[Sequence[str], Sequence[str]], list[str]] = lambda _, __: []
    """Called with the logs that have something to read, and with those of them that the
    state does not know yet. Returns notes; what it raises refuses them all.
    """


def open_inputs(
    sources: Sequence[str | ChangeSource],
    ledger: Ledger,
    state: Path,
    reading: ReadingOptions,
    stdin: BinaryIO | None,
) -> tuple[PushInputs, list[Fact]]:
    """Return the inputs, where they were left, and what the journal is to note of them.
    Without any: every log that the state knows.

    Raises UsageError for what is not there or not a log, LogChanged for a log that is
    not the one that was applied, or may not be.
    """
    spool = StdinStore(state / SPOOL, REAL)
    known = {log.identity.path.rpartition("/")[2] for log in ledger.logs.values()}
    spool.sweep(known)
    try:
        return _open(sources, ledger, state, reading, stdin)
    except SyncerError:
        # What came by stdin is refused with the rest; next time it may be other data.
        spool.sweep(known)
        raise


def _open(
    sources: Sequence[str | ChangeSource],
    ledger: Ledger,
    state: Path,
    reading: ReadingOptions,
    stdin: BinaryIO | None,
) -> tuple[PushInputs, list[Fact]]:
    named = name_logs(state / SPOOL, stdin, reading.shared or state)
    items = [
        item
        for source in sources
        for item in (named.of(source) if isinstance(source, str) else (source,))
    ]
    logs = [item for item in items if isinstance(item, LogPath)]
    choice = Chooser(ledger, state / SPOOL, reading.disk).choose(
        logs if sources else None, reading.moved
    )
    facts: list[Fact] = [fact for number in choice.replaced for fact in forgotten(number)]
    facts += [Opened(number, aside) for number, aside in choice.displaced]
    members: list[ChangeLog | Feed] = []
    done: list[ChosenLog] = []
    unmet: list[str] = []
    for found in _woven(items, choice.logs, ledger):
        known = ledger.logs.get(found.number)
        if known is None or known.identity != found.identity:
            facts.append(Opened(found.number, found.identity))
        if isinstance(found, _FeedAt):
            watermark = known.watermark if known else None
            members.append(
                Feed(
                    found.source,
                    found.number,
                    reading.options,
                    watermark=watermark,
                    strict=reading.strict,
                )
            )
        elif known is not None and LogState(found.identity, known.watermark).is_read_to_its_end:
            done.append(found)
        else:
            members.append(_log(found, known, reading))
            if known is None:
                unmet.append(found.path)
    if not members and not done and not choice.gone:
        raise UsageError(
            f"no change log: name one (a file, a folder, or - for stdin); the state {state} knows"
            " none yet"
        )
    finished, lost = _note_gone(choice, ledger)
    gone = [number for number in choice.gone if number not in choice.replaced]
    notes = [
        *named.notes({log.path for log in choice.logs}, choice.unread),
        *choice.notes,
        *finished,
        *reading.inspect([log.path for log in choice.logs if log not in done], unmet),
    ]
    return PushInputs(members, done, gone, notes, lost), facts


def _note_gone(choice: Choice, ledger: Ledger) -> tuple[list[str], str]:
    """Return what to note of logs that are gone, and what is wrong with them."""
    labels = {number: aside.label for number, aside in choice.displaced}
    finished, lost = [], []
    for number in choice.gone:
        log = ledger.logs[number]
        label = labels.get(number, log.identity.label)
        if log.is_read_to_its_end:
            finished.append(label)
        else:
            lost.append((label, log.watermark.resume.line))
    return [note_gone(finished)] if finished else [], tell_lost(lost) if lost else ""


def _log(log: ChosenLog, known: LogState | None, reading: ReadingOptions) -> ChangeLog:
    label = log.identity.label
    if not was_looked_at(log, known):
        refuse_what_is_not_a_log(log.path, label, reading.options)
    watermark = known.watermark if known else None
    return ChangeLog(
        log.path,
        label,
        log.number,
        reading.options,
        identity=log.identity,
        watermark=watermark,
        strict=reading.strict,
        disk=reading.disk,
    )


def was_looked_at(log: ChosenLog, known: LogState | None) -> bool:
    """Return whether the first lines of this file need no look: enough of them were
    read, or they were looked at as they are.
    """
    if known is None:
        return False
    return known.watermark.index >= FIRST_LINES or known.identity.stamp.is_untouched(
        log.identity.stamp
    )


@dataclass(frozen=True, slots=True)
class _FeedAt:
    """A source of a user among the logs."""

    number: int
    identity: LogIdentity
    source: ChangeSource


def _woven(
    items: Sequence[LogPath | ChangeSource], logs: Sequence[ChosenLog], ledger: Ledger
) -> Iterator[ChosenLog | _FeedAt]:
    """The chosen logs where their files were named, sources of users between them; each
    once.
    """
    numbers = {log.identity.path: number for number, log in ledger.logs.items()}
    next_number = max([ledger.next_log() - 1, *(log.number for log in logs)]) + 1
    left, at, seen = list(logs), -1, set[str]()
    for item in items:
        if isinstance(item, LogPath):
            at += 1
            while left and left[0].at <= at:
                yield left.pop(0)
            continue
        found = identity(item.name)
        if found.path in seen:
            continue
        seen.add(found.path)
        if (number := numbers.get(found.path)) is None:
            number, next_number = next_number, next_number + 1
        yield _FeedAt(number, found, item)
    yield from left
