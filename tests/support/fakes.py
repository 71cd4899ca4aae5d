"""The ports of the engine, made of memory: a service with its codec, a journal, a
source. The contract suites run on them, too.

They are told what to do by tests and keep what was done to them. Nothing of HTTP, JSON
or disks is in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import anyio
import anyio.lowlevel
import orjson

from syncer.core.change import Change, Chunk, Key, Mark, Verb
from syncer.core.facts import Fact, Queued
from syncer.core.ledger import Ledger
from syncer.core.outcome import (
    APPLIED,
    AllApplied,
    Answered,
    Exists,
    Failed,
    Missing,
    Outcome,
    Throttled,
    Verdict,
)
from syncer.core.ports.push import InputStates, Listed, LookedUp, LookUpFailure
from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.core.watermark import Watermark
from syncer.errors import StateError, SyncerError
from syncer.sources.chunks import LineSorter
from syncer.sources.lines import LineOptions, parse

LOST = NoReply("no complete answer in time", sent=True)
"""Played as a part: the service does what it is asked to do, and its answer gets lost.
"""
UNREACHED = NoReply("no connection", sent=False)

LOOK_UP, INPUTS, LIST, OTHER = "look-up", "inputs", "list", "other"
"""Kinds of questions, beside the verbs.
Other ones are those that its codec has not made.
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An answer that asks to wait, as transports see it: by its header."""

    what: Verdict | LookUpFailure
    retry_after: str | None


def busy(seconds: float | None = None) -> Waiting:
    """A throttle that asks to wait for so long, or names no time."""
    return Waiting(Throttled("busy"), None if seconds is None else str(seconds))


Part = Verdict | LookUpFailure | NoReply | Reply | Waiting
Play = Part | Callable[[Sequence[Change]], Part | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it reached the service."""

    at: float
    """Seconds of the event loop's clock."""
    kind: str
    """A verb, or what is asked."""
    keys: tuple[Key, ...]


@dataclass
class _Parts:
    """What the service plays to one kind of question instead of its own answer."""

    next: deque[Play] = field(default_factory=deque)
    always: Play | None = None


