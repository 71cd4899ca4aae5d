"""The turns of many logs that are followed; a few of their files are open."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from syncer.core.change import LogIdentity, Stamp
from syncer.core.ledger import LogState
from syncer.sources.changelog import ChangeLog
from syncer.sources.parked import FileFailure

OPEN_MAX = 16
"""Files that are open at a time."""
CHUNKS_MAX = 256
"""That a log gives before its file is closed, where others wait for a turn."""


@dataclass(slots=True, eq=False)
class FollowedLog:
    """A log, and how far a follower is with it."""

    log: ChangeLog
    read_to: Stamp | None = None
    """Of its file, where there was nothing more to read."""
    end_at: float | None = None
    """From when on a look at its end is the last one: another file has its name."""
    done: bool = False
    """Whether it was read to its end after that."""
    gone: bool = False
    """Whether its file has no name any more."""
    failure: FileFailure | None = None
    quiet_at: float | None = None
    """When all that was in its file was read, in seconds since 1970."""
    chunks: int = 0
    """That it gave since its file was opened."""

    @property
    def number(self) -> int:
        """Its number in the state."""
        return self.log.number

    @property
    def identity(self) -> LogIdentity:
        """Its file as it was seen last."""
        assert self.log.identity is not None
        return self.log.identity

    def date(self, changed_at: float, poll_seconds: float) -> float:
        """Return when lines that were just read were written, as far as can be told:
        when the file was changed last or, if nobody looked for a while, when all was
        read that was there. In seconds since 1970.
        """
        if self.quiet_at is not None and changed_at - self.quiet_at > 2 * poll_seconds:
            return self.quiet_at
        return changed_at

    def state(self) -> LogState:
        """Return what was read of it, in the state's words."""
        return LogState(self.identity, self.log.watermark)


class LogTurns:
    """Logs that have something to be read, a chunk each in turn."""

    def __init__(self) -> None:
        self._reading = deque[FollowedLog]()
        self._waiting = deque[FollowedLog]()
        self._resting = dict[FollowedLog, None]()
        """Open, at their ends; the one that rests longest comes first."""

    def add(self, log: FollowedLog) -> None:
        """Give a log a turn, if it has none."""
        if log not in self._reading and log not in self._waiting:
            self._waiting.append(log)

    async def next(self) -> FollowedLog | None:
        """Return the log whose turn it is; None where nothing is to be read."""
        if self._waiting and self._reading and self._reading[0].chunks >= CHUNKS_MAX:
            tired = self._reading.popleft()
            tired.chunks = 0
            await tired.log.close()
            self._waiting.append(tired)
        while self._waiting and len(self._reading) < OPEN_MAX:
            log = self._waiting.popleft()
            self._resting.pop(log, None)
            self._reading.append(log)
        while self._resting and len(self._reading) + len(self._resting) > OPEN_MAX:
            oldest = next(iter(self._resting))
            del self._resting[oldest]
            await oldest.log.close()
        if not self._reading:
            return None
        log = self._reading[0]
        self._reading.rotate(-1)
        log.chunks += 1
        return log

    def rest(self, log: FollowedLog) -> None:
        """Give it no turn any more; its file may stay open."""
        self.remove(log)
        if log.log.is_open:
            self._resting[log] = None

    def remove(self, log: FollowedLog) -> None:
        """Know nothing of it any more."""
        self._resting.pop(log, None)
        for logs in (self._reading, self._waiting):
            if log in logs:
                logs.remove(log)
        log.chunks = 0

    async def close(self) -> None:
        """Let go of all files."""
        for log in (*self._reading, *self._waiting, *self._resting):
            await log.log.close()
