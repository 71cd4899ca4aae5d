"""The script whose every file operation is a crash point: pushes, a retry and a drop of
dead letters, on one disk, against one remote.

The same commands are what recovers: whoever was interrupted gives the command again,
and goes on with the rest.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import msgspec

from syncer.core.backlog import Backlog
from syncer.core.backoff import Backoff
from syncer.core.bits import KeyBits
from syncer.core.deletions import Deletions
from syncer.core.destination import DestinationState
from syncer.core.facts import Fact
from syncer.core.limits import Limits
from syncer.core.pace import Concurrency, Pace
from syncer.engine.clock import Clock as RunClock
from syncer.engine.intake import Intake
from syncer.engine.push import Push
from syncer.engine.turns import Turns
from syncer.errors import StateError, SyncerError, UsageError
from syncer.jobs import dead as dead_lane
from syncer.jobs.inputs import ReadingOptions, open_inputs
from syncer.journal.dead import letter_at, open_letters
from syncer.journal.journal import DestinationId, Journal
from syncer.remotes.clarifai import Clarifai
from syncer.sources.lines import LineOptions
from tests.journal.made import state
from tests.proof.crash.remote import APP, USER, Held, Remote
from tests.proof.simulation.clock import Clock, virtual
from tests.support.disk import STATE, SimulatedDisk

DESTINATION = DestinationId("http://127.0.0.1:1", USER, APP)
RETRY = (0.5, 4.0, 5.0, 20.0)
"""Base, cap, throttle and give-up seconds."""
CREATED_BYTES = 1 << 12
FAILED_FOR_NOW, INVALID = 24152, 24155


def post(input_id: str, id: str | None, **concepts: float) -> str:
    return _line({"op": "post", "annotation": _annotation(input_id, id, concepts)})


def bare(input_id: str, id: str, **concepts: float) -> str:
    return _line(_annotation(input_id, id, concepts))


def patch(action: str, input_id: str, id: str, **concepts: float) -> str:
    return _line(
        {"op": "patch", "action": action, "annotation": _annotation(input_id, id, concepts)}
    )


def delete(input_id: str, id: str | None = None) -> str:
    return _line(
        {"op": "delete", "annotation": {"input_id": input_id} | ({"id": id} if id else {})}
    )


def _annotation(input_id: str, id: str | None, concepts: Mapping[str, float]) -> dict[str, object]:
    items = [{"id": name, "value": value} for name, value in concepts.items()]
    return ({"id": id} if id else {}) | {"input_id": input_id, "data": {"concepts": items}}


def _line(value: object) -> str:
    return msgspec.json.encode(value).decode()


FIRST = (
    post("i1", "a", tree=1),
    post("i1", "b", tree=1),
    post("i2", "c", tree=1),
    bare("i2", "d", tree=0.5),
    post("i3", None, water=1),
    "this is no change",  # 6
    patch("merge", "i1", "a", water=0),
    patch("overwrite", "i1", "b", sky=1),
    post("i4", "x", tree=1),
    delete("i2", "c"),
    patch("merge", "i9", "zz", tree=1),  # 11: not there
    post("i5", "e", tree=1),
    patch("merge", "i5", "e", car=0.5),
    post("i6", "f", tree=1),
    post("i6", "g", tree=1),
    delete("i6"),
    post("i6", "h", tree=1),
    # not the user's
    _line({"id": "m", "input_id": "i1", "model_version_id": "v", "data": {}}),
    patch("overwrite", "i1", "a", sky=0.5),
    patch("merge", "i4", "x", water=1),  # 20: refused at first
    patch("overwrite", "i4", "x", car=1),  # fails as long
    post("i9", "zz", car=1),  # what came too early in line 11 is out of date
    patch("remove", "i5", "e", tree=1),
)
MORE = (
    delete("i1", "b"),
    post("i7", "k", tree=1),
    patch("overwrite", "i7", "k", sky=1),
    patch("merge", "i1", "a", tree=0.5),
    delete("i3"),
    post("i3", "n", car=1),
    patch("merge", "i4", "x", sky=0),
)
WANTED: Held = {
    ("i1", "a"): {"sky": 0.5, "tree": 0.5},
    ("i2", "d"): {"tree": 0.5},
    ("i4", "x"): {"car": 1, "sky": 0},
    ("i5", "e"): {"car": 0.5},
    ("i6", "h"): {"tree": 1},
    ("i9", "zz"): {"car": 1},
    ("i7", "k"): {"sky": 1},
    ("i3", "n"): {"car": 1},
}
OPEN_LETTERS = [(11, True)]
"""(line, superseded) of the dead letters that are left."""
COUNTS = {"applied": 27, "ignored": 2, "dead": 1, "queued": 0}


@dataclass(frozen=True)
class Step:
    """A command of the script, and what goes wrong with the remote during it."""

    command: str
    lines: Sequence[str] = FIRST
    """The log, as it is by then."""
    faults: Mapping[int, str] = field(default_factory=dict)
    """By number of the request; not when the command is given again."""
    items: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """By action (of a patch) or method, and id: the codes that they fail with."""
    outage_from: int = 1 << 30
    """From this request on, nothing but errors: the push gives up."""


STEPS = [
    Step(
        "push",
        faults={2: "answer lost", 4: "throttle", 6: "html", 8: "reset", 11: "answer lost"},
        items={
            "merge x": [INVALID] * 99,
            "overwrite x": [FAILED_FOR_NOW] * 99,
            "POST e": [FAILED_FOR_NOW],
        },
        outage_from=21,
    ),
    Step("retry 20"),
    Step("drop 6"),
    Step("push", faults={1: "refused", 3: "answer lost"}),
    Step("push", (*FIRST, *MORE), {2: "reset", 3: "answer lost", 5: "throttle"}),
]


@dataclass
class World:
    """One disk, one remote, one clock; processes come and go."""

    folder: Path
    """For the log, which is on no simulated disk."""
    seed: int
    disk: SimulatedDisk = field(default_factory=SimulatedDisk)
    image: bytes | None = None
    durable: Callable[[Journal], None] = lambda _: None
    """Told of every start and every commit that returned."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.clock = Clock()
        self.remote = Remote(self.rng, self.image)

    def play(self, steps: Sequence[Step], *, faults: bool) -> None:
        """Give these commands, one after another.

        Raises whatever a crash is, and StateError.
        """
        log = self.folder / "log.jsonl"
        for step in steps:
            text = "".join(f"{line}\n" for line in step.lines)
            if not log.exists() or log.read_text() != text:
                log.write_text(text)
            self.remote.requests = 0
            self.remote.faults = step.faults if faults else {}
            self.remote.items = {item: list(codes) for item, codes in step.items.items()}
            self.remote.outage_from = step.outage_from
            command, _, line = step.command.partition(" ")
            with self._here():
                if command == "push":
                    self.clock.run(partial(self._push, log))
                else:
                    self._letters(command, f"{log}:{line}")

    async def _push(self, log: Path) -> None:
        journal = self._recording(Journal.open(STATE, DESTINATION, disk=self.disk))
        try:
            inputs, facts = open_inputs(
                [str(log)],
                journal.ledger,
                self.folder,
                ReadingOptions(LineOptions()),
                sys.stdin.buffer,
            )
            journal.commit(facts)
            now = RunClock()
            destination = DestinationState(*RETRY)
            destination.restore(journal.ledger.destination, now())
            pace = Pace(20.0)
            turns = Turns(
                self.remote, pace, Concurrency(4, pace), destination, now, self.rng, lambda _: None
            )
            engine = Push(
                intake=Intake([inputs], lambda _: None),
                remote=Clarifai(USER, APP),
                journal=journal,
                created=KeyBits(bytearray(CREATED_BYTES)),
                backlog=Backlog(
                    Limits(batch_size=3, linger_seconds=0.02, max_attempts=90),
                    journal.ledger.next_number,
                ),
                turns=turns,
                deletions=Deletions(journal.ledger.deleted),
                backoff=Backoff(*RETRY[:2], self.rng),
            )
            try:
                await engine.run()
            except SyncerError as error:
                if "the state is kept" not in str(error):
                    raise
            finally:
                await inputs.close()
        finally:
            journal.close()

    def _letters(self, command: str, place: str) -> None:
        selector = dead_lane.Selector((dead_lane.LetterPlace.parse(place),))
        try:
            if command == "retry":
                assert dead_lane.LettersToRetry(STATE, selector, LineOptions()).write().queued == 1
            else:
                dead_lane.LettersToDrop(STATE, selector).write()
        except (UsageError, StateError) as error:
            # Done before the crash, or the change did not die this time, or all is
            # asked again.
            if not str(error).startswith(("no dead letter matches", "no state at")):
                raise

    def _recording(self, journal: Journal) -> Journal:
        commit = journal.commit

        def committed(facts: Sequence[Fact]) -> None:
            commit(facts)
            self.durable(journal)

        self.durable(journal)
        journal.commit = committed  # type: ignore[method-assign]
        return journal

    @contextmanager
    def _here(self) -> Iterator[None]:
        """Virtual time, small compactions, and dead-letter commands on this disk."""
        disk = self.disk

        def opened(folder: Path, destination: DestinationId | None) -> Journal:
            return self._recording(Journal.open(folder, destination, disk=disk))

        with ExitStack() as stack:
            stack.enter_context(virtual(self.clock, self.rng, lambda: self.rng.random() * 0.002))
            stack.enter_context(mock.patch("syncer.journal.journal.COMPACT_BYTES_MIN", 3000))
            stack.enter_context(mock.patch("syncer.journal.journal.COMPACT_RATIO", 1.5))
            stack.enter_context(
                mock.patch.object(dead_lane, "Journal", SimpleNamespace(open=opened))
            )
            stack.enter_context(
                mock.patch.object(dead_lane, "open_letters", partial(open_letters, disk=disk))
            )
            stack.enter_context(
                mock.patch.object(dead_lane, "letter_at", partial(letter_at, disk=disk))
            )
            yield

    # --- what came of it --------------------------------------------------------------

    def wrong(self) -> list[str]:
        """How the end differs from what the log gives; nothing where it does not."""
        journal = Journal.open(STATE, DESTINATION, disk=self.disk)
        ledger = journal.ledger
        letters = list(open_letters(STATE / "dead.jsonl", ledger.dead_size, disk=self.disk))
        journal.close()
        held, wrong = self.remote.held(), []
        if held != WANTED:
            wrong.append(f"the remote holds {held}")
        if [(found.letter.line, found.superseded) for found in letters] != OPEN_LETTERS:
            told = [(found.letter.line, found.superseded, found.letter.reason) for found in letters]
            wrong.append(f"dead letters: {told}")
        (log,) = ledger.logs.values()
        counts = {name: getattr(log.counts, name) for name in COUNTS}
        if counts != COUNTS or ledger.queue or log.watermark.index != sum(COUNTS.values()):
            wrong.append(f"counts: {counts}, waiting: {ledger.queue}, settled: {log.watermark}")
        return wrong


__all__ = ["COUNTS", "DESTINATION", "STEPS", "Step", "World", "state"]
