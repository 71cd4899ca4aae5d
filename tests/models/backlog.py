"""The real backlog, ledger, watermark and retry queue beside `plain.Plain`: every call
that an engine makes, in any order, with crashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Literal, get_args

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from syncer.core.backlog import Backlog
from syncer.core.batch import Batch, Settlement
from syncer.core.change import Change, LogIdentity, Mark, Verb
from syncer.core.columns import POST_HEADS
from syncer.core.entry import Entry, make_entry
from syncer.core.facts import (
    Closed,
    DeadFact,
    DeadLetter,
    Fact,
    Opened,
    Queued,
    Read,
    Requeued,
    Superseded,
)
from syncer.core.ledger import Ledger
from syncer.core.letters import OpenLetter
from syncer.core.limits import Limits
from syncer.core.retry import RetryQueue
from syncer.core.settle import facts_of, letter_of_entry
from syncer.core.watermark import Skip
from tests.models.plain import Known, Plain
from tests.support.columns import side_by_side

DELETES = ("delete", "delete_input")
BATCH_MAX = 4
IN_FLIGHT_MAX = 3
RUN_MIN = 8
"""Steps of a run before it may crash: else few come far."""
LOG = 1

Row = tuple[Verb, str, str, int]
"""(verb, input_id, id, bytes of its line)."""
Said = Literal["applied", "rejected", "named", "doubted", "omitted", "unread"]
"""What an answer says of one change; unread: it could not be read back what has become
of it.
"""

Verdict = Literal[
    "all applied", "item by item", "refused", "too large", "throttled", "failed", "in doubt", "cut"
]

rows: st.SearchStrategy[Row] = st.tuples(
    st.sampled_from(
        ["post"] * 5 + ["merge"] * 3 + ["overwrite", "remove", "delete", "delete_input"]
    ),
    st.sampled_from(["i", "i", "j"]),
    st.sampled_from("abcde"),
    st.sampled_from([20, 20, 20, 60, 140, 400]),
)
seconds = st.sampled_from([0.01, 0.2, 1.0, 7.0])
Answer = tuple[int, Verdict, Sequence[Said], float]
"""(which of the requests under way, what comes of it, of each of its changes, seconds
until what failed may go again).
"""
answers: st.SearchStrategy[Answer] = st.tuples(
    st.integers(0, IN_FLIGHT_MAX - 1),
    st.sampled_from(get_args(Verdict)),
    st.lists(st.sampled_from(["applied", *get_args(Said)]), min_size=BATCH_MAX, max_size=BATCH_MAX),
    seconds,
)


class BacklogMachine(RuleBasedStateMachine):
    """One push over any number of runs.

    The log grows by `offer`; what a run knows is gone at a `crash`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits()
        self.plain = Plain(self.limits)
        self.ledger = Ledger()
        self.ledger.apply(Opened(LOG, LogIdentity("/log", "log", "", 0, 0, 0, 0)))
        self.bodies: dict[int, Queued] = {}
        self.letters: list[DeadLetter] = []
        self.closed: set[int] = set()
        self.now = 1.0

    def _start(self) -> None:
        """A new process: the queue of the ledger, then the log from where reading is to
        be taken up.
        """
        self.backlog = Backlog(self.limits, self.ledger.next_number)
        self.in_flight: list[Batch] = []
        self.age = 0
        self.lines: list[Fact] = []
        self.collected: tuple[Settlement, list[Fact]] | None = None
        self.succeeded_at = self.paused_until = 0.0
        for known in self.plain.all:
            known.forget()
        for queued in self.ledger.queue.values():
            known = self.plain.all[queued.index]
            known.attempts, known.doubt = queued.attempts, queued.doubt
        self.backlog.restore(self.ledger.queue.values(), self.now)
        mark = self.ledger.logs[LOG].watermark
        skip = Skip(mark.runs())
        self.unread = [
            known.change
            for known in self.plain.all[mark.resume.index :]
            if known.change.index not in skip
        ]

    # --- reading and sending ----------------------------------------------------------

    @initialize(
        rows=st.lists(rows, min_size=4, max_size=16),
        batch_size=st.sampled_from([2, BATCH_MAX]),
        max_attempts=st.integers(2, 4),
    )
    def begin(self, rows: Sequence[Row], batch_size: int, max_attempts: int) -> None:
        """A log to start with, and limits that are soon reached."""
        self.limits = self.plain.limits = Limits(
            batch_size=batch_size,
            batch_bytes_max=420,
            window_max=10,
            window_bytes_max=2000,
            queue_max=12,
            linger_seconds=0.2,
            max_attempts=max_attempts,
        )
        self._start()
        self.grow(rows)

    @precondition(lambda self: len(self.unread) < 8)
    @rule(rows=st.lists(rows, min_size=1, max_size=8))
    def grow(self, rows: Sequence[Row]) -> None:
        """The log has more lines."""
        for verb, input_id, id, size in rows:
            index = len(self.plain.all)
            head = POST_HEADS[0]
            raw = head + b"%d " % index + b"x" * size + b"}"
            written = raw[: size // 2] if size == 60 else None
            change = Change(
                LOG,
                index,
                index + 1,
                verb,
                input_id,
                "" if verb == "delete_input" else id,
                raw,
                len(head),
                -1,
                written=written,
            )
            self.plain.all.append(Known(change))
            self.unread.append(change)

    @rule(seconds=seconds, chunks=st.integers(0, 3), requests=st.integers(0, IN_FLIGHT_MAX))
    def go_on(self, seconds: float, chunks: int, requests: int) -> None:
        """Time passes, some of the log is read, and what may go goes."""
        self.now += seconds
        self.age += 1
        for _ in range(chunks):
            self._read(4)
        for _ in range(requests):
            if len(self.in_flight) < IN_FLIGHT_MAX and self.now >= self.paused_until:
                self._take()

    def _read(self, count: int) -> None:
        """A chunk is read, where there is room."""
        if self.unread and self.backlog.room():
            chunk, self.unread = self.unread[:count], self.unread[count:]
            plain = 0
            while plain < len(chunk) and _follows(chunk[: plain + 1]):
                plain += 1
            if plain:
                self.backlog.offer(side_by_side(chunk[:plain]), self.now)
            self.backlog.offer(chunk[plain:], self.now)
            end = chunk[-1].index + 1
            self.lines.append(Read(LOG, Mark(end, end * 10, end)))
        self.backlog.source_ended = not self.unread

    def _take(self) -> None:
        """The next batch, if any."""
        self.backlog.ripen(self.now, self.succeeded_at)
        self.plain.ripened(self.now, self.succeeded_at)
        expected = self.backlog.has_batch(self.now)
        batch = self.backlog.take(self.now)
        assert (batch is not None) == expected
        if batch is None:
            wake_at = self.backlog.wake_at(self.now)
            assert wake_at is None or wake_at > self.now
            return
        shown = _with_entries(batch)
        self.plain.taken(shown)
        for entry in shown.entries:
            self._has_its_body(entry)
        self.in_flight.append(batch)

    def _has_its_body(self, entry: Entry) -> None:
        """With it, or on disk."""
        change = entry.change if entry.change.raw else self.bodies[entry.number].change()
        original = self.plain.of(entry).change
        assert (change.raw, change.body) == (original.raw, original.body)

    # --- answers ----------------------------------------------------------------------

    @precondition(lambda self: self.in_flight)
    @rule(answers=st.lists(answers, min_size=1, max_size=IN_FLIGHT_MAX))
    def answer(self, answers: Sequence[Answer]) -> None:
        """Requests under way are answered, or fail."""
        for answer in answers:
            if self.in_flight:
                self._answer(*answer)

    def _answer(self, number: int, verdict: Verdict, said: Sequence[Said], later: float) -> None:
        batch = self.in_flight.pop(number % len(self.in_flight))
        self.backlog.over(batch)
        if verdict not in ("all applied", "throttled"):
            self.backlog.unfold(batch)
        if verdict in ("all applied", "item by item", "refused", "too large"):
            self.succeeded_at = self.now
        if batch.look_up != "no":
            self._looked_up(batch, verdict, said, self.now + later)
            return
        if verdict in ("all applied", "item by item", "refused"):
            self.backlog.passed(batch)
        match verdict:
            case "all applied":
                self.backlog.all_applied(batch)
                for entry in _with_entries(batch).entries:
                    self.plain.end(self.plain.of(entry), "applied")
            case "item by item":
                for entry, what in zip(batch.entries, said, strict=False):
                    self._told(entry, what, self.now + later)
            case "refused" | "too large" if len(batch.entries) == 1:
                self._told(batch.entries[0], "rejected", self.now)
            case "refused":
                self.plain.not_sent(batch)
                self.backlog.halve(batch)
            case "too large":
                self.plain.not_sent(batch)
                self.backlog.too_large(batch, self.now)
            case "throttled":
                self.paused_until = self.now + later
                self.plain.not_sent(_with_entries(batch))
                self.backlog.again(batch)
            case "failed" | "in doubt" | "cut":
                doubt, cut = verdict != "failed", verdict == "cut"
                self.backlog.failed(
                    batch.entries,
                    "HTTP 500",
                    None,
                    self.now,
                    self.now + later,
                    doubt=doubt,
                    cut=cut,
                )
                crowded = {entry.crowded for entry in batch.entries}
                assert crowded == {False} or (
                    crowded == {True}
                    and cut
                    and len(batch.entries) > 1
                    and batch.verb not in DELETES
                )
                self.plain.failed(batch, self.now, doubt=doubt, crowded=crowded == {True})

    def _looked_up(self, batch: Batch, verdict: Verdict, said: Sequence[Said], due: float) -> None:
        """What the remote holds is told, or only that it answers; or the look-up fails,
        perhaps when a part was read.
        """
        for entry, what in zip(batch.entries, said, strict=False):
            if verdict in ("throttled", "failed", "in doubt", "cut") or what == "unread":
                self._told(entry, "unread", due)
            elif batch.look_up == "probe" or what not in ("applied", "rejected"):
                self.backlog.looked_up(entry, self.now)
                self.plain.looked_up(self.plain.of(entry))
            else:
                self._told(entry, what, due)

    def _told(self, entry: Entry, said: Said, due: float) -> None:
        backlog, plain, known, now = self.backlog, self.plain, self.plain.of(entry), self.now
        match said:
            case "applied":
                backlog.applied((entry,))
                plain.end(known, "applied")
            case "rejected":
                backlog.rejected(entry, "never", 1, now)
                plain.rejected(known)
            case "unread":
                backlog.unsettled((entry,), "?", None, now, due)
                plain.unsettled(known, now)
            case "named" | "doubted" | "omitted":
                doubt, omitted = said != "named", said == "omitted"
                backlog.retriable(entry, said, None, now, due, doubt=doubt, omitted=omitted)
                plain.named(known, now, doubt=doubt, omitted=omitted)

    # --- the disk ---------------------------------------------------------------------

    @rule(synced=st.booleans())
    def commit(self, synced: bool) -> None:
        """The committer takes what became true, and writes.

        Not synced yet: nothing may be built on it.
        """
        if self.collected is None:
            self._collect()
        if synced:
            self._synced()

    def _collect(self) -> None:
        settlement, lines = self.backlog.collect(), self.lines
        self.lines = []
        letters = [letter_of_entry(entry, self._line(entry), "log") for entry in settlement.dead]
        applied = [self.plain.all[change.index].ended for change, _ in settlement.list_applied()]
        dead = [self.plain.of(entry).ended for entry in settlement.dead]
        assert set(applied) <= {"applied"}
        assert set(dead) <= {"dead"}
        self.collected = settlement, [*lines, *facts_of(settlement, letters, self.ledger)]

    def _line(self, entry: Entry) -> bytes:
        return entry.change.raw or self.bodies[entry.number].raw.encode()

    def _synced(self) -> None:
        assert self.collected is not None
        settlement = self.collected[0]
        self._durable()
        for entry in settlement.waiting:
            self.plain.of(entry).due = entry.due
        self.backlog.committed(settlement, self.now)
        if not self.backlog.settling:
            self._nothing_holds_the_watermark_back()

    def _nothing_holds_the_watermark_back(self) -> None:
        """What waits behind the queue is in the queue."""
        queued = {queued.index for queued in self.ledger.queue.values()}
        ahead = {change.index for change in self.unread}
        for known in self.plain.live():
            index = known.change.index
            assert (
                index in queued or index in ahead or not self.plain.to_queue(known.change, queued)
            )

    def _durable(self) -> None:
        assert self.collected is not None
        settlement, facts = self.collected
        self.collected = None
        self._fold(facts)
        for change, _ in settlement.list_applied():
            self.plain.all[change.index].durable = True
        for entry in settlement.dead:
            self.plain.of(entry).durable = True

    def _fold(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self.ledger.apply(fact)
            match fact:
                case DeadLetter():
                    self.letters.append(fact)
                case Queued():
                    self.bodies[fact.number] = fact
                case Requeued():
                    self.bodies[fact.new] = self.bodies[fact.old]
                case Closed():
                    self.closed.add(fact.letter)
                case _:
                    assert isinstance(fact, Superseded) or not isinstance(fact, DeadFact)

    @precondition(lambda self: self.age >= RUN_MIN)
    @rule(
        written=st.booleans(),
        compacted=st.booleans(),
        retried=st.lists(st.integers(0, 9), max_size=3),
    )
    def crash(self, written: bool, compacted: bool, retried: Sequence[int]) -> None:
        """The process is gone, what it was writing is there or not; the user may queue
        dead letters again; then the next run starts.
        """
        if written and self.collected is not None:
            self._durable()
        if compacted:
            self.ledger = self._compacted()
        self._fold(self._put_back(retried, count(self.ledger.next_number)))
        self._start()
        self._nothing_is_lost_between_queue_and_log()

    def _compacted(self) -> Ledger:
        """A ledger of the fewest facts that say the same, and of all letters."""
        ledger = Ledger()
        for letter in self.letters:
            ledger.apply(letter)
        for fact in self.ledger.facts():
            ledger.apply(fact)
        old, new = self.ledger.logs[LOG], ledger.logs[LOG]
        assert (new.counts, ledger.queue, new.watermark.index) == (
            old.counts,
            self.ledger.queue,
            old.watermark.index,
        )
        return ledger

    @precondition(lambda self: not self.in_flight and len(self.closed) < len(self.letters))
    @rule(choices=st.lists(st.integers(0, 9), min_size=1, max_size=3))
    def retry(self, choices: Sequence[int]) -> None:
        """The user has dead letters queued again while the run goes on: nothing is
        read or taken from when all is on disk until that is, too.
        """
        self.backlog.resting = True
        while self.collected is not None or self.backlog.settling:
            self.commit(True)
        facts = self._put_back(choices, self.backlog.numbers)
        assert not self.backlog.room()
        assert not self.backlog.has_batch(self.now + 100)
        assert self.backlog.wake_at(self.now) is None
        self._fold(facts)
        came_back = [queued for queued in facts if isinstance(queued, Queued)]
        inputs = {queued.input_id for queued in came_back}
        self.backlog.put_back(inputs, self.ledger.queue.values(), self.now)
        self.backlog.resting = False
        self.plain.lifted(inputs)
        for queued in came_back:
            known = self.plain.all[queued.index]
            known.forget()
            known.doubt = queued.doubt

    def _put_back(self, choices: Sequence[int], numbers: Iterator[int]) -> list[Fact]:
        """`syncer dead retry` of some of the open letters."""
        letters = []
        for choice in choices:
            still_open = [at for at in range(len(self.letters)) if at not in self.closed]
            if not still_open:
                break
            number = still_open[choice % len(still_open)]
            self.closed.add(number)
            found = OpenLetter(number, self.letters[number], superseded=False)
            known = self.plain.all[found.letter.index]
            assert (known.ended, known.durable) == ("dead", True)
            known.durable, known.ended = False, ""
            letters.append((found, known.change))
        return RetryQueue(self.ledger.queue.values(), numbers).put_back(letters)

    def _nothing_is_lost_between_queue_and_log(self) -> None:
        """After a start every live change is in the queue or ahead in the log, and the
        queue may go before the log.
        """
        ahead = {change.index for change in self.unread}
        queued = [queued.index for queued in self.ledger.queue.values()]
        assert sorted([*ahead, *queued]) == [known.change.index for known in self.plain.live()]
        for index in queued:
            assert (
                not {
                    known.change.index for known in self.plain.before(self.plain.all[index].change)
                }
                & ahead
            )

    # --- always -----------------------------------------------------------------------

    @invariant()
    def every_change_is_counted_once(self) -> None:
        """Read = applied + dead + waiting, on disk; and what is live is in the window
        or in the queue.
        """
        live = self.plain.live()
        counts = self.ledger.logs[LOG].counts
        assert counts.applied == sum(
            known.durable and known.ended == "applied" for known in self.plain.all
        )
        assert counts.dead == sum(
            known.durable and known.ended == "dead" for known in self.plain.all
        )
        assert counts.queued == len(self.ledger.queue)
        assert self.backlog.count == len(live) - len(self.unread)
        assert self.backlog.window_count >= 0
        assert self.backlog.queue_count >= 0
        if self.backlog.window_count == 0:
            assert self.backlog.window_bytes == 0

    def teardown(self) -> None:
        """All is well from now on: the run ends, and every change comes to its end."""
        for _ in range(20 * (1 + len(self.plain.all))):
            if self.in_flight:
                self._answer(0, "item by item", ["applied"] * BATCH_MAX, 0.01)
            self.commit(True)
            self.go_on(7.0, 1, 1)
            if not (self.unread or self.backlog.count or self.in_flight):
                break
        assert not self.plain.live(), f"never sent: {self.backlog!r}"
        assert not self.ledger.queue
        assert self.ledger.logs[LOG].watermark.index == len(self.plain.all)


def _follows(changes: Sequence[Change]) -> bool:
    """Whether these are neighbours, and the last is a post that is sent as it is."""
    first, last = changes[0], changes[-1]
    neighbours = last.index == first.index + len(changes) - 1
    return neighbours and last.verb == "post" and last.written is None


def _with_entries(batch: Batch) -> Batch:
    """The same with entries of its own: the backlog's posts stay side by side."""
    if batch.posts is None:
        return batch
    return Batch(batch.verb, [make_entry(change) for change in batch.posts], size=batch.size)
