"""A push lane, wired: change logs, Clarifai, HTTP, journal, engine. The only place that knows them all."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio

from syncer.config import Loaded
from syncer.core.backlog import Backlog, Limits
from syncer.core.change import Chunk
from syncer.core.destination import DestinationState
from syncer.core.facts import Opened
from syncer.core.ledger import Ledger
from syncer.core.pace import Concurrency, Pace
from syncer.engine.push import Batched, Push
from syncer.engine.turns import Turns
from syncer.errors import SyncerError, UsageError
from syncer.journal.journal import DestinationId, Journal
from syncer.journal.posted import Posted
from syncer.lanes.report import Before, Summary, totals
from syncer.remotes.clarifai import Clarifai
from syncer.sources.changelog import ChangeLog
from syncer.sources.lines import LineOptions
from syncer.sources.logs import LogPath, expand
from syncer.transport.http import HttpTransport


@dataclass(frozen=True, slots=True)
class Finished:
    """How a push ended: its summary, the error that stopped it (None: it came to its end), the signal that interrupted it."""

    summary: Summary
    error: SyncerError | None
    interrupted: int | None
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """As CONTRACT-bound scripts expect it: 0, 1, 2, 3, or 128 + signal."""
        if self.interrupted is not None:
            return 128 + self.interrupted
        if self.error is not None:
            return self.error.exit_code
        return 3 if self.summary.dead else 0


class Logs:
    """Several change logs as one source, one after the other."""

    def __init__(self, logs: Sequence[ChangeLog]) -> None:
        self._logs = list(logs)
        self._at = 0

    async def read(self) -> Chunk | None:
        """The next chunk of the sequence."""
        while self._at < len(self._logs):
            chunk = await self._logs[self._at].read()
            if chunk is not None:
                return chunk
            self._at += 1
        return None


class PushLane:
    """One push from the first log to the last. Opening takes the state's lock; `close` gives it back."""

    def __init__(self, loaded: Loaded, arguments: Sequence[str], *, strict: bool = False, stdin: BinaryIO | None = None) -> None:
        config = loaded.config
        token = loaded.token()
        if token is None:
            raise UsageError("no token: set CLARIFAI_PAT, or name a file in [clarifai] token_file")
        if not config.clarifai.app_id:
            raise UsageError("no app: give --app-id, set CLARIFAI_APP_ID, or set [clarifai] app_id")
        if config.push.requests_per_second == "auto":
            raise UsageError('[push] requests_per_second = "auto" cannot find the limit yet: give the number of requests a second')
        self._config = config
        self._rate = float(config.push.requests_per_second)
        self._token = token
        self._state = Path(config.state.dir)
        destination = DestinationId(config.clarifai.base_url, config.clarifai.user_id, config.clarifai.app_id)
        self._journal = Journal.open(self._state, destination)
        try:
            self._posted = Posted(self._state / "posted.bits")
            paths = expand(arguments, self._state, stdin or sys.stdin.buffer) if arguments else self._known_logs()
            if not paths:
                raise UsageError(f"no change log: name one (a file, a folder, or - for stdin); the state {self._state} knows none yet")
            self._logs = self._open_logs(paths, strict)
        except BaseException:
            self._journal.close()
            raise
        self._before = Before.of(self.ledger, [log.number for log in self._logs])
        self._engine: Push | None = None
        self._transport: HttpTransport | None = None
        self._started = time.monotonic()

    @property
    def ledger(self) -> Ledger:
        """What the state folder holds."""
        return self._journal.ledger

    def _known_logs(self) -> list[LogPath]:
        return [LogPath(Path(log.identity.path), log.identity.label) for log in self.ledger.logs.values()]

    def _open_logs(self, paths: Sequence[LogPath], strict: bool) -> list[ChangeLog]:
        push = self._config.push
        options = LineOptions(push.lists_without_ids, push.embed_model_version_id)
        logs: list[ChangeLog] = []
        opened: list[Opened] = []
        next_number = self.ledger.next_log()
        for path in paths:
            number = self.ledger.log_number(str(path.path))
            known = self.ledger.logs.get(number) if number is not None else None
            log = ChangeLog(
                path.path,
                path.label,
                next_number if number is None else number,
                options,
                known=known.identity if known else None,
                watermark=known.watermark if known else None,
                strict=strict,
            )
            next_number += number is None
            logs.append(log)
            if known is None or known.identity != log.identity:
                opened.append(Opened(log.number, log.identity))
        if opened:
            self._journal.commit(opened)
        return logs

    async def run(self, observe: Callable[[Batched], None] = lambda _: None, *, signals: bool = False) -> Finished:
        """Push to the end. Errors that stop a run are in what it returns; they lose nothing. With `signals`, SIGINT and SIGTERM drain."""
        config = self._config
        started = self._started = time.monotonic()
        epoch = time.time() - anyio.current_time()
        retry = config.retry

        def now() -> float:
            """Seconds since 1970, but never going back."""
            return anyio.current_time() + epoch

        rng = random.Random()  # noqa: S311 - jitter, not a secret
        destination = DestinationState(retry.base_seconds, retry.cap_seconds, retry.throttle_seconds, retry.give_up_seconds)
        destination.restore(self.ledger.destination, now())
        concurrency = Concurrency(config.push.concurrency, self._rate)
        clarifai = config.clarifai
        transport = HttpTransport(
            base_url=clarifai.base_url,
            token=self._token,
            connect_timeout_seconds=config.push.connect_timeout_seconds,
            request_timeout_seconds=config.push.request_timeout_seconds,
            ca_file=clarifai.ca_file,
        )
        self._transport = transport
        limits = Limits(
            batch_size=config.push.batch_size,
            linger_seconds=config.push.linger_seconds,
            max_attempts=retry.max_attempts,
        )
        error: SyncerError | None = None
        interrupted: list[int] = []
        async with transport:
            self._engine = engine = Push(
                source=Logs(self._logs),
                remote=Clarifai(clarifai.user_id, clarifai.app_id),
                journal=self._journal,
                ledger=self.ledger,
                backlog=Backlog(limits, self.ledger.next_number),
                turns=Turns(transport, Pace(self._rate), concurrency, destination, now, rng),
                created=self._posted.__contains__,
                creating=self._posted.add,
                now=now,
                rng=rng,
                backoff=(retry.base_seconds, retry.cap_seconds),
                observe=observe,
            )
            try:
                if signals:
                    await _until_signal(engine, interrupted)
                else:
                    await engine.run()
            except SyncerError as stopped:
                error = stopped
        if error is None and not interrupted:
            error = self._unfinished()
        return Finished(
            self.summary(time.monotonic() - started), error, interrupted[0] if interrupted else None, tuple(self._journal.notes)
        )

    def _unfinished(self) -> SyncerError | None:
        texts = [log.unfinished for log in self._logs if log.unfinished]
        return SyncerError("; ".join(texts)) if texts else None

    def summary(self, elapsed_seconds: float | None = None) -> Summary:
        """Where the run stands, also while it is under way."""
        engine, transport = self._engine, self._transport
        elapsed = time.monotonic() - self._started if elapsed_seconds is None else elapsed_seconds
        read_in_run = engine.counted.read if engine else {}
        read, applied, skipped, ignored, dead, pending = totals(self._before, self.ledger, read_in_run)
        return Summary(
            read=read,
            applied=applied,
            skipped=skipped,
            ignored=ignored,
            dead=dead,
            pending=pending,
            retries=engine.sender.retries if engine else 0,
            requests=(engine.turns.requests if engine else 0) + (transport.hidden_retries if transport else 0),
            throttled=engine.turns.throttled if engine else 0,
            reconciled=engine.sender.reconciled if engine else 0,
            elapsed_seconds=round(elapsed, 3),
            annotations_per_second=round(applied / elapsed, 1) if elapsed > 0 else 0.0,
            state=str(self._state),
        )

    def close(self) -> None:
        """Give the state folder back."""
        self._posted.close()
        self._journal.close()


@contextmanager
def opened(lane: PushLane) -> Iterator[PushLane]:
    """The lane, closed at the end."""
    try:
        yield lane
    finally:
        lane.close()


async def _until_signal(engine: Push, interrupted: list[int]) -> None:
    """Run the engine; the first signal drains it, the second stops at once. Both leave a state that carries on."""
    stopped: list[SyncerError] = []
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
                async for number in received:
                    if interrupted:
                        tasks.cancel_scope.cancel()
                        return
                    interrupted.append(int(number))
                    engine.drain()

        tasks.start_soon(listen)
        try:
            await engine.run()
        except SyncerError as error:
            stopped.append(error)
        tasks.cancel_scope.cancel()
    if stopped:
        raise stopped[0]
