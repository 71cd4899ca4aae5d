"""The story of an annotation in a lane that runs: where each of its changes is."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio.to_thread

from syncer.core.batch import Settlement
from syncer.core.change import Change, Chunk, Key
from syncer.core.entry import Live
from syncer.core.settle import rfc3339
from syncer.engine.push import Push
from syncer.jobs.story import (
    AskedAnnotation,
    Place,
    Step,
    StepState,
    in_order,
    list_dead,
    list_queued,
)

APPLIED_MAX = 100_000
"""The changes that were applied last, of which it is known."""


class AppliedChanges:
    """The last changes that a lane applied, by a hash of what they are of: 32 bytes
    each, which are taken at the start, so that a daemon does not grow for hours.
    Implements `Trail`.
    """

    def __init__(self, most: int = APPLIED_MAX) -> None:
        self._most = most
        self._count = 0
        self._hashes = array("q", bytes(8 * most))
        self._logs = array("q", bytes(8 * most))
        self._lines = array("q", bytes(8 * most))
        self._times = array("d", bytes(8 * most))

    def note_read(self, source: str, chunk: Chunk, now: float) -> None:
        """Do nothing."""

    def note_sent(self, changes: Sequence[Change], now: float) -> None:
        """Do nothing."""

    def note_settled(self, settlement: Settlement, now: float) -> None:
        """Remember what was applied, and forget what was applied long ago."""
        at = time.time()
        for change, _ in settlement.list_applied():
            place = self._count % self._most
            self._count += 1
            self._hashes[place] = hash((change.input_id, change.id))
            self._logs[place], self._lines[place] = change.log, change.line
            self._times[place] = at

    def find(self, key: Key) -> Iterator[tuple[int, int, float]]:
        """Yield (log, line, time) of each change of this (input_id, id)."""
        wanted, start, known = hash(key), 0, min(self._count, self._most)
        while True:
            try:
                start = self._hashes.index(wanted, start, known)
            except ValueError:
                return
            yield self._logs[start], self._lines[start], self._times[start]
            start += 1


async def tell_live_story(
    engine: Push, applied: AppliedChanges, state: Path, asked: AskedAnnotation
) -> list[Step]:
    """Return where the changes of an annotation are. Raises StateError."""
    labels = await _labels(engine)
    live = [
        one
        for one in engine.backlog.list_live(asked.input_id)
        if asked.concerns(one.entry.change.input_id, one.entry.change.id)
    ]
    steps = [_step_of(one, engine, labels) for one in live]
    known = {(step.source, step.line) for step in steps}
    # what has an answer that is not written down yet is in the queue, or nowhere
    steps += [
        step
        for step in await engine.look(lambda ledger: list(list_queued(ledger, asked)))
        if (step.source, step.line) not in known
    ]
    for id in dict.fromkeys((asked.id, "")) if asked.id is not None else ("",):
        for log, line, at in applied.find((asked.input_id, id or "")):
            steps.append(
                Step(labels.get(log, ""), line, "applied", id=id or None, applied_at=rfc3339(at))
            )
    steps += await anyio.to_thread.run_sync(lambda: list(list_dead(state, asked)))
    return in_order(steps)


async def list_retries(engine: Push, most: int) -> list[Step]:
    """Return the changes that are tried again next."""
    labels = await _labels(engine)
    entries = engine.backlog.waiting.list_next(most)
    return [_step_of(Live(entry, None, False), engine, labels) for entry in entries]


async def _labels(engine: Push) -> dict[int, str]:
    return await engine.look(
        lambda ledger: {number: log.identity.label for number, log in ledger.logs.items()}
    )


def _step_of(live: Live, engine: Push, labels: dict[int, str]) -> Step:
    entry, before, turns = live.entry, live.before, engine.turns
    change = entry.change
    state: StepState = "in_flight" if live.is_sent else "waiting"
    reason, next_at = "", None
    if not live.is_sent and before is None:
        left_seconds = turns.pause_seconds()
        due = max(entry.due if entry.number else 0.0, turns.now() + left_seconds)
        if entry.number:
            state, reason = "retrying", entry.reason
        if left_seconds or entry.number:
            reason = reason or turns.destination.reason
            next_at = rfc3339(due + turns.now.ahead_seconds())
    elif entry.attempts:
        reason = entry.reason
    return Step(
        labels[change.log],
        change.line,
        state,
        change.op,
        change.id or None,
        behind=None if before is None else Place(labels[before.change.log], before.change.line),
        attempts=entry.attempts,
        next_at=next_at,
        reason=reason,
    )
