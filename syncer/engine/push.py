"""A push lane at work: an intake, a dispatcher with a task per request, a committer.

    intake ──read──► backlog ──dispatch──► sender ──► backlog ──commit──► journal
        ──► backlog (successors go), intake (sources are told)

The committer is the only one that writes: all that waits goes into one frame with one
fsync, in order, and only then is anything built on it. A run ends when the source has
ended and nothing is live, or when it is asked to drain: then what is in flight is
finished and written down.

Commands about dead letters are written by the committer, too (`carry_out`): while they
are decided, nothing is read and nothing is on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import anyio
import anyio.abc
import anyio.to_thread

from syncer.core.backlog import Backlog
from syncer.core.backoff import Backoff
from syncer.core.batch import Batch, Settlement
from syncer.core.change import Change, Chunk, Mark
from syncer.core.deletions import Deletions
from syncer.core.events import ChangeDied, ChangesSettled, DestinationChanged
from syncer.core.facts import DeadLetter, Destination, Fact, Queued
from syncer.core.ledger import Ledger
from syncer.core.ports.push import Created, Journal, LookedUp, Remote
from syncer.core.retry import Portions
from syncer.core.settle import facts_of, facts_of_chunk, letter_of_entry
from syncer.engine.asking import PartialAnswer
from syncer.engine.intake import Intake
from syncer.engine.sender import Sender
from syncer.engine.signal import Signal
from syncer.engine.trail import NOBODY, Trail
from syncer.engine.turns import Draining, Recalled, Turn, Turns
from syncer.errors import SyncerError, first_error
from syncer.finish import finish

T = TypeVar("T")

COMMIT_LINGER_SECONDS = 0.005
"""How long the committer waits for more before a frame: at full speed tens of batches
share an fsync.
"""

IDLE_SECONDS = 0.5
"""Between two looks whether changes wait, of what waits for them."""

LETTERS_BYTES_MAX = 4 << 20
"""Of dead letters that wait for their frame; the reader waits, too, then.
As much again may be on its way to the disk.
"""

LETTER_BYTES = 512
"""What a dead letter takes beside its line."""


class Push:
    """One run of a push lane. `run` once; `drain` from a signal handler."""

    def __init__(
        self,
        *,
        intake: Intake,
        remote: Remote,
        journal: Journal,
        created: Created,
        backlog: Backlog,
        turns: Turns,
        deletions: Deletions,
        backoff: Backoff,
    ) -> None:
        """The time is that of `turns`, and so is the observer."""
        ledger = journal.ledger
        self.backlog = backlog
        self.turns = turns
        self.intake = intake
        self.at_the_end = False
        """Whether every source was read to its end."""
        self.ended = False
        """Whether nothing will be sent any more, however that came."""
        self.sender = Sender(backlog, remote, journal, created, turns, deletions, backoff)
        self._trail: Trail = NOBODY
        self._journal = journal
        self._ledger = ledger
        self._created = created
        self._now = turns.now
        self._observe = turns.observe
        self._deletions = deletions
        self._acked = {number: log.watermark.resume for number, log in ledger.logs.items()}
        # facts of lines that need no remote, for the next frame
        self._lines: list[Fact] = []
        self._letters_bytes = 0  # of the letters among them
        self._one_at_a_time = anyio.Lock()
        self._one_command = anyio.Lock()
        self._came_back = Signal()
        self._work = Signal()
        self._room = Signal()
        self._to_commit = turns.to_keep
        backlog.restore(ledger.queue.values(), turns.now())

    def follow(self, trail: Trail) -> None:
        """Tell this of the way of the changes, from the start of the run."""
        self._trail = self.sender.trail = trail

    async def run(self) -> None:
        """Push until the source has ended and nothing is live, or until drained.

        Raises SyncerError; all that came true is durable.
        """
        try:
            async with anyio.create_task_group() as telling:
                telling.start_soon(self.intake.acknowledge_all, self.turns.fail)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._read)
                    tasks.start_soon(self._commit_all)
                    async with anyio.create_task_group() as requests:
                        await self._dispatch(requests)
                    self.ended = True
                    await self._commit()
                    tasks.cancel_scope.cancel()
                self.intake.close()
        except BaseExceptionGroup as group:
            raise first_error(group) from None
        finally:
            self.ended = True
            await finish(self.await_commands)
        if self.turns.error is not None:
            raise self.turns.error

    async def await_commands(self) -> None:
        """Return once those that have come so far are written to their end."""
        async with self._one_command:
            pass

    def drain(self) -> None:
        """End the run: finish what is in flight, write it down, send nothing more."""
        self.turns.drain()
        self._work.set()
        self._room.set()

    @property
    def complete(self) -> bool:
        """Whether every source was read to its end and nothing is left to do."""
        return self.at_the_end and not self._live()

    async def look(self, see: Callable[[Ledger], T]) -> T:
        """Return what is seen of the ledger while nobody writes to it."""
        async with self._one_at_a_time:
            return see(self._ledger)

    async def look_up(self, changes: Sequence[Change]) -> PartialAnswer[LookedUp]:
        """Return what the remote holds of these changes' annotations; it is asked in
        the turns of this push, once no change waits for one.

        Raises NoTurn, Stopped.
        """
        while self.backlog.has_batch(self._now()):  # noqa: ASYNC110 - no hurry, and no cost
            await anyio.sleep(IDLE_SECONDS)
        with await self.turns.next() as turn:
            asker = self.sender.asker
            return await asker.by_parts(changes, asker.found, turn)

    # --- reader -----------------------------------------------------------------------

    async def _read(self) -> None:
        self.at_the_end = await self.intake.read_all(
            self._has_room,
            self._take_in,
            self.turns.fail,  # what was read before is finished
        )
        self.backlog.source_ended = True
        self._work.set()

    async def _has_room(self) -> bool:
        while not self.turns.draining:
            if self.backlog.room() and self._letters_bytes <= LETTERS_BYTES_MAX:
                return True
            await self._room.wait()
        return False

    def _take_in(self, chunk: Chunk) -> None:
        now = self._now()
        label = self._ledger.logs[chunk.log].identity.label
        facts = facts_of_chunk(chunk, label, now)
        self._letters_bytes += sum(
            LETTER_BYTES + len(fact.change) for fact in facts if isinstance(fact, DeadLetter)
        )
        self._lines += facts
        self._trail.note_read(label, chunk, now)
        self.backlog.offer(chunk.changes, now)
        if chunk.bad or chunk.ignored or not chunk.changes:
            # No answer to a request will bring a commit with what it says.
            self._to_commit.set()
        self._work.set()

    # --- dispatcher -------------------------------------------------------------------

    async def _dispatch(self, requests: anyio.abc.TaskGroup) -> None:
        backlog, turns = self.backlog, self.turns
        while not self._over():
            now = self._now()
            backlog.ripen(now, turns.destination.last_success_at)
            if backlog.settling:
                self._to_commit.set()
            if backlog.batches_out >= turns.concurrency.limit:
                await self._work.wait()
                continue
            if not backlog.has_batch(now):
                wake_at = backlog.wake_at(now)
                await self._work.wait(None if wake_at is None else max(0.0, wake_at - now))
                continue
            try:
                turn = await turns.next()
            except Recalled:
                continue
            except (Draining, SyncerError) as ending:
                turns.end(ending)
                self.drain()
                return
            batch = backlog.take(self._now())
            if batch is None:
                turn.give_back()
                continue
            requests.start_soon(self._send, batch, turn)

    def _over(self) -> bool:
        if self.turns.draining:
            return True
        return self.backlog.source_ended and not self._live()

    def _live(self) -> bool:
        backlog = self.backlog
        return bool(backlog.count or backlog.batches_out or backlog.settling or backlog.resting)

    async def _send(self, batch: Batch, turn: Turn) -> None:
        try:
            with turn:
                await self.sender.send(batch, turn)
        except BaseException:
            self.ended = True  # what was on its way is known to nobody
            raise
        finally:
            self.backlog.over(batch)
            self._came_back.set()
        if self.turns.draining:
            self.drain()
        if self.backlog.settling or self.turns.fact() != self._ledger.destination:
            self._to_commit.set()
        self._work.set()

    # --- committer --------------------------------------------------------------------

    async def _commit_all(self) -> None:
        while True:
            await self._to_commit.wait()
            await anyio.sleep(COMMIT_LINGER_SECONDS)
            await self._commit()

    async def _commit(self) -> None:
        """Everything that waits becomes durable as one frame; then, and only then, what
        waited for it goes on.
        """
        async with self._one_at_a_time:
            await self._write()

    async def _write(self) -> None:
        settlement = self.backlog.collect()
        facts, self._lines, self._letters_bytes = self._lines, [], 0
        facts += facts_of(settlement, self._letters(settlement), self._ledger, facts)
        destination = self.turns.fact()
        if destination != self._ledger.destination:
            # A pause is written down, so that a restart keeps it.
            facts.append(destination)
        if not facts:
            return
        # Before the fsync: after a crash it must know at least what the frame says.
        self._created.add(settlement.list_created())
        await finish(partial(self._make_durable, settlement, facts))

    async def _make_durable(self, settlement: Settlement, facts: list[Fact]) -> None:
        await anyio.to_thread.run_sync(self._journal.commit, facts)
        self._deletions.dead(settlement.dead)
        now = self._now()
        self._trail.note_settled(settlement, now)
        self.backlog.committed(settlement, now)
        self._work.set()
        self._room.set()
        self._tell(settlement, facts)
        self._acknowledge()

    async def note(self, facts: Sequence[Fact]) -> None:
        """Return once these facts are durable, after all that was read before.

        Raises StateError; that ends the run.
        """
        async with self._one_at_a_time:
            self._lines += facts
            with self._ending_on_failure():
                await self._write()

    async def carry_out(self, portions: Portions) -> None:
        """Write what is to become of dead letters, and go on with what comes back.

        It is decided while nothing is read or on its way and all that came true is
        durable: as by a command that has the state for itself. Once begun it comes to
        its end. Raises what `portions` raises, and StateError; the portions before that
        stand.
        """
        backlog = self.backlog
        async with self._one_command:
            backlog.resting = True
            try:
                with self.turns.recall():  # a pause of the destination may last for hours
                    while backlog.batches_out:
                        await self._came_back.wait()
                async with self._one_at_a_time:
                    await finish(partial(self._write_portions, portions))
            finally:
                backlog.resting = False
                self._work.set()
                self._room.set()

    @contextmanager
    def _ending_on_failure(self) -> Iterator[None]:
        """End the run where a write fails: what was to be written is known to nobody
        else.
        """
        try:
            yield
        except SyncerError as error:
            self.turns.end(error)
            self.drain()
            raise

    async def _write_portions(self, portions: Portions) -> None:
        with self._ending_on_failure():
            await self._write()
            while self.backlog.settling:  # what came true by that
                await self._write()
        inputs = set[str]()
        given = portions(self._ledger, self.backlog.numbers)
        try:
            while (facts := await anyio.to_thread.run_sync(next, given, None)) is not None:
                with self._ending_on_failure():
                    await anyio.to_thread.run_sync(self._journal.commit, facts)
                inputs.update(fact.input_id for fact in facts if isinstance(fact, Queued))
        finally:
            if not self.ended:
                queue = self._ledger.queue.values()
                put_back = partial(self.backlog.put_back, inputs, queue, self._now())
                await finish(partial(anyio.to_thread.run_sync, put_back))

    def _acknowledge(self) -> None:
        """Let the sources be told how far their logs are settled for good."""
        for number in self.intake.read:
            resume = self._ledger.logs[number].watermark.resume
            if self._acked.get(number, Mark()) != resume:
                self._acked[number] = resume
                self.intake.acknowledge(number, resume)

    def _tell(self, settlement: Settlement, facts: Iterable[Fact]) -> None:
        """Report to the observer what became durable."""
        observe = self._observe
        letters = [fact for fact in facts if isinstance(fact, DeadLetter)]
        if settlement or letters:
            queued, retried = len(settlement.queued), len(settlement.retried)
            observe(ChangesSettled(settlement.applied_count, len(letters), queued, retried))
        for letter in letters:
            observe(ChangeDied(letter))
        for fact in facts:
            if isinstance(fact, Destination):
                observe(DestinationChanged(fact.state, fact.until or None, fact.reason))

    def _letters(self, settlement: Settlement) -> list[DeadLetter]:
        letters = []
        for entry in settlement.dead:
            raw = entry.change.raw or self._journal.read_queued(entry.number).raw
            letters.append(
                letter_of_entry(entry, raw, self._ledger.logs[entry.change.log].identity.label)
            )
        return letters
