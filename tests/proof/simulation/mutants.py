"""The safeguards of docs/reliability.md, switched off one by one: the simulation must
notice each, or it proves nothing.

A mutant is a patch that lives as long as a block. Nothing of it is in syncer.
"""

from __future__ import annotations

import random
import time
from collections import UserDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest import mock
from uuid import UUID

import anyio

from syncer.core import moves
from syncer.core.backlog import Backlog
from syncer.core.batch import Settlement
from syncer.core.change import Change, Verb
from syncer.core.destination import THROTTLED, DestinationState
from syncer.core.entry import Entry
from syncer.core.facts import OPEN, DeadFact, Destination, Fact, JournalFact, Queued
from syncer.core.ledger import Ledger
from syncer.core.looks import NextStep, judge_look
from syncer.core.moves import Decision, MovedHere, New
from syncer.core.outcome import InDoubt, Outcome
from syncer.core.retry_after import asked_seconds
from syncer.engine.clock import Clock
from syncer.engine.push import Push
from syncer.engine.sender import Sender
from syncer.engine.turns import Turn
from syncer.engine.whereabouts import Whereabouts
from syncer.journal.journal import Journal
from syncer.remotes.clarifai import codec
from syncer.remotes.clarifai.answers import ItemStatus
from syncer.sources.places import Places
from tests.proof.simulation.planned import drawn_planned
from tests.proof.simulation.push import simulate
from tests.proof.simulation.scenario import Scenario, drawn
from tests.proof.simulation.world import Result
from tests.support.disk import SimulatedDisk


@dataclass(frozen=True)
class Mutant:
    """`disk`: the disk to simulate with, where it is that which forgets. `draw`: the
    scenarios in which it shows. `first_seed`: where a search begins that would take
    minutes from 0; the seeds of a simulation that was changed are others.
    """

    safeguard: str
    without: str
    patch: Callable[[], AbstractContextManager[object]]
    disk: type[SimulatedDisk] = SimulatedDisk
    draw: Callable[[int], Scenario] = drawn
    first_seed: int = 0


@dataclass(frozen=True)
class Caught:
    """By which seed, and what was seen; no seed: it was not."""

    seed: int | None
    seeds: int
    wrong: str


def caught(mutant: Mutant, start: int, seeds_max: int) -> Caught:
    """Simulate with the safeguard off, from a seed on, until something is wrong."""
    for seed in range(start, start + seeds_max):
        with mutant.patch():
            result: Result = simulate(mutant.draw(seed), disk_type=mutant.disk)
        if result.wrong:
            return Caught(seed, seed - start + 1, result.wrong[0])
    return Caught(None, seeds_max, "")


# --- the patches ----------------------------------------------------------------------


def _by_position(
    verb: Verb,
    changes: Sequence[Change],
    items: Sequence[ItemStatus],
    *,
    stored: bool = True,
    silence_applied: bool = False,
) -> list[Outcome]:
    told: list[Outcome] = [
        codec._outcome(verb, item, silence_applied=silence_applied) for item in items
    ]
    return (told + [InDoubt("the answer does not mention it", omitted=True)] * len(changes))[
        : len(changes)
    ]


def _join_by_position() -> AbstractContextManager[object]:
    return mock.patch("syncer.remotes.clarifai.codec._join", _by_position)


def _ids_by_chance() -> AbstractContextManager[object]:
    rng = random.Random(1)
    return mock.patch(
        "syncer.sources.lines.make_id", lambda place, raw: UUID(int=rng.getrandbits(128)).hex
    )


class _Forgetful(UserDict[Any, Any]):
    """Keeps nothing."""

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def __getitem__(self, key: object) -> None:
        return None


def _nothing_held() -> AbstractContextManager[object]:
    made = Backlog.__init__

    def init(self: Backlog, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **named)
        self._order._tails = _Forgetful()  # type: ignore[assignment]

    return mock.patch.object(Backlog, "__init__", init)


class _WithoutSync(SimulatedDisk):
    """Says that it is done."""

    def sync(self, descriptor: int) -> None:
        pass


class _WithoutFolderSync(SimulatedDisk):
    """Names may be lost."""

    def sync_folder(self, folder: Any) -> None:
        pass


def _queue_left_out() -> AbstractContextManager[object]:
    facts = Ledger.facts

    def without(self: Ledger) -> Iterator[JournalFact]:
        return (fact for fact in facts(self) if not isinstance(fact, Queued))

    return mock.patch.object(Ledger, "facts", without)


def _no_read_back() -> AbstractContextManager[object]:
    async def not_asked(self: Sender, entries: Sequence[Entry], turn: Turn) -> list[Entry]:
        turn.give_back()
        return list(entries)

    return mock.patch.object(Sender, "_not_settled_by_look_up", not_asked)


class _NoLock:
    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


@contextmanager
def _many_committers() -> Iterator[None]:
    made, send = Push.__init__, Push._send

    def init(self: Push, **named: Any) -> None:
        made(self, **named)
        self._one_at_a_time = _NoLock()  # type: ignore[assignment]

    async def send_and_commit(self: Push, batch: Any, turn: Turn) -> None:
        await send(self, batch, turn)
        await self._commit()

    with (
        mock.patch.object(Push, "__init__", init),
        mock.patch.object(Push, "_send", send_and_commit),
    ):
        yield


