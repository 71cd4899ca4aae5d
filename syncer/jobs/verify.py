"""Does the remote hold what the logs should have left? Logs folded by input, inputs
listed, compared.

logs ──read once──► parts on disk by input ──► a part in memory: groups of inputs
    ──listed ahead──► compared, in order

Memory holds one part and the groups under way, whatever the size of the logs.
"""

from __future__ import annotations

import heapq
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zlib import crc32

import orjson

from syncer.config import Loaded
from syncer.core.bits import NumberBits
from syncer.core.ledger import Ledger
from syncer.core.moves import Moved
from syncer.core.ports.pull import Done, Found, Unit, Units
from syncer.engine.turns import PARTLY_COMPARED
from syncer.errors import SyncerError, UsageError
from syncer.jobs.inputs import was_looked_at
from syncer.jobs.origins import clarifai_origin
from syncer.jobs.ours import SPOOL, named_logs
from syncer.jobs.recorded import Parts, Recorded
from syncer.jobs.signals import until_signal
from syncer.jobs.verified import SIGNS, Looked, Tell, Verified
from syncer.jobs.wiring import wired
from syncer.journal.dead import FILE as LETTERS
from syncer.journal.dead import unapplied
from syncer.journal.journal import DestinationId, Journal, check_destination
from syncer.remotes.clarifai.expected import Difference, Mark, compared, folded
from syncer.remotes.clarifai.listing import GROUP_MAX, AnnotationListing
from syncer.remotes.clarifai.selection import Selection
from syncer.sources.changelog import ChangeLog
from syncer.sources.choice import Chooser
from syncer.sources.chosen import ChosenLog
from syncer.sources.first_lines import refuse_what_is_not_a_log
from syncer.sources.lines import LineOptions

PART_BYTES = 4 << 20
"""Of the logs' size to a part; in memory it takes some four times as much."""
EVERY_ANNOTATION = Selection(all_makers=True, input_level=False)


class _Groups:
    """The inputs of the logs in groups, with what was recorded of them.

    Implements `syncer.core.pull.Listing`.
    """

    repeats = False

    def __init__(self, parts: Parts, listing: AnnotationListing, sample: set[str] | None) -> None:
        self.recorded: dict[str, dict[str, list[Recorded]]] = {}
        """By unit: the changes of its inputs, until they are taken."""
        self._parts = parts
        self._listing = listing
        self._sample = sample
        self._number = 0

    def units(self, after: str, done: Done | None = ()) -> Units:
        """A unit a group, in no particular order."""
        inputs: dict[str, list[Recorded]] = {}
        for part in self._parts:
            inputs |= {id: part[id] for id in part if self._sample is None or id in self._sample}
            yield from self._units(inputs, last=False)
        yield from self._units(inputs, last=True)

    def _units(self, inputs: dict[str, list[Recorded]], *, last: bool) -> Iterator[Unit]:
        """Full groups, taken out of the inputs; at the end what is left, too."""
        while group := self._listing.group_of(list(islice(inputs, GROUP_MAX))):
            if len(group) == len(inputs) and not last:
                return
            self._number += 1
            self.recorded[str(self._number)] = {id: inputs.pop(id) for id in group}
            yield self._listing.unit(group, str(self._number))