class Service:
    """A remote, and its codec: implements `Transport` and `Remote`. It holds
    annotations, and answers as a good service does.

    Unless it is to play something else: `plays`, `always`, `hold`.
    """

    def __init__(self, *, latency_seconds: float = 0.05, look_up_size: int = 128) -> None:
        self.latency_seconds = latency_seconds
        self.held: dict[Key, object] = {}
        """What an annotation holds, by key."""
        self.processing: set[str] = set()
        """Inputs that are not ready yet."""
        self.unknown: set[str] = set()
        """Inputs that are not there; all others are, and ready."""
        self.page_rows = 1000
        self.asked: list[Asked] = []
        self.applied: list[tuple[float, Verb, Key]] = []
        """Changes that took effect, in order."""
        self.under_way = 0
        self.most_under_way = 0
        self._look_up_size = look_up_size
        self._parts: dict[str, _Parts] = {}
        self._gates: dict[str, anyio.Event] = {}
        self._told: list[object] = []
        self._requests: dict[str, tuple[str, Sequence[Change], int]] = {}

    # --- what tests say ---------------------------------------------------------------

    def plays(self, kind: str, *parts: Play) -> None:
        """The next answers to this kind of question are these, one after the other, and
        nothing is applied.
        """
        self._parts.setdefault(kind, _Parts()).next.extend(parts)

    def always(self, kind: str, part: Play | None) -> None:
        """So is every answer to this kind of question from now on.

        None: as a good service.
        """
        self._parts.setdefault(kind, _Parts()).always = part

    def hold(self, kind: str) -> Callable[[], None]:
        """Answer no such question until what this returns is called."""
        gate = self._gates[kind] = anyio.Event()
        return gate.set

    def kinds(self) -> list[str]:
        """Of all that was asked, in order."""
        return [asked.kind for asked in self.asked]

    def of(self, kind: str) -> list[Asked]:
        """What was asked of this kind."""
        return [asked for asked in self.asked if asked.kind == kind]

    # --- transport --------------------------------------------------------------------

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        """Carry a request out, and answer it after a while."""
        kind, changes, page = self._requests.get(request.path, (OTHER, (), 1))
        self.asked.append(
            Asked(anyio.current_time(), kind, tuple(change.key for change in changes))
        )
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if kind in self._gates:
                await self._gates[kind].wait()
            await anyio.sleep(self.latency_seconds)
            part = self._part(kind, changes)
            if part is LOST:
                self._answer(kind, changes, page)
            if part is None:
                part = self._answer(kind, changes, page)
        finally:
            self.under_way -= 1
        if isinstance(part, NoReply | Reply):
            return part
        retry_after = part.retry_after if isinstance(part, Waiting) else None
        self._told.append(part.what if isinstance(part, Waiting) else part)
        status = (
            429
            if isinstance(self._told[-1], Throttled)
            else 500
            if isinstance(self._told[-1], Failed)
            else 200
        )
        return Reply(status, str(len(self._told) - 1).encode(), retry_after)

    def _part(self, kind: str, changes: Sequence[Change]) -> Part | None:
        parts = self._parts.get(kind)
        if parts is None:
            return None
        play = parts.next.popleft() if parts.next else parts.always
        return play(changes) if callable(play) else play

    def _answer(self, kind: str, changes: Sequence[Change], page: int) -> object:
        if kind == LOOK_UP:
            return LookedUp([self._row(change.key) for change in changes])
        if kind == INPUTS:
            ids = {change.input_id for change in changes} - self.unknown
            return InputStates(frozenset(ids & self.processing), frozenset(ids - self.processing))
        if kind == LIST:
            rows = [
                key
                for key in sorted(self.held)
                if key[0] in {change.input_id for change in changes}
            ]
            rows = rows[(page - 1) * self.page_rows : page * self.page_rows]
            return Listed(rows, len(rows))
        outcomes = [self._apply(kind, change) for change in changes]
        return (
            AllApplied() if all(outcome is APPLIED for outcome in outcomes) else Answered(outcomes)
        )

    def _row(self, key: Key) -> dict[str, object] | None:
        return (
            {"input_id": key[0], "id": key[1], "data": self.held[key]} if key in self.held else None
        )

    def _apply(self, verb: str, change: Change) -> Outcome:
        key = change.key
        if (
            verb != "delete"
            and verb != "delete_input"
            and change.input_id in self.unknown | self.processing
        ):
            return Missing("no such input", 1)
        if verb == "post" and key in self.held:
            return Exists("duplicate", 2)
        if verb in ("merge", "overwrite", "remove") and key not in self.held:
            return Missing("no such annotation", 3)
        if verb == "delete_input":
            for gone in [held for held in self.held if held[0] == change.input_id]:
                del self.held[gone]
        elif verb == "delete":
            self.held.pop(key, None)
        else:
            self.held[key] = _data(change)
        self.applied.append((anyio.current_time(), change.verb, key))
        return APPLIED

    # --- codec ------------------------------------------------------------------------

    def encode(self, verb: Verb, changes: Sequence[Change]) -> Request:
        """A request that carries the batch."""
        assert changes, "an empty batch"
        assert len({change.key for change in changes}) == len(changes), (
            "an annotation twice in a batch"
        )
        assert verb in ("delete", "delete_input") or all(change.body for change in changes), (
            "a change without its body"
        )
        return self._request(verb, changes)

    def decode(self, verb: Verb, changes: Sequence[Change], reply: Reply | NoReply) -> Verdict:
        """What was told to it."""
        return self._read(reply)

    def look_up_size(self, changes: Sequence[Change]) -> int:
        """As it was made."""
        return min(self._look_up_size, len(changes))

    def look_up(self, changes: Sequence[Change]) -> Request:
        """A question for annotations."""
        return self._request(LOOK_UP, changes)

    def found(self, changes: Sequence[Change], reply: Reply | NoReply) -> LookedUp | LookUpFailure:
        """What was told to it."""
        return self._read(reply)

    def same(self, change: Change, annotation: dict[str, object]) -> bool:
        """Is exactly this held?"""
        return annotation["data"] == _data(change)

    def digest(self, annotation: dict[str, object]) -> str:
        """Of what it holds."""
        return digest_of(annotation["data"])

    def inputs_look_up(self, input_ids: Sequence[str]) -> Request:
        """A question for inputs."""
        return self._request(INPUTS, _inputs(input_ids))

    def inputs_found(
        self, input_ids: Sequence[str], reply: Reply | NoReply
    ) -> InputStates | LookUpFailure:
        """What was told to it."""
        return self._read(reply)

    def inputs_list(self, input_ids: Sequence[str], page: int) -> Request:
        """A question for a page of all annotations of inputs."""
        return self._request(LIST, _inputs(input_ids), page)

    def inputs_listed(
        self, input_ids: Sequence[str], reply: Reply | NoReply
    ) -> Listed | LookUpFailure:
        """What was told to it."""
        return self._read(reply)

    def _request(self, kind: str, changes: Sequence[Change], page: int = 1) -> Request:
        path = f"/{kind}/{len(self._requests)}"
        self._requests[path] = kind, list(changes), page
        return Request(
            "POST"
            if kind in ("post", "merge", "overwrite", "remove", "delete", "delete_input")
            else "GET",
            path,
        )

    def _read(self, reply: Reply | NoReply) -> object:
        if isinstance(reply, NoReply):
            return Failed(reply.reason, in_doubt=reply.sent, unreachable=not reply.sent)
        return self._told[int(reply.body)]


