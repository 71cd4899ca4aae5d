"""The seams of a push: what a source, a remote, a journal and a record of what was
created are to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from syncer.core.change import Change, Chunk, Key, Mark, Verb
from syncer.core.facts import Fact
from syncer.core.ledger import Ledger
from syncer.core.outcome import Failed, Halt, Refused, Throttled, Verdict
from syncer.core.ports.wire import NoReply, Reply, Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The answer of a look-up by pairs to each change asked for, in order: its
    annotation's JSON value, None where absent.
    """

    annotations: list[dict[str, object] | None]


@dataclass(frozen=True, slots=True)
class InputStates:
    """The answer of a look-up of inputs: the ids of those that the remote is still
    processing, and of those that are ready.
    """

    processing: frozenset[str]
    ready: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list of annotations: the (input_id, id) of each that a delete of its
    whole input deletes; `rows` are all of the page.
    """

    keys: list[Key]
    rows: int


LookUpFailure = Failed | Throttled | Refused | Halt


class Remote(Protocol):
    """A pure codec: batches to requests, replies to verdicts.

    It never sees the network.
    """

    def encode(self, verb: Verb, changes: Sequence[Change]) -> Request:
        """The request for this batch: one verb, at most 128 changes, no key twice."""
        ...

    def decode(self, verb: Verb, changes: Sequence[Change], reply: Reply | NoReply) -> Verdict:
        """Return what the reply says of each change, joined by id, never by
        position.
        """
        ...

    def look_up_size(self, changes: Sequence[Change]) -> int:
        """Return how many of the first of these changes one look-up may ask for (at
        least 1: URL under 4,000 bytes).
        """
        ...

    def look_up(self, changes: Sequence[Change]) -> Request:
        """The request that reads these changes' annotations back, by (input_id, id)."""
        ...

    def found(self, changes: Sequence[Change], reply: Reply | NoReply) -> LookedUp | LookUpFailure:
        """Return what the look-up's reply holds for each change."""
        ...

    def same(self, change: Change, annotation: dict[str, object]) -> bool:
        """Whether everything that the post or patch asks for is there, with equal
        values.
        """
        ...

    def digest(self, annotation: dict[str, object]) -> str:
        """The digest of an annotation as a look-up shows it: the same for as long as
        nobody changes it.
        """
        ...

    def inputs_look_up(self, input_ids: Sequence[str]) -> Request:
        """The request that asks for the status of these inputs (at most `look_up_size`
        of them).
        """
        ...

    def inputs_found(
        self, input_ids: Sequence[str], reply: Reply | NoReply
    ) -> InputStates | LookUpFailure:
        """Return which of the inputs are still being processed, and which are ready."""
        ...

    def inputs_list(self, input_ids: Sequence[str], page: int) -> Request:
        """The request that lists all annotations of these inputs (at most
        `look_up_size` of them), page by page from 1.
        """
        ...

    def inputs_listed(
        self, input_ids: Sequence[str], reply: Reply | NoReply
    ) -> Listed | LookUpFailure:
        """Return what a page of that list holds; a page without rows comes after the
        last one.
        """
        ...


class Source(Protocol):
    """A sequence of changes that can be read again from any mark, and that may never
    end.

    One task reads and waits; another may acknowledge at the same time.
    """

    @property
    def label(self) -> str:
        """The name of the source, for people."""
        ...

    @property
    def ended(self) -> bool:
        """Whether nothing will ever follow what was read."""
        ...

    async def read(self) -> Chunk | None:
        """Return the next chunk; None where there is nothing more now.

        Raises LogChanged, BadLineFound (strict), SyncerError. A source that failed can
        be read on: the next call goes on after the last chunk that was given, and
        fails again while the reason stands.
        """
        ...

    async def wait(self) -> None:
        """Return once there may be more to read, after `read` gave None and the source
        has not `ended`. It may return too early, and never raises SyncerError.
        """
        ...

    async def ack(self, log: int, mark: Mark) -> None:
        """Take note that everything before this mark of this log is settled, durably.

        The same mark may come twice, also after a restart. Raises SyncerError; the
        mark may come again then.
        """
        ...

    async def close(self) -> None:
        """Let go of what is open. It may come twice, and after any failure."""
        ...


class Journal(Protocol):
    """The place where settlements become durable, in order."""

    @property
    def ledger(self) -> Ledger:
        """The sum of all that is durable; one object for as long as it is open."""
        ...

    def commit(self, facts: Sequence[Fact]) -> None:
        """Write the facts as one unit and fsync.

        Blocking: call it from a thread. Raises StateError.
        """
        ...

    def read_queued(self, number: int) -> Change:
        """The change that was queued under this number, read back from disk.

        Raises StateError.
        """
        ...


class Committer(Protocol):
    """The only writer of a state, as those see it who find out what is to be written
    while a push is on.
    """

    async def look(self, see: Callable[[Ledger], T]) -> T:
        """Return what is seen of the ledger while nobody writes to it."""
        ...

    async def note(self, facts: Sequence[Fact]) -> None:
        """Return once these facts are durable, after all that was read before.

        Raises StateError; that ends the push.
        """
        ...


class Created(Protocol):
    """The annotations that this state may have created.

    It may say yes to others now and then, but never no to one that was added.
    """

    def add(self, keys: Iterable[Key]) -> None:
        """Remember these (input_id, id)."""
        ...

    def __contains__(self, key: Key, /) -> bool: ...
