"""A lane checks itself: some of what it applied is looked up again, much later, and
must be there as it was asked for.

    applied ──► a sample by chance ──► from time to time beside the remote
                      ▲                        │
                      └── a later change ◄─────┘ what differs is looked at again
                          takes it out           before it counts: reads may lag

What differs was changed by somebody else, or lost.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import msgspec
from aiolimiter import AsyncLimiter

from syncer.core.batch import Settlement
from syncer.core.change import READ_BACK, Change, Chunk, Key
from syncer.core.ports.push import Remote
from syncer.engine.push import Push
from syncer.engine.turns import NoTurn
from syncer.errors import SyncerError, first_error

SAMPLE_MAX = 500
"""Annotations that are looked up again."""
SAMPLE_BYTES_MAX = 8 << 20
LOOKS_MAX = 3
"""What differs as often is drift: a read may show an older state once or twice."""
AGAIN_SECONDS = 60.0
"""Between these looks."""
FIRST_SECONDS = 3600.0
"""Until the first check at the latest: some daemons are started again each day."""
BATCH = 100
REQUEST_SECONDS = 5.0
"""One look-up in so many seconds, at most."""
NAMED_MAX = 3

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Change).decode
_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class DriftFound:
    """The outcome of the last check."""

    checked_at: float | None = None
    """Seconds since 1970; None: there was none yet."""
    checked: int = 0
    drifted: tuple[Key, ...] = ()
    sample: int = 0
    """Annotations in the sample now."""

    def sentence(self) -> str:
        """Return it for people."""
        named = ", ".join(f"{input_id}/{id}" for input_id, id in self.drifted[:NAMED_MAX])
        more = len(self.drifted) - NAMED_MAX
        others = f" and {more} more" if more > 0 else ""
        return (
            f"{len(self.drifted)} of {self.checked} annotations that were looked up again are not"
            f" as they were asked for: {named}{others}. Somebody else changed them, or they are"
            " lost"
        )


NO_DRIFT = DriftFound()


class DriftCheck:
    """The sample of one lane, and its checks. Implements `Trail`."""

    def __init__(self, chance: random.Random) -> None:
        self.every_seconds = 0.0
        """Between checks; 0: never."""
        self._last_at = time.monotonic()
        """When the last check began; before the first one, this."""
        self._wait_seconds_max = FIRST_SECONDS
        """Until the next one, however seldom they are wanted."""
        self._chance = chance
        self._kept: dict[int, bytes] = {}
        """By the hash of its key, a change behind the hash of its input. In one piece:
        what is replaced by chance for months leaves holes in memory.
        """
        self._bytes = 0
        self._applied = 0
        self._last = DriftFound()

    @property
    def found(self) -> DriftFound:
        """The outcome of the last check, and the size of the sample."""
        last = self._last
        left = tuple(key for key in last.drifted if hash(key) in self._kept)
        return DriftFound(last.checked_at, last.checked, left, len(self._kept))

    # --- the sample -------------------------------------------------------------------

    def note_read(self, source: str, chunk: Chunk, now: float) -> None:
        """A later change of an annotation takes it out."""
        if not self._kept:
            return
        for change in chunk.changes:
            if change.verb == "delete_input":
                self._empty(change.input_id)
            elif (number := hash(change.key)) in self._kept:
                self._take_out(number)

    def note_sent(self, changes: Sequence[Change], now: float) -> None:
        """Do nothing."""

    def note_settled(self, settlement: Settlement, now: float) -> None:
        """Keep some of what was applied, each as likely as any other. What waited in
        the retry queue has no body any more, so it is not among them.
        """
        if not self.every_seconds:
            return
        followed = {entry.change.key for entry in settlement.list_ended() if entry.after}
        for change, _ in settlement.list_applied():
            self._applied += 1
            if change.verb == "delete_input":
                self._empty(change.input_id)
            self._take_out(hash(change.key))  # also where a dead letter came back after it
            if not change.raw or not change.id or change.key in followed:
                continue
            if len(self._kept) >= SAMPLE_MAX:
                if self._chance.random() * self._applied >= SAMPLE_MAX:
                    continue
                self._take_out(self._chance.choice(list(self._kept)))
            self._keep(change)

    def _keep(self, change: Change) -> None:
        piece = _hash_input(change.input_id) + _encode(change)
        while self._kept and self._bytes + len(piece) > SAMPLE_BYTES_MAX:
            self._take_out(next(iter(self._kept)))
        if len(piece) <= SAMPLE_BYTES_MAX:
            self._kept[hash(change.key)] = piece
            self._bytes += len(piece)

    def _empty(self, input_id: str) -> None:
        begins = _hash_input(input_id)
        for number in [n for n, piece in self._kept.items() if piece.startswith(begins)]:
            self._take_out(number)

    def _take_out(self, number: int) -> None:
        if (piece := self._kept.pop(number, None)) is not None:
            self._bytes -= len(piece)

    # --- the check --------------------------------------------------------------------

    @asynccontextmanager
    async def checking(self, engine: Push, remote: Remote) -> AsyncIterator[None]:
        """Check from time to time while the block lasts."""
        try:
            async with anyio.create_task_group() as tasks:
                if self.every_seconds:
                    tasks.start_soon(self._check_on, engine, remote)
                yield
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    async def _check_on(self, engine: Push, remote: Remote) -> None:
        bucket = AsyncLimiter(1, REQUEST_SECONDS)
        while True:
            due_at = self._last_at + min(self.every_seconds, self._wait_seconds_max)
            await anyio.sleep(max(0.0, due_at - time.monotonic()))
            self._last_at = time.monotonic()
            try:
                self._last = await self._check(engine, remote, bucket)
                self._wait_seconds_max = math.inf
            except (NoTurn, SyncerError):  # the lane says what is the matter
                self._wait_seconds_max = AGAIN_SECONDS

    async def _check(self, engine: Push, remote: Remote, bucket: AsyncLimiter) -> DriftFound:
        """Return the outcome of a check. Raises NoTurn, SyncerError."""
        suspects = list(self._kept.items())
        checked = len(suspects)
        for look in range(LOOKS_MAX):
            if look and suspects:
                await anyio.sleep(AGAIN_SECONDS)
            suspects = await self._find_differing(self._keeping(suspects), engine, remote, bucket)
        drifted = (_change_in(piece).key for _, piece in self._keeping(suspects))
        return DriftFound(time.time(), checked, tuple(drifted))

    def _keeping(self, pieces: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Those that no later change took out."""
        return [(number, piece) for number, piece in pieces if self._kept.get(number) is piece]

    async def _find_differing(
        self,
        pieces: list[tuple[int, bytes]],
        engine: Push,
        remote: Remote,
        bucket: AsyncLimiter,
    ) -> list[tuple[int, bytes]]:
        """Return what is not as it was asked for. Raises NoTurn; SyncerError where the
        remote does not answer: then nothing is known of what was not answered.
        """
        differing = list[tuple[int, bytes]]()
        for at in range(0, len(pieces), BATCH):
            part = pieces[at : at + BATCH]
            changes = [_change_in(piece) for _, piece in part]
            await bucket.acquire()
            answer = await engine.look_up(changes)
            if answer.failure is not None:
                raise SyncerError(str(answer.failure))
            held = [one for found in answer.answers for one in found.annotations]
            differing += [
                one
                for one, change, annotation in zip(part, changes, held, strict=True)
                if not _is_as_asked(change, annotation, remote)
            ]
        return differing


def _is_as_asked(change: Change, held: dict[str, object] | None, remote: Remote) -> bool:
    if change.verb not in READ_BACK:
        return held is None
    return held is not None and remote.same(change, held)


def _hash_input(input_id: str) -> bytes:
    return hash(input_id).to_bytes(_HASH_BYTES, "big", signed=True)


def _change_in(piece: bytes) -> Change:
    return _decode(memoryview(piece)[_HASH_BYTES:])