def digest_of(held: object) -> str:
    """The digest of an annotation that holds this."""
    return blake2b(orjson.dumps(held), digest_size=16).hexdigest()


def _data(change: Change) -> object:
    return orjson.loads(change.body).get("data")


def _inputs(input_ids: Sequence[str]) -> list[Change]:
    return [Change(0, 0, 0, "delete_input", input_id, "", b"") for input_id in input_ids]


class MemoryJournal:
    """Facts, folded into a ledger as soon as they are committed.

    Implements `Journal`; it outlives the processes of a test.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.commits: list[list[Fact]] = []
        self.told: Callable[[Sequence[Fact]], None] = lambda _: None
        """Called with the facts of a commit, right before they are durable."""
        self.fails: SyncerError | None = None
        self._bodies: dict[int, Queued] = {}

    def commit(self, facts: Sequence[Fact]) -> None:
        """All of them, or none."""
        assert facts, "an empty commit"
        self.told(facts)
        if self.fails is not None:
            raise self.fails
        self.commits.append(list(facts))
        for fact in facts:
            self.ledger.apply(fact)
            if isinstance(fact, Queued):
                self._bodies[fact.number] = fact

    def read_queued(self, number: int) -> Change:
        """The change of that number with its body."""
        if number not in self.ledger.queue:
            raise StateError(f"no change {number} waits")
        return self._bodies[number].change()

    def close(self) -> None:
        """Nothing to let go of."""

    def facts(self, *types: type[Fact]) -> list[Fact]:
        """All of these types, in the order in which they were committed."""
        return [fact for facts in self.commits for fact in facts if isinstance(fact, types)]


class Script:
    """Lines of one log, so many a chunk.

    Implements `Source`; `before` is awaited before each chunk is handed over.
    """

    label = "log.jsonl"

    def __init__(
        self,
        log: int,
        lines: Sequence[bytes],
        *,
        chunk_lines: int = 1000,
        watermark: Watermark | None = None,
        strict: bool = False,
        before: Callable[[int], Awaitable[None]] | None = None,
        error: SyncerError | None = None,
        columns: bool = True,
    ) -> None:
        """`error`: how it ends, if not well. `columns`: whether it gives plain posts
        side by side, where all of a chunk are such.
        """
        watermark = watermark or Watermark()
        self.acked: list[tuple[float, Mark]] = []
        self.told: Callable[[Mark], None] = lambda _: None
        """Called with each mark that is acknowledged."""
        self.handed_over = 0
        """Lines."""
        self.grows = False
        """Whether it never ends: lines may be added."""
        self.fails_next: SyncerError | None = None
        """What the next read raises."""
        self._log = log
        self._lines = list(lines)
        self._chunk_lines = chunk_lines
        self._at = watermark.resume.index
        self._before = before
        self._error = error
        self._columns = columns
        self._sorter = LineSorter(
            log,
            self.label,
            LineOptions(),
            parse,
            watermark=watermark,
            strict=strict,
            salt=b"salt",
        )
        self._more = anyio.Event()

    def add(self, *lines: bytes) -> None:
        """Let these lines follow."""
        self._lines += lines
        self._more.set()
        self._more = anyio.Event()

    async def read(self) -> Chunk | None:
        """The next chunk, as if from a file of lines of ten bytes each."""
        await anyio.lowlevel.checkpoint()
        if (error := self.fails_next or self._sorter.stopped) is not None:
            self.fails_next = None
            raise error
        if self._at >= len(self._lines):
            if self._error is not None:
                raise self._error
            return None
        if self._before is not None:
            await self._before(self._at)
        end = min(self._at + self._chunk_lines, len(self._lines))
        before, after = _mark(self._at), _mark(end)
        lines = b"".join([line + b"\n" for line in self._lines[self._at : end]])
        if self._columns and (posts := self._sorter.sort_posts(lines, before)) is not None:
            chunk = Chunk(self._log, posts, [], [], after)
        else:
            raws = [(self._lines[at], at + 1, at * 10) for at in range(self._at, end)]
            chunk = self._sorter.sort(raws, before, after)
        self._at = chunk.end.index
        self.handed_over = self._at
        return chunk

    @property
    def ended(self) -> bool:
        """Whether it was read to its end, which is a good one."""
        return self._at >= len(self._lines) and self._error is None and not self.grows

    async def wait(self) -> None:
        """Until lines are added, where it grows."""
        if self.grows and self._at >= len(self._lines):
            await self._more.wait()

    async def close(self) -> None:
        """Nothing to let go of."""

    async def ack(self, log: int, mark: Mark) -> None:
        """Everything before this mark is settled."""
        assert log == self._log
        self.told(mark)
        self.acked.append((anyio.current_time(), mark))


def _mark(index: int) -> Mark:
    return Mark(index, index * 10, index)