def _pauses_forgotten() -> AbstractContextManager[object]:
    return mock.patch.object(DestinationState, "fact", lambda *_: OPEN)


def _pauses_by_their_end() -> AbstractContextManager[object]:
    return mock.patch.object(
        Destination, "left_seconds", lambda self, now, _: max(0.0, self.until - now)
    )


def _by_the_wall_clock() -> AbstractContextManager[object]:
    return mock.patch.object(Clock, "__call__", lambda _: time.time())


def _seconds_as_they_come() -> AbstractContextManager[object]:
    def asked(header: str | None, date: str | None, now: float) -> float | None:
        return (
            max(0.0, float(header))
            if header and header.lstrip("-").isdecimal()
            else asked_seconds(header, date, now)
        )

    return mock.patch("syncer.engine.turns.asked_seconds", asked)


def _waits_of_throttles_only() -> AbstractContextManager[object]:
    return mock.patch.object(
        DestinationState,
        "asked_to_wait",
        lambda self, now, seconds, why: self._pause(now, seconds) if why == THROTTLED else None,
    )


def _refusals_believed() -> AbstractContextManager[object]:
    return mock.patch.object(Whereabouts, "doubts", lambda *_: False)


def _letters_late() -> AbstractContextManager[object]:
    commit = Journal.commit

    def settled_first(self: Journal, facts: Sequence[Fact]) -> None:
        commit(self, [fact for fact in facts if not isinstance(fact, DeadFact)])
        commit(self, [fact for fact in facts if isinstance(fact, DeadFact)])

    return mock.patch.object(Journal, "commit", settled_first)


@contextmanager
def _successors_at_once() -> Iterator[None]:
    collect, committed = Backlog.collect, Backlog.committed

    def collect_and_release(self: Backlog) -> Settlement:
        settlement = collect(self)
        ended = Settlement(settlement.applied, settlement.posts, settlement.dead)
        committed(self, ended, anyio.current_time())
        return settlement

    def rest(self: Backlog, settlement: Settlement, now: float) -> None:
        committed(self, Settlement(queued=settlement.queued, waiting=settlement.waiting), now)

    with (
        mock.patch.object(Backlog, "collect", collect_and_release),
        mock.patch.object(Backlog, "committed", rest),
    ):
        yield


def _known_by_path() -> AbstractContextManager[object]:
    def paths_only(*arguments: Any) -> list[Decision | None]:
        decisions = moves.decide(*arguments)
        return [New() if isinstance(decision, MovedHere) else decision for decision in decisions]

    return mock.patch("syncer.sources.choice.decide", paths_only)


def _rotated_left_out() -> AbstractContextManager[object]:
    return mock.patch.object(Places, "list_rotated", lambda self, path: [])


def _planned_all_the_same() -> AbstractContextManager[object]:
    def judge(change: Change, digest: str | None, *, shown: bool) -> NextStep:
        step = judge_look(change, digest, shown=shown)
        return "send" if step == "changed" else step

    return mock.patch("syncer.engine.looking.judge_look", judge)


MUTANTS = (
    Mutant("answers are joined by id", "by position", _join_by_position),
    Mutant(
        "ids stay the same over retries and restarts", "drawn anew for each reading", _ids_by_chance
    ),
    Mutant("a change is held until its predecessor is over", "sent at once", _nothing_held),
    Mutant("what is written is synced", "left to the system", nullcontext, _WithoutSync),
    Mutant(
        "renames are made durable", "the folder is never synced", nullcontext, _WithoutFolderSync
    ),
    Mutant("a compacted journal holds the retry queue", "the queue is left out", _queue_left_out),
    Mutant("what is in doubt is read back", "nothing is asked", _no_read_back),
    Mutant("one committer, in order", "every sender writes its own", _many_committers),
    Mutant("a pause outlives the process", "it is not written down", _pauses_forgotten),
    Mutant(
        "a pause is never longer than was asked",
        "it ends when the clock says so",
        _pauses_by_their_end,
    ),
    Mutant("a run counts by a clock that cannot be set", "by the wall clock", _by_the_wall_clock),
    Mutant(
        "a throttle that names no usable time pauses",
        "its 0 is taken for a time",
        _seconds_as_they_come,
    ),
    Mutant("a 5xx may ask to wait", "only throttles may", _waits_of_throttles_only),
    Mutant(
        "the app is asked for before a refusal is believed", "it is believed", _refusals_believed
    ),
    Mutant(
        "a dead letter is there before its change counts as over",
        "written afterwards",
        _letters_late,
    ),
    Mutant(
        "a successor goes once its predecessor's end is synced",
        "once it is known",
        _successors_at_once,
        first_seed=85,
    ),
    Mutant("a log is known by what is in it", "by its path", _known_by_path),
    Mutant(
        "the rest of a rotated log is read",
        "only what has its name",
        _rotated_left_out,
        first_seed=94,
    ),
    Mutant(
        "a planned change is never sent where somebody else changed its annotation",
        "it is sent all the same",
        _planned_all_the_same,
        draw=drawn_planned,
    ),
)
"""All nineteen."""
