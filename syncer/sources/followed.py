"""A file or a folder of change logs that grow, as one source that never ends.

    look ──► files that nobody explained, logs that are not where they were
                 ──► the registry says which log each is, and writes it down
         ──► logs whose files changed: a chunk each, in turns

Looks at intervals find all there is to find: new files, rotation, compression. What is
wrong with a file parks that file; the others go on.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

import anyio
import anyio.to_thread

from syncer.core.change import Chunk, LogIdentity, Mark, Stamp
from syncer.core.ledger import Ledger, LogState
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError
from syncer.sources.changelog import ChangeLog
from syncer.sources.chosen import Choice, ChosenLog, tell_missing
from syncer.sources.first_lines import FIRST_LINES, refuse_what_is_not_a_log
from syncer.sources.folders import LeftOut, Ours, explain_left_out
from syncer.sources.hints import Hint, NextLook
from syncer.sources.lines import LineOptions
from syncer.sources.log_turns import FollowedLog, LogTurns
from syncer.sources.logs import LogPath
from syncer.sources.parked import FileFailure, FilesAside
from syncer.sources.registry import LogRegistry, Search
from syncer.sources.sight import Lookout, Sight


class FollowedLogs:
    """The logs of one file or folder."""

    ended = False

    def __init__(
        self,
        name: str,
        path: str,
        registry: LogRegistry,
        options: LineOptions,
        *,
        ours: Ours,
        poll_seconds: float,
        hint: Hint | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`poll_seconds`: how often to look. `tell` gets what users are to know: a log
        that has another name, files that are not read.
        """
        self.label = name
        self._path = path
        self._root = os.path.realpath(path)
        self._registry = registry
        self._options = options
        self._poll_seconds = poll_seconds
        self._tell = tell
        self._told: list[str] = []
        """What was said last of files that are not read."""
        self._lookout = Lookout(name, path, ours, registry.disk)
        self._next_look = NextLook(poll_seconds, hint)
        self._is_first = True
        self._logs = dict[int, FollowedLog]()
        self._turns = LogTurns()
        self._blocked = dict[FollowedLog, None]()
        self._rotated = defaultdict[str, list[FollowedLog]](list)
        """By the name that they had before."""
        self._gone = dict[int, LogState]()
        """Logs without a file, and how far they were read: until that is settled."""
        self._missing = dict[int, str]()
        """Of those, the ones that were not read to their ends."""
        self._unsure = set[int]()
        """Logs that may be in a file which cannot be read just now."""
        self._aside = FilesAside(poll_seconds)
        self._sight = Sight()

    # --- the source -------------------------------------------------------------------

    async def read(self) -> Chunk | None:
        """Return the next chunk of the log whose turn it is.

        Raises SyncerError where there is nothing to follow.
        """
        while True:
            if self._next_look.is_due:
                with self._next_look.looking():
                    await self._look()
            log = await self._turns.next()
            if log is None:
                return None
            try:
                chunk = await log.log.read()
            except SyncerError as error:
                await self._park(log, error)
                continue
            log.failure = None
            if chunk is not None:
                chunk.written_at = log.date(chunk.written_at, self._poll_seconds)
                return chunk
            await self._rest(log)

    async def wait(self) -> None:
        """Return when it is time for the next look."""
        await self._next_look.wait()

    async def ack(self, log: int, mark: Mark) -> None:
        """A file needs no telling."""

    async def close(self) -> None:
        """Let go of all files."""
        self._next_look.close()
        await self._turns.close()
        self._registry.release(self.label)

    @property
    def faults(self) -> Mapping[str, str]:
        """The reasons why single files are not read, by label."""
        faults = {self._gone[number].identity.label: why for number, why in self._missing.items()}
        faults |= self._sight.faults | self._aside.faults()
        for log in self._logs.values():
            if log.failure is not None or log.log.unfinished:
                faults[log.log.label] = log.failure.why if log.failure else str(log.log.unfinished)
        return faults

    # --- what was read ----------------------------------------------------------------

    async def _rest(self, log: FollowedLog) -> None:
        """There is nothing more in it for now, or for good."""
        log.read_to, log.quiet_at = log.log.stamp, time.time()
        self._turns.rest(log)
        if log.log.ended:
            log.done = True
            if log.gone:
                await self._drop(log)
            self._release()

    async def _park(self, log: FollowedLog, error: SyncerError) -> None:
        self._turns.rest(log)
        path = log.identity.path
        stamp = await anyio.to_thread.run_sync(self._lookout.stamp, path)
        if log.gone:
            await self._drop(log)
            line = log.log.watermark.resume.line
            self._missing[log.number] = tell_missing(log.log.label, line)
        elif stamp is None or stamp.file != log.identity.stamp.file:
            self._next_look.hasten()  # it was renamed, or removed: that is not its fault
        else:
            log.failure = FileFailure.after(
                log.failure, str(error), stamp, anyio.current_time(), self._poll_seconds
            )

    def _release(self) -> None:
        """Give a turn to logs that need not wait for another one any more."""
        for log in [one for one in self._blocked if not self._is_blocked(one)]:
            del self._blocked[log]
            self._turns.add(log)

    # --- looking ----------------------------------------------------------------------

    async def _look(self) -> None:
        forgotten = await self._registry.list_forgotten([*self._logs, *self._gone])
        for number in forgotten:
            await self._forget(number)
        asked = dict.fromkeys(self._aside.paths()) | {
            log.identity.path: log.read_to for log in self._logs.values()
        }
        sight = self._sight = await anyio.to_thread.run_sync(self._lookout.look, asked)
        self._next_look.watch(sight.folders, sight.begins)
        self._check_root(sight)
        here = {log.identity.stamp.file for log in self._logs.values() if _is_here(log, sight)}
        lost = {
            n
            for n, log in self._logs.items()
            if not log.gone and log.identity.stamp.file not in here
        }
        now = anyio.current_time()
        news = [
            (log, stamp)
            for log, stamp in sight.files
            if stamp.file not in here and not self._aside.is_known(log, stamp, now)
        ]
        due = self._aside.list_due(now)
        if self._is_first or lost or news or due:
            await self._choose(news, lost, due, sight)
        if not sight.is_there and not self._logs:
            raise SyncerError(f"there is no file or folder {self._path}")
        self._is_first = False
        self._plan(sight)

    def _check_root(self, sight: Sight) -> None:
        """Raise SyncerError where the folder is gone: nobody knows what is in it."""
        if (why := sight.faults.get(self.label)) is not None:
            raise SyncerError(why)
        within = f"{self._root}/"
        if not sight.is_there and any(
            log.identity.path.startswith(within) for log in self._logs.values()
        ):
            raise SyncerError(f"the folder {self._path} is not there")

    def _plan(self, sight: Sight) -> None:
        """Give turns to the logs whose files changed, and to those that end."""
        now = anyio.current_time()
        paths = {log.identity.path for log in self._logs.values() if not log.gone}
        for log in self._logs.values():
            stamp = sight.stamps.get(log.identity.path) or log.identity.stamp
            if log.failure is not None and log.failure.is_parked(stamp, now):
                continue
            grown = log.read_to is None or not log.read_to.is_untouched(stamp)
            log.quiet_at = log.quiet_at if grown else time.time()
            if log.log.ended and grown and not log.gone:
                log.log.move(log.identity)
                log.end_at = None
            if not log.done and log.identity.was in paths:
                log.end_at = now + self._poll_seconds if log.end_at is None else log.end_at
                if log.end_at <= now:
                    log.log.let_end()
            ends = log.end_at is not None and log.end_at <= now and not log.log.ended
            if grown or ends or log.failure is not None or log.gone:
                self._give_turn(log)

    def _give_turn(self, log: FollowedLog) -> None:
        if self._is_blocked(log):
            self._blocked[log] = None
        else:
            self._turns.add(log)

    def _is_blocked(self, log: FollowedLog) -> bool:
        """Whether a log that had its name before has not been read to its end."""
        path, was = log.identity.path, log.identity.was
        older = [other for other in self._rotated.get(was, ()) if other.number < log.number]
        return any(not other.done for other in (*older, *self._rotated.get(path, ())))

    # --- which log is which -----------------------------------------------------------

    async def _choose(
        self, news: list[tuple[LogPath, Stamp]], lost: set[int], due: set[str], sight: Sight
    ) -> None:
        for number in await self._registry.list_settled(self._gone):
            if number not in self._missing:
                del self._gone[number]
        now = anyio.current_time()
        self._aside.begin(sight.stamps.keys(), due | {log.path for log, _ in news})

        def leave_out(log: LogPath, error: SyncerError) -> None:  # called in a thread
            if (stamp := self._lookout.stamp(log.path)) is not None:
                self._aside.fail(log, str(error), stamp, now)

        def is_sought(number: int, identity: LogIdentity) -> bool:
            if self._is_first:
                return self._belongs(identity)
            sought = number in lost or number in self._missing or number in self._unsure
            return sought or identity.path in due

        choice, known = await self._registry.choose(
            Search(
                self.label,
                [log for log, _ in news],
                is_sought,
                {n: self._state_at(log, sight) for n, log in self._logs.items()} | self._gone,
                leave_out,
                self._check,
            )
        )
        for one in choice.logs:
            self._follow(one, known)
        await self._lose(choice, lost, known)
        chosen = {one.identity.path for one in choice.logs}
        for log, stamp in news:
            if log.path not in chosen:
                self._aside.copy(log, stamp)
        self._rotated.clear()
        for followed in self._logs.values():
            if followed.identity.was:
                self._rotated[followed.identity.was].append(followed)
        for note in choice.notes:
            self._tell(note)
        self._tell_left_out(sight.left_out)

    def _belongs(self, identity: LogIdentity) -> bool:
        within = f"{self._root}/"
        return any(
            path == self._root or path.startswith(within) for path in (identity.path, identity.was)
        )

    def _state_at(self, log: FollowedLog, sight: Sight) -> LogState:
        """The part of it that was read. Where it is still in its place, nothing of it
        has to be checked.
        """
        state = log.state()
        if not _is_here(log, sight):
            return state
        stamp, known = sight.stamps[log.identity.path], state.identity
        if known.stamp.is_untouched(stamp):
            return state
        identity = LogIdentity.of(
            known.path, known.label, known.head, stamp, was=known.was, twin=known.twin
        )
        return LogState(identity, state.watermark)

    def _check(self, log: ChosenLog, watermark: Watermark) -> None:
        """Raise SyncerError for a file that is not a log. Called in a thread."""
        if log.number not in self._logs and watermark.index < FIRST_LINES:
            refuse_what_is_not_a_log(log.path, log.identity.label, self._options)

    def _follow(self, chosen: ChosenLog, known: Ledger) -> None:
        self._gone.pop(chosen.number, None)
        self._missing.pop(chosen.number, None)
        if (followed := self._logs.get(chosen.number)) is not None:
            before, now = followed.identity, chosen.identity
            if (before.path, before.stamp.file) != (now.path, now.stamp.file):
                followed.log.move(chosen.identity)
                followed.read_to = followed.end_at = followed.failure = None
                followed.gone = followed.done = False
            return
        state = known.logs.get(chosen.number)
        watermark = None if state is None else state.watermark
        log = ChangeLog(
            chosen.path,
            chosen.identity.label,
            chosen.number,
            self._options,
            identity=chosen.identity,
            watermark=watermark,
            disk=self._registry.disk,
        )
        log.follow(self._poll_seconds)
        self._logs[chosen.number] = followed = FollowedLog(log)
        if watermark is not None and LogState(chosen.identity, watermark).is_read_to_its_end:
            followed.read_to, followed.done = chosen.identity.stamp, True

    async def _lose(self, choice: Choice, lost: set[int], known: Ledger) -> None:
        """Let go of logs that no file holds any more, once they are read to their ends
        where they are open.
        """
        for number, aside in choice.displaced:
            if (log := self._logs.get(number)) is not None:
                log.log.identity, log.log.label = aside, aside.label
        self._unsure = set(choice.unsure)
        for number in lost - self._unsure - {log.number for log in choice.logs}:
            log = self._logs[number]
            log.gone = True
            log.log.let_end()
            if not log.log.is_open:
                await self._drop(log)
        for number in choice.replaced:
            await self._forget(number)
        for number in choice.gone:
            if number in self._logs or number in choice.replaced:
                continue
            state = self._gone.setdefault(number, known.logs[number])
            line = state.watermark.resume.line
            self._missing[number] = tell_missing(state.identity.label, line)

    def _tell_left_out(self, left_out: list[LeftOut]) -> None:
        paths = {log.identity.path for log in self._logs.values()}
        told = explain_left_out(one for one in left_out if str(one.path) not in paths)
        for note in told:
            if note not in self._told:
                self._tell(note)
        self._told = told

    async def _drop(self, log: FollowedLog) -> None:
        self._turns.remove(log)
        await log.log.close()
        self._blocked.pop(log, None)
        del self._logs[log.number]
        self._gone[log.number] = log.state()
        log.done = True
        self._release()

    async def _forget(self, number: int) -> None:
        if (log := self._logs.get(number)) is not None:
            await self._drop(log)
        self._gone.pop(number, None)
        self._missing.pop(number, None)


def _is_here(log: FollowedLog, sight: Sight) -> bool:
    stamp = sight.stamps.get(log.identity.path)
    return stamp is not None and stamp.file == log.identity.stamp.file