@dataclass(frozen=True, slots=True)
class Verification:
    """What is to be compared, and how."""

    loaded: Loaded
    logs: Sequence[str]
    """As named on the command line; none: every log that the state knows."""
    sample: int | None = None
    """Only so many of the inputs, chosen at random."""
    exclusive: bool = False
    """What the logs do not know of is a difference, too."""
    moved: Moved | None = None
    """What is said of files that may be known logs under new names."""

    @property
    def _state(self) -> Path:
        return Path(self.loaded.config.state.dir)

    async def run(self, tell: Tell) -> Verified:
        """Compare.

        Raises UsageError, StateError; what stops a run later is in what it returns.
        """
        origin = clarifai_origin(self.loaded, EVERY_ANNOTATION)
        assert isinstance(origin.listing, AnnotationListing)
        result = Verified()
        interrupted: list[int] = []
        with tempfile.TemporaryDirectory(prefix="syncer-verify-") as folder:
            ledger = self._ledger()
            parts, sample = await self._read(Path(folder), ledger, result)
            groups = _Groups(parts, origin.listing, sample)

            async def deliver(unit: Unit, found: Found) -> None:
                _compare(
                    groups.recorded.pop(unit.cursor), found, result, tell, exclusive=self.exclusive
                )

            left = ledger.destination  # a pause of its push holds for it, too
            kept_in = self._state if left.state == "paused" else None
            async with wired(
                origin,
                lambda _: None,
                left=left,
                state=kept_in,
                listing=groups,
                leaves=PARTLY_COMPARED,
            ) as engine:
                try:
                    await until_signal(lambda: engine.run("", deliver), engine.drain, interrupted)
                except SyncerError as error:
                    result.error = error
                result.requests = engine.ways["api"].turns.requests
        result.interrupted = interrupted[0] if interrupted and not engine.complete else None
        return result

    async def _read(
        self, folder: Path, ledger: Ledger, result: Verified
    ) -> tuple[Parts, set[str] | None]:
        """Every change that the remote should have taken, by input; and the inputs of
        the sample. Tells `result` what was left out.
        """
        left_out = unapplied(self._state / LETTERS, ledger.dead_size) if ledger.dead_size else {}
        logs = self._logs(ledger, folder, result)
        parts = Parts(folder, 1 + sum(_size(log) for log in logs) // PART_BYTES)
        chosen = _Sample(self.sample)
        push = self.loaded.config.push
        options = LineOptions(push.lists_without_ids, push.embed_model_version_id)
        for log in logs:
            if not was_looked_at(log, ledger.logs.get(log.number)):
                refuse_what_is_not_a_log(log.path, log.identity.label, options)
        for log in logs:
            dead = left_out.get(log.number, NumberBits())
            reader = ChangeLog(log.path, log.identity.label, log.number, options)
            try:
                while (chunk := await reader.read()) is not None:
                    for change in chunk.changes:
                        if change.index not in dead:
                            parts.add(change)
                            chosen.add(change.input_id)
                    result.bad_lines += len(chunk.bad)
            finally:
                await reader.close()
            if reader.unfinished and result.error is None:
                result.error = SyncerError(
                    f"{reader.unfinished}; what is before it was compared. Verify again when it is"
                    " whole"
                )
        parts.write()
        return parts, chosen.inputs()

    def _ledger(self) -> Ledger:
        """What the state folder holds; nothing where there is none.

        Raises StateError for the one of another destination.
        """
        state, clarifai = self._state, self.loaded.config.clarifai
        if not Journal.is_in(state):
            return Ledger()
        ledger, destination, _ = Journal.read_only(state)
        check_destination(
            state, destination, DestinationId(clarifai.base_url, clarifai.user_id, clarifai.app_id)
        )
        return ledger

    def _logs(self, ledger: Ledger, folder: Path, result: Verified) -> list[ChosenLog]:
        """The logs that a push would read, whether or not they are done.

        Tells `result` which of them are gone.
        """
        named = named_logs(self._state, sys.stdin.buffer, spool=folder)
        paths = [path for argument in self.logs for path in named.of(argument)]
        choice = Chooser(ledger, self._state / SPOOL).choose(
            paths if self.logs else None, self.moved
        )
        if not choice.logs and not choice.gone:
            raise UsageError(
                f"no change log to compare with: name one; the state {self._state} knows none"
            )
        result.gone = [ledger.logs[number].identity.label for number in choice.gone]
        result.notes += [
            *named.notes({log.path for log in choice.logs}, choice.unread),
            *choice.notes,
        ]
        return choice.logs


def _size(log: ChosenLog) -> int:
    """About how many bytes there are to read."""
    identity = log.identity
    return (
        identity.end
        if identity.end >= 0
        else identity.size * (10 if log.path.name.endswith(".gz") else 1)
    )


class _Sample:
    """So many inputs, each as likely as any other, in memory that does not grow."""

    def __init__(self, count: int | None) -> None:
        self._count = count
        self._salt = random.randbytes(8)  # noqa: S311 - a sample, not a secret
        self._lowest: list[tuple[int, str]] = []
        self._members: set[str] = set()

    def add(self, input_id: str) -> None:
        if self._count is None or input_id in self._members:
            return
        place = (-crc32(self._salt + input_id.encode()), input_id)
        self._members.add(input_id)
        if len(self._lowest) < self._count:
            heapq.heappush(self._lowest, place)
        else:
            self._members.discard(heapq.heappushpop(self._lowest, place)[1])

    def inputs(self) -> set[str] | None:
        """The sample; None: all."""
        return None if self._count is None else self._members


def _compare(
    recorded: dict[str, list[Recorded]],
    found: Found,
    result: Verified,
    tell: Tell,
    *,
    exclusive: bool,
) -> None:
    held: dict[str, dict[str, dict[str, object]]] = {}
    for row in found.rows:
        annotation = orjson.loads(row.line)
        if not annotation.get("model_version_id"):  # what models made is nobody's extra
            held.setdefault(row.key[0], {})[row.key[1]] = annotation
    unread = {problem.input_id: problem.reason for problem in found.problems}
    for input_id, changes in recorded.items():
        if (reason := unread.get(input_id)) is not None:
            result.unreadable += 1
            tell(Looked("!", input_id, reason=reason))
            continue
        for difference in compared(input_id, folded(changes), held.get(input_id, {})):
            _count(difference, result, tell, exclusive=exclusive)


def _count(found: Difference, result: Verified, tell: Tell, *, exclusive: bool) -> None:
    # It may be of a log that is gone.
    mark: Mark = "extra" if found.mark == "doubled" and result.gone else found.mark
    setattr(result, mark, getattr(result, mark) + 1)
    result.compared += mark in ("same", "missing", "differs")
    if mark == "extra" and not exclusive:
        return
    looked = Looked(SIGNS[mark], found.input_id, found.id, found.fields)
    result.differences += looked.differs
    tell(looked)
